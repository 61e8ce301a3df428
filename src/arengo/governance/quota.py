"""How much of its plan an agreement has used: requests a second, calls and rows a day, over all worker processes.

A plan's rate is a bucket (the generic cell rate algorithm of ITU-T I.371): a second's worth of requests may come at
once, then they are spaced. Days are the city's. What is left is told with the ``RateLimit`` and ``RateLimit-Policy``
fields of draft-ietf-httpapi-ratelimit-headers-10. Anonymous reads of open data are not counted here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from arengo.errors import QuotaSpent
from arengo.governance.caller import Caller
from arengo.governance.counter import Count, Counters

if TYPE_CHECKING:
    from arengo.governance.agreement import Agreement
    from arengo.governance.plan import Plan

DAY = 86_400
_SLACK = 1e-6  # of a second: sums of floats


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a request. ``limit``, ``remaining``: calls of this day; ``reset``: seconds until the next.

    ``rows_limit``, ``rows_remaining``: of this day. ``burst``: requests in ``window`` seconds; ``burst_remaining``
    at once now. A limit of 0 is no limit.
    """

    plan: str
    limit: int
    remaining: int
    reset: int
    rows_limit: int
    rows_remaining: int
    burst: int
    window: int
    burst_remaining: int
    burst_reset: int = 0

    @property
    def policy(self) -> str:
        """``RateLimit-Policy``: the plan, the same with every answer."""
        parts = []
        if self.burst:
            parts.append(f'"burst";q={self.burst};w={self.window}')
        if self.limit:
            parts.append(f'"daily";q={self.limit};w={DAY}')
        if self.rows_limit:
            parts.append(f'"rows";q={self.rows_limit};w={DAY};qu="rows"')
        return ", ".join(parts)

    @property
    def headers(self) -> dict[str, str]:
        """The two fields, to be sent with the answer."""
        left = []
        if self.burst:
            left.append(f'"burst";r={self.burst_remaining};t={self.burst_reset}')
        if self.limit:
            left.append(f'"daily";r={self.remaining};t={self.reset}')
        if self.rows_limit:
            left.append(f'"rows";r={self.rows_remaining};t={self.reset}')
        return {"RateLimit-Policy": self.policy, "RateLimit": ", ".join(left)} if left else {}


class Quotas:
    """``zone``: IANA name of the city's time."""

    def __init__(
        self, counters: Counters, zone: str = "UTC", now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._counters = counters
        self._now = now
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            self._zone = ZoneInfo("UTC")

    def charge(self, caller: Caller, agreement: Agreement, plan: Plan, rows: int = 0) -> Allowance:
        """Count one request of ``rows`` rows, as far as they are known before, and say what is left.

        Raises QuotaSpent with the seconds to wait; then nothing is counted.
        """
        now = self._now()
        day, reset = self._day(now)
        limit = _least(plan.daily, agreement.volume)
        found: list[tuple[Count, str]] = []

        def rule(held: Count) -> Count | None:
            found.clear()
            held = held if held.day == day else replace(held, day=day, calls=0, rows=0)
            why = _spent(held, plan, limit, rows, now.timestamp())
            found.append((held, why))
            if why:
                return None
            arrival = max(held.arrival, now.timestamp()) + 1 / plan.rate if plan.rate > 0 else held.arrival
            new = Count(arrival, day, held.calls + 1, held.rows + rows)
            found[0] = (new, "")
            return new

        self._counters.turn(_name(agreement, caller), rule)
        held, why = found[0]
        left = _allowance(held, plan, limit, now.timestamp(), reset)
        if why:
            raise _refusal(why, left, plan)
        return left

    def spend(self, caller: Caller, agreement: Agreement, rows: int) -> None:
        """Count rows that were given, when their number is known only afterwards."""
        if rows <= 0:
            return
        day, _ = self._day(self._now())

        def rule(held: Count) -> Count:
            held = held if held.day == day else replace(held, day=day, calls=0, rows=0)
            return replace(held, rows=held.rows + rows)

        self._counters.turn(_name(agreement, caller), rule)

    def left(self, caller: Caller, agreement: Agreement, plan: Plan) -> Allowance:
        """What is left now, without counting anything."""
        now = self._now()
        day, reset = self._day(now)
        held = self._counters.look(_name(agreement, caller))
        held = held if held.day == day else replace(held, day=day, calls=0, rows=0)
        return _allowance(held, plan, _least(plan.daily, agreement.volume), now.timestamp(), reset)

    def _day(self, now: datetime) -> tuple[str, int]:
        """(the city's day, seconds until it ends)"""
        here = now.astimezone(self._zone)
        end = datetime.combine(here.date() + timedelta(days=1), time(), self._zone)
        return here.date().isoformat(), max(1, math.ceil(end.timestamp() - now.timestamp()))


def _name(agreement: Agreement, caller: Caller) -> str:
    return agreement.id or f"party {caller.party}"


def _least(*limits: int) -> int:
    """The smallest that is a limit at all."""
    return min((limit for limit in limits if limit > 0), default=0)


def _bucket(plan: Plan) -> tuple[int, int]:
    """(requests at once, seconds in which they come back)"""
    if plan.rate <= 0:
        return 0, 0
    return (math.ceil(plan.rate), 1) if plan.rate >= 1 else (1, math.ceil(1 / plan.rate))


def _spent(held: Count, plan: Plan, limit: int, rows: int, now: float) -> str:
    """Which limit one more request would pass: daily | rows | burst, '' for none."""
    if limit and held.calls >= limit:
        return "daily"
    if plan.rows > 0 and (held.rows >= plan.rows or held.rows + rows > plan.rows):
        return "rows"
    burst, _ = _bucket(plan)
    if burst and held.arrival - now > (burst - 1) / plan.rate + _SLACK:
        return "burst"
    return ""


def _allowance(held: Count, plan: Plan, limit: int, now: float, reset: int) -> Allowance:
    burst, window = _bucket(plan)
    ahead = max(held.arrival - now, 0.0)
    room = math.floor(burst - ahead * plan.rate + _SLACK) if burst else 0
    return Allowance(
        plan.id,
        limit,
        max(limit - held.calls, 0),
        reset,
        max(plan.rows, 0),
        max(plan.rows - held.rows, 0),
        burst,
        window,
        max(room, 0),
        math.ceil(ahead),
    )


def _refusal(why: str, left: Allowance, plan: Plan) -> QuotaSpent:
    title = plan.title or plan.id
    if why == "burst":
        seconds = max(1, math.ceil(left.burst_reset - (left.burst - 1) / plan.rate))
        met = f"The plan {title} allows {plan.rate:g} requests a second."
        return QuotaSpent(met, todo=f"Come again in {seconds} s.", seconds=seconds, headers=left.headers)
    what = f"{left.limit:,} calls" if why == "daily" else f"{left.rows_limit:,} rows"
    who = f"The plan {title}" if why != "daily" or left.limit >= plan.daily > 0 else "Your agreement"
    rest = "" if why == "daily" else f" {left.rows_remaining:,} are left today."
    return QuotaSpent(
        f"{who} allows {what} a day.{rest}",
        todo="Come again tomorrow, or ask the owner for a larger plan.",
        seconds=left.reset,
        headers=left.headers,
    )
