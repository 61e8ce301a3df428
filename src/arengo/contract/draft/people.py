# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Which columns are about persons, with the evidence. A hit needs the name of the column and its values to agree.

A validator alone proves nothing (one in ten random nine-digit numbers is a Portuguese tax number), so national
numbers are compared with random numbers of the same shape: the share that is valid must be far above chance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module

from arengo.contract.draft import national_numbers, person_names
from arengo.contract.draft.column import Column
from arengo.contract.draft.given_names import PRIVATE_MAIL
from arengo.contract.draft.setting import Setting, mark, share_of, some_values
from arengo.contract.draft.words import concepts, plain, words
from arengo.contract.model import Kind

_MAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"(?:\+|00)?\(?\d[\d\s().\-/–]{5,20}\d(?:\s*(?:ext|int|poste|anexo|x)\.?\s*\d+)?")
_IP = re.compile(r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}")
_PLATE = re.compile(r"(?=.*[A-Za-zА-Я가-힣])(?=.*\d)[A-Za-zА-Я가-힣0-9][A-Za-zА-Я가-힣0-9 \-·.]{3,9}[A-Za-zА-Я0-9]")
_GENERIC_MAIL = re.compile(
    r"^(info|contact|contacto|contato|contatti|kontakt|mail|admin|office|secretar\w*|segreteria|secretaria|direccion|direction|accueil|"
    r"mairie|ayuntamiento|comune|protocollo|urp|biblioteca|biblio\w*|school|escola|scuola|ecole|sekretariat|poststelle|presse|reception|"
    r"hola|hello|postmaster|webmaster|support|service\w*|consultas|atencion|comunicacion|association|asso\w*|club|club\w*|rathaus|gemeinde)([._\-+\d]|$)",
    re.IGNORECASE,
)


def find(columns: Sequence[Column], texts: Sequence[str], language: str, country: str) -> list[str]:
    """Mark personal columns (``personal``, ``role``, ``reason``); sentences about the whole table."""
    setting = _setting(columns, texts)
    for column in columns:
        _by_value(column)
    for column in columns:
        if not column.personal:
            national_numbers.look(column, language, country)
    for column in columns:
        if not column.personal:
            person_names.look(column, columns, setting)
    named = [column for column in columns if column.personal in ("name", "national-id", "birth-date")]
    setting.owners = bool(named)
    setting.persons = setting.persons or sum(1 for c in columns if c.personal in ("name", "national-id")) >= 2
    mails = [column for column in columns if column.personal == "email"]
    setting.private = any(_private(column) for column in mails)
    for column in columns:
        if not column.personal:
            _attribute(column, setting)
    for column in columns:
        if not column.personal:
            _contact(column, columns, setting)
    for column in mails:
        generic = _generic(column)
        if {"official", "oficial", "officiel", "ufficiale"} & set(words(column.name)):
            generic = max(generic, 0.9)
        if generic >= 0.9 and not setting.owners:
            column.personal = column.role = ""
            column.doubts.append(
                f"{generic:.0%} of the e-mail addresses are those of offices (info@...); look whether any is a person's."
            )
    for column in columns:
        if column.personal in ("national-id", "phone", "plate") and column.kind is Kind.INTEGER:
            column.kind, column.numbers, column.options = Kind.STRING, (), {}
            for name in ("decimal", "thousands", "spoilt_dates"):
                column.parse.pop(name, None)
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
_PERSONS = frozenset({"first_name", "last_name", "birth", "national_id", "person_id"})


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
        if names & {"name", "organisation", "facility"}
    )
    kinds = {"last_name", "national_id", "person_id"} if any("count" in names for names in per_column) else _PERSONS
    strong = sum(1 for names in per_column if names & kinds and not names & {"count"})
    counts = any(
        names & {"count"} and not names & {"id", "code"} and column.kind in (Kind.INTEGER, Kind.NUMBER)
        for names, column in zip(per_column, columns, strict=True)
    )
    numbered = any(
        names & {"id", "order", "person_id"} and column.distinct >= 0.3 * column.filled
        for names, column in zip(per_column, columns, strict=True)
    )
    return Setting(
        rows=numbered or bool((known | whole) & {"case"}),
        persons=strong >= 1,
        offices=firms or bool((known | whole) & {"facility", "organisation"}),
        cases=bool((known | whole) & {"case"}),
        counts=counts and not strong,
    )


