"""One request on the owner's desk: who asks for what and why, what they would see, and the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from arengo.contract.model import Contract
from arengo.contract.purpose import purposes
from arengo.errors import BadForm, Conflict, NotAllowed, NotFound, PolicyError, UnknownDataset
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.approval import member, steward
from arengo.governance.plan import Plan, plan_of, plans
from arengo.governance.purpose import Purpose, stated
from arengo.portal import agreement_story as told
from arengo.portal.agreement_steps import late_words
from arengo.portal.agreement_story import Names
from arengo.portal.agreement_words import mask_kinds
from arengo.portal.entrance import private, signed_in
from arengo.portal.form import Form
from arengo.portal.look_through import Seen, look, may_look
from arengo.portal.recipient import beside
from arengo.portal.sheet import Sheet
from arengo.portal.terms import details, given_lines, last_day, read_given
from arengo.portal.visit import Visit

DOES = ("look", "beside", "approve", "return", "reject")


def page(visit: Visit) -> Response:
    """``GET /desk/access/{id}``."""
    return signed_in(visit) or _page(visit, Sheet(visit, "decide"))


def take(visit: Visit, given: Form) -> Response:
    """``POST /desk/access/{id}``: look through it, or decide."""
    refused = signed_in(visit)
    if refused:
        return refused
    item, f, _ = _item(visit), Sheet(visit, "decide", given), visit._
    does, why = given.one("do"), f.text("why", 2000)
    if does not in DOES:
        f.wrong("", _("Choose what to do."))
        return _page(visit, f)
    contract = told.contract_of(visit, item.dataset)
    if contract is None:
        raise UnknownDataset(_("The dataset is gone."))
    if given.one("revision") != str(item.revision) or item.state != "pending":
        return _late(visit, f, item)
    terms = read_given(f, contract, item) if does in ("look", "beside", "approve") else None
    if does in ("look", "beside"):
        if f.errors or terms is None:
            return _page(visit, f)
        return _page(visit, f, look(visit, item, contract, terms, does == "beside"), terms)
    if does in ("return", "reject") and not why:
        f.wrong("why", _("A reason is needed: whoever asked reads it."))
    if f.errors:
        return _page(visit, f)
    accords, by = visit.site.agreements, visit.caller
    seen, behalf = item.revision, _behalf(visit, item, given)
    try:
        if does == "approve":
            made = accords.approve(item.id, by=by, why=why, behalf=behalf, terms=terms, seen=seen)
            if made.state == "pending":
                return RedirectResponse(f"/desk/access?{urlencode({'done': does, 'of': item.id, 'further': 1})}", 303)
        elif does == "reject":
            accords.reject(item.id, by=by, why=why, behalf=behalf, seen=seen)
        else:
            accords.send_back(item.id, by=by, why=why, behalf=behalf, seen=seen)
    except Conflict as error:
        now = accords.get(item.id, by)
        if now.revision != item.revision:
            return _late(visit, f, now)
        f.wrong("", f"{error.met} {error.todo}".strip(), 409)
        return _page(visit, f)
    except (BadForm, NotAllowed) as error:
        f.wrong("", f"{error.met} {error.todo}".strip(), error.status)
        return _page(visit, f)
    return RedirectResponse(f"/desk/access?{urlencode({'done': does, 'of': item.id})}", 303)


def _item(visit: Visit) -> Agreement:
    """The request. Raises NotFound for who does not decide about it: a reader's way is its own page."""
    accords, by = visit.site.agreements, visit.caller
    item = accords.get(visit.request.path_params["agreement"], by)
    gives = steward(by, item.owner) or bool(accords.deciders(item, by))
    if item.state == "draft" or (member(by, item.organisation) and not gives):
        raise NotFound(visit._("There is no such request on your desk."), todo=visit._("Look at your agreements."))
    return item


def _behalf(visit: Visit, item: Agreement, given: Form) -> str:
    """For whom the visitor decides: for herself where she may, otherwise for the one she stands in for."""
    able = visit.site.agreements.deciders(item, visit.caller)
    wanted = given.one("behalf")
    return wanted if wanted in able else next(iter(able), "")


def _late(visit: Visit, f: Sheet, item: Agreement) -> Response:
    f.wrong("", late_words(visit, item), 409)
    return _page(visit, f)


