"""``python -m bench.door``: what a page of rows costs under an agreement, held against the same page as open data.

One city, the same rows twice: open, and shared under an agreement for five columns, the key as a pseudonym, every row
about a person. The server keeps no answers; pages are asked for in turns along the cursor, one request at a time and
four at a time. Each page of the shared dataset is on record, durable, before its first byte. Printed: CPU of the
server's processes and passed time, medians over the turns, and the ratio (the limit is 1.1).
"""

from __future__ import annotations

import argparse
import http.client
import shutil
import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

import arengo
from arengo.governance import Mask
from arengo.governance.agreement import Terms
from arengo.governance.role import OPERATOR
from bench import civic, measure, product

COLUMNS = ("id", "created_at", "category", "district", "status")
PLAN = "[{id: whole, title: Whole, rate: 100000, daily: 100000000, rows: 100000000000}]"
ASKED = "limit=100&select=" + ",".join(COLUMNS)


def make(folder: Path, rows: int) -> tuple[Path, str]:
    """(city, key of a program that may read)."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / f"civic-{rows}.csv"
    civic.generate(rows, data)
    city = product.make_city(folder / "door", data)
    text = product.CONTRACT.replace("id: civic\n", "id: shared\n").replace(
        "arengoAccess, value: open", "arengoAccess, value: shared"
    )
    text = text.replace(
        "{name: id, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true}",
        "{name: id, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true, "
        "customProperties: [{property: arengoPrivacyRole, value: identifier}, "
        "{property: arengoSubject, value: resident}]}",
    )
    text += f"  - {{property: arengoPlans, value: {PLAN}}}\n  - property: arengoPurposes\n    value:\n"
    text += '      - {id: use, title: Use, dpv: "dpv:PublicBenefit", legalBasis: "eu-gdpr:A6-1-e", retention: P10Y}\n'
    (city / "contracts" / "shared.odcs.yaml").write_text(text, encoding="utf-8")
    with arengo.open(city) as opened:
        for run in opened.publish():
            assert run.state == "succeeded", run.error
        for name in opened.lake.datasets():
            opened.lake.prepare(opened.lake.resolve(name))
        return city, _agree(opened)


def _agree(city: arengo.City) -> str:
    access = city.access
    access.parties.add_organisation("Mobility", by=OPERATOR)
    callers = {}
    for name, organisation, role in (("Ada", "bench", "steward"), ("Bo", "mobility", "reader")):
        person = access.parties.add_person(name, f"{name}@bench.example", organisation, by=OPERATOR, state="active")
        access.parties.give(person.id, organisation, role, by=OPERATOR)
        callers[name] = access.sessions.caller(access.sessions.open(person.id, 2))
    owner, reader = callers["Ada"], callers["Bo"]
    program = access.applications.create("Reader", reader, organisation="mobility")
    answers = dict.fromkeys(
        ("necessity", "people", "safeguards", "combination", "decisions"), "None but what the measuring needs, alone."
    )
    purpose = access.agreements.purposes.write(
        "mobility",
        {"title": "Measuring", "text": "What a page costs under an agreement is measured.", "dpv": "dpv:PublicBenefit",
         "legal_basis": "eu-gdpr:A6-1-e", "personal": True, "retention": "P1D", "answers": answers},
        by=reader,
    )  # fmt: skip
    now = datetime.now(UTC)
    terms = Terms(COLUMNS, "whole", 100_000_000, now, now + timedelta(days=30), "", (("id", Mask("pseudonym")),))
    item = access.agreements.draft(
        "shared", by=reader, organisation="mobility", application=program.id, purpose=purpose.id, terms=terms
    )
    access.agreements.submit(item.id, by=reader)
    access.agreements.approve(item.id, by=owner)
    return access.applications.issue(program.id, reader, agreement=item.id)[1]


def walk(port: int, dataset: str, pages: int, headers: Mapping[str, str]) -> list[float]:
    """Seconds of each page along the cursor."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    cursor, taken = "", []
    for _ in range(pages):
        started = time.perf_counter()
        connection.request("GET", f"/api/v1/datasets/{dataset}/rows?{ASKED}{f'&cursor={cursor}' if cursor else ''}",
                           headers=dict(headers))  # fmt: skip
        answer = connection.getresponse()
        body = answer.read()
        taken.append(time.perf_counter() - started)
        assert answer.status == 200, body[:500]
        cursor = orjson.loads(body)["next"] or ""
    connection.close()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.door", description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--pages", type=int, default=100, help="pages a turn")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parent / ".data")
    options = parser.parse_args()
    city, key = make(options.data.resolve(), options.rows)
    port = measure.free_port()
    command = [*product.command(), "serve", "--city", str(city), "--port", str(port)]
    env = product.environment(ARENGO_ENGINE_CACHE_BYTES="0")
    server = measure.start("door", "arengo", command, port, "/healthz", folder=options.data / "logs", env=env)
    known: dict[str, dict[str, str]] = {"civic": {}, "shared": {"Authorization": f"Bearer {key}"}}
    try:
        for at_once in (1, 4):
            cpu: dict[str, list[float]] = {name: [] for name in known}
            took: dict[str, list[float]] = {name: [] for name in known}
            for turn in range(options.turns + 1):
                for name, headers in known.items():
                    before = server.cpu()
                    with ThreadPoolExecutor(at_once) as pool:
                        found = list(pool.map(lambda _: walk(port, name, options.pages, headers), range(at_once)))  # noqa: B023
                    if turn:  # the first one warms up: the cut is made
                        cpu[name].append((server.cpu() - before) / (options.pages * at_once) * 1000)
                        took[name].append(statistics.median(item for one in found for item in one) * 1000)
            for what, held in (("CPU", cpu), ("passed", took)):
                first, second = (statistics.median(held[name]) for name in ("civic", "shared"))
                ratio = statistics.median(b / a for a, b in zip(held["civic"], held["shared"], strict=True))
                print(f"{at_once} at once, {what:6}: open {first:6.2f} ms   agreement {second:6.2f} ms   {ratio:.2f}x")
    finally:
        server.stop()
        shutil.rmtree(city, ignore_errors=True)


if __name__ == "__main__":
    main()
