"""OpenID Connect against a provider that lies: what is not exactly this login's own, signed answer signs nobody in."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from services_login import SECRET, Liar, b64, declare

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "governance"))

from governance_people import Hall, hall

from arengo.errors import NotFound, NotKnown, SettingsError, SourceUnreachable, StepUp
from arengo.governance.role import OPERATOR
from arengo.services.login import Arrival, Logins, providers
from arengo.services.login.idtoken import Refused

BASE = "https://data.city.example"
JOIN = 'join = true\norganisation = "registry-office"\n'


@pytest.fixture
def liar() -> Iterator[Liar]:
    made = Liar()
    yield made
    made.close()


@pytest.fixture
def town(tmp_path: Path, liar: Liar) -> Hall:
    declare(tmp_path, liar.issuer, JOIN)
    return here(tmp_path, liar)


def here(root: Path, liar: Liar) -> Hall:
    made = hall(root, allow_hosts=("127.0.0.1",))
    made.at[0] = datetime.now(UTC).replace(microsecond=0)
    liar.now = lambda: made.at[0].timestamp()
    return made


def login(town: Hall, liar: Liar, logins: Logins | None = None, **how: Any) -> Arrival:
    logins = logins or Logins(town.parties)
    address, browser = logins.begin("city-id", BASE, **how)
    return logins.finish("city-id", liar.follow(address), browser)


def test_a_login_as_it_should_be(town: Hall, liar: Liar) -> None:
    found = login(town, liar, next="/desk")
    assert (found.person.name, found.person.mail) == ("Anna Rossi", "anna@comune.example")
    assert (found.person.organisation, found.assurance, found.next) == ("registry-office", 1, "/desk")
    asked, posted = liar.asked, liar.posted
    assert asked["code_challenge_method"] == "S256"
    assert b64(hashlib.sha256(posted["code_verifier"].encode()).digest()) == asked["code_challenge"]
    assert asked["redirect_uri"] == posted["redirect_uri"] == f"{BASE}/login/return/city-id"
    assert (asked["response_type"], asked["scope"]) == ("code", "openid profile email")
    assert liar.auth.startswith("Basic ")
    assert SECRET not in str(posted)
    again = login(town, liar)
    assert again.person.id == found.person.id  # by issuer and sub, whatever the mail says later


def hs256(liar: Liar, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Signed with the provider's public key as if it were a shared secret (RFC 8725, 2.1)."""
    pem = liar.rsa.as_pem(private=False)
    body = ".".join(b64(json.dumps(part).encode()) for part in ({**header, "alg": "HS256"}, claims))
    return f"{body}.{b64(hmac.new(pem, body.encode(), hashlib.sha256).digest())}"


