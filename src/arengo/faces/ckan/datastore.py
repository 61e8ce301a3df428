"""CKAN's DataStore over the door: ``datastore_search``, ``datastore_search_sql``, ``datastore_info``, the dump."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

import orjson

from arengo.catalogue import Record
from arengo.contract.model import Kind
from arengo.door import Answer, Caller
from arengo.errors import BadQuery, UnknownColumn, UnknownDataset
from arengo.faces.ckan.package import VERSION_MARK
from arengo.faces.site import Site
from arengo.query.model import Expr, Order, Query

LARGEST = 32_000
TYPES: Mapping[Kind, str] = {
    Kind.STRING: "text", Kind.INTEGER: "int", Kind.NUMBER: "numeric", Kind.BOOLEAN: "bool", Kind.DATE: "date",
    Kind.TIME: "time", Kind.TIMESTAMP: "timestamp", Kind.GEOMETRY: "json", Kind.JSON: "json",
}  # fmt: skip
COMPARED = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
Given = Mapping[str, Any]


def table(site: Site, given: Given) -> tuple[Record, str]:
    """(dataset, ``as_of``) of the resource named; a dataset's name or UUID stands for its table too."""
    told = str(given.get("resource_id") or given.get("id") or "").strip()
    if not told:
        raise BadQuery("resource_id is missing.", todo="Take it from package_show.")
    as_of = str(given.get("as_of") or "")
    record = None
    if len(told) == 36:
        record = site.catalogue.by_uuid(told[:-4])
        number = int(told[-4:], 16) if set(told[-4:].lower()) <= set("0123456789abcdef") else 0
        if record is not None and told != record.uuid and number >= VERSION_MARK:
            as_of = as_of or str(number - VERSION_MARK)
    if record is None:
        record = site.catalogue.record(told)
    if not record.local:
        raise UnknownDataset(f"The rows of {record.id} are not held here.", todo="Ask its origin; see its url.")
    return record, as_of


def search(site: Site, caller: Caller, given: Given) -> dict[str, Any]:
    """``datastore_search``."""
    if str(given.get("resource_id") or given.get("id")) == "_table_metadata":
        return _tables(site, caller, given)
    record, as_of = table(site, given)
    view = site.door.view(record.id, as_of, caller)
    wanted = _list(given.get("fields")) or [item.name for item in view.columns]
    unknown = [name for name in wanted if name != "_id" and name not in view.scope.fields]
    if unknown:
        raise UnknownColumn(f"There is no field {unknown[0]!r}.", todo=f"It has {', '.join(view.scope.fields)}.")
    names = tuple(name for name in wanted if name != "_id")
    limit = min(_number(given, "limit", 100), LARGEST)
    offset = _number(given, "offset", 0)
    query = Query(
        record.id,
        select=names,
        filter=_both(_filters(view, given.get("filters")), _words(view, given)),
        order_by=_order(view, given.get("sort")),
        limit=None,
        as_of=str(view.version.number),
        search=_plain_words(given),
    )
    answer = site.door.ask(query, caller)
    rows = list(islice(_rows(answer), offset, offset + limit)) if limit else []
    with_id = "fields" not in given or "_id" in wanted
    fields = [_field(view, name) for name in names]
    if with_id:
        fields.insert(0, {"id": "_id", "type": "int"})
        rows = [(offset + position, *row) for position, row in enumerate(rows, 1)]
    form = str(given.get("records_format") or "objects")
    ids = [field["id"] for field in fields]
    result: dict[str, Any] = {
        "include_total": _yes(given, "include_total", True),
        "limit": limit,
        "records_format": form,
        "resource_id": str(given.get("resource_id") or given.get("id")),
        "total_estimation_threshold": None,
        "records": _formed(form, ids, rows),
        "fields": fields,
        "_links": _links(given, limit, offset),
    }
    if offset:
        result["offset"] = offset
    for name in ("filters", "q", "sort"):
        if given.get(name):
            result[name] = given[name]
    if result["include_total"]:
        result["total"] = answer.matched if (query.filter or query.search) else view.version.rows
        result["total_was_estimated"] = False
    return result


