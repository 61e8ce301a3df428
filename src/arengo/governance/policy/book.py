"""All policies together: read from files, cut into slices a dataset needs, asked by Cedar."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from arengo.errors import Place, PolicyError
from arengo.governance.policy.rule import Policy, could_apply, is_column, read, statements
from arengo.governance.policy.schema import READ, SEE, SHAPE, Thing

FOLDER = "policies"
LARGEST = 2_000_000
"""Bytes of one file."""
PAUSE = timedelta(seconds=60)
"""How long a decision that depends on the time holds at most."""
_ERROR = re.compile(r"policy `?(policy\d+)`?")


@dataclass(frozen=True, slots=True)
class Matched:
    """What Cedar answered for one question: the policies that decided it, and those it could not evaluate."""

    permits: tuple[Policy, ...] = ()
    forbids: tuple[Policy, ...] = ()
    broken: tuple[Policy, ...] = ()


NOTHING = Matched()


@dataclass(slots=True)
class _Set:
    """Policies of one action, parsed once. ``names``: Cedar's own numbering -> policy."""

    policies: tuple[Policy, ...]
    handle: Any = None

    def cedar(self) -> Any:
        if self.handle is None:
            import cedarpy

            self.handle = cedarpy.PolicySet.from_str("\n".join(item.text for item in self.policies))
        return self.handle

    def ask(self, requests: Sequence[dict[str, Any]], entities: Any) -> list[Matched]:
        import cedarpy

        answers = cedarpy.is_authorized_batch(list(requests), self.cedar(), entities)
        return [self._matched(item) for item in answers]

    def _matched(self, answer: Any) -> Matched:
        found = [self._named(name) for name in answer.diagnostics.reasons]
        broken: list[Policy] = []
        for text in answer.diagnostics.errors:
            match = _ERROR.search(text)
            # An error that names no policy is everybody's: nothing of this set can be relied on.
            broken += [self._named(match.group(1))] if match else self.policies
        found.sort(key=lambda item: item.id)
        return Matched(
            tuple(item for item in found if item.effect == "permit"),
            tuple(item for item in found if item.effect == "forbid"),
            tuple(broken),
        )

    def _named(self, name: str) -> Policy:
        return self.policies[int(name.removeprefix("policy"))]


@dataclass(frozen=True, slots=True)
class Slice:
    """The policies that could apply to one dataset.

    ``reading``: on reading it, of these ``giving`` alone; ``seeing``: on its columns; ``shaping``, ``blurring``: how
    it and its columns are shown. ``alike``: columns no policy tells apart share one question of ``samples``.
    """

    dataset: Thing
    columns: tuple[Thing, ...]
    reading: _Set
    giving: _Set
    seeing: _Set
    shaping: _Set
    blurring: _Set
    alike: Mapping[str, int]
    samples: tuple[Thing, ...]
    looks: frozenset[str]
    moments: tuple[datetime, ...]

    @property
    def empty(self) -> bool:
        return not self.policies

    @property
    def policies(self) -> tuple[Policy, ...]:
        sets = (self.reading, self.seeing, self.shaping, self.blurring)
        return tuple(dict.fromkeys(item for part in sets for item in part.policies))

    def ask(self, principal: Mapping[str, str], context: Mapping[str, Any], entities: Any) -> Answers:
        """What every policy of the slice says to one caller."""
        words = json.dumps(context)

        def request(action: str, thing: Thing) -> dict[str, Any]:
            kind, name = thing.uid
            uid = {"type": kind, "id": name}
            return {"principal": principal, "action": _ACTION[action], "resource": uid, "context": words}

        def one(part: _Set, action: str) -> Matched:
            return part.ask([request(action, self.dataset)], entities)[0] if part.policies else NOTHING

        def each(part: _Set, action: str) -> dict[str, Matched]:
            if not part.policies:
                return {}
            found = part.ask([request(action, item) for item in self.samples], entities)
            return {name: found[number] for name, number in self.alike.items()}

        read = one(self.reading, READ)
        if read.forbids:  # Cedar then keeps silent on permits, and a refusal reads otherwise for whom one meets
            read = replace(read, permits=one(self.giving, READ).permits)
        return Answers(read, each(self.seeing, SEE), one(self.shaping, SHAPE), each(self.blurring, SHAPE))

    def holds_until(self, local: datetime) -> datetime | None:
        """When an answer may become another by the clock alone; None for never. ``local``: now in the city's zone."""
        if not any(item.startswith("time") or item == "*" for item in self.looks):
            return None
        turns = [local + PAUSE, local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)]
        return min([*turns, *(moment for moment in self.moments if moment > local)])


_ACTION = {name: f'Action::"{name}"' for name in (READ, SEE, SHAPE)}


