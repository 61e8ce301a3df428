"""A city where one office holds what another wants to read: pupils with nine columns, classrooms, people with roles."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import arengo
from arengo import faces, portal
from arengo.city import City
from arengo.faces.callers import CityCallers
from arengo.governance import Mask
from arengo.governance.agreement import Terms
from arengo.governance.role import OPERATOR
from arengo.governance.session import cookie_name

HOSTILE = "<script>alert('x')</script>"
AT = datetime(2026, 3, 1, 6, tzinfo=UTC)
PUPILS = """\
apiVersion: v3.1.0
kind: DataContract
id: pupils
name: Pupils enrolled
version: 1.2.0
status: active
domain: education
description: {purpose: Every pupil of the city's schools with class and school., limitations: As of the first of March.}
schema:
  - name: pupils
    properties:
      - name: pupil
        logicalType: string
        businessName: Pupil
        description: Number of the pupil in the school register.
        primaryKey: true
        primaryKeyPosition: 1
        required: true
        classification: restricted
        customProperties:
          - {property: arengoPrivacyRole, value: identifier}
          - {property: arengoPersonalKind, value: person-id}
          - {property: arengoSubject, value: pupil}
      - name: surname
        logicalType: string
        businessName: Surname
        classification: restricted
        customProperties:
          - {property: arengoPrivacyRole, value: identifier}
          - {property: arengoPersonalKind, value: name}
      - name: born_on
        logicalType: date
        businessName: Date of birth
        customProperties: [{property: arengoPrivacyRole, value: quasi}]
      - name: district
        logicalType: string
        businessName: Quarter of residence
        customProperties: [{property: arengoPrivacyRole, value: quasi}]
      - {name: school, logicalType: string, businessName: School, description: As in the list of schools.}
      - {name: school_year, logicalType: string, businessName: School year}
      - {name: grade, logicalType: integer, businessName: Class}
      - name: lunch
        logicalType: boolean
        businessName: Eats at school
      - name: distance
        logicalType: number
        businessName: Way to school
        customProperties: [{property: arengoUnit, value: m}]
roles:
  - {role: reader, access: read, secondLevelApprovers: "data-protection:steward"}
customProperties:
  - {property: arengoAccess, value: shared}
  - {property: arengoOwner, value: Education Services}
  - {property: arengoTheme, value: EDUC}
  - {property: arengoLicence, value: none}
  - {property: arengoSource, value: {kind: csv, path: sources/pupils.csv}}
  - property: arengoPurposes
    value:
      - {id: places, title: Planning of school places, dpv: "dpv:PublicPolicyMaking", legalBasis: "eu-gdpr:A6-1-e",
         retention: P10Y}
  - property: arengoPlans
    value:
      - {id: small, title: Small, rate: 2, daily: 500, rows: 50000, perConsumer: 200, total: 1000}
      - {id: large, title: Large, rate: 20, daily: 20000, rows: 2000000}
  - {property: arengoApproval, value: threshold}
"""
ROOMS = """\
apiVersion: v3.1.0
kind: DataContract
id: rooms
name: Classrooms
version: 1.0.0
status: active
domain: education
description: {purpose: Rooms of the schools and how many fit in.}
schema:
  - name: rooms
    properties:
      - {name: room, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: school, logicalType: string}
      - {name: seats, logicalType: integer}
customProperties:
  - {property: arengoAccess, value: shared}
  - {property: arengoOwner, value: Education Services}
  - {property: arengoLicence, value: none}
  - {property: arengoSource, value: {kind: csv, path: sources/rooms.csv}}
  - property: arengoPlans
    value: [{id: standard, title: Standard, daily: 1000, perConsumer: 200, total: 1000}]
  - {property: arengoApproval, value: threshold}
"""
SECRET = """\
apiVersion: v3.1.0
kind: DataContract
id: investigations
name: Investigations
version: 1.0.0
status: active
domain: police
description: {purpose: Nobody else's.}
schema:
  - name: investigations
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
customProperties:
  - {property: arengoAccess, value: closed}
  - {property: arengoOwner, value: Local Police}
  - {property: arengoSource, value: {kind: csv, path: sources/investigations.csv}}
"""
PEOPLE = {
    "anna": ("Anna Bianchi", "education-services", ("steward",)),
    "dora": ("Dora Neri", "education-services", ("steward",)),
    "paolo": ("Paolo Verdi", "data-protection", ("steward",)),
    "bruno": ("Bruno Rossi", "mobility", ("reader",)),
    "carla": ("Carla Gallo", "local-police", ("steward", "publisher")),
    "ugo": ("Ugo Conti", "tourism", ("reader",)),
}
ANSWERS = {
    "answer.necessity": "Class and quarter say where buses are needed; less would not.",
    "answer.people": "Pupils and their families; small schools could be recognised.",
    "answer.safeguards": "Three planners on a server of the city, with logins that end.",
    "answer.combination": "None, it is used alone since the timetable has no persons.",
    "answer.decisions": "No decision about single pupils is made with these rows.",
}


@dataclass(frozen=True, slots=True)
class Town:
    """``cookies``: name -> cookie of a signed-in session; ``ids``: name -> id of the person."""

    city: City
    cookies: Mapping[str, str]
    ids: Mapping[str, str]

    def caller(self, name: str) -> Any:
        return self.city.access.sessions.caller(self.cookies[name])


def make_town(root: Path, rows: int = 40) -> Town:
    """Published, with everybody signed in."""
    arengo.init(root, name="Città di Prova", timezone="Europe/Rome", country="IT").close()
    with (root / "city.toml").open("a", encoding="utf-8") as file:
        file.write('contact = "data@prova.example"\n[participation]\nper_hour = 1000\n')
    for name, text in {"pupils": PUPILS, "rooms": ROOMS, "investigations": SECRET}.items():
        (root / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    (root / "sources" / "pupils.csv").write_text("\n".join(pupils(rows)) + "\n", encoding="utf-8")
    seats = ["room,school,seats", "A1,Porto,24", "A2,Porto,22", "B1,Colle,18"]
    (root / "sources" / "rooms.csv").write_text("\n".join(seats) + "\n", encoding="utf-8")
    (root / "sources" / "investigations.csv").write_text("id\n1\n", encoding="utf-8")
    city = arengo.open(root)
    runs = city.publish(at=AT)
    assert [run.error for run in runs if run.state != "succeeded"] == []
    parties = city.access.parties
    for name in ("Mobility", "Data Protection", "Tourism"):
        parties.add_organisation(name, by=OPERATOR)
    ids, cookies = {}, {}
    for name, (full, organisation, roles) in PEOPLE.items():
        person = parties.add_person(full, f"{name}@prova.example", organisation, by=OPERATOR, state="active")
        for role in roles:
            parties.give(person.id, organisation, role, by=OPERATOR)
        ids[name] = person.id
        cookies[name] = city.access.sessions.open(person.id, 2)
    return Town(city, cookies, ids)


def pupils(count: int) -> list[str]:
    dice = random.Random(11)
    names = ("Rossi", "Bianchi", "O'Neill", HOSTILE, "Fernández de la Concepción")
    lines = ["pupil,surname,born_on,district,school,school_year,grade,lunch,distance"]
    for number in range(1, count + 1):
        born = date(2012, 1, 1) + timedelta(days=dice.randrange(2000))
        place = dice.choice(("Porto", "Centro", "Colle"))
        lines.append(
            f'P{number:05d},"{dice.choice(names)}",{born},{place},{place},2025/26,{dice.randrange(1, 6)},'
            f"{str(number % 3 == 0).lower()},{dice.uniform(100, 4000):.0f}"
        )
    return lines


def application(city: City) -> Any:
    """Faces and portal as the server composes them."""
    from starlette.applications import Starlette

    api = faces.routes(city.door, city.catalogue, city.settings, CityCallers(city.access), city.access)
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access)
    handlers = faces.handlers(portal.error_page(city.settings))
    inner = Starlette(routes=[*api, *pages], exception_handlers=handlers)
    return faces.wrap(inner, city.door, city.catalogue, city.settings)


COOKIE = cookie_name(False)


def fields(text: str, action: str = "") -> dict[str, list[str]]:
    """What a browser would send of the form with that action: every field with its value, ticked and chosen ones."""
    forms = re.findall(r"<form\b([^>]*)>(.*?)</form>", text, re.S)
    body = next((inner for head, inner in forms if 'method="post"' in head and f'action="{action}' in head), "")
    assert body, f"no form posts to {action}"
    out: dict[str, list[str]] = {}
    for tag in re.findall(r"<input\b[^>]*>", body):
        known = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if known.get("type") in ("checkbox", "radio") and not re.search(r"\bchecked\b", tag):
            continue
        if "name" in known and not re.search(r"\bdisabled\b", tag):
            out.setdefault(known["name"], []).append(unescape(known.get("value", "")))
    for name, inner in re.findall(r'<textarea\b[^>]*\bname="([^"]+)"[^>]*>(.*?)</textarea>', body, re.S):
        out[name] = [unescape(inner)]
    for name, inner in re.findall(r'<select\b[^>]*\bname="([^"]+)"[^>]*>(.*?)</select>', body, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', inner) or re.search(r'<option value="([^"]*)"', inner)
        out[name] = [unescape(chosen[1])] if chosen else [""]
    return out


def request_form(page: str, columns: Iterable[str], **more: Any) -> dict[str, Any]:
    """The form of asking, filled in with a new program and a new purpose."""
    given: dict[str, Any] = fields(page, "/datasets/")
    given |= {
        "column": list(columns),
        "application": "new",
        "application_title": "Bus planner",
        "purpose": "new",
        "purpose_title": "School buses of next year",
        "purpose_text": "Lines and stops of the school buses are planned with where pupils live.",
        "dpv": "dpv:ImproveTransportMobility",
        "legal_basis": "eu-gdpr:A6-1-e",
        "retention": "P1Y",
        "plan": "small",
        "volume": "100",
        "message": "Ask me back at extension 12.",
        "do": "send",
        **ANSWERS,
    }
    return given | more


GRANTED = ("pupil", "district", "school", "grade", "distance")


def granted(town: Town, plan: str = "small") -> tuple[str, str]:
    """(key, agreement) of an application of another office: five columns, the key as a pseudonym, both approvers."""
    access = town.city.access
    bruno, anna, paolo = (town.caller(name) for name in ("bruno", "anna", "paolo"))
    application = access.applications.create("Bus planner", bruno, organisation="mobility")
    purpose = access.agreements.purposes.write(
        "mobility",
        {
            "title": "School buses of next year",
            "text": "Lines and stops of the school buses are planned with where pupils live.",
            "dpv": "dpv:ImproveTransportMobility",
            "legal_basis": "eu-gdpr:A6-1-e",
            "personal": True,
            "retention": "P1Y",
            "answers": {
                "necessity": "Class and quarter say where buses are needed; less would not.",
                "people": "Pupils and their families; small schools could be recognised.",
                "safeguards": "Three planners on a server of the city, with logins that end.",
                "combination": "None, it is used alone since the timetable has no persons.",
                "decisions": "No decision about single pupils is made with these rows.",
            },
        },
        by=bruno,
    )
    now = datetime.now(UTC)
    terms = Terms(GRANTED, plan, 100, now, now + timedelta(days=365), "", (("pupil", Mask("pseudonym")),))
    item = access.agreements.draft(
        "pupils", by=bruno, organisation="mobility", application=application.id, purpose=purpose.id, terms=terms
    )
    access.agreements.submit(item.id, by=bruno)
    _, text = access.applications.issue(application.id, bruno, agreement=item.id)
    access.agreements.approve(item.id, by=anna)
    access.agreements.approve(item.id, by=paolo)
    assert access.agreements.get(item.id).state == "active"
    return text, item.id
