"""Programs of whoever is signed in: registering them, making and turning their keys, seeing what they took."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
from starlette.responses import RedirectResponse, Response

from arengo.errors import BadForm, BadQuery, CallerError, NotFound
from arengo.governance.agreement import Agreement
from arengo.governance.application import DAYS, OVERLAP, ApiKey, Application, ClientKey, offices
from arengo.portal.agreement_story import Names
from arengo.portal.agreement_words import badge
from arengo.portal.form import Form
from arengo.portal.login import asked
from arengo.portal.sheet import Sheet
from arengo.portal.usage import bars, kind_word
from arengo.portal.visit import Visit
from arengo.services.reading import Day

SPANS = (30, 90, 365)
LASTS = (30, 90, 180, 365)
"""Days a key may be made for."""
IDLE = 60
"""Days after which a key nobody showed is said to be idle."""


def listing(visit: Visit) -> Response:
    """``GET /applications``."""
    return asked(visit) or _listing(visit, Sheet(visit, "application"))


def register(visit: Visit, form: Form) -> Response:
    """``POST /applications``."""
    refused = asked(visit)
    if refused:
        return refused
    sheet = Sheet(visit, "application", form)
    title = sheet.text("title", 200, visit._("Give it the name its users know."), line=True)
    words = sheet.text("words", 4000)
    organisation = form.one("organisation")
    if not sheet.errors:
        try:
            made = visit.site.applications.create(
                title, visit.caller, organisation=organisation, words=words, contacts=_lines(form.one("contacts"))
            )
            return _go(f"/applications/{quote(made.id)}")
        except BadForm as error:
            sheet.wrong("contacts" if "e-mail" in error.met else "title", f"{error.met} {error.todo}")
        except CallerError as error:
            sheet.wrong("", f"{error.met} {error.todo}", error.status)
    return _listing(visit, sheet)


def _listing(visit: Visit, sheet: Sheet) -> Response:
    store, names = visit.site.access.store, Names(visit)
    found = store.applications.mine(visit.caller)
    since = store.consumption.today() - timedelta(days=29)
    taken = {
        item.key[0]: item for item in store.consumption.used(("application",), applications=_ids(found), since=since)
    }
    names.learn(item.owner for item in found)
    lines = []
    for item in found:
        keys = store.applications.keys(item.id, visit.caller)
        live = sum(key.state(visit.now) == "live" for key in keys)
        used = max((key.used for key in keys if key.used), default=None)
        lines.append(
            {
                "id": item.id,
                "title": item.title,
                "words": item.words,
                "organisation": names.organisation(item.organisation) if item.organisation else "",
                "owner": "" if store.applications.owns(item, visit.caller) else names.person(item.owner),
                "active": item.active,
                "live": live,
                "used": visit.speech.date(used) if used else "",
                "calls": taken[item.id].calls if item.id in taken else 0,
            }
        )
    values = {"lines": lines, "f": sheet, "organisations": _organisations(visit, names)}
    return _private(visit.page("applications.html", values, sheet.status))


def _organisations(visit: Visit, names: Names) -> list[tuple[str, str]]:
    """Those the visitor may register a program for, her own first."""
    by = visit.caller
    held = dict.fromkeys([by.organisation, *(name for name, _ in by.roles if name != "*")])
    return [(name, names.organisation(name)) for name in held if name]


def single(visit: Visit) -> Response:
    """``GET /applications/{id}``."""
    return asked(visit) or _single(visit, Sheet(visit, "application"))


def take(visit: Visit, form: Form) -> Response:
    """``POST /applications/{id}``: a key, its turning or its end, a block; what is secret is in this answer alone."""
    refused = asked(visit)
    if refused:
        return refused
    sheet, name, by = Sheet(visit, "application", form), visit.request.path_params["application"], visit.caller
    applications, act, key = visit.site.applications, form.one("act"), form.one("key")
    at = f"/applications/{quote(name, safe='')}"
    made: dict[str, Any] = {}
    try:
        if act == "key":
            item, text = applications.issue(
                name, by, agreement=form.one("agreement"), title=form.one("title"), days=_days(form)
            )
            made = {"kind": "key", "text": text, "until": item.expires_at}
        elif act == "rotate":
            overlap = timedelta(0) if form.one("at_once") else OVERLAP
            item, text = applications.rotate(name, key, by, overlap=overlap)
            made = {"kind": "key", "text": text, "until": item.expires_at, "before": visit.now + overlap}
        elif act == "secret":
            held, text = applications.secret(name, by, days=_days(form))
            made = {"kind": "secret", "text": text, "until": held.expires_at}
        elif act == "jwk":
            applications.register(name, _jwk(form.one("jwk")), by, days=_days(form))
            return _go(f"{at}#tokens")
        elif act == "revoke":
            applications.revoke(name, key, by)
            return _go(f"{at}#keys")
        elif act == "block":
            applications.block(name, by, form.one("why"))
            return _go(at)
        elif act == "unblock":
            applications.unblock(name, by)
            return _go(at)
        elif act == "describe":
            applications.describe(
                name, by, title=form.one("title"), words=form.one("words"), contacts=_lines(form.one("contacts"))
            )
            return _go(at)
        elif act == "transfer":
            applications.seen(name, by)
            person = visit.site.parties.by_mail(form.one("mail"))
            if person is None:
                raise BadForm("Nobody with that e-mail address has an account here.", todo="Invite her first.")
            held_for = offices(visit.site.parties, person)
            applications.transfer(name, person.id, by, form.one("why"), acts_for=held_for)
            return _go("/applications")
        else:
            raise BadQuery("The form asks for nothing we know.")
    except NotFound:
        raise
    except CallerError as error:
        sheet.wrong({"jwk": "jwk", "transfer": "mail", "describe": "title"}.get(act, ""), f"{error.met} {error.todo}")
    return _single(visit, sheet, made)


def _single(visit: Visit, sheet: Sheet, made: dict[str, Any] | None = None) -> Response:
    store, names, by = visit.site.access.store, Names(visit), visit.caller
    item = store.applications.seen(visit.request.path_params["application"], by)
    accords = _agreements(visit, item)
    keys = store.applications.keys(item.id, by)
    clients = store.applications.clients(item.id, by)
    names.learn([item.owner, item.blocked_by])
    titles = {accord.id: names.dataset(accord.dataset) for accord in accords}
    organisation = names.organisation(item.organisation) if item.organisation else ""
    values = {
        "app": item,
        "owner": names.person(item.owner),
        "blocked_by": names.person(item.blocked_by),
        "organisation": organisation,
        "owns": store.applications.owns(item, by),
        "unblocks": store.applications.oversees(item, by) or item.blocked_by == by.party,
        "keys": _keys(visit, keys, titles),
        "clients": [_client(visit, key) for key in clients],
        "accords": [_accord(visit, accord, names) for accord in accords],
        "scopes": [(a.id, names.dataset(a.dataset)) for a in accords if a.state in ("active", "pending", "suspended")],
        "made": made or None,
        "lasts": [(days, visit.speech.many("%(n)s day", "%(n)s days", days)) for days in LASTS],
        "longest": DAYS,
        "f": sheet,
        **_usage(visit, item),
    }
    return _private(visit.page("application.html", values, sheet.status))


def _agreements(visit: Visit, item: Application) -> list[Agreement]:
    found = visit.site.agreements.listing(visit.caller, side="consumer", limit=1000)
    return [accord for accord in found if accord.application == item.id and accord.state != "superseded"]


def _accord(visit: Visit, accord: Agreement, names: Names) -> dict[str, Any]:
    purpose = visit.site.agreements.purposes.find(accord.purpose)
    left = None
    if accord.current(visit.now):
        left = visit.site.access.store.left(visit.caller, accord)
    mark = badge(visit, accord)
    return {
        "id": accord.id,
        "dataset": accord.dataset,
        "title": names.dataset(accord.dataset),
        "purpose": purpose.title if purpose else "",
        "state": mark.state,
        "word": mark.word,
        "tone": mark.tone,
        "until": visit.speech.date(accord.valid_to),
        "left": left,
    }


def _keys(visit: Visit, keys: Iterable[ApiKey], titles: dict[str, str]) -> list[dict[str, Any]]:
    """Those that work first, each time the newest first."""
    held = list(keys)
    replaced = {key.rotated_from for key in held if not key.revoked_at}
    lines = [_key(visit, key, titles) | {"replaced": key.id in replaced} for key in held]
    return sorted(lines, key=lambda line: line["state"] != "live")


def _key(visit: Visit, key: ApiKey, titles: dict[str, str]) -> dict[str, Any]:
    state = key.state(visit.now)
    left = (key.expires_at - visit.now).days
    return {
        "id": key.id,
        "title": key.title,
        "prefix": key.prefix,
        "opens": titles.get(key.agreement, key.agreement),
        "agreement": key.agreement,
        "state": state,
        "made": visit.speech.date(key.created_at),
        "until": visit.speech.date(key.revoked_at or key.expires_at),
        "used": visit.speech.date(key.used) if key.used else "",
        "idle": state == "live" and _idle(visit, key.used, key.created_at),
        "soon": state == "live" and left < 14,
    }


def _client(visit: Visit, key: ClientKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "kind": key.kind,
        "shown": f"arengo_s1_{key.id}…" if key.kind == "secret" else key.id,
        "state": key.state(visit.now),
        "made": visit.speech.date(key.created_at),
        "until": visit.speech.date(key.revoked_at or key.expires_at),
        "used": visit.speech.date(key.used) if key.used else "",
    }


def _idle(visit: Visit, used: date | None, made: datetime) -> bool:
    return (visit.now.date() - (used or made.date())).days > IDLE


def _usage(visit: Visit, item: Application) -> dict[str, Any]:
    consumption = visit.site.consumption
    asked_days = visit.param("days")
    span = int(asked_days) if asked_days.isdigit() and int(asked_days) in SPANS else SPANS[0]
    today = consumption.today()
    since = today - timedelta(days=span - 1)
    days = consumption.used(("day",), applications=[item.id], since=since)
    counted = [Day(used.key[0], "", used.calls, 0) for used in days if isinstance(used.key[0], date)]
    say, names = visit.speech, Names(visit)
    by_dataset = consumption.used(("dataset", "face"), applications=[item.id], since=since)
    return {
        "span": span,
        "spans": SPANS,
        "bars": bars(visit, counted, since, today) if counted else None,
        "calls": sum(used.calls for used in days),
        "refused": sum(used.refused for used in days),
        "rows": sum(used.rows for used in days),
        "days": [
            (say.date(used.key[0]), say.number(used.calls), say.number(used.refused), say.number(used.rows))
            for used in reversed(days)
            if isinstance(used.key[0], date)
        ],
        "by_dataset": [
            {
                "id": str(used.key[0]),
                "title": names.dataset(str(used.key[0])) if used.key[0] else visit._("other addresses"),
                "face": kind_word(visit, str(used.key[1])),
                "calls": say.number(used.calls),
                "refused": say.number(used.refused),
                "rows": say.number(used.rows),
            }
            for used in sorted(by_dataset, key=lambda used: -used.calls)
        ],
    }


def _jwk(text: str) -> dict[str, Any]:
    """A public key as a JSON Web Key or PEM. Raises BadForm."""
    text = text.strip()
    if "-----BEGIN" in text:
        from arengo.governance.jose import of_pem

        return of_pem(text)
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise BadForm("This is no public key.", todo="Paste a JSON Web Key or a PEM block.")
    return found


def _days(form: Form) -> int:
    given = form.one("days", str(LASTS[-1]))
    return int(given) if given.isdigit() and len(given) < 6 else LASTS[-1]


def _lines(text: str) -> list[str]:
    return [part.strip() for part in text.replace(",", "\n").splitlines() if part.strip()]


def _ids(found: Iterable[Application]) -> list[str]:
    return [item.id for item in found]


def _go(target: str) -> Response:
    return RedirectResponse(target, 303, {"Cache-Control": "no-store"})


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
