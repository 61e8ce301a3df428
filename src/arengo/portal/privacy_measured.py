"""The figures and pictures of a verdict: sizes of groups, risks, whom the city reckons with, what columns cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.portal.language import Speech
from arengo.portal.privacy_labels import Labels, release_link
from arengo.portal.privacy_outcome import target_k
from arengo.portal.privacy_picture import Histogram, Overlap, histogram, overlap
from arengo.privacy.verdict import Verdict

if TYPE_CHECKING:
    from arengo.portal.visit import Visit


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
