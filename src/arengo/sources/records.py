"""Records out of a JSON document of any size: a sliding window of text, never the whole document.

The parsing itself is the standard library's C scanner (``JSONDecoder.raw_decode``); this module only decides
where a record begins. RFC 8259; newline-delimited JSON and RFC 8142 sequences are read line by line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import Any, BinaryIO

from arengo.errors import Place, SourceMalformed, SourceTooLarge

CHUNK = 1 << 20
_SPACE = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,")
_SKIP = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?P<close>")?|[\[\]{}]', re.DOTALL)
_DECODER = JSONDecoder(parse_constant=lambda _: None)
_GOOD_NAMES = ("features", "records", "results", "data", "items", "value", "rows", "entries", "result", "@graph")


def encoding_of(head: bytes) -> str:
    """Encoding of a JSON document by its byte order mark or by the zeros of its first characters."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if len(head) >= 2 and head[0] == 0:
        return "utf-16-be"
    if len(head) >= 2 and head[1] == 0:
        return "utf-16-le"
    return "utf-8"


class Window:
    """A text file seen through a window that slides forward. ``limit``: largest single value, in characters."""

    def __init__(self, stream: BinaryIO, name: str, encoding: str, limit: int) -> None:
        self.stream = stream
        self.name = name
        self.limit = limit
        self.text = ""
        self.at = 0
        self.end = False
        self.seen = 0  # characters before the window
        self.lines = 1
        self.bytes = 0
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._encoding = encoding

    def more(self) -> bool:
        """Slide forward and read more; False at the end of the file."""
        if self.end:
            return False
        rest = self.text[self.at :]
        if len(rest) > self.limit:
            raise SourceTooLarge(
                f"One JSON value is longer than {self.limit:,} characters.",
                todo="Raise sources.max_cell in city.toml if this is right.",
                place=self.place(),
            )
        chunk = self.stream.read(max(CHUNK, len(rest)))
        self.bytes += len(chunk)
        try:
            fresh = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise SourceMalformed(
                f"These bytes are not {self._encoding}: {chunk[error.start : error.start + 12]!r}.",
                todo="Name the encoding in the source's options, for example encoding: cp1252.",
                place=self.place(),
            ) from error
        self.lines += self.text.count("\n", 0, self.at)
        self.seen += self.at
        self.text, self.at = rest + fresh, 0
        self.end = not chunk
        return True

    def place(self, row: int | None = None) -> Place:
        return Place(file=self.name, line=self.lines + self.text.count("\n", 0, self.at), row=row)

    def peek(self) -> str:
        """The next character that is no space, without taking it; '' at the end."""
        while True:
            found = _SPACE.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def take(self, character: str) -> None:
        met = self.peek()
        if met != character:
            raise self.malformed(f"Expected {character!r} and met {met!r}." if met else "The file ends too early.")
        self.at += 1

    def malformed(self, message: str, row: int | None = None) -> SourceMalformed:
        return SourceMalformed(
            message, todo="The file may be cut off or not JSON; fetch it again.", place=self.place(row)
        )

    def value(self, row: int | None = None) -> Any:
        """Take one JSON value."""
        self.peek()
        while True:
            try:
                value, stop = _DECODER.raw_decode(self.text, self.at)
            except JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self.text) - 16
                if cut and self.more():
                    continue
                if cut:
                    raise self.malformed("The file ends in the middle of a value.", row) from error
                self.at = min(error.pos, len(self.text))
                raise self.malformed(f"This is not JSON: {error.msg}.", row) from error
            except RecursionError as error:
                raise self.malformed("Values are nested too deep.", row) from error
            if isinstance(value, (int, float)) and len(self.text) - stop <= 2 and not self.end:
                self.more()  # a number may go on: 1|5, 1.|5, 1e+|5
                continue
            self.at = stop
            return value

    def skip(self, budget: int | None = None) -> tuple[int, int]:
        """Pass over one value without building it. Returns its length in characters and, for an array, its items.

        With ``budget``, stops after that many characters and returns what was met so far.
        """
        first = self.peek()
        if first not in ("[", "{"):
            start = self.seen + self.at
            self.value()
            return self.seen + self.at - start, 0
        start = self.seen + self.at
        depth = items = 0
        while True:
            found = _SKIP.search(self.text, self.at)
            mark = found.group() if found else ""
            if found is None or (mark[0] == '"' and not found["close"]):
                self.at = found.start() if found else len(self.text)  # keep the beginning of a string, drop the rest
                if not self.more():
                    raise self.malformed("The file ends in the middle of a value.")
                continue
            self.at = found.end()
            if mark in ("[", "{"):
                depth += 1
                items += depth == 2
            elif mark in ("]", "}"):
                depth -= 1
                if depth == 0:
                    return self.seen + self.at - start, items
            if budget is not None and self.seen + self.at - start > budget:
                return self.seen + self.at - start, items

    def members(self) -> Iterator[str]:
        """Names of the object that begins here; the caller takes each value before asking for the next."""
        self.take("{")
        if self.peek() == "}":
            self.at += 1
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise self.malformed("A member's name must be a text.")
            self.take(":")
            yield name
            if self.peek() == ",":
                self.at += 1
                continue
            self.take("}")
            return

    def items(self) -> Iterator[Any]:
        """Values of the array that begins here."""
        self.take("[")
        if self.peek() == "]":
            self.at += 1
            return
        row = 0
        scan = _DECODER.scan_once  # type: ignore[attr-defined]
        while True:
            row += 1
            # The road most records take: a whole record and a comma lie in the window.
            found = _SPACE.match(self.text, self.at)
            start = found.end() if found else self.at
            try:
                value, stop = scan(self.text, start) if self.text[start : start + 1] in ("{", "[") else (None, -1)
            except (StopIteration, JSONDecodeError, RecursionError):
                stop = -1
            if stop >= 0:
                self.at = stop
            else:
                value = self.value(row)
            yield value
            after = _COMMA.match(self.text, self.at)
            if after:
                self.at = after.end()
                continue
            if self.peek() == ",":
                self.at += 1
                continue
            if self.peek() != "]":
                raise self.malformed("The file ends or breaks after this record.", row)
            self.at += 1
            return

    def seek(self, path: tuple[str, ...]) -> None:
        """Go to the value at ``path``; members before it are passed over."""
        for depth, part in enumerate(path):
            if self.peek() != "{":
                raise self.malformed(f"There is no object that could hold {'.'.join(path[: depth + 1])!r}.")
            for name in self.members():
                if name == part:
                    break
                self.skip()
            else:
                raise SourceMalformed(
                    f"There is no member {'.'.join(path[: depth + 1])!r}.",
                    todo="Name the array of records in the source's option 'records'.",
                    place=Place(file=self.name),
                )


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the records of a document are. ``keyed``: an object whose members are the records."""

    path: tuple[str, ...] = ()
    keyed: bool = False

    def __str__(self) -> str:
        return ".".join((*self.path, "*") if self.keyed else self.path)

    @classmethod
    def parse(cls, text: str) -> Layout:
        parts = tuple(part for part in text.split(".") if part)
        return cls(parts[:-1], True) if parts and parts[-1] == "*" else cls(parts)


class _EnoughError(Exception):
    """The look at a document's beginning is over."""


