"""Something is wrong here: the form, its receipt, the public list and what became of each request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from arengo.contract.model import Kind
from arengo.errors import CallerError, NotAllowed, NotFound
from arengo.faces.site import public_address
from arengo.portal.cells import Head, heads, one
from arengo.portal.dossier import Dossier
from arengo.portal.form import Form
from arengo.portal.operator import KEEPERS, is_operator
from arengo.portal.row import read_key, row_name, write_key
from arengo.portal.sheet import Sheet
from arengo.portal.state_words import TONES, state_word
from arengo.portal.table import read_number
from arengo.portal.visit import Visit
from arengo.services.amendment import COLUMNS_MOST, Amendment, Report, same
from arengo.services.tracked import Step
from arengo.services.wording import linked

NOTHING = ("-", "–", "—")
"""What stands for "there should be no value", as in the filters of the table."""
ON_PAGE = 50


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the row: what it holds in words and as plain text, what may be typed."""

    head: Head
    now: str
    plain: str
    hint: str
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return f"new.{self.head.name}"


@dataclass(frozen=True, slots=True)
class Target:
    """What the request is about: the dataset, a column, or a row with its fields."""

    d: Dossier
    column: Head | None
    key: tuple[str, ...]
    label: str
    fields: tuple[Field, ...]

    @property
    def row_link(self) -> str:
        return f"/datasets/{self.d.id}/rows/{write_key(self.key)}" if self.key else ""


def dossier(visit: Visit) -> Dossier:
    """The dataset of the address; of one that may not be read, only its public words."""
    dataset = visit.request.path_params["dataset"]
    try:
        return Dossier(visit, dataset)
    except NotAllowed:
        return Dossier(visit, dataset, unseen=True)


def form(visit: Visit) -> Response:
    """``GET /datasets/{id}/amend?row=key&column=name``."""
    return _form(visit, Sheet(visit, "amendment"), _target(visit))


def take(visit: Visit, given: Form) -> Response:
    """``POST /datasets/{id}/amend``: a receipt, or the form again with what to correct."""
    target, f, _ = _target(visit), Sheet(visit, "amendment", given), visit._
    services = visit.site.participation
    proposed, current = _proposed(visit, f, target)
    gone = f.value("gone") == "1" and bool(target.key)
    missing = "" if proposed or gone else _("Say what is wrong.")
    wrong = f.text("wrong", 4000, missing)
    evidence = f.text("evidence", 1000)
    address = f.mail() if services.letters.able else ""
    sender = f.sender("amendment", address)
    if f.errors:
        return _form(visit, f, target)
    report = Report(
        target.d.id,
        wrong or (_("This row should not be there.") if gone else _("The values below are wrong.")),
        column=target.column.name if target.column else "",
        key=target.key,
        label=target.label,
        version=target.d.newest.number if target.d.newest else None,
        evidence=evidence,
        current=current,
        proposed=proposed,
        gone=gone,
    )
    item = services.amendments.send(report, sender)
    return receipt(visit, "amendment", item.id, target.d.title, bool(address))


def receipt(visit: Visit, kind: str, number: str, about: str, mail: bool) -> Response:
    """What somebody holds after sending: the number and the secret link."""
    service = visit.site.participation.tracked[kind]
    secret = f"/track/{kind}/{number}/{service.secret('track', number)}"
    base = public_address(visit.settings, visit.request)
    values = {"kind": kind, "number": number, "secret": secret, "shown": base + secret, "about": about, "mail": mail}
    return visit.page("receipt.html", values)


def listing(visit: Visit) -> Response:
    """``/datasets/{id}/requests``: every request on a dataset, without who sent it."""
    d = dossier(visit)
    service = visit.site.participation.amendments
    start = int(visit.param("start")) if visit.param("start").isdigit() else 0
    found = list(service.of(d.id, _public(service), ON_PAGE + 1, min(start, 100_000)))
    values = {
        "d": d,
        "tab": "discussion",
        "tab_title": visit._("Corrections asked for"),
        "items": [line(visit, d, item) for item in found[:ON_PAGE]],
        "tally": service.tally(d.id),
        "days": days_words(visit, service.tally(d.id).days),
        "after": visit.here(start=start + ON_PAGE) if len(found) > ON_PAGE else "",
    }
    return visit.page("requests.html", values)


def single(visit: Visit) -> Response:
    """``/datasets/{id}/requests/{number}``."""
    d = dossier(visit)
    item = visit.site.participation.amendments.one(visit.request.path_params["number"])
    if item.dataset != d.id or item.state == "spam":
        raise NotFound(f"{d.title} has no request with this number.", todo="See the list of its requests.")
    return visit.page("request.html", {"d": d, "tab": "discussion", **whole(visit, d, item)})


