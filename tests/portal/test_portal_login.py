"""Signing in with real forms: what strangers learn (nothing), what a session opens, what a planted form does."""

from __future__ import annotations

import itertools
import re
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest
from portal_register import PERSONS, TREES, application
from starlette.requests import Request

import arengo
from arengo.city import City
from arengo.governance.person import Person
from arengo.governance.role import OPERATOR
from arengo.portal.login import network

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PHRASE = "tulip harbour seven stones"
Visitor = Callable[..., TestClient]
NETWORKS = itertools.count(1)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    root = Path(tmp_path_factory.mktemp("login"))
    arengo.init(root, name="Città di Prova", country="IT").close()
    with (root / "city.toml").open("a", encoding="utf-8") as file:
        file.write("[login]\nargon2_memory = 64\n")
    for name, text in (("trees", TREES), ("persons", PERSONS)):
        (root / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    city = arengo.open(root)
    city.apply()
    yield city
    city.close()


@pytest.fixture(scope="module")
def app(town: City) -> Any:
    return application(town)


@pytest.fixture
def visitor(app: Any) -> Iterator[Visitor]:
    """A browser of its own each time, from a network of its own."""
    made: list[TestClient] = []

    def make(place: str = "") -> TestClient:
        address = place or f"2001:db8:{next(NETWORKS):x}::1"
        client = TestClient(app, base_url="http://localhost", follow_redirects=False, client=(address, 50000))
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="module")
def parties(town: City) -> Any:
    from arengo.governance.party import Parties

    return Parties(town.settings, town.state)


@pytest.fixture
def people(parties: Any) -> Callable[..., Person]:
    def make(*roles: tuple[str, str], password: str = PHRASE, state: str = "active") -> Person:
        mail = f"p{time.monotonic_ns()}@prova.example"
        found: Person = parties.add_person("Pia Verdi", mail, "parks-and-gardens", by=OPERATOR, state=state)
        for where, role in roles:
            parties.give(found.id, where, role, by=OPERATOR)
        if password:
            hashed = parties.passwords.hashed(password)
            with parties.state.write() as connection:
                parties.passwords.put(connection, found.id, hashed)
        return found

    return make


def sign_in(client: TestClient, person: Person, password: str = PHRASE, **more: str) -> Any:
    return client.post("/login", data={"mail": person.mail, "password": password, **more})


def csrf(client: TestClient, path: str = "/account") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def cookie(client: TestClient) -> str:
    return client.cookies.get("arengo_session") or ""


def test_a_person_signs_in_and_out(visitor: Visitor, people: Callable[..., Person]) -> None:
    client, person = visitor(), people(("parks-and-gardens", "steward"))
    assert "Sign in" in client.get("/").text
    answer = sign_in(client, person, next="/datasets?theme=ENVI")
    assert (answer.status_code, answer.headers["location"]) == (303, "/datasets?theme=ENVI")
    set_cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in set_cookie
    assert "SameSite=lax" in set_cookie
    page = client.get("/account")
    assert page.headers["cache-control"] == "no-store"
    assert "Pia Verdi" in page.text
    assert "Parks and Gardens" in page.text
    assert client.get("/login").headers["location"] == "/account"
    out = client.post("/logout", data={"csrf": csrf(client)})
    assert "You are signed out" in out.text
    assert client.get("/account").headers["location"].startswith("/login?next=")


def test_cookies_are_bound_to_the_host_on_https(town: City, people: Callable[..., Person]) -> None:
    with TestClient(application(town), base_url="https://localhost", follow_redirects=False) as client:
        answer = sign_in(client, people())
        assert answer.headers["set-cookie"].startswith("__Host-arengo_session=")
        assert "Secure" in answer.headers["set-cookie"]
        assert "Domain" not in answer.headers["set-cookie"]
        client.cookies.set("arengo_session", "x" * 43)
        assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "javascript:alert(1)",
     "/login", "/login?next=/login", "/logout", "\thttps://evil.example", "/\n/evil.example", "evil"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(visitor: Visitor, people: Callable[..., Person], target: str) -> None:
    client = visitor()
    assert sign_in(client, people(), next=target).headers["location"] == "/account"
    assert client.get("/login", params={"next": target}).headers["location"] == "/account"


