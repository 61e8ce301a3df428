"""The city's own small database: contracts, versions, runs, counters.

In: one SQLAlchemy address (SQLite by default, PostgreSQL when the city grows). Out: an open, migrated
:class:`State` with the tables of :mod:`arengo.state.tables`. Promise: what a transaction reported as committed
survives a power cut; opening is cheap when the schema is current; locks die with the process that held them.
May import: errors, settings, contract. Stands beside the street: lake, publish and catalogue keep their records here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arengo.state.records import ContractRecord, RunRecord

if TYPE_CHECKING:
    from arengo.state.database import State, open_state

__all__ = ["ContractRecord", "RunRecord", "State", "open_state"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from arengo.state import database

        return getattr(database, name)
    raise AttributeError(name)
