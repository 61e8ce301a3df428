"""One verdict of the gate as its pages and its paper tell it: the one big sentence, findings by step, repairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arengo.contract.model import EMPTY
from arengo.contract.protection import step_name
from arengo.errors import ArengoError
from arengo.portal import privacy_words
from arengo.portal.cells import spoken
from arengo.portal.language import Speech
from arengo.portal.privacy_picture import Histogram, Overlap, histogram, overlap
from arengo.privacy.finding import Finding
from arengo.privacy.measure import LARGEST
from arengo.privacy.verdict import Assumption, Repair, Verdict
from arengo.privacy.verdicts import DECIDED, HELD, PUBLISHED, REPAIRED, REPLACED, Held

if TYPE_CHECKING:
    from arengo.contract.model import Contract
    from arengo.portal.privacy_given import Given
    from arengo.portal.visit import Visit

ORDER = {"pass": 0, "review": 1, "repair": 2, "block": 3}
TONES = {"pass": "good", "review": "warn", "repair": "warn", "block": "bad"}


@dataclass(frozen=True, slots=True)
class Said:
    """One finding in words. ``releases``: (title, address, columns) of the earlier ones that take part; ``more``: how
    many others do."""

    code: str
    outcome: str
    tone: str
    words: str
    english: bool
    people: int
    columns: tuple[str, ...]
    releases: tuple[tuple[str, str, str], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Findings that belong together. ``tone``: of the worst of them."""

    id: str
    title: str
    question: str
    tone: str
    word: str
    findings: tuple[Said, ...]


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


class Labels:
    """What columns and earlier releases are called. ``visit`` None: on paper, without addresses."""

    def __init__(self, s: Speech, contract: Contract | None, catalogue: Any) -> None:
        self.s = s
        self._catalogue = catalogue
        as_read = contract.as_read() if contract is not None else None
        self._columns = (
            {item.name: spoken(as_read, item, s.language)[0] for item in as_read.properties} if as_read else {}
        )
        self._titles: dict[str, str] = {}

    def column(self, name: str) -> str:
        return self._columns.get(name) or name

    def of(self, dataset: str, column: str) -> str:
        """A column of another dataset."""
        try:
            contract = self._catalogue.entry(dataset).contract.as_read()
        except ArengoError:
            return column
        found = contract.column(column)
        return spoken(contract, found, self.s.language)[0] if found is not None else column

    def knows(self, dataset: str) -> bool:
        """Whether there is such a dataset still."""
        try:
            return bool(self._catalogue.entry(dataset))
        except ArengoError:
            return False

    def title(self, dataset: str) -> str:
        """A dataset's title, its id when it is gone."""
        if dataset not in self._titles:
            try:
                self._titles[dataset] = self._catalogue.entry(dataset).contract.title(self.s.language)
            except ArengoError:
                self._titles[dataset] = dataset
        return self._titles[dataset]

    def release(self, label: str) -> str:
        """``ballots v3`` as a title with its version."""
        dataset, number = parted(label)
        if not number:
            return self.title(dataset)
        return self.s._("%(title)s (version %(n)s)", title=self.title(dataset), n=number)


def parted(label: str) -> tuple[str, str]:
    """Dataset and number of a label such as ``ballots v3``; '' where there is none."""
    dataset, mark, number = label.rpartition(" v")
    return (dataset, number) if mark and number.isdecimal() else (label, "")


# The one big sentence


def outcome_word(s: Speech, outcome: str) -> str:
    _ = s._
    return {"pass": _("passes"), "review": _("to be looked at"), "repair": _("needs a repair"),
            "block": _("must not be published")}.get(outcome, outcome)  # fmt: skip


def settled_word(s: Speech, settled: str) -> str:
    _ = s._
    return {
        HELD: _("held back"),
        PUBLISHED: _("published"),
        DECIDED: _("published by decision"),
        REPAIRED: _("repaired"),
        REPLACED: _("replaced by a newer check"),
    }.get(settled, settled)


