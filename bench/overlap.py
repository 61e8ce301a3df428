"""What the overlap check costs: ``python -m bench.overlap``: many releases about a million residents, then one more.

The releases are what cities publish of people: a district, a band of age, a sex, a trade. Held against the plain way,
one join of all releases and one group-by, in the same engine and run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from arengo.contract.model import Contract, Frozen, Kind, Property
from arengo.lake.layout import quote
from arengo.privacy.case import Case
from arengo.privacy.declared import release_of, target_of
from arengo.privacy.overlap import intersection, joint
from arengo.privacy.overlap.classes import SUBJECT
from arengo.privacy.population import blind_sql
from arengo.privacy.release import EVERYTHING, Population, Release
from arengo.privacy.releases import Releases
from arengo.settings import EngineSettings, Settings
from arengo.state import open_state

START = datetime(2026, 1, 1, tzinfo=UTC)
QUASI = {
    "district": "'d' || (id % 8)",
    "section": "'s' || (id % 80)",
    "band": "CAST(10 * (hash(id) % 9) AS VARCHAR)",
    "year": "CAST(1940 + 10 * (hash(id) % 9) + hash(id + 9) % 10 AS VARCHAR)",
    "sex": "CASE WHEN hash(id + 1) % 2 = 0 THEN 'F' ELSE 'M' END",
    "trade": "'t' || (hash(id + 2) % 12)",
}
PAIRS = (("district", "sex"), ("band", "sex"), ("district", "band"), ("trade",), ("district",))
PEOPLE = Population("residents")


class _Plain:
    def levels(self, name: str) -> tuple[str, ...]:
        return ()

    def sql(self, name: str, level: str, column: str, kind: str) -> str:
        return column

    def between(self, name: str, level: str, other: str) -> Any:
        return {}


def contract(name: str, columns: tuple[str, ...], sensitive: bool) -> Contract:
    made = [Property(item, Kind.STRING, custom=Frozen(arengoPrivacyRole="quasi", arengoPrivacyConcept=item))
            for item in columns]  # fmt: skip
    if sensitive:
        custom = Frozen(arengoPrivacyRole="sensitive", arengoPrivacyConcept="benefit")
        made.append(Property("benefit", Kind.STRING, custom=custom))
    return Contract(name, "1.0.0", name, "active", name, tuple(made), name, None,
                    custom=Frozen(arengoPopulation="residents", arengoAccess="open"))  # fmt: skip


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    out = work()
    return time.perf_counter() - begin, out


class Bench:
    """``people`` residents, ``number`` releases about them."""

    def __init__(self, folder: Path, people: int, number: int, memory: str) -> None:
        self.settings = Settings(root=folder, engine=EngineSettings(job_memory=memory))
        self.settings.home.mkdir(parents=True)
        self.state = open_state(self.settings.state_url)
        self.releases = Releases(self.settings, self.state)
        self.connection = duckdb.connect(str(folder / "work.duckdb"), config={"threads": 2, "memory_limit": memory})
        self.people, self.number = people, number

    def close(self) -> None:
        self.connection.close()
        self.state.close()

    def make(self) -> float:
        sql, params = blind_sql(bytes(32), "residents", "id")
        listed = ", ".join(f"{value} AS {quote(name)}" for name, value in QUASI.items())
        benefit = "'b' || (hash(id + 3) % 6) AS benefit"
        told = f"CREATE TABLE everybody AS SELECT id, {sql} AS {SUBJECT}, {listed}, {benefit} FROM range(?) t(id)"
        return timed(lambda: self.connection.execute(told, [*params, self.people]))[0]

    def table(self, at: int, columns: tuple[str, ...]) -> str:
        name = quote(f"r{at}")
        listed = ", ".join(quote(item) for item in columns)
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {SUBJECT}, {listed}, benefit FROM everybody")
        return name

    def release(self, at: int, columns: tuple[str, ...], number: int) -> Release:
        made = contract(f"release-{at:02}", columns, at % 5 == 0)
        return release_of(made, number, START + timedelta(days=at), self.people, population=PEOPLE, subject=True)

    def publish(self, at: int) -> float:
        columns = PAIRS[at % len(PAIRS)]
        name = self.table(at, columns)
        spent, _ = timed(lambda: self.releases.add(self.release(at, columns, 1), self.connection, name))
        return spent

    def case(self, at: int, columns: tuple[str, ...], table: str, sensitive: bool) -> Case:
        made = contract(f"candidate-{at}", columns, sensitive)
        return Case(
            contract=made, release=release_of(made, 0, START, self.people, population=PEOPLE, subject=True),
            target=target_of(made, self.settings), connection=self.connection, table=table, intake=table,
            intake_contract=made, population=PEOPLE, earlier=self.releases.of("residents"), profiles=(EVERYTHING,),
            codes=_Plain(), settings=self.settings, state=self.state, home=self.releases.home, now=START,
            rows=self.releases.rows,
        )  # fmt: skip

    def plain(self, columns: tuple[str, ...], table: str) -> int:
        """The same question the plain way: join all, group by all."""
        joins, values = [], []
        for at in range(self.number):
            joins.append(f"LEFT JOIN {quote(f'r{at}')} r{at} ON r{at}.{SUBJECT} = c.{SUBJECT}")
            values += [f"r{at}.{quote(item)}" for item in PAIRS[at % len(PAIRS)]]
        own = ", ".join(f"c.{quote(item)}" for item in columns)
        listed = ", ".join((own, *values))
        groups = f"SELECT count(*) AS n FROM {table} c {' '.join(joins)} GROUP BY {listed}"
        sql = f"SELECT coalesce(sum(n), 0) FROM ({groups}) WHERE n < 5"
        (found,) = self.connection.execute(sql).fetchone() or (0,)
        return int(found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.overlap", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--releases", type=int, default=20)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--plain", action="store_true", help="also the plain way, one join of everything")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "city", options.people, options.releases, options.memory)
        with closing(bench):
            run(bench, options.plain)


def run(bench: Bench, plain: bool) -> None:
    print(f"{bench.people:,} people, {bench.number} releases")
    print(f"blind numbers: {bench.make():.1f} s")
    spent = [bench.publish(at) for at in range(bench.number)]
    print(f"writing a release into the ledger: first {spent[0]:.1f} s, last {spent[-1]:.1f} s, all {sum(spent):.1f} s")
    columns = ("section", "year")
    name = bench.table(bench.number, columns)
    case = bench.case(0, columns, name, True)
    took, report = timed(lambda: joint.look(case))
    print(f"joint classes with all, in files: {took:.1f} s; {report.measured['people']:,} people newly below k")
    took, found = timed(lambda: joint.people_below(case))
    print(f"  without saying who costs most: {took:.1f} s; {found:,}")
    took, _ = timed(lambda: intersection.look(case))
    print(f"sensitive values with {sum(at % 5 == 0 for at in range(bench.number))} of them: {took:.1f} s")
    harmless = bench.case(1, ("sex",), bench.table(bench.number + 1, ("sex",)), False)
    took, report = timed(lambda: joint.look(harmless))
    print(f"a harmless one: {took:.1f} s; {report.measured['people']:,} people")
    took, _ = timed(lambda: bench.releases.rebuild("residents"))
    print(f"all classes anew from the blind files: {took:.1f} s")
    bench.releases.classes.path("residents").unlink()
    took, _ = timed(lambda: joint.people_below(case))
    print(f"joint classes with all, from rows: {took:.1f} s")
    if plain:
        took, found = timed(lambda: bench.plain(columns, name))
        print(f"the plain way: {took:.1f} s; {found:,} people below 5")
    bench.releases.rebuild("residents")
    part = bench.table(99, columns)
    bench.connection.execute(f"DELETE FROM {part} WHERE hash({SUBJECT}) % 1000 <> 0")
    small = bench.case(2, columns, part, False)
    took, _ = timed(lambda: joint.people_below(small))
    print(f"a candidate about one in a thousand: {took:.1f} s")


if __name__ == "__main__":
    main()
