"""A small city with one shared, one open and one closed dataset, people, an application and an agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tiny_city import CLOSED, FIRST, TinyCity, open_tiny

from arengo import faces
from arengo.contract import loads
from arengo.door import Door
from arengo.faces.callers import CityCallers, CityWatch
from arengo.governance import Caller
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.role import OPERATOR
from arengo.ledger import Ledger
from arengo.services.access import Access

PUPILS = """\
apiVersion: v3.1.0
kind: DataContract
id: pupils
name: Pupils enrolled
version: 1.0.0
status: active
description: {purpose: Every pupil with class and school.}
schema:
  - name: pupils
    properties:
      - {name: pupil, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true,
         classification: restricted, logicalTypeOptions: {pattern: "P[0-9]{5}"},
         customProperties: [{property: arengoPrivacyRole, value: identifier}]}
      - {name: surname, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: identifier}]}
      - {name: school, logicalType: string, businessName: School}
      - {name: grade, logicalType: integer, logicalTypeOptions: {minimum: 1, maximum: 5}}
      - {name: born, logicalType: date, customProperties: [{property: arengoPrivacyRole, value: quasi}]}
      - {name: income, logicalType: number}
customProperties:
  - {property: arengoAccess, value: shared}
  - {property: arengoOwner, value: Education Services}
  - {property: arengoPurposes, value: [{id: places, title: School places, dpv: "dpv:PublicPolicyMaking",
     legalBasis: "eu-gdpr:A6-1-e", retention: P10Y}]}
  - {property: arengoPlans, value: [{id: small, title: Small, rate: 50, daily: 40, rows: 500, lifetime: PT5M}]}
"""
TREES = """\
apiVersion: v3.1.0
kind: DataContract
id: trees
name: Street trees
version: 1.0.0
status: active
description: {purpose: Every tree.}
schema:
  - name: trees
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: species, logicalType: string}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoOwner, value: Parks office}
"""
ANSWERS = dict.fromkeys(
    ("necessity", "people", "safeguards", "combination", "decisions"), "Nothing but what the buses of next year need."
)


def pupil(number: int, family: str = "Zuccherelli") -> tuple[Any, ...]:
    """Values that no contract and no chance would bring up."""
    return (
        f"P{90000 + number}",
        f"{family}{number}",
        f"Scuola{family}{number % 3}",
        number % 5 + 1,
        f"1931-0{number % 9 + 1}-17",
        777_000.5 + number,
    )


@dataclass
class StoreCity:
    tiny: TinyCity
    access: Access
    door: Door
    cookies: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def application(self) -> Any:
        """The faces as the server composes them."""
        callers, watch = CityCallers(self.access), CityWatch(self.access, self.door)
        tiny = self.tiny
        return faces.application(self.door, tiny.catalogue, tiny.settings, callers, watch, self.access)

    def caller(self, name: str) -> Caller:
        return self.access.sessions.caller(self.cookies[name])

    def agreed(self, application: str, columns: Sequence[str] = ("school", "grade")) -> Agreement:
        """An agreement of mobility about pupils, in force."""
        who, agreements, now = self.caller("bruno"), self.access.agreements, datetime.now(UTC)
        purpose = agreements.purposes.write(
            "mobility",
            {
                "title": "School buses",
                "text": "Lines and stops of the school buses are planned with where pupils go.",
                "dpv": "dpv:ImproveTransportMobility",
                "legal_basis": "eu-gdpr:A6-1-e",
                "retention": "P1Y",
                "personal": True,
                "answers": ANSWERS,
            },
            by=who,
        )
        terms = Terms(tuple(columns), "small", 30, now - timedelta(days=1), now + timedelta(days=90))
        made = agreements.draft(
            "pupils", by=who, organisation="mobility", application=application, purpose=purpose.id, terms=terms
        )
        agreements.submit(made.id, by=who)
        for _ in range(2):
            held = agreements.get(made.id)
            if held.state == "pending":
                agreements.approve(made.id, by=self.caller("anna"), why="Good.")
        return agreements.get(made.id)

    def close(self) -> None:
        self.access.close()
        self.tiny.close()


def make_store(root: Path, family: str = "Zuccherelli") -> StoreCity:
    tiny = open_tiny(root)
    tiny.publish(loads(PUPILS), [pupil(number, family) for number in range(1, 31)], FIRST)
    tiny.publish(loads(TREES), [(number, "Tilia") for number in range(1, 6)], FIRST)
    tiny.publish(loads(CLOSED), [("p1", 10.0)], FIRST)
    ledger = Ledger(tiny.settings, tiny.state)
    access = Access(tiny.settings, tiny.state, ledger, lambda dataset: tiny.catalogue.entry(dataset).contract)
    door = Door(tiny.settings, tiny.catalogue, tiny.lake, access.judge, access.hierarchies, access.record)
    made = StoreCity(tiny, access, door)
    for name in ("Mobility", "Tourism"):
        access.parties.add_organisation(name, by=OPERATOR)
    people = {
        "anna": ("education-services", "steward"),
        "bruno": ("mobility", "reader"),
        "mia": ("mobility", "reader"),
        "ugo": ("tourism", "reader"),
    }
    for name, (organisation, role) in people.items():
        person = access.parties.add_person(
            name.title(), f"{name}@tiny.example", organisation, by=OPERATOR, state="active"
        )
        access.parties.give(person.id, organisation, role, by=OPERATOR)
        made.ids[name] = person.id
        made.cookies[name] = access.sessions.open(person.id, 1)
    return made
