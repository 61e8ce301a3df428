"""What Cedar has no word for: which columns, blurred how, which rows, on which promise. Read from annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from arengo.contract.model import Kind
from arengo.governance.decision import MASKS, Mask

KNOWN = ("id", "reason", "columns", "mask", "rows", "oblige")
PERIODS = ("month", "year", "decade")
_NUMBER = r"-?\d+(\.\d+)?"
_NAME = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",:;]+?))\s*(?=[,:;]|$)')
_GROUP = re.compile(r"[\w-]+:[\w-]+")

FITS: dict[str, frozenset[Kind]] = {
    "truncate": frozenset({Kind.STRING}),
    "round": frozenset({Kind.INTEGER, Kind.NUMBER}),
    "top": frozenset({Kind.INTEGER, Kind.NUMBER}),
    "bottom": frozenset({Kind.INTEGER, Kind.NUMBER}),
}
"""Kinds of columns a mask makes sense for; the others fit all, ``generalise`` by its argument."""


def read_mask(text: str) -> Mask:
    """``generalise year`` -> a Mask. Raises ValueError with a sentence."""
    kind, _, argument = text.strip().partition(" ")
    mask = Mask(kind, argument.strip())
    problem = mask_problem(mask)
    if problem:
        raise ValueError(problem)
    return mask


def mask_problem(mask: Mask) -> str:
    """What is wrong with a mask by itself, '' for nothing."""
    if mask.kind not in MASKS:
        return f"There is no mask {mask.kind!r}; there are {', '.join(MASKS)}."
    if mask.kind in ("hide", "pseudonym"):
        return f"The mask {mask.kind} takes no argument, and here is {mask.argument!r}." if mask.argument else ""
    if mask.kind == "truncate":
        whole = re.fullmatch(r"[1-9]\d{0,5}", mask.argument)
        return "" if whole else f"truncate wants how many characters, and here is {mask.argument!r}."
    if mask.kind == "generalise":
        width = bool(re.fullmatch(_NUMBER, mask.argument)) and float(mask.argument) > 0
        if width or mask.argument in PERIODS or _GROUP.fullmatch(mask.argument):
            return ""
        return f"generalise wants month, year, decade, a width or HIERARCHY:LEVEL, and here is {mask.argument!r}."
    good = bool(re.fullmatch(_NUMBER, mask.argument)) and (mask.kind != "round" or float(mask.argument) > 0)
    return "" if good else f"{mask.kind} wants a number, and here is {mask.argument!r}."


def misfit(mask: Mask, kind: Kind) -> str:
    """Why a mask makes no sense for a column of this kind, '' when it does."""
    allowed = FITS.get(mask.kind)
    if mask.kind == "generalise":
        if mask.argument in PERIODS:
            allowed = frozenset({Kind.DATE, Kind.TIMESTAMP})
        elif ":" in mask.argument:
            allowed = frozenset({Kind.STRING, Kind.INTEGER})
        else:
            allowed = frozenset({Kind.INTEGER, Kind.NUMBER})
    if allowed is None or kind in allowed:
        return ""
    return f"{mask} is for columns of kind {' or '.join(sorted(allowed))}, and this one is {kind}."


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
