"""Time made visible: the versions of a dataset and the difference between two of them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from arengo.errors import BadQuery
from arengo.lake.version import Change, Version
from arengo.portal.cells import Writer, heads
from arengo.portal.dossier import Dossier
from arengo.portal.row import changed, write_key
from arengo.portal.site import Visit

SHOWN = 40
STRIP = 120
CHANGES = 60


def versions(visit: Visit) -> Response:
    """``/datasets/{id}/versions``."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    known = visit.unchanged(*d.mark)
    if known:
        return known
    start = int(visit.param("from")) if visit.param("from").isdigit() else 0
    listed = [item for item in d.versions if not start or item.number <= start]
    shown = []
    for index, item in enumerate(listed[:SHOWN]):
        before = listed[index + 1] if index + 1 < len(listed) else None
        shown.append(
            {
                "version": item,
                "href": visit.link("datasets", d.id, as_of=item.number),
                "step": _step(visit, item, before),
                "compare": visit.link(
                    "datasets", d.id, "compare", **{"from": before.number, "to": item.number, "as_of": None}
                )
                if before
                else "",
            }
        )
    strip = [
        {
            "number": item.number,
            "href": visit.link("datasets", d.id, "versions", as_of=item.number),
            "words": visit._("version %(n)s, %(date)s", n=item.number, date=visit.speech.date(item.published_at)),
        }
        for item in reversed(d.versions[:STRIP])
    ]
    older = visit.here(**{"from": listed[SHOWN].number}) if len(listed) > SHOWN else ""
    values = {
        "d": d,
        "tab": "versions",
        "tab_title": visit._("Versions"),
        "shown": shown,
        "strip": strip,
        "older": older,
    }
    return visit.page("versions.html", values)


def _step(visit: Visit, item: Version, before: Version | None) -> str:
    if before is None or item.rows == before.rows:
        return ""
    step = item.rows - before.rows
    return f"+{visit.speech.number(step)}" if step > 0 else visit.speech.number(step)


def compare(visit: Visit) -> Response:
    """``/datasets/{id}/compare?from=3&to=4``: added, changed (old struck, new beside), removed."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    known = visit.unchanged(*d.mark)
    if known:
        return known
    first, second = visit.param("from"), visit.param("to")
    if not first:
        raise BadQuery("Two versions are needed to compare.", todo="Choose them on the page of versions.")
    before = visit.door.view(d.id, first).version
    after = visit.door.view(d.id, second).version
    if before.number > after.number:
        before, after = after, before
    difference = visit.door.diff(d.id, str(before.number), str(after.number))
    cursor = list(visit.request.query_params.getlist("after"))
    found = visit.door.changes(d.id, str(before.number), str(after.number), limit=CHANGES + 1, after_key=cursor)
    more = ""
    if len(found) > CHANGES and d.view.scope.key:
        found = found[:CHANGES]
        last = [str(part) for part in found[-1].key]
        more = _with_key(visit, last)
    key_heads = heads(d.contract, list(d.view.scope.key), visit.language, d.profile)
    values = {
        "d": d,
        "tab": "versions",
        "tab_title": visit._("Difference"),
        "before": before,
        "after": after,
        "difference": difference,
        "columns_words": _columns(visit, difference),
        "rows": [_row(d, item) for item in found],
        "key_words": ", ".join(head.label for head in key_heads) or visit._("Row"),
        "more": more,
    }
    return visit.page("compare.html", values)


def _with_key(visit: Visit, key: list[str]) -> str:
    from urllib.parse import urlencode

    asked = [(name, value) for name, value in visit.request.query_params.multi_items() if name != "after"]
    return f"{visit.request.url.path}?{urlencode([*asked, *(('after', part) for part in key)])}"


def _columns(visit: Visit, difference: Any) -> list[str]:
    out = []
    if difference.columns_added:
        out.append(visit._("New columns: %(names)s", names=", ".join(difference.columns_added)))
    if difference.columns_removed:
        out.append(visit._("Columns no longer there: %(names)s", names=", ".join(difference.columns_removed)))
    for old, new in difference.columns_renamed:
        out.append(visit._("The column %(old)s is now called %(new)s", old=old, new=new))
    return out


def _row(d: Dossier, item: Change) -> dict[str, Any]:
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
    kinds = {"added": "+ " + _("added"), "changed": "~ " + _("changed"), "removed": "− " + _("removed")}
    href = f"/datasets/{d.id}/rows/{write_key(list(item.key))}" if names and item.key else ""
    return {
        "kind": item.kind,
        "word": kinds[item.kind],
        "key": " / ".join(words) or "–",
        "href": href,
        "fields": fields,
    }
