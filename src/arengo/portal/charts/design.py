"""What a reader wants drawn: a closed list of fields, read from an address and written back to one.

Nothing of it reaches the drawing as code: columns are the view's, words are texts, everything else is one of a list.
:data:`FIELDS` is that list; the builder's address, the blocks of a dashboard and their JSON schema come from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Kind
from arengo.errors import BadQuery, CallerError
from arengo.query import cql2, notation
from arengo.query.model import BUCKETS, Expr, Query
from arengo.query.scope import nearest

if TYPE_CHECKING:
    from arengo.portal.dossier import Dossier

KINDS = ("bar", "line", "area", "scatter", "histogram", "heat", "map")
FUNCTIONS = ("count", "sum", "avg", "median", "min", "max")
STACKS = ("stacked", "grouped", "share")
SORTS = ("-value", "value", "name", "-name")
PALETTES = ("city", "blue", "green", "ochre", "violet")
MOST_SERIES, MOST_PANELS, MOST_TOP, MOST_BINS = 6, 12, 60, 40
HEIGHTS = (120, 900)
DIMENSIONS = frozenset({Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.DATE, Kind.TIMESTAMP})
NUMBERS = frozenset({Kind.INTEGER, Kind.NUMBER})
TIMES = frozenset({Kind.DATE, Kind.TIMESTAMP})
CYCLES = ("hour_of_day", "day_of_week")
ASIDE = frozenset({"lang", "theme", "as_of", "add", "is", "scale", "width", "data", "dataset", "part"})
"""Parameters of an address beside the design's own."""
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Rule:
    """What one field may hold. ``kind``: column | choice | number | words | dataset | question."""

    kind: str
    doc: str
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 0


FIELDS: dict[str, Rule] = {
    "kind": Rule("choice", "What is drawn.", KINDS),
    "x": Rule("column", "The column along the axis: categories, time, or a number for scatter and histogram."),
    "bucket": Rule("choice", "Calendar unit of x when it is a date or time.", BUCKETS),
    "y": Rule("column", "The column that is measured; none counts rows."),
    "of": Rule("choice", "How the measure is summed up.", FUNCTIONS),
    "by": Rule("column", "The column that splits into colours; the second axis of a heat map."),
    "by_bucket": Rule("choice", "Calendar unit of by.", BUCKETS),
    "series": Rule("number", "How many values of by have a colour; the rest are one: others.", (), 1, MOST_SERIES),
    "stack": Rule("choice", "How the colours of bars and areas stand together.", STACKS),
    "facet": Rule("column", "The column that makes small multiples."),
    "panels": Rule("number", "How many small multiples.", (), 1, MOST_PANELS),
    "places": Rule("dataset", "The dataset whose areas are coloured, for a map by district."),
    "sort": Rule("choice", "Order of the categories.", SORTS),
    "top": Rule("number", "How many categories, the largest first.", (), 1, MOST_TOP),
    "bins": Rule("number", "How many ranges a histogram has, about.", (), 3, MOST_BINS),
    "title": Rule("words", "Title; made of the columns' names when empty.", (), 0, 200),
    "subtitle": Rule("words", "Line below the title.", (), 0, 300),
    "note": Rule("words", "Line below the picture.", (), 0, 400),
    "x_title": Rule("words", "Words along the horizontal axis.", (), 0, 80),
    "y_title": Rule("words", "Words above the vertical axis.", (), 0, 80),
    "palette": Rule("choice", "Colours; every palette can be told apart by all.", PALETTES),
    "height": Rule("number", "Height of the picture in pixels.", (), *HEIGHTS),
    "filter": Rule("question", "CQL2 text, as in the rows API."),
    "search": Rule("question", "Words that must occur, as in the rows API."),
    "datetime": Rule("question", "Interval of time, as in the rows API."),
    "bbox": Rule("question", "Box of places, as in the rows API."),
}


