"""Numbers of supply points of electricity and gas: whoever knows a home's number knows whose consumption a row is.

Spain writes the CUPS with two check letters (Royal Decree 1074/2015; python-stdnum ``es.cups``), Italy the POD as
IT001E and eight digits (ARERA, *codice POD*). France's PDL or PRM is fourteen digits without a check, so that only the
name of the column tells it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module

from arengo.contract.draft.column import Column
from arengo.contract.draft.setting import Setting, mark, share_of, some_values
from arengo.contract.draft.words import words
from arengo.contract.model import Kind

_POD = re.compile(r"IT\d{3}E[A-Z0-9]{8}[A-Z0-9]?", re.IGNORECASE)
_FRENCH = frozenset({"pdl", "prm"})
_PUBLIC = frozenset(
    {"municipal", "municipales", "municipals", "municipali", "municipaux", "comunale", "comunali", "communal",
     "communaux", "stadtisch", "gemeentelijk", "publico", "publicos", "publica", "publicas", "public", "equipamiento",
     "equipamientos", "equipament", "equipaments", "alumbrado", "enllumenat", "illuminazione", "eclairage", "lighting",
     "semaforo", "semaforos"}
)  # fmt: skip
"""Words of tables of the city's own buildings and lamps, whose consumption is nobody's."""
_LEAST = 3
"""Different values, from which a column is one of such numbers."""
_MOST = 0.8
"""Share of them that must be."""


def look(columns: Sequence[Column], texts: Sequence[str], setting: Setting, homes: bool) -> None:
    """Mark a column of supply points as where somebody lives (``options["supply"]``), or, in a table of offices that
    speaks of no household (``homes``), let a person look."""
    said = {word for text in (*texts, *(column.name for column in columns)) for word in words(text)}
    for column in columns:
        if column.personal or column.kind not in (Kind.STRING, Kind.INTEGER) or column.distinct < _LEAST:
            continue
        found = _of(column)
        if not found:
            continue
        if not homes and (setting.offices or said & _PUBLIC):
            column.doubts.append(f"{found}; look whether any of them is a home.")
            continue
        mark(column, "location", "quasi", f"{found}, each a home or a business")
        column.options["supply"] = True


def _of(column: Column) -> str:
    values = [re.sub(r"[\s.\-]", "", value).upper() for value in some_values(column, 200)]
    if not values:
        return ""
    cups = import_module("stdnum.es.cups").is_valid
    for name, test in (("valid CUPS", cups), ("POD", _POD.fullmatch)):
        share = share_of(values, test)
        if share >= _MOST:
            return f"{share:.0%} are {name} numbers of supply points of electricity or gas"
    if _FRENCH & set(words(column.name)) and share_of(values, lambda value: re.fullmatch(r"\d{14}", value)) >= _MOST:
        return "by its name and its 14 digits these are numbers of supply points of electricity"
    return ""
