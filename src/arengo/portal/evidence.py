"""What the columns mean and whether the data is good: the dictionary and the quality page."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from starlette.responses import Response, StreamingResponse

from arengo.contract.model import Kind, Property
from arengo.errors import NotAllowed, UnknownVersion
from arengo.portal.amendment import strip as requests
from arengo.portal.cells import Cell, Head, one
from arengo.portal.charts import head as plain_head
from arengo.portal.dossier import Dossier
from arengo.portal.operator import KEEPERS, is_operator
from arengo.portal.visit import HEADERS, Visit


def columns(visit: Visit) -> Response:
    """``/datasets/{id}/columns``: the data dictionary."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    known = visit.unchanged(*d.mark)
    if known:
        return known
    rows = d.version.rows if d.version else 0
    found = []
    for head in d.heads:
        item = d.contract.column(head.name)
        measured = d.profile.get("columns", {}).get(head.name, {})
        nulls = measured.get("nulls")
        share = 1 - nulls / rows if rows and nulls is not None else None
        distinct = measured.get("distinct")
        found.append(
            {
                "name": head.name,
                "label": head.label,
                "unit": head.unit,
                "description": head.description,
                "notes": _notes(visit, item) if item else [],
                "doubt": _doubt(item),
                "type": kind_name(visit, head.kind),
                "example": _example(d, head, item, measured),
                "filled": visit.speech.percent(share, 0 if share in (0, 1) else 1) if share is not None else "–",
                "share": round(100 * (share or 0), 1),
                "distinct": ("" if measured.get("exact", True) else "≈ ") + visit.speech.number(distinct),
            }
        )
    return visit.page("columns.html", {"d": d, "tab": "columns", "tab_title": visit._("Columns"), "columns": found})


def kind_name(visit: Visit, kind: Kind) -> str:
    """The type of a column in plain words."""
    _ = visit._
    return {
        Kind.STRING: _("text"),
        Kind.INTEGER: _("whole number"),
        Kind.NUMBER: _("number"),
        Kind.BOOLEAN: _("yes or no"),
        Kind.DATE: _("date"),
        Kind.TIME: _("time of day"),
        Kind.TIMESTAMP: _("date and time"),
        Kind.GEOMETRY: _("place"),
        Kind.JSON: _("structured text"),
    }[kind]


def _notes(visit: Visit, item: Property) -> list[str]:
    _ = visit._
    out = []
    if item.key_position >= 0:
        out.append(_("Key: names each row."))
    elif item.unique:
        out.append(_("Each value occurs once."))
    if item.required:
        out.append(_("Always filled."))
    if item.enum:
        out.append(_("One of: %(values)s", values=", ".join(str(value) for value in item.enum[:30])))
    if item.parse.suppressed:
        out.append(_("Withheld values are written as %(marks)s in the source.", marks=", ".join(item.parse.suppressed)))
    roles = {
        "identifier": _("About persons: names one person by itself."),
        "quasi": _("About persons: can name somebody together with other columns."),
        "sensitive": _("About persons: sensitive."),
    }
    if item.privacy_role in roles:
        out.append(roles[item.privacy_role])
    return out


def _doubt(item: Property | None) -> str:
    raw = item.custom.get("arengoDoubt", "") if item else ""
    return " ".join(str(part) for part in raw) if isinstance(raw, list | tuple) else str(raw)


def _example(d: Dossier, head: Head, item: Property | None, measured: Mapping[str, Any]) -> str:
    if item is not None and item.privacy_role == "identifier":
        return ""
    if item is not None and item.examples:
        return str(item.examples[0])
    top = measured.get("top") or []
    value = top[0].get("value") if top else measured.get("min")
    if value is None:
        return ""
    if head.kind in (Kind.DATE, Kind.TIMESTAMP):
        return _edge(d, head, value)
    cell = one(d.speech, head, value)
    return (cell.full or cell.text)[:120]


# Quality


