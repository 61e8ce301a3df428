"""The API store for people who write programs: finding a product, and its page, with what it takes to call it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from arengo.catalogue import Entry
from arengo.contract.model import Contract, Kind
from arengo.errors import NotAllowed
from arengo.faces.site import public_address
from arengo.governance.agreement import Agreement
from arengo.portal import programs
from arengo.portal.agreement_words import span_words
from arengo.portal.cells import Head, heads
from arengo.portal.dossier import Dossier
from arengo.portal.visit import Visit
from arengo.services import product, sample

PAGE = 20
ACCESS = ("open", "shared", "closed")
SHOWN = 6
"""Made-up rows on the page."""


@dataclass(frozen=True, slots=True)
class Line:
    """One product in the list. ``mine``: titles of the visitor's applications that may read it."""

    href: str
    title: str
    summary: str
    access: str
    owner: str
    state: str
    limits: str
    mine: tuple[str, ...]


# ---- the list -----------------------------------------------------------------------------------------------------


def store(visit: Visit) -> Response:
    """``GET /store?q=&access=&from=``."""
    q, wanted = visit.param("q"), visit.param("access")
    found = visit.site.catalogue.entries(q, "", None).items
    counts = Counter(item.contract.access for item in found)
    chosen = wanted if wanted in ACCESS else ""
    state = visit.param("state")
    standing = product.standing(visit.site.state, [item.contract for item in found], visit.now)
    held = Counter(item.state for item in standing.values())
    state = state if state in held else ""
    entries = [
        item
        for item in found
        if chosen in ("", item.contract.access) and state in ("", standing[item.contract.id].state)
    ]
    start = int(visit.param("from")) if visit.param("from").isdigit() and len(visit.param("from")) < 6 else 0
    mine = _mine(visit)
    _ = visit._
    names = {"": _("all"), "open": _("open"), "shared": _("shared"), "closed": _("closed")}
    values = {
        "q": q,
        "chosen": chosen,
        "states": [
            (kind, names[kind], counts[kind] if kind else sum(counts.values()))
            for kind in ("", *ACCESS)
            if not kind or counts[kind]
        ],
        "state": state,
        "standings": [(kind, _standing_word(visit, kind), n) for kind, n in held.items()] if len(held) > 1 else [],
        "lines": [_line(visit, item, mine) for item in entries[start : start + PAGE]],
        "total": len(entries),
        "before": visit.here(**{"from": max(start - PAGE, 0) or None}) if start else "",
        "after": visit.here(**{"from": start + PAGE}) if len(entries) > start + PAGE else "",
        "known": bool(visit.caller.party),
        "first": not q and not chosen and not state and not start,
        "api": f"/api/v1/products?{urlencode([pair for pair in (('q', q), ('access', chosen)) if pair[1]])}".rstrip(
            "?"
        ),
    }
    return _private(visit, visit.page("store.html", values))


def _mine(visit: Visit) -> dict[str, list[str]]:
    """Dataset -> titles of the visitor's applications that may read it."""
    if not visit.caller.party:
        return {}
    titles = {item.id: item.title for item in visit.site.applications.mine(visit.caller) if item.active}
    out: dict[str, list[str]] = {}
    for accord in visit.site.agreements.listing(visit.caller, side="consumer", states=("active",), limit=1000):
        if accord.application in titles and accord.current(visit.now):
            out.setdefault(accord.dataset, []).append(titles[accord.application])
    return out


def _line(visit: Visit, entry: Entry, mine: Mapping[str, list[str]]) -> Line:
    contract = entry.contract
    told = product.offered(visit.site.state, contract, visit.now)
    called = contract.access == "shared" or (contract.access == "open" and entry.version is not None)
    href = visit.link("datasets", contract.id, "api") if called else visit.link("datasets", contract.id)
    return Line(
        href,
        contract.title(visit.language),
        contract.summary(visit.language),
        contract.access,
        contract.owner or visit.site.settings.city.name,
        told.state,
        limits(visit, told),
        tuple(dict.fromkeys(mine.get(contract.id, ()))),
    )


def _standing_word(visit: Visit, state: str) -> str:
    _ = visit._
    return {
        "draft": _("draft"),
        "published": _("offered"),
        "deprecated": _("will end"),
        "suspended": _("suspended"),
        "retired": _("retired"),
    }[state]


def limits(visit: Visit, told: product.Offered) -> str:
    """What may be called how often, in a few words."""
    _, say = visit._, visit.speech
    if told.contract.access == "open":
        return _("no key needed")
    if not told.plans:
        return ""
    most = max(told.plans, key=lambda plan: plan.daily)
    if not most.daily:
        return _("no daily limit")
    return say.many("up to %(n)s call a day", "up to %(n)s calls a day", most.daily)


# ---- one product --------------------------------------------------------------------------------------------------


