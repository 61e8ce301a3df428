"""Numbers of persons that carry a check, of Europe and Latin America, and the test whether a column holds them.

A validator alone proves nothing: one random nine-digit number in eleven is a Dutch citizen number. So the share of
valid *distinct* values is set against the share that would be valid by chance (privacy.md, section 2.3).
"""

from __future__ import annotations

import math
import random
import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module

PERSON, FIRM, BOTH = "person", "firm", "both"
ENOUGH = 0.8
"""Share of valid distinct values below which a column is no column of these numbers."""
RATIO = 20.0
"""How many times the base rate the share must be."""
SURE = math.log(1e9)
"""Or: the log likelihood ratio of 'all of them are such numbers' over 'digits by chance' that proves the same."""
MOST = 1_000


@dataclass(frozen=True, slots=True)
class Check:
    """``id``: module of python-stdnum. ``countries``: ISO 3166. ``shapes``: the texts it may have once blanks, points,
    dashes and slashes are out: 9 a digit, A a letter. ``rate``: share of random texts of those shapes that pass
    (:func:`measure`, 40,000 draws each; the table of decision 0201). ``whose``: a person's, a firm's, or one number for
    both. ``heads``: first characters that are a person's where the number is given to firms too. ``inside``: how it
    is written within a text; ``telling``: that form is so particular that one valid number is evidence.
    """

    id: str
    countries: tuple[str, ...]
    shapes: tuple[str, ...]
    rate: float
    whose: str = PERSON
    heads: tuple[str, ...] = ()
    inside: str = ""
    telling: bool = False
    kind: str = "national-id"

    @property
    def label(self) -> str:
        country, _, name = self.id.partition(".")
        return f"{country.strip('_').upper()} {name.upper()}" if name else country.upper()

    def valid(self, value: str) -> bool:
        return (not self.heads or value.startswith(self.heads)) and _validator(self.id)(value)


@cache
def _validator(name: str) -> Callable[[str], bool]:
    check: Callable[[str], bool] = import_module(f"stdnum.{name}").is_valid

    def valid(value: str) -> bool:
        try:
            return check(value)
        except Exception:  # a few modules of the library fall over texts they have no table for
            return False

    return valid


def _digits(*lengths: int) -> tuple[str, ...]:
    return tuple("9" * length for length in lengths)


