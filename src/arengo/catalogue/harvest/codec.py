"""A record as bytes and back, exactly: JSON without what is empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any

import orjson

from arengo.catalogue.record import Agent, Distribution, Fact, Provenance, Record, Service
from arengo.contract.model import Frozen

_NESTED: Mapping[str, type[Any]] = {
    "publisher": Agent,
    "contact": Agent,
    "provenance": Provenance,
    "distributions": Distribution,
    "services": Service,
    "columns": Fact,
}
_TIMES = frozenset(("issued", "modified", "harvested_at"))


def dumps(record: Record) -> bytes:
    return orjson.dumps(_plain(record), option=orjson.OPT_SORT_KEYS)


def loads(body: bytes) -> Record:
    made: Record = _build(Record, orjson.loads(body))
    return made


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        held = ((item, getattr(value, item.name)) for item in fields(value))
        return {item.name: _plain(found) for item, found in held if found != item.default}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value


def _build(kind: type[Any], told: Mapping[str, Any]) -> Any:
    words: dict[str, Any] = {}
    for name, value in told.items():
        nested = _NESTED.get(name)
        if nested is not None:
            many = isinstance(value, list)
            words[name] = tuple(_build(nested, item) for item in value) if many else _build(nested, value)
        elif name in _TIMES:
            words[name] = datetime.fromisoformat(value)
        elif name == "temporal":
            words[name] = tuple(date.fromisoformat(item) if item else None for item in value)
        elif isinstance(value, list):
            words[name] = tuple(value)
        elif isinstance(value, dict):
            words[name] = Frozen({key: tuple(item) if isinstance(item, list) else item for key, item in value.items()})
        else:
            words[name] = value
    return kind(**words)
