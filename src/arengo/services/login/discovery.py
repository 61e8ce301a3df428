"""What a provider says of itself, and its keys: through the guard, kept for an hour, followed when they turn."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from arengo.errors import SourceError, SourceMalformed, SourceUnreachable
from arengo.services.login.provider import Provider
from arengo.settings import Settings
from arengo.sources.guard import Guard, shown, unreachable

MOST = 1_000_000
"""Bytes of one answer of a provider."""
KEPT = 3600.0
TURN = 60.0
"""Seconds between two looks for a new key, so that tokens with made-up key names cannot make us ask all the time."""
TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of the discovery document that is used (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization: str
    token: str
    jwks: str
    userinfo: str = ""
    end_session: str = ""
    names_issuer: bool = False


class Wire:
    """Asks providers. ``login.allow_hosts`` opens the city's own network for them, and for nothing else."""

    def __init__(self, settings: Settings) -> None:
        hosts, timeout = settings.login.allow_hosts, min(TIMEOUT, settings.sources.timeout)
        self._guard = Guard(replace(settings.sources, allow_hosts=hosts, timeout=timeout))

    def get(self, url: str, bearer: str = "") -> dict[str, Any]:
        """A JSON object. Raises SourceError. No redirect is followed: it could lead a secret elsewhere."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        status, body = self._ask("GET", url, headers, None)
        if status != 200:
            raise SourceUnreachable(f"{shown(url)} answers {status}.")
        return body

    def post(
        self, url: str, form: Mapping[str, str], auth: tuple[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """(status, JSON object) of a posted form. ``auth``: HTTP basic. Raises SourceError."""
        import base64

        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if auth:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        return self._ask("POST", url, headers, urlencode(form).encode())

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> tuple[int, dict[str, Any]]:
        import httpx

        with self._guard.client() as client:
            sent = {**headers, "Accept": "application/json"}
            try:
                request = client.build_request(method, url, headers=sent, content=content)
                self._guard.check_url(request.url)
                response = client.send(request, stream=True)
            except (httpx.InvalidURL, ValueError, TypeError) as error:
                if isinstance(error, SourceError):
                    raise
                raise SourceMalformed(f"{shown(url)} is no address.") from None
            except httpx.TransportError as error:
                raise unreachable(httpx.URL(url), error) from error
            try:
                body = b"".join(self._guard.body(response, MOST))
            finally:
                response.close()
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            if response.status_code == 200:
                raise SourceMalformed(f"{shown(url)} does not answer with a JSON object.")
            found = {}
        return response.status_code, found


class Discovery:
    """Metadata and keys of one provider. Thread-safe."""

    def __init__(self, provider: Provider, wire: Wire, clock: Callable[[], float] = time.monotonic) -> None:
        self.provider = provider
        self._wire = wire
        self._clock = clock
        self._guard = threading.Lock()
        self._metadata: tuple[float, Metadata | None] = (0.0, None)
        self._keys: tuple[float, tuple[Any, ...]] = (0.0, ())

    def metadata(self) -> Metadata:
        """Raises SourceError: it does not answer, or says that it is somebody else."""
        with self._guard:
            at, held = self._metadata
            if held is None or self._clock() - at > KEPT:
                held = self._read()
                self._metadata = (self._clock(), held)
            return held

    def _read(self) -> Metadata:
        issuer = self.provider.issuer
        raw = self._wire.get(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if raw.get("issuer") != issuer:
            raise SourceMalformed(
                f"{shown(issuer)} says that its issuer is {str(raw.get('issuer'))[:200]!r}.",
                todo="Write the issuer in login/*.toml letter by letter as the provider does.",
            )
        secure = urlsplit(issuer).scheme == "https"

        def endpoint(name: str, needed: bool = True) -> str:
            url = raw.get(name)
            if not url and not needed:
                return ""
            if not isinstance(url, str) or urlsplit(url).scheme not in (("https",) if secure else ("http", "https")):
                raise SourceMalformed(f"{shown(issuer)} names no usable {name}.")
            return url

        return Metadata(
            issuer,
            endpoint("authorization_endpoint"),
            endpoint("token_endpoint"),
            endpoint("jwks_uri"),
            endpoint("userinfo_endpoint", False),
            endpoint("end_session_endpoint", False),
            raw.get("authorization_response_iss_parameter_supported") is True,
        )

    def keys(self, kid: str = "") -> tuple[Any, ...]:
        """The provider's public keys for signatures; only that one when ``kid`` names it. Raises SourceError."""
        url = self.metadata().jwks
        with self._guard:
            at, held = self._keys
            age = self._clock() - at
            known = not kid or any(key.kid == kid for key in held)
            if not held or age > KEPT or (not known and age > TURN):
                held = _keys(self._wire.get(url))
                self._keys = (self._clock(), held)
        return tuple(key for key in held if not kid or key.kid == kid)


def _keys(raw: Mapping[str, Any]) -> tuple[Any, ...]:
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    out = []
    given = raw.get("keys")
    for item in given[:64] if isinstance(given, list) else []:
        # A symmetric key in a public document would let anyone sign; keys for encryption sign nothing.
        if not isinstance(item, dict) or item.get("kty") not in ("RSA", "EC", "OKP") or item.get("use", "sig") != "sig":
            continue
        public = {name: value for name, value in item.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth")}
        try:
            out.append(JWKRegistry.import_key(public))
        except (JoseError, ValueError, TypeError, KeyError):  # of a kind we do not know: others may serve
            continue
    return tuple(out)
