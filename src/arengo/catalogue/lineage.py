"""Where a dataset comes from and what is made of it: system, source, contract, version, files, column by column.

Everything is read from contracts and versions. For a dataset that one SELECT makes of others, each column is followed
through the SQL to the columns it is made of (sqlglot's lineage). Names follow W3C PROV-O: an edge leads from what was
used to what was derived of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from arengo.catalogue.entry import Entry
from arengo.catalogue.record import Record
from arengo.contract.model import EMPTY, Contract

MOST = 200
"""Datasets a lineage goes through."""
DERIVED = "query"
"""The kind of source whose rows are made of other datasets."""


@dataclass(frozen=True, slots=True)
class Node:
    """``kind``: system, source, contract, version, distribution, or dataset (another one). ``id``: unique in the
    lineage. ``href``: on this site, '' when there is nothing to see. ``facts``: what is known of it, in order."""

    id: str
    kind: str
    title: str
    href: str = ""
    at: datetime | None = None
    facts: Mapping[str, str] = EMPTY


@dataclass(frozen=True, slots=True)
class Edge:
    """``role``: holds, read, describes, published, gives, or derived."""

    source: str
    target: str
    role: str


@dataclass(frozen=True, slots=True)
class Origin:
    """One thing a column is made of. ``dataset`` '': the source itself, and ``column`` its own name there."""

    dataset: str
    column: str


@dataclass(frozen=True, slots=True)
class ColumnLineage:
    """``how``: same (as it is there), renamed, computed, aggregated, constant or unknown. ``expression``: as the SQL
    has it."""

    column: str
    how: str
    origins: tuple[Origin, ...] = ()
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Lineage:
    """``upstream``, ``downstream``: ids of the datasets it is made of, and of those made of it, the nearest first.

    ``whole``: False when the SQL of a derived dataset could not be followed to its columns.
    """

    dataset: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    columns: tuple[ColumnLineage, ...]
    upstream: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()
    whole: bool = True


def lineage(dataset: str, entries: Mapping[str, Entry], record: Callable[[str], Record], language: str = "") -> Lineage:
    """Raises KeyError for a dataset that is not in ``entries``."""
    entry = entries[dataset]
    reads = {name: inputs(other.contract, entries) for name, other in entries.items()}
    upstream = _walk(dataset, lambda name: reads.get(name, ()))
    made_of: dict[str, list[str]] = {}
    for name, used in reads.items():
        for item in used:
            made_of.setdefault(item, []).append(name)
    downstream = _walk(dataset, lambda name: made_of.get(name, ()))
    nodes, edges = _own(entry, record(dataset), reads[dataset])
    for name in (*upstream, *downstream):
        other = entries[name].contract
        nodes.append(Node(f"dataset:{name}", "dataset", other.title(language), f"/datasets/{name}"))
    shown = {dataset, *upstream, *downstream}
    version = f"version:{dataset}"
    for name in sorted(shown):
        for read in reads[name]:
            if read in shown and name != dataset:
                edges.append(Edge(version if read == dataset else f"dataset:{read}", f"dataset:{name}", "derived"))
    columns, whole = _columns(entry.contract, entries) if entry.contract.access == "open" else ((), True)
    return Lineage(dataset, tuple(nodes), tuple(edges), columns, upstream, downstream, whole)


def _walk(start: str, following: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    """What is reached from ``start``, the nearest first, without it."""
    found: dict[str, None] = {}
    layer = [start]
    while layer and len(found) < MOST:
        reached = dict.fromkeys(name for last in layer for name in following(last))
        layer = [name for name in reached if name != start and name not in found]
        found |= dict.fromkeys(layer)
    return tuple(found)[:MOST]


def _own(entry: Entry, record: Record, used: Sequence[str]) -> tuple[list[Node], list[Edge]]:
    """The chain of one dataset: system, source, contract, version, files."""
    contract, name = entry.contract, entry.id
    nodes: list[Node] = []
    edges: list[Edge] = []
    told = contract.source if contract.access == "open" else None
    source = f"source:{name}"
    if contract.source is not None:
        kind = contract.source.kind
        facts: dict[str, str] = dict(_told(kind, told.options)) if told is not None else {}
        nodes.append(Node(source, "source", facts.get("name", kind), "", None, {"kind": kind} | facts))
        system = facts.get("system", "")
        if system:
            nodes.insert(0, Node(f"system:{system}", "system", system))
            edges.append(Edge(f"system:{system}", source, "holds"))
        edges += [Edge(f"dataset:{other}", source, "read") for other in used]
    nodes.append(
        Node(
            f"contract:{name}",
            "contract",
            contract.title(),
            f"/api/v1/datasets/{name}/contract",
            entry.changed,
            {"version": contract.version, "sha256": entry.sha, "status": contract.status},
        )
    )
    version = entry.version
    if version is None:
        return nodes, edges
    at = f"version:{name}"
    facts = {"number": str(version.number), "contract": version.contract_version, "run": version.run}
    if contract.access == "open":
        facts |= {"rows": str(version.rows), "quarantined": str(version.quarantined), "checksum": version.checksum}
    nodes.append(Node(at, "version", version.label, f"/datasets/{name}/versions", version.published_at, facts))
    edges.append(Edge(f"contract:{name}", at, "describes"))
    if contract.source is not None:
        edges.append(Edge(source, at, "published"))
    for item in record.distributions:
        file = f"distribution:{name}:{item.id}"
        nodes.append(Node(file, "distribution", item.format, item.download_url, item.modified))
        edges.append(Edge(at, file, "gives"))
    return nodes, edges


def _told(kind: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a source says of itself that anybody may read: no user, password, parameter or folder of the machine."""
    for name in ("table", "layer", "sheet", "member", "feed", "sql"):
        if isinstance(options.get(name), str):
            yield name, options[name]
    place = str(options.get("url") or options.get("dsn") or options.get("database") or options.get("path") or "")
    try:
        parts = urlsplit(place)
        host = parts.hostname or ""
    except ValueError:
        return
    last = parts.path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    if parts.scheme in ("http", "https") and host:
        yield "system", host
        yield "name", f"{host}{parts.path}"
    elif host:  # a machine inside the house: its database has a name, the machine needs none here
        yield "system", f"{kind} {last}".strip()
        yield "name", str(options.get("table") or last)
    elif last:
        yield "name", last


