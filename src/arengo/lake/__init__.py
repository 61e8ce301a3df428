"""What the city holds: immutable versions of datasets in an Iceberg lake, and the engine that reads them.

In: a :class:`~arengo.lake.version.Staged` table that passed the checks. Out: :class:`~arengo.lake.version.Version`
values, and for the door a :class:`~arengo.lake.relation.Relation` to read one. Promise: one commit a publication,
acknowledged means on disk, nothing half; any retained version can be read as it was; cost stays flat with age.
May import: errors, settings, contract, state, sources. Only the door reads relations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arengo.lake.version import Change, Column, DataFile, Difference, Staged, Version

if TYPE_CHECKING:
    from arengo.lake.engine import Engine
    from arengo.lake.relation import Access, Relation
    from arengo.lake.store import Lake

__all__ = [
    "Access",
    "Change",
    "Column",
    "DataFile",
    "Difference",
    "Engine",
    "Lake",
    "Relation",
    "Staged",
    "Version",
]

_LATE = {
    "Lake": "arengo.lake.store",
    "Engine": "arengo.lake.engine",
    "Access": "arengo.lake.relation",
    "Relation": "arengo.lake.relation",
}


def __getattr__(name: str) -> object:
    if name in _LATE:
        from importlib import import_module

        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(name)
