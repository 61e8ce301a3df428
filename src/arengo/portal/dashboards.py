"""The pages of dashboards: their list, each one with its filters, and the same inside a frame.

A page is a function of the versions of its datasets, of its file and of the address, so it has an ETag like any other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape
from starlette.responses import Response

from arengo.contract.model import Kind
from arengo.errors import ArengoError, BadQuery, CallerError, NotFound
from arengo.portal import gallery
from arengo.portal.cells import Writer
from arengo.portal.charts import picture as pictures
from arengo.portal.charts.design import Design, read, ready
from arengo.portal.charts.period import moment, period
from arengo.portal.charts.plot import MIDDLE, WIDE, decimals_of
from arengo.portal.dashboard import Block, Dashboard, Filter, Spoilt, folder
from arengo.portal.dashboard import read as read_text
from arengo.portal.dossier import Dossier
from arengo.portal.figure import _bucket
from arengo.portal.operator import is_operator
from arengo.portal.row import row_links
from arengo.portal.visit import Visit
from arengo.query.model import Aggregate, Group, Order

KIND = "dashboard"
ROWS = 8
CHOICES = 200
_LINK = re.compile(r"\[([^\]\[]{1,200})\]\((https?://[^\s()]{1,500}|/[^\s()]{0,500})\)")
_BOLD = re.compile(r"\*\*([^*]{1,300})\*\*")


@dataclass(frozen=True, slots=True)
class Shown:
    """A block ready for its template. ``trouble``: why it cannot be shown, in words a reader may see."""

    kind: str
    width: int
    values: Mapping[str, Any]
    trouble: str = ""


def every(visit: Visit) -> list[Dashboard | Spoilt]:
    """Files of the city folder first; what the operator keeps beside them."""
    out = folder(visit.settings.root)
    names = {item.id for item in out}
    for record in visit.site.state.saved(KIND):
        if record.id not in names:
            try:
                out.append(read_text(record.id, str(record.body.get("yaml", ""))))
            except ArengoError as error:
                from arengo.errors import DashboardError

                out.append(Spoilt(record.id, DashboardError(error.met)))
    return out


def find(visit: Visit, id: str) -> Dashboard:
    """Raises NotFound for a name without one, DashboardError for a file that needs a correction."""
    for item in every(visit):
        if item.id == id:
            if isinstance(item, Spoilt):
                raise item.error
            return item
    raise NotFound(f"There is no dashboard {id[:80]!r}.", todo="See the list of dashboards.")


def listing(visit: Visit) -> Response:
    """``/dashboards``."""
    found = every(visit)
    operator = is_operator(visit)
    good = [item for item in found if isinstance(item, Dashboard)]
    bad = [item for item in found if isinstance(item, Spoilt)]
    known = visit.unchanged([_stamp(item) for item in good], [str(item.error) for item in bad], operator)
    if known:
        return known
    return visit.page("dashboards.html", {"dashboards": good, "spoilt": bad, "operator": operator})


def single(visit: Visit) -> Response:
    """``/dashboards/{id}?f.column=value``."""
    board = find(visit, visit.request.path_params["dashboard"])
    operator = is_operator(visit)
    known = visit.unchanged(_stamp(board), marks(visit, board), operator)
    if known:
        return known
    values = {"board": board, "operator": operator, "kept": not board.place, **shown(visit, board)}
    return visit.page("dashboard.html", values)


def framed(visit: Visit) -> Response:
    """``/embed/dashboards/{id}``."""
    board = find(visit, visit.request.path_params["dashboard"])
    known = visit.unchanged(_stamp(board), marks(visit, board))
    if known:
        return known
    values = {"board": board, "title": board.title_in(visit.language), **shown(visit, board)}
    return visit.page("embed_dashboard.html", values)


def source(visit: Visit) -> Response:
    """``/dashboards/{id}.yaml``: the file, to change it and put it into the city folder."""
    board = find(visit, visit.request.path_params["dashboard"])
    known = visit.unchanged(_stamp(board))
    if known:
        return known
    return yaml_file(visit, board.id, board.text)


def yaml_file(visit: Visit, name: str, text: str) -> Response:
    from arengo.portal.visit import HEADERS

    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}.yaml"'}
    if visit._tag:
        headers["ETag"] = visit._tag
    return Response(text, media_type="application/yaml", headers=headers)


def _stamp(board: Dashboard) -> str:
    return f"{board.id}:{hashlib.blake2b(board.text.encode(), digest_size=8).hexdigest()}"


def marks(visit: Visit, board: Dashboard) -> list[str]:
    """What the datasets of a dashboard are at now."""
    out = []
    for block in board.blocks:
        kept = str(block.given.get("kept", ""))
        names = [str(block.given.get("dataset", "")), str(block.given.get("places", ""))]
        if kept:
            try:
                chart = gallery.find(visit, kept)
                names = [chart.dataset, dict(chart.pairs).get("places", "")]
                out.append(chart.stamp)
            except ArengoError:
                out.append(f"{kept}?")
                names = []
        for name in names:
            if name:
                try:
                    out.append(visit.door.view(name).identity)
                except ArengoError as error:
                    out.append(f"{name}:{error.code}")
    return out


def shown(visit: Visit, board: Dashboard) -> dict[str, Any]:
    """Rows of blocks ready for the template, and the filters as form fields."""
    asked = {item.column: visit.param(f"f.{item.column}") for item in board.filters}
    holders = _Holders(visit)
    rows = []
    for row in board.rows:
        across = sum(block.width for block in row)
        rows.append((across, [one(visit, holders, block, asked, across) for block in row]))
    filters = [_field(visit, holders, board, item, asked[item.column]) for item in board.filters]
    return {
        "rows": rows,
        "filters": [item for item in filters if item["options"]],
        "filtered": any(asked.values()),
        "as_made": visit.request.url.path,
    }


class _Holders:
    """The dossiers of one page, each opened once."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._held: dict[str, Dossier] = {}

    def of(self, dataset: str, as_of: str = "") -> Dossier:
        key = f"{dataset}\0{as_of}"
        if key not in self._held:
            visit = Visit(self.visit.request, self.visit.settings, self.visit.site)
            visit.as_of = as_of
            made = Dossier(visit, dataset)
            if made.version is None:
                raise NotFound(f"{made.title} has not been published yet.")
            self._held[key] = made
        return self._held[key]


