"""Documents to pages of text: PDF (text layer), Word, OpenDocument text, HTML, plain text and Markdown.

PDF pages are read by PDFium, Word by python-docx. A form without pages (Word, text) is cut at its page breaks where
it has some, else into sections of about :data:`SECTION` characters that end with a paragraph.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from arengo.errors import Place, SourceMalformed, SourceTooLarge
from arengo.sources import archive, pdf_text
from arengo.sources.base import Context
from arengo.sources.pdf_text import MAX_PAGE

SECTION = 3000
MAX_PAGES = 20_000
MAX_TEXT = 100_000_000
"""Characters of one document."""
PDF_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Paper:
    """An opened document. ``pages``: texts in order, read as they are asked for. ``title``, ``created``: its own."""

    format: str
    count: int
    pages: Iterator[str]
    title: str = ""
    created: date | None = None


def suffixes() -> tuple[str, ...]:
    """Ends of file names that are read as documents."""
    return tuple(_FORMS)


def read(path: Path, context: Context) -> Paper:
    """Open ``path``. Raises SourceMalformed for a damaged or locked document, SourceTooLarge past the limits."""
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise SourceMalformed(
            f"A file that ends in {path.suffix or 'nothing'} is not read as a document.",
            todo=f"Documents end in {', '.join(_FORMS)}; save an old Word file as .docx.",
            place=Place(file=path.name),
        )
    try:
        return form(path, context)
    except (SourceMalformed, SourceTooLarge):
        raise
    except Exception as error:  # the libraries raise whatever they meet in a damaged file
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise SourceMalformed(
            f"The document cannot be opened: {said}.",
            todo="Open it in its own program and save it again, without a password.",
            place=Place(file=path.name),
        ) from error


def clean(text: str) -> str:
    """Text of a page as it is kept: one line end, no control characters, words cut at a line's end joined."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"(?<=\w)[\u00ad\ufffe\x02]\n?(?=\w)", "", text)
    text = re.sub(r"(?<=[a-zà-ÿ])-\n(?=[a-zà-ÿ])", "", text)
    text = "".join(mark for mark in text if mark in "\n\t" or (mark >= " " and mark not in "\ufffe\uffff\x7f"))
    text = text.encode("utf-8", "ignore").decode()  # lone surrogates
    text = re.sub(r"[ \t\u00a0]+", " ", text)
    return re.sub(r" ?\n ?", "\n", re.sub(r"\n\s*\n+", "\n\n", text)).strip()[:MAX_PAGE]


def _pdf(path: Path, context: Context) -> Paper:
    lines = _from_process(path)
    about = next(lines)
    count = int(about["count"])
    _bounded(count, path)
    made = re.match(r"D:(\d{4})(\d{2})(\d{2})", about["created"])
    return Paper("PDF", count, (clean(line["page"]) for line in lines), about["title"], _day(made))


