"""Cell-key perturbation: bounded noise without bias that is the same wherever the same persons are counted.

Each person has a record key; the key of a cell is the sum of its persons' keys, so that two tables that count the same
persons show the same figure and asking twice gains nothing (Fraser and Wooton 2005; handbook 5.4.2). Where the
persons are not known, the key is that of the cell's predicate. The noise of a count follows a table of probabilities
of greatest entropy without bias (Giessing, *Computational issues in the design of transition probabilities*, 2016):
nothing below zero, an empty cell stays empty, and no figure from 1 to ``hidden`` is ever shown.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPAN = 1 << 32
"""Keys are whole numbers below it, and so is their sum."""


def secret_for(secret: bytes, population: str, seed: str = "") -> bytes:
    """The key that record and cell keys of one population are made with (HMAC-SHA-256; ``seed`` of the contract makes
    another series).
    """
    return hmac.new(secret, f"arengo/cell-key|{population}|{seed}".encode(), hashlib.sha256).digest()


def record_key_sql(column: str) -> str:
    """SQL of a person's record key (UBIGINT below 2^32) from the SQL of the person's number; NULL stays NULL.

    Binds one parameter: ``secret_for(...).hex()``. A keyed digest: SHA-256 over key and number; the number has a fixed
    length and the digest is cut to 32 of 256 bits, so lengthening the text gains nothing.
    """
    return f"CAST('0x' || left(sha256(? || '|' || CAST({column} AS VARCHAR)), 8) AS UBIGINT)"


def predicate_keys(keys: Sequence[Mapping[str, str | None]], secret: bytes) -> NDArray[np.uint64]:
    """The key of a cell from what it is about (concept with level -> label; totals are left out by the caller)."""
    out = np.empty(len(keys), np.uint64)
    for at, told in enumerate(keys):
        said = "\x1e".join(f"{name}\x1f{'' if value is None else 'v' + value}" for name, value in sorted(told.items()))
        out[at] = int.from_bytes(hmac.new(secret, said.encode(), hashlib.sha256).digest()[:4], "big")
    return out


@lru_cache(maxsize=4096)
def noise(count: int, limit: int, hidden: int, variance: float) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """What may be added to a true ``count`` and how likely: mean 0, at most ``limit`` either way.

    ``hidden``: figures 1..hidden are not shown. Probabilities are those of greatest entropy for the variance a normal
    law of ``variance`` would have on the values that are allowed.
    """
    if count <= 0:
        return (0,), (1.0,)
    far = max(limit, hidden + 1 - min(count, hidden))
    steps = [step for step in range(-limit, far + 1) if count + step >= 0 and not 0 < count + step <= hidden]
    if 0 in steps and (all(step >= 0 for step in steps) or all(step <= 0 for step in steps)):
        return (0,), (1.0,)
    if not any(step < 0 for step in steps):
        steps = [-count, *steps]  # as far down as nothing at all
    at = np.array(sorted(set(steps)), float)
    low, high = -60.0, 60.0
    chance = np.zeros(len(at))
    for _ in range(200):
        tilt = (low + high) / 2
        power = tilt * at - at**2 / (2 * variance)
        chance = np.exp(power - power.max())
        chance /= chance.sum()
        mean = float(chance @ at)
        if abs(mean) < 1e-13:
            break
        low, high = (tilt, high) if mean < 0 else (low, tilt)
    return tuple(int(step) for step in at), tuple(float(item) for item in chance)


def perturbed(
    counts: NDArray[np.float64], keys: NDArray[np.uint64], limit: int, hidden: int = 0, variance: float = 0.0
) -> NDArray[np.float64]:
    """Counts with their noise: a function of the true count and the cell key alone. Unknown ones stay unknown.

    ``limit``: largest change. ``variance``: of the noise, by default a quarter of ``limit`` squared. From
    ``2 * limit + hidden`` on all counts share one table of probabilities.
    """
    spread = variance or max(limit * limit / 4.0, 0.5)
    out = np.array(counts, float)
    far = 2 * limit + hidden + 1
    for at in np.flatnonzero(~np.isnan(out)):
        true = round(float(out[at]))
        steps, chance = noise(min(true, far), limit, hidden, spread)
        draw = (int(keys[at]) % SPAN + 0.5) / SPAN
        place = min(int(np.searchsorted(np.cumsum(chance), draw)), len(steps) - 1)
        out[at] = true + steps[place]
    return out