def _page(visit: Visit, f: Sheet, seen: Seen | None = None, terms: Terms | None = None) -> Response:
    _, item, accords = visit._, _item(visit), visit.site.agreements
    names, contract = Names(visit), told.contract_of(visit, item.dataset)
    purpose = accords.purposes.get(item.purpose)
    stamps = accords.history(item.id, visit.caller)
    able = accords.deciders(item, visit.caller)
    closed = item.state != "pending" or not able or contract is None
    names.learn(able)
    values = {
        "f": f,
        "a": told.head(visit, item, names),
        "heading": _("%(who)s asks for “%(dataset)s”", who=names.organisation(item.organisation),
                     dataset=names.dataset(item.dataset)),
        "purpose": _purpose(visit, purpose, contract),
        "message": told.message_of(stamps),
        "facts": _facts(visit, item, names),
        "approvers": told.approvals(visit, item, contract, purpose.personal, names),
        "closed": closed,
        "blocked": _blocked(visit, item, names) if closed else None,
        "together": beside(visit, item, contract, terms or item.terms, names, asked=seen is not None)
                    if contract and not closed else None,
        "columns": given_lines(visit, contract, item, f) if contract else [],
        "kinds": mask_kinds(visit),
        "kinds_more": [("", _("as asked")), *mask_kinds(visit)[1:]],
        "details": details(visit, _hierarchies(visit)),
        "plans": _plans(visit, contract, item) if contract else [],
        "terms": {
            "plan": item.plan,
            "volume": str(item.volume),
            "until": last_day(visit, item.valid_to).isoformat(),
        },
        "rows_hint": _("Now: %(rows)s. What you write is added.", rows=item.rows) if item.rows else
                     _("For instance: district = 'Porto'. Leave it empty for all rows."),
        "behalf": [(one, names.person(one) if one else _("myself")) for one in able] if any(able) else [],
        "approve_word": _("Approve, then the second approver decides") if _more_needed(visit, item) else _("Approve"),
        "seen": seen,
        "may_look": seen is not None or may_look(visit, item.dataset),
        "said": _changed(visit, item) if not closed else None,
    }  # fmt: skip
    return private(visit.page("access_decide.html", values, f.status))


def _purpose(visit: Visit, purpose: Purpose, contract: Contract | None) -> dict[str, Any]:
    """The purpose, and whether the contract names it or a wider one for its data."""
    view = told.purpose_view(visit, purpose)
    if contract is not None and purposes(contract):
        words = visit._("yes") if stated(contract, purpose) else visit._("no: the contract does not name it")
        view["facts"] = [*view["facts"], (visit._("Among the purposes of the contract"), words)]
    return view


def _changed(visit: Visit, item: Agreement) -> dict[str, str] | None:
    """A word in time when the contract has changed since the request was sent."""
    found = visit.site.agreements.standing(item)
    if found.verdict == "stands":
        return None
    words = visit._("Send it back, so that it is asked for under the contract in force. %(why)s", why=found.words)
    return {"tone": "warn", "title": visit._("The contract has changed since this was asked for"), "words": words}


def _facts(visit: Visit, item: Agreement, names: Names) -> list[tuple[str, str]]:
    _, say = visit._, visit.speech
    asked = item.asked or item.terms
    facts = [
        (_("For whom"), names.organisation(item.organisation)),
        (_("Application"), names.application(item.application) or _("its people, signed in")),
        (_("Asked by"), names.person(item.requested_by)),
        (_("On"), say.moment(item.requested_at)),
        (_("Columns"), say.number(len(asked.columns))),
        (_("Calls a day"), say.number(asked.volume)),
        (_("Until"), say.date(last_day(visit, asked.valid_to))),
    ]
    if item.follows:
        facts.append((_("In place of"), item.follows))
    return facts


def _more_needed(visit: Visit, item: Agreement) -> bool:
    return len(item.approvals) + 1 < len(visit.site.agreements.levels(item))


def _blocked(visit: Visit, item: Agreement, names: Names) -> dict[str, str]:
    """Why there is nothing to decide here."""
    _ = visit._
    if item.state != "pending":
        return {"title": _("It is decided"), "words": late_words(visit, item)}
    if visit.caller.party in (item.drafted_by, item.requested_by):
        return {
            "title": _("Another person has to decide"),
            "words": _("You wrote this request, so somebody else of the owner decides about it."),
        }
    if visit.caller.party in {given.who for given in item.approvals}:
        return {
            "title": _("You have approved it"),
            "words": _("The second approval has to come from somebody else."),
        }
    return {"title": _("Somebody else decides"), "words": _("The contract names who approves it.")}


def _plans(visit: Visit, contract: Contract, item: Agreement) -> list[tuple[str, str]]:
    """The plans that give no more than the one asked for."""
    try:
        most: Plan | None = plan_of(contract, item.plan)
    except BadForm:
        most = None
    return [
        (plan.id, plan.title + ", " + visit.speech.many("%(n)s call a day", "%(n)s calls a day", plan.daily))
        for plan in plans(contract)
        if most is None or not plan.wider(most)
    ]


def _hierarchies(visit: Visit) -> Mapping[str, tuple[str, ...]]:
    """Hierarchies in force with the names of their levels."""
    try:
        return visit.site.access.hierarchies.names()
    except PolicyError:
        return {}
