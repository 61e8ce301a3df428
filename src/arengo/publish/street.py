"""The steps of the street, one method each. Each may be killed anywhere and run again.

A step takes what the steps before it found (a JSON-like mapping that the workflow keeps) and returns what it adds.
What is large lies in the run's own folder ``.arengo/runs/<run>/``: the staged table, the reports, the quarantine.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.contract.load import sha
from arengo.contract.model import EMPTY, Contract
from arengo.errors import ContractError, LakeError, PublicationHeld, PublicationRefused, SourceChanged
from arengo.governance.owner import owner_of
from arengo.lake.version import Staged
from arengo.publish import run as records
from arengo.settings import Settings
from arengo.state import State

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.privacy.verdict import Verdict
    from arengo.publish.safety import Safety
    from arengo.quality import Counts
    from arengo.sources.base import Context, Questions, Reader

STEPS = ("fetch", "read", "check", "protect", "profile", "gate", "commit", "announce")
ATTEMPTS = 3
"""How often a source that changes under the read is read again before it is refused."""
WAITS = (0.5, 2.0)
Found = Mapping[str, Any]
Progress = Callable[[str, int, int | None], None]


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
        self.questions = questions
        self.folder = settings.home / "runs" / run

    # Steps

    def fetch(self, found: Found) -> dict[str, Any]:
        """Ask the source for its state; ``unchanged`` when it and the contract are those of the last run."""
        reader, context = self._reader()
        assert self.contract.source is not None
        now = reader.fingerprint(self.contract.source, context)
        held, notes = self.state.source_state(self.contract.id)
        same = bool(now.value) and now.value == held and notes.get("contract") == sha(self.contract)
        same = same and notes.get("privacy", "") == self.safety.ground(self.contract) and not self._waits()
        return {"unchanged": same and self.lake.newest(self.contract.id) is not None, "source": now.value}

    def _waits(self) -> bool:
        """Whether the gate holds something back, of another contract: what is in force now may mend it."""
        from arengo.privacy.verdicts import HELD, Verdicts

        latest = Verdicts(self.state).latest(self.contract.id)
        return latest is not None and latest.settled == HELD

    def read(self, found: Found) -> dict[str, Any]:
        """Read the source and type its rows into the run's folder; rows that do not fit go to the quarantine."""
        from arengo.lake.engine import translated
        from arengo.quality import conform

        for attempt in range(ATTEMPTS):
            self._clean()
            reader, context = self._reader()
            assert self.contract.source is not None
            try:
                with translated(self.folder):
                    pull = reader.open(self.contract.source, (), context)
                    staged, counts = conform(
                        self.contract.as_read(),
                        pull,
                        self._staged,
                        self.folder / "quarantine.parquet",
                        lambda done, total: self.progress("read", done, total),
                        timezone=self.settings.city.timezone,
                        file=source_name(self.contract),
                    )
                break
            except SourceChanged as error:
                if attempt + 1 == ATTEMPTS:
                    raise PublicationRefused(
                        f"The source changed under the read, {ATTEMPTS} times in a row. {error.met}",
                        todo="Publish again when nobody writes to it, or let its owner deliver into a new file.",
                        place=error.place,
                    ) from error
                time.sleep(WAITS[attempt])
        staged, counts = self._young(staged, counts)
        staged, counts = self._forgotten(staged, counts)
        return {
            "fingerprint": pull.fingerprint.value or found["source"],
            "reader": orjson.loads(orjson.dumps(dict(pull.fingerprint.state), default=str)),
            "incremental": pull.incremental,
            "staged": _told(staged),
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

    def _young(self, staged: Staged, counts: Counts) -> tuple[Staged, Counts]:
        """Without the rows that are past their retention: what is due for disposal does not come back in."""
        from arengo.publish import disposal

        if disposal.held(self.state, self.contract):
            return staged, counts
        gone = disposal.leave_out(staged, self.contract.as_read(), self.at or datetime.now(UTC))
        if not gone:
            return staged, counts
        said = f"{gone:,} rows are" if gone > 1 else "1 row is"
        said += " past the retention the contract names and not taken in."
        counts = replace(
            counts, rows_in=counts.rows_in - gone, rows=counts.rows - gone, warnings=(*counts.warnings, said)
        )
        return replace(staged, rows=staged.rows - gone), counts

    def _forgotten(self, staged: Staged, counts: Counts) -> tuple[Staged, Counts]:
        """Without the rows of persons who were erased or are restricted: a source that has them still is the city's."""
        from arengo.publish import forgotten

        gone = forgotten.leave_out(self.settings, self.state, self.contract, staged)
        if not gone:
            return staged, counts
        said = "Rows about persons who were erased or are restricted are not taken in."  # everybody reads it: no number
        counts = replace(
            counts, rows_in=counts.rows_in - gone, rows=counts.rows - gone, warnings=(*counts.warnings, said)
        )
        return replace(staged, rows=staged.rows - gone), counts

    def check(self, found: Found) -> dict[str, Any]:
        """Measure the contract's rules; writes ``quality.json``."""
        from arengo.lake.engine import translated
        from arengo.quality import check

        with translated(self.folder):
            report = check(
                self.contract.as_read(), self._table(found), self._counts(found), threads=self.settings.engine.threads
            )
        told = report.public(self.contract)
        if told != report:
            self._write("measured", report.as_dict())  # the owner's, kept only where nothing is published
        self._write("quality", told.as_dict())
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

        with translated(self.folder):
            made = self.safety.protect(self.contract, self._table(found), self._mode(found), self.at)
        if made is None:
            return {}
        staged, withheld, cells = made
        counts = {**found["counts"], "rows": staged.rows}
        counts["rows_in"] = staged.rows + counts["quarantined"]
        report = orjson.loads((self.folder / "quality.json").read_bytes())
        figures = {"read": found["counts"]["rows_in"], "withheld": withheld, "cells": cells}
        self._write("quality", {**report, "rows": counts["rows"], "rows_in": counts["rows_in"], **figures})
        said = [
            f"{number:,} {unit}{' is' if number == 1 else 's are'} withheld to protect persons, as the contract says."
            for number, unit in ((withheld, "row"), (cells, "cell")) if number
        ]  # fmt: skip
        return {
            "staged": _told(staged), "intake": found["staged"], "counts": counts, "rows": staged.rows, "warnings": said
        }  # fmt: skip

    def profile(self, found: Found) -> dict[str, Any]:
        """Measure the columns; writes ``profile.json``."""
        from arengo.lake.engine import translated
        from arengo.quality import profile

        with translated(self.folder):
            measured = profile(
                self.contract, self._table(found), self._counts(found), threads=self.settings.engine.threads
            )
        self._write("profile", measured)
        return {}

    def gate(self, found: Found) -> dict[str, Any]:
        """May this become a version? Rules, quarantine share, shrink guard, and what it would tell about persons."""
        from arengo.publish.gate import judge

        before = self.lake.newest(self.contract.id)
        held = before.rows if before is not None else None
        shares = self.settings.publish
        if self._mode(found) != "replace":
            held = None  # an increment is smaller than what is held, by nature
        kept = f"The rows put aside are in {self.folder / 'quarantine.parquet'}."
        judge(
            self._counts(found),
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

        with translated(self.folder):
            self.safety.remember(self.contract, self._intake(found))
            against = self.safety.entries.seen(self.contract)
            verdict = self.safety.judge(
                self.contract, self._table(found), self._intake(found), self._mode(found), self.run,
                self.at or datetime.now(UTC), lambda step, done, total: self.progress("gate", done, total),
                self._counted(),
            )  # fmt: skip
        self._write("privacy", verdict.as_json())
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
        counts = self._counts(found)
        reports = {name: self.folder / f"{name}.json" for name in ("profile", "quality")}
        if counts.values:
            reports["quarantine"] = self._aside()
        if (self.folder / "source" / "originals").is_dir():
            reports["documents"] = self._originals(found)
        at, more = self.at or datetime.now(UTC), dict[str, Any]()
        with contextlib.ExitStack() as stack:
            stack.enter_context(
                self.safety.entries.entered(
                    self.contract, self._table(found), self._intake(found), self._mode(found), at, self.run,
                    found.get("against"), lambda: more.update(self._privacy(found)),
                )
            )  # fmt: skip
            if self.lake.newest(self.contract.id) is None:  # the first ones also make the catalogue's namespace
                stack.enter_context(self.state.hold("first commit", wait=600.0))
            version = self.lake.commit(
                self.contract,
                self._table(found),
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
            growth.settle(self.settings, version, self.folder)
            return {**more, "version": version.number}
        if again_judged(self.state, self.lake, self.folder, self.contract.id):
            said = "The rows are those of the version before; the gate looked at them by what holds now."
            more["warnings"] = [*more.get("warnings", ()), said]
        return {**more, "version": None}

    def _aside(self) -> Path:
        """The quarantine as it is kept: without any value where columns are protected, since one may stand anywhere."""
        from arengo.contract.withheld import protects
        from arengo.quality.quarantine import blank

        path = self.folder / "quarantine.parquet"
        return blank(path, self.folder / "aside.parquet") if protects(self.contract) else path

    def _originals(self, found: Found) -> Path:
        """Take the original files of documents into the lake; the report that lists them."""
        incoming = self.folder / "source" / "originals"
        names = {path.name for path in incoming.iterdir()}
        note = self.folder / "documents.json"
        if note.is_file():  # a killed attempt has moved some already
            names |= set(orjson.loads(note.read_bytes()))
        before = self.lake.newest(self.contract.id)
        if before is not None and self._mode(found) != "replace":
            names |= set(orjson.loads(self.lake.report(before, "documents") or b"[]"))
        self._write("documents", sorted(names))
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
        shutil.rmtree(self.folder, ignore_errors=True)
        return {}

    def _released(self, found: Found) -> None:
        """Its verdict and, when persons are in it, its place in the publication ledger. Twice is once."""
        from arengo.lake.engine import translated

        version = self.lake.by_run(self.contract.id, self.run)
        told = self.folder / "privacy.json"
        if version is None or not told.is_file() or not self._staged.is_file():
            return
        with translated(self.folder):
            self.safety.entries.record(
                self.contract, version, self._table(found), self._intake(found), self._mode(found)
            )
        self._judged()

    def _counted(self) -> dict[str, tuple[int, int]]:
        """What the profile counted of each column: rows that have a value, and about how many different ones."""
        told = orjson.loads((self.folder / "profile.json").read_bytes())["columns"]
        return {name: (int(item["count"]), int(item["distinct"])) for name, item in told.items() if "distinct" in item}

    def _judged(self) -> None:
        """The verdict of the version this run made. Twice is once."""
        version = self.lake.by_run(self.contract.id, self.run)
        if version is not None:
            keep_verdict(self.state, self.folder, version.number)

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

    # What they share

    def _reader(self) -> tuple[Reader, Context]:
        from arengo.sources import reader
        from arengo.sources.base import Context

        if self.contract.source is None:
            raise ContractError(
                f"The contract of {self.contract.id} names no source.",
                todo="Add arengoSource, for example {kind: csv, path: sources/file.csv}.",
            )
        scratch = self.folder / "source"
        scratch.mkdir(parents=True, exist_ok=True)
        _, notes = self.state.source_state(self.contract.id)
        known = notes.get("reader", {}) if notes.get("contract") == sha(self.contract) else {}
        city = self.settings.city
        context = Context(
            self.settings.sources,
            scratch,
            known,
            city.timezone,
            city.country,
            lambda done, total: self.progress("read", done, total),
            partial(self.questions.ask, self.contract) if self.questions is not None else None,
        )
        return reader(self.contract.source.kind), context

    def _mode(self, found: Found) -> str:
        mode = str(self.contract.custom.get("arengoMode", "replace"))
        if found["incremental"] and mode == "replace":
            return "upsert" if self.contract.key else "append"
        return mode

    @property
    def _staged(self) -> Path:
        return self.folder / "staged.duckdb"

    @property
    def safety(self) -> Safety:
        from arengo.publish.safety import Safety

        return Safety(self.settings, self.state, self.lake)

    def _intake(self, found: Found) -> Staged:
        """The staged rows as they were read."""
        return self._table({"staged": found.get("intake", found["staged"])}, self.contract.as_read())

    def _table(self, found: Found, contract: Contract | None = None) -> Staged:
        from arengo.contract.model import Kind

        if not self._staged.is_file():
            raise LakeError(
                f"The staged rows of {self.run} are gone: {self._staged}.", todo="Publish the dataset again."
            )
        told = found["staged"]
        columns = tuple((name, Kind(kind), required) for name, kind, required in told["columns"])
        geometry = (contract or (self.contract if "intake" in found else self.contract.as_read())).geometry
        return Staged(self._staged, told["table"], columns, geometry, told["rows"], told["number"])

    def _counts(self, found: Found) -> Counts:
        from arengo.quality import Counts

        told = dict(found["counts"])
        told["broken"] = {int(key): value for key, value in told["broken"].items()}
        told["warnings"] = tuple(told["warnings"])
        return Counts(**told)

    def _write(self, name: str, body: Any) -> None:
        path = self.folder / f"{name}.json"
        part = path.with_suffix(".part")
        part.write_bytes(orjson.dumps(body))
        part.replace(path)

    def _clean(self) -> None:
        """An empty folder for the read, without what a killed attempt left; what was downloaded may stay."""
        for left in self.folder.glob("*") if self.folder.is_dir() else ():
            if left.name != "source":
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
        self.folder.mkdir(parents=True, exist_ok=True)

    def drop(self) -> None:
        """On a full disk: nothing of the run is kept."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def abandon(self) -> None:
        """After a refusal or failure: keep the quarantine and the quality report for the owner, remove the rest."""
        kept = ("quarantine.parquet", "quality.json", "measured.json")
        for left in self.folder.glob("*") if self.folder.is_dir() else ():
            if left.name not in kept:
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def _told(staged: Staged) -> dict[str, Any]:
    """A staged table as the workflow keeps it."""
    return {
        "table": staged.table,
        "columns": [[name, kind.value, required] for name, kind, required in staged.columns],
        "rows": staged.rows,
        "number": staged.number,
    }


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


def source_name(contract: Contract) -> str:
    """What a clerk calls the source: its file, address or table."""
    options = contract.source.options if contract.source else {}
    table = str(options.get("table") or options.get("sheet") or options.get("layer") or "")
    name = str(options.get("path") or options.get("url") or "")
    return " ".join(part for part in (name, table) if part) or table


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
