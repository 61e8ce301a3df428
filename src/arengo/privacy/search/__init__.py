"""How coarse a table must become: the cheapest levels for all rows, or coarser only where people stand out."""

from __future__ import annotations

from arengo.privacy.search.engine import InEngine
from arengo.privacy.search.lattice import Axis, Lattice, Node, Problem, axis
from arengo.privacy.search.loss import loss, losses
from arengo.privacy.search.mondrian import mondrian
from arengo.privacy.search.optimum import Found, optimum
from arengo.privacy.search.recoded import recoded

__all__ = [
    "Axis", "Found", "InEngine", "Lattice", "Node", "Problem", "axis", "loss", "losses", "mondrian", "optimum",
    "recoded",
]  # fmt: skip
