"""Every address where people take part, and where the city answers them."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from arengo.portal import amendment, desk, discussion, follow, reuse, usage, webhook, wish
from arengo.portal.site import Site

MOST = 65_536
"""Bytes of a posted form."""


def routes(site: Site) -> list[BaseRoute]:
    at = "/datasets/{dataset}"
    shown = {
        f"{at}/amend": amendment.form,
        f"{at}/requests": amendment.listing,
        f"{at}/requests/{{number}}": amendment.single,
        f"{at}/discussion": discussion.page,
        f"{at}/usage": usage.of_dataset,
        f"{at}/usage.csv": usage.csv_of_dataset,
        "/usage": usage.of_city,
        "/usage.csv": usage.csv_of_city,
        "/track/{kind}/{number}/{secret}": amendment.track,
        "/confirm/{kind}/{number}/{secret}": amendment.confirm_page,
        "/comments/{number}/report": discussion.report_page,
        "/reuses": reuse.listing,
        "/reuses.atom": reuse.atom,
        "/reuses/new": reuse.form,
        "/reuses/{number}": reuse.single,
        "/wishes": wish.listing,
        "/wishes.atom": wish.atom,
        "/wishes/new": wish.form,
        "/wishes/{number}": wish.single,
        "/follow": follow.page,
        "/follow/{number}/{secret}": follow.manage,
        "/unsubscribe/{number}/{secret}": follow.unsubscribe_page,
        "/desk": desk.page,
        "/desk/webhooks": webhook.page,
        "/desk/{kind}/{number}": desk.single,
    }
    taken = {
        f"{at}/amend": amendment.take,
        f"{at}/discussion": discussion.say,
        "/track/{kind}/{number}/{secret}": amendment.tracked,
        "/confirm/{kind}/{number}/{secret}": amendment.confirm,
        "/comments/{number}/report": discussion.report,
        "/reuses/new": reuse.take,
        "/wishes/new": wish.take,
        "/wishes/{number}/support": wish.support,
        "/follow": follow.begin,
        "/follow/{number}/{secret}": follow.change,
        "/unsubscribe/{number}/{secret}": follow.unsubscribe,
        "/desk": desk.decide,
        "/desk/webhooks": webhook.take,
        "/desk/{kind}/{number}": desk.move,
    }
    return [
        *(Route(path, site.serve(answer), methods=["GET", "HEAD"]) for path, answer in shown.items()),
        *(Route(path, site.take(answer, MOST), methods=["POST"]) for path, answer in taken.items()),
    ]
