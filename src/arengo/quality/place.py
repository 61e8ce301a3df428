"""Geometry expressions: reading WKT, GeoJSON and WKB, bringing them to longitude and latitude, mending them.

Coordinates leave here in OGC:CRS84 (longitude first), two-dimensional, as WKB. References: OGC 06-103r4 (simple
features), RFC 7946 section 4, GeoParquet 1.1 (``bbox`` covering columns).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from arengo.contract.model import Contract, Geometry
from arengo.errors import ContractError, MissingExtra
from arengo.quality.expression import Values

if TYPE_CHECKING:
    import duckdb

BOX = ("_xmin", "_ymin", "_xmax", "_ymax")
WGS84 = ("", "EPSG:4326", "OGC:CRS84", "CRS84", "EPSG:4979", "WGS84", "URN:OGC:DEF:CRS:OGC:1.3:CRS84", "EPSG:4258")
EDGE = 1e-7
"""Degrees a reprojected coordinate may be beyond the edge of the world."""


def load_spatial(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the signed spatial extension that came with the package; nothing is downloaded."""
    try:
        import duckdb_extension_spatial as package
    except ImportError as error:
        raise MissingExtra(
            "The package duckdb-extension-spatial is not installed, and geometry needs it.",
            todo="Install Arengo again with its dependencies, for example: pip install arengo.",
        ) from error
    found = sorted(Path(package.__file__ or "").parent.rglob("spatial.duckdb_extension"))
    if not found:
        raise MissingExtra("The package duckdb-extension-spatial holds no extension for this machine.")
    connection.load_extension(str(found[-1]))
    # Its spatial-join optimizer fails on plans that join aggregates of a table with a geometry
    # ("optional_idx cannot be initialized", spatial 1.5.5); no join here is spatial.
    connection.execute("SET disabled_optimizers = 'extension'")


def from_text(text: str) -> str:
    """WKT, EWKT, GeoJSON or hexadecimal WKB; NULL where it is none of them."""
    return (
        f"CASE WHEN starts_with({text}, '{{') THEN try(ST_GeomFromGeoJSON({text})) "
        f"WHEN regexp_full_match({text}, '(00|01)[0-9A-Fa-f]{{8,}}') THEN try(ST_GeomFromHEXWKB({text})) "
        f"ELSE try(ST_GeomFromText(regexp_replace({text}, '^SRID=[0-9]+;', ''))) END"
    )


def from_wkb(raw: str) -> str:
    return f"try(ST_GeomFromWKB({raw}::BLOB))"


def needs_transform(geometry: Geometry) -> bool:
    return geometry.crs.upper() not in WGS84


def check_crs(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Raise ContractError when the contract names a reference system that is unknown."""
    import duckdb

    geometry = contract.geometry
    if geometry is None or not needs_transform(geometry):
        return
    try:
        connection.execute("SELECT ST_Transform(ST_Point(0, 0), $1, 'OGC:CRS84', true)", [geometry.crs]).fetchone()
    except duckdb.Error as error:
        raise ContractError(
            f"The coordinate reference system {geometry.crs} is not known.",
            todo="Write arengoCrs as EPSG:n, such as EPSG:25832.",
        ) from error


def stored(shape: str, geometry: Geometry, values: Values) -> str:
    """A geometry expression brought to longitude and latitude, flat and valid."""
    flat = f"ST_Force2D({shape})"
    if needs_transform(geometry):
        flat = f"try(ST_Transform({flat}, {values.bind(geometry.crs)}, 'OGC:CRS84', true))"
    return flat


def mended(shape: str) -> str:
    """The same, with invalid areas made valid, keeping the dimension (an area stays an area)."""
    return (
        f"CASE WHEN ST_GeometryType({shape}) IN ('POINT', 'MULTIPOINT') OR ST_IsValid({shape}) THEN {shape} "
        f"WHEN ST_GeometryType({shape}) IN ('POLYGON', 'MULTIPOLYGON') "
        f"THEN ST_CollectionExtract(ST_MakeValid({shape}), 3) ELSE ST_MakeValid({shape}) END"
    )


def box(shape: str) -> Mapping[str, str]:
    return dict(
        zip(BOX, (f"ST_XMin({shape})", f"ST_YMin({shape})", f"ST_XMax({shape})", f"ST_YMax({shape})"), strict=True)
    )


def inside_world(xmin: str, ymin: str, xmax: str, ymax: str) -> str:
    """True where a box lies in the world; false also for NaN and infinity."""
    lon, lat = 180 + EDGE, 90 + EDGE
    return f"({xmin} >= {-lon} AND {xmax} <= {lon} AND {ymin} >= {-lat} AND {ymax} <= {lat})"