def whole(visit: Visit, d: Dossier, item: Amendment, private: bool = False) -> dict[str, Any]:
    """Everything a page says of one request; the text only once it was read, or to its sender and the city."""
    steps = visit.site.participation.amendments.steps(item.id)
    return {
        "tab_title": visit._("Correction %(number)s", number=item.id),
        "item": line(visit, d, item, private),
        "changes": changes(d, item) if private or (item.seen and _shows_rows(visit, d)) else [],
        "evidence": linked(item.evidence) if private or item.seen else [],
        "steps": history(visit, "amendment", steps, private or item.seen),
        "operator": is_operator(visit, d.id),
    }


def strip(visit: Visit, d: Dossier) -> dict[str, Any]:
    """What the quality page says of requests: how many, how fast, the newest."""
    service = visit.site.participation.amendments
    tally = service.tally(d.id)
    return {
        "tally": tally,
        "days": days_words(visit, tally.days),
        "items": [line(visit, d, item) for item in service.of(d.id, _public(service), 5)],
    }


def line(visit: Visit, d: Dossier, item: Amendment, private: bool = False) -> dict[str, Any]:
    """One request as lists show it."""
    _ = visit._
    head = next(iter(heads(d.contract, [item.column], visit.language)), None) if item.column else None
    shown = private or _shows_rows(visit, d)
    if item.key:
        about = _("Row %(name)s", name=item.label or " / ".join(item.key)) if shown else _("Row")
    elif item.column:
        about = _("Column %(name)s", name=head.label if head else item.column)
    else:
        about = _("The dataset as a whole")
    return {
        "id": item.id,
        "href": f"/datasets/{d.id}/requests/{item.id}",
        "about": about,
        "row": f"/datasets/{d.id}/rows/{write_key(item.key)}" if item.key and shown else "",
        "pieces": linked(item.wrong) if private or item.seen else [],
        "word": state_word(_, "amendment", item.state),
        "tone": TONES[item.state],
        "at": item.created_at,
        "corrected": item.corrected,
        "version": item.version,
        "language": item.language if item.language != visit.language else "",
        "state": item.state,
        "dataset": d.id,
        "gone": item.gone,
    }


def _shows_rows(visit: Visit, d: Dossier) -> bool:
    """Whether the public lists may say which row a request is about and what it holds: of open data, and to its owner.

    The key of a row that is not open, its name and its values are as little for everybody as the row is.
    """
    return d.contract.access == "open" or is_operator(visit, d.id, KEEPERS)


def changes(d: Dossier, item: Amendment) -> list[dict[str, str]]:
    """Old and proposed value of each column, as the reader's language writes them."""
    known = {head.name: head for head in heads(d.contract, list(item.proposed), d.speech.language)}
    out = []
    for name, text in item.proposed.items():
        head = known.get(name) or Head(name, name, "", Kind.STRING, False, False)
        out.append({"label": head.label, "old": _say(d, head, item.current.get(name, "")), "new": _say(d, head, text)})
    return out


def history(visit: Visit, kind: str, steps: Sequence[Step], seen: bool) -> list[dict[str, Any]]:
    """The steps for a page. What a sender added is shown once the city has gone on from there."""
    _ = visit._
    by = {"sender": _("by the sender"), "city": _("by %(city)s", city=visit.settings.city.name), "arengo": ""}
    out = []
    for index, item in enumerate(steps):
        read = item.by != "sender" or any(later.by == "city" for later in steps[index + 1 :])
        out.append(
            {
                "word": state_word(_, kind, item.state),
                "at": item.at,
                "by": by.get(item.by, "") if index else "",
                "pieces": linked(item.words) if seen and read else [],
            }
        )
    return out


def days_words(visit: Visit, days: float | None) -> str:
    """A median in words."""
    if days is None:
        return "–"
    if days < 1:
        return visit._("less than a day")
    return visit.speech.many("%(n)s day", "%(n)s days", round(days))


def _public(service: Any) -> tuple[str, ...]:
    return tuple(state for state in service.progress.states if state not in ("spam", "withdrawn"))


