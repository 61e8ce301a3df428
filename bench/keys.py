"""What checking a credential and counting a request cost: ``python -m bench.keys``.

A city of 500 applications with 2,000 keys; the same headers as a real request has.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from arengo.governance.application import Applications
from arengo.governance.caller import Caller
from arengo.governance.counter import counters
from arengo.governance.credential import Credentials
from arengo.governance.plan import Plan
from arengo.governance.quota import Quotas
from arengo.governance.signing import SigningKeys
from arengo.governance.token import Tokens
from arengo.settings import CitySettings, Settings
from arengo.state import open_state

HERE = "https://data.example.org"
URL = f"{HERE}/api/v1/datasets/pupils/rows"
APPLICATIONS, KEYS = 500, 4


def measured(work: Callable[[int], object], n: int) -> str:
    """Median and 99th percentile of ``n`` calls, in microseconds."""
    taken = []
    for number in range(n):
        started = time.perf_counter()
        work(number)
        taken.append((time.perf_counter() - started) * 1e6)
    cuts = statistics.quantiles(taken, n=100)
    return f"median {statistics.median(taken):8.1f} us   p99 {cuts[98]:8.1f} us"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(root=Path(folder), city=CitySettings(url=HERE))
        state = open_state(settings.state_url)
        applications = Applications(state)
        seen = counters(state, settings.home)
        tokens = Tokens(applications, SigningKeys(settings.home / "oauth"), seen)
        credentials = Credentials(settings, state, applications, tokens)
        texts, programs = [], []
        for n in range(APPLICATIONS):
            owner = Caller(party=f"person-{n // 20}", organisation="schools", roles=(("schools", "reader"),))
            item = applications.create(f"Application {n}", owner, organisation="schools")
            programs.append(item)
            texts += [applications.issue(item.id, owner)[1] for _ in range(KEYS)]

        def headers(text: str) -> list[tuple[bytes, bytes]]:
            return [
                (b"host", b"data.example.org"),
                (b"user-agent", b"python-requests/2.32"),
                (b"accept-encoding", b"gzip, deflate"),
                (b"accept", b"*/*"),
                (b"connection", b"keep-alive"),
                (b"authorization", f"Bearer {text}".encode()),
            ]

        shown = [headers(text) for text in texts]
        print("no credential       ", measured(lambda n: credentials.caller(shown[0][:5], "GET", URL), 20_000))
        print("key, cold           ", measured(lambda n: credentials.caller(shown[n], "GET", URL), len(shown)))
        print("key, warm           ", measured(lambda n: credentials.caller(shown[n % 2000], "GET", URL), 20_000))
        signed = [headers(tokens.grant(programs[n], HERE).token) for n in range(200)]
        print("token, made         ", measured(lambda n: tokens.grant(programs[n], HERE), 200))
        print("token, cold         ", measured(lambda n: credentials.caller(signed[n], "GET", URL), 200))
        print("token, warm         ", measured(lambda n: credentials.caller(signed[n % 200], "GET", URL), 20_000))
        quotas = Quotas(seen)
        plan = Plan("bench", rate=1e9, daily=10**9, rows=0)
        agreed: list[Any] = [SimpleNamespace(id=f"agr-{n}", volume=0) for n in range(500)]
        reader = Caller(party="app-1", application="app-1")
        print("quota, one request  ", measured(lambda n: quotas.charge(reader, agreed[n % 500], plan), 10_000))
        state.close()


if __name__ == "__main__":
    main()
