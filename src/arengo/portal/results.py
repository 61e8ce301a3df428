"""What the catalogue has for a question: words, facets, order, pages; the same page for a theme, an office, a series.

The address is the state: every facet is a link, every chip takes one off. Nothing needs a script.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from starlette.responses import Response

from arengo.catalogue import FacetCount, Found, Hit, Record, Snippet, Wanted, say
from arengo.catalogue.vocabulary import FILE_TYPES
from arengo.contract.vocabulary import THEMES
from arengo.errors import BadQuery, UnknownDataset
from arengo.portal.cells import written
from arengo.portal.site import Visit
from arengo.portal.vocabulary import frequency_name, licence_name, theme_name

ON_PAGE = 20
MOST_PAGES = 2500
SHOWN = ("theme", "owner", "format", "licence", "access", "frequency", "tag", "kind", "source", "hvd")
ORDERS = ("relevance", "title", "updated", "created")
FEW = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet. ``href`` chooses it, or takes it off when it is ``chosen``."""

    label: str
    count: str
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    name: str
    title: str
    few: tuple[Choice, ...]
    rest: tuple[Choice, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One dataset in the list. ``foreign``: language of its title when it is not the page's."""

    record: Record
    href: str
    title: str
    foreign: str
    summary: str
    owner: str
    snippets: tuple[Snippet, ...]
    formats: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a page narrows the list to by its own address: a theme, an office or nothing."""

    heading: str
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    about: str = ""
    contact: tuple[str, str] = ("", "")
    feed: str = "/feeds/catalog.atom"
    follow: str = ""


def datasets(visit: Visit) -> Response:
    """``/datasets?q=&theme=&owner=...``."""
    return _page(visit, Scope(visit._("Datasets")))


def theme(visit: Visit) -> Response:
    """``/themes/{code}``."""
    code = visit.request.path_params["theme"].upper()
    if code not in THEMES:
        raise UnknownDataset(visit._("There is no theme “%(code)s”.", code=code[:20]))
    scope = Scope(
        theme_name(code, visit.speech),
        {"theme": (code,)},
        feed=f"/feeds/themes/{code}.atom",
        follow=f"theme:{code}",
    )
    return _page(visit, scope)


def organisation(visit: Visit) -> Response:
    """``/organisations/{id}``."""
    agent = visit.site.catalogue.organisation(visit.request.path_params["agent"])
    scope = Scope(
        say(agent.name, visit.language)[0],
        {"owner": (agent.id,)},
        say(agent.description, visit.language)[0],
        (agent.email, agent.homepage),
        f"/feeds/organisations/{agent.id}.atom",
        f"organisation:{agent.id}",
    )
    return _page(visit, scope)


def organisations(visit: Visit) -> Response:
    """``/organisations``: who answers for the data."""
    known = visit.unchanged(visit.site.catalogue.generation, visit.site.catalogue.harvested)
    if known:
        return known
    found = visit.site.catalogue.organisations()
    lines = sorted(
        ((say(agent.name, visit.language)[0], agent.id, count) for agent, count in found), key=lambda x: x[0].casefold()
    )
    return visit.page("organisations.html", {"lines": lines})


def series(visit: Visit) -> Response:
    """``/series/{id}``: the members of a series, the newest first."""
    name = visit.request.path_params["series"]
    catalogue = visit.site.catalogue
    known = visit.unchanged(catalogue.generation)
    if known:
        return known
    record = catalogue.record(name)
    if record.kind != "series":
        raise UnknownDataset(visit._("There is no series “%(name)s”.", name=name[:60]))
    members = [item for item in catalogue.records(local_only=True) if item.series == name]
    members.sort(key=lambda item: (str(item.temporal[1] or ""), item.id), reverse=True)
    lines = [_line(visit, Hit(item, 0.0)) for item in members]
    return visit.page("series.html", {"title": say(record.title, visit.language)[0], "lines": lines, "record": record})


def suggestions(visit: Visit) -> Response:
    """``/suggest?q=``: what may be meant, for the search field's script."""
    import orjson

    found = visit.site.catalogue.suggest(visit.param("q")[:100], visit.language, 8)
    kinds = {
        "dataset": visit._("dataset"), "theme": visit._("theme"), "owner": visit._("office"),
        "column": visit._("column"), "word": visit._("word"),
    }  # fmt: skip
    body = [{"kind": kinds[item.kind], "text": item.text, "href": item.href, "detail": item.detail} for item in found]
    headers = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}
    return Response(orjson.dumps(body), 200, headers, "application/json")