def _counts(d: Dossier, report: Mapping[str, Any]) -> dict[str, int]:
    """What came from the source with the last publication, and where it went. ``withheld``: rows, and cells of a
    table of counts, that are protected; ``bound``: that of rows is at most so, and ``came``, then 0, is not told."""
    version = d.shown
    came, kept, aside = version.rows_in, version.rows, version.quarantined
    if came != kept + aside:  # an increment: the version holds more rows than came with it
        came, kept, aside = (int(report.get(name, held)) for name, held in
                             (("rows_in", came), ("rows", came - aside), ("quarantined", aside)))  # fmt: skip
    most = int(report.get("withheld_at_most", 0))
    withheld = int(report.get("withheld", most)) + int(report.get("cells", 0))
    came = 0 if most else int(report.get("read", came))
    return {"came": came, "kept": kept, "aside": aside, "withheld": withheld, "bound": most}


def quality(visit: Visit) -> Response:
    """``/datasets/{id}/quality``: checks in words, rows set aside, profile of every column."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    operator = is_operator(visit, d.id, KEEPERS)
    known = visit.unchanged(*d.mark, operator, visit.settings.privacy)  # the bound on rows withheld is told by it
    if known:
        return known
    labels = {item.name: item.label for item in d.heads}
    rules = []
    for rule in d.quality.get("rules") or []:
        words = str(rule.get("description") or "") or sentence(visit, rule, labels)
        rules.append(
            {
                "passed": rule.get("passed"),
                "severity": rule.get("severity") or "warning",
                "words": words,
                "column": labels.get(str(rule.get("column") or ""), "") if rule.get("description") else "",
                "kind": _dimension(visit, str(rule.get("dimension") or "")),
                "met": _met(visit, rule),
                "error": str(rule.get("error") or "")
                if operator
                else (visit._("The check could not be run.") if rule.get("error") else ""),
            }
        )
    rules.sort(key=lambda rule: (rule["passed"] is True, rule["passed"] is None))
    values = {
        "d": d,
        "tab": "quality",
        "tab_title": visit._("Quality"),
        "rules": rules,
        "reasons": _reasons(d) if d.version and d.version.quarantined else None,
        "operator": operator,
        "asked": requests(visit, d),
        "counts": _counts(d, d.whole_quality() if operator else d.quality),
        "columns": [_profile(d, head) for head in d.heads if head.kind is not Kind.GEOMETRY],
    }
    return visit.page("quality.html", values)


def sentence(visit: Visit, rule: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """A library rule in words; the rule's own name when it has none."""
    _ = visit._
    column = labels.get(str(rule.get("column") or ""), str(rule.get("column") or ""))
    expected = str(rule.get("expected") or "")
    metric = str(rule.get("metric") or "")
    subjects = {
        "rowCount": _("Number of rows"),
        "nullValues": _("%(column)s: values missing", column=column),
        "missingValues": _("%(column)s: values missing", column=column),
        "invalidValues": _("%(column)s: values that are not allowed", column=column),
        "duplicateValues": _("%(column)s: values that occur more than once", column=column or _("Key")),
    }
    subject = subjects.get(metric) or str(rule.get("name") or "") or column
    return f"{subject} {expected}".strip()


def _dimension(visit: Visit, dimension: str) -> str:
    _ = visit._
    return {
        "accuracy": _("accuracy"),
        "completeness": _("completeness"),
        "conformity": _("conformity"),
        "consistency": _("consistency"),
        "coverage": _("coverage"),
        "timeliness": _("timeliness"),
        "uniqueness": _("uniqueness"),
    }.get(dimension, dimension)


def _met(visit: Visit, rule: Mapping[str, Any]) -> str:
    value = rule.get("value")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value) if value not in (None, "") else ""
    said = visit.speech.number(value, None if isinstance(value, int) else 2)
    return f"{said} %" if rule.get("unit") == "percent" else said


