"""The index is disposable: changed piece by piece it equals one made anew, damage mends, processes share it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from catalogue_shelf import TOWN, Shelf, harvested, hold, made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arengo.catalogue import Record, Wanted
from arengo.catalogue.index import BATCH, Change, Index
from arengo.catalogue.search import search
from arengo.catalogue.wanted import FACETS
from arengo.errors import Busy

QUESTIONS = ("", "albero", "arbre carrer", "qualitta", "radwege", "library zeppelin", "street trees", "bau")


def answers(shelf: Shelf) -> list[Any]:
    """Everything that an answer says, for comparison."""
    out: list[Any] = []
    for words in QUESTIONS:
        found = shelf.find(words, facets=FACETS, limit=50, language="it")
        out.append(
            (
                [(hit.record.id, round(hit.score, 9), hit.snippets) for hit in found.hits],
                found.total, found.corrected, found.relaxed,
                {name: [(item.value, item.count) for item in items] for name, items in found.facets.items()},
            )
        )  # fmt: skip
    return out


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "remove", "reword"]), st.integers(0, len(TOWN) - 1)), min_size=1, max_size=15
    )
)
def test_changed_piece_by_piece_equals_made_anew(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    shelf = Shelf(Path(tmp_path_factory.mktemp("piecewise")), TOWN[:6])
    for act, number in steps:
        record = TOWN[number]
        if act == "put":
            shelf.put(record)
        elif act == "reword":
            shelf.put(replace(record, title={"en": "Waste of the city"}, keywords={"en": ("waste",)}))
        elif record.id in shelf.records:
            shelf.remove(record.id)
    anew = Shelf(Path(tmp_path_factory.mktemp("anew")))
    anew.put(*shelf.records.values())
    # both know the same languages only when the first forgot those it no longer has; that is not asked for
    anew.index.connection().executemany(
        "INSERT OR IGNORE INTO spoken VALUES (?)", shelf.index.connection().execute("SELECT language FROM spoken")
    )
    anew.index._held = None
    assert answers(shelf) == answers(anew)


def test_an_unchanged_record_is_not_made_again(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, TOWN)
    before = shelf.index.state()

    def never() -> Any:
        raise AssertionError

    shelf.index.update(
        shelf.generation + 1,
        lambda: [Change(name, stamp, never) for name, stamp in shelf.stamps.items()],
        lambda since: iter(()),
        0,
    )
    shelf.index.wait()
    after = shelf.index.state()
    assert (after.n, after.own) == (before.n, shelf.generation + 1)


def test_harvested_records_come_and_go_by_their_stamps(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, [made("own", "it", "Alberi")])
    theirs = {f"t{number}": harvested(made(f"t{number}", "it", f"Alberi {number}")) for number in range(BATCH + 30)}
    log = [(at + 1, Change(name, str(at), lambda record=record: record)) for at, (name, record) in
           enumerate(theirs.items())]  # fmt: skip
    shelf.records |= {}

    def take(generation: int) -> None:
        shelf.index.update(
            generation,
            lambda: [Change("own", shelf.stamps["own"], lambda: shelf.records["own"])],
            lambda since: iter([item for item in log if item[0] > since]),
            log[-1][0],
        )
        shelf.index.wait()

    everything = {**shelf.records, **theirs}

    def load(names: Sequence[str]) -> dict[str, Record]:
        return {name: everything[name] for name in names if name in everything}

    take(2)
    assert search(shelf.index, Wanted("alberi"), load).total == len(theirs) + 1
    assert search(shelf.index, Wanted(only={"source": ("region",)}), load).total == len(theirs)
    log.append((log[-1][0] + 1, Change("t0", "gone", lambda: None)))
    take(3)
    found = search(shelf.index, Wanted("alberi", limit=5, facets=("source",)), load)
    assert found.total == len(theirs)
    assert found.facets["source"][0].count == len(theirs) - 1
    assert shelf.index.state().harvested == log[-1][0]


def test_an_older_view_does_not_undo_a_newer_one(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, [made("a", "en", "New title")])
    old = made("a", "en", "Old title")
    shelf.index.update(0, lambda: [Change("a", "0", lambda: old)], lambda since: iter(()), 0)
    shelf.index.wait()
    assert shelf.find("old").total == 0


@pytest.mark.parametrize("how", ["torn", "no database", "gone", "emptied"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, how: str) -> None:
    shelf = Shelf(tmp_path, TOWN)
    path = shelf.index.path
    shelf.index.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if how == "gone":
        shelf.index._local.held[0].close()
        path.unlink()
    elif how == "emptied":
        connection = sqlite3.connect(path)
        connection.execute("DROP TABLE state")
        connection.close()
    else:
        shelf.index._local.held[0].close()
        shelf.index._local.held = None
        data = bytearray(path.read_bytes())
        start = 0 if how == "no database" else 4096
        data[start : start + 60_000] = b"\x55" * min(60_000, len(data) - start)
        path.write_bytes(data)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    shelf.index._held = None
    for _ in range(3):  # as the catalogue does
        try:
            shelf.take()
            if shelf.names("albero", limit=1):
                break
        except sqlite3.DatabaseError:
            shelf.index.drop()
        shelf.index._not_before = 0.0
    assert "alberi" in shelf.names("albero")
    assert shelf.find().total == len(TOWN)


def test_another_process_throws_the_file_away(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, TOWN)
    other = Index(shelf.index.path, hold)
    other.connection()
    other.drop()
    shelf.generation += 1
    shelf.take()
    assert shelf.find("albero").total > 0
    assert shelf.index.connection().execute("SELECT count(*) FROM doc").fetchone()[0] == len(TOWN)


def test_a_question_does_not_wait_for_a_long_work(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, TOWN)
    go = threading.Event()
    ended: list[int] = []

    def slow() -> Any:
        go.wait(200)
        ended.append(1)
        return made("slow", "en", "Slow")

    changes = [*shelf.changes(), *(Change(f"s{n}", "1", slow) for n in range(300))]
    shelf.index.update(shelf.generation + 1, lambda: changes, lambda since: iter(()), 0)
    assert shelf.find("albero").total > 0
    shelf.index.update(shelf.generation + 1, lambda: changes, lambda since: iter(()), 0)
    assert shelf.find("albero").total > 0
    assert not ended
    go.set()
    shelf.index.wait()


def test_who_finds_the_lock_held_answers_from_what_is_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, TOWN)

    import contextlib

    @contextlib.contextmanager
    def taken(name: str, wait: float = 0.0) -> Any:
        raise Busy("Another process is working on it.")
        yield

    other = Index(shelf.index.path, taken)
    new = made("new", "en", "New")
    other.update(99, lambda: [Change("new", "1", lambda: new)], lambda since: iter(()), 0)
    assert search(other, Wanted("albero"), shelf.load).total > 0
    assert other.state().own == shelf.generation


def test_readers_and_a_writer_at_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, TOWN)
    failures: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                found = shelf.find("albero", facets=("theme", "tag"))
                assert found.total > 0
                shelf.find("arbres barcelona zeppelin")
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(15):
        shelf.put(made("changing", "fr", f"Arbres barcelona {number}"))
    stop.set()
    for reader in readers:
        reader.join()
    assert not failures


PROCESS = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from catalogue_shelf import TOWN, Shelf
import fcntl, contextlib, catalogue_shelf

@contextlib.contextmanager
def hold(name, wait=0.0):
    with open({folder!r} + "/lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

catalogue_shelf.hold = hold
shelf = Shelf(Path({folder!r}), TOWN)
print(shelf.find().total, len(shelf.names("albero")))
"""


@pytest.mark.slow
def test_processes_that_start_together_share_one_file(tmp_path: Path) -> None:
    code = PROCESS.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    assert len({out for out, _ in said}) == 1, said
    connection = sqlite3.connect(tmp_path / "catalogue.sqlite")
    assert connection.execute("SELECT count(*), count(DISTINCT id) FROM doc").fetchone() == (len(TOWN), len(TOWN))
    connection.close()
