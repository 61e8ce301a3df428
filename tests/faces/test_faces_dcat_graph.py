"""Four ways to write the same triples: parsed by rdflib they are the same graph, whatever texts and addresses come."""

from __future__ import annotations

import logging
import warnings
from itertools import pairwise

import pytest
from dcat_records import BASE, bare, full, harvested
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.catalogue import Record
from arengo.faces.dcat import graph, profile
from arengo.faces.dcat.graph import FORMS, Node, Text, accepted, iri, literal, name

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from rdflib import Dataset, Graph
    from rdflib.compare import isomorphic

PARSERS = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml", "nt": "nt"}
logging.getLogger("rdflib").setLevel(logging.CRITICAL)


def parsed(suffix: str, nodes: list[Node]) -> Graph:
    body = b"".join(FORMS[suffix].write(nodes))
    with warnings.catch_warnings():  # its JSON-LD parser uses its own outworn class
        warnings.simplefilter("ignore")
        return Graph().parse(data=body, format=PARSERS[suffix])


def same(nodes: list[Node]) -> Graph:
    graphs = [parsed(suffix, nodes) for suffix in FORMS]
    for one, other in pairwise(graphs):
        assert isomorphic(one, other)
    return graphs[0]


@pytest.mark.parametrize("record", [full(), harvested(), bare()], ids=lambda record: record.id)
def test_the_four_forms_are_one_graph(record: Record) -> None:
    nodes = list(profile.dataset(record, BASE, set()))
    found = same(nodes)
    assert len(found) == len({(node.iri, *pair) for node in nodes for pair in node.said})


TEXTS = st.text(st.characters(), max_size=40) | st.sampled_from(
    [
        '"""',
        "\\",
        "\\u0041",
        "]]>",
        "<!--",
        "a\u2028b\u0085c",
        "\u202eltr",
        "\r\n\t",
        "\x00\x0b\ufffe\ud800",
        "'''\n.",
        "&amp;",
    ]
)


@settings(max_examples=25, deadline=None)
@given(title=TEXTS, description=TEXTS, word=TEXTS, language=TEXTS, address=TEXTS, id=TEXTS, licence=TEXTS)
def test_any_text_is_written_well(
    title: str, description: str, word: str, language: str, address: str, id: str, licence: str
) -> None:
    record = full(
        title={"en": title, language: description}, description={"ar": description}, keywords={language: (word, title)},
        licence=licence, landing_page=address, places=(f"https://x.example/{address}",), conforms_to=(address,),
    )  # fmt: skip
    far = harvested(title={language: title}, distributions=(full().distributions[0].__class__(id, {"en": word}),))
    same([*profile.dataset(record, BASE, set()), *profile.dataset(far, BASE, set())])


def test_addresses_that_are_none_are_left_out() -> None:
    for bad in ("", "no address", "/path", "_:b0", "javascript:alert(1)", "JavaScript:x", "data:text/html,x",
                "dct:title", "vcard:x", ":x", "file:///etc/passwd"):  # fmt: skip
        assert iri(bad) == "", bad
    assert iri(' https://x.example/a b<c>"{}|\\^`\u202e ') == (
        "https://x.example/a%20b%3Cc%3E%22%7B%7D%7C%5C%5E%60%E2%80%AE"
    )
    assert iri("geo:45.1,9.2") == "geo:45.1,9.2"
    assert iri("https://città.example/è") == "https://città.example/è"
    assert iri("http://x.example/\ud800") == "http://x.example/"


def test_an_address_is_never_read_as_a_prefixed_name() -> None:
    said = ((name("dct:relation"), iri("geo:45.1,9.2")), (name("dct:relation"), iri("urn:uuid:1")))
    same([Node("urn:x:1", said)])


def test_texts_lose_only_what_xml_cannot_hold() -> None:
    assert literal("a\x00b\x0bc\ud800\ufffed\u200fe") == Text("abcd\u200fe")
    assert literal("x", "not a language!").language == ""
    assert literal("x", "pt-BR", name("xsd:string")) == Text("x", "pt-BR", "")


@pytest.mark.parametrize(
    ("accept", "suffix"),
    [
        ("text/turtle", "ttl"),
        ("application/rdf+xml", "rdf"),
        ("application/ld+json;q=0.8, text/turtle;q=0.9", "ttl"),
        ("text/turtle;q=0.1, application/n-triples", "nt"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", None),
        ("text/html;q=0.5, text/turtle", "ttl"),
        ("text/html, text/turtle", None),
        ("*/*", None),
        ("", None),
        ("text/turtle;q=x", None),
        ("application/json", None),
    ],
)
def test_the_form_asked_for(accept: str, suffix: str | None) -> None:
    found = accepted(accept)
    assert (found.suffix if found else None) == suffix


def test_json_ld_needs_no_foreign_context() -> None:
    body = b"".join(graph.json_ld(profile.dataset(full(), BASE, set())))
    assert b'"@context":{' in body
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(Dataset().parse(data=body, format="json-ld")) > 50
