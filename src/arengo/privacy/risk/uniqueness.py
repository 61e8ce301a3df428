"""How many people of the population stand alone, where only a sample of it is known.

With a register it is counted (:mod:`arengo.privacy.risk.step`). Without, two models of how people spread over groups:
Pitman's (Hoshino, *Applying Pitman's sampling formula to microdata disclosure risk assessment*, J. Official Statistics
17(4), 2001) and the slide negative binomial (Chen, McNulty, *Population modelling and disclosure risk*, J. Official
Statistics 14(1), 1998). Which one: Dankar, El Emam, Neisa, Roffey, *Estimating the re-identification risk of clinical
data sets*, BMC Medical Informatics 12:66, 2012.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arengo.privacy.risk.groups import Sizes


@dataclass(frozen=True, slots=True)
class Estimate:
    """``uniques``: people alone in their group in a population of ``people``; ``model``: pitman, snb or sample."""

    uniques: float
    people: int
    model: str

    @property
    def share(self) -> float:
        return self.uniques / self.people if self.people else 0.0


def pitman_parameters(sizes: Sizes) -> tuple[float, float] | None:
    """(theta, alpha) of greatest likelihood, None when the groups do not determine them.

    The likelihood of group sizes f1..fu among n rows is that of Pitman's sampling formula,
    prod_{i<u} (theta + i alpha) / prod_{i<n} (theta + i) * prod_j prod_{i<f_j} (i - alpha), 0 < alpha < 1,
    theta > -alpha.
    """
    from scipy.optimize import minimize
    from scipy.special import gammaln

    rows, groups = sizes.rows, sizes.number
    if groups < 2 or groups == rows:
        return None

    def loss(told: np.ndarray) -> float:
        alpha = 1 / (1 + math.exp(-min(max(told[0], -30.0), 30.0)))
        theta = math.exp(min(max(told[1], -30.0), 40.0)) - alpha
        if not 1e-9 < alpha < 1 - 1e-9:
            return 1e300
        ways = (groups - 1) * math.log(alpha) + gammaln(theta / alpha + groups) - gammaln(theta / alpha + 1)
        drawn = gammaln(theta + rows) - gammaln(theta + 1)
        inside = float(sizes.groups @ (gammaln(sizes.size - alpha) - gammaln(1 - alpha)))
        value = -(ways - drawn + inside)
        return value if math.isfinite(value) else 1e300

    best = None
    for start in ((-2.0, 2.0), (0.0, math.log(max(groups, 2))), (1.5, 0.5)):
        found = minimize(loss, np.array(start), method="Nelder-Mead",
                         options={"xatol": 1e-9, "fatol": 1e-9, "maxiter": 2000})  # fmt: skip
        if found.fun < 1e299 and (best is None or found.fun < best.fun):
            best = found
    if best is None:
        return None
    alpha = 1 / (1 + math.exp(-best.x[0]))
    return math.exp(best.x[1]) - alpha, alpha


def pitman(sizes: Sizes, people: int) -> float | None:
    """Uniques of the population under Pitman's model: N (theta + alpha)_{N-1} / (theta + 1)_{N-1} with rising
    factorials, which for a large population is Hoshino's Gamma(theta + 1) / Gamma(theta + alpha) N^alpha."""
    told = pitman_parameters(sizes)
    if told is None:
        return None
    return pitman_uniques(*told, people)


def pitman_uniques(theta: float, alpha: float, people: int) -> float:
    from scipy.special import gammaln

    if people < 2:
        return float(people)
    log = (gammaln(theta + alpha + people - 1) - gammaln(theta + alpha)
           - gammaln(theta + people) + gammaln(theta + 1))  # fmt: skip
    return float(min(people * math.exp(log), people))


def snb(sizes: Sizes, people: int) -> float | None:
    """Uniques of the population under the slide negative binomial; None when no parameters fit."""
    told = snb_parameters(sizes, people)
    if told is None:
        return None
    groups, alpha, beta = told
    return float(min(groups * beta**alpha, people))


def snb_parameters(sizes: Sizes, people: int) -> tuple[float, float, float] | None:
    """(groups of the population, alpha, beta), None when none fit.

    A group of the population has 1 + G people, G negative binomial (alpha, beta); the sample takes each with
    probability n/N. The three unknowns are those under which the population has its size and the sample its expected
    number of groups and of groups of one.
    """
    from scipy.optimize import least_squares

    share = sizes.rows / people if people else 0.0
    seen, alone = sizes.number, sizes.unique
    if not 0 < share < 1 or not alone or seen < 2:
        return None

    def told(at: np.ndarray) -> tuple[float, float, float, float, float]:
        alpha, beta = math.exp(at[0]), 1 / (1 + math.exp(-at[1]))
        kept = beta / (1 - (1 - share) * (1 - beta))
        none = (1 - share) * kept**alpha
        one = kept**alpha * (share + (1 - share) * alpha * (1 - kept))
        groups = people / (1 + alpha * (1 - beta) / beta)
        return groups, none, one, alpha, beta

    def off(at: np.ndarray) -> np.ndarray:
        groups, none, one, _, _ = told(at)
        return np.array([groups * (1 - none) / seen - 1, groups * one / alone - 1])

    best = None
    for start in ((0.0, 0.0), (-2.0, -3.0), (1.0, -4.0), (-4.0, -6.0)):
        found = least_squares(off, np.array(start), bounds=(-30, 30), xtol=1e-14, ftol=1e-14, gtol=1e-14)
        if best is None or found.cost < best.cost:
            best = found
    if best is None or best.cost > 1e-6:
        return None
    groups, _, _, alpha, beta = told(best.x)
    return groups, alpha, beta


def estimate(sizes: Sizes, people: int) -> Estimate:
    """The estimate by the rule of Dankar et al.: Pitman for a sample of at most a tenth, else the slide negative
    binomial; where a model has no solution the other one, and the sample's own uniques as the worst case."""
    people = max(people, sizes.rows)
    if people == sizes.rows:
        return Estimate(float(sizes.unique), people, "sample")
    models = ("pitman", "snb") if sizes.rows <= people / 10 else ("snb", "pitman")
    for name in models:
        found = (pitman if name == "pitman" else snb)(sizes, people)
        if found is not None:
            return Estimate(found, people, name)
    return Estimate(sizes.unique / sizes.rows * people if sizes.rows else 0.0, people, "sample")
