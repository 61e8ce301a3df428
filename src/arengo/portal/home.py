"""Home, the list of datasets, and what these pages are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from arengo.faces import structured
from arengo.faces.site import public_address
from arengo.portal.site import Visit
from arengo.portal.vocabulary import theme_name

if TYPE_CHECKING:
    pass

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
    told = structured.catalog(visit.settings.city, public_address(visit.settings, visit.request), len(entries))
    values = {"figures": figures, "themes": themes(visit), "news": news, "total": len(entries)}
    return visit.page("home.html", {**values, "structured": structured.embedded(told)})


def about(visit: Visit) -> Response:
    known = visit.unchanged()
    return known or visit.page("about.html", {})


def themes(visit: Visit) -> list[Theme]:
    """Themes that have a dataset, by name."""
    counts = visit.site.catalogue.themes()
    found = [Theme(code, theme_name(code, visit.speech), count) for code, count in counts.items() if count]
    return sorted(found, key=lambda item: item.name.casefold())
