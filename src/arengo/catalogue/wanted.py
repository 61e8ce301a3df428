"""A question to the catalogue and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arengo.catalogue.record import Record
from arengo.contract.model import EMPTY

FACETS = ("theme", "owner", "format", "licence", "access", "frequency", "tag", "kind", "hvd", "source", "language")
"""What a search can be narrowed by; ``owner`` and ``source`` are slugs, the others codes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """``words``: as typed, in any language of the city. ``only``: facet name -> values, any of which must hold.

    ``bbox``: west, south, east, north; records whose place meets it. ``since``: ISO date, modified on or after it.
    ``order``: relevance (title without words), title, id, updated, created or oldest. ``start``, ``limit``: the page.
    ``where``: a further condition, a tree of tuples: ``("and", a, b)``, ``("or", a, b)``, ``("not", a)``,
    ``("facet", name, value)`` with ``*`` at the end of a value for its beginnings, ``("id", slug)``,
    ``("words", text, field)`` (field '' for all) and ``("modified" | "issued", from, to)`` in seconds since 1970.
    """

    words: str = ""
    language: str = ""
    only: Mapping[str, tuple[str, ...]] = EMPTY
    bbox: tuple[float, float, float, float] | None = None
    since: str = ""
    order: str = "relevance"
    start: int = 0
    limit: int = 20
    facets: tuple[str, ...] = ()
    facet_limit: int = 20
    where: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Snippet:
    """Where the words were met. ``field``: title, description, column, value or page. ``parts``: text, whether met.

    ``href``: where it leads on this site ('' to the dataset); ``title``, ``page``: of a page of a document.
    """

    field: str
    parts: tuple[tuple[str, bool], ...]
    href: str = ""
    title: str = ""
    page: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    record: Record
    score: float
    snippets: tuple[Snippet, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetCount:
    value: str
    label: Mapping[str, str]
    count: int


@dataclass(frozen=True, slots=True)
class Found:
    """``corrected``: the words that were looked for instead ('' when as typed). ``relaxed``: not every word had to
    occur, since no record has them all."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, tuple[FacetCount, ...]] = EMPTY
    corrected: str = ""
    relaxed: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One line under the search field. ``kind``: dataset, theme, owner, column or word."""

    kind: str
    text: str
    href: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    """``reason``: key, concept, place, series or words, with what is shared in ``shared`` (column names, words)."""

    record: Record
    reason: str
    shared: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Twins:
    """Two datasets that look like copies of each other. ``share``: 0 to 1."""

    first: str
    second: str
    share: float
    reason: str
