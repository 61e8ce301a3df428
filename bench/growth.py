"""What an append costs beside other releases of its population: ``python -m bench.growth [--people N] [--append N]``.

A register of residents, a table of cards that is public, and a table about persons that grows: without and with a
sensitive column, which a third table shows as well. Each append is judged from what was kept, then once more after all
that was kept is deleted, so that the verdict takes a pass over everybody. CPU of this process, all threads, since
machines are shared.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import tempfile
from pathlib import Path

import duckdb

from arengo.city import City, open_city
from arengo.privacy.gate import STEPS
from arengo.privacy.population import Truth
from arengo.publish.entries import Entries
from arengo.publish.safety import Safety
from arengo.publish.street import Street
from bench import gate
from bench.gate import Clock

VALUES = {**gate.VALUES, "trade": "'t' || (hash(id + 6) % 4)"}
CONCEPTS = {"sex": "sex", "band": "age", "district": "residence", "trade": "trade"}
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {id}
version: 1.0.0
status: active
domain: bench
schema:
  - name: {id}
    properties:
{columns}
customProperties:
  - {{property: arengoAccess, value: {access}}}
  - {{property: arengoMode, value: {mode}}}
  - {{property: arengoSource, value: {{kind: csv, path: sources/{id}.csv}}}}
  - {{property: arengoPopulation, value: residents}}
  - {{property: arengoPurposes, value: [{{id: registry, dpv: "dpv:RecordManagement", legalBasis: "eu-gdpr:A6-1-c",
     retention: P75Y}}]}}
"""


def contract(id: str, columns: tuple[str, ...], mode: str, access: str = "open") -> str:
    told = []
    for name in columns:
        roles = []
        if name == "person":
            roles = [("arengoPrivacyRole", "identifier"), ("arengoSubject", "residents")]
            roles += [("arengoProtect", "drop")] if access == "open" else []
        elif name == "benefit":
            roles = [("arengoPrivacyRole", "sensitive"), ("arengoPrivacyConcept", "benefit")]
        elif name in CONCEPTS:
            roles = [("arengoPrivacyRole", "quasi"), ("arengoPrivacyConcept", CONCEPTS[name])]
        listed = ", ".join(f"{{property: {key}, value: {value}}}" for key, value in roles)
        kind = "number" if name == "amount" else "string"
        custom = f", customProperties: [{listed}]" if roles else ""
        told.append(f"      - {{name: {name}, logicalType: {kind}{custom}}}")
    return CONTRACT.format(id=id, columns="\n".join(told), mode=mode, access=access)


def deliver(folder: Path, id: str, columns: tuple[str, ...], ids: str) -> None:
    """``ids``: SQL of the persons, ``id`` from 0."""
    listed = ", ".join(f"{VALUES[name]} AS {name}" for name in columns)
    path = folder / "sources" / f"{id}.csv"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {listed} FROM ({ids})) TO '{path}' (HEADER)")


def publish(city: City, clock: Clock, id: str, what: str) -> None:
    clock.spent.clear()
    with clock.running("all"):
        (run,) = city.publish(id)
    told = {name: round(seconds, 2) for name, seconds in clock.spent.items() if seconds >= 0.05 and name != "all"}
    verdict, whole = clock.spent["verdict"], clock.spent["all"]
    ledger = clock.spent["ledger"]
    print(
        f"  {what:34} verdict {verdict:6.2f} of {whole:6.2f} CPU s, ledger {ledger:5.2f}, {run.state}  {told}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--append", type=int, default=10_000)
    parser.add_argument("--cases", type=lambda text: text.split(","), default=["quasi", "sensitive"])
    options = parser.parse_args()
    clock = Clock()
    for owner, name, label in ((Safety, "judge", "verdict"), (Entries, "_enter", "ledger"), (Safety, "_case", "case"),
                               (Truth, "_make", "register")):  # fmt: skip
        clock.wrap(owner, name, label)
    for step in ("read", "protect", "profile", "commit"):
        clock.wrap(Street, step, step)
    for name, module in STEPS:
        clock.wrap(importlib.import_module(module), "look", f"gate {name}")
    for case in options.cases:
        with tempfile.TemporaryDirectory() as temporary:
            run(Path(temporary) / "city", options.people, options.append, case == "sensitive", clock)


def run(folder: Path, people: int, more: int, sensitive: bool, clock: Clock) -> None:
    (folder / "contracts").mkdir(parents=True)
    (folder / "sources").mkdir()
    (folder / "city.toml").write_text('[city]\nname = "Bench"\ncountry = "ES"\n', encoding="utf-8")
    privacy = '[populations.residents]\nunit = "person"\nregister = "register"\n'
    (folder / "privacy.toml").write_text(privacy, encoding="utf-8")
    benefit = ("benefit",) if sensitive else ()
    grown = ("person", "sex", "band", "district", *benefit, "office", "amount", "remark")
    tables = {
        "register": (("person", "sex", "band", "district"), "replace", "shared"),
        "cards": (("person", "trade", "sex", *benefit), "replace", "open"),
        "grown": (grown, "append", "open"),
    }
    for name, (columns, mode, access) in tables.items():
        (folder / "contracts" / f"{name}.odcs.yaml").write_text(contract(name, columns, mode, access), encoding="utf-8")
    city = open_city(folder)
    print(f"{people:,} people{', a sensitive column' if sensitive else ''}; {more:,} appended", flush=True)
    deliver(folder, "register", tables["register"][0], f"SELECT range AS id FROM range({people})")
    publish(city, clock, "register", "the register")
    deliver(folder, "cards", tables["cards"][0], f"SELECT range AS id FROM range({people}) WHERE hash(range) % 10 < 8")
    publish(city, clock, "cards", "another release")
    first = people * 6 // 10
    deliver(folder, "grown", grown, f"SELECT range AS id FROM range({first})")
    publish(city, clock, "grown", "first publication")
    for what, clear in (("append", False), ("append", False), ("append, nothing kept", True)):
        if clear:
            shutil.rmtree(folder / ".arengo" / "privacy" / "kept", ignore_errors=True)
        deliver(folder, "grown", grown, f"SELECT range AS id FROM range({first}, {first + more})")
        publish(city, clock, "grown", what)
        first += more
    city.close()


if __name__ == "__main__":
    main()
