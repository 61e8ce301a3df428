"""The door itself."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.catalogue.wanted import Snippet
from arengo.door import attendance, documents, reports
from arengo.door.answer import Answer, Encoded
from arengo.door.attendance import Attend, Reading
from arengo.door.cache import Cache
from arengo.door.decision import ANYONE, CITY, Caller, Decision, Judge, OpenJudge, refuse
from arengo.door.documents import Original
from arengo.door.facets import Facet, facet, question
from arengo.door.grant import subject_key, subject_of
from arengo.door.history import PastRow, row_key
from arengo.door.sql.service import Questions
from arengo.door.tally import Tally, allowed
from arengo.door.view import View
from arengo.door.views import Views
from arengo.errors import BadQuery, NotAllowed, UnknownVersion
from arengo.lake.version import Change, Difference, Version
from arengo.privacy.declared import target_of
from arengo.privacy.left_out import bounded
from arengo.privacy.mask import Groups
from arengo.privacy.statistics import Rule
from arengo.query import cursor as cursors
from arengo.query.compile import prepare
from arengo.query.model import Group, Query

if TYPE_CHECKING:
    from arengo.catalogue import Catalogue
    from arengo.door.sql import SqlAnswer, SqlTable
    from arengo.door.sql.grammar import Question
    from arengo.lake import Lake
    from arengo.lake.mirror import TableDocument
    from arengo.settings import Settings


class Door:
    """Everything a face may ask. Thread-safe; one a process.

    ``judge`` decides who may read what; ``groups`` are the hierarchies masks name; ``record`` puts a reading of
    non-open data on record before it is answered, where no face attends to that.
    """

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        lake: Lake,
        judge: Judge | None = None,
        groups: Groups | None = None,
        record: Callable[[Sequence[Reading]], None] = lambda readings: None,
    ) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.record = record
        self._lake = lake
        self.cache: Cache[Encoded] = Cache(settings.engine.cache_bytes)
        self._views = Views(settings, catalogue, lake, judge or OpenJudge(), groups, self.cache)
        self._caller = ANYONE
        self._questions = Questions(self, lake)

    def acting(self, caller: Caller) -> Door:
        """The same door for pages of one visitor: whoever names no caller there asks as ``caller``."""
        if caller == self._caller:
            return self
        other = copy.copy(self)
        other._caller = caller
        return other

    def _as(self, caller: Caller) -> Caller:
        return self._caller if caller is ANYONE or caller == ANYONE else caller

    # ---- deciding -----------------------------------------------------------------------------------------------

    def decide(self, dataset: str, caller: Caller = ANYONE) -> Decision:
        """Whether ``caller`` may read, and why. Raises UnknownDataset."""
        return self._views.decide(dataset, self._as(caller))

    def admit(self, dataset: str, caller: Caller = ANYONE) -> Decision:
        """The decision when it is yes. Raises NotAllowed with who decides, UnknownDataset."""
        return self._views.admit(dataset, self._as(caller))

    def view(self, dataset: str, as_of: str = "", caller: Caller = ANYONE) -> View:
        """What ``caller`` may see of the version meant by ``as_of``.

        Raises UnknownDataset, UnknownVersion, NotAllowed. The contract in force decides, for old versions too; but
        what was not open when it was made is not opened by it.
        """
        return self._views.view(dataset, as_of, self._as(caller))

    def still(self, view: View, caller: Caller) -> None:
        """Raise NotAllowed when what was granted for ``view`` is not granted any more, or only less of it."""
        self._views.still(view, caller)

    def statistics(self, view: View, caller: Caller = ANYONE) -> Rule | None:
        """How groups of ``view`` are told where its contract opens its statistics and not its rows; None elsewhere.

        It is for everybody: whoever has an agreement reads what that grants.
        """
        return self._views.statistics(view, self._as(caller))

    def read(self, view: View, caller: Caller) -> None:
        """Rows of a view are read without an answer of their own."""
        attend = self._attend(view, caller)
        if attend is not None:
            attend.stream(frozenset(item.name for item in view.columns))

    def _attend(self, view: View, caller: Caller) -> Attend | None:
        if view.decision.public or caller == CITY:
            return None
        subject = subject_of(view.contract)
        key = subject_key(view.contract, subject, self._views.secret) if subject else b""
        return Attend(view, caller, key, lambda reading: self.record((reading,)))

    def preview(self, dataset: str, decision: Decision, limit: int, caller: Caller) -> Answer:
        """The first rows as somebody would see them under ``decision``, for who may read all of it.

        Raises NotAllowed when ``caller`` may not, PolicyError when the decision does not fit the data.
        """
        entry = self.catalogue.entry(dataset)
        caller = self._as(caller)
        own = self.view(dataset, "", caller)
        self._views.rows_are_open(own, caller)
        whole = {item.name for item in own.stored.schema if not item.name.startswith("_")} <= own.decision.columns
        if own.decision.partial or (own.cut is not None and not whole):
            raise refuse(entry.contract, own.decision, self.settings.city.contact)
        view = self._views.granted(own.stored, own.contract, decision)
        plan = prepare(Query(dataset, limit=limit), view.scope)
        return Answer(view, plan, self._lake, self.cache, None, self._attend(view, caller))

    # ---- rows ---------------------------------------------------------------------------------------------------

    def ask(self, query: Query, caller: Caller = ANYONE, *, max_rows: int | None = None) -> Answer:
        """Judge a query and give its answer, not computed yet. Raises every CallerError.

        A cursor keeps to the version its first page came from, whatever was published since. ``max_rows``: the
        largest page allowed, None for no limit.
        """
        caller = self._as(caller)
        as_of = query.as_of
        if query.cursor:
            self._views.admit(query.dataset, caller)  # before a word on the cursor
            number = str(cursors.number_of(query.cursor))
            view = self.view(query.dataset, number, caller)
            if as_of and self.view(query.dataset, as_of, caller).version.number != view.version.number:
                raise BadQuery("The cursor belongs to another version than as_of.", todo="Leave one of the two out.")
        else:
            view = self.view(query.dataset, as_of, caller)
        rule = self.statistics(view, caller)
        if rule is not None:
            allowed(query, view)
        plan = prepare(query, view.scope, max_rows=max_rows)
        after = cursors.read(query, view.identity, plan.kinds).values if query.cursor else None
        answer = Answer(view, plan, self._lake, self.cache, after, self._attend(view, caller))
        if rule is None:
            return answer
        newest = self.catalogue.entry(query.dataset).version
        return Tally.over(answer, rule, self._views.secret, newest.number if newest else 0)

    def facets(
        self, query: Query, columns: Iterable[str | Group], limit: int = 10, caller: Caller = ANYONE
    ) -> list[Facet]:
        """The most frequent values of ``columns`` among the rows of ``query``.

        A column's own filter is left out of its facet, so that its other values can still be chosen. A calendar
        unit stands after a colon: ``created_at:year``.
        """
        groups = [item if isinstance(item, Group) else Group(*item.partition(":")[::2]) for item in columns]
        return [facet(self.ask(question(query, group, limit), caller), group) for group in groups]

    # ---- questions in SQL ---------------------------------------------------------------------------------------

    def sql(
        self,
        text: str,
        params: Sequence[Any] | Mapping[str, Any] = (),
        *,
        caller: Caller = ANYONE,
        dialect: str = "duckdb",
        limit: int | None = None,
        seconds: float | None = None,
        as_of: str = "",
        names: Mapping[str, str] | None = None,
        id: str = "",
        max_bytes: int | None = None,
    ) -> SqlAnswer:
        """Judge one SELECT over everything ``caller`` may read, and give its answer, not computed yet.

        Tables are dataset ids (``"street-trees"``, ``street_trees``), ``"street-trees@3"`` and
        ``"street-trees@2026-06-01"`` a version. ``params``: values for ``?`` in order, or for ``$name``. ``dialect``:
        ``duckdb`` or ``postgres``. ``limit``, ``seconds``, ``max_bytes``: None for those of ``[sql]``. ``as_of``: the
        version of tables that name none. ``names``: other table names -> dataset id. ``id``: to stop it by.
        Raises BadSql with the place in the text, NotAllowed, UnknownVersion, TooExpensive.
        """
        return self._questions.ask(
            text,
            params,
            caller=self._as(caller),
            dialect=dialect,
            limit=limit,
            seconds=seconds,
            as_of=as_of,
            names=names,
            id=id,
            max_bytes=max_bytes,
        )

    def sql_tables(self, caller: Caller = ANYONE, after: str = "", limit: int | None = None) -> list[SqlTable]:
        """The tables ``caller`` may ask, with their columns, by id, from the one after ``after``."""
        return self._questions.tables(self._as(caller), after, limit)

    def derive(self, text: str, dialect: str = "duckdb") -> SqlAnswer:
        """A question of the city itself over all its datasets, with the limits of a publication. No face calls it."""
        return self._questions.derive(text, dialect)

    def judged(self, text: str, dialect: str = "duckdb") -> Question:
        """A question judged and not resolved: its tables as it names them. Raises BadSql."""
        return self._questions.judged(text, dialect)

    def stop_sql(self, id: str) -> bool:
        """Stop a question by the id it was given; False when none of that id is being answered."""
        return self._questions.stop(id)

    def close(self) -> None:
        """End the process that answers questions."""
        self._questions.close()

    # ---- versions -----------------------------------------------------------------------------------------------

    def versions(self, dataset: str, caller: Caller = ANYONE) -> tuple[Version, ...]:
        """Retained versions, newest first, as far as they may be told. Raises UnknownDataset, NotAllowed."""
        caller = self._as(caller)
        decision = self._views.admit(dataset, caller)
        return tuple(
            item
            if decision.public and self.catalogue.standing(item).access == "open"
            else self.view(dataset, str(item.number), caller).version
            for item in self._views.readable(dataset, caller)
        )

    def diff(self, dataset: str, before: str, after: str = "", caller: Caller = ANYONE) -> Difference:
        """Counts of what changed between two versions (numbers, dates or times; '' is the newest)."""
        found = self._lake.diff(*self._two(dataset, before, after, caller))
        return replace(found, dataset=dataset)

    def changes(
        self,
        dataset: str,
        before: str,
        after: str = "",
        limit: int = 100,
        after_key: Sequence[Any] = (),
        caller: Caller = ANYONE,
    ) -> list[Change]:
        """Rows added, changed and removed, by primary key, only the granted columns in them.

        ``after_key``: the key of the last change of the page before.
        """
        return self._lake.changes(*self._two(dataset, before, after, caller), limit=limit, after_key=tuple(after_key))

    def history(self, dataset: str, key: Sequence[Any], caller: Caller = ANYONE) -> list[PastRow]:
        """One row through the retained versions, oldest first, an entry for each version that changed it.

        ``key``: its primary key, texts or typed values. Raises BadQuery when the dataset has none.
        """
        caller = self._as(caller)
        view = self.view(dataset, "", caller)
        self._views.rows_are_open(view, caller)
        followed = row_key(view, key)
        views = [self.view(dataset, str(item.number), caller) for item in self._views.readable(dataset, caller)]
        views = [item for item in views if self.statistics(item, caller) is None]
        told = {item.version.number: item.version for item in views}
        found = self._lake.history([self._granted(item) for item in views], followed)
        self.read(view, caller)
        return [PastRow(told[version.number], row) for version, row in found]

    def _granted(self, view: View) -> Version:
        """The version that is read for a view, with the granted columns alone."""
        held = self._lake.cut(view.stored, view.cut) if view.cut else view.stored
        return replace(held, schema=tuple(item for item in held.schema if not item.name.startswith("_")))

    def _two(self, dataset: str, before: str, after: str, caller: Caller) -> tuple[Version, Version]:
        caller = self._as(caller)
        first, second = self.view(dataset, before, caller), self.view(dataset, after, caller)
        for view in (first, second):
            self._views.rows_are_open(view, caller)
        self.read(second, caller)
        return self._granted(first), self._granted(second)

    # ---- documents ----------------------------------------------------------------------------------------------

    def original(self, dataset: str, document: str, as_of: str = "", caller: Caller = ANYONE) -> Original:
        """The file of one document as it was at that version; only for who may read every column.

        Raises UnknownDataset, NotAllowed, UnknownVersion; BadQuery when the dataset holds no such document.
        """
        self._whole(dataset, caller)
        view = self.view(dataset, as_of, caller)
        rows = self.ask(documents.file_of(view, document), caller).rows()
        path = self._lake.original(view.stored, str(rows[0][1])) if rows else None
        if path is None:
            raise UnknownVersion(
                f"{dataset} {view.version.label} keeps no document {document!r}.", todo="See its list of documents."
            )
        return Original(path, str(rows[0][0]), str(rows[0][1]), view.version)

    def pages(self, dataset: str, words: str, limit: int, caller: Caller = ANYONE) -> tuple[Snippet, ...]:
        """Pages of a dataset of documents that have all the words: title, page and where the words stand."""
        if not words.strip() or not self.decide(dataset, caller).public:
            return ()
        if self.statistics(self.view(dataset, "", caller), caller) is not None:
            return ()
        rows = self.ask(documents.pages_with(dataset, words, limit), caller).rows()
        return documents.snippets(dataset, words, rows)

    # ---- tables for other engines -------------------------------------------------------------------------------

    def table(self, dataset: str, root: str, caller: Caller = ANYONE) -> TableDocument:
        """The retained versions as Iceberg table metadata with ``root`` as its address.

        Only for who may read every column as it is, since an engine reads the files themselves.
        Raises UnknownDataset, UnknownVersion, NotAllowed.
        """
        from arengo.lake.mirror import table_document

        return table_document(self._whole(dataset, caller), root)

    def table_file(self, dataset: str, name: str, root: str, caller: Caller = ANYONE) -> bytes | Path:
        """One file of that table: a manifest as bytes, a Parquet file as its path.

        ``name``: what stands after ``root`` in the metadata. Raises also UnknownVersion for a name it has not.
        """
        from arengo.lake.mirror import table_file

        found = table_file(self._whole(dataset, caller), name, root)
        if found is None:
            raise UnknownVersion(f"{dataset} has no file {name!r}.", todo="Load the table again; versions expire.")
        return found

    def table_files(self, dataset: str, caller: Caller = ANYONE) -> list[tuple[str, int, datetime]]:
        """(name, bytes, published at) of the Parquet files of that table, by name."""
        from arengo.lake.mirror import table_files

        return table_files(self._whole(dataset, caller))

    def grants_whole(self, dataset: str, caller: Caller = ANYONE) -> bool:
        """Whether ``caller`` may read all of the newest version as it is, which an engine that takes files needs."""
        caller = self._as(caller)
        if not self.decide(dataset, caller).allowed:
            return False
        view = self.view(dataset, "", caller)
        return view.cut is None and self.statistics(view, caller) is None

    def _whole(self, dataset: str, caller: Caller) -> tuple[Version, ...]:
        caller = self._as(caller)
        self._views.admit(dataset, caller)
        self._views.rows_are_open(self.view(dataset, "", caller), caller)
        versions = []
        for version in self._views.readable(dataset, caller):
            view = self.view(dataset, str(version.number), caller)
            if self.statistics(view, caller) is not None:
                continue  # from before its rows were open
            if view.cut is not None:
                raise NotAllowed(
                    f"What you may read of {dataset} is less than its files hold ({view.decision.rule}).",
                    todo="Ask for its rows, or take a download.",
                )
            self.read(view, caller)
            versions.append(version)
        return tuple(versions)

    # ---- reports and files --------------------------------------------------------------------------------------

    def profile(self, dataset: str, as_of: str = "", caller: Caller = ANYONE) -> dict[str, Any]:
        """The version's profile, only the granted columns in it; {} when there is none."""
        caller = self._as(caller)
        view = self.view(dataset, as_of, caller)
        if self.statistics(view, caller) is not None:
            return {}  # least and largest values are of single persons
        self.read(view, caller)
        body = self._profile(view)
        return {} if body is None else reports.told_profile(view, body)

    def _profile(self, view: View) -> bytes | None:
        if view.cut is None:
            return self._lake.report(view.stored, "profile")
        held = self._lake.cut(view.stored, view.cut)
        path = self._lake.artefact(view.stored, f"{view.cut.name}-profile.json")
        return reports.profile(self._lake, self.settings, held, view.contract, path)

    def quality(self, dataset: str, as_of: str = "", caller: Caller = ANYONE, *, exact: bool = False) -> dict[str, Any]:
        """The version's quality report, only rules about granted columns in it; {} when there is none. How many rows
        are withheld is a bound (:mod:`arengo.privacy.left_out`) unless ``exact``: for who answers for the dataset."""
        caller = self._as(caller)
        view = self.view(dataset, as_of, caller)
        if view.cut is not None or self.statistics(view, caller) is not None:
            return {}  # it counts rows by rules that may look at what is not shown
        self.read(view, caller)
        body = self._lake.report(view.stored, "quality")
        if body is None:
            return {}
        told = reports.told_quality(view, body)
        return told if exact else bounded(told, target_of(view.contract, self.settings))

    def artefact(self, view: View, name: str) -> Path:
        """Path of a disposable file kept beside the version for this view's grants; it may not exist yet."""
        attendance.whole(view)
        mark = view.cut.name if view.cut else view.decision.fingerprint
        if self.statistics(view) is not None:
            mark = f"statistics-{mark}"  # a file of rows that was made before they were closed is never found
        return self._lake.artefact(view.stored, f"{mark}-{name}")

    def scratch(self) -> Path:
        """A folder for files in the making, on the same disk as the artefacts."""
        folder = self.settings.home / "scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
