# ruff: noqa: E501, SIM905, RUF100 - tables: one reference system, country or region a line
"""Projected reference systems of cities, and the guess which one a pair of coordinates is written in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from arengo.contract.draft.words import plain


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
SPOKEN = {
    "ca": "ES", "es": "ES", "eu": "ES", "gl": "ES", "pt": "PT", "it": "IT", "fr": "FR", "nl": "NL", "de": "DE", "pl": "PL", "cs": "CZ",
    "sk": "SK", "hu": "HU", "ro": "RO", "hr": "HR", "sl": "SI", "sv": "SE", "no": "NO", "da": "DK", "fi": "FI", "et": "EE", "lv": "LV",
    "lt": "LT", "el": "GR", "ko": "KR", "he": "IL", "tr": "TR",
}  # fmt: skip
_NAMED = (  # the first whose words are met and whose range fits; several codes: the one that fits the numbers
    (r"epsg\W{0,3}(\d{4,5})", ()), (r"lambert.?93|\bl93\b|rgf93", (2154,)), (r"lambert.{0,3}(?:ii|2)\b", (27572,)), (r"\bcc4[2-9]\b|\bcc50\b", tuple(range(3942, 3951))),
    (r"\brd\b|rijksdriehoek|amersfoort", (28992,)), (r"lambert.?72|bd72", (31370,)), (r"lambert.?2008", (3812,)), (r"\bluref\b", (2169,)),
    (r"british.national|\bbng\b|osgb|ordnance", (27700,)), (r"irish.?grid|\btm65\b|\btm75\b", (29902,)), (r"\bitm\b|irenet", (2157,)),
    (r"lv.?95|ch1903\+", (2056,)), (r"lv.?03|ch1903", (21781,)), (r"bmn.?m?34|\bmgi\b|austria.lambert", (31287, 31256)),
    (r"gauss.?boaga|monte.?mario|roma.?40", (3003, 3004)), (r"sweref\D*(?:99)?\D*18", (3011,)), (r"sweref", (3006,)), (r"\brt.?90\b", (3021,)),
    (r"tm.?35|etrs.?tm35fin", (3067,)), (r"gk.?25", (3879,)), (r"\bkkj\b|\bykj\b", (2393,)), (r"l.?est", (3301,)), (r"lks.?92", (3059,)), (r"lks.?94", (3346,)),
    (r"pl.?1992|cs.?92|puwg.?(?:19)?92|uklad.?(?:19)?92", (2180,)), (r"pl.?2000|cs.?2000|puwg.?2000|uklad.?2000", (2176, 2177, 2178, 2179)),
    (r"krovak|jtsk", (5514,)), (r"\beov\b|hd.?72", (23700,)), (r"stereo.?70", (3844,)), (r"htrs.?96", (3765,)), (r"\bd.?96\b", (3794,)), (r"\bd.?48\b", (3912,)),
    (r"εγσα.?(?:19)?87|egsa.?(?:19)?87|ggrs.?(?:19)?87|ελληνικο γεωδαιτικο", (2100,)), (r"tm06|pt.tm06", (3763,)), (r"datum 73|\bd73\b", (27493,)),
    (r"itrf.?96|\btm.?30\b", (5254,)), (r"israel.{0,4}(?:tm|1993|grid)|\bitm\b|רשת ישראל", (2039,)), (r"korea.?2000|grs80.*5186|중부원점", (5186,)), (r"\bska|usk.?2000", (5562,)),
    (r"sirgas", tuple(range(31978, 31986)) + tuple(range(31972, 31978))), (r"\bsad.?69", tuple(range(29188, 29196))), (r"magna", (9377, 3116)), (r"nzgd|nztm", (2193,)),
    (r"(?:gda|mga)\W?2020.{0,40}?(4[89]|5[0-6])\b", tuple(range(7848, 7857))),
    (r"(?:gda|mga)(?:.{0,40}?zone\W{0,3}|\W?(?:19)?(?:94)?\W{0,3})(4[89]|5[0-6])\b", tuple(range(28348, 28357))),
    (r"nad.?83.*new york long island|ny long island", (2263,)), (r"nad.?83.*illinois east", (3435,)), (r"nad.?83.*california.{0,3}(?:iii|3)\b", (2227,)),
    (r"nad.?83.*california.{0,3}(?:v|5)\b", (2229,)), (r"nad.?83.*pennsylvania south", (2272,)), (r"nad.?83.*washington north", (2285,)),
    (r"nad.?83.*massachusetts mainland", (2249, 26986)), (r"nad.?83.*texas south central", (2278,)), (r"nad.?83.*texas central", (2277,)),
    (r"mercator", (3857,)),
)  # fmt: skip
_UTM = re.compile(
    r"(?:utm|zone|zona|fuso|huso|fuseau|sone|kaista|strefa|ζωνη)\W{0,3}(?:zone|zona|fuso|huso)?\W{0,3}(\d{1,2})\s?([ns])?(?![\d])|\butm\W{0,3}(\d{1,2})([a-z])?\b"
)


def _utm_named(low: str, x: tuple[float, float], y: tuple[float, float], country: str) -> int:
    """A UTM zone by its words, with the datum beside it: ``ETRS89 UTM 32N``, ``ED50 / UTM 30``, ``SIRGAS 2000 UTM 23S``."""
    found = _UTM.search(low) if "utm" in low else None
    if found is None or x[0] < 100_000 or x[1] > 900_000 or y[0] < 0 or y[1] > 10_000_000:
        return 0
    zone = int(found[1] or found[3])
    south = (found[2] or "") == "s" or (country in _SOUTH and (found[2] or "") != "n")
    if not 1 <= zone <= 60:
        return 0
    if "sirgas" in low:
        return (31960 if south else 31954) + zone
    if "ed50" in low.replace(" ", "") and 28 <= zone <= 38:
        return 23000 + zone
    if "gda94" in low.replace(" ", ""):
        return 28300 + zone
    if "nad83" in low.replace(" ", "") and zone <= 23:
        return 26900 + zone
    europe = not south and 28 <= zone <= 38 and "wgs" not in low
    if "etrs" in low or (europe and (not country or country in _EUROPE)):
        return 25800 + zone
    return (32700 if south else 32600) + zone


_SOUTH = frozenset("AR BR CL PE BO PY UY ZA AU NZ MZ AO TZ ZM ZW NA BW MG ID EC".split())
_EUROPE = frozenset("ES PT FR IT DE NL BE LU DK NO SE FI PL CZ SK HU AT SI HR GR EE LV LT IE GB CH".split())
_ELSEWHERE = {  # systems named in a header whose country has no list above
    2100: ((94_000, 1_010_000), (3_790_000, 4_660_000)), 2039: ((100_000, 300_000), (350_000, 850_000)), 2193: ((1_000_000, 2_150_000), (4_700_000, 6_300_000)),
    2393: ((3_000_000, 3_800_000), (6_600_000, 7_800_000)), 3021: ((1_100_000, 1_900_000), (6_100_000, 7_700_000)),
    5254: ((200_000, 800_000), (3_900_000, 4_700_000)), 31287: ((100_000, 700_000), (250_000, 620_000)), 31256: ((-130_000, 160_000), (180_000, 450_000)),
    **dict.fromkeys((*range(28348, 28357), *range(7848, 7857)), ((100_000, 900_000), (5_500_000, 9_100_000))),
    **dict.fromkeys((*range(31978, 31986), *range(29188, 29196)), ((100_000, 900_000), (6_000_000, 10_100_000))),
}  # fmt: skip


def _fits(epsg: int, x: tuple[float, float], y: tuple[float, float]) -> bool | None:
    """Do the numbers lie where the system is used? None when that is not known."""
    known = [((item.x, item.y)) for items in SYSTEMS.values() for item in items if item.epsg == epsg]
    known += [_ELSEWHERE[epsg]] if epsg in _ELSEWHERE else []
    if not known:
        return None
    return any(a[0] <= x[0] and x[1] <= a[1] and b[0] <= y[0] and y[1] <= b[1] for a, b in known)


_REGIONS = (  # words of a region that lies in another zone than most of its country
    (r"barcelona|catalunya|cataluna|tarragona|girona|lleida|lerida|mallorca|menorca|ibiza|eivissa|balears", 25831),
    (r"galicia|coruna|pontevedra|ourense|lugo\b|vigo\b|santiago de compostela", 25829),
    (r"canaria|tenerife|la laguna|lanzarote|fuerteventura|la palma", 32628),
    (r"berlin|brandenburg|potsdam|sachsen|dresden|leipzig|chemnitz|rostock|greifswald|mecklenburg", 25833),
    (r"\bwien\b|niederosterreich|burgenland", 31256),
    (r"\bbari\b|puglia|lecce|taranto|catania|calabria|ancona", 32633),
    (r"lima\b|trujillo|arequipa", 32718), (r"santiago\b|valparaiso|concepcion", 32719), (r"curitiba|porto alegre|parana|florianopolis", 31982),
    (r"recife|fortaleza|natal\b|maceio|joao pessoa", 31985), (r"salvador|bahia", 31984),
)  # fmt: skip


def region(texts: Sequence[str]) -> int:
    """Reference system that the words of a table speak for, 0 when none does."""
    low = plain(" ".join(texts)[:20_000])
    for pattern, epsg in _REGIONS:
        if len(re.findall(pattern, low)) >= 1:
            return epsg
    return 0


BOXES = {  # longitudes, latitudes
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
    "EC": (-92.1, -75.1, -5.1, 1.5), "CR": (-87.1, -82.5, 5.4, 11.3), "GT": (-92.3, -88.2, 13.7, 17.9), "PY": (-62.7, -54.2, -27.7, -19.2),
    "VE": (-73.4, -59.7, 0.6, 12.3), "PA": (-83.1, -77.1, 7.1, 9.7), "DO": (-72.1, -68.2, 17.4, 20.0), "AO": (11.6, 24.2, -18.1, -4.3),
    "MZ": (30.2, 41.0, -26.9, -10.4), "CV": (-25.5, -22.6, 14.7, 17.3),
}  # fmt: skip


def _by_name(low: str, x: tuple[float, float], y: tuple[float, float], country: str) -> tuple[int, bool]:
    """The system a header names, and whether x and y are exchanged; 0 when none is named or its range does not fit."""
    declared = 0
    for a, b, exchanged in ((x, y, False), (y, x, True)):
        zone = _utm_named(low, a, b, country)
        if zone and _fits(zone, a, b) is not False:
            return zone, exchanged
        for pattern, codes in _NAMED:
            found = re.search(pattern, low)
            if found is None:
                continue
            if not codes:
                return int(found[1]), False
            if found.groups() and found[1]:
                codes = tuple(code for code in codes if code % 100 == int(found[1])) or codes
            fitting = [code for code in codes if _fits(code, a, b)]
            if len(fitting) == 1 or (fitting and country):
                return fitting[0], exchanged
            if "nad" in pattern and not declared:
                declared = codes[0]  # state plane coordinates, named with their zone
    return declared, False


def system(
    x: tuple[float, float], y: tuple[float, float], country: str, language: str, hint: str = ""
) -> tuple[str, str, bool]:
    """Reference system of projected coordinates: code, why, and whether x and y are exchanged. '' when none fits."""
    named, swapped = _by_name(plain(hint), x, y, country.upper() or SPOKEN.get(language, ""))
    if named:
        return f"EPSG:{named}", "its name stands in the header, and the numbers fit", swapped
    code = country.upper() or SPOKEN.get(language, "")
    order = SYSTEMS.get(code, ())
    wanted = region([hint])
    if language == "ca" and code == "ES":
        wanted = wanted or 25831
    order = tuple(sorted(order, key=lambda item: item.epsg != wanted))
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
        box = BOXES.get(code)
        if box and box[0] <= x[0] / 111_319.49 <= box[1]:
            return "EPSG:3857", "Web Mercator, by the range of the coordinates", False
    return "", "", False
