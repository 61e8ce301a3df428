"""Local recoding: values are made coarser only where people would stand out (LeFevre, DeWitt, Ramakrishnan,
*Mondrian multidimensional k-anonymity*, ICDE 2006).

All groups of one depth are split together, each by the column in which it is widest, at the value that halves its
people, when both halves keep at least ``k``. A group that cannot be halved by one column is tried by the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.privacy.tuples import Tuples, tuples

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

DEEPEST = 64
FEW = 6
"""Values of a group that are listed; more become the first and the last, or ``*``."""


def mondrian(codes: NDArray[np.int32], counts: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Group of each distinct combination. ``codes`` (columns, n): ranks of the values in their order; ``counts`` (n,).

    Every group holds at least ``k`` people when all together do.
    """
    columns, length = codes.shape
    group = np.zeros(length, np.int64)
    if not length:
        return group
    spread = np.maximum(codes.max(axis=1), 1).astype(np.float64)
    frozen = np.zeros(1, bool)
    for _ in range(DEEPEST):
        number = int(group.max()) + 1
        live = ~frozen[group]
        if not live.any():
            break
        at = np.flatnonzero(live)
        at = at[np.argsort(group[at], kind="stable")]
        mine = group[at]
        starts = np.flatnonzero(np.concatenate(([True], mine[1:] != mine[:-1])))
        width = np.full((columns, number), -1.0)
        for column in range(columns):
            held = codes[column, at]
            wide = np.maximum.reduceat(held, starts) - np.minimum.reduceat(held, starts)
            width[column, mine[starts]] = np.where(wide > 0, wide / spread[column], -1.0)
        order = np.argsort(-width, axis=0, kind="stable")
        right = np.zeros(length, bool)
        split = np.zeros(number, bool)
        for rank in range(columns):
            chosen = order[rank]
            ask = ~split & ~frozen & (width[chosen, np.arange(number)] > 0)
            if not ask.any():
                continue
            here = at[ask[mine]]
            done = _halve(codes, counts, group, chosen, here, number, k, right)
            split |= done
        if not split.any():
            break
        group, frozen = _renumbered(group, right, split, frozen)
    return group


def _halve(
    codes: NDArray[np.int32], counts: NDArray[np.int64], group: NDArray[np.int64], chosen: NDArray[np.int64],
    here: NDArray[np.int64], number: int, k: int, right: NDArray[np.bool_],
) -> NDArray[np.bool_]:  # fmt: skip
    """Mark the upper halves of the groups of ``here`` in ``right``; which groups could be halved."""
    mine = group[here]
    value = codes[chosen[mine], here].astype(np.int64)
    order = np.argsort(mine * (int(value.max()) + 1) + value)
    mine, value, weight, here = mine[order], value[order], counts[here][order], here[order]
    total = np.bincount(mine, weights=weight, minlength=number)
    running = np.cumsum(weight, dtype=np.float64)
    starts = np.flatnonzero(np.concatenate(([True], mine[1:] != mine[:-1])))
    before = np.zeros(number)
    before[mine[starts]] = running[starts] - weight[starts]
    below = running - before[mine]  # people up to and with this value, where its run ends
    ends = np.concatenate(((mine[1:] != mine[:-1]) | (value[1:] != value[:-1]), [True]))
    cut = np.flatnonzero(ends & (below >= k) & (total[mine] - below >= k))
    done = np.zeros(number, bool)
    if not len(cut):
        return done
    away = np.abs(below[cut] - total[mine[cut]] / 2)
    first = cut[np.lexsort((away, mine[cut]))]
    _, at = np.unique(mine[first], return_index=True)
    best = first[at]
    limit = np.zeros(number, np.int64)
    limit[mine[best]] = value[best]
    done[mine[best]] = True
    right[here[done[mine] & (value > limit[mine])]] = True
    return done


def _renumbered(
    group: NDArray[np.int64], right: NDArray[np.bool_], split: NDArray[np.bool_], frozen: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Groups from 0 again; one that could not be halved is finished."""
    number = len(split)
    upper = np.full(number, -1, np.int64)
    upper[split] = number + np.arange(int(split.sum()))
    made = np.where(right, upper[group], group)
    return made, np.concatenate((~split | frozen, np.zeros(int(split.sum()), bool)))


def ranked(found: Tuples) -> NDArray[np.int32]:
    """The codes of combinations as ranks of their values in their order; unknown first."""
    out = np.empty_like(found.codes)
    for at, values in enumerate(found.values):
        order = sorted(range(len(values)), key=lambda place: sortable(values[place]))
        rank = np.empty(len(values), np.int32)
        rank[order] = np.arange(len(values), dtype=np.int32)
        out[at] = rank[found.codes[at]]
    return out


def sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    if isinstance(value, bool | int | float):
        return (1, value)
    return (2, str(value))


def recoded(connection: duckdb.DuckDBPyConnection, table: str, by: Sequence[str], k: int) -> pa.Table:
    """For each combination of ``by`` in ``table``: its values ``v0``, ... and what is told instead, ``l0``, ...

    With fewer than ``k`` rows in all, everything is ``*``.
    """
    import pyarrow as pa

    found = tuples(connection, table, by)
    groups = mondrian(ranked(found), found.counts, k)
    columns: dict[str, Any] = {}
    for at, values in enumerate(found.values):
        held = pa.array(values)
        columns[f"v{at}"] = held.take(pa.array(found.codes[at]))
        columns[f"l{at}"] = pa.array(told(values, found.codes[at], groups, found.rows < k), pa.string())
    return pa.table(columns)


def told(values: Sequence[Any], codes: NDArray[np.int32], groups: NDArray[np.int64], hide: bool) -> list[str | None]:
    """What is told of one column instead of its values, for each combination."""
    number = int(groups.max(initial=-1)) + 1
    ordered = sorted(range(len(values)), key=lambda place: sortable(values[place]))
    rank = np.empty(len(values), np.int64)
    rank[ordered] = np.arange(len(values))
    key = np.unique(groups * max(len(values), 1) + rank[codes])
    owner, held = np.divmod(key, max(len(values), 1))
    bounds = np.searchsorted(owner, np.arange(number + 1))
    names: list[str | None] = []
    for at in range(number):
        members = [values[ordered[int(place)]] for place in held[bounds[at] : bounds[at + 1]]]
        names.append("*" if hide else spelt(members, len(values)))
    return [names[int(group)] for group in groups]


def spelt(members: Sequence[Any], of: int) -> str | None:
    """The name of a group of values, in their order: itself, ``{a, b}``, ``[20, 34]``, or ``*``."""
    if len(members) == 1:
        return None if members[0] is None else word(members[0])
    if len(members) == of or members[0] is None:
        return "*"
    if isinstance(members[0], str):
        return "{" + ", ".join(members) + "}" if len(members) <= FEW else "*"
    return f"[{word(members[0])}, {word(members[-1])}]"


def word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
