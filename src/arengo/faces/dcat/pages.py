"""The addresses of the DCAT face: the whole catalogue, its pages, one dataset, its quality; by suffix or by Accept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from arengo import __version__
from arengo.catalogue import Record
from arengo.errors import ArengoError, BadQuery, NotAcceptable
from arengo.faces.dcat import catalogue, italy, mqa, profile
from arengo.faces.dcat.graph import FORMS, TYPE, Form, Node, Object, accepted, literal, name
from arengo.faces.dcat.profile import Edition
from arengo.faces.site import Site, headers_of, matches, parameters, unchanged
from arengo.faces.turn import Stream

PAGE = 100
MOST_VERSIONS = 100
EUROPE, ITALY = "http://data.europa.eu/r5r/", "http://dati.gov.it/onto/dcatapit"
PROFILES = {"eu": EUROPE, "it": ITALY}
_KNOWN = ("page", "modified_since", "harvested", "profile", "format")
_VARY = "Accept, Accept-Encoding, Accept-Profile"


class _Negotiated(Route):
    """Matches only a request whose Accept header prefers an RDF form to a page."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        accept = next((value for key, value in scope.get("headers", ()) if key == b"accept"), b"")
        return super().matches(scope) if accepted(accept.decode("latin-1")) else (Match.NONE, {})


