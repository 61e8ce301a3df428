"""Planar Laplace noise: geo-indistinguishability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arengo.privacy.geo.plane import draws

if TYPE_CHECKING:
    from numpy.typing import NDArray


def moved(points: NDArray[np.float64], epsilon: float, key: bytes) -> NDArray[np.float64]:
    """The points with noise, shape (n, 2). ``epsilon``: per metre.

    Places r metres apart are told from each other with odds of at most e^(epsilon r) to one
    (Andres, Bordenabe, Chatzikokolakis, Palamidessi: *Geo-indistinguishability*, CCS 2013, section 4.1: the radius is
    -(W_-1((p - 1) / e) + 1) / epsilon). The draw is a function of key and place: whoever gets the same person twice
    cannot average the noise away, and whoever has the key can undo it, as with any pseudonym.
    """
    from scipy.special import lambertw

    drawn = draws(key, points, 2)
    radius = -(np.real(lambertw((drawn[:, 0] - 1) / np.e, k=-1)) + 1) / epsilon
    angle = 2 * np.pi * drawn[:, 1]
    made: NDArray[np.float64] = points + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return made
