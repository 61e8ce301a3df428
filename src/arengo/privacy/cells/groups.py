"""Any small table of groups with their counts, protected before it is answered: what open statistics use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arengo.errors import TooExpensive
from arengo.privacy.cells import key as key_
from arengo.privacy.cells import rounding, rules, suppress
from arengo.privacy.cells.table import COUNT, Table, build, tree

LARGEST = 20_000
"""Groups up to which sums between them are looked at; a longer answer is no table anybody reads."""
record_key = key_.record_key_sql


@dataclass(frozen=True, slots=True)
class Groups:
    """``counts``: in the order given, None where withheld. ``figures``: measure -> the same for sums (withheld with
    their count). ``withheld``: how many, of which ``second`` to protect the others. ``method``: what was done.
    """

    counts: tuple[int | None, ...]
    figures: Mapping[str, tuple[float | None, ...]]
    withheld: int
    second: int
    method: str


def protect_groups(
    groups: Sequence[Mapping[str, Any]],
    counts: Sequence[int],
    *,
    method: str = "suppress",
    threshold: int = 5,
    base: int = 0,
    figures: Mapping[str, Sequence[float | None]] | None = None,
    largest: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    total: str = "",
    whole: int | None = None,
    keys: Sequence[int] | None = None,
    secret: bytes = b"",
    dominance: tuple[int, float] = (0, 0.0),
    p: float = 0.0,
    seconds: float = 2.0,
) -> Groups:
    """Groups of an answer (column -> label, all with the same columns) with how many *persons* stand in each.

    ``method``: ``suppress`` (small groups and as many others as keep them from being worked out), ``round``
    (``base``) or ``cell-key`` (``base``: largest change; ``keys``: sum of the persons' record keys of each group, see
    :func:`record_key`; without them the group's labels with ``secret``). ``figures``: sums beside the count, withheld
    with it under ``suppress``, None throughout under the other methods when their group is small; ``largest``: of
    each, the two largest contributions, for ``dominance`` (n, share) and ``p``. ``total``: label that means all, where
    the answer has such rows. ``whole``: what the reader knows the groups of one answer to add up to (the number of all
    rows is shown elsewhere). Raises TooExpensive over 20,000 groups.
    """
    if len(groups) > LARGEST:
        raise TooExpensive(
            f"An answer of {len(groups):,} groups cannot be protected.", todo=f"Ask for at most {LARGEST:,} groups."
        )
    by = tuple(groups[0]) if groups else ()
    labels: list[tuple[str | None, ...]] = [
        tuple(None if item[name] is None else str(item[name]) for name in by) for item in groups
    ]
    numbers = np.array(counts, float)
    held = {name: np.array([np.nan if item is None else item for item in row], float)
            for name, row in (figures or {}).items()}  # fmt: skip
    table = _table(by, labels, numbers, total, whole)
    size = len(labels)
    first = rules.small(table.values[COUNT], threshold)
    if method == "suppress":
        for name, row in held.items():
            if largest and name in largest:
                one, two = (np.array(item, float) for item in largest[name])
                bad = rules.dominated(row, one, two, numbers, *dominance) | rules.estimable(row, one, two, p)
                first[:size] |= bad & (numbers > 0)
        if whole is not None and len(table) > size:
            first[size:] = False
        fixed = np.arange(len(table)) >= size
        width = np.full(len(table), float(threshold))
        done = suppress.protect(table, COUNT, first, width, fixed=fixed, seconds=seconds)
        gone = done.withheld[:size]
        return Groups(
            tuple(None if out else int(item) for out, item in zip(gone, counts, strict=True)),
            {name: _shown(row, gone) for name, row in held.items()},
            int(gone.sum()), int((gone & ~first[:size]).sum()), method,
        )  # fmt: skip
    if method == "round":
        made = rounding.rounded(table, COUNT, base or 5, seed=secret, seconds=seconds)[:size]
    else:
        if keys is None:
            said = [dict(_told(by, row, total)) for row in labels]
            cell = key_.predicate_keys(said, secret)
        else:
            cell = np.array([int(item) % key_.SPAN for item in keys], np.uint64)
        made = key_.perturbed(numbers, cell, base or threshold, threshold - 1)
    small = first[:size]
    return Groups(
        tuple(int(item) for item in made),
        {name: _shown(row, small) for name, row in held.items()},
        0, 0, method,
    )  # fmt: skip


def _told(by: Sequence[str], row: Sequence[str | None], total: str) -> Iterator[tuple[str, str | None]]:
    """What a group is about; a total says nothing."""
    for name, label in zip(by, row, strict=True):
        if not total or label != total:
            yield name, label


def _shown(row: np.ndarray[Any, np.dtype[np.float64]], gone: Any) -> tuple[float | None, ...]:
    return tuple(None if out or np.isnan(item) else float(item) for out, item in zip(gone, row, strict=True))


def _table(
    by: tuple[str, ...], labels: list[tuple[str | None, ...]], numbers: Any, total: str, whole: int | None
) -> Table:
    """The groups as cells; a total the reader knows is one cell more."""
    if whole is not None and by and not total and abs(float(numbers.sum()) - whole) < 0.5:
        keys: list[tuple[str | None, ...]] = [("\x00".join("" if x is None else "v" + x for x in row),)
                                              for row in labels]  # fmt: skip
        root = "\x00all"
        return build(("group",), [*keys, (root,)], {COUNT: np.append(numbers, float(whole))},
                     (tree([*(row[0] for row in keys), root], root),), root)  # fmt: skip
    parents = tuple(tree({row[at] for row in labels}, total) for at in range(len(by)))
    return build(by, labels, {COUNT: numbers}, parents, total)


__all__ = ["Groups", "protect_groups", "record_key"]
