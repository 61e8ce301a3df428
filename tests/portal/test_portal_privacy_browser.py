"""The privacy desk in a real browser: a held publication is repaired by keyboard and without scripts, axe finds
nothing, nothing runs over the edge of a phone, in light and dark and from right to left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from access_town import COOKIE
from privacy_town import Told, again, blocked, make, verdict

from arengo.privacy.finding import Finding
from arengo.privacy.verdicts import PUBLISHED
from browsing import AXE, chromium
from serving import serving

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.slow

PAGES = (
    "/privacy", "/privacy/how", "/privacy/budget", "/privacy/findings/ballots", "/datasets/ballots/privacy",
    "/datasets/rooms/privacy", "/datasets/unborn/privacy", "/datasets/ballots/privacy/repair/generalise-1",
    "/privacy/findings/ballots?column=project", "/privacy/findings/unborn", "/desk", "/datasets/pupils/privacy?page=2",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Served:
    address: str
    told: Told


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = Path(tmp_path_factory.mktemp("desk"))
    told = make(root)
    again(told, blocked(told.town, run="r-browser"))
    many = [Finding("risk-empty-column", columns=(f"column {at}",)) for at in range(120)]
    told.desk.verdicts.keep(verdict(told.town, "pupils", *many, run="r-many"), PUBLISHED, 1)
    told.town.city.close()
    with serving(root) as address:
        yield Served(address, told)


@pytest.fixture(scope="module")
def browser(served: Served) -> Iterator[Any]:
    with chromium() as made:
        yield made


def page_of(browser: Any, served: Served, name: str, **how: Any) -> Any:
    context = browser.new_context(**({"locale": "en", "viewport": {"width": 1280, "height": 900}} | how))
    context.add_cookies([{"name": COOKIE, "value": served.told.town.cookies[name], "url": served.address}])
    return context.new_page()


@pytest.mark.parametrize(
    ("width", "scheme", "language"), [(360, "light", "it"), (360, "dark", "ar"), (1280, "light", "en")]
)
def test_axe_finds_nothing_and_nothing_runs_over(
    browser: Any, served: Served, width: int, scheme: str, language: str
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    page = page_of(browser, served, "anna", viewport={"width": width, "height": 800}, color_scheme=scheme,
                   locale=language, bypass_csp=True)  # fmt: skip
    for path in PAGES:
        answer = page.goto(served.address + path)
        assert answer.status == 200, path
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path
        page.add_script_tag(path=str(AXE))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [(path, item["id"], item["nodes"][0]["html"][:200]) for item in found["violations"]] == []
    page.context.close()


def test_without_scripts_a_held_publication_is_decided_by_two(browser: Any, served: Served) -> None:
    first = page_of(browser, served, "anna", java_script_enabled=False)
    first.goto(f"{served.address}/")
    first.click("header a:has-text('Desk')")
    assert first.url.endswith("/privacy")
    first.click("main a.button:has-text('Decide')")
    first.click("summary:has-text('Publish it all the same')")
    first.click("button[value=override]")
    assert first.locator(".error-summary").is_visible()
    first.fill("#reason", "The law on elections asks for these figures.")
    first.click("button[value=override]")
    assert "published when a second person agrees" in first.locator("main").inner_text()
    second = page_of(browser, served, "dora", viewport={"width": 360, "height": 740})
    second.goto(f"{served.address}/privacy")
    for _press in range(60):  # by keyboard alone
        second.keyboard.press("Tab")
        if second.evaluate("document.activeElement.textContent").startswith("Decide"):
            break
    second.keyboard.press("Enter")
    second.wait_for_url("**/datasets/ballots/privacy")
    second.focus("#reason")
    second.keyboard.type("I do not agree: a repair costs little.")
    second.keyboard.press("Tab")
    second.keyboard.press("Tab")
    second.keyboard.press("Enter")
    second.wait_for_url("**done=decline")
    assert "It stays held back" in second.locator("main").inner_text()


def test_many_findings_are_turned_over_by_keyboard(browser: Any, served: Served) -> None:
    page = page_of(browser, served, "anna", viewport={"width": 360, "height": 740})
    page.goto(f"{served.address}/datasets/pupils/privacy")
    assert "1 to 50 of 120" in page.locator("main").inner_text()
    for wanted, first in (("Next page", "51 to 100"), ("Next page", "101 to 120"), ("Page before", "51 to 100")):
        page.focus(f"nav.pager a:has-text('{wanted}')")
        page.keyboard.press("Enter")
        page.wait_for_function(f"document.body.innerText.includes('{first} of 120')")
        page.wait_for_url("**#found")
        page.wait_for_function("Math.abs(document.getElementById('found').getBoundingClientRect().top) < 300")


def test_a_repair_is_compared_and_taken(browser: Any, served: Served) -> None:
    page = page_of(browser, served, "anna", java_script_enabled=False)
    page.goto(f"{served.address}/datasets/ballots/privacy")
    page.click("a:has-text('Use this repair')")
    assert page.locator("main svg.sizes").count() >= 1
    page.click("button:has-text('Use this repair and publish')")
    assert "The repair is in the contract" in page.locator("main").inner_text()


def test_a_found_column_is_answered_without_scripts(browser: Any, served: Served) -> None:
    page = page_of(browser, served, "anna", java_script_enabled=False, viewport={"width": 360, "height": 740})
    page.goto(f"{served.address}/privacy/findings/ballots?column=project")
    form = page.locator("form.answer")
    assert not form.locator("textarea").is_visible()
    form.locator("input[value=no]").check()
    form.locator("textarea").fill("because")
    form.locator("button").click()
    assert page.locator(".error-summary").is_visible()
    assert form.locator("textarea").input_value() == "because"
    form.locator("textarea").fill("Projects are proposals, no names of people.")
    form.locator("button").click()
    assert "Written: Project." in page.locator("main").inner_text()
    page.goto(f"{served.address}/privacy/findings/ballots?column=project")
    form.locator("input[value=yes]").check()
    assert form.locator("select[name=role]").is_visible()
    page.context.close()
