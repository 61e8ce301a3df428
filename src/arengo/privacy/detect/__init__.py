"""Finds persons: in columns, inside texts, behind unkeyed hashes, in the order of rows. Nothing is asked of a network.

In: a table of the engine and, where there is one, its contract. Out: a :class:`ColumnFinding` for each column, and the
first two steps of the gate (:mod:`~arengo.privacy.detect.step`, :mod:`~arengo.privacy.detect.leaks`). May import:
contract (whose drafting knows the words and the shapes), lake, settings. Another country's number is a line in
:mod:`~arengo.privacy.detect.checks`, another domain that can be tried out one in :mod:`~arengo.privacy.detect.domains`.
"""

from arengo.privacy.detect.column import ColumnFinding
from arengo.privacy.detect.table import Rank, detect, ranks

__all__ = ["ColumnFinding", "Rank", "detect", "ranks"]
