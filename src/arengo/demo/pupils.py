"""The register of pupils: who is enrolled where. Shared, not open: nine columns about made-up children.

Its owner, the Education Services, declares everything in one contract: what it is for, how long, who approves, at
which plans. The office of mobility reads five of its columns (see :mod:`arengo.demo.readers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from arengo.demo import files
from arengo.demo.learning import YEARS, schools
from arengo.demo.promise import ABOUT_RESIDENTS, Column, Promise, personal, purpose, rows_at_least
from arengo.demo.world import Dataset, World

ID = "school-enrolments"
OWNER = "Education Services"
HEAD, OFFICER = "lucia.ferri@arvenza.example", "dpo@arvenza.example"
"""Who approves first, and second: the head of the register, and the data protection officer."""
_PUPILS = 4_200
_FIRST_AGE = {"infanzia": 3, "primaria": 6, "secondaria": 11, "superiore": 14}

_SCRIPT = """
PRAGMA page_size = 4096;
CREATE TABLE ISCRIZIONI (ID_ALUNNO TEXT PRIMARY KEY, DATA_NASCITA TEXT, QUARTIERE TEXT, COD_SCUOLA TEXT,
  CLASSE INTEGER, ANNO_SCOL TEXT, MENSA TEXT, SCUOLABUS TEXT, SOSTEGNO TEXT);