def _by_value(column: Column) -> None:
    """E-mail, bank account, network address: the values alone tell."""
    if column.kind not in (Kind.STRING, Kind.INTEGER):
        return
    values = some_values(column)
    if not values:
        return
    if column.kind is Kind.STRING:
        whole = share_of(values, lambda v: _MAIL.search(v) and len(v) < 120)
        if whole >= 0.5 or (whole >= 0.2 and "email" in concepts(column.name)):
            mark(column, "email", "identifier", f"{whole:.0%} of the values are e-mail addresses")
            return
        inside = [v for v in column.told() if "@" in v and _MAIL.search(v)]
        if inside:
            share = len(inside) / max(1, column.distinct)
            if share >= 0.01 and len(inside) >= 2 and sum(map(len, inside)) / len(inside) > 60:
                mark(column, "free-text", "identifier", f"{len(inside)} of the texts hold e-mail addresses")
                return
            column.doubts.append(f"{len(inside)} of the texts hold e-mail addresses.")
        if share_of(values, _IP.fullmatch) >= 0.9 and len(values) >= 3:
            mark(column, "ip-address", "identifier", "the values are network addresses")
            return
        head = [v for v in values if re.match(r"[A-Z]{2}\d{2}[ A-Z0-9]{10,30}$", v.upper())]
        if len(head) >= 0.8 * len(values):
            iban = import_module("stdnum.iban")
            if share_of(head[:60], lambda v: iban.is_valid(v, check_country=False)) >= 0.8:
                mark(column, "iban", "identifier", "the values are valid IBANs")


def office_mail(local: str) -> bool:
    """Whether the part of an address before the @ is an office's: info, registry, library."""
    return _GENERIC_MAIL.match(local) is not None


def _generic(column: Column) -> float:
    return share_of(some_values(column), lambda v: office_mail(v.split("@")[0]))


def _private(column: Column) -> bool:
    def private(text: str) -> bool:
        found = _MAIL.search(text)
        return found is not None and found.group(0).rsplit("@", 1)[1].split(".")[0].casefold() in PRIVATE_MAIL

    return share_of(some_values(column), private) >= 0.15


# --- attributes of persons


def _attribute(column: Column, setting: Setting) -> None:
    known = concepts(column.name)
    values = some_values(column)
    if not values:
        return
    single = setting.persons or setting.owners or (not setting.counts and setting.rows)
    if "birth" in known and not known & {"count", "place"}:
        years = (
            column.kind is Kind.INTEGER
            and share_of([str(int(n)) for n in column.numbers[:200]], lambda v: re.fullmatch(r"(18|19|20)\d\d", v))
            >= 0.9
        )
        if column.kind in (Kind.DATE, Kind.TIMESTAMP) or (years and "year" in known | {"year"} and not setting.counts):
            mark(column, "birth-date", "quasi", "its name speaks of birth and its values are dates or years")
            return
    if "person_id" in known and column.kind in (Kind.STRING, Kind.INTEGER) and column.distinct > 5:
        mark(column, "person-id", "identifier", "the number of a person")
        return
    if "username" in known and column.kind is Kind.STRING and column.distinct > 5 and not setting.offices:
        mark(column, "person-id", "identifier", "the name a person uses")
        return
    if "ip" in known and share_of(values, _IP.fullmatch) > 0.5:
        mark(column, "ip-address", "identifier", "network addresses")
        return
    many = column.distinct >= 0.3 * column.filled
    if "plate" in known and column.kind is Kind.STRING and many and share_of(values, _PLATE.fullmatch) >= 0.7:
        mark(column, "plate", "identifier", "its name and its values are those of number plates")
        return
    if (
        "iban" in known
        and column.kind is Kind.STRING
        and share_of(values, lambda v: sum(c.isdigit() for c in v) >= 10) > 0.7
    ):
        mark(column, "iban", "identifier", "its name speaks of a bank account")
        return
    if not single or (setting.offices and not (setting.persons or setting.owners or _one_person_a_row(column))):
        return
    if "age" in known and not known & {"code", "count", "case", "facility"} and column.kind is Kind.INTEGER:
        low, high = (min(column.numbers), max(column.numbers)) if column.numbers else (0, 0)
        if low >= 0 and 15 <= high <= 125 and column.distinct > 5:
            mark(column, "age", "quasi", "ages of single persons")
        return
    if "age" in known and column.kind is Kind.STRING and not known & {"code", "count", "case", "facility"}:
        if share_of(values, lambda v: any(c.isdigit() for c in v)) >= 0.5 and 3 <= column.distinct <= 40:
            mark(column, "age", "quasi", "age groups of single persons")
        return
    if "sex" in known and column.distinct <= 8 and not known & {"count", "facility"} and _sexes(values):
        mark(column, "sex", "quasi", "sex of single persons")
        return
    if setting.persons or setting.owners or _one_person_a_row(column):
        for concept, kind, role in (
            ("nationality", "nationality", "quasi"),
            ("ethnicity", "origin", "sensitive"),
            ("religion", "religion", "sensitive"),
            ("health", "health", "sensitive"),
            ("income", "income", "sensitive"),
            ("marital", "family", "quasi"),
            ("occupation", "occupation", "quasi"),
        ):
            if concept in known and not known & {"count", "code"} and (setting.persons or setting.owners):
                if concept == "income" and column.kind not in (Kind.INTEGER, Kind.NUMBER):
                    return
                mark(column, kind, role, "it tells about the person of the row")
                return