# ---- columns ----------------------------------------------------------------------------------------------------


def inputs(contract: Contract, entries: Mapping[str, Entry]) -> tuple[str, ...]:
    """Datasets the SQL of a derived dataset reads, by id; () for any other."""
    if contract.source is None or contract.source.kind != DERIVED:
        return ()
    found = _tables(str(contract.source.options.get("sql", "")), _dialect(contract))
    known = {_table(name): name for name in entries}
    return tuple(sorted({known[_table(name)] for name in found if _table(name) in known}))


def _table(name: str) -> str:
    """A table's name without its version, its case and the difference between a hyphen and an underscore."""
    return name.partition("@")[0].replace("-", "_").casefold()


def _dialect(contract: Contract) -> str:
    told = str(contract.source.options.get("dialect") or "") if contract.source else ""
    return told if told in ("duckdb", "postgres") else "duckdb"


@lru_cache(maxsize=512)
def _tables(sql: str, dialect: str) -> tuple[str, ...]:
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    try:
        tree = parse_one(sql, dialect=dialect)
    except (SqlglotError, RecursionError):
        return ()
    named = {item.alias for item in tree.find_all(exp.CTE)}
    return tuple(item.name for item in tree.find_all(exp.Table) if item.name and item.name not in named)


def _columns(contract: Contract, entries: Mapping[str, Entry]) -> tuple[tuple[ColumnLineage, ...], bool]:
    if contract.source is None or contract.source.kind != DERIVED:
        out = []
        for item in contract.properties:
            there = item.physical_name or item.name
            out.append(ColumnLineage(item.name, "same" if there == item.name else "renamed", (Origin("", there),)))
        return tuple(out), True
    used = inputs(contract, entries)
    schema = tuple(
        (name, tuple((item.name, item.kind.duckdb) for item in entries[name].contract.properties)) for name in used
    )
    found = _followed(str(contract.source.options.get("sql", "")), _dialect(contract), schema)
    told = {name.casefold(): item for name, item in (found or {}).items()}
    columns = []
    for item in contract.properties:
        found_here = told.get((item.physical_name or item.name).casefold())
        columns.append(
            replace(found_here, column=item.name) if found_here is not None else ColumnLineage(item.name, "unknown")
        )
    return tuple(columns), found is not None and all(item.how != "unknown" for item in columns)


Schema = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@lru_cache(maxsize=256)
def _followed(sql: str, dialect: str, schema: Schema) -> Mapping[str, ColumnLineage] | None:
    """Column of the answer -> what it is made of; None when the SQL is beyond what can be followed."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage as follow
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    names = {_table(name): name for name, _ in schema}
    known: dict[str, object] = {_table(name): dict(columns) for name, columns in schema}
    try:
        tree: Any = parse_one(sql, dialect=dialect)
        for table in tree.find_all(exp.Table):
            if _table(table.name) in known:
                if not table.alias:
                    table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
                table.set("this", exp.to_identifier(_table(table.name), quoted=True))
                table.set("db", None)
                table.set("catalog", None)
        tree = qualify(tree, schema=known, dialect=dialect)
        scope = build_scope(tree)
        out: dict[str, ColumnLineage] = {}
        for name in tree.named_selects:
            if name not in out and scope is not None:
                out[name] = _column(
                    name, follow(name, tree, schema=known, dialect=dialect, scope=scope), names, dialect
                )
    except (SqlglotError, RecursionError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return out


def _column(name: str, root: Any, names: Mapping[str, str], dialect: str) -> ColumnLineage:
    from sqlglot import exp

    origins: dict[Origin, None] = {}
    plain, gathered = True, False
    for node in root.walk():
        inner = node.expression.unalias() if isinstance(node.expression, exp.Alias) else node.expression
        if isinstance(node.source, exp.Table) and not node.downstream:
            column = node.name.replace('"', "").rsplit(".", 1)[-1]
            dataset = names.get(_table(node.source.name))
            if dataset is not None and column != "*":
                origins[Origin(dataset, column)] = None
            continue
        plain &= isinstance(inner, exp.Column | exp.Query)
        gathered |= inner.find(exp.AggFunc) is not None and not isinstance(inner, exp.Query)
    told = root.expression.unalias() if isinstance(root.expression, exp.Alias) else root.expression
    expression = "" if isinstance(told, exp.Query) else told.sql(dialect=dialect)[:500]
    if gathered:
        how = "aggregated"
    elif not origins:
        how = "constant"
    elif plain and len(origins) == 1:
        how = "same" if next(iter(origins)).column == name else "renamed"
    else:
        how = "same" if plain else "computed"
    return ColumnLineage(name, how, tuple(origins), expression)
