"""Rows past their retention: not taken in by a publication, and taken out of what is held.

A row ages from the column ``arengoRetentionFrom`` names; it is due when the longest retention of the contract's
purposes has passed since. What is held loses due rows by a version without them; the versions that still had them are
dropped by whoever calls. A row whose day is unknown is kept.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from arengo.contract import purpose
from arengo.contract.model import Contract, Kind, Property
from arengo.errors import ArengoError, Busy, LakeError, OperatorError, PublicationHeld
from arengo.lake.layout import ROW, quote
from arengo.lake.version import Staged
from arengo.publish import run as records
from arengo.state.register import holds

if TYPE_CHECKING:
    import pyarrow as pa

    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.privacy.verdict import Verdict
    from arengo.settings import Settings
    from arengo.state import State


_log = logging.getLogger(__name__)


def held(state: State, contract: Contract) -> bool:
    """Whether a legal hold stands on the dataset, in its contract or in the register."""
    if purpose.legal_hold(contract) is not None:
        return True
    with state.read() as connection:
        return bool(holds(connection, contract.id))


def leave_out(staged: Staged, contract: Contract, now: datetime) -> int:
    """Take rows that are due out of what a publication staged; how many."""
    import duckdb

    from arengo.quality.staging import Parts, parts_of

    aging = purpose.aging(contract, now)
    if aging is None or aging[0].name not in {name for name, _, _ in staged.columns}:
        return 0
    parts = Parts(parts_of(staged.database))
    parts.paths = sorted(parts.folder.glob("*.parquet"))
    connection = duckdb.connect(str(staged.database), config={"threads": 1, "autoload_known_extensions": False})
    try:
        number = quote(staged.number)
        due = f"SELECT {number} FROM {quote(staged.table)} WHERE {_due(*aging)}"
        return parts.take_out(connection, staged.table, staged.number, due)
    finally:
        connection.close()


def aged(lake: Lake, version: Version, column: Property, before: datetime) -> int:
    """How many rows of a version are due. 0 when it has no such column."""
    from arengo.lake.engine import job

    if not _has(version, column) or not version.files:
        return 0
    scratch = lake.settings.home / "runs" / f"due-{version.dataset}-{version.number}"
    try:
        with job(lake.settings, scratch) as connection:
            sql = f"SELECT count(*) FROM {lake.source(version)} WHERE {_due(column, before)}"
            row = connection.execute(sql).fetchone()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return int(row[0]) if row else 0


def dispose(
    settings: Settings, state: State, lake: Lake, contract: Contract, column: Property, before: datetime, at: datetime
) -> tuple[int, int | None]:
    """Publish the newest version without its due rows: how many went, and the new version's number.

    (0, None) when none is due. It is a publication like any other, with its run, profile and quality report; a rule
    that refuses at publication does not refuse here, since the law does not wait for it.
    """
    with state.hold(f"publish {contract.id}", wait=600.0):
        _end(state, lake, contract.id)
        version = lake.newest(contract.id)
        rows = aged(lake, version, column, before) if version is not None else 0
        if version is None or not rows:
            return 0, None
        made = _version(settings, state, lake, contract, version, _due(column, before), at)
        return version.rows - made.rows, made.number


def put_back(
    settings: Settings, state: State, lake: Lake, contract: Contract, rows: pa.Table, at: datetime, whose: str = ""
) -> int | None:
    """Publish the newest version with rows it once had (:func:`arengo.lake.erasure.rows`); the new version's number.

    Rows whose key is there already are left out; None when none is left. ``whose``: blind number of the person they
    are about. It is a publication: the gate judges it. Raises PublicationHeld unless it passes or people decided so.
    """
    with state.hold(f"publish {contract.id}", wait=600.0):
        _end(state, lake, contract.id)
        version = lake.newest(contract.id)
        if version is None:
            return None
        try:
            return _version(settings, state, lake, contract, version, "false", at, rows, whose).number
        except _Nothing:
            return None


class _Nothing(LakeError):
    """The rows are there already."""


def _version(
    settings: Settings,
    state: State,
    lake: Lake,
    contract: Contract,
    version: Version,
    due: str,
    at: datetime,
    more: pa.Table | None = None,
    whose: str = "",
) -> Version:
    """A run that publishes the newest version without the rows that are ``due`` and with ``more``."""
    run = records.Run(
        records.new_id(contract.id),
        contract.id,
        records.RETENTION,
        records.RUNNING,
        "commit",
        started_at=datetime.now(UTC),
    )
    records.insert(state, run)
    folder = settings.home / "runs" / run.id
    try:
        meant = contract_of(state, contract, version)
        there = {column.name for column in version.schema}
        now = contract if {item.name for item in contract.properties} <= there else meant
        made = _publish(settings, state, lake, meant, version, due, run.id, folder, at, more, whose, now)
        _judge(settings, state, lake, meant, made, run.id, at)
    except BaseException as error:
        told = {"code": getattr(error, "code", "error"), "message": str(error) or type(error).__name__}
        ended_as = records.REFUSED if isinstance(error, PublicationHeld) else records.FAILED
        records.update(state, replace(run, state=ended_as, ended_at=datetime.now(UTC), error=told))
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ended = datetime.now(UTC)
    started = run.started_at or ended
    step = records.StepRecord("commit", "done", started, round((ended - started).total_seconds(), 3), made.rows)
    done = replace(
        run, state=records.SUCCEEDED, ended_at=ended, steps=(step,), rows_in=made.rows, rows=made.rows,
        quarantined=0, version=made.number,
    )  # fmt: skip
    records.update(state, done)
    return made


def end_killed(state: State, lake: Lake, dataset: str) -> None:
    """Give runs that a kill left unfinished their end; nothing while the dataset is being published."""
    with contextlib.suppress(Busy), state.hold(f"publish {dataset}"):
        _end(state, lake, dataset)


def _end(state: State, lake: Lake, dataset: str) -> None:
    """Whoever holds the dataset knows that no disposal of it is alive."""
    from arengo.publish.recovery import give_up

    for item in records.listed(state, dataset):
        if item.trigger == records.RETENTION and not item.finished:
            give_up(state, lake, item, OperatorError("The disposal was interrupted.", todo="Run it again."))


def _judge(
    settings: Settings, state: State, lake: Lake, contract: Contract, made: Version, run: str, at: datetime
) -> None:
    """Keep what the gate says of what is left: groups are smaller now. The law waits for no verdict."""
    from arengo.privacy.verdicts import DECIDED, PUBLISHED, Verdicts
    from arengo.publish.safety import Safety

    if contract.access != "open":
        return
    try:
        verdict = replace(Safety(settings, state, lake).again(contract, made, at), run=run)
        decided = verdict.outcome != "pass" and Verdicts(state).cover(verdict) is not None
        Verdicts(state).keep(verdict, DECIDED if decided else PUBLISHED, made.number)
    except ArengoError as error:
        _log.warning("the gate could not look at %s again: %s", contract.id, error)


def _publish(
    settings: Settings,
    state: State,
    lake: Lake,
    contract: Contract,
    version: Version,
    due: str,
    run: str,
    folder: Path,
    at: datetime,
    more: pa.Table | None = None,
    whose: str = "",
    now: Contract | None = None,
) -> Version:
    """``now``: what the contract says today, by which rows that come back are judged."""
    from arengo.lake.engine import translated
    from arengo.quality import Counts, check, profile

    threads = settings.engine.threads
    with translated(folder):
        staged = stage(lake, version, due, folder, more)
        counts = Counts(staged.rows, staged.rows, 0)
        reports: dict[str, Path] = {}
        for name, body in (
            ("quality", check(contract, staged, counts, threads=threads).as_dict()),
            ("profile", profile(contract, staged, counts, threads=threads)),
        ):
            reports[name] = _written(folder / f"{name}.json", body)
    documents = lake.report(version, "documents")
    if documents:
        reports["documents"] = folder / "documents.json"
        reports["documents"].write_bytes(documents)
    from arengo.publish import exposure
    from arengo.publish.safety import Safety

    safety = Safety(settings, state, lake)
    if more is not None and staged.rows > version.rows:
        _let_through(state, exposure.judge_back(safety, now or contract, version, staged, at, run, whose))
    safety.entries.lessen(contract, version, staged, lake.next_number(contract.id), at, whose)
    made = lake.commit(
        contract, staged, run=run, published_at=at, rows_in=staged.rows, quarantined=0,
        fingerprint=version.fingerprint, reports=reports,
    )  # fmt: skip
    if made is None:
        safety.entries.clear(contract.id)
        if more is not None:
            raise _Nothing(f"The rows of {contract.id} are there already.")
        raise LakeError(f"The rows of {contract.id} that are due could not be taken out.", todo="Run it again.")
    return made


def _let_through(state: State, verdict: Verdict) -> None:
    """Raises PublicationHeld, and puts it on the desk, unless it passes or people decided that it may."""
    from arengo.privacy.verdicts import HELD, Verdicts

    verdicts = Verdicts(state)
    if verdict.outcome != "pass" and verdicts.cover(verdict) is None:
        verdicts.keep(verdict, HELD)
        raise PublicationHeld(
            verdict.said(),
            todo=f"The rows are not put back by this. Look at it and decide at /datasets/{verdict.dataset}/privacy; "
            "'arengo erasure resume' goes on with it.",
        )


def stage(lake: Lake, version: Version, due: str, folder: Path, more: pa.Table | None = None) -> Staged:
    """A version's rows that stay, and ``more`` behind them, as a publication stages them."""
    import duckdb

    from arengo.quality.staging import Parts

    database, table = folder / "staged.duckdb", "staged"
    parts = Parts.anew(database)
    source = lake.source(version)
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": lake.settings.engine.job_memory,
        "temp_directory": str(folder / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(str(database), config=config)
    try:
        kept = f"SELECT * FROM {source} WHERE ({due}) IS NOT TRUE ORDER BY {quote(ROW)}"
        rows = parts.add(connection, kept, ())
        if more is not None:
            connection.register("more", more)
            match = " AND ".join(f"o.{quote(name)} IS NOT DISTINCT FROM n.{quote(name)}" for name in version.key)
            there = f" ANTI JOIN {source} o ON {match}" if version.key else ""
            first = int(version.extra["next_row"])
            again = f"* REPLACE (CAST({first} + row_number() OVER () - 1 AS BIGINT) AS {quote(ROW)})"
            rows += parts.add(connection, f"SELECT {again} FROM (SELECT n.* FROM more n{there})", ())
        parts.show(connection, table, ROW, f"SELECT * FROM {source}")
    finally:
        connection.close()
    columns = tuple((column.name, column.kind, column.required) for column in version.schema)
    return Staged(database, table, columns, version.geometry, rows, ROW)


def contract_of(state: State, contract: Contract, version: Version) -> Contract:
    """The contract the version was made with: a disposal changes the rows, never what they mean."""
    from arengo.contract.load import loads

    text = state.contract_text(contract.id, version.contract_sha)
    base = contract.source.base if contract.source is not None else None
    return loads(text, base=base) if text else contract


def _has(version: Version, column: Property) -> bool:
    return any(item.name == column.name and item.kind is column.kind for item in version.schema)


def _due(column: Property, before: datetime) -> str:
    moment = before.astimezone(UTC)
    literal = f"DATE '{moment:%Y-%m-%d}'" if column.kind is Kind.DATE else f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}'"
    return f"{quote(column.name)} < {literal}"


def _written(path: Path, body: Mapping[str, object]) -> Path:
    path.write_bytes(orjson.dumps(body))
    return path
