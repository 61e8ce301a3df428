"""Keyset cursors: where the last page ended, bound to the version and the question.

A cursor is opaque text: version number, checksum, the order values of the last row. The checksum is no secret
(nothing here needs one: the values are bound like any filter's); it refuses a cursor of another question or
another version with a sentence instead of giving a wrong page.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import orjson

from arengo.contract.model import Kind
from arengo.errors import BadQuery
from arengo.query.model import Query


@dataclass(frozen=True, slots=True)
class Position:
    """``number``: the version the first page came from. ``values``: one for each ordering, then the row's own."""

    number: int
    values: tuple[Any, ...]


def canonical(query: Query) -> bytes:
    """One text for equal questions; the first half of every cache key."""
    return orjson.dumps(
        [
            query.dataset,
            query.select,
            query.filter,
            [(group.column, group.bucket) for group in query.group_by],
            [(item.function, item.column) for item in query.aggregates],
            [(item.column, item.descending) for item in query.order_by],
            query.limit,
            query.cursor,
            query.bbox,
            query.datetime,
            query.search,
            query.count,
        ],
        option=orjson.OPT_SORT_KEYS,
    )


def question(query: Query) -> bytes:
    """The part of a query that must stay the same from page to page."""
    return canonical(replace(query, select=(), limit=None, cursor="", count=False))


def write(query: Query, number: int, identity: str, values: tuple[Any, ...]) -> str:
    body = orjson.dumps([number, [_plain(value) for value in values]])
    return base64.urlsafe_b64encode(_sum(query, identity, body) + body).decode().rstrip("=")


def number_of(cursor: str) -> int:
    """The version a cursor belongs to, before the rest is checked. Raises BadQuery."""
    return int(_open(cursor)[1][0])


def read(query: Query, identity: str, kinds: tuple[Kind, ...]) -> Position:
    """The position in ``query.cursor``. Raises BadQuery when it is broken or of another question or version."""
    check, body, raw = _split(query.cursor)
    if check != _sum(query, identity, raw) or len(body[1]) != len(kinds):
        raise BadQuery(
            "The cursor belongs to another question or version.",
            todo="Start again without cursor; follow the next links.",
        )
    return Position(int(body[0]), tuple(_typed(value, kind) for value, kind in zip(body[1], kinds, strict=True)))


def _open(cursor: str) -> tuple[bytes, list[Any]]:
    check, body, _ = _split(cursor)
    return check, body


def _split(cursor: str) -> tuple[bytes, list[Any], bytes]:
    try:
        if len(cursor) > 20_000:
            raise ValueError("too long")
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        body = orjson.loads(raw[8:])
        if not (isinstance(body, list) and len(body) == 2 and isinstance(body[0], int) and isinstance(body[1], list)):
            raise ValueError("wrong form")
    except (ValueError, binascii.Error, UnicodeEncodeError):
        raise BadQuery("The cursor is broken.", todo="Start again without cursor; follow the next links.") from None
    return raw[:8], body, raw[8:]


def _sum(query: Query, identity: str, body: bytes) -> bytes:
    digest = blake2b(question(query), digest_size=8)
    digest.update(identity.encode())
    digest.update(body)
    return digest.digest()


def _plain(value: Any) -> Any:
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    return value


def _typed(value: Any, kind: Kind) -> Any:
    try:
        if value is None:
            return None
        if kind is Kind.TIMESTAMP:
            return dt.datetime.fromisoformat(value)
        if kind is Kind.DATE:
            return dt.date.fromisoformat(value)
        if kind is Kind.TIME:
            return dt.time.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadQuery("The cursor is broken.", todo="Start again without cursor.") from None
    return value
