"""Tests beside policies: ``policies/tests/*.yaml`` say who asks, and what has to come out.

Each file is a list of tests. ``as`` says who asks, ``given`` an agreement to try it under, ``at`` when; ``expect`` is
``allow`` or ``deny``, and ``columns``, ``hidden``, ``masks``, ``rows``, ``rule`` say more about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from arengo.contract.model import Contract
from arengo.errors import Place, PolicyError
from arengo.governance.agreement import Agreement
from arengo.governance.caller import ASSURANCE, ROLES, Caller
from arengo.governance.decision import Mask
from arengo.governance.owner import owner_of
from arengo.governance.policy.book import Book
from arengo.governance.policy.judge import CityJudge
from arengo.governance.policy.mask import read_mask

if TYPE_CHECKING:
    from arengo.governance.policy.judge import Offices
    from arengo.settings import Settings
    from arengo.state import State

FOLDER = "policies/tests"
LARGEST = 1_000_000
_ASKER = ("person", "application", "organisation", "roles", "assurance", "zone", "purpose")
_GIVEN = ("columns", "rows", "masks", "purpose", "plan", "state", "obligations")
_KEYS = ("name", "dataset", "as", "given", "at", "expect", "columns", "hidden", "masks", "rows", "rule")


@dataclass(frozen=True, slots=True)
class Trial:
    """One test. ``columns``, ``rows``, ``masks``: exactly what is shown, None when the test does not say."""

    file: str
    number: int
    name: str
    dataset: str
    caller: Caller
    given: Mapping[str, Any] | None
    at: datetime | None
    allow: bool
    columns: frozenset[str] | None
    hidden: frozenset[str]
    masks: tuple[tuple[str, Mask], ...] | None
    rows: tuple[str, ...] | None
    rule: str


@dataclass(frozen=True, slots=True)
class Result:
    """``problems``: what came out otherwise, in sentences; () when it passed."""

    trial: Trial
    problems: tuple[str, ...]
    reason: str
    rule: str

    @property
    def passed(self) -> bool:
        return not self.problems


class _Held:
    """The one agreement of a test."""

    def __init__(self) -> None:
        self.item: Agreement | None = None

    def of(self, application: str, dataset: str) -> Sequence[Agreement]:
        one = self.item
        return [one] if one is not None and (one.application, one.dataset) == (application, dataset) else []

    def why(self, agreement: str) -> str:
        return ""


def trials(root: Path, timezone: str) -> tuple[Trial, ...]:
    """Every test of a city folder. Raises PolicyError for one that cannot be read."""
    out: list[Trial] = []
    for path in sorted((root / FOLDER).glob("**/*.y*ml")):
        out += read(path.read_text(encoding="utf-8-sig"), path.relative_to(root).as_posix(), timezone)
    return tuple(out)


def read(text: str, file: str, timezone: str = "UTC") -> Iterator[Trial]:
    """The tests of one file. Raises PolicyError; its place's ``row`` is the number of the test."""
    import yaml

    if len(text) > LARGEST:
        raise PolicyError(f"This file is longer than {LARGEST:,} characters.", place=Place(file=file))
    try:
        found = yaml.safe_load(text)
    except RecursionError:
        raise PolicyError("This file is too deep.", todo="Write a list of tests.", place=Place(file=file)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        raise PolicyError(
            f"This is not YAML: {getattr(error, 'problem', error)}.", place=Place(file=file, line=line)
        ) from None
    if not isinstance(found, list):
        raise PolicyError("A file of tests is a list.", todo="Begin each test with '- name: ...'.",
                          place=Place(file=file))  # fmt: skip
    for number, item in enumerate(found, start=1):
        try:
            yield _trial(item, file, number, ZoneInfo(timezone))
        except (ValueError, TypeError, AttributeError) as error:
            raise PolicyError(f"Test {number}: {error}", place=Place(file=file, row=number)) from None


def _trial(item: Any, file: str, number: int, zone: ZoneInfo) -> Trial:
    if not isinstance(item, dict):
        raise ValueError("A test is a mapping of name, dataset, as, expect.")
    _known(item, _KEYS, "a test")
    for name in ("dataset", "expect"):
        if name not in item:
            raise ValueError(f"It lacks '{name}'.")
    if item["expect"] not in ("allow", "deny"):
        raise ValueError(f"expect is {item['expect']!r}; write allow or deny.")
    given = _given(item["given"]) if item.get("given") is not None else None
    return Trial(
        file,
        number,
        _text(item.get("name", f"test {number}")),
        _text(item["dataset"]),
        _caller(item.get("as") or {}),
        given,
        _moment(item["at"], zone) if "at" in item else None,
        item["expect"] == "allow",
        frozenset(_words(item["columns"])) if "columns" in item else None,
        frozenset(_words(item.get("hidden", ()))),
        _masks(item["masks"]) if "masks" in item else None,
        tuple(_words(item["rows"])) if "rows" in item else None,
        _text(item.get("rule", "")),
    )


def _given(item: Any) -> Mapping[str, Any]:
    _known(item, _GIVEN, "given")
    reads: Mapping[str, Callable[[Any], Any]] = {"columns": _words, "masks": _masks, "obligations": _words}
    out: dict[str, Any] = {}
    for name, value in item.items():
        reader: Callable[[Any], Any] = reads.get(name, _text)
        out[name] = reader(value)
    return out


def _text(value: Any) -> str:
    if not isinstance(value, (str, int, float, type(None))):
        raise ValueError("Here a text is wanted.")
    return "" if value is None else str(value)


def _known(item: Any, keys: Sequence[str], what: str) -> None:
    if not isinstance(item, dict):
        raise ValueError(f"'{what}' is no mapping.")
    for name in item:
        if name not in keys:
            close = difflib.get_close_matches(str(name), keys, 1)
            raise ValueError(
                f"{what} has no '{name}'; {f'did you mean {close[0]}' if close else 'there are ' + ', '.join(keys)}."
            )


def _words(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, (list, tuple)) or not all(isinstance(part, (str, int, float)) for part in value):
        raise ValueError("Here a list of names is wanted, such as [school, class].")
    return [str(part) for part in value]


def _masks(value: Any) -> tuple[tuple[str, Mask], ...]:
    if not isinstance(value, dict):
        raise ValueError("masks is a mapping of column to mask.")
    return tuple(
        (str(column), read_mask(text))
        for column, several in value.items()
        for text in ([several] if isinstance(several, str) else _words(several))
    )


def _caller(item: Any) -> Caller:
    _known(item, _ASKER, "as")
    roles = []
    for text in _words(item.get("roles", ())):
        organisation, _, role = text.rpartition("/")
        if role not in ROLES or not organisation:
            raise ValueError(f"{text!r} is no role; write ORGANISATION/ROLE with {', '.join(ROLES)}.")
        roles.append((organisation, role))
    level = item.get("assurance", "")
    if level not in ASSURANCE:
        raise ValueError(f"assurance is {level!r}; write {', '.join(ASSURANCE[1:])}.")
    application = _text(item.get("application", ""))
    return Caller(
        party=application or _text(item.get("person", "")),
        organisation=_text(item.get("organisation", "")),
        application=application,
        roles=tuple(roles),
        assurance=ASSURANCE.index(level),
        purpose=_text(item.get("purpose", "")),
        zone=_text(item.get("zone", "")),
    )


def _moment(value: Any, zone: ZoneInfo) -> datetime:
    """A time of the city's clock, unless it says another offset."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, 12)
    if not isinstance(value, datetime):
        raise ValueError(f"at is {value!r}; write 2026-11-20 09:30.")
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def run(
    found: Sequence[Trial],
    book: Book,
    contracts: Mapping[str, Contract],
    settings: Settings,
    state: State,
    parties: Offices | None = None,
) -> tuple[Result, ...]:
    """Decide every test by ``book`` and compare."""
    given = _Held()
    judge = CityJudge(settings, state, given, parties, book=book)
    return tuple(_result(item, judge, given, contracts.get(item.dataset)) for item in found)


def _result(trial: Trial, judge: CityJudge, given: _Held, contract: Contract | None) -> Result:
    if contract is None:
        return Result(trial, (f"There is no dataset {trial.dataset}.",), "", "")
    at = trial.at or datetime.now(UTC)
    given.item = _agreement(trial, contract, at) if trial.given is not None else None
    names = [item.name for item in contract.properties]
    made = judge.explain(contract, names, trial.caller, at=at).decision
    problems = []
    if made.allowed is not trial.allow:
        problems.append(f"It is {'allowed' if made.allowed else 'denied'}: {made.reason} ({made.rule})")
    if trial.columns is not None and made.columns != trial.columns:
        more, less = sorted(made.columns - trial.columns), sorted(trial.columns - made.columns)
        problems += [f"Shown although not expected: {', '.join(more)}."] if more else []
        problems += [f"Not shown although expected: {', '.join(less)}."] if less else []
    seen = sorted(trial.hidden & made.columns)
    if seen:
        problems.append(f"Shown although it should be hidden: {', '.join(seen)}.")
    if trial.masks is not None and sorted(map(str, made.masks)) != sorted(map(str, trial.masks)):
        problems.append(f"The masks are {_said(made.masks)}, not {_said(trial.masks)}.")
    if trial.rows is not None and sorted(made.rows) != sorted(trial.rows):
        problems.append(f"The rows are {' and '.join(made.rows) or 'all'}, not {' and '.join(trial.rows) or 'all'}.")
    if trial.rule and trial.rule not in made.rule:
        problems.append(f"It was decided by {made.rule}, not by {trial.rule}.")
    return Result(trial, tuple(problems), made.reason, made.rule)


def _said(masks: Sequence[tuple[str, Mask]]) -> str:
    return "; ".join(f"{column}: {mask}" for column, mask in masks) or "none"


def _agreement(trial: Trial, contract: Contract, at: datetime) -> Agreement:
    given = trial.given or {}
    return Agreement(
        id="of-this-test",
        dataset=contract.id,
        contract_version=contract.version,
        contract_sha="",
        owner=owner_of(contract),
        organisation=trial.caller.organisation,
        application=trial.caller.application,
        purpose=str(given.get("purpose", trial.caller.purpose)),
        plan=str(given.get("plan", "")),
        columns=tuple(given.get("columns", [item.name for item in contract.properties])),
        rows=str(given.get("rows", "")),
        masks=given.get("masks", ()),
        obligations=tuple(given.get("obligations", ())),
        valid_from=at - timedelta(days=1),
        valid_to=at + timedelta(days=1),
        state=str(given.get("state", "active")),
        updated_at=at,
    )
