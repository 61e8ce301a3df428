"""What interrupted runs and full disks leave behind: nothing that stands in the way of the next publication."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from publish_city import deliver, make, rows

from arengo.city import open_city
from arengo.errors import StorageFull
from arengo.publish import run as records
from arengo.publish import scratch, workflow
from arengo.publish.street import Street

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

POISON = """
import os, signal, sys
from arengo.city import open_city
from arengo.publish.street import Street

inner = Street.check
def dying(self, found):
    if self.contract.id == "trees":
        os.kill(os.getpid(), signal.SIGKILL)
    return inner(self, found)
Street.check = dying
open_city(sys.argv[1]).publish(["trees"])
"""


def poisoned(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", POISON, str(root)], capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.slow
def test_a_run_that_keeps_dying_stands_in_nobodys_way(tmp_path: Path) -> None:
    with make(tmp_path, ("trees", "parks")):
        pass
    poisoned(tmp_path)
    with open_city(tmp_path) as opened:
        first = opened.publisher.runs("trees")[0].id
        assert opened.publish(["parks"])[0].state == "succeeded"
        assert opened.publisher.run(first).state == "running", "another dataset was asked for"
        assert list((opened.settings.home / "runs" / first).iterdir()), "it may still go on"
    poisoned(tmp_path)
    poisoned(tmp_path)
    with open_city(tmp_path) as opened:
        deliver(tmp_path, rows(60), "parks")
        assert opened.publish(["parks"])[0].version == 2
        ended = opened.publisher.run(first)
        assert ended.state == "failed"
        assert ended.error is not None
        assert ended.error["message"] == "The run was interrupted 3 times."
        assert ended.error["todo"] == "Publish it again to retry."
        assert opened.publisher.resume() == []
        assert opened.publish(["trees"])[0].version == 1, "it is tried anew when asked for"
        opened.publish(["trees"])
        assert not list((opened.settings.home / "runs").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("gone", [False, True])
def test_a_run_whose_contract_is_another_by_now_is_given_up(tmp_path: Path, gone: bool) -> None:
    with make(tmp_path, ("trees", "parks")):
        pass
    poisoned(tmp_path)
    path = tmp_path / "contracts" / "trees.odcs.yaml"
    if gone:
        path.unlink()
    else:
        path.write_text(path.read_text().replace("name: Trees", "name: Street trees"))
    with open_city(tmp_path) as opened:
        first = opened.publisher.runs("trees")[0].id
        runs = opened.publish()
        assert [(run.dataset, run.state) for run in runs] == [
            ("parks", "succeeded"),
            *([] if gone else [("trees", "succeeded")]),
        ]
        ended = opened.publisher.run(first)
        assert ended.state == "failed"
        assert ("gone since" if gone else "changed since") in str(ended.error)


def test_a_run_whose_end_was_never_written_is_marked_failed(tmp_path: Path) -> None:
    with make(tmp_path) as opened:
        assert opened.publish()[0].version == 1
        lost = records.Run(records.new_id("trees"), "trees", "manual", records.RUNNING, started_at=datetime.now(UTC))
        records.insert(opened.state, lost)
        assert opened.publish()[0].state == "unchanged"
        assert opened.publisher.run(lost.id).state == "failed"


def test_scratch_goes_when_nobody_will_ask_for_it(tmp_path: Path) -> None:
    with make(tmp_path) as opened:
        deliver(tmp_path, "id,species,height\n" + "".join(f"{n},x,?\n" for n in range(50)))
        first = opened.publish()[0]
        assert first.state == "refused"
        folder = opened.settings.home / "runs"
        assert [item.name for item in folder.iterdir()] == [first.id], "the quarantine is for the owner"
        scratch.sweep(opened.state, opened.settings.home)
        assert [item.name for item in folder.iterdir()] == [first.id]
        second = opened.publish()[0]
        opened.publish()
        assert not (folder / first.id).exists(), "a later run has its own"
        old = datetime.now(UTC) - timedelta(days=8)
        records.update(opened.state, replace(opened.publisher.run(second.id), ended_at=old))
        (folder / "commit-12345678").mkdir()
        (folder / "commit-87654321").mkdir()
        os.utime(folder / "commit-12345678", (old.timestamp(), old.timestamp()))
        scratch.sweep(opened.state, opened.settings.home)
        left = {item.name for item in folder.iterdir()}
        assert "commit-87654321" in left, "somebody may be writing to it"
        assert "commit-12345678" not in left
        assert second.id not in left


def test_files_of_released_locks_are_removed(tmp_path: Path) -> None:
    with make(tmp_path) as opened:
        for number in range(5):
            with opened.state.hold(f"process {number}"):
                pass
        folder = opened.settings.home / "locks"
        with opened.state.hold("held"):
            opened.state.sweep_locks()
            assert len(list(folder.iterdir())) == 1
        opened.state.sweep_locks()
        assert not list(folder.iterdir())
        with opened.state.hold("held"):
            assert len(list(folder.iterdir())) == 1


def test_an_error_of_a_database_is_told_without_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def broken(words: str) -> object:
        def gate(self: Street, found: object) -> dict[str, object]:
            raise OperationalError("UPDATE secret SET x = ?", (b"pickled",), sqlite3.OperationalError(words))

        return gate

    with make(tmp_path) as opened:
        monkeypatch.setattr(Street, "gate", broken("database is strange\nand more"))
        (run,) = opened.publish()
        assert run.error is not None
        assert str(run.error["message"]).startswith("OperationalError: ")
        assert "strange" not in str(run.error), "a database may quote the data"
        assert "secret" not in str(run.error)
        monkeypatch.setattr(Street, "gate", broken("database or disk is full"))
        (run,) = opened.publish()
        assert run.state == "failed"
        assert run.error is not None
        assert run.error["code"] == "storage-full"
        assert "secret" not in str(run.error)
        assert not list((opened.settings.home / "runs").iterdir())
        monkeypatch.setattr(records, "update", broken("database or disk is full"))
        with pytest.raises(StorageFull, match="no space left"):
            opened.publish()
        monkeypatch.undo()
        assert opened.publish()[0].version == 1


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk of 30 MB."""
    place = Path(tempfile.mkdtemp(prefix="arengo-small-disk-"))
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=30m tmpfs {place} 2>/dev/null"):
        place.rmdir()
        pytest.skip("mounting a small disk needs rights")
    yield place
    workflow.close()
    os.system(f"umount {place} || umount -l {place}")
    place.rmdir()


