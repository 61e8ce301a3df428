"""Other catalogues: ``catalog`` writes for them, ``harvest`` takes from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption

app = typer.Typer()


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

    with arengo.open(city) as opened:
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
    with arengo.open(city) as opened, terminal.counting(json) as tell:
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
