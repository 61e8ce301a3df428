"""Which dataset and version a table of a question is, and the view that stands for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arengo.contract.model import Kind
from arengo.door.decision import Caller
from arengo.door.sql.complaint import place
from arengo.door.sql.grammar import Question
from arengo.door.view import View
from arengo.errors import BadSql, UnknownDataset
from arengo.query.scope import nearest, quote

if TYPE_CHECKING:
    from arengo.door.door import Door
    from arengo.lake import Lake
    from arengo.lake.version import Version

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_WORDS = (
    "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create "
    "default deferrable desc describe distinct do else end except false fetch for foreign from grant group "
    "having in initially intersect into lambda lateral leading limit not null offset on only or order pivot "
    "placing primary qualify references returning select show some summarize symmetric table then to trailing "
    "true union unique unpivot using variadic when where window with"
)
_RESERVED = frozenset(_WORDS.split())
MOST = 24
"""Tables one question may name."""


@dataclass(frozen=True, slots=True)
class Read:
    """A table a question reads. ``name``: as the question writes it."""

    name: str
    view: View

    @property
    def dataset(self) -> str:
        return self.view.dataset

    @property
    def version(self) -> int:
        return self.view.version.number


@dataclass(frozen=True, slots=True)
class SqlTable:
    """A table that may be asked. ``name``: as it is written in a question."""

    dataset: str
    name: str
    view: View


def listed(door: Door, caller: Caller, after: str = "", limit: int | None = None) -> list[SqlTable]:
    """The published datasets that ``caller`` may read, by id, from the one after ``after``."""
    out: list[SqlTable] = []
    for dataset in sorted(entry.id for entry in door.catalogue.entries(limit=None).items if entry.version is not None):
        if limit is not None and len(out) == limit:
            break
        if dataset > after and door.decide(dataset, caller).allowed:
            out.append(SqlTable(dataset, written(dataset), door.view(dataset, "", caller)))
    return out


def written(dataset: str) -> str:
    """A dataset's id as a question may write it, without quotes where that is possible."""
    plain = dataset.replace("-", "_")
    return plain if _PLAIN.fullmatch(plain) and plain not in _RESERVED else quote(dataset)


def resolve(
    door: Door, question: Question, caller: Caller, as_of: str, names: Mapping[str, str] | None
) -> tuple[Read, ...]:
    """The tables in the order the question names them.

    Raises BadSql for one that is no dataset (saying where), NotAllowed, UnknownVersion.
    """
    if len(question.tables) > MOST:
        raise BadSql(f"The question names {len(question.tables)} tables; {MOST} are the most.")
    given = {name.lower(): dataset for name, dataset in (names or {}).items()}
    out = []
    for table in question.tables:
        base, when = split(table.name)
        dataset = given.get(table.name.lower()) or given.get(base.lower()) or known(door, base)
        if dataset is None:
            line, column, excerpt = place(question.sql, table.position or 0)
            if table.position is None:
                line, column, excerpt = 0, 0, ""
            raise BadSql(
                f"There is no dataset {base!r}.",
                todo=nearest(base.lower().replace("_", "-"), [*given, *_ids(door)]),
                line=line,
                column=column,
                excerpt=excerpt,
            )
        out.append(Read(table.name, door.view(dataset, when or as_of, caller)))
    return tuple(out)


def split(name: str) -> tuple[str, str]:
    """The dataset and the version in a table's name, '' for none."""
    base, mark, when = name.rpartition("@")
    return (base, when) if mark else (name, "")


def known(door: Door, name: str) -> str | None:
    """The dataset meant by a spelling of its id, None when there is none."""
    for spelling in dict.fromkeys((name, name.lower(), name.lower().replace("_", "-"))):
        try:
            return door.catalogue.entry(spelling).id
        except UnknownDataset:
            continue
    return None


def _ids(door: Door) -> Iterable[str]:
    return (entry.id for entry in door.catalogue.entries(limit=None).items if entry.contract.access == "open")


def statement(lake: Lake, read: Read) -> str:
    """CREATE VIEW with the granted columns; a stored geometry comes as GEOMETRY, JSON text as JSON."""
    columns = ", ".join(f"{_typed(quote(item.name), item.kind)} AS {quote(item.name)}" for item in read.view.columns)
    return f"CREATE VIEW {quote(read.name)} AS SELECT {columns} FROM {lake.source(held(lake, read.view))}"


def held(lake: Lake, view: View) -> Version:
    """The version whose files a question over ``view`` may read: the stored one, or the cut that is granted."""
    return lake.cut(view.stored, view.cut) if view.cut else view.stored


def _typed(column: str, kind: Kind) -> str:
    if kind is Kind.GEOMETRY:
        return f"ST_GeomFromWKB({column})"
    if kind is Kind.JSON:  # a text that is no JSON stays a text
        return f"CASE WHEN json_valid({column}) THEN CAST({column} AS JSON) ELSE to_json({column}) END"
    return column
