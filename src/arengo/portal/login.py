"""Signing in and out: password, code, passkey, the city's providers, a link for who forgot, and once more for sure."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from arengo.errors import ArengoError, NotAllowed, NotFound, NotKnown, SourceError, StepUp, TooOften
from arengo.faces.site import forwarded
from arengo.governance import ASSURANCE
from arengo.governance.passkey import Place
from arengo.governance.person import Person
from arengo.governance.seal import digest
from arengo.governance.session import cookie_name
from arengo.portal.form import Form
from arengo.portal.visit import Visit, safe_target
from arengo.services.wording import mail as read_mail

HALF = "arengo_login"
"""Cookie of a login that waits for a code, or for the provider to send the browser back."""
HALF_LASTS = 600
PROVEN = "/account"


# Ways in


def page(visit: Visit) -> Response:
    """``GET /login?next=``."""
    if visit.session is not None:
        return _go(target(visit))
    return _page(visit)


def enter(visit: Visit, form: Form) -> Response:
    """``POST /login``: address and password."""
    try:
        right = visit.site.local.password(form.one("mail"), _untrimmed(form, "password"), network(visit))
    except (NotKnown, TooOften) as error:
        return _page(visit, error, form.one("mail"))
    if right.pending:
        answer = _go(f"/login/code?{urlencode({'next': target(visit, form)})}")
        _keep(visit, answer, right.pending)
        return answer
    return arrived(visit, right.person, right.assurance, right.method, target(visit, form))


def code_page(visit: Visit) -> Response:
    """``GET /login/code``."""
    if visit.site.local.pending(_half(visit)) is None:
        return _go("/login")
    return _code(visit)


def code(visit: Visit, form: Form) -> Response:
    """``POST /login/code``: the app's code, or a recovery code."""
    try:
        right = visit.site.local.code(_half(visit), form.one("code"), network(visit))
    except (NotKnown, TooOften) as error:
        if visit.site.local.pending(_half(visit)) is None:
            return _page(visit, error)
        return _code(visit, error)
    answer = arrived(visit, right.person, right.assurance, right.method, target(visit, form))
    _drop(visit, answer)
    return answer


def passkey(visit: Visit, form: Form) -> Response:
    """``POST /login/passkey``: what the browser's key signed."""
    place = where(visit)
    try:
        if place is None:
            raise NotKnown("Passkeys need the city's own address.", todo="Sign in another way.")
        right = visit.site.local.passkey(form.one("challenge"), form.one("answer"), place, network(visit))
    except (NotKnown, TooOften, NotFound) as error:
        return _page(visit, error)
    return arrived(visit, right.person, right.assurance, right.method, target(visit, form))


def away(visit: Visit) -> Response:
    """``GET /login/with/{provider}?next=&level=``: to a provider."""
    level = visit.param("level")
    session = visit.session.id if visit.session is not None and visit.param("again") else ""
    try:
        address, browser = visit.site.logins.begin(
            visit.request.path_params["provider"],
            base(visit),
            next=target(visit),
            session=session,
            level=ASSURANCE.index(level) if level in ASSURANCE[1:] else 0,
            invitation=_half(visit) if visit.param("invited") else "",
        )
    except SourceError as error:
        return _page(visit, error)
    answer = _go(address)
    _keep(visit, answer, browser)
    return answer


def back(visit: Visit) -> Response:
    """``GET /login/return/{provider}``: from a provider."""
    try:
        found = visit.site.logins.finish(
            visit.request.path_params["provider"], dict(visit.request.query_params), _half(visit)
        )
        if found.session and (visit.session is None or visit.session.person.id != found.person.id):
            raise NotKnown("Somebody else signed in at the provider.", todo="Sign in again as yourself.")
    except (NotKnown, StepUp, SourceError) as error:
        answer = _page(visit, error)
        _drop(visit, answer)
        return answer
    answer = arrived(visit, found.person, found.assurance, found.provider, found.next, found.id_token)
    _drop(visit, answer)
    return answer


