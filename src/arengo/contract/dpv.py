"""What personal data is used for, and what allows it: a frozen part of the Data Privacy Vocabulary.

DPV 2.0 is a report of a W3C community group (https://w3id.org/dpv), not a W3C standard; its GDPR extension gives an
address to each legal basis of Regulation (EU) 2016/679. The data pack ``vocabularies/dpv.csv`` holds the terms a city
needs. A contract writes them as ``dpv:PublicBenefit`` and ``eu-gdpr:A6-1-e``; the whole address is read as well.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from arengo.contract.model import Frozen
from arengo.contract.vocabulary import Term

DPV = "https://w3id.org/dpv#"
GDPR = "https://w3id.org/dpv/legal/eu/gdpr#"
SCHEMES = ("purpose", "basis", "special", "transfer", "subject")
"""Purposes; legal bases of Art. 6; exceptions of Art. 9(2); grounds of a transfer (Art. 45-49); groups of people."""
LANGUAGES = ("en", "it", "fr", "es", "ca", "ar")

_PREFIXES = {"dpv:": DPV, "eu-gdpr:": GDPR}
_VERSION = re.compile(r"^https?://w3id\.org/dpv(/\d+(?:\.\d+)*)?(/legal/eu/gdpr)?(?:/owl)?[#/]")
_ARTICLE = re.compile(r"eu-gdpr:A(\d+)(?:-(\d+))?(?:-([a-z]))?(?:-.*)?")


@dataclass(frozen=True, slots=True)
class Concept(Term):
    """One term. ``scheme``: one of :data:`SCHEMES`. ``broader``: code of the wider term, '' at the top."""

    scheme: str = ""
    broader: str = ""

    @property
    def article(self) -> str:
        """``Art. 6(1)(e)`` for a legal basis, '' for the others."""
        match = _ARTICLE.fullmatch(self.code)
        if match is None:
            return ""
        return f"Art. {match[1]}" + "".join(f"({part})" for part in match.groups()[1:] if part)


@cache
def concepts() -> Mapping[str, Concept]:
    """Every term by its code, in the order of the data pack."""
    text = files("arengo.contract").joinpath("vocabularies/dpv.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    found = {}
    for row in rows:
        labels = Frozen({language: row[language] for language in LANGUAGES})
        found[row["code"]] = Concept(row["code"], iri(row["code"]), labels, row["scheme"], row["broader"])
    return found


def scheme(name: str) -> tuple[Concept, ...]:
    """The terms of one scheme."""
    return tuple(item for item in concepts().values() if item.scheme == name)


def iri(code: str) -> str:
    """The address of a code: ``dpv:PublicBenefit`` is ``https://w3id.org/dpv#PublicBenefit``."""
    for prefix, address in _PREFIXES.items():
        if code.startswith(prefix):
            return address + code.removeprefix(prefix)
    return code


def concept(text: str, *schemes: str) -> Concept | None:
    """The term meant by a code or an address, of one of ``schemes`` (of all when none is named); None when unknown."""
    found = concepts().get(_code(text))
    return found if found is not None and (not schemes or found.scheme in schemes) else None


def nearest(text: str, *schemes: str) -> Concept | None:
    """The term that ``text`` may have meant; None when nothing is near."""
    code = _code(text)
    words = {item.code.lower(): item for item in concepts().values() if not schemes or item.scheme in schemes}
    bare = {item.code.split(":", 1)[1].lower(): item for item in words.values()}
    names = {item.label("en").lower(): item for item in words.values()}
    for table, word in ((words, code), (bare, code.rsplit(":", 1)[-1]), (names, text.strip())):
        close = difflib.get_close_matches(word.lower(), table, n=1, cutoff=0.6)
        if close:
            return table[close[0]]
    return None


def within(code: str, wider: str) -> bool:
    """Whether a term is ``wider`` or below it."""
    seen: set[str] = set()
    while code and code not in seen:
        if code == wider:
            return True
        seen.add(code)
        found = concepts().get(code)
        code = found.broader if found else ""
    return False


def _code(text: str) -> str:
    text = text.strip()
    match = _VERSION.match(text)
    if match is None:
        return text
    return ("eu-gdpr:" if match[2] else "dpv:") + text[match.end() :]
