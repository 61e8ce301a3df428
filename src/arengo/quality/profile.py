"""The profile of a version: what each column holds, for readers, charts and the draft of the next question.

One aggregate query measures all columns; a column with few different values is counted exactly in a second one.
Columns that identify persons get counts only, never values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract, Kind, Property
from arengo.lake.version import Staged
from arengo.quality.conform import Counts
from arengo.quality.expression import quote
from arengo.quality.place import BOX
from arengo.quality.staging import reading

if TYPE_CHECKING:
    import duckdb

Profile = dict[str, Any]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
FEW = 100_000
"""Up to this many (estimated) different values they are counted exactly."""
FEW_NUMBERS = 5_000
"""The same for numbers with a fraction, whose single values seldom mean something."""
SHARE = 100_000
"""Rows that quantiles are estimated on."""
TOP = 20
BINS = 20
SAMPLE = 5_000
LONG = 200
NUMERIC = (Kind.INTEGER, Kind.NUMBER)
CALENDAR = (Kind.DATE, Kind.TIMESTAMP)
_UNITS = (
    ("hour", timedelta(hours=1)),
    ("day", timedelta(days=1)),
    ("week", timedelta(days=7)),
    ("month", timedelta(days=30.4)),
    ("quarter", timedelta(days=91.3)),
    ("year", timedelta(days=365.25)),
    ("decade", timedelta(days=3652.5)),
    ("century", timedelta(days=36525)),
)


def profile(contract: Contract, staged: Staged, counts: Counts, *, memory: str = "128MB", threads: int = 2) -> Profile:
    """The content of ``profile.json``."""
    personal = {prop.name for prop in contract.properties if identifies(prop)}
    spatial = any(kind is Kind.GEOMETRY for _, kind, _ in staged.columns)
    with reading(staged, memory=memory, threads=threads, spatial=spatial) as (connection, table):
        facts = _facts(connection, table, staged, personal)
        columns: dict[str, Any] = {}
        for name, kind, _ in staged.columns:
            found = facts[name]
            column: dict[str, Any] = {
                "kind": kind.value,
                "count": found["count"],
                "nulls": staged.rows - found["count"],
                "suppressed": counts.suppressed.get(name, 0),
                "distinct": min(found.get("distinct", 0), found["count"]),
                "exact": False,
            }
            if "length" in found:
                column["length"] = found["length"]
            if name in personal:
                if not found["count"]:
                    column["exact"] = True
                columns[name] = column
                continue
            for key in ("min", "max", "mean", "stddev", "quantiles"):
                if key in found:
                    column[key] = _plain(found[key])
            if kind is Kind.GEOMETRY:
                column.pop("distinct"), column.pop("exact")
                column["top"] = _shapes(connection, table, name)
            elif kind is not Kind.JSON:
                _count(connection, table, name, kind, column, found, staged.rows, staged.number)
            columns[name] = column
        box = _bbox(staged, facts)
    moment = str(contract.custom.get("arengoTime", ""))
    if not moment:
        moment = next((name for name, kind, _ in staged.columns if kind in CALENDAR and name not in personal), "")
    held = columns.get(moment, {})
    span = {"column": moment, "min": held.get("min"), "max": held.get("max")} if held.get("min") is not None else None
    return {"rows": staged.rows, "columns": columns, "bbox": box, "time": span}


def identifies(prop: Property) -> bool:
    """Whether a column names persons, so that none of its values may be shown."""
    return prop.privacy_role == "identifier" or bool(prop.custom.get("arengoPersonalKind"))


def _facts(
    connection: duckdb.DuckDBPyConnection, table: str, staged: Staged, personal: set[str]
) -> dict[str, dict[str, Any]]:
    parts: list[str] = []
    slots: list[tuple[str, str]] = []
    # Quantiles of many rows are estimated on an even share of them: an odd step does not fall into step with weeks.
    share = f" FILTER (WHERE {quote(staged.number)} % {staged.rows // SHARE | 1} = 0)" if staged.rows > SHARE else ""

    def ask(name: str, key: str, sql: str) -> None:
        slots.append((name, key))
        parts.append(sql)

    for name, kind, _ in staged.columns:
        c = quote(name)
        ask(name, "count", f"count({c})")
        if kind is Kind.GEOMETRY:
            continue
        ask(name, "distinct", f"approx_count_distinct({c})")
        if kind in (Kind.STRING, Kind.JSON):
            ask(name, "len_min", f"min(length({c}))")
            ask(name, "len_max", f"max(length({c}))")
            ask(name, "len_mean", f"avg(length({c}))")
        if name in personal or kind is Kind.JSON:
            continue
        if kind is Kind.BOOLEAN:
            ask(name, "mean", f"avg(CAST({c} AS INTEGER))")
        elif kind is Kind.STRING:
            ask(name, "min", f"left(min({c}), {LONG})")
            ask(name, "max", f"left(max({c}), {LONG})")
        else:
            ask(name, "min", f"min({c})")
            ask(name, "max", f"max({c})")
        if kind in NUMERIC:
            ask(name, "mean", f"avg({c})")
            # A sum of squares may exceed the range of a double; such a spread is then unknown, not an error.
            ask(
                name,
                "stddev",
                f"CASE WHEN max(abs({c}::DOUBLE)) < 1e150 "
                f"THEN stddev_samp({c}::DOUBLE) FILTER (WHERE abs({c}::DOUBLE) < 1e150) END",
            )
            ask(name, "quantiles", f"approx_quantile({c}, {list(QUANTILES)}){share}")
        elif kind in CALENDAR:
            ask(name, "quantiles", f"approx_quantile(epoch({c}), {list(QUANTILES)}){share}")
    if staged.geometry is not None and staged.geometry.stored:
        for number, side in enumerate(BOX):
            ask("", side, f"{'min' if number < 2 else 'max'}({side})")
    out: dict[str, dict[str, Any]] = {name: {} for name, _, _ in staged.columns}
    out[""] = {}
    for start in range(0, len(parts), 400):  # wide tables: a few passes instead of one very wide row
        row = connection.execute(f"SELECT {', '.join(parts[start : start + 400])} FROM {table}").fetchone()
        for (name, key), value in zip(slots[start : start + 400], row or (), strict=True):
            out[name][key] = value
    for name, kind, _ in staged.columns:
        found = out[name]
        if "len_min" in found:
            low, high, mean = found.pop("len_min"), found.pop("len_max"), found.pop("len_mean")
            found["length"] = {"min": low, "max": high, "mean": round(mean, 2) if mean is not None else None}
        for key in ("min", "max", "mean", "stddev"):
            if found.get(key) is None:
                found.pop(key, None)
        values = found.pop("quantiles", None)
        if values:
            shown = [_moment(item, kind) for item in values] if kind in CALENDAR else values
            found["quantiles"] = {f"p{round(q * 100):02}": _plain(v) for q, v in zip(QUANTILES, shown, strict=True)}
    return out


def _count(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    name: str,
    kind: Kind,
    column: dict[str, Any],
    found: dict[str, Any],
    rows: int,
    number: str,
) -> None:
    """Top values, exact number of different ones, histogram and patterns of one column."""
    c = quote(name)
    if column["distinct"] <= (FEW_NUMBERS if kind is Kind.NUMBER else FEW):
        top = connection.execute(
            f"SELECT v, n, count(*) OVER () FROM (SELECT {c} AS v, count(*) AS n FROM {table} WHERE {c} IS NOT NULL "
            f"GROUP BY {c}) ORDER BY n DESC, v LIMIT {TOP}"
        ).fetchall()
        column["distinct"], column["exact"] = (top[0][2] if top else 0), True
        if not (top and top[0][1] == 1 and column["count"] > TOP):  # all different: no value stands out
            column["top"] = [{"value": _short(value), "count": n} for value, n, _ in top]
    if kind in NUMERIC and "min" in found:
        column["histogram"] = _histogram(connection, table, c, kind, found)
    elif kind in CALENDAR and "min" in found:
        column["histogram"] = _calendar(connection, table, c, kind, found["min"], found["max"])
    elif kind is Kind.STRING and column["distinct"] > TOP:
        patterns = _patterns(connection, table, c, column["length"]["max"], rows, number)
        if patterns:
            column["patterns"] = patterns


def _histogram(
    connection: duckdb.DuckDBPyConnection, table: str, c: str, kind: Kind, found: dict[str, Any]
) -> dict[str, list[Any]]:
    """Bins with round edges. Where few values lie far out, the outermost bins are wide and reach to them."""
    low, high = float(found["min"]), float(found["max"])
    quantiles = found.get("quantiles", {})
    spread = float(quantiles.get("p95", high)) - float(quantiles.get("p05", low))
    inner_low, inner_high = low, high
    if spread > 0 and high - low > 4 * spread:
        inner_low, inner_high = max(low, quantiles["p05"] - spread / 2), min(high, quantiles["p95"] + spread / 2)
    edges = nice_edges(inner_low, inner_high, BINS, whole=kind is Kind.INTEGER)
    if len(edges) > 2:
        step = edges[1] - edges[0]
        slot = f"least(greatest(floor(({c}::DOUBLE - $1) / $2), -1), $3)::BIGINT"
        last = len(edges) - 1
        found_rows = connection.execute(
            f"SELECT {slot} AS s, count(*) FROM {table} WHERE {c} IS NOT NULL GROUP BY 1", [edges[0], step, float(last)]
        ).fetchall()
        counts = [0] * (last + 2)
        for position, n in found_rows:
            counts[position + 1] += n
        if high <= edges[-1]:  # the largest value itself belongs into the last bin
            beyond = counts.pop()
            counts[-1] += beyond
        else:
            edges = [*edges, high]
        if low >= edges[0]:
            counts.pop(0)
        else:
            edges = [low, *edges]
        return {"edges": [_plain(edge) for edge in edges], "counts": counts}
    total = connection.execute(f"SELECT count({c}) FROM {table}").fetchone()
    return {"edges": [_plain(low), _plain(high)], "counts": [int(total[0]) if total else 0]}


def nice_edges(low: float, high: float, bins: int, *, whole: bool = False) -> list[float]:
    """Round numbers, evenly spaced, from at most ``low`` to at least ``high``, about ``bins`` steps."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or high - low == math.inf:
        return [low, high]
    rough = (high - low) / bins
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 1e-300 else 0.0
    if not power:
        return [low, high]
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    if step < 1e-12 * max(abs(low), abs(high)):
        return [low, high]  # narrower than a double can count up to
    if whole:
        step = max(1.0, float(math.ceil(step)))
    first = math.floor(low / step)
    last = math.ceil(high / step)
    if last <= first or last - first > 4 * bins:
        return [low, high]
    digits = max(0, 2 - math.floor(math.log10(step)))
    return [round(number * step, digits) for number in range(first, last + 1)]


