"""By which contract the readers of a version are judged: what a version was made under bounds how open it is.

Only a publication passes the gate, so a contract that opens a dataset opens the versions made after it, never one
that was made, and kept, for few.
"""

from __future__ import annotations

from dataclasses import replace

from arengo.contract.model import Contract, Frozen

STATISTICS = "arengoStatistics"


def standing(now: Contract, then: Contract | None) -> Contract:
    """``now``, the contract in force, as far as it holds for a version made under ``then`` (None: nobody knows).

    What was not open then is not open to everybody yet: it reads as shared. What was open for its statistics alone
    still is.
    """
    if now.access != "open" or then is now:
        return now
    if then is None or then.access != "open":
        return replace(now, custom=Frozen({**now.custom, "arengoAccess": "shared"}))
    if STATISTICS in then.custom and STATISTICS not in now.custom:
        return replace(now, custom=Frozen({**now.custom, STATISTICS: then.custom[STATISTICS]}))
    return now
