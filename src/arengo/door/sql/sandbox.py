"""Questions run in a process of their own: started when the first comes, ended when none comes for minutes.

See :mod:`arengo.door.sql.child` for the other side. Why a process: DuckDB's ``memory_limit`` counts its buffers, not
the values being made, so ``SELECT len(range(300000000))`` took 19 GB under a limit of 256 MB; a limit that the kernel
keeps is one on a process, and a server must outlive the question (decision 0115).
"""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from arengo.door.sql.complaint import explain
from arengo.errors import LakeError, MissingExtra, SettingsError, Stopped, TooExpensive

if TYPE_CHECKING:
    from arengo.settings import Settings

HEAD = struct.Struct(">cI")
"""As :data:`arengo.door.sql.child.HEAD`, whose module would bring the engine into this process."""
IN_MEMORY = 1 << 21
"""Answers up to this size stay in memory; larger ones wait in an unnamed file."""
WAITING = 16
"""Questions that may wait for their turn; one more is refused at once."""
WAIT = 20.0
"""Seconds a question waits for its turn."""
START_SECONDS = 30.0


class Turns:
    """First come, first served: at most ``most`` at once, a bounded number waiting."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._running = 0
        self._waiting: deque[threading.Event] = deque()
        self._guard = threading.Lock()

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Raises TooExpensive when too many wait or the turn does not come in ``seconds``."""
        mine: threading.Event | None = None
        with self._guard:
            if self._running < self._most and not self._waiting:
                self._running += 1
            elif len(self._waiting) >= WAITING:
                raise self._busy()
            else:
                mine = threading.Event()
                self._waiting.append(mine)
        if mine is not None and not mine.wait(seconds):
            with self._guard:
                if not mine.is_set():
                    self._waiting.remove(mine)
                    raise self._busy()
        try:
            yield
        finally:
            with self._guard:
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._running -= 1

    def _busy(self) -> TooExpensive:
        return TooExpensive("Many questions are being answered just now.", todo="Try again in a moment.")


class Run:
    """One question on its way. :meth:`stop` may be called from any thread."""

    def __init__(self, channel: socket.socket, seconds: float) -> None:
        self._channel = channel
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._channel.close()

    def ask(self, question: Mapping[str, Any]) -> None:
        body = orjson.dumps(question)
        try:
            self._channel.settimeout(max(0.001, self._until - time.monotonic()))
            self._channel.sendall(HEAD.pack(b"Q", len(body)) + body)
        except OSError as error:
            raise self._ended() from error

    def frame(self) -> tuple[bytes, bytes]:
        """The next letter and its body. Raises Stopped, TooExpensive when there will be none."""
        letter, size = HEAD.unpack(self._exactly(HEAD.size))
        return letter, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        out = bytearray(size)
        view = memoryview(out)
        done = 0
        while done < size:
            left = self._until - time.monotonic()
            if left <= 0:
                raise self._late()
            self._channel.settimeout(left)
            try:
                count = self._channel.recv_into(view[done:])
            except TimeoutError as error:
                raise self._late() from error
            except OSError as error:
                raise self._ended() from error
            if not count:
                raise self._ended()
            done += count
        return bytes(out)

    def _late(self) -> TooExpensive:
        return TooExpensive(
            f"The question took more than {self._seconds:g} seconds and was stopped.",
            todo="Ask for less: a condition, fewer joins, or rows of one dataset.",
        )

    def _ended(self) -> Stopped | TooExpensive:
        if self.stopped:
            return Stopped("The question was stopped before its answer.", todo="Ask again when you want it.")
        return TooExpensive(
            "The question needed more memory than one may take, or was nested too deep.",
            todo="Ask for less: fewer groups or columns, shorter texts, a condition.",
        )


