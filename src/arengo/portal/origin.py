"""Where a dataset comes from and what is made of it, step by step and column by column."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from arengo.catalogue import say
from arengo.catalogue.lineage import ColumnLineage, Lineage, Node
from arengo.errors import UnknownDataset
from arengo.portal.dossier import Dossier
from arengo.portal.visit import Visit


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing in a step. ``facts``: what is known of it, in the reader's words."""

    title: str
    href: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One station between the system and what is made of the data."""

    name: str
    things: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One column: how it came to be, and of what."""

    column: str
    label: str
    how: str
    origins: tuple[tuple[str, str], ...]
    expression: str


def page(visit: Visit) -> Response:
    """``/datasets/{id}/origin``."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    known = visit.unchanged(*d.mark, visit.site.catalogue.generation)
    if known:
        return known
    lineage = visit.site.catalogue.lineage(d.id, visit.language)
    labels = {item.name: item.label for item in d.heads}
    values = {
        "d": d,
        "tab": "origin",
        "tab_title": visit._("Where it comes from"),
        "steps": steps(visit, lineage),
        "rows": [_row(visit, item, labels) for item in lineage.columns],
        "whole": lineage.whole,
    }
    return visit.page("origin.html", values)


def steps(visit: Visit, lineage: Lineage) -> list[Step]:
    """The stations, the farthest back first; those with nothing in them are left out."""
    _ = visit._
    held: dict[str, list[Thing]] = {}
    for node in lineage.nodes:
        # Stations of the datasets it is made of are told on their own pages.
        if node.kind != "system" and node.id.split(":")[1:2] != [lineage.dataset]:
            continue
        held.setdefault(node.kind, []).append(_thing(visit, node))
    before = tuple(_dataset(visit, name) for name in lineage.upstream)
    after = tuple(_dataset(visit, name) for name in lineage.downstream)
    found = [
        Step(_("System"), tuple(held.get("system", ()))),
        Step(_("Source"), tuple(held.get("source", ()))),
        Step(_("Made of"), before),
        Step(_("Contract"), tuple(held.get("contract", ()))),
        Step(_("Version"), tuple(held.get("version", ()))),
        Step(_("Files"), tuple(held.get("distribution", ()))),
        Step(_("Made of it"), after),
    ]
    return [step for step in found if step.things]


def _thing(visit: Visit, node: Node) -> Thing:
    _, speech, facts = visit._, visit.speech, node.facts
    words = []
    if node.kind == "source":
        words.append(facts.get("kind", ""))
    elif node.kind == "contract":
        words.append(_("version %(n)s", n=facts.get("version", "")))
    elif node.kind == "version":
        rows = int(facts.get("rows") or 0)
        words.append(speech.many("%(n)s row", "%(n)s rows", rows))
        aside = int(facts.get("quarantined") or 0)
        words += [speech.many("%(n)s row set aside", "%(n)s rows set aside", aside)] if aside else []
    if node.at is not None and node.kind != "distribution":
        words.append(speech.date(node.at))
    return Thing(node.title, node.href, tuple(word for word in words if word))


def _dataset(visit: Visit, name: str) -> Thing:
    """A dataset by its title; one that may not be read is named all the same, as the contract names it."""
    try:
        record = visit.site.catalogue.record(name)
    except UnknownDataset:
        return Thing(name, "")
    return Thing(say(record.title, visit.language)[0], visit.link("datasets", name, "origin"))


def _row(visit: Visit, item: ColumnLineage, labels: dict[str, str]) -> Row:
    _ = visit._
    how = {
        "same": _("as it is there"),
        "renamed": _("renamed"),
        "computed": _("computed"),
        "aggregated": _("summed up"),
        "constant": _("the same in every row"),
        "unknown": _("not known"),
    }
    origins = tuple(
        (origin.column if not origin.dataset else f"{origin.dataset}.{origin.column}",
         visit.link("datasets", origin.dataset, "columns") if origin.dataset else "")
        for origin in item.origins
    )  # fmt: skip
    return Row(item.column, labels.get(item.column, item.column), how.get(item.how, item.how), origins, item.expression)
