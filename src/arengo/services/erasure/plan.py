"""What will happen in each dataset, decided by its contract (``arengoErasure``) and by legal holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from arengo.contract.model import EMPTY, Contract
from arengo.services.erasure.person import Found
from arengo.state.register import Hold

ERASE, RESTRICT, KEEP = "erase", "restrict", "keep"
HELD = "hold"
"""Why something is kept that the contract would erase: a legal hold stands on it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One dataset of a plan. ``rows``: version -> rows about the person. ``why``: the contract's reason (Art. 17(3)) or
    the hold's. ``because``: ``ground`` for the contract, ``hold``. ``agreements``: numbers of those in force, whose
    readers are told (Art. 19). ``documents``: its rows are pages of documents, whose originals hold more than one row.
    """

    dataset: str
    title: str
    action: str
    rows: Mapping[int, int] = field(default_factory=dict)
    why: str = ""
    because: str = ""
    agreements: tuple[str, ...] = ()
    documents: bool = False

    @property
    def total(self) -> int:
        return sum(self.rows.values())


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen. ``blind``: datasets about the population that keep nothing that leads to a person."""

    population: str
    mark: str
    kind: str
    items: tuple[Item, ...]
    blind: tuple[str, ...] = ()

    @property
    def acts(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.action != KEEP)

    @property
    def rows(self) -> int:
        return sum(item.total for item in self.acts)


def decide(contract: Contract, found: Found, kind: str, hold: Hold | None, agreements: tuple[str, ...]) -> Item:
    """``kind``: what was asked for. A restriction is never more than asked: it seals what an erasure would erase."""
    ground = contract.custom.get("arengoErasure", EMPTY)
    action, why = str(ground.get("ground", "") or ERASE), str(ground.get("reason", ""))
    because = "ground" if action != ERASE else ""
    if kind == RESTRICT and action == ERASE:
        action, because = RESTRICT, ""
    if hold is not None and action != KEEP:
        action, why, because = KEEP, hold.reason, HELD
    documents = bool(contract.custom.get("arengoDocuments"))
    return Item(contract.id, contract.title(), action, found.rows, why, because, agreements, documents)


def as_json(plan: Plan) -> dict[str, Any]:
    return {
        "population": plan.population,
        "mark": plan.mark,
        "kind": plan.kind,
        "blind": list(plan.blind),
        "items": [
            {"dataset": item.dataset, "title": item.title, "action": item.action, "why": item.why,
             "because": item.because, "agreements": list(item.agreements), "documents": item.documents,
             "rows": {str(number): count for number, count in item.rows.items()}}
            for item in plan.items
        ],
    }  # fmt: skip


def from_json(body: Mapping[str, Any]) -> Plan:
    items = tuple(
        Item(one["dataset"], one["title"], one["action"],
             {int(number): count for number, count in one["rows"].items()}, one["why"], one["because"],
             tuple(one["agreements"]), one["documents"])
        for one in body["items"]
    )  # fmt: skip
    return Plan(body["population"], body["mark"], body["kind"], items, tuple(body["blind"]))
