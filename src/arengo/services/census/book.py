"""The census written as a sheet again: XLSX with both tables, CSV with one, and the empty one to fill in.

Texts are never formulas: a workbook holds them as texts, and in CSV an apostrophe stands before what a spreadsheet
would run (OWASP, CSV Injection). Reading takes the apostrophe away, so that what is exported can be imported again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from arengo.services.census import words
from arengo.services.census.record import PRIVATE, Application, Exchange, Register, written

RISKY = ("=", "+", "-", "@", "\t", "\r")
MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDTHS = {"name": 30, "organisation": 26, "source": 30, "target": 30, "what": 36, "note": 40, "dataset": 24}
_VALUES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "kind": words.KINDS,
    "criticality": words.CRITICALITY,
    "way": words.WAYS,
}
_YES_NO: Mapping[str, tuple[str, ...]] = {"yes": words.YES_NO[True], "no": words.YES_NO[False]}


def table(register: Register, kind: str, language: str, *, whole: bool) -> Iterator[list[str]]:
    """Header and lines of one table. ``whole``: with what only those who keep the census see."""
    columns = {name: header for name, header in words.headers(kind, language).items() if whole or name not in PRIVATE}
    yield list(columns.values())
    names = {key: item.name for key, item in register.applications.items()}
    twice = _repeated(names)
    items: list[Application] | list[Exchange]
    if kind == "applications":
        items = sorted(register.applications.values(), key=lambda one: (one.organisation, one.name, one.id))
    else:
        items = sorted(register.exchanges.values(), key=lambda one: (one.source, one.target, one.what))
    for item in items:
        yield [_cell(item, name, names, twice, language) for name in columns]


def _repeated(names: Mapping[str, str]) -> frozenset[str]:
    met: dict[str, str] = {}
    twice = set()
    for key, name in names.items():
        other = met.setdefault(words.folded(name), key)
        if other != key:
            twice |= {key, other}
    return frozenset(twice)


def _cell(item: Any, name: str, names: Mapping[str, str], twice: frozenset[str], language: str) -> str:
    if name in ("source", "target"):
        key = getattr(item, name)
        return key if key in twice else names.get(key, key)
    value = written(getattr(item, name))
    if name == "personal":
        return words.said(_YES_NO, value, language)
    return words.said(_VALUES[name], value, language) if name in _VALUES else value


def as_csv(register: Register, kind: str, language: str = "en", *, whole: bool = True) -> str:
    """One table; ``kind``: applications or exchanges."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in table(register, kind, language, whole=whole):
        writer.writerow([f"'{text}" if text[:1] in RISKY else text for text in row])
    return out.getvalue()


def as_book(register: Register, language: str = "en", *, whole: bool = True) -> bytes:
    """Both tables and the page that says how to fill them in."""
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    place = words.LANGUAGES.index(language) if language in words.LANGUAGES else 0
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    for kind in ("applications", "exchanges"):
        sheet = book.add_worksheet(words.SHEETS[kind][place])
        sheet.freeze_panes(1, 1)
        headers = words.headers(kind, language)
        fields = [name for name in headers if whole or name not in PRIVATE]
        for column, name in enumerate(fields):
            sheet.set_column(column, column, _WIDTHS.get(name, 18))
            choices = _choices(name, language)
            if choices:
                rule = {"validate": "list", "source": choices, "error_type": "warning", "ignore_blank": True}
                sheet.data_validation(1, column, 5000, column, rule)
        for row, cells in enumerate(table(register, kind, language, whole=whole)):
            for column, text in enumerate(cells):
                if text:
                    sheet.write_string(row, column, text, bold if row == 0 else None)
    notes = book.add_worksheet(words.SHEETS["help"][place])
    notes.set_column(0, 0, 26)
    notes.set_column(1, 1, 26)
    notes.set_column(2, 2, 90)
    for row, words_of in enumerate(_help(language)):
        for column, text in enumerate(words_of):
            notes.write_string(row, column, text, bold if column < 2 and words_of[0] else wrapped)
    book.set_properties({"created": datetime(2000, 1, 1)})  # the same census, the same bytes
    book.close()
    return out.getvalue()


def _choices(name: str, language: str) -> list[str]:
    if name == "personal":
        return [words.said(_YES_NO, value, language) for value in ("yes", "no")]
    return [words.said(_VALUES[name], value, language) for value in _VALUES[name]] if name in _VALUES else []


def _help(language: str) -> Iterator[tuple[str, str, str]]:
    place = words.LANGUAGES.index(language) if language in words.LANGUAGES else 0
    for kind in ("applications", "exchanges"):
        title = words.SHEETS[kind][place]
        for name, header in words.headers(kind, language).items():
            yield title, header, words.HELP[kind, name][place]
            title = ""
