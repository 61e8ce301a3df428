"""How to name a dataset where it is used: a sentence, BibTeX, RIS and CSL-JSON, each pinned to a version.

The parts are those of DataCite 4.5 (creator, title, publisher, publication year, version, identifier). The address
keeps the version, since what was read is what must be found again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import orjson
from starlette.responses import Response

from arengo.errors import BadQuery
from arengo.faces.site import public_address
from arengo.portal.dossier import Dossier
from arengo.portal.visit import Visit

FORMS = {
    "bib": "application/x-bibtex; charset=utf-8",
    "ris": "application/x-research-info-systems; charset=utf-8",
    "json": "application/vnd.citationstyles.csl+json; charset=utf-8",
}
_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{m: f"\\{m}" for m in "{}&%$#_"},
}


@dataclass(frozen=True, slots=True)
class Citation:
    """``creator``: the office that keeps the data; ``publisher``: the city. ``url`` is pinned to ``version``."""

    key: str
    creator: str
    title: str
    publisher: str
    at: datetime
    version: int
    url: str
    language: str


def of(d: Dossier) -> Citation:
    """Of the version looked at."""
    assert d.version is not None
    city = d.visit.settings.city.name
    base = public_address(d.visit.settings, d.visit.request)
    number = d.version.number
    return Citation(
        f"{d.id}-v{number}",
        d.contract.owner or city,
        d.title,
        city,
        d.version.published_at,
        number,
        f"{base}/datasets/{quote(d.id)}?as_of={number}",
        d.words_language or d.visit.language,
    )


def sentence(d: Dossier) -> str:
    """For the foot of an article, in the reader's language."""
    made = of(d)
    return d.visit._(
        "%(creator)s (%(year)s): %(title)s, version %(version)s of %(date)s. %(publisher)s. %(url)s",
        creator=made.creator,
        year=made.at.year,
        title=made.title,
        version=made.version,
        date=d.visit.speech.date(made.at),
        publisher=made.publisher,
        url=made.url,
    )


def file(visit: Visit) -> Response:
    """``/datasets/{id}/cite.{bib|ris|json}``. Raises BadQuery for another form."""
    form = visit.request.path_params["form"]
    if form not in FORMS:
        raise BadQuery(f"There is no citation as {form[:20]!r}.", todo=f"Ask for {', '.join(FORMS)}.")
    d = Dossier(visit, visit.request.path_params["dataset"])
    known = visit.unchanged(*d.mark, public_address(visit.settings, visit.request))
    if known:
        return known
    made = of(d)
    body = {"bib": bibtex, "ris": ris, "json": csl}[form](made)
    headers = {
        "Content-Disposition": f'attachment; filename="{d.id}-v{made.version}.{form}"',
        "X-Content-Type-Options": "nosniff",
        "ETag": visit.tag,
        "Vary": "Accept-Language, Cookie",
    }
    return Response(body, 200, headers, FORMS[form])


def bibtex(made: Citation) -> str:
    """``@dataset``, which BibLaTeX knows and BibTeX takes as ``@misc``."""
    fields = {
        "author": f"{{{_tex(made.creator)}}}",
        "title": _tex(made.title),
        "publisher": _tex(made.publisher),
        "year": str(made.at.year),
        "month": made.at.strftime("%b").lower(),
        "version": str(made.version),
        "url": made.url,
        "language": made.language,
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@dataset{{{made.key},\n{lines}\n}}\n"


def ris(made: Citation) -> str:
    """Reference Manager's tags, lines ended as the format wants."""
    fields = [
        ("TY", "DATA"), ("AU", made.creator), ("TI", made.title), ("PB", made.publisher), ("PY", str(made.at.year)),
        ("DA", made.at.strftime("%Y/%m/%d")), ("ET", str(made.version)), ("UR", made.url),
        ("LA", made.language), ("ER", ""),
    ]  # fmt: skip
    return "".join(f"{name}  - {_line(value)}\r\n" for name, value in fields)


def csl(made: Citation) -> bytes:
    """One item of CSL-JSON 1.0.2, which Zotero and Pandoc read."""
    item = {
        "id": made.key,
        "type": "dataset",
        "title": made.title,
        "author": [{"literal": made.creator}],
        "publisher": made.publisher,
        "issued": {"date-parts": [[made.at.year, made.at.month, made.at.day]]},
        "version": str(made.version),
        "URL": made.url,
        "language": made.language,
    }
    return orjson.dumps([item], option=orjson.OPT_INDENT_2)


def _line(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f]+", " ", text).strip()


def _tex(text: str) -> str:
    return "".join(_TEX.get(mark, mark) for mark in _line(text))
