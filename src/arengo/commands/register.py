"""``arengo register``: the record of processing activities, notices, assessments, retention, legal holds, seals."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import arengo
from arengo import terminal
from arengo.commands import HERE, CityOption, JsonOption
from arengo.errors import BadForm

if TYPE_CHECKING:
    from arengo.city import City
    from arengo.portal.language import Speech
    from arengo.portal.register_words import Line
    from arengo.services.paper import Paper
    from arengo.services.retention import Due
    from arengo.state.register import Hold

app = typer.Typer(help="What the city does with personal data: record, notices, retention.", no_args_is_help=True)

OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="File to write: .pdf is sealed, .csv or text.")]
LanguageOption = Annotated[str, typer.Option("--language", "-l", help="Language; the city's by default.")]
DatasetArgument = Annotated[str, typer.Argument(help="Id of the dataset.")]
BY = "operator"
"""As whom the command line acts: whoever can write into the city folder."""


def _speech(city: City, language: str) -> Speech:
    from arengo.portal.language import LANGUAGES, Speech

    told = language or city.settings.city.language.split("-")[0]
    return Speech(told if told in LANGUAGES else "en", city.settings.city.timezone, city.settings.city.country)


@app.command()
def record(
    city: CityOption = HERE, out: OutOption = None, language: LanguageOption = "", json: JsonOption = False
) -> None:
    """The record of processing activities (GDPR, Art. 30)."""
    from arengo.portal import register_paper, register_words

    with arengo.open(city) as opened:
        s = _speech(opened, language)
        found = opened.register.activities()
        lines = [register_words.line(s, item) for item in found]
        if json:
            terminal.emit({"activities": [_as_json(item) for item in lines]})
        elif out is not None and out.suffix == ".pdf":
            paper = register_paper.speech(opened.settings, s.language)
            words = [register_words.line(paper, item) for item in found]
            made = register_paper.record(paper, opened.settings, words, datetime.now(UTC))
            _write_sealed(opened, made, out, made.title)
        elif out is not None and out.suffix == ".csv":
            out.write_text(_table(s, lines), encoding="utf-8", newline="")
            terminal.say(f"{out}: {len(lines)} activities")
        else:
            _write("\n\n".join(_sentences(s, item) for item in lines) or s._("No dataset holds personal data."), out)


@app.command()
def notice(
    dataset: DatasetArgument, city: CityOption = HERE, out: OutOption = None, language: LanguageOption = ""
) -> None:
    """The information notice of a dataset (GDPR, Art. 13 and 14)."""
    from arengo.portal import notice as words
    from arengo.portal import register_paper

    with arengo.open(city) as opened:
        s = _speech(opened, language)
        found = opened.register.of(dataset)
        if out is not None and out.suffix == ".pdf":
            paper = register_paper.speech(opened.settings, s.language)
            made = register_paper.notices(paper, opened.settings, found, datetime.now(UTC))
            _write_sealed(opened, made, out, made.title)
            return
        parts = [words.title(s, found), words.short(s, found)]
        for item in words.sections(s, found, opened.settings):
            pairs = [f"{label}: {'; '.join(texts)}" for label, texts in item.pairs]
            points = [f"- {text}" for text in item.points]
            parts.append("\n".join([item.title, *item.texts, *points, *pairs]))
        _write("\n\n".join(parts), out)


@app.command()
def dpia(
    dataset: DatasetArgument, city: CityOption = HERE, out: OutOption = None, language: LanguageOption = ""
) -> None:
    """The skeleton of a data protection impact assessment (GDPR, Art. 35); a .pdf of it is not sealed."""
    from arengo.portal import assessment_words, register_paper, register_words
    from arengo.services.paper import lay
    from arengo.services.register import assess

    with arengo.open(city) as opened:
        s = _speech(opened, language)
        found = opened.register.of(dataset)
        version = opened.catalogue.entry(dataset).version
        made = assess(found, version.rows if version else None, version.number if version else None)
        if out is not None and out.suffix == ".pdf":
            paper = register_paper.speech(opened.settings, s.language)
            lines = [register_words.line(paper, item) for item in found]
            out.write_bytes(lay(register_paper.assessment(paper, opened.settings, made, lines, datetime.now(UTC))))
            terminal.say(out)
            return
        criteria = [
            f"- {assessment_words.criterion(s, one.id)} {assessment_words.answer(s, one)}"
            + (f" ({told})" if (told := assessment_words.fact(s, one, made)) else "")
            for one in made.criteria
        ]
        questions = [f"- {assessment_words.question(s, name)[1]}" for name in made.questions]
        _write("\n".join([assessment_words.verdict(s, made), *criteria, "", *questions]), out)


@app.command()
def retention(
    dataset: Annotated[str, typer.Argument(help="Id of a dataset; all when none is named.")] = "",
    run: Annotated[bool, typer.Option("--run", help="Dispose of what is due; without it nothing is done.")] = False,
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """What is past its retention: versions and rows. Says what would go; with --run it goes, and the record says so."""
    with arengo.open(city) as opened:
        keeper = opened.retention
        due = keeper.due(dataset)
        done = keeper.run(dataset, by=BY) if run else ()
        if run or not dataset:
            keeper.note()
        if json:
            told = [
                {"run": item.id, "dataset": item.dataset, "versions": list(item.versions), "rows": item.rows,
                 "version": item.version, "at": item.at.isoformat()}
                for item in done
            ]  # fmt: skip
            terminal.emit({"due": [_due(item) for item in due], "done": told})
            return
        for item in due:
            terminal.say(_due_sentence(item))
        if not due:
            terminal.say("Nothing is past its retention.")
        for gone in done:
            terminal.say(
                f"{gone.dataset}: {len(gone.versions)} versions and {gone.rows:,} rows disposed of (run {gone.id})"
            )
        if due and not run and any(item.hold is None and not item.nothing for item in due):
            terminal.say("Nothing was done. Write --run to dispose of it.")


@app.command()
def hold(
    dataset: Annotated[str, typer.Argument(help="Id of a dataset, '*' for all; lists the holds when none.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why nothing may be disposed of; or why it ends.")] = "",
    since: Annotated[str, typer.Option("--since", help="Day it began (YYYY-MM-DD); today by default.")] = "",
    lift: Annotated[str, typer.Option("--lift", help="Id of a hold to end, with --reason.")] = "",
    city: CityOption = HERE,
    json: JsonOption = False,
) -> None:
    """Legal holds: stop every disposal of a dataset, or end a hold; without a dataset, see those that stand."""
    with arengo.open(city) as opened:
        keeper = opened.retention
        found: tuple[Hold, ...]
        if lift:
            found = (keeper.lift(lift, by=BY, why=reason),)
        elif dataset:
            try:
                day = date.fromisoformat(since) if since else None
            except ValueError:
                raise BadForm(f"{since!r} is no day.", todo="Write it like 2026-03-01.") from None
            found = (keeper.hold(dataset, reason=reason, by=BY, since=day),)
        else:
            found = keeper.holds(lifted=json)
        if json:
            terminal.emit({"holds": [
                {"id": item.id, "dataset": item.dataset, "reason": item.reason, "since": str(item.since or ""),
                 "by": item.by, "lifted_at": item.lifted_at.isoformat() if item.lifted_at else None, "why": item.why}
                for item in found
            ]})  # fmt: skip
            return
        for item in found:
            state = "ended" if item.lifted_at is not None else "stands"
            terminal.say(f"{item.id}  {item.dataset}  {state} since {item.since}: {item.reason}")
        if not found:
            terminal.say("No hold stands. Contracts may name one themselves (arengoLegalHold).")


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A PDF.")], city: CityOption = HERE, json: JsonOption = False
) -> None:
    """Whether a document was sealed by this city and is unchanged. Fails (1) when not."""
    from arengo.services.seal import Sealer

    with arengo.open(city) as opened:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadForm(f"{path} cannot be read: {error.strerror}.", todo="Name a PDF file.") from None
        found = Sealer(opened.settings).check(data)
    if json:
        terminal.emit({
            "good": found.good, "sealed": found.sealed, "intact": found.intact, "whole": found.whole,
            "ours": found.ours, "by": found.by, "reason": found.reason,
            "at": found.at.isoformat() if found.at else None, "fingerprint": found.fingerprint,
            "problem": found.problem,
        })  # fmt: skip
    elif found.good:
        terminal.say(f"Sealed by {found.by} on {found.at:%Y-%m-%d %H:%M} UTC and unchanged: {found.reason}")
    else:
        terminal.say(found.problem)
    if not found.good:
        raise typer.Exit(1)


def _as_json(item: Line) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value
            for name in item.__slots__ for value in (getattr(item, name),)}  # fmt: skip


def _table(s: Speech, lines: list[Line]) -> str:
    from arengo.portal.register import harmless
    from arengo.portal.register_words import cells, headings

    out = io.StringIO()
    sheet = csv.writer(out, lineterminator="\r\n")
    sheet.writerow(headings(s))
    sheet.writerows([harmless(text) for text in cells(item)] for item in lines)
    return "\ufeff" + out.getvalue()


def _sentences(s: Speech, item: Line) -> str:
    from arengo.portal.register_words import cells, headings

    pairs = zip(headings(s), cells(item), strict=True)
    return "\n".join(f"{label}: {'; '.join(text.splitlines())}" for label, text in pairs if text)


def _due(item: Due) -> dict[str, Any]:
    return {
        "dataset": item.dataset, "versions": list(item.versions), "rows": item.rows, "column": item.column,
        "before": item.before.isoformat() if item.before else None, "held": item.hold.reason if item.hold else None,
        "problem": item.unknown or None,
    }  # fmt: skip


def _due_sentence(item: Due) -> str:
    numbers = ", ".join(map(str, item.versions))
    parts = [f"versions {numbers}" if numbers else "", f"{item.rows:,} rows" if item.rows else ""]
    said = f"{item.dataset}: {' and '.join(part for part in parts if part) or 'nothing'} due"
    if item.before is not None:
        said += f" (rows with {item.column} before {item.before:%Y-%m-%d})"
    if item.unknown:
        said += f". {item.unknown}"
    if item.hold is not None:
        said += f". Kept because of a legal hold: {item.hold.reason}"
    return said


def _write(text: str, out: Path | None) -> None:
    if out is None:
        terminal.say(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        terminal.say(out)


def _write_sealed(city: City, paper: Paper, out: Path, reason: str) -> None:
    from arengo.services.paper import lay
    from arengo.services.seal import Sealer

    sealer = Sealer(city.settings)
    out.write_bytes(sealer.seal(lay(paper), reason=reason, at=paper.made))
    terminal.say(f"{out}: sealed with the certificate {sealer.fingerprint()[:16]}…")
