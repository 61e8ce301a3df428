"""What may mend a table of rows, the likeliest first: plans that :mod:`arengo.privacy.repair` then tries.

For groups that are too small: the cheapest levels for everybody, leaving out the few who still stand out, or coarser
values only where people stand out. For groups that only become small together with what is public already: the rows or
single values of those few, the cheapest levels under that constraint, and what it would cost to keep, or to leave out,
the column that matters most. For columns that leak: a pseudonym, blacked-out text, another order, or leaving the column
out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from arengo.contract.model import EMPTY, Frozen, Kind, Property
from arengo.contract.protection import step_name
from arengo.privacy.finding import Finding
from arengo.privacy.search import loss, optimum
from arengo.privacy.spread import Spread, spread

if TYPE_CHECKING:
    from arengo.privacy.case import Case

SECONDS = 20.0
"""Of the processor a search may take; then the best so far is offered, and said to be that."""
FEW = 0.2
"""Share of rows of which one value may be left out; a column that is missing in more is better left out whole."""
BESIDE = frozenset(
    {
        "overlap-joint",
        "overlap-known",
        "overlap-candidates",
        "overlap-posterior",
        "overlap-leavers",
        "linkage-unique",
    }
)
"""Findings about single people together with earlier releases."""
TRACES = frozenset({"linkage-trace", "linkage-hidden-trace", "linkage-sighting", "linkage-sets"})
"""Findings about people whose rows can be told to be theirs: a pseudonym goes on telling it."""
TABLES = frozenset({"cells-differenced", "cells-pinned"})
"""Findings about what earlier tables of counts left out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A repair to be tried. ``steps``: column -> what is done to it beside what the contract does already. ``costs``:
    of local recoding, the loss by the size of its groups."""

    kind: str
    steps: Mapping[str, tuple[Any, ...]] = EMPTY
    rules: Mapping[str, Any] = EMPTY
    loss: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    costs: Callable[[int], float] | None = None

    @property
    def mark(self) -> str:
        return repr((sorted(self.steps.items(), key=str), sorted(self.rules.items(), key=str)))


def plans(case: Case, wrong: Sequence[Finding]) -> Iterable[Plan]:
    """What may mend it, the likeliest first."""
    names = {item.name for item in case.contract.properties}
    quasi = {item.column for item in case.release.quasi}
    # The order of rows is mended by another order, whatever column it follows.
    told = [name for item in wrong if "order" not in item.code for name in item.columns if name in names]
    leaking = tuple(dict.fromkeys(name for name in told if name not in quasi))
    grouped = any(set(item.columns) & quasi or item.people for item in wrong)
    sensitive = {item.column for item in case.release.sensitive}
    masked = _leaks(case, wrong, [name for name in leaking if name not in sensitive])
    # Without its number a row still stands at the number's place, so the order goes with it.
    order = any("order" in item.code or item.code == "identifier-open" for item in wrong)
    rules: dict[str, Any] = {"shuffle": True} if order else {}
    if (masked or order) and not (grouped and quasi):
        yield from _columns(case, masked, rules)
    if any(item.releases and item.code in BESIDE | TABLES for item in wrong):
        yield from _few(case, wrong, masked, rules)
    if quasi and grouped:
        if any(item.code in TRACES for item in wrong) and (parted := _parted(masked)) != masked:
            yield from _groups(case, wrong, parted, rules)
        yield from _groups(case, wrong, masked, rules)
    # The last resort is the same everywhere: what tells too much is left out.
    for gone in (leaking, tuple(sorted(quasi)), tuple(sorted({*leaking, *quasi}))):
        if gone and len(gone) < len(names):
            yield _drop(case, gone, rules)


# Columns that leak


def _leaks(case: Case, wrong: Sequence[Finding], leaking: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """What is done to each column that gives somebody away by itself."""
    out: dict[str, tuple[Any, ...]] = {}
    for name in leaking:
        column = case.contract.column(name)
        if column is None:
            continue
        out[name] = _mended(column, [item for item in wrong if name in item.columns])
        if not out[name]:
            out.pop(name)
    return out


def _parted(masked: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """The same with nothing left by which the rows of one person are known to be theirs."""
    return {name: ("drop",) if steps == ("pseudonym",) else steps for name, steps in masked.items()}


def _mended(column: Property, wrong: Sequence[Finding]) -> tuple[Any, ...]:
    """What is done to one column; () when another column of the same findings is what must change."""
    if all(item.code in TABLES for item in wrong):
        return ()  # by other names its groups have the same counts
    if all(item.code == "texts-of-one" for item in wrong):
        # Whose texts they are is told by the second column; without it each text stands alone.
        return ("drop",) if any(column.name in item.columns[1:] for item in wrong) else ()
    if any("text" in item.code for item in wrong) and column.kind is Kind.STRING:
        return ("redact",)
    own = any(isinstance(step, Mapping) and "pseudonym" in step for step in column.protect)
    if any(item.code == "pseudonym-reused" for item in wrong) and not own:
        return ("drop",)
    alone = column.unique or column.key_position >= 0  # a pseudonym that stands once tells nothing but its row
    return ("pseudonym",) if column.kind in (Kind.STRING, Kind.INTEGER) and not alone else ("drop",)


def _columns(case: Case, masked: Mapping[str, tuple[Any, ...]], rules: Mapping[str, Any]) -> Iterable[Plan]:
    steps = {step_name(told[0]) for told in masked.values()}
    kind = "redact" if "redact" in steps else "pseudonym" if "pseudonym" in steps else "drop"
    yield Plan(kind if masked else "suppress", Frozen(masked), Frozen(rules),
               _share(case, [name for name, told in masked.items() if told[0] == "drop"]))  # fmt: skip
    if masked:
        yield _drop(case, tuple(masked), rules)


def _drop(case: Case, columns: Sequence[str], rules: Mapping[str, Any]) -> Plan:
    return Plan("drop", Frozen(dict.fromkeys(columns, ("drop",))), Frozen(rules), _share(case, columns))


def _share(case: Case, columns: Sequence[str]) -> float:
    """What leaving columns out costs: the share of the told columns."""
    return len(columns) / max(len(case.contract.properties), 1)


# Groups that are too small


def _groups(
    case: Case, wrong: Sequence[Finding], masked: Mapping[str, tuple[Any, ...]], rules: Mapping[str, Any]
) -> Iterable[Plan]:
    joint = any(item.releases for item in wrong)
    sensitive = {item.column for item in case.release.sensitive}
    varied = any(sensitive & set(item.columns) for item in wrong)
    table = spread(case, joint=joint, varied=varied)
    common = _Common(case, table, masked, rules)
    if joint:
        if any(item.code in TABLES for item in wrong):
            yield from _coarser(common, wrong)
        yield from _beside(common, wrong)
        return
    # What is left out within the limit comes first: most often it is a handful of people.
    few = common.searched(case.target.suppression)
    if few is not None:
        yield few
    whole = common.searched(0.0)
    if whole is not None:
        yield whole
    yield common.local()


def _few(
    case: Case, wrong: Sequence[Finding], masked: Mapping[str, tuple[Any, ...]], rules: Mapping[str, Any]
) -> Iterable[Plan]:
    """Together with what is public, often a handful of people stands out: of them one value goes, or their rows."""
    # Of each whom it exposes something must go, so what is too much is known before it is tried.
    crowd = max((item.people for item in wrong if item.code in BESIDE), default=0) if case.release.subject else 0
    there: Mapping[str, Any] = case.intake_contract.custom.get("arengoProtection", EMPTY).get("suppress", EMPTY)
    rule = {**there, "below": max(int(there.get("below", 0)), case.target.k), "beside": True}
    stored = [item.column for item in case.release.attributes if item.column not in masked]
    key = set(case.contract.key)
    named = [name for item in wrong if item.releases for name in (str(item.facts.get("column", "")), *item.columns)]
    single = any(item.code in BESIDE for item in wrong) and not any(item.code == "linkage-unique" for item in wrong)
    if crowd <= FEW * case.release.rows and single:
        for name in [name for name in dict.fromkeys(named) if name in stored and name not in key][:1]:
            blank = tuple(dict.fromkeys((*rule.get("blank", ()), name)))
            yield Plan("blank", Frozen(masked), Frozen({**rules, "suppress": Frozen({**rule, "blank": blank})}),
                       facts={"column": name})  # fmt: skip
    if crowd <= case.target.suppression * case.release.rows:
        yield Plan("beside", Frozen(masked), Frozen({**rules, "suppress": Frozen(rule)}))


@dataclass(frozen=True, slots=True)
class _Common:
    case: Case
    table: Spread
    masked: Mapping[str, tuple[Any, ...]]
    rules: Mapping[str, Any]

    def searched(self, limit: float, only: Mapping[str, bool] = EMPTY) -> Plan | None:
        """The cheapest levels. ``only``: column -> whether it is left out (True) or kept as it is (False)."""
        problem, axes = self.table.problem(limit, only)
        found = optimum(problem, SECONDS)
        if found.node is None:
            return None
        steps = dict(self.masked)
        levels: dict[str, str] = {}
        for axis, place in zip(axes, found.node, strict=True):
            step = self.table.step(axis, place)
            if step is not None:
                steps[axis.column] = (step,)
                levels[axis.column] = "" if step == "drop" else str(step["level"])
        for column, left_out in only.items():
            if left_out:
                steps[column], levels[column] = ("drop",), ""
        rules = dict(self.rules)
        if found.withheld:
            rules["suppress"] = Frozen(below=problem.k)
        kind = "generalise" if levels else "suppress" if rules.get("suppress") else "generalise"
        full = self.table.full(axes, found.node, only)
        facts = {"levels": levels, "checked": found.checked, "nodes": found.nodes, "optimal": found.optimal}
        cost = loss(self.table.problem(limit)[0], full)
        return Plan(kind, Frozen(steps), Frozen(rules), cost, facts)

    def local(self) -> Plan:
        by = tuple(axis.column for axis in self.table.axes if self.table.plain(axis.column))
        rules = {
            **self.rules,
            "local": Frozen(k=self.case.target.k, by=by),
            "suppress": Frozen(below=self.case.target.k),
        }
        steps = dict(self.masked)
        for axis in self.table.axes:
            if axis.column not in by:
                steps[axis.column] = ("drop",)
        costs = partial(self.table.local_loss, by)
        return Plan("local", Frozen(steps), Frozen(rules), costs(self.case.target.k), costs=costs)


def _coarser(common: _Common, wrong: Sequence[Finding]) -> Iterable[Plan]:
    """One column by larger groups than those by which earlier tables are counted, the cheapest first."""
    told = {name for item in wrong if item.code in TABLES for name in item.columns}
    axes = [axis.column for axis in common.table.axes]
    problem, _ = common.table.problem(0.0)
    found = []
    for at, axis in enumerate(common.table.axes):
        for place in range(1, axis.height):
            step = common.table.step(axis, place)
            if axis.column in told and isinstance(step, Mapping):
                node = tuple(place if other == at else 0 for other in range(len(axes)))
                steps = Frozen({**common.masked, axis.column: (step,)})
                facts = {"levels": {axis.column: str(step["level"])}, "column": axis.column}
                found.append(Plan("generalise", steps, Frozen(common.rules), loss(problem, node), facts))
    yield from sorted(found, key=lambda plan: plan.loss)


def _beside(common: _Common, wrong: Sequence[Finding]) -> Iterable[Plan]:
    """Together with what is public: the cheapest; without the column that costs most; with that column kept."""
    cheapest = common.searched(0.0)
    if cheapest is not None:
        yield cheapest
    there = [axis.column for axis in common.table.axes]
    costly = [str(item.facts.get("column", "")) for item in wrong if item.facts.get("column") in there] or there
    first = costly[0]
    for left_out in (True, False):
        plan = common.searched(0.0, Frozen({first: left_out}))
        if plan is not None:
            yield Plan(plan.kind, plan.steps, plan.rules, plan.loss, {**plan.facts, "column": first})
    for column in there:
        if column != first:
            plan = common.searched(0.0, Frozen({column: True}))
            if plan is not None:
                yield plan
