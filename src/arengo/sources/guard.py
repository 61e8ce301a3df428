"""The one guard of every outgoing request: a source's address cannot be used to look inside the city's network.

The guard resolves a name itself, refuses every address that is not public unless ``sources.allow_hosts`` names it,
and connects to exactly the address it vetted, so a name that resolves differently a moment later (DNS rebinding)
gains nothing. TLS names and the Host header stay those of the URL. Every redirect passes the guard again.
Threats and rules: OWASP Server Side Request Forgery Prevention; address blocks: IANA special-purpose registries.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from arengo.errors import SourceForbidden, SourceMissing, SourceTooLarge, SourceUnreachable
from arengo.settings import SourceSettings

if TYPE_CHECKING:
    import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MAX_REDIRECTS = 5
SLOWEST = 1_000
"""Bytes a server must send within each span of ``sources.timeout``; a slower one is given up."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_TODO = "If this host is the city's own, name it (or its network) in sources.allow_hosts of city.toml."


def inner_address(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries inside (mapped, 6to4, Teredo, NAT64), or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address.sixtofour:
            return address.sixtofour
        if address.teredo:
            return address.teredo[1]
        if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):  # the latter: IPv4-compatible
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


_PROTOCOL = ipaddress.IPv4Network("192.0.0.0/24")
"""IETF protocol assignments (RFC 6890); Python calls some of them global."""


def public(address: Address) -> bool:
    """Whether an address belongs to the public Internet."""
    inner = inner_address(address)
    if isinstance(inner, ipaddress.IPv6Address) and inner.is_site_local:  # RFC 3879: still used inside
        return False
    if isinstance(inner, ipaddress.IPv4Address) and inner in _PROTOCOL:
        return False
    return inner.is_global and not (inner.is_multicast or inner.is_reserved or inner.is_unspecified)


