"""Step 6 on the candidate alone: cells that must not be shown, and what can be worked out of those left out.

Declared tables (``arengoCells``) are judged. Population counts by district are ordinary open data; one with small cells
that looks like counts of people is asked about (:mod:`arengo.privacy.cells.undeclared`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import EMPTY, Frozen, Kind
from arengo.lake.layout import quote
from arengo.privacy.cells import rules, shares
from arengo.privacy.cells.attacker import audit
from arengo.privacy.cells.table import Layout, Sum, Table, layout, read
from arengo.privacy.declared import cell_columns
from arengo.privacy.finding import Finding, Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.case import Case
    from arengo.privacy.release import Target

SECONDS = 10.0
"""For the linear programs of one audit."""
ROWS_TOLD = 8
"""Rows from which a column that differs in each of them is no accident."""


def layout_of(case: Case) -> Layout | None:
    """How the candidate says its cells lie; None when it is no table of counts."""
    told = case.contract.custom.get("arengoCells") or case.release.cells
    if not told:
        return None
    protection = case.contract.custom.get("arengoProtection", EMPTY).get("cells", EMPTY)
    return layout(told, protection)


def look(case: Case) -> Report:
    """Threshold, (n, k) dominance, p % rule, one-category margins, and the audit of what is left out."""
    told = layout_of(case)
    if told is None:
        return _undeclared(case)
    found = judge(case, told)
    findings = [*_rows(case, told), *found.findings]
    if told.count and not told.inexact and case.contract.access == "open" and _there(case, told.count):
        findings += shares.look(case, (told.count,), cell_columns(case.contract))
        findings += _broken(case, told.count)
    if not findings and not _beside_rows(case, told):
        findings.append(Finding("cells-judged", "pass", Frozen({"cells": found.cells}), told.by))
    return Report(tuple(findings), found.measured)


def _broken(case: Case, count: str) -> list[Finding]:
    """Figures that are no whole numbers count nobody: shares in the same column tell the counts they are made of."""
    value = f"TRY_CAST({quote(count)} AS DOUBLE)"
    (rows,) = case.connection.execute(
        f"SELECT count(*) FROM {case.table} WHERE {value} <> floor({value})"
    ).fetchone() or (0,)
    if not rows:
        return []
    why = f"{count} is no whole number in {rows:,} rows, so it does not count people alone; publish the counts only"
    return [Finding("not-looked", "review", Frozen({"what": "The table of counts", "why": why}), (count,))]


def _there(case: Case, name: str) -> bool:
    return case.contract.column(name) is not None


def _beside_rows(case: Case, told: Layout) -> bool:
    """Whether something that was left out follows, or may follow, from rows that are public already."""
    from arengo.privacy.cells import rowed

    return bool(rowed.look(case, told))


def _rows(case: Case, told: Layout) -> list[Finding]:
    """What speaks against the word of the contract that the rows are cells of a table."""
    from arengo.privacy.declared import beside_cells

    other = beside_cells(case.contract)
    if other:
        why = (
            f"arengoCells says nothing about {', '.join(other)}, so its rows may be persons and were judged as such; "
            "name these columns there, or take arengoCells out"
        )
        return [Finding("not-looked", "review", Frozen({"what": "The table of counts", "why": why}), other)]
    alone = _alone(case, told)
    if not alone:
        return []
    why = f"{alone} alone names every row, and the other columns it is grouped by tell more about that one row"
    return [Finding("not-looked", "review", Frozen({"what": "The table of counts", "why": why}), (alone,))]


def _alone(case: Case, told: Layout) -> str:
    """The column of ``by`` that numbers the rows, '' when there is none: it differs in every row and either has no
    role beside columns that have one, or stands beside columns that do not nest in one another. In a table of groups
    each column comes back, but for the finest of a nest."""
    here = _columns(case, case.table)
    by = [name for name in told.by if name in here]
    if len(by) < 2 or len(by) != len(told.by):
        return ""
    counted = ", ".join(f"count(DISTINCT {quote(name)})" for name in by)
    rows, *distinct = case.connection.execute(f"SELECT count(*), {counted} FROM {case.table}").fetchone() or (0,)
    roles = {item.column: item.role for item in case.release.attributes}
    for name, many in zip(by, distinct, strict=False):
        if rows < ROWS_TOLD or many < rows:
            continue
        others = [other for other in by if other != name]
        if not roles.get(name) and any(roles.get(other) for other in others):
            return name
        listed = ", ".join(map(quote, others))
        (groups,) = case.connection.execute(
            f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {case.table})"
        ).fetchone() or (0,)
        if groups > max(other for at, other in enumerate(distinct) if by[at] != name):
            return name
    return ""


@dataclass(frozen=True, slots=True)
class Judged:
    findings: tuple[Finding, ...]
    cells: int
    measured: dict[str, Any]


def judge(case: Case, told: Layout) -> Judged:
    """All rules on the candidate as it is stored."""
    here = _columns(case, case.table)
    shown = [name for name in told.telling if name in here]
    findings: list[Finding] = []
    if shown:
        findings.append(Finding("cells-contribution-shown", "repair", EMPTY, tuple(shown)))
    wanted = [name for name in (*told.measures, *(item.contributors for item in told.sums)) if name and name in here]
    missing = [name for name in told.by if name not in here]
    if missing or not wanted:
        why = f"the columns {', '.join(missing or told.measures or ('with figures',))} are not in it"
        return Judged((Finding("not-looked", "review", Frozen({"what": "The table of counts", "why": why})),), 0, {})
    by = [item for item in case.release.attributes if item.column in told.by]
    table = read(case.connection, case.table, told, tuple(dict.fromkeys(wanted)), by, case.codes)
    truth = behind(case, told, table)
    if table.repeated:
        findings.append(
            Finding("cells-repeated", "review", Frozen({"cells": len(table.repeated)}), told.by)
        )  # fmt: skip
    if not told.inexact:
        findings += _single(case, told, table, truth)
        findings += _margins(case, told, table)
        findings += _audited(case, told, table, truth)
    gone = np.isnan(table.values[wanted[0]])
    measured = {
        "cells": len(table), "withheld": int(gone.sum()), "sums": len(table.equations), "method": told.method,
        "sizes": _sizes(table.values[wanted[0]]),
    }  # fmt: skip
    return Judged(tuple(findings), len(table), measured)


def _sizes(values: NDArray[np.float64]) -> dict[str, int]:
    """Size of a cell -> how many cells, up to 20."""
    known = values[~np.isnan(values)]
    out = {str(size): int((np.round(known) == size).sum()) for size in range(21)}
    out["more"] = int((known > 20.5).sum())
    return {name: many for name, many in out.items() if many}


def behind(case: Case, told: Layout, table: Table) -> dict[str, NDArray[np.float64]]:
    """The figures as they were read, in the order of ``table``: what was withheld, and single contributions. Empty
    where the rows that were read are other cells.
    """
    here = _columns(case, case.intake)
    extra = (*told.measures, *told.telling, *(item.contributors for item in told.sums))
    names = tuple(dict.fromkeys(name for name in extra if name and name in here))
    if not names or any(name not in here for name in told.by):
        return {}
    held = read(case.connection, case.intake, told, names)
    places = {key: at for at, key in enumerate(held.keys)}
    order = [places.get(key, -1) for key in table.keys]
    if len(places) != len(held) or -1 in order:
        return {}
    return {name: values[order] for name, values in held.values.items()}


def _columns(case: Case, source: str) -> set[str]:
    return {row[0] for row in case.connection.execute(f"SELECT column_name FROM (DESCRIBE FROM {source})").fetchall()}


def telling(
    told: Layout, values: dict[str, NDArray[np.float64]], target: Target, item: Sum
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cells of a sum that fail the (n, k) rule and the p % rule; neither where contributions are not known."""
    sums = values[item.column]
    none = np.zeros(len(sums), bool)
    largest = values.get(item.largest)
    many = values.get(item.contributors) if item.contributors else values.get(told.count)
    if largest is None:
        return none, none
    second = values.get(item.second) if item.second else None
    n, share = target.dominance
    return (
        rules.dominated(sums, largest, second, many, n, share),
        rules.estimable(sums, largest, second, target.p),
    )


