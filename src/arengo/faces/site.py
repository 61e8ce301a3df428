"""What every face needs of one request: who asks, its parameters, its conditions, and how an answer is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from arengo.catalogue import Catalogue
from arengo.contract.model import Kind
from arengo.door import ANYONE, Caller, Door
from arengo.errors import BadQuery, NotAcceptable
from arengo.faces.turn import BUILDS, PAGES, STREAMS, Turns
from arengo.query.notation import MAX_WORDS, bounded
from arengo.query.scope import nearest
from arengo.settings import Settings

JSON = "application/json"
JSON_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
BASE_HEADERS = {"Vary": "Accept, Accept-Encoding", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
"""``no-cache``: keep it, but ask each time whether it is still right; asking costs a 304."""
FOR_EVER = "public, max-age=31536000, immutable"


class Callers(Protocol):
    """Whoever tells who asks, by key, token or session."""

    def of(self, request: Request) -> Caller: ...


@dataclass(frozen=True, slots=True)
class Site:
    """The rooms the faces use."""

    door: Door
    catalogue: Catalogue
    settings: Settings
    callers: Callers | None = None
    streams: Turns = field(default_factory=lambda: Turns(STREAMS))
    builds: Turns = field(default_factory=lambda: Turns(BUILDS))
    pages: Turns = field(default_factory=lambda: Turns(PAGES))

    def caller(self, request: Request) -> Caller:
        """Who asks, by the credential in the request. Raises NotKnown for one that is wrong."""
        if self.callers is None:
            return ANYONE
        held = request.scope.get("arengo.caller")
        if held is None:
            held = request.scope["arengo.caller"] = self.callers.of(request)
        found: Caller = held
        return found

    def base(self, request: Request) -> str:
        """What stands before every path in an answer: ``city.url`` without its last slash.

        When the city has not said its address, links are paths on the server that was asked (RFC 3986, 4.2): what
        a request calls its Host is never repeated.
        """
        return self.settings.city.url.rstrip("/") or str(request.scope.get("root_path", "")).rstrip("/")

    def absolute(self, request: Request) -> str:
        """The same where a standard wants whole addresses (RDF, CKAN, feeds)."""
        return public_address(self.settings, request)

    def following(self, request: Request, cursor: str) -> str:
        """The Link header of a page that has a next one (RFC 8288)."""
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        path = quote(request.scope["path"].removeprefix(request.scope.get("root_path", "")), safe="/:@!$&'()*+,;=-._~")
        return f'<{address(self.base(request) + path, [*kept, ("cursor", cursor)])}>; rel="next"'


def public_address(settings: Settings, request: Request) -> str:
    """``city.url`` without its last slash; when the city has not said it, the socket that was asked.

    What a request calls its Host is never repeated: one caller could plant another's links.
    """
    said = settings.city.url.rstrip("/")
    if said:
        return said
    host, port = request.scope.get("server") or (settings.serve.host, settings.serve.port)
    name = f"[{host}]" if ":" in str(host) else "localhost" if host == "127.0.0.1" else str(host)
    root = str(request.scope.get("root_path", "")).rstrip("/")
    return f"http://{name}{f':{port}' if port and port != 80 else ''}{root}"


def forwarded(request: Request) -> str:
    """``X-Forwarded-For`` as one list. A proxy that adds a line of its own leaves the one before it to the caller."""
    return ", ".join(request.headers.getlist("x-forwarded-for"))


def asked(request: Request) -> list[tuple[str, str]]:
    """Names and values of the query parameters, in order. Raises BadQuery for a value longer than is read."""
    pairs = request.query_params.multi_items()
    if len(request.scope.get("query_string", b"")) > MAX_WORDS:
        for name, value in pairs:
            bounded(name, value)
    return pairs


def parameters(request: Request, known: Iterable[str], *, repeated: Iterable[str] = ()) -> dict[str, str]:
    """The query parameters, each once. Raises BadQuery for an unknown or repeated name, naming the nearest."""
    names = set(known)
    out: dict[str, str] = {}
    for name, value in asked(request):
        if name not in names:
            raise BadQuery(f"There is no parameter {name!r} here.", todo=nearest(name, sorted(names)))
        if name in out and name not in set(repeated):
            raise BadQuery(f"The parameter {name!r} is given twice.", todo="Give it once.")
        out[name] = value
    return out


def accepted(request: Request, forms: Mapping[str, str], default: str, given: str = "") -> str:
    """The form to answer in: ``f`` wins over Accept (RFC 9110, 12.5.1). Raises BadQuery, NotAcceptable.

    ``forms``: form -> media type.
    """
    if given:
        if given not in forms:
            raise BadQuery(f"There is no form {given!r} here.", todo=nearest(given, forms))
        return given
    header = request.headers.get("accept", "")
    if not header or header == "*/*":
        return default
    best, form = 0.0, ""
    for part in header.split(","):
        media, *options = (item.strip() for item in part.split(";"))
        weight = next((item[2:] for item in options if item.startswith("q=")), "1")
        try:
            quality = float(weight)
        except ValueError:
            quality = 0.0
        for name, offered in sorted(forms.items(), key=lambda pair: pair[0] != default):
            plain = offered.split(";")[0]
            if media in (plain, "*/*", f"{plain.split('/')[0]}/*") and quality > best:
                best, form = quality, name
                break
    if not form and "text/html" in header:
        return default
    if not form:
        raise NotAcceptable(
            f"None of {header[:200]!r} is offered here.", todo=f"Offered: {', '.join(dict.fromkeys(forms.values()))}."
        )
    return form


def matches(request: Request, etag: str) -> bool:
    """If-None-Match (RFC 9110, 13.1.2): weak comparison."""
    header = request.headers.get("if-none-match")
    if not header:
        return False
    if header.strip() == "*":
        return True
    return etag.removeprefix("W/") in {part.strip().removeprefix("W/") for part in header.split(",")}


def headers_of(etag: str, modified: datetime | None = None, **more: str) -> dict[str, str]:
    out = {**BASE_HEADERS, "ETag": etag}
    if modified is not None:
        out["Last-Modified"] = http_date(modified)
    out.update({name.replace("_", "-"): value for name, value in more.items() if value})
    return out


def http_date(at: datetime) -> str:
    return format_datetime(at.replace(microsecond=0), usegmt=True)


def unchanged(headers: Mapping[str, str]) -> Response:
    return Response(status_code=304, headers=dict(headers))


def send_json(
    request: Request, body: Any, *, etag_of: bytes = b"", modified: datetime | None = None, media: str = JSON
) -> Response:
    """A JSON document with an ETag over its bytes, 304 when the caller has it."""
    from hashlib import blake2b

    data = body if isinstance(body, bytes) else orjson.dumps(body, option=JSON_OPTIONS, default=plain)
    etag = f'"{blake2b(etag_of or data, digest_size=16).hexdigest()}"'
    headers = headers_of(etag, modified)
    if matches(request, etag):
        return unchanged(headers)
    return Response(data, 200, headers, media)


def plain(value: Any) -> Any:
    """What orjson cannot write by itself."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, int):  # beyond 64 bits
        return float(value)
    return str(value)


def address(path: str, params: Iterable[tuple[str, str]]) -> str:
    pairs = list(params)
    return f"{path}?{urlencode(pairs)}" if pairs else path


def segment(text: str) -> str:
    return quote(text, safe="")


def json_kind(kind: Kind) -> dict[str, Any]:
    """JSON schema of a value of this kind in the JSON forms."""
    shapes: dict[Kind, dict[str, Any]] = {
        Kind.STRING: {"type": "string"},
        Kind.INTEGER: {"type": "integer"},
        Kind.NUMBER: {"type": "number"},
        Kind.BOOLEAN: {"type": "boolean"},
        Kind.DATE: {"type": "string", "format": "date"},
        Kind.TIME: {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}:[0-9]{2}"},
        Kind.TIMESTAMP: {"type": "string", "format": "date-time"},
        Kind.GEOMETRY: {"type": "object", "description": "GeoJSON geometry (RFC 7946)"},
        Kind.JSON: {"description": "Any JSON value"},
    }
    return dict(shapes[kind])
