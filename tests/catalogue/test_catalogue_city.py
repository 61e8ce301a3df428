"""The catalogue of a real city: complete records, search over what is public, kin, copies, lineage."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from catalogue_city import make
from catalogue_shelf import made

from arengo.catalogue import Catalogue, Wanted
from arengo.catalogue.kinship import kin, twins
from arengo.catalogue.vocabulary import FILE_TYPES
from arengo.city import City
from arengo.contract import loads
from arengo.contract.vocabulary import FREQUENCIES, THEMES, licence
from arengo.errors import SettingsError, UnknownDataset
from arengo.faces.dcat import mqa


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    opened = make(Path(tmp_path_factory.mktemp("catalogue")) / "city")
    runs = opened.publish()
    assert {run.state for run in runs} == {"succeeded"}, [(run.dataset, run.error) for run in runs if run.error]
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def catalogue(city: City) -> Catalogue:
    return city.catalogue


def test_a_bare_contract_gives_a_complete_record(catalogue: Catalogue) -> None:
    record = catalogue.record("districts")
    assert record.keywords["en"]
    assert all(theme in THEMES for theme in record.themes)
    assert record.frequency in FREQUENCIES
    assert record.publisher is not None
    assert record.contact is not None
    assert record.temporal[0] is not None
    assert record.issued is not None
    assert record.modified is not None
    assert record.issued <= record.modified
    assert {item.format for item in record.distributions} == {"CSV", "XLSX", "PARQUET", "NDJSON", "ARROW"}
    for item in record.distributions:
        assert item.download_url == f"/api/v1/datasets/districts/export.{item.id}"
        assert FILE_TYPES[item.format].media_type == item.media_type
        assert item.bytes
        assert item.rights["en"]
        assert licence(item.licence)


def test_every_open_dataset_scores_405_of_405(catalogue: Catalogue) -> None:
    scores = {
        record.id: mqa.of_record(record, "https://data.example.org", lambda address: True).total
        for record in catalogue.records(local_only=True)
        if record.access == "open"
    }
    # A city that says not where it is, of data without places, is honest: 20 points less.
    assert set(scores.values()) == {385.0}, scores
    somewhere = replace(catalogue.home, place="https://sws.geonames.org/3181928/")
    from arengo.catalogue import local

    entry = catalogue.entry("gardens")
    record = local.record(entry, somewhere, dict, lambda suffix: None)
    assert mqa.of_record(record, "https://data.example.org", lambda address: True).total == 405


def test_a_shared_dataset_tells_what_it_is_and_nothing_of_its_rows(catalogue: Catalogue) -> None:
    record = catalogue.record("residents")
    assert record.access == "shared"
    assert record.distributions == ()
    assert record.columns == ()
    assert record.rows is None
    assert catalogue.search(Wanted("residents")).hits[0].record.id == "residents"
    for secret in ("zanichelli", "malpighi", "surname"):
        assert catalogue.search(Wanted(secret)).total == 0


def test_names_of_persons_are_not_values_worth_finding(catalogue: Catalogue) -> None:
    assert [hit.record.id for hit in catalogue.search(Wanted("villa verde")).hits][:1] == ["gardens"]
    assert catalogue.search(Wanted("aldrovandi")).total == 0


def test_search_reads_titles_translations_columns_values_and_the_city(catalogue: Catalogue) -> None:
    def names(words: str) -> set[str]:
        return {hit.record.id for hit in catalogue.search(Wanted(words)).hits}

    assert "street-trees" in names("albero")
    assert "street-trees" in names("street tree")
    assert "street-trees" in names("tigli")
    assert "street-trees" in names("parks office")
    assert "districts" in names("borgo nuovo")
    assert names("small districts") >= {"districts"}


def test_rows_api_list_uses_the_same_search(catalogue: Catalogue) -> None:
    found = catalogue.entries(q="albero")
    assert [entry.id for entry in found.items] == [hit.record.id for hit in catalogue.search(Wanted("albero")).hits]
    first = catalogue.entries(limit=3)
    second = catalogue.entries(limit=3, cursor=first.next)
    assert not {entry.id for entry in first.items} & {entry.id for entry in second.items}
    assert first.total == catalogue.count(local_only=True)


def test_records_stream_in_order_of_their_ids(catalogue: Catalogue) -> None:
    names = [record.id for record in catalogue.records()]
    assert names == sorted(names)
    assert names == list(catalogue.ids())
    assert [record.id for record in catalogue.records(after=names[1], limit=2)] == names[2:4]
    assert list(catalogue.records(modified_since=datetime(2100, 1, 1, tzinfo=UTC))) == []
    assert catalogue.by_uuid(catalogue.record("districts").uuid) == catalogue.record("districts")


def test_organisations_come_from_contracts_and_their_file(catalogue: Catalogue) -> None:
    agent = catalogue.organisation("ufficio-verde")
    assert (agent.email, agent.identifier, agent.name["en"]) == ("verde@example.org", "c_x01", "Parks Office")
    assert sum(count for _, count in catalogue.organisations()) == catalogue.count()
    with pytest.raises(UnknownDataset):
        catalogue.organisation("nobody")


def test_a_wrong_organisations_file_says_what_is_wrong(city: City, tmp_path: Path) -> None:
    from arengo.catalogue.local import home

    (tmp_path / "city.toml").write_text("[city]\n", encoding="utf-8")
    (tmp_path / "organisations.toml").write_text('["Parks"]\nphon = "1"\n', encoding="utf-8")
    from arengo.settings import load

    with pytest.raises(SettingsError, match="Parks"):
        home(load(tmp_path))
    (tmp_path / "organisations.toml").write_text("= 3", encoding="utf-8")
    with pytest.raises(SettingsError, match="TOML"):
        home(load(tmp_path))


def test_a_series_is_a_record_of_its_own(catalogue: Catalogue) -> None:
    ((series, count),) = catalogue.series()
    assert (series.id, series.kind, count, series.title["en"]) == ("areas", "series", 1, "Areas of the city")
    assert catalogue.record("areas").kind == "series"


def test_related_by_a_column_that_points_at_the_other(catalogue: Catalogue) -> None:
    found = {item.record.id: item for item in catalogue.related("street-trees")}
    assert (found["districts"].reason, found["districts"].shared) == ("key", ("district_id",))
    assert found["trees-copy"].reason == "key"
    assert "street-trees" not in found
    assert catalogue.related("areas", limit=2) is not None


def test_copies_are_found(catalogue: Catalogue) -> None:
    found = {(item.first, item.second): item for item in catalogue.twins()}
    assert found["green-register", "street-trees"].reason == "rows"
    assert found["green-register", "street-trees"].share == 1.0
    assert found["street-trees", "trees-copy"].reason == "columns"
    assert 0.72 <= found["street-trees", "trees-copy"].share < 1.0
    assert not any("districts" in pair for pair in found)


def test_copies_stand_on_the_page_of_the_metadata(city: City) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from arengo import portal

    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, lambda version: None)
    with TestClient(Starlette(routes=pages)) as client:
        text = client.get("/quality-of-metadata").text
    listed = text[text.index('id="copies"') : text.index("How it is measured")]
    assert "/datasets/green-register" in listed
    assert "the same rows" in listed
    assert "100" in listed
    for pair in city.catalogue.twins():
        both = [city.catalogue.record(name).access for name in (pair.first, pair.second)]
        assert both == ["open", "open"] or f"/datasets/{pair.first}" not in listed


def test_every_face_tells_the_same_licence(city: City) -> None:
    """The city's own stands for open datasets whose contract names none; nowhere is it "not stated"."""
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from arengo import faces, portal

    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, lambda version: None)
    with TestClient(Starlette(routes=[*faces.routes(city.door, city.catalogue, city.settings), *pages])) as client:
        (bare,) = (item for item in client.get("/api/v1/datasets").json()["items"] if item["id"] == "green-register")
        assert bare["licence"] == city.settings.city.licence == city.catalogue.record("green-register").licence
        assert "Creative Commons" in client.get("/datasets/green-register").text
        assert "has not stated a licence" not in client.get("/datasets/green-register/downloads").text


