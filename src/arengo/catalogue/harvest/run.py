"""One harvest: read everything, compare with what is held, swap in one transaction, and let the counts reconcile.

``met == added + changed + unchanged + rejected + repeated + looped`` of every run that read to its end. A run that is
killed has changed nothing: reading goes to a scratch file, so memory is bounded, and only the swap writes the state.
"""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from arengo.catalogue.harvest import codec
from arengo.catalogue.harvest.dcat import dcat
from arengo.catalogue.harvest.declared import Declared
from arengo.catalogue.harvest.geo import csw, records
from arengo.catalogue.harvest.portals import arcgis, ckan
from arengo.catalogue.harvest.reading import Read, slug
from arengo.catalogue.harvest.wire import Wire
from arengo.catalogue.record import Record, say
from arengo.errors import ArengoError, Place, SourceMalformed
from arengo.state import harvesting as tables

if TYPE_CHECKING:
    from arengo.settings import Settings
    from arengo.state import State

READERS: Mapping[str, Callable[[Declared, Wire, datetime | None], Iterator[Read]]] = {
    "ckan": ckan,
    "dcat": dcat,
    "arcgis": arcgis,
    "csw": csw,
    "records": records,
}
"""Kind of catalogue -> reader."""
SHOWN = 100
ACCEPTED = "harvest-accepted"
"""Kind of the state's saved records that say yes to a run that shrank."""
SAME = 5000
"""Records given twice before it is asked whether the pages ever end."""
LONGEST_NAME = 1000
"""Signs of an identifier."""
LARGEST = 2_000_000
"""Bytes of one record."""
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Harvest:
    """One run as it ended. ``state``: succeeded, unchanged, held (it shrank too much) or failed."""

    source: str
    state: str
    counts: Mapping[str, int]
    rejected: tuple[Mapping[str, str], ...] = ()
    error: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(slots=True)
class _Tally:
    met: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    repeated: int = 0
    looped: int = 0
    missing: int = 0
    gone: int = 0
    reasons: list[dict[str, str]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        names = ("met", "added", "changed", "unchanged", "rejected", "repeated", "looped", "missing", "gone")
        return {name: getattr(self, name) for name in names}


def harvest(
    settings: Settings, state: State, source: Declared, *, force: bool = False, progress: Progress = lambda met: None
) -> Harvest:
    """Run one source to its end; errors of the source are in the result. ``force``: swap however much it shrank."""
    started, number = datetime.now(UTC), uuid.uuid4().hex
    scratch = settings.home / "scratch" / f"harvest-{source.id}.sqlite"
    scratch.parent.mkdir(parents=True, exist_ok=True)
    tally = _Tally()
    error: dict[str, Any] | None = None
    outcome = "failed"
    with state.hold(f"harvest {source.id}"):
        force = force or source.id in accepted(state)
        scratch.unlink(missing_ok=True)
        wire = Wire(settings.sources, settings.root, source)
        try:
            staged = sqlite3.connect(scratch, isolation_level=None)
            try:
                _stage(staged, source, wire, tally, _home(settings), progress)
                outcome = _swap(state, staged, source, tally, force)
            finally:
                staged.close()
        except ArengoError as met:
            error = met.as_dict()
        finally:
            wire.close()
            for suffix in ("", "-wal", "-journal"):
                scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)
        ended = datetime.now(UTC)
        if outcome in ("succeeded", "unchanged"):
            state.forget(ACCEPTED, source.id)
        with state.write() as connection:
            connection.execute(
                sa.insert(tables.run).values(
                    id=number, source=source.id, state=outcome, started_at=started, ended_at=ended,
                    counts=tally.counts(), rejected=tally.reasons, error=error, notes={},
                )
            )  # fmt: skip
    return Harvest(source.id, outcome, tally.counts(), tuple(tally.reasons), error, started, ended)


def _home(settings: Settings) -> tuple[str, ...]:
    """Addresses that are this city's own: what comes back from there came from here."""
    own = settings.city.url.rstrip("/")
    return (own,) if own else ()


