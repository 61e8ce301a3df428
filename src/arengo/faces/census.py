"""The census of the city's applications for programs: the register, its figures, the reads its sources were spared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo.errors import NotAllowed
from arengo.faces.site import Site, parameters, send_json
from arengo.services.census import PRIVATE, Application, Census, Exchange, figures, keeper, spared
from arengo.services.census.saving import SPAN

if TYPE_CHECKING:
    from arengo.services.access import Access

ROOT = "/api/v1/census"


def routes(site: Site, access: Access) -> list[BaseRoute]:
    census = Census(access.state, site.settings.sources)

    def register(request: Request) -> Response:
        """Everything there is; what would help an intruder only for those who keep the census."""
        parameters(request, ())
        caller = site.caller(request)
        if not site.settings.census.public and not caller.roles:
            raise NotAllowed(
                "The census of applications is shown only to people of the city's departments.", todo="Sign in first."
            )
        held = census.register()
        published = [entry.id for entry in site.catalogue.entries(limit=None).items if entry.version]
        hidden = () if keeper(caller) else PRIVATE
        numbers = figures(held, published)
        body = {
            "applications": [_said(item, hidden) for item in held.applications.values()],
            "exchanges": [_said(item, hidden) for item in held.exchanges.values()],
            "figures": {
                "applications": numbers.applications,
                "exchanges": numbers.exchanges,
                "ways": numbers.ways,
                "still_by_hand_or_file": round(numbers.share("by-hand", "by-file"), 4),
                "times_a_year_by_hand_or_file": numbers.handed,
                "lines": numbers.lines,
                "of_published_datasets": numbers.covered,
            },
            "reads_spared": [
                {"dataset": item.dataset, "reads": item.reads, "pulls": item.pulls, "spared": item.spared}
                for item in spared(access.state, published)
            ],
            "days": SPAN,
        }
        return send_json(request, body)

    return [Route(ROOT, register, methods=["GET", "HEAD"])]


def paths() -> dict[str, Any]:
    """Its part of the API's description (OpenAPI 3.1)."""
    answers: dict[str, Any] = {
        "200": {"description": "The answer.", "content": {"application/json": {"schema": {"type": "object"}}}}
    }
    for status, name in (("400", "Bad"), ("401", "Unknown"), ("403", "Refused")):
        answers[status] = {"$ref": f"#/components/responses/{name}"}
    told = {"summary": "The city's applications and their exchanges", "operationId": "census", "parameters": []}
    return {ROOT: {"get": {**told, "responses": answers}}}


def _said(item: Application | Exchange, hidden: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__slots__ if name not in hidden}
