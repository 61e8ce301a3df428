"""Census sheets as offices write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from arengo.services.census.grid import Grid

APPLICATIONS = [
    ["Application", "Department", "Vendor", "Kind", "Personal data", "Criticality", "Contract ends"],
    ["Registry", "Civil Registry", "Demografica", "application", "yes", "high", "2027-12-31"],
    ["School desk", "Education", "", "application", "yes", "medium", ""],
    ["Waste fees", "Taxes", "Tributi srl", "application", "yes", "high", "31/12/2028"],
    ["Maps", "Planning", "", "service", "no", "low", ""],
]
EXCHANGES = [
    ["From", "To", "What", "How", "How often", "Dataset", "Personal data"],
    ["Registry", "School desk", "Births of the year", "by hand", "yearly", "", "yes"],
    ["Registry", "Waste fees", "Residents", "by file", "monthly", "residents", "yes"],
    ["Registry", "Maps", "Residents by district", "by file", "monthly", "residents", "no"],
    ["Maps", "Waste fees", "Streets", "by API", "daily", "streets", "no"],
]


def book(path: Path, **sheets: Sequence[Sequence[Any]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    made.save(path)
    return path


def usual(path: Path) -> Path:
    return book(path, Applications=APPLICATIONS, Exchanges=EXCHANGES)


def grids(file: str, **sheets: Sequence[Sequence[str]]) -> list[Grid]:
    """The same as cells, as the reading process hands them on."""
    return [
        Grid(file, name, tuple((at, tuple(row)) for at, row in enumerate(rows, 1) if any(row)))
        for name, rows in sheets.items()
    ]
