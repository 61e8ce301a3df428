"""The privacy desk: what the gate holds back, what it found in a dataset, and how it checks.

A verdict holds measurements of data that is not public: it is shown to the people of the dataset's owner, to who
watches over the whole city, and to whoever holds the city's key. Everybody sees that a dataset was checked, and how.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from arengo.errors import BadForm, Conflict, ContractError, NotAllowed, NotFound, NotKnown
from arengo.governance import Caller
from arengo.governance.owner import owner_of
from arengo.portal import (
    privacy_budget,
    privacy_columns,
    privacy_given,
    privacy_measured,
    privacy_offer,
    privacy_outcome,
    privacy_paper,
    privacy_places,
    privacy_story,
)
from arengo.portal.agreement_story import Names
from arengo.portal.desk import kinds
from arengo.portal.entrance import private
from arengo.portal.form import Form
from arengo.portal.operator import acting, holds_key, is_operator, kept
from arengo.portal.privacy_labels import Labels
from arengo.portal.privacy_outcome import Choice
from arengo.portal.privacy_picture import histogram
from arengo.portal.privacy_turns import turn
from arengo.portal.sheet import Sheet
from arengo.portal.site import Site
from arengo.portal.visit import HEADERS, Visit
from arengo.privacy.verdicts import HELD, OVERRIDE, WAITING, Held
from arengo.services.gate import SECONDS, STEWARDS

SEERS = ("steward", "publisher", "auditor")
"""Who sees a verdict."""
ON_PAGE = 50
FORMS = 20
"""Columns on one page that wait for an answer."""
ACTS = ("approve", "override", "confirm", "decline")
AGAIN = "*"
"""In place of a column's name: a publication was started."""


def routes(site: Site) -> list[BaseRoute]:
    at = "/datasets/{dataset}/privacy"
    shown = {
        "/privacy": inbox,
        "/privacy/how": how,
        "/privacy/budget": budget,
        "/privacy/findings/{dataset}": columns,
        at: single,
        f"{at}.json": file,
        f"{at}.pdf": paper,
        f"{at}/repair/{{repair}}": before_repair,
    }
    taken = {
        f"{at}/decide": decide,
        f"{at}/repair/{{repair}}": repair,
        f"{at}/withdraw": withdraw,
        "/privacy/findings/{dataset}": answer,
        "/privacy/findings/{dataset}/again": again,
    }
    return [
        *(Route(path, site.serve(answer), methods=["GET", "HEAD"]) for path, answer in shown.items()),
        *(Route(path, site.take(answer), methods=["POST"]) for path, answer in taken.items()),
    ]


# Who may look


def sees(visit: Visit, dataset: str) -> bool:
    """Whether the visitor may see what the gate said about a dataset."""
    return is_operator(visit, dataset, SEERS)


def waiting(visit: Visit) -> int | None:
    """How many publications of the visitor's datasets are held back; None for who sees none."""
    mine = kept(visit, SEERS)
    if mine == frozenset():
        return None
    found = visit.site.desk.verdicts.outcomes()
    return sum(settled == HELD and (mine is None or name in mine) for name, (_out, settled, _at) in found.items())


def _looking(visit: Visit) -> Labels:
    """The words for the dataset of the address. Raises NotKnown, NotAllowed, UnknownDataset."""
    dataset = visit.request.path_params["dataset"]
    entry = visit.site.catalogue.entry(dataset)
    if not sees(visit, dataset):
        if not visit.caller.party:
            raise NotKnown("Nobody is signed in.", todo="Sign in as somebody of the dataset's owner.")
        raise NotAllowed(
            visit._("What the gate found is for the people who answer for the dataset."),
            todo=visit._("Ask its owner. That it was checked stands on its page."),
        )
    return Labels(visit.speech, entry.contract, visit.site.catalogue)


