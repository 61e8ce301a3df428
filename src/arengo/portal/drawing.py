"""From a chart's specification to SVG: kept on disk per version, drawn by a process that is let go soon after.

The drawing carries the names of our colours instead of colours (``fill="var(--series-1)"``), so one file serves
light and dark, print and forced colours; :func:`standalone` fills in the light ones for a download.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arengo.errors import Busy, OperatorError

SCRIPT = Path(__file__).with_name("draughtsman.py")
IDLE = 20.0  # seconds without work after which the process ends
RECYCLE = 200  # drawings after which it is replaced
PATIENCE = 20.0  # seconds one drawing may take
MOST = 4_000_000  # bytes of one task
HELD = 400  # drawings of one version on disk
TURN = 30.0  # seconds to wait for the process to be free

# Vega measures letters with whatever typeface the server has, which is narrower than ours. It is told a larger size
# than the one drawn, so that what it leaves room for fits.
MEASURED, DRAWN = 14.4, 13

# Colours that a specification uses: (stand-in drawn by Vega, light value of tokens.css)
COLOURS = {
    "ink": ("#010201", "#1c1a17"),
    "ink-quiet": ("#010202", "#57524a"),
    "paper": ("#010203", "#fbfaf6"),
    "line": ("#010204", "#dcd6c9"),
    "line-strong": ("#010205", "#857d6f"),
    "accent": ("#010206", "#9d2f1f"),
    "series-1": ("#010207", "#1f5fa8"),
    "series-2": ("#010208", "#b4560a"),
    "series-3": ("#010209", "#1f7a5c"),
    "series-4": ("#01020a", "#97408a"),
    "series-5": ("#01020b", "#7d6a00"),
    "series-6": ("#01020c", "#57524a"),
}
INK = {name: pair[0] for name, pair in COLOURS.items()}
_NAMES = {pair[0]: name for name, pair in COLOURS.items()}
_STANDIN = re.compile(r"#01020[1-9a-c]|rgb\(1, ?2, ?(?:1[0-2]|[1-9])\)")


class Studio:
    """Draws charts and remembers them. Safe to use from several threads; one drawing at a time."""

    def __init__(self, folder: Path, typefaces: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self._typefaces = typefaces  # folders of a city's own
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._timer: threading.Timer | None = None
        self._drawn = 0

    def draw(self, spec: Mapping[str, Any], locale: tuple[dict[str, Any], dict[str, Any]], place: str) -> str:
        """SVG text of ``spec``. ``place`` (``dataset/version``) is the folder it is kept in.

        Raises OperatorError when the drawing process fails twice.
        """
        task = json.dumps(
            {"spec": spec, "numbers": locale[0], "times": locale[1]}, sort_keys=True, ensure_ascii=False, default=str
        )
        name = hashlib.sha256(task.encode()).hexdigest()[:24] + ".svg"
        path = self.folder / place / "charts" / name
        try:
            return path.read_text(encoding="utf-8")
        except OSError:
            pass
        if len(task) > MOST:
            raise OperatorError(f"A chart of {len(task):,} bytes is not drawn; {MOST:,} is the most.")
        drawn = _clean(str(self._ask(task)["svg"]))
        _keep(path, drawn.encode())
        return drawn

    def picture(self, svg: str, scale: int, place: str) -> bytes:
        """PNG of an SVG file, ``scale`` times its size; kept like a drawing. Raises OperatorError."""
        if len(svg) > MOST:
            raise OperatorError(f"A picture of {len(svg):,} bytes is not drawn; {MOST:,} is the most.")
        name = hashlib.sha256(f"{scale}\0{svg}".encode()).hexdigest()[:24] + ".png"
        path = self.folder / place / "charts" / name
        try:
            return path.read_bytes()
        except OSError:
            pass
        drawn = base64.b64decode(str(self._ask(json.dumps({"svg": svg, "scale": scale}))["png"]))
        _keep(path, drawn)
        return drawn

    def close(self) -> None:
        with self._lock:
            self._stop()

    def _ask(self, task: str) -> dict[str, Any]:
        if not self._lock.acquire(timeout=TURN):
            raise Busy("Others are waiting for their charts.", todo="Try again in a moment.")
        try:
            if self._timer:
                self._timer.cancel()
            for attempt in (1, 2):
                process = self._process or self._start()
                answer = _exchange(process, task)
                if answer is not None:
                    break
                self._stop()
                if attempt == 2:
                    raise OperatorError("A chart could not be drawn: the drawing process ended.")
            self._drawn += 1
            if self._drawn >= RECYCLE:
                self._stop()
            else:
                self._timer = threading.Timer(IDLE, self.close)
                self._timer.daemon = True
                self._timer.start()
        finally:
            self._lock.release()
        found: dict[str, Any] = json.loads(answer or "{}")
        if "error" in found:
            raise OperatorError(f"A chart could not be drawn: {found['error']}")
        return found

    def _start(self) -> subprocess.Popen[str]:
        self._drawn = 0
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(SCRIPT), *self._typefaces],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        return self._process

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _keep(path: Path, body: bytes) -> None:
    """Write a file whole or not at all; a full or read-only disk costs time, not the page."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as file:
            file.write(body)
        os.replace(file.name, path)
    except OSError:
        pass


