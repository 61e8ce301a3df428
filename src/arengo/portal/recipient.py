"""What a grant lets its reader put together, as the one who decides sees it."""

from __future__ import annotations

from dataclasses import dataclass

from arengo.contract.model import Contract
from arengo.governance.agreement import Agreement, Terms
from arengo.portal.agreement_story import Names, labels_of
from arengo.portal.visit import Visit

AT_ONCE = 200_000
"""Rows of a dataset up to which the page compares by itself; above, when somebody looks."""


@dataclass(frozen=True, slots=True)
class Beside:
    """``tone``: good, warn. ``others``: (words, address) of what takes part."""

    tone: str
    title: str
    words: tuple[str, ...]
    others: tuple[tuple[str, str], ...] = ()


def beside(
    visit: Visit, item: Agreement, contract: Contract, terms: Terms, names: Names, *, asked: bool
) -> Beside | None:
    """What the recipient could put together; None where there is nothing to compare. ``asked``: somebody looks."""
    _, say = visit._, visit.speech
    version = visit.site.catalogue.entry(item.dataset).version
    if version is None or (version.rows > AT_ONCE and not asked):
        return None
    found = visit.site.agreements.together(item, terms)
    if found is None:
        return None
    told = found.as_json()
    labels = labels_of(visit, contract, terms.columns)
    if told.get("named"):
        listed = ", ".join(labels[name] for name in told["named"])
        words = _("%(columns)s: who reads it knows who the people are, so nothing is compared.", columns=listed)
        return Beside("warn", _("It names the people"), (words,))
    others: list[tuple[str, str]] = []
    accords = visit.site.agreements
    for number in told.get("agreements", ()):
        other = accords.get(number)
        if accords.sees(other, visit.caller):
            had = [text.removeprefix(f"{number} ") for text in told.get("given", ()) if text.startswith(f"{number} ")]
            others.append((f"{names.dataset(other.dataset)} ({', '.join((number, *had))})", f"/agreements/{number}"))
        else:  # what other owners give is theirs to tell
            others.append((_("another agreement of theirs"), ""))
    for label in told.get("public", ()):
        dataset, _space, version = label.rpartition(" ")
        others.append((f"{names.dataset(dataset)} ({version})", f"/datasets/{dataset}"))
    lines = []
    if told.get("readers"):
        listed = ", ".join(sorted(_("everybody") if one == "*" else names.organisation(one) for one in told["readers"]))
        lines.append(_("Taken as one reader with %(who)s.", who=listed))
    if told.get("unseen"):
        lines.append(_("Something of what they read could not be compared."))
    who = names.organisation(item.organisation)
    if not found.people:
        title = _("Nobody is exposed by laying it beside what %(who)s reads already", who=who)
        return Beside("warn" if told.get("unseen") else "good", title, tuple(lines), tuple(others))
    title = say.many("%(n)s person could be singled out", "%(n)s people could be singled out", found.people)
    first = _("Laid beside what %(who)s reads already and what is public, they leave the groups of at least %(k)s that "
              "look alike.", who=who, k=say.number(found.k))  # fmt: skip
    lines.insert(0, first)
    if told["alone"]:
        lines.append(say.many("%(n)s of them would stand alone.", "%(n)s of them would stand alone.", told["alone"]))
    if told.get("columns"):
        lines.append(_("It is above all: %(columns)s.", columns=", ".join(labels[name] for name in told["columns"])))
    lines.append(_("Give less, or say below why it is needed: the reason stays in the record."))
    return Beside("warn", title, tuple(lines), tuple(others))
