"""Is it safe: what a publication would tell about persons, alone and together with what is already public.

In: a staged publication under the columns a reader would get, and the contract. Out: a :class:`Verdict` with evidence
in counted groups, never a person's row, and repairs with what each costs. Promise: nothing passes by default; whatever
was not looked at is said. The best attacker is simulated exactly, since the city holds the truth
(Ganta, Kasiviswanathan, Smith: *Composition attacks and auxiliary information in data privacy*, KDD 2008).
May import: errors, settings, contract, state, governance, sources, lake, quality.
"""

from __future__ import annotations

from arengo.privacy.finding import OUTCOMES, Finding, Report, worst
from arengo.privacy.release import CELLS, ROWS, Attribute, Population, Profile, Release, Target
from arengo.privacy.verdict import Assumption, Repair, Verdict

__all__ = [
    "CELLS",
    "OUTCOMES",
    "ROWS",
    "Assumption",
    "Attribute",
    "Finding",
    "Population",
    "Profile",
    "Release",
    "Repair",
    "Report",
    "Target",
    "Verdict",
    "worst",
]
