"""The pages in a real browser: axe, keyboard, no JavaScript, narrow, zoomed, dark, right to left; no foreign host."""

from __future__ import annotations

import gzip
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from arengo.city import City
from browsing import AXE, chromium
from serving import serving

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.slow

PAGES = (
    "/",
    "/datasets",
    "/datasets?q=unicorn",
    "/datasets/trees",
    "/datasets/trees?as_of=1",
    "/datasets/trees/table?f.district=%3DPorto&sort=-height",
    "/datasets/trees/table?f.id=12345",
    "/datasets/trees/charts",
    "/datasets/trees/map",
    "/datasets/trees/columns",
    "/datasets/trees/quality",
    "/datasets/trees/versions",
    "/datasets/trees/compare?from=1&to=2",
    "/datasets/trees/rows/3",
    "/datasets/trees/downloads",
    "/datasets/trees/api",
    "/datasets/trees/origin",
    "/datasets/air",
    "/datasets/budget",
    "/datasets/planned",
    "/datasets/persons",
    "/runs",
    "/about",
    "/guide",
    "/guide?q=any",
    "/harvests",
    "/guide?q=any&about=any",
    "/guide?q=any&about=any&want=map&fresh=any",
    "/guide?q=tree&show=1",
    "/guide?q=unicorn",
    "/words",
    "/accessibility",
    "/organisations",
    "/organisations/parks-and-gardens",
    "/themes/ENVI",
    "/usage",
    "/quality-of-metadata",
    "/quality-of-metadata?dataset=trees",
    "/operator",
    "/nowhere",
)


FOCUSED = """() => {
    const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
    const at = document.elementFromPoint(b.x + b.width / 2, b.y + Math.min(b.height / 2, 12));
    return {
        tag: e.tagName, name: e.getAttribute("name"), text: e.textContent.trim().slice(0, 30),
        outline: parseFloat(s.outlineWidth), style: s.outlineStyle,
        seen: !at || e.contains(at) || at.contains(e),
    };
}"""


@pytest.fixture(scope="module")
def server(register: City) -> Iterator[str]:
    """The city served as ``arengo serve`` serves it."""
    with serving(register.settings.root) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as made:
        yield made


def visit(browser: Any, server: str, **options: Any) -> Any:
    """A fresh page that collects what it asks other hosts for and what it complains about."""
    context = browser.new_context(base_url=server, **options)
    page = context.new_page()
    page.foreign, page.complaints = [], []
    page.on("request", lambda asked: page.foreign.append(asked.url) if _is_foreign(asked.url, server) else None)
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def _is_foreign(url: str, server: str) -> bool:
    return not url.startswith((f"{server}/", "data:", "blob:"))


@pytest.mark.parametrize(
    ("width", "theme", "language"),
    [
        (360, "light", "it"),
        (360, "dark", "ar"),
        (768, "dark", "it"),
        (768, "light", "ar"),
        (1440, "light", "en"),
        (1440, "dark", "fr"),
        (360, "light", "ca"),
    ],
)
def test_axe_finds_nothing(browser: Any, server: str, width: int, theme: str, language: str) -> None:
    if not AXE.is_file():
        pytest.skip("npm ci in web/ brings axe-core")
    size = {"width": width, "height": 800}
    # Reading axe into the page is the test's own doing, which the content policy would forbid.
    page = visit(browser, server, viewport=size, color_scheme=theme, locale=language, bypass_csp=True)
    found = []
    for path in PAGES:
        page.goto(path)
        if path.endswith("/map"):
            page.wait_for_selector("#map[data-features]")
        page.add_script_tag(path=str(AXE))
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        report = page.evaluate("tags => axe.run({ runOnly: tags })", tags)
        for violation in report["violations"]:
            places = [node["target"] for node in violation["nodes"]][:3]
            found.append(f"{path}: {violation['id']}: {violation['help']} at {places}")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            found.append(f"{path}: {over} px wider than the window")
    assert not found, "\n".join(found)
    page.context.close()


