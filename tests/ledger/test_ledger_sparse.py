"""The map of persons: proofs of presence and of absence."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.ledger.sparse import NOTHING, MapProof, SparseMap, verify

digests = st.binary(min_size=32, max_size=32)
near = st.builds(lambda head, tail: bytes([head]) + bytes(30) + bytes([tail]), st.integers(0, 3), st.integers(0, 7))


@settings(deadline=None)
@given(st.dictionaries(digests | near, digests, max_size=40), digests | near, digests)
def test_a_map_says_what_it_holds_and_what_it_does_not(
    values: dict[bytes, bytes], stranger: bytes, other: bytes
) -> None:
    made = SparseMap(values)
    for key, value in values.items():
        proof = made.prove(key)
        assert verify(made.root, key, value, proof)
        assert not verify(made.root, key, sha256(value).digest(), proof)
        assert not verify(made.root, key, b"", proof)
        assert not verify(sha256(made.root).digest(), key, value, proof)
    if stranger not in values:
        proof = made.prove(stranger)
        assert verify(made.root, stranger, b"", proof)
        assert not verify(made.root, stranger, other, proof)


def test_an_empty_map_and_absurd_proofs() -> None:
    empty = SparseMap({})
    assert empty.root == NOTHING
    assert verify(NOTHING, bytes(32), b"", empty.prove(bytes(32)))
    assert not verify(NOTHING, bytes(32), b"", MapProof((NOTHING,) * 257))
    one = SparseMap({b"\x80" + bytes(31): bytes(32), bytes(32): bytes(32)})
    wrong = one.prove(b"\x80" + bytes(31))
    assert not verify(one.root, b"\x01" + bytes(31), b"", wrong)


def test_the_order_of_insertion_does_not_matter() -> None:
    pairs = [(sha256(b"%d" % i).digest(), sha256(b"v%d" % i).digest()) for i in range(500)]
    assert SparseMap(dict(pairs)).root == SparseMap(dict(reversed(pairs))).root
