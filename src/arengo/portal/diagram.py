"""Charts of one dataset: the leading one, and one for each column, drawn and set with source and version."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from arengo.contract.model import Kind
from arengo.errors import NotAcceptable, OperatorError
from arengo.portal import charts
from arengo.portal.cells import Head, Writer, yearly
from arengo.portal.charts import Chart, Plot, Series
from arengo.portal.dossier import Dossier
from arengo.portal.drawing import standalone
from arengo.portal.figure import FEW, Choice, _bucket, _moment, quantities
from arengo.portal.visit import HEADERS, Visit
from arengo.query import notation
from arengo.query.model import Aggregate, Expr, Group, Order, Query

ON_PAGE = 12
MOST_POINTS = 5000
LINES = 4
FETCHED = 60  # names asked for, so that a total among them is known by its sum


def page(visit: Visit) -> Response:
    """``/datasets/{id}/charts``: one chart for each column that has something to draw."""
    from arengo.portal import gallery

    d = Dossier(visit, visit.request.path_params["dataset"])
    kept = gallery.every(visit, d.id)
    known = visit.unchanged(*d.mark, [(item.id, item.stamp) for item in kept])
    if known:
        return known
    drawable, silent = [], []
    for head in d.heads:
        why = _silent(d, head)
        if why is None:
            drawable.append(head)
        elif why:
            silent.append((head.label, why))
    pages = max(1, -(-len(drawable) // ON_PAGE))
    number = min(pages, max(1, int(visit.param("page") or 1) if visit.param("page").isdigit() else 1))
    drawn = []
    for head in drawable[(number - 1) * ON_PAGE : number * ON_PAGE]:
        plot = column(d, head)
        if plot is not None:
            drawn.append(finish(d, plot, visit.link("datasets", d.id, "charts", head.name), width=charts.MIDDLE))
    values = {"d": d, "tab": "charts", "tab_title": visit._("Charts"), "charts": drawn, "silent": silent}
    values["kept"] = [gallery.small(visit, item) for item in kept[:6]]
    return visit.page("charts.html", {**values, "page": number, "pages": pages})


def single(visit: Visit) -> Response:
    """``/datasets/{id}/charts/{column}`` and the same with ``.svg``: one chart, large, or as a file."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    name = visit.request.path_params["column"]
    file = name.endswith(".svg") and name not in d.view.scope.fields
    name = name.removesuffix(".svg") if file else name
    d.view.scope.field(name)
    known = visit.unchanged(*d.mark)
    if known:
        return known
    head = d.head(name)
    plot = column(d, head) if _silent(d, head) is None else None
    if plot is None:
        raise NotAcceptable(f"{head.label} has nothing a chart could show.", todo="See the table instead.")
    if file:
        svg = standalone(svg_of(d, plot.spec(charts.WIDE)), visit.settings.city.accent)
        headers = {**HEADERS, "ETag": visit._tag, "Content-Disposition": f'attachment; filename="{d.id}-chart.svg"'}
        return Response(svg, media_type="image/svg+xml", headers=headers)
    made = finish(d, plot, opened=True, file=visit.link("datasets", d.id, "charts", f"{name}.svg"))
    return visit.page("chart.html", {"d": d, "tab": "charts", "tab_title": head.label, "chart": made})


def finish(
    d: Dossier, plot: Plot, link: str = "", *, width: int = charts.WIDE, opened: bool = False, file: str = ""
) -> Chart:
    """The plot drawn for a page of ``width`` and for a phone, with source and version."""
    drawn = [svg_of(d, plot.spec(size)) for size in (width, charts.NARROW)]
    wide, narrow = (Markup(svg) for svg in drawn)  # noqa: S704 - made by our own drawing process, texts escaped there
    opened = opened or not wide  # without a drawing the numbers stand there by themselves
    return Chart(
        plot.title, plot.sub, wide, narrow, plot.heads, plot.rows, d.source, d.version_words, file, opened, link
    )


def svg_of(d: Dossier, spec: Mapping[str, Any]) -> str:
    place = f"{d.id}/{d.shown.number}"
    try:
        return d.visit.site.studio.draw(spec, d.speech.vega(), place)
    except OperatorError:
        return ""  # the table beside it says the same


def lead(d: Dossier, choice: Choice) -> Plot | None:
    """The chart that says first what the dataset holds."""
    if choice.kind == "line":
        return over_time(d, choice)
    if choice.function in ("value", "sum"):
        return by_name(d, choice)
    return column(d, d.head(choice.category))


