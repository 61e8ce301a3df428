"""SQL quality rules: placeholders filled, and the promise that a rule only reads the dataset.

ODCS lets a rule hold ``${table}`` and ``${column}`` (also written ``${object}``, ``${property}``, ``{table}``,
``{model}``, ``{column}``, ``{field}``). The query is parsed by DuckDB, judged by the closed list of
:mod:`arengo.contract.plainsql`, and only then bound against an empty table of the contract's columns, so an unknown
column is found before the first publication.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from arengo.contract.model import Contract
from arengo.contract.plainsql import LENGTH, forbidden

_TABLE = re.compile(r"\$?\{(?:table|object|model|schema|dataset)\}", re.IGNORECASE)
_COLUMN = re.compile(r"\$?\{(?:column|property|field)\}", re.IGNORECASE)


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def fill(query: str, table: str, column: str | None = None) -> str:
    """The query with its placeholders replaced by quoted names. ``table`` and ``column``: unquoted names."""
    query = _TABLE.sub(lambda _: quote(table), query)
    return _COLUMN.sub(lambda _: quote(column), query) if column else query


def complaint(contract: Contract, query: str, column: str | None) -> tuple[str, str]:
    """What is wrong with the query of a rule and what to do; two empty texts when nothing is."""
    import duckdb

    table = contract.schema_name
    if _COLUMN.search(query) and not column:
        return "The query names ${column}, but the rule stands on the whole dataset.", "Name the column itself."
    text = fill(query, table, column)
    if len(text) > LENGTH:
        return f"The query has {len(text):,} characters; {LENGTH:,} are the most.", "Write more than one rule."
    config = {"enable_external_access": "false", "lock_configuration": "true", "memory_limit": "64MB", "threads": "1"}
    with duckdb.connect(config=dict(config)) as connection:
        row = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [text]).fetchone()
        tree: dict[str, Any] = (
            json.loads(row[0]) if row else {"error": True, "error_type": "parser", "error_message": "no answer"}
        )
        todo = "Write one SELECT that gives one number, such as 'SELECT count(*) FROM ${table} WHERE ...'."
        if tree["error"]:
            if tree["error_type"] == "parser":
                return f"The query cannot be read: {tree['error_message']}.", todo
            return "The query is not a SELECT.", todo
        if len(tree["statements"]) != 1:
            return f"The query holds {len(tree['statements'])} statements; one SELECT is wanted.", todo
        strangers = sorted(_strangers(tree, {table.lower(), contract.schema_name.lower()}))
        if strangers:
            return (
                f"The query reads {', '.join(strangers)}, but a rule reads its own dataset only.",
                "Write ${table} for the dataset.",
            )
        met, instead = forbidden(tree["statements"])
        if met:
            return met, instead
        columns = ", ".join(f"{quote(item.name)} {item.kind.duckdb}" for item in contract.properties)
        try:
            connection.execute(f"CREATE TABLE {quote(table)} ({columns})")
            found = connection.execute(f"DESCRIBE {text}").fetchall()
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            if "exists in the spatial extension" in first:  # which is loaded when the rule is run
                return "", ""
            return f"The query does not fit the columns: {first.rstrip('.!')}.", "Check the names of its columns."
    if len(found) != 1:
        return f"The query gives {len(found)} columns; one number is wanted.", todo
    return "", ""


def _strangers(tree: Any, known: set[str]) -> Iterator[str]:
    """Tables that are neither the dataset nor named by the query itself, and functions used as tables."""
    names = set(known)
    tables: list[str] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
            continue
        if not isinstance(node, dict):
            continue
        if "cte_map" in node:
            names.update(str(entry["key"]).lower() for entry in node["cte_map"].get("map", ()))
        kind = node.get("type")
        if kind == "BASE_TABLE":
            schema = node.get("schema_name") or node.get("catalog_name")
            tables.append(f"{schema}.{node['table_name']}" if schema else str(node["table_name"]))
        elif kind == "TABLE_FUNCTION":
            yield f"{str(node.get('function', {}).get('function_name', '')).lower()}()"
        pending.extend(node.values())
    yield from {name for name in tables if name.lower() not in names}
