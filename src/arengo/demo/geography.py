"""The ground of Arvenza: a fan of neighbourhoods round a harbour, drawn in polar coordinates and then bent.

Everything is placed by (ring radius in metres, degree along the fan) and goes through one smooth bend, so districts
tile without gaps, streets stay inside their neighbourhood and houses stand along their street.

The city lies on an island that does not exist, in the open Tyrrhenian Sea at 11.55° E 40.40° N, more than 100 km from
any shore: no address, tree or school of the demo falls on anybody's land.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arengo.demo import names

Floats = NDArray[np.float64]
Ring = list[tuple[float, float]]

ORIGIN = (11.55, 40.40)
RADII = (250.0, 900.0, 1700.0, 2700.0, 4000.0, 5600.0)
STREET_GAP = (110.0, 130.0, 170.0, 230.0, 420.0)
HOUSE_GAP = (16.0, 20.0, 28.0, 46.0, 120.0)
_METRES_NORTH = 111_132.0
_METRES_EAST = 111_320.0 * float(np.cos(np.radians(ORIGIN[1])))


@dataclass(frozen=True, slots=True)
class Cell:
    """One neighbourhood: a piece of a ring, with its number (1 to 30) and its district's (1 to 10)."""

    number: int
    ring: int
    start: int
    stop: int
    name: str
    district: int

    @property
    def code(self) -> str:
        return f"{self.district:02d}{self.number:02d}"

    @property
    def weight(self) -> float:
        """Share of the city's people that lives here; the rings get thinner outwards."""
        inner, outer = RADII[self.ring], RADII[self.ring + 1]
        return (outer**2 - inner**2) * (self.stop - self.start) * (9.0, 11.0, 8.0, 4.5, 0.7)[self.ring]


@dataclass(frozen=True, slots=True)
class Street:
    code: str
    name: str
    kind: str
    cell: int  # index into cells
    radius: Floats
    degree: Floats

    @property
    def line(self) -> Floats:
        return np.column_stack(place(self.radius, self.degree))


@dataclass(frozen=True, slots=True)
class House:
    id: str
    street: int  # index into streets
    cell: int
    number: int
    suffix: str
    lon: float
    lat: float
    postcode: str


def bend(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Metres of the ideal fan to metres of the city; smooth and one to one."""
    east = x * 1.06 + 190 * np.sin(y / 1900 + 0.7) + 24 * np.sin(y / 150 + x / 420) + 9 * np.sin(x / 61)
    north = y * 0.93 + 160 * np.sin(x / 1700 - 0.4) + 21 * np.sin(x / 165 - y / 510) + 8 * np.sin(y / 57)
    return east, north


def place(radius: Any, degree: Any) -> tuple[Floats, Floats]:
    """Longitude and latitude of polar positions (metres, degrees along the fan)."""
    angle = np.radians(np.asarray(degree, dtype=float) - 15.0)
    radius = np.asarray(radius, dtype=float)
    east, north = bend(radius * np.cos(angle), radius * np.sin(angle))
    return np.round(ORIGIN[0] + east / _METRES_EAST, 6), np.round(ORIGIN[1] + north / _METRES_NORTH, 6)


def utm32(lon: Any, lat: Any) -> tuple[Floats, Floats]:
    """Degrees to ETRS89 / UTM zone 32N (EPSG:25832) metres: Krüger's series on GRS 80, to a millimetre."""
    flattening = 1 / 298.257222101
    n = flattening / (2 - flattening)
    radius = 6_378_137.0 / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    alpha = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16,
        13 * n**2 / 48 - 3 * n**3 / 5,
        61 * n**3 / 240,
    )
    phi, lam = np.radians(np.asarray(lat, dtype=float)), np.radians(np.asarray(lon, dtype=float) - 9.0)
    root = 2 * np.sqrt(n) / (1 + n)
    t = np.sinh(np.arctanh(np.sin(phi)) - root * np.arctanh(root * np.sin(phi)))
    xi, eta = np.arctan2(t, np.cos(lam)), np.arctanh(np.sin(lam) / np.sqrt(1 + t**2))
    east = eta + sum(a * np.cos(2 * j * xi) * np.sinh(2 * j * eta) for j, a in enumerate(alpha, 1))
    north = xi + sum(a * np.sin(2 * j * xi) * np.cosh(2 * j * eta) for j, a in enumerate(alpha, 1))
    return 500_000 + 0.9996 * radius * east, 0.9996 * radius * north


