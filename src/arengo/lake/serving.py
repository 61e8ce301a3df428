"""Clustered copies of a version for quick answers: built beside the lake, disposable at any time.

``.arengo/serving/<dataset>/v<n>.duckdb`` holds one native DuckDB table per layout, each sorted its own way;
``v<n>.sqlite`` the word index and the row store; ``v<n>.json`` says what is there and is written last. Run as
``python -m arengo.lake.serving`` it reads a plan on standard input, so the memory of a build is not the server's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.errors import LakeError
from arengo.lake.layout import ROW, quote, sort_term, text
from arengo.lake.relation import Access, parquet
from arengo.lake.version import Version

if TYPE_CHECKING:
    from arengo.settings import Settings

ROW_GROUP = 16_384
CLUSTER_FROM = 20_000
"""Below this many rows a scan of the lake's own file takes about a millisecond, so no copy is made for speed."""
APART_FROM = 16_000_000
"""From this many bytes a build runs in a process of its own."""
MOST_LAYOUTS = 6


@dataclass(frozen=True, slots=True)
class Clustered:
    """One copy. ``order``: its sort, ``-`` prefix for descending; ``main`` has the version's own order."""

    name: str
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copies:
    """What is ready for one version. ``schema`` is the name it is attached under."""

    schema: str
    database: str
    layouts: tuple[Clustered, ...]
    side: str | None  # SQLite file of word index and row store
    words: bool
    language: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a build needs, as plain values."""

    source: str
    columns: tuple[tuple[str, str], ...]  # name, kind
    layouts: tuple[Clustered, ...]
    search: tuple[str, ...]
    key: tuple[str, ...]
    side: bool
    language: str
    folder: str
    label: str
    threads: int
    memory: str


def worth(version: Version) -> bool:
    """Whether copies would make a difference: many rows, or text columns to search."""
    return version.rows > 0 and (version.rows >= CLUSTER_FROM or bool(version.extra.get("search")))


def layouts_for(version: Version, usage: Iterable[Sequence[str]] = ()) -> tuple[Clustered, ...]:
    """The copies a version calls for: its own order, the declared filter groups, time, and what readers asked for.

    ``usage``: column groups that measured queries were slow on, most expensive first.
    """
    out = [Clustered("main", ())]
    if version.rows < CLUSTER_FROM:
        return tuple(out)
    held = {column.name for column in version.schema}
    groups: list[tuple[str, ...]] = [tuple(group) for group in version.extra.get("filters", ())]
    time = version.extra.get("time", "")
    if time and not any(group[0].lstrip("-") == time for group in (*groups, version.sort) if group):
        groups.append((f"-{time}",))
    groups += [tuple(group) for group in usage]
    seen = {version.sort} if version.sort else set()
    for group in groups:
        known = tuple(item for item in group if item.lstrip("-") in held)
        if known and known not in seen and len(out) < MOST_LAYOUTS:
            seen.add(known)
            out.append(Clustered(f"by{len(out)}", known))
    return tuple(out)


def choose(layouts: Sequence[Clustered], version: Version, access: Access) -> Clustered:
    """The copy that leaves least to read: longest run of leading columns compared for equality, then the order."""
    time = str(version.extra.get("time", ""))

    def score(item: Clustered) -> tuple[int, int, int]:
        order = item.order or version.sort
        run = 0
        while run < len(order) and order[run].lstrip("-") in access.equals:
            run += 1
        rest = order[run:]
        ordered = 0
        for mine, wanted in zip(rest, access.order, strict=False):
            if mine.lstrip("-") != wanted.lstrip("-"):
                break
            ordered += 1
        leads_time = bool(time) and bool(rest) and rest[0].lstrip("-") == time
        range_ = 2 if access.time and leads_time else 0
        if access.box and not item.order and not version.sort and version.geometry is not None:
            range_ = max(range_, 1)
        return (run, max(ordered, range_), 1 if item.name == "main" else 0)

    return max(layouts, key=score)


def plan(version: Version, settings: Settings, folder: Path, layouts: Sequence[Clustered], source: str = "") -> Plan:
    search = tuple(name for name in version.extra.get("search", ()) if any(c.name == name for c in version.schema))
    return Plan(
        source=source or parquet(version),
        columns=tuple((column.name, column.kind.value) for column in version.schema),
        layouts=tuple(layouts),
        search=search,
        key=version.key,
        side=bool(search) or (bool(version.key) and version.rows >= CLUSTER_FROM),
        language=str(version.extra.get("language", "")),
        folder=str(folder),
        label=version.label,
        threads=settings.engine.threads,
        memory=settings.engine.job_memory,
    )


def ready(folder: Path, dataset: str, number: int) -> Copies | None:
    """The finished copies of a version, None when there are none."""
    try:
        body = orjson.loads((folder / f"v{number}.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return None
    return Copies(
        schema=f"{dataset} v{number}",
        database=str(folder / f"v{number}.duckdb"),
        layouts=tuple(Clustered(item["name"], tuple(item["order"])) for item in body["layouts"]),
        side=str(folder / f"v{number}.sqlite") if body["side"] else None,
        words=bool(body["search"]),
        language=body["language"],
    )


def build(work: Plan, apart: bool) -> None:
    """Build all copies of a plan, here or in a process of its own. Raises LakeError when that fails."""
    if not apart:
        _build(work)
        return
    done = subprocess.run(
        [sys.executable, "-m", "arengo.lake.serving"],
        input=orjson.dumps(asdict(work)),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise LakeError(
            f"The serving copies of {work.label} could not be built: {lines[-1]}",
            todo="Requests are answered from the lake meanwhile, slower.",
        )


def remove(folder: Path, keep: Iterable[int]) -> None:
    """Delete the copies of versions not in ``keep``, and what interrupted builds left."""
    labels = {f"v{number}" for number in keep}
    for path in list(folder.glob("v*.*")):
        label = path.name.split(".", 1)[0]
        if label not in labels or ".building" in path.name:
            path.unlink(missing_ok=True)


def _build(work: Plan) -> None:
    import duckdb

    from arengo.lake.engine import _prepare, load

    folder = Path(work.folder)
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / f"{work.label}.building-{os.getpid()}.duckdb"
    side = folder / f"{work.label}.building-{os.getpid()}.sqlite"
    spill = folder / f"spill-{os.getpid()}"
    leftovers = (database, Path(f"{database}.wal"), side, Path(f"{side}-journal"))
    try:
        connection = duckdb.connect(
            ":memory:",
            config={"threads": work.threads, "memory_limit": work.memory, "temp_directory": str(spill)},
        )
        try:
            _prepare(connection)
            connection.execute(f"ATTACH {text(str(database))} AS copy (ROW_GROUP_SIZE {ROW_GROUP})")
            for item in work.layouts:
                order = ", ".join([sort_term(term) for term in item.order] + [quote(ROW)])
                source = work.source if item.name == "main" else f"copy.{quote('main')}"
                connection.execute(f"CREATE TABLE copy.{quote(item.name)} AS SELECT * FROM {source} ORDER BY {order}")
            if work.side:
                from arengo.lake import words

                load(connection, "sqlite_scanner", "fts")
                words.build(connection, f"copy.{quote('main')}", work, side)
            connection.execute("DETACH copy")
        finally:
            connection.close()
        os.replace(database, folder / f"{work.label}.duckdb")
        if work.side:
            os.replace(side, folder / f"{work.label}.sqlite")
        body: Mapping[str, Any] = {
            "layouts": [asdict(item) for item in work.layouts],
            "side": work.side,
            "search": work.search,
            "language": work.language,
        }
        note = folder / f"{work.label}.building-{os.getpid()}.json"
        note.write_bytes(orjson.dumps(body))
        os.replace(note, folder / f"{work.label}.json")
    finally:
        for path in leftovers:
            path.unlink(missing_ok=True)
        if spill.is_dir():
            import shutil

            shutil.rmtree(spill, ignore_errors=True)


def main() -> None:
    body = orjson.loads(sys.stdin.buffer.read())
    body["layouts"] = tuple(Clustered(item["name"], tuple(item["order"])) for item in body["layouts"])
    body["columns"] = tuple((name, kind) for name, kind in body["columns"])
    body["search"] = tuple(body["search"])
    body["key"] = tuple(body["key"])
    _build(Plan(**body))


if __name__ == "__main__":
    main()
