"""Where the header of a table ends: the first record that reads like the records below it is the first of the body."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from arengo.sources.cell_kind import LABEL_NUMBER, LINK, UNIT, YEAR, filled_cells, kind_of


def number_columns(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Columns whose cells in the later part of the sample are numbers, dates or missing."""
    lower = [row for row in rows[min(len(rows) // 3, 12) :] if len(row) >= 2 or width == 1] or rows
    out = []
    for column in range(width):
        kinds = Counter(kind_of(row[column]) for row in lower if column < len(row))
        told = kinds["n"] + kinds["t"]
        if kinds["n"] and kinds["n"] >= 0.7 * told:
            out.append(column)
    return out


def first_body_row(rows: Sequence[Sequence[str]], width: int) -> int:
    numbers = number_columns(rows, width)
    if not numbers:
        return first_text_row(rows, width)
    for index, row in enumerate(rows[:60]):
        kinds = [kind_of(row[column]) if column < len(row) else "e" for column in numbers]
        told = kinds.count("n") + kinds.count("t")
        if not kinds.count("n") or kinds.count("n") < 0.5 * told or (filled_cells(row) < 2 and width > 1):
            continue
        if len(row) < 0.5 * width:
            continue
        if index + 1 < len(rows) and (
            _year_header(rows, index, numbers) or is_counting(row) or _lower_header(rows, index, width)
        ):
            continue
        return index
    return first_text_row(rows, width)


def _year_header(rows: Sequence[Sequence[str]], index: int, numbers: Sequence[int]) -> bool:
    """Years, months or ranks as column names over numbers that are none: ``Barrio;2019;2020;2021``."""
    row = rows[index]
    cells = [row[column].strip() for column in numbers if column < len(row) and row[column].strip()]
    if len(cells) < 2 or len(set(cells)) != len(cells):
        return False
    others = [cell for column, cell in enumerate(row) if column not in numbers]
    if any(kind_of(cell) == "n" for cell in others):
        return False
    years = [cell for cell in cells if re.fullmatch(r"(?:1[89]|20)\d\d(?:[-/.](?:0?[1-9]|1[0-2]|\d\d))?", cell)]
    steps = [cell for cell in cells if re.fullmatch(r"\d{1,2}", cell)]
    below = [
        rows[i][column].strip()
        for i in range(index + 1, min(len(rows), index + 30))
        for column in numbers
        if column < len(rows[i]) and rows[i][column].strip()
    ]
    if not below:
        return False
    if len(years) >= max(2, len(cells) - 1):
        alike = sum(1 for cell in below if re.fullmatch(r"(?:1[89]|20)\d\d", cell))
        return alike < 0.3 * len(below) or (
            any(others) and all(int(b[:4]) > int(a[:4]) for a, b in pairwise(years)) and alike < 0.9 * len(below)
        )
    ordered = [int(cell) for cell in steps]
    return (
        len(steps) == len(cells) >= 4
        and ordered == list(range(ordered[0], ordered[0] + len(ordered)))
        and any(cell.strip() for cell in others)
        and index == 0
        and sum(1 for a, b in zip(cells, rows[index + 1][numbers[0] :], strict=False) if a == b) < len(cells)
    )


def _spans(upper: Sequence[str], lower: Sequence[str]) -> list[tuple[int, int]]:
    """Columns [start, end) under a label that is merged sideways: blanks or the same label follow a filled cell."""
    out, start = [], 0
    while start < len(upper):
        end = start + 1
        if upper[start].strip():
            while end < len(upper) and upper[end].strip() in ("", upper[start].strip()):
                if not (end < len(lower) and lower[end].strip()):
                    break
                end += 1
            if end > start + 1 and start < len(lower) and lower[start].strip():
                out.append((start, end))
        start = end
    return out


def _lower_header(rows: Sequence[Sequence[str]], index: int, width: int) -> bool:
    """Years or numbers as second header row below merged labels: ``;;Men;;Women;`` over
    ``Code;Name;2024;2025;2024;2025``."""
    if index == 0:
        return False
    row = [cell.strip() for cell in rows[index]]
    upper = [cell.strip() for cell in rows[index - 1]] + [""] * (len(row) - len(rows[index - 1]))
    if any(kind_of(cell) == "n" for cell in upper) or len(row) < 0.6 * width:
        return False
    spans = _spans(upper, row)
    if not spans:
        return False
    under = {column for start, end in spans for column in range(start, end)}
    numbered = [column for column in under if kind_of(row[column]) == "n"]
    if not numbered or not all(LABEL_NUMBER.fullmatch(row[column]) for column in numbered):
        return False
    labels = [tuple(row[start:end]) for start, end in spans]
    if any(len(set(group)) != len(group) for group in labels):
        return False
    beside = [column for column in range(len(row)) if column not in under and row[column]]
    if any(kind_of(row[column]) == "n" and row[column] != upper[column] for column in beside):
        return False
    below = rows[index + 1 : index + 30]
    if any(
        row[column] != upper[column] and any(column < len(r) and r[column].strip() == row[column] for r in below)
        for column in beside
    ):
        return False  # a word that comes again is data
    years = all(re.match(YEAR, row[column]) for column in numbered)
    if not years and len(set(labels)) > 1:
        return False  # small numbers are labels where each group repeats them
    if not years and (len(labels) == 1 and len(labels[0]) < 3):
        return False
    pattern = YEAR + ".*" if years else r"\d{1,2}"
    met = [r[column].strip() for r in below for column in numbered if column < len(r) and r[column].strip()]
    alike = (
        sum(1 for cell in met if re.fullmatch(pattern, cell))
        if years
        else sum(1 for r in below for column in numbered if column < len(r) and r[column].strip() == row[column])
    )
    return bool(met) and alike < 0.4 * len(met)


def is_counting(row: Sequence[str]) -> bool:
    """A row of column numbers below the header: 1;2;3;4."""
    return len(row) >= 4 and [cell.strip() for cell in row] == [str(n) for n in range(1, len(row) + 1)]


def first_text_row(rows: Sequence[Sequence[str]], width: int) -> int:
    """A table of words only: the first full record is its header unless its words come again below."""
    for index, row in enumerate(rows[:60]):
        if filled_cells(row) >= max(1, 0.6 * width):
            return index + int(looks_like_header(rows, index, width))
    return 0


def looks_like_header(rows: Sequence[Sequence[str]], index: int, width: int) -> bool:
    row = [cell.strip() for cell in rows[index]]
    if not any(row) or any(kind_of(cell) == "n" and not re.fullmatch(r"(?:1[89]|20)\d\d", cell) for cell in row):
        return False
    if any(LINK.fullmatch(cell) for cell in row):
        return False
    named = [cell for cell in row if cell]
    if len(set(named)) < 0.7 * len(named):
        return False
    again = 0
    for column, cell in enumerate(row):
        if cell and any(
            column < len(other) and other[column].strip() == cell for other in rows[index + 1 : index + 300]
        ):
            again += 1
    return again < max(1, 0.3 * len(named))


def header_top(rows: Sequence[Sequence[str]], body: int, width: int) -> int:
    """First header row above the body: names, group names over them, units under them; at most four."""
    top = body
    while top > 0 and body - top < 4:
        row = rows[top - 1]
        filled = filled_cells(row)
        if top == body:
            enough = filled >= 1 if width <= 2 else filled >= 2
        else:
            # A group row: at least two labels with gaps, or full; a title is one cell
            enough = filled >= 2 and len(row) >= 0.6 * width and _groups(rows[top - 1], rows[top])
        if not enough:
            break
        if top < body and any(
            kind_of(cell) == "n" and not re.fullmatch(r"(?:1[89]|20)\d\d\D?", cell.strip()) for cell in row
        ):
            break
        top -= 1
    return top


def after_names(rows: Sequence[Sequence[str]], top: int, body: int, width: int) -> int:
    """The first body row, when a complete row of names stands above records that leave their numbers empty: what has
    nothing under the names of numbers is no second header row, but data."""
    numbers = number_columns(rows, width)
    for index in range(top, min(body - 1, top + 4)):
        row, below = [cell.strip() for cell in rows[index]], rows[index + 1]
        named = [cell for cell in row if cell]
        complete = len(row) == width and all(row[1:]) and len(set(named)) == len(named) and len(named) >= 2
        if not complete or any(kind_of(cell) == "n" for cell in named):
            continue
        kinds = [kind_of(below[column]) if column < len(below) else "e" for column in numbers]
        units = [cell.strip() for column, cell in enumerate(below) if column not in numbers and cell.strip()]
        if numbers and not {"t", "n"} & set(kinds) and units and not all(map(UNIT.fullmatch, units)):
            return index + 1
    return body


def _groups(upper: Sequence[str], lower: Sequence[str]) -> bool:
    """Is ``upper`` a header row over ``lower``? It repeats or leaves gaps, or ``lower`` is units or leaves gaps."""
    gaps = any(not cell.strip() and i < len(lower) and lower[i].strip() for i, cell in enumerate(upper))
    named = [cell.strip() for cell in upper if cell.strip()]
    repeats = len(set(named)) < len(named)
    under = [cell.strip() for cell in lower if cell.strip()]
    units = bool(under) and sum(1 for cell in under if UNIT.fullmatch(cell)) >= 0.5 * len(under)
    below_gaps = any(cell.strip() and (i >= len(lower) or not lower[i].strip()) for i, cell in enumerate(upper))
    return gaps or repeats or units or below_gaps or is_counting(lower)
