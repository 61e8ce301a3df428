"""``arengo ledger``: look at the record, sign it, take it home, check it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption
from arengo.errors import BadForm, LedgerBroken

if TYPE_CHECKING:
    from arengo.ledger import Entry
    from arengo.ledger.audit import Report

app = typer.Typer(help="The record of what happened: look, sign, take home, check.", no_args_is_help=True)

MOST_TEXT = 65_536


@app.command()
def verify(
    path: Annotated[
        Path | None, typer.Argument(help="An export (folder or .tar.gz); the city's own record by default.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", help="A verifier key to trust, instead of those the export brings.")
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="A checkpoint or export kept from before: finds a fork and a rollback."),
    ] = None,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Check a record from its first entry to its last, offline. Fails (4) and says where it is not right."""
    from arengo.ledger import audit, export, inventory, note

    trusted = [note.verifier(text) for text in key or ()]
    kept = [text for item in against or () for text in _kept(item)]
    if path is not None:
        with export.opened(path) as source:
            report = audit.verify(source, trusted=trusted, against=kept)
    else:
        with arengo.open(city) as opened:
            report = inventory.verify(opened.ledger, trusted=trusted, against=kept)
    if json:
        terminal.emit(_as_json(report))
    else:
        for line in _sentences(report):
            terminal.say(line)
    if not report.ok:
        raise typer.Exit(LedgerBroken.exit_code)


def _kept(path: Path) -> list[str]:
    """Texts of the checkpoints in a file or an export."""
    from arengo.ledger import export

    if path.is_file() and path.stat().st_size <= MOST_TEXT and not path.name.endswith((".gz", ".tgz")):
        return [path.read_text(encoding="utf-8", errors="replace")]
    with export.opened(path) as source:
        return list(source.checkpoints())


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "origin": report.origin,
        "entries": report.entries,
        "signed": report.signed,
        "checkpoints": report.checkpoints,
        "first": report.first,
        "last": report.last,
        "root": report.root,
        "key": report.key,
        "key_trusted": report.trusted,
        "cosigners": list(report.cosigners),
        "problems": [
            {"kind": item.kind, "entry": item.number if item.number >= 0 else None, "message": item.sentence}
            for item in report.problems
        ],
    }


def _sentences(report: Report) -> list[str]:
    lines = [item.sentence for item in report.problems]
    if report.ok:
        lines.append(f"The record of {report.origin} is whole: {report.signed:,} signed entries, none changed.")
    else:
        lines.append(f"The record of {report.origin or 'this city'} is NOT right: see above.")
    if report.entries:
        lines.append(f"  entries      {report.entries:,}, from {report.first[:19]}Z to {report.last[:19]}Z")
    if report.entries > report.signed:
        lines.append(f"  not signed   the last {report.entries - report.signed:,}; the next checkpoint covers them")
    lines.append(f"  checkpoints  {report.checkpoints:,}")
    lines.append(f"  root         {report.root.hex()}")
    if report.key:
        whose = "the key you gave" if report.trusted else "the key the record brings; compare it with one you know"
        lines.append(f"  signed by    {report.key} ({whose})")
    lines.append(f"  witnesses    {', '.join(report.cosigners) or 'none'}")
    return lines


@app.command()
def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder, or a file that ends in .tar.gz.")],
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write the signed record to files: leaves, hashes, checkpoints, keys. Nobody's data is in it."""
    from arengo.ledger import export as exporting

    with arengo.open(city) as opened:
        written = exporting.write(opened.ledger, output)
        signed = opened.ledger.checkpoint()
    size = signed.size if signed else 0
    if json:
        terminal.emit({"path": str(written), "entries": size, "checkpoint": signed.text if signed else ""})
    else:
        terminal.say(f"{written}: {size:,} entries. Check it anywhere with: arengo ledger verify {written}")


