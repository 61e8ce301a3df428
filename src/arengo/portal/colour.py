"""The city's colours, checked before a page is served with them (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import math
import re

from arengo.errors import Place, SettingsError

PAPER = {"light": ("#fbfaf6", "#f2efe7"), "dark": ("#191815", "#24221e")}  # paper and paper-inset of tokens.css
INK = "#1c1a17"
PRINTED = ("#57524a", "#1e6b3c", "#875200", "#a61b34", "#0b57c4")
"""Inks of tokens.css that must be readable on the paper: quiet, good, warn, bad, focus."""
ENOUGH = 4.5

_Rgb = tuple[float, float, float]


def parse(text: str) -> _Rgb:
    """``#rgb`` or ``#rrggbb`` as three numbers of 0 to 1. Raises ValueError."""
    found = re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", text.strip())
    if not found:
        raise ValueError(text)
    digits = found[1] if len(found[1]) == 6 else "".join(mark * 2 for mark in found[1])
    return (int(digits[:2], 16) / 255, int(digits[2:4], 16) / 255, int(digits[4:], 16) / 255)


def text(rgb: _Rgb) -> str:
    return "#" + "".join(f"{round(min(1.0, max(0.0, part)) * 255):02x}" for part in rgb)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2 definition)."""
    red, green, blue = (_linear(part) for part in parse(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2 definition)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


Sheets = tuple[str, ...]
"""The colours a theme writes on: the page and what is inset in it."""


def passes(colour: str, theme: str = "light", sheets: Sheets = ()) -> bool:
    return all(contrast(colour, paper) >= ENOUGH for paper in sheets or PAPER[theme])


def nearest(colour: str, theme: str = "light", sheets: Sheets = ()) -> str:
    """The colour of the same hue, as little lighter or darker as needed, that is readable on the paper."""
    if passes(colour, theme, sheets):
        return text(parse(colour))
    light, chroma, hue = _oklch(parse(colour))
    best, distance = "#000000" if theme == "light" else "#ffffff", 2.0
    for step in range(501):
        level = step / 500
        if abs(level - light) >= distance:
            continue
        tried = text(_rgb(level, chroma, hue))
        if passes(tried, theme, sheets):
            best, distance = tried, abs(level - light)
    return best


def ink_on(colour: str) -> str:
    """White or near-black, whichever reads better on ``colour``."""
    return max(("#ffffff", "#191815"), key=lambda ink: contrast(ink, colour))


def check(
    accent: str, file: str = "city.toml", *, setting: str = "city.accent", theme: str = "light", sheets: Sheets = ()
) -> None:
    """Raises SettingsError, naming the nearest colour that passes, when links in ``accent`` could not be read."""
    _known(accent, setting, file)
    if passes(accent, theme, sheets):
        return
    ratio = min(contrast(accent, paper) for paper in sheets or PAPER[theme])
    raise SettingsError(
        f"{setting} {accent} has a contrast of {ratio:.2f} to 1 with the page; {ENOUGH} to 1 is needed to be read.",
        todo=f"The nearest colour that passes is {nearest(accent, theme, sheets)}.",
        place=Place(file=file),
    )


def check_paper(paper: str, file: str = "city.toml", *, setting: str = "look.paper") -> Sheets:
    """The page and its inset made from ``paper``. Raises SettingsError, naming the nearest paper that passes, when
    quiet text or a mark could not be read on them."""
    _known(paper, setting, file)
    sheets = _sheets(paper)
    if _carries(sheets):
        return sheets
    light, chroma, hue = _oklch(parse(paper))
    lighter = (text(_rgb(light + (1 - light) * step / 200, chroma, hue)) for step in range(1, 201))
    todo = next((tried for tried in lighter if _carries(_sheets(tried))), "#ffffff")
    ratio = min(contrast(ink, sheet) for ink in PRINTED for sheet in sheets)
    raise SettingsError(
        f"{setting} {paper} leaves quiet text a contrast of {ratio:.2f} to 1; {ENOUGH} to 1 is needed to be read.",
        todo=f"The nearest paper that passes is {todo}.",
        place=Place(file=file),
    )


def _known(colour: str, setting: str, file: str) -> None:
    try:
        parse(colour)
    except ValueError:
        raise SettingsError(
            f"{setting} is {colour!r}, which is not a colour like #9d2f1f.",
            todo="Write it as # and six hexadecimal digits.",
            place=Place(file=file),
        ) from None


def _sheets(paper: str) -> Sheets:
    return text(parse(paper)), mix(paper, INK, 0.045)


def _carries(sheets: Sheets) -> bool:
    return all(contrast(ink, sheet) >= ENOUGH for ink in PRINTED for sheet in sheets)


def mix(one: str, other: str, share: float) -> str:
    """``one`` with ``share`` (0 to 1) of ``other`` in it."""
    parts = zip(parse(one), parse(other), strict=True)
    red, green, blue = (a + (b - a) * share for a, b in parts)
    return text((red, green, blue))


def sheet(accent: str, dark_accent: str = "", paper: str = "") -> str:
    """The city's colours for both themes as custom properties; ``paper`` '' leaves ours."""
    sheets = _sheets(paper) if paper else ()
    day, night = nearest(accent, "light", sheets), nearest(dark_accent or accent, "dark")
    light = f"--accent: {day}; --accent-ink: {ink_on(day)};"
    if paper:
        land = mix(paper, INK, 0.06)
        line, strong = mix(paper, INK, 0.15), mix(paper, INK, 0.5)
        light += f" --paper: {sheets[0]}; --paper-inset: {sheets[1]}; --land: {land};"
        light += f" --line: {line}; --line-strong: {strong};"
    dark = f"--accent: {night}; --accent-ink: {ink_on(night)};"
    own = (
        "--paper: #191815; --paper-inset: #24221e; --land: #24221e; --line: #3b3832; --line-strong: #8a8274;"
        if paper
        else ""
    )  # those of tokens.css again, since the light ones above would reach the dark theme
    return (
        f":root {{ {light} }}\n"
        f'@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {dark} {own} }} }}\n'
        f'@media screen {{ :root[data-theme="dark"] {{ {dark} {own} }} }}\n'
    )


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _curved(part: float) -> float:
    return part * 12.92 if part <= 0.0031308 else 1.055 * float(part ** (1 / 2.4)) - 0.055


def _oklch(rgb: _Rgb) -> _Rgb:
    """Lightness, chroma, hue of Oklab (B. Ottosson, 2020), in which equal steps look equal."""
    r, g, b = (_linear(part) for part in rgb)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    light = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    c = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return light, math.hypot(a, c), math.atan2(c, a)


def _rgb(light: float, chroma: float, hue: float) -> _Rgb:
    """Back to sRGB; chroma is lowered until the colour exists."""
    for share in range(20, -1, -1):
        a, c = chroma * share / 20 * math.cos(hue), chroma * share / 20 * math.sin(hue)
        long = (light + 0.3963377774 * a + 0.2158037573 * c) ** 3
        medium = (light - 0.1055613458 * a - 0.0638541728 * c) ** 3
        short = (light - 0.0894841775 * a - 1.2914855480 * c) ** 3
        parts = (
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        )
        if all(-0.001 <= part <= 1.001 for part in parts):
            red, green, blue = (_curved(min(1.0, max(0.0, part))) for part in parts)
            return red, green, blue
    return light, light, light
