"""What a recipient could put together: the rows an agreement would give, with all it reads already and what is public.

The gate judges what everybody gets. What one organisation gets by agreements is decided by people, who see here what no
single request shows: how many persons come out of a group that kept them hidden, when this grant is laid beside the
recipient's other grants and the publications about the same population (privacy.md, section 3, step 0: "every access
grant to the same recipient"). It is the joint refinement of the gate, with the masks of each agreement applied.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract, Kind
from arengo.door.grant import cut_of
from arengo.errors import ArengoError, UnknownDataset
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.decision import Decision, Mask, fingerprint
from arengo.lake.cut import SUBJECT, Shown
from arengo.lake.cut import rows as rows_of
from arengo.lake.engine import job
from arengo.lake.layout import quote
from arengo.lake.version import Column
from arengo.privacy.declared import population_of, release_of
from arengo.privacy.mask import Context, secret_of
from arengo.privacy.population import EVERYBODY, Populations, blind_sql, subject_of
from arengo.services import delivered

if TYPE_CHECKING:
    import duckdb

    from arengo.governance.hierarchy import Hierarchies
    from arengo.governance.procedure import Agreements
    from arengo.lake.store import Lake
    from arengo.lake.version import Version
    from arengo.ledger import Ledger
    from arengo.privacy.case import Case
    from arengo.privacy.release import Release
    from arengo.settings import Settings
    from arengo.state import State

VERSIONS = 24
"""Versions given under one agreement that are laid beside it, the newest."""
_NOT_COMPARED = frozenset(
    {"overlap-no-population", "overlap-unknown-population", "overlap-unlinked", "overlap-rows-gone"}
)
"""Findings of the joint refinement that say what it could not lay beside each other."""
_UNSEEN = frozenset({"hide", "pseudonym"})
_HELD = ("active", "suspended")
_PAST = ("expired", "revoked", "superseded")


@dataclass(frozen=True, slots=True)
class Together:
    """What a grant makes of its persons beside everything else its recipient holds.

    ``people`` come into a group smaller than ``k`` that were in one of at least ``k`` before; ``alone`` of them stand
    alone. ``agreements`` and ``public`` (dataset and version) take part, the costliest first. ``columns``: of the
    grant, the costliest first. ``named``: columns that name persons by themselves; then nothing was measured.
    ``unseen``: what could not be compared. ``given``: of what takes part the versions that the recipient has from
    earlier, as agreement and version. ``readers``: the other organisations that are taken as one reader with it,
    :data:`EVERYBODY` for all; ``profiles``: those of ``privacy.toml`` that say so, in its text ``rules`` (SHA-256).
    """

    population: str
    k: int = 0
    people: int = 0
    alone: int = 0
    agreements: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    rules: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the record: counts and names, never a person."""
        listed = {"agreements": self.agreements, "public": self.public, "columns": self.columns,
                  "named": self.named, "unseen": self.unseen, "given": self.given, "readers": self.readers,
                  "profiles": self.profiles}  # fmt: skip
        told = {"population": self.population, "k": self.k, "people": self.people, "alone": self.alone}
        if self.profiles:
            told["rules"] = self.rules
        return told | {name: list(values) for name, values in listed.items() if values}


@dataclass(frozen=True, slots=True)
class _Other:
    """A version that the reader has or reads by another agreement."""

    agreement: Agreement
    contract: Contract
    version: Version
    past: bool  # no longer to be read by it, or no longer the newest


