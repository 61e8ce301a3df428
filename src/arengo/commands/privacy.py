"""``arengo privacy``: what the gate found, what it holds back, and which repairs there are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arengo import terminal
from arengo.errors import Conflict, NotFound

if TYPE_CHECKING:
    from arengo.city import City
    from arengo.privacy.verdict import Repair
    from arengo.privacy.verdicts import Held

app = typer.Typer(help="What publications would tell about persons, and what is held back.", no_args_is_help=True)

CityOption = Annotated[Path, typer.Option("--city", "-C", help="The city folder.", envvar="ARENGO_CITY")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Dataset = Annotated[str, typer.Argument(help="Id of the dataset.")]
HERE = Path(".")
WORDS = {"pass": "passes", "review": "waits for a steward", "repair": "needs a repair", "block": "is blocked"}


def _open(city: Path) -> City:
    from arengo.city import open_city

    return open_city(city)


def _latest(city: City, dataset: str) -> Held:
    found = city.desk.latest(dataset)
    if found is None:
        raise NotFound(f"The gate has not looked at {dataset} yet.", todo=f"Publish it first: arengo publish {dataset}")
    return found


@app.command("show")
def show(dataset: Dataset, city: CityOption = HERE, json: JsonOption = False) -> None:
    """The newest verdict on a dataset: what was found, what was taken for granted, and the repairs."""
    with _open(city) as opened:
        held = _latest(opened, dataset)
    if json:
        terminal.emit({**held.verdict.as_json(), "id": held.id, "settled": held.settled, "version": held.version})
        return
    print(f"{dataset} {WORDS[held.outcome]} ({held.at:%Y-%m-%d %H:%M} UTC, {held.settled})")
    for item in held.verdict.findings:
        print(f"  {item.outcome:<7} {item.sentence()}")
    for repair in held.verdict.repairs:
        print(f"  repair  {repair.id}: {told(repair)}")
    if held.verdict.repairs:
        print(f"  Take one with: arengo privacy repair {dataset} {held.verdict.repairs[0].id}")


def told(repair: Repair) -> str:
    """A repair in one line."""
    steps = [f"{column} {_step(step)}" for column, step in repair.columns.items()]
    steps += [f"{name} {_step(step)}" for name, step in repair.contract.items()]
    cost = f"{repair.loss:.0%} of the detail is lost"
    gone = f", {repair.suppressed:,} withheld" if repair.suppressed else ""
    return f"{'; '.join(steps) or repair.kind} ({cost}{gone})"


def _step(step: Any) -> str:
    if isinstance(step, Mapping):
        return ", ".join(f"{name} {value}" for name, value in step.items())
    if isinstance(step, list | tuple):
        return ", ".join(_step(item) for item in step)
    return str(step)


@app.command("waiting")
def waiting(city: CityOption = HERE, json: JsonOption = False) -> None:
    """What the gate holds back, and why."""
    with _open(city) as opened:
        held = opened.desk.waiting()
    if json:
        terminal.emit(
            [{"id": item.id, "dataset": item.dataset, "at": item.at.isoformat(), "outcome": item.outcome,
              "why": item.verdict.said()} for item in held]
        )  # fmt: skip
        return
    if not held:
        print("The gate holds nothing back.")
    for item in held:
        print(f"{item.dataset} {WORDS[item.outcome]}: {item.verdict.said(1)}")


@app.command("repair")
def repair(
    dataset: Dataset,
    repair: Annotated[str, typer.Argument(help="Id of the repair, as 'arengo privacy show' lists it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Write it without asking.")] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write a repair into the contract's file in the city folder; 'arengo apply' and 'arengo publish' come after."""
    with _open(city) as opened:
        held = _latest(opened, dataset)
        mended = opened.desk.mended(held.id, repair)
        path = opened.contracts([dataset])[dataset].path
        if path is None:
            raise NotFound(f"{dataset} has no file in contracts/.", todo="Export it: arengo export --contracts")
        if path.read_text(encoding="utf-8") != opened.state.contracts()[dataset].text:
            raise Conflict(
                f"{path.name} is not the contract that was judged.", todo="Apply it and publish again, then repair."
            )
        if not json:
            print(f"{dataset}: {told(mended.repair)}")
            for sentence in mended.sentences:
                print(f"  {sentence}")
        if not yes and not json and not typer.confirm(f"Write it into {path.name} as version {mended.version}?"):
            raise typer.Abort
        path.write_text(mended.text, encoding="utf-8")
    if json:
        terminal.emit({"dataset": dataset, "repair": repair, "version": mended.version, "file": str(path)})
    else:
        print(f"Written. Now: arengo apply {dataset} && arengo publish {dataset}")


@app.command("releases")
def releases(
    population: Annotated[str, typer.Argument(help="Name of the population in privacy.toml; all when absent.")] = "",
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """What is public about each population: the publication ledger that new releases are judged against."""
    from arengo.privacy.releases import Releases

    with _open(city) as opened:
        ledger = Releases(opened.settings, opened.state, opened.lake)
        names = (population,) if population else ledger.populations()
        found = {name: ledger.of(name) for name in names}
    rows: list[dict[str, Any]] = [
        {"population": name, "release": item.label, "at": item.at.isoformat(), "rows": item.rows, "form": item.form,
         "columns": [one.column for one in (*item.quasi, *item.sensitive)], "withdrawn": item.withdrawn}
        for name, items in found.items() for item in items
    ]  # fmt: skip
    if json:
        terminal.emit(rows)
        return
    if not rows:
        print("Nothing is public about persons yet.")
    for row in rows:
        columns = ", ".join(row["columns"])
        print(f"{row['population']}: {row['release']} ({row['at'][:10]}, {row['rows']:,} {row['form']}: {columns})")


@app.command("catch-up")
def catch_up(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Write versions from before the gate into the publication ledger, so that new ones are judged against them."""
    from arengo.privacy.population import Populations
    from arengo.privacy.releases import Releases

    with _open(city) as opened:
        ledger = Releases(opened.settings, opened.state, opened.lake)
        done = ledger.catch_up(
            Populations(opened.settings, opened.state), progress=lambda label: None if json else print(f"  {label}")
        )
    if json:
        terminal.emit(list(done))
    elif not done:
        print("Every public version about persons is in the ledger already.")
