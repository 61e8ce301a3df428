"""The demo as a story: a folder at its first morning, then step after step until yesterday."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from arengo.demo import (
    applications,
    ballots,
    dashboards,
    environment,
    finance,
    learning,
    mobility,
    people,
    pupils,
    rules,
    services,
    territory,
    transit,
)
from arengo.demo.names import CITY
from arengo.demo.world import DAYS_BEFORE_END, Dataset, World

_TOML = f"""\
# {CITY}: a made-up city on a made-up island. Nobody and nothing in it is real.
[city]
name = "{CITY}"
language = "en"
timezone = "Europe/Rome"
country = "IT"
contact = "opendata@arvenza.example"

[register]
authority = "Garante per la protezione dei dati personali"
authority_url = "https://www.garanteprivacy.it"
"""

_README = f"""\
# {CITY}

A made-up city for trying Arengo: about forty datasets of ten offices, from spreadsheets, maps, a bus timetable and an
old registry database, with half a year of history. The island lies in the open Tyrrhenian Sea at 11.55° E 40.40° N,
where there is only water. All names, numbers and persons are drawn from a seed.

`sources/` holds the files as the offices write them, `contracts/` what they promise, `policies/` who may see what.
Try to change a source, then `arengo publish street-trees`.

`.arengo/demo-accounts.txt` says how to sign in as the head of the register of pupils, as the developer who reads five
of its nine columns, and as others, and holds a key to try. It was drawn at random for this folder.
"""

TITLES = (
    "The first publication",
    "A month of counts, and the first felled trees",
    "Corrections: a mistyped tree, a recount, misread payments",
    "Trees get a column for protected ones; the budget is revised",
    "New timetable, a station closes, addresses rename a column",
    "New playgrounds, bike stations and a school merger",
    "Yesterday",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One morning of the story: what to publish, as of when. The folder is already in this state."""

    number: int
    at: datetime
    title: str
    datasets: tuple[str, ...]


class Demo:
    """A made-up city in a folder. :meth:`steps` moves the folder through its history."""

    def __init__(self, root: Path, seed: int, end: date) -> None:
        self.root = root
        self.world = World(seed, end)
        self.datasets = datasets(end)

    @property
    def name(self) -> str:
        return CITY

    def begin(self) -> None:
        """Write the settings and the state of the first morning. Other folders of the city are left alone."""
        for folder in ("contracts", "sources"):
            shutil.rmtree(self.root / folder, ignore_errors=True)
            (self.root / folder).mkdir(parents=True)
        (self.root / "city.toml").write_text(_TOML, encoding="utf-8")
        (self.root / "README.md").write_text(_README, encoding="utf-8")
        dashboards.write(self.root)
        rules.write(self.world, self.root)
        (self.root / "privacy.toml").write_text(ballots.PRIVACY, encoding="utf-8")
        applications.write(self.world, self.root, frozenset(dataset.id for dataset in self.datasets))
        self.turn(0)

    def turn(self, step: int) -> tuple[str, ...]:
        """Bring the folder into the state of one step; gives the datasets whose source or contract is new."""
        changed = []
        for dataset in self.datasets:
            if step not in dataset.steps:
                continue
            changed.append(dataset.id)
            if dataset.write is not None:
                dataset.write(self.world, step, self.root / "sources")
            contract = self.root / "contracts" / f"{dataset.id}.odcs.yaml"
            contract.write_text(dataset.promise(step).yaml(), encoding="utf-8")
        people.minutes(self.world, step, self.root / "sources")
        return tuple(changed)

    def expected(self, dataset: str) -> tuple[str, ...]:
        """How else a publication may end: one that the privacy gate is to hold back is refused."""
        return ("refused",) if any(item.id == dataset and item.extra.get("held") for item in self.datasets) else ()

    def steps(self) -> Iterator[Step]:
        """The story from the first morning on. Each step rewrites the folder, then is yielded to be published."""
        for number in range(len(DAYS_BEFORE_END)):
            changed = self.turn(number) if number else tuple(item.id for item in self.datasets if 0 in item.steps)
            yield Step(number, self.world.moment(number), TITLES[number], changed)


def datasets(end: date) -> tuple[Dataset, ...]:
    """All datasets of the demo, departments in the order of the town hall's board."""
    return (
        *territory.DATASETS,
        *environment.DATASETS,
        *mobility.DATASETS,
        *transit.DATASETS,
        *learning.DATASETS,
        *pupils.DATASETS,
        *finance.DATASETS,
        finance.energy(end),
        *people.DATASETS,
        *ballots.DATASETS,
        *services.DATASETS,
    )


def build(root: Path, seed: int = 7, end: date | None = None) -> Demo:
    """Make the city folder at ``root`` in its first state. Same seed and ``end``: same bytes.

    ``end``: the day the story ends (its last publication is the morning before); today when left out.
    """
    demo = Demo(Path(root), seed, end or date.today())
    demo.root.mkdir(parents=True, exist_ok=True)
    demo.begin()
    return demo
