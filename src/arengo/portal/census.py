"""Which applications the city has and what they hand to each other: the picture, the lists, one application."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo.errors import NotAllowed, NotFound
from arengo.portal import census_sheet, wheel
from arengo.portal.census_sheet import keeps
from arengo.portal.reuse import title as dataset_title
from arengo.portal.site import Site
from arengo.portal.visit import HEADERS, Visit
from arengo.services import census as services
from arengo.services.census import (
    PLATFORM,
    PRIVATE,
    VIEWS,
    WAYS,
    Application,
    Exchange,
    Figures,
    Line,
    Register,
    book,
)
from arengo.services.census.saving import SPAN

MOST_SPOKES = 200
"""More applications than names find room around a circle; then departments stand there."""
MOST_NUMBERED = 36
ON_PAGE = 50


def routes(site: Site) -> list[BaseRoute]:
    shown = {
        "/census": page,
        "/census.xlsx": as_book,
        "/census/applications.csv": as_csv,
        "/census/exchanges.csv": as_csv,
        "/census/template.xlsx": census_sheet.template,
        "/census/sheet": census_sheet.form,
        "/census/sheet/{batch}": census_sheet.preview,
        "/census/{application}": single,
    }
    taken = {"/census/sheet": census_sheet.send, "/census/sheet/{batch}": census_sheet.decide}
    return [
        *(Route(path, site.serve(answer), methods=["GET", "HEAD"]) for path, answer in shown.items()),
        *(Route(path, site.take(answer, census_sheet.MOST), methods=["POST"]) for path, answer in taken.items()),
    ]


# What is shown


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of the bar of ways. ``x`` and ``width`` in hundredths of the bar."""

    way: str
    word: str
    count: str
    share: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange in words."""

    source: str
    source_href: str
    target: str
    target_href: str
    what: str
    way: str
    way_word: str
    frequency: str
    volume: str
    personal: str
    dataset: str
    dataset_href: str
    note: str


def page(visit: Visit) -> Response:
    """``/census?view=&organisation=&way=&page=``."""
    may_see(visit)
    site, _ = visit.site, visit._
    register = site.census.register()
    saved = services.spared(site.state, published(visit), visit.now)
    known = visit.unchanged(register.mark, site.catalogue.generation, keeps(visit), saved)
    if known:
        return known
    view = visit.param("view") if visit.param("view") in VIEWS else VIEWS[0]
    organisation, way = visit.param("organisation"), visit.param("way")
    organisation = organisation if organisation in register.organisations else ""
    way = way if way in WAYS else ""
    shown = chosen(register, organisation, way)
    numbers = services.figures(register, published(visit))
    rows = sorted(
        shown.exchanges.values(), key=lambda item: (_name(register, item.source), _name(register, item.target))
    )
    pages = max(1, -(-len(rows) // ON_PAGE))
    number = min(pages, max(1, int(visit.param("page")))) if visit.param("page").isdigit() else 1
    values = {
        "register": register,
        "shown": shown,
        "numbers": numbers,
        "shares": bar(visit, numbers),
        "headline": headline(visit, numbers),
        "view": view,
        "views": [(name, word, visit.here(view=None if name == VIEWS[0] else name, page=None))
                  for name, word in view_words(visit).items()],
        "view_words": _view_sentence(visit, view, numbers),
        "organisation": organisation,
        "way": way,
        "ways": way_words(visit),
        **pictures(visit, shown, view),
        "rows": [row_of(visit, register, item) for item in rows[(number - 1) * ON_PAGE : number * ON_PAGE]],
        "page": number,
        "pages": pages,
        "applications": _applications(visit, shown),
        "saved": [
            (dataset_title(visit, item.dataset), visit.link("datasets", item.dataset), item) for item in saved[:12]
        ],
        "saved_total": sum(item.spared for item in saved),
        "span": SPAN,
        "keeps": keeps(visit),
        "batches": site.census.batches(5) if keeps(visit) else (),
        "unknown": _unknown(visit, register),
    }  # fmt: skip
    return visit.page("census.html", values)


def single(visit: Visit) -> Response:
    """``/census/{application}``: its facts, its exchanges, its part of the picture."""
    may_see(visit)
    site, _ = visit.site, visit._
    register = site.census.register()
    item = register.applications.get(visit.request.path_params["application"])
    if item is None:
        raise NotFound("There is no such application in the census.", todo="See the list at /census.")
    known = visit.unchanged(register.mark, site.catalogue.generation, keeps(visit))
    if known:
        return known
    mine = {one.id: one for one in register.of(item.id)}
    near = {end for one in mine.values() for end in (one.source, one.target)} | {item.id}
    around = Register({key: register.applications[key] for key in near if key in register.applications}, mine)
    gives = [row_of(visit, register, one) for one in mine.values() if one.source == item.id]
    receives = [row_of(visit, register, one) for one in mine.values() if one.target == item.id]
    values = {
        "item": item,
        "facts": facts(visit, item),
        "gives": sorted(gives, key=lambda row: row.target),
        "receives": sorted(receives, key=lambda row: row.source),
        "keeps": keeps(visit),
        **pictures(visit, around, "today", item.id),
    }
    return visit.page("census_application.html", values)


def as_book(visit: Visit) -> Response:
    """``/census.xlsx``."""
    may_see(visit)
    content = book.as_book(visit.site.census.register(), visit.language, whole=keeps(visit))
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="census.xlsx"'}
    return Response(content, 200, headers, book.MEDIA)


def as_csv(visit: Visit) -> Response:
    """``/census/applications.csv`` and ``/census/exchanges.csv``."""
    may_see(visit)
    kind = visit.request.url.path.rpartition("/")[2].removesuffix(".csv")
    text = book.as_csv(visit.site.census.register(), kind, visit.language, whole=keeps(visit))
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{kind}.csv"'}
    return Response("\ufeff" + text, 200, headers, "text/csv; charset=utf-8")


def may_see(visit: Visit) -> None:
    """Raises NotAllowed when the census is not shown to whoever asks."""
    if not visit.settings.census.public and not keeps(visit) and not visit.caller.roles:
        raise NotAllowed(
            f"{visit.settings.city.name} shows the census of its applications only to people of its departments.",
            todo="Sign in first.",
        )


def published(visit: Visit) -> frozenset[str]:
    """Ids of the city's datasets that have a version."""
    return frozenset(entry.id for entry in visit.site.catalogue.entries(limit=None).items if entry.version)


