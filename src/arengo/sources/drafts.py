"""Drafted contracts of what a source holds, one for each of its tables."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from arengo.contract.draft import Draft, infer
from arengo.contract.sample import Sample
from arengo.errors import UnknownDataset
from arengo.settings import Settings
from arengo.sources import detect, samples
from arengo.sources.base import Context


def draft(
    target: str, *, table: str = "", id: str = "", rows: int = 5000, settings: Settings | None = None
) -> list[Draft]:
    """Draft contracts from a file, http(s) address or database DSN. Needs no city folder.

    Raises SourceError with what was met and what to do.
    """
    root = settings.root if settings else None
    settings = settings or Settings(root=Path.cwd())
    city = settings.city
    with tempfile.TemporaryDirectory(prefix="arengo-draft-") as scratch:
        context = Context(settings.sources, Path(scratch), timezone=city.timezone, country=city.country)
        spec = detect(target, context)
        found = [_within(sample, root) for sample in samples(spec, context, rows)]
        if table:
            names = [sample.table or sample.name for sample in found]
            found = [sample for sample in found if table in (sample.table, sample.name)]
            if not found:
                raise UnknownDataset(f"{target} has no table {table}.", todo=f"It has: {', '.join(names)}.")
        drafts = []
        taken: set[str] = set()
        for sample in found:
            item = infer(sample, id=id if len(found) == 1 else "", country=settings.city.country)
            number = 2
            while item.id in taken:
                item = infer(sample, id=f"{item.id}-{number}", country=settings.city.country)
                number += 1
            taken.add(item.id)
            drafts.append(item)
        return drafts


def _within(sample: Sample, root: Path | None) -> Sample:
    """The same sample with a path relative to the city folder when its file lies in it."""
    path = Path(str(sample.options.get("path", "")))
    if root is None or not path.is_absolute() or not path.is_relative_to(root):
        return sample
    return replace(sample, options={**sample.options, "path": str(path.relative_to(root))})