def headline(s: Speech, verdict: Verdict) -> str:
    """The outcome in one plain sentence."""
    _ = s._
    outcome = verdict.outcome
    worst = [item for item in verdict.findings if item.outcome == outcome]
    top: Finding | None = max(worst, key=lambda item: item.people, default=None)
    people = top.people if top is not None else 0
    if outcome == "pass":
        if not is_public(verdict):
            return _("It is not open: agreements decide who reads it.")
        return _("Nothing in it points at a person.")
    if outcome == "review":
        return _("Somebody has to look at it before it is published.")
    if people and top is not None and top.releases:
        return s.many(
            "Together with what is public already, it would expose %(n)s person.",
            "Together with what is public already, it would expose %(n)s people.",
            people,
        )
    if people:
        return s.many(
            "As it is, %(n)s person could be recognised in it.",
            "As it is, %(n)s people could be recognised in it.",
            people,
        )
    if outcome == "repair":
        return _("It has to be changed before it is published.")
    return _("It must not be published as it is.")


def is_public(verdict: Verdict) -> bool:
    """Whether it was judged as something everybody may read."""
    return all(item.code != "not-public" for item in verdict.findings)


def standing(s: Speech, held: Held) -> str:
    """What became of the publication, in a sentence."""
    _ = s._
    number = held.version
    if held.settled == HELD:
        return {
            "review": _("The publication waits for a steward. What was public before stays as it is."),
            "repair": _("The publication waits: take one of the repairs. What was public before stays as it is."),
        }.get(held.outcome, _("The publication is held back. What was public before stays as it is."))
    if held.settled == PUBLISHED:
        return _("It was published as version %(n)s.", n=number) if number else _("It was published.")
    if held.settled == DECIDED:
        if number:
            return _("People decided to publish it all the same, as version %(n)s.", n=number)
        return _("People decided to publish it all the same.")
    if held.settled == REPAIRED:
        return _("A repair went into the contract, and the publication was started again.")
    return _("A newer check has taken its place.")


def people_of(verdict: Verdict) -> int:
    """People in groups that are too small, or the most that one of the findings which stop is about."""
    return max((item.people for item in verdict.findings if item.outcome != "pass"), default=0)


def target_k(verdict: Verdict) -> int | None:
    """Persons that a group must have."""
    for item in verdict.assumptions:
        if item.code == "target" and isinstance(item.facts.get("k"), int):
            return int(item.facts["k"])
    return None


def smallest(verdict: Verdict) -> int | None:
    """Persons in the smallest group, as far as it was measured."""
    single = verdict.measured.get("single") or {}
    for name in ("k", "smallest", "smallest_group"):
        if isinstance(single.get(name), int) and not isinstance(single.get(name), bool):
            return int(single[name])
    sizes = sizes_of(single)
    known = [int(size) for size, people in sizes.items() if people and str(size).isdecimal()]
    return min(known) if known else None


def sizes_of(measured: Mapping[str, Any]) -> Mapping[str, int]:
    """Size of a group -> persons in such groups, of one step."""
    for name in ("sizes", "after", "histogram", "groups"):
        found = measured.get(name)
        if isinstance(found, Mapping):
            return found
    return {}


# Findings by step


def step_words(s: Speech) -> Mapping[str, tuple[str, str]]:
    """Id of a part of the report -> its title, and the question it answers."""
    _ = s._
    return {
        "declared": (_("What is declared"), _("What does the contract say about persons?")),
        "detection": (_("Persons in the columns"), _("Does a column name persons, or let a hidden name be found out?")),
        "single": (_("This publication alone"), _("How small are the groups in which persons stand?")),
        "overlap": (_("Together with what is public"), _("What do earlier publications tell about the same people?")),
        "linkage": (_("Rows found again"), _("Can a row be matched with a row that was published before?")),
        "cells": (_("Counts and sums"), _("Can a small number be worked out from the table, or from several?")),
        "budget": (_("Noise and its budget"), _("How much may still be told about this population?")),
    }


def by_weight(verdict: Verdict) -> list[Finding]:
    """The findings, the worst of all first, as pages show them."""
    return sorted(verdict.findings, key=lambda item: (-ORDER[item.outcome], -item.people))


def steps(
    s: Speech, verdict: Verdict, labels: Labels, visit: Visit | None = None, shown: Sequence[Finding] | None = None
) -> tuple[Step, ...]:
    """The findings, grouped; the part with the worst of them first, and the worst of each part. ``shown``: of those
    that :func:`by_weight` gives; all when it is left out."""
    parts: dict[str, list[Finding]] = {}
    for item in by_weight(verdict) if shown is None else shown:
        parts.setdefault(privacy_words.step_of(item.code), []).append(item)
    out, words = [], step_words(s)
    for name in sorted(filter(parts.get, words), key=lambda name: -ORDER[parts[name][0].outcome]):
        (title, question), worst = words[name], parts[name][0].outcome
        told = tuple(_said(s, item, labels, verdict, visit) for item in parts[name])
        out.append(Step(name, title, question, TONES[worst], outcome_word(s, worst), told))
    return tuple(out)


