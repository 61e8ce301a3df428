"""What the lint says about a contract: one sentence, one line number, one thing to do."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class Severity(enum.StrEnum):
    """``error``: cannot be applied. ``warning``: works, but a reader will miss something. ``info``: to be looked at."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``code``: stable kebab-case. ``line``: from 1. ``where``: a path such as ``schema[0].name``."""

    severity: Severity
    line: int | None
    code: str
    message: str
    todo: str = ""
    where: str = ""

    def __str__(self) -> str:
        line = f"line {self.line}: " if self.line else ""
        tail = f" {self.todo}" if self.todo else ""
        return f"{line}{self.severity}: {self.message}{tail} [{self.code}]"

    def as_dict(self) -> dict[str, Any]:
        """JSON form for ``arengo lint --json``."""
        return {
            "severity": str(self.severity),
            "line": self.line,
            "code": self.code,
            "message": self.message,
            "todo": self.todo,
            "where": self.where,
        }


def by_line(findings: list[Finding]) -> list[Finding]:
    """Sorted by line, then severity; findings without a line first; exact repeats once."""
    unique = list(dict.fromkeys(findings))
    return sorted(unique, key=lambda item: (item.line or 0, _ORDER[item.severity], item.code))
