"""Home, the list of datasets, and what these pages are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from arengo.portal.cells import written
from arengo.portal.figure import glyph
from arengo.portal.site import Visit
from arengo.portal.vocabulary import theme_name

if TYPE_CHECKING:
    from arengo.catalogue import Entry

NEWEST = 10
ON_PAGE = 20


@dataclass(frozen=True, slots=True)
class Theme:
    code: str
    name: str
    count: int


def home(visit: Visit) -> Response:
    """``/``: what is there, what changed."""
    catalogue = visit.site.catalogue
    known = visit.unchanged(catalogue.generation)
    if known:
        return known
    entries = catalogue.entries(limit=None).items
    published = sorted(
        (entry for entry in entries if entry.version is not None), key=lambda entry: str(entry.updated), reverse=True
    )
    rows = sum(entry.version.rows for entry in published if entry.version and entry.contract.access == "open")
    say = visit.speech
    figures = []
    if published:
        figures = [
            (say.number(len(entries)), visit.speech.words.ngettext("dataset", "datasets", len(entries))),
            (say.number(rows), visit.speech.words.ngettext("row", "rows", rows)),
            (say.number(sum(entry.versions for entry in published)), visit._("versions kept")),
        ]
    news = []
    for entry in published[:NEWEST]:
        assert entry.version
        words = visit._("new") if entry.version.number == 1 else visit._("version %(n)s", n=entry.version.number)
        news.append(
            {"id": entry.id, "title": entry.contract.title(visit.language), "at": entry.updated, "words": words}
        )
    values = {"figures": figures, "themes": themes(visit), "news": news, "total": len(entries)}
    return visit.page("home.html", values)


def datasets(visit: Visit) -> Response:
    """``/datasets?q=&theme=``."""
    catalogue = visit.site.catalogue
    known = visit.unchanged(catalogue.generation)
    if known:
        return known
    q, theme = visit.param("q"), visit.param("theme").upper()
    listing = catalogue.entries(q=q, theme=theme, limit=ON_PAGE, cursor=visit.param("cursor"))
    heading = theme_name(theme, visit.speech) if theme else visit._("Datasets")
    values = {
        "heading": heading,
        "q": q,
        "theme": theme,
        "themes": themes(visit, q),
        "total": catalogue.entries(q=q, limit=1).total,
        "count_words": visit.speech.many("%(n)s dataset", "%(n)s datasets", listing.total),
        "items": [_item(visit, entry) for entry in listing.items],
        "after": visit.here(cursor=listing.next) if listing.next else "",
    }
    return visit.page("datasets.html", values)


def about(visit: Visit) -> Response:
    known = visit.unchanged()
    return known or visit.page("about.html", {})


def themes(visit: Visit, q: str = "") -> list[Theme]:
    """Themes that have a dataset (found by ``q``), by name."""
    catalogue = visit.site.catalogue
    counts = catalogue.themes()
    if q:
        counts = {code: catalogue.entries(q=q, theme=code, limit=1).total for code in counts}
    found = [Theme(code, theme_name(code, visit.speech), count) for code, count in counts.items() if count]
    return sorted(found, key=lambda item: item.name.casefold())


def _item(visit: Visit, entry: Entry) -> dict[str, Any]:
    contract = entry.contract
    kind = glyph(contract)
    words = {"map": visit._("map"), "line": visit._("series"), "table": visit._("table")}
    return {
        "id": entry.id,
        "title": contract.title(visit.language),
        "summary": written(contract.summary(visit.language)),
        "access": contract.access,
        "glyph": kind,
        "glyph_word": words[kind],
        "rows": entry.version.rows if entry.version and contract.access == "open" else None,
        "owner": contract.owner,
        "updated": entry.updated,
    }