class Sandbox:
    """Runs judged questions. Thread-safe; one a process."""

    def __init__(self, settings: Settings, parallel: int) -> None:
        self.settings = settings
        self.turns = Turns(parallel)
        self._guard = threading.Lock()
        self._held: list[tuple[socket.socket, subprocess.Popen[bytes]]] = []
        weakref.finalize(self, _end, self._held)

    def parse(self, text: str, dialect: str) -> tuple[str, Any]:
        """The question in DuckDB's words and its parse tree. Raises BadSql, TooExpensive."""
        with self.turns.turn(WAIT):
            run = self.begin(5.0)
            try:
                run.ask({"op": "parse", "sql": text, "dialect": dialect, "seconds": 5, "threads": 1, "memory": 1 << 28})
                letter, body = run.frame()
            finally:
                run.close()
        if letter == b"E":
            raise explain(orjson.loads(body), text)
        found = orjson.loads(body)
        try:
            return found["sql"], orjson.loads(found["tree"])
        except ValueError as error:
            raise run._ended() from error

    def run(
        self, run: Run, question: Mapping[str, Any], text: str, known: Sequence[str] = ()
    ) -> tuple[dict[str, Any], IO[bytes]]:
        """Run a question; what it says about its rows, and the rows as an Arrow stream in a file at its beginning.

        ``known``: columns that a misspelt one may have meant. Raises BadSql, TooExpensive, Stopped.
        """
        out = self._spool()
        said: dict[str, Any] = {}
        try:
            run.ask({"op": "run", "threads": self.settings.sql.threads, **question})
            while True:
                letter, body = run.frame()
                if letter == b"B":
                    out.write(body)
                elif letter == b"E":
                    raise explain(orjson.loads(body), text, known)
                else:
                    said.update(orjson.loads(body))
                    if letter == b"Z":
                        break
        except BaseException:
            out.close()
            raise
        out.seek(0)
        return said, out

    def _spool(self) -> IO[bytes]:
        scratch = self.settings.home / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        spool: Any = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(scratch))  # noqa: SIM115
        made: IO[bytes] = spool
        return made

    def begin(self, seconds: float) -> Run:
        """A child that waits for its question."""
        for _ in range(2):
            ours, theirs = socket.socketpair()
            try:
                with self._guard:
                    socket.send_fds(self._started(), [b"?"], [theirs.fileno()])
                return Run(ours, seconds)
            except OSError:
                ours.close()
                self.close()
            finally:
                theirs.close()
        raise LakeError("The process that answers questions in SQL does not start.", todo="Run 'arengo doctor'.")

    def _started(self) -> socket.socket:
        if self._held and self._held[0][1].poll() is None:
            return self._held[0][0]
        _end(self._held)
        ours, theirs = socket.socketpair()
        # The city's environment may hold secrets; the process gets none of it but the way to its libraries.
        environ = {
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "OPENBLAS_NUM_THREADS": "1",
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            "LC_ALL": "C.UTF-8",
        }
        script = str(Path(__file__).with_name("child.py"))
        process = subprocess.Popen(
            [sys.executable, "-P", script, str(theirs.fileno()), _spatial()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env=environ,
            cwd="/",
        )
        theirs.close()
        self._held.append((ours, process))
        ours.settimeout(START_SECONDS)
        if ours.recv(1) != b"+":
            raise OSError("it ended at once")
        return ours

    def close(self) -> None:
        with self._guard:
            _end(self._held)


def _end(held: list[tuple[socket.socket, subprocess.Popen[bytes]]]) -> None:
    while held:
        control, process = held.pop()
        control.close()
        process.terminate()
        process.wait()


def _spatial() -> str:
    from arengo.lake.engine import extension_path

    try:
        return extension_path("spatial")
    except MissingExtra:
        return ""


_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def bytes_of(text: str) -> int:
    """``256MB`` as a number. Raises SettingsError."""
    number = text.strip().rstrip("BKMGIbkmgi ")
    unit = text.strip()[len(number) :].strip().upper() or "B"
    try:
        return int(float(number) * _UNITS[unit])
    except (ValueError, KeyError):
        raise SettingsError(f"sql.memory is {text!r}.", todo="Write a size such as 256MB.") from None
