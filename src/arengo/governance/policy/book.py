"""All policies together: read from files, cut into slices a dataset needs, asked by Cedar."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from arengo.errors import Place, PolicyError
from arengo.governance.policy.rule import Policy, could_apply, is_column, read_all
from arengo.governance.policy.schema import READ, SEE, SHAPE, Thing, sound

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
class Part:
    """Policies of one action that could apply to the same things, parsed at the first question.

    ``alike``: name of a column ('' of the dataset) -> which of ``things`` is asked about for it: columns that no policy
    tells apart share a question.
    """

    action: str
    policies: tuple[Policy, ...]
    things: tuple[Thing, ...]
    alike: Mapping[str, int]
    handle: Any = None

    def ask(self, principal: Mapping[str, str], context: str, entities: Any) -> dict[str, Matched]:
        """What Cedar answers for each name."""
        import cedarpy

        if self.handle is None:
            self.handle = cedarpy.PolicySet.from_str("\n".join(item.text for item in self.policies))
        asked = [
            {"principal": principal, "action": _ACTION[self.action], "context": context,
             "resource": {"type": thing.uid[0], "id": sound(thing.uid[1])}}
            for thing in self.things
        ]  # fmt: skip
        found = [self._matched(item) for item in cedarpy.is_authorized_batch(asked, self.handle, entities)]
        return {name: found[number] for name, number in self.alike.items()}

    def _matched(self, answer: Any) -> Matched:
        found = [self._named(name) for name in answer.diagnostics.reasons]
        broken: list[Policy] = []
        for text in answer.diagnostics.errors:
            match = _ERROR.search(text)
            # An error that names no policy is everybody's: nothing of this part can be relied on.
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
    it and its columns are shown. ``looks``: what of the context they depend on; ``moments``: the times they name.
    """

    dataset: Thing
    columns: tuple[Thing, ...]
    reading: tuple[Part, ...]
    giving: tuple[Part, ...]
    seeing: tuple[Part, ...]
    shaping: tuple[Part, ...]
    blurring: tuple[Part, ...]
    policies: tuple[Policy, ...]
    looks: frozenset[str]
    moments: tuple[datetime, ...]

    @property
    def empty(self) -> bool:
        return not self.policies

    def ask(self, principal: Mapping[str, str], context: Mapping[str, Any], entities: Any) -> Answers:
        """What every policy of the slice says to one caller."""
        seen = {item.partition(".")[0] for item in self.looks}
        words = json.dumps(context if "*" in seen else {name: context[name] for name in sorted(seen)})

        def each(parts: Sequence[Part]) -> dict[str, Matched]:
            found: dict[str, Matched] = {}
            for part in parts:
                found |= part.ask(principal, words, entities)
            return found

        read = each(self.reading).get("", NOTHING)
        if read.forbids:  # Cedar then keeps silent on permits, and a refusal reads otherwise for whom one meets
            read = replace(read, permits=each(self.giving).get("", NOTHING).permits)
        return Answers(read, each(self.seeing), each(self.shaping).get("", NOTHING), each(self.blurring))

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
        shaping = [item for item in mine if SHAPE in item.actions and item.effect == "permit"]
        on_dataset = (dataset,)
        reading = _parts(READ, [item for item in mine if READ in item.actions], on_dataset)
        giving = _parts(READ, [item for item in mine if READ in item.actions and item.effect == "permit"], on_dataset)
        seeing = _parts(SEE, [item for item in mine if SEE in item.actions], columns)
        shapes = _parts(SHAPE, [item for item in shaping if not is_column(item.template)], on_dataset)
        blurs = _parts(SHAPE, [item for item in shaping if is_column(item.template)], columns)
        used = tuple(
            dict.fromkeys(
                item for parts in (reading, seeing, shapes, blurs) for part in parts for item in part.policies
            )
        )
        looks: frozenset[str] = frozenset().union(*(item.looks for item in used))
        moments = sorted({moment for item in used for moment in item.moments})
        return Slice(dataset, columns, reading, giving, seeing, shapes, blurs, used, looks, tuple(moments))


EMPTY = Book({}, (), "")


def _parts(action: str, policies: Sequence[Policy], things: Sequence[Thing]) -> tuple[Part, ...]:
    """Each thing with the policies that could apply to it; things of the same policies in one part."""
    from cedarpy import pst

    groups: dict[tuple[Policy, ...], list[Thing]] = {}
    for thing in things:
        fit = tuple(item for item in policies if could_apply(item, thing))
        if fit:
            groups.setdefault(fit, []).append(thing)
    out = []
    for fit, members in groups.items():
        named = {uid.id for item in fit for uid in pst.entity_uids(item.template) if str(uid.type) == "Column"}
        alike: dict[str, int] = {}
        marks: dict[Any, int] = {}
        first: list[Thing] = []
        for thing in members:
            name = thing.uid[1]
            mark = name if name in named else tuple(sorted(thing.attributes.items()))
            if mark not in marks:
                marks[mark] = len(first)
                first.append(thing)
            alike[name.partition("/")[2] if thing.uid[0] == "Column" else ""] = marks[mark]
        out.append(Part(action, fit, tuple(first), alike))
    return tuple(out)


def make(files: Mapping[str, str]) -> Book:
    """Read policies from texts by their path in the city folder. Raises PolicyError for the first that is wrong.

    ``policies/NAME.cedar`` is for the whole city, ``policies/ORGANISATION/NAME.cedar`` that organisation's own.
    """
    found: dict[str, Policy] = {}
    for file in sorted(files):
        owner = owner_of_file(file)
        for item in read_all(owner, file, files[file]):
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
