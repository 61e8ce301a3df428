"""What an unkeyed hash may stand for: domains small enough to try every value, or a part of them, in seconds.

A domain is SQL that makes its n-th value. Of one that is too large a part is tried, spread evenly over it: with a
thousand different hashes a hundredth of the domain still gives ten hits, and one hit proves that the key is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

CONSTANTS = (
    "", "0", "00", "000", "0000", "00000", "000000", "00000000", "1", "-1", "-", "--", ".", "..", "null", "NULL",
    "Null", "nil", "none", "None", "NONE", "nan", "NaN", "NAN", "N/A", "n/a", "NA", "na", "unknown", "Unknown",
    "UNKNOWN", "anonymous", "test", "x", "X", "true", "false", " ",
)  # fmt: skip
"""Texts that programs hash when there is no value: one hash of them all over the column."""


@dataclass(frozen=True, slots=True)
class Domain:
    """``sql``: text of value number ``i`` (BIGINT), 0 <= i < size. ``countries``: () is all.
    ``after``: what is made of the text ``t`` then, in order: its check digits."""

    name: str
    size: int
    sql: str
    countries: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def values(self, most: int) -> tuple[str, int]:
        """SQL of a relation with one column ``v`` of at most ``most`` values, and how many these are."""
        n = min(self.size, most)
        number = "j" if n == self.size else f"((j::HUGEINT * {_stride(self.size)}) % {self.size})::BIGINT"
        made = f"(SELECT {self.sql} AS t FROM (SELECT {number} AS i FROM range({n}) AS r(j)))"
        for step in self.after:
            made = f"(SELECT {step} AS t FROM {made})"
        return f"(SELECT t AS v FROM {made})", n


def _stride(size: int) -> int:
    """A step that visits the whole domain, far apart (the golden ratio, made coprime)."""
    import math

    step = int(size * 0.6180339887) | 1
    while math.gcd(step, size) != 1:
        step += 2
    return step


def _letter(place: str, alphabet: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ") -> str:
    return f"substr('{alphabet}', CAST(1 + ({place}) % {len(alphabet)} AS BIGINT), 1)"


def _weighted(digits: str, weights: tuple[int, ...]) -> str:
    return "(" + " + ".join(
        f"{weight} * CAST(substr({digits}, {at}, 1) AS BIGINT)" for at, weight in enumerate(weights, 1)
    ) + ")"  # fmt: skip


_DAYS = 36_525  # a hundred years of birthdays
_BORN = f"(DATE '1925-01-01' + CAST(i % {_DAYS} AS INTEGER))"
_SERIAL = f"(i // {_DAYS})"
_NIF = "printf('%08d', 10000000 + i)"
_PESEL = (
    f"strftime({_BORN}, '%y') || printf('%02d', month({_BORN}) + CASE WHEN year({_BORN}) >= 2000 THEN 20 ELSE 0 END) "
    f"|| strftime({_BORN}, '%d') || printf('%04d', {_SERIAL})"
)


_RODNE = (
    f"strftime({_BORN}, '%y') || printf('%02d', month({_BORN}) + 50 * ({_SERIAL} % 2)) || strftime({_BORN}, '%d') || "
    f"printf('%03d', {_SERIAL} // 2)"
)


def _luhn(digits: str, number: int) -> str:
    """Sum of the digits of Luhn's check, whose digit is yet to come."""
    parts = []
    for at in range(1, number + 1):
        one = f"CAST(substr({digits}, {at}, 1) AS BIGINT)"
        twice = (number - at) % 2 == 0
        parts.append(f"(2 * {one} - CASE WHEN {one} > 4 THEN 9 ELSE 0 END)" if twice else one)
    return "(" + " + ".join(parts) + ")"


def _eleven(*weights: int) -> str:
    """The text with its check digit of modulus 11, ten and eleven being nought."""
    rest = f"(11 - {_weighted('t', weights)} % 11)"
    return f"t || CAST(CASE WHEN {rest} > 9 THEN 0 ELSE {rest} END AS VARCHAR)"


def _number(digits: int) -> Domain:
    return Domain(f"numbers of {digits} digits", 10**digits, f"printf('%0{digits}d', i)")