def over_time(d: Dossier, choice: Choice) -> Plot | None:
    """Lines over time, asked from the door as groups."""
    _ = d.visit._
    group = Group(choice.time, "" if d.head(choice.time).kind is Kind.INTEGER else choice.bucket)
    totals = _totals(d)
    parts = [part for part in _top(d, choice.category) if part[0] not in totals.get(choice.category, ())][:LINES]
    aggregate = Aggregate(choice.function, choice.measure)
    query = Query(
        d.id,
        filter=notation.both(
            {"op": "in", "args": [{"property": choice.category}, [value for value, _n in parts]]} if parts else None,
            _apart_from(totals),
        ),
        group_by=(group, Group(choice.category)) if parts else (group,),
        aggregates=(aggregate,),
        order_by=(Order(group.name),),
        limit=MOST_POINTS,
        as_of=d.visit.as_of,
    )
    held: dict[str, list[tuple[Any, float | None]]] = {str(value): [] for value, _n in parts} or {"": []}
    for row in d.visit.door.ask(query).rows():
        at = charts.moment(row[0], choice.bucket)
        if at is not None:
            held[str(row[1]) if parts else ""].append((at, None if row[-1] is None else float(row[-1])))
    left_ends = _partly(d, choice, {at for points in held.values() for at, _value in points})
    held = {name: [point for point in points if point[0] not in left_ends] for name, points in held.items()}
    series = [Series(name, tuple(points)) for name, points in held.items() if points]
    if not series or max(len(item.points) for item in series) < 2:
        return None
    left_out = sorted({name for names in totals.values() for name in names})
    said = _("Totals are left out: %(names)s", names=", ".join(left_out)) if left_out else ""
    if left_ends:
        names = ", ".join(charts.period(d.speech, at, choice.bucket) for at in left_ends)
        said = ". ".join(part for part in (said, _("Not whole, so left out: %(names)s", names=names)) if part)
    if not choice.measure:
        sub = _by_column(d, choice.time)
        return charts.lines(
            d.speech, _by(d, _("Rows"), choice.bucket), series, bucket=choice.bucket, measure=_("Rows"),
            sub=f"{sub}. {said}" if said else sub, decimals=0,
        )  # fmt: skip
    head = d.head(choice.measure)
    total = choice.function == "sum"
    how = _("Sum") if total else _("Average")
    measure = _("%(how)s, in %(unit)s", how=how, unit=head.unit) if head.unit else how
    note = ""
    if parts and len(parts) == LINES:
        others = int(d.profile.get("columns", {}).get(choice.category, {}).get("distinct") or 0) - LINES
        if others > 0:
            note = d.speech.many("%(n)s other is not drawn", "%(n)s others are not drawn", others)
    title = _by(d, head.label, choice.bucket)
    sub = ". ".join(part for part in (measure, note, said) if part)
    return charts.lines(
        d.speech, title, series, bucket=choice.bucket, measure=head.label, unit=head.unit, sub=sub
    )  # fmt: skip


WHOLE = 0.75  # of a day, month or year that the rows must reach over


def _partly(d: Dossier, choice: Choice, moments: set[Any]) -> list[Any]:
    """The first and last day, month or year when the rows begin or end inside it: its sum or average would mislead."""
    measured = d.profile.get("columns", {}).get(choice.time, {})
    start, end = _moment(measured.get("min")), _moment(measured.get("max"))
    if start is None or end is None or len(moments) < 6 or choice.bucket not in ("day", "month", "year"):
        return []
    if (measured.get("distinct") or 0) <= 1.5 * len(moments):
        return []  # one row a bucket: what there is of it is the whole
    whole = 1 if d.head(choice.time).kind is Kind.DATE else 0  # a date means all of its day
    first, last = min(moments), max(moments)
    missing = (start - _start(first)).total_seconds() / 86_400
    reached = (end - _start(last)).total_seconds() / 86_400 + whole
    found = [first] if missing > (1 - WHOLE) * _length(first, choice.bucket) else []
    return [*found, last] if 0 <= reached < WHOLE * _length(last, choice.bucket) else found


def _start(at: Any) -> datetime:
    return datetime(at.year, at.month, at.day)


def _length(at: Any, bucket: str) -> int:
    """Days of a day, month or year."""
    return {"day": 1, "month": monthrange(at.year, at.month)[1], "year": 365}[bucket]


