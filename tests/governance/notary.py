"""A shared register of pupils, people on both sides and a clock: for the tests of agreements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from arengo.contract import Contract, loads
from arengo.contract.load import sha
from arengo.door.grant import check_rows
from arengo.errors import UnknownDataset
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.caller import Caller
from arengo.governance.decision import Mask
from arengo.governance.procedure import Agreements
from arengo.settings import AgreementSettings
from arengo.state import State, open_state

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
YEAR = timedelta(days=365)

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: enrolment
name: School enrolment
version: {version}
status: {status}
description: {{purpose: Who goes to which school.}}
schema:
  - name: enrolment
    properties:
      - name: pupil
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 1
        required: true
        customProperties:
          - {{property: arengoPrivacyRole, value: identifier}}
          - {{property: arengoPersonalKind, value: person-id}}
      - name: birth_date
        logicalType: date
        customProperties:
          - {{property: arengoPrivacyRole, value: quasi}}
      - {{name: school, logicalType: string}}
      - {{name: district, logicalType: string{district}}}
      - {{name: meals, logicalType: boolean}}
      - {{name: distance, logicalType: {distance}}}
{roles}customProperties:
  - {{property: arengoAccess, value: {access}}}
  - {{property: arengoOwner, value: {owner}}}
  - {{property: arengoTheme, value: EDUC}}
  - {{property: arengoApproval, value: {approval}}}
  - property: arengoPlans
    value:
      - {{id: standard, rate: 5, daily: 1000, rows: 100000, perConsumer: 300, total: 500}}
      - {{id: large, rate: 50, daily: 100000, rows: 10000000}}
  - property: arengoPurposes
    value: [{{id: planning, title: Planning, dpv: 'dpv:PublicBenefit', legalBasis: 'eu-gdpr:A6-1-e', retention: P1Y}}]
"""
TWO = """\
roles:
  - {role: reader, firstLevelApprovers: steward, secondLevelApprovers: "privacy@example.org, dpo:auditor"}
"""

HEAD = Caller("p-head", "schools", roles=(("schools", "steward"),))
DEPUTY = Caller("p-deputy", "schools", roles=(("schools", "steward"),))
CLERK = Caller("p-clerk", "schools", roles=(("schools", "reader"),))
PRIVACY = Caller("p-privacy", "legal", roles=(("legal", "reader"),))
DPO = Caller("p-dpo", "dpo", roles=(("dpo", "auditor"),))
DEVELOPER = Caller("p-dev", "mobility", roles=(("mobility", "reader"),))
COLLEAGUE = Caller("p-colleague", "mobility", roles=(("mobility", "publisher"),))
STRANGER = Caller("p-stranger", "parks", roles=(("parks", "steward"), ("parks", "administrator")))
PLATFORM = Caller("p-admin", "city", roles=(("*", "administrator"), ("*", "steward"), ("*", "publisher")))
PROGRAM = Caller("app-routes", "mobility", "app-routes")
NOBODY = Caller()
EVERYBODY = (HEAD, DEPUTY, CLERK, PRIVACY, DPO, DEVELOPER, COLLEAGUE, STRANGER, PLATFORM, PROGRAM, NOBODY)

PURPOSE: dict[str, Any] = {
    "title": "Safe ways to school",
    "text": "We plan crossings where many children walk, and check each year whether they are used.",
    "dpv": "dpv:PublicBenefit",
    "legal_basis": "eu-gdpr:A6-1-e",
    "personal": True,
    "answers": {
        "necessity": "School and district are needed to draw the ways; names are not asked for.",
        "people": "Children; a rare combination could tell where one lives.",
        "safeguards": "Two planners in the mobility office, on the city's own server.",
        "combination": "The street network, which has no people in it at all.",
        "decisions": "No decisions about people are made with it at any time.",
    },
    "retention": "P1Y",
    "recipients": [],
}


@cache
def contract_of(**parts: str) -> Contract:
    values = {"version": "1.0.0", "status": "active", "approval": "manual", "access": "shared", "owner": "Schools",
              "roles": "", "district": "", "distance": "number"}  # fmt: skip
    return loads(CONTRACT.format(**(values | parts)))


@dataclass
class Notary:
    """Agreements with a clock that tests turn, and everything that was told."""

    state: State
    time: list[datetime]
    contracts: dict[str, Contract] = field(default_factory=dict)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    people: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    agreements: Agreements = None  # type: ignore[assignment]

    def apply(self, **parts: str) -> Contract:
        """Bring a contract into force."""
        contract = contract_of(**parts)
        self.state.put_contract(
            contract.id, version=contract.version, sha=sha(contract), text=contract.text, path="", at=self.time[0]
        )
        self.contracts[contract.id] = contract
        return contract

    def contract(self, dataset: str) -> Contract:
        if dataset not in self.contracts:
            raise UnknownDataset(f"There is no dataset {dataset}.")
        return self.contracts[dataset]

    def purpose(self, by: Caller = DEVELOPER, **values: Any) -> str:
        return self.agreements.purposes.write(by.organisation, PURPOSE | values, by=by).id

    def terms(self, **values: Any) -> Terms:
        given: dict[str, Any] = {
            "columns": ("pupil", "school", "district"), "plan": "standard", "volume": 100, "valid_from": self.time[0],
            "valid_to": self.time[0] + YEAR, "masks": (("pupil", Mask("pseudonym")),),
        }  # fmt: skip
        return Terms(**(given | values))

    def draft(self, by: Caller = DEVELOPER, purpose: str = "", application: str = "", **values: Any) -> Agreement:
        return self.agreements.draft(
            "enrolment", by=by, organisation=by.organisation, application=application,
            purpose=purpose or self.purpose(by), terms=self.terms(**values),
        )  # fmt: skip

    def request(self, by: Caller = DEVELOPER, purpose: str = "", application: str = "", **values: Any) -> Agreement:
        return self.agreements.submit(self.draft(by, purpose, application, **values).id, by=by)

    def granted(self, by: Caller = DEVELOPER, **values: Any) -> Agreement:
        return self.agreements.approve(self.request(by, **values).id, by=HEAD)

    def pass_time(self, **span: float) -> None:
        self.time[0] += timedelta(**span)


NAMES = {"p-privacy": ("privacy@example.org", "Ada Privacy")}
APPLICATIONS = {"app-routes": "mobility", "app-parks": "parks"}
_BLANK: list[bytes] = []  # a state database that is migrated already


def open_blank(path: Path) -> State:
    if _BLANK:
        path.write_bytes(_BLANK[0])
    state = open_state(f"sqlite:///{path}")
    if not _BLANK:
        state.close()
        _BLANK.append(path.read_bytes())
        state = open_state(f"sqlite:///{path}")
    return state


def named(person: str) -> Iterable[str]:
    return NAMES.get(person, ())


def make_notary(folder: Path, state: State | None = None, **parts: str) -> Notary:
    made = Notary(state or open_blank(folder / "state.sqlite"), [START])
    made.people = {caller.party: caller.roles for caller in EVERYBODY if caller.party}
    made.agreements = Agreements(
        made.state, contract=made.contract, tell=lambda kind, **facts: made.told.append((kind, facts)),
        now=lambda: made.time[0], settings=AgreementSettings(),
        application=lambda name: APPLICATIONS.get(name, ""), roles=lambda person: made.people.get(person, ()),
        named=named, rows=check_rows,
    )  # fmt: skip
    made.apply(**parts)
    return made