def _from_process(path: Path) -> Iterator[dict[str, Any]]:
    """What the process of :mod:`arengo.sources.pdf_text` says of one file; its silent end is the file's fault."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(Path(pdf_text.__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    limit = threading.Timer(PDF_SECONDS, process.kill)
    limit.start()
    try:
        process.stdin.write(json.dumps(str(path)) + "\n")
        process.stdin.close()
        for line in process.stdout:
            said = json.loads(line)
            if "end" in said:
                return
            if "error" in said:
                locked = "password" in said["error"].lower()
                raise SourceMalformed(
                    "The PDF needs a password." if locked else f"The PDF is damaged: {said['error'][:200]}.",
                    todo="Deliver it without a password." if locked else "Make it again from its source.",
                    place=Place(file=path.name),
                )
            yield said
        raise SourceMalformed(
            "The PDF cannot be read: the program that reads it came to its end or its limits.",
            todo="Make it again from its source.",
            place=Place(file=path.name),
        )
    finally:
        limit.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


def _word(path: Path, context: Context) -> Paper:
    import docx
    from docx.table import Table, _Cell

    archive.check(path, context)
    document = docx.Document(str(path))
    about = document.core_properties

    def parts() -> Iterator[tuple[str, bool]]:
        for item in document.iter_inner_content():
            if isinstance(item, Table):
                for row in item.rows:
                    # As the file has them: python-docx repeats a cell as often as its span says, which may be a lie.
                    cells = (_Cell(cell, item).text.strip() for cell in row._tr.tc_lst)
                    yield " | ".join(dict.fromkeys(cells)), False
                continue
            xml = item._p.xml if "w:br" in item._p.xml or "lastRenderedPageBreak" in item._p.xml else ""
            yield item.text, 'w:type="page"' in xml or "lastRenderedPageBreak" in xml

    made = about.created.date() if about.created else None
    return _sections("DOCX", parts(), path, about.title or "", made)


def _open_document(path: Path, context: Context) -> Paper:
    archive.check(path, context)
    with zipfile.ZipFile(path) as bundle:
        body, about = _xml(bundle, "content.xml", path), _xml(bundle, "meta.xml", path)
    text = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"

    def parts() -> Iterator[tuple[str, bool]]:
        waiting = [body]
        while waiting:
            item = waiting.pop()
            if item.tag in (f"{text}p", f"{text}h"):  # with what is nested in it, such as notes
                yield "".join(item.itertext()), item.find(f".//{text}soft-page-break") is not None
            elif item.tag == f"{text}soft-page-break":
                yield "", True
            else:
                waiting.extend(reversed(item))

    def said(name: str) -> str:
        return next((item.text or "" for item in about.iter() if item.tag.endswith(f"}}{name}")), "")

    made = re.match(r"(\d{4})-(\d{2})-(\d{2})", said("creation-date"))
    return _sections("ODT", parts(), path, said("title"), _day(made))


def _xml(bundle: zipfile.ZipFile, name: str, path: Path) -> ElementTree.Element:
    data = bundle.read(name)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise SourceMalformed("The document declares XML entities.", place=Place(file=path.name))
    return ElementTree.fromstring(data)  # noqa: S314 - entities were refused above


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.title = ""
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in ("script", "style", "title", "template"):
            self._inside.append(tag)
        elif tag in ("p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "section", "article", "table"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.parts.append(data)
        elif self._inside[-1] == "title":
            self.title += data


def _html(path: Path, context: Context) -> Paper:
    words = _Words()
    words.feed(_decoded(path, context))
    paragraphs = ((part, False) for part in "".join(words.parts).split("\n"))
    return _sections("HTML", paragraphs, path, words.title)


def _plain(path: Path, context: Context) -> Paper:
    text = _decoded(path, context)
    if "\f" in text:
        pages = [clean(page) for page in text.split("\f")]
        _bounded(len(pages), path)
        return Paper("TXT", len(pages), iter(pages))
    return _sections("TXT", ((part, False) for part in re.split(r"\n\s*\n", text)), path)


def _decoded(path: Path, context: Context) -> str:
    from arengo.sources.text_encoding import by_letters, by_mark

    size = path.stat().st_size
    if size > 50_000_000:
        raise SourceTooLarge(f"A text of {size:,} bytes is no document.", place=Place(file=path.name))
    data = path.read_bytes()
    try:
        return data.decode(by_mark(data[:4]) or "utf-8")
    except UnicodeDecodeError:
        return data.decode(by_letters(data.splitlines()[:5000]).name, "replace")


def _sections(
    format: str,
    parts: Iterable[tuple[str, bool]],
    path: Path,
    title: str = "",
    made: date | None = None,
) -> Paper:
    """Paragraphs (text, whether a page breaks there) gathered to pages or sections."""
    found: list[tuple[str, bool]] = []
    whole = 0
    for text, breaks in islice(parts, 2_000_000):
        whole += len(text)
        if whole > MAX_TEXT:
            raise SourceTooLarge(f"The document has more than {MAX_TEXT:,} characters.", place=Place(file=path.name))
        found.append((text, breaks))
    paged = any(breaks for _, breaks in found)
    pages: list[str] = []
    held: list[str] = []
    size = 0
    for text, breaks in found:
        if held and (breaks if paged else size + len(text) > SECTION):
            pages.append(clean("\n".join(held)))
            held, size = [], 0
        held.append(text)
        size += len(text)
    pages.append(clean("\n".join(held)))
    pages = [page for page in pages if page] or [""]
    _bounded(len(pages), path)
    return Paper(format, len(pages), iter(pages), title, made)


def _bounded(count: int, path: Path) -> None:
    if count > MAX_PAGES:
        raise SourceTooLarge(f"The document has {count:,} pages; {MAX_PAGES:,} are read.", place=Place(file=path.name))


def _day(found: re.Match[str] | None) -> date | None:
    try:
        return date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        return None


_FORMS: dict[str, Callable[[Path, Context], Paper]] = {
    ".pdf": _pdf,
    ".docx": _word,
    ".odt": _open_document,
    ".html": _html,
    ".htm": _html,
    ".txt": _plain,
    ".md": _plain,
}