def _seen(visit: Visit) -> frozenset[str] | None:
    mine = kept(visit, SEERS)
    if mine == frozenset() and not visit.caller.party:
        raise NotKnown("Nobody is signed in.", todo="Sign in as somebody of a dataset's owner.")
    if mine == frozenset() and not any(role in SEERS for _office, role in visit.caller.roles):
        raise NotAllowed(
            visit._("What the gate found is for the people who answer for a dataset."),
            todo=visit._("Ask an administrator of your organisation for the role of a steward."),
        )
    return mine


# The inbox


@dataclass(frozen=True, slots=True)
class Waits:
    """One publication that is held back. ``who``: who has to decide; ``mine``: the visitor can."""

    dataset: str
    title: str
    href: str
    tone: str
    word: str
    headline: str
    at: datetime
    days: int
    who: str
    mine: bool
    repairs: int


@dataclass(frozen=True, slots=True)
class Line:
    """One dataset in the overview. Numbers are written out, '' where there is none."""

    dataset: str
    title: str
    href: str
    tone: str
    outcome: str
    settled: str
    smallest: str
    target: str
    people: str
    at: datetime


def inbox(visit: Visit) -> Response:
    """``GET /privacy?page=``."""
    mine = _seen(visit)
    desk, s = visit.site.desk, visit.speech
    outcomes = desk.verdicts.outcomes()
    catalogue = visit.site.catalogue
    entries = [item for item in catalogue.entries(limit=None).items if mine is None or item.id in mine]
    checked = sorted(
        (item for item in entries if item.id in outcomes),
        key=lambda item: (-privacy_outcome.ORDER[outcomes[item.id][0]], item.contract.title(s.language).casefold()),
    )
    part = turn(visit, len(checked), ON_PAGE, mark="all")
    values = {
        "waits": held_back(visit, mine),
        "counts": kinds(visit),
        "lines": [line for item in part.of(checked) if (line := _line(visit, item.id)) is not None],
        "unchecked": sum(item.id not in outcomes for item in entries),
        "part": part,
    }
    return private(visit.page("privacy.html", values))


def held_back(visit: Visit, mine: frozenset[str] | None) -> list[Waits]:
    """What the gate holds back of ``mine``, the newest first."""
    names = Names(visit)
    return [_waits(visit, item, names) for item in visit.site.desk.waiting(mine)]


def _waits(visit: Visit, held: Held, names: Names) -> Waits:
    s, _ = visit.speech, visit._
    labels = Labels(s, None, visit.site.catalogue)
    owner = _owner(visit, held.dataset)
    office = names.organisation(owner) or _("the city")
    waits = visit.site.desk.open_override(held)
    decides = _decides(visit, owner, STEWARDS)
    if waits is not None:
        who = _("A second person, after %(name)s", name=_person(visit, names, waits.by))
        decides = _decides(visit, owner, SECONDS) and visit.caller.party not in ("", waits.by)
    elif held.outcome == "review":
        who = _("A steward of %(office)s", office=office)
    else:
        who = _("A steward of %(office)s takes a repair, or two people decide", office=office)
    return Waits(
        held.dataset, labels.title(held.dataset), visit.link("datasets", held.dataset, "privacy"),
        privacy_outcome.TONES[held.outcome], privacy_outcome.outcome_word(s, held.outcome),
        privacy_outcome.headline(s, held.verdict), held.at, max((visit.now - held.at).days, 0), who, decides,
        len(held.verdict.repairs),
    )  # fmt: skip


def _line(visit: Visit, dataset: str) -> Line | None:
    s = visit.speech
    held = visit.site.desk.latest(dataset)
    if held is None:
        return None
    least, k = privacy_measured.smallest(held.verdict), privacy_outcome.target_k(held.verdict)
    people = privacy_outcome.people_of(held.verdict)
    return Line(
        dataset, Labels(s, None, visit.site.catalogue).title(dataset), visit.link("datasets", dataset, "privacy"),
        privacy_outcome.TONES[held.outcome], privacy_outcome.outcome_word(s, held.outcome),
        privacy_outcome.settled_word(s, held.settled), s.number(least) if least is not None else "",
        s.number(k) if k is not None else "", s.number(people) if people else "", held.at,
    )  # fmt: skip


