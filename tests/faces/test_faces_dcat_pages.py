"""The DCAT face over HTTP: forms, negotiation, pages, conditions; the whole catalogue is the sum of its pages."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dcat_records import harvested
from tiny_city import CLOSED, TREES, TinyCity, apply, open_tiny, tree

from arengo import faces
from arengo.catalogue.harvest import codec
from arengo.contract import loads
from arengo.errors import BadQuery
from arengo.faces.dcat.file import write
from arengo.faces.dcat.graph import name
from arengo.state import harvesting

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from rdflib import RDF, Graph, URIRef
    from rdflib.compare import isomorphic
    from starlette.testclient import TestClient

if TYPE_CHECKING:
    from httpx import Response

TTL = {"accept": "text/turtle"}


def graph_of(response: Response, form: str = "turtle") -> Graph:
    assert response.status_code == 200, response.text
    return Graph().parse(data=response.content, format=form)


def datasets(graph: Graph) -> set[str]:
    return {str(item) for item in graph.objects(None, URIRef(name("dcat:dataset")))}


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyCity]:
    """A city of 231 announced datasets, one published, and three harvested ones."""
    city = open_tiny(Path(tmp_path_factory.mktemp("crowded")))
    city.publish(loads(TREES), [tree(number) for number in range(1, 20)], datetime(2026, 1, 10, 8, tzinfo=UTC))
    for number in range(230):
        apply(city.state, loads(CLOSED.replace("id: families", f"id: families-{number:03d}")))
    add_harvested(city, 3)
    yield city
    city.close()


def add_harvested(city: TinyCity, many: int) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    with city.state.write() as connection:
        for number in range(many):
            record = harvested(title={"fr": f"Arbres {number}"})
            record = codec.loads(codec.dumps(record))
            object.__setattr__(record, "id", f"evian-{number:05d}")
            origin = record.provenance
            assert origin is not None
            object.__setattr__(origin, "uri", f"https://evian.example/d/{number}")
            connection.execute(harvesting.record.insert().values(**row_of(record, number + 1, at)))
        city.state.bump(connection)


def row_of(record: Any, stamp: int, at: datetime) -> dict[str, Any]:
    told = {
        "id": record.id, "uuid": record.uuid, "source": "evian", "identifier": record.id, "stamp": stamp,
        "body": codec.dumps(record), "publisher": "evian", "modified_at": record.modified, "gone_at": None,
    }  # fmt: skip
    columns = {column.name: column for column in harvesting.record.columns}
    for missing in set(columns) - set(told):
        kind = columns[missing].type.python_type
        told[missing] = at if kind is datetime else kind()
    return {key: value for key, value in told.items() if key in columns}


@pytest.fixture(scope="module")
def many(crowded: TinyCity) -> Iterator[TestClient]:
    app = faces.application(crowded.door, crowded.catalogue, crowded.settings)
    with TestClient(app, headers={"accept-encoding": "identity"}, follow_redirects=False) as made:
        yield made


FORMS = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml", "nt": "nt"}


@pytest.mark.filterwarnings("ignore:.*ConjunctiveGraph.*:DeprecationWarning")
def test_the_whole_catalogue_in_four_forms_is_one_graph(client: TestClient) -> None:
    graphs = [graph_of(client.get(f"/catalog.{suffix}"), form) for suffix, form in FORMS.items()]
    assert all(isomorphic(graphs[0], other) for other in graphs[1:])
    assert {item.rsplit("/", 1)[-1] for item in datasets(graphs[0])} == {"trees", "areas", "families"}
    assert not list(graphs[0].objects(None, URIRef(name("dcat:hasVersion"))))


@pytest.mark.parametrize("suffix", FORMS)
def test_media_types_links_and_origin(client: TestClient, suffix: str) -> None:
    media = {"ttl": "text/turtle; charset=utf-8", "jsonld": "application/ld+json", "rdf": "application/rdf+xml",
             "nt": "application/n-triples; charset=utf-8"}[suffix]  # fmt: skip
    answer = client.get(f"/catalog.{suffix}")
    assert answer.headers["content-type"] == media
    assert answer.headers["access-control-allow-origin"] == "*"
    assert 'rel="profile"' in answer.headers["link"]
    assert answer.headers["link"].count('rel="alternate"') == 5
    assert "host.example" not in client.get(f"/catalog.{suffix}", headers={"host": "host.example"}).text
    head = client.head(f"/catalog.{suffix}")
    assert head.status_code == 200
    assert head.headers["etag"] == answer.headers["etag"]
    assert head.content == b""
    assert "content-length" not in head.headers
    again = client.get(f"/catalog.{suffix}", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_accept_chooses_and_a_browser_goes_to_the_list(many: TestClient) -> None:
    assert (
        many.get("/catalog", headers={"accept": "application/rdf+xml"})
        .headers["content-type"]
        .startswith("application/rdf+xml")
    )
    assert many.get("/catalog").headers["content-type"].startswith("text/turtle")
    page = many.get("/catalog", headers={"accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.headers["location"].endswith("/datasets")) == (303, True)
    assert many.get("/catalog?format=nt").headers["content-type"].startswith("application/n-triples")
    assert many.get("/catalog?format=xlsx").status_code == 406
    for wrong in ("page=0", "page=x", "page=٣", "page=1234567890", "modified_since=soon", "profile=us", "pages=1",
                  "harvested=maybe"):  # fmt: skip
        assert many.get(f"/catalog.ttl?{wrong}").status_code == 400, wrong


def test_walking_the_pages_gives_the_whole(many: TestClient) -> None:
    whole = graph_of(many.get("/catalog.ttl"))
    walked, address, seen = Graph(), "/catalog.ttl?page=1", []
    hydra = "http://www.w3.org/ns/hydra/core#"
    while address:
        answer = many.get(address)
        page = graph_of(answer)
        here = next(page.subjects(RDF.type, URIRef(f"{hydra}PartialCollectionView")))
        assert str(next(page.objects(None, URIRef(f"{hydra}totalItems")))) == "231"
        assert len(datasets(page)) <= 100
        seen.append(len(datasets(page)))
        following = page.value(here, URIRef(f"{hydra}next"))
        by_link = re.search(r'<([^>]+)>; rel="next"', answer.headers["link"])
        assert (str(following) if following else None) == (by_link[1] if by_link else None)
        walked += page
        address = str(following).split("://", 1)[-1].partition("/")[2] if following else ""
        address = f"/{address}" if address else ""
    assert seen == [100, 100, 31]
    for predicate in ("first", "last", "next", "previous", "view", "totalItems"):
        walked.remove((None, URIRef(f"{hydra}{predicate}"), None))
    for kind in ("PartialCollectionView", "Collection"):
        walked.remove((None, RDF.type, URIRef(f"{hydra}{kind}")))
    assert isomorphic(whole, walked)
    assert datasets(graph_of(many.get("/catalog.ttl?page=9"))) == set()


def test_other_catalogues_are_left_out_unless_asked_for(many: TestClient) -> None:
    own = graph_of(many.get("/catalog.ttl"))
    assert not any("evian" in item for item in datasets(own))
    whole = graph_of(many.get("/catalog.ttl?harvested=true"))
    assert len(datasets(whole) - datasets(own)) == 3
    assert len(list(whole.subjects(RDF.type, URIRef(name("dcat:CatalogRecord"))))) == 3
    ordered = [datasets(graph_of(many.get(f"/catalog.ttl?harvested=true&page={page}"))) for page in (1, 2, 3)]
    assert set().union(*ordered) == datasets(whole)
    assert sum(map(len, ordered)) == 234


def test_modified_since_gives_what_changed(many: TestClient, crowded: TinyCity) -> None:
    assert len(datasets(graph_of(many.get("/catalog.ttl?modified_since=2020-01-01")))) == 231
    trees = crowded.catalogue.record("trees").modified
    assert trees is not None
    for since, expected in ((trees, {"trees"}), (trees + timedelta(seconds=1), set())):
        found = datasets(graph_of(many.get("/catalog.ttl", params={"modified_since": since.isoformat()})))
        assert {item.rsplit("/", 1)[-1] for item in found} - {f"families-{n:03d}" for n in range(230)} == expected
    assert many.get("/catalog.ttl?modified_since=2026-01-01T00:00:00%2B02:00&page=1").status_code == 200


def test_the_second_profile_by_parameter_and_by_header(client: TestClient) -> None:
    asked = client.get("/catalog.ttl?profile=it")
    by_header = client.get("/catalog.ttl", headers={"accept-profile": "<http://dati.gov.it/onto/dcatapit#>;q=1"})
    assert isomorphic(graph_of(asked), graph_of(by_header))
    assert by_header.headers["content-profile"] == "<http://dati.gov.it/onto/dcatapit>"
    plain = client.get("/catalog.ttl")
    assert b"dcatapit:Dataset" in asked.content
    assert b"dcatapit:Dataset" not in plain.content
    assert plain.headers["etag"] != by_header.headers["etag"]
    told = {"accept-profile": "<http://dati.gov.it/onto/dcatapit>", "if-none-match": plain.headers["etag"]}
    assert client.get("/catalog.ttl", headers=told).status_code == 200, "the other profile is no 304 of this one"


def test_one_dataset_by_suffix_and_by_accept(client: TestClient) -> None:
    by_suffix = client.get("/datasets/trees.ttl")
    graph = graph_of(by_suffix)
    me = next(item for item in graph.subjects(URIRef(name("dcat:hasVersion"))))
    assert str(me).endswith("/datasets/trees")
    assert {str(item).rsplit("=", 1)[-1] for item in graph.objects(me, URIRef(name("dcat:hasVersion")))} == {"1", "2"}
    assert isomorphic(graph, graph_of(client.get("/datasets/trees", headers=TTL)))
    assert client.get("/datasets/trees", headers=TTL).headers["content-location"] == "/datasets/trees.ttl"
    assert client.get("/datasets/trees", headers={"accept": "text/html"}).status_code == 404, "the portal's, not ours"
    assert client.get("/datasets/nothing.ttl").status_code == 404
    assert client.get("/datasets/trees.docx").status_code == 404
    etag = by_suffix.headers["etag"]
    assert client.get("/datasets/trees.ttl", headers={"if-none-match": etag}).status_code == 304
    assert client.head("/datasets/trees.ttl").content == b""


def test_one_version_has_an_address(client: TestClient) -> None:
    graph = graph_of(client.get("/datasets/trees.ttl?as_of=1"))
    (me,) = (item for item in graph.subjects(URIRef(name("dcat:isVersionOf"))))
    assert str(graph.value(me, URIRef(name("dcat:version")))) == "1"
    assert str(graph.value(me, URIRef(name("dct:modified")))).startswith("2026-01-10")
    file = client.get(str(graph.value(URIRef(f"{me}#csv"), URIRef(name("dcat:downloadURL")))))
    assert file.status_code == 200
    assert len(file.text.splitlines()) >= 200
    assert client.get("/datasets/trees.ttl?as_of=99").status_code in (400, 404)
    assert client.get("/datasets/families.ttl?as_of=1").status_code == 403


def test_a_closed_dataset_is_described_and_not_given(client: TestClient) -> None:
    graph = graph_of(client.get("/datasets/families.ttl"))
    rights = {str(item) for item in graph.objects(None, URIRef(name("dct:accessRights")))}
    assert any(item.endswith("/NON_PUBLIC") for item in rights)
    assert not list(graph.objects(None, URIRef(name("dcat:distribution"))))
    assert not list(graph.objects(None, URIRef(name("dcat:hasVersion"))))


def test_every_address_of_an_open_dataset_answers(client: TestClient) -> None:
    for dataset in ("trees", "areas"):
        graph = graph_of(client.get(f"/datasets/{dataset}.ttl"))
        for predicate in ("dcat:accessURL", "dcat:downloadURL", "dcat:endpointDescription"):
            addresses = {str(item) for item in graph.objects(None, URIRef(name(predicate)))}
            assert addresses
            for address in addresses:
                if "/api/3/" not in address:
                    assert client.head(address).status_code == 200, address


def test_the_dump_is_what_the_server_says(crowded: TinyCity, many: TestClient, tmp_path: Path) -> None:
    target = tmp_path / "all.ttl"
    length = write(crowded.catalogue, crowded.settings.city, target, "http://testserver")
    assert length == target.stat().st_size
    assert isomorphic(Graph().parse(target), graph_of(many.get("/catalog.ttl")))
    assert [path.name for path in tmp_path.iterdir()] == ["all.ttl"]
    for path, url in (
        (tmp_path / "all.pdf", "http://x.example"),
        (tmp_path / "all.nt", ""),
        (tmp_path / "no" / "a.nt", "http://x"),
    ):
        with pytest.raises(BadQuery):
            write(crowded.catalogue, crowded.settings.city, path, url)
    with pytest.raises(BadQuery):
        write(crowded.catalogue, crowded.settings.city, target, "http://x.example", "us")