@pytest.mark.parametrize(("width", "theme", "language"), [(360, "dark", "ar"), (1280, "light", "en")])
def test_axe_finds_nothing_at_the_stewards_desk(
    browser: Any, server: str, register: City, width: int, theme: str, language: str
) -> None:
    if not AXE.is_file():
        pytest.skip("npm ci in web/ brings axe-core")
    size = {"width": width, "height": 800}
    page = visit(browser, server, viewport=size, color_scheme=theme, locale=language, bypass_csp=True)

    def judge(name: str) -> None:
        page.add_script_tag(path=str(AXE))
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        report = page.evaluate("tags => axe.run({ runOnly: tags })", tags)
        places = [(item["id"], [node["target"] for node in item["nodes"]][:3]) for item in report["violations"]]
        assert not places, (name, places)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name

    page.goto("/operator")
    page.fill("input[name=key]", (register.settings.home / "operator.key").read_text().strip())
    page.locator("main form button").first.click()
    page.goto("/datasets/trees")
    page.locator(".edit a").click()
    judge("form")
    page.fill("[id='p.arengoRetention']", "two potatoes")
    page.locator("button[value=show]").click()
    page.locator("[id='p.arengoRetention-fault']").wait_for()
    judge("what is wrong")
    page.fill("[id='p.arengoRetention']", "")
    page.fill("#name", "Trees of the streets")
    page.locator("button[value=show]").click()
    page.locator(".preview ins").first.wait_for()
    judge("what changes")
    page.goto("/datasets/trees/edit?as=text")
    judge("as text")
    page.goto("/datasets/trees/api")
    page.locator(".console button").click()
    page.locator(".answer [role=status]", has_text="200").wait_for()
    judge("console")
    page.context.close()