class Recipients:
    """``contract``: the contract in force of a dataset; raises UnknownDataset. ``house``: an organisation with its
    departments and those it is one of."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        lake: Lake,
        agreements: Callable[[], Agreements],
        groups: Callable[[], Hierarchies],
        contract: Callable[[str], Contract],
        now: Callable[[], datetime],
        ledger: Callable[[], Ledger],
        house: Callable[[str], Iterable[str]] = lambda organisation: (),
    ) -> None:
        self.settings = settings
        self.state = state
        self.lake = lake
        self._agreements = agreements
        self._groups = groups
        self._contract = contract
        self._now = now
        self._ledger = ledger
        self._house = house

    def weigh(self, item: Agreement, terms: Terms) -> Together | None:
        """What granting ``terms`` would let the recipient put together; None where rows are about no population, or
        nothing else about it is at hand."""
        contract = self._contract(item.dataset)
        population = population_of(contract)
        if not population:
            return None
        named = _naming(contract, terms.columns, terms.masks)
        if named:
            return Together(population, named=named)
        scratch = self.settings.home / "runs" / f"together-{uuid.uuid4().hex}"
        try:
            with job(self.settings, scratch, extensions=("spatial",)) as connection:
                return self._measured(connection, item, terms, contract, population)
        except ArengoError:
            return Together(population, unseen=(item.id,))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _measured(
        self, connection: duckdb.DuckDBPyConnection, item: Agreement, terms: Terms, contract: Contract, population: str
    ) -> Together | None:
        from arengo.privacy.bridge import moved
        from arengo.privacy.overlap import joint
        from arengo.publish.safety import Safety

        releases: list[Release] = []
        newest = self.lake.newest(item.dataset)
        candidate = self._release(connection, item, terms, contract, newest, "granted")
        if candidate is None:  # it is not known whom the rows are about
            quasi = {part.name for part in contract.properties if part.privacy_role == "quasi"} & set(terms.columns)
            return Together(population, unseen=(population,)) if quasi and newest else None
        if not candidate.quasi:
            return None
        table = quote("granted")
        safety = Safety(self.settings, self.state, self.lake)
        case = safety.case(connection, contract, replace(candidate, number=0), table, table, self._now())
        populations = Populations(self.settings, self.state)
        readers, profiles = populations.readers(population, item.organisation, self._house)
        others, unseen = self._others(item, readers, {population, *(one.name for one in case.kin)})
        held: dict[str, _Other] = {}
        tables: dict[str, str] = {}
        for number, other in enumerate(others):
            made = self._beside(connection, case, candidate, other, f"held_{number}")
            if made is None:
                unseen.append(other.agreement.id)
            elif made.quasi:
                held[made.label] = other
                tables[made.label] = moved(quote(f"held_{number}"), case.pairs(made.population))
                releases.append(made)
        rows = case.rows
        case = replace(
            case,
            earlier=(*case.earlier, *releases),
            rows=lambda release: tables.get(release.label) or rows(release),
        )
        said = Together(
            population,
            unseen=tuple(dict.fromkeys(unseen)),
            readers=tuple(sorted(readers - {item.organisation})),
            profiles=profiles,
            rules=populations.mark,
        )
        if not joint.scope(case):
            return said if unseen else None
        report = joint.look(case)
        if any(found.code in _NOT_COMPARED for found in report.findings):
            said = replace(said, unseen=(*said.unseen, population))
        measured: Mapping[str, Any] = report.measured
        costly = [part["label"] for part in measured.get("releases", ()) if part.get("costs") or part.get("together")]
        labels = costly or [part["label"] for part in measured.get("releases", ())]
        mine = tuple(dict.fromkeys(held[label].agreement.id for label in labels if label in held))
        return replace(
            said,
            k=case.target.k,
            people=int(measured.get("people", 0)),
            alone=int(measured.get("singled_out", 0)),
            agreements=mine,
            public=tuple(label for label in labels if label not in held),
            columns=tuple(part["column"] for part in measured.get("columns", ()) if part["costs"]),
            given=tuple(
                f"{one.agreement.id} {one.version.label}"
                for one in held.values()
                if one.past and one.agreement.id in mine
            ),
        )

    def _others(
        self, item: Agreement, readers: Iterable[str], populations: Iterable[str]
    ) -> tuple[list[_Other], list[str]]:
        """What the readers read by other agreements, or will again when a suspension is lifted, and what they were
        given under any; ids of agreements of which something is not at hand. What this one would follow ends."""
        agreements, named = self._agreements(), None if EVERYBODY in set(readers) else tuple(readers)
        by: dict[str, list[Agreement]] = {}
        for one in agreements.held_by(named, (*_HELD, *_PAST)):
            if one.id != item.id:
                by.setdefault(one.dataset, []).append(one)
        out: list[_Other] = []
        unseen: list[str] = []
        for dataset, some in by.items():
            try:
                contract = self._contract(dataset)
            except UnknownDataset:  # it is offered no more; what was given is held
                agreed = agreements.agreed(some[0])
                if agreed is None:
                    unseen += [one.id for one in some]
                    continue
                contract = agreed
            if population_of(contract) not in populations:
                continue
            retained = self.lake.retained(dataset)
            given = delivered.versions(self._ledger(), dataset, some, retained)
            for one in some:
                newest = 0 if one.ended or one.id == item.follows else max((it.number for it in retained), default=0)
                wanted = {*given[one.id], newest} - {0}
                there = sorted((it for it in retained if it.number in wanted), key=lambda it: -it.number)
                if len(there[:VERSIONS]) < len(wanted) and _tells(contract, one):
                    unseen.append(one.id)
                out += [_Other(one, contract, version, version.number != newest) for version in there[:VERSIONS]]
        return out, unseen

    def _beside(
        self, connection: duckdb.DuckDBPyConnection, case: Case, candidate: Release, other: _Other, table: str
    ) -> Release | None:
        """Another grant as a release that the candidate's reader has; None when it is not known whom it is about.
        Without columns where it is an earlier version of the very same, which tells by what changes, as in the gate."""
        item = other.agreement
        try:
            made = self._release(connection, item, item.terms, other.contract, other.version, table)
        except ArengoError:
            return None
        if made is None:
            return None
        if other.past and made.dataset == candidate.dataset and set(made.quasi) == set(candidate.quasi):
            return replace(made, attributes=())
        return replace(made, dataset=f"{made.dataset} {item.id}", recipient=candidate.recipient)  # a series of its own

    def _release(
        self,
        connection: duckdb.DuckDBPyConnection,
        item: Agreement,
        terms: Terms,
        contract: Contract,
        version: Version | None,
        table: str,
    ) -> Release | None:
        """The grant's rows of a version with the persons' blind numbers in ``table``; None where it is not known whom
        they are about, or nothing is published yet."""
        subject = subject_of(contract, population_of(contract))
        if version is None or subject not in {column.name for column in version.schema}:
            return None
        told = release_of(contract, version.number, version.published_at, version.rows, subject=True,
                          recipient=item.organisation)  # fmt: skip
        masks = {name: [mask for column, mask in terms.masks if column == name] for name, _ in terms.masks}
        quasi = tuple(
            replace(part, protect=tuple(f"{mask.kind} {mask.argument}" for mask in masks.get(part.column, ())))
            for part in told.quasi
            if part.column in terms.columns and not _UNSEEN & {mask.kind for mask in masks.get(part.column, ())}
        )
        told = replace(told, attributes=quasi)
        if quasi:
            self._rows(connection, version, contract, item, terms, {part.column for part in quasi}, subject, table)
        return told

    def _rows(
        self,
        connection: duckdb.DuckDBPyConnection,
        version: Version,
        contract: Contract,
        item: Agreement,
        terms: Terms,
        columns: set[str],
        subject: str,
        table: str,
    ) -> None:
        secret = secret_of(self.settings.home)
        decision = Decision(
            True,
            "What the agreement gives.",
            f"agreement {item.id}",
            frozenset(columns),
            fingerprint("together", item.id),
            tuple(dict.fromkeys(text for text in (item.rows, terms.rows) if text)),
            tuple((name, mask) for name, mask in terms.masks if name in columns),
            purpose=item.purpose,
            recipient=item.organisation,
        )
        cut = cut_of(version, contract, decision, Context(secret, item.purpose, item.organisation, self._groups()))
        assert cut is not None  # never all columns: the person's number is not among them
        sql, params = blind_sql(secret, population_of(contract), quote(subject))
        last = int(version.extra.get("last_field", 0)) + 1
        rows_of(self.lake, connection, version, replace(
            cut, subject=Shown(Column(SUBJECT, Kind.STRING, last), sql, params), geometry=None, order=(),
        ), table)  # fmt: skip


def _tells(contract: Contract, item: Agreement) -> bool:
    """Whether a grant shows something by which people could be told apart."""
    hidden = {name for name, mask in item.masks if mask.kind in _UNSEEN}
    shown = set(item.columns) - hidden
    return any(part.name in shown and part.privacy_role == "quasi" for part in contract.properties)


def _naming(contract: Contract, columns: tuple[str, ...], masks: tuple[tuple[str, Mask], ...]) -> tuple[str, ...]:
    """Granted columns that name a person and are neither hidden nor pseudonyms."""
    covered = {name for name, mask in masks if mask.kind in _UNSEEN}
    return tuple(
        item.name
        for item in contract.properties
        if item.name in columns and item.privacy_role == "identifier" and item.name not in covered
    )
