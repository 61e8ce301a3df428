"""Applications around a circle, their exchanges as threads across it: drawn here, without a line of script.

Departments stand together, those with most in common beside each other. Threads of two departments run together before
they part (hierarchical edge bundling, Holten 2006), so that a hundred of them still show where the traffic is.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

ROOMY = 12
"""Up to so many nodes have their names written level, with the department below."""
PAIRED = 44
"""Up to so many nodes each name has its department under it, along the spoke."""
HEADS = 60
"""Up to so many nodes threads end in an arrow head."""
PLATFORM = "\0platform"
_LETTER = 0.56
"""Width of a letter against its size, on average."""


@dataclass(frozen=True, slots=True)
class Spoke:
    """What stands on the circle: an application, or a department when there are too many of them."""

    id: str
    name: str
    group: str
    href: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """From, to (ids of spokes, or PLATFORM), how, and how many exchanges it stands for."""

    source: str
    target: str
    way: str
    count: int
    words: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One spoke as drawn. ``turn``: degrees its label is turned by, around (label_x, label_y); ``lift``, ``drop``: how
    far above and below that point the name and the department stand. ``anchor``: start, middle or end."""

    spoke: Spoke
    number: int
    x: float
    y: float
    radius: float
    label: str
    below: str
    label_x: float
    label_y: float
    turn: float
    anchor: str
    picked: bool
    lift: float = 0.0
    drop: float = 0.0


@dataclass(frozen=True, slots=True)
class Path:
    """One thread as drawn. ``ends``: numbers of its spokes, 0 for the platform."""

    d: str
    way: str
    weight: float
    words: str
    ends: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ring:
    """A department's piece of the outer ring: its line, and its name along it ('' when there is no room)."""

    d: str
    name: str
    text_d: str
    label: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """The picture, ready to be written. ``size``: width and height of its viewBox; ``type``: size of its letters."""

    width: float
    height: float
    type: float
    dots: tuple[Dot, ...]
    paths: tuple[Path, ...]
    rings: tuple[Ring, ...]
    hub: tuple[float, float, float] | None
    heads: bool
    numbered: bool = False
    ways: tuple[str, ...] = field(default=())


def order(spokes: Sequence[Spoke], threads: Iterable[Thread]) -> list[Spoke]:
    """Departments beside those they exchange most with; the same spokes and threads, the same order."""
    group = {spoke.id: _bundle(spoke) for spoke in spokes}
    ties: Counter[frozenset[str]] = Counter()
    weight: Counter[str] = Counter()
    near: dict[str, list[str]] = defaultdict(list)
    for thread in threads:
        if thread.source not in group or thread.target not in group:
            continue
        a, b = group[thread.source], group[thread.target]
        near[thread.source].append(thread.target)
        near[thread.target].append(thread.source)
        weight[a] += thread.count
        weight[b] += thread.count
        if a != b:
            ties[frozenset((a, b))] += thread.count
    left = sorted(set(group.values()), key=str.casefold)
    chain: list[str] = []
    while left:
        if not chain:
            following = max(left, key=lambda name: (weight[name], _reverse(name)))
        else:
            ends = {end: max(left, key=lambda name: (ties[frozenset((end, name))], weight[name], _reverse(name)))
                    for end in (chain[-1], chain[0])}  # fmt: skip
            end = max(ends, key=lambda one: ties[frozenset((one, ends[one]))])
            following = ends[end]
            if end == chain[0] and end != chain[-1]:
                chain.reverse()
        chain.append(following)
        left.remove(following)
    place = {name: number for number, name in enumerate(chain)}
    count = max(len(chain), 1)

    def lean(spoke: Spoke) -> float:
        """Where its partners stand, seen from its own department: before (negative) or after."""
        found = [
            (place[group[other]] - place[_bundle(spoke)] + count / 2) % count - count / 2 for other in near[spoke.id]
        ]
        return sum(found) / len(found) if found else 0.0

    return sorted(
        spokes, key=lambda spoke: (place[_bundle(spoke)], round(lean(spoke), 3), spoke.name.casefold(), spoke.id)
    )


def _bundle(spoke: Spoke) -> str:
    """What a spoke's threads run together with: its department's, or only its own when it is one."""
    return spoke.group or f"\0{spoke.id}"


def _reverse(name: str) -> tuple[int, ...]:
    return tuple(-ord(mark) for mark in name)


