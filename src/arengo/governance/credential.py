"""What a program shows with a request, and who it is: keys, tokens and proofs become a :class:`Caller`."""

from __future__ import annotations

import hmac
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from arengo.errors import BadQuery, NotKnown
from arengo.governance import apikey
from arengo.governance.application import Application
from arengo.governance.caller import Caller
from arengo.governance.token import spent

if TYPE_CHECKING:
    from arengo.governance.application import Applications
    from arengo.governance.token import Claims, Tokens
    from arengo.settings import Settings
    from arengo.state import State

Headers = Iterable[tuple[bytes, bytes]]
"""As ASGI gives them: names in small letters, a repeated header repeated."""
HELD = 10_000
"""Credentials kept in memory, by digest."""
LONGEST = 8192
_KEYS = (b"x-api-key", b"x-ckan-api-key")
_WATCHED = frozenset((b"authorization", b"dpop", b"arengo-purpose", *_KEYS))
_PURPOSE = re.compile(r"[!-~]{1,200}")


class Credentials:
    """Thread-safe; one a process. A credential that was checked is kept until it ends or anything changes who may read.

    Wrong, ended, revoked and blocked are all answered by the same sentence.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        applications: Applications,
        tokens: Tokens,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._issuer = settings.city.url.rstrip("/")
        self._state = state
        self._applications = applications
        self._tokens = tokens
        self._now = now
        self._held: dict[bytes, tuple[Caller, float, str] | None] = {}
        self._generation = -1
        self._used: dict[str, date] = {}
        self._guard = threading.Lock()

    def caller(self, headers: Headers, method: str, url: str) -> Caller | None:
        """Who shows a credential, None when none is shown. ``url``: the request's public address, for DPoP.

        ``Authorization: Bearer KEY|TOKEN``, ``DPoP TOKEN`` with a ``DPoP`` proof, a bare key as CKAN's clients send
        it, ``X-API-Key`` and ``X-CKAN-API-Key``. ``Arengo-Purpose`` names the purpose.
        Raises NotKnown for a credential that opens nothing, BadQuery for two of them or a repeated header.
        """
        shown = _shown(headers)
        if not shown:
            return None
        kind, text = _credential(shown)
        purpose = _purpose(shown)
        if not text:
            return None
        caller, bound = self._checked(text, url)
        if bound or kind == "dpop":
            proof = shown.get(b"dpop", "")
            if kind != "dpop" or not bound or not proof:
                raise NotKnown(
                    "This token is bound to a key and comes with a proof (RFC 9449), or it is not and comes without.",
                    todo="Send 'Authorization: DPoP TOKEN' and a DPoP header for a bound token.",
                )
            if not hmac.compare_digest(self._tokens.prove(proof, method, url, text), bound):
                raise spent()
        if purpose and purpose != caller.purpose:
            if caller.purpose:
                raise BadQuery(
                    "The token is for another purpose than Arengo-Purpose says.", todo="Leave the header out."
                )
            return replace(caller, purpose=purpose)
        return caller

    def issuer(self, url: str) -> str:
        """The name under which the city signs: its public address, or the server that was asked."""
        if self._issuer:
            return self._issuer
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}"

    def used(self) -> dict[str, date]:
        """The last day of each credential shown since the last call; for :meth:`Applications.touch`."""
        with self._guard:
            out, self._used = self._used, {}
        return out

    def _checked(self, text: str, url: str) -> tuple[Caller, str]:
        generation = self._state.generation()
        if generation != self._generation:
            with self._guard:
                self._held, self._generation = {}, generation
        mark = blake2b(text.encode(), digest_size=24).digest()
        now = self._now()
        held = self._held
        found = held.get(mark, ())
        if found == ():
            found = self._find(text, url)
            if len(held) >= HELD:
                held.clear()
            held[mark] = found
        if not found or found[1] <= now.timestamp():
            raise spent()
        caller = found[0]
        self._used[caller.credential] = now.date()
        return caller, found[2]

    def _find(self, text: str, url: str) -> tuple[Caller, float, str] | None:
        """(caller, end, thumbprint it is bound to) of a credential; None for one that opens nothing."""
        key = apikey.read(text)
        if key:
            item = self._applications.key(key)
            if item is None or not hmac.compare_digest(item.digest, apikey.digest(text)) or item.revoked_at:
                return None
            owner = self._active(item.application)
            return None if owner is None else (_caller(owner, item.agreement, "", key), item.expires_at.timestamp(), "")
        try:
            claims: Claims = self._tokens.read(text, self.issuer(url))
        except NotKnown:
            return None
        owner = self._active(claims.application)
        if owner is None:
            return None
        return _caller(owner, claims.agreement, claims.purpose, claims.jti), claims.expires, claims.jkt

    def _active(self, application: str) -> Application | None:
        found = self._applications.find(application)
        return found if found is not None and found.active else None


def purpose_of(headers: Headers) -> str:
    """What ``Arengo-Purpose`` says, '' for nothing; for callers known by another way. Raises BadQuery."""
    return _purpose(_shown(headers))


def _shown(headers: Headers) -> dict[bytes, str]:
    out: dict[bytes, str] = {}
    for name, value in headers:
        if name in _WATCHED:
            if name in out:
                raise BadQuery(f"The header {name.decode()} is sent twice.", todo="Send it once.")
            if len(value) > LONGEST:
                raise spent()
            out[name] = value.decode("latin-1").strip()
    return out


def _credential(shown: dict[bytes, str]) -> tuple[str, str]:
    """(bearer | dpop | key, text); ('', '') for none."""
    given = [(name, shown[name]) for name in (b"authorization", *_KEYS) if shown.get(name)]
    if len(given) > 1:
        raise BadQuery("Two credentials are sent with one request.", todo="Send one of them.")
    if not given:
        return "", ""
    name, text = given[0]
    if name != b"authorization":
        return "key", text
    scheme, _, rest = text.partition(" ")
    rest = rest.strip()
    if not rest:
        return "key", scheme  # bare, as CKAN's clients send it
    kind = scheme.lower()
    if kind not in ("bearer", "dpop") or " " in rest or "," in rest:
        raise NotKnown(
            "The way of signing in that Authorization names is not taken here.",
            todo="Send 'Authorization: Bearer' with a key or token.",
        )
    return kind, rest


def _purpose(shown: dict[bytes, str]) -> str:
    text = shown.get(b"arengo-purpose", "")
    if text and not _PURPOSE.fullmatch(text):
        raise BadQuery("Arengo-Purpose is not the id of a purpose.", todo="The purposes are in the agreement.")
    return text


def _caller(owner: Application, agreement: str, purpose: str, credential: str) -> Caller:
    return Caller(
        party=owner.id,
        organisation=owner.organisation,
        application=owner.id,
        purpose=purpose,
        agreement=agreement,
        credential=credential,
    )
