"""Providers of identities for tests: the certified one as a process, and one that lies as it is told."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).parent
SECRET = "a secret/with+signs"
HEAD = """\
title = "City directory"
issuer = "{issuer}"
client_id = "arengo"
client_secret_file = "login/secret"
"""


def declare(root: Path, issuer: str, more: str = "", id: str = "city-id") -> None:
    """Write the file of a provider into a city folder."""
    folder = root / "login"
    folder.mkdir(exist_ok=True)
    (folder / "secret").write_text(SECRET + "\n", encoding="utf-8")
    (folder / f"{id}.toml").write_text(HEAD.format(issuer=issuer) + more, encoding="utf-8")


@contextmanager
def certified(*redirects: str) -> Iterator[str]:
    """The issuer of a running oidc-provider."""
    process = subprocess.Popen(
        ["node", str(HERE / "oidc_provider.mjs"), *redirects],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert issuer, "oidc-provider did not start: run 'npm ci' in web/"
        yield issuer
    finally:
        process.terminate()
        process.wait(120)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@cache
def _keys() -> tuple[Any, Any]:
    from joserfc.jwk import ECKey, RSAKey

    return (
        RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}),
        ECKey.generate_key("P-256", {"kid": "two", "use": "sig"}),
    )


class Liar:
    """A provider whose every answer a test may change. ``claims`` and ``header`` overlay what would be right;
    ``sign``: makes the token from header and claims; ``keys``: what the JWKS says; ``hits``: paths that were asked."""

    def __init__(self) -> None:
        self.rsa, self.ec = _keys()
        self.keys: list[dict[str, Any]] = [self.rsa.as_dict(private=False), self.ec.as_dict(private=False)]
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] = self.signed
        self.metadata: dict[str, Any] = {}
        self.token: dict[str, Any] = {}
        self.status = 200
        self.hits: list[str] = []
        self.posted: dict[str, str] = {}
        self.auth = ""
        self.asked: dict[str, str] = {}
        self.redirect = ""
        self.now = time.time
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._say(liar._answer(self.path, ""))

            def do_POST(self) -> None:
                liar.auth = self.headers.get("authorization", "")
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                self._say(liar._answer(self.path, body))

            def _say(self, answer: tuple[int, dict[str, Any]]) -> None:
                data = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                if liar.redirect:
                    self.send_header("Location", liar.redirect)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=partial(self.server.serve_forever, 0.01), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _answer(self, path: str, body: str) -> tuple[int, dict[str, Any]]:
        self.hits.append(path)
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/jwks"}
            said = {name: self.issuer + place for name, place in names.items()}
            return 200, {"issuer": self.issuer, "end_session_endpoint": self.issuer + "/end", **said, **self.metadata}
        if path == "/jwks":
            return 200, {"keys": self.keys}
        if path == "/token":
            self.posted = {name: values[0] for name, values in parse_qs(body).items()}
            return self.status, {
                "access_token": "opaque",
                "token_type": "Bearer",
                "id_token": self.made(),
                **self.token,
            }
        return 404, {}

    def made(self) -> str:
        now = int(self.now())
        claims = {
            "iss": self.issuer, "sub": "anna-1", "aud": "arengo", "exp": now + 60, "iat": now, "auth_time": now,
            "nonce": self.asked.get("nonce", ""), "email": "anna@comune.example", "email_verified": True,
            "name": "Anna Rossi", "at_hash": b64(hashlib.sha256(b"opaque").digest()[:16]),
        }  # fmt: skip
        claims = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        return self.sign({"alg": "RS256", "kid": "one", **self.header}, claims)

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        from joserfc import jwt

        return jwt.encode(header, claims, self.ec if header["alg"] == "ES256" else self.rsa, algorithms=[header["alg"]])

    def follow(self, address: str) -> dict[str, str]:
        """What a browser brings back from the authorisation endpoint."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return {"code": "a-code", "state": self.asked["state"]}
