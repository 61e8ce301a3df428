"""What noise, its budget and open statistics cost, and what an attacker gets out of them: ``python -m bench.noise``.

One million persons. Ratios are against the engine's plain answer in the same run.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from arengo.privacy.figures import Figures, shown
from arengo.privacy.noise import Budget, Loss, Noise, Persons, Spend, mechanism
from arengo.privacy.release import Population
from arengo.privacy.statistics import KEYS, Rule
from arengo.state import open_state

ROWS = 1_000_000
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def best(work: Callable[[], Any], n: int = 5) -> float:
    """The least of ``n`` times, in milliseconds."""
    taken = []
    for _ in range(n):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1e3)
    return min(taken)


def main() -> None:
    connection = duckdb.connect(config={"threads": "2"})
    connection.execute(
        f"CREATE TABLE people AS SELECT i AS person, (hash(i) % 73)::VARCHAR AS district, "
        f"(hash(i * 7) % 100)::DOUBLE AS age FROM range({ROWS}) AS t(i)"
    )
    keys = [[str(number)] for number in range(73)]
    loss = Loss("pure", 0.5)
    with Noise() as noise:
        noise.accuracy(measure="pure", loss=1.0)
        persons, bounded = Persons(connection, "people"), Persons(connection, "people", "person", 1)
        plain = best(lambda: connection.execute("SELECT district, count(*) FROM people GROUP BY 1").fetchall())
        noisy = best(lambda: mechanism.histogram(persons, ["district"], keys, noise, loss))
        sure = best(lambda: mechanism.histogram(bounded, ["district"], keys, noise, loss), 2)
        mean = best(lambda: mechanism.mean(persons, "age", 0, 100, noise, loss))
        alone = best(lambda: connection.execute("SELECT avg(age) FROM people").fetchall())
        half = best(lambda: mechanism.quantile(persons, "age", 0.5, 0, 100, noise, loss))
        print(f"histogram, 73 cells  plain {plain:7.1f} ms   noisy {noisy:7.1f} ms   x{noisy / plain:.1f}")
        print(f"  rows bounded here  {sure:7.1f} ms   x{sure / plain:.1f}")
        print(f"mean                 plain {alone:7.1f} ms   noisy {mean:7.1f} ms   x{mean / alone:.1f}")
        print(f"median               noisy {half:7.1f} ms")
    started = time.perf_counter()
    with Noise() as fresh:
        fresh.accuracy(measure="pure", loss=1.0)
    print(f"process of OpenDP    {(time.perf_counter() - started) * 1e3:7.1f} ms to start")
    budgets()
    averaging()
    answers()


def budgets() -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = open_state(f"sqlite:///{folder}/state.db")
        budget = Budget(state, {"residents": Population("residents", epsilon=1e9, period=400)})
        taken = []
        for number in range(400):
            spend = Spend("residents", "d", "s", NOW + timedelta(hours=number), 0.01, run=f"r{number}")
            started = time.perf_counter()
            budget.spend(spend)
            taken.append((time.perf_counter() - started) * 1e3)
        print(f"spend, 400 held      median {statistics.median(taken):.2f} ms")
        state.close()


def averaging() -> None:
    """The attacker wants counts that are withheld. First as if any groups could be asked: she asks for others with and
    without three people and averages. Then as it is: every cell of every grouping, and the best fit to all of them."""
    dice = np.random.default_rng(1)
    rule = Rule(5)
    target = dice.integers(0, KEYS, 3)
    for many in (1, 10, 100):
        errors = []
        for _ in range(200):
            found = []
            for _ in range(many):
                others = dice.integers(0, KEYS, 200)
                with_, without = (figure(np.concatenate([others, part])) for part in (target, target[:0]))
                found.append(shown(with_, rule)[0] - shown(without, rule)[0])
            errors.append(np.mean(found) - 3)
        off, right = float(np.sqrt(np.mean(np.square(errors)))), float(np.mean(np.abs(errors) < 0.5))
        print(f"any groups, {many:4d} pairs   off by {off:.2f} persons, right in {right:.0%}")
    for shape, people in (((20, 10, 2), 2_000), ((30, 12), 2_000), ((10, 6, 4, 2), 4_000)):
        cube(shape, people, rule, dice)


def cube(shape: tuple[int, ...], people: int, rule: Rule, dice: np.random.Generator) -> None:
    from scipy.optimize import lsq_linear

    size = int(np.prod(shape))
    weights = dice.dirichlet(np.full(size, 0.7))
    cell = dice.choice(size, people, p=weights)
    keys = dice.integers(0, KEYS, people)
    place = np.stack(np.unravel_index(np.arange(size), shape))
    rows, told = [], []
    hidden = np.ones(size, bool)
    for mask in range(1 << len(shape)):
        dims = [at for at in range(len(shape)) if mask >> at & 1]
        label = (
            np.ravel_multi_index([place[at] for at in dims], [shape[at] for at in dims])
            if dims
            else np.zeros(size, int)
        )
        for group in range(int(label.max()) + 1):
            inside = label == group
            value = shown(figure(keys[inside[cell]]), rule)[0]
            if np.isfinite(value):
                rows.append(inside.astype(float))
                told.append(value)
                if len(dims) == len(shape):
                    hidden[inside] = False
    truth = np.bincount(cell, minlength=size)
    found = lsq_linear(np.array(rows), np.array(told), bounds=(0, np.inf)).x
    small = hidden & (truth > 0)
    errors = found[small] - truth[small]
    guess = np.full(small.sum(), round(float(truth[hidden].mean())))
    print(f"cube {'x'.join(map(str, shape)):9s} {small.sum():4d} withheld   off by {np.sqrt(np.mean(errors**2)):.2f}, "
          f"right in {np.mean(np.abs(errors) < 0.5):.0%}; the mean of them guessed is right in "
          f"{np.mean(guess == truth[small]):.0%}")  # fmt: skip


def figure(keys: Any) -> Figures:
    total = np.array([int(keys.sum()) % KEYS], np.uint64)
    ones = np.ones(1)
    return Figures(np.array([float(len(keys))]), np.array([len(keys)]), total, ones, ones, True)


def answers() -> None:
    """The same grouped question of an open dataset and of one whose statistics alone are open."""
    import sys

    sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests" / room) for room in ("faces", "door")]
    from test_door_tally import PEOPLE
    from tiny_city import open_tiny

    from arengo.contract import loads
    from arengo.query.model import Aggregate, Group, Query

    rows = [(f"p{n}", f"s{n}", str(n % 73), n % 90, "FM"[n % 2], n % 1000 * 10.0, "2020-01-01", "IT", 9.0, 45.0)
            for n in range(200_000)]  # fmt: skip
    asked = Query("people", group_by=(Group("district"), Group("sex")), aggregates=(
        Aggregate("count"), Aggregate("avg", "income")), limit=None)  # fmt: skip
    for name in ("open", "cell-key", "suppress"):
        with tempfile.TemporaryDirectory() as folder:
            city = open_tiny(Path(folder))
            text = PEOPLE % f"{{threshold: 5, method: {name}}}"
            if name == "open":
                text = "\n".join(line for line in text.splitlines() if "arengoStatistics" not in line)
            city.publish(loads(text), rows, NOW)
            first = best(lambda city=city: city.door.ask(asked).rows(), 1)  # type: ignore[misc]
            print(f"200,000 rows, {name:9s} first {first:7.1f} ms   "
                  f"again {best(lambda city=city: city.door.ask(asked).rows()):7.1f} ms")  # type: ignore[misc]  # fmt: skip
            city.door.close()
            city.close()


if __name__ == "__main__":
    main()
