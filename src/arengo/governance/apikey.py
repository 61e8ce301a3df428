"""The form of keys and client secrets, made so that scanners of source code find one that was published by mistake.

``arengo_k1_`` (``arengo_s1_`` for a client secret), 10 signs that name it, 32 random signs (190 bits) and 6 signs of
CRC-32 over everything before them, all in base 62. The checksum tells a key from a text that looks like one without
asking anybody. As a pattern for scanners: ``arengo_[ks]1_[0-9A-Za-z]{48}``.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

KEY, SECRET = "k", "s"
SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID, _RANDOM, _SUM = 10, 32, 6
PATTERN = re.compile(rf"arengo_([ks])1_([0-9A-Za-z]{{{_ID}}})([0-9A-Za-z]{{{_RANDOM}}})([0-9A-Za-z]{{{_SUM}}})")


def make(kind: str = KEY) -> tuple[str, str, str]:
    """(id, whole text, digest) of a new one. Only the digest may be kept."""
    name = _random(_ID)
    front = f"arengo_{kind}1_{name}{_random(_RANDOM)}"
    text = front + checksum(front)
    return name, text, digest(text)


def checksum(front: str) -> str:
    """CRC-32 in six signs of base 62."""
    number = zlib.crc32(front.encode())
    out = ""
    for _ in range(_SUM):
        number, rest = divmod(number, 62)
        out = SIGNS[rest] + out
    return out


def digest(text: str) -> str:
    """SHA-256 of the secret part in hexadecimal; that much randomness needs no slow hash."""
    return hashlib.sha256(text[-_RANDOM - _SUM :].encode()).hexdigest()


def read(text: str, kind: str = KEY) -> str:
    """The id of a text that has the form and the right checksum, '' for any other."""
    found = PATTERN.fullmatch(text)
    if found is None or found[1] != kind or checksum(text[:-_SUM]) != found[4]:
        return ""
    return found[2]


def prefix(id: str, kind: str = KEY) -> str:
    """What may be shown of a key to know it again."""
    return f"arengo_{kind}1_{id}"


def _random(n: int) -> str:
    return "".join(secrets.choice(SIGNS) for _ in range(n))
