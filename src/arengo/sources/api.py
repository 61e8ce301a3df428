"""JSON interfaces over HTTP, page after page: next link, Link header, page number, offset, cursor.

Every page passes the guard; a server that is busy is asked again after the time it names. Plain options cover CKAN's
datastore, Opendatasoft's explore API, Socrata, ArcGIS feature services, OData and OGC API Features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample
from arengo.errors import ContractError, Place, SourceChanged, SourceMalformed, SourceUnreachable
from arengo.sources import download, projection
from arengo.sources.base import Context, Fingerprint, Pull, Reject
from arengo.sources.batches import text_batches, text_schema
from arengo.sources.guard import Guard, headers_from, shown
from arengo.sources.json import GeoJsonReader, described, flattened, pick, shaped, text

if TYPE_CHECKING:
    import httpx

PAGE_BYTES = 64_000_000
PAGINGS = ("none", "next", "link", "page", "offset", "cursor")
_NEXT = (
    "next",
    "links.next",
    "links",
    "_links.next.href",
    "_links.next",
    "@odata.nextLink",
    "nextLink",
    "meta.next",
    "pagination.next",
    "paging.next",
    "info.next",
)
_TOTALS = ("result.total", "total_count", "total", "count", "numberMatched", "@odata.count", "meta.total")
_RECORDS = ("result.records", "result.results", "results", "records", "items", "data", "value", "features", "entries")


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its document, the address it came from, its Link header's next."""

    document: Any
    url: str
    link: str
    sha: str


