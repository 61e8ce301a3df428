"""Signed notes (C2SP signed-note), Ed25519 keys as text, cosignatures (C2SP tlog-cosignature).

A verifier key reads ``NAME+KEYID+BASE64(type || public key)``; type 1 signs a note, type 4 cosigns a checkpoint with
its time. The signer key is the same with ``PRIVATE+KEY+`` before it and the seed instead of the public key.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from arengo.errors import BadForm

ED25519 = 1
COSIGNATURE = 4
MOST_SIGNATURES = 64
MOST_NOTE = 65_536


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


@dataclass(frozen=True)
class VerifierKey:
    """A public key under a name. ``kind``: :data:`ED25519` or :data:`COSIGNATURE`; ``public``: 32 bytes."""

    name: str
    kind: int
    public: bytes

    @cached_property
    def id(self) -> bytes:
        return key_id(self.name, self.kind, self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    def checks(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` (without key id) is this key's on a note's text."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        message = text.encode()
        if self.kind == COSIGNATURE:
            if len(signature) != 72:
                return False
            message, signature = timed(text, int.from_bytes(signature[:8], "big")), signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class SignerKey:
    """A secret key under a name. ``seed``: 32 bytes."""

    name: str
    kind: int
    seed: bytes

    def __repr__(self) -> str:
        return f"<SignerKey {self.name}>"  # never the seed: reprs end up in logs

    @cached_property
    def verifier(self) -> VerifierKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return VerifierKey(
            self.name, self.kind, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        )

    def secret(self) -> str:
        """As it stands in the key file."""
        tail = base64.b64encode(bytes([self.kind]) + self.seed).decode()
        return f"PRIVATE+KEY+{self.name}+{self.verifier.id.hex()}+{tail}"

    def sign(self, text: str, at: int = 0) -> str:
        """A signature line. ``at``: seconds since 1970, for a cosignature."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        secret = Ed25519PrivateKey.from_private_bytes(self.seed)
        if self.kind == COSIGNATURE:
            made = at.to_bytes(8, "big") + secret.sign(timed(text, at))
        else:
            made = secret.sign(text.encode())
        return f"— {self.name} {base64.b64encode(self.verifier.id + made).decode()}\n"


def timed(text: str, at: int) -> bytes:
    """What a cosignature signs (C2SP tlog-cosignature, Ed25519)."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    id: bytes
    made: bytes

    @property
    def at(self) -> int:
        """Seconds since 1970 of a cosignature."""
        return int.from_bytes(self.made[:8], "big") if len(self.made) == 72 else 0

    def __str__(self) -> str:
        return f"— {self.name} {base64.b64encode(self.id + self.made).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """``text`` ends with a line feed; ``signatures`` as they were found, checked or not."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(map(str, self.signatures))

    def signed_by(self, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
        """The keys that signed it. Raises BadForm when a signature of one of them is wrong."""
        known = {(key.name, key.id): key for key in keys}
        found: dict[VerifierKey, None] = {}
        for signature in self.signatures:
            key = known.get((signature.name, signature.id))
            if key is None:
                continue
            if not key.checks(self.text, signature.made):
                raise BadForm(f"The signature of {key.name} is not one on this text.")
            found[key] = None
        return tuple(found)


def parse(text: str) -> Note:
    """Read a signed note. Raises BadForm."""
    body, gap, tail = text.rpartition("\n\n")
    marks = any(ord(mark) < 32 and mark != "\n" for mark in text)
    if not gap or marks or len(text) > MOST_NOTE or not text.endswith("\n"):
        raise BadForm("This is not a signed note.", todo="See c2sp.org/signed-note.")
    return Note(body + "\n", signatures(tail))


def signatures(text: str) -> tuple[Signature, ...]:
    """Read signature lines. Raises BadForm."""
    lines = text.split("\n")[:-1]
    if not lines or len(lines) > MOST_SIGNATURES:
        raise BadForm("A note has between one and 64 signatures.")
    return tuple(_signature(line) for line in lines)


def _signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not is_name(parts[1]):
        raise BadForm("A signature line is an em dash, a name and a signature in Base64.")
    made = unbase64(parts[2])
    if len(made) < 5:
        raise BadForm("A signature line is too short.")
    return Signature(parts[1], made[:4], made[4:])


def verifier(text: str) -> VerifierKey:
    """Read a verifier key. Raises BadForm."""
    name, mark, tail = text.strip().partition("+")
    given, mark, packed = tail.partition("+")
    data = unbase64(packed)
    if not mark or not is_name(name) or len(data) != 33 or data[0] not in (ED25519, COSIGNATURE):
        raise BadForm(f"{text[:80]!r} is not a verifier key.", todo="It reads NAME+KEYID+BASE64.")
    key = VerifierKey(name, data[0], data[1:])
    if key.id.hex() != given.lower():
        raise BadForm(f"The key id of {name} does not fit the key.", todo="Copy the whole line again.")
    return key


def signer(text: str) -> SignerKey:
    """Read a signer key as it stands in the key file. Raises BadForm, never quoting it."""
    head = "PRIVATE+KEY+"
    parts = text.strip().removeprefix(head).split("+", 2)
    data = unbase64(parts[2]) if len(parts) == 3 else b""
    if not text.startswith(head) or len(data) != 33 or data[0] not in (ED25519, COSIGNATURE):
        raise BadForm("This is not a signer key.")
    return SignerKey(parts[0], data[0], data[1:])


def is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(mark.isspace() for mark in name)


def unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadForm("This is not Base64.") from error
