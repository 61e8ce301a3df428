"""Webhooks, for the operator: receivers, what was delivered and what was not, a test."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse, Response

from arengo.errors import BadForm, CallerError, SettingsError
from arengo.portal.desk import guarded
from arengo.portal.form import Form
from arengo.portal.sheet import Sheet
from arengo.portal.visit import Visit
from arengo.services.event import KINDS
from arengo.services.webhook import Delivery

LISTED = 50


def page(visit: Visit) -> Response:
    """``GET /desk/webhooks?hook=&state=``."""
    return guarded(visit, whole=True) or _page(visit, Sheet(visit, "webhook"))


def take(visit: Visit, given: Form) -> Response:
    """``POST /desk/webhooks``: add, test, drop, wake, or try again."""
    refused = guarded(visit, whole=True)
    if refused:
        return refused
    hooks, f, _ = visit.site.participation.webhooks, Sheet(visit, "webhook", given), visit._
    act, name = f.value("act"), f.value("hook")
    made, tested = "", None
    try:
        if act == "add":
            events = f.values("event")
            datasets = [part for part in f.value("datasets").replace(",", " ").split() if part]
            made = hooks.add(f.value("id"), f.web("url", _("Write the receiver's address.")), events, datasets).secret
        elif act == "test":
            tested = hooks.test(name)
        elif act == "drop":
            hooks.drop(name)
        elif act == "wake":
            hooks.wake(name)
        elif act == "rest":
            hooks.rest(name, _("Stopped by the operator."))
        elif act == "again":
            hooks.again(f.value("delivery"))
    except BadForm as error:
        f.wrong("url" if "address" in error.met else "id" if "name" in error.met else "event-0",
                f"{error.met} {error.todo}".strip())  # fmt: skip
    except CallerError as error:
        f.wrong("", error.met)
    if f.errors or made or tested:
        return _page(visit, f, made, tested)
    return RedirectResponse("/desk/webhooks", 303)


def _page(visit: Visit, f: Sheet, made: str = "", tested: Delivery | None = None) -> Response:
    hooks = visit.site.participation.webhooks
    broken = ""
    try:
        receivers = hooks.hooks()
    except SettingsError as error:
        receivers, broken = (), str(error)
    hook, state = visit.param("hook"), visit.param("state")
    values: dict[str, Any] = {
        "f": f,
        "receivers": receivers,
        "broken": broken,
        "deliveries": hooks.deliveries(hook, state if state in ("waiting", "delivered", "dead") else "", LISTED),
        "states": [("", visit._("all")), ("waiting", visit._("waiting")), ("delivered", visit._("delivered")),
                   ("dead", visit._("given up"))],
        "state": state,
        "kinds": KINDS,
        "chosen": set(f.values("event")) if f.given is not None and f.errors else {"version.published"},
        "made": made,
        "tested": tested,
    }  # fmt: skip
    answer = visit.page("webhooks.html", values, f.status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
