"""What happened: the append-only, provable record. Stands beside the street.

In: what the rooms tell (kind, actor, dataset, facts, persons concerned). Out: entries with proofs (RFC 9162), signed
checkpoints and tiles (C2SP), the entries about one person with a proof that none is missing. Promise: what ``tell``
returned from is on the disk; nothing recorded can be changed, dropped or reordered unseen; no person stands
in what is permanent, and bodies can be erased without breaking a proof.
May import: state, contract, settings, errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arengo.ledger.entry import EVERYONE, KINDS, Entry, Visibility
    from arengo.ledger.ledger import Ledger
    from arengo.ledger.writer import Ticket

_HOMES = {
    "EVERYONE": "entry",
    "KINDS": "entry",
    "Entry": "entry",
    "Ledger": "ledger",
    "Ticket": "writer",
    "Visibility": "entry",
}
__all__ = ["EVERYONE", "KINDS", "Entry", "Ledger", "Ticket", "Visibility"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"arengo.ledger.{_HOMES[name]}"), name)
    raise AttributeError(name)
