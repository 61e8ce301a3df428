"""The sparse Merkle map of a day: for every person how many entries there are about her, and the newest.

Keys are 256-bit digests. A subtree without keys is 32 zero bytes; one with a single key is that key's leaf, so a map of
n keys has about 2n hashes; others are the hash of their halves, by the next bit of the key (the first is the highest).
A proof is the siblings from the root down to where the path ends, and what stands there: the key's own leaf, another
key's leaf or nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

NOTHING = bytes(32)


def map_leaf(key: bytes, value: bytes) -> bytes:
    return sha256(b"\x00" + key + value).digest()


def map_node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def key_of(pseudonym: bytes) -> bytes:
    return sha256(pseudonym).digest()


def value_of(entries: int, newest: bytes) -> bytes:
    """``newest``: hash of the newest entry's leaf."""
    return sha256(f"{entries}|{newest.hex()}".encode()).digest()


@dataclass(frozen=True, slots=True)
class MapProof:
    """``siblings``: hashes from the root down. ``key``, ``value``: what stands at the end, empty for nothing."""

    siblings: tuple[bytes, ...]
    key: bytes = b""
    value: bytes = b""


def _bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


class SparseMap:
    """``values``: key -> value, 32 bytes each."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self._keys: Sequence[bytes] = sorted(values)
        self._values = values
        self.root = self._root(0, len(self._keys), 0)

    def __len__(self) -> int:
        return len(self._keys)

    def pairs(self) -> bytes:
        """Keys and values one after another, in the order of keys."""
        return b"".join(key + self._values[key] for key in self._keys)

    def _middle(self, start: int, end: int, depth: int) -> int:
        """Where the keys with the bit set begin; all of them share the bits before."""
        prefix = bytearray(self._keys[start][: (depth >> 3) + 1])
        keep = 0xFF00 >> (depth & 7) & 0xFF
        prefix[-1] = prefix[-1] & keep | 0x80 >> (depth & 7)
        return bisect_left(self._keys, bytes(prefix), start, end)

    def _root(self, start: int, end: int, depth: int) -> bytes:
        if start == end:
            return NOTHING
        if end - start == 1:
            return map_leaf(self._keys[start], self._values[self._keys[start]])
        middle = self._middle(start, end, depth)
        return map_node(self._root(start, middle, depth + 1), self._root(middle, end, depth + 1))

    def prove(self, key: bytes) -> MapProof:
        siblings = []
        start, end, depth = 0, len(self._keys), 0
        while end - start > 1:
            middle = self._middle(start, end, depth)
            low, high = (start, middle), (middle, end)
            (start, end), other = (high, low) if _bit(key, depth) else (low, high)
            siblings.append(self._root(*other, depth + 1))
            depth += 1
        if start == end:
            return MapProof(tuple(siblings))
        found = self._keys[start]
        return MapProof(tuple(siblings), found, self._values[found])


def verify(root: bytes, key: bytes, value: bytes, proof: MapProof) -> bool:
    """Whether the map says ``value`` for ``key``; with an empty ``value``, that it says nothing."""
    if len(proof.siblings) > 256:
        return False
    if proof.key:
        depth = len(proof.siblings)
        if value and (proof.key, proof.value) != (key, value):
            return False
        if not value and (proof.key == key or any(_bit(proof.key, at) != _bit(key, at) for at in range(depth))):
            return False
        found = map_leaf(proof.key, proof.value)
    elif value:
        return False
    else:
        found = NOTHING
    for depth in range(len(proof.siblings) - 1, -1, -1):
        sibling = proof.siblings[depth]
        found = map_node(sibling, found) if _bit(key, depth) else map_node(found, sibling)
    return found == root
