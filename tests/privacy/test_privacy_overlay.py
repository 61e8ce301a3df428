"""Spatial overlap: wards against school zones of a made-up town of 5,000, which differ by one courtyard."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from gate_case import SECRET, START, Kind, Table, World, plain, quasi, sensitive, table

from arengo.contract.model import Contract, Geometry, Property
from arengo.governance.hierarchy import Hierarchies
from arengo.lake import Lake, Staged
from arengo.lake.engine import load
from arengo.privacy import gate, hierarchy
from arengo.privacy.case import Case
from arengo.privacy.cells import differencing
from arengo.privacy.hierarchy import CityCodes

pytestmark = pytest.mark.slow  # each lays a town's areas over each other in a lake of its own

KX, KY = 111_320 * math.cos(math.radians(45)), 111_320.0
SIZE = 1_200  # metres
COURTYARD = (290.0, 500.0, 300.0, 525.0)  # the last ten metres of the first column of wards, before x = 300
Box = tuple[float, float, float, float]
PRIVACY = '[populations.residents]\nregister = "resident-register"\n'
REGISTER = """apiVersion: v3.1.0
kind: DataContract
id: resident-register
version: 1.0.0
status: active
name: Residents
schema:
  - name: residents
    logicalType: object
    physicalType: table
    properties:
      - name: code
        logicalType: string
        customProperties: [{property: arengoSubject, value: residents}]
      - name: home
        logicalType: string
        customProperties: [{property: arengoPrivacyConcept, value: HOME}HIERARCHY]