def _said(s: Speech, item: Finding, labels: Labels, verdict: Verdict, visit: Visit | None) -> Said:
    return Said(
        item.code,
        item.outcome,
        TONES[item.outcome],
        privacy_words.sentence(s, item, labels.column, labels.release),
        not privacy_words.is_translated(s, item),
        item.people,
        tuple(map(labels.column, item.columns)),
        tuple(release_link(label, labels, verdict, visit) for label in item.releases[: privacy_words.LISTED]),
        max(len(item.releases) - privacy_words.LISTED, 0),
    )


def release_link(label: str, labels: Labels, verdict: Verdict, visit: Visit | None) -> tuple[str, str, str]:
    """(title, address, columns) of an earlier release."""
    dataset, number = parted(label)
    known: Mapping[str, Any] = verdict.measured.get("joint") or {}
    names = next((one.get("columns", ()) for one in known.get("releases", ()) if one.get("label") == label), ())
    columns = [labels.of(dataset, str(name)) for name in names]
    href = ""
    if visit is not None and labels.knows(dataset):
        href = visit.link("datasets", dataset, as_of=number)
    return labels.release(label), href, ", ".join(columns)


# Numbers


@dataclass(frozen=True, slots=True)
class Risk:
    """One measure of risk with what it means."""

    name: str
    value: str
    means: str


def risks(s: Speech, verdict: Verdict) -> tuple[Risk, ...]:
    """Prosecutor, journalist and marketer risk, where the step of the single release measured them."""
    _ = s._
    single = verdict.measured.get("single") or {}
    risk = single.get("risk")
    told: Mapping[str, Any] = risk if isinstance(risk, Mapping) else single
    words = {
        "prosecutor": (
            _("If somebody knows that a person is in it"),
            _("The chance that the person who is easiest to find is matched with the right row (prosecutor risk)."),
        ),
        "journalist": (
            _("If somebody looks for anybody at all"),
            _("The same, when it is not known who is in it and all of the population could be (journalist risk)."),
        ),
        "marketer": (
            _("If somebody tries everybody"),
            _("The share of all rows that would on average be matched with the right person (marketer risk)."),
        ),
    }
    out = []
    for name, (title, means) in words.items():
        value = told.get(name)
        if isinstance(value, Mapping):
            value = value.get("highest", value.get("max", value.get("risk")))
        if isinstance(value, int | float) and not isinstance(value, bool):
            out.append(Risk(title, s.percent(float(value)), means))
        elif name in told and value is None:
            out.append(Risk(title, _("not known"), means))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class Looker:
    """An attacker the city reckons with, and how small the groups are by what he knows. Numbers are written out."""

    name: str
    knows: str
    smallest: str
    below: str


def lookers(s: Speech, verdict: Verdict, labels: Labels) -> tuple[Looker, ...]:
    """The attackers that the step of the single release reckoned with, the most dangerous first."""
    told = (verdict.measured.get("single") or {}).get("profiles") or {}
    found = sorted(told.items(), key=lambda pair: -int(pair[1].get("below", 0)))
    return tuple(
        Looker(
            str(item.get("title") or name), ", ".join(map(labels.column, item.get("columns", ()))),
            s.number(item.get("k")), s.number(item.get("below")),
        )
        for name, item in found
    )  # fmt: skip


def costs(verdict: Verdict, labels: Labels) -> tuple[tuple[str, int], ...]:
    """(column, how many fewer persons would stand in a small group without it), the costliest first."""
    told = (verdict.measured.get("single") or {}).get("by_column") or {}
    pairs = sorted(((labels.column(name), int(n)) for name, n in told.items()), key=lambda pair: -pair[1])
    return tuple(pair for pair in pairs if pair[1] > 0)


def pictures(s: Speech, verdict: Verdict) -> tuple[tuple[str, Histogram], ...]:
    """(title, histogram) of group sizes: of this release alone, and together with what is public."""
    _ = s._
    k = target_k(verdict) or 5
    out = []
    single = verdict.measured.get("single") or {}
    alone = histogram(s, sizes_of(single), {}, k)
    if alone is not None:
        out.append((_("In this publication alone"), alone))
    joint = verdict.measured.get("joint") or {}
    before, after = joint.get("before") or {}, joint.get("after") or {}
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        both = histogram(s, after, before, k)
        if both is not None:
            out.append((_("Together with what is public already"), both))
    return tuple(out)


