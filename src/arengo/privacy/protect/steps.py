"""The steps of ``arengoProtect``: what is done to one column between the read and the commit.

A step is a function ``(work, column, held, argument) -> Held``: SQL over SQL where it can be, so that it runs in the
engine whatever the size of the table. Steps of other rooms of this package stand under their module's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from arengo.contract.model import EMPTY, Kind
from arengo.errors import Place, PolicyError
from arengo.privacy import mask
from arengo.privacy.hierarchy.codes import hierarchy_of
from arengo.privacy.protect.work import Column, Held, Work

Step = Callable[[Work, Column, Held, Any], Held]


def level(work: Work, column: Column, held: Held, argument: Any) -> Held:
    """``level: NAME`` or ``{level, hierarchy}``: the group's name instead of the value."""
    told = argument if isinstance(argument, Mapping) else {"level": argument}
    hierarchy = str(told.get("hierarchy", "")) or hierarchy_of(column.read)
    # Values that already stand at a level of this ladder are lifted from there.
    at = column.at if hierarchy == column.hierarchy else ""
    sql = work.codes.sql(hierarchy, str(told["level"]), held.sql, held.kind, at)
    return Held(sql, Kind.STRING, held.params * sql.count(held.sql) if held.params else ())


def top(work: Work, column: Column, held: Held, argument: Any) -> Held:
    return _bound(column, held, "top", "least", argument)


def bottom(work: Work, column: Column, held: Held, argument: Any) -> Held:
    return _bound(column, held, "bottom", "greatest", argument)


def _bound(column: Column, held: Held, step: str, function: str, argument: Any) -> Held:
    """Every engine's least() and greatest() treat unknown in its own way; a CASE does not."""
    _numeric(column, held, step)
    bound = f"CAST({float(argument)!r} AS {held.kind.duckdb})"
    return Held(f"CASE WHEN {held.sql} IS NULL THEN NULL ELSE {function}({held.sql}, {bound}) END", held.kind,
                held.params * 2)  # fmt: skip


def round_(work: Work, column: Column, held: Held, argument: Any) -> Held:
    """The nearest multiple; halves go away from zero."""
    _numeric(column, held, "round")
    step = float(argument)
    rounded = f"(round({held.sql} / {step!r}) * {step!r})"
    if held.kind is Kind.INTEGER and step != int(step):
        raise _misfit(column, "round", f"its numbers are whole, and {step} is not", "Round to a whole number.")
    return Held(f"TRY_CAST({rounded} AS {held.kind.duckdb})", held.kind, held.params)


def truncate(work: Work, column: Column, held: Held, argument: Any) -> Held:
    if held.kind in (Kind.GEOMETRY, Kind.JSON):
        raise _misfit(column, "truncate", f"it is {held.kind}", "Drop it.")
    return Held(f"left({held.text()}, {int(argument)})", Kind.STRING, held.params)


def pseudonym(work: Work, column: Column, held: Held, argument: Any) -> Held:
    """HMAC-SHA-256 cut to 128 bit (RFC 2104) under a key of its domain and epoch.

    The domain is the dataset's column unless the contract names one, so that pseudonyms of two publications do not
    meet. (EDPB Guidelines 01/2025, *pseudonymisation domain*.)
    """
    if held.kind in (Kind.GEOMETRY, Kind.JSON):
        raise _misfit(column, "pseudonym", f"it is {held.kind}", "Drop it.")
    told: Mapping[str, Any] = argument if isinstance(argument, Mapping) else EMPTY
    domain = str(told.get("domain", "")) or f"{work.contract.id}.{column.read.name}"
    key = mask.derive(work.secret, "pseudonym", "", "", domain, str(told.get("epoch", "")) or work.epoch)
    sql, params = mask.keyed(held.text(), key, held.params)
    return Held(sql, Kind.STRING, params)


STEPS: Mapping[str, Step | str] = {
    "level": level,
    "top": top,
    "bottom": bottom,
    "round": round_,
    "truncate": truncate,
    "pseudonym": pseudonym,
    "pram": "arengo.privacy.micro.step:pram",
    "redact": "arengo.privacy.redact:step",
    "vault": "arengo.privacy.vault:step",
    "grid": "arengo.privacy.geo.step:grid",
    "donut": "arengo.privacy.geo.step:donut",
    "laplace": "arengo.privacy.geo.step:laplace",
}
"""Name of a step -> the function, or where it is (``module:function``, imported when it is used)."""


def take(work: Work, column: Column, held: Held) -> Held:
    """All steps of a column, in their order. Raises PolicyError with the column."""
    for told in column.read.protect:
        name, argument = (told, None) if isinstance(told, str) else _named(told)
        if name in ("keep", "drop"):
            continue
        try:
            found = STEPS[name]
        except KeyError:
            todo = f"Known: keep, drop, {', '.join(STEPS)}."
            raise _misfit(column, str(name), "there is no such step", todo) from None
        held = resolve(found)(work, column, held, argument)
        column = _after(column, name, argument)
    return held


def _named(told: Mapping[str, Any]) -> tuple[str, Any]:
    if "level" in told:
        return "level", told
    ((name, argument),) = told.items()
    return name, argument


def _after(column: Column, name: str, argument: Any) -> Column:
    if name != "level":
        return Column(column.read, column.stored, "", "")
    told = argument if isinstance(argument, Mapping) else {"level": argument}
    return Column(
        column.read, column.stored, str(told.get("hierarchy", "")) or hierarchy_of(column.read), str(told["level"])
    )


def resolve(found: Any) -> Any:
    if not isinstance(found, str):
        return found
    module, _, function = found.partition(":")
    return getattr(import_module(module), function)


def _numeric(column: Column, held: Held, step: str) -> None:
    if held.kind not in mask.NUMERIC:
        raise _misfit(column, step, f"it is {held.kind}, no number", "Use level with a hierarchy.")


def _misfit(column: Column, step: str, met: str, todo: str) -> PolicyError:
    return PolicyError(
        f"arengoProtect of the column {column.read.name}: {step} does not fit: {met}.",
        todo=todo,
        place=Place(column=column.read.name),
    )
