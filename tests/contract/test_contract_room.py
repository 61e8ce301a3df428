"""What importing the room costs, and what it must not pull in."""

import subprocess
import sys


def test_importing_the_room_loads_nothing_heavy() -> None:
    heavy = ("duckdb", "pyarrow", "ruamel", "jsonschema_rs", "sqlalchemy", "pydantic")
    code = f"import sys, arengo.contract; print([name for name in {heavy!r} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
