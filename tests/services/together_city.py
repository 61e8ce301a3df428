"""A town with classes and clubs of children, and people of other offices who ask to read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import arengo
from arengo.city import City
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.caller import Caller
from arengo.governance.decision import Mask

AT = datetime(2026, 5, 4, tzinfo=UTC)
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {id}
version: 1.0.0
status: active
description: {{purpose: About children.}}
schema:
  - name: {id}
    properties:
      - name: child
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 1
        customProperties:
          - {{property: arengoPrivacyRole, value: identifier}}
          - {{property: arengoSubject, value: {population}}}
{columns}
customProperties:
  - {{property: arengoAccess, value: {access}}}
  - {{property: arengoOwner, value: Education}}
  - {{property: arengoPopulation, value: {population}}}
  - {{property: arengoLicence, value: none}}
  - {{property: arengoApproval, value: automatic}}
  - {{property: arengoPurposes, value: [{{id: service, title: A service, dpv: "dpv:PublicBenefit",
      legalBasis: "eu-gdpr:A6-1-e", retention: P1Y}}]}}
  - {{property: arengoPlans, value: [{{id: standard, title: Standard, daily: 1000}}]}}
  - {{property: arengoSource, value: {{kind: csv, path: sources/{id}.csv}}}}
"""
QUASI = """\
      - name: {name}
        logicalType: string
        customProperties:
          - {{property: arengoPrivacyRole, value: quasi}}
          - {{property: arengoPrivacyConcept, value: {name}}}"""


def written(
    root: Path,
    id: str,
    columns: tuple[str, ...],
    rows: list[tuple[str, ...]],
    access: str = "shared",
    population: str = "children",
) -> None:
    told = "\n".join(QUASI.format(name=name) for name in columns)
    (root / "contracts" / f"{id}.odcs.yaml").write_text(
        CONTRACT.format(id=id, columns=told, access=access, population=population)
    )
    lines = [",".join(("child", *columns)), *(",".join(row) for row in rows)]
    (root / "sources" / f"{id}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def children() -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Rows of classes (district and grade: four groups of fifteen) and of clubs (sex): one boy only in X, 1."""
    where: list[tuple[str, ...]] = [(f"c{n:03}", "XY"[n % 2], "12"[n // 2 % 2]) for n in range(60)]
    boys = {n for n in range(60) if where[n][1:] != ("X", "1")} | {0}
    sexes = ["m" if n == 0 or (n in boys and n % 3) else "f" for n in range(60)]
    return where, [(row[0], sex) for row, sex in zip(where, sexes, strict=True)]


def town(root: Path, privacy: str = "[populations.children]\n") -> City:
    """With both published, a version each."""
    arengo.init(root, name="Town", timezone="Europe/Rome", country="IT").close()
    (root / "privacy.toml").write_text(privacy, encoding="utf-8")
    classes, clubs = children()
    written(root, "classes", ("district", "grade"), classes)
    written(root, "clubs", ("sex",), clubs)
    made = arengo.open(root)
    made.apply()
    assert [run.error for run in made.publish(at=AT) if run.state != "succeeded"] == []
    return made


def people_of(
    city: City, offices: tuple[tuple[str, str], ...] = (("Mobility", ""), ("Tourism", "")),
    wanted: tuple[tuple[str, str, str], ...] = (
        ("bruno", "mobility", "reader"), ("ugo", "tourism", "reader"), ("anna", "education", "steward"),
    ),
) -> dict[str, Caller]:  # fmt: skip
    """``offices``: (name, what it is a department of); ``wanted``: (name, office, role)."""
    parties, out = city.access.parties, {}
    operator = Caller("operator", "city", roles=(("*", "administrator"),), assurance=2)
    for name, parent in offices:
        parties.add_organisation(name, parent, by=operator)
    for name, organisation, role in wanted:
        person = parties.add_person(name.title(), f"{name}@town.example", organisation, by=operator, state="active")
        parties.give(person.id, organisation, role, by=operator)
        cookie = city.access.sessions.open(person.id, 2)
        found = city.access.sessions.caller(cookie)
        assert found is not None
        out[name] = found
    return out


ANSWERS = ("necessity", "people", "safeguards", "combination", "decisions")


def asked(
    city: City,
    people: dict[str, Caller],
    dataset: str,
    columns: tuple[str, ...],
    masks: tuple[tuple[str, Mask], ...] = (),
    who: str = "bruno",
) -> Agreement:
    agreements, by = city.access.agreements, people[who]
    now = agreements.now()
    purpose = agreements.purposes.write(
        by.organisation,
        {"title": f"{dataset} {now}", "text": "What it is for, in words.", "dpv": "dpv:PublicBenefit",
         "legal_basis": "eu-gdpr:A6-1-e", "personal": True, "retention": "P1Y",
         "answers": dict.fromkeys(ANSWERS, "An answer that is long enough.")},
        by=by,
    ).id  # fmt: skip
    terms = Terms(columns, "standard", 10, now, now + timedelta(days=30), "", masks)
    item = agreements.draft(dataset, by=by, organisation=by.organisation, purpose=purpose, terms=terms)
    return agreements.submit(item.id, by=by)
