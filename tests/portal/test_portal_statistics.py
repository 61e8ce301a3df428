"""The pages of a dataset whose statistics alone are open: none shows a row, each says what can be asked."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faces"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "door"))

import pytest
from test_door_tally import AT, PEOPLE, ROWS
from tiny_city import open_tiny

from arengo import faces, portal
from arengo.contract import loads

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

TABS = ("", "/table", "/charts", "/map", "/columns", "/quality", "/versions", "/downloads", "/api", "/discussion",
        "/compare?from=1&to=2", "/rows/p0007", "/charts/income", "/charts/surname", "/map?search=unique7",
        "/table?search=unique7", "/origin")  # fmt: skip
PAGES = (*(f"/datasets/people{tab}" for tab in TABS), "/", "/datasets", "/datasets?q=unique7", "/workbench",
         "/datasets/people.ttl", "/datasets/people.jsonld", "/feeds/datasets/people.atom")  # fmt: skip


@pytest.mark.slow
def test_no_page_shows_a_row(tmp_path: Path) -> None:
    from starlette.applications import Starlette

    city = open_tiny(tmp_path)
    column: dict[str, Any] = {"kind": "string", "count": 200, "top": [{"value": "UNIQUE7", "count": 1}],
                              "length": {"mean": 7}, "min": "UNIQUE1", "max": "UNIQUE99"}  # fmt: skip
    profile = {"rows": 200, "columns": {"surname": column}, "bbox": [9, 45, 10, 46]}
    for number, rows in enumerate((ROWS[:-1], ROWS)):
        city.publish(loads(PEOPLE % "{threshold: 5}"), rows, AT.replace(month=3 + number), {"profile": profile})
    api = faces.routes(city.door, city.catalogue, city.settings)
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state)
    handlers = faces.handlers(portal.error_page(city.settings))
    app = faces.wrap(Starlette(routes=[*api, *pages], exception_handlers=handlers), city.door, city.catalogue,
                     city.settings)  # fmt: skip
    with TestClient(app, raise_server_exceptions=False) as client:
        seen = {}
        for path in PAGES:
            answer = client.get(path)
            assert answer.status_code < 500, (path, answer.text[-800:])
            shown = answer.text.replace("unique7", "").replace("p0007", "") if "7" in path else answer.text
            assert "UNIQUE" not in shown.replace("/UNIQUE", ""), path
            assert "p0007" not in shown, path
            seen[path] = answer.status_code
        overview = client.get("/datasets/people").text
        assert "Statistics are open" in overview
        assert 'href="/datasets/people/table"' not in overview
        assert "statistics of people are open" in client.get("/datasets/people/table").text
    assert seen["/datasets/people"] == seen["/datasets/people/columns"] == seen["/datasets/people/versions"] == 200
    assert seen["/datasets/people/table"] == 403
    city.door.close()
    city.close()
