"""What a chart says in words: its title, its axes, what stands out, and the table that holds every number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from arengo.portal.cells import Cell, Head, Writer
from arengo.portal.charts.design import Design
from arengo.portal.charts.material import Mark, Material, unit_of
from arengo.portal.charts.period import fill, period, period_word
from arengo.portal.charts.plot import decimals_of, head, rounded
from arengo.portal.language import Speech

if TYPE_CHECKING:
    from arengo.portal.dossier import Dossier

ROWS = 500  # of the table beside a scatter plot or a long series


def measured(d: Dossier, design: Design) -> str:
    """What is measured: Rows, Cost, Average height."""
    _ = d.visit._
    if design.function == "count" or not design.y:
        return _("Rows")
    label = d.head(design.y).label
    return {
        "sum": label,
        "avg": _("%(what)s, average", what=label),
        "median": _("%(what)s, median", what=label),
        "min": _("%(what)s, lowest", what=label),
        "max": _("%(what)s, highest", what=label),
    }[design.function]


def unit(d: Dossier, design: Design) -> str:
    return d.head(design.y).unit if design.y and design.function != "count" else ""


def title(d: Dossier, design: Design) -> str:
    """The maker's title, or one made of the columns' names."""
    if design.title:
        return design.title
    _ = d.visit._
    what = measured(d, design)
    if design.kind == "histogram":
        return _("Distribution of %(column)s", column=d.head(design.x).label)
    if design.kind == "scatter":
        return _("%(y)s against %(x)s", y=d.head(design.y).label, x=d.head(design.x).label)
    if not design.x:
        return d.title
    if design.kind == "heat":
        return _("%(what)s by %(a)s and %(b)s", what=what, a=_axis(d, design.x, design.bucket),
                 b=_axis(d, design.by, design.by_bucket))  # fmt: skip
    return _("%(what)s by %(by)s", what=what, by=_axis(d, design.x, design.bucket))


def _axis(d: Dossier, name: str, bucket: str) -> str:
    """A dimension in a title: the column, or the calendar unit of its times."""
    found = d.head(name)
    if found.kind not in ("date", "timestamp"):
        return found.label
    return unit_word(d.speech, unit_of(d, name, bucket))


def unit_word(speech: Speech, bucket: str) -> str:
    _ = speech._
    return {
        "hour": _("hour"),
        "day": _("day"),
        "week": _("week"),
        "month": _("month"),
        "quarter": _("quarter"),
        "year": _("year"),
        "hour_of_day": _("hour of the day"),
        "day_of_week": _("day of the week"),
    }[bucket]


def below(d: Dossier, design: Design, material: Material | None) -> str:
    """The line under the title: the maker's words, else unit and split; what is not drawn is always said."""
    _ = d.visit._
    parts = []
    if design.subtitle:
        parts.append(design.subtitle)
    else:
        first = measured(d, design)
        if unit(d, design):
            first = _("%(how)s, in %(unit)s", how=first, unit=unit(d, design))
        placed = design.kind == "map" and not design.x
        if design.kind not in ("histogram", "scatter") and not placed and (unit(d, design) or design.title):
            parts.append(first)
        if design.by and design.kind not in ("heat",) and material is not None and material.series:
            parts.append(_("Colours: %(column)s", column=d.head(design.by).label))
        if filtered(d, design):
            parts.append(filtered(d, design))
    if material is not None:
        parts += material.notes
    return ". ".join(part.rstrip(".") for part in parts if part)


def filtered(d: Dossier, design: Design) -> str:
    """The filters in words."""
    _ = d.visit._
    said = []
    for name, value in design.where:
        column, __, suffix = name.removeprefix("f.").partition("__")
        label = d.head(column).label if column in d.view.scope.fields else column
        sign = {"": "", "ne": "≠ ", "lt": "< ", "lte": "≤ ", "gt": "> ", "gte": "≥ "}.get(suffix, "")
        said.append(f"{label}: {sign}{value.removeprefix('=')}")
    for value in (design.search, design.datetime, design.filter):
        if value:
            said.append(value if len(value) <= 80 else value[:79] + "…")
    return _("Only %(filters)s", filters="; ".join(said)) if said else ""


def axes(d: Dossier, design: Design) -> tuple[str, str]:
    """Words along the horizontal and above the vertical axis."""
    measure = measured(d, design)
    unit_is = unit(d, design)
    amount = f"{measure} ({unit_is})" if unit_is else measure
    if design.kind == "scatter":
        x, y = d.head(design.x), d.head(design.y)
        both = [f"{item.label} ({item.unit})" if item.unit else item.label for item in (x, y)]
        return design.x_title or both[0], design.y_title or both[1]
    along = d.head(design.x).label if design.x else ""
    if design.kind == "bar" and design.x and d.head(design.x).kind not in ("date", "timestamp"):
        return design.x_title or amount, design.y_title
    return design.x_title or along, design.y_title or amount


