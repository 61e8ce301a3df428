"""How well the catalogue describes its data: the score of every dataset by the method of data.europa.eu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from starlette.responses import Response

from arengo.catalogue import Record, say
from arengo.errors import BadQuery, UnknownDataset
from arengo.faces.dcat import mqa
from arengo.faces.dcat.mqa import DIMENSIONS, METRICS, MOST, Metric, Score
from arengo.faces.site import public_address
from arengo.portal.visit import Visit

if TYPE_CHECKING:
    from arengo.catalogue import Catalogue

ON_PAGE = 100
_HELD: dict[int, tuple[int, str, tuple[Score, ...], int]] = {}
"""Scores by catalogue, with the generation and the address they were computed for."""


@dataclass(frozen=True, slots=True)
class Line:
    """One dataset in the list. ``parts``: (dimension, points, of how many, share in percent)."""

    id: str
    title: str
    total: str
    rating: str
    parts: tuple[tuple[str, str, str, int], ...]
    missing: tuple[str, ...]


def page(visit: Visit) -> Response:
    """``/quality-of-metadata``: all datasets; ``?dataset=`` one of them, ``&ask=1`` with its addresses asked now."""
    if visit.param("dataset"):
        return _single(visit)
    catalogue = visit.site.catalogue
    known = visit.unchanged(catalogue.generation)
    if known:
        return known
    scores, kept = _scores(visit, catalogue)
    number = visit.param("page", "1")
    if not (number.isascii() and number.isdecimal() and 0 < len(number) < 7 and int(number) > 0):
        raise BadQuery(f"page is {number[:20]!r}, and pages are counted from 1.")
    start = (int(number) - 1) * ON_PAGE
    count = len(scores)
    full = sum(found.total >= MOST for found in scores)
    values = {
        "count": count,
        "full": full,
        "kept": kept,
        "average": visit.speech.number(_mean(scores, lambda found: found.total), 1 if full < count else 0),
        "most": visit.speech.number(int(MOST)),
        "rating": rating(visit, _rated(_mean(scores, lambda found: found.total))),
        "dimensions": [
            _part(visit, dimension, _mean(scores, lambda found, which=dimension: found.of(which)))
            for dimension in DIMENSIONS
        ],
        "lines": [_line(visit, found) for found in scores[start : start + ON_PAGE]],
        "copies": copies(visit),
        "before": visit.here(page=int(number) - 1) if start else "",
        "after": visit.here(page=int(number) + 1) if start + ON_PAGE < count else "",
    }
    return visit.page("metadata.html", values)


def copies(visit: Visit) -> list[tuple[tuple[str, str], tuple[str, str], str, str]]:
    """Pairs of open datasets that look like copies: (title, address) of both, how alike, and in what."""
    _, catalogue = visit._, visit.site.catalogue
    why = {"rows": _("the same rows"), "columns": _("nearly the same columns"), "values": _("nearly the same values")}
    out = []
    for pair in catalogue.twins():
        both = [catalogue.record(name) for name in (pair.first, pair.second)]
        if all(item.access == "open" for item in both):
            first, second = ((say(item.title, visit.language)[0], visit.link("datasets", item.id)) for item in both)
            out.append((first, second, visit.speech.percent(pair.share, 0), why.get(pair.reason, "")))
    return out


def _single(visit: Visit) -> Response:
    """What one dataset scores, metric by metric."""
    record = visit.site.catalogue.record(visit.param("dataset"))
    if record.kind == "series":
        raise UnknownDataset(f"{record.id} is a series; its datasets are measured.")
    ask = visit.param("ask") == "1"
    known = None if ask else visit.unchanged(visit.site.catalogue.generation, visit.site.catalogue.harvested)
    if known:
        return known
    base = public_address(visit.settings, visit.request)
    if ask:
        asked: dict[str, int] = {}
        found = mqa.of_record(record, base, lambda address: _answers(visit, base, address, asked))
    else:
        asked = {}
        found = mqa.of_record(record, base, mqa.answered(visit.request.app.router.routes, base))
    values = {
        "record": record,
        "title": _title(visit, record),
        "line": _line(visit, found),
        "most": visit.speech.number(int(MOST)),
        "groups": [
            (part, [_question(visit, found, metric) for metric in METRICS if metric.dimension == dimension])
            for dimension, part in ((which, _part(visit, which, found.of(which))) for which in DIMENSIONS)
        ],
        "breaches": found.breaches,
        "asked": sorted((address.removeprefix(base), status) for address, status in asked.items()),
        "was_asked": ask,
    }
    answer = visit.page("metadata_dataset.html", values)
    if ask:
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _question(visit: Visit, found: Score, metric: Metric) -> dict[str, Any]:
    return {
        "name": metric_name(visit, metric.id),
        "points": visit.speech.number(round(found.points[metric.id], 1), None),
        "of": visit.speech.number(int(metric.points)),
        "full": found.points[metric.id] >= metric.points,
        "mend": metric.mend,
    }


def _scores(visit: Visit, catalogue: Catalogue) -> tuple[tuple[Score, ...], int]:
    """Scores of what is open and published, the lowest first; how many others the city has."""
    base = public_address(visit.settings, visit.request)
    generation = catalogue.generation
    held = _HELD.get(id(catalogue))
    if held is None or held[:2] != (generation, base):
        reach = mqa.answered(visit.request.app.router.routes, base)
        found: list[Score] = []
        kept = 0
        for record in catalogue.records(local_only=True):
            if record.access == "open" and record.version is not None:
                found.append(mqa.of_record(record, base, reach))
            else:
                kept += 1
        found.sort(key=lambda item: (item.total, item.dataset))
        if len(_HELD) > 8:
            _HELD.clear()
        held = _HELD[id(catalogue)] = (generation, base, tuple(found), kept)
    return held[2], held[3]


def _mean(scores: tuple[Score, ...], of: Any) -> float:
    return sum(of(found) for found in scores) / len(scores) if scores else 0.0


def _rated(points: float) -> str:
    return next(word for least, word in mqa.RATINGS if round(points) >= least)


def _line(visit: Visit, found: Score) -> Line:
    record = visit.site.catalogue.record(found.dataset)
    return Line(
        found.dataset,
        _title(visit, record),
        visit.speech.number(found.total, None),
        rating(visit, found.rating),
        tuple(_part(visit, dimension, found.of(dimension)) for dimension in DIMENSIONS),
        tuple(metric_name(visit, metric.id) for metric, _ in found.missing),
    )


def _part(visit: Visit, dimension: str, points: float) -> tuple[str, str, str, int]:
    most = DIMENSIONS[dimension]
    told = visit.speech.number(round(points, 1), None)
    return dimension_name(visit, dimension), told, visit.speech.number(int(most)), round(100 * points / most)


def _title(visit: Visit, record: Record) -> str:
    return say(record.title, visit.language)[0] or record.id


def _answers(visit: Visit, base: str, address: str, asked: dict[str, int]) -> bool:
    """Whether this server answers an address of its own now: the application is asked as a client would ask."""
    import anyio.from_thread

    if not address.startswith(f"{base}/"):
        return False
    if address not in asked:
        parts = urlsplit(address)
        path = f"/{address.removeprefix(f'{base}/').partition('?')[0].partition('#')[0]}"
        scope: dict[str, Any] = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "HEAD", "scheme": "http",
            "path": unquote(path), "raw_path": path.encode(), "query_string": parts.query.encode(), "root_path": "",
            "headers": [], "client": None, "server": visit.request.scope.get("server"), "state": {},
        }  # fmt: skip
        asked[address] = anyio.from_thread.run(_status, visit.request.app, scope)
    return 200 <= asked[address] < 400


async def _status(app: Any, scope: Mapping[str, Any]) -> int:
    found = 500

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        nonlocal found
        if message["type"] == "http.response.start":
            found = int(message["status"])

    try:
        await app(scope, receive, send)
    except Exception:
        return 500  # what went wrong is in the log of who answers it
    return found


def rating(visit: Visit, word: str) -> str:
    _ = visit._
    return {"excellent": _("excellent"), "good": _("good"), "sufficient": _("sufficient"), "bad": _("bad")}[word]


def dimension_name(visit: Visit, dimension: str) -> str:
    _ = visit._
    return {
        "findability": _("Findable"),
        "accessibility": _("Reachable"),
        "interoperability": _("Combinable"),
        "reusability": _("Reusable"),
        "contextuality": _("In context"),
    }[dimension]


def metric_name(visit: Visit, metric: str) -> str:
    """A metric in plain words."""
    _ = visit._
    return {
        "keywordAvailability": _("keywords"),
        "categoryAvailability": _("theme"),
        "spatialAvailability": _("place"),
        "temporalAvailability": _("period"),
        "accessUrlStatusCode": _("the address of access answers"),
        "downloadUrlAvailability": _("address of a download"),
        "downloadUrlStatusCode": _("the download answers"),
        "formatAvailability": _("format"),
        "mediaTypeAvailability": _("media type"),
        "formatMediaTypeVocabularyAlignment": _("format and media type from the official lists"),
        "formatMediaTypeNonProprietary": _("format that belongs to nobody"),
        "formatMediaTypeMachineInterpretable": _("format that programs read"),
        "dcatApCompliance": _("complete by the European profile (DCAT-AP)"),
        "licenceAvailability": _("rights of use (licence)"),
        "knownLicence": _("licence from the official list"),
        "accessRightsAvailability": _("who may read it"),
        "accessRightsVocabularyAlignment": _("who may read it, from the official list"),
        "contactPointAvailability": _("whom to ask"),
        "publisherAvailability": _("who publishes it"),
        "rightsAvailability": _("statement of rights"),
        "byteSizeAvailability": _("size"),
        "dateIssuedAvailability": _("date of publication"),
        "dateModifiedAvailability": _("date of the last change"),
    }[metric]
