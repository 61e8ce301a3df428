"""The chart builder: what fits, every kind drawn, files that agree with the rows API, hostile addresses."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import zlib
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from arengo.city import City
from arengo.portal.charts import design as designs
from arengo.portal.charts import picture as pictures
from arengo.portal.charts.grammar import class_of, class_words, classes
from arengo.portal.charts.maps import drawn, folded, matching
from arengo.portal.charts.portable import named
from arengo.portal.charts.sheet import measure, wrapped
from arengo.portal.drawing import Studio
from arengo.portal.language import Speech


@pytest.fixture(autouse=True)
def forget(client: Any) -> Any:
    """The next test's reader has not chosen a language."""
    yield
    client.cookies.clear()


KINDS = {
    "bar": "kind=bar&x=name",
    "bars of numbers": "kind=bar&x=name&y=height&of=avg&sort=name",
    "stacked": "kind=bar&x=name&by=district",
    "shares": "kind=bar&x=name&by=district&stack=share",
    "grouped": "kind=bar&x=name&by=district&stack=grouped&y=height&of=max",
    "columns": "kind=bar&x=planted&bucket=year",
    "line": "kind=line&x=planted&bucket=year&by=district",
    "line of many": "kind=line&x=planted&bucket=year&by=name&series=2",
    "area": "kind=area&x=planted&bucket=year&by=district",
    "multiples": "kind=line&x=planted&bucket=year&facet=district",
    "bars in multiples": "kind=bar&x=name&facet=district",
    "scatter": "kind=scatter&x=id&y=height&by=district",
    "histogram": "kind=histogram&x=height",
    "histogram of some": "kind=histogram&x=height&district=Porto",
    "heat": "kind=heat&x=name&by=district&y=height&of=avg",
    "heat of the year": "kind=heat&x=planted&bucket=day_of_week&by=district",
    "places": "kind=map&by=district",
    "areas": "kind=map&x=district&places=districts",
}


def file(client: Any, query: str, ending: str, dataset: str = "trees") -> Any:
    return client.get(f"/datasets/{dataset}/chart.{ending}?{query}")


