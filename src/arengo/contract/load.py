"""A contract's text read into the frozen values of :mod:`arengo.contract.model`.

``load`` and ``loads`` refuse what cannot be read (not YAML, not ODCS 3.x, an Arengo property of the wrong shape).
What can be read but makes no sense, such as a rule about a column that is not there, is for the lint.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from arengo.contract import properties, protection, standard
from arengo.contract.document import Document, Path, parse
from arengo.contract.finding import Finding, Severity, by_line
from arengo.contract.model import EMPTY, Contract, Frozen, Geometry, Kind, Parse, Property, Rule, SourceSpec
from arengo.errors import ContractError, Place

MAX_BYTES = 4_000_000
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
WGS84 = "EPSG:4326"

_WGS84 = {"EPSG:4326", "OGC:CRS84", "CRS84", "WGS84", "WGS 84", "EPSG:4979", "OGC:CRS84H"}
_CRS = re.compile(
    r"(?:urn:ogc:def:crs:|https?://www\.opengis\.net/def/crs/)?(EPSG|OGC|ESRI)[:/]+(?:[\d.]*[:/]+)?(\w+)", re.IGNORECASE
)
_KINDS = {
    "string": Kind.STRING,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "timestamp": Kind.TIMESTAMP,
    "object": Kind.JSON,
    "array": Kind.JSON,
    "map": Kind.JSON,
    "vector": Kind.JSON,
}
_GEOMETRY_TYPES = re.compile(r"(geometry|geography|wkb|sdo_geometry|st_geometry)\b.*", re.IGNORECASE)
_SEVERITIES = {
    "error": "error", "critical": "error", "blocker": "error", "high": "error", "fatal": "error",
    "warning": "warning", "warn": "warning", "medium": "warning", "major": "warning",
    "info": "info", "low": "info", "minor": "info", "notice": "info",
}  # fmt: skip
_SERVER_KINDS = {"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql"}


def load(path: FilePath, base: FilePath | None = None) -> Contract:
    """Read one contract file. ``base``: the city's folder, from which relative source paths start.

    Raises ContractError with file and line; its message is the first finding's sentence.
    """
    path = FilePath(path)
    return loads(read(path), path=path, base=base)


def read(path: FilePath) -> str:
    """The text of a contract file, as UTF-8. Raises ContractError when it is missing, too large or not UTF-8."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ContractError(
                f"This contract is larger than {MAX_BYTES:,} bytes.",
                todo="A contract describes a dataset; the data itself belongs into its source.",
                place=Place(file=str(path)),
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ContractError(
            "This file is not UTF-8 text.", todo="Save it as UTF-8.", place=Place(file=str(path), line=line)
        ) from error
    except OSError as error:
        raise ContractError(
            f"The contract cannot be read: {error.strerror or error}.", place=Place(file=str(path))
        ) from error


def loads(text: str, *, path: FilePath | None = None, base: FilePath | None = None) -> Contract:
    """Read a contract's text. Raises ContractError with the line of the first error."""
    document = parse(text, str(path) if path else None)
    errors = [item for item in by_line(unreadable(document)) if item.severity is Severity.ERROR]
    if errors:
        first = errors[0]
        more = f" ({len(errors) - 1} more: run 'arengo lint'.)" if len(errors) > 1 else ""
        raise ContractError(
            first.message, todo=first.todo + more, place=Place(file=str(path) if path else None, line=first.line)
        )
    return build(document, path=path, base=base)


def unreadable(document: Document) -> list[Finding]:
    """Findings that stand between the text and a :class:`Contract`."""
    found = standard.check(document)
    if found:
        return found
    data = document.data
    if not ID.fullmatch(data["id"]) or len(data["id"]) > 100:
        found.append(
            Finding(
                Severity.ERROR, document.line(("id",)), "id-not-kebab",
                f"The id is {data['id']!r}; it becomes part of addresses and file names.",
                f"Write small letters, digits and single hyphens: 'id: {_kebab(data['id'])}'.", "id",
            )
        )  # fmt: skip
    tables = data.get("schema") or []
    if not tables or not tables[0].get("properties"):
        found.append(
            Finding(
                Severity.ERROR, document.line(("schema", 0) if tables else ("schema",)), "no-columns",
                "The contract names no column.", "List them under schema, properties.", "schema",
            )
        )  # fmt: skip
    return found + properties.check(document)


