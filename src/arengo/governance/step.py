"""One step of an agreement: transition looked up, guard checked, row changed and stamped, record told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from arengo.contract.model import EMPTY
from arengo.errors import BadForm, Busy, Conflict, NotAllowed
from arengo.governance import dossier
from arengo.governance.agreement import Agreement, Terms, compare, fingerprint_of
from arengo.governance.approval import (
    is_person,
    member,
    not_the_requester,
    steward,
)
from arengo.governance.caller import Caller
from arengo.governance.holdings import Holdings
from arengo.governance.transition import Transition, transition

RECORDER = "agreement-record"
"""Name of the reader of stamps that writes them into the ledger."""
THE_RULE = "arengo"
"""Who acts when nobody does: the owner's rule, the clock."""
LONGEST_WHY = 2000


class Steps(Holdings):
    """What all actions share."""

    def record(self) -> int:
        """Tell the record every step it has not heard of, in order; how many. Called after each step, and by the clock
        for what a kill left over."""
        count = 0
        with contextlib.suppress(Busy), self.state.hold(RECORDER, wait=5.0):
            while True:
                with self.state.read() as connection:
                    stamps = dossier.stamps_after(connection, dossier.place(connection, RECORDER), 100)
                if not stamps:
                    break
                for stamp in stamps:
                    with self.state.read() as connection:
                        item = dossier.one(connection, stamp.agreement)
                    self._tell(
                        "agreement", actor=stamp.actor, organisation=stamp.organisation,
                        dataset=item.dataset if item else "",
                        body={"agreement": stamp.agreement, "step": stamp.seq, "action": stamp.action,
                              "at": stamp.at.isoformat(), "from": stamp.before, "to": stamp.after, "why": stamp.why,
                              "behalf": stamp.behalf, **dict(stamp.body)},
                    )  # fmt: skip
                    with self.state.write() as connection:
                        dossier.keep_place(connection, RECORDER, stamp.seq)
                    count += 1
        return count

    @contextlib.contextmanager
    def _step(self) -> Iterator[Connection]:
        with self.state.write() as connection:
            yield connection
            self.state.bump(connection)

    def _after(self, id: str) -> Agreement:
        self.record()
        return self.get(id)

    def _open(self, id: str, by: Caller, seen: int | None) -> Agreement:
        item = self.get(id, by)
        if seen is not None and seen != item.revision:
            raise Conflict("It was changed since you looked at it.", todo="Look at it again.")
        return item

    def _may(self, item: Agreement, action: str, by: Caller, behalf: str = "") -> str:
        """Check the transition and its guard; the organisation acted for. Raises Conflict, NotAllowed."""
        moved = transition(item.state, action)
        if not is_person(by):
            raise NotAllowed("A program does not decide about agreements.", todo="Sign in as a person.")
        if moved.who == "consumer" or (moved.who == "either" and not behalf and member(by, item.organisation)):
            if behalf:
                raise NotAllowed("Only approvers let others stand in for them.", todo="Act as yourself.")
            if not member(by, item.organisation):
                raise NotAllowed(
                    f"Only people of {item.organisation} may {said(action)} this request.", todo="Ask one of them."
                )
            return item.organisation
        owner = self.owner(item)
        if moved.who == "either":
            who = self.delegations.principal(behalf, by, owner) if behalf else by
            if not steward(who, owner):
                raise NotAllowed(f"That is decided by a steward of {owner}.", todo="Ask one of them.")
            return owner
        due = self.due(item)
        if action in ("approve", "confirm") and (action == "confirm") != (due.number == 2):
            raise Conflict("Another approval is due first.", todo=f"It is given by {due}.")
        not_the_requester((by.party, behalf), item)
        who = self.delegations.principal(behalf, by, owner) if behalf else by
        entitled = [due] if action in ("approve", "confirm") else list(self.levels(item))
        if not any(level.entitles(who, self.named) for level in entitled):
            raise NotAllowed(f"That is decided by {due}.", todo="Ask for the decision there.")
        given = {name for approval in item.approvals for name in (approval.who, approval.behalf) if name}
        if action == "confirm" and given & {by.party, behalf}:
            raise NotAllowed("You gave the first approval.", todo="Another person has to give the second.")
        return owner

    def _plain(
        self, id: str, action: str, after: str, by: Caller, why: str, seen: int | None, behalf: str = "",
        void: bool = False,
    ) -> Agreement:  # fmt: skip
        item = self._open(id, by, seen)
        moved = transition(item.state, action)
        organisation = self._may(item, action, by, behalf)
        self._words(moved, why)
        values: dict[str, Any] = {}
        if void:  # what was granted so far is void with the approvals: what is asked holds again
            assert item.asked is not None
            values = {"void": True, "requested_by": "", "requested_at": None, "plan": item.asked.plan,
                      "volume": item.asked.volume, "valid_from": item.asked.valid_from,
                      "valid_to": item.asked.valid_to}  # fmt: skip
        with self._step() as connection:
            if void:
                dossier.unapprove(connection, id)
            dossier.move(
                connection, item, after, action=action, at=self.now(), actor=by.party, organisation=organisation,
                behalf=behalf, why=why_of(why), **values,
            )  # fmt: skip
        return self._after(id)

    def _activate(
        self, connection: Connection, item: Agreement, terms: Terms, *, action: str, actor: str, why: str,
        behalf: str = "", more: Mapping[str, Any] = EMPTY,
    ) -> None:  # fmt: skip
        """The step to active, and the end of the agreement it follows. ``more``: what else the record says of it."""
        now, purpose = self.now(), self.purposes.get(item.purpose)
        body = grant_of(item, terms) | {"fingerprint": fingerprint_of(item, terms, purpose.as_json()), **more}
        organisation = "" if actor == THE_RULE else self.owner(item)
        dossier.move(
            connection, item, "active", action=action, at=now, actor=actor, organisation=organisation, behalf=behalf,
            why=why, granted=terms, body=body,
        )  # fmt: skip
        before = dossier.one(connection, item.follows) if item.follows else None
        if before is not None and before.state in ("active", "suspended"):
            transition(before.state, "supersede")
            dossier.move(
                connection, before, "superseded", action="supersede", at=now, actor=THE_RULE,
                why=f"Followed by {item.id}.", body={"by": item.id},
            )  # fmt: skip

    @staticmethod
    def _words(moved: Transition, why: str) -> None:
        if moved.reason and len(why.strip()) < 3:
            raise BadForm("This needs a reason.", todo="Say why, for those who are concerned.")


def grant_of(item: Agreement, terms: Terms) -> dict[str, Any]:
    """What a stamp of a grant holds: the terms, and where they are less than was asked."""
    assert item.asked is not None
    less = [
        {"what": one.what, "column": one.column, "asked": one.asked, "granted": one.granted}
        for one in compare(item.asked, terms)
    ]
    return {"granted": terms.as_json(), "less": less}


def why_of(text: str) -> str:
    if len(text) > LONGEST_WHY:
        raise BadForm(f"The reason has more than {LONGEST_WHY:,} characters.", todo="Shorten it.")
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\u200c\u200d").strip()


def said(action: str) -> str:
    return {"submit": "send", "discard": "give up"}.get(action, action)
