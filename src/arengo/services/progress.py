"""The states of what people send and the ways between them; nothing changes state but along these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from arengo.errors import BadForm


@dataclass(frozen=True, slots=True)
class Progress:
    """``ways``: state -> states it can go to. ``ended``: states that need no more work of the city.

    ``told``: states that may only be reached with words for the sender. ``unseen``: states whose text only the
    city and the sender see.
    """

    kind: str
    first: str
    ways: Mapping[str, tuple[str, ...]]
    ended: frozenset[str]
    told: frozenset[str]
    unseen: frozenset[str]

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(self.ways)

    @property
    def waiting(self) -> tuple[str, ...]:
        """States in which the city has something to do."""
        return tuple(state for state in self.ways if state not in self.ended)

    def check(self, before: str, after: str, words: str) -> None:
        """Raises BadForm when there is no such way, or when it may not be gone without words."""
        if after not in self.ways.get(before, ()):
            raise BadForm(
                f"What is {before} cannot become {after}.",
                todo=f"It can become {', '.join(self.ways.get(before, ())) or 'nothing else'}.",
            )
        if after in self.told and not words.strip():
            raise BadForm("A reason is needed: the sender reads it.", todo="Write one or two sentences.")


AMENDMENT = Progress(
    "amendment",
    "received",
    {
        "received": ("review", "accepted", "answered", "declined", "corrected", "withdrawn", "spam"),
        "review": ("accepted", "answered", "declined", "corrected", "withdrawn", "spam"),
        "accepted": ("corrected", "answered", "declined", "withdrawn"),
        "answered": ("review", "accepted", "corrected"),
        "declined": ("review", "accepted", "corrected"),
        "corrected": ("review",),
        "withdrawn": (),
        "spam": ("review",),
    },
    frozenset({"answered", "declined", "corrected", "withdrawn", "spam"}),
    frozenset({"answered", "declined"}),
    frozenset({"received", "spam"}),
)
"""``corrected`` is also reached by itself, when a newer version holds what was proposed."""

COMMENT = Progress(
    "comment",
    "shown",
    {
        "pending": ("shown", "hidden", "withdrawn"),
        "shown": ("hidden", "withdrawn"),
        "hidden": ("shown",),
        "withdrawn": (),
    },
    frozenset({"shown", "hidden", "withdrawn"}),
    frozenset({"hidden"}),
    frozenset({"pending", "hidden", "withdrawn"}),
)

REUSE = Progress(
    "reuse",
    "received",
    {
        "received": ("shown", "declined", "withdrawn", "spam"),
        "shown": ("hidden", "withdrawn"),
        "hidden": ("shown",),
        "declined": ("shown",),
        "withdrawn": (),
        "spam": ("shown",),
    },
    frozenset({"shown", "hidden", "declined", "withdrawn", "spam"}),
    frozenset({"declined", "hidden"}),
    frozenset({"received", "hidden", "declined", "withdrawn", "spam"}),
)

WISH = Progress(
    "wish",
    "received",
    {
        "received": ("review", "planned", "published", "declined", "withdrawn", "spam"),
        "review": ("planned", "published", "declined", "withdrawn", "spam"),
        "planned": ("published", "declined", "review"),
        "published": ("review",),
        "declined": ("review", "planned", "published"),
        "withdrawn": (),
        "spam": ("review",),
    },
    frozenset({"planned", "published", "declined", "withdrawn", "spam"}),
    frozenset({"declined"}),
    frozenset({"received", "withdrawn", "spam"}),
)

KINDS = {progress.kind: progress for progress in (AMENDMENT, COMMENT, REUSE, WISH)}
