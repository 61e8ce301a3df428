"""The form of asking: for which program, which columns, for what, how much, until when. Nothing typed is lost.

The same form asks for the first time, changes a draft, and asks for a change of what is agreed. A program or a purpose
that is new is made with the request. Sent twice, it makes one request.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from arengo.contract import dpv
from arengo.contract.model import Contract
from arengo.contract.purpose import special
from arengo.errors import ArengoError, BadForm, Conflict, NotAllowed, NotFound
from arengo.governance.agreement import Agreement
from arengo.governance.approval import member
from arengo.governance.plan import approval_rule, plans
from arengo.governance.purpose import QUESTIONS, Purpose
from arengo.portal import access
from arengo.portal.agreement_story import Names, question_words
from arengo.portal.agreement_words import RETENTIONS, badge, basis_words, purpose_word, time_words
from arengo.portal.dossier import Dossier
from arengo.portal.entrance import private, signed_in
from arengo.portal.form import Form
from arengo.portal.request_form import NEW, PEOPLE, Asked, read
from arengo.portal.sheet import Sheet
from arengo.portal.terms import (
    column_lines,
    in_a_year,
    last_day,
    plan_choices,
    read_until,
)
from arengo.portal.visit import Visit

SENT = "request-form"
"""Kind of the state's saved records that remember which form became which request."""
REMEMBERED = timedelta(days=2)


def form(visit: Visit) -> Response:
    """``GET /datasets/{id}/access/ask?column=&column=``."""
    return signed_in(visit) or _form(visit, Sheet(visit, "ask"), _dossier(visit))


def take(visit: Visit, given: Form) -> Response:
    """``POST /datasets/{id}/access/ask``."""
    d = _dossier(visit)
    if not visit.caller.party:  # the session ended while the form was filled in: what can come back does
        kept = [
            (name, value) for name in ("column", "plan", "volume", "until") for value in given.get(name, ()) if value
        ]
        target = visit.link("datasets", d.id, "access", "ask") + (f"?{urlencode(kept[:100])}" if kept else "")
        return RedirectResponse(f"/login?{urlencode({'next': target})}", 303)
    f = Sheet(visit, "ask", given)
    asked = read(visit, f, d.contract)
    if f.errors or asked is None:
        return _form(visit, f, d)
    accords, by, _ = visit.site.agreements, visit.caller, visit._
    sent = given.one("do") != "draft"
    nonce = given.one("stamp")[:200]
    with visit.site.state.hold(f"{SENT} {by.party}", wait=15):
        known = _made_before(visit, nonce)
        if known:
            return RedirectResponse(f"/agreements/{quote(known)}", 303)
        made: Agreement | None = None
        try:
            made = _make(visit, f, given, d, asked)
            if sent:
                made = accords.submit(made.id, by=by, why=asked.message)
            _remember(visit, nonce, made.id)
        except (BadForm, Conflict, NotAllowed, NotFound) as error:
            if made is not None:
                with contextlib.suppress(ArengoError):
                    accords.discard(made.id, by=by)
            f.wrong("", _said(error), error.status)
            return _form(visit, f, d)
    return RedirectResponse(f"/agreements/{quote(made.id)}?done={'submit' if sent else 'draft'}", 303)


def edit(visit: Visit) -> Response:
    """``GET /agreements/{id}/edit``: a draft in the same form."""
    return signed_in(visit) or _edit(visit, Sheet(visit, "edit"), "edit")


def change(visit: Visit) -> Response:
    """``GET /agreements/{id}/change``: another request in the place of what is agreed."""
    return signed_in(visit) or _edit(visit, Sheet(visit, "edit"), "change")


def keep(visit: Visit, given: Form) -> Response:
    """``POST /agreements/{id}/edit``."""
    return signed_in(visit) or _keep(visit, Sheet(visit, "edit", given), given, "edit")


def keep_change(visit: Visit, given: Form) -> Response:
    """``POST /agreements/{id}/change``."""
    return signed_in(visit) or _keep(visit, Sheet(visit, "edit", given), given, "change")


