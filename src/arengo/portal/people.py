"""People and roles of an organisation, for its administrators: invite, give roles, block, help who is locked out."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse, Response

from arengo.errors import BadForm, CallerError, NotAllowed
from arengo.governance import ASSURANCE, CITY_WIDE, ROLES, Caller
from arengo.governance.role import needed
from arengo.governance.seal import digest
from arengo.portal.account import place_name, role_words
from arengo.portal.form import Form
from arengo.portal.login import asked
from arengo.portal.operator import acting, holds_key
from arengo.portal.visit import Visit


def listing(visit: Visit) -> Response:
    """``GET /people``: the organisations whose people one manages."""
    return _asked(visit) or _listing(visit)


def add(visit: Visit, form: Form) -> Response:
    """``POST /people``: an organisation, or a department of one."""
    refused = _asked(visit, fresh=True)
    if refused:
        return refused
    try:
        made = visit.site.parties.add_organisation(form.one("name"), form.one("parent"), by=acting(visit))
    except CallerError as error:
        return _listing(visit, error, form)
    return _go(f"/people/{made.id}")


def single(visit: Visit) -> Response:
    """``GET /people/{organisation}``; ``*`` stands for the whole city."""
    return _asked(visit) or _single(visit)


def take(visit: Visit, form: Form) -> Response:
    """``POST /people/{organisation}``: invite, roles, block, let in, link, app."""
    refused = _asked(visit, fresh=True)
    if refused:
        return refused
    parties, by, where = visit.site.parties, acting(visit), _where(visit)
    person, act = form.one("person"), form.one("act")
    try:
        if act == "invite":
            return _invite(visit, form, by, where)
        if act == "roles":
            parties.set_roles(person, where, [role for role in ROLES if role in form.get("role", ())], by=by)
        elif act in ("block", "let-in"):
            parties.block(person, by=by, blocked=act == "block")
        elif act == "link":
            return _link(visit, person, parties.invitations.renew(person, by=by))
        elif act == "app":
            found = parties.person(person)
            parties.answers_for(found, by)
            parties.totps.drop(person)
            body = {"act": "second factor removed", "person": person}
            parties.tell(
                "administration", actor=by.party, organisation=found.organisation, body=body, subjects=[person]
            )
        else:
            raise BadForm("There is no such step.")
    except CallerError as error:
        return _single(visit, error, form)
    return _go(f"/people/{where}#{person}")


def _invite(visit: Visit, form: Form, by: Caller, where: str) -> Response:
    wanted = [role for role in ROLES if role in form.get("role", ())]
    if not wanted:
        raise BadForm(visit._("Choose at least one role."))
    found, link = visit.site.parties.invitations.invite(
        form.one("name"), form.one("mail"), where, wanted, by=by, language=visit.language
    )
    return _link(visit, found.id, link) if link else _go(f"/people/{where}#{found.id}")


def _link(visit: Visit, person: str, link: str) -> Response:
    """A letter with the link where the city can send one; otherwise the link, once."""
    site = visit.site
    found, letters = site.parties.person(person), site.participation.letters
    path = f"/invitation/{link}"
    if letters.able:
        with site.state.write() as connection:
            login = visit.settings.login
            kind = "invited" if found.state == "invited" else "reset"
            facts = {"link": path, "name": found.name, "days": login.invitation_days, "hours": login.reset_hours}
            letters.put(connection, f"{kind}-{digest(link)[:16]}", kind, found.mail, found.language, facts)
        return _single(visit, sent=found.mail)
    from arengo.portal.login import base

    return _single(visit, link=base(visit) + path, sent=found.mail)


def _asked(visit: Visit, *, fresh: bool = False) -> Response | None:
    """The way in for everybody who manages nobody here."""
    if holds_key(visit):
        return None
    refused = asked(visit, fresh=fresh)
    if refused:
        return refused
    assert visit.session is not None
    if any(name == "administrator" for _, name in visit.caller.roles):
        return None
    resting = [level for _, name, level in visit.session.resting if name == "administrator"]
    if resting:
        return asked(visit, level=min(resting))
    raise NotAllowed(
        "Only administrators manage people.", todo="Ask an administrator of your organisation to give you the role."
    )


def _listing(visit: Visit, error: CallerError | None = None, form: Form | None = None) -> Response:
    by, parties = acting(visit), visit.site.parties
    counts: dict[str, int] = {}
    for person in parties.people():
        counts[person.organisation] = counts.get(person.organisation, 0) + 1
    mine = [item for item in parties.organisations().values() if by.has("administrator", item.id)]
    values = {
        "wide": by.has("administrator", CITY_WIDE),
        "lines": [
            {
                "id": item.id,
                "name": item.name,
                "people": counts.get(item.id, 0),
                "parent": place_name(visit, item.parent) if item.parent else "",
                "owner": item.owner,
            }
            for item in mine
        ],
        "wrong": error,
        "name": form.one("name") if form else "",
        "parent": form.one("parent") if form else "",
        "key": holds_key(visit),
    }
    return _private(visit.page("people.html", values, error.status if error else 200))


def _single(
    visit: Visit, error: CallerError | None = None, form: Form | None = None, *, link: str = "", sent: str = ""
) -> Response:
    by, parties, where = acting(visit), visit.site.parties, _where(visit)
    if where != CITY_WIDE:
        parties.organisation(where)
    if not by.has("administrator", where):
        raise NotAllowed(
            f"Only an administrator of {place_name(visit, where)} manages its people.",
            todo="Ask one, or whoever keeps the city's key.",
        )
    roles: dict[str, dict[str, str]] = {}
    for item in parties.roles(organisation=where):
        roles.setdefault(item.person, {}).setdefault(item.role, item.source)
    waiting = parties.invitations.waiting()
    people: list[dict[str, Any]] = []
    for person in parties.people(where):
        if where == CITY_WIDE and person.id not in roles:
            continue
        try:
            parties.answers_for(person, by)
            whole = True
        except NotAllowed:
            whole = False
        people.append(
            {
                "person": person,
                "roles": roles.get(person.id, {}),
                "whole": whole,
                "me": person.id == by.party,
                "until": waiting.get(person.id),
                "app": parties.totps.has(person.id),
                "elsewhere": "" if person.organisation == where else place_name(visit, person.organisation),
            }
        )
    rests = {name: ASSURANCE[level] for name, level in needed(visit.settings.login.assurance).items()}
    again = form is not None and error is not None and form.one("act") == "invite"
    values = {
        "where": where,
        "name": place_name(visit, where),
        "wide": where == CITY_WIDE,
        "people": people,
        "roles": [(role, *role_words(visit)[role], rests.get(role, "")) for role in ROLES],
        "wrong": error,
        "given": {"name": form.one("name"), "mail": form.one("mail"), "role": form.get("role", ())}
        if again and form is not None
        else {"name": "", "mail": "", "role": ()},
        "link": link,
        "sent": sent,
        "days": visit.settings.login.invitation_days,
        "able": visit.site.participation.letters.able,
    }
    return _private(visit.page("people_of.html", values, error.status if error else 200))


def _where(visit: Visit) -> str:
    return str(visit.request.path_params["organisation"])


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _go(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})