"""


def areas(shift: float = 0.0) -> dict[str, list[Box]]:
    """Four by three rectangles; ``shift``: metres by which the inner boundaries are drawn elsewhere."""
    xs = [0, 300 + shift, 600 - shift, 900 + shift, SIZE]
    ys = [0, 400 - shift, 800 + shift, SIZE]
    return {f"{4 * y + x + 1}": [(xs[x], ys[y], xs[x + 1], ys[y + 1])] for y in range(3) for x in range(4)}


def zones(shift: float = 0.0, courtyard: bool = True) -> dict[str, list[tuple[Box, Box | None]]]:
    """As the wards, but that zone 6 has the courtyard of ward 5; each (box, box taken out of it)."""
    out: dict[str, list[tuple[Box, Box | None]]] = {
        name: [(box, None) for box in boxes] for name, boxes in areas(shift).items()
    }
    if courtyard:
        out["5"] = [(out["5"][0][0], COURTYARD)]
        out["6"].append((COURTYARD, None))
    return out


def wkt(boxes: Sequence[tuple[Box, Box | None]]) -> str:
    def ring(box: Box) -> str:
        a, b, c, d = box[0] / KX, 45 + box[1] / KY, box[2] / KX, 45 + box[3] / KY
        return f"({a!r} {b!r}, {c!r} {b!r}, {c!r} {d!r}, {a!r} {d!r}, {a!r} {b!r})"

    parts = (f"({ring(box)}{', ' + ring(hole) if hole else ''})" for box, hole in boxes)
    return f"MULTIPOLYGON({', '.join(parts)})"


def inside(point: Sequence[float], boxes: Sequence[tuple[Box, Box | None]]) -> bool:
    def held(box: Box) -> bool:
        return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]

    return any(held(box) and not (hole and held(hole)) for box, hole in boxes)


class Town(World):
    """Zonings and the register in a lake; the register's people at points in metres."""

    def __init__(self, folder: Path, privacy: str = PRIVACY) -> None:
        super().__init__(folder, privacy)
        self.lake = Lake(self.settings, self.state)
        self.codes = CityCodes(self.settings, self.state, Hierarchies(self.settings, self.state), self.lake)
        self.runs = 0
        self.zonings: dict[str, Mapping[str, Sequence[tuple[Box, Box | None]]]] = {}
        self.rules: dict[str, str] = {}

    def close(self) -> None:
        self.lake.close()
        super().close()

    def commit(self, id: str, columns: Mapping[str, Kind], rows: str, place: Geometry | None) -> None:
        self.runs += 1
        properties = tuple(Property(name, kind) for name, kind in columns.items())
        contract = Contract(id, "1.0.0", id, "active", id, properties, id, None, place)
        path = self.settings.root / f"staged{self.runs}.duckdb"
        with duckdb.connect(str(path)) as connection:
            load(connection, "spatial")
            box = ""
            if place is not None and place.stored:
                sides = ("xmin", "ymin", "xmax", "ymax")
                box = "".join(f", ST_{s.capitalize()}(ST_GeomFromWKB({place.column})) AS _{s}" for s in sides)
            connection.execute(f"CREATE TABLE rows AS SELECT *{box} FROM ({rows})")
            (count,) = connection.execute("SELECT count(*) FROM rows").fetchone() or (0,)
        staged = Staged(path, "rows", tuple((name, kind, False) for name, kind in columns.items()), place, count)
        self.lake.commit(contract, staged, run=f"r{self.runs}", published_at=START + timedelta(days=self.runs),
                         rows_in=count, quarantined=0, fingerprint=f"f{self.runs}", reports={})  # fmt: skip

    def zoning(self, name: str, shapes: Mapping[str, Sequence[tuple[Box, Box | None]]]) -> None:
        """A dataset of areas, and the hierarchy that says that values are its areas."""
        self.zonings[name] = shapes
        listed = ", ".join(f"('{name[0]}{code}', '{wkt(boxes)}')" for code, boxes in shapes.items())
        rows = f"SELECT code, ST_AsWKB(ST_GeomFromText(shape)) AS shape FROM (VALUES {listed}) t(code, shape)"
        self.commit(name, {"code": Kind.STRING, "shape": Kind.GEOMETRY}, rows, Geometry("shape"))
        self.rules[name] = f'kind = "places"\ndataset = "{name}"\ncolumn = "code"'
        hierarchy.take(self.state, self.rules, START)

    def code(self, zoning: str, point: Sequence[float]) -> str:
        return next((f"{zoning[0]}{code}" for code, boxes in self.zonings[zoning].items() if inside(point, boxes)), "?")

    def people(
        self, points: Sequence[Sequence[float]], home: Callable[[int], str] = lambda at: "-", concept: str = "note",
        hierarchy_: str = "", places: bool = True,
    ) -> None:  # fmt: skip
        """The register: a code, what is said of the home, and (``places``) where it is."""
        told = ", ".join(f"('p{at}', '{home(at)}', {x / KX!r}, {45 + y / KY!r})" for at, (x, y) in enumerate(points))
        place = Geometry(x="lon", y="lat") if places else None
        columns = {"code": Kind.STRING, "home": Kind.STRING, "lon": Kind.NUMBER, "lat": Kind.NUMBER}
        self.commit("resident-register", columns,
                    "SELECT code, home, lon::DOUBLE AS lon, lat::DOUBLE AS lat FROM (VALUES "
                    f"{told}) t(code, home, lon, lat)", place)  # fmt: skip
        named = f", {{property: arengoHierarchy, value: {hierarchy_}}}" if hierarchy_ else ""
        text = REGISTER.replace("HOME", concept).replace("HIERARCHY", named)
        self.state.put_contract(
            "resident-register", version="1.0.0", sha=f"{self.runs:064}", text=text, path="", at=START
        )

    def case(self, data: Table, **more: Any) -> Case:
        made = super().case(data, **more)
        population = self.populations.get("residents")
        truth = self.populations.truth(self.connection, self.lake, population, SECRET)
        return replace(made, population=population, truth=truth)


