"""What is done to a table between the read and the commit: ``arengoProtect`` of its columns, ``arengoProtection``."""

from __future__ import annotations

from arengo.privacy.protect.rules import RULES
from arengo.privacy.protect.steps import STEPS
from arengo.privacy.protect.table import Protected, protect
from arengo.privacy.protect.work import Column, Held, Work

__all__ = ["RULES", "STEPS", "Column", "Held", "Protected", "Work", "protect"]
