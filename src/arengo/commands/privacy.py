"""``arengo privacy``: what the gate found, what it holds back, which repairs there are, and what columns are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption
from arengo.errors import Conflict, NotFound
from arengo.services.answer import Answer

if TYPE_CHECKING:
    from arengo.city import City
    from arengo.privacy.verdict import Repair
    from arengo.privacy.verdicts import Held

app = typer.Typer(help="What publications would tell about persons, and what is held back.", no_args_is_help=True)

Dataset = Annotated[str, typer.Argument(help="Id of the dataset.")]
Column = Annotated[str, typer.Argument(help="Name of the column.")]
Yes = Annotated[bool, typer.Option("--yes", help="Write it without asking.")]
WORDS = {"pass": "passes", "review": "waits for a steward", "repair": "needs a repair", "block": "is blocked"}


def _latest(city: City, dataset: str) -> Held:
    found = city.desk.latest(dataset)
    if found is None:
        raise NotFound(f"The gate has not looked at {dataset} yet.", todo=f"Publish it first: arengo publish {dataset}")
    return found


@app.command("show")
def show(dataset: Dataset, city: CityOption = HERE, json: JsonOption = False) -> None:
    """The newest verdict on a dataset: what was found, what was taken for granted, and the repairs."""
    from arengo.privacy.verdicts import DECIDED

    with arengo.open(city) as opened:
        held = _latest(opened, dataset)
    if json:
        terminal.emit({**held.verdict.as_json(), "id": held.id, "settled": held.settled, "version": held.version})
        return
    decided = held.settled == DECIDED and held.version
    state = "was looked at, and published by decision" if decided else WORDS[held.outcome]
    terminal.say(f"{dataset} {state} ({held.at:%Y-%m-%d %H:%M} UTC, {held.settled})")
    for item in held.verdict.findings:
        terminal.say(f"  {item.outcome:<7} {item.sentence()}")
    for granted in (item.facts for item in held.verdict.assumptions if item.code == "reason"):
        said = f"may be open because the contract says so, version {granted['version']}: {granted['reason']}"
        terminal.say(f"  granted {granted['column']} {said}")
    for repair in held.verdict.repairs:
        terminal.say(f"  repair  {repair.id}: {told(repair)}")
        for line in groups(repair, held):
            terminal.say(f"            {line}")
    if held.verdict.repairs:
        terminal.say(terminal.hint(f"  Take one with: arengo privacy repair {dataset} {held.verdict.repairs[0].id}"))


def told(repair: Repair) -> str:
    """A repair in one line."""
    steps = [f"{column}: {_step(step)}" for column, step in repair.columns.items()]
    steps += [f"{name}: {_step(step)}" for name, step in repair.contract.items()]
    cost = _cost(repair)
    what = "cells" if repair.id.startswith("cells-") else "rows"
    gone = _of(repair.suppressed, repair, f"{what} left out")
    gone += _of(int(repair.facts.get("blanked", 0)), repair, "values left out")
    proof = "; not every combination of levels was tried, there may be a cheaper one" * (
        repair.facts.get("optimal") is False
    )
    return f"{'; '.join(steps) or repair.kind} ({cost}{gone}{proof})"


def _cost(repair: Repair) -> str:
    """What it takes from readers. What names somebody is no detail that is measured."""
    if not repair.costed:
        words = {"redact": "what names persons goes from the texts", "pseudonym": "the names become codes"}
        return words[repair.kind]
    share = "less than 0.1 %" if 0 < repair.loss < 0.0005 else f"{repair.loss:.1%}".replace("%", " %")
    lost = f"{share} of the detail is lost"
    return f"{lost}: next to nothing is left of what it changes" if repair.empties else lost


def _of(gone: int, repair: Repair, what: str) -> str:
    """How many of how many, in words: ``, 16 of 4,210 rows left out, 0.4 %``."""
    whole = repair.facts.get("of", 0)
    if not gone:
        return ""
    return f", {gone:,} of {whole:,} {what}, {gone / whole:.1%}".replace("%", " %") if whole else f", {gone:,} {what}"


def _step(step: Any) -> str:
    """A value as the contract's YAML spells it."""
    if isinstance(step, bool):
        return "true" if step else "false"
    if isinstance(step, Mapping):
        return "{" + ", ".join(f"{name}: {_step(value)}" for name, value in step.items()) + "}"
    if isinstance(step, list | tuple):
        return _step(step[0]) if len(step) == 1 else "[" + ", ".join(_step(item) for item in step) + "]"
    return str(step)


