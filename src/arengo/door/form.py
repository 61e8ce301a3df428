"""How the engine itself writes a value or a row: WKT, GeoJSON, texts for CSV, whole lines of JSON.

Done in SQL because a million rows are written at the engine's speed, in its threads, without a Python object a value.
"""

from __future__ import annotations

from collections.abc import Sequence

from arengo.contract.model import Geometry, Kind
from arengo.query.compile import Output
from arengo.query.scope import quote

RISKY = "[=+\\-@\\t\\r]"
"""First characters that make a spreadsheet read a text as a formula (OWASP, CSV Injection)."""


def value(item: Output, geometry: str = "wkb") -> str:
    """An output with a stored geometry as ``wkb``, ``geojson`` or ``wkt``."""
    if item.kind is not Kind.GEOMETRY or geometry == "wkb":
        return item.sql
    function = {"geojson": "ST_AsGeoJSON", "wkt": "ST_AsText"}[geometry]
    return f"CAST({function}(ST_GeomFromWKB({item.sql})) AS VARCHAR)"


def moment(sql: str) -> str:
    """A timestamp as RFC 3339 text with as many fraction digits as it has."""
    return f"replace(CAST({sql} AS VARCHAR), ' ', 'T') || 'Z'"


def cell(item: Output, safe: bool = False) -> str:
    """An output for a CSV cell. ``safe``: a text that a spreadsheet would run gets an apostrophe in front."""
    if item.kind is Kind.TIMESTAMP:
        return moment(item.sql)
    if item.kind is Kind.TIME:
        return f"CAST({item.sql} AS VARCHAR)"
    if safe and item.kind in (Kind.STRING, Kind.JSON):
        return f"CASE WHEN regexp_matches({item.sql}, '^{RISKY}') THEN '''' || {item.sql} ELSE {item.sql} END"
    return value(item, "wkt")


def json_value(item: Output) -> str:
    """An output as something ``to_json`` writes as the rows API writes it."""
    if item.kind is Kind.TIMESTAMP:
        return moment(item.sql)
    if item.kind is Kind.NUMBER:
        return f"CASE WHEN isfinite({item.sql}) THEN {item.sql} END"
    if item.kind is Kind.JSON:
        return f"CASE WHEN json_valid({item.sql}) THEN CAST({item.sql} AS JSON) ELSE to_json({item.sql}) END"
    if item.kind is Kind.GEOMETRY:
        return f"ST_AsGeoJSON(ST_GeomFromWKB({item.sql}))"
    return item.sql


def json_object(outputs: Sequence[Output]) -> str:
    """A row as a struct with the outputs' names."""
    inner = ", ".join(f"{text(item.name)}: {json_value(item)}" for item in outputs)
    return f"{{{inner}}}"


def json_line(outputs: Sequence[Output]) -> str:
    """A row as one line of NDJSON, its line end included."""
    return f"CAST(to_json({json_object(outputs)}) AS VARCHAR) || chr(10)"


def feature_line(outputs: Sequence[Output], geometry: Geometry, key: Sequence[tuple[str, Kind]]) -> str:
    """A row as a GeoJSON feature with a comma and a line end before it."""
    parts = ["'type': 'Feature'"]
    if key:
        parts.append(f"'id': {_id(key)}")
    parts.append(f"'geometry': {place(geometry, 'geojson')}")
    parts.append(f"'properties': {json_object([item for item in outputs if item.kind is not Kind.GEOMETRY])}")
    return f"',' || chr(10) || CAST(to_json({{{', '.join(parts)}}}) AS VARCHAR)"


def _id(key: Sequence[tuple[str, Kind]]) -> str:
    if len(key) == 1 and key[0][1] in (Kind.STRING, Kind.INTEGER):
        return quote(key[0][0])
    texts = [
        f"coalesce({moment(quote(name)) if kind is Kind.TIMESTAMP else f'CAST({quote(name)} AS VARCHAR)'}, '')"
        for name, kind in key
    ]
    return " || ',' || ".join(texts)


def place(geometry: Geometry, form: str) -> str:
    """The place of a row as ``geojson`` (JSON) or ``wkb`` (BLOB), NULL when a coordinate is unknown."""
    here = (
        f"ST_GeomFromWKB({quote(geometry.column)})"
        if geometry.stored
        else f"ST_Point({quote(geometry.x)}, {quote(geometry.y)})"
    )
    return f"ST_AsGeoJSON({here})" if form == "geojson" else f"ST_AsWKB({here})"


def cover(geometry: Geometry) -> tuple[str, ...]:
    """The sides of a row's box and its geometry type."""
    if geometry.stored:
        kind = f"CAST(ST_GeometryType(ST_GeomFromWKB({quote(geometry.column)})) AS VARCHAR)"
        return ('"_xmin"', '"_ymin"', '"_xmax"', '"_ymax"', kind)
    x, y = quote(geometry.x), quote(geometry.y)
    both = f"CASE WHEN {x} IS NOT NULL AND {y} IS NOT NULL THEN"
    return (f"{both} {x} END", f"{both} {y} END", f"{both} {x} END", f"{both} {y} END", f"{both} 'POINT' END")


def text(value: str) -> str:
    """A name as a SQL text constant (a contract's column name as a JSON key; never a caller's value)."""
    return "'" + value.replace("'", "''") + "'"
