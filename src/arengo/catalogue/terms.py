"""The words of the index: what a word that no record has may have been meant to be."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST = 200_000
FEW = 8


@dataclass(frozen=True, slots=True)
class Terms:
    """``text``: all words between line ends, the most frequent first. ``lengths``: length -> those words."""

    text: str
    lengths: Mapping[int, Sequence[str]]
    count: int

    def __contains__(self, word: str) -> bool:
        return f"\n{word}\n" in self.text

    def holding(self, part: str) -> tuple[str, ...]:
        """A few words with ``part`` inside them, the most frequent first."""
        out: list[str] = []
        at = self.text.find(part)
        while at >= 0 and len(out) < FEW:
            end = self.text.index("\n", at)
            out.append(self.text[self.text.rindex("\n", 0, at) + 1 : end])
            at = self.text.find(part, end)
        return tuple(out)

    def nearest(self, word: str) -> str:
        """The word most like a misspelt one, '' when none is near: one slip in short words, two in longer ones.

        A slip: a letter too many, too few, another, or two that changed places (optimal string alignment).
        """
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        if len(word) < 3:
            return ""
        most = 1 if len(word) < 6 else 2
        best, least = "", most + 1
        for length in sorted(range(max(3, len(word) - most), len(word) + most + 1), key=lambda n: abs(n - len(word))):
            some = self.lengths.get(length, ())
            found = process.extractOne(word, some, scorer=OSA.distance, score_cutoff=least - 1) if least else None
            if found is not None and found[1] < least:
                best, least = str(found[0]), int(found[1])
        return best


def load(connection: sqlite3.Connection) -> Terms:
    """The most frequent words of the index."""
    rows = connection.execute(
        "SELECT term FROM vocabulary WHERE length(term) > 2 AND substr(term, -1) <> '0' "
        "ORDER BY doc DESC, term LIMIT ?",
        (MOST,),
    )
    words = [str(row[0]) for row in rows]
    lengths: dict[int, list[str]] = {}
    for word in words:
        lengths.setdefault(len(word), []).append(word)
    return Terms("\n" + "\n".join(words) + "\n", lengths, len(words))