def groups(repair: Repair, held: Held) -> list[str]:
    """People by the size of their group before and after a repair, lined up; how many are exposed where groups are
    small only beside earlier releases; [] where nothing was counted."""
    k = _target(held)
    if not (repair.before and repair.after):
        return []
    if not _people(repair.before, 1, k - 1):
        exposed = max((item.people for item in held.verdict.findings if item.outcome in ("repair", "block")), default=0)
        return [f"people it exposes: {exposed:,} before, nobody after"] if exposed and repair.outcome == "pass" else []
    ranges = [("alone", 1, 1)] if k > 1 else []
    if k > 2:
        ranges.append((f"in groups of 2 to {k - 1}" if k > 3 else "in groups of 2", 2, k - 1))
    ranges.append((f"in groups of {k} and more", k, 10**18))
    lines = [f"{'people':<28}{'before':>10}{'after':>10}"]
    for words, low, high in ranges:
        before, after = (_people(sizes, low, high) for sizes in (repair.before, repair.after))
        lines.append(f"{words:<28}{before:>10,}{after:>10,}")
    return lines


def _people(sizes: Mapping[str, int], low: int, high: int) -> int:
    return sum(people for size, people in sizes.items() if low <= (int(size) if size.isdecimal() else 10**9) <= high)


def _target(held: Held) -> int:
    found = (item.facts.get("k") for item in held.verdict.assumptions if item.code == "target")
    return next((k for k in found if isinstance(k, int)), 5)


@app.command("waiting")
def waiting(city: CityOption = HERE, json: JsonOption = False) -> None:
    """What the gate holds back, and why."""
    with arengo.open(city) as opened:
        held = opened.desk.waiting()
    if json:
        terminal.emit(
            [{"id": item.id, "dataset": item.dataset, "at": item.at.isoformat(), "outcome": item.outcome,
              "why": item.verdict.said()} for item in held]
        )  # fmt: skip
        return
    if not held:
        terminal.say("The gate holds nothing back.")
    for item in held:
        terminal.say(f"{item.dataset} {WORDS[item.outcome]}: {item.verdict.said(1)}")


