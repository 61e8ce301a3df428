"""How many columns a table has and what each is called, from its header and its body."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from arengo.sources.cell_kind import UNIT, filled_cells
from arengo.sources.header import is_counting


def width_of(head: Sequence[Sequence[str]], data: Sequence[Sequence[str]], modal: int) -> tuple[int, bool]:
    names = max((max((i + 1 for i, cell in enumerate(row) if cell.strip()), default=0) for row in head), default=0)
    widths = Counter(len(row) for row in data if filled_cells(row))
    if not widths:
        return max(names, modal), False
    modal = widths.most_common(1)[0][0]
    if not head:
        return max(w for w, n in widths.items() if n >= 0.1 * widths.total()), False
    if names > modal or len(widths) > 1:
        full = max(names, 1)
        short = sum(n for w, n in widths.items() if w < full)
        trimmed = [row for row in data if len(row) == full]
        if short >= 2 and widths.get(full, 0) >= 1 and not any(not row[-1].strip() for row in trimmed):
            ends_empty = sum(1 for row in data if len(row) < full and row and not row[-1].strip())
            if short >= 0.02 * widths.total() and not ends_empty and len([w for w in widths if w < full]) >= 2:
                return full, True
    if names == modal - 1 and head and len(head[-1]) == modal - 1:
        return modal, False
    return max(modal, 1), False


def names_of(
    head: Sequence[Sequence[str]], width: int, data: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """One name and one caption a column, unique, never empty."""
    if not head:
        return tuple(f"column_{n + 1}" for n in range(width)), ("",) * width
    rows = [[_squeeze(cell) for cell in row] for row in head]
    if len(rows[-1]) == width - 1 and rows[-1] and all(rows[-1]) and data:
        rows = [["", *row] for row in rows]  # R writes no name above its row names
    rows = [row + [""] * (width - len(row)) for row in rows]
    captions = [""] * width
    rows = [row for row in rows if not is_counting(row)] or rows
    if len(rows) > 1:
        under = [cell for cell in rows[-1] if cell]
        if under and sum(1 for cell in under if UNIT.fullmatch(cell)) >= 0.6 * len(under):
            captions = [cell.strip("()[] ") for cell in rows[-1][:width]]
            rows = rows[:-1]
    if len(rows) > 1 and all(all(row[:width]) for row in rows) and len(set(rows[0][:width])) == width:
        captions = [rows[1][i] for i in range(width)]
        rows = rows[:1]
    for number, row in enumerate(rows[:-1]):
        held = ""
        for column in range(width):
            below = any(lower[column] for lower in rows[number + 1 :])
            if row[column]:
                held = row[column]
            elif held and below:
                row[column] = held
            elif not below:
                held = ""
    out: list[str] = []
    taken: set[str] = set()
    for column in range(width):
        parts = list(dict.fromkeys(row[column] for row in rows if row[column]))
        name = " ".join(parts) or f"column_{column + 1}"
        unique, n = name, 2
        while unique.casefold() in taken:
            unique, n = f"{name}_{n}", n + 1
        taken.add(unique.casefold())
        out.append(unique)
    return tuple(out), tuple(captions)


def _squeeze(cell: str) -> str:
    return re.sub(r"\s+", " ", cell.replace("\ufeff", "")).strip()