def _owner(visit: Visit, dataset: str) -> str:
    return owner_of(visit.site.catalogue.entry(dataset).contract)


def _decides(visit: Visit, owner: str, roles: Sequence[str]) -> bool:
    """Whether the visitor may take a decision. Whoever is signed in decides as that person, key or not."""
    if not visit.caller.party:
        return holds_key(visit)
    return any(visit.caller.has(role, owner) for role in roles)


def _who(visit: Visit) -> Caller:
    """Who decides: the person who is signed in, so that one person with the city's key is not two; else the key."""
    return visit.caller if visit.caller.party else acting(visit)


def _person(visit: Visit, names: Names, id: str) -> str:
    return names.person(id) if id else visit._("the keeper of the city's key")


# One dataset


def single(visit: Visit) -> Response:
    """``GET /datasets/{dataset}/privacy?verdict=``: the newest verdict, or an older one."""
    return _single(visit, Sheet(visit, "privacy"), _looking(visit))


def _held(visit: Visit, dataset: str) -> Held | None:
    """The verdict the address asks for, of this dataset only. Raises NotFound."""
    wanted = visit.param("verdict")
    if not wanted:
        return visit.site.desk.latest(dataset)
    found = visit.site.desk.get(wanted)
    if found.dataset != dataset:
        raise NotFound(f"There is no verdict {wanted[:40]!r}.")
    return found


def _single(visit: Visit, f: Sheet, labels: Labels) -> Response:
    dataset = visit.request.path_params["dataset"]
    s, desk = visit.speech, visit.site.desk
    held = _held(visit, dataset)
    frame: dict[str, Any] = {"f": f, "id": dataset, "title": labels.title(dataset), "held": held}
    if held is None:
        return private(visit.page("privacy_dataset.html", frame, f.status))
    verdict, names = held.verdict, Names(visit)
    owner = _owner(visit, dataset)
    waits = desk.open_override(held) if held.settled == HELD else None
    newest = desk.latest(dataset)
    done = visit.param("done")
    part = turn(visit, len(verdict.findings), ON_PAGE, mark="found")
    values = {
        **frame,
        "verdict": verdict,
        "headline": privacy_outcome.headline(s, verdict, held.settled),
        "standing": privacy_outcome.standing(s, held),
        "tone": privacy_outcome.TONES[held.outcome],
        "word": privacy_outcome.ruling(s, held),
        "steps": privacy_story.steps(s, verdict, labels, visit, part.of(privacy_story.by_weight(verdict))),
        "part": part,
        "pictures": privacy_measured.pictures(s, verdict),
        "places": privacy_places.picture(visit, verdict),
        "risks": privacy_measured.risks(s, verdict),
        "lookers": privacy_measured.lookers(s, verdict, labels),
        "costs": privacy_measured.costs(verdict, labels),
        "mosaic": privacy_measured.mosaic(s, verdict, labels, visit),
        "offers": privacy_offer.offers(s, verdict, labels),
        "assumptions": privacy_story.assumed(s, verdict, labels, privacy_given.reasons(visit, held)),
        "decisions": choices(visit, dataset, names),
        "history": desk.history(dataset),
        "outcome_word": lambda outcome: privacy_outcome.outcome_word(s, outcome),
        "settled_word": lambda settled: privacy_outcome.settled_word(s, settled),
        "tones": privacy_outcome.TONES,
        "open": held.settled == HELD,
        "older": newest is not None and newest.id != held.id,
        "decides": held.settled == HELD and _decides(visit, owner, STEWARDS),
        "waits": waits,
        "first": _person(visit, names, waits.by) if waits else "",
        "second": waits is not None and bool(visit.caller.party) and _decides(visit, owner, SECONDS),
        "myself": waits is not None and waits.by == _who(visit).party,
        "done": done if done in (*ACTS, "repair", "withdraw") else "",
        "public": desk.exposing(dataset) if _decides(visit, owner, STEWARDS) else None,
        "stale": held.settled == HELD and _decides(visit, owner, STEWARDS) and desk.stale(dataset),
        "unanswered": sum(item.code == "undeclared-person" for item in verdict.findings),
    }
    return private(visit.page("privacy_dataset.html", values, f.status))


