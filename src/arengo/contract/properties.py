"""The registry of Arengo's customProperties."""

from __future__ import annotations

from typing import Any

from arengo.contract.document import Document
from arengo.contract.finding import Finding

PROPERTIES: dict[str, Any] = {}


def check(document: Document) -> list[Finding]:
    return []
