"""The record for programs: signed checkpoint, tiles and entry bundles (C2SP tlog-tiles), entries and proofs as JSON.

``/ledger/v1`` is the record's prefix: a client of C2SP needs nothing else. Everybody reads leaves; bodies are for
auditors, one at a time, and each look is recorded. ``POST add-checkpoint`` cosigns for others (C2SP tlog-witness).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo.errors import BadQuery, NotAllowed, NotFound
from arengo.faces.site import FOR_EVER, JSON, Site, parameters
from arengo.ledger import KINDS, Entry, Ledger
from arengo.ledger.checkpoint import Checkpoint

if TYPE_CHECKING:
    from arengo.services.access import Access

ROOT = "/ledger/v1"
TEXT = "text/plain; charset=utf-8"
MOST = 1000
AUDITOR = "auditor"


def routes(site: Site, access: Access) -> list[BaseRoute]:
    face = _Face(site, access.ledger)
    reading = {
        "/checkpoint": face.checkpoint,
        "/checkpoints": face.checkpoints,
        "/keys": face.keys,
        "/tile/{path:path}": face.tile,
        "/entries": face.entries,
        "/entries/{number}": face.entry,
        "/days": face.days,
        "/proof/inclusion": face.inclusion,
        "/proof/consistency": face.consistency,
    }
    return [
        *(Route(ROOT + path, answer, methods=["GET", "HEAD"]) for path, answer in reading.items()),
        Route(f"{ROOT}/add-checkpoint", face.add_checkpoint, methods=["POST"]),
    ]


def paths() -> dict[str, Any]:
    """The record's part of the API's description (OpenAPI 3.1). Tiles are described at c2sp.org/tlog-tiles."""
    number = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
    limit = _asked("limit", "Items of one page.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": 100})
    before = _asked("before", "Those below this number, the newest first.", number)
    size = _asked("size", "Entries of the tree; those of the newest checkpoint when left out.", number)
    place = {"name": "number", "in": "path", "required": True, "description": "From 0.", "schema": number}
    return {
        f"{ROOT}/checkpoint": _described("The newest signed checkpoint (C2SP tlog-checkpoint)", "checkpoint", [], TEXT),
        f"{ROOT}/checkpoints": _described("Checkpoints kept", "listCheckpoints", [before, limit]),
        f"{ROOT}/keys": _described("Verifier keys (C2SP signed-note), one a line", "recordKeys", [], TEXT),
        f"{ROOT}/entries": _described(
            "Entries of the record",
            "listEntries",
            [
                _asked("after", "Those behind this number, the oldest first.", number),
                before,
                limit,
                _asked("kind", "What they are about.", {"type": "string", "enum": list(KINDS)}),
                _asked("dataset", "The dataset's id.", {"type": "string"}),
                _asked("organisation", "The organisation's id.", {"type": "string"}),
                _asked("day", "A day (UTC).", {"type": "string", "format": "date"}),
            ],
        ),
        f"{ROOT}/entries/{{number}}": _described(
            "One entry with its proof",
            "entry",
            [place, _asked("body", "Its body too, for auditors; the look is recorded.", {"type": "boolean"})],
        ),
        f"{ROOT}/days": _described(
            "Entries by day and kind",
            "recordDays",
            [_asked("since", "First day (UTC).", {"type": "string", "format": "date"})],
        ),
        f"{ROOT}/proof/inclusion": _described(
            "That an entry is in the tree (RFC 9162, 2.1.3)",
            "inclusionProof",
            [_asked("entry", "The entry.", number, required=True), size],
        ),
        f"{ROOT}/proof/consistency": _described(
            "That the tree begins with an older one (RFC 9162, 2.1.4)",
            "consistencyProof",
            [_asked("old", "Entries of the older one.", number, required=True), size],
        ),
    }


def _asked(name: str, about: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "description": about, "schema": schema}


def _described(summary: str, operation: str, given: list[dict[str, Any]], media: str = JSON) -> dict[str, Any]:
    schema = {"type": "object"} if media == JSON else {"type": "string"}
    answers = {"200": {"description": "The answer.", "content": {media.partition(";")[0]: {"schema": schema}}}}
    for status, name in (("400", "Bad"), ("401", "Unknown"), ("403", "Refused"), ("404", "Missing")):
        answers[status] = {"$ref": f"#/components/responses/{name}"}
    return {"get": {"summary": summary, "operationId": operation, "parameters": given, "responses": answers}}


def entry_json(entry: Entry) -> dict[str, Any]:
    """An entry as everybody may see it."""
    out: dict[str, Any] = {"number": entry.number, "hash": _text(entry.hash), "leaf": dict(entry.facts)}
    if entry.hidden:
        out["hidden"] = True
    if entry.erased:
        out["erased"] = True
    return out


class _Face:
    def __init__(self, site: Site, ledger: Ledger) -> None:
        self.site = site
        self.ledger = ledger

    def checkpoint(self, request: Request) -> Response:
        """The newest signed checkpoint, with the signatures of witnesses."""
        parameters(request, ())
        return Response(self._signed().text, 200, {"Cache-Control": "no-cache"}, TEXT)

    def checkpoints(self, request: Request) -> Response:
        """Checkpoints that are kept, the newest first."""
        given = parameters(request, ("before", "limit"))
        before = _number(given, "before", None)
        limit = _limit(given)
        found = self.ledger.signing.checkpoints(limit, before)
        body: dict[str, Any] = {"items": [_checkpoint_json(item) for item in found]}
        if len(found) == limit:
            body["next"] = f"{ROOT}/checkpoints?before={found[-1].size}&limit={limit}"
        return _answer(body)

    def keys(self, request: Request) -> Response:
        """Verifier keys, one a line: the record's own, those it had before, its witnesses'."""
        parameters(request, ())
        text = "".join(f"{key}\n" for key in self.ledger.public_keys())
        return Response(text, 200, {"Cache-Control": "no-cache"}, TEXT)

    def tile(self, request: Request) -> Response:
        """A tile or an entry bundle; none of them ever changes."""
        parameters(request, ())
        found = self.ledger.signing.tile(f"tile/{request.path_params['path']}")
        return Response(found, 200, {"Cache-Control": FOR_EVER}, "application/octet-stream")

    def entries(self, request: Request) -> Response:
        """Entries by kind, dataset, organisation, day; the oldest first, with ``before`` the newest first."""
        names = ("after", "before", "limit", "kind", "dataset", "organisation", "day")
        given = parameters(request, names)
        if given.get("kind", KINDS[0]) not in KINDS:
            raise BadQuery(f"The record has no kind {given['kind'][:40]!r}.", todo=f"There are: {', '.join(KINDS)}.")
        limit, before = _limit(given), _number(given, "before", None)
        after = _number(given, "after", -1)
        assert after is not None
        found = self.ledger.entries(
            after,
            limit,
            before=before,
            kind=given.get("kind", ""),
            dataset=given.get("dataset", ""),
            organisation=given.get("organisation", ""),
            day=_day(given),
        )
        body: dict[str, Any] = {"size": self.ledger.size, "items": [entry_json(entry) for entry in found]}
        if len(found) == limit:
            kept = [(name, value) for name, value in given.items() if name not in ("after", "before")]
            turn = ("after" if before is None else "before", str(found[-1].number))
            body["next"] = f"{ROOT}/entries?{'&'.join(f'{name}={value}' for name, value in [*_quoted(kept), turn])}"
        return _answer(body)

    def entry(self, request: Request) -> Response:
        """One entry with its place in the newest checkpoint; ``body=true`` shows its body to an auditor."""
        given = parameters(request, ("body",))
        number = _number(dict(request.path_params), "number", None)
        assert number is not None
        entry = self.ledger.entry(number)
        body = entry_json(entry)
        signed = self.ledger.checkpoint()
        if signed is not None and number < signed.size:
            body["checkpoint"] = _checkpoint_json(signed)
            body["proof"] = _texts(self.ledger.inclusion(number, signed.size))
        if given.get("body", "false") not in ("true", "false"):
            raise BadQuery("The parameter 'body' is true or false.")
        if given.get("body") == "true":
            body |= self._body(request, entry)
            return _answer(body, "private, no-store")
        return _answer(body)

    def _body(self, request: Request, entry: Entry) -> dict[str, Any]:
        """What auditors see besides. That they looked is recorded first."""
        caller = self.site.caller(request)
        if not caller.has(AUDITOR, entry.organisation):
            raise NotAllowed(
                "Bodies of entries are for auditors.",
                todo="Ask the city for the role of an auditor; leaves and proofs are for everybody.",
            )
        look(self.ledger, entry, caller.party or caller.application, caller.organisation)
        whole = self.ledger.entry(entry.number, whole=True)
        if whole.body is None:
            return {"body": None}
        return {"body": whole.text, "salt": base64.b64encode(bytes.fromhex(whole.salt)).decode()}

    def days(self, request: Request) -> Response:
        """How many entries of each kind there are a day."""
        given = parameters(request, ("since",))
        return _answer(self.ledger.days(_day(given, "since")))

    def inclusion(self, request: Request) -> Response:
        """Proof that an entry is among the first ``size`` (RFC 9162, 2.1.3)."""
        given = parameters(request, ("entry", "size"))
        number = _number(given, "entry", None)
        size = _number(given, "size", None)
        if number is None:
            raise BadQuery("Which entry?", todo="Say entry=NUMBER.")
        if size is None:
            size = self._signed().size
        proof = self.ledger.inclusion(number, size)
        return _answer({"entry": number, "size": size, "proof": _texts(proof)})

    def consistency(self, request: Request) -> Response:
        """Proof that the record of ``size`` entries begins with that of ``old`` (RFC 9162, 2.1.4)."""
        given = parameters(request, ("old", "size"))
        old = _number(given, "old", None)
        size = _number(given, "size", None)
        if old is None:
            raise BadQuery("From which size on?", todo="Say old=SIZE.")
        if size is None:
            size = self._signed().size
        proof = self.ledger.consistency(old, size)
        return _answer({"old": old, "size": size, "proof": _texts(proof)})

    async def add_checkpoint(self, request: Request) -> Response:
        """Cosign the checkpoint of another record that is known here."""
        from starlette.concurrency import run_in_threadpool

        from arengo.ledger.witness import MOST_REQUEST

        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_REQUEST:
                return Response("This is longer than a checkpoint with its proof.\n", 400, media_type=TEXT)
        made = await run_in_threadpool(lambda: self.ledger.witness.add(body))
        return Response(made.text, made.status, {"Cache-Control": "no-store"}, made.media)

    def _signed(self) -> Checkpoint:
        found = self.ledger.checkpoint()
        if found is None:
            raise NotFound("The record is not signed yet.", todo="Come again in a minute.")
        return found


def look(ledger: Ledger, entry: Entry, actor: str, organisation: str) -> None:
    """Record that somebody looks at a body."""
    body = {"action": "body-read", "entry": entry.number}
    ledger.tell("administration", actor=actor, organisation=organisation, body=body)


def _checkpoint_json(item: Checkpoint) -> dict[str, Any]:
    return {"origin": item.origin, "size": item.size, "root": _text(item.root), "note": item.text}


def _answer(body: Any, cache: str = "no-cache") -> Response:
    """Without an ETag: the record grows while nothing is published, which is what answers are kept by."""
    return Response(orjson.dumps(body), 200, {"Cache-Control": cache}, JSON)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _texts(values: Sequence[bytes]) -> list[str]:
    return [_text(value) for value in values]


def _quoted(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    from urllib.parse import quote

    return [(name, quote(value, safe="")) for name, value in pairs]


def _number(given: dict[str, Any], name: str, default: int | None) -> int | None:
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise BadQuery(f"{name} is {text[:40]!r}, but a whole number from 0 on is wanted.")
    return int(text)


def _limit(given: dict[str, str]) -> int:
    found = _number(given, "limit", 100)
    if not found or found > MOST:
        raise BadQuery(f"limit is a whole number from 1 to {MOST}.")
    return found


def _day(given: dict[str, str], name: str = "day") -> str:
    text = given.get(name, "")
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise BadQuery(f"{name} is {text[:40]!r}, but a day is wanted.", todo="Write 2026-05-01.") from None
