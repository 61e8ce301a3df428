"""Files in a posted form (RFC 7578): the body is in memory already and bounded by who took it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from arengo.errors import BadQuery

MOST_PARTS = 200


@dataclass(frozen=True, slots=True)
class File:
    """One file that was sent. ``name``: as the browser calls it, without folders; never used as a path."""

    field: str
    name: str
    content: bytes


def parts(content_type: str, body: bytes) -> tuple[dict[str, tuple[str, ...]], tuple[File, ...]]:
    """Fields and files of a ``multipart/form-data`` body. Raises BadQuery when it is no such thing."""
    found = re.search(r'boundary=(?:"([^"]{1,70})"|([^;\s"]{1,70}))', content_type)
    if found is None:
        raise BadQuery("The form cannot be read.", todo="Send it again from the page.")
    edge = b"--" + (found[1] or found[2]).encode("latin-1", "replace")
    pieces = (b"\r\n" + body).split(b"\r\n" + edge)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--") or len(pieces) > MOST_PARTS + 2:
        raise BadQuery("The form did not arrive whole.", todo="Send it again.")
    fields: dict[str, list[str]] = {}
    files = []
    for piece in pieces[1:-1]:
        head, gap, content = piece.partition(b"\r\n\r\n")
        said = head.decode("utf-8", "replace")
        name = re.search(r'\bname="([^"\r\n]*)"', said, re.IGNORECASE)
        if not gap or name is None or len(head) > 4096:
            raise BadQuery("The form cannot be read.", todo="Send it again from the page.")
        called = re.search(r'\bfilename="([^"\r\n]*)"', said, re.IGNORECASE)
        if called is None:
            fields.setdefault(name[1], []).append(content.decode("utf-8", "replace"))
        elif content or called[1]:
            files.append(File(name[1], re.split(r"[\\/]", called[1])[-1][:200], content))
    return {key: tuple(values) for key, values in fields.items()}, tuple(files)
