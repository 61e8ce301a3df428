"""Signing in with a certified OpenID provider that runs as a process of its own (npm oidc-provider)."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from services_login import certified, declare

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "governance"))

from governance_people import Hall, hall

from arengo.errors import NotKnown, StepUp
from arengo.services.login import Logins
from arengo.services.login.idtoken import Refused

WEB = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "oidc-provider"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WEB.is_dir() or not shutil.which("node"), reason="run 'npm ci' in web/ first"),
]
BASE = "http://localhost:8000"
BACK = f"{BASE}/login/return/city-id"
SPID = "https://www.spid.gov.it/SpidL"
RULES = (
    'join = true\nlevel = "low"\n[[roles]]\nclaim = "groups"\nvalue = "registry-stewards"\n'
    'organisation = "registry-office"\nrole = "steward"\n'
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with certified(BACK) as found:
        yield found


@pytest.fixture
def town(tmp_path: Path, issuer: str) -> Hall:
    declare(tmp_path, issuer, RULES)
    made = hall(tmp_path, allow_hosts=("127.0.0.1",))
    made.parties.now = lambda: datetime.now(UTC)
    return made


@pytest.fixture
def person(issuer: str) -> Iterator[Browser]:
    made = Browser(issuer)
    yield made
    made.client.close()


class Browser:
    """Cookies of a person at the provider; ``become`` says who that person is."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.client = httpx.Client(follow_redirects=False, trust_env=False)

    def become(self, account: str, acr: str = SPID + "1") -> Browser:
        self.client.get(f"{self.issuer}/become?{urlencode({'account': account, 'acr': acr})}")
        return self

    def follow(self, address: str) -> dict[str, str]:
        """What comes back to the city."""
        for _ in range(8):
            answer = self.client.get(address)
            assert answer.status_code in (302, 303), answer.text
            address = str(answer.next_request.url) if answer.next_request else ""
            if address.startswith(BACK):
                return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        raise AssertionError("the provider never came back")


def test_code_with_pkce_state_and_nonce(town: Hall, person: Browser) -> None:
    logins, anna = Logins(town.parties), person.become("anna", SPID + "2")
    address, secret = logins.begin("city-id", BASE, next="/desk")
    given = anna.follow(address)
    assert given["iss"] == person.issuer  # RFC 9207
    found = logins.finish("city-id", given, secret)
    assert (found.person.name, found.assurance, found.next) == ("Anna Rossi", 2, "/desk")
    assert [(item.organisation, item.role, item.source) for item in town.parties.roles(found.person.id)] == [
        ("registry-office", "steward", "city-id")
    ]
    cookie = town.sessions.open(found.person.id, found.assurance, method="city-id", id_token=found.id_token)
    assert town.sessions.caller(cookie).has("steward", "registry-office")
    # out, here and there
    leave = logins.leave("city-id", town.sessions.close(cookie), BASE)
    page = anna.client.get(leave)
    assert page.status_code == 200
    assert "sign-out" in page.text.lower() or "logout" in page.text.lower()


def test_a_code_opens_once(town: Hall, person: Browser) -> None:
    logins, anna = Logins(town.parties), person.become("anna")
    address, secret = logins.begin("city-id", BASE)
    given = anna.follow(address)
    assert logins.finish("city-id", given, secret).person
    with pytest.raises(NotKnown):
        logins.finish("city-id", given, secret)
    other, another = logins.begin("city-id", BASE)
    state = parse_qs(urlsplit(other).query)["state"][0]
    with pytest.raises(Refused):  # the code in another login: the provider knows it is spent, and PKCE does not fit
        logins.finish("city-id", {**given, "state": state}, another)


def test_a_code_of_one_login_does_not_fit_another(town: Hall, person: Browser) -> None:
    """Code injection: a fresh code of an attacker's own login in the victim's."""
    logins = Logins(town.parties)
    first, _ = logins.begin("city-id", BASE)
    stolen = person.become("bruno").follow(first)
    second, secret = logins.begin("city-id", BASE)
    state = parse_qs(urlsplit(second).query)["state"][0]
    with pytest.raises(Refused) as met:
        logins.finish("city-id", {**stolen, "state": state}, secret)
    assert "invalid_grant" in met.value.why


def test_a_wrong_nonce_is_refused(town: Hall, person: Browser) -> None:
    logins = Logins(town.parties)
    address, secret = logins.begin("city-id", BASE)
    parts = urlsplit(address)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()} | {"nonce": "of-somebody-else"}
    with pytest.raises(Refused) as met:
        logins.finish("city-id", person.become("anna").follow(parts._replace(query=urlencode(asked)).geturl()), secret)
    assert met.value.why.startswith("nonce")


def test_pkce_is_what_the_provider_asks_for(town: Hall, person: Browser) -> None:
    address, _ = Logins(town.parties).begin("city-id", BASE)
    parts = urlsplit(address)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items() if not name.startswith("code_challenge")}
    given = person.become("anna").follow(parts._replace(query=urlencode(asked)).geturl())
    assert given["error"] == "invalid_request"


def test_a_step_up_signs_in_anew_and_surer(town: Hall, person: Browser) -> None:
    logins, anna = Logins(town.parties), person.become("anna", SPID + "1")
    address, secret = logins.begin("city-id", BASE)
    low = logins.finish("city-id", anna.follow(address), secret)
    assert low.assurance == 1
    anna.become("anna", SPID + "2")
    address, secret = logins.begin("city-id", BASE, session="s-1", level=2)
    high = logins.finish("city-id", anna.follow(address), secret)
    assert (high.person.id, high.assurance, high.session) == (low.person.id, 2, "s-1")
    anna.become("anna", SPID + "1")  # the provider may answer with less than was asked (acr is voluntary)
    address, secret = logins.begin("city-id", BASE, session="s-1", level=2)
    with pytest.raises(StepUp):
        logins.finish("city-id", anna.follow(address), secret)


def test_an_expired_token_is_refused(town: Hall, person: Browser) -> None:
    from datetime import timedelta

    logins = Logins(town.parties)
    address, secret = logins.begin("city-id", BASE)
    given = person.become("anna").follow(address)
    town.parties.now = lambda: datetime.now(UTC) + timedelta(minutes=5)  # its tokens live for a minute
    with pytest.raises(Refused) as met:
        logins.finish("city-id", given, secret)
    assert met.value.why == "exp is over"
