"""One thing a check found, as counted facts and a sentence a clerk understands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from arengo.contract.model import EMPTY, Frozen
from arengo.privacy.words import SENTENCES

ONE = tuple(
    (re.compile(rf"(?<![\w.,])1 {several}\b"), f"1 {one}")
    for several, one in (
        ("of them stand", "of them stands"), ("people are", "person is"), ("people have", "person has"),
        ("people stand", "person stands"), ("people", "person"), ("persons", "person"), ("rows match", "row matches"),
        ("small parts", "small part"), ("parts of the population that subtracting published counts sets apart fall",
                                        "part of the population that subtracting published counts sets apart falls"),
        ("parts", "part"), ("figures that were left out", "figure that was left out"),
        ("cells count", "cell counts"), ("cells rest", "cell rests"), ("cells stand", "cell stands"),
        ("cells are", "cell is"), ("cells were", "cell was"), ("cells that count", "cell that counts"),
        ("cells", "cell"), ("groups", "group"), ("contributors make", "contributor makes"),
        ("contributors", "contributor"), ("texts", "text"), ("pseudonyms", "pseudonym"), ("values", "value"),
        ("different values", "different value"),
        ("rows too many", "row too many"), ("rows", "row"), ("columns", "column"), ("days have", "day has"),
        ("days", "day"), ("things", "thing"), ("tries", "try"),
    )
) + tuple(
    (re.compile(rf"(?<![\w.,])1 of ([\d.,]+) people {several}\b"), rf"1 of \1 people {one}")
    for several, one in (("stand", "stands"), ("match", "matches"))
) + (
    (re.compile(r"(?<![\w.,])1 group of (.+?) fall whole\b"), r"1 group of \1 falls whole"),
    (re.compile(r"(?<![\w.,])1 places in (.+?) stand on fewer than (\S+) rows each\b"),
     r"1 place in \1 stands on fewer than \2 rows"),
    (re.compile(r"\bthese 1 day\b"), "this 1 day"),
    (re.compile(r"(?<![\w.,])1 text in (.+?) hold (identifiers|ways)\b"), r"1 text in \1 holds \2"),
    (re.compile(r"(?<![\w.,])1 row of the register (.+?) hold no id and were\b"),
     r"1 row of the register \1 holds no id and was"),
    (re.compile(r"\bthose of 1 group\b"), "that of 1 group"),
    (re.compile(r"(?<![\w.,])1 of ([\d.,]+) different values were traced back to what they stand\b"),
     r"1 of \1 different values was traced back to what it stands"),
    (re.compile(r"(?<![\w.,])1 contributor makes up more than (.+?) of the sum: their own figures\b"),
     r"1 contributor makes up more than \1 of the sum: their own figure"),
    (re.compile(r"(?<![\w.,])1 to 1\b"), "1"),
    (re.compile(r"[;,] 0 of them (?:stand )?alone\b"), ""),
)  # fmt: skip
"""Words after a number -> what they are after 1; a range that is one number; and of nobody, nothing is said."""
OUTCOMES = ("pass", "review", "repair", "block")
"""The verdicts, the worst last. ``review``: a steward looks and decides. ``repair``: one of the repairs must be chosen.
``block``: it must not be published as it is; what repairs there are, are shown."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``code``: which of :data:`~arengo.privacy.words.SENTENCES`; ``facts``: what fills it, numbers and names that do
    not tell a person (counts of groups, names of columns, levels, datasets). ``releases``: the earlier ones that take
    part, as ``dataset v3``. ``people``: how many are concerned, 0 when it is not about a number of them.
    """

    code: str
    outcome: str = "pass"
    facts: Mapping[str, Any] = EMPTY
    columns: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    people: int = 0

    def __post_init__(self) -> None:
        if self.code not in SENTENCES or self.outcome not in OUTCOMES:
            raise ValueError(f"unknown finding {self.code!r} or outcome {self.outcome!r}")

    @property
    def values(self) -> Mapping[str, Any]:
        """What fills the sentence."""
        return {
            "columns": ", ".join(self.columns),
            "releases": ", ".join(self.releases),
            "people": self.people,
            **self.facts,
        }

    def sentence(self) -> str:
        """In English; pages say it in their own language from :attr:`code` and :attr:`values`."""
        return fill(SENTENCES[self.code], self.values)

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "outcome": self.outcome,
            "sentence": self.sentence(),
            "facts": dict(self.facts),
            "columns": list(self.columns),
            "releases": list(self.releases),
            "people": self.people,
        }

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Finding:
        """From :meth:`as_json`."""
        return cls(
            told["code"], told["outcome"], Frozen(told["facts"]), tuple(told["columns"]), tuple(told["releases"]),
            int(told["people"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What one step of the gate says. ``measured``: numbers for tables and charts, JSON, under the step's own names."""

    findings: tuple[Finding, ...] = ()
    measured: Mapping[str, Any] = field(default_factory=dict)


def worst(outcomes: Iterable[str]) -> str:
    return max(outcomes, key=OUTCOMES.index, default="pass")


def fill(template: str, values: Mapping[str, Any]) -> str:
    """A sentence with its figures; numbers of persons and rows get their thousands marked."""
    shown = {name: f"{item:,}" if type(item) is int else item for name, item in values.items()}
    return agreed(template.format_map(_Kept(shown)))


def agreed(text: str) -> str:
    """An English sentence whose words agree with the number 1."""
    if "1 " not in text and " 0 of them" not in text:
        return text
    for several, one in ONE:
        text = several.sub(one, text)
    return text


class _Kept(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"
