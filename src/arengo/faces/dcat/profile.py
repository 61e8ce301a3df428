"""Datasets as DCAT-AP 3.0.1 with the annex for high-value datasets (Regulation (EU) 2023/138).

Each address of a vocabulary is emitted with its class and label, because the official shapes ask for the class of
what is referred to (reference: portals.md, section 4). Harvested records keep their origin's identifier and address.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from arengo.catalogue import Agent, Distribution, Record, say
from arengo.catalogue.record import Texts
from arengo.catalogue.vocabulary import FILE_TYPES, IANA, file_type, language_uri
from arengo.contract.vocabulary import ACCESS, AUTHORITY, FREQUENCIES, HVD_CATEGORIES, THEMES, licence
from arengo.faces.dcat.graph import TYPE, Node, Object, iri, literal, name, part

HVD_LAW = "http://data.europa.eu/eli/reg_impl/2023/138/oj"
HVD_TITLE = "Commission Implementing Regulation (EU) 2023/138"
LAW_CLASSES = ("eli:LegalResource",)
LICENCE_TYPES = {
    "CC0-1.0": "PublicDomain", "CC-PDM-1.0": "PublicDomain", "PDDL-1.0": "PublicDomain",
    "DL-DE-ZERO-2.0": "PublicDomain",
    "CC-BY-SA-4.0": "ViralEffect-ShareAlike", "CC-BY-SA-3.0": "ViralEffect-ShareAlike",
    "ODbL-1.0": "ViralEffect-ShareAlike", "IODL-1.0": "ViralEffect-ShareAlike", "EUPL-1.2": "ViralEffect-ShareAlike",
    "CC-BY-NC-4.0": "NonCommercialUseOnly", "CC-BY-NC-SA-4.0": "NonCommercialUseOnly",
    "CC-BY-NC-ND-4.0": "NonCommercialUseOnly", "CC-BY-ND-4.0": "NoDerivativeWork",
}  # fmt: skip
"""Licence -> ADMS licence type; open ones that are not here ask for attribution."""
_MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,127}")
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
MOST_TERMS = 100_000
"""Terms remembered as told; past it they are told again, which changes nothing of the graph."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of a dataset: ``number``, when it was published, the number before it (0: none), its rows."""

    number: int
    published_at: datetime
    before: int = 0
    rows: int | None = None


class Described:
    """Nodes in the making, each subject once. ``base``: the city's public address. ``seen``: terms told already."""

    def __init__(self, base: str, seen: set[str]) -> None:
        if len(seen) > MOST_TERMS:
            seen.clear()
        self.base = base
        self.seen = seen
        self.nodes: dict[str, dict[tuple[str, Object], None]] = {}
        self.told: set[str] = set()

    def say(self, subject: str, predicate: str, value: Object | None) -> None:
        if value:
            self.nodes.setdefault(subject, {})[name(predicate), value] = None

    def kind(self, subject: str, *classes: str) -> None:
        for item in classes:
            self.nodes.setdefault(subject, {})[TYPE, name(item)] = None

    def texts(self, subject: str, predicate: str, texts: Texts, otherwise: str = "") -> None:
        """The texts that hold something; ``otherwise`` when none does, where the profile asks for one."""
        told = False
        for language, text in texts.items():
            made = literal(text.strip(), language)
            if made.value.strip():
                self.say(subject, predicate, made)
                told = True
        if not told and otherwise:
            self.say(subject, predicate, literal(otherwise))

    def at(self, address: str) -> str:
        """A whole address: those on this site get the city's before them."""
        return iri(f"{self.base}{address}" if address.startswith("/") else address)

    def term(self, address: str, classes: tuple[str, ...], labels: Texts, predicate: str = "skos:prefLabel") -> str:
        """A term of a vocabulary with its class and label, told once."""
        found = iri(address)
        if found and found not in self.seen:
            self.seen.add(found)
            self.kind(found, *classes)
            self.texts(found, predicate, labels, found.rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1])
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
    return own or iri(f"{base}/datasets/{part(record.id)}")


def catalog_iri(base: str) -> str:
    return f"{base}/catalog"


def service_iri(base: str, id: str) -> str:
    """A service is described where the catalogue is."""
    return f"{base}/catalog#service-{part(id)}"


