"""The state of the workbench: cells of text and SQL with their values, which is also the page's address."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

import orjson

from arengo.contract.plainsql import LENGTH
from arengo.errors import BadQuery

SHOWS = ("table", "bars", "lines")
MOST = 24
"""Cells of one page."""
PLAIN = 1500
"""Characters a question may have to stand in the address as it is."""
LONGEST = 7000
"""Characters of an address that every server and browser takes."""
_UNPACKED = 200_000


@dataclass(frozen=True, slots=True)
class Cell:
    """``kind``: sql | text. ``show``: how the rows are shown."""

    kind: str
    text: str
    show: str = "table"


@dataclass(frozen=True, slots=True)
class Notebook:
    """``values``: parameter -> what it is. ``as_of``: the version of tables that name none, '' for the newest."""

    cells: tuple[Cell, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    as_of: str = ""

    @property
    def empty(self) -> bool:
        return not any(cell.text.strip() for cell in self.cells)

    @property
    def address(self) -> str:
        """Where this page is; '' when no address can hold it."""
        pairs: list[tuple[str, str]] = []
        cells = [cell for cell in self.cells if cell.text.strip()]
        if len(cells) == 1 and cells[0].kind == "sql" and len(cells[0].text) <= PLAIN:
            pairs.append(("q", cells[0].text))
            if cells[0].show != "table":
                pairs.append(("show", cells[0].show))
        elif cells:
            pairs.append(("s", pack(cells)))
        pairs += [(f"p.{name}", value) for name, value in self.values.items() if value]
        if self.as_of:
            pairs.append(("as_of", self.as_of))
        made = f"/sql?{urlencode(pairs)}" if pairs else "/sql"
        return made if len(made) <= LONGEST else ""

    def as_body(self) -> dict[str, object]:
        """The plain form kept in the state."""
        return {
            "cells": [[cell.kind, cell.text, cell.show] for cell in self.cells],
            "values": dict(self.values),
            "as_of": self.as_of,
        }

    def changed(self, do: str) -> tuple[Notebook, int]:
        """The notebook after a button: ``sql``, ``text``, ``drop:2``, ``up:2``, ``down:2``, ``ask:NAME``, and the cell
        to look at."""
        verb, _, rest = do.partition(":")
        cells = list(self.cells)
        at = int(rest) if rest.isdigit() and int(rest) < len(cells) else -1
        if verb in ("sql", "text") and len(cells) < MOST:
            cells.append(Cell(verb, ""))
            at = len(cells) - 1
        elif verb == "ask" and rest and len(cells) < MOST:
            cells = [cell for cell in cells if cell.text.strip()]
            cells.append(Cell("sql", f"SELECT *\nFROM {rest}\nLIMIT 20"))
            at = len(cells) - 1
        elif verb == "drop" and at >= 0:
            del cells[at]
            at = min(at, len(cells) - 1)
        elif verb in ("up", "down") and at >= 0:
            to = at - 1 if verb == "up" else at + 1
            if 0 <= to < len(cells):
                cells[at], cells[to] = cells[to], cells[at]
                at = to
        return replace(self, cells=tuple(cells)), at


def pack(cells: Sequence[Cell]) -> str:
    """Cells as one word of an address: JSON, deflated, base64url."""
    body = orjson.dumps([[cell.kind, cell.text, cell.show] for cell in cells])
    return base64.urlsafe_b64encode(zlib.compress(body, 9)).decode().rstrip("=")


def unpack(word: str) -> tuple[Cell, ...]:
    """Raises BadQuery for a word that is none, or unpacks to more than a page holds."""
    broken = BadQuery("The address of these questions is cut off or changed.", todo="Ask for it again.")
    try:
        packed = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        opened = zlib.decompressobj()
        body = opened.decompress(packed, _UNPACKED)
        if opened.unconsumed_tail or not opened.eof:
            raise broken
        found = orjson.loads(body)
    except (ValueError, zlib.error, binascii.Error):
        raise broken from None
    return cells_of(found)


def cells_of(found: object) -> tuple[Cell, ...]:
    """Cells from the plain form ``[[kind, text, show], ...]``; what is none is left out."""
    out = []
    for item in found if isinstance(found, (list, tuple)) else ():
        if isinstance(item, (list, tuple)) and len(item) == 3 and all(isinstance(part, str) for part in item):
            kind, text, show = item
            out.append(
                Cell(kind if kind in ("sql", "text") else "sql", text[:LENGTH], show if show in SHOWS else "table")
            )
    return tuple(out[:MOST])


def read(pairs: Iterable[tuple[str, str]]) -> Notebook:
    """The notebook of an address. Raises BadQuery for a broken one."""
    given = dict(pairs)
    values = {name[2:]: value for name, value in given.items() if name.startswith("p.") and 2 < len(name) < 66}
    if given.get("s"):
        cells = unpack(given["s"])
    else:
        cells = cells_of([["sql", given["q"], given.get("show", "table")]]) if given.get("q", "").strip() else ()
    return Notebook(cells, values, given.get("as_of", "").strip())


def taken(form: Mapping[str, Sequence[str]]) -> Notebook:
    """The notebook of a posted form: ``kind``, ``text`` and ``show`` once a cell."""
    kinds, texts, shows = (tuple(form.get(name, ())) for name in ("kind", "text", "show"))
    cells = cells_of([list(item) for item in zip(kinds, texts, shows, strict=False)])
    cells = tuple(replace(cell, text=cell.text.replace("\r\n", "\n").rstrip()) for cell in cells)
    values = {name[2:]: parts[0] for name, parts in form.items() if name.startswith("p.") and parts}
    return Notebook(cells, values, (tuple(form.get("as_of", ())) or ("",))[0].strip())


def kept(body: Mapping[str, object]) -> Notebook:
    """The notebook of a kept query."""
    values = body.get("values")
    return Notebook(
        cells_of(body.get("cells")),
        {str(name): str(value) for name, value in values.items()} if isinstance(values, Mapping) else {},
        str(body.get("as_of") or ""),
    )
