"""The guided path for who does not know what the data is called: four questions, each may be skipped.

Answers are the address, so going back, changing one and sending it on all work, and nothing needs a script. A choice
that would leave nothing is not offered; every dataset at the end says why it stands there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from arengo.catalogue import Found, Hit, Record, Wanted
from arengo.errors import UnknownDataset
from arengo.portal.results import Line, line
from arengo.portal.visit import Visit
from arengo.portal.vocabulary import theme_name

QUESTIONS = ("q", "about", "want", "fresh")
ANY = "any"
"""The answer of who does not know or does not mind."""
WANTS = ("map", "time", "look", "read", "take", "program")
OTHERS = frozenset({"take"})
"""What datasets of other catalogues serve: only their files are known here."""
DAYS = {"week": 7, "month": 31, "year": 366}
MOST = 5000
"""The city's own datasets that are looked at one by one; those of others are only counted."""
SHOWN = 8
ALL = 100
QUOTED = 200
"""The search says where words stand for so many records at most."""
THEMES = 60
OWN = ("not", ("facet", "source", "*"))


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


@dataclass(frozen=True, slots=True)
class Reach:
    """What answers leave. ``own``: the city's datasets that fit, the best first; ``others``: how many of other
    catalogues do; ``themes``: datasets of a theme, of both. ``words``: those that were looked for, a slip mended;
    ``relaxed``: not every one of them is met."""

    own: tuple[Hit, ...]
    others: int
    themes: Counter[str]
    wishes: Counter[str]
    words: str
    corrected: str
    relaxed: bool

    @property
    def count(self) -> int:
        return len(self.own) + self.others


NOTHING = Reach((), 0, Counter(), Counter(), "", "", False)


def page(visit: Visit) -> Response:
    """``/guide?q=&about=&want=&fresh=``, with ``show`` (``1`` or ``all``) what fits before all is answered."""
    catalogue = visit.site.catalogue
    known = visit.unchanged(catalogue.generation, catalogue.harvested, visit.speech.local(visit.now).date())
    if known:
        return known
    answers = _answers(visit)
    reach = _reach(visit, answers) if any(answers.values()) or visit.param("show") else NOTHING
    asked, options = _next(visit, reach, answers)
    fits = [] if asked else [_fit(visit, hit, answers, reach) for hit in _ending(visit, answers, reach)]
    if reach.relaxed:  # what was met out of sight is no reason
        fits = [fit for fit in fits if fit.reasons] or fits
    narrowed = answers["want"] in WANTS  # which the list cannot do
    values = {
        "asked": asked,
        "question": _question(visit, asked),
        "step": QUESTIONS.index(asked) + 1 if asked else len(QUESTIONS),
        "steps": len(QUESTIONS),
        "options": options,
        "given": _given(visit, answers),
        "skip": _href(answers, **{asked: ANY}) if asked else "",
        "left": reach.count,
        "left_words": visit.speech.many("%(n)s dataset fits so far", "%(n)s datasets fit so far", reach.count),
        "show": _href(answers, show="1"),
        "fits": fits,
        "corrected": reach.corrected,
        "relaxed": reach.relaxed,
        "more": _href(answers, show="all") if narrowed and len(fits) == SHOWN else "",
        "all": "" if narrowed else _list(visit, answers),
        "answers": answers,
        "wish": visit.link("wishes", "new", title="" if answers["q"] == ANY else answers["q"]),
    }
    return visit.page("guide.html", values)


def _answers(visit: Visit) -> dict[str, str]:
    """What was answered; '' for what was not asked yet. An answer nobody could have given counts as none."""
    given = {name: visit.param(name)[:200] for name in QUESTIONS}
    if not given["q"] and "q" in visit.request.query_params:
        given["q"] = ANY  # sent on without a word
    if given["want"] not in (*WANTS, ANY):
        given["want"] = ""
    if given["fresh"] not in (*DAYS, ANY):
        given["fresh"] = ""
    return given


def _next(visit: Visit, reach: Reach, answers: dict[str, str]) -> tuple[str, Sequence[Option]]:
    """The question to ask now and its answers; '' when all is said, or one more answer would change nothing."""
    if visit.param("show"):
        return "", ()
    for name in QUESTIONS:
        if answers[name]:
            continue
        if name == "q":
            return name, ()
        options = _options(visit, name, reach, answers) if reach.count > 1 else ()
        if len(options) > 1:
            return name, options
    return "", ()


def _wanted(visit: Visit, answers: dict[str, str]) -> Wanted:
    only: dict[str, tuple[str, ...]] = {"kind": ("dataset", "documents")}
    if answers["about"] not in ("", ANY):
        only["theme"] = (answers["about"],)
    words = "" if answers["q"] == ANY else answers["q"]
    return Wanted(words, visit.language, only, since=_since(visit, answers["fresh"]))


