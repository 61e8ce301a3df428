"""The whole story in a real browser: a developer asks, the owner looks through and approves, use is seen, one click
suspends. With axe, narrow, dark, by keyboard and without scripts."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from access_town import ANSWERS, COOKIE, Town, make_town

import arengo
from browsing import AXE, chromium
from serving import serving

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.slow

COLUMNS = ("pupil", "born_on", "district", "school", "grade")


@dataclass(frozen=True, slots=True)
class Served:
    address: str
    root: Path
    town: Town


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = Path(tmp_path_factory.mktemp("story"))
    town = make_town(root)
    town.city.close()
    with serving(root) as address:
        yield Served(address, root, town)


@pytest.fixture(scope="module")
def browser(served: Served) -> Iterator[Any]:
    with chromium() as made:
        yield made


def page_of(browser: Any, served: Served, name: str, **how: Any) -> Any:
    how = {"locale": "en", "viewport": {"width": 1280, "height": 900}} | how
    context = browser.new_context(**how)
    if name:
        context.add_cookies([{"name": COOKIE, "value": served.town.cookies[name], "url": served.address}])
    return context.new_page()


def ask(page: Any, served: Served, title: str, columns: tuple[str, ...] = COLUMNS) -> str:
    """Fill in the form of asking and send it; the id of the request."""
    page.goto(f"{served.address}/datasets/pupils/access")
    for name in columns:
        page.check(f"#c-{name}")
    page.click("main form button")
    assert page.locator("main input[name=column]:checked").count() == len(columns)
    page.check("#application-new")
    page.fill("#application_title", title)
    page.check("#purpose-new")
    page.fill("#purpose_title", title)
    page.fill("#purpose_text", "Lines and stops of the school buses are planned with where pupils live.")
    page.select_option("#dpv", "dpv:ImproveTransportMobility")
    page.select_option("#legal_basis", "eu-gdpr:A6-1-e")
    page.select_option("#retention", "P1Y")
    for name, words in ANSWERS.items():
        field = page.locator(f'[id="{name}"]')
        if field.is_visible():
            field.fill(words)
    page.check("#plan-1")
    page.fill("#volume", "100")
    page.click("button[value=send]")
    assert page.locator(".standing").first.is_visible(), page.locator("main").inner_text()
    return str(page.url.split("/agreements/")[1].split("?")[0])


def call(served: Served, key: str, path: str = "rows?limit=3") -> tuple[int, Any]:
    """Status and body of a call of the program."""
    request = urllib.request.Request(f"{served.address}/api/v1/datasets/pupils/{path}", headers={"X-API-Key": key})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_from_the_question_to_the_suspension(browser: Any, served: Served) -> None:
    developer = page_of(browser, served, "bruno")
    number = ask(developer, served, "School bus planner")
    assert "Sent" in developer.locator("main").inner_text()
    owner = page_of(browser, served, "anna")
    owner.goto(f"{served.address}/")
    owner.click("header a:has-text('Desk')")
    owner.click(f'a[href="/desk/access/{number}"]')
    owner.click("button[value=look]")
    seen = owner.locator("#seen").inner_text()
    assert "all 40 rows" in seen
    assert "P0000" not in seen
    owner.select_option('[name="mask.district"]', "truncate")
    owner.fill('[name="argument.district"]', "2")
    owner.uncheck("#g-school")
    owner.click("button[value=beside]")
    assert owner.locator("#seen del").count() > 5
    assert not owner.is_checked("#g-school")  # what was changed stays
    owner.fill("#volume", "50")
    owner.click("button[value=approve]")
    assert "one more person decides" in owner.locator("main").inner_text()
    second = page_of(browser, served, "paolo")
    second.goto(f"{served.address}/desk/access/{number}")
    assert "Anna Bianchi" in second.locator("main").inner_text()
    second.click("button[value=approve]")
    developer.goto(f"{served.address}/agreements/{number}")
    assert "You may read it" in developer.locator("main").inner_text()
    assert developer.locator("a:has-text('Make a key')").count() == 1
    with arengo.open(served.root) as city:
        item = city.access.agreements.get(number)
        _key, secret = city.access.applications.issue(item.application, served.town.caller("bruno"))
    status, body = call(served, secret)
    assert status == 200, body
    rows = body["rows"] if "rows" in body else body["items"]
    assert set(rows[0]) == {"pupil", "born_on", "district", "grade"}
    assert len(rows[0]["pupil"]) == 32
    assert len(rows[0]["district"]) == 2
    status, _body = call(served, secret, "rows?school=Porto")
    assert status == 400  # what was not given is not there
    deadline = time.monotonic() + 120
    while True:
        owner.goto(f"{served.address}/datasets/pupils/readers")
        if owner.locator(".columns-chart rect").count() or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert owner.locator(".columns-chart rect").count() in (1, 2)  # a day, or two around midnight
    owner.click("button[data-sure]")
    assert "Suspended" in owner.locator(".standing").inner_text()
    status, body = call(served, secret)
    assert status == 403
    assert "suspended" in json.dumps(body)
    owner.click("main .accords button")  # resumes
    assert call(served, secret)[0] == 200


def test_who_signs_in_comes_back_to_the_ticked_columns(browser: Any, served: Served) -> None:
    secret = "a long enough phrase for Ugo"
    with arengo.open(served.root) as city:
        passwords = city.access.parties.passwords
        kept = passwords.hashed(secret)
        with city.state.write() as connection:
            passwords.put(connection, served.town.ids["ugo"], kept)
    page = page_of(browser, served, "")
    page.goto(f"{served.address}/datasets/pupils/access")
    page.check("#c-school")
    page.check("#c-grade")
    page.click("main form button")
    assert "/login" in page.url
    page.fill("[name=mail]", "ugo@prova.example")
    page.fill("[name=password]", secret)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/access/ask?" in page.url, page.locator("main").inner_text()
    assert page.locator("main input[name=column]:checked").count() == 2


def test_without_scripts_a_page_asks_first(browser: Any, served: Served) -> None:
    developer = page_of(browser, served, "bruno", java_script_enabled=False)
    number = ask(developer, served, "Rooms by class", ("school", "grade"))
    assert "Granted" in developer.locator("main").inner_text()
    owner = page_of(browser, served, "anna", java_script_enabled=False)
    owner.goto(f"{served.address}/agreements/{number}")
    owner.click("text=Suspend")
    assert owner.locator("h1").inner_text() == "Suspend the agreement?"
    owner.click("main form button")
    owner.click(".error-summary a")
    assert owner.url.endswith("#why")
    owner.fill("#why", "The rooms are renumbered.")
    owner.click("main form button")
    developer.goto(f"{served.address}/agreements/{number}")
    assert "The rooms are renumbered." in developer.locator(".standing").inner_text()


def test_by_keyboard_from_the_summary_to_the_field(browser: Any, served: Served) -> None:
    page = page_of(browser, served, "bruno")
    page.goto(f"{served.address}/datasets/pupils/access/ask")
    page.locator("button[value=send]").focus()
    page.keyboard.press("Enter")
    page.locator(".error-summary a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**#column")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "column"
    page.keyboard.press("Space")
    assert page.is_checked("#c-pupil")
    desk = page_of(browser, served, "anna")
    desk.goto(f"{served.address}/desk/access/deputies")
    for _step in range(60):
        desk.keyboard.press("Tab")
        if desk.evaluate("document.activeElement.id") == "to":
            break
    desk.keyboard.type("Dora")
    assert desk.input_value("#to") == served.town.ids["dora"]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_off(browser: Any, served: Served, width: int, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    how = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "bypass_csp": True}
    reader, owner = (page_of(browser, served, name, **how) for name in ("bruno", "anna"))
    number = ask(reader, served, f"Seen by axe {width} {scheme}")
    found = []

    def look(page: Any, path: str) -> None:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found.extend((path, item["id"], item["nodes"][0]["html"][:160]) for item in result["violations"])
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append((path, "wider than the screen", ""))

    for path in ("/datasets/pupils/access", "/datasets/pupils/access/ask", "/datasets/pupils", "/agreements",
                 f"/agreements/{number}", "/datasets/investigations/access"):  # fmt: skip
        reader.goto(served.address + path)
        look(reader, path)
    reader.goto(f"{served.address}/datasets/pupils/access/ask")
    reader.check("#purpose-new")
    reader.check("#application-new")
    reader.check("#c-pupil")
    reader.click("button[value=send]")
    assert reader.locator(".error-summary").is_visible()
    look(reader, "the form with errors")
    for path in ("/desk/access", "/desk/access/deputies", "/datasets/pupils/readers", f"/desk/access/{number}"):
        owner.goto(served.address + path)
        look(owner, path)
    owner.click("button[value=look]")
    look(owner, "what they would see")
    owner.click("button[value=beside]")
    look(owner, "beside")
    assert not found