def crowd(courtyard: int = 3, number: int = 5_000, strip: int = 0, seed: int = 5) -> list[tuple[float, float]]:
    """People anywhere but near a boundary; some in the courtyard, some in the strip that is drawn twice."""
    source = np.random.default_rng(seed)
    out: list[tuple[float, float]] = []
    while len(out) < number - courtyard - strip:
        x, y = (float(item) for item in source.uniform(0, SIZE, 2))
        near = any(abs(x - line) < 12 for line in (300, 600, 900)) or any(abs(y - line) < 12 for line in (400, 800))
        if not near:
            out.append((x, y))
    out += [(291 + 2 * at, 505 + 3 * at) for at in range(courtyard)]
    out += [(300.8, 20 + 3 * at) for at in range(strip)]
    return out


def counts(name: str, zoning: str, told: Mapping[str, int], concept: str = "residence", **custom: Any) -> Table:
    columns = {"area": quasi(Kind.STRING, concept, arengoHierarchy=zoning), "people": plain(Kind.INTEGER)}
    return table(name, columns, sorted(told.items()), (), arengoCells={"by": ["area"], "count": "people"}, **custom)


def counted(town: Town, zoning: str, points: Sequence[Sequence[float]]) -> dict[str, int]:
    return dict(Counter(town.code(zoning, point) for point in points))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


def laid(town: Town, shift: float = 0.0, courtyard: bool = True) -> None:
    town.zoning("wards", {name: [(box, None) for box in boxes] for name, boxes in areas().items()})
    town.zoning("school-zones", zones(shift, courtyard))


def found(town: Town, data: Table) -> list[Any]:
    return [item for item in differencing.look(town.case(data)).findings if item.outcome != "pass"]


@pytest.fixture(autouse=True)
def _without_repairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REPAIRS", ())


@pytest.mark.parametrize("concept", ["residence", "school-zone"])
def test_a_school_zone_less_a_ward_is_one_courtyard(town: Town, concept: str) -> None:
    """The register knows where people live; the boundaries are drawn two metres apart."""
    laid(town, shift=2.0)
    points = crowd()
    town.people(points)
    town.publish(counts("ward-counts", "wards", counted(town, "wards", points)))
    case = town.case(counts("zone-counts", "school-zones", counted(town, "school-zones", points), concept))
    verdict = gate.judge(case)
    assert verdict.outcome == "block", verdict.said()
    (item,) = [item for item in verdict.findings if item.code.startswith("cells-differenced")]
    assert (item.code, item.people, item.releases) == ("cells-differenced-places", 3, ("ward-counts v1",))
    said = item.sentence()
    assert all(word in said for word in ("ward-counts v1", "zone-counts", "wards", "school-zones"))
    assert "…" not in said


@pytest.mark.parametrize("people", [0, 5, 40])
def test_a_courtyard_of_nobody_or_of_enough_passes(town: Town, people: int) -> None:
    laid(town, shift=2.0)
    points = crowd(people)
    town.people(points)
    town.publish(counts("ward-counts", "wards", counted(town, "wards", points)))
    assert not found(town, counts("zone-counts", "school-zones", counted(town, "school-zones", points)))


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0, 4.5])
def test_one_boundary_drawn_twice_is_no_alarm(town: Town, shift: float) -> None:
    """Both tables were counted by codes; three people live between the two drawings."""
    laid(town, shift, courtyard=False)
    points = crowd(0, strip=3)
    town.people(points)
    told = counted(town, "wards", points)
    town.publish(counts("ward-counts", "wards", told))
    same = {code.replace("w", "s"): n for code, n in told.items()}
    assert not found(town, counts("zone-counts", "school-zones", same))


def test_people_in_a_strip_are_found_where_the_figures_say_so(town: Town) -> None:
    """The same strip, and both tables were counted by the shapes: the difference is published."""
    laid(town, 2.0, courtyard=False)
    points = crowd(0, strip=3)
    town.people(points)
    town.publish(counts("ward-counts", "wards", counted(town, "wards", points)))
    (item,) = found(town, counts("zone-counts", "school-zones", counted(town, "school-zones", points)))
    assert (item.code, item.outcome, item.people) == ("cells-differenced-places", "block", 3)


