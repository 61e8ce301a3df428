"""Which catalogues are harvested: one TOML file each in the city's folder ``harvest/``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from arengo.errors import Place, SettingsError, UnknownDataset

KINDS = ("ckan", "dcat", "arcgis", "csw", "records")


@dataclass(frozen=True, slots=True)
class Declared:
    """One source. ``address``: http(s) address or a file of the city folder. ``licence``: of records that name none.

    ``keep_misses``: runs in a row that may miss a record before it becomes a tombstone. ``shrink``: a run that finds so
    much less (share) of what is listed swaps nothing. ``every``: hours between two runs. ``longest``: hours after which
    a run is given up. ``limit``: records that are read at most. ``fq``: filter of a CKAN source.
    """

    id: str
    title: str
    kind: str
    address: str
    licence: str = ""
    language: str = "en"
    fq: str = ""
    theme: str = ""
    keep_misses: int = 2
    shrink: float = 0.2
    every: float = 24.0
    longest: float = 6.0
    limit: int = 1_000_000
    enabled: bool = True


_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
_WANTED = {item.name: item for item in fields(Declared) if item.name != "id"}


def declared(root: Path) -> dict[str, Declared]:
    """The sources of a city folder by id (the file's name). Raises SettingsError with file and what is wrong."""
    out: dict[str, Declared] = {}
    for path in sorted((root / "harvest").glob("*.toml")):
        out[path.stem] = _read(path)
    return out


def chosen(root: Path, names: Sequence[str]) -> list[Declared]:
    """The sources named, all that are enabled when none is. Raises UnknownDataset, SettingsError."""
    known = declared(root)
    for name in names:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise UnknownDataset(f"No file harvest/{name}.toml is there.", todo=f"Known: {listed}.")
    return [known[name] for name in names] or [item for item in known.values() if item.enabled]


def _read(path: Path) -> Declared:
    place = Place(file=f"harvest/{path.name}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", path.stem):
        raise SettingsError("The file's name is the source's id.", todo="Use a-z, 0-9 and hyphens.", place=place)
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"This is not TOML: {error}.", place=place) from error
    for name, value in raw.items():
        item = _WANTED.get(name)
        if item is None:
            raise SettingsError(f"There is no setting {name}.", todo=f"Known here: {', '.join(_WANTED)}.", place=place)
        kind: tuple[type, ...] = _KINDS[str(item.type)]
        if not isinstance(value, kind) or (isinstance(value, bool) and item.type != "bool"):
            raise SettingsError(f"{name} is {value!r}, but a {item.type} is wanted.", place=place)
    for name in ("address", "kind"):
        if not raw.get(name):
            raise SettingsError(f"{name} is missing.", todo=f"kind is one of {', '.join(KINDS)}.", place=place)
    if raw["kind"] not in KINDS:
        raise SettingsError(f"kind is {raw['kind']!r}.", todo=f"Write one of {', '.join(KINDS)}.", place=place)
    if not 0 <= float(raw.get("shrink", 0.2)) <= 1:
        raise SettingsError("shrink is a share from 0 to 1.", place=place)
    raw.setdefault("title", path.stem)
    return Declared(id=path.stem, **raw)
