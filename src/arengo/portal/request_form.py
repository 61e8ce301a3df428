"""What a form of asking says: who reads, which columns how, for what, how much, until when; and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from arengo.contract.model import Contract
from arengo.errors import BadForm, NotFound
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.decision import Mask
from arengo.governance.plan import plans
from arengo.governance.purpose import QUESTIONS, Purpose, gaps, personal_columns, special_columns, written
from arengo.portal.agreement_story import question_words
from arengo.portal.sheet import Sheet
from arengo.portal.terms import read_choices, read_until, read_volume
from arengo.portal.visit import Visit

NEW, PEOPLE = "new", "people"
FIELDS = {"title": "purpose_title", "text": "purpose_text", "personal": "purpose"}
"""Field of a purpose -> field of the form, where they are called differently."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sound form says. ``application``, ``purpose``: ids, '' for new ones with their words in the form."""

    application: str
    purpose: str
    values: Mapping[str, Any]
    terms: Terms
    message: str


def read(visit: Visit, f: Sheet, contract: Contract, item: Agreement | None = None) -> Asked | None:
    """What the form says; None with the faults on the sheet."""
    _ = visit._
    application = item.application if item else _application(visit, f)
    columns = tuple(column.name for column in contract.properties if column.name in f.values("column"))
    if not columns:
        f.wrong("column", _("Tick at least one column."))
    masks = read_choices(visit, f, contract, columns)
    known = {plan.id: plan for plan in plans(contract)}
    plan = f.value("plan")
    if plan not in known:
        f.wrong("plan", _("Choose a plan."))
    purpose, values = _purpose(visit, f, contract, columns)
    volume = read_volume(f, known.get(plan))
    longest = visit.now + timedelta(days=visit.site.agreements.settings.longest_days)
    end = read_until(f, longest)
    message = f.text("message", 2000)
    if f.errors:
        return None
    kept: tuple[tuple[str, Mask], ...] = masks
    rows = item.rows if item else ""
    duties = item.obligations if item else ()
    terms = Terms(columns, plan, volume, visit.now, end, rows, kept, duties)
    if item is not None and item.state == "draft" and item.asked is not None and item.asked.valid_from > visit.now:
        terms = replace(terms, valid_from=item.asked.valid_from)
    return Asked(application, purpose, values, terms, message)


def _application(visit: Visit, f: Sheet) -> str:
    """The application that was chosen; the word for a new one or for the organisation's people."""
    _, chosen = visit._, f.value("application")
    if chosen == NEW:
        f.text("application_title", 200, _("Say what the application is called."), line=True)
        if not f.error("application_title") and len(f.value("application_title")) < 2:
            f.wrong("application_title", _("Say what the application is called."))
        f.text("application_words", 1000)
        return NEW
    if chosen == PEOPLE:
        return ""
    mine = {item.id for item in visit.site.applications.mine(visit.caller) if item.active}
    if chosen not in mine:
        f.wrong("application", _("Choose who reads it."))
    return chosen


def _purpose(visit: Visit, f: Sheet, contract: Contract, columns: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """(id of a purpose written before, fields of a new one), one of them empty."""
    _, by, accords = visit._, visit.caller, visit.site.agreements
    personal = bool(personal_columns(contract, columns))
    sensitive = bool(special_columns(contract, columns))
    chosen = f.value("purpose")
    if chosen and chosen != NEW:
        try:
            found = accords.purposes.get(chosen, by)
        except NotFound:
            f.wrong("purpose", _("Choose what it is for."))
            return "", {}
        if gaps(found, about_people=personal, sensitive=sensitive):
            f.wrong("purpose", _("This purpose says too little about the persons concerned. Write a new one for it."))
        return chosen, {}
    if chosen != NEW:
        f.wrong("purpose", _("Choose what it is for."))
        return "", {}
    values: dict[str, Any] = {
        "title": f.text("purpose_title", 200, line=True),
        "text": f.text("purpose_text", 4000),
        "dpv": f.value("dpv"),
        "legal_basis": f.value("legal_basis"),
        "special_basis": f.value("special_basis") if sensitive else "",
        "retention": f.value("retention"),
        "recipients": [line.strip() for line in f.text("recipients", 1000).splitlines() if line.strip()],
        "personal": personal,
        "answers": {item.id: f.text(f"answer.{item.id}", 2000) for item in QUESTIONS} if personal else {},
    }
    try:
        kept = written(values)
    except BadForm as error:
        f.wrong("purpose", f"{error.met} {error.todo}".strip())
        return "", {}
    for name, words in gaps(Purpose("", "", **_whole(kept)), about_people=personal, sensitive=sensitive):
        answer = name in {item.id for item in QUESTIONS}
        f.wrong(f"answer.{name}" if answer else FIELDS.get(name, name), _gap(visit, name, words))
    return "", values


def _whole(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {**kept, "recipients": tuple(kept["recipients"])}


def _gap(visit: Visit, name: str, words: str) -> str:
    """What a purpose lacks, in the reader's language."""
    _ = visit._
    question = next((item for item in QUESTIONS if item.id == name), None)
    if question is not None:
        asked = question_words(visit)[name][0]
        return _("Answer in a sentence or two: %(question)s", question=asked)
    return {
        "title": _("Give the purpose a title."),
        "text": _("Say in a few sentences what the data is used for."),
        "dpv": _("Choose what kind of purpose it is."),
        "legal_basis": _("Choose what allows it (legal basis)."),
        "special_basis": _("Choose the exception that allows special categories."),
        "retention": _("Say how long you keep the data."),
    }.get(name, words)
