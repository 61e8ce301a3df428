"""A city with people in its rows: a school register whose pupils leave, a closed one, an open list of officials."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from arengo.city import City, init, open_city

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
PURPOSES = """\
  - property: arengoPurposes
    value:
      - id: place-planning
        title: {en: Planning places in schools, it: Programmazione dei posti nelle scuole}
        dpv: dpv:PublicPolicyMaking
        legalBasis: [eu-gdpr:A6-1-e, eu-gdpr:A9-2-g]
        retention: P5Y
        recipients: [Schools Office, {name: Cloud Host, country: US, safeguard: eu-gdpr:A45-3}]
        necessity: Places are planned by section and year.
      - {id: transport, dpv: dpv:ImproveTransportMobility, legalBasis: eu-gdpr:A6-1-e, retention: P2Y}
"""
PUPILS = """\
apiVersion: v3.1.0
kind: DataContract
id: pupils
name: School enrolments
version: 1.0.0
status: active
description: {purpose: Who is enrolled where.}
schema:
  - name: pupils
    properties:
      - {name: pupil, logicalType: string, primaryKey: true, required: true, businessName: Pupil number,
         customProperties: [{property: arengoPrivacyRole, value: identifier},
                            {property: arengoPersonalKind, value: person-id}]}
      - {name: surname, logicalType: string, businessName: Surname,
         customProperties: [{property: arengoPrivacyRole, value: identifier},
                            {property: arengoPersonalKind, value: name}]}
      - {name: needs, logicalType: boolean, businessName: Special needs,
         customProperties: [{property: arengoPrivacyRole, value: sensitive},
                            {property: arengoPersonalKind, value: health}]}
      - {name: school, logicalType: string}
      - {name: left_on, logicalType: date}
roles:
  - {role: reader, access: read, firstLevelApprovers: schools@small.example, secondLevelApprovers: dpo@small.example}
customProperties:
  - {property: arengoAccess, value: shared}
  - {property: arengoOwner, value: Schools Office}
  - {property: arengoDataSubjects, value: [dpv:Child, dpv:ParentOfDataSubject]}
  - {property: arengoSource, value: {kind: csv, path: sources/pupils.csv}}
  - {property: arengoRetentionFrom, value: left_on}
  - {property: arengoTranslations, value: {it: {name: Iscrizioni scolastiche, columns: {surname: Cognome}}}}
"""
STAFF = """\
apiVersion: v3.1.0
kind: DataContract
id: staff
name: Staff of the city
version: 1.0.0
status: active
schema:
  - name: staff
    properties:
      - {name: name, logicalType: string, primaryKey: true, required: true,
         customProperties: [{property: arengoPersonalKind, value: name}]}
customProperties:
  - {property: arengoAccess, value: closed}
  - {property: arengoSource, value: {kind: csv, path: sources/staff.csv}}
  - {property: arengoPurposes, value: [{id: payroll, dpv: dpv:PersonnelPayment, legalBasis: eu-gdpr:A6-1-b,
      retention: P10Y}]}
"""
OFFICIALS = """\
apiVersion: v3.1.0
kind: DataContract
id: officials
name: Elected members
version: 1.0.0
status: active
schema:
  - name: officials
    properties:
      - {name: member, logicalType: string, primaryKey: true, required: true,
         customProperties: [{property: arengoPersonalKind, value: name},
                            {property: arengoPersonalReason, value: Elected members are public by law.}]}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoSource, value: {kind: csv, path: sources/officials.csv}}
"""
BENCHES = """\
apiVersion: v3.1.0
kind: DataContract
id: benches
name: Benches
version: 1.0.0
status: active
schema:
  - name: benches
    properties:
      - {name: id, logicalType: integer, primaryKey: true, required: true}
customProperties:
  - {property: arengoAccess, value: shared}
  - {property: arengoSource, value: {kind: csv, path: sources/benches.csv}}
"""
NAMES = ("Zanichelli", "Malpighi", "Aldrovandi", "Cassini", "Galvani", "Marconi")
LEFT = ("2018-06-30", "2020-06-30", "2022-06-30", "2024-06-30", "", "2021-03-01")
"""Days the pupils left: on NOW, with five years kept, the first two are due; the last has a day left."""


def pupils(count: int = 6) -> str:
    lines = [f"{n},{NAMES[n]},{'true' if n % 2 else 'false'},School {n % 2},{LEFT[n]}" for n in range(count)]
    return "pupil,surname,needs,school,left_on\n" + "\n".join(lines) + "\n"


def make(root: Path) -> City:
    init(root, name="Small", timezone="Europe/Rome", country="IT").close()
    with (root / "city.toml").open("a", encoding="utf-8") as file:
        file.write('contact = "privacy@small.example"\n\n[register]\ncontroller = "Municipality of Small"\n')
        file.write('dpo = "Ada Verdi"\ndpo_mail = "dpo@small.example"\n')
        file.write('authority = "Garante per la protezione dei dati personali"\n')
    texts = {"pupils": PUPILS + PURPOSES, "staff": STAFF, "officials": OFFICIALS, "benches": BENCHES}
    for name, text in texts.items():
        (root / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    sources = root / "sources"
    (sources / "pupils.csv").write_text(pupils(), encoding="utf-8")
    (sources / "staff.csv").write_text("name\nGalvani\n", encoding="utf-8")
    (sources / "officials.csv").write_text("member\nMarconi\n", encoding="utf-8")
    (sources / "benches.csv").write_text("id\n1\n2\n", encoding="utf-8")
    return open_city(root)
