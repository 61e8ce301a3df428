"""``arengo erasure``: find a person, erase her, restrict her data, lift that again; and the vault's key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption
from arengo.errors import BadForm

if TYPE_CHECKING:
    from arengo.city import City
    from arengo.services.erasure import Finished, Item, Plan

app = typer.Typer(help="Persons who ask to be forgotten or left alone (GDPR, Art. 17 to 19).", no_args_is_help=True)

PopulationArgument = Annotated[str, typer.Argument(help="The population the person belongs to, such as residents.")]
PersonOption = Annotated[
    str, typer.Option("--person", "-p", help="The person's number; asked for when it is left out, so that no shell "
                      "history keeps it.")]  # fmt: skip
ReferenceOption = Annotated[str, typer.Option("--reference", "-r", help="Number of the letter that asks for it.")]
RequestArgument = Annotated[str, typer.Argument(help="Number of the request.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask again.")]
BY = "operator"
"""As whom the command line acts: whoever can write into the city folder."""
WORDS = {"erase": "is erased", "restrict": "is restricted", "keep": "stays"}


def _number(person: str) -> str:
    return person or str(typer.prompt("The person's number", hide_input=True))


@app.command()
def find(
    population: PopulationArgument, person: PersonOption = "", city: CityOption = HERE, json: JsonOption = False
) -> None:
    """Where a person is: rows by dataset and version."""
    number = _number(person)
    with arengo.open(city) as opened:
        found = opened.erasure.find(population, number)
        if json:
            terminal.emit({"datasets": [
                {"dataset": item.dataset, "by": item.by, "rows": {f"v{at}": rows for at, rows in item.rows.items()}}
                for item in found
            ]})  # fmt: skip
            return
        for item in found:
            if not item.by:
                terminal.say(f"{item.dataset}: keeps nothing that leads to a person")
            else:
                terminal.say(f"{item.dataset}: {_rows(item.rows)}")


@app.command()
def who(value: Annotated[str, typer.Argument(help="An e-mail address, a phone number.")], city: CityOption = HERE,
        json: JsonOption = False) -> None:  # fmt: skip
    """Persons with this value in a sealed column. Nothing is opened for it."""
    with arengo.open(city) as opened:
        found = opened.erasure.who(value)
        if json:
            terminal.emit({"persons": [{"population": one.population, "person": one.id, "mark": one.mark}
                                       for one in found]})  # fmt: skip
        else:
            terminal.say("\n".join(f"{one.population}: {one.id or one.mark}" for one in found) or "Nobody.")


@app.command()
def plan(
    population: PopulationArgument,
    person: PersonOption = "",
    restrict: Annotated[bool, typer.Option("--restrict", help="Restrict instead of erasing (Art. 18).")] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """What would happen in each dataset, and why. Nothing is changed."""
    number = _number(person)
    with arengo.open(city) as opened:
        made = opened.erasure.plan(population, number, "restrict" if restrict else "erase")
        if json:
            terminal.emit({"plan": _plan(made)})
        else:
            _say(made)


@app.command()
def run(
    population: Annotated[str, typer.Argument(help="The population; left out to go on with what was broken off.")] = "",
    person: PersonOption = "",
    reference: ReferenceOption = "",
    city: CityOption = HERE,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Erase a person everywhere. Without a population: go on with requests that were broken off."""
    with arengo.open(city) as opened:
        if not population:
            _finished(opened.erasure.resume_all(), json)
            return
        _do(opened, population, _number(person), "erase", reference, "", yes, json)


