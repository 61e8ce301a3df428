"""The guided path for who does not know what the data is called: four questions, each may be skipped.

Answers are the address, so going back, changing one and sending it on all work, and nothing needs a script. A choice
that would leave nothing is not offered; every dataset at the end says why it stands there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from arengo.catalogue import Hit, Record, Wanted
from arengo.errors import UnknownDataset
from arengo.portal.results import Line, line
from arengo.portal.site import Visit
from arengo.portal.vocabulary import theme_name

QUESTIONS = ("q", "about", "want", "fresh")
ANY = "any"
"""The answer of who does not know or does not mind."""
WANTS = ("map", "time", "look", "read", "take", "program")
DAYS = {"week": 7, "month": 31, "year": 366}
MOST = 400
"""Datasets that are looked at; more would not be guided any more."""
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to the question asked. ``words`` explain it; ``count``: datasets left after it."""

    label: str
    words: str
    count: str
    href: str


@dataclass(frozen=True, slots=True)
class Given:
    """An answer given before, with the address that asks it again."""

    question: str
    answer: str
    href: str


@dataclass(frozen=True, slots=True)
class Fit:
    """A dataset at the end of the path, and why it is there."""

    line: Line
    reasons: tuple[str, ...]
    href: str
    action: str


def page(visit: Visit) -> Response:
    """``/guide?q=&about=&want=&fresh=``."""
    catalogue = visit.site.catalogue
    known = visit.unchanged(catalogue.generation, catalogue.harvested, visit.speech.local(visit.now).date())
    if known:
        return known
    answers = _answers(visit)
    hits, relaxed = _hits(visit, answers)
    fitting = [hit for hit in hits if _fits(visit, hit.record, answers)]
    asked = next((name for name in QUESTIONS if not answers[name]), "")
    if visit.param("show"):
        asked = ""
    options: Sequence[Option] = ()
    if asked and asked != "q":
        options = _options(visit, asked, fitting, answers)
        if len(options) < 2 or len(fitting) < 2:
            asked = "" if len(fitting) < 2 else asked
    fits = [_fit(visit, hit, answers) for hit in fitting[:SHOWN]] if not asked else []
    step = QUESTIONS.index(asked) + 1 if asked else len(QUESTIONS)
    values = {
        "asked": asked,
        "question": _question(visit, asked),
        "step": step,
        "steps": len(QUESTIONS),
        "options": options,
        "given": _given(visit, answers),
        "skip": _href(answers, **{asked: ANY}) if asked else "",
        "left": len(fitting),
        "left_words": visit.speech.many("%(n)s dataset fits so far", "%(n)s datasets fit so far", len(fitting)),
        "show": _href(answers, show="1"),
        "fits": fits,
        "relaxed": relaxed,
        "all": _list(answers),
        "answers": answers,
        "wish": visit.link("wishes", "new", title="" if answers["q"] == ANY else answers["q"]),
    }
    return visit.page("guide.html", values)


def _answers(visit: Visit) -> dict[str, str]:
    """What was answered; '' for what was not asked yet. An answer nobody could have given counts as none."""
    given = {name: visit.param(name)[:200] for name in QUESTIONS}
    if given["want"] not in (*WANTS, ANY):
        given["want"] = ""
    if given["fresh"] not in (*DAYS, ANY):
        given["fresh"] = ""
    return given


def _hits(visit: Visit, answers: dict[str, str]) -> tuple[tuple[Hit, ...], bool]:
    """What the words and the theme find, and whether not every word was met."""
    words = "" if answers["q"] == ANY else answers["q"]
    only = {"theme": (answers["about"],)} if answers["about"] not in ("", ANY) else {}
    found = visit.site.catalogue.search(
        Wanted(words, visit.language, only, since=_since(visit, answers["fresh"]), limit=MOST)
    )
    return tuple(hit for hit in found.hits if hit.record.kind != "series"), found.relaxed


def _since(visit: Visit, fresh: str) -> str:
    days = DAYS.get(fresh)
    return (visit.speech.local(visit.now).date() - timedelta(days=days)).isoformat() if days else ""


def _fits(visit: Visit, record: Record, answers: dict[str, str]) -> bool:
    return answers["want"] in ("", ANY) or answers["want"] in _serves(visit, record)


def _serves(visit: Visit, record: Record) -> set[str]:
    """Which wishes a dataset serves. Of what others hold only the files are known."""
    if not record.local:
        return {"take"} if record.distributions else set()
    if record.access != "open" or record.version is None:
        return set()
    if record.kind == "documents":
        return {"read", "take", "program"}
    found = {"look", "take", "program"}
    try:
        contract = visit.site.catalogue.entry(record.id).contract
    except UnknownDataset:
        return found
    if contract.geometry is not None:
        found.add("map")
    if contract.custom.get("arengoTime"):
        found.add("time")
    return found


