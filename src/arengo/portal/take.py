"""How to take the data as a file, and how to say where it is from."""

from __future__ import annotations

from starlette.responses import Response

from arengo.portal.citation import sentence
from arengo.portal.dossier import Dossier
from arengo.portal.visit import Visit


def downloads(visit: Visit) -> Response:
    """``/datasets/{id}/downloads``."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    sizes = {ext: _built(d, ext) for ext, *_rest in _formats(d)}
    known = visit.unchanged(*d.mark, sizes)
    if known:
        return known
    tail = f"?as_of={d.version.number}" if visit.as_of and d.version else ""
    formats = [
        {
            "name": name,
            "words": words,
            "href": f"/api/v1/datasets/{d.id}/export.{ext}{tail}",
            "size": visit.speech.size(size) if (size := sizes[ext]) else visit._("made when asked"),
        }
        for ext, name, words in _formats(d)
    ]
    return visit.page(
        "downloads.html",
        {
            "d": d,
            "tab": "downloads",
            "tab_title": visit._("Download"),
            "formats": formats,
            "cited": sentence(d),
        },
    )


def _formats(d: Dossier) -> list[tuple[str, str, str]]:
    """(extension, name, good for), the most asked first."""
    _ = d.visit._
    plain = [
        ("csv", "CSV", _("every program; text, one line a row")),
        ("xlsx", "Excel (XLSX)", _("spreadsheets, up to 1,048,575 rows")),
        ("parquet", "Parquet", _("analysis of large data: small, typed, quick")),
        ("ndjson", "JSON (NDJSON)", _("programs; one object a line")),
        ("arrow", "Arrow IPC", _("programs that share memory: Python, R, DuckDB")),
    ]
    if d.view.geometry is None:
        return plain
    places = [
        ("geojson", "GeoJSON", _("maps on the web")),
        ("gpkg", "GeoPackage", _("geographic programs such as QGIS")),
        ("geoparquet", "GeoParquet", _("large geographic analysis")),
    ]
    return [*plain[:2], *places, *plain[2:]]


def _built(d: Dossier, ext: str) -> int:
    """Bytes of the file when it is already there."""
    try:
        path = d.visit.door.artefact(d.view, f"export.{ext}")
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
