"""The organisation that answers for a dataset, by its id."""

from __future__ import annotations

import re
from functools import lru_cache

from arengo.contract.model import Contract

CITY_ITSELF = "city"
"""Owner of datasets whose contract names nobody."""


@lru_cache(maxsize=4096)
def slug(name: str) -> str:
    """An organisation's id: its name in Latin letters, digits and hyphens, as in the addresses of the catalogue."""
    from arengo.contract.draft.naming import latin

    return re.sub(r"[^a-z0-9]+", "-", latin(name).lower()).strip("-")[:80] or "unnamed"


def owner_of(contract: Contract) -> str:
    """Id of the organisation that answers for a dataset."""
    return slug(contract.owner) if contract.owner else CITY_ITSELF
