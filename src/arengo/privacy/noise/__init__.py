"""Differential privacy: figures with noise, and the budget that says how much of it a population has left.

In: a table of counts and sums, or persons with a declared bound of rows; a loss (epsilon, or rho of zCDP). Out: the
same figures with noise added by OpenDP in a process of its own, and how exact they are. Promise: accuracy is known
before anything is spent; the budget is one a population, durable, and never spent twice or by two at a time.
"""

from __future__ import annotations

from arengo.privacy.noise.budget import DELTA, Budget, Spend, Standing, epsilon_of, total
from arengo.privacy.noise.cells import Noised, accuracy, cells, loss_of
from arengo.privacy.noise.mechanism import Loss, Noisy, Persons
from arengo.privacy.noise.process import Noise
from arengo.privacy.noise.step import settle, spend_of

__all__ = [
    "DELTA",
    "Budget",
    "Loss",
    "Noise",
    "Noised",
    "Noisy",
    "Persons",
    "Spend",
    "Standing",
    "accuracy",
    "cells",
    "epsilon_of",
    "loss_of",
    "settle",
    "spend_of",
    "total",
]