# Strangers learn nothing


def test_who_has_an_account_is_not_told(visitor: Visitor, people: Callable[..., Person], parties: Any) -> None:
    known, blocked, invited = people(), people(), people(state="invited", password="")
    parties.block(blocked.id, by=OPERATOR)
    tries = [("nobody@prova.example", "x"), (known.mail, "wrong"), (blocked.mail, PHRASE), (invited.mail, ""),
             ("", ""), ("not an address", PHRASE), ("a" * 5000 + "@x.example", "y")]  # fmt: skip
    bodies, statuses, headers = set(), set(), set()
    for mail, password in tries:
        answer = visitor().post("/login", data={"mail": mail, "password": password})
        text = re.sub(r'value="[^"]*"|data-options="[^"]*"', "", answer.text)
        bodies.add(text)
        statuses.add(answer.status_code)
        headers.add(tuple(sorted(name for name in answer.headers if name != "content-length")))
    assert statuses == {403}
    assert len(bodies) == len(headers) == 1
    assert "not right" in bodies.pop()


def test_a_new_password_is_offered_to_everybody_alike(visitor: Visitor, people: Callable[..., Person]) -> None:
    pages = {visitor().post("/login/forgot", data={"mail": mail}).text.replace(mail, "")
             for mail in (people().mail, "nobody@prova.example")}  # fmt: skip
    assert len(pages) == 1


@pytest.mark.slow
def test_the_time_of_a_refusal_tells_nothing(town: City, people: Callable[..., Person]) -> None:
    """With argon2id as expensive as in a real city, the unknown and the known take the same time."""
    from dataclasses import replace

    from arengo.errors import NotKnown
    from arengo.governance.party import Parties
    from arengo.services.login import Local
    from arengo.settings import LoginSettings

    parties = Parties(replace(town.settings, login=LoginSettings()), town.state)
    local, known = Local(parties), people()
    hashed = parties.passwords.hashed(PHRASE)
    with town.state.write() as connection:
        parties.passwords.put(connection, known.id, hashed)
    spent: dict[str, list[float]] = {known.mail: [], "nobody@prova.example": []}
    for number in range(5):
        for mail, times in spent.items():
            started = time.thread_time()
            with pytest.raises(NotKnown):
                local.password(mail, "wrong", f"192.0.2.{number}")
            times.append(time.thread_time() - started)
    one, other = (statistics.median(times) for times in spent.values())
    assert min(one, other) > 0.01
    assert max(one, other) / min(one, other) < 1.5


def test_links_that_open_nothing_look_alike(visitor: Visitor, parties: Any) -> None:
    person, link = parties.invitations.invite("N", f"n{time.monotonic_ns()}@x.example", "city", ["reader"], by=OPERATOR)
    page = visitor().get(f"/invitation/{link}")
    assert page.status_code == 200
    assert page.headers["referrer-policy"] == "no-referrer"
    parties.invitations.accept(link, PHRASE)
    used, wrong = (visitor().get(f"/invitation/{text}") for text in (link, "x" * 43))
    assert used.status_code == wrong.status_code == 404
    assert used.text.replace(link, "") == wrong.text.replace("x" * 43, "")
    replay = visitor().post(f"/invitation/{link}", data={"password": "another phrase entirely"})
    assert replay.status_code == 404
    assert parties.passwords.check(person.id, PHRASE)


def test_a_page_never_gives_a_password_back(visitor: Visitor, people: Callable[..., Person]) -> None:
    text = sign_in(visitor(), people(), "a wrong but very secret phrase").text
    assert "very secret phrase" not in text


