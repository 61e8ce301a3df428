"""Which text encoding the dBase table of a shapefile is in: its bytes, its ``.cpg`` file, its language byte."""

from __future__ import annotations

import re
from pathlib import Path


def size_of(path: Path) -> int:
    """Bytes a dBase table should have by its own header: records times their length."""
    with path.open("rb") as stream:
        head = stream.read(12)
    records = int.from_bytes(head[4:8], "little")
    return int.from_bytes(head[8:10], "little") + records * int.from_bytes(head[10:12], "little")


# dBase language driver ids that shapefiles carry in byte 29 of the table.
_PAGES = {
    0x01: "cp437",
    0x02: "cp850",
    0x03: "cp1252",
    0x57: "cp1252",
    0x64: "cp852",
    0x65: "cp866",
    0x78: "cp950",
    0x79: "cp949",
    0x7A: "cp936",
    0x7B: "cp932",
    0x7D: "cp1255",
    0x7E: "cp1256",
    0xC8: "cp1250",
    0xC9: "cp1251",
    0xCA: "cp1254",
    0xCB: "cp1253",
    0xCC: "cp1257",
}


def encoding_of(body: bytes, cpg: str, page: int) -> tuple[str | None, str]:
    """Encoding of a dBase table from its bytes, its ``.cpg`` and its language byte; a doubt when they disagree.

    Fields are cut at a fixed number of bytes, so a few broken UTF-8 characters at their ends are no evidence.
    """
    sequences = len(re.findall(rb"[\xc2-\xf4][\x80-\xbf]{1,3}", body))
    strays = len(
        re.findall(
            rb"[\x80-\xff]+",
            re.sub(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", b"", body),
        )
    )
    looks_utf8 = sequences > 0 and strays <= max(1, sequences // 20)
    if cpg:
        name = f"cp{cpg}" if re.fullmatch(r"\d{3,4}", cpg) else re.sub(r"^(ANSI|OEM)\s*", "cp", cpg)
        name = "UTF-8" if name in ("cp65001", "UTF8") else re.sub(r"^8859(\d+)$", r"ISO-8859-\1", name)
        if name.upper() == "UTF-8" and sequences + strays and not looks_utf8:
            return "CP1252", "The .cpg file says UTF-8 but the table is not; it is read as Windows-1252."
        return name, ""
    if not sequences and not strays:
        return "UTF-8", ""
    if looks_utf8:
        return "UTF-8", ""
    if page in _PAGES and page not in (0x57, 0x03):
        return _PAGES[page].upper(), ""
    if page in (0x57, 0x03):
        return "CP1252", ""
    from charset_normalizer import from_bytes

    letters = b" ".join(re.findall(rb"[A-Za-z\x80-\xff' -]*[\x80-\xff]+[A-Za-z\x80-\xff' -]*", body)[:2000])
    best = from_bytes(letters, cp_isolation=["cp1252", "cp1250", "cp1251", "cp949", "cp932", "cp936", "cp1253"]).best()
    name = best.encoding if best else "cp1252"
    if name in ("cp1250",):  # close to cp1252 in Western texts: only letters of Central Europe speak for it
        name = "cp1250" if re.search(rb"[\xb9\x9c\x9f\xb3\xa5\x8c\xaf\xbf]", letters) else "cp1252"
    return name.upper(), f"The shapefile does not name its text encoding; it is read as {name}."
