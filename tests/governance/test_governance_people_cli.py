"""``arengo party``: from an empty city to a person who signs in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import arengo
from arengo.cli import app
from arengo.errors import BadForm, BadQuery, NotFound

PHRASE = "tulip harbour seven stones"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    arengo.init(tmp_path / "city", name="Tinyville").close()
    with (tmp_path / "city" / "city.toml").open("a", encoding="utf-8") as file:
        file.write("[login]\nargon2_memory = 64\n")
    return tmp_path / "city"


def run(root: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["party", *words, "--city", str(root)], catch_exceptions=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_the_first_administrator(root: Path) -> None:
    assert "Nobody yet" in run(root, "people")
    link = run(root, "invite", "chief@city.example", "--organisation", "*", "--role", "administrator").strip()
    with arengo.open(root) as city:
        parties = city.access.parties
        person = parties.invitations.accept(link.rpartition("/")[2], PHRASE, "La Capa")
        caller = city.access.sessions.caller(city.access.sessions.open(person.id, 2))
        assert caller.has("administrator", "city")
    (said,) = json.loads(run(root, "people", "--json"))
    assert (said["name"], said["state"], said["password"]) == ("La Capa", "active", True)
    assert "administrator of *" in run(root, "people")


def test_organisations_roles_and_leaving(root: Path) -> None:
    assert "registry-office" in run(root, "organisation", "Registry Office")
    run(root, "organisation", "Archive", "--parent", "registry-office")
    names = {item["id"]: item["parent"] for item in json.loads(run(root, "organisations", "--json"))}
    assert names == {"city": "", "registry-office": "", "archive": "registry-office"}
    made = json.loads(run(root, "invite", "n@city.example", "--organisation", "archive", "--role", "reader", "--json"))
    assert "/invitation/" in made["link"]
    assert json.loads(run(root, "invite", "n@city.example", "--json"))["link"] != made["link"]
    assert "steward of archive" in run(root, "role", "n@city.example", "archive", "steward")
    run(root, "role", "n@city.example", "archive", "reader", "--take")
    assert [item["role"] for item in json.loads(run(root, "person", made["person"], "--json"))["roles"]] == ["steward"]
    assert "blocked" in run(root, "person", "n@city.example", "--block")
    assert "invited" in run(root, "person", "n@city.example", "--let-in")
    assert "erased.invalid" in run(root, "person", "n@city.example", "--erase")
    with pytest.raises(NotFound):
        run(root, "person", "n@city.example")
    with pytest.raises(BadQuery):
        run(root, "person", made["person"], "--block", "--erase")
    with pytest.raises(BadForm):
        run(root, "role", made["person"], "archive", "king")
    assert "No provider" in run(root, "providers")
