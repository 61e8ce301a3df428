"""What the gate found, in the reader's language: every code of :mod:`arengo.privacy.words` as a sentence.

A code that has no sentence here yet is said in English and marked so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from arengo.contract.direction import apart
from arengo.portal.language import Speech
from arengo.portal.privacy_alone import declared, detection, single
from arengo.portal.privacy_counts import budget, cells
from arengo.portal.privacy_number import Count, counted, several
from arengo.portal.privacy_reasons import reason
from arengo.portal.privacy_together import linkage, overlap
from arengo.portal.register_words import data
from arengo.privacy.finding import Finding, agreed
from arengo.privacy.verdict import Assumption
from arengo.privacy.words import SENTENCES

Names = Callable[[str], str]
"""Label of an earlier release or name of a column -> what it is called."""
SECTIONS: tuple[tuple[str, Callable[[Speech, Count], dict[str, str]]], ...] = (
    ("declared", declared),
    ("detection", detection),
    ("single", single),
    ("overlap", overlap),
    ("linkage", linkage),
    ("cells", cells),
    ("budget", budget),
)
"""Parts of the report -> the sentences of their codes."""


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
    template = None if s.language == "en" else templates(s, counted(item)).get(item.code)
    if template is None:  # the registry's, in which English words agree with a second number too
        return agreed(SENTENCES[item.code], facts).format_map(_Open(s.apart(values)))
    return template % _Open(s.apart(values))


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


def assumption(
    s: Speech, item: Assumption, title: Names = str, column: Names = str, looker: Names = str
) -> str:  # fmt: skip
    """What a verdict took for granted. ``title``: of a dataset by its id; ``looker``: of an attacker by the name."""
    values = {name: said(s, value) for name, value in item.facts.items()}
    if isinstance(item.facts.get("dataset"), str):
        values["dataset"] = title(item.facts["dataset"])
    if isinstance(item.facts.get("column"), str):
        values["column"] = column(item.facts["column"])
    if isinstance(item.facts.get("knows"), list | tuple):
        knows = [str(name) for name in item.facts["knows"]]
        if item.code == "profile" and "*" in knows:
            return s._("Somebody who looks may know everything that can be observed.")
        values["knows"] = ", ".join(data(s, name) or name for name in knows)
        values["name"] = looker(str(item.facts.get("name", "")))
    if "*" in item.facts.get("readers", ()):
        values["readers"] = s._("everybody")
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
        "kin": _("That register also lists %(others)s: what is public about them was laid beside it."),
        "reason": _("%(column)s may be open because the contract says so (version %(version)s): “%(reason)s”."),
        "colluding": _(
            "Readers that are assumed to put together what they are given by agreements (%(name)s): %(readers)s."
        ),
        "profile": _("Somebody who looks (%(name)s) is assumed to know: %(knows)s."),
    }
