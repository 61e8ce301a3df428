"""One verdict of the gate as its pages and its paper tell it: findings by step, and what was taken for granted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arengo.contract.model import EMPTY
from arengo.portal import privacy_words
from arengo.portal.language import Speech
from arengo.portal.privacy_labels import Labels, release_link
from arengo.portal.privacy_outcome import ORDER, TONES, outcome_word
from arengo.privacy.finding import Finding
from arengo.privacy.verdict import Assumption, Verdict

if TYPE_CHECKING:
    from arengo.portal.privacy_given import Given
    from arengo.portal.visit import Visit


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


def assumed(s: Speech, verdict: Verdict, labels: Labels, known: Mapping[str, Given] = EMPTY) -> tuple[str, ...]:
    """What was taken for granted, in sentences. ``known``: column -> who gave a reason for it, as the record has it."""
    profiles: Mapping[str, Mapping[str, object]] = (verdict.measured.get("single") or {}).get("profiles") or {}

    def looker(name: str) -> str:
        return str(profiles.get(name, EMPTY).get("title") or name)

    return tuple(_assumed(s, item, labels, known, looker) for item in verdict.assumptions)


def _assumed(
    s: Speech, item: Assumption, labels: Labels, known: Mapping[str, Given], looker: privacy_words.Names
) -> str:  # fmt: skip
    said = privacy_words.assumption(s, item, labels.title, labels.column, looker)
    if item.code != "reason":
        return said
    found = known.get(str(item.facts.get("column")))
    if found is None or " ".join(found.why.split()) != item.facts.get("reason"):
        who = s._("Who wrote it, and when, is not on the record of this desk.")
    else:
        who = s._("%(name)s gave it on %(day)s.", name=found.by, day=s.date(found.at))
    return f"{said} {who}"
