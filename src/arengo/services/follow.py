"""Following: who wants to be told of what, how often; and telling them.

An address is asked first and told nothing before it agreed (double opt-in). Each subscription knows the last event it
was told of; the letter and that number are written in one transaction, so nothing is told twice or left out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from arengo.catalogue.wanted import FACETS, Wanted
from arengo.errors import ArengoError, BadForm, CallerError, NotFound
from arengo.services.event import Event
from arengo.services.tracked import Office
from arengo.state.participation import letter, subscription

if TYPE_CHECKING:
    from arengo.catalogue import Catalogue

TOPICS = ("dataset", "theme", "organisation", "search", "request", "reuses", "everything")
RHYTHMS = ("immediate", "daily", "weekly")
AT_ONCE = timedelta(hours=1)
"""What is told at once is gathered for an hour after a letter: a feed of every minute does not fill a letter box."""
MORNING = 7
MOST_TOLD = 200
MOST_EVENTS = 5000
MOST_OF_ONE = 100
"""Subscriptions of one address."""

_DATASET = frozenset(
    (
        *("version.published", "dataset.added", "dataset.changed", "dataset.retired", "comment.shown", "reuse.shown"),
        *("amendment.accepted", "amendment.answered", "amendment.declined", "amendment.corrected"),
    )
)
_SHELF = frozenset(("version.published", "dataset.added", "dataset.retired"))
_ALL = _SHELF | {"reuse.shown", "wish.planned", "wish.published"}


@dataclass(frozen=True, slots=True)
class Subscription:
    """``topic``: one of :data:`TOPICS`; ``value``: the dataset, theme code, organisation, query or number."""

    id: str
    topic: str
    value: str
    rhythm: str
    language: str
    created_at: datetime
    confirmed_at: datetime | None


class Follows:
    def __init__(self, office: Office, catalogue: Catalogue, zone: str) -> None:
        self._office = office
        self._catalogue = catalogue
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            self._zone = ZoneInfo("UTC")

    # Beginning and ending

    def begin(self, topic: str, value: str, rhythm: str, mail: str, language: str) -> str:
        """Ask an address whether it wants to follow; id of the subscription. Raises BadForm, TooOften.

        Says the same whether the address follows already: nobody learns who follows what.
        """
        if topic not in TOPICS or rhythm not in RHYTHMS:
            raise BadForm("That cannot be followed.", todo="Choose what to follow and how often.")
        value = query(value) if topic == "search" else value if topic not in ("reuses", "everything") else ""
        state, key, now = self._office.state, self._office.key, datetime.now(UTC)
        who = key.mark("mail", mail.lower())
        s = subscription.c
        with state.read() as connection:
            held = connection.execute(
                sa.select(subscription).where(s.who == who, s.topic == topic, s.value == value)
            ).first()
            count = connection.scalar(sa.select(sa.func.count()).where(s.who == who)) or 0
        if held is not None and held.confirmed_at is not None:
            with state.write() as connection:
                connection.execute(
                    subscription.update().where(s.id == held.id).values(rhythm=rhythm, language=language)
                )
            return str(held.id)
        if count >= MOST_OF_ONE:
            raise BadForm("That address follows as much as one can.", todo="End one of the others first.")
        self._office.posting.letter(who, now)
        seen = self._office.events.last()
        mine = str(held.id) if held is not None else secrets.token_hex(8)
        values = {"rhythm": rhythm, "language": language, "created_at": now, "seen": seen}
        facts = {"what": "follow", "topic": topic, "value": value, "rhythm": rhythm}
        facts["confirm"] = f"/confirm/follow/{mine}/{self.secret('confirm', mine)}"
        facts["label"] = self._title(topic, value, language)
        with state.write() as connection:
            if held is None:
                connection.execute(
                    subscription.insert().values(id=mine, who=who, mail=mail, topic=topic, value=value, **values)
                )
            else:
                connection.execute(subscription.update().where(s.id == mine).values(**values))
            letter_id = f"confirm-follow-{mine}-{int(now.timestamp())}"
            self._office.letters.put(connection, letter_id, "confirm", mail, language, facts, now=now)
        return mine

    def secret(self, use: str, id: str) -> str:
        return self._office.key.secret(f"{use} follow", id)

    def _open(self, use: str, id: str, secret: str) -> Any:
        if not self._office.key.opens(f"{use} follow", id, secret):
            raise NotFound("This link opens nothing.", todo="Copy it whole from the letter.")
        with self._office.state.read() as connection:
            row = connection.execute(sa.select(subscription).where(subscription.c.id == id)).first()
        if row is None:
            raise NotFound("This subscription has ended.", todo="You get no more letters of it.")
        return row

    def confirm(self, id: str, secret: str) -> Subscription:
        """The address agrees. Raises NotFound."""
        row = self._open("confirm", id, secret)
        if row.confirmed_at is None:
            now, last = datetime.now(UTC), self._office.events.last()
            with self._office.state.write() as connection:
                connection.execute(
                    subscription.update().where(subscription.c.id == id).values(confirmed_at=now, seen=last)
                )
                self._office.posting.confirmed(connection, row.who)
        return self.one(id, self.secret("end", id))

    def one(self, id: str, secret: str) -> Subscription:
        """What the link of a letter opens. Raises NotFound."""
        return _subscription(self._open("end", id, secret))

    def beside(self, id: str, secret: str) -> tuple[Subscription, ...]:
        """Everything the same address follows, confirmed. Raises NotFound."""
        row = self._open("end", id, secret)
        s = subscription.c
        chosen = sa.select(subscription).where(s.who == row.who, s.confirmed_at.is_not(None)).order_by(s.created_at)
        with self._office.state.read() as connection:
            return tuple(_subscription(item) for item in connection.execute(chosen))

    def change(self, id: str, secret: str, rhythm: str) -> None:
        """Another rhythm. Raises NotFound, BadForm."""
        self._open("end", id, secret)
        if rhythm not in RHYTHMS:
            raise BadForm("There is no such rhythm.", todo=f"Choose one of {', '.join(RHYTHMS)}.")
        with self._office.state.write() as connection:
            connection.execute(subscription.update().where(subscription.c.id == id).values(rhythm=rhythm))

    def end(self, id: str, secret: str) -> None:
        """Stop; the address is erased with it. Ending what has ended is no error."""
        if not self._office.key.opens("end follow", id, secret):
            raise NotFound("This link opens nothing.", todo="Copy it whole from the letter.")
        with self._office.state.write() as connection:
            connection.execute(subscription.delete().where(subscription.c.id == id))
            connection.execute(letter.delete().where(letter.c.subscription == id, letter.c.state == "waiting"))

    def address(self, id: str, secret: str) -> str:
        """The address a link belongs to, for erasing it everywhere. Raises NotFound."""
        return str(self._open("end", id, secret).mail)

    # Telling

    def tell(self, now: datetime | None = None) -> int:
        """Write the letters that are due; how many."""
        now = now or datetime.now(UTC)
        last = self._office.events.last()
        s = subscription.c
        chosen = sa.select(subscription).where(s.confirmed_at.is_not(None), s.seen < last).order_by(s.seen, s.id)
        with self._office.state.read() as connection:
            due = [row for row in connection.execute(chosen) if self._due(row, now)]
        if not due:
            return 0
        events = self._office.events.after(int(due[0].seen), MOST_EVENTS)
        reached = events[-1].seq if events else last
        told = 0
        shelves = _Shelves(self._catalogue)
        for row in due:
            if row.seen >= reached:
                continue
            mine = [item for item in events if item.seq > row.seen]
            wanted = _latest(self._wanted(row.topic, row.value, mine, shelves))
            told += self._write(row, wanted, reached, now)
        return told

    def _write(self, row: Any, wanted: Sequence[Event], reached: int, now: datetime) -> int:
        values: dict[str, Any] = {"seen": reached}
        with self._office.state.write() as connection:
            if wanted:
                end = f"{row.id}/{self.secret('end', row.id)}"
                facts = {
                    "topic": row.topic,
                    "value": row.value,
                    "label": self._title(row.topic, row.value, row.language),
                    "rhythm": row.rhythm,
                    "count": len(wanted),
                    "events": [
                        {"kind": item.kind, "dataset": item.dataset, "subject": item.subject, "body": dict(item.body)}
                        | {"title": self._title("dataset", item.dataset, row.language) if item.dataset else ""}
                        for item in wanted[:MOST_TOLD]
                    ],
                    "end": f"/follow/{end}",
                }
                values["told_at"] = now
                self._office.letters.put(
                    connection,
                    f"news-{row.id}-{reached}",
                    "news",
                    row.mail,
                    row.language,
                    facts,
                    unsubscribe=f"/unsubscribe/{end}",
                    subscription=row.id,
                    now=now,
                )
            connection.execute(subscription.update().where(subscription.c.id == row.id).values(**values))
        return int(bool(wanted))

    def _due(self, row: Any, now: datetime) -> bool:
        since = now - (row.told_at or row.confirmed_at)
        if row.rhythm == "immediate":
            return row.told_at is None or since >= AT_ONCE
        here = now.astimezone(self._zone)
        if row.rhythm == "daily":
            return since >= timedelta(hours=36) or (here.hour >= MORNING and since >= timedelta(hours=12))
        return since >= timedelta(days=8) or (
            here.weekday() == 0 and here.hour >= MORNING and since >= timedelta(days=2)
        )

    def _wanted(self, topic: str, value: str, events: Iterable[Event], shelves: _Shelves) -> list[Event]:
        tests: dict[str, Callable[[Event], bool]] = {
            "everything": lambda item: item.kind in _ALL,
            "reuses": lambda item: item.kind == "reuse.shown",
            "dataset": lambda item: item.kind in _DATASET and item.dataset == value,
            "theme": lambda item: item.kind in _SHELF and value in shelves.themes(item.dataset),
            "organisation": lambda item: item.kind in _SHELF and shelves.owner(item.dataset) == value,
            "search": lambda item: item.kind in _SHELF and item.dataset in shelves.found(value),
            "request": lambda item: item.subject == value and item.kind.startswith(("wish.", "amendment.")),
        }
        return [item for item in events if tests[topic](item)]

    def _title(self, topic: str, value: str, language: str) -> str:
        """The name of a dataset, otherwise the value itself: the portal has the words for the other topics."""
        if topic == "dataset":
            try:
                return self._catalogue.entry(value).contract.title(language)
            except ArengoError:
                return value
        return value

    # Counting and forgetting

    def count(self, topic: str = "", value: str = "") -> int:
        s = subscription.c
        chosen = sa.select(sa.func.count()).where(s.confirmed_at.is_not(None))
        if topic:
            chosen = chosen.where(s.topic == topic, s.value == value)
        with self._office.state.read() as connection:
            return int(connection.scalar(chosen) or 0)

    def purge(self, now: datetime, confirm_days: int) -> None:
        """Erase addresses that never agreed."""
        s = subscription.c
        with self._office.state.write() as connection:
            connection.execute(
                subscription.delete().where(s.confirmed_at.is_(None), s.created_at < now - timedelta(days=confirm_days))
            )


class _Shelves:
    """Where datasets stand, looked up once a round."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._records: dict[str, Any] = {}
        self._found: dict[str, frozenset[str]] = {}

    def _record(self, dataset: str) -> Any:
        if dataset not in self._records:
            try:
                self._records[dataset] = self._catalogue.record(dataset)
            except ArengoError:
                self._records[dataset] = None
        return self._records[dataset]

    def themes(self, dataset: str) -> tuple[str, ...]:
        record = self._record(dataset)
        return record.themes if record else ()

    def owner(self, dataset: str) -> str:
        record = self._record(dataset)
        return record.publisher.id if record and record.publisher else ""

    def found(self, value: str) -> frozenset[str]:
        """Ids of what a search finds, the latest changes first."""
        if value not in self._found:
            try:
                hits = self._catalogue.search(wanted(value)).hits
                self._found[value] = frozenset(hit.record.id for hit in hits)
            except CallerError:
                self._found[value] = frozenset()
        return self._found[value]


