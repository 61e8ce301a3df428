"""Rows as lines of CSV or of tab-separated values, as CKAN writes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

import orjson


def line(row: Sequence[Any], form: str) -> bytes:
    return lines((row,), form)


def lines(rows: Iterable[Sequence[Any]], form: str) -> bytes:
    """Unknown is empty, truth values are true and false, objects JSON, times without a zone (UTC)."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t" if form == "tsv" else ",", lineterminator="\r\n")
    writer.writerows([item if type(item) in _PLAIN else _cell(item) for item in row] for row in rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


_PLAIN = frozenset((str, int, type(None)))


def _cell(item: Any) -> Any:
    if isinstance(item, float):
        return item if isfinite(item) else ""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, (dict, list)):
        return orjson.dumps(item).decode()
    return item.isoformat() if hasattr(item, "isoformat") else item
