"""One entry: what is told, the leaf that stays for ever, the body that can be erased.

The leaf is canonical JSON (RFC 8785: names in order, no spaces, UTF-8). It names an organisation, a dataset, columns, a
purpose, a decision, and never a person: who acted is a pseudonym of one month, whom it was about is a root over salted
commitments, and the body is one commitment more. Without salts and bodies nothing can be traced back from a leaf.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from typing import Any

import orjson

from arengo.errors import BadForm
from arengo.ledger import about, sheaf

VERSION = 1
KINDS = (
    "publication",
    "decision",
    "agreement",
    "policy",
    "read",
    "administration",
    "login",
    "retention",
    "completeness",
)
"""What an entry can be about. ``completeness``: the day's map of how many entries there are about each person."""
EVERYONE = "*"
"""Given as a subject: everybody the dataset is about."""
MOST_SUBJECTS = 10_000
"""More persons in one entry are recorded as everybody in the dataset."""
MOST_BODY = 1_000_000
MOST_LEAF = 60_000  # a log entry of C2SP tlog-tiles is at most 65,535 bytes

WORDS = (
    "action",
    "contract",
    "version",
    "snapshot",
    "verifier",
    "purpose",
    "basis",
    "decision",
    "policy",
    "agreement",
    "request",
    "map",
    "size",
)
"""Facts of a body that stand in the leaf, so everybody sees them: identifiers, never free text."""
UNNAMED = ("login",)
"""Kinds whose leaves do not tell who or of which office: when people sign in is nobody else's business."""
_word = re.compile(r"[A-Za-z0-9_][\w.:/#%+~=-]{0,199}", re.ASCII)
_act = re.compile(r"[a-z]+([ -][a-z]+){0,5}", re.ASCII)
"""What somebody did, as the rooms call it: "role given", never with a name in it."""
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


@dataclass(frozen=True, slots=True)
class Visibility:
    """Who sees more of an entry than that it is there.

    ``kind``: ``immediate``; ``deferred`` (nobody before ``until``, as an investigation may need); ``sealed`` (nobody
    until it is opened again). ``by``: who asked for it; ``basis``: on which legal basis.
    """

    kind: str = "immediate"
    until: datetime | None = None
    by: str = ""
    basis: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("immediate", "deferred", "sealed"):
            raise BadForm(f"An entry cannot be {self.kind!r}.", todo="Say immediate, deferred or sealed.")
        if self.kind == "deferred" and self.until is None:
            raise BadForm("A deferred entry needs the time until which it is.")
        if self.kind != "immediate" and not (self.by and self.basis):
            raise BadForm("An entry is hidden by somebody and on a legal basis; one of the two is not said.")

    def hides(self, now: datetime) -> bool:
        if self.kind == "deferred" and self.until is not None:
            return now < self.until
        return self.kind == "sealed"


IMMEDIATE = Visibility()


def canonical(value: Any) -> bytes:
    """JSON in one form only (RFC 8785 for the values used here: texts, whole numbers, lists, names in ASCII)."""
    try:
        return orjson.dumps(value, option=_OPTIONS, default=str)
    except TypeError:  # texts that are not Unicode (lone surrogates), integers beyond 64 bits
        return orjson.dumps(_plain(value), option=_OPTIONS, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_plain(str(name)): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, int) and value.bit_length() > 53:
        return str(value)
    return value


def written(at: datetime) -> str:
    """The time as a leaf holds it: UTC, microseconds; sorts as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def bucket(rows: int) -> str:
    """How many rows, roughly: an exact number can give away whose row it was."""
    if rows < 1:
        return "0"
    low = 1
    while low * 10 < rows:
        low *= 10
    return f"{low + (low > 1)}-{low * 10}"


def commitment(salt: bytes, text: bytes) -> bytes:
    """Binds to ``text`` and tells nothing about it without ``salt`` (HMAC-SHA-256)."""
    return hmac.digest(salt, text, "sha256")


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Names that only this installation can give. ``secret``: of ``ledger.key``."""

    secret: bytes

    def subject(self, subject: str) -> bytes:
        """A person the data is about, 16 bytes: the same for ever, so that her entries can be counted."""
        return self.subjects((subject,))[0]

    def subjects(self, subjects: Iterable[str]) -> list[bytes]:
        """Keyed BLAKE2b (RFC 7693), personalised: one short pass a person."""
        keyed = blake2b(key=self.secret[:64], digest_size=about.PSEUDONYM, person=b"ledger subject")
        copy, out = keyed.copy, []
        for subject in subjects:
            made = copy()
            made.update(subject.encode("utf-8", "replace"))
            out.append(made.digest())
        return out

    def everyone(self, dataset: str) -> bytes:
        """All persons of a dataset together, counted like one."""
        return self.subject(f"{EVERYONE}\0{dataset}")

    def actor(self, actor: str, organisation: str, at: datetime) -> str:
        """Somebody who acts: another one each month, so that no career can be read from the leaves."""
        text = f"actor\0{at:%Y-%m}\0{organisation}\0{actor}".encode("utf-8", "replace")
        return hmac.digest(self.secret, text, "sha256").hex()[:16]


