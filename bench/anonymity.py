"""What making a table safe costs: ``python -m bench.anonymity``.

A register of residents (section, birth year, sex, nationality, education) from Parquet to the Parquet of its cheapest
levels at which everybody stands in a group of five, against the engine's own group-by and copy of the same columns.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from arengo.contract.model import Kind
from arengo.governance.hierarchy import Hierarchies
from arengo.lake.layout import quote
from arengo.privacy.hierarchy import CityCodes
from arengo.privacy.search import Axis, InEngine, Problem, mondrian, optimum
from arengo.privacy.search.mondrian import ranked
from arengo.privacy.spread import coarser, grouped
from arengo.privacy.tuples import Stored, Tuples, combinations, tuples
from arengo.settings import Settings
from arengo.state import open_state
from bench.adult import timed

COLUMNS: tuple[tuple[str, Kind, str], ...] = (
    ("section", Kind.STRING, "characters"), ("birth_year", Kind.INTEGER, "numbers"), ("sex", Kind.STRING, "all"),
    ("nationality", Kind.STRING, "characters"), ("education", Kind.STRING, "all"),
)  # fmt: skip
Columns = tuple[tuple[str, Kind, str], ...]
BIG: Columns = (
    ("birth", Kind.DATE, "dates"), ("postcode", Kind.STRING, "characters"), ("sex", Kind.STRING, "all"),
    ("education", Kind.STRING, "all"), ("occupation", Kind.STRING, "characters"), ("nationality", Kind.STRING, "all"),
)  # fmt: skip
DISTINCT = (2_000_000, 15_000_000)


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


def persons(path: Path, rows: int, distinct: int, folder: Path) -> None:
    """Rows of ``distinct`` combinations, some much more frequent than others: many of the young, of the large
    postcodes, of the usual nationality."""
    p = f"least(hash(r * 3 + 1) % {distinct}, hash(r * 5 + 2) % {distinct})"
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB", "temp_directory": str(folder)}) as connection:
        connection.execute(
            "COPY (SELECT DATE '1925-01-01' + CAST(greatest(hash(p * 7) % 36500, hash(p * 11) % 36500) AS INTEGER) AS "
            "birth, CAST(10000 + least(hash(p * 13) % 4000, hash(p * 17) % 4000) * 7 AS VARCHAR) AS postcode, "
            "CASE hash(p * 19) % 2 WHEN 0 THEN 'F' ELSE 'M' END AS sex, "
            "'E' || lpad(CAST(least(hash(p * 23) % 12, hash(p * 29) % 12) AS VARCHAR), 2, '0') AS education, "
            "CAST(1000 + least(hash(p * 31) % 430, hash(p * 37) % 430) * 3 AS VARCHAR) AS occupation, "
            "'N' || lpad(CAST(least(hash(p * 41) % 180, hash(p * 43) % 180, hash(p * 47) % 180, hash(p * 53) % 180) "
            f"AS VARCHAR), 3, '0') AS nationality FROM (SELECT {p} AS p FROM range({rows}) t(r))) "
            f"TO '{path}' (FORMAT parquet)"
        )


def transformed(
    source: Path, target: Path, ladders: CityCodes, k: int, limit: float, columns: Columns = COLUMNS,
    spill: Path | None = None,
) -> str:  # fmt: skip
    """From Parquet to Parquet, as the street does it: one group-by, the search, one pass; who still stands out within
    the limit is left out."""
    config: dict[str, Any] = {"threads": 2, "memory_limit": "1GB"}
    if spill:
        config["temp_directory"] = str(spill)
    with duckdb.connect(config=config) as connection:
        table = f"read_parquet('{source}')"
        begin = time.perf_counter()
        told = combinations(connection, table, [name for name, _, _ in columns])
        axes: list[Axis] = []
        for (name, kind, hierarchy), values in zip(columns, told.values, strict=True):
            levels = ladders.levels(hierarchy)
            shown = grouped(connection, ladders, hierarchy, levels, "", kind, values)
            axes.append(coarser(name, levels, shown, len(values)))
        counted = time.perf_counter()
        problem: Problem | InEngine
        if isinstance(told, Tuples):
            problem = Problem(tuple(axes), told.codes, told.counts, k, limit)
        else:
            problem = InEngine(tuple(axes), told, tuple(range(len(axes))), k, limit)
        found = optimum(problem, 1e9)
        searched = time.perf_counter()
        assert found.node is not None
        assert found.optimal
        distinct = len(told)
        if isinstance(told, Stored):
            connection.execute(f"DROP TABLE {told.table}")
        del told, problem
        picked = ", ".join(
            (ladders.sql(hierarchy, item.names[place - 1], quote(name), kind) if place else quote(name))
            + f" AS {quote(name)}"
            for (name, kind, hierarchy), item, place in zip(columns, axes, found.node, strict=True)
        )
        made = f"SELECT {picked} FROM {table}"
        if found.withheld:
            names = ", ".join(quote(name) for name, _, _ in columns)
            match = " AND ".join(f"m.{quote(name)} IS NOT DISTINCT FROM s.{quote(name)}" for name, _, _ in columns)
            made = (
                f"SELECT m.* FROM ({made}) m ANTI JOIN (SELECT {names} FROM ({made}) GROUP BY {names} "
                f"HAVING count(*) < {k}) s ON {match}"
            )
        connection.execute(f"COPY ({made}) TO '{target}' (FORMAT parquet)")
        written = time.perf_counter()
    return (
        f"{distinct:,} combinations, {found.checked} of {found.nodes} nodes, {found.node}, loss {found.loss:.3f}, "
        f"{found.withheld:,} left out; counted {counted - begin:.1f} s, searched {searched - counted:.1f} s, "
        f"written {written - searched:.1f} s"
    )


def safe(target: Path, columns: Columns) -> int:
    """The smallest group of what was written, counted by the engine alone."""
    listed = ", ".join(quote(name) for name, _, _ in columns)
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
        (least,) = connection.execute(
            f"SELECT min(n) FROM (SELECT count(*) AS n FROM '{target}' GROUP BY {listed})"
        ).fetchone() or (0,)
    return int(least)


def again(*options: str) -> None:
    """This kit in a process of its own."""
    subprocess.run([sys.executable, "-m", "bench.anonymity", *options], check=True)


def big(rows: int, distinct: int, limit: float) -> None:
    """One table larger than memory, in this process; what is measured is printed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, target, spill = folder / "persons.parquet", folder / "made.parquet", folder / "spill"
        again("--draw", str(source), "--rows", str(rows), "--distinct", str(distinct))  # whose memory does not count
        ladders = codes(folder)
        most, over = 0, threading.Event()

        def watch() -> None:
            nonlocal most
            while not over.wait(0.1):
                held = 0
                for item in spill.glob("*"):
                    with contextlib.suppress(FileNotFoundError):
                        held += item.stat().st_size
                most = max(most, held)

        watcher = threading.Thread(target=watch)
        watcher.start()
        spent, used, said = timed(lambda: transformed(source, target, ladders, 5, limit, BIG, spill), 1)
        over.set()
        watcher.join()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{rows:,} x {len(BIG)} ({source.stat().st_size / 1e9:.2f} GB Parquet), k=5, {limit:.0%}: {spent:.1f} s, "
              f"{used:.1f} CPU-s, memory {memory:.2f} GB, spilled {most / 1e9:.2f} GB; {said}; smallest group "
              f"{safe(target, BIG)}", flush=True)  # fmt: skip


