"""The catalogue in the words of other catalogues: DCAT-AP 3.0.1 with the high-value annex, and DCAT-AP_IT.

In: records. Out: Turtle, JSON-LD, RDF/XML, N-Triples (``graph``), by ``profile`` and ``italy``, at the addresses of
``pages``; ``mqa`` scores what is emitted as data.europa.eu does. Harvested records are left out unless asked for, so
that no two catalogues copy each other for ever.
"""
