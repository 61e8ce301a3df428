"""What an assistant can do: find, describe, ask, compare. Each is a function of the desk and what was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from pydantic import BaseModel

from arengo.catalogue import Record, Wanted, say
from arengo.contract.vocabulary import licence
from arengo.door import Caller, View
from arengo.errors import BadQuery, NotAllowed, UnknownDataset
from arengo.faces import page
from arengo.faces.mcp import shapes
from arengo.faces.site import JSON_OPTIONS, Site, plain, segment
from arengo.query import Query, cql2
from arengo.query.model import Expr
from arengo.query.notation import aggregates, groups, orders
from arengo.services.reading import READINGS

LARGEST = 60_000
"""Bytes of rows in one answer: what an assistant can hold in mind beside the conversation."""
SPOOLED = 2_000_000
"""Bytes of an answer in SQL before it is cut to fit; beyond that the question is refused."""
SHORT = 300
"""Characters of a description in a list."""
SHOWN_VALUES = 12
SHOWN_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class Desk:
    """The rooms, who asks, and what stands before addresses. ``agent``: what the program calls itself."""

    site: Site
    caller: Caller
    base: str
    agent: bytes = b""

    @property
    def language(self) -> str:
        return self.site.settings.city.language.split("-")[0]

    def page(self, dataset: str) -> str:
        return f"{self.base}/datasets/{segment(dataset)}"

    def source(self, view: View) -> shapes.Source:
        """What to name beside an answer; the reading is counted."""
        READINGS.count(view.dataset, "mcp", self.agent)
        contract = view.contract
        known = licence(contract.licence) if contract.licence else None
        return shapes.Source(
            dataset=view.dataset,
            title=contract.title(self.language),
            version=view.version.number,
            published=view.version.published_at.isoformat(),
            licence=known.label(self.language) if known else contract.licence,
            attribution=contract.owner or self.site.settings.city.name,
            page=self.page(view.dataset),
        )


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. ``slow``: it takes turns with the questions in SQL."""

    name: str
    title: str
    description: str
    given: type[BaseModel]
    told: type[BaseModel]
    run: Callable[[Desk, Any], BaseModel]
    slow: bool = False


# ---- the catalogue ------------------------------------------------------------------------------------------------


def search_datasets(desk: Desk, given: shapes.Search) -> shapes.Found:
    only = {"theme": (given.theme.upper(),) if given.theme else (), "owner": (given.owner,) if given.owner else ()}
    west, south, east, north = given.bbox or (0.0, 0.0, 0.0, 0.0)
    wanted = Wanted(
        given.words,
        desk.language,
        only={name: values for name, values in only.items() if values},
        bbox=(west, south, east, north) if given.bbox else None,
        since=given.since,
        start=given.start,
        limit=given.limit,
        where=("not", ("facet", "source", "*")) if given.held_here else (),
    )
    found = desk.site.catalogue.search(wanted)
    end = given.start + given.limit
    return shapes.Found(
        total=found.total,
        datasets=[_brief(desk, hit.record) for hit in found.hits],
        corrected=found.corrected,
        relaxed=found.relaxed,
        next_start=end if end < found.total else None,
    )


def list_datasets(desk: Desk, given: shapes.Listing) -> shapes.Listed:
    found = list(desk.site.catalogue.records(after=given.after, limit=given.limit + 1, local_only=True))
    shown = found[: given.limit]
    return shapes.Listed(
        total=desk.site.catalogue.count(local_only=True),
        datasets=[_brief(desk, record, columns=False) for record in shown],
        next_after=shown[-1].id if len(found) > given.limit else None,
    )


def _brief(desk: Desk, record: Record, columns: bool = True) -> shapes.Brief:
    text = say(record.description, desk.language)[0]
    return shapes.Brief(
        id=record.id,
        title=say(record.title, desk.language)[0],
        description=text if len(text) <= SHORT else f"{text[:SHORT]}…",
        owner=record.publisher.id if record.publisher else "",
        access=record.access if record.access in ("open", "shared") else "closed",  # type: ignore[arg-type]
        held_here=record.local,
        themes=list(record.themes),
        licence=record.licence,
        rows=record.rows,
        version=record.version,
        updated=record.modified.isoformat() if record.modified else None,
        columns=[item.name for item in record.columns][:SHOWN_COLUMNS] if columns else [],
        page=desk.page(record.id),
    )


