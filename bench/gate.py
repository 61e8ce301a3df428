"""What the gate costs a publication, and an append: ``python -m bench.gate [--rows N] [--append N]``.

Three tables: one without persons, one about persons, one about persons with a sensitive column. Each is published, then
rows are appended, then once more after what was kept is deleted, so that the verdict takes a pass over the whole table.
CPU of this process, all threads, since machines are shared.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from arengo.city import City, open_city
from arengo.privacy.gate import STEPS
from arengo.publish.entries import Entries
from arengo.publish.safety import Safety
from arengo.publish.street import Street

VALUES = {
    "person": "printf('P%016x', hash(id + 99))",
    "sex": "CASE WHEN hash(id) % 2 = 0 THEN 'F' ELSE 'M' END",
    "band": "CAST(10 * (hash(id + 1) % 9) AS VARCHAR)",
    "district": "'d' || (hash(id + 2) % 40)",
    "benefit": "'b' || (hash(id + 3) % 6)",
    "office": "'office ' || (hash(id + 4) % 30)",
    "channel": "['web', 'desk', 'phone'][(1 + hash(id + 5) % 3)::INTEGER]",
    "amount": "(hash(id + 7) % 100000) / 100.0",
    "hours": "hash(id + 8) % 500",
    "kind": "'kind ' || (hash(id + 9) % 300)",
    "remark": "'remark on the street number ' || (hash(id + 10) % 100000) || ' given by hand'",
}
PLAIN = ("office", "channel", "amount", "hours", "kind", "remark")
TABLES = {
    "no persons": PLAIN,
    "persons": ("person", "sex", "band", "district", *PLAIN),
    "persons, a sensitive column": ("person", "sex", "band", "district", "benefit", *PLAIN),
}
ROLES = {
    "person": "{property: arengoPrivacyRole, value: identifier}, {property: arengoSubject, value: residents}, "
    "{property: arengoProtect, value: drop}",
    "sex": "{property: arengoPrivacyRole, value: quasi}, {property: arengoPrivacyConcept, value: sex}",
    "band": "{property: arengoPrivacyRole, value: quasi}, {property: arengoPrivacyConcept, value: age}",
    "district": "{property: arengoPrivacyRole, value: quasi}, {property: arengoPrivacyConcept, value: residence}",
    "benefit": "{property: arengoPrivacyRole, value: sensitive}, {property: arengoPrivacyConcept, value: benefit}",
}
KINDS = {"amount": "number", "hours": "integer"}
PERSONS = """\
  - {property: arengoPopulation, value: residents}
  - {property: arengoPurposes, value: [{id: registry, dpv: "dpv:RecordManagement", legalBasis: "eu-gdpr:A6-1-c",
     retention: P75Y}]}
"""
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: grown
name: Grown
version: 1.0.0
status: active
domain: bench
schema:
  - name: grown
    properties:
{columns}
customProperties:
  - {{property: arengoAccess, value: open}}
  - {{property: arengoMode, value: append}}
  - {{property: arengoSource, value: {{kind: csv, path: sources/grown.csv}}}}
{persons}"""


def contract(columns: tuple[str, ...]) -> str:
    told = []
    for name in columns:
        roles = f", customProperties: [{ROLES[name]}]" if name in ROLES else ""
        told.append(f"      - {{name: {name}, logicalType: {KINDS.get(name, 'string')}{roles}}}")
    return CONTRACT.format(columns="\n".join(told), persons=PERSONS if "person" in columns else "")


def deliver(folder: Path, columns: tuple[str, ...], first: int, rows: int) -> None:
    listed = ", ".join(f"{VALUES[name]} AS {name}" for name in columns)
    path = folder / "sources" / "grown.csv"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {listed} FROM range({first}, {first + rows}) t(id)) TO '{path}' (HEADER)")


class Clock:
    """CPU seconds by name, of methods that are wrapped."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def wrap(self, owner: Any, name: str, label: str) -> None:
        done = getattr(owner, name)

        def timed(*args: Any, **more: Any) -> Any:
            with self.running(label):
                return done(*args, **more)

        setattr(owner, name, timed)

    @contextmanager
    def running(self, label: str) -> Iterator[None]:
        begin = time.process_time()
        try:
            yield
        finally:
            self.spent[label] += time.process_time() - begin


def publish(city: City, clock: Clock, what: str) -> None:
    clock.spent.clear()
    with clock.running("all"):
        (run,) = city.publish()
    told = {name: round(seconds, 2) for name, seconds in clock.spent.items() if seconds >= 0.005}
    verdict, whole = clock.spent["verdict"], clock.spent["all"]
    print(f"  {what:30} verdict {verdict:6.2f} of {whole:6.2f} CPU s ({verdict / whole:4.0%}), "
          f"ledger {clock.spent['ledger']:5.2f}, {run.state}  {told}", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--append", type=int, default=10_000)
    parser.add_argument("--tables", type=lambda text: text.split(";"), default=list(TABLES))
    options = parser.parse_args()
    import importlib

    clock = Clock()
    clock.wrap(Safety, "judge", "verdict")
    clock.wrap(Entries, "_enter", "ledger")
    for step in ("read", "protect", "profile", "commit"):
        clock.wrap(Street, step, step)
    for name, module in STEPS:
        clock.wrap(importlib.import_module(module), "look", f"gate {name}")
    for name in options.tables:
        columns = TABLES[name]
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "city"
            (folder / "contracts").mkdir(parents=True)
            (folder / "sources").mkdir()
            (folder / "city.toml").write_text('[city]\nname = "Bench"\ncountry = "ES"\n', encoding="utf-8")
            (folder / "privacy.toml").write_text('[populations.residents]\nunit = "person"\n', encoding="utf-8")
            (folder / "contracts" / "grown.odcs.yaml").write_text(contract(columns), encoding="utf-8")
            city = open_city(folder)
            print(f"{name}: {options.rows:,} rows x {len(columns)}, {options.append:,} appended", flush=True)
            deliver(folder, columns, 0, options.rows)
            publish(city, clock, "first publication")
            deliver(folder, columns, options.rows, options.append)
            publish(city, clock, "append")
            shutil.rmtree(folder / ".arengo" / "privacy" / "kept", ignore_errors=True)
            deliver(folder, columns, options.rows + options.append, options.append)
            publish(city, clock, "append, nothing kept")
            city.close()


if __name__ == "__main__":
    main()
