"""A small city in a folder, and a child process that is killed at a step."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from arengo.city import City, init, open_city

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: Trees
version: 1.0.0
status: active
schema:
  - name: trees
    properties:
      - {{name: id, logicalType: integer, primaryKey: true, required: true}}
      - {{name: species, logicalType: string}}
      - {{name: height, logicalType: number}}
{quality}
customProperties:
  - {{property: arengoAccess, value: open}}
  - {{property: arengoSource, value: {{kind: csv, path: sources/{id}.csv}}}}
{custom}
"""


def rows(count: int, height: float = 1.0) -> str:
    return "id,species,height\n" + "".join(f"{n},Tilia {n % 7},{height + n / 10}\n" for n in range(count))


def make(root: Path, ids: tuple[str, ...] = ("trees",), quality: str = "", custom: str = "", count: int = 50) -> City:
    init(root, name="Small")
    for name in ids:
        text = CONTRACT.format(id=name, quality=quality, custom=custom)
        (root / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
        deliver(root, rows(count), name)
    return open_city(root)


def deliver(root: Path, text: str, name: str = "trees") -> None:
    (root / "sources" / f"{name}.csv").write_text(text, encoding="utf-8")


CHILD = """
import os, signal, sys
from arengo.publish import street, workflow
from arengo.city import open_city

root, step, moment = sys.argv[1:4]

def die():
    os.kill(os.getpid(), signal.SIGKILL)

if moment == "recorded":
    # After the step's result is in the workflow database, before the next step begins.
    whole = workflow._Walk._step
    def killing(self, street, name):
        whole(self, street, name)
        if name == step:
            die()
    workflow._Walk._step = killing
else:
    inner = getattr(street.Street, step)
    def killing(self, found):
        if moment == "before":
            die()
        inner(self, found)
        die()
    setattr(street.Street, step, killing)

open_city(root).publish()
"""


def killed(root: Path, step: str, moment: str) -> None:
    """Publish in a child process that dies of SIGKILL before a step, after it, or after it was recorded."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(root), step, moment], capture_output=True, timeout=120, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
