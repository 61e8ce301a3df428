"""The record as pages: what happened by day and kind, one entry with its proof, checked in the visitor's browser."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo.contract import dpv
from arengo.errors import NotAllowed, NotFound
from arengo.ledger import KINDS, Entry, Ledger
from arengo.ledger.checkpoint import Checkpoint
from arengo.portal.reuse import title as dataset_title
from arengo.portal.site import Site
from arengo.portal.visit import Visit

ON_PAGE = 50
DAYS = 14
AUDITOR = "auditor"


def routes(site: Site) -> list[BaseRoute]:
    shown = {"/record": listing, "/record/{number}": single}
    return [Route(path, site.serve(answer), methods=["GET", "HEAD"]) for path, answer in shown.items()]


@dataclass(frozen=True, slots=True)
class Row:
    """One entry in words. ``mark``: signed, waiting or hidden."""

    number: int
    at: datetime
    kind: str
    words: str
    organisation: str
    organisation_name: str
    dataset: str
    dataset_title: str
    purpose: str
    hidden: bool
    signed: bool


def listing(visit: Visit) -> Response:
    """``/record?kind=&dataset=&organisation=&day=&before=``."""
    ledger = visit.site.access.ledger
    size, signed = ledger.size, ledger.checkpoint()
    known = visit.unchanged(size, signed.text if signed else "", visit.site.catalogue.generation, visit.now.date())
    if known:
        return known
    kind = visit.param("kind") if visit.param("kind") in KINDS else ""
    dataset, organisation, day = visit.param("dataset"), visit.param("organisation"), _day(visit.param("day"))
    before = int(visit.param("before")) if _is_number(visit.param("before")) else size
    found = ledger.entries(
        limit=ON_PAGE + 1, before=before, kind=kind, dataset=dataset, organisation=organisation, day=day
    )
    rows = [row(visit, entry, signed) for entry in found[:ON_PAGE]]
    newest = ledger.days((visit.now - timedelta(days=365)).strftime("%Y-%m-%d"))
    shown_days = dict(list(newest.items())[:DAYS])
    words = kind_words(visit)
    used = [name for name in KINDS if any(name in kinds for kinds in newest.values())]
    values = {
        "size": size,
        "signed": signed,
        "root": _short(signed.root) if signed else "",
        "signed_at": signed_at(ledger, visit),
        "witnesses": _witnesses(ledger, signed),
        "rows": rows,
        "older": visit.here(before=found[ON_PAGE - 1].number) if len(found) > ON_PAGE else "",
        "kinds": [("", visit._("Everything")), *((name, words[name]) for name in used)],
        "kind": kind,
        "dataset": dataset,
        "dataset_title": dataset_title(visit, dataset) if dataset else "",
        "organisation": organisation,
        "organisation_name": _office(visit, organisation),
        "day": day,
        "days": [(name, datetime.fromisoformat(name), kinds) for name, kinds in shown_days.items()],
        "columns": [(name, words[name]) for name in used],
        "filtered": bool(kind or dataset or organisation or day),
        "key": str(ledger.public_keys()[0]),
    }
    return visit.page("ledger.html", values)


def single(visit: Visit) -> Response:
    """``/record/{number}``: the entry, its proof, and for auditors its body."""
    text = str(visit.request.path_params["number"])
    if not _is_number(text):
        raise NotFound(f"The record has no entry {text[:20]!r}.", todo="Entries are counted from 0.")
    ledger = visit.site.access.ledger
    entry = ledger.entry(int(text))
    signed = ledger.checkpoint()
    within = signed is not None and entry.number < signed.size
    proof = ledger.inclusion(entry.number, signed.size) if signed is not None and within else ()
    audits = visit.caller.has(AUDITOR, entry.organisation)
    whole = _whole(visit, ledger, entry) if visit.param("body") else None
    values = {
        "entry": entry,
        "row": row(visit, entry, signed),
        "facts": _facts(visit, entry),
        "signed": signed,
        "signed_at": signed_at(ledger, visit),
        "within": within,
        "proof": [base64.b64encode(step).decode() for step in proof],
        "leaf": entry.leaf.decode("utf-8", "replace"),
        "hash": base64.b64encode(entry.hash).decode(),
        "audits": audits,
        "whole": whole,
        "body": _pretty(whole) if whole else "",
        "previous": entry.number - 1 if entry.number else None,
        "next": entry.number + 1 if entry.number + 1 < ledger.size else None,
        "key": str(ledger.public_keys()[0]),
    }
    answer = visit.page("ledger_entry.html", values)
    if whole is not None or audits:
        answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _whole(visit: Visit, ledger: Ledger, entry: Entry) -> Entry:
    """The entry with its body, for an auditor. That somebody looked is recorded first."""
    caller = visit.caller
    if not caller.has(AUDITOR, entry.organisation):
        raise NotAllowed(
            visit._("What stands behind an entry is for auditors."),
            todo=visit._("Ask the city for the role of an auditor. The entry itself and its proof are for everybody."),
        )
    body = {"action": "body-read", "entry": entry.number}
    ledger.tell("administration", actor=caller.party, organisation=caller.organisation, body=body)
    return ledger.entry(entry.number, whole=True)


def row(visit: Visit, entry: Entry, signed: Checkpoint | None) -> Row:
    facts = entry.facts
    hidden = entry.hidden
    return Row(
        entry.number,
        entry.at,
        kind_words(visit).get(entry.kind, entry.kind),
        visit._("Not shown yet") if hidden else sentence(visit, entry),
        "" if hidden else entry.organisation,
        "" if hidden else _office(visit, entry.organisation),
        "" if hidden else entry.dataset,
        dataset_title(visit, entry.dataset) if entry.dataset and not hidden else "",
        "" if hidden else _term(visit, str(facts.get("purpose", ""))),
        hidden,
        signed is not None and entry.number < signed.size,
    )


def _term(visit: Visit, code: str) -> str:
    """A purpose or legal basis in words, with its code where it is a term of DPV; the code of anything else."""
    found = dpv.concept(code) if code else None
    return f"{found.label(visit.language)} ({found.code})" if found is not None else code


def _office(visit: Visit, organisation: str) -> str:
    """An organisation's name; its id when it has none here."""
    found = visit.site.parties.organisations().get(organisation) if organisation else None
    return found.name if found is not None else organisation