def by_name(d: Dossier, choice: Choice) -> Plot | None:
    """A measure by name, largest first: one bar a row of a short table, or the sum of each category."""
    if choice.function == "sum":
        query = Query(
            d.id,
            group_by=(Group(choice.category),),
            aggregates=(Aggregate("sum", choice.measure),),
            order_by=(Order(f"sum_{choice.measure}", True),),
            filter=_apart_from({name: found for name, found in _totals(d).items() if name != choice.category}),
            limit=FETCHED,
            as_of=d.visit.as_of,
        )
        whole = int(d.profile.get("columns", {}).get(choice.category, {}).get("distinct") or 0)
    else:
        query = Query(
            d.id,
            select=(choice.category, choice.measure),
            order_by=(Order(choice.measure, True),),
            limit=FETCHED,
            as_of=d.visit.as_of,
        )
        whole = d.version.rows if d.version else 0
    pairs = [(str(name), float(value)) for name, value in d.visit.door.ask(query).rows() if value is not None]
    pairs, left_out = _without_totals(d, pairs)
    if not pairs:
        return None
    whole -= len(left_out)
    pairs = pairs[: charts.MOST_BARS]
    name, measure = d.head(choice.category), d.head(choice.measure)
    left = whole - len(pairs)
    sub = f"{measure.label}{f' ({measure.unit})' if measure.unit else ''}"
    if left > 0:
        sub += ". " + d.visit._("The %(n)s largest are drawn", n=d.speech.number(len(pairs)))
    if left_out:
        sub += ". " + d.visit._("Totals are left out: %(names)s", names=", ".join(left_out))
    return charts.bars(
        d.speech, d.visit._("%(what)s by %(by)s", what=measure.label, by=name.label), pairs,
        category=name.label, measure=measure.label, unit=measure.unit, sub=sub,
    )  # fmt: skip


def column(d: Dossier, head: Head) -> Plot | None:
    """The chart of one column, from the profile; times are asked from the door."""
    found = d.profile.get("columns", {}).get(head.name, {})
    speech, _ = d.speech, d.visit._
    nulls = int(found.get("nulls") or 0)
    sub = speech.many("%(n)s row without a value is left out", "%(n)s rows without a value are left out", nulls)
    sub = sub if nulls else ""
    if head.kind in (Kind.DATE, Kind.TIMESTAMP) or yearly(head):
        item = d.contract.column(head.name)
        bucket = _bucket(item, found) if item else ""
        if not bucket:
            return None
        group = Group(head.name, "" if head.kind is Kind.INTEGER else bucket)
        query = Query(
            d.id, group_by=(group,), aggregates=(Aggregate("count"),), order_by=(Order(group.name),),
            limit=MOST_POINTS, as_of=d.visit.as_of,
        )  # fmt: skip
        points = []
        for value, count in d.visit.door.ask(query).rows():
            at = charts.moment(value, bucket) if value is not None else None
            if at is not None:
                points.append((at, float(count)))
        if len(points) < 2:
            return None
        title = _by(d, head.label, bucket)
        return charts.lines(
            speech, title, [Series("", tuple(points))], bucket=bucket, measure=_("Rows"), sub=sub, decimals=0
        )
    shape = found.get("histogram") or {}
    edges, counts = shape.get("edges") or [], shape.get("counts") or []
    few = int(found.get("distinct") or 0) <= FEW
    if head.numeric and len(counts) > 1 and not few:
        among = sorted({name for names in _totals(d).values() for name in names})
        if among:
            said = _("Totals are among the rows: %(names)s", names=", ".join(among))
            sub = f"{sub}. {said}" if sub else said
        return charts.histogram(
            speech, head.label, edges, counts, label=head.label, unit=head.unit, sub=sub,
            whole=head.kind is Kind.INTEGER and edges[-1] - edges[0] >= len(counts), group=not head.code,
        )  # fmt: skip
    top = found.get("top") or []
    if not top:
        return None
    writer = Writer(speech, [head], [[item["value"]] for item in top])
    pairs = [
        (writer.cell(0, _typed(head, item["value"])).text, float(item["count"]))
        for item in top
        if item["value"] is not None
    ]
    if head.numeric and head.kind is Kind.INTEGER:
        pairs = _in_order(top, pairs)
    pairs, left_out = _without_totals(d, pairs)
    if left_out:
        said = _("Totals are left out: %(names)s", names=", ".join(left_out))
        sub = ". ".join(part for part in (said, sub) if part)
    total = int(found.get("count") or 0)
    shown = sum(int(count) for _label, count in pairs[: charts.MOST_BARS])
    others = int(found.get("distinct") or 0) - len(left_out) - min(len(pairs), charts.MOST_BARS)
    if others > 0 and total > shown:
        left = speech.many("%(n)s other is not drawn", "%(n)s others are not drawn", others)
        sub = ". ".join(part for part in (left, sub) if part)
    return charts.bars(
        speech,
        _("Rows by %(column)s", column=head.label),
        pairs,
        category=head.label,
        measure=_("Rows"),
        sub=sub,
    )


