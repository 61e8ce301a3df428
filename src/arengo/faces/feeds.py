"""Atom feeds (RFC 4287): new versions of everything, of a theme, of an office, of one dataset, and its changed rows.

An entry's id is a tag URI that never changes (RFC 4151); ``updated`` is when the version was published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo.catalogue import Entry, Record, say
from arengo.contract.vocabulary import THEMES
from arengo.errors import BadQuery, UnknownDataset
from arengo.faces.site import Site, headers_of, matches, parameters, unchanged

MEDIA = "application/atom+xml"
ENTRIES = 50
ROWS = 200
_BAD = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, 65534, 65535))


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. ``id``: what stands after the tag's authority; ``words``: plain text."""

    id: str
    title: str
    href: str
    at: datetime
    words: str = ""
    author: str = ""


def routes(site: Site) -> list[BaseRoute]:
    def bind(make: Callable[[Site, Request, str], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            parameters(request, ("page",))
            return await run_in_threadpool(make, site, request, site.absolute(request))

        endpoint.__name__ = make.__name__
        return endpoint

    reading = ["GET", "HEAD"]
    return [
        Route("/feeds/catalog.atom", bind(everything), methods=reading),
        Route("/feeds/dataset.atom", bind(everything), methods=reading, name="ckan-feed"),
        Route("/feeds/themes/{theme}.atom", bind(theme), methods=reading),
        Route("/feeds/organisations/{agent}.atom", bind(organisation), methods=reading),
        Route("/feeds/datasets/{dataset}.atom", bind(versions), methods=reading),
        Route("/feeds/datasets/{dataset}/changes.atom", bind(changes), methods=reading),
    ]


def everything(site: Site, request: Request, base: str) -> Response:
    """New versions of every dataset, the newest first, page by page (RFC 5005)."""
    return _listing(site, request, base, site.settings.city.name, site.catalogue.entries(limit=None).items)


def theme(site: Site, request: Request, base: str) -> Response:
    code = request.path_params["theme"].upper()
    if code not in THEMES:
        raise UnknownDataset(f"There is no theme {code[:20]!r}.", todo=f"The themes are {', '.join(THEMES)}.")
    entries = site.catalogue.entries(theme=code, limit=None).items
    title = f"{site.settings.city.name}: {THEMES[code].label(site.settings.city.language)}"
    return _listing(site, request, base, title, entries)


def organisation(site: Site, request: Request, base: str) -> Response:
    agent = site.catalogue.organisation(request.path_params["agent"])
    entries = [
        entry
        for entry in site.catalogue.entries(limit=None).items
        if (record := site.catalogue.record(entry.id)).publisher and record.publisher.id == agent.id
    ]
    name = say(agent.name, site.settings.city.language)[0]
    return _listing(site, request, base, f"{site.settings.city.name}: {name}", entries)


def _listing(site: Site, request: Request, base: str, title: str, entries: Iterable[Entry]) -> Response:
    told = request.query_params.get("page", "1")
    if not told.isdecimal() or not 1 <= int(told[:9]) < 10**6:
        raise BadQuery(f"page is {told[:20]!r}, and pages are counted from 1.")
    page = int(told)
    shown = sorted((entry for entry in entries if entry.updated), key=_when, reverse=True)
    part = shown[(page - 1) * ENTRIES : page * ENTRIES]
    items = [_version_item(site, site.catalogue.record(entry.id), entry) for entry in part]
    path = request.url.path
    links = [("self", f"{path}?page={page}" if page > 1 else path), ("first", path)]
    if page * ENTRIES < len(shown):
        links.append(("next", f"{path}?page={page + 1}"))
    if page > 1:
        links.append(("previous", f"{path}?page={page - 1}"))
    return _feed(site, request, base, title, "/datasets", items, links)


def _when(entry: Entry) -> datetime:
    return entry.updated or entry.created


def _version_item(site: Site, record: Record, entry: Entry) -> Item:
    title = say(record.title, site.settings.city.language)[0]
    number = entry.version.number if entry.version else 0
    rows = f"{entry.version.rows:,} rows. " if entry.version and record.access == "open" else ""
    owner = say(record.publisher.name, site.settings.city.language)[0] if record.publisher else ""
    words = f"{rows}{say(record.description, site.settings.city.language)[0]}"
    return Item(
        f"{record.id}/v{number}",
        f"{title}, version {number}",
        f"/datasets/{record.id}?as_of={number}",
        _when(entry),
        words,
        owner,
    )


def versions(site: Site, request: Request, base: str) -> Response:
    """The versions of one dataset with what each changed."""
    dataset = request.path_params["dataset"]
    held = site.door.versions(dataset, site.caller(request))
    title = say(site.catalogue.record(dataset).title, site.settings.city.language)[0]
    items = []
    for position, version in enumerate(held[:ENTRIES]):
        before = held[position + 1] if position + 1 < len(held) else None
        words = f"{version.rows:,} rows"
        href = f"/datasets/{quote(dataset)}?as_of={version.number}"
        if before is not None and position < 10:  # a difference costs a look at both versions
            found = site.door.diff(dataset, str(before.number), str(version.number), site.caller(request))
            words += f": {found.added:,} added, {found.changed:,} changed, {found.removed:,} removed"
            href = f"/datasets/{quote(dataset)}/compare?from={before.number}&to={version.number}"
        items.append(
            Item(
                f"{dataset}/v{version.number}",
                f"{title}, version {version.number}",
                href,
                version.published_at,
                f"{words}.",
            )
        )
    return _feed(site, request, base, title, f"/datasets/{dataset}", items, [("self", request.url.path)])


def changes(site: Site, request: Request, base: str) -> Response:
    """Rows that the newest version added, changed or removed."""
    dataset = request.path_params["dataset"]
    caller = site.caller(request)
    held = site.door.versions(dataset, caller)
    title = say(site.catalogue.record(dataset).title, site.settings.city.language)[0]
    items: list[Item] = []
    if len(held) > 1:
        new, old = held[0], held[1]
        found = site.door.changes(dataset, str(old.number), str(new.number), ROWS, caller=caller)
        for change in found:
            key = ", ".join(str(part) for part in change.key)
            told = change.after or change.before or {}
            words = "; ".join(f"{name}: {value}" for name, value in list(told.items())[:12])
            mark = blake2b(key.encode(), digest_size=8).hexdigest()
            href = f"/datasets/{quote(dataset)}/compare?from={old.number}&to={new.number}"
            items.append(
                Item(f"{dataset}/v{new.number}/{mark}", f"{title}: {change.kind} {key}", href, new.published_at, words)
            )
    return _feed(site, request, base, f"{title}: changes", f"/datasets/{dataset}", items, [("self", request.url.path)])


def _feed(
    site: Site, request: Request, base: str, title: str, page: str, items: list[Item], links: list[tuple[str, str]]
) -> Response:
    authority = base.split("://", 1)[-1].split("/")[0].split(":")[0]
    updated = max((item.at for item in items), default=datetime(2026, 1, 1, tzinfo=UTC))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(site.settings.city.language)}>',
        f"<id>tag:{authority},2026:feed:{_text(request.url.path)}</id>",
        f"<title>{_text(title)}</title>",
        f"<updated>{_time(updated)}</updated>",
        f"<author><name>{_text(site.settings.city.name)}</name></author>",
        f'<link rel="alternate" type="text/html" href={quoteattr(base + page)}/>',
        *(f"<link rel={quoteattr(rel)} type={quoteattr(MEDIA)} href={quoteattr(base + path)}/>" for rel, path in links),
    ]
    for item in items:
        lines += [
            "<entry>",
            f"<id>tag:{authority},2026:{_text(item.id)}</id>",
            f"<title>{_text(item.title)}</title>",
            f"<updated>{_time(item.at)}</updated>",
            f'<link rel="alternate" type="text/html" href={quoteattr(base + item.href)}/>',
            f'<summary type="text">{_text(item.words)}</summary>' if item.words else "",
            f"<author><name>{_text(item.author)}</name></author>" if item.author else "",
            "</entry>",
        ]
    body = "\n".join(line for line in (*lines, "</feed>") if line).encode("utf-8", "ignore")
    etag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    headers = headers_of(etag, updated)
    if matches(request, etag):
        return unchanged(headers)
    return Response(body, 200, headers, f"{MEDIA}; charset=utf-8")


def _text(text: str) -> str:
    return escape(text.translate(_BAD))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
