"""One theme of the EU's list: its datasets, numbers and what changed."""

from __future__ import annotations

from starlette.responses import Response

from arengo.contract.vocabulary import THEMES
from arengo.errors import UnknownDataset
from arengo.portal.organisation import scoped
from arengo.portal.results import Scope
from arengo.portal.visit import Visit
from arengo.portal.vocabulary import theme_name


def single(visit: Visit) -> Response:
    """``/themes/{code}``."""
    code = visit.request.path_params["theme"].upper()
    if code not in THEMES:
        raise UnknownDataset(visit._("There is no theme “%(code)s”.", code=code[:20]))
    scope = Scope(
        theme_name(code, visit.speech),
        {"theme": (code,)},
        feed=f"/feeds/themes/{code}.atom",
        follow=f"theme:{code}",
        trail=((visit._("Datasets"), "/datasets"),),
    )
    return scoped(visit, scope, visit.site.catalogue.entries(theme=code, limit=None).items)
