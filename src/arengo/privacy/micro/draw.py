"""What is drawn: PRAM of categories, and another order of rows. Seeded by a key nobody outside the city has.

PRAM: Gouweleeuw, Kooiman, Willenborg, de Wolf, *Post randomisation for statistical disclosure control*, J. Official
Statistics 14(4), 1998.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def generator(key: bytes, *parts: str) -> np.random.Generator:
    """Philox, a counter-based generator, under SHA-256 of ``key`` and what it is drawn for. One column a generator:
    its numbers are published only as which values changed, from which its state cannot be had."""
    told = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    mark = int.from_bytes(hashlib.sha256(key + told).digest()[:16], "big")
    return np.random.Generator(np.random.Philox(key=mark))


def transition(shares: NDArray[np.float64], p: float) -> NDArray[np.float64]:
    """The invariant matrix: with probability ``p`` a value is drawn anew as often as it occurs.

    (1 - p) I + p 1 q, under which the frequencies q are the same in expectation: q R = q. Rows add up to 1.
    """
    if not 0 <= p <= 1:
        raise ValueError("a probability lies between 0 and 1")
    return (1 - p) * np.eye(len(shares)) + p * np.tile(shares, (len(shares), 1))


def pram(
    codes: NDArray[np.int64], p: float, change: NDArray[np.float64], pick: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Codes (0, 1, ...; below 0 is unknown and stays) after post randomisation with :func:`transition` of their own
    frequencies. ``change``, ``pick``: a number in [0, 1) of each row, whether its value is drawn and which one it gets.
    Never makes the matrix, so it does not matter how many categories there are.
    """
    if not 0 <= p <= 1:
        raise ValueError("a probability lies between 0 and 1")
    out = codes.copy()
    known = codes[codes >= 0]
    if not len(known):
        return out
    drawn = np.flatnonzero((codes >= 0) & (change < p))
    reached = np.cumsum(np.bincount(known)) / len(known)
    out[drawn] = np.minimum(np.searchsorted(reached, pick[drawn], "right"), len(reached) - 1)
    return out


def estimated(counts: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unbiased counts of the original values from those after PRAM, for a reader who knows the matrix."""
    return np.linalg.solve(matrix.T, counts).astype(np.float64)


def shuffle(rows: int, random: np.random.Generator) -> NDArray[np.int64]:
    """A random order of ``rows`` rows."""
    return random.permutation(rows)