def wide(spokes: Sequence[Spoke], threads: Sequence[Thread], picked: str = "") -> Wheel:
    """The picture of a desk: every spoke with its name, in the order given (see :func:`order`)."""
    standing = spokes
    count = max(len(standing), 1)
    if count <= ROOMY:
        radius = 200.0
        return _draw(standing, threads, picked, radius, (900.0, 2 * radius + 110), 14.0, "level")
    groups = len({spoke.group for spoke in standing})
    if count <= PAIRED:
        radius = max(180.0, (count + groups * _gap(count, groups)) * 31 / (2 * math.pi))
        side = 2 * (radius + 185)
        return _draw(standing, threads, picked, radius, (side, side), 13.0, "paired")
    letters = 12.0 if count <= 150 else 11.0
    step = 17.0 if count <= 130 else 13.5
    radius = min(430.0, max(190.0, (count * step + groups * step * _gap(count, groups)) / (2 * math.pi)))
    side = 2 * (radius + 192)
    return _draw(standing, threads, picked, radius, (side, side), letters, "turned")


def narrow(spokes: Sequence[Spoke], threads: Sequence[Thread], picked: str = "") -> Wheel:
    """The picture of a telephone: numbers on the circle, the names stand in the list below it."""
    return _draw(spokes, threads, picked, 142.0, (328.0, 328.0), 10.0, "numbered")


def _draw(
    spokes: Sequence[Spoke],
    threads: Sequence[Thread],
    picked: str,
    radius: float,
    size: tuple[float, float],
    letters: float,
    labels: str,
) -> Wheel:
    middle = (size[0] / 2, size[1] / 2)
    angles, spans = _angles(spokes, level=labels == "level")
    numbers = {spoke.id: number for number, spoke in enumerate(spokes, 1)}
    dot = {"level": 6.0, "paired": 5.0, "turned": 4.0 if len(spokes) < 150 else 3.0, "numbered": 10.0}[labels]
    if labels == "numbered" and len(spokes) > 32:
        dot, letters = 8.5, 8.5
    dots = []
    for spoke in spokes:
        angle = angles[spoke.id]
        x, y = _at(middle, radius, angle)
        number = numbers[spoke.id]
        held = (spoke, number, _r(x), _r(y), dot)
        lit = spoke.id == picked
        if labels == "numbered":
            dots.append(Dot(*held, str(number), "", _r(x), _r(y + letters * 0.36), 0.0, "middle", lit))
        elif labels == "level":
            lx, ly = _at(middle, radius + 16, angle)
            side = "start" if math.sin(angle) > 0.12 else "end" if math.sin(angle) < -0.12 else "middle"
            lift = 0.0 if side != "middle" else (-10.0 if math.cos(angle) > 0 else 12.0)
            most = 34
            dots.append(
                Dot(
                    *held,
                    _cut(spoke.name, most),
                    _cut(spoke.group, most),
                    _r(lx),
                    _r(ly - 1 + lift),
                    0.0,
                    side,
                    lit,
                    0.0,
                    15.0,
                )
            )
        else:
            turn = math.degrees(angle) - 90
            anchor = "start"
            if math.sin(angle) < 0:
                turn, anchor = turn + 180, "end"
            lx, ly = _at(middle, radius + dot + 5, angle)
            at = (_r(lx), _r(ly), _r(turn), anchor, lit)
            if labels == "paired":
                dots.append(Dot(*held, _cut(spoke.name, 25), _cut(spoke.group, 28), *at, 3.0, 11.0))
            else:
                dots.append(Dot(*held, _cut(spoke.name, 26), "", *at))
    hub_radius = {"level": 34.0, "paired": 34.0, "turned": 40.0, "numbered": 22.0}[labels]
    through = any(PLATFORM in (thread.source, thread.target) for thread in threads)
    hub = (middle[0], middle[1], hub_radius) if through else None
    mid = {name: (first + last) / 2 for name, (first, last) in spans.items()}
    steady = labels == "level"
    paths = []
    for thread in sorted(threads, key=lambda one: (_LAYER.get(one.way, 0), one.source, one.target)):
        d = _thread(thread, {s.id: s for s in spokes}, angles, mid, middle, radius - dot, hub_radius, steady)
        if not d:
            continue
        ends = (numbers.get(thread.source, 0), numbers.get(thread.target, 0))
        weight = (
            min(1.3 + 0.55 * (thread.count - 1), 4.5)
            if labels != "turned"
            else min(1.1 + 0.35 * (thread.count - 1), 4.0)
        )
        paths.append(Path(d, thread.way, _r(weight), thread.words, ends))
    rings = _rings(spokes, spans, middle, radius, dot) if labels in ("turned", "numbered") else ()
    if labels == "numbered":
        rings = tuple(Ring(ring.d, ring.name, "", "") for ring in rings)
    ways = tuple(dict.fromkeys(path.way for path in paths))
    heads = len(spokes) <= HEADS and labels != "numbered"
    return Wheel(size[0], size[1], letters, tuple(dots), tuple(paths), rings, hub, heads, labels == "numbered", ways)


_LAYER = {"by-api": 0, "by-file": 1, "by-hand": 2, "through-platform": 3}
"""Which threads lie above which."""