def pixels(png: bytes) -> tuple[int, int, set[bytes]]:
    """Width, height and the different colours of an eight-bit RGB(A) PNG (ISO 15948, section 9: filters undone)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind in (2, 6)) == (8, True)
    data, at = b"", 8
    while at < len(png):
        (length,), name = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        data += png[at + 8 : at + 8 + length] if name == b"IDAT" else b""
        at += 12 + length
    raw, size = zlib.decompress(data), 4 if kind == 6 else 3
    before, colours, at = bytearray(width * size), set(), 0
    for _row in range(height):
        mode, line = raw[at], bytearray(raw[at + 1 : at + 1 + width * size])
        at += 1 + width * size
        for i in range(len(line)):
            left = line[i - size] if i >= size else 0
            up, corner = before[i], before[i - size] if i >= size else 0
            if mode == 1:
                line[i] = (line[i] + left) & 255
            elif mode == 2:
                line[i] = (line[i] + up) & 255
            elif mode == 3:
                line[i] = (line[i] + (left + up) // 2) & 255
            elif mode == 4:
                guess = left + up - corner
                near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
                line[i] = (line[i] + near[2]) & 255
        colours.update(bytes(line[i : i + 3]) for i in range(0, len(line), size))
        before = line
    return width, height, colours


def test_what_fits_is_drawn_to_choose_from(client: Any) -> None:
    text = client.get("/datasets/trees/chart").text
    links = [unescape(href) for href in re.findall(r'<a href="(/datasets/trees/chart\?kind=[^"]+)"', text)]
    kinds = {re.search(r"kind=(\w+)", href)[1] for href in links}  # type: ignore[index]
    assert {"bar", "line", "map", "histogram"} <= kinds
    assert text.count(' xmlns="http') >= len(links), "each is a picture"
    for href in links:
        assert client.get(href).status_code == 200, href


@pytest.mark.parametrize("query", KINDS.values(), ids=KINDS)
def test_every_kind_is_a_page_with_picture_words_and_table(client: Any, query: str) -> None:
    answer = client.get(f"/datasets/trees/chart?{query}")
    assert answer.status_code == 200
    text = answer.text
    assert 'role="alert"' not in text
    assert text.count('xmlns="http://www.w3.org/2000/svg"') == 2, "for a wide and a narrow page"
    assert "style=" not in text
    assert re.search(r'<p class="told[^>]*>[^<]{12,}</p>', text)
    assert "<table>" in text
    assert "Source: Parks and Gardens" in text
    assert "/embed/chart?dataset=trees" in text


@pytest.mark.parametrize("name", ["bar", "line", "scatter", "histogram", "heat", "areas"])
def test_files_are_pictures(client: Any, name: str) -> None:
    svg = file(client, KINDS[name], "svg")
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert "<title" in svg.text
    assert "<desc" in svg.text
    assert "version 2 of" in svg.text
    assert "var(" not in svg.text
    small = KINDS[name] + "&width=320"
    once, twice = file(client, small, "png"), file(client, small + "&scale=2", "png")
    width, height, colours = pixels(once.content)
    assert len(colours) > 8, "something is drawn"
    assert struct.unpack(">II", twice.content[16:24]) == (2 * width, 2 * height)
    assert once.headers["access-control-allow-origin"] == "*"


def test_files_have_tags_and_versions(client: Any) -> None:
    for ending in ("svg", "png", "csv", "vl.json"):
        first = file(client, KINDS["bar"], ending)
        assert first.headers["arengo-version"] == "2"
        again = client.get(str(first.url), headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
    assert file(client, KINDS["bar"] + "&as_of=1", "csv").headers["arengo-version"] == "1"
    assert "version 1 of" in file(client, KINDS["bar"] + "&as_of=1", "svg").text


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("kind=bar&x=name&sort=name", "group_by=name&aggregate=count"),
        ("kind=bar&x=district&y=height&of=median&sort=name", "group_by=district&aggregate=median:height"),
        ("kind=line&x=planted&bucket=year", "group_by=planted:year&aggregate=count"),
        ("kind=line&x=planted&bucket=month&height__gte=10", "group_by=planted:month&aggregate=count&height__gte=10"),
        ("kind=heat&x=name&by=district&y=height&of=avg", "group_by=name,district&aggregate=avg:height"),
        ("kind=bar&x=name&filter=height%20%3E%205", "group_by=name&aggregate=count&filter=height%20%3E%205"),
    ],
)
def test_the_numbers_are_those_of_the_rows_api(client: Any, query: str, asked: str) -> None:
    mine = list(csv.reader(io.StringIO(file(client, query, "csv").text)))
    theirs = list(csv.reader(io.StringIO(client.get(f"/api/v1/datasets/trees/rows?{asked}&limit=5000&f=csv").text)))
    assert mine[0] == theirs[0]
    assert sorted(mine[1:]) == sorted(theirs[1:])


def test_others_are_what_the_rest_adds_up_to(client: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(file(client, "kind=bar&x=district&by=name&series=1", "csv").text)))
    whole = client.get("/api/v1/datasets/trees/rows?aggregate=count").json()["items"][0]["count"]
    assert sum(int(row["count"]) for row in rows) == whole
    assert {row["name"] for row in rows if row["name"] == "others"} == {"others"}


def test_the_specification_goes_on_elsewhere(client: Any, register: City) -> None:
    import vl_convert

    for name, query in KINDS.items():
        spec = file(client, query, "vl.json").json()
        assert spec["$schema"].endswith("/v5.json")
        assert "signal" not in json.dumps(spec)
        assert vl_convert.vegalite_to_svg(spec, vl_version="5.20", allowed_base_urls=[]).startswith("<svg"), name
    linked = file(client, KINDS["bar"] + "&data=url", "vl.json").json()
    assert linked["data"]["url"].startswith("http")
    assert "/datasets/trees/chart.csv?kind=bar" in linked["data"]["url"]
    assert named("a.b[0]'s") == "a\\.b\\[0\\]\\'s"


def test_snapshots_of_the_specifications(client: Any) -> None:
    """The form of each: mark types and channels, so that a change is seen."""
    found = {}
    for name, query in KINDS.items():
        spec = file(client, query, "vl.json").json()
        found[name] = (spec["mark"]["type"], sorted(spec["encoding"]))
    assert found == {
        "bar": ("bar", ["color", "x", "y"]),
        "bars of numbers": ("bar", ["color", "x", "y"]),
        "stacked": ("bar", ["color", "x", "y"]),
        "shares": ("bar", ["color", "x", "y"]),
        "grouped": ("bar", ["color", "x", "y", "yOffset"]),
        "columns": ("bar", ["color", "x", "y"]),
        "line": ("line", ["color", "x", "y"]),
        "line of many": ("line", ["color", "x", "y"]),
        "area": ("area", ["color", "x", "y"]),
        "multiples": ("line", ["color", "facet", "x", "y"]),
        "bars in multiples": ("bar", ["color", "facet", "x", "y"]),
        "scatter": ("circle", ["color", "x", "y"]),
        "histogram": ("bar", ["color", "x", "x2", "y"]),
        "histogram of some": ("bar", ["color", "x", "x2", "y"]),
        "heat": ("rect", ["color", "x", "y"]),
        "heat of the year": ("rect", ["color", "x", "y"]),
        "places": ("circle", ["color", "latitude", "longitude"]),
        "areas": ("bar", ["color", "x", "y"]),
    }


HOSTILE = "</title><script>alert(1)</script>"
EXPRESSION = "datum.v + (1).constructor.constructor('return process')()"


@pytest.mark.parametrize("text", [HOSTILE, EXPRESSION, "{{7*7}}", "a\u202eb\x00c", "]]>&amp;<svg onload=x>"])
def test_words_of_a_caller_stay_words(client: Any, text: str) -> None:
    words = urlencode({"title": text, "subtitle": text, "note": text, "x_title": text[:80], "y_title": text[:80]})
    for query in (KINDS["line"], KINDS["scatter"], KINDS["histogram"]):
        page = client.get(f"/datasets/trees/chart?{query}&{words}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        svg = file(client, f"{query}&{words}", "svg")
        assert svg.status_code == 200
        assert "<script" not in svg.text
        assert "onload=x>" not in svg.text.replace("&gt;", "")
        assert "\u202e" not in svg.text
        import xml.etree.ElementTree as ET

        ET.fromstring(svg.text)
    spec = file(client, f"{KINDS['bar']}&{words}", "vl.json").json()
    assert isinstance(spec["title"]["text"], str)


@pytest.mark.parametrize(
    "query",
    [
        "kind=pie&x=name",
        "kind=bar&x=nowhere",
        "kind=bar&x=name&height=1000000",
        "kind=bar&x=name&top=99999999999999999999",
        "kind=bar&x=name&of=sum",
        "kind=bar&x=name&y=name&of=sum",
        "kind=bar&x=name&bucket=month",
        "kind=bar&x=planted&bucket=hour",
        "kind=bar&x=name&palette=url(x)",
        "kind=bar&x=name&calculate=datum.x",
        "kind=bar&x=name&transform=x",
        "kind=bar&x=name&filter=" + "(" * 400,
        "kind=bar&x=name&filter=" + urlencode({"": "height > 1 OR " * 3000})[1:],
        "kind=bar&x=name&filter=read_csv('/etc/passwd')",
        "kind=bar&x=name&bbox=1,2",
        "kind=bar&x=name&datetime=never",
        "kind=bar&x=name&title=" + "x" * 5000,
        "kind=bar&x=name&kind=line",
        "kind=map&x=name&places=trees",
        "kind=map&x=name&places=districts",
        "kind=map&x=district&places=persons",
        "kind=scatter&x=name&y=height",
        "kind=heat&x=name",
        "kind=histogram&x=name",
        "kind=bar&x=name&f.height=word",
        "kind=line",
        "",
    ],
)
def test_what_does_not_fit_is_told_and_nothing_breaks(client: Any, query: str) -> None:
    page = client.get(f"/datasets/trees/chart?{query}")
    assert page.status_code in (200, 400)
    for ending in ("svg", "png", "csv", "vl.json"):
        assert file(client, query, ending).status_code in (400, 403, 404), ending
    assert client.get(f"/embed/chart?dataset=trees&{query}").status_code in (400, 403, 404)


def test_names_of_persons_are_not_drawn(client: Any) -> None:
    for query in ("kind=bar&x=name", "kind=bar&x=surname"):
        assert client.get(f"/datasets/persons/chart?{query}").status_code in (403, 404)


def test_too_many_marks_are_refused_before_they_are_drawn(tmp_path: Any) -> None:
    from arengo.errors import OperatorError

    studio = Studio(tmp_path)
    huge = {"data": {"values": [{"x": index} for index in range(600_000)]}, "mark": "bar"}
    with pytest.raises(OperatorError, match="is not drawn"):
        studio.draw(huge, Speech("en").vega(), "d/1")
    with pytest.raises(OperatorError, match="is not drawn"):
        studio.picture("x" * 5_000_000, 1, "d/1")
    studio.close()


def test_the_disk_is_not_filled_with_drawings(tmp_path: Any, monkeypatch: Any) -> None:
    from arengo.portal import drawing

    monkeypatch.setattr(drawing, "HELD", 8)
    for index in range(30):
        drawing._keep(tmp_path / "charts" / f"{index}.svg", b"x")
    assert len(list((tmp_path / "charts").iterdir())) <= 8


def test_the_form_is_the_address(client: Any) -> None:
    answer = client.get("/datasets/trees/chart?kind=bar&x=name&title=&by=&add=district&is=Porto")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/datasets/trees/chart?kind=bar&x=name&f.district=Porto"
    text = client.get(answer.headers["location"]).text
    assert 'name="f.district" value="Porto"' in text
    assert "Only district: Porto" in text or "Only District: Porto" in text


def test_frames_are_open_to_all_and_carry_no_cookie(client: Any) -> None:
    answer = client.get(f"/embed/chart?dataset=trees&{KINDS['bar']}&lang=it&theme=dark")
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors *" in policy
    assert "script-src" not in policy
    assert "set-cookie" not in answer.headers
    assert "<form" not in answer.text
    assert "<script" not in answer.text
    assert 'lang="it"' in answer.text
    assert "cookie" not in answer.headers["vary"].lower()
    assert answer.headers["etag"]
    wrong = client.get("/embed/chart?dataset=nothing&kind=bar")
    assert wrong.status_code == 404
    assert "frame-ancestors *" in wrong.headers["content-security-policy"]
    inner = client.get(f"/datasets/trees/chart?{KINDS['bar']}")
    assert "frame-ancestors 'none'" in inner.headers["content-security-policy"]


def test_oembed_answers_for_charts_of_this_site_only(client: Any) -> None:
    page = f"/datasets/trees/chart?{KINDS['bar']}"
    found = client.get("/oembed?" + urlencode({"url": page, "maxwidth": "500"})).json()
    assert (found["version"], found["type"], found["width"]) == ("1.0", "rich", 500)
    assert found["html"].startswith("<iframe src=")
    assert 'title="' in found["html"]
    xml = client.get("/oembed?" + urlencode({"url": page, "format": "xml"}))
    assert xml.headers["content-type"].startswith("text/xml")
    assert "&lt;iframe" in xml.text
    for url in ("https://elsewhere.example/datasets/trees/chart?kind=bar&x=name", "/about", "", "javascript:alert(1)"):
        assert client.get("/oembed?" + urlencode({"url": url})).status_code == 404, url
    assert client.get("/oembed?" + urlencode({"url": page, "format": "jsonp"})).status_code == 406


def test_the_operator_keeps_charts_and_nobody_else(client: Any, register: City) -> None:
    from arengo.portal.operator import COOKIE, token

    form = {"design": KINDS["bar"], "name": "Trees by name"}
    assert client.post("/datasets/trees/chart", data=form).status_code == 403
    cookie = {"Cookie": f"{COOKIE}={token(register.settings)}"}
    kept = client.post("/datasets/trees/chart", data=form, headers=cookie)
    assert kept.headers["location"] == "/charts/trees-by-name"
    try:
        assert "Trees by name" in client.get("/charts").text
        assert client.get("/charts/trees-by-name").status_code == 200
        assert client.get("/embed/charts/trees-by-name").status_code == 200
        assert "/charts/trees-by-name" in client.get("/datasets/trees/charts").text
        foreign = {**cookie, "Sec-Fetch-Site": "cross-site"}
        assert client.post("/charts/trees-by-name", data={}, headers=foreign).status_code == 403
        assert client.post("/charts/trees-by-name", data={}).status_code == 403
    finally:
        assert client.post("/charts/trees-by-name", data={}, headers=cookie).status_code == 303
    assert client.get("/charts/trees-by-name").status_code == 404


def test_classes_hold_every_value() -> None:
    for numbers in ([1.0], [1, 2, 3], list(range(100)), [-5.5, 0, 3, 1e9], [0.001, 0.002, 0.5, 7, 8, 9]):
        edges = classes([float(number) for number in numbers])
        assert 1 <= len(edges) <= 5
        assert edges == sorted(edges)
        assert max(numbers) <= edges[-1]
        held = [class_of(float(number), edges) for number in numbers]
        assert min(held) == 0
        assert len(class_words(edges, Speech("it"), [float(number) for number in numbers])) == len(edges)


def test_areas_are_found_by_name_whatever_the_writing() -> None:
    from arengo.portal.charts.maps import Area

    found = [Area({"code": "01", "name": "Città Alta"}, {}), Area({"code": "02", "name": "Porto"}, {})]
    assert folded("  CITTÀ  alta ") == "citta alta"
    assert matching(["citta alta", "PORTO"], found) == "name"
    assert matching(["1", "2"], found) == "code"
    assert matching(["x", "y"], found) == ""
    ring = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
    turned = drawn({"type": "Polygon", "coordinates": [ring]}, (0, 0, 1, 1))["coordinates"][0][0]
    assert turned == [[float(x), float(y)] for x, y in ring[::-1]], "clockwise, as the drawing library fills"


def test_lines_of_a_file_fit() -> None:
    for text in ("a b c " * 60, "x" * 900, "", "Ein Wort"):
        for line in wrapped(text, 14, 300):
            assert measure(line, 14) <= 300
    assert "".join(wrapped("x" * 900, 14, 300)) == "x" * 900


def test_the_address_says_the_whole_design() -> None:
    made = designs.Design("bar", x="a", top=5, where=(("f.b", "1..2"),))
    assert made.pairs() == [("kind", "bar"), ("x", "a"), ("top", "5"), ("f.b", "1..2")]
    assert set(designs.FIELDS) == set(designs.names())
    assert pictures.WIDE > pictures.NARROW
