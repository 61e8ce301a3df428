"""The privacy desk: what the gate holds back, and what people do about it.

A verdict of *review* is approved by one person of the owner; anything worse is published only when a repair is taken
into the contract, or when two different people override it with their reasons. Every step is on record.
"""

from __future__ import annotations

import logging
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.contract.document import parse
from arengo.contract.model import EMPTY
from arengo.contract.write import remove, set_property
from arengo.errors import ArengoError, BadForm, Conflict, ContractError, NotAllowed, NotFound
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
from arengo.state import parties
from arengo.state import tables as t
from arengo.state.register import holds

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from arengo.contract.model import Contract
    from arengo.governance import Caller
    from arengo.state import State

STEWARDS = ("steward", "publisher")
"""Who decides for an owner."""
SECONDS = ("steward", "publisher", "auditor")
"""Who may be the second person of an override."""
MOST_WORDS = 4_000
NOTE = "desk-note"
"""Kind of the state's saved records: what was decided and has yet to be put on record. It is written in the decision's
own transaction, so that a kill between the two loses neither."""
AFTER = timedelta(seconds=60)
"""A note that is older belongs to nobody who is at work."""
TURN = 30.0
"""Seconds that two processes wait for each other's note."""

_log = logging.getLogger(__name__)


def untold(kind: str, **facts: object) -> None:
    """Nobody keeps a record."""


