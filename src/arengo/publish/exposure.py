"""What the city has shown already: versions that expose people, rows that another program wrote, and versions that are
taken from readers or get rows back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from arengo.contract.model import Contract, Frozen
from arengo.lake.version import Staged

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.privacy.case import Case
    from arengo.privacy.finding import Finding
    from arengo.privacy.release import Release
    from arengo.privacy.releases import Releases
    from arengo.privacy.verdict import Verdict
    from arengo.publish.safety import Safety
    from arengo.settings import Settings
    from arengo.state import State

ALIKE = 10
"""Versions made under one earlier contract that are looked at again, the newest: they differ little."""
WAIT = 20.0
"""Seconds a withdrawal waits for a publication of the dataset."""


def shown(case: Case, lake: Lake, releases: Releases) -> tuple[Finding, ...]:
    """What versions of the dataset that are public already tell of persons, by what its contract says now; those made
    under this very contract were judged by it, and what two people let pass they knew."""
    from arengo.contract.load import sha
    from arengo.privacy.history import exposed
    from arengo.privacy.verdicts import DECIDED, Verdicts

    contract, verdicts = case.contract, Verdicts(lake.state)
    known = {item.number: item for item in releases.of_dataset(contract.id) if not item.withdrawn}
    chosen: dict[str, list[Release]] = {}
    for version in lake.retained(contract.id):
        release = known.get(version.number)
        if release is None or version.contract_sha == sha(contract):
            continue
        given = verdicts.of_version(contract.id, version.number)
        if given is None or given.settled != DECIDED or given.outcome == "review":
            chosen.setdefault(version.contract_sha, []).append(release)
    return exposed(case, [release for alike in chosen.values() for release in alike[:ALIKE]])


def moved(contract: Contract, lake: Lake, releases: Releases, together: Sequence[str]) -> tuple[Finding, ...]:
    """Earlier versions are of another population: there nobody would be compared with this one, which tells of the same
    persons; but for ``together``, the contract's own population and those of its register. A contract that says nothing
    of persons any more takes back what the newest version's own said."""
    from arengo.contract.load import loads
    from arengo.privacy.declared import population_of
    from arengo.privacy.finding import Finding
    from arengo.privacy.statistics import alone

    name, newest = population_of(contract), lake.newest(contract.id)
    if contract.access != "open" or alone(contract) or newest is None:
        return ()
    before = {item.population for item in releases.of_dataset(contract.id) if item.subject} - {*together, ""}
    if before and not name:
        text = lake.state.contract_text(contract.id, newest.contract_sha) or ""
        before &= {population_of(loads(text))} if text else before
    why = f"its persons are known there, and this is published as {name or 'nobody'}"
    return tuple(
        Finding("not-looked", "review", Frozen(what=f"What else is public about the population {other}", why=why))
        for other in sorted(before)
    )


def foreign(lake: Lake, contract: Contract, mode: str) -> tuple[Finding, ...]:
    """Rows that another engine wrote into the table since the newest version become a version with what is added to
    them, and no step saw them."""
    from arengo.privacy.finding import Finding

    newest = lake.newest(contract.id) if mode != "replace" and contract.access == "open" else None
    table = lake.iceberg.find(contract.id) if newest is not None else None
    snapshot = table.current_snapshot() if table is not None else None
    if newest is None or snapshot is None or snapshot.snapshot_id == newest.snapshot_id:
        return ()
    why = "they would become public with this version, and they were not read by the gate"
    what = f"What another program wrote into the table of {contract.id} since {newest.label}"
    return (Finding("not-looked", "review", Frozen(what=what, why=why)),)


def withdraw(
    settings: Settings, state: State, lake: Lake, dataset: str, numbers: Sequence[int], at: datetime
) -> tuple[int, ...]:
    """Take versions from readers, never the newest; the numbers that went. The ledger keeps what they told. Doing it
    again finishes what a kill cut off."""
    from arengo.lake import maintenance
    from arengo.privacy.releases import Releases

    with state.hold(f"publish {dataset}", wait=WAIT):
        gone = maintenance.drop(lake, dataset, numbers, at)
        kept = {item.number for item in lake.retained(dataset)}
    releases = Releases(settings, state, lake)
    for number in numbers:
        if number not in kept:
            releases.withdraw(dataset, number, at)
    return gone


def judge_back(
    safety: Safety, contract: Contract, before: Version, staged: Staged, at: datetime, run: str, back: str
) -> Verdict:
    """The verdict on the rows of a version together with some of ``back`` (a blind number), which it once had."""
    from arengo.privacy import gate

    with safety.standing(contract, before, staged, at, back) as case:
        return replace(gate.judge(case), run=run)
