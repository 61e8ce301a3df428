"""Repairs: changes of the contract after which the gate would let a table of rows pass, with what each costs.

Each plan of :mod:`arengo.privacy.plans` is done to the very table and judged again (privacy.md, section 3, step 8);
what would not pass is not offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from arengo.contract.model import EMPTY, Contract, Frozen, Property
from arengo.contract.protection import released, step_name
from arengo.lake.layout import quote
from arengo.privacy.declared import release_of
from arengo.privacy.finding import OUTCOMES, Finding, Report, worst
from arengo.privacy.measure import errors, histogram
from arengo.privacy.plans import FEW, Plan, plans
from arengo.privacy.protect import protect
from arengo.privacy.protect.work import Ladders
from arengo.privacy.release import ROWS
from arengo.privacy.verdict import Repair

if TYPE_CHECKING:
    from arengo.privacy.case import Case

MOST = 3
UNJUDGED = ("budget",)
"""Steps of the gate that no change of a table of rows concerns."""
MADE = "_repaired"
TRIES = 3


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


def none(case: Case, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Why there is no repair, and what else can be done; nothing to say where only a budget is used up, since that
    names the day."""
    wrong = [item for item in findings if OUTCOMES.index(item.outcome) >= OUTCOMES.index("repair")]
    if all(item.code.startswith(("budget-", "noise-", "exact-")) for item in wrong):
        return ()
    releases = tuple(dict.fromkeys(label for item in wrong for label in item.releases))
    if case.release.rows < case.target.k and case.release.form == ROWS:
        return (Finding("no-repair-few", facts=Frozen(k=case.target.k, rows=case.release.rows)),)
    if any(item.code == "overlap-leavers" for item in wrong):
        return (Finding("no-repair-left", releases=releases),)
    return (Finding("no-repair-beside" if releases else "no-repair", releases=releases),)


def _more_than(plan: Plan, made: Sequence[Repair]) -> bool:
    """Whether it does to the table what another repair does already, and more, for a higher price."""
    return any(
        item.loss <= plan.loss and not plan.rules.get("suppress") and not item.suppressed and item.columns
        and (set(item.columns) < set(plan.steps) or (plan.kind == item.kind == "drop"
                                                     and set(item.columns) <= set(plan.steps)))
        for item in made
    )  # fmt: skip


# Trying


def attempt(case: Case, plan: Plan, before: Mapping[str, int], number: int = 0) -> Repair | None:
    """Do it to the table, judge it again, and measure it; None when the gate would still hold it back."""
    for turn in range(TRIES):
        told = _stricter(plan, case.target.k, turn)
        if told is None:
            break
        trial = _trial(case, told)
        if not _few(case, told, trial) or not trial.case.release.rows:
            break  # stricter, more would go
        masks = any(step_name(step) != "level" for steps in told.steps.values() for step in steps)
        outcome, joint = judged(trial.case, () if masks else ("detection",))
        if OUTCOMES.index(outcome) <= OUTCOMES.index("review"):
            return _repair(case, told, trial, outcome, before, joint, number)
    return None


def _few(case: Case, plan: Plan, trial: Trial) -> bool:
    """Whether no more rows go than the target lets go, and no more values than make a column."""
    rows = max(case.release.rows, 1)
    if trial.withheld > case.target.suppression * rows:
        return False
    if not plan.rules.get("suppress", EMPTY).get("beside"):
        return True
    # Where only rows went it is the other plan.
    return not (plan.kind == "blank" and not trial.blanked) and trial.blanked <= FEW * rows


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
    loss = plan.costs(rules["local"]["k"]) if plan.costs is not None else plan.loss
    return replace(plan, rules=Frozen(rules), loss=loss)


@dataclass(frozen=True, slots=True)
class Trial:
    """``case``: as it would be, over the table ``_repaired``; how many rows were ``withheld``, and of rows that stay
    how many single values were left out (``blanked``)."""

    case: Case
    withheld: int
    blanked: int


def _trial(case: Case, plan: Plan) -> Trial:
    contract = mended(case, plan)
    anew = case.remade(contract, MADE)
    if anew is not None:
        tried = _as(case, contract, anew[0])
        return Trial(tried, max(case.release.rows - tried.release.rows, 0), anew[1])
    view = released(_over(case, plan))
    codes = cast(Ladders, case.codes)

    def beside(table: str) -> Case:
        return _as(case, contract, table)

    made = protect(
        case.connection, case.table, view, codes, secret=case.secret, subject='i."_subject"', into=MADE, beside=beside
    )  # fmt: skip
    return Trial(_as(case, contract, quote(MADE)), made.suppressed, made.blanked)


def _as(case: Case, contract: Contract, table: str) -> Case:
    """The case with another table under another contract."""
    (rows,) = case.connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    release = release_of(contract, 0, case.release.at, int(rows), population=case.population,
                         subject=case.release.subject, recipient=case.release.recipient)  # fmt: skip
    return replace(case, contract=contract, release=release, table=table, reckoning=None)


