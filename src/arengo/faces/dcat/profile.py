"""Records as DCAT-AP 3.0.1 with the annex for high-value datasets (Regulation (EU) 2023/138).

Each address of a vocabulary is emitted with its class and label, because the official shapes ask for the class of
what is referred to (reference: portals.md, section 4). Harvested records keep their origin's identifier and address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from urllib.parse import quote

from arengo.catalogue import Agent, Distribution, Record, Service
from arengo.catalogue.record import Texts
from arengo.catalogue.vocabulary import FILE_TYPES, IANA, file_type, language_uri
from arengo.contract.vocabulary import ACCESS, AUTHORITY, FREQUENCIES, HVD_CATEGORIES, THEMES, licence
from arengo.faces.dcat.graph import TYPE, Node, Object, iri, literal, name

PROFILE = "http://data.europa.eu/r5r/"
HVD_LAW = "http://data.europa.eu/eli/reg_impl/2023/138/oj"
MOST_VERSIONS = 10
LICENCE_TYPE = "http://purl.org/adms/licencetype/Attribution"


class Described:
    """Nodes in the making, each subject once. ``base``: the city's public address. ``seen``: terms told already."""

    def __init__(self, base: str, seen: set[str]) -> None:
        self.base = base
        self.seen = seen
        self.nodes: dict[str, list[tuple[str, Object]]] = {}

    def say(self, subject: str, predicate: str, value: Object | None) -> None:
        if value:
            pair = (name(predicate), value)
            held = self.nodes.setdefault(subject, [])
            if pair not in held:
                held.append(pair)

    def kind(self, subject: str, *classes: str) -> None:
        for item in classes:
            self.nodes.setdefault(subject, []).append((TYPE, name(item)))

    def texts(self, subject: str, predicate: str, texts: Texts) -> None:
        for language, text in texts.items():
            if text.strip():
                self.say(subject, predicate, literal(text.strip(), language))

    def at(self, address: str) -> str:
        """A whole address: those on this site get the city's before them."""
        return iri(f"{self.base}{address}" if address.startswith("/") else address)

    def term(self, address: str, classes: tuple[str, ...], labels: Texts, predicate: str = "skos:prefLabel") -> str:
        """A term of a vocabulary with its class and label, told once."""
        found = iri(address)
        if found and found not in self.seen:
            self.seen.add(found)
            self.kind(found, *classes)
            self.texts(found, predicate, labels)
        return found

    def time(self, subject: str, predicate: str, value: datetime | date | None) -> None:
        if isinstance(value, datetime):
            text = value.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
            self.say(subject, predicate, literal(text, datatype=name("xsd:dateTime")))
        elif value is not None:
            self.say(subject, predicate, literal(value.isoformat(), datatype=name("xsd:date")))

    def done(self) -> Iterator[Node]:
        for subject, said in self.nodes.items():
            yield Node(subject, tuple(said))


def dataset_iri(base: str, record: Record) -> str:
    """The address that names a dataset: its page's; a harvested one keeps the origin's own."""
    own = iri(record.provenance.uri) if record.provenance else ""
    return own or iri(f"{base}/datasets/{quote(record.id)}")


def dataset(record: Record, base: str, seen: set[str], as_of: int = 0) -> Iterator[Node]:
    """A dataset with its distributions, agents and the terms it names; with ``as_of`` that one version of it."""
    d = Described(base, seen)
    me = dataset_iri(base, record)
    if as_of:
        whole, me = me, f"{me}?as_of={as_of}"
        d.say(me, "dcat:isVersionOf", whole)
    d.kind(me, "dcat:Dataset")
    d.texts(me, "dct:title", record.title)
    d.texts(me, "dct:description", record.description or record.title)
    d.say(me, "dct:identifier", literal(record.provenance.identifier if record.provenance else record.id))
    for language, words in record.keywords.items():
        for word in words:
            d.say(me, "dcat:keyword", literal(word, language))
    for code in record.themes:
        if code in THEMES:
            d.say(me, "dcat:theme", d.term(THEMES[code].uri, ("skos:Concept",), THEMES[code].labels))
    for subject in record.subjects:
        d.say(me, "dct:subject", d.term(subject, ("skos:Concept",), {"en": subject.rsplit("/", 1)[-1]}))
    d.say(me, "dct:publisher", _publisher(d, record.publisher))
    d.say(me, "dcat:contactPoint", _contact(d, record.contact or record.publisher))
    d.say(me, "dct:accessRights", _access(d, record.access))
    d.say(me, "dct:accrualPeriodicity", _frequency(d, record.frequency))
    d.say(me, "dct:language", _language(d, record.language))
    d.time(me, "dct:issued", record.issued)
    d.time(me, "dct:modified", record.modified)
    _place(d, me, record)
    _period(d, me, record)
    landing = d.at(record.landing_page)
    d.say(me, "dcat:landingPage", _document(d, landing))
    for standard in record.conforms_to:
        d.say(me, "dct:conformsTo", d.term(standard, ("dct:Standard",), {"en": standard}, "dct:title"))
    if record.series:
        d.say(me, "dcat:inSeries", d.at(f"/series/{quote(record.series)}"))
    if as_of or record.version is not None:
        d.say(me, "dcat:version", literal(str(as_of or record.version)))
    _high_value(d, me, record)
    _provenance(d, me, record)
    for item in listed(record):
        d.say(me, "dcat:distribution", _distribution(d, me, item, record, f"?as_of={as_of}" if as_of else ""))
    yield from d.done()