def _gap(count: int, groups: int) -> float:
    """How far departments stand apart, in steps; less where there are many of them."""
    return 0.0 if groups in (1, count) else min(0.8, 0.3 * count / groups)


def _angles(spokes: Sequence[Spoke], *, level: bool) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Angle of each spoke (0 is up, clockwise) and the span of each group."""
    groups = list(dict.fromkeys(map(_bundle, spokes)))
    gap = 0.0 if level else _gap(len(spokes), len(groups))
    total = len(spokes) + gap * len(groups) or 1.0
    step = 2 * math.pi / total
    angles: dict[str, float] = {}
    spans: dict[str, tuple[float, float]] = {}
    at = step / 2 if level or gap else 0.0
    last = ""
    for spoke in spokes:
        group = _bundle(spoke)
        if last and group != last:
            at += gap * step
        angles[spoke.id] = at
        spans[group] = (spans[group][0] if group in spans else at, at)
        last = group
        at += step
    return angles, {name: (a - step * 0.42, b + step * 0.42) for name, (a, b) in spans.items()}


def _at(middle: tuple[float, float], radius: float, angle: float) -> tuple[float, float]:
    return middle[0] + radius * math.sin(angle), middle[1] - radius * math.cos(angle)


def _thread(
    thread: Thread,
    spokes: Mapping[str, Spoke],
    angles: Mapping[str, float],
    mid: Mapping[str, float],
    middle: tuple[float, float],
    radius: float,
    hub: float,
    steady: bool,
) -> str:
    ends = (thread.source, thread.target)
    if PLATFORM in ends:
        other = ends[1] if ends[0] == PLATFORM else ends[0]
        if other not in angles:
            return ""
        angle = angles[other]
        shift = 0.35 / max(radius, 1) * (6 if ends[1] == PLATFORM else -6)
        outer = _at(middle, radius, angle + shift)
        bend = _at(middle, radius * 0.62, angle + shift)
        inner_angle = angle if steady else angle * 0.35 + mid[_bundle(spokes[other])] * 0.65
        turn = _at(middle, radius * 0.4, inner_angle)
        inner = _at(middle, hub, inner_angle + shift)
        points = (outer, bend, turn, inner)
        if ends[0] == PLATFORM:
            points = (inner, turn, bend, outer)
        return _cubic(points)
    if thread.source not in angles or thread.target not in angles:
        return ""
    a, b = angles[thread.source], angles[thread.target]
    start, end = _at(middle, radius, a), _at(middle, radius, b)
    one, two = _bundle(spokes[thread.source]), _bundle(spokes[thread.target])
    if one == two:
        apart = abs(a - b)
        depth = radius * max(0.45, 0.9 - 0.35 * min(apart, math.pi))
        return _cubic((start, _at(middle, depth, a), _at(middle, depth, b), end))
    pull = 0.42
    control_a = _at(middle, radius * pull, a * 0.4 + mid[one] * 0.6)
    control_b = _at(middle, radius * pull, b * 0.4 + mid[two] * 0.6)
    return _cubic((start, control_a, control_b, end))


def _cubic(points: Sequence[tuple[float, float]]) -> str:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    return f"M{ax:.1f} {ay:.1f}C{bx:.1f} {by:.1f} {cx:.1f} {cy:.1f} {dx:.1f} {dy:.1f}"


def _rings(
    spokes: Sequence[Spoke],
    spans: Mapping[str, tuple[float, float]],
    middle: tuple[float, float],
    radius: float,
    dot: float,
) -> tuple[Ring, ...]:
    numbered = dot > 8
    outer = radius + dot + (6 if numbered else 166)
    size = 12.5
    out = []
    for name in dict.fromkeys(spoke.group for spoke in spokes if spoke.group):
        first, last = spans[name]
        line = _arc(middle, outer, first, last)
        mid = (first + last) / 2
        below = math.cos(mid) < -0.15  # the lower half is written from left to right too
        room = int((last - first) * (outer + 14) / (size * _LETTER))
        label = _cut(name, room) if room >= min(9, len(name)) else ""
        text = (
            _arc(middle, outer + (17 if below else 8), last, first) if below else _arc(middle, outer + 8, first, last)
        )
        out.append(Ring(line, name, text if label else "", label))
    return tuple(out)


def _arc(middle: tuple[float, float], radius: float, first: float, last: float) -> str:
    x, y = _at(middle, radius, first)
    to_x, to_y = _at(middle, radius, last)
    large = int(abs(last - first) > math.pi)
    return f"M{x:.1f} {y:.1f}A{radius:.1f} {radius:.1f} 0 {large} {int(last > first)} {to_x:.1f} {to_y:.1f}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(most - 1, 1)].rstrip()}…"


def _r(value: float) -> float:
    return round(value, 1)
