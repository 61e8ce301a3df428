"""What was found in each column of a dataset, with the evidence, and what its contract says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.portal.register_words import data
from arengo.portal.site import Visit

if TYPE_CHECKING:
    from arengo.contract.model import Property
    from arengo.portal.language import Speech
    from arengo.privacy.verdicts import Held


@dataclass(frozen=True, slots=True)
class Line:
    """One column. ``found``: what the values look like; ``why``: what shows it, in English;
    ``evidence``: counted; ``declared``: what the contract says.

    ``protect``: what is done to it before it is published. ``open``: something was found and nothing is declared.
    """

    name: str
    label: str
    found: str
    why: str
    evidence: tuple[str, ...]
    declared: str
    reason: str
    protect: str
    open: bool


def lines(visit: Visit, dataset: str, held: Held | None) -> tuple[Line, ...]:
    """Every column as it is read, those with a finding first."""
    contract = visit.site.catalogue.entry(dataset).contract.as_read()
    found = _found(held)
    made = [_line(visit, item, found.get(item.name)) for item in contract.properties if item.name[:1] != "_"]
    return tuple(sorted(made, key=lambda item: (not item.open, not item.found, not item.declared)))


def _found(held: Held | None) -> Mapping[str, Mapping[str, Any]]:
    """Column -> what detection measured, from the verdict."""
    told: Any = (held.verdict.measured.get("detection") or {}) if held is not None else {}
    columns = told.get("columns", told) if isinstance(told, Mapping) else told
    if isinstance(columns, Mapping):
        return {name: item for name, item in columns.items() if isinstance(item, Mapping)}
    if isinstance(columns, Sequence) and not isinstance(columns, str):
        return {str(item["column"]): item for item in columns if isinstance(item, Mapping) and "column" in item}
    return {}


def _line(visit: Visit, item: Property, found: Mapping[str, Any] | None) -> Line:
    s, _ = visit.speech, visit._
    kind = str(found.get("kind") or "") if found else ""
    role = str(found.get("role") or "") if found else ""
    words = ", ".join(filter(None, (data(s, kind) if kind else "", role_word(s, role))))
    if kind and found and not found.get("strong", True):
        words = _("perhaps: %(what)s", what=words)
    declared = ", ".join(
        filter(
            None,
            (
                role_word(s, item.privacy_role),
                data(s, str(item.custom["arengoPersonalKind"])) if item.custom.get("arengoPersonalKind") else "",
            ),
        )
    )
    protect = item.protect if isinstance(item.protect, Sequence) else ()
    from arengo.portal.privacy_story import change_words

    done = [change_words(s, "", step).removeprefix(": ") for step in protect]
    return Line(
        item.name, item.label, words, str((found or {}).get("why") or ""), _evidence(s, found or {}), declared,
        str(item.custom.get("arengoPersonalReason") or ""), ", ".join(done), bool(words) and not declared,
    )  # fmt: skip


def _evidence(s: Speech, found: Mapping[str, Any]) -> tuple[str, ...]:
    """What was counted, one line each."""
    _, out = s._, []
    if found.get("distinct"):
        out.append(s.many("%(n)s different value", "%(n)s different values", int(found["distinct"])))
    if found.get("separation"):
        out.append(_("tells %(share)s of all pairs of rows apart", share=s.percent(float(found["separation"]))))
    if found.get("suppressed"):
        out.append(_("%(share)s of the values are withheld already", share=s.percent(float(found["suppressed"]))))
    if found.get("small"):
        out.append(
            s.many(
                "%(n)s value is held by very few rows", "%(n)s values are held by very few rows", int(found["small"])
            )
        )
    return tuple(out)


def role_word(s: Speech, role: str) -> str:
    _ = s._
    return {
        "identifier": _("names the person"),
        "quasi": _("tells persons apart together with others"),
        "sensitive": _("nobody else should learn it"),
    }.get(role, "")
