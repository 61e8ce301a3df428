"""Showing where the words of a question stand: pieces of text, each met or not."""

from __future__ import annotations

import re
from functools import lru_cache

from arengo.catalogue.record import Record, say
from arengo.catalogue.wanted import Snippet
from arengo.catalogue.words import asked, fold, roots

LENGTH = 170
LONGEST = 20_000
Marked = tuple[tuple[str, bool], ...]
_WORD = re.compile(r"[^\W_]+")


def marked(text: str, question: str) -> Marked:
    """``text`` cut where a word of ``question`` stands, in any form: (piece, whether it is one)."""
    wanted = _wanted(question)
    out: list[tuple[str, bool]] = []
    at = 0
    for found in _WORD.finditer(text):
        if _meets(found.group(), wanted):
            if found.start() > at:
                out.append((text[at : found.start()], False))
            out.append((found.group(), True))
            at = found.end()
    if at < len(text):
        out.append((text[at:], False))
    return tuple(out)


@lru_cache(maxsize=256)
def _wanted(question: str) -> tuple[tuple[str, ...], frozenset[str], frozenset[str]]:
    """(beginnings, stems, first letters of both) of the words of a question."""
    given = asked(question)
    starts = tuple(fold(word) for word in given if len(word) > 1)
    stems = frozenset(root for word in given for root in roots(word))
    return starts, stems, frozenset(item[:2] for item in (*starts, *stems))


@lru_cache(maxsize=32_768)
def _meets(word: str, wanted: tuple[tuple[str, ...], frozenset[str], frozenset[str]]) -> bool:
    plain = fold(word)
    starts, stems, letters = wanted
    if plain[:2] not in letters:  # stems keep the first letters of a word
        return False
    return plain.startswith(starts) or any(root in stems for root in roots(word.lower()))


def excerpt(text: str, question: str, length: int = LENGTH) -> Marked:
    """The stretch of ``text`` around the first word that is met, () when none is."""
    flat = re.sub(r"\s+", " ", text[:LONGEST]).strip()
    wanted = _wanted(question)
    start = next((found.start() for found in _WORD.finditer(flat) if _meets(found.group(), wanted)), -1)
    if start < 0:
        return ()
    begin = flat.rfind(" ", 0, max(0, start - length // 3)) + 1 if start > length // 3 else 0
    end = len(flat) if len(flat) - begin <= length else flat.rfind(" ", begin, begin + length)
    end = end if end > start else min(len(flat), begin + length)
    head = (("… ", False),) if begin else ()
    tail = ((" …", False),) if end < len(flat) else ()
    return (*head, *marked(flat[begin:end], question), *tail)


def snippets(record: Record, values: str, question: str, language: str) -> tuple[Snippet, ...]:
    """Where a record met the words: its description, names of columns, values. ``values``: one a line."""
    if not asked(question):
        return ()
    out: list[Snippet] = []
    for text in dict.fromkeys((say(record.description, language)[0], *record.description.values())):
        if pieces := excerpt(text, question):
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
    return any(_meets(found.group(), wanted) for found in _WORD.finditer(text))
