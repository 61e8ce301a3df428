"""The door itself."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson

from arengo import __version__
from arengo.catalogue.search import excerpt
from arengo.catalogue.wanted import Snippet
from arengo.contract.model import Contract
from arengo.door import attendance
from arengo.door.answer import Answer, Encoded
from arengo.door.attendance import Attend, Reading
from arengo.door.cache import Cache
from arengo.door.decision import ANYONE, CITY, Caller, Decision, Judge, OpenJudge, refuse
from arengo.door.grant import cut_of, subject_key, subject_of
from arengo.door.sql.service import Questions
from arengo.door.tally import Tally, allowed, refuse_rows
from arengo.door.view import View, make_view
from arengo.errors import BadQuery, NotAllowed, PolicyError, UnknownVersion
from arengo.lake.version import Change, Difference, Version
from arengo.privacy.mask import Context, Groups, secret_of
from arengo.privacy.statistics import Rule
from arengo.query import cursor as cursors
from arengo.query.compile import prepare
from arengo.query.model import Aggregate, Expr, Group, Order, Query
from arengo.query.notation import value
from arengo.query.scope import Field

if TYPE_CHECKING:
    from arengo.catalogue import Catalogue
    from arengo.door.sql import SqlAnswer, SqlTable
    from arengo.door.sql.grammar import Question
    from arengo.lake import Lake
    from arengo.lake.cut import Cut
    from arengo.lake.mirror import TableDocument
    from arengo.settings import Settings


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: Any
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The most frequent values of a column among the matching rows. ``more``: there are others beside them.

    ``value`` None counts the rows where it is unknown.
    """

    column: str
    values: tuple[FacetValue, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Original:
    """The file a document was read from. ``name``: what it was called. ``checksum``: SHA-256 in hexadecimal."""

    path: Path
    name: str
    checksum: str
    version: Version


@dataclass(frozen=True, slots=True)
class PastRow:
    """One row at one version; ``row`` None: it was not there."""

    version: Version
    row: Mapping[str, Any] | None


class _Views:
    """The views made since what readers may see last changed."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str, Caller], View] = {}
        self.generation = -1
        self.guard = threading.Lock()


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
        self.judge: Judge = judge or OpenJudge()
        self.record = record
        self._lake = lake
        self._groups = groups
        self.cache: Cache[Encoded] = Cache(settings.engine.cache_bytes)
        self._views = _Views()
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

    @cached_property
    def secret(self) -> bytes:
        """What pseudonyms are derived from."""
        return secret_of(self.settings.home)

    # ---- deciding -----------------------------------------------------------------------------------------------

    def decide(self, dataset: str, caller: Caller = ANYONE) -> Decision:
        """Whether ``caller`` may read, and why. Raises UnknownDataset."""
        return self._decide(self.catalogue.entry(dataset).contract, self._as(caller))

    def admit(self, dataset: str, caller: Caller = ANYONE) -> Decision:
        """The decision when it is yes. Raises NotAllowed with who decides, UnknownDataset."""
        return self._admit(self.catalogue.entry(dataset).contract, self._as(caller))

    def view(self, dataset: str, as_of: str = "", caller: Caller = ANYONE) -> View:
        """What ``caller`` may see of the version meant by ``as_of``.

        Raises UnknownDataset, UnknownVersion, NotAllowed. The contract in force decides, for old versions too; but
        what was not open when it was made is not opened by it.
        """
        caller = self._as(caller)
        views = self._views
        generation = self.catalogue.generation
        if generation != views.generation:
            with views.guard:
                views.held = {}
                views.generation = generation
        key = (dataset, as_of, caller)
        held = views.held.get(key)
        if held is not None and held.decision.expires is not None and held.decision.expires <= datetime.now(UTC):
            held = None
        if held is None:
            held = self._make_view(dataset, as_of, caller)
            if len(views.held) > 2048:
                views.held = {}
            views.held[key] = held
        if not held.decision.public and caller != CITY:
            attendance.note(held, caller)
        return held

    def _make_view(self, dataset: str, as_of: str, caller: Caller) -> View:
        entry = self.catalogue.entry(dataset)
        self._admit(entry.contract, caller)
        if entry.version is None:
            raise UnknownVersion(
                f"{dataset} has not been published yet.", todo="Try again after its first publication."
            )
        version = self._lake.resolve(dataset, as_of)
        contract = self.catalogue.contract(version)
        if version.number == entry.version.number and _same_shape(contract, entry.contract):
            contract = entry.contract  # corrected words are shown at once, not with the next publication
        standing = self.catalogue.standing(version)
        decision = self._decide(standing, caller, tuple(item.name for item in version.schema))
        if not decision.allowed:
            if standing.access != entry.contract.access:
                raise _not_yet(dataset, version)
            raise refuse(standing, decision, self.settings.city.contact)
        try:
            return self._viewed(version, contract, decision)
        except PolicyError as error:  # it names columns; whoever reads by the rule need not know them
            _log.warning("What %s grants of %s cannot be made: %s", decision.rule, dataset, error)
            raise PolicyError(
                f"What {decision.rule} grants of {dataset} does not fit its data, so nothing is shown.",
                todo=f"Tell {entry.contract.owner or 'the city'}.",
            ) from None

    def _viewed(self, version: Version, contract: Contract, decision: Decision) -> View:
        names = {item.name for item in version.schema if not item.name.startswith("_")}
        cut, rows = None, version.rows
        if decision.partial or not names <= decision.columns or version.extra.get("vault"):
            context = Context(self.secret, decision.purpose, decision.recipient, self._groups)
            cut = cut_of(version, contract, decision, context)
            if cut is not None and cut.where:
                rows = self._rows_of(version, cut)
        return make_view(version, contract, decision, __version__, cut, rows)

    def _rows_of(self, version: Version, cut: Cut) -> int:
        key = f"rows {version.dataset} {version.number} {version.checksum} {cut.name}".encode()
        held = self.cache.get(key)
        if held is None:
            held = Encoded(b"", "", self._lake.count_cut(version, cut))
            self.cache.put(key, held)
        return held.matched or 0

    def _decide(self, contract: Contract, caller: Caller, columns: tuple[str, ...] | None = None) -> Decision:
        return self.judge.decide(contract, columns or tuple(item.name for item in contract.properties), caller)

    def _admit(self, contract: Contract, caller: Caller) -> Decision:
        decision = self._decide(contract, caller)
        if not decision.allowed:
            version = self.catalogue.opening(contract.id)
            if version is not None:
                raise _not_yet(contract.id, version)
            raise refuse(contract, decision, self.settings.city.contact)
        return decision

    def _readable(self, dataset: str, caller: Caller) -> tuple[Version, ...]:
        """Retained versions that ``caller`` may read, newest first: without those made when it was not open."""
        return tuple(
            item
            for item in self._lake.versions(dataset)
            if self._decide(self.catalogue.standing(item), caller, tuple(column.name for column in item.schema)).allowed
        )

    def _attend(self, view: View, caller: Caller) -> Attend | None:
        if view.decision.public or caller == CITY:
            return None
        subject = subject_of(view.contract)
        key = subject_key(view.contract, subject, self.secret) if subject else b""
        return Attend(view, caller, key, lambda reading: self.record((reading,)))

    def still(self, view: View, caller: Caller) -> None:
        """Raise NotAllowed when what was granted for ``view`` is not granted any more, or only less of it."""
        contract = self.catalogue.standing(view.stored)
        now = self._decide(contract, caller, tuple(item.name for item in view.stored.schema))
        if not now.allowed or now.fingerprint != view.decision.fingerprint:
            raise refuse(contract, now, self.settings.city.contact)

    def statistics(self, view: View, caller: Caller = ANYONE) -> Rule | None:
        """How groups of ``view`` are told where its contract opens its statistics and not its rows; None elsewhere.

        It is for everybody: whoever has an agreement reads what that grants.
        """
        if not view.decision.public or self._as(caller) == CITY:
            return None
        return Rule.of(self.catalogue.standing(view.stored).custom)

    def _rows_are_open(self, view: View, caller: Caller) -> None:
        if self.statistics(view, caller) is not None:
            raise refuse_rows(view.dataset)

    def preview(self, dataset: str, decision: Decision, limit: int, caller: Caller) -> Answer:
        """The first rows as somebody would see them under ``decision``, for who may read all of it.

        Raises NotAllowed when ``caller`` may not, PolicyError when the decision does not fit the data.
        """
        entry = self.catalogue.entry(dataset)
        caller = self._as(caller)
        own = self.view(dataset, "", caller)
        self._rows_are_open(own, caller)
        whole = {item.name for item in own.stored.schema if not item.name.startswith("_")} <= own.decision.columns
        if own.decision.partial or (own.cut is not None and not whole):
            raise refuse(entry.contract, own.decision, self.settings.city.contact)
        view = self._viewed(own.stored, own.contract, decision)
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
            self._admit(self.catalogue.entry(query.dataset).contract, caller)  # before a word on the cursor
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
        return Tally.over(answer, rule, self.secret, newest.number if newest else 0)

    def facets(
        self, query: Query, columns: Iterable[str | Group], limit: int = 10, caller: Caller = ANYONE
    ) -> list[Facet]:
        """The most frequent values of ``columns`` among the rows of ``query``.

        A column's own filter is left out of its facet, so that its other values can still be chosen. A calendar
        unit stands after a colon: ``created_at:year``.
        """
        out: list[Facet] = []
        for item in columns:
            group = item if isinstance(item, Group) else Group(*item.partition(":")[::2])
            asked = replace(
                query,
                select=(),
                filter=_without(query.filter, group.column),
                group_by=(group,),
                aggregates=(Aggregate("count"),),
                order_by=(Order("count", True),),
                limit=limit,
                cursor="",
                count=False,
            )
            answer = self.ask(asked, caller)
            held = answer.encoded("facet", lambda given: orjson.dumps(_facet(given)))
            found = orjson.loads(held.body)
            values = tuple(FacetValue(value, count) for value, count in found)
            out.append(Facet(group.name if group.bucket else group.column, values, bool(held.next_cursor)))
        return out

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
        decision = self._admit(self.catalogue.entry(dataset).contract, caller)
        return tuple(
            item
            if decision.public and self.catalogue.standing(item).access == "open"
            else self.view(dataset, str(item.number), caller).version
            for item in self._readable(dataset, caller)
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
        self._rows_are_open(view, caller)
        names = view.scope.key
        if not names:
            raise BadQuery(f"{dataset} has no primary key, so a row cannot be followed.", todo="See its versions.")
        if len(key) != len(names):
            raise BadQuery(f"The key of {dataset} is {', '.join(names)}; {len(key)} values were given.")
        typed = tuple(_key_value(view.scope.fields[name], part) for name, part in zip(names, key, strict=True))
        views = [self.view(dataset, str(item.number), caller) for item in self._readable(dataset, caller)]
        views = [item for item in views if self.statistics(item, caller) is None]
        told = {item.version.number: item.version for item in views}
        found = self._lake.history([self._granted(item) for item in views], typed)
        self.read(view, caller)
        return [PastRow(told[version.number], row) for version, row in found]

    def _granted(self, view: View) -> Version:
        """The version that is read for a view, with the granted columns alone."""
        held = self._lake.cut(view.stored, view.cut) if view.cut else view.stored
        return replace(held, schema=tuple(item for item in held.schema if not item.name.startswith("_")))

    def read(self, view: View, caller: Caller) -> None:
        """Rows of a view are read without an answer of their own."""
        attend = self._attend(view, caller)
        if attend is not None:
            attend.stream(frozenset(item.name for item in view.columns))

    def _two(self, dataset: str, before: str, after: str, caller: Caller) -> tuple[Version, Version]:
        caller = self._as(caller)
        first, second = self.view(dataset, before, caller), self.view(dataset, after, caller)
        for view in (first, second):
            self._rows_are_open(view, caller)
        self.read(second, caller)
        return self._granted(first), self._granted(second)

    # ---- documents ----------------------------------------------------------------------------------------------

    def original(self, dataset: str, document: str, as_of: str = "", caller: Caller = ANYONE) -> Original:
        """The file of one document as it was at that version; only for who may read every column.

        Raises UnknownDataset, NotAllowed, UnknownVersion; BadQuery when the dataset holds no such document.
        """
        self._whole(dataset, caller)
        view = self.view(dataset, as_of, caller)
        if not view.contract.custom.get("arengoDocuments"):
            raise BadQuery(f"{dataset} is no dataset of documents.", todo="Its rows are at /rows.")
        asked = Query(
            dataset,
            select=("file", "checksum"),
            filter={"op": "=", "args": [{"property": "document"}, document]},
            limit=1,
            as_of=str(view.version.number),
        )
        rows = self.ask(asked, caller).rows()
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
        query = Query(dataset, ("document", "page", "title", "text"), search=words, limit=limit)
        out = []
        for document, page, title, text in self.ask(query, caller).rows():
            at = f"/datasets/{quote(dataset)}/documents/{quote(str(document), safe='')}"
            pieces = excerpt(str(text or ""), words) or ((str(title or document), False),)
            out.append(Snippet("page", pieces, f"{at}?{urlencode({'page': page, 'q': words})}", str(title), int(page)))
        return tuple(out)

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
        from arengo.lake import mirror

        versions = mirror.shown(self._whole(dataset, caller))
        folder, _, rest = name.partition("/")
        if folder == "data":
            for version in reversed(versions):
                found = mirror.data_path(version, rest)
                if found is not None:
                    return found
        label, _, sheet = rest.partition("/")
        if folder == "metadata" and sheet in (mirror.LIST, mirror.MANIFEST):
            for version in versions:
                if version.label == label:
                    return mirror.manifests(version, root)[sheet == mirror.MANIFEST]
        raise UnknownVersion(f"{dataset} has no file {name!r}.", todo="Load the table again; versions expire.")

    def table_files(self, dataset: str, caller: Caller = ANYONE) -> list[tuple[str, int, datetime]]:
        """(name, bytes, published at) of the Parquet files of that table, by name."""
        from arengo.lake import mirror

        found = {
            f"data/{mirror.data_name(file.path)}": (file.bytes, version.published_at)
            for version in mirror.shown(self._whole(dataset, caller))
            for file in version.files
        }
        return [(name, size, at) for name, (size, at) in sorted(found.items())]

    def grants_whole(self, dataset: str, caller: Caller = ANYONE) -> bool:
        """Whether ``caller`` may read all of the newest version as it is, which an engine that takes files needs."""
        caller = self._as(caller)
        if not self.decide(dataset, caller).allowed:
            return False
        view = self.view(dataset, "", caller)
        return view.cut is None and self.statistics(view, caller) is None

    def _whole(self, dataset: str, caller: Caller) -> tuple[Version, ...]:
        caller = self._as(caller)
        contract = self.catalogue.entry(dataset).contract
        self._admit(contract, caller)
        self._rows_are_open(self.view(dataset, "", caller), caller)
        versions = []
        for version in self._readable(dataset, caller):
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
        if body is None:
            return {}
        out: dict[str, Any] = orjson.loads(body)
        out["columns"] = {name: item for name, item in out.get("columns", {}).items() if name in view.scope.fields}
        if view.geometry is None:
            out["bbox"] = None
        if out.get("time") and out["time"].get("column") not in view.scope.fields:
            out["time"] = None
        return out

    def _profile(self, view: View) -> bytes | None:
        if view.cut is None:
            return self._lake.report(view.stored, "profile")
        from arengo.door.statistics import profile

        held = self._lake.cut(view.stored, view.cut)
        path = self._lake.artefact(view.stored, f"{view.cut.name}-profile.json")
        return profile(self._lake, self.settings, held, view.contract, path)

    def quality(self, dataset: str, as_of: str = "", caller: Caller = ANYONE) -> dict[str, Any]:
        """The version's quality report, only rules about granted columns in it; {} when there is none."""
        caller = self._as(caller)
        view = self.view(dataset, as_of, caller)
        if view.cut is not None or self.statistics(view, caller) is not None:
            return {}  # it counts rows by rules that may look at what is not shown
        self.read(view, caller)
        body = self._lake.report(view.stored, "quality")
        if body is None:
            return {}
        out: dict[str, Any] = orjson.loads(body)
        known = {item.name for item in view.version.schema}
        hidden = known - set(view.scope.fields)
        out["rules"] = [rule for rule in out.get("rules", []) if rule.get("column") not in hidden]
        return out

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


def _not_yet(dataset: str, version: Version) -> NotAllowed:
    return NotAllowed(
        f"{dataset} {version.label} was made when the dataset was not open, and it was judged for few readers.",
        todo="The version of the first publication after it was opened is open.",
    )


def _same_shape(one: Contract, other: Contract) -> bool:
    """Whether two contracts of a dataset describe the same rows, whatever words they use."""
    if one is other:
        return True
    shapes = [[(item.name, item.kind, item.key_position) for item in contract.properties] for contract in (one, other)]
    return shapes[0] == shapes[1] and one.geometry == other.geometry


def _facet(answer: Answer) -> list[list[Any]]:
    rows = [list(row) for row in answer.rows()]
    for row in rows:
        if isinstance(row[0], float) and row[0] != row[0]:
            row[0] = None
    return rows


def _without(expr: Expr, column: str) -> Expr:
    """A filter without the top-level conditions that look at ``column`` alone."""
    if expr is None:
        return None
    parts = expr["args"] if isinstance(expr, dict) and expr.get("op") == "and" else [expr]
    kept = [part for part in parts if set(_names(part)) != {column}]
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else {"op": "and", "args": kept}


def _names(expr: Any) -> Iterator[str]:
    if isinstance(expr, dict):
        if isinstance(expr.get("property"), str):
            yield expr["property"]
        for part in expr.values():
            yield from _names(part)
    elif isinstance(expr, (list, tuple)):
        for part in expr:
            yield from _names(part)


def _only(row: Mapping[str, Any] | None, granted: frozenset[str]) -> Mapping[str, Any] | None:
    return None if row is None else {name: item for name, item in row.items() if name in granted}


def _key_value(field: Field, part: Any) -> Any:
    if not isinstance(part, str):
        return part
    from arengo.query.literal import Node, fit

    found = value(field, part)
    if isinstance(found, dict):
        found = next(iter(found.values()))
    return fit(found, Node("", kind=field.kind, column=field.name)).literal