def one(visit: Visit, holders: _Holders, block: Block, asked: Mapping[str, str], across: int) -> Shown:
    """A block as it is now; what goes wrong is told in its place and nowhere else."""
    try:
        if block.kind == "text":
            return Shown("text", block.width, {"paragraphs": paragraphs(str(block.given["words"]))})
        if block.kind == "number":
            return Shown("number", block.width, _number(holders, block, asked))
        if block.kind == "table":
            return Shown("table", block.width, _table(holders, block, asked))
        return Shown("chart", block.width, _chart(visit, holders, block, asked, across))
    except CallerError as error:
        return Shown(block.kind, block.width, {}, f"{error.met} {error.todo}".strip())


def _also(d: Dossier, asked: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(f"f.{name}", f"={value}") for name, value in asked.items() if value and name in d.view.scope.fields
            and d.view.scope.fields[name].kind is Kind.STRING] + [
        (name, value) for name, value in asked.items() if value and name in d.view.scope.fields
        and d.view.scope.fields[name].kind is not Kind.STRING]  # fmt: skip


def _chart(visit: Visit, holders: _Holders, block: Block, asked: Mapping[str, str], across: int) -> dict[str, Any]:
    from arengo.portal import builder

    kept = str(block.given.get("kept", ""))
    if kept:
        chart = gallery.find(visit, kept)
        d = holders.of(chart.dataset, chart.as_of)
        pairs = list(chart.pairs)
    else:
        d = holders.of(str(block.given["dataset"]), str(block.given.get("as_of", "")))
        pairs = block.pairs()
    also = _also(d, asked)
    names = {name for name, _value in also}
    design = read(d, [*(pair for pair in pairs if pair[0] not in names), *also])
    if kept and not design.title:
        design = design.but(title=gallery.find(visit, kept).title)
    if not ready(d, design):
        raise BadQuery("This chart is not whole.", todo="Its file names too few columns.")
    made = pictures.make(d, design)
    wide = block.width * 2 > across
    link = f"/charts/{kept}" if kept else builder.address(d, design)
    return builder.finish(d, made, 2, WIDE if wide else MIDDLE, link) | {"narrow_only": across >= 3 * block.width}


