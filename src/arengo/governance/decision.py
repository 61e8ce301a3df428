"""What was decided about one caller and one dataset: everything the door needs to make the view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

from arengo.contract.model import Contract
from arengo.governance.caller import CITY, Caller


@dataclass(frozen=True, slots=True)
class Mask:
    """How a granted column is blurred.

    ========== ==================================================== ==========================
    kind       what is shown                                        argument
    ========== ==================================================== ==========================
    hide       nothing: the column is there and unknown
    truncate   the first characters of a text                       how many
    generalise the group of a hierarchy of the city folder, an      ``NAME:LEVEL``; ``month``,
               interval of a number, a period of a date             ``year``, ``decade``; width
    pseudonym  a keyed digest, another for each recipient and
               purpose
    round      a number to the nearest multiple                     the step
    top        at most                                              the bound
    bottom     at least                                             the bound
    ========== ==================================================== ==========================
    """

    kind: str
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.argument}".strip()


MASKS = ("hide", "truncate", "generalise", "pseudonym", "round", "top", "bottom")


@dataclass(frozen=True, slots=True)
class Decision:
    """``reason``: a sentence a clerk understands. ``rule``: what of which contract, agreement or policy decided.

    ``columns``: names granted. ``rows``: CQL2 texts that every row shown fulfils. ``masks``: (column, mask), applied
    in this order. ``obligations``: what the reader promised, in words. ``public``: anyone is granted the same, so
    nothing is logged and answers may be shared. ``purpose``, ``agreement``, ``recipient``: under which it reads.
    ``expires``: when it must be decided again. ``todo``: what a refused caller can do next.
    ``fingerprint``: equal for all requests that were decided by equal rules with equal grants; part of every cache
    key and ETag.
    """

    allowed: bool
    reason: str
    rule: str
    columns: frozenset[str]
    fingerprint: str
    rows: tuple[str, ...] = ()
    masks: tuple[tuple[str, Mask], ...] = ()
    obligations: tuple[str, ...] = ()
    public: bool = False
    purpose: str = ""
    agreement: str = ""
    recipient: str = ""
    expires: datetime | None = None
    todo: str = ""

    @property
    def partial(self) -> bool:
        """Whether what is shown of the granted columns is less than what is held."""
        return bool(self.rows or self.masks)


def fingerprint(*parts: object) -> str:
    """A short digest of what a decision grants."""
    return blake2b("\0".join(map(str, parts)).encode(), digest_size=8).hexdigest()


class Judge(Protocol):
    """Whoever decides. Thread-safe; ``decide`` must be quick enough for every request."""

    def decide(self, contract: Contract, columns: Sequence[str], caller: Caller) -> Decision: ...


class OpenJudge:
    """What is declared open is everyone's, the rest is the city's own. Decides where there is no governance."""

    def decide(self, contract: Contract, columns: Sequence[str], caller: Caller) -> Decision:
        """Hidden columns (``_row``, box columns) are never granted."""
        granted = frozenset(name for name in columns if not name.startswith("_"))
        is_open = contract.access == "open"
        return Decision(
            is_open or caller == CITY,
            "The contract declares this dataset open."
            if is_open
            else f"The contract declares this dataset {contract.access}, so it is not open to everyone.",
            f"{contract.id} {contract.version}: arengoAccess {contract.access}",
            granted,
            fingerprint("open-2", contract.access, *sorted(granted)),
            public=is_open,
        )
