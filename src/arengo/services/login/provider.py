"""Providers of identities a city trusts: one TOML file each in the folder ``login/`` of the city."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from arengo.errors import Place, SettingsError
from arengo.governance.caller import ASSURANCE, CITY_WIDE, ROLES

ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "EdDSA", "Ed25519")
"""Signatures that are believed. Never ``none`` or HMAC: the public key of a provider is no secret (RFC 8725, 3.1)."""
ACR: Mapping[str, str] = {
    "https://www.spid.gov.it/SpidL1": "low",
    "https://www.spid.gov.it/SpidL2": "substantial",
    "https://www.spid.gov.it/SpidL3": "high",
    "http://eidas.europa.eu/LoA/low": "low",
    "http://eidas.europa.eu/LoA/substantial": "substantial",
    "http://eidas.europa.eu/LoA/high": "high",
    "http://eidas.europa.eu/LoA/NotNotified/low": "low",
    "http://eidas.europa.eu/LoA/NotNotified/substantial": "substantial",
    "http://eidas.europa.eu/LoA/NotNotified/high": "high",
}
"""Authentication contexts everybody writes alike. SPID and CIE: AgID, technical rules, 'acr'; eIDAS: message format."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Rule:
    """People whose ``claim`` is or holds ``value`` have ``role`` in ``organisation`` (``*``: in the whole city)."""

    claim: str
    value: str
    organisation: str
    role: str


@dataclass(frozen=True, slots=True)
class Provider:
    """``issuer``: as its discovery document says, letter by letter. ``acr``: what it calls its levels -> ours.

    ``client_auth``: basic, post or none (a public client; PKCE always goes along). ``join``: whether strangers it knows
    become people here, acting for ``organisation``. ``link_by_mail``: whether an address it has verified leads to the
    person here who has it; only for a provider run by the city. ``level``: the level asked of every login.
    ``assurance``: the level of a login whose acr is not listed. ``skew``: seconds by which its clock may differ.
    """

    id: str
    issuer: str
    client_id: str
    title: str = ""
    client_secret: str = field(default="", repr=False)
    client_auth: str = "basic"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    algorithms: tuple[str, ...] = ALGORITHMS
    acr: Mapping[str, str] = field(default_factory=lambda: ACR, hash=False)
    assurance: str = "low"
    level: str = ""
    name_claim: str = "name"
    mail_claim: str = "email"
    userinfo: bool = False
    join: bool = False
    organisation: str = "city"
    link_by_mail: bool = False
    skew: int = 60
    prompt: str = ""
    roles: tuple[Rule, ...] = ()

    def levels(self, least: int) -> tuple[str, ...]:
        """The acr values that are at least that place in ASSURANCE, the lowest first."""
        fit = [(ASSURANCE.index(level), value) for value, level in self.acr.items() if ASSURANCE.index(level) >= least]
        return tuple(value for _, value in sorted(fit, key=lambda pair: pair[0]))

    def assured(self, acr: str) -> int:
        """The place in ASSURANCE of a login with that acr."""
        return ASSURANCE.index(self.acr.get(acr, self.assurance))


def providers(root: Path, environ: Mapping[str, str] | None = None) -> dict[str, Provider]:
    """The providers of a city folder by id (the file's name). Raises SettingsError with file and what is wrong."""
    env = os.environ if environ is None else environ
    return {path.stem: _read(path, root, env) for path in sorted((root / "login").glob("*.toml"))}


_TEXTS = {item.name for item in fields(Provider) if item.type == "str"} - {"id", "client_secret"}
_FLAGS = {item.name for item in fields(Provider) if item.type == "bool"}
_LISTS = {"scopes", "algorithms"}
_KNOWN = (*sorted(_TEXTS | _FLAGS | _LISTS), "acr", "client_secret_env", "client_secret_file", "roles", "skew")


