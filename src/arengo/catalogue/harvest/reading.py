"""Words of other catalogues in ours: texts without markup, dates, codes; and what a reader hands on."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

from arengo.catalogue.record import Agent, Distribution, Record, Texts
from arengo.catalogue.vocabulary import file_type
from arengo.contract.draft.naming import latin
from arengo.contract.model import Frozen
from arengo.contract.vocabulary import frequency, licence, theme
from arengo.errors import Place, SourceMalformed

IDLE = 20
"""Pages in a row without a new record: a catalogue that never ends."""


@dataclass(frozen=True, slots=True)
class Read:
    """One record as it came: ``record`` None when it was rejected for ``reason``."""

    identifier: str
    record: Record | None
    reason: str = ""
    title: str = ""


def careful(make: Callable[..., Read], item: Any, *rest: Any) -> Read:
    """``make(item, *rest)``; an item whose fields are no fields of its kind is refused alone, not its whole source."""
    try:
        read = make(item, *rest)
        return replace(read, record=_linked(read.record)) if read.record is not None else read
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        named = item.get("id") or item.get("identifier") or item.get("name") if isinstance(item, dict) else ""
        return Read(str(named or "")[:200], None, f"a field has another shape than it should: {str(error)[:120]}")


class Ends:
    """Leaves a catalogue whose pages go on without giving anything new."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._met: set[str] = set()
        self._before, self._idle = 0, 0

    def is_new(self, identifier: str) -> bool:
        if identifier in self._met:
            return False
        self._met.add(identifier)
        return True

    def page(self) -> None:
        """A page was read and another one is to come. Raises SourceMalformed."""
        self._idle = self._idle + 1 if len(self._met) == self._before else 0
        self._before = len(self._met)
        if self._idle >= IDLE:
            raise SourceMalformed(f"{IDLE} pages in a row hold no new record.", place=Place(file=self._source))


def web(address: str) -> str:
    """An http(s) or ftp address that a page may link to and RDF may name, its odd signs escaped; else nothing."""
    words = str(address or "").strip()
    if len(words) > 4000 or not words.lower().startswith(("http://", "https://", "ftp://")):
        return ""
    return re.sub(r'[\x00-\x20<>"{}|\\^`\x7f]', lambda mark: f"%{ord(mark.group()):02X}", words)


def _linked(record: Record) -> Record:
    """``record`` with addresses only; a file that has none is left out."""
    files: list[Distribution] = []
    for item in record.distributions:
        access, download = web(item.access_url), web(item.download_url)
        if access or download:
            files.append(replace(item, access_url=access or download, download_url=download))
    origin = record.provenance
    return replace(
        record,
        landing_page=web(record.landing_page),
        distributions=tuple(files),
        publisher=_reachable(record.publisher),
        contact=_reachable(record.contact),
        provenance=replace(origin, uri=web(origin.uri), landing_page=web(origin.landing_page)) if origin else None,
    )


def _reachable(agent: Agent | None) -> Agent | None:
    return replace(agent, homepage=web(agent.homepage), uri=web(agent.uri)) if agent else None


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag in ("p", "br", "div", "li", "tr", "h1", "h2", "h3"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style") and self._hidden:
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def plain(text: Any, most: int = 20_000) -> str:
    """``text`` without markup and doubled spaces."""
    words = str(text or "")[: most * 4]
    if "<" in words and re.search(r"<[a-zA-Z/!]", words):
        parser = _Plain()
        parser.feed(words)
        words = "".join(parser.parts)
    elif "&" in words:
        words = html.unescape(words)
    words = "".join(mark for mark in words if mark in "\n\t" or mark >= " ").encode("utf-8", "ignore").decode()
    words = re.sub(r"[ \t\u00a0]+", " ", words)
    return re.sub(r"\s*\n\s*", "\n", words).strip()[:most]


def moment(text: Any) -> datetime | None:
    """A date or time in any ISO form; a time without zone is UTC."""
    words = str(text or "").strip()
    if not words:
        return None
    try:
        found = datetime.fromisoformat(words.replace("Z", "+00:00"))
    except ValueError:
        short = re.match(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", words)
        if not short:
            return None
        try:
            found = datetime(int(short[1]), int(short[2] or 1), int(short[3] or 1))
        except ValueError:
            return None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def day(text: Any) -> date | None:
    found = moment(text)
    return found.date() if found else None


def one(text: Any, language: str) -> Texts:
    words = plain(text)
    return Frozen({language: words}) if words else Frozen()


def licence_code(text: Any, otherwise: str = "") -> str:
    """Our code of a licence however it is written; an address as it is; else the words, shortened."""
    words = plain(text, 500)
    if not words:
        return otherwise
    found = licence(words)
    if found is None:
        address = re.search(r"https?://[^\s)\"'>]+", words)
        found = licence(address.group().rstrip(".,")) if address else None
        if found is None and address:
            return address.group().rstrip(".,")
    return found.code if found else words[:120]


def format_code(*texts: Any) -> str:
    """The EU file type of a format, media type or file name; the words themselves when it is unknown."""
    said = [str(text).strip() for text in texts if text]
    for text in said:
        found = file_type(text)
        if found is None and re.search(r"\.[A-Za-z0-9]{2,8}(\?|$)", text):
            found = file_type(text.split("?")[0].rsplit(".", 1)[-1])
        if found is not None:
            return found.code
    return next((text[:40] for text in said if not text.startswith("http")), "")


def theme_codes(texts: Any) -> tuple[str, ...]:
    found = (theme(str(text)) for text in texts)
    return tuple(dict.fromkeys(item.code for item in found if item is not None))


def frequency_code(text: Any) -> str:
    found = frequency(str(text or ""))
    return found.code if found else ""


def box(text: Any) -> tuple[float, float, float, float] | None:
    """West, south, east, north of a box, a GeoJSON or WKT geometry, or four numbers."""
    numbers = [float(item) for item in re.findall(r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?", str(text or "")[:20_000])]
    if len(numbers) == 4:
        west, south, east, north = numbers
    elif len(numbers) >= 6 and len(numbers) % 2 == 0:
        xs, ys = numbers[0::2], numbers[1::2]
        west, south, east, north = min(xs), min(ys), max(xs), max(ys)
    else:
        return None
    sound = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    return (west, south, east, north) if sound else None


_OFFICE = re.compile(
    r"ville|city|comune|commune|ayuntamiento|ajuntament|municip|office|council|department|direction|region|ministry"
    r"|agency|agence"
    r"|agenzia|service|ufficio|settore|istituto|institut|metropol|provinc|team|open ?data|support|help|info|data",
    re.IGNORECASE,
)


def office(name: str, fallback: str = "") -> str:
    """A name when it is an organisation's; a person's is not passed on."""
    words = plain(name, 200)
    return words if words and (_OFFICE.search(words) or len(words.split()) > 3) else fallback


def office_mail(address: str) -> str:
    """An address when it is an office's (``opendata@``), not a person's (``ian.martin@``)."""
    mail = str(address or "").strip().removeprefix("mailto:")
    local = mail.split("@")[0]
    personal = re.fullmatch(r"[a-z]+[._-][a-z]+", local, re.IGNORECASE) and not _OFFICE.search(local)
    return mail if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", mail) and not personal else ""


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", latin(text).lower()).strip("-")[:70].strip("-")


def agent(name: str, language: str, email: str = "", homepage: str = "", uri: str = "") -> Agent | None:
    words = plain(name, 300)
    if not words:
        return None
    return Agent(slug(words) or "unnamed", Frozen({language: words}), uri=uri, email=email, homepage=homepage)
