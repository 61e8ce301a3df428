"""What measuring the risk of a table costs, beside pycanon on the same table: ``python -m bench.risk``.

The Adult census data where it is there (``scripts/adult.sh``), else 30,000 rows of eight quasi-identifiers and a
sensitive column like it. pycanon runs in a virtual
environment of its own (``--peers``: its folder; it pins other versions); without one its column is left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from arengo.privacy.risk import groups, sensitive, trajectory
from arengo.privacy.tuples import tuples
from bench.adult import FOLDER, read

ROWS = 30_000
WIDTHS = {"age": 74, "sex": 2, "race": 5, "marital": 7, "education": 16, "country": 41, "workclass": 8, "job": 14}
ILLNESS = "salary"
ADULT = {"marital": "marital-status", "country": "native-country", "job": "occupation", "salary": "salary-class"}
"""Where the real table calls a column otherwise."""
_PEER = """
import json, sys, time
import pandas as pd
from pycanon import anonymity
data = pd.read_csv(sys.argv[1], dtype=str)
quasi, sensitive = [c for c in data.columns if c != 'salary'], ['salary']
out = {}
for name, work in {
    'k': lambda: anonymity.k_anonymity(data, quasi),
    'l': lambda: anonymity.l_diversity(data, quasi, sensitive),
    'entropy': lambda: anonymity.entropy_l_diversity(data, quasi, sensitive),
    't': lambda: anonymity.t_closeness(data, quasi, sensitive),
    'beta': lambda: anonymity.basic_beta_likeness(data, quasi, sensitive),
}.items():
    started = time.perf_counter()
    value = work()
    out[name] = (float(value), time.perf_counter() - started)
print(json.dumps(out))
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.risk", description=__doc__)
    parser.add_argument("--peers", type=Path, help="folder of a virtual environment with pycanon")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--data", type=Path, default=FOLDER / "data", help="a folder with UCI's adult.data")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(":memory:") as connection:
        rows = _adult(connection, options.data)
        if not rows:
            rows = options.rows
            _fill(connection, rows)
        ours = _ours(connection)
        path = Path(folder) / "table.csv"
        connection.execute(f"COPY people TO '{path}' (HEADER)")
        theirs = _theirs(options.peers, path)
    print(f"{rows:,} rows x {len(WIDTHS)} quasi-identifiers")
    for name, (value, taken) in ours.items():
        line = f"{name:8} {value:12.6f} {taken * 1e3:10.1f} ms"
        if name in theirs:
            peer, slow = theirs[name]
            line += f"   pycanon {peer:12.6f} {slow:8.2f} s   {slow / taken:8.0f} times"
        print(line)
    _traces()


def _adult(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """The real table, how many rows; 0 where it is not there."""
    there = read(folder)
    if not there:
        return 0
    import pyarrow as pa

    columns = {name: there[ADULT.get(name, name)] for name in (*WIDTHS, ILLNESS)}
    connection.register("made", pa.table(columns))
    connection.execute("CREATE TABLE people AS SELECT * FROM made")
    return len(columns[ILLNESS])


def _fill(connection: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Skewed, so that groups are of all sizes; the same rows each time."""
    random = np.random.default_rng(1)
    columns = {name: np.minimum(random.zipf(1.6, rows), width).astype(str) for name, width in WIDTHS.items()}
    columns[ILLNESS] = random.choice(["low", "mid", "high"], rows, p=[0.6, 0.3, 0.1])
    import pyarrow as pa

    connection.register("made", pa.table(columns))
    connection.execute("CREATE TABLE people AS SELECT * FROM made")


def _ours(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[float, float]]:
    """Each figure from the table itself, the group-by included."""
    quasi = list(WIDTHS)

    def cells() -> sensitive.Cells:
        return sensitive.cells(tuples(connection, "people", [*quasi, ILLNESS]), quasi, ILLNESS)

    works: dict[str, Callable[[], float]] = {
        "k": lambda: groups.of_table(connection, "people", quasi).smallest,
        "l": lambda: sensitive.distinct(cells()),
        "entropy": lambda: sensitive.entropy(cells()),
        "t": lambda: sensitive.closeness(cells()),
        "beta": lambda: sensitive.beta_likeness(cells()),
    }
    return {name: _timed(work) for name, work in works.items()}


def _timed(work: Callable[[], float], runs: int = 5) -> tuple[float, float]:
    """The value and the median time."""
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        value = work()
        taken.append(time.perf_counter() - started)
    return float(value), sorted(taken)[runs // 2]


def _theirs(folder: Path | None, path: Path) -> dict[str, Any]:
    python = folder / "bin" / "python" if folder else None
    if python is None or not python.exists():
        print("pycanon is not here (--peers FOLDER of a virtual environment that has it), so it is not compared.")
        return {}
    done = subprocess.run([python, "-c", _PEER, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"pycanon did not run: {done.stderr.strip().splitlines()[-1:]}")
        return {}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _traces() -> None:
    random = np.random.default_rng(1)
    rows = 1_000_000
    points = trajectory.Points(*(random.integers(0, top, rows) for top in (50_000, 2_000, 365)))
    told, taken = None, 0.0
    started = time.perf_counter()
    told = trajectory.unicity(points, tolerance=14)
    taken = time.perf_counter() - started
    shares = ", ".join(f"p={item.points} {item.share:.1%}" for item in told)
    print(f"unicity  {rows:,} points of {points.subjects:,} persons, 14 days: {taken:.2f} s ({shares})")


if __name__ == "__main__":
    main()