def build(document: Document, *, path: FilePath | None = None, base: FilePath | None = None) -> Contract:
    """The contract of a document without unreadable findings."""
    data = standard.modern(document.data)
    table = data["schema"][0]
    place: Path = ("schema", 0)
    custom = {**_custom(table), **_custom(data)}
    columns = tuple(
        _property(document, item, (*place, "properties", number))
        for number, item in enumerate(table.get("properties", []))
    )
    description = data.get("description") or {}
    team = data.get("team") or {}
    members = team if isinstance(team, list) else team.get("members", [])
    return protection.released(
        Contract(
            id=data["id"],
            version=data["version"],
            name=data.get("name", ""),
            status=data.get("status", "draft"),
            text=document.text,
            properties=_with_keys(columns, table.get("properties", [])),
            schema_name=table["name"],
            source=_source(data, table, custom, _base(path, base)),
            geometry=_geometry(columns, custom),
            path=path,
            domain=data.get("domain", ""),
            tenant=data.get("tenant", ""),
            purpose=_flat(description.get("purpose") or table.get("description", "")),
            usage=_flat(description.get("usage", "")),
            limitations=_flat(description.get("limitations", "")),
            tags=tuple(data.get("tags") or ()),
            quality=_rules(document, table.get("quality"), (*place, "quality"), None),
            sla=_sla(data.get("slaProperties")),
            team=freeze(members),
            roles=freeze(data.get("roles") or []),
            support=freeze(data.get("support") or []),
            custom=freeze(custom),
        )
    )


def sha(contract: Contract) -> str:
    """SHA-256 of the contract's text: what ``contract_sha`` holds everywhere."""
    return hashlib.sha256(contract.text.encode("utf-8")).hexdigest()