def _reach(visit: Visit, answers: dict[str, str]) -> Reach:
    """Own datasets are looked at one by one; those of others, which can be many, are counted by the search."""
    wanted, wish = _wanted(visit, answers), answers["want"]
    catalogue = visit.site.catalogue
    own = catalogue.search(replace(wanted, where=OWN, limit=MOST))
    serving = [(hit, _serves(visit, hit.record)) for hit in own.hits]
    fitting = tuple(hit for hit, serves in serving if wish not in WANTS or wish in serves)
    wishes = Counter(word for _hit, serves in serving for word in serves)
    themes = Counter(theme for hit in fitting for theme in set(hit.record.themes))
    others = 0
    if wish not in WANTS or wish in OTHERS:
        found = _others(visit, wanted, () if answers["about"] else ("theme",))
        others = found.total
        themes.update({item.value: item.count for item in found.facets.get("theme", ())})
        wishes.update(dict.fromkeys(OTHERS, others))
    return Reach(
        fitting,
        others,
        themes,
        wishes,
        own.corrected or wanted.words,
        own.corrected,
        own.relaxed,
    )


def _others(visit: Visit, wanted: Wanted, facets: tuple[str, ...] = ()) -> Found:
    """How many datasets of other catalogues fit."""
    catalogue = visit.site.catalogue
    if catalogue.count() == catalogue.count(local_only=True):
        return Found((), 0)
    where = ("facet", "source", "*")
    return catalogue.search(replace(wanted, where=where, limit=0, facets=facets, facet_limit=THEMES))


def _ending(visit: Visit, answers: dict[str, str], reach: Reach) -> Sequence[Hit]:
    """What is shown, with the places where the words stand."""
    most = ALL if visit.param("show") == "all" else SHOWN
    wanted = _wanted(visit, answers)
    search = visit.site.catalogue.search
    if reach.others:
        kept = {hit.record.id for hit in reach.own}
        hits: Iterable[Hit] = search(replace(wanted, limit=min(3 * most, QUOTED))).hits
        hits = (hit for hit in hits if (hit.record.distributions if not hit.record.local else hit.record.id in kept))
        return list(hits)[:most]
    shown = reach.own[:most]
    if not wanted.words or not shown:
        return shown
    quoted = {hit.record.id: hit for hit in search(replace(wanted, where=OWN, limit=QUOTED)).hits}
    return [quoted.get(hit.record.id, hit) for hit in shown]


def _since(visit: Visit, fresh: str) -> str:
    days = DAYS.get(fresh)
    return (visit.speech.local(visit.now).date() - timedelta(days=days)).isoformat() if days else ""


def _serves(visit: Visit, record: Record) -> frozenset[str]:
    """Which wishes one of the city's datasets serves."""
    if record.access != "open" or record.version is None:
        return frozenset()
    if record.kind == "documents":
        return frozenset({"read", "take", "program"})
    found = {"look", "take", "program"}
    try:
        contract = visit.site.catalogue.entry(record.id).contract
    except UnknownDataset:
        return frozenset()
    if contract.geometry is not None:
        found.add("map")
    if contract.custom.get("arengoTime"):
        found.add("time")
    return frozenset(found)


def _question(visit: Visit, name: str) -> str:
    _ = visit._
    return {
        "q": _("What are you looking for?"),
        "about": _("What is it about?"),
        "want": _("What do you want to do with it?"),
        "fresh": _("How new must it be?"),
    }.get(name, "")


def _options(visit: Visit, name: str, reach: Reach, answers: dict[str, str]) -> list[Option]:
    if name == "about":
        counts = reach.themes
        order = [code for code, count in counts.most_common() if count]
    elif name == "want":
        counts = reach.wishes
        order = [word for word in WANTS if counts[word]]
    else:
        counts = Counter({word: _fresh(visit, reach, answers, word) for word in DAYS})
        order = [word for word in DAYS if counts[word]]
        if len({counts[word] for word in order} | {reach.count}) < 2:
            return []  # every answer leaves the same
    labels = _labels(visit)
    return [
        Option(
            *(labels[name].get(word) or (theme_name(word, visit.speech), "")),
            visit.speech.number(counts[word]),
            _href(answers, **{name: word}),
        )
        for word in order
    ]


def _fresh(visit: Visit, reach: Reach, answers: dict[str, str], word: str) -> int:
    """How much of what fits was renewed in the last week, month or year."""
    wanted = _wanted(visit, {**answers, "fresh": word})
    days = [hit.record.modified.astimezone(UTC).date().isoformat() for hit in reach.own if hit.record.modified]
    return sum(day >= wanted.since for day in days) + (_others(visit, wanted).total if reach.others else 0)


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


def _fit(visit: Visit, hit: Hit, answers: dict[str, str], reach: Reach) -> Fit:
    _, record = visit._, hit.record
    shown = line(visit, hit, reach.words)
    reasons = []
    met = ", ".join(_met(shown)) if reach.relaxed else reach.words
    if met:
        reasons.append(_("has “%(words)s” in what it says", words=met))
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
    return Fit(shown, tuple(reasons), *_first(visit, record, wish, shown))


def _met(shown: Line) -> list[str]:
    """The words that are there, as they are written, each once."""
    pieces = [*shown.title, *shown.summary, *(part for item in shown.snippets for part in item.parts)]
    found: dict[str, str] = {}
    for text, met in pieces:
        if met:
            found.setdefault(text.casefold(), text)
    return list(found.values())[:4]


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


def _list(visit: Visit, answers: dict[str, str]) -> str:
    """The same as a list that can be narrowed further."""
    given = {"q": answers["q"], "theme": answers["about"], "since": _since(visit, answers["fresh"])}
    pairs = [(name, value) for name, value in given.items() if value not in ("", ANY)]
    return f"/datasets?{urlencode(pairs)}" if pairs else "/datasets"
