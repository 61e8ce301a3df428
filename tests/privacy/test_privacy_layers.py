"""The publication ledger of what grows: small files on large ones that say what one large file would say."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from gate_case import SECRET, Kind, Plain, Table, World, quasi, table
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from arengo.errors import LakeError
from arengo.privacy import releases as ledger
from arengo.privacy.overlap import layers
from arengo.privacy.overlap.classes import series_of
from arengo.privacy.overlap.layers import Persons, files_of, note_of, stay
from arengo.privacy.population import blind


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 1}) as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(layers, "SMALL", 0)
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def told(persons: dict[int, int]) -> str:
    listed = ", ".join(f"('s{who:05}', {code}::UBIGINT)" for who, code in persons.items())
    return f'SELECT * FROM (VALUES {listed}) AS t("_subject", "code")'


def read(engine: duckdb.DuckDBPyConnection, pile: Persons) -> dict[str, int]:
    rows = engine.execute(f"SELECT _subject, code FROM {pile.sql()}").fetchall()
    assert len(rows) == len(dict(rows))
    return dict(rows)


@hypothesis(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=300))
def test_there_are_few_layers_whatever_is_laid(changes: list[int]) -> None:
    rows: list[int] = []
    written = 0
    for more in changes:
        kept = stay(rows, more)
        written += more + sum(rows[kept:])
        rows = [*rows[:kept], more + sum(rows[kept:])]
    large = [item for item in rows if item > layers.SMALL]
    assert len(rows) <= len(large) + 1
    assert all(below > 2 * above for below, above in pairwise(large[1:]))
    assert len(large) <= 2 + sum(changes).bit_length()
    if min(changes) > layers.SMALL // 4:  # amortised: a row is written a few times, not once a change
        assert written <= sum(changes) * (6 + 2 * len(changes).bit_length())


@pytest.mark.parametrize("seed", range(6))
def test_layers_say_what_was_said_last(
    tmp_path: Path, engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(layers, "SMALL", seed % 3)
    chance, pile = random.Random(seed), Persons(tmp_path / "marks.parquet", "code")
    truth = {who: chance.randrange(9) for who in range(400)}
    pile.whole(engine, told(truth), {"n": 0})
    most = 0
    for at in range(1, 60):
        change = {chance.randrange(600): chance.randrange(2**63) for _ in range(chance.choice([1, 2, 7, 20, 50]))}
        truth |= change
        pile.lay(engine, told(change), {"n": at})
        assert read(engine, pile) == {f"s{who:05}": code for who, code in truth.items()}
        assert pile.note()["n"] == at
        most = max(most, len(pile.files()))
    assert 2 < most < 10
    pile.whole(engine, told({1: 1}), {"n": -1})
    assert read(engine, pile) == {"s00001": 1}
    assert [note_of(path) for path in pile.left()] == [{}] * len(pile.left())
    pile.remove()
    assert not list(tmp_path.iterdir())
    assert (pile.sql(), pile.note(), pile.files()) == ("", {}, ())


def test_what_is_laid_on_another_file_than_is_there_does_not_count(
    tmp_path: Path, engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "SMALL", 0)
    pile = Persons(tmp_path / "marks.parquet", "code")
    pile.whole(engine, told(dict.fromkeys(range(100), 1)), {"n": 0})
    pile.lay(engine, told({1: 2}), {"n": 1})
    old = pile.layer(1).read_bytes()
    pile.whole(engine, told(dict.fromkeys(range(100), 3)), {"n": 2})
    pile.layer(1).write_bytes(old)
    assert set(read(engine, pile).values()) == {3}
    assert pile.note()["n"] == 2
    pile.lay(engine, told({2: 4}), {"n": 3})
    pile.layer(1).write_bytes(b"PAR1 not at all")
    assert set(read(engine, pile).values()) == {3}
    assert pile.note()["n"] == 2  # which is not what the state says, so it is made anew


def test_a_kill_while_a_layer_is_written_leaves_what_was(
    tmp_path: Path, engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "SMALL", 0)
    pile = Persons(tmp_path / "marks.parquet", "code")
    pile.whole(engine, told(dict.fromkeys(range(100), 1)), {"n": 0})

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for change in ({1: 2}, dict.fromkeys(range(90), 2)):  # a layer, and the ground
        before = read(engine, pile), pile.note()
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                pile.lay(engine, told(change), {"n": 1})
        assert (read(engine, pile), pile.note()) == before
        pile.lay(engine, told(change), {"n": 1})
        assert read(engine, pile) == before[0] | {f"s{who:05}": 2 for who in change}


# Releases that grow


COLUMNS = {"band": quasi(Kind.STRING, "birth-date"), "sex": quasi(Kind.STRING, "sex")}


def visits(people: list[int], dataset: str = "visits") -> Table:
    return table(dataset, COLUMNS, [(f"b{who % 4}", "FM"[who % 2]) for who in people], people)


def grow(world: World, people: list[int], every: list[int], dataset: str = "visits") -> Any:
    """The next version, which adds ``people``; ``every``: all of whom it tells."""
    world.day += 1
    before = max(world.releases.of_dataset(dataset), key=lambda item: item.number)
    release = world.release(visits(every, dataset), before.number + 1)
    name = world.put(visits(people, dataset))
    assert world.releases.add(release, world.connection, name, MARK, before.number)
    return release


MARK = "hash(_subject)"


def first(world: World, people: list[int], dataset: str = "visits") -> Any:
    world.day += 1
    release = world.release(visits(people, dataset), 1)
    world.releases.add(release, world.connection, world.put(visits(people, dataset)), MARK)
    return release


def number(who: int) -> str:
    return blind(SECRET, "residents", str(who))


def rows(world: World, release: Any) -> list[str]:
    return sorted(row[0] for row in world.connection.execute(
        f"SELECT _subject FROM {world.releases.rows(release)}").fetchall())  # fmt: skip


def state(world: World) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Classes and marks of everybody, as readers get them; and what they are when they are made anew is the same."""

    def held() -> tuple[dict[str, int], dict[str, dict[str, int]]]:
        classes, run = world.releases.classes, world.connection.execute
        series = {series_of(item) for item in world.releases.of("residents")}
        marks = {key: run(f"SELECT * FROM {classes.series('residents', key).sql()}").fetchall() for key in series}
        persons = run(f"SELECT _subject, class FROM {classes.persons('residents').sql()}").fetchall()
        assert len(persons) == len(dict(persons))
        return dict(persons), {key: dict(found) for key, found in marks.items()}

    assert world.releases.classes.fresh("residents", world.releases.of("residents"))
    return held()


