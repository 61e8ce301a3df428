"""What exists: every dataset with the contract in force and its newest version.

In: the register of contracts and the versions in the state. Out: :class:`Entry` values, searched and paged.
Promise: a running server sees what another process publishes or applies with the next request; listing costs
no query while nothing changes. May import: contract, state, lake (values only). No row of any dataset is read.
"""

from __future__ import annotations

from arengo.catalogue.entry import Entry, Listing
from arengo.catalogue.listing import Catalogue
from arengo.catalogue.record import Agent, Distribution, Fact, Provenance, Record, Service, say
from arengo.catalogue.wanted import FacetCount, Found, Hit, Related, Snippet, Suggestion, Twins, Wanted
from arengo.catalogue.words import fold

__all__ = [
    "Agent",
    "Catalogue",
    "Distribution",
    "Entry",
    "FacetCount",
    "Fact",
    "Found",
    "Hit",
    "Listing",
    "Provenance",
    "Record",
    "Related",
    "Service",
    "Snippet",
    "Suggestion",
    "Twins",
    "Wanted",
    "fold",
    "say",
]
