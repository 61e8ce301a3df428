"""What the catalogue has for a question: words, facets, order, pages; the same list for a theme and an office.

The address is the state: every facet is a link, every chip takes one off. Nothing needs a script.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from urllib.parse import quote, urlencode

from starlette.responses import Response

from arengo.catalogue import FacetCount, Found, Hit, Record, Snippet, Wanted, say
from arengo.catalogue.snippet import marked
from arengo.catalogue.vocabulary import FILE_TYPES
from arengo.errors import BadQuery, UnknownDataset
from arengo.portal import atom
from arengo.portal.cells import written
from arengo.portal.figure import glyph
from arengo.portal.visit import Visit
from arengo.portal.vocabulary import frequency_name, licence_name, theme_name

ON_PAGE = 20
LONGEST = 500
"""Characters of words; they stand in every link of the page."""
MOST_PAGES = 2500
SHOWN = ("theme", "owner", "format", "licence", "access", "frequency", "tag", "kind", "source", "hvd")
ORDERS = ("relevance", "title", "updated", "created")
FEW = 6
RECENT = (7, 30, 365)
"""Days that one may narrow the list to."""
FED = 50

Parts = tuple[tuple[str, bool], ...]
"""Pieces of a text, each with whether it is one of the words asked for."""


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
    """One dataset in the list. ``foreign``, ``said``: languages of title and summary when they are not the page's."""

    record: Record
    href: str
    title: Parts
    foreign: str
    summary: Parts
    said: str
    owner: str
    glyph: str
    snippets: tuple[Snippet, ...]
    formats: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a page narrows the list to by its own address: a theme, an office or nothing.

    ``trail``: (words, address) of the pages above it. ``facts``: (term, value) pairs. ``changes``: what moved lately.
    ``mark``: what the page depends on beside the catalogue.
    """

    heading: str
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    about: str = ""
    email: str = ""
    homepage: str = ""
    feed: str = "/feeds/catalog.atom"
    follow: str = ""
    trail: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    changes: tuple[object, ...] = ()
    mark: object = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the address asks: words, chosen facets, a column's name, how new, where."""

    q: str
    chosen: Mapping[str, tuple[str, ...]]
    column: str
    since: str
    bbox: tuple[float, float, float, float] | None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Everything but the words, as parameters."""
        found = [(name, value) for name, values in self.chosen.items() for value in values]
        found += [("column", self.column)] if self.column else []
        found += [("since", self.since)] if self.since else []
        return found + ([("bbox", ",".join(f"{side:g}" for side in self.bbox))] if self.bbox else [])

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.pairs)


def datasets(visit: Visit) -> Response:
    """``/datasets?q=&theme=&owner=...``."""
    return page(visit, Scope(visit._("Datasets")))


def suggestions(visit: Visit) -> Response:
    """``/api/v1/suggest?q=&lang=``: what may be meant by what was typed so far."""
    import orjson

    found = visit.site.catalogue.suggest(visit.param("q")[:100], visit.language, 8)
    kinds = {
        "dataset": visit._("dataset"), "theme": visit._("theme"), "owner": visit._("office"),
        "column": visit._("column"), "word": visit._("word"),
    }  # fmt: skip
    items = [
        {"kind": item.kind, "label": kinds[item.kind], "text": item.text, "href": item.href, "detail": item.detail}
        for item in found
    ]
    headers = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Language"}
    return Response(orjson.dumps({"items": items}), 200, headers, "application/json")


def asked(visit: Visit) -> Question:
    """What the address asks. Raises BadQuery for a box or a day that is not one."""
    chosen = {name: tuple(value for key, value in visit.pairs if key == name and value.strip())[:20] for name in SHOWN}
    if len(visit.param("q")) > LONGEST:
        raise BadQuery(f"The words have more than {LONGEST} characters.", todo="Write fewer.")
    since = visit.param("since")
    if since:
        try:
            date.fromisoformat(since)
        except ValueError:
            raise BadQuery(f"since is {since[:20]!r}.", todo="Write a day as 2026-09-23.") from None
    return Question(visit.param("q"), chosen, visit.param("column")[:100], since, _box(visit.param("bbox")))


def page(visit: Visit, scope: Scope) -> Response:
    """The list within ``scope``; as a table with ``f=csv``, as a feed with ``f=atom``."""
    catalogue = visit.site.catalogue
    known = visit.unchanged(catalogue.generation, catalogue.harvested, scope.mark)
    if known:
        return known
    question = asked(visit)
    q = question.q
    order = visit.param("order") if visit.param("order") in ORDERS else "relevance"
    number = visit.param("page")
    at = min(int(number), MOST_PAGES) if number.isdecimal() and int(number[:9]) >= 1 else 1
    wanted = Wanted(
        q,
        visit.language,
        {**question.chosen, **scope.only},
        bbox=question.bbox,
        since=question.since,
        order=order if q else ("title" if order == "relevance" else order),
        start=(at - 1) * ON_PAGE,
        limit=ON_PAGE,
        facets=SHOWN,
        facet_limit=24,
        where=("words", question.column, "column_") if question.column else (),
    )
    if visit.param("f") == "csv":
        return _csv(visit, wanted)
    if visit.param("f") == "atom":
        return _feed(visit, scope, wanted)
    found = catalogue.search(wanted)
    pages = max(1, -(-found.total // ON_PAGE))
    values = {
        "scope": scope,
        "q": q,
        "question": question,
        "order": order,
        "orders": _orders(visit, q),
        "found": found,
        "count_words": visit.speech.many("%(n)s dataset", "%(n)s datasets", found.total),
        "lines": [line(visit, hit, found.corrected or q) for hit in found.hits],
        "facets": _facets(visit, found, question.chosen, scope),
        "recent": _recent(visit, question.since),
        "chips": _chips(visit, question),
        "here": visit.request.url.path,
        "page": at,
        "pages": pages,
        "before": visit.here(page=at - 1 if at > 2 else None) if at > 1 else "",
        "after": visit.here(page=at + 1) if at < pages else "",
        "csv": visit.here(f="csv", page=None),
        "feed": visit.here(f="atom", page=None, order=None) if question.narrowed else scope.feed,
        "follow": _follow(scope, question),
        "ways": _ways(visit, wanted, question) if not found.hits else [],
    }
    return visit.page("results.html", values)


def _ways(visit: Visit, wanted: Wanted, question: Question) -> list[tuple[str, str]]:
    """(words, address) of nearby questions that do have an answer."""
    catalogue, say = visit.site.catalogue, visit.speech
    out = []

    def add(words: str, href: str, one: Wanted) -> None:
        total = catalogue.search(replace(one, start=0, limit=0, facets=())).total
        if total:
            out.append((f"{words}: {say.many('%(n)s dataset', '%(n)s datasets', total)}", href))

    path = visit.request.url.path
    if question.q and question.pairs:
        bare = replace(wanted, only={}, bbox=None, since="", where=())
        add(
            visit._("“%(words)s” without the choices", words=question.q),
            f"/datasets?{urlencode({'q': question.q})}",
            bare,
        )
    if question.q and question.pairs:
        add(visit._("The choices without the words"), f"{path}?{urlencode(question.pairs)}", replace(wanted, words=""))
    words = question.q.split()
    if 1 < len(words) <= 6:
        for word in dict.fromkeys(words):
            alone = replace(wanted, words=word, only={}, bbox=None, since="", where=())
            add(visit._("Only “%(word)s”", word=word), f"/datasets?{urlencode({'q': word})}", alone)
    if question.column:
        free = replace(wanted, words=question.column, only={}, bbox=None, since="", where=())
        href = f"/datasets?{urlencode({'q': question.column})}"
        add(visit._("“%(words)s” anywhere, not only in columns", words=question.column), href, free)
    return out


def _recent(visit: Visit, since: str) -> list[tuple[str, str, bool]]:
    """(words, address, chosen) of the days one may narrow the list to."""
    today = visit.speech.local(visit.now).date()
    out = []
    for days in RECENT:
        day = (today - timedelta(days=days)).isoformat()
        words = visit.speech.many("in the last %(n)s day", "in the last %(n)s days", days)
        out.append((words, visit.here(since=None if since == day else day, page=None), since == day))
    return out


def _follow(scope: Scope, question: Question) -> str:
    """Where one is told of what is new in this list; '' when it is the list of everything."""
    topic, _colon, value = scope.follow.partition(":")
    pairs = [(name, item) for name, items in question.chosen.items() for item in items]
    pairs = [("q", question.q), *pairs] if question.q else pairs
    if pairs:
        fixed = [(name, item) for name, items in scope.only.items() for item in items]
        topic, value = "search", urlencode([*pairs, *fixed])
    return f"/follow?{urlencode({'topic': topic, 'value': value})}" if topic else ""


def line(visit: Visit, hit: Hit, words: str = "") -> Line:
    """One dataset of a list; ``words`` are marked where they stand."""
    record = hit.record
    title, spoken = say(record.title, visit.language)
    summary, tongue = say(record.description, visit.language)
    summary = written(summary)[:300]
    parts: Parts = ((summary, False),) if summary else ()
    parts = next((item.parts for item in hit.snippets if item.field == "description" and summary), parts)
    formats = dict.fromkeys(
        FILE_TYPES[item.format].name if item.format in FILE_TYPES else item.format
        for item in record.distributions
        if item.format
    )
    return Line(
        record,
        visit.link("series" if record.kind == "series" else "datasets", record.id),
        marked(title, words, spoken) if words else ((title, False),),
        spoken if spoken != visit.language else "",
        parts,
        tongue if summary and tongue != visit.language else "",
        say(record.publisher.name, visit.language)[0] if record.publisher else "",
        _glyph(visit, record),
        tuple(item for item in hit.snippets if item.field != "description"),
        ", ".join(list(formats)[:6]),
    )


def _glyph(visit: Visit, record: Record) -> str:
    """map | line | table | documents | '' for what others hold."""
    if not record.local or record.kind == "series":
        return ""
    if record.kind == "documents":
        return "documents"
    try:
        return glyph(visit.site.catalogue.entry(record.id).contract)
    except UnknownDataset:
        return ""


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
        if not chosen[name] and all(item.count == found.total for item in items):
            continue  # every one of them has all of these
        usual = name in ("theme", "owner", "access")
        out.append(Facet(name, titles[name], tuple(choices[:FEW]), tuple(choices[FEW:]), usual or bool(chosen[name])))
    return out


def _with(visit: Visit, name: str, value: str, held: tuple[str, ...]) -> str:
    """This page's address with a value of a facet chosen, or taken off."""
    pairs = [(key, item) for key, item in visit.pairs if key not in ("page", "f")]
    pairs = [pair for pair in pairs if pair != (name, value)] if value in held else [*pairs, (name, value)]
    path = quote(visit.request.url.path)
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _chips(visit: Visit, question: Question) -> list[tuple[str, str, str]]:
    """(facet, value, address without it)."""
    titles = _titles(visit)
    out = [
        (titles[name], _label(visit, name, value), _with(visit, name, value, values))
        for name, values in question.chosen.items()
        for value in values
    ]
    if question.column:
        out.append((visit._("Has a column like"), question.column, visit.here(column=None, page=None)))
    if question.since:
        day = visit.speech.date(date.fromisoformat(question.since))
        out.append((visit._("Updated since"), day, visit.here(since=None, page=None)))
    if question.bbox:
        out.append((visit._("Place"), visit._("in a part of the map"), visit.here(bbox=None, page=None)))
    return out


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


def _feed(visit: Visit, scope: Scope, wanted: Wanted) -> Response:
    """The newest of the result, to be told of what comes."""
    found = visit.site.catalogue.search(replace(wanted, order="updated", start=0, limit=FED, facets=()))
    entries = [
        atom.Entry(
            visit.link("datasets", hit.record.id),
            say(hit.record.title, visit.language)[0],
            written(say(hit.record.description, visit.language)[0])[:300],
            hit.record.modified,
            say(hit.record.publisher.name, visit.language)[0] if hit.record.publisher else "",
        )
        for hit in found.hits
        if hit.record.modified is not None
    ]
    words = ", ".join(
        dict.fromkeys(part for part in (scope.heading, wanted.words, *_chosen_words(visit, wanted)) if part)
    )
    page = visit.here(f=None)
    return atom.feed(visit, visit.here(), page, f"{visit.settings.city.name}: {words}", entries)


def _chosen_words(visit: Visit, wanted: Wanted) -> Sequence[str]:
    return [_label(visit, name, value) for name, values in wanted.only.items() for value in values]
