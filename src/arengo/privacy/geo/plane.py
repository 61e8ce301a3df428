"""Degrees as metres on a plane, and numbers that are drawn by a key instead of a generator."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

METRES = 111_320.0
"""Of one degree of latitude."""
GEOGRAPHIC = frozenset({"EPSG:4326", "EPSG:4258", "OGC:CRS84", "EPSG:4979", "CRS84", ""})


@dataclass(frozen=True, slots=True)
class Plane:
    """``parallel``: the latitude, in whole degrees, where a degree of longitude is measured; None for metres as given.

    Whole degrees, so that one more person at the edge of the city does not move everybody.
    """

    parallel: int | None = None

    @classmethod
    def of(cls, crs: str, latitudes: NDArray[np.float64]) -> Plane:
        if crs.upper() not in GEOGRAPHIC:
            return cls()
        known = latitudes[np.isfinite(latitudes)]
        return cls(int(np.clip(np.rint(np.median(known)), -85, 85)) if len(known) else 0)

    @property
    def _scale(self) -> tuple[float, float]:
        if self.parallel is None:
            return 1.0, 1.0
        return METRES * float(np.cos(np.radians(self.parallel))), METRES

    def metres(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (n, 2): x and y."""
        made: NDArray[np.float64] = points * np.array(self._scale)
        return made

    def back(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rounded to about a decimetre: the last digits of a number made by arithmetic may tell its operands."""
        made: NDArray[np.float64] = np.round(points / np.array(self._scale), 1 if self.parallel is None else 6)
        return made


def draws(key: bytes, points: NDArray[np.float64], many: int) -> NDArray[np.float64]:
    """Shape (n, many): numbers evenly in (0, 1) that are a function of the key and the place (to a decimetre)."""
    out = np.empty((len(points), many))
    for at, place in enumerate(np.rint(points * 10).astype(np.int64)):
        told = hmac.digest(key, place.tobytes(), "sha256")
        out[at] = (np.frombuffer(told, ">u8")[:many].astype(float) + 0.5) / 2.0**64
    return np.clip(out, 1e-12, 1 - 1e-12)
