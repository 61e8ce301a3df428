"""What a decision costs: ``python -m bench.policies``, with 1,000 policies, from the cache and cold.

Three cities: a policy each for a thousand agreements and datasets of twenty organisations (as it grows), a thousand
policies of one organisation on one dataset's columns, and a thousand that hold for every column of the city. Cold is a
decision that is not remembered, with the policies read; the first one after a change also parses its policies.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from arengo.contract import Contract, loads
from arengo.governance import Caller, Mask
from arengo.governance.agreement import Agreement
from arengo.governance.policy import CityJudge
from arengo.governance.policy.book import make
from arengo.governance.policy.force import take
from arengo.settings import Settings
from arengo.state import open_state

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CLASSES = ("", "public", "internal", "restricted")
COLUMNS = tuple(f"c{n}" for n in range(9))


def contract(organisation: int, number: int) -> Contract:
    columns = "\n".join(
        f"      - {{name: {name}, logicalType: string, classification: '{CLASSES[n % 4]}'}}"
        for n, name in enumerate(COLUMNS)
    )
    return loads(
        f"apiVersion: v3.1.0\nkind: DataContract\nid: data-{organisation}-{number}\nname: Data\nversion: 1.0.0\n"
        f"status: active\nschema:\n  - name: data\n    properties:\n{columns}\ncustomProperties:\n"
        f"  - {{property: arengoAccess, value: shared}}\n  - {{property: arengoOwner, value: office {organisation}}}\n"
    )


@dataclass
class Held:
    """An agreement for every application on every dataset."""

    def of(self, application: str, dataset: str) -> Sequence[Agreement]:
        return (
            Agreement(
                id="agr",
                dataset=dataset,
                contract_version="1.0.0",
                contract_sha="",
                owner="office-0",
                organisation="readers",
                application=application,
                purpose="planning",
                plan="free",
                columns=COLUMNS,
                masks=(("c0", Mask("pseudonym")),),
                valid_from=datetime(2026, 1, 1, tzinfo=UTC),
                valid_to=datetime(2027, 1, 1, tzinfo=UTC),
                state="active",
                updated_at=NOW,
            ),
        )


def grown(many: int) -> dict[str, str]:
    """Fifty policies of each of twenty organisations, on five datasets each, of every kind there is."""
    files = {}
    for organisation in range(20):
        lines = []
        for n in range(many // 20):
            data = f"data-{organisation}-{n % 5}"
            lines.append(
                (
                    f'@id("p{n}") @reason("Reason {n}.") forbid (principal is Application, '
                    f'action == Action::"see-column", resource == Column::"{data}/c{n % 9}") '
                    f'when {{ context.purpose.id == "x{n}" }};',
                    f'@id("p{n}") @reason("Reason {n}.") @columns("c1, c2") permit (principal in '
                    f'Role::"office-{organisation}/reader", action == Action::"read", resource == Dataset::"{data}") '
                    f"when {{ context.assurance >= {n % 4} }};",
                    f'@id("p{n}") @reason("Reason {n}.") @mask("truncate 4") permit (principal, action == '
                    f'Action::"shape", resource is Column in Dataset::"{data}") when {{ resource.classification == '
                    f'"restricted" && context.zone != "z{n}" }};',
                    f'@id("p{n}") @reason("Reason {n}.") forbid (principal is Person, action == Action::"read", '
                    f'resource == Dataset::"{data}") when {{ context.assurance < 1 }};',
                )[n % 4]
            )
        files[f"policies/office-{organisation}/rules.cedar"] = "\n".join(lines)
    return files


def crowded(many: int) -> dict[str, str]:
    """All of one organisation, each naming one of the nine columns of one dataset."""
    return {
        "policies/office-0/rules.cedar": "\n".join(
            f'@id("p{n}") @reason("Reason {n}.") forbid (principal, action == Action::"see-column", resource == '
            f'Column::"data-0-0/c{n % 9}") when {{ context.purpose.id == "x{n}" && context.assurance < 2 }};'
            for n in range(many)
        )
    }


def wide(many: int) -> dict[str, str]:
    """All of the whole city, each on every restricted column of everybody."""
    return {
        "policies/rules.cedar": "\n".join(
            f'@id("p{n}") @reason("Reason {n}.") forbid (principal, action == Action::"see-column", resource) '
            f'when {{ resource.classification == "restricted" && context.purpose.id == "x{n}" }};'
            for n in range(many)
        )
    }


def timed(call: Callable[[int], object], times: int) -> tuple[float, float]:
    """Median and 99th percentile of CPU time in microseconds."""
    spent = []
    for n in range(times):
        started = time.thread_time()
        call(n)
        spent.append((time.thread_time() - started) * 1e6)
    spent.sort()
    return statistics.median(spent), spent[int(len(spent) * 0.99)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.policies", description=__doc__)
    parser.add_argument("--policies", type=int, default=1000)
    parser.add_argument("--times", type=int, default=2000)
    options = parser.parse_args()
    contracts = [contract(organisation, n) for organisation in range(20) for n in range(5)]
    print(f"{options.policies:,} policies, nine columns; microseconds of CPU, median and 99th percentile")
    late = []
    caller = Caller(party="app", organisation="readers", application="app", assurance=2)
    for name, files in (("none", {}), ("grown", grown(options.policies)), ("crowded", crowded(options.policies)),
                        ("wide", wide(options.policies))):  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(Path(folder))
            with open_state(settings.state_url) as state:
                started = time.thread_time()
                book = make(files)
                reading = time.thread_time() - started
                take(state, book, NOW, lambda *parts, **facts: None)
                judge = CityJudge(settings, state, Held(), now=lambda: NOW)
                asked = contracts if name in ("none", "grown") else contracts[:1]
                first, _ = timed(lambda n, judge=judge: judge.decide(contracts[0], COLUMNS, caller), 1)
                for item in asked:
                    judge.decide(item, COLUMNS, caller)

                def cold(n: int, judge: CityJudge = judge, asked: Sequence[Contract] = asked) -> object:
                    someone = replace(caller, party=f"app-{n}", application=f"app-{n}")
                    return judge.decide(asked[n % len(asked)], COLUMNS, someone)

                def warm(n: int, judge: CityJudge = judge, asked: Sequence[Contract] = asked) -> object:
                    return judge.decide(asked[n % len(asked)], COLUMNS, caller)

                costs = {"cold": timed(cold, min(options.times, 300)), "cached": timed(warm, options.times)}
        print(f"\n{name}: read in {reading * 1e3:.0f} ms; first decision after a change {first:,.0f}")
        for word, (median, slow) in costs.items():
            print(f"  {word:8}{median:10,.1f}{slow:10,.1f}")
        if costs["cached"][0] > 50 or costs["cold"][0] > 2000:
            late.append(name)
    print("\nunder 50 from the cache and 2,000 cold: " + (f"missed by {', '.join(late)}" if late else "yes"))
    return 1 if late else 0


if __name__ == "__main__":
    raise SystemExit(main())
