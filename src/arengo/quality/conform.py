"""From a pull's Arrow batches to a typed table, batch by batch, with what does not fit set aside.

One typed pass writes the good rows of a batch to a Parquet file of its own and counts them; only a batch that kept
fewer rows than it held runs the second, explaining query. So a clean file pays for one pass, and memory is that of
one batch whatever the size of the source. The staged table is a view of those files, less the rows whose key repeats.
*Rows in = rows kept + rows quarantined*, always.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract, Geometry, Kind, Property
from arengo.errors import ContractError, Place, SourceMalformed
from arengo.lake.version import Staged
from arengo.quality import place
from arengo.quality.batch import regroup, texts
from arengo.quality.constraint import Check, checks, repeats, rules_of, unchecked
from arengo.quality.expression import Reading, Values, is_text, quote, read_text, read_typed
from arengo.quality.quarantine import Quarantine
from arengo.quality.staging import Parts
from arengo.sources.base import ROW, Pull

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TABLE = "rows"
SOURCE = "_source"
"""Hidden column of the staged table: the record's number in the source, from 1."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What conforming met. ``rows_in == rows + quarantined``.

    ``suppressed``: withheld values per column. ``broken``: rows a rule of severity error put aside, by rule.
    ``values``: lines of the quarantine file (a row with several bad values has several).
    """

    rows_in: int
    rows: int
    quarantined: int
    values: int = 0
    suppressed: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[int, int] = field(default_factory=dict)  # by position in constraint.rules_of(contract)
    warnings: tuple[str, ...] = ()


def conform(
    contract: Contract,
    pull: Pull,
    staged_db: Path,
    quarantine: Path,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    *,
    timezone: str = "UTC",
    memory: str = "128MB",
    file: str = "",
) -> tuple[Staged, Counts]:
    """Type, check and stage the rows of ``pull``; write what does not fit to ``quarantine`` (Parquet).

    ``timezone``: IANA zone of source times without an offset, unless a property's ``defaultTimezone`` says otherwise.
    ``progress(rows done, None)`` is called after each batch. The staged database is made anew. Raises
    SourceMalformed when a declared column is missing or records were lost, ContractError for an unknown reference
    system or time zone, and whatever the reader raises.
    """
    import duckdb

    parts = Parts.anew(staged_db)
    plan = _Plan(contract, pull, timezone, file)
    connection = duckdb.connect(
        str(staged_db),
        config={
            # A batch is one piece of work: a second thread would only wait for it, busily.
            "threads": 1,
            "memory_limit": memory,
            "temp_directory": str(staged_db.with_suffix(".tmp")),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    try:
        try:
            connection.execute(f"SET TimeZone = {_text(timezone)}")
            for zone in plan.zones:
                connection.execute("SELECT timezone($1, TIMESTAMP '2024-01-01') IS NULL", [zone]).fetchone()
        except duckdb.Error as error:
            raise ContractError(f"A time zone of {contract.id} is not known: {error}.".split("\n")[0]) from error
        if plan.spatial:
            place.load_spatial(connection)
            place.check_crs(connection, contract)
        # Filters would be pushed below the casts and every cast would run twice.
        connection.execute("SET disabled_optimizers = 'filter_pushdown,extension'")
        with Quarantine(quarantine) as aside:
            counts = _run(connection, plan, parts, pull, aside, progress)
    finally:
        connection.close()
        pull.close()
    return Staged(staged_db, TABLE, plan.columns, contract.geometry, counts.rows, SOURCE), counts


def _run(
    connection: duckdb.DuckDBPyConnection,
    plan: _Plan,
    parts: Parts,
    pull: Pull,
    aside: Quarantine,
    progress: Callable[[int, int | None], None],
) -> Counts:
    yielded = kept = 0
    suppressed = dict.fromkeys(plan.suppressed, 0)
    broken: dict[int, int] = {}
    warnings = plan.warnings
    for batch in regroup(pull.batches):
        table, notes = texts(batch, plan.names, plan.text)
        warnings += [note for note in notes if note not in warnings]
        connection.register("batch", table)
        inserted = parts.add(connection, plan.good, plan.values.list)
        bad = table.num_rows - inserted
        if bad:
            _explain(connection, plan, aside, broken)
        for name, (condition, bound) in plan.suppressed.items():
            found = connection.execute(f"SELECT count(*) FILTER (WHERE {condition}) FROM batch", bound)
            suppressed[name] += _count(found)
            if bad:
                suppressed[name] -= _count(
                    connection.execute(f"SELECT count(*) FILTER (WHERE {condition}) FROM bad", bound)
                )
        connection.unregister("batch")
        yielded += table.num_rows
        kept += inserted
        aside.rejects(pull.rejects)
        progress(yielded, None)
    aside.rejects(pull.rejects)
    lost = pull.read - yielded - aside.rejected
    if pull.read and lost > 0 and pull.read - yielded > aside.rejected_values:
        raise SourceMalformed(
            f"The source has {pull.read} records, but only {yielded + aside.rejected} could be accounted for.",
            todo="Nothing was published. Please report this with the file.",
        )
    rejected = max(aside.rejected, pull.read - yielded)
    parts.show(connection, TABLE, SOURCE, plan.empty)
    for columns, rule in plan.unique:
        removed = _duplicates(connection, plan, parts, columns, kept, aside)
        kept -= removed
        if rule is not None:
            broken[rule] = broken.get(rule, 0) + removed
    rows_in = yielded + rejected
    return Counts(rows_in, kept, rows_in - kept, aside.values, suppressed, broken, tuple(warnings))


def _explain(connection: duckdb.DuckDBPyConnection, plan: _Plan, aside: Quarantine, broken: dict[int, int]) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE bad AS {plan.bad}", plan.values.list)
    bound: list[Any] = []
    parts = []
    for number, check in enumerate(plan.checks):
        bound += [check.column, check.reason]
        parts.append(
            f"SELECT {ROW} AS row, ${len(bound) - 1} AS name, {plan.shown(check.column)} AS value, "
            f"${len(bound)} AS reason, {number} AS position FROM bad WHERE c{number}"
        )
    found = connection.execute(f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY row, position", bound)
    while rows := found.fetchmany(10_000):
        aside.lines([(*plan.place(row), name, value, _sentence(value, reason)) for row, name, value, reason, _ in rows])
    for number, rule in plan.rules.items():
        broken[rule] = broken.get(rule, 0) + _count(connection.execute(f"SELECT count(*) FROM bad WHERE c{number}"))


def _sentence(value: str | None, reason: str) -> str:
    if value is None or value == "":
        return f"The value {reason}."
    shown = value if len(value) <= 80 else value[:77] + "..."
    return f"{shown!r} {reason}."


def _duplicates(
    connection: duckdb.DuckDBPyConnection,
    plan: _Plan,
    parts: Parts,
    columns: tuple[str, ...],
    rows: int,
    aside: Quarantine,
) -> int:
    """Put aside every row whose key another row before it has; the number of rows put aside.

    Hashes are grouped a share at a time, so the memory stays that of a million rows.
    """
    names = ", ".join(quote(name) for name in columns)
    present = " AND ".join(f"{quote(name)} IS NOT NULL" for name in columns)
    connection.execute("CREATE OR REPLACE TEMP TABLE twice(h UBIGINT)")
    shares = rows // 1_000_000 + 1
    for share in range(shares):
        part = f" AND hash({names}) % {shares} = {share}" if shares > 1 else ""
        connection.execute(
            f"INSERT INTO twice SELECT hash({names}) AS h FROM {TABLE} WHERE {present}{part} "
            f"GROUP BY 1 HAVING count(*) > 1"
        )
    if not _count(connection.execute("SELECT count(*) FROM twice")):
        return 0
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE again AS SELECT * FROM (SELECT {SOURCE}, "
        f"concat_ws(', ', {', '.join(f'CAST({quote(name)} AS VARCHAR)' for name in columns)}) AS _value, "
        f"first_value({SOURCE}) OVER (PARTITION BY {names} ORDER BY {SOURCE}) AS _first, "
        f"row_number() OVER (PARTITION BY {names} ORDER BY {SOURCE}) AS _n "
        f"FROM {TABLE} WHERE {present} AND hash({names}) IN (SELECT h FROM twice)) WHERE _n > 1"
    )
    label = ", ".join(columns)
    found = connection.execute(f"SELECT {SOURCE}, _first, _value FROM again ORDER BY {SOURCE}")
    what = "The key" if columns == plan.key else "The value"
    while met := found.fetchmany(10_000):
        lines = []
        for row, first, value in met:
            file, number = plan.place(row)
            held, earlier = plan.place(first)
            where = f"row {earlier}" if held == file else f"row {earlier} of {held}"
            lines.append((file, number, label, value, f"{what} {value!r} is already used by {where}."))
        aside.lines(lines)
    return parts.take_out(connection, TABLE, SOURCE, f"SELECT {SOURCE} FROM again")


def _count(result: duckdb.DuckDBPyConnection) -> int:
    row = result.fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _text(value: str) -> str:
    """A text for SET, which takes no bound values."""
    return "'" + value.replace("'", "''") + "'"


class _Plan:
    """The statements of one conforming: compiled once, run for every batch.

    Batch columns are ``s0``, ``s1``, ... in the order of ``names``; cleaned values ``r0``..., typed values ``t0``...
    by position of the contract's column; checks ``c0``...
    """

    def __init__(self, contract: Contract, pull: Pull, timezone: str, file: str) -> None:
        schema = pull.schema
        self.contract = contract
        self.file = file
        self.origin = pull.origin
        self.key = contract.key
        self.values = Values()
        self.zones: set[str] = set()
        self.warnings: list[str] = list(unchecked(contract))
        self.suppressed: dict[str, tuple[str, list[Any]]] = {}
        geometry = contract.geometry
        self.derived = bool(geometry and geometry.stored and geometry.x and geometry.y)
        declared = [
            prop for prop in contract.properties if not (self.derived and geometry and prop.name == geometry.column)
        ]
        self.source = _match(contract, declared, schema, self.warnings, file)
        self.names = list(dict.fromkeys(self.source.values()))
        self.text = [is_text(schema.field(name).type) for name in self.names]
        self._shown: dict[str, str] = {}
        self._compile(declared, schema, timezone)

    def _compile(self, declared: list[Property], schema: pa.Schema, timezone: str) -> None:
        contract, values, geometry = self.contract, self.values, self.contract.geometry
        raw: list[str] = []
        typed: list[str] = []
        shapes: list[str] = []
        found: list[Check] = []
        position = {prop.name: number for number, prop in enumerate(declared)}
        for number, prop in enumerate(declared):
            reading = self._read(prop, number, schema, timezone)
            raw.append(f"{reading.raw} AS r{number}")
            if prop.kind is Kind.GEOMETRY:
                typed.append(f"{place.stored(reading.typed, geometry or Geometry(), values)} AS t{number}")
                shapes.append(_mended(number))
            else:
                typed.append(f"{reading.typed} AS t{number}")
            if not (prop.kind is Kind.STRING and self.text[self.names.index(self.source[prop.name])]):
                found.append(
                    Check(prop.name, f"(r{number} IS NOT NULL AND t{number} IS NULL)", f"is not {reading.wanted}")
                )
            if prop.kind is Kind.GEOMETRY:
                bad = f"(t{number} IS NOT NULL AND g{number} IS NULL AND NOT ST_IsEmpty(t{number}))"
                found.append(Check(prop.name, bad, "is a broken shape that cannot be mended"))
            self._shown[prop.name] = reading.shown
        main = self._main(declared, position, shapes, typed, found)
        column = {prop.name: (f"g{n}" if prop.kind is Kind.GEOMETRY else f"t{n}") for n, prop in enumerate(declared)}
        if self.derived and geometry:
            column[geometry.column] = main
        found += checks(contract, lambda name: column[name], values)
        self.checks = [check for check in found if check.broken != "false"]
        number_of = {id(rule): number for number, rule in enumerate(rules_of(contract))}
        self.rules = {n: number_of[id(check.rule)] for n, check in enumerate(self.checks) if check.rule is not None}
        self.unique = self._unique(number_of)
        inner = f"SELECT *, {', '.join(raw)} FROM batch" if raw else "SELECT * FROM batch"
        inner = f"SELECT *, {', '.join(typed)} FROM ({inner})"
        if shapes:
            inner = f"SELECT *, {', '.join(shapes)} FROM ({inner})"
        if main and geometry and geometry.stored:
            inner = f"SELECT *, {', '.join(f'{sql} AS {name}' for name, sql in place.box(main).items())} FROM ({inner})"
        if self.checks:
            conditions = ", ".join(f"{check.broken} AS c{number}" for number, check in enumerate(self.checks))
            inner = f"SELECT *, {conditions} FROM ({inner})"
        anything = " OR ".join(f"c{number}" for number in range(len(self.checks))) or "false"
        names = [prop.name for prop in contract.properties]
        kinds = {prop.name: prop.kind for prop in contract.properties}
        if self.derived and geometry and geometry.column not in kinds:
            names.append(geometry.column)
            kinds[geometry.column] = Kind.GEOMETRY
        required = {prop.name: prop.required or prop.name in self.key for prop in contract.properties}
        self.columns = tuple((name, kinds[name], required.get(name, False)) for name in names)
        values_of = [f"ST_AsWKB({column[n]})" if kinds[n] is Kind.GEOMETRY else column[n] for n in names]
        types = {quote(name): kinds[name].duckdb for name in names}
        if geometry and geometry.stored:
            values_of += place.BOX
            types |= dict.fromkeys(place.BOX, "DOUBLE")
        types[SOURCE] = "BIGINT"
        out = [
            f"CAST({sql} AS {kind}) AS {name}"
            for sql, (name, kind) in zip([*values_of, ROW], types.items(), strict=True)
        ]
        self.spatial = any(kind is Kind.GEOMETRY for kind in kinds.values())
        self.empty = "SELECT " + ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in types.items())
        self.good = f"SELECT {', '.join(out)} FROM ({inner}) WHERE NOT ({anything})"
        self.bad = f"SELECT * FROM ({inner}) WHERE {anything}"

    def _read(self, prop: Property, number: int, schema: pa.Schema, timezone: str) -> Reading:
        name = self.source[prop.name]
        at = self.names.index(name)
        zone = str(prop.options.get("defaultTimezone") or timezone)
        if prop.kind is Kind.TIMESTAMP:
            self.zones.add(zone)
        if self.text[at]:
            reading = read_text(prop, f"s{at}", f"r{number}", self.values, zone, timezone)
        else:
            kind = schema.field(name).type
            reading = read_typed(prop, f"s{at}", f"r{number}", kind, self.values, zone)
        if prop.parse.suppressed:
            marks = Values()
            listed = marks.several([mark.strip() for mark in prop.parse.suppressed])
            self.suppressed[prop.name] = (f"CAST(s{at} AS VARCHAR) IN ({listed})", marks.list)
        return reading

    def _main(
        self,
        declared: list[Property],
        position: dict[str, int],
        shapes: list[str],
        typed: list[str],
        found: list[Check],
    ) -> str:
        """SQL of the main geometry after mending, '' when there is none; adds the checks of its coordinates."""
        geometry = self.contract.geometry
        if geometry is None:
            return ""
        if self.derived:
            x, y = position.get(geometry.x), position.get(geometry.y)
            if x is None or y is None:
                raise ContractError(
                    f"arengoGeometry names {geometry.x} and {geometry.y}, but the schema has no such columns.",
                    place=Place(file=str(self.contract.path or "")),
                )
            point = f"CASE WHEN t{x} IS NOT NULL AND t{y} IS NOT NULL THEN ST_Point(t{x}, t{y}) END"
            shapes.append(f"{place.stored(point, geometry, self.values)} AS gx")
            inside = place.inside_world(*place.BOX)
            bad = f"t{x} IS NOT NULL AND t{y} IS NOT NULL AND coalesce(NOT {inside}, true)"
            reason = f"and {geometry.y} are not a place on Earth in {geometry.crs}"
            found.append(Check(geometry.x, f"({bad})", reason))
            return "gx"
        if geometry.column:
            at = position[geometry.column]
            bad = f"(g{at} IS NOT NULL AND coalesce(NOT {place.inside_world(*place.BOX)}, true))"
            found.append(Check(geometry.column, bad, f"lies outside the world (read as {geometry.crs})"))
            return f"g{at}"
        if geometry.x in position and geometry.y in position:
            x, y = position[geometry.x], position[geometry.y]
            for at, name, limit in ((x, geometry.x, 180), (y, geometry.y, 90)):
                bad = f"coalesce(t{at} NOT BETWEEN -{limit} AND {limit}, false)"
                found.append(Check(name, bad, f"is not between -{limit} and {limit} degrees"))
        return ""

    def _unique(self, number_of: Mapping[int, int]) -> list[tuple[tuple[str, ...], int | None]]:
        """Sets of columns whose values may not repeat, the key first, with the rule that says so."""
        out: dict[tuple[str, ...], int | None] = {}
        if self.key:
            out[self.key] = None
        for prop in self.contract.properties:
            if prop.unique:
                out.setdefault((prop.name,), None)
        for columns, rule in repeats(self.contract):
            if out.get(columns) is None:
                out[columns] = number_of[id(rule)]
        return list(out.items())

    def place(self, row: int) -> tuple[str, int]:
        """File and record of a row; sources of several files say which."""
        return self.origin(row) if self.origin is not None else (self.file, row)

    def shown(self, column: str) -> str:
        """SQL of the source value of a column, as text."""
        if column in self._shown:
            return f"CAST({self._shown[column]} AS VARCHAR)"
        return "NULL::VARCHAR"


def _mended(number: int) -> str:
    shape = f"t{number}"
    return f"CASE WHEN {shape} IS NOT NULL AND NOT ST_IsEmpty({shape}) THEN try({place.mended(shape)}) END AS g{number}"


def _match(
    contract: Contract, declared: list[Property], schema: pa.Schema, warnings: list[str], file: str
) -> dict[str, str]:
    """Contract column -> source column. Names match exactly, or when only the blanks around them differ."""
    have = [name for name in schema.names if name != ROW]
    loose = {" ".join(name.replace("\ufeff", "").split()): name for name in have}
    out: dict[str, str] = {}
    missing = []
    for prop in declared:
        wanted = prop.physical_name or prop.name
        if wanted in have:
            out[prop.name] = wanted
        elif " ".join(wanted.split()) in loose:
            out[prop.name] = loose[" ".join(wanted.split())]
        else:
            missing.append(wanted)
    if missing:
        sentences = []
        for name in missing[:5]:
            folded = {item.casefold(): item for item in have}
            near = [folded[item] for item in difflib.get_close_matches(name.casefold(), list(folded), 3, 0.6)]
            sentences.append(f"{name} (the nearest there: {', '.join(near)})" if near else name)
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        word = "a column" if len(missing) == 1 else f"{len(missing)} columns"
        raise SourceMalformed(
            f"The contract declares {word} that the source does not have: {'; '.join(sentences)}{more}.",
            todo=f"The source has {', '.join(have[:30])}. Correct physicalName, or ask for the file as it was.",
            place=Place(file=file or None, column=missing[0]),
        )
    new = [name for name in have if name not in out.values()]
    if new:
        warnings.append(
            f"The source has {'a column' if len(new) == 1 else f'{len(new)} columns'} the contract does not declare, "
            f"left out: {', '.join(new[:10])}{' ...' if len(new) > 10 else ''}."
        )
    return out
