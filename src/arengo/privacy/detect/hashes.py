"""Hashes without a key, and what they stand for: the pre-images of small domains are found by trying them.

As with the medallions of New York's taxis (Pandurangan, 2014), whose 173 million trips were unmasked in an hour: MD5
of a licence is a licence. A keyed pseudonym never meets a tried value.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arengo.lake.layout import quote
from arengo.privacy.detect.domains import CONSTANTS, domains

if TYPE_CHECKING:
    import duckdb

BUDGET = 10_000_000
"""Values of one domain that are tried with one algorithm of the engine."""
TOTAL = 60_000_000
"""Values tried for one column over all domains."""
SECONDS = 60.0
"""Of the processor; after them no further domain is begun. A busy machine takes longer and finds the same."""
SLOW = 300_000
"""Values of one domain that are tried with an algorithm the engine has not."""
OTHERS = 300_000
"""Distinct values of each other column that are tried."""
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]{16,128}")
_ENGINE = {"md5": 32, "sha1": 40, "sha256": 64}
_PYTHON: dict[str, tuple[int, Callable[[bytes], str]]] = {
    "sha224": (56, lambda value: hashlib.sha224(value).hexdigest()),
    "sha384": (96, lambda value: hashlib.sha384(value).hexdigest()),
    "sha512": (128, lambda value: hashlib.sha512(value).hexdigest()),
    "sha3-256": (64, lambda value: hashlib.sha3_256(value).hexdigest()),
    "blake2b-128": (32, lambda value: hashlib.blake2b(value, digest_size=16).hexdigest()),
    "blake2b-160": (40, lambda value: hashlib.blake2b(value, digest_size=20).hexdigest()),
    "blake2b-256": (64, lambda value: hashlib.blake2b(value, digest_size=32).hexdigest()),
    "blake2b": (128, lambda value: hashlib.blake2b(value).hexdigest()),
    "blake2s": (64, lambda value: hashlib.blake2s(value).hexdigest()),
}  # fmt: skip
_TABLE = '"_detect_hashes"'


@dataclass(frozen=True, slots=True)
class Recovered:
    """``recovered`` of ``distinct`` different hashes were met, the most of them in ``domain`` by ``algorithm``; never
    which. ``tried``: values that were hashed."""

    column: str
    distinct: int
    recovered: int = 0
    domain: str = ""
    algorithm: str = ""
    tried: int = 0


def width(values: Iterable[str]) -> int:
    """Hexadecimal digits of the hashes a column holds, 0 when it holds none. ``values``: some distinct ones."""
    told = list(map(digits, values))
    lengths = {len(item) for item in told if item}
    good = sum(bool(item) for item in told)
    if not told or good < 0.95 * len(told) or len(lengths) != 1:
        return 0
    length = lengths.pop()
    # Sixteen digits and more of a number are a number, not a hash.
    letters = sum(not item.isdigit() for item in told if item)
    return length if letters >= 0.8 * good else 0


def digits(value: str) -> str:
    """The hexadecimal digits of a hash written in hexadecimal or base64, '' when it is written as neither."""
    if _HEX.fullmatch(value):
        bare = value.lower().removeprefix("0x")
        return bare if len(bare) % 2 == 0 else ""
    if value == value.upper():
        return ""  # a digest in base64 has small letters; numbers of supply points have not
    if len(value) in (22, 24, 27, 28, 38, 40, 43, 44, 64, 86, 88) and re.fullmatch(r"[A-Za-z0-9+/_\-]+={0,2}", value):
        try:
            padded = value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4)
            made = base64.b64decode(padded, altchars=b"-_" if "-" in value or "_" in value else None, validate=True)
        except (binascii.Error, ValueError):
            return ""
        return made.hex() if len(made) in (16, 20, 28, 32, 48, 64) else ""
    return ""


def recover(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    length: int,
    others: Sequence[tuple[str, str]] = (),
    country: str = "",
    *,
    budget: int = BUDGET,
    plates: bool = False,
    late: bool = False,
) -> Recovered:
    """Tries constants, ``others`` (name, SQL of one column ``v`` of texts) and the domains of ``country`` until some
    hashes of ``column`` are met. ``length``: from :func:`width`. ``plates``: the column's name speaks of number
    plates; ``late``: they may be that as well."""
    name = quote(column)
    distinct = _load(connection, f"SELECT DISTINCT CAST({name} AS VARCHAR) FROM {table} WHERE {name} IS NOT NULL")
    try:
        return _tried(connection, column, length, distinct, others, country, budget, plates, late)
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {_TABLE}")


def _load(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    import pyarrow as pa

    held: set[str] = set()
    cursor = connection.execute(sql)
    while chunk := cursor.fetchmany(50_000):
        held.update(item for (value,) in chunk if (item := digits(value.strip())))
    found = pa.table({"h": pa.array(sorted(held), pa.string())})
    connection.register("_detect_load", found)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS SELECT h FROM _detect_load")
    connection.unregister("_detect_load")
    return len(held)


def _tried(
    connection: duckdb.DuckDBPyConnection, column: str, length: int, distinct: int,
    others: Sequence[tuple[str, str]], country: str, budget: int, plates: bool,
    late: bool,
) -> Recovered:  # fmt: skip
    best = Recovered(column, distinct)
    spent = 0
    constants = "(SELECT unnest([" + ", ".join(f"'{item}'" for item in CONSTANTS) + "]) AS v)"
    near = [("a constant", constants, len(CONSTANTS))]
    near += [(name if name.startswith("numbers of ") else f"the column {name}", sql, OTHERS) for name, sql in others]
    full = [name for name, size in _ENGINE.items() if size == length]
    cut = [name for name, size in _ENGINE.items() if size > length]
    slow = [name for name, (size, _) in _PYTHON.items() if size == length]
    constant = 0
    for domain, sql, n in near:
        for algorithm in (*full, *cut):
            met = _engine(connection, algorithm, sql, length)
            spent += n
            best = _better(best, met, domain, algorithm)
            constant = max(constant, met if domain == "a constant" else 0)
        for algorithm in slow:
            met = _slow(connection, algorithm, sql)
            best = _better(best, met, domain, algorithm)
            constant = max(constant, met if domain == "a constant" else 0)
    if best.recovered > constant:
        return _with(best, spent)
    until = time.process_time() + SECONDS
    for item in domains(country, plates, late):
        if time.process_time() > until:
            break
        for algorithm in full or cut:
            sql, n = item.values(min(budget, TOTAL - spent))
            if n <= 0:  # the budget is spent
                return _with(best, spent)
            spent += n
            best = _better(best, _engine(connection, algorithm, sql, length), item.name, algorithm)
        for algorithm in () if best.recovered > constant else slow:
            sql, n = item.values(min(SLOW, budget))
            spent += n
            best = _better(best, _slow(connection, algorithm, sql), item.name, algorithm)
        if best.recovered > max(constant, 0.02 * distinct):
            break
    return _with(best, spent)


def _engine(connection: duckdb.DuckDBPyConnection, algorithm: str, sql: str, length: int) -> int:
    found = connection.execute(
        f"SELECT count(DISTINCT h) FROM (SELECT left({algorithm}(v), {length}) AS h FROM {sql} AS d WHERE v IS NOT "
        f"NULL) SEMI JOIN {_TABLE} USING (h)"
    ).fetchone()
    return int(found[0]) if found else 0


def _slow(connection: duckdb.DuckDBPyConnection, algorithm: str, sql: str) -> int:
    held = {value for (value,) in connection.execute(f"SELECT h FROM {_TABLE}").fetchall()}
    made = _PYTHON[algorithm][1]
    met: set[str] = set()
    cursor = connection.execute(f"SELECT v FROM {sql} AS d WHERE v IS NOT NULL LIMIT {SLOW}")
    while chunk := cursor.fetchmany(50_000):
        met.update(item for (value,) in chunk if (item := made(value.encode())) in held)
    return len(met)


def _better(best: Recovered, met: int, domain: str, algorithm: str) -> Recovered:
    if met <= best.recovered:
        return best
    return Recovered(best.column, best.distinct, met, domain, algorithm)


def _with(best: Recovered, tried: int) -> Recovered:
    return Recovered(best.column, best.distinct, best.recovered, best.domain, best.algorithm, tried)
