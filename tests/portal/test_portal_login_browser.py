"""Signing in in a real browser: a passkey of a virtual device (CDP), a certified provider under our own content policy,
axe on every page of people, and everything but passkeys without JavaScript."""

from __future__ import annotations

import re
import shutil
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from portal_register import PERSONS, TREES

import arengo
from arengo.governance.role import OPERATOR
from browsing import AXE, CHROMIUM, chromium
from serving import free_port, serving

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "services"))

from services_login import certified, declare

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not installed"),
    pytest.mark.skipif(
        not (AXE.parents[1] / "oidc-provider").is_dir() or not shutil.which("node"), reason="run 'npm ci' in web/ first"
    ),
]
PHRASE = "tulip harbour seven stones"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, str]]:
    """(address, folder, issuer) of a served city and its provider."""
    root = Path(tmp_path_factory.mktemp("hall"))
    arengo.init(root, name="Città di Prova", country="IT").close()
    with (root / "city.toml").open("a", encoding="utf-8") as file:
        file.write('[login]\nargon2_memory = 64\nallow_hosts = ["127.0.0.1"]\n')
    for name, text in (("trees", TREES), ("persons", PERSONS)):
        (root / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    port = free_port()
    address = f"http://localhost:{port}"
    with certified(f"{address}/login/return/city-id") as issuer:
        declare(root, issuer, 'join = true\nlevel = "low"\norganisation = "parks-and-gardens"\n')
        with arengo.open(root) as city:
            city.apply()
        with serving(root, port=port):
            yield address, root, issuer


@pytest.fixture(scope="module")
def browser(town: tuple[str, Path, str]) -> Iterator[Any]:
    with chromium() as made:
        yield made


def account(root: Path, *roles: tuple[str, str]) -> str:
    """The address of somebody who has :data:`PHRASE`."""
    mail = f"p{time.monotonic_ns()}@prova.example"
    with arengo.open(root) as city:
        parties = city.access.parties
        person = parties.add_person("Pia Verdi", mail, "parks-and-gardens", by=OPERATOR, state="active")
        for where, role in roles:
            parties.give(person.id, where, role, by=OPERATOR)
        hashed = parties.passwords.hashed(PHRASE)
        with parties.state.write() as connection:
            parties.passwords.put(connection, person.id, hashed)
    return mail


def sign_in(page: Any, address: str, mail: str) -> None:
    page.goto(f"{address}/login")
    page.fill("#mail", mail)
    page.fill("#password", PHRASE)
    page.click("form:has(#password) button")
    page.wait_for_url("**/account")


def test_a_passkey_is_added_and_signs_in(browser: Any, town: tuple[str, Path, str]) -> None:
    address, root, _ = town
    mail = account(root, ("*", "administrator"))
    context = browser.new_context(locale="en")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    made = device.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                     "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )  # fmt: skip
    sign_in(page, address, mail)
    page.goto(f"{address}/account/keys")
    page.fill("#name", "My telephone")
    page.click("form[data-passkey] button")
    page.locator(".sessions b", has_text="My telephone").wait_for()
    page.goto(f"{address}/account")
    page.click(".head-line button")
    page.locator("h1", has_text="You are signed out").wait_for()

    page.goto(f"{address}/login?next=/people")
    page.click("form[data-passkey] button")
    page.wait_for_url(f"{address}/people")  # two factors: the role of administrator is awake
    assert "Pia Verdi" in page.locator("header").inner_text()
    held = device.send("WebAuthn.getCredentials", {"authenticatorId": made["authenticatorId"]})["credentials"]
    assert held[0]["signCount"] >= 2

    page.goto(f"{address}/account")
    page.click(".head-line button")
    device.send("WebAuthn.setUserVerified", {"authenticatorId": made["authenticatorId"], "isUserVerified": False})
    page.goto(f"{address}/login")
    page.click("form[data-passkey] button")
    page.locator("[data-failed]:not([hidden])").wait_for()
    assert not complaints
    context.close()


def test_a_provider_signs_in_under_the_content_policy(browser: Any, town: tuple[str, Path, str]) -> None:
    address, _, issuer = town
    urllib.request.urlopen(f"{issuer}/become?account=carla&acr=https://www.spid.gov.it/SpidL2").close()
    context = browser.new_context(locale="en")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{address}/login?next=/datasets")
    page.click("text=Sign in with City directory")
    page.wait_for_url(f"{address}/datasets")
    assert "Carla Bianchi" in page.locator("header").inner_text()
    page.goto(f"{address}/account")
    assert "Level of assurance: substantial" in page.locator("main").inner_text()
    page.click(".head-line button")
    assert not complaints  # the provider's own pages may complain of what they like
    page.click("text=Sign out of City directory")
    page.wait_for_url(re.compile(re.escape(issuer)))
    context.close()


def test_everything_but_passkeys_works_without_script(browser: Any, town: tuple[str, Path, str]) -> None:
    address, root, _ = town
    with arengo.open(root) as city:
        _, link = city.access.parties.invitations.invite(
            "Nina", f"n{time.monotonic_ns()}@prova.example", "parks-and-gardens", ["administrator"], by=OPERATOR
        )
    context = browser.new_context(java_script_enabled=False, locale="en")
    page = context.new_page()
    page.goto(f"{address}/invitation/{link}")
    page.fill("#password", PHRASE)
    page.click("form:has(#password) button")
    page.goto(f"{address}/account/app")
    secret = page.locator("code.key").inner_text().replace(" ", "")
    page.fill("#code", pyotp.TOTP(secret).now())
    page.click("form:has(#code) button")
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    page.goto(f"{address}/people/parks-and-gardens")
    page.fill("#mail", f"m{time.monotonic_ns()}@prova.example")
    page.check("#new-steward")
    page.click("form:has(#mail) button")
    assert "/invitation/" in page.locator(".secret-once").inner_text()
    page.goto(f"{address}/account")
    page.click(".head-line button")
    page.goto(f"{address}/login")
    assert not page.locator("form[data-passkey]").is_visible()
    context.close()


@pytest.mark.parametrize(
    ("width", "scheme", "language"), [(360, "light", "en"), (360, "dark", "ar"), (1280, "dark", "it")]
)
def test_axe_finds_nothing_on_the_pages_of_people(
    browser: Any, town: tuple[str, Path, str], width: int, scheme: str, language: str
) -> None:
    address, root, _ = town
    mail = account(root, ("*", "administrator"), ("parks-and-gardens", "steward"))
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True, locale=language
    )
    page = context.new_page()
    found: list[tuple[str, str, str]] = []

    def judge(name: str) -> None:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found.extend((name, item["id"], item["nodes"][0]["html"][:160]) for item in result["violations"])
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append((name, "wider than the screen", ""))
        small = page.evaluate(
            """() => [...document.querySelectorAll('main a, main button, main summary, main input, main select')]
            .filter(e => !e.closest('p, dd, li p') && e.type !== 'hidden' && !e.classList.contains('vh'))
            .filter(e => { const r = e.getBoundingClientRect(); return r.width && (r.width < 24 || r.height < 24) })
            .map(e => e.outerHTML.slice(0, 120))"""
        )
        found.extend((name, "smaller than 24 px", item) for item in small)

    page.goto(f"{address}/login")
    judge("login")
    page.fill("#mail", "nobody@prova.example")
    page.fill("#password", "x")
    page.click("form:has(#password) button")
    judge("login refused")
    for path in ("/login/forgot", "/logout"):
        page.goto(address + path)
        judge(path)
    sign_in(page, address, mail)
    for path in ("/account", "/account/password", "/account/keys", "/login/again?level=substantial", "/account/app"):
        page.goto(address + path)
        judge(path)
    page.fill("#code", "123")
    page.click("form:has(#code) button")
    judge("app refused")
    page.fill("#code", pyotp.TOTP(page.locator("code.key").inner_text().replace(" ", "")).now())
    page.click("form:has(#code) button")
    judge("codes")
    for path in ("/people", "/people/*", "/people/parks-and-gardens", "/login/again", "/logout"):
        page.goto(address + path)
        for line in page.locator(".people summary").all()[:2]:
            line.click()
        judge(path)
    context.close()
    assert not found, found
