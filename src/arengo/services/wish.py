"""Requests for data that is not there yet, and how many people need it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import BadForm, NotFound
from arengo.services.progress import WISH
from arengo.services.tracked import Office, Sender, Tracked, nonempty
from arengo.services.wording import clean
from arengo.state.participation import support, wish

SEEN = ("review", "planned", "published", "declined")


@dataclass(frozen=True, slots=True)
class Wish:
    """``planned``: by when, in the state planned. ``dataset``: what it became, in published. ``support``: people."""

    id: str
    title: str
    words: str
    purpose: str
    state: str
    planned: date | None
    dataset: str
    reason: str
    support: int
    created_at: datetime
    updated_at: datetime
    language: str


class Wishes(Tracked):
    def __init__(self, office: Office) -> None:
        super().__init__(office, WISH, wish)

    def send(self, title: str, words: str, purpose: str, sender: Sender) -> Wish:
        """Ask for data. Raises BadForm."""
        values = {
            "title": nonempty(clean(title, 120, line=True), "The title"),
            "words": nonempty(clean(words, 2000), "The description"),
            "purpose": clean(purpose, 1000),
            "planned": None,
            "dataset": "",
            "reason": "",
            "support": 0,
        }
        return self.one(self._enter(values, sender))

    def one(self, id: str) -> Wish:
        """Raises NotFound."""
        return _wish(self.row(id))

    def of(self, states: Sequence[str] = SEEN, limit: int = 200) -> list[Wish]:
        """Wishes by support, then the newest first."""
        chosen = (
            sa.select(wish)
            .where(wish.c.state.in_(list(states)))
            .order_by(wish.c.support.desc(), wish.c.created_at.desc(), wish.c.id)
            .limit(limit)
        )
        with self._office.state.read() as connection:
            return [_wish(row) for row in connection.execute(chosen)]

    def move(
        self, id: str, state: str, words: str = "", *, planned: date | None = None, dataset: str = "", by: str = "city"
    ) -> Wish:
        """Bring a wish further. Raises NotFound, BadForm: planned needs a date, published a dataset."""
        words = clean(words, 1000)
        if state == "planned" and planned is None:
            raise BadForm("A plan needs a date.", todo="Say by when you expect to publish it.")
        if state == "published" and not dataset:
            raise BadForm("No dataset is named.", todo="Say which dataset answers the wish.")
        values: dict[str, Any] = {"reason": words}
        if state == "planned":
            values["planned"] = planned
        if state == "published":
            values["dataset"] = dataset
        told = {"planned": planned.isoformat() if planned else "", "dataset": dataset}
        self._move(id, state, words, by, values, told)
        return self.one(id)

    # Support

    def back(self, id: str, *, browser: str, mail: str = "", language: str = "en") -> bool:
        """ "I need this too", of a browser (a random cookie) or an e-mail address; whether it counts at once.

        An address counts once confirmed, and then in place of the browser it came from. Raises NotFound, BadForm.
        """
        item = self.one(id)
        if item.state not in SEEN or item.state in ("published", "declined"):
            raise BadForm("This request is settled.", todo="Look at what became of it.")
        key, now = self._office.key, self._office.clock()
        seat = key.mark("browser", browser)
        who = key.mark("mail", mail.lower()) if mail else seat
        with self._office.state.write() as connection:
            held = connection.execute(sa.select(support).where(support.c.wish == id, support.c.who == who)).first()
            row = secrets.token_hex(8) if held is None else str(held.id)
            if held is None:
                confirmed = None if mail else now
                connection.execute(
                    support.insert().values(
                        id=row, wish=id, who=who, browser=seat, at=now, mail=mail or None, confirmed_at=confirmed
                    )
                )
                self._recount(connection, id)
            if mail and (held is None or held.confirmed_at is None):
                facts = {"what": "support", "number": id, "label": item.title, "track": f"/wishes/{id}"}
                facts["confirm"] = f"/confirm/support/{row}/{key.secret('confirm support', row)}"
                self._office.letters.put(connection, f"confirm-support-{row}", "confirm", mail, language, facts)
                return False
        return True

    def backs(self, ids: Sequence[str], browser: str) -> frozenset[str]:
        """Which of these wishes a browser supports."""
        if not browser or not ids:
            return frozenset()
        seat = self._office.key.mark("browser", browser)
        chosen = sa.select(support.c.wish).where(
            support.c.wish.in_(list(ids)), support.c.browser == seat, support.c.confirmed_at.is_not(None)
        )
        with self._office.state.read() as connection:
            return frozenset(str(row[0]) for row in connection.execute(chosen))

    def unback(self, id: str, browser: str) -> None:
        """Take support back that this browser gave."""
        seat = self._office.key.mark("browser", browser)
        with self._office.state.write() as connection:
            connection.execute(support.delete().where(support.c.wish == id, support.c.browser == seat))
            self._recount(connection, id)

    def confirm_support(self, row: str, secret: str) -> str:
        """Count the support of a confirmed address; the wish's number. Raises NotFound."""
        if not self._office.key.opens("confirm support", row, secret):
            raise NotFound("This link opens nothing.", todo="Copy it whole from the letter.")
        with self._office.state.write() as connection:
            held = connection.execute(sa.select(support).where(support.c.id == row)).first()
            if held is None:
                raise NotFound("This link opens nothing any more.", todo="Support the request again.")
            if held.confirmed_at is None:
                connection.execute(support.delete().where(support.c.wish == held.wish, support.c.who == held.browser))
                connection.execute(
                    support.update().where(support.c.id == row).values(confirmed_at=self._office.clock(), mail=None)
                )
                self._office.posting.confirmed(connection, held.who)
                self._recount(connection, held.wish)
        return str(held.wish)

    def _recount(self, connection: Connection, id: str) -> None:
        counted = (
            sa.select(sa.func.count())
            .where(support.c.wish == id, support.c.confirmed_at.is_not(None))
            .scalar_subquery()
        )
        connection.execute(wish.update().where(wish.c.id == id).values(support=counted))

    def erase(self, now: datetime, keep_days: int, confirm_days: int) -> int:
        with self._office.state.write() as connection:
            connection.execute(
                support.delete().where(
                    support.c.confirmed_at.is_(None), support.c.at < now - timedelta(days=confirm_days)
                )
            )
        return super().erase(now, keep_days, confirm_days)

    def _entered(self, connection: Connection, id: str, values: Mapping[str, Any], state: str, now: datetime) -> None:
        self._office.events.emit(connection, f"wish.{state}", subject=id, body={"number": id}, at=now)

    def _moved(
        self, connection: Connection, row: Any, state: str, words: str, now: datetime, values: Mapping[str, Any]
    ) -> None:
        if state not in SEEN:
            return
        planned = values.get("planned")
        body = {"number": row.id, "title": row.title, "words": words, "planned": planned.isoformat() if planned else ""}
        kept = {name: value for name, value in body.items() if value}
        dataset = str(values.get("dataset", ""))
        self._office.events.emit(connection, f"wish.{state}", dataset=dataset, subject=row.id, body=kept, at=now)

    def _facts(self, row: Any) -> dict[str, Any]:
        return {"label": row.title}


def _wish(row: Any) -> Wish:
    return Wish(**{name: getattr(row, name) for name in Wish.__slots__})