def listed(record: Record) -> list[Distribution]:
    """Distributions in a form of the EU table that anybody's program reads: a harvester gets no format it cannot name.

    A record of another catalogue is passed on whole.
    """
    if not record.local:
        return list(record.distributions)
    known = ((item, FILE_TYPES.get(item.format)) for item in record.distributions)
    return [item for item, kind in known if kind is not None and kind.listed and kind.free and kind.machine]


def _publisher(d: Described, agent: Agent | None) -> str | None:
    if agent is None:
        return None
    me = iri(agent.uri) or d.at(f"/organisations/{quote(agent.id)}")
    if me not in d.seen:
        d.seen.add(me)
        d.kind(me, "foaf:Agent", "foaf:Organization")
        d.texts(me, "foaf:name", agent.name)
        if agent.identifier:
            d.say(me, "dct:identifier", literal(agent.identifier))
        if agent.type:
            kind = f"http://purl.org/adms/publishertype/{quote(agent.type)}"
            d.say(me, "dct:type", d.term(kind, ("skos:Concept",), {"en": agent.type}))
        if agent.homepage:
            d.say(me, "foaf:homepage", _document(d, iri(agent.homepage)))
        if agent.email:
            d.say(me, "foaf:mbox", iri(f"mailto:{agent.email}"))
    return me


def _contact(d: Described, agent: Agent | None) -> str | None:
    if agent is None:
        return None
    me = f"{d.at(f'/organisations/{quote(agent.id)}')}#contact"
    if me not in d.seen:
        d.seen.add(me)
        d.kind(me, "vcard:Kind", "vcard:Organization")
        d.texts(me, "vcard:fn", agent.name)
        if agent.email:
            d.say(me, "vcard:hasEmail", iri(f"mailto:{agent.email}"))
        if agent.phone:
            d.say(me, "vcard:hasTelephone", iri(f"tel:{agent.phone.replace(' ', '')}"))
        page = iri(agent.homepage) or d.at(f"/organisations/{quote(agent.id)}")
        d.say(me, "vcard:hasURL", page)
    return me


def _document(d: Described, address: str) -> str:
    if address and address not in d.seen:
        d.seen.add(address)
        d.kind(address, "foaf:Document")
    return address


def _access(d: Described, access: str) -> str:
    term = ACCESS.get(access)
    return d.term(term.uri, ("dct:RightsStatement", "skos:Concept"), term.labels) if term else ""


def _frequency(d: Described, code: str) -> str:
    term = FREQUENCIES.get(code or "UNKNOWN")
    return d.term(term.uri, ("dct:Frequency", "skos:Concept"), term.labels) if term else ""


def _language(d: Described, language: str) -> str:
    return d.term(language_uri(language), ("dct:LinguisticSystem",), {"en": language}, "rdfs:label")


def _licence(d: Described, text: str) -> str:
    if not text or text == "none":
        return ""
    known = licence(text)
    address = (known.uri or known.url) if known else text
    found = d.term(address, ("dct:LicenseDocument",), known.labels if known else {"en": text}, "dct:title")
    if found and known and known.open:
        d.say(found, "dct:type", d.term(LICENCE_TYPE, ("skos:Concept",), {"en": "Attribution"}))
    return found


