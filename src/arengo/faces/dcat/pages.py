"""The addresses of the DCAT face: the whole catalogue, its pages, one dataset; by suffix or by Accept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from arengo import __version__
from arengo.catalogue import Record
from arengo.contract.model import Frozen
from arengo.errors import BadQuery, NotAcceptable
from arengo.faces.dcat import italy, profile
from arengo.faces.dcat.graph import FORMS, TYPE, Form, Node, accepted, literal, name
from arengo.faces.site import Site, headers_of, matches, parameters, unchanged

PAGE = 100
EUROPE, ITALY = "http://data.europa.eu/r5r/", "http://dati.gov.it/onto/dcatapit"
PROFILES = {"": EUROPE, "eu": EUROPE, "it": ITALY}
_KNOWN = ("page", "modified_since", "harvested", "profile", "format")


class _Negotiated(Route):
    """Matches only a request whose Accept header prefers an RDF form to a page."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        accept = next((value for key, value in scope.get("headers", ()) if key == b"accept"), b"")
        return super().matches(scope) if accepted(accept.decode("latin-1")) else (Match.NONE, {})


def routes(site: Site) -> list[BaseRoute]:
    async def whole(request: Request) -> Response:
        return await run_in_threadpool(_whole, site, request)

    async def one(request: Request) -> Response:
        return await run_in_threadpool(_one, site, request)

    reading = ["GET", "HEAD"]
    return [
        Route("/catalog", whole, methods=reading),
        *(Route(f"/catalog.{suffix}", whole, methods=reading, name=f"catalog-{suffix}") for suffix in FORMS),
        *(Route(f"/datasets/{{dataset}}.{suffix}", one, methods=reading, name=f"dataset-{suffix}") for suffix in FORMS),
        _Negotiated("/datasets/{dataset}", one, methods=reading),
    ]


def _form(request: Request) -> Form:
    last = request.url.path.rsplit("/", 1)[-1]
    suffix = last.rsplit(".", 1)[-1] if "." in last else request.query_params.get("format", "")
    if suffix:
        form = FORMS.get(suffix)
        if form is None:
            raise NotAcceptable(f"There is no form {suffix[:20]!r}.", todo=f"The forms are {', '.join(FORMS)}.")
        return form
    return accepted(request.headers.get("accept", "")) or FORMS["ttl"]


def _profile(request: Request) -> str:
    asked = request.query_params.get("profile", "")
    if asked.startswith("http"):
        asked = "it" if asked.startswith(ITALY) else "eu"
    if not asked:
        asked = "it" if ITALY in request.headers.get("accept-profile", "") else "eu"
    if asked not in PROFILES:
        raise BadQuery(f"There is no profile {asked[:20]!r}.", todo="Write eu (DCAT-AP 3.0.1) or it (DCAT-AP_IT).")
    return asked


def _whole(site: Site, request: Request) -> Response:
    given = parameters(request, _KNOWN)
    form, chosen = _form(request), _profile(request)
    since = _moment(given.get("modified_since", ""))
    harvested = given.get("harvested", "").lower() in ("1", "true", "yes")
    page = given.get("page", "")
    if page and not (page.isdecimal() and int(page[:9]) >= 1):
        raise BadQuery(f"page is {page[:20]!r}, and pages are counted from 1.")
    base = site.absolute(request)
    newest = site.catalogue.harvested if harvested else 0
    parts = (
        form.suffix,
        chosen,
        base,
        str(since),
        page,
        str(harvested),
        site.catalogue.generation,
        newest,
        __version__,
    )
    etag = f'"{blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"'
    headers = headers_of(etag)
    headers["Link"] = ", ".join(_links(request, base, chosen, given, page, site.catalogue.count(not harvested)))
    headers["Content-Profile"] = f"<{PROFILES[chosen]}>"
    headers["Vary"] = "Accept, Accept-Encoding, Accept-Profile"
    if matches(request, etag):
        return unchanged(headers)
    seen: set[str] = set()
    records = site.catalogue.records(modified_since=since, local_only=not harvested)
    if page:
        start = (int(page) - 1) * PAGE
        records = islice(records, start, start + PAGE)
    nodes = _nodes(site, base, records, seen, _view(request, base, given, page, site, harvested, since))
    if chosen == "it":
        nodes = italy.profile(nodes, site.catalogue.home.publisher)
    media = f"{form.media}; charset=utf-8" if form.suffix in ("ttl", "nt") else form.media
    if request.method == "HEAD":
        return Response(status_code=200, headers=headers, media_type=media)
    return StreamingResponse(_gathered(form.write(nodes)), 200, headers, media)


def _gathered(pieces: Iterable[bytes], size: int = 65_536) -> Iterator[bytes]:
    """Pieces of a worthwhile size: each costs a turn of the event loop."""
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(held)
            held, length = [], 0
    yield b"".join(held)


def _nodes(site: Site, base: str, records: Iterable[Record], seen: set[str], view: Iterable[Node]) -> Iterator[Node]:
    city, home = site.settings.city, site.catalogue.home
    language = city.language.split("-")[0]
    title = Frozen({language: city.name})
    told = city.description or _about(city.name, language)
    newest = max((entry.changed for entry in site.catalogue.entries(limit=None).items), default=None)
    services = [("dcat:service", f"{base}/services/{item.id}") for item in site.catalogue.services()]
    yield from profile.catalogue(
        base,
        title,
        Frozen({language: told}),
        home.publisher,
        city.language,
        city.licence,
        newest,
        seen,
        services,
        city.place,
    )
    yield from view
    for item in site.catalogue.services():
        yield from profile.service(item, home.publisher, base, seen)
    for made, _ in site.catalogue.series():
        yield from profile.series(made, base, seen)
    for record in records:
        yield Node(f"{base}/catalog", ((name("dcat:dataset"), profile.dataset_iri(base, record)),))
        yield from profile.dataset(record, base, seen)


