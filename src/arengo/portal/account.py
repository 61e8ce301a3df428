"""What people see of their own account, and change: roles, ways to sign in, sessions."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse, Response

from arengo.errors import CallerError, TooOften
from arengo.governance import ASSURANCE, CITY_WIDE
from arengo.governance.session import cookie_name
from arengo.portal.form import Form
from arengo.portal.login import asked, network, set_cookie, weakness, where
from arengo.portal.visit import Visit


def page(visit: Visit) -> Response:
    """``GET /account``."""
    return asked(visit) or _page(visit)


def take(visit: Visit, form: Form) -> Response:
    """``POST /account``: end sessions."""
    refused = asked(visit)
    if refused:
        return refused
    assert visit.session is not None
    sessions, person = visit.site.sessions, visit.session.person
    if form.one("act") == "end":
        sessions.end(person.id, form.one("session"))
    elif form.one("act") == "end-others":
        sessions.end(person.id, but=visit.session.id)
    return _go("/account#sessions")


def _page(visit: Visit) -> Response:
    held = visit.session
    assert held is not None
    parties, person = visit.site.parties, held.person
    organisations, words = parties.organisations(), role_words(visit)
    resting = {(where, name): level for where, name, level in held.resting}
    lines: dict[str, list[dict[str, Any]]] = {}
    for item in parties.roles(person.id):
        key = (item.organisation, item.role)
        name = place_name(visit, item.organisation)
        level = level_words(visit)[resting[key]] if key in resting else ""
        entry = {"word": words[item.role][0], "means": words[item.role][1], "rests": level, "source": item.source}
        lines.setdefault(name, []).append(entry)
    titles = {item.id: item.title for item in visit.site.logins.providers.values()}
    values = {
        "person": person,
        "organisation": organisations[person.organisation].name if person.organisation in organisations else "",
        "level": level_words(visit)[held.assurance],
        "method": method_words(visit, held.method),
        "roles": lines,
        "resting": bool(resting),
        "wanted": ASSURANCE[max(resting.values())] if resting else "",
        "local": visit.settings.login.local,
        "password": parties.passwords.has(person.id),
        "app": parties.totps.has(person.id),
        "codes": parties.totps.left(person.id),
        "keys": parties.passkeys.of(person.id),
        "able": where(visit) is not None,
        "identities": [titles.get(item, item) for item in parties.identities(person.id)],
        "sessions": [
            {"id": name, "agent": agent, "method": method_words(visit, method), "since": since, "seen": seen}
            for name, agent, method, since, seen in visit.site.sessions.of(person.id)
        ],
        "here": held.id,
        "administers": any(name == "administrator" for _, name in held.caller.roles),
    }
    return _private(visit.page("account.html", values))


# Password


def password_page(visit: Visit) -> Response:
    """``GET /account/password``."""
    return asked(visit, fresh=True) or _password(visit)


def password(visit: Visit, form: Form) -> Response:
    """``POST /account/password``: a new one; every other session ends."""
    refused = asked(visit, fresh=True)
    if refused:
        return refused
    assert visit.session is not None
    parties, person, held = visit.site.parties, visit.session.person, visit.session
    old, new = (next(iter(form.get(name, ())), "") for name in ("old", "password"))
    if parties.passwords.has(person.id):
        try:
            made = parties.throttle.enter(person.mail, network(visit))
        except TooOften as error:
            return _password(visit, f"{error.met} {error.todo}", "old", 429)
        if not parties.passwords.check(person.id, old):
            return _password(visit, visit._("That is not your present password."), "old")
        parties.throttle.passed(made)
    wrong = weakness(visit, parties.passwords.weakness(new, person))
    if wrong:
        return _password(visit, wrong, "password")
    hashed = parties.passwords.hashed(new)
    with parties.state.write() as connection:
        parties.passwords.put(connection, person.id, hashed)
    visit.site.sessions.end(person.id, but=held.id)
    _told(visit, "password changed")
    return _renewed(visit, "/account#ways")


def _password(visit: Visit, wrong: str = "", field: str = "", status: int = 400) -> Response:
    assert visit.session is not None
    values = {
        "has": visit.site.parties.passwords.has(visit.session.person.id),
        "wrong": wrong,
        "field": field,
        "length": visit.settings.login.password_length,
        "mail": visit.session.person.mail,
    }
    return _private(visit.page("account_password.html", values, status if wrong else 200))


# Authenticator app


def app_page(visit: Visit) -> Response:
    """``GET /account/app``: the QR code while it is set up, otherwise how to take it away."""
    return asked(visit, fresh=True) or _app(visit)


def app(visit: Visit, form: Form) -> Response:
    """``POST /account/app``: confirm, renew recovery codes, or take away."""
    refused = asked(visit, fresh=True)
    if refused:
        return refused
    assert visit.session is not None
    totps, person, act = visit.site.parties.totps, visit.session.person, form.one("act")
    if act == "drop":
        totps.drop(person.id)
        _told(visit, "authenticator app removed")
        return _renewed(visit, "/account#ways")
    if act == "renew" and totps.has(person.id):
        _told(visit, "recovery codes renewed")
        return _app(visit, codes=totps.renew(person.id))
    try:
        made = visit.site.parties.throttle.enter(f"code {person.id}", network(visit))
    except TooOften as error:
        return _app(visit, f"{error.met} {error.todo}", status=429)
    codes = totps.confirm(person.id, form.one("code"))
    if not codes:
        return _app(visit, visit._("That code is not right. Wait for the next one, and check your device's clock."))
    visit.site.parties.throttle.passed(made)
    _told(visit, "authenticator app set up")
    return _surer(visit, codes)


def _app(visit: Visit, wrong: str = "", codes: tuple[str, ...] = (), status: int = 400) -> Response:
    assert visit.session is not None
    totps, person = visit.site.parties.totps, visit.session.person
    has = totps.has(person.id)
    picture = secret = ""
    if not has:
        import segno

        secret, address = totps.begin(person)
        # black on white whatever the theme: cameras want the quiet zone light
        picture = segno.make(address, error="m").svg_data_uri(scale=5, border=4, light="#fff", dark="#000")
    values = {
        "has": has,
        "left": totps.left(person.id),
        "wrong": wrong,
        "codes": codes,
        "picture": picture,
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
    }
    return _private(visit.page("account_app.html", values, status if wrong else 200))


# Passkeys


def keys_page(visit: Visit) -> Response:
    """``GET /account/keys``."""
    return asked(visit, fresh=True) or _keys(visit)


def keys(visit: Visit, form: Form) -> Response:
    """``POST /account/keys``: keep a new one or remove one."""
    refused = asked(visit, fresh=True)
    if refused:
        return refused
    assert visit.session is not None
    passkeys, person, place = visit.site.parties.passkeys, visit.session.person, where(visit)
    if form.one("act") == "drop":
        passkeys.drop(person.id, form.one("key"))
        _told(visit, "passkey removed")
        return _renewed(visit, "/account/keys")
    if place is None:
        return _keys(visit, visit._("Passkeys need the city's own address (city.url in its settings)."))
    name = form.one("name") or (visit.session.agent or visit._("Passkey"))
    try:
        passkeys.add(person, form.one("challenge"), form.one("answer"), place, name)
    except CallerError as error:
        return _keys(visit, f"{error.met} {error.todo}".strip())
    _told(visit, "passkey added")
    return _renewed(visit, "/account/keys")


def _keys(visit: Visit, wrong: str = "") -> Response:
    assert visit.session is not None
    passkeys, person, place = visit.site.parties.passkeys, visit.session.person, where(visit)
    challenge = passkeys.challenge("add", person.id) if place else ""
    values = {
        "keys": passkeys.of(person.id),
        "wrong": wrong,
        "challenge": challenge,
        "options": passkeys.creation(person, challenge, place) if place else "",
        "suggested": visit.session.agent,
    }
    return _private(visit.page("account_keys.html", values, 400 if wrong else 200))


# Words


def role_words(visit: Visit) -> dict[str, tuple[str, str]]:
    """Role -> (its name, what it may) in the reader's language."""
    _ = visit._
    return {
        "reader": (_("reader"), _("reads what the organisation has agreements for")),
        "steward": (_("steward"), _("decides who may read the organisation's data, answers requests")),
        "publisher": (_("publisher"), _("publishes the organisation's data and sees what was set aside")),
        "auditor": (_("auditor"), _("reads the record of who read what and why")),
        "administrator": (_("administrator"), _("invites people and gives roles; reads no data by that")),
    }