def dataset(record: Record, base: str, seen: set[str], edition: Edition | None = None) -> Iterator[Node]:
    """A dataset with its distributions, agents and the terms it names; with ``edition`` that one version of it."""
    d = Described(base, seen)
    me = dataset_iri(base, record)
    tail = ""
    if edition is not None:
        tail = f"?as_of={edition.number}"
        d.say(f"{me}{tail}", "dcat:isVersionOf", me)
        if edition.before:
            d.say(f"{me}{tail}", "dcat:previousVersion", f"{me}?as_of={edition.before}")
        me += tail
    d.kind(me, "dcat:Dataset")
    if record.provenance:
        d.kind(me, "dcat:Resource")
    d.texts(me, "dct:title", record.title, record.id)
    d.texts(me, "dct:description", record.description, say(record.title)[0] or record.id)
    identifier = record.provenance.identifier if record.provenance else record.id
    d.say(me, "dct:identifier", literal(f"{identifier}{tail}"))
    for language, words in record.keywords.items():
        for word in words:
            if word.strip():
                d.say(me, "dcat:keyword", literal(word.strip(), language))
    for code in record.themes:
        if code in THEMES:
            d.say(me, "dcat:theme", d.term(THEMES[code].uri, ("skos:Concept",), THEMES[code].labels))
    for subject in record.subjects:
        d.say(me, "dct:subject", d.term(subject, ("skos:Concept",), {}))
    d.say(me, "dct:publisher", publisher(d, record.publisher))
    d.say(me, "dcat:contactPoint", contact(d, record.contact or record.publisher, None if record.local else record))
    d.say(me, "dct:accessRights", access_right(d, record.access))
    d.say(me, "dct:accrualPeriodicity", frequency(d, record.frequency))
    d.say(me, "dct:language", spoken(d, record.language))
    d.time(me, "dct:issued", edition.published_at if edition else record.issued)
    d.time(me, "dct:modified", edition.published_at if edition else record.modified)
    _place(d, me, record)
    _period(d, me, record)
    landing = d.at(record.landing_page)
    d.say(me, "dcat:landingPage", document(d, f"{landing}{tail}" if landing else ""))
    for standard in record.conforms_to:
        d.say(me, "dct:conformsTo", d.term(standard, ("dct:Standard",), {}, "dct:title"))
    if record.series:
        d.say(me, "dcat:inSeries", d.at(f"/series/{part(record.series)}"))
    number = edition.number if edition else record.version
    if number is not None:
        d.say(me, "dcat:version", literal(str(number)))
    high_value(d, me, record.hvd)
    _provenance(d, me, record)
    for item in listed(record):
        d.say(me, "dcat:distribution", _distribution(d, me, item, record, edition))
    yield from d.done()


def editions(record: Record, base: str, seen: set[str], held: Sequence[Edition]) -> Iterator[Node]:
    """The versions of a dataset, newest first, each named with its date; its whole description is at its address.

    They stand in the dataset's own document and not in the catalogue: a version is a dcat:Dataset (DCAT 3, 11), and
    harvesters that take every dcat:Dataset they meet would list each one beside the dataset itself.
    """
    d = Described(base, seen)
    me = dataset_iri(base, record)
    for position, item in enumerate(held):
        one = f"{me}?as_of={item.number}"
        d.say(me, "dcat:hasVersion", one)
        if position == 0:
            d.say(me, "dcat:hasCurrentVersion", one)
        d.kind(one, "dcat:Dataset")
        d.texts(one, "dct:title", record.title, record.id)
        d.texts(one, "dct:description", record.description, say(record.title)[0] or record.id)
        d.say(one, "dcat:version", literal(str(item.number)))
        d.say(one, "dcat:isVersionOf", me)
        if item.before:
            d.say(one, "dcat:previousVersion", f"{me}?as_of={item.before}")
        d.time(one, "dct:issued", item.published_at)
    yield from d.done()


def listed(record: Record) -> list[Distribution]:
    """Distributions in a form of the EU table that anybody's program reads: a harvester gets no format it cannot name.

    A record of another catalogue is passed on whole.
    """
    if not record.local:
        return list(record.distributions)
    known = ((item, FILE_TYPES.get(item.format)) for item in record.distributions)
    return [item for item, kind in known if kind is not None and kind.listed and kind.free and kind.machine]


def publisher(d: Described, agent: Agent | None) -> str:
    if agent is None:
        return ""
    me = iri(agent.uri) or d.at(f"/organisations/{part(agent.id)}")
    if me not in d.seen:
        d.seen.add(me)
        d.kind(me, "foaf:Agent", "foaf:Organization")
        d.texts(me, "foaf:name", agent.name, agent.id)
        d.say(me, "dct:identifier", literal(agent.identifier) if agent.identifier else None)
        if agent.type:
            kind = agent.type if "://" in agent.type else f"http://purl.org/adms/publishertype/{part(agent.type)}"
            d.say(me, "dct:type", d.term(kind, ("skos:Concept",), {"en": agent.type.rstrip("/").rsplit("/", 1)[-1]}))
        d.say(me, "foaf:homepage", document(d, iri(agent.homepage)))
        d.say(me, "foaf:mbox", iri(f"mailto:{agent.email}") if agent.email else "")
    return me