def describe_dataset(desk: Desk, given: shapes.Describe) -> shapes.Described:
    record = desk.site.catalogue.record(given.dataset)
    about = _brief(desk, record, columns=False)
    about.description = say(record.description, desk.language)[0][:5000]
    told = shapes.Described(
        about=about,
        may_read=False,
        period=[day.isoformat() if day else None for day in record.temporal],
        bbox=list(record.spatial) if record.spatial else None,
        versions=record.versions,
        downloads={item.id: _whole(desk, item.download_url or item.access_url) for item in record.distributions[:20]},
    )
    if not record.local:
        told.why_not = "The rows are not held here; see the downloads and the page."
        return told
    told.related = [item.record.id for item in desk.site.catalogue.related(record.id, 6)]
    try:
        view = desk.site.door.view(record.id, given.as_of, desk.caller)
    except NotAllowed as refusal:
        told.why_not = str(refusal)
        return told
    facts = desk.site.door.profile(record.id, given.as_of, desk.caller).get("columns", {})
    checks = desk.site.door.quality(record.id, given.as_of, desk.caller)
    told.may_read = True
    told.source = desk.source(view)
    told.columns = [_column(item, facts.get(item.name, {})) for item in view.columns]
    told.key = list(view.scope.key)
    told.time_column = view.scope.time
    told.places = view.geometry is not None
    told.limitations = view.contract.limitations
    if checks:
        told.quality = f"{checks.get('passed', 0)} checks passed, {checks.get('failed', 0)} failed."
    return told


def _column(item: Any, facts: Mapping[str, Any]) -> shapes.Column:
    declared = item.declared
    values = [
        shapes.Value(value=top["value"], count=top["count"])
        for top in (facts.get("top") or ())[:SHOWN_VALUES]
        if len(str(top["value"])) <= 80
    ]
    return shapes.Column(
        name=item.name,
        kind=item.kind,
        title=item.title,
        description=declared.description if declared else "",
        unit=item.unit,
        required=item.required,
        unknown=facts.get("nulls"),
        distinct=facts.get("distinct"),
        min=facts.get("min"),
        max=facts.get("max"),
        values=values,
    )


def _whole(desk: Desk, address: str) -> str:
    return f"{desk.base}{address}" if address.startswith("/") else address


# ---- rows ---------------------------------------------------------------------------------------------------------


def query_dataset(desk: Desk, given: shapes.Ask) -> shapes.Rows:
    view = desk.site.door.view(_held(desk, given.dataset), given.as_of, desk.caller)
    grouped = bool(given.group_by or given.aggregate)
    select = tuple(given.select)
    if not select and not grouped:  # shapes fill an answer; whoever wants them names the column
        place = view.geometry.column if view.geometry is not None and view.geometry.stored else ""
        select = tuple(name for name in view.scope.fields if name != place) if place else ()
    query = Query(
        given.dataset,
        select=select,
        filter=_filter(given.filter),
        group_by=tuple(item for name in given.group_by for item in groups(_named(name))),
        aggregates=tuple(item for name in given.aggregate for item in aggregates(_named(name))),
        order_by=tuple(item for name in given.order_by for item in orders(_named(name))),
        limit=given.limit,
        cursor=given.cursor,
        bbox=_box(given.bbox),
        datetime=given.datetime.strip(),
        as_of=given.as_of.strip(),
        search=given.search,
        count=True,
    )
    body, cut = _page(desk, query)
    return shapes.Rows(
        rows=body["items"],
        returned=body["returned"],
        matched=body["matched"],
        cut=cut,
        next=body["next"],
        source=desk.source(desk.site.door.view(given.dataset, str(body["version"]), desk.caller)),
    )


