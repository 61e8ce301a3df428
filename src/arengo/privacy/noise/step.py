"""Step 7 of the gate: what a table with noise spends of its population's budget, and whether that is still so.

privacy.md 3, step 7: the losses of all releases of a population add up to at most its cap; an exact release of the same
statistic takes the protection back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from arengo.contract.model import EMPTY, Contract, Frozen
from arengo.errors import ArengoError, ContractError
from arengo.privacy.finding import Finding, Report
from arengo.privacy.noise.budget import Budget, Spend, Standing, total
from arengo.privacy.noise.cells import accuracy, loss_of
from arengo.privacy.noise.process import Noise
from arengo.privacy.release import CELLS, Attribute, Population, Release

if TYPE_CHECKING:
    from arengo.privacy.case import Case


def spend_of(contract: Contract, population: str, at: datetime, run: str = "", basis: str = "") -> Spend | None:
    """What a publication of this contract spends; None when it asks for no noise. Raises ContractError."""
    loss = loss_of(contract)
    if loss is None:
        return None
    said = contract.custom.get("arengoCells", EMPTY)
    atoms = {}
    for name, values in dict(said.get("where", EMPTY)).items():
        column = contract.column(name)
        custom: Mapping[str, Any] = column.custom if column is not None else EMPTY
        concept = custom.get("arengoPrivacyConcept") or (f"{contract.id}.{name}" if column is not None else name)
        key = f"{concept} {custom.get('arengoLevel', '')}".strip()
        atoms[key] = tuple(map(str, values if isinstance(values, list | tuple) else (values,)))
    told = {name: said.get(name) for name in ("by", "count", "sums", "where")}
    statement = orjson.dumps(told, option=orjson.OPT_SORT_KEYS, default=_plain).decode()
    return Spend(population, contract.id, statement, at, loss.epsilon, loss.rho, Frozen(atoms), basis, run)


def settle(
    budget: Budget, contract: Contract, population: str, at: datetime, run: str, basis: str = ""
) -> Spend | None:
    """Spend what the contract's noise costs; None when it asks for none.

    The street calls it once a publication, after the gate let it pass and before the commit: noise that was drawn and
    not published costs, noise that is published and not paid must not be. The same ``run`` never spends twice.
    Raises PublicationRefused with the day it would be possible.
    """
    spend = spend_of(contract, population, at, run, basis)
    return None if spend is None else budget.spend(spend)


def look(case: Case) -> Report:
    """Whether the budget allows it, and whether something exact stands beside it."""
    try:
        spend = spend_of(case.contract, case.population.name if case.population else "", case.now)
    except ContractError as error:
        return Report((Finding("noise-without-amount", "block", {"why": error.met.rstrip(".")}),))
    if spend is None:
        return _exact(case)
    if case.population is None:
        return Report((Finding("noise-without-population", "block"),))
    cap = case.contract.custom.get("arengoPrivacyTarget", EMPTY).get("epsilonCap")
    population = case.population if cap is None else replace(
        case.population, epsilon=min(float(cap), case.population.epsilon)
    )  # fmt: skip
    return _noisy(case, population, spend)


def _noisy(case: Case, population: Population, spend: Spend) -> Report:
    budget = Budget(case.state, {item.name: item for item in (population, *case.kin)})
    standing = budget.left(population.name, case.now)
    when = budget.when_possible(spend, case.now)
    width, missing = _accuracy(case.contract)
    facts = _facts(standing, spend)
    if when is None:
        found = [Finding("budget-never", "block", Frozen(facts))]
    elif when != case.now:
        found = [Finding("budget-exceeded", "block", Frozen({**facts, "day": f"{when:%Y-%m-%d}"}))]
    else:
        first = next(iter(width.values()), 0.0)
        found = [Finding("budget-fits", "pass", Frozen({**facts, "accuracy": f"{first:.4g}"}))]
    if missing:
        found.append(Finding("not-looked", "block", Frozen({"what": "Noise", "why": missing})))
    beside = _exact_beside(case, population, budget)
    if beside:
        found.append(
            Finding("exact-beside-noise", "review", Frozen({"population": population.name}), releases=tuple(beside))
        )
    measured = {**_numbers(standing), "wanted": total([spend]), "epsilon": spend.epsilon, "rho": spend.rho,
                "accuracy": width, "possible": when.isoformat() if when else ""}  # fmt: skip
    return Report(tuple(found), measured)


def _exact(case: Case) -> Report:
    """An exact release of what was given with noise before."""
    if case.population is None:
        return Report()
    budget = Budget(case.state, {item.name: item for item in (case.population, *case.kin)})
    spends = budget.history(case.population.name)
    noisy = {item.dataset for item in spends}
    undone = [item.label for item in case.earlier
              if item.dataset in noisy and not item.withdrawn and _tells(case.release, item, case)]  # fmt: skip
    measured = _numbers(budget.left(case.population.name, case.now)) if spends else {}
    if not undone:
        return Report((), measured)
    finding = Finding("noise-undone", "review", Frozen({"population": case.population.name}), releases=tuple(undone))
    return Report((finding,), measured)


def _exact_beside(case: Case, population: Population, budget: Budget) -> list[str]:
    noisy = {item.dataset for item in budget.history(population.name)} | {case.release.dataset}
    return [item.label for item in case.earlier
            if item.dataset not in noisy and not item.withdrawn and _tells(item, case.release, case)]  # fmt: skip


def _tells(one: Release, other: Release, case: Case) -> bool:
    """Whether the figures of ``other`` (a table) can be counted out of ``one``, a table or rows of the same people."""
    if other.form != CELLS or one.population != other.population:
        return False
    where = dict(one.cells.get("where", EMPTY)) if one.form == CELLS else {}
    if where and where != dict(other.cells.get("where", EMPTY)):
        return False
    has = _by(one) if one.form == CELLS else {item.concept: item for item in one.attributes}
    return all(name in has and _as_fine(has[name], item, case) for name, item in _by(other).items())


def _by(release: Release) -> dict[str, Attribute]:
    names = set(release.cells.get("by", ()))
    return {item.concept: item for item in release.attributes if item.column in names}


def _as_fine(one: Attribute, other: Attribute, case: Case) -> bool:
    if one.level in ("", "0") or one.level == other.level:
        return True
    try:
        levels = case.codes.levels(one.hierarchy) if one.hierarchy else ()
    except ArengoError:
        return True  # nobody can say, so the worse is taken
    if one.level not in levels or other.level not in levels:
        return other.level not in ("", "0")
    return levels.index(one.level) <= levels.index(other.level)


def _accuracy(contract: Contract) -> tuple[dict[str, float], str]:
    try:
        with Noise() as noise:
            return accuracy(contract, noise), ""
    except ArengoError as error:
        return {}, error.met.rstrip(".")


def _facts(standing: Standing, spend: Spend) -> dict[str, Any]:
    return {
        "population": standing.population,
        "epsilon": f"{total([spend]):.3g}",
        "left": f"{standing.left:.3g}",
        "cap": f"{standing.cap:.3g}",
        "period": standing.period,
    }


def _numbers(standing: Standing) -> dict[str, Any]:
    return {"population": standing.population, "cap": standing.cap, "spent": standing.spent, "left": standing.left,
            "pure": standing.pure, "zcdp": standing.rho, "period": standing.period}  # fmt: skip


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
