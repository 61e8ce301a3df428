"""What left under an agreement: the versions that the record says its reader was given, and has whatever ended since.

The record names version and agreement of every reading before its first byte leaves (:mod:`arengo.door.attendance`).
Where it is too long to be looked through, all versions count that could be read while the agreement held.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from arengo.governance.agreement import Agreement

if TYPE_CHECKING:
    from arengo.lake.version import Version
    from arengo.ledger import Ledger

MOST = 20_000
"""Readings of a dataset that are looked through, the newest."""
PAGE = 1000


def versions(
    ledger: Ledger, dataset: str, agreements: Collection[Agreement], retained: Sequence[Version]
) -> Mapping[str, frozenset[int]]:
    """Id of each of some agreements about a dataset -> numbers of the versions given under it, also of those that the
    city keeps no longer. ``retained``: those it keeps. Raises LedgerBroken."""
    found: dict[str, set[int]] = {item.id: set() for item in agreements}
    before, left = ledger.size, MOST
    while found and left > 0:
        entries = ledger.entries(before=before, limit=PAGE, kind="read", dataset=dataset)
        for entry in entries:
            number = str(entry.facts.get("version", ""))
            given = found.get(str(entry.facts.get("agreement", "")))
            if given is not None and number.isascii() and number.isdecimal() and entry.facts.get("rows") != "0":
                given.add(int(number))
        if len(entries) < PAGE:
            return {name: frozenset(numbers) for name, numbers in found.items()}
        before, left = entries[-1].number, left - len(entries)
    return {
        item.id: frozenset(found[item.id] | {one.number for one in retained if _could(item, one)})
        for item in agreements
    }


def _could(item: Agreement, version: Version) -> bool:
    until = min(item.valid_to, item.updated_at) if item.ended else item.valid_to
    return version.published_at < until
