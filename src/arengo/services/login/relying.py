"""The city as relying party: sends people to a provider and reads who comes back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus, urlencode

from arengo.errors import ArengoError, NotFound, NotKnown, SourceError, SourceUnreachable, StepUp
from arengo.governance import halfway
from arengo.governance.caller import ASSURANCE
from arengo.governance.party import MAIL, Parties
from arengo.governance.person import Person
from arengo.governance.seal import digest, secret
from arengo.services.login.discovery import Discovery, Wire
from arengo.services.login.idtoken import Refused, check, roles_of
from arengo.services.login.provider import Provider, providers

LASTS = timedelta(minutes=10)
KIND = "oidc"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who came back from a provider. ``session``: the one that is to be made surer, '' for a new one."""

    person: Person
    assurance: int
    provider: str
    next: str
    session: str
    id_token: str


class Logins:
    """Logins with providers. Thread-safe; asks a provider only when somebody signs in with it."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties
        self._settings = parties.settings
        self._wire = Wire(parties.settings)
        self._discoveries: dict[str, Discovery] = {}
        self._guard = threading.Lock()

    @cached_property
    def providers(self) -> Mapping[str, Provider]:
        """Read once; a change of ``login/*.toml`` needs a new start, as ``city.toml`` does."""
        return providers(self._settings.root)

    def provider(self, id: str) -> Provider:
        found = self.providers.get(id)
        if found is None:
            raise NotFound("There is no such way to sign in.", todo="Choose one at /login.")
        return found

    def discovery(self, provider: Provider) -> Discovery:
        with self._guard:
            return self._discoveries.setdefault(provider.id, Discovery(provider, self._wire))

    # Away

    def begin(
        self, id: str, base: str, *, next: str = "/", session: str = "", level: int = 0, invitation: str = ""
    ) -> tuple[str, str]:
        """(address to send the browser to, secret the browser keeps until it is back).

        ``session``: id of the session that is to be confirmed or made surer, at least to ``level``.
        Raises NotFound, SourceUnreachable.
        """
        provider = self.provider(id)
        metadata = self._ask(provider)
        verifier, nonce, browser = secret(), secret(), secret()
        least = max(level, ASSURANCE.index(provider.level))
        body = {
            "provider": provider.id,
            "issuer": provider.issuer,
            "verifier": verifier,
            "nonce": nonce,
            "browser": digest(browser),
            "next": next,
            "session": session,
            "level": least,
            "invitation": invitation,
            "back": _back(base, provider),
            "at": self._parties.now().isoformat(),
        }
        state = halfway.begin(self._parties, KIND, body, LASTS)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "response_mode": "query",
            "client_id": provider.client_id,
            "redirect_uri": body["back"],
            "scope": " ".join(provider.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if least:
            asked["acr_values"] = " ".join(provider.levels(least))
        if session:
            asked |= {"prompt": "login", "max_age": "0"}
        elif provider.prompt:
            asked["prompt"] = provider.prompt
        joint = "&" if "?" in metadata.authorization else "?"
        return f"{metadata.authorization}{joint}{urlencode(asked)}", browser

    # Back

    def finish(self, id: str, given: Mapping[str, str], browser: str) -> Arrival:
        """Who came back. ``given``: the query of the address; ``browser``: the secret it kept.

        Raises NotKnown (nobody here, not believed, too late), StepUp (not as sure as asked), SourceUnreachable.
        """
        body = halfway.end(self._parties, KIND, given.get("state", ""))
        if body is None or body["provider"] != id or not hmac.compare_digest(body["browser"], digest(browser)):
            raise NotKnown("This login was not begun here, or took too long.", todo="Sign in again.")
        provider = self.provider(id)
        try:
            return self._finish(provider, body, given)
        except Refused as error:
            _log.warning("Login with %s: %s", provider.id, error.why)
            raise
        except SourceError as error:
            _log.warning("Login with %s: %s", provider.id, error)
            raise _silent(provider) from error

    def _finish(self, provider: Provider, body: Mapping[str, Any], given: Mapping[str, str]) -> Arrival:
        discovery = self.discovery(provider)
        metadata = discovery.metadata()
        issuer = given.get("iss", "")
        if issuer != provider.issuer and (issuer or metadata.names_issuer):
            raise Refused("iss of the answer is another issuer")  # RFC 9207
        if given.get("error"):
            _log.info("Login with %s: %s", provider.id, given["error"][:100])
            raise NotKnown(f"{provider.title} did not sign you in.", todo="Try again, or sign in another way.")
        token = self._exchange(provider, metadata.token, given.get("code", ""), body)
        now, began = self._parties.now(), datetime.fromisoformat(str(body["at"]))
        id_token, access_token = str(token.get("id_token", "")), str(token.get("access_token", ""))
        claims = dict(
            check(
                id_token,
                discovery,
                nonce=str(body["nonce"]),
                access_token=access_token,
                now=now,
                since=began if body["session"] else None,
            )
        )
        if provider.userinfo and metadata.userinfo:
            more = self._wire.get(metadata.userinfo, access_token)
            if more.get("sub") != claims["sub"]:
                raise Refused("userinfo is of somebody else")
            claims = {**more, **claims}
        assurance = provider.assured(str(claims.get("acr", "")))
        if assurance < body["level"]:
            raise StepUp(
                f"{provider.title} signed you in less surely than was asked.",
                todo=f"Sign in with a means of the level {ASSURANCE[body['level']]}.",
            )
        person = self._admit(provider, claims, str(body["invitation"]))
        if provider.roles or any(item.source == provider.id for item in self._parties.roles(person.id)):
            self._parties.directory_roles(person.id, provider.id, roles_of(provider, claims))
        return Arrival(person, assurance, provider.id, str(body["next"]), str(body["session"]), id_token)

    def _exchange(self, provider: Provider, url: str, code: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if not code or len(code) > 4096:
            raise Refused("no code")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": str(body["back"]),
            "code_verifier": str(body["verifier"]),
        }
        auth = None
        if provider.client_auth == "basic":  # RFC 6749, 2.3.1: both parts form-encoded first
            auth = (quote_plus(provider.client_id), quote_plus(provider.client_secret))
        else:
            form["client_id"] = provider.client_id
            if provider.client_auth == "post":
                form["client_secret"] = provider.client_secret
        status, answer = self._wire.post(url, form, auth)
        if status != 200:
            raise Refused(f"the token endpoint answers {status} {str(answer.get('error', ''))[:60]}")
        return answer

    # Who that is here

    def _admit(self, provider: Provider, claims: Mapping[str, Any], invitation: str) -> Person:
        parties, subject = self._parties, str(claims["sub"])
        stranger = NotKnown(
            f"{provider.title} knows you, but nobody has let you in here yet.",
            todo="Ask an administrator of your organisation for an invitation.",
        )
        known = parties.by_identity(provider.id, subject)
        if known is not None:
            if not known.active:
                raise stranger
            with parties.state.write() as connection:
                parties.bind(connection, known.id, provider.id, subject)
            return known
        if invitation:
            found = parties.invitations.look(invitation)
            if found.kind != "invite":
                raise stranger
            with parties.state.write() as connection:
                parties.bind(connection, found.person.id, provider.id, subject)
                parties.invitations.use(connection, found)
            return parties.person(found.person.id)
        mail = str(claims.get(provider.mail_claim) or "").strip().lower()
        held = parties.by_mail(mail) if mail else None
        if held is not None:
            if not (provider.link_by_mail and claims.get("email_verified") is True and held.state != "blocked"):
                raise stranger
            with parties.state.write() as connection:
                parties.bind(connection, held.id, provider.id, subject)
                if not held.active:
                    parties.invitations.void(connection, held.id)
                    parties.change_person(connection, held.id, state="active")
            return parties.person(held.id)
        if not provider.join:
            raise stranger
        # Many providers of citizens tell no address; one that nobody verified may be somebody else's, whom letters and
        # contracts mean by it.
        if not MAIL.fullmatch(mail) or claims.get("email_verified") is not True:
            mail = f"{digest(provider.issuer + subject)[:24]}@{provider.id}.invalid"
        name = str(claims.get(provider.name_claim) or "")[:200] or _given(claims)
        with parties.state.write() as connection:
            made = parties.put_person(connection, name, mail, provider.organisation, "active")
            parties.bind(connection, made.id, provider.id, subject)
            parties.state.bump(connection)
        body = {"act": "person joined", "person": made.id, "by": provider.id}
        parties.tell(
            "administration", actor=provider.id, organisation=provider.organisation, body=body, subjects=[made.id]
        )
        return made

    # Out

    def leave(self, id: str, id_token: str, base: str) -> str:
        """Address at which to sign out of the provider too, '' when it has none (RP-Initiated Logout 1.0)."""
        provider = self.providers.get(id)
        if provider is None or not id_token:
            return ""
        try:
            end = self.discovery(provider).metadata().end_session
        except ArengoError:
            return ""
        if not end:
            return ""
        back = f"{base.rstrip('/')}/login"
        asked = {"id_token_hint": id_token, "client_id": provider.client_id, "post_logout_redirect_uri": back}
        return f"{end}{'&' if '?' in end else '?'}{urlencode(asked)}"

    def _ask(self, provider: Provider) -> Any:
        try:
            return self.discovery(provider).metadata()
        except SourceError as error:
            _log.warning("Login with %s: %s", provider.id, error)
            raise _silent(provider) from error


def _silent(provider: Provider) -> SourceUnreachable:
    """What exactly was met stands in the log."""
    return SourceUnreachable(f"{provider.title} does not answer.", todo="Try again later, or sign in another way.")


def _back(base: str, provider: Provider) -> str:
    return f"{base.rstrip('/')}/login/return/{provider.id}"


def _given(claims: Mapping[str, Any]) -> str:
    return " ".join(str(claims[name]) for name in ("given_name", "family_name") if claims.get(name))[:200]
