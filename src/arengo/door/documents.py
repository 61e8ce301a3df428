"""Documents: the original file of one, and the pages that have given words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from arengo.catalogue.search import excerpt
from arengo.catalogue.wanted import Snippet
from arengo.door.view import View
from arengo.errors import BadQuery
from arengo.lake.version import Version
from arengo.query.model import Query


@dataclass(frozen=True, slots=True)
class Original:
    """The file a document was read from. ``name``: what it was called. ``checksum``: SHA-256 in hexadecimal."""

    path: Path
    name: str
    checksum: str
    version: Version


def file_of(view: View, document: str) -> Query:
    """The name and checksum of a document's file. Raises BadQuery when the dataset holds no documents."""
    if not view.contract.custom.get("arengoDocuments"):
        raise BadQuery(f"{view.dataset} is no dataset of documents.", todo="Its rows are at /rows.")
    return Query(
        view.dataset,
        select=("file", "checksum"),
        filter={"op": "=", "args": [{"property": "document"}, document]},
        limit=1,
        as_of=str(view.version.number),
    )


def pages_with(dataset: str, words: str, limit: int) -> Query:
    """The pages that have all the words."""
    return Query(dataset, ("document", "page", "title", "text"), search=words, limit=limit)


def snippets(dataset: str, words: str, rows: Iterable[Sequence[Any]]) -> tuple[Snippet, ...]:
    """The rows of :func:`pages_with` as title, page and where the words stand."""
    out = []
    for document, page, title, text in rows:
        at = f"/datasets/{quote(dataset)}/documents/{quote(str(document), safe='')}"
        pieces = excerpt(str(text or ""), words) or ((str(title or document), False),)
        out.append(Snippet("page", pieces, f"{at}?{urlencode({'page': page, 'q': words})}", str(title), int(page)))
    return tuple(out)
