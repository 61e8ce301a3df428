"""The page for programs, the citation and the origin: what a page tells to copy must work when it is copied."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arengo.city import City
from arengo.portal.citation import Citation, bibtex, csl, ris
from arengo.portal.programs import _m
from browsing import chromium
from serving import serving


@pytest.fixture(scope="module")
def server(register: City) -> Iterator[str]:
    """The city served as ``arengo serve`` serves it."""
    with serving(register.settings.root) as address:
        yield address


def examples(text: str) -> dict[str, str]:
    found = re.findall(r"<div><h3>([^<]+)</h3><pre[^>]*><code>(.*?)</code></pre></div>", text, re.DOTALL)
    return {name: html.unescape(code) for name, code in found}


@pytest.mark.slow
def test_examples_run_as_they_stand(server: str, tmp_path: Path) -> None:
    for dataset in ("trees", "air", "budget", "districts"):
        with urllib.request.urlopen(f"{server}/datasets/{dataset}/api") as answer:
            told = examples(answer.read().decode())
        assert set(told) == {"curl", "Python", "R", "JavaScript", "Excel (Power Query)"}
        curl = subprocess.run(["bash", "-c", told["curl"]], capture_output=True, text=True, timeout=60, check=True)
        items = json.loads(curl.stdout)["items"]
        assert items
        # A reader's thread that is still there at the end aborts the interpreter now and then, so it leaves at once.
        code = told["Python"] + "\nprint(rows.to_json(orient='records'), flush=True)\nassert len(whole)"
        code += "\nimport os\nos._exit(0)"
        made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
        assert made.returncode == 0, made.stderr
        assert len(json.loads(made.stdout)) == len(items)
        node = shutil.which("node")
        assert node, "the README asks for Node"
        script = tmp_path / "example.mjs"
        script.write_text(told["JavaScript"] + "\nconsole.log(JSON.stringify(items));")
        ran = subprocess.run([node, str(script)], capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout) == items
        # No Excel here: its address gives the table that the rest of the query reads.
        query = told["Excel (Power Query)"]
        asked = re.search(r'Address = "((?:[^"]|"")*)"', query)
        assert asked
        with urllib.request.urlopen(asked[1].replace('""', '"')) as answer:
            head = answer.read().decode("utf-8-sig").splitlines()[0]
        typed = re.findall(r'\{"((?:[^"]|"")*)", (?:type \w+|Int64\.Type)\}', query)
        assert [name.strip('"') for name in head.split(",")] == typed


@pytest.mark.slow
def test_the_console_calls_with_and_without_script(server: str) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{server}/datasets/trees/api")
        page.fill("#c-filter", "id <= 3")
        page.fill("#c-select", "id,name")
        page.fill("#c-order_by", "id")
        page.keyboard.press("Enter")
        page.locator(".answer [role=status]", has_text=re.compile(r"^200\b")).wait_for()
        shown = json.loads(page.inner_text(".answer pre"))
        assert [row["id"] for row in shown["items"]] == [1, 3]
        assert "/api/v1/datasets/trees/rows?filter=" in page.get_attribute(".answer .asked", "href")
        page.fill("#c-filter", "nothing = 1")
        page.click(".console button")
        page.locator(".answer [role=status]", has_text=re.compile(r"^400\b")).wait_for()
        assert "nothing" in page.inner_text(".answer pre")
        plain = browser.new_context(java_script_enabled=False).new_page()
        plain.goto(f"{server}/datasets/trees/api")
        plain.fill("#c-filter", "id <= 3")
        plain.click(".console button")
        assert json.loads(plain.inner_text("body"))["items"]


def test_every_way_to_read_is_there(client: Any) -> None:
    text = client.get("/datasets/trees/api").text
    for standard in ("OpenAPI", "SQL", "CKAN", "DCAT-AP", "Iceberg REST", "MCP", "Croissant"):
        assert standard in text
    found = re.search(r"<h2>Every way to read it</h2>.*?</section>", text, re.DOTALL)
    assert found
    for address in re.findall(r'<a href="([^"]+)">', found[0]):
        if address != "/mcp":  # it is spoken with POST
            assert client.get(html.unescape(address)).status_code == 200, address


def test_a_citation_names_the_version(client: Any) -> None:
    text = client.get("/datasets/trees/downloads").text
    assert "Cite this dataset" in text
    assert re.search(r'class="cited"[^>]*>[^<]*version \d+ of[^<]*/datasets/trees\?as_of=\d+</p>', text)
    kinds = {"bib": "x-bibtex", "ris": "research-info", "json": "citationstyles"}
    for form, media in kinds.items():
        answer = client.get(f"/datasets/trees/cite.{form}?as_of=1")
        assert media in answer.headers["content-type"]
        assert "as_of=1" in answer.text
        again = client.get(f"/datasets/trees/cite.{form}?as_of=1", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
    assert client.get("/datasets/trees/cite.docx").status_code == 400
    assert client.get("/datasets/persons/cite.bib").status_code in (401, 403)


def test_hostile_titles_stay_inside_a_citation() -> None:
    from datetime import UTC, datetime

    title = 'Trees} @misc{x, title={y\nER  - \n"\\input{/etc/passwd}" 100 % & #1'
    made = Citation("k-v1", "A & B", title, "City", datetime(2026, 3, 4, tzinfo=UTC), 1, "https://x.example/d", "en")
    text = bibtex(made)
    depth = 0
    for mark in re.sub(r"\\[{}]", "", text):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        assert depth >= 0
    assert depth == 0
    assert "\\input{" not in text
    lines = ris(made).split("\r\n")
    assert [line for line in lines if line.startswith("ER")] == [lines[-2]]
    item = json.loads(csl(made))[0]
    assert item["title"] == title
    assert item["issued"] == {"date-parts": [[2026, 3, 4]]}


def test_texts_of_power_query_cannot_leave_their_quotes() -> None:
    assert _m('a"b') == '"a""b"'
    assert _m("#(lf)") == '"#(#)(lf)"'


def test_a_dataset_says_where_it_comes_from(client: Any) -> None:
    text = client.get("/datasets/trees/origin").text
    for name in ("Source", "Contract", "Version", "Files", "Column by column"):
        assert name in text
    assert "/api/v1/datasets/trees/contract" in text
    assert client.get("/datasets/persons/origin").status_code in (401, 403)
    assert "/datasets/trees/origin" in client.get("/datasets/trees").text
