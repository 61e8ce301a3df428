"""The small part of Lucene's query syntax that clients of CKAN use in ``q`` and ``fq``, as a condition tree.

``field:value``, ``field:"a b"``, ``field:(a OR b)``, ``-field:x``, ``+x``, ``NOT``, ``AND``, ``OR``, brackets, ranges
``[x TO *]``, a ``*`` at the end of a value. Boosts and distances are read and not used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from arengo.errors import BadQuery

Tree = tuple[Any, ...]
ALL: Tree = ("and",)
DEEPEST, LONGEST, LETTERS = 40, 600, 20_000
"""Brackets, parts and characters of one search."""
FACETS = {
    "tags": "tag", "vocab_tags": "tag", "groups": "theme", "organization": "owner", "owner_org": "owner",
    "res_format": "format", "license_id": "licence", "extras_theme": "theme", "extras_frequency": "frequency",
    "extras_access": "access", "harvest_source_id": "source", "extras_harvest_source_id": "source",
}  # fmt: skip
WORDS = {
    "title": "title", "title_string": "title", "title_ngram": "title", "name_ngram": "title", "notes": "description",
    "text": "", "author": "owner",
}  # fmt: skip
TIMES = {"metadata_modified": "modified", "metadata_created": "issued"}
CONSTANT = {
    "type": "dataset", "dataset_type": "dataset", "entity_type": "package", "state": "active", "capacity": "public",
    "private": "false", "permission_labels": "public",
}  # fmt: skip
"""Fields that are the same for every dataset here."""
_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<op>&&|\|\||AND\b|OR\b|NOT\b|[+!-](?=\S))|(?P<range>[\[{][^\]}]*[\]}])"
    r'|(?P<phrase>"(?:\\.|[^"\\])*")|(?P<field>(?:[A-Za-z_][\w.]*|\*)):(?=\S)|(?P<word>(?:\\.|[^\s()":\[\]{}^~])+)'
    r"|(?P<tail>[\^~]\d*\.?\d*|:(?=\s|$))|(?P<bad>\S))"
)


def parse(text: str) -> Tree:
    """The condition that ``text`` says. Raises BadQuery for what cannot be read."""
    if text.strip() in ("", "*:*", "*"):
        return ALL
    if len(text) > LETTERS:
        raise BadQuery(f"The search has {len(text):,} characters; {LETTERS:,} are the most.")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        for found in _TOKEN.finditer(text):
            kind = str(found.lastgroup)
            if kind == "bad":
                raise self._error(f"{found.group('bad')!r} does not fit where it stands")
            if kind != "tail":
                self.tokens.append((kind, str(found.group(kind))))
            if len(self.tokens) > LONGEST:
                raise self._error("it is too long")
        self.at = 0

    def _error(self, why: str) -> BadQuery:
        return BadQuery(
            f"The search {self.text[:80]!r} cannot be read: {why}.", todo="Write field:value, AND, OR, NOT."
        )

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("", "")

    def whole(self) -> Tree:
        tree = self._any("", 0)
        if self.at < len(self.tokens):
            raise self._error("a bracket is closed that was not opened")
        return tree

    def _any(self, field: str, depth: int) -> Tree:
        if depth > DEEPEST:
            raise self._error("its brackets are nested too deep")
        parts = [self._all(field, depth)]
        while self._peek() in (("op", "OR"), ("op", "||")):
            self.at += 1
            parts.append(self._all(field, depth))
        return parts[0] if len(parts) == 1 else ("or", *parts)

    def _all(self, field: str, depth: int) -> Tree:
        parts: list[Tree] = []
        while True:
            kind, value = self._peek()
            if kind in ("", "close") or (kind == "op" and value in ("OR", "||")):
                break
            if kind == "op" and value in ("AND", "&&", "+"):
                self.at += 1
                continue
            parts.append(self._one(field, depth))
        if not parts:
            return ALL
        return parts[0] if len(parts) == 1 else ("and", *parts)

    def _one(self, field: str, depth: int) -> Tree:
        kind, value = self._peek()
        self.at += 1
        if kind == "op":
            if depth > DEEPEST:
                raise self._error("it is nested too deep")
            one = self._one(field, depth + 1)
            return one if value in ("+", "AND", "&&") else ("not", one)
        if kind == "open":
            tree = self._any(field, depth + 1)
            if self._peek()[0] != "close":
                raise self._error("a bracket is not closed")
            self.at += 1
            return tree
        if kind == "field":
            if value == "*":
                return ALL
            if self._peek()[0] not in ("word", "phrase", "range", "open", "op"):
                raise self._error(f"{value} has no value")
            return self._one(value, depth + 1)
        if kind == "range":
            return self._range(field, value)
        if kind in ("word", "phrase"):
            plain = re.sub(r"\\(.)", r"\1", value[1:-1] if kind == "phrase" else value)
            return term(field, plain)
        raise self._error("it ends too early")

    def _range(self, field: str, text: str) -> Tree:
        low, _, high = text[1:-1].partition(" TO ")
        if field in TIMES:
            return (TIMES[field], _seconds(low, -1e18), _seconds(high, 1e18))
        if low.strip() == high.strip() == "*":
            return term(field, "*")
        raise self._error(f"{field or 'a word'} takes no range")


def term(field: str, value: str) -> Tree:
    """One ``field:value``."""
    if value == "*":  # there is one: of what was harvested, the source
        return ("facet", FACETS[field], "*") if field in FACETS else ALL
    if field in ("id", "name"):
        return ("id", value)
    if field in FACETS:
        return ("facet", FACETS[field], value)
    if field in TIMES:
        day = _seconds(value, 0.0)
        return (TIMES[field], day, day + 86_400)
    if field in CONSTANT:
        return ALL if value.lower() == CONSTANT[field] else ("not", ALL)
    if field == "site_id":
        return ALL
    if field in WORDS or not field:
        return ("words", value.rstrip("*"), WORDS.get(field, ""))
    return ("not", ALL)


def _seconds(text: str, otherwise: float) -> float:
    plain = text.strip().strip('"')
    if plain in ("*", ""):
        return otherwise
    if plain.startswith("NOW"):
        return datetime.now(UTC).timestamp() + _shift(plain[3:])
    try:
        found = datetime.fromisoformat(plain.replace("Z", "+00:00"))
    except ValueError:
        raise BadQuery(f"{plain[:40]!r} is no time.", todo="Write 2026-01-31T00:00:00Z.") from None
    return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).timestamp()


def _shift(text: str) -> float:
    """Seconds of Solr's date arithmetic such as ``-7DAYS/DAY``; a rounding to a unit is left out."""
    unit = {"MINUTE": 60, "HOUR": 3600, "DAY": 86_400, "MONTH": 30 * 86_400, "YEAR": 365 * 86_400}
    parts = re.findall(r"([+-]\d{1,5})(DAY|HOUR|MONTH|YEAR|MINUTE)S?", text)
    return float(sum(int(count) * unit[name] for count, name in parts))


def words_of(tree: Tree) -> tuple[str, Tree]:
    """(words to rank by, the rest): words over all fields at the top are what was typed into a search box."""
    parts: Sequence[Tree] = tree[1:] if tree and tree[0] == "and" else (tree,)
    words = [str(part[1]) for part in parts if part and part[0] == "words" and not part[2]]
    rest = tuple(part for part in parts if not (part and part[0] == "words" and not part[2]))
    return " ".join(words), ("and", *rest)
