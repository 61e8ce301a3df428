"""The columns of a version in Iceberg's terms: which field id each has, and how that follows from the last version.

A column keeps its field id as long as it is the same column: same name, or renamed (``arengoRenamedFrom``, or the
same physical name in the source), and the same Iceberg type. A column whose type changes gets a new field id, as
Iceberg allows none of the changes between our kinds (Iceberg v2 spec, *Schema Evolution*).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from arengo.contract.model import Contract, Kind
from arengo.lake.version import Column, Staged, Version

ROW = "_row"
BOX = "_bbox"
SIDES = ("xmin", "ymin", "xmax", "ymax")

_ICEBERG = {
    Kind.STRING: "string",
    Kind.INTEGER: "long",
    Kind.NUMBER: "double",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamp",
    Kind.GEOMETRY: "binary",
    Kind.JSON: "string",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns with their field ids, plus the ids of the hidden ones (``box``: the struct, then its four sides)."""

    columns: tuple[Column, ...]
    row: int
    box: tuple[int, int, int, int, int] | None
    physical: Mapping[str, str]
    last: int
    """The highest field id ever used by this dataset."""

    def names(self) -> dict[int, str]:
        return {column.field_id: column.name for column in self.columns}

    def field_ids(self) -> dict[str, Any]:
        """DuckDB's FIELD_IDS for the columns as they are written."""
        out: dict[str, Any] = {column.name: column.field_id for column in self.columns}
        out[ROW] = self.row
        if self.box:
            out[BOX] = {"__duckdb_field_id": self.box[0], **dict(zip(SIDES, self.box[1:], strict=True))}
        return out

    def extra(self) -> dict[str, Any]:
        return {
            "hidden": [self.row, list(self.box) if self.box else None],
            "physical": {name: source for name, source in self.physical.items() if source and source != name},
            "last_field": self.last,
        }


def plan(contract: Contract, staged: Staged, before: Version | None) -> Layout:
    """The layout of the next version of a dataset whose newest version is ``before``."""
    old = {column.name: column for column in before.schema} if before else {}
    last = int(before.extra.get("last_field", 0)) if before else 0
    hidden = before.extra.get("hidden") if before else None
    old_physical: Mapping[str, str] = before.extra.get("physical", {}) if before else {}
    wanted = {name for name, _, _ in staged.columns}
    gone = {name: column for name, column in old.items() if name not in wanted}
    physical = {item.name: item.physical_name for item in contract.properties}

    def fresh() -> int:
        nonlocal last
        last += 1
        return last

    columns = []
    for name, kind, required in staged.columns:
        was = old.get(name) or _renamed(contract, name, physical.get(name, ""), gone, old_physical)
        if was is not None and _ICEBERG[was.kind] == _ICEBERG[kind]:
            gone.pop(was.name, None)
            columns.append(Column(name, kind, was.field_id, required))
        else:
            columns.append(Column(name, kind, fresh(), required))
    row = int(hidden[0]) if hidden else fresh()
    box: tuple[int, int, int, int, int] | None = None
    if staged.geometry is not None and staged.geometry.stored:
        kept = hidden[1] if hidden else None
        box = (
            (int(kept[0]), int(kept[1]), int(kept[2]), int(kept[3]), int(kept[4]))
            if kept
            else (fresh(), fresh(), fresh(), fresh(), fresh())
        )
    return Layout(tuple(columns), row, box, physical, last)


def of(version: Version) -> Layout:
    """The layout a version was written with."""
    row, box = version.extra["hidden"]
    return Layout(
        version.schema,
        int(row),
        (box[0], box[1], box[2], box[3], box[4]) if box else None,
        dict(version.extra.get("physical", {})),
        int(version.extra["last_field"]),
    )


def _renamed(
    contract: Contract, name: str, source: str, gone: Mapping[str, Column], old_physical: Mapping[str, str]
) -> Column | None:
    item = contract.column(name)
    told = item.custom.get("arengoRenamedFrom", ()) if item else ()
    for former in (told,) if isinstance(told, str) else tuple(told):
        if former in gone:
            return gone[former]
    if not source:
        return None
    return next((column for column in gone.values() if old_physical.get(column.name, column.name) == source), None)


def compatible(new: Layout, before: Version) -> bool:
    """Whether files of ``before`` can stay: every column that keeps its name kept its field id too."""
    ids = {column.name: column.field_id for column in new.columns}
    same = all(ids.get(column.name, column.field_id) == column.field_id for column in before.schema)
    return same and new.extra()["hidden"] == list(before.extra["hidden"])


def iceberg_schema(layout: Layout) -> Any:
    """A pyiceberg Schema with exactly these field ids; every field optional (required is the contract's matter)."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import (
        BinaryType,
        BooleanType,
        DateType,
        DoubleType,
        IcebergType,
        LongType,
        NestedField,
        StringType,
        StructType,
        TimestampType,
        TimeType,
    )

    types: dict[str, IcebergType] = {
        "string": StringType(),
        "long": LongType(),
        "double": DoubleType(),
        "boolean": BooleanType(),
        "date": DateType(),
        "time": TimeType(),
        "timestamp": TimestampType(),
        "binary": BinaryType(),
    }
    fields = [
        NestedField(field_id=c.field_id, name=c.name, field_type=types[_ICEBERG[c.kind]], required=False)
        for c in layout.columns
    ]
    fields.append(NestedField(field_id=layout.row, name=ROW, field_type=LongType(), required=False))
    if layout.box:
        sides = [
            NestedField(field_id=field, name=side, field_type=DoubleType(), required=False)
            for side, field in zip(SIDES, layout.box[1:], strict=True)
        ]
        fields.append(NestedField(field_id=layout.box[0], name=BOX, field_type=StructType(*sides), required=False))
    return Schema(*fields)


def quote(name: str) -> str:
    """A DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A DuckDB string literal, for statements that take no parameters (paths and names Arengo chose itself)."""
    return "'" + value.replace("'", "''") + "'"


def struct(values: Mapping[str, Any]) -> str:
    """A DuckDB struct literal of integers, nested as given."""
    parts = []
    for name, value in values.items():
        inner = struct(value) if isinstance(value, Mapping) else str(int(value))
        parts.append(f"{text(name)}: {inner}")
    return "{" + ", ".join(parts) + "}"


def sort_term(item: str) -> str:
    """One ORDER BY term from a column name, ``-`` prefix for descending; NULLs last."""
    direction = "DESC" if item.startswith("-") else "ASC"
    return f"{quote(item.lstrip('-'))} {direction} NULLS LAST"


def listing(names: Iterable[str]) -> str:
    return ", ".join(quote(name) for name in names)
