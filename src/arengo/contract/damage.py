"""Numbers that a spreadsheet turned into dates: 2.5 became the second of May.

What the number was cannot be told any more, so among numbers such a date means *missing*. The draft finds the columns
and declares ``spoilt_dates``; the reader of values then takes every such text for missing.
"""

from __future__ import annotations

import re

_WORD = r"[^\W\d_]{3,4}"
_FORMS = (
    r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}",
    r"\d{4}-\d{2}-\d{2}(?:[ T]00:00(?::00)?)?",
    rf"\d{{1,2}}[-.]{_WORD}\.?",
    rf"{_WORD}\.?-\d{{2,4}}",
)
SPOILT = re.compile("|".join(_FORMS))
SPOILT_SQL = "|".join(f"(?:{form})" for form in _FORMS).replace(r"[^\W\d_]", r"\p{L}")
"""The same for the engine's regular expressions (RE2)."""
