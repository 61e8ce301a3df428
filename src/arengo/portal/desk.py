"""The steward's desk: what waits for the city, decided one by one or many at once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from starlette.responses import RedirectResponse, Response

from arengo.errors import ArengoError, BadForm, CallerError, NotAllowed, NotFound
from arengo.portal.amendment import changes, history, line
from arengo.portal.dossier import Dossier
from arengo.portal.form import Form
from arengo.portal.operator import is_operator, kept
from arengo.portal.reuse import title as dataset_title
from arengo.portal.sheet import Sheet
from arengo.portal.state_words import TONES, state_word
from arengo.portal.visit import Visit
from arengo.services.tracked import Tracked
from arengo.services.wording import linked

KINDS = ("amendment", "comment", "reuse", "wish")
BULK = {
    "amendment": ("review", "accepted", "answered", "declined", "spam"),
    "comment": ("keep", "shown", "hidden"),
    "reuse": ("shown", "declined", "spam"),
    "wish": ("review", "declined", "spam"),
}
LATE = 14
"""Days after which something has waited too long."""
MOST = 200


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits."""

    kind: str
    id: str
    title: str
    about: str
    pieces: list[tuple[str, str]]
    word: str
    tone: str
    days: int
    at: datetime
    href: str
    notes: tuple[str, ...] = ()

    @property
    def late(self) -> bool:
        return self.days >= LATE


def page(visit: Visit) -> Response:
    """``GET /desk?kind=``; without a kind, whatever waits: requests for access when nothing else does."""
    refused = guarded(visit)
    only = visit.asked_access and not visit.held and not any(waiting(visit).values())
    if refused is None and not visit.param("kind") and only:
        return RedirectResponse("/desk/access", 303)
    return refused or _page(visit, [])


def decide(visit: Visit, given: Form) -> Response:
    """``POST /desk``: one decision for all that are ticked."""
    refused = guarded(visit)
    if refused:
        return refused
    kind, act, words = given.one("kind"), given.one("act"), given.one("words")
    chosen = [item for item in given.get("item", ()) if item]
    _ = visit._
    if kind not in KINDS or act not in BULK[kind]:
        return _page(visit, [_("Choose what to do.")])
    if not chosen:
        return _page(visit, [_("Tick at least one.")])
    if act in visit.site.participation.tracked[kind].progress.told and not words:
        return _page(visit, [_("A reason is needed: the sender reads it.")], given)
    problems = []
    for number in chosen[:MOST]:
        try:
            _move(visit, kind, number, act, words)
        except CallerError as error:
            problems.append(f"{number}: {error.met}")
    if problems:
        return _page(visit, problems, given)
    return RedirectResponse(f"/desk?kind={kind}", 303)


def single(visit: Visit) -> Response:
    """``GET /desk/{kind}/{number}``: everything about one, and the way on."""
    return guarded(visit) or _single(visit, Sheet(visit, "desk"))


def move(visit: Visit, given: Form) -> Response:
    """``POST /desk/{kind}/{number}``."""
    refused = guarded(visit)
    if refused:
        return refused
    f, _ = Sheet(visit, "desk", given), visit._
    kind, number = _where(visit)
    state, words = f.value("state"), f.text("words", 2000)
    progress = visit.site.participation.tracked[kind].progress
    if state not in (*progress.states, "keep"):
        f.wrong("state", _("Choose what to do."))
    if state in progress.told and not words:
        f.wrong("words", _("A reason is needed: the sender reads it."))
    more: dict[str, Any] = {}
    if kind == "wish" and state == "planned":
        more["planned"] = _date(f)
    if kind == "wish" and state == "published":
        more["dataset"] = f.value("dataset")
        if more["dataset"] not in {entry.id for entry in visit.site.catalogue.entries(limit=None).items}:
            f.wrong("dataset", _("Choose the dataset that answers it."))
    if kind == "amendment" and state == "corrected":
        text = f.value("version")
        if text and not text.isdigit():
            f.wrong("version", _("Write the number of a version."))
        more["version"] = int(text) if text.isdigit() else None
    if not f.errors:
        try:
            _move(visit, kind, number, state, words, **more)
        except BadForm:
            f.wrong("state", _("That way is closed: somebody else has decided meanwhile, or it was taken back."))
    if f.errors:
        return _single(visit, f)
    return RedirectResponse(f"/desk/{kind}/{number}" if given.one("stay") else f"/desk?kind={kind}", 303)


