"""What the pages take from a city: colours, mark and typefaces, read and checked once.

Files lie in the city folder and are named in ``[look]`` of city.toml. Anything that could not be read by people
(contrast) or is not what it says (typefaces, drawings) is refused when the server starts, with what would pass.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from arengo.errors import Place, SettingsError
from arengo.portal import colour, logo
from arengo.settings import Settings

MOST = 2_000_000
"""Bytes of a typeface: a page should not wait for more."""
SHAPES = {b"wOF2": "woff2", b"\x00\x01\x00\x00": "truetype", b"true": "truetype", b"OTTO": "opentype"}
MEDIA = {"woff2": "font/woff2", "truetype": "font/ttf", "opentype": "font/otf"}


@dataclass(frozen=True, slots=True)
class Face:
    """A typeface file. ``family``: the name it gives itself, '' when it is packed (WOFF2)."""

    body: bytes
    form: str
    family: str
    path: Path


@dataclass(frozen=True, slots=True)
class Look:
    """``accent``: as read on paper. ``logo``: '' is ours. ``mark`` changes with anything here."""

    accent: str
    accent_dark: str
    paper: str
    style: str
    logo: bytes
    logo_type: str
    display: Face | None
    text: Face | None
    mark: str

    @property
    def faces(self) -> dict[str, Face]:
        """``display`` and ``text``, those the city has."""
        return {name: face for name, face in (("display", self.display), ("text", self.text)) if face is not None}

    @property
    def folders(self) -> tuple[str, ...]:
        """Where typefaces for pictures lie: the drawing process reads TrueType and OpenType only."""
        return tuple(sorted({str(face.path.parent) for face in self.faces.values() if face.family}))


@lru_cache(maxsize=8)
def read(settings: Settings) -> Look:
    """Raises SettingsError for what cannot be shown, naming what would pass."""
    wanted, file = settings.look, str(settings.root / "city.toml")
    sheets: colour.Sheets = colour.check_paper(wanted.paper, file) if wanted.paper else ()
    setting = "look.accent" if wanted.accent else "city.accent"
    colour.check(settings.city.accent, file, setting=setting, sheets=sheets)
    if wanted.accent_dark:
        colour.check(wanted.accent_dark, file, setting="look.accent_dark", theme="dark")
    mark, kind = logo.read(_file(settings, "logo", logo.MOST), wanted.logo) if wanted.logo else (b"", "")
    display = _face(settings, "display_font") if wanted.display_font else None
    text = _face(settings, "text_font") if wanted.text_font else None
    style = colour.sheet(settings.city.accent, wanted.accent_dark, wanted.paper)
    style += _faces(display, text)
    found = hashlib.blake2b(style.encode() + mark, digest_size=6)
    for face in (display, text):
        found.update(face.body if face else b"-")
    return Look(
        colour.nearest(settings.city.accent, "light", sheets),
        colour.nearest(wanted.accent_dark or settings.city.accent, "dark"),
        wanted.paper or colour.PAPER["light"][0],
        style.replace("{mark}", found.hexdigest()),
        mark,
        kind,
        display,
        text,
        found.hexdigest(),
    )


def _file(settings: Settings, name: str, most: int) -> bytes:
    """A file of the city folder, never one beside it."""
    said = str(getattr(settings.look, name))
    path = (settings.root / said).resolve()
    place = Place(file=str(settings.root / "city.toml"))
    if not path.is_relative_to(settings.root.resolve()):
        raise SettingsError(
            f"look.{name} {said} lies outside the city folder.", todo="Put the file into it.", place=place
        )
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError:
        raise SettingsError(
            f"look.{name} {said} cannot be read.", todo="Name a file of the city folder.", place=place
        ) from None


def _face(settings: Settings, name: str) -> Face:
    body = _file(settings, name, MOST)
    said = str(getattr(settings.look, name))
    form = SHAPES.get(body[:4], "")
    if not form or len(body) > MOST:
        met = f"is larger than {MOST:,} bytes" if form else "is no WOFF2, TrueType or OpenType file"
        raise SettingsError(
            f"look.{name} {said} {met}.",
            todo="Save it as WOFF2 with the letters you need.",
            place=Place(file=str(settings.root / "city.toml")),
        )
    return Face(body, form, family(body), (settings.root / said).resolve())


def _faces(display: Face | None, text: Face | None) -> str:
    rules, names = "", ""
    for name, face, token, rest in (
        ("display", display, "serif", '"Source Serif 4", "Noto Sans Arabic", Georgia, serif'),
        ("text", text, "sans", '"Public Sans", "Noto Sans Arabic", system-ui, sans-serif'),
    ):
        if face is not None:
            rules += (
                f'@font-face {{ font-family: "City {name}"; src: url("/look/{name}?v={{mark}}") '
                f'format("{face.form}"); font-weight: 100 900; font-display: swap; }}\n'
            )
            names += f' --{token}: "City {name}", {rest};'
    return rules + (f":root {{{names} }}\n" if names else "")


def family(body: bytes) -> str:
    """The family name of a TrueType or OpenType file (OpenType 1.9, ``name`` table, name 1 or 16); '' when packed."""
    if body[:4] not in SHAPES or body[:4] == b"wOF2":
        return ""
    try:
        (tables,) = struct.unpack_from(">H", body, 4)
        records = (struct.unpack_from(">4sIII", body, 12 + 16 * index) for index in range(min(tables, 100)))
        start = next(offset for tag, _sum, offset, _length in records if tag == b"name")
        count, strings = struct.unpack_from(">HH", body, start + 2)
        found: dict[int, str] = {}
        for index in range(min(count, 500)):
            platform, _encoding, _language, name, length, offset = struct.unpack_from(
                ">6H", body, start + 6 + 12 * index
            )
            if name in (1, 16) and platform in (0, 3):
                at = start + strings + offset
                found.setdefault(name, body[at : at + length].decode("utf-16-be", "replace"))
    except (struct.error, StopIteration):
        return ""
    said = found.get(16) or found.get(1, "")
    return "".join(letter for letter in said if letter.isalnum() or letter in " -_")[:60]
