"""The record as pages, and its commands."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from small_record import fill
from typer.testing import CliRunner

import arengo
from arengo import faces, portal
from arengo.city import City, init
from arengo.commands.ledger import app as commands
from arengo.governance import ANYONE, Caller
from arengo.ledger import Visibility
from arengo.portal.visit import Visit

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PLACE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[City]:
    root = Path(tmp_path_factory.mktemp("page")) / "city"
    init(root, name="Castellaro").close()
    (root / ".arengo").mkdir()
    (root / ".arengo" / "state.sqlite").write_bytes(migrated.read_bytes())
    with arengo.open(root) as opened:
        ledger = opened.ledger
        fill(ledger, 120)
        ledger.tell("publication", organisation="parks", dataset="trees", body={"version": 4, "rows": 12})
        until = datetime.now(UTC) + timedelta(days=9)
        later = Visibility("deferred", until, "prosecutor", "c.p.p. art. 329")
        ledger.tell("read", actor="officer", dataset="children", organisation="police", visibility=later)
        ledger.tell("login", actor="anna", organisation="parks", body={"act": "signed in"}, subjects=["anna"])
        ledger.tell("read", dataset="trees", body={"columns": [PLACE], "purpose": PLACE, "rows": 3})
        ledger.sign()
        ledger.tell("policy", organisation="parks", body={"action": "changed", "policy": "ab12"})
        yield opened


@pytest.fixture(scope="module")
def client(city: City) -> Iterator[TestClient]:
    from starlette.applications import Starlette

    api = faces.routes(city.door, city.catalogue, city.settings, None, city.access)
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, access=city.access)
    app = Starlette(routes=[*api, *pages], exception_handlers=faces.handlers(portal.error_page(city.settings)))
    with TestClient(app) as made:
        yield made


def test_the_list(client: TestClient) -> None:
    answer = client.get("/record")
    assert answer.status_code == 200
    text = answer.text
    assert "castellaro.invalid/ledger/v1+" in text
    assert "Not shown yet" in text
    assert "police" not in text
    assert "Version 4" in text
    assert "not signed yet" in text
    assert PLACE not in text
    for word in ("person-", "app-1", "anna", "officer", "prosecutor"):
        assert word not in text
    assert len(answer.content) < 60_000
    assert client.get("/record", headers={"if-none-match": answer.headers["etag"]}).status_code == 304


def test_choosing(client: TestClient) -> None:
    assert "Version 4" in client.get("/record?kind=publication").text
    assert "Somebody signed in" not in client.get("/record?kind=publication").text
    assert "Nothing of this kind" in client.get("/record?dataset=none").text
    assert "Nothing of this kind" in client.get("/record?day=2001-01-01").text
    assert "Older entries" in client.get("/record").text
    assert "Older entries" not in client.get("/record?before=20").text
    for odd in ("kind=gossip", "day=yesterday", "before=-1", "before=9999999999999999999", f"dataset={PLACE}"):
        answer = client.get(f"/record?{odd}")
        assert answer.status_code == 200
        assert PLACE not in answer.text


def test_an_entry_and_its_proof(client: TestClient, city: City) -> None:
    text = client.get("/record/7").text
    signed = city.ledger.checkpoint()
    assert signed is not None
    assert city.ledger.entry(7).leaf.decode().replace('"', "&#34;") in text
    assert signed.text.split("\n")[2] in text.replace("&#43;", "+")
    assert text.count("<li><code>") == len(city.ledger.inclusion(7, signed.size))
    assert "next signature" in client.get("/record/125").text
    hidden = client.get("/record/121").text
    assert "not shown yet" in hidden
    assert "police" not in hidden
    assert PLACE not in client.get("/record/123").text
    assert client.get("/record/100000").status_code == 404
    assert client.get("/record/x").status_code == 404
    assert client.get("/record/99999999999999999999").status_code == 404


def test_only_auditors_see_what_stands_behind(client: TestClient, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/record/1?body=1").status_code == 403
    before = city.ledger.size
    monkeypatch.setattr(Visit, "caller", Caller("p-ines", "city", roles=(("*", "auditor"),)))
    assert "Show names and details" in client.get("/record/1").text
    shown = client.get("/record/1?body=1")
    assert "app-1" in shown.text
    assert shown.headers["cache-control"] == "private, no-store"
    assert city.ledger.size == before + 1
    monkeypatch.setattr(
        Visit, "caller", Caller("p-carl", "school", roles=(("school", "auditor"), ("*", "administrator")))
    )
    assert client.get("/record/1?body=1").status_code == 403
    monkeypatch.setattr(Visit, "caller", ANYONE)
    assert client.get("/record/1?body=1").status_code == 403


def test_when_people_sign_in_is_nobodys_business(city: City) -> None:
    entry = city.ledger.entry(122)
    assert set(entry.facts) == {"v", "n", "t", "kind", "action", "body", "subjects"}
    assert city.ledger.of_subject("anna")[0].complete


def run(*words: str) -> tuple[int, str]:
    made = CliRunner().invoke(commands, list(words))
    return made.exit_code, made.output


def test_commands(city: City, tmp_path: Path) -> None:
    root = str(city.settings.root)
    code, text = run("checkpoint", "--city", root)
    assert (code, text.split("\n")[0]) == (0, "castellaro.invalid/ledger/v1")
    kept = tmp_path / "kept"
    kept.write_text(text)
    code, text = run("verify", "--city", root)
    assert code == 0
    assert "is whole" in text
    target = tmp_path / "record.tar.gz"
    assert run("export", "-o", str(target), "--city", root)[0] == 0
    code, text = run("verify", str(target), "--against", str(kept), "--json")
    assert code == 0
    report = orjson.loads(text)
    assert report["ok"]
    assert report["key_trusted"] is False
    code, text = run("verify", str(target), "--key", report["key"], "--json")
    assert orjson.loads(text)["key_trusted"] is True
    code, text = run("show", "--city", root, "--limit", "3", "--kind", "publication")
    assert "version 4" in text
    code, text = run("show", "120", "--city", root, "--json")
    assert orjson.loads(text)["body"]["facts"]["rows"] == 12
    code, text = run("show", "121", "--city", root)
    assert "deferred, by prosecutor" in text
    code, text = run("show", "--keys", "--city", root)
    assert "/witness+" in text
    assert run("witness", "--city", root) == (0, "No witness has anything to sign.\n")
    folder = tmp_path / "folder"
    assert run("export", "-o", str(folder), "--city", root)[0] == 0
    bundle = folder / "tile" / "entries" / "000.p"
    (path,) = bundle.iterdir()
    path.write_bytes(path.read_bytes().replace(b'"dataset":"trees"', b'"dataset":"trams"', 1))
    code, text = run("verify", str(folder))
    assert code == 4
    assert "was edited after it was recorded" in text
    assert "NOT right" in text


def test_secrets_stay_where_they_are(city: City, tmp_path: Path) -> None:
    """Neither keys nor persons stand in an export, in any form."""
    folder = tmp_path / "export"
    assert run("export", "-o", str(folder), "--city", str(city.settings.root))[0] == 0
    secrets = [line.split("+")[-1] for line in (city.settings.home / "ledger.key").read_text().split()]
    for path in folder.rglob("*"):
        held = path.read_bytes() if path.is_file() else b""
        for word in (*filter(None, secrets), "person-", "anna", "officer", "prosecutor", "app-1"):
            assert word.encode() not in held