def contact(d: Described, agent: Agent | None, record: Record | None = None) -> str:
    """``record``: a harvested one, whose contact is its own and not that of the office."""
    if agent is None:
        return ""
    office = d.at(f"/organisations/{part(agent.id)}")
    me = f"{d.at(f'/datasets/{part(record.id)}') if record else office}#contact"
    if me not in d.seen:
        d.seen.add(me)
        d.kind(me, "vcard:Kind", "vcard:Organization")
        d.texts(me, "vcard:fn", agent.name, agent.id)
        d.say(me, "vcard:hasEmail", iri(f"mailto:{agent.email}") if agent.email else "")
        d.say(me, "vcard:hasTelephone", iri(f"tel:{''.join(agent.phone.split())}") if agent.phone else "")
        d.say(me, "vcard:hasURL", iri(agent.homepage) or office)
    return me


def document(d: Described, address: str) -> str:
    if address and address not in d.seen:
        d.seen.add(address)
        d.kind(address, "foaf:Document")
    return address


def access_right(d: Described, access: str) -> str:
    term = ACCESS.get(access)
    return d.term(term.uri, ("dct:RightsStatement", "skos:Concept"), term.labels) if term else ""


def frequency(d: Described, code: str) -> str:
    term = FREQUENCIES.get(code or "UNKNOWN")
    return d.term(term.uri, ("dct:Frequency", "skos:Concept"), term.labels) if term else ""


def spoken(d: Described, language: str) -> str:
    return d.term(language_uri(language), ("dct:LinguisticSystem",), {}, "rdfs:label")


def licence_of(d: Described, text: str) -> str:
    if not text or text == "none":
        return ""
    known = licence(text)
    address = (known.uri or known.url) if known else text
    found = iri(address)
    if found and found not in d.seen:
        d.term(found, ("dct:LicenseDocument",), known.labels if known else {}, "dct:title")
        kind = LICENCE_TYPES.get(known.code, "Attribution") if known else "UnknownIPR"
        address = f"http://purl.org/adms/licencetype/{kind}"
        d.say(found, "dct:type", d.term(address, ("skos:Concept",), {"en": kind}))
    return found


def high_value(d: Described, me: str, categories: Sequence[str]) -> None:
    """The law and the categories of a high-value dataset, of what belongs to it and of what serves it."""
    known = [HVD_CATEGORIES[code] for code in categories if code in HVD_CATEGORIES]
    if known:
        d.say(me, "dcatap:applicableLegislation", d.term(HVD_LAW, LAW_CLASSES, {"en": HVD_TITLE}, "dct:title"))
    for term in known:
        d.say(me, "dcatap:hvdCategory", d.term(term.uri, ("skos:Concept",), term.labels))


def _place(d: Described, me: str, record: Record) -> None:
    for place in record.places:
        d.say(me, "dct:spatial", d.term(place, ("dct:Location",), {}))
    if record.spatial is None or not all(math.isfinite(side) for side in record.spatial):
        return
    west, south, east, north = record.spatial
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    ring = ", ".join(f"{x:.6f} {y:.6f}" for x, y in corners)
    here = f"{me}#place"
    d.say(me, "dct:spatial", here)
    d.kind(here, "dct:Location")
    d.say(here, "dcat:bbox", literal(f"POLYGON(({ring}))", datatype=name("gsp:wktLiteral")))
    middle = f"POINT({(west + east) / 2:.6f} {(south + north) / 2:.6f})"
    d.say(here, "dcat:centroid", literal(middle, datatype=name("gsp:wktLiteral")))


def _period(d: Described, me: str, record: Record) -> None:
    first, last = record.temporal
    if first is None and last is None:
        return
    here = f"{me}#period"
    d.say(me, "dct:temporal", here)
    d.kind(here, "dct:PeriodOfTime")
    d.time(here, "dcat:startDate", first)
    d.time(here, "dcat:endDate", last)


