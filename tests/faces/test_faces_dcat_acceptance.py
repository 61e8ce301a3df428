"""Every dataset of the made-up city and every real municipal file, drafted and published without an edit, is complete
in the eyes of other catalogues: DCAT-AP 3.0.1 and DCAT-AP_IT conform, 405 of 405 points, every download answers.
"""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path

import pytest
from test_faces_dcat_profile import EUROPE, OFFICIAL, SHAPES, judged

import arengo
from arengo import faces
from arengo.city import City
from arengo.demo import build
from arengo.errors import ArengoError
from arengo.faces.dcat import mqa
from arengo.faces.dcat.graph import FORMS
from arengo.faces.dcat.mqa import Score

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from rdflib import Graph
    from rdflib.compare import isomorphic
    from starlette.testclient import TestClient

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real"
TABLES = {".csv", ".pb", ".xls", ".xlsx", ".geojson", ".parquet", ".shp", ".zip"}
pytestmark = pytest.mark.slow


def judge(city: City) -> dict[str, Score]:
    """Scores by dataset, their addresses asked of the application; fails when a profile is broken."""
    app = faces.application(city.door, city.catalogue, city.settings)
    with TestClient(app, headers={"accept-encoding": "identity"}) as client:
        whole = Graph().parse(data=client.get("/catalog.ttl").content, format="turtle")
        nt = Graph().parse(data=client.get("/catalog.nt").content, format="nt")
        assert isomorphic(whole, nt)
        assert judged(whole, EUROPE, *([Path(OFFICIAL)] if OFFICIAL else [])) == ""
        italian = Graph().parse(data=client.get("/catalog.ttl?profile=it").content, format="turtle")
        assert judged(italian, SHAPES / "dcat-ap-it.ttl") == ""
        for record in city.catalogue.records(local_only=True):
            own = Graph().parse(data=client.get(f"/datasets/{record.id}.ttl").content, format="turtle")
            assert judged(own, EUROPE) == "", record.id
            for suffix in FORMS:
                assert client.get(f"/datasets/{record.id}.{suffix}").status_code == 200
        return {
            record.id: mqa.of_record(
                record, "http://testserver", lambda address: client.head(address).status_code == 200
            )
            for record in city.catalogue.records(local_only=True)
            if record.access == "open" and record.version is not None
        }


def test_the_made_up_city(tmp_path: Path) -> None:
    root = build(tmp_path, 7, dt.date(2026, 3, 14)).root
    with arengo.open(root) as city:
        runs = city.publish()
        assert {run.state for run in runs} == {"succeeded"}, [run.error for run in runs if run.error]
        scores = judge(city)
    assert len(scores) >= 38
    assert {key: found.total for key, found in scores.items() if found.total < 405} == {}


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_every_real_file(tmp_path: Path) -> None:
    city = arengo.init(tmp_path / "real", name="Real files", language="it")
    text = (tmp_path / "real" / "city.toml").read_text(encoding="utf-8")
    told = text.replace("[city]", '[city]\ncontact = "dati@real.example"\nidentifier = "c_x001"', 1)
    (tmp_path / "real" / "city.toml").write_text(told, encoding="utf-8")
    city.close()
    city = arengo.open(tmp_path / "real")
    refused: dict[str, str] = {}
    for file in sorted(path for path in REAL.rglob("*") if path.suffix in TABLES):
        try:
            for draft in city.draft(str(file)):
                target = tmp_path / "real" / "contracts" / f"{draft.id}.odcs.yaml"
                stem = 2
                while target.exists():
                    target = target.with_name(f"{draft.id}-{stem}.odcs.yaml")
                    stem += 1
                name = target.name.removesuffix(".odcs.yaml")
                target.write_text(draft.text.replace(f"id: {draft.id}\n", f"id: {name}\n", 1), encoding="utf-8")
        except ArengoError as error:
            refused[file.name] = str(error)
    failed = {run.dataset: str(run.error) for run in city.publish() if run.state != "succeeded"}
    scores = judge(city)
    city.close()
    print(f"{len(scores)} datasets; not drafted: {refused}; not published: {failed}")
    assert len(scores) >= 40
    assert {key: found.total for key, found in scores.items() if found.total < 405} == {}
