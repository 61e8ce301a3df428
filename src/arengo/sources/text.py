"""Bytes in, clean UTF-8 out: the one way text files come in.

A :class:`Feed` reads a stream once, in bounded memory: unpacks gzip, bzip2 and xz under the limits, hashes what it
reads, decodes (line by line when a file mixes two encodings), drops byte order marks and NUL bytes, and stops at a
line longer than ``settings.sources.max_cell``. Whatever it had to mend is in ``notes``.
"""

from __future__ import annotations

import bz2
import codecs
import hashlib
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from arengo.errors import Place, SourceChanged, SourceMalformed, SourceMissing, SourceTooLarge
from arengo.settings import SourceSettings
from arengo.sources.text_encoding import WIDE, Encoding, by_letters, by_mark

Opener = Callable[[], BinaryIO]
"""Opens the same bytes from the start each time it is called."""

CHUNK = 1 << 20
HEAD = 1 << 20
_SCAN = 4_000_000_000  # bytes that the search for a second encoding reads at most
_LINE_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the file system says about a file: when it differs after the read, the file changed under it."""

    size: int
    modified: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        info = os.stat(path)
        return cls(info.st_size, info.st_mtime_ns, info.st_ino)


def local_file(path: Path) -> Path:
    """The path, when a regular file is there. Raises SourceMissing, SourceMalformed (a folder, a device)."""
    if not path.exists():
        raise SourceMissing("There is no such file.", todo="Check the path.", place=Place(file=str(path)))
    if path.is_dir():
        raise SourceMalformed("This is a folder, not a file.", todo="Name one file of it.", place=Place(file=str(path)))
    if not path.is_file():
        raise SourceMalformed("This is not a regular file.", place=Place(file=str(path)))
    return path


def opener(path: Path) -> Opener:
    """Opens a local file, unbuffered (the feed reads in large pieces)."""
    return lambda: open(path, "rb", buffering=0)


class Bytes:
    """The raw stream: counted, hashed, unpacked. ``read(n)`` gives about n unpacked bytes, b'' at the end.

    Raises SourceTooLarge (``max_bytes``, ``max_ratio``), SourceMalformed (truncated or damaged packing).
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        limits: SourceSettings,
        progress: Callable[[int, int | None], None] = lambda done, total: None,
        size: int | None = None,
        digest: bool = True,
    ) -> None:
        self.name = name
        self.raw_bytes = 0
        self.bytes = 0
        self._stream = stream
        self._limits = limits
        self._progress = progress
        self._size = size
        self._hash = hashlib.sha256() if digest else None
        self._first = self._raw(CHUNK)
        self._unpacker = _unpacker(self._first)
        self._packing = packing(self._first)
        self._pending = b""
        self._eof = False

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest() if self._hash else ""

    def close(self) -> None:
        self._stream.close()

    def _raw(self, n: int) -> bytes:
        piece = self._stream.read(n) or b""
        self.raw_bytes += len(piece)
        if self._hash:
            self._hash.update(piece)
        self._progress(self.raw_bytes, self._size)
        return piece

    def _next_raw(self, n: int) -> bytes:
        if self._first:
            piece, self._first = self._first, b""
            return piece
        return self._raw(n)

    def read(self, n: int = CHUNK) -> bytes:
        piece = self._next_raw(n) if self._unpacker is None else self._unpack(n)
        self.bytes += len(piece)
        if self.bytes > self._limits.max_bytes:
            raise SourceTooLarge(
                f"The file is larger than {self._limits.max_bytes:,} bytes.",
                todo="Raise sources.max_bytes in city.toml when this is meant.",
                place=Place(file=self.name),
            )
        return piece

    def _unpack(self, n: int) -> bytes:
        while not self._eof:
            assert self._unpacker is not None
            data = b""
            if self._unpacker.eof:  # the next member of a file packed in several parts, or padding
                data = self._unpacker.unused_data or self._next_raw(CHUNK)
                fresh = _unpacker(data)
                if fresh is None:
                    self._eof = True
                    return b""
                self._unpacker = fresh
            elif self._unpacker.needs_input:
                data = self._next_raw(CHUNK)
                if not data:
                    raise self._damaged("ends too early")
            try:
                piece: bytes = self._unpacker.decompress(data, max(n, 1))
            except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
                raise self._damaged(f"is damaged ({error})") from error
            unpacked = self.bytes + len(piece)
            if unpacked > 50_000_000 and unpacked > self._limits.max_ratio * max(self.raw_bytes, 1):
                raise SourceTooLarge(
                    f"The file unpacks to more than {self._limits.max_ratio} times its size.",
                    todo="Raise sources.max_ratio in city.toml when this is meant.",
                    place=Place(file=self.name),
                )
            if piece:
                return piece
        return b""

    def _damaged(self, how: str) -> SourceMalformed:
        return SourceMalformed(
            f"The {self._packing} file {how} after {self.bytes:,} unpacked bytes.",
            todo="Download or export it again.",
            place=Place(file=self.name),
        )