def _read(path: Path, root: Path, env: Mapping[str, str]) -> Provider:
    place = Place(file=f"login/{path.name}")

    def wrong(met: str, todo: str = "") -> SettingsError:
        return SettingsError(met, todo=todo, place=place)

    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", path.stem):
        raise wrong("The file's name is the provider's id.", "Use a-z, 0-9 and hyphens.")
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise wrong(f"This is not TOML: {error}.") from error
    values: dict[str, Any] = {"id": path.stem}
    for name, value in raw.items():
        kind = str if name in _TEXTS else bool if name in _FLAGS else list if name in _LISTS else None
        if name not in _KNOWN:
            raise wrong(f"There is no setting {name}.", f"Known here: {', '.join(_KNOWN)}.")
        if kind is not None and not isinstance(value, kind):
            raise wrong(f"{name} is {value!r}, but a {kind.__name__} is wanted.")
        if kind is not None:
            values[name] = tuple(str(item) for item in value) if kind is list else value
    for name in ("issuer", "client_id"):
        if not values.get(name):
            raise wrong(f"{name} is missing.")
    parts = urlsplit(values["issuer"])
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise wrong("issuer must begin with https://.", "Only a provider on this machine may be spoken to without.")
    if parts.query or parts.fragment or parts.username:
        raise wrong("issuer holds a query, fragment or user.")  # Discovery 1.0, section 3
    unknown = set(values.get("algorithms", ())) - set(ALGORITHMS)
    if unknown:
        raise wrong(f"algorithms holds {', '.join(sorted(unknown))}.", f"Believed are {', '.join(ALGORITHMS)}.")
    if "openid" not in values.get("scopes", ("openid",)):
        raise wrong("scopes does not hold openid.")
    if values.get("client_auth", "basic") not in ("basic", "post", "none"):
        raise wrong("client_auth must be basic, post or none.")
    skew = raw.get("skew", 60)
    if not isinstance(skew, int) or not 0 <= skew <= 300:
        raise wrong("skew is a number of seconds from 0 to 300.")
    acr = {**ACR, **{str(name): str(level) for name, level in _table(raw.get("acr", {}), wrong).items()}}
    for level in (*acr.values(), values.get("assurance", "low"), values.get("level") or "low"):
        if level not in ASSURANCE[1:]:
            raise wrong(f"{level!r} is no level of assurance.", f"Write one of {', '.join(ASSURANCE[1:])}.")
    values |= {"acr": acr, "skew": skew, "roles": _rules(raw.get("roles", []), wrong)}
    values["client_secret"] = _secret(raw, root, env, wrong)
    if values.get("client_auth", "basic") != "none" and not values["client_secret"]:
        raise wrong(
            "The client's secret is missing.", 'Name client_secret_env or client_secret_file, or client_auth = "none".'
        )
    values.setdefault("title", path.stem)
    return Provider(**values)


def _table(value: Any, wrong: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise wrong('acr is a table: "value the provider sends" = "low", "substantial" or "high".')
    return value


def _rules(given: Any, wrong: Any) -> tuple[Rule, ...]:
    out = []
    for item in given if isinstance(given, list) else [given]:
        if not isinstance(item, dict) or set(item) != {"claim", "value", "organisation", "role"}:
            raise wrong("Each [[roles]] has claim, value, organisation and role.")
        rule = Rule(*(str(item[name]) for name in ("claim", "value", "organisation", "role")))
        if rule.role not in ROLES:
            raise wrong(f"There is no role {rule.role!r}.", f"Roles are {', '.join(ROLES)}.")
        if rule.organisation != CITY_WIDE and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.organisation):
            raise wrong(f"{rule.organisation!r} is no id of an organisation.", "See 'arengo party organisations'.")
        out.append(rule)
    return tuple(out)


def _secret(raw: Mapping[str, Any], root: Path, env: Mapping[str, str], wrong: Any) -> str:
    if "client_secret_env" in raw:
        name = str(raw["client_secret_env"])
        if not env.get(name):
            raise wrong(f"The environment variable {name} is not set.")
        return env[name]
    if "client_secret_file" in raw:
        try:
            return (root / str(raw["client_secret_file"])).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise wrong(f"{raw['client_secret_file']} cannot be read: {error.strerror}.") from error
    return ""
