"""The door's side of questions: judged texts are remembered, running ones can be stopped by id."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from arengo.door.decision import CITY, Caller
from arengo.door.sql import tables, tally
from arengo.door.sql.answer import SqlAnswer
from arengo.door.sql.grammar import Question, bounded, judge
from arengo.door.sql.sandbox import Sandbox
from arengo.door.sql.tables import SqlTable
from arengo.errors import BadQuery, NotAllowed
from arengo.query.scope import nearest

if TYPE_CHECKING:
    from arengo.door.door import Door
    from arengo.lake import Lake

ROWS = 1_000_000_000
"""Most rows of a dataset made of others."""
SECONDS = 3600.0
"""What such a dataset may take."""
DIALECTS = ("duckdb", "postgres")
_REMEMBERED = 512


class Questions:
    """Thread-safe; one a door. Nothing is started before the first question."""

    def __init__(self, door: Door, lake: Lake) -> None:
        self._door = door
        self._lake = lake
        self._sandbox: Sandbox | None = None
        self._apart: Sandbox | None = None
        self._guard = threading.Lock()
        self._judged: OrderedDict[tuple[str, str], Question] = OrderedDict()
        self._answers: WeakValueDictionary[str, SqlAnswer] = WeakValueDictionary()

    @property
    def sandbox(self) -> Sandbox:
        with self._guard:
            if self._sandbox is None:
                self._sandbox = Sandbox(self._door.settings, self._door.settings.sql.parallel)
            return self._sandbox

    def ask(
        self,
        text: str,
        params: Sequence[Any] | Mapping[str, Any],
        *,
        caller: Caller,
        dialect: str,
        limit: int | None,
        seconds: float | None,
        as_of: str,
        names: Mapping[str, str] | None,
        id: str,
        max_bytes: int | None,
    ) -> SqlAnswer:
        own = self._door.settings.sql
        if not own.enabled:
            raise NotAllowed("This city answers no questions in SQL.", todo="Ask the rows API of a dataset.")
        most = own.max_rows if limit is None else limit
        if most < 0:
            raise BadQuery(f"limit is {most}, and an answer has 0 rows or more.")
        question = self.judged(text, dialect)
        reads = tables.resolve(self._door, question, caller, as_of.strip(), names)
        for read in reads:  # at once: a finished body may be answered again without a row being read
            self._door.read(read.view, caller)
        statistics = any(self._door.statistics(read.view, caller) is not None for read in reads)
        answer = (tally.TallySqlAnswer if statistics else SqlAnswer)(
            question,
            reads,
            params,
            self._lake,
            self.sandbox,
            limit=most,
            seconds=own.seconds if seconds is None else seconds,
            max_bytes=own.max_bytes if max_bytes is None else max_bytes,
            id=id,
        )
        if isinstance(answer, tally.TallySqlAnswer):
            answer._digest.update(b"\0statistics")  # never the body of who reads everything
            answer.asked = tally.read(question, reads, answer.params)
            answer.answer = self._door.ask(answer.asked.query, caller)
        self._answers[answer.id] = answer
        return answer

    def derive(self, text: str, dialect: str) -> SqlAnswer:
        """A question of the city itself: its own process and turn, the limits of a publication, every row."""
        settings = self._door.settings
        question = self.judged(text, dialect)
        reads = tables.resolve(self._door, question, CITY, "", None)
        with self._guard:
            if self._apart is None:
                self._apart = Sandbox(settings, settings.publish.parallel)
            apart = self._apart
        return SqlAnswer(
            question,
            reads,
            (),
            self._lake,
            apart,
            limit=ROWS,
            seconds=SECONDS,
            max_bytes=settings.sources.max_bytes,
            memory=settings.engine.job_memory,
        )

    def judged(self, text: str, dialect: str) -> Question:
        """The judged question of a text. Raises BadSql, BadQuery for another dialect."""
        if dialect not in DIALECTS:
            raise BadQuery(f"There is no dialect {dialect!r} here.", todo=nearest(dialect, DIALECTS))
        bounded(text)
        key = (text, dialect)
        with self._guard:
            held = self._judged.get(key)
            if held is not None:
                self._judged.move_to_end(key)
        if held is None:
            held = judge(*self.sandbox.parse(text, dialect))
            with self._guard:
                self._judged[key] = held
                while len(self._judged) > _REMEMBERED:
                    self._judged.popitem(last=False)
        return held

    def tables(self, caller: Caller, after: str, limit: int | None) -> list[SqlTable]:
        return tables.listed(self._door, caller, after, limit)

    def stop(self, id: str) -> bool:
        found = self._answers.get(id)
        if found is None:
            return False
        found.stop()
        return True

    def close(self) -> None:
        with self._guard:
            for sandbox in (self._sandbox, self._apart):
                if sandbox is not None:
                    sandbox.close()
            self._sandbox = self._apart = None
