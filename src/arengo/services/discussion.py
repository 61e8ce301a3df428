"""Talk about a dataset: threads, replies, the city's answers, and keeping it civil where everybody sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import BadForm, NotFound
from arengo.services.progress import COMMENT
from arengo.services.tracked import Office, Sender, Tracked, nonempty
from arengo.services.wording import clean, has_link
from arengo.settings import ParticipationSettings
from arengo.state.participation import comment, report

MOST_IN_THREAD = 500


@dataclass(frozen=True, slots=True)
class Comment:
    """``state``: pending (waits for the city), shown, hidden (with ``reason``) or withdrawn.

    ``reports``: how often readers called it out of place since the city last looked.
    """

    id: str
    dataset: str
    thread: str
    title: str
    author: str
    words: str
    official: bool
    state: str
    reason: str
    reports: int
    created_at: datetime
    updated_at: datetime
    language: str

    @property
    def opens(self) -> bool:
        """The first of its thread."""
        return self.id == self.thread


@dataclass(frozen=True, slots=True)
class Thread:
    """``first`` and what was answered, oldest first. ``answered``: the city has spoken in it."""

    first: Comment
    replies: tuple[Comment, ...]

    @property
    def answered(self) -> bool:
        return any(item.official and item.state == "shown" for item in self.replies)

    @property
    def last(self) -> datetime:
        return max(item.created_at for item in (self.first, *self.replies))


class Discussions(Tracked):
    def __init__(self, office: Office, settings: ParticipationSettings) -> None:
        super().__init__(office, COMMENT, comment)
        self._settings = settings

    def say(
        self,
        dataset: str,
        words: str,
        sender: Sender,
        *,
        title: str = "",
        author: str = "",
        thread: str = "",
        official: bool = False,
    ) -> Comment:
        """Open a thread (``title``) or reply in one. Raises NotFound for a thread that is not there, BadForm.

        A comment of somebody who is not known, with a link in it, waits for the city or for the confirmation.
        """
        words = nonempty(clean(words), "The comment")
        title = clean(title, 150, line=True)
        author = clean(author, 60, line=True)
        if thread:
            first = self.one(thread)
            if first.dataset != dataset or not first.opens or first.state not in ("shown", "pending"):
                raise NotFound("That thread is not open.", todo="Start a new one.")
            with self._office.state.read() as connection:
                chosen = sa.select(sa.func.count()).where(comment.c.thread == thread)
                if (connection.scalar(chosen) or 0) >= MOST_IN_THREAD:
                    raise BadForm("The thread is full.", todo="Start a new one.")
        else:
            nonempty(title, "The subject")
        rule = self._settings.moderate
        doubtful = rule == "all" or (rule == "links" and has_link(f"{title}\n{author}\n{words}"))
        state = "pending" if doubtful and not official else "shown"
        values = {
            "dataset": dataset,
            "thread": thread,
            "title": "" if thread else title,
            "author": author,
            "words": words,
            "official": official,
            "reason": "",
            "reports": 0,
        }
        return self.one(self._enter(values, sender, state=state, by="city" if official else "sender"))

    def one(self, id: str) -> Comment:
        """Raises NotFound."""
        return _comment(self.row(id))

    def threads(self, dataset: str) -> list[Thread]:
        """The threads of a dataset, the one with the newest word first; without what waits or was taken back whole."""
        chosen = sa.select(comment).where(comment.c.dataset == dataset).order_by(comment.c.created_at, comment.c.id)
        with self._office.state.read() as connection:
            items = [_comment(row) for row in connection.execute(chosen.limit(5000))]
        replies: dict[str, list[Comment]] = {}
        for item in items:
            if not item.opens and item.state != "pending":
                replies.setdefault(item.thread, []).append(item)
        found = [
            Thread(item, tuple(replies.get(item.id, ())))
            for item in items
            if item.opens
            and (item.state == "shown" or (item.state in ("hidden", "withdrawn") and replies.get(item.id)))
        ]
        return sorted(found, key=lambda thread: thread.last, reverse=True)

    def waiting(self, limit: int = 200) -> list[Comment]:
        """What the city should look at: pending ones and those readers reported."""
        chosen = (
            sa.select(comment)
            .where(sa.or_(comment.c.state == "pending", (comment.c.state == "shown") & (comment.c.reports > 0)))
            .order_by(comment.c.created_at)
            .limit(limit)
        )
        with self._office.state.read() as connection:
            return [_comment(row) for row in connection.execute(chosen)]

    def waiting_count(self) -> int:
        chosen = sa.select(sa.func.count()).where(
            sa.or_(comment.c.state == "pending", (comment.c.state == "shown") & (comment.c.reports > 0))
        )
        with self._office.state.read() as connection:
            return int(connection.scalar(chosen) or 0)

    def count_of(self, dataset: str) -> int:
        chosen = sa.select(sa.func.count()).where(comment.c.dataset == dataset, comment.c.state == "shown")
        with self._office.state.read() as connection:
            return int(connection.scalar(chosen) or 0)

    def report(self, id: str, who: str, words: str = "") -> None:
        """A reader says that a comment is out of place; once a reader. Raises NotFound."""
        item = self.one(id)
        if item.state != "shown" or item.official:
            return
        with self._office.state.write() as connection:
            mine = (report.c.comment == id) & (report.c.who == who)
            if connection.scalar(sa.select(report.c.who).where(mine)) is not None:
                return
            connection.execute(
                report.insert().values(comment=id, who=who, words=clean(words, 500), at=self._office.clock())
            )
            connection.execute(comment.update().where(comment.c.id == id).values(reports=comment.c.reports + 1))

    def reports(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """What readers said of comments they reported."""
        chosen = sa.select(report.c.comment, report.c.words).where(report.c.comment.in_(list(ids)))
        out: dict[str, list[str]] = {}
        with self._office.state.read() as connection:
            for row in connection.execute(chosen.order_by(report.c.at)):
                if row.words:
                    out.setdefault(row.comment, []).append(row.words)
        return out

    def move(self, id: str, state: str, words: str = "", by: str = "city") -> Comment:
        """Show or hide. Raises NotFound, BadForm (hiding needs a reason)."""
        words = clean(words, 500)
        self._move(id, state, words, by, {"reports": 0, "reason": words if state == "hidden" else ""})
        return self.one(id)

    def keep(self, id: str) -> None:
        """The city has looked at what readers reported and lets it stand."""
        with self._office.state.write() as connection:
            connection.execute(comment.update().where(comment.c.id == id).values(reports=0))
            connection.execute(report.delete().where(report.c.comment == id))

    def _entered(self, connection: Connection, id: str, values: Mapping[str, Any], state: str, now: datetime) -> None:
        if not values["thread"]:
            connection.execute(comment.update().where(comment.c.id == id).values(thread=id))
        if state == "shown":
            thread = values["thread"] or id
            self._shown(connection, id, values["dataset"], thread, bool(values["official"]), now)

    def _moved(
        self, connection: Connection, row: Any, state: str, words: str, now: datetime, values: Mapping[str, Any]
    ) -> None:
        if state == "shown":
            self._shown(connection, row.id, row.dataset, row.thread, row.official, now)
        elif state == "hidden":
            self._office.events.emit(connection, "comment.hidden", dataset=row.dataset, subject=row.id, at=now)
        if state == "withdrawn":
            connection.execute(comment.update().where(comment.c.id == row.id).values(words="", author="", title=""))

    def _shown(self, connection: Connection, id: str, dataset: str, thread: str, official: bool, now: datetime) -> None:
        body = {"thread": thread, "official": official}
        self._office.events.emit(connection, "comment.shown", dataset=dataset, subject=id, body=body, at=now)
        if official and thread != id:
            first = connection.execute(sa.select(comment).where(comment.c.id == thread)).first()
            if first is not None and first.mail and first.confirmed_at is not None:
                facts = {"what": "comment", "number": thread, "state": "answered", "dataset": dataset, "words": ""}
                facts["track"] = f"/datasets/{dataset}/discussion#c-{id}"
                letter = f"answer-{id}"
                self._office.letters.put(connection, letter, "moved", first.mail, first.language, facts, now=now)

    def _confirmed(self, connection: Connection, row: Any) -> None:
        """A confirmed sender's links need no look beforehand, unless the city looks at everything."""
        if row.state == "pending" and self._settings.moderate != "all":
            now = self._office.clock()
            connection.execute(comment.update().where(comment.c.id == row.id).values(state="shown", updated_at=now))
            self._step(connection, row.id, "shown", "arengo", "", now)
            self._shown(connection, row.id, row.dataset, row.thread, row.official, now)

    def _facts(self, row: Any) -> dict[str, Any]:
        return {"dataset": row.dataset, "label": row.title}


def _comment(row: Any) -> Comment:
    return Comment(**{name: getattr(row, name) for name in Comment.__slots__})
