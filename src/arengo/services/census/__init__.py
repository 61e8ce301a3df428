"""The census: which applications and databases the city has, and what they hand to each other.

In: a spreadsheet as an office writes it. Out: the register, what a sheet would change before it does, the lines of
the picture today and with the platform, the reads its sources are spared. Promise: a sheet is taken whole or not at
all, the same sheet twice changes nothing. May import: sources, state, settings, errors.
"""

from __future__ import annotations

from arengo.services.census.census import KEEPERS, Batch, Census, Plan, keeper
from arengo.services.census.record import CRITICALITY, KINDS, PRIVATE, WAYS, Application, Change, Exchange, Register
from arengo.services.census.saving import PLATFORM, VIEWS, Figures, Line, Spared, figures, lines, spared
from arengo.services.census.sheet import Problem, Reading

__all__ = [
    "CRITICALITY", "KEEPERS", "KINDS", "PLATFORM", "PRIVATE", "VIEWS", "WAYS", "Application", "Batch", "Census",
    "Change", "Exchange", "Figures", "Line", "Plan", "Problem", "Reading", "Register", "Spared", "figures", "keeper",
    "lines", "spared",
]  # fmt: skip
