"""Rows that come after a table of counts, through the street: held back where they tell what it left out, repaired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy.optimize import linprog
from test_publish_gate import STEWARD, _born, _city, _section, _write

from arengo.city import City

TABLE = """\
apiVersion: v3.1.0
kind: DataContract
id: numbers
name: numbers
version: 1.0.0
status: active
domain: participation
schema:
  - name: numbers
    properties:
      - {name: district, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: quasi}]}
      - {name: decade, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: quasi}]}
      - {name: people, logicalType: integer}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoPopulation, value: residents}
  - {property: arengoCells, value: {by: [district, decade], count: people, total: All}}
  - {property: arengoProtection, value: {cells: {method: suppress, threshold: 5}}}
  - {property: arengoSource, value: {kind: csv, path: sources/numbers.csv}}
"""
Key = tuple[str, str]


def _counted(root: Path) -> Counter[Key]:
    """The voters of the ballots by district and decade of birth, with totals."""
    out: Counter[Key] = Counter()
    for line in (root / "sources" / "ballots.csv").read_text(encoding="utf-8").splitlines()[1:]:
        _, born, _, section = line.split(",")
        district, decade = f"D{int(section[1:]) // 10}", f"{born[:3]}0–{born[:3]}9"
        for key in ((district, decade), (district, "All"), ("All", decade), ("All", "All")):
            out[key] += 1
    return out


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """A table of voters by district and decade is public; one district has few who were born in the twenties."""
    root = tmp_path / "city"
    with _city(root, 1_500) as made:
        born = [("S01", 8), ("S11", 3), ("S21", 9), ("S31", 7)]
        odd = [f"R9{at:04d},1924-05-{at % 28 + 1:02d},F,{section}"
               for at, section in enumerate(name for name, many in born for _ in range(many))]  # fmt: skip
        for name in ("register", "ballots"):
            path = root / "sources" / f"{name}.csv"
            path.write_text(path.read_text(encoding="utf-8") + "\n".join(odd) + "\n", encoding="utf-8")
        rows = [f"{district},{decade},{many}" for (district, decade), many in sorted(_counted(root).items())]
        (root / "sources" / "numbers.csv").write_text(
            "\n".join(["district,decade,people", *rows]) + "\n", encoding="utf-8"
        )
        (root / "contracts" / "numbers.odcs.yaml").write_text(TABLE, encoding="utf-8")
        made.apply()
        for name in ("register", "numbers"):
            (run,) = made.publish([name])
            assert run.state == "succeeded", run.error
        yield made


def _bounds(city: City, true: Counter[Key]) -> dict[Key, tuple[float, float]]:
    """What somebody who has both learns of each small figure that the table leaves out: the least and the most."""
    table = duckdb.sql(
        f"SELECT district, decade, people FROM {city.lake.source(city.versions('numbers')[0])}"
    ).fetchall()
    shown = {(row[0], row[1]): row[2] for row in table}
    rows = duckdb.sql(f"SELECT section, born FROM {city.lake.source(city.versions('ballots')[0])}").fetchall()
    seen = Counter((str(row[0]), str(row[1])) for row in rows)
    cells = [key for key in shown if "All" not in key]
    missing = true["All", "All"] - sum(seen.values())
    equal, figures = [], []
    for key, n in shown.items():
        if n is not None:
            met = [cell == key or (key[0] in (cell[0], "All") and key[1] in (cell[1], "All") and "All" in key)
                   for cell in cells]  # fmt: skip
            equal.append([float(item) for item in met])
            figures.append(float(n))
    ends = [(float(seen[cell]), float(seen[cell] + missing)) for cell in cells]
    out = {}
    for at, cell in enumerate(cells):
        if shown[cell] is None and true[cell] < 5:
            unit = np.eye(len(cells))[at]
            low, high = (
                linprog(sign * unit, A_eq=equal, b_eq=figures, bounds=ends).fun * sign for sign in (1, -1)
            )  # fmt: skip
            out[cell] = (low, high)
    return out


def test_rows_after_a_table_are_held_back_and_a_repair_leaves_out_a_few(city: City) -> None:
    root = city.settings.root
    true = _counted(root)
    rule = "  - {property: arengoProtection, value: {suppress: {below: 5}}}"
    _write(root, "ballots", _section("district"), _born("decade"), custom=rule)
    city.apply()
    (run,) = city.publish(["ballots"])
    assert run.state == "refused"
    held = city.desk.latest("ballots")
    assert held is not None
    blocked = [item for item in held.verdict.findings if item.outcome == "block"]
    assert [(item.code, item.releases) for item in blocked] == [("cells-differenced", ("numbers v1",))]
    assert not city.versions("ballots")
    (repair,) = [item for item in held.verdict.repairs if item.kind == "beside"]
    assert repair.suppressed <= 0.05 * true["All", "All"]
    contract = city.desk.repair(held.id, repair.id, STEWARD, "A few voters only.")
    assert contract.custom["arengoProtection"]["suppress"]["beside"] is True
    assert city.background.wait(200)
    (again,) = city.publisher.runs(contract.id, 1)
    assert again.state == "succeeded", again.error
    bounds = _bounds(city, true)
    assert bounds
    assert all(high - low >= 4.99 for low, high in bounds.values()), bounds
