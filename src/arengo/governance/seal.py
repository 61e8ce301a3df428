"""The key of parties: what is sealed with it can be read only with the file ``.arengo/parties.key``.

A copy of the database alone gives no second secret and no token of a provider, and does not tell who tried to sign in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

from arengo.errors import OperatorError

NONCE = 12
"""Bytes of an AES-GCM nonce (NIST SP 800-38D, 5.2.1.1)."""


class Seal:
    """``path``: where the key lies; made with the first use, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _key(self, use: str) -> bytes:
        return hmac.new(_read(self._path), b"arengo parties " + use.encode(), hashlib.sha256).digest()

    def mark(self, use: str, text: str) -> str:
        """A keyed hash that tells equal texts without telling the text."""
        return hmac.new(self._key("mark " + use), text.encode(), hashlib.sha256).hexdigest()[:32]

    def close(self, use: str, text: str, about: str = "") -> str:
        """``text`` under AES-256-GCM; opens only for the same ``use`` and ``about`` (such as the person's id)."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(NONCE)
        made = AESGCM(self._key("seal " + use)).encrypt(nonce, text.encode(), about.encode())
        return base64.urlsafe_b64encode(nonce + made).decode()

    def open(self, use: str, sealed: str, about: str = "") -> str:
        """Raises OperatorError when the key is another one or the text was changed."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            raw = base64.urlsafe_b64decode(sealed.encode())
            return AESGCM(self._key("seal " + use)).decrypt(raw[:NONCE], raw[NONCE:], about.encode()).decode()
        except (InvalidTag, ValueError):
            raise OperatorError(
                f"What was sealed for {use} does not open with {self._path.name}.",
                todo="Put back the key file that belongs to this database.",
            ) from None


def secret() -> str:
    """256 random bits for a cookie or a link; only :func:`digest` of it is kept."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """What is kept of a random secret. Fit for random ones only: it can be computed quickly."""
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=16)
def _read(path: Path) -> bytes:
    try:
        held = path.read_text(encoding="ascii").strip()
        if held:
            return held.encode()
    except OSError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    try:
        os.link(beside, path)  # whole or not at all, also when two processes make it at once
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    return path.read_text(encoding="ascii").strip().encode()
