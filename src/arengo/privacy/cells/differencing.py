"""Step 6: what the table of counts gives away together with the tables that are already public.

Source: privacy.md section 3, step 6. What is new with the candidate is judged; what earlier tables already give away
together is told, and not held against it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import EMPTY, Frozen
from arengo.privacy.cells import contributions, later, nearly, places, rank, rowed, shared, sums, variants
from arengo.privacy.cells import pinned as pinned_
from arengo.privacy.cells.atoms import OTHER, Atoms, Published, TooMany, atoms, published
from arengo.privacy.cells.parts import Parts, Rows, own_cells, stack
from arengo.privacy.cells.table import layout
from arengo.privacy.finding import Finding, Report
from arengo.privacy.release import CELLS, Release

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.case import Case

OUTSIDE = 0.05
"""Share of the register that may live outside of all areas before a person looks at the maps."""
NAMED = 4
"""Columns taken for one that a verdict names."""
ALIKE = 0.2
"""Two tables count the same persons when their share of the register differs by no more than this."""


@dataclass(frozen=True, slots=True)
class System:
    """What an attacker reckons with: ``matrix`` @ parts == ``figures``, of all exact cells. ``mine``: the candidate's,
    ``cell``: their places in their table. ``sizes``: persons in each part, NaN where the register does not say.
    ``parts``: those that only the candidate makes derivable; ``near``: small ones that it touches.
    """

    matrix: Any
    figures: NDArray[np.float64]
    mine: NDArray[np.bool_]
    cell: NDArray[np.int64]
    sizes: NDArray[np.float64]
    parts: tuple[tuple[int, ...], ...]
    near: NDArray[np.bool_]
    keys: tuple[Any, ...] = ()  # labels of the candidate's cells, by their places


@dataclass(frozen=True, slots=True)
class Exposed:
    """Parts of the population that only the candidate makes derivable. ``counts``: persons in each (rounded figures
    of the register or of the tables), ``people``: in all of them. ``releases``: labels of earlier ones that take part.
    ``cells``: indices of the candidate's cells that take part, per part. ``zonings``: datasets of the areas that had to
    be laid over each other for it, '' where none had; ``guessed``: nobody said who lives where they overlap, or that
    columns with the very same groups are of one concept.
    """

    counts: tuple[int, ...] = ()
    people: int = 0
    alike: tuple[int, ...] = ()
    releases: tuple[str, ...] = ()
    cells: tuple[tuple[int, ...], ...] = ()
    pinned: int = 0
    unlooked: int = 0
    already: int = 0
    measured: dict[str, Any] = field(default_factory=dict)
    notes: tuple[Finding, ...] = ()
    zonings: str = ""
    guessed: bool = False
    system: System | None = None
    within: str = ""
    hide: frozenset[int] = frozenset()  # the candidate's cells best left out for what sums tell of contributors
    taken: tuple[shared.Taken, ...] = ()
    guess: Exposed | None = None  # what follows beyond this where ``taken`` columns are one


def look(case: Case) -> Report:
    """Findings of step 6; of a candidate of rows what they tell of earlier tables."""
    if not (case.release.cells or case.contract.custom.get("arengoCells")):
        return Report(tuple(later.look(case)))
    declared = case.release.cells or case.contract.custom.get("arengoCells", EMPTY)
    if any(case.contract.column(name) is None for name in (*declared.get("by", ()), declared.get("count")) if name):
        return Report()  # the step before says that the table lacks columns it names
    report = told(case, exposed(case))
    # What rows tell and what tables tell are two questions: a register answers for tables only.
    layout_ = layout(declared, case.contract.custom.get("arengoProtection", EMPTY).get("cells", EMPTY))
    return replace(report, findings=(*report.findings, *rowed.look(case, layout_), *later.look(case)))


def told(case: Case, found: Exposed) -> Report:
    """What was found as findings; what rests on a guess goes to a person, whatever else is found."""
    if found.guess is None:
        return _told(case, found)
    sure, guess = _told(case, found), _told(case, found.guess)
    asked = [replace(item, outcome="review") for item in guess.findings if item.outcome != "pass"]
    if not asked:
        return sure
    listed = "; ".join(
        f"{item.column} of {item.release} and {item.other} of {item.beside} ({item.labels:,})"
        for item in found.guess.taken[:NAMED]
    )
    note = Finding("cells-taken-for-one", "pass", Frozen({"what": listed}), (), asked[0].releases)
    measured = {**sure.measured, "guessed": guess.measured}
    return Report((*sure.findings, *asked, note), measured)


def _told(case: Case, found: Exposed) -> Report:
    findings = list(found.notes)
    total = len(found.counts)
    facts: dict[str, Any] = {"parts": total, "threshold": case.target.threshold}
    columns = tuple((case.release.cells or case.contract.custom.get("arengoCells", EMPTY)).get("by", ()))
    outcome = "review" if found.guessed else "block"
    if total:
        code = "cells-differenced" if found.releases else "cells-differenced-alone"
        if found.zonings:
            code = "cells-differenced-areas" if found.guessed else "cells-differenced-places"
            facts = {**facts, "zonings": found.zonings, "release": case.release.label}
        findings.append(Finding(code, outcome, Frozen(facts), columns, found.releases, found.people))
    if found.alike:
        findings.append(
            Finding("cells-differenced-group", outcome, Frozen({"parts": len(found.alike)}), columns, found.releases,
                    int(sum(found.alike)))
        )  # fmt: skip
    if found.pinned:
        findings.append(
            Finding("cells-pinned", "repair", Frozen({**facts, "parts": found.pinned}), columns, found.releases)
        )
    if found.already:
        findings.append(Finding("cells-differenced-before", "pass", Frozen({"parts": found.already})))
    if found.unlooked:
        # What can be worked out exactly was looked at in full; this is only about estimates.
        why = (
            f"{found.unlooked:,} small parts, in cells of {found.within or 'this table'}, were left over, more than "
            f"{pinned_.SECONDS:g} seconds of linear programs can take"
        )
        what = "How closely some small parts of the population can be estimated"
        findings.append(Finding("not-looked", "review", Frozen({"what": what, "why": why})))
    return Report(tuple(findings), found.measured)


def exposed(case: Case) -> Exposed:
    """What the candidate exposes beside all earlier tables of its population."""
    started = time.monotonic()
    declared = case.release.cells or case.contract.custom.get("arengoCells", EMPTY)
    protection = case.contract.custom.get("arengoProtection", EMPTY).get("cells", EMPTY)
    mine = published(case, case.release, case.table, layout(declared, protection or declared.get("protection") or {}))
    notes: list[Finding] = []
    earlier = [item for item in case.earlier if item.form == CELLS and item.cells]
    others, gone = _others(case, earlier)
    if gone:
        why = "the cells of " + ", ".join(gone) + " are not kept"
        notes.append(Finding("not-looked", "review", Frozen({"what": "An earlier table", "why": why})))
    every = others
    others = [item for item in others if _near(case, mine, item)]
    if not case.release.population:
        why = "the contract names no population (arengoPopulation)"
        if earlier or others:
            notes.append(Finding("not-looked", "review", Frozen({"what": "Overlap with earlier tables", "why": why})))
        else:
            notes.append(Finding("not-looked", "pass", Frozen({"what": "Overlap with earlier tables", "why": why})))
    if case.release.population:
        notes += nearly.look(case, every, mine)
    made = _laid(case, others, mine, notes, started)
    return replace(made, guess=_guessed(case, every, others, mine, made)) if case.release.population else made


def _laid(
    case: Case, others: list[Published], mine: Published, notes: list[Finding], started: float
) -> Exposed:  # fmt: skip
    """The candidate laid over other tables: differences of counts and of sums."""
    alike = False
    try:
        try:
            held = atoms(case, [*others, mine])
        except TooMany:
            (*others, mine), alike = variants.merged([*others, mine])
            if not alike:
                raise
            held = atoms(case, [*others, mine])
    except TooMany:
        names = pinned_.labels(range(len(others) + 1), [item.release.label for item in (*others, mine)])
        why = f"together {names} divide the population into too many parts"
        return Exposed(notes=(*notes, Finding("not-looked", "review", Frozen({"what": "Differencing", "why": why}))))
    except places.TooManyPieces:
        why = f"laid over each other, the areas make more than {places.MOST:,} pieces"
        return Exposed(notes=(*notes, Finding("not-looked", "review", Frozen({"what": "Differencing", "why": why}))))
    telling, hide = contributions.differenced(case, held, others, mine)
    notes = [*notes, *_mapped(held), *sums.differenced(case, held, others, mine), *telling]
    made = _compare(case, held, others, mine, started)
    return replace(made, notes=(*notes, *made.notes), guessed=made.guessed or alike, hide=hide)


def _mapped(held: Atoms) -> list[Finding]:
    """What speaks against the maps by which areas were laid over each other."""
    notes = []
    if held.met is not None and held.met.strange:
        why = f"most of the names in the table are not those of the areas in {places.named(held.met.strange)}"
        notes.append(Finding("not-looked", "review", Frozen({"what": "Where areas overlap", "why": why})))
    if held.met is not None and held.met.outside > OUTSIDE:
        why = f"{held.met.outside:.0%} of the register live in none of the areas of {places.named(held.met.zonings)}"
        notes.append(Finding("not-looked", "review", Frozen({"what": "Where areas overlap", "why": why})))
    return notes


def _guessed(
    case: Case, every: Sequence[Published], others: Sequence[Published], mine: Published, sure: Exposed
) -> Exposed | None:  # fmt: skip
    """What follows beyond ``sure`` where columns with the same labels are one; None where nothing does. ``every``: all
    earlier tables, ``others``: those that are compared without the guess."""
    told_, taken = shared.linked([*every, mine])
    if not taken:
        return None
    started = time.monotonic()
    meant = told_[-1]
    compared = {item.release.label for item in others}
    met = {item.beside for item in taken} | {item.release for item in taken}
    series = {item.release.dataset for item in told_[:-1] if item.release.label in met}
    near = [item for item in told_[:-1] if item.release.dataset in series]
    all_ = [item for item in told_[:-1] if item in near or item.release.label in compared]
    found = _laid(case, all_, meant, [], started)
    if found.system is None:
        # All at once are too many: the tables of one dataset at a time, which is where a difference is made.
        each = [[item for item in near if item.release.dataset == name] for name in sorted(series)]
        laid = [_laid(case, listed, meant, [], started) for listed in each]
        found = max(laid, key=lambda item: (item.system is not None, item.people, len(item.alike), len(item.notes)))
        if found.system is None:
            return found if sure.system is not None else None
    more = (found.people, len(found.counts)) > (sure.people, len(sure.counts))
    beyond = replace(
        found, taken=taken, system=replace(found.system, keys=mine.keys), measured=found.measured,
        notes=tuple(item for item in found.notes if _beyond(item, sure.notes)),
        counts=found.counts if more else (), people=found.people if more else 0,
        alike=found.alike if len(found.alike) > len(sure.alike) else (),
        pinned=found.pinned if found.pinned > sure.pinned else 0, already=0, unlooked=0,
    )  # fmt: skip
    return beyond if beyond.counts or beyond.alike or beyond.pinned or beyond.notes else None


def _beyond(item: Finding, sure: Sequence[Finding]) -> bool:
    """Whether a finding about sums says more than what is known without the guess."""
    if item.code not in ("cells-sums-differenced", contributions.CODE):
        return False
    known = [each for each in sure if each.code == item.code and each.columns == item.columns]
    return all((item.people, item.facts["parts"]) > (each.people, each.facts["parts"]) for each in known)


def _others(case: Case, earlier: Sequence[Release]) -> tuple[list[Published], list[str]]:
    out, gone = [], []
    for item in earlier:
        source = case.rows(item)
        if source:
            out.append(published(case, item, source if " " not in source else f"({source})"
                                 if source.lstrip().upper().startswith(("SELECT", "FROM")) else source,
                                 layout(item.cells)))  # fmt: skip
        else:
            gone.append(item.label)
    return out, gone


def _near(case: Case, mine: Published, other: Published) -> bool:
    """Whether another table can be combined with the candidate at all: it shares a concept, is about everybody, or
    both show areas, which may overlap."""
    if mine.concepts() & other.concepts() or case.truth() or not other.concepts() or not mine.concepts():
        return True
    return all(
        places.zoned(case, sorted({c for column in item.codings for c in column if c})) for item in (mine, other)
    )


def _compare(case: Case, held: Atoms, others: list[Published], mine: Published, started: float) -> Exposed:
    threshold = case.target.threshold
    tables = [*others, mine]
    rows = stack(held, tables)
    last = len(others)
    alive = _same(rows, held, tables)
    keep = np.isin(rows.owner, np.flatnonzero(alive))
    rows = Rows(rows.matrix[np.flatnonzero(keep)], *(getattr(rows, name)[keep] for name in
                                                      ("figures", "slack", "owner", "cell", "kind")))  # fmt: skip
    truth = _truth(held, rows, last)
    # Where nobody is, nothing can be learnt; an exact nought says so of all it covers.
    empty = np.zeros(len(held), bool)
    if truth:
        empty |= held.counts == 0
    nought = np.flatnonzero((rows.figures == 0) & (rows.slack == 0))
    if not truth and len(nought):
        empty |= np.asarray(rows.matrix[nought].sum(axis=0)).ravel() > 0
    matrix = rows.matrix[:, np.flatnonzero(~empty)] if empty.any() else rows.matrix
    counts = held.counts[~empty] if truth else np.full(matrix.shape[1], np.nan)
    which = rank.merged(matrix) if matrix.shape[1] else np.zeros(0, np.int64)
    many = int(which.max(initial=-1)) + 1
    first = np.zeros(many, np.int64)
    first[which] = np.arange(len(which))
    matrix = matrix[:, first].tocsr() if many < len(which) else matrix
    sizes = np.zeros(many)
    np.add.at(sizes, which, counts)
    kept = np.flatnonzero(~empty)[first]
    measured: dict[str, Any] = {
        "releases": len(others), "cells": int(matrix.shape[0]), "atoms": len(held), "parts": many, "register": truth,
    }  # fmt: skip
    figures = np.asarray(matrix @ sizes).ravel() if truth else rows.figures
    exact = rows.slack == 0
    now = np.flatnonzero(exact)
    before = np.flatnonzero(exact & (rows.owner != last))
    small = (sizes > 0) & (sizes < threshold) if truth else None
    after = rank.derive(matrix[now], figures[now], small)
    # What was derivable before still is: nothing found now, nothing was before.
    few = after.single if small is None else after.single & small
    known = len(others) > 0 and (bool(few.any()) or bool(after.pairs))
    prior = rank.derive(matrix[before], figures[before], small) if known else rank.nothing(many)
    own = own_cells(matrix, rows, last)
    exposing = Parts(matrix, figures, sizes, truth, threshold)
    exposing.take(after, prior, own)
    exposing.nested(rows, last, before)
    exposed_ = exposing.done()
    already = exposing.before(prior, matrix[before])
    earlier_names, cells = exposing.explain(rows, last, exposed_, others)
    single = np.diff(matrix.indptr) == 1
    direct = np.zeros(many, bool)
    direct[matrix[np.flatnonzero(single & (rows.owner == last))].indices] = True
    covered = np.diff(matrix.tocsc().indptr) > 0
    alike = () if truth else _alike(held, kept, after, prior, mine, direct, covered)
    estimated = pinned_.Pinned()
    if truth and small is not None:
        estimated = pinned_.pinned(rows, matrix, figures, sizes, small, after.single, last, threshold)
    measured |= {
        "derivable": int(after.single.sum()), "derivable_before": int(prior.single.sum()),
        "exposed": len(exposed_), "pinned": estimated.parts, "programs": estimated.solved, "unproved": after.unproved,
        "seconds": round(time.monotonic() - started, 3),
    }  # fmt: skip
    notes = []
    if after.skipped:
        why = f"{after.skipped:,} cells overlap each other, more than are solved at once"
        notes.append(Finding("not-looked", "review", Frozen({"what": "Differencing of all cells together",
                                                             "why": why})))  # fmt: skip
    if alike and not earlier_names:
        earlier_names = tuple(dict.fromkeys(item.release.label for item in others))
    zonings, guessed = _crossed(held, [*(item for item in others if item.release.label in earlier_names), mine])
    touched = np.asarray(matrix[np.flatnonzero(exact & (rows.owner == last))].sum(axis=0)).ravel() > 0
    near = touched & small if small is not None else np.zeros(many, bool)
    system = System(matrix[now], figures[now], rows.owner[now] == last, rows.cell[now], sizes,
                    tuple(columns for columns, _ in exposed_), near, mine.keys)  # fmt: skip
    counted, people = exposing.counted(exposed_)
    return Exposed(counted, people, alike, earlier_names, cells, estimated.parts,
                   estimated.unlooked, already, measured, tuple(notes), zonings, guessed, system,
                   pinned_.labels(estimated.within, [item.release.label for item in others]))  # fmt: skip


def _crossed(held: Atoms, tables: Sequence[Published]) -> tuple[str, bool]:
    """The datasets of areas that had to be laid over each other to compare ``tables``, and whether who lives where they
    overlap is a guess by their shapes."""
    if held.met is None:
        return "", False
    used = {coding for item in tables for column in item.codings for coding in column if coding is not None}
    zonings = sorted({held.met.zonings[held.met.columns[coding]] for coding in used & held.met.columns.keys()})
    if len(zonings) < 2:
        return "", False
    return places.named(zonings), held.met.source == places.AREAS


def _same(rows: Rows, held: Atoms, tables: Sequence[Published]) -> NDArray[np.bool_]:
    """Which tables count the same persons as the candidate, judged by their share of the register: a table of library
    members says nothing about residents by being subtracted from them.
    """
    last = len(tables) - 1
    alive = np.ones(len(tables), bool)
    if np.isnan(held.counts).any():
        return alive
    laid = held.met.columns if held.met is not None else {}
    sure = ~np.isnan(rows.figures)
    expected = np.asarray(rows.matrix @ held.counts).ravel()
    shares = np.full(len(tables), np.nan)
    for number in range(len(tables)):
        chosen = sure & (rows.owner == number)
        if expected[chosen].sum() > 0:
            shares[number] = rows.figures[chosen].sum() / expected[chosen].sum()
        if any(coding in laid for column in tables[number].codings for coding in column):
            # Where people live says nothing of a table of where they work, though both name the same areas.
            off = np.abs(rows.figures[chosen] - expected[chosen]).sum()
            alive[number] = off <= ALIKE * max(expected[chosen].sum(), 1.0)
    if not np.isnan(shares[last]):
        with np.errstate(divide="ignore", invalid="ignore"):
            far = np.abs(np.log(np.maximum(shares, 1e-9) / max(shares[last], 1e-9))) > np.log1p(ALIKE)
        alive[far & ~np.isnan(shares)] = False
    alive[:last] &= alive[last]
    alive[last] = True
    return alive


def _truth(held: Atoms, rows: Rows, last: int) -> bool:
    """Whether the register counts what the tables count, so that its figures may stand for theirs."""
    if np.isnan(held.counts).any():
        return False
    chosen = (rows.owner == last) & ~np.isnan(rows.figures)
    expected = float((rows.matrix[np.flatnonzero(chosen)] @ held.counts).sum())
    if not chosen.any() or expected <= 0:
        return True
    return bool(abs(np.log(max(float(rows.figures[chosen].sum()), 1e-9) / expected)) <= np.log1p(ALIKE))


def _alike(
    held: Atoms,
    kept: NDArray[np.int64],
    after: rank.Derived,
    prior: rank.Derived,
    mine: Published,
    direct: NDArray[np.bool_],
    covered: NDArray[np.bool_],
) -> tuple[int, ...]:
    """Derived parts whose members all share one sensitive value (as many persons each).

    Parts are grouped by everything but the sensitive concept; where every value of it is derivable in a group and all
    but one are empty, being in the group tells the value. ``direct``: parts the candidate shows as cells; those are
    judged as cells. ``covered``: parts that any table counts.
    """
    sensitive = {item.concept for item in mine.release.attributes if item.role == "sensitive"}
    told = [coding for coding in held.codes if coding[0] in sensitive]
    if not len(kept) or not any(len(held.labels[coding].keys() - {OTHER}) > 1 for coding in told):
        return ()
    group = np.zeros(len(held), np.int64)
    for coding in held.codes:
        if coding[0] not in sensitive:
            _, group = np.unique(group * len(held.labels[coding]) + held.codes[coding], return_inverse=True)
    group = group[kept]
    fresh = after.single & ~prior.single & ~direct & (np.nan_to_num(after.value) > 0.5)
    out = []
    for number in np.unique(group[fresh]):
        parts = np.flatnonzero((group == number) & covered)
        if after.single[parts].all():
            there = [int(part) for part in parts if after.value[part] > 0.5]
            if len(there) == 1 and fresh[there[0]]:
                out.append(round(float(after.value[there[0]])))
    return tuple(out)