def _form(visit: Visit, f: Sheet, target: Target) -> Response:
    d = target.d
    values = {
        "d": d,
        "tab": "discussion",
        "tab_title": visit._("Something is wrong here"),
        "f": f,
        "target": target,
        "able": visit.site.participation.letters.able,
        "days": visit.site.participation.settings.keep_days,
        "taken": visit.site.participation.settings.open,
        "whole_row": f"/datasets/{d.id}/amend?row={quote(visit.param('row'))}" if target.key and target.column else "",
    }
    answer = visit.page("amend.html", values, f.status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _target(visit: Visit) -> Target:
    if not visit.site.participation.settings.open:
        raise NotAllowed("This city takes no requests here.", todo="Write to its contact address.")
    d = dossier(visit)
    column = None
    if visit.param("column"):
        column = next(iter(heads(d.contract, [visit.param("column")], visit.language)), None)
        if column is None:
            raise NotFound(f"{d.title} has no column {visit.param('column')[:60]}.")
    if not visit.param("row") or d.version is None:
        return Target(d, column, (), "", ())
    key = tuple(read_key(visit.param("row")))
    past = visit.door.history(d.id, key)
    row = next((item.row for item in reversed(past) if item.row is not None), None)
    if row is None:
        raise NotFound(f"{d.title} has no row with the key {', '.join(key)[:100]}.", todo="Look for it in the table.")
    wanted = [
        head for head in d.heads if head.name in row and head.kind not in (Kind.GEOMETRY, Kind.JSON) and not head.key
    ]
    if column is not None:
        wanted = [head for head in wanted if head.name == column.name]
    fields = tuple(_field(visit, head, row[head.name]) for head in wanted[:COLUMNS_MOST])
    name, plain_key = row_name(d, d.heads, row, key), " / ".join(key)
    return Target(d, column, key, name if name == plain_key else f"{name} ({plain_key})", fields)


def _field(visit: Visit, head: Head, value: Any) -> Field:
    cell = one(visit.speech, head, value)
    now = visit._("no value") if cell.mark == "nil" else cell.full or cell.text
    hints = {Kind.DATE: "2026-05-31", Kind.TIMESTAMP: "2026-05-31 14:30", Kind.TIME: "14:30"}
    choices: tuple[tuple[str, str], ...] = ()
    if head.kind is Kind.BOOLEAN:
        choices = (("", ""), ("true", visit._("yes")), ("false", visit._("no")), ("-", visit._("no value")))
    return Field(head, now, written(value), hints.get(head.kind, ""), choices)


def written(value: Any) -> str:
    """A stored value as plain text that does not depend on a language; '' for no value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _proposed(visit: Visit, f: Sheet, target: Target) -> tuple[dict[str, str], dict[str, str]]:
    """(proposed, current) of the columns that are to change, as plain text."""
    proposed: dict[str, str] = {}
    for item in target.fields:
        text = f.value(item.name)
        if not text:
            continue
        plain = "" if text in NOTHING else read(visit, item.head, text)
        if plain is None:
            f.wrong(item.name, _unreadable(visit, item.head))
        elif plain != item.plain and not _equal(item, plain):
            proposed[item.head.name] = plain[:2000]
    return proposed, {item.head.name: item.plain for item in target.fields if item.head.name in proposed}


def _equal(item: Field, plain: str) -> bool:
    """Whether what was typed is what the row holds already."""
    if item.head.kind in (Kind.INTEGER, Kind.NUMBER) and item.plain:
        return same(float(item.plain), plain)
    return same(item.plain or None, plain)


def read(visit: Visit, head: Head, text: str) -> str | None:
    """What a reader typed as plain text; None when it is no value of the column's kind."""
    try:
        if head.kind in (Kind.INTEGER, Kind.NUMBER):
            if not _grouped(text, visit.language):
                return None
            found = read_number(text, visit.language)
            if found is None or (head.kind is Kind.INTEGER and found != int(found)):
                return None
            return str(int(found) if head.kind is Kind.INTEGER else found)
        if head.kind is Kind.BOOLEAN:
            return text if text in ("true", "false") else None
        if head.kind is Kind.DATE:
            european = re.fullmatch(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", text)
            if european and visit.speech.locale != "en":
                text = f"{european[3]}-{int(european[2]):02d}-{int(european[1]):02d}"
            return date.fromisoformat(text).isoformat()
        if head.kind is Kind.TIMESTAMP:
            moment = datetime.fromisoformat(text)
            aware = moment if moment.tzinfo else moment.replace(tzinfo=visit.speech.zone)
            return aware.astimezone(UTC).isoformat()
        if head.kind is Kind.TIME:
            return time.fromisoformat(text).isoformat()
    except (ValueError, OverflowError):
        return None
    return text


def _grouped(text: str, language: str) -> bool:
    """Commas stand where the language groups thousands, or for its decimals; 12,5 in English could mean anything."""
    from arengo.portal.language import marks

    return "," not in text or marks(language).group != "," or bool(re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text))


def _unreadable(visit: Visit, head: Head) -> str:
    _ = visit._
    if head.kind in (Kind.INTEGER, Kind.NUMBER):
        return _("%(column)s holds numbers. Write a number.", column=head.label)
    if head.kind is Kind.DATE:
        return _("%(column)s holds dates. Write one like 2026-05-31.", column=head.label)
    if head.kind is Kind.TIMESTAMP:
        return _("%(column)s holds times. Write one like 2026-05-31 14:30.", column=head.label)
    return _("This does not fit %(column)s.", column=head.label)


def _say(d: Dossier, head: Head, text: str) -> str:
    """Plain text as the reader's language writes the value."""
    if text == "":
        return d.visit._("no value")
    value: Any = text
    try:
        if head.kind is Kind.INTEGER:
            value = int(text)
        elif head.kind is Kind.NUMBER:
            value = float(text)
        elif head.kind is Kind.BOOLEAN:
            value = text == "true"
        elif head.kind is Kind.DATE:
            value = date.fromisoformat(text)
        elif head.kind is Kind.TIMESTAMP:
            value = datetime.fromisoformat(text)
        elif head.kind is Kind.TIME:
            value = time.fromisoformat(text)
    except ValueError:
        return text
    cell = one(d.speech, head, value)
    return cell.full or cell.text


def track(visit: Visit) -> Response:
    """``GET /track/{kind}/{number}/{secret}``: what only the sender sees."""
    return _track(visit, None)


def tracked(visit: Visit, given: Form) -> Response:
    """``POST /track/...``: take it back, or answer the city."""
    kind, number, secret = (visit.request.path_params[name] for name in ("kind", "number", "secret"))
    service = visit.site.participation.tracked.get(kind)
    if service is None:
        raise NotFound("This link opens nothing.")
    service.check("track", number, secret)
    f = Sheet(visit, "track", given)
    if f.value("act") == "withdraw":
        service.withdraw(number, secret)
    elif f.value("act") == "reply" and kind == "amendment":
        words = f.text("words", 4000, visit._("Write your answer."))
        f.sender("amendment")
        if f.errors:
            return _track(visit, f)
        visit.site.participation.amendments.reply(number, secret, words)
    return RedirectResponse(visit.request.url.path, 303)


def _track(visit: Visit, f: Sheet | None) -> Response:
    kind, number, secret = (visit.request.path_params[name] for name in ("kind", "number", "secret"))
    services = visit.site.participation
    service = services.tracked.get(kind)
    if service is None:
        raise NotFound("This link opens nothing.", todo="Copy it whole from the letter or the receipt.")
    row = service.check("track", number, secret)
    values: dict[str, Any] = {
        "kind": kind,
        "number": number,
        "word": state_word(visit._, kind, row.state),
        "tone": TONES[row.state],
        "mail": "confirmed" if row.mail and row.confirmed_at else "waiting" if row.mail else "",
        "steps": history(visit, kind, service.steps(number), True),
        "can_withdraw": "withdrawn" in service.progress.ways.get(row.state, ()),
        "can_reply": kind == "amendment" and "review" in service.progress.ways.get(row.state, ())
        and row.state in ("answered", "declined", "corrected"),
        "f": f or Sheet(visit, "track"),
        "item": None,
        "changes": [],
        "public": {
            "amendment": lambda: f"/datasets/{row.dataset}/requests/{number}",
            "comment": lambda: f"/datasets/{row.dataset}/discussion#c-{number}",
            "reuse": lambda: f"/reuses/{number}",
            "wish": lambda: f"/wishes/{number}",
        }[kind](),
        "title": getattr(row, "title", "") or "",
    }  # fmt: skip
    if kind == "amendment":
        try:
            d = Dossier(visit, row.dataset, unseen=True)
            item = services.amendments.one(number)
            values |= {"item": line(visit, d, item, True), "changes": changes(d, item), "title": d.title}
        except CallerError:  # the dataset is gone
            pass
    answer = visit.page("track.html", values, values["f"].status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def confirm_page(visit: Visit) -> Response:
    """``GET /confirm/{kind}/{id}/{secret}``: a button, since mail programs open links by themselves."""
    answer = visit.page("confirm.html", {"done": False, "kind": visit.request.path_params["kind"], "next": ""})
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def confirm(visit: Visit, given: Form) -> Response:
    """``POST /confirm/...``: the address belongs to whoever opened the letter."""
    kind, number, secret = (visit.request.path_params[name] for name in ("kind", "number", "secret"))
    services = visit.site.participation
    target = "/"
    if kind == "follow":
        services.follows.confirm(number, secret)
        target = f"/follow/{number}/{services.follows.secret('end', number)}"
    elif kind == "support":
        target = f"/wishes/{services.wishes.confirm_support(number, secret)}"
    elif kind in services.tracked:
        services.tracked[kind].confirm(number, secret)
        target = f"/track/{kind}/{number}/{services.tracked[kind].secret('track', number)}"
    else:
        raise NotFound("This link opens nothing.", todo="Copy it whole from the letter.")
    answer = visit.page("confirm.html", {"done": True, "kind": kind, "next": target})
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
