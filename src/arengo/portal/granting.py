"""Requests for access on the desk: what waits for the owner, decided one by one or many at once; deputies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from arengo.errors import BadForm, Conflict, NotAllowed, NotFound
from arengo.governance.agreement import Agreement
from arengo.governance.delegation import Delegation
from arengo.governance.purpose import personal_columns
from arengo.portal import agreement_story as told
from arengo.portal.agreement_steps import late_words
from arengo.portal.agreement_story import Names
from arengo.portal.desk import LATE, kinds
from arengo.portal.entrance import private, signed_in
from arengo.portal.form import Form
from arengo.portal.sheet import Sheet
from arengo.portal.terms import end_of
from arengo.portal.visit import Visit

ACTS = ("approve", "reject", "return")
PAGE = 50
"""Requests shown at once, the oldest first."""
MOST = 200


def page(visit: Visit) -> Response:
    """``GET /desk/access?dataset=&organisation=``."""
    return signed_in(visit) or _page(visit, [])


def decide(visit: Visit, given: Form) -> Response:
    """``POST /desk/access``: one decision for all that are ticked, each as it was looked at."""
    refused = signed_in(visit)
    if refused:
        return refused
    _, act, why = visit._, given.one("act"), given.one("why")[:2000]
    chosen = [item.rpartition(":") for item in given.get("item", ()) if item][:MOST]
    problems: list[tuple[str, str]] = []
    if act not in ACTS:
        problems.append((_("Choose what to do."), "#act"))
    if not chosen:
        problems.append((_("Tick at least one."), ""))
    if act in ("reject", "return") and not why:
        problems.append((_("A reason is needed: whoever asked reads it."), "#why"))
    if problems:
        return _page(visit, problems, given)
    accords, by, names = visit.site.agreements, visit.caller, Names(visit)
    done = further = 0
    for number, _colon, revision in chosen:
        try:
            item = accords.get(number, by)
        except NotFound as error:
            problems.append((error.met, ""))
            continue
        able = accords.deciders(item, by)
        if not revision.isdigit() or int(revision) != item.revision or item.state != "pending":
            problems.append(
                (f"{names.dataset(item.dataset)}: {late_words(visit, item)}", f"/agreements/{quote(number)}")
            )
            continue
        behalf, seen = next(iter(able), ""), item.revision
        try:
            if act == "approve":
                made = accords.approve(number, by=by, why=why, behalf=behalf, seen=seen)
                further += made.state == "pending"
            elif act == "reject":
                accords.reject(number, by=by, why=why, behalf=behalf, seen=seen)
            else:
                accords.send_back(number, by=by, why=why, behalf=behalf, seen=seen)
            done += 1
        except (Conflict, NotAllowed, BadForm) as error:
            words = f"{names.dataset(item.dataset)}: {error.met} {error.todo}".strip()
            problems.append((words, f"/desk/access/{quote(number)}"))
    if problems:
        return _page(visit, problems, given, done)
    more = {"further": further} if further else {}
    chosen_filter = {name: given.one(name) for name in ("dataset", "organisation") if given.one(name)}
    return RedirectResponse(f"/desk/access?{urlencode({**chosen_filter, 'done': act, 'n': done, **more})}", 303)


def waiting(visit: Visit) -> tuple[Agreement, ...]:
    """What waits for this visitor; kept for all pages until anything changes who may read."""
    state, by = visit.site.state, visit.caller
    if not by.party or not (by.roles or by.organisation):
        return ()
    held = visit.site.inboxes
    key, mark = by, (state.generation(), visit.now.replace(second=0, microsecond=0))
    known = held.get(key)
    if known is None or known[0] != mark:
        if len(held) > 1000:
            held.clear()
        known = held[key] = (mark, visit.site.agreements.inbox_of(by))
    return known[1]


def _page(visit: Visit, problems: list[tuple[str, str]], given: Form | None = None, done: int = 0) -> Response:
    _, names = visit._, Names(visit)
    found = waiting(visit)
    dataset = given.one("dataset") if given else visit.param("dataset")
    organisation = given.one("organisation") if given else visit.param("organisation")
    fitting = [
        item
        for item in found
        if (not dataset or item.dataset == dataset) and (not organisation or item.organisation == organisation)
    ]
    start = int(visit.param("from")) if visit.param("from").isdigit() else 0
    shown = fitting[start : start + PAGE]
    titles = visit.site.agreements.purposes.titles(tuple(item.purpose for item in shown))
    values = {
        "total": len(found),
        "counts": kinds(visit),
        "items": [_line(visit, item, names, titles.get(item.purpose, "")) for item in shown],
        "datasets": _choices([(item.dataset, names.dataset(item.dataset)) for item in found]),
        "organisations": _choices([(item.organisation, names.organisation(item.organisation)) for item in found]),
        "dataset": dataset,
        "organisation": organisation,
        "more": visit.here(**{"from": start + PAGE}) if len(fitting) > start + PAGE else "",
        "filtered": bool(dataset or organisation) and bool(found),
        "acts": [
            ("approve", _("Approve as asked")),
            ("reject", _("Refuse, with the reason")),
            ("return", _("Send back with a question")),
        ],
        "problems": problems,
        "ticked": {item.rpartition(":")[0] for item in given.get("item", ())} if given else set(),
        "chosen": given.one("act") if given else "",
        "why": given.one("why") if given else "",
        "said": _said(visit, done),
        "standing_in": _standing_in(visit, names),
        "mine": ", ".join(names.organisation(one) for one in owners(visit)) or visit.settings.city.name,
        "owned": _owned(visit, names),
    }
    return private(visit.page("access_desk.html", values, 400 if problems and not done else 200))


def _line(visit: Visit, item: Agreement, names: Names, purpose: str) -> dict[str, Any]:
    _, say = visit._, visit.speech
    contract = told.contract_of(visit, item.dataset)
    waits, days = told.waits(visit, item.requested_at or item.created_at)
    asks = say.many("%(n)s column", "%(n)s columns", len(item.columns))
    asks += ", " + say.many("%(n)s call a day", "%(n)s calls a day", item.volume)
    notes = []
    if item.follows:
        notes.append(_("In place of an agreement that is in force."))
    levels = visit.site.agreements.levels(item)
    if len(levels) > 1:
        given = len(item.approvals)
        notes.append(_("Two approvals needed, %(n)s given.", n=say.number(given)))
    every = visit.site.agreements.settings.remind_days
    reminded = say.many("reminded %(n)s time", "reminded %(n)s times", days // every) if every and days >= every else ""
    return {
        "id": item.id,
        "revision": item.revision,
        "title": names.dataset(item.dataset),
        "by": names.reader(item),
        "purpose": purpose,
        "asks": asks,
        "personal": bool(contract and personal_columns(contract, item.columns)),
        "notes": notes,
        "at": item.requested_at or item.created_at,
        "waits": waits,
        "late": days >= LATE,
        "reminded": [reminded] if reminded else [],
        "mine": True,
    }


def _choices(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(dict(pairs).items(), key=lambda pair: pair[1].casefold())


def owners(visit: Visit) -> list[str]:
    """The organisations whose data the visitor decides about."""
    return [held for held, role in visit.caller.roles if role == "steward" and held != "*"]


def _owned(visit: Visit, names: Names) -> list[dict[str, Any]]:
    """Shared datasets of the visitor's organisations, with how many read each."""
    from arengo.governance.owner import owner_of

    mine = set(owners(visit))
    if not mine:
        return []
    entries = [
        entry
        for entry in visit.site.catalogue.entries(limit=None).items
        if entry.contract.access == "shared" and owner_of(entry.contract) in mine
    ]
    counts: dict[str, int] = {}
    for item in visit.site.agreements.listing(visit.caller, side="owner", states=("active",), limit=1000):
        counts[item.dataset] = counts.get(item.dataset, 0) + 1
    return [
        {
            "id": entry.id,
            "title": entry.contract.title(visit.language),
            "n": visit.speech.many("%(n)s reader", "%(n)s readers", counts.get(entry.id, 0)),
        }
        for entry in entries[:100]
    ]


