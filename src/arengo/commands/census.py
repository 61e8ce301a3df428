"""``arengo census``: the register of the city's applications and their exchanges."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption
from arengo.errors import BadQuery, SourceMalformed

if TYPE_CHECKING:
    from arengo.services.census import Plan

app = typer.Typer(help="The city's applications and what they hand to each other.", no_args_is_help=True)

LanguageOption = Annotated[str, typer.Option(help="Words of the sheet: en, it, fr or es; the city's by default.")]
SHOWN = 40


@app.command("import")
def take(
    files: Annotated[list[Path], typer.Argument(help="A workbook with both sheets, or CSV files.")],
    partial: Annotated[bool, typer.Option("--partial", help="Add and correct; remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Take it without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, take nothing.")] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Read a sheet, show what would change, and take it over whole.

    What is not in the sheet is removed, unless --partial. The same sheet twice changes nothing.
    """
    for path in files:
        if not path.is_file():
            raise BadQuery(f"There is no file {path}.", todo="Name a workbook or a CSV file.")
    with arengo.open(city) as opened:
        census = opened.census
        plan = census.read(files, partial=partial)
        if plan.reading.problems:
            if json:
                terminal.emit({"taken": False, "problems": [str(item) for item in plan.reading.problems]})
                raise typer.Exit(SourceMalformed.exit_code)
            for item in plan.reading.problems:
                terminal.say(str(item), file=sys.stderr)
            count = len(plan.reading.problems) + plan.reading.more
            raise SourceMalformed(
                f"{count} {'line needs' if count == 1 else 'lines need'} a correction; nothing was taken.",
                todo="Correct the sheet and import it again.",
            )
        if not json:
            _tell(plan)
        asked = plan.changes and not dry_run
        if asked and not yes and not json:
            asked = typer.confirm("Take it over?", default=False)
        batch = census.take(census.offer(plan, getpass.getuser()), getpass.getuser()) if asked else None
        if json:
            terminal.emit(
                {"taken": batch is not None, **plan.counts, "changes": [asdict(item) for item in plan.changes]}
            )
        elif batch is not None:
            terminal.say("Taken over.")


def _tell(plan: Plan) -> None:
    for doubt in plan.reading.doubts:
        terminal.say(f"please check: {doubt}", file=sys.stderr)
    if not plan.changes:
        terminal.say(f"{plan.file} says what the census says already.")
        return
    for change in plan.changes[:SHOWN]:
        fields = "; ".join(f"{name}: {before or '-'} > {after or '-'}" for name, before, after in change.fields)
        terminal.say(f"{change.action:8} {change.kind:12} {change.title}{f' ({fields})' if fields else ''}")
    if len(plan.changes) > SHOWN:
        terminal.say(f"and {len(plan.changes) - SHOWN} more")
    counts = plan.counts
    terminal.say(f"{counts['added']} new, {counts['changed']} changed, {counts['removed']} gone")


@app.command()
def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="A .xlsx file, or a folder for two CSV files.")],
    language: LanguageOption = "",
    template: Annotated[bool, typer.Option("--template", help="Empty, to fill in.")] = False,
    city: CityOption = HERE,
) -> None:
    """Write the census as a sheet that can be imported again."""
    from arengo.services.census import Register, book

    with arengo.open(city) as opened:
        register = Register() if template else opened.census.register()
        words = language or opened.settings.city.language.split("-")[0]
    if output.suffix.lower() == ".xlsx":
        output.write_bytes(book.as_book(register, words))
        terminal.say(output)
        return
    if output.suffix:
        raise BadQuery(f"{output.name} is neither .xlsx nor a folder.", todo="Name a .xlsx file or a folder.")
    output.mkdir(parents=True, exist_ok=True)
    for kind in ("applications", "exchanges"):
        path = output / f"{kind}.csv"
        path.write_text("\ufeff" + book.as_csv(register, kind, words), encoding="utf-8", newline="")
        terminal.say(path)


@app.command()
def show(
    application: Annotated[str, typer.Argument(help="Id of one application; all figures when empty.")] = "",
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """The figures of the census, or one application with its exchanges."""
    from arengo.errors import NotFound
    from arengo.services.census import figures, spared

    with arengo.open(city) as opened:
        register = opened.census.register()
        published = [entry.id for entry in opened.catalogue.entries(limit=None).items if entry.version]
        if application:
            item = register.applications.get(application)
            if item is None:
                raise NotFound(
                    f"The census has no application {application}.", todo="'arengo census show' counts them."
                )
            mine = register.of(application)
            if json:
                terminal.emit({"application": asdict(item), "exchanges": [asdict(one) for one in mine]})
                return
            terminal.say(f"{item.name} ({item.organisation})")
            names = {key: held.name for key, held in register.applications.items()}
            rows = [(names[one.source], names[one.target], one.what, one.way, one.frequency) for one in mine]
            terminal.table(("from", "to", "what", "how", "how often"), rows)
            return
        numbers, saved = figures(register, published), spared(opened.state, published)
        if json:
            terminal.emit({**asdict(numbers), "spared": [asdict(one) for one in saved]})
            return
        terminal.say(f"{numbers.applications} applications, {numbers.exchanges} exchanges")
        for way, n in numbers.ways.items():
            terminal.say(f"  {way:18} {n:6} {numbers.share(way):6.0%}")
        terminal.say("lines " + ", ".join(f"{view}: {n}" for view, n in numbers.lines.items()))
        if saved:
            terminal.table(
                ("dataset", "read here", "source asked", "spared"),
                [(one.dataset, one.reads, one.pulls, one.spared) for one in saved[:20]],
                numbers=(1, 2, 3),
            )