def mosaic(s: Speech, verdict: Verdict, labels: Labels, visit: Visit | None) -> Overlap | None:
    """The picture of releases that single people out together."""
    found: Mapping[str, Any] = verdict.measured.get("joint") or {}
    if not found.get("people"):
        return None
    others = [item for item in found.get("releases", ()) if item.get("costs") or item.get("together")]
    others = (others or list(found.get("releases", ())))[:3]
    if not others:
        return None
    given = []
    for item in others:
        title, href, columns = release_link(str(item["label"]), labels, verdict, visit)
        given.append((title, href, columns))
    mine = [str(item["column"]) for item in found.get("columns", ()) if item.get("column")]
    return overlap(
        s, tuple(given), labels.title(verdict.dataset), ", ".join(map(labels.column, mine)),
        people=int(found.get("people", 0)), groups=int(found.get("groups", 0)),
        alone=int(found.get("singled_out", 0)), k=int(found.get("k") or target_k(verdict) or 5),
    )  # fmt: skip


def assumed(s: Speech, verdict: Verdict, labels: Labels, known: Mapping[str, Given] = EMPTY) -> tuple[str, ...]:
    """What was taken for granted, in sentences. ``known``: column -> who gave a reason for it, as the record has it."""
    return tuple(_assumed(s, item, labels, known) for item in verdict.assumptions)


def _assumed(s: Speech, item: Assumption, labels: Labels, known: Mapping[str, Given]) -> str:
    said = privacy_words.assumption(s, item, labels.title, labels.column)
    if item.code != "reason":
        return said
    found = known.get(str(item.facts.get("column")))
    if found is None or " ".join(found.why.split()) != item.facts.get("reason"):
        who = s._("Who wrote it, and when, is not on the record of this desk.")
    else:
        who = s._("%(name)s gave it on %(day)s.", name=found.by, day=s.date(found.at))
    return f"{said} {who}"


# Repairs


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
    level = told.get("level", "") if isinstance(told, Mapping) else told
    argument = privacy_words.said(s, told) if told is not None and not isinstance(told, bool) else ""
    return {
        "drop": _("%(column)s: left out", column=column),
        "level": _("%(column)s: only the group (%(level)s)", column=column, level=level),
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


def rule_words(s: Speech, name: str, told: Any) -> str:
    """One rule of ``arengoProtection``."""
    _ = s._
    facts = told if isinstance(told, Mapping) else {}
    if name == "suppress" and facts.get("beside"):
        blank = ", ".join(str(item) for item in facts.get("blank", ()))
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
    changes += [rule_words(s, name, told) for name, told in item.contract.items()]
    k = target_k(verdict) or 5
    facts = [(_("Detail that is lost"), s.percent(item.loss))] if item.costed else []
    facts.append((_("Rows or cells withheld"), _of(s, item.suppressed, item)))
    if blanked := item.facts.get("blanked"):
        facts.append((_("Single values withheld"), _of(s, int(blanked), item)))
    least = smallest_after(item)
    if least:
        facts.append((_("Persons in the smallest group"), s.number(least)))
    elif item.after.get("more"):
        facts.append((_("Persons in the smallest group"), _("more than %(n)s", n=s.number(LARGEST))))
    errors = tuple((name, s.percent(float(value))) for name, value in item.errors.items())
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
    return s._("%(n)s of %(all)s (%(share)s)", n=s.number(gone), all=s.number(whole), share=s.percent(gone / whole))


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision in words. ``steps``: (who, what, when, reason)."""

    id: str
    kind: str
    word: str
    tone: str
    waits: bool
    steps: tuple[tuple[str, str, datetime | None, str], ...]


def decision_words(s: Speech) -> Mapping[tuple[str, str], tuple[str, str]]:
    """(kind, state) of a decision -> words and tone."""
    _ = s._
    return {
        ("approve", "given"): (_("Approved"), "good"),
        ("override", "waiting"): (_("Waits for a second person"), "warn"),
        ("override", "given"): (_("Published all the same, by two people"), "bad"),
        ("override", "declined"): (_("Declined"), ""),
        ("override", "withdrawn"): (_("Taken back"), ""),
        ("repair", "given"): (_("Repair taken"), "good"),
    }
