"""One thing a check found, as counted facts and a sentence a clerk understands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from arengo.contract.model import EMPTY, Frozen
from arengo.privacy.words import SENTENCES

_FORMS = re.compile(r"\[(?P<fact>\w+)\|(?P<forms>[^\[\]]*)\]")
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
    return agreed(template, values).format_map(_Kept(shown))


def agreed(template: str, values: Mapping[str, Any]) -> str:
    """An English template of :mod:`arengo.privacy.words` in the form for its numbers, before they are put in."""

    def form(met: re.Match[str]) -> str:
        value, forms = values.get(met["fact"]), met["forms"].split("|")
        if value == 0 and len(forms) == 3:
            return forms[0]
        return forms[-2] if value == 1 and type(value) is int else forms[-1]

    return _FORMS.sub(form, template)


class _Kept(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"
