# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Yes and no in many languages."""

from __future__ import annotations

from collections.abc import Mapping

from arengo.contract.draft.words import plain

_PAIRS = (
    "true false", "t f", "yes no", "y n", "si no", "s n", "oui non", "o n", "sim nao", "ja nein", "j n", "ja nee", "ja nej", "ja nei",
    "tak nie", "ano ne", "ano nie", "igen nem", "da nu", "da ne", "kylla ei", "jah ei", "evet hayir", "vrai faux", "verdadero falso",
    "vero falso", "verdadeiro "
    "falso", "cert fals", "wahr falsch", "waar onwaar", "prawda falsz", "истина ложь", "да нет", "так ні",
    "да не", "ναι οχι", "はい いいえ", "有 無", "有 无", "예 아니오", "예 아니요", "유 무", "是 否", "نعم لا", "כן לא", "bai ez", "ya tidak", "co khong",
    "taip ne", "ja ne", "po jo", "ndiyo hapana", "有り 無し", "あり なし", "○ ×", "on off", "verdad mentira", "si non", "v f", "w f",
)  # fmt: skip
_LONG = {
    "true",
    "false",
    "yes",
    "oui",
    "non",
    "sim",
    "nao",
    "ja",
    "nein",
    "tak",
    "igen",
    "nem",
    "vrai",
    "faux",
    "verdadero",
    "falso",
    "вы",
    "да",
    "нет",
}
_LANGUAGE = {
    "s n": ("es", "pt", "it", "ca", "gl"),
    "o n": ("fr",),
    "j n": ("de", "nl"),
    "v f": ("es", "fr", "it", "pt", "ca"),
    "w f": ("de",),
}
_PLAIN = {
    tuple(sorted((plain(a), plain(b)))): (plain(a), plain(b), f"{a} {b}") for a, b in (pair.split() for pair in _PAIRS)
}


def read(values: Mapping[str, float], language: str, named: bool) -> tuple[list[str], list[str]] | None:
    """The texts for yes and for no when every value is one of the two; None otherwise.

    ``named``: the column's name asks a question (``is_open``), so a lone 0/1 counts too.
    """
    if not values or len(values) > 6:
        return None
    folded: dict[str, list[str]] = {}
    for text in values:
        if len(text) > 12:
            return None
        folded.setdefault(plain(text), []).append(text)
    words = set(folded)
    if words == {"0", "1"} and named:
        return folded["1"], folded["0"]
    if len(words) == 1:
        word = next(iter(words))
        if word not in _LONG or len(word) < 3:
            return None
        pair = next((yes_no for yes_no in _PLAIN.values() if word in yes_no[:2]), None)
        if pair is None:
            return None
        yes, no, _ = pair
        return (folded[yes], [no]) if word == yes else ([yes], folded[no])
    found = _PLAIN.get(tuple(sorted(words))) if len(words) == 2 else None
    if found is None:
        return None
    yes, no, key = found
    allowed = _LANGUAGE.get(key)
    if allowed and language and language not in allowed and not named:
        return None
    return folded[yes], folded[no]
