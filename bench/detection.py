"""How fast columns about persons are found: ``python -m bench.detection [rows]``. A table of 20 columns."""

from __future__ import annotations

import sys
import time

import duckdb

from arengo.contract.model import Kind
from arengo.privacy.detect import detect

TARGET = 200_000


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    connection = duckdb.connect(config={"threads": 2})
    texts = ", ".join(f"'w' || (hash(i * {n + 3}) % {10 ** (n % 6 + 1)}) AS t{n}" for n in range(8))
    numbers = ", ".join(f"(hash(i * {n + 31}) % {10 ** (n % 8 + 1)})::BIGINT AS n{n}" for n in range(8))
    connection.execute(
        f"CREATE TABLE t AS SELECT {texts}, {numbers}, DATE '1950-01-01' + (hash(i) % 25000)::INTEGER AS d, "
        "'Report about the lamp ' || (i % 900) || ' in the park' AS note, "
        "printf('%08d', hash(i) % 90000000) AS code, (hash(i) % 100) / 7.0 AS x "
        f"FROM range({rows}) AS r(i)"
    )
    columns = [(f"t{n}", Kind.STRING) for n in range(8)] + [(f"n{n}", Kind.INTEGER) for n in range(8)]
    columns += [("d", Kind.DATE), ("note", Kind.STRING), ("code", Kind.STRING), ("x", Kind.NUMBER)]
    started = time.perf_counter()
    connection.execute("SELECT " + ", ".join(f"count(DISTINCT {name})" for name, _ in columns) + " FROM t").fetchall()
    raw = time.perf_counter() - started
    for label, inside in (("sampled", False), ("with every text read", True)):
        started = time.perf_counter()
        found = detect(connection, "t", columns, country="ES", inside=inside)
        taken = time.perf_counter() - started
        print(
            f"{label:22} {rows / taken:12,.0f} rows/s   (target {TARGET:,}; counting distinct values exactly: "
            f"{rows / raw:,.0f}); columns about persons: {sum(bool(item.kind) for item in found)}"
        )


if __name__ == "__main__":
    main()
