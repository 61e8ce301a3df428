"""Deciding and viewing: what a caller may see of which version, and why; nothing of it is read here."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from arengo import __version__
from arengo.contract.model import Contract
from arengo.door import attendance
from arengo.door.answer import Encoded
from arengo.door.cache import Cache
from arengo.door.decision import CITY, Caller, Decision, Judge, refuse
from arengo.door.grant import cut_of
from arengo.door.tally import refuse_rows
from arengo.door.view import View, make_view
from arengo.errors import NotAllowed, PolicyError, UnknownVersion
from arengo.lake.version import Version
from arengo.privacy.mask import Context, Groups, secret_of
from arengo.privacy.statistics import Rule

if TYPE_CHECKING:
    from arengo.catalogue import Catalogue
    from arengo.lake import Lake
    from arengo.lake.cut import Cut
    from arengo.settings import Settings

MOST_HELD = 2048

_log = logging.getLogger(__name__)


class Views:
    """The views of every caller; those made are held until what readers may see changes. Thread-safe; one a door.

    ``judge`` decides who may read what; ``groups`` are the hierarchies masks name; ``cache`` keeps how many rows a
    cut has.
    """

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        lake: Lake,
        judge: Judge,
        groups: Groups | None,
        cache: Cache[Encoded],
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._lake = lake
        self._judge = judge
        self._groups = groups
        self._cache = cache
        self._held: dict[tuple[str, str, Caller], View] = {}
        self._generation = -1
        self._guard = threading.Lock()

    @cached_property
    def secret(self) -> bytes:
        """What pseudonyms are derived from."""
        return secret_of(self._settings.home)

    def decide(self, dataset: str, caller: Caller) -> Decision:
        """Whether ``caller`` may read, and why. Raises UnknownDataset."""
        return self._decide(self._catalogue.entry(dataset).contract, caller)

    def admit(self, dataset: str, caller: Caller) -> Decision:
        """The decision when it is yes. Raises NotAllowed with who decides, UnknownDataset."""
        return self._admit(self._catalogue.entry(dataset).contract, caller)

    def view(self, dataset: str, as_of: str, caller: Caller) -> View:
        """What ``caller`` may see of the version meant by ``as_of``; noted where a request is attended.

        Raises UnknownDataset, UnknownVersion, NotAllowed.
        """
        generation = self._catalogue.generation
        if generation != self._generation:
            with self._guard:
                self._held = {}
                self._generation = generation
        key = (dataset, as_of, caller)
        held = self._held.get(key)
        if held is not None and held.decision.expires is not None and held.decision.expires <= datetime.now(UTC):
            held = None
        if held is None:
            held = self._make(dataset, as_of, caller)
            if len(self._held) > MOST_HELD:
                self._held = {}
            self._held[key] = held
        if not held.decision.public and caller != CITY:
            attendance.note(held, caller)
        return held

    def _make(self, dataset: str, as_of: str, caller: Caller) -> View:
        entry = self._catalogue.entry(dataset)
        self._admit(entry.contract, caller)
        if entry.version is None:
            raise UnknownVersion(
                f"{dataset} has not been published yet.", todo="Try again after its first publication."
            )
        version = self._lake.resolve(dataset, as_of)
        contract = self._catalogue.contract(version)
        if version.number == entry.version.number and _same_shape(contract, entry.contract):
            contract = entry.contract  # corrected words are shown at once, not with the next publication
        standing = self._catalogue.standing(version)
        decision = self._decide(standing, caller, tuple(item.name for item in version.schema))
        if not decision.allowed:
            if standing.access != entry.contract.access:
                raise _not_yet(dataset, version)
            raise refuse(standing, decision, self._settings.city.contact)
        try:
            return self.granted(version, contract, decision)
        except PolicyError as error:  # it names columns; whoever reads by the rule need not know them
            _log.warning("What %s grants of %s cannot be made: %s", decision.rule, dataset, error)
            raise PolicyError(
                f"What {decision.rule} grants of {dataset} does not fit its data, so nothing is shown.",
                todo=f"Tell {entry.contract.owner or 'the city'}.",
            ) from None

    def granted(self, version: Version, contract: Contract, decision: Decision) -> View:
        """What ``decision`` grants of a version. Raises PolicyError when it does not fit the data."""
        names = {item.name for item in version.schema if not item.name.startswith("_")}
        cut, rows = None, version.rows
        if decision.partial or not names <= decision.columns or version.extra.get("vault"):
            context = Context(self.secret, decision.purpose, decision.recipient, self._groups)
            cut = cut_of(version, contract, decision, context)
            if cut is not None and cut.where:
                rows = self._rows_of(version, cut)
        return make_view(version, contract, decision, __version__, cut, rows)

    def _rows_of(self, version: Version, cut: Cut) -> int:
        key = f"rows {version.dataset} {version.number} {version.checksum} {cut.name}".encode()
        held = self._cache.get(key)
        if held is None:
            held = Encoded(b"", "", self._lake.count_cut(version, cut))
            self._cache.put(key, held)
        return held.matched or 0

    def _decide(self, contract: Contract, caller: Caller, columns: tuple[str, ...] | None = None) -> Decision:
        return self._judge.decide(contract, columns or tuple(item.name for item in contract.properties), caller)

    def _admit(self, contract: Contract, caller: Caller) -> Decision:
        decision = self._decide(contract, caller)
        if not decision.allowed:
            version = self._catalogue.opening(contract.id)
            if version is not None:
                raise _not_yet(contract.id, version)
            raise refuse(contract, decision, self._settings.city.contact)
        return decision

    def readable(self, dataset: str, caller: Caller) -> tuple[Version, ...]:
        """Retained versions that ``caller`` may read, newest first: without those made when it was not open."""
        return tuple(
            item
            for item in self._lake.versions(dataset)
            if self._decide(self._catalogue.standing(item), caller, tuple(part.name for part in item.schema)).allowed
        )

    def still(self, view: View, caller: Caller) -> None:
        """Raise NotAllowed when what was granted for ``view`` is not granted any more, or only less of it."""
        contract = self._catalogue.standing(view.stored)
        now = self._decide(contract, caller, tuple(item.name for item in view.stored.schema))
        if not now.allowed or now.fingerprint != view.decision.fingerprint:
            raise refuse(contract, now, self._settings.city.contact)

    def statistics(self, view: View, caller: Caller) -> Rule | None:
        """How groups of ``view`` are told where its contract opens its statistics and not its rows; None elsewhere.

        It is for everybody: whoever has an agreement reads what that grants.
        """
        if not view.decision.public or caller == CITY:
            return None
        return Rule.of(self._catalogue.standing(view.stored).custom)

    def rows_are_open(self, view: View, caller: Caller) -> None:
        """Raise NotAllowed when only the statistics of ``view`` are open to ``caller``."""
        if self.statistics(view, caller) is not None:
            raise refuse_rows(view.dataset)


def _not_yet(dataset: str, version: Version) -> NotAllowed:
    return NotAllowed(
        f"{dataset} {version.label} was made when the dataset was not open, and it was judged for few readers.",
        todo="The version of the first publication after it was opened is open.",
    )


def _same_shape(one: Contract, other: Contract) -> bool:
    """Whether two contracts of a dataset describe the same rows, whatever words they use."""
    if one is other:
        return True
    shapes = [[(item.name, item.kind, item.key_position) for item in contract.properties] for contract in (one, other)]
    return shapes[0] == shapes[1] and one.geometry == other.geometry
