"""Step 2 of the gate: one release against the truth (privacy.md, section 3).

For each attacker of the city, the columns he knows of; by them, how small the groups are in the data and in the
population, and what a group tells of the sensitive columns. ``model`` of the target says which count decides:
*k-anonymity* (the default: the attacker knows who is in the data) the data's, *k-map* the population's, as far as the
register tells the columns (reference: decision 0202).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import EMPTY, Frozen, Kind
from arengo.errors import PolicyError
from arengo.privacy.declared import K_MAP, model_of, reason_of
from arengo.privacy.finding import Finding, Report
from arengo.privacy.release import EVERYTHING, ROWS, Attribute, Profile
from arengo.privacy.risk import counted, sensitive, unsaid
from arengo.privacy.risk.counted import Counted, Mapped
from arengo.privacy.risk.groups import Sizes, journalist, marketer, prosecutor
from arengo.privacy.risk.uniqueness import estimate
from arengo.privacy.tuples import Tuples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arengo.privacy.case import Case

COMBINATIONS = 3_000_000
"""Combinations of quasi-identifiers and a sensitive column that are looked at; more do not fit into a modest memory."""
FINE = 0.5
"""Different values of a column for each person, above which hardly anybody shares one."""
_LISTED = "listed"
"""What is kept of how many persons the register knows."""
_FEW = 100  # persons, below which a column of many values is no surprise
_PLACES = (
    "residence",
    "address",
    "postcode",
    "district",
    "neighbourhood",
    "place",
    "location",
    "section",
    "municipality",
)


def look(case: Case) -> Report:
    """Findings ``risk-*``. ``measured``: ``k`` (persons in the smallest group), ``target``, ``below`` (persons in
    groups below it), ``rows`` (persons), ``groups``, ``unique``, ``sizes`` (size of a group -> persons),
    ``prosecutor``, ``journalist`` (``highest``, ``at_risk``, ``success``), ``marketer`` (both None: not known),
    ``population`` (the register's: ``people``, ``k``, ``below``, ``unique``, ``missing``) or None,
    ``population_unique`` (``uniques``, ``share``, ``model``) or None, ``by_column`` (column -> how many fewer would be
    below without it), ``columns``, ``profiles``, ``sensitive`` (column -> its measures), ``places`` (column, ``below``:
    place -> persons).
    """
    release = case.release
    if release.form != ROWS:
        return Report()
    open_ = case.contract.access == "open"
    if not release.quasi:
        return Report(_undeclared(case) if open_ else (Finding("not-public"),))
    levelled, findings = _levels(case)
    held = counted.count(case, levelled)
    measured: dict[str, Any] = {
        "columns": [item.column for item in levelled],
        "rows": held.people,
        "target": case.target.k,
    }
    if not held.people:
        findings.append(Finding("risk-empty"))
    else:
        findings += _columns(case, held)
        findings += _groups(case, held, measured)
        findings += _sensitive(case, held, measured)
        findings += unsaid.look(case)
    if not open_:
        return Report((Finding("not-public"),), measured)
    return Report(tuple(findings), measured)


def _allowed(case: Case, column: str) -> bool:
    """Whether the contract says why this column may name people: nobody is recognised who is not named already."""
    held = case.contract.column(column)
    return held is not None and bool(reason_of(held))


def _undeclared(case: Case) -> tuple[Finding, ...]:
    """Rows about persons of which nothing is declared that they could be recognised by."""
    release = case.release
    named = [item for item in release.of_role("identifier") if not _allowed(case, item.column)]
    about = release.population or release.subject or named or release.sensitive
    return (Finding("risk-no-quasi", "review"),) if about else ()


def _levels(case: Case) -> tuple[tuple[Attribute, ...], list[Finding]]:
    """The quasi-identifiers with the ladder each stands on, and a finding for each level nobody has."""
    from arengo.privacy.hierarchy import hierarchy_of

    read = {item.name: item for item in case.intake_contract.as_read().properties}
    out, findings = [], []
    for item in case.release.quasi:
        if item.level not in ("", "0"):
            if not item.hierarchy and item.column in read:
                item = replace(item, hierarchy=hierarchy_of(read[item.column]))
            try:
                levels = case.codes.levels(item.hierarchy)
                known = item.level in levels or (item.level.isdecimal() and 0 < int(item.level) <= len(levels))
            except PolicyError:
                known = False
            if not known:
                facts = {"level": item.level, "hierarchy": item.hierarchy}
                findings.append(Finding("risk-no-hierarchy", "review", Frozen(facts), (item.column,)))
        out.append(item)
    return tuple(out), findings


def _columns(case: Case, held: Counted) -> list[Finding]:
    """Columns that hold nothing, and those that tell nearly everybody apart by themselves."""
    out = []
    for item, (values, filled) in zip(held.columns, counted.values(case, held), strict=True):
        if not filled:
            out.append(Finding("risk-empty-column", columns=(item.column,)))
        elif held.people >= _FEW and values > FINE * held.people:
            facts: dict[str, Any] = {"values": values, "rows": held.people}
            out.append(Finding("risk-too-fine", facts=Frozen(facts), columns=(item.column,)))
    return out


# Groups


def _groups(case: Case, held: Counted, measured: dict[str, Any]) -> list[Finding]:
    k = case.target.k
    found = counted.sizes(case, held)
    small = counted.below(case, held, found, k)
    by_column = counted.attribution(case, held, found, k) if small else {}
    truth = case.truth()
    mapped, apart = _met(counted.population(case, held, held.columns, truth), held)
    names = tuple(item.column for item in held.columns)
    measured.update(
        k=found.smallest, below=small, groups=found.number, unique=found.unique,
        sizes=counted.histogram(case, held, found),
        prosecutor=prosecutor(found, k).as_json(), by_column=by_column, population=None,
    )  # fmt: skip
    measured.update(_attackers(case, found, mapped, truth))
    if apart:  # whoever the rows are about, the register as it is compared does not list them
        measured.update(journalist=None, marketer=None, population_unique=None)
    place = next((item for item in held.columns if _is_place(item)), None)
    if place is not None:
        places = counted.by_place(case, held, place, k, case.target.threshold)
        measured["places"] = {"column": place.column, "below": places}
    out = []
    if held.people < k:
        out.append(Finding("risk-larger-k", "repair", Frozen(k=k), people=held.people))
    if mapped is not None:
        measured["population"] = _population(mapped, k)
    missing = apart or (mapped.missing if mapped is not None else 0)
    if missing:
        facts: dict[str, Any] = {"rows": held.people, "population": case.release.population}
        # Values that its own protection changed in some rows have no partner by design.
        if apart and not _recoded(case):
            out.append(Finding("risk-register-apart", "review", Frozen(facts), names, people=missing))
        else:
            out.append(Finding("risk-not-in-register", facts=Frozen(facts), people=missing))
    elif truth and mapped is None and not case.release.subject:
        out += _strange(case, held, truth)
    if not apart:
        out += _unlisted(case, truth, names)
    by_map = model_of(case.contract) == K_MAP
    if by_map and mapped is None and truth and not apart:
        out.append(Finding("risk-register-lacks", "review", Frozen(population=case.release.population), names))
    if by_map and mapped is not None and not mapped.missing:
        people = mapped.sizes.below(k)
        if people:
            facts = {"k": k, "unique": mapped.sizes.unique, "population": case.release.population}
            out.append(Finding("risk-small-map", "repair", Frozen(facts), names, people=people))
    elif small:
        costly = next(iter(by_column), names[0])
        facts = {"k": k, "unique": counted.alone(case, held, found), "rows": held.people, "column": costly}
        out.append(Finding("risk-small-groups", "repair", Frozen(facts), names, people=small))
    if not any(item.outcome == "repair" for item in out):
        out.append(Finding("risk-met", facts=Frozen(k=k), columns=names))
    return out + _profiles(case, held, truth, measured)


def _met(mapped: Mapped | None, held: Counted) -> tuple[Mapped | None, int]:
    """(what the register tells, 0), or (None, people it does not know) when those are most: then the two do not speak
    of the same, and what is counted of the few who match by chance says nothing."""
    if mapped is not None and 2 * mapped.missing > held.people:
        return None, mapped.missing
    return mapped, 0


def _recoded(case: Case) -> bool:
    """Whether the contract changes values row by row, beyond the levels of its columns."""
    told = case.contract.custom.get("arengoProtection", {})
    return bool(set(told) - {"suppress", "shuffle", "cells"} or told.get("suppress", {}).get("blank"))


def _strange(case: Case, held: Counted, truth: str) -> list[Finding]:
    """Rows linked to nobody, of which the register tells no column at all: nobody can be looked up in it."""
    described = case.connection.execute(f"SELECT * FROM {truth} LIMIT 0").description or ()
    known = {column[0] for column in described} - {counted.SUBJECT}
    if not known or any(item.concept in known for item in held.columns):
        return []
    facts = Frozen(population=case.release.population, known=", ".join(sorted(known)))
    return [Finding("risk-register-strange", "review", facts, tuple(item.column for item in held.columns))]


def _unlisted(case: Case, truth: str, names: tuple[str, ...]) -> list[Finding]:
    """Persons whose own numbers most of the register does not know: it lists others, however alike its values are."""
    from arengo.privacy.population import subject_of

    if not truth or not case.release.subject:
        return []
    reckoning = case.reckoned()
    people, register = reckoning.persons().persons, getattr(case.truth, "note", EMPTY).get("mark", "")
    known = reckoning.held(_LISTED) if reckoning.added is not None else None
    # Whom the register knew is there still, and it is the same one: at least so many are listed.
    listed = int(known[1]["listed"]) if known is not None and register and known[1]["register"] == register else 0
    if 2 * listed < people:
        listed = reckoning.count(f"(SELECT DISTINCT {counted.SUBJECT} AS s FROM {case.about}) r "
                                 f"SEMI JOIN {truth} t ON t._subject = r.s")  # fmt: skip
    reckoning.hold(_LISTED, "SELECT 1 AS nothing WHERE false", register=register, listed=listed)
    if 2 * listed >= people:
        return []
    facts = Frozen(rows=people, population=case.release.population)
    column = subject_of(case.contract, case.release.population)
    by = (column,) if column else names
    return [Finding("risk-register-apart", "review", facts, by, people=people - listed)]


def _population(mapped: Mapped, k: int) -> dict[str, int]:
    sizes = mapped.sizes
    return {"people": sizes.rows, "k": sizes.smallest, "below": sizes.below(k), "unique": sizes.unique,
            "missing": mapped.missing}  # fmt: skip


def _attackers(case: Case, found: Sizes, mapped: Mapped | None, truth: str) -> dict[str, Any]:
    """The journalist's and marketer's chances, and who is alone in the population: counted, else estimated."""
    k = case.target.k
    if mapped is not None:
        alone = mapped.sizes.unique
        people = mapped.sizes.rows
        return {
            "journalist": journalist(mapped.rows, mapped.people, k).as_json(),
            "marketer": round(marketer(mapped.rows, mapped.people), 6),
            "population_unique": {"uniques": alone, "share": round(alone / people, 6) if people else 0.0,
                                  "model": "register"},
        }  # fmt: skip
    same = prosecutor(found, k).as_json()
    out: dict[str, Any] = {"journalist": same, "marketer": same["success"], "population_unique": None}
    if truth:
        (people,) = case.connection.execute(f"SELECT count(*) FROM {truth}").fetchone() or (0,)
        told = estimate(found, int(people))
        out["population_unique"] = {"uniques": round(told.uniques), "share": round(told.share, 6), "model": told.model}
    return out


def _profiles(case: Case, held: Counted, truth: str, measured: dict[str, Any]) -> list[Finding]:
    """What each attacker the city names can do with what he knows; who knows everything was reckoned with above."""
    k, out = case.target.k, []
    told: dict[str, Any] = {}
    for profile in case.profiles:
        columns = _known(profile, held.columns)
        if profile == EVERYTHING or not columns:
            continue
        found = counted.sizes(case, held, columns)
        mapped, _ = _met(counted.population(case, held, columns, truth), held)
        names = tuple(item.column for item in columns)
        told[profile.name] = {
            "title": profile.title, "columns": list(names), "k": found.smallest, "below": found.below(k),
            "unique": found.unique, "population": _population(mapped, k) if mapped is not None else None,
        }  # fmt: skip
        name = profile.title or profile.name
        if mapped is not None:
            alone = mapped.sizes.unique
            if alone:
                facts = Frozen(profile=name, population=case.release.population)
                out.append(Finding("risk-profile", "block", facts, names, people=alone))
        elif found.unique > case.target.suppression * held.people and held.people >= k:
            # Nobody lists the population; but more stand alone than could be withheld.
            facts = Frozen(profile=name, rows=held.people)
            people = counted.alone(case, held, found, columns)
            out.append(Finding("risk-profile-alone", "block", facts, names, people=people))
    measured["profiles"] = told
    return out


def _known(profile: Profile, columns: Sequence[Attribute]) -> tuple[Attribute, ...]:
    return tuple(item for item in columns if "*" in profile.knows or item.concept in profile.knows)


def _is_place(item: Attribute) -> bool:
    return item.kind is Kind.STRING and any(part in _PLACES for part in item.concept.replace(".", "-").split("-"))


# Sensitive columns


def _sensitive(case: Case, held: Counted, measured: dict[str, Any]) -> list[Finding]:
    out: list[Finding] = []
    told: dict[str, Any] = {}
    for item in case.release.sensitive:
        found = _cells(case, held, item)
        if found is None:
            why: dict[str, Any] = {"what": item.column, "why": f"there are more than {COMBINATIONS:,} combinations"}
            out.append(Finding("not-looked", "review", Frozen(why), (item.column,)))
            continue
        data, cells = found
        told[item.column] = {**_measures(case, item, data, cells)}
        out += _judged(case, item, data, cells, told[item.column])
    measured["sensitive"] = told
    return out


def _cells(case: Case, held: Counted, item: Attribute) -> tuple[Tuples, sensitive.Cells] | None:
    names = [one.column for one in held.columns]
    table = case.reckoned().cells(names, item.column)
    (many,) = case.connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    if many > COMBINATIONS:
        return None
    data = counted.weighed(case.connection, table, [*names, item.column])
    return data, sensitive.cells(data, names, item.column)


def _measures(case: Case, item: Attribute, data: Tuples, cells: sensitive.Cells) -> dict[str, Any]:
    distance, t = _distance(case, item, data, cells)
    told = {
        "distinct": sensitive.distinct(cells), "entropy": sensitive.entropy(cells),
        "recursive": sensitive.recursive(cells, max(case.target.l, 2)), "t": t, "distance": distance,
        "delta": sensitive.delta_disclosure(cells), "beta": sensitive.beta_likeness(cells),
    }  # fmt: skip
    return {name: (round(value, 6) if math.isfinite(value) else None) if isinstance(value, float) else value
            for name, value in told.items()}  # fmt: skip


def _distance(case: Case, item: Attribute, data: Tuples, cells: sensitive.Cells) -> tuple[str, float]:
    """By the hierarchy of the values when the contract names one, by their order when they are numbers or dates."""
    values = data.values[-1]
    if item.hierarchy and item.level in ("", "0"):
        levels = _tree(case, item, values)
        if levels is not None:
            return "hierarchical", sensitive.closeness_hierarchical(cells, levels)
    if item.kind in (Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.TIMESTAMP):
        order = sorted(range(len(values)), key=lambda at: (values[at] is not None, _sortable(values[at])))
        ranks = np.empty(len(values), np.int64)
        ranks[order] = np.arange(len(values))
        return "ordered", sensitive.closeness_ordered(cells, ranks)
    return "equal", sensitive.closeness(cells)


def _sortable(value: Any) -> Any:
    return (0, value) if value is not None and value == value else (-1, 0)  # NaN stands before all


def _tree(case: Case, item: Attribute, values: Sequence[Any]) -> np.ndarray | None:
    """Group of each value at each level; None when the hierarchy is not in force or does not end in one group."""
    import pyarrow as pa

    try:
        names = case.codes.levels(item.hierarchy)
        told = [
            case.codes.sql(item.hierarchy, name, f"CAST(v AS {item.kind.duckdb})", str(item.kind)) for name in names
        ]
    except PolicyError:
        return None
    if not told:
        return None
    case.connection.register("_leaves", pa.table({"at": range(len(values)), "v": pa.array([
        None if value is None else str(value) for value in values], pa.string())}))  # fmt: skip
    try:
        listed = ", ".join(f"coalesce({sql}, '')" for sql in told)
        rows = case.connection.execute(f"SELECT {listed} FROM _leaves ORDER BY at").fetchall()
    finally:
        case.connection.unregister("_leaves")
    out = [
        np.unique(np.array(column, object).astype(str), return_inverse=True)[1] for column in zip(*rows, strict=True)
    ]
    if not out or out[-1].max(initial=0):
        return None
    return np.array(out, np.int64)


def _judged(case: Case, item: Attribute, data: Tuples, cells: sensitive.Cells, told: dict[str, Any]) -> list[Finding]:
    target, out = case.target, []
    nothing = next((at for at, value in enumerate(data.values[-1]) if value is None), None)
    if target.l > 1:
        poor = sensitive.poor(cells, target.l)
        people = int(cells.sizes[poor].sum())
        if people:
            facts = Frozen(l=target.l)
            out.append(Finding("risk-diversity", "repair", facts, (item.column,), people=people))
    else:
        # Groups below k are the business of k already.
        groups, people = sensitive.known(cells, nothing, target.k)
        told["homogeneous"] = {"groups": groups, "people": people}
        if people:
            out.append(Finding("risk-homogeneous", "review", Frozen(groups=groups), (item.column,), people=people))
    if target.t > 0 and told["t"] > target.t:
        facts = Frozen(t=round(told["t"], 3), most=target.t)
        out.append(Finding("risk-closeness", "repair", facts, (item.column,)))
    return out
