"""Charts that fit a dataset, told from its contract and its profile: pictures to choose from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Kind, Property
from arengo.errors import ArengoError
from arengo.portal.cells import yearly
from arengo.portal.charts.design import Design
from arengo.portal.figure import _MONEY, _SUMS, _bucket, categories, quantities, series

if TYPE_CHECKING:
    from arengo.portal.dossier import Dossier

MOST = 9
_ADDS = re.compile(r"[kMG]?Wh|k?g|t|m3|m³|h?l|pieces|persons|vehicles", re.I)


@dataclass(frozen=True, slots=True)
class Proposal:
    name: str
    design: Design


def proposals(d: Dossier) -> list[Proposal]:
    """At most :data:`MOST` different charts, the telling ones first."""
    _ = d.visit._
    columns: Mapping[str, Any] = d.profile.get("columns", {})
    amounts = [item for item in quantities(d.contract) if _known(d, columns, item)]
    best = _measure(d, columns, amounts)
    names = _categories(d, columns)
    when = _time(d, columns)
    line = series(d.contract, d.profile)
    bars = categories(d.contract, d.profile)
    out: list[Proposal] = []

    def add(name: str, design: Design) -> None:
        if len(out) < MOST and all(item.design != design for item in out):
            out.append(Proposal(name, design))

    def measured(item: Property | None) -> dict[str, Any]:
        return {"y": item.name, "of": "sum" if adding(item) else "avg"} if item else {}

    adds_up = best is None or measured(best)["of"] == "sum"
    given: dict[str, Any]
    if when and line is not None:
        bucket = "" if d.head(line.time).kind is Kind.INTEGER else line.bucket
        given = {"y": line.measure, "of": line.function} if line.measure else {}
        by = line.category if line.category in d.view.scope.fields else ""
        add(_("Line over time"), Design("line", x=line.time, bucket=bucket, by=by, **given))
    elif when:
        add(_("Line over time"), Design("line", x=when.name, bucket=_unit(d, when, columns), **measured(best)))
    if bars is not None and bars.category in d.view.scope.fields:
        given = {"y": bars.measure, "of": "sum"} if bars.measure else {}
        add(_("Bars"), Design("bar", x=bars.category, **given))
    elif names:
        add(_("Bars"), Design("bar", x=names[0].name, **measured(best)))
    district = _districts(d, names)
    if district is not None:
        add(_("Map by district"), district if not best else district.but(**measured(best)))
    if d.view.geometry is not None and "Polygon" not in "".join(d.view.geometry.types):
        add(_("Map of places"), Design("map", by=names[0].name if names else ""))
    if len(names) > 1:
        split = Design("bar", x=names[0].name, by=names[1].name, stack="stacked" if adds_up else "grouped")
        add(_("Stacked bars") if adds_up else _("Bars side by side"), split.but(**measured(best)))
    if when and names:
        unit = _unit(d, when, columns)
        if adds_up:
            add(_("Stacked areas"), Design("area", x=when.name, bucket=unit, by=names[0].name, **measured(best)))
        add(_("Small multiples"), Design("line", x=when.name, bucket=unit, facet=names[0].name, **measured(best)))
    if amounts:
        first = best or amounts[0]
        add(_("Histogram"), Design("histogram", x=first.name))
    if len(amounts) > 1:
        others = [item for item in amounts if item is not best]
        add(_("Scatter plot"), Design("scatter", x=others[0].name, y=(best or amounts[1]).name))
    if when is not None and when.kind is Kind.TIMESTAMP:
        add(
            _("Heat map of the week"),
            Design("heat", x=when.name, bucket="hour_of_day", by=when.name, by_bucket="day_of_week", **measured(best)),
        )
    elif len(names) > 1:
        add(_("Heat map"), Design("heat", x=names[1].name, by=names[0].name, **measured(best)))
    return out


def adding(item: Property) -> bool:
    """Whether a sum over the rows means something: of money, energy, weight and counts, not of lengths and levels."""
    return bool(_SUMS.search(item.name) or _MONEY.search(item.unit) or _ADDS.fullmatch(item.unit))


def _known(d: Dossier, columns: Mapping[str, Any], item: Property) -> bool:
    return item.name in d.view.scope.fields and int(columns.get(item.name, {}).get("distinct") or 0) > 1


def _measure(d: Dossier, columns: Mapping[str, Any], amounts: list[Property]) -> Property | None:
    from arengo.portal.figure import _measure as chosen

    found = chosen(d.contract, d.profile, "")
    return found if found is not None and found in amounts else None


def _categories(d: Dossier, columns: Mapping[str, Any]) -> list[Property]:
    """Columns of names, those with a readable number of values first."""
    found: list[tuple[float, int, Property]] = []
    for item in d.contract.properties:
        known = columns.get(item.name, {})
        distinct = int(known.get("distinct") or 0)
        if item.name not in d.view.scope.fields or item.kind not in (Kind.STRING, Kind.BOOLEAN):
            continue
        if item.privacy_role == "identifier" or item.custom.get("arengoPersonalKind") or not 2 <= distinct <= 60:
            continue
        if not known.get("top") or distinct > 0.6 * (d.profile.get("rows") or 0):
            continue
        code = ((known.get("length") or {}).get("mean") or 9) <= 2.5
        few = 3 <= distinct <= 12
        found.append((few - 0.8 * code - 0.4 * (item.kind is Kind.BOOLEAN), -len(found), item))
    return [item for _score, _at, item in sorted(found, key=lambda entry: entry[:2], reverse=True)]


def _time(d: Dossier, columns: Mapping[str, Any]) -> Property | None:
    from arengo.portal.figure import _time as chosen

    found = chosen(d.contract, columns)
    if found is None or found.name not in d.view.scope.fields:
        return None
    known = int(columns.get(found.name, {}).get("distinct") or 0)
    if found.kind is Kind.INTEGER and not yearly(d.head(found.name)):
        return None
    return found if known >= 3 else None


def _unit(d: Dossier, item: Property, columns: Mapping[str, Any]) -> str:
    return "" if item.kind is Kind.INTEGER else _bucket(item, columns.get(item.name, {}))


def _districts(d: Dossier, names: list[Property]) -> Design | None:
    """A map by district when a column holds the names or codes of another dataset's areas."""
    from arengo.portal.charts.maps import areas, district_sets, matching

    for dataset, _title in district_sets(d)[:6]:
        try:
            found, _words = areas(d, dataset)
        except ArengoError:
            continue
        if dataset == d.id:
            own = [item for item in d.contract.properties if item.kind is Kind.STRING and item.name in found[0].names]
            if own:
                return Design("map", x=own[0].name, places=dataset)
            continue
        for item in names:
            top = d.profile.get("columns", {}).get(item.name, {}).get("top") or []
            if matching((str(entry["value"]) for entry in top if entry["value"] is not None), found):
                return Design("map", x=item.name, places=dataset)
    return None
