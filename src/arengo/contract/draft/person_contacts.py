# ruff: noqa: E501, SIM905, RUF100 - word lists and patterns read better on one line
"""Telephones, e-mail and postal addresses, and places: a person's or an office's?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from arengo.contract.draft.column import Column
from arengo.contract.draft.given_names import COMMON_WORDS, NAMES, PRIVATE_MAIL
from arengo.contract.draft.setting import Setting, mark, share_of, some_values
from arengo.contract.draft.surnames import MORE_NAMES, SURNAMES
from arengo.contract.draft.words import concepts, plain, words
from arengo.contract.model import Kind

MAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"(?:\+|00)?\(?\d[\d\s().\-/–]{5,20}\d(?:\s*(?:ext|int|poste|anexo|x)\.?\s*\d+)?")
_GENERIC_MAIL = re.compile(
    r"^(info|contact|contacto|contato|contatti|kontakt|mail|admin|office|secretar\w*|segreteria|secretaria|direccion|"
    r"direction|accueil|mairie|ayuntamiento|comune|protocollo|urp|biblioteca|biblio\w*|school|escola|scuola|ecole|"
    r"sekretariat|poststelle|presse|reception|hola|hello|postmaster|webmaster|support|service\w*|consultas|atencion|"
    r"comunicacion|association|asso\w*|club|club\w*|rathaus|gemeinde)([._\-+\d]|$)",
    re.IGNORECASE,
)
_OFFICIAL = frozenset({"official", "oficial", "officiel", "ufficiale", "institucional", "istituzionale", "office", "oficina",
                       "ufficio", "switchboard", "centralita", "centralino", "standard", "sede"})  # fmt: skip
_HAPPENED = frozenset({"lugar", "luogo", "lieu", "ort", "tatort", "plaats", "plats", "paikka", "miejsce", "misto", "hely", "loc",
                       "localizacion", "location", "site", "terrain", "emplacament", "emplazamiento", "cantiere"})  # fmt: skip
"""Words for where something happened, which is nobody's home by itself."""

_RESPONDENTS = frozenset({"age", "sex", "birth-date", "national-id", "person-id"})
"""Kinds that say each row is a person, so that its coordinates are theirs: a contact's name beside a place is not one."""


_HOUSEHOLDS = tuple(
    "household huishoud gezin hondenbelasting hundesteuer hundehalter kwijtschelding haushalt hausstand menage "
    "foyer_fiscal foyers_fiscaux agregado_familiar nucleo_familiare nuclei_familiari unidad_familiar unitat_familiar "
    "membres_de_la_llar miembros_del_hogar kotitalou domacnost haztartas hane νοικοκυρι hushall gospodarstw_domow "
    "gospodarstwo_domowe tenancy dog_licen dog_tax bo_social bono_social uitkering toeslag wohngeld bijstand".split()
)  # noqa: SIM905 - a list of words reads better as text
"""How words begin by which each row is about a household: who lives there, keeps a dog there, or is helped."""


_WASTE = ("waste", "recycl", "recicl", "ricicl", "residuo", "rifiut", "dechet", "abfall", "hausmull", "afval",
          "avfall", "atervinn", "odpad", "hulladek", "jatehuolto", "jatepiste")  # fmt: skip
"""Within words of what households leave, and where."""
_PAID = ("tax", "tasa", "tassa", "fee", "charge", "heffing", "gebuhr", "avgift", "tarif", "oplat", "poplat", "redevance",
         "kwijtschelding", "bill", "debt")  # fmt: skip
"""Within words of what households pay."""


def homes(columns: Sequence[Column], texts: Sequence[str]) -> bool:
    """Whether a table speaks of households, in its own name or in a column's."""
    told = ["_".join(words(text)) for text in (*texts, *(column.name for column in columns))]
    # Where households bring their waste nobody lives; what they pay for it is theirs.
    told = [text for text in told
            if not any(stem in text for stem in _WASTE) or any(stem in text for stem in _PAID)]  # fmt: skip
    return any(part.startswith(stem) for text in told for part in text.split("_") for stem in _HOUSEHOLDS) or any(
        f"_{stem}" in f"_{text}" for text in told for stem in _HOUSEHOLDS if "_" in stem
    )