def check(world: World) -> None:
    before = state(world)
    world.releases.rebuild("residents")
    assert state(world) == before


def parts(world: World, release: Any) -> int:
    return len(files_of(world.releases.home, release.dataset, release.number))


@pytest.mark.parametrize("seed", range(3))
def test_what_grows_by_layers_is_what_is_written_whole(world: World, seed: int) -> None:
    chance = random.Random(seed)
    everybody = chance.sample(range(2_000), 2_000)
    first(world, everybody[500:900], "cards")
    here, rest = everybody[:600], everybody[600:]
    held = {first(world, here).number: list(here)}
    most = 0
    for at in range(12):
        more, rest = rest[: chance.choice([3, 20, 60])], rest[60:]
        more = more + chance.sample(here, chance.choice([0, 0, 4]))  # some come again, with another row
        here = here + more
        release = grow(world, more, here)
        held[release.number] = list(here)
        most = max(most, parts(world, release))
        if at == 5:
            world.publish(visits(everybody[100:400], "loans"))
        if at % 4 == 3:
            check(world)
    assert most > 2
    for release in world.releases.of_dataset("visits"):
        assert rows(world, release) == sorted(map(number, held[release.number]))
    made = world.releases.classes.made("residents")
    assert made.mark
    check(world)


def test_an_append_is_written_by_what_it_adds(world: World) -> None:
    everybody = list(range(3_000))
    first(world, everybody)
    (before,) = world.releases.home.rglob("classes.parquet")
    marks = before.stat().st_ino
    for at in range(5):
        release = grow(world, list(range(5_000 + 10 * at, 5_010 + 10 * at)), [*everybody, *range(10 * at + 10)])
        assert sum(layers.rows_of(path) for path in files_of(world.releases.home, "visits", release.number)[1:]) <= 50
    assert before.stat().st_ino == marks
    for path in world.releases.home.rglob("*.parquet"):
        assert layers.rows_of(path) in (3_000, *range(51))
    check(world)


