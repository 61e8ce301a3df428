"""What people made of the data: articles, applications, research, lessons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import BadForm
from arengo.services.progress import REUSE
from arengo.services.tracked import Office, Sender, Tracked, nonempty
from arengo.services.wording import clean, web
from arengo.state.participation import reuse, reuse_dataset

KINDS = ("application", "article", "visualisation", "research", "teaching", "business", "other")
MOST_DATASETS = 20


@dataclass(frozen=True, slots=True)
class Reuse:
    """``kind``: one of :data:`KINDS`. ``datasets``: ids. ``author``: as the maker wants to be called."""

    id: str
    title: str
    words: str
    kind: str
    link: str
    author: str
    datasets: tuple[str, ...]
    state: str
    reason: str
    created_at: datetime
    updated_at: datetime
    language: str


class Reuses(Tracked):
    def __init__(self, office: Office) -> None:
        super().__init__(office, REUSE, reuse)

    def send(
        self, title: str, words: str, kind: str, link: str, author: str, datasets: tuple[str, ...], sender: Sender
    ) -> Reuse:
        """Propose a reuse; the city shows it or says why not. Raises BadForm."""
        if kind not in KINDS:
            raise BadForm(f"There is no kind {kind[:40]!r}.", todo=f"Choose one of {', '.join(KINDS)}.")
        chosen = tuple(dict.fromkeys(datasets))[:MOST_DATASETS]
        if not chosen:
            raise BadForm("No dataset is named.", todo="Choose at least one.")
        values = {
            "title": nonempty(clean(title, 120, line=True), "The title"),
            "words": nonempty(clean(words, 1500), "The description"),
            "kind": kind,
            "link": web(link),
            "author": nonempty(clean(author, 100, line=True), "The author"),
            "reason": "",
        }
        return self.one(self._enter(values, sender, beside={"datasets": chosen}))

    def one(self, id: str) -> Reuse:
        """Raises NotFound."""
        return self._read([self.row(id)])[0]

    def shown(self, dataset: str = "", kind: str = "", limit: int = 100) -> list[Reuse]:
        """What visitors see, newest first; of one dataset or kind when given."""
        chosen = sa.select(reuse).where(reuse.c.state == "shown")
        if dataset:
            mine = sa.select(reuse_dataset.c.reuse).where(reuse_dataset.c.dataset == dataset)
            chosen = chosen.where(reuse.c.id.in_(mine))
        if kind:
            chosen = chosen.where(reuse.c.kind == kind)
        return self._find(chosen.order_by(reuse.c.updated_at.desc(), reuse.c.id).limit(limit))

    def waiting(self, limit: int = 200) -> list[Reuse]:
        return self._find(
            sa.select(reuse).where(reuse.c.state.in_(REUSE.waiting)).order_by(reuse.c.created_at).limit(limit)
        )

    def move(self, id: str, state: str, words: str = "", by: str = "city") -> Reuse:
        """Show, decline or hide. Raises NotFound, BadForm."""
        words = clean(words, 1000)
        self._move(id, state, words, by, {"reason": words if state in ("declined", "hidden") else ""})
        return self.one(id)

    def _entered(self, connection: Connection, id: str, values: Mapping[str, Any], state: str, now: datetime) -> None:
        connection.execute(reuse_dataset.insert(), [{"reuse": id, "dataset": item} for item in values["datasets"]])

    def _moved(
        self, connection: Connection, row: Any, state: str, words: str, now: datetime, values: Mapping[str, Any]
    ) -> None:
        if state in ("shown", "hidden"):
            used = connection.scalars(
                sa.select(reuse_dataset.c.dataset)
                .where(reuse_dataset.c.reuse == row.id)
                .order_by(reuse_dataset.c.dataset)
            ).all()
            for dataset in used or [""]:
                body = {"title": row.title, "link": row.link, "kind": row.kind} if state == "shown" else {}
                self._office.events.emit(
                    connection, f"reuse.{state}", dataset=dataset, subject=row.id, body=body, at=now
                )

    def _facts(self, row: Any) -> dict[str, Any]:
        return {"label": row.title}

    def _find(self, chosen: sa.Select[Any]) -> list[Reuse]:
        with self._office.state.read() as connection:
            rows = connection.execute(chosen).all()
        return self._read(rows)

    def _read(self, rows: Any) -> list[Reuse]:
        used: dict[str, list[str]] = {}
        chosen = sa.select(reuse_dataset).where(reuse_dataset.c.reuse.in_([row.id for row in rows]))
        with self._office.state.read() as connection:
            for pair in connection.execute(chosen.order_by(reuse_dataset.c.dataset)):
                used.setdefault(pair.reuse, []).append(pair.dataset)
        names = [name for name in Reuse.__slots__ if name != "datasets"]
        return [
            Reuse(**{name: getattr(row, name) for name in names}, datasets=tuple(used.get(row.id, ()))) for row in rows
        ]
