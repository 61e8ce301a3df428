"""``arengo policy``: the rules of the city, their tests, and who can read what by them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption
from arengo.errors import NotFound, PolicyError, UnknownColumn, UnknownDataset

if TYPE_CHECKING:
    from arengo.city import City
    from arengo.contract import Contract
    from arengo.governance.policy.analysis import Reader, Shown

app = typer.Typer(help="Who may read what: rules, their tests, and what follows from them.", no_args_is_help=True)


@app.command()
def check(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Read policies/ and hierarchies/ and say everything that is wrong. Fails (3) when 'apply' would refuse them."""
    with arengo.open(city) as opened:
        checked = opened.policies.check()
        waits = opened.policies.waiting() if not checked.errors else True
    if json:
        terminal.emit(
            {
                "policies": [item.id for item in checked.book.policies],
                "errors": [item.as_dict() for item in checked.errors],
                "warnings": [item.as_dict() for item in checked.warnings],
                "waiting": waits,
            }
        )
    else:
        for error in checked.errors:
            terminal.say(f"error    {error}")
        for error in checked.warnings:
            terminal.say(f"warning  {error}")
        terminal.say(f"{_count(len(checked.book.policies), 'policy', 'policies')} in the folder", end="")
        terminal.say("; they hold from the next 'arengo apply' on" if waits and not checked.errors else "")
    if checked.errors:
        raise typer.Exit(PolicyError.exit_code)


@app.command("test")
def run_tests(
    names: Annotated[
        list[str] | None, typer.Argument(help="Tests whose name holds one of these; all by default.")
    ] = None,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Run policies/tests/*.yaml against the policies of the folder. Fails (3) when one comes out otherwise."""
    from arengo.governance.policy import trial

    with arengo.open(city) as opened:
        settings = opened.settings
        checked = opened.policies.check()
        checked.refuse()
        found = [item for item in trial.trials(settings.root, settings.city.timezone)
                 if not names or any(name.lower() in item.name.lower() for name in names)]  # fmt: skip
        contracts, parties = opened.policies.contracts(), opened.access.parties
        results = trial.run(found, checked.book, contracts, settings, opened.state, parties)
    failed = [item for item in results if not item.passed]
    if json:
        terminal.emit(
            [
                {"file": item.trial.file, "name": item.trial.name, "passed": item.passed,
                 "problems": list(item.problems), "reason": item.reason, "rule": item.rule}
                for item in results
            ]
        )  # fmt: skip
    else:
        for item in failed:
            terminal.say(f"failed   {item.trial.name} ({item.trial.file}, test {item.trial.number})")
            for problem in item.problems:
                terminal.say(f"         {problem}")
        terminal.say(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(PolicyError.exit_code)


@app.command()
def schema() -> None:
    """Show what policies may speak of: Cedar's schema of people, data and circumstances."""
    from arengo.governance.policy.schema import SCHEMA

    terminal.say(SCHEMA, end="")


@app.command()
def who(
    what: Annotated[str, typer.Argument(metavar="DATASET[/COLUMN]", help="A dataset, or one of its columns.")],
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Say who can read a dataset or one column: by which agreement, policy or role, how blurred, until when."""
    dataset, slash, column = what.partition("/")
    with arengo.open(city) as opened:
        contract = _contract(opened, dataset)
        if slash and contract.column(column) is None:
            known = ", ".join(item.name for item in contract.properties)
            raise UnknownColumn(f"{dataset} has no column {column!r}.", todo=f"It has {known}.")
        readers = opened.access.analysis.readers(contract, (column,) if slash else ())
        people = opened.access.parties.names({name for item in readers for name in (item.party, *item.people)})
    _tell(readers, json, people, column)
    if not json and not readers:
        terminal.say("Nobody can read it.")


@app.command()
def what(
    party: Annotated[
        str, typer.Argument(help="Mail or id of a person, id of an application or an organisation (its people).")
    ],
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Say what a person, an application or an organisation's people can read, and by what."""
    with arengo.open(city) as opened:
        analysis = opened.access.analysis
        person = opened.access.parties.by_mail(party) if "@" in party else None
        party = person.id if person is not None else party
        if analysis.caller(party) is None and party not in opened.access.parties.organisations():
            raise NotFound(
                f"There is no person, application or organisation {party!r}.",
                todo="'arengo party people --json' shows people, 'arengo party organisations' the others.",
            )
        contracts = [entry.contract for entry in opened.catalogue.entries(limit=None).items]
        readers = analysis.reads(party, contracts)
    _tell(readers, json, {}, "", by_dataset=True)
    if not json and not readers:
        terminal.say("Nothing.")


def _contract(opened: City, dataset: str) -> Contract:
    found = opened.policies.contracts().get(dataset)
    if found is None:
        raise UnknownDataset(f"There is no dataset {dataset!r}.", todo="'arengo status' lists the datasets.")
    return found


def _count(n: int, one: str, several: str) -> str:
    return f"{n} {one if n == 1 else several}"


def _tell(readers: Sequence[Reader], json: bool, people: Any, column: str = "", *, by_dataset: bool = False) -> None:
    if json:
        terminal.emit([_as_json(item, column) for item in readers])
        return
    for item in readers:
        head = item.dataset if by_dataset else _who(item, people)
        until = f", until {item.until:%Y-%m-%d}" if item.until and item.until.year < 9999 else ""
        terminal.say(f"{head}  ({item.rule}{until})")
        for line in item.when:
            terminal.say(f"    {line}")
        if item.people and not by_dataset:
            terminal.say(f"    people: {', '.join(people.get(name, name) for name in item.people)}")
        for shown in item.columns:
            if not column or shown.column == column:
                terminal.say(f"    {_column(shown)}")
        for text in item.rows:
            terminal.say(f"    only rows where {text}")
        for text in item.obligations:
            terminal.say(f"    promised: {text}")
    sys.stdout.flush()


def _who(item: Reader, people: Any) -> str:
    if item.kind == "everyone":
        return "everyone"
    name = people.get(item.party, item.party)
    words = {"role": "role", "person": "person", "people": "people of", "application": "application",
             "applications": "applications of"}  # fmt: skip
    return f"{words[item.kind]} {name or 'any organisation'}"


def _column(shown: Shown) -> str:
    said = [str(mask) for mask in shown.masks] + list(shown.sometimes) + list(shown.when)
    return f"{shown.column}{': ' if said else ''}{', '.join(said)}"


def _as_json(item: Reader, column: str) -> dict[str, Any]:
    return {
        "dataset": item.dataset,
        "kind": item.kind,
        "party": item.party,
        "organisation": item.organisation,
        "ground": item.ground,
        "rule": item.rule,
        "agreement": item.agreement,
        "purpose": item.purpose,
        "until": item.until.isoformat() if item.until else None,
        "when": list(item.when),
        "rows": list(item.rows),
        "obligations": list(item.obligations),
        "people": list(item.people),
        "columns": [
            {"column": shown.column, "masks": [str(mask) for mask in shown.masks], "sometimes": list(shown.sometimes),
             "when": list(shown.when)}
            for shown in item.columns if not column or shown.column == column
        ],
    }  # fmt: skip
