"""The skeleton of a data protection impact assessment in words: criteria, facts, open questions."""

from __future__ import annotations

from arengo.portal import register_words as words
from arengo.portal.language import Speech
from arengo.services.register import Assessment, Criterion


def verdict(s: Speech, item: Assessment) -> str:
    """Whether the facts call for an assessment (Art. 35(1); WP 248 rev.01: two criteria usually do)."""
    if item.called_for:
        return s.many(
            "%(n)s of nine criteria is met by what the contract says.",
            "%(n)s of nine criteria are met by what the contract says. Two usually call for an assessment.",
            item.met,
        )
    if item.met:
        return s._("One of nine criteria is met by what the contract says. One more that you answer with yes usually "
                   "calls for an assessment.")  # fmt: skip
    return s._("None of nine criteria is met by what the contract says. Two that you answer with yes usually call for "
               "an assessment.")  # fmt: skip


def answer(s: Speech, item: Criterion) -> str:
    if item.met is None:
        return s._("to be answered")
    return s._("yes") if item.met else s._("no")


def criterion(s: Speech, name: str) -> str:
    _ = s._
    return {
        "scoring": _("Are people rated or predicted?"),
        "automated": _("Does a machine decide with legal or similar effect?"),
        "monitoring": _("Are people observed systematically, such as by where they are?"),
        "sensitive": _("Are there special categories or offences?"),
        "large": _("Is it done on a large scale?"),
        "combined": _("Is data from several sources matched or combined?"),
        "vulnerable": _("Are the people vulnerable, such as children or patients?"),
        "innovative": _("Is a technology used in a new way?"),
        "prevents": _("Can it keep people from a right, a service or a contract?"),
    }[name]


def fact(s: Speech, item: Criterion, assessment: Assessment) -> str:
    """What the contract and the data say about a criterion."""
    if item.id == "vulnerable":
        return ", ".join(words.subjects(s, item.facts))
    if item.id in ("sensitive", "monitoring"):
        return ", ".join(words.data(s, kind) for kind in item.facts)
    if item.id == "large" and assessment.rows is not None:
        return s.many("%(n)s row in the newest version", "%(n)s rows in the newest version", assessment.rows)
    return ", ".join(item.facts)


def question(s: Speech, name: str) -> tuple[str, str]:
    """(part of the assessment, what is asked)."""
    _ = s._
    describe, need = _("Description of the processing"), _("Necessity and proportionality")
    risk, measure, consult = _("Risks for people"), _("Measures"), _("Advice and views")
    return {
        "description": (describe, _("How is the data collected, used, passed on and deleted, step by step?")),
        "means": (describe, _("Which programs, machines and paper files are part of it?")),
        "proportion": (need, _("Why is each kind of data needed for each purpose?")),
        "less": (need, _("Could less data, coarser data or data without names do?")),
        "quality": (need, _("How is it made sure that the data is right and up to date?")),
        "told": (need, _("How do people learn about it?")),
        "rights": (need, _("How do people exercise their rights, and who answers?")),
        "processors": (need, _("Which processors take part, and under which contracts (Art. 28)?")),
        "transfers": (need, _("What protects the data outside the European Economic Area?")),
        "access-risk": (risk, _("What if somebody reads it who may not: what happens to people, how likely is it, from "
                                "where?")),
        "change-risk": (risk, _("What if it is changed by mistake or on purpose: what happens to people, how likely is "
                                "it?")),
        "loss-risk": (risk, _("What if it is lost or cannot be reached: what happens to people, how likely is it?")),
        "measures": (measure, _("Which further measures are planned, by when, and what risk is left?")),
        "views": (consult, _("What do the people concerned or their representatives say (Art. 35(9))?")),
        "advice": (consult, _("What does the data protection officer advise (Art. 35(2))?")),
        "review": (consult, _("Who decides, when, and when is this looked at again (Art. 35(11))?")),
    }[name]  # fmt: skip
