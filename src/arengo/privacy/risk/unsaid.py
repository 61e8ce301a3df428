"""Columns of rows about persons of which the contract says nothing, and which people could be recognised by.

Groups are counted by what is declared. A vote or a channel that nobody declared is mostly nothing an outsider knows, so
it holds nothing back; but a district or a day would divide the groups unseen. Where such columns leave rows in groups
smaller than *k*, the verdict says which were not looked at, so that somebody may say what they tell. Names of rows and
free text are no part of it: these are looked at by detection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arengo.contract.model import Frozen, Kind
from arengo.privacy.detect.step import settled
from arengo.privacy.finding import Finding

if TYPE_CHECKING:
    from arengo.contract.model import Property
    from arengo.privacy.case import Case

MOST = 10
"""Columns that are counted together."""
WORDS = 4.0
"""Words of a value, on average, from which a column is free text."""
_LOOKED = frozenset({Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.TIMESTAMP, Kind.BOOLEAN})


def look(case: Case) -> tuple[Finding, ...]:
    """A note that names the columns, where some rows stand in groups of fewer than ``k`` by them."""
    declared = [item.column for item in case.release.quasi]
    columns = [item for item in case.contract.properties if _open(case, item)][: max(MOST - len(declared), 0)]
    if not case.release.population or not columns:
        return ()
    columns = [item for item in columns if not _text(case, item)]
    names = [item.name for item in columns]
    reckoning = case.reckoned()
    if not names or reckoning.rows < case.target.k:
        return ()
    held = reckoning.combos([*declared, *names])
    counts = held.table.column("n").to_numpy().astype(np.int64)
    codes = {
        name: held.table.column(at).combine_chunks().dictionary_encode(null_encoding="encode").indices.to_numpy(
            zero_copy_only=False).astype(np.int64)
        for at, name in enumerate((*declared, *names))
    }  # fmt: skip

    def small(chosen: list[str]) -> int:
        group = np.zeros(len(counts), np.int64)
        for name in chosen:
            _, group = np.unique(group * (int(codes[name].max(initial=0)) + 1) + codes[name], return_inverse=True)
        sizes = np.bincount(group, counts)
        return int(sizes[sizes < case.target.k].sum())

    before = small(declared) if declared else 0
    telling = [name for name in names if small([*declared, name]) > before]
    if not telling and small([*declared, *names]) > before:
        telling = names
    if not telling:
        return ()
    why = (
        "the contract does not say what it tells of persons, and by it rows stand in groups of fewer than "
        f"{case.target.k}"
    )
    return (Finding("not-looked", "pass", Frozen(what=", ".join(telling), why=why), tuple(telling)),)


def _open(case: Case, item: Property) -> bool:
    """Whether nothing is said of a stored column, and nothing was done to its values."""
    return item.kind in _LOOKED and not settled(item) and not item.protect and item.name not in case.contract.key


def _text(case: Case, item: Property) -> bool:
    if item.kind is not Kind.STRING:
        return False
    some = case.reckoned().columns([(item.name, item.kind)])[item.name].texts[:500]
    return bool(some) and sum(len(value.split()) for value in some) / len(some) >= WORDS
