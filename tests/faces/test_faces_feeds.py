"""Feeds a reader can follow (feedparser, RFC 4287), the sitemap, and what search engines and Croissant loaders read."""

from __future__ import annotations

import csv
import json
import re
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from dcat_records import BASE, bare, full, harvested
from tiny_city import FIRST, TREES, TinyCity, open_tiny, tree

from arengo import faces
from arengo.contract import loads
from arengo.faces import feeds, structured
from arengo.settings import CitySettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import feedparser
    from starlette.testclient import TestClient

ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = ("/feeds/catalog.atom", "/feeds/dataset.atom", "/feeds/themes/ENVI.atom", "/feeds/group/envi.atom",
         "/feeds/organisations/city.atom", "/feeds/organization/city.atom", "/feeds/datasets/trees.atom",
         "/feeds/datasets/trees/changes.atom")  # fmt: skip
CITY = CitySettings(name="Tiny & <City>")


def read(client: TestClient, address: str) -> Any:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = feedparser.parse(answer.content)
    assert not found.bozo, found.get("bozo_exception")
    return found


@pytest.mark.parametrize("address", FEEDS)
def test_a_feed_keeps_the_rules(client: TestClient, address: str) -> None:
    """RFC 4287, 4.1.1 and 4.1.2: id, title, updated; authors; one self link; ids that differ; times with a zone."""
    body = client.get(address).content
    feed = ElementTree.fromstring(body)
    assert feed.tag == f"{ATOM}feed"
    for parent in (feed, *feed.findall(f"{ATOM}entry")):
        for needed in ("id", "title", "updated"):
            assert len(parent.findall(f"{ATOM}{needed}")) == 1, needed
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(parent.findtext(f"{ATOM}updated")))
        assert str(parent.findtext(f"{ATOM}id")).startswith("tag:")
        kinds = [(link.get("rel"), link.get("type")) for link in parent.findall(f"{ATOM}link")]
        assert len(kinds) == len(set(kinds))
        assert all(str(link.get("href")).startswith("http") for link in parent.findall(f"{ATOM}link"))
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    assert [link.get("href") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")]
    assert ids
    assert len(ids) == len(set(ids))
    assert client.get(address).content == body


@pytest.mark.parametrize("address", FEEDS)
def test_a_reader_that_has_it_is_told_so(client: TestClient, address: str) -> None:
    etag = client.get(address).headers["etag"]
    assert client.get(address, headers={"if-none-match": etag}).status_code == 304
    assert client.head(address).status_code == 200


def test_versions_tell_what_changed(client: TestClient) -> None:
    found = read(client, "/feeds/datasets/trees.atom")
    assert [entry.title for entry in found.entries] == ["Street trees, version 2", "Street trees, version 1"]
    assert found.entries[0].summary == "200 rows: 1 added, 1 changed, 1 removed."
    assert found.entries[0].link.endswith("/datasets/trees/compare?from=1&to=2")
    assert found.entries[1].updated == "2026-01-10T08:00:00Z"


def test_changed_rows_say_before_and_after(client: TestClient) -> None:
    found = read(client, "/feeds/datasets/trees/changes.atom")
    assert sorted(entry.title for entry in found.entries) == [
        "Street trees: row 1 changed", "Street trees: row 201 added", "Street trees: row 3 removed"
    ]  # fmt: skip
    changed = next(entry for entry in found.entries if "changed" in entry.title)
    assert changed.summary == "height: 0.5 → 99.5"


def test_what_is_wrong_is_said(client: TestClient) -> None:
    for address, status in {
        "/feeds/themes/NONE.atom": 404, "/feeds/organisations/nobody.atom": 404, "/feeds/datasets/none.atom": 404,
        "/feeds/datasets/families.atom": 403, "/feeds/datasets/families/changes.atom": 403,
        "/feeds/catalog.atom?page=0": 400, "/feeds/catalog.atom?page=²": 400, "/feeds/catalog.atom?pages=1": 400,
    }.items():  # fmt: skip
        answer = client.get(address)
        assert answer.status_code == status, address
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A city with hostile words in Italian, a table without a key, and five versions of another."""
    city = open_tiny(Path(tmp_path_factory.mktemp("busy")))
    object.__setattr__(city.settings.city, "language", "it")
    text = TREES.replace("Street trees", "'Alberi <b>&amp; \\\"'").replace("name: 'A", "name: 'A")
    for number in range(5):
        rows = [tree(row) for row in range(1, 8 + number)]
        city.publish(loads(text), rows, FIRST + timedelta(days=number))
    keyless = TREES.replace("id: trees", "id: bare-trees").replace("primaryKey: true, primaryKeyPosition: 1, ", "")
    city.publish(loads(keyless), [tree(1)] * 2, FIRST)
    city.publish(loads(keyless), [tree(2)] * 260, datetime(2026, 3, 1, tzinfo=UTC))
    app = faces.application(city.door, city.catalogue, city.settings)
    with TestClient(app, headers={"accept-encoding": "identity"}) as made:
        yield made
    city.close()


def test_a_long_feed_goes_on_at_next(busy: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "VERSIONS", 3)
    first = read(busy, "/feeds/datasets/trees.atom")
    assert len(first.entries) == 3
    following = next(link.href for link in first.feed.links if link.rel == "next")
    second = read(busy, following)
    assert len(second.entries) == 2
    assert {link.rel for link in second.feed.links} == {"alternate", "self", "first", "previous"}
    assert not {entry.id for entry in first.entries} & {entry.id for entry in second.entries}
    assert first.entries[0].title.endswith("versione 5")
    assert "1 aggiunte, 0 cambiate, 0 tolte" in first.entries[0].summary
    changes = read(busy, "/feeds/datasets/trees/changes.atom?page=4")
    assert [entry.title.rsplit(": ", 1)[-1] for entry in changes.entries] == ["riga 8 aggiunta"]


def test_rows_without_a_key_have_ids_of_their_own(busy: TestClient) -> None:
    found = read(busy, "/feeds/datasets/bare-trees/changes.atom")
    ids = [entry.id for entry in found.entries]
    assert len(ids) == len(set(ids)) == 201
    assert "62" in found.entries[-1].title, "260 rows more and 2 fewer, of which 200 are told"


# ---- the sitemap -----------------------------------------------------------------------------------------------------

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def test_the_sitemap_names_every_dataset(client: TestClient, tiny: TinyCity) -> None:
    answer = client.get("/sitemap.xml")
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    tree_of = ElementTree.fromstring(answer.content)
    assert tree_of.tag == f"{SITEMAP}urlset"
    found = {str(item.findtext(f"{SITEMAP}loc")): item.findtext(f"{SITEMAP}lastmod") for item in tree_of}
    names = {address.rsplit("/", 1)[-1]: day for address, day in found.items() if "/datasets/" in address}
    assert set(names) == {"trees", "areas", "families"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", str(day)) for day in names.values())
    assert client.get("/sitemap.xml", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert client.get("/sitemap-2.xml").status_code == 404
    assert f"Sitemap: {tiny.settings.city.url or 'http://testserver'}/sitemap.xml" in client.get("/robots.txt").text


def test_many_datasets_have_an_index(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from arengo.faces import sitemap

    monkeypatch.setattr(sitemap, "MOST", 2)
    fresh = {"if-none-match": '"other"'}
    index = ElementTree.fromstring(client.get("/sitemap.xml?", headers={**fresh, "range": "bytes=0-"}).content)
    assert index.tag == f"{SITEMAP}sitemapindex"
    parts = [str(item.findtext(f"{SITEMAP}loc")) for item in index]
    assert len(parts) == 2
    found = [
        str(item.findtext(f"{SITEMAP}loc")).rsplit("/datasets/", 1)[-1]
        for part in parts
        for item in ElementTree.fromstring(client.get(part, headers={**fresh, "range": "bytes=0-"}).content)
        if "/datasets/" in str(item.findtext(f"{SITEMAP}loc"))
    ]
    assert found == ["areas", "families", "trees"]


# ---- schema.org and Croissant ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", ["trees", "areas"])
def test_a_dataset_is_croissant(client: TestClient, dataset: str) -> None:
    """What Croissant 1.0 requires of a dataset, its files, its records and their fields."""
    at = f"/datasets/{dataset}/croissant.json"
    answer = client.get(at)
    assert answer.headers["content-type"] == "application/ld+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    body = answer.json()
    for needed in (
        "@context",
        "@type",
        "conformsTo",
        "description",
        "license",
        "name",
        "url",
        "creator",
        "datePublished",
    ):
        assert body[needed], needed
    assert (body["@type"], body["conformsTo"]) == ("sc:Dataset", "http://mlcommons.org/croissant/1.0")
    assert body["isLiveDataset"] is True, "so files need no checksum"
    files = {item["@id"]: item for item in body["distribution"]}
    assert {"csv", "parquet", "geojson"} <= set(files)
    for item in files.values():
        assert item["@type"] == "cr:FileObject"
        assert item["name"]
        assert item["encodingFormat"]
        assert client.head(item["contentUrl"]).status_code == 200
    (rows,) = body["recordSet"]
    header = next(csv.reader(client.get(files["csv"]["contentUrl"]).text.lstrip("\ufeff").splitlines()))
    assert {field["source"]["extract"]["column"] for field in rows["field"]} <= set(header)
    assert all(field["source"]["fileObject"]["@id"] in files for field in rows["field"])
    assert client.get(at, headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert client.get("/datasets/nothing/croissant.json").status_code == 404


def test_what_lacks_something_does_not_claim_to_be_croissant(client: TestClient) -> None:
    closed = client.get("/datasets/families/croissant.json").json()
    for document in (closed, structured.dataset(harvested(), BASE, CITY), structured.dataset(bare(), BASE, CITY)):
        assert "conformsTo" not in document
        assert document["name"]
        assert "recordSet" not in document


def test_no_text_ends_the_script(client: TestClient) -> None:
    hostile = "</script><script>alert(1)</script><!-- &"
    text = structured.embedded(structured.dataset(full(title={"en": hostile}), BASE, CITY))
    assert "<" not in text
    assert ">" not in text
    assert json.loads(text)["name"] == hostile
    assert "<" not in structured.embedded(structured.catalog(CITY, BASE, 3))


def test_the_catalogue_for_search_engines() -> None:
    found = structured.catalog(CITY, BASE, 3)
    assert (found["@type"], found["name"], found["url"]) == ("DataCatalog", "Tiny & <City>", f"{BASE}/")
