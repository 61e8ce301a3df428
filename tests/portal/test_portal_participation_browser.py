"""Where people take part, in a real browser: axe, narrow, dark, keyboard of the desk, errors that can be reached."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portal_register import make_city

import arengo
from arengo.portal.operator import key_of
from arengo.services.amendment import Report
from arengo.services.tracked import Sender
from browsing import AXE, chromium
from serving import serving

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(address, operator's key, numbers) of a served city in which people have spoken."""
    root = Path(tmp_path_factory.mktemp("square"))
    make_city(root).close()
    with arengo.open(root) as city:
        people = city.participation
        numbers = {}
        for count in range(3):
            item = people.amendments.send(
                Report("trees", f"The height is wrong {count}.", key=("5",), version=2, proposed={"height": "9"}),
                Sender("en", f"a{count}"),
            )
            numbers["amendment"] = item.id
        people.amendments.move(item.id, "declined", "It was measured twice.")
        first = people.discussions.say("trees", "Since when?", Sender("it", "c"), title="History")
        people.discussions.say("trees", "Since 1998.", Sender("en", "d"), thread=first.id, official=True)
        reuse = people.reuses.send(
            "Shade", "Where to walk.", "application", "https://shade.example", "Group", ("trees",), Sender("en", "r")
        )
        people.reuses.move(reuse.id, "shown")
        wish = people.wishes.send("Toilets", "Where?", "", Sender("en", "w"))
        people.wishes.move(wish.id, "review")
        numbers |= {"reuse": reuse.id, "wish": wish.id}
        key = key_of(city.settings)
    with serving(root) as address:
        yield address, key, numbers


@pytest.fixture(scope="module")
def browser(town: tuple[str, str, dict[str, str]]) -> Iterator[Any]:
    with chromium() as made:
        yield made


def sign_in(page: Any, address: str, key: str) -> None:
    page.goto(f"{address}/operator")
    page.fill("#key", key)
    page.click("main button")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_off(browser, town, width: int, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    address, key, numbers = town
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True, locale="en"
    )
    page = context.new_page()
    public = [
        "/datasets/trees/amend", "/datasets/trees/amend?row=5", "/datasets/trees/requests",
        f"/datasets/trees/requests/{numbers['amendment']}", "/datasets/trees/discussion", "/datasets/trees/usage",
        "/datasets/trees/quality", "/datasets/trees", "/reuses", "/reuses/new", f"/reuses/{numbers['reuse']}",
        "/wishes", f"/wishes/{numbers['wish']}", "/wishes/new?title=trees", "/follow?topic=dataset&value=trees",
        "/usage",
    ]  # fmt: skip
    desk = ["/desk", "/desk?kind=wish", "/desk/webhooks", f"/desk/amendment/{numbers['amendment']}"]
    found = []
    for path in (*public, "", *desk):
        if not path:
            sign_in(page, address, key)
            continue
        page.goto(address + path)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [(path, item["id"], item["nodes"][0]["html"][:120]) for item in result["violations"]]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append((path, "wider than the screen", ""))
    context.close()
    assert not found


def test_the_summary_of_errors_leads_to_the_field_without_script(browser, town) -> None:
    address, _key, _numbers = town
    context = browser.new_context(java_script_enabled=False, locale="en")
    page = context.new_page()
    page.goto(f"{address}/datasets/trees/amend?row=5")
    time.sleep(3.2)  # nobody reads and fills a form in less
    page.fill('[name="new.height"]', "tall")
    page.click("main form button")
    assert page.locator(".error-summary").is_visible()
    page.click(".error-summary a")
    assert page.url.endswith("#new.height")
    page.fill('[name="new.height"]', "9.5")
    page.click("main form button")
    number = page.locator(".number").inner_text()
    page.click(".secret")
    assert number in page.locator("h1").inner_text()
    page.click("text=Take it back")
    assert "taken back" in page.locator("main").inner_text()
    context.close()


def test_the_desk_by_keyboard(browser, town) -> None:
    address, key, _numbers = town
    context = browser.new_context(locale="en")
    page = context.new_page()
    sign_in(page, address, key)
    page.goto(f"{address}/desk?kind=amendment")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("k")
    assert page.locator("[data-desk] input:checked").count() == 2
    page.select_option("#act", "answered")
    page.click(".bulk button")
    assert page.locator(".error-summary").is_visible()  # an answer needs words
    assert page.locator("[data-desk] input:checked").count() == 2
    page.fill("#words", "Thank you, we have looked.")
    page.click(".bulk button")
    assert page.locator("[data-desk] input").count() == 0
    context.close()