def _keep(visit: Visit, f: Sheet, given: Form, way: str) -> Response:
    accords, by = visit.site.agreements, visit.caller
    item = _mine(visit, way)
    d = Dossier(visit, item.dataset, unseen=True)
    asked = read(visit, f, d.contract, item)
    if f.errors or asked is None:
        return _edit(visit, f, way)
    done = "submit" if way == "change" or given.one("do") != "draft" else "draft"
    try:
        purpose = asked.purpose or accords.purposes.write(item.organisation, asked.values, by=by).id
        _set(given, "purpose", purpose)
        if way == "change":
            made = accords.change(item.id, by=by, terms=asked.terms, purpose=purpose, why=asked.message)
        else:
            made = accords.edit(item.id, by=by, terms=asked.terms, purpose=purpose)
            if done == "submit":
                made = accords.submit(item.id, by=by, why=asked.message)
    except (BadForm, Conflict, NotAllowed, NotFound) as error:
        f.wrong("", _said(error), error.status)
        return _edit(visit, f, way)
    return RedirectResponse(f"/agreements/{quote(made.id)}?done={done}", 303)


def renew(visit: Visit) -> Response:
    """``GET /agreements/{id}/renew`` and ``/upgrade``: the same again, for longer or under the contract in force."""
    return signed_in(visit) or _again(visit, Sheet(visit, "renew"))


def take_renewal(visit: Visit, given: Form) -> Response:
    """``POST /agreements/{id}/renew`` and ``/upgrade``."""
    refused = signed_in(visit)
    if refused:
        return refused
    f, accords = Sheet(visit, "renew", given), visit.site.agreements
    item, upgrade = _mine(visit, "renew"), visit.request.url.path.endswith("/upgrade")
    longest = visit.now + timedelta(days=accords.settings.longest_days)
    end = item.valid_to if upgrade else read_until(f, longest)
    why = f.text("why", 2000)
    if f.errors:
        return _again(visit, f)
    try:
        if upgrade:
            made = accords.upgrade(item.id, by=visit.caller, why=why)
        else:
            made = accords.renew(item.id, by=visit.caller, until=end, why=why)
    except (BadForm, Conflict, NotAllowed) as error:
        f.wrong("", _said(error), error.status)
        return _again(visit, f)
    return RedirectResponse(f"/agreements/{quote(made.id)}?done={'upgrade' if upgrade else 'renew'}", 303)


def _again(visit: Visit, f: Sheet) -> Response:
    _, item = visit._, _mine(visit, "renew")
    upgrade = visit.request.url.path.endswith("/upgrade")
    names = Names(visit)
    values = {
        "f": f,
        "a": {"id": item.id, "title": names.dataset(item.dataset), "revision": item.revision},
        "heading": _("Go over to the new contract") if upgrade else _("Renew the agreement"),
        "words": _("You ask for the same columns under the contract in force. The old agreement goes on until "
                   "the answer.") if upgrade else
                 _("You ask for the same for longer. The old agreement goes on until its end or the answer."),
        "button": _("Send the request"),
        "action": visit.request.url.path,
        "act": "renew",
        "until": "" if upgrade else in_a_year(visit).isoformat(),
        "why_needed": False,
        "why_hint": _("The owner reads it."),
        "back_to": f"/agreements/{quote(item.id)}",
    }  # fmt: skip
    return private(visit.page("agreement_sure.html", values, f.status))


def _dossier(visit: Visit) -> Dossier:
    """The dataset asked for. Raises NotFound for one that is not given out."""
    d = Dossier(visit, visit.request.path_params["dataset"], unseen=True)
    if d.contract.access != "shared":
        raise NotFound(
            visit._("This dataset is open to everybody.")
            if d.contract.access == "open"
            else visit._("This dataset is given to nobody else."),
            todo=visit._("Its page says more."),
        )
    return d


def _mine(visit: Visit, way: str) -> Agreement:
    """An agreement of the visitor's own organisation. Raises NotFound; NotAllowed for the other side."""
    item = visit.site.agreements.get(visit.request.path_params["agreement"], visit.caller)
    if not member(visit.caller, item.organisation):
        raise NotAllowed(visit._("Only the organisation that reads may ask for this."))
    if way == "edit" and item.state != "draft":
        raise Conflict(visit._("The request was sent; take it back to change it."))
    return item


