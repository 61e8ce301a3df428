"""The census in a real browser: axe, narrow and dark, keyboard, without JavaScript, a sheet brought in by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arengo.city import init
from arengo.demo import applications
from arengo.portal.operator import key_of
from arengo.services.census import book
from browsing import AXE, chromium
from serving import serving

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """(address, operator's key, folder) of a served city without a dataset, with a census of thirty applications."""
    root = Path(tmp_path_factory.mktemp("hall")) / "city"
    sheet = root.parent / "census.xlsx"
    sheet.write_bytes(book.as_book(applications.register(2026, frozenset())))
    with init(root, name="Little") as city:
        plan = city.census.read([sheet])
        city.census.take(city.census.offer(plan, "test"), "test")
        key = key_of(city.settings)
    with serving(root) as address:
        yield address, key, root.parent


@pytest.fixture(scope="module")
def browser(hall: tuple[str, str, Path]) -> Iterator[Any]:
    with chromium() as made:
        yield made


def sign_in(page: Any, address: str, key: str) -> None:
    page.goto(f"{address}/operator")
    page.fill("#key", key)
    page.click("main button")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_off(browser: Any, hall: Any, width: int, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    address, key, folder = hall
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True, locale="en"
    )
    page = context.new_page()
    found = []

    def look(path: str) -> None:
        page.add_script_tag(path=str(AXE))
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found.extend((path, item["id"], item["nodes"][0]["html"][:160]) for item in result["violations"])
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append((path, "wider than the screen", ""))

    sign_in(page, address, key)
    for path in ("/census", "/census?view=published", "/census?view=all", "/census?way=by-hand", "/census/ap01",
                 "/census?organisation=Registry+Office", "/census/sheet"):  # fmt: skip
        page.goto(address + path)
        look(path)
    smaller = folder / "smaller.csv"
    smaller.write_text("Application;Department\nAnagrafe;Registry Office\nAnagrafe;\n", encoding="utf-8")
    page.set_input_files("#sheet", smaller)
    page.click("main form button")
    assert "Nothing was taken" in page.inner_text("main")
    look("problems")
    applied = folder / "part.csv"
    applied.write_text("Application;Code;Department\nAnagrafe nuova;ap01;Registry Office\n", encoding="utf-8")
    page.set_input_files("#sheet", applied)
    page.check("input[value=yes]")
    page.click("main form button")
    assert "0 new, 1 changed, 0 gone" in page.inner_text("main")
    look("preview")
    page.click("button[value=drop]")
    context.close()
    assert not found


def test_a_picture_is_walked_by_keyboard_and_shows_its_threads(browser: Any, hall: Any) -> None:
    address, _key, _folder = hall
    page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en").new_page()
    page.goto(f"{address}/census")
    page.focus(".skip-picture")
    assert page.locator(".skip-picture").bounding_box()["height"] >= 24
    page.keyboard.press("Tab")
    name = page.evaluate("document.activeElement.querySelector('title').textContent")
    assert "gives" in name
    assert page.locator(".wheel.w.asked .threads .mine").count() > 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/census/ap*")
    page.context.close()


def test_without_javascript_everything_is_there(browser: Any, hall: Any) -> None:
    address, key, folder = hall
    page = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900}).new_page()
    sign_in(page, address, key)
    page.goto(f"{address}/census")
    page.click("nav.tabs li:nth-child(3) a")
    assert page.locator(".wheel.w .hub").count() == 1
    page.select_option("#organisation", "Registry Office")
    page.click(".picture-filter button")
    assert "view=all" in page.url
    assert "organisation=Registry" in page.url
    page.goto(f"{address}/census/sheet")
    part = folder / "one.csv"
    part.write_text("Application;Department\nNew desk;Registry Office\n", encoding="utf-8")
    page.set_input_files("#sheet", part)
    page.check("input[value=yes]")
    page.click("main form button")
    page.click("button[value=take]")
    page.wait_for_url("**/census")
    assert "New desk" in page.inner_text("main")
    page.context.close()
