"""A dataset of documents: its newest papers first, a search that leads to pages, and a page to read."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from portal_register import application

import arengo
from arengo.city import City

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PAPERS = {
    "2026-01-12 minutes.html": "<h1>Council of 12 January</h1><p>The mayor opened the sitting. Trees came up.</p>",
    "2026-02-09 minutes.html": "<h1>Council of 9 February</h1><p>A bridge over the river was approved.</p>"
    '<p>Then &lt;img src=x onerror=alert(1)&gt; was read aloud, and "quoted".</p>',
    "2026-03-05 verbale.html": '<html lang="it"><h1>Consiglio del 5 marzo</h1><p>Il consiglio approva il bilancio '
    "della città e la manutenzione degli alberi lungo il fiume, con i voti della maggioranza.</p></html>",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root = Path(tmp_path_factory.mktemp("papers"))
    arengo.init(root, name="Città di Carta").close()
    folder = root / "sources" / "minutes"
    folder.mkdir(parents=True)
    for name, text in PAPERS.items():
        (folder / name).write_text(text, encoding="utf-8")
    city: City = arengo.open(root)
    (draft,) = city.draft(str(folder), id="minutes")
    (root / "contracts" / "minutes.odcs.yaml").write_text(draft.text, encoding="utf-8")
    (run,) = city.publish(["minutes"])
    assert run.state == "succeeded"
    with TestClient(application(city), follow_redirects=False) as made:
        yield made
    city.close()


def test_the_newest_documents_come_first(client: TestClient) -> None:
    text = client.get("/datasets/minutes").text
    dates = re.findall(r'<span class="when num">([^<]+)</span>', text)
    assert [day[-8:] for day in dates] == ["Mar 2026", "Feb 2026", "Jan 2026"]
    assert "Consiglio del 5 marzo" in text
    assert "First rows" not in text
    assert '<figure class="figure"' not in text, "pages by day tell nothing"
    assert 'action="/datasets/minutes/documents"' in text
    assert "3 documents" in text


def test_a_search_leads_to_the_page(client: TestClient) -> None:
    text = client.get("/datasets/minutes/documents?q=bridge").text
    assert "1 page has these words" in text
    assert "<mark>bridge</mark>" in text
    (href,) = re.findall(r'<h3><a href="([^"]+)"', text)
    paper = client.get(html.unescape(href))
    assert paper.status_code == 200
    assert "<mark>bridge</mark>" in paper.text
    assert "&lt;img src=x onerror" in paper.text
    assert "<img src=x" not in paper.text
    (original,) = set(re.findall(r'href="(/api/v1/datasets/minutes/documents/[^"#?]+)"', paper.text))
    assert client.get(html.unescape(original)).status_code == 200
    assert "No page has all of these words" in client.get("/datasets/minutes/documents?q=nowhere").text


@pytest.mark.parametrize(
    "words", ['"', "<script>alert(1)</script>", "%", "' OR 1=1 --", "()", "\u202e", "a" * 5000, "*"]
)
def test_hostile_words_find_nothing_and_break_nothing(client: TestClient, words: str) -> None:
    answer = client.get(f"/datasets/minutes/documents?q={quote(words)}")
    assert answer.status_code in (200, 400)
    assert "<script>alert" not in answer.text


def test_pages_that_are_not_there(client: TestClient) -> None:
    (href,) = re.findall(r'<h3><a href="([^"?]+)', client.get("/datasets/minutes/documents?q=bridge").text)
    for asked, status in (("2", 404), ("0", 400), ("-1", 400), ("x", 400), ("9" * 30, 400), ("1", 200), ("", 200)):
        assert client.get(f"{href}?page={asked}").status_code == status, asked
    assert client.get("/datasets/minutes/documents/..%2Fcity.toml").status_code == 404
    assert client.get("/datasets/minutes/documents?cursor=nonsense").status_code == 400
