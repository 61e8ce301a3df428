"""The city's rules in files, and who decides by them.

In: a contract, the columns held, who asks; the agreements in force and the policies that ``arengo apply`` took from
``policies/*.cedar``. Out: a :class:`~arengo.governance.decision.Decision` with its reason, and answers to "who may
read this column?". Cedar (cedarpolicy.com) evaluates; it is loaded when the first policy is.
May import: state, contract, settings, errors, governance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arengo.governance.policy.judge import CityJudge

__all__ = ["CityJudge"]


def __getattr__(name: str) -> object:
    if name == "CityJudge":
        from arengo.governance.policy.judge import CityJudge

        return CityJudge
    raise AttributeError(name)
