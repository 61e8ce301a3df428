"""An append is judged by what was counted before and what it brings, and the verdict is that of a pass over it all."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from arengo.city import City, init, open_city
from arengo.governance import Caller
from arengo.privacy.overlap import layers
from arengo.privacy.releases import Releases
from arengo.publish import growth
from arengo.publish.safety import Safety

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: visits
name: Visits
version: 1.0.0
status: active
domain: registry
schema:
  - name: visits
    properties:
      - {{name: number, logicalType: integer, {key}required: true}}
{person}
      - {{name: sex, logicalType: string{quasi_sex}}}
      - {{name: band, logicalType: string{quasi_band}}}
      - {{name: place, logicalType: string}}
      - {{name: note, logicalType: string}}
customProperties:
  - {{property: arengoAccess, value: open}}
  - {{property: arengoMode, value: {mode}}}
{custom}
  - {{property: arengoSource, value: {{kind: csv, path: sources/visits.csv}}}}
"""
PERSON = (
    "      - {name: person, logicalType: string, required: true, customProperties: [{property: arengoPrivacyRole, "
    "value: identifier}, {property: arengoSubject, value: residents}, {property: arengoProtect, value: drop}]}"
)
OF_PERSONS = (
    "  - {property: arengoPopulation, value: residents}\n"
    '  - {property: arengoPurposes, value: [{id: registry, dpv: "dpv:RecordManagement", legalBasis: "eu-gdpr:A6-1-c", '
    "retention: P75Y}]}"
)
STEWARD = Caller(party="lucia", organisation="registry", roles=(("registry", "steward"),))


def quasi(concept: str) -> str:
    return (
        ", customProperties: [{property: arengoPrivacyRole, value: quasi}, "
        f"{{property: arengoPrivacyConcept, value: {concept}}}]"
    )


def contract(persons: bool, mode: str = "append") -> str:
    return CONTRACT.format(
        key="primaryKey: true, " if mode == "upsert" else "",
        person=PERSON if persons else "      - {name: office, logicalType: string}",
        quasi_sex=quasi("sex") if persons else "",
        quasi_band=quasi("age") if persons else "",
        custom=OF_PERSONS if persons else "",
        mode=mode,
    )


class Town:
    """Publishes parts of a table, each judged twice: by what was counted, and by a pass over it all."""

    def __init__(self, root: Path, text: str, patch: pytest.MonkeyPatch, sample: int) -> None:
        init(root, name="Small")
        (root / "city.toml").write_text(f'[city]\nname = "Small"\n\n[privacy]\nsample = {sample}\n', encoding="utf-8")
        (root / "privacy.toml").write_text('[populations.residents]\nunit = "person"\n', encoding="utf-8")
        self.root, self.number = root, 0
        self.write(text)
        self.city: City = open_city(root)
        self.pairs: list[tuple[Any, Any]] = []
        self.grown: list[bool] = []
        judge, known = Safety.judge, growth.kept_of

        def twice(safety: Safety, *args: Any, **more: Any) -> Any:
            with pytest.MonkeyPatch.context() as other:
                other.setattr(growth, "kept_of", lambda *told: None)
                whole = judge(safety, *args, **more)

            def told(*given: Any) -> Any:
                found = known(*given)
                self.grown.append(found is not None)
                return found

            with pytest.MonkeyPatch.context() as other:
                other.setattr(growth, "kept_of", told)
                part = judge(safety, *args, **more)
            self.pairs.append((whole.as_json(), part.as_json()))
            return part

        patch.setattr(Safety, "judge", twice)

    def write(self, text: str) -> None:
        (self.root / "contracts" / "visits.odcs.yaml").write_text(text, encoding="utf-8")

    def publish(self, rows: list[tuple[str, ...]]) -> Any:
        lines = ["number,person,sex,band,place,note"]
        for row in rows:
            self.number += 1
            lines.append(f"{self.number},{','.join(row)}")
        return self.deliver(lines)

    def deliver(self, lines: list[str]) -> Any:
        self.pairs.clear()
        self.grown.clear()
        if "name: office" in (self.root / "contracts" / "visits.odcs.yaml").read_text(encoding="utf-8"):
            lines = [lines[0].replace("person", "office"), *lines[1:]]
        (self.root / "sources" / "visits.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (run,) = self.city.publish()
        for whole, part in self.pairs:
            assert part == whole
        return run

    @property
    def by_parts(self) -> bool:
        return any(self.grown)


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as made:
        made.setattr(layers, "SMALL", 0)  # small tables are written by what comes as large ones are
        yield made


def rows(chance: random.Random, number: int, people: int = 400) -> list[tuple[str, ...]]:
    """Rows of persons who come again, in groups large enough."""
    out = []
    for _ in range(number):
        who = chance.randrange(people)
        note = chance.choice(["", "a lamp in the park is broken", f"bench {chance.randrange(90)} is wet on rainy days"])
        place = f"quarter {chance.randrange(30)}"
        out.append((f"p{who:05}", "FM"[who % 2], str(10 * (who % 3)), place, note))
    return out


def classes(city: City) -> list[tuple[Any, ...]]:
    """What the publication ledger holds of everybody."""
    held = Releases(city.settings, city.state).classes.persons("residents").sql()
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM {held} ORDER BY ALL").fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("persons", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_appends_are_judged_as_a_whole_pass_would(
    tmp_path: Path, patch: pytest.MonkeyPatch, persons: bool, seed: int
) -> None:
    chance = random.Random(seed)
    town = Town(tmp_path / "town", contract(persons), patch, sample=20)
    assert town.publish(rows(chance, 300)).state == "succeeded"
    assert not town.by_parts
    for _ in range(4):
        assert town.publish(rows(chance, chance.choice([1, 7, 60]))).state == "succeeded"
        assert town.by_parts
    if persons:
        grown = classes(town.city)
        Releases(town.city.settings, town.city.state).rebuild("residents")
        assert classes(town.city) == grown
    # Somebody whom few are like, and a number of a person in a text: both ways the same is found.
    alone = [("p99999", "F", "90", "quarter 1", "her number is 12345678Z and her mail ana.lopez@gmail.com")]
    run = town.publish(alone)
    assert town.by_parts
    assert run.state == "refused"
    assert town.pairs[0][1]["outcome"] != "pass"
    town.city.close()


