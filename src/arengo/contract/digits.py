"""Digits of other scripts (Arabic-Indic, Persian, Devanagari, Thai, full width ...) as the digits 0 to 9.

The draft and the reader of values use the same table, so that what a draft calls a number can be read.
"""

from __future__ import annotations

import unicodedata

_ZEROS = "٠۰०০੦૦୦௦౦೦൦๐໐༠၀០᠐０"
_MARKS = "\u200e\u200f\u061c\u2066\u2067\u2068\u2069\u202a\u202b\u202c\ufeff"
OTHER = "".join(chr(ord(zero) + n) for zero in _ZEROS for n in range(10))
"""Digits that are translated, ten of a script together."""
PLAIN = "0123456789" * len(_ZEROS)
DECIMAL, THOUSANDS = "٫", "٬"
INVISIBLE = _MARKS
"""Marks of writing direction that stand beside such numbers."""
_TABLE = {**dict(zip(map(ord, OTHER), PLAIN, strict=True)), **dict.fromkeys(map(ord, _MARKS), None)}
_NUMBERS = {**_TABLE, ord(DECIMAL): ".", ord(THOUSANDS): ","}


def fold(text: str, *, number: bool = False) -> str:
    """The text with digits 0 to 9; of a number also with ``.`` before the fraction and ``,`` between thousands."""
    return text if text.isascii() else text.translate(_NUMBERS if number else _TABLE)


def foreign(text: str) -> bool:
    """Does the text hold a decimal digit that :func:`fold` does not know?"""
    return not text.isascii() and any(
        unicodedata.category(char) == "Nd" and char not in OTHER for char in text if not char.isascii()
    )
