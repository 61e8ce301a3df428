"""Where areas of different zonings overlap: wards against school zones.

Two columns may name areas of two datasets that nothing relates but where they lie. Their shapes are laid over each
other; the *pieces* are the finest areas both tell apart. Who lives in a piece is told by the register where it holds
coordinates (or a code whose place the lake knows), else by the points of a dataset of addresses, else by nobody: then
a piece is a guess by its shape alone.

Two offices draw one boundary twice and never the same. A piece that is nowhere as wide as ``sliver`` of the
population is taken for such a strip: nobody is said to live in it, unless it is most of an area itself. Those the
register places in a strip are read several ways: as drawn, and as one of the zonings says, in the nearest piece of its
area. Which of these the published figures add up to decides (privacy.md, section 3, step 6, *geography overlay*).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Kind
from arengo.errors import ArengoError
from arengo.lake.layout import quote

if TYPE_CHECKING:
    from arengo.privacy.case import Case
    from arengo.privacy.hierarchy.places import Zoning

MOST = 50_000
"""Pieces up to which zonings are laid over each other."""
METRES = 111_320.0
"""Of one degree of latitude."""
TINY = 0.05
"""Square metres below which a piece is arithmetic."""
SLIVER = 5.0
"""Metres, where no population says another."""
REGISTER, ADDRESSES, AREAS = "register", "addresses", "areas"
Coding = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Met:
    """How zonings meet. ``source``: who says where people live. ``columns``: coding -> number of its zoning. ``told``:
    codings whose label the register tells without shapes. ``strange``: datasets whose areas have other names than those
    published. ``outside``: share of the register that lives in no area.

    From the register: ``truth`` is SQL of its table with the columns ``z0``, ``z1``, ... of labels as drawn, and for
    each zoning ``n`` ``s<n>_0``, ``s<n>_1``, ... with those in strips where that one says; ``strips``: how many people
    those are. Else ``rows``: the labels of each piece in the order of ``zonings``, None outside of them.
    """

    source: str
    zonings: tuple[str, ...]
    columns: Mapping[Coding, int]
    told: frozenset[Coding] = frozenset()
    truth: str = ""
    strips: int = 0
    rows: tuple[tuple[str | None, ...], ...] = ()
    strange: tuple[str, ...] = ()
    outside: float = 0.0


class TooManyPieces(Exception):
    """More pieces than are looked at."""


def area_of(case: Case, hierarchy: str, level: str) -> Zoning | None:
    """The areas a level names, None where it is no level of places or the lake has no shapes of them."""
    areas = getattr(case.codes, "areas", None)
    if areas is None or not hierarchy:
        return None
    try:
        found: Zoning | None = areas(hierarchy, level)
    except ArengoError:
        return None
    return found


def meet(
    case: Case, used: Mapping[Coding, set[str]], truth: str, here: set[str], kinds: Mapping[str, Kind],
    told: Mapping[Coding, str],
) -> Met | None:  # fmt: skip
    """How the zonings among the codings in use meet; None where nothing has to be laid over anything.

    ``told``: SQL of each coding's label over the register. Raises TooManyPieces.
    """
    zoned = {coding: zone for coding in used if (zone := area_of(case, coding[1], coding[2])) is not None}
    if not zoned:
        return None
    _prepare(case)
    open_ = {
        coding: zone for coding, zone in zoned.items()
        if coding[0] not in here or kinds.get(coding[0]) is Kind.GEOMETRY
        or not _registered(case, truth, told[coding], used[coding])
    }  # fmt: skip
    if not open_:
        return None
    names = {zone.name: zone for zone in open_.values()}
    homes = _homes(case, truth, here, kinds, tuple(names.values()))
    if homes is None:
        names = {zone.name: zone for zone in zoned.values()}
        bases = {zone.base for zone in zoned.values()}
        listed = len(bases) == 1 and bases != {""} and not {coding[0] for coding in zoned} & here
        if len(names) < 2 or listed:
            return None
    told_ = frozenset(zoned.keys() - open_.keys())
    ordered = tuple(names)
    chosen = open_ if homes is not None else zoned
    columns = {coding: ordered.index(zone.name) for coding, zone in chosen.items()}
    sliver = case.population.sliver if case.population is not None else SLIVER
    _lay(case, tuple(names.values()), sliver)
    strange = _strange(case, {coding: used[coding] for coding in chosen}, columns, ordered)
    if homes is not None:
        table, strips = _placed(case, truth, homes, len(ordered))
        nowhere = " AND ".join(f"z{at} IS NULL" for at in range(len(ordered)))
        (outside,) = case.connection.execute(
            f"SELECT count(*) FILTER ({nowhere}) / greatest(count(*), 1) FROM {table}"
        ).fetchone() or (0.0,)
        return Met(REGISTER, ordered, columns, told_, table, strips, strange=strange, outside=float(outside))
    points = getattr(case.truth, "addresses", None)
    addresses = points() if points is not None else ""
    listing = ", ".join(f"c{at}" for at in range(len(ordered)))
    if addresses:
        _located(case, f"SELECT DISTINCT home AS key, home FROM {addresses}", 1)
        rows = case.connection.execute(f"SELECT DISTINCT {listing} FROM _placed_0").fetchall()
    else:
        rows = case.connection.execute(f"SELECT DISTINCT {listing} FROM _pieces WHERE NOT thin").fetchall()
    return Met(ADDRESSES if addresses else AREAS, ordered, columns, told_, rows=tuple(rows), strange=strange)


def _strange(
    case: Case, used: Mapping[Coding, set[str]], columns: Mapping[Coding, int], zonings: Sequence[str]
) -> tuple[str, ...]:
    """The zonings that know fewer than half of the names published as theirs."""
    out = []
    for coding, labels in used.items():
        rows = case.connection.execute(f"SELECT label FROM _zone_{columns[coding]}").fetchall()
        if 2 * len(labels & {row[0] for row in rows}) < len(labels):
            out.append(zonings[columns[coding]])
    return tuple(dict.fromkeys(out))


def _prepare(case: Case) -> None:
    from arengo.lake.engine import load

    load(case.connection, "spatial")
    case.connection.execute("SET GLOBAL enable_geoparquet_conversion = false")


def _registered(case: Case, truth: str, label: str, labels: set[str]) -> bool:
    """Whether the register tells any of the labels that are published."""
    from arengo.lake.layout import text

    if not truth or not labels:
        return False
    listed = ", ".join(text(item) for item in sorted(labels))
    found = case.connection.execute(f"SELECT 1 FROM {truth} WHERE {label} IN ({listed}) LIMIT 1").fetchone()
    return found is not None


# Shapes over shapes


def _lay(case: Case, zonings: Sequence[Zoning], sliver: float) -> None:
    """Make ``_pieces``: (``id``, ``c0``, ``c1``, ..., ``shape`` in metres on a plane, ``thin``): each part of what is
    in one area of every zoning; and ``_plane``: the factors from degrees to metres. Raises TooManyPieces."""
    run = case.connection.execute
    shapes = " UNION ALL ".join(f"SELECT shape FROM ({zone.rows})" for zone in zonings)
    run(
        f"CREATE OR REPLACE TEMP TABLE _plane AS SELECT {METRES} * cos(radians(round(coalesce(avg("
        f"ST_Y(ST_Centroid(ST_GeomFromWKB(shape)))), 0)))) AS kx, {METRES} AS ky FROM ({shapes})"
    )
    for at, zone in enumerate(zonings):
        # Each part is mended alone: mended as one, parts that share a side would lose it, or cancel each other out.
        run(
            f"CREATE OR REPLACE TEMP TABLE _zone_{at} AS SELECT label, ST_Union_Agg({_metres('ST_MakeValid(part)')}) "
            "AS shape FROM (SELECT label, unnest(ST_Dump(ST_GeomFromWKB(shape))).geom AS part "
            f"FROM ({zone.rows})), _plane WHERE ST_Dimension(part) = 2 GROUP BY label"
        )
    run("CREATE OR REPLACE TEMP TABLE _laid AS SELECT label AS c0, shape FROM _zone_0")
    for at in range(1, len(zonings)):
        before = ", ".join(f"p.c{n}" for n in range(at))
        none = ", ".join(f"NULL AS c{n}" for n in range(at))
        (met,) = run(
            f"SELECT count(*) FROM _laid p JOIN _zone_{at} z ON ST_Intersects(p.shape, z.shape)"
        ).fetchone() or (0,)
        if met > MOST:
            raise TooManyPieces
        run(
            f"""CREATE OR REPLACE TEMP TABLE _next AS SELECT * FROM (
            SELECT {before}, z.label AS c{at}, ST_CollectionExtract(ST_Intersection(p.shape, z.shape), 3) AS shape
            FROM _laid p JOIN _zone_{at} z ON ST_Intersects(p.shape, z.shape)
            UNION ALL SELECT {before}, NULL, ST_CollectionExtract(ST_Difference(p.shape, u.shape), 3)
            FROM _laid p, (SELECT ST_Union_Agg(shape) AS shape FROM _zone_{at}) u
            UNION ALL SELECT {none}, z.label, ST_CollectionExtract(ST_Difference(z.shape, u.shape), 3)
            FROM _zone_{at} z, (SELECT ST_Union_Agg(shape) AS shape FROM _laid) u) WHERE ST_Area(shape) > {TINY}"""
        )
        run("CREATE OR REPLACE TEMP TABLE _laid AS SELECT * FROM _next")
    wide = (  # of a piece that is most of one of its areas
        " OR ".join(
            f"coalesce(ST_Area(d.shape) > (SELECT max(ST_Area(z.shape)) FROM _zone_{at} z WHERE z.label = d.c{at}) "
            "/ 2, false)"
            for at in range(len(zonings))
        )
    )
    # Twice the area by the boundary is never more than the width of the widest place: most pieces need no more.
    run(
        f"""CREATE OR REPLACE TEMP TABLE _pieces AS SELECT row_number() OVER () AS id, d.*,
        CASE WHEN 2 * ST_Area(shape) / ST_Perimeter(shape) >= {sliver!r} THEN false
        ELSE ST_IsEmpty(ST_Buffer(shape, {-sliver / 2!r})) AND NOT ({wide}) END AS thin
        FROM (SELECT * EXCLUDE (shape), unnest(ST_Dump(shape)).geom AS shape FROM _laid) d
        WHERE ST_Area(shape) > {TINY}"""
    )
    (many,) = run("SELECT count(*) FROM _pieces").fetchone() or (0,)
    if many > MOST:
        raise TooManyPieces


def _metres(shape: str) -> str:
    return f"ST_Affine({shape}, kx, 0, 0, ky, 0, 0)"


# Points in pieces


@dataclass(frozen=True, slots=True)
class _Homes:
    """``sql``: of (``key``, ``home``: WKB); ``key``: SQL over a row ``t`` of the register of what it is found by."""

    sql: str
    key: str


def _homes(
    case: Case, truth: str, here: set[str], kinds: Mapping[str, Kind], zonings: Sequence[Zoning]
) -> _Homes | None:  # fmt: skip
    """Where the register says that people live; None when it does not."""
    if not truth:
        return None
    own = getattr(case.truth, "homes", None)
    table = own() if own is not None else ""
    if table:
        return _Homes(f"SELECT _subject AS key, home FROM {table}", "t._subject")
    for concept in sorted(here):
        if kinds.get(concept) is Kind.GEOMETRY:
            held = quote(concept)
            point = f"ST_AsWKB(ST_PointOnSurface(ST_GeomFromWKB(TRY_CAST({held} AS BLOB))))"
            return _Homes(f"SELECT DISTINCT {held} AS key, {point} AS home FROM {truth} WHERE {held} IS NOT NULL",
                          f"t.{held}")  # fmt: skip
    for concept, zone in _coded(case, here):
        if _fine(case, zone, zonings):
            point = "ST_AsWKB(ST_PointOnSurface(ST_Union_Agg(ST_GeomFromWKB(shape))))"
            return _Homes(f"SELECT label AS key, {point} AS home FROM ({zone.rows}) GROUP BY label",
                          f"t.{quote(concept)}")  # fmt: skip
    return None


def _coded(case: Case, here: set[str]) -> list[tuple[str, Zoning]]:
    """(concept, areas or points its values name) of the register's columns."""
    from arengo.contract.load import loads

    record = case.state.contracts().get(case.population.register) if case.population is not None else None
    if record is None:
        return []
    try:
        contract = loads(record.text)
    except ArengoError:
        return []
    out = []
    for item in contract.properties:
        concept = str(item.custom.get("arengoPrivacyConcept", ""))
        named = str(item.custom.get("arengoHierarchy", ""))
        zone = area_of(case, named, str(item.custom.get("arengoLevel", ""))) if concept in here else None
        if zone is not None:
            out.append((concept, zone))
    return out


