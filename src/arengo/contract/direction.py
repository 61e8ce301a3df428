"""Marks that turn the direction of writing, in texts that come from a city's files: titles, columns, values.

A mark that is not closed turns what is written after it, too (Unicode Standard Annex 9, sections 2.1 to 2.5), and a
page whose sentences can be turned round can be made to say another thing than it says (CVE-2021-42574). So a text
loses marks that override or that nothing closes; in a sentence of another direction it stands in an isolate of its own
(section 6.3: FIRST STRONG ISOLATE ... POP DIRECTIONAL ISOLATE); on a terminal marks and control characters are spelt.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypeVar

FIRST_STRONG, POP = "\u2068", "\u2069"
_EXPLICIT = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OVERRIDES = re.compile("[\u202d\u202e]")
_ENDS = re.compile("[\x1c-\x1e\x85\u2029]")
"""Ends of paragraphs of the bidirectional algorithm (class B) that are no line breaks of ours: they end isolates."""
_EMBEDS, _ISOLATES = "\u202a\u202b", "\u2066\u2067\u2068"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_OTHER_WAY = {False: frozenset({"R", "AL"}), True: frozenset({"L"})}

Words = TypeVar("Words", bound=str)


def steady(text: str) -> str:
    """The text without marks that override a direction, and without any where they are not closed in order."""
    if text.isascii() or not (_EXPLICIT.search(text) or _ENDS.search(text)):
        return text
    text = _ENDS.sub(" ", _OVERRIDES.sub("", text))
    return text if _closed(text) else _EXPLICIT.sub("", text)


def _closed(text: str) -> bool:
    """Whether each mark that opens is closed by its own, and nothing is closed that was not opened."""
    opened: list[str] = []
    for met in _EXPLICIT.finditer(text):
        mark = met[0]
        if mark in _EMBEDS:
            opened.append("\u202c")
        elif mark in _ISOLATES:
            opened.append(POP)
        elif not opened or opened.pop() != mark:
            return False
    return not opened


def apart(text: Words, rtl: bool) -> Words:
    """A text as it may stand in a sentence: isolated where it has letters of the other direction or marks of its own.

    ``rtl``: the sentence runs from right to left. What is markup stays so.
    """
    if text.isascii() and not rtl:
        return text
    held = steady(text)
    other = _OTHER_WAY[rtl]
    if not (_EXPLICIT.search(held) or any(unicodedata.bidirectional(letter) in other for letter in held)):
        return text if held == text else type(text)(held)
    if held.startswith(FIRST_STRONG) and held.endswith(POP) and held.count(POP) == 1:
        return text if held == text else type(text)(held)
    return type(text)(f"{FIRST_STRONG}{held}{POP}")


def spelt(text: str) -> str:
    """A text for a terminal: marks of direction and control characters as their numbers, line breaks as they are."""
    return _CONTROL.sub(lambda met: _number(ord(met[0])), text)


def _number(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
