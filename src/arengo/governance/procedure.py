"""How an agreement comes about, changes and ends: the one place that does it.

Each action looks its transition up in :mod:`arengo.governance.transition`, checks the guard, and makes the step with
its stamp in one transaction.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.contract.load import sha
from arengo.contract.model import EMPTY, Contract
from arengo.errors import ArengoError, BadForm, Busy, Conflict, NotAllowed, UnknownDataset
from arengo.governance import dossier
from arengo.governance.agreement import FLAGS, Agreement, Approval, Terms, compare
from arengo.governance.approval import (
    by_rule,
    checked,
    columns_of,
    is_person,
    levels,
    member,
    narrowed,
    not_the_requester,
    steward,
)
from arengo.governance.caller import CITY_WIDE, Caller
from arengo.governance.holdings import Holdings
from arengo.governance.owner import owner_of
from arengo.governance.plan import plan_of, plans
from arengo.governance.product import Product, lock
from arengo.governance.purpose import gaps, personal_columns, special_columns, stated
from arengo.governance.transition import Transition, transition
from arengo.state.agreements import agreement
from arengo.state.tables import contract as contracts

RECORDER = "agreement-record"
"""Name of the reader of stamps that writes them into the ledger."""
THE_RULE = "arengo"
"""Who acts when nobody does: the owner's rule, the clock."""
LONGEST_WHY = 2000
AT_ONCE = 200
"""Most decisions taken in one go."""
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of several decisions. ``error`` is None when it was made."""

    id: str
    agreement: Agreement | None
    error: ArengoError | None = None


class Agreements(Holdings):
    """All agreements of a city, and every action on them.

    Every action takes ``by`` (who acts), ``why`` (words for the history), ``behalf`` (the person stood in for) and
    ``seen`` (the revision that was looked at; None for whatever it is now). It raises NotFound for what ``by`` may not
    see, NotAllowed for what it may not do, Conflict when the agreement is in no state for it or somebody was quicker,
    BadForm for what cannot be read. The result is the agreement after it.
    """

    # ---- the consumer -----------------------------------------------------------------------------------------------

    def draft(
        self, dataset: str, *, by: Caller, organisation: str, application: str = "", purpose: str, terms: Terms,
        follows: str = "",
    ) -> Agreement:  # fmt: skip
        """Write a request down without sending it. Raises UnknownDataset besides."""
        contract = self._contract(dataset)
        self._asks(by, organisation, application)
        self.purposes.get(purpose, by)
        before = self.get(follows, by) if follows else None
        if before is not None and (before.dataset, before.organisation, before.application) != (
            dataset, organisation, application,
        ):  # fmt: skip
            raise BadForm("The request follows an agreement of somebody else or about something else.",
                          todo="Start from the agreement itself.")  # fmt: skip
        asked, now = self._checked(contract, terms), self.now()
        made = Agreement(
            _new(), dataset, contract.version, sha(contract), owner_of(contract), organisation, application, purpose,
            asked.plan, asked.columns, asked.rows, asked.masks, asked.obligations, asked.volume, asked.valid_from,
            asked.valid_to, created_at=now, updated_at=now, asked=asked, follows=follows, drafted_by=by.party,
        )  # fmt: skip
        with self.state.write() as connection:
            dossier.add(connection, made)
            dossier.stamp(
                connection, made.id, before="", after="draft", action="draft", at=now, actor=by.party,
                organisation=organisation, body={"asked": asked.as_json(), "follows": follows, "purpose": purpose},
            )  # fmt: skip
            self.state.bump(connection)
        self.record()
        return self.get(made.id)

    def edit(
        self, id: str, *, by: Caller, terms: Terms, purpose: str = "", why: str = "", seen: int | None = None
    ) -> Agreement:
        """Change a request before it is sent."""
        item = self._open(id, by, seen)
        self._may(item, "edit", by)
        contract = self._contract(item.dataset)
        asked = self._checked(contract, terms)
        chosen = self.purposes.get(purpose or item.purpose, by).id
        values: dict[str, Any] = {"asked": asked.as_json(), "purpose": chosen, "contract_version": contract.version,
                  "contract_sha": sha(contract), "owner": owner_of(contract), "plan": asked.plan,
                  "volume": asked.volume, "valid_from": asked.valid_from, "valid_to": asked.valid_to}  # fmt: skip
        with self._step() as connection:
            dossier.move(
                connection, item, "draft", action="edit", at=self.now(), actor=by.party, why=_why(why),
                organisation=item.organisation, body={"asked": asked.as_json(), "purpose": chosen}, **values,
            )  # fmt: skip
        return self._after(id)

    def submit(self, id: str, *, by: Caller, why: str = "", seen: int | None = None) -> Agreement:
        """Send a request. It is granted at once when the owner's rule says so, otherwise it waits."""
        item = self._open(id, by, seen)
        self._may(item, "submit", by)
        self._asks(by, item.organisation, item.application)
        contract = self._contract(item.dataset)
        offered = self.products.of(contract, self.now())
        if contract.access != "shared":
            raise Conflict(
                "Everybody may read this dataset." if contract.access == "open" else "This dataset is not given out.",
                todo="No agreement is needed." if contract.access == "open" else "Ask its owner what it gives instead.",
            )
        if not (offered.renewable if item.follows else offered.requestable):
            raise Conflict(f"The dataset is {offered.state}, so it cannot be asked for.", todo="Ask its owner.")
        assert item.asked is not None
        asked = self._checked(contract, item.asked)
        now = self.now()
        if asked.valid_to <= now:
            raise BadForm("The term that is asked for is over.", todo="Choose a later end.")
        purpose = self.purposes.get(item.purpose)
        about_people = bool(personal_columns(contract, asked.columns))
        sensitive = bool(special_columns(contract, asked.columns))
        if missing := gaps(purpose, about_people=about_people, sensitive=sensitive):
            raise BadForm(missing[0][1], todo="Complete the purpose, then send the request.")
        needed = levels(contract, replace(item, columns=asked.columns), purpose.personal)
        values: dict[str, Any] = {"requested_by": by.party, "requested_at": now, "contract_version": contract.version,
                  "contract_sha": sha(contract), "owner": owner_of(contract)}  # fmt: skip
        with self._step() as connection:
            lock(connection, item.dataset, now)
            if other := dossier.rival(connection, item):
                raise Conflict(f"There is an agreement or a request for this purpose already: {other}.",
                               todo="Ask for a change of that one.")  # fmt: skip
            dossier.unapprove(connection, id)
            dossier.move(
                connection, item, "pending", action="submit", at=now, actor=by.party, why=_why(why),
                organisation=item.organisation, body={"asked": asked.as_json()}, asked=asked.as_json(), void=True,
                plan=asked.plan, volume=asked.volume, valid_from=asked.valid_from, valid_to=asked.valid_to, **values,
            )  # fmt: skip
            consumer, everybody = dossier.volumes(connection, item.dataset, asked.plan, item.organisation, item.follows)
            granted, reason = by_rule(
                contract, asked, approvals=len(needed), consumer=consumer, everybody=everybody,
                fits=not about_people or stated(contract, purpose),
                refused=dossier.refused(connection, item.dataset, item.organisation),
            )  # fmt: skip
            if granted:
                sent = dossier.one(connection, id)
                assert sent is not None
                self._activate(connection, sent, asked, action="grant", actor=THE_RULE, why=reason)
        return self._after(id)

    def withdraw(self, id: str, *, by: Caller, why: str = "", seen: int | None = None) -> Agreement:
        """Take a request back, to change it."""
        return self._plain(id, "withdraw", "draft", by, why, seen, void=True)

    def discard(self, id: str, *, by: Caller, why: str = "", seen: int | None = None) -> Agreement:
        """Give a request up that was not sent."""
        return self._plain(id, "discard", "revoked", by, why, seen)

    def renew(self, id: str, *, by: Caller, until: datetime, why: str = "") -> Agreement:
        """Ask for the same for longer: a request that follows this agreement, and replaces it when it is granted.

        It is sent at once; the old one goes on meanwhile. An expired one can be renewed too.
        """
        item = self._followable(id, by)
        now = self.now()
        asked = replace(item.terms, valid_from=now, valid_to=until)
        return self._follow(item, by, asked, item.purpose, why)

    def change(self, id: str, *, by: Caller, terms: Terms, purpose: str = "", why: str = "") -> Agreement:
        """Ask for something else (columns, volume, another purpose): as :meth:`renew`."""
        item = self._followable(id, by)
        return self._follow(item, by, terms, purpose or item.purpose, why)

    def upgrade(self, id: str, *, by: Caller, why: str = "") -> Agreement:
        """Ask for the same under the contract in force: as :meth:`renew`. Columns follow their new names; those that
        are gone are left out. Raises Conflict when it is under the contract in force already."""
        from arengo.contract.breaking import match

        item = self._followable(id, by)
        contract, old = self._contract(item.dataset), self.agreed(item)
        if sha(contract) == item.contract_sha:
            raise Conflict("The agreement is about the contract in force already.")
        pairs = {before: column.name for before, column in match(old, contract)[0].items()} if old else {}
        known = columns_of(contract)
        names = {name: pairs.get(name, name) for name in item.columns}
        columns = tuple(new for new in names.values() if new in known)
        masks = tuple((names.get(name, name), mask) for name, mask in item.masks if names.get(name, name) in columns)
        now = self.now()
        plan = item.plan if any(plan.id == item.plan for plan in plans(contract)) else ""
        asked = replace(item.terms, columns=columns, masks=masks, plan=plan, valid_from=now,
                        volume=min(item.volume, plan_of(contract, plan).daily))  # fmt: skip
        return self._follow(item, by, asked, item.purpose, why)

    # ---- the owner --------------------------------------------------------------------------------------------------

    def approve(
        self, id: str, *, by: Caller, why: str = "", behalf: str = "", terms: Terms | None = None,
        seen: int | None = None,
    ) -> Agreement:  # fmt: skip
        """Give the approval that is due. ``terms``: what is granted, never wider than asked; None for all of it."""
        item = self._open(id, by, seen)
        due = self._due(item)
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
        given = Approval(by.party, self.now(), _why(why), behalf, due.number)
        last = len(item.approvals) + 1 >= len(self.levels(item))
        with self._step() as connection:
            lock(connection, item.dataset, given.at)
            if last and (other := dossier.rival(connection, item)):
                raise Conflict(f"There is an agreement for this purpose already: {other}.", todo="Look at that one.")
            dossier.approve(connection, id, given)
            if last:
                self._activate(connection, item, wanted, action=action, actor=by.party, why=given.why, behalf=behalf)
            else:
                dossier.move(
                    connection, item, "pending", action=action, at=given.at, actor=by.party, behalf=behalf,
                    why=given.why, organisation=self._owner(item), granted=wanted, body=_granted(item, wanted),
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
            self.products.put(connection, dataset, state=state, until=until, by=by.party, why=_why(why), at=now)
            self.state.bump(connection)
        self._tell(
            "administration", actor=by.party, organisation=owner, dataset=dataset,
            body={"act": f"product {state or 'offered'}", "why": _why(why), "until": until and until.isoformat()},
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
        c, due, reasons = agreement.c, [], {}
        held = self._list(c.state.in_(("active", "suspended")), (), c.dataset, c.id, limit=1_000_000)
        for item in held:
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

    # ---- steps ------------------------------------------------------------------------------------------------------

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
                    f"Only people of {item.organisation} may {_said(action)} this request.", todo="Ask one of them."
                )
            return item.organisation
        owner = self._owner(item)
        if moved.who == "either":
            who = self.delegations.principal(behalf, by, owner) if behalf else by
            if not steward(who, owner):
                raise NotAllowed(f"That is decided by a steward of {owner}.", todo="Ask one of them.")
            return owner
        due = self._due(item)
        if action in ("approve", "confirm") and (action == "confirm") != (due.number == 2):
            raise Conflict("Another approval is due first.", todo=f"It is given by {due}.")
        not_the_requester((by.party, behalf), item)
        who = self.delegations.principal(behalf, by, owner) if behalf else by
        entitled = [due] if action in ("approve", "confirm") else list(self.levels(item))
        if not any(level.entitles(who, self._named) for level in entitled):
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
                behalf=behalf, why=_why(why), **values,
            )  # fmt: skip
        return self._after(id)

    def _activate(
        self, connection: Connection, item: Agreement, terms: Terms, *, action: str, actor: str, why: str,
        behalf: str = "",
    ) -> None:  # fmt: skip
        """The step to active, and the end of the agreement it follows."""
        now = self.now()
        organisation = "" if actor == THE_RULE else self._owner(item)
        dossier.move(
            connection, item, "active", action=action, at=now, actor=actor, organisation=organisation, behalf=behalf,
            why=why, granted=terms, body=_granted(item, terms),
        )  # fmt: skip
        before = dossier.one(connection, item.follows) if item.follows else None
        if before is not None and before.state in ("active", "suspended"):
            transition(before.state, "supersede")
            dossier.move(
                connection, before, "superseded", action="supersede", at=now, actor=THE_RULE,
                why=f"Followed by {item.id}.", body={"by": item.id},
            )  # fmt: skip

    def _flag(self, item: Agreement, by: Caller, side: str, behalf: str, held: frozenset[str] | None = None) -> str:
        """The flag ``by`` may set or lift. Raises NotAllowed, BadForm."""
        if side and side not in FLAGS:
            raise BadForm(f"There is no side {side[:20]!r}.", todo=f"Write one of {', '.join(FLAGS)}.")
        owner, able = self._owner(item), []
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
        acting = {"owner": self._owner(item), "consumer": item.organisation, "platform": CITY_WIDE}[flag]
        with self._step() as connection:
            dossier.move(
                connection, item, after, action=action, at=self.now(), actor=by.party, organisation=acting,
                behalf=behalf, why=_why(why), body={"flag": flag}, suspended_by=sorted(flags),
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

    # ---- requests ---------------------------------------------------------------------------------------------------

    def _asks(self, by: Caller, organisation: str, application: str) -> None:
        """Whether ``by`` may ask for this organisation and application. Raises NotAllowed."""
        if not member(by, organisation):
            raise NotAllowed(
                "You can ask for your own organisation only." if organisation else "Nobody is named who will read.",
                todo="Choose the organisation you belong to.",
            )
        if application and self._application(application) != organisation:
            raise NotAllowed(
                "There is no such application of this organisation.", todo="Register the application first."
            )

    def _checked(self, contract: Contract, terms: Terms) -> Terms:
        return checked(contract, terms, longest=timedelta(days=self.settings.longest_days), rows=self._rows)

    def _followable(self, id: str, by: Caller) -> Agreement:
        item = self.get(id, by)
        if not member(by, item.organisation):
            raise NotAllowed(f"Only people of {item.organisation} may ask for this.", todo="Ask one of them.")
        if item.state not in ("active", "suspended", "expired"):
            raise Conflict(f"The agreement is {item.state}; nothing follows it.", todo="Write a new request.")
        open_ones = [other.id for other in self.followed_by(id) if other.state in ("draft", "pending")]
        if open_ones:
            raise Conflict(f"{open_ones[0]} follows it already.", todo="Look at that one.")
        return item

    def _follow(self, item: Agreement, by: Caller, asked: Terms, purpose: str, why: str) -> Agreement:
        """A request that follows an agreement, sent at once; it stays a draft when it cannot be sent."""
        made = self.draft(
            item.dataset, by=by, organisation=item.organisation, application=item.application, purpose=purpose,
            terms=asked, follows=item.id,
        )  # fmt: skip
        return self.submit(made.id, by=by, why=why)

    @staticmethod
    def _words(moved: Transition, why: str) -> None:
        if moved.reason and len(why.strip()) < 3:
            raise BadForm("This needs a reason.", todo="Say why, for those who are concerned.")


def _granted(item: Agreement, terms: Terms) -> dict[str, Any]:
    """What a stamp of a grant holds: the terms, and where they are less than was asked."""
    assert item.asked is not None
    less = [
        {"what": one.what, "column": one.column, "asked": one.asked, "granted": one.granted}
        for one in compare(item.asked, terms)
    ]
    return {"granted": terms.as_json(), "less": less}


def _why(text: str) -> str:
    if len(text) > LONGEST_WHY:
        raise BadForm(f"The reason has more than {LONGEST_WHY:,} characters.", todo="Shorten it.")
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\u200c\u200d").strip()


def _new() -> str:
    return "a-" + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def _said(action: str) -> str:
    return {"submit": "send", "discard": "give up"}.get(action, action)
