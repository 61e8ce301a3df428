"""Lint of what a contract says of persons, after Regulation (EU) 2016/679.

A dataset that is shared or closed and has columns about persons must say for which purpose, on which legal basis and
for how long (Art. 5(1)(b) and (e), Art. 6, Art. 13 and 30): without them it is not valid. Special categories need an
exception of Art. 9(2) besides.
"""

from __future__ import annotations

from datetime import date

from arengo.contract import columns, dpv, vocabulary
from arengo.contract.document import Document, Path, place_of
from arengo.contract.finding import Report
from arengo.contract.model import Contract, Kind, Property
from arengo.contract.period import Period
from arengo.contract.purpose import (
    Purpose,
    data_subjects,
    doubtful,
    legal_hold,
    longest,
    personal,
    purposes,
    special,
)

EXAMPLE = (
    "Add arengoPurposes: [{id: place-planning, dpv: 'dpv:PublicPolicyMaking', legalBasis: 'eu-gdpr:A6-1-e', "
    "retention: P10Y}], say."
)
EEA = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
"""Member states of the European Economic Area."""


def check(contract: Contract, document: Document, report: Report) -> None:
    """Findings about persons, purposes, retention and holds."""
    about = personal(contract)
    strict = bool(about) and contract.access != "open"
    _open(contract, report)
    _examples(contract, report)
    stated = purposes(contract)
    if strict and not stated:
        names = [column.name for column in about]
        more = f" and {len(names) - 1} more columns tell" if len(names) > 1 else " tells"
        report.error(
            ("schema", 0, "properties", contract.properties.index(about[0])), "personal-without-purpose",
            f"'{names[0]}'{more} about persons, and nothing says for which purpose, on which legal basis and how long.",
            EXAMPLE,
        )  # fmt: skip
    place = place_of(document, "arengoPurposes")
    seen: set[str] = set()
    for number, item in enumerate(stated):
        here: Path = (*place, "value", number)
        if item.id in seen:
            report.error(
                (*here, "id"), "purpose-twice", f"Two purposes have the id '{item.id}'.", "Rename one of them."
            )
        seen.add(item.id)
        _terms(item, here, report)
        _recipients(item, here, report)
        if strict:
            _complete(item, here, report)
    if strict:
        _special(contract, document, report)
    _subjects(contract, document, report)
    _population(contract, document, report)
    _protection(contract, document, report)
    _cells(contract, document, report)
    _retention(contract, document, report, bool(about))
    _hold(contract, document, report)


def _open(contract: Contract, report: Report) -> None:
    if contract.access != "open":
        return
    for number, column in enumerate(contract.properties):
        told = column.privacy_role or str(column.custom.get("arengoPersonalKind", ""))
        judged = column.protect or (contract.custom.get("arengoPopulation") and column.privacy_role != "identifier")
        if told and not judged and not column.custom.get("arengoPersonalReason"):
            words = vocabulary.PERSONAL_KINDS.get(str(column.custom.get("arengoPersonalKind", "")), "")
            report.warning(
                ("schema", 0, "properties", number), "personal-open",
                f"'{column.name}' tells about persons ({words or told}), and the dataset is open to everybody.",
                "Protect it (arengoProtect), write arengoAccess: shared, or say in arengoPersonalReason why it may be "
                "open; else the gate may hold the publication back.",
            )  # fmt: skip


def _examples(contract: Contract, report: Report) -> None:
    """The text of a contract is read by more people than the column is."""
    for number, column in enumerate(contract.properties):
        if column.examples and (column.protect or column.privacy_role in ("identifier", "sensitive")):
            report.error(
                ("schema", 0, "properties", number, "examples"), "personal-examples",
                f"The examples of '{column.name}' may be values of persons, and the column is to protect them.",
                "Take the examples out; write in the description what a value looks like.",
            )  # fmt: skip


def _terms(item: Purpose, here: Path, report: Report) -> None:
    if item.dpv and dpv.concept(item.dpv, "purpose") is None:
        _unknown(item.dpv, (*here, "dpv"), "purpose of the Data Privacy Vocabulary", ("purpose",), report)
    for text in item.legal_basis:
        if dpv.concept(text, "basis", "special") is None:
            _unknown(text, (*here, "legalBasis"), "legal basis of the GDPR", ("basis", "special"), report)
    bases = {ground.code for ground in item.grounds("basis")}
    if "eu-gdpr:A6-1-a" in bases:
        report.warning(
            (*here, "legalBasis"), "consent-basis",
            f"'{item.id}' rests on consent. Towards a public body consent is seldom given freely (recital 43), and it "
            "can be withdrawn at any time.",
            "Where a law gives the city the task, write eu-gdpr:A6-1-e or A6-1-c; else keep the proof of each consent.",
        )  # fmt: skip
    if "eu-gdpr:A6-1-f" in bases:
        report.warning(
            (*here, "legalBasis"), "interest-basis",
            f"'{item.id}' rests on legitimate interests, which public authorities cannot name for their tasks "
            "(Art. 6(1), last sentence).",
            "Write eu-gdpr:A6-1-e with the law behind the task, unless this is no task of yours as an authority.",
        )  # fmt: skip


