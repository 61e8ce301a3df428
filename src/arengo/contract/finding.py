"""What the lint says about a contract: one sentence, one line number, one thing to do."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Report:
    """Findings as they are made; ``line`` and ``spell`` turn a path of the document into what a reader sees."""

    line: Callable[[tuple[str | int, ...]], int | None]
    spell: Callable[[tuple[str | int, ...]], str]
    findings: list[Finding] = field(default_factory=list)

    def error(self, path: tuple[str | int, ...], code: str, message: str, todo: str = "") -> None:
        self._add(Severity.ERROR, path, code, message, todo)

    def warning(self, path: tuple[str | int, ...], code: str, message: str, todo: str = "") -> None:
        self._add(Severity.WARNING, path, code, message, todo)

    def info(self, path: tuple[str | int, ...], code: str, message: str, todo: str = "") -> None:
        self._add(Severity.INFO, path, code, message, todo)

    def _add(self, severity: Severity, path: tuple[str | int, ...], code: str, message: str, todo: str) -> None:
        self.findings.append(Finding(severity, self.line(path), code, message, todo, self.spell(path)))


def by_line(findings: list[Finding]) -> list[Finding]:
    """Sorted by line, then severity; findings without a line first; exact repeats once."""
    unique = list(dict.fromkeys(findings))
    return sorted(unique, key=lambda item: (item.line or 0, _ORDER[item.severity], item.code))