def doors(columns: Sequence[Column]) -> None:
    """In a table about households, a house number beside a street or postcode says whose home a row is about."""
    open_ = [column for column in columns if not column.personal]
    doors = [column for column in open_ if "house_number" in concepts(column.name) and _door(column)]
    areas = [column for column in open_ if concepts(column.name) & {"postcode", "street"} and column.distinct > 2]
    if not doors or not areas:
        return
    mark(doors[0], "address", "identifier", "house numbers beside streets or postcodes, in a table about households")
    for column in areas:
        kind = "postcode" if "postcode" in concepts(column.name) else "address"
        mark(column, kind, "quasi", "where the households of the rows live")


def _door(column: Column) -> bool:
    """Whether the values are written like house numbers, and more than a few; a *number* may be anything."""
    shaped = share_of(some_values(column), lambda v: re.fullmatch(r"\d{1,4}(?:[ -]?[A-Za-z]{1,4}|[-/]\d{1,3})?", v))
    return column.kind in (Kind.INTEGER, Kind.STRING) and column.distinct >= 10 and shaped >= 0.9


def office_mail(local: str) -> bool:
    """Whether the part of an address before the @ is an office's: info, registry, library."""
    return _GENERIC_MAIL.match(local) is not None


def mail_of_person(mail: str) -> bool:
    """A private provider, a given name and something beside it (maria.rossi@), or an initial and a surname (jgarcia@)."""
    local, _, domain = mail.partition("@")
    if office_mail(local):
        return False
    if domain.split(".")[0].casefold() in PRIVATE_MAIL:
        return True
    parts = [part for part in re.split(r"[._\-+\d]+", plain(local)) if part]
    if not parts:
        return False
    given = [part for part in parts if part in NAMES or part in MORE_NAMES]
    if len(parts) >= 2:
        return bool(any(part not in COMMON_WORDS for part in given) or parts[0] in given or
                    (len(parts[0]) == 1 and parts[1] in SURNAMES))  # fmt: skip
    return parts[0][1:] in SURNAMES and len(parts[0]) >= 5


def mails(columns: Sequence[Column], setting: Setting) -> None:
    """Addresses of offices lose their mark: it stands for those of persons only."""
    for column in columns:
        values = some_values(column)
        found = [hit.group(0) for value in values if (hit := MAIL.search(value))]
        if not found or setting.persons:
            continue
        personal = share_of(found, mail_of_person)
        generic = share_of(found, lambda v: office_mail(v.split("@")[0]))
        if _OFFICIAL & set(words(column.name)):
            generic = max(generic, 0.9)
        repeated = len(found) >= 2 and column.filled >= 4 * column.distinct and personal == 0
        offices = personal < 0.1 and (setting.offices or repeated)
        if (generic >= 0.9 or offices) and not (setting.owners and not setting.offices):
            column.personal = column.role = ""
            column.doubts.append(
                f"{max(generic, 1 - personal):.0%} of the e-mail addresses are those of offices (info@...); look whether "
                "any is a person's."
            )


def private(column: Column) -> bool:
    """Whether a good part of the addresses are at private providers."""

    def at_home(text: str) -> bool:
        found = MAIL.search(text)
        return found is not None and found.group(0).rsplit("@", 1)[1].split(".")[0].casefold() in PRIVATE_MAIL

    return share_of(some_values(column), at_home) >= 0.15


def look(column: Column, columns: Sequence[Column], setting: Setting) -> None:
    """Mark telephones, postal addresses and coordinates of persons."""
    known = concepts(column.name)
    values = some_values(column)
    if not values:
        return
    of_person = setting.persons or setting.private or (setting.owners and not setting.offices)
    if not of_person and setting.owners:
        of_person = any(c.personal == "name" and abs(c.index - column.index) == 1 for c in columns)
    if known & {"phone", "fax"} and column.kind in (Kind.STRING, Kind.INTEGER) and not known & {"count", "flag"}:
        _telephone(column, values, of_person, setting)
        return
    if column.kind is Kind.STRING and not known and share_of(values, _international) >= 0.8 and len(values) >= 5:
        mark(column, "phone", "identifier", "the values are written like telephone numbers")
        return
    if column.options.get("axis") and not setting.offices and any(c.personal in _RESPONDENTS for c in columns):
        mark(column, "location", "quasi", "its values and its name are those of coordinates, in a table about persons")
        return
    respondents = setting.persons and any(c.personal in _RESPONDENTS for c in columns)
    if "postcode" in known and respondents and not known & {"address", "street", "count", "facility"}:
        if column.kind in (Kind.STRING, Kind.INTEGER) and column.distinct > 1:
            mark(column, "postcode", "quasi", "postcodes, in a table about persons")
        return
    if column.kind is Kind.STRING and known & {"address", "street"}:
        _address(column, columns, values, of_person, setting, known)


