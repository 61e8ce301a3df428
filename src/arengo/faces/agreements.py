"""Agreements for programs and scripts of signed-in people: ask, see, decide, suspend; and as ODRL.

What the caller may not see is answered as if nobody had ever made it. Every change goes through the procedure of the
governance room, which checks again who may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo.errors import BadForm, NotFound, UnknownDataset
from arengo.faces.site import Site, parameters, segment, send_json
from arengo.faces.store import PRIVATE, ROOT, Desk, read, write
from arengo.governance.agreement import STATES, Agreement, Terms, diff
from arengo.governance.decision import Mask
from arengo.governance.odrl import export, offer, profile
from arengo.governance.transition import actions_of
from arengo.query.notation import whole

if TYPE_CHECKING:
    from arengo.governance.caller import Caller
    from arengo.governance.delegation import Delegation
    from arengo.governance.procedure import Agreements
    from arengo.governance.purpose import Purpose
    from arengo.services.access import Access

MAX_LIST = 500
MOST = 262_144
"""Bytes of a body: a request of hundreds of columns with its risk answers."""
LD = "application/ld+json"
SIDES = ("", "consumer", "owner", "inbox")
_TERMS = ("columns", "rows", "masks", "obligations", "plan", "volume", "valid_from", "valid_to")
_PURPOSE = ("title", "text", "dpv", "legal_basis", "special_basis", "personal", "answers", "retention", "recipients")


def routes(site: Site, access: Access) -> list[BaseRoute]:
    desk, get = Desk(site, access), ["GET", "HEAD"]
    all_, one = f"{ROOT}/agreements", f"{ROOT}/agreements/{{agreement}}"
    return [
        Route(all_, read(desk, listing), methods=get),
        Route(all_, write(desk, create, MOST), methods=["POST"]),
        Route(f"{all_}/decisions", write(desk, decide), methods=["POST"]),
        Route(one, read(desk, single), methods=get),
        Route(f"{one}/history", read(desk, history), methods=get),
        Route(f"{one}/odrl", read(desk, odrl), methods=get),
        Route(f"{one}/{{action}}", write(desk, act, MOST), methods=["POST"]),
        Route(f"{ROOT}/purposes", read(desk, purposes), methods=get),
        Route(f"{ROOT}/purposes", write(desk, write_purpose, MOST), methods=["POST"]),
        Route(f"{ROOT}/purposes/{{purpose}}", read(desk, purpose), methods=get),
        Route(f"{ROOT}/purposes/{{purpose}}", write(desk, edit_purpose, MOST), methods=["PUT"]),
        Route(f"{ROOT}/delegations", read(desk, delegations), methods=get),
        Route(f"{ROOT}/delegations", write(desk, delegate), methods=["POST"]),
        Route(f"{ROOT}/delegations/{{delegation}}", write(desk, end_delegation), methods=["DELETE"]),
        Route(f"{ROOT}/products/{{dataset}}/offer", read(desk, offered, private=False), methods=get),
        Route(f"{ROOT}/products/{{dataset}}/offer", write(desk, decide_offer), methods=["PUT"]),
        Route("/ns/odrl", read(desk, vocabulary, private=False), methods=get),
    ]


# ---- agreements -----------------------------------------------------------------------------------------------------


def listing(desk: Desk, request: Request) -> Any:
    """What the caller may see, the newest first; ``side=inbox``: what waits for the caller, the oldest first."""
    given = parameters(request, ("side", "state", "dataset", "limit", "cursor"))
    by, side = desk.known(request), given.get("side", "")
    if side not in SIDES:
        raise BadForm(f"There is no side {side[:20]!r}.", todo="Write consumer, owner or inbox.")
    states = tuple(filter(None, given.get("state", "").split(",")))
    for state in states:
        if state not in STATES:
            raise BadForm(f"There is no state {state[:20]!r}.", todo=f"States: {', '.join(STATES)}.")
    limit = whole("limit", given.get("limit", "100"))
    if not 1 <= limit <= MAX_LIST:
        raise BadForm(f"limit is {limit}, and a page has 1 to {MAX_LIST} agreements.")
    agreements = desk.access.agreements
    if side == "inbox":
        return {"items": [_agreement(desk, request, item, by) for item in agreements.inbox_of(by)[:MAX_LIST]]}
    found = agreements.listing(
        by, side=side, states=states, dataset=given.get("dataset", ""), limit=limit + 1, after=given.get("cursor", "")
    )
    out: dict[str, Any] = {"items": [_agreement(desk, request, item, by) for item in found[:limit]]}
    if len(found) > limit:
        out["next"] = found[limit - 1].id
    return out


def single(desk: Desk, request: Request) -> Any:
    parameters(request, ())
    by = desk.known(request)
    return _agreement(desk, request, _one(desk, request, by), by)


def history(desk: Desk, request: Request) -> Any:
    """Every step, oldest first."""
    parameters(request, ())
    item = _one(desk, request, desk.known(request))
    return {
        "items": [
            {
                "at": stamp.at, "action": stamp.action, "actor": stamp.actor, "organisation": stamp.organisation,
                "behalf": stamp.behalf, "why": stamp.why, "from": stamp.before, "to": stamp.after,
                "body": dict(stamp.body),
            }
            for stamp in desk.access.agreements.history(item.id)
        ]
    }  # fmt: skip


def odrl(desk: Desk, request: Request) -> Any:
    """The agreement in the Open Digital Rights Language 2.2, as JSON-LD."""
    parameters(request, ())
    item, agreements = _one(desk, request, desk.known(request)), desk.access.agreements
    if item.state in ("draft", "pending", "rejected"):
        raise NotFound("Nothing was agreed, so there is nothing to express.", todo="Ask again when it is granted.")
    contract = agreements.agreed(item)
    if contract is None:
        raise NotFound("The contract it was agreed on is no longer kept.")
    body = export(item, contract, agreements.purposes.get(item.purpose), desk.site.absolute(request))
    return Response(orjson.dumps(body), 200, PRIVATE, LD)


def create(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    """Write a request down; ``send: true`` sends it at once."""
    parameters(request, ())
    by, agreements = desk.known(request), desk.access.agreements
    names = ("dataset", "organisation", "application", "purpose", "send", "why", "follows", *_TERMS)
    _only(given, names)
    organisation = _text(given, "organisation") or by.organisation
    wanted = given.get("purpose")
    if isinstance(wanted, Mapping):
        _only(wanted, _PURPOSE)
        wanted = agreements.purposes.write(organisation, wanted, by=by).id
    if not isinstance(wanted, str):
        raise BadForm("The purpose is not said.", todo="Write the id of a purpose, or the purpose itself.")
    item = agreements.draft(
        _text(given, "dataset"), by=by, organisation=organisation, application=_text(given, "application"),
        purpose=wanted, terms=_terms(given, None, agreements.now()), follows=_text(given, "follows"),
    )  # fmt: skip
    if given.get("send") is True:
        item = agreements.submit(item.id, by=by, why=_text(given, "why"))
    return _agreement(desk, request, item, by), 201


def act(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    """One transition: its action is the last part of the address."""
    parameters(request, ())
    by, action = desk.known(request), request.path_params["action"]
    doing = _ACTIONS.get(action)
    item = _one(desk, request, by)  # first, so that an action tells nothing about what is not the caller's
    if doing is None:
        raise NotFound(f"There is no action {action[:40]!r}.", todo=f"Actions: {', '.join(_ACTIONS)}.")
    known, run = doing
    _only(given, known)
    seen = given.get("revision")
    if seen is not None and (not isinstance(seen, int) or isinstance(seen, bool)):
        raise BadForm("The revision is not a number.")
    done = run(desk.access.agreements, item, by, given)
    return _agreement(desk, request, done, by), 201 if action in ("renew", "change", "upgrade") else 200


def decide(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    """One decision about several; each stands alone."""
    parameters(request, ())
    by = desk.known(request)
    _only(given, ("agreements", "action", "why", "behalf"))
    done = desk.access.agreements.decide(
        _texts(given, "agreements"), _text(given, "action"), by=by, why=_text(given, "why"),
        behalf=_text(given, "behalf"),
    )  # fmt: skip
    return {
        "items": [
            {"id": one.id, "state": one.agreement.state}
            if one.agreement is not None
            else {"id": one.id, "error": one.error.as_dict() if one.error else None}
            for one in done
        ]
    }, 200


Run = Callable[["Agreements", Agreement, "Caller", Mapping[str, Any]], Agreement]


def _stepper(name: str) -> Run:
    """An action that takes words, and on whose behalf."""

    def run(agreements: Agreements, item: Agreement, by: Caller, given: Mapping[str, Any]) -> Agreement:
        more = {key: _text(given, key) for key in ("behalf", "side") if key in given}
        act: Callable[..., Agreement] = getattr(agreements, name)
        return act(item.id, by=by, why=_text(given, "why"), seen=given.get("revision"), **more)

    return run


def _approve(agreements: Agreements, item: Agreement, by: Caller, given: Mapping[str, Any]) -> Agreement:
    most = item.terms if item.approvals else item.asked
    narrower = any(name in given for name in _TERMS)
    terms = _terms(given, most, agreements.now()) if narrower else None
    return agreements.approve(
        item.id, by=by, why=_text(given, "why"), behalf=_text(given, "behalf"), terms=terms, seen=given.get("revision")
    )


def _edit(agreements: Agreements, item: Agreement, by: Caller, given: Mapping[str, Any]) -> Agreement:
    terms = _terms(given, item.asked, agreements.now())
    return agreements.edit(item.id, by=by, terms=terms, purpose=_text(given, "purpose"), seen=given.get("revision"))


def _renew(agreements: Agreements, item: Agreement, by: Caller, given: Mapping[str, Any]) -> Agreement:
    return agreements.renew(item.id, by=by, until=_moment(given, "valid_to"), why=_text(given, "why"))


def _change(agreements: Agreements, item: Agreement, by: Caller, given: Mapping[str, Any]) -> Agreement:
    terms = _terms(given, item.terms, agreements.now())
    return agreements.change(item.id, by=by, terms=terms, purpose=_text(given, "purpose"), why=_text(given, "why"))


def _upgrade(agreements: Agreements, item: Agreement, by: Caller, given: Mapping[str, Any]) -> Agreement:
    return agreements.upgrade(item.id, by=by, why=_text(given, "why"))


_SAID, _STOOD_IN = ("why", "revision"), ("why", "revision", "behalf")
_ACTIONS: Mapping[str, tuple[tuple[str, ...], Run]] = {
    "edit": ((*_TERMS, "purpose", "revision"), _edit),
    "submit": (_SAID, _stepper("submit")),
    "discard": (_SAID, _stepper("discard")),
    "withdraw": (_SAID, _stepper("withdraw")),
    "approve": ((*_TERMS, *_STOOD_IN), _approve),
    "reject": (_STOOD_IN, _stepper("reject")),
    "return": (_STOOD_IN, _stepper("send_back")),
    "suspend": ((*_STOOD_IN, "side"), _stepper("suspend")),
    "resume": ((*_STOOD_IN, "side"), _stepper("resume")),
    "revoke": (_STOOD_IN, _stepper("revoke")),
    "renew": (("valid_to", "why"), _renew),
    "change": ((*_TERMS, "purpose", "why"), _change),
    "upgrade": (("why",), _upgrade),
}
"""Action of the address -> (fields of the body, what is done)."""


def _one(desk: Desk, request: Request, by: Caller) -> Agreement:
    return desk.access.agreements.get(request.path_params["agreement"], by)


def _agreement(desk: Desk, request: Request, item: Agreement, by: Caller) -> dict[str, Any]:
    agreements, base = desk.access.agreements, desk.site.base(request)
    at = f"{base}{ROOT}/agreements/{segment(item.id)}"
    granted = item.state not in ("draft", "pending", "rejected")
    out: dict[str, Any] = {
        "id": item.id,
        "dataset": item.dataset,
        "contract": {"version": item.contract_version, "sha256": item.contract_sha},
        "owner": item.owner,
        "organisation": item.organisation,
        "application": item.application or None,
        "purpose": item.purpose,
        "state": item.state,
        "suspended_by": sorted(item.suspended_by),
        "asked": item.asked.as_json() if item.asked else None,
        "granted": item.terms.as_json() if granted or item.approvals else None,
        "differences": [
            {"what": one.what, "column": one.column or None, "asked": one.asked, "granted": one.granted}
            for one in (diff(item) if granted or item.approvals else ())
        ],
        "approvals": [
            {"level": one.level, "who": one.who, "behalf": one.behalf or None, "at": one.at, "why": one.why}
            for one in item.approvals
        ],
        "follows": item.follows or None,
        "drafted_by": item.drafted_by,
        "requested_by": item.requested_by or None,
        "requested_at": item.requested_at,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "revision": item.revision,
        "actions": [one.action for one in actions_of(item.state) if one.who not in ("rule", "clock")],
        "decides": list(agreements.deciders(item, by)) if item.state == "pending" else [],
        "links": {"self": at, "history": f"{at}/history", "page": f"{base}/agreements/{segment(item.id)}"},
    }
    try:
        found = agreements.standing(item)
        out["standing"] = {"verdict": found.verdict, "reasons": list(found.reasons)}
    except UnknownDataset:
        out["standing"] = {"verdict": "stop", "reasons": ["The dataset is gone."]}
    if granted:
        out["links"] |= {"odrl": f"{at}/odrl", "document": f"{at}/document.pdf"}
    return out


# ---- purposes -------------------------------------------------------------------------------------------------------


def purposes(desk: Desk, request: Request) -> Any:
    """Those of the caller's organisation; of another one of the caller's with ``organisation``."""
    given = parameters(request, ("organisation",))
    by = desk.known(request)
    found = desk.access.agreements.purposes.listing(given.get("organisation", "") or by.organisation, by)
    return {"items": [_purpose(item) for item in found]}


def purpose(desk: Desk, request: Request) -> Any:
    """One purpose: of the caller's organisation, or named by an agreement the caller may see."""
    parameters(request, ())
    by, agreements = desk.known(request), desk.access.agreements
    name = request.path_params["purpose"]
    try:
        return _purpose(agreements.purposes.get(name, by))
    except NotFound:
        if not any(agreements.sees(item, by) for item in agreements.for_purpose(name)):
            raise
    return _purpose(agreements.purposes.get(name))


