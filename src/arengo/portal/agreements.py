"""What somebody asked for and may read: the list, and the whole story of one agreement with every way on.

``/agreements`` is the reader's side; ``/agreements/{id}`` is the same page for both sides, with the steps each may
take. What one may not see is not there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from arengo.errors import ArengoError, BadForm, Conflict, NotAllowed
from arengo.governance.agreement import ENDED, Agreement
from arengo.governance.approval import member
from arengo.portal import agreement_story as told
from arengo.portal.agreement_steps import ACTS, INSTANT, Post, late_words, posts_of, step, sure
from arengo.portal.agreement_story import Names
from arengo.portal.agreement_use import use_of
from arengo.portal.agreement_words import badge, plan_words, state_word
from arengo.portal.entrance import private, signed_in
from arengo.portal.form import Form
from arengo.portal.sheet import Sheet
from arengo.portal.terms import last_day
from arengo.portal.visit import Visit, safe_target

PAGE = 50
GROUPS = (("draft", "pending"), ("active", "suspended"), ENDED)
RENEW = timedelta(days=60)
"""How long before its end an agreement says that it can be renewed."""


def listing(visit: Visit) -> Response:
    """``GET /agreements?state=&after=``."""
    refused = signed_in(visit)
    if refused:
        return refused
    accords, names = visit.site.agreements, Names(visit)
    wanted = visit.param("state")
    found = accords.listing(visit.caller, side="consumer", limit=1000)
    found = tuple(item for item in found if item.requested_at or item.state == "draft")  # what was thrown away unsent
    counts: dict[str, int] = {}
    for item in found:
        counts[badge(visit, item).state] = counts.get(badge(visit, item).state, 0) + 1
    chosen = wanted if wanted in counts else ""
    shown = [item for item in found if not chosen or badge(visit, item).state == chosen]
    start = int(visit.param("from")) if visit.param("from").isdigit() else 0
    page = shown[start : start + PAGE]
    titles = accords.purposes.titles(tuple(item.purpose for item in page))
    lines = [_line(visit, item, names, titles.get(item.purpose, "")) for item in page]
    headings = (visit._("On the way"), visit._("May be read"), visit._("Over"))
    groups = [
        (heading, found_lines)
        for heading, states in zip(headings, GROUPS, strict=True)
        if (found_lines := [line for line in lines if line["state"] in states])
    ]
    values = {
        "groups": groups,
        "states": [
            ("", visit._("all"), len(found)),
            *((name, state_word(visit, name), n) for name, n in counts.items()),
        ],
        "chosen": chosen,
        "more": visit.here(**{"from": start + PAGE}) if len(shown) > start + PAGE else "",
        "desk": visit.asked_access,
        "store": "/store",
    }
    return private(visit.page("agreements.html", values))


def _line(visit: Visit, item: Agreement, names: Names, purpose: str) -> dict[str, Any]:
    when = told.left_words(visit, item)
    if item.state in ("draft", "pending", "rejected"):
        when = visit.speech.date(item.requested_at or item.created_at)
    return told.head(visit, item, names) | {
        "purpose": purpose,
        "reader": names.reader(item),
        "next": _next(visit, item, names),
        "when": when,
    }


def _next(visit: Visit, item: Agreement, names: Names) -> str:
    """What comes next, in a sentence."""
    _, owner = visit._, names.organisation(item.owner)
    state = badge(visit, item).state
    if state == "draft":
        return _("Look it over and send it.")
    if state == "pending":
        since = told.waits(visit, item.requested_at or item.created_at)[0]
        if item.approvals:
            return _("The first of two approvals is given; the request %(since)s.", since=since)
        return _("%(owner)s decides; the request %(since)s.", owner=owner, since=since)
    if state == "active" and item.valid_to - visit.now < RENEW:
        return _("Renew it in time, so that nothing stops.")
    if state == "active":
        return _("Calls with a key of the application are answered.") if item.application else _("Sign in and read it.")
    if state == "suspended":
        return told.suspended_words(visit, item, names)
    if state == "rejected":
        return _("The owner said why. You can ask again for less or for another purpose.")
    if state == "expired":
        return _("Ask for a renewal to go on.")
    return ""


# One agreement


def single(visit: Visit) -> Response:
    """``GET /agreements/{id}``."""
    return signed_in(visit) or _single(visit, Sheet(visit, "agreement"))


def _single(visit: Visit, f: Sheet, said: dict[str, str] | None = None) -> Response:
    accords, by, _ = visit.site.agreements, visit.caller, visit._
    item = accords.get(visit.request.path_params["agreement"], by)
    names, contract = Names(visit), told.contract_of(visit, item.dataset)
    purpose = accords.purposes.get(item.purpose)
    stamps = accords.history(item.id, by)
    mine = member(by, item.organisation)
    shown = told.head(visit, item, names)
    posts, rest = posts_of(visit, item)
    values = {
        "f": f,
        "a": shown,
        "now": _now(visit, item, names, mine, posts),
        "rest": rest,
        "diff": told.asked_granted(visit, item, contract),
        "purpose": told.purpose_view(visit, purpose),
        "message": told.message_of(stamps),
        "steps": told.story(visit, stamps, names),
        "facts": _facts(visit, item, names, contract is not None),
        "approvers": told.approvals(visit, item, contract, purpose.personal, names),
        "files": _files(visit, item),
        "use": use_of(visit, (item,)) if item.state not in ("draft", "pending", "rejected") else None,
        "said": said or _said(visit, item),
        "up_href": "/agreements" if mine else "/desk/access",
        "up_words": _("My requests and agreements") if mine else _("Requests for access"),
    }
    return private(visit.page("agreement.html", values, f.status))


def _facts(visit: Visit, item: Agreement, names: Names, there: bool) -> list[tuple[str, str, str]]:
    _, say = visit._, visit.speech
    facts = [
        (_("Dataset"), names.dataset(item.dataset), visit.link("datasets", item.dataset) if there else ""),
        (_("Owner"), names.organisation(item.owner), ""),
        (_("Reader"), names.organisation(item.organisation), ""),
        (_("Application"), names.application(item.application) or _("its people, signed in"), ""),
        (_("Asked by"), names.person(item.requested_by or item.drafted_by), ""),
        (_("In force"), _("%(start)s to %(end)s", start=say.date(item.valid_from),
                          end=say.date(last_day(visit, item.valid_to))), ""),
        (_("Limits"), _limits(visit, item), ""),
        (_("Version of the contract"), item.contract_version, ""),
    ]  # fmt: skip
    if item.follows:
        facts.append((_("Follows"), item.follows, f"/agreements/{quote(item.follows)}"))
    for later in visit.site.agreements.followed_by(item.id):
        if visit.site.agreements.sees(later, visit.caller) and later.state not in ("revoked", "rejected"):
            facts.append((_("Followed by"), later.id, f"/agreements/{quote(later.id)}"))
    return facts


def _limits(visit: Visit, item: Agreement) -> str:
    """What the plan allows; under an agreement in force, what is left of today."""
    whole, say = visit.site.access.store.plan(item), visit.speech
    plan = replace(whole, daily=min(whole.daily, item.volume or whole.daily))
    if not item.current(visit.now):
        return plan_words(visit, plan)
    left = visit.site.access.store.left(visit.caller, item)
    words = visit._(
        "%(left)s of %(limit)s calls left today", left=say.number(left.remaining), limit=say.number(left.limit)
    )
    return f"{plan_words(visit, plan)}; {words}" if left.limit else plan_words(visit, plan)


def _files(visit: Visit, item: Agreement) -> list[tuple[str, str]]:
    if item.state in ("draft", "pending", "rejected") or item.requested_at is None:
        return []
    at = f"/api/v1/agreements/{quote(item.id)}"
    return [
        (f"{at}/document.pdf", visit._("The agreement as a sealed document (PDF)")),
        (f"{at}/odrl", visit._("The same for programs (ODRL, JSON-LD)")),
    ]


def _now(visit: Visit, item: Agreement, names: Names, mine: bool, posts: list[Post]) -> dict[str, Any]:
    """What holds now and what can be done about it: the head of the page."""
    _, shown = visit._, badge(visit, item)
    owner = names.organisation(item.owner)
    title, words, links = state_word(visit, shown.state).capitalize(), [], []
    ask = f"/agreements/{quote(item.id)}"
    if shown.state == "draft":
        title = _("Not sent yet")
        words = [_("Look it over. %(owner)s sees it when you send it.", owner=owner)]
        links = [(f"{ask}/edit", _("Change the draft"), True)]
        stamps = visit.site.agreements.history(item.id, visit.caller)
        back = next((one for one in reversed(stamps) if one.action in ("return", "submit", "withdraw")), None)
        if back is not None and back.action == "return":
            title, words = _("%(owner)s asks you something", owner=owner), [back.why]
    elif shown.state == "pending":
        title = _("%(owner)s decides", owner=owner)
        since = told.waits(visit, item.requested_at or item.created_at)[0]
        words = [_("The request %(since)s. Nothing can be read before. Whoever asked gets a letter.", since=since)]
        if visit.site.agreements.deciders(item, visit.caller):
            links = [(f"/desk/access/{quote(item.id)}", _("Decide"), False)]
    elif shown.state == "active" and mine:
        title = _("You may read it")
        words = [told.left_words(visit, item)[:1].upper() + told.left_words(visit, item)[1:] + "."]
        if item.application:
            links = [(f"/applications/{quote(item.application)}", _("Make a key"), False)]
        else:
            links = [(visit.link("datasets", item.dataset), _("Open the data"), False)]
        soon = item.valid_to - visit.now < RENEW
        links += [(f"{ask}/renew", _("Renew"), not soon), (f"{ask}/change", _("Ask for a change"), True)]
        stands = _standing(visit, item)
        if stands.verdict == "ask":
            words.append(_("The contract has changed; ask again in time: %(why)s", why=stands.words))
            links.insert(0, (f"{ask}/upgrade", _("Go over to the new contract"), False))
    elif shown.state == "active":
        title = _("It is being read")
        words = [told.left_words(visit, item)[:1].upper() + told.left_words(visit, item)[1:] + "."]
    elif shown.state == "suspended":
        title = told.suspended_words(visit, item, names).rstrip(".")
        words = [why for why in (_last_why(visit, item, ("suspend", "outdate")),) if why]
        words.append(_("Calls are refused until it is resumed."))
        if mine and _standing(visit, item).verdict != "stands":
            links = [(f"{ask}/upgrade", _("Go over to the new contract"), False)]
    elif shown.state == "rejected":
        title = _("%(owner)s said no", owner=owner)
        words = [why for why in (_last_why(visit, item, ("reject",)),) if why]
        if mine:
            again = f"?{urlencode([('column', name) for name in item.columns])}" if item.columns else ""
            links = [(visit.link("datasets", item.dataset, "access", "ask") + again, _("Ask again for less"), False)]
    elif shown.state in ("expired", "revoked"):
        words = [_("It was in force until %(date)s.", date=visit.speech.date(min(item.valid_to, item.updated_at)))]
        words += [why for why in (_last_why(visit, item, ("revoke",)),) if why]
        if mine and shown.state == "expired":
            links = [(f"{ask}/renew", _("Renew"), False)]
    elif shown.state == "superseded":
        words = [_("A newer agreement stands in its place.")]
    return {"title": title, "words": words, "links": links, "posts": posts}


def _standing(visit: Visit, item: Agreement) -> Any:
    from arengo.governance.standing import STANDS

    try:
        return visit.site.agreements.standing(item)
    except ArengoError:
        return STANDS


def _last_why(visit: Visit, item: Agreement, actions: tuple[str, ...]) -> str:
    stamps = visit.site.agreements.history(item.id, visit.caller)
    return next((one.why for one in reversed(stamps) if one.action in actions and one.why), "")


def act(visit: Visit, given: Form) -> Response:
    """``POST /agreements/{id}``: a step of the agreement, with the page that asks first where it is due."""
    refused = signed_in(visit)
    if refused:
        return refused
    accords, by, _ = visit.site.agreements, visit.caller, visit._
    item = accords.get(visit.request.path_params["agreement"], by)
    name = given.one("act")
    f = Sheet(visit, "agreement", given)
    if name not in ACTS:
        f.wrong("", _("Choose what to do."))
        return _single(visit, f)
    known = {post.act for part in posts_of(visit, item) for post in part}
    if name not in known:
        return _single(visit, _told_late(visit, f, item))
    if name not in INSTANT and given.one("sure") != "1":
        return sure(visit, Sheet(visit, "agreement"), item, name, given.one("back"))
    why = f.text("why", 2000)
    if name == "suspend" and "why" not in given:
        why = _("Suspended with one click.")
    needed = name in ("suspend", "revoke")
    if needed and not why:
        f.wrong("why", _("Say why: the other side reads it."))
    if f.errors:
        return sure(visit, f, item, name, given.one("back"))
    try:
        step(visit, item, name, why)
    except Conflict:
        return _single(visit, _told_late(visit, f, accords.get(item.id, by)))
    except (BadForm, NotAllowed) as error:
        f.wrong("", f"{error.met} {error.todo}".strip(), error.status)
        return _single(visit, f)
    back = given.one("back")
    target = safe_target(back) if back else f"/agreements/{quote(item.id)}"
    return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{urlencode({'done': name, 'of': item.id})}", 303)


def _told_late(visit: Visit, f: Sheet, item: Agreement) -> Sheet:
    """The form with a kind word that somebody was quicker."""
    f.wrong("", late_words(visit, item), 409)
    return f


def _said(visit: Visit, item: Agreement) -> dict[str, str] | None:
    """What was just done, after a form was sent."""
    _ = visit._
    done = visit.param("done")
    if done not in ("submit", "withdraw", "suspend", "resume", "revoke", "draft", "change", "renew", "upgrade"):
        return None
    state, owner = item.state, Names(visit).organisation(item.owner)
    if done in ("submit", "change", "renew", "upgrade") and state == "active":
        return {"tone": "good", "title": _("Granted"), "words": _("The owner's rule grants this by itself.")}
    if done in ("submit", "change", "renew", "upgrade") and state == "pending":
        words = _("%(owner)s gets a letter and decides. You get a letter with the answer.", owner=owner)
        return {"tone": "good", "title": _("Sent"), "words": words}
    if done == "draft" and state == "draft":
        return {"tone": "", "title": _("Kept as a draft"), "words": _("Nobody else sees it before you send it.")}
    if done == "suspend" and state == "suspended":
        words = _("The next call is refused. “Resume” undoes it.")
        return {"tone": "good", "title": _("Suspended"), "words": words}
    if done == "resume" and state == "active":
        return {"tone": "good", "title": _("Resumed"), "words": _("Calls are answered again.")}
    return None
