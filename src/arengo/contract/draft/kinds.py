"""The type of one column, out of its values: the widest of the types that fit nearly all of them.

A wrong narrow type puts rows into quarantine, a wide one costs a sum: so text wins whenever the evidence is thin, and
a narrow type with a few misfits (under half a per cent) is only chosen with a doubt beside it.
"""

from __future__ import annotations

import re

from arengo.contract.damage import SPOILT
from arengo.contract.draft import booleans, dates, numbers, places
from arengo.contract.draft.column import ZERO_DATES, Column, markers, text_markers
from arengo.contract.draft.words import concepts, exactly, plain, words
from arengo.contract.model import Kind

DIRT = 0.005
_DECLARED: tuple[tuple[str, Kind | None], ...] = (
    (r"bool|bit\(1\)|^bit$|^l$", Kind.BOOLEAN), (r"geometry|geography|^point|polygon|linestring|^wkb", Kind.GEOMETRY),
    (r"json|struct|list|map|array|object|\[\]", Kind.JSON), (r"timestamp|datetime|^timestamptz", Kind.TIMESTAMP),
    (r"^date|^d$", Kind.DATE), (r"^time", Kind.TIME),
    (r"interval|uuid|char|text|string|clob|^c$|^m$|enum|blob|binary|bytea|inet|xml|citext|utf8", Kind.STRING),
    (r"^u?(big|small|tiny|medium|huge)?int|serial|^integer|^long|int\d|^year|^oid|^i$", Kind.INTEGER),
    (r"dec|num|^n$|^f$", None), (r"double|float|real|money|^o$|^b$", Kind.NUMBER),
)  # fmt: skip
_DBASE = re.compile(r"^(?P<name>.+?),(?P<letter>[CNDLFMI])(?:,\d+){0,2}$")


def split_dbase(name: str) -> tuple[str, str]:
    """``NOM,C,254`` -> NOM, C: headers that an export from dBase wrote with their types."""
    found = _DBASE.match(name)
    return (found["name"], found["letter"]) if found else (name, "")


def declared_kind(declared: str) -> Kind | None:
    """Type a database, Parquet or dBase declares; None when it says number but not which, or nothing known."""
    low = declared.strip().casefold()
    for pattern, kind in _DECLARED:
        if re.search(pattern, low):
            if kind is None and (found := re.search(r"\(\s*\d+\s*(?:,\s*(-?\d+))?\s*\)", low)):
                return Kind.INTEGER if int(found[1] or 0) <= 0 else Kind.NUMBER
            return kind
    return None


def is_text_type(declared: str) -> bool:
    return bool(declared) and declared_kind(declared) is Kind.STRING


def decide(
    column: Column, habit: numbers.Habit, *, order: str, country: str, language: str, typed_table: bool, rows: float
) -> None:
    """Set kind, parse, markers and doubts of a column. ``typed_table``: other columns of the source declare numbers."""
    if not column.weights:
        column.kind = declared_kind(column.declared) or Kind.STRING if column.declared else Kind.STRING
        if column.kind in (Kind.GEOMETRY, Kind.JSON) and not column.declared:
            column.kind = Kind.STRING
        column.doubts.append("No value was seen.")
        return
    known = concepts(column.name)
    if column.declared and not _from_declaration(column, typed_table):
        return
    types = places.geometry_text(column)
    if types:
        column.kind = Kind.GEOMETRY
        column.options["types"] = types
        return
    if places.coordinate_pair(column):
        column.note = "latitude and longitude in one text"
        return
    if _boolean(column, dict(column.weights), language):
        return
    markers(column)
    values = column.told()
    if not values:  # nothing but markers
        _forget(column)
        column.doubts.append("Only marks for missing values were seen.")
        return
    if _boolean(column, values, language):
        return
    if _forced_text(column, known, values):
        _forget(column)
        return
    if _moment(column, values, known, order, country, language):
        return
    if _number(column, values, known, habit, typed_table, rows):
        return
    _forget(column)
    _mixture(column)


