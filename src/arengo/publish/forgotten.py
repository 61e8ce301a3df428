"""Persons who asked to be forgotten, or left alone, are not taken in again when a source is read."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.contract.model import Contract
from arengo.lake.layout import quote
from arengo.lake.version import Staged
from arengo.privacy.mask import secret_of
from arengo.privacy.population import blind_sql
from arengo.state.vault import tombstone

if TYPE_CHECKING:
    from arengo.settings import Settings
    from arengo.state import State


def leave_out(settings: Settings, state: State, contract: Contract, staged: Staged) -> int:
    """Take the rows of such persons out of what a publication staged (columns as read); how many.

    Who they are is known by their blind numbers alone, so every person of the source is blinded to be compared.
    """
    marks = _marks(state, contract.id)
    there = {name for name, _, _ in staged.columns}
    told = str(contract.custom.get("arengoPopulation", ""))
    terms: list[str] = []
    params: list[object] = []
    secret = secret_of(settings.home) if marks else b""
    for item in contract.as_read().properties:
        population = str(item.custom.get("arengoSubject", ""))
        if not population or item.name not in there:
            continue
        for name in dict.fromkeys((told or population, population)):
            if name in marks:
                sql, bound = blind_sql(secret, name, quote(item.name))
                terms.append(f"list_contains(?, {sql})")
                params += [marks[name], *bound]
    return _take(staged, " OR ".join(terms), params) if terms else 0


def _marks(state: State, dataset: str) -> dict[str, list[str]]:
    c = tombstone.c
    found: dict[str, list[str]] = defaultdict(list)
    with state.read() as connection:
        for row in connection.execute(sa.select(c.population, c.mark).where(c.dataset == dataset)):
            found[row.population].append(row.mark)
    return found


def _take(staged: Staged, condition: str, params: list[object]) -> int:
    import duckdb

    from arengo.quality.staging import Parts, parts_of

    parts = Parts(parts_of(staged.database))
    parts.paths = sorted(parts.folder.glob("*.parquet"))
    connection = duckdb.connect(str(staged.database), config={"threads": 1, "autoload_known_extensions": False})
    try:
        number = quote(staged.number)
        connection.execute(
            f"CREATE TEMP TABLE forgotten AS SELECT {number} FROM {quote(staged.table)} WHERE {condition}", params
        )
        return parts.take_out(connection, staged.table, staged.number, "SELECT * FROM forgotten")
    finally:
        connection.close()
