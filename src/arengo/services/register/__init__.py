"""The register of processing activities: what the city does with personal data, from facts it already holds.

In: contracts in force, their purposes, agreements under which others read, versions, legal holds. Out: one
:class:`Activity` for each dataset and purpose (Art. 30 of Regulation (EU) 2016/679), what a notice must say (Art. 13
and 14), the facts of an assessment (Art. 35). Nothing is kept here, so nothing is out of date; no row is read. It
gives facts; words are the portal's. May import: governance, catalogue, contract, state, settings, errors.
"""

from __future__ import annotations

from arengo.services.register.activity import Activity, Reader
from arengo.services.register.assessment import Assessment, Criterion, assess
from arengo.services.register.record import Readers, Register, readers_of

__all__ = ["Activity", "Assessment", "Criterion", "Reader", "Readers", "Register", "assess", "readers_of"]