@pytest.mark.slow
def test_what_does_not_agree_is_counted_anew(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)
    text = contract(True)
    town = Town(tmp_path / "town", text, patch, sample=20)
    home = growth.home(town.city.settings, "visits")

    def more() -> bool:
        assert town.publish(rows(chance, 10)).state == "succeeded"
        return town.by_parts

    town.publish(rows(chance, 200))
    assert more()
    shutil.rmtree(home)
    assert not more()
    assert more()
    next(home.glob("*/values.parquet")).write_bytes(b"broken")
    assert not more()
    assert more()
    town.write(text.replace("name: Visits", "name: All visits"))
    assert not more()
    assert more()
    releases = Releases(town.city.settings, town.city.state)
    (mine,) = releases.of_dataset("visits")[-1:]
    assert mine.subject
    releases.forget([])
    assert not home.exists()
    assert not more()
    town.city.close()


@pytest.mark.slow
def test_an_upsert_that_replaces_rows_is_looked_at_whole(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    chance = random.Random(4)
    town = Town(tmp_path / "town", contract(True, "upsert"), patch, sample=20)
    town.publish(rows(chance, 200))
    assert town.publish(rows(chance, 20)).state == "succeeded"
    assert town.by_parts
    kept = growth.home(town.city.settings, "visits")
    assert [path.name for path in kept.iterdir()] == ["v2"]
    town.number -= 5
    assert town.publish(rows(chance, 20)).state == "succeeded"
    assert [path.name for path in kept.iterdir()] == ["v3"]
    assert town.publish(rows(chance, 20)).state == "succeeded"
    town.city.close()


def test_a_kill_while_the_note_is_written_publishes_no_row_twice(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    town = Town(tmp_path, contract(persons=True), patch, sample=5_000)
    chance = random.Random(8)
    assert town.publish(rows(chance, 1_000)).version == 1
    settle, write = growth.settle, Path.write_bytes

    def torn(*told: Any) -> None:
        def half(path: Path, body: bytes) -> int:
            write(path, b"")
            raise SystemExit(f"killed while {path.name} was written")

        with pytest.MonkeyPatch.context() as other:
            other.setattr(Path, "write_bytes", half)
            with pytest.raises(SystemExit):
                settle(*told)
        settle(*told)  # the run goes on

    with pytest.MonkeyPatch.context() as other:
        other.setattr(growth, "settle", torn)
        assert town.publish(rows(chance, 100)).version == 2
    assert [item.rows for item in town.city.lake.versions("visits")] == [1_100, 1_000]
    assert town.publish(rows(chance, 100)).version == 3
    assert town.by_parts
    town.city.close()


def test_a_note_that_cannot_be_read_is_no_failure(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    town = Town(tmp_path, contract(persons=True), patch, sample=5_000)
    keep = growth.keep

    def empty(reckoning: Any, told: Any, settings: Any, folder: Path) -> None:
        keep(reckoning, told, settings, folder)
        (folder / "kept" / "note.json").write_bytes(b"")

    patch.setattr(growth, "keep", empty)
    assert town.publish(rows(random.Random(9), 500)).version == 1
    town.city.close()


def test_rows_that_are_added_are_withheld_by_the_groups_they_make_with_those_there(tmp_path: Path) -> None:
    chance = random.Random(2)
    init(tmp_path, name="Small")
    (tmp_path / "privacy.toml").write_text('[populations.residents]\nunit = "person"\n', encoding="utf-8")
    (tmp_path / "contracts" / "visits.odcs.yaml").write_text(contract(persons=True), encoding="utf-8")

    def deliver(first: int, told: list[tuple[str, str]]) -> None:
        lines = [
            f"{first + at},p{chance.randrange(10**9):09},{sex},{band},quarter 1," for at, (sex, band) in enumerate(told)
        ]
        text = "\n".join(["number,person,sex,band,place,note", *lines]) + "\n"
        (tmp_path / "sources" / "visits.csv").write_text(text, encoding="utf-8")

    with open_city(tmp_path) as city:
        many = [("FM"[at % 2], str(10 * (at % 3))) for at in range(300)]
        chance.shuffle(many)
        deliver(1, many)
        assert city.publish()[0].state == "succeeded"
        deliver(301, [*(("FM"[at % 2], str(10 * (at % 3))) for at in range(12)), ("F", "110")])
        assert city.publish()[0].state == "refused"
        held = city.desk.latest("visits")
        assert held is not None
        (repair,) = [item for item in held.verdict.repairs if item.kind == "suppress"]
        assert (repair.suppressed, repair.facts["rows"], repair.facts["of"]) == (1, 312, 313)
        city.desk.repair(held.id, repair.id, STEWARD, "One person only.")
        assert city.background.wait(200)
        (again,) = city.publisher.runs("visits", 1)
        assert again.state == "succeeded", again.error
        newest = city.versions("visits")[0]
        assert newest.rows == 312
        told = orjson.loads(city.lake.report(newest, "quality") or b"")
        assert [told[name] for name in ("read", "rows", "quarantined", "withheld", "cells")] == [13, 12, 0, 1, 0]
        assert "1 row is withheld to protect persons, as the contract says." in again.warnings
