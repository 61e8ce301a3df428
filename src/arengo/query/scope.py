"""What a query may name: the columns the caller's view grants, and nothing else."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arengo.contract.model import Geometry, Kind
from arengo.errors import UnknownColumn

ORDERED = frozenset({Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.BOOLEAN})
NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER})
TEMPORAL = frozenset({Kind.DATE, Kind.TIMESTAMP})


def quote(name: str) -> str:
    """A name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Field:
    """``ranged``: its texts may be names of intervals, ``5–9`` and ``10–14``, which stand in the order of numbers."""

    name: str
    kind: Kind
    required: bool = False
    ranged: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The columns, place and time of one view.

    ``time``: the column ``datetime`` looks at, '' when there is none. ``search``: the columns ``search`` looks in.
    """

    dataset: str
    fields: Mapping[str, Field]
    geometry: Geometry | None = None
    time: str = ""
    search: tuple[str, ...] = ()
    key: tuple[str, ...] = ()

    def field(self, name: str) -> Field:
        """Raises UnknownColumn, naming the nearest column, for a name outside the view (hidden ones included)."""
        found = self.fields.get(name)
        if found is None:
            raise UnknownColumn(f"{self.dataset} has no column {name!r}.", todo=nearest(name, self.fields))
        return found

    @property
    def place(self) -> str:
        """The name spatial operators know the geometry by; ``geometry`` when it is made of two number columns."""
        if self.geometry is None:
            return ""
        return self.geometry.column or "geometry"


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that names the closest of ``known``, or all of them when few are close."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.55)
    if close:
        return f"Did you mean {close[0]!r}?"
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f"Known here: {shown}." if names else ""