class ApiReader:
    """An HTTP interface that answers JSON."""

    kind = "http-json"
    title = "JSON interface over HTTP"
    suffixes: tuple[str, ...] = ()
    options: Mapping[str, str] = {
        "url": "Address of the first page.",
        "params": "Query parameters added to the address.",
        "method": "GET (default) or POST.",
        "body": "JSON body of a POST.",
        "headers": "Request headers that are no secret.",
        "headers_env": "Request headers taken from environment variables: {header: NAME_OF_VARIABLE}.",
        "records": "Where the records are in the answer: member names joined by dots; found when empty.",
        "form": "'geojson' when the records are GeoJSON features.",
        "flatten": "How many levels of nested objects become columns named parent.child (default 1).",
        "geometry": "Member that holds a GeoJSON geometry.",
        "paging": "none, next (link in the body), link (Link header), page, offset or cursor; found when empty.",
        "next": "paging next: where the link is in the body, for example links.next.",
        "cursor": "paging cursor: where the cursor is in the body.",
        "cursor_param": "paging cursor: name of the parameter (default cursor).",
        "page_param": "paging page: name of the parameter (default page).",
        "first_page": "paging page: number of the first page (default 1).",
        "offset_param": "paging offset: name of the parameter (default offset).",
        "limit_param": "Name of the parameter for the size of a page (default limit).",
        "limit": "Rows asked for per page.",
        "total": "Where the answer tells the number of all records; checked at the end.",
        "max_pages": "Give up after this many pages (default 10000).",
        "incremental": "Column that grows; its highest value is sent with the next pull.",
        "since": "Name of the parameter that takes the last pull's highest value.",
    }

    def matches(self, target: str, head: bytes) -> int:
        return 0

    @staticmethod
    def better_than_file(path: Path, kind: str) -> str:
        """``http-json`` when a downloaded document shows that there are more pages, else ``kind``."""
        import json

        if path.stat().st_size > PAGE_BYTES:
            return kind
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            return kind
        found = _paging(document, "", "")
        return "http-json" if found.get("paging", "none") != "none" else kind

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        spec = self._completed(spec, context)
        kept: list[Mapping[str, Any]] = []
        for pages, page in enumerate(self._pages(spec, context), 1):
            kept += self._records(page, spec)
            if len(kept) >= rows or pages >= 5:
                break
        if not kept:
            raise SourceMalformed("The interface answers no record.", place=Place(file=shown(str(spec.options["url"]))))
        geometry = "geometry" if spec.options.get("form") == "geojson" else str(spec.options.get("geometry", ""))
        columns, geometry, extent, doubts = described(kept[:rows], int(spec.options.get("flatten", 1)), geometry)
        options = {key: value for key, value in spec.options.items() if key in self.options}
        if geometry and spec.options.get("form") != "geojson":
            options["geometry"] = geometry
        crs, doubt = projection.guess(extent.bounds, context, declared_default="EPSG:4326") if geometry else ("", "")
        total = _at(page.document, str(spec.options["total"])) if spec.options.get("total") else None
        yield Sample(
            name=Path(urlsplit(str(spec.options["url"])).path).stem or "records",
            kind=self.kind,
            options=options,
            columns=columns,
            doubts=(*doubts, *((doubt,) if doubt else ())),
            crs=crs,
            geometry=geometry,
            geometry_types=tuple(extent.types),
            bounds=extent.bounds,
            total=total if isinstance(total, int) else None,
        )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        return Fingerprint("")

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        where = shown(str(spec.options.get("url", "")))
        step = str(spec.options.get("incremental", ""))
        low = context.state.get("high") if step and context.state.get("incremental") == step else None
        if step and low is not None:
            param = str(spec.options.get("since", ""))
            if not param:
                raise ContractError("The source is incremental but names no parameter 'since'.")
            spec = replace(spec, options={**spec.options, "params": {**spec.options.get("params", {}), param: low}})
        spec = self._completed(spec, context)
        pages = self._pages(spec, context)
        first = next(pages, None)
        if not columns:
            depth = int(spec.options.get("flatten", 1))
            found = [
                name for record in (self._records(first, spec) if first else ()) for name, _ in flattened(record, depth)
            ]
            columns = tuple(dict.fromkeys(found))
        geometry = "geometry" if spec.options.get("form") == "geojson" else str(spec.options.get("geometry", ""))
        schema = text_schema(columns, geometry)
        pull = Pull(schema=schema, batches=iter(()), fingerprint=Fingerprint(""), incremental=low is not None)

        def rows() -> Iterator[tuple[int, list[Any]]]:
            digest = hashlib.sha256()
            high, met, total = low, set[str](), None
            page = first
            while page is not None:
                digest.update(page.sha.encode())
                if spec.options.get("total"):
                    total = _at(page.document, str(spec.options["total"]))
                for record in self._records(page, spec):
                    pull.read += 1
                    if step:
                        high = _higher(high, pick(record, step))
                    row = shaped(record, columns, geometry, met)
                    if isinstance(row, str):
                        value = (text(record.get(geometry)) or "")[:500]
                        pull.rejects.append(Reject(where, pull.read, geometry, value, row))
                    else:
                        yield pull.read, row
                context.progress(pull.read, total if isinstance(total, int) else None)
                page = next(pages, None)
            if isinstance(total, int) and total != pull.read:
                raise SourceChanged(
                    f"{where} promised {total:,} records and sent {pull.read:,}.",
                    todo="It changed while it was read, or max_pages is too small; the next run tries again.",
                )
            state = {"incremental": step, "high": high} if step else {}
            pull.fingerprint = Fingerprint(digest.hexdigest(), state=state)

        pull.batches = text_batches(schema, rows())
        return pull

    # -- pages --

    def _completed(self, spec: SourceSpec, context: Context) -> SourceSpec:
        """``spec`` with records and paging filled in from the first answer where the contract leaves them out."""
        told = spec.options
        if not told.get("url"):
            raise ContractError("The source names no url.", todo="Write url in arengoSource.")
        if told.get("paging", "") not in ("", *PAGINGS):
            raise ContractError(f"There is no paging {told['paging']!r}.", todo=f"Known: {', '.join(PAGINGS)}.")
        if "paging" in told and "records" in told:
            return spec
        guard = Guard(context.settings)
        with guard.client() as client:
            page = self._page(guard, client, spec, self._first(spec), context)
        found = _paging(page.document, page.link, str(told["url"]))
        return replace(spec, options={**found, **told})

    def _first(self, spec: SourceSpec) -> str:
        told = spec.options
        params = {str(key): value for key, value in (told.get("params") or {}).items()}
        if told.get("limit"):
            params[str(told.get("limit_param", "limit"))] = told["limit"]
        if told.get("paging") == "page":
            params[str(told.get("page_param", "page"))] = told.get("first_page", 1)
        if told.get("paging") == "offset":
            params[str(told.get("offset_param", "offset"))] = 0
        return _with(str(told["url"]), params)

    def _pages(self, spec: SourceSpec, context: Context) -> Iterator[Page]:
        told = spec.options
        guard = Guard(context.settings)
        paging, most = str(told.get("paging", "none")), int(told.get("max_pages", 10_000))
        url, seen, read = self._first(spec), set[str](), 0
        before = ""
        with guard.client() as client:
            for number in range(most):
                page = self._page(guard, client, spec, url, context)
                records = self._raw(page, spec)
                if records and page.sha == before and paging != "none":
                    raise SourceMalformed(
                        f"{shown(url)} answers two pages with the same records.",
                        todo="The paging parameters of the source are not the ones the interface knows.",
                    )
                before = page.sha
                read += len(records)
                yield page
                url = self._next(spec, paging, page, url, number, read, len(records))
                if not url:
                    return
                if url in seen:
                    raise SourceMalformed(f"The pages of {shown(url)} run in a circle.", todo="Check the paging.")
                seen.add(url)
        raise SourceMalformed(
            f"{shown(url)} has more than {most} pages.", todo="Raise max_pages or limit in the source's options."
        )

    def _next(self, spec: SourceSpec, paging: str, page: Page, url: str, number: int, read: int, size: int) -> str:
        """Address of the next page, '' after the last."""
        told = spec.options
        if paging == "link":
            return urljoin(page.url, page.link) if page.link else ""
        if paging == "next":
            link = _link(_at(page.document, str(told.get("next", "next"))))
            return urljoin(page.url, link) if link else ""
        if paging == "cursor":
            cursor = _at(page.document, str(told.get("cursor", "cursor")))
            done = cursor in (None, "", False) or size == 0
            return "" if done else _with(url, {str(told.get("cursor_param", "cursor")): cursor})
        total = _at(page.document, str(told["total"])) if told.get("total") else None
        if paging == "none" or size == 0 or (isinstance(total, int) and read >= total):
            return ""
        if told.get("limit") and not isinstance(total, int) and size < int(told["limit"]):
            return ""
        if paging == "page":
            return _with(url, {str(told.get("page_param", "page")): int(told.get("first_page", 1)) + number + 1})
        return _with(url, {str(told.get("offset_param", "offset")): read})

    def _page(self, guard: Guard, client: httpx.Client, spec: SourceSpec, url: str, context: Context) -> Page:
        import orjson

        told = spec.options
        method = str(told.get("method", "GET")).upper()
        if method not in ("GET", "POST"):
            raise ContractError(f"A source is not read with {method}.", todo="Write GET or POST.")
        headers = {"Accept": "application/json", **headers_from(told)}
        content = None
        if method == "POST":
            headers["Content-Type"] = "application/json"
            content = orjson.dumps(told.get("body") or {})
        if urlsplit(url).netloc != urlsplit(str(told["url"])).netloc:
            headers = {"Accept": "application/json"}  # a next link to another host gets no key
        limit = min(PAGE_BYTES, context.settings.max_bytes)
        last: SourceUnreachable | None = None
        for attempt in range(download.TRIES):
            if attempt:
                download.wait(download.pause(attempt, last, context.settings.timeout))
            try:
                with guard.stream(client, url, headers=headers, method=method, content=content) as response:
                    download.check_status(response)
                    body = b"".join(guard.body(response, limit))
                    link = response.links.get("next", {}).get("url", "")
                    final = str(response.url)
                break
            except SourceUnreachable as error:
                last = error
        else:
            assert last is not None
            raise last
        return Page(_document(body, url), final, link, hashlib.sha256(body).hexdigest())

    def _raw(self, page: Page, spec: SourceSpec) -> list[Any]:
        path = str(spec.options.get("records", ""))
        found = _at(page.document, path) if path else page.document
        if isinstance(found, dict) and not path:
            return [found]
        if found is None:
            raise SourceMalformed(
                f"The answer has no member {path!r}.",
                todo="Correct the option 'records' of the source.",
                place=Place(file=shown(page.url)),
            )
        return found if isinstance(found, list) else [found]

    def _records(self, page: Page, spec: SourceSpec) -> list[Mapping[str, Any]]:
        raw = self._raw(page, spec)
        if spec.options.get("form") == "geojson":
            features = GeoJsonReader()
            return [features.record(item, []) for item in raw]
        return [item if isinstance(item, dict) else {"value": item} for item in raw]


