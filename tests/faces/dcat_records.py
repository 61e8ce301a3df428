"""Records made by hand for the DCAT face: one with everything, one harvested, one that says almost nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime

from arengo.catalogue import Agent, Distribution, Provenance, Record, Service

BASE = "https://data.tiny.example"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PARKS = Agent(
    "parks", {"en": "Parks and Gardens", "it": "Verde pubblico"}, identifier="c_x001", type="LocalAuthority",
    homepage="https://parks.example/", email="parks@tiny.example", phone="+39 02 123",
)  # fmt: skip
ROWS = Service(
    "rows-api", {"en": "Rows API"}, {"en": "Rows of every dataset."}, "/api/v1", "/api/v1/openapi.json", "/about",
    ("https://spec.openapis.org/oas/v3.1.0",), "CC-BY-4.0",
)  # fmt: skip


def file(id: str = "csv", **more: object) -> Distribution:
    told: dict[str, object] = {
        "title": {"en": f"Trees ({id})"}, "format": "CSV", "media_type": "text/csv",
        "access_url": "/datasets/trees/downloads", "download_url": f"/api/v1/datasets/trees/export.{id}", "bytes": 12,
        "licence": "CC-BY-4.0", "rights": {"en": "Everybody may."}, "issued": AT, "modified": AT,
        "availability": "AVAILABLE", "service": "rows-api", "language": ("en",), "checksum": "ab" * 32,
    }  # fmt: skip
    return Distribution(id, **{**told, **more})  # type: ignore[arg-type]


def full(**more: object) -> Record:
    """A record with everything, of the city itself."""
    told: dict[str, object] = {
        "title": {"en": "Street trees", "it": "Alberi"}, "description": {"en": "Every tree."},
        "keywords": {"en": ("trees", "green"), "it": ("alberi",)}, "themes": ("ENVI", "REGI"),
        "subjects": ("http://eurovoc.europa.eu/2825",), "publisher": PARKS, "contact": PARKS, "licence": "CC-BY-4.0",
        "frequency": "MONTHLY", "issued": AT, "modified": AT, "spatial": (9.0, 45.0, 9.1, 45.1),
        "places": ("https://sws.geonames.org/3173435/",), "temporal": (date(2026, 1, 1), date(2026, 2, 1)),
        "hvd": ("environment",), "series": "green", "version": 2, "versions": 2, "rows": 10,
        "landing_page": "/datasets/trees", "conforms_to": ("https://example.org/standard",),
        "distributions": (file(), file("geojson", format="GEOJSON", media_type="application/geo+json")),
        "services": (ROWS,),
    }  # fmt: skip
    return Record("trees", **{**told, **more})  # type: ignore[arg-type]


def harvested(**more: object) -> Record:
    told: dict[str, object] = {
        "title": {"fr": "Arbres de la ville"}, "publisher": Agent("evian", {"fr": "Évian"}, email="x@evian.example"),
        "licence": "https://example.org/own-licence", "modified": AT, "issued": AT,
        "provenance": Provenance(
            "evian", "Portail d'Évian", "abc-1", "https://evian.example/d/1", "https://evian.example/d/1.html",
            ("https://region.example/",), AT,
        ),
        "distributions": (
            file("a b/c", access_url="https://evian.example/a", download_url="https://evian.example/a.csv", service="",
                 checksum="md5", rights={"fr": "Droits"}),
            file("a b/c", access_url="", download_url="", format="strange", media_type="not a type", bytes=None),
        ),
    }  # fmt: skip
    return Record("evian-arbres", **{**told, **more})  # type: ignore[arg-type]


def bare() -> Record:
    return Record("nothing", {})