def test_links_go_by_letter_where_the_city_sends_letters(tmp_path: Path) -> None:
    import sqlalchemy as sa

    from arengo.portal.operator import key_of
    from arengo.state.participation import letter

    arengo.init(tmp_path / "city", name="Prova").close()
    with (tmp_path / "city" / "city.toml").open("a", encoding="utf-8") as file:
        file.write('contact = "a@prova.example"\nurl = "https://data.prova.example"\n[mail]\nhost = "mail.example"\n')
        file.write("[login]\nargon2_memory = 64\n")

    def letters() -> list[Any]:
        with city.state.read() as connection:
            return list(connection.execute(sa.select(letter).order_by(letter.c.created_at)))

    def link(words: str) -> str:
        found = re.search(r"https://data\.prova\.example(/invitation/[\w-]+)", words)
        assert found
        return found[1]

    with (
        arengo.open(tmp_path / "city") as city,
        TestClient(application(city), base_url="https://localhost", follow_redirects=False) as client,
    ):
        client.post("/operator", data={"key": key_of(city.settings)})
        given = {"act": "invite", "mail": "nina@prova.example", "name": "Nina", "role": "reader"}
        page = client.post("/people/city", data=given)
        assert "on its way to nina@prova.example" in page.text
        assert "/invitation/" not in page.text  # the administrator does not learn it
        (sent,) = letters()
        assert (sent.kind, sent.mail) == ("invited", "nina@prova.example")
        assert "Hello Nina," in sent.words
        assert client.post(link(sent.words), data={"name": "Nina", "password": PHRASE}).status_code == 303
        client.cookies.clear()
        for mail in ("nobody@prova.example", "NINA@prova.example"):
            assert "is on its way" in client.post("/login/forgot", data={"mail": mail}).text
        sent = letters()[-1]
        assert (len(letters()), sent.kind, sent.mail) == (2, "reset", "nina@prova.example")
        assert link(sent.words).rpartition("/")[2][:8] not in sent.id
        assert client.post(link(sent.words), data={"password": "another phrase entirely"}).status_code == 303
        assert client.get("/account").status_code == 200


# How often


def test_guessing_is_slowed_down_by_account_and_place(visitor: Visitor, people: Callable[..., Person]) -> None:
    person, client = people(), visitor("203.0.113.9")
    answers = [sign_in(client, person, f"guess {number}") for number in range(7)]
    assert [item.status_code for item in answers] == [403] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert sign_in(client, person).status_code == 429  # the right one too: the answer tells nothing
    assert sign_in(visitor("203.0.113.10"), person).status_code == 303  # but the owner elsewhere gets in
    stranger = [visitor("203.0.113.11").post("/login", data={"mail": "no@x.example", "password": "x"}).status_code
                for _ in range(7)]  # fmt: skip
    assert stranger == [403] * 5 + [429] * 2


def test_blanks_do_not_hide_whose_password_is_tried(visitor: Visitor, people: Callable[..., Person]) -> None:
    person, client = people(), visitor("203.0.113.30")
    sent = [f"{person.mail}{blank * 2} {' ' * 260}x" for blank in "\t\u2003\u00a0\u2002\u2009\u3000\t"]
    assert {client.post("/login", data={"mail": mail, "password": PHRASE}).status_code for mail in sent} <= {403, 429}
    tried = [client.post("/login", data={"mail": f"{blank}{person.mail}{blank}", "password": "x"}).status_code
             for blank in ("\t", "\u2003", "\u00a0", "\u2002", "\u2009", "\u3000", " ")]  # fmt: skip
    assert tried == [403] * 5 + [429] * 2


def test_forwarded_addresses_are_believed_only_behind_own_proxies(
    visitor: Visitor, people: Callable[..., Person]
) -> None:
    person, client = people(), visitor("203.0.113.20")
    data = {"mail": person.mail, "password": "x"}
    met = [client.post("/login", data=data, headers={"x-forwarded-for": f"10.0.0.{n}"}) for n in range(6)]
    assert met[-1].status_code == 429


@pytest.mark.parametrize(
    "lines", [["10.0.0.1, 203.0.113.7"], ["10.0.0.1", "203.0.113.7"], ["10.0.0.1", "10.0.0.2", "203.0.113.7"]]
)
def test_a_proxy_may_add_a_line_of_its_own(lines: list[str]) -> None:
    scope = {"type": "http", "headers": [(b"x-forwarded-for", line.encode()) for line in lines], "client": ("::1", 1)}
    settings = SimpleNamespace(participation=SimpleNamespace(proxies=1))
    assert network(SimpleNamespace(request=Request(scope), settings=settings)) == "203.0.113.7"  # type: ignore[arg-type]


