"""The API store in a real browser: axe, narrow, dark, without scripts; a key typed in goes to the city and nowhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from browsing import AXE, chromium

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faces"))

from store_city import StoreCity, make_store

from arengo import faces, portal
from arengo.faces.callers import CityCallers, CityWatch
from arengo.governance.session import cookie_name

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Served:
    address: str
    city: StoreCity
    application: str
    key: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    import uvicorn
    from starlette.applications import Starlette

    city = make_store(Path(tmp_path_factory.mktemp("booth")))
    tiny, access, bruno = city.tiny, city.access, city.caller("bruno")
    made = access.applications.create("Bus planner", bruno, organisation="mobility", words="Plans buses.")
    agreement = city.agreed(made.id)
    _, text = access.applications.issue(made.id, bruno, agreement=agreement.id, title="Map server")
    access.applications.secret(made.id, bruno)
    callers, watch = CityCallers(access), CityWatch(access, city.door)
    api = faces.routes(city.door, tiny.catalogue, tiny.settings, callers, access)
    pages = portal.routes(city.door, tiny.catalogue, tiny.settings, tiny.state, tiny.lake.quarantine, access)
    inner = Starlette(routes=[*api, *pages], exception_handlers=faces.handlers(portal.error_page(tiny.settings)))
    app = faces.wrap(inner, city.door, tiny.catalogue, tiny.settings, watch)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(f"http://localhost:{port}", city, f"/applications/{made.id}", text)
    server.should_exit = True
    thread.join()
    city.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as made:
        yield made


def visit(browser: Any, served: Served, path: str, **more: Any) -> Any:
    context = browser.new_context(locale="en-GB", **more)
    context.add_cookies([{"name": cookie_name(False), "value": served.city.cookies["bruno"], "url": served.address}])
    page = context.new_page()
    page.goto(served.address + path)
    return page


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_off(browser: Any, served: Served, width: int, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("npm ci in web/ brings axe-core")
    for path in ("/store", "/datasets/pupils/api", "/datasets/trees/api", "/applications", served.application):
        size = {"width": width, "height": 800}
        page = visit(browser, served, path, viewport=size, color_scheme=scheme, bypass_csp=True)
        page.add_script_tag(path=str(AXE))
        for details in page.query_selector_all("main details"):
            details.evaluate("item => { item.open = true }")
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        assert [(item["id"], item["nodes"][0]["html"]) for item in found] == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.context.close()


def test_a_key_typed_in_goes_to_the_city_and_nowhere_else(browser: Any, served: Served) -> None:
    page = visit(browser, served, "/datasets/pupils/api")
    seen: list[Any] = []
    page.on("request", lambda request: seen.append(request))
    page.fill("#key", served.key)
    page.click("[data-key-console] button")
    page.wait_for_selector(".answer pre code:has-text('items')")
    assert "200" in page.inner_text(".answer [role=status]")
    assert "ratelimit" in page.inner_text(".answer [role=status]")
    asked = [item for item in seen if "/rows" in item.url]
    assert asked[-1].headers["authorization"] == f"Bearer {served.key}"
    assert "cookie" not in asked[-1].all_headers()
    assert not any(served.key in item.url for item in seen)
    assert all(item.url.startswith(served.address) for item in seen)
    assert served.key not in page.url
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.fill("#key", served.key[:-1] + "x")
    page.click("[data-key-console] button")
    page.wait_for_selector(".answer [role=status]:has-text('401')")
    page.context.close()


def test_a_key_is_made_by_keyboard_copied_and_shown_once(browser: Any, served: Served) -> None:
    page = visit(browser, served, served.application, permissions=["clipboard-read", "clipboard-write"])
    page.focus("#keys details summary")
    page.keyboard.press("Enter")
    page.focus("#keys input[name=title]")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    page.wait_for_selector("#made")
    text = page.inner_text("#made")
    page.evaluate("""() => {
        const button = document.querySelector("[data-copy=made]");
        window.told = [];
        const seen = new MutationObserver(() => window.told.push(button.textContent));
        seen.observe(button, { characterData: true, childList: true, subtree: true });
    }""")
    page.click("[data-copy=made]")
    page.wait_for_function("() => window.told.some((words) => words.includes('Copied'))")  # it says so for two seconds
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.goto(served.address + served.application)
    assert text not in page.content()
    assert text[:20] in page.content()
    page.context.close()


def test_without_scripts_everything_is_there_but_the_key_field(browser: Any, served: Served) -> None:
    page = visit(browser, served, "/datasets/pupils/api", java_script_enabled=False)
    assert page.is_hidden("#key")
    assert "ARENGO_KEY" in page.inner_text("main")
    assert page.is_hidden("[data-copy]")
    page = visit(browser, served, served.application, java_script_enabled=False)
    page.click("#keys details summary")
    page.click("#keys details button")
    assert page.inner_text("#made").startswith("arengo_k1_")
