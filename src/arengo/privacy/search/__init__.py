"""How coarse a table must become: the cheapest levels for all rows, or coarser only where people stand out."""

from __future__ import annotations

from arengo.privacy.search.lattice import Axis, Node, Problem, axis
from arengo.privacy.search.loss import loss, losses
from arengo.privacy.search.mondrian import mondrian, recoded
from arengo.privacy.search.optimum import Found, optimum

__all__ = ["Axis", "Found", "Node", "Problem", "axis", "loss", "losses", "mondrian", "optimum", "recoded"]
