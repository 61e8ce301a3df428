"""Fetching for harvests: guarded, bounded, patient with a busy server; a file of the city folder reads the same."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from arengo.catalogue.harvest.declared import Declared
from arengo.errors import Place, SourceForbidden, SourceMalformed, SourceMissing, SourceTooLarge, SourceUnreachable
from arengo.settings import SourceSettings
from arengo.sources.guard import Guard

LARGEST = 512_000_000
TRIES = 4
REDIRECTS = 5
PAUSE = 0.4
LONGEST = 30.0
"""Seconds that a server may ask for with Retry-After."""
SECONDS = 600.0
"""Of one answer; a server that sends a byte now and then would hold a harvest for ever."""


class _Busy(Exception):
    """The server asks to come back. ``pause``: seconds it wants, bounded."""

    def __init__(self, status: int, wanted: str) -> None:
        super().__init__(f"it answers {status}")
        self.pause = min(LONGEST, float(wanted)) if wanted.isdecimal() else 0.0


class Wire:
    """One harvest's connection. ``root``: the city folder, which relative addresses start from.

    Only the address that the source's file declares may be a file: what an answer refers to comes from somebody else.
    """

    def __init__(self, settings: SourceSettings, root: Path, source: Declared) -> None:
        self.root = root
        self.source = source
        self._ends = time.monotonic() + source.longest * 3600
        self._guard = Guard(settings)
        self._client = self._guard.client()

    def close(self) -> None:
        self._client.close()

    def get(self, address: str, params: Mapping[str, Any] | None = None, accept: str = "*/*") -> tuple[bytes, str]:
        """(body, media type). Raises SourceMissing, SourceForbidden, SourceUnreachable, SourceTooLarge."""
        if not address.startswith(("http://", "https://")):
            if address != self.source.address:
                raise SourceForbidden(f"The catalogue refers to {address[:200]!r}, which is no http(s) address.")
            return self._file(address), ""
        url = httpx.URL(address, params=dict(params)) if params else httpx.URL(address)
        problem, pause = "", 0.0
        for attempt in range(TRIES):
            self._in_time()
            if attempt:
                time.sleep(max(pause, PAUSE * 2**attempt))
            try:
                return self._fetch(url, accept)
            except _Busy as error:
                problem, pause = str(error), error.pause
            except (httpx.HTTPError, SourceUnreachable) as error:
                problem = str(error) or type(error).__name__
        raise SourceUnreachable(f"{address} does not answer: {problem}.", todo="The next run tries again.")

    def _fetch(self, url: httpx.URL, accept: str) -> tuple[bytes, str]:
        for _ in range(REDIRECTS + 1):
            self._guard.check_url(url)
            with self._client.stream("GET", url, headers={"Accept": accept}) as answer:
                if answer.is_redirect:
                    url = url.join(answer.headers.get("location", ""))
                    continue
                if answer.status_code in (404, 410):
                    raise SourceMissing(f"{url.copy_with(query=None)} answers {answer.status_code}.")
                if answer.status_code in (401, 403):
                    raise SourceForbidden(f"{url.copy_with(query=None)} answers {answer.status_code}.")
                if answer.status_code in (429, 503):
                    raise _Busy(answer.status_code, answer.headers.get("retry-after", ""))
                if answer.status_code >= 400:
                    raise SourceUnreachable(f"it answers {answer.status_code}")
                body, started = bytearray(), time.monotonic()
                for piece in answer.iter_bytes():
                    body += piece
                    self._in_time()
                    if time.monotonic() - started > SECONDS:
                        raise SourceTooLarge(f"{url.host} sends for more than {SECONDS:g} seconds.")
                    if len(body) > LARGEST:
                        raise SourceTooLarge(f"{url.host} sends more than {LARGEST:,} bytes.")
                return bytes(body), answer.headers.get("content-type", "")
        raise SourceUnreachable("it redirects in a circle")

    def _in_time(self) -> None:
        if time.monotonic() > self._ends:
            raise SourceTooLarge(
                f"The run takes more than {self.source.longest:g} hours.",
                todo="Narrow the source, or set 'longest' in its file.",
                place=Place(file=f"harvest/{self.source.id}.toml"),
            )

    def _file(self, address: str) -> bytes:
        path = Path(address)
        if ".." in path.parts:
            raise SourceForbidden(f"The path {address!r} climbs out of its folder.")
        full = path if path.is_absolute() else self.root / path
        if not full.is_file():
            raise SourceMissing(f"There is no file {address!r}.", place=Place(file=address))
        body = full.read_bytes()
        if body.startswith(b"\x1f\x8b"):
            import gzip
            import io

            with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
                body = packed.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise SourceTooLarge(f"{address} holds more than {LARGEST:,} bytes.")
        return body


def no_entities(body: bytes, where: str) -> bytes:
    """``body`` when it declares no XML entities or document type; what does could grow without bound."""
    if b"\x00" in body[:64]:
        raise SourceMalformed("The XML is not in UTF-8.", place=Place(file=where))  # its marks would not be seen below
    if b"<!DOCTYPE" in body[:65_536] or b"<!ENTITY" in body:
        raise SourceMalformed("The XML declares a document type or entities.", place=Place(file=where))
    return body