def _place(d: Described, me: str, record: Record) -> None:
    for place in record.places:
        d.say(me, "dct:spatial", d.term(place, ("dct:Location",), {}))
    if record.spatial is None:
        return
    west, south, east, north = record.spatial
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    ring = ", ".join(f"{x:.6f} {y:.6f}" for x, y in corners)
    here = f"{me}#place"
    d.say(me, "dct:spatial", here)
    d.kind(here, "dct:Location")
    d.say(here, "dcat:bbox", literal(f"POLYGON(({ring}))", datatype=name("geo:wktLiteral")))
    middle = f"POINT({(west + east) / 2:.6f} {(south + north) / 2:.6f})"
    d.say(here, "dcat:centroid", literal(middle, datatype=name("geo:wktLiteral")))


def _period(d: Described, me: str, record: Record) -> None:
    first, last = record.temporal
    if first is None and last is None:
        return
    here = f"{me}#period"
    d.say(me, "dct:temporal", here)
    d.kind(here, "dct:PeriodOfTime")
    d.time(here, "dcat:startDate", first)
    d.time(here, "dcat:endDate", last)


def versions(record: Record, base: str, seen: set[str]) -> Iterator[Node]:
    """The newest versions of a dataset, each described whole, since a version is a dataset (DCAT 3, section 11)."""
    if record.version is None or not record.local:
        return
    me = dataset_iri(base, record)
    numbers = range(record.version, max(0, record.version - min(record.versions, MOST_VERSIONS)), -1)
    d = Described(base, seen)
    for number in numbers:
        d.say(me, "dcat:hasVersion", f"{me}?as_of={number}")
    d.say(me, "dcat:hasCurrentVersion", f"{me}?as_of={record.version}")
    yield from d.done()
    for number in numbers:
        yield from dataset(record, base, seen, number)


def _high_value(d: Described, me: str, record: Record) -> None:
    if record.hvd:
        d.say(me, "dcatap:applicableLegislation", d.term(HVD_LAW, ("eli:LegalResource", "rdfs:Resource"), {}))
    for code in record.hvd:
        term = HVD_CATEGORIES.get(code)
        if term is not None:
            d.say(me, "dcatap:hvdCategory", d.term(term.uri, ("skos:Concept",), term.labels))


def _provenance(d: Described, me: str, record: Record) -> None:
    origin = record.provenance
    if origin is None:
        return
    d.say(me, "dct:source", iri(origin.uri) or iri(origin.landing_page))
    for catalogue in origin.chain:
        d.say(me, "dct:isPartOf", iri(catalogue))
    identifier = f"{d.at(f'/datasets/{quote(record.id)}')}#identifier"
    d.say(me, "adms:identifier", identifier)
    d.kind(identifier, "adms:Identifier")
    d.say(identifier, "skos:notation", literal(origin.identifier))


def _distribution(d: Described, owner: str, item: Distribution, record: Record, tail: str) -> str:
    me = f"{owner}#{quote(item.id)}" if record.local else f"{owner}#distribution-{quote(item.id)}"
    d.kind(me, "dcat:Distribution")
    d.texts(me, "dct:title", item.title)
    d.texts(me, "dct:description", item.description)
    # What may be fetched is also where it is accessed, so a harvester that only knows one of the two finds the file.
    d.say(me, "dcat:accessURL", d.at((item.download_url or item.access_url or record.landing_page) + tail))
    d.say(me, "dcat:downloadURL", d.at(item.download_url + tail if item.download_url else ""))
    kind = FILE_TYPES.get(item.format) or file_type(item.format) or file_type(item.media_type)
    if kind is not None and kind.uri:
        d.say(me, "dct:format", d.term(kind.uri, ("dct:MediaTypeOrExtent", "skos:Concept"), {"en": kind.name}))
    media = item.media_type or (kind.media_type if kind else "")
    if "/" in media:
        d.say(
            me,
            "dcat:mediaType",
            d.term(f"{IANA}/{media.split(';')[0]}", ("dct:MediaType",), {"en": media}, "rdfs:label"),
        )
    d.say(me, "dct:license", _licence(d, item.licence or record.licence))
    rights = item.rights or {}
    if rights:
        here = f"{d.base}/about#rights-{record.access}"
        d.say(me, "dct:rights", here)
        if here not in d.seen:
            d.seen.add(here)
            d.kind(here, "dct:RightsStatement")
            d.texts(here, "rdfs:label", rights)
    if item.bytes is not None:
        d.say(me, "dcat:byteSize", literal(str(item.bytes), datatype=name("xsd:nonNegativeInteger")))
    d.time(me, "dct:issued", item.issued or record.issued)
    d.time(me, "dct:modified", item.modified or record.modified)
    if item.availability:
        address = f"{AUTHORITY}/planned-availability/{item.availability}"
        d.say(me, "dcatap:availability", d.term(address, ("skos:Concept",), {"en": item.availability.capitalize()}))
    for language in item.language:
        d.say(me, "dct:language", _language(d, language))
    if item.checksum:
        here = f"{me}-checksum"
        d.say(me, "spdx:checksum", here)
        d.kind(here, "spdx:Checksum")
        algorithm = d.term(f"{name('spdx:')}checksumAlgorithm_sha256", ("spdx:ChecksumAlgorithm",), {})
        d.say(here, "spdx:algorithm", algorithm)
        d.say(here, "spdx:checksumValue", literal(item.checksum, datatype=name("xsd:hexBinary")))
    if item.service and record.local:
        d.say(me, "dcat:accessService", d.at(f"/services/{item.service}"))
    if record.hvd:
        d.say(me, "dcatap:applicableLegislation", d.term(HVD_LAW, ("eli:LegalResource", "rdfs:Resource"), {}))
    return me


