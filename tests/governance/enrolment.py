"""A shared register of pupils, an open dataset beside it, agreements and rules on them: for the tests of policies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arengo.contract import Contract, loads
from arengo.governance import Caller, Mask
from arengo.governance.agreement import Agreement
from arengo.governance.policy import CityJudge
from arengo.governance.policy.book import make
from arengo.governance.policy.force import take
from arengo.settings import CitySettings, Settings
from arengo.state import State, open_state

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # a Friday

PUPILS = """\
apiVersion: v3.1.0
kind: DataContract
id: enrolment
name: School enrolment
version: 1.0.0
status: active
tags: [schools]
description: {purpose: Who goes to which school.}
schema:
  - name: enrolment
    properties:
      - name: pupil
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 1
        required: true
        classification: restricted
        customProperties:
          - {property: arengoPrivacyRole, value: identifier}
          - {property: arengoPersonalKind, value: person-id}
          - {property: arengoSubject, value: resident}
      - name: birth_date
        logicalType: date
        classification: restricted
        customProperties:
          - {property: arengoPrivacyRole, value: quasi}
          - {property: arengoPersonalKind, value: birth-date}
      - {name: school, logicalType: string}
      - {name: district, logicalType: string}
      - {name: class, logicalType: string}
      - {name: income, logicalType: number, classification: restricted}
      - {name: meals, logicalType: boolean}
      - {name: distance, logicalType: number}
      - {name: notes, logicalType: string}
customProperties:
  - {property: arengoAccess, value: shared}
  - {property: arengoOwner, value: Schools}
  - {property: arengoTheme, value: EDUC}
  - property: arengoPurposes
    value: [{id: planning, title: Planning, dpv: 'dpv:PublicBenefit', legalBasis: 'eu-gdpr:A6-1-e', retention: P1Y}]
"""

LIMES = """\
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
      - {name: planted, logicalType: date}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoOwner, value: Parks}
"""

ENROLMENT, TREES = loads(PUPILS), loads(LIMES)


def columns_of(contract: Contract) -> tuple[str, ...]:
    return tuple(item.name for item in contract.properties)


PLANNING = Agreement(
    id="agr-1",
    dataset="enrolment",
    contract_version="1.0.0",
    contract_sha="",
    owner="schools",
    organisation="mobility",
    application="school-routes",
    purpose="planning",
    plan="free",
    columns=("pupil", "birth_date", "school", "district", "distance"),
    rows="district <> 'Nord'",
    masks=(("pupil", Mask("pseudonym")),),
    obligations=("Erase after a year.",),
    valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    valid_to=datetime(2027, 1, 1, tzinfo=UTC),
    state="active",
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@dataclass
class Held:
    """Agreements kept in a list."""

    items: list[Agreement] = field(default_factory=list)

    def of(self, application: str, dataset: str) -> Sequence[Agreement]:
        return [item for item in self.items if item.application == application and item.dataset == dataset]

    def listing(
        self, by: Caller, *, side: str, states: Sequence[str], dataset: str, limit: int, after: str
    ) -> Sequence[Agreement]:
        assert side == "owner"
        found = sorted((item for item in self.items if item.dataset == dataset and item.state in states),
                       key=lambda item: item.id)  # fmt: skip
        return [item for item in found if item.id > after][:limit]

    def why(self, agreement: str) -> str:
        return "The office moves house."


def filtered_by(contract: Contract, text: str) -> frozenset[str]:
    """The columns a row filter looks at, as far as these tests need it (the door reads CQL2)."""
    return frozenset(item.name for item in contract.properties if item.name in text)


@dataclass(frozen=True)
class Office:
    id: str
    parent: str = ""


class Offices:
    """The office of mobility is a department of the city."""

    def organisations(self) -> Mapping[str, Office]:
        return {"mobility": Office("mobility", "city"), "city": Office("city"), "schools": Office("schools", "city")}


@dataclass
class Town:
    """A judge over a state database of its own, with a clock that tests turn."""

    state: State
    settings: Settings
    held: Held
    judge: CityJudge
    time: list[datetime]
    told: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def rules(self, **files: str) -> None:
        """Bring policies into force: ``city`` for the whole city, otherwise the organisation's."""
        texts = {f"policies/{'' if name == 'city' else name + '/'}rules.cedar": text for name, text in files.items()}
        take(self.state, make(texts), self.time[0], self.tell)

    def tell(self, kind: str, **facts: object) -> None:
        self.told.append((kind, facts))

    def agree(self, *items: Agreement) -> None:
        self.held.items[:] = items
        self.state.announce()

    def change(self, **values: object) -> None:
        self.agree(replace(self.held.items[0], **values))  # type: ignore[arg-type]


_BLANK: list[bytes] = []  # a state database that is migrated already


def make_town(root: Path, **sections: Any) -> Town:
    settings = Settings(root, CitySettings(name="Limewood", timezone="Europe/Rome"), **sections)
    if _BLANK:
        settings.home.mkdir(parents=True)
        (settings.home / "state.sqlite").write_bytes(_BLANK[0])
    state = open_state(settings.state_url)
    if not _BLANK:
        state.close()
        _BLANK.append((settings.home / "state.sqlite").read_bytes())
    for contract in (ENROLMENT, TREES):
        sha = hashlib.sha256(contract.text.encode()).hexdigest()
        state.put_contract(contract.id, version=contract.version, sha=sha, text=contract.text, path="", at=NOW)
    held, time = Held([PLANNING]), [NOW]
    return Town(
        state, settings, held, CityJudge(settings, state, held, Offices(), lambda: time[0], rows=filtered_by), time
    )
