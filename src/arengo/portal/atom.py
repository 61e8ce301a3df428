"""A feed of what people sent (Atom, RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from starlette.responses import Response

from arengo.faces.site import public_address
from arengo.portal.visit import Visit

FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """``path`` on this site names it for ever; ``link``: where it leads, '' the same."""

    path: str
    title: str
    words: str
    at: datetime
    author: str = ""
    link: str = ""


def feed(visit: Visit, path: str, page: str, title: str, entries: Sequence[Entry]) -> Response:
    """The feed at ``path`` of what ``page`` shows."""
    base = public_address(visit.settings, visit.request)
    host = urlsplit(base).hostname or "localhost"
    newest = max((item.at for item in entries), default=FOUNDED)
    city = escape(visit.settings.city.name)
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(visit.language)}>',
        f"<id>tag:{host},2026:{escape(path)}</id><title>{escape(title)}</title><updated>{_time(newest)}</updated>",
        f"<author><name>{city}</name></author>",
        f'<link rel="self" type="application/atom+xml" href={quoteattr(base + path)}/>',
        f'<link rel="alternate" type="text/html" href={quoteattr(base + page)}/>',
    ]
    for item in entries:
        link = item.link or base + item.path
        parts.append(
            f"<entry><id>tag:{host},2026:{escape(item.path)}</id><title>{escape(item.title)}</title>"
            f"<updated>{_time(item.at)}</updated>"
            + (f"<author><name>{escape(item.author)}</name></author>" if item.author else "")
            + f'<link rel="alternate" href={quoteattr(link)}/><summary>{escape(item.words)}</summary></entry>'
        )
    parts.append("</feed>\n")
    answer = Response("\n".join(parts), media_type="application/atom+xml")
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if visit.tag:
        answer.headers["ETag"] = visit.tag
    return answer


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