def chosen(register: Register, organisation: str, way: str) -> Register:
    """The part of the census that a filter leaves, with the other ends of its exchanges."""
    if not organisation and not way:
        return register
    mine = {key for key, item in register.applications.items() if not organisation or item.organisation == organisation}
    exchanges = {
        key: item
        for key, item in register.exchanges.items()
        if (not way or item.way == way) and (not organisation or item.source in mine or item.target in mine)
    }
    ends = {end for item in exchanges.values() for end in (item.source, item.target)}
    keep = ends | (mine if organisation and not way else set())
    return Register({key: item for key, item in register.applications.items() if key in keep}, exchanges)


# Pictures


def pictures(visit: Visit, shown: Register, view: str, picked: str = "") -> dict[str, Any]:
    """The wheel for a desk and the one for a telephone, with what stands in its numbered list."""
    lines = services.lines(shown.exchanges.values(), published(visit), view)
    today = services.lines(shown.exchanges.values(), (), "today")  # what stands where is the same in every picture
    single = (wheel.order(_spokes(visit, shown), _threads(visit, shown, today)), _threads(visit, shown, lines))
    grouped = single
    if len(shown.applications) > MOST_NUMBERED:
        departments, between = _grouped(visit, shown, lines)
        grouped = (wheel.order(departments, _grouped(visit, shown, today)[1]), between)
    large = single if len(shown.applications) <= MOST_SPOKES else grouped
    little = wheel.narrow(*grouped, picked) if len(grouped[0]) <= 60 else None
    return {
        "wide": wheel.wide(*large, picked) if shown.applications else None,
        "narrow": little if shown.applications else None,
        "by_department": grouped is not single,
        "wide_by_department": large is not single,
        "legend": [(way, word) for way, word in way_words(visit).items() if any(line.way == way for line in lines)],
        "picture_words": visit.speech.many(
            "%(n)s line between %(applications)s applications",
            "%(n)s lines between %(applications)s applications",
            len(lines),
            applications=visit.speech.number(len(shown.applications)),
        ),
    }