def _number(holders: _Holders, block: Block, asked: Mapping[str, str]) -> dict[str, Any]:
    """One big figure and its change."""
    given = block.given
    d = holders.of(str(given["dataset"]))
    visit, speech, _ = d.visit, d.speech, d.visit._
    pairs = [(name, str(given[name])) for name in ("y", "of", "filter") if given.get(name)]
    pairs += [(name, str(value)) for name, value in given.get("where", {}).items()]
    design = read(d, [*pairs, *_also(d, asked)])
    from arengo.portal.charts import words
    from arengo.portal.charts.design import fitting
    from arengo.portal.charts.material import measure

    def refuse(error: CallerError) -> None:
        raise error

    design = fitting(d, design.but(kind="bar", x=next(iter(d.view.scope.fields))), refuse)
    compare = str(given.get("compare", "") or "version")
    head = d.head(design.y) if design.y else None
    label = str(given.get("label", "")) or words.measured(d, design)
    amount = measure(design)
    now: float | None
    then: float | None = None
    against = ""
    at = ""
    if compare == "period":
        now, then, at, against = _periods(d, design, amount, str(given.get("time", "")), str(given.get("period", "")))
    else:
        now = _value(d, design, amount, "")
        older = d.versions[1] if len(d.versions) > 1 and compare == "version" else None
        if older is not None:
            past = holders.of(d.id, str(older.number))
            then = _value(past, design, amount, str(older.number))
            against = _("against version %(n)s of %(date)s", n=older.number, date=speech.date(older.published_at))
    places = 0 if now is None or now == int(now) or abs(now) >= 1000 else min(2, decimals_of([0.0, now]))
    change, direction = "", ""
    if now is not None and then is not None:
        step = now - then
        places = 1 if step and not places and abs(step) < 0.5 else places
        direction = "up" if step > 0 else "down" if step < 0 else "same"
        said = speech.number(round(step, places) if places else round(step), places)
        change = _("unchanged") if not step else f"+{said}" if step > 0 else said
        if step and then:
            share = speech.percent(step / abs(then))
            change = f"{change} ({'+' if step > 0 else ''}{share})"
    return {
        "label": label,
        "value": speech.number(now, places) if now is not None else "–",
        "unit": head.unit if head and design.function != "count" else "",
        "at": at,
        "change": change,
        "direction": direction,
        "against": against,
        "href": f"/datasets/{d.id}",
        "dataset": d.title,
        "language": visit.language,
    }


def _value(d: Dossier, design: Design, amount: Aggregate, as_of: str) -> float | None:
    rows = d.visit.door.ask(design.ask(d.id, as_of, aggregates=(amount,))).rows()
    found = rows[0][0] if rows else None
    return None if found is None or found != found else float(found)


