"""Clients of CKAN as people run them, against a running server, and addresses recorded from those that need a CKAN."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).resolve().parents[2] / "web"


# ---- ckanapi ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("get", [False, True])
def test_ckanapi_reads_the_catalogue_and_its_tables(address: str, get: bool) -> None:
    from ckanapi import NotAuthorized, NotFound, RemoteCKAN, ValidationError
    from ckanapi.errors import CKANAPIError, SearchQueryError

    with RemoteCKAN(address, apikey="unused", get_only=get) as ckan:
        assert ckan.action.package_list() == ["areas", "families", "trees"]
        found = ckan.action.package_show(id="trees")
        assert found["title"] == "Street trees"
        table = next(item for item in found["resources"] if item["datastore_active"])
        rows = ckan.action.datastore_search(resource_id=table["id"], limit=5, sort="id")
        assert [row["id"] for row in rows["records"]] == [1, 2, 4, 5, 6]
        assert rows["total"] == 200
        if not get:
            chosen = ckan.action.datastore_search(
                resource_id=table["id"], filters={"district": ["Nord"]}, fields=["id"]
            )
            assert chosen["total"] == 66
            sql = f'SELECT count(*) AS n FROM "{table["id"]}"'
            assert ckan.action.datastore_search_sql(sql=sql)["records"] == [{"n": 200}]
        assert ckan.action.organization_show(id="parks-office", include_users="False")["package_count"] == 1
        assert ckan.action.site_read() is True
        with pytest.raises(NotFound):
            ckan.action.package_show(id="nothing")
        with pytest.raises(NotAuthorized):
            ckan.action.datastore_search(resource_id="families")
        with pytest.raises(ValidationError) as wrong:
            ckan.action.package_show()
        assert wrong.value.error_dict["id"] == ["Missing value"]
        with pytest.raises(SearchQueryError):
            ckan.action.package_search(q="(a")
        with pytest.raises(CKANAPIError, match="Action name not known"):
            ckan.action.fetch_everything()
    with RemoteCKAN(address, apikey="unused") as ckan, pytest.raises(NotAuthorized):
        ckan.action.package_create(name="x")


@pytest.mark.slow
def test_ckanapis_own_commands(address: str, tmp_path: Path) -> None:
    tool = str(Path(sys.executable).with_name("ckanapi"))
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(*words: str) -> str:
        done = subprocess.run(
            [tool, *words, "-r", address], capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert json.loads(run("action", "package_show", "id=trees"))["name"] == "trees"
    assert json.loads(run("action", "status_show", "-g"))["ckan_version"]
    found = [json.loads(line) for line in run("search", "datasets", "q=alberi").splitlines()]
    assert [item["name"] for item in found] == ["trees"]
    dumped = [json.loads(line) for line in run("dump", "datasets", "--all", "-d").splitlines()]
    assert sorted(item["name"] for item in dumped) == ["areas", "families", "trees"]
    resources = [item for found in dumped if found["name"] == "trees" for item in found["resources"]]
    fields = next(item["datastore_fields"] for item in resources if item["datastore_active"])
    assert [item["id"] for item in fields][:2] == ["_id", "id"]
    assert {json.loads(line)["name"] for line in run("dump", "organizations", "--all").splitlines()} >= {"parks-office"}
    assert [json.loads(line)["name"] for line in run("dump", "groups", "--all").splitlines()]
    run("dump", "datasets", "trees", "--datapackages=out")
    package = json.loads((tmp_path / "out" / "trees" / "datapackage.json").read_text())
    described = next(item for item in package["resources"] if item.get("schema"))
    named = {field["name"]: field for field in described["schema"]["fields"]}
    assert named["species"]["title"] == "Species"
    assert named["species"]["description"] == "Common name, as people say it"
    files = sorted((tmp_path / "out" / "trees" / "data").iterdir())
    # ckanapi 4.11 fetches the last resource for each of them: here the table as it was
    assert all(path.read_bytes().startswith(b'"id","species","district"') for path in files)


# ---- frictionless -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_frictionless_reads_packages_catalogues_and_rows(address: str) -> None:
    from frictionless import Catalog, Package
    from frictionless.portals import CkanControl

    package = Package(f"{address}/dataset/trees")
    assert package.name == "trees"
    sheet = next(item for item in package.resources if item.format == "csv" and "version" not in str(item.name))
    with sheet:
        rows = list(sheet.row_stream)
    assert len(rows) == 200
    assert {"Tilia", "Platanus"} <= {row["species"] for row in rows}
    assert sheet.validate().valid
    same = Package(control=CkanControl(baseurl=address, dataset="trees"))
    assert [item.path for item in same.resources] == [item.path for item in package.resources]
    whole = Catalog(control=CkanControl(baseurl=address, num_packages=50))
    assert sorted(str(item.name) for item in whole.datasets) == ["areas", "families", "trees"]
    office = Catalog(control=CkanControl(baseurl=address, organization_name="parks-office"))
    assert [item.name for item in office.datasets] == ["trees"]
    theme = Catalog(control=CkanControl(baseurl=address, group_id="envi", num_packages=5))
    assert [item.name for item in theme.datasets] == ["trees"]
    found = Catalog(control=CkanControl(baseurl=address, search={"q": "name:areas"}))
    assert [item.name for item in found.datasets] == ["areas"]


# ---- JavaScript ---------------------------------------------------------------------------------------------------


def node(script: str, address: str) -> Any:
    if shutil.which("node") is None or not (WEB / "node_modules" / "@portaljs" / "ckan").is_dir():
        pytest.skip("node and the packages of web/ are not installed")
    path = Path(__file__).with_name(script)
    done = subprocess.run(["node", str(path), str(WEB), address], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.slow
def test_ckan_js(address: str) -> None:
    found = node("ckan_js.mjs", address)
    assert found["name"] == "trees"
    assert [row["id"] for row in found["rows"]["hits"]] == [6, 9, 12]
    assert found["rows"]["fields"][1]["type"] == "integer"
    assert found["tables"] == 4
    assert found["sql"] == [{"n": 200}]
    assert "HTTP code 404" in found["refused"]


@pytest.mark.slow
def test_portaljs(address: str) -> None:
    found = node("ckan_portaljs.mjs", address)
    assert found["list"] == ["areas", "families", "trees"]
    assert sorted(found["pages"]) == found["list"]
    assert found["search"] == [1, ["trees"]]
    assert found["details"] == "Street trees"
    assert found["missing"] == "Could not find dataset"
    assert found["stream"] == 1
    assert "envi" in found["groups"]
    assert found["group"] == 1
    assert found["groupStream"] == found["orgStream"] == []
    assert "parks-office" in found["orgs"]
    assert found["org"] == "trees"
    assert "green" in found["tags"]
    assert found["aliases"] == ["areas", "trees"]
    assert found["rows"] == 200
    assert found["resource"] is True
    assert found["fields"] == 14
    assert "envi" in found["facets"]


# ---- recorded addresses -------------------------------------------------------------------------------------------


def take(client: Any, path: str) -> Any:
    found = client.get(path, follow_redirects=False)
    assert found.status_code == 200, (path, found.text)
    assert found.json()["success"] is True
    return found.json()["result"]


def test_the_harvester_of_ckan_gathers_everything(client: Any) -> None:
    """Addresses of ckanext-harvest's CKANHarvester: gather with and without filters, incrementally, then details."""
    at = "/api/3/action/package_search"
    gathered: list[dict[str, Any]] = []
    start = 0
    while True:  # it pages until a page is empty
        page = take(client, f"{at}?rows=100&start={start}&sort=id+asc")
        if not page["results"]:
            break
        gathered += page["results"]
        start += 100
    assert [item["name"] for item in gathered] == ["areas", "families", "trees"]
    assert len({item["id"] for item in gathered}) == 3
    for item in gathered:
        assert len(item["id"]) == 36
        assert item["type"] == "dataset"
        assert {"name", "resources", "tags", "extras", "groups", "owner_org", "metadata_modified"} <= set(item)
        assert take(client, f"/api/action/organization_show?id={item['owner_org']}")["id"] == item["owner_org"]
        for group in item["groups"]:
            assert take(client, f"/api/action/group_show?id={group['name']}")["name"] == group["name"]
    for fq, wanted in {
        "organization:parks-office+OR+organization:registry-office": 2,
        "-organization:parks-office+-organization:registry-office": 1,
        "groups:envi+OR+groups:regi": 2,
        "-groups:envi": 2,
        "metadata_modified:[2026-01-01T00:00:00Z+TO+*]": 3,
        "organization:parks-office+metadata_modified:[2026-01-01T00:00:00.123456Z+TO+*]": 1,
    }.items():
        assert take(client, f"{at}?rows=100&start=0&sort=id+asc&fq={fq}")["count"] == wanted, fq