_SMALL = (
    Domain("taxi medallions (9X99)", 26_000,
           f"CAST(i // 2600 AS VARCHAR) || {_letter('i // 100')} || printf('%02d', i % 100)"),
    _number(4),
    _number(5),
    Domain("taxi medallions (XX999)", 676_000, f"{_letter('i // 26000')} || {_letter('i // 1000')} || "
           "printf('%03d', i % 1000)"),
    Domain("dates of birth", 4 * _DAYS, f"CASE i // {_DAYS} WHEN 0 THEN strftime({_BORN}, '%Y-%m-%d') WHEN 1 THEN "
           f"strftime({_BORN}, '%d/%m/%Y') WHEN 2 THEN strftime({_BORN}, '%Y%m%d') ELSE strftime({_BORN}, '%d%m%Y') "
           "END"),
    _number(6),
    Domain("numbers without leading zeros", 10_000_000, "CAST(i AS VARCHAR)"),
    _number(7),
    Domain("plates and medallions (XXX999)", 17_576_000, f"{_letter('i // 676000')} || {_letter('i // 26000')} || "
           f"{_letter('i // 1000')} || printf('%03d', i % 1000)"),
)  # fmt: skip
_NATIONAL = (
    Domain("ES DNI", 100_000_000, f"printf('%08d', i) || {_letter('i', 'TRWAGMYFPDXBNJZSQVHLCKE')}", ("ES",)),
    Domain("PT NIF", 29_000_000, _NIF, ("PT",), (_eleven(9, 8, 7, 6, 5, 4, 3, 2),)),
    Domain("NL BSN", 90_000_000, _NIF, ("NL",),
           (f"t || CAST({_weighted('t', (9, 8, 7, 6, 5, 4, 3, 2))} % 11 AS VARCHAR)",)),
    Domain("PL PESEL", _DAYS * 10_000, _PESEL, ("PL",),
           (f"t || CAST((10 - {_weighted('t', (1, 3, 7, 9, 1, 3, 7, 9, 1, 3))} % 10) % 10 AS VARCHAR)",)),
    Domain("DK CPR", _DAYS * 10_000, f"strftime({_BORN}, '%d%m%y') || printf('%04d', {_SERIAL})", ("DK",)),
    Domain("FI HETU", _DAYS * 898, f"strftime({_BORN}, '%d%m%y') || CASE WHEN year({_BORN}) >= 2000 THEN 'A' ELSE '-' "
           f"END || printf('%03d', 2 + {_SERIAL})", ("FI",),
           ("t || substr('0123456789ABCDEFHJKLMNPRSTUVWXY', "
            "1 + CAST(CAST(left(t, 6) || substr(t, 8) AS BIGINT) % 31 AS INTEGER), 1)",)),
    Domain("rodné číslo", 2 * _DAYS * 1000, _RODNE, ("CZ", "SK"),
           ("t || CAST((CAST(t AS BIGINT) % 11) % 10 AS VARCHAR)",)),
    Domain("rodné číslo with a stroke", 2 * _DAYS * 1000, _RODNE, ("CZ", "SK"),
           ("left(t, 6) || '/' || substr(t, 7) || CAST((CAST(t AS BIGINT) % 11) % 10 AS VARCHAR)",)),
    Domain("HU TAJ", 100_000_000, "printf('%08d', i)", ("HU",),
           (f"t || CAST({_weighted('t', (3, 7, 3, 7, 3, 7, 3, 7))} % 10 AS VARCHAR)",)),
    Domain("BE national number", _DAYS * 998, f"strftime({_BORN}, '%y%m%d') || printf('%03d', 1 + {_SERIAL}) || "
           f"CASE WHEN year({_BORN}) >= 2000 THEN '+' ELSE '-' END", ("BE",),
           ("left(t, 9) || printf('%02d', 97 - CAST(CASE WHEN right(t, 1) = '+' THEN '2' ELSE '' END || left(t, 9) "
            "AS BIGINT) % 97)",)),
    Domain("TR kimlik", 900_000_000, "CAST(100000000 + i AS VARCHAR)", ("TR",),
           (f"t || CAST(({_weighted('t', (7, -1, 7, -1, 7, -1, 7, -1, 7))} % 10 + 10) % 10 AS VARCHAR)",
            f"t || CAST({_weighted('t', (1,) * 10)} % 10 AS VARCHAR)")),
    Domain("SE personnummer", _DAYS * 1000, f"strftime({_BORN}, '%y%m%d') || '-' || printf('%03d', {_SERIAL})", ("SE",),
           (f"t || CAST((10 - {_luhn('left(t, 6) || right(t, 3)', 9)} % 10) % 10 AS VARCHAR)",)),
    Domain("BR CPF", 10**9, "printf('%09d', i)", ("BR",),
           (_eleven(10, 9, 8, 7, 6, 5, 4, 3, 2), _eleven(11, 10, 9, 8, 7, 6, 5, 4, 3, 2))),
    Domain("national numbers of 8 digits", 10**8, "printf('%08d', i)", ("AR", "PE", "UY", "CO", "BO")),
)  # fmt: skip
_MOBILES: Mapping[str, tuple[str, ...]] = {
    "ES": ("6########", "+346########"), "IT": ("3#########", "+393#########"),
    "FR": ("06########", "07########", "+336########"), "PT": ("9########", "+3519########"),
    "NL": ("06########", "+316########"), "DE": ("015#########", "+4915#########"), "PL": ("5########", "+485########"),
    "GB": ("07#########", "+447#########"), "BE": ("04########", "+324########"), "SE": ("07########", "+467########"),
    "DK": ("########", "+45########"), "GR": ("69########", "+3069########"), "BR": ("119########", "+55119########"),
    "AR": ("11########", "+54911########"), "MX": ("55########", "+5255########"), "CL": ("9########", "+569########"),
    "CO": ("3#########", "+573#########"), "PE": ("9########", "+519########"),
    "HU": ("0630#######", "+3630#######", "+3620#######", "+3670#######"), "CZ": ("7########", "+4207########"),
    "SK": ("09########", "+4219########"), "FI": ("040#######", "+35840#######", "+35850#######"),
    "TR": ("05########", "+905#########", "5#########"), "RO": ("07########", "+407########"),
    "AT": ("0664#######", "+43664#######"), "NO": ("4#######", "9#######", "+474#######"),
    "IE": ("08########", "+3538########"), "HR": ("09########", "+3859########"),
}  # fmt: skip