def _page(desk: Desk, query: Query) -> tuple[dict[str, Any], bool]:
    """(one page as the rows API writes it, whether it was made shorter to fit)."""
    cut = False
    while True:
        answer = desk.site.door.ask(query, desk.caller, max_rows=500)
        body: dict[str, Any] = orjson.loads(page.render(answer, "json"))
        fits = _fitting(body["items"])
        if fits == len(body["items"]):
            return body, cut
        if fits == 0:
            raise BadQuery("One row is larger than an answer may be.", todo="Name fewer columns in select.")
        query, cut = replace(query, limit=fits), True


def _fitting(rows: Sequence[Any]) -> int:
    """How many of the rows, from the first on, fit into one answer."""
    size = 0
    for count, row in enumerate(rows):
        size += len(orjson.dumps(row)) + 1
        if size > LARGEST:
            return count
    return len(rows)


def _named(name: str) -> str:
    """A column in the notation of addresses, where a comma would part it."""
    return f'"{name}"' if "," in name and '"' not in name else name


def _filter(text: str) -> Expr:
    return cql2.parse(text, "cql2-text") if text.strip() else None


def _box(given: list[float] | None) -> tuple[float, float, float, float] | None:
    return (given[0], given[1], given[2], given[3]) if given else None


def _held(desk: Desk, dataset: str) -> str:
    """The dataset when its rows are here. Raises UnknownDataset with where they are."""
    try:
        desk.site.catalogue.entry(dataset)
    except UnknownDataset:
        record = desk.site.catalogue.record(dataset)
        raise UnknownDataset(
            f"The rows of {record.id} are not held here.", todo="describe_dataset names where they are."
        ) from None
    return dataset


def column_values(desk: Desk, given: shapes.Values) -> shapes.ValuesFound:
    query = Query(_held(desk, given.dataset), filter=_filter(given.filter), as_of=given.as_of.strip())
    view = desk.site.door.view(given.dataset, given.as_of.strip(), desk.caller)
    (facet,) = desk.site.door.facets(query, [given.column], given.limit, desk.caller)
    values = orjson.loads(orjson.dumps([item.value for item in facet.values], option=JSON_OPTIONS, default=plain))
    return shapes.ValuesFound(
        column=given.column,
        values=[shapes.Value(value=value, count=item.count) for value, item in zip(values, facet.values, strict=True)],
        more=facet.more,
        source=desk.source(view),
    )


def run_sql(desk: Desk, given: shapes.Sql) -> shapes.Table:
    answer = desk.site.door.sql(
        given.sql,
        given.params,
        caller=desk.caller,
        limit=given.limit,
        as_of=given.as_of,
        max_bytes=SPOOLED,
    )
    try:
        names = [item.name for item in answer.columns]
        at = [i for i, item in enumerate(answer.columns) if item.kind in ("geometry", "json")]
        rows: list[dict[str, Any]] = []
        for row in answer.rows("geojson"):
            values = [page.as_json(item) if i in at and isinstance(item, str) else item for i, item in enumerate(row)]
            rows.append(dict(zip(names, values, strict=True)))
        found = orjson.loads(orjson.dumps(rows, option=JSON_OPTIONS, default=_default))
        fits = _fitting(found)
        return shapes.Table(
            rows=found[:fits],
            columns=[{"name": item.name, "kind": item.kind, "type": item.type} for item in answer.columns],
            returned=fits,
            truncated=answer.truncated or fits < len(found),
            sources=[desk.source(read.view) for read in answer.reads],
        )
    finally:
        answer.close()


