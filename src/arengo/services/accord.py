"""What happens around agreements by itself: ends, letters to both sides, reminders, events for webhooks.

Read from the stamps of agreements, each once: a letter and an event are written in the transaction that notes how far
the reading has come, so nothing is told twice and nothing is left out, wherever a kill falls. Silence never grants: a
request that nobody decides is reminded of, and ends with the term it asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import ArengoError, Busy, NotFound, UnknownDataset
from arengo.governance import dossier
from arengo.governance.agreement import Agreement, Stamp
from arengo.governance.approval import Level
from arengo.governance.caller import CITY_WIDE, ROLES, Caller
from arengo.governance.procedure import Agreements
from arengo.state.agreements import agreement, reminder

if TYPE_CHECKING:
    from arengo.governance.party import Parties
    from arengo.governance.person import Person
    from arengo.services.event import Events
    from arengo.services.letter import Letters

READER = "agreement-letters"
FRESH = timedelta(days=3)
"""Steps older than this are not told by letter: the server was off, or the city was restored."""
MOST_REMINDERS = 12
_SAID = {
    "approve": "active", "confirm": "active", "grant": "active", "reject": "rejected", "return": "returned",
    "suspend": "suspended", "resume": "active", "revoke": "revoked", "expire": "expired", "outdate": "suspended",
    "supersede": "superseded",
}  # fmt: skip
"""Action -> last part of its event's name, once it leads there."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Letter:
    """``what``: asked, decided, waiting, orphan, ending or outdated. ``to``: ids of people."""

    id: str
    what: str
    to: tuple[str, ...]
    link: str
    facts: Mapping[str, Any]