def _calendar(
    connection: duckdb.DuckDBPyConnection, table: str, c: str, kind: Kind, low: Any, high: Any
) -> dict[str, list[Any]]:
    """Bins of one calendar unit, empty ones included."""
    span = high - low
    units = _UNITS[1:] if kind is Kind.DATE else _UNITS
    unit = next((name for name, length in units if span / length <= 2 * BINS), "century")
    found = connection.execute(
        f"SELECT date_trunc('{unit}', {c}::TIMESTAMP) AS t, count(*) FROM {table} WHERE {c} IS NOT NULL GROUP BY 1"
    ).fetchall()
    counts = {moment if isinstance(moment, datetime) else datetime.combine(moment, time()): n for moment, n in found}
    edges = [min(counts)]
    while edges[-1] <= max(counts) and len(edges) < 20 * BINS:
        following = _next(edges[-1], unit)
        if following is None:  # the calendar ends here
            edges.append(datetime.max)
            break
        edges.append(following)
    shown = [edge.date() if kind is Kind.DATE else edge for edge in edges]
    return {"edges": [_plain(edge) for edge in shown], "counts": [counts.get(edge, 0) for edge in edges[:-1]]}


def _next(moment: datetime, unit: str) -> datetime | None:
    try:
        if unit in ("hour", "day", "week"):
            return moment + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}[unit]
        if unit in ("month", "quarter"):
            month = moment.month - 1 + (1 if unit == "month" else 3)
            return moment.replace(year=moment.year + month // 12, month=month % 12 + 1)
        return moment.replace(year=moment.year + {"year": 1, "decade": 10, "century": 100}[unit])
    except (OverflowError, ValueError):
        return None


def _patterns(
    connection: duckdb.DuckDBPyConnection, table: str, c: str, longest: int, rows: int, number: str
) -> list[dict[str, Any]]:
    """Forms of a text column on a sample: 9 for a digit, A and a for letters. Long texts have their runs shortened."""
    if longest > 120:
        return []
    form = f"regexp_replace({c}, '\\p{{Lu}}', 'A', 'g')"
    form = f"regexp_replace({form}, '[\\p{{Ll}}\\p{{Lo}}\\p{{Lm}}]', 'a', 'g')"
    form = f"regexp_replace({form}, '\\p{{N}}', '9', 'g')"
    if longest > 24:
        form = f"regexp_replace(regexp_replace({form}, 'a+', 'a', 'g'), '9+', '9', 'g')"
    step = rows // SAMPLE + 1
    found = connection.execute(
        f"SELECT {form} AS p, count(*) AS n FROM {table} WHERE {c} IS NOT NULL AND {quote(number)} % {step} = 0 "
        f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5"
    ).fetchall()
    sampled = sum(n for _, n in found)
    if not found or found[0][1] * 20 < min(sampled * 20, SAMPLE // 10):
        return []
    return [{"pattern": pattern, "count": n} for pattern, n in found]


def _shapes(connection: duckdb.DuckDBPyConnection, table: str, name: str) -> list[dict[str, Any]]:
    shape = f"ST_GeometryType(ST_GeomFromWKB({quote(name)}))"
    found = connection.execute(
        f"SELECT CAST({shape} AS VARCHAR) AS v, count(*) AS n FROM {table} WHERE {quote(name)} IS NOT NULL "
        f"GROUP BY 1 ORDER BY 2 DESC"
    ).fetchall()
    return [{"value": value, "count": n} for value, n in found]


def _bbox(staged: Staged, facts: dict[str, dict[str, Any]]) -> list[float] | None:
    geometry = staged.geometry
    if geometry is None:
        return None
    if geometry.stored:
        box: Sequence[Any] = [facts[""].get(side) for side in BOX]
    else:
        x, y = facts.get(geometry.x, {}), facts.get(geometry.y, {})
        box = [x.get("min"), y.get("min"), x.get("max"), y.get("max")]
    return None if any(side is None for side in box) else [float(side) for side in box]


def _moment(seconds: float | None, kind: Kind) -> Any:
    if seconds is None:
        return None
    moment = datetime(1970, 1, 1) + timedelta(seconds=round(seconds))
    return moment.date() if kind is Kind.DATE else moment


def _short(value: Any) -> Any:
    value = _plain(value)
    return value[: LONG - 1] + "…" if isinstance(value, str) and len(value) > LONG else value


def _plain(value: Any) -> Any:
    """A value as JSON has it: ISO 8601 for times, UTC with Z."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value
