"""Two versions side by side: what was added, changed and removed, how the totals moved, and all of it as a file.

Rows are matched by primary key. A dataset without one is counted by whole rows: then nothing is "changed", a row is
there or it is not.
"""

from __future__ import annotations

import csv
import io
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import Response, StreamingResponse

from arengo.errors import ArengoError, BadQuery, OperatorError
from arengo.lake.version import Change, Version
from arengo.portal.cells import Head, Writer, heads
from arengo.portal.charts.design import Design
from arengo.portal.charts.grammar import Look, specification
from arengo.portal.charts.material import Axis, Mark, Material
from arengo.portal.charts.plot import NARROW, WIDE, decimals_of
from arengo.portal.dossier import Dossier
from arengo.portal.figure import quantities
from arengo.portal.row import changed, write_key
from arengo.portal.visit import HEADERS, Visit
from arengo.query.model import Aggregate, Query

ON_PAGE = 60
PIECE = 2000  # changes fetched at once
COUNTED = 20_000  # changes looked at for the counts by column
SUMS = 8  # columns whose totals are compared
STRIP = 120
OVER = 24  # versions in the chart of a measure
KINDS = ("added", "changed", "removed")


@dataclass(frozen=True, slots=True)
class Tally:
    """Changed values by column. ``whole``: every change was looked at."""

    columns: tuple[tuple[str, int], ...]
    whole: bool


class _Tallies:
    """The last tallies, by the two versions they compare."""

    def __init__(self, most: int = 128) -> None:
        self._held: OrderedDict[tuple[str, str], Tally] = OrderedDict()
        self._most = most
        self._guard = threading.Lock()

    def of(self, d: Dossier, before: Version, after: Version) -> Tally:
        key = tuple(d.visit.door.view(d.id, str(item.number)).identity for item in (before, after))
        with self._guard:
            held = self._held.get((key[0], key[1]))
        if held is None:
            held = _tally(d, before, after)
            with self._guard:
                self._held[(key[0], key[1])] = held
                while len(self._held) > self._most:
                    self._held.popitem(last=False)
        return held


_TALLIES = _Tallies()


def _tally(d: Dossier, before: Version, after: Version) -> Tally:
    counts: Counter[str] = Counter()
    seen = 0
    for item in _every(d, before, after, limit=COUNTED):
        seen += 1
        if item.kind == "changed":
            counts.update(tuple(item.after or ()))
    return Tally(tuple(counts.most_common()), seen < COUNTED)


def _every(
    d: Dossier, before: Version, after: Version, start: Sequence[Any] = (), limit: int | None = None
) -> Iterator[Change]:
    """The changes in the order of their key, fetched a piece at a time. Without a key they come in one piece."""
    last: tuple[Any, ...] = tuple(start)
    left = limit
    while left is None or left > 0:
        size = PIECE if left is None else min(PIECE, left)
        if not d.view.scope.key:
            size = left or COUNTED
        found = d.visit.door.changes(d.id, str(before.number), str(after.number), limit=size, after_key=last)
        yield from found
        if len(found) < size or not d.view.scope.key:
            return
        last = found[-1].key
        left = None if left is None else left - size


