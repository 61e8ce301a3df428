# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Words of seven languages as a search compares them: without case, accents and elision, by their stems.

Stems are Snowball's (BSD-3). A text is stemmed in its own language; a question, whose language nobody knows, in all.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

STEMMERS: Mapping[str, str] = {
    "it": "italian", "fr": "french", "es": "spanish", "ca": "catalan", "pt": "portuguese", "de": "german", "en": "english",
}  # fmt: skip
LONGEST = 40
_WORD = re.compile(r"[^\W_]+(?:['’·][^\W_]+)*")
_ELISION = re.compile(
    r"^(?:dell|nell|sull|all|dall|quell|quest|bell|sant|un|l|d|c|s|m|t|n|j|qu|jusqu|lorsqu|puisqu|gl|com|dov|anch)['’]",
    re.IGNORECASE,
)
_PLURALS = (("ões", "ão"), ("ães", "ão"), ("ais", "al"), ("éis", "el"), ("óis", "ol"), ("ns", "m"))
_NO_WORD = re.compile(r"[\x00-\x2f\x3a-\x60\x7b-\x7f]+")
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)
STOP = frozenset(
    "a ad al alla alle agli ai allo anche che chi con come da dal dalla dalle dei degli del della delle dello di e ed gli ha i il in la le lo nel nella nei "
    "nelle non o per piu quali quale quanto quanti si sono su sul sulla tra fra un una uno dove cosa "
    "au aux avec ce ces dans de des du elle en est et eux il je la le les leur ma mais me ne nous on ou par pas pour qui que quel quelle sa se ses son sur ta te un une vos vous ou "
    "el los las lo un una unos unas y o de del al en con por para que es son donde cual cuantos como su sus "
    "els les uns unes i per amb que es son on quin quina "
    "o os as um uma e ou do da dos das no na nos nas em com por para que "
    "der die das den dem des ein eine einer eines und oder von vom zu zum zur im in am an auf fur mit ist sind wo wie viele welche "
    "the a an of and or in to for with by from on at is are where what which who how many all there near my our".split()
)


def fold(text: str) -> str:
    """Lower case without accents, for comparison."""
    return "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))


_mine = threading.local()


def _stemmer(language: str) -> Any:
    """This thread's stemmer: one keeps the word it is at in itself."""
    held: dict[str, Any] = _mine.__dict__.setdefault("stemmers", {})
    if language not in held:
        import snowballstemmer

        held[language] = snowballstemmer.stemmer(STEMMERS[language])
    return held[language]


def plain(word: str) -> str:
    """A word as the index has it: folded, and nothing but letters and digits ('' when none is left)."""
    return _NO_WORD.sub("", fold(word))


@lru_cache(maxsize=65_536)
def stem(word: str, language: str) -> str:
    """The stem of a lower-case word, folded; the folded word itself in a language without a stemmer."""
    if language not in STEMMERS or len(word) < 3:
        return plain(word)
    if language == "pt":  # Snowball leaves "estação" and "estações" apart
        for ending, singular in _PLURALS:
            if word.endswith(ending) and len(word) > len(ending) + 2:
                word = word.removesuffix(ending) + singular
                break
    return plain(_stemmer(language).stemWord(word))


def words(text: str) -> Iterator[str]:
    """Words in lower case, in order, elided articles and possessives taken off; accents stay."""
    for found in _WORD.finditer(text[:200_000]):
        word = _POSSESSIVE.sub("", _ELISION.sub("", found.group())).lower()
        for part in re.split(r"['’·]", word):
            if part:
                yield part[:LONGEST]


def tokens(text: str, language: str) -> str:
    """What the index holds of a text: each word folded, and its stem with a mark that no word has (``alber0``)."""
    out: list[str] = []
    for word in words(text):
        told = plain(word)
        if told:
            out.append(told)
        root = stem(word, language)
        if len(root) > 2:
            out.append(f"{root}0")
    return " ".join(out)


@lru_cache(maxsize=16_384)
def roots(word: str, languages: tuple[str, ...] = tuple(STEMMERS)) -> tuple[str, ...]:
    """Stems of a word of unknown language, each once."""
    return tuple(dict.fromkeys(root for language in languages if len(root := stem(word, language)) > 2))


def asked(text: str) -> tuple[str, ...]:
    """The words of a question, each once, at most twelve; small words only when there is nothing else."""
    found = tuple(dict.fromkeys(word for word in words(text[:2000]) if plain(word)))
    telling = tuple(word for word in found if fold(word) not in STOP)
    return (telling or found)[:12]
