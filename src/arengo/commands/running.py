"""Running a city: ``serve``, ``tend``, ``tidy``, ``demo``, ``doctor``, ``plugins``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption

app = typer.Typer()


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

    with arengo.open(city) as opened:
        run(opened, once=once)


@app.command()
def tidy(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Drop versions past their retention and free the disk they took."""
    from arengo.caretaker import tidy as run

    with arengo.open(city) as opened:
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
    port: Annotated[int, typer.Option(envvar="ARENGO_SERVE_PORT", help="Port to listen on.")] = 8000,
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
