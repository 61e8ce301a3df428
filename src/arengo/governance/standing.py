"""Whether an agreement still stands on the contract in force, or has to be asked for again.

An agreement was made about one text of a contract. When the text changes, three things can follow: it stands; it has
to be asked for again within a time of grace, since the dataset means something else or breaks its readers; it stops at
once, since going on would give out what nobody decided to give.
"""

from __future__ import annotations

from dataclasses import dataclass

from arengo.contract.breaking import Effect, compare, match
from arengo.contract.lint import SEMVER
from arengo.contract.model import Contract
from arengo.contract.purpose import personal, special
from arengo.governance.agreement import Agreement, masks_by_column
from arengo.governance.approval import PROTECTING
from arengo.governance.owner import owner_of

CLASSES = ("public", "internal", "confidential", "restricted", "secret")
"""Words for a column's classification, from what everybody may know to what few may."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``verdict``: stands, ask or stop. ``reasons``: in sentences."""

    verdict: str
    reasons: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return " ".join(self.reasons)


STANDS = Standing("stands")


def standing(old: Contract | None, new: Contract, agreement: Agreement) -> Standing:
    """``old``: the contract that was agreed on, None when its text is lost."""
    if old is None:
        return Standing("ask", ("The text of the contract that was agreed on is no longer there.",))
    if old.text == new.text:
        return STANDS
    if stop := _stops(old, new, agreement):
        return Standing("stop", tuple(stop))
    pairs, _ = match(old, new)
    named = {*agreement.columns, *(pairs[name].name for name in agreement.columns if name in pairs)}
    ask = [
        item.sentence
        for item in compare(old, new)
        if item.consumer is Effect.BREAKING and (not item.column or item.column in named)
    ]
    if owner_of(old) != owner_of(new):
        ask.insert(0, f"Another organisation answers for the dataset now: {new.owner}.")
    if not ask and _major(old.version) != _major(new.version):
        ask.append(f"The contract has version {new.version}, it was {old.version}.")
    return Standing("ask", tuple(ask)) if ask else STANDS


def _stops(old: Contract, new: Contract, agreement: Agreement) -> list[str]:
    found: list[str] = []
    if new.access == "closed" and old.access != "closed":
        found.append("The dataset is closed now.")
    masks = masks_by_column(agreement.masks)
    people = {column.name for column in personal(new)} - {column.name for column in personal(old)}
    sensitive = {column.name for column in special(new)} - {column.name for column in special(old)}
    for name in agreement.columns:
        before, after = old.column(name), new.column(name)
        if after is None:
            continue
        protected = any(mask.kind in PROTECTING for mask in masks.get(name, ()))
        if name in people and not protected:
            found.append(f"The column {name} tells about people now.")
        elif before is not None and _rank(after.classification) > _rank(before.classification):
            found.append(f"The column {name} is classified {after.classification} now.")
        elif name in sensitive:
            found.append(f"The column {name} is of a special category now.")
    return found


def _rank(word: str) -> int:
    """Higher is stricter; an unknown word is no change of rank from none."""
    return CLASSES.index(word.lower()) if word.lower() in CLASSES else 0


def _major(version: str) -> str:
    found = SEMVER.fullmatch(version)
    return found[1] if found else version
