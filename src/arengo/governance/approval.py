"""Who decides about a request, when nobody has to, and that a grant is never wider than what was asked.

The owner's stewards decide. Where the contract names approvers (ODCS ``roles[].firstLevelApprovers`` and
``secondLevelApprovers``) those do, and where personal data is concerned both levels have to agree. A role of the whole
city is not a steward of its departments: the platform can suspend, it cannot grant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from arengo.contract.model import Contract
from arengo.errors import BadForm, NotAllowed
from arengo.governance.agreement import Agreement, Terms, masks_by_column
from arengo.governance.caller import CITY_WIDE, ROLES, Caller
from arengo.governance.decision import MASKS, Mask
from arengo.governance.owner import owner_of
from arengo.governance.party import CITY_ID
from arengo.governance.plan import approval_rule, plan_of
from arengo.governance.purpose import personal_columns

PROTECTING = ("hide", "pseudonym")
"""Masks after which a column about people may be granted by a rule. The others keep as much as their argument lets
them, and the argument is the requester's."""
LONGEST_ROWS = 4000
_OBLIGATIONS, _OBLIGATION = 20, 500

Named = Callable[[str], Iterable[str]]
"""Id of a person -> how a contract may name them: e-mail address, then name; () for nobody who is known."""


@dataclass(frozen=True, slots=True)
class Level:
    """One approval that is needed. ``words``: whom the contract names, () for the owner's stewards."""

    number: int
    owner: str
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(self.words) or f"a steward of {self.owner}"

    def entitles(self, who: Caller, named: Named) -> bool:
        """Whether this person may give the approval by her own right."""
        if not who.party:
            return False
        if not self.words:
            return _is(who, "steward", self.owner)
        mail, *called = [text.casefold() for text in named(who.party)] or [""]
        called.append(who.party.casefold())
        for word in self.words:
            organisation, _, role = word.rpartition(":")
            if role in ROLES:
                if _is(who, role, organisation or self.owner):
                    return True
            elif word.casefold() in ([mail] if "@" in word else called):  # people choose what they are called
                return True
        return False


def _is(who: Caller, role: str, organisation: str) -> bool:
    """Whether she has the role there, in its own right: what holds for the whole city holds for the city's own only."""
    return (organisation, role) in who.roles or (organisation == CITY_ID and (CITY_WIDE, role) in who.roles)


def levels(contract: Contract, agreement: Agreement, personal: bool) -> tuple[Level, ...]:
    """The approvals a request needs, one or two. ``personal``: whether its purpose says that people are concerned."""
    owner = owner_of(contract)
    first, second = contract.approvers
    one = Level(1, owner, first)
    if second and (personal or personal_columns(contract, agreement.columns)):
        return (one, Level(2, owner, second))
    return (one,)


def steward(by: Caller, owner: str) -> bool:
    """Whether ``by`` decides for the owner: a person who is its steward."""
    return is_person(by) and _is(by, "steward", owner)


def member(by: Caller, organisation: str) -> bool:
    """Whether ``by`` is one of the organisation's own people."""
    own = by.organisation == organisation or any(held == organisation for held, _ in by.roles)
    return is_person(by) and bool(organisation) and own


def is_person(by: Caller) -> bool:
    """A program never decides and never asks, whatever its credential says."""
    return bool(by.party) and not by.application


def not_the_requester(who: Iterable[str], agreement: Agreement) -> None:
    """Raises NotAllowed when one of these persons wrote or sent the request."""
    if {agreement.drafted_by, agreement.requested_by} & {name for name in who if name}:
        raise NotAllowed(
            "You wrote or sent this request, so you do not decide about it.", todo="Another approver has to decide."
        )


# Narrowing


def columns_of(contract: Contract) -> tuple[str, ...]:
    """The columns that can be asked for: those of the contract, and the geometry made from two of them."""
    names = [column.name for column in contract.properties]
    if contract.geometry is not None and contract.geometry.derived:
        names.append(contract.geometry.column)
    return tuple(names)


