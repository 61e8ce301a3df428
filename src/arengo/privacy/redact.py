"""Identifiers inside free text are blacked out: numbers that pass their check, e-mail addresses, telephones, IBANs,
cards, number plates, and names that follow a title.

Rather too much than too little: a number that happens to pass a check goes too. It cannot know a name without a title,
or that "the lady from the bakery" is somebody; the guide says so, and the gate still looks at what is left.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Kind

if TYPE_CHECKING:
    from arengo.privacy.protect.work import Column, Held, Work

BLACK = "█████"
"""Stands for whatever was there, however long."""
MOST = 100_000
"""Characters of one text that are read; what is behind is cut off rather than left unread."""

_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_MAIL = re.compile(
    r"[^\s@,;:<>()\[\]{}\"]{1,64}(?:@|\s?[\[(](?:at|chiocciola|arroba|ät)[\])]\s?)[\w-]{1,63}"
    r"(?:(?:\.|\s?[\[(](?:dot|punto|point|punkt)[\])]\s?)[\w-]{2,63}){1,5}",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"\b(?:https?://)?(?:www\.)?(?:facebook|instagram|linkedin|twitter|tiktok|x|t)\.(?:com|me)/[\w.@/-]+", re.IGNORECASE
)
_PHONE = re.compile(r"(?<![\w.,/-])(?:\+|00)?\(?\d(?:[ ().\-/]{0,2}\d){6,16}(?![\w])")
_NOT_PHONE = re.compile(
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})(?:[ T]+\d{1,2}(?:[.:]?\d{2})?)?"
    r"|\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d{1,2})?|\d{4}\s?[-/]\s?\d{4}"
)
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}")
_PLATES = re.compile(
    r"\b(?:[A-Z]{2}[ -]?\d{3}[ -]?[A-Z]{2}"  # Italy, France
    r"|\d{4}[ -]?[BCDFGHJKLMNPRSTVWXYZ]{3}"  # Spain
    r"|[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} ?\d{1,4}[EH]?"  # Germany
    r"|(?:[A-Z]{2}|\d{2})-(?:[A-Z]{2}|\d{2})-(?:[A-Z]{2}|\d{2})"  # Portugal, the Netherlands
    r"|[A-Z]{2}\d{2} ?[A-Z]{3}"  # Great Britain
    r"|[A-Z]{3}[- ]?\d[A-Z0-9]\d{2})\b"  # Brazil, Argentina
)
_TITLES = (
    "sig sig.ra sig.na signor signora signorina dott dott.ssa dr dr.ssa prof prof.ssa ing avv arch geom don "
    "mr mrs ms miss mx sir madam m. mme mlle monsieur madame mademoiselle maître me. "
    "herr frau hr fr. sr sra srta señor señora señorita doña d. dª senhor senhora dona dhr mevr meneer mevrouw "
    "pan pani pán paní hra fru"
)
_UPPER = r"[^\W\d_a-zß-öø-ÿ][\w'’.\-]*"


def redacted(text: str) -> str:
    """The text with black bars; the same object when there is nothing to hide."""
    if not text:
        return text
    read = _HIDDEN.sub("", unicodedata.normalize("NFKC", text[: 4 * MOST]))[:MOST]
    spans = sorted(_spans(read))
    if not spans:
        return text if len(text) <= MOST else read
    out, at = [], 0
    for start, end in spans:
        if end <= at:
            continue
        if start >= at:
            out += [read[at:start], BLACK]
        at = end
    return "".join((*out, read[at:]))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_MAIL, _LINK):
        for found in pattern.finditer(text):
            yield found.span()
    for found in _titled().finditer(text):
        yield found.span(1)
    if not re.search(r"\d", text):
        return
    upper = "".join(mark.upper() if mark.isascii() else mark for mark in text)
    for found in _PLATES.finditer(text):
        yield found.span()
    for found in _IBAN.finditer(upper):
        end = _account(found.group())
        if end:
            yield found.start(), found.start() + end
    for found in _CARD.finditer(text):
        if _luhn(found.group()):
            yield found.span()
    for found in _PHONE.finditer(text):
        digits = sum(mark.isdigit() for mark in found.group())
        if (found.group().startswith(("+", "00")) or digits >= 8) and not _NOT_PHONE.fullmatch(found.group().strip()):
            yield found.span()
    for pattern, valid in _numbers():
        for found in pattern.finditer(upper):
            if valid(found.group()):
                yield found.span()


@cache
def _titled() -> re.Pattern[str]:
    """Titles stand in any case at the beginning of a word; the name after them in capitals."""
    titles = "|".join(re.escape(word) for word in sorted(_TITLES.split(), key=len, reverse=True))
    small = r"(?:(?:de|del|della|di|da|dos|van|von|der|den|la|le|y|e|i)\s+){0,2}"
    return re.compile(rf"(?<!\w)(?i:{titles})\.?\s+({small}{_UPPER}(?:\s+{small}{_UPPER}){{0,3}})")


@cache
def _numbers() -> tuple[tuple[re.Pattern[str], Any], ...]:
    from arengo.privacy.detect.checks import CHECKS, _validator

    return tuple((re.compile(item.inside), _validator(item.id)) for item in CHECKS if item.inside and item.id != "iban")


def _luhn(text: str) -> bool:
    digits = [int(mark) for mark in text if mark.isdigit()][::-1]
    return sum(digits[::2]) % 10 == -sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2]) % 10


def _account(text: str) -> int:
    """How many characters of ``text`` are an IBAN (ISO 13616, modulo 97), the longest that is; 0 for none."""
    for end in range(len(text), 14, -1):
        plain = re.sub(r"[ -]", "", text[:end])
        if 15 <= len(plain) <= 34 and text[end - 1] not in " -":
            turned = "".join(str(int(mark, 36)) for mark in plain[4:] + plain[:4])
            if int(turned) % 97 == 1:
                return end
    return 0


def step(work: Work, column: Column, held: Held, argument: Any) -> Held:
    """The step ``redact`` of ``arengoProtect``. Each different text is read once."""
    import pyarrow as pa

    from arengo.privacy.protect.work import Held as Text

    table = work.values(Text(held.text(), Kind.STRING, held.params))
    coded = table.column("value").combine_chunks().dictionary_encode()
    made = pa.array([redacted(text) for text in coded.dictionary.to_pylist()], pa.string())
    values = pa.DictionaryArray.from_arrays(coded.indices, made).cast(pa.string())
    return work.keep(pa.table({"number": table.column("number"), "value": values}), Kind.STRING)
