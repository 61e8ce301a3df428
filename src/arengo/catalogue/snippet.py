"""Showing where the words of a question stand: pieces of text, each met or not."""

from __future__ import annotations

import re
from functools import lru_cache

from arengo.catalogue.record import Record, say
from arengo.catalogue.wanted import Snippet
from arengo.catalogue.words import STEMMERS, asked, fold, roots, stem

LENGTH = 170
LONGEST = 20_000
Marked = tuple[tuple[str, bool], ...]
_WORD = re.compile(r"[^\W_]+")


def marked(text: str, question: str, language: str = "") -> Marked:
    """``text`` cut where a word of ``question`` stands, in any form: (piece, whether it is one).

    ``language``: of the text, '' unknown.
    """
    wanted = _wanted(question)
    out: list[tuple[str, bool]] = []
    at = 0
    for found in _WORD.finditer(text):
        if _meets(found.group(), wanted, language):
            if found.start() > at:
                out.append((text[at : found.start()], False))
            out.append((found.group(), True))
            at = found.end()
    if at < len(text):
        out.append((text[at:], False))
    return tuple(out)


class _Wanted:
    """The words of a question: as beginnings, as stems, and the first letters of both."""

    __slots__ = ("letters", "met", "starts", "stems")

    def __init__(self, question: str) -> None:
        given = asked(question)
        self.starts = tuple(fold(word) for word in given if len(word) > 1)
        self.stems = frozenset(root for word in given for root in roots(word))
        self.letters = frozenset(item[:3] for item in (*self.starts, *self.stems))
        self.met: dict[tuple[str, str], bool] = {}


@lru_cache(maxsize=256)
def _wanted(question: str) -> _Wanted:
    return _Wanted(question)


def _meets(word: str, wanted: _Wanted, language: str) -> bool:
    known = wanted.met.get((word, language))
    if known is None:
        told = fold(word)
        # Stems keep the first letters of a word, and few words of a text share those with a word of the question.
        near = told[:3] in wanted.letters or told[:2] in wanted.letters
        known = near and (
            told.startswith(wanted.starts) or any(root in wanted.stems for root in _roots(word, language))
        )
        if len(wanted.met) < 4096:
            wanted.met[word, language] = known
    return known


def _roots(word: str, language: str) -> tuple[str, ...]:
    return (stem(word.lower(), language),) if language in STEMMERS else roots(word.lower())


def excerpt(text: str, question: str, length: int = LENGTH, language: str = "") -> Marked:
    """The stretch of ``text`` around the first word that is met, () when none is."""
    flat = re.sub(r"\s+", " ", text[:LONGEST]).strip()
    wanted = _wanted(question)
    start = next((found.start() for found in _WORD.finditer(flat) if _meets(found.group(), wanted, language)), -1)
    if start < 0:
        return ()
    begin = flat.rfind(" ", 0, max(0, start - length // 3)) + 1 if start > length // 3 else 0
    end = len(flat) if len(flat) - begin <= length else flat.rfind(" ", begin, begin + length)
    end = end if end > start else min(len(flat), begin + length)
    head = (("… ", False),) if begin else ()
    tail = ((" …", False),) if end < len(flat) else ()
    return (*head, *marked(flat[begin:end], question, language), *tail)


def snippets(record: Record, values: str, question: str, language: str) -> tuple[Snippet, ...]:
    """Where a record met the words: its description, names of columns, values. ``values``: one a line."""
    if not asked(question):
        return ()
    out: list[Snippet] = []
    text, spoken = say(record.description, language)
    for said, tongue in dict.fromkeys(
        ((text, spoken), *((text, tongue) for tongue, text in record.description.items()))
    ):
        if pieces := excerpt(said, question, language=tongue):
            out.append(Snippet("description", pieces))
            break
    labels = []
    for item in record.columns:
        label = say(item.label, language or record.language)[0] or item.name
        told = (label, *item.label.values(), item.name)
        if any(_has(text.replace("_", " "), question) for text in told):
            labels.append(label)
    if labels:
        out.append(Snippet("column", tuple((label, True) for label in labels[:4])))
    found = [value for value in values.split("\n") if value and _has(value, question)]
    if found:
        out.append(Snippet("value", tuple((value, True) for value in found[:3])))
    return tuple(out)


def _has(text: str, question: str) -> bool:
    wanted = _wanted(question)
    return any(_meets(found.group(), wanted, "") for found in _WORD.finditer(text))