def series(record: Record, base: str, seen: set[str]) -> Iterator[Node]:
    """A series of datasets."""
    d = Described(base, seen)
    me = d.at(f"/series/{quote(record.id)}")
    d.kind(me, "dcat:DatasetSeries")
    d.texts(me, "dct:title", record.title)
    d.texts(me, "dct:description", record.description or record.title)
    d.say(me, "dct:publisher", _publisher(d, record.publisher))
    d.say(me, "dcat:contactPoint", _contact(d, record.contact))
    d.say(me, "dct:accrualPeriodicity", _frequency(d, record.frequency))
    d.time(me, "dct:issued", record.issued)
    d.time(me, "dct:modified", record.modified)
    for code in record.themes:
        if code in THEMES:
            d.say(me, "dcat:theme", d.term(THEMES[code].uri, ("skos:Concept",), THEMES[code].labels))
    yield from d.done()


def service(item: Service, publisher: Agent, base: str, seen: set[str], high_value: bool = False) -> Iterator[Node]:
    """An interface."""
    d = Described(base, seen)
    me = d.at(f"/services/{item.id}")
    d.kind(me, "dcat:DataService")
    d.texts(me, "dct:title", item.title)
    d.texts(me, "dct:description", item.description)
    d.say(me, "dct:identifier", literal(item.id))
    d.say(me, "dcat:endpointURL", d.at(item.endpoint_url))
    d.say(me, "dcat:endpointDescription", d.at(item.endpoint_description))
    d.say(me, "dct:publisher", _publisher(d, publisher))
    d.say(me, "dcat:contactPoint", _contact(d, publisher))
    d.say(me, "dct:license", _licence(d, item.licence))
    d.say(me, "dct:accessRights", _access(d, "open"))
    d.say(me, "foaf:page", _document(d, d.at(item.page)))
    for standard in item.conforms_to:
        d.say(me, "dct:conformsTo", d.term(standard, ("dct:Standard",), {"en": standard}, "dct:title"))
    yield from d.done()


def catalogue(
    base: str, title: Texts, description: Texts, publisher: Agent, language: str, licence_code: str,
    modified: datetime | None, seen: set[str], members: Iterable[tuple[str, str]], place: str = "",
) -> Iterator[Node]:  # fmt: skip
    """The catalogue itself. ``members``: (predicate, address) of what it lists, such as ``dcat:dataset``."""
    d = Described(base, seen)
    me = f"{base}/catalog"
    d.kind(me, "dcat:Catalog")
    d.texts(me, "dct:title", title)
    d.texts(me, "dct:description", description)
    d.say(me, "dct:publisher", _publisher(d, publisher))
    d.say(me, "foaf:homepage", _document(d, iri(f"{base}/")))
    d.say(me, "dct:language", _language(d, language))
    d.say(me, "dct:license", _licence(d, licence_code))
    d.time(me, "dct:modified", modified)
    d.time(me, "dct:issued", modified)
    if place:
        d.say(me, "dct:spatial", d.term(place, ("dct:Location",), {}))
    taxonomy = d.term(f"{AUTHORITY}/data-theme", ("skos:ConceptScheme",), {"en": "Data theme"}, "dct:title")
    d.say(me, "dcat:themeTaxonomy", taxonomy)
    for predicate, address in members:
        d.nodes[me].append((name(predicate), address))
    yield from d.done()