def freeze(value: Any) -> Any:
    """Dicts become :class:`Frozen`, lists become tuples, all the way down."""
    if isinstance(value, Mapping):
        return Frozen({str(key): freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value


def crs_code(value: Any) -> str:
    """``EPSG:n`` of a number, code, URN or OGC address; WGS 84 in any spelling is ``EPSG:4326``; '' when unreadable."""
    text = str(value).strip()
    if re.fullmatch(r"\d{4,6}", text):
        text = f"EPSG:{text}"
    if text.upper() in _WGS84:
        return WGS84
    match = _CRS.fullmatch(text)
    if not match:
        return ""
    code = f"{match[1].upper()}:{match[2].upper()}"
    return WGS84 if code in _WGS84 else code


def _base(path: FilePath | None, base: FilePath | None) -> FilePath:
    if base is not None:
        return FilePath(base)
    if path is None:
        return FilePath()
    folder = path.resolve().parent
    return folder.parent if folder.name == "contracts" else folder


def _custom(item: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["property"]: entry["value"] for entry in item.get("customProperties") or ()}


def _property(document: Document, item: dict[str, Any], place: Path) -> Property:
    custom = _custom(item)
    physical_type = item.get("physicalType", "")
    logical = item["logicalType"]
    kind = _KINDS[logical]
    if "arengoGeometry" in custom or (kind in (Kind.JSON, Kind.STRING) and _GEOMETRY_TYPES.fullmatch(physical_type)):
        kind = Kind.GEOMETRY
    values = item.get("enum") or []
    labels = {str(entry["value"]): entry["label"] for entry in values if entry.get("label")}
    return Property(
        name=item["name"],
        kind=kind,
        logical_type=logical,
        physical_name=item.get("physicalName") or item["name"],
        physical_type=physical_type,
        title=item.get("businessName", ""),
        description=_flat(item.get("description", "")),
        required=bool(item.get("required", False)),
        unique=bool(item.get("unique", False)),
        classification=item.get("classification", ""),
        examples=freeze(item.get("examples") or []),
        options=freeze(item.get("logicalTypeOptions") or {}),
        enum=tuple(entry["value"] for entry in values),
        enum_labels=freeze(labels) if labels else EMPTY,
        tags=tuple(item.get("tags") or ()),
        quality=_rules(document, item.get("quality"), (*place, "quality"), item["name"]),
        parse=_parse(document, custom, place),
        custom=freeze(custom),
        line=document.line(place),
    )


def _with_keys(columns: tuple[Property, ...], items: list[dict[str, Any]]) -> tuple[Property, ...]:
    """Key columns with a position: the declared ones first, then those without a position, in order of appearance."""
    from dataclasses import replace

    keys = [number for number, item in enumerate(items) if item.get("primaryKey")]
    declared = {number: int(items[number].get("primaryKeyPosition", -1)) for number in keys}
    keys.sort(key=lambda number: (declared[number] < 0, declared[number], number))
    positions = {number: position for position, number in enumerate(keys)}
    return tuple(
        replace(column, key_position=positions[number]) if number in positions else column
        for number, column in enumerate(columns)
    )


def _parse(document: Document, custom: Mapping[str, Any], place: Path) -> Parse:
    raw = custom.get("arengoParse")
    if not raw:
        return Parse()
    number = next(
        index
        for index, entry in enumerate(_raw_custom(document, place))
        if entry.get("property") == "arengoParse"
    )  # fmt: skip
    here: Path = (*place, "customProperties", number, "value")

    def texts(name: str) -> tuple[str, ...]:
        value = raw.get(name)
        if value is None and name not in raw:
            return ()
        if isinstance(value, list):
            return tuple(document.text_of((*here, name, index)) for index in range(len(value)))
        return (document.text_of((*here, name)),)

    return Parse(
        formats=texts("formats"),
        decimal=next(iter(texts("decimal")), "."),
        thousands=next(iter(texts("thousands")), ""),
        true=texts("true"),
        false=texts("false"),
        scale=float(raw.get("scale", 1.0)),
        strip=texts("strip"),
        nulls=texts("nulls"),
        suppressed=texts("suppressed"),
        spoilt_dates=raw.get("spoilt_dates") is True,
    )


def _raw_custom(document: Document, place: Path) -> list[dict[str, Any]]:
    data: Any = document.data
    for part in place:
        data = data[part]
    return data.get("customProperties") or []


def _rules(document: Document, items: Any, place: Path, column: str | None) -> tuple[Rule, ...]:
    out: list[Rule] = []
    names: dict[str, int] = {}
    for number, item in enumerate(items or ()):
        operator = next((name for name in standard.OPERATORS if name in item), None)
        name = item.get("name") or _rule_name(item, column)
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            name = f"{name} {names[name]}"
        arguments = dict(item.get("arguments") or {})
        for key in ("engine", "implementation"):
            if key in item:
                arguments[key] = item[key]
        out.append(
            Rule(
                type=item["type"],
                name=name,
                column=column,
                metric=item.get("metric"),
                query=item.get("query"),
                arguments=freeze(arguments) if arguments else EMPTY,
                operator=operator,
                operand=freeze(item[operator]) if operator else None,
                unit="percent" if str(item.get("unit", "rows")).lower() in ("percent", "%", "percentage") else "rows",
                severity=_SEVERITIES.get(str(item.get("severity", "warning")).lower(), "warning"),
                dimension=item.get("dimension"),
                description=_flat(item.get("description", "")),
                line=document.line((*place, number)),
            )
        )
    return tuple(out)


def _rule_name(item: Mapping[str, Any], column: str | None) -> str:
    what = item.get("metric") or (_flat(item.get("description", ""))[:60] if item["type"] == "text" else item["type"])
    return f"{what} of {column}" if column and item["type"] != "text" else str(what or item["type"])


def _sla(items: Iterable[Mapping[str, Any]] | None) -> Mapping[str, Any]:
    return Frozen(
        {item["property"]: freeze({key: item[key] for key in item if key != "property"}) for item in items or ()}
    )


def _source(
    data: Mapping[str, Any], table: Mapping[str, Any], custom: Mapping[str, Any], base: FilePath
) -> SourceSpec | None:
    declared = custom.get("arengoSource")
    servers = data.get("servers") or []
    if declared is None:
        declared = next(
            (found["arengoSource"] for server in servers if "arengoSource" in (found := _custom(server))), None
        )
    if declared is not None:
        options = {key: value for key, value in declared.items() if key != "kind"}
        if declared["kind"] == "sqlite" and "path" not in options and "database" in options:
            options["path"] = options.pop("database")
        growing = custom.get("arengoIncremental", {}).get("column")
        if growing:
            names = {item["name"]: item.get("physicalName") or item["name"] for item in table.get("properties", ())}
            options.setdefault("incremental", names.get(growing, growing))
        return SourceSpec(kind=declared["kind"], options=freeze(options), base=base)
    for server in servers:
        kind = server.get("type")
        if kind == "local" and server.get("path"):
            return SourceSpec(kind=str(server.get("format", "csv")), options=Frozen(path=server["path"]), base=base)
        if kind in _SERVER_KINDS and server.get("host") and server.get("database"):
            options = {key: server[key] for key in ("host", "port", "database") if server.get(key)}
            name = table.get("physicalName") or table["name"]
            options["table"] = f"{server['schema']}.{name}" if server.get("schema") else name
            return SourceSpec(kind=_SERVER_KINDS[kind], options=Frozen(options), base=base)
    return None


def _geometry(columns: tuple[Property, ...], custom: Mapping[str, Any]) -> Geometry | None:
    declared = custom.get("arengoGeometry")
    crs = crs_code(custom.get("arengoCrs", WGS84)) or WGS84
    if isinstance(declared, str):
        declared = {"column": declared}
    if declared is None:
        column = next((item for item in columns if item.kind is Kind.GEOMETRY), None)
        if column is None:
            return None
        declared = {"column": column.name}
    types = _types(declared.get("types"))
    if declared.get("column"):
        column = next((item for item in columns if item.name == declared["column"]), None)
        own = column.custom if column is not None else EMPTY
        crs = crs_code(own.get("arengoCrs", crs)) or crs
        return Geometry(column=declared["column"], crs=crs, types=types or _types(own.get("arengoGeometry")))
    taken = {item.name for item in columns}
    derived = (
        "" if crs == WGS84 else next(name for name in ("geometry", "geometry_", "geometry__") if name not in taken)
    )
    return Geometry(column=derived, x=declared["x"], y=declared["y"], crs=crs, types=types or ("Point",))


def _types(value: Any) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        value = value.get("types", ())
    if isinstance(value, str):
        value = (value,)
    return tuple(str(item) for item in value or () if str(item).lower() not in ("geometry", "any"))


def _flat(text: str) -> str:
    return " ".join(text.split()) if "\n\n" not in text else text.strip()


def _kebab(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:100] or "dataset"