def _provenance(d: Described, me: str, record: Record) -> None:
    """Where a harvested description comes from: its other identifier, a sentence, the origin's page."""
    origin = record.provenance
    if origin is None:
        return
    here = d.at(f"/datasets/{part(record.id)}")
    if origin.identifier:
        d.say(me, "adms:identifier", f"{here}#identifier")
        d.kind(f"{here}#identifier", "adms:Identifier")
        d.say(f"{here}#identifier", "skos:notation", literal(origin.identifier))
    d.say(me, "dct:provenance", f"{here}#provenance")
    d.kind(f"{here}#provenance", "dct:ProvenanceStatement")
    path = " > ".join(piece for piece in (*origin.chain, origin.title or origin.source) if piece)
    d.say(f"{here}#provenance", "rdfs:label", literal(f"Harvested from {path}", "en"))
    d.say(me, "prov:wasDerivedFrom", iri(origin.landing_page) or iri(origin.uri))


def _distribution(d: Described, owner: str, item: Distribution, record: Record, edition: Edition | None) -> str:
    tail = f"?as_of={edition.number}" if edition else ""
    me = f"{owner}#{'' if record.local else 'distribution-'}{part(item.id)}"
    if me in d.told:  # two of one id
        me += f"-{len(d.told)}"
    d.told.add(me)
    d.kind(me, "dcat:Distribution")
    d.texts(me, "dct:title", item.title)
    d.texts(me, "dct:description", item.description)
    # What may be fetched is also where it is accessed, so a harvester that only knows one of the two finds the file.
    file = d.at(f"{item.download_url}{tail}") if item.download_url else ""
    page = d.at(item.access_url) or d.at(record.landing_page) or d.at(f"/datasets/{part(record.id)}")
    d.say(me, "dcat:accessURL", (file or page) if record.local else (d.at(item.access_url) or file or page))
    d.say(me, "dcat:downloadURL", file)
    kind = FILE_TYPES.get(item.format) or file_type(item.format) or file_type(item.media_type)
    if kind is not None and kind.uri:
        d.say(me, "dct:format", d.term(kind.uri, ("dct:MediaTypeOrExtent", "skos:Concept"), {"en": kind.name}))
    media = (item.media_type or (kind.media_type if kind else "")).split(";")[0].strip()
    if _MEDIA.fullmatch(media):
        d.say(me, "dcat:mediaType", d.term(f"{IANA}/{media}", ("dct:MediaType",), {"en": media}, "rdfs:label"))
    d.say(me, "dct:license", licence_of(d, item.licence or record.licence))
    _rights(d, me, item, record)
    if item.bytes is not None and item.bytes >= 0 and (edition is None or edition.number == record.version):
        d.say(me, "dcat:byteSize", literal(str(item.bytes), datatype=name("xsd:nonNegativeInteger")))
    d.time(me, "dct:issued", edition.published_at if edition else item.issued or record.issued)
    d.time(me, "dct:modified", edition.published_at if edition else item.modified or record.modified)
    if item.availability:
        address = f"{AUTHORITY}/planned-availability/{part(item.availability)}"
        d.say(me, "dcatap:availability", d.term(address, ("skos:Concept",), {"en": item.availability.capitalize()}))
    for language in item.language:
        d.say(me, "dct:language", spoken(d, language))
    for standard in item.conforms_to:
        d.say(me, "dct:conformsTo", d.term(standard, ("dct:Standard",), {}, "dct:title"))
    if _SHA256.fullmatch(item.checksum) and edition is None:
        here = f"{me}-checksum"
        d.say(me, "spdx:checksum", here)
        d.kind(here, "spdx:Checksum")
        algorithm = d.term(f"{name('spdx:')}checksumAlgorithm_sha256", ("spdx:ChecksumAlgorithm",), {}, "rdfs:label")
        d.say(here, "spdx:algorithm", algorithm)
        d.say(here, "spdx:checksumValue", literal(item.checksum.lower(), datatype=name("xsd:hexBinary")))
    if record.local and any(known.id == item.service for known in record.services):
        d.say(me, "dcat:accessService", service_iri(d.base, item.service))
    if any(code in HVD_CATEGORIES for code in record.hvd):
        d.say(me, "dcatap:applicableLegislation", d.term(HVD_LAW, LAW_CLASSES, {"en": HVD_TITLE}, "dct:title"))
    return me


def _rights(d: Described, me: str, item: Distribution, record: Record) -> None:
    """The statement of rights: one for all of the city's datasets of an access class, else the distribution's own."""
    if not item.rights:
        return
    here = f"{d.base}/about#rights-{record.access}" if record.local else f"{me}-rights"
    d.say(me, "dct:rights", here)
    if here not in d.seen:
        if record.local:
            d.seen.add(here)
        d.kind(here, "dct:RightsStatement")
        d.texts(here, "rdfs:label", item.rights)