def find(window: Window, budget: int = 32_000_000) -> Layout:
    """The array of records of a document: the largest one, names such as ``records`` or ``features`` preferred.

    Looks at the first 32 million characters. An object of objects of which none is an array of records is read
    as keyed records; any other single value is one record.
    """
    if window.peek() == "[":
        return Layout()
    if window.peek() != "{":
        raise window.malformed("This is neither an object nor an array.")
    found: list[tuple[int, Layout]] = []
    try:
        objects = _explore(window, (), found, budget)
    except _EnoughError:
        objects = 0
    if found:
        return max(found, key=lambda pair: pair[0])[1]
    return Layout(keyed=True) if objects >= 2 else Layout()


def _explore(window: Window, path: tuple[str, ...], found: list[tuple[int, Layout]], budget: int) -> int:
    """Collect arrays below ``path`` with a score; returns the number of members when all of them are objects."""
    objects, others = 0, 0
    for name in window.members():
        here = (*path, name)
        first = window.peek()
        if window.seen + window.at > budget:
            raise _EnoughError
        if first == "[":
            others += 1
            at_most = budget - window.seen - window.at
            size, items = window.skip(at_most)
            if items:
                weight = 8 if name.lower() in _GOOD_NAMES else 1
                found.append((weight * size, Layout(here)))
            if size > at_most:
                raise _EnoughError
        elif first == "{":
            objects += 1
            if len(path) < 3 and objects < 50:
                _explore(window, here, found, budget)
            else:
                window.skip()
        else:
            others += 1
            window.skip()
    return objects if others == 0 else 0


def read(window: Window, layout: Layout) -> Iterator[Any]:
    """The records at ``layout``, one by one."""
    window.seek(layout.path)
    first = window.peek()
    if layout.keyed:
        for row, name in enumerate(window.members(), 1):
            value = window.value(row)
            yield {"key": name, **value} if isinstance(value, dict) else {"key": name, "value": value}
    elif first == "[":
        yield from window.items()
    else:
        yield window.value(1)
    if not layout.path and window.peek():
        raise window.malformed("Something follows the end of the document.")


def lines(stream: BinaryIO, name: str, encoding: str, limit: int) -> Iterator[tuple[int, Any, str]]:
    """(line number, value, '') of each line that is not blank, or (number, raw text, reason) of one that is no JSON."""
    number = 0
    wide = encoding.startswith("utf-16")
    source: Any = codecs.getreader(encoding)(stream) if wide else stream
    while raw := source.readline(limit + 1):
        number += 1
        if len(raw) > limit:
            raise SourceTooLarge(
                f"A line is longer than {limit:,} bytes.",
                todo="Raise sources.max_cell in city.toml if this is right.",
                place=Place(file=name, line=number),
            )
        try:
            text = raw if wide else raw.decode(encoding)
        except UnicodeDecodeError:
            yield number, raw.decode("utf-8", "replace"), f"The line is not {encoding}."
            continue
        text = text.lstrip("\x1e\ufeff").strip()
        if not text:
            continue
        try:
            yield number, _DECODER.decode(text), ""
        except JSONDecodeError as error:
            yield number, text, f"The line is not JSON: {error.msg} at character {error.pos + 1}."
        except RecursionError:
            yield number, text, "The line is nested too deep."
