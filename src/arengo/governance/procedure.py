"""How an agreement comes about, changes and ends: the one place that does it.

Each action looks its transition up in :mod:`arengo.governance.transition`, checks the guard, and makes the step with
its stamp in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from arengo.contract.load import sha
from arengo.contract.model import EMPTY
from arengo.errors import ArengoError, BadForm, Conflict, NotAllowed, UnknownDataset
from arengo.governance import dossier
from arengo.governance.agreement import FLAGS, Agreement, Approval, Terms
from arengo.governance.approval import (
    is_person,
    member,
    narrowed,
    steward,
)
from arengo.governance.caller import CITY_WIDE, Caller
from arengo.governance.holdings import Overlap
from arengo.governance.owner import owner_of
from arengo.governance.product import Product, lock
from arengo.governance.request import Requests
from arengo.governance.step import THE_RULE, grant_of, why_of
from arengo.governance.transition import transition
from arengo.state.agreements import agreement
from arengo.state.tables import contract as contracts

AT_ONCE = 200
"""Most decisions taken in one go."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of several decisions. ``error`` is None when it was made."""

    id: str
    agreement: Agreement | None
    error: ArengoError | None = None


def _exposed(item: Agreement, found: Overlap) -> str:
    if not found.people:
        return "What this lets its reader put together could not be compared."
    return (
        f"Together with what {item.organisation} reads already and what is public, {found.people:,} people would come "
        f"out of the groups of at least {found.k} that hide them."
    )