def _fine(case: Case, zone: Zoning, zonings: Sequence[Zoning]) -> bool:
    """Whether one point may stand for an area: buildings for wards, not wards for school zones."""
    size = "SELECT coalesce(avg(ST_Area(ST_GeomFromWKB(shape))), 0) FROM ({})"
    (mine,) = case.connection.execute(size.format(zone.rows)).fetchone() or (0,)
    others = [(case.connection.execute(size.format(item.rows)).fetchone() or (0,))[0] for item in zonings]
    return zone.name not in {item.name for item in zonings} and 20 * float(mine) <= min(map(float, others))


def _located(case: Case, homes: str, zonings: int) -> int:
    """Make ``_placed`` and ``_placed_0``, ``_placed_1``, ...: (``key``, ``c0``, ``c1``, ...) of points (SQL of
    (``key``, ``home``)), as drawn and with those in thin pieces put into the nearest other piece that the zoning of
    this number puts in the same area; how many those are."""
    run = case.connection.execute
    point = _metres("ST_GeomFromWKB(home)")
    run(f"CREATE OR REPLACE TEMP TABLE _points AS SELECT key, {point} AS p FROM ({homes}), _plane")
    run(
        "CREATE OR REPLACE TEMP TABLE _placed AS SELECT n.key, i.* EXCLUDE (shape) FROM (SELECT h.key, min(i.id) AS id "
        "FROM _points h JOIN _pieces i ON ST_Intersects(i.shape, h.p) GROUP BY h.key) n JOIN _pieces i USING (id)"
    )
    (many,) = run("SELECT count(*) FROM _placed WHERE thin").fetchone() or (0,)
    for at in range(zonings):
        run(
            f"""CREATE OR REPLACE TEMP TABLE _placed_{at} AS WITH moved AS (SELECT n.key, coalesce(
                arg_min(i.id, ST_Distance(i.shape, h.p)) FILTER (i.c{at} IS NOT DISTINCT FROM n.c{at}),
                arg_min(i.id, ST_Distance(i.shape, h.p))) AS id
            FROM _placed n JOIN _points h ON n.key = h.key AND n.thin, _pieces i WHERE NOT i.thin GROUP BY n.key)
            SELECT n.key, i.* EXCLUDE (id, shape, thin) FROM _placed n LEFT JOIN moved m ON m.key = n.key
            JOIN _pieces i ON i.id = coalesce(m.id, n.id)"""
        )
    return int(many)


def _placed(case: Case, truth: str, homes: _Homes, zonings: int) -> tuple[str, int]:
    """SQL of the register with the labels of the pieces people live in, and how many points lie in strips."""
    strips = _located(case, homes.sql, zonings)
    drawn = [f"d.c{at} AS z{at}" for at in range(zonings)]
    moved = [f"m{n}.c{at} AS s{n}_{at}" for n in range(zonings) for at in range(zonings)] if strips else []
    joins = "".join(f" LEFT JOIN _placed_{n} m{n} ON m{n}.key = {homes.key}" for n in range(zonings) if strips)
    case.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _truth_placed AS SELECT t.*, {', '.join([*drawn, *moved])} FROM {truth} t "
        f"LEFT JOIN _placed d ON d.key = {homes.key}{joins}"
    )
    return "_truth_placed", strips


def named(zonings: Sequence[str]) -> str:
    """Datasets of zonings as a sentence names them."""
    return ", ".join(dict.fromkeys(item.partition(".")[0] for item in zonings))


def zoned(case: Case, codings: Sequence[Any]) -> bool:
    """Whether a table shows areas with shapes, so that it meets any other one that does."""
    return any(coding is not None and area_of(case, coding[1], coding[2]) is not None for coding in codings)