def page(visit: Visit) -> Response:
    """``GET /datasets/{id}/api``: everything a program needs, also for who may not read yet.

    Raises NotAllowed for a closed dataset, which tells its columns to nobody.
    """
    name = visit.request.path_params["dataset"]
    contract = visit.site.catalogue.entry(name).contract
    if contract.access == "open":
        return programs.api(visit, terms(visit, contract))
    try:
        d = Dossier(visit, name)
        seen = d.version is not None
    except NotAllowed:
        if contract.access == "closed":
            raise
        d, seen = Dossier(visit, name, unseen=True), False
    base = public_address(visit.settings, visit.request)
    root = f"/api/v1/datasets/{quote(contract.id)}"
    accords = _accords(visit, contract.id)
    query = _query(contract, [name for accord in accords for name in accord.columns])
    made = _made_up(visit, contract)
    values: dict[str, Any] = {
        "d": d,
        "tab": "api",
        "tab_title": visit._("For programs"),
        "seen": seen,
        "rows": f"{root}/rows",
        "fields": _fields(visit, query),
        "examples": programs.examples(base, root, urlencode(query, safe=",-"), _form(contract), key=True),
        "token": programs.token_example(base),
        "doors": programs.doors(visit, contract.id),
        "applications": _applications(visit, accords),
        "known": bool(visit.caller.party),
        "sample_heads": made[0],
        "sample_rows": made[1],
        "sample_href": f"/api/v1/products/{quote(contract.id)}/sample",
        **terms(visit, contract),
    }
    return _private(visit, visit.page("product.html", values))


def terms(visit: Visit, contract: Contract) -> dict[str, Any]:
    """Plans, owner, answering time, state and changes of a product."""
    told = product.offered(visit.site.state, contract, visit.now)
    return {
        "told": told,
        "owner_name": contract.owner or visit.site.settings.city.name,
        "state_words": _state(visit, told),
        "answer": span_words(visit, told.answer) if told.answer else "",
        "changes": product.changelog(visit.site.state, contract),
    }


def _state(visit: Visit, told: product.Offered) -> str:
    """What else must be said before somebody builds on it, '' for a product that is simply there."""
    _ = visit._
    if told.state == "published":
        return ""
    until = visit.speech.date(told.until) if told.until else ""
    words = {
        "draft": _("A draft: it may still change in every way."),
        "deprecated": _("It ends on %(date)s. Do not build anything new on it.", date=until)
        if until
        else _("It will end. Do not build anything new on it."),
        "suspended": _("Its owner has suspended it: nobody reads it at present."),
        "retired": _("It is retired: nobody reads it any more."),
    }.get(told.state, told.state)
    return f"{words} {told.why}".strip()


def _accords(visit: Visit, dataset: str) -> list[Agreement]:
    """Agreements in force about a dataset of the applications the visitor looks after."""
    if not visit.caller.party:
        return []
    mine = {item.id for item in visit.site.applications.mine(visit.caller) if item.active}
    found = visit.site.agreements.listing(visit.caller, side="consumer", states=("active",), dataset=dataset)
    return [accord for accord in found if accord.application in mine and accord.current(visit.now)]


def _applications(visit: Visit, accords: Sequence[Agreement]) -> list[tuple[str, str]]:
    """(address, title) of the applications that may read it."""
    ids = dict.fromkeys(accord.application for accord in accords)
    return [(f"/applications/{quote(name)}", visit.site.applications.get(name).title) for name in ids]


def _query(contract: Contract, granted: Sequence[str]) -> dict[str, str]:
    """Something a reader of it could ask: columns that are granted, otherwise some that do not tell of persons."""
    told = [item for item in product.columns(contract) if item.kind is not Kind.GEOMETRY]
    names = [item.name for item in told if item.name in granted]
    names = names or [item.name for item in told if not item.personal] or [item.name for item in told]
    return {"select": ",".join(names[:4]), "limit": "10"}


def _fields(visit: Visit, query: Mapping[str, str]) -> list[programs.Field]:
    _ = visit._
    return [
        programs.Field("filter", _("Filter (CQL2)"), ""),
        programs.Field("select", _("Columns"), query.get("select", "")),
        programs.Field("order_by", _("Order"), ""),
        programs.Field("limit", _("Rows"), query.get("limit", "10")),
        programs.Field("f", _("Format"), "json", ("json", "csv", "ndjson")),
    ]


def _form(contract: Contract) -> str:
    return programs.form_of((item.name, item.kind) for item in product.columns(contract))


def _made_up(visit: Visit, contract: Contract) -> tuple[list[Head], list[list[str]]]:
    """Headings and made-up rows as texts."""
    names = [item.name for item in product.columns(contract)]
    kinds = {item.name: item.kind for item in contract.properties}
    shown = [name for name in names if kinds[name] not in (Kind.GEOMETRY, Kind.JSON)]
    titles = {item.name: item for item in heads(contract, shown, visit.language)}
    rows = []
    order = [item.name for item in contract.properties]
    for row in sample.rows(contract, SHOWN):
        found = dict(zip(order, row, strict=True))
        rows.append([_cell(visit, found[name]) for name in shown])
    return [titles[name] for name in shown], rows


def _cell(visit: Visit, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return visit._("yes") if value else visit._("no")
    return visit.speech.number(value) if isinstance(value, float) else str(value)


def _private(visit: Visit, answer: Response) -> Response:
    if visit.caller.party:
        answer.headers["Cache-Control"] = "no-store"
    return answer
