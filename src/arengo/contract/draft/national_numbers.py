# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Personal numbers of states. A validator alone proves nothing: the share that is valid must be far above chance."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from importlib import import_module

from arengo.contract.draft.column import Column
from arengo.contract.draft.setting import mark, share_of, some_values
from arengo.contract.draft.words import concepts, words
from arengo.contract.model import Kind

_MODULES: dict[str, tuple[str, ...]] = {
    "es": ("es.dni", "es.nie"), "ca": ("es.dni", "es.nie"), "gl": ("es.dni", "es.nie"), "eu": ("es.dni", "es.nie"), "it": ("it.codicefiscale",),
    "pt": ("pt.nif", "pt.cc", "br.cpf"), "nl": ("nl.bsn", "be.nn"), "pl": ("pl.pesel",), "fr": ("fr.nir", "be.nn", "ch.ssn"),
    "de": ("de.idnr", "ch.ssn"), "sv": ("se.personnummer",), "no": ("no.fodselsnummer",), "da": ("dk.cpr",), "fi": ("fi.hetu",),
    "et": ("ee.ik",), "lv": ("lv.pk",), "lt": ("lt.asmens",), "ro": ("ro.cnp",), "bg": ("bg.egn",), "hr": ("hr.oib",), "sl": ("si.emso",),
    "cs": ("cz.rc",), "sk": ("sk.rc",), "el": ("gr.amka",), "tr": ("tr.tckimlik",), "ko": ("kr.rrn",), "zh": ("cn.ric",), "he": ("il.idnr",),
    "ru": (), "uk": ("ua.rntrc",), "en": ("us.ssn", "za.idnr", "in_.aadhaar", "gb.nhs", "my.nric", "ie.pps", "ca.sin", "au.tfn", "in_.pan", "pk.cnic"), "id": ("id.nik", "my.nric"), "hu": (), "is": ("is_.kennitala",), "sr": ("si.emso",), "bs": ("si.emso",), "mk": ("si.emso",),
    "hi": ("in_.aadhaar", "in_.pan"), "th": ("th.pin",), "ur": ("pk.cnic",), "lb": ("be.nn",), "ga": ("ie.pps",),
}  # fmt: skip
_LATIN_AMERICA = ("cl.rut", "ar.cuit", "mx.curp", "ec.ci", "do.cedula", "co.nit", "uy.rut", "pe.cui", "cr.cpf")
_COMPANY = ("es.cif", "it.iva", "fr.siret", "fr.siren", "br.cnpj")


def look(column: Column, language: str, country: str) -> None:
    known = concepts(column.name)
    values = [re.sub(r"[\s.\-/]", "", v) for v in some_values(column, 200)]
    if len(values) < 3 or column.kind not in (Kind.STRING, Kind.INTEGER):
        return
    shaped = [v for v in values if re.fullmatch(r"[A-Za-z0-9]{7,18}", v) and sum(c.isdigit() for c in v) >= 4]
    if "tax_id" in known and "national_id" not in known:
        _tax(column, values, known)
        return
    titled = "national_id" in known and not known & {"postcode", "date", "year"}
    if len(shaped) < 0.8 * len(values):
        return
    digits_only = all(v.isdigit() for v in shaped)
    modules = _MODULES.get(language, ())
    if language == "es" or country.upper() in ("CL", "AR", "MX", "EC", "DO", "CO", "UY", "PE", "CR"):
        modules += _LATIN_AMERICA if titled or not digits_only else ()
    if titled:
        every = (*(name for listed in _MODULES.values() for name in listed), *_LATIN_AMERICA)
        modules += tuple(name for name in dict.fromkeys(every) if name not in modules)
    if not modules or (not titled and len({len(v) for v in shaped}) > 2):
        return
    for name in modules:
        valid = _validator(name)
        share = share_of(shaped, valid)
        if share < 0.8:
            continue
        chance = _by_chance(shaped, valid)
        if share >= 20 * max(chance, 0.002) or (titled and share >= 3 * chance):
            if not titled and (
                len(shaped) < 8
                or chance > 0.045
                or known & {"code", "official_code", "postcode", "phone", "count", "y", "x"}
            ):
                continue
            mark(
                column,
                "national-id",
                "identifier",
                f"{share:.0%} are valid {name.replace('.', ' ').upper()} numbers; by chance {chance:.1%} would be",
            )
            return
    if titled and not any(share_of(shaped, _validator(name)) >= 0.8 for name in _COMPANY):
        long_enough = share_of(shaped, lambda v: len(v) >= 7)
        if (
            long_enough >= 0.8
            and len(set(shaped)) >= 0.5 * len(values)
            and {"cf", "rc", "run", "rut"}.isdisjoint(words(column.name))
        ):
            mark(column, "national-id", "identifier", "the name of the column speaks of a personal number")


_TAX = ("gr.vat", "tr.vkn", "pt.nif", "pl.nip", "de.stnr", "hr.oib", "id.npwp", "ua.rntrc", "ru.inn")


def _tax(column: Column, values: Sequence[str], known: frozenset[str]) -> None:
    """Tax numbers are those of persons and of firms: the header must speak of a person."""
    if share_of(values, lambda v: sum(c.isdigit() for c in v) >= 7) < 0.8:
        return
    valid = next((name for name in _TAX if share_of(values, _validator(name)) >= 0.8), "")
    if "person" in known and not known & {"organisation", "facility"}:
        shown = f"; they are valid {valid.replace('.', ' ').upper()} numbers" if valid else ""
        mark(column, "national-id", "identifier", f"tax numbers of the persons its name speaks of{shown}")
    else:
        column.doubts.append("Tax numbers of persons are personal data; look whether all of these are those of firms.")


def _validator(name: str) -> Callable[[str], bool]:
    try:
        module = import_module(f"stdnum.{name}")
    except ImportError:
        return lambda value: False
    check: Callable[[str], bool] = module.is_valid
    if name == "es.dni":
        return lambda value: len(value) == 9 and check(value)
    return check


def _by_chance(values: Sequence[str], valid: Callable[[str], bool]) -> float:
    """Share of random texts of the same shape that pass."""
    choice = random.Random(1)  # noqa: S311 - a repeatable experiment, not a secret
    made = []
    for n in range(400):
        shape = values[n % len(values)]
        made.append(
            "".join(
                choice.choice("0123456789") if c.isdigit() else choice.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
                for c in shape
            )
        )
    return share_of(made, valid)
