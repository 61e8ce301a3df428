"""SQL that reads one source column as the contract declares it.

Every column compiles to three expressions over one batch: ``raw`` (the cleaned source value, NULL where the source
says *unknown* or *withheld*), ``typed`` (the declared type, NULL where ``raw`` does not fit it) and ``shown`` (what a
clerk sees in the quarantine). A row is bad where ``raw`` is there and ``typed`` is not. Values are bound, never
written into the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from arengo.contract import digits
from arengo.contract.damage import SPOILT_SQL
from arengo.contract.model import Kind, Property

if TYPE_CHECKING:
    import pyarrow as pa

TRUE = ("true", "t", "yes", "y", "1", "1.0", "on")
FALSE = ("false", "f", "no", "n", "0", "0.0", "off")
NOT_A_NUMBER = ("nan", "NaN", "NAN")
SPACES = r"[\s\x{00A0}\x{202F}]"
HAS_ZONE = r"\d{1,2}:\d{2}.*([Zz]|[+-]\d{2}(:?\d{2})?|[A-Za-z]{2,}.*)$"
WORDS = {
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.BOOLEAN: "yes or no",
    Kind.DATE: "a date",
    Kind.TIME: "a time of day",
    Kind.TIMESTAMP: "a date with a time",
    Kind.GEOMETRY: "a place (a geometry)",
    Kind.JSON: "JSON text",
    Kind.STRING: "text",
}
_JDK = (
    *(
        ("yyyy", "%Y"),
        ("yy", "%y"),
        ("MMMM", "%B"),
        ("MMM", "%b"),
        ("MM", "%m"),
        ("M", "%m"),
        ("dd", "%d"),
        ("d", "%d"),
    ),
    *(
        ("HH", "%H"),
        ("H", "%H"),
        ("mm", "%M"),
        ("ss", "%S"),
        ("SSSSSS", "%f"),
        ("SSS", "%g"),
        ("XXX", "%z"),
        ("Z", "%z"),
    ),
)


class Values:
    """The bound values of one statement: :meth:`bind` returns the placeholder to write."""

    def __init__(self) -> None:
        self.list: list[Any] = []

    def bind(self, value: Any) -> str:
        self.list.append(value)
        return f"${len(self.list)}"

    def several(self, values: Sequence[Any]) -> str:
        return ", ".join(self.bind(value) for value in values)


@dataclass(frozen=True, slots=True)
class Reading:
    """How one source column becomes one column of the contract. ``wanted`` finishes the sentence *is not ...*."""

    raw: str
    typed: str
    shown: str
    wanted: str


def quote(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind))


def read_text(prop: Property, source: str, raw: str, values: Values, zone: str, session_zone: str) -> Reading:
    """A column of trimmed texts. ``source``: the SQL of the source column, ``raw``: that of its cleaned value."""
    parse = prop.parse
    clean = f"nullif({source}, '')"
    nulls = [*parse.nulls, *parse.suppressed]
    if prop.kind in (Kind.INTEGER, Kind.NUMBER):
        nulls += NOT_A_NUMBER
    if nulls:
        marks = ["", *dict.fromkeys(mark.strip() for mark in nulls)]
        clean = f"CASE WHEN {source} NOT IN ({values.several(marks)}) THEN {source} END"
    if parse.spoilt_dates and prop.kind in (Kind.INTEGER, Kind.NUMBER):
        clean = f"CASE WHEN NOT regexp_full_match({source}, {values.bind(SPOILT_SQL)}) THEN {clean} END"
    text = raw
    if parse.strip:
        words = "|".join(_literal(word.strip()) for word in sorted(parse.strip, key=len, reverse=True) if word.strip())
        if words:
            ends = f"^({SPACES}*({words}))+{SPACES}*|{SPACES}*(({words}){SPACES}*)+$"
            text = f"regexp_replace({raw}, {values.bind(ends)}, '', 'g')"
    typed, wanted = _typed_text(prop, text, values, zone, session_zone)
    return Reading(clean, typed, source, wanted)


def _typed_text(prop: Property, text: str, values: Values, zone: str, session_zone: str) -> tuple[str, str]:
    word = WORDS[prop.kind]
    match prop.kind:
        case Kind.STRING:
            return text, word
        case Kind.INTEGER | Kind.NUMBER:
            typed = _number(prop, text, values)
            western = _western(prop)
            other = _number(western, _digits(western, text, values), values)
            return _first(typed, text, other, values), _number_words(prop)
        case Kind.BOOLEAN:
            true, false = prop.parse.true or TRUE, prop.parse.false or FALSE
            lower = f"lower({text})"
            typed = (
                f"CASE WHEN {lower} IN ({values.several([item.lower() for item in true])}) THEN true "
                f"WHEN {lower} IN ({values.several([item.lower() for item in false])}) THEN false END"
            )
            return typed, f"{true[0]} or {false[0]}"
        case Kind.DATE | Kind.TIMESTAMP | Kind.TIME:
            typed = _moment(prop, text, values, zone, session_zone)
            other = _moment(prop, _digits(None, text, values), values, zone, session_zone)
            return _first(typed, text, other, values), _moment_words(prop)
        case Kind.JSON:
            return f"CASE WHEN json_valid({text}) THEN {text} END", word
        case Kind.GEOMETRY:
            from arengo.quality.place import from_text

            return from_text(text), "a geometry written as WKT, GeoJSON or hexadecimal WKB"
    raise AssertionError(prop.kind)


def _first(typed: str, text: str, other: str, values: Values) -> str:
    """``typed``, or ``other`` for the few values it does not fit that hold digits of another script."""
    held = f"regexp_matches({text}, {values.bind(f'[{digits.OTHER}{digits.DECIMAL}{digits.THOUSANDS}]')})"
    return f"coalesce({typed}, CASE WHEN {held} THEN {other} END)"


def _digits(prop: Property | None, text: str, values: Values) -> str:
    """The text with digits 0 to 9, and with the marks of ``prop`` where it is a number."""
    # Replacing the usual digits one by one is faster than one translation of all scripts.
    rare = digits.OTHER[20:] + digits.INVISIBLE
    held = values.bind(f"[{rare}]")
    table = values.several((rare, digits.PLAIN[20:]))
    out = f"CASE WHEN regexp_matches({text}, {held}) THEN translate({text}, {table}) ELSE {text} END"
    pairs = list(zip(digits.OTHER[:20], digits.PLAIN, strict=False))
    if prop is not None:
        pairs += [(digits.DECIMAL, prop.parse.decimal), (digits.THOUSANDS, prop.parse.thousands or ",")]
    for mark, plain in pairs:
        out = f"replace({out}, {values.several((mark, plain))})"
    return f"trim({out})"


def _western(prop: Property) -> Property:
    """The property with the marks its numbers have after :func:`_digits`."""
    decimal = "." if prop.parse.decimal in ("", digits.DECIMAL) else prop.parse.decimal
    thousands = "," if prop.parse.thousands == digits.THOUSANDS else prop.parse.thousands
    return replace(prop, parse=replace(prop.parse, decimal=decimal, thousands=thousands))


def _number(prop: Property, text: str, values: Values) -> str:
    parse = prop.parse
    decimal, thousands = parse.decimal or ".", parse.thousands
    number = text
    guard = ""
    if thousands:
        group = r"[ \x{00A0}\x{202F}\x{2009}]" if thousands.strip(" \u00a0\u202f\u2009") == "" else _literal(thousands)
        if thousands in ("'", "’"):
            group = "['’]"
        pattern = rf"[+\-−]?(\d{{1,3}}({group}\d{{2,3}})*{group}\d{{3}}|\d*)({_literal(decimal)}\d*)?([eE][+-]?\d+)?"
        guard = f"regexp_full_match({text}, {values.bind(pattern)})"
        number = f"regexp_replace({number}, {values.bind(group)}, '', 'g')"
    if decimal != ".":
        if not thousands:
            guard = f"NOT contains({text}, '.')"
        number = f"replace({number}, {values.bind(decimal)}, '.')"
    plain = f"CASE WHEN {guard} THEN {number} END" if guard else number
    # An underscore is a digit separator to the engine, not to a clerk; a typographic minus is tried second.
    double = f"coalesce(try_cast({plain} AS DOUBLE), try_cast(replace({plain}, '−', '-') AS DOUBLE))"
    double = f"CASE WHEN NOT contains({text}, '_') THEN {double} END"
    if parse.scale != 1.0:
        double = f"({double}) * {values.bind(float(parse.scale))}::DOUBLE"
    if prop.kind is Kind.NUMBER:
        return f"CASE WHEN isfinite({double}) THEN {double} END"
    if parse.scale != 1.0:
        return f"CASE WHEN abs(({double}) - round({double})) < 1e-6 THEN try_cast(round({double}) AS BIGINT) END"
    exact = f"try_cast({plain} AS BIGINT)"
    return f"CASE WHEN {double} = trunc({double}) THEN coalesce({exact}, try_cast({double} AS BIGINT)) END"


def _number_words(prop: Property) -> str:
    words = WORDS[prop.kind]
    if prop.parse.decimal == "," and prop.kind is Kind.NUMBER:
        words += " with a decimal comma"
    if prop.parse.thousands:
        words += f" with {prop.parse.thousands!r} between thousands"
    return words


def formats(prop: Property) -> tuple[str, ...]:
    """strptime patterns of a column: ``arengoParse`` formats, else ODCS ``logicalTypeOptions.format`` (JDK letters)."""
    if prop.parse.formats:
        return prop.parse.formats
    pattern = prop.options.get("format")
    if not isinstance(pattern, str) or prop.kind not in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP):
        return ()
    out, rest = "", pattern
    while rest:
        if rest[0] == "'":
            word, _, rest = rest[1:].partition("'")
            out += word or "'"
            continue
        for jdk, posix in _JDK:
            if rest.startswith(jdk):
                out, rest = out + posix, rest[len(jdk) :]
                break
        else:
            if rest[0].isalpha() and rest[0] != "T":
                return ()  # a letter we do not know: read it the default way
            out, rest = out + rest[0], rest[1:]
    return (out,)


def _moment(prop: Property, text: str, values: Values, zone: str, session_zone: str) -> str:
    declared = formats(prop)
    # A year of four digits also reads one of two: the short form is tried first.
    declared = tuple(sorted(declared, key=lambda item: "%y" not in item))
    naive = tuple(item for item in declared if "%z" not in item and "%Z" not in item)
    zoned = tuple(item for item in declared if item not in naive)
    strict = bool(prop.parse.formats)
    if prop.kind is Kind.TIME:
        tries = [f"try_strptime({text}, {values.bind([*naive])})::TIME"] if naive else []
        return f"coalesce({', '.join([*tries, f'try_cast({text} AS TIME)'])})"
    if prop.kind is Kind.DATE:
        tries = [f"try_strptime({text}, {values.bind([*declared])})::DATE"] if declared else []
        if not strict:
            tries.append(f"try_cast({text} AS DATE)")
            basic = f"regexp_full_match({text}, '[12]\\d{{7}}')"  # ISO 8601 basic format, as GTFS writes it
            tries.append(f"CASE WHEN {basic} THEN try_strptime({text}, '%Y%m%d')::DATE END")
        return _within(f"coalesce({', '.join(tries)})", "DATE", "1000")
    tries = []
    if naive:
        tries.append(utc(f"try_strptime({text}, {values.bind([*naive])})", zone, values))
    if zoned:
        tries.append(f"make_timestamp(epoch_us(try_strptime({text}, {values.bind([*zoned])})::TIMESTAMPTZ))")
    if not strict:
        aware = _aware(text)  # texts without an offset: the session's zone
        if zone == session_zone:
            tries.append(aware)
        else:
            local = utc(f"try_cast({text} AS TIMESTAMP)", zone, values)
            tries.append(f"CASE WHEN regexp_matches({text}, {values.bind(HAS_ZONE)}) THEN {aware} ELSE {local} END")
    return _within(f"coalesce({', '.join(tries)})" if len(tries) > 1 else tries[0], "TIMESTAMP", "1000")


def _aware(text: str) -> str:
    """A time with an offset; the second try is for minutes only, a blank before the offset, and small letters."""
    short = f"regexp_replace(upper({text}), '([T ]\\d{{2}}:\\d{{2}}) ?(Z|[+-]\\d{{2}}(:?\\d{{2}})?)$', '\\1:00\\2')"
    tight = f"regexp_replace({short}, ' (Z|[+-]\\d{{2}}(:?\\d{{2}})?)$', '\\1')"
    ends = "'[Zz]$|[+-]\\d{2}(:?\\d{2})?$'"
    zoned = f"CASE WHEN regexp_matches({text}, {ends}) THEN try_cast({tight} AS TIMESTAMPTZ) END"
    return f"make_timestamp(epoch_us(coalesce(try_cast({text} AS TIMESTAMPTZ), {zoned})))"


def _within(moment: str, kind: str, first: str = "0001") -> str:
    """Years that RFC 3339 and the readers of our exports can say; not infinity.

    Texts start at year 1000: a shorter year is a century that was left out.
    """
    last = "9999-12-31" if kind == "DATE" else "9999-12-31 23:59:59.999999"
    return f"CASE WHEN {moment} BETWEEN {kind} '{first}-01-01' AND {kind} '{last}' THEN {moment} END"


def _moment_words(prop: Property) -> str:
    declared = formats(prop)
    if not declared:
        return f"{WORDS[prop.kind]} (such as {_EXAMPLES[prop.kind]})"
    from datetime import UTC, datetime

    example = datetime(2024, 12, 31, 14, 5, 9, tzinfo=UTC)
    shown = []
    for item in declared[:3]:
        try:
            shown.append(example.strftime(item.replace("%g", "000").replace("%-", "%")))
        except ValueError:
            shown.append(item)
    return f"{WORDS[prop.kind]} (such as {' or '.join(shown)})"


_EXAMPLES = {Kind.DATE: "2024-12-31", Kind.TIME: "14:05:09", Kind.TIMESTAMP: "2024-12-31T14:05:09Z"}


def utc(local: str, zone: str, values: Values) -> str:
    """A naive local time as the UTC time it stands for."""
    if is_utc(zone):
        return local
    return f"make_timestamp(epoch_us(timezone({values.bind(zone)}, {local})))"


def is_utc(zone: str) -> bool:
    return zone in ("UTC", "Etc/UTC", "GMT", "Etc/GMT", "Z", "")


def read_typed(prop: Property, source: str, raw: str, kind: pa.DataType, values: Values, zone: str) -> Reading:
    """A column that the source itself typed (a database, Parquet, a spreadsheet's numbers)."""
    import pyarrow as pa

    types = pa.types
    floating, whole = types.is_floating(kind), types.is_integer(kind)
    clean = f"CASE WHEN NOT isnan({source}) THEN {source} END" if floating else source
    shown = f"CAST({source} AS VARCHAR)"
    nested = types.is_nested(kind)
    scale = f" * {values.bind(float(prop.parse.scale))}::DOUBLE" if prop.parse.scale != 1.0 else ""
    wanted = WORDS[prop.kind]
    typed = f"try_cast({raw} AS {prop.kind.duckdb})"
    if prop.parse.nulls or prop.parse.suppressed:
        marks = [mark.strip() for mark in (*prop.parse.nulls, *prop.parse.suppressed)]
        clean = f"CASE WHEN CAST({source} AS VARCHAR) NOT IN ({values.several(marks)}) THEN {clean} END"
    match prop.kind:
        case Kind.STRING | Kind.JSON:
            if nested or prop.kind is Kind.JSON:
                typed = f"CAST(to_json({raw}) AS VARCHAR)"
            elif types.is_binary(kind) or types.is_large_binary(kind):
                typed = f"try(decode({raw}))"
            elif floating:
                whole_text = f"CAST(CAST({raw} AS BIGINT) AS VARCHAR)"  # a code that a spreadsheet made a number
                typed = (
                    f"CASE WHEN {raw} = trunc({raw}) AND abs({raw}) < 1e15 THEN {whole_text} "
                    f"ELSE CAST({raw} AS VARCHAR) END"
                )
            elif types.is_timestamp(kind):
                typed = f"strftime({raw}, '%Y-%m-%dT%H:%M:%S')"
            else:
                typed = f"CAST({raw} AS VARCHAR)"
        case Kind.INTEGER:
            if scale:
                near = f"round({raw}{scale})"
                typed = f"CASE WHEN abs({raw}{scale} - {near}) < 1e-6 THEN try_cast({near} AS BIGINT) END"
            elif floating or types.is_decimal(kind):
                typed = f"CASE WHEN {raw} = trunc({raw}) THEN try_cast({raw} AS BIGINT) END"
        case Kind.NUMBER:
            number = f"(try_cast({raw} AS DOUBLE){scale})"
            typed = f"CASE WHEN isfinite({number}) THEN {number} END" if floating or scale else number
        case Kind.BOOLEAN:
            if whole or floating:
                typed = f"CASE {raw} WHEN 1 THEN true WHEN 0 THEN false END"
        case Kind.DATE:
            if types.is_timestamp(kind) and kind.tz and not is_utc(zone):
                typed = f"try_cast(timezone({values.bind(zone)}, timezone('UTC', {raw})) AS DATE)"
            typed = _within(typed, "DATE")
        case Kind.TIMESTAMP:
            aware = types.is_timestamp(kind) and kind.tz
            typed = typed if aware else utc(typed, zone, values)
            typed = _within(typed, "TIMESTAMP")
        case Kind.GEOMETRY:
            from arengo.quality.place import from_wkb

            typed = from_wkb(raw)
        case _:
            pass
    return Reading(clean, typed, shown, wanted)


def _literal(text: str) -> str:
    """A text as a regular expression of the engine (RE2) that matches exactly it."""
    return re.sub(r"([\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e])", r"\\\1", text)
