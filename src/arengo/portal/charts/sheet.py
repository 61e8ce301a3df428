"""A drawing as a file of its own: title above, note, source and version below, light colours on white.

Letters of a file are measured by their kind, not by a typeface, since the reader's program chooses that one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from arengo.portal.drawing import standalone

MARGIN = 20
TITLE, SUB, FOOT = 21, 14, 12.5
LIGHT = {"ink": "#1c1a17", "quiet": "#57524a", "line": "#dcd6c9"}
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_WIDE = re.compile(r"[MWmw@%\u3000-\u9fff\uac00-\ud7af]")
_LETTERS = r"\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc"
_ARABIC = re.compile(f"[{_LETTERS}]")
_BOLD = "Public Sans SemiBold, Public Sans, Arial, sans-serif"
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_MIXED = re.compile(f">([^<>]*[{_LETTERS}][^<>]*)<")
_RUN = re.compile(f"[{_LETTERS}][{_LETTERS}\\s]*|[^{_LETTERS}]+")
_SLIM = re.compile(r"[iljtfrI.,:;'|! ()\[\]]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is written around a drawing. ``foot``: short texts side by side (source, version)."""

    title: str
    sub: str
    told: str
    notes: Sequence[str]
    foot: Sequence[str]
    language: str
    mirrored: bool
    accent: str


def around(svg: str, sheet: Sheet, width: int) -> str:
    """The whole file as SVG text, ``width`` plus margins wide."""
    inner = standalone(svg, sheet.accent)
    size = _SIZE.search(inner)
    wide, high = (float(size[1]), float(size[2])) if size else (float(width), 60.0)
    whole = max(width, wide) + 2 * MARGIN
    text: list[str] = []
    y = float(MARGIN)
    edge = whole - MARGIN if sheet.mirrored else MARGIN
    anchor = ' text-anchor="end" unicode-bidi="plaintext"' if sheet.mirrored else ""

    def lines(words: str, points: float, ink: str, weight: str = "", leading: float = 1.35) -> None:
        nonlocal y
        for line in wrapped(words, points, whole - 2 * MARGIN):
            y += points
            look = f'font-size="{points:g}" fill="{ink}"{weight}{anchor}'
            text.append(f'<text x="{edge:g}" y="{y:g}" {look}>{escape(line)}</text>')
            y += points * (leading - 1)

    lines(sheet.title, TITLE, LIGHT["ink"], ' font-weight="600"', 1.25)
    if sheet.sub:
        y += 3
        lines(sheet.sub, SUB, LIGHT["quiet"])
    y += 14
    top = y
    y += high + 12
    text.append(f'<path d="M{MARGIN},{y:g}H{whole - MARGIN:g}" stroke="{LIGHT["line"]}" stroke-width="1"/>')
    y += 6
    for note in sheet.notes:
        lines(note, FOOT, LIGHT["quiet"])
    lines(" · ".join(sheet.foot), FOOT, LIGHT["quiet"])
    y = math.ceil(y + MARGIN - 4)
    whole = math.ceil(whole)
    inner = re.sub(r"<svg [^>]*>", "", inner, count=1).removesuffix("</svg>").rstrip().removesuffix("</svg>")
    inner = re.sub(r'<rect width="[\d.]+" height="[\d.]+" fill="#ffffff"/>', "", inner, count=1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole:g}" height="{y:g}" viewBox="0 0 {whole:g} {y:g}" '
        f'lang="{escape(sheet.language)}" role="img" aria-labelledby="t d" '
        f'font-family="Public Sans, Arial, sans-serif">'
        f'<title id="t">{escape(sheet.title)}</title><desc id="d">{escape(sheet.told)}</desc>'
        f'<rect width="{whole:g}" height="{y:g}" fill="#ffffff"/>'
        f"{faces(''.join(text))}"
        f'<g transform="translate({MARGIN},{top:g})">{faces(inner)}</g></svg>'
    )


def faces(svg: str) -> str:
    """Typefaces by what a text holds: a program that draws takes one that has all letters of it, whatever its look.

    Half-bold letters have a family name of their own in files of typefaces.
    """
    named = svg.replace(' font-weight="600"', f' font-weight="600" font-family="{_BOLD}"')
    return _MIXED.sub(lambda found: f">{_faced(found[1])}<", named)


def _faced(text: str) -> str:
    if not _LATIN.search(text):
        return f'<tspan font-family="Noto Sans Arabic">{text}</tspan>'
    return _RUN.sub(_face, text)


def _face(found: re.Match[str]) -> str:
    family = "Noto Sans Arabic" if _ARABIC.search(found[0]) else "Public Sans, Arial, sans-serif"
    return f'<tspan font-family="{family}">{found[0]}</tspan>'


def wrapped(words: str, points: float, room: float) -> list[str]:
    """The text in lines that fit; a word longer than a line is cut."""
    out: list[str] = []
    line = ""
    for word in words.split():
        while measure(word, points) > room:
            at = next(n for n in range(len(word), 0, -1) if measure(word[:n], points) <= room or n == 1)
            out.append(f"{line} {word[:at]}".strip() if line else word[:at])
            line, word = "", word[at:]
        joined = f"{line} {word}" if line else word
        if measure(joined, points) > room and line:
            out.append(line)
            line = word
        else:
            line = joined
    return [*out, line] if line else out


def measure(text: str, points: float) -> float:
    """About how wide a text is in a common sans-serif typeface."""
    wide, slim = len(_WIDE.findall(text)), len(_SLIM.findall(text))
    return points * (0.95 * wide + 0.33 * slim + 0.57 * (len(text) - wide - slim))