def routes(site: Site) -> list[BaseRoute]:
    def bind(answer: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            made: Response = await run_in_threadpool(answer, site, request)
            return made

        return endpoint

    reading = ["GET", "HEAD"]
    return [
        Route("/catalog", bind(_whole), methods=reading, name="catalog"),
        *(Route(f"/catalog.{suffix}", bind(_whole), methods=reading, name=f"catalog-{suffix}") for suffix in FORMS),
        *(Route(f"/catalog/quality.{suffix}", bind(_quality), methods=reading, name=f"quality-{suffix}")
          for suffix in FORMS),
        *(Route(f"/datasets/{{dataset}}.{suffix}", bind(_one), methods=reading, name=f"dataset-{suffix}")
          for suffix in FORMS),
        _Negotiated("/datasets/{dataset}", bind(_one), methods=reading, name="dataset-rdf"),
    ]  # fmt: skip


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
    """``eu`` or ``it``: by the parameter, else by Accept-Profile (W3C Content Negotiation by Profile, 7.2)."""
    asked = request.query_params.get("profile", "")
    if asked.startswith("http"):
        asked = "it" if asked.startswith(ITALY) else "eu"
    asked = asked or ("it" if ITALY in request.headers.get("accept-profile", "") else "eu")
    if asked not in PROFILES:
        raise BadQuery(f"There is no profile {asked[:20]!r}.", todo="Write eu (DCAT-AP 3.0.1) or it (DCAT-AP_IT).")
    return asked


def _whole(site: Site, request: Request) -> Response:
    """``/catalog``, ``/catalog.ttl``, ...: everything, or with ``page`` a hundred datasets of it."""
    given = parameters(request, _KNOWN)
    base = site.absolute(request)
    if request.url.path == "/catalog" and "format" not in given and _wants_page(request):
        return RedirectResponse(f"{base}/datasets", 303, {"Vary": "Accept"})
    form, chosen = _form(request), _profile(request)
    since = _moment(given.get("modified_since", ""))
    harvested = _truth("harvested", given.get("harvested", ""))
    number = _number(given.get("page", ""))
    stamp = site.catalogue.harvested if harvested else 0
    etag = _etag(form.suffix, chosen, base, since, number, harvested, site.catalogue.generation, stamp)
    changed = catalogue.newest(site.catalogue)
    headers = headers_of(etag, None if harvested else changed)
    total = _total(site, since, harvested) if number or since is None else 0
    headers["Link"] = ", ".join(_links(request, base, chosen, given, number, total))
    headers["Content-Profile"] = f"<{PROFILES[chosen]}>"
    headers["Vary"] = _VARY
    if matches(request, etag):
        return unchanged(headers)
    media = _media(form)
    if request.method == "HEAD":
        return _head(headers, media)

    def make() -> Iterator[bytes]:
        records = _records(site, since, harvested, number)
        view = _view(request, base, given, number, total) if number else ()
        city = site.settings.city
        return catalogue.dump(site.catalogue, city, base, form, profile=chosen, records=records, view=view)

    return Stream(make, site.streams, headers, media)


def _records(site: Site, since: datetime | None, harvested: bool, number: int) -> Iterator[Record]:
    """The records of a page; all when ``number`` is 0. A page far behind reads ids only, not what lies before it."""
    held = site.catalogue
    if not number:
        return held.records(modified_since=since, local_only=not harvested)
    start = (number - 1) * PAGE
    if since is not None:
        return islice(held.records(modified_since=since, local_only=not harvested), start, start + PAGE)
    if not start:
        return held.records(limit=PAGE, local_only=not harvested)
    ids = held.ids() if harvested else iter(sorted(entry.id for entry in held.entries(limit=None).items))
    after = next(islice(ids, start - 1, start), None)
    return iter(()) if after is None else held.records(after=after, limit=PAGE, local_only=not harvested)


def _total(site: Site, since: datetime | None, harvested: bool) -> int:
    if since is None:
        return site.catalogue.count(not harvested)
    return sum(1 for _ in site.catalogue.records(modified_since=since, local_only=not harvested))


def _view(request: Request, base: str, given: dict[str, str], number: int, total: int) -> Iterator[Node]:
    """Hydra's partial view of a page: total, first, next, previous, last (Hydra Core Vocabulary, 5.2)."""
    here, last = _address(request, base, given, number), _last(total)
    count = literal(str(total), datatype=name("xsd:integer"))
    yield Node(profile.catalog_iri(base), (
        (TYPE, name("hydra:Collection")), (name("hydra:totalItems"), count), (name("hydra:view"), here),
    ))  # fmt: skip
    said: list[tuple[str, Object]] = [
        (TYPE, name("hydra:PartialCollectionView")),
        (name("hydra:first"), _address(request, base, given, 1)),
        (name("hydra:last"), _address(request, base, given, last)),
    ]
    if number > 1:
        said.append((name("hydra:previous"), _address(request, base, given, min(number - 1, last))))
    if number < last:
        said.append((name("hydra:next"), _address(request, base, given, number + 1)))
    yield Node(here, tuple(said))


def _last(total: int) -> int:
    return max(1, -(-total // PAGE))


def _address(request: Request, base: str, given: dict[str, str], page: int) -> str:
    kept = {key: value for key, value in given.items() if key != "page"}
    return f"{base}{request.url.path}?{urlencode({**kept, 'page': page})}"


def _links(request: Request, base: str, chosen: str, given: dict[str, str], number: int, total: int) -> Iterator[str]:
    kept = {key: value for key, value in given.items() if key not in ("page", "format")}
    query = f"?{urlencode(kept)}" if kept else ""
    for form in FORMS.values():
        yield f'<{base}/catalog.{form.suffix}{query}>; rel="alternate"; type="{form.media}"'
    other = "it" if chosen == "eu" else "eu"
    turned = urlencode({**kept, "profile": other})
    yield f'<{base}{request.url.path}?{turned}>; rel="alternate"; profile="{PROFILES[other]}"'
    yield f'<{PROFILES[chosen]}>; rel="profile"'
    yield f'<{_address(request, base, given, 1)}>; rel="first"'
    if number:
        last = _last(total)
        yield f'<{_address(request, base, given, last)}>; rel="last"'
        if number > 1:
            yield f'<{_address(request, base, given, min(number - 1, last))}>; rel="prev"'
        if number < last:
            yield f'<{_address(request, base, given, number + 1)}>; rel="next"'


def _one(site: Site, request: Request) -> Response:
    """One dataset with its versions; with ``as_of`` that one version."""
    given = parameters(request, ("profile", "format", "as_of", "lang", "theme"))
    form, chosen = _form(request), _profile(request)
    record = site.catalogue.record(request.path_params["dataset"])
    base = site.absolute(request)
    as_of = given.get("as_of", "")
    etag = _etag(form.suffix, chosen, base, record.id, as_of, site.catalogue.generation)
    headers = headers_of(etag, None if as_of else record.modified)
    headers["Vary"] = "Accept, Accept-Encoding, Accept-Language, Accept-Profile, Cookie"
    headers["Content-Location"] = f"{request.scope.get('root_path', '')}/datasets/{record.id}.{form.suffix}"
    headers["Access-Control-Allow-Origin"] = "*"
    kinds = [
        f'<{base}/datasets/{record.id}.{item.suffix}>; rel="alternate"; type="{item.media}"' for item in FORMS.values()
    ]
    page = f'<{base}/datasets/{record.id}>; rel="alternate"; type="text/html"'
    headers["Link"] = ", ".join((*kinds, page, f'<{PROFILES[chosen]}>; rel="profile"'))
    if matches(request, etag):
        return unchanged(headers)
    body = b"".join(form.write(described(site, request, record, base, chosen, as_of)))
    return _head(headers, _media(form)) if request.method == "HEAD" else Response(body, 200, headers, _media(form))


def described(site: Site, request: Request, record: Record, base: str, chosen: str, as_of: str) -> Iterator[Node]:
    """The nodes of one dataset's own document. Raises UnknownVersion, NotAllowed, BadQuery for a wrong ``as_of``."""
    seen: set[str] = set()
    nodes: list[Node] = []
    if record.kind == "series":
        nodes += catalogue.series(record, base, seen)
    elif as_of:
        version = site.door.view(record.id, as_of, site.caller(request)).version
        wanted = [item for item in _editions(site, request, record) if item.number == version.number]
        nodes += profile.dataset(
            record, base, seen, wanted[0] if wanted else Edition(version.number, version.published_at)
        )
    else:
        nodes += profile.dataset(record, base, seen)
        nodes += profile.editions(record, base, seen, _editions(site, request, record)[:MOST_VERSIONS])
    nodes += catalogue.serving(record, site.catalogue.home, base, seen)
    return italy.profile(nodes, site.catalogue.home.publisher) if chosen == "it" else iter(nodes)


def _editions(site: Site, request: Request, record: Record) -> list[Edition]:
    """The versions the caller may see, newest first."""
    if not record.local:
        return []
    try:
        held = site.door.versions(record.id, site.caller(request))
    except ArengoError:
        return []
    if not held:
        return []  # declared, and not published yet: the gate may hold it back
    before = [*(item.number for item in held[1:]), 0]
    return [Edition(item.number, item.published_at, prior) for item, prior in zip(held, before, strict=True)]


def _quality(site: Site, request: Request) -> Response:
    """``/catalog/quality.ttl``, ...: what each open dataset of the city scores, as measurements (DQV)."""
    parameters(request, ())
    form, base = _form(request), site.absolute(request)
    etag = _etag("quality", form.suffix, base, site.catalogue.generation)
    headers = headers_of(etag, catalogue.newest(site.catalogue))
    if matches(request, etag):
        return unchanged(headers)
    if request.method == "HEAD":
        return _head(headers, _media(form))
    reach = mqa.answered(request.app.router.routes, base)

    def make() -> Iterator[bytes]:
        scores = (mqa.of_record(record, base, reach) for record in site.catalogue.records(local_only=True))
        return form.write(mqa.measurements(scores))

    return Stream(make, site.streams, headers, _media(form))


def _head(headers: dict[str, str], media: str) -> Response:
    """What GET would say of itself, without a length that is only known at the end."""
    made = Response(status_code=200, headers=headers, media_type=media)
    del made.headers["content-length"]
    return made


def _media(form: Form) -> str:
    return f"{form.media}; charset=utf-8" if form.suffix in ("ttl", "nt") else form.media


def _etag(*parts: object) -> str:
    return f'"{blake2b(repr((*parts, __version__)).encode(), digest_size=16).hexdigest()}"'


def _wants_page(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "text/html" in accept and accepted(accept) is None


def _number(text: str) -> int:
    """The page asked for, 0 for none."""
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and int(text[:9]) >= 1 and len(text) < 10):
        raise BadQuery(f"page is {text[:20]!r}, and pages are counted from 1.")
    return int(text)


def _truth(parameter: str, text: str) -> bool:
    if text.lower() not in ("", "0", "1", "true", "false", "yes", "no"):
        raise BadQuery(f"{parameter} is {text[:20]!r}.", todo="Write true or false.")
    return text.lower() in ("1", "true", "yes")


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
