"""The builder, dashboards and frames in a real browser: axe, without JavaScript, with it, inside another site."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from test_portal_browser import browser, server, visit

from arengo.city import City
from browsing import AXE

pytestmark = pytest.mark.slow
__all__ = ["browser", "server"]

BAR = "/datasets/trees/chart?kind=bar&x=name&by=district"
BOARD = """\
title: Green city
filters: [district]
rows:
  - - number: {dataset: trees, label: Trees}
    - chart: {dataset: trees, kind: line, x: planted, bucket: year, by: district}
      width: 2
  - - map: {dataset: trees, by: district}
    - table: {dataset: trees, select: [name, height], order_by: -height}
  - text: "# A heading\\n\\nAnd words."
"""


@pytest.fixture(scope="module")
def board(register: City) -> Any:
    here = register.settings.root / "dashboards"
    here.mkdir(exist_ok=True)
    (here / "green.yaml").write_text(BOARD, encoding="utf-8")
    yield "/dashboards/green"
    (here / "green.yaml").unlink()


ITEMS = urlencode([("title", "Mine"), ("item", BAR), ("item", "/datasets/trees/chart?kind=histogram&x=height")])
PAGES = (
    "/datasets/trees/chart",
    BAR,
    "/datasets/trees/chart?kind=map&x=district&places=districts",
    "/datasets/trees/chart?kind=heat&x=name&by=district",
    "/datasets/trees/chart?kind=line&x=planted&bucket=year&facet=district",
    "/datasets/trees/chart?kind=bar&x=nothing",
    "/embed/chart?dataset=trees&kind=bar&x=name",
    "/charts",
    "/dashboards",
    "/dashboards/green",
    "/embed/dashboards/green",
    f"/dashboards/new?{ITEMS}",
    "/datasets/trees/compare?from=1&to=2",
    "/datasets/trees/table?cols=id,name&f.district=Porto",
)


@pytest.mark.parametrize(
    ("width", "theme", "language"),
    [(360, "light", "it"), (768, "dark", "ar"), (1280, "light", "en")],
)
def test_axe_finds_nothing(browser: Any, server: str, board: str, width: int, theme: str, language: str) -> None:
    if not AXE.is_file():
        pytest.skip("npm ci in web/ brings axe-core")
    page = visit(
        browser, server, viewport={"width": width, "height": 800}, color_scheme=theme, locale=language, bypass_csp=True
    )
    found = []
    for path in PAGES:
        page.goto(path)
        page.add_script_tag(path=str(AXE))
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        report = page.evaluate("tags => axe.run({ runOnly: tags })", tags)
        found += [
            f"{path}: {item['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
            for item in report["violations"]
            for node in item["nodes"][:2]
        ]
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 1:
            found.append(f"{path}: {wide} px wider than the page at {width}")
    assert not found, "\n".join(found)
    page.context.close()


def test_a_chart_is_made_without_javascript(browser: Any, server: str, tmp_path: Path) -> None:
    page = visit(browser, server, java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page.goto("/datasets/trees/charts")
    page.get_by_role("link", name="Make a chart").first.click()
    page.locator(".proposals a", has_text="Bars").first.click()
    assert "kind=bar" in page.url
    page.locator("select[name=y]").select_option("height")
    page.get_by_role("button", name="Show the chart").click()
    assert "y=height" in page.url
    page.locator("select[name=of]").select_option("avg")
    page.locator("summary", has_text="Filter").click()
    page.locator("select[name=add]").select_option("district")
    page.locator("input[name=is]").fill("Porto")
    page.get_by_role("button", name="Show the chart").click()
    assert "f.district=Porto" in page.url
    assert "of=avg" in page.url
    assert not any(name in page.url for name in ("title=", "sort=", "palette=")), (
        "what says nothing is not in the address"
    )
    assert page.locator("#result svg").count() == 2
    page.locator("summary", has_text="Show the numbers").press("Enter")
    assert page.locator("#result table").is_visible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Picture (PNG)").click()
    assert taken.value.path().read_bytes()[:4] == b"\x89PNG"
    assert not page.locator("[data-copy]").first.is_visible(), "no button that does nothing"
    page.context.close()


def test_the_picture_follows_the_form_and_says_so(browser: Any, server: str) -> None:
    page = visit(browser, server, viewport={"width": 1280, "height": 900})
    page.goto("/datasets/trees/chart?kind=bar&x=name")
    before = page.locator("#result h2").text_content()
    page.locator("select[name=x]").select_option("district")
    page.wait_for_function("() => location.search.includes('x=district')")
    assert page.locator("#result h2").text_content() != before
    page.wait_for_function("() => document.getElementById('announce').textContent.startsWith('The chart has changed')")
    page.get_by_text("Lines", exact=True).click()
    page.wait_for_function("() => location.search.includes('kind=line')")
    page.locator("summary", has_text="Words").click()
    page.locator("input[name=title]").fill("Of trees <b>")
    page.wait_for_function("() => document.querySelector('#result h2')?.textContent === 'Of trees <b>'")
    assert page.evaluate("() => document.activeElement.name") == "title"
    assert not page.complaints
    assert not page.foreign
    page.context.close()


def test_keyboard_reaches_everything_in_the_builder(browser: Any, server: str) -> None:
    page = visit(browser, server, viewport={"width": 1280, "height": 900})
    page.goto(BAR)
    seen = set()
    for _step in range(70):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate("() => document.activeElement.name || document.activeElement.textContent.trim().slice(0, 24)")
        )
    assert {"kind", "x", "y", "by", "series", "stack", "facet", "sort", "top", "Show the chart"} <= seen
    assert {"Show the numbers as a ta", "Picture (PNG)", "Copy"} <= seen
    page.context.close()


def test_a_frame_shows_on_another_site(browser: Any, server: str) -> None:
    body = f'<iframe title="x" src="{server}/embed/chart?dataset=trees&kind=bar&x=name" width="600"></iframe>'.encode()

    class Paper(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: Any) -> None:
            pass

    paper = ThreadingHTTPServer(("127.0.0.1", 0), Paper)
    threading.Thread(target=paper.serve_forever, daemon=True).start()
    page = visit(browser, server)
    try:
        page.goto(f"http://127.0.0.1:{paper.server_port}/")
        frame = page.frame_locator("iframe")
        frame.locator("figure h1").wait_for()
        assert frame.locator("figure svg").count() == 2
        assert not page.context.cookies()
    finally:
        page.context.close()
        paper.shutdown()
        paper.server_close()


def test_a_dashboard_is_put_together_with_the_keyboard(browser: Any, server: str) -> None:
    page = visit(browser, server, java_script_enabled=False)
    page.goto("/dashboards/new")
    for address in (BAR, "/datasets/trees/chart?kind=histogram&x=height"):
        page.locator("input[name=add]").fill(server + address)
        page.get_by_role("button", name="Add and show").press("Enter")
    names = page.locator(".items .name").all_text_contents()
    assert len(names) == 2
    page.get_by_role("button", name="Up").nth(1).press("Enter")
    assert page.locator(".items .name").all_text_contents() == names[::-1]
    assert page.locator(".preview figure").count() == 2
    page.context.close()


def test_a_filter_of_a_dashboard_narrows_all_of_it(browser: Any, server: str, board: str) -> None:
    page = visit(browser, server)
    page.goto(board)
    whole = page.locator(".big .num").first.text_content()
    page.locator(".board-filters select").select_option("Porto")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**f.district=Porto**")
    assert page.locator(".big .num").first.text_content() != whole
    assert not page.complaints
    page.context.close()
