"""How few points of a person's rows tell them from everybody: unicity and k^m.

Unicity: de Montjoye, Hidalgo, Verleysen, Blondel, *Unique in the crowd*, Scientific Reports 3:1376, 2013; with a
tolerance of time: Narayanan, Shmatikov, *Robust de-anonymization of large sparse datasets*, IEEE S&P 2008. k^m:
Terrovitis, Mamoulis, Kalnis, *Privacy-preserving anonymization of set-valued data*, VLDB 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE = 2_000
"""Persons that are looked for; the share is then known to about one in a hundred."""
PAIRS = 20_000_000
"""Sets of items that are counted at most."""
_BLOCK = 256  # persons one look goes through before it asks who is still alone


@dataclass(frozen=True, slots=True)
class Points:
    """One row a point somebody was seen at. ``subject`` and ``key`` (place, item): shape (n,) int64, from 0; ``time``:
    shape (n,) int64 in any unit, all 0 when there is none."""

    subject: NDArray[np.int64]
    key: NDArray[np.int64]
    time: NDArray[np.int64]

    @property
    def subjects(self) -> int:
        return int(self.subject.max(initial=-1)) + 1


class Index:
    """Who was seen at a key near a time, and whether a person was: two sorted arrays."""

    def __init__(self, points: Points, tolerance: int = 0) -> None:
        self.tolerance = tolerance
        low = int(points.time.min(initial=0))
        self._low = low
        self._width = int(points.time.max(initial=0)) - low + 2 * tolerance + 1
        self._keys = int(points.key.max(initial=0)) + 1
        when = points.time - low + tolerance
        self._pairs = np.unique(points.subject * self._keys + points.key)
        _fits(len(self._pairs) + 1, self._width)
        _fits(points.subjects + 1, self._keys)
        _fits(self._keys + 1, self._width)
        pair = np.searchsorted(self._pairs, points.subject * self._keys + points.key)
        self._seen = np.unique(pair * self._width + when)
        at = points.key * self._width + when
        order = np.lexsort((points.subject, at))
        self._at, self._who = at[order], points.subject[order]

    def range(self, key: NDArray[np.int64], time: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places [from, to) in :attr:`who` of those seen at ``key`` at ``time``, give or take."""
        at = key * self._width + (time - self._low + self.tolerance)
        return (np.searchsorted(self._at, at - self.tolerance, "left"),
                np.searchsorted(self._at, at + self.tolerance, "right"))  # fmt: skip

    @property
    def who(self) -> NDArray[np.int64]:
        return self._who

    def saw(self, subject: NDArray[np.int64], key: NDArray[np.int64], time: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each subject was seen at each key near each time."""
        pair = subject * self._keys + key
        at = np.minimum(np.searchsorted(self._pairs, pair), len(self._pairs) - 1)
        there = self._pairs[at] == pair
        when = at * self._width + (time - self._low + self.tolerance)
        first = np.searchsorted(self._seen, when - self.tolerance, "left")
        near = np.searchsorted(self._seen, when + self.tolerance, "right") > first
        return np.asarray(there & near, np.bool_)


def _fits(left: int, right: int) -> None:
    if left * right >= 2**62:
        raise OverflowError("the times are too fine for their span")


@dataclass(frozen=True, slots=True)
class Unicity:
    """``unique`` of ``looked`` persons were the only ones seen at ``points`` random points of their own."""

    points: int
    unique: int
    looked: int

    @property
    def share(self) -> float:
        return self.unique / self.looked if self.looked else 0.0


def unicity(
    points: Points, numbers: tuple[int, ...] = (2, 3, 4), *, tolerance: int = 0, seed: int = 0, sample: int = SAMPLE
) -> tuple[Unicity, ...]:
    """For each number p: of persons with at least p points, how many are alone at p random ones of them.

    ``tolerance``: how far the time of a point may be off, in the unit of ``time``. Persons are drawn by ``seed``.
    """
    index = Index(points, tolerance)
    random = np.random.default_rng(seed)
    # A point is known once, however often somebody was seen there.
    shape = np.stack([points.subject, points.key, points.time])
    subject, key, time = np.unique(shape, axis=1) if shape.size else shape
    counts = np.bincount(subject, minlength=points.subjects)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]) if len(counts) else counts
    out = []
    for number in numbers:
        able = np.flatnonzero(counts >= number)
        if len(able) > sample:
            able = random.choice(able, sample, replace=False)
        drawn = _drawn(random, counts[able], number) + starts[able][:, None]
        alone = _alone(index, able, key[drawn], time[drawn])
        out.append(Unicity(number, int(alone.sum()), len(able)))
    return tuple(out)


def _drawn(random: np.random.Generator, counts: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """``number`` different places in 0..count of each, shape (n, number), by Floyd's method."""
    out = np.empty((len(counts), number), np.int64)
    for at in range(number):
        most = counts - number + at
        one = (random.random(len(counts)) * (most + 1)).astype(np.int64)
        taken = (out[:, :at] == one[:, None]).any(axis=1)
        out[:, at] = np.where(taken, most, one)
    return out


def _alone(
    index: Index, subject: NDArray[np.int64], key: NDArray[np.int64], time: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether nobody else was seen at all the points of each subject; ``key`` and ``time``: shape (n, p).

    Those at the rarest point are gone through in blocks, and a subject is out as soon as another one fits: a point
    where everybody was costs no more than its first blocks.
    """
    alone = np.ones(len(subject), bool)
    if not len(subject):
        return alone
    first, last = index.range(key.ravel(), time.ravel())
    first, last = first.reshape(key.shape), last.reshape(key.shape)
    rare = np.argmin(last - first, axis=1)
    line = np.arange(len(subject))
    place, end = first[line, rare], last[line, rare]
    open_ = line[place < end]
    while len(open_):
        block = np.minimum(end[open_] - place[open_], _BLOCK)
        owner = np.repeat(open_, block)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(block) - block, block)
        other = index.who[place[owner] + offset]
        keep = other != subject[owner]
        owner, other = owner[keep], other[keep]
        for at in range(key.shape[1]):
            fits = index.saw(other, key[owner, at], time[owner, at])
            owner, other = owner[fits], other[fits]
        alone[owner] = False
        place[open_] += block
        open_ = open_[alone[open_] & (place[open_] < end[open_])]
    return alone


# k^m-anonymity


@dataclass(frozen=True, slots=True)
class Sets:
    """Of ``sets`` different sets of ``items`` items that a person has, ``rare`` are had by fewer than k persons, who
    are ``people`` in all."""

    items: int
    sets: int
    rare: int
    people: int


def rare_sets(subject: NDArray[np.int64], item: NDArray[np.int64], k: int, m: int = 2) -> tuple[Sets, ...]:
    """For 1..m items: how many sets of them fewer than ``k`` persons have; k^m holds when none is rare.

    Shorter than ``m`` when there would be more than :data:`PAIRS` sets to count.
    """
    if not len(subject):
        return ()
    pair = np.unique(np.stack([subject, item]), axis=1)
    who, what = pair[0].astype(np.int64), pair[1].astype(np.int64)
    width = int(what.max()) + 1
    counts = np.bincount(who)
    ends = np.cumsum(counts)
    place = np.arange(len(who))
    owner, code, last = who, what, place
    out = []
    for number in range(1, m + 1):
        _, where, had = np.unique(code, return_inverse=True, return_counts=True)
        rare = had < k
        out.append(Sets(number, len(had), int(rare.sum()), len(np.unique(owner[rare[where]]))))
        if number == m:
            break
        # Each set grows by every item of the same person behind its last one.
        more = ends[owner] - 1 - last
        if int(more.sum()) > PAIRS or (len(had) + 1) * width >= 2**62:
            break
        grown = np.repeat(np.arange(len(owner)), more)
        offset = np.arange(len(grown)) - np.repeat(np.cumsum(more) - more, more)
        last = last[grown] + 1 + offset
        code = where[grown].astype(np.int64) * width + what[last]
        owner = owner[grown]
    return tuple(out)