def _said(visit: Visit, done: int) -> dict[str, str] | None:
    _, act = visit._, visit.param("done")
    count = done or (int(visit.param("n")) if visit.param("n").isdigit() else 1)
    if done:
        return {"tone": "good", "title": visit.speech.many("%(n)s decided", "%(n)s decided", done), "words": ""}
    if act not in ACTS:
        return None
    told = visit.param("further")[:4]
    further = int(told) if told.isascii() and told.isdecimal() else 0
    if act == "approve" and 0 < further <= count:
        said = visit.speech.many(
            "Your approval is kept; one more person decides", "Your %(n)s approvals are kept; one more person decides",
            further,
        )  # fmt: skip
        if further == count:
            return {"tone": "good", "title": said, "words": ""}
        said_too = visit.speech.many("%(n)s request approved", "%(n)s requests approved", count - further)
        return {"tone": "good", "title": said_too, "words": said}
    title = {
        "approve": visit.speech.many("%(n)s request approved", "%(n)s requests approved", count),
        "reject": visit.speech.many("%(n)s request refused", "%(n)s requests refused", count),
        "return": visit.speech.many("%(n)s request sent back", "%(n)s requests sent back", count),
    }[act]
    return {"tone": "good", "title": title, "words": _("Whoever asked gets a letter.")}


