"""CKAN's DataStore over the door: ``datastore_search``, ``datastore_search_sql``, ``datastore_info``.

A page is asked for by ``offset``; inside it is a place to go on from (keyset), known from the page before or, where
the rows of a version are numbered without a gap, from the offset itself. Only a jump into the middle of a sorted or
filtered table reads what it passes over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

import orjson

from arengo.catalogue import Record
from arengo.contract.model import Kind
from arengo.door import Answer, Encoded, View
from arengo.errors import BadQuery, UnknownDataset
from arengo.faces import page
from arengo.faces.ckan import package
from arengo.faces.ckan.call import Call, wrong
from arengo.faces.ckan.narrowing import ID, Narrowing, column, narrowing
from arengo.faces.ckan.sheet import line
from arengo.query import cursor as cursors
from arengo.query.model import Group, Query
from arengo.services.reading import READINGS

LARGEST = 32_000
FORMS = ("objects", "lists", "csv", "tsv")
TYPES: Mapping[Kind, str] = {
    Kind.STRING: "text", Kind.INTEGER: "int", Kind.NUMBER: "numeric", Kind.BOOLEAN: "bool", Kind.DATE: "date",
    Kind.TIME: "time", Kind.TIMESTAMP: "timestamp", Kind.GEOMETRY: "json", Kind.JSON: "json",
}  # fmt: skip
METADATA = "_table_metadata"
BATCH = 8192
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """``names``: columns in the order asked for, ``_id`` among them when it is wanted. ``query``: all its rows."""

    record: Record
    view: View
    names: tuple[str, ...]
    query: Query
    narrowing: Narrowing
    distinct: bool

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name != ID)


def told(call: Call) -> str:
    """The resource named by a call. Raises BadQuery."""
    found = (call.text("resource_id") or call.text("id")).strip()
    if not found:
        raise wrong("resource_id", "Missing value")
    return found


def table(call: Call, name: str) -> tuple[Record, str]:
    """(record, ``as_of``) of a resource; a dataset's name or UUID stands for its table. Raises UnknownDataset."""
    record, number = package.resolve(call.site.catalogue, name)
    if record is None:
        record = call.site.catalogue.record(name)
    if not record.local:
        raise UnknownDataset(f"The rows of {record.id} are not held here.", todo="Ask its origin; see its url.")
    return record, call.text("as_of") or (str(number) if number else "")


def asked(call: Call) -> Asked:
    """Raises BadQuery, UnknownColumn, UnknownDataset, UnknownVersion, NotAllowed."""
    record, as_of = table(call, told(call))
    view = call.site.door.view(record.id, as_of, call.caller)
    given = call.names("fields")
    names = tuple(dict.fromkeys(given)) or (ID, *view.scope.fields)
    columns = tuple(column(view, name).name for name in names if name != ID)
    distinct = call.yes("distinct") and bool(given) and ID not in names
    found = narrowing(call, view)
    query = Query(
        record.id,
        select=() if distinct else columns or tuple(view.scope.fields)[:1],
        filter=found.filter,
        group_by=tuple(Group(name) for name in columns) if distinct else (),
        order_by=found.order,
        limit=None,
        as_of=str(view.version.number),
        search=found.words,
    )
    return Asked(record, view, names, query, found, distinct)


def search(call: Call) -> dict[str, Any]:
    """Rows of one resource.

    resource_id (or id), filters, q, plain, distinct, limit (100, at most 32000), offset, fields, sort, include_total,
    records_format (objects, lists, csv, tsv); beside CKAN's: as_of (a version's number, a date or a time).
    """
    if told(call) == METADATA:
        return tables(call)
    wanted = asked(call)
    READINGS.count(wanted.record.id, "ckan", call.agent)
    limit, offset = call.number("limit", 100, LARGEST), call.number("offset", 0)
    form = call.text("records_format", "objects")
    if form not in FORMS:
        raise wrong("records_format", f"There is no form {form[:20]!r}.", f"Write {', '.join(FORMS)}.")
    rows, total = found(call, wanted, offset, limit)
    result: dict[str, Any] = {
        "include_total": call.yes("include_total", True),
        "limit": limit,
        "records_format": form,
        "resource_id": told(call),
        "total_estimation_threshold": None,
        "records": formed(form, wanted.names, rows),
        "fields": fields(wanted.view, wanted.names),
        "_links": links(call, limit, offset),
    }
    if offset:
        result["offset"] = offset
    for name in ("filters", "q", "sort", "distinct"):
        if call.given.get(name):
            result[name] = call.value(name) if name == "filters" else call.given[name]
    if result["include_total"]:
        after = wanted.narrowing.after
        exact = total is not None or not after or _gapless(wanted)
        if total is None:
            total = call.site.door.ask(wanted.query, call.caller).matched
            total = max(0, total - after) if after and exact else total
        result["total"] = total
        result["total_was_estimated"] = not exact
    return result


