"""Local recoding: values are made coarser only where people would stand out (LeFevre, DeWitt, Ramakrishnan,
*Mondrian multidimensional k-anonymity*, ICDE 2006).

All groups of one depth are split together, each by the column in which it is widest, at the value that halves its
people, when both halves keep at least ``k``. A group that cannot be halved by one column is tried by the others. The
members of a group lie side by side, so a depth is a few passes over what can still be split, and groups that are small
enough go on by themselves, where they fit into the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.privacy.search.lattice import in_order
from arengo.privacy.tuples import Stored, Tuples, Values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BLOCK = 1 << 17
"""Combinations that are split together once the groups are that small."""
SPARSE, SMALL = 8, 1 << 16
"""People of a value are counted in an array instead of sorted where there are at most this many places for each
combination, or this many in all."""
MOST = 4_000_000
"""Combinations of a part that is recoded by itself when they do not fit into memory together."""


def mondrian(codes: NDArray[np.int32], counts: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Group of each distinct combination. ``codes`` (columns, n): ranks of the values in their order; ``counts`` (n,).

    Every group holds at least ``k`` people when all together do.
    """
    columns, length = codes.shape
    group = np.zeros(length, np.int64)
    if not length or not columns:
        return group
    spread = np.maximum(codes.max(axis=1), 1).astype(np.float64)
    waiting = [_Groups(codes, counts.astype(np.float64), np.arange(length), np.array([0, length]))]
    made = 0
    while waiting:
        held: _Groups | None = waiting.pop()
        while held is not None:
            if len(held.rows) > 2 * BLOCK and held.largest <= BLOCK:
                waiting += held.blocks()
                break
            held, done, lengths = _halved(held, spread, max(k, 1))
            group[done] = np.repeat(np.arange(made, made + len(lengths)), lengths)
            made += len(lengths)
    return group


@dataclass(frozen=True, slots=True)
class _Groups:
    """Combinations ordered by group: ``codes`` (columns, m), ``people`` (m,), ``rows`` (m,) which ones they are;
    ``bounds`` (groups + 1,) where each group begins, and the end."""

    codes: NDArray[np.int32]
    people: NDArray[np.float64]
    rows: NDArray[np.int64]
    bounds: NDArray[np.int64]

    @property
    def largest(self) -> int:
        return int(np.diff(self.bounds).max())

    def blocks(self) -> Iterator[_Groups]:
        at, last = 0, len(self.bounds) - 1
        while at < last:
            end = max(int(np.searchsorted(self.bounds, self.bounds[at] + BLOCK, "right")) - 1, at + 1)
            low, high = int(self.bounds[at]), int(self.bounds[end])
            part = slice(low, high)
            yield _Groups(self.codes[:, part], self.people[part], self.rows[part], self.bounds[at : end + 1] - low)
            at = end


_Halved = tuple[_Groups | None, "NDArray[np.int64]", "NDArray[np.int64]"]


def _halved(held: _Groups, spread: NDArray[np.float64], k: int) -> _Halved:
    """The halves of the groups that can be halved; and of the others their rows, and how many rows each has."""
    starts, lengths = held.bounds[:-1], np.diff(held.bounds)
    number = len(lengths)
    low = np.minimum.reduceat(held.codes, starts, axis=1)
    high = np.maximum.reduceat(held.codes, starts, axis=1)
    wide = (high - low) / spread[:, None]
    order = np.argsort(-wide, axis=0, kind="stable")
    owner = np.repeat(np.arange(number), lengths)
    total = np.add.reduceat(held.people, starts)
    right = np.zeros(len(owner), bool)
    split = np.zeros(number, bool)
    for column in order:
        asked = ~split & (total >= 2 * k) & (wide[column, np.arange(number)] > 0)
        ask = np.flatnonzero(asked)
        if not len(ask):
            break
        place = np.arange(len(owner)) if len(ask) == number else np.flatnonzero(asked[owner])
        of = np.repeat(np.arange(len(ask)), lengths[ask])
        chosen = column[ask]
        extent = high[chosen, ask].astype(np.int64) - low[chosen, ask] + 1
        base = np.concatenate(([0], np.cumsum(extent)))
        # A place of its own for each value of each group.
        key = (base[:-1] - low[chosen, ask])[of] + held.codes[chosen[of], place]
        good, last = _cut(key, held.people[place], base, total[ask], k)
        split[ask[good]] = True
        right[place] = key > np.where(good, last, base[-1])[of]
    return _parted(held, owner, lengths, split, right)


