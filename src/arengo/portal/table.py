"""The table page: sort, filter and page from the header, with everything in the address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from arengo.contract.model import Kind
from arengo.errors import BadQuery, CallerError
from arengo.portal.cells import Head, Writer
from arengo.portal.dossier import Dossier
from arengo.portal.row import row_links
from arengo.portal.visit import Visit
from arengo.query import cql2
from arengo.query.model import Expr, Order, Query
from arengo.query.notation import both, names
from arengo.query.scope import ORDERED

ROWS = 50
SIZES = ("25", "50", "100", "200")  # rows of a page a reader may choose
CHOICES = 20  # a column with at most so many values is chosen from, not typed into
TRAIL = 12  # pages that "previous" remembers


@dataclass(frozen=True, slots=True)
class Column:
    """A heading with what it can do: sort (an address), choose (value, words), type (a hint)."""

    head: Head
    sort: str
    choices: tuple[tuple[str, str], ...]
    asked: str
    hint: str | None

    @property
    def name(self) -> str:
        return self.head.name

    @property
    def label(self) -> str:
        return self.head.label

    @property
    def unit(self) -> str:
        return self.head.unit

    @property
    def numeric(self) -> bool:
        return self.head.numeric


def page(visit: Visit) -> Response:
    """``/datasets/{id}/table?sort=-cost&f.district=Centro&f.cost=10..20&q=words&filter=CQL2``."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    known = visit.unchanged(*d.mark)
    if known:
        return known
    version = d.shown
    ticked = visit.request.query_params.getlist("c")
    if ticked:
        return RedirectResponse(_chosen(visit, d, ticked), 303, {"Cache-Control": "no-store"})
    every = [item for item in d.heads if item.kind is not Kind.GEOMETRY] or d.heads
    shown = _shown(visit, every)
    size = int(visit.param("rows")) if visit.param("rows") in SIZES else ROWS
    problems: list[str] = []
    asked = {
        name[2:]: value.strip()
        for name, value in visit.request.query_params.multi_items()
        if name.startswith("f.") and value.strip()
    }
    parts: list[Expr] = []
    for name, text in asked.items():
        try:
            d.view.scope.field(name)
            parts.append(condition(visit, d.head(name), text))
        except CallerError as error:
            problems.append(f"{error.met} {error.todo}".strip())
    written = visit.param("filter")
    if written:
        try:
            parts.append(cql2.parse_text(written))
        except BadQuery as error:
            problems.append(f"{error.met} {error.todo}".strip())
    sort = visit.param("sort")
    column, down = sort.lstrip("-"), sort.startswith("-")
    if column not in d.view.scope.fields or d.view.scope.fields[column].kind not in ORDERED:
        column, down = "", False
    q = visit.param("q") if d.searchable else ""
    filtered = bool(asked or q or written)
    trail = [mark for mark in visit.param("cursor").split("~") if mark]
    # The key comes along even when it is not shown, for the link to the row.
    fetched = tuple(dict.fromkeys([*(item.name for item in shown), *d.view.scope.key]))
    query = Query(
        d.id,
        select=fetched,
        filter=both(*parts),
        order_by=(Order(column, down),) if column else d.order,
        limit=size,
        cursor=trail[-1] if trail else "",
        as_of=visit.as_of,
        search=q,
        count=filtered,
    )
    rows: list[tuple[Any, ...]] = []
    total = 0
    after = ""
    try:
        answer = visit.door.ask(query)
        rows = answer.rows()
        total = answer.matched if filtered else version.rows
        after = answer.next_cursor
    except CallerError as error:
        if error.status != 400:
            raise
        problems.append(f"{error.met} {error.todo}".strip())
    number = int(visit.param("page")) if visit.param("page").isdigit() else 1
    start = (number - 1) * size if trail else 0
    writer = Writer(d.speech, shown, rows)
    cells = writer.rows(rows)
    plain = {
        name: value
        for name, value in visit.request.query_params.multi_items()
        if name in ("sort", "as_of", "filter", "cols")
    }
    values = {
        "d": d,
        "tab": "table",
        "tab_title": visit._("Table"),
        "heads": [_column(visit, d, head, column, down, asked) for head in shown],
        "rows": cells,
        "links": row_links(d, shown, fetched, rows, cells),
        "sort_column": column,
        "sort_down": down,
        "q": q,
        "kept": list(plain.items()),
        "filtered": filtered,
        "cleared": visit.link("datasets", d.id, "table", sort=sort, cols=visit.param("cols"), rows=visit.param("rows")),
        "every": [(item, item in shown) for item in every],
        "choosing": [
            (name, value)
            for name, value in visit.request.query_params.multi_items()
            if name not in ("cols", "c", "cursor", "page")
        ],
        "all_columns": visit.here(cols=None, cursor=None, page=None) if len(shown) < len(every) else "",
        "size": str(size),
        "sizes": SIZES,
        "drawn": _drawn(visit, d, asked, q, written),
        "problems": problems,
        "chips": _chips(visit, d, asked, q, written),
        "range_words": _range(visit, start, len(rows), total, filtered),
        "first": visit.here(cursor=None, page=None) if trail else "",
        "before": _before(visit, trail, number),
        "after": visit.here(cursor="~".join([*trail, after][-TRAIL:]), page=number + 1) if after else "",
        "withheld": any(head.withheld for head in shown),
        "zoned": any(head.kind is Kind.TIMESTAMP for head in shown),
        "exports": _exports(visit, d, query, [item.name for item in shown], len(shown) < len(every)),
    }
    return visit.page("table.html", values, 400 if problems and not rows else 200)