def primary(told: Layout, values: dict[str, NDArray[np.float64]], target: Target, threshold: int) -> NDArray[np.bool_]:
    """Cells that must not be shown by any rule, from the figures as they were read."""
    size = len(next(iter(values.values())))
    out = np.zeros(size, bool)
    if told.count in values:
        out |= rules.small(values[told.count], threshold)
    for item in told.sums:
        if item.contributors in values:
            out |= rules.small(values[item.contributors], threshold)
        if item.column in values:
            dominated, estimable = telling(told, values, target, item)
            out |= dominated | estimable
    return out


def _single(case: Case, told: Layout, table: Table, truth: dict[str, NDArray[np.float64]]) -> list[Finding]:
    target = case.target
    findings = []
    if told.count in table.values:
        bad = rules.small(table.values[told.count], target.threshold)
        if bad.any():
            facts = {"cells": int(bad.sum()), "threshold": target.threshold}
            people = int(table.values[told.count][bad & table.inner()].sum())
            findings.append(Finding("cells-small", "repair", Frozen(facts), told.by, (), people))
    for item in told.sums:
        if item.column not in table.values:
            continue
        figures = table.values[item.column]
        there = ~np.isnan(figures)
        many = table.values.get(item.contributors, truth.get(item.contributors))
        if item.contributors and many is not None:
            bad = rules.small(many, target.threshold) & there
            if bad.any():
                facts = {"cells": int(bad.sum()), "threshold": target.threshold}
                findings.append(Finding("cells-few-contributors", "repair", Frozen(facts), (*told.by, item.column), (),
                                        int(many[bad].sum())))  # fmt: skip
        values = {**truth, **table.values}
        dominated, estimable = telling(told, values, target, item)
        n, share = target.dominance
        if (dominated & there).any():
            facts_: dict[str, Any] = {"cells": int((dominated & there).sum()), "column": item.column, "n": n,
                                      "share": round(share * 100)}  # fmt: skip
            findings.append(Finding("cells-dominated", "repair", Frozen(facts_), (item.column,)))
        if (estimable & there).any():
            facts_ = {"cells": int((estimable & there).sum()), "column": item.column, "p": round(target.p * 100)}
            findings.append(Finding("cells-estimable", "repair", Frozen(facts_), (item.column,)))
    return findings