_FIGURE = re.compile(r"[-+]?\d{1,9}(?:[.,]\d{1,12})?")


def _mixture(column: Column) -> None:
    """Half numbers, half dates, and text for want of better: say so."""
    values = column.told()
    total = sum(values.values())
    moments = sum(weight for text, weight in values.items() if SPOILT.fullmatch(text))
    figures = sum(weight for text, weight in values.items() if _FIGURE.fullmatch(text))
    if total and not column.doubts and min(moments, figures) >= 0.02 * total and moments + figures >= 0.8 * total:
        shown = next(text for text in values if SPOILT.fullmatch(text))
        column.doubts.append(
            f"{moments / total:.0%} of the values are dates (such as {shown!r}) and {figures / total:.0%} numbers: a "
            "spreadsheet may have changed them. The column is kept as text."
        )


def _forget(column: Column) -> None:
    """It is text after all: keep only the markers that are beyond doubt in a text."""
    column.kind = Kind.STRING
    column.nulls.clear()
    column.suppressed.clear()
    column.damaged.clear()
    column.parse.pop("spoilt_dates", None)
    text_markers(column)


def _from_declaration(column: Column, typed_table: bool) -> bool:
    """Take the type the source declares; True when the values are still to be looked at."""
    kind = declared_kind(column.declared)
    if kind is None or kind is Kind.STRING:
        return True
    if len(column.declared) == 1:  # a dBase letter in a text header is a hint only
        return True
    column.kind = kind
    column.options["declared"] = True
    if kind in (Kind.DATE, Kind.TIMESTAMP, Kind.TIME):
        moment = dates.read(column.weights, named=True)
        if moment is not None and moment.formats and moment.share == 1.0:
            column.parse["formats"] = list(moment.formats)
    if kind in (Kind.INTEGER, Kind.NUMBER):
        reading = numbers.read(column.weights, numbers.Habit("."))
        if reading is not None:
            _take_numbers(column, reading)
            _years(column)
            if (
                reading.whole
                and "." not in "".join(list(column.weights)[:50])
                and kind is Kind.NUMBER
                and re.search(r"dec|num", column.declared, re.I)
            ):
                pass
            for text in (
                numbers.sentinels(column.weights, reading) if not concepts(column.name) & {"id", "code"} else ()
            ):
                column.nulls.append(text)
                column.doubts.append(f"{text} stands far outside; it was taken for a missing value.")
    return False


def _boolean(column: Column, values: dict[str, float], language: str) -> bool:
    if is_text_type(column.declared) and len(values) < 2:
        return False
    found = booleans.read(values, language, "flag" in concepts(column.name))
    if found is None:
        return False
    yes, no = found
    if set(yes) | set(no) == {"0", "1"} and column.rows < 20:
        return False
    column.kind = Kind.BOOLEAN
    column.parse["true"], column.parse["false"] = list(yes), list(no)
    return True


_HOUSE = frozenset(
    {"hausnr", "hausnummer", "hsnr", "huisnummer", "husnummer", "civico", "talonumero", "házszám", "hazszam"}
)
_HOUSES = frozenset(
    {
        "house_number",
        "house number",
        "numero_civico",
        "street number",
        "street_number",
        "house_no",
        "numero civico",
        "n_civico",
    }
)
_CODES = frozenset({"phone", "fax", "postcode", "iban", "national_id", "tax_id", "official_code"})