def _sweep(folder: Path) -> None:
    """Forget the oldest drawings of a version when there are many: addresses can name any number of them."""
    held = list(os.scandir(folder))
    if len(held) >= HELD:
        held.sort(key=lambda item: item.stat().st_mtime)
        for item in held[: HELD // 4]:
            with contextlib.suppress(OSError):
                os.unlink(item.path)


def standalone(svg: str, accent: str) -> str:
    """The drawing as a file of its own: light colours on white, a common typeface."""
    values = {name: pair[1] for name, pair in COLOURS.items()} | {"accent": accent, "paper": "#ffffff"}
    filled = re.sub(r"var\(--([a-z0-9-]+)\)", lambda found: values.get(found[1], "#000000"), svg)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', filled)
    ground = f'<rect width="{size[1]}" height="{size[2]}" fill="#ffffff"/>' if size else ""
    head = re.sub(r"(<svg[^>]*>)", lambda found: found[1] + ground, filled, count=1)
    return head.replace("<svg ", '<svg font-family="Public Sans, Arial, sans-serif" ', 1)


def _exchange(process: subprocess.Popen[str], task: str) -> str | None:
    """One question and its answer; None when the process is gone or too slow."""
    assert process.stdin
    assert process.stdout
    alarm = threading.Timer(PATIENCE, process.kill)
    alarm.start()
    try:
        process.stdin.write(task + "\n")
        process.stdin.flush()
        return process.stdout.readline() or None
    except (OSError, ValueError):
        return None
    finally:
        alarm.cancel()


def _clean(svg: str) -> str:
    """Colour names for stand-ins; no per-mark reading for assistive technology, since the table says it better."""
    svg = re.sub(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)" viewBox="([^"]+)">', _root, svg, count=1)
    svg = re.sub(r' (?:aria-[a-z]+|role|font-family|pointer-events)="[^"]*"', "", svg)
    svg = re.sub(r'<path class="(?:background|foreground)"[^>]*/>', "", svg)
    svg = re.sub(r' class="[^"]*"', "", svg)
    svg = svg.replace(f'font-size="{MEASURED}px"', f'font-size="{DRAWN}px"')
    svg = svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
    svg = _DOTS.sub(_dots, svg)
    return _STANDIN.sub(lambda found: f"var(--{_NAMES[_hex(found[0])]})", svg)


_DOT = re.compile(r'<path transform="translate\(([-\d.]+),([-\d.]+)\)" d="M([\d.]+),0A[^"]*"([^>]*)/>')
_DOTS = re.compile(r'(?:<path transform="translate\([-\d.]+,[-\d.]+\)" d="M[\d.]+,0A[^"]*"[^>]*/>){2,}')


def _dots(found: re.Match[str]) -> str:
    """Dots as circles that share what they have in common: a third of the bytes."""
    out: list[str] = []
    last = None
    for x, y, radius, look in _DOT.findall(found[0]):
        if (radius, look) != last:
            shared = look.replace(' stroke-width="2"', "").replace(' opacity="', ' fill-opacity="')
            out.append(f"{'</g>' if last else ''}<g{shared}>")
            last = (radius, look)
        out.append(f'<circle cx="{round(float(x), 1):g}" cy="{round(float(y), 1):g}" r="{float(radius):.3g}"/>')
    return "".join([*out, "</g>"]) if out else found[0]


def _root(found: re.Match[str]) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{found[1]}" height="{found[2]}" viewBox="{found[3]}">'


def _hex(mark: str) -> str:
    if mark.startswith("#"):
        return mark
    return f"#0102{int(re.findall(r'[0-9]+', mark)[2]):02x}"