@pytest.mark.slow
@pytest.mark.parametrize("bad", [False, True])
def test_a_full_disk_is_one_sentence_and_is_left_with_space(disk: Path, bad: bool) -> None:
    with make(disk) as opened:
        assert opened.publish()[0].version == 1
    with tempfile.TemporaryDirectory() as beside:
        source = Path(beside) / "trees.csv"
        with source.open("w") as out:
            out.write("id,species,height\n")
            for n in range(600_000):  # bad values fill the quarantine, and do not compress
                out.write(f"{n},,{secrets.token_urlsafe(60)}\n" if bad else f"{n},{'x' * 40}{n},1\n")
        (disk / "sources" / "trees.csv").unlink()
        path = disk / "contracts" / "trees.odcs.yaml"
        path.write_text(path.read_text().replace("sources/trees.csv", str(source)))
        before = shutil.disk_usage(disk).free
        done = subprocess.run(
            [sys.executable, "-m", "arengo", "publish", "--city", str(disk)],
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode in (3, 4), done.stderr
        said = done.stdout + done.stderr
        assert "pace" in said
        assert len(said.strip().splitlines()) <= 3, said
        assert "Traceback" not in said
        assert "pickle" not in said
        assert "SELECT" not in said
        assert shutil.disk_usage(disk).free > before - 3_000_000, "the scratch is gone"
        assert not list((disk / ".arengo" / "runs").iterdir())
        source.write_text(rows(60))
        with open_city(disk) as opened:
            assert opened.publish()[0].version == 2
