"""Cosigning for others (C2SP tlog-witness): this city vouches that another's record only grew."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from arengo.errors import BadForm
from arengo.ledger import checkpoint, note, tables
from arengo.ledger.checkpoint import Checkpoint
from arengo.ledger.entry import written
from arengo.ledger.store import Store
from arengo.ledger.tree import EMPTY, verify_consistency

MOST_PROOF = 63
MOST_REQUEST = 131_072
SIZE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Cosigning:
    """The answer to ``add-checkpoint``: HTTP status, text, media type."""

    status: int
    text: str
    media: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Submission:
    """What ``add-checkpoint`` is given. ``old``: the size the witness knows."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint

    def __str__(self) -> str:
        import base64

        lines = "".join(base64.b64encode(item).decode() + "\n" for item in self.proof)
        return f"old {self.old}\n{lines}\n{self.checkpoint.text}"


def submission(text: str) -> Submission:
    """Read the body of ``add-checkpoint``. Raises BadForm."""
    head, gap, tail = text.partition("\n\n")
    lines = head.split("\n")
    word, _, old = lines[0].partition(" ")
    if not gap or word != "old" or not (old.isascii() and old.isdecimal() and len(old) < 19 and str(int(old)) == old):
        raise BadForm("The first line says 'old' and a size.", todo="See c2sp.org/tlog-witness.")
    if len(lines) - 1 > MOST_PROOF:
        raise BadForm("A proof has at most 63 lines.")
    proof = tuple(note.unbase64(line) for line in lines[1:])
    if any(len(item) != 32 for item in proof):
        raise BadForm("A line of the proof is not a hash.")
    return Submission(int(old), proof, checkpoint.parse(tail))


class Witness:
    """``logs``: verifier keys of the records this city cosigns; the name of a key is the origin it may speak for."""

    def __init__(
        self, store: Store, key: note.SignerKey, logs: Iterable[note.VerifierKey], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._key = key
        self._logs = tuple(logs)
        self._now = now

    def add(self, body: bytes) -> Cosigning:
        """Check and cosign. The new size is on the disk before the answer goes out."""
        try:
            if len(body) > MOST_REQUEST:
                raise BadForm("This is longer than a checkpoint with its proof.")
            asked = submission(body.decode("utf-8"))
        except (BadForm, UnicodeDecodeError) as error:
            return Cosigning(400, f"{error}\n")
        given = asked.checkpoint
        keys = [key for key in self._logs if key.name == given.origin]
        if not keys:
            return Cosigning(404, "This record is not one that is cosigned here.\n")
        try:
            if not given.note.signed_by(keys):
                return Cosigning(403, "No signature of a key known here is on the checkpoint.\n")
        except BadForm as error:
            return Cosigning(403, f"{error}\n")
        if asked.old > given.size:
            return Cosigning(400, "The old size is larger than the checkpoint's.\n")
        try:
            return self._decide(asked)
        except sa.exc.IntegrityError:  # two first ones at once: the second learns the size of the first
            return self._decide(asked)

    def _decide(self, asked: Submission) -> Cosigning:
        given, c = asked.checkpoint, tables.cosigned.c
        mine = c.origin == given.origin
        now = self._now()
        with self._store.engine.begin() as connection:
            wanted = sa.select(c.size, c.root).where(mine).with_for_update()
            row = connection.execute(wanted).first()
            size, root = (int(row.size), bytes(row.root)) if row else (0, EMPTY)
            if asked.old != size:
                return Cosigning(409, f"{size}\n", SIZE)
            if size == given.size and root != given.root:
                return Cosigning(409, f"{size}\n", SIZE)
            if not verify_consistency(size, given.size, asked.proof, root, given.root):
                return Cosigning(422, "The proof does not lead from the old root to the new one.\n")
            values = {"size": given.size, "root": given.root, "note": given.text, "at": written(now)}
            if row is None:
                connection.execute(sa.insert(tables.cosigned).values(origin=given.origin, **values))
            else:
                connection.execute(sa.update(tables.cosigned).where(mine).values(**values))
        return Cosigning(200, self._key.sign(given.note.text, int(now.timestamp())))

    def known(self) -> tuple[Checkpoint, ...]:
        """The newest checkpoint cosigned of each record."""
        c = tables.cosigned.c
        with self._store.read() as connection:
            return tuple(checkpoint.parse(text) for text in connection.scalars(sa.select(c.note).order_by(c.origin)))