def _spokes(visit: Visit, shown: Register) -> list[wheel.Spoke]:
    gives = Counter(item.source for item in shown.exchanges.values())
    takes = Counter(item.target for item in shown.exchanges.values())
    return [
        wheel.Spoke(
            key,
            item.name,
            item.organisation,
            visit.link("census", key),
            visit._(
                "%(name)s, %(department)s: gives %(gives)s, receives %(receives)s",
                name=item.name, department=item.organisation, gives=gives[key], receives=takes[key],
            ),
        )
        for key, item in shown.applications.items()
    ]  # fmt: skip


def _threads(visit: Visit, shown: Register, lines: Iterable[Line]) -> list[wheel.Thread]:
    names = {key: item.name for key, item in shown.applications.items()} | {PLATFORM: visit.settings.city.name}
    words = way_words(visit)
    return [
        wheel.Thread(
            line.source,
            line.target,
            line.way,
            len(line.exchanges),
            f"{names.get(line.source, line.source)} → {names.get(line.target, line.target)}: {words.get(line.way, '')}"
            + (f" ({len(line.exchanges)})" if len(line.exchanges) > 1 else ""),
        )
        for line in lines
    ]


def _grouped(visit: Visit, shown: Register, lines: Iterable[Line]) -> tuple[list[wheel.Spoke], list[wheel.Thread]]:
    """Departments instead of applications."""
    of = {key: item.organisation for key, item in shown.applications.items()} | {PLATFORM: PLATFORM}
    held: Counter[tuple[str, str, str]] = Counter()
    for line in lines:
        a, b = of.get(line.source, ""), of.get(line.target, "")
        if a and b and a != b:
            held[a, b, line.way] += len(line.exchanges)
    count = Counter(item.organisation for item in shown.applications.values())
    spokes = [
        wheel.Spoke(
            name,
            name,
            "",
            visit.here(organisation=name, page=None),
            visit.speech.many("%(name)s: %(n)s application", "%(name)s: %(n)s applications", n, name=name),
        )
        for name, n in count.items()
    ]
    names = {PLATFORM: visit.settings.city.name}
    words = way_words(visit)
    threads = [
        wheel.Thread(a, b, way, n, f"{names.get(a, a)} → {names.get(b, b)}: {words.get(way, '')} ({n})")
        for (a, b, way), n in held.items()
    ]
    return spokes, threads


# Words


def way_words(visit: Visit) -> dict[str, str]:
    _ = visit._
    return {
        "by-hand": _("by hand"),
        "by-file": _("as a file"),
        "by-api": _("program to program (API)"),
        "through-platform": _("through the platform"),
    }


def view_words(visit: Visit) -> dict[str, str]:
    _ = visit._
    return {
        "today": _("Today"),
        "published": _("With what is published"),
        "all": _("If everything passed here"),
    }


def kind_words(visit: Visit) -> dict[str, str]:
    _ = visit._
    return {
        "application": _("application"),
        "database": _("database"),
        "files": _("files"),
        "service": _("service"),
        "external": _("of another body"),
    }


def headline(visit: Visit, numbers: Figures) -> str:
    """What the figures say, in one sentence."""
    carried = numbers.ways["by-hand"] + numbers.ways["by-file"]
    return visit.speech.many(
        "%(share)s of the exchanges are still carried by hand or as files: %(n)s of %(all)s.",
        "%(share)s of the exchanges are still carried by hand or as files: %(n)s of %(all)s.",
        carried,
        share=visit.speech.percent(numbers.share("by-hand", "by-file"), 0),
        all=visit.speech.number(numbers.exchanges),
    )


