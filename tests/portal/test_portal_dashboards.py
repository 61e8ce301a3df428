"""Dashboards: the file and its complaints, the page and its filters, arranging in the browser; versions compared."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arengo.city import City
from arengo.errors import DashboardError
from arengo.portal.dashboard import Dashboard, Spoilt, folder, read, schema
from arengo.portal.dashboards import paragraphs


@pytest.fixture(autouse=True)
def forget(client: Any) -> Any:
    """The next test's reader has not chosen a language."""
    yield
    client.cookies.clear()


GOOD = """\
title: Green city
summary: Trees and air.
translations: {it: {title: Città verde}}
filters:
  - column: district
    label: Which district
rows:
  - - number: {dataset: trees, label: Trees, compare: version}
    - number: {dataset: trees, label: Height, y: height, of: avg}
    - number: {dataset: air, label: Measured in a month, compare: period, period: month}
  - - chart: {dataset: trees, kind: bar, x: name, where: {height__gte: 3}}
      width: 2
    - map: {dataset: trees, by: district}
  - text: |
      # How it is counted

      By **hand**, see [the table](/datasets/trees/table) and <b>nothing</b> else.
  - table: {dataset: trees, select: [name, district, height], order_by: -height, limit: 3}
  - chart: nowhere-kept
"""


@pytest.fixture
def green(register: City) -> Any:
    here = register.settings.root / "dashboards"
    here.mkdir(exist_ok=True)
    path = here / "green.yaml"
    path.write_text(GOOD, encoding="utf-8")
    yield path
    path.unlink()


def test_a_file_is_read_into_rows_of_blocks() -> None:
    made = read("green", GOOD, "dashboards/green.yaml")
    assert (made.title, made.title_in("it"), made.title_in("fr")) == ("Green city", "Città verde", "Green city")
    assert [len(row) for row in made.rows] == [3, 2, 1, 1, 1]
    assert made.rows[1][0].width == 2
    assert made.rows[1][0].pairs() == [("kind", "bar"), ("x", "name"), ("height__gte", "3")]
    assert made.rows[1][1].given["kind"] == "map"
    assert made.rows[4][0].given == {"kept": "nowhere-kept"}
    assert made.filters[0].label == "Which district"


@pytest.mark.parametrize(
    ("text", "line", "met"),
    [
        ("", 1, "empty"),
        ("rows:\n  - text: x", None, "no title"),
        ("title: T\nrows: []", 2, "1 to 40"),
        ("title: T\nrow:\n  - text: x", 2, "has no 'row'"),
        ("title: T\nrows:\n  - txet: x", 3, "has no 'txet'"),
        ("title: T\nrows:\n  - text: x\n    number: {dataset: a}", 3, "one of chart"),
        ("title: T\nrows:\n  - chart:\n      dataset: a\n      kind: pie", 5, "pie"),
        ("title: T\nrows:\n  - chart: {dataset: a}", 3, "no kind"),
        ("title: T\nrows:\n  - chart: {kind: bar}", 3, "no dataset"),
        ("title: T\nrows:\n  - number:\n      dataset: a\n      off: sum", 5, "has no 'off'"),
        ("title: T\nrows:\n  - text: x\n    width: 9", 4, "width is 9"),
        ("title: T\nrows:\n  - table:\n      dataset: a\n      limit: 1000", 5, "1 to 50"),
        ("title: T\nrows:\n  - chart: ../secret", 3, "no name"),
        ("title: T\nfilters: all\nrows:\n  - text: x", 2, "filters"),
        (
            "title: T\nrows:\n  - [{text: a}, {text: b}, {text: c}, {text: d}, {text: e}, {text: f}, {text: g}]",
            3,
            "1 to 6",
        ),
        ("title: T\nrows:\n  - !!python/object:os.system x", 3, "tag"),
        ("title: [T\nrows:", None, "not YAML"),
        ("- a\n- b", 1, "no mapping"),
    ],
)
def test_what_does_not_fit_names_its_line(text: str, line: int | None, met: str) -> None:
    with pytest.raises(DashboardError, match=re.escape(met)) as told:
        read("x", text, "dashboards/x.yaml")
    if line is not None:
        assert told.value.place is not None
        assert told.value.place.line == line


@given(st.text(max_size=300))
def test_any_text_is_a_dashboard_or_a_complaint(text: str) -> None:
    import contextlib

    with contextlib.suppress(DashboardError):
        assert isinstance(read("x", text), Dashboard)