def unsigned(_liar: Liar, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(b64(json.dumps(part).encode()) for part in ({**header, "alg": "none"}, claims)) + "."


def hs256_by_secret(_liar: Liar, header: dict[str, Any], claims: dict[str, Any]) -> str:
    body = ".".join(b64(json.dumps(part).encode()) for part in ({**header, "alg": "HS256"}, claims))
    return f"{body}.{b64(hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).digest())}"


def another_key(_liar: Liar, header: dict[str, Any], claims: dict[str, Any]) -> str:
    from joserfc import jwt
    from joserfc.jwk import RSAKey

    return jwt.encode(header, claims, RSAKey.generate_key(2048))


def own_key_in_header(_liar: Liar, header: dict[str, Any], claims: dict[str, Any]) -> str:
    from joserfc import jwt
    from joserfc.jwk import RSAKey

    key = RSAKey.generate_key(2048)
    return jwt.encode({**header, "jwk": key.as_dict(private=False)}, claims, key)


def tampered(liar: Liar, header: dict[str, Any], claims: dict[str, Any]) -> str:
    one, _, three = liar.signed(header, claims).split(".")
    return f"{one}.{b64(json.dumps({**claims, 'sub': 'mayor'}).encode())}.{three}"


@pytest.mark.parametrize(
    "sign", [hs256, hs256_by_secret, unsigned, another_key, own_key_in_header, tampered], ids=lambda made: made.__name__
)
def test_signatures_that_are_none(town: Hall, liar: Liar, sign: Any) -> None:
    liar.sign = lambda header, claims: sign(liar, header, claims)
    with pytest.raises(Refused):
        login(town, liar)
    assert town.parties.people() == ()


NOW = object()


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": ["arengo", "another"]}, "azp"),
        ({"aud": ["arengo", "another"], "azp": "another"}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"exp": -61}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": 90}, "iat"),
        ({"iat": -700}, "iat"),
        ({"iat": None}, "iat"),
        ({"nbf": 90}, "nbf"),
        ({"nonce": "of-another-login"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": 7}, "nonce"),
        ({"at_hash": "AAAA"}, "at_hash"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "x" * 300}, "sub"),
    ],
    ids=str,
)
def test_claims_that_are_not_of_this_login(town: Hall, liar: Liar, claims: dict[str, Any], why: str) -> None:
    at = town.at[0].timestamp()
    liar.claims = {
        name: int(at + value) if name in ("exp", "iat", "nbf") and type(value) is int else value
        for name, value in claims.items()
    }
    with pytest.raises(Refused) as met:
        login(town, liar)
    assert met.value.why.startswith(why)
    assert why not in met.value.met  # the person reads nothing of it
    assert town.parties.people() == ()


@pytest.mark.parametrize(
    "claims", [{"exp": -50}, {"iat": 50}, {"aud": ["arengo", "b"], "azp": "arengo"}, {"at_hash": None}]
)
def test_clocks_may_differ_a_little(town: Hall, liar: Liar, claims: dict[str, Any]) -> None:
    at = town.at[0].timestamp()
    liar.claims = {name: int(at + value) if isinstance(value, int) else value for name, value in claims.items()}
    assert login(town, liar).person.name == "Anna Rossi"


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d.e", "....", "x" * 40_000, "e30.e30.", "W10.e30.AAAA"])
def test_tokens_that_are_none(town: Hall, liar: Liar, token: str) -> None:
    liar.sign = lambda header, claims: token
    with pytest.raises(Refused):
        login(town, liar)


def test_a_symmetric_or_foreign_key_in_the_document_signs_nothing(town: Hall, liar: Liar) -> None:
    liar.keys = [
        {"kty": "oct", "k": b64(b"known to everybody"), "kid": "one"},
        {"kty": "RSA"},
        7,
        {"kty": "EC", "kid": "x"},
    ]  # type: ignore[list-item]
    with pytest.raises(Refused):
        login(town, liar)


def test_an_elliptic_key_cannot_stand_for_rsa(town: Hall, liar: Liar) -> None:
    liar.header = {"alg": "ES256", "kid": "one"}
    with pytest.raises(Refused):
        login(town, liar)
    liar.header = {"alg": "ES256", "kid": "two"}
    assert login(town, liar).person.name == "Anna Rossi"


def test_keys_turn_and_made_up_names_do_not_hammer(town: Hall, liar: Liar) -> None:
    from joserfc.jwk import RSAKey

    logins = Logins(town.parties)
    login(town, liar, logins)
    clock = [time.monotonic()]
    logins.discovery(logins.provider("city-id"))._clock = lambda: clock[0]
    liar.rsa = RSAKey.generate_key(2048, {"kid": "three", "use": "sig"})
    liar.keys = [liar.rsa.as_dict(private=False)]
    liar.header = {"kid": "three"}
    clock[0] += 61
    assert login(town, liar, logins).person.name == "Anna Rossi"
    asked = liar.hits.count("/jwks")
    liar.header = {"kid": "made-up"}
    for _ in range(3):
        with pytest.raises(Refused):
            login(town, liar, logins)
    assert liar.hits.count("/jwks") == asked


