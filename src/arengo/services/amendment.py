"""Requests to amend the data: something is wrong with a dataset, a column or one row."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.contract.model import EMPTY
from arengo.door import Door
from arengo.errors import CallerError
from arengo.services.progress import AMENDMENT
from arengo.services.tracked import Office, Sender, Tracked, nonempty
from arengo.services.wording import clean
from arengo.state.participation import amendment

COLUMNS_MOST = 40
_AUTO = ("received", "review", "accepted")
"""States from which a newer version that holds what was proposed leads to ``corrected`` by itself."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is sent. ``key``: texts of the row's primary key, () for a dataset or a column. ``proposed`` and
    ``current``: column -> plain text (ISO dates, decimal points); '' means no value. ``gone``: the row should go."""

    dataset: str
    wrong: str
    column: str = ""
    key: tuple[str, ...] = ()
    label: str = ""
    version: int | None = None
    evidence: str = ""
    current: Mapping[str, str] = EMPTY
    proposed: Mapping[str, str] = EMPTY
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Amendment(Report):
    """A request with its state. ``corrected``: the first version that holds what was asked for."""

    id: str = ""
    state: str = "received"
    corrected: int | None = None
    created_at: datetime = datetime.min
    updated_at: datetime = datetime.min
    closed_at: datetime | None = None
    language: str = "en"

    @property
    def seen(self) -> bool:
        """The city has read it, so its text is public."""
        return self.state not in AMENDMENT.unseen


@dataclass(frozen=True, slots=True)
class Tally:
    """``days``: the median from a request to its first end, None before the first."""

    open: int
    answered: int
    corrected: int
    days: float | None


class Amendments(Tracked):
    def __init__(self, office: Office, door: Door) -> None:
        super().__init__(office, AMENDMENT, amendment)
        self._door = door

    def send(self, report: Report, sender: Sender) -> Amendment:
        """Take a request in; its number leads to it. Raises BadForm for texts that are too long or empty."""
        values = {
            "dataset": report.dataset,
            "column": report.column,
            "key": list(report.key),
            "label": clean(report.label, 300, line=True),
            "version": report.version,
            "wrong": nonempty(clean(report.wrong), "What is wrong"),
            "evidence": clean(report.evidence, 1000),
            "current": {name: text[:2000] for name, text in list(report.current.items())[:COLUMNS_MOST]},
            "proposed": {name: clean(text, 2000) for name, text in list(report.proposed.items())[:COLUMNS_MOST]},
            "gone": report.gone,
        }
        return self.one(self._enter(values, sender))

    def one(self, id: str) -> Amendment:
        """Raises NotFound."""
        return _amendment(self.row(id))

    def of(self, dataset: str = "", states: Sequence[str] = (), limit: int = 100, start: int = 0) -> list[Amendment]:
        """Requests, newest first; of one dataset and some states when given."""
        chosen = sa.select(amendment).order_by(amendment.c.created_at.desc(), amendment.c.id)
        if dataset:
            chosen = chosen.where(amendment.c.dataset == dataset)
        if states:
            chosen = chosen.where(amendment.c.state.in_(states))
        with self._office.state.read() as connection:
            return [_amendment(row) for row in connection.execute(chosen.limit(limit).offset(start))]

    def tally(self, dataset: str) -> Tally:
        """How requests on a dataset fare; what was taken back or is spam does not count."""
        a = amendment.c
        chosen = sa.select(a.state, a.created_at, a.closed_at).where(
            a.dataset == dataset, a.state.not_in(("withdrawn", "spam"))
        )
        with self._office.state.read() as connection:
            rows = connection.execute(chosen).all()
        ended = [row for row in rows if row.state in AMENDMENT.ended]
        days = [(row.closed_at - row.created_at).total_seconds() / 86400 for row in ended if row.closed_at]
        corrected = sum(row.state == "corrected" for row in ended)
        return Tally(len(rows) - len(ended), len(ended), corrected, median(days) if days else None)

    def move(self, id: str, state: str, words: str = "", *, version: int | None = None, by: str = "city") -> Amendment:
        """Bring a request further. Raises NotFound, BadForm (no such way, a reason is missing)."""
        values = {"corrected": version} if state == "corrected" else {}
        told = {"version": version} if version else {}
        self._move(id, state, clean(words), by, values, told)
        return self.one(id)

    def reply(self, id: str, secret: str, words: str) -> Amendment:
        """The sender answers back, which opens the request again. Raises NotFound, BadForm."""
        self.check("track", id, secret)
        self._move(id, "review", nonempty(clean(words), "Your answer"), "sender")
        return self.one(id)

    def compare(self, dataset: str) -> list[Amendment]:
        """Mark the requests on rows of ``dataset`` that a newer version fulfils; those that were."""
        out = []
        for item in self.of(dataset, _AUTO, limit=1000):
            version = self._fulfilled(item)
            if version is not None:
                out.append(self.move(item.id, "corrected", version=version, by="arengo"))
        return out

    def _fulfilled(self, item: Amendment) -> int | None:
        """The first version after the one complained of in which the row is as was asked for."""
        if not item.key or not (item.proposed or item.gone):
            return None
        try:
            past = self._door.history(item.dataset, item.key)
        except CallerError:  # retired, closed meanwhile, or a key of another contract
            return None
        for entry in past:
            if entry.version.number <= (item.version or 0):
                continue
            if item.gone:
                if entry.row is None:
                    return entry.version.number
            elif entry.row is not None and all(
                name in entry.row and same(entry.row[name], text) for name, text in item.proposed.items()
            ):
                return entry.version.number
        return None

    def _entered(self, connection: Connection, id: str, values: Mapping[str, Any], state: str, now: datetime) -> None:
        self._event(connection, id, values["dataset"], state, {"column": values["column"]}, now)

    def _moved(
        self, connection: Connection, row: Any, state: str, words: str, now: datetime, values: Mapping[str, Any]
    ) -> None:
        if state != "spam":
            body = {
                "column": row.column,
                "version": values.get("corrected"),
                "words": words if state != "review" else "",
            }
            self._event(connection, row.id, row.dataset, state, body, now)

    def _event(
        self, connection: Connection, id: str, dataset: str, state: str, body: Mapping[str, Any], now: datetime
    ) -> None:
        kept = {name: value for name, value in body.items() if value not in (None, "")}
        self._office.events.emit(
            connection,
            f"amendment.{state}",
            dataset=dataset,
            subject=id,
            body={"number": id, "state": state, **kept},
            at=now,
        )

    def _facts(self, row: Any) -> dict[str, Any]:
        return {"dataset": row.dataset, "label": row.label, "column": row.column}


def _amendment(row: Any) -> Amendment:
    values = {name: getattr(row, name) for name in Amendment.__dataclass_fields__}
    return Amendment(**values | {"key": tuple(row.key)})


def same(value: Any, text: str) -> bool:
    """Whether a stored value is what a plain text proposed."""
    if value is None:
        return text == ""
    if text == "":
        return bool(value == "")
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    if isinstance(value, int | float | Decimal):
        try:
            return math.isclose(float(value), float(text), rel_tol=1e-9, abs_tol=1e-12)
        except ValueError:
            return False
    if isinstance(value, datetime):
        try:
            asked = datetime.fromisoformat(text)
        except ValueError:
            return False
        return _utc(value) == _utc(asked)
    if isinstance(value, date | time):
        return value.isoformat() == text
    return _words(str(value)) == _words(text)


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _words(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