class Accord:
    """``title``: a dataset's title in a language. ``letters``, ``events``: the city's own. Any process may turn."""

    def __init__(
        self,
        agreements: Agreements,
        parties: Parties,
        letters: Letters,
        events: Events,
        title: Callable[[str, str], str],
    ) -> None:
        self._agreements = agreements
        self._parties = parties
        self._letters = letters
        self._events = events
        self._title = title
        self._state = agreements.state
        self._reviewed = (-1, "")

    def turn(self) -> dict[str, int]:
        """One round: end what is over, stop what the contract no longer carries, complete the record, tell both sides,
        remind. Each part goes on when another fails; the letters leave with the city's other letters."""
        parts: dict[str, Callable[[], int]] = {
            "expired": lambda: len(self._agreements.expire()),
            "stopped": self._review,
            "recorded": self._agreements.record,
            "told": self._tell,
            "reminded": self._remind,
        }
        done: dict[str, int] = {}
        for name, part in parts.items():
            try:
                done[name] = part()
            except Busy:
                done[name] = 0
            except ArengoError as error:
                _log.warning("agreements, %s: %s", name, error)
            except Exception:  # a reminder must not wait because one contract cannot be read
                _log.exception("agreements, %s", name)
        return done

    def _review(self) -> int:
        """Contracts change with the generation, times of grace end by the hour."""
        seen = (self._state.generation(), f"{self._agreements.now():%Y%m%d%H}")
        if seen == self._reviewed:
            return 0
        count = len(self._agreements.review())
        self._reviewed = seen
        return count

    # What happened

    def _tell(self) -> int:
        """Letters and events for the steps since the last round; how many steps."""
        count = 0
        with self._state.hold("accord"):
            while True:
                with self._state.read() as connection:
                    stamps = dossier.stamps_after(connection, dossier.place(connection, READER), 50)
                if not stamps:
                    return count
                for stamp in stamps:
                    self._told(stamp)
                    count += 1

    def _told(self, stamp: Stamp) -> None:
        try:
            item = self._agreements.get(stamp.agreement)
        except NotFound:
            item = None
        fresh = stamp.at > self._agreements.now() - FRESH
        letters = list(self._letters_of(stamp, item)) if item is not None and fresh else []
        people = self._people(name for one in letters for name in one.to)
        with self._state.write() as connection:
            said = _SAID.get(stamp.action, "")
            if stamp.action == "submit":
                said = "pending"
            elif stamp.after == "pending" or (stamp.action == "resume" and stamp.after != "active"):
                said = ""  # one of two approvals, one of two flags
            if item is not None and said:
                self._events.emit(
                    connection, f"agreement.{said}", dataset=item.dataset, subject=item.id, at=stamp.at,
                    body={"agreement": item.id, "owner": item.owner, "organisation": item.organisation,
                          "application": item.application},
                )  # fmt: skip
            for one in letters:
                self._put(connection, one, people)
            dossier.keep_place(connection, READER, stamp.seq)

    def _letters_of(self, stamp: Stamp, item: Agreement) -> Iterable[_Letter]:
        facts = {"action": stamp.action, "state": stamp.after, "why": stamp.why}
        deciders = self.deciders(item)
        readers = {item.requested_by, item.drafted_by} - {""}
        owners = set(self._stewards(item))
        actors = {stamp.actor, stamp.behalf}
        one = f"agreement-{stamp.seq}"
        if stamp.after == "pending" and stamp.action in ("submit", "approve"):
            if item.state == "pending":  # a rule may have granted it meanwhile
                if deciders:
                    yield self._letter(one, "asked", set(deciders) - actors, item, "desk", facts)
                else:
                    yield self._orphan(one, item)
            return
        if stamp.action not in _SAID or stamp.before == "draft":
            return
        yield self._letter(f"{one}-r", "decided", readers - actors, item, "agreements", facts)
        theirs = stamp.organisation in (item.owner, self._agreements.owner(item))
        if stamp.action in ("grant", "expire", "outdate") or not theirs:
            yield self._letter(f"{one}-o", "decided", owners - actors - readers, item, "agreements", facts)

    def erased(self, dataset: str, agreements: Iterable[str], request: str, kind: str) -> int:
        """Tell the readers of a dataset that a person's rows were erased or restricted, so that they do the same with
        what they took (GDPR, Art. 19); how many agreements. Twice is once."""
        count = 0
        for name in agreements:
            try:
                item = self._agreements.get(name)
            except NotFound:
                continue
            facts = {"request": request, "kind": kind, "version": ""}
            to = {item.requested_by, item.drafted_by} - {""}
            made = self._letter(f"{request}-{dataset}-{name}", "erased", to, item, "agreements", facts)
            key = f"erasure:{request}"
            with self._state.write() as connection:
                c = reminder.c
                if connection.scalar(sa.select(c.kind).where(c.agreement == item.id, c.kind == key)) is not None:
                    continue
                connection.execute(reminder.insert().values(agreement=item.id, kind=key, at=self._agreements.now()))
                self._events.emit(
                    connection, "agreement.erasure", dataset=dataset, subject=item.id,
                    body={"agreement": item.id, "organisation": item.organisation, "application": item.application,
                          "request": request, "kind": kind},
                )  # fmt: skip
                self._put(connection, made, self._people(made.to))
            count += 1
        return count

    # What is due

    def _remind(self) -> int:
        """Reminders of requests that wait, of ends that are near, of contracts that broke; how many were new."""
        now, rules, c = self._agreements.now(), self._agreements.settings, agreement.c
        count = 0
        with self._state.hold("accord"):
            with self._state.read() as connection:
                waiting = dossier.read(connection, sa.select(agreement).where(
                    c.state == "pending", c.requested_at <= now - timedelta(days=rules.remind_days)
                ))  # fmt: skip
                ending = dossier.read(connection, sa.select(agreement).where(
                    c.state == "active", c.valid_to > now, c.valid_to <= now + timedelta(days=rules.notice_days)
                ))  # fmt: skip
            held = self._agreements.moved("active")
            for item in waiting:
                times = (now - item.requested_at).days // max(rules.remind_days, 1) if item.requested_at else 0
                days = (now - item.requested_at).days if item.requested_at else 0
                if times <= MOST_REMINDERS:
                    key = f"waiting:{item.revision}:{times}"
                    to = self.deciders(item)
                    if to:
                        count += self._once(item, key, "waiting", to, "desk", {"days": days})
                    else:
                        lost = self._orphan("", item)
                        count += self._once(item, key, "orphan", lost.to, "agreements", lost.facts)
            for item in ending:
                if item.valid_to - item.valid_from > timedelta(days=rules.notice_days):  # a short one ends unannounced
                    people = {item.requested_by} | set(self._stewards(item))
                    facts = {"until": item.valid_to.isoformat()}
                    count += self._once(item, f"ending:{item.revision}", "ending", people, "agreements", facts)
            for item in held:
                try:
                    found = self._agreements.standing(item)
                    if found.verdict != "ask":
                        continue
                    until = self._agreements.grace(item)
                except UnknownDataset:
                    continue
                facts = {"why": found.words, "until": until.isoformat()}
                people = {item.requested_by} | set(self._stewards(item))
                count += self._once(item, f"outdated:{until.isoformat()}", "outdated", people, "agreements", facts)
        return count

    def _once(
        self, item: Agreement, key: str, what: str, to: Iterable[str], link: str, facts: Mapping[str, Any]
    ) -> int:
        with self._state.write() as connection:
            c = reminder.c
            if connection.scalar(sa.select(c.kind).where(c.agreement == item.id, c.kind == key)) is not None:
                return 0
            connection.execute(reminder.insert().values(agreement=item.id, kind=key, at=self._agreements.now()))
            name = f"agreement-{item.id}-{key.replace(':', '-').replace('+', '-')}"
            made = self._letter(name, what, set(to) - {""}, item, link, facts)
            self._put(connection, made, self._people(made.to))
        return 1

    # To whom

    def deciders(self, item: Agreement) -> tuple[str, ...]:
        """Ids of the people who can give the approval that is due, and of those who stand in for them."""
        if item.state != "pending":
            return ()
        found: dict[str, None] = {}
        due = self._agreements.due(item)
        for person in self._candidates(due):
            roles = self._roles(person)
            if due.entitles(Caller(person, roles=roles), self._agreements.named):
                for name in (person, *self._agreements.delegations.deputies(person, due.owner)):
                    if self._agreements.deciders(item, Caller(name, roles=self._roles(name))):
                        found[name] = None
        return tuple(found)

    def _orphan(self, id: str, item: Agreement) -> _Letter:
        """To who can appoint an approver where there is none: otherwise the request would wait for nobody."""
        owner, due = self._agreements.owner(item), self._agreements.due(item)
        held = (*self._parties.roles(organisation=owner), *self._parties.roles(organisation=CITY_WIDE))
        keepers = {one.person for one in held if one.role == "administrator"}
        return self._letter(id, "orphan", keepers, item, "agreements", {"decider": str(due)})

    def _candidates(self, level: Level) -> Iterable[str]:
        organisations, seen = {level.owner}, dict[str, None]()
        for word in level.words:
            organisation, _, role = word.rpartition(":")
            if role in ROLES and organisation:
                organisations.add(organisation)
            found = self._parties.by_mail(word) if "@" in word else None
            if found is not None:
                seen[found.id] = None
        if any(word not in ROLES and ":" not in word and "@" not in word for word in level.words):
            seen |= dict.fromkeys(person.id for person in self._parties.people())  # named by name: anybody may be meant
        for organisation in sorted(organisations):
            seen |= dict.fromkeys(person.id for person in self._parties.people(organisation))
        return seen

    def _stewards(self, item: Agreement) -> tuple[str, ...]:
        held = self._parties.roles(organisation=self._agreements.owner(item))
        return tuple(dict.fromkeys(one.person for one in held if one.role == "steward"))

    def _roles(self, person: str) -> tuple[tuple[str, str], ...]:
        return tuple((one.organisation, one.role) for one in self._parties.roles(person))

    def _people(self, ids: Iterable[str]) -> dict[str, Person]:
        found: dict[str, Person] = {}
        for name in ids:
            if name not in found:
                try:
                    found[name] = self._parties.person(name)
                except NotFound:
                    continue
        return found

    def _letter(
        self, id: str, what: str, to: Iterable[str], item: Agreement, link: str, facts: Mapping[str, Any]
    ) -> _Letter:
        path = f"/desk/access/{item.id}" if link == "desk" else f"/agreements/{item.id}"
        purpose = self._agreements.purposes.find(item.purpose)
        known = self._parties.organisations()
        names = {name: known[name].name if name in known else name for name in (item.organisation, item.owner)}
        return _Letter(id, what, tuple(sorted(to)), path, {
            **facts, "number": item.id, "dataset": item.dataset, "organisation": names[item.organisation],
            "owner": names[item.owner], "purpose": purpose.title if purpose else "",
        })  # fmt: skip

    def _put(self, connection: Connection, one: _Letter, people: Mapping[str, Person]) -> None:
        for name in one.to:
            person = people.get(name)
            if person is None or not person.mail or person.state == "blocked":
                continue
            facts = {**one.facts, "what": one.what, "link": one.link,
                     "label": self._title(str(one.facts["dataset"]), person.language)}  # fmt: skip
            self._letters.put(
                connection, f"{one.id}-{name}", "agreement", person.mail, person.language or "en", facts,
                now=self._agreements.now(),
            )  # fmt: skip
