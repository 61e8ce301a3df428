"""The other side of :mod:`arengo.privacy.noise.process`: one JSON line a request, one JSON line an answer.

Only OpenDP adds noise, from the operating system's randomness; this module chooses its scale and never sees a table.
Nothing of Arengo is imported, so that a process with OpenDP alone can run it. Integers only: a noisy floating point
number tells what was added to it (Mironov: *On significance of the least significant bits for differential privacy*,
CCS 2012).
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

MOST_VALUES = 200_000
MOST_LINE = 8_000_000
MEMORY = 1 << 30
SECONDS = 120


def main() -> None:
    _limit()
    try:
        import opendp.prelude as dp
    except ImportError:
        _say({"missing": True})
        return
    dp.enable_features("contrib")
    _say({"ready": True})
    for line in iter(lambda: sys.stdin.readline(MOST_LINE + 1), ""):
        try:
            if len(line) > MOST_LINE:
                raise ValueError("the request is too long")
            request = json.loads(line)
            _say(_OPERATIONS[request["op"]](dp, request))
        except Exception as error:
            _say({"error": f"{type(error).__name__}: {str(error)[:500]}"})
            if len(line) > MOST_LINE:
                return


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _scale(dp: Any, request: dict[str, Any]) -> tuple[Any, float]:
    """The measurement over integer vectors and its scale, for the loss that is asked.

    Loss ``pure``: discrete Laplace over the L1 distance; ``zcdp``: discrete Gaussian over the L2 distance
    (Canonne, Kamath, Steinke 2020).
    """
    sensitivity, loss = int(request["sensitivity"]), float(request["loss"])
    if sensitivity < 1 or not loss > 0:
        raise ValueError("sensitivity and loss are above zero")
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    if request["measure"] == "pure":
        metric, make = dp.l1_distance(T="i64"), dp.m.make_laplace
    elif request["measure"] == "zcdp":
        metric, make = dp.l2_distance(T="i64"), dp.m.make_gaussian
    else:
        raise ValueError("the measure is pure or zcdp")
    scale = dp.binary_search_param(lambda item: make(domain, metric, scale=item), d_in=sensitivity, d_out=loss)
    made = make(domain, metric, scale=scale)
    if made.map(sensitivity) > loss:
        raise ValueError("no scale reaches that loss")
    return made, float(scale)


def _accuracy(dp: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Half the width of an interval that holds the true value with probability 1 - alpha; costs no budget."""
    _, scale = _scale(dp, request)
    pure = request["measure"] == "pure"
    find = dp.discrete_laplacian_scale_to_accuracy if pure else dp.discrete_gaussian_scale_to_accuracy
    return {"scale": scale, "accuracy": float(find(scale=scale, alpha=float(request.get("alpha", 0.05))))}


def _noise(dp: Any, request: dict[str, Any]) -> dict[str, Any]:
    values = request["values"]
    if not isinstance(values, list) or not 0 < len(values) <= MOST_VALUES or not all(type(v) is int for v in values):
        raise ValueError(f"values are 1 to {MOST_VALUES} whole numbers")
    made, _ = _scale(dp, request)
    return {"values": [int(value) for value in made(values)], **_accuracy(dp, request)}


def _choose(dp: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Index of a low score: permute-and-flip, or report noisy max under zCDP (McKenna and Sheldon 2020)."""
    scores = request["scores"]
    if not isinstance(scores, list) or not 0 < len(scores) <= MOST_VALUES or not all(type(v) is int for v in scores):
        raise ValueError(f"scores are 1 to {MOST_VALUES} whole numbers")
    sensitivity, loss = int(request["sensitivity"]), float(request["loss"])
    measure = dp.max_divergence() if request["measure"] == "pure" else dp.zero_concentrated_divergence()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")

    def make(scale: float) -> Any:
        return dp.m.make_noisy_max(*space, measure, scale=scale, negate=True)

    scale = dp.binary_search_param(make, d_in=sensitivity, d_out=loss)
    made = make(scale)
    if made.map(sensitivity) > loss:
        raise ValueError("no scale reaches that loss")
    return {"index": int(made(scores)), "scale": float(scale)}


_OPERATIONS = {"noise": _noise, "accuracy": _accuracy, "choose": _choose}

if __name__ == "__main__":
    main()
