# ruff: noqa: E501, RUF100 - long patterns and letters read better on one line
"""The dialect of a delimited text, found from its first lines: delimiter, quotes, where the table starts, its header.

Delimiter and quotes are chosen by the consistency measure of van den Burg, Nazabal and Sutton (*Wrangling messy CSV
files by detecting row and type patterns*, 2019): rows of one shape times cells of a known type. The header is found
from the body: the first record that reads like the records below it ends the header.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from arengo.sources.csv_records import Marks, Record, records, unwrap
from arengo.sources.text import _split_lines
from arengo.sources.text_title import title

DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x1f", "¦", "§")
SNIFF_RECORDS = 400

_NUMBER = re.compile(
    r"[(<>≤≥~]?\s*[-+−]?\s*(?:[^\W\d_]{0,3}[$€£¥₩₹₽₺₴]?\s*)?(?:\d[\d.,'’\s\u00a0\u202f]*|[.,]\d+)(?:[eE][-+]?\d+)?\s*"
    r"(?:%|‰|°C?|[$€£¥₩₹₽₺₴]|EUR|USD|[^\W\d_]{1,3}[²³23]?)?\)?"
)
_BARE_NUMBER = re.compile(
    r"\(?[-+−]?\s*[$€£¥₩₹R]{0,2}\s*(?:\d[\d.,'’\u00a0\u202f ]*|[.,]\d+)(?:[eE][-+]?\d+)?\s*[%‰€$£°]?\)?"
)
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\.?(?:[T ,]+\d{1,2}[:.h]\d{2}.*)?|\d{1,2}[:h]\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[ap]\.?m\.?)?"
    r"|\d{1,2}\.?[ -](?:de )?[^\W\d_]{3,12}\.?(?: de)?[ -]\d{2,4}.*|\d{4}年\d{1,2}月(?:\d{1,2}日)?|\d{4}[-/.]?[QqTtМ]?\d{1,2}",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?://|www\.)\S+|[^@\s]+@[^@\s]+\.\w+", re.IGNORECASE)
_PLAIN = re.compile(r"[\w\s.'’´`\-–/()&:+#°ºª%!?*\"“”«»@=·<>\[\]³²µ]+")
_MARKER = re.compile(
    r"[-–—.:*?/\\ _#xX]{1,4}|n/?[adcrs]\.?|n\.[adcrs]\.?|s/[ndi]|#\S+|null|none|nan|\(null\)|nd|k\.?a\.?|x",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"[(\[].{1,20}[)\]]|%|[€$£]|(?:k|m|c|d|µ|μ|h)?(?:m|g|l|w|wh|b|a|v|pa|hz|ha)[²³23]?(?:/\S{1,5})?|°c|°|ud\.?|uds\.?|hab\.?"
    r"|nº|n°|no\.|eur|euros?|usd|min\.?|seg\.?|horas?|hours?|años?|jahre|stück|st\.?|km/h|명|개|원|㎡|人|件|円|평|대|건",
    re.IGNORECASE,
)
_SECTION = re.compile(r"\[?[A-Z][A-Z0-9_ ]{1,30}\]?:?")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Everything needed to read the table the same way again.

    ``skip``: records above the header; ``header``: header records (0: none); ``names`` and ``captions``: one a column;
    ``width``: cells of a sound record (more than names when each ends in a delimiter); ``pad``: the writer leaves out empty cells at the end of a record;
    ``start``: UTF-8 bytes of the decoded text before the first data record; ``section``: its word, '' for one table.
    """

    marks: Marks
    skip: int = 0
    header: int = 1
    names: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    width: int = 0
    pad: bool = False
    start: int = 0
    title: str = ""
    above: tuple[str, ...] = ()
    section: str = ""
    header_cells: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def sections(text: str) -> tuple[str, ...]:
    """Words that stand alone on a line and open a table of their own (Pabulib: META, PROJECTS, VOTES)."""
    lines = [line.strip() for line in _split_lines(text)]
    first = next((line for line in lines if line), "")
    if not _SECTION.fullmatch(first):
        return ()
    found = []
    for index, line in enumerate(lines[:-1]):
        if _SECTION.fullmatch(line) and _delimiters(line) == 0 and _delimiters(lines[index + 1]) >= 1:
            before = lines[index - 1] if index else ""
            if not index or not before or _delimiters(before) >= 1:
                found.append(line)
    if len(found) < 2 or len(set(found)) != len(found) or len(found) > 12:
        return ()
    return tuple(found)


def _delimiters(line: str) -> int:
    return max(line.count(mark) for mark in (";", ",", "\t", "|"))


