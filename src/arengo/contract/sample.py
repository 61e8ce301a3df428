"""What a reader hands to :mod:`arengo.contract.draft`: a table seen from outside, before anybody typed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arengo.contract.model import EMPTY


@dataclass(frozen=True, slots=True)
class SampleColumn:
    """One column of a sample.

    ``name``: as the source writes it (never empty: readers name unnamed columns ``column_3``).
    ``values``: as texts exactly as found (untrimmed), None where the source has a true null or no cell.
    ``declared``: the type the source itself declares (a database or Parquet type, a dBase letter), '' for text files.
    ``caption``: words found above or beside the name (second header row, unit, comment of a database column).
    """

    name: str
    values: tuple[str | None, ...]
    declared: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows (and some later ones) of one table of a source.

    ``table``: name inside the source (sheet, layer, member, section, database table), '' when there is one.
    ``kind`` and ``options``: what to write as ``arengoSource`` so that the same table is read again.
    ``title``, ``notes``: text found above and below the table. ``crs``: ``EPSG:n`` or '' when not declared.
    ``geometry``: name of a geometry column, '' when none; ``geometry_types``: as found, e.g. ("Polygon",).
    ``bounds``: xmin, ymin, xmax, ymax of the geometries in source coordinates, None when there are none.
    ``total``: rows of the whole source when known. ``keys``: the source's own primary key.
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    columns: tuple[SampleColumn, ...]
    table: str = ""
    title: str = ""
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    crs: str = ""
    geometry: str = ""
    geometry_types: tuple[str, ...] = ()
    bounds: tuple[float, float, float, float] | None = None
    total: int | None = None
    keys: tuple[str, ...] = ()
    extra: Mapping[str, Any] = EMPTY
