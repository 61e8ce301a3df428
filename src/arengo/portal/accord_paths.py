"""Every address of asking for access and of deciding about it."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from arengo.portal import access, agreements, asking, deciding, granting, readers
from arengo.portal.site import Site

MOST = 262_144
"""Bytes of a posted form: a request of hundreds of columns with its risk answers."""


def routes(site: Site) -> list[BaseRoute]:
    dataset, agreement = "/datasets/{dataset}", "/agreements/{agreement}"
    shown = {
        f"{dataset}/access": access.page,
        f"{dataset}/access/ask": asking.form,
        f"{dataset}/readers": readers.page,
        "/agreements": agreements.listing,
        agreement: agreements.single,
        f"{agreement}/edit": asking.edit,
        f"{agreement}/change": asking.change,
        f"{agreement}/renew": asking.renew,
        f"{agreement}/upgrade": asking.renew,
        "/desk/access": granting.page,
        "/desk/access/deputies": granting.deputies,
        "/desk/access/{agreement}": deciding.page,
    }
    taken = {
        f"{dataset}/access/ask": asking.take,
        agreement: agreements.act,
        f"{agreement}/edit": asking.keep,
        f"{agreement}/change": asking.keep_change,
        f"{agreement}/renew": asking.take_renewal,
        f"{agreement}/upgrade": asking.take_renewal,
        "/desk/access": granting.decide,
        "/desk/access/deputies": granting.depute,
        "/desk/access/{agreement}": deciding.take,
    }
    return [
        *(Route(path, site.serve(answer), methods=["GET", "HEAD"]) for path, answer in shown.items()),
        *(Route(path, site.take(answer, MOST), methods=["POST"]) for path, answer in taken.items()),
    ]
