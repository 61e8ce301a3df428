"""Every page over a city that was really published: what it says, its tag, its links, its refusals."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from portal_register import HOSTILE

from arengo.city import City
from arengo.portal.language import LANGUAGES

TABS = ("", "/table", "/charts", "/columns", "/quality", "/versions", "/downloads", "/api")
PAGES = (
    "/",
    "/datasets",
    "/about",
    "/guide",
    "/harvests",
    "/datasets/trees/origin",
    "/guide?q=any&about=any&want=map",
    "/guide?q=any&about=any&want=map&fresh=any",
    "/words",
    "/accessibility",
    "/organisations",
    "/themes/ENVI",
    "/runs",
    *(f"/datasets/{name}{tab}" for name in ("trees", "air", "budget", "districts") for tab in TABS),
    "/datasets/trees/map",
    "/datasets/districts/map",
    "/datasets/trees/compare?from=1&to=2",
    "/datasets/trees/rows/3",
    "/datasets/air/rows/2025-01-05,PM10",
    "/datasets/planned",
    "/datasets/trees/charts/height",
)


class Page(HTMLParser):
    """What a page holds: links, headings, ids, texts; and whether its tags close."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "source", "wbr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.problems: list[str] = []
        self.open: list[str] = []
        self.lang = self.dir = ""
        self.feed(text)
        self.problems += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "html":
            self.lang, self.dir = held.get("lang", ""), held.get("dir", "")
        if tag == "a":
            self.links.append(held["href"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in held:
            self.ids.append(held["id"])
        if "style" in held or any(name.startswith("on") for name in held):
            self.problems.append(f"<{tag}> has inline style or script, which the content policy forbids")
        data = tag == "script" and held.get("type") == "application/ld+json"  # a data block is never run
        if tag == "script" and not data and not held.get("src", "").startswith("/static/"):
            self.problems.append("an inline script")
        for name in ("src", "href", "action"):
            if held.get(name, "/").startswith(("http:", "https:", "//")):
                self.problems.append(f"<{tag}> asks another host: {held[name]}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")


def settled(client, path: str) -> str:
    """The page's tag once it stays: the first page tells more as soon as changed rows are counted."""
    tags, until = [client.get(path).headers["etag"]], time.monotonic() + 120
    while len(tags) < 2 or len(set(tags[-8 if path == "/" else -2 :])) > 1 or (path == "/" and len(tags) < 8):
        assert time.monotonic() < until, "the page never stays as it is"
        time.sleep(0.05)
        tags.append(client.get(path).headers["etag"])
    return tags[-1]


def unmarked(text: str) -> str:
    return re.sub(r"</?mark>", "", text)


@pytest.mark.parametrize("path", PAGES)
def test_page_is_whole_and_has_its_tag(client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, path
    page = Page(answer.text)
    assert not page.problems
    assert page.headings.count(1) == 1
    assert page.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert len(page.ids) == len(set(page.ids))
    assert HOSTILE not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    tag, until = settled(client, path), time.monotonic() + 120
    while client.get(path, headers={"if-none-match": tag}).status_code != 304:
        assert path == "/", "its tag is not known"
        assert time.monotonic() < until
        tag = settled(client, path)  # the rows were counted just now
    other = client.get(path, headers={"if-none-match": tag, "accept-language": "ar"})
    assert (other.status_code, Page(other.text).dir) == (200, "rtl"), "another language is another page"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_page(client, language: str) -> None:
    for path in (
        "/",
        "/datasets",
        "/datasets/trees",
        "/datasets/trees/table",
        "/datasets/trees/quality",
        "/runs",
        "/nix",
    ):
        answer = client.get(path, headers={"accept-language": language})
        page = Page(answer.text)
        assert (page.lang, page.problems) == (language, [])
        assert re.search(r"%\(\w+\)s", answer.text) is None
    client.cookies.clear()


def test_links_inside_the_portal_lead_somewhere(client) -> None:
    seen: set[str] = set()
    waiting = ["/"]
    while waiting and len(seen) < 260:
        path = waiting.pop(0)
        if path in seen or path.startswith("/preferences"):
            continue
        seen.add(path)
        answer = client.get(path)
        assert answer.status_code in (200, 303) or path.startswith("/datasets/persons"), path
        if "html" not in answer.headers.get("content-type", ""):
            continue
        found = [href.split("#")[0] for href in Page(answer.text).links]
        # Enough of a walk: not every filter and sort of every table, no files.
        waiting += [href for href in found if href.startswith("/") and "/table?" not in href and "/export." not in href]
        waiting = [href for href in waiting if not href.startswith("/login?")]  # one a page
    assert len(seen) > 60
    client.cookies.clear()


def test_home_says_what_is_there_and_what_changed(client) -> None:
    text = client.get("/").text
    assert "Città di Prova" in text
    assert text.index("What is there") < text.index("What changed") < text.index("Ways in")
    assert re.search(r">6</dd>", text), "six datasets, the closed and the coming one counted"


def test_list_searches_and_filters(client) -> None:
    assert "Street trees" in unmarked(client.get("/datasets?q=tree").text)
    assert "Street trees" not in client.get("/datasets?q=budget").text
    assert "No dataset fits" in client.get("/datasets?q=unicorn").text
    assert client.get("/datasets", params={"q": "a " * 3000}).status_code == 400
    found = client.get("/datasets?theme=ECON").text
    assert "Budget" in found
    assert "Street trees" not in found


def test_the_guided_path_asks_one_thing_at_a_time_and_says_why(client) -> None:
    first = Page(client.get("/guide").text)
    assert "What are you looking for?" in client.get("/guide").text
    assert "/guide?q=any" in first.links
    seen, path = [], "/guide?q=any"
    while True:
        text = client.get(path).text
        page = Page(text)
        assert not page.problems
        seen.append(re.findall(r"<h1[^>]*>([^<]+)", text)[0])
        options = re.findall(r'<li><a href="(/guide\?[^"]+)"><span class="what">', text)
        if not options:
            break
        path = options[0].replace("&amp;", "&")
    assert seen[:2] == ["What is it about?", "What do you want to do with it?"]
    assert seen[-1] == "What fits"
    assert "Why: is about" in text
    assert 'name="robots" content="noindex"' in text
    changes = [href for href in page.links if href.startswith("/guide?")]
    assert len(changes) == len(seen), "every answer can be changed"
    nothing = client.get("/guide?q=unicorn").text
    assert "Nothing fits all of it" in nothing
    assert "/wishes/new?title=unicorn" in nothing
    assert client.get("/guide?want=nonsense&fresh=1").status_code == 200
    for hostile in ("<script>alert(1)</script>", "'\";--", "\0" * 9, "%" * 300, "x" * 5000):
        answer = client.get("/guide", params={"q": hostile, "about": hostile, "want": hostile})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text


def test_the_order_of_a_list_keeps_its_theme(client) -> None:
    """``theme=ENVI`` narrows, ``theme=dark`` is how pages look: one parameter, two lists of values."""
    links = Page(client.get("/datasets?theme=ENVI&order=updated").text).links
    ordered = [href for href in links if href.startswith("/datasets?") and "order=created" in href]
    assert ordered
    assert all("theme=ENVI" in href for href in ordered)
    dark = Page(client.get("/datasets?theme=dark&q=tree").text).links
    client.cookies.clear()
    assert not [href for href in dark if href.startswith("/datasets?") and "theme=dark" in href]


def test_words_of_the_contract_in_the_readers_language(client) -> None:
    text = client.get("/datasets/trees/table", headers={"accept-language": "it"}).text
    assert "Alberature stradali" in text
    assert "Circoscrizione" in text
    assert "Righe da 1 a 50 di 120" in text
    other = client.get("/datasets/air", headers={"accept-language": "it"}).text
    assert '<h1 dir="auto" lang="en">Air quality</h1>' in other, "an untranslated title says which language it is in"


def test_the_address_is_the_state_of_the_table(client) -> None:
    text = client.get("/datasets/trees/table?sort=-height&f.district=%3DPorto&f.height=10..20").text
    heights = [float(value) for value in re.findall(r'<td class="n"><span class="value">([\d.]+)</span>', text)][::3]
    assert heights == sorted(heights, reverse=True)
    assert 10 <= heights[-1] < heights[0] <= 20
    assert 'aria-sort="descending"' in text
    assert "Take away:" in text
    assert "export.csv?filter=" in text
    followed = re.search(r'href="([^"]+)" rel="next"', client.get("/datasets/trees/table?sort=name").text)
    assert followed
    second = client.get(followed[1].replace("&amp;", "&")).text
    assert "Rows 51 to 100 of 120" in second
    back = re.search(r'href="([^"]+)" rel="prev"', client.get(followed[1].replace("&amp;", "&")).text)
    assert back
    assert "Rows 1 to 50 of 120" in client.get(back[1].replace("&amp;", "&")).text


def test_what_is_typed_above_a_column(client) -> None:
    def rows(asked: str) -> int:
        text = client.get(f"/datasets/trees/table?{asked}").text
        found = re.search(r'role="status">(?:Rows \d+ to \d+ of )?([\d,]+)', text)
        return int(found[1].replace(",", "")) if found else 0

    assert rows("f.height=-") == 10, "no value"
    assert rows("f.height=*") == 110
    assert rows("f.planted=1950..2030") == 120
    assert 0 < rows("f.planted=1980") < 120
    assert rows("f.id=7") == 1
    assert rows("f.name=MAPLE") == rows("f.name=maple") > 0
    assert rows("f.protected=true") == 17
    assert rows("filter=id%20%3C%3D%205") == 4, "row 2 was felled"
    wrong = client.get("/datasets/trees/table?f.height=tall")
    assert (wrong.status_code, "holds numbers" in wrong.text) == (200, True)
    assert client.get("/datasets/trees/table?filter=(((").status_code == 200
    assert "No row fits" in client.get("/datasets/trees/table?f.id=12345").text
    assert "stopped" not in client.get("/datasets/trees/table?cursor=nonsense").text


def test_null_is_a_mark_and_long_text_can_be_read_whole(client) -> None:
    text = client.get("/datasets/trees/table").text
    assert '<span class="nil" aria-hidden="true">–</span><span class="vh">no value</span>' in text
    assert '<span class="clip" tabindex="0" dir="auto">Stands alone. Stands' in text


def test_the_lead_figure_follows_the_data(client) -> None:
    assert '<div class="map">' in client.get("/datasets/trees").text
    air = client.get("/datasets/air").text
    assert "Value by day" in air
    assert "Average, in µg/m³" in air
    assert all(name in air for name in ("NO2", "PM10", "O3"))
    assert "Amount by Chapter" in client.get("/datasets/budget").text


def test_time_is_visible(client) -> None:
    now = client.get("/datasets/trees").text
    then = client.get("/datasets/trees?as_of=1").text
    assert "You are looking at version 1" in then
    assert "You are looking at" not in now
    page = Page(then)
    inside = [href for href in page.links if href.startswith("/datasets/trees/") and "export" not in href]
    assert inside
    assert all("as_of=1" in href for href in inside), "a walk through the past stays there"
    text = client.get("/datasets/trees/compare?from=1&to=2").text
    assert re.findall(r'class="kind (\w+)">[^<]*</span> <span class="num">(\d+)', text) == [
        ("added", "1"), ("changed", "1"), ("removed", "1")
    ]  # fmt: skip
    assert "31.5" in text
    assert "<del" in text
    swapped = client.get("/datasets/trees/compare?from=2&to=1").text
    assert "From version 1 to version 2" in swapped
    assert "The rows are the same" in client.get("/datasets/trees/compare?from=2&to=2").text


def test_a_row_has_its_history(client) -> None:
    text = client.get("/datasets/trees/rows/3").text
    assert "first seen" in text
    assert "31.5" in text
    gone = client.get("/datasets/trees/rows/2").text
    assert "no longer in version 2" in gone
    assert client.get("/datasets/trees/rows/4711").status_code == 404


def test_quality_says_what_was_set_aside_and_only_the_operator_gets_it(client, register: City) -> None:
    text = client.get("/datasets/trees/quality").text
    assert "121 rows came from the source: 120 were kept and 1 were set aside" in text
    assert "very tall" not in text
    assert client.get("/datasets/trees/quarantine.csv").status_code == 403
    assert client.post("/operator", content=b"key=guess", headers={"content-type": "x"}).status_code == 403
    key = (register.settings.home / "operator.key").read_text().strip()
    assert (register.settings.home / "operator.key").stat().st_mode & 0o077 == 0
    entered = client.post("/operator", content=f"key={key}&next=/datasets/trees/quality".encode())
    assert (entered.status_code, entered.headers["location"]) == (303, "/datasets/trees/quality")
    assert key not in entered.headers["set-cookie"]
    assert "SameSite=strict" in entered.headers["set-cookie"]
    file = client.get("/datasets/trees/quarantine.csv")
    assert file.status_code == 200
    assert file.text.startswith("file,row,column,value,reason")
    assert "very tall" in file.text
    client.post("/operator", content=b"leave=1")
    client.cookies.clear()
    assert client.get("/datasets/trees/quarantine.csv").status_code == 403


def test_a_copied_cookie_of_the_operator_ends_by_itself(client, register: City) -> None:
    import time

    from arengo.portal.operator import token

    client.get("/operator")
    until = int(time.time())
    for value, opens in (
        (token(register.settings, until + 60), True),
        (token(register.settings, until - 60), False),
        (f"{until + 9999}." + token(register.settings, until + 60).partition(".")[2], False),
        ("99999999999999999999.x", False),
        ("x", False),
    ):
        answer = client.get("/datasets/trees/edit", headers={"cookie": f"arengo_operator={value}"})
        assert answer.status_code == (200 if opens else 403), value


def test_a_closed_dataset_says_who_decides(client) -> None:
    answer = client.get("/datasets/persons")
    assert answer.status_code == 403
    assert "data@prova.example" in answer.text
    assert not Page(answer.text).problems
    assert "<h2>Columns</h2>" not in answer.text, "what is kept about persons is not told either"
    for tab in ("table", "charts", "columns", "quality", "versions", "downloads", "api", "rows/1", "compare?from=1"):
        assert client.get(f"/datasets/persons/{tab}").status_code == 403, tab


def test_errors_speak_in_the_citys_name(client) -> None:
    lost = client.get("/datasets/tres")
    assert lost.status_code == 404
    assert "Città di Prova" in lost.text
    assert "Did you mean" in lost.text
    assert client.get("/nowhere").status_code == 404
    assert client.get("/datasets/trees?as_of=99").status_code == 404
    assert client.get("/datasets/budget/map").status_code == 406
    assert client.post("/datasets").status_code == 405
    for path in ("/nowhere", "/datasets/tres"):
        assert not Page(client.get(path).text).problems


def test_language_and_theme_are_remembered_by_a_cookie(client) -> None:
    answer = client.get("/preferences?lang=fr&next=/datasets")
    assert (answer.status_code, answer.headers["location"]) == (303, "/datasets")
    assert Page(client.get("/").text).lang == "fr"
    client.get("/preferences?theme=dark")
    assert 'data-theme="dark"' in client.get("/").text
    client.get("/preferences?theme=auto")
    assert "data-theme" not in client.get("/").text
    client.get("/?lang=es")
    assert Page(client.get("/").text).lang == "es"
    client.cookies.clear()
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""):
        assert client.get("/preferences", params={"lang": "it", "next": target}).headers["location"] == "/"
    client.cookies.clear()


def test_downloads_and_examples_are_of_this_dataset(client) -> None:
    text = client.get("/datasets/trees/downloads").text
    for ext in ("csv", "xlsx", "geojson", "parquet", "gpkg"):
        assert f"/api/v1/datasets/trees/export.{ext}" in text
    assert "geojson" not in client.get("/datasets/air/downloads").text
    page = client.get("/datasets/trees/api")
    for word in ("curl --get", "import pandas", "library(httr2)", "URLSearchParams", "district"):
        assert word in page.text
    for href in Page(page.text).links:
        if href.startswith("/api/") and "export" not in href:
            assert client.get(href).status_code == 200, href


def test_runs_show_steps_and_hide_messages(client, register: City) -> None:
    text = client.get("/runs").text
    assert "Street trees" in text
    (run, *_rest) = register.state.runs("trees")
    page = client.get(f"/runs/{run.id}")
    assert page.status_code == 200
    assert "Steps" in page.text
    assert client.get("/runs/none").status_code == 404
    assert client.get("/runs?state=failed").status_code == 200


def test_static_files_are_kept_and_typed(client) -> None:
    sheet = client.get("/static/tokens.css?v=1")
    assert sheet.headers["cache-control"].endswith("immutable")
    assert client.get("/static/map.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/static/../site.py").status_code == 404
    assert "--accent: #9d2f1f" in client.get("/city.css").text
    assert client.get("/mark.svg").headers["content-type"] == "image/svg+xml"
    svg = client.get("/datasets/trees/charts/height.svg")
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "var(" not in svg.text


def test_an_unreadable_accent_stops_the_start(register: City) -> None:
    from dataclasses import replace

    from arengo import portal
    from arengo.errors import SettingsError

    pale = replace(register.settings, city=replace(register.settings.city, accent="#ffdd00"))
    with pytest.raises(SettingsError, match="accent"):
        portal.routes(register.door, register.catalogue, pale, register.state)


def test_a_map_counts_places_once_and_says_what_has_none(client) -> None:
    text = client.get("/datasets/trees/map").text
    counts = set(re.findall(r"([\d,]+) places", text))
    assert len(counts) == 1, counts
    found = re.search(r"([\d,]+) rows? ha(?:s|ve) no place", text)
    rows = int(re.search(r"([\d,]+) rows", text)[1].replace(",", ""))
    assert int(counts.pop().replace(",", "")) + (int(found[1]) if found else 0) == rows
