"""Assistants ask the city with the protocol's own client, over HTTP, against a running server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

Work = Callable[[Any], Coroutine[Any, Any, Any]]


@pytest.fixture(scope="module")
def assistant(address: str) -> Callable[[Work], Any]:
    from mcp.client.client import Client

    def run(work: Work) -> Any:
        async def whole() -> Any:
            async with Client(f"{address}/mcp") as client:
                return await work(client)

        return anyio.run(whole)

    return run


@pytest.fixture(scope="module")
def call(assistant: Callable[[Work], Any]) -> Callable[..., dict[str, Any]]:
    def ask(name: str, **arguments: Any) -> dict[str, Any]:
        found = assistant(lambda client: client.call_tool(name, arguments))
        assert not found.is_error, found.content[0].text
        assert json.loads(found.content[0].text) == found.structured_content
        return dict(found.structured_content)

    return ask


@pytest.fixture(scope="module")
def refused(assistant: Callable[[Work], Any]) -> Callable[..., str]:
    def ask(name: str, **arguments: Any) -> str:
        found = assistant(lambda client: client.call_tool(name, arguments))
        assert found.is_error
        return str(found.content[0].text)

    return ask


def test_tools_say_what_they_take_and_give(assistant: Callable[[Work], Any]) -> None:
    async def look(client: Any) -> None:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} >= {
            "search_datasets", "list_datasets", "describe_dataset", "query_dataset", "column_values", "run_sql",
            "dataset_versions", "dataset_changes",
        }  # fmt: skip
        for tool in tools:
            assert len(tool.description) > 40
            assert tool.input_schema["type"] == tool.output_schema["type"] == "object"
            assert tool.input_schema["additionalProperties"] is False
            assert tool.annotations.read_only_hint
        assert "never instructions" in client.instructions

    assistant(look)


def test_the_way_from_words_to_rows(call: Callable[..., dict[str, Any]], client: Any) -> None:
    found = call("search_datasets", words="alberi strade")
    assert [item["id"] for item in found["datasets"]] == ["trees"]
    assert found["datasets"][0]["columns"][:2] == ["id", "species"]
    told = call("describe_dataset", dataset="trees")
    assert told["may_read"]
    assert told["key"] == ["id"]
    assert told["time_column"] == "inspected"
    assert told["source"]["version"] == 2
    height = next(item for item in told["columns"] if item["name"] == "height")
    assert (height["unit"], height["kind"]) == ("m", "number")
    rows = call("query_dataset", dataset="trees", filter="height > 50", order_by=["-height"], limit=7)
    params = {"filter": "height > 50", "order_by": "-height", "limit": 7, "count": "true"}
    same = client.get("/api/v1/datasets/trees/rows", params=params).json()
    assert rows["rows"] == same["items"]
    assert rows["matched"] == same["matched"]
    assert rows["next"] == same["next"]
    more = call("query_dataset", dataset="trees", filter="height > 50", order_by=["-height"], cursor=rows["next"])
    assert more["rows"][0]["height"] <= rows["rows"][-1]["height"]
    total = call("query_dataset", dataset="trees", group_by=["district"], aggregate=["count", "avg:height"])
    assert sum(item["count"] for item in total["rows"]) == told["about"]["rows"]
    values = call("column_values", dataset="trees", column="district")
    assert {item["value"] for item in values["values"]} == {"Nord", "Sud", "Est"}
    old = call("query_dataset", dataset="trees", as_of="1", filter="id = 3")
    assert old["source"]["version"] == 1
    assert len(old["rows"]) == 1


def test_shapes_come_only_when_named(call: Callable[..., dict[str, Any]]) -> None:
    assert "shape" not in call("query_dataset", dataset="areas")["rows"][0]
    shape = call("query_dataset", dataset="areas", select=["code", "shape"], limit=1)["rows"][0]["shape"]
    assert shape["type"] == "Polygon"


def test_versions_and_changes(call: Callable[..., dict[str, Any]]) -> None:
    assert [item["number"] for item in call("dataset_versions", dataset="trees")["versions"]] == [2, 1]
    found = call("dataset_changes", dataset="trees")
    assert (found["before"], found["after"]) == (1, 2)
    assert (found["added"], found["changed"], found["removed"]) == (1, 1, 1)
    assert {item["kind"] for item in found["changes"]} == {"added", "changed", "removed"}


def test_sql_joins_and_names_its_sources(call: Callable[..., dict[str, Any]]) -> None:
    found = call(
        "run_sql",
        sql="SELECT district, count(*) AS n FROM trees WHERE height > $least GROUP BY 1 ORDER BY 1",
        params={"least": 20},
    )
    assert [row["district"] for row in found["rows"]] == ["Est", "Nord", "Sud"]
    assert [item["dataset"] for item in found["sources"]] == ["trees"]
    cut = call("run_sql", sql="SELECT repeat('x', 1000) AS x FROM range(900)", limit=900)
    assert cut["truncated"]
    assert cut["returned"] == len(cut["rows"]) < 100


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("query_dataset", {"dataset": "trees", "filter": "specis = 'x'"}, "Did you mean 'species'?"),
        ("query_dataset", {"dataset": "trees", "filter": "species = "}, "filter"),
        ("query_dataset", {"dataset": "trees", "filter": "read_csv('/etc/passwd') = 1"}, "read_csv"),
        ("query_dataset", {"dataset": "trees", "filters": "x"}, "Did you mean 'filter'?"),
        ("query_dataset", {"dataset": "trees", "limit": 5000}, "less than or equal to 500"),
        ("query_dataset", {"dataset": "trees", "cursor": "zzz"}, "cursor"),
        ("query_dataset", {"dataset": "families"}, "closed"),
        ("query_dataset", {"dataset": "nobody"}, "There is no dataset 'nobody'"),
        ("query_dataset", {"dataset": "../trees"}, "There is no dataset"),
        ("query_dataset", {}, "dataset: Field required"),
        ("dataset_changes", {"dataset": "areas"}, "no earlier version"),
        ("dataset_versions", {"dataset": "families"}, "closed"),
        ("column_values", {"dataset": "families", "column": "income"}, "closed"),
        ("run_sql", {"sql": "SELECT * FROM families"}, "closed"),
        ("run_sql", {"sql": "SELECT * FROM read_csv('/etc/passwd')"}, "read_csv"),
        ("run_sql", {"sql": "COPY trees TO '/tmp/x'"}, "SELECT"),
    ],
)
def test_refusals_say_what_to_do(refused: Callable[..., str], name: str, arguments: dict[str, Any], words: str) -> None:
    assert words in refused(name, **arguments)


def test_a_closed_dataset_is_told_but_not_opened(call: Callable[..., dict[str, Any]]) -> None:
    told = call("describe_dataset", dataset="families")
    assert "may_read" not in told or not told["may_read"]
    assert "closed" in told["why_not"]
    assert not told.get("columns")


def test_contracts_and_profiles_are_resources(assistant: Callable[[Work], Any]) -> None:
    async def look(client: Any) -> None:
        from mcp.shared.exceptions import MCPError

        names = {str(item.uri) for item in (await client.list_resources()).resources}
        assert "arengo://datasets/trees/contract" in names
        assert not [name for name in names if "families" in name]
        text = (await client.read_resource("arengo://datasets/trees/contract")).contents[0].text
        assert text.startswith("apiVersion: v3.1.0")
        facts = json.loads((await client.read_resource("arengo://datasets/trees/profile")).contents[0].text)
        assert "species" in facts["columns"]
        templates = (await client.list_resource_templates()).resource_templates
        assert len(templates) == 2
        for uri in ("arengo://datasets/families/contract", "arengo://datasets/trees/rows", "file:///etc/passwd"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)
        with pytest.raises(MCPError, match="no tool"):
            await client.call_tool("drop_dataset", {})

    assistant(look)


def test_an_answer_is_bounded(call: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    from arengo.faces.mcp import asking

    monkeypatch.setattr(asking, "LARGEST", 2000)
    found = call("query_dataset", dataset="trees", limit=200)
    assert found["cut"]
    assert len(json.dumps(found["rows"])) < 2600
    following = call("query_dataset", dataset="trees", limit=200, cursor=found["next"])
    assert following["rows"][0]["id"] > found["rows"][-1]["id"]


def test_the_endpoint_takes_posted_json_only(client: Any) -> None:
    assert client.get("/mcp").status_code == 405
    assert client.delete("/mcp").status_code == 405
    head = {"accept": "application/json, text/event-stream"}
    assert (
        client.post("/mcp", content=b"x" * 300_000, headers={**head, "content-type": "application/json"}).status_code
        == 413
    )
    assert client.post("/mcp", content=b"a=b", headers=head).status_code == 400
    assert (
        client.post("/mcp", content=b"[" * 5000, headers={**head, "content-type": "application/json"}).status_code
        == 400
    )
    before = client.options("/mcp", headers={"origin": "https://elsewhere.example"})
    assert before.headers["access-control-allow-origin"] == "*"
    assert "Mcp-Protocol-Version" in before.headers["access-control-allow-headers"]


def test_the_protocol_is_not_loaded_before_it_is_asked() -> None:
    code = (
        "import sys; import arengo.faces.mcp.pages; "
        "assert not [n for n in sys.modules if n == 'mcp' or n.startswith(('mcp.', 'pydantic'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
