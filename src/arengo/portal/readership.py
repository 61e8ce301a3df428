"""Who can read which column of a dataset, and what a party can read: every way there is, and how it is blurred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from starlette.responses import Response

from arengo.errors import NotAllowed, NotKnown
from arengo.governance.caller import Caller
from arengo.governance.owner import owner_of
from arengo.governance.policy.analysis import Reader, Shown
from arengo.portal.agreement_story import Names
from arengo.portal.agreement_words import masks_words
from arengo.portal.dossier import Dossier
from arengo.portal.entrance import private
from arengo.portal.operator import is_operator
from arengo.portal.policies import overseer
from arengo.portal.visit import Visit

WIDE = 8
"""Readers beside each other in the table; the others are one step further."""
COUNTED = 200
"""Readers looked at beyond the first one shown; where there are more, the page does not say how many."""


@dataclass(frozen=True, slots=True)
class Line:
    """One reader. ``mark``: the letter of its column in the table. ``facts``: (words, values)."""

    mark: str
    name: str
    by: str
    href: str
    until: str
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    party: str


@dataclass(frozen=True, slots=True)
class Cell:
    """``kind``: whole, masked, maybe, none."""

    kind: str
    words: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    label: str
    about: str
    cells: tuple[Cell, ...]


def page(visit: Visit) -> Response:
    """``GET /datasets/{id}/access/who``: for the owner's stewards, auditors and administrators, and the operator."""
    d = Dossier(visit, visit.request.path_params["dataset"], unseen=True)
    contract = d.contract
    owner = owner_of(contract)
    if not overseer(visit, owner):
        if not visit.caller.party:
            raise NotKnown("Only who watches over this data sees who can read it.", todo="Sign in.")
        todo = f"Ask {contract.owner or 'the city'}."
        raise NotAllowed("Only stewards, auditors and administrators of the owner see who can read it.", todo=todo)
    asked = visit.param("column")
    if asked and contract.column(asked) is None:
        asked = ""
    each = visit.site.access.analysis.each(contract, (asked,) if asked else ())
    names = Names(visit)
    start = _start(visit.param("from"))
    readers = list(islice(each, start + COUNTED))
    start = start if start < len(readers) else 0
    beside = readers[start : start + WIDE]
    names.learn(one for item in beside for one in (item.party, *item.people))
    values = {
        "d": d,
        "tab": "access",
        "tab_title": visit._("Who can read what"),
        "asked": asked,
        "count": len(readers) if next(each, None) is None else 0,
        "lines": [_line(visit, names, item, _letter(start + n)) for n, item in enumerate(beside)],
        "heads": [(_letter(start + n), _name(visit, names, item)) for n, item in enumerate(beside)],
        "rows": _rows(visit, d, beside, asked),
        "start": start,
        "more": start + WIDE if len(readers) > start + WIDE else 0,
        "wide": WIDE,
        "empty": not readers,
    }
    return private(visit.page("access_who.html", values))


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


def _letter(number: int) -> str:
    """A, B, ... Z, AA, AB."""
    out = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(65 + rest) + out
    return out


def _name(visit: Visit, names: Names, item: Reader) -> str:
    _ = visit._
    if item.kind == "everyone":
        return _("Everybody")
    if item.kind == "application":
        return names.application(item.party)
    if item.kind == "person":
        return names.person(item.party)
    if item.kind == "role":
        organisation, _sep, role = item.party.rpartition("/")
        words = {"reader": _("Readers"), "steward": _("Stewards"), "publisher": _("Publishers"),
                 "auditor": _("Auditors"), "administrator": _("Administrators")}  # fmt: skip
        where = _("the whole city") if organisation == "*" else names.organisation(organisation)
        return _("%(role)s of %(organisation)s", role=words.get(role, role), organisation=where)
    where = names.organisation(item.organisation)
    if item.kind == "people":
        return _("the people of %(name)s", name=where) if where else _("everybody who is signed in")
    return _("the applications of %(name)s", name=where) if where else _("every application")


