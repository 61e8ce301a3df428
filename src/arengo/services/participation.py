"""All services of participation over one city, and what they do by themselves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from arengo.errors import ArengoError, Busy
from arengo.services.amendment import Amendments
from arengo.services.discussion import Discussions
from arengo.services.event import Events
from arengo.services.follow import Follows
from arengo.services.key import Key
from arengo.services.letter import Compose, Letters
from arengo.services.posting import Posting
from arengo.services.progress import AMENDMENT, REUSE
from arengo.services.reading import READINGS, Usage
from arengo.services.reuse import Reuses
from arengo.services.tracked import Office, Tracked, now_utc
from arengo.services.webhook import Webhooks
from arengo.services.wish import Wishes
from arengo.settings import Settings
from arengo.state import State

if TYPE_CHECKING:
    from arengo.catalogue import Catalogue
    from arengo.door import Door

READER = "corrections"
PURGE = timedelta(hours=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for the city."""

    amendments: int
    comments: int
    reuses: int
    wishes: int

    @property
    def total(self) -> int:
        return self.amendments + self.comments + self.reuses + self.wishes


class Participation:
    """``compose``: how letters are said in each language; ``clock``: when it is. Cheap to make; thread-safe."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        door: Door,
        catalogue: Catalogue,
        compose: Compose,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self.settings = settings.participation
        self._state = state
        self.key = Key(settings.home / "participation.key")
        self.events = Events(state)
        self.posting = Posting(settings.participation, state, self.key)
        self.letters = Letters(settings, state, self.key, compose)
        office = Office(state, self.key, self.events, self.letters, self.posting, clock)
        self.amendments = Amendments(office, door)
        self.discussions = Discussions(office, settings.participation)
        self.reuses = Reuses(office)
        self.wishes = Wishes(office)
        self.follows = Follows(office, catalogue, settings.city.timezone)
        self.webhooks = Webhooks(office, settings)
        self.usage = Usage(state, settings.city.timezone)
        self._purged = datetime.min.replace(tzinfo=UTC)
        self._looked = -1

    @property
    def tracked(self) -> dict[str, Tracked]:
        """Kind -> its service."""
        found: tuple[Tracked, ...] = (self.amendments, self.discussions, self.reuses, self.wishes)
        return {item.kind: item for item in found}

    def waiting(self) -> Waiting:
        """How much waits for the city."""
        return Waiting(
            self.amendments.count(*AMENDMENT.waiting),
            self.discussions.waiting_count(),
            self.reuses.count(*REUSE.waiting),
            self.wishes.count("received", "review"),
        )

    def forget(self, address: str) -> None:
        """Erase an e-mail address wherever it stands, its subscriptions with it; what was said stays."""
        import sqlalchemy as sa

        from arengo.state.participation import letter, subscription, support

        who = self.key.mark("mail", address.lower())
        with self._state.write() as connection:
            for item in self.tracked.values():
                item.forget(connection, address)
            connection.execute(subscription.delete().where(subscription.c.who == who))
            connection.execute(sa.update(support).where(support.c.mail == address).values(mail=None))
            connection.execute(letter.delete().where(letter.c.who == who, letter.c.state == "waiting"))

    # By itself

    def turn(self, now: datetime | None = None) -> dict[str, int]:
        """One round: notice publications, see what they corrected, write and send letters, deliver, erase.

        Each part goes on when another fails. For the caretaker; several processes may call it.
        """
        now = now or datetime.now(UTC)
        parts: dict[str, Callable[[], int]] = {
            "events": self._look,
            "corrected": self._compare,
            "letters": lambda: self._tell(now),
            "sent": lambda: self.letters.send(now),
            "delivered": lambda: self.webhooks.turn(now),
        }
        if now - self._purged > PURGE:
            self._purged = now
            parts["erased"] = lambda: self.purge(now)
        done: dict[str, int] = {}
        for name, part in parts.items():
            try:
                done[name] = part()
            except Busy:
                done[name] = 0
            except ArengoError as error:
                _log.warning("%s: %s", name, error)
            except Exception:  # a letter must not wait because a search is broken
                _log.exception("%s", name)
        return done

    def _look(self) -> int:
        generation = self._state.generation()
        if generation == self._looked:
            return 0
        with self._state.hold("participation"):
            found = self.events.look()
        self._looked = generation
        return found

    def _compare(self) -> int:
        """Requests that a newer version fulfils."""
        with self._state.hold("participation"):
            place = self.events.place(READER) or 0
            events = self.events.after(place)
            count = 0
            for dataset in dict.fromkeys(item.dataset for item in events if item.kind == "version.published"):
                count += len(self.amendments.compare(dataset))
            if events:
                with self._state.write() as connection:
                    self.events.keep_place(connection, READER, events[-1].seq)
            return count

    def _tell(self, now: datetime) -> int:
        with self._state.hold("follows"):
            return self.follows.tell(now)

    def count(self) -> int:
        """Write what this process counted of readings."""
        counts = READINGS.take()
        return self.usage.write(counts) if self.settings.usage else 0

    def purge(self, now: datetime) -> int:
        """Erase what is kept no longer; how many addresses."""
        keep, confirm = self.settings.keep_days, self.settings.confirm_days
        count = sum(item.erase(now, keep, confirm) for item in self.tracked.values())
        self.follows.purge(now, confirm)
        self.posting.purge(now)
        self.letters.purge(now)
        self.webhooks.purge(now)
        return count
