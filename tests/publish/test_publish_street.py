"""The street in, on a real city folder."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import orjson
import pytest
from publish_city import deliver, make, rows

from arengo.city import City
from arengo.errors import Busy
from arengo.publish import workflow
from arengo.publish.street import STEPS

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with make(tmp_path_factory.mktemp("city")) as opened:
        yield opened


def publish(city: City, **options: Any) -> Any:
    (run,) = city.publish(["trees"], **options)
    return run


def test_a_version_then_unchanged_then_refused(city: City) -> None:
    root = city.settings.root
    heard: list[tuple[str, str]] = []
    run = publish(city, progress=lambda dataset, step, done, total: heard.append((dataset, step)))
    assert (run.state, run.version, run.rows_in, run.rows, run.quarantined) == ("succeeded", 1, 50, 50, 0)
    assert [step.name for step in run.steps] == list(STEPS)
    assert all(step.state == "done" and step.seconds is not None for step in run.steps)
    assert ("trees", "read") in heard
    version = city.lake.resolve("trees")
    assert orjson.loads(city.lake.report(version, "profile") or b"")["rows"] == 50
    assert orjson.loads(city.lake.report(version, "quality") or b"")["rows_in"] == 50
    assert not list((city.settings.home / "runs").glob("*")), "no scratch is left"

    assert publish(city).state == "unchanged", "the same source"
    path = root / "contracts" / "trees.odcs.yaml"
    path.write_text(path.read_text().replace("name: Trees", "name: Street trees"))
    run = publish(city)
    assert run.state == "unchanged", "another contract text, the same content"
    assert len(run.steps) > 3, "it was read again"
    assert len(publish(city).steps) == 2, "and then known"

    deliver(root, rows(20))
    run = publish(city)
    assert run.state == "refused"
    assert "20 rows, the version before has 50" in run.error["message"]
    assert "--allow-shrink" in run.error["todo"]
    assert city.lake.resolve("trees").number == 1
    assert publish(city, force_shrink=True).version == 2

    deliver(root, "id,species,height\n" + "\n".join(f"{n},a,tall" for n in range(30)) + "\n40,a,1\n")
    run = publish(city)
    assert run.state == "refused"
    assert "30 of 31 rows did not fit" in run.error["message"]
    kept = city.settings.home / "runs" / run.id / "quarantine.parquet"
    assert str(kept) in run.error["todo"]
    assert kept.is_file()
    assert not (kept.parent / "staged.duckdb").exists()

    deliver(root, rows(30) + "x,Acer,3\n")
    run = publish(city)
    assert (run.state, run.quarantined, run.rows_in) == ("succeeded", 1, 31)
    assert city.lake.quarantine(city.lake.resolve("trees")) is not None

    deliver(root, rows(31).replace("species", "kind"))
    run = publish(city)
    assert run.state == "failed"
    assert run.error["code"] == "source-malformed"
    assert "species" in run.error["message"]
    assert city.publisher.runs("trees", limit=1)[0].id == run.id

    (root / "sources" / "trees.csv").unlink()
    assert publish(city).error["code"] == "source-missing"
    assert city.lake.resolve("trees").number == 3


def test_backfilled_history(city: City, tmp_path: Path) -> None:
    with make(tmp_path / "old") as old:
        for month in (1, 2):
            deliver(old.settings.root, rows(50, month))
            run = publish(old, at=datetime(2024, month, 1), trigger="demo")
            assert (run.version, run.trigger) == (month, "demo")
        assert old.lake.resolve("trees", "2024-01-15").number == 1
        assert old.lake.resolve("trees").published_at == datetime(2024, 2, 1, tzinfo=UTC)
        deliver(old.settings.root, rows(50, 9))
        run = publish(old, at=datetime(2023, 1, 1))
        assert run.state == "failed", "a version cannot be older than the one before"


def test_one_dataset_in_trouble_does_not_stop_the_others(tmp_path: Path) -> None:
    with make(tmp_path, ("a", "b", "c")) as opened:
        deliver(tmp_path, "", "b")
        runs = opened.publish()
        states = [(run.dataset, run.state) for run in runs]
        assert states == [("a", "succeeded"), ("b", "failed"), ("c", "succeeded")], [run.error for run in runs]


def test_rules_refuse_and_warn(tmp_path: Path) -> None:
    quality = """\
    quality:
      - {name: enough, type: library, metric: rowCount, mustBeGreaterThan: 100, severity: error}
      - {name: tall, type: sql, query: "SELECT count(*) FROM ${table} WHERE height > 3", mustBe: 0}
