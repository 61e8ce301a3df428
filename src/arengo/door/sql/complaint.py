"""What was wrong with a question, in our words: where it stands and what to write instead.

The engine's own words reach a caller only for the kinds of error that are about the question, and never with a path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from arengo.errors import ArengoError, BadSql, LakeError, TooExpensive
from arengo.query.scope import nearest

_ABOUT_THE_QUESTION = frozenset(
    (
        *("Parser", "Syntax", "Binder", "Catalog", "Conversion", "Mismatch", "Sequence", "Invalid", "Expression"),
        *("Out of Range", "Invalid Input", "Mismatch Type", "Invalid type", "Not implemented", "Divide by Zero"),
        *("Decimal", "Parameter Not Resolved", "Parameter Not Allowed", "Dependency", "Unknown Type"),
    )
)
_PATH = re.compile(r"(?<![\w.])/(?:[^\s\"'/]+/)+[^\s\"']*|\S+\.(?:parquet|duckdb|sqlite)\b")
_WIDTH = 100
_TOO_DEEP = ("Maximum tree depth", "Max expression depth", "maximum recursion", "stack", "too deep")


def place(text: str, position: int) -> tuple[int, int, str]:
    """Line and column (from 1) of a position in UTF-8 bytes, and that line with a caret under it."""
    before = text.encode()[: max(0, position)].decode(errors="ignore")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    shown = (text.split("\n") or [""])[line - 1].replace("\t", " ").rstrip("\r")
    start = max(0, min(column - 1 - _WIDTH // 2, len(shown) - _WIDTH))
    piece = shown[start : start + _WIDTH]
    return line, column, f"{piece}\n{' ' * (column - 1 - start)}^"


def at(text: str, position: int | None, met: str, todo: str = "") -> BadSql:
    """A BadSql that points at ``position`` (bytes; None when unknown)."""
    if position is None or not 0 <= position <= len(text.encode()) + 1:
        return BadSql(met, todo=todo)
    line, column, excerpt = place(text, position)
    return BadSql(met, todo=todo, line=line, column=column, excerpt=excerpt)


def explain(said: Mapping[str, Any], text: str, known: Sequence[str] = ()) -> ArengoError:
    """The error for what a child said."""
    kind, message = str(said.get("kind", "")), str(said.get("message", ""))
    if isinstance(said.get("parse"), Mapping):
        return _other_dialect(said["parse"], text)
    if kind in ("OutOfMemoryException", "MemoryError") or "Out of Memory" in message or "bad allocation" in message:
        return TooExpensive(
            "The question needs more memory than one may take.",
            todo="Ask for less: fewer groups or columns, shorter texts, a condition.",
        )
    if kind == "OSError" and message.startswith("The tables of the question"):
        return LakeError(message, todo="Run 'arengo doctor'.")
    if kind == "ValueError" and message.startswith("large "):
        most = int(message.removeprefix("large "))
        return TooExpensive(
            f"The answer is larger than {most // 1_000_000:,} MB.",
            todo="Ask for fewer columns or rows, or sums of them.",
        )
    if kind == "RecursionError" or any(sign in message for sign in _TOO_DEEP):
        return BadSql("The question is nested too deep.", todo="Write it with fewer brackets, or with WITH.")
    if kind in ("TokenError", "ParseError", "UnsupportedError"):
        return BadSql(f"The question cannot be read: {_clean(message)}.", todo="Look at the last words of it.")
    return _engine(kind, message, text, known)


def _engine(kind: str, message: str, text: str, columns: Sequence[str]) -> ArengoError:
    details: dict[str, Any] = {}
    start = message.find("{")
    if start >= 0:
        try:
            details = orjson.loads(message[start : message.rfind("}") + 1])
        except ValueError:
            details = {}
    sort = str(details.get("exception_type") or message.split(" Error:")[0])
    words = str(details.get("exception_message") or message.partition(": ")[2])
    if sort == "IO":
        return LakeError(f"A stored file cannot be read: {words}.", todo="Run 'arengo doctor'.")
    if sort == "Permission":
        return BadSql(
            "The question reaches for something that is no published table.", todo="Name datasets by their id."
        )
    if sort not in _ABOUT_THE_QUESTION:
        return LakeError(f"{kind}: {message}")
    position = _number(details.get("position"))
    subtype, name = str(details.get("error_subtype", "")), str(details.get("name", ""))
    candidates = [item.strip() for item in str(details.get("candidates", "")).split(",") if item.strip()]
    if subtype == "COLUMN_NOT_FOUND":
        known = [*columns, *(item.rpartition(".")[2].strip('"') for item in candidates)]
        known = list(dict.fromkeys(known))
        return at(text, position, f"There is no column {name!r} here.", nearest(name, known) if known else "")
    if subtype == "NO_MATCHING_FUNCTION":
        call = str(details.get("call", name)).replace("_LITERAL", "")
        shapes = [item.strip() for item in words.split("\n\t")[2:5] if item.strip()]
        return at(
            text,
            position,
            f"{call} has arguments of the wrong kind.",
            f"It is {' or '.join(shapes)}." if shapes else "",
        )
    return at(text, position, f"{_clean(words)}.", _TODO.get(sort, ""))


_TODO = {
    "Parser": "Look at the word just before the place shown.",
    "Conversion": "Use TRY_CAST, which gives NULL where a value has no such reading.",
}


def parse_failed(tree: Mapping[str, Any], text: str) -> BadSql:
    """The error inside a parse tree (``json_serialize_sql`` with ``error: true``)."""
    words, sort = str(tree.get("error_message", "")), tree.get("error_type")
    if any(sign in words for sign in _TOO_DEEP):
        return BadSql("The question is nested too deep.", todo="Write it with fewer brackets, or with WITH.")
    if sort == "parser":
        return at(
            text, _number(tree.get("position")), f"The question cannot be read: {_clean(words)}.", _TODO["Parser"]
        )
    if "Only SELECT" in words:
        return BadSql("The text is not a SELECT.", todo="Write one SELECT; tables can be read here, not changed.")
    return BadSql(f"The question cannot be read: {_clean(words)}.")


def _other_dialect(parse: Mapping[str, Any], text: str) -> BadSql:
    line, column = _number(parse.get("line")) or 0, _number(parse.get("col")) or 0
    lines = text.split("\n")
    position = None
    if 0 < line <= len(lines):
        before = "\n".join(lines[: line - 1])
        inside = lines[line - 1][: max(0, column - max(1, len(str(parse.get("highlight") or " "))))]
        position = len((before + "\n" if line > 1 else "").encode()) + len(inside.encode())
    met = _clean(str(parse.get("description") or "it is no SQL")).rstrip(".")
    return at(text, position, f"The question cannot be read: {met}.", _TODO["Parser"])


def _clean(words: str) -> str:
    """The first sentence or two without a path and without the engine's advice about itself."""
    first = _PATH.sub("…", words.split("\nLINE ")[0].split("\n\n")[0].replace("\n\t", " ").replace("\n", " "))
    return first.strip().rstrip(".!")[:600]


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