def _stage(
    staged: sqlite3.Connection, source: Declared, wire: Wire, tally: _Tally, home: tuple[str, ...], progress: Progress
) -> None:
    staged.execute("PRAGMA journal_mode=OFF")
    staged.execute("PRAGMA synchronous=OFF")
    staged.execute("CREATE TABLE item (identifier TEXT PRIMARY KEY, sha TEXT, body BLOB, title TEXT, modified TEXT)")
    staged.execute("BEGIN")
    for read in islice(_reads(source, wire), source.limit):
        tally.met += 1
        if tally.met % 200 == 0:
            progress(tally.met)
        body, reason = _kept(read)
        record = read.record
        if record is None or reason:
            tally.rejected += 1
            if len(tally.reasons) < SHOWN:
                tally.reasons.append({"identifier": read.identifier[:200], "title": read.title[:200], "reason": reason})
            continue
        if _is_loop(record, home):
            tally.looped += 1
            continue
        sha = hashlib.sha256(body).hexdigest()
        title = say(record.title, source.language)[0]
        modified = record.modified.isoformat() if record.modified else None
        row = staged.execute(
            "INSERT OR IGNORE INTO item VALUES (?, ?, ?, ?, ?)", (read.identifier, sha, body, title, modified)
        )
        if not row.rowcount:
            tally.repeated += 1
            if tally.repeated >= SAME and tally.repeated > tally.met // 2:
                raise SourceMalformed(
                    f"More than half of {tally.met:,} records were given before: the pages go round in a circle.",
                    place=Place(file=f"harvest/{source.id}.toml"),
                )
    staged.execute("COMMIT")
    progress(tally.met)


def _reads(source: Declared, wire: Wire) -> Iterator[Read]:
    """What the source's reader finds; an answer of a shape nobody foresaw is an error of the source, not ours."""
    reads = READERS[source.kind](source, wire, None)
    while True:
        try:
            read = next(reads, None)
        except ArengoError:  # some of them are ValueErrors too
            raise
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            raise SourceMalformed(
                f"The answer is not what a source of kind {source.kind} gives: {str(error)[:200]}.",
                todo="Check kind and address in the source's file.",
                place=Place(file=f"harvest/{source.id}.toml"),
            ) from error
        if read is None:
            return
        yield read


def _kept(read: Read) -> tuple[bytes, str]:
    """(the record as it is compared, why it is refused)."""
    if read.record is None:
        return b"", read.reason
    if len(read.identifier) > LONGEST_NAME:
        return b"", f"its identifier is longer than {LONGEST_NAME:,} signs"
    try:
        body = codec.dumps(replace(read.record, provenance=_timeless(read.record)))
    except (TypeError, ValueError, RecursionError) as error:
        return b"", f"a field cannot be kept: {str(error)[:120]}"
    return body, f"it is larger than {LARGEST:,} bytes" if len(body) > LARGEST else ""


def _timeless(record: Record) -> Any:
    return replace(record.provenance, harvested_at=None) if record.provenance else None


def _is_loop(record: Record, home: tuple[str, ...]) -> bool:
    """The record came from this city and would go round for ever."""
    origin = record.provenance
    if origin is None or not home:
        return False
    told = [_bare(address) for address in (origin.uri, origin.landing_page, *origin.chain[:-1]) if address]
    ours = [_bare(address) for address in home]
    return any(address == own or address.startswith(f"{own}/") for own in ours for address in told)