@dataclass(frozen=True, slots=True)
class Told:
    """An entry before it has its place: all that can be made ready before the lock is taken."""

    kind: str
    actor: str
    organisation: str
    dataset: str
    text: bytes
    """The body: canonical JSON of actor, organisation, dataset and facts. Erasable."""
    salt: bytes
    visibility: Visibility
    slots: bytes
    """Whom it is about (:mod:`arengo.ledger.about`)."""
    subjects: str
    """Root over the commitments of ``slots`` in hexadecimal, '' for none."""
    everyone: bool
    """Whether the only one stands for everybody the dataset is about."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What of it stands in the leaf besides."""

    def leaf(self, number: int, at: str, actor: str) -> bytes:
        out: dict[str, Any] = {"v": VERSION, "n": number, "t": at, "kind": self.kind}
        if self.visibility.kind == "immediate":
            out |= self.facts
            said = {"organisation": self.organisation, "dataset": self.dataset, "actor": actor}
            out |= {name: value for name, value in said.items() if value and self.kind not in UNNAMED}
            if self.everyone:
                out["everyone"] = True
        else:
            out["visibility"] = self.visibility.kind
        if self.subjects:
            out["subjects"] = self.subjects
        out["body"] = commitment(self.salt, self.text).hex()
        made = canonical(out)
        if len(made) > MOST_LEAF:
            out["fields"] = f"sha256:{sha256(canonical(out['fields'])).hexdigest()}"
            made = canonical(out)
        return made


def told(
    kind: str,
    *,
    actor: str,
    organisation: str,
    dataset: str,
    body: Mapping[str, Any],
    subjects: Iterable[str],
    visibility: Visibility,
    names: Pseudonyms,
) -> Told:
    """Make an entry ready. Raises BadForm for a kind nobody knows and for a body that is too large."""
    if kind not in KINDS:
        raise BadForm(f"The record has no kind of entry {kind!r}.", todo=f"There are: {', '.join(KINDS)}.")
    known: set[str] = set()
    for subject in (subjects,) if isinstance(subjects, str) else subjects:
        known.add(subject)
        if subject == EVERYONE or len(known) > MOST_SUBJECTS:
            known = {EVERYONE}
            break
    everyone = EVERYONE in known
    whom = [names.everyone(dataset)] if everyone else list(dict.fromkeys(names.subjects(known)))
    slots = about.slots(whom)
    text = canonical({"actor": actor, "organisation": organisation, "dataset": dataset, "facts": dict(body)})
    if len(text) > MOST_BODY:
        raise BadForm(f"An entry of {len(text):,} bytes is larger than the record takes ({MOST_BODY:,}).")
    return Told(
        kind,
        actor,
        _name(organisation),
        _name(dataset),
        text,
        secrets.token_bytes(32),
        visibility,
        b"".join(slots),
        sheaf.root([about.commitment(slot) for slot in slots]).hex() if slots else "",
        everyone,
        _facts(kind, body),
    )


def _name(text: str) -> str:
    """An id fit for the leaf; what is none stays in the body only."""
    return text if _word.fullmatch(text) else ""


def _facts(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in WORDS:
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and _word.fullmatch(value):
            out[name] = value
    if "policy" not in out and isinstance(body.get("grant"), str) and _word.fullmatch(body["grant"]):
        out["policy"] = body["grant"]
    if "action" not in out and isinstance(body.get("act"), str) and _act.fullmatch(body["act"]):
        out["action"] = body["act"].replace(" ", "-")
    fields = body.get("fields") or body.get("columns")
    if isinstance(fields, (Sequence, Set)) and not isinstance(fields, (str, bytes)) and fields:
        out["fields"] = [str(item)[:200] for item in (sorted(fields) if isinstance(fields, Set) else fields)]
    rows = _rows(kind, body.get("rows"))
    if rows:
        out["rows"] = rows
    return out


def _rows(kind: str, rows: Any) -> str:
    """How many rows, as everybody may know it: rounded where somebody read them."""
    if isinstance(rows, str) and rows.isascii() and rows.isdecimal() and len(rows) < 19:
        rows = int(rows)
    if isinstance(rows, int) and not isinstance(rows, bool):
        return bucket(rows) if kind in ("read", "decision") else str(rows)
    text = rows.replace(" ", "-") if isinstance(rows, str) else ""
    return text if _word.fullmatch(text) else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the record. ``number``: its place, from 0. ``leaf``: the bytes in the tree; ``facts``: what they say.

    ``body``: what can be erased, None when it was or when it is hidden. ``hidden``: until somebody opens it or its time
    comes. ``erased``: the body is gone for ever.
    """

    number: int
    leaf: bytes
    hash: bytes
    facts: Mapping[str, Any]
    hidden: bool = False
    erased: bool = False
    body: Mapping[str, Any] | None = None
    text: str = ""
    salt: str = ""
    visibility: Visibility = IMMEDIATE

    @property
    def kind(self) -> str:
        return str(self.facts.get("kind", ""))

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(str(self.facts["t"]))

    @property
    def organisation(self) -> str:
        return str(self.facts.get("organisation", ""))

    @property
    def dataset(self) -> str:
        return str(self.facts.get("dataset", ""))
