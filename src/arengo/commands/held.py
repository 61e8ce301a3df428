"""What is held: ``status``, ``versions``, ``diff``, ``history``, ``query``, ``export``."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption
from arengo.errors import BadQuery

app = typer.Typer()


@app.command()
def status(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Every dataset at a glance: version, rows, last run, next update."""
    with arengo.open(city) as opened:
        items = opened.status()
    if json:
        terminal.emit(items)
        return
    if not items:
        terminal.say(terminal.hint("Nothing is published yet. Next: arengo draft FILE -o contracts/NAME.odcs.yaml"))
        return
    day = "%Y-%m-%d %H:%M"
    terminal.table(
        ["dataset", "version", "rows", "quarantined", "published (UTC)", "last run", "next update"],
        [
            [
                item.dataset,
                f"v{item.version}" if item.version else "none",
                f"{item.rows:,}" if item.rows is not None else "",
                f"{item.quarantined:,}" if item.quarantined is not None else "",
                item.published_at.strftime(day) if item.published_at else "",
                item.last_run,
                item.next_update.strftime(day) if item.next_update else "",
            ]
            for item in items
        ],
        numbers=(2, 3),
    )


@app.command()
def versions(dataset: str, city: CityOption = HERE, json: JsonOption = False) -> None:
    """The versions of a dataset, newest first."""
    with arengo.open(city) as opened:
        found = opened.versions(dataset)
    if json:
        terminal.emit([_version(item) for item in found])
        return
    terminal.table(
        ["version", "published (UTC)", "rows", "quarantined", "bytes", "contract"],
        [
            [
                item.label,
                item.published_at.strftime("%Y-%m-%d %H:%M:%S"),
                f"{item.rows:,}",
                f"{item.quarantined:,}",
                f"{item.bytes:,}",
                item.contract_version,
            ]
            for item in found
        ],
        numbers=(2, 3, 4),
    )


VERSION_FIELDS = (
    *("dataset", "number", "published_at", "contract_version", "rows", "rows_in"),
    *("quarantined", "bytes", "checksum", "snapshot_id"),
)


def _version(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in VERSION_FIELDS}


