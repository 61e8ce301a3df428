"""Questions in SQL over everything a caller may read, answered in a process of their own.

    text ──> parse (in a child) ──> judge (a closed list) ──> tables (decide, view) ──> run (in a child) ──> rows

A question is one SELECT. Its tables are datasets by id; ``"street-trees@3"`` is a version. Nothing else is there to
be read: the child knows the Parquet files of the tables named and no other file, no setting, no variable of the
environment. An answer is a pure function of (versions, parse tree, parameters, policy), which is its ETag.
"""

from __future__ import annotations

from arengo.door.sql.answer import SqlAnswer, SqlColumn
from arengo.door.sql.tables import Read, SqlTable

__all__ = ["Read", "SqlAnswer", "SqlColumn", "SqlTable"]
