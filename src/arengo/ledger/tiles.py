"""The record as static files (C2SP tlog-tiles): hashes in tiles of 256, leaves in bundles of 256, the checkpoint.

All of it follows from the database, so a lost file is made again. Only leaves are here, never bodies.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from arengo.errors import BadForm, NotFound, StorageFull, storage_full

WIDTH = 256
ENTRIES = -1
"""Level of a bundle of entries in :class:`Tile`."""
_path = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """``level``: from 0 for leaf hashes, :data:`ENTRIES` for a bundle. ``width``: 1 to 256."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        parts = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            parts.append(f"x{rest % 1000:03d}")
            rest //= 1000
        name = "entries" if self.level == ENTRIES else str(self.level)
        tail = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{name}/{'/'.join(reversed(parts))}{tail}"

    def full(self) -> Tile:
        return Tile(self.level, self.index)

    def within(self, size: int) -> bool:
        """Whether a tree of ``size`` leaves has all of it."""
        height = 0 if self.level == ENTRIES else self.level
        return (self.index * WIDTH + self.width) << (8 * height) <= size


def parse(path: str) -> Tile:
    """The tile of a path. Raises NotFound for what is none (leading zeroes, widths of 256)."""
    found = _path.fullmatch(path)
    if found is None:
        raise NotFound("There is no such tile.", todo="Their paths are those of c2sp.org/tlog-tiles.")
    name, numbers, width = found.groups()
    index = int(numbers.replace("x", "").replace("/", ""))
    made = Tile(ENTRIES if name == "entries" else int(name), index, int(width or WIDTH))
    if made.path != path:
        raise NotFound("There is no such tile.", todo="Their paths are those of c2sp.org/tlog-tiles.")
    return made


def tiles_of(size: int, known: int = 0) -> Iterator[Tile]:
    """The tiles of a tree of ``size`` that a tree of ``known`` leaves does not have, bundles first."""
    for level in (ENTRIES, *range(64)):
        shift = 8 * max(level, 0)
        now, before = size >> shift, known >> shift
        if not now:
            return
        if now == before:
            continue
        for index in range(before // WIDTH, now // WIDTH):
            yield Tile(level, index)
        if now % WIDTH:
            yield Tile(level, now // WIDTH, now % WIDTH)


def bundle(leaves: Sequence[bytes]) -> bytes:
    """Leaves one after another, each behind its length in two bytes."""
    return b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in leaves)


def unbundle(data: bytes) -> list[bytes]:
    """Raises BadForm when the lengths do not fit."""
    out, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            raise BadForm("A bundle of entries ends within a length.")
        (length,) = struct.unpack_from(">H", data, at)
        at += 2
        if at + length > len(data):
            raise BadForm("A bundle of entries ends within an entry.")
        out.append(data[at : at + length])
        at += length
    return out


class Folder:
    """``.arengo/ledger/tiles``: what a plain web server could serve as the record's prefix."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, tile: Tile) -> bytes | None:
        try:
            return (self.path / tile.path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def keep(self, tile: Tile, data: bytes) -> None:
        """Write a tile; when it is full, its partial forms go."""
        put(self.path / tile.path, data)
        if tile.width == WIDTH:
            shutil.rmtree(self.path / f"{tile.path}.p", ignore_errors=True)

    def checkpoint(self) -> str:
        """The signed checkpoint, '' before the first."""
        try:
            return (self.path / "checkpoint").read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def keep_checkpoint(self, note: str) -> None:
        put(self.path / "checkpoint", note.encode())


def put(path: Path, data: bytes) -> None:
    """A file that is there whole or not at all, and on the disk. Raises StorageFull."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        full: StorageFull | None = storage_full(error)
        raise full or error from None