def test_a_state_is_used_once_by_the_browser_that_began(town: Hall, liar: Liar) -> None:
    logins = Logins(town.parties)
    address, browser = logins.begin("city-id", BASE)
    given = liar.follow(address)
    for wrong in ({}, {"state": "x"}, {**given, "state": given["state"] + "x"}):
        with pytest.raises(NotKnown):
            logins.finish("city-id", wrong, browser)
    with pytest.raises(NotKnown):  # another's answer, planted: login CSRF
        logins.finish("city-id", given, "another browser")
    address, browser = logins.begin("city-id", BASE)
    given = liar.follow(address)
    assert logins.finish("city-id", given, browser).person
    with pytest.raises(NotKnown):
        logins.finish("city-id", given, browser)
    address, browser = logins.begin("city-id", BASE)
    town.later(minutes=11)
    with pytest.raises(NotKnown):
        logins.finish("city-id", liar.follow(address), browser)


def test_answers_of_another_provider_are_not_mixed_up(town: Hall, liar: Liar, tmp_path: Path) -> None:
    declare(tmp_path, "https://another.example", id="other")
    logins = Logins(town.parties)
    address, browser = logins.begin("city-id", BASE)
    given = liar.follow(address)
    with pytest.raises(NotKnown):
        logins.finish("other", given, browser)
    address, browser = logins.begin("city-id", BASE)
    with pytest.raises(Refused):
        logins.finish("city-id", {**liar.follow(address), "iss": "https://another.example"}, browser)
    liar.metadata = {"authorization_response_iss_parameter_supported": True}
    logins = Logins(town.parties)
    address, browser = logins.begin("city-id", BASE)
    with pytest.raises(Refused):
        logins.finish("city-id", liar.follow(address), browser)
    with pytest.raises(NotFound):
        logins.begin("nobody", BASE)


def test_errors_of_the_provider_are_told_in_words(town: Hall, liar: Liar) -> None:
    logins = Logins(town.parties)
    address, browser = logins.begin("city-id", BASE)
    said = {"state": liar.follow(address)["state"], "error": "access_denied", "error_description": "<script>"}
    with pytest.raises(NotKnown) as met:
        logins.finish("city-id", said, browser)
    assert "<script>" not in str(met.value)
    liar.status, liar.token = 400, {"error": "invalid_grant"}
    with pytest.raises(Refused):  # a code that was used before
        login(town, liar)


def test_no_redirect_is_followed_with_a_secret(town: Hall, liar: Liar) -> None:
    other = Liar()
    liar.redirect, liar.status = other.issuer + "/token", 307
    logins = Logins(town.parties)
    try:
        address, browser = logins.begin("city-id", BASE)
        with pytest.raises(Refused):
            logins.finish("city-id", liar.follow(address), browser)
        assert other.hits == []
    finally:
        other.close()


def test_a_provider_that_is_silent_or_somebody_else(town: Hall, liar: Liar) -> None:
    liar.metadata = {"issuer": "https://evil.example"}
    with pytest.raises(SourceUnreachable) as met:
        Logins(town.parties).begin("city-id", BASE)
    assert "evil" not in str(met.value)
    liar.metadata = {"token_endpoint": "file:///etc/passwd"}
    with pytest.raises(SourceUnreachable):
        Logins(town.parties).begin("city-id", BASE)


def test_the_citys_network_is_closed_unless_it_is_opened_for_logins(tmp_path: Path, liar: Liar) -> None:
    declare(tmp_path, liar.issuer)
    with pytest.raises(SourceUnreachable):
        Logins(hall(tmp_path).parties).begin("city-id", BASE)
    assert liar.hits == []


# How surely


