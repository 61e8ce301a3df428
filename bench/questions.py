"""``python -m bench.questions CITY``: what the sandbox of SQL questions costs beside DuckDB on the same files.

Five questions on the city's largest dataset, each asked in turns: by a fresh locked process (as the server does),
and by one warm DuckDB connection of this process with one thread. Prints medians and ratios; nothing is cached on
either side but the files in the page cache.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import arengo
from arengo.contract.model import Kind
from arengo.lake.engine import load
from arengo.query.scope import quote

TURNS = 15


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    import duckdb

    with arengo.open(sys.argv[1]) as city:
        table = max(city.door.sql_tables(), key=lambda item: item.view.version.rows)
        columns = table.view.columns
        text = next((item.name for item in columns if item.kind is Kind.STRING), columns[0].name)
        number = next((item.name for item in columns if item.kind in (Kind.INTEGER, Kind.NUMBER)), columns[0].name)
        questions = {
            "one row": f"SELECT * FROM {table.name} LIMIT 1",
            "count": f"SELECT count(*) FROM {table.name}",
            "groups": f"SELECT {quote(text)}, count(*), avg({quote(number)}) FROM {table.name} GROUP BY 1 ORDER BY 2",
            "sorted": f"SELECT * FROM {table.name} ORDER BY {quote(number)} DESC LIMIT 100",
            "10,000 rows": f"SELECT * FROM {table.name} LIMIT 10000",
        }
        raw = duckdb.connect(config={"threads": 1})
        load(raw, "spatial")
        source = city.lake.source(table.view.version)
        shown = ", ".join(quote(item.name) for item in columns)
        raw.execute(f"CREATE VIEW {table.name} AS SELECT {shown} FROM {source}")
        print(f"{table.dataset}: {table.view.version.rows:,} rows, {TURNS} turns, medians in ms")
        print(f"{'question':14}{'sandbox':>10}{'DuckDB':>10}{'more':>10}{'ratio':>8}")
        started = time.perf_counter()
        city.door.sql("SELECT 1").rows()
        first = time.perf_counter() - started
        for name, sql in questions.items():
            apart, beside = _turns(
                lambda sql=sql: city.door.sql(sql).rows(), lambda sql=sql: raw.execute(sql).fetchall()
            )
            more = f"{apart - beside:>10.1f}"
            print(f"{name:14}{apart:>10.1f}{beside:>10.1f}{more}{apart / beside:>8.1f}")
        print(f"the first question of a process: {first * 1000:.0f} ms")
        raw.close()
    return 0


def _turns(apart: Callable[[], object], beside: Callable[[], object]) -> tuple[float, float]:
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS + 2):
        for times, ask in zip(found, (apart, beside), strict=True):
            started = time.perf_counter()
            ask()
            if turn > 1:
                times.append((time.perf_counter() - started) * 1000)
    return statistics.median(found[0]), statistics.median(found[1])


if __name__ == "__main__":
    raise SystemExit(main())
