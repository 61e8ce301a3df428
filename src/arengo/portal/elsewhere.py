"""A dataset that another catalogue holds: what it says of itself, where its rows are, where the entry comes from."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from arengo.catalogue import say
from arengo.catalogue.vocabulary import FILE_TYPES
from arengo.errors import UnknownDataset
from arengo.portal.cells import written
from arengo.portal.visit import Visit
from arengo.portal.vocabulary import frequency_name, licence_name


def elsewhere(visit: Visit, dataset: str, missing: UnknownDataset) -> Response:
    """The page of a harvested record; 410 for one that its origin took back. Raises ``missing`` when there is none."""
    catalogue = visit.site.catalogue
    gone = catalogue.gone(dataset)
    if gone is not None:
        record = gone[0]
    else:
        try:
            record = catalogue.record(dataset)
        except UnknownDataset:
            raise missing from None
    if record.kind == "series":
        return RedirectResponse(visit.link("series", record.id), 302)
    origin = record.provenance
    if origin is None:
        raise missing
    title, spoken = say(record.title, visit.language)
    _ = visit._
    passport = [
        (_("Owner"), say(record.publisher.name, visit.language)[0] if record.publisher else ""),
        (_("Rights of use (licence)"), licence_name(record.licence, visit.speech)),
        (_("How often it is renewed"), frequency_name(record.frequency, visit.speech)),
        (_("Comes from"), origin.title or origin.source),
        (_("Identifier at its origin"), origin.identifier),
        (_("Taken over"), visit.speech.moment(origin.harvested_at) if origin.harvested_at else ""),
        (_("Keywords"), ", ".join(word for words in record.keywords.values() for word in words[:12])),
    ]
    files: list[dict[str, Any]] = []
    for item in record.distributions:
        href = item.download_url or item.access_url
        if not href.startswith(("http://", "https://", "/")):
            continue
        files.append(
            {
                "href": href,
                "title": say(item.title, visit.language)[0] or href,
                "words": written(say(item.description, visit.language)[0])[:300],
                "format": FILE_TYPES[item.format].name if item.format in FILE_TYPES else item.format,
                "size": visit.speech.size(item.bytes) if item.bytes else "",
                "host": urlsplit(href).hostname or "",
            }
        )
    landing = next((item for item in (origin.landing_page, origin.uri) if item.startswith(("http://", "https://"))), "")
    values = {
        "record": record,
        "origin": origin,
        "title": title,
        "foreign": spoken if spoken != visit.language else "",
        "summary": written(say(record.description, visit.language)[0]),
        "files": files,
        "landing": landing,
        "passport": [(term, value) for term, value in passport if value],
        "gone": gone[1] if gone else None,
    }
    return visit.page("elsewhere.html", values, 410 if gone else 200)
