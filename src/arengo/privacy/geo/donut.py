"""Donut: every point is moved, past at least k other persons, to a place where somebody is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arengo.privacy.geo.plane import draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR = 32


def moved(
    points: NDArray[np.float64],
    persons: NDArray[np.int64],
    k: int,
    key: bytes,
    inner: float = 0.0,
    outer: float = 0.0,
) -> NDArray[np.float64]:
    """New places, shape (n, 2); NaN where fewer than k others are there at all.

    The distance is at least ``inner`` metres and at least that of the k-th nearest other person, at most ``outer`` or
    twice the least where that is more; within, every place of the ring is as likely as its area
    (Hampton et al.: *Mapping health data: improved privacy protection with donut method geomasking*, 2010). Snapping
    to places of the data leaves nobody in the river.
    """
    from scipy.spatial import cKDTree

    out = np.full_like(points, np.nan)
    places, at = np.unique(points, axis=0, return_inverse=True)
    at = at.reshape(-1)
    if len(places) < 2:
        return out
    least = np.maximum(inner, _kth(points, persons, places, k))
    known = np.isfinite(least)
    least = np.where(known, least, 0.0)
    most = np.maximum(outer, np.maximum(2 * least, least + 1.0))
    drawn = draws(key, places, 2)
    radius = np.sqrt(least**2 + drawn[:, 0] * (most**2 - least**2))
    angle = 2 * np.pi * drawn[:, 1]
    wanted = places + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    made = np.full_like(places, np.nan)
    tree = cKDTree(places)
    near = min(NEAR, len(places))
    for number in np.flatnonzero(known):
        many = near
        while True:
            _, found = tree.query(wanted[number], k=many)
            found = np.atleast_1d(found)
            far = np.hypot(*(places[found] - places[number]).T)
            fits = found[(far >= least[number]) & (far > 0)]
            if len(fits) or many == len(places):
                break
            many = min(len(places), many * 4)
        if len(fits):
            made[number] = places[fits[0]]
    out[:] = made[at]
    return out


def _kth(
    points: NDArray[np.float64], persons: NDArray[np.int64], places: NDArray[np.float64], k: int
) -> NDArray[np.float64]:
    """Distance from each place within which k persons are whose point it is not; infinite where there are too few."""
    from scipy.spatial import cKDTree

    pairs, first = np.unique(np.column_stack([points, persons]), axis=0, return_index=True)
    who = persons[first]
    tree = cKDTree(pairs[:, :2])
    out = np.full(len(places), np.inf)
    for number, place in enumerate(places):
        many = min(len(pairs), k + 8)
        while True:
            far, found = tree.query(place, k=many)
            far, found = np.atleast_1d(far), np.atleast_1d(found)
            here = set(who[found[far == 0]].tolist())
            others: set[int] = set()
            for distance, index in zip(far, found, strict=True):
                if who[index] not in here:
                    others.add(int(who[index]))
                if len(others) >= k:
                    out[number] = distance
                    break
            if np.isfinite(out[number]) or many == len(pairs):
                break
            many = min(len(pairs), many * 4)
    return out