def _page(visit: Visit, scope: Scope) -> Response:
    catalogue = visit.site.catalogue
    known = visit.unchanged(catalogue.generation, catalogue.harvested)
    if known:
        return known
    chosen = {name: tuple(visit.request.query_params.getlist(name))[:20] for name in SHOWN}
    chosen = {name: tuple(value for value in values if value.strip()) for name, values in chosen.items()}
    q = visit.param("q")[:500]
    order = visit.param("order") if visit.param("order") in ORDERS else "relevance"
    number = visit.param("page")
    page = min(int(number), MOST_PAGES) if number.isdecimal() and int(number[:9]) >= 1 else 1
    wanted = Wanted(
        q,
        visit.language,
        {**chosen, **scope.only},
        bbox=_box(visit.param("bbox")),
        since=visit.param("since"),
        order=order if q else ("title" if order == "relevance" else order),
        start=(page - 1) * ON_PAGE,
        limit=ON_PAGE,
        facets=SHOWN,
        facet_limit=24,
    )
    if visit.param("f") == "csv":
        return _csv(visit, wanted)
    found = catalogue.search(wanted)
    pages = max(1, -(-found.total // ON_PAGE))
    values = {
        "scope": scope,
        "q": q,
        "order": order,
        "orders": _orders(visit, q),
        "found": found,
        "count_words": visit.speech.many("%(n)s dataset", "%(n)s datasets", found.total),
        "lines": [_line(visit, hit) for hit in found.hits],
        "facets": _facets(visit, found, chosen, scope),
        "chips": _chips(visit, chosen),
        "kept": [(name, value) for name, values in chosen.items() for value in values],
        "here": visit.request.url.path,
        "page": page,
        "pages": pages,
        "before": visit.here(page=page - 1 if page > 2 else None) if page > 1 else "",
        "after": visit.here(page=page + 1) if page < pages else "",
        "csv": visit.here(f="csv", page=None),
        "follow": _follow(scope, q, chosen),
    }
    return visit.page("results.html", values)


def _follow(scope: Scope, q: str, chosen: Mapping[str, tuple[str, ...]]) -> str:
    """Where one is told of what is new in this list; '' when it is the list of everything."""
    narrowed = [("q", q)] if q else []
    narrowed += [(name, value) for name, values in chosen.items() for value in values]
    topic, _colon, value = scope.follow.partition(":")
    if narrowed:
        fixed = [(name, item) for name, items in scope.only.items() for item in items]
        topic, value = "search", urlencode([*narrowed, *fixed])
    return f"/follow?{urlencode({'topic': topic, 'value': value})}" if topic else ""


def _line(visit: Visit, hit: Hit) -> Line:
    record = hit.record
    title, spoken = say(record.title, visit.language)
    formats = dict.fromkeys(
        FILE_TYPES[item.format].name if item.format in FILE_TYPES else item.format
        for item in record.distributions
        if item.format
    )
    return Line(
        record,
        visit.link("series" if record.kind == "series" else "datasets", record.id),
        title,
        spoken if spoken != visit.language else "",
        written(say(record.description, visit.language)[0])[:300],
        say(record.publisher.name, visit.language)[0] if record.publisher else "",
        hit.snippets,
        ", ".join(list(formats)[:6]),
    )


def _orders(visit: Visit, q: str) -> list[tuple[str, str]]:
    _ = visit._
    words = [("relevance", _("best match"))] if q else []
    return [*words, ("title", _("title")), ("updated", _("last updated")), ("created", _("newest"))]


def _titles(visit: Visit) -> dict[str, str]:
    _ = visit._
    return {
        "theme": _("Theme"), "owner": _("Owner"), "format": _("Format"), "licence": _("Rights of use (licence)"),
        "access": _("Who may read it"), "frequency": _("How often it is renewed"), "tag": _("Keyword"),
        "kind": _("Kind"), "source": _("Comes from"), "hvd": _("High-value category"),
    }  # fmt: skip


def _label(visit: Visit, name: str, value: str, item: FacetCount | None = None) -> str:
    _ = visit._
    if name == "theme":
        return theme_name(value, visit.speech)
    if name == "licence":
        return licence_name(value, visit.speech)
    if name == "frequency":
        return frequency_name(value, visit.speech)
    if name == "access":
        return {"open": _("open"), "shared": _("shared"), "closed": _("closed")}.get(value, value)
    if name == "kind":
        return {"dataset": _("tables"), "documents": _("documents"), "series": _("series")}.get(value, value)
    if name == "format" and value in FILE_TYPES:
        return FILE_TYPES[value].name
    if item is not None and item.label:
        return say(item.label, visit.language)[0]
    if name == "owner":
        for agent, _count in visit.site.catalogue.organisations():
            if agent.id == value:
                return say(agent.name, visit.language)[0]
    return value


def _facets(visit: Visit, found: Found, chosen: Mapping[str, tuple[str, ...]], scope: Scope) -> list[Facet]:
    titles = _titles(visit)
    out = []
    for name in SHOWN:
        items = found.facets.get(name, ())
        if name in scope.only or (len(items) < 2 and not chosen[name]):
            continue
        choices = [
            Choice(
                _label(visit, name, item.value, item),
                visit.speech.number(item.count),
                _with(visit, name, item.value, chosen[name]),
                item.value in chosen[name],
            )
            for item in items
        ]
        choices.sort(key=lambda choice: not choice.chosen)
        usual = name in ("theme", "owner", "format")
        out.append(Facet(name, titles[name], tuple(choices[:FEW]), tuple(choices[FEW:]), usual or bool(chosen[name])))
    return out


def _with(visit: Visit, name: str, value: str, held: tuple[str, ...]) -> str:
    """This page's address with a value of a facet chosen, or taken off."""
    pairs = [(key, item) for key, item in visit.request.query_params.multi_items() if key not in ("page", "lang", "f")]
    pairs = [pair for pair in pairs if pair != (name, value)] if value in held else [*pairs, (name, value)]
    path = quote(visit.request.url.path)
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _chips(visit: Visit, chosen: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str, str]]:
    """(facet, value, address without it)."""
    titles = _titles(visit)
    return [
        (titles[name], _label(visit, name, value), _with(visit, name, value, values))
        for name, values in chosen.items()
        for value in values
    ]


def _box(text: str) -> tuple[float, float, float, float] | None:
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise BadQuery(f"bbox is {text[:40]!r}.", todo="Write west,south,east,north in degrees.") from None
    return west, south, east, north


def _csv(visit: Visit, wanted: Wanted) -> Response:
    """The whole result as a table, at most ten thousand lines."""
    from dataclasses import replace

    found = visit.site.catalogue.search(replace(wanted, start=0, limit=10_000, facets=()))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "title", "owner", "theme", "licence", "access", "frequency", "updated", "rows", "address"])
    for hit in found.hits:
        item = hit.record
        row = [
            item.id, say(item.title, visit.language)[0],
            say(item.publisher.name, visit.language)[0] if item.publisher else "", " ".join(item.themes), item.licence,
            item.access, item.frequency, item.modified.isoformat() if item.modified else "",
            item.rows if item.rows is not None else "", f"/datasets/{item.id}",
        ]  # fmt: skip
        writer.writerow(
            [f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell for cell in row]
        )
    headers = {"Content-Disposition": 'attachment; filename="datasets.csv"', "X-Content-Type-Options": "nosniff"}
    return Response(out.getvalue(), 200, headers, "text/csv; charset=utf-8")
