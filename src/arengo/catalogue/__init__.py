"""What exists: every dataset with the contract in force and its newest version.

In: the register of contracts and the versions in the state. Out: :class:`Entry` values, searched and paged.
Promise: a running server sees what another process publishes or applies with the next request; listing costs
no query while nothing changes. May import: contract, state, lake (values only). No row of any dataset is read.
"""

from __future__ import annotations

from arengo.catalogue.entry import Entry, Listing
from arengo.catalogue.listing import Catalogue, fold

__all__ = ["Catalogue", "Entry", "Listing", "fold"]
