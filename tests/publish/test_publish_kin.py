"""Two populations keyed by one register, in a whole city: pupils and voters are laid together, and guests are not."""

from __future__ import annotations

import errno
import html
import json
import random
import warnings
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from arengo import faces, portal
from arengo.city import City, init, open_city
from arengo.cli import app
from arengo.errors import Busy
from arengo.faces.callers import CityCallers
from arengo.governance.caller import Caller
from arengo.governance.session import cookie_name
from arengo.lake import maintenance
from arengo.privacy import bridge, repair
from arengo.privacy import releases as ledger
from arengo.privacy.bridge import _once
from arengo.privacy.mask import secret_of
from arengo.privacy.population import blind
from arengo.privacy.releases import BRIDGES, PAIRS, Releases

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {id}
version: 1.0.0
status: active
domain: participation
schema:
  - name: {id}
    properties:
      - {{name: person, logicalType: string, required: true,
         customProperties: [{{property: arengoPrivacyRole, value: identifier}}, {{property: arengoSubject, value: {population}}}{drop}]}}
{columns}
customProperties:
  - {{property: arengoAccess, value: {access}}}
  - {{property: arengoPopulation, value: {population}}}
  - {{property: arengoPurposes, value: [{{id: registry, dpv: "dpv:RecordManagement", legalBasis: "eu-gdpr:A6-1-c", retention: P75Y}}]}}
  - {{property: arengoPrivacyTarget, value: {{k: 5}}}}
  - {{property: arengoSource, value: {{kind: csv, path: sources/{id}.csv}}}}
