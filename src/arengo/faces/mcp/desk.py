"""Where an assistant is served: the rooms, who asks, what a tool is, and what to name beside an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from arengo.contract.vocabulary import licence
from arengo.door import Caller, View
from arengo.faces.mcp import shapes
from arengo.faces.site import Site, segment
from arengo.services.reading import READINGS


@dataclass(frozen=True, slots=True)
class Desk:
    """The rooms, who asks, and what stands before addresses. ``agent``: what the program calls itself."""

    site: Site
    caller: Caller
    base: str
    agent: bytes = b""

    @property
    def language(self) -> str:
        return self.site.settings.city.language.split("-")[0]

    def page(self, dataset: str) -> str:
        return f"{self.base}/datasets/{segment(dataset)}"

    def source(self, view: View) -> shapes.Source:
        """What to name beside an answer; the reading is counted."""
        READINGS.count(view.dataset, "mcp", self.agent)
        contract = view.contract
        known = licence(contract.licence) if contract.licence else None
        return shapes.Source(
            dataset=view.dataset,
            title=contract.title(self.language),
            version=view.version.number,
            published=view.version.published_at.isoformat(),
            licence=known.label(self.language) if known else contract.licence,
            attribution=contract.owner or self.site.settings.city.name,
            page=self.page(view.dataset),
        )


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. ``slow``: it takes turns with the questions in SQL."""

    name: str
    title: str
    description: str
    given: type[BaseModel]
    told: type[BaseModel]
    run: Callable[[Desk, Any], BaseModel]
    slow: bool = False
