"""What happens by itself while a city is served."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

import arengo
from arengo.caretaker import _gather, due, tend
from arengo.city import City
from arengo.contract.write import set_property
from arengo.state import tables
from serving import serving


def make(root: Path, name: str, value: str) -> City:
    city = arengo.init(root, name="Borgo")
    source = root / "sources" / "trees.csv"
    rows = "\n".join(f"T-{number:03d},{number % 7},{number / 10}" for number in range(1, 60))
    source.write_text(f"tree_id,district,height\n{rows}\n", encoding="utf-8")
    (drafted,) = city.draft(str(source), id="trees")
    text = set_property(drafted.text, name, value).replace("status: draft", "status: active")
    (root / "contracts" / "trees.odcs.yaml").write_text(text, encoding="utf-8")
    return city


def started(city: City, ago: timedelta) -> None:
    with city.state.write() as connection:
        connection.execute(sa.update(tables.run).values(started_at=datetime.now(UTC) - ago))


@pytest.mark.parametrize("name", ["arengoFrequency", "arengoSchedule"])
def test_what_is_due_is_published_and_then_not_due(tmp_path: Path, name: str) -> None:
    hourly = f"{(datetime.now(UTC) + timedelta(minutes=30)).minute} * * * *"  # no moment of it while the test runs
    with make(tmp_path, name, "DAILY" if name == "arengoFrequency" else hourly) as city:
        city.publish(["trees"])
        assert due(city) == []
        started(city, timedelta(days=1, hours=1))
        assert due(city) == ["trees"]
        tend(city, once=True)
        assert [run.trigger for run in city.publisher.runs("trees")] == ["schedule", "manual"]
        assert due(city) == []


OTHER = (
    "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> . "
    '<https://o.example/a> a dcat:Dataset ; dct:identifier "a" ; dct:title "Other"@en .'
)


def test_other_catalogues_are_taken_in_after_what_is_due(tmp_path: Path) -> None:
    with make(tmp_path, "arengoFrequency", "DAILY") as city:
        (tmp_path / "harvest").mkdir(exist_ok=True)
        (tmp_path / "other.ttl").write_text(OTHER)
        (tmp_path / "harvest" / "other.toml").write_text('kind = "dcat"\naddress = "other.ttl"\n')
        tend(city, once=True)
        assert city.catalogue.record("other").title["en"] == "Other"
        (tmp_path / "harvest" / "second.toml").write_text('kind = "dcat"\naddress = "other.ttl"\n')
        child = _gather(city, None)
        assert child is not None
        assert _gather(city, child) is child, "one at a time"
        assert child.wait(timeout=120) == 0
        assert _gather(city, child) is None, "nothing is due"
        assert city.catalogue.record("other-2").provenance.source == "second"


@pytest.mark.slow
def test_the_server_serves_sees_new_versions_and_stops(tmp_path: Path) -> None:
    with make(tmp_path, "arengoFrequency", "ANNUAL") as city:
        city.publish(["trees"])
        with serving(tmp_path, schedule=True) as base, httpx.Client(base_url=base, timeout=60) as client:
            first = client.get("/api/v1/datasets/trees/rows?limit=1")
            assert first.status_code == 200
            again = client.get(str(first.url), headers={"If-None-Match": first.headers["etag"]})
            assert again.status_code == 304
            for path in ("/", "/datasets", "/datasets/trees", "/datasets/trees/table", "/runs", "/api/v1/openapi.json"):
                assert client.get(path).status_code == 200, path
            assert client.get("/datasets/nothing").status_code == 404
            source = tmp_path / "sources" / "trees.csv"
            source.write_text(source.read_text(encoding="utf-8") + "T-999,3,1.5\n", encoding="utf-8")
            city.publish(["trees"])
            later = client.get(str(first.url), headers={"If-None-Match": first.headers["etag"]})
            assert later.status_code == 200
            assert later.headers["etag"] != first.headers["etag"]