_RANGE = re.compile(r"^\s*(.*?)\s*\.\.\s*(.*?)\s*$")
_SIGN = re.compile(r"^\s*(<=|>=|<>|<|>|=|≤|≥|≠)\s*(.+?)\s*$")
_SIGNS = {"≤": "<=", "≥": ">=", "≠": "<>"}


def condition(visit: Visit, head: Head, text: str) -> Expr:
    """What a reader typed above a column as a CQL2 expression. Raises BadQuery with a sentence.

    ``10..20`` between (either end may be empty), ``>10``, ``-`` no value, ``*`` any value, otherwise: texts that
    contain the words, numbers and dates that are equal; ``2024`` and ``2024-05`` mean the whole year and month.
    """
    prop: dict[str, Any] = {"property": head.name}
    if text in ("-", "–"):
        return {"op": "isNull", "args": [prop]}
    if text == "*":
        return {"op": "not", "args": [{"op": "isNull", "args": [prop]}]}
    if head.kind is Kind.STRING and not text.startswith("="):
        fold = {"op": "accenti", "args": [{"op": "casei", "args": [prop]}]}
        like = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return {"op": "like", "args": [fold, {"op": "accenti", "args": [{"op": "casei", "args": [f"%{like}%"]}]}]}
    if head.kind is Kind.STRING:
        return {"op": "=", "args": [prop, text[1:].strip()]}
    if head.kind is Kind.BOOLEAN:
        return {"op": "=", "args": [prop, text.lower() in ("true", "yes", "1", visit._("yes"))]}
    between = _RANGE.match(text)
    if between:
        low, high = between.groups()
        return both(
            {"op": ">=", "args": [prop, _value(visit, head, low)[0]]} if low else None,
            {"op": "<=", "args": [prop, _value(visit, head, high)[1]]} if high else None,
        )
    signed = _SIGN.match(text)
    if signed:
        sign, rest = _SIGNS.get(signed[1], signed[1]), signed[2]
        low, high = _value(visit, head, rest)
        if sign == "=":
            return _equal(prop, low, high)
        return {"op": sign, "args": [prop, high if sign in (">", "<=") else low]}
    return _equal(prop, *_value(visit, head, text))


def _equal(prop: dict[str, Any], low: Any, high: Any) -> Expr:
    if low == high:
        return {"op": "=", "args": [prop, low]}
    return {"op": "and", "args": [{"op": ">=", "args": [prop, low]}, {"op": "<=", "args": [prop, high]}]}


def _value(visit: Visit, head: Head, text: str) -> tuple[Any, Any]:
    """The first and last value meant by a text: equal for a number, a whole day, month or year for a date."""
    _ = visit._
    if head.kind in (Kind.INTEGER, Kind.NUMBER):
        number = read_number(text, visit.speech.language)
        if number is None:
            raise BadQuery(_("%(column)s holds numbers, and “%(text)s” is none.", column=head.label, text=text))
        return number, number
    if head.kind in (Kind.DATE, Kind.TIMESTAMP):
        span = _days(text)
        if span is None:
            raise BadQuery(
                _("%(column)s holds dates. Write 2024, 2024-05 or 2024-05-31.", column=head.label),
            )
        first, last = span
        if head.kind is Kind.DATE:
            return {"date": first.isoformat()}, {"date": last.isoformat()}
        return {"timestamp": f"{first}T00:00:00Z"}, {"timestamp": f"{last}T23:59:59.999999Z"}
    return text, text


def read_number(text: str, language: str) -> int | float | None:
    """A number as the reader's language writes it (1.000 is a thousand in Italian), or as programs do."""
    from arengo.portal.language import marks

    sign = marks(language)
    plain = text.replace("\u202f", "").replace("\u00a0", "").replace(" ", "").replace("−", "-")
    here = plain.replace(sign.group, "").replace(sign.decimal, ".")
    grouped = re.fullmatch(rf"-?\d{{1,3}}(?:{re.escape(sign.group)}\d{{3}})+(?:{re.escape(sign.decimal)}\d+)?", plain)
    for tried in (here, plain) if grouped else (plain, here):
        try:
            return int(tried)
        except ValueError:
            try:
                number = float(tried)
            except ValueError:
                continue
            return number if number == number and abs(number) != float("inf") else None
    return None


def _days(text: str) -> tuple[date, date] | None:
    from calendar import monthrange

    found = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", text.strip())
    if not found:
        return None
    year, month, day = int(found[1]), found[2], found[3]
    try:
        if day:
            exact = date(year, int(month), int(day))
            return exact, exact
        if month:
            return date(year, int(month), 1), date(year, int(month), monthrange(year, int(month))[1])
        return date(year, 1, 1), date(year, 12, 31)
    except ValueError:
        return None


