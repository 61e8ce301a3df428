"""What the gate reckons with: the same from a pass over a table as from a part that was kept and the rest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.contract.model import Kind
from arengo.privacy.reckoning import NOTE, Added, Reckoning

ROW = st.tuples(
    st.sampled_from(["a", "b", "c", None]),
    st.one_of(st.none(), st.integers(0, 200)),
    st.one_of(st.none(), st.floats(-2, 2, allow_nan=False).map(lambda x: round(x, 1))),
    st.sampled_from(["none", "call 612 34 56 78 9", "write to ana@example.org", None, "7x 12345678"]),
    st.sampled_from(["p1", "p2", "p3", "p4", "p5", None]),
)
COLUMNS = [("s", Kind.STRING), ("i", Kind.INTEGER), ("x", Kind.NUMBER), ("t", Kind.STRING)]
PATTERN = r"@|\d{6}"


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        yield connection


def fill(engine: duckdb.DuckDBPyConnection, name: str, rows: list[tuple[Any, ...]]) -> None:
    engine.execute(f"CREATE OR REPLACE TABLE {name} (s VARCHAR, i BIGINT, x DOUBLE, t VARCHAR, _subject VARCHAR)")
    if rows:
        engine.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?)", rows)


def everything(held: Reckoning) -> dict[str, Any]:
    """All it can tell, in the order the steps of the gate ask."""
    values = held.columns(COLUMNS)
    out: dict[str, Any] = {
        name: (item.texts, item.hashes.tolist(), item.counts.tolist(), item.filled, item.power)
        for name, item in values.items()
    }
    combos = held.combos(["s", "i", "x"])
    out["combos"] = (combos.table.to_pylist(), combos.power)
    out["texts"] = {name: held.texts(name, PATTERN, 100) for name in ("t", "s")}
    people = held.persons()
    out["people"] = people
    cells = held.cells(["s"], "t")
    groups = held.groups(["s"])
    for name in (cells, groups):
        out[name[:8]] = sorted(map(repr, held.connection.execute(f"SELECT * FROM {name}").fetchall()))
    out["rows"] = held.rows
    return out


@given(st.lists(ROW, max_size=60), st.lists(ROW, max_size=25), st.lists(ROW, max_size=25), st.sampled_from([2, 5, 100]))
@settings(deadline=None, max_examples=60)
def test_what_is_added_up_is_what_a_whole_pass_counts(
    engine: duckdb.DuckDBPyConnection, first: list[Any], second: list[Any], third: list[Any], size: int
) -> None:
    fill(engine, "whole", first)
    held = Reckoning(engine, "whole", size)
    everything(held)
    rows = list(first)
    for part in (second, third):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / NOTE).write_bytes(orjson.dumps(held.keep(Path(folder))))
            fill(engine, "held", rows)
            fill(engine, "new", part)
            rows += part
            fill(engine, "whole", rows)
            held = Reckoning(engine, "whole", size, added=Added("new", Path(folder), "held"))
            grown = everything(held)
            assert grown == everything(Reckoning(engine, "whole", size))
            assert not held.passes


def test_few_values_of_very_many_are_an_even_part_of_them(engine: duckdb.DuckDBPyConnection) -> None:
    engine.execute(
        "CREATE OR REPLACE TABLE many AS SELECT i % 50000 AS i, NULL::VARCHAR AS _subject FROM range(200000) t(i)"
    )
    held = Reckoning(engine, "many", 1_000).columns([("i", Kind.INTEGER)])["i"]
    assert 500 < len(held.texts) <= 1_000
    assert set(held.counts.tolist()) == {4}
    assert len(held.texts) / held.share == pytest.approx(50_000, rel=0.15)


def test_what_was_not_kept_is_counted_over_the_whole_table(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    fill(engine, "whole", [("a", 1, 0.5, "x", "p1"), ("b", 2, 0.5, "y", "p2")])
    fill(engine, "new", [("b", 2, 0.5, "y", "p2")])
    held = Reckoning(engine, "whole", 10, added=Added("new", tmp_path / "nothing", "whole"))
    assert held.columns([("s", Kind.STRING)])["s"].counts.tolist() == [1, 1]
    assert held.passes == ("values of s",)