"""


def _enrolments(world: World, step: int, folder: Path) -> None:
    def make(random: np.random.Generator) -> list[dict[str, Any]]:
        out = []
        known = schools(world)
        places = np.array([school["places"] for school in known], dtype=float)
        chosen = random.choice(len(known), size=_PUPILS, p=places / places.sum())
        homes, _, _ = world.ground.scatter(random, _PUPILS)
        for number in range(_PUPILS):
            school = known[int(chosen[number])]
            grade = int(random.integers(1, YEARS[school["kind"]] + 1))
            age = _FIRST_AGE[school["kind"]] + grade - 1
            born = date(world.day(0).year - age, 1, 1) + timedelta(days=int(random.integers(0, 365)))
            cell = world.ground.cells[int(homes[number])]
            far = cell.district != int(school["district"])
            out.append(
                {"born": born, "home": cell.code, "school": school["code"], "grade": grade}
                | {"canteen": school["canteen"] and bool(random.random() < 0.7)}
                | {"bus": bool(random.random() < (0.45 if far else 0.06)), "help": bool(random.random() < 0.035)}
                | {"since": int(random.choice([0, 4], p=[0.985, 0.015])), "moves": bool(random.random() < 0.02)}
            )
        return out

    rows: list[Sequence[Any]] = []
    year = world.day(0).year
    for number, pupil in enumerate(world.once("pupils", make)):
        if pupil["since"] > step:
            continue
        moved = pupil["moves"] and step >= 4
        rows.append(
            (
                f"AL{number + 1:06d}",
                pupil["born"].strftime("%d/%m/%Y"),
                world.ground.cells[number % 30].code if moved else pupil["home"],
                pupil["school"],
                pupil["grade"],
                f"{year}/{(year + 1) % 100:02d}",
                "S" if pupil["canteen"] else "N",
                "S" if pupil["bus"] else "N",
                "S" if pupil["help"] else "N",
            )
        )
    files.database(folder / "scuole" / "iscrizioni.sqlite", _SCRIPT, {"ISCRIZIONI": rows})


_YES = {"true": ["S"], "false": ["N"]}

_promise = Promise(
    id=ID,
    name="School enrolments",
    purpose="Which pupil is enrolled at which school: for planning places, meals and school buses. All are made up.",
    it=("Iscrizioni scolastiche", "Quale alunno è iscritto a quale scuola, per programmare posti, mense e scuolabus."),
    usage="Planning by offices that state a purpose; term statistics.",
    limitations="A sample of the pupils. Private schools report once a year.",
    owner=OWNER,
    domain="education",
    theme="EDUC",
    frequency="ANNUAL",
    licence="none",
    access="shared",
    tags=("schools", "pupils", "personal data"),
    contact="schools@arvenza.example",
    source={"kind": "sqlite", "path": "sources/scuole/iscrizioni.sqlite", "table": "ISCRIZIONI"},
    filters=(("school", "grade"),),
    approvers=(HEAD, OFFICER),
    retention="P5Y",
    columns=(
        Column("pupil_id", "string", "Pupil", "Number of the pupil in the register.", "Alunno", source="ID_ALUNNO",
               key=True, classification="restricted",
               custom=personal("identifier", "person-id") | {"arengoSubject": "pupils"}),
        Column("birth_date", "date", "Born on", "", "Data di nascita", source="DATA_NASCITA", required=True,
               classification="restricted", parse={"formats": ["%d/%m/%Y"]},
               custom=personal("quasi", "birth-date") | {"arengoPrivacyConcept": "birth-date"}),
        Column("neighbourhood", "string", "Neighbourhood", "Where the pupil lives, as in neighbourhoods.", "Quartiere",
               source="QUARTIERE", classification="internal",
               custom=personal("quasi", "location")
               | {"arengoPrivacyConcept": "residence", "arengoHierarchy": "places"}),
        Column("school", "string", "School", "As in schools.", "Scuola", source="COD_SCUOLA", required=True,
               classification="internal"),
        Column("grade", "integer", "Class", "", "Classe", source="CLASSE", classification="internal"),
        Column("school_year", "string", "School year", "Such as 2024/25.", "Anno scolastico", source="ANNO_SCOL",
               required=True, classification="internal"),
        Column("canteen", "boolean", "Eats at school", "", "Mensa", source="MENSA", parse=_YES,
               classification="internal"),
        Column("school_bus", "boolean", "Takes the school bus", "", "Scuolabus", source="SCUOLABUS", parse=_YES,
               classification="internal"),
        Column("special_needs", "boolean", "Has special needs", "A teacher for support is assigned.", "Sostegno",
               source="SOSTEGNO", parse=_YES, classification="restricted", custom=personal("sensitive", "health")),
    ),
    rules=(rows_at_least(1_000),),
    custom={
        **ABOUT_RESIDENTS,
        "arengoPopulation": "pupils",
        "arengoDataSubjects": ["dpv:Child"],
        "arengoPurposes": [
            purpose("enrolment", "Enrolling pupils and planning places", "Iscrizioni e programmazione dei posti",
                     "dpv:PublicPolicyMaking", "eu-gdpr:A6-1-e", "P10Y", recipients=[OWNER],
                     necessity="A place is given to one child; age and home decide which school is near."),
            purpose("school-transport", "Planning school transport", "Programmazione del trasporto scolastico",
                     "dpv:ImproveTransportMobility", "eu-gdpr:A6-1-e", "P2Y", recipients=["Mobility Department"],
                     necessity="Home by neighbourhood and the school are enough; days of birth are not needed."),
            purpose("support", "Assigning teachers for support", "Assegnazione degli insegnanti di sostegno",
                     "dpv:RequestedServiceProvision", "eu-gdpr:A6-1-e", "P10Y", recipients=[OWNER],
                     necessity="Support by law follows from the need of the single child.")
            | {"legalBasis": ["eu-gdpr:A6-1-e", "eu-gdpr:A9-2-g"]},
        ],
        "arengoPlans": [
            {"id": "standard", "title": "Planning", "rate": 5, "daily": 500, "rows": 100_000, "perConsumer": 500,
             "total": 2_000, "lifetime": "PT10M"},
            {"id": "night", "title": "One copy a night", "rate": 1, "daily": 20, "rows": 200_000, "lifetime": "PT10M"},
        ],
        "arengoApproval": "manual",
        "arengoHistoryWindow": "P1Y",
    },
)  # fmt: skip

DATASETS = (Dataset({0: _promise}, (0, 4), _enrolments),)