def _margins(case: Case, told: Layout, table: Table) -> list[Finding]:
    sensitive = {item.column for item in case.release.attributes if item.role == "sensitive"}
    dims = [at for at, name in enumerate(told.by) if name in sensitive]
    if not dims or told.count not in table.values:
        return []
    found = rules.whole(table, told.count, dims)
    if not found:
        return []
    cells = sorted({cell for _, cell in found})
    columns = tuple(told.by[at] for at in sorted({at for at, _ in found}))
    people = int(table.values[told.count][cells][table.inner()[cells]].sum())
    return [Finding("cells-one-category", "repair", Frozen({"cells": len(cells)}), columns, (), people)]


def _audited(case: Case, told: Layout, table: Table, truth: dict[str, NDArray[np.float64]]) -> list[Finding]:
    """What the reader can work out of what was left out. Where what was read is known, only what must stay hidden
    counts: a cell that was left out for another's sake may be found.
    """
    threshold = case.target.threshold
    findings = []
    hidden = primary(told, truth, case.target, threshold) if truth else None
    recovered = narrow = unlooked = 0
    for name in told.measures:
        if name not in table.values:
            continue
        known = truth.get(name)
        only = None if hidden is None or known is None else hidden | np.isnan(known)
        counts = name == told.count
        scale = float(threshold) if counts else 1e-3
        found = audit(table, name, scale, only=only, whole_numbers=counts, seconds=SECONDS)
        bounds = found.bounds
        if not bounds.feasible:
            continue
        lower, upper = bounds.lower, bounds.upper
        if counts:
            few = (upper > 0) & (lower < threshold)
            exact = bounds.looked & (bounds.width < 0.5) & few
            close = bounds.looked & ~exact & (bounds.width < threshold) & few & ((lower > 0) | (upper < threshold))
        else:
            exact = bounds.looked & (bounds.width < 1e-3 * np.maximum(np.abs(upper), 1.0))
            close = np.zeros(len(exact), bool)
        recovered += int(exact.sum())
        narrow += int(close.sum())
        unlooked += int((~bounds.looked).sum())
    if recovered:
        findings.append(Finding("cells-recovered", "block", Frozen({"cells": recovered}), told.by))
    if narrow:
        findings.append(Finding("cells-narrow", "repair", Frozen({"cells": narrow, "threshold": threshold}), told.by))
    if unlooked:
        why = f"{unlooked:,} of them were left when the time for linear programs was used up"
        findings.append(Finding("not-looked", "review", Frozen({"what": "What can be worked out of the figures that "
                                                                "are left out", "why": why})))  # fmt: skip
    return findings


_COUNTS = ("count", "persons", "people", "inhabitants", "residents", "population", "habitants", "personas", "personnes",
           "einwohner", "personen", "pessoas", "persone", "osoby", "asukkaat", "total", "number")  # fmt: skip


def _undeclared(case: Case) -> Report:
    """A review for what plainly is a table of small counts of persons, a note for what may be one."""
    from arengo.privacy.cells import undeclared

    found = undeclared.look(case)
    if found.findings:
        return found
    told = case.contract
    if any(item.privacy_role for item in told.properties):
        return Report()
    names = [item.name for item in told.properties if item.kind is Kind.INTEGER
             and any(word in item.name.lower() for word in _COUNTS)]  # fmt: skip
    dims = [item.name for item in told.properties if item.kind is Kind.STRING]
    if not names or not dims:
        return Report()
    column = quote(names[0])
    (small, rows) = case.connection.execute(
        f"SELECT count(*) FILTER ({column} > 0 AND {column} < ?), count(*) FROM {case.table}", [case.target.threshold]
    ).fetchone() or (0, 0)
    if not small or not rows:
        return Report()
    return Report((Finding("cells-not-declared", "pass", EMPTY, (names[0],)),))
