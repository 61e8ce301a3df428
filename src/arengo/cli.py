"""The command line: the second face of the library, every command one call of :class:`arengo.city.City`.

Exit codes: 0 done, 1 unexpected, 2 the command's words are wrong, 3 the contract or the source is wrong (or a
publication was refused), 4 the installation needs attention. People read standard output, progress goes to
standard error, ``--json`` gives a script one JSON document.
"""

from __future__ import annotations

import importlib
import json as jsonlib
import os
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import arengo
from arengo import commands as groups
from arengo import terminal
from arengo.errors import ArengoError, BadQuery, ContractError

if TYPE_CHECKING:
    from arengo.city import City

STORY = """\
The urban data platform a city runs itself.

A dataset's life, in order: 'init' makes a city folder, 'draft' writes a contract for a file, 'lint' and 'plan'
read it, 'publish' brings the data in, 'serve' shows it. 'status', 'versions', 'diff', 'history' and 'query' look at
what is held; 'export' takes it out again.
"""

app = typer.Typer(
    name="arengo",
    help=STORY,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

CityOption = Annotated[Path, typer.Option("--city", "-C", help="The city folder.", envvar="ARENGO_CITY")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
HERE = Path(".")


def main() -> None:
    """Entry point: Arengo's own errors become one sentence and an exit code."""
    arengo.lean()
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except ArengoError as error:
        terminal.fail(error)
    except typer.Abort:
        terminal.say("Stopped.", file=sys.stderr)
        sys.exit(130)
    except KeyboardInterrupt:
        terminal.say("Stopped. What was published stays; nothing is half-published.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        show = getattr(error, "show", None)  # click's own usage errors
        if show is None:
            raise
        show()
        sys.exit(getattr(error, "exit_code", 2))


def _open(city: Path) -> City:
    from arengo.city import open_city

    return open_city(city)


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="The folder to make.")],
    name: Annotated[str, typer.Option(help="The city's name.")] = "",
    language: Annotated[str, typer.Option(help="Language of the pages (BCP 47).")] = "en",
    timezone: Annotated[str, typer.Option(help="IANA time zone of times without an offset.")] = "UTC",
    country: Annotated[str, typer.Option(help="ISO two-letter country code.")] = "",
) -> None:
    """Make a city folder: city.toml and the folders for contracts and sources."""
    from arengo.city import init as make

    city = make(directory, name=name, language=language, timezone=timezone, country=country)
    terminal.say(f"{city.settings.city.name} is ready in {directory}")
    terminal.say(f"Next: arengo draft FILE -o {directory}/contracts/NAME.odcs.yaml")