def guarded(visit: Visit, *, whole: bool = False) -> Response | None:
    """The way to sign in for everybody for whom nothing waits. ``whole``: only who decides for the whole city."""
    if is_operator(visit) or (not whole and kept(visit)):
        return None
    if visit.person is not None:
        raise NotAllowed("Only stewards decide here.", todo="Ask an administrator of your organisation for the role.")
    return RedirectResponse(f"/login?next={visit.request.url.path}", 303, {"Cache-Control": "no-store"})


def waiting(visit: Visit) -> dict[str, int]:
    """How much of each kind waits for the visitor: all of it, or what is about the datasets of the visitor's office."""
    mine = kept(visit)
    if mine is None:
        found = visit.site.participation.waiting()
        return {
            "amendment": found.amendments,
            "comment": found.comments,
            "reuse": found.reuses,
            "wish": found.wishes,
        }
    return {kind: len(_rows(visit, kind, mine)) for kind in KINDS}


def kinds(visit: Visit) -> list[tuple[str, str, int]]:
    """(kind, its words, how much of it waits) of what people send, for who decides about it; else []."""
    if kept(visit) == frozenset():
        return []
    words, counts = kind_words(visit), waiting(visit)
    return [(name, words[name], counts[name]) for name in KINDS]


def _rows(visit: Visit, kind: str, mine: frozenset[str] | None) -> list[Any]:
    """What waits of one kind, the oldest first; only about ``mine`` when not the whole city is the visitor's."""
    services = visit.site.participation
    found: list[Any]
    if kind == "amendment":
        found = list(services.amendments.of(states=services.amendments.progress.waiting, limit=MOST))
    elif kind == "comment":
        found = list(services.discussions.waiting(MOST))
    elif kind == "reuse":
        found = list(services.reuses.waiting(MOST))
    else:
        found = list(services.wishes.of(("received", "review"), MOST))
    if mine is not None:
        found = [item for item in found if _mine(kind, item, mine)]
    return sorted(found, key=lambda item: item.created_at)


def _mine(kind: str, item: Any, mine: frozenset[str]) -> bool:
    """A reuse is an office's when all its datasets are; a wish is the whole city's."""
    about = item.datasets if kind == "reuse" else () if kind == "wish" else (item.dataset,)
    return bool(about) and mine.issuperset(about)


def _only_mine(visit: Visit, kind: str, number: str) -> None:
    """Raises NotAllowed when something is another office's to decide."""
    mine = kept(visit)
    if mine is None:
        return
    services = visit.site.participation
    found: Any = services.reuses.one(number) if kind == "reuse" else services.tracked[kind].row(number)
    if not _mine(kind, found, mine):
        raise NotAllowed("Another office decides about this.", todo="Leave it to its stewards.")


def _move(visit: Visit, kind: str, number: str, state: str, words: str, **more: Any) -> None:
    _only_mine(visit, kind, number)
    services = visit.site.participation
    if kind == "amendment":
        services.amendments.move(number, state, words, **more)
    elif kind == "comment":
        if state == "keep":
            services.discussions.keep(number)
        else:
            services.discussions.move(number, state, words)
    elif kind == "reuse":
        services.reuses.move(number, state, words)
    else:
        services.wishes.move(number, state, words, **more)