def _bare(address: str) -> str:
    """Host, port and path: http and https, capitals of the host and a port that goes without saying are the same."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return address
    return f"{(parts.hostname or '').rstrip('.')}{port}{parts.path}".rstrip("/")


def _swap(state: State, staged: sqlite3.Connection, source: Declared, tally: _Tally, force: bool) -> str:
    """Compare and write, all or nothing."""
    r = tables.record.c
    mine = r.source == source.id
    now = datetime.now(UTC)
    with state.write() as connection:
        held = {
            row.identifier: row
            for row in connection.execute(sa.select(r.id, r.identifier, r.sha, r.misses, r.gone_at).where(mine))
        }
        # Counted by identity: as many records under other identifiers are a loss of all that was there.
        there = {name for name, row in held.items() if row.gone_at is None}
        kept, lost = 0, len(there)
        for (name,) in staged.execute("SELECT identifier FROM item"):
            kept += 1
            lost -= name in there
        if lost > len(there) * source.shrink and not force:
            tally.missing = lost
            tally.unchanged = kept
            return "held"
        stamp = int(connection.scalar(sa.select(sa.func.max(r.stamp))) or 0)
        taken = set(connection.scalars(sa.select(r.id)))
        taken |= set(connection.scalars(sa.text("SELECT id FROM dataset")))
        used: dict[str, int] = {}
        added: list[dict[str, Any]] = []
        for identifier, sha, body, title, modified in staged.execute(
            "SELECT identifier, sha, body, title, modified FROM item"
        ):
            before = held.pop(identifier, None)
            if before is not None and before.sha == sha and before.gone_at is None:
                tally.unchanged += 1
                if before.misses:
                    connection.execute(sa.update(tables.record).where(r.id == before.id).values(misses=0))
                continue
            stamp += 1
            name = before.id if before is not None else _free(slug(title) or "dataset", taken, used)
            taken.add(name)
            whole = codec.loads(body)
            origin = replace(whole.provenance, harvested_at=now) if whole.provenance else None
            record = replace(whole, id=name, provenance=origin)
            values = {
                "sha": sha, "body": codec.dumps(record), "stamp": stamp, "misses": 0, "gone_at": None,
                "publisher": record.publisher.id if record.publisher else "",
                "modified_at": datetime.fromisoformat(modified) if modified else None,
            }  # fmt: skip
            if before is not None:
                tally.changed += 1
                connection.execute(sa.update(tables.record).where(r.id == name).values(**values))
            else:
                tally.added += 1
                added.append({"id": name, "source": source.id, "identifier": identifier, "uuid": record.uuid, **values})
                if len(added) >= 1000:
                    connection.execute(sa.insert(tables.record), added)
                    added = []
        if added:
            connection.execute(sa.insert(tables.record), added)
        for row in held.values():
            if row.gone_at is not None:
                continue
            tally.missing += 1
            if row.misses + 1 >= source.keep_misses:
                tally.gone += 1
                stamp += 1
                values = {"gone_at": now, "stamp": stamp, "misses": row.misses + 1}
            else:
                values = {"misses": row.misses + 1}
            connection.execute(sa.update(tables.record).where(r.id == row.id).values(**values))
        changed = bool(tally.added or tally.changed or tally.gone)
        if changed:
            state.bump(connection)
    return "succeeded" if changed else "unchanged"


def _free(name: str, taken: set[str], used: dict[str, int]) -> str:
    """A slug nobody has: it is the record's for life. ``used``: how far each name was counted; many share a title."""
    if name not in taken:
        return name
    number = used.get(name, 1) + 1
    while f"{name}-{number}" in taken:
        number += 1
    used[name] = number
    return f"{name}-{number}"


def runs(state: State, source: str = "", limit: int = 50) -> list[Harvest]:
    """Past runs, the newest first."""
    t = tables.run.c
    chosen = sa.select(tables.run).order_by(t.started_at.desc()).limit(limit)
    with state.read() as connection:
        rows = connection.execute(chosen.where(t.source == source) if source else chosen).all()
    return [
        Harvest(row.source, row.state, row.counts, tuple(row.rejected), row.error, row.started_at, row.ended_at)
        for row in rows
    ]


def accept(state: State, source: str) -> None:
    """Let the next run of a source be taken over however much it shrank; it is due at once."""
    state.save(ACCEPTED, source, source, {}, datetime.now(UTC))


def accepted(state: State) -> frozenset[str]:
    """Sources whose next run is taken over however much it shrank."""
    return frozenset(item.id for item in state.saved(ACCEPTED))


def held_by(state: State) -> dict[str, int]:
    """Source -> records of it that are listed."""
    r = tables.record.c
    with state.read() as connection:
        chosen = sa.select(r.source, sa.func.count()).where(r.gone_at.is_(None)).group_by(r.source)
        return {row[0]: int(row[1]) for row in connection.execute(chosen)}


def due(settings: Settings, state: State, sources: Mapping[str, Declared]) -> list[Declared]:
    """Sources whose last run is longer ago than they want."""
    now, yes = datetime.now(UTC), accepted(state)
    out = []
    for source in sources.values():
        last = next(iter(runs(state, source.id, 1)), None)
        age = (now - last.started_at).total_seconds() / 3600 if last and last.started_at else None
        agreed = last is not None and last.state == "held" and source.id in yes  # a failed one waits like any other
        if source.enabled and (age is None or age >= source.every or agreed):
            out.append(source)
    return out
