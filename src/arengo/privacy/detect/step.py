"""Step of the gate: columns about persons that an open dataset declares, and those it does not know of.

What the contract says of a column settles it (a role, a kind, a reason) unless the released values prove another
thing; what it says nothing about is looked at. Where rows are about persons, a hint is enough to ask. Elsewhere a
false alarm costs a steward's morning and the trust in the next one, so only evidence of the values themselves stops a
publication, or hints that together single out rows; other hints are notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Property, doubts
from arengo.contract.protection import names
from arengo.contract.vocabulary import PERSONAL_KINDS
from arengo.privacy.declared import cell_columns, reason_of
from arengo.privacy.detect.column import IDENTIFIERS, ColumnFinding
from arengo.privacy.detect.table import alike, find, ranked
from arengo.privacy.finding import Finding, Report
from arengo.privacy.release import CELLS, ROWS

if TYPE_CHECKING:
    from arengo.privacy.case import Case
    from arengo.privacy.detect.column import Sampled

REMOVES = frozenset({"drop", "pseudonym", "redact", "level", "truncate", "grid", "donut", "laplace"})
"""Steps of ``arengoProtect`` after which a column no longer names anybody by itself."""
SHOWN = 8
_SCANT = frozenset({"age", "birth-date", "sex", "nationality", "origin", "religion", "politics", "health", "sexuality",
                    "offence", "income", "family", "occupation", "education"})  # fmt: skip
"""Kinds of which a table without any word about persons tells: places and streets alone are those of anything."""
_DOUBTS = {
    "email": re.compile(r"\be-?mail", re.IGNORECASE),
    "phone": re.compile(r"\b(?:tele)?phone", re.IGNORECASE),
    "national-id": re.compile(r"\b(?:tax|national) numbers?\b", re.IGNORECASE),
    "name": re.compile(r"\b(?:persons?|people|names?)\b", re.IGNORECASE),
}
"""Kind -> how an ``arengoDoubt`` speaks of it."""
_UNIQUE = 0.5
"""Distinct combinations by rows from which such columns together tell single rows."""


def look(case: Case) -> Report:
    """Block for a declared identifier in an open dataset without a reason or protection; review for a column of
    persons that nothing is said about; else notes. Shared and closed datasets get notes only."""
    contract = case.contract
    public = contract.access == "open"
    columns = [(item.name, item.kind) for item in contract.properties]
    reckoning = case.reckoned()
    found, held, _ = find(reckoning, columns, case.settings.city.country, contract, False, case.target.threshold)
    by_name = {item.column: item for item in found}
    cells = cell_columns(contract) if case.release.form == CELLS else frozenset()
    findings: list[Finding] = []
    strong: list[ColumnFinding] = []
    weak: list[ColumnFinding] = []
    told = False
    for item in contract.properties:
        seen = by_name[item.name]
        proven = seen.strong and seen.kind in IDENTIFIERS and "pseudonym" not in set(names(item))
        if settled(item):
            told = True
            finding = _declared(item, proven)
            if finding is not None:
                findings.append(finding)
            if proven and (finding is None or _disputed(item, seen)):
                strong.append(seen)  # the word of the contract is another than what the values say
            continue
        if proven or (seen.kind and not (set(names(item)) & REMOVES)):
            (strong if seen.strong else weak).append(seen)
    asked = [item for item in weak if item.evidence == "office" and item.column not in cells]
    doubted = _doubted(case, {item.column for item in (*strong, *asked)})
    weak = [item for item in weak if item not in asked and item.column not in {column for column, *_ in doubted}]
    persons = bool(strong or case.release.population) or any(_person(item) for item in contract.properties)
    if persons:
        beside = [item for item in weak if item.column not in cells]
    else:
        beside = _scant(case, weak, held) if case.release.form == ROWS else []
    weak = [item for item in weak if item not in beside]
    findings += [
        Finding(
            "undeclared-person",
            "review",
            {"column": item.column, "what": PERSONAL_KINDS[item.kind], "kind": item.kind, "why": item.sentence},
            (item.column,),
        )
        for item in (*strong, *beside, *asked)
        if item.column not in {column for column, *_ in doubted}
    ]
    findings += [
        Finding("undeclared-person", "review",
                {"column": column, "what": PERSONAL_KINDS[kind], "kind": kind, "why": why}, (column,))
        for column, kind, why in doubted
    ]  # fmt: skip
    if weak:
        findings.append(
            Finding("weak-evidence", "pass", {"why": _listed(f"{item.column} ({item.kind})" for item in weak),
                                              "kinds": [item.kind for item in weak]},
                    tuple(item.column for item in weak))
        )  # fmt: skip
    withheld = [item for item in found if item.suppressed]
    if withheld:
        findings.append(Finding("suppression-marks", "pass", {}, tuple(item.column for item in withheld)))
    about = told or bool(strong) or bool(case.release.population)
    whose = {item.name for item in contract.properties if identifies(item)}
    small = [item for item in found if item.smallest and about and item.column not in whose]
    if case.release.form == CELLS:
        small = []  # its rows are groups
    if small:
        facts = {"values": sum(item.smallest for item in small), "k": case.target.threshold}
        findings.append(Finding("small-places", "pass", facts, tuple(item.column for item in small)))
    if (
        not told
        and not strong
        and not beside
        and not asked
        and not doubted
        and not weak
        and not case.release.population
    ):
        findings.append(Finding("nothing-personal", "pass", {"looked": len(columns)}))
    if not public:
        findings = [_noted(item) for item in findings if item.code != "identifier-open"]  # it says that it is
        findings.append(Finding("not-public", "pass"))
    return Report(tuple(findings), _measured(case, found))


def _doubted(case: Case, known: set[str]) -> list[tuple[str, str, str]]:
    """(column, kind, why) where the draft asked whether a column tells about persons, and nothing answers it."""
    out = []
    for item in case.contract.properties:
        if settled(item) or item.name in known or set(names(item)) & REMOVES:
            continue
        for text in map(str.strip, doubts(item.custom)):
            kind = next((kind for kind, pattern in _DOUBTS.items() if pattern.search(text)), "")
            if kind:
                out.append((item.name, kind, text[:1].lower() + text[1:].rstrip(". ")))
                break
    return out


def _disputed(column: Property, seen: ColumnFinding) -> bool:
    """Whether a reason stands where nothing is said to be about persons, and checked numbers prove that it is."""
    told = column.privacy_role or column.custom.get("arengoPersonalKind")
    return bool(reason_of(column)) and not told and seen.evidence == "number"


def _person(column: Property) -> bool:
    """Whether the contract says that each row is about a person."""
    return bool(column.privacy_role or column.custom.get("arengoSubject"))


def _scant(case: Case, weak: list[ColumnFinding], held: Sequence[Sampled]) -> list[ColumnFinding]:
    """Of columns that may be about persons, in a table whose contract says nothing of any: two and more of them that
    together are nearly another in each row, or whose rows are single persons."""
    some = [item for item in weak if item.kind in _SCANT]
    if len({item.kind for item in some}) < 2:
        return []
    quasi = [item for item in weak if item.role == "quasi" or item.kind in _SCANT]
    most = ranked(case.reckoned(), [item.column for item in quasi])
    return quasi if (most and most[0].distinction >= _UNIQUE) or alike(case.reckoned(), held) else []


def settled(column: Property) -> bool:
    """Whether the contract says of a column what it tells about persons."""
    custom = column.custom
    return bool(
        column.privacy_role or custom.get("arengoPersonalKind") or reason_of(column) or custom.get("arengoSubject")
    )


def identifies(column: Property) -> bool:
    """Whether a column names one person by what its contract says."""
    custom = column.custom
    if column.privacy_role:
        return column.privacy_role == "identifier"
    return bool(custom.get("arengoSubject")) or custom.get("arengoPersonalKind") in IDENTIFIERS


def _declared(column: Property, proven: bool) -> Finding | None:
    """``proven``: what is released of the column still shows whom it names."""
    kind = str(column.custom.get("arengoPersonalKind", ""))
    facts = {"column": column.name, "what": PERSONAL_KINDS.get(kind, "data that names persons"), "kind": kind}
    reason = reason_of(column)
    if reason:
        return Finding("identifier-allowed", "pass", {**facts, "reason": reason}, (column.name,))
    if not identifies(column):
        return None
    done = set(names(column)) & REMOVES
    if done and not proven:
        return Finding("identifier-protected", "pass", {**facts, "how": ", ".join(sorted(done))}, (column.name,))
    return Finding("identifier-open", "block", facts, (column.name,))


def _noted(finding: Finding) -> Finding:
    return Finding(finding.code, "pass", finding.facts, finding.columns, finding.releases, finding.people)


def _listed(parts: Iterable[str]) -> str:
    every = list(parts)
    return ", ".join(every[:SHOWN]) + (f" and {len(every) - SHOWN} more" if len(every) > SHOWN else "")


def _measured(case: Case, found: list[ColumnFinding]) -> dict[str, Any]:
    quasi = [item.name for item in case.contract.properties if item.privacy_role == "quasi"]
    quasi += [item.column for item in found if item.role == "quasi" and item.column not in quasi]
    return {
        "columns": [
            {"column": item.column, "kind": item.kind, "role": item.role, "strong": item.strong,
             "evidence": item.evidence, "why": item.sentence if item.kind else "", "distinct": item.distinct,
             "distinction": round(item.distinction, 6), "separation": round(item.separation, 6),
             "suppressed": round(item.suppressed, 6), "small": item.smallest}
            for item in found
        ],
        "quasi": [
            {"columns": list(item.columns), "distinction": round(item.distinction, 6),
             "separation": round(item.separation, 6)}
            for item in ranked(case.reckoned(), quasi)[:20]
        ] if quasi else [],
    }  # fmt: skip
