"""A census sheet on its way in: the form, what it would change, and the yes."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

from starlette.responses import RedirectResponse, Response

from arengo.errors import ArengoError, BadForm, NotAllowed
from arengo.portal.form import Form
from arengo.portal.operator import acting
from arengo.portal.visit import HEADERS, Visit
from arengo.services.census import Change, Plan, Register, book, keeper, words
from arengo.services.census.grid import MOST_BYTES

MOST = 8_000_000
"""Bytes of a posted form with its files."""
MUCH = 0.2
"""Share of the census that a sheet may remove before the page asks whether it is only a part."""
SHOWN = 300
"""Changes written on the page; the rest are counted."""


def keeps(visit: Visit) -> bool:
    """Whether the visitor keeps the census: the operator, and stewards, publishers and administrators."""
    return keeper(acting(visit))


def who(visit: Visit) -> str:
    return acting(visit).party


def form(visit: Visit) -> Response:
    """``GET /census/sheet``."""
    _must_keep(visit)
    return _form(visit)


def template(visit: Visit) -> Response:
    """``/census/template.xlsx``: empty, with the words of the visitor's language."""
    content = book.as_book(Register(), visit.language)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="census-template.xlsx"'}
    return Response(content, 200, headers, book.MEDIA)


def send(visit: Visit, form: Form) -> Response:
    """``POST /census/sheet``: files ``sheet``; ``partial`` when they only add and correct."""
    _must_keep(visit)
    files = [item for item in form.files if item.field == "sheet" and item.content][:4]
    if not files:
        return _form(visit, problem=visit._("Choose a file first."), status=400)
    partial = form.one("partial") == "yes"
    try:
        with tempfile.TemporaryDirectory(prefix="arengo-census-") as scratch:
            paths = []
            for number, item in enumerate(files):
                path = Path(scratch) / f"{number}.sheet"  # never under the name it came with
                path.write_bytes(item.content[: MOST_BYTES + 1])
                paths.append(path)
            plan = visit.site.census.read(paths, [item.name or "sheet" for item in files], partial=partial)
    except ArengoError as error:
        return _form(visit, problem=str(error), status=error.status if error.status < 500 else 400, partial=partial)
    if plan.reading.problems:
        return _form(visit, plan=plan, status=400, partial=partial)
    if not plan.changes:
        return _form(visit, same=True, plan=plan, partial=partial)
    return RedirectResponse(visit.link("census", "sheet", visit.site.census.offer(plan, who(visit))), 303)


def preview(visit: Visit) -> Response:
    """``GET /census/sheet/{batch}``: what would change."""
    _must_keep(visit)
    plan = visit.site.census.waiting(visit.request.path_params["batch"])
    order = ("changed", "removed", "added")
    shown = list(islice(sorted(plan.changes, key=lambda item: order.index(item.action)), SHOWN))
    held = visit.site.census.register()
    values = {
        "plan": plan,
        "counts": plan.counts,
        "much": plan.counts["removed"] > MUCH * (len(held.applications) + len(held.exchanges)),
        "changes": [(item, _fields(visit, item)) for item in shown],
        "more": len(plan.changes) - len(shown),
        "action_words": _actions(visit),
        "kind_words": {"application": visit._("application"), "exchange": visit._("exchange")},
    }
    answer = visit.page("census_preview.html", values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def decide(visit: Visit, form: Form) -> Response:
    """``POST /census/sheet/{batch}``: ``act`` is take or drop."""
    _must_keep(visit)
    batch = visit.request.path_params["batch"]
    if form.one("act") == "drop":
        visit.site.census.drop(batch)
        return RedirectResponse("/census/sheet", 303)
    if form.one("act") != "take":
        raise BadForm("The form says neither take nor drop.", todo="Use one of its buttons.")
    visit.site.census.take(batch, who(visit))
    return RedirectResponse("/census", 303)


def _must_keep(visit: Visit) -> None:
    if not keeps(visit):
        raise NotAllowed(
            "Only stewards, publishers and administrators bring in a sheet of the census.",
            todo="Sign in, or ask one of them.",
        )


def _form(visit: Visit, *, status: int = 200, **said: Any) -> Response:
    plan: Plan | None = said.get("plan")
    values = {
        "problem": said.get("problem", ""),
        "same": said.get("same", False),
        "partial": said.get("partial", False),
        "problems": plan.reading.problems if plan else (),
        "more": plan.reading.more if plan else 0,
        "doubts": plan.reading.doubts if plan else (),
        "file": plan.file if plan else "",
        "held": len(visit.site.census.register().applications),
    }
    answer = visit.page("census_sheet.html", values, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _fields(visit: Visit, change: Change) -> list[tuple[str, str, str]]:
    """(header in the visitor's language, before, after)."""
    headers = words.headers("applications" if change.kind == "application" else "exchanges", visit.language)
    return [(headers.get(name, name), before, after) for name, before, after in change.fields]


def _actions(visit: Visit) -> dict[str, tuple[str, str]]:
    _ = visit._
    return {"added": (_("new"), "good"), "changed": (_("changed"), "warn"), "removed": (_("gone"), "bad")}
