"""Sending by SMTP (RFC 5321), and what a letter looks like on the way (RFC 5322, RFC 8058)."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Self
from urllib.parse import urlsplit

from arengo.settings import Settings


@dataclass(frozen=True, slots=True)
class Result:
    """``state``: sent, retry, refused (this address, for good) or failed. ``broken``: the server is asked no more."""

    state: str
    error: str = ""
    broken: bool = False


def message(settings: Settings, row: Any, to: str, words: str) -> EmailMessage:
    """A letter as a message: plain text, so that it reads everywhere and tells nobody when it was opened."""
    city, base = settings.city, settings.city.url.rstrip("/")
    host = urlsplit(base).hostname or "localhost"
    made = EmailMessage(policy=SMTP.clone(max_line_length=998))
    sender = settings.mail.sender or city.contact
    made["From"] = Address(_plain(city.name), addr_spec=sender)
    made["To"] = Address(addr_spec=to)
    made["Subject"] = _plain(row.subject)
    made["Date"] = format_datetime(row.created_at)
    made["Message-ID"] = f"<{row.id}@{host}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers back
    if city.contact and city.contact != sender:
        made["Reply-To"] = Address(addr_spec=city.contact)
    if row.unsubscribe:
        made["List-Unsubscribe"] = f"<{base}{row.unsubscribe}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        made["List-Id"] = f"<{row.kind}.{host}>"
    made.set_content(words, charset="utf-8", cte="quoted-printable")
    made["Content-Language"] = row.language  # set_content drops every Content header before
    return made


def _plain(text: str) -> str:
    """A text on one line without controls: no header can be smuggled in, whatever a title holds."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


class Post:
    """A connection to the city's mail server, opened with the first letter."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            try:
                self._server.quit()
            except (smtplib.SMTPException, OSError):
                self._server.close()

    def send(self, made: EmailMessage, to: str) -> Result:
        """Hand one message over. Never raises for what a server or a network can do."""
        try:
            server = self._open()
        except smtplib.SMTPException as error:
            return Result("retry", _said(error), broken=True)
        except (OSError, ssl.SSLError, ValueError) as error:
            return Result("retry", f"{type(error).__name__}: {error}", broken=True)
        try:
            server.send_message(made, self._settings.mail.sender or self._settings.city.contact, [to])
            return Result("sent")
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()), (450, b""))
            words = f"{code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
            return Result("refused" if 500 <= code < 600 else "retry", words)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            return Result("failed" if 500 <= error.smtp_code < 600 else "retry", _said(error))
        except smtplib.SMTPNotSupportedError as error:
            return Result("failed", str(error))
        except (smtplib.SMTPException, OSError) as error:
            return Result("retry", f"{type(error).__name__}: {error}", broken=True)

    def _open(self) -> smtplib.SMTP:
        if self._server is not None:
            return self._server
        post = self._settings.mail
        if post.tls not in ("starttls", "tls", "none"):  # a misspelt word must not mean no encryption
            raise ValueError(f"mail.tls is {post.tls!r}; it can be starttls, tls or none")
        if post.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                post.host, post.port, timeout=post.timeout, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(post.host, post.port, timeout=post.timeout)
        try:
            if post.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if post.user:
                server.login(post.user, _password(self._settings))
        except BaseException:
            server.close()
            raise
        self._server = server
        return server


def _password(settings: Settings) -> str:
    """Raises OSError when the file is not there; the letter is tried again."""
    post = settings.mail
    if post.password_file:
        return (settings.root / post.password_file).read_text(encoding="utf-8").strip()
    return post.password


def _said(error: smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    parts: Sequence[object] = error.args
    return " ".join(str(part) for part in parts) or type(error).__name__