def arrived(visit: Visit, person: Person, assurance: int, method: str, next: str, id_token: str = "") -> Response:
    """A session for whoever has proven who it is; the same one, made surer, when the person is signed in already."""
    sessions, held = visit.site.sessions, visit.session
    if held is not None and held.person.id == person.id:
        cookie = sessions.step_up(visit.cookie, assurance, method=method, id_token=id_token)
    else:
        cookie = sessions.open(
            person.id, assurance, method=method, agent=browser(visit), id_token=id_token, before=visit.cookie
        )
    answer = _go(safe_target(next))
    set_cookie(visit, answer, cookie_name(visit.secure), cookie, int(visit.settings.login.hours * 3600))
    return answer


# Once more


def again_page(visit: Visit) -> Response:
    """``GET /login/again?next=&level=``: for what asks for a fresh or surer login."""
    if visit.session is None:
        return _go(f"/login?{urlencode({'next': target(visit)})}")
    return _again(visit)


def again(visit: Visit, form: Form) -> Response:
    """``POST /login/again``: the password or a passkey of whoever is signed in."""
    if visit.session is None:
        return _go("/login")
    person, place = visit.session.person, where(visit)
    try:
        if form.one("answer") and place is not None:
            right = visit.site.local.passkey(
                form.one("challenge"), form.one("answer"), place, network(visit), person=person.id
            )
        else:
            right = visit.site.local.confirm(person, _untrimmed(form, "password"), network(visit))
    except (NotKnown, TooOften) as error:
        return _again(visit, error)
    if right.pending:
        answer = _go(f"/login/code?{urlencode({'next': target(visit, form)})}")
        _keep(visit, answer, right.pending)
        return answer
    return arrived(visit, right.person, right.assurance, right.method, target(visit, form))


def asked(visit: Visit, *, fresh: bool = False, level: int = 0) -> Response | None:
    """The way to what a page needs: being signed in, a ``fresh`` login, at least ``level``; None when all is there."""
    here = visit.here() if visit.request.method in ("GET", "HEAD") else visit.request.url.path
    if visit.session is None:
        return _go(f"/login?{urlencode({'next': here})}")
    if visit.caller.assurance < level or (fresh and not visit.site.sessions.fresh(visit.session)):
        wanted = {"next": here} | ({"level": ASSURANCE[level]} if level else {})
        return _go(f"/login/again?{urlencode(wanted)}")
    return None


# Out


def out_page(visit: Visit) -> Response:
    """``GET /logout``."""
    return _private(visit.page("logout.html", {"signed_in": visit.session is not None, "provider": "", "leave": ""}))


def out(visit: Visit, form: Form) -> Response:
    """``POST /logout``: ends the session here, and leads to where it ends at the provider too."""
    held, leave, title = visit.session, "", ""
    if held is not None:
        token = visit.site.sessions.close(visit.cookie)
        if token:
            leave = visit.site.logins.leave(held.method, token, base(visit))
            title = visit.site.logins.providers[held.method].title if leave else ""
    visit.renew("")
    answer = visit.page("logout.html", {"signed_in": False, "provider": title, "leave": leave})
    answer.delete_cookie(cookie_name(visit.secure), path="/", secure=visit.secure, httponly=True, samesite="lax")
    answer.headers["Referrer-Policy"] = "no-referrer"
    # Whoever uses the computer next finds nothing of this visit in the browser's memory.
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


# Links


def forgot_page(visit: Visit) -> Response:
    """``GET /login/forgot``."""
    able = visit.site.participation.letters.able
    return _private(visit.page("forgot.html", {"sent": False, "able": able, "wrong": None, "mail": ""}))


def forgot(visit: Visit, form: Form) -> Response:
    """``POST /login/forgot``: a letter to whoever has that address here; the same answer to everybody."""
    given = form.one("mail").lower()
    able = visit.site.participation.letters.able
    values: dict[str, Any] = {"sent": False, "able": able, "wrong": None, "mail": given}
    try:
        address = read_mail(given)
        visit.site.parties.throttle.enter(f"forgot {address}", network(visit))
    except ArengoError as error:
        values["wrong"] = error
        return _private(visit.page("forgot.html", values, error.status))
    answer = _private(visit.page("forgot.html", values | {"sent": True}))
    if able and visit.settings.login.local:
        # after the answer, so that its time tells nothing
        answer.background = BackgroundTask(_send_link, visit, address)
    return answer