def test_nested_and_identical_zonings_pass(town: Town) -> None:
    laid(town, courtyard=False)
    halves = {"1": [((0.0, 0.0, 600.0, 1200.0), None)], "2": [((600.0, 0.0, 1200.0, 1200.0), None)]}
    town.zoning("halves", halves)
    points = crowd(0)
    town.people(points)
    for name in ("wards", "school-zones", "halves", "wards"):
        data = counts(f"{name}-counts", name, counted(town, name, points))
        assert not found(town, data), name
        town.publish(data)


def test_other_people_in_the_same_areas_are_not_subtracted(town: Town) -> None:
    """Jobs by ward and pupils by zone are no residents."""
    laid(town, 2.0)
    points = crowd()
    town.people(points)
    told = counted(town, "wards", points)
    jobs = dict(zip(told, reversed(list(told.values())), strict=True)) | {"w1": 1200, "w2": 40}
    town.publish(counts("jobs", "wards", jobs, "workplace"))
    assert not found(town, counts("zone-counts", "school-zones", counted(town, "school-zones", points)))


def test_without_coordinates_addresses_tell_where_people_live(tmp_path: Path) -> None:
    town = Town(tmp_path, PRIVACY + 'addresses = "addresses"\n')
    laid(town, 2.0)
    points = crowd()
    town.people(points, lambda at: town.code("wards", points[at]), "residence", places=False)
    listed = ", ".join(f"({x / KX!r}, {45 + y / KY!r})" for x, y in points)
    town.commit("addresses", {"lon": Kind.NUMBER, "lat": Kind.NUMBER},
                f"SELECT lon::DOUBLE AS lon, lat::DOUBLE AS lat FROM (VALUES {listed}) t(lon, lat)",
                Geometry(x="lon", y="lat"))  # fmt: skip
    town.publish(counts("ward-counts", "wards", counted(town, "wards", points)))
    told = counted(town, "school-zones", points)
    (item,) = found(town, counts("zone-counts", "school-zones", told))
    assert (item.code, item.outcome, item.people) == ("cells-differenced-places", "block", 3)
    town.close()


@pytest.mark.parametrize("register", [True, False])
def test_by_shapes_alone_a_person_looks(tmp_path: Path, register: bool) -> None:
    town = Town(tmp_path, PRIVACY if register else "[populations.residents]\n")
    laid(town, 2.0)
    points = crowd()
    if register:
        town.people(points, lambda at: town.code("wards", points[at]), "residence", places=False)
    town.publish(counts("ward-counts", "wards", counted(town, "wards", points)))
    (item,) = found(town, counts("zone-counts", "school-zones", counted(town, "school-zones", points)))
    assert (item.code, item.outcome, item.people) == ("cells-differenced-areas", "review", 3)
    assert item.releases == ("ward-counts v1",)
    same = {code.replace("w", "s"): n for code, n in counted(town, "wards", points).items()}
    assert not found(town, counts("zone-counts", "school-zones", same))
    town.close()


def test_areas_under_other_names_are_for_a_person_to_look_at(town: Town) -> None:
    laid(town)
    points = crowd(number=600)
    town.people(points)
    town.publish(counts("ward-counts", "wards", counted(town, "wards", points)))
    told = {f"Zone {code}": n for code, n in counted(town, "school-zones", points).items()}
    assert [item.code for item in found(town, counts("zone-counts", "school-zones", told))] == ["not-looked"]


