"""The verdict of a run, kept as that of the version it made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from arengo.state import State

if TYPE_CHECKING:
    from arengo.lake import Lake


def keep_verdict(state: State, folder: Path, number: int) -> None:
    """Keep the verdict that a run wrote into its folder as that of the version it made. Nothing without one."""
    from arengo.privacy.verdict import Verdict
    from arengo.privacy.verdicts import DECIDED, PUBLISHED, Verdicts

    told = folder / "privacy.json"
    if told.is_file():
        verdict = Verdict.of(orjson.loads(told.read_bytes()))
        Verdicts(state).keep(verdict, PUBLISHED if verdict.outcome == "pass" else DECIDED, number)


def again_judged(state: State, lake: Lake, folder: Path, dataset: str) -> bool:
    """Keep the verdict of a run whose rows are those of the newest version, when it says another thing than the one
    before it: the contract or the city's privacy settings changed, and what was held back waits no longer."""
    from arengo.privacy.verdict import Verdict
    from arengo.privacy.verdicts import HELD, REPAIRED, Verdicts

    newest, told, verdicts = lake.newest(dataset), folder / "privacy.json", Verdicts(state)
    if newest is None or not told.is_file():
        return False
    before, now = verdicts.latest(dataset), Verdict.of(orjson.loads(told.read_bytes()))
    if before is not None and before.settled not in (HELD, REPAIRED) and before.verdict.same(now):
        return False
    keep_verdict(state, folder, newest.number)
    return True
