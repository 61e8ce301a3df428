"""The privacy desk: what the gate holds back, and what people do about it.

A verdict of *review* is approved by one person of the owner; anything worse is published only when a repair is taken
into the contract, or when two different people override it with their reasons. Every step is on record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.contract.document import parse
from arengo.contract.write import remove, set_property
from arengo.errors import BadForm, Conflict, ContractError, NotAllowed, NotFound
from arengo.governance.owner import owner_of
from arengo.governance.role import OPERATOR
from arengo.privacy.verdict import DECLARE, Repair
from arengo.privacy.verdicts import (
    APPROVE,
    DECLINED,
    GIVEN,
    HELD,
    OVERRIDE,
    REPAIR,
    WAITING,
    Decision,
    Held,
    Verdicts,
)
from arengo.services.answer import Answer, answered
from arengo.services.stewardship import Proposal, Stewardship
from arengo.state import tables as t
from arengo.state.register import holds

if TYPE_CHECKING:
    from arengo.contract.model import Contract
    from arengo.governance import Caller
    from arengo.state import State

STEWARDS = ("steward", "publisher")
"""Who decides for an owner."""
SECONDS = ("steward", "publisher", "auditor")
"""Who may be the second person of an override."""
MOST_WORDS = 4_000


def untold(kind: str, **facts: object) -> None:
    """Nobody keeps a record."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A contract with a repair taken in. ``before`` and ``after``: size of a group -> persons in such groups."""

    text: str
    version: str
    repair: Repair
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exposing:
    """Versions of a dataset that show people and can still be read: ``older`` can be withdrawn; ``newest``, 0 when it
    shows nobody, only once there is a version after it."""

    older: tuple[int, ...]
    newest: int