def sniff(
    text: str,
    *,
    complete: bool,
    marks: Marks | None = None,
    skip: int | None = None,
    header: int | None = None,
    section: str = "",
    delimiter: str = "",
    quote: str | None = None,
) -> Dialect:
    """Dialect of the first part of a decoded file. ``complete``: the text is the whole file.

    What the caller already knows (``marks``, ``skip``, ``header``) is taken, not guessed.
    """
    start = 0
    lines = list(_split_lines(text))
    if not complete and lines:
        lines.pop()
    if section:
        at = next((i for i, line in enumerate(lines) if line.strip() == section), None)
        if at is not None:
            start += sum(len(line.encode()) for line in lines[: at + 1])
            lines = lines[at + 1 :]
            others = set(sections(text)) - {section}
            end = next((i for i, line in enumerate(lines) if line.strip() in others), None)
            if end is not None:
                lines, complete = lines[:end], True
    if lines and (declared := re.fullmatch(r'"?sep=(.|\\t)"?\s*', lines[0], re.IGNORECASE)):
        start += len(lines[0].encode())
        lines = lines[1:]
        delimiter = delimiter or declared[1].replace("\\t", "\t")
    if marks is None:
        marks = _marks(lines, delimiter, quote)
    found = []
    for record in records(lines, marks):
        found.append(record)
        if len(found) > SNIFF_RECORDS * 5:
            break
    if found and found[-1].open and not complete:
        found.pop()
    dialect = _table(found, marks, skip, header)
    used = dialect.skip + dialect.header
    start += _bytes_before(lines, found, used)
    return replace(dialect, start=start, section=section)


def _bytes_before(lines: Sequence[str], found: Sequence[Record], used: int) -> int:
    """UTF-8 bytes of the first ``used`` records, the empty lines between them included."""
    if not used:
        return 0
    wanted, total, count = sum(len(record.raw) for record in found[:used]), 0, 0
    for seen, line in enumerate(lines):
        if count >= wanted:
            break
        total += len(line.encode())
        if line.strip("\r\n"):
            count += len(line)
        elif seen > 0:
            count += _inside(line, found, count)
    return total


def _inside(line: str, found: Sequence[Record], count: int) -> int:
    """An empty line counts when it is part of a quoted cell: its record's text holds it."""
    position = 0
    for record in found:
        if position <= count < position + len(record.raw):
            return len(line) if count > position else 0
        position += len(record.raw)
    return 0


# --- delimiter and quotes


def _marks(lines: Sequence[str], delimiter: str, quote: str | None) -> Marks:
    sample = [line for line in lines[: SNIFF_RECORDS * 2] if line.strip()]
    text = "".join(sample)
    if quote is None and _wrapped(sample):
        inner = _marks([unwrap(line) for line in sample], delimiter, None)
        if not inner.wrapped and _consistency([unwrap(line) for line in sample], inner) > 0.3:
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
            score = _consistency(sample, marks)
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


def _consistency(lines: Sequence[str], marks: Marks) -> float:
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
    typed = sum(n for cell, n in cells.items() if _typed(cell)) / total
    return (0.3 * pattern / rows + 0.7 * agreement) * max(typed, 1e-6)


def _typed(cell: str) -> bool:
    text = cell.strip()
    return bool(
        not text
        or _NUMBER.fullmatch(text)
        or _DATE.fullmatch(text)
        or _LINK.fullmatch(text)
        or (len(text) < 80 and _PLAIN.fullmatch(text))
    )


# --- header and body


def _kind(cell: str) -> str:
    """e empty, n number or date, m marker of a missing value, t text."""
    text = cell.strip()
    if not text:
        return "e"
    if _BARE_NUMBER.fullmatch(text):
        return "n"
    if _DATE.fullmatch(text):
        return "n"
    if _MARKER.fullmatch(text):
        return "m"
    return "t"


def _filled(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if cell.strip())