def told(d: Dossier, design: Design, material: Material) -> str:
    """One computed sentence for who does not see the picture: highest, lowest, from where to where."""
    _, speech = d.visit._, d.speech
    if design.kind == "histogram":
        if not material.counts:
            return _("There is nothing to draw.")
        most = max(range(len(material.counts)), key=lambda index: material.counts[index])
        places = decimals_of(material.edges)
        a, b = (
            speech.number(float(edge), places, not d.head(design.x).code) for edge in material.edges[most : most + 2]
        )
        return _("Most values, %(n)s, lie between %(a)s and %(b)s.", n=speech.number(material.counts[most]), a=a, b=b)
    marks = [mark for mark in material.marks if mark.v is not None]
    if not marks:
        return _("There is nothing to draw.")
    if design.kind == "scatter":
        lows = [min(mark.x for mark in marks), max(mark.x for mark in marks)]
        x = Writer(speech, [d.head(design.x)], [])
        return _(
            "%(n)s dots; %(x)s from %(a)s to %(b)s, %(y)s from %(c)s to %(e)s.",
            n=speech.number(len(marks)), x=d.head(design.x).label, a=x.cell(0, lows[0]).text,
            b=x.cell(0, lows[1]).text, y=d.head(design.y).label,
            c=speech.number(rounded(min(mark.v for mark in marks if mark.v is not None))),
            e=speech.number(rounded(max(mark.v for mark in marks if mark.v is not None))),
        )  # fmt: skip
    single = [mark for mark in marks if not (material.others and mark.s == len(material.series) - 1)]
    marks = single or marks
    high = max(marks, key=lambda mark: mark.v or 0.0)
    low = min(marks, key=lambda mark: mark.v or 0.0)
    out = []
    if material.x.kind == "time":
        first, last = min(mark.x for mark in marks), max(mark.x for mark in marks)
        out.append(
            _(
                "From %(a)s to %(b)s.",
                a=period(speech, first, material.x.bucket),
                b=period(speech, last, material.x.bucket),
            )
        )
    out.append(_("Highest: %(what)s, %(n)s.", what=_where(d, material, high), n=speech.number(rounded(high.v or 0.0))))
    if len(marks) > 1:
        out.append(_("Lowest: %(what)s, %(n)s.", what=_where(d, material, low), n=speech.number(rounded(low.v or 0.0))))
    return " ".join(out)


def _where(d: Dossier, material: Material, mark: Mark) -> str:
    parts = [
        period(d.speech, mark.x, material.x.bucket) if material.x.kind == "time" else material.x.names[mark.x],
        material.series[mark.s] if mark.s >= 0 else "",
        material.panels[mark.f] if mark.f >= 0 else "",
    ]
    return ", ".join(part for part in parts if part)


def table(d: Dossier, design: Design, material: Material) -> tuple[tuple[Head, ...], tuple[tuple[Cell, ...], ...]]:
    """Every number of the picture: one row a category or period, one column a colour."""
    speech, _ = d.speech, d.visit._
    if design.kind == "scatter":
        shown = [d.head(name) for name in material.names]
        rows = material.table[:ROWS]
        writer = Writer(speech, shown, rows)
        return tuple(shown), tuple(tuple(row) for row in writer.rows(rows))
    time = material.x.kind == "time"
    unit_is = unit(d, design)
    amount = measured(d, design)
    heads = [head(_("Panel"))] if material.panels else []
    heads.append(head(period_word(speech, material.x.bucket) if time else material.x.head.label))
    heads += [head(name or amount, True, unit_is) for name in material.series or (amount,)]
    numbers = [mark.v for mark in material.marks if mark.v is not None]
    places = 0 if all(number == int(number) for number in numbers) else decimals_of(numbers)
    held: Mapping[tuple[int, Any, int], float | None] = {(mark.f, mark.x, mark.s): mark.v for mark in material.marks}
    rows_out: list[tuple[Cell, ...]] = []
    along: Sequence[Any]
    if time:
        moments = sorted({mark.x for mark in material.marks})
        along = [at for at, _none in fill([(at, None) for at in moments], material.x.bucket)]
    else:
        along = range(len(material.x.names))
    at: Any
    for panel in range(len(material.panels)) if material.panels else (-1,):
        for at in along:
            cells = [Cell(material.panels[panel])] if panel >= 0 else []
            cells.append(Cell(period(speech, at, material.x.bucket) if time else material.x.names[at]))
            for s in range(len(material.series)) if material.series else (-1,):
                value = held.get((panel, at, s))
                cells.append(Cell("–", "nil") if value is None else Cell(speech.number(float(value), places)))
            rows_out.append(tuple(cells))
    return tuple(heads), tuple(rows_out)