@app.command()
def checkpoint(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Sign what is recorded now and print the checkpoint: to keep, to publish, to print in the gazette."""
    with arengo.open(city) as opened:
        signed = opened.ledger.sign()
    if json:
        terminal.emit({"origin": signed.origin, "size": signed.size, "root": signed.root, "note": signed.text})
    else:
        print(signed.text, end="")


@app.command()
def show(
    number: Annotated[int | None, typer.Argument(help="One entry, whole; the newest ones by default.")] = None,
    kind: Annotated[str, typer.Option(help="Only this kind: read, decision, agreement ...")] = "",
    dataset: Annotated[str, typer.Option(help="Only about this dataset.")] = "",
    organisation: Annotated[str, typer.Option(help="Only of this organisation.")] = "",
    day: Annotated[str, typer.Option(help="Only of this day (YYYY-MM-DD, UTC).")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    keys: Annotated[bool, typer.Option("--keys", help="The public keys of this record and of its witness.")] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Show what is recorded, the newest first; one entry with its body; or the public keys."""
    with arengo.open(city) as opened:
        ledger = opened.ledger
        if keys:
            found = {"record": ledger.public_keys()[0], "witness": ledger.keys.witness.verifier}
            if json:
                terminal.emit({name: str(item) for name, item in found.items()})
            else:
                for name, item in found.items():
                    terminal.say(f"{name:8} {item}")
            return
        if number is not None:
            entry = ledger.entry(number, whole=True)
            if json:
                terminal.emit(_entry(entry))
            else:
                _print(entry)
            return
        entries = ledger.entries(
            before=ledger.size, limit=limit, kind=kind, dataset=dataset, organisation=organisation, day=day
        )
    if json:
        terminal.emit([_entry(entry) for entry in entries])
        return
    rows = [
        (item.number, f"{item.at:%Y-%m-%d %H:%M:%S}", item.kind, item.organisation, item.dataset, _said(item))
        for item in entries
    ]
    terminal.table(("entry", "when (UTC)", "kind", "organisation", "dataset", "what"), rows, (0,))


def _said(entry: Entry) -> str:
    names = ("action", "decision", "purpose", "version", "rows")
    return (
        "hidden" if entry.hidden else ", ".join(f"{name} {entry.facts[name]}" for name in names if name in entry.facts)
    )


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "entry": entry.number,
        "leaf": entry.facts,
        "hash": entry.hash,
        "hidden": entry.hidden,
        "erased": entry.erased,
        "body": entry.body,
        "salt": entry.salt or None,
    }


def _print(entry: Entry) -> None:
    terminal.say(f"entry {entry.number}")
    for name, value in entry.facts.items():
        terminal.say(f"  {name:13} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    if entry.hidden:
        terminal.say(f"  hidden: {entry.visibility.kind}, by {entry.visibility.by}, {entry.visibility.basis}")
    elif entry.erased:
        terminal.say("  its body was erased")
    for name, value in (entry.body or {}).items():
        terminal.say(f"  {name + ':':13} {value}")


@app.command()
def rotate(
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Give the record a new key. The old one signs that the new one follows it; servers take it when they restart."""
    if not yes:
        raise BadForm("This gives the record a new signing key.", todo="Say --yes, and restart the servers after it.")
    with arengo.open(city) as opened:
        made = opened.ledger.rotate()
    if json:
        terminal.emit({"key": str(made)})
    else:
        terminal.say(
            f"The record signs with a new key from now on:\n{made}\nRestart the servers, and tell your witnesses."
        )


@app.command()
def witness(city: CityOption = HERE, json: JsonOption = False) -> None:
    """Sign, and ask every witness of [ledger] witnesses for its signature now."""
    from arengo.services.witness import cosign

    with arengo.open(city) as opened:
        opened.ledger.sign()
        asked = cosign(opened.settings, opened.ledger, due_only=False)
    if json:
        terminal.emit([{"witness": item.witness, "state": item.state, "message": item.words} for item in asked])
    else:
        for item in asked:
            terminal.say(f"{item.witness}: {item.state}. {item.words}")
        if not asked:
            terminal.say("No witness has anything to sign.")
    if any(item.state != "signed" for item in asked):
        raise typer.Exit(LedgerBroken.exit_code)