@app.command()
def draft(
    target: Annotated[
        str, typer.Argument(metavar="FILE|URL|DSN", help="A file, an http(s) address or a database.")
    ] = "",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The contract to write.")] = None,
    sql: Annotated[str, typer.Option("--sql", help="A SELECT over the city's own datasets, instead of a file.")] = "",
    table: Annotated[str, typer.Option(help="One table (sheet, layer, member) of a source that has several.")] = "",
    id: Annotated[str, typer.Option(help="The dataset's id.")] = "",
    city: CityOption = HERE,
    force: Annotated[bool, typer.Option("--force", help="Overwrite contracts that are there.")] = False,
    json: JsonOption = False,
) -> None:
    """Draft a contract from a file, address or database, for a person to read.

    A source with several tables gives a contract for each: the first takes the name after -o, the others
    stand beside it as NAME.TABLE.odcs.yaml.
    """
    from arengo import settings as settings_module
    from arengo.sources.drafts import draft as infer

    root = _city_of(output) or (city.resolve() if (city / "city.toml").is_file() else None)
    settings = settings_module.load(root) if root else None
    if not target and not sql:
        raise BadQuery("Nothing to draft from.", todo="Name a file, an address or a database, or give --sql.")
    if sql or target.lower().endswith(".sql"):
        with arengo.open(root or city) as opened:
            wanted = id or _id_of(output)
            found = [opened.draft_sql(sql, id=wanted)] if sql else opened.draft(target, id=wanted)
    else:
        found = infer(target, table=table, id=id or _id_of(output), settings=settings)
    if output is None:
        if json:
            terminal.emit([{"id": item.id, "contract": item.text, "doubts": item.doubts} for item in found])
        else:
            print("---\n".join(item.text for item in found), end="")
        return
    written = []
    for number, item in enumerate(found):
        path = output if number == 0 else _beside(output, item.id)
        if path.exists() and not force:
            raise ContractError(f"{path} is there already.", todo="Use --force to write over it, or another name.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(item.text, encoding="utf-8")
        written.append((path, item))
    if json:
        terminal.emit([{"id": item.id, "path": str(path), "doubts": item.doubts} for path, item in written])
        return
    for path, item in written:
        terminal.say(f"{path}: {item.id}, {len(item.contract.properties)} columns")
        for doubt in item.doubts:
            terminal.say(f"  please check: {doubt}")


def _city_of(path: Path | None) -> Path | None:
    """The city folder that a contract's path lies in."""
    if path is None:
        return None
    return next((folder for folder in path.resolve().parents if (folder / "city.toml").is_file()), None)


def _id_of(output: Path | None) -> str:
    """A dataset's id from the contract's file name, when that is a good id."""
    import re

    if output is None:
        return ""
    stem = output.name.split(".odcs.")[0].removesuffix(".yaml").removesuffix(".yml")
    return stem if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", stem) else ""


def _beside(output: Path, name: str) -> Path:
    stem, dot, rest = output.name.partition(".odcs.")
    return output.with_name(f"{stem}.{name}{dot}{rest}" if dot else f"{output.stem}.{name}{output.suffix}")


@app.command()
def lint(
    contracts: Annotated[list[Path] | None, typer.Argument(help="Contract files; the city's by default.")] = None,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Check contracts: line, finding, what to do. Fails (3) when there is an error."""
    from arengo.contract.folder import lint_file

    paths = list(contracts or []) or _open(city).folder.paths()
    found = {path: lint_file(path) for path in paths}
    errors = sum(item.severity == "error" for items in found.values() for item in items)
    if json:
        terminal.emit({str(path): items for path, items in found.items()})
    else:
        for path, items in found.items():
            for item in items:
                terminal.say(f"{path}:{item.line or 1}: {item.severity}: {item.message} {item.todo}".rstrip())
        terminal.say(
            f"{len(found)} contracts, {errors} errors, {sum(map(len, found.values())) - errors} other findings"
        )
    if errors:
        raise typer.Exit(3)


@app.command()
def plan(
    datasets: Annotated[list[str] | None, typer.Argument(help="Datasets; all by default.")] = None,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Show what 'apply' would change, and whom it would break. Fails (3) when a contract cannot be used."""
    with _open(city) as opened:
        _show_plan(opened.plan(datasets or ()), json, tuple if datasets else opened.policies.plan)


@app.command()
def apply(
    datasets: Annotated[list[str] | None, typer.Argument(help="Datasets; all by default.")] = None,
    folder_wins: Annotated[bool, typer.Option("--folder-wins", help="Give up what was edited in the portal.")] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Bring the running city to what the folder says. Twice is once. Fails (3) when a contract cannot be used."""
    with _open(city) as opened:
        rules = () if datasets else opened.policies.plan()
        _show_plan(opened.apply(datasets or (), folder_wins=folder_wins), json, lambda: rules)


def _show_plan(items: Sequence[Any], json: bool, rules: Callable[[], Sequence[Any]]) -> None:
    _tell_plan(items, json)
    for change in rules():
        if change.action != "same" and not json:
            terminal.say(f"{change.action:8}{change.file}")
    if any(item.action == "invalid" for item in items):
        raise typer.Exit(3)


def _tell_plan(items: Sequence[Any], json: bool) -> None:
    if json:
        terminal.emit(items)
        return
    for item in items:
        if item.action != "same":
            moved = item.before and item.after and item.before != item.after
            arrow = f" {item.before} -> {item.after}" if moved else f" {item.after or item.before}"
            terminal.say(f"{item.action:8}{item.dataset}{arrow}{'  BREAKING' if item.breaking else ''}")
            for sentence in item.sentences:
                terminal.say(f"          {sentence}")
    same = sum(item.action == "same" for item in items)
    terminal.say(f"{len(items) - same} to change, {same} as they are")


@app.command()
def publish(
    datasets: Annotated[
        list[str] | None, typer.Argument(help="Datasets (ids or contract files); all by default.")
    ] = None,
    city: CityOption = HERE,
    at: Annotated[str, typer.Option(help="Publication time of a backfilled version (date or RFC 3339).")] = "",
    allow_shrink: Annotated[bool, typer.Option(help="Accept a version with far fewer rows than the last.")] = False,
    json: JsonOption = False,
) -> None:
    """Pull, type, check and commit datasets as new versions. Fails (3) when one did not make it."""
    with _open(city) as opened:
        if not json and not opened.folder.paths():
            raise ContractError(
                f"There is no contract in {opened.settings.root / 'contracts'}.",
                todo="Draft one: arengo draft FILE -o contracts/NAME.odcs.yaml",
            )
        with terminal.Progress(quiet=json) as progress:
            runs = opened.publish(
                datasets or [], at=terminal.moment(at), force_shrink=allow_shrink, progress=progress.listen
            )
    if json:
        terminal.emit(runs)
    else:
        for run in runs:
            terminal.say(_sentence(run))
    if any(run.state in ("failed", "refused") for run in runs):
        raise typer.Exit(3)


def _sentence(run: Any) -> str:
    if run.state == "succeeded":
        held = f", {run.quarantined:,} quarantined" if run.quarantined else ""
        text = f"{run.dataset}: v{run.version}, {run.rows:,} rows{held}, {run.seconds:.1f} s"
        return "\n".join([text, *(f"  warning: {warning}" for warning in run.warnings)])
    if run.state == "unchanged":
        return f"{run.dataset}: unchanged"
    error = run.error or {}
    where = ", ".join(f"{key} {error[key]}" for key in ("file", "row", "column") if error.get(key))
    words = terminal.hint(" ".join(part for part in (error.get("message", ""), error.get("todo", "")) if part))
    return f"{run.dataset}: {run.state}. {words}{f' ({where})' if where else ''}\n  The published version is as it was."


@app.command()
def status(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Every dataset at a glance: version, rows, last run, next update."""
    with _open(city) as opened:
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
    with _open(city) as opened:
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
    with _open(city) as opened:
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
    with _open(city) as opened:
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
    with _open(city) as opened:
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
    with _open(city) as opened:
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


@app.command()
def catalog(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file; .ttl, .jsonld, .rdf or .nt is its form.")],
    profile: Annotated[str, typer.Option(help="eu (DCAT-AP 3.0.1) or it (DCAT-AP_IT).")] = "eu",
    harvested: Annotated[bool, typer.Option("--harvested", help="With the records of other catalogues.")] = False,
    url: Annotated[str, typer.Option(help="Public address of the portal; that of city.toml by default.")] = "",
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write the whole catalogue into a file as DCAT, for other catalogues."""
    from arengo.faces.dcat.file import write

    with _open(city) as opened:
        length = write(opened.catalogue, opened.settings.city, output, url, profile, harvested)
    terminal.emit({"path": str(output), "bytes": length}) if json else terminal.say(output)


@app.command()
def harvest(
    sources: Annotated[list[str] | None, typer.Argument(help="Sources (files of harvest/); all by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Take it over although it shrank much.")] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Take in the metadata of other catalogues. Fails (3) when a source failed or is held because it shrank."""
    with _open(city) as opened, terminal.counting(json) as tell:
        found = opened.harvest(sources or (), force=force, progress=tell)
    if json:
        terminal.emit(found)
    for item in () if json else found:
        words = ", ".join(f"{number:,} {name}" for name, number in item.counts.items() if number)
        terminal.say(f"{item.source}: {item.state}. {words}")
        if item.error:
            terminal.say(f"  {item.error['message']} {item.error.get('todo', '')}".rstrip())
        for line in item.rejected[:5]:
            terminal.say(f"  not taken: {line['title'] or line['identifier']}: {line['reason']}")
        if item.state == "held":
            terminal.say(
                "  It has much less than before; nothing was taken over. Look at the source, then use --force."
            )
    if not json and not found:
        terminal.say("nothing to harvest: put a file into harvest/, see docs/guides/harvest.md")
    if any(item.state in ("failed", "held") for item in found):
        raise typer.Exit(3)


@app.command()
def serve(
    city: CityOption = HERE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 0,
    workers: Annotated[int, typer.Option(help="Server processes.")] = 0,
) -> None:
    """Serve the portal and the APIs."""
    from arengo.app import serve as run
    from arengo.settings import load

    run(load(city), host=host, port=port, workers=workers)


@app.command()
def tend(
    city: CityOption = HERE,
    once: Annotated[bool, typer.Option("--once", help="Do what is due now and return.")] = False,
) -> None:
    """Publish what is due and expire what is old, until stopped; 'serve' does this by itself."""
    from arengo.caretaker import tend as run

    with _open(city) as opened:
        run(opened, once=once)


@app.command()
def tidy(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Drop versions past their retention and free the disk they took."""
    from arengo.caretaker import tidy as run

    with _open(city) as opened:
        found = run(opened)
    if json:
        terminal.emit(found)
        return
    for name, numbers in found["expired"].items():
        terminal.say(f"{name}: versions {', '.join(map(str, numbers))} expired")
    terminal.say(f"{found['files']:,} files removed, {found['bytes']:,} bytes freed")


@app.command()
def demo(
    directory: Annotated[Path, typer.Option("--dir", help="Where to make the city.")] = Path("demo-city"),
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Only make and publish.")] = False,
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    seed: Annotated[int, typer.Option(help="Another seed, another city.")] = 7,
    json: JsonOption = False,
) -> None:
    """A made-up city with months of history: make it, publish it, serve it."""
    from arengo.city import open_city
    from arengo.demo.names import CITY
    from arengo.demo.play import play

    with terminal.Progress(quiet=json, lines="" if json else CITY) as progress:
        result = play(directory, seed=seed, open_city=open_city, progress=progress.listen, port=port)
    if json:
        terminal.emit(result)
    else:
        terminal.say(
            f"{result.name}: {result.datasets} datasets, {result.versions} versions, {result.rows:,} rows "
            f"in {result.seconds:.0f} s"
        )
        terminal.say(f"People with their passwords, and a key: {result.accounts}")
    if no_serve:
        return
    from arengo.app import serve as run
    from arengo.settings import load

    run(load(directory), port=port)


@app.command()
def doctor(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Check the installation and the city, and say what to mend. Fails (4) when something is wrong."""
    from arengo.doctor import examine

    found = examine(city)
    if json:
        terminal.emit(found)
    else:
        for item in found:
            todo = f"  {terminal.hint(item.todo)}" if item.todo else ""
            terminal.say(f"{'ok  ' if item.good else 'MEND'}  {item.what}: {item.met}{todo}")
    if not all(item.good for item in found):
        raise typer.Exit(4)


@app.command()
def plugins(json: JsonOption = False) -> None:
    """The kinds of sources Arengo can read and where each comes from."""
    from arengo.sources import readers

    found = readers()
    if json:
        terminal.emit(
            {
                name: {
                    "title": item.title,
                    "suffixes": item.suffixes,
                    "options": dict(item.options),
                    "from": type(item).__module__,
                }
                for name, item in found.items()
            }
        )
        return
    for name, item in found.items():
        terminal.say(f"{name:14}{item.title}  ({type(item).__module__})")


for _module in pkgutil.iter_modules(groups.__path__):
    app.add_typer(importlib.import_module(f"{groups.__name__}.{_module.name}").app, name=_module.name)


def commands() -> dict[str, Callable[..., Any]]:
    """Every command by name (``ledger verify`` for one of a group), for the generated reference."""
    found = [(info.name, info.callback) for info in app.registered_commands]
    for group in app.registered_groups:
        held = group.typer_instance.registered_commands if group.typer_instance else []
        found += [
            (f"{group.name} {info.name or getattr(info.callback, '__name__', '').replace('_', '-')}", info.callback)
            for info in held
        ]
    return {name or call.__name__: call for name, call in found if call is not None}
