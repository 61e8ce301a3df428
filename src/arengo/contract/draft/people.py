# ruff: noqa: E501, SIM905, RUF100 - word lists and patterns read better on one line
"""Which columns are about persons, with the evidence. A hit needs the name of the column and its values to agree.

A validator alone proves nothing (one in ten random nine-digit numbers is a Portuguese tax number), so national
numbers are compared with random numbers of the same shape: the share that is valid must be far above chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import import_module

from arengo.contract.draft import national_numbers, person_attributes, person_contacts, person_names, supply_points
from arengo.contract.draft.column import Column
from arengo.contract.draft.person_attributes import IP
from arengo.contract.draft.person_contacts import MAIL
from arengo.contract.draft.setting import Setting, mark, share_of, some_values
from arengo.contract.draft.words import concepts, words
from arengo.contract.model import Kind

_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:\-]){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}")
_PAID = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}|6(?:011|5\d\d)\d{12}|62\d{14,17}"
    r"|(?:5018|5020|5038|6304|6759|676[1-3])\d{8,15}"
)
"""Payment cards by their issuer's first digits (ISO/IEC 7812; the ranges of the schemes)."""
_WHOSE = frozenset({"name", "email", "phone", "person-id", "national-id", "birth-date"})
_WROTE = re.compile(
    r"\b(?i:soy|me llamo|mi nombre es|sono|mi chiamo|je suis|je m['’]appelle|ich bin|ich hei(?:ß|ss)e|chamo-me|sou (?:o|a)|"
    r"my name is|i am|ik ben|nazywam si[eę]|jag heter|nimeni on|jmenuji se|ma numesc|numele meu|a nevem|με λένε|em dic|"
    r"soc (?:en|la))\s+[^\W\d_a-zß-ÿ]",
)
_TITLED = re.compile(
    r"\b(?:[Ss]ig(?:\.ra|\.na)?\.?|[Ss]ra?\.|D\.|[Dd]oña|[Dd]on|[Mm]me|M\.|[Mm]r\.?|[Mm]rs\.?|[Mm]s\.?|[Hh]err|[Ff]rau|"
    r"[Pp]an[ií]?|[Dd]hr\.|[Mm]evr\.|[Dd]ott(?:\.ssa)?\.?|[Ss]enhora?|[Gg]r\.|[Hh]älsn\w*)\s+[^\W\d_a-zß-ÿ][\w'’\-]+"
)
_CALLED = re.compile(r"(?<![\w.,/\-])(?:\+\d{1,3}[ .\-]?)?\(?\d(?:[ ().\-/]{0,2}\d){7,12}(?![\w/\-])")


def find(
    columns: Sequence[Column], texts: Sequence[str], language: str, country: str,
    alike: Callable[[], bool] = lambda: False,
) -> list[str]:  # fmt: skip
    """Mark personal columns (``personal``, ``role``, ``reason``); sentences about the whole table. ``alike``: whether
    rows are alike in all but what numbers them."""
    setting = _setting(columns, texts)
    homes = person_contacts.homes(columns, texts)
    if not setting.rows and not setting.counts and _of_persons(columns):
        numbers = (column for column in columns if not concepts(column.name) & _ELSEWHERE)
        setting.rows = any(_numbers(column) for column in numbers) or alike()
    for column in columns:
        _by_value(column)
    for column in columns:
        if not column.personal:
            national_numbers.look(column, language, country)
    for column in columns:
        if not column.personal:
            person_names.look(column, columns, setting)
    for column in columns:
        known = concepts(column.name)
        speaks = (bool(known) and known <= {"person", "holder"}) or person_attributes.one_person_a_row(column)
        if not column.personal and not setting.counts and speaks and _numbers(column):
            mark(column, "person-id", "identifier", "the number of a person")
            setting.persons = True
    named = [column for column in columns if column.personal in ("name", "national-id", "birth-date")]
    setting.owners = bool(named)
    setting.persons = setting.persons or sum(1 for c in columns if c.personal in ("name", "national-id")) >= 2
    mails = [column for column in columns if column.personal == "email"]
    setting.private = any(person_contacts.private(column) for column in mails)
    for column in columns:
        if not column.personal:
            person_attributes.look(column, setting)
    for column in columns:
        if not column.personal:
            person_contacts.look(column, columns, setting)
    person_contacts.mails(mails, setting)
    if homes and not setting.offices:
        person_contacts.doors(columns)
    supply_points.look(columns, texts, setting, homes)
    for column in columns:
        if not column.personal and not _device(column, columns):
            _free_text(column, setting)
    for column in columns:
        if column.personal in ("national-id", "phone", "plate", "iban", "card") and column.kind is Kind.INTEGER:
            column.kind, column.numbers, column.options = Kind.STRING, (), {}
            for name in ("decimal", "thousands", "spoilt_dates"):
                column.parse.pop(name, None)
    return _sentences(columns, setting)


