"""The id of an organisation: the same wherever its name is written.

The catalogue's publishers, the owner of a contract and the organisations people belong to meet by this id.
"""

from __future__ import annotations

import re
from functools import cache

from arengo.contract.model import Contract

CITY = "city"
"""The city itself, as the catalogue's publisher."""


@cache
def organisation_id(name: str) -> str:
    """``Parks and Gardens`` is ``parks-and-gardens``; ``unnamed`` for a name without letters or digits."""
    if not name.isascii():
        from arengo.contract.draft.naming import latin

        name = latin(name)
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80] or "unnamed"


def owner_id(contract: Contract) -> str:
    """The organisation that decides about a dataset; ``city`` when the contract names nobody."""
    return organisation_id(contract.owner) if contract.owner else CITY
