"""Counting persons in batches: what is proved is the same however the batches fall, and nothing can be moved."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_record import Clock, fill

from arengo.errors import LedgerBroken
from arengo.ledger import Ledger, sheaf, tally
from arengo.ledger.about import About, commitment, counted, slots
from arengo.ledger.inventory import verify as verify_city


def digests(count: int) -> list[bytes]:
    return [sha256(f"{at}".encode()).digest() for at in range(count)]


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 128, 4096, 4097, 10_000])
def test_who_stands_in_a_sheaf_is_proved(count: int) -> None:
    items = digests(count)
    top = sheaf.root(items)
    for at in {0, 1, 63, 64, count // 2, count - 1} & set(range(count)):
        proof = sheaf.path(items, at)
        assert sheaf.top(items[at], proof) == top
        assert sheaf.top(sha256(b"other").digest(), proof) != top
        assert sum(len(before) + len(after) for before, after in proof) <= 3 * 63 * 32


@given(st.integers(1, 300), st.integers(0, 299), st.binary(max_size=70), st.binary(max_size=70))
def test_bent_paths_prove_nothing(count: int, at: int, before: bytes, after: bytes) -> None:
    items = digests(count)
    proof = sheaf.path(items, at % count)
    bent = ((before, after), *proof[1:])
    if bent != proof:
        assert sheaf.top(items[at % count], bent) != sheaf.root(items)
    assert sheaf.top(items[at % count], ()) == b""
    assert sheaf.top(b"short", proof) == b""


def test_a_slot_forgotten_keeps_both_commitments() -> None:
    held = slots([bytes([at]) * 16 for at in range(5)])
    about = About(7, b"".join(held))
    before, counts = about.commitments(), about.counts([3, 1, 4, 1, 5])
    about.forget(2, 4)
    again = About(7, about.held, about.erased())
    assert again.commitments() == before == [commitment(slot) for slot in held]
    assert again.counts([3, 1, 0, 1, 5]) == counts
    assert counts[0] == counted(held[0], 7, 3)
    assert len(list(again.persons())) == 4
    assert again.place(held[2][16:]) == -1
    assert held[2] not in again.held


def test_counts_in_many_pieces_are_the_same(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MOST_PERSONS", 10)
    monkeypatch.setattr(tally, "ENTRIES", 4)
    fill(ledger, 30)
    ledger.tell("read", dataset="children", subjects=[f"person-{at}" for at in range(200)])
    ledger.tell("publication", dataset="trees")
    ledger.tell("read", dataset="children", subjects=["person-0", "person-199"])
    ledger.sign()
    counts = [entry for entry in ledger.entries(kind="completeness") if entry.facts["action"] == "count"]
    assert len(counts) > 2
    assert [int(entry.facts["size"]) for entry in counts] == sorted({int(entry.facts["size"]) for entry in counts})
    ledger.map()
    for at in (0, 1, 2, 6, 7, 199):
        (hers,) = ledger.of_subject(f"person-{at}")
        assert hers.complete, hers.why
        assert [item.counter for item in hers.items] == list(range(1, len(hers.items) + 1))
    assert len(ledger.of_subject("person-199")[0].items) == 2
    assert verify_city(ledger).ok
    size = ledger.size
    ledger.count()  # nothing is left to count, so nothing is written
    assert ledger.size == size


def test_a_counter_cannot_be_moved_to_another_entry_or_count(ledger: Ledger) -> None:
    fill(ledger, 40)
    ledger.sign()
    fill(ledger, 40, 40)
    person = ledger.keys.names.subject("person-0")
    (mine,) = ledger.of_subject("person-0")
    assert mine.complete
    first, second, last = mine.items[0], mine.items[1], mine.items[-1]
    assert first.count.number != last.count.number
    for bent in (
        dataclasses.replace(first, counter=2),
        dataclasses.replace(first, salt=second.salt),
        dataclasses.replace(first, entry=second.entry),
        dataclasses.replace(first, count=last.count),
        dataclasses.replace(first, within=second.within, beyond=second.beyond),
        dataclasses.replace(first, path=()),
    ):
        assert not bent.holds(person)
    assert first.holds(person)
    assert not first.holds(ledger.keys.names.subject("person-1"))


def test_the_same_person_named_twice_counts_once(ledger: Ledger) -> None:
    ledger.tell("read", dataset="trees", subjects=["a", "a", "\ud800", "\ud801"])
    assert len(ledger.of_subject("a")[0].items) == 1
    assert ledger.of_subject("\ud800")[0].complete  # both are written as the same mark


def test_erasing_before_anything_was_counted(ledger: Ledger) -> None:
    ledger.tell("read", dataset="trees", subjects=["a", "b"])
    assert ledger.erase_subject("a") == 1
    ledger.tell("read", dataset="trees", subjects=["a", "b"])
    assert [item.counter for item in ledger.of_subject("a")[0].items] == [1]
    hers = ledger.of_subject("b")[0]
    assert hers.complete
    assert [item.counter for item in hers.items] == [1, 2]
    ledger.sign()
    assert verify_city(ledger).ok


def test_what_was_counted_is_shown_when_nothing_can_be_written(
    ledger: Ledger, make: Callable[[Path], Ledger], clock: Clock
) -> None:
    fill(ledger, 8)
    ledger.sign()
    ledger.tell("read", subjects=["person-0"])
    ledger._open()._floor = 10**6
    with pytest.raises(LedgerBroken):
        ledger.count()
    assert len(ledger.of_subject("person-0")[0].items) == 2 - 1
