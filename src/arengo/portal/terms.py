"""What is asked and what is given, as forms show it and as they are read: columns, masks, plan, calls, until."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from arengo.contract.model import Contract, Kind, Property
from arengo.contract.purpose import personal
from arengo.governance.agreement import Agreement, Terms, masks_by_column
from arengo.governance.decision import MASKS, Mask
from arengo.governance.plan import Plan, plans
from arengo.governance.purpose import personal_columns
from arengo.portal.agreement_words import mask_words, masks_words, plan_words
from arengo.portal.cells import heads
from arengo.portal.sheet import Sheet
from arengo.portal.visit import Visit

NUMBERS = (Kind.INTEGER, Kind.NUMBER)
DATES = (Kind.DATE, Kind.TIMESTAMP)
BEARING = ("top", "bottom", "round", "truncate", "generalise")
"""Masks that need an argument."""


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """A column in words, without a value. ``offered``: how it is usually given. ``choices``: what may be asked for
    instead of the value, with ``chosen``. ``ticked``: asked for."""

    name: str
    label: str
    lang: str
    description: str
    type: str
    unit: str
    personal: bool
    role: str
    classification: str
    offered: str
    choices: tuple[tuple[str, str], ...]
    chosen: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class GivenLine:
    """A column of a request on the owner's form. ``base``: how it was asked for, or given by the first approver.

    ``kind``, ``argument``: the mask put on top of that. ``family``: number, date or text, for what may stand as the
    mask's detail. ``fault``: what is wrong with it."""

    name: str
    label: str
    personal: bool
    role: str
    given: bool
    base: str
    kind: str
    argument: str
    family: str
    fault: str


def column_lines(
    visit: Visit, contract: Contract, ticked: Iterable[str] = (), chosen: Mapping[str, str] | None = None
) -> list[ColumnLine]:
    """Every column of a contract. ``chosen``: column -> mask asked for as text; None for what is usual."""
    wanted = set(ticked)
    named = {head.name: head for head in heads(contract, [item.name for item in contract.properties], visit.language)}
    about = {item.name for item in personal(contract)}
    out = []
    for item in contract.properties:
        head, choices = named[item.name], offers(visit, item) if item.name in about else ()
        usual = choices[0][0] if choices else ""
        out.append(
            ColumnLine(
                item.name,
                head.label,
                head.lang,
                head.description,
                kind_word(visit, item),
                head.unit,
                item.name in about,
                role_word(visit, item),
                classification_word(visit, item),
                choices[0][1] if usual else "",
                choices,
                usual if chosen is None else chosen.get(item.name, ""),
                item.name in wanted,
            )
        )
    return out


def offers(visit: Visit, item: Property) -> tuple[tuple[str, str], ...]:
    """(mask as text, words) of how a column about persons can be asked for, the usual one first.

    The owner decides; what is offered here is what lets most purposes do without the person.
    """
    masks: list[Mask] = []
    hierarchy = str(item.custom.get("arengoHierarchy", "") or "")
    if hierarchy:
        masks.append(Mask("generalise", f"{hierarchy}:1"))
    elif item.kind in DATES:
        masks += [Mask("generalise", "year"), Mask("generalise", "month")]
    elif item.kind not in (Kind.GEOMETRY, Kind.JSON):
        masks.append(Mask("pseudonym"))
    masks.append(Mask("hide"))
    found = tuple((str(mask), mask_words(visit, mask)) for mask in masks)
    plain = ("", visit._("as it is"))
    # Who is named is not needed to count: a code comes first. What only narrows down comes as it is.
    first = item.privacy_role == "identifier" or bool(item.custom.get("arengoSubject")) or item.kind in DATES
    return (*found[:1], plain, *found[1:]) if first else (plain, *found)


def kind_word(visit: Visit, item: Property) -> str:
    _ = visit._
    if item.enum:
        return visit.speech.many("one of %(n)s value", "one of %(n)s values", len(item.enum))
    return {
        Kind.STRING: _("text"),
        Kind.INTEGER: _("whole number"),
        Kind.NUMBER: _("number"),
        Kind.BOOLEAN: _("yes or no"),
        Kind.DATE: _("date"),
        Kind.TIME: _("time"),
        Kind.TIMESTAMP: _("date and time"),
        Kind.GEOMETRY: _("place"),
        Kind.JSON: _("list or structure"),
    }[item.kind]


def role_word(visit: Visit, item: Property) -> str:
    """What a column can do to a person's privacy."""
    _ = visit._
    if item.custom.get("arengoSubject") or item.privacy_role == "identifier":
        return _("says who it is")
    return {
        "quasi": _("narrows down who it is"),
        "sensitive": _("sensitive"),
    }.get(item.privacy_role, "")


def classification_word(visit: Visit, item: Property) -> str:
    """ODCS ``classification``: the owner's word, the usual ones translated."""
    _ = visit._
    return {
        "": "",
        "public": _("public"),
        "internal": _("internal"),
        "confidential": _("confidential"),
        "restricted": _("restricted"),
        "sensitive": _("sensitive"),
        "pii": _("personal data"),
    }.get(item.classification.lower(), item.classification)


def read_choices(visit: Visit, f: Sheet, contract: Contract, columns: Iterable[str]) -> tuple[tuple[str, Mask], ...]:
    """The masks the reader asks for by itself: only what its form offers."""
    out = []
    for item in personal(contract):
        if item.name not in columns:
            continue
        given = f.value(f"as.{item.name}")
        if given and given in {value for value, _words in offers(visit, item)}:
            kind, _space, argument = given.partition(" ")
            out.append((item.name, Mask(kind, argument)))
    return tuple(out)


# Plan, calls, until