def choices(visit: Visit, dataset: str, names: Names) -> list[Choice]:
    """What people decided, newest first, with every word they gave."""
    s, _ = visit.speech, visit._
    words = privacy_outcome.decision_words(s)
    out = []
    for item in visit.site.desk.decisions(dataset):
        names.learn([item.by, item.second])
        word, tone = words.get((item.kind, item.state), (item.state, ""))
        asked = {"approve": _("approved it"), "override": _("asked to publish it all the same"),
                 "repair": _("took a repair")}.get(item.kind, item.kind)  # fmt: skip
        steps = [(_person(visit, names, item.by), asked, item.at, item.reason)]
        if item.second_at is not None:
            said = _("agreed") if item.state == "given" else _("declined it")
            steps.append((_person(visit, names, item.second), said, item.second_at, item.second_reason))
        waits = item.kind == OVERRIDE and item.state == WAITING
        out.append(Choice(item.id, item.kind, word, tone, waits, tuple(steps)))
    return out


def file(visit: Visit) -> Response:
    """``GET /datasets/{dataset}/privacy.json?verdict=``: the verdict as it is kept, with its mark."""
    _looking(visit)
    dataset = visit.request.path_params["dataset"]
    held = _held(visit, dataset)
    if held is None:
        raise NotFound(f"The gate has not looked at {dataset} yet.")
    told = {**held.verdict.as_json(), "id": held.id, "settled": held.settled, "version": held.version}
    headers = {**HEADERS, "Cache-Control": "no-store",
               "Content-Disposition": f'attachment; filename="{dataset}-privacy.json"'}  # fmt: skip
    return Response(orjson.dumps(told, option=orjson.OPT_INDENT_2), media_type="application/json", headers=headers)


def paper(visit: Visit) -> Response:
    """``GET /datasets/{dataset}/privacy.pdf?verdict=``: the report, sealed; its SHA-256 goes on record."""
    _looking(visit)
    dataset = visit.request.path_params["dataset"]
    held = _held(visit, dataset)
    if held is None:
        raise NotFound(f"The gate has not looked at {dataset} yet.")
    return privacy_paper.document(visit, held, choices(visit, dataset, Names(visit)))


# Deciding


def decide(visit: Visit, given: Form) -> Response:
    """``POST /datasets/{dataset}/privacy/decide``: ``act`` with ``verdict`` or ``decision``, and a reason."""
    labels = _looking(visit)
    dataset = visit.request.path_params["dataset"]
    f, _, desk = Sheet(visit, "privacy", given), visit._, visit.site.desk
    act, by = given.one("act"), _who(visit)
    reason = f.text("reason", 4000, _("Give the reason: it goes on record."))
    if act not in ACTS:
        f.wrong("", _("Choose what to do."))
    if not f.errors and len(" ".join(reason.split())) < 10:
        f.wrong("reason", _("The reason is too short. Say in a sentence why."))
    if not f.errors:
        try:
            if act in ("approve", "override"):
                held = desk.get(given.one("verdict"))
                _same(held.dataset, dataset)
                (desk.approve if act == "approve" else desk.override)(held.id, by, reason)
            else:
                decision = desk.verdicts.decision(given.one("decision"))
                _same(decision.dataset, dataset)
                (desk.confirm if act == "confirm" else desk.decline)(decision.id, by, reason)
        except BadForm as error:
            f.wrong("reason", f"{error.met} {error.todo or ''}".strip())
        except Conflict as error:
            f.wrong("", f"{error.met} {error.todo or ''}".strip(), 409)
    if f.errors:
        return _single(visit, f, labels)
    return RedirectResponse(f"{visit.link('datasets', dataset, 'privacy')}?done={act}", 303)


