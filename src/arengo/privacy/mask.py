"""What a mask makes of a column, inside the engine.

Each mask is SQL over the column's own SQL with its values bound. A pseudonym is HMAC-SHA-256 (RFC 2104) of the value,
cut to 128 bits, under a key that is derived for one purpose, one recipient and one concept: two recipients cannot
join what they got, and nobody without the key can try values out.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from arengo.contract.model import Kind
from arengo.errors import PolicyError
from arengo.governance import Mask

NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER})
TEMPORAL = frozenset({Kind.DATE, Kind.TIMESTAMP})
SUPPRESSED = "*"
"""Stands for a value that its hierarchy does not know."""
_PERIODS = {
    "year": "strftime({c}, '%Y')",
    "month": "strftime({c}, '%Y-%m')",
    "decade": "CAST(10 * (year({c}) // 10) AS VARCHAR) || '–' || CAST(10 * (year({c}) // 10) + 9 AS VARCHAR)",
}
_BLOCK = 64


class Groups(Protocol):
    """What a hierarchy of the city folder says: value -> its group at ``level`` (1 is the first above the values)."""

    def level(self, name: str, level: str) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Masked:
    sql: str
    kind: Kind
    params: tuple[object, ...] = ()
    unique: bool = True  # still tells rows apart where the column did


@dataclass(frozen=True, slots=True)
class Context:
    """``secret``: what pseudonyms are derived from. ``domain``: concept shared by columns of different datasets."""

    secret: bytes
    purpose: str
    recipient: str
    groups: Groups | None = None


def apply(mask: Mask, column: str, held: Masked, domain: str, context: Context) -> Masked:
    """``held`` under one more mask. Raises PolicyError for a mask that does not fit the column's type."""
    make = _MASKS.get(mask.kind)
    if make is None:
        raise PolicyError(f"There is no mask {mask.kind!r}.", todo=f"Known: {', '.join(_MASKS)}.")
    try:
        return make(held, mask.argument, domain, context)
    except _Misfit as error:
        raise PolicyError(f"The mask '{mask}' does not fit the column {column}: {error}.", todo=error.todo) from None


class _Misfit(Exception):
    def __init__(self, met: str, todo: str) -> None:
        super().__init__(met)
        self.todo = todo


def _text(held: Masked) -> str:
    if held.kind in (Kind.GEOMETRY, Kind.JSON):
        raise _Misfit(f"it is {held.kind}", "Use hide.")
    return held.sql if held.kind is Kind.STRING else f"CAST({held.sql} AS VARCHAR)"


def _hide(held: Masked, argument: str, domain: str, context: Context) -> Masked:
    return Masked(f"CAST(NULL AS {held.kind.duckdb})", held.kind, (), False)


def _truncate(held: Masked, argument: str, domain: str, context: Context) -> Masked:
    if not argument.isascii() or not argument.isdigit() or not 0 < int(argument) < 1000:
        raise _Misfit(f"{argument!r} is no number of characters", "Write 'truncate 2', say.")
    return Masked(f"left({_text(held)}, {int(argument)})", Kind.STRING, held.params, False)


def _generalise(held: Masked, argument: str, domain: str, context: Context) -> Masked:
    name, colon, level = argument.rpartition(":")
    if colon:
        if context.groups is None:
            raise _Misfit("there are no hierarchies here", "Put one into hierarchies/.")
        groups = context.groups.level(name, level)
        sql = f"CASE WHEN {held.sql} IS NULL THEN NULL ELSE coalesce(element_at(MAP(?, ?), {_text(held)})[1], ?) END"
        # The column stands twice in the text, so its own values are bound twice.
        both = (*held.params, list(groups), list(groups.values()), *held.params, SUPPRESSED)
        return Masked(sql, Kind.STRING, both, False)
    if held.kind in TEMPORAL:
        form = _PERIODS.get(argument)
        if form is None:
            raise _Misfit(f"there is no period {argument!r}", f"Known: {', '.join(_PERIODS)}.")
        return Masked(form.format(c=held.sql), Kind.STRING, held.params * form.count("{c}"), False)
    if held.kind not in NUMERIC:
        raise _Misfit(f"it is {held.kind}", "Name a hierarchy and its level: 'generalise NAME:1'.")
    width = _number(argument, "generalise 10")
    low = f"(floor({held.sql} / {width}) * {width})"
    if held.kind is Kind.INTEGER and width == int(width):
        first, last = (f"CAST(TRY_CAST({part} AS BIGINT) AS VARCHAR)" for part in (low, f"({low} + {width - 1})"))
        return Masked(f"{first} || '–' || {last}" if width > 1 else first, Kind.STRING,
                      held.params * (2 if width > 1 else 1), False)  # fmt: skip
    shown = [f"CAST(TRY_CAST({part} AS BIGINT) AS VARCHAR)" if width == int(width) else f"CAST({part} AS VARCHAR)"
             for part in (low, f"({low} + {width})")]  # fmt: skip
    return Masked(f"'[' || {shown[0]} || ', ' || {shown[1]} || ')'", Kind.STRING, held.params * 2, False)