@app.command()
def restrict(
    population: PopulationArgument,
    reason: Annotated[str, typer.Option("--reason", help="The case of Art. 18(1).")],
    reference: ReferenceOption,
    person: PersonOption = "",
    city: CityOption = HERE,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Take a person's rows out of every reading, sealed, until that is lifted."""
    number = _number(person)
    with arengo.open(city) as opened:
        _do(opened, population, number, "restrict", reference, reason, yes, json)


@app.command()
def lift(
    request: RequestArgument,
    why: Annotated[str, typer.Option("--why", help="What ended the case (Art. 18(3)).")],
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """End a restriction: the rows come back with a new version."""
    with arengo.open(city) as opened:
        _finished((opened.erasure.lift(request, by=BY, why=why),), json)


@app.command(name="list")
def listed(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Requests and how far they are."""
    with arengo.open(city) as opened:
        _finished(opened.erasure.listed(), json)


@app.command()
def receipt(
    request: RequestArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path("receipt.pdf"),
    city: CityOption = HERE,
) -> None:
    """The sealed receipt of a request, as PDF."""
    with arengo.open(city) as opened:
        body = opened.erasure.receipt(request)
        out.write_bytes(body)
        terminal.say(f"{out}: SHA-256 {opened.erasure.get(request).receipt}")


@app.command(name="rotate-key")
def rotate_key(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Give the vault a new key-encryption key and wrap every person's key with it."""
    with arengo.open(city) as opened:
        count = opened.vault.rotate()
        opened.ledger.tell("administration", actor=BY, body={"act": "vault key changed", "keys": count})
        if json:
            terminal.emit({"keys": count})
        else:
            terminal.say(f"The vault has a new key; {count:,} persons' keys were wrapped with it.")


# How it is said


def _do(
    city: City, population: str, number: str, kind: str, reference: str, reason: str, yes: bool, json: bool
) -> None:
    made = city.erasure.plan(population, number, kind)
    if not yes:
        _say(made)
        word = typer.prompt(f"This cannot be undone. Write {kind.upper()} to go on" if kind == "erase"
                            else f"Write {kind.upper()} to go on")  # fmt: skip
        if word.strip() != kind.upper():
            raise BadForm("Nothing was changed.", todo=f"Write {kind.upper()} to go on.")
    done = city.erasure.run(population, number, kind, by=BY, reference=reference, reason=reason)
    _finished((done,), json)


def _say(made: Plan) -> None:
    for item in made.items:
        said = f"{item.dataset}: {WORDS[item.action]}, {_rows(item.rows)}"
        if item.why:
            said += f". {'Legal hold: ' if item.because == 'hold' else ''}{item.why}"
        if item.agreements and item.rows:
            said += f". Readers told: {len(item.agreements)}"
        terminal.say(said)
    for name in made.blind:
        terminal.say(f"{name}: keeps nothing that leads to a person")


def _rows(rows: Any) -> str:
    if not rows:
        return "no row about the person"
    return ", ".join(
        f"v{number}: {count:,} {'row' if count == 1 else 'rows'}" for number, count in sorted(rows.items())
    )


def _finished(items: tuple[Finished, ...], json: bool) -> None:
    if json:
        terminal.emit({"requests": [_request(item) for item in items]})
        return
    for item in items:
        said = f"{item.id} {item.kind} {item.population}: {item.state}, {item.reference}"
        if item.receipt:
            said += f", receipt {item.receipt[:16]}…"
        terminal.say(said)
    if not items:
        terminal.say("There is nothing.")


def _plan(made: Plan) -> dict[str, Any]:
    return {
        "population": made.population, "mark": made.mark, "kind": made.kind, "blind": list(made.blind),
        "datasets": [_item(item) for item in made.items],
    }  # fmt: skip


def _item(item: Item) -> dict[str, Any]:
    return {
        "dataset": item.dataset, "action": item.action, "why": item.why, "because": item.because,
        "rows": {f"v{number}": count for number, count in item.rows.items()}, "agreements": list(item.agreements),
    }  # fmt: skip


def _request(item: Finished) -> dict[str, Any]:
    return {
        "id": item.id, "kind": item.kind, "population": item.population, "mark": item.mark, "state": item.state,
        "by": item.by, "reference": item.reference, "reason": item.reason, "at": item.at.isoformat(),
        "ended_at": item.ended_at.isoformat() if item.ended_at else None, "receipt": item.receipt or None,
        "steps": [{"step": name, "at": at, **dict(facts)} for name, at, facts in item.steps],
        "lifted_at": item.lifted_at.isoformat() if item.lifted_at else None, "why": item.why or None,
    }  # fmt: skip
