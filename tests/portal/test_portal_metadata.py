"""The page about the quality of the metadata, and what the pages tell search engines and feed readers."""

from __future__ import annotations

import json
import re
import warnings

from arengo.city import City

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PAGE = "/quality-of-metadata"


def test_the_page_tells_the_points_of_every_open_dataset(client: TestClient, register: City) -> None:
    text = client.get(PAGE).text
    assert '<span class="big num">405</span>' in text
    published = [
        entry for entry in register.catalogue.entries(limit=None).items
        if entry.contract.access == "open" and entry.version
    ]  # fmt: skip
    assert text.count("?dataset=") == len(published)
    assert "not measured" in text
    again = client.get(PAGE)
    assert client.get(PAGE, headers={"if-none-match": again.headers["etag"]}).status_code == 304
    assert len(again.content) < 60_000


def test_one_dataset_question_by_question(client: TestClient) -> None:
    text = client.get(PAGE, params={"dataset": "trees"}).text
    assert text.count('scope="rowgroup"') == 5
    assert "Ask the addresses now" in text
    asked = client.get(PAGE, params={"dataset": "trees", "ask": "1"})
    assert asked.headers["cache-control"] == "no-store"
    assert '<span class="big num">405</span>' in asked.text
    assert asked.text.count(">200</td>") >= 2
    assert "export.csv" in asked.text


def test_wrong_addresses_get_a_page(client: TestClient) -> None:
    assert client.get(PAGE, params={"dataset": "nothing"}).status_code == 404
    for page in ("0", "x", "٣", "99999999"):
        assert client.get(PAGE, params={"page": page}).status_code == 400
    assert client.get(PAGE, params={"page": "7"}).status_code == 200


def test_hostile_titles_stay_text(client: TestClient) -> None:
    for address in (PAGE, "/"):
        assert "<script>alert" not in client.get(address).text


def test_pages_carry_structured_data(client: TestClient) -> None:
    for address, kind in (("/", "DataCatalog"), ("/datasets/trees", "sc:Dataset")):
        answer = client.get(address)
        (told,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', answer.text, re.S)
        assert json.loads(told)["@type"] == kind
        assert len(answer.content) < 60_000
        assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_dataset_page_leads_to_its_other_forms(client: TestClient) -> None:
    text = client.get("/datasets/trees").text
    for href in re.findall(r'<link rel="alternate"[^>]*href="([^"]+)"', text):
        assert client.get(href).status_code == 200, href
    assert '<link rel="canonical" href="/datasets/trees">' in client.get("/datasets/trees?as_of=1").text


def test_programs_get_rdf_and_people_the_page(client: TestClient) -> None:
    assert (
        client.get("/datasets/trees", headers={"accept": "text/turtle"})
        .headers["content-type"]
        .startswith("text/turtle")
    )
    for accept in ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "*/*", ""):
        page = client.get("/datasets/trees", headers={"accept": accept})
        assert page.headers["content-type"].startswith("text/html"), accept
        assert "Accept" in page.headers["vary"]