# Deputies


def _standing_in(visit: Visit, names: Names) -> list[str]:
    _, out = visit._, []
    for item in visit.site.agreements.delegations.of(visit.caller.party):
        if not item.holds(visit.now):
            continue
        until = visit.speech.date(item.until)
        if item.to == visit.caller.party:
            out.append(_("You stand in for %(name)s until %(date)s.", name=names.person(item.person), date=until))
        else:
            out.append(_("%(name)s stands in for you until %(date)s.", name=names.person(item.to), date=until))
    return out


def deputies(visit: Visit) -> Response:
    """``GET /desk/access/deputies``."""
    return signed_in(visit) or _deputies(visit, Sheet(visit, "deputy"))


def depute(visit: Visit, given: Form) -> Response:
    """``POST /desk/access/deputies``: name a deputy, or end it."""
    refused = signed_in(visit)
    if refused:
        return refused
    f, _, delegations = Sheet(visit, "deputy", given), visit._, visit.site.agreements.delegations
    if given.one("end"):
        delegations.end(given.one("end"), by=visit.caller)
        return RedirectResponse("/desk/access/deputies?done=end", 303)
    since, until = _day(f, "since"), _day(f, "until")
    if not f.value("to"):
        f.wrong("to", _("Choose who stands in for you."))
    if since and until and until < since:
        f.wrong("until", _("The end is before the beginning."))
    if since and until and not f.errors:
        begin = max(_begin(visit, since), visit.now)
        try:
            delegations.put(f.value("to"), f.value("organisation"), begin, end_of(visit, until), by=visit.caller)
        except (BadForm, NotAllowed) as error:
            f.wrong("to", f"{error.met} {error.todo}".strip(), error.status)
    if f.errors:
        return _deputies(visit, f)
    return RedirectResponse("/desk/access/deputies?done=put", 303)


def _day(f: Sheet, name: str) -> date | None:
    try:
        return date.fromisoformat(f.value(name))
    except ValueError:
        f.wrong(name, f.visit._("Write a date like 2026-05-31."))
        return None


def _begin(visit: Visit, day: date) -> datetime:
    return datetime.combine(day, time(), visit.speech.zone)


def _deputies(visit: Visit, f: Sheet) -> Response:
    _, by, names = visit._, visit.caller, Names(visit)
    known = visit.site.agreements.delegations.of(by.party)
    names.learn([item.to for item in known] + [item.person for item in known])
    organisations = sorted({held for held, _role in by.roles if held != "*"})
    people: dict[str, str] = {}
    for organisation in organisations:
        for person in visit.site.parties.people(organisation):
            if person.id != by.party and person.active:
                people[person.id] = person.name
    done = visit.param("done")
    said = {"put": _("The deputy is named"), "end": _("Ended")}.get(done)
    values = {
        "f": f,
        "given": [_deputy(visit, item, names.person(item.to)) for item in known if item.person == by.party],
        "taken": [_deputy(visit, item, names.person(item.person)) for item in known if item.to == by.party],
        "people": [("", _("Choose")), *people.items()] if people else [],
        "organisations": [(one, names.organisation(one)) for one in organisations],
        "today": visit.speech.local(visit.now).date().isoformat(),
        "said": {"tone": "good", "title": said, "words": ""} if said and f.given is None else None,
    }
    return private(visit.page("access_deputies.html", values, f.status))


def _deputy(visit: Visit, item: Delegation, name: str) -> dict[str, Any]:
    _, say = visit._, visit.speech
    words = _("%(start)s to %(end)s", start=say.date(item.since), end=say.date(item.until))
    if item.ended_at is not None:
        words += ", " + _("ended on %(date)s", date=say.date(item.ended_at))
    elif item.until <= visit.now:
        words += ", " + _("over")
    live = item.ended_at is None and item.until > visit.now
    return {"id": item.id, "name": name, "words": words, "live": live}
