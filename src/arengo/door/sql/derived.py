"""Datasets made of other datasets: the city asks itself, and what comes out is never more open than what went in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from arengo.contract.model import Contract, Kind, SourceSpec
from arengo.door.decision import CITY, Caller
from arengo.door.sql import tables
from arengo.door.sql.answer import SqlAnswer
from arengo.door.sql.grammar import group_key
from arengo.errors import BadQuery, ContractError, PublicationRefused, UnknownDataset
from arengo.privacy.declared import judged, population_of
from arengo.privacy.statistics import alone

if TYPE_CHECKING:
    import pyarrow as pa

    from arengo.contract.draft import Draft
    from arengo.door.door import Door

SAMPLE = 5000
"""Rows a draft looks at closely."""
_OPENNESS = {"open": 0, "shared": 1, "closed": 2}
TELLING = frozenset({"identifier", "quasi", "sensitive"})
"""Roles of columns that tell of persons."""
_TYPES = {
    1: "Point",
    2: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "MultiLineString",
    6: "MultiPolygon",
}


class Derived:
    """The rows of one SELECT for a publication (:class:`arengo.sources.base.Asked`)."""

    def __init__(self, answer: SqlAnswer) -> None:
        self._answer = answer

    @property
    def fingerprint(self) -> str:
        if self._answer.question.of_the_moment:
            return ""
        digest = blake2b(self._answer.question.canonical, digest_size=32)
        for read in self._answer.reads:
            version = read.view.version
            digest.update(f"\0{read.name}\0{version.dataset}\0{version.number}\0{version.checksum}".encode())
        return f"query-{digest.hexdigest()}"

    @property
    def schema(self) -> pa.Schema:
        return self._answer.schema()

    @property
    def geometries(self) -> tuple[str, ...]:
        return tuple(item.name for item in self._answer.columns if item.kind is Kind.GEOMETRY)

    @property
    def geometry_types(self) -> tuple[str, ...]:
        """Of the first geometry column's first rows."""
        if not self.geometries:
            return ()
        first = next(iter(self._answer.batches()), None)
        found = {
            _TYPES.get(int.from_bytes(value[1:5], "little" if value[0] else "big") % 1000, "")
            for value in (first.column(self.geometries[0]).to_pylist() if first is not None else ())
            if value
        }
        return tuple(sorted(found - {""}))

    @property
    def titles(self) -> Mapping[str, str]:
        found: dict[str, set[str]] = {}
        for read in self._answer.reads:
            for item in read.view.columns:
                if item.declared is not None and item.declared.title:
                    found.setdefault(item.name, set()).add(item.title)
        return {name: titles.pop() for name, titles in found.items() if len(titles) == 1}

    @property
    def keys(self) -> tuple[str, ...]:
        return group_key(self._answer.question)

    def batches(self) -> Iterator[pa.RecordBatch]:
        return self._answer.batches()

    def close(self) -> None:
        self._answer.close()


class CityQuestions:
    """What the composition root hands to the street in (:class:`arengo.sources.base.Questions`)."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def inputs(self, contract: Contract) -> frozenset[str]:
        source = contract.source
        if source is None or source.kind != "query":
            return frozenset()
        return self._named(str(source.options.get("sql") or ""), str(source.options.get("dialect") or "duckdb"))

    def ask(self, contract: Contract | None, sql: str, dialect: str) -> Derived:
        """Raises ContractError with the place in the SQL, PublicationRefused when it is more open than its inputs."""
        whose = contract.id if contract is not None else "the draft"
        try:
            if contract is not None:
                self._refuse_circle(contract, self._named(sql, dialect))
            answer = self._door.derive(sql, dialect)
        except BadQuery as error:
            line, column = getattr(error, "line", 0), getattr(error, "column", 0)
            where = f" (line {line}, column {column})" if line else ""
            raise ContractError(f"The SQL of {whose}{where}: {error.met}", todo=error.todo) from error
        if contract is not None:
            for read in answer.reads:
                _as_open(contract, self._door.catalogue.standing(read.view.stored))
        return Derived(answer)

    def _named(self, sql: str, dialect: str) -> frozenset[str]:
        question = self._door.judged(sql, dialect)
        found = (tables.known(self._door, tables.split(table.name)[0]) for table in question.tables)
        return frozenset(item for item in found if item is not None)

    def _refuse_circle(self, contract: Contract, first: frozenset[str]) -> None:
        pending: list[tuple[str, tuple[str, ...]]] = [(name, (contract.id,)) for name in sorted(first)]
        seen: set[str] = set()
        while pending:
            name, path = pending.pop()
            if name == contract.id:
                raise ContractError(
                    f"{contract.id} would be made of itself: {' → '.join((*path, name))}.",
                    todo="Take one of these datasets out of the other's SQL.",
                )
            if name in seen:
                continue
            seen.add(name)
            try:
                other = self._door.catalogue.entry(name).contract
                further = self.inputs(other)
            except (UnknownDataset, BadQuery):
                continue  # its own run says what is wrong with it
            pending += [(item, (*path, name)) for item in sorted(further)]


def _as_open(contract: Contract, source: Contract) -> None:
    """Raises PublicationRefused when ``contract`` is more open than ``source``, or silent about its persons."""
    if _OPENNESS.get(source.access, 2) > _OPENNESS.get(contract.access, 0):
        raise PublicationRefused(
            f"{contract.id} is declared {contract.access}, but it reads {source.id}, which is {source.access}.",
            todo=f"Declare it {source.access}, or leave {source.id} out of its SQL.",
        )
    if contract.access != "open" or alone(contract):
        return
    if alone(source):
        raise PublicationRefused(
            f"{contract.id} is declared open, but it reads {source.id}, which is open for its statistics alone.",
            todo=f"Give it arengoStatistics too, declare it shared, or leave {source.id} out of its SQL.",
        )
    told = {item.name for item in source.properties if item.privacy_role in TELLING}
    read = contract.as_read()
    silent = sorted(item.name for item in read.properties if item.name in told and not item.privacy_role)
    if silent or (not judged(contract) and (told or population_of(source))):
        named = ", ".join(silent) or "its columns"
        raise PublicationRefused(
            f"{source.id} says what it tells of persons, but {contract.id}, which reads it, says nothing of {named}.",
            todo="Give these columns an arengoPrivacyRole, and name the arengoPopulation its rows are drawn from.",
        )


def draft(door: Door, sql: str, *, dialect: str = "duckdb", caller: Caller = CITY, id: str = "") -> Draft:
    """A drafted contract of kind ``query`` from the rows that ``caller`` may read. Raises BadSql, ContractError."""
    from arengo.contract.draft import infer
    from arengo.sources.base import Context
    from arengo.sources.query import QueryReader

    def ask(text: str, words: str) -> Derived:
        return Derived(door.derive(text, words) if caller == CITY else door.sql(text, caller=caller, dialect=words))

    settings = door.settings
    options = {"sql": sql, **({"dialect": dialect} if dialect != "duckdb" else {})}
    context = Context(settings.sources, door.scratch(), ask=ask)
    sample = next(QueryReader().samples(SourceSpec("query", options, settings.root), context, SAMPLE))
    return infer(replace(sample, name=id or sample.name), id=id, country=settings.city.country)
