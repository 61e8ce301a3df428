"""Keys, tokens and proofs: what opens, what does not, and that nobody learns why."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import re
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from governance_programs import CITY_HEAD, HEAD, HERE, OTTO, RITA, ROWS, Programs, signed
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from arengo.errors import ArengoError, BadForm, BadQuery, Conflict, NotAllowed, NotFound, NotKnown
from arengo.governance import apikey, jose
from arengo.governance.caller import Caller
from arengo.governance.credential import purpose_of
from arengo.governance.proof import plain
from arengo.governance.signing import SigningKeys
from arengo.governance.token import ASSERTION
from arengo.state import applications as tables


@pytest.fixture
def city(tmp_path: Path) -> Iterator[Programs]:
    made = Programs(tmp_path)
    yield made
    made.state.close()


def b64(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return jose.opened(token)


# ---- the form of keys ---------------------------------------------------------------------------------------------


def test_a_key_is_found_by_scanners_and_carries_its_checksum() -> None:
    name, text, digest = apikey.make()
    assert re.fullmatch(r"arengo_k1_[0-9A-Za-z]{48}", text)
    assert apikey.read(text) == name
    assert text.startswith(apikey.prefix(name))
    assert digest == apikey.digest(text)
    assert text[-38:] not in digest
    for place in (3, 12, 30, 57):
        other = "0" if text[place] != "0" else "1"
        assert apikey.read(text[:place] + other + text[place + 1 :]) == ""
    assert apikey.read(text, apikey.SECRET) == ""
    assert apikey.read(text + "\n") == ""
    assert apikey.read("") == ""
    assert apikey.checksum("a") == "4GEHKN"  # CRC-32 e8b7be43 in base 62
    assert len({apikey.make()[1] for _ in range(200)}) == 200


def test_only_a_digest_of_a_key_is_kept(city: Programs) -> None:
    app = city.application()
    _, text = city.applications.issue(app.id, RITA)
    _, secret = city.applications.secret(app.id, RITA)
    city.bearer(text)
    city.state.close()
    held = b"".join(path.read_bytes() for path in city.folder.rglob("*") if path.is_file())
    for shown in (text, secret):
        assert shown.encode() not in held
        assert shown[20:].encode() not in held
    assert not any(text in str(entry) or secret in str(entry) for entry in city.told)


# ---- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_is_taken_in_every_header_it_may_stand_in(city: Programs) -> None:
    app = city.application()
    key, text = city.applications.issue(app.id, RITA, title="Nightly")
    wanted = Caller(party=app.id, organisation="schools", application=app.id, credential=key.id)
    assert city.ask() is None
    assert city.ask(("Accept", "*/*"), ("X-API-Key", "")) is None
    for header in (
        ("Authorization", f"Bearer {text}"),
        ("Authorization", f"bearer  {text}"),
        ("Authorization", text),
        ("X-API-Key", text),
        ("X-CKAN-API-Key", text),
    ):
        assert city.ask(header) == wanted
    assert city.credentials.used() == {key.id: city.at.date()}
    assert city.credentials.used() == {}
    city.applications.touch({key.id: city.at.date()})
    assert city.applications.keys(app.id, RITA)[0].used == city.at.date()


def test_two_credentials_or_a_repeated_header_are_refused(city: Programs) -> None:
    app = city.application()
    _, text = city.applications.issue(app.id, RITA)
    good = ("Authorization", f"Bearer {text}")
    for headers in (
        (good, ("X-API-Key", text)),
        (good, ("X-CKAN-API-Key", "other")),
        (good, good),
        (("X-API-Key", text), ("X-API-Key", text)),
        (good, ("Arengo-Purpose", "a"), ("Arengo-Purpose", "b")),
        (good, ("Arengo-Purpose", "two words")),
        (good, ("Arengo-Purpose", "é")),
    ):
        with pytest.raises(BadQuery):
            city.ask(*headers)
    for value in ("Basic cml0YTpzZWNyZXQ=", f"Bearer {text} x", f"Bearer {text},Bearer {text}", "Digest a=b"):
        with pytest.raises(NotKnown):
            city.ask(("Authorization", value))


def test_the_purpose_comes_from_the_header(city: Programs) -> None:
    app = city.application()
    _, text = city.applications.issue(app.id, RITA)
    found = city.ask(("X-API-Key", text), ("Arengo-Purpose", "school-transport"))
    assert found is not None
    assert found.purpose == "school-transport"
    assert city.bearer(text) == Caller(**{**_fields(found), "purpose": ""})
    assert purpose_of([(b"arengo-purpose", b"care")]) == "care"
    assert purpose_of([]) == ""


def test_whatever_is_wrong_with_a_credential_is_said_in_the_same_words(city: Programs) -> None:
    apps, app = city.applications, city.application()
    other = city.application(OTTO, "Trees")
    ended = apps.issue(app.id, RITA, days=1)[1]
    revoked, blocked = apps.issue(app.id, RITA), apps.issue(other.id, OTTO)[1]
    apps.revoke(app.id, revoked[0].id, RITA)
    apps.block(other.id, CITY_HEAD, "It reads every second.")
    unknown = apikey.make()[1]
    front = apikey.prefix(revoked[0].id) + "x" * 32
    guessed = front + apikey.checksum(front)
    secret = apps.secret(app.id, RITA)[1]
    city.later(days=2)
    told = set()
    texts = (ended, revoked[1], blocked, unknown, guessed, secret, "hunter2", "a.b.c", "x" * 9000, "arengo_k1_")
    for text in texts * 2:
        with pytest.raises(NotKnown) as error:
            city.bearer(text)
        told.add(str(error.value))
        assert text not in str(error.value)
    assert len(told) == 1


def test_revoking_blocking_and_their_end_are_felt_at_the_next_request(city: Programs) -> None:
    apps, app = city.applications, city.application()
    key, text = apps.issue(app.id, RITA, days=10)
    assert city.bearer(text)
    apps.block(app.id, HEAD, "We look at it.")
    with pytest.raises(NotKnown):
        city.bearer(text)
    with pytest.raises(NotAllowed, match="blocked it"):
        apps.unblock(app.id, RITA)
    apps.unblock(app.id, HEAD)
    assert city.bearer(text)
    city.later(days=10)
    with pytest.raises(NotKnown):
        city.bearer(text)
    city.later(days=-5)
    assert city.bearer(text)
    apps.revoke(app.id, key.id, RITA)
    apps.revoke(app.id, key.id, RITA)
    with pytest.raises(NotKnown):
        city.bearer(text)
    assert [entry["body"]["act"] for _, entry in city.told].count("credential revoked") == 2


def test_a_revocation_in_another_process_is_felt(city: Programs) -> None:
    app = city.application()
    key, text = city.applications.issue(app.id, RITA)
    assert city.bearer(text)
    other = Programs(city.folder)
    other.applications.revoke(app.id, key.id, RITA)
    other.state.close()
    with pytest.raises(NotKnown):
        city.bearer(text)


def test_a_turned_key_goes_on_for_a_while(city: Programs) -> None:
    apps, app = city.applications, city.application()
    city.agreements["agr-1"] = app.id
    old, before = apps.issue(app.id, RITA, agreement="agr-1", title="Nightly", days=100)
    new, after = apps.rotate(app.id, old.id, RITA)
    assert (new.agreement, new.title, new.rotated_from) == ("agr-1", "Nightly", old.id)
    assert city.bearer(before)
    assert city.bearer(after)
    with pytest.raises(Conflict):
        apps.rotate(app.id, old.id, RITA)
    city.later(days=7)
    with pytest.raises(NotKnown):
        city.bearer(before)
    assert city.bearer(after).agreement == "agr-1"  # type: ignore[union-attr]
    newest, last = apps.rotate(app.id, new.id, RITA, overlap=-apps.now().resolution)
    with pytest.raises(NotKnown):
        city.bearer(after)
    assert city.bearer(last).credential == newest.id  # type: ignore[union-attr]


# ---- whose applications and keys ----------------------------------------------------------------------------------


def test_nobody_reaches_the_applications_of_others(city: Programs) -> None:
    apps, app = city.applications, city.application()
    key, text = apps.issue(app.id, RITA)
    program = city.bearer(text)
    assert program is not None
    for stranger in (OTTO, Caller(), program, Caller(party="rita", application="app-1")):
        unknown = []
        attempts: list[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]] = [
            (apps.seen, (stranger,), {}),
            (apps.keys, (stranger,), {}),
            (apps.clients, (stranger,), {}),
            (apps.issue, (stranger,), {}),
            (apps.rotate, (key.id, stranger), {}),
            (apps.revoke, (key.id, stranger), {}),
            (apps.secret, (stranger,), {}),
            (apps.block, (stranger, "x"), {}),
            (apps.transfer, ("otto", stranger, "x"), {}),
            (apps.describe, (stranger,), {"title": "Mine", "words": "", "contacts": ()}),
        ]
        for attempt, rest, named in attempts:
            for name in (app.id, "app-nothing"):
                with pytest.raises(NotFound) as error:
                    attempt(name, *rest, **named)
                unknown.append(str(error.value))
        assert len(set(unknown)) == 1
        assert apps.mine(stranger) == ()
    mine = city.application(OTTO, "Trees")
    with pytest.raises(NotFound):
        apps.revoke(mine.id, key.id, OTTO)
    with pytest.raises(NotFound):
        apps.rotate(mine.id, key.id, OTTO)
    assert city.bearer(text) == program


def test_an_administrator_cannot_make_a_key_in_somebodys_name(city: Programs) -> None:
    apps, app = city.applications, city.application()
    _, text = apps.issue(app.id, RITA)
    for boss in (HEAD, CITY_HEAD):
        assert app in apps.mine(boss)
        for attempt in (apps.issue, apps.secret):
            with pytest.raises(NotAllowed):
                attempt(app.id, boss)
    with pytest.raises(BadForm, match="not one of"):
        apps.transfer(app.id, "mayor", CITY_HEAD, "Mine now.", acts_for=("city",))
    apps.transfer(app.id, "head", HEAD, "Rita left.", acts_for=("schools",))
    with pytest.raises(NotKnown):
        city.bearer(text)
    assert apps.issue(app.id, HEAD)
    assert city.told[-2][1]["body"]["act"] == "application given to another owner"
    with pytest.raises(NotFound):
        apps.issue(app.id, RITA)


def test_an_application_is_registered_for_ones_own_organisation(city: Programs) -> None:
    apps = city.applications
    with pytest.raises(NotAllowed):
        apps.create("Atlas", RITA, organisation="parks")
    with pytest.raises(NotAllowed):
        apps.create("Atlas", Caller())
    with pytest.raises(NotAllowed):
        apps.create("Atlas", CITY_HEAD, organisation="*")
    for words in ({"title": ""}, {"title": "x" * 201}, {"title": "Atlas", "contacts": ["a b"]}):
        with pytest.raises(BadForm):
            apps.create(words["title"], RITA, contacts=words.get("contacts", ()))  # type: ignore[arg-type]
    alone = apps.create("  My   map ", RITA, contacts=["rita@example.org"])
    assert (alone.title, alone.organisation, alone.contacts) == ("My map", "", ("rita@example.org",))
    assert not apps.oversees(alone, HEAD)
    assert apps.oversees(alone, CITY_HEAD)
    key, _ = apps.issue(alone.id, RITA)
    with pytest.raises(NotFound):
        apps.issue(alone.id, RITA, agreement="agr-of-another")
    for days in (0, 366):
        with pytest.raises(BadQuery):
            apps.issue(alone.id, RITA, days=days)
    for _ in range(19):
        apps.issue(alone.id, RITA)
    with pytest.raises(Conflict):
        apps.issue(alone.id, RITA)
    apps.revoke(alone.id, key.id, RITA)
    assert apps.issue(alone.id, RITA)


# ---- tokens -------------------------------------------------------------------------------------------------------


def test_a_token_opens_for_ten_minutes(city: Programs) -> None:
    app = city.application()
    city.agreements["agr-1"] = app.id
    granted = city.tokens.grant(app, HERE, agreement="agr-1", purpose="transport")
    header, claims = parts(granted.token)
    assert (header["typ"], header["alg"], granted.kind, granted.seconds) == ("at+jwt", "ES256", "Bearer", 600)
    assert {"iss", "aud", "sub", "client_id", "iat", "nbf", "exp", "jti", "agreement", "purpose"} <= set(claims)
    found = city.bearer(granted.token)
    assert found is not None
    assert (found.application, found.agreement, found.purpose) == (app.id, "agr-1", "transport")
    with pytest.raises(BadQuery, match="another purpose"):
        city.ask(("Authorization", f"Bearer {granted.token}"), ("Arengo-Purpose", "curiosity"))
    with pytest.raises(NotKnown):
        city.ask(("Authorization", f"DPoP {granted.token}"))
    with pytest.raises(NotFound):
        city.tokens.grant(app, HERE, agreement="agr-of-another")
    city.later(minutes=10)
    with pytest.raises(NotKnown):
        city.bearer(granted.token)


def test_a_token_of_another_clock_is_taken_within_bounds(city: Programs) -> None:
    app = city.application()
    token = city.tokens.grant(app, HERE).token
    city.later(seconds=-29)
    assert city.bearer(token)
    city.later(seconds=-5)
    fresh = Programs(city.folder, city.at)
    with pytest.raises(NotKnown):
        fresh.bearer(token)
    fresh.state.close()


def _forged(city: Programs, token: str) -> Iterator[str]:
    """What an attacker would send who has a token and the published keys."""
    header, claims = parts(token)
    kid, key = city.keys.current()
    shown = city.keys.jwks()["keys"][0]
    head, body, mark = token.split(".")
    yield f"{b64({**header, 'alg': 'none'})}.{body}."
    yield f"{b64({'alg': 'none'})}.{body}."
    yield f"{b64({**header, 'alg': 'nOnE'})}.{body}.{mark}"
    pem = key.as_pem(private=False)
    for secret in (pem, json.dumps(shown).encode(), shown["x"].encode()):
        keyed = f"{b64({**header, 'alg': 'HS256'})}.{body}"
        mac = base64.urlsafe_b64encode(hmac.new(secret, keyed.encode(), "sha256").digest()).decode().rstrip("=")
        yield f"{keyed}.{mac}"
    own = ECKey.generate_key("P-256")
    yield signed({**header, "kid": own.thumbprint()}, claims, own)
    yield signed(header, claims, own)
    yield signed({**header, "jwk": own.as_dict(private=False)}, claims, own)
    yield signed({**header, "jku": "https://evil.example/jwks.json"}, claims, own)
    yield signed({**header, "x5u": "https://evil.example/x"}, claims, key)
    for name in ("../../etc/passwd", f"../oauth/{kid}", f"{kid}.json", "", "\0", None, 7, ["a"], {"a": 1}):
        yield f"{b64({**header, 'kid': name})}.{body}.{mark}"
    yield f"{b64({k: v for k, v in header.items() if k != 'kid'})}.{body}.{mark}"
    yield f"{b64({**header, 'crit': ['exp']})}.{body}.{mark}"
    yield f"{head}.{b64({**claims, 'client_id': 'app-other'})}.{mark}"
    yield f"{head}.{body}.{mark[:-4]}AAAA"
    yield f"{head}.{body}."
    yield token + "."
    for change in (
        {"aud": "https://other.example"}, {"aud": [HERE, "x"]}, {"iss": "https://other.example"}, {"exp": 1},
        {"exp": "9999999999"}, {"exp": 99999999999}, {"nbf": claims["exp"] - 1}, {"iat": claims["exp"] + 9999},
        {"exp": True},
    ):  # fmt: skip
        yield signed(header, {**claims, **change}, key)
    for gone in ("exp", "aud", "iss"):
        yield signed(header, {name: value for name, value in claims.items() if name != gone}, key)
    yield signed({**header, "typ": "JWT"}, claims, key)
    yield signed({"kid": kid}, claims, key)


def test_no_forged_token_is_taken(city: Programs) -> None:
    token = city.tokens.grant(city.application(), HERE).token
    forged = list(_forged(city, token))
    assert len(forged) > 30
    for text in forged:
        with pytest.raises(NotKnown):
            city.bearer(text)
    assert city.bearer(token)


def test_tokens_can_be_revoked_and_looked_at_by_their_application_only(city: Programs) -> None:
    app, other = city.application(), city.application(OTTO, "Trees")
    token = city.tokens.grant(app, HERE, purpose="transport").token
    key, text = city.applications.issue(app.id, RITA)
    seen = city.tokens.introspect(token, app, HERE)
    assert seen["active"]
    assert seen["client_id"] == app.id
    assert seen["purpose"] == "transport"
    assert city.tokens.introspect(text, app, HERE)["jti"] == key.id
    for text_ in (token, text):
        assert city.tokens.introspect(text_, other, HERE) == {"active": False}
        city.tokens.revoke(text_, other, HERE)
        assert city.bearer(text_)
        city.tokens.revoke(text_, app, HERE)
        city.tokens.revoke(text_, app, HERE)
        assert city.tokens.introspect(text_, app, HERE) == {"active": False}
        with pytest.raises(NotKnown):
            city.bearer(text_)
    city.tokens.revoke("nonsense", app, HERE)
    city.later(hours=1)
    fresh = city.tokens.grant(app, HERE).token
    city.tokens.revoke(fresh, app, HERE)
    with city.state.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.revoked_token)) == 1


def test_signing_keys_are_private_and_turn(city: Programs) -> None:
    app = city.application()
    token = city.tokens.grant(app, HERE).token
    folder = city.settings.home / "oauth"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all("d" not in key for key in city.keys.jwks()["keys"])
    other = SigningKeys(folder, city.now)
    first = other.current()[0]
    city.later(seconds=1)
    assert other.turn() != first
    assert other.public(first)
    assert city.bearer(token)
    fresh = Programs(city.folder, city.at)
    newer = fresh.tokens.grant(app, HERE).token
    assert parts(newer)[0]["kid"] != first
    fresh.state.close()
    city.keys._looked = 0.0
    assert city.bearer(newer)  # a worker learns of the key another made
    city.later(days=31)
    assert len(city.keys.jwks()["keys"]) == 2
    city.later(days=33)
    assert len(city.keys.jwks()["keys"]) == 2
    assert len(list(folder.iterdir())) == 2


def _fields(caller: Caller) -> dict[str, Any]:
    return {name: getattr(caller, name) for name in Caller.__slots__}


# ---- who asks for tokens ------------------------------------------------------------------------------------------


def test_an_application_proves_itself_with_a_secret(city: Programs) -> None:
    app, other = city.application(), city.application(OTTO, "Trees")
    key, secret = city.applications.secret(app.id, RITA)
    api = city.applications.issue(app.id, RITA)[1]
    assert city.tokens.client({}, (app.id, secret), HERE) == app
    assert city.tokens.client({"client_id": app.id, "client_secret": secret}, None, HERE) == app
    assert city.applications.clients(app.id, RITA)[0].used == city.at.date()
    told = set()
    for name, shown in (
        (app.id, "wrong"),
        (other.id, secret),
        ("nobody", secret),
        (app.id, api),
        (app.id, ""),
        ("", ""),
    ):
        with pytest.raises(NotKnown) as error:
            city.tokens.client({}, (name, shown), HERE)
        told.add(str(error.value))
    city.applications.revoke(app.id, key.id, RITA)
    with pytest.raises(NotKnown) as error:
        city.tokens.client({}, (app.id, secret), HERE)
    assert len(told | {str(error.value)}) == 1
    for form, basic in (
        ({"client_secret": "a"}, (app.id, "b")),
        ({"client_id": other.id}, (app.id, secret)),
        ({"client_secret": "a", "client_assertion": "b"}, None),
    ):
        with pytest.raises(BadQuery):
            city.tokens.client(form, basic, HERE)


@pytest.mark.parametrize("kind", ["EC", "OKP", "RSA"])
def test_an_application_proves_itself_with_its_key(city: Programs, kind: str) -> None:
    app = city.application()
    key: Any = {"EC": lambda: ECKey.generate_key("P-256"), "OKP": lambda: OKPKey.generate_key("Ed25519"),
                "RSA": lambda: RSAKey.generate_key(2048)}[kind]()  # fmt: skip
    held = city.applications.register(app.id, {**key.as_dict(private=False), "kid": "ours", "use": "sig"}, RITA)
    assert held.digest == key.thumbprint()
    assert set(held.jwk or {}) <= {"kty", "crv", "x", "y", "n", "e"}

    def prove(text: str, **more: str) -> Any:
        form = {"client_assertion_type": ASSERTION, "client_assertion": text, **more}
        return city.tokens.client(form, None, HERE)

    now = int(city.at.timestamp())
    once = city.assertion(app.id, key)
    assert prove(once) == app
    assert prove(city.assertion(app.id, key, aud=[HERE])) == app
    bad = [
        once,  # replayed
        city.assertion("app-other", key),
        city.assertion(app.id, key, sub="app-other"),
        city.assertion(app.id, key, aud="https://other.example"),
        city.assertion(app.id, key, aud={"a": HERE}),
        city.assertion(app.id, key, aud=[[HERE]]),
        city.assertion(app.id, key, aud=f"{HERE}/oauth/revoke"),
        city.assertion(app.id, key, exp=now - 31),
        city.assertion(app.id, key, exp=now + 3600),
        city.assertion(app.id, key, nbf=now + 60),
        city.assertion(app.id, key, iat=now + 60),
        city.assertion(app.id, key, jti="short"),
        city.assertion(app.id, ECKey.generate_key("P-256")),
        "not.a.token",
    ]
    for text in bad:
        with pytest.raises(NotKnown):
            prove(text)
    with pytest.raises(NotKnown):
        prove(city.assertion(app.id, key), client_id="app-other")
    with pytest.raises(BadQuery):
        city.tokens.client({"client_assertion": city.assertion(app.id, key)}, None, HERE)
    assert prove(city.assertion(app.id, key, exp=now - 20)) == app  # a clock half a minute behind


def test_only_good_public_keys_are_registered(city: Programs) -> None:
    app = city.application()
    private = ECKey.generate_key("P-256").as_dict(private=True)
    for jwk in (
        private,
        OctKey.generate_key(256).as_dict(),
        {"kty": "oct", "x": "abc"},
        ECKey.generate_key("P-384").as_dict(private=False),
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"keys": []},
        {"kty": "OKP", "crv": "Ed25519", "x": "no"},
        {},
        {**ECKey.generate_key("P-256").as_dict(private=False), "x5c": ["a"]},
    ):
        with pytest.raises(BadForm):
            city.applications.register(app.id, jwk, RITA)
    good = ECKey.generate_key("P-256").as_dict(private=False)
    city.applications.register(app.id, good, RITA)
    with pytest.raises(Conflict):
        city.applications.register(app.id, good, RITA)


# ---- proofs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")])
def test_a_bound_token_opens_only_with_a_fresh_proof(city: Programs, key: Any) -> None:
    app = city.application()
    at = f"{HERE}/oauth/token"
    jkt = city.tokens.prove(city.proof(key, method="POST", url=at), "POST", at)
    assert jkt == key.thumbprint()
    granted = city.tokens.grant(app, HERE, jkt=jkt)
    token = granted.token
    assert granted.kind == "DPoP"
    assert parts(token)[1]["cnf"] == {"jkt": jkt}

    def show(proof: str, scheme: str = "DPoP", **more: Any) -> Any:
        return city.ask(("Authorization", f"{scheme} {token}"), ("DPoP", proof), **more)

    first = city.proof(key, token)
    found = show(first)
    assert found is not None
    assert found.application == app.id
    assert show(city.proof(key, token), url=f"{ROWS}?limit=3")
    assert show(city.proof(key, token, url=f"{HERE.upper().replace('HTTPS', 'https')}:443/api/v1/datasets/pupils/rows"))
    stranger = ECKey.generate_key("P-256")
    now = int(city.at.timestamp())
    body = {"jti": "12345678", "htm": "GET", "htu": ROWS, "iat": now}
    bad = [
        first,  # replayed
        city.proof(stranger, token),
        city.proof(key),  # without ath
        city.proof(key, token, ath="other"),
        city.proof(key, token, method="POST"),
        city.proof(key, token, url=f"{HERE}/api/v1/datasets/other/rows"),
        city.proof(key, token, url="https://evil.example/api/v1/datasets/pupils/rows"),
        city.proof(key, token, url="not an address"),
        city.proof(key, token, iat=now - 91),
        city.proof(key, token, iat=now + 31),
        city.proof(key, token, iat="now"),
        city.proof(key, token, jti="x"),
        city.proof(key, token, jti=7),
        signed({"typ": "dpop+jwt"}, body, key),
        signed({"typ": "JWT", "jwk": key.as_dict(private=False)}, body, key),
        signed({"typ": "dpop+jwt", "jwk": key.as_dict(private=True)}, body, key),
        "a.b.c",
    ]  # fmt: skip
    for proof in bad:
        with pytest.raises(NotKnown):
            show(proof)
    with pytest.raises(NotKnown):
        show(city.proof(key, token), "Bearer")
    with pytest.raises(NotKnown):
        city.bearer(token)
    with pytest.raises(NotKnown):
        city.ask(("Authorization", f"DPoP {token}"))
    city.later(seconds=120)
    with pytest.raises(NotKnown):
        show(first)
    assert show(city.proof(key, token))


def test_a_shared_secret_proves_nothing(city: Programs) -> None:
    key = OctKey.generate_key(256)
    token = city.tokens.grant(city.application(), HERE, jkt=key.thumbprint()).token
    proof = signed(
        {"typ": "dpop+jwt", "jwk": key.as_dict()},
        {"jti": "12345678", "htm": "GET", "htu": ROWS, "iat": int(city.at.timestamp())},
        key,
    )
    with pytest.raises(NotKnown):
        city.ask(("Authorization", f"DPoP {token}"), ("DPoP", proof))


def test_one_proof_opens_once_whoever_is_quicker(city: Programs) -> None:
    key = ECKey.generate_key("P-256")
    token = city.tokens.grant(city.application(), HERE, jkt=key.thumbprint()).token
    proof = city.proof(key, token)
    opened: list[int] = []

    def show() -> None:
        try:
            city.ask(("Authorization", f"DPoP {token}"), ("DPoP", proof))
            opened.append(1)
        except NotKnown:
            pass

    threads = [threading.Thread(target=show) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1


def test_addresses_are_compared_as_addresses() -> None:
    assert plain("HTTPS://Data.Example.org:443/a?b#c") == plain("https://data.example.org/a")
    assert plain("https://data.example.org/a%20b%C3%A9") == plain("https://data.example.org/a bé")
    assert plain("https://data.example.org") == plain("https://data.example.org/")
    assert plain("http://127.0.0.1:80/a") == plain("http://localhost/a")
    for other in ("https://data.example.org/A", "http://data.example.org/a", "https://data.example.org:8443/a"):
        assert plain(other) != plain("https://data.example.org/a")
    for none in ("", "ftp://a/b", "https://user@data.example.org/a", "https://[", "//data.example.org/a", "https:///a"):
        assert plain(none) == ""


# ---- what is written down -----------------------------------------------------------------------------------------


def test_no_secret_is_written_into_a_log(city: Programs, caplog: pytest.LogCaptureFixture) -> None:
    app = city.application()
    texts = [city.applications.issue(app.id, RITA)[1], city.applications.secret(app.id, RITA)[1]]
    key = ECKey.generate_key("P-256")
    texts.append(city.tokens.grant(app, HERE, jkt=key.thumbprint()).token)
    texts.append(city.tokens.grant(app, HERE).token)
    texts.append(city.proof(key, texts[2]))
    errors: list[ArengoError] = []
    with caplog.at_level(logging.DEBUG):
        for text in texts:
            for header in (
                ("Authorization", f"Bearer {text}"),
                ("X-API-Key", text),
                ("Authorization", f"Other {text}"),
            ):
                for headers in ((header,), (header, header), (header, ("DPoP", texts[4]))):
                    try:
                        city.ask(*headers)
                    except ArengoError as error:
                        errors.append(error)
            city.tokens.revoke(text, app, HERE)
    said = caplog.text + "".join(f"{error} {error!r} {error.as_dict()} {error.__cause__}" for error in errors)
    assert errors
    for text in texts:
        assert text not in said
        assert text[-20:] not in said
