"""The made-up city: repeatable, promised correctly, and true to its own ground."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import sqlite3
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pytest

from arengo.city import open_city
from arengo.contract import Severity, lint, loads
from arengo.contract.purpose import purposes
from arengo.demo import Demo, applications, ballots, build
from arengo.demo.geography import Geography, utm32
from arengo.demo.people import tax_code
from arengo.demo.world import DAYS_BEFORE_END
from arengo.governance.plan import approval_rule, plans
from arengo.governance.policy.trial import run, trials
from arengo.services.census import Register, figures, grid, sheet
from arengo.settings import SourceSettings

END = dt.date(2026, 3, 14)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return build(tmp_path_factory.mktemp("demo"), 7, END)


@pytest.fixture(scope="module")
def city(demo: Demo) -> Path:
    return demo.root


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_same_seed_same_bytes(tmp_path: Path, city: Path) -> None:
    again = build(tmp_path, 7, END)
    assert digests(again.root) == digests(city)


@pytest.mark.slow
def test_another_seed_is_another_city(tmp_path: Path, city: Path) -> None:
    other = digests(build(tmp_path, 8, END).root)
    mine = digests(city)
    assert mine.keys() == other.keys()
    same = {name for name in mine if name.startswith("sources/") and mine[name] == other[name]}
    fixed = (
        "stazioni.csv",
        ".pdf",
        "distretti.geojson",
        "quartieri.geojson",
        "applicativi.xlsx",
    )  # the ground plan is the city's own
    assert not {name for name in same if not name.endswith(fixed)}


def test_every_contract_passes_the_lint(demo: Demo) -> None:
    ids = [dataset.id for dataset in demo.datasets]
    assert len(ids) == len(set(ids)) >= 30
    for dataset in demo.datasets:
        for promise in dataset.promises.values():
            text = promise.yaml()
            worse = [item for item in lint(text) if item.severity is not Severity.INFO]
            assert not worse, (dataset.id, worse)
            contract = loads(text, base=demo.root)
            assert contract.as_read().key, dataset.id
            assert contract.source is not None
            assert contract.source.path().exists() or dataset.steps[0] > 0, dataset.id
            assert contract.title("it") != contract.title()
            assert contract.owner
            assert contract.theme


def test_the_story_has_many_versions(demo: Demo) -> None:
    assert sum(len(dataset.steps) for dataset in demo.datasets) in range(120, 151)
    for dataset in demo.datasets:
        assert dataset.steps[0] == 0 or dataset.id in (ballots.BALLOTS, ballots.TURNOUT)
        assert set(dataset.promises) <= set(dataset.steps), dataset.id
    moments = [demo.world.moment(step) for step in range(len(DAYS_BEFORE_END))]
    assert moments == sorted(moments)
    assert moments[-1].date() < END


def test_personal_datasets_are_not_open(city: Path) -> None:
    for path in (city / "contracts").glob("*.yaml"):
        contract = loads(path.read_text(encoding="utf-8"))
        if contract.id in (ballots.BALLOTS, ballots.TURNOUT):
            assert "voter" not in {column.name for column in contract.properties}
            continue
        personal = [column.name for column in contract.properties if column.custom.get("arengoPersonalKind")]
        assert bool(personal) == (contract.access != "open"), contract.id
        assert (contract.id.startswith("registry-") or contract.id == "school-enrolments") == bool(personal)


def test_the_register_of_pupils_declares_everything_in_one_contract(city: Path) -> None:
    contract = loads((city / "contracts" / "school-enrolments.odcs.yaml").read_text(encoding="utf-8"))
    assert len(contract.properties) == 9
    assert contract.access == "shared"
    assert contract.approvers == (("lucia.ferri@arvenza.example",), ("dpo@arvenza.example",))
    assert [item.id for item in purposes(contract)] == ["enrolment", "school-transport", "support"]
    assert [item.id for item in plans(contract)] == ["standard", "night"]
    assert {column.classification for column in contract.properties} == {"restricted", "internal"}
    assert approval_rule(contract) == "manual"


def test_the_census_is_a_sheet_that_can_be_read(city: Path, demo: Demo) -> None:
    grids = grid.read([city / applications.PATH], SourceSettings())
    reading = sheet.read(grids, Register(), [dataset.id for dataset in demo.datasets])
    assert not reading.problems
    assert not reading.doubts
    numbers = figures(reading.register, [dataset.id for dataset in demo.datasets])
    assert numbers.applications == 30
    assert numbers.lines["published"] < 0.7 * numbers.lines["today"]


@pytest.mark.slow
def test_the_rules_of_the_city_pass_their_own_tests(city: Path) -> None:
    with open_city(city) as opened:
        checked = opened.policies.check()
        assert not checked.errors
        assert not checked.warnings
        results = run(trials(city, "Europe/Rome"), checked.book, opened.contracts(), opened.settings,
                      opened.state, opened.access.parties)  # fmt: skip
    assert len(results) == 6
    assert all(item.passed for item in results), [(item.trial.name, item.problems) for item in results]


def test_districts_tile_the_city(city: Path) -> None:
    from duckdb_extension_spatial import __path__ as folders

    engine = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    extension = next(Path(folders[0]).rglob("spatial.duckdb_extension"))
    engine.execute(f"LOAD '{extension}'")
    for name in ("distretti", "quartieri"):
        features = json.loads((city / "sources" / "confini" / f"{name}.geojson").read_text())["features"]
        engine.execute(f"CREATE TABLE {name} (n INTEGER, g GEOMETRY)")
        engine.executemany(
            f"INSERT INTO {name} SELECT ?, ST_GeomFromGeoJSON(?)",
            [(i, json.dumps(feature["geometry"])) for i, feature in enumerate(features)],
        )
        assert engine.execute(f"SELECT bool_and(ST_IsValid(g)) FROM {name}").fetchone() == (True,)
        total, union = engine.execute(f"SELECT sum(ST_Area(g)), ST_Area(ST_Union_Agg(g)) FROM {name}").fetchone()  # type: ignore[misc]
        assert abs(total - union) < 1e-9 * total
    whole = [
        engine.execute(f"SELECT ST_Area(ST_Union_Agg(g)) FROM {name}").fetchone()[0]  # type: ignore[index]
        for name in ("distretti", "quartieri")
    ]
    assert abs(whole[0] - whole[1]) < 1e-9


def test_utm_agrees_with_proj() -> None:
    from duckdb_extension_spatial import __path__ as folders

    engine = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    engine.execute(f"LOAD '{next(Path(folders[0]).rglob('spatial.duckdb_extension'))}'")
    ground = Geography(np.random.default_rng(1))
    _, lon, lat = ground.scatter(np.random.default_rng(2), 50)
    east, north = utm32(lon, lat)
    for i in range(50):
        x, y = engine.execute(
            "SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_Transform(ST_Point(?, ?), 'EPSG:4258', 'EPSG:25832', true) AS p)",
            [float(lon[i]), float(lat[i])],
        ).fetchone()  # type: ignore[misc]
        assert abs(x - east[i]) < 0.002
        assert abs(y - north[i]) < 0.002


def test_the_island_is_far_from_any_shore() -> None:
    from arengo.demo.geography import place

    lon, lat = place(np.full(211, 5600.0), np.arange(211.0))
    assert 11.4 < lon.min() < lon.max() < 11.7
    assert 40.3 < lat.min() < lat.max() < 40.5


def test_the_dirt_is_there(city: Path) -> None:
    raw = (city / "sources/verde/alberi.csv").read_bytes()
    assert b"\r\n" in raw
    assert "×".encode("latin-1") in raw
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    trees = list(csv.DictReader(io.StringIO(raw.decode("latin-1")), delimiter=";"))
    assert all("," in tree["LONGITUDINE"] for tree in trees)
    assert any(tree["ALTEZZA_M"] == "n.r." for tree in trees)
    with zipfile.ZipFile(city / "sources/confini/grafo_strade.zip") as box:
        assert {Path(name).suffix for name in box.namelist()} == {".shp", ".shx", ".dbf"}
    with sqlite3.connect(city / "sources/anagrafe/anagrafe.sqlite") as registry:
        surname, head = registry.execute("SELECT COGNOME, CAPOFAMIGLIA FROM ANAGRAFE LIMIT 1").fetchone()
    registry.close()
    assert surname.endswith(" ")
    assert head in "SN"
    payments = (city / "sources/bilancio/pagamenti.csv").read_text(encoding="latin-1")
    assert "; 1 " in payments
    pdf = next((city / "sources/consiglio").glob("*.pdf")).read_bytes()
    assert pdf.startswith(b"%PDF-1.4")
    assert pdf.endswith(b"%%EOF\n")


def test_tax_codes_have_their_check_letter_and_a_birth_place_that_is_nowhere() -> None:
    from stdnum.it import codicefiscale

    code = tax_code("Bravesco", "Fiammetta", "F", dt.date(1971, 5, 9))
    assert codicefiscale.is_valid(code)
    assert code[11:15] == "Y999"


@pytest.mark.slow
def test_the_whole_story_repeats(tmp_path: Path) -> None:
    first, second = build(tmp_path / "first", 7, END), build(tmp_path / "second", 7, END)
    for one, other in zip(first.steps(), second.steps(), strict=True):
        assert one == other
        assert digests(first.root) == digests(second.root)
