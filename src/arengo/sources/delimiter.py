"""Delimiter and quotes of a delimited text, from its first lines.

The consistency measure of van den Burg, Nazabal and Sutton (*Wrangling messy CSV files by detecting row and type
patterns*, 2019): rows of one shape times cells of a known type.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from arengo.sources.cell_kind import is_typed
from arengo.sources.csv_records import Marks, records, unwrap

DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x1f", "¦", "§")
SNIFF_RECORDS = 400


def marks_of(lines: Sequence[str], delimiter: str, quote: str | None) -> Marks:
    sample = [line for line in lines[: SNIFF_RECORDS * 2] if line.strip()]
    text = "".join(sample)
    if quote is None and _wrapped(sample):
        inner = marks_of([unwrap(line) for line in sample], delimiter, None)
        if not inner.wrapped and consistency([unwrap(line) for line in sample], inner) > 0.3:
            return replace(inner, wrapped=True)
    candidates = [delimiter] if delimiter else [mark for mark in DELIMITERS if mark in text]
    quotes = [quote] if quote is not None else ['"']
    if quote is None and '"' in text:
        quotes.append("")
    if quote is None and "'" in text:
        quotes.append("'")
    best, best_score = Marks(delimiter or ",", quotes[0]), 0.0
    for mark in candidates:
        for sign in quotes:
            if sign == "'" and not re.search(rf"(?:^|{re.escape(mark)})'[^']*'(?:{re.escape(mark)}|\s*$)", text, re.M):
                continue
            escape = "\\" if sign and _escaped(text, sign, mark) else ""
            marks = Marks(mark, sign, escape)
            score = consistency(sample, marks)
            if sign == "" and '"' in text:
                score *= 0.95
            if mark in "^~§¦":
                score *= 0.9
            if score > best_score * 1.001:
                best, best_score = marks, score
    if best_score < 0.2 and not delimiter:
        split = Marks("  ", "")
        widths = Counter(len(record.cells) for record in records(sample, split))
        (width, n), *_ = widths.most_common(1) or [(1, 0)]
        if width >= 2 and n >= 0.8 * len(sample) and len(sample) >= 3:
            return split
    return best


def _wrapped(lines: Sequence[str]) -> bool:
    """Does every line stand between quotation marks as one cell that holds delimiters?"""
    whole = [line.strip() for line in lines]
    framed = [text for text in whole if len(text) > 2 and text[0] == text[-1] == '"']
    if len(framed) < 0.95 * len(whole) or len(whole) < 2:
        return False
    alone = sum(1 for text in framed if '"' not in text[1:-1].replace('""', ""))
    return alone >= 0.95 * len(framed) and all(any(mark in text for mark in (",", ";", "\t")) for text in framed[:20])


def _escaped(text: str, quote: str, mark: str) -> bool:
    """Backslash escapes: quotes are written \\" and never doubled."""
    if "\\" + quote not in text:
        return False
    doubled = len(re.findall(rf"(?<!{re.escape(mark)}){quote}{quote}(?!{re.escape(mark)}|\s*$)", text, re.M))
    return text.count("\\" + quote) > doubled


def consistency(lines: Sequence[str], marks: Marks) -> float:
    widths: Counter[int] = Counter()
    cells: Counter[str] = Counter()
    for n, record in enumerate(records(lines, marks)):
        if n >= SNIFF_RECORDS:
            break
        widths[len(record.cells)] += 1 if not record.open else 0
        for cell in record.cells:
            cells[cell if len(cell) < 200 else cell[:200]] += 1
    total = sum(cells.values())
    if not total or not widths:
        return 0.0
    rows = sum(widths.values())
    pattern = sum(n * max(1e-3, width - 1) / width for width, n in widths.items() if width) / len(widths)
    # What counts is the share of rows that agree, not how many kinds of exception there are.
    modal_width, modal = max(((w, n) for w, n in widths.items()), key=lambda pair: (pair[1], pair[0]))
    agreement = (modal / rows) ** 2 * max(1e-3, modal_width - 1) / modal_width
    typed = sum(n for cell, n in cells.items() if is_typed(cell)) / total
    return (0.3 * pattern / rows + 0.7 * agreement) * max(typed, 1e-6)
