"""How coarse a value may be told: ladders of levels, from the city folder, from the lake, and built in."""

from __future__ import annotations

from arengo.privacy.hierarchy.codes import BUILT_IN, CityCodes, hierarchy_of, usual
from arengo.privacy.hierarchy.file import folder, read, take
from arengo.privacy.hierarchy.ladder import ALL, Ladder

__all__ = ["ALL", "BUILT_IN", "CityCodes", "Ladder", "folder", "hierarchy_of", "read", "take", "usual"]