@pytest.mark.parametrize(
    ("acr", "level"),
    [("https://www.spid.gov.it/SpidL1", 1), ("https://www.spid.gov.it/SpidL2", 2),
     ("https://www.spid.gov.it/SpidL3", 3), ("http://eidas.europa.eu/LoA/substantial", 2),
     ("urn:city:card", 3), ("made-up", 1), (None, 1), (["https://www.spid.gov.it/SpidL3"], 1)],
)  # fmt: skip
def test_acr_becomes_assurance(tmp_path: Path, liar: Liar, acr: Any, level: int) -> None:
    declare(tmp_path, liar.issuer, JOIN + '[acr]\n"urn:city:card" = "high"\n')
    liar.claims = {"acr": acr}
    assert login(here(tmp_path, liar), liar).assurance == level


def test_a_step_up_is_asked_for_and_checked(town: Hall, liar: Liar) -> None:
    spid = "https://www.spid.gov.it/SpidL"
    liar.claims = {"acr": spid + "2"}
    found = login(town, liar, session="s-1", level=2)
    assert (found.session, found.assurance) == ("s-1", 2)
    assert (liar.asked["prompt"], liar.asked["max_age"]) == ("login", "0")
    assert liar.asked["acr_values"].split()[:2] == [spid + "2", "http://eidas.europa.eu/LoA/substantial"]
    assert spid + "1" not in liar.asked["acr_values"]
    liar.claims = {"acr": spid + "1"}
    with pytest.raises(StepUp):
        login(town, liar, session="s-1", level=2)
    for stale in (int(town.at[0].timestamp()) - 3600, None):
        liar.claims = {"acr": spid + "2", "auth_time": stale}
        with pytest.raises(Refused):
            login(town, liar, session="s-1", level=2)


# Who that is here


def test_strangers_stay_outside_unless_they_may_join(tmp_path: Path, liar: Liar) -> None:
    declare(tmp_path, liar.issuer)
    town = here(tmp_path, liar)
    with pytest.raises(NotKnown) as met:
        login(town, liar)
    assert town.parties.people() == ()
    town.person("anna@comune.example")  # an account with that address is not taken over, and not told of
    with pytest.raises(NotKnown) as again:
        login(town, liar)
    assert str(met.value) == str(again.value)


@pytest.mark.parametrize(("verified", "linked"), [(True, True), (False, False), (None, False), ("true", False)])
def test_a_verified_address_leads_home_where_the_city_says_so(
    tmp_path: Path, liar: Liar, verified: Any, linked: bool
) -> None:
    declare(tmp_path, liar.issuer, "link_by_mail = true\n")
    town = here(tmp_path, liar)
    anna = town.person("anna@comune.example")
    liar.claims = {"email_verified": verified}
    if linked:
        assert login(town, liar).person.id == anna.id
        assert town.parties.identities(anna.id) == ("city-id",)
    else:
        with pytest.raises(NotKnown):
            login(town, liar)


def test_an_invitation_is_over_when_its_person_came_by_the_directory(tmp_path: Path, liar: Liar) -> None:
    declare(tmp_path, liar.issuer, "link_by_mail = true\n")
    town = here(tmp_path, liar)
    person, link = town.parties.invitations.invite("A", "anna@comune.example", "city", ["reader"], by=OPERATOR)
    assert login(town, liar).person.id == person.id
    with pytest.raises(NotFound):
        town.parties.invitations.accept(link, "a password for whoever has the old letter")


def test_an_invitation_ties_an_identity_to_a_person(tmp_path: Path, liar: Liar) -> None:
    declare(tmp_path, liar.issuer)
    town = here(tmp_path, liar)
    person, link = town.parties.invitations.invite("B", "b@city.example", "registry-office", ["reader"], by=OPERATOR)
    assert login(town, liar, invitation=link).person.id == person.id
    assert login(town, liar).person.active
    _, second = town.parties.invitations.invite("C", "c@city.example", "city", ["reader"], by=OPERATOR)
    assert login(town, liar, invitation=second).person.id == person.id  # who is known stays who she is
    town.parties.block(person.id, by=OPERATOR)
    with pytest.raises(NotKnown):
        login(town, liar)


