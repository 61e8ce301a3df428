"""Repairs of a table of counts: leaving cells out, a coarser level, rounding, small noise; each tried and measured.

Every repair is made the way the street would make it (:func:`arengo.privacy.protect.protect`) and judged again by both
parts of step 6; one that does not help is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import EMPTY, Contract, Frozen
from arengo.contract.protection import released
from arengo.errors import ArengoError
from arengo.lake.layout import quote
from arengo.privacy.cells import differencing, step
from arengo.privacy.cells.table import Layout, Table, read
from arengo.privacy.finding import OUTCOMES, Finding, worst
from arengo.privacy.verdict import Repair

if TYPE_CHECKING:
    from arengo.privacy.case import Case

MOST = 3
"""Repairs that are shown."""


def propose(case: Case, findings: Sequence[Finding]) -> Iterable[Repair]:
    """Up to three repairs for the findings of step 6 that call for one, the least loss first."""
    told = step.layout_of(case)
    mine = [item for item in findings if item.code.startswith("cells-") and item.outcome in ("repair", "block")]
    if told is None or not mine:
        return ()
    found = []
    for trial in _trials(case, told, {item.code for item in mine}):
        try:
            made = _measured(case, told, trial)
        except ArengoError:
            continue
        if made is not None and OUTCOMES.index(made.outcome) <= OUTCOMES.index("review"):
            found.append(made)
    return cheapest(found)


def cheapest(found: Iterable[Repair]) -> tuple[Repair, ...]:
    """The cheapest that differ in what is shown after them, those that pass before those somebody has to look at, and
    those that leave nothing last."""
    out: list[Repair] = []
    for item in sorted(found, key=lambda item: (item.empties, OUTCOMES.index(item.outcome), item.loss)):
        if len(out) < MOST and all(_shown(item) != _shown(other) for other in out):
            out.append(item)
    return tuple(out)


def _shown(item: Repair) -> tuple[object, ...]:
    return item.kind, item.columns, item.loss, item.suppressed, item.facts.get("cells"), item.after, item.errors


@dataclass(frozen=True, slots=True)
class _Trial:
    id: str
    kind: str
    cells: Mapping[str, Any]
    columns: Mapping[str, Any]
    facts: Mapping[str, Any]


def _trials(case: Case, told: Layout, codes: set[str]) -> Iterator[_Trial]:
    limit = case.target.threshold
    plain = {"method": "suppress", "threshold": limit}
    drop = {name: "drop" for name in told.telling if case.contract.column(name) is not None}
    if told.method in ("", "suppress"):
        yield _Trial("cells-suppress", "cells", plain, drop, {"threshold": limit})
    for item in case.release.attributes:
        if item.column in told.by and item.hierarchy:
            level = _next(case, item.hierarchy, item.level)
            if level:
                step_ = {"level": level, "hierarchy": item.hierarchy}
                yield _Trial(f"cells-coarser-{item.column}", "generalise", plain, {**drop, item.column: step_},
                             {"column": item.column, "level": level})  # fmt: skip
    if told.count and not codes & {"cells-dominated", "cells-estimable", "cells-sums-telling"}:
        base = max(limit, 5)
        if told.method != "round":
            yield _Trial("cells-round", "cells", {"method": "round", "base": base, "threshold": limit}, drop,
                         {"base": base})  # fmt: skip
        if told.method != "cell-key":
            yield _Trial("cells-key", "noise", {"method": "cell-key", "base": base, "threshold": limit}, drop,
                         {"limit": base})  # fmt: skip


def _next(case: Case, hierarchy: str, level: str) -> str:
    try:
        levels = [item for item in case.codes.levels(hierarchy) if item != "*"]
    except ArengoError:
        return ""
    if level in ("", "0"):
        return levels[0] if levels else ""
    place = levels.index(level) if level in levels else int(level) - 1 if level.isdecimal() else len(levels)
    return levels[place + 1] if place + 1 < len(levels) else ""


def repaired(contract: Contract, cells: Mapping[str, Any], columns: Mapping[str, Any]) -> Contract:
    """The contract over the columns as they would be stored."""
    read_ = contract.as_read()
    changed = tuple(
        replace(item, required=item.required and item.name not in cells_of(contract), custom=Frozen(
            {**item.custom, "arengoProtect": (*item.protect, columns[item.name])} if item.name in columns
            else item.custom))
        for item in read_.properties
    )  # fmt: skip
    protection = Frozen({**contract.custom.get("arengoProtection", EMPTY), "cells": Frozen(cells)})
    custom = Frozen({**read_.custom, "arengoProtection": protection})
    return released(replace(read_, properties=changed, custom=custom, intake=None))


def cells_of(contract: Contract) -> set[str]:
    told = contract.custom.get("arengoCells", EMPTY)
    return {str(told.get("count", "")), *(str(item.get("column", "")) for item in told.get("sums", ()))}


def _measured(case: Case, told: Layout, trial: _Trial) -> Repair | None:
    """The repair with what it costs; where cells still give something away beside earlier tables, those go as well, at
    this publication and at each later one."""
    cells = _kept(case.contract.custom.get("arengoProtection", EMPTY).get("cells", EMPTY), trial.cells)
    tried = _made(case, cells, trial.columns)
    outcome = _judged(tried)
    if cells["method"] == "suppress" and OUTCOMES.index(outcome) >= OUTCOMES.index("repair"):
        cells["beside"] = True
        tried = _made(case, cells, trial.columns)
        outcome = _judged(tried)
    return _told(case, told, trial, cells, tried, outcome)


def _kept(there: Mapping[str, Any], cells: Mapping[str, Any]) -> dict[str, Any]:
    """How cells are protected by a repair, with what the contract promises of them already."""
    held = {name: there[name] for name in ("seed", "hide") if name in there}
    if there.get("beside") and cells["method"] == "suppress":
        held["beside"] = True
    limit = max(int(there.get("threshold", 0)), int(cells["threshold"]))
    return {**held, **cells, "threshold": limit}


def _made(case: Case, cells: Mapping[str, Any], columns: Mapping[str, Any]) -> Case:
    from arengo.privacy.declared import attribute
    from arengo.privacy.protect import protect

    contract = repaired(case.contract, _frozen(cells), columns)
    into = "_cells_repair"
    release = replace(case.release, attributes=tuple(attribute(contract, item) for item in contract.properties))
    made = replace(case, contract=contract, release=release, table=quote(into))
    protect(
        case.connection, case.intake, contract, case.codes,  # type: ignore[arg-type]
        secret=case.secret, subject="", into=into, population=case.release.population, beside=lambda table: made,
    )  # fmt: skip
    return made


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Frozen({name: _frozen(item) for name, item in value.items()})
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def _judged(case: Case) -> str:
    return worst(item.outcome for one in (step, differencing) for item in one.look(case).findings)


def _told(case: Case, told: Layout, trial: _Trial, cells: Mapping[str, Any], tried: Case, outcome: str) -> Repair:
    """What is lost: the share of figures that are gone, and how far off the shown ones and the sums are."""
    layout = step.layout_of(tried)
    assert layout is not None
    name = told.measures[0]
    old = read(case.connection, case.intake, told, (name,))
    new = read(tried.connection, tried.table, layout, (name,), tried.release.attributes, tried.codes)
    gone = np.isnan(new.values[name])
    errors = {}
    if trial.kind == "generalise":
        loss = 1 - (len(new) - int(gone.sum())) / max(len(old), 1)
    else:
        true = old.values[name]
        shown = new.values[name]
        with np.errstate(invalid="ignore", divide="ignore"):
            off = np.abs(shown - true) / np.maximum(np.abs(true), 1.0)
        off[gone & ~np.isnan(true)] = 1.0
        loss = float(np.minimum(np.nan_to_num(off), 1.0).mean()) if len(off) else 0.0
        sums = ~new.inner() & ~gone & ~np.isnan(true)
        if sums.any():
            errors["margins"] = float(np.abs(shown - true)[sums].sum() / max(np.abs(true[sums]).sum(), 1.0))
    protection = {**case.contract.custom.get("arengoProtection", EMPTY), "cells": _frozen(cells)}
    facts = {**trial.facts, "cells": len(new), "of": len(new), "hidden": int(gone.sum())}
    return Repair(
        trial.id, trial.kind, Frozen(trial.columns), Frozen(protection), round(min(max(loss, 0.0), 1.0), 4),
        int(gone.sum()), outcome, Frozen(errors), _people(old, name), _people(new, name), Frozen(facts),
    )  # fmt: skip


def _people(table: Table, name: str) -> Mapping[str, int]:
    """Size of a shown inner cell -> persons in cells of that size, up to 50."""
    values = table.values[name][table.inner()]
    values = np.round(values[~np.isnan(values) & (values > 0)]).astype(int)
    out: dict[str, int] = {}
    for size in sorted(values.tolist()):
        label = str(size) if size <= 50 else "more"
        out[label] = out.get(label, 0) + size
    return Frozen(out)
