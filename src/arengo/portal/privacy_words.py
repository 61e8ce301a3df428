"""What the gate found, in the reader's language: every code of :mod:`arengo.privacy.words` as a sentence.

A code that has no sentence here yet is said in English and marked so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from arengo.portal.language import Speech
from arengo.privacy.finding import Finding
from arengo.privacy.verdict import Assumption
from arengo.privacy.words import SENTENCES

Names = Callable[[str], str]
"""Label of an earlier release or name of a column -> what it is called."""
COUNTED = ("people", "times", "rows", "values", "cells", "groups")
"""Facts that are counted, in the order in which they decide between one and several."""


def sentence(s: Speech, item: Finding, column: Names = str, release: Names = str) -> str:
    """A finding as a sentence. ``column`` and ``release`` give names where a finding has ids."""
    facts = item.values
    values = {name: said(s, value) for name, value in facts.items()}
    values |= {
        "columns": ", ".join(map(column, item.columns)),
        "releases": ", ".join(map(release, item.releases)),
        "people": s.number(item.people),
    }
    if isinstance(facts.get("column"), str):
        values["column"] = column(facts["column"])
    template = templates(s, counted(item)).get(item.code)
    if template is None:
        return SENTENCES[item.code].format_map(_Open(values))
    return template % _Open(values)


def counted(item: Finding) -> int:
    """The number that decides between one and several."""
    found = (item.values.get(name) for name in COUNTED)
    return next((value for value in found if isinstance(value, int) and value), 0)


def is_translated(s: Speech, item: Finding) -> bool:
    """Whether :func:`sentence` can say it in the language of ``s``."""
    return item.code in templates(s, 2)


def said(s: Speech, value: Any) -> str:
    """A fact as it stands in a sentence: numbers as the language writes them, lists with commas."""
    if isinstance(value, bool):
        return s._("yes") if value else s._("no")
    if isinstance(value, int):
        return s.number(value)
    if isinstance(value, float):
        return s.number(round(value, 3))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {said(s, item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(said(s, item) for item in value)
    return str(value)


class _Open(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"


def templates(s: Speech, n: int) -> dict[str, str]:
    """Code -> sentence with ``%(fact)s``, in the form for a count of ``n``."""
    out: dict[str, str] = {}
    for _step, make in SECTIONS:
        out |= make(s, n)
    return out


def step_of(code: str) -> str:
    """The part of the report a code belongs to, by its name in :data:`SECTIONS`."""
    return _steps().get(code, "declared")


def _steps() -> Mapping[str, str]:
    if not _STEPS:
        english = Speech("en")
        _STEPS.update({code: step for step, make in SECTIONS for code in make(english, 2)})
    return _STEPS


_STEPS: dict[str, str] = {}


def missing() -> list[str]:
    """Codes that have no sentence here."""
    known = templates(Speech("en"), 2)
    return [code for code in SENTENCES if code not in known]


# What was taken for granted


def assumption(s: Speech, item: Assumption, title: Names = str) -> str:
    """What a verdict took for granted. ``title``: of a dataset by its id."""
    values = {name: said(s, value) for name, value in item.facts.items()}
    if isinstance(item.facts.get("dataset"), str):
        values["dataset"] = title(item.facts["dataset"])
    if isinstance(item.facts.get("knows"), list | tuple):
        knows = [str(name) for name in item.facts["knows"]]
        values["knows"] = s._("everything that can be observed") if "*" in knows else ", ".join(knows)
    template = assumptions(s).get(item.code)
    if template is None:
        return ", ".join(filter(None, (item.code.replace("-", " "), said(s, item.facts))))
    return template % _Open(values)


def assumptions(s: Speech) -> dict[str, str]:
    """Code of an assumption -> sentence."""
    _ = s._
    return {
        "target": _(
            "A group must have at least %(k)s persons and %(l)s different sensitive values, and a count in a table "
            "at least %(threshold)s persons."
        ),
        "no-population": _(
            "It is not said from which population the persons come, so nobody could be counted outside the dataset."
        ),
        "no-register": _(
            "The population %(population)s has no register here: groups were counted in the dataset alone, as if "
            "everybody in it could be known to be in it."
        ),
        "register": _("The population %(population)s is counted in the register %(dataset)s."),
        "profile": _("Somebody who looks (%(name)s) is assumed to know: %(knows)s."),
    }


# What the gate can find


def _declared(s: Speech, n: int) -> dict[str, str]:
    _ = s._
    return {
        "nothing-personal": _("No column about persons was found in the %(looked)s columns."),
        "not-public": _(
            "The dataset is not open: who reads it is decided by agreements, and what they get was not measured."
        ),
        "not-looked": _("%(what)s was not looked at: %(why)s."),
    }


def _detection(s: Speech, n: int) -> dict[str, str]:
    return {}


def _single(s: Speech, n: int) -> dict[str, str]:
    return {}


def _overlap(s: Speech, n: int) -> dict[str, str]:
    _ = s._

    def many(one: str, several: str) -> str:
        return s.words.ngettext(one, several, n)

    return {
        "register-missing": _(
            "The register %(register)s of the population %(population)s has no version, so nobody was looked up in it."
        ),
        "register-empty": _("The register %(register)s of the population %(population)s lists nobody."),
        "register-no-subject": _(
            "The register %(register)s of the population %(population)s has no column that holds the person's id "
            "(arengoSubject)."
        ),
        "register-duplicates": many(
            "The register %(register)s lists people more than once (%(times)s row too many); each was taken once.",
            "The register %(register)s lists people more than once (%(times)s rows too many); each was taken once.",
        ),
        "register-nameless": many(
            "%(times)s row of the register %(register)s holds no id and was left out.",
            "%(times)s rows of the register %(register)s hold no id and were left out.",
        ),
        "overlap-no-population": _(
            "The dataset does not say about which population it is (arengoPopulation), so it was not compared with "
            "what is already public."
        ),
        "overlap-unknown-population": _(
            "There is no population %(population)s in privacy.toml, so the dataset was not compared with what is "
            "already public."
        ),
        "overlap-unlinked": _(
            "The rows are not linked to persons and the register does not tell %(columns)s, so they were not compared "
            "person by person with %(releases)s."
        ),
        "overlap-rows-gone": _(
            "What %(releases)s told about persons is no longer at hand, so it was not compared with it."
        ),
        "overlap-withdrawn": _(
            "%(releases)s was withdrawn; whoever took a copy still has it, so it was reckoned with."
        ),
        "overlap-joint": many(
            "Together with %(releases)s, publishing this turns %(people)s person from a group of at least %(k)s into "
            "a group of 1 to %(most)s; %(alone)s of them stand alone. %(column)s costs most.",
            "Together with %(releases)s, publishing this turns %(people)s people from a group of at least %(k)s into "
            "a group of 1 to %(most)s; %(alone)s of them stand alone. %(column)s costs most.",
        ),
        "overlap-candidates": many(
            "Together with %(releases)s, %(people)s person has fewer than %(l)s possible values left for %(columns)s.",
            "Together with %(releases)s, %(people)s people have fewer than %(l)s possible values left for %(columns)s.",
        ),
        "overlap-known": many(
            "Together with %(releases)s, the value of %(columns)s becomes known for %(people)s person.",
            "Together with %(releases)s, the value of %(columns)s becomes known for %(people)s people.",
        ),
        "overlap-posterior": many(
            "Together with %(releases)s, a value of %(columns)s becomes more than %(share)s %% likely for %(people)s "
            "person.",
            "Together with %(releases)s, a value of %(columns)s becomes more than %(share)s %% likely for %(people)s "
            "people.",
        ),
        "overlap-leavers": many(
            "Compared with %(releases)s, the value of %(columns)s of %(people)s person who left, joined or changed "
            "group can be worked out.",
            "Compared with %(releases)s, the value of %(columns)s of %(people)s people who left, joined or changed "
            "group can be worked out.",
        ),
    }


def _linkage(s: Speech, n: int) -> dict[str, str]:
    return {}


def _cells(s: Speech, n: int) -> dict[str, str]:
    return {}


def _budget(s: Speech, n: int) -> dict[str, str]:
    _ = s._
    return {
        "budget-fits": _(
            "It spends %(epsilon)s of the privacy of %(population)s; %(left)s of %(cap)s is left in these %(period)s "
            "days. A figure is off by at most %(accuracy)s in 95 of 100 cases."
        ),
        "budget-exceeded": _(
            "It would spend %(epsilon)s of the privacy of %(population)s, and only %(left)s of %(cap)s is left in "
            "these %(period)s days. It is possible from %(day)s."
        ),
        "budget-never": _(
            "It would spend %(epsilon)s of the privacy of %(population)s, more than the %(cap)s that %(period)s days "
            "have in all. Ask for less precise figures."
        ),
        "noise-without-population": _(
            "The table asks for noise of differential privacy, but no population is named whose budget it would spend."
        ),
        "noise-without-amount": _(
            "The table asks for noise of differential privacy and does not say how much: %(why)s."
        ),
        "exact-beside-noise": _(
            "%(releases)s gives the same figures of %(population)s without noise, so the noise of this table protects "
            "nobody."
        ),
        "noise-undone": _(
            "%(releases)s gave these figures of %(population)s with noise. Publishing them exactly takes that "
            "protection back."
        ),
    }


SECTIONS: tuple[tuple[str, Callable[[Speech, int], dict[str, str]]], ...] = (
    ("declared", _declared),
    ("detection", _detection),
    ("single", _single),
    ("overlap", _overlap),
    ("linkage", _linkage),
    ("cells", _cells),
    ("budget", _budget),
)