def killed_after(files: int) -> Callable[[str, str], None]:
    """``os.replace`` of a process that is killed once so many files have got their names."""
    written: list[str] = []
    real = os.replace

    def killed(source: str, target: str) -> None:
        if len(written) == files:
            raise KeyboardInterrupt
        written.append(target)
        real(source, target)

    return killed


def test_a_kill_between_any_two_files_is_made_good(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here = list(range(400))
    first(world, here)
    first(world, here[100:300], "cards")
    for at in range(4):
        more = [1_000 + at, 1_100 + at]
        here = [*here, *more]
        before = max(world.releases.of_dataset("visits"), key=lambda item: item.number)
        release = world.release(visits(here), before.number + 1)
        name = world.put(visits(more))
        killed = killed_after(at)
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", killed)
            patch.setattr(world.releases, "_insert", lambda release, killed=killed: killed("", ""))
            with pytest.raises(KeyboardInterrupt):
                world.releases.add(release, world.connection, name, MARK, before.number)
        assert [item.number for item in world.releases.of_dataset("visits")] == list(range(1, before.number + 1))
        assert world.releases.add(release, world.connection, name, MARK, before.number)
        assert not world.releases.add(release, world.connection, name, MARK, before.number)
        assert rows(world, release) == sorted(map(number, here))
        check(world)


def test_the_forgotten_are_in_no_layer(world: World) -> None:
    here = list(range(600))
    first(world, here)
    first(world, here[:200], "cards")
    for at in range(6):
        more = list(range(1_000 + 20 * at, 1_020 + 20 * at))
        here += more
        last = grow(world, more, here)
    gone = [3, 150, 1_001, 1_045, 1_101]
    orphan = world.releases.path("visits", 99)  # what a kill left before the state knew of it
    orphan.write_bytes(world.releases.path("visits", last.number).read_bytes())
    world.releases.forget(list(map(number, gone)))
    assert world.releases.forget(list(map(number, gone))) == 0
    for path in world.releases.home.rglob("*.parquet"):
        found = world.connection.execute(f"SELECT _subject FROM read_parquet('{path}')").fetchall()
        assert not {row[0] for row in found} & set(map(number, gone)), path
    assert rows(world, last) == sorted(number(who) for who in here if who not in gone)
    assert number(4) in state(world)[0]
    check(world)
    grow(world, [7_000, 7_001], [*here, 7_000, 7_001])
    check(world)


def test_what_a_kill_left_half_written_goes_with_an_erasure(world: World) -> None:
    first(world, list(range(300)))
    first(world, list(range(300)), "building-2024")
    home = world.releases.home
    (kept,) = home.glob("populations/*")
    series = next(kept.glob("series/*.parquet"))
    (home / "bridges").mkdir()
    ended = subprocess.Popen(["true"])
    ended.wait()
    places = [world.releases.path("visits", 1), kept / "classes.parquet", series, home / "bridges" / "a.parquet",
              home / "releases" / "other" / "v1.parquet"]  # fmt: skip
    left = [path.with_name(f"{path.name}.building-{ended.pid}{more}") for path in places for more in ("", "-0a1b")]
    left += [path.with_name(f"{path.name}.building-{os.getpid()}") for path in places]  # before this one had its number
    spilt = home / "spill" / f"engine-{ended.pid}-0a1b" / "duckdb_temp_storage-0.tmp"
    for path in [*left, spilt, home / "spill" / "duckdb_temp_storage-0.tmp"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(number(7).encode())
    works = places[0].with_name(f"v9.parquet.building-{os.getppid()}")
    works.write_bytes(b"somebody else's")
    with layers.scratch(home / "spill") as mine:
        (mine / "a").parent.mkdir()
        world.releases.forget([number(7)])
        assert mine.is_dir()
    assert not [path for path in home.rglob("*") if path.is_file() and number(7).encode() in path.read_bytes()]
    assert not [path for path in left if path.exists()]
    assert works.is_file(), "its process runs"
    assert not list((home / "spill").iterdir())
    assert world.releases.path("building-2024", 1).is_file()
    old = works.stat().st_mtime - 10 * 365 * 86_400
    os.utime(works, (old, old))  # of a process that ended before the one that has its number now began
    world.releases.forget([number(8)])
    assert not works.exists()
    check(world)


def test_a_killed_erasure_of_layers_is_finished_by_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here = list(range(600))
    first(world, here)
    for at in range(4):
        here += range(1_000 + 20 * at, 1_020 + 20 * at)
        last = grow(world, here[-20:], here)
    gone = [number(1_070)]
    for at in range(6):
        killed = killed_after(at)
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", killed)
            try:
                world.releases.forget(gone)
            except KeyboardInterrupt:
                continue
    world.releases.forget(gone)
    for path in world.releases.home.rglob("*.parquet"):
        assert (gone[0],) not in world.connection.execute(f"SELECT _subject FROM read_parquet('{path}')").fetchall()
    assert gone[0] not in rows(world, last)
    check(world)


def test_a_version_that_goes_or_is_told_anew_leaves_those_on_it_whole(world: World) -> None:
    here = list(range(500))
    first(world, here)
    held = {}
    for at in range(3):
        more = [1_000 + at]
        here = [*here, *more]
        held[grow(world, more, here).number] = sorted(map(number, here))
    second, third, fourth = world.releases.of_dataset("visits")[1:]
    assert parts(world, fourth) > 1
    assert world.releases.withdraw("visits", 1)
    assert rows(world, fourth) == held[4]
    name = world.put(visits([5_000, 5_001]))  # other rows, told of the same version
    known = next(item for item in world.releases.of_dataset("visits") if item.number == 1)
    world.releases.rewrite(known, known, world.connection, name, MARK)
    assert rows(world, known) == sorted(map(number, [5_000, 5_001]))
    assert [rows(world, item) for item in (second, third, fourth)] == [held[2], held[3], held[4]]
    check(world)
    assert world.releases.remove("visits", 2)
    assert [rows(world, item) for item in (third, fourth)] == [held[3], held[4]]
    check(world)


def test_rows_that_are_gone_are_no_ground_to_lie_on(world: World) -> None:
    first(world, list(range(300)))
    last = grow(world, [1_000], [*range(300), 1_000])
    world.releases.path("visits", 1).unlink()
    assert world.releases.rows(last) == ""
    with pytest.raises(LakeError, match="gone"):
        grow(world, [1_001], [*range(300), 1_000, 1_001])


def test_what_is_told_otherwise_is_written_whole(world: World) -> None:
    first(world, list(range(300)))
    world.day += 1
    other = {"band": quasi(Kind.STRING, "age"), "sex": quasi(Kind.STRING, "sex")}  # another concept: another series
    data = table("visits", other, [("b1", "F")], [1_000])
    assert world.releases.add(world.release(data, 2), world.connection, world.put(data), MARK, 1)
    (_, second) = world.releases.of_dataset("visits")
    assert rows(world, second) == sorted(map(number, [*range(300), 1_000]))
    check(world)
    third = table("visits", COLUMNS, [("b1", "F")], [1_001])
    name = world.put(third)
    world.connection.execute(f"ALTER TABLE {name} ALTER band TYPE INTEGER USING 7")  # another type is no layer
    assert world.releases.add(world.release(third, 3), world.connection, name, MARK, 2)
    assert parts(world, world.releases.of_dataset("visits")[-1]) == 1
    check(world)


def test_a_ground_from_before_there_were_layers_is_written_anew_once(world: World) -> None:
    here = list(range(300))
    first(world, here)
    for path in (world.releases.home / "populations").rglob("*.parquet"):
        note = {key: value for key, value in note_of(path).items() if key != "mark"}
        if "made" in note:
            note["made"] = {**note["made"], "mark": "0" * 32}
        ledger.write(world.connection, f"SELECT * FROM read_parquet('{path}')", path, note)
    assert world.releases.classes.made("residents").mark == "0" * 32
    grow(world, [1_000], [*here, 1_000])
    made = world.releases.classes.made("residents")
    assert (made.of, made.by) == ("0" * 32, "visits v2")
    check(world)
    grow(world, [1_001], [*here, 1_000, 1_001])
    check(world)
