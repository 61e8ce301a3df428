"""The steps of the street, one method each. Each may be killed anywhere and run again.

A step takes what the steps before it found and returns what it adds (:mod:`arengo.publish.run_folder`).
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.contract.load import sha
from arengo.contract.model import EMPTY, Contract
from arengo.errors import PublicationHeld
from arengo.governance.owner import owner_of
from arengo.publish import run as records
from arengo.publish.judged import again_judged, keep_verdict
from arengo.publish.reading import Progress, Reading
from arengo.publish.run_folder import Found, RunFolder, told_of
from arengo.settings import Settings
from arengo.state import State

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.privacy.verdict import Verdict
    from arengo.publish.safety import Safety
    from arengo.sources.base import Questions

STEPS = ("fetch", "read", "check", "protect", "profile", "gate", "commit", "announce")


def untold(kind: str, **facts: object) -> None:
    """Nobody keeps a record."""


class Street:
    """The steps for one run of one dataset."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        lake: Lake,
        contract: Contract,
        run: str,
        *,
        at: datetime | None,
        force_shrink: bool,
        progress: Progress,
        questions: Questions | None = None,
        tell: Callable[..., object] = untold,
    ) -> None:
        self.tell = tell
        self.settings = settings
        self.state = state
        self.lake = lake
        self.contract = contract
        self.run = run
        self.at = at
        self.force_shrink = force_shrink
        self.progress = progress
        self.folder = RunFolder(settings.home / "runs" / run, contract)
        self._reading = Reading(settings, state, contract, self.folder, at, progress, questions)

    # Steps

    def fetch(self, found: Found) -> dict[str, Any]:
        """Ask the source for its state; ``unchanged`` when it and the contract are those of the last run."""
        now = self._reading.fingerprint()
        held, notes = self.state.source_state(self.contract.id)
        same = bool(now) and now == held and notes.get("contract") == sha(self.contract)
        same = same and notes.get("privacy", "") == self.safety.ground(self.contract) and not self._waits()
        return {"unchanged": same and self.lake.newest(self.contract.id) is not None, "source": now}

    def _waits(self) -> bool:
        """Whether the gate holds something back, of another contract: what is in force now may mend it."""
        from arengo.privacy.verdicts import HELD, Verdicts

        latest = Verdicts(self.state).latest(self.contract.id)
        return latest is not None and latest.settled == HELD

    def read(self, found: Found) -> dict[str, Any]:
        """Read the source and type its rows into the run's folder; rows that do not fit go to the quarantine."""
        staged, counts, pull = self._reading.rows()
        return {
            "fingerprint": pull.fingerprint.value or found["source"],
            "reader": orjson.loads(orjson.dumps(dict(pull.fingerprint.state), default=str)),
            "incremental": pull.incremental,
            "staged": told_of(staged),
            "counts": {
                "rows_in": counts.rows_in,
                "rows": counts.rows,
                "quarantined": counts.quarantined,
                "values": counts.values,
                "suppressed": dict(counts.suppressed),
                "broken": {str(key): value for key, value in counts.broken.items()},
                "warnings": list(counts.warnings),
            },
            "warnings": list(counts.warnings),
            "rows": counts.rows,
        }

    def check(self, found: Found) -> dict[str, Any]:
        """Measure the contract's rules; writes ``quality.json``."""
        from arengo.lake.engine import translated
        from arengo.quality import check

        with translated(self.folder.path):
            report = check(
                self.contract.as_read(),
                self.folder.table(found),
                self.folder.counts(found),
                threads=self.settings.engine.threads,
            )
        told = report.public(self.contract)
        if told != report:
            self.folder.write("measured", report.as_dict())  # the owner's, kept only where nothing is published
        self.folder.write("quality", told.as_dict())
        report = told
        warned = [
            item.sentence()
            for item in report.rules
            if item.type in ("library", "sql") and not item.refuses and item.severity != "info"
            and (item.passed is False or item.error)
        ]  # fmt: skip
        return {"refusals": [item.sentence() for item in report.refusals], "warnings": warned}

    def protect(self, found: Found) -> dict[str, Any]:
        """Do to the staged rows what the contract says before they are stored (``arengoProtect``)."""
        from arengo.lake.engine import translated

        with translated(self.folder.path):
            made = self.safety.protect(self.contract, self.folder.table(found), self._mode(found), self.at)
        if made is None:
            return {}
        staged, withheld, cells = made
        counts = {**found["counts"], "rows": staged.rows}
        counts["rows_in"] = staged.rows + counts["quarantined"]
        report = orjson.loads((self.folder.path / "quality.json").read_bytes())
        figures = {"read": found["counts"]["rows_in"], "withheld": withheld, "cells": cells}
        self.folder.write("quality", {**report, "rows": counts["rows"], "rows_in": counts["rows_in"], **figures})
        said = [
            f"{number:,} {unit}{' is' if number == 1 else 's are'} withheld to protect persons, as the contract says."
            for number, unit in ((withheld, "row"), (cells, "cell")) if number
        ]  # fmt: skip
        now, intake = told_of(staged), found["staged"]
        return {"staged": now, "intake": intake, "counts": counts, "rows": staged.rows, "warnings": said}

    def profile(self, found: Found) -> dict[str, Any]:
        """Measure the columns; writes ``profile.json``."""
        from arengo.lake.engine import translated
        from arengo.quality import profile

        with translated(self.folder.path):
            measured = profile(
                self.contract, self.folder.table(found), self.folder.counts(found), threads=self.settings.engine.threads
            )
        self.folder.write("profile", measured)
        return {}

    def gate(self, found: Found) -> dict[str, Any]:
        """May this become a version? Rules, quarantine share, shrink guard, and what it would tell about persons."""
        from arengo.publish.gate import judge

        before = self.lake.newest(self.contract.id)
        held = before.rows if before is not None else None
        shares = self.settings.publish
        if self._mode(found) != "replace":
            held = None  # an increment is smaller than what is held, by nature
        kept = f"The rows put aside are in {self.folder.path / 'quarantine.parquet'}."
        judge(
            self.folder.counts(found),
            tuple(found["refusals"]),
            held=held,
            shrink=0.0 if self.force_shrink else shares.shrink,
            quarantine_share=shares.quarantine_share,
            kept=kept,
        )
        return self._privacy(found)

    def _privacy(self, found: Found) -> dict[str, Any]:
        """What it would tell about persons. Raises PublicationHeld unless it passes or people decided that it may."""
        from arengo.lake.engine import translated
        from arengo.privacy.verdicts import HELD, Verdicts

        with translated(self.folder.path):
            self.safety.remember(self.contract, self.folder.intake(found))
            against = self.safety.entries.seen(self.contract)
            verdict = self.safety.judge(
                self.contract, self.folder.table(found), self.folder.intake(found), self._mode(found), self.run,
                self.at or datetime.now(UTC), lambda step, done, total: self.progress("gate", done, total),
                self.folder.counted(),
            )  # fmt: skip
        self.folder.write("privacy", verdict.as_json())
        if verdict.outcome == "pass":
            return {"warnings": [], "decided": "", "against": against}
        verdicts = Verdicts(self.state)
        decision = verdicts.cover(verdict)
        if decision is None:
            held = verdicts.keep(verdict, HELD)
            self._held(held.mark, verdict)
            raise PublicationHeld(
                verdict.said(),
                todo=f"Nothing is published by this. Look at it and decide at /datasets/{self.contract.id}/privacy, or "
                f"run: arengo privacy show {self.contract.id}",
            )
        said = "with a steward's approval" if decision.kind == "approve" else "because two people decided so"
        return {
            "warnings": [f"Published {said}: {verdict.said()}"], "decided": decision.id, "against": against
        }  # fmt: skip

    def _held(self, mark: str, verdict: Verdict) -> None:
        self.tell(
            "administration",
            dataset=self.contract.id,
            organisation=owner_of(self.contract),
            body={"act": "gate hold", "verdict": mark, "outcome": verdict.outcome, "request": self.run},
        )

    def commit(self, found: Found) -> dict[str, Any]:
        """Make it the next version, or find that its content is the newest version's."""
        from arengo.publish import growth

        if self.contract.custom.get("arengoProtection", EMPTY).get("cells", EMPTY).get("method") == "noise":
            self.safety.pay(self.contract, self.run, self.at or datetime.now(UTC))
        counts = self.folder.counts(found)
        reports = {name: self.folder.path / f"{name}.json" for name in ("profile", "quality")}
        if counts.values:
            reports["quarantine"] = self._aside()
        if (self.folder.path / "source" / "originals").is_dir():
            reports["documents"] = self._originals(found)
        at, more = self.at or datetime.now(UTC), dict[str, Any]()
        with contextlib.ExitStack() as stack:
            stack.enter_context(
                self.safety.entries.entered(
                    self.contract, self.folder.table(found), self.folder.intake(found), self._mode(found), at, self.run,
                    found.get("against"), lambda: more.update(self._privacy(found)),
                )
            )  # fmt: skip
            if self.lake.newest(self.contract.id) is None:  # the first ones also make the catalogue's namespace
                stack.enter_context(self.state.hold("first commit", wait=600.0))
            version = self.lake.commit(
                self.contract,
                self.folder.table(found),
                run=self.run,
                published_at=at,
                rows_in=counts.rows_in,
                quarantined=counts.quarantined,
                fingerprint=found["fingerprint"],
                reports=reports,
                mode=self._mode(found),
            )
        if version is not None:
            self._judged()
            growth.settle(self.settings, version, self.folder.path)
            return {**more, "version": version.number}
        if again_judged(self.state, self.lake, self.folder.path, self.contract.id):
            said = "The rows are those of the version before; the gate looked at them by what holds now."
            more["warnings"] = [*more.get("warnings", ()), said]
        return {**more, "version": None}

    def _aside(self) -> Path:
        """The quarantine as it is kept: without any value where columns are protected, since one may stand anywhere."""
        from arengo.contract.withheld import protects
        from arengo.quality.quarantine import blank

        path = self.folder.path / "quarantine.parquet"
        return blank(path, self.folder.path / "aside.parquet") if protects(self.contract) else path

    def _originals(self, found: Found) -> Path:
        """Take the original files of documents into the lake; the report that lists them."""
        incoming = self.folder.path / "source" / "originals"
        names = {path.name for path in incoming.iterdir()}
        note = self.folder.path / "documents.json"
        if note.is_file():  # a killed attempt has moved some already
            names |= set(orjson.loads(note.read_bytes()))
        before = self.lake.newest(self.contract.id)
        if before is not None and self._mode(found) != "replace":
            names |= set(orjson.loads(self.lake.report(before, "documents") or b"[]"))
        self.folder.write("documents", sorted(names))
        self.lake.keep_originals(self.contract.id, incoming)
        return note

    def announce(self, found: Found) -> dict[str, Any]:
        """Remember the source's state, let every reader see the version, remove the scratch.

        Clustered copies are built by whoever serves: a publication costs what its rows cost.
        """
        if found.get("version") is not None:
            self._released(found)
            self.state.announce()
            self._record()
        if "fingerprint" in found:  # last: until then the next publication reads the source again
            notes = {"contract": sha(self.contract), "reader": found["reader"]}
            if ground := self.safety.ground(self.contract):
                notes["privacy"] = ground
            self.state.put_source_state(self.contract.id, found["fingerprint"], notes, datetime.now(UTC))
        shutil.rmtree(self.folder.path, ignore_errors=True)
        return {}

    def _released(self, found: Found) -> None:
        """Its verdict and, when persons are in it, its place in the publication ledger. Twice is once."""
        from arengo.lake.engine import translated

        version = self.lake.by_run(self.contract.id, self.run)
        told = self.folder.path / "privacy.json"
        if version is None or not told.is_file() or not self.folder.staged.is_file():
            return
        with translated(self.folder.path):
            self.safety.entries.record(
                self.contract, version, self.folder.table(found), self.folder.intake(found), self._mode(found)
            )
        self._judged()

    def _judged(self) -> None:
        """The verdict of the version this run made. Twice is once."""
        version = self.lake.by_run(self.contract.id, self.run)
        if version is not None:
            keep_verdict(self.state, self.folder.path, version.number)

    def _record(self) -> None:
        """The version on record. A run that was killed here tells it again: ``request`` says that it is the same."""
        version = self.lake.by_run(self.contract.id, self.run)
        if version is not None:
            self.tell(
                "publication",
                dataset=self.contract.id,
                organisation=owner_of(self.contract),
                body={
                    "version": version.number,
                    "contract": version.contract_version,
                    "snapshot": str(version.snapshot_id),
                    "request": self.run,
                    "rows": version.rows,
                    "quarantined": version.quarantined,
                    "checksum": version.checksum,
                    "published_at": version.published_at.isoformat(),
                },
            )

    def _mode(self, found: Found) -> str:
        mode = str(self.contract.custom.get("arengoMode", "replace"))
        if found["incremental"] and mode == "replace":
            return "upsert" if self.contract.key else "append"
        return mode

    @property
    def safety(self) -> Safety:
        from arengo.publish.safety import Safety

        return Safety(self.settings, self.state, self.lake)


def settled(run: records.Run, found: Found, state: str, error: Mapping[str, Any] | None = None) -> records.Run:
    """The run as it ended."""
    counts = found.get("counts", {})
    version = found.get("version")
    return replace(
        run,
        state=state,
        ended_at=datetime.now(UTC),
        rows_in=counts.get("rows_in"),
        rows=counts.get("rows"),
        quarantined=counts.get("quarantined"),
        version=version,
        error=error,
        warnings=tuple(dict.fromkeys(found.get("warnings", ()))),
    )