def write_purpose(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    parameters(request, ())
    by = desk.known(request)
    _only(given, (*_PURPOSE, "organisation", "follows"))
    values = {name: given[name] for name in _PURPOSE if name in given}
    organisation = _text(given, "organisation") or by.organisation
    made = desk.access.agreements.purposes.write(organisation, values, by=by, follows=_text(given, "follows"))
    return _purpose(made), 201


def edit_purpose(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    parameters(request, ())
    by = desk.known(request)
    _only(given, _PURPOSE)
    return _purpose(desk.access.agreements.purposes.edit(request.path_params["purpose"], given, by=by)), 200


def _purpose(item: Purpose) -> dict[str, Any]:
    return {
        "id": item.id, "organisation": item.organisation, "title": item.title, "text": item.text, "dpv": item.dpv,
        "legal_basis": item.legal_basis, "special_basis": item.special_basis, "personal": item.personal,
        "answers": dict(item.answers), "retention": item.retention, "recipients": list(item.recipients),
        "follows": item.follows or None, "created_at": item.created_at,
    }  # fmt: skip


# ---- standing in ----------------------------------------------------------------------------------------------------


def delegations(desk: Desk, request: Request) -> Any:
    """Those the caller gave or was given."""
    parameters(request, ())
    by = desk.known(request)
    return {"items": [_delegation(item) for item in desk.access.agreements.delegations.of(by.party)]}


def delegate(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    parameters(request, ())
    by = desk.known(request)
    _only(given, ("to", "organisation", "since", "until"))
    made = desk.access.agreements.delegations.put(
        _text(given, "to"), _text(given, "organisation"), _moment(given, "since"), _moment(given, "until"), by=by
    )
    return _delegation(made), 201


def end_delegation(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    parameters(request, ())
    desk.access.agreements.delegations.end(request.path_params["delegation"], by=desk.known(request))
    return None, 204


def _delegation(item: Delegation) -> dict[str, Any]:
    return {
        "id": item.id, "person": item.person, "to": item.to, "organisation": item.organisation, "since": item.since,
        "until": item.until, "ended_at": item.ended_at,
    }  # fmt: skip


# ---- offers ---------------------------------------------------------------------------------------------------------


def offered(desk: Desk, request: Request) -> Any:
    """What the owner of a product offers, as an ODRL Offer. Anybody may know it."""
    parameters(request, ())
    contract = desk.site.catalogue.entry(request.path_params["dataset"]).contract
    if contract.access != "shared":
        raise NotFound(f"The dataset is {contract.access}, so nothing is offered under an agreement.")
    return _ld(request, offer(contract, desk.site.absolute(request)))


def decide_offer(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    """The owner suspends or deprecates a product, or offers it again (``state: ""``)."""
    parameters(request, ())
    by = desk.known(request)
    _only(given, ("state", "why", "until"))
    until = _moment(given, "until") if given.get("until") else None
    found = desk.access.agreements.offer(
        request.path_params["dataset"], _text(given, "state"), by=by, why=_text(given, "why"), until=until
    )
    return {"dataset": found.dataset, "state": found.state, "until": found.until, "why": found.why}, 200


def vocabulary(desk: Desk, request: Request) -> Any:
    """The Arengo profile of ODRL, as JSON-LD."""
    parameters(request, ())
    return _ld(request, profile(desk.site.absolute(request)))


def _ld(request: Request, body: Mapping[str, Any]) -> Response:
    return send_json(request, body, media=LD)


# ---- bodies ---------------------------------------------------------------------------------------------------------


def _only(given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in given:
        if name not in names:
            raise BadForm(f"There is no field {str(name)[:40]!r} here.", todo=f"Fields: {', '.join(names)}.")


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadForm(f"{name} is not a text.", todo="Write it in quotation marks.")
    return value


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = given.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadForm(f"{name} is not a list of texts.", todo='Write it like ["a", "b"].')
    return tuple(value)


def _moment(given: Mapping[str, Any], name: str) -> datetime:
    try:
        found = datetime.fromisoformat(_text(given, name))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadForm(f"{name} is no time.", todo="Write it in UTC, like 2027-05-01T00:00:00Z.")
    return found


def _terms(given: Mapping[str, Any], base: Terms | None, now: datetime) -> Terms:
    """The terms in a body; what is left out is taken from ``base``."""

    def kept(name: str, default: Any) -> Any:
        return getattr(base, name) if base is not None else default

    volume = given.get("volume", kept("volume", 0))
    if not isinstance(volume, int) or isinstance(volume, bool) or abs(volume) > 10**12:
        raise BadForm("volume is not a number of calls a day.", todo="Write a whole number.")
    columns = _texts(given, "columns") if "columns" in given else kept("columns", ())
    masks = _masks(given["masks"]) if "masks" in given else kept("masks", ())
    if "masks" not in given:
        masks = tuple(one for one in masks if one[0] in columns)
    return Terms(
        columns=tuple(dict.fromkeys(columns)),
        plan=_text(given, "plan") if "plan" in given else kept("plan", ""),
        volume=volume,
        valid_from=_moment(given, "valid_from") if "valid_from" in given else kept("valid_from", now),
        valid_to=_moment(given, "valid_to") if "valid_to" in given or base is None else base.valid_to,
        rows=_text(given, "rows") if "rows" in given else kept("rows", ""),
        masks=masks,
        obligations=_texts(given, "obligations") if "obligations" in given else kept("obligations", ()),
    )


def _masks(value: Any) -> tuple[tuple[str, Mask], ...]:
    if not isinstance(value, list) or len(value) > 1000:
        raise BadForm("masks is not a list.", todo='Write it like [{"column": "name", "kind": "pseudonym"}].')
    out: list[tuple[str, Mask]] = []
    for item in value:
        if not isinstance(item, Mapping) or set(item) - {"column", "kind", "argument"}:
            raise BadForm("A mask has column, kind and argument.", todo="Correct the list of masks.")
        out.append((_text(item, "column"), Mask(_text(item, "kind"), _text(item, "argument"))))
    return tuple(out)