class Geography:
    """Neighbourhoods, districts, streets and houses, the same for the same generator."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self.cells = tuple(
            Cell(number, ring, start, stop, name, district)
            for number, (ring, start, stop, name, district) in enumerate(names.CELLS, 1)
        )
        weights = np.array([cell.weight for cell in self.cells])
        self.weights: Floats = weights / weights.sum()

    def outline(self, cells: list[Cell]) -> Ring:
        """Closed outer ring, counter-clockwise, of cells that hang together: inner edges cancel out."""
        edges: dict[tuple[float, float], tuple[float, float]] = {}
        for cell in cells:
            for a, b in _edges(cell):
                if edges.get(b) == a:
                    del edges[b]
                else:
                    edges[a] = b
        start = min(edges)
        corners, here = [start], edges[start]
        while here != start:
            corners.append(here)
            here = edges[here]
        corners.append(start)
        polar = np.array(corners)
        lon, lat = place(polar[:, 0], polar[:, 1])
        return list(zip(lon.tolist(), lat.tolist(), strict=True))

    def district(self, number: int) -> list[Cell]:
        return [cell for cell in self.cells if cell.district == number]

    def scatter(
        self, random: np.random.Generator, count: int, weights: Floats | None = None
    ) -> tuple[NDArray[np.int64], Floats, Floats]:
        """``count`` places inside the city: cell indices, longitudes, latitudes."""
        index = random.choice(len(self.cells), size=count, p=self.weights if weights is None else weights)
        inner = np.array([RADII[cell.ring] for cell in self.cells])[index]
        outer = np.array([RADII[cell.ring + 1] for cell in self.cells])[index]
        start = np.array([cell.start for cell in self.cells], dtype=float)[index]
        stop = np.array([cell.stop for cell in self.cells], dtype=float)[index]
        radius = np.sqrt(random.uniform((inner + 12) ** 2, (outer - 12) ** 2))
        degree = random.uniform(start + 0.3, stop - 0.3)
        lon, lat = place(radius, degree)
        return index, lon, lat

    @cached_property
    def streets(self) -> tuple[Street, ...]:
        words = [f"{kind} {word}" for word in names.STREET_WORDS for kind in dict.fromkeys(names.STREET_KINDS)]
        order = self._random.permutation(len(words))
        supply = (words[i] for i in order)
        out: list[Street] = []

        def add(cell: int, radius: Floats, degree: Floats, name: str = "") -> None:
            name = name or next(supply)
            out.append(Street(f"{len(out) + 101:04d}", name, name.split()[0], cell, radius, degree))

        for ring in range(1, len(RADII) - 1):
            cell = next(i for i, item in enumerate(self.cells) if item.ring == ring)
            add(cell, np.full(211, RADII[ring]), np.arange(211.0), f"Viale della {_ORDINAL[ring]} Cinta")
        for index, item in enumerate(self.cells):
            inner, outer, gap = RADII[item.ring], RADII[item.ring + 1], STREET_GAP[item.ring]
            middle = (inner + outer) / 2
            width = np.radians(item.stop - item.start) * middle
            for k in range(1, max(2, int((outer - inner) / gap)) + 1):
                radius = inner + (outer - inner) * k / (max(2, int((outer - inner) / gap)) + 1)
                degrees = np.linspace(item.start, item.stop, max(4, int(width / 90)))
                add(index, np.full_like(degrees, radius), degrees)
            for k in range(1, max(2, int(width / gap)) + 1):
                degree = item.start + (item.stop - item.start) * k / (max(2, int(width / gap)) + 1)
                radii = np.linspace(inner, outer, max(4, int((outer - inner) / 90)))
                add(index, radii, np.full_like(radii, degree))
        return tuple(out)

    @cached_property
    def houses(self) -> tuple[House, ...]:
        random = self._random
        out: list[House] = []
        for index, street in enumerate(self.streets):
            cell = self.cells[street.cell]
            if street.name.endswith("Cinta"):
                continue
            gap = HOUSE_GAP[cell.ring]
            x = street.radius * np.cos(np.radians(street.degree))
            y = street.radius * np.sin(np.radians(street.degree))
            along = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))))
            for side in (0, 1):
                count = int(along[-1] / gap)
                spots = (np.arange(count) + 0.5) * gap + random.uniform(-0.25, 0.25, count) * gap
                kept = random.random(count) > 0.07
                steps = np.cumsum(random.choice([2, 2, 2, 2, 4], count)) - side
                radius = np.interp(spots, along, street.radius)
                degree = np.interp(spots, along, street.degree)
                offset = (11 if side else -11) + random.uniform(-3, 3, count)
                if np.ptp(street.degree) == 0:
                    degree = degree + np.degrees(offset / np.maximum(radius, 200))
                else:
                    radius = radius + offset
                lon, lat = place(radius, degree)
                letters = random.choice(["", "", "", "", "", "", "", "", "", "/A", "/B", "bis"], count)
                for spot in np.flatnonzero(kept):
                    out.append(
                        House(
                            id=f"A{len(out) + 100001:06d}",
                            street=index,
                            cell=street.cell,
                            number=int(steps[spot]),
                            suffix=str(letters[spot]),
                            lon=float(lon[spot]),
                            lat=float(lat[spot]),
                            postcode=f"0{9900 + cell.district:04d}",
                        )
                    )
        return tuple(out)

    def address(self, house: House) -> str:
        return f"{self.streets[house.street].name}, {house.number}{house.suffix}"


_ORDINAL = ("", "Prima", "Seconda", "Terza", "Quarta")


def _edges(cell: Cell) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Directed edges of a cell in (radius, degree), counter-clockwise, on the grid all cells share."""
    inner, outer = RADII[cell.ring], RADII[cell.ring + 1]
    radii = [float(r) for r in np.linspace(inner, outer, 9)]
    degrees = [float(d) for d in range(cell.start, cell.stop + 1)]
    loop = [(r, degrees[0]) for r in radii]
    loop += [(radii[-1], d) for d in degrees[1:]]
    loop += [(r, degrees[-1]) for r in reversed(radii[:-1])]
    loop += [(radii[0], d) for d in reversed(degrees[:-1])]
    yield from itertools.pairwise(loop)
