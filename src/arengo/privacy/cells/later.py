"""Step 6 of rows that come after tables about the same people: what was left out of a table follows from their number.

Whoever has the table counts the rows by its groups. That is a margin of the table, or a floor of one where rows or
single values are left out (:mod:`arengo.privacy.cells.margins`); what it pins down is asked as for a table that comes
after rows (:mod:`arengo.privacy.cells.rowed`). What follows without the candidate is not held against it. The city does
not keep the figures it left out: a figure is small where it can only be that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import EMPTY, Frozen
from arengo.privacy.cells import attacker
from arengo.privacy.cells.margins import WHOLE, Counted, Figures, Gaps, Margin, Rows, figures, wide
from arengo.privacy.cells.rowed import SECONDS, earlier, told_by, unfinished
from arengo.privacy.cells.table import Equation, Key, Table, layout, read
from arengo.privacy.finding import Finding
from arengo.privacy.release import CELLS, ROWS, Release
from arengo.privacy.releases import told as kept
from arengo.privacy.spelling import rows_today

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.case import Case

MOST = 200_000
"""Cells of a table up to which it is looked at."""
WHAT = "What these rows tell of figures that earlier tables left out"


@dataclass(frozen=True, slots=True)
class Told:
    """What rows tell of one earlier table (``held``). ``exact``, ``close``: its cells whose small figure is known, and
    those pinned down more closely than ``threshold``; ``people``: in the former. ``margins``: what the rows say, that
    of other rows after the first ``own``. ``releases``: the table, and rows that take part. ``where``: SQL of the rows
    the table is about, '' where it is all."""

    held: Figures
    margins: tuple[Margin, ...]
    own: int
    exact: tuple[int, ...]
    close: tuple[int, ...]
    people: int
    threshold: int
    columns: tuple[str, ...]
    releases: tuple[str, ...]
    where: str = ""
    unlooked: int = 0
    against: bool = False  # whether rows and table contradict each other


def look(case: Case) -> list[Finding]:
    """What follows from rows and the tables of their population that are public already."""
    findings = []
    gone: list[str] = []
    for item in told(case, gone):
        facts = {"threshold": item.threshold}
        if item.exact:
            findings.append(Finding("cells-differenced", "block", Frozen({**facts, "parts": len(item.exact)}),
                                    item.columns, item.releases, item.people))  # fmt: skip
        if item.close:
            findings.append(Finding("cells-pinned", "repair", Frozen({**facts, "parts": len(item.close)}),
                                    item.columns, item.releases))  # fmt: skip
        if item.against:
            why = f"these rows and {' and '.join(item.releases)} contradict each other"
            findings.append(_open(why, item.releases))
        elif item.unlooked:
            findings.append(unfinished(item.unlooked, WHAT, item.releases))
        elif item.columns and not item.margins:
            why = f"the groups of {' and '.join(item.releases)} could not be compared with {', '.join(item.columns)}"
            findings.append(_open(why, item.releases))
    if gone:
        facts_ = {"what": "An earlier table", "why": "the cells of " + ", ".join(gone) + " are not kept"}
        findings.append(Finding("not-looked", "review", Frozen(facts_)))
    return findings


def _open(why: str, releases: tuple[str, ...]) -> Finding:
    return Finding("not-looked", "review", Frozen({"what": WHAT, "why": why}), (), releases)


def gaps_of(case: Case) -> Gaps:
    """What the contract says that readers know to be missing in the rows, and how many were left out."""
    rule: Mapping[str, Any] = case.contract.custom.get("arengoProtection", EMPTY).get("suppress", EMPTY)
    if not rule:
        return WHOLE
    most = inf
    if case.intake and case.intake != case.table:
        (read_,) = case.connection.execute(f"SELECT count(*) FROM {case.intake}").fetchone() or (0,)
        most = float(read_ - case.release.rows) if read_ >= case.release.rows else inf
    by = tuple(str(name) for name in rule.get("by", ())) or tuple(item.column for item in case.release.quasi)
    return Gaps(most, () if rule.get("beside") else by, int(rule["below"]), tuple(map(str, rule.get("blank", ()))))


def told(case: Case, gone: list[str] | None = None) -> Iterator[Told]:
    """What the rows tell of each earlier table with figures that are left out, where they tell something. ``gone``:
    gets the labels of tables whose cells are not kept."""
    release = case.release
    tables = [item for item in case.earlier if item.form == CELLS and item.cells]
    if release.form != ROWS or not release.population or not release.rows or not tables:
        return
    until = time.monotonic() + SECONDS
    counted = Counted(case.connection, case.table)
    gaps = gaps_of(case)
    seen: dict[object, list[str]] = {}
    made: list[tuple[Figures, Release, list[str]]] = []
    for item in tables:
        source = case.rows(item)
        if not source:
            if gone is not None:
                gone.append(item.label)
            continue
        held = _read(case, item, source)
        if held is None:
            continue
        mark = (held.told, held.table.keys, held.values.tobytes())
        if repr(mark) in seen:
            seen[repr(mark)].append(item.label)
            continue
        labels = seen.setdefault(repr(mark), [item.label])
        made.append((held, item, labels))
    for held, item, labels in made:
        found = _told(case, counted, held, item, tuple(labels), gaps, until)
        if found is not None:
            yield found


def _read(case: Case, release: Release, source: str) -> Figures | None:
    """The table with what is missing in it as cells without a figure; None where nothing is left out, or nothing can be
    worked out exactly."""
    lies = layout(release.cells)
    counted = Counted(case.connection, source)
    if lies.inexact or not lies.count or not lies.by or not {lies.count, *lies.by} <= counted.columns:
        return None
    rows = rows_today(release, source, counted.columns)
    by = [item for item in release.attributes if item.column in lies.by]
    (many,) = case.connection.execute(f"SELECT count(*) FROM {rows}").fetchone() or (0,)
    if not 0 < many <= MOST:
        return None
    held = _filled(read(case.connection, rows, lies, (lies.count,), by, case.codes), lies.count)
    values = held.values[lies.count]
    return figures(held, lies, release, values, np.isnan(values))


def _filled(table: Table, count: str) -> Table:
    """With the cells that sums say are missing: a sum that is more than its parts has others."""
    values = table.values[count]
    full: set[Key] = set()
    short: list[Key] = []
    lacking = [attacker.missing(table, item.parent, item.children) for item in table.equations]
    for item, keys in zip(table.equations, lacking, strict=True):
        left = float(values[item.parent] - values[list(item.children)].sum())
        if abs(left) < 0.5:
            full.update(keys)
        elif left > 0:
            short += keys
    places = {key: len(table) + at for at, key in enumerate(dict.fromkeys(key for key in short if key not in full))}
    if not places:
        return table
    equations = [
        Equation(item.parent, (*item.children, *(places[key] for key in keys if key in places)))
        for item, keys in zip(table.equations, lacking, strict=True)
    ]
    figures_ = np.concatenate([values, np.full(len(places), np.nan)])
    return replace(table, keys=(*table.keys, *places), values={count: figures_}, equations=tuple(equations))


def _told(
    case: Case, counted: Counted, held: Figures, release: Release, labels: tuple[str, ...], gaps: Gaps, until: float
) -> Told | None:  # fmt: skip
    protection = release.cells.get("protection") or EMPTY
    threshold = max(case.target.threshold, int(protection.get("threshold", 0) or 0))
    rows = Rows(case, case.release, counted, held, threshold, gaps).fitted()
    margins = rows.margins()
    hidden = held.hidden & held.leaf
    if not margins and not hidden.any():
        return None
    told_ = Told(held, tuple(margins), len(margins), (), (), 0, threshold, rows.columns, labels, rows.where)
    if not margins:
        known = {item.column for item in kept(case.release)}
        left = tuple(name for name in rows.left() if name in known)
        return replace(told_, columns=left) if left else None
    if not any(item.news for item in margins):
        return None
    own = _audited(held, margins, threshold, until)
    if own is None and gaps != WHOLE:
        margins = [replace(item, room=max(item.room, gaps.most)) for item in margins]
        own = _audited(held, margins, threshold, until)
    if own is None:
        return replace(told_, against=True)
    names = labels
    others, which = _others(case, held, threshold, until)
    mine = {item.place: item for item in margins}
    fresh = [item for item in others if item.place not in mine or item.room < mine[item.place].room
             or item.people > mine[item.place].people]  # fmt: skip
    both = _audited(held, [*margins, *fresh], threshold, until) if fresh else None
    if both is not None and (set(both.exact) > set(own.exact) or set(both.close) > set(own.close) - set(both.exact)):
        names = (*labels, *which)
        margins, found = [*margins, *fresh], both
    else:
        found = own
    if found.exact or found.close:
        before = _audited(held, others, threshold, until, (*found.exact, *found.close))
        if before is not None:
            found = found.without(before)
    return replace(
        told_, margins=tuple(margins), exact=found.exact, close=found.close, releases=tuple(dict.fromkeys(names)),
        people=sum(round(found.lower[cell]) for cell in found.exact), unlooked=found.unlooked,
    )  # fmt: skip


def _others(case: Case, held: Figures, threshold: int, until: float) -> tuple[list[Margin], tuple[str, ...]]:
    """What earlier rows say of the table, and their labels. Of them nobody knows any more what was left out: where they
    do not fit the table as they are, they are the least that is there."""
    out: dict[object, Margin] = {}
    names = []
    for release in earlier(case):
        source = case.rows(release)
        if not source or time.monotonic() >= until:
            continue
        counted = Counted(case.connection, source)
        margins = Rows(case, release, counted, held, threshold).fitted().margins()
        if not margins or not _fits(held, margins):
            margins = Rows(case, release, counted, held, threshold, Gaps(inf)).fitted().margins()
        if margins and _fits(held, [*out.values(), *margins]):
            names.append(release.label)
            for item in margins:
                known = out.get(item.place)
                if known is None or (item.room, -item.people) < (known.room, -known.people):
                    out[item.place] = item
    return list(out.values()), tuple(names)


def _fits(held: Figures, margins: Sequence[Margin]) -> bool:
    """Whether there are figures with which both are true."""
    from scipy.optimize import linprog

    count = held.told.count
    made = attacker.system(wide(held, count, margins)[0], count)
    if not made.cells:
        return not made.broken
    answer = linprog(np.zeros(len(made.cells)), A_eq=made.matrix, b_eq=made.known, bounds=(0, None), method="highs",
                     options={"time_limit": 1.0})  # fmt: skip
    return int(answer.status) != 2


@dataclass(frozen=True, slots=True)
class _Audited:
    exact: tuple[int, ...]
    close: tuple[int, ...]
    lower: Mapping[int, float]
    width: Mapping[int, float]
    unlooked: int

    def without(self, before: _Audited) -> _Audited:
        """What was not known as well before."""
        exact = tuple(cell for cell in self.exact if cell not in before.exact)
        close = tuple(
            cell for cell in self.close
            if cell not in before.exact and not (cell in before.close and before.width[cell] <= self.width[cell] + 0.25)
        )  # fmt: skip
        return replace(self, exact=exact, close=close)


def _audited(
    held: Figures, margins: Sequence[Margin], threshold: int, until: float, asked: Sequence[int] | None = None
) -> _Audited | None:
    """What is known of the figures that are left out; None where the margins contradict the table."""
    count = held.told.count
    table, beyond = wide(held, count, margins)
    only = beyond.copy()
    only[: len(held.table)] = held.hidden & held.leaf
    if asked is not None:
        chosen = np.zeros(len(only), bool)
        chosen[list(asked)] = True
        only &= chosen[: len(only)]
    if time.monotonic() >= until:
        return _Audited((), (), {}, {}, int(only.sum()))
    seen = attacker.audit(table, count, float(threshold), only=only, seconds=until - time.monotonic())
    if not seen.bounds.feasible:
        return None
    exact, close = told_by(seen, len(held.table), threshold)
    cells = np.array(seen.cells, np.int64)
    mine: NDArray[np.bool_] = cells >= 0
    return _Audited(
        tuple(cells[exact & mine].tolist()), tuple(cells[close & mine].tolist()),
        dict(zip(cells.tolist(), seen.bounds.lower.tolist(), strict=True)),
        dict(zip(cells.tolist(), seen.bounds.width.tolist(), strict=True)),
        int((~seen.bounds.looked & mine).sum()),
    )  # fmt: skip
