"""A file from an address into the scratch folder: conditional, resumable, within the limits."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from arengo.contract.model import SourceSpec
from arengo.errors import SourceError, SourceForbidden, SourceMissing, SourceTooLarge, SourceUnreachable
from arengo.sources.base import Context
from arengo.sources.guard import Guard, headers_from, shown

if TYPE_CHECKING:
    import httpx

TRIES = 4


@dataclass(frozen=True, slots=True)
class Download:
    """``unchanged``: the server said that the file is the one of the last pull."""

    path: Path
    state: Mapping[str, Any]
    unchanged: bool = False


def download(spec: SourceSpec, context: Context) -> Download:
    """The file at ``spec.options['url']``.

    Within one scratch folder an address is fetched once. A transfer that breaks off is taken up again where it
    stopped when the server offers ranges and a validator (RFC 9110 sections 8.8 and 14); otherwise from the start.
    Raises SourceForbidden, SourceMissing (404, 410), SourceUnreachable, SourceTooLarge.
    """
    import orjson

    url = str(spec.options["url"])
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    folder = context.scratch / "downloads" / key
    note = folder / "complete.json"
    if note.is_file():
        known = orjson.loads(note.read_bytes())
        path = folder / known["name"]
        if path.is_file():
            return Download(path, known["state"])
    folder.mkdir(parents=True, exist_ok=True)
    guard = Guard(context.settings)
    headers = headers_from(spec.options)
    last: SourceError | None = None
    with guard.client() as client:
        for attempt in range(TRIES):
            if attempt:
                wait(pause(attempt, last, context.settings.timeout))
            try:
                name, state = _fetch(guard, client, url, headers, folder, context)
            except SourceUnreachable as error:
                last = error
                continue
            note.write_bytes(orjson.dumps({"name": name, "state": state}))
            return Download(folder / name, state)
    assert last is not None
    raise last


def unchanged(spec: SourceSpec, context: Context) -> bool:
    """Whether the server says that the file is the one of the last pull (ETag, else Last-Modified)."""
    known = context.state
    url = str(spec.options["url"])
    if known.get("url") != shown(url) or not (known.get("etag") or known.get("last_modified")):
        return False
    headers = headers_from(spec.options)
    if known.get("etag"):
        headers["If-None-Match"] = str(known["etag"])
    if known.get("last_modified"):
        headers["If-Modified-Since"] = str(known["last_modified"])
    guard = Guard(context.settings)
    with guard.client() as client, guard.stream(client, url, headers=headers) as response:
        return response.status_code == 304


def wait(seconds: float) -> None:
    time.sleep(seconds)


class Retry(SourceUnreachable):
    """A server that asks to come back after some seconds."""

    after: float = 0.0


def pause(attempt: int, error: BaseException | None, longest: float) -> float:
    """Seconds before the next try: what the server asked for, else 0.5, 1, 2, ...; never more than the timeout."""
    asked = error.after if isinstance(error, Retry) else 0.0
    return min(max(asked, 0.25 * 2.0**attempt), longest)


def check_status(response: httpx.Response) -> None:
    """Raises for an answer that is no answer; 429 and 5xx may be tried again."""
    status, where = response.status_code, shown(str(response.url))
    if status < 400:
        return
    if status in (404, 410):
        raise SourceMissing(f"{where} answers {status}: it is not there.", todo="Check the address in the contract.")
    if status in (401, 403):
        raise SourceForbidden(
            f"{where} answers {status}: it wants to know who asks.",
            todo="Name the header and the environment variable of the key in headers_env.",
        )
    if status in (408, 425, 429) or status >= 500:
        error = Retry(f"{where} answers {status}.", todo="The next run tries again.")
        error.after = retry_after(response.headers.get("Retry-After", ""))
        raise error
    raise SourceError(f"{where} answers {status}.", todo="Check the address and its parameters in the contract.")


def retry_after(text: str) -> float:
    """Seconds of a Retry-After header (RFC 9110 section 10.2.3): a number or a date."""
    from email.utils import parsedate_to_datetime

    if re.fullmatch(r"\s*\d{1,6}\s*", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _fetch(
    guard: Guard, client: httpx.Client, url: str, own: Mapping[str, str], folder: Path, context: Context
) -> tuple[str, dict[str, Any]]:
    import orjson

    part, about = folder / "part", folder / "part.json"
    headers = {**own, "Accept-Encoding": "identity"}
    have = 0
    known: dict[str, str] = {}
    if part.is_file() and about.is_file():
        known = orjson.loads(about.read_bytes())
        have = part.stat().st_size
        if have and known.get("validator"):
            headers |= {"Range": f"bytes={have}-", "If-Range": known["validator"]}
        else:
            have = 0
    limit = context.settings.max_bytes
    with guard.stream(client, url, headers=headers) as response:
        if response.status_code == 416 and have:
            part.unlink()
            raise SourceUnreachable(f"{shown(url)} no longer holds what was begun; it is fetched from the start.")
        check_status(response)
        resumed = response.status_code == 206 and have > 0
        if not resumed:
            have = 0
        etag = response.headers.get("ETag", "")
        modified = response.headers.get("Last-Modified", "")
        validator = etag if etag and not etag.startswith("W/") else modified
        encoded = response.headers.get("Content-Encoding", "identity").lower() not in ("", "identity")
        length = response.headers.get("Content-Length", "")
        total = int(length) + have if length.isdigit() and not encoded else None
        if total is not None and total > limit:
            raise SourceTooLarge(
                f"{shown(url)} holds {total:,} bytes; the limit is {limit:,}.",
                todo="Raise sources.max_bytes in city.toml if this is right.",
            )
        about.write_bytes(orjson.dumps({"validator": "" if encoded else validator}))
        name = file_name(str(response.url), response.headers.get("Content-Disposition", ""), url)
        done = have
        with part.open("ab" if resumed else "wb") as out:
            for chunk in guard.body(response, limit - have):
                out.write(chunk)
                done += len(chunk)
                context.progress(done, total)
        if total is not None and done != total:
            raise SourceUnreachable(f"{shown(url)} broke off after {done:,} of {total:,} bytes.")
    part.replace(folder / name)
    about.unlink(missing_ok=True)
    state = {"url": shown(url)}
    if etag:
        state["etag"] = etag
    if modified:
        state["last_modified"] = modified
    return name, state


def file_name(final: str, disposition: str, asked: str) -> str:
    """A safe local name: of Content-Disposition (RFC 6266), else of the address; letters of a file name only."""
    header = Message()
    header["Content-Disposition"] = disposition or "inline"
    told = header.get_filename() or ""
    for candidate in (told, unquote(urlsplit(asked).path), unquote(urlsplit(final).path)):
        name = re.sub(r"[^\w.()\- ]", "_", Path(candidate.replace("\\", "/")).name).strip(". ")
        if name and "." in name:
            return name[-120:]
    name = re.sub(r"[^\w.\-]", "_", Path(unquote(urlsplit(asked).path)).name)[-120:].strip(".")
    return name if name and name not in ("part", "part.json", "complete.json") else "download"
