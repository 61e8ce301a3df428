"""Writing and reading: what is in a leaf, what never is, who sees what, what is left after an erasure."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from small_record import Clock, fill

from arengo.errors import BadForm, LedgerBroken, NotFound
from arengo.ledger import EVERYONE, Ledger, Visibility
from arengo.ledger.entry import bucket, canonical, commitment
from arengo.ledger.inventory import verify as verify_city
from arengo.ledger.tree import leaf_hash, root_of, verify_consistency, verify_inclusion


def test_what_is_told_is_held(ledger: Ledger) -> None:
    number = ledger.tell(
        "decision",
        actor="person/anna",
        organisation="school-office",
        dataset="school-enrolment",
        body={
            "contract": "1.2.0",
            "version": 7,
            "fields": ["year", "school"],
            "purpose": "school-bus",
            "basis": "https://w3id.org/dpv/legal/eu/gdpr#A6-1-e",
            "decision": "permit",
            "policy": "ab12",
            "request": "r-1",
            "rows": 431,
            "reason": "Anna Rossi may read this.",
        },
        subjects=["RSSNNA80A01H501U"],
    )
    assert (number, ledger.size) == (0, 1)
    entry = ledger.entry(0)
    facts = entry.facts
    assert facts["n"] == 0
    assert facts["t"] == "2026-03-02T09:00:00.001000Z" or entry.at < datetime(2026, 3, 3, tzinfo=UTC)
    assert facts["fields"] == ["year", "school"]
    assert facts["rows"] == "101-1000"
    assert facts["version"] == "7"
    assert (entry.organisation, entry.dataset, entry.kind) == ("school-office", "school-enrolment", "decision")
    assert entry.leaf == canonical(facts)
    assert entry.hash == leaf_hash(entry.leaf)
    assert entry.body is None
    for person in (b"anna", b"Anna", b"RSSNNA80A01H501U", b"Rossi"):
        assert person not in entry.leaf
    whole = ledger.entry(0, whole=True)
    assert whole.body is not None
    assert whole.body["actor"] == "person/anna"
    assert facts["body"] == commitment(bytes.fromhex(whole.salt), whole.text.encode()).hex()


def test_identifiers_only_in_the_leaf(ledger: Ledger) -> None:
    ledger.tell(
        "login",
        organisation="anna.rossi@example.org",
        dataset="a b",
        body={"request": "anna@example.org", "purpose": "because Anna asked", "policy": "x" * 201, "rows": True},
    )
    assert set(ledger.entry(0).facts) == {"v", "n", "t", "kind", "body"}


def test_entries_too_odd_to_record(ledger: Ledger) -> None:
    with pytest.raises(BadForm, match="no kind"):
        ledger.tell("gossip")
    with pytest.raises(BadForm, match="larger"):
        ledger.tell("read", body={"filter": "x" * 1_100_000})
    ledger.tell("read", body={"filter": "\ud800 half a character", 5: {"at": datetime(2026, 1, 1, tzinfo=UTC)}})
    ledger.tell("read", body={"fields": [f"column {i} with a long name" for i in range(9000)]})
    assert len(ledger.entry(1).leaf) < 65_535
    assert ledger.entry(1).facts["fields"].startswith("sha256:")
    assert not verify_city(ledger).problems or ledger.sign()
    assert verify_city(ledger).ok


def test_how_many_rows_roughly() -> None:
    assert [bucket(n) for n in (-1, 0, 1, 10, 11, 100, 101, 10_000_000)] == [
        "0",
        "0",
        "1-10",
        "1-10",
        "11-100",
        "11-100",
        "101-1000",
        "1000001-10000000",
    ]


def test_lists_and_days(ledger: Ledger, clock: Clock) -> None:
    fill(ledger, 30)
    clock.at += timedelta(days=1)
    fill(ledger, 20, 30)
    ledger.tell("publication", organisation="parks", dataset="trees")
    assert [e.number for e in ledger.entries(limit=3)] == [0, 1, 2]
    assert [e.number for e in ledger.entries(2, 2)] == [3, 4]
    assert [e.number for e in ledger.entries(before=51, limit=2)] == [50, 49]
    assert [e.number for e in ledger.entries(kind="publication")] == [50]
    assert {e.dataset for e in ledger.entries(dataset="trees", limit=1000)} == {"trees"}
    assert len(ledger.entries(day="2026-03-02")) == 30
    assert [e.number for e in ledger.entries(day="2026-03-03", limit=1)] == [30]
    assert ledger.entries(day="2026-03-04") == ()
    assert ledger.entries(actor="app-1", limit=1)[0].number == 1
    assert ledger.days() == {"2026-03-03": {"publication": 1, "read": 20}, "2026-03-02": {"read": 30}}
    with pytest.raises(NotFound):
        ledger.entry(51)
    with pytest.raises(NotFound):
        ledger.entry(1 << 70)


def test_the_clock_may_go_back_and_the_record_does_not(ledger: Ledger, clock: Clock) -> None:
    ledger.tell("read")
    clock.at -= timedelta(days=30)
    ledger.tell("read")
    assert ledger.entry(1).at == ledger.entry(0).at


def test_proofs_of_a_record_of_several_tiles(ledger: Ledger) -> None:
    fill(ledger, 600)
    root = ledger.root
    assert root == root_of(600, ledger.nodes)
    for number in (0, 1, 255, 256, 511, 512, 599):
        assert verify_inclusion(ledger.entry(number).hash, number, 600, ledger.inclusion(number), root)
    for old in (0, 1, 255, 256, 257, 512, 599, 600):
        assert verify_consistency(old, 600, ledger.consistency(old), root_of(old, ledger.nodes), root)
    with pytest.raises(NotFound):
        ledger.inclusion(600)
    with pytest.raises(NotFound):
        ledger.inclusion(5, 601)
    with pytest.raises(NotFound):
        ledger.consistency(-1)


def test_many_threads(ledger: Ledger) -> None:
    numbers: list[int] = []

    def work(name: int) -> None:
        for i in range(20):
            numbers.append(ledger.tell("read", actor=f"{name}-{i}", subjects=["one person"]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(160))
    (mine,) = ledger.of_subject("one person")
    assert mine.complete
    assert [item.counter for item in mine.items] == list(range(1, 161))


def test_a_ticket_says_when_it_is_written(ledger: Ledger) -> None:
    ticket = ledger.submit("read")
    assert ticket.wait(120) == 0
    assert ticket.done


def test_deferred_and_sealed(ledger: Ledger, clock: Clock) -> None:
    later = Visibility("deferred", clock.at + timedelta(days=3), "prosecutor", "c.p.p. art. 329")
    body = {"fields": ["name"], "purpose": "inquiry"}
    ledger.tell(
        "read", actor="officer", organisation="police", dataset="residents", body=body, subjects=["p"], visibility=later
    )
    entry = ledger.entry(0, whole=True)
    assert set(entry.facts) == {"v", "n", "t", "kind", "visibility", "body", "subjects"}
    assert entry.hidden
    assert entry.body is None
    assert not ledger.entries(dataset="residents")
    (mine,) = ledger.of_subject("p", whole=True)
    assert len(mine.items) == 1
    assert mine.complete
    assert mine.items[0].entry.body is None
    clock.at += timedelta(days=4)
    assert not ledger.entry(0).hidden
    shown = ledger.entry(0, whole=True)
    assert shown.body is not None
    assert shown.body["organisation"] == "police"

    assert ledger.tell("read", actor="officer", dataset="residents") == 2  # behind the count
    ledger.hide(2, Visibility("sealed", None, "judge", "c.p.p. art. 116"))
    assert ledger.entry(2, whole=True).body is None
    assert ledger.entry(3, whole=True).body["facts"]["entry"] == 2  # type: ignore[index]
    ledger.reveal(2, by="judge", basis="closed")
    assert ledger.entry(2, whole=True).body is not None
    assert ledger.size == 5
    for wrong in ({"kind": "secret"}, {"kind": "deferred", "by": "a", "basis": "b"}, {"kind": "sealed", "by": "a"}):
        with pytest.raises(BadForm):
            Visibility(**wrong)  # type: ignore[arg-type]


def test_an_erased_person_leaves_leaves_and_nothing_else(ledger: Ledger) -> None:
    fill(ledger, 40)
    ledger.tell("read", dataset="children", subjects=["person-0", "person-1"])
    ledger.sign()
    before = {number: ledger.entry(number).leaf for number in range(41)}
    (mine,) = ledger.of_subject("person-0")
    numbers = [item.entry.number for item in mine.items]
    assert ledger.erase_subject("person-0", actor="dpo", basis="GDPR art. 17") == len(numbers)
    assert ledger.of_subject("person-0")[0].items == ()
    assert ledger.of_subject("person-0")[0].complete
    root, size = ledger.root, ledger.size
    for number in numbers:
        assert ledger.entry(number).leaf == before[number]
        assert verify_inclusion(leaf_hash(before[number]), number, size, ledger.inclusion(number), root)
    assert ledger.entry(0, whole=True).erased
    assert not ledger.entry(40).erased  # it is about somebody else too
    assert ledger.of_subject("person-1")[0].complete
    assert verify_city(ledger).problems == ()
    assert ledger.erase_subject("nobody") == 0
    ledger.tell("read", subjects=["person-0"])
    again = ledger.of_subject("person-0")[0]
    assert [item.counter for item in again.items] == [1]


def test_old_bodies_go(ledger: Ledger, clock: Clock) -> None:
    fill(ledger, 10)
    clock.at += timedelta(days=400)
    ledger.tell("login", actor="anna")
    assert ledger.erase_bodies(before=clock.at - timedelta(days=365), kinds=["read"], basis="5 years") == 10
    assert ledger.entry(3).erased
    assert not ledger.entry(10).erased
    ledger.sign()
    assert verify_city(ledger).ok
    held = b"".join(path.read_bytes() for path in ledger.settings.home.glob("ledger.sqlite*"))
    assert b'"actor":"app-1"' not in held


def test_everybody_in_a_dataset(ledger: Ledger) -> None:
    ledger.tell("read", dataset="children", subjects=EVERYONE)
    ledger.tell("read", dataset="children", subjects=["a"])
    ledger.tell("read", dataset="trees", subjects=[EVERYONE, "a"])
    assert ledger.entry(0).facts["everyone"] is True
    own, children = ledger.of_subject("a", datasets=["children"])
    assert [item.entry.number for item in own.items] == [1]
    assert [item.entry.number for item in children.items] == [0]


def test_no_person_in_any_file_that_is_published(ledger: Ledger) -> None:
    fill(ledger, 300)
    ledger.map()
    ledger.sign()
    home = ledger.settings.home
    files = [path for path in (home / "ledger").rglob("*") if path.is_file()]
    assert len(files) >= 5
    pseudonyms = [ledger.keys.names.subject(f"person-{i}") for i in range(7)]
    for path in files:
        held = path.read_bytes()
        for word in (b"person-", b"app-0", b"app-1", *pseudonyms, *(item.hex().encode() for item in pseudonyms)):
            assert word not in held, path
    database = b"".join(path.read_bytes() for path in home.glob("ledger.sqlite*"))
    assert b"person-" not in database  # the city itself holds pseudonyms only


def test_files_only_the_owner_reads(ledger: Ledger) -> None:
    ledger.tell("read")
    for name in ("ledger.key", "ledger.sqlite", "ledger.lock"):
        assert (ledger.settings.home / name).stat().st_mode & 0o077 == 0
    key = ledger.keys.log
    assert key.secret().split("+")[-1] not in repr(ledger.keys)


def test_a_record_set_back_takes_nothing_more(ledger: Ledger, make: Callable[[Path], Ledger]) -> None:
    fill(ledger, 10)
    ledger.close()
    database = ledger.settings.home / "ledger.sqlite"
    old = database.read_bytes()
    fill(ledger, 10)
    ledger.sign()
    ledger.close()
    for path in ledger.settings.home.glob("ledger.sqlite-*"):
        path.unlink()
    database.write_bytes(old)
    again = make(ledger.settings.root)
    with pytest.raises(LedgerBroken, match="set back"):
        again.tell("read")
    with pytest.raises(LedgerBroken, match="set back"):
        again.sign()


def test_a_record_whose_hashes_were_changed_is_not_signed(ledger: Ledger) -> None:
    fill(ledger, 10)
    ledger.sign()
    with ledger._open().alone() as transaction:
        transaction.run("UPDATE ledger_leaf SET hash = ? WHERE n = 3", (bytes(32),))
    ledger.nodes._kept.clear()
    fill(ledger, 5)
    with pytest.raises(LedgerBroken, match="not those that were signed"):
        ledger.sign()


def test_what_is_due_by_itself(ledger: Ledger, clock: Clock) -> None:
    assert ledger.turn() is None
    fill(ledger, 4)
    first = ledger.turn()
    assert first is not None
    assert first.size == 6  # with the count of persons and the day's map
    assert ledger.turn() is None
    fill(ledger, 4)
    assert ledger.turn() is None
    clock.at += timedelta(seconds=61)
    second = ledger.turn()
    assert second is not None
    assert second.size == 11
    count_entry, map_entry, again = ledger.entries(kind="completeness")
    assert [item.facts["action"] for item in (count_entry, map_entry, again)] == ["count", "map", "count"]
    assert map_entry.facts["size"] == "4"
    assert ledger.of_subject("person-0")[0].complete


def test_a_person_from_whom_an_entry_is_kept_sees_the_gap(ledger: Ledger) -> None:
    fill(ledger, 28)
    ledger.map()
    with ledger._open().alone() as transaction:  # the last one, so that the counters alone show nothing
        transaction.run(
            "DELETE FROM ledger_subject WHERE pseudonym = ? AND counter = 2", (ledger.keys.names.subject("person-0"),)
        )
    (mine,) = ledger.of_subject("person-0")
    assert not mine.complete
    assert "counts another number of entries than the 1 shown" in mine.why
    with ledger._open().alone() as transaction:
        transaction.run(
            "DELETE FROM ledger_subject WHERE pseudonym = ? AND counter = 1", (ledger.keys.names.subject("person-2"),)
        )
    (hers,) = ledger.of_subject("person-2")
    assert "counted 1 is missing" in hers.why


def test_the_leaf_is_json_that_anybody_can_read(ledger: Ledger) -> None:
    ledger.tell("publication", dataset="trees", organisation="parks", body={"version": 4, "rows": 1234})
    assert orjson.loads(ledger.entry(0).leaf) == ledger.entry(0).facts
    assert ledger.entry(0).facts["rows"] == "1234"


def test_what_comes_while_something_is_erased_is_written_after_it(ledger: Ledger) -> None:
    ledger.tell("read")
    writer = ledger._open()
    numbers: list[int] = []
    thread = threading.Thread(target=lambda: numbers.append(ledger.tell("read")))
    with writer.alone():
        thread.start()
        while not writer._pending:
            thread.join(0.005)
        thread.join(0.05)
        assert numbers == []
    thread.join(120)
    assert numbers == [1]


def test_an_entry_that_cannot_be_written_fails_alone_and_the_next_is_written(ledger: Ledger) -> None:
    ledger.tell("read")
    with ledger._open().alone() as transaction:
        transaction.run("CREATE TRIGGER full BEFORE INSERT ON ledger_body BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError):
        ledger.tell("read")
    ticket = ledger.submit("read")
    with pytest.raises(sqlite3.IntegrityError):
        ticket.wait(120)
    with ledger._open().alone() as transaction:
        transaction.run("DROP TRIGGER full")
    assert ledger.tell("read") == 1
    assert ledger.size == 2


def test_a_record_held_by_another_process_is_busy_and_a_damaged_one_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    from arengo.errors import Busy, LedgerBroken
    from arengo.ledger import store
    from arengo.settings import Settings
    from arengo.state import open_state

    settings = Settings(tmp_path)
    settings.home.mkdir(parents=True, exist_ok=True)
    with open_state(settings.state_url) as state:
        monkeypatch.setattr(store, "BUSY_SECONDS", 0.2)
        ledger = Ledger(settings, state)
        ledger.tell("administration", actor="operator", body={"act": "begun"})
        other = sqlite3.connect(settings.home / "ledger.sqlite", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Busy):
            ledger.tell("administration", actor="operator", body={"act": "told"})
        other.execute("ROLLBACK")
        other.close()
        ledger.tell("administration", actor="operator", body={"act": "told"})
        ledger.close()
        for tail in ("-wal", "-shm"):
            (settings.home / f"ledger.sqlite{tail}").unlink(missing_ok=True)
        (settings.home / "ledger.sqlite").write_bytes(b"this was a database once, and is none any more " * 200)
        with pytest.raises(LedgerBroken):
            Ledger(settings, state).tell("administration", actor="operator", body={"act": "told"})