def _table(found: Sequence[Record], marks: Marks, skip: int | None, header: int | None) -> Dialect:
    rows = [record.cells for record in found]
    if not any(_filled(row) for row in rows):
        return Dialect(marks, skip=skip or 0, header=header or 0)
    widths = Counter(len(row) for row in rows[:2000] if _filled(row))
    modal = max(widths.items(), key=lambda pair: (pair[1] * min(pair[0], 8), pair[0]))[0] if widths else len(rows[0])
    body = _first_body_row(rows, modal) if skip is None or header is None else skip + header
    top = _header_top(rows, body, modal)
    if header is None and skip is None and any(_filled(row) >= max(2, 0.6 * modal) for row in rows[:top]):
        body = _first_text_row(rows, modal)  # full records are no title: the numbers only begin further down
        top = _header_top(rows, body, modal)
    if header is None:
        body = _after_names(rows, top if skip is None else skip, body, modal)
    if skip is not None and header is None:
        header = max(0, body - skip) if body > skip else int(body == skip and _looks_like_header(rows, skip, modal))
        top = skip
    if header is None:
        header = body - top
    if skip is None:
        skip = max(0, body - header)
    head = [list(row) for row in rows[skip : skip + header]]
    data = rows[skip + header :]
    width, pad = _width(head, data, modal)
    shown = width
    while shown > 1 and head and _all_empty(head, data, shown - 1):
        shown -= 1  # every record ends in a delimiter
    names, captions = _names(head, shown, data)
    above = [" ".join(cell.strip() for cell in row if cell.strip()) for row in rows[:skip]]
    above = [text for text in above if text]
    doubts = []
    if header == 0:
        doubts.append("No header was found; the columns are numbered.")
    if header > 1:
        doubts.append(f"The header takes {header} rows; their words were joined.")
    return Dialect(
        marks,
        skip=skip,
        header=header,
        names=names,
        captions=captions,
        width=width,
        pad=pad,
        title=title(above),
        above=tuple(above),
        header_cells=tuple(head[-1]) if head else (),
        doubts=tuple(doubts),
    )


def _all_empty(head: Sequence[Sequence[str]], data: Sequence[Sequence[str]], column: int) -> bool:
    """Nothing stands in a column, neither a name nor a value."""
    return not any(len(row) > column and row[column].strip() for rows in (head, data) for row in rows)


