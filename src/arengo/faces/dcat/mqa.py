"""Metadata quality as data.europa.eu measures it: 405 points in five dimensions, computed over what is emitted.

Points and metrics: Metadata Quality Assessment methodology of data.europa.eu (reference: portals.md, section 4).
Metrics of distributions are averaged over the distributions of a dataset. What is reachable is known from the
addresses this server answers, or asked of ``reachable``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from arengo.catalogue.vocabulary import FILE_TYPES, IANA
from arengo.contract.vocabulary import AUTHORITY
from arengo.faces.dcat.graph import TYPE, Node, Object, name

GOOD, FAIR, POOR = 350, 220, 119
"""Excellent above 350, good above 220, sufficient above 119, bad below."""


@dataclass(frozen=True, slots=True)
class Metric:
    """``mend``: the field of the contract, or the setting, that gives the points."""

    id: str
    dimension: str
    points: float
    mend: str
    per_distribution: bool = False


METRICS: tuple[Metric, ...] = (
    Metric("keywords", "findability", 30, "tags"),
    Metric("theme", "findability", 30, "arengoTheme"),
    Metric("spatial", "findability", 20, "arengoGeometry, city.place"),
    Metric("temporal", "findability", 20, "arengoTime"),
    Metric("access-url-reachable", "accessibility", 50, "arengoAccess", True),
    Metric("download-url", "accessibility", 20, "arengoAccess", True),
    Metric("download-url-reachable", "accessibility", 30, "arengoAccess", True),
    Metric("format", "interoperability", 20, "", True),
    Metric("media-type", "interoperability", 10, "", True),
    Metric("format-from-vocabulary", "interoperability", 10, "", True),
    Metric("non-proprietary", "interoperability", 20, "", True),
    Metric("machine-readable", "interoperability", 20, "", True),
    Metric("profile", "interoperability", 30, "name, description"),
    Metric("licence", "reusability", 20, "arengoLicence, city.licence", True),
    Metric("licence-from-vocabulary", "reusability", 10, "arengoLicence, city.licence", True),
    Metric("access-rights", "reusability", 10, "arengoAccess"),
    Metric("access-rights-from-vocabulary", "reusability", 5, "arengoAccess"),
    Metric("contact-point", "reusability", 20, "city.contact, organisations.toml"),
    Metric("publisher", "reusability", 10, "arengoOwner"),
    Metric("rights", "contextuality", 5, "arengoAccess", True),
    Metric("size", "contextuality", 5, "", True),
    Metric("issued", "contextuality", 5, "", False),
    Metric("modified", "contextuality", 5, "", False),
)
MOST = sum(metric.points for metric in METRICS)
DIMENSIONS = tuple(dict.fromkeys(metric.dimension for metric in METRICS))


@dataclass(frozen=True, slots=True)
class Score:
    """``points`` by metric id; ``total`` of at most 405."""

    dataset: str
    points: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.points.values())

    def of(self, dimension: str) -> float:
        return sum(self.points[metric.id] for metric in METRICS if metric.dimension == dimension)

    @property
    def missing(self) -> tuple[Metric, ...]:
        return tuple(metric for metric in METRICS if self.points[metric.id] < metric.points)


def score(nodes: Iterable[Node], dataset: str, reachable: Callable[[str], bool] = lambda address: True) -> Score:
    """The score of the dataset with that address among ``nodes``."""
    said: dict[str, dict[str, list[Object]]] = {}
    for node in nodes:
        held = said.setdefault(node.iri, {})
        for predicate, value in node.said:
            held.setdefault(predicate, []).append(value)

    def values(subject: str, predicate: str) -> list[Object]:
        return said.get(subject, {}).get(name(predicate), [])

    files = [str(item) for item in values(dataset, "dcat:distribution")]
    points: dict[str, float] = {}
    for metric in METRICS:
        if metric.per_distribution:
            share = sum(_file(metric.id, item, values, reachable) for item in files) / len(files) if files else 0.0
        else:
            share = float(_dataset(metric.id, dataset, values))
        points[metric.id] = metric.points * share
    return Score(dataset, points)


_Values = Callable[[str, str], list[Object]]
_ON_DATASET = {
    "keywords": "dcat:keyword",
    "theme": "dcat:theme",
    "spatial": "dct:spatial",
    "temporal": "dct:temporal",
    "access-rights": "dct:accessRights",
    "contact-point": "dcat:contactPoint",
    "publisher": "dct:publisher",
    "issued": "dct:issued",
    "modified": "dct:modified",
}


def _dataset(id: str, dataset: str, values: _Values) -> bool:
    if id == "profile":
        agent = values(dataset, "dct:publisher")
        named = all(values(str(item), "foaf:name") for item in agent)
        kinds = values(dataset, "dct:title") and values(dataset, "dct:description")
        files = values(dataset, "dcat:distribution")
        return bool(kinds) and named and all(values(str(item), "dcat:accessURL") for item in files)
    if id == "access-rights-from-vocabulary":
        return any(str(item).startswith(f"{AUTHORITY}/access-right/") for item in values(dataset, "dct:accessRights"))
    return bool(values(dataset, _ON_DATASET[id]))


def _file(id: str, item: str, values: _Values, reachable: Callable[[str], bool]) -> float:
    told = str(next(iter(values(item, "dct:format")), ""))
    media = str(next(iter(values(item, "dcat:mediaType")), ""))
    kind = FILE_TYPES.get(told.rsplit("/", 1)[-1]) if told.startswith(f"{AUTHORITY}/file-type/") else None
    access, download = values(item, "dcat:accessURL"), values(item, "dcat:downloadURL")
    licence = [str(value) for value in values(item, "dct:license")]
    found: Mapping[str, bool | float] = {
        "access-url-reachable": bool(access) and all(reachable(str(value)) for value in access),
        "download-url": bool(download),
        "download-url-reachable": bool(download) and all(reachable(str(value)) for value in download),
        "format": bool(told),
        "media-type": bool(media),
        "format-from-vocabulary": 0.5 * (kind is not None) + 0.5 * media.startswith(IANA),
        "non-proprietary": kind is not None and kind.free,
        "machine-readable": kind is not None and kind.machine,
        "licence": bool(licence),
        "licence-from-vocabulary": any(value.startswith(f"{AUTHORITY}/licence/") for value in licence),
        "rights": bool(values(item, "dct:rights")),
        "size": bool(values(item, "dcat:byteSize")),
    }
    return float(found[id])


def kind_of(node: Node) -> tuple[str, ...]:
    """The classes of a node."""
    return tuple(str(value) for predicate, value in node.said if predicate == TYPE)
