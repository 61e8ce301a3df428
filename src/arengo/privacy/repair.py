"""Repairs: changes of the contract after which the gate would let a table of rows pass, with what each costs.

For groups that are too small: the cheapest levels for everybody, leaving out the few who still stand out, or coarser
values only where people stand out. For groups that only become small together with what is public already: the cheapest
levels under that constraint, and what it would cost to keep, or to leave out, the column that matters most. For columns
that leak: a pseudonym, blacked-out text, another order, or leaving the column out. Each is done to the very table and
judged again (privacy.md, section 3, step 8); what would not pass is not offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from arengo.contract.model import EMPTY, Contract, Frozen, Kind, Property
from arengo.contract.protection import released, step_name
from arengo.lake.layout import quote
from arengo.privacy.declared import release_of
from arengo.privacy.finding import OUTCOMES, Finding, worst
from arengo.privacy.measure import errors, histogram
from arengo.privacy.protect import protect
from arengo.privacy.protect.work import Ladders
from arengo.privacy.release import ROWS
from arengo.privacy.search import loss, optimum
from arengo.privacy.spread import Spread, spread
from arengo.privacy.verdict import Repair

if TYPE_CHECKING:
    from arengo.privacy.case import Case

MOST = 3
SECONDS = 20.0
"""A search may take; then the best so far is offered, and said to be that."""
UNJUDGED = ("budget",)
"""Steps of the gate that no change of a table of rows concerns."""
MADE = "_repaired"
TRIES = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """A repair to be tried. ``steps``: column -> what is done to it beside what the contract does already."""

    kind: str
    steps: Mapping[str, tuple[Any, ...]] = EMPTY
    rules: Mapping[str, Any] = EMPTY
    loss: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        return repr((sorted(self.steps.items(), key=str), sorted(self.rules.items(), key=str)))


def propose(case: Case, findings: Sequence[Finding]) -> Iterable[Repair]:
    """Up to three, the least loss first. Nothing for tables of counts, which have repairs of their own."""
    wrong = [item for item in findings if OUTCOMES.index(item.outcome) >= OUTCOMES.index("repair")]
    if case.release.form != ROWS or not wrong or not case.release.rows:
        return ()
    before = histogram(case.connection, case.table, [item.column for item in case.release.quasi])
    made: list[Repair] = []
    seen: set[str] = set()
    for plan in plans(case, wrong):
        if plan.mark in seen or len(made) == MOST or _more_than(plan, made):
            continue
        seen.add(plan.mark)
        tried = attempt(case, plan, before, len(made))
        if tried is not None:
            made.append(tried)
    return tuple(sorted(made, key=lambda item: item.loss))


def _more_than(plan: Plan, made: Sequence[Repair]) -> bool:
    """Whether it does to the table what another repair does already, and more, for a higher price."""
    return any(
        item.loss <= plan.loss and not plan.rules.get("suppress") and not item.suppressed
        and (set(item.columns) < set(plan.steps) or (plan.kind == item.kind == "drop"
                                                     and set(item.columns) <= set(plan.steps)))
        for item in made
    )  # fmt: skip


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
    if quasi and grouped:
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


def _mended(column: Property, wrong: Sequence[Finding]) -> tuple[Any, ...]:
    """What is done to one column; () when another column of the same findings is what must change."""
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
        cost = loss(self.table.problem(limit)[0], full, found.withheld)
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
        return Plan("local", Frozen(steps), Frozen(rules), self.table.local_loss(by))


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


# Trying


def attempt(case: Case, plan: Plan, before: Mapping[str, int], number: int = 0) -> Repair | None:
    """Do it to the table, judge it again, and measure it; None when the gate would still hold it back."""
    for turn in range(TRIES):
        told = _stricter(plan, case.target.k, turn)
        if told is None:
            break
        trial = _trial(case, told)
        masks = any(step_name(step) != "level" for steps in told.steps.values() for step in steps)
        outcome = judged(trial[0], () if masks else ("detection",))
        if OUTCOMES.index(outcome) <= OUTCOMES.index("review"):
            return _repair(case, told, trial, outcome, before, number)
    return None


def _stricter(plan: Plan, k: int, turn: int) -> Plan | None:
    """The same with larger groups, where it has a number to enlarge: people with several rows, or values that are too
    alike, may need it."""
    if not turn:
        return plan
    numbers = {name: "k" if name == "local" else "below" for name in ("local", "suppress") if name in plan.rules}
    if not numbers:
        return None
    rules = {
        name: Frozen({**told, numbers[name]: told[numbers[name]] * 2**turn}) if name in numbers else told
        for name, told in plan.rules.items()
    }
    return replace(plan, rules=Frozen(rules))


def _trial(case: Case, plan: Plan) -> tuple[Case, int]:
    """The case as it would be, over the table ``_repaired``; and how many rows were withheld."""
    contract = mended(case, plan)
    view = released(_over(case, plan))
    codes = cast(Ladders, case.codes)
    made = protect(
        case.connection, case.table, view, codes, secret=case.secret, subject='i."_subject"', into=MADE
    )  # fmt: skip
    (rows,) = case.connection.execute(f"SELECT count(*) FROM {quote(MADE)}").fetchone() or (0,)
    release = release_of(contract, 0, case.release.at, int(rows), population=case.population,
                         subject=case.release.subject, recipient=case.release.recipient)  # fmt: skip
    return replace(case, contract=contract, release=release, table=quote(MADE)), made.suppressed


def judged(case: Case, without: Sequence[str] = ()) -> str:
    """The outcome of the steps of the gate that a repair may change. ``without``: steps it leaves as they are."""
    from arengo.privacy import gate

    found: list[Finding] = []
    for name, module in gate.STEPS:
        if name not in (*UNJUDGED, *without):
            found += import_module(module).look(case).findings
    return worst(item.outcome for item in found)


def _over(case: Case, plan: Plan) -> Contract:
    """The contract as if the released table were what is read, with nothing but the plan done to it."""
    contract, read = case.contract, case.intake_contract
    columns = tuple(_bare(item, read.column(item.name), plan.steps.get(item.name, ())) for item in contract.properties)
    custom = {name: told for name, told in contract.custom.items() if name != "arengoProtection"}
    if plan.rules:
        custom["arengoProtection"] = Frozen(plan.rules)
    return replace(contract, properties=columns, custom=Frozen(custom), intake=None)


def _bare(column: Property, read: Property | None, steps: tuple[Any, ...]) -> Property:
    custom = {name: told for name, told in column.custom.items() if name != "arengoProtect"}
    hierarchy, level = stands(column, read)
    if level:
        custom["arengoHierarchy"], custom["arengoLevel"] = hierarchy, level
    if steps:
        custom["arengoProtect"] = steps
    return replace(column, custom=Frozen(custom))


def stands(column: Property, read: Property | None) -> tuple[str, str]:
    """Hierarchy and level that a stored column's values stand at, ('', '') for the values themselves. ``read``: the
    column as it was read, whose kind says which hierarchy is the usual one."""
    from arengo.privacy.hierarchy.codes import hierarchy_of

    hierarchy, level = hierarchy_of(read or column), str(column.custom.get("arengoLevel", ""))
    for step in column.protect:
        if isinstance(step, Mapping) and "level" in step:
            hierarchy, level = str(step.get("hierarchy", "")) or hierarchy, str(step["level"])
        else:
            level = ""
    return (hierarchy, level) if level else ("", "")


def mended(case: Case, plan: Plan) -> Contract:
    """The contract with the plan taken in, over the columns as they would be stored."""
    read = case.intake_contract
    columns = tuple(
        replace(item, custom=Frozen({**item.custom, "arengoProtect": merged(item.protect, plan.steps[item.name])}))
        if item.name in plan.steps
        else item
        for item in read.properties
    )
    custom = dict(read.custom)
    if plan.rules or custom.get("arengoProtection"):
        custom["arengoProtection"] = rules_with(custom.get("arengoProtection", EMPTY), plan)
    return released(replace(read, properties=columns, custom=Frozen(custom), intake=None))


def rules_with(there: Mapping[str, Any], plan: Plan) -> Mapping[str, Any]:
    """The rules of ``arengoProtection`` with those of a plan; groups are no longer made by columns it leaves out."""
    gone = {name for name, steps in plan.steps.items() if "drop" in steps}
    out: dict[str, Any] = {}
    for name, told in {**there, **plan.rules}.items():
        if isinstance(told, Mapping) and gone & set(told.get("by", ())):
            left = tuple(item for item in told["by"] if item not in gone)
            told = Frozen(
                {**{key: value for key, value in told.items() if key != "by"}, **({"by": left} if left else {})}
            )
        out[name] = told
    return Frozen(out)


def merged(there: Sequence[Any], more: Sequence[Any]) -> tuple[Any, ...]:
    """Steps of a column with more: a coarser level takes the place of the one before, leaving out that of all."""
    if "drop" in more:
        return ("drop",)
    kept = list(there)
    if kept and more and step_name(kept[-1]) == "level" and step_name(more[0]) == "level":
        kept.pop()
    return (*kept, *more)


def _repair(
    case: Case, plan: Plan, trial: tuple[Case, int], outcome: str, before: Mapping[str, int], number: int
) -> Repair:
    made, withheld = trial
    after = histogram(case.connection, made.table, [item.column for item in made.release.quasi])
    smallest = min((int(size) for size in after if size.isdecimal()), default=0)
    columns = {
        item.name: merged(item.protect, plan.steps[item.name])
        for item in case.intake_contract.properties
        if item.name in plan.steps
    }
    there = case.intake_contract.custom.get("arengoProtection", EMPTY)
    return Repair(
        id=f"{plan.kind}-{number + 1}",
        kind=plan.kind,
        columns=Frozen(columns),
        contract=contract if (contract := rules_with(there, plan)) != there else EMPTY,
        loss=round(plan.loss, 4),
        suppressed=withheld,
        outcome=outcome,
        errors=Frozen(errors(case.connection, case.table, case.contract, made.table, made.contract)),
        before=Frozen(before),
        after=Frozen(after),
        facts=Frozen({**plan.facts, "k": smallest or case.target.k, "rows": made.release.rows}),
    )
