"""What a server process must not load."""

import subprocess
import sys

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