def test_qgis_browses(client: Any) -> None:
    """Addresses of QGIS CKAN-Browser 0.4."""
    groups = take(client, "/api/3/action/group_list?all_fields=true")
    assert {"display_name", "name"} <= set(groups[0])
    found = take(client, "/api/3/action/package_search?q=alberi&sort=name+asc&rows=50&start=0")
    assert found["count"] == 1
    only = "q=&fq=%28groups%3Aenvi+OR+groups%3Aregi%29&sort=name+asc&rows=50&start=0"
    chosen = take(client, f"/api/3/action/package_search?{only}")
    assert [item["name"] for item in chosen["results"]] == ["areas", "trees"]
    assert {"url", "format", "name"} <= set(chosen["results"][0]["resources"][0])


def test_ckanr_asks(client: Any) -> None:
    """Addresses of ckanr, which writes nulls as empty and logical values in R's way."""
    for path in (
        "package_list?offset=0&limit=31",
        "package_show?id=trees&use_default_schema=FALSE",
        "package_search?q=*%3A*&rows=10&start=0&facet=TRUE&facet.limit=50&facet.mincount=0&facet.field=%5B%22tags%22%5D",
        "current_package_list_with_resources?offset=0&limit=31",
        "package_activity_list?id=trees&offset=0&limit=31",
        "recently_changed_packages_activity_list?offset=0&limit=31",
        "resource_search?query=name%3Atrees",
        "resource_view_list?id=x",
        "group_list?offset=0&limit=31&sort=name&all_fields=FALSE",
        "group_show?id=envi&include_datasets=TRUE",
        "organization_list?order_by=name%20asc&limit=31&all_fields=TRUE",
        "organization_show?id=parks-office&include_datasets=FALSE",
        "tag_list?all_fields=FALSE",
        "tag_show?id=green&include_datasets=TRUE",
        "tag_search?query=gre&offset=0&limit=31",
        "license_list",
        "vocabulary_list",
        "user_list",
        "status_show",
        "site_read",
        "help_show?name=package_search",
        "group_follower_count?id=envi",
        "dataset_follower_count?id=trees",
        "dataset_follower_list?id=trees",
        "user_follower_count?id=x",
        "datastore_search?resource_id=trees&offset=0&limit=3&plain=TRUE",
        "datastore_search_sql?sql=SELECT%20id%20from%20%22trees%22%20LIMIT%202",
    ):
        take(client, f"/api/3/action/{path}")


def test_an_assistants_server_over_ckan_asks(client: Any) -> None:
    """Addresses of ondata/ckan-mcp-server."""
    asked = (
        "q=alberi+strade&fq=organization%3Aparks-office&rows=5&start=0&mm=100%25&sort=metadata_modified+desc"
        "&facet.field=%5B%22organization%22%5D&facet.limit=20&include_drafts=false"
    )
    found = take(client, f"/api/3/action/package_search?{asked}")
    assert found["count"] == 1
    assert found["search_facets"]["organization"]["items"][0]["name"] == "parks-office"
    assert take(client, "/api/3/action/organization_list?all_fields=true&sort=package_count+desc&limit=100&offset=0")
