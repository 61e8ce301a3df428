"""The publication ledger: written once, whole or not at all, forgotten person by person, made anew from its files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from gate_case import SECRET, START, Kind, Plain, Table, World, quasi, sensitive, table

from arengo.contract.load import loads, sha
from arengo.lake import Lake, Staged
from arengo.privacy.population import blind
from arengo.privacy.releases import Releases, as_json, from_json


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def visits(people: range, step: int = 10, dataset: str = "visits") -> Table:
    columns = {"band": quasi(Kind.STRING, "birth-date"), "illness": sensitive(Kind.STRING, "illness")}
    rows = [(f"b{who // step}", f"i{who % 3}") for who in people]
    return table(dataset, columns, rows, list(people))


def classes(world: World) -> dict[str, int]:
    path = world.releases.classes.path("residents")
    return dict(world.connection.execute(f"SELECT _subject, class FROM read_parquet('{path}')").fetchall())


def test_a_release_is_written_once_and_reads_back_equal(world: World) -> None:
    release = world.publish(visits(range(40)))
    assert world.releases.of("residents") == (release,)
    assert from_json(as_json(release)) == release
    assert not world.releases.add(release, world.connection, world.put(visits(range(3))))
    rows = world.releases.rows(release)
    (found,) = world.connection.execute(f"SELECT count(DISTINCT _subject) FROM {rows}").fetchone() or (0,)
    assert found == 40
    assert len(classes(world)) == 40
    assert len(set(classes(world).values())) == 4


def test_a_step_at_a_time_gives_the_classes_that_a_rebuild_gives(world: World) -> None:
    world.publish(visits(range(40)))
    world.publish(visits(range(20, 60), 7, "loans"))
    world.publish(visits(range(5, 45), 9))  # the next version of visits: some left, some joined, many moved
    world.publish(visits(range(50), 10))
    held = classes(world)
    assert world.releases.classes.fresh("residents", world.releases.of("residents"))
    world.releases.rebuild("residents")
    assert classes(world) == held


def test_a_kill_between_the_files_and_the_state_is_made_good(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.publish(visits(range(40)))
    data = visits(range(20, 60), 7, "loans")
    release = world.release(data, 1)
    name = world.put(data)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(world.releases, "_insert", killed)
        with pytest.raises(KeyboardInterrupt):
            world.releases.add(release, world.connection, name)
    assert len(world.releases.of("residents")) == 1
    assert not world.releases.classes.fresh("residents", world.releases.of("residents"))
    assert world.releases.add(release, world.connection, name)
    held = classes(world)
    world.releases.rebuild("residents")
    assert classes(world) == held


def test_a_damaged_file_of_classes_is_made_anew(world: World) -> None:
    world.publish(visits(range(40)))
    before = classes(world)
    world.releases.classes.path("residents").write_bytes(b"PAR1 not at all")
    world.publish(visits(range(40), 10, "loans"))
    assert classes(world).keys() == before.keys()
    assert world.releases.classes.fresh("residents", world.releases.of("residents"))


def test_the_forgotten_are_in_no_file(world: World) -> None:
    world.publish(visits(range(40)))
    world.publish(visits(range(20, 60), 7, "loans"))
    gone = [blind(SECRET, "residents", str(who)) for who in (3, 25)]
    assert world.releases.forget(gone) == 3
    assert world.releases.forget(gone) == 0
    for path in world.releases.home.rglob("*.parquet"):
        found = world.connection.execute(f"SELECT _subject FROM read_parquet('{path}')").fetchall()
        assert not {row[0] for row in found} & set(gone), path
    assert len(classes(world)) == 58


def test_a_withdrawn_release_stays_known_and_one_that_nobody_got_goes(world: World) -> None:
    first = world.publish(visits(range(40)))
    world.publish(visits(range(20, 60), 7, "loans"))
    assert world.releases.withdraw("visits", 1)
    assert not world.releases.withdraw("visits", 1)
    assert world.releases.of("residents")[0] == replace(first, withdrawn=True)
    assert world.releases.remove("loans", 1)
    assert not world.releases.remove("loans", 1)
    assert [item.label for item in world.releases.of("residents")] == ["visits v1"]
    assert len(classes(world)) == 40


def test_rows_of_nobody_are_kept_and_refine_nothing(world: World) -> None:
    data = visits(range(10))
    world.publish(replace(data, people=()))
    (release,) = world.releases.of("residents")
    assert not release.subject
    assert world.releases.rows(release)
    assert not world.releases.classes.path("residents").exists()


def test_a_population_in_any_words_stays_in_its_folder(world: World) -> None:
    for name in ("../../../outside", "Résidents d'ici", "x" * 400):
        data = visits(range(20), dataset=f"visits-{len(name)}")
        world.publish(replace(data, custom={"arengoPopulation": name}))
        path = world.releases.classes.path(name).resolve()
        assert path.is_file()
        assert path.is_relative_to(world.releases.home.resolve())


CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: permits
version: 1.0.0
status: active
name: Permits
customProperties:
  - {property: arengoAccess, value: ACCESS}
  - {property: arengoPopulation, value: residents}
schema:
  - name: permits
    logicalType: object
    physicalType: table
    properties:
      - name: holder
        logicalType: string
        customProperties: [{property: arengoSubject, value: residents}]
      - name: district
        logicalType: string
        customProperties:
          - {property: arengoPrivacyRole, value: quasi}
          - {property: arengoPrivacyConcept, value: residence}
"""


@pytest.mark.slow
@pytest.mark.parametrize("access", ["open", "closed"])
def test_versions_from_before_the_gate_are_written_down(world: World, tmp_path: Path, access: str) -> None:
    lake = Lake(world.settings, world.state)
    contract = loads(CONTRACT.replace("ACCESS", access))
    world.state.put_contract("permits", version="1.0.0", sha=sha(contract), text=contract.text, path="", at=START)
    for number in (1, 2):
        database = tmp_path / f"staged-{number}.duckdb"
        with duckdb.connect(str(database)) as connection:
            connection.execute(
                f"CREATE TABLE rows AS SELECT 'p' || i AS holder, 'd' || (i % {number + 2}) AS district "
                "FROM range(30) t(i)"
            )
        columns = tuple((item.name, item.kind, item.required) for item in contract.properties)
        lake.commit(
            contract, Staged(database, "rows", columns, None, 30), run=f"r{number}",
            published_at=START + timedelta(days=number), rows_in=30, quarantined=0, fingerprint=str(number), reports={},
        )  # fmt: skip
    releases = Releases(world.settings, world.state, lake)
    made = releases.catch_up(world.populations)
    assert made == (("permits v1", "permits v2") if access == "open" else ())
    assert releases.catch_up(world.populations) == ()
    if made:
        first, second = releases.of("residents")
        assert (first.subject, first.population, second.number) == (True, "residents", 2)
        (found,) = world.connection.execute(
            f"SELECT count(DISTINCT _subject) FROM {releases.rows(first)}"
        ).fetchone() or (0,)
        assert found == 30
        assert releases.classes.fresh("residents", releases.of("residents"))
    lake.close()