def _forced_text(column: Column, known: frozenset[str], values: dict[str, float]) -> bool:
    """Digits that are no numbers: telephones, postcodes, official codes."""
    special = {"version", *_HOUSE} & set(words(column.name)) or plain(column.name) in _HOUSES
    if (not known & _CODES and not special) or known & {
        "count",
        "latitude",
        "longitude",
        "flag",
    }:
        return False
    digits = sum(1 for text in values if sum(c.isdigit() for c in text) >= 3 and not re.search(r"\d[.,]\d{1,2}$", text))
    if digits < 0.6 * len(values):
        return False
    if "date" in known and not known & {"phone", "fax", "postcode"}:
        return False
    if known & {"phone", "fax", "iban", "national_id", "tax_id"}:
        return True
    if "version" in words(column.name) or not _HOUSE.isdisjoint(words(column.name)) or plain(column.name) in _HOUSES:
        return True
    lengths = {len(text) for text in values}
    return max(lengths) <= 20 and min(lengths) >= 3


def _moment(
    column: Column, values: dict[str, float], known: frozenset[str], order: str, country: str, language: str
) -> bool:
    if column.declared == "D":
        known = known | {"date"}
    zero = [text for text in values if text in ZERO_DATES and len(text) >= 6]
    for text in zero:
        if len(zero) < len(values):
            column.nulls.append(text)
    values = {text: weight for text, weight in values.items() if text not in zero} or values
    named = bool(known & {"date", "birth", "year", "hour"})
    reading = dates.read(values, order=order, country=country, language=language, named=named)
    if reading is None:
        if sum(1 for text in values if dates.PERIOD.fullmatch(text)) >= 0.9 * len(values) and not all(
            re.fullmatch(r"\d{4}", t) for t in values
        ):
            column.note = "period"
            column.options["period"] = True
            return _keep_period(column)
        return False
    if reading.unreadable:
        column.note = "dates written in words"
        column.doubts.append("These are dates written in words; they are kept as text.")
        _forget(column)
        return True
    if (
        reading.kind == "date"
        and not reading.formats
        and not named
        and all(re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", t) is None for t in values)
    ):
        pass
    if reading.share < 1 - DIRT:
        if reading.share >= 0.9:
            shown = ", ".join(repr(text) for text in reading.misfits[:3])
            column.doubts.append(f"Most values are dates, but not all ({shown}); it is kept as text.")
            _forget(column)
            return True
        return False
    if reading.doubt.startswith("Some dates are day first"):
        column.doubts.append(reading.doubt + " The column is kept as text.")
        _forget(column)
        return True
    column.kind = Kind(reading.kind)
    if reading.formats:
        column.parse["formats"] = list(reading.formats)
    if reading.doubt:
        column.doubts.append(reading.doubt)
    _misfits(column, reading.misfits, "a date" if reading.kind != "time" else "a time")
    column.options["zoned"] = reading.zoned
    if any(
        text.startswith(("1900-01-01", "01/01/1900", "1/1/1900", "9999-12-31", "31/12/9999", "1753-01-01"))
        for text in values
    ):
        column.doubts.append("Some dates look like marks for 'unknown' (1900, 9999).")
    return True


def _keep_period(column: Column) -> bool:
    column.kind = Kind.STRING
    column.nulls.clear()
    column.suppressed.clear()
    text_markers(column)
    return True


def _misfits(column: Column, misfits: tuple[str, ...], what: str) -> None:
    column.misfits = list(misfits)
    if misfits:
        shown = ", ".join(repr(text) for text in misfits[:3])
        count = sum(column.weights[text] for text in misfits)
        some = f"{max(1, round(count)):,} value" + ("s are" if count >= 1.5 else " is")
        column.doubts.append(f"{some} not {what} ({shown}); the rows will be in quarantine.")


def _number(
    column: Column,
    values: dict[str, float],
    known: frozenset[str],
    habit: numbers.Habit,
    typed_table: bool,
    rows: float,
) -> bool:
    if (
        is_text_type(column.declared)
        and len(column.declared) > 1
        and (typed_table or any(re.match(r"0\d", text) for text in values))
    ):
        return False
    if is_text_type(column.declared) and column.declared == "C" and known & {"id", "code"}:
        return False
    degrees = known & {"latitude", "longitude"}
    used = numbers.Habit(
        "."
        if degrees and any("." in t for t in values)
        else ","
        if degrees and any("," in t for t in values)
        else habit.decimal,
        habit.language,
        habit.country,
        bool(known & {"count"}) and not degrees,
    )
    reading = numbers.read(values, used)
    if reading is None:
        return False
    spoilt = _spoilt(reading)
    if spoilt and reading.share >= 0.7 and not known & {"id", "code", "date"}:
        column.damaged += spoilt
        column.parse["spoilt_dates"] = True
        weight = sum(values[text] for text in spoilt) / (sum(values.values()) or 1.0)
        column.doubts.append(
            f"{weight:.1%} of the values, such as {spoilt[0]!r}, look like numbers a spreadsheet turned into dates; "
            "they are taken as missing. Ask for the file before the spreadsheet."
        )
        values = column.told()
        again = numbers.read(values, used)
        if again is not None:
            reading = again
    if reading.share < 1 - DIRT:
        if reading.share >= 0.9:
            shown = ", ".join(repr(text) for text in sorted(reading.misfits, key=lambda t: -column.weights[t])[:3])
            column.doubts.append(f"Most values are numbers, but not all ({shown}); it is kept as text.")
        return False
    if reading.longest > 15 or (
        reading.whole and reading.longest > 12 and not known & {"count"} and not reading.thousands
    ):
        return False
    if reading.padded > (0.0 if known & {"code", "id"} or reading.padded > 0.002 else 1.0) and reading.whole:
        column.note = "code with leading zeros"
        return False
    if reading.strip and not reading.unit and any(c.isalpha() for c in "".join(reading.strip)):
        unit = reading.strip[0]
        column.doubts.append(f"{unit!r} was taken off the numbers.")
    _take_numbers(column, reading)
    _misfits(column, reading.misfits, "a number")
    if reading.misfits and column.rows < 200:
        return False
    if _is_measure(column, known):
        for text in numbers.sentinels(column.told(), reading):
            if text not in column.nulls:
                column.nulls.append(text)
                column.doubts.append(f"{text} stands far outside the other values; it was taken for a missing value.")
        if column.nulls:
            column.numbers = tuple(
                number for text in column.told() if (number := numbers.to_float(text, reading)) is not None
            )
    _years(column)
    return True


def _spoilt(reading: numbers.Reading) -> list[str]:
    """Misfits that are dates, among numbers: Excel reads 2.5 as the second of May."""
    found = [text for text in reading.misfits if SPOILT.fullmatch(text)]
    return found if found and len(found) >= 0.5 * len(reading.misfits) else []


def _take_numbers(column: Column, reading: numbers.Reading) -> None:
    known = concepts(column.name)
    whole = reading.whole or (
        reading.zero_fraction and bool(known & {"id", "code", "year", "order", "age", "month", "hour"})
    )
    if not column.options.get("declared"):
        column.kind = Kind.INTEGER if whole else Kind.NUMBER
    if reading.decimal != ".":
        column.parse["decimal"] = reading.decimal
    if reading.thousands:
        column.parse["thousands"] = reading.thousands
    if reading.strip:
        column.parse["strip"] = list(reading.strip)
    column.unit = column.unit or reading.unit
    if reading.ambiguous:
        column.doubts.append(reading.ambiguous)
    found = []
    for text in column.told():
        number = numbers.to_float(text, reading)
        if number is not None and text not in reading.misfits:
            found.append(number)
    column.numbers = tuple(found)


def _is_measure(column: Column, known: frozenset[str]) -> bool:
    if known & {"id", "code", "official_code", "order"} or exactly(column.name, "id"):
        return False
    return not any(word.startswith(("id", "cod", "num", "nro")) for word in words(column.name)[:1])


def _years(column: Column) -> None:
    if column.kind is Kind.INTEGER and column.numbers and "year" in concepts(column.name):
        column.options["year"] = all(1500 <= number <= 2150 for number in column.numbers)