def _asked(visit: Visit) -> tuple[Dossier, Version, Version]:
    """The two versions, the older first; the newest two when none is named."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    first, second = visit.param("from"), visit.param("to")
    if not first:
        if len(d.versions) < 2:
            raise BadQuery(f"{d.title} has one version, so nothing changed yet.", todo="Come back after the next one.")
        newest = visit.door.view(d.id, second).version if second else d.versions[0]
        older = [item for item in d.versions if item.number < newest.number]
        if not older:
            raise BadQuery("There is no older version to compare with.", todo="Choose two on the page of versions.")
        first = str(older[0].number)
    before = visit.door.view(d.id, first).version
    after = visit.door.view(d.id, second).version
    return (d, before, after) if before.number <= after.number else (d, after, before)


def page(visit: Visit) -> Response:
    """``/datasets/{id}/compare?from=3&to=4&kind=changed&column=price``."""
    d, before, after = _asked(visit)
    known = visit.unchanged(*d.mark)
    if known:
        return known
    difference = visit.door.diff(d.id, str(before.number), str(after.number))
    kind = visit.param("kind") if visit.param("kind") in KINDS else ""
    tally = _TALLIES.of(d, before, after) if d.view.scope.key and difference.changed else Tally((), True)
    column = visit.param("column") if visit.param("column") in dict(tally.columns) else ""
    cursor = list(visit.request.query_params.getlist("after"))
    found, more = _page(d, before, after, cursor, kind, column)
    key_heads = heads(d.contract, list(d.view.scope.key), visit.language, d.profile)
    labels = {head.name: head.label for head in heads(d.contract, [name for name, _n in tally.columns], visit.language)}
    measures = _measures(d, before, after)
    measure = visit.param("m") if visit.param("m") in {head.name for head in measures} else ""
    values: dict[str, Any] = {
        "d": d,
        "tab": "versions",
        "tab_title": visit._("Difference"),
        "before": before,
        "after": after,
        "difference": difference,
        "columns_words": columns_words(visit, difference),
        "kind": kind,
        "column": column,
        "kinds": [
            (name, getattr(difference, name), visit.here(kind=None if name == kind else name, after=None))
            for name in KINDS
        ],
        "tally": [
            {
                "name": name,
                "label": labels.get(name, name),
                "n": n,
                "share": round(100 * n / max(1, tally.columns[0][1]), 1),
                "href": visit.here(column=None if name == column else name, kind=None, after=None),
            }
            for name, n in tally.columns[:30]
        ],
        "tally_whole": tally.whole,
        "totals": _totals(d, before, after, measures),
        "measures": measures,
        "measure": measure,
        "course": _course(d, measure),
        "rows": [_row(d, item, column) for item in found],
        "keyed": bool(d.view.scope.key),
        "key_words": ", ".join(head.label for head in key_heads) or visit._("Row"),
        "more": more,
        "strip": _strip(d, before, after),
        "kept": [(name, value) for name, value in (("kind", kind), ("column", column), ("m", measure)) if value],
        "csv": f"/datasets/{d.id}/compare.csv?{urlencode({'from': before.number, 'to': after.number})}",
    }
    return visit.page("compare.html", values)


def _page(
    d: Dossier, before: Version, after: Version, cursor: Sequence[str], kind: str, column: str
) -> tuple[list[Change], str]:
    """One page of the changes that are asked for, and the address of the next."""
    found: list[Change] = []
    looked = 0
    last: tuple[Any, ...] = ()
    for item in _every(d, before, after, cursor, COUNTED):
        looked += 1
        wanted = (not kind or item.kind == kind) and (not column or column in (item.after or {}))
        if column and item.kind != "changed":
            wanted = False
        if wanted:
            if len(found) == ON_PAGE:
                return found, _with_key(d.visit, found[-1].key) if d.view.scope.key else ""
            found.append(item)
        last = item.key
    more = _with_key(d.visit, last) if looked >= COUNTED and d.view.scope.key else ""
    return found, more


def _with_key(visit: Visit, key: Sequence[Any]) -> str:
    asked = [(name, value) for name, value in visit.request.query_params.multi_items() if name != "after"]
    return f"{visit.request.url.path}?{urlencode([*asked, *(('after', str(part)) for part in key)])}"


def columns_words(visit: Visit, difference: Any) -> list[str]:
    out = []
    if difference.columns_added:
        out.append(visit._("New columns: %(names)s", names=", ".join(difference.columns_added)))
    if difference.columns_removed:
        out.append(visit._("Columns no longer there: %(names)s", names=", ".join(difference.columns_removed)))
    for old, new in difference.columns_renamed:
        out.append(visit._("The column %(old)s is now called %(new)s", old=old, new=new))
    return out


def _row(d: Dossier, item: Change, column: str) -> dict[str, Any]:
    _ = d.visit._
    names = list(d.view.scope.key)
    key_heads = heads(d.contract, names, d.speech.language, d.profile)
    words = [str(part) for part in item.key]
    if len(key_heads) == len(item.key):
        writer = Writer(d.speech, key_heads, [list(item.key)])
        words = [writer.cell(index, part).text for index, part in enumerate(item.key)]
    fields = changed(d, item.before, item.after)
    if item.kind != "changed":
        side = "new" if item.kind == "added" else "old"
        fields = [field for field in fields if field[side] != "–" and field["name"] not in names][:6]
    elif column:
        fields = [field for field in fields if field["name"] == column] or fields
    kinds = {"added": "+ " + _("added"), "changed": "~ " + _("changed"), "removed": "− " + _("removed")}
    href = f"/datasets/{d.id}/rows/{write_key(list(item.key))}" if names and item.key else ""
    return {
        "kind": item.kind,
        "word": kinds[item.kind],
        "key": " / ".join(words) if names else "",
        "href": href,
        "fields": fields,
    }


def _strip(d: Dossier, before: Version, after: Version) -> list[dict[str, Any]]:
    """The versions as a thin line; choosing one moves the nearer end of the comparison to it."""
    out = []
    for item in reversed(d.versions[:STRIP]):
        n = item.number
        nearer_start = abs(n - before.number) <= abs(n - after.number)
        start = n < before.number or (n < after.number and nearer_start)
        moved = {"from": n} if start else {"to": n}
        ends = {"from": before.number, "to": after.number, **moved}
        out.append(
            {
                "href": d.visit.here(**ends, after=None),
                "words": d.visit._(
                    "version %(n)s, %(date)s", n=n, date=d.speech.date(item.published_at)
                ),
                "state": "end" if n in (before.number, after.number)
                else "between" if before.number < n < after.number else "",
            }
        )  # fmt: skip
    return out


def _measures(d: Dossier, before: Version, after: Version) -> list[Head]:
    """Columns of amounts that both versions have."""
    both = {item.name for item in before.schema} & {item.name for item in after.schema}
    names = [item.name for item in quantities(d.contract) if item.name in both and item.name in d.view.scope.fields]
    return [d.head(name) for name in names]


def _totals(d: Dossier, before: Version, after: Version, measures: Sequence[Head]) -> list[dict[str, Any]]:
    """Rows, and sum and average of each amount, before and after."""
    shown = measures[:SUMS]
    parts = (Aggregate("count"), *(Aggregate(how, head.name) for head in shown for how in ("sum", "avg")))
    found = [
        d.visit.door.ask(Query(d.id, aggregates=parts, as_of=str(item.number))).rows()[0] for item in (before, after)
    ]
    labels = [(d.visit._("Rows"), "", ""), *((head.label, head.unit, how) for head in shown for how in ("sum", "avg"))]
    words = {"": "", "sum": d.visit._("sum"), "avg": d.visit._("average")}
    out = []
    for index, (label, unit, how) in enumerate(labels):
        old, new = (None if row[index] is None else float(row[index]) for row in found)
        numbers = [value for value in (old, new) if value is not None]
        if not numbers:
            continue
        places = (
            0
            if all(value == int(value) or abs(value) >= 10_000 for value in numbers)
            else (min(3, max(decimals_of([0.0, *numbers]), 1)))
        )
        step = (new or 0) - (old or 0)
        while step and not round(step, places) and places < 5:
            places += 1  # a change is seen as one
        said = d.speech.number(round(step, places) if places else round(step), places)
        share = d.speech.percent(step / abs(old)) if old and step else ""
        out.append(
            {
                "label": label, "unit": unit, "how": words[how],
                "old": "–" if old is None else d.speech.number(round(old, places) if places else round(old), places),
                "new": "–" if new is None else d.speech.number(round(new, places) if places else round(new), places),
                "step": (f"+{said}" if step > 0 else said) if step else "=",
                "share": f"{'+' if step > 0 else ''}{share}" if share else "",
            }
        )  # fmt: skip
    return out


def _course(d: Dossier, measure: str) -> dict[str, Any] | None:
    """The rows, or the sum of a column, through the versions: a line, one dot a version."""
    chosen = list(reversed(d.versions[:OVER]))
    if len(chosen) < 3:
        return None
    points: list[tuple[Version, float | None]] = []
    for item in chosen:
        if not measure:
            points.append((item, float(item.rows)))
            continue
        try:
            asked = Query(d.id, aggregates=(Aggregate("sum", measure),), as_of=str(item.number))
            value = d.visit.door.ask(asked).rows()[0][0]
        except ArengoError:
            value = None  # a version from before the column was there
        points.append((item, None if value is None else float(value)))
    head = d.head(measure) if measure else d.heads[0]
    label = head.label if measure else d.visit._("Rows")
    unit = head.unit if measure else ""
    names = tuple(f"{item.number}: {d.speech.date(item.published_at)}" for item, _value in points)
    marks = tuple(Mark(index, value) for index, (_item, value) in enumerate(points))
    material = Material(Axis("name", head, names), marks)
    words = f"{label} ({unit})" if unit else label
    look = Look(Design("line", height=200), d.visit._("Version"), words, d.speech)
    drawn = []
    for width in (WIDE, NARROW):
        try:
            svg = d.visit.site.studio.draw(
                specification(material, look, width), d.speech.vega(), f"{d.id}/{d.shown.number}"
            )
        except OperatorError:
            svg = ""
        drawn.append(Markup(svg))  # noqa: S704 - made by our own drawing process, texts escaped there
    return {
        "wide": drawn[0], "narrow": drawn[1], "label": label,
        "rows": [(name, "–" if mark.v is None else d.speech.number(round(mark.v, 2)))
                 for name, mark in zip(names, marks, strict=True)],
    }  # fmt: skip


def file(visit: Visit) -> Response:
    """``/datasets/{id}/compare.csv``: one line a value: kind, key, column, before, after (RFC 4180)."""
    from arengo.faces.page import text as _text

    d, before, after = _asked(visit)
    known = visit.unchanged(*d.mark)
    if known:
        return known
    names = list(d.view.scope.key)

    def lines() -> Iterator[bytes]:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(["change", *names, "column", "before", "after"])
        for count, item in enumerate(_every(d, before, after)):
            key = [_text(part) for part in item.key] if names else []
            columns = [name for name in {**(item.before or {}), **(item.after or {})} if name not in names]
            for name in columns or [""]:
                old, new = (item.before or {}).get(name), (item.after or {}).get(name)
                if name and old is None and new is None:
                    continue
                told = ["" if isinstance(value, bytes) else _text(value) for value in (old, new)]
                writer.writerow([item.kind, *key, name, *told])
            if count % 500 == 499:
                yield out.getvalue().encode()
                out.seek(0)
                out.truncate()
        yield out.getvalue().encode()

    headers = {**HEADERS, "ETag": visit._tag, "Access-Control-Allow-Origin": "*"}
    headers["Content-Disposition"] = f'attachment; filename="{d.id}-v{before.number}-v{after.number}.csv"'
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)
