"""The erasure job: durable, step by step; after a kill it goes on with the step it was at.

Order: the person's key goes first, so that what is sealed is unreadable at once; then nothing may come back in
(tombstones); then the rows, dataset by dataset; then every other trace; then those who must know are told, and the
city gets its receipt. Every step may be done twice. While a request runs, what must be known to go on (her number)
is in the state sealed under the city's secret, and it is deleted with the last step.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from arengo.contract.model import Contract
from arengo.errors import BadForm, Busy, Conflict, NotFound, PublicationHeld
from arengo.lake import erasure as lake_erasure
from arengo.privacy import mask, vault
from arengo.services.erasure import contracts, receipt, traces
from arengo.services.erasure import plan as plans
from arengo.services.erasure.person import Found, Person, Places
from arengo.services.erasure.plan import ERASE, KEEP, RESTRICT, Item, Plan
from arengo.services.retention import Disposals
from arengo.state import vault as t

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.ledger import Ledger
    from arengo.privacy.vault import Vault
    from arengo.settings import Settings
    from arengo.state import State

RUNNING, DONE, LIFTING, LIFTED = "running", "done", "lifting", "lifted"
FOLDER = "erasures"
MOST_WORDS = 2_000
_NONCE = 12


@dataclass(frozen=True, slots=True)
class Finished:
    """A request as it stands. ``steps``: [name, time, facts], in the order they were done. ``receipt``: SHA-256."""

    id: str
    kind: str
    population: str
    mark: str
    state: str
    by: str
    reference: str
    reason: str
    at: datetime
    ended_at: datetime | None
    plan: Plan
    steps: tuple[tuple[str, str, Mapping[str, Any]], ...]
    receipt: str
    lifted_by: str = ""
    lifted_at: datetime | None = None
    why: str = ""


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


class Erasure:
    """Requests to be forgotten (Art. 17) and to be left alone (Art. 18). Safe beside other processes."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        lake: Lake,
        keys: Vault,
        ledger: Ledger | None = None,
        around: Around | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        later: Callable[[str, Callable[[], object]], None] = lambda name, work: None,
    ) -> None:
        self._settings = settings
        self._state = state
        self._lake = lake
        self._vault = keys
        self._ledger = ledger
        self._around = around or Around()
        self._now = now
        self._later = later
        self._disposals = Disposals(state)
        self.places = Places(settings, state, lake, keys)

    # Looking

    def populations(self) -> tuple[str, ...]:
        return self.places.populations()

    def find(self, population: str, id: str) -> tuple[Found, ...]:
        """Where a person is, dataset by dataset. Raises BadForm."""
        return self.places.find(self._person(population, id))

    def who(self, value: str) -> tuple[Person, ...]:
        """Persons with this sealed identifier (an e-mail address, say); their number where it is stored openly."""
        return self.places.who(value)

    def plan(self, population: str, id: str, kind: str = ERASE) -> Plan:
        """What would happen, and changes nothing. Raises BadForm."""
        person = self._person(population, id)
        if kind not in (ERASE, RESTRICT):
            raise BadForm(f"There is no request {kind[:20]!r}.", todo="Say erase or restrict.")
        items, blind = [], []
        for contract in self.places.contracts(population):
            found = self.places.found(contract, person)
            if not found.by:
                blind.append(found.title)
                continue
            hold = self._disposals.hold_on(contract)
            items.append(plans.decide(contract, found, kind, hold, self._around.recipients(contract.id)))
        return Plan(population, person.mark, kind, tuple(items), tuple(blind))

    def _person(self, population: str, id: str) -> Person:
        if not id.strip() or len(id) > 200:
            raise BadForm("The person's number is missing.", todo="Write the number of the register.")
        if population not in self.places.populations():
            known = ", ".join(self.places.populations()) or "none"
            raise BadForm(f"No dataset is about a population {population[:80]!r}.", todo=f"There are: {known}.")
        return self.places.person(population, id)

    def listed(self, limit: int = 100) -> tuple[Finished, ...]:
        """Requests, the newest first."""
        with self._state.read() as connection:
            rows = connection.execute(sa.select(t.erasure).order_by(t.erasure.c.at.desc()).limit(limit)).all()
        return tuple(_read(row) for row in rows)

    def get(self, id: str) -> Finished:
        """Raises NotFound."""
        with self._state.read() as connection:
            row = connection.execute(sa.select(t.erasure).where(t.erasure.c.id == id)).first()
        if row is None:
            raise NotFound(f"There is no request {id[:40]!r}.", todo="See 'arengo erasure list'.")
        return _read(row)

    def receipt(self, id: str) -> bytes:
        """The sealed PDF. Raises NotFound before the request is done."""
        item = self.get(id)
        try:
            return self._path(item.id).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"The request {item.id} has no receipt yet.", todo="It comes with its last step.") from None

    def _path(self, id: str) -> Path:
        return self._settings.home / FOLDER / f"{id}.pdf"

    # Doing it

    def run(
        self, population: str, id: str, kind: str = ERASE, *, by: str, reference: str, reason: str = ""
    ) -> Finished:
        """Erase or restrict a person, to the end. Raises BadForm, Conflict (a request about her runs already)."""
        return self.resume(self.start(population, id, kind, by=by, reference=reference, reason=reason).id)

    def start(
        self, population: str, id: str, kind: str = ERASE, *, by: str, reference: str, reason: str = ""
    ) -> Finished:
        """Take a request down; :meth:`resume` does it."""
        reference, reason = _words(reference), _words(reason)
        if len(reference) < 3:
            raise BadForm("A request needs a reference.", todo="Write the number of the letter or the file.")
        if kind == RESTRICT and len(reason) < 3:
            raise BadForm("A restriction needs a reason.", todo="Name the case of Art. 18(1).")
        person = self._person(population, id)
        plan = self.plan(population, id, kind)
        needles = {
            needle for contract in self.places.contracts(population) for needle in self.places.needles(contract, person)
            if any(item.dataset == contract.id for item in plan.acts)
        } | {person.id}  # fmt: skip
        number = f"E{self._now():%Y%m%d}-{secrets.token_hex(4)}"
        sealed = self._close(number, {"id": person.id, "key": person.key, "needles": sorted(needles)})
        c = t.erasure.c
        with self._state.write() as connection:
            alive = sa.select(c.id).where(
                c.population == population, c.mark == person.mark,
                sa.or_(c.state.in_((RUNNING, LIFTING)), (c.kind == RESTRICT) & (c.state == DONE)),
            )  # fmt: skip
            there = connection.execute(alive).first()
            if there is not None:
                raise Conflict(
                    f"A request about this person stands already: {there[0]}.", todo="Finish or lift that one first."
                )
            connection.execute(sa.insert(t.erasure).values(
                id=number, kind=kind, population=population, mark=person.mark, state=RUNNING, by=by,
                reference=reference, reason=reason, at=self._now(), sealed=sealed, plan=plans.as_json(plan), steps=[],
                receipt="", lifted_by="", why="",
            ))  # fmt: skip
        self._tell(f"{kind} begun", number, by, {"reference": reference})
        return self.get(number)

    def resume_all(self) -> tuple[Finished, ...]:
        """Go on with every request that a kill left unfinished; those that somebody works on are left to them."""
        c = t.erasure.c
        with self._state.read() as connection:
            rows = connection.execute(
                sa.select(c.id, c.state).where(c.state.in_((RUNNING, LIFTING))).order_by(c.at)
            ).all()
        done: list[Finished] = []
        for row in rows:
            with contextlib.suppress(Busy, PublicationHeld):
                done.append((self.resume if row.state == RUNNING else self._lifted)(row.id, wait=0.0))
        return tuple(done)

    def begin(self, id: str) -> None:
        """Do the request's work while nobody waits; what a kill leaves goes on with the next housekeeping."""
        self._later(f"erasure {id}", partial(self.resume, id))

    def resume(self, id: str, *, wait: float = 600.0) -> Finished:
        """Do what is left of a request. Raises NotFound, Busy; what was done stays done."""
        with self._state.hold(f"erasure {id}", wait=wait):
            item = self.get(id)
            if item.state != RUNNING:
                return item
            told = self._opened(id)
            person = Person(item.population, str(told["id"]), item.mark, str(told["key"]))
            needles = tuple(str(needle) for needle in told["needles"])
            work = _Work(item, person, needles)
            for name, step in self._steps(work):
                if name not in {done[0] for done in self.get(id).steps}:
                    self._done(id, name, step())
            return self.get(id)

    def _steps(self, work: _Work) -> list[tuple[str, Callable[[], Mapping[str, Any]]]]:
        """Every step of a request by its name, in order."""
        item, acts = work.item, work.item.plan.acts
        steps: list[tuple[str, Callable[[], Mapping[str, Any]]]] = []
        if item.kind == RESTRICT or any(one.action == RESTRICT for one in acts):
            steps += [(f"keep {one.dataset}", lambda one=one: self._keep(work, one.dataset))  # type: ignore[misc]
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

    def _keep(self, work: _Work, dataset: str) -> Mapping[str, Any]:
        """A restricted person's rows of the newest version, sealed with her key, to be put back one day."""
        import pyarrow as pa
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        contract, version = self._contract(dataset), self._lake.newest(dataset)
        if contract is None or version is None:
            return {"rows": 0}
        held = lake_erasure.rows(self._lake, version, self.places.match(contract, version, work.person))
        if held is None:
            return {"rows": 0}
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, held.schema) as writer:
            writer.write_table(held)
        key = self._vault.take(work.person.population, [work.person.mark])[work.person.mark]
        nonce = secrets.token_bytes(_NONCE)
        body = nonce + AESGCM(key.data).encrypt(
            nonce, sink.getvalue().to_pybytes(), f"{work.item.id}|{dataset}".encode()
        )
        c = t.kept.c
        with self._state.write() as connection:
            connection.execute(sa.delete(t.kept).where(c.erasure == work.item.id, c.dataset == dataset))
            connection.execute(
                sa.insert(t.kept).values(erasure=work.item.id, dataset=dataset, rows=held.num_rows, body=body)
            )
        return {"rows": held.num_rows}

    def _key(self, work: _Work) -> Mapping[str, Any]:
        """Destroy the person's key, or close it where something sealed with it stays."""
        person, held = work.person, bool(work.person.key)
        for contract in self.places.contracts(person.population):
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
        contract = self._contract(dataset)
        return contract is not None and bool(vault.columns_of(contract))

    def _tombstones(self, work: _Work) -> Mapping[str, Any]:
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

    def _beyond(self, work: _Work) -> list[Item]:
        """Datasets that keep nothing that leads to her, whose sources do: she is left out when these are read."""
        planned = {one.dataset for one in work.item.plan.items}
        found = (
            plans.decide(contract, Found(contract.id, contract.title(), ""), work.item.kind,
                         self._disposals.hold_on(contract), ())
            for contract in self.places.contracts(work.person.population) if contract.id not in planned
        )  # fmt: skip
        return [one for one in found if one.action != KEEP]

    def _readings(self, work: _Work) -> Mapping[str, Any]:
        """What readings of such sources left of her: folders of runs, and records that were put aside."""
        gone = lines = 0
        for one in self._beyond(work):
            with self._state.hold(f"publish {one.dataset}", wait=600.0):
                gone += traces.runs(self._settings, self._state, one.dataset, work.needles)
                for version in self._lake.retained(one.dataset):
                    path = self._lake.beside(one.dataset, version.number) / "quarantine.parquet"
                    lines += traces.quarantine(path, work.needles)
        return {"runs": gone, "quarantine": lines}

    def _rows(self, work: _Work, dataset: str) -> Mapping[str, Any]:
        """Take her out of every version of a dataset and of all that lies beside them."""
        contract = self._contract(dataset)
        if contract is None:
            return {}
        with self._state.hold(f"publish {dataset}", wait=600.0):
            runs = traces.runs(self._settings, self._state, dataset, work.needles)
            gone = lake_erasure.without(
                self._lake, dataset, lambda version: self.places.match(contract, version, work.person), self._now()
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

    def _examples(self, work: _Work, dataset: str) -> Mapping[str, Any]:
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

    def _forget(self, work: _Work) -> Mapping[str, Any]:
        """Let the record forget which of its entries were about her."""
        person = work.person
        if self._ledger is None or work.item.kind != ERASE:
            return {"entries": 0}
        subjects = {
            digest for contract in self.places.contracts(person.population)
            if any(one.dataset == contract.id and one.action == ERASE for one in work.item.plan.acts)
            for digest in self.places.digests(contract, person)
        }  # fmt: skip
        basis = f"erasure:{work.item.id}"
        return {"entries": sum(self._ledger.erase_subject(one, actor=work.item.by, basis=basis) for one in subjects)}

    def _notify(self, work: _Work) -> Mapping[str, Any]:
        told = sum(
            self._around.notify(one.dataset, one.agreements, work.item.id, one.action)
            for one in work.item.plan.acts if one.agreements and one.rows
        )  # fmt: skip
        return {"agreements": told}

    def _databases(self, work: _Work) -> Mapping[str, Any]:
        readers = (*work.item.plan.acts, *self._beyond(work))
        ids = [run.id for one in readers for run in self._state.runs(one.dataset, limit=1_000_000)]
        forgotten = traces.steps(self._settings, ids)
        traces.scratch(self._settings)
        with self._state.write() as connection:  # nothing after this needs her number any more
            connection.execute(sa.update(t.erasure).where(t.erasure.c.id == work.item.id).values(
                sealed=self._close(work.item.id, {"id": "", "key": "", "needles": []})))  # fmt: skip
        return {"steps": forgotten, "busy": list(traces.vacuum(self._settings))}

    def _receipt(self, work: _Work) -> Mapping[str, Any]:
        from arengo.services.paper import lay

        item, at = self.get(work.item.id), self._now()
        laid = lay(receipt.paper(self._settings, item.id, item.reference, item.plan, item.steps, at, item.by))
        pdf = self._around.seal(laid, at)
        path = self._path(item.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(pdf)
        part.replace(path)
        mark = hashlib.sha256(pdf).hexdigest()
        self._tell(f"{item.kind} done", item.id, item.by, {
            "receipt": mark, "reference": item.reference, "datasets": [one.dataset for one in item.plan.acts],
        })  # fmt: skip
        values = {"state": DONE, "ended_at": at, "receipt": mark, "sealed": None}
        with self._state.write() as connection:
            connection.execute(sa.update(t.erasure).where(t.erasure.c.id == item.id).values(**values))
        return {"sha256": mark}

    def _contract(self, dataset: str) -> Contract | None:
        from arengo.contract import loads

        record = self._state.contracts(retired=True).get(dataset)
        return loads(record.text, base=self._settings.root) if record else None

    # Lifting a restriction

    def lift(self, id: str, *, by: str, why: str) -> Finished:
        """End a restriction: the key opens again and the rows come back with a new version, as far as the gate lets
        them; what it holds back stays kept, and :meth:`resume_all` tries again. Raises NotFound, Conflict, BadForm,
        PublicationHeld."""
        why = _words(why)
        if len(why) < 3:
            raise BadForm("Lifting a restriction needs a reason.", todo="Say what ended the case (Art. 18(3)).")
        item = self.get(id)
        with self._state.read() as connection:
            kept = connection.scalar(sa.select(sa.func.count()).where(t.kept.c.erasure == id))
        if item.state != DONE or not (item.kind == RESTRICT or kept):
            raise Conflict("There is no restriction here that could be lifted.", todo="See 'arengo erasure list'.")
        values = {"state": LIFTING, "lifted_by": by, "why": why}
        with self._state.write() as connection:
            done = connection.execute(
                sa.update(t.erasure).where(t.erasure.c.id == id, t.erasure.c.state == DONE).values(**values)
            )
            if not done.rowcount:
                raise Conflict("Somebody else is lifting this restriction.")
        return self._lifted(id)

    def _lifted(self, id: str, *, wait: float = 600.0) -> Finished:
        import pyarrow as pa
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        from arengo.publish import disposal

        with self._state.hold(f"erasure {id}", wait=wait):
            item = self.get(id)
            if item.state != LIFTING:
                return item
            self._vault.seal(item.population, item.mark, False)
            with self._state.read() as connection:
                rows = connection.execute(sa.select(t.kept).where(t.kept.c.erasure == id)).all()
            held_back: PublicationHeld | None = None
            for row in rows:
                contract, key = self._contract(row.dataset), self._vault.get(item.population, item.mark)
                if contract is not None and key is not None:
                    told = f"{id}|{row.dataset}".encode()
                    body = AESGCM(key.data).decrypt(row.body[:_NONCE], row.body[_NONCE:], told)
                    held = pa.ipc.open_stream(body).read_all()
                    newest = self._lake.newest(row.dataset)
                    at = self._now()
                    if newest is not None:
                        at = max(at, newest.published_at + timedelta(microseconds=1))
                    try:
                        disposal.put_back(self._settings, self._state, self._lake, contract, held, at, item.mark)
                    except PublicationHeld as error:
                        held_back = error
                        continue
                with self._state.write() as connection:
                    connection.execute(sa.delete(t.kept).where(t.kept.c.erasure == id, t.kept.c.dataset == row.dataset))
            if held_back is not None:
                raise held_back
            c = t.tombstone.c
            with self._state.write() as connection:
                connection.execute(sa.delete(t.tombstone).where(
                    c.population == item.population, c.mark == item.mark, c.kind == "restricted"))  # fmt: skip
            values = {"state": LIFTED, "lifted_at": self._now()}
            with self._state.write() as connection:
                connection.execute(sa.update(t.erasure).where(t.erasure.c.id == id).values(**values))
                self._state.bump(connection)
            self._tell("restriction lifted", id, item.lifted_by, {"why": item.why})
            return self.get(id)

    # What they share

    def _done(self, id: str, name: str, facts: Mapping[str, Any]) -> None:
        with self._state.write() as connection:
            held = connection.scalar(sa.select(t.erasure.c.steps).where(t.erasure.c.id == id)) or []
            steps = [*held, [name, self._now().isoformat(), dict(facts)]]
            connection.execute(sa.update(t.erasure).where(t.erasure.c.id == id).values(steps=steps))

    def _tell(self, act: str, id: str, by: str, body: Mapping[str, Any]) -> None:
        if self._ledger is not None:
            self._ledger.tell("administration", actor=by, body={"act": act, "request": id, **body})

    def _secret(self) -> bytes:
        return mask.derive(self._vault.secret, "erasure")

    def _close(self, id: str, told: Mapping[str, Any]) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._secret()).encrypt(nonce, orjson.dumps(dict(told)), id.encode())

    def _opened(self, id: str) -> Mapping[str, Any]:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        with self._state.read() as connection:
            body = connection.scalar(sa.select(t.erasure.c.sealed).where(t.erasure.c.id == id))
        if body is None:
            raise Conflict(f"What is needed to go on with {id} is gone.", todo="Begin a new request.")
        found: Mapping[str, Any] = orjson.loads(
            AESGCM(self._secret()).decrypt(body[:_NONCE], body[_NONCE:], id.encode())
        )
        return found


@dataclass(frozen=True, slots=True)
class _Work:
    item: Finished
    person: Person
    needles: tuple[str, ...]


def _words(text: str) -> str:
    return " ".join(text.split())[:MOST_WORDS]


def _read(row: Any) -> Finished:
    return Finished(
        row.id, row.kind, row.population, row.mark, row.state, row.by, row.reference, row.reason, row.at, row.ended_at,
        plans.from_json(row.plan), tuple((name, when, told) for name, when, told in row.steps), row.receipt,
        row.lifted_by, row.lifted_at, row.why,
    )  # fmt: skip
