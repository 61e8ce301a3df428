"""Enactment: what the city folder says comes into force, and what was edited in the portal goes back into it.

Contracts and, with them, policies, hierarchies, populations and attackers. The plan is shown before the act, and acting
twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from arengo.contract import Contract, compare, loads, sha, version_gap
from arengo.governance.owner import owner_of
from arengo.services.stewardship import EDIT, edits

if TYPE_CHECKING:
    from arengo.contract.folder import Folder
    from arengo.governance.policy.force import Policies
    from arengo.ledger import Ledger
    from arengo.settings import Settings
    from arengo.state import State
    from arengo.state.records import ContractRecord


@dataclass(frozen=True, slots=True)
class PlanItem:
    """What ``apply`` would do with one contract: add, change, same, retire or (it cannot) invalid; and for whom.

    ``edited``: it was edited in the portal and the folder has not got it yet; ``conflict``: the folder's file was
    changed too. Both stay as they are in the portal.
    """

    dataset: str
    action: str
    before: str
    after: str
    sentences: tuple[str, ...] = ()
    breaking: bool = False


class Enactment:
    """``policies``, ``ledger``: asked for when they are needed; a plan needs neither."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        folder: Folder,
        policies: Callable[[], Policies],
        ledger: Callable[[], Ledger],
    ) -> None:
        self._root = settings.root
        self._state = state
        self._folder = folder
        self._policies = policies
        self._ledger = ledger

    def plan(self, datasets: Sequence[str] = ()) -> list[PlanItem]:
        """What ``apply`` would change, without changing it. A contract that cannot be used is ``invalid``.

        With ``datasets`` only those, and none is retired.
        """
        only = set(datasets)
        held = {name: self.loaded(item) for name, item in self._state.contracts().items()}
        good, bad = self._folder.read()
        edited = edits(self._state)
        items: list[PlanItem] = []
        for name, error in bad.items():
            old = held.pop(name, None)
            items.append(PlanItem(name, "invalid", old.version if old else "", "", (str(error),)))
        for name, contract in good.items():
            old = held.pop(name, None)
            if old is None:
                items.append(PlanItem(name, "add", "", contract.version, ("A new dataset.",)))
            elif old.text == contract.text:
                items.append(PlanItem(name, "same", old.version, contract.version))
            elif name in edited and edited[name]["sha"] == sha(old):
                items.append(_edited(old, contract, untouched=edited[name]["folder"] == sha(contract)))
            else:
                found = compare(old, contract)
                gap = version_gap(old, contract)
                sentences = tuple(item.sentence for item in found) or ("Only words change, no reader is affected.",)
                items.append(
                    PlanItem(
                        name,
                        "change",
                        old.version,
                        contract.version,
                        (*sentences, gap) if gap else sentences,
                        any("breaking" in (item.consumer, item.producer) for item in found),
                    )
                )
        items += [
            PlanItem(name, "retire", old.version, "", ("Its contract is no longer in the folder.",))
            for name, old in held.items()
        ]
        return [item for item in items if not only or (item.dataset in only and item.action != "retire")]

    def apply(self, datasets: Sequence[str] = (), *, folder_wins: bool = False) -> list[PlanItem]:
        """Bring the running city to what the folder says. Applying twice changes nothing.

        With ``datasets`` only those are applied and none is retired. Versions of a retired dataset are kept. Without,
        and the first time, policies and hierarchies come into force too; PolicyError for one that says nothing here.
        ``folder_wins``: what was edited in the portal gives way to the folder.
        """
        rules = not datasets or not self._policies().ever  # nothing is ever in force without its rules
        if rules:
            self._check_rules()
        if folder_wins:
            for name in set(datasets) or set(edits(self._state)):
                self._state.forget(EDIT, name)
        plan = self.plan(datasets)
        contracts, _ = self._folder.read()
        now = datetime.now(UTC)
        for item in plan:
            if item.action in ("add", "change"):
                contract = contracts[item.dataset]
                relative = contract.path.relative_to(self._root) if contract.path else None
                mark = sha(contract)
                self._state.put_contract(
                    contract.id,
                    version=contract.version,
                    sha=mark,
                    text=contract.text,
                    path=str(relative or ""),
                    at=now,
                )
                self._contracted(item, owner_of(contract), mark, contract.access)
            elif item.action == "retire":
                self._state.retire(item.dataset, now)
                self._contracted(item, "", "", "")
        if rules:
            self.enforce()
        else:
            self._people()  # they only add to what is judged, so no answer changes by them
        return plan

    def _check_rules(self) -> None:
        """Raise PolicyError for a policy, hierarchy or population that says nothing here."""
        from arengo.privacy import hierarchy, population

        self._policies().check().refuse()
        hierarchy.folder(self._root)
        population.check(population.folder(self._root))

    def enforce(self) -> None:
        """Bring policies, hierarchies, populations and attackers of the folder into force."""
        from arengo.privacy import hierarchy

        root, now = self._root, datetime.now(UTC)
        built = hierarchy.folder(root)
        self._policies().apply()
        changed = [f"hierarchy {name}" for name in hierarchy.take(self._state, built, now)]
        if changed:
            self._ledger().tell("policy", actor="operator", body={"act": "privacy rules", "changed": changed})
        self._people()

    def _people(self) -> None:
        """Bring populations and attackers of ``privacy.toml`` into force."""
        from arengo.privacy import population

        if population.take(self._state, population.folder(self._root), datetime.now(UTC)):
            self._ledger().tell("policy", actor="operator", body={"act": "privacy rules", "changed": [population.FILE]})

    def _contracted(self, item: PlanItem, owner: str, mark: str, access: str) -> None:
        """A contract that came into force or left it, on record."""
        body = {"act": f"contract {item.action}", "contract": item.after or item.before, "sha": mark, "access": access}
        self._ledger().tell("administration", actor="operator", organisation=owner, dataset=item.dataset, body=body)

    def loaded(self, item: ContractRecord) -> Contract:
        """A contract in force."""
        return loads(item.text, path=self._root / item.path if item.path else None, base=self._root)

    def registered(self, dataset: str) -> Contract:
        """The contract in force of a dataset. Raises KeyError when it has none."""
        return self.loaded(self._state.contracts()[dataset])

    def write_back(self) -> list[Path]:
        """Write every contract in force whose text differs from the folder's into the folder, which then has what was
        edited in the portal too: what is changed there next is no conflict with it."""
        written, edited = [], edits(self._state)
        for name, item in self._state.contracts().items():
            target = self._root / (item.path or f"contracts/{name}.odcs.yaml")
            if not target.is_file() or target.read_text(encoding="utf-8") != item.text:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(item.text, encoding="utf-8")
                written.append(target)
            if name in edited:
                self._state.forget(EDIT, name)
        return written


def _edited(held: Contract, folder: Contract, *, untouched: bool) -> PlanItem:
    if untouched:
        told = "It was edited in the portal; 'arengo export --contracts' writes it into the folder."
        return PlanItem(held.id, "edited", held.version, held.version, (told,))
    words = (
        "It was changed in the folder and edited in the portal; the portal's version stays in force.",
        "'arengo export --contracts' takes the portal's, 'arengo apply --folder-wins' the folder's.",
    )
    return PlanItem(held.id, "conflict", held.version, folder.version, words)
