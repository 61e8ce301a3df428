"""What the door grants of one version: its columns, its place and time, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from types import MappingProxyType

from arengo.contract.load import sha
from arengo.contract.model import Contract, Geometry, Kind, Property
from arengo.contract.protection import coarse
from arengo.door.decision import Decision
from arengo.lake.cut import Cut, extra
from arengo.lake.version import Column, Version
from arengo.query.scope import Field, Scope


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A granted column. ``declared``: what the contract says of it, None for one the contract no longer has."""

    name: str
    kind: Kind
    required: bool
    declared: Property | None
    title: str
    unit: str


@dataclass(frozen=True, slots=True)
class View:
    """``version``: what may be told of it; only the door reads ``stored``. ``cut``: None when it is granted whole.

    ``contract``: the one the version was published under. ``identity``: changes when any byte of an answer may.
    """

    version: Version
    contract: Contract
    columns: tuple[ViewColumn, ...]
    geometry: Geometry | None
    decision: Decision
    scope: Scope
    identity: str
    stored: Version
    cut: Cut | None = None

    @property
    def dataset(self) -> str:
        return self.version.dataset

    @property
    def modified(self) -> datetime:
        return self.version.erased_at or self.version.published_at

    def column(self, name: str) -> ViewColumn:
        """Raises UnknownColumn for a name outside the view."""
        self.scope.field(name)
        return next(item for item in self.columns if item.name == name)


def _column(item: Column, declared: Property | None) -> ViewColumn:
    title = declared.label if declared else item.name.replace("_", " ")
    return ViewColumn(item.name, item.kind, item.required, declared, title, declared.unit if declared else "")


def make_view(
    version: Version, contract: Contract, decision: Decision, release: str, cut: Cut | None = None, rows: int = 0
) -> View:
    """``rows``: of the cut, when there is one."""
    shown = cut.columns if cut else None
    schema = tuple(item.column for item in shown) if shown is not None else version.schema
    columns = tuple(_column(item, contract.column(item.name)) for item in schema if item.name in decision.columns)
    names = {item.name for item in columns}
    geometry = cut.geometry if cut else version.geometry
    if geometry is not None:
        needed = {geometry.column} if geometry.stored else {geometry.x, geometry.y}
        if not needed <= names:
            geometry = None
    ranged = coarse(contract)
    by_name = {
        item.name: Field(item.name, item.kind, item.required, item.kind is Kind.STRING and item.name in ranged)
        for item in columns
    }
    time = str(contract.custom.get("arengoTime", "") or "")
    if time not in by_name or by_name[time].kind not in (Kind.DATE, Kind.TIMESTAMP):
        time = ""
    texts = tuple(item.name for item in columns if item.kind is Kind.STRING)
    declared = tuple(str(name) for name in contract.custom.get("arengoSearch", ()) if name in texts)
    held = cut.key if cut else version.key
    key = held if set(held) <= names else ()
    scope = Scope(version.dataset, by_name, geometry, time, declared or texts, key)
    if cut is None:
        parts = (release, version.dataset, str(version.number), version.checksum, sha(contract), decision.fingerprint)
        return View(version, contract, columns, geometry, decision, scope, "\0".join(parts), version)
    # Nothing here may depend on what was not granted: not on the checksum of the whole, not on its size.
    times = f"{version.published_at.isoformat()} {version.erased_at}"
    parts = (release, version.dataset, str(version.number), times, sha(contract), cut.name)
    identity = "\0".join(parts)
    told = replace(
        version,
        schema=schema,
        key=key,
        sort=cut.order,
        geometry=geometry,
        rows=rows,
        rows_in=rows,
        quarantined=0,
        bytes=0,
        checksum=blake2b(identity.encode(), digest_size=32).hexdigest(),
        fingerprint="",
        snapshot_id=0,
        metadata="",
        files=(),
        run="",
        extra=MappingProxyType(dict(extra(version, cut, rows))),
    )
    return View(told, contract, columns, geometry, decision, scope, identity, version, cut)
