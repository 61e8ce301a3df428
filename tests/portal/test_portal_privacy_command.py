"""``arengo privacy`` on the command line: before and after of a repair, what a column is, invitations' addresses."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from privacy_town import BALLOTS, Told, again, blocked, make, review, small
from typer.testing import CliRunner

from arengo import terminal
from arengo.app import SERVED, address_of
from arengo.cli import app, commands
from arengo.privacy.verdicts import DECIDED


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    made = make(Path(tmp_path_factory.mktemp("command")))
    yield made
    made.town.city.close()


def run(told: Told, *words: str, code: int = 0, given: str = "") -> str:
    root = told.town.city.settings.root
    done = CliRunner().invoke(app, ["privacy", *words, "--city", str(root)], input=given)
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output


def contract(told: Told) -> Path:
    return told.town.city.settings.root / "contracts" / "ballots.odcs.yaml"


def test_a_verdict_shows_repairs_as_the_contract_spells_them(told: Told) -> None:
    text = run(told, "show", "ballots")
    assert "repair  generalise-1: age: {top: 80} (18.4 % of the detail is lost" in text
    assert "suppress: {below: 5}" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["alone", "14", "0"] in lines
    assert ["in", "groups", "of", "2", "to", "4", "46", "0"] in lines
    assert ["in", "groups", "of", "5", "and", "more", "4,230", "4,290"] in lines


def test_a_repair_says_what_will_happen_before_it_is_written(told: Told) -> None:
    before = contract(told).read_text(encoding="utf-8")
    text = run(told, "repair", "ballots", "suppress-2", given="n\n", code=1)
    assert "In ballots.odcs.yaml, as version" in text
    assert contract(told).read_text(encoding="utf-8") == before
    made = json.loads(run(told, "repair", "ballots", "suppress-2", "--json"))
    assert made["suppressed"] == 60
    assert made["before"]["1"] == 14
    assert made["changes"]
    assert "arengoProtection" in contract(told).read_text(encoding="utf-8")
    contract(told).write_text(BALLOTS, encoding="utf-8")


def test_a_repair_of_an_overlap_says_whom_it_no_longer_exposes(told: Told) -> None:
    made = again(told, blocked(told.town))
    text = run(told, "show", "ballots")
    assert "before" in text
    told.desk.verdicts.settle(made.id, "replaced")
    again(told, small(told.town, "r7"))


def test_commands_that_are_named_can_be_copied(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["arengo", "privacy", "show", "ballots", "--city", "my city"])
    assert "Take one with: arengo privacy repair --city 'my city' ballots " in run(told, "show", "ballots")
    told_ = terminal.hint("Now: arengo apply trees && arengo publish trees; see 'arengo erasure list'.")
    assert told_ == ("Now: arengo apply --city 'my city' trees && arengo publish --city 'my city' trees; "
                     "see 'arengo erasure list --city 'my city''.")  # fmt: skip
    for words in (["-C", "x/"], ["-Cx/"], ["--city=x/"]):
        monkeypatch.setattr("sys.argv", ["arengo", "status", *words])
        assert terminal.hint("Run 'arengo ledger verify --city DIR'.") == "Run 'arengo ledger verify --city x/'."
        assert terminal.hint("arengo draft FILE -o contracts/N.yaml") == "arengo draft FILE -o x/contracts/N.yaml"
    for words in ("Use 'arengo erasure' there.", "arengo plugins", "arengo init DIR"):
        assert terminal.hint(words) == words
    monkeypatch.setattr("sys.argv", ["arengo", "status"])
    assert terminal.hint("Run arengo lint.") == "Run arengo lint."
    assert set(terminal.GROUPS) == {group.name for group in app.registered_groups}
    monkeypatch.setattr("sys.argv", ["arengo", "status", "--city", "x"])
    taken = {name for name in commands() if terminal.hint(f"arengo {name}") != f"arengo {name}"}
    assert taken == {name for name, call in commands().items() if "city" in signature(call).parameters} - {"draft"}


def test_a_column_is_confirmed_and_allowed(told: Told) -> None:
    text = run(told, "confirm", "ballots", "project", "--role", "identifier", "--kind", "name", "--yes")
    assert "Now: arengo apply ballots && arengo publish ballots" in text
    assert "value: identifier" in contract(told).read_text(encoding="utf-8")
    contract(told).write_text(BALLOTS, encoding="utf-8")
    why = "Projects are proposals of the city itself."
    made = json.loads(run(told, "allow", "ballots", "project", "--because", why, "--json"))
    assert (made["column"], made["why"]) == ("project", why)
    assert why in contract(told).read_text(encoding="utf-8")
    contract(told).write_text(BALLOTS, encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [
        ("allow", "ballots", "age", "--because", "Ages are known to everybody."),
        ("allow", "ballots", "project", "--because", "x"),
        ("allow", "ballots", "nothing", "--because", "There is no such column here."),
        ("confirm", "ballots", "project", "--role", "boss"),
        ("confirm", "ballots", "district", "--role", "quasi", "--concept", "residence"),
        ("confirm", "nobody", "x", "--role", "quasi"),
    ],
)
def test_what_cannot_be_kept_changes_nothing(told: Told, words: tuple[str, ...]) -> None:
    root = told.town.city.settings.root
    done = CliRunner().invoke(app, ["privacy", *words, "--yes", "--city", str(root)])
    assert done.exit_code != 0
    assert contract(told).read_text(encoding="utf-8") == BALLOTS


def test_a_link_names_the_port_the_city_is_served_at(told: Told) -> None:
    settings: Any = told.town.city.settings
    path = settings.home / SERVED
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        there.listen()
        here = f"http://localhost:{there.getsockname()[1]}"
        path.write_text(here, encoding="ascii")
        assert address_of(settings) == (settings.city.url.rstrip("/") or here)
    assert address_of(settings) != here or settings.city.url
    path.write_text("nonsense", encoding="ascii")
    assert address_of(settings).startswith("http")
    path.unlink()


def test_the_demo_listens_where_the_setting_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``make demo`` takes no options, so the setting is how its port is named."""
    from arengo.errors import SettingsError

    asked: list[int] = []

    def stop(*_: Any, port: int, **__: Any) -> None:
        asked.append(port)
        raise SettingsError("That was all that is asked here.")

    monkeypatch.setattr(import_module("arengo.demo.play"), "play", stop)
    for environ in ({"ARENGO_SERVE_PORT": "8437"}, {}):
        CliRunner(env=environ).invoke(app, ["demo", "--dir", str(tmp_path / "city")])
    assert asked == [8437, 8000]


def test_what_people_decided_waits_for_nobody(told: Told) -> None:
    again(told, review(told.town, run="r-waits"))
    assert "ballots waits for a steward" in run(told, "show", "ballots")
    told.desk.verdicts.keep(review(told.town, run="r-decided"), DECIDED, 1)
    assert "ballots was looked at, and published by decision (" in run(told, "show", "ballots")