def unknown(dataset: str, request: str) -> bool:
    """Nothing is known to be on record."""
    return False


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
    versions of a dataset from readers (dataset, numbers, time); those it took. ``recorded``: whether what was noted of
    a dataset is on record already (dataset, the note's id)."""

    def __init__(
        self,
        state: State,
        contract: Callable[[str], Contract],
        tell: Callable[..., object] = untold,
        publish: Callable[[str], object] = lambda dataset: None,
        drop: Callable[[str, Sequence[int], datetime], tuple[int, ...]] = lambda dataset, numbers, at: (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        recorded: Callable[[str, str], bool] = unknown,
    ) -> None:
        self.state = state
        self._recorded = recorded
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
        said = _reason(reason)
        note = self._note("gate approve", held, by, said)
        made = self.verdicts.decide(held, APPROVE, GIVEN, by.party, said, self._now(), self._keeping(note))
        self._tell_note(note.id)
        self._publish(held.dataset)
        return self.verdicts.decision(made)

    def override(self, id: str, by: Caller, reason: str) -> Decision:
        """The first of two people asks that it be published all the same. Nothing is published yet."""
        held = self._open(id)
        self._may(by, held.dataset, STEWARDS)
        said = _reason(reason)
        note = self._note("gate override asked", held, by, said)
        made = self.verdicts.decide(held, OVERRIDE, WAITING, by.party, said, self._now(), self._keeping(note))
        self._tell_note(note.id)
        return self.verdicts.decision(made)

    def confirm(self, decision: str, by: Caller, reason: str) -> Decision:
        """The second person's yes. Raises NotAllowed for the first one."""
        held, waits = self._waits(decision, by)
        said = _reason(reason)
        note = self._note("gate override given", held, by, said)
        made = self.verdicts.second(waits.id, GIVEN, by.party, said, self._now(), self._keeping(note))
        self._tell_note(note.id)
        self._publish(held.dataset)
        return made

    def decline(self, decision: str, by: Caller, reason: str) -> Decision:
        """The second person's no; the first may take it back like this, too."""
        waits = self.verdicts.decision(decision)
        held = self.get(waits.verdict)
        if by.party != waits.by or not by.party:
            self._may(by, held.dataset, SECONDS)
        said = _reason(reason)
        note = self._note("gate override declined", held, by, said)
        made = self.verdicts.second(waits.id, DECLINED, by.party, said, self._now(), self._keeping(note))
        self._tell_note(note.id)
        return made

    def _waits(self, decision: str, by: Caller) -> tuple[Held, Decision]:
        waits = self.verdicts.decision(decision)
        held = self.get(waits.verdict)
        if waits.kind != OVERRIDE or waits.state != WAITING:
            raise Conflict("This decision does not wait for anybody any more.")
        same = by.party == waits.by or self._one_mailbox(by.party, waits.by)
        if same or by.party in ("", OPERATOR.party):  # the city's key says nothing of who holds it
            raise NotAllowed(
                "You asked for this override; the second word is somebody else's."
                if same
                else "The city's key cannot give the second word: it does not say who holds it.",
                todo="Ask another steward, or the data protection officer.",
            )
        self._may(by, held.dataset, SECONDS)
        if held.settled != HELD:
            raise Conflict("Another publication was judged meanwhile.", todo="Look at the newest verdict.")
        return held, waits

    def _one_mailbox(self, one: str, other: str) -> bool:
        """Whether two accounts are read by one person: their addresses differ in a ``+tag`` or in spelling alone."""
        c = parties.person.c
        with self.state.read() as connection:
            mails = list(connection.scalars(sa.select(c.mail).where(c.id.in_((one, other)))))
        return len({_mailbox(mail) for mail in mails}) < len(mails)

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
        stewardship = Stewardship(self.state)
        if stewardship.current(held.dataset).sha != held.verdict.contract:
            raise _stale()
        made = self.mended(id, repair)
        said = reason.strip()[:MOST_WORDS] or f"repair {repair}"

        def also(connection: Connection, contract: Contract) -> None:
            more = {"repair": repair, "contract": contract.version}
            notes.append(self._note("gate repair", held, by, said, more))
            self.verdicts.decide(held, REPAIR, GIVEN, by.party, said, self._now(), self._keeping(notes[0]), connection)

        notes: list[Note] = []
        try:
            contract = stewardship.keep(held.dataset, made.text, held.verdict.contract, also)
        except ContractError as error:
            if stewardship.current(held.dataset).sha != held.verdict.contract:
                raise _stale() from error
            raise
        self._tell_note(notes[0].id)
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
        v = t.version.c
        with self.state.read() as connection:
            kept = set(connection.scalars(sa.select(v.number).where(v.dataset == dataset)))
        wanted = tuple(number for number in dict.fromkeys(numbers) if number in kept and number != max(kept))
        body = {"act": "gate withdraw", "versions": list(wanted), "reason": said}
        note = Note.of(dataset, by, body, self._now())
        with self.state.write() as writing:
            note.save(self.state, writing)
        gone = self._withdrawn(note.id) if wanted else ()
        if not gone:
            self.state.forget(NOTE, note.id)
            raise Conflict(
                f"None of these versions of {dataset} can be withdrawn: they are gone already, or the newest.",
                todo="Publish a safer version first, or close the dataset (arengoAccess: closed).",
            )
        return gone

    def _withdrawn(self, note: str) -> tuple[int, ...]:
        """Do what a note of a withdrawal says, all of it when a kill cut it off; the versions that are gone by it."""
        found = self.state.saved(NOTE, note)
        if not found:
            return ()
        dataset, numbers = str(found[0].title), [int(item) for item in found[0].body["body"]["versions"]]
        self._drop(dataset, tuple(numbers), self._now())
        v = t.version.c
        with self.state.read() as connection:
            kept = set(connection.scalars(sa.select(v.number).where(v.dataset == dataset)))
        gone = tuple(number for number in numbers if number not in kept)
        if gone:
            self._tell_note(note, {"versions": list(gone)})
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
        note = Note.of(dataset, by, self._answered(dataset, answer, made.version), self._now())
        contract = stewardship.keep(
            dataset, made.text, base.sha, lambda connection, _: note.save(self.state, connection)
        )
        self._tell_note(note.id)
        return contract

    def told(self, dataset: str, answer: Answer, by: Caller, version: str) -> None:
        """Put an answer on record. ``version``: of the contract that holds it."""
        body = self._answered(dataset, answer, version)
        self._tell("administration", actor=by.party, organisation=by.organisation, dataset=dataset, body=body)

    def _answered(self, dataset: str, answer: Answer, version: str) -> dict[str, Any]:
        newest = self.latest(dataset)
        return {"act": answer.act, **answer.told, "contract": version, "verdict": newest.mark if newest else ""}

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

    def _note(self, act: str, held: Held, by: Caller, reason: str, more: Mapping[str, Any] = EMPTY) -> Note:
        body = {"act": act, "verdict": held.mark, "outcome": held.outcome, "reason": reason, **more}
        return Note.of(held.dataset, by, body, self._now())

    def _keeping(self, note: Note) -> Callable[[Connection, str], None]:
        """What keeps a note in the transaction of its decision."""
        return lambda connection, decision: note.save(self.state, connection, decision=decision)

    def _tell_note(self, id: str, more: Mapping[str, Any] = EMPTY, cut: bool = False) -> None:
        """Put what was noted on record, once. ``cut``: who noted it may have been killed after it was on record."""
        with self.state.hold(f"desk {id}", wait=TURN):
            found = self.state.saved(NOTE, id)
            if not found:
                return
            told = found[0].body
            dataset = str(found[0].title)
            if not (cut and self._recorded(dataset, id)):
                self._tell(
                    "administration", actor=told["actor"], organisation=told["organisation"], dataset=dataset,
                    body={**told["body"], **more, "request": id},
                )  # fmt: skip
            self.state.forget(NOTE, id)

    def turn(self) -> None:
        """Put on record what was decided when a kill came between; a withdrawal that was cut off is gone on with."""
        for item in self.state.saved(NOTE):
            if self._now() - item.updated_at < AFTER:
                continue
            try:
                if item.body["body"]["act"] != "gate withdraw" or self._recorded(item.title, item.id):
                    self._tell_note(item.id, cut=True)
                elif not self._withdrawn(item.id):
                    self.state.forget(NOTE, item.id)
            except ArengoError as error:  # it is tried again; other work does not wait for it
                _log.warning("A decision about %s is not on record yet: %s", item.title, error)


@dataclass(frozen=True, slots=True)
class Note:
    """What goes on record of a decision. ``body``: of the entry."""

    id: str
    dataset: str
    actor: str
    organisation: str
    body: Mapping[str, Any]
    at: datetime

    @classmethod
    def of(cls, dataset: str, by: Caller, body: Mapping[str, Any], at: datetime) -> Note:
        return cls(secrets.token_hex(8), dataset, by.party, by.organisation, body, at)

    def save(self, state: State, within: Connection, **more: str) -> None:
        told = {"actor": self.actor, "organisation": self.organisation, "body": {**self.body, **more}}
        state.save(NOTE, self.id, self.dataset, told, self.at, within=within)


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


def _mailbox(mail: str) -> str:
    """Where letters to an address arrive (RFC 5233 calls what follows the + a detail of the same mailbox)."""
    name, _, host = unicodedata.normalize("NFKC", mail).casefold().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"


def _stale() -> Conflict:
    return Conflict("The contract was changed since this verdict.", todo="Publish again; the gate looks at it anew.")


def _reason(text: str) -> str:
    said = " ".join(text.split())
    if len(said) < 10:
        raise BadForm("The reason is too short.", todo="Say in a sentence why this may be published.")
    return said[:MOST_WORDS]