def test_relationships_of_the_contract_tie_datasets() -> None:
    text = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {name}
version: 1.0.0
status: active
schema:
  - name: {id}
    properties:
      - {{name: ref, logicalType: string{more}}}
      - {{name: amount, logicalType: number}}
customProperties:
  - {{property: arengoAccess, value: open}}
"""
    tie = ", relationships: [{type: foreignKey, to: offices.code}]"
    spending = kin(made("spending", "en", "Spending"), loads(text.format(id="spending", name="S", more=tie)), None, {})
    offices = kin(made("offices", "en", "Offices"), loads(text.format(id="offices", name="O", more="")), None, {})
    from arengo.catalogue.kinship import related

    (found,) = related(spending.record, {"spending": spending, "offices": offices}, 5)
    assert (found.reason, found.shared) == ("key", ("ref",))


def test_copies_among_thousands_take_no_comparison_of_each_with_each() -> None:
    import time

    text = """\
apiVersion: v3.1.0
kind: DataContract
id: d{n}
name: Thing {n}
version: 1.0.0
status: active
schema:
  - name: d{n}
    properties:
      - {{name: a{n}, logicalType: string}}
      - {{name: b{n}, logicalType: string}}
      - {{name: c{n}, logicalType: number}}
      - {{name: district, logicalType: string}}
