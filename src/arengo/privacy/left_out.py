"""How many rows protection kept back, as everybody may read it.

That rows are missing is no secret, and the contract says of which groups. Their exact number is one more equation for
whoever has the other counts: with three rows missing and two of them known, the third is known as well. So everybody
reads a bound, a multiple of the group size that the contract asks for; who answers for the dataset reads the number.
It protects against nobody who knows how many rows there were (a public register of the same persons, counted): rows of
the register less rows published is the number. Cells of a table that stay empty in rows that are published can be
counted by whoever reads them, so their number is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arengo.privacy.release import Target


def bounded(report: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """A quality report (``quality.json``) without ``withheld`` and ``read``, the rows of the source, where rows are
    withheld; ``withheld_at_most``: the next multiple of ``target.k`` that is not below their number."""
    rows = int(report.get("withheld") or 0)
    if not rows:
        return dict(report)
    kept = {name: value for name, value in report.items() if name not in ("withheld", "read")}
    return {**kept, "withheld_at_most": -(-rows // target.k) * target.k}
