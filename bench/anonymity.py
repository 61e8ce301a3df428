"""What making a table safe costs: ``python -m bench.anonymity``.

A register of residents (section, birth year, sex, nationality, education) from Parquet to the Parquet of its cheapest
levels at which everybody stands in a group of five, against the engine's own group-by and copy of the same columns.
And a table like Adult (30,162 rows, eight quasi-identifiers) against anjana, in a Python of its own (``--peer``).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from arengo.contract.model import Kind
from arengo.governance.hierarchy import Hierarchies
from arengo.lake.layout import quote
from arengo.privacy.hierarchy import CityCodes
from arengo.privacy.search import Axis, Problem, axis, mondrian, optimum
from arengo.privacy.search.mondrian import ranked
from arengo.privacy.spread import coarser, grouped
from arengo.privacy.tuples import tuples
from arengo.settings import Settings
from arengo.state import open_state

COLUMNS = (
    ("section", Kind.STRING, "characters"), ("birth_year", Kind.INTEGER, "numbers"), ("sex", Kind.STRING, "all"),
    ("nationality", Kind.STRING, "characters"), ("education", Kind.STRING, "all"),
)  # fmt: skip
SIZES = (72, 16, 7, 41, 14, 5, 2, 7)
"""Values of the columns of a table like Adult: age, education, marital status, country, occupation, race, sex, work."""
WIDTHS = ((5, 10, 20), (4, 8), (3,), (8,), (5,), (), (), (3,))
PEER = """
import json, sys, time
import pandas as pd
from anjana.anonymity import k_anonymity
told = json.loads(open(sys.argv[1]).read())
data = pd.read_csv(told["table"], dtype=str)
ladders = {name: {int(level): values for level, values in levels.items()} for name, levels in told["ladders"].items()}
begin = time.perf_counter()
out = k_anonymity(data, [], list(ladders), told["k"], told["limit"] * 100, ladders)
spent = time.perf_counter() - begin
print(json.dumps({"seconds": spent, "rows": len(out), "smallest": int(out.groupby(list(ladders)).size().min())}))
"""


def codes(root: Path) -> CityCodes:
    settings = Settings(root=root)
    settings.home.mkdir(parents=True, exist_ok=True)
    state = open_state(settings.state_url)
    return CityCodes(settings, state, Hierarchies(settings, state))


def register(path: Path, rows: int) -> None:
    """About seven in eight combinations are somebody's own."""
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT 's' || lpad(CAST(hash(r * 3 + 1) % 1000 AS VARCHAR), 4, '0') AS section, "
            "CAST(1925 + greatest(hash(r * 7 + 2) % 100, hash(r * 29) % 100) AS BIGINT) AS birth_year, "
            "CASE hash(r * 11) % 2 WHEN 0 THEN 'F' ELSE 'M' END AS sex, "
            "'N' || lpad(CAST(least(hash(r * 13) % 180, hash(r * 17) % 180, hash(r * 19) % 180) AS VARCHAR), 3, '0') "
            "AS nationality, 'E' || lpad(CAST(least(hash(r * 23) % 16, hash(r * 31) % 16) AS VARCHAR), 2, '0') "
            f"AS education FROM range({rows}) t(r)) TO '{path}' (FORMAT parquet)"
        )


