"""Original files of documents, kept beside the versions under the SHA-256 of their bytes.

``versions/<dataset>/originals/<sha256>.<suffix>``: a file that is in many versions lies there once. Which ones a
version needs stands in its report ``documents`` (a JSON list of these names); the others go with the next clean-up.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from arengo.lake.store import Lake
    from arengo.lake.version import Version

REPORT = "documents"
_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,8}")


def folder(lake: Lake, dataset: str) -> Path:
    return lake.folder / dataset / "originals"


def keep(lake: Lake, dataset: str, incoming: Path) -> None:
    """Move the files of ``incoming`` (on the same disk) to the dataset's originals."""
    place = folder(lake, dataset)
    place.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name for path in incoming.iterdir() if _NAME.fullmatch(path.name))
    for name in names:
        if (place / name).exists():
            os.utime(place / name)  # young again: no clean-up takes it before its version is there
            continue
        with (incoming / name).open("rb") as file:
            os.fsync(file.fileno())
        os.replace(incoming / name, place / name)


def find(lake: Lake, version: Version, checksum: str) -> Path | None:
    """The original with that SHA-256 among the documents of ``version``."""
    for name in listed(lake, version):
        if name.startswith(f"{checksum}."):
            path = folder(lake, version.dataset) / name
            return path if path.is_file() else None
    return None


def listed(lake: Lake, version: Version) -> tuple[str, ...]:
    """Names of the originals a version needs."""
    body = lake.report(version, REPORT)
    return tuple(name for name in orjson.loads(body) if _NAME.fullmatch(name)) if body else ()


def sweep(lake: Lake, dataset: str, versions: Iterable[Version], before: float) -> tuple[int, int]:
    """Delete originals that no version needs and that are older than ``before``; (files, bytes) freed."""
    place = folder(lake, dataset)
    if not place.is_dir():
        return 0, 0
    needed = {name for version in versions for name in listed(lake, version)}
    files = size = 0
    for path in place.iterdir():
        about = path.stat()
        if path.name not in needed and about.st_mtime < min(before, time.time()):
            path.unlink(missing_ok=True)
            files += 1
            size += about.st_size
    return files, size
