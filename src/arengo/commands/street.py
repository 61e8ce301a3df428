"""From a folder to a published version: ``init``, ``draft``, ``lint``, ``plan``, ``apply``, ``publish``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption
from arengo.errors import BadQuery, ContractError

app = typer.Typer()


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

    paths = list(contracts or []) or arengo.open(city).folder.paths()
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
    with arengo.open(city) as opened:
        _show_plan(opened.plan(datasets or ()), json, tuple if datasets else opened.policies.plan)


@app.command()
def apply(
    datasets: Annotated[list[str] | None, typer.Argument(help="Datasets; all by default.")] = None,
    folder_wins: Annotated[bool, typer.Option("--folder-wins", help="Give up what was edited in the portal.")] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Bring the running city to what the folder says. Twice is once. Fails (3) when a contract cannot be used."""
    with arengo.open(city) as opened:
        rules = () if datasets else opened.policies.plan()
        _show_plan(opened.apply(datasets or (), folder_wins=folder_wins), json, lambda: rules)


def _show_plan(items: Sequence[Any], json: bool, rules: Callable[[], Sequence[Any]]) -> None:
    _tell_plan(items, json)
    for change in rules():
        if change.action != "same" and not json:
            terminal.say(f"{change.action:<8} {change.file}")
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
            terminal.say(f"{item.action:<8} {item.dataset}{arrow}{'  BREAKING' if item.breaking else ''}")
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
    with arengo.open(city) as opened:
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
