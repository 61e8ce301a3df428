"""In which order datasets are published: those that others are made of come first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from arengo.contract.model import Contract
from arengo.errors import ArengoError

if TYPE_CHECKING:
    from arengo.sources.base import Questions


def waves(contracts: Sequence[Contract], questions: Questions | None) -> Iterator[frozenset[str]]:
    """Ids to publish at the same time, then those made of them, and so on.

    A circle is one wave: its runs are refused one by one, each with the circle in its sentence.
    """
    left = {contract.id: _inputs(contract, questions) for contract in contracts}
    while left:
        ready = {name for name, inputs in left.items() if not (inputs - {name}) & left.keys()} or set(left)
        yield frozenset(ready)
        left = {name: inputs for name, inputs in left.items() if name not in ready}


def _inputs(contract: Contract, questions: Questions | None) -> frozenset[str]:
    if questions is None:
        return frozenset()
    try:
        return questions.inputs(contract)
    except ArengoError:
        return frozenset()  # its own run says what is wrong