# The page


def _form(visit: Visit, f: Sheet, d: Dossier) -> Response:
    _, by = visit._, visit.caller
    applications = [item for item in visit.site.applications.mine(by) if item.active and item.organisation]
    applications = [item for item in applications if item.organisation == by.organisation]
    asked = visit.request.query_params.getlist("column")
    names = Names(visit)
    mine = access.own(visit, d.id)
    values = {
        "heading": _("Ask for access"),
        "lead": _("%(owner)s decides. Until then nothing is given.", owner=d.owner),
        "action": visit.link("datasets", d.id, "access", "ask"),
        "back": visit.link("datasets", d.id, "access"),
        "fixed_application": "",
        "applications": [{"id": item.id, "title": item.title, "words": item.words[:200]} for item in applications],
        "people": names.organisation(by.organisation) if by.organisation else "",
        "chosen_application": visit.param("application") or (applications[0].id if applications else NEW),
        "draftable": True,
        "send_word": _("Send the request"),
        "standing": _before(visit, mine, names) if f.given is None and mine else None,
        "volume": visit.param("volume") or "100",
        "until": visit.param("until") or in_a_year(visit).isoformat(),
        "chosen_plan": visit.param("plan") or plans(d.contract)[0].id,
        "chosen_purpose": visit.param("purpose"),
    }
    if not by.organisation:
        f.wrong("", _("You act for no organisation yet. An administrator of yours has to say so first."), 403)
    return _show(visit, f, d, values, asked, None)


def _before(visit: Visit, mine: tuple[Agreement, ...], names: Names) -> access.Standing:
    """A word on what the organisation has already, so that nobody asks twice."""
    _ = visit._
    words = tuple(f"{names.reader(item)}: {badge(visit, item).word}" for item in mine[:3])
    links = ((f"/agreements/{quote(mine[0].id)}", _("Look at it"), True),)
    return access.Standing("", _("Your organisation has asked for this dataset before"), words, links)


def _edit(visit: Visit, f: Sheet, way: str) -> Response:
    _, item = visit._, _mine(visit, way)
    d = Dossier(visit, item.dataset, unseen=True)
    terms, names = item.asked if way == "edit" and item.asked else item.terms, Names(visit)
    values = {
        "heading": _("Change the draft") if way == "edit" else _("Ask for a change"),
        "lead": _("%(owner)s decides about the change. What is agreed goes on until then.", owner=d.owner)
        if way == "change"
        else _("Nobody else sees it before you send it."),
        "action": f"/agreements/{quote(item.id)}/{way}",
        "back": f"/agreements/{quote(item.id)}",
        "fixed_application": names.reader(item),
        "applications": [],
        "people": "",
        "chosen_application": item.application or PEOPLE,
        "draftable": way == "edit",
        "send_word": _("Send the request"),
        "standing": None,
        "volume": str(terms.volume),
        "until": last_day(visit, terms.valid_to).isoformat(),
        "chosen_plan": terms.plan,
        "chosen_purpose": item.purpose,
    }
    chosen = {name: str(mask) for name, mask in terms.masks}
    return _show(visit, f, d, values, list(terms.columns), chosen)


def _show(
    visit: Visit, f: Sheet, d: Dossier, values: dict[str, Any], ticked: list[str], chosen: dict[str, str] | None
) -> Response:
    _, by, contract = visit._, visit.caller, d.contract
    if f.given is not None:
        ticked = list(f.values("column"))
        chosen = {item.name: f.value(f"as.{item.name}") for item in contract.properties}
    lines = column_lines(visit, contract, ticked, chosen)
    organisation = by.organisation
    purposes = visit.site.agreements.purposes.listing(organisation, by) if organisation else ()
    plan = plans(contract)[0]
    known = [item.id for item in purposes]
    wanted = values["chosen_purpose"]
    words = question_words(visit)
    values |= {
        "f": f,
        "dataset": d.id,
        "title": d.title,
        "fault": _fault(f),
        "columns": lines,
        "purposes": [_purpose_line(visit, item) for item in purposes],
        "chosen_purpose": wanted if wanted in known else (known[0] if known else NEW),
        "kinds": [("", _("Choose")), *((item.code, item.label(visit.language)) for item in dpv.scheme("purpose"))],
        "bases": [("", _("Choose")), *((item.code, basis_words(visit, item.code)) for item in dpv.scheme("basis"))],
        "specials": [("", _("none")), *((item.code, basis_words(visit, item.code)) for item in dpv.scheme("special"))]
        if special(contract)
        else [],
        "retentions": [("", _("Choose")), *((code, time_words(visit, code)) for code in RETENTIONS)],
        "questions": [{"id": item.id, "words": words[item.id][0], "hint": words[item.id][1]} for item in QUESTIONS],
        "plans": plan_choices(visit, contract),
        "volume_hint": _volume_hint(visit, contract, plan.per_consumer),
        "until_hint": _until_hint(visit),
        "obligations": _duties(visit),
        "after": _("You get a letter when it is decided. You can take the request back at any time."),
    }
    return private(visit.page("access_ask.html", values, f.status))


