"""What a steward says about a column in which the gate found persons: it is so, or it may be public, because.

Either answer becomes properties of the contract, as a new version of it, and stands on record. A reason alone never
settles what checked numbers prove: that a column holds numbers of persons is not a matter of opinion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.contract.document import parse
from arengo.contract.vocabulary import PERSONAL_KINDS, PRIVACY_ROLES
from arengo.contract.write import remove, set_property
from arengo.errors import BadForm, Conflict, NotFound

if TYPE_CHECKING:
    from arengo.privacy.verdict import Verdict

MOST_WORDS = 4_000
ALLOWED = "finding allowed"
"""How the record calls a reason that was given."""
HARD = "number"
"""The evidence that a reason does not settle: valid numbers of persons, more of them than chance gives."""
_CONCEPT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SAID = ("arengoPrivacyRole", "arengoPersonalKind", "arengoPrivacyConcept")


@dataclass(frozen=True, slots=True)
class Answer:
    """``role`` with ``kind`` and ``concept``, which may be '': it tells about persons. Else ``reason``: why it may be
    public although persons were found in it. Raises BadForm for what cannot be kept."""

    column: str
    role: str = ""
    kind: str = ""
    concept: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.role:
            if not is_reason(self.reason):
                raise BadForm("The reason is too short.", todo="Say in a sentence why this column may be public.")
            return
        if self.role not in PRIVACY_ROLES:
            raise BadForm(f"There is no role {self.role[:40]!r}.", todo=f"Known: {', '.join(PRIVACY_ROLES)}.")
        if self.kind and self.kind not in PERSONAL_KINDS:
            raise BadForm(f"There is no kind {self.kind[:40]!r}.", todo=f"Known: {', '.join(PERSONAL_KINDS)}.")
        if self.concept and not (len(self.concept) <= 80 and _CONCEPT.fullmatch(self.concept)):
            raise BadForm(
                f"{self.concept[:80]!r} is no name of a concept.",
                todo="Write small letters and hyphens, as birth-date; other datasets use the same word.",
            )

    @property
    def act(self) -> str:
        """How the record calls it."""
        return "finding confirmed" if self.role else ALLOWED

    @property
    def told(self) -> Mapping[str, str]:
        """What the record holds of it."""
        given = {"role": self.role, "kind": self.kind, "concept": self.concept} if self.role else {"why": self.said}
        return {"column": self.column, **{name: value for name, value in given.items() if value}}

    @property
    def said(self) -> str:
        return " ".join(self.reason.split())[:MOST_WORDS]


def is_reason(text: str) -> bool:
    """Whether a text says why: three words and fifteen letters, as detection and the contract ask for."""
    return len(text.split()) >= 3 and sum(mark.isalpha() for mark in text) >= 15


def answered(text: str, answer: Answer, verdict: Verdict | None = None) -> str:
    """The contract's text with an answer in it. ``verdict``: the newest one, for what the values prove.

    Raises NotFound without such a column, Conflict for a reason where the values prove it.
    """
    columns = parse(text).data["schema"][0]["properties"]
    at = next((number for number, item in enumerate(columns) if item.get("name") == answer.column), None)
    if at is None:
        raise NotFound(f"There is no column {answer.column[:80]!r}.", todo="Look at the columns of the dataset.")
    if answer.role:
        given = (answer.role, answer.kind or None, answer.concept or None)
        for name, value in zip(_SAID, given, strict=True):
            if value is not None:
                text = set_property(text, name, value, answer.column)
        text = set_property(text, "arengoPersonalReason", None, answer.column)
        # Whoever reads the contract would read persons' values.
        return remove(text, ("schema", 0, "properties", at, "examples")) if answer.role != "quasi" else text
    proven = proofs(verdict).get(answer.column, "")
    if proven:
        raise Conflict(
            f"The values of {answer.column} prove what they are: {PERSONAL_KINDS.get(proven, proven)}. A reason alone "
            "does not settle that.",
            todo="Confirm it, then drop the column or give it a pseudonym; or give the dataset to few "
            "(arengoAccess: shared).",
        )
    if answer.column in exposing(verdict):
        raise Conflict(
            f"People stand out by {answer.column}: a reason alone does not settle that.",
            todo="Take one of the repairs, or ask a second person for an override.",
        )
    for name in _SAID:
        text = set_property(text, name, None, answer.column)
    return set_property(text, "arengoPersonalReason", answer.said, answer.column)


def seen(verdict: Verdict | None) -> Mapping[str, Mapping[str, Any]]:
    """Column -> what detection measured of it."""
    told: Any = (verdict.measured.get("detection") or {}) if verdict is not None else {}
    columns = told.get("columns", told) if isinstance(told, Mapping) else told
    if isinstance(columns, Mapping):
        return {name: item for name, item in columns.items() if isinstance(item, Mapping)}
    if isinstance(columns, Sequence) and not isinstance(columns, str):
        return {str(item["column"]): item for item in columns if isinstance(item, Mapping) and "column" in item}
    return {}


def exposing(verdict: Verdict | None) -> frozenset[str]:
    """Columns by which people stand out: two must decide about those, and without its role a column is not counted."""
    return frozenset(
        name
        for item in (verdict.findings if verdict is not None else ())
        if item.outcome in ("repair", "block") and item.code != "identifier-open"
        for name in item.columns
    )


def proofs(verdict: Verdict | None) -> Mapping[str, str]:
    """Column -> the kind that checked numbers prove."""
    return {
        name: str(item.get("kind", ""))
        for name, item in seen(verdict).items()
        if item.get("kind") and item.get("strong") and item.get("evidence") == HARD
    }