def _same(one: str, other: str) -> None:
    if one != other:
        raise NotFound("There is no such verdict of this dataset.")


def before_repair(visit: Visit) -> Response:
    """``GET /datasets/{dataset}/privacy/repair/{repair}``: before and after, to look at and confirm."""
    return _repair(visit, Sheet(visit, "repair"), _looking(visit))


def _repair(visit: Visit, f: Sheet, labels: Labels) -> Response:
    dataset, wanted = visit.request.path_params["dataset"], visit.request.path_params["repair"]
    s, desk = visit.speech, visit.site.desk
    held = _held(visit, dataset)
    if held is None:
        raise NotFound(f"The gate has not looked at {dataset} yet.")
    found = next((item for item in held.verdict.repairs if item.id == wanted), None)
    if found is None:
        raise NotFound(visit._("There is no such repair."), todo=visit._("Look at the newest verdict."))
    try:
        made = desk.mended(held.id, wanted)
    except ContractError as error:  # what is written by hand may have no place for it
        if not f.errors:
            f.wrong("", f"{error.met} {error.todo or ''}".strip(), 409)
        return _single(visit, f, labels)
    k = privacy_outcome.target_k(held.verdict) or 5
    values = {
        "f": f,
        "id": dataset,
        "title": labels.title(dataset),
        "held": held,
        "offer": privacy_offer.offer(s, held.verdict, found, labels),
        "together": privacy_offer.together(s, held.verdict, found),
        "picture": histogram(s, found.after, found.before, k),
        "mended": made,
        "changes": made.sentences,
        "open": held.settled == HELD and _decides(visit, _owner(visit, dataset), STEWARDS),
    }
    return private(visit.page("privacy_repair.html", values, f.status))


def repair(visit: Visit, given: Form) -> Response:
    """``POST /datasets/{dataset}/privacy/repair/{repair}``: into the contract, and published again."""
    labels = _looking(visit)
    dataset, wanted = visit.request.path_params["dataset"], visit.request.path_params["repair"]
    f = Sheet(visit, "repair", given)
    reason = f.text("reason", 4000)
    held = visit.site.desk.get(given.one("verdict"))
    _same(held.dataset, dataset)
    if not f.errors:
        try:
            visit.site.desk.repair(held.id, wanted, _who(visit), reason)
        except (Conflict, ContractError) as error:
            f.wrong("", f"{error.met} {error.todo or ''}".strip(), 409)
    if f.errors:
        return _repair(visit, f, labels)
    return RedirectResponse(f"{visit.link('datasets', dataset, 'privacy')}?done=repair", 303)


def withdraw(visit: Visit, given: Form) -> Response:
    """``POST /datasets/{dataset}/privacy/withdraw``: ``version``, one that shows people, with the reason ``why``."""
    labels = _looking(visit)
    dataset = visit.request.path_params["dataset"]
    f, _, desk = Sheet(visit, "privacy", given), visit._, visit.site.desk
    why = f.text("why", 4000, _("Give the reason: it goes on record."))
    if not f.errors and len(" ".join(why.split())) < 10:
        f.wrong("why", _("The reason is too short. Say in a sentence why."))
    if not f.errors:
        found = desk.exposing(dataset)
        numbers = [number for number in (found.older if found else ()) if str(number) == given.one("version")]
        try:
            desk.withdraw(dataset, numbers, _who(visit), why)
        except Conflict as error:
            f.wrong("", f"{error.met} {error.todo or ''}".strip(), 409)
    if f.errors:
        return _single(visit, f, labels)
    return RedirectResponse(f"{visit.link('datasets', dataset, 'privacy')}?done=withdraw", 303)


