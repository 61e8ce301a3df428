"""What Cedar has no word for: which columns, blurred how, which rows, on which promise. Read from annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from arengo.governance.decision import MASKS, Mask
from arengo.governance.policy.mask import read_mask

KNOWN = ("id", "reason", "columns", "mask", "rows", "oblige")
_NAME = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",:;]+?))\s*(?=[,:;]|$)')


def read_columns(text: str) -> tuple[str, ...]:
    """``a, "b, c"`` -> names. Raises ValueError."""
    found = tuple(_names(text))
    if not found:
        raise ValueError("@columns names no column.")
    return found


def read_masks(text: str, *, named: bool) -> tuple[tuple[str, Mask], ...]:
    """``birth_date: generalise year; pupil: pseudonym`` -> (column, mask) pairs; column '' for a mask without one.

    ``named``: each must name its column, otherwise none may. Raises ValueError.
    """
    out = []
    for part in _split(text):
        column = ""
        match = _NAME.match(part)
        if match and match.end() < len(part) and part[match.end()] == ":":
            head = _name(match)
            if head.partition(" ")[0] not in MASKS or named:  # "generalise places:district" is a mask, not a column
                column, part = head, part[match.end() + 1 :]
        if named and not column:
            raise ValueError(f"@mask does not say which column is to be {part.strip()!r}; write 'column: mask'.")
        if column and not named:
            raise ValueError("This policy is about columns by itself, so @mask names none; write the mask alone.")
        out.append((column, read_mask(part)))
    if not out:
        raise ValueError("@mask is empty.")
    return tuple(out)


def read_rows(text: str) -> str:
    """A CQL2 text by its shape: something there, quotes and brackets closed. Raises ValueError."""
    bare = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"", "", text)
    depth = 0
    for mark in bare:
        depth += (mark == "(") - (mark == ")")
        if depth < 0:
            break
    if not text.strip():
        raise ValueError("@rows is empty; leave it out to give all rows.")
    if depth or "'" in bare or '"' in bare or ";" in bare:
        raise ValueError("@rows is not a condition in CQL2: a quote or bracket is open, or there is a semicolon.")
    return text.strip()


def _split(text: str) -> Iterator[str]:
    """Parts between semicolons outside double quotes."""
    for part in re.findall(r'(?:[^";]|"(?:[^"\\]|\\.)*"?)+', text):
        if part.strip():
            yield part


def _names(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        match = _NAME.match(text, at)
        if match is None or (match.end() < len(text) and text[match.end()] != ","):
            raise ValueError(f"@columns cannot be read at {text[at : at + 30]!r}; write names with commas between.")
        yield _name(match)
        at = match.end() + 1


def _name(match: re.Match[str]) -> str:
    quoted, plain = match.groups()
    return re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else str(plain)
