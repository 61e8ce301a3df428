"""Atom feeds (RFC 4287): new versions of everything, of a theme, of an office, of one dataset, and its changed rows.

An entry's id is a tag URI that never changes (RFC 4151); ``updated`` is when its version was published. Feeds longer
than a page go on at ``next`` (RFC 5005, 3). Texts are in the city's language. Only what the city holds is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit
from xml.sax.saxutils import escape, quoteattr

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo import __version__
from arengo.catalogue import Entry, Record, say
from arengo.contract.vocabulary import THEMES
from arengo.errors import BadQuery, UnknownDataset
from arengo.faces.site import Site, headers_of, matches, parameters, unchanged

if TYPE_CHECKING:
    from arengo.lake.version import Change, Version

MEDIA = "application/atom+xml"
ENTRIES = 50
VERSIONS = 20
ROWS = 200
COMPARED = 3_000_000
"""Rows compared for one page; versions beyond are told without counts."""
SHOWN = 12
"""Columns of a row that an entry tells."""
FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
_BAD = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)))

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "version": "{title}, version {n}", "rows": "{n} rows", "changes": "{title}: changed rows",
        "counts": "{added} added, {changed} changed, {removed} removed", "row added": "row {key} added",
        "row changed": "row {key} changed", "row removed": "row {key} removed", "more": "{n} more rows changed",
    },
    "it": {
        "version": "{title}, versione {n}", "rows": "{n} righe", "changes": "{title}: righe cambiate",
        "counts": "{added} aggiunte, {changed} cambiate, {removed} tolte", "row added": "riga {key} aggiunta",
        "row changed": "riga {key} cambiata", "row removed": "riga {key} tolta", "more": "altre {n} righe cambiate",
    },
    "fr": {
        "version": "{title}, version {n}", "rows": "{n} lignes", "changes": "{title} : lignes modifiées",
        "counts": "{added} ajoutées, {changed} modifiées, {removed} supprimées", "row added": "ligne {key} ajoutée",
        "row changed": "ligne {key} modifiée", "row removed": "ligne {key} supprimée",
        "more": "{n} autres lignes modifiées",
    },
    "es": {
        "version": "{title}, versión {n}", "rows": "{n} filas", "changes": "{title}: filas cambiadas",
        "counts": "{added} añadidas, {changed} cambiadas, {removed} eliminadas", "row added": "fila {key} añadida",
        "row changed": "fila {key} cambiada", "row removed": "fila {key} eliminada", "more": "{n} filas más cambiadas",
    },
    "ca": {
        "version": "{title}, versió {n}", "rows": "{n} files", "changes": "{title}: files canviades",
        "counts": "{added} afegides, {changed} canviades, {removed} eliminades", "row added": "fila {key} afegida",
        "row changed": "fila {key} canviada", "row removed": "fila {key} eliminada", "more": "{n} files més canviades",
    },
    "ar": {
        "version": "{title}، الإصدار {n}", "rows": "{n} صفًا", "changes": "{title}: الصفوف المتغيرة",
        "counts": "أضيف {added}، تغيّر {changed}، حُذف {removed}", "row added": "أضيف الصف {key}",
        "row changed": "تغيّر الصف {key}", "row removed": "حُذف الصف {key}", "more": "{n} صفوف أخرى تغيّرت",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. ``id``: what stands after the tag's authority; ``words``: plain text."""

    id: str
    title: str
    href: str
    at: datetime
    words: str = ""
    author: str = ""
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """``page``: what people see instead. ``more``: there is a following page."""

    title: str
    page: str
    items: Sequence[Item]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a page of a feed."""

    site: Site
    request: Request
    number: int

    def words(self, which: str, **values: object) -> str:
        language = self.site.settings.city.language.split("-")[0]
        told = {key: f"{value:,}" if isinstance(value, int) and key != "n" else value for key, value in values.items()}
        return _WORDS.get(language, _WORDS["en"])[which].format(**told)

    def say(self, texts: Mapping[str, str]) -> str:
        return say(texts, self.site.settings.city.language)[0]

    def param(self, name: str) -> str:
        return str(self.request.path_params[name])


def routes(site: Site) -> list[BaseRoute]:
    def bind(make: Callable[[Asked], Feed]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(_answer, site, request, make)

        return endpoint

    addresses = {
        "/feeds/catalog.atom": everything,
        "/feeds/dataset.atom": everything,  # as CKAN calls it
        "/feeds/themes/{theme}.atom": theme,
        "/feeds/group/{theme}.atom": theme,
        "/feeds/organisations/{agent}.atom": organisation,
        "/feeds/organization/{agent}.atom": organisation,
        "/feeds/datasets/{dataset}/changes.atom": changes,
        "/feeds/datasets/{dataset}.atom": versions,
    }
    return [Route(path, bind(make), methods=["GET", "HEAD"], name=path) for path, make in addresses.items()]


def _answer(site: Site, request: Request, make: Callable[[Asked], Feed]) -> Response:
    told = parameters(request, ("page",)).get("page", "1")
    if not (told.isascii() and told.isdecimal() and int(told[:7]) > 0 and len(told) < 7):
        raise BadQuery(f"page is {told[:20]!r}, and pages are counted from 1.")
    base = site.absolute(request)
    parts = (request.url.path, int(told), base, site.catalogue.generation, __version__)
    etag = f'"{blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"'
    headers = headers_of(etag)
    if matches(request, etag):
        return unchanged(headers)
    feed = make(Asked(site, request, int(told)))
    body = _written(site, request.url.path, base, int(told), feed)
    return Response(body, 200, headers, f"{MEDIA}; charset=utf-8")


def everything(asked: Asked) -> Feed:
    """New versions of every dataset, the newest first."""
    return _listing(asked, asked.site.settings.city.name, "/datasets", lambda record: True)


def theme(asked: Asked) -> Feed:
    code = asked.param("theme").upper()
    if code not in THEMES:
        raise UnknownDataset(f"There is no theme {code[:20]!r}.", todo=f"The themes are {', '.join(THEMES)}.")
    city = asked.site.settings.city
    title = f"{city.name}: {THEMES[code].label(city.language)}"
    return _listing(asked, title, f"/themes/{code}", lambda record: code in record.themes)


def organisation(asked: Asked) -> Feed:
    agent = asked.site.catalogue.organisation(asked.param("agent"))
    title = f"{asked.site.settings.city.name}: {asked.say(agent.name) or agent.id}"
    page = f"/organisations/{quote(agent.id, safe='')}"
    return _listing(asked, title, page, lambda record: record.publisher is not None and record.publisher.id == agent.id)


def _listing(asked: Asked, title: str, page: str, belongs: Callable[[Record], bool]) -> Feed:
    held = asked.site.catalogue
    entries = sorted(held.entries(limit=None).items, key=lambda entry: (_when(entry), entry.id), reverse=True)
    shown = [(entry, record) for entry in entries if entry.updated and belongs(record := held.record(entry.id))]
    start = (asked.number - 1) * ENTRIES
    items = [_newest(asked, entry, record) for entry, record in shown[start : start + ENTRIES]]
    return Feed(title, page, items, start + ENTRIES < len(shown))


def _when(entry: Entry) -> datetime:
    return entry.updated or entry.created


def _newest(asked: Asked, entry: Entry, record: Record) -> Item:
    number = entry.version.number if entry.version else 0
    rows = [f"{asked.words('rows', n=f'{record.rows:,}')}."] if record.rows is not None else []
    about = asked.say(record.description)
    return Item(
        f"{record.id}/v{number}",
        asked.words("version", title=asked.say(record.title) or record.id, n=number),
        f"/datasets/{quote(record.id)}?as_of={number}",
        _when(entry),
        " ".join([*rows, about]),
        asked.say(record.publisher.name) if record.publisher else "",
        record.themes,
    )


def versions(asked: Asked) -> Feed:
    """The versions of one dataset with how many rows each added, changed and removed."""
    dataset, caller = asked.param("dataset"), asked.site.caller(asked.request)
    held = asked.site.door.versions(dataset, caller)
    title = asked.say(asked.site.catalogue.record(dataset).title) or dataset
    start = (asked.number - 1) * VERSIONS
    items: list[Item] = []
    left = COMPARED
    for position, version in enumerate(held[start : start + VERSIONS], start):
        before = held[position + 1] if position + 1 < len(held) else None
        words = asked.words("rows", n=f"{version.rows:,}")
        left -= version.rows
        if before is not None and left > 0:
            found = asked.site.door.diff(dataset, str(before.number), str(version.number), caller)
            counts = {"added": found.added, "changed": found.changed, "removed": found.removed}
            words += f": {asked.words('counts', **counts)}"
        name = asked.words("version", title=title, n=version.number)
        href = _compared(dataset, before, version)
        items.append(Item(f"{dataset}/v{version.number}", name, href, version.published_at, f"{words}."))
    return Feed(title, f"/datasets/{quote(dataset)}/versions", items, start + VERSIONS < len(held))


def _compared(dataset: str, before: Version | None, version: Version) -> str:
    page = f"/datasets/{quote(dataset)}"
    if before is None:
        return f"{page}?as_of={version.number}"
    return f"{page}/compare?{urlencode({'from': before.number, 'to': version.number})}"


def changes(asked: Asked) -> Feed:
    """Rows that a version added, changed or removed; the newest version first, each page one version."""
    dataset, caller = asked.param("dataset"), asked.site.caller(asked.request)
    held = asked.site.door.versions(dataset, caller)
    title = asked.say(asked.site.catalogue.record(dataset).title) or dataset
    steps = list(pairwise(held))
    items: list[Item] = []
    if asked.number <= len(steps):
        new, old = steps[asked.number - 1]
        found = asked.site.door.changes(dataset, str(old.number), str(new.number), ROWS + 1, caller=caller)
        href = _compared(dataset, old, new)
        met: dict[str, int] = {}
        for change in found[:ROWS]:
            mark = blake2b(repr((change.kind, change.key)).encode(), digest_size=8).hexdigest()
            met[mark] = met.get(mark, 0) + 1  # rows without a key may be equal
            tail = f"-{met[mark]}" if met[mark] > 1 else ""
            name = f"{title}: {asked.words(f'row {change.kind}', key=_key(change))}"
            items.append(
                Item(f"{dataset}/v{new.number}/{mark}{tail}", name, href, new.published_at, _row_words(change))
            )
        if len(found) > ROWS:
            counted = asked.site.door.diff(dataset, str(old.number), str(new.number), caller)
            rest = counted.added + counted.changed + counted.removed - ROWS
            name = f"{title}: {asked.words('more', n=f'{rest:,}')}"
            items.append(Item(f"{dataset}/v{new.number}/more", name, href, new.published_at))
    page = f"/datasets/{quote(dataset)}/versions"
    return Feed(asked.words("changes", title=title), page, items, asked.number < len(steps))


def _key(change: Change) -> str:
    told = ", ".join("–" if part is None else str(part) for part in change.key)
    return told if len(told) <= 120 else f"{told[:120]}…"


def _row_words(change: Change) -> str:
    if change.kind == "changed":
        before, after = change.before or {}, change.after or {}
        told = [f"{name}: {_value(before.get(name))} → {_value(value)}" for name, value in after.items()]
    else:
        told = [f"{name}: {_value(value)}" for name, value in (change.after or change.before or {}).items()]
    return "; ".join(told[:SHOWN]) + ("; …" if len(told) > SHOWN else "")


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bytes | bytearray):
        return "…"
    told = str(value)
    return told if len(told) <= 200 else f"{told[:200]}…"


def _written(site: Site, path: str, base: str, number: int, feed: Feed) -> bytes:
    city = site.settings.city
    authority = urlsplit(base).hostname or "localhost"
    updated = max((item.at for item in feed.items), default=FOUNDED)
    links = [("self", number), ("first", 1)]
    links += [("next", number + 1)] if feed.more else []
    links += [("previous", number - 1)] if number > 1 else []
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(city.language)}>',
        f"<id>tag:{authority},2026:feed:{_text(quote(path))}</id>",
        f"<title>{_text(feed.title) or 'Arengo'}</title>",
        f"<updated>{_time(updated)}</updated>",
        f"<author><name>{_text(city.name)}</name></author>",
        f'<generator version="{__version__}">Arengo</generator>',
        f'<link rel="alternate" type="text/html" href={quoteattr(base + feed.page)}/>',
    ]
    for rel, page in links:
        address = base + quote(path) + (f"?page={page}" if page > 1 else "")
        lines.append(f'<link rel="{rel}" type="{MEDIA}" href={quoteattr(address)}/>')
    for item in feed.items:
        lines += _entry(item, base, authority)
    return "\n".join((*lines, "</feed>\n")).encode()


def _entry(item: Item, base: str, authority: str) -> Iterable[str]:
    yield "<entry>"
    yield f"<id>tag:{authority},2026:{_text(quote(item.id))}</id>"
    yield f"<title>{_text(item.title)}</title>"
    yield f"<updated>{_time(item.at)}</updated>"
    yield f'<link rel="alternate" type="text/html" href={quoteattr(base + item.href)}/>'
    if item.author:
        yield f"<author><name>{_text(item.author)}</name></author>"
    for topic in item.topics:
        if topic in THEMES:
            yield f'<category term="{topic}" scheme="{THEMES[topic].uri.rpartition("/")[0]}"/>'
    yield f'<summary type="text">{_text(item.words)}</summary>'
    yield "</entry>"


def _text(text: str) -> str:
    return escape(text.translate(_BAD))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