CHECKS: tuple[Check, ...] = (
    # Europe
    Check("es.dni", ("ES",), ("99999999A",), 0.038, inside=r"\b\d{8}[- ]?[A-HJ-NP-TV-Z]\b"),
    Check("es.nie", ("ES",), ("A9999999A",), 0.0051, inside=r"\b[XYZ][- ]?\d{7}[- ]?[A-Z]\b", telling=True),
    Check("it.codicefiscale", ("IT",), ("AAAAAA99A99A999A",), 0.0143,
          inside=r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b", telling=True),
    Check("fr.nir", ("FR",), ("9" * 15, "999999A99999999"), 0.0044,
          inside=r"\b[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}\b", telling=True),
    Check("pt.nif", ("PT",), _digits(9), 0.0277, heads=("1", "2", "3"), inside=r"\b[123]\d{2} ?\d{3} ?\d{3}\b"),
    Check("pt.cc", ("PT",), ("999999999AA9",), 0.101, inside=r"\b\d{8} ?\d ?[A-Z]{2}\d\b", telling=True),
    Check("nl.bsn", ("NL",), _digits(9), 0.0939, inside=r"\b\d{9}\b"),
    Check("be.nn", ("BE", "LU"), _digits(11), 0.0013, inside=r"\b\d{2}\.?\d{2}\.?\d{2}[- ]?\d{3}\.?\d{2}\b"),
    Check("ch.ssn", ("CH",), _digits(13), 0.0001, inside=r"\b756\.\d{4}\.\d{4}\.\d{2}\b", telling=True),
    Check("de.idnr", ("DE",), _digits(11), 0.0031, inside=r"\b\d{2} ?\d{3} ?\d{3} ?\d{3}\b"),
    Check("at.vnr", ("AT",), _digits(10), 0.081, inside=r"\b\d{4} ?\d{6}\b"),
    Check("pl.pesel", ("PL",), _digits(11), 0.0176, inside=r"\b\d{11}\b"),
    Check("se.personnummer", ("SE",), _digits(10, 12), 0.0039, inside=r"\b(?:\d{2})?\d{6}[-+]\d{4}\b"),
    Check("no.fodselsnummer", ("NO",), _digits(11), 0.0009, inside=r"\b\d{6} ?\d{5}\b"),
    Check("dk.cpr", ("DK",), _digits(10), 0.0314, inside=r"\b\d{6}-\d{4}\b"),
    Check("fi.hetu", ("FI",), ("9999999999", "999999999A", "999999A9999", "999999A999A"), 0.0002,
          inside=r"\b\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b", telling=True),
    Check("is_.kennitala", ("IS",), _digits(10), 0.0008, heads=("0", "1", "2", "3"), inside=r"\b\d{6}-?\d{4}\b"),
    Check("ee.ik", ("EE",), _digits(11), 0.0032, inside=r"\b[1-6]\d{10}\b"),
    Check("lt.asmens", ("LT",), _digits(11), 0.0121, inside=r"\b[1-6]\d{10}\b"),
    Check("ro.cnp", ("RO",), _digits(13), 0.0017, inside=r"\b[1-9]\d{12}\b"),
    Check("bg.egn", ("BG",), _digits(10), 0.0114, inside=r"\b\d{10}\b"),
    Check("hr.oib", ("HR",), _digits(11), 0.1013, BOTH, inside=r"\b\d{11}\b"),
    Check("si.emso", ("SI", "RS", "BA", "MK", "ME"), _digits(13), 0.0031, inside=r"\b[0-3]\d{12}\b"),
    Check("cz.rc", ("CZ", "SK"), _digits(10), 0.02, inside=r"\b\d{6}/\d{4}\b"),
    Check("gr.amka", ("GR",), _digits(11), 0.0038, inside=r"\b[0-3]\d{10}\b"),
    Check("tr.tckimlik", ("TR",), _digits(11), 0.0093, inside=r"\b[1-9]\d{10}\b"),
    Check("ua.rntrc", ("UA",), _digits(10), 0.1037, inside=r"\b\d{10}\b"),
    Check("gb.nhs", ("GB",), _digits(10), 0.0887, inside=r"\b\d{3} \d{3} \d{4}\b"),
    Check("ie.pps", ("IE",), ("9999999A", "9999999AA"), 0.0236, inside=r"\b\d{7}[A-W][AHW]?\b"),
    # Latin America
    Check("br.cpf", ("BR",), _digits(11), 0.0093, inside=r"\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b"),
    Check("ar.cuit", ("AR",), _digits(11), 0.0044, heads=("20", "23", "24", "27"),
          inside=r"\b2[0347]-?\d{8}-?\d\b"),
    Check("cl.rut", ("CL",), ("99999999A", "999999999", "99999999", "9999999A"), 0.0482,
          inside=r"\b\d{1,2}\.?\d{3}\.?\d{3}-[\dkK]\b"),
    Check("mx.curp", ("MX",), ("AAAA999999AAAAAA99", "AAAA999999AAAAAAA9"), 0.00001,
          inside=r"\b[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d\b", telling=True),
    Check("mx.rfc", ("MX",), ("AAAA999999AAA", "AAAA999999A99", "AAAA999999999", "AAAA9999999A9", "AAAA99999999A",
                              "AAAA999999AA9", "AAAA999999A9A"), 0.0356, inside=r"\b[A-ZÑ&]{4}\d{6}[A-Z0-9]{3}\b"),
    Check("ec.ci", ("EC",), _digits(10), 0.0176, inside=r"\b\d{10}\b"),
    Check("do.cedula", ("DO",), _digits(11), 0.0977, inside=r"\b\d{3}-\d{7}-\d\b"),
    Check("pe.cui", ("PE",), ("999999999", "99999999A"), 0.0693, inside=r"\b\d{8}-[0-9A-K]\b"),
    Check("cu.ni", ("CU",), _digits(11), 0.0365, inside=r"\b\d{11}\b"),
    Check("sv.nit", ("SV",), _digits(14), 0.0305, BOTH, inside=r"\b\d{4}-\d{6}-\d{3}-\d\b"),
    Check("ve.rif", ("VE",), ("A999999999",), 0.0073, heads=("V", "E", "v", "e"), inside=r"\b[VE]-?\d{8}-?\d\b"),
    Check("co.nit", ("CO",), _digits(10), 0.1005, BOTH),
    Check("py.ruc", ("PY",), _digits(8), 0.1049, BOTH),
    Check("gt.nit", ("GT",), _digits(8), 0.0924, BOTH),
    # Accounts and cards
    Check("iban", (), (), 0.01, kind="iban", inside=r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
          telling=True),
    Check("luhn", (), _digits(16, 15), 0.1, kind="card"),
    # What looks alike and is no person's
    Check("it.iva", ("IT",), _digits(11), 0.01, FIRM),
    Check("fr.siren", ("FR",), _digits(9), 0.1, FIRM),
    Check("fr.siret", ("FR",), _digits(14), 0.01, FIRM),
    Check("es.cif", ("ES",), ("A99999999", "A9999999A"), 0.0452, FIRM),
    Check("br.cnpj", ("BR",), _digits(14), 0.01, FIRM),
    Check("pl.nip", ("PL",), _digits(10), 0.09, FIRM),
    Check("pt.nif", ("PT",), _digits(9), 0.0277, FIRM, heads=("5", "6", "9")),
    Check("ar.cuit", ("AR",), _digits(11), 0.0036, FIRM, heads=("30", "33", "34")),
    Check("uy.rut", ("UY",), _digits(12), 0.0001, FIRM),
    Check("tr.vkn", ("TR",), _digits(10), 0.1, FIRM),
    Check("ean", (), _digits(13, 12, 8), 0.1, FIRM),
)  # fmt: skip
"""The registry. Another country is a line here."""

_OUT = re.compile(r"[\s.\-/]")
_DIGIT, _LETTER = re.compile(r"[0-9]"), re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Hit:
    """``share`` of ``tried`` distinct values is valid; ``chance``: of digits drawn by chance."""

    check: Check
    share: float
    tried: int
    chance: float
    ratio: float

    @property
    def proven(self) -> bool:
        """The test: enough are valid, and far more than by chance (``ratio`` is a log likelihood ratio)."""
        return self.share >= ENOUGH and (self.share >= RATIO * self.chance or self.ratio >= SURE)


def shape(value: str) -> str:
    """The value without marks, digits as 9 and letters as A."""
    return _LETTER.sub("A", _DIGIT.sub("9", _OUT.sub("", value)))


def explain(values: Sequence[str], country: str = "", integer: bool = False, only: str = "") -> Hit | None:
    """The best explanation of distinct ``values`` by a check, a firm's number among them; None when none fits.

    ``integer``: the values were read as numbers, so leading zeros are gone. ``only``: look at one check.
    """
    values = values[:MOST]
    if integer:
        length = max(map(len, values), default=0)
        values = [value.zfill(length) for value in values]
    shapes = Counter(map(shape, values))
    total = len(values) or 1
    hits = []
    for check in CHECKS:
        if not check.shapes or (only and check.id != only):
            continue
        if sum(shapes.get(form, 0) for form in check.shapes) < ENOUGH * total:
            continue
        hit = _one(check, values)
        if hit is not None:
            hits.append(hit)
    home = [hit for hit in hits if country.upper() in hit.check.countries]
    return min(home or hits, key=lambda hit: (not hit.proven, hit.chance, hit.check.whose != FIRM), default=None)


def _one(check: Check, values: Sequence[str]) -> Hit | None:
    first = values[:50]
    if sum(map(check.valid, first)) < 0.5 * len(first):
        return None
    share = sum(map(check.valid, values)) / len(values)
    if share < ENOUGH:
        return None
    chance = max(check.rate, _shuffled(check, values))
    return Hit(check, share, len(values), chance, likelihood(round(share * len(values)), len(values), chance))


def likelihood(valid: int, tried: int, chance: float) -> float:
    """Log likelihood ratio of ``valid`` of ``tried``: such numbers with 2 % typing errors, against chance."""
    chance = min(max(chance, 1e-6), 1 - 1e-9)
    typed = 0.98
    return valid * math.log(typed / chance) + (tried - valid) * math.log((1 - typed) / (1 - chance))


def by_luck(valid: int, tried: int, chance: float) -> float:
    """Probability of at least ``valid`` of ``tried`` when each is valid by chance (binomial, upper tail)."""
    return min(
        1.0, sum(math.comb(tried, n) * chance**n * (1 - chance) ** (tried - n) for n in range(valid, tried + 1))
    ) if tried <= 200 else math.exp(-2 * tried * max(0.0, valid / tried - chance) ** 2)  # fmt: skip


def _shuffled(check: Check, values: Sequence[str]) -> float:
    """Share that is valid when each place is dealt anew among the values: dates, prefixes and blocks stay what they
    are, only what a check digit ties together is torn."""
    forms = Counter(map(len, values))
    length, often = forms.most_common(1)[0]
    if often < 8:
        return 0.0
    choice = random.Random(1)  # noqa: S311 - a repeatable experiment, not a secret
    held = [value for value in values if len(value) == length][:400]
    places = [[value[at] for value in held] for at in range(length)]
    for place in places:
        choice.shuffle(place)
    made = {"".join(letters) for letters in zip(*places, strict=True)} - set(held)
    return sum(map(check.valid, made)) / len(made) if len(made) >= 8 else 0.0


def measure(check: Check, draws: int = 40_000, seed: int = 1) -> float:
    """The base rate: share of ``draws`` random texts of the check's shapes (each shape as often) that pass."""
    choice = random.Random(seed)  # noqa: S311 - a repeatable experiment, not a secret
    letters: Mapping[str, str] = {"9": string.digits, "A": string.ascii_uppercase}
    made = (
        "".join(choice.choice(letters.get(mark, mark)) for mark in check.shapes[n % len(check.shapes)])
        for n in range(draws)
    )
    return sum(map(check.valid, made)) / draws
