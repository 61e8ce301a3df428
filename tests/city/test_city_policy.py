"""Rules in a city folder: begun with, brought into force, checked, tested and asked from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import arengo
from arengo.city import City
from arengo.commands.policy import app
from arengo.errors import ArengoError, PolicyError

PUPILS = """\
apiVersion: v3.1.0
kind: DataContract
id: pupils
name: Pupils
version: 1.0.0
status: active
schema:
  - name: pupils
    properties:
      - {name: class, logicalType: string, classification: restricted}
      - {name: school, logicalType: string}
customProperties:
  - {property: arengoAccess, value: shared}
  - {property: arengoOwner, value: Schools}
  - {property: arengoSource, value: {kind: csv, path: sources/pupils.csv}}
"""
GOOD = """
@id("readers") @reason("Readers see schools.") @columns("school") @rows("school <> 'Closed'")
permit (principal in Role::"schools/reader", action == Action::"read", resource == Dataset::"pupils");
"""
TESTS = """
- {name: Readers, dataset: pupils, as: {person: r, roles: [schools/reader]}, expect: allow, columns: [school]}
- {name: Others, dataset: pupils, as: {person: r, roles: [parks/reader]}, expect: deny}
"""


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    arengo.init(tmp_path / "city", name="Limewood").close()
    root = tmp_path / "city"
    (root / "contracts" / "pupils.odcs.yaml").write_text(PUPILS)
    (root / "sources" / "pupils.csv").write_text("class,school\n1a,Porto\n")
    (root / "policies" / "schools").mkdir()
    (root / "policies" / "schools" / "rules.cedar").write_text(GOOD)
    (root / "policies" / "tests" / "schools.yaml").write_text(TESTS)
    with arengo.open(root) as made:
        yield made


def run(city: City, *words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, [*words, "--city", str(city.settings.root)])
    if found.exception is not None and isinstance(found.exception, ArengoError):
        return found.exception.exit_code, str(found.exception)
    return found.exit_code, found.output


def test_a_new_city_has_rules_and_publishing_brings_them_into_force_once(city: City) -> None:
    assert (city.settings.root / "policies" / "city.cedar").is_file()
    assert not city.policies.ever
    (run_,) = city.publish()
    assert run_.state == "succeeded"
    assert len(city.policies.book.policies) == 3
    (city.settings.root / "policies" / "schools" / "rules.cedar").write_text("")
    city.publish()
    assert len(city.policies.book.policies) == 3
    assert city.policies.waiting()
    city.apply(["pupils"])
    assert len(city.policies.book.policies) == 3
    city.apply()
    assert len(city.policies.book.policies) == 2
    kinds = [(entry.kind, entry.organisation) for entry in city.ledger.entries() if entry.kind == "policy"]
    assert ("policy", "schools") in kinds


def test_nothing_comes_into_force_before_the_rules(city: City) -> None:
    city.apply(["pupils"])
    assert city.policies.ever
    assert len(city.policies.book.policies) == 3


def test_apply_refuses_a_rule_that_says_nothing_here_and_changes_nothing(city: City) -> None:
    city.apply()
    before = city.policies.book.fingerprint
    (city.settings.root / "policies" / "schools" / "rules.cedar").write_text(GOOD.replace("school <>", "skool <>"))
    contract = city.settings.root / "contracts" / "pupils.odcs.yaml"
    contract.write_text(PUPILS.replace("version: 1.0.0", "version: 1.0.1"))
    with pytest.raises(PolicyError, match="@rows cannot be asked of pupils"):
        city.apply()
    assert city.policies.book.fingerprint == before
    assert city.state.contracts()["pupils"].version == "1.0.0"


def test_check_says_everything_that_is_wrong(city: City) -> None:
    assert run(city, "check")[0] == 0
    assert "hold from the next" in run(city, "check")[1]
    city.apply()
    assert "hold from the next" not in run(city, "check")[1]
    (city.settings.root / "policies" / "schools" / "rules.cedar").write_text(
        GOOD.replace("pupils", "pupil") + "broken;"
    )
    code, said = run(city, "check")
    assert code == 3
    assert "there is no dataset 'pupil', or its contract has an error. Did you mean pupils?" in said
    assert "rules.cedar, line 4" in said
    code, said = run(city, "check", "--json")
    assert {error["line"] for error in json.loads(said)["errors"]} == {2, 4}


def test_tests_pass_or_say_why_not(city: City) -> None:
    assert run(city, "test") == (0, "2 passed, 0 failed\n")
    assert run(city, "test", "oth") == (0, "1 passed, 0 failed\n")
    file = city.settings.root / "policies" / "tests" / "schools.yaml"
    file.write_text(TESTS.replace("columns: [school]", "columns: [class]"))
    code, said = run(city, "test")
    assert code == 3
    assert "Not shown although expected: class" in said
    code, said = run(city, "test", "--json")
    assert [item["passed"] for item in json.loads(said)] == [False, True]
    file.write_text("- {}")
    assert run(city, "test")[0] == 3


def test_who_and_what_are_answered(city: City) -> None:
    city.publish()
    code, said = run(city, "who", "pupils")
    assert code == 0
    assert "role schools/reader  (policy schools/readers)" in said
    assert "only rows where school <> 'Closed'" in said
    code, said = run(city, "who", "pupils/class")
    assert "schools/steward" in said
    assert "schools/reader" not in said
    assert "unless the assurance of the login is below substantial" in said
    assert json.loads(run(city, "who", "pupils/school", "--json")[1])[0]["columns"][0]["column"] == "school"
    assert run(city, "what", "schools") == (0, "Nothing.\n")
    for words in (("who", "nothing"), ("who", "pupils/nothing"), ("what", "nobody")):
        assert run(city, *words)[0] == 2
    assert "entity Dataset" in CliRunner().invoke(app, ["schema"]).output


def test_the_decision_reaches_the_door(city: City) -> None:
    from arengo.errors import NotAllowed
    from arengo.governance import Caller
    from arengo.query import Query

    city.publish()
    reader = Caller(party="p-r", organisation="schools", roles=(("schools", "reader"),))
    answer = city.door.ask(Query("pupils"), reader)
    assert list(answer.rows()) == [("Porto",)]
    with pytest.raises(NotAllowed):
        city.door.ask(Query("pupils"), Caller(party="p-x", organisation="parks", roles=(("*", "administrator"),)))
