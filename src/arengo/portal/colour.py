"""The city's accent colour, checked before a page is served with it (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import math
import re

from arengo.errors import Place, SettingsError

PAPER = {"light": ("#fbfaf6", "#f2efe7"), "dark": ("#191815", "#24221e")}  # paper and paper-inset of tokens.css
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


def passes(colour: str, theme: str = "light") -> bool:
    return all(contrast(colour, paper) >= ENOUGH for paper in PAPER[theme])


def nearest(colour: str, theme: str = "light") -> str:
    """The colour of the same hue, as little lighter or darker as needed, that is readable on the paper."""
    if passes(colour, theme):
        return text(parse(colour))
    light, chroma, hue = _oklch(parse(colour))
    best, distance = "#000000" if theme == "light" else "#ffffff", 2.0
    for step in range(501):
        level = step / 500
        if abs(level - light) >= distance:
            continue
        tried = text(_rgb(level, chroma, hue))
        if passes(tried, theme):
            best, distance = tried, abs(level - light)
    return best


def ink_on(colour: str) -> str:
    """White or near-black, whichever reads better on ``colour``."""
    return max(("#ffffff", "#191815"), key=lambda ink: contrast(ink, colour))


def check(accent: str, file: str = "city.toml") -> None:
    """Raises SettingsError, naming the nearest colour that passes, when links in ``accent`` could not be read."""
    try:
        parse(accent)
    except ValueError:
        raise SettingsError(
            f"city.accent is {accent!r}, which is not a colour like #9d2f1f.",
            todo="Write it as # and six hexadecimal digits.",
            place=Place(file=file),
        ) from None
    if passes(accent):
        return
    ratio = min(contrast(accent, paper) for paper in PAPER["light"])
    raise SettingsError(
        f"city.accent {accent} has a contrast of {ratio:.2f} to 1 with the page; {ENOUGH} to 1 is needed to be read.",
        todo=f"The nearest colour that passes is {nearest(accent)}.",
        place=Place(file=file),
    )


def sheet(accent: str) -> str:
    """``/city.css``: the accent for both themes, from the one colour of the settings."""
    day, night = nearest(accent, "light"), nearest(accent, "dark")
    dark = f"--accent: {night}; --accent-ink: {ink_on(night)};"
    return (
        f":root {{ --accent: {day}; --accent-ink: {ink_on(day)}; }}\n"
        f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {dark} }} }}\n'
        f':root[data-theme="dark"] {{ {dark} }}\n'
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
