"""Which coordinate reference system a geographic file is in, when it says so and when it does not.

A file without a declaration gets a guess from the extent of its coordinates, the city's country or time zone and
the Internet country codes in its texts; a guess is always handed on together with a sentence of doubt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from arengo.sources.base import Context

if TYPE_CHECKING:
    import duckdb

WORLD = "EPSG:4326"

# Country -> EPSG codes in use by its public bodies, the usual one first. Source: EPSG registry, areas of use.
GRIDS: dict[str, tuple[int, ...]] = {
    "AT": (31256, 31255, 31254, 31287, 3416, 25833, 25832),
    "AU": (7855, 7856, 7850, 28355, 28356, 3577),
    "BE": (31370, 3812),
    "BR": (31983, 31982, 31984, 31985, 5880),
    "CA": (2950, 32188, 2958, 26917, 26910, 26912, 3347),
    "CH": (2056, 21781),
    "CO": (9377, 3116),
    "CZ": (5514, 2065),
    "DE": (25832, 25833, 31467, 31468, 31466, 31469),
    "DK": (25832, 25833),
    "EE": (3301,),
    "ES": (25830, 25831, 25829, 4083, 23030, 23031, 23029),
    "ES-CT": (25831, 23031),
    "ES-GA": (25829, 23029),
    "ES-PV": (25830, 23030),
    "FI": (3067, 3879),
    "FR": (2154, 27572, 3949, 3943, 3944, 3945, 3946, 3947, 3948, 3950, 3942),
    "GB": (27700,),
    "GR": (2100,),
    "HR": (3765,),
    "HU": (23700,),
    "IE": (2157, 29903),
    "IT": (7791, 7792, 25832, 25833, 3003, 3004, 6707, 6708, 32632, 32633),
    "JP": (6677, 6676, 6675, 6674),
    "KR": (5186, 5179, 5174, 5181),
    "LT": (3346,),
    "LU": (2169,),
    "LV": (3059,),
    "MX": (6372, 32614, 32613),
    "NL": (28992,),
    "NO": (25832, 25833),
    "NZ": (2193,),
    "PL": (2180, 2178, 2177, 2176, 2179),
    "PT": (3763, 5016, 27493),
    "RO": (3844, 31700),
    "SE": (3006, 3011),
    "SI": (3794, 3912),
    "SK": (5514, 8353),
    "US": (2263, 3435, 2229, 2227, 2272, 2249, 26918, 26910, 6350, 5070),
    "UY": (32721, 5381),
}

# Country -> west, south, east, north in degrees, mainland and what cities lie beside it.
BOXES: dict[str, tuple[float, float, float, float]] = {
    "AR": (-73.6, -55.1, -53.6, -21.8),
    "AT": (9.5, 46.3, 17.2, 49.1),
    "AU": (112.9, -43.7, 153.7, -10.0),
    "BE": (2.5, 49.4, 6.4, 51.6),
    "BO": (-69.7, -22.9, -57.4, -9.6),
    "BR": (-74.0, -33.8, -34.7, 5.3),
    "CA": (-141.0, 41.6, -52.6, 70.0),
    "CH": (5.9, 45.8, 10.5, 47.9),
    "CL": (-75.7, -55.9, -66.4, -17.5),
    "CO": (-79.0, -4.3, -66.8, 12.6),
    "CZ": (12.0, 48.5, 18.9, 51.1),
    "DE": (5.8, 47.2, 15.1, 55.1),
    "DK": (8.0, 54.5, 15.2, 57.8),
    "EC": (-81.1, -5.1, -75.1, 1.5),
    "EE": (21.7, 57.5, 28.2, 59.7),
    "ES": (-18.2, 27.6, 4.4, 43.9),
    "ES-CT": (0.1, 40.5, 3.4, 42.9),
    "ES-GA": (-9.4, 41.8, -6.7, 43.8),
    "ES-PV": (-3.5, 42.4, -1.7, 43.5),
    "FI": (19.4, 59.7, 31.6, 70.1),
    "FR": (-5.2, 41.3, 9.7, 51.2),
    "GB": (-8.7, 49.8, 1.8, 60.9),
    "GH": (-3.3, 4.7, 1.2, 11.2),
    "GR": (19.3, 34.8, 29.7, 41.8),
    "HR": (13.4, 42.3, 19.5, 46.6),
    "HU": (16.1, 45.7, 22.9, 48.6),
    "IE": (-10.7, 51.3, -5.9, 55.4),
    "IN": (68.1, 6.7, 97.4, 35.7),
    "IT": (6.6, 35.4, 18.6, 47.1),
    "JP": (122.9, 24.0, 146.0, 45.6),
    "KE": (33.9, -4.7, 41.9, 5.1),
    "KR": (125.8, 33.0, 129.7, 38.7),
    "LT": (20.9, 53.8, 26.9, 56.5),
    "LU": (5.7, 49.4, 6.6, 50.2),
    "LV": (20.9, 55.6, 28.3, 58.1),
    "MX": (-117.2, 14.5, -86.7, 32.8),
    "NG": (2.6, 4.2, 14.7, 13.9),
    "NL": (3.3, 50.7, 7.3, 53.6),
    "NO": (4.5, 57.9, 31.2, 71.3),
    "NZ": (166.3, -47.4, 178.7, -34.3),
    "PE": (-81.4, -18.4, -68.6, 0.1),
    "PL": (14.1, 49.0, 24.2, 54.9),
    "PT": (-9.6, 36.9, -6.1, 42.2),
    "RO": (20.2, 43.6, 29.8, 48.3),
    "RS": (18.8, 42.2, 23.1, 46.2),
    "SE": (10.9, 55.3, 24.2, 69.1),
    "SI": (13.3, 45.4, 16.7, 46.9),
    "SK": (16.8, 47.7, 22.6, 49.7),
    "SM": (12.4, 43.8, 12.6, 44.0),
    "SN": (-17.6, 12.3, -11.3, 16.7),
    "TR": (25.6, 35.8, 44.9, 42.2),
    "UA": (22.1, 44.3, 40.3, 52.4),
    "US": (-125.0, 24.4, -66.9, 49.4),
    "UY": (-58.5, -35.0, -53.1, -30.0),
    "ZA": (16.4, -34.9, 33.0, -22.1),
}
_TLDS = {
    "cat": "ES-CT",
    "gal": "ES-GA",
    "eus": "ES-PV",
    "uk": "GB",
    "quebec": "CA",
    "bzh": "FR",
    "paris": "FR",
    "nyc": "US",
}
_HOST = re.compile(r"(?:https?://|www\.|@)[\w.-]*?\.([a-z]{2,6})(?=[/\s:?,;]|$)", re.IGNORECASE)


def named(text: str) -> str:
    """``EPSG:n`` of a CRS name such as ``urn:ogc:def:crs:EPSG::25831``; '' when it names none."""
    if re.search(r"CRS:?84\b", text, re.IGNORECASE):
        return WORLD
    found = re.search(r"EPSG[:/\s]*(?:[\d.]*[:/])?(\d{4,6})\b", text, re.IGNORECASE)
    return f"EPSG:{found.group(1)}" if found else ""


def from_projjson(value: Any) -> str:
    """``EPSG:n`` of a PROJJSON object (GeoParquet ``crs``), '' when it has no identifier."""
    if value is None:
        return ""
    found = value.get("id") if isinstance(value, dict) else None
    if isinstance(found, dict):
        if str(found.get("code")).upper() == "CRS84":
            return WORLD
        if str(found.get("authority")).upper() == "EPSG":
            return f"EPSG:{found['code']}"
    return named(str(value.get("name", ""))) if isinstance(value, dict) else named(str(value))


def guess(
    bounds: tuple[float, float, float, float] | None,
    context: Context,
    hints: Iterable[str | None] = (),
    declared_default: str = "",
) -> tuple[str, str]:
    """(``EPSG:n`` or '', a sentence of doubt or '') for coordinates within ``bounds`` of an undeclared CRS.

    ``declared_default``: what the format's standard says when a file is silent; no doubt when the extent agrees.
    """
    if bounds is None:
        return declared_default or WORLD, ""
    west, south, east, north = bounds
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
        if declared_default:
            return declared_default, ""
        return WORLD, "The file does not name its coordinate system; its coordinates look like degrees on WGS 84."
    x, y = (west + east) / 2, (south + north) / 2
    found: dict[int, str] = {}
    for country in _countries(context, hints):
        box = BOXES.get(country)
        for code in (*GRIDS.get(country, ()), *_utm(box), 3857) if box else ():
            place = _degrees(x, y, code)
            if place and box and box[0] <= place[0] <= box[2] and box[1] <= place[1] <= box[3]:
                found.setdefault(code, f"at {place[1]:.4f}, {place[0]:.4f} in {country}")
        if found:
            break
    if found:
        first, *others = found
        more = f" EPSG:{', EPSG:'.join(map(str, others[:3]))} would fit too." if others else ""
        words = f"The file does not name its coordinate system; EPSG:{first} puts it {found[first]}.{more}"
        return f"EPSG:{first}", words
    return "", (
        "The file does not name its coordinate system and its coordinates are no degrees "
        f"(x {west:.0f} to {east:.0f}, y {south:.0f} to {north:.0f}): write it as arengoCrs, for example EPSG:25832."
    )


def _countries(context: Context, hints: Iterable[str | None]) -> list[str]:
    """Countries this file may be of, the likeliest first."""
    found: list[str] = [context.country.upper()] if context.country else []
    seen: Counter[str] = Counter()
    for hint in hints:
        for match in _HOST.finditer(hint or ""):
            tld = match.group(1).lower()
            country = _TLDS.get(tld, tld.upper() if len(tld) == 2 else "")
            if country in BOXES:
                seen[country] += 1
    ranked = [country for country, _ in seen.most_common(3)]
    # A region's own domain says more than the country it lies in.
    found = [item for item in ranked if "-" in item and (not found or item.startswith(found[0]))] + found + ranked
    zone = _zones().get(context.timezone, "")
    if zone:
        found.append(zone)
    return list(dict.fromkeys(found))


@cache
def _zones() -> dict[str, str]:
    """IANA zone name -> country, from the time zone database's own table."""
    from importlib.resources import files

    try:
        table = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError):
        return {}
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows if len(row) > 2}


def _utm(box: tuple[float, float, float, float]) -> list[int]:
    first, last = int((box[0] + 180) // 6) + 1, int((box[2] + 180) // 6) + 1
    halves = ([32600] if box[3] > 0 else []) + ([32700] if box[1] < 0 else [])
    return [half + zone for zone in range(first, min(last, first + 8) + 1) for half in halves]


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    import duckdb

    from arengo.sources.database import load_extension

    connection = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "64MB"})
    load_extension(connection, "spatial")
    return connection


@cache
def _degrees(x: float, y: float, code: int) -> tuple[float, float] | None:
    """Longitude and latitude of a point of a projected system, None when it lies outside of it."""
    import math

    import duckdb

    try:
        row = (
            _engine()
            .cursor()
            .execute(
                "SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_Transform(ST_Point(?, ?), ?, 'OGC:CRS84', true) AS p)",
                [x, y, f"EPSG:{code}"],
            )
            .fetchone()
        )
    except duckdb.Error:
        return None
    if row is None or not all(isinstance(value, float) and math.isfinite(value) for value in row):
        return None
    return row[0], row[1]