@dataclass(frozen=True, slots=True)
class Design:
    """A chart as its maker wants it. Empty text and 0 mean: as Arengo thinks best."""

    kind: str = ""
    x: str = ""
    bucket: str = ""
    y: str = ""
    of: str = ""
    by: str = ""
    by_bucket: str = ""
    series: int = 0
    stack: str = ""
    facet: str = ""
    panels: int = 0
    places: str = ""
    sort: str = ""
    top: int = 0
    bins: int = 0
    title: str = ""
    subtitle: str = ""
    note: str = ""
    x_title: str = ""
    y_title: str = ""
    palette: str = ""
    height: int = 0
    filter: str = ""
    search: str = ""
    datetime: str = ""
    bbox: str = ""
    where: tuple[tuple[str, str], ...] = ()
    """Plain filters in the order given: ``f.COLUMN`` with the words of the table, or as the rows API writes them."""
    expr: Expr = field(default=None, compare=False)

    @property
    def function(self) -> str:
        return self.of or ("sum" if self.y else "count")

    def pairs(self) -> list[tuple[str, str]]:
        """The address's parameters, only those that say something."""
        out = [(name, str(value)) for name in FIELDS if (value := getattr(self, name))]
        return [*out, *self.where]

    def but(self, **changes: Any) -> Design:
        return replace(self, **changes)

    def ask(self, dataset: str, as_of: str, **more: Any) -> Query:
        """A query with this design's filters and ``more``."""
        also = more.pop("also", None)
        return Query(
            dataset,
            filter=notation.both(self.expr, also),
            search=self.search,
            datetime=self.datetime,
            bbox=notation.box(self.bbox) if self.bbox else None,
            as_of=as_of,
            **more,
        )


Told = Callable[[str], None]


def read(d: Dossier, pairs: Iterable[tuple[str, str]], problems: list[str] | None = None) -> Design:
    """A design from the parameters of an address.

    What does not fit is told in ``problems`` and left out; without that list the first one raises BadQuery.
    """
    held: dict[str, Any] = {}
    where: list[tuple[str, str]] = []
    conditions: list[Expr] = []
    plain: list[tuple[str, str]] = []

    def tell(error: CallerError) -> None:
        if problems is None:
            raise error
        problems.append(f"{error.met} {error.todo}".strip())

    for name, text in pairs:
        value = notation.bounded(name, text).strip()
        if not value or name in ASIDE:
            continue
        try:
            if name in FIELDS:
                if name in held:
                    raise BadQuery(f"{name} is given twice.", todo="Give it once.")
                held[name] = _value(d, name, value)
            elif name.startswith("f."):
                from arengo.portal.table import condition

                d.view.scope.field(name[2:])
                conditions.append(condition(d.visit, d.head(name[2:]), value))
                where.append((name, value))
            else:
                column = name.rpartition("__")[0] if name.rpartition("__")[2] in notation.SUFFIXES else name
                if column not in d.view.scope.fields and name not in d.view.scope.fields:
                    known = [*FIELDS, *d.view.scope.fields]
                    raise BadQuery(f"{name!r} is no part of a chart and no column.", todo=nearest(name, known))
                notation.plain([(name, value)], d.view.scope)
                plain.append((name, value))
                where.append((name, value))
        except CallerError as error:
            tell(error)
    made = Design(**held, where=tuple(where))
    try:
        conditions.append(cql2.parse_text(made.filter) if made.filter else None)
        _judge(d, made, conditions, plain)
    except CallerError as error:
        tell(error)
        made = made.but(filter="", search="", datetime="", bbox="")
        conditions = conditions[: len(where) - len(plain)]
    made = made.but(expr=notation.both(*conditions, notation.plain(plain, d.view.scope) if plain else None))
    return fitting(d, made, tell)


def _judge(d: Dossier, made: Design, conditions: Sequence[Expr], plain: Sequence[tuple[str, str]]) -> None:
    """Raises CallerError when the filters cannot be asked."""
    from arengo.query.compile import prepare

    also = notation.plain(plain, d.view.scope) if plain else None
    prepare(made.ask(d.id, "", also=notation.both(*conditions, also)), d.view.scope)


