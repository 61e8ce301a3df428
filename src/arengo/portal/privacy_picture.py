"""Pictures of a verdict, drawn here as plain shapes: how big groups are, and how releases meet.

The words stand outside the drawing wherever they may be long, so that they wrap on a phone and are read aloud.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from arengo.portal.language import Speech

STEPS = (1, 2, 3, 4, 5, 10, 20, 50)
"""Where a bar of the histogram begins; the size that is asked for is one more."""
MORE = 51
"""Stands for the sizes beyond those told apart."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Groups of one range of sizes. ``before``, ``after``: persons; widths are shares of the widest, 0 to 1."""

    label: str
    before: int
    after: int
    wide_before: float
    wide_after: float
    small: bool
    said_before: str
    said_after: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """``both``: there is a before. ``words``: what it shows, in a sentence."""

    bars: tuple[Bar, ...]
    both: bool
    k: int
    words: str
    compact: bool

    @property
    def height(self) -> int:
        return len(self.bars) * self.row + 4

    @property
    def row(self) -> int:
        return 46 if self.both else 30


def histogram(
    s: Speech, after: Mapping[str, int], before: Mapping[str, int], k: int, compact: bool = False
) -> Histogram | None:
    """Persons by the size of their group; None when nothing was measured. ``compact``: three bars, for a card."""
    if not any(after.values()) and not any(before.values()):
        return None
    edges = sorted({1, 2, k} if compact else {*STEPS, k})
    later, earlier = _binned(after, edges), _binned(before, edges)
    most = max((*later, *earlier)) or 1
    bars = []
    for at, start in enumerate(edges):
        end = edges[at + 1] - 1 if at + 1 < len(edges) else 0
        bars.append(
            Bar(
                _label(s, start, end), earlier[at], later[at], earlier[at] / most, later[at] / most,
                bool(end) and end < k, s.number(earlier[at]), s.number(later[at]),
            )
        )  # fmt: skip
    while len(bars) > 3 and not (bars[-1].before or bars[-1].after):
        bars.pop()
    below = sum(bar.after for bar in bars if bar.small)
    was = sum(bar.before for bar in bars if bar.small)
    if before:
        words = s.many(
            "%(was)s in groups below %(k)s before, %(n)s person after.",
            "%(was)s in groups below %(k)s before, %(n)s people after.",
            below, was=s.number(was), k=k,
        )  # fmt: skip
    else:
        words = s.many(
            "%(n)s person stands in a group of fewer than %(k)s.",
            "%(n)s people stand in groups of fewer than %(k)s.",
            below, k=k,
        )  # fmt: skip
    return Histogram(tuple(bars), bool(before), k, words, compact)


def _binned(sizes: Mapping[str, int], edges: list[int]) -> list[int]:
    out = [0] * len(edges)
    for size, people in sizes.items():
        number = int(size) if str(size).isdecimal() else MORE
        at = max((place for place, edge in enumerate(edges) if edge <= number), default=0)
        out[at] += int(people)
    return out


def _label(s: Speech, start: int, end: int) -> str:
    if start == end == 1:
        return s._("alone")
    if not end:
        return s._("%(n)s or more", n=s.number(start))
    return s.number(start) if start == end else f"{s.number(start)}–{s.number(end)}"


@dataclass(frozen=True, slots=True)
class Overlap:
    """Earlier releases, this one, and what they make together. ``earlier``: (title, address, columns).

    ``single``: which places of the drawn grid of ``side`` by ``side`` are marked as holding one person.
    """

    earlier: tuple[tuple[str, str, str], ...]
    title: str
    columns: str
    result: str
    alone: str
    single: tuple[tuple[int, int], ...]
    side: int = 5


def overlap(
    s: Speech,
    earlier: tuple[tuple[str, str, str], ...],
    title: str,
    columns: str,
    *,
    people: int,
    groups: int,
    alone: int,
    k: int,
) -> Overlap:
    """``people`` newly in ``groups`` smaller than ``k``, ``alone`` of them in a group of one."""
    count = groups or people
    if alone and alone == count:
        result = s.many("together %(n)s group of 1", "together %(n)s groups of 1", alone)
        more = ""
    else:
        result = s.many(
            "together %(n)s group of fewer than %(k)s", "together %(n)s groups of fewer than %(k)s", count, k=k
        )
        more = s.many("%(n)s person stands alone", "%(n)s people stand alone", alone) if alone else ""
    # A grid of 25 that fills as there are more; which places is a matter of looks, and always the same.
    marked = min(max(alone or count, 1), 9)
    places = tuple(((7 * at + 3) % 25 % 5, (7 * at + 3) % 25 // 5) for at in range(marked))
    return Overlap(earlier, title, columns, result, more, places)
