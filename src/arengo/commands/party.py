"""``arengo party``: organisations, people, roles and invitations, for whoever keeps the city folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption
from arengo.errors import BadQuery, NotFound

if TYPE_CHECKING:
    from arengo.governance.party import Parties
    from arengo.governance.person import Person

app = typer.Typer(help="Organisations, people, roles and invitations.", no_args_is_help=True)

MailArgument = Annotated[str, typer.Argument(help="E-mail address or id of a person.")]


@app.command()
def organisations(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Every organisation: those that answer for datasets, and those that were added."""
    with arengo.open(city) as opened:
        found = list(opened.access.parties.organisations().values())
    if json:
        terminal.emit([_plain(item) for item in found])
        return
    rows = [[item.id, item.name, item.parent, "yes" if item.owner else ""] for item in found]
    terminal.table(["id", "name", "department of", "owns data"], rows)


@app.command()
def organisation(
    name: Annotated[str, typer.Argument(help="Its name; the id is made of it.")],
    parent: Annotated[str, typer.Option(help="Id of the organisation it is a department of.")] = "",
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Add an organisation or a department."""
    from arengo.governance.role import OPERATOR

    with arengo.open(city) as opened:
        made = opened.access.parties.add_organisation(name, parent, by=OPERATOR)
    terminal.emit(_plain(made)) if json else terminal.say(f"{made.name} is there, as {made.id}.")


@app.command()
def people(
    organisation: Annotated[str, typer.Option(help="Only of this organisation.")] = "",
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """People with their roles."""
    with arengo.open(city) as opened:
        parties = opened.access.parties
        found = [_person(parties, item) for item in parties.people(organisation)]
    if json:
        terminal.emit(found)
        return
    if not found:
        terminal.say(
            terminal.hint("Nobody yet. Next: arengo party invite MAIL --organisation '*' --role administrator")
        )
        return
    rows = [[item["mail"], item["name"], item["organisation"], item["state"], _roles(item)] for item in found]
    terminal.table(["mail", "name", "organisation", "state", "roles"], rows)


@app.command()
def person(
    who: MailArgument,
    block: Annotated[bool, typer.Option("--block", help="End all sessions and let the person in no more.")] = False,
    let_in: Annotated[bool, typer.Option("--let-in", help="Let a blocked person in again.")] = False,
    erase: Annotated[bool, typer.Option("--erase", help="Forget name, address, roles and keys for good.")] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Show one person, or block, let in again, or erase."""
    from arengo.governance.role import OPERATOR

    if block + let_in + erase > 1:
        raise BadQuery("--block, --let-in and --erase exclude each other.", todo="Give one of them.")
    with arengo.open(city) as opened:
        parties = opened.access.parties
        found = _find(parties, who)
        if block or let_in:
            parties.block(found.id, by=OPERATOR, blocked=block)
        if erase:
            parties.erase(found.id, by=OPERATOR)
        said = _person(parties, parties.person(found.id))
    if json:
        terminal.emit(said)
        return
    for name in ("id", "name", "mail", "organisation", "state", "providers", "password", "app", "passkeys"):
        terminal.say(f"{name:14}{said[name]}")
    terminal.say(f"{'roles':14}{_roles(said)}")


@app.command()
def role(
    who: MailArgument,
    organisation: Annotated[str, typer.Argument(help="Id of an organisation; '*' for the whole city.")],
    role: Annotated[str, typer.Argument(help="reader, steward, publisher, auditor or administrator.")],
    take: Annotated[bool, typer.Option("--take", help="Take the role away.")] = False,
    city: CityOption = HERE,
) -> None:
    """Give a person a role in an organisation, or take it away."""
    from arengo.governance.role import OPERATOR

    with arengo.open(city) as opened:
        parties = opened.access.parties
        found = _find(parties, who)
        (parties.take if take else parties.give)(found.id, organisation, role, by=OPERATOR)
    terminal.say(f"{found.name} is {'no longer ' if take else ''}{role} of {organisation}.")


@app.command()
def invite(
    mail: Annotated[str, typer.Argument(help="E-mail address of whoever is invited.")],
    organisation: Annotated[str, typer.Option(help="Id of an organisation; '*' for the whole city.")] = "city",
    role: Annotated[list[str] | None, typer.Option(help="A role; may be given several times.")] = None,
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Invite a person, or make a new link for one who lost it. Prints the link: it opens once."""
    from arengo.app import address_of
    from arengo.governance.role import OPERATOR

    with arengo.open(city) as opened:
        parties = opened.access.parties
        known = parties.by_mail(mail)
        if known is not None and not role:
            found, link = known, parties.invitations.renew(known.id, by=OPERATOR)
        else:
            found, link = parties.invitations.invite(name, mail, organisation, role or (), by=OPERATOR)
        base = address_of(opened.settings)
    address = f"{base}/invitation/{link}" if link else ""
    if json:
        terminal.emit({"person": found.id, "mail": found.mail, "link": address})
    elif address:
        terminal.say(address)
    else:
        terminal.say(f"{found.name} signs in here already and has the role now.")


@app.command()
def providers(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Ask every provider of login/*.toml what it says of itself. Fails (4) for a file that cannot be used."""
    from arengo.errors import ArengoError
    from arengo.services.login import Logins

    with arengo.open(city) as opened:
        logins = Logins(opened.access.parties)
        said: list[dict[str, Any]] = []
        for item in logins.providers.values():
            entry: dict[str, Any] = {"id": item.id, "issuer": item.issuer, "answers": True, "keys": 0, "error": ""}
            try:
                entry["keys"] = len(logins.discovery(item).keys())
            except ArengoError as error:
                entry |= {"answers": False, "error": str(error)}
            said.append(entry)
    if json:
        terminal.emit(said)
        return
    if not said:
        terminal.say("No provider is declared. Write login/NAME.toml in the city folder.")
        return
    rows = [[item["id"], item["issuer"], f"{item['keys']} keys" if item["answers"] else item["error"]] for item in said]
    terminal.table(["provider", "issuer", "answers"], rows)


def _find(parties: Parties, who: str) -> Person:
    found = parties.by_mail(who) if "@" in who else parties.person(who)
    if found is None:
        raise NotFound(f"Nobody here has the address {who}.", todo="Invite the person: arengo party invite.")
    return found


def _person(parties: Parties, found: Person) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "mail": found.mail,
        "organisation": found.organisation,
        "state": found.state,
        "providers": list(parties.identities(found.id)),
        "password": parties.passwords.has(found.id),
        "app": parties.totps.has(found.id),
        "passkeys": len(parties.passkeys.of(found.id)),
        "roles": [
            {"organisation": item.organisation, "role": item.role, "source": item.source}
            for item in parties.roles(found.id)
        ],
    }


def _roles(said: dict[str, Any]) -> str:
    return ", ".join(f"{item['role']} of {item['organisation']}" for item in said["roles"])


def _plain(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ("id", "name", "parent", "owner")}
