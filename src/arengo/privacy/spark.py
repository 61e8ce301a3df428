"""The same expressions on Spark: what the engine of a large city runs is what DuckDB runs, rewritten by grammar.

Spark is reached through Spark Connect (an Apache Spark cluster, or Sail), whose client is no dependency: a session is
handed in, and only its ``sql(text).toArrow()`` is used. The search that follows is the same, since it runs on the
distinct combinations. Ladders over places by shape need DuckDB's spatial functions and do not run there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from arengo.errors import PolicyError
from arengo.lake.layout import listing
from arengo.privacy.tuples import Tuples, counted

if TYPE_CHECKING:
    import pyarrow as pa


class Answer(Protocol):
    def toArrow(self) -> pa.Table: ...  # noqa: N802 - the client's own name


class Session(Protocol):
    """What is used of ``pyspark.sql.SparkSession``."""

    def sql(self, text: str) -> Answer: ...


def spark_sql(sql: str) -> str:
    """A statement of DuckDB as one of Spark. Raises PolicyError for what has no counterpart."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return sqlglot.transpile(sql, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)[0]
    except SqlglotError as error:
        raise PolicyError(
            f"This expression cannot run on Spark: {str(error)[:200]}.", todo="Run it on DuckDB, or take another level."
        ) from None


def grouped(table: str, columns: Sequence[str]) -> str:
    """The one group-by that everything runs on, as DuckDB's SQL."""
    listed = listing(columns)
    return f"SELECT {listed}, count(*) AS {listing(['_count'])} FROM {table} GROUP BY {listed}"


def tuples(session: Session, table: str, columns: Sequence[str]) -> Tuples:
    """:func:`arengo.privacy.tuples.tuples` of a table that Spark knows (its name in DuckDB's quotes)."""
    return counted(columns, session.sql(spark_sql(grouped(table, columns))).toArrow())