def info(site: Site, caller: Caller, given: Given) -> dict[str, Any]:
    """``datastore_info``."""
    record, as_of = table(site, given)
    view = site.door.view(record.id, as_of, caller)
    return {
        "meta": {
            "id": str(given.get("resource_id") or given.get("id")),
            "count": view.version.rows,
            "table_type": "table",
            "size": view.version.bytes,
            "idx_size": 0,
            "db_size": view.version.bytes,
            "aliases": [record.id],
        },
        "fields": [
            _field(view, item.name)
            | {"schema": {"native_type": TYPES[item.kind], "notnull": item.required, "index_name": None,
                          "is_index": False, "uniquekey": item.name in view.scope.key}}
            for item in view.columns
        ],
    }  # fmt: skip


def search_sql(site: Site, caller: Caller, given: Given) -> dict[str, Any]:
    """``datastore_search_sql`` in the sandbox; tables are resource ids, names or UUIDs of datasets."""
    text = str(given.get("sql") or "")
    if not text:
        raise BadQuery("sql is missing.", todo='Write SELECT * FROM "<resource id>".')
    answer = site.door.sql(text, caller=caller, dialect="postgres", limit=LARGEST, names=_names(site, text))
    columns = list(answer.columns)
    rows = [[_value(item) for item in row] for row in answer.rows()]
    ids = [str(item.name) for item in columns]
    result: dict[str, Any] = {
        "sql": text,
        "records": [dict(zip(ids, row, strict=True)) for row in rows],
        "fields": [{"id": item.name, "type": TYPES.get(Kind(item.kind), "text")} for item in columns],
    }
    if answer.truncated:
        result["records_truncated"] = True
    return result


def _names(site: Site, text: str) -> dict[str, str]:
    """Resource ids and UUIDs that stand in a question -> dataset id."""
    import re

    out: dict[str, str] = {}
    for found in re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", text[:100_000])[:50]:
        record = site.catalogue.by_uuid(found[:-4])
        if record is not None and record.local:
            number = int(found[-4:], 16)
            past = found != record.uuid and number >= VERSION_MARK
            out[found] = f"{record.id}@{number - VERSION_MARK}" if past else record.id
    return out


def dump(site: Site, caller: Caller, given: Given) -> Iterator[bytes]:
    """The whole table as ``csv``, ``tsv`` or ``json``, in bounded memory."""
    record, as_of = table(site, given)
    view = site.door.view(record.id, as_of, caller)
    form = str(given.get("format") or "csv").lower()
    if form not in ("csv", "tsv", "json"):
        raise BadQuery(f"There is no format {form[:20]!r}.", todo="Write csv, tsv or json.")
    names = tuple(name for name in (_list(given.get("fields")) or list(view.scope.fields)) if name != "_id")
    query = Query(
        record.id,
        select=names,
        filter=_both(_filters(view, given.get("filters")), _words(view, given)),
        order_by=_order(view, given.get("sort")),
        limit=None,
        as_of=str(view.version.number),
        search=_plain_words(given),
    )
    offset, limit = _number(given, "offset", 0), given.get("limit")
    stop = None if limit in (None, "") else offset + _number(given, "limit", 0)
    rows = islice(_rows(site.door.ask(query, caller)), offset, stop)
    return _dumped(form, view, names, rows, offset, _yes(given, "bom", False))


def _dumped(
    form: str, view: Any, names: Sequence[str], rows: Iterator[tuple[Any, ...]], offset: int, bom: bool
) -> Iterator[bytes]:
    ids = ["_id", *names]
    if form == "json":
        fields = [{"id": "_id", "type": "int"}, *(_field(view, name) for name in names)]
        yield b'{\n  "fields": ' + orjson.dumps(fields) + b',\n  "records": ['
        first = True
        for position, row in enumerate(rows, offset + 1):
            yield (b"\n    " if first else b",\n    ") + orjson.dumps([position, *row], default=str)
            first = False
        yield b"\n  ]\n}\n"
        return
    if bom:
        yield "\ufeff".encode()
    yield _line(ids, form)
    held: list[list[Any]] = []
    for position, row in enumerate(rows, offset + 1):
        held.append([position, *row])
        if len(held) >= 2000:
            yield b"".join(_line(item, form) for item in held)
            held = []
    yield b"".join(_line(item, form) for item in held)


def _line(row: Sequence[Any], form: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter="\t" if form == "tsv" else ",").writerow(
        ["" if item is None else str(item).lower() if isinstance(item, bool) else item for item in row]
    )
    return out.getvalue().encode("utf-8", "ignore")


