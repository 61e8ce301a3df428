"""One call of an action: the rooms, who asks, and what was given, in whatever form clients send it.

Truth values come as ``true``, ``True`` or ``1``, numbers as texts, lists and objects as JSON inside a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from arengo.catalogue import Record
from arengo.door import Caller
from arengo.errors import BadQuery, Place
from arengo.faces.ckan import package
from arengo.faces.site import Site

ALL = 10**9
_TRUE = ("true", "1", "yes", "t", "on")


def wrong(name: str, met: str, todo: str = "") -> BadQuery:
    """The error of one parameter; the answer names it, as CKAN's validation errors do."""
    return BadQuery(met, todo=todo, place=Place(column=name))


class Call:
    """``base``: the public address. ``agent``: what the program calls itself."""

    def __init__(self, site: Site, caller: Caller, base: str, given: Mapping[str, Any], agent: bytes = b"") -> None:
        self.site = site
        self.caller = caller
        self.base = base
        self.given = given
        self.agent = agent
        self.language = site.settings.city.language.split("-")[0]

    def text(self, name: str, default: str = "") -> str:
        value = self.given.get(name)
        if isinstance(value, list):  # given more than once, or as a list
            return " ".join(str(item) for item in value)
        return default if value is None else str(value)

    def yes(self, name: str, default: bool = False) -> bool:
        value = self.text(name).strip().lower()
        return value in _TRUE if value else default

    def number(self, name: str, default: int, most: int = ALL) -> int:
        """A whole number, 0 or more, cut to ``most``. Raises BadQuery."""
        value = self.text(name).strip()
        if not value:
            return default
        digits = value.removesuffix(".0")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            raise wrong(name, f"{name} is {value[:20]!r}; it must be a whole number, 0 or more.")
        return min(int(digits), most)

    def names(self, name: str) -> list[str]:
        """A list, a JSON list in a text, or a text with commas. Raises BadQuery."""
        value = self.value(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        return [part.strip() for part in str(value or "").split(",") if part.strip()]

    def value(self, name: str) -> Any:
        """What was given, JSON in a text read. Raises BadQuery."""
        value = self.given.get(name)
        if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
            return value
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            raise wrong(name, f"{name} cannot be read as JSON.", 'Write ["a", "b"] or {"column": "value"}.') from None

    def record(self, name: str = "id") -> Record:
        """The record by slug or UUID. Raises BadQuery, UnknownDataset."""
        told = self.text(name) or self.text("name_or_id")
        if not told:
            raise wrong(name, "Missing value")
        found = self.site.catalogue.by_uuid(told.lower()) if package.is_uuid(told) else None
        return found or self.site.catalogue.record(told)

    def package(self, record: Record) -> dict[str, Any]:
        return package.package(record, self.base, self.language)