def _complete(item: Purpose, here: Path, report: Report) -> None:
    lacks = []
    if not item.dpv:
        lacks.append(("dpv", "what kind of purpose it is", "dpv: 'dpv:PublicPolicyMaking'"))
    if not any(text for text in item.legal_basis if dpv.concept(text, "special") is None):
        lacks.append(("legalBasis", "on which legal basis of Art. 6 it rests", "legalBasis: 'eu-gdpr:A6-1-e'"))
    if not item.retention:
        lacks.append(("retention", "how long the data is kept for it", "retention: P10Y"))
    for key, what, example in lacks:
        report.error((*here, key), f"purpose-without-{key.lower().replace('legalbasis', 'basis')}",
                     f"The purpose '{item.id}' does not say {what}.", f"Add {example}, say.")  # fmt: skip


def _special(contract: Contract, document: Document, report: Report) -> None:
    certain, unsaid = special(contract), doubtful(contract)
    place = place_of(document, "arengoPurposes")
    stated = purposes(contract)
    if stated and not any(item.grounds("special") for item in stated):  # a purpose may leave such a column alone
        if certain:
            verb = "holds" if len(certain) == 1 else "hold"
            report.error(
                place, "special-without-basis",
                f"{_some(certain)} {verb} special categories of personal data, and no purpose names an exception of "
                "Art. 9(2).", "Write legalBasis: ['eu-gdpr:A6-1-e', 'eu-gdpr:A9-2-g'], say.",
            )  # fmt: skip
        elif unsaid:
            report.warning(
                place, "sensitive-without-kind",
                f"{_some(unsaid)} must not become known, and nothing says whether Art. 9 protects it.",
                "Write its kind in arengoPersonalKind (income, health, ...); where it is of Art. 9, add its exception "
                "to the legal basis, such as eu-gdpr:A9-2-g.",
            )  # fmt: skip
    for number, item in enumerate(stated):
        offences = [column for column in contract.properties if column.custom.get("arengoPersonalKind") == "offence"]
        bases = [ground.code for ground in item.grounds("basis")]
        if offences and bases and not any(code.startswith(("eu-gdpr:A6-1-c", "eu-gdpr:A6-1-e")) for code in bases):
            report.warning(
                (*place, "value", number, "legalBasis"), "offence-basis",
                f"'{offences[0].name}' holds criminal convictions or offences, which only official authority or a law "
                "allows to process (Art. 10).", "Write eu-gdpr:A6-1-e or A6-1-c, with the law behind it.",
            )  # fmt: skip


def _recipients(item: Purpose, here: Path, report: Report) -> None:
    for number, recipient in enumerate(item.recipients):
        place = (*here, "recipients", number)
        if recipient.safeguard and dpv.concept(recipient.safeguard, "transfer") is None:
            _unknown(recipient.safeguard, (*place, "safeguard"), "ground of a transfer", ("transfer",), report)
        elif recipient.country and recipient.country not in EEA and not recipient.safeguard:
            report.warning(
                place, "transfer-without-safeguard",
                f"{recipient.name} is in {recipient.country}, outside the European Economic Area, and nothing says "
                "what allows the transfer (Art. 44).",
                "Add safeguard: 'eu-gdpr:A45-3' (adequacy decision) or another ground.",
            )  # fmt: skip


def _subjects(contract: Contract, document: Document, report: Report) -> None:
    for text in data_subjects(contract):
        if dpv.concept(text, "subject") is None:
            _unknown(text, place_of(document, "arengoDataSubjects"), "group of people", ("subject",), report)


def _population(contract: Contract, document: Document, report: Report) -> None:
    """A dataset whose persons are of another population than it says would be compared with the wrong publications."""
    told = str(contract.custom.get("arengoPopulation", ""))
    named = [str(item.custom["arengoSubject"]) for item in contract.properties if item.custom.get("arengoSubject")]
    if told and named and told not in named:
        said = report.error if contract.access == "open" else report.warning
        said(
            place_of(document, "arengoPopulation"), "another-population",
            f"arengoPopulation is '{told}', and the column of the person's id names the population '{named[0]}'.",
            f"Write arengoPopulation: {named[0]}, or correct arengoSubject.",
        )  # fmt: skip


