"""One processing activity: a dataset with personal data and one of its purposes, with all that Art. 30(1) asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from arengo.contract.model import Contract
from arengo.contract.period import versions_kept
from arengo.contract.persons import EEA
from arengo.contract.purpose import (
    Controller,
    Purpose,
    Recipient,
    data_subjects,
    longest,
    personal,
    purposes,
    special,
)
from arengo.contract.vocabulary import PERSONAL_KINDS
from arengo.settings import RegisterSettings
from arengo.state.register import Hold

GAPS = (
    "purpose", "basis", "special-basis", "retention", "necessity", "recipients", "address", "contact", "dpo",
    "authority",
)  # fmt: skip
"""What may be missing, the gravest first."""


@dataclass(frozen=True, slots=True)
class Reader:
    """An organisation that reads under an active agreement. ``purpose``: DPV term. ``hidden``: columns it sees blurred.
    No person is named."""

    organisation: str
    name: str
    purpose: str
    columns: tuple[str, ...]
    hidden: tuple[str, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class Activity:
    """``purpose``: None when an open dataset about persons names none. ``kinds``: kinds of personal data, in the order
    of the vocabulary ('other' where a column has a role only). ``special``: those of Art. 9. ``ages_from``: the column
    rows age from, ''. ``versions``: how long versions are kept, ISO 8601, '' for ever. ``approvers``: how many must
    agree before somebody may read (0: nobody is asked). ``source``: the kind of its source, ''. ``inputs``: datasets
    it is made of. ``gaps``: codes of :data:`GAPS`."""

    dataset: str
    contract: Contract
    purpose: Purpose | None
    controller: Controller
    subjects: tuple[str, ...]
    kinds: tuple[str, ...]
    special: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    readers: tuple[Reader, ...]
    ages_from: str
    versions: str
    approvers: int
    source: str
    inputs: tuple[str, ...]
    hold: Hold | None
    updated: datetime | None
    gaps: tuple[str, ...]

    @property
    def id(self) -> str:
        """``dataset/purpose``: stable while both keep their ids."""
        return f"{self.dataset}/{self.purpose.id}" if self.purpose is not None else self.dataset

    @property
    def access(self) -> str:
        return self.contract.access

    @property
    def transfers(self) -> tuple[Recipient, ...]:
        """Recipients outside the European Economic Area (Art. 44)."""
        return tuple(item for item in self.recipients if item.country and item.country not in EEA)

    @property
    def bases(self) -> frozenset[str]:
        """Codes of its legal bases of Art. 6, without what follows the letter: ``A6-1-e``."""
        if self.purpose is None:
            return frozenset()
        return frozenset("-".join(item.code.split(":")[1].split("-")[:3]) for item in self.purpose.grounds("basis"))


def activities(
    contract: Contract,
    controller: Controller,
    settings: RegisterSettings,
    *,
    readers: tuple[Reader, ...] = (),
    inputs: tuple[str, ...] = (),
    hold: Hold | None = None,
    keep_days: int = 0,
    updated: datetime | None = None,
) -> tuple[Activity, ...]:
    """One for each purpose of a dataset about persons, one without a purpose when it names none; () for others."""
    columns = personal(contract)
    if not columns:
        return ()
    found = {str(column.custom.get("arengoPersonalKind", "")) or "other" for column in columns}
    told = special(contract)
    stated: tuple[Purpose | None, ...] = purposes(contract) or (None,)
    unfounded = bool(told) and not any(item is not None and item.grounds("special") for item in stated)
    # A limit of the contract, then the city's, then the longest any purpose needs.
    versions = versions_kept(contract.custom) or (f"P{keep_days}D" if keep_days else longest(contract))
    return tuple(
        Activity(
            dataset=contract.id,
            contract=contract,
            purpose=item,
            controller=controller,
            subjects=data_subjects(contract),
            kinds=_ordered(found),
            special=_ordered({str(column.custom["arengoPersonalKind"]) for column in told}),
            recipients=item.recipients if item is not None else (),
            readers=readers,
            ages_from=str(contract.custom.get("arengoRetentionFrom", "")),
            versions=versions,
            approvers=_approvers(contract),
            source=contract.source.kind if contract.source is not None else "",
            inputs=inputs,
            hold=hold,
            updated=updated,
            gaps=_gaps(item, controller, settings, unfounded),
        )
        for item in stated
    )


def _ordered(kinds: Iterable[str]) -> tuple[str, ...]:
    order = list(PERSONAL_KINDS)
    return tuple(sorted(kinds, key=lambda kind: order.index(kind) if kind in order else len(order)))


def _approvers(contract: Contract) -> int:
    if contract.access == "open":
        return 0
    levels = ("firstLevelApprovers", "secondLevelApprovers")
    return max((sum(bool(role.get(level)) for level in levels) for role in contract.roles), default=0) or 1


def _gaps(item: Purpose | None, controller: Controller, settings: RegisterSettings, unfounded: bool) -> tuple[str, ...]:
    lacks = {
        "purpose": item is None,
        "basis": item is None or not item.grounds("basis"),
        "special-basis": unfounded,
        "retention": item is None or not item.retention,
        "necessity": item is None or not item.necessity,
        "recipients": item is None or not item.recipients,
        "address": not controller.address,
        "contact": not controller.mail,
        "dpo": not (controller.dpo or controller.dpo_mail),
        "authority": not settings.authority,
    }
    return tuple(name for name in GAPS if lacks[name])