def _telephone(column: Column, values: Sequence[str], of_person: bool, setting: Setting) -> None:
    like = share_of(values, lambda v: _PHONE.search(v) and sum(c.isdigit() for c in v) >= 6)
    if like < 0.5:
        return
    moving = share_of(values, mobile)
    official = bool(_OFFICIAL & set(words(column.name)))
    if not official and (of_person or moving >= 0.5 or not setting.offices):
        many = ", many of them mobile" if moving >= 0.3 else ""
        mark(column, "phone", "identifier", "telephone numbers" + many)
    else:
        column.doubts.append("These look like telephone numbers of offices; look whether any is a person's.")


def _address(
    column: Column, columns: Sequence[Column], values: Sequence[str], of_person: bool, setting: Setting,
    known: frozenset[str],
) -> None:  # fmt: skip
    numbered = share_of(values, lambda v: any(c.isdigit() for c in v))
    few = column.distinct < 3 or (column.distinct < 30 and column.distinct < 0.3 * column.filled)
    numbers = share_of(values, lambda v: re.search(r"[^\W\d]\D*\d|\d\D*[^\W\d]", v))
    whole = "address" in known or numbers >= 0.6  # a street with its number is an address
    if not whole or (known & {"postcode", "house_number"} and "street" not in known):
        doors = any({"house_number"} & concepts(c.name) for c in columns if c is not column)
        happened = _HAPPENED & set(words(column.name))
        if setting.persons and not setting.cases and doors and "street" in known and not happened and not few:
            mark(column, "address", "quasi", "streets beside house numbers, in a table about persons")
        return
    if known & {"code", "flag", "count", "url"}:
        return
    lengthy = sum(map(len, values)) / len(values) >= 8 or not values[0].isascii()
    typed = {"type", "tipo", "typ", "tipus"} & set(words(column.name))
    if numbered < 0.3 or not lengthy or typed or few:
        return
    home = known & {"home"} and not setting.offices
    if of_person or (setting.cases and not setting.counts) or home:
        reported = setting.cases and not setting.persons
        mark(
            column, "address", "quasi" if reported else "identifier",
            "addresses with house numbers" + (" of reported places, often homes" if setting.cases and not of_person
                                              else " in a table that names persons"),
        )  # fmt: skip


def mobile(text: str) -> bool:
    """Whether a text is written like a mobile telephone's number of some country."""
    digits = re.sub(r"\D", "", text)
    return bool(
        re.match(
            r"(?:(?:00)?(?:34)?[67]\d{8}$|(?:00)?(?:33)?0?[67]\d{8}$|(?:00)?(?:39)?3[2-9]\d{7,8}$|(?:00)?49?0?1[5-7]\d{8,9}$|"
            r"(?:00)?(?:44)?0?7\d{9}$|(?:00)?(?:90)?0?5\d{9}$|(?:00)?(?:30)?69\d{8}$|(?:00)?48[5-8]\d{8}$|"
            r"(?:00)?(?:966|972|971)?0?5\d{8}$|010\d{7,8}$|(?:00)?(?:31)?0?6\d{8}$|(?:00)?351?9\d{8}$|(?:55)?\d{2}9\d{8}$|"
            r"0[789]0\d{8}$|1[3-9]\d{9}$)",
            digits,
        )
    )


def _international(text: str) -> bool:
    return bool(_PHONE.fullmatch(text)) and (
        text.startswith(("+", "00", "(")) and 9 <= sum(c.isdigit() for c in text) <= 14
    )
