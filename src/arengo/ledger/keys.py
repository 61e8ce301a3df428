"""``.arengo/ledger.key``: the secrets of this record, made at the first need; only the owner of the folder reads it.

One line each: the log's signer key, the witness's signer key, the secret behind pseudonyms, public keys of before.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from arengo.errors import ArengoError, BadForm, SettingsError
from arengo.ledger import note
from arengo.ledger.entry import Pseudonyms
from arengo.settings import Settings

NAMES = "PSEUDONYMS+"
BEFORE = "BEFORE+"


@dataclass(frozen=True, slots=True)
class Keys:
    """``log``: signs checkpoints; ``witness``: cosigns those of others; ``names``: gives pseudonyms. ``before``: public
    keys that signed until they were replaced, the newest first.
    """

    log: note.SignerKey
    witness: note.SignerKey
    names: Pseudonyms
    before: tuple[note.VerifierKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness of ours. ``url``: its submission prefix (C2SP tlog-witness)."""

    key: note.VerifierKey
    url: str


def origin(settings: Settings) -> str:
    """What a new record calls itself: its address without the scheme (C2SP tlog-checkpoint)."""
    address = urlsplit(settings.city.url)
    if address.hostname:
        host = f"{address.hostname}:{address.port}" if address.port else address.hostname
        return f"{host}{address.path.rstrip('/')}/ledger/v1"
    name = re.sub(r"[^a-z0-9]+", "-", settings.city.name.lower()).strip("-") or "city"
    return f"{name}.invalid/ledger/v1"


def read(settings: Settings) -> Keys:
    """The keys of a city, made when there are none. Raises SettingsError for a file that cannot be used."""
    path = settings.home / "ledger.key"
    for _ in range(2):
        try:
            return _parsed(path.read_text(encoding="ascii"))
        except FileNotFoundError:
            _make(path, origin(settings))
        except (OSError, UnicodeDecodeError, ArengoError) as error:
            met = error.met if isinstance(error, ArengoError) else type(error).__name__
            raise SettingsError(
                f"The keys of the record cannot be used ({met}).",
                todo=f"Restore {path} from your backup: without it nothing new can be signed.",
            ) from None
    raise SettingsError(f"{path} cannot be made.")


def logs(settings: Settings) -> tuple[note.VerifierKey, ...]:
    """Keys of the records this city cosigns. Raises SettingsError."""
    try:
        return tuple(note.verifier(text) for text in settings.ledger.logs)
    except ArengoError as error:
        raise SettingsError(f"[ledger] logs: {error.met}", todo="Each is a verifier key: NAME+KEYID+BASE64.") from None


def witnesses(settings: Settings) -> tuple[Cosigner, ...]:
    """Who cosigns our record. Raises SettingsError."""
    out = []
    for text in settings.ledger.witnesses:
        key, _, url = text.strip().partition(" ")
        try:
            made = Cosigner(note.verifier(key), url.strip().rstrip("/"))
        except ArengoError as error:
            raise SettingsError(
                f"[ledger] witnesses: {error.met}", todo="Each is 'NAME+KEYID+BASE64 ADDRESS'."
            ) from None
        if made.key.kind != note.COSIGNATURE or not made.url.startswith(("https://", "http://")):
            raise SettingsError(
                f"[ledger] witnesses: {made.key.name} needs a cosigner's key (type 4) and an address.",
                todo="'arengo ledger show --keys' of the witness prints both.",
            )
        out.append(made)
    return tuple(out)


def rotated(settings: Settings, held: Keys) -> Keys:
    """The same keys with a new one for the log, under the same name; not written yet."""
    log = note.SignerKey(held.log.name, note.ED25519, secrets.token_bytes(32))
    return Keys(log, held.witness, held.names, (held.log.verifier, *held.before))


def _parsed(text: str) -> Keys:
    lines = text.split()
    signers = {key.kind: key for key in (note.signer(line) for line in lines if line.startswith("PRIVATE+KEY+"))}
    names = [note.unbase64(line.removeprefix(NAMES)) for line in lines if line.startswith(NAMES)]
    before = [note.verifier(line.removeprefix(BEFORE)) for line in lines if line.startswith(BEFORE)]
    if set(signers) != {note.ED25519, note.COSIGNATURE} or len(names) != 1 or len(names[0]) < 32:
        raise BadForm("it does not hold one key of each kind")
    return Keys(signers[note.ED25519], signers[note.COSIGNATURE], Pseudonyms(names[0]), tuple(before))


def _make(path: Path, name: str) -> None:
    """Write new keys where there are none; whoever comes second keeps the first's."""
    write(
        path,
        Keys(
            note.SignerKey(name, note.ED25519, secrets.token_bytes(32)),
            note.SignerKey(f"{name}/witness", note.COSIGNATURE, secrets.token_bytes(32)),
            Pseudonyms(secrets.token_bytes(32)),
        ),
        new=True,
    )


def write(path: Path, keys: Keys, *, new: bool = False) -> None:
    """Put keys into a file that is there whole or not at all. ``new``: not over one that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = NAMES + base64.b64encode(keys.names.secret).decode()
    lines = (keys.log.secret(), keys.witness.secret(), names, *(f"{BEFORE}{key}" for key in keys.before))
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    if not new:
        scratch.replace(path)
        return
    try:
        os.link(scratch, path)
    except FileExistsError:
        pass
    finally:
        scratch.unlink()