def test_a_register_of_buildings_whose_place_the_lake_knows(town: Town) -> None:
    laid(town, 2.0)
    points = crowd()
    listed = ", ".join(f"('b{at}', {x / KX!r}, {45 + y / KY!r})" for at, (x, y) in enumerate(points))
    town.commit("buildings", {"building": Kind.STRING, "shape": Kind.GEOMETRY},
                "SELECT code AS building, ST_AsWKB(ST_Point(lon, lat)) AS shape FROM (VALUES "
                f"{listed}) t(code, lon, lat)", Geometry("shape"))  # fmt: skip
    town.rules["buildings"] = 'kind = "places"\ndataset = "buildings"\ncolumn = "building"'
    hierarchy.take(town.state, town.rules, START)
    town.people(points, lambda at: f"b{at}", "residence", "buildings", places=False)
    town.publish(counts("ward-counts", "wards", counted(town, "wards", points)))
    (item,) = found(town, counts("zone-counts", "school-zones", counted(town, "school-zones", points)))
    assert (item.code, item.outcome, item.people) == ("cells-differenced-places", "block", 3)


def test_rows_with_the_ward_and_rows_with_the_zone(town: Town) -> None:
    """The joint classes know the persons: three stand in a group of their own."""
    laid(town, 2.0)
    points = crowd(number=800)
    town.people(points)
    ids = [f"p{at}" for at in range(len(points))]
    for name, zoning in (("loans", "wards"), ("courses", "school-zones")):
        column = {"area": quasi(Kind.STRING, f"{zoning}-of-home", arengoHierarchy=zoning),
                  "kind": sensitive(Kind.STRING, f"{name}-kind")}  # fmt: skip
        rows = [(town.code(zoning, point), f"k{at % 7}") for at, point in enumerate(points)]
        data = table(name, column, rows, ids)
        if name == "loans":
            town.publish(data)
        else:
            verdict = gate.judge(town.case(data))
            assert verdict.outcome == "block"
            (item,) = [item for item in verdict.findings if item.code == "overlap-joint"]
            assert (item.people, item.releases) == (3, ("loans v1",))


# The attacker who has the shapes, who lives where, and all counts that passed


@pytest.mark.parametrize("seed", range(5))
def test_the_attacker_with_a_map_wins_nothing(town: Town, seed: int) -> None:
    """Zonings drawn at random over blocks of 150 m: what passed gives no atom of one to four away."""
    source = np.random.default_rng(seed)
    blocks = [(x, y) for x in range(8) for y in range(8)]
    points: list[tuple[float, float]] = []
    for x, y in blocks:
        for _ in range(int(source.choice([0, 2, 3, 12, 40]))):
            points.append((150 * x + float(source.uniform(20, 130)), 150 * y + float(source.uniform(20, 130))))
    of: dict[str, dict[tuple[int, int], str]] = {}
    for at, name in enumerate(("wards", "school-zones", "health-zones")):
        chosen = {block: str(block[0] // 4 + 2 * (block[1] // 4)) for block in blocks}
        for _ in range(2 * at):
            block = blocks[int(source.integers(len(blocks)))]
            chosen[block] = str(source.integers(4))
        of[name] = chosen
        shapes: dict[str, list[tuple[Box, Box | None]]] = {}
        for (x, y), code in chosen.items():
            shapes.setdefault(code, []).append(((150.0 * x, 150.0 * y, 150.0 * x + 150, 150.0 * y + 150), None))
        town.zoning(name, shapes)
    town.people(points)
    where = [(int(x // 150), int(y // 150)) for x, y in points]
    passed = []
    for name in of:
        data = counts(f"{name}-counts", name, counted(town, name, points))
        if not found(town, data) and min(counted(town, name, points).values()) >= 5:  # small cells: the step before
            town.publish(data)
            passed.append(name)
    assert passed
    atoms = Counter(tuple(of[name][block] for name in passed) for block in where)
    keys = list(atoms)
    rows = [[int(key[at] == code) for key in keys] for at in range(len(passed)) for code in {key[at] for key in keys}]
    matrix = np.array(rows, float)
    rank = np.linalg.matrix_rank(matrix)
    for at, key in enumerate(keys):
        if atoms[key] < 5:
            assert np.linalg.matrix_rank(np.vstack([matrix, np.eye(len(keys))[at]])) > rank, (seed, passed, key)