"""
    with make(tmp_path, quality=quality) as opened:
        run = publish(opened)
        assert run.state == "refused"
        assert "enough must be greater than 100, but it is 50" in run.error["message"]
        deliver(tmp_path, rows(150))
        run = publish(opened)
        assert run.state == "succeeded"
        assert run.warnings == ("The rule tall must be 0, but it is 129.",)


def test_identifiers_in_an_open_dataset_are_held_back_unless_a_reason_is_given(tmp_path: Path) -> None:
    with make(tmp_path) as opened:
        path = tmp_path / "contracts" / "trees.odcs.yaml"
        plain = path.read_text()
        role = "{property: arengoPrivacyRole, value: identifier}"
        column = "{{name: species, logicalType: string, customProperties: [{}]}}"
        path.write_text(plain.replace("{name: species, logicalType: string}", column.format(role)))
        run = publish(opened)
        assert run.state == "refused"
        assert run.error is not None
        assert run.error["code"] == "publication-held"
        assert "species" in str(run.error["message"])
        reason = "{property: arengoPersonalReason, value: Names of trees are nobody's}"
        path.write_text(plain.replace("{name: species, logicalType: string}", column.format(f"{role}, {reason}")))
        run = publish(opened)
        assert run.state == "succeeded", run.error
        profile = orjson.loads(opened.lake.report(opened.lake.resolve("trees"), "profile") or b"")
        assert not {"top", "min", "max", "patterns"} & set(profile["columns"]["species"])


def test_two_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with make(tmp_path) as opened:
        opened.publish()
        deliver(tmp_path, rows(60))
        contract = opened.contracts()["trees"]
        found: list[str] = []
        threads = [
            threading.Thread(target=lambda: found.append(opened.publisher.publish([contract])[0].state))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == ["succeeded", "unchanged", "unchanged"]
        assert opened.lake.resolve("trees").number == 2

        monkeypatch.setattr(workflow, "WAIT", 0.1)
        with opened.state.hold("publish trees"):
            (run,) = opened.publisher.publish([contract])
        assert run.state == "failed"
        assert run.error["code"] == Busy.code
        assert "being published by somebody else" in run.error["message"]


def test_a_source_that_changes_under_the_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from arengo.publish import reading

    monkeypatch.setattr(reading, "WAITS", (0.0, 0.0))
    with make(tmp_path) as opened:
        heights = itertools.cycle(range(2, 9))

        def writes(dataset: str, step: str, done: int, total: int | None) -> None:
            if step == "read":
                deliver(tmp_path, rows(50, next(heights)))

        assert publish(opened).state == "succeeded"
        deliver(tmp_path, rows(51))
        run = publish(opened, progress=writes)
        assert run.state == "refused", run
        assert "changed under the read, 3 times" in run.error["message"]


def test_no_source(tmp_path: Path) -> None:
    with make(tmp_path) as opened:
        path = tmp_path / "contracts" / "trees.odcs.yaml"
        path.write_text("".join(line for line in path.read_text().splitlines(True) if "arengoSource" not in line))
        run = publish(opened)
        assert run.state == "failed"
        assert run.error["code"] == "contract-error"


def test_the_words_of_an_engine_are_not_told() -> None:
    from arengo.publish.workflow import _sentence

    with pytest.raises(duckdb.Error) as met:
        duckdb.sql("SELECT CAST('RSSNNA80A41H501U' AS DOUBLE)").fetchall()
    said = _sentence(met.value)
    assert "RSSNNA" not in said
    assert said.startswith("ConversionException: ")


def test_an_unforeseen_error_says_where_it_came_from() -> None:
    from arengo.publish.reading import source_name
    from arengo.publish.workflow import _sentence

    with pytest.raises(AttributeError) as met:
        source_name(cast(Any, "RSSNNA80A41H501U"))
    said = _sentence(met.value)
    assert said.startswith("AttributeError at arengo.publish.reading:")
    assert "RSSNNA" not in said
