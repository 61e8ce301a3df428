"""``/healthz`` for whoever watches the server, ``/metrics`` for Prometheus."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo import __version__
from arengo.errors import ArengoError
from arengo.faces.meter import METER
from arengo.faces.problem import problem
from arengo.faces.site import Site, parameters, send_json

if TYPE_CHECKING:
    from arengo.services.access import Access

METRICS = "text/plain; version=0.0.4; charset=utf-8"


def routes(site: Site, access: Access | None = None) -> list[BaseRoute]:
    def broken() -> str:
        """What is wrong with the record, '' when nothing is known."""
        try:
            if access is not None:
                access.ledger.check()
        except Exception as error:
            return error.met if isinstance(error, ArengoError) else type(error).__name__
        return ""

    async def healthz(request: Request) -> Response:
        """200 when the state answers and the catalogue can be read, else 503. ``status`` is ``degraded`` while the
        record takes nothing: what is open is still answered then, what is not is refused.
        """
        parameters(request, ())
        try:
            generation = site.catalogue.generation
            datasets = site.catalogue.entries(limit=1).total
        except Exception as error:
            return problem(503, "Not healthy", f"The catalogue cannot be read ({type(error).__name__}).", "not-healthy")
        wrong = await run_in_threadpool(broken)
        found: dict[str, object] = {"status": "degraded", "record": wrong} if wrong else {"status": "ok"}
        found |= {"version": __version__, "datasets": datasets, "generation": generation}
        answer = send_json(request, found)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def metrics(request: Request) -> Response:
        """The counters of this worker."""
        parameters(request, ())
        cache = site.door.cache
        lines = [
            *METER.lines(),
            "# TYPE arengo_cache_hits_total counter",
            f"arengo_cache_hits_total {cache.counters.hits}",
            "# TYPE arengo_cache_misses_total counter",
            f"arengo_cache_misses_total {cache.counters.misses}",
            "# TYPE arengo_cache_evicted_total counter",
            f"arengo_cache_evicted_total {cache.counters.evicted}",
            "# TYPE arengo_cache_bytes gauge",
            f"arengo_cache_bytes {cache.bytes}",
            "# TYPE arengo_record_broken gauge",
            f"arengo_record_broken {int(bool(broken()))}",
            "# TYPE arengo_datasets gauge",
            f"arengo_datasets {site.catalogue.entries(limit=1).total}",
            "# TYPE arengo_generation counter",
            f"arengo_generation {site.catalogue.generation}",
            "# TYPE arengo_info gauge",
            f'arengo_info{{version="{__version__}",pid="{os.getpid()}"}} 1',
        ]
        return Response("\n".join(lines) + "\n", 200, {"Cache-Control": "no-store"}, METRICS)

    return [Route("/healthz", healthz, methods=["GET", "HEAD"]), Route("/metrics", metrics, methods=["GET", "HEAD"])]
