"""What a server process must not load."""

import subprocess
import sys
from pathlib import Path

import arengo

CODE = """
import sys, arengo
arengo.lean()
import duckdb
assert duckdb.connect().execute("select ?::int + 1", [1]).fetchone() == (2,)
heavy = ("pandas.core", "numpy", "pyarrow", "dbos", "pyiceberg")
print([name for name in heavy if name in sys.modules])
import arengo.app, arengo.faces, arengo.portal, arengo.door, arengo.catalogue, arengo.lake
print([name for name in heavy if name in sys.modules])
"""


def test_binding_a_value_and_opening_the_faces_load_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "[]"]


def test_the_command_publishes_without_pandas(tmp_path: Path) -> None:
    city = arengo.init(tmp_path / "borgo")
    source = tmp_path / "borgo" / "sources" / "t.csv"
    source.write_text("id,name\n" + "".join(f"{n},row {n}\n" for n in range(50)), encoding="utf-8")
    (drafted,) = city.draft(str(source), id="t")
    (tmp_path / "borgo" / "contracts" / "t.odcs.yaml").write_text(drafted.text, encoding="utf-8")
    command = [sys.executable, "-m", "arengo", "publish", "--city", str(tmp_path / "borgo")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:14]) == (0, "t: v1, 50 rows"), done.stdout + done.stderr
    source.write_text("nothing like it\n1\n", encoding="utf-8")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 3
