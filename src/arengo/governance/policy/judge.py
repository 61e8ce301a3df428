"""Who may read what: the contract, the agreement, then the city's and the owner's policies, in this order."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from arengo.contract.model import Contract
from arengo.governance.caller import ANYONE, ASSURANCE, Caller
from arengo.governance.decision import Decision, Mask, fingerprint
from arengo.governance.hierarchy import Hierarchies
from arengo.governance.owner import owner_of
from arengo.governance.policy import schema
from arengo.governance.policy.ground import Accords, Ground, NoAccords, ground
from arengo.governance.policy.mask import HIDE, misfit, together
from arengo.governance.policy.weigh import Explanation, weigh, with_masks

if TYPE_CHECKING:
    from arengo.governance.policy.book import Answers, Book, Slice
    from arengo.settings import Settings
    from arengo.state import State

REMEMBERED = 20_000
SLICES = 2_000

_Key = tuple[object, ...]


class Offices(Protocol):
    """What is asked of :class:`arengo.governance.party.Parties`: organisations by id, each with its ``parent``."""

    def organisations(self) -> Mapping[str, Any]: ...


def _now() -> datetime:
    return datetime.now(UTC)


class CityJudge:
    """Implements :class:`arengo.governance.decision.Judge`. Thread-safe, one a process.

    ``agreements``: whoever knows them; ``parties``: whoever knows which office is part of which; ``book``: other
    policies than those in force, to try them. A decision is remembered until the state's generation counts up (a
    suspension, a new policy or contract), until it expires, or until the clock goes back behind it.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        agreements: Accords | None = None,
        parties: Offices | None = None,
        now: Callable[[], datetime] = _now,
        book: Book | None = None,
        rows: Callable[[Contract, str], frozenset[str]] = lambda contract, text: frozenset(),
    ) -> None:
        self._rows = rows
        self._agreements: Accords = agreements or NoAccords()
        self._parties = parties
        self._state = state
        self._now = now
        self._hierarchies = Hierarchies(settings, state)
        self._zone = ZoneInfo(settings.city.timezone)
        self._guard = threading.Lock()
        self._generation = -1
        self._kept: OrderedDict[_Key, tuple[datetime, Decision]] = OrderedDict()
        self._fixed = book
        self._book: Book | None = None
        self._slices: OrderedDict[_Key, tuple[Slice, Any]] = OrderedDict()

    # Deciding

    def decide(self, contract: Contract, columns: Sequence[str], caller: Caller) -> Decision:
        """The decision on one dataset. ``columns``: names the version holds; hidden ones (``_row``) never granted."""
        now = self._now()
        key = (
            contract.text, contract.id, contract.access, tuple(columns), caller.party, caller.organisation,
            caller.application, caller.roles, caller.assurance, caller.purpose, caller.agreement, caller.zone,
        )  # fmt: skip
        generation = self._state.generation()
        with self._guard:
            if generation != self._generation:
                self._kept.clear()
                self._generation = generation
                self._book = None
            held = self._kept.get(key)
        if held is not None:
            since, decision = held
            if since <= now and (decision.expires is None or now < decision.expires):
                return decision
        decision = self.explain(contract, columns, caller, at=now).decision
        with self._guard:
            if generation == self._generation:
                self._kept[key] = (now, decision)
                while len(self._kept) > REMEMBERED:
                    self._kept.popitem(last=False)
        return decision

    def explain(
        self, contract: Contract, columns: Sequence[str], caller: Caller, at: datetime | None = None
    ) -> Explanation:
        """The decision with what every column shows and why. ``at``: another moment than now."""
        now = at or self._now()
        names = tuple(name for name in columns if not name.startswith("_"))
        base = ground(contract, frozenset(names), caller, self._agreements, now)
        if base.kind == "city":
            return weigh(names, base)
        part, held = self.slice(contract, names)
        if part.empty:
            return self._grouped(weigh(names, base))
        answers = self._ask(contract, part, held, base, caller, now)
        stranger = not (caller.party or caller.application)
        made = weigh(names, base, answers, stranger=stranger, looks=lambda text: self._rows(contract, text))
        if made.decision.masks != base.masks:
            made = with_masks(made, self.fit(contract, made.decision.masks, base.masks))
        made = self._grouped(made)
        until = part.holds_until(now.astimezone(self._zone))
        if until is not None:
            earliest = min(until.astimezone(UTC), made.decision.expires or until)
            made = replace(made, decision=replace(made.decision, expires=earliest))
        if base.kind == "open" and made.decision.allowed:
            made = replace(made, decision=self._published(contract, columns, caller, made.decision, now))
        if not made.decision.allowed and any("assurance" in item.looks for item in answers.read.forbids):
            made = replace(made, decision=self._step_up(contract, columns, caller, made.decision, now))
        return made

    def _ask(self, contract: Contract, part: Slice, held: Any, base: Ground, caller: Caller, now: datetime) -> Answers:
        kind, name = schema.principal(caller)
        entities = held.with_added_json_str(schema.asker(caller, self.offices(caller.organisation)))
        about = {"id": base.agreement, "state": base.state, "plan": base.plan}
        purpose = self.purpose(contract, base.purpose) if base.purpose else schema.purpose_of(contract, caller.purpose)
        context = schema.circumstances(caller, purpose, about, now.astimezone(self._zone))
        return part.ask({"type": kind, "id": name}, context, entities)

    def fit(
        self, contract: Contract, masks: tuple[tuple[str, Mask], ...], agreed: tuple[tuple[str, Mask], ...] = ()
    ) -> tuple[tuple[str, Mask], ...]:
        """Masks of policies put together with those ``agreed``; one that a column cannot carry hides it."""
        out: list[tuple[str, Mask]] = []
        for name in dict.fromkeys(name for name, _ in masks):
            mine = [mask for column, mask in masks if column == name]
            if mine != [mask for column, mask in agreed if column == name]:
                declared = contract.column(name)
                sound = declared is None or not any(misfit(mask, declared.kind) for mask in mine)
                mine = list(together(mine, self._place)) if sound else [HIDE]
            out += [(name, mask) for mask in mine]
        return tuple(out)

    def _place(self, name: str, level: str) -> int:
        return self._hierarchies.get(name).place(level)

    def _grouped(self, made: Explanation) -> Explanation:
        """What is shown by groups of a hierarchy changes with the hierarchy."""
        arguments = {mask.argument for _, mask in made.decision.masks if mask.kind == "generalise"}
        names = {argument.partition(":")[0] for argument in arguments if ":" in argument}
        if not names:
            return made
        marks = self._hierarchies.marks()
        mark = fingerprint(made.decision.fingerprint, *(f"{name}:{marks.get(name)}" for name in sorted(names)))
        return replace(made, decision=replace(made.decision, fingerprint=mark))

    def _published(
        self, contract: Contract, columns: Sequence[str], caller: Caller, mine: Decision, now: datetime
    ) -> Decision:
        """Open data is public as long as a stranger is shown the same."""
        if caller != ANYONE:
            theirs = self.explain(contract, columns, ANYONE, at=now).decision
            if not theirs.allowed or theirs.fingerprint != mine.fingerprint:
                return replace(mine, public=False)
        return mine

    def _step_up(
        self, contract: Contract, columns: Sequence[str], caller: Caller, mine: Decision, now: datetime
    ) -> Decision:
        """Say so when a surer login would be enough."""
        for level in range(caller.assurance + 1, len(ASSURANCE)):
            if self.explain(contract, columns, replace(caller, assurance=level), at=now).decision.allowed:
                todo = f"Sign in with the level of assurance {ASSURANCE[level]!r} or higher, then ask again."
                return replace(mine, todo=todo)
        return mine

    # What is known

    @property
    def book(self) -> Book:
        """The policies it decides by."""
        from arengo.governance.policy.force import in_force

        if self._fixed is not None:
            return self._fixed
        generation = self._state.generation()
        with self._guard:
            if generation != self._generation:
                self._kept.clear()
                self._generation = generation
                self._book = None
            known = self._book
        if known is None:
            known = in_force(self._state)
            with self._guard:
                if generation == self._generation:
                    if self._book is None:
                        self._slices.clear()
                    self._book = known
        return known

    def slice(self, contract: Contract, names: tuple[str, ...]) -> tuple[Slice, Any]:
        """The policies that could apply to a dataset, and the dataset as Cedar's entities (None without policies)."""
        book = self.book
        key = (contract.text, contract.id, contract.access, names, book.fingerprint)
        with self._guard:
            found = self._slices.get(key)
        if found is None:
            offices = self.offices(owner_of(contract))
            dataset, columns = schema.things(contract, names, offices)
            part = book.slice(dataset, columns)
            entities = None
            if not part.empty:
                import cedarpy

                entities = cedarpy.Entities.from_json_str(schema.entities(dataset, columns, offices))
            found = (part, entities)
            with self._guard:
                self._slices[key] = found
                while len(self._slices) > SLICES:
                    self._slices.popitem(last=False)
        return found

    def offices(self, organisation: str) -> tuple[str, ...]:
        """An organisation and those it is part of, nearest first."""
        out: dict[str, None] = {}
        known = self._parties.organisations() if self._parties is not None else {}
        while organisation and organisation not in out:
            out[organisation] = None
            organisation = getattr(known.get(organisation), "parent", "")
        return tuple(out)

    def ground(self, contract: Contract, names: Sequence[str], caller: Caller) -> Ground:
        """Why somebody may read, before any policy is asked."""
        return ground(contract, frozenset(names), caller, self._agreements, self._now())

    def local(self) -> datetime:
        """Now, in the city's time zone."""
        return self._now().astimezone(self._zone)

    def purpose(self, contract: Contract, id: str) -> schema.Purpose:
        """What was agreed about a purpose, otherwise what the contract says of it."""
        purposes = getattr(self._agreements, "purposes", None)
        found = purposes.find(id) if id and purposes is not None else None
        if found is not None:
            return schema.Purpose(id, found.dpv, found.legal_basis)
        return schema.purpose_of(contract, id)
