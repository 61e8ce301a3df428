"""What a recipient could put together: the rows an agreement would give, with all it reads already and what is public.

The gate judges what everybody gets. What one organisation gets by agreements is decided by people, who see here what no
single request shows: how many persons come out of a group that kept them hidden, when this grant is laid beside the
recipient's other grants and the publications about the same population (privacy.md, section 3, step 0: "every access
grant to the same recipient"). It is the joint refinement of the gate, with the masks of each agreement applied.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract, Kind
from arengo.door.grant import cut_of
from arengo.errors import ArengoError
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.caller import CITY_WIDE, Caller
from arengo.governance.decision import Decision, Mask, fingerprint
from arengo.lake.cut import SUBJECT, Shown
from arengo.lake.cut import rows as rows_of
from arengo.lake.engine import job
from arengo.lake.layout import quote
from arengo.lake.version import Column
from arengo.privacy.declared import population_of, release_of
from arengo.privacy.mask import Context, secret_of
from arengo.privacy.population import blind_sql, subject_of

if TYPE_CHECKING:
    import duckdb

    from arengo.governance.hierarchy import Hierarchies
    from arengo.governance.procedure import Agreements
    from arengo.lake.store import Lake
    from arengo.lake.version import Version
    from arengo.privacy.release import Release
    from arengo.settings import Settings
    from arengo.state import State

WATCH = Caller(party="~together", roles=((CITY_WIDE, "auditor"),))
"""Sees every agreement, reads nothing."""
PAGE = 1000
_NOT_COMPARED = frozenset(
    {"overlap-no-population", "overlap-unknown-population", "overlap-unlinked", "overlap-rows-gone"}
)
"""Findings of the joint refinement that say what it could not lay beside each other."""
_UNSEEN = frozenset({"hide", "pseudonym"})
_HELD = ("active", "suspended")


@dataclass(frozen=True, slots=True)
class Together:
    """What a grant makes of its persons beside everything else its recipient holds.

    ``people`` come into a group smaller than ``k`` that were in one of at least ``k`` before; ``alone`` of them stand
    alone. ``agreements`` and ``public`` (dataset and version) take part, the costliest first. ``columns``: of the
    grant, the costliest first. ``named``: columns that name persons by themselves; then nothing was measured.
    ``unseen``: what could not be compared.
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

    def as_json(self) -> dict[str, Any]:
        """For the record: counts and names, never a person."""
        listed = {"agreements": self.agreements, "public": self.public, "columns": self.columns,
                  "named": self.named, "unseen": self.unseen}  # fmt: skip
        told = {"population": self.population, "k": self.k, "people": self.people, "alone": self.alone}
        return told | {name: list(values) for name, values in listed.items() if values}


class Recipients:
    """``contract``: the contract in force of a dataset; raises UnknownDataset."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        lake: Lake,
        agreements: Callable[[], Agreements],
        groups: Callable[[], Hierarchies],
        contract: Callable[[str], Contract],
        now: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.state = state
        self.lake = lake
        self._agreements = agreements
        self._groups = groups
        self._contract = contract
        self._now = now

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
        from arengo.privacy.overlap import joint
        from arengo.publish.safety import Safety

        candidate = self._release(connection, item, terms, contract, population, "granted")
        if candidate is None:  # it is not known whom the rows are about
            quasi = {part.name for part in contract.properties if part.privacy_role == "quasi"} & set(terms.columns)
            return Together(population, unseen=(population,)) if quasi and self.lake.newest(item.dataset) else None
        if not candidate.quasi:
            return None
        held: dict[str, Agreement] = {}
        tables: dict[str, str] = {}
        unseen: list[str] = []
        releases: list[Release] = []
        for number, other in enumerate(self._others(item)):
            try:
                told = self._contract(other.dataset)
                if population_of(told) != population:
                    continue
                made = self._release(connection, other, other.terms, told, population, f"held_{number}")
            except ArengoError:
                unseen.append(other.id)
                continue
            if made is None:
                unseen.append(other.id)
            elif made.quasi:
                made = replace(made, dataset=f"{other.dataset} {other.id}")  # a grant is a series of its own
                held[made.label], tables[made.label] = other, quote(f"held_{number}")
                releases.append(made)
        safety = Safety(self.settings, self.state, self.lake)
        table = quote("granted")
        case = safety.case(connection, contract, replace(candidate, number=0), table, table, self._now())
        rows = case.rows
        case = replace(
            case,
            earlier=(*case.earlier, *releases),
            rows=lambda release: tables.get(release.label) or rows(release),
        )
        if not joint.scope(case):
            return Together(population, unseen=tuple(unseen)) if unseen else None
        report = joint.look(case)
        if any(found.code in _NOT_COMPARED for found in report.findings):
            unseen.append(population)
        measured: Mapping[str, Any] = report.measured
        costly = [part["label"] for part in measured.get("releases", ()) if part.get("costs") or part.get("together")]
        labels = costly or [part["label"] for part in measured.get("releases", ())]
        return Together(
            population,
            case.target.k,
            int(measured.get("people", 0)),
            int(measured.get("singled_out", 0)),
            tuple(dict.fromkeys(held[label].id for label in labels if label in held)),
            tuple(label for label in labels if label not in held),
            tuple(part["column"] for part in measured.get("columns", ()) if part["costs"]),
            (),
            tuple(unseen),
        )

    def _others(self, item: Agreement) -> Iterator[Agreement]:
        """What the recipient reads by other agreements, or will again when a suspension is lifted; the one that this
        would follow ends."""
        after = ""
        while True:
            found = self._agreements().listing(WATCH, side="owner", states=_HELD, limit=PAGE, after=after)
            for other in found:
                if other.organisation == item.organisation and other.id not in (item.id, item.follows):
                    yield other
            if len(found) < PAGE:
                return
            after = found[-1].id

    def _release(
        self,
        connection: duckdb.DuckDBPyConnection,
        item: Agreement,
        terms: Terms,
        contract: Contract,
        population: str,
        table: str,
    ) -> Release | None:
        """The grant's rows with the persons' blind numbers in ``table``; None where it is not known whom they are
        about, or nothing is published yet."""
        version, subject = self.lake.newest(item.dataset), subject_of(contract, population)
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


def _naming(contract: Contract, columns: tuple[str, ...], masks: tuple[tuple[str, Mask], ...]) -> tuple[str, ...]:
    """Granted columns that name a person and are neither hidden nor pseudonyms."""
    covered = {name for name, mask in masks if mask.kind in _UNSEEN}
    return tuple(
        item.name
        for item in contract.properties
        if item.name in columns and item.privacy_role == "identifier" and item.name not in covered
    )