def raw(source: Path, target: Path) -> None:
    """The engine alone: the same group-by and a copy of the columns as they are."""
    listed = ", ".join(quote(name) for name, _, _ in COLUMNS)
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
        connection.execute(f"SELECT {listed}, count(*) FROM '{source}' GROUP BY {listed}").to_arrow_table()
        connection.execute(f"COPY (SELECT {listed} FROM '{source}') TO '{target}' (FORMAT parquet)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.anonymity", description=__doc__)
    parser.add_argument("--rows", type=int, default=0, help="5 million; 50 million with --big")
    parser.add_argument("--big", action="store_true", help="tables larger than memory: some minutes, 3 GB of disk")
    parser.add_argument("--distinct", type=int, nargs="+", default=DISTINCT, help="combinations of --big")
    parser.add_argument("--limit", type=float, nargs="+", default=(0.0, 0.02), help="shares that may be left out")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--draw", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = options.rows or (50_000_000 if options.big else 5_000_000)
    if options.draw:
        persons(options.draw, rows, options.distinct[0], options.draw.with_suffix(".spill"))
        return
    if options.one:
        big(rows, options.distinct[0], options.limit[0])
        return
    if options.big:
        for distinct in options.distinct:
            for limit in options.limit:
                again("--one", "--rows", str(rows), "--distinct", str(distinct), "--limit", str(limit))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ladders = codes(folder)
        source, target = folder / "register.parquet", folder / "made.parquet"
        register(source, rows)
        bare, _, _ = timed(lambda: raw(source, target), options.times)
        for limit in options.limit:
            spent, used, said = timed(lambda limit=limit: transformed(source, target, ladders, 5, limit), options.times)
            print(f"{rows:,} x 5, k=5, {limit:.0%}: {spent:6.2f} s, {used:6.2f} CPU-s, {spent / bare:.1f}x the "
                  f"engine's group-by and copy ({bare:.2f} s); {said}")  # fmt: skip
        with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
            told = tuples(connection, f"read_parquet('{source}')", [item[0] for item in COLUMNS])
        spent, used, groups = timed(lambda: mondrian(ranked(told), told.counts, 5), options.times)
        sizes = np.bincount(groups, weights=told.counts)
        print(f"{rows:,} x 5, Mondrian: {spent:6.2f} s, {used:6.2f} CPU-s, {len(sizes):,} groups of "
              f"{sizes.min():.0f} to {sizes.max():.0f}")  # fmt: skip
        print(f"largest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
