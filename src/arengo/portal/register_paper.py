"""The register's documents on paper: the record, a notice, the skeleton of an assessment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from arengo.portal import assessment_words, notice
from arengo.portal import register_words as words
from arengo.portal.language import Speech
from arengo.portal.register_words import Line
from arengo.services.paper import Facts, Heading, Paper, Part, Points, Table, Text
from arengo.services.register import Activity, Assessment
from arengo.settings import Settings


def speech(settings: Settings, language: str) -> Speech:
    """The language of a paper: Arabic script cannot be set, so such a reader gets the city's language, else English."""
    told = language
    for wanted in (language, settings.city.language.split("-")[0], "en"):
        told = wanted
        if Speech(wanted).direction == "ltr":
            break
    return Speech(told, settings.city.timezone, settings.city.country)


def record(s: Speech, settings: Settings, lines: Sequence[Line], made: datetime, foot: str = "") -> Paper:
    """Art. 30(1): one chapter a dataset, one table of its purposes."""
    _ = s._
    parts: list[Part] = []
    common = usual(lines)
    if common:
        parts += [Heading(_("Controller")), Facts(((_("Name and contact"), "\n".join(common)),))]
    for _id, found in groupby(lines, key=lambda item: item.dataset):
        several = list(found)
        first = several[0]
        rows = [
            (_("Office"), first.owner),
            (_("Who may read it"), first.access),
            (_("People"), ", ".join(first.subjects)),
            (_("Data about them"), ", ".join(first.data)),
            (_("Special categories"), ", ".join(first.special)),
            (_("Recipients"), "\n".join(dict.fromkeys(text for item in several for text in item.recipients))),
            (_("Readers under an agreement"), "\n".join(first.readers)),
            (_("Transfers outside the European Economic Area"),
             "\n".join(dict.fromkeys(text for item in several for text in item.transfers)) or _("none")),
            (_("Security"), "\n".join(first.security)),
        ]  # fmt: skip
        if first.controller != common:
            rows.insert(0, (_("Controller"), "\n".join(first.controller)))
        parts += [Heading(first.title), Facts(tuple((label, text) for label, text in rows if text))]
        head = (_("Purpose"), _("Legal basis"), _("Kept for"))
        body = tuple(
            (f"{item.purpose}\n({item.kind})" if item.kind else item.purpose, "\n".join(item.bases),
             "\n".join(item.kept))
            for item in several
        )  # fmt: skip
        parts.append(Table(head, body, (1.1, 1.2, 1.0)))
    if not lines:
        parts.append(Text(_("No dataset holds personal data.")))
    title = _("Record of processing activities")
    under = _("Art. 30 GDPR, as of %(moment)s", moment=s.moment(made))
    return _paper(s, settings, title, under, tuple(parts), made, foot)


def notices(s: Speech, settings: Settings, activities: tuple[Activity, ...], made: datetime, foot: str = "") -> Paper:
    """Art. 13 and 14."""
    parts: list[Part] = [Text(notice.short(s, activities))]
    for item in notice.sections(s, activities, settings):
        parts.append(Heading(item.title))
        parts += [Text(text) for text in item.texts]
        if item.points:
            parts.append(Points(item.points))
        if item.pairs:
            parts.append(Facts(tuple((label, "\n".join(texts)) for label, texts in item.pairs)))
    under = s._("Information under Art. 13 and 14 GDPR, as of %(day)s", day=s.date(made))
    return _paper(s, settings, notice.title(s, activities), under, tuple(parts), made, foot)


def assessment(s: Speech, settings: Settings, item: Assessment, lines: Sequence[Line], made: datetime) -> Paper:
    """Art. 35: what is known, and the questions that wait for people."""
    _ = s._
    first = lines[0]
    facts = [
        (_("Dataset"), f"{first.title} ({first.dataset})"),
        (_("Office"), first.owner),
        (_("Controller"), "\n".join(first.controller)),
        (_("People"), ", ".join(first.subjects)),
        (_("Data about them"), ", ".join(first.data)),
        (_("Special categories"), ", ".join(first.special)),
        (_("Columns that name a person"), s.number(item.identifiers)),
        (_("Columns that name a person together with others"), s.number(item.quasi)),
        (_("Rows"), s.number(item.rows) if item.rows is not None else ""),
        (_("Source"), words.source(s, item.activities[0])),
        (_("Recipients"), "\n".join(dict.fromkeys(text for one in lines for text in one.recipients))),
        (_("Readers under an agreement"), "\n".join(first.readers)),
        (_("Transfers outside the European Economic Area"), "\n".join(first.transfers)),
        (_("Security"), "\n".join(first.security)),
    ]
    parts: list[Part] = [
        Text(assessment_words.verdict(s, item)),
        Text(_("This is a skeleton: what the contract and the data say is filled in, what only people can say is "
               "marked. It is no assessment until the questions are answered."), quiet=True),
        Heading(_("What is known")),
        Facts(tuple((label, text) for label, text in facts if text)),
        Heading(_("Purposes"), 2),
        Table(
            (_("Purpose"), _("Legal basis"), _("Kept for"), _("Why it is needed")),
            tuple(
                (one.purpose, "\n".join(one.bases), one.kept[0], _necessity(s, activity))
                for one, activity in zip(lines, item.activities, strict=True)
            ),
            (1.0, 1.1, 0.8, 1.2),
        ),
        Heading(_("Is an assessment needed?")),
        Table(
            (_("Criterion"), _("Answer"), _("Fact")),
            tuple(
                (assessment_words.criterion(s, one.id), assessment_words.answer(s, one),
                 assessment_words.fact(s, one, item))
                for one in item.criteria
            ),
            (2.0, 0.8, 1.4),
        ),
    ]  # fmt: skip
    for part, names in groupby(item.questions, key=lambda name: assessment_words.question(s, name)[0]):
        parts.append(Heading(part))
        parts += [Text(assessment_words.question(s, name)[1], open=True) for name in names]
    under = _("Skeleton under Art. 35 GDPR, as of %(day)s. Not answered yet.", day=s.date(made))
    return _paper(s, settings, _("Data protection impact assessment: %(name)s", name=first.title), under, tuple(parts),
                  made, "")  # fmt: skip


def _necessity(s: Speech, activity: Activity) -> str:
    told = activity.purpose.necessity if activity.purpose is not None else ""
    return told or s._("to be answered")


def usual(lines: Sequence[Line]) -> tuple[str, ...]:
    """The controller of most datasets, said once at the top."""
    counts: dict[tuple[str, ...], int] = {}
    for item in lines:
        counts[item.controller] = counts.get(item.controller, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else ()


def _paper(
    s: Speech, settings: Settings, title: str, under: str, parts: tuple[Part, ...], made: datetime, foot: str
) -> Paper:
    return Paper(
        title=title, city=settings.city.name, parts=parts, made=made, language=s.language, subtitle=under,
        page=s._("Page {page} of {pages}"), foot=foot,
        unset=s._("Where […] stands, the original has letters that this file cannot show; the site's page has them."),
    )  # fmt: skip
