"""The catalogue as a file, for who takes it by other ways than HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from arengo.catalogue import Catalogue
from arengo.errors import BadQuery
from arengo.faces.dcat.catalogue import dump
from arengo.faces.dcat.graph import FORMS

if TYPE_CHECKING:
    from arengo.settings import CitySettings


def write(
    held: Catalogue, city: CitySettings, path: Path, url: str = "", profile: str = "eu", harvested: bool = False
) -> int:
    """The whole catalogue into ``path``, which is there only when it is complete; returns its bytes.

    The suffix is the form. ``url``: the public address, that of the city by default. Raises BadQuery.
    """
    form = FORMS.get(path.suffix.lstrip(".").lower())
    if form is None:
        raise BadQuery(f"There is no form {path.suffix!r}.", todo=f"End the name in .{', .'.join(FORMS)}.")
    if profile not in ("eu", "it"):
        raise BadQuery(f"There is no profile {profile[:20]!r}.", todo="Write eu (DCAT-AP 3.0.1) or it (DCAT-AP_IT).")
    base = (url or city.url).rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise BadQuery(
            "The catalogue names its datasets by whole addresses, and the city's is not known.",
            todo="Set url in [city] of city.toml, or give --url https://...",
        )
    part = path.with_name(f".{path.name}.part")
    records = held.records(local_only=not harvested)
    try:
        with part.open("wb") as file:
            for piece in dump(held, city, base, form, profile=profile, records=records):
                file.write(piece)
            length = file.tell()
        part.replace(path)
    except FileNotFoundError as error:
        raise BadQuery(f"There is no folder {path.parent}.", todo="Make it, or choose another.") from error
    finally:
        part.unlink(missing_ok=True)
    return length
