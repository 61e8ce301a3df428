"""Figures to verdicts: each target of the first release against what was measured, and the page that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.works import TITLES

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    work: str
    claim: str
    measured: str
    met: bool | None  # None: the peer or the size it is held against was not measured
    why: str = ""


def _get(results: Results, *path: str) -> Any:
    here: Any = results
    for part in path:
        if not isinstance(here, dict) or part not in here:
            return None
        here = here[part]
    return here


def _ratio(
    work: str, claim: str, above: float | None, below: float | None, test: Callable[[float], bool], words: str
) -> Verdict:
    if not above or not below:
        return Verdict(work, claim, "not measured in this run", None)
    value = above / below
    return Verdict(work, claim, words.format(value, above=above, below=below), test(value))


def verdicts(results: Results) -> list[Verdict]:
    """One entry a target, in the order of the works."""

    def cost(server: str, work: str) -> float | None:
        value = _get(results, "works", work, server, "cpu_ms")
        return float(value) if value is not None else None

    street, bare = _get(results, "a", "arengo"), _get(results, "a", "duckdb")
    ten = _get(results, "a", "arengo_ten")
    roapi = min((value for name in ("roapi-csv", "roapi-parquet") if (value := cost(name, "c"))), default=None)
    export, slow = _get(results, "f", "arengo"), _get(results, "f", "datasette")
    facts = _get(results, "h", "arengo") or {}
    tipg = cost("tipg", "b")
    out = [
        _ratio("a", "at most 3x the CPU of a bare DuckDB copy", _get(street or {}, "cpu_s"), _get(bare or {}, "cpu_s"),
               lambda value: value <= 3, "{:.2f}x ({above:.1f} s to {below:.1f} s)"),
        _ratio("a", "10x the rows: at most 1.3x the memory", _get(ten or {}, "peak_mb"), _get(street or {}, "peak_mb"),
               lambda value: value <= 1.3, "{:.2f}x ({above:.0f} MB to {below:.0f} MB)"),
        _ratio("a", "10x the rows: at most 11x the time", _get(ten or {}, "wall_s"), _get(street or {}, "wall_s"),
               lambda value: value <= 11, "{:.1f}x ({above:.1f} s to {below:.1f} s)"),
        _ratio("b", "CPU no more than tipg on indexed PostGIS", cost("arengo", "b"), tipg,
               lambda value: value <= 1, "{:.2f}x ({above:.2f} ms to {below:.2f} ms)"),
        _ratio("c", "CPU no more than ROAPI (its better form)", cost("arengo", "c"), roapi,
               lambda value: value <= 1, "{:.2f}x ({above:.1f} ms to {below:.1f} ms)"),
        _ratio("c2", "a repeated one at least 50x less", cost("arengo", "c"), cost("arengo-cached", "c2"),
               lambda value: value >= 50, "{:.0f}x ({above:.1f} ms to {below:.3f} ms)"),
        _ratio("d", "at least 8x less CPU than tipg", cost("tipg", "d"), cost("arengo", "d"),
               lambda value: value >= 8, "{:.1f}x ({above:.1f} ms to {below:.1f} ms)"),
        _ratio("f", "at least 12x Datasette's MB/s", _get(export or {}, "mb_s"), _get(slow or {}, "mb_s"),
               lambda value: value >= 12, "{:.1f}x ({above:.0f} MB/s to {below:.1f} MB/s)"),
        _bound("f", "server under 300 MB while exporting", _get(export or {}, "peak_rss_mb"), 300, "MB"),
        _ratio("g", "at least 5x less CPU than Datasette FTS5 (lean)", cost("datasette-lean", "g"), cost("arengo", "g"),
               lambda value: value >= 5, "{:.1f}x ({above:.1f} ms to {below:.2f} ms)"),
        _bound("h", "start to first answer under 2 s", facts.get("start_s"), 2, "s"),
        _bound("h", "idle under 200 MB", facts.get("idle_rss_mb"), 200, "MB"),
    ]  # fmt: skip
    again = cost("arengo-cached", "304")
    rate = None if again is None else 1000 / max(again, 0.001)
    wall = _get(results, "works", "304", "arengo-cached", "rps")
    out.append(
        Verdict("304", "2,000 a second and more on one core", "not measured in this run", None)
        if rate is None
        else Verdict("304", "2,000 a second and more on one core",
                     f"{rate:,.0f}/s of CPU time, {wall:,.0f}/s by the clock on this machine", rate >= 2000)
    )  # fmt: skip
    return out


def _bound(work: str, claim: str, value: float | None, limit: float, unit: str) -> Verdict:
    if value is None:
        return Verdict(work, claim, "not measured in this run", None)
    return Verdict(work, claim, f"{value:g} {unit}", value < limit)


def page(results: Results) -> str:
    """RESULTS.md: targets first, then every figure."""
    run = results["run"]
    lines = [
        "# Results of the measuring kit",
        "",
        "Written by `python -m bench`; do not edit. How it is measured: [README.md](README.md).",
        "",
        f"{run['rows']:,} rows, {run['when']}, {run['cores']} cores, {run['memory_gb']} GB, Python {run['python']}, "
        f"DuckDB {run['duckdb']}, load average {run['load']}; {run['runs']} bursts of {run['seconds']} s a work and "
        f"server, in turns; load by {run['client']}.",
        "",
        "## Targets",
        "",
        "| work | must be | measured | |",
        "|---|---|---|---|",
    ]
    for item in verdicts(results):
        mark = "not measured" if item.met is None else "met" if item.met else "**missed**"
        lines.append(f"| {item.work} | {item.claim} | {item.measured} | {mark} |")
    lines += ["", "## a. CSV to queryable", "", "| | wall s | CPU s | peak MB |", "|---|---|---|---|"]
    names = {"duckdb": "bare DuckDB copy", "arengo": "Arengo, whole street", "duckdb_ten": "bare copy, 10x the rows",
             "arengo_ten": "Arengo, 10x the rows", "datasette": "Datasette: sqlite-utils, indexes, FTS5",
             "tipg": "PostGIS: copy, geometry, indexes, text index"}  # fmt: skip
    for key, title in names.items():
        spent = _get(results, "a", key)
        if spent:
            cells = (f"{spent[name]:g}" if name in spent else "" for name in ("wall_s", "cpu_s", "peak_mb"))
            lines.append(f"| {title} | {' | '.join(cells)} |")
    lines += ["", "## CPU ms a request, requests a second, p50 and p99 ms", ""]
    works = list(results["works"])
    lines += [f"| server | {' | '.join(works)} |", "|---" * (len(works) + 1) + "|"]
    servers = dict.fromkeys(name for work in works for name in results["works"][work])
    for name in servers:
        figures = (results["works"][work].get(name) for work in works)
        cells = ("" if item is None else _cell(item) for item in figures)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", *(f"- **{work}**: {TITLES[work]}" for work in works)]
    lines += [
        "",
        "## f. Full CSV export",
        "",
        "| server | MB/s | CPU s | first byte s | peak MB | lines |",
        "|---" * 6 + "|",
    ]
    for name, item in results["f"].items():
        cells = (f"{item[key]:,}" for key in ("mb_s", "cpu_s", "first_byte_s", "peak_rss_mb", "lines"))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "## h. Start and idle",
        "",
        "| server | first 200 s | CPU s | idle RSS MB | idle PSS MB |",
        "|---" * 5 + "|",
    ]
    for name, item in results["h"].items():
        cells = (f"{item[key]:g}" for key in ("start_s", "start_cpu_s", "idle_rss_mb", "idle_pss_mb"))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    if results["wrong"]:
        lines += ["", "## Answers that were not what the data says", ""]
        lines += [f"- {text}" for text in results["wrong"]]
    return "\n".join(lines) + "\n"


def _cell(item: dict[str, Any]) -> str:
    if "error" in item:
        return str(item["error"])
    if item.get("slow"):
        return f"{item['cpu_ms']:,.0f} (one at a time, {item['p50_ms']:,.0f} ms)"
    return f"{item['cpu_ms']:.2f} / {item['rps']:,.0f} rps / {item['p50_ms']:.0f}, {item['p99_ms']:.0f}"