def _page(visit: Visit, problems: list[str], given: Form | None = None) -> Response:
    services = visit.site.participation
    counts = waiting(visit)
    asked = given.one("kind") if given else visit.param("kind")
    kind = asked if asked in KINDS else next((name for name in KINDS if counts[name]), "amendment")
    letters = services.letters.counts() if services.letters.able else {}
    dead = sum(1 for _item in services.webhooks.deliveries(state="dead", limit=100))
    values = {
        "counts": [(name, kind_words(visit)[name], counts[name]) for name in KINDS],
        "kind": kind,
        "kind_word": kind_words(visit)[kind],
        "asked": asked,
        "held": _held(visit) if not asked else [],
        "items": items(visit, kind),
        "acts": [(act, act_word(visit, kind, act)) for act in BULK[kind]],
        "told": visit.site.participation.tracked[kind].progress.told,
        "problems": problems,
        "ticked": set(given.get("item", ())) if given else set(),
        "words": given.one("words") if given else "",
        "chosen": given.one("act") if given else "",
        "missing": services.letters.missing,
        "letters": letters,
        "dead": dead,
    }
    return _private(visit.page("desk.html", values, 400 if problems else 200))


def _held(visit: Visit) -> list[Any]:
    """What the gate holds back, for who sees that."""
    if not visit.held:
        return []
    from arengo.portal.privacy import SEERS, held_back

    return list(held_back(visit, kept(visit, SEERS)))


def items(visit: Visit, kind: str) -> list[Item]:
    """What waits of one kind, the oldest first."""
    services = visit.site.participation
    out: list[Item] = []
    found = _rows(visit, kind, kept(visit))
    if kind == "amendment":
        for item in found:
            about = item.label or item.column
            words = item.wrong + "".join(
                f"\n{name}: {item.current.get(name) or '–'} → {text or '–'}" for name, text in item.proposed.items()
            )
            title = dataset_title(visit, item.dataset)
            out.append(_item(visit, kind, item.id, title, about, words, item.state, item.created_at))
    elif kind == "comment":
        reports = services.discussions.reports([item.id for item in found])
        for remark in found:
            title = dataset_title(visit, remark.dataset)
            notes = []
            if remark.reports:
                notes.append(visit.speech.many("reported %(n)s time", "reported %(n)s times", remark.reports))
            notes += [f"“{text}”" for text in reports.get(remark.id, ())]
            words = f"{remark.title}\n{remark.words}".strip()
            out.append(
                _item(visit, kind, remark.id, title, remark.author, words, remark.state, remark.created_at, notes)
            )
    elif kind == "reuse":
        for reuse in found:
            about = ", ".join(dataset_title(visit, name) for name in reuse.datasets)
            words = f"{reuse.words}\n{reuse.author}, {reuse.link}"
            out.append(_item(visit, kind, reuse.id, reuse.title, about, words, reuse.state, reuse.created_at))
    else:
        for wish in found:
            words = f"{wish.words}\n{wish.purpose}".strip()
            notes = []
            if wish.support:
                notes.append(visit.speech.many("%(n)s person needs it too", "%(n)s people need it too", wish.support))
            out.append(_item(visit, kind, wish.id, wish.title, "", words, wish.state, wish.created_at, notes))
    return out


def _item(
    visit: Visit,
    kind: str,
    id: str,
    title: str,
    about: str,
    words: str,
    state: str,
    at: datetime,
    notes: list[str] | None = None,
) -> Item:
    days = (datetime.now(UTC) - at).days
    word = state_word(visit._, kind, state)
    return Item(
        kind, id, title, about, linked(words), word, TONES[state], days, at, f"/desk/{kind}/{id}", tuple(notes or ())
    )


