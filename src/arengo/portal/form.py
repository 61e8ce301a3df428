"""A posted form: its fields and files, where it was sent from, and for which session it was made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.requests import Request

if TYPE_CHECKING:
    from arengo.portal.upload import File

CSRF = "csrf"
"""The field of a form that says for which session it was made."""
FORM = re.compile(r"<form\b[^>]*\bmethod=\"post\"[^>]*>", re.IGNORECASE)


class Form(dict[str, tuple[str, ...]]):
    """A posted form: name -> values, texts without spaces around; the files sent with it."""

    files: tuple[File, ...] = ()

    def one(self, name: str, default: str = "") -> str:
        values = self.get(name, ())
        return values[0].strip() if values else default


def posted(request: Request, body: bytes) -> Form:
    """The form in the body of a request. Raises BadQuery, ValueError for one that cannot be read."""
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        from arengo.portal.upload import parts

        fields, files = parts(kind, body)
        form = Form(fields)
        form.files = files
        return form
    given = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=2000)
    return Form({name: tuple(values) for name, values in given.items()})


def is_foreign(request: Request) -> bool:
    """Whether a browser says that another site sent this request. Programs say nothing and carry no cookies of ours."""
    site = request.headers.get("sec-fetch-site", "")
    if site:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin", "")
    return bool(origin) and origin.partition("://")[2] != request.headers.get("host", "")
