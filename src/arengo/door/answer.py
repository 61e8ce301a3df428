"""An answer that has not been computed yet: it knows its ETag before it costs anything."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from arengo.contract.model import Kind
from arengo.door import form
from arengo.door.cache import Cache
from arengo.door.view import View
from arengo.door.watch import Watch
from arengo.query import cursor as cursors
from arengo.query.compile import ROW, Output, Plan, Statement
from arengo.query.model import Query
from arengo.query.scope import quote

if TYPE_CHECKING:
    import pyarrow as pa

    from arengo.door.attendance import Attend
    from arengo.lake import Access, Lake, Relation
    from arengo.lake.version import Version

BATCH = 32_768


class AnswerColumn(NamedTuple):
    name: str
    kind: Kind
    title: str
    unit: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """A finished body with what its headers need. ``matched``: None when nobody asked.

    ``rows``, ``subjects``: how many rows it was made of and the keyed digests of the persons in them, None when that
    cannot be said.
    """

    body: bytes
    next_cursor: str = ""
    matched: int | None = None
    returned: int = 0
    subjects: tuple[str, ...] | None = ()
    rows: int | None = None

    @property
    def size(self) -> int:
        return len(self.body) + len(self.next_cursor)


class Features(NamedTuple):
    """``rows``: the values of :attr:`Answer.properties`, then others. ``key``: where in a row the view's key is;
    ``place``: where its GeoJSON text is (one position) or its x and y (two). Unknown places are None."""

    rows: list[tuple[Any, ...]]
    key: tuple[int, ...]
    place: tuple[int, ...]


class Answer:
    """Rows of one query over one view.

    ``columns``: name, kind, title and unit of each value of a row. ``etag``: strong; a face adds its form with
    :meth:`tag`. Nothing runs before :meth:`rows`, :meth:`batches`, :attr:`next_cursor` or :attr:`matched`.
    Running may raise TooExpensive.
    """

    def __init__(
        self,
        view: View,
        plan: Plan,
        lake: Lake,
        cache: Cache[Encoded],
        after: tuple[Any, ...] | None,
        attend: Attend | None = None,
    ) -> None:
        self.view = view
        self._attend = attend
        self._subjects: tuple[str, ...] | None = ()
        self._rows: int | None = None
        self._version: Version | None = None
        self.plan = plan
        self._lake = lake
        self._cache = cache
        self._after = after
        self._digest = blake2b(view.identity.encode(), digest_size=16)
        self._digest.update(cursors.canonical(plan.query))
        self._columns: tuple[AnswerColumn, ...] | None = None
        self._next: str | None = None
        self._matched: int | None = None
        self._found: Sequence[int] | None = None
        self._searched = False
        self._held: Relation | None = None

    @property
    def query(self) -> Query:
        return self.plan.query

    @property
    def etag(self) -> str:
        return f'"{self._digest.hexdigest()}"'

    def tag(self, kind: str) -> str:
        """The strong ETag of this answer in one form (media type and its options)."""
        digest = self._digest.copy()
        digest.update(kind.encode())
        return f'"{digest.hexdigest()}"'

    @property
    def columns(self) -> tuple[AnswerColumn, ...]:
        if self._columns is None:
            self._columns = tuple(self._column(item) for item in self.plan.outputs)
        return self._columns

    def _column(self, item: Output) -> AnswerColumn:
        if item.column and item.name == item.column:
            found = self.view.column(item.column)
            return AnswerColumn(item.name, item.kind, found.title, found.unit)
        return AnswerColumn(item.name, item.kind, item.name.replace("_", " "), "")

    # ---- rows ---------------------------------------------------------------------------------------------------

    def rows(self, geometry: str = "wkb") -> list[tuple[Any, ...]]:
        """All rows of the page. Dates and times are Python's, timestamps UTC without zone.

        ``geometry``: how geometry columns come: ``wkb`` (bytes), ``geojson`` or ``wkt`` (text).
        """
        return [row[: len(self.plan.outputs)] for row in self._page(self._forms(geometry), ())]

    def numbered(self, geometry: str = "wkb") -> list[tuple[Any, ...]]:
        """:meth:`rows` (not of groups) with each row's number in the dataset, from 1, behind its values.

        A row keeps its number through versions that change other rows.
        """
        return [row[: len(self.plan.outputs) + 1] for row in self._page(self._forms(geometry), (f"{ROW} + 1",))]

    def features(self) -> Features:
        """Rows for features. Columns that are shown anyway are fetched once."""
        shown = [item for item in self.plan.outputs if item.kind is not Kind.GEOMETRY]
        at = {item.sql: i for i, item in enumerate(shown)}
        extra: list[str] = []

        def where(sql: str) -> int:
            if sql not in at:
                at[sql] = len(shown) + len(extra)
                extra.append(sql)
            return at[sql]

        geometry = self.view.geometry
        key = tuple(where(quote(name)) for name in self.view.scope.key)
        place: tuple[int, ...] = ()
        if geometry is not None and geometry.stored:
            place = (where(f"CAST({form.place(geometry, 'geojson')} AS VARCHAR)"),)
        elif geometry is not None:
            place = (where(quote(geometry.x)), where(quote(geometry.y)))
        return Features(self._page([item.sql for item in shown], extra, shown), key, place)

    @property
    def properties(self) -> tuple[AnswerColumn, ...]:
        """The columns of a feature beside its geometry."""
        return tuple(item for item in self.columns if item.kind is not Kind.GEOMETRY)

    def batches(
        self,
        geometry: str = "wkb",
        *,
        rows: int = BATCH,
        seconds: float = 0,
        place: bool = False,
        cover: bool = False,
        number: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow batches in bounded memory, in the order of :meth:`rows`; closing it stops the query.

        ``seconds``: limit of the time spent reading, 0 for none; waiting for who takes the batches does not count.
        ``place``: add a column, the row's place as WKB. ``cover``: add five more, its box (xmin, ymin, xmax, ymax)
        and its geometry type. ``number``: add the row's number as :meth:`numbered` does. All added ones come last,
        named ``__x0``, ...
        """
        extra: tuple[str, ...] = ()
        if self.view.geometry is not None:
            extra = (form.place(self.view.geometry, "wkb"),) if place else ()
            extra += form.cover(self.view.geometry) if cover else ()
        extra += (f"{ROW} + 1",) if number else ()
        return self._stream(self._forms(geometry), extra, self.plan.outputs, rows, seconds)

    def cells(self, *, safe: bool = False, rows: int = BATCH, seconds: float = 0) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow batches for CSV: times and geometries are texts. ``safe``: no text starts a formula."""
        outputs = [form.cell(item, safe) for item in self.plan.outputs]
        return self._stream(outputs, (), self.plan.outputs, rows, seconds)

    def lines(self, kind: str, *, rows: int = BATCH, seconds: float = 0) -> Iterator[bytes]:
        """The rows as pieces of text: ``ndjson`` (a line end after each), ``geojson`` (a comma before each feature)."""
        if kind == "geojson":
            geometry = self.view.geometry
            assert geometry is not None
            key = [(name, self.view.scope.fields[name].kind) for name in self.view.scope.key]
            sql = form.feature_line(self.plan.outputs, geometry, key)
        else:
            sql = form.json_line(self.plan.outputs)
        line = Output("line", Kind.STRING, sql)
        for batch in self._stream([sql], (), (line,), rows, seconds):
            yield joined(batch)

    def _stream(
        self, outputs: Sequence[str], extra: Sequence[str], shown: Sequence[Output], rows: int, seconds: float
    ) -> Iterator[pa.RecordBatch]:
        if self._attend is not None:
            self._attend.stream(self.plan.columns)
        statement = self._statement(self._relation(), outputs, extra, self.query.limit, shown)
        keep = list(range(len(outputs) + len(extra)))
        watch = Watch(seconds)
        with self._lake.engine.execute("SELECT 1", seconds=0) as found:  # a cursor; the watch keeps its time
            with watch.on(found):
                found.execute(statement.sql, list(statement.params))
                batches = found.to_arrow_reader(rows)
            while True:
                with watch.on(found):
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch.select(keep) if batch.num_columns > len(keep) else batch
                del batch

    @property
    def next_cursor(self) -> str:
        """Cursor of the next page, '' after the last one."""
        if self._next is None:
            self.rows()
        return self._next or ""

    @property
    def matched(self) -> int:
        """How many rows (or groups) there are on all pages. Free when nothing is filtered."""
        if self._matched is None:
            self._matched = self._count()
        return self._matched

    def encoded(self, kind: str, make: Callable[[Answer], bytes]) -> Encoded:
        """The answer as bytes in the form ``kind``, from the cache or made now by ``make`` and kept."""
        key = self.tag(kind).encode()
        held = self._cache.get(key)
        if held is None:
            body = make(self)
            matched = self.matched if self.query.count else None
            held = Encoded(body, self._next or "", matched, subjects=self._subjects, rows=self._rows)
            self._cache.put(key, held)
        elif self._attend is not None:
            self._attend.seen(self.plan.columns, held.rows, held.subjects)
        return held

    def peek(self, kind: str) -> Encoded | None:
        """The answer in the form ``kind`` when it is in the cache."""
        held = self._cache.get(self.tag(kind).encode())
        if held is not None and self._attend is not None:
            self._attend.seen(self.plan.columns, held.rows, held.subjects)
        return held

    # ---- running ------------------------------------------------------------------------------------------------

    def _page(
        self, outputs: Sequence[str], extra: Sequence[str], shown: Sequence[Output] | None = None
    ) -> list[tuple[Any, ...]]:
        relation = self._relation()
        limit = self.query.limit
        attend = self._attend
        person = attend.person if attend is not None and not self.plan.grouped else ""
        told = (*extra, person) if person else tuple(extra)
        statement = self._statement(relation, outputs, told, None if limit is None else limit + 1, shown)
        started = time.perf_counter()
        with self._lake.engine.execute(statement.sql, statement.params) as found:
            rows: list[tuple[Any, ...]] = found.fetchall()
        self._record(relation, time.perf_counter() - started)
        self._next = ""
        more = limit is not None and len(rows) > limit
        if attend is not None:
            at = len(outputs) + len(extra)
            held = [row[at] for row in (rows[:limit] if more else rows)] if person else []
            self._rows = len(rows) - more
            self._subjects = attend.page(self.plan.columns, self._rows, held if person else None)
        if more:
            del rows[limit:]
            values = rows[-1][-statement.cursor :] if statement.cursor else ()
            if values:
                self._next = cursors.write(self.query, self.view.version.number, self.view.identity, values)
        return rows

    def _statement(
        self,
        relation: Relation,
        outputs: Sequence[str],
        extra: Sequence[str],
        limit: int | None,
        shown: Sequence[Output] | None = None,
    ) -> Statement:
        return self.plan.select(
            relation.sql,
            tuple(relation.params),
            found=self._search(),
            after=self._after,
            limit=limit,
            outputs=outputs,
            shown=shown,
            extra=extra,
            scan_order=self.plan.comes_sorted(self._order(relation)),
        )

    def _relation(self) -> Relation:
        """Where to read: the few rows an index names, else the copy that leaves least to read."""
        if self._held is None:
            self._held = self._few() or self._lake.relation(self.version, self._access())
        return self._held

    @property
    def version(self) -> Version:
        """The version that is read: the stored one, or the cut of it that is granted."""
        if self._version is None:
            view = self.view
            self._version = self._lake.cut(view.stored, view.cut) if view.cut else view.stored
        return self._version

    def _order(self, relation: Relation) -> tuple[str, ...] | None:
        """The order a scan comes in: a copy's own; that of ``_row`` when one file holds the version."""
        one_file = relation.layout == "parquet" and len(self.version.files) == 1
        return () if one_file else relation.order

    def _few(self) -> Relation | None:
        """Rows that an index names one by one: by primary key, or the words of a page in the order of the rows."""
        version, limit = self.version, self.query.limit
        key = self.plan.row
        if key is not None:
            rows = self._lake.locate(version, key)
            return None if rows is None else self._lake.fetch(version, rows)
        plain = self.query.search.strip() and not self.plan.conditions and not self.plan.grouped
        if not plain or limit is None or self.query.order_by:
            return None
        after = int(self._after[0]) if self._after else -1
        rows = self._lake.search(version, self.query.search, limit + 1, self.view.contract.language, after)
        held = None if rows is None else self._lake.fetch(version, rows)
        if held is not None:
            self._searched, self._found = True, rows
        return held

    def _access(self) -> Access:
        from arengo.lake import Access

        order = tuple(f"{'-' if item.descending else ''}{item.column}" for item in self.query.order_by)
        return Access(
            equals=self.plan.equals,
            order=() if self.plan.grouped else order,
            box=self.plan.spatial,
            time=bool(self.query.datetime),
            columns=self.plan.columns,
        )

    def _search(self) -> Sequence[int] | None:
        """All rows the word index names; None when nobody searches or there is no index."""
        if not self._searched:
            self._searched = True
            if self.query.search.strip():
                self._found = self._lake.search(self.version, self.query.search, None, self.view.contract.language)
        return self._found

    def _count(self) -> int:
        if self._attend is not None:
            self._attend.counted(self.plan.columns)
        if not self.plan.grouped and not self.plan.conditions and not self.query.search.strip():
            return self.view.version.rows
        key = blake2b(self.view.identity.encode(), digest_size=16)
        key.update(cursors.question(self.query))
        name = b"count" + key.digest()
        held = self._cache.get(name)
        if held is None:
            relation = self._lake.relation(self.version, self._access())
            found_all = self._lake.search(self.version, self.query.search) if self.query.search.strip() else None
            if found_all is not None and not self.plan.conditions and not self.plan.grouped:
                return len(found_all)
            statement = self.plan.count(relation.sql, tuple(relation.params), found=found_all)
            with self._lake.engine.execute(statement.sql, statement.params) as found:
                row = found.fetchone()
            held = Encoded(b"", "", int(row[0]) if row else 0)
            self._cache.put(name, held)
        return held.matched or 0

    def _forms(self, geometry: str) -> list[str]:
        return [form.value(item, geometry) for item in self.plan.outputs]

    def _record(self, relation: Relation, seconds: float) -> None:
        if relation.layout != "rows" and self.view.cut is None:
            self._lake.record_usage(self.view.dataset, self._access(), seconds * 1000)


def joined(batch: pa.RecordBatch) -> bytes:
    """The texts of a one-column batch, one after the other: Arrow holds them so already."""
    import pyarrow as pa

    texts = batch.column(0)
    if texts.null_count or not pa.types.is_string(texts.type):
        return "".join(text or "" for text in texts.to_pylist()).encode()
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return b""
    bounds = memoryview(offsets).cast("i")
    start, end = bounds[texts.offset], bounds[texts.offset + len(texts)]
    return bytes(memoryview(data)[start:end])