def found(call: Call, wanted: Asked, offset: int, limit: int) -> tuple[list[Row], int | None]:
    """(rows in the order of the names, how many there are when that is known)."""
    numbers = wanted.narrowing.numbers
    if numbers is not None:
        rows = [row for number in numbers for row in _row(call, wanted, number)]
        return rows[offset : offset + limit], len(rows)
    if not limit:
        return [], None
    if wanted.narrowing.after:
        if wanted.query.order_by or wanted.distinct:
            raise wrong("filters", "A filter of _id upwards goes with the order of _id only.", "Leave sort out.")
        if offset and not _gapless(wanted):
            raise wrong("filters", "A filter of _id upwards goes without an offset.", "Ask for _id above the last one.")
        return _page(call, wanted, offset, limit, _after(wanted, wanted.narrowing.after - 1 + offset)), None
    if not offset:
        return _page(call, wanted, 0, limit, ""), None
    held = call.site.door.cache.get(_key(wanted, offset))
    start = held.body.decode() if held is not None else _at(wanted, offset)
    if start:
        return _page(call, wanted, offset, limit, start), None
    whole = replace(wanted.query, limit=offset + limit)
    return [row for part in parts(call, wanted, whole, offset) for row in part], None


def _page(call: Call, wanted: Asked, offset: int, limit: int, cursor: str) -> list[Row]:
    """One page from a known place on; where it ends is remembered for the page after it."""
    answer = call.site.door.ask(replace(wanted.query, limit=limit, cursor=cursor), call.caller)
    rows = answer.rows("geojson") if wanted.distinct else answer.numbered("geojson")
    if answer.next_cursor:
        call.site.door.cache.put(_key(wanted, offset + limit), Encoded(answer.next_cursor.encode()))
    return _placed(wanted, answer, rows)


def _row(call: Call, wanted: Asked, number: int) -> list[Row]:
    """The row of that number, if it is one of the rows asked for."""
    if number < 1 or wanted.distinct:
        return []
    query = replace(wanted.query, order_by=())
    answer = call.site.door.ask(replace(query, limit=1, cursor=_after(wanted, number - 2)), call.caller)
    return _placed(wanted, answer, [row for row in answer.numbered("geojson") if row[-1] == number])


def _after(wanted: Asked, row: int) -> str:
    query = replace(wanted.query, order_by=(), select=())
    return cursors.write(query, wanted.view.version.number, wanted.view.identity, (row,))


def _at(wanted: Asked, offset: int) -> str:
    """The cursor of an offset in the whole table, '' where rows have gaps or another order."""
    return _after(wanted, offset - 1) if _gapless(wanted) and not wanted.query.order_by else ""


def _gapless(wanted: Asked) -> bool:
    """Whether the n-th of the rows asked for has the number n."""
    version, query = wanted.view.version, wanted.query
    narrowed = query.filter is not None or bool(query.search) or wanted.distinct
    return not narrowed and version.extra.get("next_row") == version.rows


def _key(wanted: Asked, offset: int) -> bytes:
    digest = blake2b(wanted.view.identity.encode(), digest_size=16)
    digest.update(cursors.question(wanted.query))
    return b"ckan" + digest.digest() + offset.to_bytes(8, "big")


def parts(call: Call, wanted: Asked, query: Query, offset: int, seconds: float = 0) -> Iterator[list[Row]]:
    """Rows of ``query`` from the ``offset``-th on, a batch at a time, read as they are taken."""
    answer = call.site.door.ask(query, call.caller)
    for batch in answer.batches("geojson", number=not wanted.distinct, seconds=seconds, rows=BATCH):
        if offset >= batch.num_rows:
            offset -= batch.num_rows
            continue
        columns = [item.to_pylist() for item in batch.slice(offset).columns]
        offset = 0
        yield _placed(wanted, answer, list(zip(*columns, strict=True)))


def _placed(wanted: Asked, answer: Answer, rows: Sequence[Row]) -> list[Row]:
    """Rows with their values in the order of the names, JSON read; a row's number stands behind its values.

    Of groups the count behind them is left out. Dates and times stay what they are: who writes them says how.
    """
    if wanted.distinct:
        order = list(range(len(wanted.names)))
    else:
        place = {name: at for at, name in enumerate(wanted.columns)}
        order = [-1 if name == ID else place[name] for name in wanted.names]
    kinds = [answer.columns[at].kind if at >= 0 else Kind.INTEGER for at in order]
    read = [at for at, kind in enumerate(kinds) if kind in (Kind.GEOMETRY, Kind.JSON)]
    take = itemgetter(*order) if len(order) > 1 else lambda row: (row[order[0]],)
    if not read:
        return [take(row) for row in rows]
    out = []
    for row in rows:
        values = list(take(row))
        for at in read:
            values[at] = page.as_json(values[at])
        out.append(tuple(values))
    return out


def _value(kind: Kind, held: Any) -> Any:
    """A value of an answer in SQL: places and JSON as objects, bytes as hexadecimal text."""
    if kind in (Kind.GEOMETRY, Kind.JSON):
        return page.as_json(held) if isinstance(held, str) else held
    return held.hex() if isinstance(held, bytes) else held


