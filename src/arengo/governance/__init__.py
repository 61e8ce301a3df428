"""Who may, for what: parties, purposes, agreements, policies. Stands beside the street.

In: who asks (:class:`Caller`) and a contract. Out: a :class:`Decision` that says which columns, which rows, how
blurred, why and until when. It never sees a row.
May import: state, contract, settings, errors.
"""

from __future__ import annotations

from arengo.governance.caller import ANYONE, ASSURANCE, CITY, CITY_WIDE, ROLES, Caller
from arengo.governance.decision import MASKS, Decision, Judge, Mask, OpenJudge, fingerprint

__all__ = [
    "ANYONE",
    "ASSURANCE",
    "CITY",
    "CITY_WIDE",
    "MASKS",
    "ROLES",
    "Caller",
    "Decision",
    "Judge",
    "Mask",
    "OpenJudge",
    "fingerprint",
]
