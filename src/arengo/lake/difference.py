"""What changed between two versions, and one row through time.

By primary key: a row is added, removed, or changed in some columns. Without a key, whole rows are counted as a
multiset: what is in one version more often than in the other. Columns are matched by field id, so a renamed column
is not a change of its values; both sides are read under the later version's names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from arengo.errors import BadQuery
from arengo.lake.layout import listing, quote
from arengo.lake.version import Change, Column, Difference, Version

if TYPE_CHECKING:
    from arengo.lake.store import Lake


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions on common ground. ``shared``: value columns both have, under the later version's names."""

    before: Version
    after: Version
    key: tuple[str, ...]
    shared: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]

    @property
    def same(self) -> bool:
        return self.before.number == self.after.number or self.before.checksum == self.after.checksum


def pair(before: Version, after: Version) -> Pair:
    old = {column.field_id: column for column in before.schema}
    names = {column.name: column for column in before.schema}
    matched: dict[str, Column] = {}
    for column in after.schema:
        was = old.get(column.field_id) or names.get(column.name)
        if was is not None:
            matched[column.name] = was
    used = {column.name for column in matched.values()}
    key = after.key if after.key and all(name in matched for name in after.key) else ()
    if key and {matched[name].name for name in key} != set(before.key):
        key = ()
    return Pair(
        before,
        after,
        key,
        tuple(name for name in matched if name not in key),
        tuple(column.name for column in after.schema if column.name not in matched),
        tuple(column.name for column in before.schema if column.name not in used),
        tuple((was.name, name) for name, was in matched.items() if was.name != name),
    )


def count(lake: Lake, both: Pair) -> Difference:
    added = changed = removed = 0
    if not both.same:
        with lake.engine.execute(f"SELECT kind, count(*) FROM ({_rows(lake, both)}) GROUP BY kind") as cursor:
            counts = dict(cursor.fetchall())
        added, changed, removed = (int(counts.get(kind, 0)) for kind in ("added", "changed", "removed"))
    return Difference(
        both.after.dataset,
        both.before.number,
        both.after.number,
        added,
        changed,
        removed,
        both.added,
        both.removed,
        both.renamed,
    )


def page(lake: Lake, both: Pair, limit: int, after_key: Sequence[Any]) -> list[Change]:
    """Changes in the order of their key, after ``after_key``. Without a key: of the whole row, then the kind."""
    if both.same:
        return []
    names = both.key or both.shared
    terms = [f"{quote(f'k{index}')}" for index in range(len(names))]
    where, params = "", list[Any]()
    if after_key:
        if len(after_key) != len(terms):
            raise BadQuery(f"The key has {len(terms)} parts ({', '.join(names)}), {len(after_key)} were given.")
        where, params = _beyond(terms, after_key)
    order = ", ".join(f"{term} NULLS LAST" for term in terms)
    sql = f"SELECT * FROM ({_rows(lake, both)}) {where} ORDER BY {order}, kind LIMIT {int(limit)}"
    with lake.engine.execute(sql, params) as cursor:
        rows = cursor.fetchall()
        columns = [str(item[0]) for item in cursor.description or ()]
    return [_change(both, dict(zip(columns, row, strict=True))) for row in rows]


def _beyond(terms: Sequence[str], after: Sequence[Any]) -> tuple[str, list[Any]]:
    """Keyset condition with NULLs last: the first differing part is larger, or NULL where the other is not."""
    options, params = [], list[Any]()
    for index, term in enumerate(terms):
        same = [f"{terms[i]} IS NOT DISTINCT FROM ?" for i in range(index)]
        if after[index] is None:
            continue
        options.append(" AND ".join([*same, f"({term} > ? OR {term} IS NULL)"]))
        params += [*after[:index], after[index]]
    return (f"WHERE {' OR '.join(f'({option})' for option in options)}" if options else "WHERE false"), params