def _protection(contract: Contract, document: Document, report: Report) -> None:
    """The columns ``arengoProtection`` names exist, and those to be averaged are numbers."""
    told = contract.custom.get("arengoProtection")
    if not told:
        return
    place: Path = (*place_of(document, "arengoProtection"), "value")
    known = [item.name for item in contract.properties]
    for rule, key in (("suppress", "by"), ("suppress", "blank"), ("local", "by"), ("microaggregate", "columns")):
        for name in told[rule].get(key, ()) if rule in told else ():
            column = contract.column(str(name))
            if column is None:
                report.error(
                    (*place, rule, key), "unknown-column", f"arengoProtection.{rule} names the column '{name}', which "
                    "does not exist.", columns.nearest(str(name), known),
                )  # fmt: skip
            elif rule == "microaggregate" and column.kind not in (Kind.INTEGER, Kind.NUMBER):
                report.error(
                    (*place, rule, key), "wrong-kind", f"arengoProtection.microaggregate names '{name}', which is of "
                    f"type {column.kind}; only numbers can be averaged.", "Name columns of numbers.",
                )  # fmt: skip


def _cells(contract: Contract, document: Document, report: Report) -> None:
    """The columns ``arengoCells`` names exist."""
    told = contract.custom.get("arengoCells")
    if not told:
        return
    place: Path = (*place_of(document, "arengoCells"), "value")
    known = [item.name for item in contract.properties]
    named = [("by", name) for name in told.get("by", ())] + [("count", told.get("count", ""))]
    named += [("sums", name) for item in told.get("sums", ()) for name in item.values()]
    for key, name in named:
        if name and contract.column(str(name)) is None:
            report.error(
                (*place, key), "unknown-column", f"arengoCells names the column '{name}', which does not exist.",
                columns.nearest(str(name), known),
            )  # fmt: skip


def _retention(contract: Contract, document: Document, report: Report, about: bool) -> None:
    name = str(contract.custom.get("arengoRetentionFrom", ""))
    place = place_of(document, "arengoRetentionFrom")
    limit = longest(contract)
    if name:
        column = contract.column(name)
        if column is None:
            names = [item.name for item in contract.properties]
            report.error(place, "unknown-column", f"arengoRetentionFrom names the column '{name}', which does not "
                         "exist.", columns.nearest(name, names))  # fmt: skip
        elif column.kind not in (Kind.DATE, Kind.TIMESTAMP):
            report.error(place, "wrong-kind", f"arengoRetentionFrom names '{name}', which is of type {column.kind}; "
                         "date or timestamp is wanted.", "Name another column, or change its type.")  # fmt: skip
        if not limit:
            report.error(place, "retention-without-limit", "arengoRetentionFrom says from when rows age, but no "
                         "purpose says how long they are kept.", "Add retention to a purpose.")  # fmt: skip
    kept, needed = Period.parse(str(contract.custom.get("arengoRetention", ""))), Period.parse(limit)
    if about and kept is not None and needed is not None and kept.about > needed.about:
        report.warning(
            place_of(document, "arengoRetention"), "versions-outlive-purposes",
            f"Versions are kept for {contract.custom['arengoRetention']}, longer than any purpose needs the data "
            f"({limit}).", f"Write arengoRetention: {limit} or less.",
        )  # fmt: skip


def _hold(contract: Contract, document: Document, report: Report) -> None:
    hold = legal_hold(contract)
    if hold is None:
        return
    try:
        date.fromisoformat(hold.since)
    except ValueError:
        report.error(place_of(document, "arengoLegalHold"), "wrong-day", f"arengoLegalHold is since '{hold.since}', "
                     "which is no day.", "Write it like 2026-03-01.")  # fmt: skip


def _unknown(text: str, place: Path, what: str, schemes: tuple[str, ...], report: Report) -> None:
    near = dpv.nearest(text, *schemes)
    few = ", ".join(item.code for name in schemes for item in dpv.scheme(name)[:6])
    report.error(place, "unknown-term", f"'{text}' is no {what}.",
                 f"Did you mean '{near.code}' ({near.label('en')})?" if near else f"Some are {few}.")  # fmt: skip


def _some(found: tuple[Property, ...]) -> str:
    return ", ".join(f"'{column.name}'" for column in found[:3])
