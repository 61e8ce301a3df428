"""Points of the metadata: the table adds up, each metric looks at what it says, a published dataset has all of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import pytest
from dcat_records import BASE, bare, file, full, harvested
from tiny_city import TinyCity

from arengo import faces
from arengo.catalogue import Record
from arengo.faces.dcat import mqa
from arengo.faces.dcat.graph import FORMS, name
from arengo.faces.dcat.mqa import DIMENSIONS, METRICS, MOST

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from rdflib import RDF, Graph, URIRef
    from starlette.testclient import TestClient


def everywhere(address: str) -> bool:
    return True


def test_the_table_adds_up() -> None:
    assert MOST == 405
    assert DIMENSIONS == {
        "findability": 100, "accessibility": 100, "interoperability": 110, "reusability": 75, "contextuality": 20,
    }  # fmt: skip
    assert len(METRICS) == 23


def test_a_full_record_has_all_points() -> None:
    found = mqa.of_record(full(), BASE, everywhere)
    assert (found.total, found.rating, found.missing) == (405, "excellent", ())
    assert found.breaches == ()


DROPS: list[tuple[str, Callable[[Record], Record], float]] = [
    ("keywordAvailability", lambda r: replace(r, keywords={}), 30),
    ("categoryAvailability", lambda r: replace(r, themes=()), 30),
    ("spatialAvailability", lambda r: replace(r, spatial=None, places=()), 20),
    ("temporalAvailability", lambda r: replace(r, temporal=(None, None)), 20),
    ("contactPointAvailability", lambda r: replace(r, contact=None, publisher=None), 30),
    ("licenceAvailability", lambda r: replace(r, licence="", distributions=(file(licence=""),)), 30),
    ("knownLicence", lambda r: replace(r, distributions=(file(licence="https://x.example/own"),)), 10),
    ("rightsAvailability", lambda r: replace(r, distributions=(file(rights={}),)), 5),
    ("byteSizeAvailability", lambda r: replace(r, distributions=(file(bytes=None),)), 5),
    ("downloadUrlAvailability", lambda r: replace(r, distributions=(file(download_url=""),)), 50),
    ("accessRightsAvailability", lambda r: replace(r, access="whatever"), 15),
]


@pytest.mark.parametrize(("metric", "drop", "points"), DROPS, ids=[item[0] for item in DROPS])
def test_what_is_missing_costs_its_points(metric: str, drop: Callable[[Record], Record], points: float) -> None:
    found = mqa.of_record(drop(full()), BASE, everywhere)
    assert metric in {item.id for item, _ in found.missing}
    assert found.total == 405 - points


def test_metrics_of_files_are_shares() -> None:
    foreign = replace(
        full(), provenance=harvested().provenance,
        distributions=(file(), file("pdf", format="PDF", media_type="application/pdf")),
    )  # fmt: skip
    found = mqa.of_record(foreign, BASE, everywhere)
    assert found.points["formatMediaTypeNonProprietary"] == 10
    assert found.points["formatMediaTypeMachineInterpretable"] == 10
    assert found.files == 2


def test_addresses_elsewhere_were_not_asked() -> None:
    found = mqa.of_record(harvested(), BASE, mqa.answered((), BASE))
    assert found.points["accessUrlStatusCode"] == 0
    assert mqa.of_record(bare(), BASE, everywhere).rating == "bad"


def test_the_open_datasets_of_a_city_have_all_points(tiny: TinyCity, client: TestClient) -> None:
    reach = mqa.answered(faces.routes(tiny.door, tiny.catalogue, tiny.settings), "http://testserver")
    scores = {
        record.id: mqa.of_record(record, "http://testserver", reach)
        for record in tiny.catalogue.records(local_only=True)
    }
    assert {key: found.total for key, found in scores.items() if key != "families"} == {"trees": 405, "areas": 405}
    assert scores["families"].points["accessUrlStatusCode"] == 0
    assert not reach("http://testserver/nowhere")
    assert not reach("https://elsewhere.example/api/v1/datasets/trees")


def test_scores_as_measurements(client: TestClient) -> None:
    answer = client.get("/catalog/quality.ttl")
    assert answer.headers["access-control-allow-origin"] == "*"
    graph = Graph().parse(data=answer.content, format="turtle")
    measured = list(graph.subjects(RDF.type, URIRef(name("dqv:QualityMeasurement"))))
    assert len(measured) == 3 * (len(METRICS) + len(DIMENSIONS) + 1)
    trees = next(item for item in measured if str(item).endswith("/datasets/trees#scoring"))
    assert float(str(graph.value(trees, URIRef(name("dqv:value"))))) == 405
    assert client.get("/catalog/quality.ttl", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    for suffix in FORMS:
        assert client.head(f"/catalog/quality.{suffix}").status_code == 200
    assert client.get("/catalog/quality.ttl?x=1").status_code == 400
