"""The street in: from a contract's source to an announced version, as one durable workflow.

In: contracts. Out: one :class:`Run` a contract, and a new version where the source has something new. Promise: a
kill at any moment publishes nothing half and is resumed; the same source twice is *unchanged*; what is refused or
fails leaves the published version as it was. May import: errors, settings, contract, state, sources, lake, quality.
A new step is one method of :class:`arengo.publish.street.Street` and one line in its ``STEPS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arengo.publish.publisher import Publisher
    from arengo.publish.run import Run, StepRecord

__all__ = ["Publisher", "Run", "StepRecord"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("arengo.publish.publisher" if name == "Publisher" else "arengo.publish.run"), name)
    raise AttributeError(name)
