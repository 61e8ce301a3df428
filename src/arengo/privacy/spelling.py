"""Names of groups as they are spelt today: rows of an earlier release of the program, and sources that hold such rows,
name them in other words, and two tables meet by the names."""

from __future__ import annotations

from arengo.contract.model import Kind
from arengo.lake.layout import quote
from arengo.privacy.release import Attribute, Release


def named(item: Attribute) -> bool:
    """Whether the values of a column are names that were spelt in another way before."""
    return item.level not in ("", "0") and item.kind is Kind.STRING and not item.hierarchy.startswith("measures")


def today(item: Attribute) -> str:
    """SQL of a column, its names of groups in the words of today."""
    from arengo.privacy.releases import respelt

    return respelt(quote(item.column)) if named(item) else quote(item.column)


def rows_today(release: Release, rows: str, columns: frozenset[str]) -> str:
    """SQL of rows (to stand after FROM) with all names of groups in the words of today. ``columns``: theirs."""
    spelt = [f"{today(item)} AS {quote(item.column)}" for item in release.attributes
             if named(item) and item.column in columns]  # fmt: skip
    return f"(SELECT * REPLACE ({', '.join(spelt)}) FROM {rows})" if spelt else rows
