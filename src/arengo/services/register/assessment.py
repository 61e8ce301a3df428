"""The skeleton of a data protection impact assessment (Art. 35): facts filled in, questions left for people.

Whether one is needed follows the nine criteria of the working party's guidelines (WP 248 rev.01, endorsed by the
EDPB): two of them usually call for it. The contract answers some; the rest are marked as open and answered by nobody
here. A finished assessment is kept by the controller; ``dpia`` of a purpose says where.
"""

from __future__ import annotations

from dataclasses import dataclass

from arengo.contract import dpv
from arengo.contract.purpose import personal
from arengo.services.register.activity import Activity

VULNERABLE = ("dpv:Child", "dpv:Patient", "dpv:Employee", "dpv:VulnerableDataSubject")
TRACES = ("location", "plate", "device-id", "ip-address", "card")
QUESTIONS = (
    "description", "means", "proportion", "less", "quality", "told", "rights", "processors", "transfers",
    "access-risk", "change-risk", "loss-risk", "measures", "views", "advice", "review",
)  # fmt: skip
"""What only people can answer, in the order of Art. 35(7), (9), (2) and (11)."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One of the nine. ``met``: None when the contract cannot tell. ``facts``: codes or names behind it."""

    id: str
    met: bool | None
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """``rows``: of the newest version. ``places``: where finished assessments are kept, by purpose."""

    activities: tuple[Activity, ...]
    criteria: tuple[Criterion, ...]
    rows: int | None
    version: int | None
    identifiers: int
    quasi: int
    places: tuple[tuple[str, str], ...]

    @property
    def met(self) -> int:
        """Criteria that the facts say are met."""
        return sum(item.met is True for item in self.criteria)

    @property
    def open(self) -> int:
        """Criteria only people can judge."""
        return sum(item.met is None for item in self.criteria)

    @property
    def called_for(self) -> bool:
        """Whether the facts alone call for an assessment."""
        return self.met >= 2

    @property
    def questions(self) -> tuple[str, ...]:
        """Codes of the questions that are open; those the contract answers are left out."""
        purposes = [item.purpose for item in self.activities if item.purpose is not None]
        answered = set()
        if purposes and all(item.necessity for item in purposes):
            answered.add("proportion")
        if not any(item.transfers for item in self.activities):
            answered.add("transfers")
        return tuple(name for name in QUESTIONS if name not in answered)


def assess(activities: tuple[Activity, ...], rows: int | None, version: int | None) -> Assessment:
    """The facts of one dataset, which has at least one activity."""
    first = activities[0]
    roles = [column.privacy_role for column in personal(first.contract)]
    vulnerable = tuple(code for code in first.subjects if any(dpv.within(code, wide) for wide in VULNERABLE))
    traces = tuple(kind for kind in first.kinds if kind in TRACES)
    identifiers = sum(role == "identifier" for role in roles)
    sensitive = first.special or (("offence",) if "offence" in first.kinds else ())
    criteria = (
        Criterion("scoring", None),
        Criterion("automated", None),
        Criterion("monitoring", True if traces else None, traces),
        Criterion("sensitive", bool(sensitive), sensitive),
        Criterion("large", None, (str(rows),) if rows is not None else ()),  # no law names a number (recital 91)
        Criterion("combined", True if first.inputs else None, first.inputs),
        Criterion("vulnerable", bool(vulnerable), vulnerable),
        Criterion("innovative", None),
        Criterion("prevents", None),
    )
    places = tuple((item.purpose.id, item.purpose.dpia) for item in activities if item.purpose and item.purpose.dpia)
    return Assessment(activities, criteria, rows, version, identifiers, sum(role == "quasi" for role in roles), places)
