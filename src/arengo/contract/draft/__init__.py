"""Guessing happens once, here: a table seen from outside becomes a contract for a person to read.

In: a :class:`~arengo.contract.sample.Sample` of any kind of source. Out: a :class:`Draft` (YAML text with comments,
the contract it reads as, every doubt as a sentence). Promise: the text passes the lint without an error, and where the
evidence is thin the wider type is chosen and a doubt says so. May import: contract, errors. Another language is a line
in :mod:`words`, :mod:`language` and :mod:`booleans`; another reference system a line in :mod:`places`.
"""

from arengo.contract.draft.infer import Draft, infer

__all__ = ["Draft", "infer"]
