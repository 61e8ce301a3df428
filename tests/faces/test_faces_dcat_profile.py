"""What is emitted is DCAT-AP 3.0.1, with the annex for high-value datasets, and DCAT-AP_IT: judged by pyshacl."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dcat_records import AT, BASE, PARKS, ROWS, bare, file, full, harvested

from arengo.catalogue import Agent, Record
from arengo.catalogue.local import Home
from arengo.contract.vocabulary import LICENCES
from arengo.faces.dcat import catalogue, italy, profile
from arengo.faces.dcat.graph import FORMS, PREFIXES, TYPE, Node, Text, name
from arengo.faces.dcat.profile import Edition
from arengo.faces.dcat.rules import RULES, breaches

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from rdflib import RDF, BNode, Graph, URIRef
    from rdflib.namespace import SH

SHAPES = Path(__file__).with_name("shapes")
HOME = Home(PARKS, "data@tiny.example", "", "CC-BY-4.0", {})


def nodes_of(*records: Record, services: bool = True) -> list[Node]:
    seen: set[str] = set()
    out: list[Node] = []
    for record in records:
        out += profile.dataset(record, BASE, seen)
        if services:
            out += catalogue.serving(record, HOME, BASE, seen)
        if record.series:
            made = Record(record.series, {"en": "Green"}, kind="series", publisher=PARKS, hvd=record.hvd, modified=AT)
            out += catalogue.series(made, BASE, seen)
    return out


def graph_of(nodes: Iterable[Node]) -> Graph:
    return Graph().parse(data=b"".join(FORMS["nt"].write(nodes)), format="nt")


def judged(graph: Graph, *shapes: Path) -> str:
    """'' when the graph conforms, else what pyshacl says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyshacl

        for path in shapes:
            found: Any = pyshacl.validate(graph, shacl_graph=Graph().parse(path))
            if not found[0]:
                return str(found[2])
    return ""


EUROPE = SHAPES / "dcat-ap-3.0.1.ttl"
OFFICIAL = os.environ.get("ARENGO_DCAT_SHAPES", "")


@pytest.mark.parametrize("record", [full(), harvested(), full(hvd=(), series="")], ids=["full", "harvested", "plain"])
def test_a_record_conforms(record: Record) -> None:
    nodes = nodes_of(record)
    assert judged(graph_of(nodes), EUROPE) == ""
    assert breaches(nodes) == []


@pytest.mark.skipif(not OFFICIAL, reason="ARENGO_DCAT_SHAPES names no official shapes file")
def test_a_record_conforms_to_the_official_shapes() -> None:
    assert judged(graph_of(nodes_of(full(), harvested())), Path(OFFICIAL)) == ""


def test_a_record_that_says_nothing_still_conforms() -> None:
    assert judged(graph_of(nodes_of(bare())), EUROPE) == ""


def test_a_high_value_dataset_keeps_the_annex() -> None:
    assert judged(graph_of(nodes_of(full())), SHAPES / "hvd-3.0.0.ttl") == ""
    assert "hvdCategory" in judged(graph_of(nodes_of(full(hvd=()))), SHAPES / "hvd-3.0.0.ttl")


def test_the_shapes_see_what_is_wrong() -> None:
    graph = graph_of(nodes_of(full()))
    me = URIRef(f"{BASE}/datasets/trees")
    graph.remove((me, URIRef(name("dct:title")), None))
    assert "dct:title" in judged(graph, EUROPE)


def test_the_own_check_sees_what_the_shapes_see() -> None:
    """Every rule broken one by one: the table says so wherever pyshacl does."""
    whole = nodes_of(full())
    me = f"{BASE}/datasets/trees"
    for drop in ("dct:title", "dct:description"):
        cut = [Node(n.iri, tuple(p for p in n.said if n.iri != me or p[0] != name(drop))) for n in whole]
        assert [(item.path, item.words) for item in breaches(cut)] == [(drop, "missing")]
    twice = [*whole, Node(me, ((name("dcat:version"), Text("9")), (name("dct:accessRights"), "urn:x")))]
    assert {item.path for item in breaches(twice)} == {"dcat:version", "dct:accessRights"}
    strange = [*whole, Node(me, ((name("dcat:theme"), "urn:theme"), (name("dcat:landingPage"), Text("x"))))]
    assert {item.path for item in breaches(strange)} == {"dcat:theme", "dcat:landingPage"}
    size = [*whole, Node(f"{me}#csv", ((name("dcat:byteSize"), Text("1.5")),))]
    assert {item.path for item in breaches(size)} == {"dcat:byteSize"}


def test_table_and_shapes_hold_the_same_rules() -> None:
    shapes = Graph().parse(EUROPE)
    full_name = {value: f"{prefix}:" for prefix, value in PREFIXES.items()}

    def short(address: object) -> str:
        text = str(address)
        cut = max(text.rfind("#"), text.rfind("/")) + 1
        return full_name[text[:cut]] + text[cut:]

    found = set()
    for shape in shapes.subjects(RDF.type, SH.NodeShape):
        kind = short(shapes.value(shape, SH.targetClass))
        for rule in shapes.objects(shape, SH.property):
            value = shapes.value(rule, SH["class"]) or shapes.value(rule, SH.datatype)
            node = shapes.value(rule, SH.nodeKind)
            told = short(value) if value is not None else {"Literal": "text"}.get(str(node).rsplit("#")[-1], "iri")
            most = shapes.value(rule, SH.maxCount)
            least = shapes.value(rule, SH.minCount)
            path = short(shapes.value(rule, SH.path))
            found.add((kind, path, told, int(least or 0), None if most is None else int(most)))
    assert found == {
        (kind, rule.path, rule.value, rule.least, rule.most) for kind, rules in RULES.items() for rule in rules
    }
    assert not any(isinstance(item, BNode) for item in shapes.subjects(RDF.type, SH.NodeShape))


