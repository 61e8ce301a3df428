"""Signed checkpoints (C2SP tlog-checkpoint): how long the record is and its root, under the city's signature."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from arengo.errors import BadForm
from arengo.ledger import note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``root``: 32 bytes. ``note``: as it was signed."""

    origin: str
    size: int
    root: bytes
    note: note.Note

    @property
    def text(self) -> str:
        return str(self.note)


def body(origin: str, size: int, root: bytes) -> str:
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def parse(text: str) -> Checkpoint:
    """Read a checkpoint; its signatures are not checked. Raises BadForm."""
    found = note.parse(text)
    lines = found.text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]):
        raise BadForm("A checkpoint names its record, its size and its root, each in a line.")
    origin, size = lines[0], lines[1]
    root = note.unbase64(lines[2])
    if not (size.isascii() and size.isdecimal() and len(size) < 19 and str(int(size)) == size) or len(root) != 32:
        raise BadForm("The size or the root of the checkpoint cannot be read.")
    return Checkpoint(origin, int(size), root, found)


def sign(key: note.SignerKey, size: int, root: bytes) -> Checkpoint:
    text = body(key.name, size, root)
    return parse(f"{text}\n{key.sign(text)}")
