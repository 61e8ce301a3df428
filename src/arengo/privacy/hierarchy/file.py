"""``hierarchies/NAME.toml`` of the city folder: a ladder by rule instead of by list.

Like lists, they hold from the next ``arengo apply`` on. ``kind`` says which rule:

``intervals`` (``widths``, ``lower``, ``upper``), ``dates`` (``levels``), ``mask`` (``keep``), ``hide`` (``hide``),
``prefix`` (``lengths``), ``order`` (``order``, then ``[levels.NAME]`` with the group's name and its members) and
``places`` (``dataset`` and ``columns``, or ``dataset``, ``column`` and ``[[within]]``, which may be left out where the
areas lie in nothing coarser).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.errors import Place, PolicyError
from arengo.privacy.hierarchy.builders import PERIODS, Dates, Groups, Hidden, Intervals, Mask, Prefix
from arengo.privacy.hierarchy.ladder import ALL, Ladder, nested
from arengo.privacy.hierarchy.places import Layer, Places
from arengo.state import texts

if TYPE_CHECKING:
    from arengo.state import State

FOLDER = "hierarchies"
KIND = "hierarchy-rule"
LARGEST = 1_000_000
_NAME = re.compile(r"[\w-]{1,80}")
_DATASET = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def folder(root: Path) -> dict[str, str]:
    """Name -> text of each rule of a city folder. Raises PolicyError for one that cannot be read."""
    out = {}
    for path in sorted((root / FOLDER).glob("*.toml")):
        place = Place(file=f"{FOLDER}/{path.name}")
        if not _NAME.fullmatch(path.stem):
            raise PolicyError("The name of this file is no word.", todo="Use letters, digits, - and _.", place=place)
        if not path.resolve().is_relative_to(root.resolve()):
            raise PolicyError("This file lies outside the city folder.", todo="Copy it here.", place=place)
        if path.with_suffix(".csv").exists():
            raise PolicyError(
                f"There is {path.stem}.csv, too.", todo="A hierarchy is a list or a rule; keep one.", place=place
            )
        try:
            if path.stat().st_size > LARGEST:
                raise PolicyError(f"This file is larger than {LARGEST:,} bytes.", place=place)
            out[path.stem] = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"This file cannot be read: {error}.", place=place) from None
    return out


def take(state: State, files: Mapping[str, str], at: datetime) -> tuple[str, ...]:
    """Bring rules into force; names of those that changed. Twice is once. Raises PolicyError before any changes."""
    for name, text in files.items():
        read(name, text)
    return texts.take(state, KIND, files, at)


def read(name: str, text: str) -> Ladder | Places:
    """A rule from its text. Raises PolicyError with file and key."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = Place(file=f"{FOLDER}/{name}.toml")
        raise PolicyError(f"This file is not TOML: {error}.", place=place) from None
    file = _File(name, told)
    make = _KINDS.get(file.text("kind"))
    if make is None:
        raise file.wrong("kind", f"There is no kind {told['kind'][:80]!r}", f"Known: {', '.join(_KINDS)}.")
    made = make(file)
    file.done()
    return made


