"""CKAN's read actions: envelope and errors, searches, the DataStore, and what it makes of hostile questions."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from tiny_city import TinyCity, open_tiny

from arengo import faces
from arengo.catalogue import Agent, Distribution, Provenance, Record
from arengo.catalogue.harvest import codec
from arengo.errors import BadQuery
from arengo.faces.ckan import actions, package, solr
from arengo.state import harvesting

AT = "/api/3/action"


def ask(client: Any, action: str, **given: Any) -> Any:
    """The result of an action by GET, lists and objects as JSON in the address, as clients write them."""
    params = {key: json.dumps(value) if isinstance(value, (list, dict)) else value for key, value in given.items()}
    found = client.get(f"{AT}/{action}", params=params)
    assert found.status_code == 200, found.text
    body = found.json()
    assert body["success"] is True
    assert body["help"].endswith(f"help_show?name={action}")
    return body["result"]


def names(client: Any, **given: Any) -> list[str]:
    return [item["name"] for item in ask(client, "package_search", **given)["results"]]


def table_id(client: Any, dataset: str) -> str:
    found = [item for item in ask(client, "package_show", id=dataset)["resources"] if item["datastore_active"]]
    return str(found[0]["id"])


# ---- the envelope -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["/api/3/action", "/api/action"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_both_prefixes_with_and_without_a_last_slash(client: Any, prefix: str, slash: str) -> None:
    at = f"{prefix}/package_show{slash}"
    for found in (
        client.get(at, params={"id": "trees"}, follow_redirects=False),
        client.post(at, json={"id": "trees"}, follow_redirects=False),
        client.post(at, data={"id": "trees"}, follow_redirects=False),
        client.post(at, content=b'{"id": "trees"}', follow_redirects=False),  # no type declared
        client.post(f"{at}?id=trees", follow_redirects=False),
        client.post(prefix + slash, json={"action": "package_show", "id": "trees"}, follow_redirects=False),
    ):
        assert found.status_code == 200, found.text
        assert found.json()["result"]["name"] == "trees"
    assert client.get("/api/3").json() == {"version": 3}


@pytest.mark.parametrize(
    ("action", "given", "status", "kind"),
    [
        ("package_show", {"id": "nothing"}, 404, "Not Found Error"),
        ("package_show", {}, 409, "Validation Error"),
        ("organization_show", {"id": "nothing"}, 404, "Not Found Error"),
        ("group_show", {"id": "nothing"}, 404, "Not Found Error"),
        ("user_show", {"id": "admin", "include_password_hash": True}, 404, "Not Found Error"),
        ("package_search", {"q": "(a"}, 400, "Search Query Error"),
        ("package_search", {"q": 'title:"a'}, 400, "Search Query Error"),
        ("package_search", {"q": "{!bbox}x"}, 400, "Search Query Error"),
        ("package_search", {"rows": "many"}, 400, "Search Query Error"),
        ("datastore_search", {}, 409, "Validation Error"),
        ("datastore_search", {"resource_id": "nothing"}, 404, "Not Found Error"),
        ("datastore_search", {"resource_id": "families"}, 403, "Authorization Error"),
        ("datastore_search", {"resource_id": "trees", "as_of": "99"}, 404, "Not Found Error"),
        ("datastore_search", {"resource_id": "trees", "filters": {"nothing": 1}}, 409, "Validation Error"),
        ("datastore_search_sql", {}, 409, "Validation Error"),
        ("package_create", {"name": "x"}, 403, "Authorization Error"),
        ("datastore_upsert", {"resource_id": "trees"}, 403, "Authorization Error"),
        ("config_option_list", {}, 403, "Authorization Error"),
    ],
)
def test_errors_wear_ckans_clothes(client: Any, action: str, given: dict[str, Any], status: int, kind: str) -> None:
    found = client.post(f"/api/action/{action}", json=given)
    assert found.status_code == status, found.text
    body = found.json()
    assert body["success"] is False
    assert body["error"]["__type"] == kind
    assert body["error"]["message"]
    assert "help" in body
    if status == 409 and not given:
        assert ["Missing value"] in body["error"].values()


def test_an_unknown_action_is_answered_with_a_text(client: Any) -> None:
    for found in (client.get(f"{AT}/nothing"), client.post("/api/action/nothing/", json={})):
        assert found.status_code == 400
        assert found.json() == "Bad request - Action name not known: nothing"
    assert client.post(AT, json={}).status_code == 400


def test_pages_of_other_sites_may_read(client: Any) -> None:
    found = client.get(f"{AT}/site_read", headers={"origin": "https://elsewhere.example"})
    assert found.json()["result"] is True
    assert found.headers.get_list("access-control-allow-origin") == ["*"]
    first = client.options(f"{AT}/site_read", headers={"origin": "https://elsewhere.example"})
    assert "X-CKAN-API-Key" in first.headers["access-control-allow-headers"]


def test_an_answer_that_did_not_change_is_not_sent_again(client: Any) -> None:
    first = client.get(f"{AT}/package_show", params={"id": "trees"})
    again = client.get(f"{AT}/package_show", params={"id": "trees"}, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert "etag" not in client.get(f"{AT}/package_search", params={"fq": "metadata_modified:[NOW-1DAY TO *]"}).headers


def test_every_read_action_answers(client: Any) -> None:
    wanted = {
        "package_show": {"id": "trees"}, "package_activity_list": {"id": "trees"}, "group_show": {"id": "envi"},
        "group_package_show": {"id": "envi"}, "organization_show": {"id": "parks-office"}, "tag_show": {"id": "green"},
        "resource_show": {"id": table_id(client, "trees")}, "resource_search": {"query": "format:csv"},
        "help_show": {"name": "package_search"}, "datastore_search": {"resource_id": "trees"},
        "datastore_info": {"id": "trees"}, "datastore_search_sql": {"sql": "SELECT 1 AS one"},
    }  # fmt: skip
    absent = {"resource_view_show", "vocabulary_show", "user_show"}
    for action in set(actions.ACTIONS) - absent:
        ask(client, action, **wanted.get(action, {}))
    assert ask(client, "status_show")["ckan_version"].startswith("2.11")
    assert ask(client, "license_list")[0].keys() >= {"id", "title", "url"}


# ---- packages -----------------------------------------------------------------------------------------------------


def test_a_package_is_whole(client: Any, tiny: TinyCity) -> None:
    found = ask(client, "package_show", id="trees", include_tracking="True", nonsense="1")
    assert found["id"] == tiny.catalogue.record("trees").uuid
    assert ask(client, "package_show", id=found["id"].upper()) == found
    assert (found["name"], found["title"], found["type"], found["state"]) == (
        "trees",
        "Street trees",
        "dataset",
        "active",
    )
    assert found["private"] is False
    assert found["isopen"] is True
    assert found["license_id"] == "CC-BY-4.0"
    assert found["organization"]["id"] == found["owner_org"]
    assert found["organization"]["title"] == "Parks office"
    assert [item["name"] for item in found["groups"]] == ["envi"]
    assert {item["name"] for item in found["tags"]} == {"green", "trees"}
    assert found["num_resources"] == len(found["resources"])
    assert found["num_tags"] == len(found["tags"])
    assert "Z" not in found["metadata_modified"]
    assert "+" not in found["metadata_modified"]
    extras = {item["key"]: item["value"] for item in found["extras"]}
    assert extras["guid"] == "trees"
    assert json.loads(extras["spatial"])["type"] == "Polygon"
    assert len({item["id"] for item in found["resources"]}) == len(found["resources"])
    assert [item["position"] for item in found["resources"]] == list(range(len(found["resources"])))
    for item in found["resources"]:
        assert item["package_id"] == found["id"]
        assert item["url"].startswith("http://")
        assert ask(client, "resource_show", id=item["id"]) == item
    tables = [item for item in found["resources"] if item["datastore_active"]]
    assert [item["name"] for item in tables][1].endswith("version 1")
    assert tables[1]["url"].endswith("as_of=1")


def test_a_closed_dataset_is_told_without_its_rows(client: Any) -> None:
    found = ask(client, "package_show", id="families")
    assert found["resources"] == []
    assert found["isopen"] is False
    assert {"key": "access", "value": "closed"} in found["extras"]
    assert "families" in ask(client, "package_list")


def test_a_harvested_record_keeps_its_own_addresses_and_says_where_it_is_from() -> None:
    files = tuple(
        Distribution(f"f{n}", {"it": f"File {n}"}, format="CSV", bytes=7, access_url=f"https://a.example/{n}")
        for n in (1, 2)
    )
    record = Record(
        "alberi-regione",
        {"it": "Alberi"},
        publisher=Agent("regione", {"it": "Regione"}),
        licence="CC-BY-4.0",
        distributions=files,
        provenance=Provenance("regione", "Region", "urn:x:1", "https://a.example/d/1"),
    )
    found = package.package(record, "http://city.example", "it")
    extras = {item["key"]: item["value"] for item in found["extras"]}
    assert (extras["harvest_source_id"], extras["guid"], extras["uri"]) == (
        "regione",
        "urn:x:1",
        "https://a.example/d/1",
    )
    assert [item["url"] for item in found["resources"]] == ["https://a.example/1", "https://a.example/2"]
    assert not any(item["datastore_active"] for item in found["resources"])
    assert found["resources"][0]["size"] == 7
    ids = {item["url"]: item["id"] for item in found["resources"]}
    turned = Record(record.id, record.title, distributions=files[::-1], provenance=record.provenance)
    assert {item["url"]: item["id"] for item in package.package(turned, "", "it")["resources"]} == ids


def test_what_is_held_elsewhere_is_listed_and_its_rows_are_not(tmp_path: Path) -> None:
    city = open_tiny(tmp_path)
    record = Record(
        "alberi-regione",
        {"it": "Alberi della regione"},
        publisher=Agent("regione", {"it": "Regione"}),
        modified=datetime(2026, 1, 1, tzinfo=UTC),
        distributions=(Distribution("f", {"it": "File"}, format="CSV", access_url="https://a.example/1"),),
        provenance=Provenance("regione", "Region", "urn:x:1", "https://a.example/d/1"),
    )
    with city.state.write() as connection:
        row = {"id": record.id, "source": "regione", "identifier": "urn:x:1", "uuid": record.uuid, "sha": "x",
               "body": codec.dumps(record), "publisher": "regione", "modified_at": record.modified, "stamp": 1,
               "misses": 0}  # fmt: skip
        connection.execute(sa.insert(harvesting.record), [row])
        city.state.bump(connection)
    with TestClient(faces.application(city.door, city.catalogue, city.settings)) as client:
        assert ask(client, "package_list") == names(client) == ["alberi-regione"]
        assert ask(client, "package_show", id=record.uuid)["name"] == "alberi-regione"
        assert names(client, fq="harvest_source_id:regione") == ["alberi-regione"]
        assert names(client, fq="-harvest_source_id:*") == []
        told = ask(client, "package_show", id="alberi-regione")["resources"][0]
        assert ask(client, "resource_show", id=told["id"])["url"] == "https://a.example/1"
        for name in (told["id"], "alberi-regione"):
            found = client.get(f"{AT}/datastore_search", params={"resource_id": name})
            assert found.status_code == 404
            assert client.get(f"/datastore/dump/{name}").status_code == 404
        assert ask(client, "datastore_search", id="_table_metadata")["records"] == []
    city.close()


# ---- searching ----------------------------------------------------------------------------------------------------


def test_searches_of_clients(client: Any) -> None:
    everything = ["areas", "families", "trees"]
    modified = ask(client, "package_show", id="trees")["metadata_modified"]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"q": "*:*"}, everything),
        ({}, everything),
        ({"q": "alberi"}, ["trees"]),
        ({"q": "title:alberi OR title:quarters"}, ["trees"]),
        ({"q": "title:tree*"}, ["trees"]),
        ({"q": 'title:"street trees"'}, ["trees"]),
        ({"q": "name:trees"}, ["trees"]),
        ({"q": "(name:trees OR name:areas)"}, ["areas", "trees"]),
        ({"fq": "organization:parks-office OR organization:registry-office"}, ["families", "trees"]),
        ({"fq": "-organization:parks-office"}, ["areas", "families"]),
        ({"fq": "+groups:envi"}, ["trees"]),
        ({"fq": "(groups:envi OR groups:regi)"}, ["areas", "trees"]),
        ({"fq": "groups:(envi OR regi) AND NOT name:areas"}, ["trees"]),
        ({"fq": 'tags:"green"'}, ["trees"]),
        ({"fq": "license_id:CC-BY-4.0 -name:areas"}, ["trees"]),
        ({"fq": "res_format:CSV"}, ["areas", "trees"]),
        ({"fq": "res_format:geojson"}, ["areas", "trees"]),
        ({"fq_list": ["groups:envi", "tags:trees"]}, ["trees"]),
        ({"fq": "metadata_modified:[2000-01-01T00:00:00Z TO *]"}, everything),
        ({"fq": f"metadata_modified:[{modified}Z TO *] AND name:trees"}, ["trees"]),
        ({"fq": "metadata_modified:[2100-01-01T00:00:00Z TO *]"}, []),
        ({"fq": "metadata_modified:[NOW/DAY-30000DAYS TO NOW]"}, everything),
        ({"fq": "type:dataset state:active capacity:public"}, everything),
        ({"fq": "state:deleted"}, []),
        ({"fq": "dataset_type:harvest"}, []),
        ({"fq": "extras_access:closed"}, ["families"]),
        ({"fq": "something_else:x"}, []),
        ({"q": "nothingofthekind"}, []),
        ({"q": "trees", "defType": "edismax", "mm": "2", "qf": "title^4", "ext_bbox": "1,2,3,4", "bf": "x"}, ["trees"]),
    ]
    for given, wanted in cases:
        assert sorted(names(client, rows="1000", **given)) == wanted, given
    assert names(client, sort="id asc") == everything
    assert names(client, sort="name desc", rows=2) == ["trees", "families"]
    assert names(client, sort="name desc", rows=2, start=2) == ["areas"]
    assert names(client, sort="title_string desc")[0] == "trees"
    assert names(client, start=3) == []
    assert ask(client, "package_search", rows=0)["count"] == 3
    uuid = ask(client, "package_show", id="trees")["id"]
    assert names(client, fq=f"id:{uuid}") == ["trees"]
    owner = ask(client, "organization_show", id="parks-office")["id"]
    assert names(client, fq=f"owner_org:{owner}") == ["trees"]


def test_facets(client: Any) -> None:
    fields = ["tags", "groups", "organization", "res_format", "license_id", "nothing"]
    found = ask(client, "package_search", **{"facet.field": fields, "rows": 0, "facet.limit": 2})
    assert set(found["search_facets"]) == set(found["facets"]) == set(fields)
    assert found["facets"]["groups"] == {"envi": 1, "regi": 1}
    told = found["search_facets"]["groups"]
    assert told["title"] == "Groups"
    assert {"name": "envi", "display_name": "Environment", "count": 1} in told["items"]
    assert len(found["facets"]["res_format"]) == 2
    few = ask(client, "package_search", **{"facet.field": ["tags"], "facet.mincount": 2, "facet.limit": -1})
    assert few["facets"]["tags"] == {}
    assert ask(client, "package_search", facet="false", **{"facet.field": fields})["search_facets"] == {}


def test_organizations_and_groups(client: Any) -> None:
    assert "parks-office" in ask(client, "organization_list")
    whole = ask(client, "organization_list", all_fields="True")
    assert {"id", "name", "display_name", "package_count", "image_display_url"} <= set(whole[0])
    shown = ask(client, "organization_show", id="parks-office", include_datasets=True, include_users="False")
    assert [item["name"] for item in shown["packages"]] == ["trees"]
    assert ask(client, "group_list") == ["envi", "regi"] or "envi" in ask(client, "group_list")
    assert ask(client, "group_show", id="envi", include_datasets="true")["packages"][0]["name"] == "trees"
    assert [item["name"] for item in ask(client, "group_package_show", id="envi", limit=5)] == ["trees"]
    assert ask(client, "tag_search", query="gre")["results"][0]["name"] == "green"
    assert ask(client, "tag_show", id="green", include_datasets=True)["packages"][0]["name"] == "trees"
    assert ask(client, "resource_search", query="name:trees")["count"] >= 8


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "a" + ")" * 5000,
        "(" * 41 + "a" + ")" * 41,
        "-" * 5000 + "a",
        "NOT " * 500 + "a",
        "a OR " * 400 + "a",
        "a" * 30_000,
        "[" * 15_000,
        '"' * 999,
        "title:" * 3000,
        "metadata_modified:[yesterday TO *]",
        "title:[a TO b]",
        "x:{!join from=a to=b}c",
        "title:)",
    ],
)
def test_searches_made_to_hurt_are_refused(text: str) -> None:
    with pytest.raises(BadQuery):
        solr.parse(text)


@pytest.mark.parametrize(
    "text", ["it's report: budget?", "a^2~0.5", "AND OR", "what*", "\\(a\\)", "'; DROP TABLE x;--", "\x00"]
)
def test_odd_words_find_nothing_or_something_but_never_fail(client: Any, text: str) -> None:
    assert ask(client, "package_search", q=text)["count"] >= 0


# ---- the DataStore ------------------------------------------------------------------------------------------------


def test_the_datastore_agrees_with_the_rows_api(client: Any, tiny: TinyCity) -> None:
    for dataset in ("trees", "areas"):
        rows = client.get(f"/api/v1/datasets/{dataset}/rows", params={"limit": 1000}).json()["items"]
        found = ask(client, "datastore_search", resource_id=table_id(client, dataset), limit="32000")
        assert found["total"] == len(rows) == len(found["records"])
        assert [record.pop("_id") for record in found["records"]] == list(range(1, len(rows) + 1))
        zone = {
            item.name for item in tiny.door.view(dataset).columns if item.kind == "timestamp"
        }  # CKAN writes UTC without a zone
        for mine, theirs in zip(found["records"], rows, strict=True):
            assert mine == {k: v.removesuffix("Z") if k in zone and v else v for k, v in theirs.items()}
        sheet = client.get(f"/datastore/dump/{table_id(client, dataset)}").text
        lines = list(csv.DictReader(io.StringIO(sheet)))
        assert [line["_id"] for line in lines] == [str(n) for n in range(1, len(rows) + 1)]
        dumped = client.get(f"/datastore/dump/{dataset}", params={"format": "json"}).json()
        assert [record[1:] for record in dumped["records"]] == [list(record.values()) for record in found["records"]]
        assert dumped["fields"] == found["fields"]


def test_fields_have_postgres_types_and_labels(client: Any) -> None:
    found = ask(client, "datastore_search", resource_id="trees", limit=0)
    assert found["records"] == []
    types = {item["id"]: item["type"] for item in found["fields"]}
    assert next(iter(types)) == "_id"
    assert types | {"_id": "int"} == {
        "_id": "int", "id": "int", "species": "text", "district": "text", "code": "text", "height": "numeric",
        "rings": "int", "protected": "bool", "planted": "date", "inspected": "timestamp", "opens": "time",
        "notes": "text", "tags": "json", "lon": "numeric", "lat": "numeric",
    }  # fmt: skip
    species = next(item for item in found["fields"] if item["id"] == "species")
    assert species["info"] == {"label": "Species", "notes": "Common name, as people say it"}
    told = ask(client, "datastore_info", id=table_id(client, "trees"))
    assert told["meta"]["count"] == found["total"]
    assert told["fields"][0]["id"] == "id"
    assert told["fields"][0]["schema"]["native_type"] == "int"


def test_pages_by_offset_have_no_seam(client: Any) -> None:
    for more in ({}, {"sort": "height desc nulls last, id"}, {"filters": {"district": ["Nord", "Sud"]}}, {"q": "lime"}):
        whole = ask(client, "datastore_search", resource_id="trees", limit=1000, **more)
        pages: list[Any] = []
        for offset in range(0, whole["total"] + 17, 17):
            page = ask(client, "datastore_search", resource_id="trees", limit="17", offset=str(offset), **more)
            assert page["total"] == whole["total"]
            pages += page["records"]
        assert pages == whole["records"]
        middle = ask(client, "datastore_search", resource_id="trees", limit=5, offset=23, **more)
        assert middle["records"] == whole["records"][23:28]
    assert ask(client, "datastore_search", resource_id="trees", offset=10**9)["records"] == []


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"filters": {"id": 5}}, [5]),
        ({"filters": {"id": "5"}}, [5]),
        ({"filters": {"id": [5, "7", 9999]}}, [5, 7]),
        ({"filters": {"id": []}}, []),
        ({"filters": {"code": 7}}, []),
        ({"filters": {"code": "0007"}}, [7]),
        ({"filters": {"id": {"gte": 199, "lt": "201"}}}, [199, 200]),
        ({"filters": {"id": [{"lt": 3}, {"gt": 200}]}}, [1, 2, 201]),
        ({"filters": {"$or": [{"id": 1}, {"id": 2, "district": "Nord"}, {"code": "0004"}]}}, [1, 4]),
        ({"filters": [{"id": 1}, {"id": 4}]}, [1, 4]),
        ({"filters": {"species": None, "id": {"lte": 10}}}, [4, 10]),
        ({"filters": {"species": [None, "Platanus"], "id": {"lte": 10}}}, [1, 4, 7, 10]),
        ({"filters": {"planted": "2001-02-11"}}, None),
        ({"filters": {"inspected": "2025-02-02 01:30:15"}}, [1, 169]),
        ({"filters": {"inspected": "2025-02-02T01:30:15"}}, [1, 169]),
        ({"filters": {"protected": "True", "id": {"lte": 6}}}, [2, 4, 6]),
        ({"filters": {"_id": 4}}, [5]),
        ({"filters": {"_id": [4, 2, 999]}}, [2, 5]),
        ({"q": {"species": "QUERC", "id": 15}}, [15]),
        ({"q": "lime", "filters": {"id": {"lt": 12}}}, None),
        ({"q": "lime & tree:*", "plain": "false", "filters": {"id": {"lt": 12}}}, None),
    ],
)
def test_filters(client: Any, given: dict[str, Any], wanted: list[int] | None) -> None:
    found = ask(client, "datastore_search", resource_id="trees", fields="id", **given)
    got = sorted(record["id"] for record in found["records"])
    assert got == (got if wanted is None else wanted)
    assert got or wanted == []
    assert found["fields"] == [{"id": "id", "type": "int", "info": {"label": "Number"}}]
    posted = client.post("/api/action/datastore_search", json={"resource_id": "trees", "fields": ["id"], **given})
    assert posted.json()["result"]["records"] == found["records"]


@pytest.mark.parametrize(
    "given",
    [
        {"filters": {"id": "5; DROP TABLE trees"}},
        {"filters": {"id' OR 1=1 --": 5}},
        {"filters": {"id": {"$where": "1"}}},
        {"filters": {"id": {"eq": {"eq": {"eq": {"eq": {"eq": {"eq": {"eq": {"eq": {"eq": 1}}}}}}}}}}},
        {"filters": {"id": list(range(5000))}},
        {"filters": {"_id": "1 OR 1=1"}},
        {"filters": {"_id": {"lt": 4}}},
        {"filters": {"height": "nan!"}},
        {"filters": {"tags": "a"}},
        {"filters": {"planted": "tomorrow"}},
        {"filters": "nothing"},
        {"filters": '{"id": '},
        {"sort": "id; DROP TABLE trees"},
        {"sort": "height desc nulls first"},
        {"sort": "nothing"},
        {"sort": "tags"},
        {"fields": "id,nothing"},
        {"fields": ['id" FROM secret --']},
        {"limit": "-1"},
        {"offset": "1e9"},
        {"records_format": "xml"},
        {"q": {"nothing": "x"}},
        {"resource_id": 'trees"; DROP TABLE x; --'},
        {"resource_id": "../../etc/passwd"},
        {"resource_id": "'" * 36},
    ],
)
def test_questions_made_to_hurt_are_refused(client: Any, given: dict[str, Any]) -> None:
    found = client.post("/api/action/datastore_search", json={"resource_id": "trees", **given})
    assert found.status_code in (404, 409), found.text
    assert found.json()["success"] is False
    assert found.json()["error"]["__type"] in ("Validation Error", "Not Found Error")


def test_nesting_without_end_is_refused(client: Any) -> None:
    deep: dict[str, Any] = {"id": 1}
    for _ in range(400):
        deep = {"$or": [deep, {"id": 2}]}
    assert client.post("/api/action/datastore_search", json={"id": "trees", "filters": deep}).status_code == 409
    assert client.post("/api/action/datastore_search", content=b'{"a":' * 100_000).status_code == 409
    assert client.post("/api/action/package_search", content=b"q=" + b"a" * 1_100_000).status_code in (400, 409)


def test_a_row_is_found_again_by_its_number(client: Any) -> None:
    rows = ask(client, "datastore_search", resource_id="trees", limit=1000)["records"]
    for given, wanted in (({"gt": 198}, rows[198:]), ({"gte": "199"}, rows[198:]), (17, rows[16:17])):
        assert ask(client, "datastore_search", resource_id="trees", filters={"_id": given})["records"] == wanted
    chosen = {"_id": {"gt": 100}, "district": "Nord"}
    wanted = [row for row in rows[100:] if row["district"] == "Nord"]
    assert ask(client, "datastore_search", resource_id="trees", filters=chosen)["records"] == wanted
    by_height = ask(client, "datastore_search", resource_id="trees", sort="height desc", limit=3)["records"]
    assert by_height == [rows[row["_id"] - 1] for row in by_height]


def test_distinct_formats_and_links(client: Any) -> None:
    found = ask(client, "datastore_search", resource_id="trees", fields=["district"], distinct="true", sort="district")
    assert found["records"] == [{"district": "Est"}, {"district": "Nord"}, {"district": "Sud"}]
    assert found["total"] == 3
    lists = ask(client, "datastore_search", resource_id="trees", limit=2, fields="_id, species", records_format="lists")
    assert lists["records"] == [[1, "Platanus"], [2, "Acer, red"]]
    sheet = ask(client, "datastore_search", resource_id="trees", limit=2, fields="_id,species", records_format="csv")
    assert sheet["records"] == '1,Platanus\r\n2,"Acer, red"\r\n'
    tabs = ask(client, "datastore_search", resource_id="trees", limit=1, fields="_id,species", records_format="tsv")
    assert tabs["records"] == "1\tPlatanus\r\n"
    capped = ask(client, "datastore_search", resource_id="trees", limit=100_000, include_total="False")
    assert capped["limit"] == 32_000
    assert "total" not in capped
    page = ask(client, "datastore_search", resource_id="trees", limit=10, filters={"district": "Nord"})
    following = client.get(page["_links"]["next"]).json()["result"]
    assert following["offset"] == 10
    assert following["records"][0]["_id"] > page["records"][-1]["_id"]


def test_time_travel(client: Any) -> None:
    resources = ask(client, "package_show", id="trees")["resources"]
    old = next(item["id"] for item in resources if item["name"].endswith("version 1"))
    for given in (
        {"resource_id": old},
        {"resource_id": "trees", "as_of": "1"},
        {"resource_id": "trees", "as_of": "2026-01-20"},
    ):
        found = ask(client, "datastore_search", filters={"id": 3}, **given)
        assert [record["id"] for record in found["records"]] == [3]
    assert ask(client, "datastore_search", resource_id="trees", filters={"id": 3})["records"] == []
    assert ask(client, "datastore_info", id=old)["meta"]["count"] == 200
    assert len(client.get(f"/datastore/dump/{old}").text.splitlines()) > 200
    unknown = old[:-4] + "4fff"
    assert client.get(f"{AT}/datastore_search", params={"id": unknown}).status_code == 404


def test_the_list_of_tables(client: Any) -> None:
    found = ask(client, "datastore_search", id="_table_metadata", limit=32000)
    listed = {record["name"] for record in found["records"]}
    assert {table_id(client, "trees"), table_id(client, "areas"), "trees", "areas"} == listed
    assert found["fields"][0] == {"id": "_id", "type": "int"}


def test_sql(client: Any) -> None:
    table, old = table_id(client, "trees"), ""
    for item in ask(client, "package_show", id="trees")["resources"]:
        old = item["id"] if item["name"].endswith("version 1") else old
    sql = f'SELECT district, count(*) AS n FROM "{table}" WHERE height > 3::numeric GROUP BY district ORDER BY 1'
    found = ask(client, "datastore_search_sql", sql=sql)
    assert found["sql"] == sql
    assert [record["district"] for record in found["records"]] == ["Est", "Nord", "Sud"]
    assert [item["id"] for item in found["fields"]] == ["district", "n"]
    assert "records_truncated" not in found
    assert ask(client, "datastore_search_sql", sql=f'SELECT count(*) AS n FROM "{old}"')["records"] == [{"n": 200}]
    assert ask(client, "datastore_search_sql", sql="SELECT code, shape FROM areas LIMIT 1")["records"][0]["shape"]
    many = ask(client, "datastore_search_sql", sql="SELECT * FROM generate_series(1, 40000) AS g(n)")
    assert len(many["records"]) == 32_000
    assert many["records_truncated"] is True


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("SELECT * FROM families", 403),
        ('SELECT * FROM "nothing"', 409),
        ("SELECT * FROM read_csv('/etc/passwd')", 409),
        ("SELECT * FROM trees; DROP TABLE trees", 409),
        ("DELETE FROM trees", 409),
        ("SELECT pg_sleep(100)", 409),
        ("SELECT", 409),
    ],
)
def test_sql_stays_inside(client: Any, sql: str, status: int) -> None:
    found = client.post("/api/action/datastore_search_sql", json={"sql": sql})
    assert found.status_code == status, found.text
    assert found.json()["success"] is False


def test_dumps(client: Any) -> None:
    at = "/datastore/dump/trees"
    body = client.get(at)
    assert body.headers["content-type"].startswith("text/csv")
    assert 'filename="trees.csv"' in body.headers["content-disposition"]
    assert body.text.startswith("_id,id,species,")
    again = client.get(at, headers={"if-none-match": body.headers["etag"]})
    assert again.status_code == 304
    assert client.get(at, params={"bom": "true"}).content.startswith(b"\xef\xbb\xbf_id,")
    part = client.get(at, params={"offset": 5, "limit": 3, "fields": "_id,id", "format": "tsv"}).text
    assert part == "_id\tid\r\n6\t7\r\n7\t8\r\n8\t9\r\n"
    chosen = client.get(at, params={"filters": '{"district": "Nord"}', "sort": "id desc", "fields": "id"}).text
    assert [int(line) for line in chosen.split()[1:]] == list(range(201, 3, -3))
    assert client.get("/datastore/dump/families").status_code == 403
    assert client.get("/datastore/dump/nothing").status_code == 404
    assert client.get(at, params={"format": "exe"}).status_code == 400


def test_pages_of_ckan_lead_to_ours(client: Any) -> None:
    found = ask(client, "package_show", id="trees")
    for path, target in {
        "/dataset": "/datasets",
        "/dataset/trees": "/datasets/trees",
        f"/dataset/{found['id']}": "/datasets/trees",
        f"/dataset/trees/resource/{found['resources'][0]['id']}": "/datasets/trees",
        f"/dataset/trees/resource/{found['resources'][0]['id']}/download/trees.csv": found["resources"][0]["url"],
        "/organization": "/organisations",
        "/organization/parks-office": "/organisations/parks-office",
        f"/organization/{found['owner_org']}": "/organisations/parks-office",
        "/group/envi": "/themes/ENVI",
    }.items():
        answer = client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (302, target)
    assert client.get("/dataset/nothing", follow_redirects=False).status_code == 404
    assert client.get("/dataset/%2F%2Fevil.example", follow_redirects=False).status_code == 404


def test_what_was_harvested_is_told_apart_by_its_source(client: Any) -> None:
    """CKAN's harvester leaves out what others gave with ``-harvest_source_id:*``; here nothing was harvested."""
    for fq, count in (("-harvest_source_id:*", 3), ("harvest_source_id:*", 0), ("harvest_source_id:[* TO *]", 0)):
        found = client.get("/api/3/action/package_search", params={"fq": fq}).json()["result"]
        assert found["count"] == count, fq