@app.command("repair")
def repair(
    dataset: Dataset,
    repair: Annotated[str, typer.Argument(help="Id of the repair, as 'arengo privacy show' lists it.")],
    yes: Yes = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write a repair into the contract's file in the city folder; 'arengo apply' and 'arengo publish' come after."""
    with arengo.open(city) as opened:
        held = _latest(opened, dataset)
        mended = opened.desk.mended(held.id, repair)
        path = _file(opened, dataset)
        if not json:
            terminal.say(f"{dataset}: {told(mended.repair)}")
            for line in groups(mended.repair, held):
                terminal.say(f"    {line}")
            terminal.say(f"  In {path.name}, as version {mended.version}:")
            for sentence in mended.sentences:
                terminal.say(f"    {sentence}")
        _write(path, mended.text, mended.version, yes or json)
    if json:
        terminal.emit({"dataset": dataset, "repair": mended.repair.id, "version": mended.version, "file": str(path),
                       "changes": list(mended.sentences), "loss": mended.repair.loss,
                       "suppressed": mended.repair.suppressed, "outcome": mended.repair.outcome,
                       "before": dict(mended.repair.before), "after": dict(mended.repair.after)})  # fmt: skip
    else:
        _next(dataset)


def _file(city: City, dataset: str) -> Path:
    """The contract's file in the city folder, as it was judged. Raises NotFound, Conflict."""
    path = city.contracts([dataset])[dataset].path
    if path is None:
        raise NotFound(f"{dataset} has no file in contracts/.", todo="Export it: arengo export --contracts")
    if path.read_text(encoding="utf-8") != city.state.contracts()[dataset].text:
        raise Conflict(
            f"{path.name} is not the contract that was judged.", todo="Apply it and publish again, then try again."
        )
    return path


def _write(path: Path, text: str, version: str, sure: bool) -> None:
    if not sure and not typer.confirm(f"Write it into {path.name} as version {version}?"):
        raise typer.Abort
    path.write_text(text, encoding="utf-8")


def _next(dataset: str) -> None:
    terminal.say(terminal.hint(f"Written. Now: arengo apply {dataset} && arengo publish {dataset}"))


# What a column is


@app.command("confirm")
def confirm(
    dataset: Dataset,
    column: Column,
    role: Annotated[str, typer.Option("--role", help="identifier, quasi or sensitive.")],
    kind: Annotated[str, typer.Option("--kind", help="What it holds: name, age, health, ...")] = "",
    concept: Annotated[str, typer.Option("--concept", help="What other datasets call the same thing.")] = "",
    yes: Yes = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Say in the contract that a column tells about persons, and how."""
    _answer(dataset, Answer(column, role, kind, concept), yes, city, json)


@app.command("allow")
def allow(
    dataset: Dataset,
    column: Column,
    because: Annotated[str, typer.Option("--because", help="Why it may be public, in a sentence for everybody.")],
    yes: Yes = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Say in the contract why a column may be public although persons were found in it."""
    _answer(dataset, Answer(column, reason=because), yes, city, json)


def _answer(dataset: str, answer: Answer, yes: bool, city: Path, json: bool) -> None:
    from arengo.governance.role import OPERATOR

    with arengo.open(city) as opened:
        made = opened.desk.proposed(dataset, answer)
        path = _file(opened, dataset)
        if made.text == opened.state.contracts()[dataset].text:
            raise Conflict(f"The contract of {dataset} says this of {answer.column} already.", todo="Publish it.")
        sentences = [item.sentence for item in made.differences]
        if not json:
            terminal.say(f"{dataset}: {answer.column}")
            for sentence in sentences:
                terminal.say(f"  {sentence}")
        _write(path, made.text, made.version, yes or json)
        opened.desk.told(dataset, answer, OPERATOR, made.version)
    if json:
        terminal.emit({"dataset": dataset, **answer.told, "version": made.version, "file": str(path),
                       "changes": sentences})  # fmt: skip
    else:
        _next(dataset)


@app.command("releases")
def releases(
    population: Annotated[str, typer.Argument(help="Name of the population in privacy.toml; all when absent.")] = "",
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """What is public about each population: the publication ledger that new releases are judged against. Of one
    population also what is public about others whose people its register lists: it is laid together with it."""
    from arengo.privacy.population import Populations
    from arengo.privacy.releases import Releases

    with arengo.open(city) as opened:
        ledger = Releases(opened.settings, opened.state, opened.lake)
        kin = Populations(opened.settings, opened.state).kin(population)
        names = (population, *(item.name for item in kin)) if population else ledger.populations()
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
        terminal.say("Nothing is public about persons yet.")
    for row in rows:
        columns = ", ".join(row["columns"])
        terminal.say(
            f"{row['population']}: {row['release']} ({row['at'][:10]}, {row['rows']:,} {row['form']}: {columns})"
        )


@app.command("withdraw")
def withdraw(
    dataset: Dataset,
    versions: Annotated[list[int], typer.Argument(help="Numbers of the versions; the newest cannot go.")],
    reason: Annotated[str, typer.Option("--reason", help="Why they are taken from readers, in a sentence.")],
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Take versions that expose people from readers. What they told stays in the publication ledger."""
    from arengo.governance.role import OPERATOR

    with arengo.open(city) as opened:
        gone = opened.desk.withdraw(dataset, versions, OPERATOR, reason)
    if json:
        terminal.emit({"dataset": dataset, "versions": list(gone)})
    else:
        terminal.say(f"{dataset}: nobody reads {', '.join(f'v{number}' for number in gone)} any more.")


@app.command("catch-up")
def catch_up(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Write versions from before the gate into the publication ledger, so that new ones are judged against them."""
    from arengo.privacy.population import Populations
    from arengo.privacy.releases import Releases

    with arengo.open(city) as opened:
        ledger = Releases(opened.settings, opened.state, opened.lake)
        done = ledger.catch_up(
            Populations(opened.settings, opened.state),
            progress=lambda label: None if json else terminal.say(f"  {label}"),
        )
    if json:
        terminal.emit(list(done))
    elif not done:
        terminal.say("Every public version about persons is in the ledger already.")
