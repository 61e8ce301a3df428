"""The register of applied contracts: which text is in force for which dataset, and since when."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from arengo.state import tables
from arengo.state.database import State


def put(state: State, dataset: str, *, version: str, sha: str, text: str, path: str, at: datetime) -> None:
    """Bring one contract text into force. The same text twice is once; a retired dataset comes back."""
    with state.write() as connection:
        known = connection.scalar(
            sa.select(sa.func.count())
            .select_from(tables.contract)
            .where(tables.contract.c.dataset == dataset, tables.contract.c.sha == sha)
        )
        if not known:
            row = {"dataset": dataset, "sha": sha, "version": version, "text": text, "path": path, "applied_at": at}
            connection.execute(sa.insert(tables.contract).values(row))
        changed = connection.execute(
            sa.update(tables.dataset).where(tables.dataset.c.id == dataset).values(contract_sha=sha, retired_at=None)
        )
        if not changed.rowcount:
            connection.execute(sa.insert(tables.dataset).values(id=dataset, contract_sha=sha, created_at=at))
        state.bump(connection)


def retire(state: State, dataset: str, at: datetime) -> None:
    """Take a dataset out of the catalogue; its versions are kept."""
    with state.write() as connection:
        connection.execute(
            sa.update(tables.dataset)
            .where(tables.dataset.c.id == dataset, tables.dataset.c.retired_at.is_(None))
            .values(retired_at=at)
        )
        state.bump(connection)


def in_force(state: State) -> dict[str, tuple[str, str]]:
    """Dataset -> (contract text, path within the city folder) of every dataset that is not retired."""
    query = (
        sa.select(tables.dataset.c.id, tables.contract.c.text, tables.contract.c.path)
        .join(
            tables.contract,
            sa.and_(
                tables.contract.c.dataset == tables.dataset.c.id, tables.contract.c.sha == tables.dataset.c.contract_sha
            ),
        )
        .where(tables.dataset.c.retired_at.is_(None))
        .order_by(tables.dataset.c.id)
    )
    with state.read() as connection:
        return {row.id: (row.text, row.path or "") for row in connection.execute(query)}


def last_runs(state: State) -> dict[str, str]:
    """Dataset -> state of its latest run."""
    latest = (
        sa.select(tables.run.c.dataset, sa.func.max(tables.run.c.started_at).label("at"))
        .group_by(tables.run.c.dataset)
        .subquery()
    )
    query = sa.select(tables.run.c.dataset, tables.run.c.state).join(
        latest, sa.and_(tables.run.c.dataset == latest.c.dataset, tables.run.c.started_at == latest.c.at)
    )
    with state.read() as connection:
        return {row.dataset: row.state for row in connection.execute(query)}
