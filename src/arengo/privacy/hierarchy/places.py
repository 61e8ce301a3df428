"""Nested geography: which ward and district a section lies in, as the city's own datasets say.

By columns (``section,ward,district`` of one dataset) or by shape: an area belongs to the area that holds a point
inside it (OGC 06-103r4, *PointOnSurface*), a point to the area that it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Frozen, Kind
from arengo.errors import Place, PolicyError
from arengo.lake.layout import quote, text
from arengo.privacy.hierarchy.builders import Groups
from arengo.privacy.hierarchy.ladder import ALL, Ladder, nested

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.lake.version import Version

MOST = 200_000
"""Places a ladder may list."""
MOST_AREAS = 400
"""Areas a point may be looked up in."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A level: the values of ``column`` of ``dataset``; ``areas``: found by where its shapes lie."""

    level: str
    dataset: str
    column: str
    areas: bool = False


@dataclass(frozen=True, slots=True)
class Zoning:
    """The areas that the values of a column name. ``rows``: SQL of (``label`` VARCHAR, ``shape`` WKB in OGC:CRS84),
    several rows where an area is made of several. ``base``: the finest areas whose list its hierarchy is made of, ''
    where it is made of points.
    """

    dataset: str
    column: str
    rows: str
    base: str = ""

    @property
    def name(self) -> str:
        return f"{self.dataset}.{self.column}"