def judged(case: Case, without: Sequence[str] = ()) -> tuple[str, Mapping[str, int]]:
    """The outcome of the steps of the gate that a repair may change, and size of a group -> people together with what
    is public, {} where that was not counted. ``without``: steps it leaves as they are."""
    from arengo.privacy import gate

    found: list[Finding] = []
    joint: Mapping[str, int] = EMPTY
    for name, module in gate.STEPS:
        if name not in (*UNJUDGED, *without):
            report: Report = import_module(module).look(case)
            found += report.findings
            joint = report.measured.get("after", EMPTY) if name == "joint" else joint
    return worst(item.outcome for item in found), joint


def _over(case: Case, plan: Plan) -> Contract:
    """The contract as if the released table were what is read, with nothing but the plan done to it."""
    contract, read = case.contract, case.intake_contract
    columns = tuple(_bare(item, read.column(item.name), plan.steps.get(item.name, ())) for item in contract.properties)
    custom = {name: told for name, told in contract.custom.items() if name != "arengoProtection"}
    if plan.rules:
        there = read.custom.get("arengoProtection", EMPTY)
        custom["arengoProtection"] = _tried(plan, rules_with(there, plan, _quasi(case)))
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
        custom["arengoProtection"] = rules_with(custom.get("arengoProtection", EMPTY), plan, _quasi(case))
    return released(replace(read, properties=columns, custom=Frozen(custom), intake=None))


def _quasi(case: Case) -> tuple[str, ...]:
    return tuple(item.column for item in case.release.quasi)


def _tried(plan: Plan, rules: Mapping[str, Any]) -> Mapping[str, Any]:
    """The rules of a plan as they will be beside those that are there."""
    return Frozen({
        name: Frozen({key: rules[name][key] for key in {**told, "by": ()} if key in rules[name]})
        if isinstance(told, Mapping) else told
        for name, told in plan.rules.items()
    })  # fmt: skip


def rules_with(there: Mapping[str, Any], plan: Plan, quasi: Sequence[str] = ()) -> Mapping[str, Any]:
    """The rules of ``arengoProtection`` with those of a plan; groups are no longer made by columns it leaves out.
    ``quasi``: the columns that make groups where a rule names none."""
    gone = {name for name, steps in plan.steps.items() if "drop" in steps}
    out: dict[str, Any] = {}
    for name, told in {**there, **plan.rules}.items():
        if name in there and name in plan.rules and isinstance(told, Mapping):
            told = _both(there[name], told, quasi)
        if isinstance(told, Mapping):
            left = {key: tuple(item for item in told.get(key, ()) if item not in gone) for key in ("by", "blank")}
            told = Frozen({key: left.get(key, value) for key, value in told.items() if left.get(key, True)})
        out[name] = told
    return Frozen(out)


def _both(there: Mapping[str, Any], told: Mapping[str, Any], quasi: Sequence[str]) -> Mapping[str, Any]:
    """One rule that keeps what two promise: the larger groups, by the columns of both, and what only one says."""
    out = {**there, **told}
    for size in ("below", "k"):
        if size in there and size in told:
            out[size] = max(int(there[size]), int(told[size]))
    if "by" in there:
        by = tuple(told.get("by", quasi))
        out["by"] = (*by, *(name for name in there["by"] if name not in by))
        if "by" not in told and set(there["by"]) <= set(by):
            del out["by"]  # all that make groups
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
    case: Case, plan: Plan, trial: Trial, outcome: str, before: Mapping[str, int], joint: Mapping[str, int], number: int
) -> Repair:
    made, rows = trial.case, max(case.release.rows, 1)
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
        contract=contract if (contract := rules_with(there, plan, _quasi(case))) != there else EMPTY,
        loss=round(_loss(case, plan, trial), 4),
        suppressed=trial.withheld,
        outcome=outcome,
        errors=Frozen(errors(case.connection, case.table, case.contract, made.table, made.contract)),
        before=Frozen(before),
        after=Frozen(after),
        facts=Frozen({**plan.facts, "k": smallest or case.target.k, "rows": made.release.rows, "of": rows,
                      "blanked": trial.blanked, **({"joint": Frozen(joint)} if joint else {})}),
    )  # fmt: skip


def _loss(case: Case, plan: Plan, trial: Trial) -> float:
    """What a plan costs; of rows and single values that go, the share they are of all that is told of people. A search
    counts the rows it leaves out; local recoding and leaving columns out do not."""
    rows = max(case.release.rows, 1)
    if not plan.rules.get("suppress", EMPTY).get("beside"):
        counted = plan.kind not in ("local", "drop")
        gone = 0.0 if counted else trial.withheld / rows
        return min(plan.loss + gone * (1 - plan.loss), 1.0)
    told = max(len({item.column for item in (*case.release.quasi, *case.release.sensitive)}), 1)
    gone = len([name for name, steps in plan.steps.items() if "drop" in steps]) / max(len(case.contract.properties), 1)
    return min(gone + trial.withheld / rows + trial.blanked / (rows * told), 1.0)