# Sessions


def test_a_planted_cookie_is_never_adopted(visitor: Visitor, people: Callable[..., Person]) -> None:
    client, planted = visitor(), "F" * 43
    client.cookies.set("arengo_session", planted, domain="localhost.local", path="/")
    answer = client.post(
        "/login", data={"mail": people().mail, "password": PHRASE}, headers={"cookie": f"arengo_session={planted}"}
    )
    assert answer.status_code == 303
    given = re.search(r"arengo_session=([^;]+)", answer.headers["set-cookie"])
    assert given
    assert given[1] != planted


def test_signing_in_again_ends_the_session_before(visitor: Visitor, people: Callable[..., Person]) -> None:
    client, one, two = visitor(), people(), people()
    sign_in(client, one)
    first = cookie(client)
    sign_in(client, two, csrf=csrf(client))
    assert cookie(client) != first
    other = visitor()
    assert other.get("/account", headers={"cookie": f"arengo_session={first}"}).status_code == 303


def test_forms_without_the_sessions_token_are_refused(visitor: Visitor, people: Callable[..., Person]) -> None:
    client, other, person = visitor(), visitor(), people()
    sign_in(client, person)
    sign_in(other, person)
    theirs = csrf(other)
    for token in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": theirs}):
        answer = client.post("/account", data={"act": "end-others", **token})
        assert answer.status_code == 403
        assert "not made for your session" in answer.text
    assert other.get("/account").status_code == 200
    assert client.post("/account", data={"act": "end-others", "csrf": csrf(client)}).status_code == 303
    assert other.get("/account").status_code == 303


def test_every_form_of_every_page_carries_the_token(visitor: Visitor, people: Callable[..., Person]) -> None:
    client = visitor()
    sign_in(client, people(("*", "steward")))
    for path in ("/account", "/account/password", "/account/app", "/account/keys", "/desk", "/wishes/new?title=x"):
        text = client.get(path).text
        for form in re.findall(r'<form\b[^>]*method="post"[^>]*>.{0,60}', text, re.DOTALL):
            assert 'name="csrf"' in form, path


