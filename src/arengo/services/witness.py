"""Asking the witnesses of our record for their signatures (C2SP tlog-witness): other cities, an authority.

A witness signs only what continues what it signed before, so a record that was forked or set back gets no signature:
that refusal is what readers are protected by, and the operator is told.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from arengo.errors import ArengoError
from arengo.settings import Settings

if TYPE_CHECKING:
    from arengo.ledger import Ledger
    from arengo.ledger.checkpoint import Checkpoint
    from arengo.ledger.keys import Cosigner

MOST_ANSWER = 65_536
LOOKED_BACK = 500
"""Checkpoints looked through for a witness's newest signature; it can also say itself which it knows."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """``state``: signed, refused or silent. ``words``: what the witness said, or what kept it from answering."""

    witness: str
    state: str
    words: str = ""


def cosign(settings: Settings, ledger: Ledger, *, due_only: bool = True) -> list[Asked]:
    """Ask each witness to sign the newest checkpoint; only those whose last signature is old enough by default.

    Raises SettingsError for a witness that cannot be read.
    """
    from arengo.ledger.keys import witnesses

    wanted = witnesses(settings)
    newest = ledger.checkpoint() if wanted else None
    if newest is None:
        return []
    out = []
    for witness in wanted:
        size, at = _last(ledger, witness)
        fresh = at is not None and ledger.now() - at < timedelta(minutes=settings.ledger.witness_minutes)
        if size == newest.size or (due_only and fresh):
            continue
        made = _ask(settings, ledger, witness, newest, size)
        if made.state != "signed":
            _log.warning("The witness %s did not sign: %s", made.witness, made.words)
        out.append(made)
    return out


def _last(ledger: Ledger, witness: Cosigner) -> tuple[int, datetime | None]:
    """(size, time) of the newest checkpoint that a witness signed; (0, None) when none is held."""
    for held in ledger.signing.checkpoints(LOOKED_BACK):
        for signature in held.note.signatures:
            if (signature.name, signature.id) == (witness.key.name, witness.key.id):
                return held.size, datetime.fromtimestamp(min(signature.at, 1 << 40), UTC)
    return 0, None


def _ask(settings: Settings, ledger: Ledger, witness: Cosigner, newest: Checkpoint, old: int) -> Asked:
    from arengo.ledger.witness import Submission

    name = witness.key.name
    try:
        status, text = 0, ""
        for _ in range(2):
            submission = Submission(old, ledger.consistency(old, newest.size), newest)
            status, text = _post(settings, f"{witness.url}/add-checkpoint", str(submission).encode())
            known = text.strip()
            if status != 409 or not (known.isascii() and known.isdecimal() and len(known) < 19):
                break
            if int(known) > newest.size:
                words = f"It signed {known} entries of this record, which has {newest.size}: it was set back."
                return Asked(name, "refused", words)
            if int(known) == old:
                return Asked(name, "refused", f"It signed another record of {known} entries: the history was forked.")
            old = int(known)
        if status != 200:
            return Asked(name, "refused", f"It answered {status}: {text.strip()[:300]}")
        if not ledger.signing.cosigned(newest.size, text, [witness.key]):
            return Asked(name, "refused", "Its answer holds no signature of its key on this checkpoint.")
    except ArengoError as error:
        return Asked(name, "silent", error.met)
    return Asked(name, "signed", f"{newest.size} entries")


def _post(settings: Settings, url: str, body: bytes) -> tuple[int, str]:
    from arengo.sources.guard import Guard

    guard = Guard(settings.sources)
    headers = {"content-type": "text/plain; charset=utf-8"}
    with (
        guard.client() as client,
        guard.stream(client, url, headers=headers, method="POST", content=body) as response,
    ):
        text = b"".join(guard.body(response, MOST_ANSWER)).decode("utf-8", "replace")
        return response.status_code, text