def _value(d: Dossier, name: str, text: str) -> Any:
    rule = FIELDS[name]
    if rule.kind == "column":
        found = d.view.scope.field(text)
        if found.kind not in DIMENSIONS:
            raise BadQuery(f"{text} is {found.kind} and cannot be drawn.", todo="Choose another column.")
        item = d.contract.column(text)
        if item is not None and (item.privacy_role == "identifier" or item.custom.get("arengoPersonalKind")):
            raise BadQuery(f"{text} names persons and is not drawn.", todo="Choose another column.")
        return text
    if rule.kind == "choice":
        if text not in rule.choices:
            raise BadQuery(f"{name} is {text[:60]!r}.", todo=nearest(text[:60], rule.choices))
        return text
    if rule.kind == "number":
        number = notation.whole(name, text[:20])
        if not rule.least <= number <= rule.most:
            raise BadQuery(f"{name} is {number:,}, and {rule.least} to {rule.most} is possible.")
        return number
    if rule.kind == "dataset":
        d.visit.door.view(text[:200])  # UnknownDataset, NotAllowed
        return text
    if rule.kind == "words":
        said = " ".join(_UNSEEN.sub(" ", text).split())
        if len(said) > rule.most:
            raise BadQuery(f"{name} has {len(said)} characters, and {rule.most} have room.", todo="Write less.")
        return said
    return text


def fitting(d: Dossier, made: Design, tell: Callable[[CallerError], None]) -> Design:
    """The design with what its kind needs filled in, and without what its columns cannot do."""
    if not made.kind:
        return made
    kinds = {name: item.kind for name, item in d.view.scope.fields.items()}
    if made.y and made.function not in ("count", "min", "max") and kinds[made.y] not in NUMBERS:
        tell(BadQuery(f"{made.y} holds no numbers, so it has no {made.function}.", todo="Count rows instead."))
        made = made.but(y="", of="")
    if made.function != "count" and not made.y:
        tell(BadQuery(f"{made.of} needs a column to measure.", todo="Choose one."))
        made = made.but(of="")
    if made.y and made.function in ("min", "max") and kinds[made.y] not in NUMBERS:
        tell(BadQuery(f"{made.y} holds no numbers and cannot be drawn as a height.", todo="Count rows instead."))
        made = made.but(y="", of="")
    for name in ("bucket", "by_bucket"):
        column = made.x if name == "bucket" else made.by
        asked = getattr(made, name)
        if asked and (not column or kinds[column] not in TIMES):
            tell(BadQuery(f"{column or name} is no date, so it has no {asked}.", todo="Leave the unit out."))
            made = made.but(**{name: ""})
        elif asked in ("hour", "hour_of_day") and kinds[column] is not Kind.TIMESTAMP:
            tell(BadQuery(f"{column} holds dates without a time of day.", todo="Choose a day or longer."))
            made = made.but(**{name: ""})
    if made.kind == "histogram" and made.x and kinds[made.x] not in NUMBERS:
        tell(BadQuery(f"{made.x} holds no numbers, so it has no histogram.", todo="Choose bars."))
        made = made.but(kind="bar")
    if made.kind == "scatter" and (not made.y or not made.x or kinds[made.x] not in NUMBERS | TIMES):
        tell(BadQuery("A scatter plot needs two columns of numbers.", todo="Choose x and y."))
        return made.but(x=made.x if made.x and kinds[made.x] in NUMBERS | TIMES else "")
    if made.kind == "heat" and (not made.x or not made.by):
        tell(BadQuery("A heat map needs two columns.", todo="Choose x and the column of the rows."))
        return made
    if not made.x and made.kind != "map":
        tell(BadQuery("Which column stands along the axis?", todo="Choose x."))
    return made


def ready(d: Dossier, made: Design) -> bool:
    """Whether enough is chosen to draw."""
    if made.kind == "map":
        return bool(made.x and made.places) or d.view.geometry is not None
    if made.kind == "scatter":
        return bool(made.x and made.y)
    if made.kind == "heat":
        return bool(made.x and made.by)
    return bool(made.kind and made.x)


def names() -> tuple[str, ...]:
    return tuple(item.name for item in fields(Design) if item.name in FIELDS)
