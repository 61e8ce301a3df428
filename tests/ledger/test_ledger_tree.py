"""The tree against the recursion of RFC 9162, and proofs that must not pass."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.ledger.tree import (
    EMPTY,
    Frontier,
    Leaves,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)


def split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def mth(data: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(data) == 1:
        return []
    k = split(len(data))
    return [*path(m, data[:k]), mth(data[k:])] if m < k else [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], known: bool) -> list[bytes]:
    """RFC 9162, 2.1.4.1."""
    if m == len(data):
        return [] if known else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], known), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


DATA = [f"entry {i}".encode() for i in range(700)]
HASHES = [leaf_hash(item) for item in DATA]
TREE = Leaves(HASHES)


def test_every_size_has_the_root_of_the_recursion() -> None:
    tree = Frontier()
    assert tree.root == EMPTY == mth([])
    filled = []
    for size in range(1, 301):
        filled += tree.add(HASHES[size - 1])
        assert tree.root == mth(DATA[:size]) == root_of(size, TREE)
        again = Frontier(size, tree.peaks)
        assert again.root == tree.root
    assert filled == [(1, 0, mth(DATA[:256]))]


def test_a_tree_of_two_levels_of_tiles() -> None:
    tree = Frontier()
    filled = [item for i in range(65536 + 256) for item in tree.add(leaf_hash(b"%d" % i))]
    assert [(level, index) for level, index, _ in filled if level == 2] == [(2, 0)]
    assert len(filled) == 258
    with pytest.raises(ValueError, match="peaks"):
        Frontier(5, [b"x"])


def test_the_vectors_of_certificate_transparency() -> None:
    """Roots that every implementation of RFC 6962 is tested with."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = Frontier()
    roots = []
    for item in leaves:
        tree.add(leaf_hash(bytes.fromhex(item)))
        roots.append(tree.root.hex())
    assert roots[0] == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert roots[-1] == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@settings(deadline=None)
@given(st.integers(1, 600), st.data())
def test_inclusion(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, TREE)
    root = root_of(size, TREE)
    assert proof == path(index, DATA[:size])
    assert verify_inclusion(HASHES[index], index, size, proof, root)
    other = data.draw(st.integers(0, 699).filter(lambda i: i != index))
    assert not verify_inclusion(HASHES[other], index, size, proof, root)
    assert not verify_inclusion(HASHES[index], index, size, [*proof, HASHES[0]], root)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof]
        bent[place] = sha256(bent[place]).digest()
        assert not verify_inclusion(HASHES[index], index, size, bent, root)
        assert not verify_inclusion(HASHES[index], index, size, proof[:-1], root)


@settings(deadline=None)
@given(st.integers(0, 600), st.data())
def test_consistency(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, size))
    proof = consistency_proof(old, size, TREE)
    before, after = root_of(old, TREE), root_of(size, TREE)
    if old > 0:
        assert proof == subproof(old, DATA[:size], True)
    assert verify_consistency(old, size, proof, before, after)
    assert not verify_consistency(old, size, proof, sha256(before).digest(), after)
    if 0 < old < size:
        assert not verify_consistency(old, size, proof, before, sha256(after).digest())
        assert not verify_consistency(old, size, proof[:-1], before, after)
        assert not verify_consistency(old, size, [*proof, HASHES[0]], before, after)
    assert not verify_consistency(size + 1, size, proof, before, after)


def test_what_is_not_in_the_tree() -> None:
    with pytest.raises(ValueError, match="no leaf 5"):
        inclusion_proof(5, 5, TREE)
    with pytest.raises(ValueError, match="never"):
        consistency_proof(6, 5, TREE)
    assert not verify_inclusion(HASHES[0], 0, 0, [], EMPTY)
    assert not verify_inclusion(HASHES[0], -1, 3, [], EMPTY)
