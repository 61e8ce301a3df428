"""Harvested records in the state: read one by one, so that fifty thousand cost no more memory than one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.catalogue.harvest import codec
from arengo.catalogue.record import Agent, Record
from arengo.state import harvesting as tables

if TYPE_CHECKING:
    from arengo.state import State

PAGE = 500
_r = tables.record.c
_THERE = _r.gone_at.is_(None)


def count(state: State) -> int:
    """Number of records that are there."""
    with state.read() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(tables.record).where(_THERE)) or 0)


def get(state: State, dataset: str) -> Record | None:
    """The record of that id, None when it was never there or is gone."""
    with state.read() as connection:
        body = connection.scalar(sa.select(_r.body).where(_r.id == dataset, _THERE))
    return codec.loads(body) if body is not None else None


def some(state: State, names: Sequence[str]) -> dict[str, Record]:
    """The records of those ids that are there: one question for a whole page of a list."""
    found: dict[str, Record] = {}
    with state.read() as connection:
        for start in range(0, len(names), PAGE):
            chosen = sa.select(_r.id, _r.body).where(_r.id.in_(names[start : start + PAGE]), _THERE)
            found |= {row.id: codec.loads(row.body) for row in connection.execute(chosen)}
    return found


def by_uuid(state: State, beginning: str) -> Record | None:
    """The record whose UUID is ``beginning`` or begins with it."""
    with state.read() as connection:
        near = (_r.uuid >= beginning) & (_r.uuid < beginning + "g")
        body = connection.scalar(sa.select(_r.body).where(near, _THERE).limit(1))
    return codec.loads(body) if body is not None else None


def gone(state: State, dataset: str) -> tuple[Record, datetime] | None:
    """The last state of a record that its origin no longer has, and since when; None when it is there or never was."""
    with state.read() as connection:
        row = connection.execute(
            sa.select(_r.body, _r.gone_at).where(_r.id == dataset, _r.gone_at.is_not(None))
        ).first()
    return (codec.loads(row.body), row.gone_at) if row is not None else None


def walk(
    state: State, after: str = "", limit: int | None = None, modified_since: datetime | None = None, source: str = ""
) -> Iterator[Record]:
    """Records ordered by id, a few hundred at a time."""
    left = limit
    while left is None or left > 0:
        chosen = sa.select(_r.id, _r.body).where(_r.id > after, _THERE).order_by(_r.id)
        if modified_since is not None:
            chosen = chosen.where(sa.or_(_r.modified_at.is_(None), _r.modified_at >= modified_since))
        if source:
            chosen = chosen.where(_r.source == source)
        with state.read() as connection:
            rows = connection.execute(chosen.limit(PAGE if left is None else min(PAGE, left))).all()
        for row in rows:
            yield codec.loads(row.body)
        if len(rows) < PAGE:
            return
        after = rows[-1].id
        left = None if left is None else left - len(rows)


def ids(state: State) -> Iterator[str]:
    """Ids of the records that are there, in order."""
    after = ""
    while True:
        with state.read() as connection:
            chosen = sa.select(_r.id).where(_r.id > after, _THERE).order_by(_r.id).limit(10_000)
            found = [str(name) for name in connection.scalars(chosen)]
        yield from found
        if len(found) < 10_000:
            return
        after = found[-1]


def changes(state: State, since: int) -> Iterator[tuple[int, str, Record | None]]:
    """(stamp, id, record or None when it is gone) of what changed after the stamp ``since``, oldest change first."""
    while True:
        chosen = sa.select(_r.stamp, _r.id, _r.body, _r.gone_at).where(_r.stamp > since).order_by(_r.stamp)
        with state.read() as connection:
            rows = connection.execute(chosen.limit(PAGE)).all()
        for row in rows:
            yield int(row.stamp), row.id, codec.loads(row.body) if row.gone_at is None else None
        if len(rows) < PAGE:
            return
        since = int(rows[-1].stamp)


def newest(state: State) -> int:
    """The stamp of the last change, 0 when nothing was ever harvested."""
    with state.read() as connection:
        return int(connection.scalar(sa.select(sa.func.max(_r.stamp))) or 0)


def publishers(state: State) -> list[tuple[Agent, int]]:
    """Organisations of harvested records with how many each has."""
    with state.read() as connection:
        chosen = sa.select(_r.publisher, sa.func.count(), sa.func.min(_r.id)).where(_THERE, _r.publisher != "")
        rows = connection.execute(chosen.group_by(_r.publisher)).all()
        out: list[tuple[Agent, int]] = []
        for _publisher, number, example in rows[:2000]:
            body = connection.scalar(sa.select(_r.body).where(_r.id == example))
            found = codec.loads(body).publisher if body is not None else None
            if found is not None:
                out.append((found, int(number)))
    return out
