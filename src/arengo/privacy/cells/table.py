"""A table of counts and sums as cells, with every sum to a margin that the reader of the table can check.

A dimension is a tree of labels: the word for the total at its root, coarser labels of the same hierarchy between, the
finest below. Two columns may also nest (district, section); their sums follow from the cells that are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.errors import ArengoError
from arengo.lake.layout import quote

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from arengo.privacy.case import Codes
    from arengo.privacy.release import Attribute

COUNT = "count"
Key = tuple[str | None, ...]
Floats = "NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class Sum:
    """A column of a magnitude table; ``largest``, ``second``: columns of the two largest contributions to the cell,
    ``contributors``: column of how many contribute; '' when there is none.
    """

    column: str
    largest: str = ""
    second: str = ""
    contributors: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Value of ``arengoCells``. ``where``: concept -> values it is about. ``base``: of its rounding, 0 when it is not
    rounded; ``method``: how it was protected, '' when it was not.
    """

    by: tuple[str, ...]
    count: str = ""
    sums: tuple[Sum, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    total: str = ""
    method: str = ""
    base: int = 0

    @property
    def inexact(self) -> bool:
        """Whether its figures are near the truth and not the truth."""
        return self.method in ("round", "cell-key", "noise")

    @property
    def measures(self) -> tuple[str, ...]:
        """Columns with figures."""
        return ((self.count,) if self.count else ()) + tuple(item.column for item in self.sums)

    @property
    def telling(self) -> tuple[str, ...]:
        """Columns that are needed to judge and must never be shown: single contributions."""
        return tuple(name for item in self.sums for name in (item.largest, item.second) if name)


def layout(told: Mapping[str, Any], protection: Mapping[str, Any] | None = None) -> Layout:
    """From the value of ``arengoCells`` and, of a candidate, ``arengoProtection``'s ``cells``."""
    held = protection if protection is not None else told.get("protection") or {}
    where = {
        str(name): (values,) if isinstance(values, str) else tuple(str(item) for item in values)
        for name, values in (told.get("where") or {}).items()
    }
    sums = tuple(
        Sum(*(str(item.get(name, "")) for name in ("column", "largest", "second", "contributors")))
        for item in told.get("sums", ())
    )
    method = str(held.get("method", ""))
    base = int(held.get("base", 0) or 0)
    return Layout(
        tuple(told.get("by", ())), str(told.get("count", "")), sums, where, str(told.get("total", "")), method,
        (base or (5 if method == "round" else 0)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Equation:
    """``parent`` is the sum of ``children``: indices of cells."""

    parent: int
    children: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """``keys[i]``: labels of cell i, in the order of ``by``. ``values``: measure -> (n,) float64, NaN where withheld.
    ``repeated``: indices of cells whose labels stand more than once. ``parents[d]``: label -> the coarser label it
    adds up to, in dimension d.
    """

    by: tuple[str, ...]
    keys: tuple[Key, ...]
    values: Mapping[str, NDArray[np.float64]]
    parents: tuple[Mapping[str | None, str], ...]
    total: str
    equations: tuple[Equation, ...]
    repeated: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.keys)

    def inner(self) -> NDArray[np.bool_]:
        """Which cells are no sum of others."""
        out = np.ones(len(self.keys), bool)
        out[[item.parent for item in self.equations]] = False
        return out


def read(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    told: Layout,
    columns: Sequence[str],
    attributes: Iterable[Attribute] = (),
    codes: Codes | None = None,
) -> Table:
    """The cells of ``source`` (SQL after FROM), in its order. ``columns``: the figures to read, beside ``by``."""
    names = [f"CAST({quote(name)} AS VARCHAR)" for name in told.by]
    figures = [f"TRY_CAST({quote(name)} AS DOUBLE)" for name in columns]
    held = connection.execute(f"SELECT {', '.join([*names, *figures])} FROM {source}").fetchnumpy()
    arrays = list(held.values())
    keys = list(zip(*(_labels(item) for item in arrays[: len(names)]), strict=True)) if names else [()] * len(arrays[0])
    values = {
        name: np.ma.filled(np.ma.asarray(item, dtype=np.float64), np.nan)
        for name, item in zip(columns, arrays[len(names) :], strict=True)
    }
    by_name = {item.column: item for item in attributes}
    parents = tuple(
        tree({key[at] for key in keys}, told.total, _above(by_name.get(name), codes)) for at, name in enumerate(told.by)
    )
    return build(told.by, keys, values, parents, told.total)


def build(
    by: Sequence[str],
    keys: Sequence[Key],
    values: Mapping[str, NDArray[np.float64]],
    parents: Sequence[Mapping[str | None, str]],
    total: str,
) -> Table:
    """A table from its cells; its equations follow from ``parents`` and the cells that are there."""
    places: dict[Key, int] = {}
    repeated = []
    for at, key in enumerate(keys):
        if key in places:
            repeated.append(at)
        else:
            places[key] = at
    return Table(tuple(by), tuple(keys), dict(values), tuple(parents), total, tuple(_equations(places, parents)),
                 tuple(repeated))  # fmt: skip


def _equations(places: Mapping[Key, int], parents: Sequence[Mapping[str | None, str]]) -> Iterable[Equation]:
    seen = set()
    for at, above in enumerate(parents):
        lines: dict[tuple[Key, str], list[int]] = defaultdict(list)
        for key, cell in places.items():
            parent = above.get(key[at])
            if parent is not None:
                lines[(*key[:at], parent, *key[at + 1 :]), parent].append(cell)
        for (key, _), children in lines.items():
            whole = places.get(key)
            if whole is not None:
                made = Equation(whole, tuple(sorted(children)))
                if made not in seen:
                    seen.add(made)
                    yield made


def tree(
    labels: Iterable[str | None], total: str, above: Callable[[str], Iterable[str]] | None = None
) -> dict[str | None, str]:
    """Label -> the label it adds up to, among those that are there: the next coarser one, else the total.

    ``above``: label -> its coarser labels, the nearest first.
    """
    there = set(labels)
    out: dict[str | None, str] = {}
    for label in there:
        if label == total and total:
            continue
        found = None
        if above is not None and label is not None:
            found = next((item for item in above(label) if item in there and item != label), None)
        if found is None and total and total in there:
            found = total
        if found is not None:
            out[label] = found
    return out


def _above(attribute: Attribute | None, codes: Codes | None) -> Callable[[str], Iterable[str]] | None:
    """What a hierarchy says about labels of several levels in one column."""
    if attribute is None or codes is None or not attribute.hierarchy:
        return None
    maps: list[list[Mapping[str, str]]] = []
    try:
        levels = ["0", *codes.levels(attribute.hierarchy)]
        for at, level in enumerate(levels[:-1]):
            rows = [codes.between(attribute.hierarchy, level, other) for other in levels[at + 1 :]]
            if len(rows[0]):  # groups of numbers and dates are not listed, and their labels say what they hold
                maps.append(rows)
    except (ArengoError, KeyError, ValueError):
        return None

    def found(label: str) -> Iterable[str]:
        for rows in maps:
            if label in rows[0]:
                return [row[label] for row in rows if row.get(label) not in (None, label)]
        return []

    return found


def _labels(column: Any) -> list[str | None]:
    """Texts of a column; NULL is a label of its own."""
    mask = np.ma.getmaskarray(column)
    return [None if gone else str(item) for item, gone in zip(np.ma.getdata(column), mask, strict=True)]