def _one_person_a_row(column: Column) -> bool:
    return bool(
        {"voter", "patient", "victim", "perp", "student", "employee", "pupil", "resident", "elector"}
        & set(words(column.name))
    )


def _sexes(values: Sequence[str]) -> bool:
    known = {
        "m", "f", "h", "v", "w", "k", "d", "male", "female", "man", "woman", "hombre", "mujer", "masculino", "femenino", "feminino", "homme", "femme",
        "masculin", "feminin", "uomo", "donna", "maschio", "femmina", "maschile", "femminile", "mann", "frau", "mannlich", "weiblich", "divers",
        "vrouw", "kobieta", "mezczyzna", "muz", "zena", "no", "ferfi", "nainen", "mies", "kvinde", "kvinna", "mand", "erkek", "kadin", "мужской",
        "женский", "м", "ж", "남", "여", "남자", "여자", "남성", "여성", "男", "女", "男性", "女性", "home", "dona", "barbat", "femeie", "muski", "zenski",
        "0", "1", "2", "9", "u", "x", "other", "unknown", "o", "n", "kj", "ذكر", "أنثى", "homem", "mulher", "masc", "fem", "musko", "zensko",
    }  # fmt: skip
    return share_of(values, lambda v: plain(v) in known) >= 0.6


# --- telephone and address: a person's or an office's?


def _contact(column: Column, columns: Sequence[Column], setting: Setting) -> None:
    known = concepts(column.name)
    values = some_values(column)
    if not values:
        return
    of_person = setting.persons or setting.private or (setting.owners and not setting.offices)
    if not of_person and setting.owners:
        of_person = any(c.personal == "name" and abs(c.index - column.index) == 1 for c in columns)
    official = bool(
        {"official", "oficial", "officiel", "ufficiale", "office", "oficina", "switchboard", "centralita"}
        & set(words(column.name))
    )
    if known & {"phone", "fax"} and column.kind in (Kind.STRING, Kind.INTEGER) and not known & {"count", "flag"}:
        like = share_of(values, lambda v: _PHONE.search(v) and sum(c.isdigit() for c in v) >= 6)
        if like >= 0.5:
            mobile = share_of(values, _mobile)
            if not official and (of_person or mobile >= 0.5 or not setting.offices):
                mark(
                    column,
                    "phone",
                    "identifier",
                    "telephone numbers" + (", many of them mobile" if mobile >= 0.3 else ""),
                )
            else:
                column.doubts.append("These look like telephone numbers of offices; look whether any is a person's.")
        return
    if column.kind is Kind.STRING and not known and share_of(values, _international) >= 0.8 and len(values) >= 5:
        mark(column, "phone", "identifier", "the values are written like telephone numbers")
        return
    if (
        "address" in known
        and column.kind is Kind.STRING
        and not known & {"code", "flag", "count", "url", "postcode", "house_number"}
    ):
        numbered = share_of(values, lambda v: any(c.isdigit() for c in v))
        lengthy = sum(map(len, values)) / len(values) >= 8 or not values[0].isascii()
        typed = {"type", "tipo", "typ", "tipus"} & set(words(column.name))
        few = column.distinct < 3 or (column.distinct < 30 and column.distinct < 0.3 * column.filled)
        if numbered < 0.3 or not lengthy or typed or few:
            return
        home = known & {"home"} and not setting.offices
        if of_person or (setting.cases and not setting.counts) or home:
            mark(
                column,
                "address",
                "identifier" if not setting.cases else "quasi",
                "addresses with house numbers"
                + (
                    " of reported places, often homes"
                    if setting.cases and not of_person
                    else " in a table that names persons"
                ),
            )


def _mobile(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return bool(
        re.match(
            r"(?:(?:00)?(?:34)?[67]\d{8}$|(?:00)?(?:33)?0?[67]\d{8}$|(?:00)?(?:39)?3[2-9]\d{7,8}$|(?:00)?49?0?1[5-7]\d{8,9}$|(?:00)?(?:44)?0?7\d{9}$|"
            r"(?:00)?(?:90)?0?5\d{9}$|(?:00)?(?:30)?69\d{8}$|(?:00)?48[5-8]\d{8}$|(?:00)?(?:966|972|971)?0?5\d{8}$|"
            r"010\d{7,8}$|(?:00)?(?:31)?0?6\d{8}$|(?:00)?351?9\d{8}$|(?:55)?\d{2}9\d{8}$|0[789]0\d{8}$|1[3-9]\d{9}$)",
            digits,
        )
    )


def _international(text: str) -> bool:
    return bool(_PHONE.fullmatch(text)) and (
        text.startswith(("+", "00", "(")) and 9 <= sum(c.isdigit() for c in text) <= 14
    )