def _fault(f: Sheet) -> Any:
    """The sentence beside a group of choices, as the fields of the other forms have it."""
    from markupsafe import Markup, escape

    def said(name: str) -> Markup:
        words = f.error(name)
        if not words:
            return Markup("")
        error = f.visit._("Error:")
        return Markup('<p class="field-error"><span class="vh">{} </span>{}</p>').format(escape(error), escape(words))

    return said


def _purpose_line(visit: Visit, item: Purpose) -> dict[str, str]:
    parts = [purpose_word(visit, item.dpv), basis_words(visit, item.legal_basis)]
    if item.personal:
        parts.append(visit._("answers about persons given"))
    return {"id": item.id, "title": item.title, "words": " · ".join(part for part in parts if part)}


def _volume_hint(visit: Visit, contract: Contract, cap: int) -> str:
    _ = visit._
    hint = _("How often the program asks on a busy day; a call gives up to thousands of rows.")
    if approval_rule(contract) != "manual" and cap:
        n = visit.speech.number(cap)
        hint += " " + _("Up to %(n)s are granted at once when nobody can be recognised.", n=n)
    return hint


def _until_hint(visit: Visit) -> str:
    longest = visit.site.agreements.settings.longest_days
    most = last_day(visit, visit.now + timedelta(days=longest))
    return visit._("The last day. At most %(date)s; it can be renewed.", date=visit.speech.date(most))


def _duties(visit: Visit) -> list[str]:
    _ = visit._
    return [
        _("You use the data for this purpose only."),
        _("You do not try to find out who the rows are about."),
        _("You delete it when the time you named is over, and say so when asked."),
    ]


# Making


def _make(visit: Visit, f: Sheet, given: Form, d: Dossier, asked: Asked) -> Agreement:
    """The draft, with its application and purpose where they are new; they stay chosen if a later step fails."""
    by, accords = visit.caller, visit.site.agreements
    application = asked.application
    if application == NEW:
        title, words = f.value("application_title"), f.value("application_words")
        application = visit.site.applications.create(title, by, organisation=by.organisation, words=words).id
        _set(given, "application", application)
    purpose = asked.purpose
    if not purpose:
        purpose = accords.purposes.write(by.organisation, asked.values, by=by).id
        _set(given, "purpose", purpose)
    return accords.draft(
        d.id, by=by, organisation=by.organisation, application=application, purpose=purpose, terms=asked.terms
    )


def _set(given: Form, name: str, value: str) -> None:
    given[name] = (value,)


def _made_before(visit: Visit, nonce: str) -> str:
    """The request that this very form became, '' when it is sent for the first time."""
    if not nonce:
        return ""
    found = visit.site.state.saved(SENT, f"{visit.caller.party} {nonce}")
    return str(found[0].body["agreement"]) if found else ""


def _remember(visit: Visit, nonce: str, agreement: str) -> None:
    state, now = visit.site.state, visit.now
    if nonce:
        state.save(SENT, f"{visit.caller.party} {nonce}", "", {"agreement": agreement}, now)
    for item in state.saved(SENT):
        if now - item.updated_at > REMEMBERED:
            state.forget(SENT, item.id)


def _said(error: ArengoError) -> str:
    return f"{error.met} {error.todo}".strip()
