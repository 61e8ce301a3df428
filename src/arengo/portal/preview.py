"""The picture other sites show beside a link to a page (Open Graph): title, owner, and what the dataset looks like.

Drawn once a version by the drawing process, in the city's colours and typefaces; addresses stay the same and the
answer carries the version's tag.
"""

from __future__ import annotations

import re
from functools import lru_cache
from xml.sax.saxutils import escape

from starlette.responses import Response

from arengo.errors import ArengoError, NotAllowed, UnknownDataset
from arengo.faces.site import public_address
from arengo.portal import diagram, place
from arengo.portal.assets import seats
from arengo.portal.charts import NARROW
from arengo.portal.colour import INK, mix
from arengo.portal.dossier import Dossier
from arengo.portal.drawing import COLOURS
from arengo.portal.figure import choose
from arengo.portal.geography import Drawing
from arengo.portal.visit import Visit

WIDTH, HEIGHT, EDGE = 1200, 630, 64
QUIET = "#57524a"
_EMPTY = ""


def dataset(visit: Visit) -> Response:
    """``/preview/{dataset}.png``."""
    return _picture(visit, visit.request.path_params["dataset"])


def city(visit: Visit) -> Response:
    """``/preview.png``: the city itself."""
    known = visit.unchanged(visit.site.catalogue.generation)
    if known:
        return known
    count = visit.site.catalogue.count()
    words = visit.speech.many("%(n)s dataset", "%(n)s datasets", count)
    name = visit.settings.city.name
    svg = frame(visit, visit._("What %(city)s knows, open to everybody", city=name), words, _EMPTY)
    return _answer(visit, svg, "look")


def address(visit: Visit, *parts: str) -> str:
    """The whole address of a picture: other sites ask for it from outside."""
    return public_address(visit.settings, visit.request) + visit.link(*parts)


def _picture(visit: Visit, id: str) -> Response:
    try:
        d = Dossier(visit, id)
    except NotAllowed:
        d = Dossier(visit, id, unseen=True)
    except UnknownDataset:
        return _foreign(visit, id)
    known = visit.unchanged(*d.mark)
    if known:
        return known
    facts = [d.owner if d.contract.owner else ""]
    if d.version is not None:
        facts.append(d.speech.many("%(n)s row", "%(n)s rows", d.version.rows))
    drawn = _drawn(d) if d.version is not None else _EMPTY
    svg = frame(visit, d.title, " · ".join(fact for fact in facts if fact), drawn)
    return _answer(visit, svg, f"{d.id}/{d.version.number}" if d.version else "look")


def _foreign(visit: Visit, id: str) -> Response:
    from arengo.catalogue import say

    record = visit.site.catalogue.record(id)
    known = visit.unchanged(record.modified, record.id)
    if known:
        return known
    words = say(record.publisher.name, visit.language)[0] if record.publisher else ""
    return _answer(visit, frame(visit, say(record.title, visit.language)[0], words, _EMPTY), "look")


def _answer(visit: Visit, svg: str, folder: str) -> Response:
    png = visit.site.studio.picture(svg, 1, folder)
    headers = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff", "ETag": visit.tag}
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return Response(png, media_type="image/png", headers=headers)


def _drawn(d: Dossier) -> str:
    """The lead figure, fitted into the right half; '' when there is none to draw."""
    choice = choose(d.contract, d.profile)
    try:
        if choice.kind == "map":
            found = place.picture(d)
            return _map(found.drawing, d.visit.look.accent, d.visit.look.paper) if found and found.drawing else _EMPTY
        if choice.kind in ("line", "bars") and (plot := diagram.lead(d, choice)) is not None:
            return _chart(diagram.svg_of(d, plot.spec(NARROW)), d.visit.look.accent, d.visit.look.paper)
    except ArengoError:
        return _EMPTY  # the words alone say what it is
    return _EMPTY


