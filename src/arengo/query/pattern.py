"""LIKE patterns (CQL2, 8.2: ``%`` any run, ``_`` one character, backslash takes the next as it is) without LIKE.

The engine's own LIKE tries every way to match: ``%a_%a_%a_%a_%b`` over one text of 200 letters runs for minutes and
cannot be interrupted. So the common shapes become equality, prefix, suffix and substring, and the rest a regular
expression for RE2, whose time is linear in the text whatever the pattern.
"""

from __future__ import annotations

from arengo.errors import BadQuery

LONGEST = 1000
_ANY, _ONE = "any", "one"


def compile_pattern(pattern: str) -> tuple[str, str]:
    """``sql`` with ``{value}`` and ``{pattern}`` in it, and the text to bind for the latter. Raises BadQuery."""
    if len(pattern) > LONGEST:
        raise BadQuery(f"The pattern of LIKE is longer than {LONGEST:,} characters.", todo="Ask for less of the text.")
    tokens = _tokens(pattern)
    inner = tokens[1:] if tokens[:1] == [_ANY] else tokens
    inner = inner[:-1] if inner[-1:] == [_ANY] else inner
    if all(len(token) == 2 for token in inner):
        text = "".join(token[1] for token in inner)
        begins, ends = tokens[:1] == [_ANY], tokens[-1:] == [_ANY]
        if not begins and not ends:
            return "({value} = {pattern})", text
        if begins and ends:
            return "contains({value}, {pattern})", text
        return ("suffix({value}, {pattern})" if begins else "starts_with({value}, {pattern})"), text
    parts = {_ANY: ".*", _ONE: "."}
    regex = "".join(parts.get(token) or _quoted(token[1]) for token in tokens)
    return "regexp_full_match({value}, {pattern}, 's')", regex


def _tokens(pattern: str) -> list[str]:
    """``any``, ``one``, or ``=x`` for the character x; runs of ``any`` are one."""
    out: list[str] = []
    chars = iter(pattern)
    for char in chars:
        if char == "\\":
            following = next(chars, None)
            if following is None:
                raise BadQuery("The pattern of LIKE ends with a lone backslash.", todo="Write two of them.")
            out.append(f"={following}")
        elif char == "%":
            if out[-1:] != [_ANY]:
                out.append(_ANY)
        else:
            out.append(_ONE if char == "_" else f"={char}")
    return out


def _quoted(char: str) -> str:
    """A character that stands for itself in RE2, also after folding to lower case or taking accents off."""
    return f"\\{char}" if char.isascii() and not char.isalnum() and char != "\0" else char
