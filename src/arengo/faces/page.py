"""One page of rows in each form of the rows API: JSON, arrays, GeoJSON, CSV, NDJSON.

Fetching tuples and one call of orjson is the cheapest road to JSON here (2.9 CPU ms for 100 rows of 12 columns out
of a million; built inside the engine 3.2 to 3.9; decision 0064).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from arengo.contract.model import Kind
from arengo.door import Answer, AnswerColumn
from arengo.faces.site import JSON, JSON_OPTIONS, plain
from arengo.query.scope import Scope
from arengo.query.shape import from_wkb

PIECE = 500
"""Rows made into JSON at once."""
FORMS = {
    "json": JSON,
    "geojson": "application/geo+json",
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "arrays": "application/vnd.arengo.arrays+json",
}


def render(answer: Answer, form: str) -> bytes:
    """The page's body. Raises NotAcceptable for GeoJSON of a dataset without places."""
    return _RENDER[form](answer)


def _dumps(value: Any) -> bytes:
    return orjson.dumps(value, option=JSON_OPTIONS, default=plain)


def _json_values(columns: Sequence[AnswerColumn], rows: list[tuple[Any, ...]]) -> list[Any]:
    """Rows whose JSON and geometry texts are JSON values."""
    at = [i for i, item in enumerate(columns) if item.kind in (Kind.JSON, Kind.GEOMETRY)]
    if not at:
        return rows
    out = []
    for row in rows:
        values = list(row)
        for i in at:
            values[i] = as_json(values[i])
        out.append(values)
    return out


def as_json(text: str | None) -> Any:
    """Stored JSON text as a value; a text that is no JSON stays a text."""
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except ValueError:
        return text


def as_row(row: Mapping[str, Any] | None, scope: Scope) -> dict[str, Any] | None:
    """A row of a difference or a history as the rows API writes it."""
    if row is None:
        return None
    out: dict[str, Any] = {}
    for name, value in row.items():
        kind = scope.fields[name].kind if name in scope.fields else None
        if isinstance(value, bytes):
            out[name] = from_wkb(value)
        else:
            out[name] = as_json(value) if kind is Kind.JSON else value
    return out


def _list(rows: list[Any], make: Callable[[list[Any]], list[Any]]) -> list[bytes | memoryview]:
    """Pieces of one JSON list, made a few rows at a time so that not all rows are Python objects twice."""
    if len(rows) <= PIECE:
        return [_dumps(make(rows))]
    out: list[bytes | memoryview] = []
    for start in range(0, len(rows), PIECE):
        out += (b"," if start else b"[", memoryview(_dumps(make(rows[start : start + PIECE])))[1:-1])
    return [*out, b"]"]


def _tail(answer: Answer, returned: int) -> bytes:
    version = answer.view.version
    tail: dict[str, Any] = {"returned": returned}
    if answer.query.count:
        tail["matched"] = answer.matched
    tail["next"] = answer.next_cursor or None
    tail["dataset"] = version.dataset
    tail["version"] = version.number
    tail["published_at"] = version.published_at
    return b"," + _dumps(tail)[1:]


def _json(answer: Answer) -> bytes:
    names = [item.name for item in answer.columns]
    rows = answer.rows("geojson")
    items = _list(rows, lambda part: [dict(zip(names, row, strict=True)) for row in _json_values(answer.columns, part)])
    return b"".join((b'{"items":', *items, _tail(answer, len(rows))))


def _arrays(answer: Answer) -> bytes:
    columns = [
        {"name": item.name, "kind": item.kind, "title": item.title, "unit": item.unit} for item in answer.columns
    ]
    rows = answer.rows("geojson")
    items = _list(rows, lambda part: _json_values(answer.columns, part))
    return b"".join((b'{"columns":', _dumps(columns), b',"rows":', *items, _tail(answer, len(rows))))


def _ndjson(answer: Answer) -> bytes:
    names = [item.name for item in answer.columns]
    rows = _json_values(answer.columns, answer.rows("geojson"))
    return b"".join(_dumps(dict(zip(names, row, strict=True))) + b"\n" for row in rows)


def _geojson(answer: Answer) -> bytes:
    columns = answer.properties
    names = [item.name for item in columns]
    rows, key, place = answer.features()
    one = key[0] if len(key) == 1 and answer.view.scope.fields[answer.view.scope.key[0]].kind in _IDS else None
    x, y = (place[0], place[-1]) if place else (0, 0)
    point = len(place) == 2
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "id": row[one] if one is not None else feature_id([row[i] for i in key]),
            "geometry": None
            if row[x] is None or row[y] is None
            else {"type": "Point", "coordinates": (row[x], row[y])}
            if point
            else orjson.Fragment(row[x]),
            "properties": dict(zip(names, values, strict=False)),
        }
        for row, values in zip(rows, _json_values(columns, rows), strict=True)
    ]
    if not key:
        for feature in features:
            del feature["id"]
    version = answer.view.version
    head: dict[str, Any] = {"type": "FeatureCollection", "numberReturned": len(features)}
    if answer.query.count:
        head["numberMatched"] = answer.matched
    head["next"] = answer.next_cursor or None
    head["dataset"], head["version"], head["timeStamp"] = version.dataset, version.number, version.published_at
    return _dumps(head)[:-1] + b',"features":' + _dumps(features) + b"}"


_IDS = (Kind.STRING, Kind.INTEGER)


def feature_id(key: Sequence[Any]) -> str:
    """A GeoJSON id of a key that is no single text or whole number: its parts with commas between them."""
    return ",".join(text(part) for part in key)


def _csv(answer: Answer) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(item.name for item in answer.columns)
    writer.writerows([text(value) for value in row] for row in answer.rows("wkt"))
    return out.getvalue().encode()


def text(value: Any) -> str:
    """A value in a text form: unknown is empty, times end in Z, whole numbers have no point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, str):
        return value
    if hasattr(value, "isoformat"):
        text = str(value.isoformat())
        return f"{text}Z" if "T" in text else text
    return str(value)


_RENDER: dict[str, Callable[[Answer], bytes]] = {
    "json": _json,
    "arrays": _arrays,
    "ndjson": _ndjson,
    "geojson": _geojson,
    "csv": _csv,
}