def _map(drawing: Drawing, accent: str, paper: str) -> str:
    line, strong = mix(paper, INK, 0.15), mix(paper, INK, 0.42)
    looks = {
        "base-area": f'fill="{paper}" stroke="{strong}" stroke-width="1.2"',
        "base-line": f'fill="none" stroke="{line}" stroke-width="1"',
        "base-water": 'fill="#cfdde4"',
        "area": f'fill="{accent}" fill-opacity=".28" stroke="{accent}" stroke-width="1.4"',
        "path": f'fill="none" stroke="{accent}" stroke-width="2.4"',
    }
    parts = [f'<path {looks[style]} fill-rule="evenodd" d="{d}"/>' for style, d in drawing.layers if style in looks]
    radius = max(3.0, drawing.radius)
    parts += [
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{accent}" fill-opacity=".7"/>' for x, y in drawing.dots[:2500]
    ]
    left, top, wide, high = 560, 118, WIDTH - 560, HEIGHT - 118
    scale = max(wide / drawing.width, high / drawing.height)
    x, y = left + (wide - drawing.width * scale) / 2, top + (high - drawing.height * scale) / 2
    ground = f'<rect x="{left}" y="{top}" width="{wide}" height="{high}" fill="{mix(paper, INK, 0.06)}"/>'
    return (
        f'<clipPath id="c"><rect x="{left}" y="{top}" width="{wide}" height="{high}"/></clipPath>{ground}'
        f'<g clip-path="url(#c)"><g transform="translate({x:.1f},{y:.1f}) scale({scale:.3f})">{"".join(parts)}</g></g>'
    )


def _chart(svg: str, accent: str, paper: str) -> str:
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if not found:
        return _EMPTY
    values = {name: pair[1] for name, pair in COLOURS.items()} | {"accent": accent, "paper": paper}
    filled = re.sub(r"var\(--([a-z0-9-]+)\)", lambda name: values.get(name[1], INK), svg)
    wide, high = float(found[1]), float(found[2])
    scale = min(560 / wide, (HEIGHT - 2 * EDGE - 90) / high)
    inner = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", filled, count=0, flags=re.S)
    x, y = WIDTH - EDGE - wide * scale, HEIGHT - EDGE - high * scale
    return f'<g font-family="Public Sans" transform="translate({x:.1f},{y:.1f}) scale({scale:.3f})">{inner}</g>'


def frame(visit: Visit, title: str, words: str, drawn: str) -> str:
    """The card as SVG; ``drawn``: what stands in its right half."""
    look = visit.look
    serif = look.display.family if look.display and look.display.family else "Source Serif 4 SemiBold"
    sans = look.text.family if look.text and look.text.family else "Public Sans"
    right = visit.speech.direction == "rtl"
    room = 23 if drawn else 40
    lines = wrap(title, room, 5 if drawn else 4)
    size = 58 if max(len(line) for line in lines) <= room * 0.8 and len(lines) <= 3 else 48
    if right:
        serif = "Noto Sans Arabic SemiBold"
        sans = "Noto Sans Arabic"
    top = 216 if drawn else 250
    anchor, x = ("end", 520 if drawn else WIDTH - EDGE) if right else ("start", EDGE)
    heading = "".join(
        f'<text x="{x}" y="{top + index * size * 1.16:.0f}" text-anchor="{anchor}" font-size="{size}" '
        f"font-family=\"'{serif}', 'Noto Sans Arabic', serif\" fill=\"{INK}\">{escape(line)}</text>"
        for index, line in enumerate(lines)
    )
    below = "".join(
        f'<text x="{x}" y="{HEIGHT - EDGE - 10 - (1 - index) * 36}" text-anchor="{anchor}" font-size="26" '
        f"font-family=\"'{sans}', 'Noto Sans Arabic', sans-serif\" fill=\"{QUIET}\">{escape(line)}</text>"
        for index, line in enumerate(wrap(words, 34 if drawn else 70, 2)[-2:])
    )
    city = (
        f'<text x="136" y="80" font-size="32" font-family="\'{serif}\', \'Noto Sans Arabic\', serif" '
        f'fill="{INK}">{escape(visit.settings.city.name[:60])}</text>'
    )
    rule = mix(look.paper, INK, 0.2)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{look.paper}"/>{drawn}'
        f'<g transform="translate({EDGE},46) scale(1.3)" fill="{look.accent}">'
        f'<g transform="translate(0,-8)">{seats()}</g></g>{city}'
        f'<path d="M0 112H{WIDTH}M0 117H{WIDTH}" stroke="{rule}" stroke-width="1.5"/>{heading}{below}'
        f'<rect width="{WIDTH}" height="10" fill="{look.accent}"/></svg>'
    )


@lru_cache(maxsize=512)
def wrap(text: str, room: int, most: int) -> tuple[str, ...]:
    """``text`` in at most ``most`` lines of about ``room`` letters; a longer word is cut, the rest is said by dots."""
    lines, line = [], ""
    for word in text.split():
        while len(word) > room:
            cut = word[: room - 1] + "-"
            lines += [line] if line else []
            lines.append(cut)
            line, word = "", word[room - 1 :]
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines += [line] if line else []
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: room - 1] + "…"]
    return tuple(lines) or ("",)
