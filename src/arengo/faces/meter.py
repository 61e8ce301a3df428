"""Counters of this process for ``/metrics`` (Prometheus text format 0.0.4)."""

from __future__ import annotations

import threading
from collections import Counter

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_KNOWN = frozenset(
    ("rows", "facets", "changes", "history", "versions", "profile", "quality", "contract", "datasets", "openapi.json")
)


class Meter:
    """Requests by face, method and status, and how long they took until the answer began."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.buckets: Counter[tuple[str, int]] = Counter()
        self.seconds: Counter[str] = Counter()
        self.count: Counter[str] = Counter()
        self.quick = 0
        self.open = 0

    def add(self, path: str, method: str, status: int, seconds: float) -> None:
        face = face_of(path)
        at = next((i for i, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
        with self._guard:
            self.requests[face, method, status] += 1
            self.buckets[face, at] += 1
            self.seconds[face] += seconds  # type: ignore[assignment]
            self.count[face] += 1

    def lines(self) -> list[str]:
        with self._guard:
            out = ["# TYPE arengo_requests_total counter"]
            for (face, method, status), n in sorted(self.requests.items()):
                out.append(f'arengo_requests_total{{face="{face}",method="{method}",status="{status}"}} {n}')
            out.append("# TYPE arengo_request_seconds histogram")
            for face, total in sorted(self.count.items()):
                running = 0
                for i, bound in enumerate(BOUNDS):
                    running += self.buckets[face, i]
                    out.append(f'arengo_request_seconds_bucket{{face="{face}",le="{bound:g}"}} {running}')
                out.append(f'arengo_request_seconds_bucket{{face="{face}",le="+Inf"}} {total}')
                out.append(f'arengo_request_seconds_sum{{face="{face}"}} {self.seconds[face]:.6f}')
                out.append(f'arengo_request_seconds_count{{face="{face}"}} {total}')
            out += [
                "# TYPE arengo_quick_not_modified_total counter",
                f"arengo_quick_not_modified_total {self.quick}",
                "# TYPE arengo_requests_in_progress gauge",
                f"arengo_requests_in_progress {self.open}",
            ]
        return out


def face_of(path: str) -> str:
    """A label with few values, whatever addresses callers invent."""
    if path.startswith("/api/v1"):
        last = path.rstrip("/").rpartition("/")[2]
        return "export" if last.startswith("export.") else last if last in _KNOWN else "metadata"
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in ("ogc", "catalog", "healthz", "metrics", "static") else "pages"


METER = Meter()
"""One a process, as Prometheus counts."""