def _view_sentence(visit: Visit, view: str, numbers: Figures) -> str:
    n = numbers.lines[view]
    if view == "today":
        return visit.speech.many("%(n)s line, as the departments say it.", "%(n)s lines, as the departments say it.", n)
    before = visit.speech.number(numbers.lines["today"])
    if view == "published":
        return visit.speech.many(
            "%(n)s line instead of %(before)s: what is published here goes once to the platform, then to all.",
            "%(n)s lines instead of %(before)s: what is published here goes once to the platform, then to all.",
            n, before=before,
        )  # fmt: skip
    return visit.speech.many(
        "%(n)s line instead of %(before)s, were every exchange a dataset.",
        "%(n)s lines instead of %(before)s, were every exchange a dataset.",
        n, before=before,
    )  # fmt: skip


def bar(visit: Visit, numbers: Figures) -> list[Part]:
    """The ways as parts of one bar."""
    words, out, x = way_words(visit), [], 0.0
    for way in WAYS:
        n = numbers.ways[way]
        width = 100 * numbers.share(way)
        if n:
            share = visit.speech.percent(numbers.share(way), 0)
            out.append(Part(way, words[way], visit.speech.number(n), share, round(x, 2), round(width, 2)))
        x += width
    return out


def row_of(visit: Visit, register: Register, item: Exchange) -> Row:
    known = item.dataset in published(visit) if item.dataset else False
    return Row(
        _name(register, item.source),
        visit.link("census", item.source),
        _name(register, item.target),
        visit.link("census", item.target),
        item.what,
        item.way,
        way_words(visit).get(item.way, item.way),
        item.frequency,
        item.volume,
        _yes_no(visit, item.personal),
        dataset_title(visit, item.dataset) if known else item.dataset,
        visit.link("datasets", item.dataset) if known else "",
        item.note if keeps(visit) else "",
    )


def facts(visit: Visit, item: Application) -> list[tuple[str, str]]:
    """What is known of an application; (label, text)."""
    _, say = visit._, visit.speech
    critical = {"low": _("low"), "medium": _("medium"), "high": _("high")}
    said: list[tuple[str, str, str]] = [
        ("organisation", _("Department"), item.organisation),
        ("kind", _("Kind"), kind_words(visit)[item.kind]),
        ("vendor", _("Made by"), item.vendor),
        ("databases", _("Databases"), item.databases),
        ("personal", _("Personal data"), _yes_no(visit, item.personal)),
        ("technology", _("Technology"), item.technology),
        ("hosting", _("Runs at"), item.hosting),
        ("criticality", _("Criticality"), critical.get(item.criticality, "")),
        ("contract_ends", _("Contract ends"), say.date(item.contract_ends, "long") if item.contract_ends else ""),
        ("contact", _("Whom to ask"), item.contact),
        ("note", _("Note"), item.note),
    ]
    return [(label, text) for name, label, text in said if text and (keeps(visit) or name not in PRIVATE)]


def _applications(visit: Visit, shown: Register) -> list[dict[str, str]]:
    gives = Counter(item.source for item in shown.exchanges.values())
    takes = Counter(item.target for item in shown.exchanges.values())
    kinds = kind_words(visit)
    ordered = sorted(shown.applications.values(), key=lambda one: (one.organisation.casefold(), one.name.casefold()))
    return [
        {
            "name": item.name,
            "href": visit.link("census", item.id),
            "organisation": item.organisation,
            "kind": kinds[item.kind],
            "personal": _yes_no(visit, item.personal),
            "gives": visit.speech.number(gives[item.id]),
            "receives": visit.speech.number(takes[item.id]),
            "ends": visit.speech.date(item.contract_ends) if item.contract_ends else "",
        }
        for item in ordered
    ]


def _unknown(visit: Visit, register: Register) -> list[str]:
    """Ids of datasets that exchanges name and nobody publishes."""
    known = published(visit)
    return sorted({item.dataset for item in register.exchanges.values() if item.dataset} - known)


def _yes_no(visit: Visit, value: bool | None) -> str:
    return "" if value is None else visit._("yes") if value else visit._("no")


def _name(register: Register, key: str) -> str:
    held: Mapping[str, Application] = register.applications
    return held[key].name if key in held else key
