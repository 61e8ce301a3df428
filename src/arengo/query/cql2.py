"""CQL2 (OGC 21-065r2) text and JSON to one expression tree.

Text is parsed by the ``cql2`` library; that parser recurses and a deeply nested text overflows its stack and ends
the process, so nesting and operators are counted before it sees the text. JSON is read here, with its integers
kept whole. Nothing is believed yet: names, operators and literals are judged by :mod:`arengo.query.condition`.
"""

from __future__ import annotations

import re
from typing import Any, cast

import orjson

from arengo.errors import BadQuery
from arengo.query.model import Expr

MAX_TEXT = 20_000
"""Characters of CQL2 text; a larger filter is sent as CQL2 JSON in a body."""
MAX_JSON = 200_000
MAX_DEPTH = 48
MAX_OPERATORS = 400

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|[()\[\]]|[<>=]+|[-+*/%^]|[^\W\d]\w*", re.UNICODE)
_PREFIX = {"not", "-", "+"}
_LOGIC = {"and", "or", "not", "between", "in", "like", "is", "div"}


def parse_text(text: str) -> Expr:
    """Read CQL2 text. Raises BadQuery."""
    if not text.strip():
        return None
    _guard(text)
    from cql2 import parse_text as parse

    try:
        return cast(Expr, parse(text).to_json())
    except BaseException as error:  # the library's panics are no Exceptions
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise BadQuery(
            f"The filter is not CQL2 text: {_first_line(str(error), text)}.",
            todo="Example: status = 'open' AND cost > 100.",
        ) from None


def parse_json(text: str | bytes | Expr) -> Expr:
    """Read CQL2 JSON, as text or already parsed. Raises BadQuery."""
    if not isinstance(text, (str, bytes)):
        return text
    if not text.strip():
        return None
    if len(text) > MAX_JSON:
        raise BadQuery(f"The filter is longer than {MAX_JSON:,} characters.", todo="Ask a simpler question.")
    try:
        return cast(Expr, orjson.loads(text))
    except (ValueError, RecursionError) as error:
        raise BadQuery(f"The filter is not JSON: {error}.", todo="Send CQL2 JSON, or filter-lang=cql2-text.") from None


def parse(text: str, language: str = "cql2-text") -> Expr:
    """``language``: cql2-text or cql2-json (OGC 19-079r2, requirement /req/filter/filter-lang-param)."""
    if language in ("", "cql2-text"):
        return parse_text(text)
    if language == "cql2-json":
        return parse_json(text)
    raise BadQuery(f"There is no filter language {language!r}.", todo="Use cql2-text or cql2-json.")


def to_text(expr: Expr) -> str:
    """An expression as CQL2 text, for links and pages. Raises BadQuery for what is no expression."""
    if expr is None:
        return ""
    from cql2 import Expr as Cql2

    try:
        return str(Cql2(cast("dict[str, Any]", expr)).to_text())
    except BaseException as error:  # the library's panics are no Exceptions
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise BadQuery(
            f"The filter cannot be written as CQL2 text: {_first_line(str(error), '')[:200]}.",
            todo="Example: status = 'open' AND cost > 100.",
        ) from None


def _guard(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise BadQuery(
            f"The filter is longer than {MAX_TEXT:,} characters.",
            todo="Ask a simpler question, or POST it as CQL2 JSON.",
        )
    depth = operators = run = 0
    for match in _TOKEN.finditer(text):
        token = match.group().lower()
        first = token[0]
        if token in _PREFIX:
            run += 1
            operators += 1
        else:
            run = 0
            if first in "([":
                depth += 1
            elif first in ")]":
                depth = max(0, depth - 1)
            elif first in "<>=*/%^" or token in _LOGIC:
                operators += 1
        if depth > MAX_DEPTH or run > MAX_DEPTH // 2 or operators > MAX_OPERATORS:
            raise BadQuery(
                f"The filter is nested deeper than {MAX_DEPTH} levels or has more than {MAX_OPERATORS} operators.",
                todo="Ask a simpler question; a long list belongs into IN (...).",
            )


def _first_line(message: str, text: str) -> str:
    where = re.search(r"-->\s*\d+:(\d+)", message)
    if where is None:
        return message.strip().splitlines()[0] if message.strip() else "it cannot be read"
    at = int(where.group(1)) - 1
    rest = text[at : at + 20]
    return f"stopped at character {at + 1}, before {rest!r}" if rest else "it ends too early"