def plan_choices(visit: Visit, contract: Contract) -> list[dict[str, str]]:
    return [{"id": plan.id, "title": plan.title, "words": plan_words(visit, plan)} for plan in plans(contract)]


def read_volume(f: Sheet, plan: Plan | None, default: int = 0) -> int:
    """Calls a day: a whole number the plan allows."""
    _, text = f.visit._, "".join(f.value("volume").split())
    if not text.isascii() or not text.isdigit() or int(text[:18]) < 1:
        f.wrong("volume", _("Write how many calls a day, as a whole number."))
        return default
    if plan is not None and int(text[:18]) > plan.daily:
        limit = f.visit.speech.number(plan.daily)
        f.wrong("volume", _("The plan allows at most %(n)s calls a day.", n=limit))
        return default
    return int(text)


def read_until(f: Sheet, most: datetime | None = None) -> datetime:
    """The end of the day that was written, in the city's zone, as UTC."""
    _, visit = f.visit._, f.visit
    try:
        day = date.fromisoformat(f.value("until"))
        end = end_of(visit, day)
    except (ValueError, OverflowError):
        f.wrong("until", _("Write a date like 2026-05-31."))
        return visit.now
    if end <= visit.now:
        f.wrong("until", _("Choose a day that is still to come."))
    elif most is not None and end > most:
        last = visit.speech.date(most - timedelta(seconds=1))
        f.wrong("until", _("It can last until %(date)s at most.", date=last))
    return end


def end_of(visit: Visit, day: date) -> datetime:
    """The first moment after a day of the city, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), visit.speech.zone).astimezone(UTC)


def last_day(visit: Visit, end: datetime) -> date:
    """The last day on which something is in force that ends at ``end``."""
    return visit.speech.local(end - timedelta(seconds=1)).date()


def in_a_year(visit: Visit) -> date:
    return visit.speech.local(visit.now).date() + timedelta(days=364)


# The owner's form


def given_lines(visit: Visit, contract: Contract, agreement: Agreement, f: Sheet) -> list[GivenLine]:
    """The columns that can be given, as they were asked for or as the owner has changed them on the form."""
    held = masks_by_column(agreement.masks)
    ticked = set(f.values("column")) if f.given is not None else set(agreement.columns)
    named = {head.name: head for head in heads(contract, agreement.columns, visit.language)}
    about = personal_columns(contract, agreement.columns)
    out = []
    for name in agreement.columns:
        item = contract.column(name)
        out.append(
            GivenLine(
                name,
                named[name].label if name in named else name,
                name in about,
                role_word(visit, item) if item else "",
                name in ticked,
                masks_words(visit, held.get(name, ())),
                f.value(f"mask.{name}"),
                f.value(f"argument.{name}"),
                family(item),
                f.error(f"mask.{name}"),
            )
        )
    return out


def family(item: Property | None) -> str:
    if item is None or item.kind not in (*NUMBERS, *DATES):
        return "text"
    return "number" if item.kind in NUMBERS else "date"


def read_masks(f: Sheet, agreement: Agreement, columns: Iterable[str]) -> tuple[tuple[str, Mask], ...]:
    """The masks asked for with those of the owner's form on top; hiding makes the others needless."""
    _ = f.visit._
    held = masks_by_column(agreement.masks)
    out: list[tuple[str, Mask]] = []
    for name in columns:
        kind, argument = f.value(f"mask.{name}"), f.value(f"argument.{name}")
        if kind and kind not in MASKS:
            f.wrong(f"mask.{name}", _("Choose how it is shown."))
        elif kind in BEARING and not argument:
            f.wrong(f"mask.{name}", _("Say how much of %(column)s is shown, as the line under the table says.",
                                      column=name))  # fmt: skip
        elif kind == "hide":
            out.append((name, Mask("hide")))
            continue
        out += [(name, mask) for mask in held.get(name, ())]
        if kind in MASKS:
            out.append((name, Mask(kind, argument if kind in BEARING else "")))
    return tuple(out)


def read_given(f: Sheet, contract: Contract, agreement: Agreement) -> Terms:
    """What the owner's form gives, within what ``agreement`` holds so far; faults stand on the sheet."""
    _, visit, most = f.visit._, f.visit, agreement.terms
    columns = tuple(name for name in most.columns if name in f.values("column"))
    if not columns:
        f.wrong("columns", _("Give at least one column, or refuse."))
    masks = read_masks(f, agreement, columns)
    known = {plan.id: plan for plan in plans(contract)}
    plan = f.value("plan")
    if plan not in known:
        f.wrong("plan", _("Choose a plan."))
        plan = most.plan
    volume = read_volume(f, known.get(plan), most.volume)
    if volume > most.volume:
        f.wrong("volume", _("At most %(n)s were asked for.", n=visit.speech.number(most.volume)))
    end = most.valid_to
    if f.value("until") != last_day(visit, end).isoformat():
        end = read_until(f, end)
    rows = f.text("rows", 2000, line=True) or most.rows
    duties = tuple(line.strip() for line in f.text("obligations", 4000).splitlines() if line.strip())
    return Terms(columns, plan, volume, most.valid_from, end, rows, masks, (*most.obligations, *duties))


def details(visit: Visit, hierarchies: Mapping[str, Iterable[str]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What may stand as the detail of a mask, by family of column."""
    _ = visit._
    groups = [
        (f"{name}:{level}", _("group of %(hierarchy)s, level %(level)s", hierarchy=name, level=level))
        for name, levels in sorted(hierarchies.items())
        for level in levels
    ]
    return [
        ("date", [("year", _("only the year")), ("month", _("only month and year")), ("decade", _("only the decade"))]),
        ("number", [("10", ""), ("100", ""), ("1000", "")]),
        ("text", [("1", ""), ("3", ""), *groups]),
    ]
