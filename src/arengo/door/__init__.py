"""The street out: the only code that turns a stored version into rows for a caller.

    face ──> ask ──> decide ──> view ──> stream

In: a :class:`~arengo.query.model.Query` that a face parsed from its standard. Out: an :class:`Answer` over the
granted columns. In this release everything published as open is open to anyone and the rest is refused with who
decides; the decision point and its fingerprint are here so that governance slots in without touching a face. An
answer is a pure function of (version, query, policy fingerprint), which is its cache key and its ETag.
May import: catalogue, lake, query, contract, settings, errors.
"""

from __future__ import annotations

from arengo.door.answer import Answer, AnswerColumn, Encoded
from arengo.door.cache import Cache
from arengo.door.decision import ANYONE, Caller, Decision
from arengo.door.documents import Original
from arengo.door.door import Door
from arengo.door.facets import Facet, FacetValue
from arengo.door.history import PastRow
from arengo.door.sql import SqlAnswer, SqlColumn, SqlTable
from arengo.door.view import View, ViewColumn

__all__ = [
    "ANYONE",
    "Answer",
    "AnswerColumn",
    "Cache",
    "Caller",
    "Decision",
    "Door",
    "Encoded",
    "Facet",
    "FacetValue",
    "Original",
    "PastRow",
    "SqlAnswer",
    "SqlColumn",
    "SqlTable",
    "View",
    "ViewColumn",
]
