"""``python -m bench.harvesting``: fifty thousand records taken in from another catalogue, measured.

A server in a process of its own gives generated records (those of ``bench.finding``) as CKAN packages and as DCAT in
Turtle, page by page. A fresh city takes them in: the first run (all new), the second (nothing changed) and a third in
which one record in a hundred changed. Printed: records a second by the clock, CPU seconds of the harvesting process and
its largest memory. CKAN's own harvester does about one a second (GSA/data.gov, issue 1879).
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.finding import records

HERE = Path(__file__).resolve().parent
TURTLE_PAGE = 500
PREFIXES = """\
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix hydra: <http://www.w3.org/ns/hydra/core#> .
"""


def package(item: Any) -> dict[str, Any]:
    """A record as CKAN tells it."""
    title = next(iter(item.title.values()))
    return {
        "id": item.id,
        "name": item.id,
        "title": title,
        "notes": next(iter(item.description.values()), ""),
        "organization": {"name": item.publisher.id, "title": next(iter(item.publisher.name.values()))},
        "license_id": item.licence,
        "metadata_modified": item.modified.isoformat(),
        "metadata_created": item.issued.isoformat() if item.issued else "",
        "tags": [{"name": word} for words in item.keywords.values() for word in words],
        "resources": [
            {
                "id": f"{item.id}-{file.id}",
                "name": file.id,
                "format": file.format,
                "url": f"https://o.example/{item.id}",
            }
            for file in item.distributions
        ],
    }


def turtle(item: Any) -> str:
    """A record as DCAT tells it."""
    quoted = json.dumps
    node = f"https://o.example/{item.id}"
    title = next(iter(item.title.values()))
    office = f"https://o.example/o/{item.publisher.id}"
    files = " ".join(f"; dcat:distribution <{node}/{file.id}> " for file in item.distributions)
    lines = [
        f'<{node}> a dcat:Dataset ; dct:identifier "{item.id}" ; dct:title {quoted(title)}@{item.language} ;',
        f"  dct:description {quoted(next(iter(item.description.values()), ''))}@{item.language} ;",
        f'  dct:modified "{item.modified.isoformat()}" ; dct:publisher <{office}> {files}.',
        f"<{office}> a foaf:Agent ; foaf:name {quoted(next(iter(item.publisher.name.values())))} .",
    ]
    lines += [
        f'<{node}/{file.id}> a dcat:Distribution ; dcat:accessURL <{node}> ; dct:format "{file.format}" .'
        for file in item.distributions
    ]
    return "\n".join(lines)


def serve(count: int) -> None:
    """The other catalogue. ``/touch`` changes one record in a hundred."""
    held = list(records(count))
    packages = [json.dumps(package(item)).encode() for item in held]
    graphs = [turtle(item).encode() for item in held]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            at = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(at.query).items()}
            if at.path == "/touch":
                for number in range(0, count, 100):
                    packages[number] = packages[number].replace(b'"title": "', b'"title": "New: ', 1)
                    graphs[number] = graphs[number].replace(b'dct:title "', b'dct:title "New: ', 1)
                body = b"{}"
            elif at.path == "/catalog.ttl":
                number = int(asked.get("page", 1))
                start = (number - 1) * TURTLE_PAGE
                here = f"http://127.0.0.1:{self.server.server_port}/catalog.ttl"
                following = f"<{here}?page={number}> hydra:next <{here}?page={number + 1}> .\n"
                more = following if start + TURTLE_PAGE < count else ""
                body = PREFIXES.encode() + b"\n".join(graphs[start : start + TURTLE_PAGE]) + b"\n" + more.encode()
            else:
                start, rows = int(asked.get("start", 0)), int(asked.get("rows", 100))
                body = b'{"success": true, "result": {"count": %d, "results": [%s]}}' % (
                    count,
                    b",".join(packages[start : start + rows]),
                )
            self.send_response(200)
            self.send_header("Content-Type", "text/turtle" if at.path == "/catalog.ttl" else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_parts: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def measure(root: Path, name: str) -> dict[str, Any]:
    """One run in this process."""
    from arengo.city import open_city

    with open_city(root) as city:
        started, cpu = time.perf_counter(), time.process_time()
        (run,) = city.harvest(name)
        wall = time.perf_counter() - started
        assert run.state in ("succeeded", "unchanged"), run.error
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {
            "met": run.counts["met"],
            "changed": run.counts["added"] + run.counts["changed"],
            "wall": wall,
            "cpu": time.process_time() - cpu,
            "peak": peak,
        }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.harvesting", description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--data", type=Path, default=HERE / ".data" / "harvesting")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.records)
        return
    if given.run:
        print(json.dumps(measure(Path(given.run[0]), given.run[1])))
        return
    from arengo.city import init

    me = [sys.executable, "-m", "bench.harvesting", "--records", str(given.records)]
    print(f"{given.records:,} records; CKAN's own harvester: about 1 a second\n")
    print("| catalogue | run | records | changed | records/s | CPU s | peak MB |\n|---|---|---|---|---|---|---|")
    for kind in ("ckan", "dcat"):
        other = subprocess.Popen([*me, "--serve"], stdout=subprocess.PIPE, text=True)
        try:
            assert other.stdout is not None
            address = f"http://127.0.0.1:{other.stdout.readline().strip()}"
            root = given.data / kind
            shutil.rmtree(root, ignore_errors=True)
            init(root, name="Bench").close()
            with (root / "city.toml").open("a", encoding="utf-8") as file:
                file.write('[sources]\nallow_hosts = ["127.0.0.1"]\n')
            (root / "harvest").mkdir()
            at = f"{address}/catalog.ttl" if kind == "dcat" else address
            (root / "harvest" / "other.toml").write_text(f'kind = "{kind}"\naddress = "{at}"\n', encoding="utf-8")
            for run in ("all new", "unchanged", "1 % changed"):
                if run == "1 % changed":
                    subprocess.run(
                        [sys.executable, "-c", f"import urllib.request as u; u.urlopen('{address}/touch')"], check=True
                    )
                made = subprocess.run([*me, "--run", str(root), "other"], check=True, capture_output=True, text=True)
                found = json.loads(made.stdout.splitlines()[-1])
                print(
                    f"| {kind} | {run} | {found['met']:,} | {found['changed']:,} | "
                    f"{found['met'] / found['wall']:,.0f} | {found['cpu']:.1f} | {found['peak']:,.0f} |",
                    flush=True,
                )
        finally:
            other.kill()
            other.wait()
    shutil.rmtree(given.data, ignore_errors=True)


if __name__ == "__main__":
    main()
