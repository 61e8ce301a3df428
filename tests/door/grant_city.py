"""Two cities whose granted part is the same and whose withheld part is not, behind the same rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tiny_city import TinyCity, open_tiny

from arengo.contract import Contract, loads
from arengo.door import Caller, Decision, Door
from arengo.governance import Mask, OpenJudge, fingerprint

PUPILS = """\
apiVersion: v3.1.0
kind: DataContract
id: pupils
name: Pupils
version: 1.0.0
status: active
description: {purpose: Who is enrolled where.}
schema:
  - name: pupils
    properties:
      - {name: pupil, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true,
         customProperties: [{property: arengoSubject, value: resident}]}
      - {name: school, logicalType: string}
      - {name: born, logicalType: date}
      - {name: marks, logicalType: integer}
      - {name: income, logicalType: number}
      - {name: note, logicalType: string}
      - {name: lon, logicalType: number}
      - {name: lat, logicalType: number}
customProperties:
  - {property: arengoAccess, value: shared}
  - {property: arengoOwner, value: Schools office}
  - {property: arengoTime, value: born}
  - {property: arengoSearch, value: [school, note]}
  - {property: arengoSort, value: [income]}
  - {property: arengoGeometry, value: {x: lon, y: lat}}
"""
COLUMNS = ("pupil", "school", "born", "marks", "income", "note", "lon", "lat")
FIRST = datetime(2026, 3, 1, 8, tzinfo=UTC)
READER = Caller(party="app-1", organisation="mobility", application="app-1")
SECRET = "11" * 32


class Rule:
    """A judge with one rule for one caller; everybody else is judged as ever."""

    def __init__(self, columns: Sequence[str], rows: Sequence[str] = (), masks: Mapping[str, Mask] | None = None):
        self.columns, self.rows = frozenset(columns), tuple(rows)
        self.masks = tuple(sorted((masks or {}).items()))

    def __repr__(self) -> str:
        return f"Rule({sorted(self.columns)}, {self.rows}, {self.masks})"

    def decide(self, contract: Contract, columns: Sequence[str], caller: Caller) -> Decision:
        made = OpenJudge().decide(contract, columns, caller)
        if caller != READER or contract.access == "open":
            return made
        return replace(
            made,
            allowed=True,
            reason="An agreement.",
            rule="agreement a1",
            columns=made.columns & self.columns,
            rows=self.rows,
            masks=self.masks,
            agreement="a1",
            purpose="planning",
            recipient="mobility",
            fingerprint=fingerprint(sorted(self.columns), self.rows, self.masks),
        )


def pupil(number: int) -> dict[str, Any]:
    return {
        "pupil": f"p{number:03d}",
        "school": ["Verdi", "Manzoni", "Pascoli", None][number % 4],
        "born": f"20{10 + number % 9}-0{1 + number % 9}-1{number % 9}",
        "marks": number % 7,
        "income": number * 1000.5,
        "note": ["quiet", "loves maths", None][number % 3],
        "lon": 9.0 + number / 1000,
        "lat": 45.0 + number / 2000,
    }


def make(root: Path, people: Sequence[Mapping[str, Any]], rule: Rule, *more: Sequence[Mapping[str, Any]]) -> TinyCity:
    """A city with the pupils published, once for each list of people."""
    city = open_tiny(root)
    (city.settings.home).mkdir(parents=True, exist_ok=True)
    (city.settings.home / "pseudonym.key").write_text(SECRET)
    for number, rows in enumerate((people, *more)):
        values = [tuple(row[name] for name in COLUMNS) for row in rows]
        city.publish(loads(PUPILS), values, FIRST.replace(month=3 + number))
    city.door = Door(city.settings, city.catalogue, city.lake, rule)
    return city
