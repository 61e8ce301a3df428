"""A hash over many hashes, 64 at a time: few passes to make, and a proof of a few kilobytes for one among thousands.

The root of up to 64 hashes is SHA-256 over a zero byte and all of them in order; of more, over a one and the roots of
each 64, and so on, the first byte being the height. What is proved is who stands in it; the hashes beside hers are of
salted commitments and say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

WIDTH = 64
Path = tuple[tuple[bytes, bytes], ...]
"""From the bottom up: the hashes before and those after."""
MOST_HEIGHT = 8


def _level(items: Sequence[bytes], height: int) -> list[bytes]:
    head = bytes([height])
    return [sha256(head + b"".join(items[at : at + WIDTH])).digest() for at in range(0, len(items), WIDTH)]


def root(items: Sequence[bytes]) -> bytes:
    """``items``: 32 bytes each, at least one."""
    found, height = _level(items, 0), 1
    while len(found) > 1:
        found, height = _level(found, height), height + 1
    return found[0]


def path(items: Sequence[bytes], index: int) -> Path:
    """The proof that ``items[index]`` stands under their root."""
    out = []
    level, height = list(items), 0
    while True:
        first = index - index % WIDTH
        out.append((b"".join(level[first:index]), b"".join(level[index + 1 : first + WIDTH])))
        level, height, index = _level(level, height), height + 1, index // WIDTH
        if len(level) == 1:
            return tuple(out)


def top(item: bytes, proof: Path) -> bytes:
    """The root that ``proof`` leads to from ``item``; b'' when it is none."""
    if not 0 < len(proof) <= MOST_HEIGHT or len(item) != 32:
        return b""
    for height, (before, after) in enumerate(proof):
        beside = len(before) + len(after)
        if len(before) % 32 or beside % 32 or beside >= WIDTH * 32:
            return b""
        item = sha256(bytes([height]) + before + item + after).digest()
    return item
