"""What the gate found, in the reader's language: every code of :mod:`arengo.privacy.words` as a sentence.

A code that has no sentence here yet is said in English and marked so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from arengo.contract.direction import apart
from arengo.portal.language import Speech
from arengo.portal.privacy_reasons import reason
from arengo.portal.register_words import data
from arengo.privacy.finding import Finding, agreed
from arengo.privacy.verdict import Assumption
from arengo.privacy.words import SENTENCES

Names = Callable[[str], str]
"""Label of an earlier release or name of a column -> what it is called."""
Count = Callable[[str], int]
"""Name of a fact -> its number, which decides between one and several."""


def sentence(s: Speech, item: Finding, column: Names = str, release: Names = str) -> str:
    """A finding as a sentence. ``column`` and ``release`` give names where a finding has ids."""
    facts = item.values
    values = {name: said(s, value) for name, value in facts.items()}
    values |= {
        "columns": listed(s, item.columns, column),
        "releases": listed(s, item.releases, release),
        "people": s.number(item.people),
    }
    if isinstance(facts.get("column"), str):
        values["column"] = column(facts["column"])
    values |= _told(s, item, column)
    template = templates(s, counted(item)).get(item.code)
    if template is None:
        return agreed(SENTENCES[item.code].format_map(_Open(s.apart(values))))
    return agreed(template % _Open(s.apart(values)))  # English only: elsewhere no word depends on a second number


LISTED = 8
"""Names in one sentence; what is more is counted."""


def listed(s: Speech, names: Sequence[str], called: Names = str) -> str:
    """Names of columns or releases with commas."""
    rtl = s.direction == "rtl"
    told = ", ".join(apart(called(name), rtl) for name in names[:LISTED])
    rest = len(names) - LISTED
    more = s.many("and %(n)s more", "and %(n)s more", rest)
    return f"{told} {more}" if rest > 0 else told


def _told(s: Speech, item: Finding, column: Names) -> dict[str, str]:
    """Facts that are words themselves: a kind of data, a reason, what was not looked at."""
    facts, out = item.facts, {}
    if facts.get("kind"):
        out["what"] = data(s, str(facts["kind"]))
    elif isinstance(facts.get("what"), str):
        out["what"] = reason(s, facts["what"]) or column(facts["what"])
    if isinstance(facts.get("why"), str):
        out["why"] = reason(s, facts["why"]) or str(facts["why"])
    kinds = facts.get("kinds")
    if isinstance(kinds, list | tuple) and len(kinds) == len(item.columns):
        pairs = zip(item.columns, kinds, strict=True)
        out["why"] = listed(s, [f"{column(name)} ({data(s, str(kind))})" for name, kind in pairs])
    return out


def counted(item: Finding) -> Count:
    """The numbers of a finding."""

    def count(fact: str) -> int:
        value = item.values.get(fact)
        return value if isinstance(value, int) else 2

    return count


def several(fact: str) -> int:
    """More than one of everything."""
    return 2


def is_translated(s: Speech, item: Finding) -> bool:
    """Whether :func:`sentence` can say it in the language of ``s``."""
    return item.code in templates(s, several)


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


def templates(s: Speech, n: Count) -> dict[str, str]:
    """Code -> sentence with ``%(fact)s``, in the form for the counts ``n``."""
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
        _STEPS.update({code: step for step, make in SECTIONS for code in make(english, several)})
    return _STEPS


_STEPS: dict[str, str] = {}


def missing() -> list[str]:
    """Codes that have no sentence here."""
    known = templates(Speech("en"), several)
    return [code for code in SENTENCES if code not in known]


# What was taken for granted


def assumption(s: Speech, item: Assumption, title: Names = str, column: Names = str) -> str:
    """What a verdict took for granted. ``title``: of a dataset by its id."""
    values = {name: said(s, value) for name, value in item.facts.items()}
    if isinstance(item.facts.get("dataset"), str):
        values["dataset"] = title(item.facts["dataset"])
    if isinstance(item.facts.get("column"), str):
        values["column"] = column(item.facts["column"])
    if isinstance(item.facts.get("knows"), list | tuple):
        knows = [str(name) for name in item.facts["knows"]]
        values["knows"] = s._("everything that can be observed") if "*" in knows else ", ".join(knows)
    if item.code == "reason":
        values["reason"] = values.get("reason", "").rstrip(" .")
    template = assumptions(s).get("target-k" if item.code == "target" and item.facts.get("l") == 1 else item.code)
    if template is None:
        return ", ".join(filter(None, (item.code.replace("-", " "), said(s, item.facts))))
    return template % _Open(s.apart(values))


def assumptions(s: Speech) -> dict[str, str]:
    """Code of an assumption -> sentence."""
    _ = s._
    return {
        "target": _(
            "A group must have at least %(k)s persons and %(l)s different sensitive values, and a count in a table "
            "at least %(threshold)s persons."
        ),
        "target-k": _(
            "A group must have at least %(k)s persons, and a count in a table at least %(threshold)s persons."
        ),
        "no-population": _(
            "It is not said from which population the persons come, so nobody could be counted outside the dataset."
        ),
        "no-register": _(
            "The population %(population)s has no register here: groups were counted in the dataset alone, as if "
            "everybody in it could be known to be in it."
        ),
        "register": _("The population %(population)s is counted in the register %(dataset)s."),
        "reason": _("%(column)s may be open because the contract says so (version %(version)s): “%(reason)s”."),
        "profile": _("Somebody who looks (%(name)s) is assumed to know: %(knows)s."),
    }


# What the gate can find


def _many(s: Speech, n: Count) -> Callable[[str, str, str], str]:
    """(one, several, fact) -> the form that the number of the fact decides on."""
    return lambda one, several, fact: s.words.ngettext(one, several, n(fact))


def _declared(s: Speech, n: Count) -> dict[str, str]:
    _ = s._
    return {
        "nothing-personal": _("No column about persons was found in the %(looked)s columns."),
        "not-public": _("The dataset is not open: people decide who reads it, so nothing found here holds it back."),
        "groups-only": _(
            "Readers get figures about groups and no rows, and small groups are left out where they ask, so "
            "nothing found here holds it back."
        ),
        "not-looked": _("%(what)s was not looked at: %(why)s."),
        "no-repair": _(
            "No repair was found: with fewer rows, single values or coarser levels it would still expose people. It "
            "can be shared with those who need it under an agreement, or published as a table of counts, or by larger "
            "areas or longer times."
        ),
        "no-repair-few": _(
            "No repair was found: a group must have %(k)s people, and there are %(rows)s rows in all. It can be "
            "published later, together with more people, or be shared under an agreement."
        ),
        "no-repair-left": _(
            "No repair was found: what %(releases)s told of those who left or moved follows from any later version. It "
            "can be published later, when more people have come and gone, without the column that is told, or be "
            "shared under an agreement."
        ),
        "no-repair-beside": _(
            "No repair was found: whatever is left out or made coarser here, %(releases)s tells the rest. It can be "
            "shared with those who need it under an agreement, published later about other people, or by larger areas "
            "or longer times."
        ),
    }


def _detection(s: Speech, n: Count) -> dict[str, str]:
    _, many = s._, _many(s, n)
    return {
        "undeclared-person": _(
            "%(column)s looks as if it held this: %(what)s; and the contract says nothing about it: %(why)s."
        ),
        "identifier-open": _("%(column)s names single persons (%(what)s), and the dataset is open to everybody."),
        "identifier-allowed": _("%(column)s tells about persons (%(what)s), and is allowed because: %(reason)s"),
        "identifier-protected": _(
            "%(column)s names single persons (%(what)s); what is published of it is protected (%(how)s)."
        ),
        "weak-evidence": _("These columns may be about persons, without proof in their values: %(why)s."),
        "suppression-marks": _(
            "Marks of values that were withheld already stand in %(columns)s; they were left out of the search."
        ),
        "small-places": many(
            "%(values)s place in %(columns)s stands on fewer than %(k)s rows.",
            "%(values)s places in %(columns)s stand on fewer than %(k)s rows each.",
            "values",
        ),
        "hash-recovered": _(
            "%(column)s holds unkeyed hashes: %(recovered)s of %(tried)s different values were traced back to "
            "what they stand for (%(domain)s, %(algorithm)s)."
        ),
        "hash-unkeyed": _(
            "%(column)s looks like hashes without a key; none was traced back in %(tried)s tries, and somebody "
            "with more time may manage."
        ),
        "pseudonym-reused": _(
            "The pseudonyms in %(columns)s are those of %(releases)s too, so the rows of both can be joined."
        ),
        "numbers-in-text": many(
            "%(texts)s text in %(column)s holds identifiers of persons: %(what)s.",
            "%(texts)s texts in %(column)s hold identifiers of persons: %(what)s.",
            "texts",
        ),
        "contacts-in-text": many(
            "%(texts)s text in %(column)s holds ways to reach single persons: %(what)s.",
            "%(texts)s texts in %(column)s hold ways to reach single persons: %(what)s.",
            "texts",
        ),
        "offices-in-text": _("The texts in %(column)s hold addresses or telephones of offices (%(count)s)."),
        "order-of-identifier": _(
            "The rows stand in the order of %(column)s, which is withheld: whoever has the list of it can lay the"
            " two side by side."
        ),
        "texts-of-one": _(
            "%(columns)s tie up to %(most)s texts to one pseudonym, %(people)s pseudonyms to %(least)s and more: "
            "together they tell who wrote them."
        ),
    }


def _single(s: Speech, n: Count) -> dict[str, str]:
    _, many = s._, _many(s, n)
    return {
        "risk-no-quasi": _(
            "The rows are about persons, but no column is declared as one that people could be recognised by "
            "(arengoPrivacyRole: quasi), so it could not be counted who stands alone."
        ),
        "risk-empty": _("The table has no rows, so there was nobody to count."),
        "risk-larger-k": _("A group must have %(k)s people, and the whole table has %(people)s."),
        "risk-empty-column": _("%(columns)s holds no value in any row."),
        "risk-too-fine": _(
            "%(columns)s has about %(values)s different values for %(rows)s people, so hardly anybody shares one."
        ),
        "risk-no-hierarchy": _(
            "%(columns)s is published at the level %(level)s of the hierarchy %(hierarchy)s, and there is no such"
            " level in force, so it could not be looked up whom a value may stand for."
        ),
        "risk-register-lacks": _(
            "The register of %(population)s does not tell %(columns)s, so groups were counted in the data alone."
        ),
        "risk-not-in-register": many(
            "%(people)s of %(rows)s people matches nobody in the register of %(population)s; they were counted in"
            " the data alone.",
            "%(people)s of %(rows)s people match nobody in the register of %(population)s; they were counted in "
            "the data alone.",
            "people",
        ),
        "risk-register-apart": many(
            "%(people)s of %(rows)s people matches nobody in the register of %(population)s by %(columns)s, so the two "
            "do not speak of the same and the risk in the population is not known. Make the values those of the "
            "register, or declare at which level they stand (arengoHierarchy, arengoLevel).",
            "%(people)s of %(rows)s people match nobody in the register of %(population)s by %(columns)s, so the two "
            "do not speak of the same and the risk in the population is not known. Make the values those of the "
            "register, or declare at which level they stand (arengoHierarchy, arengoLevel).",
            "people",
        ),
        "risk-register-strange": _(
            "The rows are linked to nobody, and the register of %(population)s tells %(known)s, none of which "
            "%(columns)s is: nobody could be looked up. Declare the same arengoPrivacyConcept in both contracts, or "
            "the column of the person's id (arengoSubject)."
        ),
        "risk-small-groups": many(
            "%(people)s of %(rows)s people stands in groups of fewer than %(k)s by %(columns)s; %(unique)s of "
            "them stand alone. %(column)s costs most.",
            "%(people)s of %(rows)s people stand in groups of fewer than %(k)s by %(columns)s; %(unique)s of them"
            " stand alone. %(column)s costs most.",
            "people",
        )
        if n("unique")
        else many(
            "%(people)s of %(rows)s people stands in groups of fewer than %(k)s by %(columns)s. %(column)s costs most.",
            "%(people)s of %(rows)s people stand in groups of fewer than %(k)s by %(columns)s. %(column)s costs most.",
            "people",
        ),
        "risk-small-map": many(
            "By %(columns)s, some rows may be about fewer than %(k)s people of %(population)s: %(people)s person "
            "is in such a group, %(unique)s of them alone.",
            "By %(columns)s, some rows may be about fewer than %(k)s people of %(population)s: %(people)s people "
            "are in such a group, %(unique)s of them alone.",
            "people",
        )
        if n("unique")
        else many(
            "By %(columns)s, some rows may be about fewer than %(k)s people of %(population)s: %(people)s person "
            "is in such a group.",
            "By %(columns)s, some rows may be about fewer than %(k)s people of %(population)s: %(people)s people "
            "are in such a group.",
            "people",
        ),
        "risk-profile": many(
            "%(profile)s knows %(columns)s, and these single out %(people)s person from everybody else in "
            "%(population)s.",
            "%(profile)s knows %(columns)s, and these single out %(people)s people from everybody else in "
            "%(population)s.",
            "people",
        ),
        "risk-profile-alone": many(
            "%(profile)s knows %(columns)s, and by these %(people)s of %(rows)s people stands alone.",
            "%(profile)s knows %(columns)s, and by these %(people)s of %(rows)s people stand alone.",
            "people",
        ),
        "risk-homogeneous": many(
            "In %(groups)s group everybody has the same %(columns)s: it becomes known of the %(people)s people in it.",
            "In %(groups)s groups everybody has the same %(columns)s: it becomes known of the %(people)s people "
            "in them.",
            "groups",
        ),
        "risk-diversity": many(
            "%(people)s person stands in groups with fewer than %(l)s different values of %(columns)s.",
            "%(people)s people stand in groups with fewer than %(l)s different values of %(columns)s.",
            "people",
        ),
        "risk-closeness": _(
            "In some groups %(columns)s is spread differently from everybody's: the distance is %(t)s, and at "
            "most %(most)s is asked for."
        ),
        "risk-met": _("Everybody stands in a group of at least %(k)s by %(columns)s."),
    }


def _overlap(s: Speech, n: Count) -> dict[str, str]:
    _, many = s._, _many(s, n)
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
            "times",
        ),
        "register-nameless": many(
            "%(times)s row of the register %(register)s holds no id and was left out.",
            "%(times)s rows of the register %(register)s hold no id and were left out.",
            "times",
        ),
        "overlap-no-population": _(
            "The dataset does not say about which population it is (arengoPopulation), so it was not compared "
            "with what is already public."
        ),
        "overlap-unknown-population": _(
            "There is no population %(population)s in privacy.toml, so the dataset was not compared with what is "
            "already public."
        ),
        "overlap-unlinked": _(
            "The rows are not linked to persons and the register does not tell %(columns)s, so they were not "
            "compared person by person with %(releases)s."
        ),
        "overlap-rows-gone": _(
            "What %(releases)s told about persons is no longer at hand, so it was not compared with it."
        ),
        "overlap-withdrawn": _(
            "%(releases)s was withdrawn; whoever took a copy still has it, so it was reckoned with."
        ),
        "overlap-joint": many(
            "Together with %(releases)s, publishing this turns %(people)s person from a group of at least %(k)s "
            "into a group of 1 to %(most)s; %(alone)s of them stand alone. %(column)s costs most.",
            "Together with %(releases)s, publishing this turns %(people)s people from a group of at least %(k)s "
            "into a group of 1 to %(most)s; %(alone)s of them stand alone. %(column)s costs most.",
            "people",
        )
        if n("alone")
        else many(
            "Together with %(releases)s, publishing this turns %(people)s person from a group of at least %(k)s "
            "into a group of 1 to %(most)s. %(column)s costs most.",
            "Together with %(releases)s, publishing this turns %(people)s people from a group of at least %(k)s "
            "into a group of 1 to %(most)s. %(column)s costs most.",
            "people",
        ),
        "overlap-joint-further": many(
            "%(people)s person stood in a group smaller than %(k)s already; together with %(releases)s, theirs "
            "becomes smaller still.",
            "%(people)s people stood in a group smaller than %(k)s already; together with %(releases)s, theirs "
            "becomes smaller still.",
            "people",
        ),
        "overlap-candidates": many(
            "Together with %(releases)s, %(people)s person has fewer than %(l)s possible values left for %(columns)s.",
            "Together with %(releases)s, %(people)s people have fewer than %(l)s possible values left for %(columns)s.",
            "people",
        ),
        "overlap-known": many(
            "Together with %(releases)s, the value of %(columns)s becomes known for %(people)s person.",
            "Together with %(releases)s, the value of %(columns)s becomes known for %(people)s people.",
            "people",
        ),
        "overlap-posterior": many(
            "Together with %(releases)s, a value of %(columns)s becomes more than %(share)s %% likely for "
            "%(people)s person.",
            "Together with %(releases)s, a value of %(columns)s becomes more than %(share)s %% likely for "
            "%(people)s people.",
            "people",
        ),
        "public-small-groups": _(
            "%(releases)s, which everybody can read, shows %(people)s of %(rows)s people in groups of fewer than %(k)s "
            "by %(columns)s. Publishing anew does not take that back: publish what is safe, then withdraw it (arengo "
            "privacy withdraw), or say why it may stay."
        ),
        "public-names": _(
            "%(releases)s, which everybody can read, names single persons (%(columns)s). Publishing anew does not take "
            "that back: publish what is safe, then withdraw it (arengo privacy withdraw), or say why it may stay."
        ),
        "public-small-cells": many(
            "%(releases)s, which everybody can read, shows %(cells)s cell that counts fewer than %(threshold)s "
            "persons. Publishing anew does not take that back: publish what is safe, then withdraw it (arengo privacy "
            "withdraw), or say why it may stay.",
            "%(releases)s, which everybody can read, shows %(cells)s cells that count fewer than %(threshold)s "
            "persons. Publishing anew does not take that back: publish what is safe, then withdraw it (arengo privacy "
            "withdraw), or say why it may stay.",
            "cells",
        ),
        "overlap-leavers": many(
            "Compared with %(releases)s, the value of %(columns)s of %(people)s person who left, joined or "
            "changed group can be worked out.",
            "Compared with %(releases)s, the value of %(columns)s of %(people)s people who left, joined or "
            "changed group can be worked out.",
            "people",
        ),
    }


def _linkage(s: Speech, n: Count) -> dict[str, str]:
    _, many = s._, _many(s, n)
    return {
        "linkage-unique": many(
            "%(people)s row matches exactly one row of %(releases)s by %(shared)s, and that one is about the same"
            " person; together they tell %(columns)s of them.",
            "%(people)s rows match exactly one row of %(releases)s by %(shared)s, and that one is about the same "
            "person; together they tell %(columns)s of them.",
            "people",
        ),
        "linkage-unchecked": many(
            "%(people)s row matches exactly one row of %(releases)s by %(shared)s; whether they are about the "
            "same persons is not known. Together they would tell %(columns)s.",
            "%(people)s rows match exactly one row of %(releases)s by %(shared)s; whether they are about the same"
            " persons is not known. Together they would tell %(columns)s.",
            "people",
        ),
        "linkage-not-compared": _(
            "%(columns)s could not be compared with %(releases)s: the two are coarsened in different ways."
        ),
        "linkage-rows-gone": _("The rows of %(releases)s are no longer at hand, so no rows were matched with them."),
        "linkage-trace": _(
            "Whoever knows %(points)s things about somebody (%(columns)s) finds all of that person's rows in "
            "%(share)s %% of the cases: %(people)s of %(looked)s people who were tried."
        ),
        "linkage-hidden-trace": _(
            "If it can be told which rows are the same person's, whoever knows %(points)s things about somebody "
            "(%(columns)s) finds them all in %(share)s %% of the cases: %(people)s of %(looked)s people who were "
            "tried."
        ),
        "linkage-sighting": _(
            "Whoever saw somebody once knows %(columns)s; that leads to exactly one row for %(people)s of "
            "%(looked)s rows that were tried (%(share)s %%)."
        ),
        "linkage-sets": many(
            "%(people)s person has a combination of %(items)s values of %(columns)s that fewer than %(k)s people "
            "share.",
            "%(people)s people have a combination of %(items)s values of %(columns)s that fewer than %(k)s people"
            " share.",
            "people",
        ),
    }


def _cells(s: Speech, n: Count) -> dict[str, str]:
    _, many = s._, _many(s, n)
    return {
        "cells-small": many(
            "%(cells)s cell counts fewer than %(threshold)s persons (%(people)s persons in all).",
            "%(cells)s cells count fewer than %(threshold)s persons (%(people)s persons in all).",
            "cells",
        ),
        "cells-few-contributors": many(
            "%(cells)s cell rests on fewer than %(threshold)s contributors.",
            "%(cells)s cells rest on fewer than %(threshold)s contributors.",
            "cells",
        ),
        "cells-dominated": many(
            "In %(cells)s cell of %(column)s, %(n)s contributors make up more than %(share)s %% of the sum: their"
            " own figures can be estimated.",
            "In %(cells)s cells of %(column)s, %(n)s contributors make up more than %(share)s %% of the sum: "
            "their own figures can be estimated.",
            "cells",
        ),
        "cells-estimable": many(
            "In %(cells)s cell of %(column)s, one contributor can work out another's figure to within %(p)s %%.",
            "In %(cells)s cells of %(column)s, one contributor can work out another's figure to within %(p)s %%.",
            "cells",
        ),
        "cells-contribution-shown": _("%(columns)s: the largest single contributions to a cell would be published."),
        "cells-one-category": many(
            "%(cells)s group of %(columns)s falls whole into one category: whoever belongs to the group is known "
            "to have it (%(people)s persons).",
            "%(cells)s groups of %(columns)s fall whole into one category: whoever belongs to the group is known "
            "to have it (%(people)s persons).",
            "cells",
        ),
        "cells-recovered": many(
            "%(cells)s figure that was left out can be worked out exactly from the rest of the table.",
            "%(cells)s figures that were left out can be worked out exactly from the rest of the table.",
            "cells",
        ),
        "cells-narrow": many(
            "%(cells)s figure that was left out can be estimated to within fewer than %(threshold)s persons from "
            "the rest of the table.",
            "%(cells)s figures that were left out can be estimated to within fewer than %(threshold)s persons "
            "from the rest of the table.",
            "cells",
        ),
        "cells-repeated": many(
            "%(cells)s cell stands in the table more than once: the columns %(columns)s do not tell them apart, "
            "so that its sums could not be checked.",
            "%(cells)s cells stand in the table more than once: the columns %(columns)s do not tell them apart, "
            "so that its sums could not be checked.",
            "cells",
        ),
        "cells-not-declared": _(
            "The rows look like counts of groups; no column about persons is declared, and the table was not "
            "judged as a table of counts."
        ),
        "cells-undeclared": many(
            "%(column)s looks like counts of people by %(by)s: %(cells)s cell is 1 to %(most)s, and the contract does "
            "not say so. Declare the table (arengoCells), so that small cells are protected, or say of %(columns)s why "
            "they may be shown (arengoPersonalReason).",
            "%(column)s looks like counts of people by %(by)s: %(cells)s cells are 1 to %(most)s, and the contract "
            "does not say so. Declare the table (arengoCells), so that small cells are protected, or say of "
            "%(columns)s why they may be shown (arengoPersonalReason).",
            "cells",
        ),
        "cells-judged": many(
            "%(cells)s cell was judged: none is too small, and nothing that was left out can be worked out.",
            "%(cells)s cells were judged: none is too small, and nothing that was left out can be worked out.",
            "cells",
        ),
        "cells-differenced": many(
            "Together with %(releases)s, %(parts)s small part of the population can be worked out by subtracting "
            "published counts: each has fewer than %(threshold)s persons (%(people)s in all).",
            "Together with %(releases)s, %(parts)s small parts of the population can be worked out by subtracting"
            " published counts: each has fewer than %(threshold)s persons (%(people)s in all).",
            "parts",
        ),
        "cells-differenced-alone": many(
            "%(parts)s small part of the population can be worked out by subtracting counts of this table from "
            "one another: each has fewer than %(threshold)s persons (%(people)s in all).",
            "%(parts)s small parts of the population can be worked out by subtracting counts of this table from "
            "one another: each has fewer than %(threshold)s persons (%(people)s in all).",
            "parts",
        ),
        "cells-differenced-group": many(
            "%(parts)s part of the population that subtracting published counts sets apart falls whole into one "
            "sensitive category (%(people)s persons).",
            "%(parts)s parts of the population that subtracting published counts sets apart fall whole into one "
            "sensitive category (%(people)s persons).",
            "parts",
        ),
        "cells-differenced-places": many(
            "Where the areas of %(zonings)s overlap, %(parts)s small part of the population can be worked out by "
            "subtracting the counts of %(release)s and %(releases)s: each has fewer than %(threshold)s persons "
            "(%(people)s in all).",
            "Where the areas of %(zonings)s overlap, %(parts)s small parts of the population can be worked out by "
            "subtracting the counts of %(release)s and %(releases)s: each has fewer than %(threshold)s persons "
            "(%(people)s in all).",
            "parts",
        ),
        "cells-differenced-areas": many(
            "Where the areas of %(zonings)s overlap, the counts of %(release)s and %(releases)s differ by "
            "%(people)s persons in %(parts)s part of fewer than %(threshold)s. Nothing says who lives there (the "
            "register has no coordinates, and the population names no addresses), so this goes by the shapes alone.",
            "Where the areas of %(zonings)s overlap, the counts of %(release)s and %(releases)s differ by "
            "%(people)s persons in %(parts)s parts of fewer than %(threshold)s. Nothing says who lives there (the "
            "register has no coordinates, and the population names no addresses), so this goes by the shapes alone.",
            "parts",
        ),
        "cells-sums-differenced": many(
            "By subtracting the sums of %(column)s in %(release)s and %(releases)s, that of %(parts)s group of fewer "
            "than %(threshold)s contributors can be worked out (%(people)s contributors in all).",
            "By subtracting the sums of %(column)s in %(release)s and %(releases)s, those of %(parts)s groups of fewer "
            "than %(threshold)s contributors can be worked out (%(people)s contributors in all).",
            "parts",
        ),
        "cells-pinned": many(
            "With this table, the counts of %(parts)s small part of the population can be estimated to within "
            "fewer than %(threshold)s persons.",
            "With this table, the counts of %(parts)s small parts of the population can be estimated to within "
            "fewer than %(threshold)s persons.",
            "parts",
        ),
        "cells-differenced-before": many(
            "%(parts)s small part of the population can be worked out from earlier tables already; this table "
            "adds nothing to that.",
            "%(parts)s small parts of the population can be worked out from earlier tables already; this table "
            "adds nothing to that.",
            "parts",
        ),
    }


def _budget(s: Speech, n: Count) -> dict[str, str]:
    _ = s._
    return {
        "budget-fits": _(
            "It spends %(epsilon)s of the privacy of %(population)s; %(left)s of %(cap)s is left in these "
            "%(period)s days. A figure is off by at most %(accuracy)s in 95 of 100 cases."
        ),
        "budget-exceeded": _(
            "It would spend %(epsilon)s of the privacy of %(population)s, and only %(left)s of %(cap)s is left in"
            " these %(period)s days. It is possible from %(day)s."
        ),
        "budget-never": _(
            "It would spend %(epsilon)s of the privacy of %(population)s, more than the %(cap)s that %(period)s "
            "days have in all. Ask for less precise figures."
        ),
        "noise-without-population": _(
            "The table asks for noise of differential privacy, but no population is named whose budget it would spend."
        ),
        "noise-without-amount": _(
            "The table asks for noise of differential privacy and does not say how much: %(why)s."
        ),
        "exact-beside-noise": _(
            "%(releases)s gives the same figures of %(population)s without noise, so the noise of this table "
            "protects nobody."
        ),
        "noise-undone": _(
            "%(releases)s gave these figures of %(population)s with noise. Publishing them exactly takes that "
            "protection back."
        ),
    }


SECTIONS: tuple[tuple[str, Callable[[Speech, Count], dict[str, str]]], ...] = (
    ("declared", _declared),
    ("detection", _detection),
    ("single", _single),
    ("overlap", _overlap),
    ("linkage", _linkage),
    ("cells", _cells),
    ("budget", _budget),
)
