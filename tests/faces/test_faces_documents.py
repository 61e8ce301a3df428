"""The guides say what the API does: every example is asked, every parameter, format and operator is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from arengo.faces.export import FORMATS
from arengo.faces.page import FORMS
from arengo.query import BUCKETS, FUNCTIONS, OPERATORS, PARAMETERS
from arengo.query.notation import SUFFIXES

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
API = (GUIDES / "api.md").read_text(encoding="utf-8")
EXPORTS = (GUIDES / "exports.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("address", re.findall(r"^GET (/api/\S+)$", API + EXPORTS, re.MULTILINE))
def test_every_example_is_answered(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    if "/rows" in address:
        assert answer.json()["items"]


def test_the_posted_example_is_answered(client: TestClient) -> None:
    body = re.search(r"```json\n(.*?)```", API, re.DOTALL)
    assert body is not None
    answer = client.post("/api/v1/datasets/trees/rows", content=body.group(1))
    assert answer.json()["items"], answer.text


def test_everything_is_named() -> None:
    for name in (*PARAMETERS, *FUNCTIONS, *BUCKETS, *FORMS, *(f"__{suffix}" for suffix in SUFFIXES)):
        assert f"`{name}`" in API, name
    for name in OPERATORS:
        assert name.lower() in API.lower().replace("is null", "isnull"), name
    for name in (*FORMATS, "safe=true", "bom=true", "delimiter=semicolon"):
        assert f"`{name}`" in EXPORTS, name
