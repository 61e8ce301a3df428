"""The steps of an erasure, each of which may be done twice."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.contract.model import Contract
from arengo.lake import erasure as lake_erasure
from arengo.privacy import vault
from arengo.services.erasure import contracts, receipt, traces
from arengo.services.erasure import plan as plans
from arengo.services.erasure.person import Found, Places
from arengo.services.erasure.plan import ERASE, KEEP, RESTRICT, Item
from arengo.services.erasure.requests import DONE, Requests, Work
from arengo.services.erasure.restriction import Restrictions
from arengo.services.retention import Disposals
from arengo.state import vault as t

if TYPE_CHECKING:
    from arengo.lake import Lake


@dataclass(frozen=True, slots=True)
class Around:
    """What the job asks of other rooms. ``recipients``: numbers of the agreements in force of a dataset. ``notify``:
    tells their readers, once (agreements, id of the request, kind); how many were told. ``gate``: the outcome of the
    gate's new look at a dataset. ``releases``: takes blind numbers out of the publication ledger. ``seal``: a sealed
    PDF of the laid out one.
    """

    recipients: Callable[[str], tuple[str, ...]] = lambda dataset: ()
    notify: Callable[[str, tuple[str, ...], str, str], int] = lambda dataset, agreements, request, kind: 0
    gate: Callable[[str], str] = lambda dataset: ""
    releases: Callable[[str], int] = lambda mark: 0
    seal: Callable[[bytes, datetime], bytes] = lambda pdf, at: pdf


class Steps:
    """What is done of one city's requests."""

    def __init__(
        self, requests: Requests, lake: Lake, around: Around, places: Places, disposals: Disposals,
        restrictions: Restrictions,
    ) -> None:  # fmt: skip
        self._requests = requests
        self._settings = requests.settings
        self._state = requests.state
        self._vault = requests.keys
        self._now = requests.now
        self._lake = lake
        self._ledger = requests.ledger
        self._around = around
        self._places = places
        self._disposals = disposals
        self._restrictions = restrictions

    def of(self, work: Work) -> list[tuple[str, Callable[[], Mapping[str, Any]]]]:
        """Every step of a request by its name, in order."""
        item, acts = work.item, work.item.plan.acts
        steps: list[tuple[str, Callable[[], Mapping[str, Any]]]] = []
        if item.kind == RESTRICT or any(one.action == RESTRICT for one in acts):
            steps += [(f"keep {one.dataset}", lambda one=one: self._restrictions.keep(work, one.dataset))  # type: ignore[misc]
                      for one in acts if one.action == RESTRICT]  # fmt: skip
        steps += [("key", lambda: self._key(work)), ("tombstones", lambda: self._tombstones(work))]
        steps += [(f"rows {one.dataset}", lambda one=one: self._rows(work, one.dataset)) for one in acts]  # type: ignore[misc]
        steps += [(f"contracts {one.dataset}", lambda one=one: self._examples(work, one.dataset)) for one in acts]  # type: ignore[misc]
        steps += [
            ("releases", lambda: {"rows": self._around.releases(work.person.mark)}),
            ("ledger", lambda: self._forget(work)),
            ("notify", lambda: self._notify(work)),
            ("gate", lambda: {"verdicts": {one.dataset: told for one in acts
                                           if (told := self._around.gate(one.dataset))}}),
            ("databases", lambda: self._databases(work)),
            ("receipt", lambda: self._receipt(work)),
        ]  # fmt: skip
        return steps

    def _key(self, work: Work) -> Mapping[str, Any]:
        """Destroy the person's key, or close it where something sealed with it stays."""
        person, held = work.person, bool(work.person.key)
        for contract in self._places.contracts(person.population):
            if vault.columns_of(contract):  # cuts that were opened with it
                for path in (self._lake.serving / contract.id).glob("cut-*"):
                    shutil.rmtree(path, ignore_errors=True)
        restricted = any(one.action == RESTRICT for one in work.item.plan.acts)
        kept = [one for one in work.item.plan.items if one.action == KEEP and self._sealed(one.dataset)]
        if kept:
            return {"held": held, "done": "kept"}
        if restricted:
            self._vault.seal(person.population, person.mark, True)
            return {"held": held, "done": "sealed"}
        self._vault.destroy(person.population, person.mark)
        return {"held": held, "done": "destroyed"}

    def _sealed(self, dataset: str) -> bool:
        contract = self._places.contract(dataset)
        return contract is not None and bool(vault.columns_of(contract))

    def _tombstones(self, work: Work) -> Mapping[str, Any]:
        """From now on no reading of a source takes her in, not even into what keeps nothing that leads to her."""
        kind = "erased" if work.item.kind == ERASE else "restricted"
        left_out = (*work.item.plan.acts, *self._beyond(work))
        c = t.tombstone.c
        with self._state.write() as connection:
            mine = (c.population == work.person.population) & (c.mark == work.person.mark)
            for one in left_out:
                connection.execute(sa.delete(t.tombstone).where(mine, c.dataset == one.dataset))
                said = "restricted" if one.action == RESTRICT else kind
                connection.execute(sa.insert(t.tombstone).values(
                    population=work.person.population, mark=work.person.mark, dataset=one.dataset, kind=said,
                    at=self._now(), erasure=work.item.id,
                ))  # fmt: skip
        return {"datasets": len(left_out), **self._readings(work)}

    def _beyond(self, work: Work) -> list[Item]:
        """Datasets that keep nothing that leads to her, whose sources do: she is left out when these are read."""
        planned = {one.dataset for one in work.item.plan.items}
        found = (
            plans.decide(contract, Found(contract.id, contract.title(), ""), work.item.kind,
                         self._disposals.hold_on(contract), ())
            for contract in self._places.contracts(work.person.population) if contract.id not in planned
        )  # fmt: skip
        return [one for one in found if one.action != KEEP]

    def _readings(self, work: Work) -> Mapping[str, Any]:
        """What readings of such sources left of her: folders of runs, and records that were put aside."""
        gone = lines = 0
        for one in self._beyond(work):
            with self._state.hold(f"publish {one.dataset}", wait=600.0):
                gone += traces.runs(self._settings, self._state, one.dataset, work.needles)
                for version in self._lake.retained(one.dataset):
                    path = self._lake.beside(one.dataset, version.number) / "quarantine.parquet"
                    lines += traces.quarantine(path, work.needles)
        return {"runs": gone, "quarantine": lines}

    def _rows(self, work: Work, dataset: str) -> Mapping[str, Any]:
        """Take her out of every version of a dataset and of all that lies beside them."""
        contract = self._places.contract(dataset)
        if contract is None:
            return {}
        with self._state.hold(f"publish {dataset}", wait=600.0):
            runs = traces.runs(self._settings, self._state, dataset, work.needles)
            gone = lake_erasure.without(
                self._lake, dataset, lambda version: self._places.match(contract, version, work.person), self._now()
            )
            old = self._window(contract)
            lines = 0
            for version in self._lake.retained(dataset):
                lines += traces.quarantine(
                    self._lake.beside(dataset, version.number) / "quarantine.parquet", work.needles
                )
                traces.beside(self._settings, self._state, self._lake, contract, version)
            self._state.announce()
        return {"versions": {str(item.number): item.rows for item in gone}, "quarantine": lines, "runs": runs,
                "expired": list(old)}  # fmt: skip

    def _examples(self, work: Work, dataset: str) -> Mapping[str, Any]:
        """Take her values out of the examples of a dataset's contracts, old and in force."""
        return contracts.scrub(self._settings, self._state, dataset, work.needles)

    def _window(self, contract: Contract) -> tuple[int, ...]:
        """Drop the versions older than ``arengoHistoryWindow``, where the contract has one."""
        from arengo.lake import maintenance

        window = str(contract.custom.get("arengoHistoryWindow", ""))
        if not window:
            return ()
        before = maintenance.cutoff(window, 0, self._now())
        return maintenance.drop(self._lake, contract.id, maintenance.past(self._lake, contract.id, before), self._now())

    def _forget(self, work: Work) -> Mapping[str, Any]:
        """Let the record forget which of its entries were about her."""
        person = work.person
        if self._ledger is None or work.item.kind != ERASE:
            return {"entries": 0}
        subjects = {
            digest for contract in self._places.contracts(person.population)
            if any(one.dataset == contract.id and one.action == ERASE for one in work.item.plan.acts)
            for digest in self._places.digests(contract, person)
        }  # fmt: skip
        basis = f"erasure:{work.item.id}"
        return {"entries": sum(self._ledger.erase_subject(one, actor=work.item.by, basis=basis) for one in subjects)}

    def _notify(self, work: Work) -> Mapping[str, Any]:
        told = sum(
            self._around.notify(one.dataset, one.agreements, work.item.id, one.action)
            for one in work.item.plan.acts if one.agreements and one.rows
        )  # fmt: skip
        return {"agreements": told}

    def _databases(self, work: Work) -> Mapping[str, Any]:
        readers = (*work.item.plan.acts, *self._beyond(work))
        ids = [run.id for one in readers for run in self._state.runs(one.dataset, limit=1_000_000)]
        forgotten = traces.steps(self._settings, ids)
        traces.scratch(self._settings)
        with self._state.write() as connection:  # nothing after this needs her number any more
            connection.execute(sa.update(t.erasure).where(t.erasure.c.id == work.item.id).values(
                sealed=self._requests.close(work.item.id, {"id": "", "key": "", "needles": []})))  # fmt: skip
        return {"steps": forgotten, "busy": list(traces.vacuum(self._settings))}

    def _receipt(self, work: Work) -> Mapping[str, Any]:
        from arengo.services.paper import lay

        item, at = self._requests.get(work.item.id), self._now()
        laid = lay(receipt.paper(self._settings, item.id, item.reference, item.plan, item.steps, at, item.by))
        pdf = self._around.seal(laid, at)
        path = self._requests.path(item.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(pdf)
        part.replace(path)
        mark = hashlib.sha256(pdf).hexdigest()
        self._requests.tell(f"{item.kind} done", item.id, item.by, {
            "receipt": mark, "reference": item.reference, "datasets": [one.dataset for one in item.plan.acts],
        })  # fmt: skip
        values = {"state": DONE, "ended_at": at, "receipt": mark, "sealed": None}
        with self._state.write() as connection:
            connection.execute(sa.update(t.erasure).where(t.erasure.c.id == item.id).values(**values))
        return {"sha256": mark}
