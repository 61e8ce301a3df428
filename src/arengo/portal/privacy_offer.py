"""A repair as a card: what it changes, what it costs, whom it no longer exposes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arengo.contract.protection import step_name
from arengo.portal import privacy_words
from arengo.portal.language import Speech
from arengo.portal.privacy_labels import Labels
from arengo.portal.privacy_outcome import TONES, outcome_word, target_k
from arengo.portal.privacy_picture import Histogram, histogram
from arengo.privacy.measure import LARGEST
from arengo.privacy.verdict import Repair, Verdict


@dataclass(frozen=True, slots=True)
class Offer:
    """A repair as a card. ``changes``: what is done, one line each; ``facts``: (words, value); ``note``: '' where it
    leaves something and is proved to be the cheapest of its kind."""

    id: str
    title: str
    changes: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    errors: tuple[tuple[str, str], ...]
    picture: Histogram | None
    tone: str
    outcome: str
    relief: str = ""
    note: str = ""


def kind_word(s: Speech, kind: str) -> str:
    _ = s._
    return {
        "generalise": _("Say it more coarsely"),
        "local": _("Say it more coarsely where a group is small"),
        "suppress": _("Leave the small groups out"),
        "beside": _("Leave out the few rows that stand out beside earlier releases"),
        "blank": _("Leave out single values that stand out beside earlier releases"),
        "drop": _("Leave a column out"),
        "noise": _("Add noise"),
        "cells": _("Protect the cells of the table"),
        "declare": _("Declare the table of counts, and protect its cells"),
        "pseudonym": _("Use codes instead of names"),
        "redact": _("Black out the text"),
    }.get(kind, kind)


def change_words(s: Speech, column: str, step: Any) -> str:
    """One step of ``arengoProtect`` on a column."""
    _ = s._
    name = step_name(step)
    told = step[name] if isinstance(step, Mapping) else None
    level = str(told.get("level", "") if isinstance(told, Mapping) else told)
    argument = privacy_words.said(s, told) if told is not None and not isinstance(told, bool) else ""
    return {
        "drop": _("%(column)s: left out", column=column),
        "level": level_words(s, column, level),
        "truncate": _("%(column)s: only the first characters (%(argument)s)", column=column, argument=argument),
        "pseudonym": _("%(column)s: a code instead (pseudonym)", column=column),
        "round": _("%(column)s: rounded to %(argument)s", column=column, argument=argument),
        "top": _("%(column)s: at most %(argument)s", column=column, argument=argument),
        "bottom": _("%(column)s: at least %(argument)s", column=column, argument=argument),
        "redact": _("%(column)s: names and numbers of persons blacked out", column=column),
        "pram": _("%(column)s: some values exchanged by chance", column=column),
        "vault": _("%(column)s: kept sealed, not published", column=column),
        "grid": _("%(column)s: only the cell of a grid with enough people", column=column),
        "donut": _("%(column)s: moved by a small distance at random", column=column),
        "laplace": _("%(column)s: moved at random", column=column),
    }.get(name, f"{column}: {privacy_words.said(s, step)}")


def level_words(s: Speech, column: str, level: str) -> str:
    """A level that is made by a rule in plain words, one of a city's own hierarchies by its name."""
    _ = s._
    periods = {"month": _("only month and year"), "year": _("only the year"), "decade": _("only the decade")}
    if level in periods:
        return f"{column}: {periods[level]}"
    kind, _dash, number = level.partition("-")
    if kind == "by" and _number(number):
        return _("%(column)s: in steps of %(n)s", column=column, n=s.number(float(number)))
    if kind in ("first", "keep") and number.isdecimal():
        first = s.many("only the first %(n)s character", "only the first %(n)s characters", int(number))
        return f"{column}: {first}"
    if kind == "hide" and number.isdecimal():
        last = s.many("without the last character", "without the last %(n)s characters", int(number))
        return f"{column}: {last}"
    return _("%(column)s: only the group (%(level)s)", column=column, level=level)


def _number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def figure_words(s: Speech, name: str, labels: Labels) -> str:
    """A figure whose error was measured (:func:`arengo.privacy.measure.errors`)."""
    if name == "rows":
        return s._("Rows")
    column = name.removeprefix("mean of ")
    return s._("Mean: %(column)s", column=labels.column(column)) if column != name else name


def _share(s: Speech, share: float) -> str:
    """A share; of what is lost or off, something is never said to be nothing."""
    return f"< {s.percent(0.001)}" if 0 < share < 0.0005 else s.percent(share)


