"""The street out: the only code that turns a stored version into rows for a caller.

    face ──> ask ──> decide ──> view ──> stream

A face parses its standard into a :class:`~arengo.query.model.Query` and calls :meth:`Door.ask`. The door decides
(in this release everything published is open; the decision point and its fingerprint are here so that
governance slots in without touching a face), makes a view of the granted columns, compiles the query over it
and streams. An answer is a pure function of (version, query, policy fingerprint), which is its cache key and ETag.
"""