class Agreements(Requests):
    """All agreements of a city, and every action on them.

    Every action takes ``by`` (who acts), ``why`` (words for the history), ``behalf`` (the person stood in for) and
    ``seen`` (the revision that was looked at; None for whatever it is now). It raises NotFound for what ``by`` may not
    see, NotAllowed for what it may not do, Conflict when the agreement is in no state for it or somebody was quicker,
    BadForm for what cannot be read. The result is the agreement after it.
    """

    # ---- the owner --------------------------------------------------------------------------------------------------

    def approve(
        self, id: str, *, by: Caller, why: str = "", behalf: str = "", terms: Terms | None = None,
        seen: int | None = None,
    ) -> Agreement:  # fmt: skip
        """Give the approval that is due. ``terms``: what is granted, never wider than asked; None for all of it."""
        item = self._open(id, by, seen)
        due = self.due(item)
        action = "confirm" if due.number == 2 else "approve"
        self._may(item, action, by, behalf)
        contract = self._contract(item.dataset)
        if sha(contract) != item.contract_sha and self.standing(item, contract).verdict != "stands":
            raise Conflict(
                "The contract has changed since this was asked for.",
                todo="Send it back, so that it is asked for under the contract in force.",
            )
        if not self.products.of(contract, self.now()).renewable:
            raise Conflict("The dataset is not offered now.", todo="Offer it again first.")
        assert item.asked is not None
        most = item.terms if item.approvals else item.asked
        wanted = most if terms is None else narrowed(contract, most, self._checked(contract, terms))
        if wanted.rows:
            self._rows(contract, wanted.rows)
        if wanted.valid_to <= self.now():
            raise Conflict("The end that was asked for has passed.", todo="Send it back.")
        found = self.together(item, wanted)
        if found is not None and (found.people or item.id in found.unseen) and len(why.strip()) < 3:
            raise BadForm(_exposed(item, found), todo="Give less, or say why it is needed: the reason stays on record.")
        noted = {"together": found.as_json()} if found is not None else {}
        given = Approval(by.party, self.now(), why_of(why), behalf, due.number)
        last = len(item.approvals) + 1 >= len(self.levels(item))
        with self._step() as connection:
            lock(connection, item.dataset, given.at)
            before = dossier.one(connection, item.follows) if item.follows else None
            if before is not None and dossier.by_platform(connection, before):
                raise Conflict(
                    f"The platform has suspended {before.id}, which this one follows.",
                    todo="An administrator of the city can resume it.",
                )
            if last and (other := dossier.rival(connection, item)):
                raise Conflict(f"There is an agreement for this purpose already: {other}.", todo="Look at that one.")
            dossier.approve(connection, id, given)
            if last:
                self._activate(
                    connection, item, wanted, action=action, actor=by.party, why=given.why, behalf=behalf, more=noted
                )
            else:
                dossier.move(
                    connection, item, "pending", action=action, at=given.at, actor=by.party, behalf=behalf,
                    why=given.why, organisation=self.owner(item), granted=wanted, body=grant_of(item, wanted) | noted,
                )  # fmt: skip
        return self._after(id)

    def reject(self, id: str, *, by: Caller, why: str, behalf: str = "", seen: int | None = None) -> Agreement:
        """Say no, with the reason."""
        return self._plain(id, "reject", "rejected", by, why, seen, behalf)

    def send_back(self, id: str, *, by: Caller, why: str, behalf: str = "", seen: int | None = None) -> Agreement:
        """Ask for corrections: it becomes a draft again (the action ``return``)."""
        return self._plain(id, "return", "draft", by, why, seen, behalf, void=True)

    # ---- either side ------------------------------------------------------------------------------------------------

    def suspend(
        self, id: str, *, by: Caller, why: str, behalf: str = "", side: str = "", seen: int | None = None
    ) -> Agreement:
        """Stop reading for a while; felt at the next request. ``side``: consumer, owner or platform, where ``by`` may
        act for several."""
        item = self._open(id, by, seen)
        moved = transition(item.state, "suspend")
        flag = self._flag(item, by, side, behalf)
        if flag in item.suspended_by:
            raise Conflict(f"The {flag} has suspended it already.")
        self._words(moved, why)
        self._flagged(item, "suspend", "suspended", item.suspended_by | {flag}, flag, by, why, behalf)
        return self._after(id)

    def resume(
        self, id: str, *, by: Caller, why: str = "", behalf: str = "", side: str = "", seen: int | None = None
    ) -> Agreement:
        """Lift the caller's own flag."""
        item = self._open(id, by, seen)
        transition(item.state, "resume")
        flag = self._flag(item, by, side, behalf, item.suspended_by)
        if flag not in item.suspended_by:
            others = " and ".join(sorted(item.suspended_by))
            raise NotAllowed(f"It was suspended by the {others}.", todo=f"The {others} can resume it.")
        left = item.suspended_by - {flag}
        if flag == "platform" and self.standing(item).verdict != "stands":
            raise Conflict(f"The contract has changed: {self.standing(item).words}", todo="Ask for the upgrade.")
        self._flagged(item, "resume", "suspended" if left else "active", left, flag, by, why, behalf)
        return self._after(id)

    def revoke(self, id: str, *, by: Caller, why: str, behalf: str = "", seen: int | None = None) -> Agreement:
        """End it for good, from either side."""
        return self._plain(id, "revoke", "revoked", by, why, seen, behalf)

    def decide(
        self, ids: Sequence[str], action: str, *, by: Caller, why: str = "", behalf: str = ""
    ) -> tuple[Outcome, ...]:
        """One decision about several: approve, reject, send_back, suspend, resume or revoke; each stands alone."""
        act = {"approve": self.approve, "reject": self.reject, "send_back": self.send_back, "return": self.send_back,
               "suspend": self.suspend, "resume": self.resume, "revoke": self.revoke}.get(action)  # fmt: skip
        if act is None:
            raise BadForm(f"{action[:40]!r} cannot be done to several at once.", todo="Decide about each.")
        if len(ids) > AT_ONCE:
            raise BadForm(f"At most {AT_ONCE} are decided in one go.", todo="Choose fewer.")
        out: list[Outcome] = []
        for one in dict.fromkeys(ids):
            try:
                out.append(Outcome(one, act(one, by=by, why=why, behalf=behalf)))
            except ArengoError as error:
                out.append(Outcome(one, None, error))
        return tuple(out)

    # ---- what the owner offers --------------------------------------------------------------------------------------

    def offer(self, dataset: str, state: str, *, by: Caller, why: str = "", until: datetime | None = None) -> Product:
        """The owner's decision about a product: ``suspended`` (nobody reads), ``deprecated`` (nobody asks any more;
        read until ``until``), '' (as the contract says)."""
        contract = self._contract(dataset)
        owner, now = owner_of(contract), self.now()
        if not steward(by, owner):
            raise NotAllowed(f"That is decided by a steward of {owner}.", todo="Ask one of them.")
        if state not in ("", "suspended", "deprecated"):
            raise BadForm(f"A product cannot be made {state[:40]!r}.", todo="Write suspended, deprecated or nothing.")
        if until is not None and (state != "deprecated" or until.tzinfo is None or until <= now):
            raise BadForm("The end is not a later time, or the product is not deprecated.", todo="Correct the end.")
        if state == "suspended" and not why.strip():
            raise BadForm("A suspension needs a reason.", todo="Say why, for those who read.")
        with self.state.write() as connection:
            self.products.put(connection, dataset, state=state, until=until, by=by.party, why=why_of(why), at=now)
            self.state.bump(connection)
        self._tell(
            "administration", actor=by.party, organisation=owner, dataset=dataset,
            body={"act": f"product {state or 'offered'}", "why": why_of(why), "until": until and until.isoformat()},
        )  # fmt: skip
        return self.product(dataset)

    # ---- by itself --------------------------------------------------------------------------------------------------

    def expire(self) -> tuple[Agreement, ...]:
        """End what is past its term, requests too: silence never grants. Those that ended."""
        now, c = self.now(), agreement.c
        over = self._list(c.valid_to <= now, ("pending", "active", "suspended"), c.valid_to, c.id, limit=1000)
        return self._by_clock(over, "expire", "expired", lambda item: "Its term is over.")

    def review(self) -> tuple[Agreement, ...]:
        """Suspend what the contract in force no longer carries: at once where more would be given out than was agreed,
        after the time of grace where it was to be asked for again. Those that were suspended."""
        due: list[Agreement] = []
        reasons: dict[str, str] = {}
        for item in self.moved("active", "suspended"):
            if "platform" in item.suspended_by:
                continue
            try:
                contract = self._contract(item.dataset)
            except UnknownDataset:
                continue
            found = self.standing(item, contract)
            if found.verdict == "stop" or (found.verdict == "ask" and self.grace(item) <= self.now()):
                due.append(item)
                reasons[item.id] = found.words
        flags = {item.id: {"suspended_by": sorted({*item.suspended_by, "platform"})} for item in due}
        return self._by_clock(due, "outdate", "suspended", lambda item: reasons[item.id], flags)

    def grace(self, item: Agreement) -> datetime:
        """Until when it may be asked for again under the contract in force before it stops."""
        contract = self._contract(item.dataset)
        chosen = sa.select(contracts.c.applied_at).where(
            contracts.c.dataset == item.dataset, contracts.c.sha == sha(contract)
        )
        with self.state.read() as connection:
            since = connection.scalar(chosen) or item.created_at
        return since + timedelta(days=self.settings.grace_days)

    # ---- steps ------------------------------------------------------------------------------------------------------

    def _flag(self, item: Agreement, by: Caller, side: str, behalf: str, held: frozenset[str] | None = None) -> str:
        """The flag ``by`` may set or lift. Raises NotAllowed, BadForm."""
        if side and side not in FLAGS:
            raise BadForm(f"There is no side {side[:20]!r}.", todo=f"Write one of {', '.join(FLAGS)}.")
        owner, able = self.owner(item), []
        if behalf:
            able = ["owner"] if steward(self.delegations.principal(behalf, by, owner), owner) else []
        else:
            if steward(by, owner):
                able.append("owner")
            if member(by, item.organisation):
                able.append("consumer")
            if is_person(by) and (CITY_WIDE, "administrator") in by.roles:
                able.append("platform")
        chosen = [flag for flag in able if flag == side or (not side and (held is None or flag in held))]
        if not chosen and able and not side:
            return able[0]
        if not chosen:
            raise NotAllowed(
                f"You do not act for the {side or 'owner'} here.", todo=f"A steward of {owner}, somebody of "
                f"{item.organisation} or an administrator of the city can do this.",
            )  # fmt: skip
        return chosen[0]

    def _flagged(
        self, item: Agreement, action: str, after: str, flags: frozenset[str], flag: str, by: Caller, why: str,
        behalf: str,
    ) -> None:  # fmt: skip
        acting = {"owner": self.owner(item), "consumer": item.organisation, "platform": CITY_WIDE}[flag]
        with self._step() as connection:
            dossier.move(
                connection, item, after, action=action, at=self.now(), actor=by.party, organisation=acting,
                behalf=behalf, why=why_of(why), body={"flag": flag}, suspended_by=sorted(flags),
            )  # fmt: skip

    def _by_clock(
        self, items: Sequence[Agreement], action: str, after: str, why: Callable[[Agreement], str],
        values: Mapping[str, Mapping[str, Any]] = EMPTY,
    ) -> tuple[Agreement, ...]:  # fmt: skip
        done: list[Agreement] = []
        for item in items:
            transition(item.state, action)
            try:
                with self._step() as connection:
                    dossier.move(
                        connection, item, after, action=action, at=self.now(), actor=THE_RULE, why=why(item),
                        **dict(values.get(item.id, EMPTY)),
                    )  # fmt: skip
            except Conflict:  # somebody acted meanwhile; the next round looks again
                continue
            done.append(self.get(item.id))
        if done:
            self.record()
        return tuple(done)
