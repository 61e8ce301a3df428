"""What the cheapest levels of the Adult census data cost: ``python -m bench.adult``, beside anjana (``--peer``).

30,162 rows, eight quasi-identifiers, with ARX's value hierarchies. The data itself is UCI's (``scripts/adult.sh`` gets
it where it can); where it is not there, a table whose columns have the same counts, independently of each other, stands
for it, and the output says so. How far the optimum is ARX's is a matter of ``tests/privacy/test_privacy_adult.py``.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from arengo.privacy.search import Axis, Problem, axis, optimum

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "privacy" / "adult"
PLACES = {9: "sex", 0: "age", 8: "race", 5: "marital-status", 3: "education", 13: "native-country", 1: "workclass",
          14: "salary-class", 6: "occupation"}  # fmt: skip
"""Columns of UCI's file."""
QUASI = tuple(name for name in PLACES.values() if name != "occupation")
PEER = """
import json, sys, time
import pandas as pd
from anjana.anonymity import k_anonymity
told = json.loads(open(sys.argv[1]).read())
data = pd.read_csv(told["table"], dtype=str)
ladders = {name: {int(level): values for level, values in levels.items()} for name, levels in told["ladders"].items()}
begin, cpu = time.perf_counter(), time.process_time()
out = k_anonymity(data, [], list(ladders), told["k"], told["limit"] * 100, ladders)
spent, used = time.perf_counter() - begin, time.process_time() - cpu
print(json.dumps({"seconds": spent, "cpu": used, "rows": len(out)}))
"""


def ladders() -> dict[str, list[list[str]]]:
    """Column -> its values, each with its groups."""
    out = {}
    for name in QUASI:
        text = (FOLDER / "hierarchies" / f"adult_hierarchy_{name}.csv").read_text(encoding="utf-8")
        out[name] = [line.split(";") for line in text.splitlines()]
    return out


def read(folder: Path) -> dict[str, list[str]]:
    """The complete rows of UCI's file, by column; nothing where it is not there."""
    if not (folder / "adult.data").is_file():
        return {}
    with (folder / "adult.data").open(newline="", encoding="utf-8") as file:
        lines = [[value.strip() for value in line] for line in csv.reader(file) if len(line) == 15]
    return {name: [line[at] for line in lines if "?" not in line] for at, name in PLACES.items()}


def made() -> dict[str, list[str]]:
    """Columns with the counts of the real ones, ages apart, independent of each other."""
    draw = np.random.default_rng(1)
    spelled: dict[str, list[str]] = {}
    with (FOLDER / "counts.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=";"):
            spelled.setdefault(row["column"], []).extend([row["value"]] * int(row["people"]))
    rows = len(spelled["sex"])
    spelled["age"] = [str(min(17 + int(age), 90)) for age in draw.gamma(2.2, 10, rows)]
    return {name: draw.permutation(spelled[name]).tolist() for name in PLACES.values()}


def coded(columns: list[list[str]]) -> tuple[tuple[Axis, ...], np.ndarray[Any, Any]]:
    axes, codes = [], []
    for (name, lines), told in zip(ladders().items(), columns, strict=True):
        place = {line[0]: at for at, line in enumerate(lines)}
        axes.append(axis(name, [list(level) for level in zip(*lines, strict=True)]))
        codes.append([place[value] for value in told])
    return tuple(axes), np.array(codes, np.int32)


def searched(axes: tuple[Axis, ...], codes: np.ndarray[Any, Any], k: int, limit: float) -> Any:
    key = np.ravel_multi_index(tuple(codes), tuple(item.groups.shape[1] for item in axes))
    _, first, counts = np.unique(key, return_index=True, return_counts=True)
    return optimum(Problem(axes, codes[:, first], counts.astype(np.int64), k, limit))


def peer(python: str, columns: list[list[str]], k: int, limit: float, folder: Path) -> dict[str, Any]:
    """anjana, with each value named with its groups, as its documentation shows."""
    written = folder / "adult.csv"
    with written.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(QUASI)
        out.writerows(zip(*columns, strict=True))
    told = folder / "peer.json"
    steps = {name: {level: [line[level] for line in lines] for level in range(len(lines[0]))}
             for name, lines in ladders().items()}  # fmt: skip
    told.write_text(json.dumps({"table": str(written), "ladders": steps, "k": k, "limit": limit}), encoding="utf-8")
    script = folder / "peer.py"
    script.write_text(PEER, encoding="utf-8")
    done = subprocess.run([python, str(script), str(told)], capture_output=True, text=True, timeout=900, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def timed(work: Callable[[], Any], times: int = 5) -> tuple[float, float, Any]:
    """Median seconds, median CPU seconds, and the last answer."""
    spent, used, answer = [], [], None
    for _ in range(times):
        begin, cpu = time.perf_counter(), time.process_time()
        answer = work()
        spent.append(time.perf_counter() - begin)
        used.append(time.process_time() - cpu)
    return statistics.median(spent), statistics.median(used), answer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.adult", description=__doc__)
    parser.add_argument("--data", type=Path, default=FOLDER / "data", help="a folder with UCI's adult.data")
    parser.add_argument("--peer", default="", help="a Python with anjana")
    options = parser.parse_args()
    there = read(options.data)
    columns = [(there or made())[name] for name in QUASI]
    axes, codes = coded(columns)
    what = "Adult" if there else "made up, columns as in Adult (its data is not here)"
    print(f"{what}: {codes.shape[1]:,} rows x {len(axes)} quasi-identifiers")
    for limit in (0.0, 0.02, 0.05):
        spent, used, found = timed(lambda limit=limit: searched(axes, codes, 5, limit))
        print(f"k=5, {limit:.0%} withheld: {spent:6.3f} s, {used:6.3f} CPU-s, {found.checked} of {found.nodes} nodes, "
              f"levels {found.node}, loss {found.loss:.4f}, {found.withheld:,} withheld")  # fmt: skip
        if not options.peer or not Path(options.peer).is_file():
            print("  anjana is not measured: name a Python that has it with --peer")
            continue
        with tempfile.TemporaryDirectory() as folder:
            other = peer(options.peer, columns, 5, limit, Path(folder))
        print(f"  anjana: {other['seconds']:6.2f} s, {other['cpu']:6.2f} CPU-s, {other['rows']:,} rows left; "
              f"{other['seconds'] / spent:.0f}x, by CPU time {other['cpu'] / used:.0f}x")  # fmt: skip


if __name__ == "__main__":
    main()