def test_a_dataset_weighs_less_than_sixty_kilobytes(server: str) -> None:
    """HTML, style sheets and scripts as they cross the wire; typefaces and pictures are kept by the browser."""

    def weigh(path: str) -> tuple[int, str]:
        asked = urllib.request.Request(f"{server}{path}", headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            body = answer.read()
            packed = answer.headers.get("Content-Encoding") == "gzip"
        return len(body), (gzip.decompress(body) if packed else body).decode()

    for path in ("/datasets/trees", "/datasets/air", "/datasets/budget", "/datasets/trees/api"):
        whole, text = weigh(path)
        parts = re.findall(r'<link rel="stylesheet" href="([^"]+)"|<script[^>]* src="([^"]+)"', text)
        whole += sum(weigh(style or script)[0] for style, script in parts)
        assert whole < 60_000, (path, whole)


def test_nothing_leaves_the_host_and_nothing_complains(browser: Any, server: str) -> None:
    page = visit(browser, server, viewport={"width": 1200, "height": 800})
    for path in PAGES:
        page.goto(path)
        if path.endswith("/map"):
            page.wait_for_selector("#map[data-features]")
    assert not page.foreign
    # A refused or missing page is itself answered with 4xx, which the browser logs.
    assert not [text for text in page.complaints if "status of 40" not in text]
    page.context.close()


def test_the_answer_stands_in_the_first_600_pixels_of_a_phone(browser: Any, server: str) -> None:
    page = visit(browser, server, viewport={"width": 360, "height": 740}, locale="it")
    places = {
        "/": (".count", ".index > li:first-child"),
        "/datasets": (".register > li:first-child h2",),
        "/datasets/trees": ("h1", ".tabs", ".map"),
        "/datasets/air": (".figure .narrow svg",),
        "/datasets/trees/table": ("tbody tr:first-child",),
        "/datasets/trees/map": ("#map",),
        "/datasets/trees/quality": (".tally",),
    }
    for path, marks in places.items():
        page.goto(path)
        for mark in marks:
            box = page.locator(mark).first.bounding_box()
            assert box, (path, mark)
            assert box["y"] + min(box["height"], 120) <= 600, (path, mark, box)
    page.context.close()


def test_four_hundred_per_cent_zoom(browser: Any, server: str) -> None:
    """WCAG 1.4.10: a window of 1280 by 1024 at 400 % is 320 by 256; nothing scrolls in two directions."""
    page = visit(browser, server, viewport={"width": 320, "height": 256}, locale="it")
    for path in PAGES:
        page.goto(path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, (path, over)
    page.context.close()


def test_no_row_lies_under_the_head_of_the_table(browser: Any, server: str) -> None:
    edges = """() => {
        const box = (mark) => document.querySelector(mark).getBoundingClientRect();
        return [box(".sheet").top, box("thead").top, box("tr.ask th").bottom, box("tbody tr").top];
    }"""
    for width, height in ((1440, 900), (390, 800), (320, 256)):
        page = visit(browser, server, viewport={"width": width, "height": height}, locale="it")
        page.goto("/datasets/trees/table")
        _sheet, _head, asked, first = page.evaluate(edges)
        assert first >= asked - 0.5, (width, asked, first)
        page.evaluate("document.querySelector('.sheet').scrollTop = 200")
        sheet, head, asked, first = page.evaluate(edges)
        if height > 480:
            assert abs(head - sheet) <= 1.5, (width, "the head stays")
            assert first < asked, (width, "the rows pass under it")
        else:
            assert first >= asked - 0.5, (width, "zoomed in, the head leaves with the rows")
        page.context.close()


def test_keyboard_walk(browser: Any, server: str) -> None:
    page = visit(browser, server, viewport={"width": 1280, "height": 800}, locale="en")
    page.goto("/datasets/trees/table")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["y"] >= 0, "seen when it has the focus"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'main'")
    seen = []
    for _step in range(45):
        page.keyboard.press("Tab")
        state = page.evaluate(FOCUSED)
        if state["tag"] == "BODY":
            break
        assert state["outline"] >= 2, state
        assert state["style"] != "none", state
        assert state["seen"], f"hidden behind something: {state}"
        seen.append(state)
    names = [state["name"] for state in seen]
    assert names.index("q") < names.index("f.name"), "search comes before the filters of the columns"
    page.locator('[name="f.district"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator('[name="f.height"]').fill("10..20")
    page.keyboard.press("Enter")
    page.wait_for_url("**f.height=10..20**")
    assert page.locator(".chips").count() == 1
    page.context.close()


def test_keyboard_walk_through_the_places_of_a_map(browser: Any, server: str) -> None:
    page = visit(browser, server, viewport={"width": 1280, "height": 800}, locale="en")
    page.goto("/datasets/trees/map")
    page.wait_for_selector("#map[data-features]")
    links = page.locator("#places a")
    links.first.focus()
    assert page.locator("#places li[data-on]").count() == 1
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement === document.querySelectorAll('#places a')[1]")
    assert page.locator("#places li[data-on]").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/rows/**")
    page.go_back()
    page.wait_for_selector("#map[data-features]")
    box = page.locator("#map").bounding_box()
    canvas = page.locator("#map canvas")
    canvas.focus()
    page.keyboard.press("+")
    assert canvas.get_attribute("aria-label")
    buttons = page.locator(".maplibregl-ctrl button")
    assert {buttons.nth(i).get_attribute("aria-label") for i in range(buttons.count())} == {"Zoom in", "Zoom out"}
    assert box["height"] > 300
    page.context.close()


def test_a_popup_speaks_the_words_of_the_contract(browser: Any, server: str) -> None:
    page = visit(browser, server, viewport={"width": 1280, "height": 800}, locale="it", reduced_motion="reduce")
    page.goto("/datasets/trees/map?q=maple")
    page.wait_for_selector("#map[data-features]")
    box = page.locator("#map").bounding_box()
    found = False
    for x in range(20, int(box["width"]) - 60, 24):
        for y in range(40, int(box["height"]) - 20, 24):
            page.mouse.move(box["x"] + x, box["y"] + y)
            if page.evaluate("document.querySelector('#map canvas').style.cursor") == "pointer":
                page.mouse.click(box["x"] + x, box["y"] + y)
                found = True
                break
        if found:
            break
    assert found, "no place under the mouse"
    text = page.locator(".popup").inner_text()
    assert "Circoscrizione" in text
    assert "Apri questa riga" in text
    page.context.close()


def test_everything_works_without_javascript(browser: Any, server: str) -> None:
    page = visit(browser, server, viewport={"width": 1000, "height": 800}, java_script_enabled=False, locale="en")
    page.goto("/datasets/trees/map")
    assert page.locator("#map > svg circle").count() > 20
    assert page.locator("#places a").count() > 20
    page.goto("/datasets/trees/table")
    page.fill('[name="f.height"]', "10..20")
    page.press('[name="f.height"]', "Enter")
    assert "f.height=10..20" in page.url
    page.goto("/")
    page.fill('[name="q"]', "tree")
    page.click("main button")
    assert page.locator(".register h2").count() == 1
    page.locator(".menu > summary").click()
    page.locator('.menu a[lang="ar"]').click()
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert "/datasets?" in page.url
    page.goto("/datasets/air")
    page.locator("details > summary", has_text="جدول").last.click()
    assert page.locator("details table").first.is_visible()
    page.context.close()


def test_reduced_motion_forced_colours_and_paper(browser: Any, server: str) -> None:
    page = visit(
        browser, server, viewport={"width": 1000, "height": 800}, reduced_motion="reduce", forced_colors="active"
    )
    page.goto("/datasets/trees")
    assert page.evaluate("getComputedStyle(document.querySelector('.button')).transitionDuration") in ("0s", "")
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.button')).borderTopWidth)") >= 1
    page.emulate_media(media="print")
    assert not page.locator(".tabs").is_visible()
    assert page.locator("table").first.is_visible()
    page.context.close()


def test_paper_is_light_and_tables_fit_on_it(browser: Any, server: str) -> None:
    ink = "getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()"
    page = visit(browser, server, viewport={"width": 720, "height": 1000}, color_scheme="light")
    page.goto("/datasets/trees")
    usual = page.evaluate(ink)
    for asked in ("/datasets/trees", "/datasets/trees?theme=dark"):
        page.emulate_media(media="screen", color_scheme="dark")
        page.goto(asked)
        assert page.evaluate(ink) != usual
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate(ink) == usual, asked
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, "a page of paper cannot be scrolled"
    page.context.close()