def _single(visit: Visit, f: Sheet) -> Response:
    kind, number = _where(visit)
    _only_mine(visit, kind, number)
    services = visit.site.participation
    service: Tracked = services.tracked[kind]
    row = service.row(number)
    ways = [(state, act_word(visit, kind, state)) for state in service.progress.ways.get(row.state, ())
            if state != "withdrawn"]  # fmt: skip
    if kind == "comment" and row.state == "shown" and row.reports:
        ways.insert(0, ("keep", act_word(visit, kind, "keep")))
    values: dict[str, Any] = {
        "f": f,
        "kind": kind,
        "kind_word": kind_words(visit)[kind],
        "number": number,
        "word": state_word(visit._, kind, row.state),
        "tone": TONES[row.state],
        "at": row.created_at,
        "ways": [("", visit._("Choose")), *ways],
        "steps": history(visit, kind, service.steps(number), True),
        "reach": "confirmed" if row.mail and row.confirmed_at else "waiting" if row.mail else "",
        "facts": _facts(visit, kind, row),
        "changes": [],
        "about": None,
        "datasets": [],
    }
    if kind == "amendment":
        with contextlib.suppress(ArengoError):  # the dataset is gone
            d = Dossier(visit, row.dataset, unseen=True)
            item = services.amendments.one(number)
            values |= {"about": line(visit, d, item, True), "changes": changes(d, item)}
    if kind == "wish":
        entries = visit.site.catalogue.entries(limit=None).items
        titles = [(entry.id, entry.contract.title(visit.language)) for entry in entries]
        values["datasets"] = [("", visit._("Choose")), *titles]
    return _private(visit.page("desk_item.html", values, f.status))


def _facts(visit: Visit, kind: str, row: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """(label, text with links) of what was sent."""
    _ = visit._
    shown = {
        "amendment": (
            (_("Dataset"), dataset_title(visit, row.dataset) if kind in ("amendment", "comment") else ""),
            (_("What is wrong"), getattr(row, "wrong", "")),
            (_("How it is known"), getattr(row, "evidence", "")),
        ),
        "comment": (
            (_("Dataset"), dataset_title(visit, row.dataset) if kind in ("amendment", "comment") else ""),
            (_("Author"), getattr(row, "author", "")),
            (_("Subject"), getattr(row, "title", "")),
            (_("Comment"), getattr(row, "words", "")),
            (_("Reported"), visit.speech.number(getattr(row, "reports", 0) or 0)),
        ),
        "reuse": (
            (_("Title"), getattr(row, "title", "")),
            (_("Description"), getattr(row, "words", "")),
            (_("Link"), getattr(row, "link", "")),
            (_("Author"), getattr(row, "author", "")),
        ),
        "wish": (
            (_("Title"), getattr(row, "title", "")),
            (_("Description"), getattr(row, "words", "")),
            (_("What for"), getattr(row, "purpose", "")),
            (_("Needed by"), visit.speech.number(getattr(row, "support", 0) or 0)),
        ),
    }[kind]
    return [(label, linked(str(text))) for label, text in shown if text]


def kind_words(visit: Visit) -> dict[str, str]:
    _ = visit._
    return {
        "amendment": _("Corrections"),
        "comment": _("Comments"),
        "reuse": _("Reuses"),
        "wish": _("Data asked for"),
    }


def act_word(visit: Visit, kind: str, act: str) -> str:
    """What a button or an option does."""
    _ = visit._
    words = {
        "review": _("Take into review"),
        "accepted": _("Accept: it will be corrected"),
        "answered": _("Answer"),
        "declined": _("Decline, with a reason"),
        "corrected": _("It is corrected"),
        "spam": _("Set aside as spam"),
        "keep": _("Let it stand"),
        "shown": _("Show"),
        "hidden": _("Hide, with a reason"),
        "planned": _("Plan, with a date"),
        "published": _("It is published"),
    }
    return words[act]


def _date(f: Sheet) -> date | None:
    try:
        found = date.fromisoformat(f.value("planned"))
    except ValueError:
        f.wrong("planned", f.visit._("Write a date like 2026-05-31."))
        return None
    return found


def _where(visit: Visit) -> tuple[str, str]:
    kind, number = visit.request.path_params["kind"], visit.request.path_params["number"]
    if kind not in KINDS:
        raise NotFound("There is nothing of this kind on the desk.")
    return kind, number


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
