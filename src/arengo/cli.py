"""The command line: the second face of the library, every command one call of :class:`arengo.city.City`.

Exit codes: 0 done, 1 unexpected, 2 the command's words are wrong, 3 the contract or the source is wrong (or a
publication was refused), 4 the installation needs attention. People read standard output, progress goes to
standard error, ``--json`` gives a script one JSON document.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Callable
from typing import Any

import typer

import arengo
from arengo import commands as groups
from arengo import terminal
from arengo.errors import ArengoError

STORY = """\
The urban data platform a city runs itself.

A dataset's life, in order: 'init' makes a city folder, 'draft' writes a contract for a file, 'lint' and 'plan'
read it, 'publish' brings the data in, 'serve' shows it. 'status', 'versions', 'diff', 'history' and 'query' look at
what is held; 'export' takes it out again.
"""

app = typer.Typer(
    name="arengo",
    help=STORY,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Entry point: Arengo's own errors become one sentence and an exit code."""
    arengo.lean()
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except ArengoError as error:
        terminal.fail(error)
    except typer.Abort:
        terminal.say("Stopped.", file=sys.stderr)
        sys.exit(130)
    except KeyboardInterrupt:
        terminal.say("Stopped. What was published stays; nothing is half-published.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        show = getattr(error, "show", None)  # click's own usage errors
        if show is None:
            raise
        show()
        sys.exit(getattr(error, "exit_code", 2))


for _name in dict.fromkeys((*groups.LIFE, *(found.name for found in pkgutil.iter_modules(groups.__path__)))):
    _part: typer.Typer = importlib.import_module(f"{groups.__name__}.{_name}").app
    if _name in groups.LIFE:
        app.registered_commands += _part.registered_commands
    else:
        app.add_typer(_part, name=_name)


def commands() -> dict[str, Callable[..., Any]]:
    """Every command by name (``ledger verify`` for one of a group), for the generated reference."""
    found = [(info.name, info.callback) for info in app.registered_commands]
    for group in app.registered_groups:
        held = group.typer_instance.registered_commands if group.typer_instance else []
        found += [
            (f"{group.name} {info.name or getattr(info.callback, '__name__', '').replace('_', '-')}", info.callback)
            for info in held
        ]
    return {name or call.__name__: call for name, call in found if call is not None}