# More of the city


def budget(visit: Visit) -> Response:
    """``GET /privacy/budget``: what was told about each population with noise, and what is left."""
    _seen(visit)
    return private(visit.page("privacy_budget.html", {"populations": privacy_budget.populations(visit)}))


def columns(visit: Visit) -> Response:
    """``GET /privacy/findings/{dataset}``: what was found in each column, and what the contract says of it."""
    return _columns(visit, Sheet(visit, "findings"), _looking(visit))


def _columns(visit: Visit, f: Sheet, labels: Labels) -> Response:
    dataset = visit.request.path_params["dataset"]
    held = _held(visit, dataset)
    decides = _decides(visit, _owner(visit, dataset), STEWARDS)
    done, known = visit.param("done"), visit.site.catalogue.entry(dataset).contract.as_read()
    found, wanted = privacy_columns.lines(visit, dataset, held), f.value("column") or visit.param("column")
    waits = [item for item in found if item.open and item.name != wanted]
    forms, rows = turn(visit, len(waits), FORMS, mark="asked"), turn(visit, len(found), ON_PAGE, "columns", "columns")
    values = {
        "f": f,
        "id": dataset,
        "title": labels.title(dataset),
        "held": held,
        "lines": rows.of(found),
        "rows": rows,
        "asked": privacy_columns.ask(visit) if decides else None,
        "answers": [*(item for item in found if item.name == wanted), *forms.of(waits)],
        "forms": forms,
        "waits": sum(item.open for item in found),
        "wanted": wanted,
        "stale": visit.site.desk.stale(dataset),
        "done": labels.column(done) if known.column(done) is not None else "",
        "started": done == AGAIN,
    }
    return private(visit.page("privacy_columns.html", values, f.status))


def answer(visit: Visit, given: Form) -> Response:
    """``POST /privacy/findings/{dataset}``: ``column`` and ``answer``: yes with ``role``, ``kind``, ``concept``; no
    with ``reason``. It goes into the contract."""
    labels = _looking(visit)
    dataset = visit.request.path_params["dataset"]
    f = Sheet(visit, "findings", given)
    if not privacy_columns.answer(visit, f, dataset, _who(visit)):
        return _columns(visit, f, labels)
    return RedirectResponse(visit.link("privacy", "findings", dataset, done=given.one("column")), 303)


def again(visit: Visit, given: Form) -> Response:
    """``POST /privacy/findings/{dataset}/again``: publish, so that the gate looks at what was answered."""
    _looking(visit)
    dataset = visit.request.path_params["dataset"]
    visit.site.desk.again(dataset, _who(visit))
    return RedirectResponse(visit.link("privacy", "findings", dataset, done=AGAIN), 303)


def how(visit: Visit) -> Response:
    """``GET /privacy/how``: how publications are checked, in plain words, for everybody."""
    known = visit.unchanged("privacy-how")
    return known or visit.page("privacy_how.html", {"steps": privacy_story.step_words(visit.speech)})


@dataclass(frozen=True, slots=True)
class Checked:
    """What everybody sees on a dataset's page. ``k``: persons a group must have, '' when it was not about persons."""

    at: datetime
    k: str


def checked(visit: Visit, dataset: str) -> Checked | None:
    """For the dataset's page: when the newest verdict passed, that and when."""
    held = visit.site.desk.latest(dataset)
    if held is None or held.outcome != "pass" or held.version is None or not privacy_outcome.is_public(held.verdict):
        return None
    personal = all(item.code != "nothing-personal" for item in held.verdict.findings)
    k = privacy_outcome.target_k(held.verdict)
    return Checked(held.at, visit.speech.number(k) if k is not None and personal else "")
