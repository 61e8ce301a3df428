"""The lake: versions in, versions and relations out."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.errors import SettingsError, UnknownDataset, UnknownVersion
from arengo.lake import record
from arengo.lake.engine import Engine
from arengo.lake.relation import ANY, Access, Relation, parquet
from arengo.lake.version import Staged, Version
from arengo.state import tables as t

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from arengo.contract.model import Contract
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

    @cached_property
    def engine(self) -> Engine:
        return Engine(self.settings, (self.warehouse, self.serving))

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
        """Write the state row and let readers see it, in one transaction."""
        with self.state.write() as connection:
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
            with self.state.read() as connection:
                rows = connection.scalars(
                    sa.select(t.version.c.body)
                    .where(t.version.c.dataset == dataset)
                    .order_by(t.version.c.number.desc())
                )
                held = tuple(record.from_json(body, self.warehouse) for body in rows)
            self._lists[dataset] = held
        return held

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
                    self._generation = now

    # The street out (the door only)

    def relation(self, version: Version, access: Access | None = None) -> Relation:
        """Where to read ``version`` from for that kind of access. Cheap: remembered per version and access."""
        key = (version.dataset, version.number, access)
        found = self._relations.get(key)
        if found is None:
            found = self._relation(version, access or ANY)
            if len(self._relations) > 4096:
                self._relations.clear()
            self._relations[key] = found
        return found

    def _relation(self, version: Version, access: Access) -> Relation:
        return Relation(parquet(version))

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

    def quarantine(self, version: Version) -> Path | None:
        """The Parquet file of the rows that were not let in, None when there is none."""
        path = self.artefact(version, "quarantine.parquet")
        return path if path.is_file() else None

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.close()

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