class _File:
    """What a file says, key by key; what nobody asked for is refused at the end."""

    def __init__(self, name: str, told: Mapping[str, Any]) -> None:
        self.name, self.told = name, told
        self._asked: set[str] = set()

    def wrong(self, key: str, met: str, todo: str) -> PolicyError:
        return PolicyError(f"{key}: {met}.", todo=todo, place=Place(file=f"{FOLDER}/{self.name}.toml", column=key))

    def get(self, key: str) -> Any:
        self._asked.add(key)
        return self.told.get(key)

    def text(self, key: str) -> str:
        held = self.get(key)
        if not isinstance(held, str) or not held.strip():
            raise self.wrong(key, "This is no text" if key in self.told else "This is missing", f'Write {key} = "...".')
        return held

    def dataset(self, key: str) -> str:
        held = self.text(key)
        if not _DATASET.fullmatch(held):
            raise self.wrong(key, f"{held[:80]!r} is no id of a dataset", "Write the id of its contract.")
        return held

    def number(self, key: str) -> float | None:
        held = self.get(key)
        if held is not None and (isinstance(held, bool) or not isinstance(held, int | float) or abs(held) > 1e15):
            raise self.wrong(key, "This is no number", f"Write {key} = 0, say.")
        return held

    def numbers(self, key: str, whole: bool = False) -> list[float]:
        held = self.get(key)
        fit = isinstance(held, list) and held and all(
            isinstance(item, int if whole else int | float) and not isinstance(item, bool) and 0 < item < 1e15
            for item in held
        )  # fmt: skip
        if not fit or len(held) > 40:
            raise self.wrong(key, "This is no list of positive numbers", f"Write {key} = [5, 10, 20], say.")
        return list(held)

    def words(self, key: str) -> list[str]:
        held = self.get(key)
        if not isinstance(held, list) or not held or not all(isinstance(item, str) and item for item in held):
            raise self.wrong(key, "This is no list of texts", f'Write {key} = ["...", "..."].')
        if any("\0" in item for item in held):
            raise self.wrong(key, "A word holds a zero byte", "Take it out.")
        if len(set(held)) < len(held):
            raise self.wrong(key, "A word stands in it twice", "Write each once.")
        return list(held)

    def done(self) -> None:
        for key in self.told:
            if key not in self._asked:
                raise self.wrong(
                    key, f"A hierarchy of kind {self.told['kind']} has no such key", f"Known: {', '.join(self._asked)}."
                )


def _intervals(file: _File) -> Ladder:
    widths = file.numbers("widths")
    for fine, coarse in pairwise(widths):
        times = coarse / fine
        if times <= 1 or abs(times - round(times)) > 1e-9:
            raise file.wrong(
                "widths", f"{coarse} is no multiple of {fine}", "Intervals lie in each other only when each width is a "
                "multiple of the one before: [5, 10, 20], say.",
            )  # fmt: skip
    lower, upper = file.number("lower"), file.number("upper")
    if lower is not None and upper is not None and lower >= upper:
        raise file.wrong("upper", "The upper bound is not above the lower one", "Write lower = 0, upper = 90, say.")
    return Intervals(file.name, widths, lower, upper)


def _dates(file: _File) -> Ladder:
    levels = file.words("levels")
    unknown = [item for item in levels if item not in PERIODS]
    if unknown:
        raise file.wrong("levels", f"There is no period {unknown[0][:40]!r}", f"Known: {', '.join(PERIODS)}.")
    if sorted(levels, key=PERIODS.index) != levels:
        raise file.wrong("levels", "They do not go from short to long", f"The order is {', '.join(PERIODS)}.")
    return Dates(file.name, levels)


def _characters(make: Callable[[str, list[int]], Ladder], key: str, falling: bool) -> Callable[[_File], Ladder]:
    def made(file: _File) -> Ladder:
        lengths = [int(item) for item in file.numbers(key, whole=True)]
        if any((fine > coarse) != falling or fine == coarse for fine, coarse in pairwise(lengths)):
            order = "get smaller" if falling else "get larger"
            raise file.wrong(key, f"The numbers do not {order}", "Go from the fine level to the coarse one.")
        return make(file.name, lengths)

    return made