def _document(body: bytes, url: str) -> Any:
    import json

    from arengo.sources.records import encoding_of

    try:
        return json.loads(body.decode(encoding_of(body[:4])), parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise SourceMalformed(
            f"The answer is not JSON: {str(error)[:200]}.",
            todo="Check the address; it may answer a page for people.",
            place=Place(file=shown(url)),
        ) from error


def _at(document: Any, path: str) -> Any:
    """The value at a path of names joined by dots; a name may itself hold dots."""
    if not path:
        return document
    found = pick(document, path) if isinstance(document, dict) else ...
    return None if found is ... else found


def _link(value: Any) -> str:
    """A next link as it is written: a text, an object with ``href``, or a list of links with ``rel: next``."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return str(value.get("href") or value.get("url") or "")
    if isinstance(value, list):
        return next((_link(item) for item in value if isinstance(item, dict) and item.get("rel") == "next"), "")
    return ""


def _with(url: str, params: Mapping[str, Any]) -> str:
    if not params:
        return url
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key not in params]
    query += [(key, str(value)) for key, value in params.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _higher(high: Any, value: Any) -> Any:
    if value is None or value is ...:
        return high
    try:
        return value if high is None or value > high else high
    except TypeError:
        return max(str(high), str(value))


def _paging(document: Any, link: str, url: str) -> dict[str, Any]:
    """What an answer shows of its records and paging."""
    out: dict[str, Any] = {"paging": "none", "records": ""}
    if isinstance(document, dict):
        lists = [path for path in _RECORDS if isinstance(_at(document, path), list)]
        others = [name for name, value in document.items() if isinstance(value, list) and value]
        out["records"] = (lists or others or [""])[0]
        if document.get("type") == "FeatureCollection":
            out |= {"records": "features", "form": "geojson"}
        totals = [path for path in _TOTALS if isinstance(_at(document, path), int)]
        held = len(_at(document, out["records"]) or ()) if out["records"] else 0
        more = bool(totals) and int(_at(document, totals[0])) > held > 0
        named = [path for path in _NEXT if _link(_at(document, path))]
        if totals and _at(document, totals[0]) >= held:
            out["total"] = totals[0]
        asked = dict(parse_qsl(urlsplit(url).query))
        if named:
            out |= {"paging": "next", "next": named[0]}
        elif link:
            out["paging"] = "link"
        elif more and (out["records"] == "result.records" or "total_count" in totals or "offset" in asked):
            out |= {"paging": "offset", "limit": asked.get("limit", held)}
        elif more and "page" in asked:
            out |= {"paging": "page", "first_page": int(asked["page"]) if asked["page"].isdigit() else 1}
        if out["paging"] == "none":
            out.pop("total", None)
    elif link:
        out["paging"] = "link"
    elif "$limit" in dict(parse_qsl(urlsplit(url).query)):
        limit = dict(parse_qsl(urlsplit(url).query))["$limit"]
        out |= {"paging": "offset", "offset_param": "$offset", "limit_param": "$limit", "limit": limit}
    return out
