"""Where the places of a table are: longitude and latitude, projected coordinates, geometry written as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from arengo.contract.draft.column import Column
from arengo.contract.draft.words import concepts, exactly, plain
from arengo.contract.model import Kind

_WKT = re.compile(
    r"\s*(?:SRID=(?P<srid>\d+);)?\s*(?P<type>(?:MULTI)?(?:POINT|LINESTRING|POLYGON)|GEOMETRYCOLLECTION)\s*(?:ZM|Z|M)?\s*(?:\(|EMPTY)",
    re.IGNORECASE,
)
_GEOJSON = re.compile(
    r'\s*\{\s*"(?:type|coordinates|crs|bbox)"\s*:.*"type"\s*:\s*"(?P<type>(?:Multi)?(?:Point|LineString|Polygon)|GeometryCollection)"'
    r'|\s*\{\s*"type"\s*:\s*"(?P<type2>(?:Multi)?(?:Point|LineString|Polygon)|GeometryCollection)"',
    re.DOTALL,
)
_WKB = re.compile(r"(?:01|00)(?:0[1-7]0000[028]0|000000[0-9a-f]{2})[0-9A-Fa-f]{30,}", re.IGNORECASE)
_PAIR = re.compile(r"[\[(]?\s*(-?\d{1,3}\.\d{2,})\s*[,;]\s*(-?\d{1,3}\.\d{2,})\s*[\])]?")
_TYPES = {
    "point": "Point", "linestring": "LineString", "polygon": "Polygon", "multipoint": "MultiPoint",
    "multilinestring": "MultiLineString", "multipolygon": "MultiPolygon", "geometrycollection": "GeometryCollection",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class System:
    """A projected reference system: where it is used, and between which coordinates its country lies (metres)."""

    epsg: int
    x: tuple[float, float]
    y: tuple[float, float]
    name: str = ""


def _utm(epsg: int, y0: float, y1: float, name: str) -> System:
    return System(epsg, (150_000, 850_000), (y0, y1), name)


SYSTEMS: dict[str, tuple[System, ...]] = {
    "ES": (_utm(25830, 3_950_000, 4_880_000, "ETRS89 / UTM 30N"), _utm(25831, 4_200_000, 4_800_000, "ETRS89 / UTM 31N"),
           _utm(25829, 3_950_000, 4_880_000, "ETRS89 / UTM 29N"), _utm(32628, 3_020_000, 3_300_000, "WGS 84 / UTM 28N")),
    "PT": (System(3763, (-130_000, 170_000), (-305_000, 280_000), "ETRS89 / Portugal TM06"), _utm(25829, 4_050_000, 4_700_000, "ETRS89 / UTM 29N")),
    "IT": (_utm(32632, 3_900_000, 5_250_000, "WGS 84 / UTM 32N"), System(3003, (1_290_000, 1_780_000), (3_900_000, 5_250_000), "Monte Mario / Italy 1"),
           System(3004, (2_200_000, 2_900_000), (3_900_000, 5_250_000), "Monte Mario / Italy 2")),
    "FR": (System(2154, (80_000, 1_300_000), (6_000_000, 7_200_000), "RGF93 / Lambert-93"),
           System(27572, (0, 1_250_000), (1_600_000, 2_700_000), "NTF / Lambert II étendu"),
           *(System(3900 + n, (1_200_000, 2_300_000), ((n - 41) * 1_000_000 - 100_000 + 100_000, (n - 41) * 1_000_000 + 400_000), f"RGF93 / CC{n}")
             for n in range(42, 51))),
    "GB": (System(27700, (0, 700_000), (0, 1_250_000), "OSGB36 / British National Grid"),),
    "IE": (System(2157, (400_000, 780_000), (500_000, 970_000), "IRENET95 / Irish Transverse Mercator"),
           System(29902, (10_000, 380_000), (10_000, 480_000), "TM65 / Irish Grid")),
    "NL": (System(28992, (0, 300_000), (300_000, 625_000), "Amersfoort / RD New"),),
    "BE": (System(31370, (20_000, 300_000), (20_000, 250_000), "BD72 / Belgian Lambert 72"),
           System(3812, (520_000, 800_000), (520_000, 750_000), "ETRS89 / Belgian Lambert 2008")),
    "LU": (System(2169, (48_000, 107_000), (56_000, 140_000), "LUREF / Luxembourg TM"),),
    "DE": (_utm(25832, 5_200_000, 6_150_000, "ETRS89 / UTM 32N"), _utm(25833, 5_200_000, 6_150_000, "ETRS89 / UTM 33N"),
           System(31466, (2_450_000, 2_700_000), (5_200_000, 6_150_000), "DHDN / Gauss-Krüger 2"),
           System(31467, (3_250_000, 3_780_000), (5_200_000, 6_150_000), "DHDN / Gauss-Krüger 3"),
           System(31468, (4_300_000, 4_700_000), (5_200_000, 6_150_000), "DHDN / Gauss-Krüger 4"),
           System(25832, (32_250_000, 32_900_000), (5_200_000, 6_150_000), "")),
    "AT": (System(31287, (100_000, 700_000), (250_000, 620_000), "MGI / Austria Lambert"),
           System(31256, (-30_000, 60_000), (300_000, 400_000), "MGI / Austria GK East")),
    "CH": (System(2056, (2_480_000, 2_840_000), (1_070_000, 1_300_000), "CH1903+ / LV95"),
           System(21781, (480_000, 840_000), (70_000, 300_000), "CH1903 / LV03")),
    "PL": (System(2180, (140_000, 880_000), (120_000, 900_000), "ETRS89 / Poland CS92"),
           System(2178, (7_300_000, 7_700_000), (5_400_000, 6_100_000), "ETRS89 / Poland CS2000 zone 7"),
           System(2177, (6_300_000, 6_700_000), (5_400_000, 6_100_000), "ETRS89 / Poland CS2000 zone 6"),
           System(2179, (8_300_000, 8_700_000), (5_400_000, 6_100_000), "ETRS89 / Poland CS2000 zone 8"),
           System(2176, (5_300_000, 5_700_000), (5_400_000, 6_100_000), "ETRS89 / Poland CS2000 zone 5")),
    "CZ": (System(5514, (-910_000, -430_000), (-1_230_000, -930_000), "S-JTSK / Krovak East North"),),
    "SK": (System(5514, (-600_000, -160_000), (-1_340_000, -1_130_000), "S-JTSK / Krovak East North"),),
    "HU": (System(23700, (420_000, 950_000), (40_000, 370_000), "HD72 / EOV"),),
    "RO": (System(3844, (130_000, 900_000), (230_000, 780_000), "Pulkovo / Stereo70"),),
    "HR": (System(3765, (200_000, 800_000), (4_600_000, 5_200_000), "HTRS96 / Croatia TM"),),
    "SI": (System(3794, (370_000, 630_000), (30_000, 200_000), "Slovenia 1996"),),
    "SE": (System(3006, (250_000, 930_000), (6_100_000, 7_700_000), "SWEREF99 TM"), System(3011, (100_000, 210_000), (6_100_000, 7_700_000), "SWEREF99 18 00")),
    "NO": (_utm(25833, 6_400_000, 7_950_000, "ETRS89 / UTM 33N"), _utm(25832, 6_400_000, 7_950_000, "ETRS89 / UTM 32N")),
    "DK": (_utm(25832, 6_000_000, 6_450_000, "ETRS89 / UTM 32N"),),
    "FI": (System(3067, (50_000, 760_000), (6_600_000, 7_800_000), "ETRS89 / TM35FIN"),
           System(3879, (25_440_000, 25_560_000), (6_600_000, 6_760_000), "ETRS89 / GK25FIN")),
    "EE": (System(3301, (360_000, 750_000), (6_370_000, 6_640_000), "Estonian System of 1997"),),
    "LV": (System(3059, (300_000, 770_000), (160_000, 450_000), "LKS92 / Latvia TM"),),
    "LT": (System(3346, (300_000, 690_000), (5_970_000, 6_270_000), "LKS94 / Lithuania TM"),),
    "GR": (System(2100, (90_000, 1_010_000), (3_840_000, 4_630_000), "GGRS87 / Greek Grid"),),
    "US": (), "CA": (System(32188, (250_000, 350_000), (5_000_000, 5_100_000), "NAD83 / MTM zone 8"),),
    "UY": (_utm(32721, 6_100_000, 6_700_000, "WGS 84 / UTM 21S"),),
    "CL": (_utm(32719, 5_200_000, 8_100_000, "WGS 84 / UTM 19S"), _utm(32718, 3_800_000, 6_400_000, "WGS 84 / UTM 18S")),
    "PE": (_utm(32718, 7_950_000, 9_999_000, "WGS 84 / UTM 18S"), _utm(32717, 8_900_000, 9_999_000, "WGS 84 / UTM 17S")),
    "EC": (_utm(32717, 9_400_000, 10_000_000, "WGS 84 / UTM 17S"),),
    "BO": (_utm(32719, 7_450_000, 8_950_000, "WGS 84 / UTM 19S"), _utm(32720, 7_450_000, 8_950_000, "WGS 84 / UTM 20S")),
    "CO": (System(9377, (4_300_000, 5_700_000), (1_000_000, 3_100_000), "MAGNA-SIRGAS / Origen Nacional"),
           System(3116, (450_000, 1_800_000), (25_000, 1_950_000), "MAGNA-SIRGAS / Bogota")),
    "BR": (_utm(31983, 6_200_000, 9_999_000, "SIRGAS 2000 / UTM 23S"), _utm(31982, 6_200_000, 9_999_000, "SIRGAS 2000 / UTM 22S"),
           _utm(31984, 6_200_000, 9_999_000, "SIRGAS 2000 / UTM 24S"), _utm(31985, 8_900_000, 9_999_000, "SIRGAS 2000 / UTM 25S")),
    "AR": (System(5347, (5_400_000, 5_750_000), (5_700_000, 7_500_000), "POSGAR 2007 / Argentina 5"),
           System(9498, (0, 200_000), (0, 200_000), "POSGAR 2007 / Buenos Aires")),
    "MX": (_utm(32614, 1_600_000, 3_600_000, "WGS 84 / UTM 14N"), _utm(32613, 1_600_000, 3_600_000, "WGS 84 / UTM 13N")),
    "CR": (System(5367, (280_000, 700_000), (880_000, 1_250_000), "CR05 / CRTM05"),),
    "KR": (System(5179, (740_000, 1_400_000), (1_450_000, 2_100_000), "Korea 2000 / Unified CS"),
           System(5186, (80_000, 450_000), (330_000, 700_000), "Korea 2000 / Central Belt 2010"),
           System(5174, (80_000, 450_000), (330_000, 700_000), "Korean 1985 / Modified Central Belt")),
    "TW": (System(3826, (140_000, 360_000), (2_400_000, 2_830_000), "TWD97 / TM2 zone 121"),),
    "SG": (System(3414, (0, 60_000), (15_000, 55_000), "SVY21 / Singapore TM"),),
    "HK": (System(2326, (790_000, 880_000), (790_000, 860_000), "Hong Kong 1980 Grid"),),
    "IL": (System(2039, (100_000, 310_000), (350_000, 820_000), "Israel 1993 / Israeli TM Grid"),),
    "NZ": (System(2193, (1_000_000, 2_150_000), (4_700_000, 6_250_000), "NZGD2000 / New Zealand TM"),),
    "ZA": (_utm(32735, 6_100_000, 7_600_000, "WGS 84 / UTM 35S"),),
    "KE": (_utm(32737, 9_400_000, 10_000_000, "WGS 84 / UTM 37S"), _utm(21037, 9_400_000, 10_000_000, "Arc 1960 / UTM 37S")),
    "GH": (_utm(32630, 500_000, 1_250_000, "WGS 84 / UTM 30N"),), "SN": (_utm(32628, 1_350_000, 1_850_000, "WGS 84 / UTM 28N"),),
    "CI": (_utm(32630, 450_000, 1_200_000, "WGS 84 / UTM 30N"),), "NG": (_utm(32632, 450_000, 1_550_000, "WGS 84 / UTM 32N"),),
    "MA": (System(26191, (0, 1_000_000), (0, 600_000), "Merchich / Nord Maroc"),), "TN": (_utm(32632, 3_300_000, 4_200_000, "WGS 84 / UTM 32N"),),
    "TR": (_utm(32635, 3_950_000, 4_700_000, "WGS 84 / UTM 35N"),),
}  # fmt: skip
_SPOKEN = {
    "ca": "ES", "es": "ES", "eu": "ES", "gl": "ES", "pt": "PT", "it": "IT", "fr": "FR", "nl": "NL", "de": "DE", "pl": "PL", "cs": "CZ",
    "sk": "SK", "hu": "HU", "ro": "RO", "hr": "HR", "sl": "SI", "sv": "SE", "no": "NO", "da": "DK", "fi": "FI", "et": "EE", "lv": "LV",
    "lt": "LT", "el": "GR", "ko": "KR", "he": "IL", "tr": "TR",
}  # fmt: skip
_NAMED = (
    (r"lambert.?93|\bl93\b|rgf93", 2154), (r"etrs89.*30|utm.?30", 25830), (r"etrs89.*31|utm.?31", 25831), (r"etrs89.*29|utm.?29", 25829),
    (r"\brd\b|rijksdriehoek", 28992), (r"lambert.?72", 31370), (r"british|\bbng\b|osgb", 27700), (r"lv95", 2056), (r"lv03", 21781),
    (r"sweref", 3006), (r"itm\b", 2157), (r"utm.?32", 25832), (r"utm.?33", 25833), (r"gauss.?boaga", 3003), (r"mercator", 3857),
    (r"pl.?1992|cs92|puwg.?92", 2180), (r"krovak|jtsk", 5514), (r"\beov\b", 23700), (r"stereo.?70", 3844), (r"epsg.?(\d{4,5})", 0),
)  # fmt: skip


@dataclass(slots=True)
class Found:
    """What was found: a geometry column, or a pair of number columns, and the reference system."""

    column: str = ""
    x: str = ""
    y: str = ""
    crs: str = ""
    types: tuple[str, ...] = ()
    doubts: list[str] = field(default_factory=list)


def geometry_text(column: Column) -> tuple[str, ...]:
    """Geometry types when the column holds WKT, GeoJSON or hexadecimal WKB; () when it does not."""
    values = list(column.told())
    if not values:
        return ()
    types: dict[str, int] = {}
    for text in values:
        found = _WKT.match(text)
        if found:
            column.geometry_format = "WKT"
            if found["srid"]:
                column.options["srid"] = found["srid"]
        else:
            found = _GEOJSON.match(text[:2000]) if text.startswith("{") else None
            if found:
                column.geometry_format = "GeoJSON"
        if found:
            groups = found.groupdict()
            word = (groups.get("type") or groups.get("type2") or "point").casefold()
            types[_TYPES[word]] = types.get(_TYPES[word], 0) + 1
        elif _WKB.fullmatch(text):
            column.geometry_format = "WKB"
            types["Geometry"] = types.get("Geometry", 0) + 1
        else:
            return ()
    return tuple(types)


def coordinate_pair(column: Column) -> bool:
    """Texts such as ``43.61, 3.87``: both coordinates in one cell."""
    values = list(column.told())
    return len(values) >= 3 and all(_PAIR.fullmatch(text) for text in values[:500])


def find(columns: Sequence[Column], *, country: str, language: str, crs: str = "") -> Found | None:
    """The place of a row, out of number columns: names first, then ranges. Geometry texts win over neither."""
    pairs = []
    axes = {
        axis: [c for c in columns if c.numbers and axis in concepts(c.name) and _axis_name(c.name, axis)]
        for axis in ("latitude", "longitude", "x", "y")
    }
    for lat_axis, lon_axis in (("latitude", "longitude"), ("y", "x")):
        for lon in axes[lon_axis]:
            lat = _partner(lon, axes[lat_axis])
            if lat is not None:
                pairs.append((lon, lat, lat_axis == "latitude"))
    best: Found | None = None
    for x, y, named in pairs:
        found = _pair(x, y, named, country, language, crs)
        if found is None:
            continue
        if found.crs == "EPSG:4326":
            return found
        best = best or found
    return best


def _axis_name(name: str, axis: str) -> bool:
    """``Cod Y`` and ``Y`` of a crossing are not coordinates unless their numbers say so; codes never are."""
    known = concepts(name)
    return not known & {"code", "id", "year", "email", "street"} or exactly(name, axis)


def _partner(x: Column, ys: Sequence[Column]) -> Column | None:
    """The y that belongs to this x: its name differs least."""
    if not ys:
        return None
    mine = plain(x.name)

    def distance(y: Column) -> tuple[int, int]:
        other = plain(y.name)
        common = len(set(re.findall(r"[a-z0-9]+", mine)) & set(re.findall(r"[a-z0-9]+", other)))
        return -common, abs(x.index - y.index)

    return min(ys, key=distance)


def _range(column: Column) -> tuple[float, float]:
    ordered = sorted(value for value in column.numbers if value != 0)
    if not ordered:
        return (0.0, 0.0)
    cut = len(ordered) // 200
    return ordered[cut], ordered[-1 - cut]


def _inside(column: Column, low: float, high: float) -> float:
    values = [value for value in column.numbers if value != 0]
    return sum(1 for value in values if low <= value <= high) / len(values) if values else 0.0


def _pair(x: Column, y: Column, named: bool, country: str, language: str, crs: str) -> Found | None:
    if not any(x.numbers) or not any(y.numbers):
        return None
    if _inside(x, -180, 180) > 0.98 and _inside(y, -90, 90) > 0.98:
        fraction = any(v != int(v) for v in x.numbers[:200]) or any(v != int(v) for v in y.numbers[:200])
        if not fraction or (not named and max(_spread(x), _spread(y)) > 30):
            return None
        found = Found(x=x.name, y=y.name, crs=crs or "EPSG:4326", types=("Point",))
        if not named and _range(x)[0] >= 0 and _range(y)[0] >= 0 and _swapped(x, y, country, language):
            found = Found(x=y.name, y=x.name, crs=crs or "EPSG:4326", types=("Point",))
            found.doubts.append(
                f"{y.name} holds the longitudes and {x.name} the latitudes, other than their names say."
            )
        elif named and _swapped(x, y, country, language):
            found = Found(x=y.name, y=x.name, crs=crs or "EPSG:4326", types=("Point",))
            found.doubts.append(f"Latitude and longitude look swapped: {y.name} was taken as the longitude.")
        return found
    if named and _inside(y, -180, 180) > 0.98 and _inside(x, -90, 90) > 0.98 and _inside(y, -90, 90) < 0.9:
        found = Found(x=y.name, y=x.name, crs=crs or "EPSG:4326", types=("Point",))
        found.doubts.append(f"Latitude and longitude are swapped: {y.name} holds values beyond 90 degrees.")
        return found
    if named and (scaled := _micro(x, y)) is not None:
        return scaled
    return _projected(x, y, named, country, language, crs)


def _spread(column: Column) -> float:
    low, high = _range(column)
    return high - low


_BOXES = {  # longitudes, latitudes
    "ES": (-18.5, 4.5, 27.5, 44.0), "PT": (-31.5, -6.0, 32.0, 42.3), "FR": (-5.5, 9.8, 41.0, 51.3), "IT": (6.5, 18.7, 35.3, 47.2),
    "DE": (5.8, 15.2, 47.2, 55.1), "NL": (3.2, 7.3, 50.7, 53.7), "PL": (14.0, 24.2, 49.0, 54.9), "CZ": (12.0, 18.9, 48.5, 51.1),
    "SK": (16.8, 22.6, 47.7, 49.7), "HU": (16.0, 22.9, 45.7, 48.6), "RO": (20.2, 29.8, 43.6, 48.3), "HR": (13.4, 19.5, 42.3, 46.6),
    "SI": (13.3, 16.7, 45.4, 46.9), "SE": (10.9, 24.2, 55.2, 69.1), "FI": (19.0, 31.6, 59.5, 70.1), "DK": (8.0, 15.2, 54.5, 57.8),
    "NO": (4.5, 31.2, 57.9, 71.2), "EE": (21.7, 28.3, 57.5, 59.8), "LV": (20.9, 28.3, 55.6, 58.1), "LT": (20.9, 26.9, 53.8, 56.5),
    "GR": (19.3, 29.7, 34.7, 41.8), "TR": (25.6, 44.9, 35.8, 42.2), "GB": (-8.7, 1.8, 49.8, 60.9), "IE": (-10.7, -5.9, 51.4, 55.4),
    "US": (-179.2, -66.9, 18.9, 71.4), "KR": (124.5, 131.0, 33.0, 38.7), "JP": (122.9, 154.0, 20.2, 45.6), "ZA": (16.4, 33.0, -35.0, -22.0),
    "AE": (51.5, 56.4, 22.6, 26.1), "SA": (34.5, 55.7, 16.3, 32.2), "KE": (33.9, 41.9, -4.8, 5.1), "GH": (-3.3, 1.2, 4.7, 11.2),
    "UA": (22.1, 40.3, 44.3, 52.4), "BE": (2.5, 6.5, 49.4, 51.6), "CH": (5.9, 10.5, 45.8, 47.9), "AT": (9.5, 17.2, 46.3, 49.1),
    "CO": (-79.1, -66.8, -4.3, 12.6), "BR": (-74.0, -34.7, -33.8, 5.3), "AR": (-73.6, -53.6, -55.1, -21.7), "CL": (-109.5, -66.4, -56.0, -17.5),
    "MX": (-118.5, -86.7, 14.5, 32.8), "PE": (-81.4, -68.6, -18.4, 0.1), "UY": (-58.5, -53.0, -35.0, -30.0), "BO": (-69.7, -57.4, -22.9, -9.6),
    "EC": (-92.1, -75.1, -5.1, 1.5),
}  # fmt: skip


def _swapped(x: Column, y: Column, country: str, language: str) -> bool:
    """Does the pair fall into the country only when the axes are exchanged?"""
    countries = (
        [country.upper()]
        if country
        else [_SPOKEN[language]]
        if language in _SPOKEN and language not in ("es", "pt", "fr")
        else []
    )
    for code in countries:
        box = _BOXES.get(code)
        if box is None:
            continue
        straight = _inside(x, box[0], box[1]) * _inside(y, box[2], box[3])
        crossed = _inside(y, box[0], box[1]) * _inside(x, box[2], box[3])
        if crossed > 0.9 and straight < 0.1:
            return True
    return False


def _micro(x: Column, y: Column) -> Found | None:
    """Degrees as whole numbers: 41397952 is 41.397952."""
    values = [v for v in (*x.numbers[:500], *y.numbers[:500]) if v]
    if not values or any(v != int(v) for v in values):
        return None
    (x0, x1), (y0, y1) = _range(x), _range(y)
    for power in (6, 7, 5, 4, 3):
        factor = 10.0**-power
        if max(abs(x0), abs(x1)) * factor > 180 or max(abs(y0), abs(y1)) * factor > 90:
            continue
        if max(abs(y0), abs(y1)) * factor < 0.5 and max(abs(x0), abs(x1)) * factor < 0.5:
            continue
        for column in (x, y):
            column.parse["scale"] = factor
            column.kind = Kind.NUMBER
            column.doubts.append(f"Whole numbers were read as degrees times {10**power:,}.")
        return Found(x=x.name, y=y.name, crs="EPSG:4326", types=("Point",))
    return None


def system(
    x: tuple[float, float], y: tuple[float, float], country: str, language: str, hint: str = ""
) -> tuple[str, str, bool]:
    """Reference system of projected coordinates: code, why, and whether x and y are exchanged. '' when none fits."""
    low = plain(hint)
    for pattern, epsg in _NAMED:
        found = re.search(pattern, low)
        if found:
            return f"EPSG:{epsg or found[1]}", "the name says so", False
    code = country.upper() or _SPOKEN.get(language, "")
    order = SYSTEMS.get(code, ())
    if language == "ca" and code == "ES":
        order = tuple(sorted(order, key=lambda item: item.epsg != 25831))
    for swap in (False, True):
        (a, b) = (y, x) if swap else (x, y)
        for item in order:
            if item.x[0] <= a[0] and a[1] <= item.x[1] and item.y[0] <= b[0] and b[1] <= item.y[1]:
                why = f"{item.name}, by the range of the coordinates" + (
                    f" in {code}" if country else f" and the language {language}"
                )
                return f"EPSG:{item.epsg}", why, swap
    if (
        all(abs(v) <= 20_037_509 for v in (*x, *y))
        and max(abs(v) for v in x) > 900_000
        and max(abs(v) for v in y) > 900_000
    ):
        box = _BOXES.get(code)
        if box and box[0] <= x[0] / 111_319.49 <= box[1]:
            return "EPSG:3857", "Web Mercator, by the range of the coordinates", False
    return "", "", False


def _projected(x: Column, y: Column, named: bool, country: str, language: str, crs: str) -> Found | None:
    xr, yr = _range(x), _range(y)
    if max(map(abs, xr)) < 1000 or max(map(abs, yr)) < 1000 or x.distinct < 3 or not (x.numbers and y.numbers):
        return None
    if crs:
        return Found(x=x.name, y=y.name, crs=crs, types=("Point",))
    code, why, swap = system(xr, yr, country, language, f"{x.name} {x.caption} {y.caption}")
    if not code:
        return Found(
            x=x.name,
            y=y.name,
            types=("Point",),
            doubts=[f"{x.name} and {y.name} look like projected coordinates, but nothing says in which system."],
        )
    found = (
        Found(x=y.name, y=x.name, crs=code, types=("Point",))
        if swap
        else Found(x=x.name, y=y.name, crs=code, types=("Point",))
    )
    if not crs:
        found.doubts.append(f"{code} is a guess ({why}).")
    return found
