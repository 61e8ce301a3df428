"""A city as ``arengo serve`` serves it, beside a test: waited for as long as a loaded machine needs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 200.0
"""Seconds: below the bound of a test, above what any load makes of a start."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(root: Path, *words: str, port: int = 0, schedule: bool = False) -> Iterator[str]:
    """The address of the city in ``root`` while it is served. ``words``: more of the command line."""
    until = time.monotonic() + PATIENCE
    while True:
        number = port or free_port()
        process = _start(root, number, words, schedule)
        if _answers(process, number, until):
            break
        process.kill()
        process.wait()
        # Somebody took the port between the look and the start: another one is looked for.
        assert not port, "the server ended"
        assert time.monotonic() < until, "the server does not answer"
    try:
        yield f"http://127.0.0.1:{number}"
    finally:
        process.terminate()
        try:
            process.wait(120)
        finally:
            process.kill()
            process.wait()


def _start(root: Path, port: int, words: tuple[str, ...], schedule: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "arengo", "serve", "--city", str(root), "--port", str(port), *words]
    environ = {**os.environ} if schedule else {**os.environ, "ARENGO_SERVE_SCHEDULE": "false"}
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _answers(process: subprocess.Popen[bytes], port: int, until: float) -> bool:
    """Whether it answers, rather than ends, as long as there is time."""
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10).close()
            return process.poll() is None
        except OSError:
            time.sleep(0.2)
    return False