@dataclass(frozen=True, slots=True)
class Answers:
    """``read``, ``shape``: about the dataset. ``see``, ``blur``: about each column by name."""

    read: Matched = NOTHING
    see: Mapping[str, Matched] = field(default_factory=dict)
    shape: Matched = NOTHING
    blur: Mapping[str, Matched] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Book:
    """``files``: path in the city folder -> text. ``fingerprint``: equal for equal files."""

    files: Mapping[str, str]
    policies: tuple[Policy, ...]
    fingerprint: str

    def of(self, owner: str) -> tuple[Policy, ...]:
        """Policies of one organisation, '' those of the whole city."""
        return tuple(item for item in self.policies if item.owner == owner)

    def slice(self, dataset: Thing, columns: tuple[Thing, ...]) -> Slice:
        """The policies that could apply to a dataset: the city's and its owner's, whose resource fits."""
        owner = dataset.attributes["owner"][1]
        mine = [item for item in self.policies if item.owner in ("", owner)]
        chosen: dict[str, list[Policy]] = {READ: [], SEE: [], SHAPE: [], "blur": []}
        for item in mine:
            on_dataset = could_apply(item, dataset)
            on_column = any(could_apply(item, column) for column in columns)
            if READ in item.actions and on_dataset:
                chosen[READ].append(item)
            if SEE in item.actions and on_column:
                chosen[SEE].append(item)
            if SHAPE in item.actions and item.effect == "permit":
                by_column = is_column(item.template)
                if on_column if by_column else on_dataset:
                    chosen["blur" if by_column else SHAPE].append(item)
        used = [item for part in chosen.values() for item in part]
        alike, samples = _alike(columns, used)
        return Slice(
            dataset,
            columns,
            _Set(tuple(chosen[READ])),
            _Set(tuple(item for item in chosen[READ] if item.effect == "permit")),
            _Set(tuple(chosen[SEE])),
            _Set(tuple(chosen[SHAPE])),
            _Set(tuple(chosen["blur"])),
            alike,
            samples,
            frozenset().union(*(item.looks for item in used)),
            tuple(sorted({moment for item in used for moment in item.moments})),
        )


EMPTY = Book({}, (), "")


def _alike(columns: tuple[Thing, ...], policies: Iterable[Policy]) -> tuple[dict[str, int], tuple[Thing, ...]]:
    """Columns of equal attributes are asked about once, except those that a policy names."""
    from cedarpy import pst

    named = {uid.id for item in policies for uid in pst.entity_uids(item.template) if str(uid.type) == "Column"}
    alike: dict[str, int] = {}
    samples: dict[Any, int] = {}
    first: list[Thing] = []
    for thing in columns:
        name = thing.uid[1]
        mark = name if name in named else tuple(sorted(thing.attributes.items()))
        if mark not in samples:
            samples[mark] = len(first)
            first.append(thing)
        alike[name.partition("/")[2]] = samples[mark]
    return alike, tuple(first)


def make(files: Mapping[str, str]) -> Book:
    """Read policies from texts by their path in the city folder. Raises PolicyError for the first that is wrong.

    ``policies/NAME.cedar`` is for the whole city, ``policies/ORGANISATION/NAME.cedar`` that organisation's own.
    """
    found: dict[str, Policy] = {}
    for file in sorted(files):
        owner = owner_of_file(file)
        for line, text in statements(files[file]):
            item = read(owner, file, line, text)
            before = found.get(item.id)
            if before is not None:
                raise PolicyError(
                    f"There is a policy {item.id} already, in {before.place}.",
                    todo="Give one of the two another @id.",
                    place=item.place,
                )
            found[item.id] = item
    return Book(dict(files), tuple(found.values()), fingerprint_of(files))


def owner_of_file(file: str) -> str:
    """Raises PolicyError for a path that belongs to nobody."""
    parts = file.split("/")
    if parts[0] == FOLDER and len(parts) == 2:
        return ""
    if parts[0] == FOLDER and len(parts) == 3 and re.fullmatch(r"[a-z0-9][a-z0-9-]*", parts[1]) and parts[1] != "tests":
        return parts[1]
    raise PolicyError(
        "A policy file stands in policies/ or in policies/ORGANISATION/.",
        todo="ORGANISATION is the organisation's id, as in the addresses of the catalogue.",
        place=Place(file=file),
    )


def fingerprint_of(files: Mapping[str, str]) -> str:
    if not files:
        return ""
    made = hashlib.sha256()
    for file in sorted(files):
        made.update(f"{len(file)}:{file}{len(files[file])}:{files[file]}".encode())
    return made.hexdigest()


def folder(root: Path) -> dict[str, str]:
    """The policy files of a city folder. Raises PolicyError for one that cannot be read."""
    out = {}
    for path in sorted((root / FOLDER).glob("**/*.cedar")):
        name = path.relative_to(root).as_posix()
        if not path.resolve().is_relative_to(root.resolve()):
            raise PolicyError("This file lies outside the city folder.", todo="Copy it here.", place=Place(file=name))
        try:
            if path.stat().st_size > LARGEST:
                raise PolicyError(f"This file is larger than {LARGEST:,} bytes.", place=Place(file=name))
            out[name] = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"This file cannot be read: {error}.", place=Place(file=name)) from None
    return out
