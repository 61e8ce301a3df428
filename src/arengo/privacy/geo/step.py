"""The steps ``grid``, ``donut`` and ``laplace`` of ``arengoProtect``: of a column of points, or of both columns of a
pair of coordinates, each of which gets its part of the same new place.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import Geometry, Kind
from arengo.errors import Place, PolicyError
from arengo.privacy.geo import donut as donuts
from arengo.privacy.geo import grid as grids
from arengo.privacy.geo import laplace as noise
from arengo.privacy.geo.plane import Plane
from arengo.privacy.mask import NUMERIC

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.protect.work import Column, Held, Work

Move = Callable[["NDArray[np.float64]", "NDArray[np.int64]"], "NDArray[np.float64]"]


def grid(work: Work, column: Column, held: Held, argument: Mapping[str, Any]) -> Held:
    """The middle of a square with at least ``k`` persons; unknown where there is none."""
    k, smallest = int(argument["k"]), float(argument.get("smallest", 100.0))
    if not smallest > 0:
        raise _misfit(column, "grid", f"a square of {smallest} metres is none", "Write smallest: 100.")
    return _moved(work, column, held, "grid", lambda points, persons: grids.cells(points, persons, k, smallest)[0])


def donut(work: Work, column: Column, held: Held, argument: Mapping[str, Any]) -> Held:
    """A place where somebody else is, with at least ``k`` persons nearer than it."""
    k, inner, outer = int(argument["k"]), float(argument.get("inner", 0)), float(argument.get("outer", 0))
    if inner < 0 or (outer and outer < inner):
        raise _misfit(column, "donut", f"a ring from {inner:g} to {outer:g} metres is none", "Write outer above inner.")
    key = work.key("donut", _pair(work, column))
    return _moved(
        work, column, held, "donut", lambda points, persons: donuts.moved(points, persons, k, key, inner, outer)
    )


def laplace(work: Work, column: Column, held: Held, argument: Mapping[str, Any]) -> Held:
    """Planar Laplace noise: within ``metres`` (100 unless said) places look alike to a factor of e^``epsilon``."""
    epsilon = float(argument["epsilon"]) / float(argument.get("metres", 100.0))
    key = work.key("laplace", _pair(work, column))
    return _moved(work, column, held, "laplace", lambda points, persons: noise.moved(points, epsilon, key))


def _pair(work: Work, column: Column) -> str:
    """The same for both coordinates of a place."""
    place = work.contract.as_read().geometry
    return f"{place.x} {place.y}" if place is not None and column.read.name in (place.x, place.y) else column.read.name


def _moved(work: Work, column: Column, held: Held, step: str, move: Move) -> Held:
    import pyarrow as pa

    place = work.contract.as_read().geometry
    name = column.read.name
    subject = work.subject or "CAST(NULL AS VARCHAR)"
    if held.kind is Kind.GEOMETRY:
        shape = f"ST_Centroid(ST_GeomFromWKB({held.sql}))"
        table = work.values(held, f"ST_X({shape})", f"ST_Y({shape})", subject)
        x, y, who = (table.column(f"c{at}") for at in range(3))
        plane_of, part = "", -1
    elif held.kind in NUMERIC and place is not None and name in (place.x, place.y):
        other = work.original(place.y if name == place.x else place.x)
        if other.kind not in NUMERIC:
            raise _misfit(column, step, "the other coordinate is no number", "Use it on a column of points.")
        table = work.values(held, other.sql, subject)
        one, two, who = table.column("value"), table.column("c0"), table.column("c1")
        part = 0 if name == place.x else 1
        x, y = (one, two) if part == 0 else (two, one)
        plane_of = place.crs
    else:
        raise _misfit(column, step, "it is no place", "Use it on a column of points, or on both coordinates.")
    points = np.column_stack([_numbers(x), _numbers(y)])
    made = _safe(points, _persons(who), plane_of, place, move)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(made).all(axis=1))
    if part < 0:
        told = [struct.pack("<BIdd", 1, 1, *pair) if fits else None for pair, fits in zip(made, known, strict=True)]
        values = pa.array(told, pa.binary())
    else:
        values = pa.array(np.where(known, made[:, part], 0.0), pa.float64(), mask=~known)
    return work.keep(pa.table({"number": table.column("number"), "value": values}), held.kind)


def _safe(
    points: NDArray[np.float64], persons: NDArray[np.int64], crs: str, place: Geometry | None, move: Move
) -> NDArray[np.float64]:
    plane = Plane.of(crs, points[:, 1])
    known = np.isfinite(points).all(axis=1) & (np.abs(points) < 1e9).all(axis=1)
    out = np.full_like(points, np.nan)
    if known.any():
        out[known] = plane.back(move(plane.metres(points[known]), persons[known]))
    return out


def _numbers(column: Any) -> NDArray[np.float64]:
    made: NDArray[np.float64] = np.array([np.nan if value is None else float(value) for value in column.to_pylist()])
    return made


def _persons(column: Any) -> NDArray[np.int64]:
    """A number for each person; a row of nobody known is a person of its own."""
    seen: dict[str, int] = {}
    told = [seen.setdefault(value if value is not None else f"\0{at}", len(seen))
            for at, value in enumerate(column.to_pylist())]  # fmt: skip
    return np.array(told, np.int64)


def _misfit(column: Column, step: str, met: str, todo: str) -> PolicyError:
    name = column.read.name
    return PolicyError(f"arengoProtect of the column {name}: {step} does not fit: {met}.", todo=todo,
                       place=Place(column=name))  # fmt: skip