def test_roles_are_what_the_directory_says_today(tmp_path: Path, liar: Liar) -> None:
    rules = (
        '[[roles]]\nclaim = "groups"\nvalue = "reg"\norganisation = "registry-office"\nrole = "steward"\n'
        '[[roles]]\nclaim = "realm_access.roles"\nvalue = "chief"\norganisation = "*"\nrole = "auditor"\n'
    )
    declare(tmp_path, liar.issuer, JOIN + rules)
    town = here(tmp_path, liar)
    liar.claims = {"groups": ["reg", "x"], "realm_access": {"roles": ["chief"]}}
    person = login(town, liar).person
    assert {(item.organisation, item.role) for item in town.parties.roles(person.id)} == {
        ("registry-office", "steward"),
        ("*", "auditor"),
    }
    for groups in ("registry", ["x", "reg-2"], 7, None, {"reg": True}):
        liar.claims = {"groups": groups}
        login(town, liar)
        assert town.parties.roles(person.id) == ()
    liar.claims = {"groups": "other reg"}
    login(town, liar)
    assert [item.source for item in town.parties.roles(person.id)] == ["city-id"]


def test_a_citizen_without_an_address_may_join(town: Hall, liar: Liar) -> None:
    liar.claims = {"email": None, "name": None, "given_name": "Ada", "family_name": "Lovelace"}
    person = login(town, liar).person
    assert person.name == "Ada Lovelace"
    assert person.mail.endswith(".invalid")


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_who_joins_does_not_get_an_address_that_nobody_verified(town: Hall, liar: Liar, verified: Any) -> None:
    liar.claims = {"email": "dpo@city.example", "email_verified": verified}
    assert login(town, liar).person.mail.endswith(".invalid")
    assert town.parties.by_mail("dpo@city.example") is None


def test_signing_out_at_the_provider_too(town: Hall, liar: Liar) -> None:
    logins = Logins(town.parties)
    address = logins.leave("city-id", "a.b.c", BASE)
    assert address.startswith(liar.issuer + "/end?id_token_hint=a.b.c&client_id=arengo")
    assert logins.leave("city-id", "", BASE) == logins.leave("nobody", "a.b.c", BASE) == ""


# Files

GOOD = 'issuer = "https://id.example"\nclient_id = "a"\nclient_auth = "none"\n'
RULE = '[[roles]]\nclaim = "g"\nvalue = "v"\norganisation = "*"\nrole = "king"\n'


@pytest.mark.parametrize(
    "text",
    [
        "= =",
        "issuer = 7",
        'issuer = "https://id.example"',
        'issuer = "http://id.example"\nclient_id = "a"',
        'issuer = "https://id.example?x=1"\nclient_id = "a"',
        'issuer = "https://u@id.example"\nclient_id = "a"',
        'issuer = "https://id.example"\nclient_id = "a"',
        'issuer = "https://id.example"\nclient_id = "a"\nclient_secret_env = "NOT_SET"',
        GOOD + "skew = 9000",
        GOOD + 'algorithms = ["HS256"]',
        GOOD + 'algorithms = ["none"]',
        GOOD + 'scopes = ["profile"]',
        GOOD + "surprise = 1",
        GOOD + '[acr]\n"x" = "extreme"',
        GOOD + RULE,
    ],
)
def test_files_that_cannot_be_used_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "login").mkdir()
    (tmp_path / "login" / "id.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as met:
        providers(tmp_path, {})
    assert "login/id.toml" in str(met.value)


def test_the_guide_names_every_setting() -> None:
    from arengo.services.login import provider

    guide = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "people.md").read_text(encoding="utf-8")
    assert [name for name in provider._KNOWN if f"`{name}`" not in guide] == []


def test_the_secret_is_not_shown(tmp_path: Path) -> None:
    declare(tmp_path, "https://id.example")
    (found,) = providers(tmp_path).values()
    assert found.client_secret == SECRET
    assert SECRET not in repr(found)
