"""Persons who ask to be forgotten or left alone: search, plan, run, progress, receipt; for data protection.

A person's number is never in an address: it is posted, and the pages that hold it are not kept by anybody.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from arengo.errors import BadForm, CallerError, NotAllowed, NotFound
from arengo.portal.form import Form
from arengo.portal.operator import acting, is_operator
from arengo.portal.sheet import Sheet
from arengo.portal.site import Site
from arengo.portal.visit import HEADERS, Visit
from arengo.services.erasure import ERASE, KEEP, RESTRICT, Erasure, Finished, Item, Plan

OFFICERS = ("steward", "auditor")
"""Who may do this for the whole city: data protection is an auditor of all organisations."""
AT = "/privacy/erasures"
REFRESH = 3
"""Seconds until a page of a request that runs looks again."""


def routes(site: Site) -> list[BaseRoute]:
    return [
        Route(AT, site.serve(page), methods=["GET", "HEAD"]),
        Route(AT, site.take(take), methods=["POST"]),
        Route(f"{AT}/{{request}}.pdf", site.serve(receipt), methods=["GET", "HEAD"]),
        Route(f"{AT}/{{request}}", site.serve(single), methods=["GET", "HEAD"]),
        Route(f"{AT}/{{request}}", site.take(lift), methods=["POST"]),
    ]


def _room(visit: Visit) -> Erasure:
    if visit.site.erasure is None:
        raise NotFound("Erasure is not set up here.", todo="Use 'arengo erasure' on the machine of the city.")
    return visit.site.erasure


def _may(visit: Visit, population: str = "") -> bool:
    """Data protection of the city, or the steward of every dataset about the population."""
    if is_operator(visit, roles=OFFICERS):
        return True
    names = [contract.id for contract in _room(visit).places.contracts(population)] if population else []
    return bool(names) and all(is_operator(visit, name, ("steward",)) for name in names)


def _mine(visit: Visit) -> tuple[str, ...]:
    """The populations the visitor may act for. Raises NotAllowed when there is none."""
    found = tuple(name for name in _room(visit).populations() if _may(visit, name))
    if not found and not is_operator(visit, roles=OFFICERS):
        raise NotAllowed(
            "Requests to be forgotten are for the city's data protection.",
            todo="Sign in as an auditor of the whole city, or as steward of all datasets about these people.",
        )
    return found


def page(visit: Visit) -> Response:
    """``GET /privacy/erasures``."""
    return _listing(visit, Sheet(visit, "erasure"))


def _listing(visit: Visit, sheet: Sheet) -> Response:
    s, mine = visit.speech, _mine(visit)
    items = [item for item in _room(visit).listed() if item.population in mine or _may(visit)]
    values = {
        "f": sheet,
        "populations": [(name, name) for name in mine],
        "kinds": _kinds(visit),
        "requests": [
            {"id": item.id, "href": f"{AT}/{quote(item.id)}", "kind": _kind(visit, item.kind),
             "population": item.population, "reference": item.reference, "at": s.moment(item.at),
             "state": state_word(visit, item), "tone": _tone(item)}
            for item in items
        ],
    }  # fmt: skip
    return _private(visit.page("erasures.html", values, sheet.status))


def take(visit: Visit, form: Form) -> Response:
    """``POST /privacy/erasures``: ``plan`` shows what would happen, ``run`` begins it."""
    _ = visit._
    sheet = Sheet(visit, "erasure", form)
    mine = _mine(visit)
    population, kind = form.one("population"), form.one("kind")
    person = sheet.text("person", 200, _("Write the person's number."), line=True)
    if population not in mine:
        sheet.wrong("population", _("Choose one of these."))
    if kind not in (ERASE, RESTRICT):
        sheet.wrong("kind", _("Choose one of these."))
    if sheet.errors:
        return _listing(visit, sheet)
    room = _room(visit)
    try:
        plan = room.plan(population, person, kind)
    except BadForm as error:
        sheet.wrong("person", f"{error.met} {error.todo}")
        return _listing(visit, sheet)
    if form.one("act") != "run":
        body = {"act": "person looked up", "population": population, "rows": plan.rows}
        visit.site.access.ledger.tell("administration", actor=_by(visit), body=body)
        return _planned(visit, plan, person, Sheet(visit, "erasure"))
    reference = sheet.text("reference", 200, _("Write the number of the letter or the file."), line=True)
    reason = sheet.text("reason", 2000, _("Write the reason: it stands on the receipt.") if kind == RESTRICT else "")
    if form.one("word").strip().casefold() != _word(visit, kind).casefold():
        sheet.wrong("word", _("Type %(word)s to go on.", word=_word(visit, kind)))
    if not sheet.errors:
        try:
            made = room.start(population, person, kind, by=_by(visit), reference=reference, reason=reason)
            room.begin(made.id)
            return RedirectResponse(f"{AT}/{quote(made.id)}", 303)
        except CallerError as error:
            sheet.wrong("", f"{error.met} {error.todo}", error.status)
    return _planned(visit, plan, person, sheet)


def _planned(visit: Visit, plan: Plan, person: str, sheet: Sheet) -> Response:
    values = {
        "f": sheet,
        "plan": plan,
        "person": person,
        "word": _word(visit, plan.kind),
        "kind": _kind(visit, plan.kind),
        "erases": plan.kind == ERASE,
        "lines": [_line(visit, item) for item in plan.items],
        "found": any(item.rows for item in plan.items),
    }
    return _private(visit.page("erasure_plan.html", values, sheet.status))


def _line(visit: Visit, item: Item) -> dict[str, Any]:
    s, _ = visit.speech, visit._
    return {
        "title": item.title,
        "href": visit.link("datasets", item.dataset),
        "action": action_word(visit, item.action),
        "kept": item.action == KEEP,
        "rows": ", ".join(f"v{number}: {s.number(count)}" for number, count in sorted(item.rows.items())),
        "why": _("Legal hold: %(why)s", why=item.why) if item.because == "hold" else item.why,
        "readers": s.number(len(item.agreements)) if item.agreements and item.rows else "",
        "documents": item.documents,
    }


def single(visit: Visit) -> Response:
    """``GET /privacy/erasures/{request}``."""
    return _single(visit, Sheet(visit, "erasure"))


def _single(visit: Visit, sheet: Sheet) -> Response:
    s, item = visit.speech, _asked(visit)
    done = {name: (when, facts) for name, when, facts in item.steps}
    lost = {one.dataset: done.get(f"rows {one.dataset}", ("", {}))[1].get("versions", {}) for one in item.plan.items}
    lines = [
        {**_line(visit, one),
         "lost": ", ".join(f"v{number}: {s.number(count)}" for number, count in lost[one.dataset].items())}
        for one in item.plan.items
    ]  # fmt: skip
    values = {
        "f": sheet,
        "r": item,
        "kind": _kind(visit, item.kind),
        "state": state_word(visit, item),
        "tone": _tone(item),
        "at": s.moment(item.at),
        "ended": s.moment(item.ended_at) if item.ended_at else "",
        "lines": lines,
        "steps": [(step_word(visit, name), s.moment(_moment(when))) for name, when, _ in item.steps],
        "running": item.state in ("running", "lifting"),
        "refresh": REFRESH,
        "lifts": item.state == "done" and any(one.action == RESTRICT for one in item.plan.acts),
        "lifted": s.moment(item.lifted_at) if item.lifted_at else "",
        "outcomes": [
            (visit.site.catalogue.entry(name).contract.title(s.language), visit.link("datasets", name, "privacy"), told)
            for name, told in done.get("gate", ("", {}))[1].get("verdicts", {}).items()
            if told != "pass" and name in {entry.id for entry in visit.site.catalogue.entries(limit=None).items}
        ],
    }
    return _private(visit.page("erasure.html", values, sheet.status))


def lift(visit: Visit, form: Form) -> Response:
    """``POST /privacy/erasures/{request}``: the restriction ends."""
    item, sheet = _asked(visit), Sheet(visit, "erasure", form)
    why = sheet.text("why", 2000, visit._("Write what ended the case."))
    if not sheet.errors:
        try:
            _room(visit).lift(item.id, by=_by(visit), why=why)
            return RedirectResponse(f"{AT}/{quote(item.id)}", 303)
        except CallerError as error:
            sheet.wrong("", f"{error.met} {error.todo}", error.status)
    return _single(visit, sheet)


def receipt(visit: Visit) -> Response:
    """``GET /privacy/erasures/{request}.pdf``: the sealed receipt."""
    item = _asked(visit)
    headers = {**HEADERS, "Cache-Control": "private, no-store",
               "Content-Disposition": f'inline; filename="{item.id}.pdf"'}  # fmt: skip
    return Response(_room(visit).receipt(item.id), media_type="application/pdf", headers=headers)


def _asked(visit: Visit) -> Finished:
    """Raises NotFound, and the same to whoever may not know of it."""
    _mine(visit)
    item = _room(visit).get(visit.request.path_params["request"])
    if not _may(visit, item.population):
        raise NotFound(f"There is no request {item.id}.")
    return item


# Words


def _kinds(visit: Visit) -> list[tuple[str, str]]:
    return [(ERASE, _kind(visit, ERASE)), (RESTRICT, _kind(visit, RESTRICT))]


def _kind(visit: Visit, kind: str) -> str:
    _ = visit._
    return _("Erase (GDPR, Art. 17)") if kind == ERASE else _("Restrict (GDPR, Art. 18)")


def _word(visit: Visit, kind: str) -> str:
    return visit._("ERASE") if kind == ERASE else visit._("RESTRICT")


def action_word(visit: Visit, action: str) -> str:
    _ = visit._
    return {ERASE: _("is erased"), RESTRICT: _("is restricted"), KEEP: _("stays")}[action]


def state_word(visit: Visit, item: Finished) -> str:
    _ = visit._
    return {
        "running": _("running"), "done": _("done"), "lifting": _("is being lifted"), "lifted": _("lifted"),
    }[item.state]  # fmt: skip


def _tone(item: Finished) -> str:
    return {"running": "warn", "lifting": "warn", "done": "good"}.get(item.state, "")


def step_word(visit: Visit, name: str) -> str:
    _ = visit._
    what, _space, dataset = name.partition(" ")
    said = {
        "key": _("The key of sealed columns"),
        "tombstones": _("Nothing comes back from the sources"),
        "releases": _("The ledger of publications"),
        "ledger": _("The record of readings"),
        "notify": _("Readers are told"),
        "gate": _("The gate looks again"),
        "databases": _("Databases are written anew"),
        "receipt": _("The receipt"),
    }
    if what == "rows":
        return _("Rows of %(dataset)s, in all versions and files", dataset=dataset)
    return _("Rows of %(dataset)s, sealed", dataset=dataset) if what == "keep" else said.get(what, name)


def _moment(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


def _by(visit: Visit) -> str:
    return acting(visit).party or "operator"


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