def _periods(
    d: Dossier, design: Design, amount: Aggregate, column: str, unit: str
) -> tuple[float | None, float | None, str, str]:
    """The last whole period and the one before it."""
    name = column or d.view.scope.time
    if not name:
        raise BadQuery(f"{d.title} has no column of time.", todo="Name it as time, or compare with a version.")
    d.view.scope.field(name)
    item = d.contract.column(name)
    bucket = unit or (_bucket(item, d.profile.get("columns", {}).get(name, {})) if item else "") or "month"
    bucket = "day" if bucket == "hour" else bucket
    group = Group(name, bucket)
    rows = d.visit.door.ask(
        design.ask(
            d.id, d.visit.as_of, group_by=(group,), aggregates=(amount,), order_by=(Order(group.name, True),), limit=4
        )
    ).rows()
    rows = [row for row in rows if row[0] is not None]
    if bucket != "day":
        rows = rows[1:]  # the newest is not over yet
    if not rows:
        return None, None, "", ""
    _ = d.visit._

    def said(value: Any) -> str:
        at = moment(value, bucket)
        if at is not None and bucket == "week":
            return _("week from %(date)s", date=d.speech.date(at))
        return period(d.speech, at, bucket) if at is not None else str(value)

    now = None if rows[0][1] is None else float(rows[0][1])
    if len(rows) < 2:
        return now, None, said(rows[0][0]), ""
    then = None if rows[1][1] is None else float(rows[1][1])
    return now, then, said(rows[0][0]), _("against %(period)s", period=said(rows[1][0]))


def _table(holders: _Holders, block: Block, asked: Mapping[str, str]) -> dict[str, Any]:
    given = block.given
    d = holders.of(str(given["dataset"]))
    pairs = [("filter", str(given["filter"]))] if given.get("filter") else []
    pairs += [(name, str(value)) for name, value in given.get("where", {}).items()]
    design = read(d, [*pairs, *_also(d, asked)])
    chosen = given.get("select") or [item.name for item in d.heads if item.kind not in (Kind.GEOMETRY, Kind.JSON)][:5]
    for name in chosen:
        d.view.scope.field(name)
    heads = [d.head(name) for name in chosen]
    names = tuple(dict.fromkeys([*chosen, *d.view.scope.key]))
    order = str(given.get("order_by", ""))
    orders = (Order(order.lstrip("-"), order.startswith("-")),) if order else d.order
    asked_rows = design.ask(d.id, d.visit.as_of, select=names, order_by=orders, limit=int(given.get("limit") or ROWS))
    rows = d.visit.door.ask(asked_rows).rows()
    cells = Writer(d.speech, heads, rows).rows(rows)
    return {
        "title": str(given.get("title", "")) or d.title, "heads": heads, "rows": cells,
        "links": row_links(d, heads, names, rows, cells), "href": f"/datasets/{d.id}/table", "d": d,
    }  # fmt: skip


def _field(visit: Visit, holders: _Holders, board: Dashboard, item: Filter, chosen: str) -> dict[str, Any]:
    """A filter as a select over the values the datasets have."""
    values: dict[str, str] = {}
    label = item.label
    for block in board.blocks:
        dataset = str(block.given.get("dataset", ""))
        try:
            if block.given.get("kept"):
                dataset = gallery.find(visit, str(block.given["kept"])).dataset
            if not dataset:
                continue
            d = holders.of(dataset)
            if item.column not in d.view.scope.fields:
                continue
            label = label or d.head(item.column).label
            facet = d.visit.door.facets(Design().ask(d.id, ""), [item.column], CHOICES)[0]
            writer = Writer(d.speech, [d.head(item.column)], [])
            for found in facet.values:
                if found.value is not None:
                    text = str(found.value).lower() if isinstance(found.value, bool) else str(found.value)
                    values.setdefault(text, writer.cell(0, found.value).text)
        except CallerError:
            continue
    options = sorted(values.items(), key=lambda pair: pair[1].casefold())
    return {"column": item.column, "label": label or item.column, "options": options, "chosen": chosen}


def paragraphs(words: str) -> list[tuple[str, Markup]]:
    """Paragraphs of a text with **bold** and [links](address); a line that begins with # is a heading."""
    out = []
    for part in re.split(r"\n\s*\n", words.strip()):
        text = " ".join(part.split())
        heading = text.startswith("#")
        said = str(escape(text.lstrip("# ").strip()))
        said = _LINK.sub(lambda found: f'<a href="{found[2]}">{found[1]}</a>', said)
        said = _BOLD.sub(r"<b>\1</b>", said)
        out.append(("heading" if heading else "text", Markup(said)))  # noqa: S704 - escaped above
    return out