def test_the_schema_agrees_with_the_reader() -> None:
    import jsonschema_rs
    import yaml

    judge = jsonschema_rs.validator_for(schema())
    assert judge.is_valid(yaml.safe_load(GOOD))
    for text in ("title: T\nrows:\n  - txet: x", "title: T\nrows: []", "title: T\nrows:\n  - chart: {dataset: a}"):
        assert not judge.is_valid(yaml.safe_load(text))
    kept = Path(__file__).resolve().parents[2] / "docs" / "reference" / "dashboard.schema.json"
    import json

    assert json.loads(kept.read_text(encoding="utf-8")) == schema(), "run scripts/reference.py"


def test_the_demo_citys_dashboards_are_read(tmp_path: Path) -> None:
    from arengo.demo.dashboards import write

    write(tmp_path)
    assert [item.id for item in folder(tmp_path) if isinstance(item, Dashboard)] == ["mobility", "spending"]
    (tmp_path / "dashboards" / "Bad Name.yaml").write_text("title: T", encoding="utf-8")
    (tmp_path / "dashboards" / "wrong.yaml").write_bytes(b"\xff\xfe")
    assert [type(item) for item in folder(tmp_path)].count(Spoilt) == 2


def test_the_page_shows_every_block_and_one_trouble(client: Any, green: Path) -> None:
    answer = client.get("/dashboards/green")
    assert answer.status_code == 200
    text = answer.text
    assert 'class="big"><span class="num">120</span>' in text
    assert "against version 1" in text
    assert "against Feb 2025" in text or "Jan 2025" in text
    assert "By <b>hand</b>" in text
    assert "&lt;b&gt;nothing" in text
    assert 'href="/datasets/trees/table"' in text
    assert text.count("This part cannot be shown now.") == 1
    assert "nowhere-kept" in text
    again = client.get("/dashboards/green", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert "Città verde" in client.get("/dashboards/green?lang=it").text
    assert "/dashboards/green" in client.get("/dashboards").text


def test_a_filter_holds_in_every_block_that_has_the_column(client: Any, green: Path) -> None:
    whole = client.get("/dashboards/green").text
    some = client.get("/dashboards/green?f.district=Porto").text
    assert 'value="Porto" selected' in some
    number = re.compile(r'class="big"><span class="num">([\d,.]+)')
    counts = [found[0] for found in (number.findall(whole), number.findall(some))]
    asked = client.get("/api/v1/datasets/trees/rows?district=Porto&aggregate=count").json()["items"][0]["count"]
    assert counts == ["120", str(asked)]
    table = some[some.index('class="block table"') :]
    assert "Centro" not in table
    hostile = client.get("/dashboards/green?f.district=%27%3B+DROP+TABLE+x--")
    assert hostile.status_code == 200


def test_a_frame_and_a_file_of_it(client: Any, green: Path) -> None:
    framed = client.get("/embed/dashboards/green")
    assert "frame-ancestors *" in framed.headers["content-security-policy"]
    assert "set-cookie" not in framed.headers
    source = client.get("/dashboards/green.yaml")
    assert source.text == GOOD
    assert source.headers["content-type"].startswith("application/yaml")
    assert client.get("/dashboards/nothing").status_code == 404


def test_a_spoilt_file_is_told_to_the_operator_only(client: Any, register: City, green: Path) -> None:
    from arengo.portal.operator import COOKIE, token

    bad = green.with_name("bad.yaml")
    bad.write_text("title: T\nrows:\n  - txet: x\n", encoding="utf-8")
    try:
        cookie = {"Cookie": f"{COOKIE}={token(register.settings)}"}
        assert "txet" not in client.get("/dashboards").text
        told = unescape(client.get("/dashboards", headers=cookie).text)
        assert "dashboards/bad.yaml, line 3" in told
        assert client.get("/dashboards/bad").status_code == 422
        assert client.get("/dashboards/green").status_code == 200
    finally:
        bad.unlink()


def test_items_move_and_leave(client: Any) -> None:
    from urllib.parse import urlencode

    items = [f"/datasets/trees/chart?kind=bar&x={name}" for name in ("name", "district")]
    state = [("title", "Mine"), *(("item", item) for item in items)]

    def after(*more: tuple[str, str]) -> list[str]:
        answer = client.get("/dashboards/new?" + urlencode([*state, *more]))
        assert answer.status_code == 303
        return [value for name, value in parse_qsl(urlsplit(answer.headers["location"]).query) if name == "item"]

    assert after(("do", "up:1")) == items[::-1]
    assert after(("do", "down:0")) == items[::-1]
    assert after(("do", "out:0")) == items[1:]
    assert after(("do", "out:9")) == items
    assert after(("do", "x:0")) == items
    third = "/datasets/air/chart?kind=line&x=day"
    assert after(("add", f"http://testserver{third}")) == [*items, third]
    wrong = client.get("/dashboards/new?" + urlencode([*state, ("add", "https://elsewhere.example/")]))
    assert wrong.status_code == 200
    assert "no address of a chart" in wrong.text
    text = client.get("/dashboards/new?" + urlencode(state)).text
    assert text.count("<figure") == 2
    source = client.get("/dashboards/new.yaml?" + urlencode(state)).text
    made = read("mine", source)
    assert (made.title, len(made.blocks)) == ("Mine", 2)


def test_the_operator_publishes_and_drops(client: Any, register: City) -> None:
    from arengo.portal.operator import COOKIE, token

    text = "title: Kept one\nrows:\n  - chart: {dataset: trees, kind: bar, x: name}\n"
    assert client.post("/dashboards/new", data={"yaml": text}).status_code == 403
    cookie = {"Cookie": f"{COOKIE}={token(register.settings)}"}
    answer = client.post("/dashboards/new", data={"yaml": text}, headers=cookie)
    assert answer.headers["location"] == "/dashboards/kept-one"
    assert client.get("/dashboards/kept-one").status_code == 200
    assert client.post("/dashboards/kept-one", data={}).status_code == 403
    assert client.post("/dashboards/kept-one", data={}, headers=cookie).status_code == 303
    assert client.get("/dashboards/kept-one").status_code == 404


def test_words_of_a_text_are_escaped_and_links_are_web_links() -> None:
    words = "[x](javascript:alert(1)) <i>a</i> **b** [y](https://a.example/?q=1&r=2)"
    said = paragraphs(words)[0][1]
    assert "javascript" in said
    assert 'href="javascript' not in said
    assert "<i>" not in said
    assert "<b>b</b>" in said
    assert 'href="https://a.example/?q=1&amp;r=2"' in said


# Versions


def test_two_versions_are_compared_in_numbers_and_rows(client: Any) -> None:
    text = client.get("/datasets/trees/compare?from=1&to=2").text
    counts = dict(re.findall(r'<span class="kind (\w+)">[^<]*</span> <span class="num">(\d+)</span>', text))
    assert counts == {"added": "1", "changed": "1", "removed": "1"}
    assert "Changed values by column" in text
    assert re.search(r'<a href="[^"]*column=height[^"]*"[^>]*>Height</a>', text) or "column=height" in text
    only = client.get("/datasets/trees/compare?from=1&to=2&kind=removed").text
    assert only.count('<tr class="change">') == 1
    column = client.get("/datasets/trees/compare?from=1&to=2&column=height").text
    assert column.count('<tr class="change">') == 1
    assert "<del" in column
    assert "<ins" in column
    assert client.get("/datasets/trees/compare").status_code == 200, "the newest two"
    assert client.get("/datasets/trees/compare?from=9&to=2").status_code == 404
    assert client.get("/datasets/air/compare").status_code == 400


def test_the_file_of_a_comparison_names_each_value(client: Any) -> None:
    answer = client.get("/datasets/trees/compare.csv?from=1&to=2")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows if row["change"] == "changed"] == ["3"]
    (changed,) = [row for row in rows if row["change"] == "changed"]
    assert (changed["column"], changed["after"]) == ("height", "31.5")
    assert {row["id"] for row in rows if row["change"] == "removed"} == {"2"}
    assert all(not row["before"] for row in rows if row["change"] == "added")
    assert answer.headers["content-disposition"].endswith('"trees-v1-v2.csv"')


# The table


def test_columns_are_chosen_and_the_file_has_the_same(client: Any) -> None:
    ticked = client.get("/datasets/trees/table?c=id&c=height&f.district=Porto")
    assert ticked.status_code == 303
    at = ticked.headers["location"]
    assert "cols=id%2Cheight" in at
    text = client.get(at + "&rows=25").text
    names = text[text.index('<tr class="names">') : text.index("</thead>")]
    assert "Height" in names
    assert "Planted" not in names
    export = unescape(re.search(r'href="(/api/v1/datasets/trees/export\.csv[^"]*)"', text)[1])  # type: ignore[index]
    rows = list(csv.DictReader(io.StringIO(client.get(export).text)))
    assert set(rows[0]) == {"id", "height"}
    asked = client.get("/api/v1/datasets/trees/rows?district=Porto&aggregate=count").json()["items"][0]["count"]
    assert len(rows) == asked
    chart = unescape(re.search(r'href="(/datasets/trees/chart\?f\.district=[^"]*)"', text)[1])  # type: ignore[index]
    assert client.get(chart).status_code == 200
    assert client.get("/datasets/trees/table?cols=nothing&rows=7").status_code == 200
    assert client.get("/datasets/trees/table?cols=%22").status_code == 200
