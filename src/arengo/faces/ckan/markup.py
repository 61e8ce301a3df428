"""Rows as XML, in the elements that CKAN's DataStore writes (ckanext/datastore/writer.py, XMLWriter).

``<data><row _id="1"><species>Tilia</species><height xsi:nil="true"/></row></data>``; values of lists and objects are
``<value key="...">``. A column whose name XML does not allow as an element gets ``_`` in place of what is not allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

HEAD = b'<data xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
TAIL = b"</data>\n"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 (section 2.2) has no way to write."""


def rows(names: Sequence[str], part: Iterable[Sequence[Any]]) -> bytes:
    """Rows whose first value may be ``_id``."""
    tags = [_tag(name) for name in names]
    start = 1 if names and names[0] == "_id" else 0
    out: list[str] = []
    for row in part:
        out.append(f"<row _id={quoteattr(str(row[0]))}>" if start else "<row>")
        for tag, value in zip(tags[start:], row[start:], strict=True):
            out.extend(_element(tag, value))
        out.append("</row>\n")
    return "".join(out).encode()


def _element(tag: str, value: Any, key: str | None = None) -> Iterator[str]:
    head = tag if key is None else f"{tag} key={quoteattr(_CONTROL.sub('', key))}"
    if value is None:
        yield f'<{head} xsi:nil="true"/>'
    elif isinstance(value, dict | list):
        yield f"<{head}>"
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _element("value", item, str(name))
        yield f"</{tag}>"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield f"<{head}>{escape(_CONTROL.sub('', text))}</{tag}>"


def _tag(name: str) -> str:
    found = re.sub(r"[^\w.-]", "_", name)
    return found if re.match(r"[^\W\d]|_", found) else f"_{found}"