def _sentences(columns: Sequence[Column], setting: Setting) -> list[str]:
    out = []
    homes = [column for column in columns if column.personal == "address"]
    if setting.cases and not homes and not setting.counts:
        streets = [c for c in columns if "street" in concepts(c.name) and c.kind is Kind.STRING and c.distinct > 2]
        doors = [
            c
            for c in columns
            if {"house_number"} & concepts(c.name) or {"altura", "numero", "num"} & set(words(c.name)[-1:])
        ]
        if streets and doors:
            out.append(f"{streets[0].name} and {doors[0].name} together are addresses of reported places.")
    if homes and any(c.options.get("axis") for c in columns):
        out.append(f"The coordinates point to the same places as {homes[0].name}.")
    return out


_OFFICE = re.compile(
    r"(?:所|館|馆|校|園|园|院|センター|中心|駅|站|局|店|場|場所|구청|학교|병원|공원|도서관|센터|역|관|원)$"
)
_ELSEWHERE = frozenset({"official_code", "postcode", "district", "section", "order"})
"""Concepts of columns that may have another value in each row and yet number places."""
_CODE = re.compile(r"[\w./-]{4,40}")
_PERSONS = frozenset({"first_name", "last_name", "birth", "national_id", "person_id"})
_FEW = frozenset({"last_name", "national_id", "person_id"})


def _setting(columns: Sequence[Column], texts: Sequence[str]) -> Setting:
    known: set[str] = set()
    for text in texts:
        known |= concepts(text)
    per_column = [concepts(column.name) for column in columns]
    whole = set().union(*per_column) if per_column else set()
    firms = any(
        column.kind is Kind.STRING
        and (
            person_names.person_share(some_values(column, 100))[2] >= 0.3
            or share_of(some_values(column, 100), _OFFICE.search) >= 0.3
        )
        for names, column in zip(per_column, columns, strict=True)
        if names & {"name", "organisation", "facility"} and not names & {"holder", "full_name", "last_name"}
    )
    counts = any(
        (names & {"count"} or "nombre" in words(column.name))
        and not names & {"id", "code", "income", "marital", "person_id"}
        and column.kind in (Kind.INTEGER, Kind.NUMBER)
        for names, column in zip(per_column, columns, strict=True)
    )
    strong = sum(
        1 for names, column in zip(per_column, columns, strict=True)
        if (names & (_FEW if counts else _PERSONS) or (counts and _born_on(names, column)))
        and not names & {"count"} and _speaks(names, column)
    )  # fmt: skip
    numbered = any(
        names & {"id", "order", "person_id"} and column.distinct >= 0.3 * column.filled
        for names, column in zip(per_column, columns, strict=True)
    )
    beasts = sum("animal" in names for names in per_column)
    return Setting(
        rows=numbered or bool((known | whole) & {"case"}),
        persons=strong >= 1,
        offices=firms or bool((known | whole) & {"facility", "organisation"}),
        cases=bool((known | whole) & {"case"}),
        counts=counts and not strong,
        timed=any(column.kind is Kind.TIMESTAMP for column in columns),
        animals=beasts >= 2 or ("animal" in known) or (beasts == 1 and "ethnicity" in whole),
    )


def _of_persons(columns: Sequence[Column]) -> bool:
    """Whether one column is the age or birth, another one the sex of somebody, and none counts."""
    known = [(concepts(column.name), column) for column in columns]
    if any("count" in names and not names & {"age", "birth", "income"} for names, _ in known):
        return False
    born = any(names & {"age", "birth"} and not names & {"count", "facility"} for names, _ in known)
    return born and any("sex" in names and person_attributes.sexes(some_values(column)) for names, column in known)


def _numbers(column: Column) -> bool:
    """Whether a column numbers the rows, whatever it is called: another value in each, all as long as each other."""
    if column.kind not in (Kind.STRING, Kind.INTEGER) or column.filled < 20 or column.distinct < 0.98 * column.filled:
        return False
    values = some_values(column)
    return len({len(value) for value in values}) <= 2 and share_of(values, _CODE.fullmatch) >= 0.95


def _born_on(names: frozenset[str], column: Column) -> bool:
    """Days of birth, many different ones: no table of counts is grouped by them, whatever else is counted beside."""
    return "birth" in names and column.kind is Kind.DATE and column.distinct >= 0.3 * column.filled