@app.command()
def diff(
    dataset: str,
    before: Annotated[str, typer.Argument(metavar="V1", help="A version (3, v3) or a date.")],
    after: Annotated[str, typer.Argument(metavar="V2", help="A version or a date.")],
    limit: Annotated[int, typer.Option(help="Rows to show; 0 for counts only.")] = 20,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """What was added, changed and removed between two versions."""
    with arengo.open(city) as opened:
        counts = opened.diff(dataset, before, after)
        changes = opened.changes(dataset, before, after, limit) if limit else []
    if json:
        terminal.emit({"difference": counts, "changes": changes})
        return
    terminal.say(
        f"{dataset} v{counts.before} -> v{counts.after}: "
        f"{counts.added:,} added, {counts.changed:,} changed, {counts.removed:,} removed"
    )
    for words, names in (("new columns", counts.columns_added), ("gone columns", counts.columns_removed)):
        if names:
            terminal.say(f"  {words}: {', '.join(names)}")
    for old, new in counts.columns_renamed:
        terminal.say(f"  renamed column: {old} -> {new}")
    marks = {"added": "+", "changed": "~", "removed": "-"}
    for change in changes:
        key = " ".join(str(part) for part in change.key)
        if change.kind == "changed":
            was, now = change.before or {}, change.after or {}
            parts = [f"{name}: {was.get(name)!s} -> {value!s}" for name, value in now.items()]
        else:
            row = change.after or change.before or {}
            parts = [f"{name}={value!s}" for name, value in list(row.items())[:6]]
        terminal.say(f"{marks[change.kind]} {key}  {'; '.join(parts)}")


@app.command()
def history(
    dataset: str,
    key: Annotated[list[str], typer.Argument(help="The row's primary key, one word a column.")],
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """One row through time."""
    with arengo.open(city) as opened:
        found = opened.history(dataset, *key)
    if json:
        terminal.emit(
            [
                {"version": item.version.number, "published_at": item.version.published_at, "row": item.row}
                for item in found
            ]
        )
        return
    last: dict[str, Any] = {}
    for item in found:
        when = f"{item.version.label}  {item.version.published_at:%Y-%m-%d}"
        if item.row is None:
            terminal.say(f"{when}  removed")
        else:
            parts = [f"{name}={value!s}" for name, value in item.row.items() if last.get(name, ...) != value]
            terminal.say(f"{when}  {'; '.join(parts)}")
        last = dict(item.row or {})


@app.command()
def query(
    dataset: str,
    select: Annotated[str, typer.Option(help="Columns, comma separated.")] = "",
    where: Annotated[str, typer.Option(help="CQL2 text, such as \"district = 'Nord' AND height > 12\".")] = "",
    group_by: Annotated[str, typer.Option(help="Columns, a calendar unit after a colon: created_at:month.")] = "",
    aggregate: Annotated[str, typer.Option(help="count, sum:cost, avg:height, p95:height ...")] = "",
    order_by: Annotated[str, typer.Option(help="Columns, a minus in front for descending.")] = "",
    search: Annotated[str, typer.Option(help="Words that must occur in the text columns.")] = "",
    bbox: Annotated[str, typer.Option(help="xmin,ymin,xmax,ymax in degrees.")] = "",
    between: Annotated[str, typer.Option("--datetime", help="An RFC 3339 instant or start/end.")] = "",
    as_of: Annotated[str, typer.Option(help="A version (3, v3), a date or a time.")] = "",
    limit: Annotated[int, typer.Option(help="Rows.")] = 20,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Ask a dataset: filter, group, sort, as of any time."""
    words = {
        "select": select,
        "filter": where,
        "group_by": group_by,
        "aggregate": aggregate,
        "order_by": order_by,
        "search": search,
        "bbox": bbox,
        "datetime": between,
        "as_of": as_of,
    }
    with arengo.open(city) as opened:
        answer = opened.query(dataset, limit=limit, **{name: value for name, value in words.items() if value})
        names = [column.name for column in answer.columns]
        places = {index for index, column in enumerate(answer.columns) if column.kind == "geometry"}
        rows = answer.rows("geojson" if json else "wkt")
    if json and places:
        rows = [tuple(_parsed(cell) if index in places else cell for index, cell in enumerate(row)) for row in rows]
    if json:
        terminal.emit([dict(zip(names, row, strict=True)) for row in rows])
    else:
        numbers = [index for index in range(len(names)) if rows and isinstance(rows[0][index], (int, float))]
        terminal.table(names, rows, numbers)


def _parsed(cell: Any) -> Any:
    return jsonlib.loads(cell) if isinstance(cell, str) else cell


@app.command()
def export(
    dataset: Annotated[str, typer.Argument(help="A dataset; with --contracts, leave it out.")] = "",
    format: Annotated[
        str, typer.Option("-f", "--format", help="csv, parquet, geoparquet, geojson, gpkg, xlsx, ndjson, arrow.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write; its suffix is the format.")
    ] = None,
    as_of: Annotated[str, typer.Option(help="A version (3, v3), a date or a time.")] = "",
    contracts: Annotated[
        bool, typer.Option("--contracts", help="Write the applied contracts into the folder.")
    ] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Take a version out as a file, or write the applied contracts back into the folder."""
    with arengo.open(city) as opened:
        if contracts:
            paths = opened.export_contracts()
            terminal.emit(paths) if json else terminal.say(
                "\n".join(f"wrote {path}" for path in paths) or "nothing to write"
            )
            return
        if not dataset:
            raise BadQuery("Which dataset?", todo="Name one, or use --contracts.")
        path = opened.export(dataset, format=format, output=output, as_of=as_of)
    terminal.emit({"path": str(path), "bytes": path.stat().st_size}) if json else terminal.say(path)