class _Inflate:
    """zlib's object with the interface of the bz2 and lzma ones."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, n: int) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, n)

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data


_PACKINGS: tuple[tuple[bytes, str, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", "gzip", _Inflate),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", "xz", lzma.LZMADecompressor),
)


def packing(head: bytes) -> str:
    """gzip, bzip2, xz or '' by the first bytes."""
    return next((name for magic, name, _ in _PACKINGS if head.startswith(magic)), "")


def _unpacker(head: bytes) -> Any:
    return next((make() for magic, _, make in _PACKINGS if head.startswith(magic)), None)


def find_encoding(stream: Bytes, *, whole: bool = True) -> Encoding:
    """Encoding of the unpacked bytes: reads to the end (``whole``) or one head, keeps only the lines that tell."""
    head = stream.read(HEAD)
    while len(head) < 65536 and (more := stream.read(HEAD)):
        head += more
    mark = by_mark(head)
    if mark and mark != "utf-8":
        return Encoding(mark)
    telling: list[bytes] = []
    kept = 0
    plain = 0  # lines of a piece that turned out to be valid UTF-8 are sampled, the others are all wanted
    rest = b""
    piece = head
    while piece:
        data = rest + piece
        cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        whole_lines, rest = (data[:cut], data[cut:]) if cut else (b"", data)
        if len(rest) > 32 * CHUNK:
            whole_lines, rest = rest, b""
        if not whole_lines.isascii() and kept < 4_000_000:
            valid = _valid_utf8(whole_lines)
            if not valid or plain < 50:
                plain += valid
                lines = [line for line in _LINE_END.split(whole_lines) if not line.isascii()]
                if not valid and len(lines) > 4000:
                    bad = [line for line in lines if not _valid_utf8(line)][:2000]
                    lines = lines[:: max(1, len(lines) // 2000)] + bad
                telling += lines
                kept += sum(map(len, lines))
        if (not whole and len(telling) > 50) or stream.bytes > _SCAN:
            break
        piece = stream.read(HEAD)
    if rest and not rest.isascii():
        telling.append(rest)
    if telling and telling[0].startswith(codecs.BOM_UTF8):
        telling[0] = telling[0][3:]
    found = by_letters(telling)
    if mark == "utf-8" and found.name != "utf-8":
        return Encoding("utf-8", fallback=found.name, sure=found.sure)
    return found


def _valid_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def known_encoding(name: str, file: str = "") -> str:
    """The name, when Python knows it. Raises SourceMalformed."""
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise SourceMalformed(
            f"There is no encoding {name!r}.",
            todo="Write for example utf-8 or windows-1252.",
            place=Place(file=file),
        ) from error
    return name


class Feed:
    """Clean UTF-8 out of :class:`Bytes`: whole lines only, no mark, no NUL, no line over the limit.

    ``drop``: UTF-8 bytes to leave out at the start (what stands above the table). Counts what it mended:
    ``strange`` lines of the second encoding, ``broken`` characters no encoding explains, ``nulls`` NUL bytes.
    """

    def __init__(self, stream: Bytes, encoding: Encoding, drop: int = 0) -> None:
        self.stream = stream
        self.encoding = encoding
        self.strange = 0
        self.broken = 0
        self.nulls = 0
        self.lines_seen = 0
        self._drop = drop
        self._limit = stream._limits.max_cell
        self._rest = b""
        self._ready = b""
        self._start = True
        self._end = False
        name = encoding.name.lower()
        self._utf8 = name in ("utf-8", "utf8", "utf-8-sig", "ascii")
        # Two-byte units and stateful code pages cannot be cut at a newline byte.
        self._decoder = None
        if name.startswith(("utf-16", "utf-32", "utf_16", "utf_32")):
            self._decoder = codecs.getincrementaldecoder(encoding.name)(errors="replace")

    @property
    def notes(self) -> tuple[str, ...]:
        out = []
        if self.strange:
            other = self.encoding.fallback or "windows-1252"
            out.append(f"{self.strange:,} lines are not UTF-8; they were read as {other}.")
        if self.broken:
            out.append(f"{self.broken:,} characters could not be decoded as {self.encoding.name}; they became �.")
        if self.nulls:
            out.append(f"{self.nulls:,} NUL bytes were left out.")
        return tuple(out)

    # pyarrow and io look at these
    closed = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing: pyarrow closes what it reads, but the rest of the bytes is still to be counted. See finish."""

    def finish(self) -> None:
        self.stream.close()

    def read(self, n: int = CHUNK) -> bytes:
        """At most ``n`` bytes of whole lines where they fit; b'' at the end."""
        if n is None or n < 0:
            return b"".join(iter(lambda: self.read(CHUNK), b""))
        while not self._ready:
            if self._end:
                return b""
            self._ready = self._next(max(n, CHUNK))
        if len(self._ready) <= n:
            out, self._ready = self._ready, b""
        else:
            out, self._ready = self._ready[:n], self._ready[n:]
        return out

    def lines(self) -> Iterator[str]:
        """Text lines with their ends, for the tolerant reader."""
        while block := self.read(CHUNK):
            while not block.endswith((b"\n", b"\r")) and (more := self.read(CHUNK)):
                block += more
            yield from (
                block.decode("utf-8", errors="replace").splitlines(keepends=True)
                if _plain_ends(block)
                else _split_lines(block.decode("utf-8", errors="replace"))
            )

    def _next(self, n: int) -> bytes:
        piece = self.stream.read(n)
        if self._decoder is not None:
            text = self._decoder.decode(piece, final=not piece)
            if self._start and text:
                text = text.removeprefix("\ufeff")
            self.broken += text.count("�")
            piece_done = not piece
            piece = text.encode("utf-8", errors="replace")
            if not piece and not piece_done:
                return b""
            self._end = piece_done
        elif not piece:
            self._end = True
        if self._end:
            data, self._rest = self._rest + piece, b""
        else:
            cut = max(piece.rfind(b"\n"), piece.rfind(b"\r", max(0, len(piece) - 65536)))
            if cut < 0:
                cut = piece.rfind(b"\r")
            if cut < 0:
                self._rest += piece
                if len(self._rest) > self._limit:
                    raise SourceTooLarge(
                        f"A line is longer than {self._limit:,} bytes.",
                        todo="The file has no line ends, or sources.max_cell in city.toml is too small for it.",
                        place=Place(file=self.stream.name),
                    )
                return b""
            if piece[cut : cut + 1] == b"\r" and cut == len(piece) - 1:
                # its \n may be the first byte of the next piece
                earlier = max(piece.rfind(b"\n", 0, cut), piece.rfind(b"\r", 0, cut))
                if earlier < 0:
                    self._rest += piece
                    return b""
                cut = earlier
            data, self._rest = self._rest + piece[: cut + 1], piece[cut + 1 :]
        if self._start and data:
            self._start = False
            data = data.removeprefix(codecs.BOM_UTF8)
        if self._decoder is None:
            data = self._clean(data)
        if b"\0" in data:
            self.nulls += data.count(0)
            data = data.replace(b"\0", b"")
        if self._drop and data:
            dropped = min(self._drop, len(data))
            data, self._drop = data[dropped:], self._drop - dropped
        return data

    def _clean(self, data: bytes) -> bytes:
        if data.isascii():
            return data
        if self._utf8:
            return data if _valid_utf8(data) else self._line_by_line(data)
        text = data.decode(self.encoding.name, errors="replace")
        self.broken += text.count("�")
        return text.encode("utf-8", errors="replace")

    def _line_by_line(self, data: bytes) -> bytes:
        other = self.encoding.fallback or "windows-1252"
        out = []
        for line in data.split(b"\n"):
            if not line.isascii() and not _valid_utf8(line):
                self.strange += 1
                text = line.decode(other, errors="replace")
                self.broken += text.count("�")
                line = text.encode("utf-8")
            out.append(line)
        return b"\n".join(out)


