"""The commands of the command line and the options they share; :mod:`arengo.cli` hangs them on its tree.

The modules of LIFE have a dataset's life in order, and their commands stand on the tree itself. Every other module is
a noun: a group, whose commands stand beneath its name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LIFE = ("street", "held", "catalogues", "running")

CityOption = Annotated[Path, typer.Option("--city", "-C", help="The city folder.", envvar="ARENGO_CITY")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
HERE = Path(".")