"""  # noqa: E501
COLUMN = """\
      - {{name: {name}, logicalType: string,
         customProperties: [{{property: arengoPrivacyRole, value: quasi}},
           {{property: arengoPrivacyConcept, value: {name}}}]}}"""
POPULATIONS = """\
[populations.residents]
register = "register"
[populations.pupils]
register = "register"
[populations.guests]
unit = "person"
"""


def _add(root: Path, id: str, population: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    text = CONTRACT.format(
        id=id, population=population, columns="\n".join(COLUMN.format(name=name) for name in columns),
        access="shared" if id == "register" else "open",
        drop="" if id == "register" else ", {property: arengoProtect, value: drop}",
    )  # fmt: skip
    (root / "contracts" / f"{id}.odcs.yaml").write_text(text, encoding="utf-8")
    mixed = random.Random(11).sample(rows, len(rows))  # the order of the numbers is no secret of the tables here
    lines = [",".join(("person", *columns)), *(",".join(row) for row in mixed)]
    (root / "sources" / f"{id}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _page(city: City, address: str) -> str:
    """As a steward of the owner reads it."""
    parties, operator = city.access.parties, Caller("operator", "city", roles=(("*", "administrator"),), assurance=2)
    person = parties.add_person("Lucia", "lucia@town.example", "participation", by=operator, state="active")
    parties.give(person.id, "participation", "steward", by=operator)
    headers = {"cookie": f"{cookie_name(False)}={city.access.sessions.open(person.id, 2)}", "accept-language": "en"}
    api = faces.routes(city.door, city.catalogue, city.settings, CityCallers(city.access), city.access)
    pages = portal.routes(
        city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access, desk=city.desk
    )
    inner = Starlette(routes=[*api, *pages], exception_handlers=faces.handlers(portal.error_page(city.settings)))
    with TestClient(faces.wrap(inner, city.door, city.catalogue, city.settings), headers=headers) as client:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        return html.unescape(answer.text)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    root = tmp_path / "city"
    init(root, name="Small").close()
    (root / "privacy.toml").write_text(POPULATIONS, encoding="utf-8")
    dice = random.Random(7)
    _add(root, "register", "residents", (), [(f"r{who:04}",) for who in range(1000)])
    pupils = [(f"r{who:04}", dice.choice(["north", "south"]), dice.choice("xyz")) for who in range(800, 1000)]
    _add(root, "enrolments", "pupils", ("district", "school"), pupils)
    voters = [(f"r{who:04}", "north", dice.choice("abcdef")) for who in range(850)]
    _add(root, "ballots", "residents", ("quarter", "list"), voters)
    _add(root, "nights", "guests", ("quarter", "list"), voters)
    with open_city(root) as made:
        made.apply()
        (run,) = made.publish(["register"])
        assert run.state == "succeeded", run.error
        yield made


def test_pupils_who_vote_are_found(city: City) -> None:
    (run,) = city.publish(["enrolments"])
    assert run.state == "succeeded", run.error
    (run,) = city.publish(["ballots"])
    assert run.state == "refused"
    held = city.desk.latest("ballots")
    assert held is not None
    (found,) = (item for item in held.verdict.findings if item.code == "overlap-joint")
    assert found.releases == ("enrolments v1",)
    assert 1 <= found.people <= 50, "of the fifty who are in both"
    told = [dict(item.facts) for item in held.verdict.assumptions if item.code == "kin"]
    assert told == [{"population": "residents", "others": ["pupils"]}]
    assert "r08" not in json.dumps(held.verdict.as_json())
    page = _page(city, "/datasets/ballots/privacy")
    assert "That register also lists pupils: what is public about them was laid beside it." in page
    assert "/datasets/enrolments" in page
    (run,) = city.publish(["nights"])
    assert run.state == "succeeded", run.error  # the same rows about people of another register


@pytest.mark.parametrize("forgotten", [False, True], ids=["kept", "forgotten"])
def test_who_left_the_register_is_still_one_person(city: City, forgotten: bool) -> None:
    """Who stands in both tables and in no register: an older version tells it, or the table that is being judged."""
    root = city.settings.root
    (run,) = city.publish(["enrolments"])
    assert run.state == "succeeded", run.error
    _add(root, "register", "residents", (), [(f"r{who:04}",) for who in range(900)])
    (run,) = city.publish(["register"])
    assert run.state == "succeeded", run.error
    if forgotten:
        maintenance.drop(city.lake, "register", [1], run.started_at)
    lists = [(f"r{who:04}", "north", "ab"[who % 2 if who < 910 else 0]) for who in range(900, 1000)]
    _add(root, "ballots", "residents", ("quarter", "list"), lists)
    city.publish(["ballots"])
    held = city.desk.latest("ballots")
    assert held is not None
    found = {item.code: item for item in held.verdict.findings if item.code.startswith("overlap-")}
    assert found["overlap-joint"].people >= 5, "the five who chose b are told apart by their schools"


def test_the_pairs_are_kept_and_grow_and_go(city: City) -> None:
    root, folder = city.settings.root, city.settings.home / "privacy" / BRIDGES
    city.publish(["enrolments"])
    city.publish(["ballots"])

    def pairs() -> int:
        (path,) = folder.glob("*.parquet")
        return int((duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchone() or (0,))[0])

    assert pairs() == 1000
    _add(root, "register", "residents", (), [(f"r{who:04}",) for who in range(400, 1050)])
    (run,) = city.publish(["register"])
    assert run.state == "succeeded", run.error
    city.publish(["ballots"])
    assert pairs() == 1050, "who left is still known as one person"
    left = blind(secret_of(city.settings.home), "pupils", "r0003")
    Releases(city.settings, city.state, city.lake).forget([left])
    assert pairs() == 1049, "the others who left are still known as one person"
    (path,) = folder.glob("*.parquet")
    assert not duckdb.sql(f"SELECT 1 FROM '{path}' WHERE '{left}' IN (first, second)").fetchall()
    city.publish(["ballots"])
    assert pairs() == 1049
    path.write_bytes(b"PAR1 no such file")
    Releases(city.settings, city.state, city.lake).forget([left])
    assert not path.exists()


def test_a_number_that_was_corrected_in_the_register_is_the_persons_it_is_now(tmp_path: Path) -> None:
    told = [("new", "x", 0), ("new", "y", 2), ("old", "x", 1), ("old", "z", 2), ("other", "w", 1)]
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE told (a VARCHAR, b VARCHAR, age INTEGER)")
        connection.executemany("INSERT INTO told VALUES (?, ?, ?)", told)
        for one, other in (("a", "b"), ("b", "a")):
            rows = connection.execute(f"SELECT a, b FROM ({_once('SELECT * FROM told', one, other)})").fetchall()
            assert {("new", "x"), ("other", "w")} <= set(rows)
            assert len({row[0] for row in rows}) == len({row[1] for row in rows}) == len(rows)


def test_an_erasure_and_a_verdict_do_not_meet_at_the_pairs(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who read the pairs before writes them before, or reads them again afterwards."""
    monkeypatch.setattr(bridge, "WAIT", 0.0)
    monkeypatch.setattr(ledger, "WAIT", 0.0)
    city.publish(["enrolments"])
    with city.state.hold(PAIRS):
        (run,) = city.publish(["ballots"])
        assert run.error is not None
        assert PAIRS in run.error["message"]
        assert not (city.settings.home / "privacy" / BRIDGES).exists()
        with pytest.raises(Busy):
            Releases(city.settings, city.state, city.lake).forget(["0" * 32])
    (run,) = city.publish(["ballots"])
    assert run.state == "refused"


@pytest.mark.parametrize(("met", "state"), [
    (duckdb.OutOfMemoryException("r0003"), "refused"), (OSError(errno.ENOSPC, "r0003"), "failed"),
])  # fmt: skip
def test_what_exposes_people_is_refused_though_no_repair_can_be_tried(
    city: City, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, met: Exception, state: str
) -> None:
    """A full disk alone ends the run: nothing more is written then."""

    def tried(*_: object) -> None:
        raise met

    monkeypatch.setattr(repair, "attempt", tried)
    city.publish(["enrolments"])
    (run,) = city.publish(["ballots"])
    assert run.state == state, run.error
    assert "r0003" not in str(run.error) + caplog.text
    if state == "refused":
        held = city.desk.latest("ballots")
        assert held is not None
        codes = {item.code for item in held.verdict.findings}
        assert {"overlap-joint", "no-repair-beside"} <= codes
        assert "OutOfMemoryException" in caplog.text


def test_the_command_lists_what_is_laid_together(city: City) -> None:
    city.publish(["enrolments", "nights"])
    asked = ["privacy", "releases", "residents", "--city", str(city.settings.root), "--json"]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    assert [(row["population"], row["release"]) for row in json.loads(answer.stdout)] == [("pupils", "enrolments v1")]
