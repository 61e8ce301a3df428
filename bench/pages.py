"""``python -m bench.pages CITY``: what the pages of a city cost the server and weigh on the wire.

The city is served as ``arengo serve`` does it, and each page is asked for again and again, one request at a time, by a
reader who keeps nothing. Printed of each: median and 99th percentile of the CPU time of the server's processes and
of the time that passed, in milliseconds, and what a first visit brings: the page with its style sheets, packed as the
server packs them; scripts beside it, since no page needs them. Typefaces and pictures are not counted. The CPU figure
is the one to compare: it does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from bench import measure, product

TABS = ("table", "charts", "map", "columns", "quality", "versions", "downloads", "api")
WARM = 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("city", type=Path, help="folder of a published city")
    parser.add_argument("--runs", type=int, default=40, help="requests a page (default 40)")
    parser.add_argument("--words", default="school", help="what the list is searched for")
    parser.add_argument("--logs", type=Path, default=Path(__file__).resolve().parent / ".data" / "logs")
    options = parser.parse_args()
    port = measure.free_port()
    command = [*product.command(), "serve", "--city", str(options.city.resolve()), "--port", str(port)]
    env = product.environment(ARENGO_SERVE_SCHEDULE="false")
    server = measure.start("arengo-pages", "arengo", command, port, "/healthz", folder=options.logs, env=env)
    try:
        reader = Reader(server.base)
        names = reader.datasets()
        print(f"{len(names)} datasets of the city; start {server.facts['start_s']} s\n")
        print("| page | n | CPU p50 | CPU p99 | passed p50 | passed p99 | page kB | with styles kB | scripts kB |")
        print("|---|---|---|---|---|---|---|---|---|")
        for name, paths in pages(reader, names, options.words).items():
            print(line(name, reader, server, paths, options.runs), flush=True)
    finally:
        server.stop()


def pages(reader: Reader, names: Sequence[str], words: str) -> dict[str, list[str]]:
    """Kind of page -> addresses."""
    theme = reader.first(r'href="(/themes/[^"?]+)"', "/")
    office = reader.first(r'href="(/organisations/[^"?]+)"', "/organisations")
    q = quote(words)
    found = {
        "home": ["/"],
        "list": ["/datasets"],
        "list, searched": [f"/datasets?q={q}"],
        "list, narrowed and searched": [f"/datasets?q={q}&access=open"],
        "list, deep": ["/datasets?page=2500"],
        "list, nothing found": ["/datasets?q=xyzzyx"],
        "theme": theme,
        "offices": ["/organisations"],
        "office": office,
        "guided path, first question": ["/guide"],
        "guided path, theme": ["/guide?q=any"],
        "guided path, wish": [f"/guide?q={q}&about=any"],
        "guided path, how new": ["/guide?q=any&about=any&want=any"],
        "guided path, the end": [f"/guide?q={q}&about=any&want=any&fresh=any"],
        "dataset": [f"/datasets/{name}" for name in names],
    }
    for tab in TABS:
        there = [f"/datasets/{name}/{tab}" for name in names]
        found[f"dataset, {tab}"] = [path for path in there if reader.get(path)[0] == 200]
    return {name: paths for name, paths in found.items() if paths}


def line(name: str, reader: Reader, server: measure.Server, paths: Sequence[str], runs: int) -> str:
    """Of several addresses the median of each is taken, then the median and the highest of those."""
    each = max(5, runs // len(paths))
    costs = [[asked(reader, server, path) for _n in range(each + WARM)][WARM:] for path in paths]
    cells = []
    for side in (0, 1):
        medians = [statistics.median(item[side] for item in cost) for cost in costs]
        every = sorted(item[side] for cost in costs for item in cost)
        cells += [f"{statistics.median(medians):.1f}", f"{every[int((len(every) - 1) * 0.99)]:.1f}"]
    weights = [reader.weight(path) for path in paths]
    heaviest = max(weights, key=lambda item: item[0] + item[1])
    sizes = [f"{heaviest[0]:.1f}", f"{heaviest[0] + heaviest[1]:.1f}", f"{heaviest[2]:.1f}"]
    about = f"{name} ({len(paths)})" if len(paths) > 1 else name
    return f"| {about} | {each * len(paths)} | {' | '.join([*cells, *sizes])} |"


def asked(reader: Reader, server: measure.Server, path: str) -> tuple[float, float]:
    """(CPU, passed) in milliseconds."""
    before, began = running(server), time.perf_counter()
    status, _body, _head = reader.get(path)
    passed = time.perf_counter() - began
    assert status == 200, (path, status)
    return (running(server) - before) / 1e6, passed * 1e3


def running(server: measure.Server) -> int:
    """Nanoseconds that the server's threads ran (/proc/*/task/*/schedstat, finer than the clock ticks of stat)."""
    total = 0
    for process in measure.group(server.process.pid):
        for task in Path(f"/proc/{process}/task").glob("*"):
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
    return total


class Reader:
    """A browser without a memory: one connection, packed answers, no cookies."""

    def __init__(self, base: str) -> None:
        self.connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=120)
        self.held: dict[str, int] = {}

    def get(self, path: str, packed: bool = True) -> tuple[int, bytes, dict[str, str]]:
        packing = "br, zstd, gzip" if packed else "identity"
        self.connection.request("GET", path, headers={"Accept": "text/html,*/*", "Accept-Encoding": packing})
        answer = self.connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}

    def text(self, path: str) -> str:
        return self.get(path, packed=False)[1].decode()

    def first(self, pattern: str, path: str) -> list[str]:
        return re.findall(pattern, self.text(path))[:1]

    def datasets(self) -> list[str]:
        """Ids of the published open datasets of the city's own."""
        items = json.loads(self.get("/api/v1/datasets?limit=100", packed=False)[1])["items"]
        return [item["id"] for item in items if self.get(f"/datasets/{item['id']}/table")[0] == 200]

    def weight(self, path: str) -> tuple[float, float, float]:
        """kB (1,000 bytes) of the page, of its style sheets and of its scripts, as they come over the wire."""
        text = self.text(path)
        styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', text)
        scripts = re.findall(r'<script[^>]* src="([^"]+)"', text)
        return len(self.get(path)[1]) / 1e3, sum(map(self._size, styles)), sum(map(self._size, scripts))

    def _size(self, href: str) -> float:
        path = href.replace("&amp;", "&")
        if path not in self.held:
            self.held[path] = len(self.get(path)[1])
        return self.held[path] / 1e3


if __name__ == "__main__":
    main()