def _cut(
    key: NDArray[np.int64], people: NDArray[np.float64], base: NDArray[np.int64], total: NDArray[np.float64], k: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which groups can be halved, and the last place of the lower half: where the people up to there come nearest to
    half of them; that is too few or too many only where it is so everywhere."""
    size = int(base[-1])
    running: NDArray[Any]
    keys: NDArray[np.int64] | None = None
    if size <= max(SPARSE * len(key), SMALL):
        running, bounds = np.cumsum(np.bincount(key, people, size)), base
    else:
        order, ordered = in_order(key, size)
        ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        running, keys = np.cumsum(people[order])[ends], ordered[ends]
        bounds = np.searchsorted(keys, base)
    first = bounds[:-1]
    before = np.concatenate(([0.0], running))[first]
    above = np.searchsorted(running, before + total / 2)
    under = above - 1
    less = np.where(under >= first, running[under] - before, 0.0)
    more = running[above] - before
    lower = total / 2 - less <= more - total / 2
    at, held = np.where(lower, under, above), np.where(lower, less, more)
    return (held >= k) & (total - held >= k), at if keys is None else keys[at]


def _parted(
    held: _Groups, owner: NDArray[np.int64], lengths: NDArray[np.int64], split: NDArray[np.bool_],
    right: NDArray[np.bool_],
) -> _Halved:  # fmt: skip
    """Move the halves apart; groups that were not halved are done."""
    codes, people, rows = held.codes, held.people, held.rows
    done, sizes = rows[:0], lengths[~split]
    if len(sizes):
        going = split[owner]
        done = rows[~going]
        if len(done) == len(rows):
            return None, done, sizes
        codes, people, rows, right = codes[:, going], people[going], rows[going], right[going]
        lengths = lengths[split]
        owner = np.repeat(np.arange(len(lengths)), lengths)
    starts = np.concatenate(([0], np.cumsum(lengths)))
    passed = np.cumsum(right)
    before = np.concatenate(([0], passed))[starts]
    lower = lengths - np.diff(before)
    passed = passed - right  # of the upper half, before each
    to = np.where(
        right,
        (starts[:-1] + lower - before[:-1])[owner] + passed,
        np.arange(len(rows)) - passed + before[:-1][owner],
    )
    moved = np.empty_like(codes)
    for at in range(len(codes)):
        moved[at, to] = codes[at]
    weights, members = np.empty_like(people), np.empty_like(rows)
    weights[to], members[to] = people, rows
    bounds = np.empty(2 * len(lengths) + 1, np.int64)
    bounds[0::2], bounds[1::2] = starts, starts[:-1] + lower
    return _Groups(moved, weights, members, bounds), done, sizes


def ranked(found: Tuples) -> NDArray[np.int32]:
    """The codes of combinations as ranks of their values in their order; unknown first."""
    out = np.empty_like(found.codes)
    for at, values in enumerate(found.values):
        out[at] = _rank(values)[found.codes[at]]
    return out


def _rank(values: Sequence[Any]) -> NDArray[np.int32]:
    if isinstance(values, Values):
        return np.arange(len(values), dtype=np.int32)  # as the engine ordered them
    rank = np.empty(len(values), np.int32)
    rank[sorted(range(len(values)), key=lambda place: sortable(values[place]))] = np.arange(len(values), dtype=np.int32)
    return rank


def sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    if isinstance(value, bool | int | float):
        return (1, value)
    return (2, str(value))


def parts(found: Tuples | Stored, k: int) -> Iterator[Tuples]:
    """What is recoded by itself: all, or where that does not fit into memory stretches of a column's values that hold
    at least ``k`` people each."""
    if isinstance(found, Tuples):
        yield found
        return
    columns = sorted(range(len(found.columns)), key=lambda at: -len(found.values[at]))
    for where in _stretches(found, columns, "true", k):
        yield found.fetched(f"WHERE {where}")


def _stretches(found: Stored, columns: Sequence[int], where: str, k: int) -> Iterator[str]:
    """Conditions that divide the combinations of one, by the first of ``columns`` that can."""
    if not columns:
        yield where
        return
    name = f"c{columns[0]}"
    told = found.connection.execute(
        f"SELECT {name} AS c, count(*) AS m, CAST(sum(n) AS BIGINT) AS n FROM {found.table} WHERE {where} "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    ends: list[tuple[int, int, int]] = []  # last value, combinations, people
    for value, length, people in told:
        if ends and (ends[-1][2] < k or ends[-1][1] + length <= MOST):
            ends[-1] = (value, ends[-1][1] + length, ends[-1][2] + people)
        else:
            ends.append((value, length, people))
    if len(ends) > 1 and ends[-1][2] < k:
        last = ends.pop()
        ends[-1] = (last[0], ends[-1][1] + last[1], ends[-1][2] + last[2])
    before = -1
    for value, length, _ in ends:
        mine = f"{where} AND {name} > {before} AND {name} <= {value}"
        before = value
        if length > MOST:
            yield from _stretches(found, columns[1:], mine, k)
        else:
            yield mine