def _rows(answer: Answer) -> Iterator[tuple[Any, ...]]:
    """Rows as plain values, read as they are taken."""
    kinds = [item.kind for item in answer.columns]
    for batch in answer.batches(geometry="geojson"):
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            yield tuple(_cell(kind, value) for kind, value in zip(kinds, row, strict=True))


def _cell(kind: Kind, value: Any) -> Any:
    if kind in (Kind.GEOMETRY, Kind.JSON) and isinstance(value, (str, bytes)):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return str(value)
    return _value(value)


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, bytes):
        return value.hex()
    return value


def _field(view: Any, name: str) -> dict[str, Any]:
    item = view.column(name)
    told: dict[str, Any] = {"label": item.title}
    if item.declared and item.declared.description:
        told["notes"] = item.declared.description
    if item.unit:
        told["unit"] = item.unit
    return {"id": name, "type": TYPES[item.kind], "info": told}


def _filters(view: Any, given: Any) -> Expr:
    if given in (None, "", {}, []):
        return None
    told = _parsed(given, "filters")
    if isinstance(told, list):
        return _either([_filters(view, item) for item in told[:50]])
    if not isinstance(told, dict):
        raise BadQuery("filters is no object.", todo='Write {"column": "value"}.')
    parts: list[Expr] = []
    for name, value in list(told.items())[:100]:
        if name == "$or" and isinstance(value, list):
            parts.append(_either([_filters(view, item) for item in value[:50]]))
        else:
            parts.append(_condition(view, name, value))
    return _all(parts)


def _condition(view: Any, name: str, value: Any) -> Expr:
    if name not in view.scope.fields:
        raise UnknownColumn(f"There is no field {name!r}.", todo=f"It has {', '.join(view.scope.fields)}.")
    kind = view.scope.fields[name].kind
    column = {"property": name}
    if isinstance(value, dict):
        unknown = [word for word in value if word not in (*COMPARED, "eq", "in")]
        if unknown:
            raise BadQuery(f"There is no comparison {unknown[0]!r}.", todo=f"Write {', '.join(COMPARED)}.")
        parts: list[Expr] = []
        for word, held in value.items():
            compared: Expr = {"op": COMPARED.get(word, "="), "args": [column, _typed(kind, held)]}
            parts.append(_condition(view, name, held) if word in ("eq", "in") else compared)
        return _all(parts)
    if isinstance(value, list):
        if any(isinstance(item, dict) for item in value):
            return _either([_condition(view, name, item) for item in value[:500]])
        known = [item for item in value[:5000] if item is not None]
        parts = [{"op": "in", "args": [column, [_typed(kind, item) for item in known]]}] if known else []
        if len(known) < len(value):
            parts.append({"op": "isNull", "args": [column]})
        return _either(parts)
    if value is None:
        return {"op": "isNull", "args": [column]}
    return {"op": "=", "args": [column, _typed(kind, value)]}


def _typed(kind: Kind, value: Any) -> Any:
    """A value as the column's kind wants it: clients send numbers and times as texts."""
    text = str(value)
    try:
        if kind is Kind.INTEGER:
            return int(text) if not isinstance(value, bool) else int(value)
        if kind is Kind.NUMBER:
            return float(text)
    except ValueError:
        raise BadQuery(f"{text[:40]!r} is no number.", todo="Compare the column with a number.") from None
    if kind is Kind.BOOLEAN:
        return text.lower() in ("true", "t", "1", "yes")
    if kind is Kind.DATE:
        return {"date": text[:10]}
    if kind is Kind.TIMESTAMP:
        return {"timestamp": text.replace(" ", "T") + ("" if text.endswith("Z") or "+" in text[10:] else "Z")}
    return text


def _plain_words(given: Given) -> str:
    q = given.get("q")
    return str(q) if isinstance(q, str) and not q.lstrip().startswith("{") else ""