def sentence(visit: Visit, entry: Entry) -> str:
    """What happened, in a few words."""
    _, facts = visit._, entry.facts
    if entry.kind == "read":
        return ", ".join(part for part in (_rows(visit, facts), _columns(visit, facts)) if part) or _("Read")
    if entry.kind == "publication":
        return _("Version %(n)s", n=facts["version"]) if "version" in facts else _("A new version")
    if entry.kind == "decision":
        words = {"permit": _("Permitted"), "deny": _("Refused")}
        return words.get(str(facts.get("decision", "")), _("Decided"))
    if entry.kind == "completeness" and facts.get("action") != "count":
        return _("The day's count of entries about each person")
    action = str(facts.get("action", ""))
    if entry.kind == "agreement" and action:
        from arengo.portal.agreement_words import step_word

        return step_word(visit, action, "pending", "active")
    known = action_words(visit).get(action, action.replace("-", " "))
    return known or kind_words(visit).get(entry.kind, entry.kind)


def action_words(visit: Visit) -> Mapping[str, str]:
    """What is done to people, programs, contracts and the record itself."""
    _ = visit._
    return {
        "signed-in": _("Somebody signed in"),
        "signed-out": _("Somebody signed out"),
        "confirmed": _("Somebody confirmed a sign-in"),
        "person-added": _("A person was added"),
        "person-joined": _("A person joined"),
        "person-invited": _("A person was invited"),
        "person-blocked": _("A person was blocked"),
        "person-let-in-again": _("A person was let in again"),
        "invitation-accepted": _("An invitation was accepted"),
        "password-changed-by-link": _("A password was changed by link"),
        "link-made": _("A link to sign in was made"),
        "sessions-ended": _("Sessions were ended"),
        "organisation-added": _("An organisation was added"),
        "role-given": _("A role was given"),
        "role-taken": _("A role was taken away"),
        "delegation": _("Somebody decides for somebody else"),
        "delegation-ended": _("A delegation ended"),
        "contract-add": _("A contract came into force"),
        "contract-change": _("A contract was changed"),
        "contract-retire": _("A dataset was retired"),
        "key-changed": _("The record has a new key"),
        "body-read": _("An auditor looked behind an entry"),
        "gate-approve": _("A publication that was held back was approved"),
        "gate-override-asked": _("Somebody asked to publish what the check held back"),
        "gate-override-given": _("Two people published what the check held back"),
        "gate-override-declined": _("What the check held back was not published"),
        "gate-repair": _("A repair was taken into a contract"),
        "privacy-report": _("A report on a privacy check was sealed"),
    }


