"""Tools that ask for rows, totals, versions and changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from arengo.errors import BadQuery, UnknownDataset
from arengo.faces import page
from arengo.faces.mcp import shapes
from arengo.faces.mcp.desk import Desk
from arengo.faces.site import JSON_OPTIONS, plain
from arengo.query import Query, cql2
from arengo.query.model import Expr
from arengo.query.notation import aggregates, groups, orders
from arengo.services.reading import READINGS

LARGEST = 60_000
"""Bytes of rows in one answer: what an assistant can hold in mind beside the conversation."""
SPOOLED = 2_000_000
"""Bytes of an answer in SQL before it is cut to fit; beyond that the question is refused."""


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