def transformed(source: Path, target: Path, ladders: CityCodes, k: int, limit: float) -> str:
    """From Parquet to Parquet, as the street does it: one group-by, the search, one pass."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
        table = f"read_parquet('{source}')"
        told = tuples(connection, table, [name for name, _, _ in COLUMNS])
        axes: list[Axis] = []
        for (name, kind, hierarchy), values in zip(COLUMNS, told.values, strict=True):
            levels = ladders.levels(hierarchy)
            shown = grouped(connection, ladders, hierarchy, levels, "", kind, values)
            axes.append(coarser(name, levels, shown, len(values)))
        found = optimum(Problem(tuple(axes), told.codes, told.counts, k, limit))
        assert found.node is not None
        distinct = len(told)
        del told
        picked = ", ".join(
            (ladders.sql(hierarchy, item.names[place - 1], quote(name), kind) if place else quote(name))
            + f" AS {quote(name)}"
            for (name, kind, hierarchy), item, place in zip(COLUMNS, axes, found.node, strict=True)
        )
        connection.execute(f"COPY (SELECT {picked} FROM {table}) TO '{target}' (FORMAT parquet)")
    return f"{distinct:,} combinations, {found.checked} of {found.nodes} nodes, {found.node}, loss {found.loss:.3f}"


def raw(source: Path, target: Path) -> None:
    """The engine alone: the same group-by and a copy of the columns as they are."""
    listed = ", ".join(quote(name) for name, _, _ in COLUMNS)
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
        connection.execute(f"SELECT {listed}, count(*) FROM '{source}' GROUP BY {listed}").to_arrow_table()
        connection.execute(f"COPY (SELECT {listed} FROM '{source}') TO '{target}' (FORMAT parquet)")


def adult(rows: int = 30_162, seed: int = 1) -> np.ndarray[Any, Any]:
    draw = np.random.default_rng(seed)
    return np.stack([np.minimum(draw.gamma(1.2, size / 8, rows).astype(int), size - 1) for size in SIZES])


def adult_axes() -> tuple[Axis, ...]:
    return tuple(
        axis(f"c{at}", [list(range(size)), *([value // w for value in range(size)] for w in WIDTHS[at]), [0] * size])
        for at, size in enumerate(SIZES)
    )


def searched(drawn: np.ndarray[Any, Any], k: int, limit: float) -> Any:
    unique, counts = np.unique(drawn, axis=1, return_counts=True)
    return optimum(Problem(adult_axes(), unique.astype(np.int32), counts.astype(np.int64), k, limit))


def peer(python: str, drawn: np.ndarray[Any, Any], k: int, limit: float, folder: Path) -> dict[str, Any]:
    names = [f"c{at}" for at in range(len(SIZES))]
    table = folder / "adult.csv"
    with table.open("w") as file:
        file.write(",".join(names) + "\n")
        file.writelines(",".join(str(value) for value in row) + "\n" for row in drawn.T)
    ladders = {
        name: {
            str(level): [str(value) if level == 0 else f"{level}:{groups[value]}" for value in range(size)]
            for level, groups in enumerate(item.groups)
        }
        for name, size, item in zip(names, SIZES, adult_axes(), strict=True)
    }
    told = folder / "peer.json"
    told.write_text(json.dumps({"table": str(table), "ladders": ladders, "k": k, "limit": limit}))
    script = folder / "peer.py"
    script.write_text(PEER)
    done = subprocess.run([python, str(script), str(told)], capture_output=True, text=True, timeout=900, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def timed(work: Callable[[], Any], times: int) -> tuple[float, float, Any]:
    """Median seconds, median CPU seconds, and the last answer."""
    spent, used, answer = [], [], None
    for _ in range(times):
        begin, cpu = time.perf_counter(), time.process_time()
        answer = work()
        spent.append(time.perf_counter() - begin)
        used.append(time.process_time() - cpu)
    return statistics.median(spent), statistics.median(used), answer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.anonymity", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--peer", default="", help="a Python with anjana")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ladders = codes(folder)
        drawn = adult()
        for limit in (0.0, 0.05):
            spent, used, found = timed(lambda limit=limit: searched(drawn, 5, limit), 5)
            print(f"like Adult, 30,162 x 8, k=5, {limit:.0%} withheld: {spent:6.3f} s, {used:6.3f} CPU-s, "
                  f"{found.checked} of {found.nodes} nodes")  # fmt: skip
            if not options.peer or not Path(options.peer).is_file():
                print("  anjana is not measured: name a Python that has it with --peer")
                continue
            other = peer(options.peer, drawn, 5, limit, folder)
            print(f"  anjana: {other['seconds']:6.2f} s, {other['rows']:,} rows left; {other['seconds'] / spent:.0f}x")
        source, target = folder / "register.parquet", folder / "made.parquet"
        register(source, options.rows)
        bare, _, _ = timed(lambda: raw(source, target), options.times)
        for limit in (0.0, 0.02):
            spent, used, said = timed(lambda limit=limit: transformed(source, target, ladders, 5, limit), options.times)
            print(f"{options.rows:,} x 5, k=5, {limit:.0%}: {spent:6.2f} s, {used:6.2f} CPU-s, {spent / bare:.1f}x the "
                  f"engine's group-by and copy ({bare:.2f} s); {said}")  # fmt: skip
        with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
            told = tuples(connection, f"read_parquet('{source}')", [item[0] for item in COLUMNS])
        spent, used, groups = timed(lambda: mondrian(ranked(told), told.counts, 5), options.times)
        sizes = np.bincount(groups, weights=told.counts)
        print(f"{options.rows:,} x 5, Mondrian: {spent:6.2f} s, {used:6.2f} CPU-s, {len(sizes):,} groups of "
              f"{sizes.min():.0f} to {sizes.max():.0f}")  # fmt: skip
        print(f"largest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