_PLATES: Mapping[str, tuple[str, ...]] = {
    "ES": ("9999BBB", "9999 BBB"), "IT": ("AA999AA", "AA 999 AA"), "FR": ("AA-999-AA", "AA999AA"),
    "PT": ("AA-99-AA", "99-AA-99", "99-99-AA"), "DE": ("A-AA 9999", "A-AA 999", "AA-AA 999", "A-AA9999"),
    "PL": ("AA 99999", "AA99999", "AAA 9999"), "NL": ("AA-999-A", "99-AAA-9"), "GB": ("AA99 AAA", "AA99AAA"),
    "BE": ("1-AAA-999",), "AT": ("A-99999A", "A 99999 A"), "BR": ("AAA-9999", "AAA9A99", "AAA9999"),
    "AR": ("AA999AA", "AAA999"), "CL": ("BBBB99", "BBBB-99"), "CO": ("AAA999", "AAA 999"), "MX": ("AAA-999-A",),
    "UY": ("AAA 9999", "AAA9999"), "PE": ("AAA-999",), "GR": ("AAA-9999", "AAA9999"), "RO": ("A-999-AAA", "A999AAA"),
    "CZ": ("9A9 9999", "9A99999", "9AA 9999"), "SK": ("AA-999AA", "AA999AA"),
    "HU": ("AAA-999", "AAA999", "AAAA-999"), "FI": ("AAA-999",), "SE": ("AAA 999", "AAA999"),
    "TR": ("99 AA 999", "99AA999", "99 A 9999", "99 AAA 99"), "DK": ("AA 99 999", "AA99999"),
    "NO": ("AA 99999", "AA99999"), "HR": ("AA-9999-AA", "AA 999-AA"), "SI": ("AA A9-99A",), "IE": ("999-A-9999",),
}  # fmt: skip
"""How number plates are written: A a letter, B a consonant, 9 a digit."""
_CONSONANTS = "BCDFGHJKLMNPRSTVWXYZ"


def _plate(country: str, form: str) -> Domain:
    """All plates of one form; its places are the digits of a number of mixed base."""
    size, parts = 1, []
    for mark in reversed(form):
        base = {"A": 26, "B": len(_CONSONANTS), "9": 10}.get(mark, 0)
        if not base:
            parts.append(f"'{mark}'")
            continue
        place = f"i // {size}"
        digit = f"CAST(({place}) % 10 AS VARCHAR)"
        parts.append(digit if mark == "9" else _letter(place, _CONSONANTS) if mark == "B" else _letter(place))
        size *= base
    return Domain(f"plates of {country}", size, " || ".join(reversed(parts)), (country,))


def _phone(country: str, form: str) -> Domain:
    head, digits = form.rstrip("#"), form.count("#")
    return Domain(f"telephones of {country}", 10**digits, f"'{head}' || printf('%0{digits}d', i)", (country,))


def domains(country: str, plates: bool = False, late: bool = False) -> Iterator[Domain]:
    """Those to try, the smallest first; of ``country`` (ISO 3166) its own numbers and telephones, without one
    everybody's. ``plates``: those of number plates come first; ``late``: they come last, else they are not tried."""
    here = country.upper()
    if plates:
        yield from (_plate(here, form) for form in _PLATES.get(here, ()))
    yield from _SMALL
    for item in _NATIONAL:
        if not here or here in item.countries:
            yield item
    for name, forms in _MOBILES.items():
        if here == name:
            yield from (_phone(name, form) for form in forms)
    if late and not plates:
        yield from (_plate(here, form) for form in _PLATES.get(here, ()))
    yield Domain(
        "network addresses", 2**32, "concat_ws('.', i // 16777216, (i // 65536) % 256, (i // 256) % 256, i % 256)"
    )
