"""DCAT in any profile and serialisation as records: Turtle, RDF/XML, JSON-LD, N-Triples; hydra pages, old and new."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import orjson

from arengo.catalogue.harvest.declared import Declared
from arengo.catalogue.harvest.reading import (
    Ends,
    Read,
    box,
    careful,
    day,
    format_code,
    frequency_code,
    licence_code,
    moment,
    office_mail,
    plain,
    slug,
    theme_codes,
)
from arengo.catalogue.harvest.wire import Wire, no_entities
from arengo.catalogue.record import Agent, Distribution, Provenance, Record, Texts
from arengo.catalogue.vocabulary import language_of
from arengo.contract.model import Frozen
from arengo.contract.vocabulary import AUTHORITY
from arengo.errors import Place, SourceMalformed

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

ACCEPT = "text/turtle, application/ld+json;q=0.9, application/rdf+xml;q=0.8, application/n-triples;q=0.7"
PAGES = 10_000
_DCAT, _DCT = "http://www.w3.org/ns/dcat#", "http://purl.org/dc/terms/"
_FOAF, _VCARD = "http://xmlns.com/foaf/0.1/", "http://www.w3.org/2006/vcard/ns#"
_HYDRA = "http://www.w3.org/ns/hydra/core#"
_RDFS, _SKOS, _SCHEMA = (
    "http://www.w3.org/2000/01/rdf-schema#",
    "http://www.w3.org/2004/02/skos/core#",
    "http://schema.org/",
)
_ADMS = "http://www.w3.org/ns/adms#"


def dcat(source: Declared, wire: Wire, since: datetime | None = None) -> Iterator[Read]:
    """Every dataset, page by page where the catalogue is paged."""
    address, seen, ends = source.address, set[str](), Ends(source.id)
    for _ in range(PAGES):
        if address in seen:
            return
        seen.add(address)
        body, media = wire.get(address, None, ACCEPT)
        graph = parse(body, media, address)
        for subject in _datasets(graph):
            if ends.is_new(str(subject)):
                yield careful(lambda node, graph=graph: read(graph, node, source), subject)
        following = _following(graph)
        if not following:
            return
        ends.page()
        address = urljoin(address, following) if address.startswith("http") else following


def parse(body: bytes, media: str, where: str) -> Graph:
    """A graph of whatever RDF the bytes are. Raises SourceMalformed. Nothing is fetched to read it."""
    from rdflib import Graph

    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)  # a date nobody can read is nobody's stack trace
    kind = _kind(body, media, where)
    if kind == "xml":
        no_entities(body, where)
    if kind == "json-ld":
        _own_context(body, where)
    graph = Graph()
    try:
        graph.parse(data=body, format=kind, publicID=where if where.startswith("http") else "urn:arengo:harvest:")
    except Exception as error:  # rdflib's parsers raise whatever they meet
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise SourceMalformed(f"The RDF cannot be read: {said}.", place=Place(file=where)) from error
    return graph


def _kind(body: bytes, media: str, where: str) -> str:
    told = media.split(";")[0].strip().lower()
    known = {
        "text/turtle": "turtle", "application/x-turtle": "turtle", "application/ld+json": "json-ld",
        "application/rdf+xml": "xml", "application/n-triples": "nt", "text/n3": "n3",
    }  # fmt: skip
    if told in known:
        return known[told]
    head = body[:2000].lstrip(b"\xef\xbb\xbf \r\n\t")
    if head.startswith((b"{", b"[")):
        return "json-ld"
    if head.startswith(b"<?xml") or b"<rdf:RDF" in head:
        return "xml"
    return "nt" if where.endswith(".nt") or (head.startswith(b"<") and b"@prefix" not in head) else "turtle"


def _own_context(body: bytes, where: str) -> None:
    """A context that would have to be fetched is refused: what it says could change what the data says."""

    def contexts(value: Any, depth: int = 0) -> Iterator[Any]:
        if depth > 60:
            return
        if isinstance(value, dict):
            if "@context" in value:
                yield value["@context"]
            for item in value.values():
                yield from contexts(item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                yield from contexts(item, depth + 1)

    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceMalformed(f"The JSON-LD is no JSON: {error}.", place=Place(file=where)) from error
    for context in contexts(told):
        for item in context if isinstance(context, list) else [context]:
            if isinstance(item, str) or (isinstance(item, dict) and "@import" in item):
                raise SourceMalformed(
                    "The JSON-LD refers to a context elsewhere, which is not fetched.",
                    todo="Harvest the Turtle or RDF/XML form, or ask for the context to be written out.",
                    place=Place(file=where),
                )


def _ref(address: str) -> Node:
    from rdflib import URIRef

    return URIRef(address)


def _datasets(graph: Graph) -> list[Node]:
    """Datasets a catalogue lists; all of them when no catalogue is there. Versions listed by others are left out."""
    from rdflib import RDF

    listed = list(dict.fromkeys(graph.objects(None, _ref(f"{_DCAT}dataset"))))
    found = listed or list(dict.fromkeys(graph.subjects(RDF.type, _ref(f"{_DCAT}Dataset"))))
    if not found:
        found = list(dict.fromkeys(graph.objects(None, _ref(f"{_FOAF}primaryTopic"))))
    versions = set(graph.objects(None, _ref(f"{_DCAT}hasVersion")))
    return [item for item in found if item not in versions]


def _following(graph: Graph) -> str:
    for word in ("next", "nextPage"):
        for found in graph.objects(None, _ref(f"{_HYDRA}{word}")):
            return str(found)
    return ""


class _Subject:
    """What a graph says of one subject."""

    def __init__(self, graph: Graph, node: Node, language: str) -> None:
        self.graph = graph
        self.node = node
        self.language = language

    def all(self, *predicates: str) -> list[Node]:
        found = (sorted(self.graph.objects(self.node, _ref(predicate)), key=str) for predicate in predicates)
        return [item for items in found for item in items]  # a graph has no order; a record must not differ by it

    def subjects(self, *predicates: str) -> list[_Subject]:
        return [_Subject(self.graph, item, self.language) for item in self.all(*predicates)]

    def text(self, *predicates: str, most: int = 2000) -> str:
        return next((plain(item, most) for item in self.all(*predicates) if str(item).strip()), "")

    def texts(self, *predicates: str) -> Texts:
        out: dict[str, str] = {}
        for item in self.all(*predicates):
            tag = str(getattr(item, "language", "") or self.language).split("-")[0].lower()
            if plain(item):
                out.setdefault(tag, plain(item))
        return Frozen(out)


def read(graph: Graph, node: Node, source: Declared) -> Read:
    """One dataset of a graph."""
    me = _Subject(graph, node, source.language)
    spoken = next((found for item in me.all(f"{_DCT}language") if (found := language_of(str(item)))), source.language)
    me.language = spoken
    uri = str(node) if str(node).startswith(("http://", "https://")) else ""
    identifier = me.text(f"{_DCT}identifier", most=20_000) or uri
    title = me.texts(f"{_DCT}title", f"{_RDFS}label")
    shown = next(iter(title.values()), "")
    if not identifier:
        return Read("", None, "it has no identifier and no address", shown)
    if not title:
        return Read(identifier, None, "it has no title")
    keywords: dict[str, list[str]] = {}
    for item in me.all(f"{_DCAT}keyword"):
        tag = str(getattr(item, "language", "") or spoken).split("-")[0].lower()
        keywords.setdefault(tag, []).append(plain(item, 100))
    publisher = next((_agent(item, spoken) for item in me.subjects(f"{_DCT}publisher", f"{_DCT}rightsHolder")), None)
    fallback = Agent(slug(source.title) or source.id, Frozen({spoken: source.title}))
    landing = next(
        (str(item) for item in me.all(f"{_DCAT}landingPage", f"{_FOAF}page") if str(item).startswith("http")), ""
    )
    chain = tuple(str(item) for item in me.all(f"{_DCT}isPartOf") if str(item).startswith("http"))
    files = tuple(file for item in me.subjects(f"{_DCAT}distribution") if (file := _distribution(item)) is not None)
    ordered = sorted(files, key=lambda file: (file.download_url or file.access_url, file.format))
    files = tuple(file if file.id else replace(file, id=str(at)) for at, file in enumerate(ordered, 1))
    record = Record(
        id="",
        title=title,
        description=me.texts(f"{_DCT}description"),
        language=spoken,
        keywords=Frozen({tag: tuple(words) for tag, words in keywords.items()}),
        themes=theme_codes([*map(str, me.all(f"{_DCAT}theme")), source.theme]),
        subjects=tuple(str(item) for item in me.all(f"{_DCT}subject") if str(item).startswith("http"))[:50],
        publisher=publisher or fallback,
        contact=_contact(me, publisher or fallback),
        access=_access(me),
        licence=next((item.licence for item in files if item.licence), "")
        or licence_code(me.text(f"{_DCT}license"), source.licence),
        frequency=frequency_code(me.text(f"{_DCT}accrualPeriodicity")),
        issued=moment(me.text(f"{_DCT}issued")),
        modified=moment(me.text(f"{_DCT}modified")),
        spatial=_place(me),
        places=tuple(str(i) for i in me.all(f"{_DCT}spatial") if str(i).startswith("http") and AUTHORITY in str(i))[
            :20
        ],
        temporal=_period(me),
        landing_page=landing,
        distributions=files,
        provenance=Provenance(
            source.id,
            source.title,
            identifier,
            uri,
            landing,
            (*chain, source.address) if source.address not in chain else chain,
        ),
    )
    return Read(identifier, record, title=shown)


def _agent(item: _Subject, language: str) -> Agent | None:
    name = item.texts(f"{_FOAF}name", f"{_RDFS}label", f"{_VCARD}fn", f"{_SKOS}prefLabel")
    first = next(iter(name.values()), "")
    if not first:
        return None
    uri = str(item.node) if str(item.node).startswith("http") else ""
    return Agent(
        slug(first) or "unnamed",
        name,
        uri,
        item.text(f"{_DCT}identifier"),
        homepage=item.text(f"{_FOAF}homepage", f"{_FOAF}workplaceHomepage"),
        email=office_mail(item.text(f"{_FOAF}mbox")),
    )


def _contact(me: _Subject, otherwise: Agent) -> Agent:
    for item in me.subjects(f"{_DCAT}contactPoint", f"{_ADMS}contactPoint"):
        mail = office_mail(str(next(iter(item.all(f"{_VCARD}hasEmail")), "")))
        if not mail:
            mail = next((office_mail(inner.text(f"{_VCARD}value")) for inner in item.subjects(f"{_VCARD}hasEmail")), "")
        if mail:
            return Agent(otherwise.id, otherwise.name, email=mail, homepage=otherwise.homepage)
    return otherwise


def _access(me: _Subject) -> str:
    for item in me.all(f"{_DCT}accessRights"):
        code = str(item).rstrip("/").rsplit("/", 1)[-1].upper()
        if code in ("RESTRICTED", "SENSITIVE"):
            return "shared"
        if code in ("NON_PUBLIC", "CONFIDENTIAL"):
            return "closed"
    return "open"


def _place(me: _Subject) -> tuple[float, float, float, float] | None:
    for item in me.subjects(f"{_DCT}spatial"):
        for text in item.all(f"{_DCAT}bbox", "http://www.w3.org/ns/locn#geometry", f"{_SCHEMA}geo", f"{_DCAT}centroid"):
            if (found := box(text)) is not None:
                return found
    return None


def _period(me: _Subject) -> tuple[Any, Any]:
    for item in me.subjects(f"{_DCT}temporal"):
        first = day(item.text(f"{_DCAT}startDate", f"{_SCHEMA}startDate"))
        last = day(item.text(f"{_DCAT}endDate", f"{_SCHEMA}endDate"))
        if first or last:
            return first, last
    return None, None


def _last(address: str) -> str:
    """The end of an address as a name; a node without one has a name of its own at every reading, so none."""
    return slug(address.rsplit("/", 1)[-1].rsplit("#", 1)[-1])[-40:] if address.startswith("http") else ""


def _distribution(item: _Subject) -> Distribution | None:
    access, download = item.text(f"{_DCAT}accessURL"), item.text(f"{_DCAT}downloadURL")
    if not (access or download).startswith(("http://", "https://", "ftp://")):
        return None
    formats = [*item.all(f"{_DCT}format", f"{_DCAT}mediaType")]
    labels = [_Subject(item.graph, node, "").text(f"{_RDFS}label", f"{_SKOS}prefLabel") for node in formats]
    media = next((str(node).rsplit("/media-types/", 1)[-1] for node in item.all(f"{_DCAT}mediaType")), "")
    size = item.text(f"{_DCAT}byteSize").split(".")[0]
    return Distribution(
        id=_last(str(item.node)),
        title=item.texts(f"{_DCT}title"),
        description=item.texts(f"{_DCT}description"),
        format=format_code(*map(str, formats), *labels, download or access),
        media_type=media if "/" in media else "",
        access_url=access or download,
        download_url=download,
        bytes=int(size) if size.isdecimal() else None,
        licence=_licence(item),
        issued=moment(item.text(f"{_DCT}issued")),
        modified=moment(item.text(f"{_DCT}modified")),
    )


def _licence(item: _Subject) -> str:
    for node in item.all(f"{_DCT}license"):
        label = _Subject(item.graph, node, "").text(f"{_DCT}title", f"{_RDFS}label", f"{_FOAF}name")
        if str(node).startswith("http"):
            return licence_code(str(node))
        if label or str(node):
            return licence_code(label or str(node))
    return ""
