"""What people write: cleaned, bounded, with its links found; addresses of mail and web in one strict form.

A text is plain text. Nothing in it is markup; a page escapes it and makes links of what :func:`linked` found.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from arengo.errors import BadForm

LONGEST = 4000
MARKS = 3  # combining marks on one letter; more is a pile that covers the lines above
_HIDDEN = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\uffff\U000e0000-\U000e0fff]"
)
"""Signs that show nothing or turn the reading direction (Unicode TR 36); joiners of scripts and emoji stay."""
_LINK = re.compile(r"https?://[^\s<>\"'`]{1,1000}", re.IGNORECASE)
_LINKISH = re.compile(
    r"://|\bwww\.|\b[a-z0-9-]{2,63}\.(?:com|net|org|info|biz|ru|cn|xyz|top|shop|site|online|io|ly)\b", re.I
)
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_MAIL = re.compile(rf"({_LOCAL})@([^@\s]+)")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def clean(text: str, most: int = LONGEST, *, line: bool = False) -> str:
    """``text`` in NFC without hidden signs, control characters, piles of marks and floods of empty lines.

    ``line``: one line only. Raises BadForm when it has more than ``most`` characters after that.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")[: most * 8]
    text = unicodedata.normalize("NFC", _HIDDEN.sub("", text))
    out: list[str] = []
    pile = 0
    for sign in text:
        kind = unicodedata.category(sign)
        if kind in ("Mn", "Me"):
            pile += 1
            if pile > MARKS:
                continue
        else:
            pile = 0
        if kind in ("Cc", "Cs", "Zl", "Zp"):
            sign = "\n" if sign == "\n" or kind in ("Zl", "Zp") else " "
        out.append(" " if line and sign == "\n" else sign)
    text = "".join(out)
    text = " ".join(text.split()) if line else re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()
    if len(text) > most:
        raise BadForm(f"The text has {len(text):,} characters, at most {most:,} are taken.", todo="Shorten it.")
    return text


def linked(text: str) -> list[tuple[str, str]]:
    """(words, address) in order; address is '' for words that are no link."""
    out: list[tuple[str, str]] = []
    at = 0
    for found in _LINK.finditer(text):
        address = found[0].rstrip(".,;:!?)]}»”’")
        if found[0][len(address) :].startswith(")") and "(" in address:
            address += ")"
        try:
            web(address)
        except BadForm:
            continue
        end = found.start() + len(address)
        if found.start() > at:
            out.append((text[at : found.start()], ""))
        out.append((address, address))
        at = end
    if at < len(text):
        out.append((text[at:], ""))
    return out


def has_link(text: str) -> bool:
    """Whether a text names an address, written out or half hidden."""
    return _LINKISH.search(text) is not None


def web(address: str, most: int = 1000) -> str:
    """An http(s) address in one piece: a host, no user name, no control characters. Raises BadForm."""
    address = address.strip()
    try:
        parts = urlsplit(address)
        fits = (
            len(address) <= most
            and parts.scheme.lower() in ("http", "https")
            and bool(parts.hostname)
            and "." in str(parts.hostname)
            and parts.username is None
            and (parts.port is None or 0 < parts.port < 65536)
            and not any(sign.isspace() or ord(sign) < 33 or sign in '<>"`\\{}' for sign in address)
            and _HIDDEN.search(address) is None
        )
    except ValueError:
        fits = False
    if not fits:
        raise BadForm("That is not an address on the web.", todo="Write it whole, beginning with https://.")
    return address


def mail(address: str) -> str:
    """An e-mail address (RFC 5321, 4.1.2, without quoted parts), its host in lower case ASCII. Raises BadForm."""
    found = _MAIL.fullmatch(address.strip()) if len(address) < 400 else None
    if found and len(found[1]) <= 64:
        try:
            host = found[2].encode("idna").decode("ascii").lower()
        except UnicodeError:
            host = ""
        labels = host.split(".")
        if len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit():
            whole = f"{found[1]}@{host}"
            if len(whole) <= 254:
                return whole
    raise BadForm("That is not an e-mail address.", todo="Write it like name@example.org.")
