"""Tables of one population that count nearly the same groups by other columns: school zones that are postcodes but for
three people. Nothing says how the groups lie to each other, so nothing is subtracted; yet whoever sees that all counts
but a few are equal, and the few differ by less than the threshold, knows it. A person looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from arengo.contract.model import Frozen
from arengo.privacy.cells.atoms import NOISY, Published
from arengo.privacy.finding import Finding

if TYPE_CHECKING:
    from arengo.privacy.case import Case

LEAST = 20
"""Of a count that two tables do not have in common by accident."""
FEW = 5
"""Equal counts from which two tables are of nearly the same groups."""
SHARE = 0.8
"""Of the shorter table's counts that are equal."""


def look(case: Case, others: Sequence[Published], mine: Published) -> list[Finding]:
    """A review for each dataset whose groups are nearly the candidate's and have no column in common with them."""
    out: dict[str, Finding] = {}
    counts = _counts(mine)
    for other in others:
        if other.release.dataset in out or other.release.dataset == mine.release.dataset or _common(mine, other):
            continue
        theirs = _counts(other)
        equal = counts & theirs
        shared = equal.total()
        if shared < FEW or len(equal) < FEW or shared < SHARE * min(counts.total(), theirs.total()):
            continue
        left = np.array(sorted((theirs - equal).elements()))
        near = sum(bool(len(left)) and 0 < np.abs(left - count).min() < case.target.threshold
                   for count in (counts - equal).elements())  # fmt: skip
        if near:
            why = f"{shared:,} counts are those of {other.release.label}, and {near:,} nearly are"
            facts = Frozen({"what": "How these groups lie to those of an earlier table", "why": why})
            out[other.release.dataset] = Finding("not-looked", "review", facts, mine.layout.by, (other.release.label,))
    return list(out.values())


def _counts(item: Published) -> Counter[float]:
    told = item.figures[~np.isnan(item.figures)] if item.slack < NOISY else np.zeros(0)
    return Counter(told[told >= LEAST].tolist())


def _common(mine: Published, other: Published) -> bool:
    """Whether a column has one concept in both: then they are laid over each other."""
    concepts = [{one.concept for one in item.release.attributes if one.column in item.layout.by}
                for item in (mine, other)]  # fmt: skip
    return bool(concepts[0] & concepts[1])