def checked(contract: Contract, terms: Terms, *, longest: timedelta, rows: Callable[[Contract, str], object]) -> Terms:
    """Terms that make sense for a contract, columns in its order. Raises BadForm, saying which field.

    ``longest``: the longest term. ``rows``: raises for a row filter that cannot be read.
    """
    known = columns_of(contract)
    for name in terms.columns:
        if name not in known:
            raise BadForm(f"{contract.title()} has no column {name[:60]!r}.", todo="Choose from its columns.")
    columns = tuple(name for name in known if name in terms.columns)
    if not columns:
        raise BadForm("No column is asked for.", todo="Choose at least one.")
    for name, mask in terms.masks:
        if name not in columns:
            raise BadForm(f"There is a mask for {name[:60]!r}, which is not asked for.", todo="Take it out.")
        _mask(name, mask)
    plan = plan_of(contract, terms.plan)
    if terms.volume < 1:
        raise BadForm("The calls a day are not said.", todo="Say how often you will ask at most.")
    if terms.volume > plan.daily:
        raise BadForm(f"{terms.volume:,} calls a day are more than the plan {plan.id} gives ({plan.daily:,}).",
                      todo="Ask for fewer, or choose another plan.")  # fmt: skip
    if terms.valid_from.tzinfo is None or terms.valid_to.tzinfo is None:
        raise BadForm("The term has no time zone.", todo="Write times in UTC, like 2026-05-01T00:00:00Z.")
    if terms.valid_to <= terms.valid_from:
        raise BadForm("The term ends before it begins.", todo="Choose a later end.")
    if terms.valid_to - terms.valid_from > longest:
        raise BadForm(
            f"The term is longer than {longest.days:,} days.", todo="Choose an earlier end; it can be renewed."
        )
    if len(terms.rows) > LONGEST_ROWS:
        raise BadForm(f"The row filter has more than {LONGEST_ROWS:,} characters.", todo="Shorten it.")
    if terms.rows:
        rows(contract, terms.rows)
    if len(terms.obligations) > _OBLIGATIONS or any(not 0 < len(text) <= _OBLIGATION for text in terms.obligations):
        raise BadForm(f"Obligations are at most {_OBLIGATIONS} texts of at most {_OBLIGATION} characters.",
                      todo="Shorten them.")  # fmt: skip
    return replace(terms, columns=columns, plan=plan.id)


def _mask(name: str, mask: Mask) -> None:
    if mask.kind not in MASKS:
        raise BadForm(f"There is no mask {mask.kind[:40]!r}.", todo=f"Masks: {', '.join(MASKS)}.")
    if len(mask.argument) > 100:
        raise BadForm(f"The mask of {name} has a long argument.", todo="Shorten it.")
    problem = ""
    if mask.kind in ("hide", "pseudonym"):
        problem = "has no argument" if mask.argument else ""
    elif mask.kind == "truncate":
        problem = "" if mask.argument.isascii() and mask.argument.isdigit() and 0 < int(mask.argument) < 10_000 else (
            "needs how many characters are kept, such as 3")  # fmt: skip
    elif mask.kind == "generalise":
        problem = "" if mask.argument else "needs a hierarchy and level (NAME:LEVEL), a period or a width"
    else:
        try:
            value = float(mask.argument)
            sound = value == value and abs(value) != float("inf") and (mask.kind != "round" or value > 0)
        except ValueError:
            sound = False
        problem = "" if sound else "needs a number"
    if problem:
        raise BadForm(f"The mask '{mask.kind}' of {name} {problem}.", todo="Correct it.")


