"""Every address where people sign in, keep their account, and are managed."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from arengo.portal import account, login, people
from arengo.portal.site import Site

MOST = 65_536
"""Bytes of a posted form."""


def routes(site: Site) -> list[BaseRoute]:
    """Raises SettingsError for a provider's file or a setting of logins that cannot be used."""
    _ = site.logins.providers, site.sessions
    shown = {
        "/login": login.page,
        "/login/code": login.code_page,
        "/login/again": login.again_page,
        "/login/forgot": login.forgot_page,
        "/login/with/{provider}": login.away,
        "/login/return/{provider}": login.back,
        "/logout": login.out_page,
        "/invitation/{link}": login.invitation_page,
        "/account": account.page,
        "/account/password": account.password_page,
        "/account/app": account.app_page,
        "/account/keys": account.keys_page,
        "/people": people.listing,
        "/people/{organisation}": people.single,
    }
    taken = {
        "/login": login.enter,
        "/login/code": login.code,
        "/login/again": login.again,
        "/login/forgot": login.forgot,
        "/login/passkey": login.passkey,
        "/logout": login.out,
        "/invitation/{link}": login.invitation,
        "/account": account.take,
        "/account/password": account.password,
        "/account/app": account.app,
        "/account/keys": account.keys,
        "/people": people.add,
        "/people/{organisation}": people.take,
    }
    return [
        *(Route(path, site.serve(answer), methods=["GET", "HEAD"]) for path, answer in shown.items()),
        *(Route(path, site.take(answer, MOST), methods=["POST"]) for path, answer in taken.items()),
    ]