def _about(city: str, language: str) -> str:
    words = {
        "it": f"I dati pubblicati da {city}.",
        "fr": f"Les données publiées par {city}.",
        "es": f"Los datos publicados por {city}.",
        "ca": f"Les dades publicades per {city}.",
        "de": f"Die Daten, die {city} veröffentlicht.",
        "pt": f"Os dados publicados por {city}.",
    }
    return words.get(language, f"The data that {city} publishes.")


def _view(
    request: Request, base: str, given: dict[str, str], page: str, site: Site, harvested: bool, since: datetime | None
) -> Iterator[Node]:
    """Hydra's partial view of a page: total, first, next, previous, last (Hydra Core Vocabulary, 5.2)."""
    if not page:
        return
    total = site.catalogue.count(not harvested)
    if since is not None:
        total = sum(1 for _ in site.catalogue.records(modified_since=since, local_only=not harvested))
    me, number, last = f"{base}/catalog", int(page), max(1, -(-total // PAGE))
    yield Node(me, (
        (TYPE, name("hydra:Collection")),
        (name("hydra:totalItems"), literal(str(total), datatype=name("xsd:integer"))),
        (name("hydra:view"), _address(request, base, given, number)),
    ))  # fmt: skip
    said: list[tuple[str, str | object]] = [(TYPE, name("hydra:PartialCollectionView"))]
    said += [
        (name("hydra:first"), _address(request, base, given, 1)),
        (name("hydra:last"), _address(request, base, given, last)),
    ]
    if number > 1:
        said.append((name("hydra:previous"), _address(request, base, given, number - 1)))
    if number < last:
        said.append((name("hydra:next"), _address(request, base, given, number + 1)))
    yield Node(_address(request, base, given, number), tuple(said))  # type: ignore[arg-type]


def _address(request: Request, base: str, given: dict[str, str], page: int) -> str:
    kept = {key: value for key, value in given.items() if key != "page"}
    return f"{base}{request.url.path}?{urlencode({**kept, 'page': page})}"


def _links(request: Request, base: str, chosen: str, given: dict[str, str], page: str, total: int) -> Iterator[str]:
    for form in FORMS.values():
        yield f'<{base}/catalog.{form.suffix}>; rel="alternate"; type="{form.media}"'
    other = "it" if chosen == "eu" else "eu"
    yield f'<{base}{request.url.path}?profile={other}>; rel="alternate"; profile="{PROFILES[other]}"'
    yield f'<{PROFILES[chosen]}>; rel="profile"'
    last = max(1, -(-total // PAGE))
    yield f'<{_address(request, base, given, 1)}>; rel="first"'
    if page:
        yield f'<{_address(request, base, given, last)}>; rel="last"'
        if int(page) < last:
            yield f'<{_address(request, base, given, int(page) + 1)}>; rel="next"'


def _one(site: Site, request: Request) -> Response:
    """One dataset with its newest versions."""
    parameters(request, ("profile", "format", "as_of", "lang", "theme"))
    form, chosen = _form(request), _profile(request)
    record = site.catalogue.record(request.path_params["dataset"])
    base = site.absolute(request)
    parts = (form.suffix, chosen, base, record.id, site.catalogue.generation, __version__)
    etag = f'"{blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"'
    headers = headers_of(etag)
    headers["Vary"] = "Accept, Accept-Encoding, Accept-Language, Accept-Profile, Cookie"
    headers["Content-Location"] = f"/datasets/{record.id}.{form.suffix}"
    headers["Access-Control-Allow-Origin"] = "*"
    kinds = ", ".join(
        f'<{base}/datasets/{record.id}.{item.suffix}>; rel="alternate"; type="{item.media}"' for item in FORMS.values()
    )
    headers["Link"] = f'{kinds}, <{PROFILES[chosen]}>; rel="profile"'
    if matches(request, etag):
        return unchanged(headers)
    body = b"".join(form.write(described(site, record, base, chosen)))
    return Response(body, 200, headers, f"{form.media}; charset=utf-8" if form.suffix in ("ttl", "nt") else form.media)


def described(site: Site, record: Record, base: str, chosen: str = "eu") -> Iterator[Node]:
    """The nodes of one dataset's own document."""
    seen: set[str] = set()
    if record.kind == "series":
        nodes = profile.series(record, base, seen)
    else:
        nodes = _chained(
            profile.dataset(record, base, seen), profile.versions(record, base, seen), _served(site, record, base, seen)
        )
    return italy.profile(nodes, site.catalogue.home.publisher) if chosen == "it" else nodes


def _served(site: Site, record: Record, base: str, seen: set[str]) -> Iterator[Node]:
    for item in record.services:
        yield from profile.service(item, site.catalogue.home.publisher, base, seen)


def _chained(*parts: Iterator[Node]) -> Iterator[Node]:
    for part in parts:
        yield from part


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+"))
    except ValueError:
        raise BadQuery(
            f"modified_since is {text[:40]!r}, which is no date.", todo="Write 2026-01-31 or 2026-01-31T12:00:00Z."
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