def test_other_sites_cannot_post(visitor: Visitor, people: Callable[..., Person]) -> None:
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
    ):
        answer = visitor().post("/login", data={"mail": people().mail, "password": PHRASE}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_pages_of_one_person_are_not_kept_for_another(visitor: Visitor, people: Callable[..., Person]) -> None:
    client, anyone = visitor(), visitor()
    sign_in(client, people())
    for path in ("/", "/datasets", "/organisations"):
        mine, all_ = client.get(path), anyone.get(path)
        assert "Pia Verdi" in mine.text
        assert "Pia Verdi" not in all_.text
        assert mine.headers["cache-control"] == "private, no-cache"
        assert "Cookie" in all_.headers["vary"]
        if "etag" in mine.headers:
            assert mine.headers["etag"] != all_.headers["etag"]
            assert anyone.get(path, headers={"if-none-match": mine.headers["etag"]}).status_code == 200
            known = client.get(path, headers={"if-none-match": mine.headers["etag"]})
            assert (known.status_code, known.headers["cache-control"]) == (304, "private, no-cache")


# Second factors


def test_a_code_is_asked_after_the_password(visitor: Visitor, people: Callable[..., Person], parties: Any) -> None:
    person, client = people(), visitor()
    secret, _ = parties.totps.begin(person)
    codes = parties.totps.confirm(person.id, pyotp.TOTP(secret).now())
    answer = sign_in(client, person, next="/desk")
    assert answer.headers["location"] == "/login/code?next=%2Fdesk"
    assert client.get("/account").status_code == 303  # not yet in
    assert "Code of your app" in client.get("/login/code?next=/desk").text
    assert client.post("/login/code", data={"code": "000000"}).status_code == 403
    done = client.post("/login/code", data={"code": codes[0], "next": "/desk"})
    assert (done.status_code, done.headers["location"]) == (303, "/desk")
    assert "password and code" in client.get("/account").text
    assert visitor().post("/login/code", data={"code": codes[1]}).status_code == 403  # without the first half
    late = visitor()
    for number in range(8):
        sign_in(late, person)
        status = late.post("/login/code", data={"code": f"{number:06d}"}).status_code
    assert status == 429


def test_the_whole_way_from_the_key_to_an_administrator(town: City, visitor: Visitor, parties: Any) -> None:
    from arengo.portal.operator import key_of

    office, mail = visitor(), f"chief{time.monotonic_ns()}@prova.example"
    assert office.get("/people").headers["location"].startswith("/login")
    office.post("/operator", data={"key": key_of(town.settings)})
    assert "Invite an administrator" in office.get("/people").text
    assert office.post("/people/*", data={"act": "invite", "mail": mail}).status_code == 400  # no role was chosen
    page = office.post("/people/*", data={"act": "invite", "mail": mail, "name": "Chief", "role": "administrator"})
    link = re.search(r"/invitation/[\w-]+", page.text)
    assert link
    client = visitor()
    assert client.post(link[0], data={"name": "Chief", "password": "short"}).status_code == 400
    assert client.post(link[0], data={"name": "La Capa", "password": PHRASE}).headers["location"] == "/account"
    assert "Some of your roles rest" in client.get("/account").text
    again = client.get("/people")
    assert again.headers["location"] == "/login/again?next=%2Fpeople&level=substantial"
    assert "Set up an authenticator app" in client.get(again.headers["location"]).text
    page = client.get("/account/app")
    secret = re.search(r'<code class="key"[^>]*>([A-Z2-7 ]+)</code>', page.text)
    assert secret
    before = cookie(client)
    made = client.post(
        "/account/app", data={"code": pyotp.TOTP(secret[1].replace(" ", "")).now(), "csrf": csrf(client)}
    )
    assert "Your recovery codes" in made.text
    assert cookie(client) != before
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/account").text)
    assert token
    people = client.get("/people")
    assert people.status_code == 200
    added = client.post("/people", data={"name": "Nurseries", "parent": "parks-and-gardens", "csrf": token[1]})
    assert added.headers["location"] == "/people/nurseries"
    invited = client.post(
        "/people/nurseries",
        data={"act": "invite", "mail": f"n{mail}", "name": "", "role": ["steward", "reader"], "csrf": token[1]},
    )
    assert "/invitation/" in invited.text
    person = parties.by_mail(f"n{mail}")
    changed = client.post(
        "/people/nurseries", data={"act": "roles", "person": person.id, "role": "publisher", "csrf": token[1]}
    )
    assert changed.status_code == 303
    assert [item.role for item in parties.roles(person.id)] == ["publisher"]
    for act, state in (("block", "blocked"), ("let-in", "invited")):
        client.post("/people/nurseries", data={"act": act, "person": person.id, "csrf": token[1]})
        assert parties.person(person.id).state == state


def test_administrators_of_one_office_see_one_office(
    visitor: Visitor, people: Callable[..., Person], parties: Any
) -> None:
    if "registry-office" not in parties.organisations():
        parties.add_organisation("Registry Office", by=OPERATOR)
    chief, clerk = people(("registry-office", "administrator")), people(("parks-and-gardens", "steward"))
    secret, _ = parties.totps.begin(chief)
    codes = parties.totps.confirm(chief.id, pyotp.TOTP(secret).now())
    client = visitor()
    sign_in(client, chief)
    client.post("/login/code", data={"code": codes[0]})
    token = csrf(client)
    assert "Registry Office" in client.get("/people").text
    assert "The whole of" not in client.get("/people").text
    for where in ("parks-and-gardens", "*", "city"):
        assert client.get(f"/people/{where}").status_code == 403
        for act in ("roles", "block", "link", "app", "invite"):
            given = {"act": act, "person": clerk.id, "role": "administrator", "mail": "x@x.example", "csrf": token}
            assert client.post(f"/people/{where}", data=given).status_code == 403
    for act in ("block", "link", "app"):  # an id of somebody else's, through the own door
        given = {"act": act, "person": clerk.id, "csrf": token}
        assert client.post("/people/registry-office", data=given).status_code == 403
    assert client.get("/people/nobody").status_code == 404
    assert parties.person(clerk.id).state == "active"
    reader = visitor()
    sign_in(reader, clerk)
    assert reader.get("/people").status_code == 403


def test_a_stale_login_is_confirmed_before_secrets_change(
    visitor: Visitor, people: Callable[..., Person], parties: Any
) -> None:
    from datetime import timedelta

    import sqlalchemy as sa

    from arengo.state.database import SESSIONS
    from arengo.state.parties import session

    person, client = people(), visitor()
    sign_in(client, person)
    with parties.state.write() as connection:
        old = parties.now() - timedelta(minutes=20)
        connection.execute(sa.update(session).where(session.c.person == person.id).values(authenticated_at=old))
        parties.state.bump(connection, SESSIONS)
    for path in ("/account/password", "/account/app", "/account/keys"):
        assert client.get(path).headers["location"].startswith("/login/again?next=%2Faccount")
        assert client.post(path, data={"csrf": csrf(client)}).headers["location"].startswith("/login/again")
    assert client.post("/login/again", data={"password": "wrong", "csrf": csrf(client)}).status_code == 403
    before = cookie(client)
    given = {"password": PHRASE, "next": "/account/password", "csrf": csrf(client)}
    assert client.post("/login/again", data=given).headers["location"] == "/account/password"
    assert cookie(client) != before
    assert client.get("/account/password").status_code == 200
    wrong = client.post("/account/password", data={"old": "wrong", "password": PHRASE + "s", "csrf": csrf(client)})
    assert wrong.status_code == 400
    other = visitor()
    sign_in(other, person)
    done = client.post("/account/password", data={"old": PHRASE, "password": PHRASE + "s", "csrf": csrf(client)})
    assert done.status_code == 303
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    assert sign_in(visitor(), person, PHRASE + "s").status_code == 303


# What roles open


def test_an_offices_people_are_let_in_for_its_datasets_only(visitor: Visitor, people: Callable[..., Person]) -> None:
    def edits(*roles: tuple[str, str]) -> list[int]:
        client = visitor()
        sign_in(client, people(*roles))
        return [client.get(f"/datasets/{name}/edit").status_code for name in ("trees", "persons")]

    assert visitor().get("/datasets/trees/edit").status_code == 403
    assert edits() == [403, 403]
    assert edits(("parks-and-gardens", "steward")) == [200, 403]
    assert edits(("parks-and-gardens", "publisher")) == [200, 403]
    assert edits(("parks-and-gardens", "reader")) == [403, 403]
    assert edits(("city", "steward")) == [403, 403]
    assert edits(("*", "steward")) == [200, 200]
    assert edits(("*", "auditor")) == [403, 403]


def test_an_office_cannot_move_its_contract_onto_anothers_files(
    visitor: Visitor, people: Callable[..., Person]
) -> None:
    client = visitor()
    sign_in(client, people(("parks-and-gardens", "publisher")))
    page = client.get("/datasets/trees/edit?as=text").text
    base = re.search(r'name="base" value="([^"]+)"', page)
    assert base
    for old, new in (("sources/trees.csv", "sources/persons.csv"), ("Parks and Gardens", "Registry Office")):
        text = TREES.replace(old, new).replace("version: 1.0.0", "version: 2.0.0")
        given = {"text": text, "base": base[1], "do": "keep", "csrf": csrf(client)}
        answer = client.post("/datasets/trees/edit", data=given)
        assert answer.status_code == 403
        assert "is the city&#39;s to change" in answer.text


def test_the_desk_is_the_stewards(visitor: Visitor, people: Callable[..., Person]) -> None:
    def desk(*roles: tuple[str, str]) -> tuple[int, int]:
        client = visitor()
        sign_in(client, people(*roles))
        return client.get("/desk").status_code, client.get("/desk/webhooks").status_code

    assert desk() == (403, 403)
    assert desk(("parks-and-gardens", "steward")) == (200, 403)
    assert desk(("*", "steward")) == (200, 200)


def test_no_secret_is_logged(visitor: Visitor, people: Callable[..., Person], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    client, person = visitor(), people()
    sign_in(client, person, "a wrong but very secret phrase")
    sign_in(client, person)
    client.get("/account")
    for text in ("very secret phrase", PHRASE, cookie(client), person.mail):
        assert text not in caplog.text
