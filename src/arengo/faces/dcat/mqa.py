"""Metadata quality as data.europa.eu measures it: 405 points in five dimensions, computed over what is emitted.

Points and metrics: Metadata Quality Assessment methodology of data.europa.eu (reference: portals.md, section 4); names
of metrics and dimensions in RDF are those of its own measurements (``pv:``). Metrics of distributions are averaged over
the distributions of a dataset. What is reachable is known from the addresses this server answers (:func:`answered`),
or asked of them (``reachable`` of :func:`score`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from starlette.routing import BaseRoute, Match

from arengo.catalogue import Record
from arengo.catalogue.vocabulary import FILE_TYPES, IANA
from arengo.contract.vocabulary import ACCESS, AUTHORITY, LICENCES
from arengo.faces.dcat import profile, rules
from arengo.faces.dcat.graph import TYPE, Node, Object, literal, name
from arengo.faces.dcat.rules import Breach

RATINGS = ((351, "excellent"), (221, "good"), (120, "sufficient"), (0, "bad"))
"""From so many points on (portals.md, section 4)."""
Reach = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Metric:
    """``id``: as data.europa.eu calls it. ``mend``: fields of the contract, or settings, that give the points."""

    id: str
    dimension: str
    points: float
    mend: tuple[str, ...] = ()
    per_distribution: bool = False


_FILE = ("arengoAccess",)
METRICS: tuple[Metric, ...] = (
    Metric("keywordAvailability", "findability", 30, ("tags",)),
    Metric("categoryAvailability", "findability", 30, ("arengoTheme",)),
    Metric("spatialAvailability", "findability", 20, ("arengoGeometry", "city.place")),
    Metric("temporalAvailability", "findability", 20, ("arengoTime",)),
    Metric("accessUrlStatusCode", "accessibility", 50, _FILE, True),
    Metric("downloadUrlAvailability", "accessibility", 20, _FILE, True),
    Metric("downloadUrlStatusCode", "accessibility", 30, _FILE, True),
    Metric("formatAvailability", "interoperability", 20, _FILE, True),
    Metric("mediaTypeAvailability", "interoperability", 10, _FILE, True),
    Metric("formatMediaTypeVocabularyAlignment", "interoperability", 10, _FILE, True),
    Metric("formatMediaTypeNonProprietary", "interoperability", 20, _FILE, True),
    Metric("formatMediaTypeMachineInterpretable", "interoperability", 20, _FILE, True),
    Metric("dcatApCompliance", "interoperability", 30, ("name", "description")),
    Metric("licenceAvailability", "reusability", 20, ("arengoLicence", "city.licence"), True),
    Metric("knownLicence", "reusability", 10, ("arengoLicence", "city.licence"), True),
    Metric("accessRightsAvailability", "reusability", 10, ("arengoAccess",)),
    Metric("accessRightsVocabularyAlignment", "reusability", 5, ("arengoAccess",)),
    Metric("contactPointAvailability", "reusability", 20, ("city.contact", "organisations.toml")),
    Metric("publisherAvailability", "reusability", 10, ("arengoOwner", "city.name")),
    Metric("rightsAvailability", "contextuality", 5, _FILE, True),
    Metric("byteSizeAvailability", "contextuality", 5, _FILE, True),
    Metric("dateIssuedAvailability", "contextuality", 5),
    Metric("dateModifiedAvailability", "contextuality", 5),
)
MOST = sum(metric.points for metric in METRICS)
DIMENSIONS: Mapping[str, float] = {
    dimension: sum(metric.points for metric in METRICS if metric.dimension == dimension)
    for dimension in dict.fromkeys(metric.dimension for metric in METRICS)
}
"""Dimension -> its points."""
_LICENCES = frozenset(item.uri for item in LICENCES.values() if item.uri.startswith(AUTHORITY))
_RIGHTS = frozenset(term.uri for term in ACCESS.values())
_MEDIA = frozenset(f"{IANA}/{item.media_type}" for item in FILE_TYPES.values() if item.listed and item.media_type)


@dataclass(frozen=True, slots=True)
class Score:
    """``points`` by metric id, ``total`` of at most 405. ``files``: distributions it was measured on."""

    dataset: str
    address: str
    points: Mapping[str, float]
    files: int
    breaches: Sequence[Breach] = ()

    @property
    def total(self) -> float:
        return round(sum(self.points.values()), 1)

    @property
    def rating(self) -> str:
        return next(word for least, word in RATINGS if round(self.total) >= least)

    def of(self, dimension: str) -> float:
        return round(sum(self.points[metric.id] for metric in METRICS if metric.dimension == dimension), 1)

    @property
    def missing(self) -> tuple[tuple[Metric, float], ...]:
        """Metrics without all of their points, with what each lacks."""
        return tuple(
            (metric, round(metric.points - self.points[metric.id], 1))
            for metric in METRICS
            if self.points[metric.id] < metric.points
        )


def of_record(record: Record, base: str, reachable: Reach) -> Score:
    """The score of a record as the catalogue emits it."""
    from arengo.faces.dcat import catalogue

    seen: set[str] = set()
    nodes = list(profile.dataset(record, base, seen))
    if record.series:
        nodes.append(Node(f"{base}/series/{record.series}", ((TYPE, name("dcat:DatasetSeries")),)))
    for item in record.services:
        nodes += catalogue.named(item, base)
    return score(nodes, profile.dataset_iri(base, record), reachable, record.id)


def score(nodes: Iterable[Node], address: str, reachable: Reach = lambda address: True, id: str = "") -> Score:
    """The score of the dataset with that address, described whole by ``nodes``."""
    told = list(nodes)
    said: dict[str, dict[str, list[Object]]] = {}
    for node in told:
        held = said.setdefault(node.iri, {})
        for predicate, value in node.said:
            held.setdefault(predicate, []).append(value)

    def values(subject: str, predicate: str) -> list[Object]:
        return said.get(subject, {}).get(name(predicate), [])

    files = [str(item) for item in values(address, "dcat:distribution")]
    parts = {address, *files, *(str(item) for item in values(address, "dct:publisher"))}
    wrong = [item for item in rules.breaches(told) if item.subject in parts]
    measured = [_file(item, values, reachable) for item in files]
    points: dict[str, float] = {}
    for metric in METRICS:
        if metric.per_distribution:
            share = sum(found[metric.id] for found in measured) / len(measured) if measured else 0.0
        elif metric.id == "dcatApCompliance":
            share = float(not wrong)
        else:
            share = float(_dataset(metric.id, address, values))
        points[metric.id] = metric.points * share
    return Score(id or address, address, points, len(files), tuple(wrong))


_Values = Callable[[str, str], list[Object]]
_ON_DATASET = {
    "keywordAvailability": "dcat:keyword",
    "categoryAvailability": "dcat:theme",
    "spatialAvailability": "dct:spatial",
    "temporalAvailability": "dct:temporal",
    "accessRightsAvailability": "dct:accessRights",
    "contactPointAvailability": "dcat:contactPoint",
    "publisherAvailability": "dct:publisher",
    "dateIssuedAvailability": "dct:issued",
    "dateModifiedAvailability": "dct:modified",
}


def _dataset(id: str, address: str, values: _Values) -> bool:
    if id == "accessRightsVocabularyAlignment":
        return any(item in _RIGHTS for item in values(address, "dct:accessRights"))
    return bool(values(address, _ON_DATASET[id]))


def _file(item: str, values: _Values, reachable: Reach) -> Mapping[str, float]:
    """Share of the points of each metric that one distribution has."""
    told = str(next(iter(values(item, "dct:format")), ""))
    media = str(next(iter(values(item, "dcat:mediaType")), ""))
    kind = FILE_TYPES.get(told.removeprefix(f"{AUTHORITY}/file-type/")) if "/file-type/" in told else None
    access, download = values(item, "dcat:accessURL"), values(item, "dcat:downloadURL")
    licences = values(item, "dct:license")
    return {
        "accessUrlStatusCode": float(bool(access) and all(reachable(str(value)) for value in access)),
        "downloadUrlAvailability": float(bool(download)),
        "downloadUrlStatusCode": float(bool(download) and all(reachable(str(value)) for value in download)),
        "formatAvailability": float(bool(told)),
        "mediaTypeAvailability": float(bool(media)),
        "formatMediaTypeVocabularyAlignment": 0.5 * (kind is not None) + 0.5 * (media in _MEDIA),
        "formatMediaTypeNonProprietary": float(kind is not None and kind.free),
        "formatMediaTypeMachineInterpretable": float(kind is not None and kind.machine),
        "licenceAvailability": float(bool(licences)),
        "knownLicence": float(any(value in _LICENCES for value in licences)),
        "rightsAvailability": float(bool(values(item, "dct:rights"))),
        "byteSizeAvailability": float(bool(values(item, "dcat:byteSize"))),
    }


def answered(routes: Sequence[BaseRoute], base: str) -> Reach:
    """Whether this server answers an address, by its routes; what lies elsewhere was not asked and does not count."""

    def reach(address: str) -> bool:
        if not address.startswith(f"{base}/"):
            return False
        path = unquote(urlsplit(address.removeprefix(base)).path)
        scope = {"type": "http", "path": path, "method": "GET", "headers": [], "root_path": ""}
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    return reach


def measurements(scores: Iterable[Score]) -> Iterator[Node]:
    """Scores as quality measurements (W3C Data Quality Vocabulary), a dataset after the other."""
    for metric in METRICS:
        yield Node(f"{name('pv:')}{metric.id}", (
            (TYPE, name("dqv:Metric")), (name("dqv:inDimension"), f"{name('pv:')}{metric.dimension}"),
            (name("dqv:expectedDataType"), name("xsd:double")),
        ))  # fmt: skip
    for found in scores:
        values = {**found.points, **{item: found.of(item) for item in DIMENSIONS}, "scoring": found.total}
        for metric_id, points in values.items():
            me = f"{found.address}#{metric_id}"
            yield Node(found.address, ((name("dqv:hasQualityMeasurement"), me),))
            yield Node(me, (
                (TYPE, name("dqv:QualityMeasurement")), (name("dqv:computedOn"), found.address),
                (name("dqv:isMeasurementOf"), f"{name('pv:')}{metric_id}"),
                (name("dqv:value"), literal(f"{points:.2f}", datatype=name("xsd:double"))),
            ))  # fmt: skip
