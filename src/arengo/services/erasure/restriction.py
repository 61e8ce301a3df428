"""A person who is left alone (GDPR, Art. 18): her rows are kept sealed with her key, and come back when it ends."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.errors import BadForm, Conflict, PublicationHeld
from arengo.lake import erasure as lake_erasure
from arengo.services.erasure.person import Places
from arengo.services.erasure.plan import RESTRICT
from arengo.services.erasure.requests import DONE, LIFTED, LIFTING, NONCE, Finished, Requests, Work, words
from arengo.state import vault as t

if TYPE_CHECKING:
    from arengo.lake import Lake


class Restrictions:
    """The rows of restricted persons of one city."""

    def __init__(self, requests: Requests, lake: Lake, places: Places) -> None:
        self._requests = requests
        self._settings = requests.settings
        self._state = requests.state
        self._vault = requests.keys
        self._now = requests.now
        self._lake = lake
        self._places = places

    def keep(self, work: Work, dataset: str) -> Mapping[str, Any]:
        """A restricted person's rows of the newest version, sealed with her key, to be put back one day."""
        import pyarrow as pa
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        contract, version = self._places.contract(dataset), self._lake.newest(dataset)
        if contract is None or version is None:
            return {"rows": 0}
        held = lake_erasure.rows(self._lake, version, self._places.match(contract, version, work.person))
        if held is None:
            return {"rows": 0}
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, held.schema) as writer:
            writer.write_table(held)
        key = self._vault.take(work.person.population, [work.person.mark])[work.person.mark]
        nonce = secrets.token_bytes(NONCE)
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

    def lift(self, id: str, *, by: str, why: str) -> Finished:
        """End a restriction. Raises NotFound, Conflict, BadForm, PublicationHeld."""
        why = words(why)
        if len(why) < 3:
            raise BadForm("Lifting a restriction needs a reason.", todo="Say what ended the case (Art. 18(3)).")
        item = self._requests.get(id)
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
        return self.finish(id)

    def finish(self, id: str, *, wait: float = 600.0) -> Finished:
        """Open the key again and put the rows back, as far as the gate lets them; the rest stays kept, and the next
        try goes on with it. Raises NotFound, Busy, PublicationHeld."""
        import pyarrow as pa
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        from arengo.publish import disposal

        with self._state.hold(f"erasure {id}", wait=wait):
            item = self._requests.get(id)
            if item.state != LIFTING:
                return item
            self._vault.seal(item.population, item.mark, False)
            with self._state.read() as connection:
                rows = connection.execute(sa.select(t.kept).where(t.kept.c.erasure == id)).all()
            held_back: PublicationHeld | None = None
            for row in rows:
                contract, key = self._places.contract(row.dataset), self._vault.get(item.population, item.mark)
                if contract is not None and key is not None:
                    told = f"{id}|{row.dataset}".encode()
                    body = AESGCM(key.data).decrypt(row.body[:NONCE], row.body[NONCE:], told)
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
            self._requests.tell("restriction lifted", id, item.lifted_by, {"why": item.why})
            return self._requests.get(id)