def _number_columns(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Columns whose cells in the later part of the sample are numbers, dates or missing."""
    lower = [row for row in rows[min(len(rows) // 3, 12) :] if len(row) >= 2 or width == 1] or rows
    out = []
    for column in range(width):
        kinds = Counter(_kind(row[column]) for row in lower if column < len(row))
        told = kinds["n"] + kinds["t"]
        if kinds["n"] and kinds["n"] >= 0.7 * told:
            out.append(column)
    return out


def _first_body_row(rows: Sequence[Sequence[str]], width: int) -> int:
    numbers = _number_columns(rows, width)
    if not numbers:
        return _first_text_row(rows, width)
    for index, row in enumerate(rows[:60]):
        kinds = [_kind(row[column]) if column < len(row) else "e" for column in numbers]
        told = kinds.count("n") + kinds.count("t")
        if not kinds.count("n") or kinds.count("n") < 0.5 * told or (_filled(row) < 2 and width > 1):
            continue
        if len(row) < 0.5 * width:
            continue
        if index + 1 < len(rows) and (
            _year_header(rows, index, numbers) or _counting(row) or _lower_header(rows, index, width)
        ):
            continue
        return index
    return _first_text_row(rows, width)


def _year_header(rows: Sequence[Sequence[str]], index: int, numbers: Sequence[int]) -> bool:
    """Years, months or ranks as column names over numbers that are none: ``Barrio;2019;2020;2021``."""
    row = rows[index]
    cells = [row[column].strip() for column in numbers if column < len(row) and row[column].strip()]
    if len(cells) < 2 or len(set(cells)) != len(cells):
        return False
    others = [cell for column, cell in enumerate(row) if column not in numbers]
    if any(_kind(cell) == "n" for cell in others):
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


_YEAR = r"(?:1[89]|20|21)\d\d"
_LABEL_NUMBER = re.compile(
    rf"{_YEAR}(?:\s?[-/–.]\s?(?:\d{{1,2}}|{_YEAR}))?(?:-\d{{2}})?|\d{{1,2}}[/.-]{_YEAR}|[QqTt]?\d{{1,2}}[.ºª]?"
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
    """Years or numbers as second header row below merged labels: ``;;Men;;Women;`` over ``Code;Name;2024;2025;2024;2025``."""
    if index == 0:
        return False
    row = [cell.strip() for cell in rows[index]]
    upper = [cell.strip() for cell in rows[index - 1]] + [""] * (len(row) - len(rows[index - 1]))
    if any(_kind(cell) == "n" for cell in upper) or len(row) < 0.6 * width:
        return False
    spans = _spans(upper, row)
    if not spans:
        return False
    under = {column for start, end in spans for column in range(start, end)}
    numbered = [column for column in under if _kind(row[column]) == "n"]
    if not numbered or not all(_LABEL_NUMBER.fullmatch(row[column]) for column in numbered):
        return False
    labels = [tuple(row[start:end]) for start, end in spans]
    if any(len(set(group)) != len(group) for group in labels):
        return False
    beside = [column for column in range(len(row)) if column not in under and row[column]]
    if any(_kind(row[column]) == "n" and row[column] != upper[column] for column in beside):
        return False
    below = rows[index + 1 : index + 30]
    if any(
        row[column] != upper[column] and any(column < len(r) and r[column].strip() == row[column] for r in below)
        for column in beside
    ):
        return False  # a word that comes again is data
    years = all(re.match(_YEAR, row[column]) for column in numbered)
    if not years and len(set(labels)) > 1:
        return False  # small numbers are labels where each group repeats them
    if not years and (len(labels) == 1 and len(labels[0]) < 3):
        return False
    pattern = _YEAR + ".*" if years else r"\d{1,2}"
    met = [r[column].strip() for r in below for column in numbered if column < len(r) and r[column].strip()]
    alike = (
        sum(1 for cell in met if re.fullmatch(pattern, cell))
        if years
        else sum(1 for r in below for column in numbered if column < len(r) and r[column].strip() == row[column])
    )
    return bool(met) and alike < 0.4 * len(met)


def _counting(row: Sequence[str]) -> bool:
    """A row of column numbers below the header: 1;2;3;4."""
    return len(row) >= 4 and [cell.strip() for cell in row] == [str(n) for n in range(1, len(row) + 1)]


def _first_text_row(rows: Sequence[Sequence[str]], width: int) -> int:
    """A table of words only: the first full record is its header unless its words come again below."""
    for index, row in enumerate(rows[:60]):
        if _filled(row) >= max(1, 0.6 * width):
            return index + int(_looks_like_header(rows, index, width))
    return 0


def _looks_like_header(rows: Sequence[Sequence[str]], index: int, width: int) -> bool:
    row = [cell.strip() for cell in rows[index]]
    if not any(row) or any(_kind(cell) == "n" and not re.fullmatch(r"(?:1[89]|20)\d\d", cell) for cell in row):
        return False
    if any(_LINK.fullmatch(cell) for cell in row):
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


def _header_top(rows: Sequence[Sequence[str]], body: int, width: int) -> int:
    """First header row above the body: names, group names over them, units under them; at most four."""
    top = body
    while top > 0 and body - top < 4:
        row = rows[top - 1]
        filled = _filled(row)
        if top == body:
            enough = filled >= 1 if width <= 2 else filled >= 2
        else:
            # A group row: at least two labels with gaps, or full; a title is one cell
            enough = filled >= 2 and len(row) >= 0.6 * width and _groups(rows[top - 1], rows[top])
        if not enough:
            break
        if top < body and any(
            _kind(cell) == "n" and not re.fullmatch(r"(?:1[89]|20)\d\d\D?", cell.strip()) for cell in row
        ):
            break
        top -= 1
    return top


def _after_names(rows: Sequence[Sequence[str]], top: int, body: int, width: int) -> int:
    """The first body row, when a complete row of names stands above records that leave their numbers empty: what has
    nothing under the names of numbers is no second header row, but data."""
    numbers = _number_columns(rows, width)
    for index in range(top, min(body - 1, top + 4)):
        row, below = [cell.strip() for cell in rows[index]], rows[index + 1]
        named = [cell for cell in row if cell]
        complete = len(row) == width and all(row[1:]) and len(set(named)) == len(named) and len(named) >= 2
        if not complete or any(_kind(cell) == "n" for cell in named):
            continue
        kinds = [_kind(below[column]) if column < len(below) else "e" for column in numbers]
        units = [cell.strip() for column, cell in enumerate(below) if column not in numbers and cell.strip()]
        if numbers and not {"t", "n"} & set(kinds) and units and not all(map(_UNIT.fullmatch, units)):
            return index + 1
    return body


def _groups(upper: Sequence[str], lower: Sequence[str]) -> bool:
    """Is ``upper`` a header row over ``lower``? It repeats or leaves gaps, or ``lower`` is units or leaves gaps."""
    gaps = any(not cell.strip() and i < len(lower) and lower[i].strip() for i, cell in enumerate(upper))
    named = [cell.strip() for cell in upper if cell.strip()]
    repeats = len(set(named)) < len(named)
    under = [cell.strip() for cell in lower if cell.strip()]
    units = bool(under) and sum(1 for cell in under if _UNIT.fullmatch(cell)) >= 0.5 * len(under)
    below_gaps = any(cell.strip() and (i >= len(lower) or not lower[i].strip()) for i, cell in enumerate(upper))
    return gaps or repeats or units or below_gaps or _counting(lower)


def _width(head: Sequence[Sequence[str]], data: Sequence[Sequence[str]], modal: int) -> tuple[int, bool]:
    names = max((max((i + 1 for i, cell in enumerate(row) if cell.strip()), default=0) for row in head), default=0)
    widths = Counter(len(row) for row in data if _filled(row))
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


def _names(
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
    rows = [row for row in rows if not _counting(row)] or rows
    if len(rows) > 1:
        under = [cell for cell in rows[-1] if cell]
        if under and sum(1 for cell in under if _UNIT.fullmatch(cell)) >= 0.6 * len(under):
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
