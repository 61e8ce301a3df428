"""The lake: versions in, versions and relations out."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.errors import SettingsError, UnknownDataset, UnknownVersion
from arengo.lake import difference, record, serving
from arengo.lake.engine import Engine, translated
from arengo.lake.layout import quote
from arengo.lake.relation import ANY, Access, Relation, parquet
from arengo.lake.serving import Copies
from arengo.lake.usage import Usage
from arengo.lake.version import Change, DataFile, Difference, Staged, Version
from arengo.lake.words import MOST_FETCHED, Side
from arengo.state import tables as t

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from arengo.contract.model import Contract
    from arengo.lake.cut import Cut, Opener
    from arengo.lake.iceberg import Iceberg
    from arengo.settings import Settings
    from arengo.state import State

_NUMBER = re.compile(r"^v?(\d{1,9})$")


class Lake:
    """All versions of one city.

    Safe to use from many threads; several processes may hold one over the same folder. What readers see changes
    only when the state's generation does.
    """

    def __init__(self, settings: Settings, state: State) -> None:
        self.settings = settings
        self.state = state
        if "://" in settings.lake.warehouse:
            raise SettingsError(
                f"The warehouse {settings.lake.warehouse} is not a folder.",
                todo="Name a folder of this machine in [lake] warehouse, or mount the storage as one.",
            )
        self.warehouse = (settings.root / (settings.lake.warehouse or ".arengo/lake")).resolve()
        self.folder = settings.home / "versions"
        self.serving = settings.home / "serving"
        self._guard = threading.Lock()
        self._generation = -1
        self._resolved: dict[tuple[str, str], Version] = {}
        self._lists: dict[str, tuple[Version, ...]] = {}
        self._relations: dict[tuple[str, int, Access | None], Relation] = {}
        self._ready: dict[tuple[str, int], Copies | None] = {}
        self._cuts: dict[tuple[str, int, str, str], Version] = {}
        self._attached: dict[str, str] = {}
        self._numbers: dict[str, set[int]] = {}
        self.usage = Usage(state)
        self.opener: Opener | None = None
        """Opens the sealed columns of a cut; who composes the city gives it."""

    @cached_property
    def engine(self) -> Engine:
        return Engine(self.settings, (self.warehouse, self.serving))

    @cached_property
    def side(self) -> Side:
        return Side(self.engine)

    @cached_property
    def iceberg(self) -> Iceberg:
        from arengo.lake.iceberg import Iceberg

        self.settings.home.mkdir(parents=True, exist_ok=True)
        self.warehouse.mkdir(parents=True, exist_ok=True)
        url = self.settings.lake.catalogue or f"sqlite:///{self.settings.home / 'catalog.sqlite'}"
        return Iceberg(url, self.warehouse)

    # The street in

    def commit(
        self,
        contract: Contract,
        staged: Staged,
        *,
        run: str,
        published_at: datetime,
        rows_in: int,
        quarantined: int,
        fingerprint: str,
        reports: Mapping[str, Path],
        mode: str = "replace",
    ) -> Version | None:
        """Make ``staged`` the next version; None when its content equals the newest.

        ``mode``: ``replace`` the rows held, ``append`` to them, or ``upsert`` by primary key. ``reports``: files to
        keep with the version, by name (profile, quality, quarantine). Calling again with the same ``run`` after a
        kill at any moment finishes or finds the same version. Raises Busy when another process commits to this
        dataset, StorageFull when the disk is (the newest version stays and partial files are removed),
        PublisherError when ``published_at`` is not later than the newest version's.
        """
        from arengo.lake.commit import Commit

        with self.state.hold(f"lake {contract.id}"):
            return Commit(self, contract, staged, run, published_at, rows_in, quarantined, fingerprint, mode).make(
                reports
            )

    def record(self, version: Version) -> None:
        """Write the state row (again, after a compaction) and let readers see it, in one transaction."""
        v = t.version.c
        with self.state.write() as connection:
            connection.execute(sa.delete(t.version).where(v.dataset == version.dataset, v.number == version.number))
            connection.execute(
                sa.insert(t.version).values(
                    dataset=version.dataset,
                    number=version.number,
                    published_at=version.published_at,
                    snapshot_id=version.snapshot_id,
                    run=version.run,
                    body=record.to_json(version, self.warehouse),
                )
            )
            self.state.bump(connection)

    def next_number(self, dataset: str) -> int:
        with self.state.read() as connection:
            newest = [
                connection.scalar(sa.select(sa.func.max(table.c.number)).where(table.c.dataset == dataset))
                for table in (t.version, t.expired)
            ]
        return max((int(item) for item in newest if item is not None), default=0) + 1

    # Which version

    def datasets(self) -> tuple[str, ...]:
        """Ids of the datasets that have a version, sorted."""
        with self.state.read() as connection:
            return tuple(connection.scalars(sa.select(t.version.c.dataset).distinct().order_by(t.version.c.dataset)))

    def versions(self, dataset: str) -> tuple[Version, ...]:
        """Retained versions, newest first. Empty when there is none."""
        self._fresh()
        held = self._lists.get(dataset)
        if held is None:
            held = self._lists[dataset] = self.retained(dataset)
        return held

    def retained(self, dataset: str) -> tuple[Version, ...]:
        """Retained versions as the state has them now, past every cache."""
        v = t.version.c
        with self.state.read() as connection:
            rows = connection.scalars(sa.select(v.body).where(v.dataset == dataset).order_by(v.number.desc()))
            return tuple(record.from_json(body, self.warehouse) for body in rows)

    def newest(self, dataset: str) -> Version | None:
        """The newest version as the state has it now, past every cache."""
        with self.state.read() as connection:
            return self._one(connection, dataset)

    def by_run(self, dataset: str, run: str) -> Version | None:
        with self.state.read() as connection:
            return self._one(connection, dataset, t.version.c.run == run)

    def resolve(self, dataset: str, as_of: str = "") -> Version:
        """The version meant by ``as_of``.

        '' is the newest; ``3`` or ``v3`` a number; an RFC 3339 date (the end of that day, UTC) or time is the
        version that was the newest then. Raises UnknownDataset, UnknownVersion.
        """
        self._fresh()
        key = (dataset, as_of)
        found = self._resolved.get(key)
        if found is None:
            found = self._resolve(dataset, as_of.strip())
            if len(self._resolved) > 4096:
                self._resolved.clear()
            self._resolved[key] = found
        return found

    def _resolve(self, dataset: str, as_of: str) -> Version:
        with self.state.read() as connection:
            if not as_of:
                found = self._one(connection, dataset)
                if found is None:
                    raise UnknownDataset(
                        f"There is no published version of {dataset!r}.", todo="See the list of datasets."
                    )
                return found
            if number := _NUMBER.match(as_of):
                found = self._one(connection, dataset, t.version.c.number == int(number[1]))
            else:
                found = self._one(connection, dataset, t.version.c.published_at <= _moment(as_of))
            if found is not None:
                return found
            oldest = connection.execute(
                sa.select(t.version.c.number, t.version.c.published_at)
                .where(t.version.c.dataset == dataset)
                .order_by(t.version.c.number)
                .limit(1)
            ).first()
        if oldest is None:
            raise UnknownDataset(f"There is no published version of {dataset!r}.", todo="See the list of datasets.")
        raise UnknownVersion(
            f"{dataset} has no version {as_of!r}.",
            todo=f"The oldest kept is v{oldest.number} of {record.stamp(oldest.published_at)}.",
        )

    def _one(self, connection: Connection, dataset: str, *conditions: sa.ColumnElement[bool]) -> Version | None:
        body = connection.scalar(
            sa.select(t.version.c.body)
            .where(t.version.c.dataset == dataset, *conditions)
            .order_by(t.version.c.number.desc())
            .limit(1)
        )
        return record.from_json(body, self.warehouse) if body is not None else None

    def _fresh(self) -> None:
        """Drop what was remembered when anything was announced since."""
        now = self.state.generation()
        if now != self._generation:
            with self._guard:
                if now != self._generation:
                    self._resolved = {}
                    self._lists = {}
                    self._relations = {}
                    self._ready = {}
                    self._cuts = {}
                    self._generation = now

    # The street out (the door only)

    def relation(self, version: Version, access: Access | None = None) -> Relation:
        """Where to read ``version`` from for that kind of access. Cheap: remembered per version and access."""
        self._fresh()
        key = (version.dataset, version.number, access)
        found = self._relations.get(key)
        if found is None:
            found = self._relation(version, access or ANY)
            if len(self._relations) > 4096:
                self._relations.clear()
            self._relations[key] = found
        return found

    def _relation(self, version: Version, access: Access) -> Relation:
        copies = self._copies(version)
        if copies is None:
            return Relation(self.source(version), (), "clean" if version.extra.get("deletes") else "parquet")
        chosen = serving.choose(copies.layouts, version, access)
        self._use(version, copies)
        return Relation(f"{quote(copies.schema)}.{quote(chosen.name)}", (), chosen.name, tuple(chosen.order))

    def source(self, version: Version, today: Version | None = None) -> str:
        """SQL over a version's own Parquet files, under the column names and types of ``today`` when given."""
        return parquet(self._readable(version), today)

    def files(self, version: Version) -> tuple[Path, ...]:
        """The Parquet files that :meth:`source` reads."""
        return tuple(Path(file.path) for file in self._readable(version).files)

    def _readable(self, version: Version) -> Version:
        """The version with the files that hold no erased row."""
        if version.extra.get("deletes"):
            from arengo.lake.clean import ensure

            path = ensure(version, self.serving / version.dataset / f"{version.label}.clean.parquet", self.settings)
            extra = {k: v for k, v in version.extra.items() if k not in ("file_schemas", "file_schema")}
            version = replace(version, files=(DataFile(str(path), version.rows, 0),), extra=MappingProxyType(extra))
        return version

    def as_of_today(self, version: Version, today: Version) -> str:
        """SQL over a version's rows under the names and types of ``today``."""
        if version.schema == today.schema:
            return self.relation(version).sql
        return self.source(version, today)

    # Copies for quick answers

    def prepare(self, version: Version) -> bool:
        """Build the clustered copies and the word index of a dataset's newest version; False when nothing was to do.

        Safe beside readers and other builders; copies of versions before the last two are removed. A small dataset
        without text search and an older version get none: they are read from the lake. Raises LakeError when the
        build fails (reading goes on).
        """
        folder = self.serving / version.dataset
        newest = self.newest(version.dataset)
        if newest is None or newest.number != version.number or not serving.worth(newest):
            return False
        wanted = serving.layouts_for(newest, self.usage.slow(newest))
        with self.state.hold(f"serving {version.dataset}", wait=600):
            held = serving.ready(folder, newest.dataset, newest.number)
            if held is not None and {item.order for item in wanted} <= {item.order for item in held.layouts}:
                return False
            with translated(folder):
                serving.build(
                    serving.plan(newest, self.settings, folder, wanted, self.source(newest)),
                    apart=newest.bytes >= serving.APART_FROM,
                )
            kept = [item.number for item in self.retained(version.dataset)[:2]]
            serving.remove(folder, kept)
        self.state.announce()
        return True

    def _copies(self, version: Version) -> Copies | None:
        self._fresh()
        key = (version.dataset, version.number)
        if key not in self._ready:
            found = self._ready[key] = serving.ready(self.serving / version.dataset, *key)
            schema = f"{version.dataset} v{version.number}"
            if found is None and schema in self._attached:  # erased: let go of the file too
                with self._guard:
                    self._attached.pop(schema, None)
                    self.engine.detach(schema)
                    self.side.release(str(self.serving / version.dataset / f"v{version.number}.sqlite"))
        return self._ready[key]

    def _use(self, version: Version, copies: Copies) -> None:
        """Attach a version's copies and let go of those of versions before the last three.

        That is one more than the disk keeps: a request that began before an announcement may still hold a relation.
        """
        with self._guard:
            stamped = f"{copies.database}?{Path(copies.database).stat().st_ino}"
            if self._attached.get(copies.schema) != stamped:
                self.engine.detach(copies.schema)
                self.engine.attach(copies.schema, copies.database)
                self._attached[copies.schema] = stamped
            self._numbers.setdefault(version.dataset, set()).add(version.number)
            numbers = sorted(self._numbers[version.dataset])
            for number in numbers[:-3]:
                self._numbers[version.dataset].discard(number)
                self._attached.pop(f"{version.dataset} v{number}", None)
                self.engine.detach(f"{version.dataset} v{number}")
                self.side.release(str(self.serving / version.dataset / f"v{number}.sqlite"))

    # What a decision grants, as versions of their own

    def cut(self, version: Version, cut: Cut) -> Version:
        """What ``cut`` grants of a version, as a version that can be read like any other; made when first asked."""
        from arengo.lake import cut as cuts

        key = (version.dataset, version.number, version.checksum, cut.name)
        held = self._cuts.get(key)
        if held is None or not os.path.isfile(held.files[0].path):  # another process may have swept it
            held = cuts.make(self, version, cut)
            if len(self._cuts) > 4096:
                self._cuts.clear()
            self._cuts[key] = held
        return held

    def count_cut(self, version: Version, cut: Cut) -> int:
        """How many rows of the version the cut has."""
        from arengo.lake import cut as cuts

        return cuts.count(self, version, cut)

    def sweep_cuts(self, unused: timedelta = timedelta(days=1)) -> int:
        """Delete cuts of versions that are gone and those that nobody read for ``unused``; how many files."""
        from arengo.lake import cut as cuts

        since = datetime.now(UTC) - unused
        numbers = {name: [item.number for item in self.retained(name)] for name in self.datasets()}
        return sum(cuts.sweep(self, name, kept, since.timestamp()) for name, kept in numbers.items())

    def forget_copies(self, dataset: str, number: int) -> None:
        """Look again for the copies of a version at its next reading."""
        with self._guard:
            self._ready.pop((dataset, number), None)
            self._relations = {key: item for key, item in self._relations.items() if key[0] != dataset}

    def search(
        self, version: Version, words: str, limit: int | None = None, language: str = "", after: int = -1
    ) -> list[int] | None:
        """``_row`` numbers, ascending, of rows whose text columns hold all the words in any of their forms.

        Only rows after ``after``, at most ``limit`` (None: all). None when the version has no word index.
        """
        copies = self._copies(version)
        if copies is None or not copies.words or copies.side is None:
            return None
        return self.side.search(copies.side, words, limit, language or copies.language, after)

    def fetch(self, version: Version, rows: Sequence[int]) -> Relation | None:
        """A relation of just these rows (at most ``words.MOST_FETCHED``), many times cheaper than a scan for them.

        Its values are in ``Relation.params``, one parameter that stands where ``sql`` does. None when the version
        has no row store or too many rows are asked for.
        """
        copies = self._copies(version)
        if copies is None or copies.side is None or len(rows) > MOST_FETCHED:
            return None
        return self.side.fetch(copies.side, version, rows)

    def locate(self, version: Version, key: Sequence[Any]) -> list[int] | None:
        """``_row`` numbers of the rows with this primary key; None when the version has no row store."""
        copies = self._copies(version)
        if copies is None or copies.side is None or not version.key:
            return None
        return self.side.locate(copies.side, version, key)

    def record_usage(self, dataset: str, access: Access, ms: float) -> None:
        """Count one answered query; slow shapes get a clustered copy at the next build."""
        self.usage.add(dataset, access, ms)

    # Differences

    def diff(self, before: Version, after: Version) -> Difference:
        """Counts of rows added, changed and removed from version ``before`` to version ``after``."""
        return difference.count(self, difference.pair(before, after))

    def changes(self, before: Version, after: Version, limit: int = 100, after_key: Sequence[Any] = ()) -> list[Change]:
        """One page of changes in the order of their key, beginning after ``after_key``."""
        return difference.page(self, difference.pair(before, after), limit, after_key)

    def history(
        self, versions: Sequence[Version], key: Sequence[Any]
    ) -> list[tuple[Version, Mapping[str, Any] | None]]:
        """One row through ``versions`` (newest first), oldest first: an entry per version that changed it.

        None when it is gone.
        """
        return difference.history(self, versions, key)

    # Housekeeping

    def expire(self, dataset: str = "", now: datetime | None = None) -> dict[str, tuple[int, ...]]:
        """Drop versions past their retention and free their files; numbers dropped by dataset. Newest ones stay."""
        from arengo.lake import maintenance

        found = {
            name: maintenance.expire(self, name, now or datetime.now(UTC))
            for name in ((dataset,) if dataset else self.datasets())
        }
        return {name: numbers for name, numbers in found.items() if numbers}

    def collect(self, dataset: str = "", grace: timedelta = timedelta(hours=1)) -> tuple[int, int]:
        """Delete files that no kept version needs and that are older than ``grace``; (files, bytes) freed."""
        from arengo.lake import maintenance

        freed = [maintenance.collect(self, name, grace) for name in ((dataset,) if dataset else self.datasets())]
        return sum(item.files for item in freed), sum(item.bytes for item in freed)

    def compact(self, dataset: str) -> bool:
        """Rewrite the newest version into few sorted files; content, number and time stay. False: nothing to do."""
        from arengo.lake import maintenance

        return maintenance.compact(self, dataset)

    def adopt(self, contract: Contract, published_at: datetime) -> Version | None:
        """Take in what another engine committed to the dataset's Iceberg table, as the next version."""
        from arengo.lake import maintenance

        with self.state.hold(f"lake {contract.id}"):
            return maintenance.adopt(self, contract, published_at)

    # What is kept beside a version

    def artefact(self, version: Version, name: str) -> Path:
        """Path of a file kept beside a version (exports and the like); the folder exists, the file may not."""
        folder = self.beside(version.dataset, version.number)
        folder.mkdir(parents=True, exist_ok=True)
        path = (folder / name).resolve()
        if folder.resolve() not in path.parents:
            raise UnknownVersion(f"{name!r} is not the name of a file of {version.dataset} {version.label}.")
        return path

    def beside(self, dataset: str, number: int) -> Path:
        return self.folder / dataset / str(number)

    def report(self, version: Version, name: str) -> bytes | None:
        """Bytes of a JSON report (``profile``, ``quality``), None when the version has none."""
        try:
            return self.artefact(version, f"{name}.json").read_bytes()
        except FileNotFoundError:
            return None

    def keep_originals(self, dataset: str, incoming: Path) -> None:
        """Take in the original files of documents from a folder on the same disk."""
        from arengo.lake import originals

        originals.keep(self, dataset, incoming)

    def original(self, version: Version, checksum: str) -> Path | None:
        """The original file with that SHA-256 among the documents of ``version``."""
        from arengo.lake import originals

        return originals.find(self, version, checksum)

    def quarantine(self, version: Version) -> Path | None:
        """The Parquet file of the rows that were not let in, None when there is none."""
        path = self.artefact(version, "quarantine.parquet")
        return path if path.is_file() else None

    def close(self) -> None:
        self.usage.flush()
        if "engine" in self.__dict__:
            self.side.close()
            self.engine.close()

    def absolute(self, path: str) -> str:
        return record.absolute(path, self.warehouse)

    def relative(self, path: str) -> str:
        return record.relative(path, self.warehouse)

    def __enter__(self) -> Lake:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _moment(as_of: str) -> datetime:
    try:
        if len(as_of) == 10:
            return datetime.combine(date.fromisoformat(as_of), time.max, UTC)
        at = datetime.fromisoformat(as_of)
    except ValueError as error:
        raise UnknownVersion(
            f"{as_of!r} names no version.", todo="Write a number (3 or v3), a date (2026-01-31) or a time with zone."
        ) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