def _round(held: Masked, argument: str, domain: str, context: Context) -> Masked:
    step = _number(argument, "round 100")
    if held.kind not in NUMERIC:
        raise _Misfit(f"it is {held.kind}, no number", "Use generalise.")
    whole = held.kind is Kind.INTEGER and step == int(step)
    sql = f"(round({held.sql} / {step}) * {step})"
    return Masked(
        f"TRY_CAST({sql} AS {(Kind.INTEGER if whole else Kind.NUMBER).duckdb})",
        Kind.INTEGER if whole else Kind.NUMBER,
        held.params,
        False,
    )


def _bound(function: str) -> Callable[[Masked, str, str, Context], Masked]:
    def make(held: Masked, argument: str, domain: str, context: Context) -> Masked:
        if held.kind is Kind.DATE:
            try:
                limit: object = date.fromisoformat(argument)
            except ValueError:
                raise _Misfit(f"{argument!r} is no date", "Write 'top 2010-12-31', say.") from None
        elif held.kind in NUMERIC:
            limit = _number(argument, "top 90", signed=True)
        else:
            raise _Misfit(f"it is {held.kind}", "Only numbers and dates have bounds.")
        sql = f"CASE WHEN {held.sql} IS NULL THEN NULL ELSE {function}({held.sql}, CAST(? AS {held.kind.duckdb})) END"
        return Masked(sql, held.kind, (*held.params, *held.params, limit), False)

    return make


def _pseudonym(held: Masked, argument: str, domain: str, context: Context) -> Masked:
    key = derive(context.secret, "pseudonym", context.purpose, context.recipient, domain)
    sql, params = keyed(_text(held), key, held.params)
    return Masked(sql, Kind.STRING, params, held.unique)


_MASKS: Mapping[str, Callable[[Masked, str, str, Context], Masked]] = {
    "hide": _hide,
    "truncate": _truncate,
    "generalise": _generalise,
    "pseudonym": _pseudonym,
    "round": _round,
    "top": _bound("least"),
    "bottom": _bound("greatest"),
}


def _number(argument: str, example: str, signed: bool = False) -> float | int:
    try:
        found = float(argument)
    except ValueError:
        found = 0.0 if not signed else float("nan")
    if found != found or abs(found) > 1e15 or (not signed and found <= 0):
        raise _Misfit(f"{argument!r} is no number that can be used here", f"Write '{example}', say.")
    return int(found) if found == int(found) else found


# Keyed digests


def keyed(sql: str, key: bytes, params: tuple[object, ...] = ()) -> tuple[str, tuple[object, ...]]:
    """SQL of HMAC-SHA-256 of a text, 32 hexadecimal digits, with its bound values; unknown stays unknown.

    ``params``: those of ``sql`` itself.
    """
    padded = key.ljust(_BLOCK, b"\0")
    inner, outer = (bytes(byte ^ mark for byte in padded) for mark in (0x36, 0x5C))
    digest = f"sha256(CAST(? AS BLOB) || unhex(sha256(CAST(? AS BLOB) || encode({sql}))))"
    return f"left({digest}, 32)", (outer, inner, *params)


def digest(key: bytes, value: str) -> str:
    """The same in Python."""
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:32]


def derive(secret: bytes, *parts: str) -> bytes:
    """A key for one use, from the city's secret."""
    told = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hmac.new(secret, told, hashlib.sha256).digest()


def secret_of(home: Path) -> bytes:
    """The city's secret for pseudonyms, made at the first look; only the owner of the folder can read the file."""
    path = home / "pseudonym.key"
    if not path.exists():
        _make_secret(path)
    try:
        held = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        held = b""
    if len(held) != 32:
        raise PolicyError(f"{path.name} is damaged.", todo="Restore it: other pseudonyms would break joins.")
    return held


def _make_secret(path: Path) -> None:
    """Whole or not at all: of several who make it at the same time, one wins and nobody sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_bytes(32).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()