def _order(file: _File) -> Ladder:
    order = file.words("order")
    told = file.get("levels")
    if not isinstance(told, dict) or not told:
        raise file.wrong("levels", "There is no level", 'Write [levels.coarse] and low = ["first", "second"], say.')
    held: dict[str, tuple[str, ...]] = dict.fromkeys(order, ())
    below = {word: word for word in order}  # value -> its group at the level before
    for level, groups in told.items():
        key = f"levels.{level}"
        if not _NAME.fullmatch(level) or level == ALL or not isinstance(groups, dict) or not groups:
            raise file.wrong(key, "This is no level", 'Write groups with their members: low = ["first", "second"].')
        of: dict[str, str] = {}
        for group, members in groups.items():
            listed = isinstance(members, list) and all(isinstance(item, str) for item in members)
            if not listed or not group.strip() or "\0" in group:
                raise file.wrong(f"{key}.{group}", "This is no list of texts", 'Write ["first", "second"], say.')
            for member in members:
                if of.setdefault(member, group) != group:
                    raise file.wrong(f"{key}.{group}", f"{member[:80]!r} is in two groups", "Keep it in one.")
        missing = [word for word in below.values() if word not in of]
        if missing:
            raise file.wrong(
                key, f"{missing[0][:80]!r} is in no group", "Put every member of the level below into one."
            )
        strange = [word for word in of if word not in below.values()]
        if strange:
            raise file.wrong(key, f"{strange[0][:80]!r} is no member of the level below", "Take it out.")
        below = {word: of[group] for word, group in below.items()}
        held = {word: (*groups_of, below[word]) for word, groups_of in held.items()}
        _neighbours(file, key, [below[word] for word in order])
    if nested(held, list(told)):
        raise file.wrong("levels", "A group lies in two coarser ones", "Give one of the two another name.")
    return Groups(file.name, list(told), held)


def _neighbours(file: _File, key: str, groups: list[str]) -> None:
    runs = [groups[0]] + [after for before, after in pairwise(groups) if before != after]
    if len(set(runs)) < len(runs):
        raise file.wrong(key, "A group leaves out words that lie between its members", "Group neighbours of the order.")


def _places(file: _File) -> Places:
    dataset = file.dataset("dataset") if "dataset" in file.told else ""
    if "columns" in file.told:
        columns = file.words("columns")
        if len(columns) < 2 or not dataset:
            raise file.wrong("columns", "There is no coarser level", 'Write dataset and columns = ["section", "ward"].')
        if any(not _NAME.fullmatch(item) for item in columns[1:]):
            raise file.wrong("columns", "The name of a level is no word", "Use letters, digits, - and _.")
        return Places(file.name, dataset, columns[0], tuple(Layer(item, dataset, item) for item in columns[1:]))
    column = file.text("column") if dataset else ""
    told = file.get("within")
    if dataset and told is None:
        return Places(file.name, dataset, column, ())
    if not isinstance(told, list) or not told or not all(isinstance(item, dict) for item in told):
        raise file.wrong("within", "There is no coarser place", 'Write [[within]], dataset = "wards", column = "name".')
    layers: list[Layer] = []
    for number, item in enumerate(told):
        for key in ("dataset", "column"):
            if not isinstance(item.get(key), str) or not item[key]:
                raise file.wrong(f"within.{number + 1}.{key}", "This is missing", f'Write {key} = "...".')
        if set(item) - {"level", "dataset", "column"} or not _DATASET.fullmatch(item["dataset"]):
            raise file.wrong(f"within.{number + 1}", "This is no layer of areas", "Known: level, dataset, column.")
        level = str(item.get("level", item["dataset"]))
        if not _NAME.fullmatch(level) or level in {layer.level for layer in layers}:
            raise file.wrong(
                f"within.{number + 1}.level", "This is no name of its own", "Use letters, digits, - and _."
            )
        layers.append(Layer(level, item["dataset"], item["column"], areas=True))
    return Places(file.name, dataset, column, tuple(layers))


_KINDS: Mapping[str, Callable[[_File], Ladder | Places]] = {
    "intervals": _intervals,
    "dates": _dates,
    "order": _order,
    "mask": _characters(Mask, "keep", True),
    "hide": _characters(Hidden, "hide", False),
    "prefix": _characters(Prefix, "lengths", True),
    "places": _places,
}
