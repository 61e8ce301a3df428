"""``arengoProtection``'s ``cells``: a table of counts and sums is protected before it becomes a version.

What is left out becomes NULL. Cells that fell together because a dimension was made coarser are added up first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import EMPTY
from arengo.errors import Place, PolicyError
from arengo.lake.layout import quote
from arengo.privacy.cells import key as key_
from arengo.privacy.cells import rounding, suppress
from arengo.privacy.cells.step import primary
from arengo.privacy.cells.table import Layout, Table, layout, read
from arengo.privacy.release import Attribute, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.protect.work import Work

ROUNDS = 6
"""How often a table is looked at again beside earlier ones."""
SECONDS = 20.0
"""For the programs of one figure; a larger table gets a safe answer that may leave out more than it had to."""


def protect(work: Work, table: str, told: Mapping[str, Any]) -> int:
    """A rule of ``arengoProtection`` (:data:`arengo.privacy.protect.rules.RULES`) over the made ``table`` (SQL).

    How many cells were withheld. Raises PolicyError when the contract declares no table, or columns that are not in it.
    """
    declared = work.contract.custom.get("arengoCells", EMPTY)
    if not declared:
        raise PolicyError(
            "arengoProtection.cells protects a table of counts, and the contract does not say that it is one.",
            todo="Describe the table in arengoCells: the columns it is grouped by, and the column of the count.",
            place=Place(column="arengoProtection.cells"),
        )
    made = layout(declared, told)
    stored = {item.name for item in work.contract.properties}
    missing = [name for name in (*made.by, *made.measures) if name not in stored]
    if missing or not made.measures:
        raise PolicyError(
            f"arengoCells names columns that are not stored: {', '.join(missing) or 'it names no figures'}.",
            todo="Name columns of the contract; what is dropped cannot be part of the table.",
            place=Place(column="arengoCells"),
        )
    _merge(work, table, made)
    if made.method == "noise":
        _noised(work, table, made)
        return 0
    return _protected(work, table, made, told)


def _noised(work: Work, table: str, made: Layout) -> None:
    """Noise of differential privacy; the rows are other ones then, and are numbered by what they are about."""
    from arengo.privacy.noise.cells import cells

    cells(work.connection, table[1:-1].replace('""', '"'), work.contract)
    by = ", ".join(quote(name) for name in made.by)
    work.connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT * REPLACE (CAST(row_number() OVER (ORDER BY {by}) AS BIGINT) "
        "AS _number) FROM "
        f"{table} ORDER BY _number"
    )


def target_of(work: Work, told: Mapping[str, Any]) -> Target:
    """Threshold, dominance and p of the contract."""
    asked = work.contract.custom.get("arengoPrivacyTarget", EMPTY)
    plain = Target()
    dominance = asked.get("dominance", EMPTY)
    return Target(
        threshold=int(told.get("threshold", asked.get("threshold", plain.threshold))),
        dominance=(int(dominance.get("n", plain.dominance[0])), float(dominance.get("share", plain.dominance[1]))),
        p=float(asked.get("p", plain.p)),
    )


def _attributes(work: Work, by: Sequence[str]) -> list[Attribute]:
    from arengo.privacy.declared import attribute

    return [attribute(work.contract, item) for item in work.contract.properties if item.name in by]


def _merge(work: Work, table: str, made: Layout) -> None:
    """Totals that a coarser level took for unknown values are totals again, and equal cells are added up."""
    columns = {item.name: item for item in work.contract.properties}
    changed = [name for name in made.by if columns[name].protect]
    if not changed:
        return
    rows = f"{work.intake} AS i"
    if made.total:
        for name in changed:
            work.connection.execute(
                f"UPDATE {table} SET {quote(name)} = ? WHERE _number IN (SELECT CAST({work.number} AS BIGINT) "
                f"FROM {rows} WHERE CAST(i.{quote(name)} AS VARCHAR) = ?)",
                [made.total, made.total],
            )
    names = [row[0] for row in work.connection.execute(f"SELECT column_name FROM (DESCRIBE {table})").fetchall()]
    added = {made.count, *(item.column for item in made.sums), *(item.contributors for item in made.sums)}
    pairs = {item.largest: item for item in made.sums if item.largest}
    seconds = {item.second: item for item in made.sums if item.second}
    parts = []
    for name in names:
        held = quote(name)
        if name in made.by:
            parts.append(held)
        elif name in added:
            # A sum with an unknown part is unknown.
            parts.append(f"CASE WHEN count({held}) = count(*) THEN sum({held}) END AS {held}")
        elif name in pairs:
            parts.append(f"max({held}) AS {held}")
        elif name in seconds:
            first = quote(seconds[name].largest)
            both = f"list_sort(flatten([list({first}), list({held})]), 'DESC', 'NULLS LAST')"
            parts.append(f"({both})[2] AS {held}")
        elif name == "_number":
            parts.append(f"min({held}) AS {held}")
        else:
            parts.append(f"CASE WHEN count(DISTINCT {held}) = 1 AND count({held}) = count(*) THEN min({held}) END "
                         f"AS {held}")  # fmt: skip
    by = ", ".join(quote(name) for name in made.by)
    kept = work.connection.execute(f"SELECT count(*), count(DISTINCT ({by})) FROM {table}").fetchone() or (0, 0)
    if kept[0] == kept[1]:
        return
    types = ", ".join(
        f"CAST({quote(row[0])} AS {row[1]}) AS {quote(row[0])}"
        for row in work.connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall()
    )
    work.connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT {types} FROM (SELECT {', '.join(parts)} FROM {table} "
        f"GROUP BY {by}) ORDER BY _number"
    )


def _protected(work: Work, table: str, made: Layout, told: Mapping[str, Any]) -> int:
    target = target_of(work, told)
    here = {row[0] for row in work.connection.execute(f"SELECT column_name FROM (DESCRIBE {table})").fetchall()}
    wanted = [*made.measures, *made.telling, *(item.contributors for item in made.sums if item.contributors)]
    stored = tuple(dict.fromkeys(name for name in wanted if name in here))
    ordered = f"(SELECT * FROM {table} ORDER BY _number)"
    by = _attributes(work, made.by)
    held = read(work.connection, ordered, made, stored, by, _whole(work))
    figures = {**_behind(work, table, made, wanted, here), **held.values}
    first = primary(made, figures, target, target.threshold)
    first |= _hidden(held, told.get("hide", ()))
    out = {name: values.copy() for name, values in held.values.items()}
    if made.method == "suppress":
        none = np.zeros(len(held), bool)
        gone = _suppressed(work, made, held, figures, first, made.measures, target, none)
        if told.get("beside"):
            gone = _beside(work, table, made, held, figures, first, target, gone)
    else:
        if made.count:
            out[made.count] = _disturbed(work, made, held, told, target)
        sums = tuple(item.column for item in made.sums)
        gone = np.zeros(len(held), bool)
        if sums:
            gone = _suppressed(work, made, held, figures, first, sums, target, gone)
    keep = {made.count} if made.method != "suppress" else set()
    for name, values in out.items():
        if name not in keep:
            values[gone] = np.nan
    _write(work, table, out)
    return int(gone.sum())


def _beside(
    work: Work, table: str, made: Layout, held: Table, figures: Mapping[str, NDArray[np.float64]],
    first: NDArray[np.bool_], target: Target, gone: NDArray[np.bool_],
) -> NDArray[np.bool_]:  # fmt: skip
    """What is withheld once nothing small follows from the table beside earlier ones; looked at with the gate's own
    step after each round, which may find what became the next weak point."""
    from arengo.privacy.cells import beside, differencing, rowed

    if work.beside is None:
        raise PolicyError(
            "arengoProtection.cells asks to compare with earlier tables, and there are none to compare with here.",
            todo="Publish the dataset: its population's tables are known then.",
            place=Place(column="arengoProtection.cells"),
        )
    hidden = np.zeros(len(held), bool)
    places = {key: at for at, key in enumerate(held.keys)}
    wide = None
    if made.count and made.by:
        known = rowed.found(work.beside(table), held, made, held.values[made.count])
        if known.releases:
            wide = known.table
            gone = _suppressed(work, made, held, figures, first, made.measures, target, hidden, wide)
    for _ in range(ROUNDS):
        _write(work, table, {name: np.where(gone, np.nan, held.values[name]) for name in made.measures})
        found = differencing.exposed(work.beside(table))
        more = np.zeros(len(held), bool)
        for each in filter(None, (found, found.guess)):
            told = each.system.keys if each.system is not None else held.keys
            hide = beside.to_hide(each, target.threshold) | each.hide
            more[[places[told[cell]] for cell in hide if told[cell] in places]] = True
        more &= ~gone
        if not more.any():
            break
        hidden |= more
        gone = _suppressed(work, made, held, figures, first, made.measures, target, hidden, wide)
    return gone


def _whole(work: Work) -> Any:
    return work.codes if hasattr(work.codes, "between") else None


def _behind(
    work: Work, table: str, made: Layout, wanted: Sequence[str], here: set[str]
) -> dict[str, NDArray[np.float64]]:
    """Single contributions and contributors that are read and not stored, of rows that are still one cell each."""
    described = work.connection.execute(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {work.intake})").fetchall()
    known = {row[0] for row in described}
    names = [name for name in dict.fromkeys(wanted) if name not in here and name in known]
    if not names:
        return {}
    kept, read_ = (
        (work.connection.execute(f"SELECT count(*) FROM {source}").fetchone() or (0,))[0]
        for source in (table, work.intake)
    )
    if kept != read_:
        work.notes.append(
            f"arengoProtection.cells: {', '.join(names)} is not stored, and cells were added up, so that the rule for "
            "large contributions was left to the gate."
        )
        return {}
    figures = ", ".join(f"TRY_CAST(i.{quote(name)} AS DOUBLE)" for name in names)
    rows = work.connection.execute(
        f"SELECT {figures} FROM {table} t JOIN {work.intake} AS i ON t._number = CAST({work.number} AS BIGINT) "
        "ORDER BY t._number"
    ).fetchall()
    columns = zip(*rows, strict=True)
    return {name: np.array([np.nan if item is None else item for item in column], float)
            for name, column in zip(names, columns, strict=True)}  # fmt: skip


def _hidden(table: Table, told: Sequence[Mapping[str, str]]) -> NDArray[np.bool_]:
    """Cells the contract names; what it does not name of the columns means any label."""
    out = np.zeros(len(table), bool)
    for item in told:
        places = [(at, item[name]) for at, name in enumerate(table.by) if name in item]
        for cell, key in enumerate(table.keys):
            if places and all(key[at] == label for at, label in places):
                out[cell] = True
    return out


def _suppressed(
    work: Work, made: Layout, table: Table, figures: Mapping[str, NDArray[np.float64]], first: NDArray[np.bool_],
    measures: Sequence[str], target: Target, anyway: NDArray[np.bool_], wide: Table | None = None,
) -> NDArray[np.bool_]:  # fmt: skip
    """What is withheld, over all measures: what one needs is free for the next. ``anyway``: what must go and needs no
    protection of its own. ``wide``: the table of counts with what its readers know beside it (its further cells)."""
    gone: NDArray[np.bool_] = np.isnan(np.array([table.values[name] for name in measures])).any(axis=0) | anyway
    sums = {item.column: item for item in made.sums}
    for name in measures:
        values = table.values[name]
        width = np.full(len(table), float(target.threshold))
        if name in sums:
            top = figures.get(sums[name].largest)
            size = np.abs(top if top is not None else values)
            width = np.maximum(np.nan_to_num(size) * max(target.p, 0.1), 1e-3)
        if wide is not None and name == made.count:
            # What is missing in the table must stay unknown as well; all else beyond it is known.
            beyond = np.isnan(wide.values[name][len(table) :])
            known = np.concatenate([np.zeros(len(table), bool), ~beyond])
            done = suppress.protect(
                wide, name, np.concatenate([first & ~np.isnan(values), beyond]),
                np.pad(width, (0, len(beyond)), constant_values=float(target.threshold)),
                already=np.concatenate([gone, beyond]), fixed=known, seconds=SECONDS,
            )  # fmt: skip
        else:
            done = suppress.protect(table, name, first & ~np.isnan(values), width, already=gone, seconds=SECONDS)
        if done.open:
            work.notes.append(f"arengoProtection.cells: {done.open} cells of {name} had to take all they add up to "
                              "with them.")  # fmt: skip
        gone = gone | done.withheld[: len(table)]
    return gone


def _disturbed(work: Work, made: Layout, table: Table, told: Mapping[str, Any], target: Target) -> NDArray[np.float64]:
    seed = str(told.get("seed", ""))
    if made.method == "round":
        draw = hashlib.sha256(work.key("round", seed)).digest()
        return rounding.rounded(table, made.count, made.base, seed=draw, seconds=SECONDS)
    concepts = {item.column: item for item in _attributes(work, made.by)}
    names = [f"{concepts[name].concept}|{concepts[name].hierarchy if concepts[name].level else ''}|"
             f"{concepts[name].level}" for name in made.by]  # fmt: skip
    where = {f"{name}|where": ",".join(sorted(values)) for name, values in made.where.items()}
    said = [
        {
            **where,
            **{name: label for name, label in zip(names, key, strict=True) if not made.total or label != made.total},
        }
        for key in table.keys
    ]
    keys = key_.predicate_keys(said, key_.secret_for(work.secret, work.population, seed))
    return key_.perturbed(table.values[made.count], keys, made.base or target.threshold, target.threshold - 1)


def _write(work: Work, table: str, figures: Mapping[str, NDArray[np.float64]]) -> None:
    import pyarrow as pa

    numbers = [row[0] for row in work.connection.execute(f"SELECT _number FROM {table} ORDER BY _number").fetchall()]
    columns = {f"c{at}": pa.array([None if np.isnan(item) else float(item) for item in values], pa.float64())
               for at, values in enumerate(figures.values())}  # fmt: skip
    work.connection.register("_cells", pa.table({"number": pa.array(numbers, pa.int64()), **columns}))
    types = dict(work.connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall())
    told = ", ".join(f"{quote(name)} = CAST(_cells.c{at} AS {types[name]})" for at, name in enumerate(figures))
    work.connection.execute(f"UPDATE {table} SET {told} FROM _cells WHERE {table}._number = _cells.number")
    work.connection.unregister("_cells")
