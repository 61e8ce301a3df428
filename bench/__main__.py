"""``python -m bench``: generate, publish, load, start everybody, take turns, print the ratios."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import civic, measure, peers, product, report, works

HERE = Path(__file__).resolve().parent
SLOW = 1.5  # seconds: slower answers are asked one at a time, since four at once say nothing more


def main() -> int:
    options = _options()
    folder: Path = options.data.resolve()
    if options.what == "peers":
        peers.install(folder, options.peers or peers.DEFAULT)
        return 0
    rows = options.rows or (100_000 if options.quick else 1_000_000)
    results = _run(options, folder, rows)
    _save(results, full=_is_full(options, rows))
    _print(results)
    missed = [item for item in report.verdicts(results) if item.met is False]
    return 1 if missed and options.strict else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=("run", "peers"), default="run", help="measure, or install the peers"
    )
    parser.add_argument("--quick", action="store_true", help="100,000 rows, short bursts, no ten-times file")
    parser.add_argument("--rows", type=int, help="rows of the data (default 1,000,000)")
    parser.add_argument("--ten", action=argparse.BooleanOptionalAction, default=None, help="also publish 10x the rows")
    parser.add_argument("--runs", type=int, help="bursts a work and server (default 3)")
    parser.add_argument("--seconds", type=float, help="length of a burst (default 10, quick 3)")
    parser.add_argument("--works", default="a,b,c,d,f,g,c2,304", help="which works, comma separated")
    parser.add_argument("--peers", type=lambda text: text.split(","), help="which peers; default: those installed")
    parser.add_argument("--data", type=Path, default=HERE / ".data", help="where data, peers and databases are kept")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is missed")
    options = parser.parse_args()
    options.runs = options.runs or (2 if options.quick else 3)
    options.seconds = options.seconds or (3 if options.quick else 10)
    options.ten = (not options.quick) if options.ten is None else options.ten
    options.works = options.works.split(",")
    return options


def _say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {text}", flush=True)


def _run(options: argparse.Namespace, folder: Path, rows: int) -> dict[str, Any]:
    data = peers.Data(rows, folder)
    _say(f"data: {rows:,} rows")
    civic.generate(rows, data.csv)
    results: dict[str, Any] = {"run": _about(options, rows), "a": {}, "works": {}, "f": {}, "h": {}, "wrong": []}
    city = folder / "cities" / str(rows)
    results["a"] |= _street(options, data, city)
    oracle = works.Oracle(data.parquet)
    servers: list[measure.Server] = []
    postgres: peers.Postgres | None = None
    try:
        for cache in (False, True):
            servers.append(product.serve(city, cache=cache, logs=folder / "logs"))
        for name, (package, start) in peers.SERVERS.items():
            if not peers.installed(folder, package) or (options.peers and package not in options.peers):
                continue
            if package in ("tipg", "pygeoapi") and postgres is None:
                postgres = peers.Postgres(folder).start()
            try:
                results["a"][package] = peers.load(folder, package, data, postgres)
                _say(f"starting {name}")
                servers.append(start(folder, data, postgres, folder / "logs"))
            except RuntimeError as error:  # a peer that fails is reported; the others go on
                results["wrong"].append(f"{name}: {error}")
        for server in servers:
            results["h"][server.name] = server.facts
        for work in options.works:
            if work in ("a", "h", "f"):
                continue
            _say(f"{work}: {works.TITLES[work]}")
            results["works"][work] = _work(options, work, servers, oracle, results["wrong"])
        if "f" in options.works:
            results["f"] = _exports(servers, rows, results["wrong"])
    finally:
        for server in servers:
            server.stop()
        if postgres is not None:
            postgres.stop()
    return results


def _about(options: argparse.Namespace, rows: int) -> dict[str, Any]:
    import duckdb

    return {
        "rows": rows, "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30), "runs": options.runs,
        "seconds": options.seconds, "python": platform.python_version(), "duckdb": duckdb.__version__,
        "load": round(os.getloadavg()[0], 1), "client": "wrk" if shutil.which("wrk") else "the kit's own client",
    }  # fmt: skip


def _street(options: argparse.Namespace, data: peers.Data, city: Path) -> dict[str, Any]:
    """Work a: the bare copy and the whole street in turns, the median of each; then once with ten times the rows."""
    repeats = 1 if options.quick or "a" not in options.works else 3
    if "a" not in options.works and data.parquet.exists() and (city / ".arengo").exists():
        return {}
    spent: dict[str, list[dict[str, float]]] = {"duckdb": [], "arengo": []}
    for _ in range(repeats):
        _say("a: bare copy, then the whole street")
        spent["duckdb"].append(product.bare_copy(data.csv, data.parquet))
        product.make_city(city, data.csv)
        spent["arengo"].append(product.publish(city))
    out: dict[str, Any] = {name: _median_run(items) for name, items in spent.items()}
    if options.ten and "a" in options.works:
        ten = peers.Data(data.rows * 10, data.folder)
        _say(f"a: {ten.rows:,} rows")
        civic.generate(ten.rows, ten.csv)
        out["duckdb_ten"] = product.bare_copy(ten.csv, ten.parquet)
        ten.parquet.unlink()
        other = product.make_city(city.with_name(str(ten.rows)), ten.csv)
        out["arengo_ten"] = product.publish(other)
        shutil.rmtree(other)
    return out


def _median_run(items: list[dict[str, float]]) -> dict[str, float]:
    return {name: measure.median([item[name] for item in items]) for name in items[0]}


def _takes(server: measure.Server, work: str) -> list[tuple[str, str]]:
    """(name in the report, dialect) of each way this server is asked for this work."""
    if work in ("c2", "304"):
        return [(server.name, server.dialect)] if server.name == "arengo-cached" else []
    if server.name == "arengo-cached":
        return []
    out = [(server.name, server.dialect)] if works.calls(server.dialect, work) else []
    if server.name == "datasette" and work in works.PATHS["datasette-lean"]:
        out.append(("datasette-lean", "datasette-lean"))
    return out


def _work(
    options: argparse.Namespace, work: str, servers: list[measure.Server], oracle: works.Oracle, wrong: list[str]
) -> dict[str, Any]:
    plan: list[tuple[str, measure.Server, list[works.Call], dict[str, str]]] = []
    out: dict[str, Any] = {}
    asked = {"c2": "c", "304": "b"}.get(work, work)
    for server in servers:
        for name, dialect in _takes(server, work):
            calls = works.calls(dialect, asked)
            headers: dict[str, str] = {}
            if work == "304":
                calls = calls[:1]
                tag = {k.lower(): v for k, v in measure.fetch(server.base + calls[0].path, calls[0])[2].items()}.get(
                    "etag"
                )
                headers = {"If-None-Match": tag or "none"}
            first = _check(name, server, asked, calls, oracle, wrong)
            if "error" in first or first.get("slow"):
                out[name] = first
                continue
            measure.burst(server, calls, min(3, options.seconds), headers)  # warm
            plan.append((name, server, calls, headers))
    loads: dict[str, list[measure.Load]] = {name: [] for name, *_ in plan}
    for _ in range(options.runs):
        for name, server, calls, headers in plan:
            loads[name].append(measure.burst(server, calls, options.seconds, headers))
    for name, items in loads.items():
        total = sum(item.requests for item in items)
        out[name] = {
            "cpu_ms": round(sum(item.cpu_s for item in items) * 1e3 / max(1, total), 3),
            "rps": measure.median([item.requests / item.seconds for item in items]),
            "p50_ms": measure.median([item.p50 for item in items]),
            "p99_ms": measure.median([item.p99 for item in items]),
            "kb": round(sum(item.bytes for item in items) / max(1, total) / 1e3, 1),
            "errors": sum(item.errors for item in items),
        }
        if out[name]["errors"]:
            wrong.append(f"{work}, {name}: {out[name]['errors']} of {total} answers were errors")
    return out


def _check(
    name: str, server: measure.Server, work: str, calls: list[works.Call], oracle: works.Oracle, wrong: list[str]
) -> dict[str, Any]:
    """Four answers one at a time, the first to warm up, held against the data. Errors and slow ones end here."""
    requests = works.requests(work)
    times, before = [], 0.0
    for i in range(4):
        if i == 1:
            before = server.cpu()
        begin = time.perf_counter()
        status, body, _ = measure.fetch(server.base + calls[i % len(calls)].path, calls[i % len(calls)])
        times.append(time.perf_counter() - begin)
        if status != 200:
            wrong.append(f"{work}, {name}: {status} {body[:160].decode('utf-8', 'replace')}")
            return {"error": f"answered {status}"}
        want, got = oracle.rows(work, requests[i % len(calls)]), measure.counted(body)
        if want is not None and got != want:
            wrong.append(f"{work}, {name}: {got} rows, the data has {want} ({calls[i % len(calls)].path})")
    middle = measure.median(times[1:])
    if middle < SLOW:
        return {}
    return {
        "slow": True,
        "cpu_ms": round((server.cpu() - before) / 3 * 1e3, 1),
        "p50_ms": middle * 1e3,
        "rps": 1 / middle,
    }


def _exports(servers: list[measure.Server], rows: int, wrong: list[str]) -> dict[str, Any]:
    """Work f: twice each in turns (an export may be built at the first), the second kept with the higher peak."""
    out: dict[str, Any] = {}
    for turn in range(2):
        for server in servers:
            calls = works.calls(server.dialect, "f")
            if not calls or server.name == "arengo-cached" or (turn and out.get(server.name, {}).get("s", 0) > 120):
                continue
            _say(f"f: {server.name}")
            try:
                found = measure.download(server, calls[0])
            except OSError as error:
                wrong.append(f"f, {server.name}: {error}")
                continue
            if found["lines"] != rows + 1:
                wrong.append(f"f, {server.name}: {found['lines']:,} lines, the data has {rows + 1:,}")
            peak = max(found["peak_rss_mb"], out.get(server.name, found)["peak_rss_mb"])
            out[server.name] = {**found, "peak_rss_mb": peak}
    return out


def _save(results: dict[str, Any], *, full: bool) -> None:
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    (folder / f"{stamp}.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    target = HERE / "RESULTS.md" if full else folder / "latest.md"
    target.write_text(report.page(results), encoding="utf-8")
    _say(f"written: {target}")


def _is_full(options: argparse.Namespace, rows: int) -> bool:
    """Whether this run may stand in RESULTS.md: the whole size, every work, every usual peer."""
    whole = rows >= 1_000_000 and options.ten and options.runs >= 3 and not options.quick
    return bool(whole and set("abcdfg") <= set(options.works) and not options.peers)


def _print(results: dict[str, Any]) -> None:
    print()
    print(report.page(results))


if __name__ == "__main__":
    sys.exit(main())
