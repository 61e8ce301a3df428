"""The receipt: what was done, where and when, under the number of the request; no name and no number of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arengo.services.erasure.plan import ERASE, HELD, KEEP, RESTRICT, Plan
from arengo.services.paper import Facts, Heading, Paper, Points, Table, Text

if TYPE_CHECKING:
    from arengo.settings import Settings

ACTIONS = {ERASE: "erased", RESTRICT: "restricted", KEEP: "kept"}
OUTSIDE = (
    "The sources the city delivers from (the folder 'sources', registers, other systems) are outside the platform. The "
    "platform leaves the person out when it reads them again; whoever keeps them erases there.",
    "Backups of the platform hold the rows until they rotate. The keys of sealed columns are erased with the vault; a "
    "backup of the vault must rotate within the same time.",
    "Copies that readers took under an agreement are theirs to erase; those with an agreement in force were told.",
)


def paper(
    settings: Settings, number: str, reference: str, plan: Plan, steps: Sequence[Sequence[Any]], at: datetime, by: str
) -> Paper:
    """``steps``: [name, RFC 3339 time, facts] as they were done."""
    facts = {str(name): (str(when), dict(told)) for name, when, told in steps}
    done = "Receipt of an erasure" if plan.kind == ERASE else "Receipt of a restriction"
    rows = tuple(
        (item.title, ACTIONS[item.action], _lost(facts, item.dataset), _why(item.because, item.why))
        for item in plan.items
    )
    key = facts.get("key", ("", {}))[1]
    said: list[tuple[str, str]] = [
        ("Number", number),
        ("Request", reference),
        ("Population", plan.population),
        ("Person, as a blind number", plan.mark),
        ("Finished", at.isoformat(timespec="seconds")),
        ("Done by", by),
    ]
    if "key" in facts:
        said.append(("Key of sealed columns", _key(key)))
    parts: list[Any] = [Facts(tuple(said)), Heading("Datasets"),
                        Table(("Dataset", "What was done", "Rows, by version", "Reason"), rows,
                              (0.32, 0.14, 0.24, 0.3))]  # fmt: skip
    parts += [Heading("Besides"), Points(tuple(_besides(facts)))]
    originals = [item.title for item in plan.items if item.documents and item.action == ERASE and item.rows]
    if originals:
        parts.append(Text(
            "The rows of these datasets are pages of documents, whose original files are kept as they are because they "
            "hold more than this person: " + ", ".join(originals) + ".", open=True
        ))  # fmt: skip
    if plan.blind:
        parts.append(Text("These datasets about the same population keep nothing that leads to a person: "
                          + ", ".join(plan.blind) + "."))  # fmt: skip
    parts += [Heading("Outside the platform"), Points(OUTSIDE)]
    return Paper(done, settings.city.name, tuple(parts), at, subtitle=f"GDPR, Art. 17 to 19 - {number}", foot=number)


def _lost(facts: Mapping[str, tuple[str, dict[str, Any]]], dataset: str) -> str:
    told = facts.get(f"rows {dataset}", ("", {}))[1].get("versions", {})
    return ", ".join(f"v{number}: {count}" for number, count in told.items()) or "none"


def _why(because: str, why: str) -> str:
    if because == HELD:
        return f"Legal hold: {why}"
    return why


def _key(told: Mapping[str, Any]) -> str:
    if not told.get("held"):
        return "there was none"
    return {"destroyed": "destroyed", "sealed": "sealed"}.get(str(told.get("done")), "kept: another dataset needs it")


def _besides(facts: Mapping[str, tuple[str, dict[str, Any]]]) -> list[str]:
    out = []
    left = facts.get("tombstones")
    if left:
        out.append(f"Left out of every next reading of {left[1].get('datasets', 0)} datasets, by blind number.")
    ledger = facts.get("ledger")
    if ledger:
        out.append(f"The record forgot which of its entries were about the person: {ledger[1].get('entries', 0)}.")
    releases = facts.get("releases")
    if releases:
        out.append(f"Rows taken out of the publication ledger: {releases[1].get('rows', 0)}.")
    texts = sum(int(told.get("contracts", 0)) for name, (_, told) in facts.items() if name.startswith("contracts "))
    if texts:
        out.append(f"Contracts in whose examples the person stood, written without them: {texts}.")
    told = facts.get("notify")
    if told:
        out.append(f"Agreements whose readers were told (Art. 19): {told[1].get('agreements', 0)}.")
    gate = facts.get("gate")
    for dataset, outcome in (gate[1].get("verdicts", {}) if gate else {}).items():
        out.append(f"The gate looked again at {dataset}, whose groups are smaller now: {outcome}.")
    files = facts.get("databases")
    if files:
        busy = files[1].get("busy", [])
        out.append(
            "Databases were written anew, without free pages"
            + (f"; these were in use and are written anew with the next one: {', '.join(busy)}." if busy else ".")
        )
    return out