def query(text: str) -> str:
    """A search as it is kept: known parameters in a fixed order. Raises BadForm for one that says nothing."""
    kept: list[tuple[str, str]] = []
    for name, value in parse_qsl(text[:2000].lstrip("?"), max_num_fields=50):
        if (name == "q" or name in FACETS) and value.strip():
            kept.append((name, " ".join(value.split())[:200]))
    if not kept:
        raise BadForm("The search is empty.", todo="Search for something, then follow it.")
    return urlencode(sorted(dict.fromkeys(kept)))


def wanted(text: str) -> Wanted:
    """The question behind a kept search, the latest changes first."""
    only: dict[str, list[str]] = {}
    words = ""
    for name, value in parse_qsl(text):
        if name == "q":
            words = value
        elif name in FACETS:
            only.setdefault(name, []).append(value)
    return Wanted(words, only={name: tuple(values) for name, values in only.items()}, order="updated", limit=1000)


def _latest(events: Sequence[Event]) -> list[Event]:
    """One line for a dataset that was published ten times: the newest of each kind, in order."""
    kept: dict[tuple[str, str], Event] = {}
    for item in events:
        key = (item.kind, item.dataset) if item.kind.startswith(("version.", "dataset.")) else (item.kind, item.subject)
        kept.pop(key, None)
        kept[key] = item
    return list(kept.values())


def _subscription(row: Any) -> Subscription:
    return Subscription(**{name: getattr(row, name) for name in Subscription.__slots__})