class Guard:
    """Decides where Arengo may connect, and connects there."""

    def __init__(self, settings: SourceSettings) -> None:
        self.settings = settings
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in settings.allow_hosts:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                self._names.add(entry.lower().rstrip("."))

    def address(self, host: str, port: int) -> str:
        """The vetted address of ``host``: an IP address as text, or the folder of a local socket.

        Raises SourceForbidden, SourceUnreachable (the name does not resolve).
        """
        if host.startswith(("/", "@")):
            if "localhost" in self._names or host in self._names:
                return host
            raise SourceForbidden(
                f"{host!r} is a socket of this machine.", todo="Add 'localhost' to sources.allow_hosts."
            )
        name = host.lower().strip("[]").rstrip(".")
        if not name or "%" in name or any(ord(mark) <= 32 for mark in name):
            raise SourceForbidden(f"{host!r} is not the name of a host.")
        found = self._resolve(name, port)
        for address in found:
            if not (public(address) or name in self._names or self._listed(address)):
                shown = str(address) if str(address) == name else f"{name} ({address})"
                raise SourceForbidden(f"{shown} is not a public address.", todo=_TODO)
        return str(found[0])

    def _listed(self, address: Address) -> bool:
        both = (address, inner_address(address))
        return any(item in network for item in both for network in self._networks if network.version == item.version)

    def _resolve(self, name: str, port: int) -> list[Address]:
        try:
            # getaddrinfo also reads 0x7f.1, 017700000001 and 2130706433 as the operating system would.
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        except (OSError, UnicodeError) as error:
            raise SourceUnreachable(
                f"The host {name!r} is not known: {error}.", todo="Check the address in the contract."
            ) from None
        order = sorted(found, key=lambda item: item[0] != socket.AF_INET)
        addresses = [ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in order]
        return list(dict.fromkeys(addresses))

    def check_url(self, url: httpx.URL) -> None:
        if url.scheme not in ("http", "https"):
            raise SourceForbidden(f"Addresses must begin with http:// or https://, not {url.scheme}://.")
        if not url.host:
            raise SourceForbidden("The address names no host.")

    def client(self) -> httpx.Client:
        """An HTTP client whose every connection passes this guard. It follows no redirect by itself."""
        import httpx

        return httpx.Client(
            transport=_transport(self),
            timeout=self.settings.timeout,
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": "Arengo (urban data platform)", "Accept": "*/*", "Accept-Encoding": "gzip"},
        )

    @contextmanager
    def stream(
        self,
        client: httpx.Client,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        content: bytes | None = None,
    ) -> Iterator[httpx.Response]:
        """One answer, redirects followed with the guard asked at each; headers of ours stay with our host.

        Raises SourceForbidden, SourceUnreachable.
        """
        import httpx

        own = dict(headers or {})
        try:
            request = client.build_request(method, url, headers=own, content=content)
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise SourceForbidden(f"{url!r} is not an address: {error}.") from None
        origin = _origin(request.url)
        for _ in range(MAX_REDIRECTS + 1):
            self.check_url(request.url)
            try:
                response = client.send(request, stream=True)
            except httpx.UnsupportedProtocol as error:
                raise SourceForbidden(str(error)) from None
            except httpx.TransportError as error:
                raise unreachable(request.url, error) from error
            if response.next_request is None:
                try:
                    yield response
                finally:
                    response.close()
                return
            response.close()
            request = response.next_request
            if _origin(request.url) != origin:
                for name in own:
                    request.headers.pop(name, None)
                request.headers.pop("Authorization", None)
                request.headers.pop("Cookie", None)
        raise SourceUnreachable(f"{shown(url)} redirects more than {MAX_REDIRECTS} times.")

    def body(self, response: httpx.Response, limit: int) -> Iterator[bytes]:
        """The answer's bytes, counted. Raises SourceTooLarge, SourceUnreachable (too slow or broken off)."""
        import httpx

        packing = response.headers.get("Content-Encoding", "identity").lower()
        if packing not in ("identity", "gzip", "deflate", ""):
            # Others were not asked for, and one chunk of them may unpack to gigabytes.
            raise SourceForbidden(f"{shown(str(response.url))} answers packed as {packing!r}, which was not asked for.")
        done, window, started = 0, 0, time.monotonic()
        try:
            for chunk in response.iter_bytes():
                done += len(chunk)
                window += len(chunk)
                if done > limit:
                    raise SourceTooLarge(
                        f"{shown(str(response.url))} sends more than {limit:,} bytes.",
                        todo="Raise sources.max_bytes in city.toml if this is right.",
                    )
                if time.monotonic() - started > self.settings.timeout:
                    if window < SLOWEST:
                        raise SourceUnreachable(f"{shown(str(response.url))} sends too slowly.")
                    window, started = 0, time.monotonic()
                yield chunk
        except (httpx.TransportError, httpx.DecodingError, httpx.StreamError) as error:
            raise unreachable(response.url, error) from error


def headers_from(options: Mapping[str, Any]) -> dict[str, str]:
    """Request headers that a source names: ``headers`` as written, ``headers_env`` from environment variables."""
    out = {str(name): str(value) for name, value in (options.get("headers") or {}).items()}
    for name, variable in (options.get("headers_env") or {}).items():
        if str(variable) not in os.environ:
            raise SourceMissing(
                f"The environment variable {variable} is not set.", todo="Set it where Arengo is started."
            )
        out[str(name)] = os.environ[str(variable)]
    return out


def shown(url: str) -> str:
    """An address fit for messages: no user, no password, no query (it may hold a key)."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def unreachable(url: httpx.URL, error: Exception) -> SourceUnreachable:
    """The error for a connection that failed or broke off."""
    words = str(error) or type(error).__name__
    return SourceUnreachable(f"{shown(str(url))} does not answer: {words}.", todo="The next run tries again.")


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()  # the operating system's authorities; reading them takes a while


def _transport(guard: Guard) -> httpx.BaseTransport:
    import httpcore
    import httpx

    class Backend(httpcore.SyncBackend):
        """Opens sockets to vetted addresses only; the layers above still speak to the name."""

        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> httpcore.NetworkStream:
            return super().connect_tcp(guard.address(host, port), port, timeout, local_address, socket_options)

        def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
            raise SourceForbidden("Local sockets are not asked over HTTP.")

    transport = httpx.HTTPTransport(verify=_tls(), trust_env=False, retries=0)
    transport._pool = httpcore.ConnectionPool(ssl_context=_tls(), network_backend=Backend(), max_connections=4)
    return transport
