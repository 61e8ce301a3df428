"""What a contract says of the people in its rows: for which purposes, on which legal basis, how long, who answers.

A frozen reading of ``arengoPurposes``, ``arengoController``, ``arengoDataSubjects``, ``arengoLegalHold`` and
``arengoRetentionFrom``. Terms are codes of :mod:`arengo.contract.dpv`; the lint (:mod:`arengo.contract.persons`) has
checked them, a reader meets unknown ones as they were written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arengo.contract import dpv
from arengo.contract.dpv import Concept
from arengo.contract.model import EMPTY, Contract, Kind, Property
from arengo.contract.period import Period

SPECIAL_KINDS = ("origin", "religion", "politics", "health", "biometric", "sexuality")
"""Kinds of personal data of Art. 9(1) of Regulation (EU) 2016/679."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom data is passed on. ``country``: ISO 3166 code when outside the city's own law. ``safeguard``: a transfer
    term (Art. 45-49)."""

    name: str
    country: str = ""
    safeguard: str = ""


@dataclass(frozen=True, slots=True)
class Purpose:
    """One entry of ``arengoPurposes``. ``legal_basis``: terms of Art. 6 and, for special categories, Art. 9(2).
    ``retention``: ISO 8601. ``dpia``: where the assessment of Art. 35 is kept."""

    id: str
    dpv: str = ""
    titles: Mapping[str, str] = EMPTY
    legal_basis: tuple[str, ...] = ()
    retention: str = ""
    recipients: tuple[Recipient, ...] = ()
    necessity: str = ""
    dpia: str = ""

    def title(self, language: str = "en") -> str:
        """Its own title in that language or any; else the words of its DPV term; else its id."""
        short = language.split("-")[0]
        own = self.titles.get(short) or self.titles.get("")
        if own:
            return own
        term = dpv.concept(self.dpv, "purpose")
        if self.titles and (term is None or short not in term.labels):
            return next(iter(self.titles.values()))
        return term.label(language) if term is not None else self.id.replace("-", " ").capitalize()

    def grounds(self, scheme: str) -> tuple[Concept, ...]:
        """Its legal bases of one scheme: ``basis`` (Art. 6) or ``special`` (Art. 9)."""
        found = (dpv.concept(text, scheme) for text in self.legal_basis)
        return tuple(item for item in found if item is not None)


@dataclass(frozen=True, slots=True)
class Controller:
    """Who answers for the processing (Art. 4(7)). ``joint``: others who answer too (Art. 26)."""

    name: str
    address: str = ""
    mail: str = ""
    phone: str = ""
    representative: str = ""
    joint: tuple[str, ...] = ()
    dpo: str = ""
    dpo_mail: str = ""


@dataclass(frozen=True, slots=True)
class LegalHold:
    """Why nothing may be disposed of. ``since``: a day as text."""

    reason: str
    since: str
    by: str


def purposes(contract: Contract) -> tuple[Purpose, ...]:
    """The purposes in the order of the contract."""
    return tuple(_purpose(item) for item in contract.custom.get("arengoPurposes", ()))


def purpose(contract: Contract, id: str) -> Purpose | None:
    """One purpose by its id."""
    return next((item for item in purposes(contract) if item.id == id), None)


def controller(contract: Contract) -> Controller | None:
    """Who answers, when the contract names one; otherwise the city's settings do."""
    value = contract.custom.get("arengoController")
    if not value:
        return None
    if isinstance(value, str):
        return Controller(value)
    dpo = value.get("dpo", "")
    told = {"name": dpo} if isinstance(dpo, str) else dpo
    return Controller(
        **{name: str(value.get(name, "")) for name in ("name", "address", "mail", "phone", "representative")},
        joint=tuple(value.get("joint", ())),
        dpo=str(told.get("name", "")),
        dpo_mail=str(told.get("mail", "")),
    )


def data_subjects(contract: Contract) -> tuple[str, ...]:
    """Codes of the groups of people; people in general when the contract names none."""
    value = contract.custom.get("arengoDataSubjects", ())
    return ((value,) if isinstance(value, str) else tuple(value)) or ("dpv:DataSubject",)


def legal_hold(contract: Contract) -> LegalHold | None:
    """The hold the contract names."""
    value = contract.custom.get("arengoLegalHold")
    return LegalHold(str(value["reason"]), str(value["since"]), str(value["by"])) if value else None


def personal(contract: Contract) -> tuple[Property, ...]:
    """Columns that tell about a person: a privacy role, a kind of personal data, or the subject of the row."""
    return tuple(
        column
        for column in contract.properties
        if column.privacy_role or column.custom.get("arengoPersonalKind") or column.custom.get("arengoSubject")
    )


def special(contract: Contract) -> tuple[Property, ...]:
    """Columns of special categories (Art. 9), by their kind of personal data."""
    return tuple(column for column in contract.properties if column.custom.get("arengoPersonalKind") in SPECIAL_KINDS)


def doubtful(contract: Contract) -> tuple[Property, ...]:
    """Sensitive columns whose kind is not said: they may be of a special category, or be an income."""
    return tuple(
        column
        for column in contract.properties
        if column.privacy_role == "sensitive" and not column.custom.get("arengoPersonalKind")
    )


def longest(contract: Contract) -> str:
    """The longest retention of the purposes, ISO 8601: data stays as long as one purpose needs it. '' without any."""
    periods = [
        (period.about, item.retention) for item in purposes(contract) if (period := Period.parse(item.retention))
    ]
    return max(periods)[1] if periods else ""


def aging(contract: Contract, now: datetime) -> tuple[Property, datetime] | None:
    """The column rows age from (``arengoRetentionFrom``) and the day before which they are due, if they age."""
    column = contract.column(str(contract.custom.get("arengoRetentionFrom", "")))
    period = Period.parse(longest(contract))
    if column is None or column.kind not in (Kind.DATE, Kind.TIMESTAMP) or period is None:
        return None
    before = period.before(now)
    return (column, before) if before is not None else None


def _purpose(item: Mapping[str, Any]) -> Purpose:
    title = item.get("title", "")
    basis = item.get("legalBasis", ())
    return Purpose(
        id=str(item.get("id", "")),
        dpv=str(item.get("dpv", "")),
        titles=title if isinstance(title, Mapping) else {"": str(title)} if title else EMPTY,
        legal_basis=(basis,) if isinstance(basis, str) else tuple(basis),
        retention=str(item.get("retention", "")),
        recipients=tuple(_recipient(entry) for entry in item.get("recipients", ())),
        necessity=str(item.get("necessity", "")),
        dpia=str(item.get("dpia", "")),
    )


def _recipient(entry: Any) -> Recipient:
    if isinstance(entry, str):
        return Recipient(entry)
    return Recipient(str(entry["name"]), str(entry.get("country", "")), str(entry.get("safeguard", "")))