def _rows(visit: Visit, facts: Mapping[str, Any]) -> str:
    rows = str(facts.get("rows", ""))
    low, mark, high = rows.partition("-")
    if mark and low.isdecimal() and high.isdecimal():
        s = visit.speech
        return visit._("%(low)s to %(high)s rows", low=s.number(int(low)), high=s.number(int(high)))
    return visit._("No row") if rows == "0" else ""


def _columns(visit: Visit, facts: Mapping[str, Any]) -> str:
    fields = facts.get("fields")
    return visit.speech.many("%(n)s column", "%(n)s columns", len(fields)) if isinstance(fields, list) else ""


def _facts(visit: Visit, entry: Entry) -> Sequence[tuple[str, str]]:
    """What the leaf says, each with its word, in the order of the question who, what, for what, by which right."""
    _ = visit._
    words = {
        "organisation": _("Organisation"),
        "actor": _("Who acted (a pseudonym of this month)"),
        "dataset": _("Dataset"),
        "contract": _("Contract"),
        "version": _("Version"),
        "snapshot": _("Snapshot"),
        "fields": _("Columns"),
        "rows": _("Rows"),
        "purpose": _("Purpose"),
        "basis": _("Legal basis"),
        "agreement": _("Agreement"),
        "decision": _("Decision"),
        "policy": _("Policy (digest)"),
        "action": _("Action"),
        "request": _("Request"),
        "size": _("Entries counted"),
        "map": _("Root of the count"),
        "verifier": _("New key"),
    }
    out = []
    for name, word in words.items():
        value = entry.facts.get(name)
        if value is not None and not entry.hidden:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            if name in ("purpose", "basis"):
                text = _term(visit, text)
            out.append((word, _office(visit, text) if name == "organisation" else text))
    if entry.facts.get("everyone"):
        out.append((_("About"), _("everybody in the dataset")))
    elif entry.facts.get("subjects"):
        out.append((_("About"), _("persons, whom only they themselves can recognise")))
    return out


def kind_words(visit: Visit) -> Mapping[str, str]:
    _ = visit._
    return {
        "publication": _("Publication"),
        "decision": _("Decision"),
        "agreement": _("Agreement"),
        "policy": _("Policy"),
        "read": _("Reading"),
        "administration": _("Administration"),
        "login": _("Sign-in"),
        "retention": _("Retention"),
        "completeness": _("Count"),
    }


def signed_at(ledger: Ledger, visit: Visit) -> datetime | None:
    age = ledger.signing.age()
    return visit.now.astimezone(UTC) - age if age is not None else None


def _witnesses(ledger: Ledger, signed: Checkpoint | None) -> list[str]:
    """Names of witnesses whose signatures on the newest checkpoint are right."""
    if signed is None:
        return []
    keys = {(key.name, key.id): key for key in ledger.public_keys()[1:]}
    return [
        item.name
        for item in signed.note.signatures
        if item.at and (key := keys.get((item.name, item.id))) and key.checks(signed.note.text, item.made)
    ]


def _pretty(entry: Entry) -> str:
    return orjson.dumps(entry.body, option=orjson.OPT_INDENT_2).decode() if entry.body is not None else ""


def _short(root: bytes) -> str:
    text = root.hex()
    return f"{text[:8]} {text[8:16]} … {text[-8:]}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def _day(text: str) -> str:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat() if text else ""
    except ValueError:
        return ""
