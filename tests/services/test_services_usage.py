"""Readings are counted by dataset, day and kind, and nothing else is kept."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from arengo.services.reading import FULL, READINGS, Readings, classify, robot


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/datasets/trees", ("trees", "page")),
        ("/datasets/trees/table", ("trees", "page")),
        ("/datasets/trees/rows/5", ("trees", "page")),
        ("/datasets/trees/usage.csv", None),
        ("/datasets/trees.ttl", ("trees", "dcat")),
        ("/api/v1/datasets/trees/rows", ("trees", "api")),
        ("/api/v1/datasets/trees", ("trees", "api")),
        ("/api/v1/datasets/trees/export.csv", ("trees", "download:csv")),
        ("/api/v1/datasets", None),
        ("/api/3/action/package_list", ("", "ckan")),
        ("/dataset/trees", ("trees", "ckan")),
        ("/catalog.ttl", ("", "dcat")),
        ("/ogc/collections/trees/items", ("trees", "ogc")),
        ("/api/v1/sql", ("", "sql")),
        ("/feeds/datasets/trees.atom", ("trees", "feed")),
        ("/static/page.css", None),
        ("/desk", None),
        ("/track/amendment/AB/secret", None),
        ("/", ("", "page")),
    ],
)
def test_addresses_have_a_kind(path, found) -> None:
    assert classify(path) == found


def test_robots_are_told_apart_coarsely() -> None:
    for agent in (b"Googlebot/2.1", b"Mozilla/5.0 (compatible; bingbot/2.0)", b"AhrefsBot", b"UptimeRobot/2.0 monitor"):
        assert robot(agent, "page")
    assert not robot(b"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0", "page")
    assert robot(b"curl/8", "page")
    assert not robot(b"curl/8", "api")  # a program that asks an interface for programs
    assert robot(b"", "page")
    assert not robot(b"", "download:csv")


def test_counting_folds_and_writes_in_bulk(people) -> None:
    counts = Readings()
    for number in range(FULL + 10):
        counts.note(f"/datasets/trees/rows/{number}", b"Firefox")
    counts.note("/api/v1/datasets/trees/export.csv", b"python-requests")
    counts.note("/api/v1/datasets/trees/rows", b"Googlebot/2.1")
    for _ in range(3):
        counts.count("areas", "sql")
    taken = counts.take()
    assert taken == {
        ("trees", "page", False): FULL + 10,
        ("trees", "download:csv", False): 1,
        ("trees", "api", True): 1,
        ("areas", "sql", False): 3,
    }
    assert not counts.take()
    day = date(2026, 6, 1)
    people.usage.write(taken, day)
    people.usage.write({("trees", "page", False): 5}, day)
    days = {item.kind: item for item in people.usage.days("trees")}
    assert days["page"].n == FULL + 15
    assert (days["api"].n, days["api"].robots) == (0, 1)
    assert people.usage.most(day) == [("trees", FULL + 16), ("areas", 3)]
    assert people.usage.days("trees", day + timedelta(days=1)) == []


def test_the_gate_counts_answers_and_nothing_else(tiny) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient

    from arengo import faces

    READINGS.take()
    with TestClient(faces.application(tiny.door, tiny.catalogue, tiny.settings)) as client:
        first = client.get("/api/v1/datasets/trees/rows?limit=3")
        client.get("/api/v1/datasets/trees/rows?limit=3")
        again = client.get("/api/v1/datasets/trees/rows?limit=3", headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
        client.get("/api/v1/datasets/families/rows")
        client.get("/api/v1/datasets/nobody/rows")
        client.head("/api/v1/datasets/trees/rows")
        assert READINGS.take() == {("trees", "api", False): 3}
        question = {"q": "SELECT count(*) FROM trees JOIN areas ON trees.district = areas.name"}
        kept = client.get("/api/v1/sql", params=question)
        client.get("/api/v1/sql", params=question)
        again = client.get("/api/v1/sql", params=question, headers={"if-none-match": kept.headers["etag"]})
        assert again.status_code == 304
        assert READINGS.take() == {("trees", "sql", False): 3, ("areas", "sql", False): 3}
        found = client.get("/api/3/action/package_show?id=trees").json()["result"]["resources"]
        table = next(item["id"] for item in found if item["datastore_active"])
        READINGS.take()
        client.get("/api/3/action/datastore_search", params={"resource_id": table})
        client.get(f"/datastore/dump/{table}")
        client.get("/api/3/action/package_list")
        assert READINGS.take() == {("trees", "ckan", False): 2, ("", "ckan", False): 1}