def _question(visit: Visit, name: str) -> str:
    _ = visit._
    return {
        "q": _("What are you looking for?"),
        "about": _("What is it about?"),
        "want": _("What do you want to do with it?"),
        "fresh": _("How new must it be?"),
    }.get(name, "")


def _options(visit: Visit, name: str, fitting: Sequence[Hit], answers: dict[str, str]) -> list[Option]:
    counts: Counter[str] = Counter()
    for hit in fitting:
        if name == "about":
            counts.update(set(hit.record.themes))
        elif name == "want":
            counts.update(_serves(visit, hit.record))
        else:
            today = visit.speech.local(visit.now).date()
            day = hit.record.modified and visit.speech.local(hit.record.modified).date()
            counts.update(word for word, days in DAYS.items() if day and day >= today - timedelta(days=days))
    if name == "about":
        order = [code for code, _count in counts.most_common()]
    else:
        order = [word for word in (WANTS if name == "want" else DAYS) if counts[word]]
    labels = _labels(visit)
    return [
        Option(
            *(labels[name].get(word) or (theme_name(word, visit.speech), "")),
            visit.speech.number(counts[word]),
            _href(answers, **{name: word}),
        )
        for word in order
    ]


def _labels(visit: Visit) -> dict[str, dict[str, tuple[str, str]]]:
    """Question -> answer -> its name and what it means."""
    _ = visit._
    return {
        "q": {},
        "about": {},
        "want": {
            "map": (_("See it on a map"), _("Where things are: places, streets, areas.")),
            "time": (_("See how it changes"), _("A line over days, months or years.")),
            "look": (_("Look something up"), _("A list that you can search, sort and count.")),
            "read": (_("Read what was written"), _("Minutes, decisions, reports: found by their words, page by page.")),
            "take": (_("Take it with you"), _("A file for a spreadsheet or a map program.")),
            "program": (_("Use it in a program"), _("An address that a program can ask.")),
        },
        "fresh": {
            "week": (_("From this week"), ""),
            "month": (_("From the last month"), ""),
            "year": (_("From the last year"), ""),
        },
    }


def _given(visit: Visit, answers: dict[str, str]) -> list[Given]:
    _ = visit._
    names = {"q": _("Words"), "about": _("About"), "want": _("To"), "fresh": _("New")}
    labels = _labels(visit)
    out = []
    for name, value in answers.items():
        if not value:
            continue
        said = labels[name].get(value, ("", ""))[0] or (theme_name(value, visit.speech) if name == "about" else value)
        rest = {other: answer for other, answer in answers.items() if other != name}
        out.append(Given(names[name], _("it does not matter") if value == ANY else said, _href(rest)))
    return out


def _fit(visit: Visit, hit: Hit, answers: dict[str, str]) -> Fit:
    _, record = visit._, hit.record
    reasons = []
    if answers["q"] not in ("", ANY):
        reasons.append(_("has “%(words)s” in what it says", words=answers["q"]))
    if answers["about"] not in ("", ANY):
        reasons.append(_("is about %(theme)s", theme=theme_name(answers["about"], visit.speech)))
    wish = answers["want"]
    why = {
        "map": _("has places"),
        "time": _("goes on over time"),
        "look": _("is a list you can search"),
        "read": _("holds texts, page by page"),
        "take": _("comes as a file"),
        "program": _("answers programs"),
    }
    if wish in why:
        reasons.append(why[wish])
    if answers["fresh"] in DAYS and record.modified is not None:
        reasons.append(_("was renewed on %(date)s", date=visit.speech.date(record.modified)))
    shown = line(visit, hit, "" if answers["q"] == ANY else answers["q"])
    return Fit(shown, tuple(reasons), *_first(visit, record, wish, shown))


def _first(visit: Visit, record: Record, wish: str, shown: Line) -> tuple[str, str]:
    """The page that does what was wished, and its words; '' twice for the dataset's own page."""
    _ = visit._
    pages = {
        "map": ("map", _("Open the map")),
        "time": ("charts", _("Open the charts")),
        "look": ("table", _("Open the table")),
        "read": ("documents", _("Open the documents")),
        "take": ("downloads", _("Choose a file")),
        "program": ("api", _("See how")),
    }
    if not record.local or wish not in pages:
        return shown.href, ""
    part, words = pages[wish]
    return visit.link("datasets", record.id, part), words


def _href(answers: dict[str, str], **changes: str) -> str:
    pairs = [(name, value) for name, value in {**answers, **changes}.items() if value]
    return f"/guide?{urlencode(pairs)}" if pairs else "/guide"


def _list(answers: dict[str, str]) -> str:
    """The same as a list that can be narrowed further."""
    pairs = [("q", answers["q"])] if answers["q"] not in ("", ANY) else []
    pairs += [("theme", answers["about"])] if answers["about"] not in ("", ANY) else []
    return f"/datasets?{urlencode(pairs)}" if pairs else "/datasets"