def _default(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else plain(value)


# ---- time ---------------------------------------------------------------------------------------------------------


def dataset_versions(desk: Desk, given: shapes.Versions) -> shapes.VersionsFound:
    found = desk.site.door.versions(_held(desk, given.dataset), desk.caller)[: given.limit]
    return shapes.VersionsFound(
        dataset=given.dataset,
        versions=[
            shapes.Version(
                number=item.number,
                published=item.published_at.isoformat(),
                rows=item.rows,
                quarantined=item.quarantined,
                contract_version=item.contract_version,
                checksum=item.checksum,
            )
            for item in found
        ],
    )


def dataset_changes(desk: Desk, given: shapes.Changes) -> shapes.Changed:
    door = desk.site.door
    later = door.view(_held(desk, given.dataset), given.after, desk.caller)
    before = given.before
    if not before:
        older = [item for item in door.versions(given.dataset, desk.caller) if item.number < later.version.number]
        if not older:
            raise BadQuery(f"{given.dataset} has no earlier version.", todo="dataset_versions lists them.")
        before = str(older[0].number)
    first = door.view(given.dataset, before, desk.caller)
    second = str(later.version.number)
    counts = door.diff(given.dataset, before, second, desk.caller)
    found = door.changes(given.dataset, before, second, given.limit, (), desk.caller) if given.limit else []
    rows = [
        {
            "kind": item.kind,
            "key": list(item.key),
            "before": page.as_row(item.before, first.scope),
            "after": page.as_row(item.after, later.scope),
        }
        for item in found
    ]
    shown = orjson.loads(orjson.dumps(rows, option=JSON_OPTIONS, default=_default))
    fits = _fitting(shown)
    READINGS.count(given.dataset, "mcp", desk.agent)
    return shapes.Changed(
        dataset=given.dataset,
        before=counts.before,
        after=counts.after,
        added=counts.added,
        changed=counts.changed,
        removed=counts.removed,
        columns_added=list(counts.columns_added),
        columns_removed=list(counts.columns_removed),
        changes=[shapes.Change(**item) for item in shown[:fits]],
        cut=fits < len(shown) or counts.added + counts.changed + counts.removed > len(shown),
    )


TOOLS = (
    Tool(
        "search_datasets",
        "Find datasets",
        "Find datasets of the city by words, theme, organisation, place or time of change; the best first, with the "
        "names of their columns. Begin here unless you know the dataset's id.",
        shapes.Search,
        shapes.Found,
        search_datasets,
    ),
    Tool(
        "list_datasets",
        "List datasets",
        "All datasets whose rows the city holds, by id, page by page.",
        shapes.Listing,
        shapes.Listed,
        list_datasets,
    ),
    Tool(
        "describe_dataset",
        "Describe a dataset",
        "What a dataset means and what is in it: columns with kinds, units, frequent values and ranges, key, time "
        "column, period, place, licence, limitations, quality, downloads. Read it before you ask for rows.",
        shapes.Describe,
        shapes.Described,
        describe_dataset,
    ),
    Tool(
        "query_dataset",
        "Ask for rows or totals",
        "Rows of one dataset, filtered, sorted, as of any version; or totals by group. Prefer totals "
        "(group_by, aggregate) to adding up rows yourself: a page has at most 500 rows. 'matched' tells how many there "
        "are on all pages, 'next' is the cursor of the next one.",
        shapes.Ask,
        shapes.Rows,
        query_dataset,
    ),
    Tool(
        "column_values",
        "Values of a column",
        "The most frequent values of one column with their counts: what can be written into a filter.",
        shapes.Values,
        shapes.ValuesFound,
        column_values,
    ),
    Tool(
        "run_sql",
        "Ask in SQL",
        "One SELECT over any open datasets, for joins and what query_dataset cannot say. Read only, with limits on "
        "time, memory and rows.",
        shapes.Sql,
        shapes.Table,
        run_sql,
        slow=True,
    ),
    Tool(
        "dataset_versions",
        "Versions of a dataset",
        "The kept versions of a dataset, newest first; 'as_of' of the other tools takes their numbers.",
        shapes.Versions,
        shapes.VersionsFound,
        dataset_versions,
    ),
    Tool(
        "dataset_changes",
        "What changed",
        "How many rows were added, changed and removed between two versions, and the first of them.",
        shapes.Changes,
        shapes.Changed,
        dataset_changes,
    ),
)