def test_versions_are_chained() -> None:
    held = [Edition(3, AT, 2), Edition(2, AT, 1), Edition(1, AT)]
    record = full(version=3)
    seen: set[str] = set()
    graph = graph_of([*nodes_of(record), *profile.editions(record, BASE, seen, held)])
    me = f"{BASE}/datasets/trees"
    assert {str(item) for item in graph.objects(URIRef(me), URIRef(name("dcat:hasVersion")))} == {
        f"{me}?as_of={number}" for number in (1, 2, 3)
    }
    assert str(graph.value(URIRef(f"{me}?as_of=3"), URIRef(name("dcat:previousVersion")))) == f"{me}?as_of=2"
    assert str(graph.value(URIRef(me), URIRef(name("dcat:hasCurrentVersion")))) == f"{me}?as_of=3"
    assert judged(graph, EUROPE) == ""
    one = graph_of(profile.dataset(record, BASE, set(), held[1]))
    file_at = URIRef(f"{me}?as_of=2#csv")
    assert str(one.value(file_at, URIRef(name("dcat:downloadURL")))).endswith("/export.csv?as_of=2")
    assert one.value(file_at, URIRef(name("dcat:byteSize"))) is None


def test_a_harvested_record_keeps_its_name_and_says_where_it_is_from() -> None:
    graph = graph_of(nodes_of(harvested()))
    me = URIRef("https://evian.example/d/1")
    assert (me, RDF.type, URIRef(name("dcat:Dataset"))) in graph
    other = graph.value(me, URIRef(name("adms:identifier")))
    assert str(graph.value(other, URIRef(name("skos:notation")))) == "abc-1"
    told = graph.value(graph.value(me, URIRef(name("dct:provenance"))), URIRef(name("rdfs:label")))
    assert str(told) == "Harvested from https://region.example/ > Portail d'Évian"
    assert str(graph.value(me, URIRef(name("prov:wasDerivedFrom")))) == "https://evian.example/d/1.html"
    files = list(graph.objects(me, URIRef(name("dcat:distribution"))))
    assert len(files) == 2, "two of one id stay two"
    sums = list(graph.subject_objects(URIRef(name("spdx:checksum"))))
    assert len(sums) == 1, "what is no SHA-256 is not told as one"


def test_forms_nobody_can_name_stay_on_the_page() -> None:
    record = full(
        distributions=(file(), file("xlsx", format="XLSX"), file("parquet", format="PARQUET"), file("x", format=""))
    )
    assert [item.id for item in profile.listed(record)] == ["csv"]
    far = replace(record, provenance=harvested().provenance)
    assert len(profile.listed(far)) == 4


@pytest.mark.parametrize("code", sorted(set(LICENCES) - {"none"}))
def test_every_licence_is_one_of_the_italian_tree(code: str) -> None:
    record = full(licence=code, distributions=(file(licence=code),), services=())
    nodes = [*_catalog(record), *nodes_of(record, services=False)]
    graph = graph_of(italy.profile(nodes, PARKS))
    assert judged(graph, SHAPES / "dcat-ap-it.ttl") == ""


def test_the_italian_profile_asks_more_and_gets_it() -> None:
    city = Agent("city", {"it": "Comune"}, identifier="c_x001", email="x@x.example")
    owner = Agent("office", {"en": "Office", "it": "Ufficio"}, email="office@x.example")
    record = full(publisher=owner, contact=owner, hvd=(), series="", services=())
    nodes = [*_catalog(record), *nodes_of(record)]
    assert judged(graph_of(nodes), SHAPES / "dcat-ap-it.ttl") != ""
    graph = graph_of(italy.profile(nodes, city))
    assert judged(graph, SHAPES / "dcat-ap-it.ttl") == ""
    me = URIRef(f"{BASE}/datasets/trees")
    assert str(graph.value(me, URIRef(name("dct:identifier")))) == "c_x001:trees"
    assert [str(item) for item in graph.objects(URIRef(f"{BASE}/organisations/office"), URIRef(name("foaf:name")))] == [
        "Ufficio"
    ]
    leaf = graph.value(URIRef(f"{BASE}/datasets/trees#csv"), URIRef(name("dct:license")))
    assert str(leaf) == italy.TREE + "A21_CCBY40"


def test_the_italian_profile_is_written_the_same_way_each_time() -> None:
    made = {b"".join(FORMS["nt"].write(italy.profile(nodes_of(full()), PARKS))) for _ in range(3)}
    assert len(made) == 1


def _catalog(record: Record) -> list[Node]:
    me = f"{BASE}/catalog"
    seen: set[str] = set()
    d = profile.Described(BASE, seen)
    d.kind(me, "dcat:Catalog")
    d.texts(me, "dct:title", {"it": "Catalogo"})
    d.texts(me, "dct:description", {"it": "Tutti i dati"})
    d.say(me, "dct:publisher", profile.publisher(d, record.publisher))
    d.time(me, "dct:modified", AT)
    d.say(me, "dcat:dataset", profile.dataset_iri(BASE, record))
    return list(d.done())


def test_a_service_is_described_where_it_is_named() -> None:
    graph = graph_of(nodes_of(full()))
    service = URIRef(profile.service_iri(BASE, ROWS.id))
    assert (service, URIRef(TYPE), URIRef(name("dcat:DataService"))) in graph
    assert (service, URIRef(name("dcat:servesDataset")), URIRef(f"{BASE}/datasets/trees")) in graph
