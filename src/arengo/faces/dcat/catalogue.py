"""The catalogue as DCAT-AP: itself, its services and series, and record by record what it lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from arengo.catalogue import Catalogue, Record, Service
from arengo.catalogue.record import Texts
from arengo.contract.model import Frozen
from arengo.contract.vocabulary import AUTHORITY, THEMES
from arengo.faces.dcat import italy
from arengo.faces.dcat.graph import Form, Node, Object, iri, literal, name, part
from arengo.faces.dcat.profile import (
    Described,
    access_right,
    catalog_iri,
    contact,
    dataset,
    dataset_iri,
    document,
    frequency,
    high_value,
    licence_of,
    publisher,
    service_iri,
    spoken,
)

if TYPE_CHECKING:
    from arengo.catalogue.local import Home
    from arengo.settings import CitySettings

PIECE = 65_536
"""Bytes handed on at once: a smaller piece costs more to pass than to make."""
_ABOUT = {
    "it": "I dati pubblicati da {city}.",
    "fr": "Les données publiées par {city}.",
    "es": "Los datos publicados por {city}.",
    "ca": "Les dades publicades per {city}.",
    "de": "Die Daten, die {city} veröffentlicht.",
    "pt": "Os dados publicados por {city}.",
    "en": "The data that {city} publishes.",
}


def dump(
    held: Catalogue,
    city: CitySettings,
    base: str,
    form: Form,
    *,
    profile: str = "eu",
    records: Iterable[Record] | None = None,
    view: Iterable[Node] = (),
) -> Iterator[bytes]:
    """The catalogue in one form, piece by piece. ``records``: what it lists (the city's own when None).

    ``profile``: ``eu`` or ``it``. ``view``: further nodes, such as those of a page.
    """
    listed = held.records(local_only=True) if records is None else records
    nodes = everything(held, city, base, listed, view)
    yield from _gathered(form.write(italy.profile(nodes, held.home.publisher) if profile == "it" else nodes))


def everything(
    held: Catalogue, city: CitySettings, base: str, records: Iterable[Record], view: Iterable[Node] = ()
) -> Iterator[Node]:
    """The nodes of a catalogue with these records. Memory is bounded however many there are."""
    seen: set[str] = set()
    yield from _itself(held, city, base, seen)
    yield from view
    for item in held.services():
        yield from service(item, held.home, base, seen)
    for made, _ in held.series():
        yield from series(made, base, seen)
        yield Node(catalog_iri(base), ((name("dcat:resource"), _series_iri(base, made)),))
    for record in records:
        yield from dataset(record, base, seen)
        yield from _joined(record, base, seen)


def newest(held: Catalogue) -> datetime | None:
    """When the rows or the words of a dataset changed last."""
    return max((entry.changed for entry in held.entries(limit=None).items), default=None)


def _itself(held: Catalogue, city: CitySettings, base: str, seen: set[str]) -> Iterator[Node]:
    d = Described(base, seen)
    me = catalog_iri(base)
    language = city.language.split("-")[0]
    told = city.description or _ABOUT.get(language, _ABOUT["en"]).format(city=city.name)
    d.kind(me, "dcat:Catalog")
    d.texts(me, "dct:title", {language: city.name}, "Catalogue")
    d.texts(me, "dct:description", {language: told})
    d.say(me, "dct:publisher", publisher(d, held.home.publisher))
    d.say(me, "foaf:homepage", document(d, iri(f"{base}/")))
    d.say(me, "dct:language", spoken(d, city.language))
    d.say(me, "dct:license", licence_of(d, city.licence))
    d.time(me, "dct:modified", newest(held))
    d.time(me, "dct:issued", min((entry.created for entry in held.entries(limit=None).items), default=None))
    if city.place:
        d.say(me, "dct:spatial", d.term(city.place, ("dct:Location",), {}))
    themes: Texts = Frozen(en="Data theme")
    d.say(me, "dcat:themeTaxonomy", d.term(f"{AUTHORITY}/data-theme", ("skos:ConceptScheme",), themes, "dct:title"))
    for item in held.services():
        d.say(me, "dcat:service", service_iri(base, item.id))
    yield from d.done()


def _joined(record: Record, base: str, seen: set[str]) -> Iterator[Node]:
    """What the catalogue, its services and series say of one dataset."""
    me, whole = dataset_iri(base, record), catalog_iri(base)
    said: list[tuple[str, Object]] = [(name("dcat:dataset"), me)]
    if record.provenance is None:
        yield Node(whole, tuple(said))
        for item in record.services:
            yield from _serving(record, item.id, me, base, seen)
        return
    entry = f"{base}/datasets/{part(record.id)}#record"
    said.append((name("dcat:record"), entry))
    yield Node(whole, tuple(said))
    d = Described(base, seen)
    d.kind(entry, "dcat:CatalogRecord")
    d.say(entry, "foaf:primaryTopic", me)
    d.time(entry, "dct:modified", record.provenance.harvested_at or record.modified or datetime.fromtimestamp(0))
    yield from d.done()


def _serving(record: Record, id: str, me: str, base: str, seen: set[str]) -> Iterator[Node]:
    """An interface that serves a high-value dataset is itself under the regulation (annex, DataService)."""
    d = Described(base, seen)
    d.say(service_iri(base, id), "dcat:servesDataset", me)
    high_value(d, service_iri(base, id), record.hvd)
    yield from d.done()


def service(item: Service, home: Home, base: str, seen: set[str]) -> Iterator[Node]:
    """An interface."""
    d = Described(base, seen)
    me = service_iri(base, item.id)
    d.kind(me, "dcat:DataService")
    d.texts(me, "dct:title", item.title, item.id)
    d.texts(me, "dct:description", item.description)
    d.say(me, "dct:identifier", literal(item.id))
    d.say(me, "dcat:endpointURL", d.at(item.endpoint_url))
    d.say(me, "dcat:endpointDescription", d.at(item.endpoint_description))
    d.say(me, "dct:publisher", publisher(d, home.publisher))
    d.say(me, "dcat:contactPoint", contact(d, home.publisher))
    d.say(me, "dct:license", licence_of(d, item.licence))
    d.say(me, "dct:accessRights", access_right(d, "open"))
    d.say(me, "foaf:page", document(d, d.at(item.page)))
    for standard in item.conforms_to:
        d.say(me, "dct:conformsTo", d.term(standard, ("dct:Standard",), {}, "dct:title"))
    yield from d.done()


def named(item: Service, base: str) -> Iterator[Node]:
    """An interface by its name and class alone, for who only refers to it."""
    d = Described(base, set())
    d.kind(service_iri(base, item.id), "dcat:DataService")
    d.texts(service_iri(base, item.id), "dct:title", item.title, item.id)
    yield from d.done()


def serving(record: Record, home: Home, base: str, seen: set[str]) -> Iterator[Node]:
    """The interfaces of one dataset, as its own document tells of them."""
    for item in record.services:
        yield from service(item, home, base, seen)
        yield from _serving(record, item.id, dataset_iri(base, record), base, seen)


def series(record: Record, base: str, seen: set[str]) -> Iterator[Node]:
    """A series of datasets."""
    d = Described(base, seen)
    me = _series_iri(base, record)
    d.kind(me, "dcat:DatasetSeries")
    d.texts(me, "dct:title", record.title, record.id)
    d.texts(me, "dct:description", record.description or record.title, record.id)
    d.say(me, "dct:publisher", publisher(d, record.publisher))
    d.say(me, "dcat:contactPoint", contact(d, record.contact or record.publisher))
    d.say(me, "dct:accrualPeriodicity", frequency(d, record.frequency))
    d.time(me, "dct:issued", record.issued)
    d.time(me, "dct:modified", record.modified)
    for code in record.themes:
        if code in THEMES:
            d.say(me, "dcat:theme", d.term(THEMES[code].uri, ("skos:Concept",), THEMES[code].labels))
    high_value(d, me, record.hvd)
    yield from d.done()


def _series_iri(base: str, record: Record) -> str:
    return f"{base}/series/{part(record.id)}"


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= PIECE:
            yield b"".join(held)
            held, length = [], 0
    if held:
        yield b"".join(held)