def _send_link(visit: Visit, address: str) -> None:
    site, person = visit.site, visit.site.parties.by_mail(address)
    if person is None or not person.active:
        return
    services = site.participation
    with contextlib.suppress(TooOften):
        services.posting.letter(services.key.mark("mail", address))
        with site.state.write() as connection:
            link = site.parties.invitations.forgotten(connection, person)
            facts = {"link": f"/invitation/{link}", "hours": visit.settings.login.reset_hours, "name": person.name}
            services.letters.put(connection, f"reset-{digest(link)[:16]}", "reset", address, person.language, facts)


def invitation_page(visit: Visit) -> Response:
    """``GET /invitation/{link}``."""
    return _invitation(visit)


def invitation(visit: Visit, form: Form) -> Response:
    """``POST /invitation/{link}``: a name and a password; the link opens nothing afterwards."""
    parties, link = visit.site.parties, visit.request.path_params["link"]
    found = parties.invitations.look(link)
    if form.one("with"):
        provider = visit.site.logins.provider(form.one("with"))
        answer = _go(f"/login/with/{provider.id}?{urlencode({'invited': '1', 'next': PROVEN})}")
        _keep(visit, answer, link)
        return answer
    if not visit.settings.login.local:
        raise NotAllowed("This city keeps no passwords.", todo="Sign in with one of its providers.")
    given = _untrimmed(form, "password")
    wrong = weakness(visit, parties.passwords.weakness(given, found.person))
    if wrong:
        return _invitation(visit, wrong, form.one("name"))
    person = parties.invitations.accept(link, given, form.one("name"))
    if parties.totps.has(person.id):  # a forgotten password is one factor; the other is still asked
        return _go("/login")
    return arrived(visit, person, 1, "password", PROVEN)


def _invitation(visit: Visit, wrong: str = "", name: str = "") -> Response:
    found = visit.site.parties.invitations.look(visit.request.path_params["link"])
    values = {
        "found": found,
        "by": visit.site.parties.names([found.given_by]).get(found.given_by, ""),
        "local": visit.settings.login.local,
        "providers": list(visit.site.logins.providers.values()) if found.kind == "invite" else [],
        "wrong": wrong,
        "name": name or found.person.name,
        "length": visit.settings.login.password_length,
        "organisation": visit.site.parties.organisations()[found.person.organisation].name,
    }
    answer = _private(visit.page("invitation.html", values, 400 if wrong else 200))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


# Pieces


def weakness(visit: Visit, why: str) -> str:
    """Why a password is not taken, in words; '' when it is."""
    _ = visit._
    n = visit.speech.number(visit.settings.login.password_length)
    return {
        "": "",
        "short": _(
            "A password needs at least %(n)s characters. Three or four words that do not belong together do.", n=n
        ),
        "long": _("A password has at most 256 characters."),
        "common": _("That password is one of the first that strangers try."),
        "near": _("That password is too near to your name or address."),
    }[why]


def network(visit: Visit) -> str:
    """Whence a request comes, past the city's own proxies."""
    request, hops = visit.request, visit.settings.participation.proxies
    address = request.client.host if request.client else ""
    listed = [part.strip() for part in forwarded(request).split(",") if part.strip()]
    return listed[max(0, len(listed) - hops)] if hops > 0 and listed else address


def where(visit: Visit) -> Place | None:
    """Where passkeys are good: the city's address, or this computer while it is tried out; None elsewhere."""
    said = urlsplit(visit.settings.city.url)
    if said.scheme == "https" and said.hostname:
        return Place(said.hostname, f"https://{said.netloc}")
    asked = urlsplit(f"//{visit.request.headers.get('host', '')}")
    if asked.hostname == "localhost":  # the browser calls it secure without https
        return Place("localhost", f"{visit.request.url.scheme}://{asked.netloc}")
    return None