def _plain_ends(block: bytes) -> bool:
    """No character that ``str.splitlines`` takes for a line end although a text file does not mean one."""
    return block.isascii() and not any(char in block for char in (b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e"))


_ENDS = re.compile(r"\r\n|\n|\r")


def _split_lines(text: str) -> Iterator[str]:
    start = 0
    for end in _ENDS.finditer(text):
        yield text[start : end.end()]
        start = end.end()
    if start < len(text):
        yield text[start:]


def check_unchanged(path: Path, before: Stamp, read: int) -> None:
    """Raises SourceChanged when the file is not the one that was opened, or was cut or grew under the read."""
    try:
        after = Stamp.of(path)
    except OSError as error:
        raise SourceChanged("The file vanished while it was read.", place=Place(file=str(path))) from error
    if after != before or read != before.size:
        raise SourceChanged(
            "The file changed while it was read.",
            todo="It will be read again at the next run; nothing of this read was kept.",
            place=Place(file=str(path)),
        )


def sha256_of(path: Path) -> str:
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = [
    "CHUNK",
    "HEAD",
    "WIDE",
    "Bytes",
    "Encoding",
    "Feed",
    "Opener",
    "Stamp",
    "check_unchanged",
    "find_encoding",
    "known_encoding",
    "local_file",
    "opener",
    "packing",
    "sha256_of",
]
