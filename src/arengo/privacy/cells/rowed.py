"""Step 6 beside rows: counted by whoever reads them, earlier rows about the same people are a table of counts as well.

Their counts are sums of the table's cells that its readers know (:mod:`arengo.privacy.cells.margins`). The other order,
rows that come after a table, is :mod:`arengo.privacy.cells.later`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from arengo.contract.model import Frozen
from arengo.privacy.cells import attacker
from arengo.privacy.cells.margins import NEAR, Counted, Figures, Margin, Rows, figures, wide
from arengo.privacy.cells.table import Layout, Table, read
from arengo.privacy.finding import Finding
from arengo.privacy.release import ROWS, Release

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.case import Case

SECONDS = 10.0
WHAT = "What earlier rows tell of the figures that are left out"


@dataclass(frozen=True, slots=True)
class Known:
    """``table``: the candidate's, with cells beyond ``size``: those its readers know from rows, and those that must
    be missing in it, which have no figure.
    ``releases``: labels of those rows. ``open``: (release, columns) that could not be compared.
    """

    table: Table
    size: int
    releases: tuple[str, ...]
    open: tuple[tuple[str, tuple[str, ...]], ...]


def look(case: Case, told: Layout) -> list[Finding]:
    """What follows from the candidate and rows that are public already."""
    from arengo.privacy.cells.step import behind, primary

    here = {
        row[0] for row in case.connection.execute(f"SELECT column_name FROM (DESCRIBE FROM {case.table})").fetchall()
    }
    if told.inexact or not told.count or not told.by or not {told.count, *told.by} <= here or not earlier(case):
        return []
    by = [item for item in case.release.attributes if item.column in told.by]
    held = read(case.connection, case.table, told, (told.count,), by, case.codes)
    truth = behind(case, told, held)
    values = held.values[told.count]
    gone = np.isnan(values)
    real = truth.get(told.count, values)
    known = found(case, held, told, np.where(gone, real, values), gone)
    findings = [_unlooked(label, columns) for label, columns in known.open]
    if not known.releases:
        return findings
    threshold = case.target.threshold
    only = np.ones(len(known.table), bool)
    only[: known.size] = (primary(told, truth, case.target, threshold) if truth else gone) | np.isnan(real)
    seen = attacker.audit(known.table, told.count, float(threshold), only=only, seconds=SECONDS)
    if not seen.bounds.feasible:
        why = f"the rows of {' and '.join(known.releases)} and this table contradict each other"
        return [*findings, Finding("not-looked", "review", Frozen({"what": WHAT, "why": why}), (), known.releases)]
    exact, close = told_by(seen, known.size, threshold)
    facts = {"threshold": threshold}
    if exact.any():
        people = int(seen.bounds.lower[exact].sum())
        findings.append(Finding("cells-differenced", "block", Frozen({**facts, "parts": int(exact.sum())}), told.by,
                                known.releases, people))  # fmt: skip
    if close.any():
        findings.append(Finding("cells-pinned", "repair", Frozen({**facts, "parts": int(close.sum())}), told.by,
                                known.releases))  # fmt: skip
    if not seen.bounds.looked.all():
        findings.append(unfinished(int((~seen.bounds.looked).sum()), WHAT))
    return findings


def told_by(seen: attacker.Audit, size: int, threshold: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of the audited cells, those whose small figure is known, and those that are pinned down more closely than the
    threshold. ``size``: cells of the table."""
    bounds = seen.bounds
    lower, upper = bounds.lower, bounds.upper
    few = (upper > 0) & (lower < threshold)
    exact = bounds.looked & (bounds.width < 0.5) & few
    there = np.array(seen.cells, np.int64) < size  # of groups that are no cell, only what is sure
    close = there & bounds.looked & ~exact & (bounds.width < threshold) & few & ((lower > 0) | (upper < threshold))
    return exact, close


def unfinished(left: int, what: str, releases: tuple[str, ...] = ()) -> Finding:
    why = f"{left:,} figures were left when the time for linear programs was used up"
    return Finding("not-looked", "review", Frozen({"what": what, "why": why}), (), releases)


def _unlooked(label: str, columns: tuple[str, ...]) -> Finding:
    why = (
        f"{label} lists rows that may be about the same people, and its columns {', '.join(columns)} could not be "
        "compared with the groups of this table"
    )
    return Finding("not-looked", "review", Frozen({"what": WHAT, "why": why}), releases=(label,))


def earlier(case: Case) -> list[Release]:
    """Earlier rows about people of the candidate's population."""
    return [item for item in case.earlier if item.form == ROWS and item.population and item.rows]


def found(
    case: Case, held: Table, told: Layout, values: NDArray[np.float64], gone: NDArray[np.bool_] | None = None
) -> Known:
    """The table with what its readers know of it from earlier rows. ``values``: its figures, those that are left out
    (``gone``) too where the city knows them."""
    made = figures(held, told, case.release, values, np.isnan(values) if gone is None else gone)
    margins, names, open_ = beside(case, made, earlier(case), case.target.threshold)
    return Known(wide(made, told.count, margins)[0], len(held), names, open_)


def beside(
    case: Case, held: Figures, releases: Sequence[Release], threshold: int
) -> tuple[list[Margin], tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """What rows of earlier ``releases`` say of sums of a table's cells, the labels of those that say something, and
    (label, columns) of those that could not be compared."""
    out: dict[object, Margin] = {}
    names, open_ = [], []
    for release in releases:
        source = case.rows(release)
        if not source:
            people = float(np.nansum(held.values[held.leaf]))
            hidden = held.hidden
            if hidden.any() and people * (1 - NEAR) <= release.rows <= people * (1 + 5 * NEAR) + 5 * hidden.sum():
                open_.append((release.label, tuple(item.column for item in release.quasi)))
            continue
        rows = Rows(case, release, Counted(case.connection, source), held, threshold).fitted()
        margins = rows.margins()
        if margins:
            names.append(release.label)
            out |= {item.place: item for item in margins}
        left = rows.left()
        if left and held.hidden[held.leaf].any():
            open_.append((release.label, left))
    return list(out.values()), tuple(dict.fromkeys(names)), tuple(open_)