def _line(visit: Visit, names: Names, item: Reader, mark: str) -> Line:
    _ = visit._
    by = {"open": _("open data"), "steward": _("own data"), "agreement": _("agreement"), "policy": _("rule")}
    until = visit.speech.date(item.until) if item.until and item.until.year < 9999 else ""
    facts: list[tuple[str, Sequence[str]]] = [
        (_("Organisation"), [names.organisation(item.organisation)] if item.kind in ("application", "person") else []),
        (_("People"), [names.person(one) for one in item.people]),
        (_("Condition"), item.when),
        (_("Only rows where"), item.rows),
        (_("Promise"), item.obligations),
    ]
    href = f"/agreements/{item.agreement}" if item.agreement else "/policies" if item.ground == "policy" else ""
    return Line(
        mark,
        _name(visit, names, item),
        by[item.ground],
        href,
        _("until %(date)s", date=until) if until else "",
        tuple((word, tuple(values)) for word, values in facts if values and any(values)),
        item.party if item.kind in ("person", "application", "people") else "",
    )


def _rows(visit: Visit, d: Dossier, readers: Sequence[Reader], asked: str) -> list[Row]:
    out = []
    for item in d.contract.properties:
        if asked and item.name != asked:
            continue
        cells = tuple(_cell(visit, reader.column(item.name)) for reader in readers)
        about = item.classification if item.classification else ""
        out.append(Row(item.name, item.label, about, cells))
    return out


def _cell(visit: Visit, shown: Shown | None) -> Cell:
    _ = visit._
    if shown is None:
        return Cell("none", _("no"))
    when = "; ".join((*shown.when, *shown.sometimes))
    if shown.masks:
        return Cell("masked", masks_words(visit, shown.masks), when)
    return Cell("maybe" if shown.when else "whole", _("yes"), when)


# What can this party read?


@dataclass(frozen=True, slots=True)
class Reading:
    """What a party reads of one dataset. ``columns``: (label, how shown, condition)."""

    id: str
    title: str
    access: str
    by: str
    href: str
    until: str
    columns: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, tuple[str, ...]], ...]


def party(visit: Visit) -> Response:
    """``GET /policies/reads?party=ID``: what a person, an application or an organisation's people can read.

    Everybody sees her own and her organisation's; who watches over data sees who reads that.
    """
    caller, asked = visit.caller, visit.param("party")[:200]
    if not caller.party and not is_operator(visit):
        raise NotKnown("Only who is signed in sees what somebody can read.", todo="Sign in.")
    if not asked:
        asked = caller.party or "city"
    names, analysis = Names(visit), visit.site.access.analysis
    found = analysis.caller(asked)
    known = found is not None or asked in visit.site.parties.organisations()
    own = asked in (caller.party, caller.organisation) or (
        found is not None and bool(found.application) and found.organisation == caller.organisation
    )
    if not own and not overseer(visit):
        raise NotAllowed("Only who watches over data sees what others can read.", todo="Look at what you can read.")
    contracts = [
        entry.contract
        for entry in visit.site.catalogue.entries(limit=None).items
        if entry.contract.access != "open" and (own or overseer(visit, owner_of(entry.contract)))
    ]
    readings = [_reading(visit, names, item) for item in analysis.reads(asked, contracts)] if known else []
    readings.sort(key=lambda item: item.title.casefold())
    values = {
        "asked": asked,
        "known": known,
        "title": _title(visit, names, asked, found) if known else asked,
        "readings": readings,
        "own": own,
        "organisations": [(item.id, item.name) for item in visit.site.parties.organisations().values()],
    }
    return private(visit.page("party_reads.html", values))


def _title(visit: Visit, names: Names, asked: str, found: Caller | None) -> str:
    if found is None:
        return visit._("the people of %(name)s", name=names.organisation(asked))
    return names.application(asked) if found.application else names.person(asked)


def _reading(visit: Visit, names: Names, item: Reader) -> Reading:
    contract = visit.site.catalogue.entry(item.dataset).contract
    line = _line(visit, names, item, "")
    columns = []
    for shown in item.columns:
        declared = contract.column(shown.column)
        cell = _cell(visit, shown)
        how = "" if cell.kind in ("whole", "maybe") else cell.words
        columns.append((declared.label if declared else shown.column, how, cell.when))
    return Reading(
        item.dataset,
        contract.title(visit.language),
        contract.access,
        line.by,
        line.href,
        line.until,
        tuple(columns),
        line.facts,
    )