def _rows(lake: Lake, both: Pair) -> str:
    """SQL: kind, k0..kn, and for keyed pairs b0.. and a0.. of every shared column (b NULL struct when added)."""
    old = lake.as_of_today(both.before, both.after)
    new = lake.relation(both.after).sql
    if not both.key:
        columns = listing(both.shared)
        numbered = ", ".join(f"{quote(name)} AS {quote(f'k{index}')}" for index, name in enumerate(both.shared))
        return (
            f"SELECT CASE WHEN _n > 0 THEN 'added' ELSE 'removed' END AS kind, {numbered} FROM ("
            f"SELECT {columns}, _n, unnest(range(abs(_n)::BIGINT)) FROM ("
            f"SELECT {columns}, sum(_one)::BIGINT AS _n FROM (SELECT {columns}, 1 AS _one FROM {new} "
            f"UNION ALL SELECT {columns}, -1 AS _one FROM {old}) GROUP BY {columns} HAVING sum(_one) <> 0))"
        )
    parts = ["CASE WHEN o._row IS NULL THEN 'added' WHEN n._row IS NULL THEN 'removed' ELSE 'changed' END AS kind"]
    for index, name in enumerate(both.key):
        parts.append(f"coalesce(n.{quote(name)}, o.{quote(name)}) AS {quote(f'k{index}')}")
    for index, name in enumerate(both.shared):
        parts.append(f"o.{quote(name)} AS {quote(f'b{index}')}")
        parts.append(f"n.{quote(name)} AS {quote(f'a{index}')}")
    for index, name in enumerate(both.added):
        parts.append(f"n.{quote(name)} AS {quote(f'x{index}')}")
    on = " AND ".join(f"o.{quote(name)} IS NOT DISTINCT FROM n.{quote(name)}" for name in both.key)
    differs = " OR ".join(
        ["o._row IS NULL", "n._row IS NULL"]
        + [f"o.{quote(name)} IS DISTINCT FROM n.{quote(name)}" for name in both.shared]
    )
    return f"SELECT {', '.join(parts)} FROM {old} o FULL JOIN {new} n ON {on} WHERE {differs}"


def _change(both: Pair, row: Mapping[str, Any]) -> Change:
    kind = str(row["kind"])
    if not both.key:
        values = {name: row[f"k{index}"] for index, name in enumerate(both.shared)}
        key = tuple(values.values())
        return Change(kind, key, values if kind == "removed" else None, values if kind == "added" else None)
    key = tuple(row[f"k{index}"] for index in range(len(both.key)))
    before = {name: row[f"b{index}"] for index, name in enumerate(both.shared)}
    after = {name: row[f"a{index}"] for index, name in enumerate(both.shared)}
    parts = dict(zip(both.key, key, strict=True))
    if kind == "added":
        fresh = {name: row[f"x{index}"] for index, name in enumerate(both.added)}
        return Change(kind, key, None, {**parts, **after, **fresh})
    if kind == "removed":
        return Change(kind, key, {**parts, **before}, None)
    differ = [name for name in both.shared if before[name] != after[name]]
    return Change(kind, key, {name: before[name] for name in differ}, {name: after[name] for name in differ})


def history(
    lake: Lake, versions: Sequence[Version], key: Sequence[Any]
) -> list[tuple[Version, Mapping[str, Any] | None]]:
    """One row through ``versions`` (newest first): an entry for each version in which it differs from the one before.

    Oldest first; None where the row is gone. Under the newest version's column names.
    """
    if not versions:
        return []
    today = versions[0]
    if not today.key:
        raise BadQuery(f"{today.dataset} has no primary key, so a row cannot be followed.")
    if len(key) != len(today.key):
        raise BadQuery(f"The key of {today.dataset} is {', '.join(today.key)}; {len(key)} parts were given.")
    out: list[tuple[Version, Mapping[str, Any] | None]] = []
    last: tuple[Version, Mapping[str, Any] | None] | None = None
    for version in reversed(versions):
        same = last is not None and last[0].checksum == version.checksum
        row = last[1] if last is not None and same else _row(lake, version, today, key)
        if (last is None and row is not None) or (last is not None and row != last[1]):
            out.append((version, row))
        last = (version, row)
    return out


def _row(lake: Lake, version: Version, today: Version, key: Sequence[Any]) -> Mapping[str, Any] | None:
    by_id = {column.field_id: column for column in version.schema}
    by_name = {column.name: column for column in version.schema}
    held = [column for column in today.schema if column.field_id in by_id or column.name in by_name]
    if not all(any(column.name == name for column in held) for name in today.key):
        return None
    kinds = {column.name: column.kind for column in today.schema}
    where = " AND ".join(f"{quote(name)} IS NOT DISTINCT FROM ?::{kinds[name].duckdb}" for name in today.key)
    source = lake.as_of_today(version, replace(today, schema=tuple(held)))
    sql = f"SELECT {listing(column.name for column in held)} FROM {source} WHERE {where} LIMIT 1"
    with lake.engine.execute(sql, list(key)) as cursor:
        row = cursor.fetchone()
    return None if row is None else dict(zip([column.name for column in held], row, strict=True))