def level_words(visit: Visit) -> tuple[str, ...]:
    """Levels of assurance in words, in the order of ASSURANCE."""
    _ = visit._
    return ("", _("low"), _("substantial"), _("high"))


def method_words(visit: Visit, method: str) -> str:
    """How somebody signed in."""
    _ = visit._
    known = {"password": _("password"), "password totp": _("password and code"), "passkey": _("passkey")}
    provider = visit.site.logins.providers.get(method)
    return known.get(method) or (provider.title if provider else method)


def place_name(visit: Visit, organisation: str) -> str:
    """An organisation's name, or the whole city."""
    if organisation == CITY_WIDE:
        return visit._("The whole of %(city)s", city=visit.settings.city.name)
    found = visit.site.parties.organisations().get(organisation)
    return found.name if found else organisation


# Pieces


def _surer(visit: Visit, codes: tuple[str, ...]) -> Response:
    """The page of new codes. A session opened with a password has proven two factors now."""
    assert visit.session is not None
    if visit.session.method != "password":
        return _app(visit, codes=codes)
    cookie = visit.site.sessions.step_up(visit.cookie, 2, method="password totp")
    visit.renew(cookie)
    answer = _app(visit, codes=codes)
    set_cookie(visit, answer, cookie_name(visit.secure), cookie, int(visit.settings.login.hours * 3600))
    return answer


def _renewed(visit: Visit, address: str) -> Response:
    """On, under a new cookie: what a thief copied before the change opens nothing."""
    assert visit.session is not None
    answer = _go(address)
    cookie = visit.site.sessions.step_up(visit.cookie, visit.session.assurance, method=visit.session.method)
    set_cookie(visit, answer, cookie_name(visit.secure), cookie, int(visit.settings.login.hours * 3600))
    return answer


def _told(visit: Visit, act: str) -> None:
    assert visit.session is not None
    person = visit.session.person
    body = {"act": act, "session": visit.session.id}
    visit.site.sessions.tell(
        "login", actor=person.id, organisation=person.organisation, body=body, subjects=[person.id]
    )


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _go(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})
