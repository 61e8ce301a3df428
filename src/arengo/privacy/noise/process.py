"""OpenDP in a process of its own: started for one publication, limited, ended with it.

The process gets neither the city's environment nor its files, only whole numbers through a pipe.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from arengo.errors import MissingExtra, OperatorError, TooExpensive

SECONDS = 60.0
"""What one request may take."""
EXTRA = "Install it: pip install 'arengo[noise]'."


class Noise:
    """Adds noise by OpenDP; a context. Thread-safe, one request at a time.

    ``measure`` is ``pure`` (loss = epsilon, discrete Laplace) or ``zcdp`` (loss = rho, discrete Gaussian);
    ``sensitivity``: how much one person changes the values at most, in the L1 (pure) or L2 (zcdp) distance.
    Every call raises MissingExtra without OpenDP, TooExpensive when it takes too long, OperatorError else.
    """

    def __init__(self, seconds: float = SECONDS, python: str = sys.executable) -> None:
        self._seconds = seconds
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._guard = threading.Lock()

    def __enter__(self) -> Noise:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, values: Sequence[int], *, measure: str, loss: float, sensitivity: int = 1) -> tuple[list[int], float]:
        """The values with noise, and half the width of their 95 % interval."""
        if not values:
            return [], 0.0
        told = self._ask("noise", measure, loss, sensitivity, values=[int(value) for value in values])
        return list(told["values"]), float(told["accuracy"])

    def accuracy(self, *, measure: str, loss: float, sensitivity: int = 1, alpha: float = 0.05) -> float:
        """What :meth:`add` would say of its accuracy; no data is looked at, so it costs nothing."""
        return float(self._ask("accuracy", measure, loss, sensitivity, alpha=alpha)["accuracy"])

    def lowest(self, scores: Sequence[int], *, measure: str, loss: float, sensitivity: int = 1) -> int:
        """Index of a score near the lowest."""
        told = self._ask("choose", measure, loss, sensitivity, scores=[int(value) for value in scores])
        return int(told["index"])

    def _ask(self, op: str, measure: str, loss: float, sensitivity: int, **more: Any) -> Mapping[str, Any]:
        request = {"op": op, "measure": measure, "loss": float(loss), "sensitivity": int(sensitivity), **more}
        with self._guard:
            told = self._talk(json.dumps(request).encode() + b"\n")
        if "error" in told:
            raise OperatorError(f"No noise could be added: {told['error']}.")
        return told

    def _talk(self, line: bytes) -> dict[str, Any]:
        until = time.monotonic() + self._seconds
        process = self._started(until)
        assert process.stdin is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
        except OSError as error:
            self.close()
            raise OperatorError("The process that adds noise ended.", todo="Publish again.") from error
        return self._line(process, until)

    def _started(self, until: float) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        process = subprocess.Popen(
            [self._python, "-P", str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "LC_ALL": "C.UTF-8"},
            cwd="/",
        )
        self._process, self._rest = process, b""
        told = self._line(process, until)
        if told.get("missing"):
            self.close()
            raise MissingExtra("Noise of differential privacy is added by OpenDP, which is not installed.", todo=EXTRA)
        return process

    def _line(self, process: subprocess.Popen[bytes], until: float) -> dict[str, Any]:
        assert process.stdout is not None
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            ready = select.select([process.stdout], [], [], max(0.0, left))[0]
            if not ready:
                self.close()
                raise TooExpensive(f"Adding noise took more than {self._seconds:g} seconds.", todo="Publish again.")
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                self.close()
                raise OperatorError("The process that adds noise ended.", todo="Run 'arengo doctor'.")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