def fields(view: View, names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"id": ID, "type": "int"} if name == ID else _field(view, name) for name in names]


def _field(view: View, name: str) -> dict[str, Any]:
    item = view.column(name)
    words: dict[str, Any] = {"label": item.title}
    if item.declared and item.declared.description:
        words["notes"] = item.declared.description
    if item.unit:
        words["unit"] = item.unit
    return {"id": name, "type": TYPES[item.kind], "info": words}


def formed(form: str, names: Sequence[str], rows: Sequence[Row]) -> Any:
    if form == "objects":
        return [dict(zip(names, row, strict=True)) for row in rows]
    return rows if form == "lists" else b"".join(line(row, form) for row in rows).decode()


def links(call: Call, limit: int, offset: int) -> dict[str, str]:
    """Addresses of the first and the next page, as a GET would ask for them."""
    kept = {
        name: orjson.dumps(held).decode() if isinstance(held, (dict, list)) else str(held)
        for name, held in call.given.items()
        if name != "offset" and held is not None
    }
    start = "/api/3/action/datastore_search"
    return {
        "start": f"{start}?{urlencode(kept)}",
        "next": f"{start}?{urlencode({**kept, 'offset': offset + limit})}",
    }


def info(call: Call) -> dict[str, Any]:
    """Facts of one resource (id) and its fields."""
    record, as_of = table(call, told(call))
    view = call.site.door.view(record.id, as_of, call.caller)
    size = view.version.bytes
    return {
        "meta": {
            "id": told(call),
            "count": view.version.rows,
            "table_type": "BASE TABLE",
            "size": size,
            "idx_size": 0,
            "db_size": size,
            "aliases": [record.id],
        },
        "fields": [
            _field(view, item.name)
            | {
                "schema": {
                    "native_type": TYPES[item.kind],
                    "notnull": item.required,
                    "index_name": None,
                    "is_index": item.name in view.scope.key,
                    "uniquekey": view.scope.key == (item.name,),
                }
            }
            for item in view.columns
        ],
    }


_NAMED = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def search_sql(call: Call) -> dict[str, Any]:
    """One SELECT (sql) in PostgreSQL's words; a table is a resource's id or a dataset's name in double quotes."""
    text = call.text("sql")
    if not text.strip():
        raise wrong("sql", "Missing value")
    names, asked_for = _names(call, text)
    answer = call.site.door.sql(asked_for, caller=call.caller, dialect="postgres", limit=LARGEST, names=names)
    try:
        columns = answer.columns
        for read in answer.reads:
            READINGS.count(read.dataset, "ckan", call.agent)
        ids = [item.name for item in columns]
        result: dict[str, Any] = {
            "sql": text,
            "records": [
                dict(zip(ids, (_value(item.kind, held) for item, held in zip(columns, row, strict=True)), strict=True))
                for row in answer.rows("geojson")
            ],
            "fields": [{"id": item.name, "type": TYPES.get(item.kind, "text")} for item in columns],
        }
        if answer.truncated:
            result["records_truncated"] = True
        return result
    finally:
        answer.close()


def _names(call: Call, text: str) -> tuple[dict[str, str], str]:
    """(resource ids and UUIDs of a question -> dataset, the question with earlier versions named as it knows them)."""
    names: dict[str, str] = {}
    for name in dict.fromkeys(_NAMED.findall(text[:100_000])[:50]):
        record, number = package.resolve(call.site.catalogue, name)
        if record is None or not record.local:
            continue
        if number:
            text = text.replace(f'"{name}"', f'"{record.id}@{number}"')
        else:
            names[name] = record.id
    return names, text


def tables(call: Call) -> dict[str, Any]:
    """The list of tables, which clients ask for as the resource ``_table_metadata``."""
    limit, offset = call.number("limit", 100, LARGEST), call.number("offset", 0)
    names: list[tuple[str, str | None]] = []
    for record in call.site.catalogue.records(local_only=True):
        number = package.table_number(record)
        if number and call.site.door.decide(record.id, call.caller).allowed:
            resource = package.resource_id(record, number)
            names += [(resource, None), (record.id, resource)]
    ids = (ID, "name", "oid", "alias_of")
    rows = [(at, name, at, alias) for at, (name, alias) in enumerate(names, 1)]
    form = call.text("records_format", "objects")
    if form not in FORMS:
        raise BadQuery(f"There is no form {form[:20]!r}.")
    return {
        "resource_id": METADATA,
        "limit": limit,
        "include_total": True,
        "total": len(rows),
        "total_was_estimated": False,
        "records_format": form,
        "records": formed(form, ids, rows[offset : offset + limit]),
        "fields": [{"id": name, "type": kind} for name, kind in zip(ids, ("int", "text", "int", "text"), strict=True)],
        "_links": links(call, limit, offset),
    }
