"""Masks as they are written in policies: read, held against a column's kind, and put together when several apply.

What each does to a value is the door's; see :class:`arengo.governance.decision.Mask`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from arengo.contract.model import Kind
from arengo.governance.decision import MASKS, Mask

PERIODS = ("month", "year", "decade")
"""From fine to coarse."""
NUMBER = r"-?\d{1,15}(\.\d{1,9})?"
HIDE = Mask("hide")
_GROUP = re.compile(r"[\w-]+:[\w-]+")
FITS: dict[str, frozenset[Kind]] = {
    "truncate": frozenset({Kind.STRING}),
    "round": frozenset({Kind.INTEGER, Kind.NUMBER}),
    "top": frozenset({Kind.INTEGER, Kind.NUMBER}),
    "bottom": frozenset({Kind.INTEGER, Kind.NUMBER}),
}
"""Kinds of columns a mask makes sense for; the others fit all, ``generalise`` by its argument."""


def read_mask(text: str) -> Mask:
    """``generalise year`` -> a Mask. Raises ValueError with a sentence."""
    kind, _, argument = text.strip().partition(" ")
    mask = Mask(kind, argument.strip())
    problem = mask_problem(mask)
    if problem:
        raise ValueError(problem)
    return mask


def mask_problem(mask: Mask) -> str:
    """What is wrong with a mask by itself, '' for nothing."""
    if mask.kind not in MASKS:
        return f"There is no mask {mask.kind!r}; there are {', '.join(MASKS)}."
    if mask.kind in ("hide", "pseudonym"):
        return f"The mask {mask.kind} takes no argument, and here is {mask.argument!r}." if mask.argument else ""
    if mask.kind == "truncate":
        whole = re.fullmatch(r"[1-9]\d{0,5}", mask.argument)
        return "" if whole else f"truncate wants how many characters, and here is {mask.argument!r}."
    if mask.kind == "generalise":
        width = bool(re.fullmatch(NUMBER, mask.argument)) and float(mask.argument) > 0
        if width or mask.argument in PERIODS or _GROUP.fullmatch(mask.argument):
            return ""
        return f"generalise wants month, year, decade, a width or HIERARCHY:LEVEL, and here is {mask.argument!r}."
    good = bool(re.fullmatch(NUMBER, mask.argument)) and (mask.kind != "round" or float(mask.argument) > 0)
    return "" if good else f"{mask.kind} wants a number, and here is {mask.argument!r}."


def misfit(mask: Mask, kind: Kind) -> str:
    """Why a mask makes no sense for a column of this kind, '' when it does."""
    allowed = FITS.get(mask.kind)
    if mask.kind == "generalise":
        if mask.argument in PERIODS:
            allowed = frozenset({Kind.DATE, Kind.TIMESTAMP})
        elif ":" in mask.argument:
            allowed = frozenset({Kind.STRING, Kind.INTEGER})
        else:
            allowed = frozenset({Kind.INTEGER, Kind.NUMBER})
    if allowed is None or kind in allowed:
        return ""
    return f"{mask} is for columns of kind {' or '.join(sorted(allowed))}, and this one is {kind}."


def together(masks: Sequence[Mask], place: Callable[[str, str], int]) -> tuple[Mask, ...]:
    """Masks of several rules on one column as one that shows no more than each of them would.

    Of two of a kind the stronger one stays; numbers may be bounded and rounded; anything else that meets is hidden.
    ``place``: (hierarchy, level) -> how coarse it is.
    """
    found = list(dict.fromkeys(masks))
    if len(found) < 2:
        return tuple(found)
    kinds: dict[str, list[str]] = {}
    for mask in found:
        kinds.setdefault(mask.kind, []).append(mask.argument)
    if "hide" in kinds or (len(kinds) > 1 and not set(kinds) <= {"round", "top", "bottom"}):
        return (HIDE,)
    out = []
    for kind in ("bottom", "top", "round", "truncate", "generalise", "pseudonym"):
        if kind in kinds:
            argument = _stronger(kind, kinds[kind], place)
            if argument is None:
                return (HIDE,)
            out.append(Mask(kind, argument))
    return tuple(out)


def _stronger(kind: str, arguments: Sequence[str], place: Callable[[str, str], int]) -> str | None:
    """The argument that shows the least; None when they cannot be compared."""
    if len(arguments) == 1:
        return arguments[0]
    if kind in ("top", "truncate"):
        return min(arguments, key=float)
    if kind in ("bottom", "round"):
        # Of two steps the larger one; where it is no multiple of the other, both together would show nothing more.
        return max(arguments, key=float)
    if all(item in PERIODS for item in arguments):
        return max(arguments, key=PERIODS.index)
    if all(re.fullmatch(NUMBER, item) for item in arguments):
        return max(arguments, key=float)
    names = {item.partition(":")[0] for item in arguments}
    if len(names) == 1 and all(":" in item for item in arguments):
        return max(arguments, key=lambda item: place(names_of(item)[0], names_of(item)[1]))
    return None


def names_of(argument: str) -> tuple[str, str]:
    """``NAME:LEVEL`` as its two parts."""
    name, _, level = argument.partition(":")
    return name, level
