"""The Merkle tree of RFC 9162, section 2: its hashes, its growth, its proofs and how they are checked.

A tree is only ever known by the hashes of its perfect subtrees: ``node(level, index)`` is the root over the leaves
``index * 2**level`` to ``(index + 1) * 2**level``. Whoever keeps them (a database, tiles, a list) hands that function
in. All hashes are 32 bytes (SHA-256).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

Node = Callable[[int, int], bytes]
"""(level, index) -> root of that perfect subtree."""

EMPTY = sha256(b"").digest()
"""Root of a tree without leaves (RFC 9162, 2.1.1)."""
TILE = 8
"""Levels of a tile (C2SP tlog-tiles): 256 hashes wide."""


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A growing tree as the roots of its perfect subtrees, the largest first: at most one a bit of its size."""

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            raise ValueError(f"A tree of {size} leaves has {size.bit_count()} peaks, {len(self.peaks)} were given.")

    def add(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf's hash. Returns (tile level, index, root) of the tiles that it filled."""
        filled = []
        at, level, top = self.size, 0, leaf
        while at & 1:
            top = node_hash(self.peaks.pop(), top)
            at >>= 1
            level += 1
            if level % TILE == 0:
                filled.append((level // TILE, at, top))
        self.peaks.append(top)
        self.size += 1
        return filled

    @property
    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            root = node_hash(peak, root)
        return root


def peaks_of(size: int) -> list[tuple[int, int]]:
    """(level, index) of the perfect subtrees that make up a tree, the largest first."""
    out, done = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            out.append((level, done >> level))
            done += 1 << level
    return out


def root_of(size: int, node: Node) -> bytes:
    return Frontier(size, [node(level, index) for level, index in peaks_of(size)]).root


def _range(start: int, end: int, node: Node) -> bytes:
    """Root over leaves ``start`` to ``end`` (exclusive), where ``start`` is where the recursion of the RFC splits."""
    count = end - start
    level = count.bit_length() - 1
    if count == 1 << level:
        return node(level, start >> level)
    return node_hash(node(level, start >> level), _range(start + (1 << level), end, node))


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """The path of RFC 9162, 2.1.3.1, from the leaf up. Raises ValueError when the tree has no such leaf."""
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(old: int, size: int, node: Node) -> list[bytes]:
    """The proof of RFC 9162, 2.1.4.1, that the first ``old`` leaves are still the first. Empty when nothing grew."""
    if not 0 <= old <= size:
        raise ValueError(f"A tree of {size} leaves was never one of {old}.")
    if old in (0, size):
        return []
    path, start, end, known = [], 0, size, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(start, middle, node))
            start, known = middle, False
    if not known:
        path.append(_range(start, end, node))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2. ``leaf``: the leaf's hash."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            found = node_hash(found, step)
        at >>= 1
        last >>= 1
    return last == 0 and found == root


def verify_consistency(old: int, size: int, proof: Sequence[bytes], before: bytes, after: bytes) -> bool:
    """RFC 9162, 2.1.4.2: whether the tree of ``size`` with root ``after`` begins with the one of ``old``."""
    if not 0 <= old <= size:
        return False
    if old == size:
        return not proof and before == after
    if old == 0:
        return not proof and before == EMPTY
    steps = list(proof)
    if old & (old - 1) == 0:
        steps.insert(0, before)
    if not steps:
        return False
    at, last = old - 1, size - 1
    while at & 1:
        at >>= 1
        last >>= 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            second = node_hash(second, step)
        at >>= 1
        last >>= 1
    return last == 0 and first == before and second == after


class Leaves:
    """Perfect subtrees over leaf hashes held in memory: for trees that are read whole, and for small ones."""

    __slots__ = ("levels",)

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.levels: list[list[bytes]] = [list(leaves)]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            pairs = range(0, len(below) - 1, 2)
            self.levels.append([node_hash(below[i], below[i + 1]) for i in pairs])

    def __call__(self, level: int, index: int) -> bytes:
        return self.levels[level][index]

    def root(self, size: int = -1) -> bytes:
        return root_of(len(self.levels[0]) if size < 0 else size, self)