class Desk:
    """``tell``: the record. ``publish``: starts a publication of a dataset and comes back at once. ``drop``: takes
    versions of a dataset from readers (dataset, numbers, time); those it took."""

    def __init__(
        self,
        state: State,
        contract: Callable[[str], Contract],
        tell: Callable[..., object] = untold,
        publish: Callable[[str], object] = lambda dataset: None,
        drop: Callable[[str, Sequence[int], datetime], tuple[int, ...]] = lambda dataset, numbers, at: (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.state = state
        self.verdicts = Verdicts(state)
        self._contract = contract
        self._tell = tell
        self._publish = publish
        self._drop = drop
        self._now = now

    # Looking

    def get(self, id: str) -> Held:
        """Raises NotFound."""
        return self.verdicts.get(id)

    def latest(self, dataset: str) -> Held | None:
        return self.verdicts.latest(dataset)

    def waiting(self, datasets: Iterable[str] | None = None) -> tuple[Held, ...]:
        """What is held back, newest first."""
        return self.verdicts.waiting(datasets)

    def history(self, dataset: str) -> tuple[Held, ...]:
        return self.verdicts.history(dataset)

    def decisions(self, dataset: str) -> tuple[Decision, ...]:
        return self.verdicts.decisions(dataset)

    def open_override(self, held: Held) -> Decision | None:
        """The override of a verdict that waits for its second person."""
        found = (item for item in self.decisions(held.dataset) if item.verdict == held.id and item.state == WAITING)
        return next(found, None)

    # Deciding

    def approve(self, id: str, by: Caller, reason: str) -> Decision:
        """A steward looked at a review and lets it pass. Raises NotAllowed, Conflict, BadForm."""
        held = self._open(id)
        self._may(by, held.dataset, STEWARDS)
        if held.outcome != "review":
            raise Conflict(
                "This publication needs a repair, or the word of two people; one cannot let it pass.",
                todo="Take one of the repairs, or ask for an override.",
            )
        made = self.verdicts.decide(held, APPROVE, GIVEN, by.party, _reason(reason), self._now())
        self._recorded("gate approve", held, by, made)
        self._publish(held.dataset)
        return made

    def override(self, id: str, by: Caller, reason: str) -> Decision:
        """The first of two people asks that it be published all the same. Nothing is published yet."""
        held = self._open(id)
        self._may(by, held.dataset, STEWARDS)
        if self.open_override(held) is not None:
            raise Conflict("An override of this publication waits for its second person already.")
        made = self.verdicts.decide(held, OVERRIDE, WAITING, by.party, _reason(reason), self._now())
        self._recorded("gate override asked", held, by, made)
        return made

    def confirm(self, decision: str, by: Caller, reason: str) -> Decision:
        """The second person's yes. Raises NotAllowed for the first one."""
        held, waits = self._waits(decision, by)
        made = self.verdicts.second(waits.id, GIVEN, by.party, _reason(reason), self._now())
        self._recorded("gate override given", held, by, made)
        self._publish(held.dataset)
        return made

    def decline(self, decision: str, by: Caller, reason: str) -> Decision:
        """The second person's no; the first may take it back like this, too."""
        waits = self.verdicts.decision(decision)
        held = self.get(waits.verdict)
        if by.party != waits.by or not by.party:
            self._may(by, held.dataset, SECONDS)
        made = self.verdicts.second(waits.id, DECLINED, by.party, _reason(reason), self._now())
        self._recorded("gate override declined", held, by, made)
        return made

    def _waits(self, decision: str, by: Caller) -> tuple[Held, Decision]:
        waits = self.verdicts.decision(decision)
        held = self.get(waits.verdict)
        if waits.kind != OVERRIDE or waits.state != WAITING:
            raise Conflict("This decision does not wait for anybody any more.")
        if by.party in ("", OPERATOR.party, waits.by):  # the city's key says nothing of who holds it
            raise NotAllowed(
                "You asked for this override; the second word is somebody else's."
                if by.party == waits.by
                else "The city's key cannot give the second word: it does not say who holds it.",
                todo="Ask another steward, or the data protection officer.",
            )
        self._may(by, held.dataset, SECONDS)
        if held.settled != HELD:
            raise Conflict("Another publication was judged meanwhile.", todo="Look at the newest verdict.")
        return held, waits

    # Repairing

    def mended(self, id: str, repair: str) -> Mended:
        """The contract as it would be with a repair taken in, to look at. Raises NotFound, ContractError."""
        held = self.get(id)
        repairs = held.verdict.repairs
        found = next((item for item in repairs if item.id == repair), None)
        if found is None:  # its kind alone will do where there is one of it
            of_kind = [item for item in repairs if item.kind == repair]
            found = of_kind[0] if len(of_kind) == 1 else None
        if found is None:
            listed = ", ".join(item.id for item in repairs)
            raise NotFound(
                f"There is no repair {repair[:40]!r}.",
                todo=f"There are: {listed}." if listed else "This verdict has none; correct the contract.",
            )
        stewardship = Stewardship(self.state)
        current = stewardship.current(held.dataset)
        proposal = stewardship.propose(held.dataset, repaired(current.text, found))
        return Mended(proposal.text, proposal.version, found, tuple(item.sentence for item in proposal.differences))

    def repair(self, id: str, repair: str, by: Caller, reason: str = "") -> Contract:
        """Take a repair into the contract and publish again. Raises NotAllowed, Conflict, NotFound, ContractError."""
        held = self._open(id)
        self._may(by, held.dataset, STEWARDS)
        current = Stewardship(self.state).current(held.dataset)
        if current.sha != held.verdict.contract:
            raise Conflict(
                "The contract was changed since this verdict.", todo="Publish again; the gate looks at it anew."
            )
        made = self.mended(id, repair)
        contract = Stewardship(self.state).keep(held.dataset, made.text, current.sha)
        decision = self.verdicts.decide(
            held, REPAIR, GIVEN, by.party, reason.strip()[:MOST_WORDS] or f"repair {repair}", self._now()
        )
        self._recorded("gate repair", held, by, decision, {"repair": repair, "contract": contract.version})
        self._publish(held.dataset)
        return contract

    # Withdrawing

    def exposing(self, dataset: str) -> Exposing | None:
        """Versions that everybody can read and that show people, as the newest verdict says."""
        held = self.latest(dataset)
        named = held.verdict.exposing if held is not None else ()
        if not named:
            return None
        v = t.version.c
        with self.state.read() as connection:
            kept = set(connection.scalars(sa.select(v.number).where(v.dataset == dataset)))
        newest = max(kept, default=0)
        older = tuple(number for number in named if number in kept and number != newest)
        found = Exposing(older, newest if newest in named else 0)
        return found if found.older or found.newest else None

    def withdraw(self, dataset: str, numbers: Sequence[int], by: Caller, reason: str) -> tuple[int, ...]:
        """Take versions that are public from readers; the numbers that went. The newest stays: its readers lose it by
        a safer version after it, or when the contract closes the dataset. Whoever took a copy has it, so what it told
        stays in the publication ledger. Raises NotAllowed, BadForm, Conflict when nothing can go or a hold stands."""
        self._may(by, dataset, STEWARDS)
        said = _reason(reason)
        with self.state.read() as connection:
            hold = next(iter(holds(connection, dataset)), None)
        if hold is not None:
            raise Conflict(
                f"A legal hold keeps every version of {dataset}: {hold.reason}",
                todo="Close the dataset (arengoAccess: closed), or have the hold lifted.",
            )
        gone = self._drop(dataset, tuple(numbers), self._now())
        if not gone:
            raise Conflict(
                f"None of these versions of {dataset} can be withdrawn: they are gone already, or the newest.",
                todo="Publish a safer version first, or close the dataset (arengoAccess: closed).",
            )
        self._tell(
            "administration",
            actor=by.party,
            organisation=by.organisation,
            dataset=dataset,
            body={"act": "gate withdraw", "versions": list(gone), "reason": said},
        )
        return gone

    # Answering what was found in a column

    def proposed(self, dataset: str, answer: Answer) -> Proposal:
        """The contract as it would be with an answer in it. Raises NotFound, Conflict, ContractError, BadForm."""
        stewardship, newest = Stewardship(self.state), self.latest(dataset)
        text = answered(stewardship.current(dataset).text, answer, newest.verdict if newest else None)
        made = stewardship.propose(dataset, text)
        if not made.sound:
            raise ContractError(made.errors[0].message, todo=made.errors[0].todo)
        return made

    def answer(self, dataset: str, answer: Answer, by: Caller) -> Contract:
        """Keep what a steward says about a column, as the next version of the contract; nothing is published by it.

        Raises NotAllowed, NotFound, Conflict, ContractError.
        """
        self._may(by, dataset, STEWARDS)
        stewardship = Stewardship(self.state)
        base = stewardship.current(dataset)
        made = self.proposed(dataset, answer)
        contract = stewardship.keep(dataset, made.text, base.sha)
        self.told(dataset, answer, by, contract.version)
        return contract

    def told(self, dataset: str, answer: Answer, by: Caller, version: str) -> None:
        """Put an answer on record. ``version``: of the contract that holds it."""
        newest = self.latest(dataset)
        self._tell(
            "administration",
            actor=by.party,
            organisation=by.organisation,
            dataset=dataset,
            body={"act": answer.act, **answer.told, "contract": version, "verdict": newest.mark if newest else ""},
        )

    def stale(self, dataset: str) -> bool:
        """Whether the contract says something else than when the gate last looked."""
        newest = self.latest(dataset)
        return newest is not None and Stewardship(self.state).current(dataset).sha != newest.verdict.contract

    def again(self, dataset: str, by: Caller) -> None:
        """Publish, so that the gate looks at the contract as it is now. Raises NotAllowed."""
        self._may(by, dataset, STEWARDS)
        self._publish(dataset)

    # What they share

    def _open(self, id: str) -> Held:
        held = self.get(id)
        if held.settled != HELD:
            raise Conflict("This publication is not held back any more.", todo="Look at the newest verdict.")
        return held

    def _may(self, by: Caller, dataset: str, roles: tuple[str, ...]) -> None:
        owner = owner_of(self._contract(dataset))
        if by == OPERATOR or (by.party and any(by.has(role, owner) for role in roles)):
            return
        raise NotAllowed(
            f"Only the people of {owner or 'the owner'} decide about what the gate holds back.",
            todo=f"Ask somebody who is {' or '.join(roles)} there.",
        )

    def _recorded(
        self, act: str, held: Held, by: Caller, decision: Decision, more: Mapping[str, Any] | None = None
    ) -> None:
        self._tell(
            "administration",
            actor=by.party,
            organisation=by.organisation,
            dataset=held.dataset,
            body={
                "act": act, "verdict": held.mark, "outcome": held.outcome, "reason": decision.second_reason
                or decision.reason, "decision": decision.id, **(more or {}),
            },
        )  # fmt: skip


def repaired(text: str, repair: Repair) -> str:
    """The contract's text with a repair's steps in it; other columns keep what they have."""
    for column, steps in repair.columns.items():
        text = set_property(text, "arengoProtect", _plain(steps), column)
        text = _without_examples(text, column)
    if repair.kind == DECLARE:
        text = set_property(text, "arengoCells", _plain(repair.facts["cells"]))
    if repair.contract:
        text = set_property(text, "arengoProtection", _plain(repair.contract))
    return text


def _without_examples(text: str, column: str) -> str:
    """A column that is protected has no examples: they are raw values."""
    columns = parse(text).data["schema"][0]["properties"]
    number = next((number for number, item in enumerate(columns) if item.get("name") == column), None)
    return text if number is None else remove(text, ("schema", 0, "properties", number, "examples"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _reason(text: str) -> str:
    said = " ".join(text.split())
    if len(said) < 10:
        raise BadForm("The reason is too short.", todo="Say in a sentence why this may be published.")
    return said[:MOST_WORDS]
