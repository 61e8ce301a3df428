"""How the departments' programs write their files: every dialect on purpose, every byte repeatable."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

_EPOCH = (2020, 1, 1, 0, 0, 0)


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> None:
    """Put ``content`` at ``path`` in one step, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(content if isinstance(content, bytes) else content.encode(encoding, errors="replace"))
    partial.replace(path)


def table(
    path: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    newline: str = "\n",
    quote: int = csv.QUOTE_MINIMAL,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> None:
    """A CSV file; ``before`` and ``after`` are title and foot lines as offices add them."""
    out = io.StringIO()
    for line in before:
        out.write(line + newline)
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quote)  # type: ignore[arg-type]
    writer.writerow(header)
    writer.writerows(rows)
    for line in after:
        out.write(line + newline)
    write(path, out.getvalue(), encoding)


def comma(value: float | None, digits: int = 2) -> str:
    """A number with a decimal comma, '' for none."""
    return "" if value is None else f"{value:.{digits}f}".replace(".", ",")


def money(value: float | None) -> str:
    """An amount as the accounting program pads it: ``' 1 063 850,00 '``."""
    if value is None:
        return "   "
    return f" {value:,.2f} ".replace(",", " ").replace(".", ",")


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def geojson(path: Path, name: str, features: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
    """A feature collection of (geometry, properties), one feature a line."""
    lines = [
        json.dumps({"type": "Feature", "properties": properties, "geometry": geometry}, ensure_ascii=False)
        for geometry, properties in features
    ]
    head = f'{{"type": "FeatureCollection", "name": {json.dumps(name)}, "features": [\n'
    write(path, head + ",\n".join(lines) + "\n]}\n")


def archive(path: Path, members: Mapping[str, bytes]) -> None:
    """A zip file with fixed times."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, content in members.items():
            box.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    write(path, out.getvalue())


def layer(
    path: Path,
    geometry: Sequence[bytes],
    geometry_type: str,
    fields: Mapping[str, Sequence[Any]],
    *,
    driver: str,
    crs: str | None,
    encoding: str | None = None,
    **options: str,
) -> None:
    """A vector layer through GDAL. ``geometry``: WKB."""
    import pyogrio

    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2020-01-01T00:00:00Z"})
    try:
        # No projection file is one of the habits of real offices, so GDAL's warning about it is not news.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="'crs' was not provided")
            pyogrio.raw.write(
                str(path),
                np.array(list(geometry), dtype=object),
                [np.array(list(values), dtype=_dtype(values)) for values in fields.values()],
                np.array(list(fields), dtype=object),
                geometry_type=geometry_type,
                driver=driver,
                crs=crs,
                encoding=encoding,
                **options,
            )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _dtype(values: Sequence[Any]) -> Any:
    kinds = {type(value) for value in values}
    return np.int64 if kinds == {int} else np.float64 if kinds <= {int, float} else object


def wkb_line(points: Any) -> bytes:
    """A two-dimensional LineString, little endian. ``points``: (n, 2)."""
    flat = np.ascontiguousarray(points, dtype="<f8")
    return b"\x01\x02\x00\x00\x00" + len(flat).to_bytes(4, "little") + flat.tobytes()


def wkb_point(x: float, y: float) -> bytes:
    return b"\x01\x01\x00\x00\x00" + np.array([x, y], dtype="<f8").tobytes()


def database(path: Path, script: str, rows: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """A SQLite file: ``script`` makes the tables, ``rows`` fill them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial)
    try:
        connection.executescript(script)
        for name, content in rows.items():
            marks = ", ".join("?" * len(content[0]))
            quoted = name.replace('"', '""')
            connection.executemany(f'INSERT INTO "{quoted}" VALUES ({marks})', content)
        connection.commit()
    finally:
        connection.close()
    partial.replace(path)


def workbook(
    title: Sequence[str],
    groups: Sequence[tuple[str, int]],
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    sheet: str,
    foot: str,
) -> bytes:
    """An Excel file as offices make it: title rows, a header of two rows with merged cells, a foot line."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"title": title[0], "author": "Ufficio statistica", "created": datetime(*_EPOCH)})
    page = book.add_worksheet(sheet)
    bold = book.add_format({"bold": True})
    for number, line in enumerate(title):
        page.write(number, 0, line, bold)
    top = len(title) + 1
    column = 0
    for text, width in groups:
        if width > 1:
            page.merge_range(top, column, top, column + width - 1, text, bold)
        else:
            page.write(top, column, text, bold)
        column += width
    page.write_row(top + 1, 0, header, bold)
    for number, row in enumerate(rows):
        page.write_row(top + 2 + number, 0, row)
    page.write(top + 3 + len(rows), 0, foot)
    book.close()
    return out.getvalue()


def pdf(title: str, lines: Sequence[str]) -> bytes:
    """A small valid PDF 1.4 with text pages of 46 lines (Helvetica, WinAnsi)."""
    pages = [lines[i : i + 46] for i in range(0, max(1, len(lines)), 46)]
    first = 4
    kids = " ".join(f"{first + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (it) >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        body = ["BT /F1 10 Tf 56 790 Td 15 TL"]
        for line in page:
            safe = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
            body.append(f"({safe}) Tj T*")
        stream = zlib.compress("\n".join([*body, "ET"]).encode("cp1252", errors="replace"), 9)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
            + f"/Contents {first + 2 * number + 1} 0 R >>".encode()
        )
        objects.append(f"<< /Length {len(stream)} /Filter /FlateDecode >>\nstream\n".encode() + stream + b"\nendstream")
    objects.append(f"<< /Title ({title}) /Producer (Arvenza) >>".encode("cp1252", errors="replace"))
    out, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\n".encode()
    return bytes(out + f"startxref\n{start}\n%%EOF\n".encode())