def rule_words(s: Speech, name: str, told: Any, column: privacy_words.Names = str) -> str:
    """One rule of ``arengoProtection``."""
    _ = s._
    facts = told if isinstance(told, Mapping) else {}
    if name == "suppress" and facts.get("beside"):
        blank = privacy_words.listed(s, [str(item) for item in facts.get("blank", ())], column)
        if blank:
            return _("where a group would have fewer than %(n)s persons, alone or together with earlier releases, "
                     "%(columns)s is left out, and rows only where that is not enough", n=facts.get("below", ""),
                     columns=blank)  # fmt: skip
        return _("rows of groups with fewer than %(n)s persons, alone or together with earlier releases, are left out",
                 n=facts.get("below", ""))  # fmt: skip
    if name == "cells" and facts.get("beside"):
        return _("small cells are withheld, with others so that they cannot be worked out, from earlier tables neither")
    return {
        "suppress": _("rows of groups with fewer than %(n)s persons are left out", n=facts.get("below", "")),
        "local": _("coarser only where a group would have fewer than %(n)s persons", n=facts.get("k", "")),
        "microaggregate": _("numbers become averages over %(n)s rows", n=facts.get("k", "")),
        "shuffle": _("the order of the rows is given up"),
        "cells": {
            "suppress": _("small cells are withheld, with others so that they cannot be worked out"),
            "round": _("counts are rounded so that small ones cannot be told"),
            "cell-key": _("counts are changed a little, always in the same way (cell key)"),
            "noise": _("noise is added to the counts (differential privacy)"),
        }.get(str(facts.get("method", "")), _("the cells of the table are protected")),
    }.get(name, f"{name}: {privacy_words.said(s, told)}")  # fmt: skip


def smallest_after(item: Repair) -> int:
    """Persons in the smallest group after a repair, 0 where that is not told: large ones are counted together."""
    sizes = [int(size) for size, people in item.after.items() if people and str(size).isdecimal()]
    told = item.facts.get("k")
    known = told if isinstance(told, int) and (told > LARGEST or not item.after.get("more")) else 0
    return min(sizes, default=known)


def _kind(item: Repair) -> str:
    """The coarsest of all levels is nothing at all."""
    steps = [step for told in item.columns.values() for step in (told if isinstance(told, list | tuple) else (told,))]
    left_out = item.kind == "generalise" and steps and all(step == "drop" for step in steps)
    return "drop" if left_out else item.kind


def relief(s: Speech, verdict: Verdict, item: Repair) -> str:
    """Of a repair for groups that are small only beside earlier releases: whom it no longer exposes; '' for others."""
    k = target_k(verdict) or 5
    alone = any(people for size, people in item.before.items() if str(size).isdecimal() and int(size) < k)
    exposed = max((found.people for found in verdict.findings if found.releases and found.outcome != "pass"), default=0)
    if alone or not exposed or item.outcome != "pass":
        return ""
    return s.many(
        "Together with what is public already, %(n)s person is exposed before it and nobody after it.",
        "Together with what is public already, %(n)s people are exposed before it and nobody after it.",
        exposed,
    )


def together(s: Speech, verdict: Verdict, item: Repair, compact: bool = False) -> Histogram | None:
    """Group sizes together with what is public already, before and after a repair, where those are what holds it
    back; None elsewhere."""
    before, after = (verdict.measured.get("joint") or {}).get("after"), item.facts.get("joint")
    small = any(found.code == "overlap-joint" and found.outcome != "pass" for found in verdict.findings)
    if not small or not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return None
    return histogram(s, after, before, target_k(verdict) or 5, compact)


def offers(s: Speech, verdict: Verdict, labels: Labels) -> tuple[Offer, ...]:
    return tuple(offer(s, verdict, item, labels) for item in verdict.repairs)


def offer(s: Speech, verdict: Verdict, item: Repair, labels: Labels) -> Offer:
    _ = s._
    changes = []
    for column, told in item.columns.items():
        several = told if isinstance(told, list | tuple) else (told,)
        changes += [change_words(s, labels.column(column), step) for step in several]
    changes += [rule_words(s, name, told, labels.column) for name, told in item.contract.items()]
    k = target_k(verdict) or 5
    facts = [(_("Detail that is lost"), _share(s, item.loss))] if item.costed else []
    facts.append((_("Rows or cells withheld"), _of(s, item.suppressed, item)))
    if blanked := item.facts.get("blanked"):
        facts.append((_("Single values withheld"), _of(s, int(blanked), item)))
    least = smallest_after(item)
    if least:
        facts.append((_("Persons in the smallest group"), s.number(least)))
    elif item.after.get("more"):
        facts.append((_("Persons in the smallest group"), _("more than %(n)s", n=s.number(LARGEST))))
    errors = tuple((figure_words(s, name, labels), _share(s, float(value))) for name, value in item.errors.items())
    freed = relief(s, verdict, item)
    picture = together(s, verdict, item, compact=True) if freed else None
    notes = [_("Next to nothing is left of the columns or cells it changes.")] if item.empties else []
    if item.facts.get("optimal") is False:
        notes.append(_("Not every combination of levels was tried; there may be a cheaper repair."))
    return Offer(
        item.id, kind_word(s, _kind(item)), tuple(changes), tuple(facts), errors,
        picture or histogram(s, item.after, item.before, k, compact=True), TONES.get(item.outcome, "quiet"),
        outcome_word(s, item.outcome), freed,
        " ".join(notes),
    )  # fmt: skip


def _of(s: Speech, gone: int, item: Repair) -> str:
    """How many of how many, and the share."""
    whole = item.facts.get("of")
    if not gone or not isinstance(whole, int) or not whole:
        return s.number(gone)
    return s._("%(n)s of %(all)s (%(share)s)", n=s.number(gone), all=s.number(whole), share=_share(s, gone / whole))
