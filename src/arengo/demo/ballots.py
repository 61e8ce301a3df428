"""The participatory budget: ballots with what their voters are, and a table of another office about the same voters.

The ballots are read with registry number, day of birth and neighbourhood, and published by sex and decade of birth: the
contract says how. A month later the Statistics Office would publish who took part by district and age: innocent alone,
telling together with the ballots. The gate holds it back; it waits on the privacy desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from arengo.demo import files
from arengo.demo.people import home, registry
from arengo.demo.promise import ABOUT_RESIDENTS, Column, Promise, personal, rows_at_least
from arengo.demo.world import Dataset, World

VOTED, COUNTED = 4, 6
"""Steps of the story: the ballots are published, and a month later the other table is tried."""
BALLOTS, TURNOUT = "participatory-budget-ballots", "participatory-budget-turnout"
OWNER = "Participation Office"
_PROJECTS = tuple(f"P{number:02d}" for number in range(1, 15))


def _votes(world: World) -> list[dict[str, Any]]:
    def make(random: np.random.Generator) -> list[dict[str, Any]]:
        families, persons = registry(world)
        liked = random.dirichlet(np.full(len(_PROJECTS), 0.8))
        out = []
        for number, person in enumerate(persons):
            years = (world.day(VOTED) - person["born"]).days / 365.25
            if person["joined"] > VOTED or person["left"] <= VOTED or years < 16:
                continue
            eager = 0.75 if 25 <= years < 70 else 0.5 if years < 85 else 0.25
            if random.random() > eager:
                continue
            chosen = random.choice(_PROJECTS, size=int(random.integers(1, 5)), replace=False, p=liked)
            out.append(
                {
                    "id": f"{number + 1:08d}",
                    "born": person["born"],
                    "sex": person["sex"],
                    "cell": world.ground.cells[home(world, families[person["family"]], VOTED).cell],
                    "way": "paper" if random.random() < (0.06 if years < 50 else 0.35) else "online",
                    "vote": ",".join(sorted(chosen)),
                }
            )
        random.shuffle(out)
        return out

    return world.once("ballots", make)  # type: ignore[no-any-return]


def _ballots(world: World, step: int, folder: Path) -> None:
    rows: list[Sequence[Any]] = [
        (item["id"], item["born"].isoformat(), item["sex"], item["way"], item["vote"]) for item in _votes(world)
    ]
    files.table(folder / "partecipazione" / "schede.csv", ("matricola", "nascita", "sesso", "canale", "voto"), rows)


def _turnout(world: World, step: int, folder: Path) -> None:
    rows: list[Sequence[Any]] = [
        (item["id"], item["cell"].code, item["born"].isoformat(), item["way"])
        for item in sorted(_votes(world), key=lambda item: (item["cell"].code, item["born"], item["id"]))
    ]
    files.table(folder / "partecipazione" / "affluenza.csv", ("matricola", "quartiere", "nascita", "canale"), rows)


_VOTER = Column(
    "voter", "string", "Voter", "Registry number: read to judge the risk, never published.", "Votante",
    source="matricola", key=True, classification="restricted",
    custom=personal("identifier", "person-id") | {"arengoSubject": "residents", "arengoProtect": "drop"},
)  # fmt: skip
_COMMON: dict[str, Any] = {
    "owner": OWNER, "domain": "participation", "theme": "GOVE", "frequency": "ANNUAL",
    "tags": ("participatory budget", "democracy"), "contact": "participation@arvenza.example",
}  # fmt: skip


def _born(level: str) -> Column:
    return Column(
        "born", "date", "Born", "Years in which the voter was born.", "Nascita", source="nascita", required=True,
        classification="restricted",
        custom=personal("quasi", "birth-date")
        | {"arengoPrivacyConcept": "birth-date", "arengoHierarchy": "dates", "arengoProtect": {"level": level}},
    )  # fmt: skip


_WAY = Column(
    "channel", "string", "Channel", "", "Canale", source="canale", codes={"online": "Online", "paper": "Paper"}
)

_ballots_promise = Promise(
    id=BALLOTS,
    name="Ballots of the participatory budget",
    purpose="Each ballot of the participatory budget with the projects it names. Voters and votes are made up.",
    it=("Schede del bilancio partecipativo", "Ogni scheda con i progetti scelti. Votanti e voti sono inventati."),
    limitations="Voters are shown by sex and decade of birth only; ballots of small groups are withheld.",
    source={"kind": "csv", "path": "sources/partecipazione/schede.csv"},
    columns=(
        _VOTER,
        _born("decade"),
        Column("sex", "string", "Sex", "", "Sesso", source="sesso", codes={"F": "Female", "M": "Male"},
               custom=personal("quasi", "sex") | {"arengoPrivacyConcept": "sex"}),
        _WAY,
        Column("vote", "string", "Projects", "Codes of the projects, with commas.", "Voto", source="voto"),
    ),
    rules=(rows_at_least(100),),
    custom=ABOUT_RESIDENTS
    | {"arengoPrivacyTarget": {"k": 5}, "arengoProtection": {"suppress": {"below": 5}, "shuffle": True}},
    **_COMMON,
)  # fmt: skip

_turnout_promise = Promise(
    id=TURNOUT,
    name="Who took part in the participatory budget",
    purpose="Voters of the participatory budget by district and age. Voters are made up.",
    it=("Chi ha partecipato al bilancio", "Votanti del bilancio partecipativo per quartiere ed età. Inventati."),
    source={"kind": "csv", "path": "sources/partecipazione/affluenza.csv"},
    columns=(
        _VOTER,
        Column("district", "string", "District", "Where the voter lives.", "Circoscrizione", source="quartiere",
               custom=personal("quasi", "location")
               | {"arengoPrivacyConcept": "residence", "arengoHierarchy": "places",
                  "arengoProtect": {"level": "district"}}),
        _born("decade"),
        _WAY,
    ),
    rules=(rows_at_least(100),),
    custom=ABOUT_RESIDENTS
    | {"arengoPrivacyTarget": {"k": 5}, "arengoProtection": {"suppress": {"below": 5}, "shuffle": True}},
    **_COMMON,
)  # fmt: skip

DATASETS = (
    Dataset({VOTED: _ballots_promise}, (VOTED,), _ballots),
    Dataset({COUNTED: _turnout_promise}, (COUNTED,), _turnout, extra={"held": True}),
)
PRIVACY = """\
# Whom the city publishes about, and which attackers it reckons with. In force after 'arengo apply'.
[populations.residents]
register = "registry-persons"
unit = "person"
epsilon = 1.0

[populations.pupils]
unit = "person"

[profiles.neighbour]
title = "A neighbour"
knows = ["residence", "sex", "birth-date"]
populations = ["residents"]

[profiles.employer]
title = "An employer"
knows = ["sex", "birth-date"]
populations = ["residents"]
"""
