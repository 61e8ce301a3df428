"""The verdict on one publication: what was found, what would mend it, and what was taken for granted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from arengo.contract.model import EMPTY, Frozen
from arengo.privacy.finding import Finding, worst

DECLARE = "declare"
"""Kind of a repair that also says what the table is: ``facts["cells"]`` becomes ``arengoCells``."""

PUBLIC = ("public-small-groups", "public-names", "public-small-cells")
"""Findings about versions of the dataset that everybody can read already."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A change of the contract after which the gate would let it pass, computed and measured.

    ``columns``: column -> value of ``arengoProtect``; ``contract``: value of ``arengoProtection`` or {}. ``loss``:
    share of what the columns tell that is lost, 0 (nothing) to 1 (everything), as the normalised certainty penalty
    (Xu et al., KDD 2006). ``suppressed``: rows or cells withheld. ``errors``: name of a declared indicator -> relative
    error it would have. ``before``/``after``: size of a group -> persons in groups of that size (sizes up to 50, the
    rest under "more"); ``joint`` of ``facts``: the same after it, together with what is public already.
    """

    id: str
    kind: str  # generalise | local | suppress | drop | noise | cells | declare | pseudonym | redact
    columns: Mapping[str, Any] = EMPTY
    contract: Mapping[str, Any] = EMPTY
    loss: float = 0.0
    suppressed: int = 0
    outcome: str = "pass"
    errors: Mapping[str, float] = EMPTY
    before: Mapping[str, int] = EMPTY
    after: Mapping[str, int] = EMPTY
    facts: Mapping[str, Any] = EMPTY

    @property
    def costed(self) -> bool:
        """Whether :attr:`loss` says what it takes: codes for names and blacked-out words are outside that measure."""
        return self.kind not in ("pseudonym", "redact") or self.loss > 0

    @property
    def empties(self) -> bool:
        """Whether nothing, or less than a thousandth, is left of what it changes."""
        return self.loss >= 0.9995

    def as_json(self) -> dict[str, Any]:
        return {name: _plain(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Repair:
        values: dict[str, Any] = {
            name: Frozen(item) if isinstance(item, Mapping) else item for name, item in told.items()
        }
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Assumption:
    """What the verdict took for granted: a profile of an attacker, the register and its day, a default target."""

    code: str
    facts: Mapping[str, Any] = EMPTY

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "facts": dict(self.facts)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``measured``: step -> its numbers for tables and charts. ``contract``: SHA-256 of the contract's text."""

    dataset: str
    contract: str
    at: datetime
    findings: tuple[Finding, ...]
    repairs: tuple[Repair, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    measured: Mapping[str, Any] = EMPTY
    run: str = ""

    @property
    def outcome(self) -> str:
        return worst(item.outcome for item in self.findings)

    @property
    def mark(self) -> str:
        """SHA-256 over everything said: what the record holds, so that a verdict cannot be changed unseen."""
        return hashlib.sha256(orjson.dumps(self._told(), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def _told(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "contract": self.contract,
            "at": self.at.isoformat(),
            "run": self.run,
            "outcome": self.outcome,
            "findings": [_plain(item.as_json()) for item in self.findings],
            "repairs": [item.as_json() for item in self.repairs],
            "assumptions": [_plain(item.as_json()) for item in self.assumptions],
            "measured": _plain(self.measured),
        }

    def as_json(self) -> dict[str, Any]:
        return {**self._told(), "mark": self.mark}

    def same(self, other: Verdict) -> bool:
        """Whether another verdict says the same, of the same contract, at whatever time and in whatever run."""
        return self._said() == other._said()

    def _said(self) -> bytes:
        told = self._told()
        return orjson.dumps({name: told[name] for name in told if name not in ("at", "run", "measured")})

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Verdict:
        """From :meth:`as_json`."""
        return cls(
            dataset=told["dataset"],
            contract=told["contract"],
            at=datetime.fromisoformat(told["at"]),
            run=told.get("run", ""),
            findings=tuple(Finding.of(item) for item in told["findings"]),
            repairs=tuple(Repair.of(item) for item in told["repairs"]),
            assumptions=tuple(Assumption(item["code"], Frozen(item["facts"])) for item in told["assumptions"]),
            measured=Frozen(told["measured"]),
        )

    def said(self, limit: int = 3) -> str:
        """The worst findings in one line, in English."""
        outcome = self.outcome
        found = [item for item in self.findings if item.outcome == outcome]
        more = f" And {len(found) - limit} more." if len(found) > limit else ""
        return " ".join(item.sentence() for item in found[:limit]) + more

    @property
    def exposing(self) -> tuple[int, ...]:
        """Versions of the dataset that are public already and show people, as the findings name them, newest first."""
        labels = {label for item in self.findings if item.code in PUBLIC for label in item.releases}
        parted = (label.rpartition(" v") for label in labels)
        return tuple(sorted((int(n) for name, _, n in parted if name == self.dataset and n.isdecimal()), reverse=True))

    def with_repairs(self, repairs: tuple[Repair, ...]) -> Verdict:
        return replace(self, repairs=repairs)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    item = getattr(value, "item", None)  # numpy's numbers
    value = item() if callable(item) else value
    # 64 bits are what JSON is written with here; sixty columns have more combinations of levels than that.
    return float(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value
