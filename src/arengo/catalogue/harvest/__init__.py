"""Metadata of other catalogues, taken in as records: read, told apart by origin, compared, swapped in one step.

In: sources declared in the city folder's ``harvest/*.toml``. Out: rows of ``state.harvesting`` that the catalogue lists
beside the city's own. Promise: a run changes all or nothing, its counts reconcile, and nothing that came from this city
comes back. One more kind of catalogue is one more function in ``run.READERS``. May import: sources (the guard), state.
"""
