"""What was found in each column of a dataset, with the evidence, and what its contract says; a steward's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from arengo.contract.vocabulary import PERSONAL_KINDS, PRIVACY_ROLES
from arengo.errors import BadForm, Conflict, ContractError
from arengo.portal.cells import spoken
from arengo.portal.privacy_offer import change_words
from arengo.portal.privacy_reasons import reason as reason_of
from arengo.portal.register_words import data
from arengo.portal.sheet import Sheet
from arengo.portal.visit import Visit
from arengo.services import answer as answers

if TYPE_CHECKING:
    from arengo.contract.model import Contract, Property
    from arengo.governance import Caller
    from arengo.portal.language import Speech
    from arengo.privacy.verdicts import Held


@dataclass(frozen=True, slots=True)
class Line:
    """One column. ``found``: what the values look like; ``why``: what shows it; ``english``: said in English only;
    ``evidence``: counted; ``declared``: what the contract says.

    ``protect``: what is done to it before it is published. ``open``: something was found and nothing is declared.
    ``role``, ``kind``, ``concept``: what a form about it begins with. ``proven``: a reason does not settle it.
    ``exposes``: people stand out by it.
    """

    name: str
    label: str
    found: str
    why: str
    english: bool
    evidence: tuple[str, ...]
    declared: str
    reason: str
    protect: str
    open: bool
    role: str = ""
    kind: str = ""
    concept: str = ""
    proven: bool = False
    exposes: bool = False

    @property
    def mark(self) -> str:
        """Its id on the page."""
        return mark_of(self.name)


def mark_of(column: str) -> str:
    """Id of a column on the page: no space in it, and another one for each."""
    return "column-" + quote(column, safe="").replace("%", "-")


def lines(visit: Visit, dataset: str, held: Held | None) -> tuple[Line, ...]:
    """Every column as it is read, those with a finding first."""
    contract = visit.site.catalogue.entry(dataset).contract.as_read()
    verdict = held.verdict if held is not None else None
    found, proven, exposes = answers.seen(verdict), answers.proofs(verdict), answers.exposing(verdict)
    made = [
        _line(visit, contract, item, found.get(item.name), item.name in proven, item.name in exposes)
        for item in contract.properties
        if item.name[:1] != "_"
    ]
    return tuple(sorted(made, key=lambda item: (not item.open, not item.found, not item.declared)))


def _line(
    visit: Visit, contract: Contract, item: Property, found: Mapping[str, Any] | None, proven: bool, exposes: bool
) -> Line:
    s, _ = visit.speech, visit._
    kind = str(found.get("kind") or "") if found else ""
    role = str(found.get("role") or "") if found else ""
    words = ", ".join(filter(None, (data(s, kind) if kind else "", role_word(s, role))))
    if kind and found and not found.get("strong", True):
        words = _("perhaps: %(what)s", what=words)
    held = str(item.custom.get("arengoPersonalKind") or "")
    declared = ", ".join(filter(None, (role_word(s, item.privacy_role), data(s, held) if held else "")))
    reason = str(item.custom.get("arengoPersonalReason") or "")
    protect = item.protect if isinstance(item.protect, Sequence) else ()
    done = [change_words(s, "", step).removeprefix(": ") for step in protect]
    shown = str((found or {}).get("why") or "")
    why = reason_of(s, shown)
    return Line(
        item.name, spoken(contract, item, s.language)[0], words, why or shown, not why, _evidence(s, found or {}),
        declared, reason, ", ".join(done), bool(words) and not declared and not reason,
        item.privacy_role or role or "quasi", held or kind, str(item.custom.get("arengoPrivacyConcept") or ""),
        proven, exposes,
    )  # fmt: skip


# Answering


@dataclass(frozen=True, slots=True)
class Ask:
    """What a form about a column offers. ``concepts``: those the city's contracts use."""

    roles: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]
    concepts: tuple[str, ...]


def ask(visit: Visit) -> Ask:
    s, _ = visit.speech, visit._
    kinds = sorted(((name, data(s, name)) for name in PERSONAL_KINDS), key=lambda pair: pair[1].casefold())
    used = {
        str(item.custom["arengoPrivacyConcept"])
        for entry in visit.site.catalogue.entries(limit=None).items
        for item in entry.contract.properties
        if item.custom.get("arengoPrivacyConcept")
    }
    return Ask(
        tuple((role, role_word(s, role)) for role in PRIVACY_ROLES), (("", _("not said")), *kinds), tuple(sorted(used))
    )


def answer(visit: Visit, f: Sheet, dataset: str, by: Caller) -> bool:
    """Keep what a posted form says of a column. False, with what is wrong on the sheet, when it cannot be kept."""
    _, column = visit._, f.value("column")
    here = mark_of(column)
    said = f.choice("answer", ("yes", "no"), "")
    if not said:
        f.errors[-1] = (here, _("Choose one of the two answers."))
        return False
    reason = f.text("reason", answers.MOST_WORDS) if said == "no" else ""
    if said == "no" and not answers.is_reason(reason):
        f.wrong(here, _("The reason is too short. Say in a sentence why."))
    if f.errors:
        return False
    try:
        if said == "yes":
            made = answers.Answer(column, f.value("role"), f.value("kind"), f.value("concept"))
        else:
            made = answers.Answer(column, reason=reason)
        visit.site.desk.answer(dataset, made, by)
    except (BadForm, Conflict, ContractError) as error:
        f.wrong(here, f"{error.met} {error.todo or ''}".strip(), 400 if isinstance(error, BadForm) else 409)
        return False
    return True


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
