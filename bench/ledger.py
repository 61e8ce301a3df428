"""What the record costs: ``python -m bench.ledger``: durable entries a second, proofs, signing, checking.

Every entry counted was acknowledged, which means fsynced. Threads stand for requests that wait for their entry; two
processes for two server workers. Bodies and persons are those of a reading of ten rows.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from arengo.ledger import Ledger, export, inventory
from arengo.settings import Settings
from arengo.state import open_state

BODY = {
    "contract": "1.0.0",
    "version": 12,
    "columns": ["year", "school", "district", "children", "bus"],
    "rows": 10,
    "purpose": "school-bus-planning",
    "agreement": "agr-2026-0017",
    "grant": "c0ffee00c0ffee00",
    "rule": "agreement agr-2026-0017",
    "face": "/api/v1/datasets/school-enrolment/rows",
}


def opened(root: Path) -> Ledger:
    settings = Settings(root=root)
    return Ledger(settings, open_state(settings.state_url))


def told(ledger: Ledger, count: int, persons: int, name: str) -> list[float]:
    """Seconds of each of ``count`` entries, one after the other."""
    out = []
    for i in range(count):
        begin = time.perf_counter()
        subjects = [f"{name}-{i}-{n}" for n in range(persons)]
        ledger.tell("read", actor=name, organisation="schools", dataset="enrolment", body=BODY, subjects=subjects)
        out.append(time.perf_counter() - begin)
    return out


def burst(ledger: Ledger, threads: int, count: int, persons: int) -> tuple[float, list[float], float]:
    """(entries a second, seconds of each, CPU seconds of each)."""
    spent: list[float] = []
    workers = [
        threading.Thread(target=lambda n=n: spent.extend(told(ledger, count, persons, f"t{n}"))) for n in range(threads)
    ]
    begin, cpu = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    passed, used = time.perf_counter() - begin, time.process_time() - cpu
    return threads * count / passed, spent, used / (threads * count)


def process(root: str, count: int, threads: int, gate: object) -> None:
    ledger = opened(Path(root))
    ledger.tell("read")
    gate.wait()  # type: ignore[attr-defined]
    burst(ledger, threads, count, 0)
    ledger.close()


def processes(root: Path, number: int, threads: int, count: int) -> float:
    """Entries a second of several processes together."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(number + 1)
    children = [context.Process(target=process, args=(str(root), count, threads, gate)) for _ in range(number)]
    for child in children:
        child.start()
    gate.wait()
    begin = time.perf_counter()
    for child in children:
        child.join()
    return number * threads * count / (time.perf_counter() - begin)


def times(work: Callable[[int], object], over: Iterable[int]) -> float:
    """Median milliseconds."""
    out = []
    for item in over:
        begin = time.perf_counter()
        work(item)
        out.append(time.perf_counter() - begin)
    return statistics.median(out) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000, help="Entries of the record that proofs are made from.")
    parser.add_argument("--dir", type=Path, default=None, help="A folder on the disk to measure; a temporary one else.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="arengo-bench-ledger-") as folder:
        root = Path(folder)
        ledger = opened(root)
        ledger.tell("read")
        print(f"{'waiting':>8} {'persons':>8} {'entries/s':>10} {'median ms':>10} {'p99 ms':>8} {'CPU ms':>7}")
        for threads, count, persons in (
            (1, 2000, 0),
            (8, 1000, 0),
            (32, 400, 0),
            (64, 300, 0),
            (1, 500, 10),
            (32, 100, 10),
            (1, 300, 100),
            (32, 50, 100),
        ):
            rate, spent, cpu = burst(ledger, threads, count, persons)
            spent.sort()
            middle, late = statistics.median(spent) * 1e3, spent[int(len(spent) * 0.99)] * 1e3
            print(f"{threads:8} {persons:8} {rate:10,.0f} {middle:10.2f} {late:8.2f} {cpu * 1e3:7.3f}")
        begin, before = time.process_time(), ledger.size
        ledger.count()
        spent_counting = time.process_time() - begin
        counts = ledger.size - before
        print(f"counting 227,000 persons: {spent_counting:.2f} s of CPU, {counts} entries")
        rate = processes(root, 2, 16, 500)
        print(f"two processes, 16 threads each: {rate:,.0f} entries/s")
        begin = time.perf_counter()
        more = max(0, options.entries - ledger.size)
        for ticket in [ledger.submit("read", dataset="enrolment", body=BODY) for _ in range(more)]:
            ticket.wait()
        if more:
            print(f"handed in without waiting: {more / (time.perf_counter() - begin):,.0f} entries/s")
        size = ledger.size
        print(f"record of {size:,} entries:")
        begin = time.perf_counter()
        ledger.sign()
        print(f"  first checkpoint, all tiles    {time.perf_counter() - begin:8.2f} s")
        step = range(0, size, max(1, size // 300))
        print(f"  inclusion proof                {times(ledger.inclusion, step):8.2f} ms")
        print(f"  consistency proof              {times(ledger.consistency, step):8.2f} ms")
        print(f"  entry by number                {times(ledger.entry, step):8.2f} ms")
        ledger.tell("read")
        print(f"  next checkpoint                {times(lambda _: ledger.sign(), [0]):8.2f} ms")
        begin = time.perf_counter()
        ledger.map()
        print(f"  map of {len(ledger.persons.map()[1]):,} persons           {time.perf_counter() - begin:8.2f} s")
        begin = time.perf_counter()
        target = export.write(ledger, root / "record.tar.gz")
        print(f"  export ({target.stat().st_size / 1e6:.1f} MB)               {time.perf_counter() - begin:8.2f} s")
        begin = time.perf_counter()
        report = inventory.verify(ledger)
        right = "right" if report.ok else "WRONG"
        print(f"  whole city verified            {time.perf_counter() - begin:8.2f} s, {right}")
        database = sum(path.stat().st_size for path in ledger.settings.home.glob("ledger.sqlite*"))
        print(f"  on the disk                    {database / size:8.0f} bytes an entry")
        ledger.close()


if __name__ == "__main__":
    main()
