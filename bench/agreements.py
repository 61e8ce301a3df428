"""What agreements cost in a city that has many: ``python -m bench.agreements``.

10,000 agreements of 500 applications about 200 datasets of twenty organisations, a seventh of them waiting.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from arengo.contract import Contract, loads
from arengo.contract.load import sha
from arengo.governance import dossier
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.caller import Caller
from arengo.governance.procedure import Agreements
from arengo.state import open_state

DATASETS, OWNERS, APPLICATIONS, HELD = 200, 20, 500, 10_000
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: d-{n}
name: Dataset {n}
version: 1.0.0
status: active
description: {{purpose: Made up.}}
schema:
  - name: rows
    properties:
      - {{name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}}
      - {{name: place, logicalType: string}}
      - {{name: amount, logicalType: number}}
customProperties:
  - {{property: arengoAccess, value: shared}}
  - {{property: arengoOwner, value: Office {owner}}}
  - {{property: arengoApproval, value: threshold}}
  - {{property: arengoPlans, value: [{{id: standard, daily: 1000, perConsumer: 1000000, total: 100000000}}]}}
"""
PURPOSE = {"title": "A purpose", "text": "What the rows are used for, in words.", "dpv": "dpv:PublicBenefit"}


def measured(work: Callable[[int], Any], n: int) -> str:
    """Median and 95th percentile of ``n`` calls, in microseconds of processor time: the machine may be busy."""
    taken = []
    for number in range(n):
        started = time.process_time()
        work(number)
        taken.append((time.process_time() - started) * 1e6)
    return f"median {statistics.median(taken):10.1f} us   p95 {statistics.quantiles(taken, n=20)[18]:10.1f} us"


def main() -> None:
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        state = open_state(f"sqlite:///{Path(folder) / 'state.sqlite'}")
        contracts: dict[str, Contract] = {}
        for n in range(DATASETS):
            made = contracts[f"d-{n}"] = loads(CONTRACT.format(n=n, owner=n % OWNERS))
            state.put_contract(made.id, version="1.0.0", sha=sha(made), text=made.text, path="", at=now)
        agreements = Agreements(
            state, contract=contracts.__getitem__, application=lambda name: f"org-{int(name[4:]) % 50}"
        )
        people = [Caller(f"p-{n}", f"org-{n}", roles=((f"org-{n}", "reader"),)) for n in range(50)]
        purposes = [agreements.purposes.write(f"org-{n}", PURPOSE, by=people[n]).id for n in range(50)]
        several = [
            [agreements.purposes.write(f"org-{n}", PURPOSE, by=people[n]).id for _ in range(10)] for n in range(50)
        ]
        terms = Terms(("id", "place"), "standard", 10, now, now + timedelta(days=365))
        empty = measured(lambda n: _fresh(agreements, "app-1", "d-1"), 200)
        with state.write() as connection:
            for n in range(HELD):
                dataset, program = f"d-{n % DATASETS}", n % APPLICATIONS
                dossier.add(connection, Agreement(
                    f"a-{n:012}", dataset, "1.0.0", sha(contracts[dataset]), f"office-{n % DATASETS % OWNERS}",
                    f"org-{program % 50}", f"app-{program}", several[program % 50][n // 1000], "standard",
                    terms.columns, volume=10, valid_from=terms.valid_from, valid_to=terms.valid_to,
                    state="pending" if n % 7 == 0 else "active", created_at=now, updated_at=now, requested_at=now,
                    asked=terms, drafted_by="p-x", requested_by="p-x",
                ))  # fmt: skip
        print("of(), cold, no agreements        ", empty)
        many = measured(lambda n: _fresh(agreements, f"app-{n}", f"d-{n % 200}"), 500)
        print("of(), cold, 10,000 agreements    ", many)
        agreements.of("app-1", "d-1")
        print("of(), warm                       ", measured(lambda n: agreements.of("app-1", "d-1"), 20_000))
        steward = Caller("p-head", "office-3", roles=(("office-3", "steward"),))
        print("a steward's inbox of 50          ", measured(lambda n: agreements.inbox_of(steward), 20))
        print("a list of 100                    ", measured(lambda n: agreements.listing(people[1], limit=100), 20))
        print("the clock with nothing due       ", measured(lambda n: (agreements.expire(), agreements.review()), 20))
        drafts = [
            agreements.draft("d-3", by=people[n], organisation=f"org-{n}", purpose=purposes[n], terms=terms).id
            for n in range(50)
        ]
        print("a request granted by the rule    ", measured(lambda n: agreements.submit(drafts[n], by=people[n]), 50))
        waiting = [item.id for item in agreements.inbox_of(steward)]
        assert len(waiting) >= 20, len(waiting)
        print("an approval                      ", measured(lambda n: agreements.approve(waiting[n], by=steward), 20))
        held = agreements.listing(steward, side="owner", states=("active",), limit=50)
        stop = measured(lambda n: agreements.suspend(held[n].id, by=steward, why="Stop."), 40)
        print("a suspension                     ", stop)
        state.close()


def _fresh(agreements: Agreements, application: str, dataset: str) -> None:
    """Ask as right after something has changed."""
    agreements._generation = -1
    agreements.of(application, dataset)


if __name__ == "__main__":
    main()
