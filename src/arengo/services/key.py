"""The city's key for what people send: secret links, hashes of addresses, stamps of forms.

Nothing secret is kept in the database: a link's secret is computed from the key and the thing it opens, so a copy of
the database opens nothing. The key lies in ``.arengo/participation.key``; losing it makes older links useless.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters that are not mistaken for each other on paper or on the telephone."""


class Key:
    """``path``: where the key lies; made with the first use, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = b""

    @property
    def _bytes(self) -> bytes:
        if not self._held:
            self._held = _read(self._path)
        return self._held

    def _digest(self, *parts: str) -> bytes:
        text = "\0".join(part.replace("\0", "") for part in parts)
        return hmac.new(self._bytes, text.encode(), hashlib.sha256).digest()

    def secret(self, use: str, id: str) -> str:
        """The secret of the link that opens ``id`` for one use: 128 bits, the same each time."""
        return base64.urlsafe_b64encode(self._digest("secret", use, id)[:16]).decode().rstrip("=")

    def opens(self, use: str, id: str, secret: str) -> bool:
        return hmac.compare_digest(self.secret(use, id).encode(), secret.encode())

    def mark(self, use: str, text: str) -> str:
        """A keyed hash that tells equal texts (an address, a cookie) without telling the text."""
        return self._digest("mark", use, text).hex()[:32]


def number() -> str:
    """A tracking number nobody can count through: 8 signs, 39 bits."""
    signs = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"{signs[:4]}-{signs[4:]}"


def _read(path: Path) -> bytes:
    try:
        held = path.read_text(encoding="ascii").strip()
        if held:
            return held.encode()
    except OSError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    made = secrets.token_urlsafe(32)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(made + "\n")
    try:
        os.link(beside, path)  # whole or not at all, also when two processes make it at once
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    return path.read_text(encoding="ascii").strip().encode()
