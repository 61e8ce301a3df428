"""``arengo doctor``: looks at the installation and the city, and says what to mend."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from arengo.errors import ArengoError

FREE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``todo`` is empty when it is good."""

    what: str
    good: bool
    met: str
    todo: str = ""


def examine(city: Path) -> list[Finding]:
    """Every check, in the order in which a failure would stop a newcomer."""
    found = [*_installation()]
    if not (city / "city.toml").is_file():
        found.append(Finding("city", True, f"{city} is no city folder, so only the installation was looked at"))
        return found
    found += _city(city)
    return found


def _installation() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding(
        "python", sys.version_info >= (3, 11), version, "" if sys.version_info >= (3, 11) else "3.11 or newer."
    )
    yield _try("engine", _engine, "Install again: make setup.")
    vendor = Path(__file__).parent / "portal" / "static" / "vendor"
    good = (vendor / "maplibre").is_dir()
    yield Finding(
        "web assets",
        good,
        "present" if good else "maps and fonts are missing",
        "" if good else "Run make setup (needs Node).",
    )


def _engine() -> str:
    import duckdb

    from arengo.lake.engine import extension_path

    with duckdb.connect(":memory:") as connection:
        for name in ("spatial", "fts"):
            connection.execute("LOAD '" + str(extension_path(name)).replace("'", "''") + "'")
    return f"DuckDB {duckdb.__version__} with spatial and fts"


def _city(root: Path) -> Iterator[Finding]:
    from arengo.city import open_city

    try:
        city = open_city(root)
    except ArengoError as error:
        yield Finding("settings", False, error.met, error.todo or "See docs/reference/settings.md.")
        return
    yield Finding("settings", True, f"{city.settings.city.name}, {root / 'city.toml'}")
    free = shutil.disk_usage(root).free
    yield Finding(
        "disk",
        free > FREE_BYTES,
        f"{free / 1e9:.1f} GB free",
        "" if free > FREE_BYTES else "Publishing needs room for the new version beside the old.",
    )
    with city:
        yield _try(
            "state", lambda: f"{city.settings.state_url.split('@')[-1]}, {len(city.lake.datasets())} datasets", ""
        )
        yield _try("lake", lambda: _files(city), "Restore the missing files from a backup, then publish again.")
        yield _try("record", lambda: f"{city.ledger.check():,} entries that continue what was signed", "")
        bad = {
            path.name for path, items in city.folder.lint().items() if any(item.severity == "error" for item in items)
        }
        yield Finding(
            "contracts",
            not bad,
            f"{len(city.folder.paths())} contracts" + (f", with errors: {', '.join(sorted(bad))}" if bad else ""),
            "Run arengo lint." if bad else "",
        )


def _files(city: object) -> str:
    from arengo.city import City

    assert isinstance(city, City)
    missing = count = 0
    for dataset in city.lake.datasets():
        version = city.lake.resolve(dataset)
        count += len(version.files)
        missing += sum("://" not in item.path and not Path(item.path).is_file() for item in version.files)
    if missing:
        raise FileNotFoundError(f"{missing} of {count} files of the newest versions are missing")
    return f"{count} files of the newest versions are there"


def _try(what: str, look: Callable[[], str], todo: str) -> Finding:
    try:
        return Finding(what, True, look())
    except ArengoError as error:
        return Finding(what, False, error.met, error.todo or todo)
    except Exception as error:  # a doctor reports what it finds, whatever it is
        return Finding(what, False, f"{type(error).__name__}: {error}", todo)
