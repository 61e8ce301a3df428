"""What the city does with its data together with the people who use it.

In: what people send (amendment requests, comments, reuses, wishes, subscriptions) and what is published. Out: their
public record and letters to those who asked for them. Promise: nothing personal is shown without being asked for,
every request is tracked to an answer. May import: door, catalogue, contract, lake.version, state, settings, errors,
and the guard of outgoing requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arengo.services.participation import Participation

__all__ = ["Participation"]


def __getattr__(name: str) -> object:
    if name == "Participation":
        from arengo.services.participation import Participation

        return Participation
    raise AttributeError(name)
