"""Files that are added to by small ones: the *ground*, and *layers* that lie on it, each with what one change brought.

A file is written whole or not at all and never changed in place, so a file of a million persons would be written anew
for every few that come. What changes is put into a file of its own instead, which says on which one it lies. Layers are
put together so that each is more than twice as large as the one on it (the levels of O'Neil, Cheng, Gawlick, O'Neil,
*The log-structured merge-tree*, Acta Informatica 1996): of n rows there are at most log n, and a row is written log n
times, whatever number of changes came (reference: decision 0238).

Of one row a person (:class:`Persons`) the upper one counts. ``classes.parquet`` is the ground, ``classes.1.parquet``
lies on it, ``classes.2.parquet`` on that. Each has a mark of its own and names that of the one it lies on; where that
is another one now, it is left over from before, and is not read. So the moment a file gets its name is the one moment
at which all of them change, and a kill leaves what was or what is. Rows of releases are never told of otherwise, only
added to: the file of a version that grew names the files of earlier versions with the rows it lies on.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.errors import storage_full
from arengo.lake.layout import text

if TYPE_CHECKING:
    import duckdb

SUBJECT = "_subject"
ON = "on"
"""In the note of a file: the mark of the one it lies on; of a release, names of those with the rows it adds to."""
SMALL = 4_096
"""Rows up to which a layer is always put together with what comes on it."""
_TWICE = 2
_BUILDING = re.compile(r".+\.parquet\.building-([0-9]+)(?:-[0-9a-f]+)?")
_ENGINE = re.compile(r"engine-([0-9]+)-[0-9a-f]+")
_busy: set[Path] = set()
"""What this process is writing at the moment."""
_SHARE = 4
"""The ground is written anew when what lies on it is at least one in so many of its rows."""


def stay(rows: Sequence[int], more: int) -> int:
    """How many of some files, of so many ``rows`` each from the ground up, stay as they are when ``more`` rows are laid
    on them; the others are put together with these."""
    kept = len(rows)
    while kept and rows[kept - 1] <= max((_TWICE if kept > 1 else _SHARE) * more, SMALL):
        kept -= 1
        more += rows[kept]
    return kept


def rows_of(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _is_empty(path: Path) -> bool:
    import pyarrow as pa

    try:
        return rows_of(path) == 0
    except (OSError, pa.ArrowInvalid):
        return False


def scan(paths: Sequence[Path]) -> str:
    """SQL of the rows of some files with the same columns, to stand after FROM."""
    listed = ", ".join(text(str(path)) for path in paths)
    return f"read_parquet({listed})" if len(paths) == 1 else f"read_parquet([{listed}])"


@dataclass(frozen=True, slots=True)
class Persons:
    """A ground and its layers of (``_subject`` VARCHAR, ``column`` UBIGINT), one row a person."""

    ground: Path
    column: str

    def layer(self, number: int) -> Path:
        return self.ground.with_suffix(f".{number}.parquet") if number else self.ground

    def files(self) -> tuple[tuple[Path, dict[str, Any]], ...]:
        """Each file that counts, with its note, the ground first; () where there is none that can be read."""
        found: list[tuple[Path, dict[str, Any]]] = []
        while note := note_of(self.layer(len(found))):
            if found and note.get(ON) != found[-1][1].get("mark"):
                break
            found.append((self.layer(len(found)), note))
        return tuple(found)

    def note(self) -> dict[str, Any]:
        """What was said with the last change; {} where there is nothing."""
        held = self.files()
        return {key: value for key, value in held[-1][1].items() if key != ON} if held else {}

    def sql(self) -> str:
        """To stand after FROM, '' where there is nothing."""
        return self._read([path for path, _ in self.files()])

    def _read(self, paths: Sequence[Path]) -> str:
        if len(paths) < 2:
            return scan(paths) if paths else ""
        parts = [
            f"SELECT {SUBJECT}, {self.column} FROM {scan([path])} ANTI JOIN (SELECT {SUBJECT} FROM "
            f"{scan(paths[at:])}) USING ({SUBJECT})"
            for at, path in enumerate(paths[:-1], start=1)
        ]
        return f"({' UNION ALL '.join(parts)} UNION ALL SELECT {SUBJECT}, {self.column} FROM {scan(paths[-1:])})"

    def whole(self, connection: duckdb.DuckDBPyConnection, sql: str, note: Mapping[str, Any]) -> None:
        """All of it anew."""
        write(connection, sql, self.ground, {**note, "mark": secrets.token_hex(16)})
        # What lay on the ground before tells of persons who may be gone. Who is reading it finds nobody.
        for path in self.left():
            if not _is_empty(path):
                write(connection, f"SELECT * FROM {scan([self.ground])} WHERE false", path)

    def lay(self, connection: duckdb.DuckDBPyConnection, sql: str, note: Mapping[str, Any]) -> None:
        """Say another thing of some persons, or tell of new ones. ``sql`` is read more than once."""
        held = self.files()
        if not held or not held[0][1].get("mark"):  # from before there were layers
            paths = [path for path, _ in held]
            self.whole(connection, self._over(sql, paths), note)
            return
        (more,) = connection.execute(f"SELECT count(*) FROM ({sql})").fetchone() or (0,)
        kept = stay([rows_of(path) for path, _ in held], int(more))
        if not kept:
            self.whole(connection, self._over(sql, [path for path, _ in held]), note)
            return
        joined = self._over(sql, [path for path, _ in held[kept:]])
        told = {**note, "mark": secrets.token_hex(16), ON: held[kept - 1][1]["mark"]}
        write(connection, joined, self.layer(kept), told)

    def _over(self, sql: str, paths: Sequence[Path]) -> str:
        held = self._read(paths)
        chosen = f"SELECT {SUBJECT}, {self.column} FROM "
        if not held:
            return f"{chosen}({sql})"
        return f"{chosen}{held} ANTI JOIN (SELECT {SUBJECT} FROM ({sql})) USING ({SUBJECT}) UNION ALL {chosen}({sql})"

    def left(self) -> list[Path]:
        """The layers there are as files, whether they count or not."""
        stem = self.ground.name.removesuffix(".parquet")
        return [path for path in self.ground.parent.glob(f"{stem}.*.parquet") if path != self.ground]

    def remove(self) -> None:
        for path in (self.ground, *self.left()):
            path.unlink(missing_ok=True)


# Rows of releases


def path_of(home: Path, dataset: str, number: int) -> Path:
    """The file of a release under ``home`` (``.arengo/privacy``)."""
    return home / "releases" / dataset / f"v{number}.parquet"


def files_of(home: Path, dataset: str, number: int) -> tuple[Path, ...]:
    """The files that hold the rows of a release, its own the last; () when one of them is gone."""
    path = path_of(home, dataset, number)
    files = (*(path.with_name(name) for name in note_of(path).get(ON, ())), path)
    return files if all(file.is_file() for file in files) else ()


def count_of(home: Path, dataset: str, number: int) -> int:
    """Rows of a release in its files, -1 when one of them is gone."""
    files = files_of(home, dataset, number)
    return sum(rows_of(file) for file in files) if files else -1


def state_of(home: Path, dataset: str, number: int) -> list[int]:
    """What tells whether the files of a release are the ones that were written with it; [] when one is gone."""
    held = [file.stat() for file in files_of(home, dataset, number)]
    return [number for item in held for number in (item.st_size, item.st_mtime_ns, item.st_ino)]


# Files


def write(connection: duckdb.DuckDBPyConnection, sql: str, path: Path, note: Mapping[str, Any] | None = None) -> None:
    """A query into a Parquet file that is there whole or not at all. Raises StorageFull."""
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f"{path.name}.building-{os.getpid()}-{secrets.token_hex(4)}")
    told = f", KV_METADATA {{arengo: {text(orjson.dumps(note).decode())}}}" if note else ""
    _busy.add(building)
    try:
        connection.execute(f"COPY ({sql}) TO {text(str(building))} (FORMAT parquet, COMPRESSION zstd{told})")
        with open(building, "rb") as file:
            os.fsync(file.fileno())
        os.replace(building, path)
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except Exception as error:
        full = storage_full(error)
        if full is not None:
            raise full from None
        raise
    finally:
        with contextlib.suppress(OSError):
            building.unlink()
        _busy.discard(building)


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder for what an engine puts aside while it works: its own, since one that closes clears the folder up."""
    path = folder / f"engine-{os.getpid()}-{secrets.token_hex(4)}"
    _busy.add(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        _busy.discard(path)


def sweep(folder: Path) -> None:
    """Remove what killed processes left half written in a folder and those in it: it may tell of anybody."""
    for path in sorted(folder.rglob("*.parquet.building-*")) if folder.is_dir() else ():
        named = _BUILDING.fullmatch(path.name)
        if named is not None and path.is_file() and path not in _busy and not _works(int(named[1]), path):
            path.unlink(missing_ok=True)


def sweep_scratch(folder: Path) -> None:
    """Remove what engines of killed processes put aside (:func:`scratch`)."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        named = _ENGINE.fullmatch(path.name)
        if path.is_file():  # from before each had a folder of its own
            path.unlink(missing_ok=True)
        elif named is not None and path not in _busy and not _works(int(named[1]), path):
            shutil.rmtree(path, ignore_errors=True)


def _works(process: int, path: Path) -> bool:
    """Whether another process of that number runs that may be writing to ``path``: one that began after the last change
    only has the number of a former one, as processes in containers often have."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's
    try:
        ticks = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text().split()[0])
        began = time.time() - up + ticks / os.sysconf("SC_CLK_TCK")
        return path.stat().st_mtime > began - 1
    except (OSError, ValueError, IndexError):
        return path.exists()


def note_of(path: Path) -> dict[str, Any]:
    """What was written into a file's metadata; {} when there is no such file or it cannot be read."""
    if not path.is_file():
        return {}
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = (pq.read_metadata(path).metadata or {}).get(b"arengo", b"{}")
        told = orjson.loads(found)
    except (OSError, pa.ArrowInvalid, orjson.JSONDecodeError):
        return {}
    return told if isinstance(told, dict) else {}