def narrowed(contract: Contract, most: Terms, wanted: Terms) -> Terms:
    """``wanted`` when it gives nothing that ``most`` does not. Raises BadForm.

    A row filter is added to the one that was asked for, so it can only take away.
    """
    extra = [name for name in wanted.columns if name not in most.columns]
    if extra:
        raise BadForm(f"The column {extra[0]} was not asked for.", todo="Grant what was asked for, or less.")
    before, after = masks_by_column(most.masks), masks_by_column(wanted.masks)
    for name in wanted.columns:
        kept, now = before.get(name, ()), after.get(name, ())
        if now[: len(kept)] != kept and not (now and now[0].kind == "hide"):
            raise BadForm(
                f"{name} was asked for with the mask '{kept[0]}'.", todo="Keep it; more can be added after it."
            )
    if plan_of(contract, wanted.plan).wider(plan_of(contract, most.plan)):
        raise BadForm(f"The plan {wanted.plan} gives more than {most.plan}.", todo="Choose the same or a smaller one.")
    if wanted.volume > most.volume:
        raise BadForm(f"{most.volume:,} calls a day were asked for.", todo="Grant as many or fewer.")
    if wanted.valid_from < most.valid_from or wanted.valid_to > most.valid_to:
        raise BadForm("The term is longer than what was asked for.", todo="Stay within it.")
    rows = most.rows
    if wanted.rows and wanted.rows != most.rows:
        rows = f"({most.rows}) AND ({wanted.rows})" if most.rows else wanted.rows
    duties = (*most.obligations, *(text for text in wanted.obligations if text not in most.obligations))
    return replace(wanted, rows=rows, obligations=duties)


# Without a person


def unmasked(contract: Contract, terms: Terms) -> tuple[str, ...]:
    """Columns about people asked for in a form that still tells them."""
    masks = masks_by_column(terms.masks)
    return tuple(
        name
        for name in personal_columns(contract, terms.columns)
        if not any(mask.kind in PROTECTING for mask in masks.get(name, ()))
    )


def by_rule(
    contract: Contract, terms: Terms, *, approvals: int, consumer: int, everybody: int, fits: bool, refused: bool,
    compared: tuple[str, ...] = (),
) -> tuple[bool, str]:  # fmt: skip
    """Whether the owner's declared rule grants a request by itself, and why or why not, in a sentence.

    ``approvals``: how many the request needs. ``consumer``, ``everybody``: daily calls granted so far under the same
    plan, to this organisation and to all. ``fits``: the purpose is one the contract states. ``refused``: the owner has
    said no to this organisation before. ``compared``: columns the row filter looks at, as they are and not masked.
    """
    rule, plan = approval_rule(contract), plan_of(contract, terms.plan)
    if rule == "manual":
        return False, "The owner decides each request."
    if told := unmasked(contract, terms):
        return False, f"{told[0]} tells about people and is asked for unmasked, so a person decides."
    if told := personal_columns(contract, compared):
        return False, f"{told[0]} tells about people and chooses the rows asked for, so a person decides."
    if approvals > 1:
        return False, "Two approvers have to agree."
    if not fits:
        return False, "The data tells about people, and its contract does not state this purpose, so a person decides."
    if refused:
        return False, "The owner has refused, suspended or revoked a request of this organisation, so a person decides."
    caps = ((plan.per_consumer, consumer, "one organisation"), (plan.total, everybody, "all together"))
    for cap, granted, whom in caps:
        if rule == "threshold" and not cap:
            return False, f"The plan {plan.id} declares no cap for {whom}, so a person decides."
        if cap and granted + terms.volume > cap:
            return False, (f"With {terms.volume:,} calls a day more, {whom} would have {granted + terms.volume:,}; the "
                           f"owner grants {cap:,} by rule.")  # fmt: skip
    return True, f"Granted by the owner's rule '{rule}'" + (
        f": {everybody + terms.volume:,} of {plan.total:,} calls a day." if plan.total else "."
    )


def named_nobody(person: str) -> Iterable[str]:
    """Where nobody knows people by name."""
    return ()