def _speaks(names: frozenset[str], column: Column) -> bool:
    """Whether a header that may speak of persons does, as far as the values let it: a date under *geb*, a name under
    *meno*; a number that things have as well speaks of nobody."""
    concept = names & _PERSONS
    if concept <= {"person_id"}:
        return not person_attributes.ambiguous(column.name) and column.distinct > 5
    if concept <= {"birth"}:
        return column.kind in (Kind.DATE, Kind.TIMESTAMP, Kind.STRING) or column.kind is Kind.INTEGER
    if concept <= {"first_name", "last_name"}:
        return column.kind is Kind.STRING
    if concept <= {"national_id"}:
        long = share_of(some_values(column, 100), lambda v: sum(c.isdigit() for c in v) >= 6)
        return long >= 0.7 and (column.distinct > 2 or column.filled <= 5)
    return True


def _by_value(column: Column) -> None:
    """E-mail, bank account, payment card, network address: the values alone tell."""
    if column.kind not in (Kind.STRING, Kind.INTEGER):
        return
    values = some_values(column)
    if not values:
        return
    if _card(column, values) or column.kind is not Kind.STRING:
        return
    whole = share_of(values, lambda v: MAIL.search(v) and len(v) < 120)
    if whole >= 0.5 or (whole >= 0.2 and "email" in concepts(column.name)):
        mark(column, "email", "identifier", f"{whole:.0%} of the values are e-mail addresses")
        return
    inside = [v for v in column.told() if "@" in v and MAIL.search(v)]
    if inside:
        share = len(inside) / max(1, column.distinct)
        if share >= 0.01 and len(inside) >= 2 and sum(map(len, inside)) / len(inside) > 60:
            mark(column, "free-text", "identifier", f"{len(inside)} of the texts hold e-mail addresses")
            return
        column.doubts.append(f"{len(inside)} of the texts hold e-mail addresses.")
    if share_of(values, IP.fullmatch) >= 0.9 and len(values) >= 3:
        mark(column, "ip-address", "identifier", "the values are network addresses")
        return
    head = [v for v in values if re.match(r"[A-Z]{2}\d{2}[ A-Z0-9]{10,30}$", v.upper())]
    if len(head) >= 0.8 * len(values):
        iban = import_module("stdnum.iban")
        if share_of(head[:60], lambda v: iban.is_valid(v, check_country=False)) >= 0.8:
            mark(column, "iban", "identifier", "the values are valid IBANs")
        elif "iban" in concepts(column.name):
            mark(column, "iban", "identifier", "its name speaks of a bank account and its values are written like one")


def _card(column: Column, values: Sequence[str]) -> bool:
    bare = [re.sub(r"[ \-]", "", value) for value in values]
    known = concepts(column.name)
    if share_of(bare, lambda v: v.isdigit() and 13 <= len(v) <= 19) < 0.9 or len(bare) < 5:
        return False
    luhn = import_module("stdnum.luhn")
    if share_of(bare, luhn.is_valid) < 0.9:
        return False
    if share_of(bare, _PAID.fullmatch) >= 0.9 or "card" in known:
        mark(column, "card", "identifier", "the numbers are those of payment cards, check digit and issuer")
        return True
    return False


def _device(column: Column, columns: Sequence[Column]) -> bool:
    """Hardware addresses (EUI-48) beside what is a person's: those of sensors and cameras are nobody's."""
    if column.kind is not Kind.STRING or not any(c.personal in _WHOSE for c in columns):
        return False
    values = some_values(column)
    if len(values) < 3 or share_of(values, _MAC.fullmatch) < 0.9:
        return False
    mark(column, "device-id", "identifier", "hardware addresses of devices, in a table about persons")
    return True


def _called(text: str) -> bool:
    """Whether a text holds a mobile telephone's number: fixed ones are mostly those of offices."""
    return any(person_contacts.mobile(found) for found in _CALLED.findall(text))


def _free_text(column: Column, setting: Setting) -> None:
    """Texts in which somebody says who they are, is called by name, or leaves a telephone number."""
    if column.kind is not Kind.STRING or setting.counts or column.geometry_format:
        return
    values = some_values(column)
    if len(values) < 2 or sum(sum(part[:1].isalpha() for part in v.split()) for v in values) < 4 * len(values):
        return
    known = concepts(column.name)
    if known & {"name", "url", "address", "street", "code"} and not known & {"free_text"}:
        return
    told = [v for v in values if _WROTE.search(v) or _TITLED.search(v) or _called(v)]
    sure = [v for v in values if _WROTE.search(v)]
    about = bool(known & {"free_text", "case"}) or setting.cases or setting.persons or setting.owners
    if about and (len(sure) >= 2 or (len(told) >= 2 and len(told) >= 0.02 * len(values))):
        mark(column, "free-text", "identifier", f"{len(told)} of the texts looked at name somebody or hold a number")
