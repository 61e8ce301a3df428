"""Which picture says first what a dataset holds: a map for places, a line for series, bars for categories, else the
table. Chosen from the contract and the profile, so that no one has to draw it and it never disagrees with the rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from arengo.contract.model import Contract, Kind, Property

_PARAMETER = re.compile(
    r"(pollutant|contaminant|inquinante|polluant|contaminante|parameter|parametro|paramètre|indicator|indicateur|"
    r"indicatore|indicador|variable|variabile|measure|misura|magnitud)",
    re.I,
)
_VALUE = re.compile(
    r"(^|_)(value|valor|valore|valeur|amount|importo|montant|importe|total|count|measured|level)($|_)", re.I
)
_SUMS = re.compile(
    r"(amount|importo|montant|importe|cost|costo|coste|coût|spent|spesa|budget|total|count|number|numero|nombre|"
    r"quantity|volume|loans|passengers|vehicles|visits|voti|votos|voix|births|deaths|votes|population|visitors|rainfall)",
    re.I,
)
_MONEY = re.compile(r"^(EUR|USD|GBP|CHF|COP|UYU|MAD|XOF|€|\$|£)\b|euro", re.I)
_PLACE = re.compile(
    r"^(lon|lng|lat|long|longitude|latitude|longitud|latitud|x|y|easting|northing|coord.*|geo.*)$", re.I
)
_LEVEL = re.compile(r"/|%|°|\bdB|Pa\b|\bpH\b|^(years?|anni|ans|años|index|indice)$", re.I)
FEW = 12  # whole numbers with at most so many different values are counted one by one


@dataclass(frozen=True, slots=True)
class Choice:
    """``kind``: map, line, bars or table. The rest names the columns it shows and how they are summed up."""

    kind: str
    time: str = ""
    bucket: str = ""
    measure: str = ""
    function: str = ""
    category: str = ""


def choose(contract: Contract, profile: Mapping[str, Any]) -> Choice:
    """The lead figure of a dataset."""
    if contract.geometry is not None and profile.get("bbox", True):
        return Choice("map")
    return series(contract, profile) or categories(contract, profile) or Choice("table")


def glyph(contract: Contract) -> str:
    """The same choice from the contract alone, for lists, where no profile is read."""
    if contract.geometry is not None:
        return "map"
    if contract.custom.get("arengoTime"):
        return "line"
    return "table"


def series(contract: Contract, profile: Mapping[str, Any]) -> Choice | None:
    """A line over time, when there is a time column with at least three moments."""
    columns = profile.get("columns", {})
    when = _time(contract, columns)
    if when is None:
        return None
    measured = columns.get(when.name, {})
    if (measured.get("distinct") or 0) < 3:
        return None
    bucket = _bucket(when, measured)
    if not bucket:
        return None
    measure = _measure(contract, profile, when.name)
    if measure is None:
        return Choice("line", when.name, bucket, function="count")
    sums = bool(
        _MONEY.search(measure.unit) or (not measure.unit and _SUMS.search(measure.name)) or _SUMS.search(measure.name)
    )
    return Choice("line", when.name, bucket, measure.name, "sum" if sums else "avg", _parameter(contract, columns))


def categories(contract: Contract, profile: Mapping[str, Any]) -> Choice | None:
    """Bars: a measure by name in a short table, or the number of rows by category in a long one."""
    columns = profile.get("columns", {})
    rows = profile.get("rows") or 0
    if 2 <= rows <= 40:
        names = [
            item
            for item in contract.properties
            if item.kind is Kind.STRING and (columns.get(item.name, {}).get("distinct") or 0) == rows
        ]
        measure = _measure(contract, profile, "")
        if names and measure is not None:
            best = max(names, key=lambda item: (columns[item.name].get("length") or {}).get("mean") or 0)
            return Choice("bars", measure=measure.name, function="value", category=best.name)
    best_name, best_score = "", 0.0
    wanted = [name.lstrip("-") for group in contract.filters for name in group]
    for item in contract.properties:
        found = columns.get(item.name, {})
        distinct = found.get("distinct") or 0
        if item.kind not in (Kind.STRING, Kind.BOOLEAN) or not found.get("top") or item.privacy_role == "identifier":
            continue
        filled = (found.get("count") or 0) / rows if rows else 0
        if not 2 <= distinct <= (60 if rows < 1000 else 200) or distinct > rows * 0.6 or filled < 0.2:
            continue
        code = ((found.get("length") or {}).get("mean") or 9) <= 2.5
        score = filled + (item.name in wanted) + 0.6 * (3 <= distinct <= 20) - 0.7 * code - 0.8 * _even(found)
        if score > best_score:
            best_name, best_score = item.name, score
    if not best_name:
        return None
    if _even(columns[best_name]):  # every category has as many rows: count what the rows say instead
        summed = [item for item in quantities(contract) if _adds_up(item)]
        if not summed:
            return None  # equal bars say nothing; the table says more
        chosen = max(summed, key=lambda item: (bool(_SUMS.search(item.name)), _SUMS.search(item.title) is not None))
        return Choice("bars", measure=chosen.name, function="sum", category=best_name)
    return Choice("bars", function="count", category=best_name)


def _even(found: Mapping[str, Any]) -> bool:
    """Whether nearly all frequent values are equally frequent."""
    counts = [int(entry["count"]) for entry in found.get("top") or []]
    return len(counts) > 1 and sum(1.1 * count >= max(counts) for count in counts) >= 0.75 * len(counts)


def _adds_up(item: Property) -> bool:
    """Whether a sum of the column means something: not of rates, levels, ages and degrees."""
    return _SUMS.search(item.name) is not None or bool(item.unit and not _LEVEL.search(item.unit))


def quantities(contract: Contract) -> list[Property]:
    """Columns that hold an amount of something: numbers that are no key, code, coordinate or year."""
    from arengo.portal.cells import _YEAR, _code, _named

    place = contract.geometry
    coordinates = {place.x, place.y} if place else set()
    key = set(contract.key)
    return [
        item
        for item in contract.properties
        if item.kind in (Kind.INTEGER, Kind.NUMBER)
        and item.name not in coordinates
        and not _PLACE.match(item.name)
        and not _named(item, item.name in key)
        and not _code(item)
        and not re.search(r"(^|_)(id|code|codi|codigo|codice|cod|number_id|gid|fid|objectid)($|_)", item.name, re.I)
        and not (item.kind is Kind.INTEGER and _YEAR.search(item.name))
    ]


def _time(contract: Contract, columns: Mapping[str, Any]) -> Property | None:
    named = str(contract.custom.get("arengoTime", ""))
    if named:
        return contract.column(named)
    for item in contract.properties:
        if item.kind in (Kind.TIMESTAMP, Kind.DATE) and (columns.get(item.name, {}).get("distinct") or 0) >= 3:
            return item
    from arengo.portal.cells import _YEAR

    for item in contract.properties:
        if item.kind is Kind.INTEGER and _YEAR.search(item.name):
            found = columns.get(item.name, {})
            low, high = found.get("min"), found.get("max")
            if isinstance(low, int | float) and isinstance(high, int | float) and 1500 <= low < high <= 2200:
                return item
    return None


def _bucket(item: Property, measured: Mapping[str, Any]) -> str:
    if item.kind is Kind.INTEGER:
        return "year"
    start, end = _moment(measured.get("min")), _moment(measured.get("max"))
    if start is None or end is None:
        return ""
    reach = end - start
    if item.kind is Kind.TIMESTAMP and reach <= timedelta(days=4):
        return "hour"
    if reach <= timedelta(days=150):
        return "day"
    if reach <= timedelta(days=365 * 12):
        return "month"
    return "year"


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).replace(tzinfo=None)
    except ValueError:
        return None


def _measure(contract: Contract, profile: Mapping[str, Any], time: str) -> Property | None:
    columns = profile.get("columns", {})
    rows = profile.get("rows") or 0
    found: list[tuple[float, int, Property]] = []
    for item in quantities(contract):
        known = columns.get(item.name, {})
        filled = (known.get("count") or 0) / rows if rows else 0
        if item.name == time or filled < 0.5 or (known.get("distinct") or 0) < 2:
            continue
        few = item.kind is Kind.INTEGER and known["distinct"] <= FEW and rows > 5 * FEW
        if few and not item.unit and not _VALUE.search(item.name) and not _SUMS.search(item.name):
            continue  # a handful of whole numbers are kinds or ranks, seldom an amount
        varied = min(1.0, math.log10(known["distinct"]) / 3)  # a capacity repeats itself, what is measured does not
        score = (2 if _VALUE.search(item.name) else 0) + (1.5 if item.unit else 0) + filled + varied
        found.append((score, -len(found), item))
    return max(found, key=lambda entry: entry[:2])[2] if found else None


def _parameter(contract: Contract, columns: Mapping[str, Any]) -> str:
    """The column a value must be split by to mean anything: which pollutant, which indicator."""
    few, longest = "", 0.0
    for item in contract.properties:
        distinct = columns.get(item.name, {}).get("distinct") or 0
        if item.kind is not Kind.STRING or not 2 <= distinct <= 60:
            continue
        if _PARAMETER.search(item.name) or _PARAMETER.search(item.title):
            return item.name
        length = (columns[item.name].get("length") or {}).get("mean") or 0
        if distinct <= 4 and length > longest:
            few, longest = item.name, length
    return few
