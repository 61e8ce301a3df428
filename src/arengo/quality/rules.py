"""The quality rules of a contract, measured on the staged rows (ODCS v3.1, section *Data Quality*).

``library`` rules of all columns are counted in one aggregate query; values that repeat need one grouping each; an
``sql`` rule is a single SELECT over the dataset on a connection without a way out; ``text`` rules are for people and
``custom`` ones for other engines: both are listed as not checked by a machine, never as passed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract, Kind, Rule
from arengo.contract.sql import complaint, fill
from arengo.contract.withheld import tells
from arengo.lake.version import Staged
from arengo.quality.conform import Counts
from arengo.quality.constraint import broken_row, pattern_works, repeats, row_rules, rules_of
from arengo.quality.expression import Values, quote
from arengo.quality.staging import reading

if TYPE_CHECKING:
    import duckdb

SECONDS = 60.0
"""An sql rule that takes longer is stopped and reported as an error."""
SHOWN = 200
"""Characters of a text that an sql rule gave which the report shows."""

OPERATORS = {
    "mustBe": "must be {0}",
    "mustNotBe": "must not be {0}",
    "mustBeGreaterThan": "must be greater than {0}",
    "mustBeGreaterOrEqualTo": "must be {0} or more",
    "mustBeLessThan": "must be less than {0}",
    "mustBeLessOrEqualTo": "must be {0} or less",
    "mustBeBetween": "must be between {0} and {1}",
    "mustNotBeBetween": "must not be between {0} and {1}",
}
METRICS = ("rowCount", "nullValues", "missingValues", "invalidValues", "duplicateValues")


@dataclass(frozen=True, slots=True)
class RuleResult:
    """``passed`` is None where nothing could be measured; ``error`` or ``type`` says why.

    ``failed_rows``: rows that broke the rule, those put aside included. ``refuses``: the publication must not happen.
    """

    name: str
    type: str
    column: str | None
    severity: str
    dimension: str | None
    description: str
    metric: str | None
    passed: bool | None
    value: Any
    expected: str
    unit: str
    failed_rows: int | None
    error: str | None
    refuses: bool = False
    withheld: bool = False

    def sentence(self) -> str:
        """What a clerk reads about a rule that did not pass."""
        where = f" of {self.column}" if self.column else ""
        if self.withheld:
            met = "could not be checked" if self.error else "does not hold"
            return f"The rule {self.name}{where} {met}."
        if self.error:
            return f"The rule {self.name}{where} could not be checked: {self.error}"
        unit = " percent" if self.unit == "percent" else ""
        return f"The rule {self.name}{where} {self.expected}{unit}, but it is {_number(self.value)}{unit}."


@dataclass(frozen=True, slots=True)
class QualityReport:
    rules: tuple[RuleResult, ...]
    rows_in: int
    rows: int
    quarantined: int
    warnings: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> int:
        return sum(item.passed is True for item in self.rules)

    @property
    def failed(self) -> int:
        return sum(item.passed is False for item in self.rules)

    @property
    def refusals(self) -> tuple[RuleResult, ...]:
        """Rules of severity error about the whole dataset that do not hold: the old version stays."""
        return tuple(item for item in self.rules if item.refuses)

    def public(self, contract: Contract) -> QualityReport:
        """Without what was measured over columns that are protected before they are stored: only whether it held.

        ``contract``: the one over the stored columns, of whose :meth:`Contract.as_read` this is the report.
        """
        if not self.rules:
            return self
        told = zip(self.rules, rules_of(contract.as_read()), strict=True)
        return replace(self, rules=tuple(_unmeasured(item) if tells(contract, rule) else item for item, rule in told))

    def as_dict(self) -> dict[str, Any]:
        """The content of ``quality.json``."""
        inner = ("refuses", "withheld")
        rules = [{key: value for key, value in asdict(item).items() if key not in inner} for item in self.rules]
        return {
            "rules": rules,
            "passed": self.passed,
            "failed": self.failed,
            "rows_in": self.rows_in,
            "rows": self.rows,
            "quarantined": self.quarantined,
            "warnings": list(self.warnings),
        }


def check(
    contract: Contract,
    staged: Staged,
    counts: Counts,
    *,
    memory: str = "128MB",
    threads: int = 2,
    seconds: float = SECONDS,
) -> QualityReport:
    """Measure every rule of the contract on the staged rows.

    A rule never raises: one that cannot run is an error in the report. ``seconds``: what one sql rule may take.
    """
    rules = rules_of(contract)
    if not rules:
        return QualityReport((), counts.rows_in, counts.rows, counts.quarantined, counts.warnings)
    by_row = {id(rule) for rule in row_rules(contract)} | {id(rule) for _, rule in repeats(contract)}
    view = contract.schema_name or contract.id
    spatial = any(kind is Kind.GEOMETRY for _, kind, _ in staged.columns) and any(r.type == "sql" for r in rules)
    results = []
    with reading(staged, view, memory=memory, threads=threads, spatial=spatial) as (connection, table):
        counted = _count(contract, rules, connection, table, staged.rows)
        for number, rule in enumerate(rules):
            if id(rule) in by_row:
                aside = counts.broken.get(number, 0)
                results.append(_result(rule, 0, staged.rows, aside, refusable=False))
            elif rule.type == "library":
                if number in counted:
                    results.append(_result(rule, counted[number], staged.rows))
                else:
                    results.append(_error(rule, _why(contract, rule)))
            elif rule.type == "sql":
                results.append(_sql(contract, rule, connection, view, seconds))
            elif rule.type == "text":
                results.append(_made(rule, None, None, None, None))
            else:
                engine = str(rule.arguments.get("engine", "") or "another engine")
                results.append(_made(rule, None, None, None, f"It is written for {engine}, which is not run here."))
    return QualityReport(tuple(results), counts.rows_in, counts.rows, counts.quarantined, counts.warnings)


def _unmeasured(item: RuleResult) -> RuleResult:
    said = "It could not be checked." if item.error else None
    return replace(item, value=None, failed_rows=None, expected="", error=said, withheld=True)


def _columns(rule: Rule) -> tuple[str, ...]:
    named = rule.arguments.get("properties") or rule.arguments.get("columns") or ()
    if isinstance(named, str):
        named = (named,)
    return tuple(named) or ((rule.column,) if rule.column else ())


def _count(
    contract: Contract, rules: Sequence[Rule], connection: duckdb.DuckDBPyConnection, table: str, rows: int
) -> dict[int, int]:
    """Rule number -> rows counted, for all library rules that can be counted."""
    values = Values()
    parts: dict[int, str] = {}
    out: dict[int, int] = {}
    for number, rule in enumerate(rules):
        if rule.type != "library" or rule.metric not in METRICS or _why(contract, rule):
            continue
        if rule.metric == "rowCount":
            out[number] = rows
        elif rule.metric == "duplicateValues":
            out[number] = _repeated(connection, table, _columns(rule), rows)
        else:
            broken = []
            for name in _columns(rule):
                prop = contract.column(name)
                assert prop is not None
                broken.append(broken_row(rule, quote(name), prop.kind, values))
            parts[number] = f"count(*) FILTER (WHERE {' OR '.join(broken)})"
    if parts:
        found = connection.execute(f"SELECT {', '.join(parts.values())} FROM {table}", values.list).fetchone()
        out.update(zip(parts, (int(item) for item in found or ()), strict=True))
    return out


def _repeated(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rows: int) -> int:
    """Rows whose value another row before them has; rows with an empty part are not compared."""
    names = ", ".join(quote(name) for name in columns)
    present = " AND ".join(f"{quote(name)} IS NOT NULL" for name in columns)
    shares = rows // 1_000_000 + 1
    total = 0
    for share in range(shares):
        part = f" AND hash({names}) % {shares} = {share}" if shares > 1 else ""
        sql = f"SELECT sum(n - 1) FROM (SELECT count(*) AS n FROM {table} WHERE {present}{part} GROUP BY {names})"
        found = connection.execute(sql).fetchone()
        total += int(found[0] or 0) if found else 0
    return total


def _why(contract: Contract, rule: Rule) -> str:
    """Why a library rule cannot be counted, '' when it can."""
    if rule.metric not in METRICS:
        return f"There is no metric {rule.metric!r}; there are {', '.join(METRICS)}."
    if rule.metric == "rowCount":
        return ""
    if not _columns(rule):
        return f"{rule.metric} names no column."
    unknown = [name for name in _columns(rule) if contract.column(name) is None]
    if unknown:
        return f"The contract has no column {unknown[0]}."
    pattern = rule.arguments.get("pattern")
    if rule.metric == "invalidValues" and pattern and not pattern_works(str(pattern)):
        return "The pattern uses a form that cannot be checked (look-around or back reference)."
    return ""


def _sql(
    contract: Contract, rule: Rule, connection: duckdb.DuckDBPyConnection, view: str, seconds: float
) -> RuleResult:
    import duckdb

    met, _ = complaint(contract, rule.query or "", rule.column)
    if met:
        return _error(rule, met)
    watch = threading.Timer(seconds, connection.interrupt)
    watch.start()
    try:
        row = connection.execute(fill(rule.query or "", view, rule.column)).fetchone()
    except duckdb.InterruptException:
        return _error(rule, f"It took longer than {seconds:g} seconds.")
    except duckdb.Error as error:
        return _error(rule, str(error).splitlines()[0])
    finally:
        watch.cancel()
    if row is None or len(row) != 1:
        return _error(rule, "It gave no value.")
    value = row[0]
    if value is None:
        return _error(rule, "It gave an empty value.")
    value = value if isinstance(value, int | float | str | bool) else str(value)
    passed = holds(rule.operator, rule.operand, value)
    return _made(rule, passed, value[:SHOWN] if isinstance(value, str) else value, None, None)


def _result(rule: Rule, count: int, rows: int, aside: int = 0, *, refusable: bool = True) -> RuleResult:
    value: float = count
    if rule.unit == "percent":
        value = round(100.0 * count / rows, 6) if rows else 0.0
    passed = holds(rule.operator, rule.operand, value, rule.metric)
    failed = None if rule.metric == "rowCount" else count + aside
    return _made(rule, passed, value, failed, None, refusable=refusable)


def _error(rule: Rule, why: str) -> RuleResult:
    return _made(rule, None, None, None, why, refusable=True)


def _made(
    rule: Rule, passed: bool | None, value: Any, failed: int | None, error: str | None, *, refusable: bool = True
) -> RuleResult:
    machine = rule.type in ("library", "sql")
    refuses = refusable and machine and rule.severity == "error" and passed is not True
    return RuleResult(
        rule.name or rule.metric or rule.type,
        rule.type,
        rule.column,
        rule.severity,
        rule.dimension,
        rule.description,
        rule.metric,
        passed,
        value,
        expected(rule),
        rule.unit,
        failed,
        error,
        refuses,
    )


def expected(rule: Rule) -> str:
    """What the rule wants, as words."""
    if rule.type not in ("library", "sql"):
        return ""
    if rule.operator is None:
        return "must be more than 0" if rule.metric == "rowCount" else "must be 0"
    operand = rule.operand if isinstance(rule.operand, list | tuple) else [rule.operand]
    return OPERATORS.get(rule.operator, rule.operator + " {0}").format(*[_number(item) for item in operand])


def holds(operator: str | None, operand: Any, value: Any, metric: str | None = None) -> bool:
    """Whether a measured value satisfies an ODCS operator."""
    if operator is None:
        return bool(value > 0) if metric == "rowCount" else bool(value == 0)
    if operator in ("mustBe", "mustNotBe"):
        same = _same(value, operand)
        return same if operator == "mustBe" else not same
    try:
        number = float(value)
        if operator in ("mustBeBetween", "mustNotBeBetween"):
            low, high = (float(item) for item in operand)
            return (low <= number <= high) is (operator == "mustBeBetween")
        bound = float(operand)
    except (TypeError, ValueError):
        return False
    return {
        "mustBeGreaterThan": number > bound,
        "mustBeGreaterOrEqualTo": number >= bound,
        "mustBeLessThan": number < bound,
        "mustBeLessOrEqualTo": number <= bound,
    }.get(operator, False)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return str(value).lower() == str(wanted).lower()
    try:
        return float(value) == float(wanted)
    except (TypeError, ValueError):
        return str(value) == str(wanted)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}" if value != int(value) else f"{int(value):,}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
