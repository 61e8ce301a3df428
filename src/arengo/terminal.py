"""How the command line speaks: one JSON document, aligned columns, progress bars, one sentence for an error."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NoReturn, TextIO

from arengo.contract.direction import spelt
from arengo.errors import ArengoError, BadQuery

GROUPS = ("census", "erasure", "ledger", "party", "policy", "privacy", "register")
"""Commands that have commands of their own."""
_GROUP = "|".join(GROUPS)
_COMMAND = re.compile(
    r"\barengo (?!(?:demo|draft|init|plugins|policy schema)\b)"
    rf"(?:(?:{_GROUP}) [a-z][a-z-]*|(?!(?:{_GROUP})\b)[a-z][a-z-]*)(?![a-z-])"
)


def fail(error: ArengoError) -> NoReturn:
    if "--json" in sys.argv:
        print(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
    else:
        say(f"{error.title}.\n  {hint(str(error))}", file=sys.stderr)
    sys.exit(error.exit_code)


def say(*values: object, file: TextIO | None = None, end: str = "\n", flush: bool = False) -> None:
    """Print, with control characters and marks of direction spelt: what a city's files hold cannot steer a terminal."""
    print(*(spelt(str(value)) for value in values), file=file, end=end, flush=flush)


def hint(text: str) -> str:
    """The commands that ``text`` names, with the city folder that was given, so that they can be copied as they are."""
    city = _given(sys.argv[1:])
    if not city:
        return text
    folder = shlex.quote(city)
    made = _COMMAND.sub(lambda met: f"{met[0]} --city {folder}", text.replace(" --city DIR", ""))
    return made.replace(" -o contracts/", f" -o {shlex.quote(city.rstrip('/'))}/contracts/")


def _given(words: Sequence[str]) -> str:
    """What ``--city`` or ``-C`` says; '' when neither is there."""
    for at, word in enumerate(words):
        if word in ("--city", "-C"):
            return "".join(words[at + 1 : at + 2])
        for start in ("--city=", "-C"):
            if word.startswith(start):
                return word.removeprefix(start)
    return ""


def emit(value: Any) -> None:
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
    sys.stdout.buffer.write(orjson.dumps(value, default=_plain, option=options) + b"\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], numbers: Sequence[int] = ()) -> None:
    """Aligned columns without frames, readable by eye, by screen reader and by ``cut``."""
    texts = [["" if cell is None else spelt(str(cell)) for cell in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(headers, *texts, strict=True)]
    for line in [list(headers), *texts]:
        cells = [
            cell.rjust(width) if index in numbers else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        say("  ".join(cells).rstrip())


def moment(text: str) -> datetime | None:
    """A date or RFC 3339 time in UTC; a date means its noon, so that the day is right in most time zones."""
    if not text:
        return None
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(12), UTC)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadQuery(f"{text!r} is no date or time.", todo="Write 2026-05-01 or 2026-05-01T12:00:00Z.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Progress:
    """One bar a dataset on standard error; silent when that is no terminal or when asked. Where it is none, the
    steps of ``lines`` are told all the same, a line each."""

    def __init__(self, quiet: bool, lines: str = "") -> None:
        self.quiet = quiet or not sys.stderr.isatty()
        self.lines = lines if self.quiet else ""
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> Progress:
        if not self.quiet:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self.bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[step]}"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self.bars.start()
        return self

    def listen(self, dataset: str, step: str, done: int = 0, total: int | None = None) -> None:
        """Called by the publisher: ``done`` of ``total`` bytes or rows of a step; total None when unknown."""
        if self.quiet:
            if self.lines and dataset == self.lines:
                say(f"{done + 1}/{total}  {step}", file=sys.stderr, flush=True)
            return
        if dataset not in self.tasks:
            self.tasks[dataset] = self.bars.add_task(dataset, step=step, total=total)
        self.bars.update(self.tasks[dataset], completed=done, total=total, step=step)

    def __exit__(self, *_: object) -> None:
        if not self.quiet:
            self.bars.stop()


@contextlib.contextmanager
def counting(quiet: bool) -> Iterator[Callable[[str, int], None]]:
    """A line for each source with how many records were met; nothing when ``quiet`` or when nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield lambda name, met: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f} records"))
    with Bars(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(name: str, met: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=None)
            bars.update(tasks[name], completed=met)

        yield tell