def _in_order(top: Sequence[Mapping[str, Any]], pairs: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Bars of a few whole numbers by number, as on a ruler."""
    values = [item["value"] for item in top if item["value"] is not None]
    if not all(isinstance(value, int) for value in values):
        return list(pairs)
    return [pair for _value, pair in sorted(zip(values, pairs, strict=True), key=lambda both: both[0])]


_TOTAL = re.compile(
    r"[\W_]*(?:(?:sub|grand )?total(?:es|e|i|s|t)?|totaal|gesamt|insgesamt|summe|suma|razem|ogółem|celkem|összesen|"
    r"yhteensä|toplam|genel toplam|итого|всего|разом|всього|σύνολο|합계|총계|소계|합 계|計|合計|総数|总计|合计|總計|"
    r"المجموع|الإجمالي|jumlah|ukupno|skupaj|viso|kopā)[\W_]*",
    re.I,
)


def _doubts_totals(d: Dossier) -> bool:
    """Whether the contract itself says that some rows look like totals of the others."""
    return "total" in str(d.contract.custom.get("arengoDoubt", "")).lower()


def _totals(d: Dossier) -> dict[str, list[str]]:
    """Values that name totals, by column, where the contract says there are such rows."""
    if not _doubts_totals(d):
        return {}
    out = {}
    for item in d.contract.properties:
        top = d.profile.get("columns", {}).get(item.name, {}).get("top") or []
        found = [str(entry["value"]) for entry in top if _TOTAL.fullmatch(str(entry["value"]))]
        if item.kind is Kind.STRING and found:
            out[item.name] = found
    return out


def _apart_from(totals: Mapping[str, Sequence[str]]) -> Expr:
    """The condition that a row is none of the totals."""
    parts: list[Expr] = []
    for name, values in totals.items():
        prop = {"property": name}
        told: Expr = {"op": "not", "args": [{"op": "in", "args": [prop, list(values)]}]}
        parts.append({"op": "or", "args": [{"op": "isNull", "args": [prop]}, told]})
    return notation.both(*parts)


def _without_totals(d: Dossier, pairs: Sequence[tuple[str, float]]) -> tuple[list[tuple[str, float]], list[str]]:
    """The bars without those that sum the others up, and the names of these."""
    rest = sum(value for name, value in pairs if not _TOTAL.fullmatch(name))
    sure = _doubts_totals(d)
    left = [
        name
        for name, value in pairs
        if _TOTAL.fullmatch(name) and (sure or (rest > 0 and 0.99 * rest <= value <= 1.01 * rest))
    ]
    if len(left) == len(pairs):
        return list(pairs), []
    return [pair for pair in pairs if pair[0] not in left], left


def _typed(head: Head, value: Any) -> Any:
    """Values in a profile are JSON: a boolean may come as text."""
    if head.kind is Kind.BOOLEAN and isinstance(value, str):
        return value.lower() in ("true", "1", "t")
    return value


def _silent(d: Dossier, head: Head) -> str | None:
    """Why a column has no chart; '' when that needs no word; None when it has one."""
    _ = d.visit._
    found = d.profile.get("columns", {}).get(head.name, {})
    if head.kind in (Kind.GEOMETRY, Kind.JSON):
        return "" if head.kind is Kind.GEOMETRY else _("structured text")
    if not found or not found.get("count"):
        return _("all values are missing")
    distinct, count = int(found.get("distinct") or 0), int(found["count"])
    if distinct <= 1:
        return _("the same value in every row")
    item = d.contract.column(head.name)
    if item is not None and item.privacy_role == "identifier":
        return _("names persons")
    if head.numeric or head.kind in (Kind.DATE, Kind.TIMESTAMP):
        if head.numeric and not found.get("histogram") and not found.get("top"):
            return _("no profile")
        if head.numeric and item not in quantities(d.contract):
            return _("a code or a coordinate")
        return None
    if yearly(head):
        return None
    if head.kind is Kind.STRING and ((found.get("length") or {}).get("mean") or 0) > 45:
        return d.speech.many("free text, %(n)s different value", "free text, %(n)s different values", distinct)
    if head.key or (distinct > 60 and distinct > count * 0.5):
        return d.speech.many("%(n)s different value", "%(n)s different values", distinct)
    return None if found.get("top") else _("no profile")


def _top(d: Dossier, name: str) -> list[tuple[str, int]]:
    if not name:
        return []
    top = d.profile.get("columns", {}).get(name, {}).get("top") or []
    return [(item["value"], int(item["count"])) for item in top if item["value"] is not None]


def _by(d: Dossier, what: str, bucket: str) -> str:
    _ = d.visit._
    titles = {
        "hour": _("%(what)s by hour", what=what),
        "day": _("%(what)s by day", what=what),
        "week": _("%(what)s by week", what=what),
        "month": _("%(what)s by month", what=what),
        "quarter": _("%(what)s by quarter", what=what),
        "year": _("%(what)s by year", what=what),
    }
    return titles[bucket]


def _by_column(d: Dossier, name: str) -> str:
    return d.visit._("Counted by %(column)s", column=d.head(name).label)
