"""Arengo: the urban data platform a city runs itself.

>>> import arengo
>>> city = arengo.open("city/")                     # doctest: +SKIP
>>> city.publish(["street-trees"])                  # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arengo.city import City

__version__ = "0.1.0"
__all__ = ["__version__", "draft", "init", "open"]


def open(path: Path | str = ".") -> City:  # noqa: A001 - arengo.open reads like the built-in it resembles
    """Open a city folder; see :class:`arengo.city.City`."""
    from arengo.city import open_city

    return open_city(path)


def init(path: Path | str, **options: Any) -> City:
    """Make a city folder; see :func:`arengo.city.init`."""
    from arengo.city import init as make

    return make(path, **options)


def draft(target: str, **options: Any) -> list[Any]:
    """Draft contracts from a file, address or database; see :func:`arengo.sources.drafts.draft`."""
    from arengo.sources.drafts import draft as infer

    return infer(target, **options)


class _Without:
    """An import finder that says a package is not installed."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self.name:
            raise ModuleNotFoundError(f"{name} is left out of this process", name=name)


def lean() -> None:
    """For processes that are Arengo's own: keep DuckDB from importing pandas when it binds a value.

    It looks for pandas' types at the first bound value, which costs 110 MB and a second where pandas happens to be
    installed. Never called from the library: a notebook may want pandas.
    """
    import sys

    if not any(isinstance(finder, _Without) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Without("pandas"))
