"""Make the city and publish its whole history."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from arengo.demo import readers, voices
from arengo.demo.history import TITLES, build
from arengo.demo.names import CITY
from arengo.errors import PublicationRefused, SettingsError

if TYPE_CHECKING:
    from arengo.city import City

Listener = Callable[..., None]
MARK = "demo.json"


@dataclass(frozen=True, slots=True)
class Played:
    """What the demo made. ``rows``: of the newest versions; ``seconds``: wall time of this call. ``accounts``: the file
    with the passwords of its people and a key."""

    name: str
    directory: str
    datasets: int
    versions: int
    rows: int
    quarantined: int
    seconds: float
    accounts: str = ""


def play(
    directory: Path,
    *,
    seed: int = 7,
    end: date | None = None,
    open_city: Callable[[Path], City],
    progress: Listener = lambda *_, **__: None,
    port: int = 8000,
) -> Played:
    """Write the folder, then publish each step of its story as of that step's morning.

    A finished demo of the same seed is left as it is, with whatever was tried in it; an unfinished one is made anew.
    ``port``: where it is going to be served.
    Raises SettingsError when the folder holds somebody else's city, PublicationRefused when a publication fails.
    """
    started = time.monotonic()
    root = Path(directory).resolve()
    mark = root / ".arengo" / MARK
    if not _finished(root, mark, seed):
        demo = build(root, seed, end)
        mark.parent.mkdir(exist_ok=True)
        mark.write_text(json.dumps({"seed": seed, "finished": False}), encoding="utf-8")
        with open_city(root) as city:
            for step in demo.steps():
                progress(demo.name, step.title, step.number, len(TITLES))
                runs = city.publish(step.datasets, at=step.at, trigger="demo", progress=progress)
                failed = [
                    run for run in runs if run.state not in ("succeeded", "unchanged", *demo.expected(run.dataset))
                ]
                if failed:
                    raise PublicationRefused(
                        f"{len(failed)} of {len(runs)} publications did not succeed, first {failed[0].dataset}: "
                        f"{failed[0].error}.",
                        todo=f"See 'arengo status --city {directory}'.",
                    )
            voices.speak(city, seed)
            readers.open_door(city, seed)
            city.ledger.sign()  # so that it can be verified before anybody serves it
        mark.write_text(json.dumps({"seed": seed, "finished": True}), encoding="utf-8")
    accounts = root / ".arengo" / readers.ACCOUNTS
    readers.served_at(accounts, port)
    with open_city(root) as city:
        newest = [entry for dataset in city.contracts() if (entry := city.versions(dataset))]
    return Played(
        name=CITY,
        directory=str(root),
        datasets=len(newest),
        versions=sum(len(versions) for versions in newest),
        rows=sum(versions[0].rows for versions in newest),
        quarantined=sum(versions[0].quarantined for versions in newest),
        seconds=round(time.monotonic() - started, 1),
        accounts=str(accounts),
    )


def _finished(root: Path, mark: Path, seed: int) -> bool:
    """Whether the folder holds this demo whole; clears the remains of one that was broken off."""
    if not mark.exists():
        if (root / "city.toml").exists():
            raise SettingsError(
                f"{root} already holds a city that is not the demo.", todo="Name another folder with --dir."
            )
        return False
    found = json.loads(mark.read_text(encoding="utf-8"))
    if found == {"seed": seed, "finished": True}:
        return True
    shutil.rmtree(mark.parent)
    return False