def _column(visit: Visit, d: Dossier, head: Head, sorted_by: str, down: bool, asked: dict[str, str]) -> Column:
    sort = ""
    if head.kind in ORDERED:
        falls = head.name == sorted_by and not down
        sort = visit.here(sort=f"-{head.name}" if falls else head.name, cursor=None, page=None)
    choices: tuple[tuple[str, str], ...] = ()
    hint: str | None = ""
    found = d.profile.get("columns", {}).get(head.name, {})
    if head.kind is Kind.BOOLEAN:
        choices = (("true", visit._("yes")), ("false", visit._("no")))
    elif head.kind is Kind.STRING and 1 < int(found.get("distinct") or 0) <= CHOICES:
        values = sorted(str(item["value"]) for item in found.get("top") or [] if item["value"] is not None)
        if len(values) == int(found["distinct"]):
            choices = tuple((f"={value}", value if len(value) < 40 else value[:39] + "…") for value in values)
    elif head.kind in (Kind.INTEGER, Kind.NUMBER):
        hint = "10..20"
    elif head.kind in (Kind.DATE, Kind.TIMESTAMP):
        hint = "2024-05"
    elif head.kind in (Kind.JSON, Kind.TIME, Kind.GEOMETRY):
        hint = None
    return Column(head, sort, choices, asked.get(head.name, ""), hint)


def _chips(visit: Visit, d: Dossier, asked: dict[str, str], q: str, written: str) -> list[tuple[str, str]]:
    out = []
    if q:
        out.append((f"“{q}”", visit.here(q=None, cursor=None, page=None)))
    for name, text in asked.items():
        label = d.head(name).label if name in d.view.scope.fields else name
        said = visit._("no value") if text in ("-", "–") else text.removeprefix("=")
        out.append((f"{label}: {said}", visit.here(**{f"f.{name}": None, "cursor": None, "page": None})))
    if written:
        out.append((written, visit.here(filter=None, cursor=None, page=None)))
    return out


def _range(visit: Visit, start: int, count: int, total: int, filtered: bool) -> str:
    say = visit.speech.number
    if not count:
        return visit._("No rows")
    whole = visit.speech.many("%(n)s row", "%(n)s rows", total)
    if count == total:
        return visit.speech.many("%(n)s row fits", "%(n)s rows fit", total) if filtered else whole
    return visit._(
        "Rows %(from)s to %(to)s of %(all)s", **{"from": say(start + 1), "to": say(start + count), "all": say(total)}
    )


def _before(visit: Visit, trail: list[str], number: int) -> str:
    if not trail or (len(trail) == 1 and number > 2):
        return ""
    return visit.here(cursor="~".join(trail[:-1]) or None, page=number - 1 if number > 2 else None)


def _shown(visit: Visit, every: list[Head]) -> list[Head]:
    """The columns asked for in ``cols``, in their own order; all of them when none of the names is known."""
    try:
        asked = set(names(visit.param("cols"))) if visit.param("cols") else set()
    except BadQuery:
        return every
    return [item for item in every if item.name in asked] or every


def _chosen(visit: Visit, d: Dossier, ticked: list[str]) -> str:
    """This page's address with the ticked columns as one short list; without it when all are ticked."""
    every = [item.name for item in d.heads if item.kind is not Kind.GEOMETRY]
    kept = [name for name in every if name in ticked]
    text = ",".join(f'"{name}"' if "," in name else name for name in kept)
    return visit.here(c=None, cols=text if kept and len(kept) < len(every) else None, cursor=None, page=None)


def _drawn(visit: Visit, d: Dossier, asked: dict[str, str], q: str, written: str) -> str:
    """The chart builder over the rows that are shown here."""
    pairs = [(f"f.{name}", value) for name, value in asked.items() if name in d.view.scope.fields]
    pairs += [(name, value) for name, value in (("search", q), ("filter", written)) if value]
    if visit.as_of:
        pairs.append(("as_of", visit.as_of))
    return f"/datasets/{d.id}/chart{f'?{urlencode(pairs)}' if pairs else ''}"


def _exports(visit: Visit, d: Dossier, query: Query, shown: list[str], some: bool) -> list[tuple[str, str]]:
    """Links that take exactly these rows and columns along."""
    asked: dict[str, str] = {}
    if some:
        asked["select"] = ",".join(f'"{name}"' if "," in name else name for name in shown)
    if query.filter is not None:
        asked["filter"] = cql2.to_text(query.filter)
    if query.order_by:
        asked["order_by"] = ",".join(f"{'-' if item.descending else ''}{item.column}" for item in query.order_by)
    if query.search:
        asked["search"] = query.search
    if visit.as_of:
        asked["as_of"] = visit.as_of
    tail = f"?{urlencode(asked)}" if asked else ""
    return [
        (name, f"/api/v1/datasets/{d.id}/export.{ext}{tail}")
        for name, ext in (("CSV", "csv"), ("Excel", "xlsx"), ("JSON", "ndjson"))
    ]