"""
    sample = [kin(made(f"d{n}", "en", f"Thing {n}"), loads(text.format(n=n)), None, {}) for n in range(30)]
    many = [
        replace(item, record=made(f"e{number}", "en", "Thing"), subject={"thing": "thing"},
                names=frozenset(f"{name}{number // 2}" for name in "abc"),
                kinds=dict.fromkeys((f"{name}{number // 2}" for name in "abc"), "string"))
        for number, item in enumerate(sample * 100)
    ]  # fmt: skip
    began = time.process_time()
    found = twins(many, 5000)
    assert time.process_time() - began < 60
    assert len(found) == len(many) // 2


def test_lineage_from_the_source_to_the_files(catalogue: Catalogue) -> None:
    found = catalogue.lineage("street-trees", "it")
    kinds = [node.kind for node in found.nodes]
    assert kinds[:3] == ["source", "contract", "version"]
    assert kinds.count("distribution") == 5
    source = found.nodes[0]
    assert (source.title, source.facts["kind"]) == ("trees.csv", "csv")
    ids = {node.id for node in found.nodes}
    assert {edge.source for edge in found.edges} | {edge.target for edge in found.edges} <= ids
    assert {edge.role for edge in found.edges} == {"published", "describes", "gives", "derived"}
    column = next(item for item in found.columns if item.column == "tree_id")
    assert (column.how, column.origins[0].column) == ("renamed", "ID_ALBERO")
    assert found.downstream == ("trees-by-district",)


def test_lineage_of_columns_through_sql(catalogue: Catalogue) -> None:
    found = catalogue.lineage("trees-by-district")
    assert found.upstream == ("districts", "street-trees")
    assert found.whole
    told = {item.column: (item.how, {(o.dataset, o.column) for o in item.origins}) for item in found.columns}
    assert told["district"] == ("renamed", {("districts", "name")})
    assert told["mean_height"] == ("aggregated", {("street-trees", "height")})
    assert told["trees"][0] == "aggregated"
    assert told["density"][0] == "aggregated"
    assert ("districts", "area") in told["density"][1]


def test_lineage_of_what_is_not_open_tells_no_source(catalogue: Catalogue) -> None:
    found = catalogue.lineage("residents")
    assert found.columns == ()
    assert "people" not in repr(found)
    with pytest.raises(UnknownDataset):
        catalogue.lineage("nothing")


def test_sql_that_cannot_be_followed_is_said() -> None:
    from arengo.catalogue.lineage import _followed, _tables

    schema = (("street-trees", (("height", "DOUBLE"),)),)
    assert _tables("SELECT FROM (((", "duckdb") == ()
    assert _followed("SELECT FROM (((", "duckdb", schema) is None
    assert _followed("SELECT nothing FROM street_trees", "duckdb", schema) is None
    found = _followed('SELECT height, 1 AS one FROM "street-trees@v3" UNION ALL SELECT 2 * height, 2 FROM street_trees',
                      "duckdb", schema)  # fmt: skip
    assert found is not None
    assert {(o.dataset, o.column) for o in found["height"].origins} == {("street-trees", "height")}
    assert found["one"].how == "constant"


def test_secrets_of_a_source_are_not_told() -> None:
    from arengo.catalogue.lineage import _told

    told = dict(_told("http-json", {"url": "https://user:secret@api.example.org/v1/data?key=hidden"}))
    assert told == {"system": "api.example.org", "name": "api.example.org/v1/data"}
    told = dict(_told("postgresql", {"dsn": "postgresql://u:p@10.0.0.3:5432/registry", "table": "public.trees"}))
    assert told == {"table": "public.trees", "system": "postgresql registry", "name": "public.trees"}
    assert dict(_told("csv", {"path": "/home/somebody/secret/trees.csv"})) == {"name": "trees.csv"}
    assert dict(_told("csv", {"url": "http://[::1"})) == {}


def test_what_is_published_is_found_with_the_next_question(tmp_path: Path, city: City) -> None:
    root = tmp_path / "city"
    with make(root) as other:
        other.publish("districts")
        assert other.catalogue.search(Wanted("collina")).total == 0
        (root / "sources" / "districts.csv").write_text("id,name,area\nA,Collina,2\nB,Marina,1\n", encoding="utf-8")
        other.publish("districts")
        assert other.catalogue.search(Wanted("collina")).total == 1
        assert other.catalogue.search(Wanted("borgo")).total == 0
        # another process has thrown the index away, or it was spoilt
        for path in (root / ".arengo" / "serving").glob("catalogue.sqlite*"):
            path.unlink()
        assert other.catalogue.search(Wanted("collina")).total == 1
        shutil.rmtree(root / ".arengo" / "serving", ignore_errors=True)
        assert other.catalogue.suggest("distr")[0].text == "Districts"
