"""A city whose gate has spoken: something held back, something blocked, something that passed, people with roles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from access_town import Town, make_town

from arengo.contract.load import sha
from arengo.contract.model import Frozen
from arengo.privacy.finding import Finding
from arengo.privacy.verdict import Assumption, Repair, Verdict
from arengo.privacy.verdicts import HELD, PUBLISHED, Held

AT = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
BALLOTS = """\
apiVersion: v3.1.0
kind: DataContract
id: ballots
name: Ballots of the participatory budget
version: 1.0.0
status: active
domain: participation
description: {purpose: Who voted for what in the participatory budget.}
schema:
  - name: ballots
    properties:
      - {name: ballot, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
      - name: district
        logicalType: string
        businessName: District
        customProperties:
          - {property: arengoPrivacyRole, value: quasi}
          - {property: arengoPrivacyConcept, value: residence}
      - name: age
        logicalType: integer
        businessName: Age
        customProperties:
          - {property: arengoPrivacyRole, value: quasi}
          - {property: arengoPrivacyConcept, value: age}
      - {name: project, logicalType: string, businessName: Project}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoOwner, value: Education Services}
  - {property: arengoLicence, value: CC-BY-4.0}
  - {property: arengoTheme, value: GOVE}
  - {property: arengoSource, value: {kind: csv, path: sources/ballots.csv}}
"""
ASSUMED = (
    Assumption("target", Frozen({"k": 5, "l": 1, "threshold": 5})),
    Assumption("register", Frozen({"population": "residents", "dataset": "pupils"})),
    Assumption("profile", Frozen({"name": "neighbour", "knows": ["residence", "age"]})),
    Assumption("profile", Frozen({"name": "everything", "knows": ["*"]})),
)
SIZES = {"1": 14, "2": 18, "3": 12, "4": 16, "5": 40, "7": 210, "12": 480, "31": 900, "more": 2600}
AFTER = {"5": 60, "8": 320, "14": 700, "more": 3210}
SINGLE = {
    "k": 1, "target": 5, "below": 60, "rows": 4290, "groups": 310, "unique": 14, "sizes": SIZES,
    "prosecutor": {"highest": 1.0, "at_risk": 0.014, "success": 0.072},
    "journalist": {"highest": 0.25, "at_risk": 0.006, "success": 0.03}, "marketer": 0.034,
    "by_column": {"age": 51, "district": 33},
    "profiles": {"neighbour": {"title": "A neighbour", "columns": ["district", "age"], "k": 1, "below": 60}},
    "places": {"column": "district", "below": {"Porto": 31, "Centro": 18, "Colle": 11, "Nuovo": 0}},
}  # fmt: skip
JOINT = {
    "k": 5, "people": 11, "singled_out": 11, "groups": 11, "before": {"6": 60, "12": 400, "more": 3830},
    "after": {"1": 11, "6": 49, "12": 400, "more": 3830},
    "releases": [{"label": "rooms v1", "columns": ["district"], "alone": 0, "together": 11, "costs": 11}],
    "columns": [{"column": "age", "costs": 11}, {"column": "district", "costs": 4}],
}  # fmt: skip
REPAIRS = (
    Repair("generalise-1", "generalise", Frozen({"age": {"top": 80}}), loss=0.184, suppressed=0,
           errors=Frozen({"Turnout by district": 0.0, "Average age": 0.031}), before=Frozen(SIZES),
           after=Frozen(AFTER), facts=Frozen({"k": 5})),
    Repair("suppress-2", "suppress", contract=Frozen({"suppress": {"below": 5}}), loss=0.014, suppressed=60,
           before=Frozen(SIZES), after=Frozen({key: SIZES[key] for key in ("5", "7", "12", "31", "more")}),
           facts=Frozen({"k": 5})),
    Repair("drop-3", "drop", Frozen({"age": "drop"}), loss=0.5, suppressed=0, before=Frozen(SIZES),
           after=Frozen({"more": 4290}), facts=Frozen({"k": 812})),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """``repair``: ballots that need a repair; ``passed``: rooms that passed before."""

    town: Town
    repair: Held
    passed: Held

    @property
    def desk(self) -> Any:
        return self.town.city.desk


def verdict(town: Town, dataset: str, *findings: Finding, at: datetime = AT, run: str = "", **more: Any) -> Verdict:
    contract = town.city.catalogue.entry(dataset).contract
    return Verdict(dataset, sha(contract), at, findings, assumptions=ASSUMED, run=run, **more)


def small(town: Town, run: str = "r2") -> Verdict:
    """58 voters in small groups."""
    facts = {"k": 5, "unique": 14, "rows": 4290, "column": "age"}
    found = Finding("risk-small-groups", "repair", Frozen(facts), ("district", "age"), people=58)
    fine = Finding("overlap-withdrawn", releases=("rooms v1",))
    measured = Frozen({"single": Frozen(SINGLE), "detection": DETECTION})
    return verdict(town, "ballots", found, fine, run=run, repairs=REPAIRS, measured=measured)


DETECTION = {
    "columns": [
        {"column": "age", "kind": "date-of-birth", "role": "quasi", "strong": True, "evidence": "birth-like",
         "why": "its days span 85 years", "distinct": 85, "separation": 0.981, "suppressed": 0.0, "small": 0},
        {"column": "project", "kind": "name", "role": "identifier", "strong": False, "evidence": "header",
         "why": "its name says so", "distinct": 12, "separation": 0.4, "suppressed": 0.25, "small": 1},
    ]
}  # fmt: skip


def blocked(town: Town, run: str = "r3") -> Verdict:
    """11 people shown up together with an earlier release."""
    facts = {"k": 6, "most": 1, "alone": 11, "column": "age"}
    found = Finding("overlap-joint", "block", Frozen(facts), ("age", "district"), ("rooms v1",), people=11)
    met = Finding("risk-met", facts=Frozen(k=5), columns=("district", "age"))
    measured = Frozen({"single": {**SINGLE, "k": 5, "below": 0, "sizes": AFTER}, "joint": JOINT})
    return verdict(town, "ballots", found, met, at=AT + timedelta(days=2), run=run, repairs=REPAIRS[:1],
                   measured=measured)  # fmt: skip


def review(town: Town, dataset: str = "ballots", run: str = "r4") -> Verdict:
    found = Finding("overlap-no-population", "review")
    return verdict(town, dataset, found, at=AT + timedelta(days=3), run=run)


def make(root: Path) -> Told:
    """``ballots`` need a repair, ``rooms`` passed."""
    town = make_town(root, rows=20)
    city = town.city
    (root / "contracts" / "ballots.odcs.yaml").write_text(BALLOTS, encoding="utf-8")
    lines = ["ballot,district,age,project"]
    lines += [f"{at},{('Porto', 'Centro', 'Colle')[at % 3]},{20 + at % 60},Park" for at in range(200)]
    (root / "sources" / "ballots.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    unborn = BALLOTS.replace("id: ballots", "id: unborn").replace("name: ballots", "name: unborn")
    (root / "contracts" / "unborn.odcs.yaml").write_text(unborn, encoding="utf-8")
    city.apply()
    desk = city.desk
    passed = desk.verdicts.keep(
        verdict(town, "rooms", Finding("nothing-personal", facts=Frozen(looked=3)), run="r1"), PUBLISHED, 1
    )
    held = desk.verdicts.keep(small(town), HELD)
    return Told(town, held, passed)


def again(told: Told, made: Verdict) -> Held:
    """Another verdict that holds back."""
    return told.desk.verdicts.keep(replace(made, at=datetime.now(UTC)), HELD)  # type: ignore[no-any-return]
