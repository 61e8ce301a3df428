"""Triples of RDF 1.1, and four ways to write them: Turtle, JSON-LD, RDF/XML and N-Triples, one description at a time.

There are no blank nodes: everything has an address, so the writers stay small and any number of datasets is written in
bounded memory. What a text or an address may not hold is taken out or escaped here, in one place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import orjson

PREFIXES: Mapping[str, str] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dcatapit": "http://dati.gov.it/onto/dcatapit#",
    "dct": "http://purl.org/dc/terms/",
    "dqv": "http://www.w3.org/ns/dqv#",
    "eli": "http://data.europa.eu/eli/ontology#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "locn": "http://www.w3.org/ns/locn#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "http://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "time": "http://www.w3.org/2006/time#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "gsp": "http://www.opengis.net/ont/geosparql#",
    "pv": "https://piveau.eu/ns/voc#",
}
TYPE = PREFIXES["rdf"] + "type"
# What RDF 1.1 forbids in an address, marks of direction (RFC 3987, 4.1), and what XML cannot hold.
_BAD_IRI = re.compile(r"[\x00-\x20<>\"{}|\\^`\x7f-\xa0\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_BAD_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_REFUSED = frozenset((*PREFIXES, "javascript", "vbscript", "data", "file", "blob"))


@dataclass(frozen=True, slots=True)
class Text:
    """A literal. ``language``: BCP 47 tag; ``datatype``: full address; neither for a plain string."""

    value: str
    language: str = ""
    datatype: str = ""


Object = str | Text
"""A ``str`` is an address."""


@dataclass(frozen=True, slots=True)
class Node:
    """One subject with what is said of it, in order. Predicates are full addresses."""

    iri: str
    said: tuple[tuple[str, Object], ...]


@lru_cache(maxsize=512)
def name(text: str) -> str:
    """``dct:title`` as a full address."""
    prefix, _, rest = text.partition(":")
    return PREFIXES[prefix] + rest


def iri(text: str) -> str:
    """``text`` as an address RDF can hold, '' when it is none: unfit characters are escaped, a scheme must be there.

    Addresses that run code in a browser are none, nor those whose scheme JSON-LD would read as one of the prefixes.
    """
    words = text.strip()
    if not _SCHEME.match(words) or words.partition(":")[0].lower() in _REFUSED:
        return ""
    return _BAD_IRI.sub(lambda mark: quote(mark.group(), errors="ignore"), words) if _BAD_IRI.search(words) else words


def part(text: str) -> str:
    """``text`` as one part of an address."""
    return quote(text, safe="", errors="ignore")


def literal(text: str, language: str = "", datatype: str = "") -> Text:
    """A literal without characters that XML cannot hold."""
    tag = language if _LANGUAGE.fullmatch(language) else ""
    return Text(_BAD_TEXT.sub("", text) if _BAD_TEXT.search(text) else text, tag, "" if tag else datatype)


Write = Callable[[Iterable[Node]], Iterator[bytes]]


def turtle(nodes: Iterable[Node]) -> Iterator[bytes]:
    """Turtle 1.1."""
    yield "".join(f"@prefix {prefix}: <{address}> .\n" for prefix, address in PREFIXES.items()).encode()
    for node in nodes:
        lines = [f"{_turtle_name(predicate)} {_turtle_object(value)}" for predicate, value in node.said]
        yield (f"\n<{node.iri}>\n  " + " ;\n  ".join(lines) + " .\n").encode() if lines else b""


_NAMES = {address: prefix for prefix, address in PREFIXES.items()}
_LOCAL = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@lru_cache(maxsize=4096)
def _short(address: str) -> str:
    cut = max(address.rfind("#"), address.rfind("/")) + 1
    prefix, local = _NAMES.get(address[:cut]), address[cut:]
    return f"{prefix}:{local}" if prefix and _LOCAL.fullmatch(local) else ""


def _turtle_name(address: str) -> str:
    return "a" if address == TYPE else _short(address) or f"<{address}>"


def _turtle_object(value: Object) -> str:
    if isinstance(value, str):
        return _short(value) or f"<{value}>"
    text = f'"{_escaped(value.value)}"'
    if value.language:
        return f"{text}@{value.language}"
    return f"{text}^^{_short(value.datatype) or f'<{value.datatype}>'}" if value.datatype else text


# Line ends of Unicode are escaped as well: a reader that splits by lines must not break a text.
_ESCAPES = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x85": "\\u0085"}
    | {chr(mark): f"\\u{mark:04X}" for mark in (0x2028, 0x2029)}
)


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def n_triples(nodes: Iterable[Node]) -> Iterator[bytes]:
    """N-Triples 1.1, one triple a line."""
    for node in nodes:
        lines = []
        for predicate, value in node.said:
            if isinstance(value, str):
                told = f"<{value}>"
            else:
                tail = f"@{value.language}" if value.language else f"^^<{value.datatype}>" if value.datatype else ""
                told = f'"{_escaped(value.value)}"{tail}'
            lines.append(f"<{node.iri}> <{predicate}> {told} .\n")
        yield "".join(lines).encode()


def rdf_xml(nodes: Iterable[Node]) -> Iterator[bytes]:
    """RDF 1.1 XML; every predicate has a known prefix."""
    spaces = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in PREFIXES.items())
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF {spaces}>\n'.encode()
    for node in nodes:
        lines = [f"<rdf:Description rdf:about={quoteattr(node.iri)}>"]
        for predicate, value in node.said:
            tag = _short(predicate)
            if isinstance(value, str):
                lines.append(f"<{tag} rdf:resource={quoteattr(value)}/>")
            else:
                kind = f' xml:lang="{value.language}"' if value.language else ""
                kind += f" rdf:datatype={quoteattr(value.datatype)}" if value.datatype else ""
                body = escape(value.value, {"\r": "&#13;"})
                lines.append(f"<{tag}{kind}>{body}</{tag}>")
        yield ("\n  ".join(lines) + "\n</rdf:Description>\n").encode()
    yield b"</rdf:RDF>\n"


def json_ld(nodes: Iterable[Node]) -> Iterator[bytes]:
    """JSON-LD 1.1: one context, one graph, a line a subject."""
    context = orjson.dumps(dict(PREFIXES))
    yield b'{"@context":' + context + b',"@graph":['
    first = True
    for node in nodes:
        body: dict[str, object] = {"@id": node.iri}
        for predicate, value in node.said:
            if predicate == TYPE and isinstance(value, str):
                _add(body, "@type", _short(value) or value)
            elif isinstance(value, str):
                _add(body, _short(predicate) or predicate, {"@id": value})
            else:
                told: dict[str, str] = {"@value": value.value}
                if value.language:
                    told["@language"] = value.language
                elif value.datatype:
                    told["@type"] = _short(value.datatype) or value.datatype
                _add(body, _short(predicate) or predicate, told)
        yield (b"\n" if first else b",\n") + orjson.dumps(body)
        first = False
    yield b"\n]}\n"


def _add(body: dict[str, object], key: str, value: object) -> None:
    held = body.get(key)
    if held is None:
        body[key] = value
    elif isinstance(held, list):
        held.append(value)
    else:
        body[key] = [held, value]


@dataclass(frozen=True, slots=True)
class Form:
    """One serialisation: its suffix, its media type, other names it is asked by, its writer."""

    suffix: str
    media: str
    also: tuple[str, ...]
    write: Write


FORMS: Mapping[str, Form] = {
    item.suffix: item
    for item in (
        Form("ttl", "text/turtle", ("application/x-turtle",), turtle),
        Form("jsonld", "application/ld+json", ("application/json",), json_ld),
        Form("rdf", "application/rdf+xml", ("application/xml", "text/xml"), rdf_xml),
        Form("nt", "application/n-triples", ("text/plain",), n_triples),
    )
}


def accepted(accept: str) -> Form | None:
    """The form an Accept header asks for by an RDF media type; None when it prefers a page (or says nothing)."""
    best: tuple[float, int, Form | None] = (0.0, 0, None)
    for position, part in enumerate(accept.split(",")):
        kind, *options = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for option in options:
            if option.startswith("q="):
                try:
                    weight = float(option[2:])
                except ValueError:
                    weight = 0.0
        form = next((item for item in FORMS.values() if kind.lower() == item.media), None)
        if form is None and kind.lower() not in ("text/html", "application/xhtml+xml", "*/*"):
            continue
        if weight > best[0]:
            best = (weight, position, form)
    return best[2]