@dataclass(frozen=True, slots=True)
class Places:
    """A rule whose groups are in the lake. ``dataset`` '' : the column itself holds points."""

    name: str
    dataset: str
    column: str
    layers: tuple[Layer, ...]

    @property
    def datasets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in (self.dataset, *(layer.dataset for layer in self.layers)) if name))

    def marks(self, lake: Lake) -> tuple[tuple[str, int], ...]:
        """Which versions its groups come from."""
        found = ((name, lake.newest(name)) for name in self.datasets)
        return tuple((name, item.number if item else 0) for name, item in found)

    def zoning(self, lake: Lake, level: str) -> Zoning | None:
        """The areas that ``level`` (``""``: the values themselves) names; None where the lake has no shapes."""
        layer = Layer("", self.dataset, self.column)
        if level not in ("", "0"):
            number = int(level) - 1 if level.isascii() and level.isdecimal() and len(level) < 4 else -1
            named = {item.level: item for item in self.layers}
            found = named.get(level) or (self.layers[number] if 0 <= number < len(self.layers) else None)
            if found is None:
                return None
            layer = found
        version = lake.newest(layer.dataset) if layer.dataset else None
        if version is None or version.geometry is None or not version.geometry.stored:
            return None
        if layer.column not in {item.name for item in version.schema}:
            return None
        shape = quote(version.geometry.column)
        rows = (
            f"SELECT CAST({quote(layer.column)} AS VARCHAR) AS label, {shape} AS shape FROM {lake.source(version)} "
            f"WHERE {quote(layer.column)} IS NOT NULL AND {shape} IS NOT NULL"
        )
        return Zoning(layer.dataset, layer.column, rows, f"{self.dataset}.{self.column}" if self.dataset else "")

    def made(self, lake: Lake) -> Ladder:
        """The ladder over the newest versions. Raises PolicyError when one is missing or they do not nest."""
        if not self.dataset:
            return Areas(self.name, tuple((layer.level, self._shapes(lake, layer)) for layer in self.layers))
        base = self._version(lake, self.dataset, self.column)
        if not self.layers:  # areas that lie in nothing coarser
            named = f"CAST({quote(self.column)} AS VARCHAR)"
            sql = f"SELECT DISTINCT {named} FROM {lake.source(base)} WHERE {named} IS NOT NULL LIMIT {MOST + 1}"
            with lake.engine.execute(sql) as found:
                return self._groups(found.fetchall())
        if any(layer.areas for layer in self.layers):
            return self._groups(self._located(lake, base))
        names = [quote(self.column), *(quote(layer.column) for layer in self.layers)]
        for layer in self.layers:
            self._version(lake, self.dataset, layer.column)
        listed = ", ".join(f"CAST({name} AS VARCHAR)" for name in names)
        known = " AND ".join(f"{name} IS NOT NULL" for name in names)
        sql = f"SELECT DISTINCT {listed} FROM {lake.source(base)} WHERE {known} LIMIT {MOST + 1}"
        with lake.engine.execute(sql) as found:
            return self._groups(found.fetchall())

    def _groups(self, rows: list[tuple[Any, ...]]) -> Ladder:
        mapping: dict[str, tuple[str, ...]] = {}
        if len(rows) > MOST:
            raise self._wrong(f"It lists more than {MOST:,} places", "Choose a dataset with fewer.")
        for value, *groups in rows:
            if mapping.setdefault(value, tuple(groups)) != tuple(groups):
                raise self._wrong(f"{value!r} lies in two groups", f"Mend the rows of {self.dataset}.")
        levels = [layer.level for layer in self.layers]
        met = nested(mapping, levels)
        if met:
            raise self._wrong(f"{met[0]!r} lies in {met[1]!r} and in {met[2]!r}", "A group lies in one coarser group.")
        if not mapping:
            raise self._wrong("It lists no place", f"Publish {self.dataset} first.")
        return Groups(self.name, levels, Frozen(mapping))

    def _located(self, lake: Lake, base: Version) -> list[tuple[Any, ...]]:
        """Each area of the base with the areas of every layer that hold a point inside it."""
        shape = self._shape(base)
        joins, picked = "", ""
        for number, layer in enumerate(self.layers):
            version = self._version(lake, layer.dataset, layer.column)
            other = f"ST_GeomFromWKB(l{number}.{quote(self._shape(version))})"
            joins += (
                f" JOIN (SELECT * FROM {lake.source(version)}) l{number} ON ST_Contains({other}, "
                f"ST_PointOnSurface(ST_GeomFromWKB(b.{quote(shape)})))"
            )
            picked += f", CAST(l{number}.{quote(layer.column)} AS VARCHAR)"
        sql = f"SELECT DISTINCT CAST(b.{quote(self.column)} AS VARCHAR){picked} FROM {lake.source(base)} b{joins}"
        rows: list[tuple[Any, ...]] = self._spatial(lake, sql)
        return rows

    def _shapes(self, lake: Lake, layer: Layer) -> tuple[tuple[str, str], ...]:
        """(name, WKB in hexadecimal digits) of each area."""
        version = self._version(lake, layer.dataset, layer.column)
        if version.rows > MOST_AREAS:
            raise self._wrong(f"{layer.dataset} has more than {MOST_AREAS} areas", "Choose coarser ones.")
        rows = self._spatial(
            lake,
            f"SELECT CAST({quote(layer.column)} AS VARCHAR), hex({quote(self._shape(version))}) "
            f"FROM {lake.source(version)} WHERE {quote(self._shape(version))} IS NOT NULL ORDER BY 1",
        )
        return tuple((name, shape) for name, shape in rows if name)

    def _spatial(self, lake: Lake, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        from arengo.lake.engine import load

        with duckdb.connect(":memory:", config={"threads": 1, "autoinstall_known_extensions": False}) as connection:
            load(connection, "spatial")
            connection.execute("SET GLOBAL enable_geoparquet_conversion = false")
            return connection.execute(sql).fetchall()

    def _version(self, lake: Lake, dataset: str, column: str) -> Version:
        version = lake.newest(dataset)
        if version is None:
            raise self._wrong(f"The dataset {dataset} has no version", f"Publish it: arengo publish {dataset}.")
        if column not in {item.name for item in version.schema}:
            names = ", ".join(item.name for item in version.schema[:12])
            raise self._wrong(f"{dataset} has no column {column!r}", f"Its columns: {names}.")
        return version

    def _shape(self, version: Version) -> str:
        if version.geometry is None or not version.geometry.stored:
            raise self._wrong(f"{version.dataset} has no shapes", "Name a dataset with a geometry.")
        return version.geometry.column

    def _wrong(self, met: str, todo: str) -> PolicyError:
        return PolicyError(f"{met}.", todo=todo, place=Place(file=f"hierarchies/{self.name}.toml"))


class Areas(Ladder):
    """Points in areas: the column holds points (WKB or WKT, longitude first); DuckDB with its spatial extension."""

    def __init__(self, name: str, layers: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> None:
        self.name = name
        self.levels = (*(level for level, _ in layers), ALL)
        self._layers = tuple(shapes for _, shapes in layers)

    def value(self, column: str, kind: str) -> str:
        return f"ST_GeomFromWKB({column})" if kind == Kind.GEOMETRY else f"try(ST_GeomFromText({column}))"

    def label(self, value: str, place: int) -> str:
        cases = " ".join(
            f"WHEN ST_Intersects(ST_GeomFromHEXWKB({text(shape)}), {value}) THEN {text(name)}"
            for name, shape in self._layers[place - 1]
        )
        return f"CASE {cases} END" if cases else "NULL"

    def lift(self, label: str, place: int, to: int) -> str:
        raise PolicyError(
            f"The areas of {self.name} do not say which holds which.",
            todo="Write the level over the points themselves, or name dataset and column of the finest areas.",
        )