def base(visit: Visit) -> str:
    """What stands before every path of this site."""
    from arengo.faces.site import public_address

    return public_address(visit.settings, visit.request)


def browser(visit: Visit) -> str:
    """Browser and system in two words, so that people know their sessions apart."""
    text = visit.request.headers.get("user-agent", "")[:400]
    programs = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    systems = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
               ("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip
    program = next((name for sign, name in programs if sign in text), "")
    system = next((name for sign, name in systems if sign in text), "")
    return ", ".join(part for part in (program, system) if part)


def target(visit: Visit, form: Form | None = None) -> str:
    """Where to go afterwards: an address of this site, and none that leads in circles."""
    given = (form.one("next") if form is not None else "") or visit.param("next")
    found = safe_target(given) if given else PROVEN
    astray = (found == "/" and given != "/") or found.partition("?")[0].startswith(("/login", "/logout"))
    return PROVEN if astray else found


def set_cookie(visit: Visit, answer: Response, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(name, value, seconds, path="/", samesite="lax", httponly=True, secure=visit.secure)


def _page(visit: Visit, error: ArengoError | None = None, mail: str = "") -> Response:
    place = where(visit)
    challenge = visit.site.parties.passkeys.challenge("open") if place and visit.settings.login.local else ""
    values = {
        "wrong": error,
        "mail": mail,
        "next": target(visit),
        "local": visit.settings.login.local,
        "providers": list(visit.site.logins.providers.values()),
        "challenge": challenge,
        "options": visit.site.parties.passkeys.request(challenge, place) if challenge and place else "",
        "able": visit.site.participation.letters.able,
    }
    return _private(_late(visit.page("login.html", values, _status(error)), error))


def _code(visit: Visit, error: ArengoError | None = None) -> Response:
    values = {"wrong": error, "next": target(visit)}
    return _private(_late(visit.page("login_code.html", values, _status(error)), error))


def _again(visit: Visit, error: ArengoError | None = None) -> Response:
    assert visit.session is not None
    parties, person, place = visit.site.parties, visit.session.person, where(visit)
    keys = parties.passkeys.of(person.id) if place else ()
    challenge = parties.passkeys.challenge("open", person.id) if keys else ""
    level = visit.param("level")
    wanted = ASSURANCE.index(level) if level in ASSURANCE[1:] else 0
    known = parties.identities(person.id)
    values = {
        "wrong": error,
        "next": target(visit),
        "level": level if wanted else "",
        "short": wanted > visit.session.assurance,
        "password": parties.passwords.has(person.id) and visit.settings.login.local,
        "app": parties.totps.has(person.id),
        "providers": [item for item in visit.site.logins.providers.values() if item.id in known],
        "challenge": challenge,
        "options": parties.passkeys.request(challenge, place) if challenge and place else "",
        "wanted": wanted,
    }
    return _private(_late(visit.page("login_again.html", values, _status(error)), error))


def _status(error: ArengoError | None) -> int:
    if error is None:
        return 200
    return 403 if isinstance(error, NotKnown) else 503 if isinstance(error, SourceError) else error.status


def _late(answer: Response, error: ArengoError | None) -> Response:
    if isinstance(error, TooOften):
        answer.headers["Retry-After"] = str(getattr(error, "seconds", 60))
    return answer


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _go(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})


def _untrimmed(form: Form, name: str) -> str:
    """A password as it was typed."""
    return next(iter(form.get(name, ())), "")


def _half(visit: Visit) -> str:
    return visit.request.cookies.get(HALF, "")


def _keep(visit: Visit, answer: Response, secret: str) -> None:
    set_cookie(visit, answer, HALF, secret, HALF_LASTS)


def _drop(visit: Visit, answer: Response) -> None:
    answer.delete_cookie(HALF, path="/", secure=visit.secure, httponly=True, samesite="lax")