def _words(view: Any, given: Given) -> Expr:
    """``q`` as words by column: texts that hold them, whatever their case."""
    q = given.get("q")
    if isinstance(q, str) and q.lstrip().startswith("{"):
        q = _parsed(q, "q")
    if not isinstance(q, dict):
        return None
    parts: list[Expr] = []
    for name, words in list(q.items())[:30]:
        if name not in view.scope.fields:
            raise UnknownColumn(f"There is no field {name!r}.", todo=f"It has {', '.join(view.scope.fields)}.")
        kind = view.scope.fields[name].kind
        if kind is not Kind.STRING:
            parts.append(_condition(view, name, words))
            continue
        plain = str(words).rstrip(":*").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        column = {"op": "casei", "args": [{"property": name}]}
        parts.append({"op": "like", "args": [column, {"op": "casei", "args": [f"%{plain}%"]}]})
    return _all(parts)


def _order(view: Any, given: Any) -> tuple[Order, ...]:
    out: list[Order] = []
    for part in _list(given):
        words = part.split()
        if not words:
            continue
        name = words[0].strip('"')
        if name == "_id":
            continue
        if name not in view.scope.fields:
            raise UnknownColumn(
                f"There is no field {name!r} to sort by.", todo=f"It has {', '.join(view.scope.fields)}."
            )
        out.append(Order(name, len(words) > 1 and words[1].lower() == "desc"))
    return tuple(out)


def _formed(form: str, ids: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Any:
    if form == "objects":
        return [dict(zip(ids, row, strict=True)) for row in rows]
    if form == "lists":
        return [list(row) for row in rows]
    if form in ("csv", "tsv"):
        return b"".join(_line(row, form) for row in rows).decode()
    raise BadQuery(f"There is no records_format {form[:20]!r}.", todo="Write objects, lists, csv or tsv.")


def _links(given: Given, limit: int, offset: int) -> dict[str, str]:
    from urllib.parse import urlencode

    kept = {k: v for k, v in given.items() if k not in ("offset",) and isinstance(v, (str, int))}
    start = f"/api/3/action/datastore_search?{urlencode(kept)}"
    return {"start": start, "next": f"/api/3/action/datastore_search?{urlencode({**kept, 'offset': offset + limit})}"}


def _tables(site: Site, caller: Caller, given: Given) -> dict[str, Any]:
    """The list of tables, as clients ask for by the id ``_table_metadata``."""
    limit, offset = min(_number(given, "limit", 100), LARGEST), _number(given, "offset", 0)
    found: list[dict[str, Any]] = []
    for record in site.catalogue.records(local_only=True):
        if record.distributions and site.door.decide(record.id, caller).allowed:
            number = next((n for n, item in enumerate(record.distributions, 1) if item.id == "csv"), 0)
            if number:
                found.append({"name": f"{record.uuid[:-4]}{number:04x}", "alias_of": None, "oid": len(found) + 1})
    return {
        "resource_id": "_table_metadata", "limit": limit, "total": len(found), "records_format": "objects",
        "records": found[offset : offset + limit], "include_total": True,
        "fields": [{"id": "name", "type": "text"}, {"id": "alias_of", "type": "text"}, {"id": "oid", "type": "int"}],
        "_links": _links(given, limit, offset),
    }  # fmt: skip


def _both(*parts: Expr) -> Expr:
    return _all([part for part in parts if part is not None])


def _all(parts: Sequence[Expr]) -> Expr:
    kept = [part for part in parts if part is not None]
    return None if not kept else kept[0] if len(kept) == 1 else {"op": "and", "args": kept}


def _either(parts: Sequence[Expr]) -> Expr:
    kept = [part for part in parts if part is not None]
    return None if not kept else kept[0] if len(kept) == 1 else {"op": "or", "args": kept}


def _parsed(value: Any, name: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise BadQuery(f"{name} is no JSON.", todo='Write {"column": "value"}.') from None


def _list(value: Any) -> list[str]:
    if not value:
        return []
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            return [str(item) for item in _parsed(value, "fields")]
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(item) for item in value] if isinstance(value, list) else []


def _number(given: Given, name: str, default: int) -> int:
    value = given.get(name)
    if value in (None, ""):
        return default
    try:
        found = int(str(value))
    except ValueError:
        raise BadQuery(f"{name} is {str(value)[:20]!r}, which is no whole number.") from None
    if found < 0 or found > 10**12:
        raise BadQuery(f"{name} is {found}, and it cannot be.")
    return found


def _yes(given: Given, name: str, default: bool) -> bool:
    value = given.get(name)
    if value in (None, ""):
        return default
    return str(value).lower() in ("true", "1", "yes", "t")