def _profile(d: Dossier, head: Head) -> dict[str, Any]:
    found = d.profile.get("columns", {}).get(head.name, {})
    shape = found.get("histogram") or {}
    counts = [int(count) for count in shape.get("counts") or []]
    top = max(counts, default=0)
    bars = [max(1.0, round(28 * count / top, 1)) if count else 0 for count in counts] if top else []
    distinct = d.speech.many("%(n)s different value", "%(n)s different values", int(found.get("distinct") or 0))
    words = distinct
    if bars:
        words = d.visit._("Distribution of %(column)s", column=head.label)
    elif found.get("top"):
        cell = one(d.speech, head, found["top"][0].get("value"))
        most = d.visit._("most often %(value)s", value=cell.text)
        words = f"{distinct}, {most}" if int(found["top"][0].get("count") or 0) > 1 else distinct
    ordered = head.numeric or head.kind in (Kind.DATE, Kind.TIMESTAMP, Kind.TIME)
    middle = (found.get("quantiles") or {}).get("p50")
    return {
        "label": head.label,
        "bars": bars,
        "words": words,
        "low": _edge(d, head, found.get("min")) if ordered else "",
        "middle": _edge(d, head, middle) if ordered else "",
        "high": _edge(d, head, found.get("max")) if ordered else "",
        "nulls": d.speech.number(found.get("nulls")),
        "suppressed": d.speech.number(found.get("suppressed")) if found.get("suppressed") else "–",
    }


def _edge(d: Dossier, head: Head, value: Any) -> str:
    from datetime import date, datetime

    if value is None:
        return "–"
    if head.kind in (Kind.DATE, Kind.TIMESTAMP) and isinstance(value, str):
        try:
            value = (
                date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value.replace("Z", "+00:00"))
            )
        except ValueError:
            return str(value)
    if isinstance(value, float):
        return d.speech.number(round(value, 3), None, not head.code)
    return one(d.speech, head, value).text


def _reasons(d: Dossier) -> dict[str, Any] | None:
    """How many values were refused, by column and reason; never the values."""
    path = d.visit.site.quarantine(d.view.version)
    if path is None:
        return None
    rows = _batches(path)
    labels = {item.name: item.label for item in d.heads}
    counted: Counter[tuple[str, str]] = Counter()
    for batch in rows:
        for column, reason in zip(batch.column("column").to_pylist(), batch.column("reason").to_pylist(), strict=True):
            counted[(str(column or ""), _general(str(reason or "")))] += 1
    heads = (plain_head(d.visit._("Column")), plain_head(d.visit._("Reason")), plain_head(d.visit._("Values"), True))
    table = [
        (Cell(labels.get(column, column) or "–"), Cell(reason), Cell(d.speech.number(count)))
        for (column, reason), count in counted.most_common(40)
    ]
    return {"heads": heads, "rows": table}


def _batches(path: Path) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(5000)


def _general(reason: str) -> str:
    """A reason without the value it quotes."""
    import re

    return re.sub(r"""(['"«“‘]).*?(['"»”’])(?=[\s.,;:)]|$)""", "…", reason)


def quarantine(visit: Visit) -> Response:
    """``/datasets/{id}/quarantine.csv``: what was set aside, for the owner of the data."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    if not is_operator(visit, d.id, KEEPERS):
        raise NotAllowed(
            "The rows set aside may hold personal data.", todo="Sign in as one of the owner's stewards or publishers."
        )
    path = visit.site.quarantine(d.view.version) if d.version else None
    if d.version and d.view.cut is not None:
        raise NotAllowed(
            "The rows set aside hold every column, and you see less of this dataset.",
            todo="Sign in more surely, or ask somebody who sees all of it.",
        )
    if path is None or d.version is None:
        raise UnknownVersion(f"No row of this version of {d.title} was set aside.", todo="")
    visit.door.read(d.view, visit.caller)

    version = d.version
    rows = _batches(path)

    def lines() -> Iterator[str]:
        held = io.StringIO()
        writer = csv.writer(held)
        writer.writerow(["file", "row", "column", "value", "reason"])
        for batch in rows:
            for row in batch.to_pylist():
                writer.writerow([_safe(row.get(name)) for name in ("file", "row", "column", "value", "reason")])
            yield held.getvalue()
            held.seek(0)
            held.truncate()
        yield held.getvalue()

    headers = {
        **HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{d.id}-v{version.number}-quarantine.csv"',
    }
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def _safe(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets a mark before it (OWASP, CSV injection)."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
