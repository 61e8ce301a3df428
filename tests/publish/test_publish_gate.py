"""The gate in the street: what is held back, what people decide, and what becomes public after a repair."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from arengo.city import City, init, open_city
from arengo.contract.load import loads
from arengo.errors import BadForm, Conflict, NotAllowed
from arengo.governance import Caller
from arengo.governance.role import OPERATOR
from arengo.privacy.declared import target_of

REGISTER = """\
apiVersion: v3.1.0
kind: DataContract
id: register
name: Register of residents
version: 1.0.0
status: active
domain: registry
schema:
  - name: register
    properties:
      - {name: id, logicalType: string, primaryKey: true, required: true, classification: restricted,
         customProperties: [{property: arengoPrivacyRole, value: identifier}, {property: arengoSubject, value: residents}]}
      - {name: born, logicalType: date,
         customProperties: [{property: arengoPrivacyRole, value: quasi}, {property: arengoPrivacyConcept, value: birth-date}, {property: arengoHierarchy, value: dates}]}
      - {name: sex, logicalType: string,
         customProperties: [{property: arengoPrivacyRole, value: quasi}, {property: arengoPrivacyConcept, value: sex}]}
      - {name: section, logicalType: string,
         customProperties: [{property: arengoPrivacyRole, value: quasi}, {property: arengoPrivacyConcept, value: residence}, {property: arengoHierarchy, value: places}]}
customProperties:
  - {property: arengoAccess, value: closed}
  - {property: arengoPopulation, value: residents}
  - {property: arengoPurposes, value: [{id: registry, dpv: "dpv:RecordManagement", legalBasis: "eu-gdpr:A6-1-c", retention: P75Y}]}
  - {property: arengoSource, value: {kind: csv, path: sources/register.csv}}
"""  # noqa: E501

BALLOTS = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {id}
version: 1.0.0
status: active
domain: participation
schema:
  - name: ballots
    properties:
      - {{name: voter, logicalType: string, primaryKey: true, required: true,
         customProperties: [{{property: arengoPrivacyRole, value: identifier}}, {{property: arengoSubject, value: residents}}, {{property: arengoProtect, value: drop}}]}}
{columns}
customProperties:
  - {{property: arengoAccess, value: open}}
  - {{property: arengoPopulation, value: residents}}
  - {{property: arengoPrivacyTarget, value: {{k: 5}}}}
{custom}
  - {{property: arengoSource, value: {{kind: csv, path: sources/{id}.csv}}}}
"""  # noqa: E501
BORN = """\
      - {{name: born, logicalType: date,
         customProperties: [{{property: arengoPrivacyRole, value: quasi}}, {{property: arengoPrivacyConcept, value: birth-date}}, {{property: arengoHierarchy, value: dates}}{step}]}}"""  # noqa: E501
SEX = """\
      - {name: sex, logicalType: string,
         customProperties: [{property: arengoPrivacyRole, value: quasi}, {property: arengoPrivacyConcept, value: sex}]}"""  # noqa: E501
SECTION = """\
      - {{name: section, logicalType: string,
         customProperties: [{{property: arengoPrivacyRole, value: quasi}}, {{property: arengoPrivacyConcept, value: residence}}, {{property: arengoHierarchy, value: places}}{step}]}}"""  # noqa: E501
LEVEL = ", {{property: arengoProtect, value: {{level: {level}}}}}"
STEWARD = Caller(party="lucia", organisation="participation", roles=(("participation", "steward"),))
SECOND = Caller(party="otto", organisation="participation", roles=(("participation", "auditor"),))


def _city(root: Path, persons: int = 4000) -> City:
    init(root, name="Small")
    dice = random.Random(5)
    people = [
        (f"R{number:05d}", date(1935, 1, 1) + timedelta(days=dice.randrange(75 * 365)), dice.choice("FM"),
         f"S{dice.randrange(40):02d}")
        for number in range(persons)
    ]  # fmt: skip
    lines = ["id,born,sex,section", *(",".join(map(str, person)) for person in people)]
    (root / "sources" / "register.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "contracts" / "register.odcs.yaml").write_text(REGISTER, encoding="utf-8")
    places = ["value,district,city", *(f"S{n:02d},D{n // 10},all" for n in range(40))]
    (root / "hierarchies" / "places.csv").write_text("\n".join(places) + "\n", encoding="utf-8")
    (root / "privacy.toml").write_text('[populations.residents]\nregister = "register"\n', encoding="utf-8")
    voters = dice.sample(people, persons * 2 // 3)
    for name in ("ballots", "turnout"):
        dice.shuffle(voters)
        lines = ["voter,born,sex,section", *(",".join(map(str, voter)) for voter in voters)]
        (root / "sources" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return open_city(root)


def _write(root: Path, name: str, *columns: str, custom: str = "") -> None:
    text = BALLOTS.format(id=name, columns="\n".join(columns), custom=custom)
    (root / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")


def _born(level: str = "") -> str:
    return BORN.format(step=LEVEL.format(level=level) if level else "")


def _section(level: str = "") -> str:
    return SECTION.format(step=LEVEL.format(level=level) if level else "")


@pytest.fixture
def city(tmp_path: Path):
    root = tmp_path / "city"
    with _city(root) as made:
        made.apply()
        (run,) = made.publish(["register"])
        assert run.state == "succeeded", run.error
        yield made


def test_small_groups_are_held_back_and_a_repair_lets_them_pass(city: City) -> None:
    root = city.settings.root
    _write(root, "ballots", _born(), SEX)
    city.apply()
    (run,) = city.publish(["ballots"])
    assert run.state == "refused"
    assert run.error is not None
    assert run.error["code"] == "publication-held"
    assert not city.versions("ballots")
    held = city.desk.latest("ballots")
    assert held is not None
    assert held.outcome in ("repair", "block")
    assert held.settled == "held"
    assert held.verdict.repairs
    for repair in held.verdict.repairs:
        assert 0 <= repair.loss <= 1
    chosen = held.verdict.repairs[0]
    contract = city.desk.repair(held.id, chosen.id, STEWARD, "The finest that is safe.")
    assert contract.version != "1.0.0"
    assert city.background.wait(200)
    (again,) = city.publisher.runs(contract.id, 1)
    assert again.state == "succeeded", again.error
    newest = city.versions("ballots")[0]
    names = [column.name for column in newest.schema]
    assert "voter" not in names
    groups = duckdb.sql(
        f"SELECT count(*) AS n FROM {city.lake.source(newest)} GROUP BY born, sex HAVING count(*) < 5"
    ).fetchall()
    assert groups == []
    assert "voter" not in "".join(str(item) for item in newest.schema)


def test_an_innocent_table_is_blocked_by_an_earlier_release_that_is_named(city: City) -> None:
    root = city.settings.root
    _write(root, "ballots", _born("year"), custom="  - {property: arengoProtection, value: {suppress: {below: 5}}}")
    city.apply()
    (run,) = city.publish(["ballots"])
    assert run.state == "succeeded", run.error
    _write(root, "turnout", _section("district"), _born("decade"), custom="")
    city.apply()
    (run,) = city.publish(["turnout"])
    held = city.desk.latest("turnout")
    assert run.state == "refused", (run.warnings, held and held.verdict.as_json())
    assert held is not None
    joint = [item for item in held.verdict.findings if any("ballots v1" in label for label in item.releases)]
    assert joint
    assert max(item.people for item in joint) > 0
    assert held.outcome == "block"


def test_nothing_of_a_dropped_column_enters_the_lake(city: City) -> None:
    root = city.settings.root
    _write(root, "ballots", _born("decade"), custom="  - {property: arengoProtection, value: {shuffle: true}}")
    city.apply()
    (run,) = city.publish(["ballots"])
    assert run.state == "succeeded", run.error
    for path in (city.settings.home / "lake").rglob("*"):
        if path.is_file() and "register" not in str(path):
            assert b"R00017" not in path.read_bytes(), path


def test_two_people_override_and_one_cannot(city: City) -> None:
    root = city.settings.root
    _write(root, "ballots", _born(), SEX)
    city.apply()
    city.publish(["ballots"])
    held = city.desk.latest("ballots")
    assert held is not None
    with pytest.raises(Conflict):
        city.desk.approve(held.id, STEWARD, "I looked at it, it is fine.")
    with pytest.raises(BadForm):
        city.desk.override(held.id, STEWARD, "ok")
    with pytest.raises(NotAllowed):
        city.desk.override(held.id, Caller(party="eve"), "A reason that is long enough.")
    asked = city.desk.override(held.id, STEWARD, "The council decided that ballots are public by law.")
    with pytest.raises(NotAllowed):
        city.desk.confirm(asked.id, STEWARD, "I say it twice, so that makes two.")
    assert city.publish(["ballots"])[0].state == "refused", "one person's word is not enough"


def test_an_override_by_two_publishes_what_it_covers_and_no_more(city: City) -> None:
    root = city.settings.root
    _write(root, "ballots", _born(), SEX)
    city.apply()
    city.publish(["ballots"])
    held = city.desk.latest("ballots")
    assert held is not None
    published: list[str] = []
    city.desk._publish = published.append
    asked = city.desk.override(held.id, STEWARD, "The council decided that ballots are public by law.")
    city.desk.confirm(asked.id, SECOND, "Decision 17 of the council says so.")
    assert published == ["ballots"]
    (run,) = city.publish(["ballots"])
    assert run.state == "succeeded", run.error
    assert any("two people" in item for item in run.warnings)
    told = city.ledger.entries(before=city.ledger.size, limit=50, kind="administration", dataset="ballots")
    bodies = [city.ledger.entry(entry.number, whole=True).body or {} for entry in told]
    acts = {str(body.get("facts", {}).get("act")) for body in bodies}
    assert {"gate hold", "gate override asked", "gate override given"} <= acts
    with (root / "sources" / "ballots.csv").open("a", encoding="utf-8") as file:
        for number in range(60):
            file.write(f"X{number},19{number % 60 + 10:02d}-02-{number % 27 + 1:02d},X,S01\n")
    (worse,) = city.publish(["ballots"])
    assert worse.state == "refused"


def test_the_key_of_the_city_is_one_person(city: City) -> None:
    root = city.settings.root
    _write(root, "ballots", _born(), SEX)
    city.apply()
    city.publish(["ballots"])
    held = city.desk.latest("ballots")
    assert held is not None
    asked = city.desk.override(held.id, OPERATOR, "The mayor wants it published today.")
    with pytest.raises(NotAllowed):
        city.desk.confirm(asked.id, OPERATOR, "The mayor still wants it today.")
    city.desk.decline(asked.id, OPERATOR, "The mayor changed his mind.")
    city.desk._publish = lambda dataset: None
    asked = city.desk.override(held.id, STEWARD, "The mayor wants it published today.")
    with pytest.raises(NotAllowed):  # whoever asked may hold the key, too
        city.desk.confirm(asked.id, OPERATOR, "The mayor still wants it today.")
    asked = city.desk.confirm(asked.id, SECOND, "Decision 17 of the council says so.")
    assert asked.state == "given"


def test_a_given_decision_settles_its_verdict(city: City) -> None:
    root = city.settings.root
    _write(root, "ballots", _born(), SEX)
    city.apply()
    city.publish(["ballots"])
    held = city.desk.latest("ballots")
    assert held is not None
    city.desk._publish = lambda dataset: None
    asked = city.desk.override(held.id, STEWARD, "The council decided that ballots are public by law.")
    city.desk.confirm(asked.id, SECOND, "Decision 17 of the council says so.")
    assert city.desk.get(held.id).settled == "decided"
    with pytest.raises(Conflict):
        city.desk.override(held.id, STEWARD, "Once more, to be on the safe side.")
    with pytest.raises(Conflict):
        city.desk.repair(held.id, held.verdict.repairs[0].id, STEWARD, "And a repair besides.")
    assert city.publish(["ballots"])[0].state == "succeeded"


def test_a_repair_withdraws_an_override_that_waits(city: City) -> None:
    root = city.settings.root
    _write(root, "ballots", _born(), SEX)
    city.apply()
    city.publish(["ballots"])
    held = city.desk.latest("ballots")
    assert held is not None
    city.desk._publish = lambda dataset: None
    asked = city.desk.override(held.id, STEWARD, "The council decided that ballots are public by law.")
    city.desk.repair(held.id, held.verdict.repairs[0].id, STEWARD, "The finest that is safe.")
    assert city.desk.verdicts.decision(asked.id).state == "withdrawn"
    with pytest.raises(Conflict):
        city.desk.confirm(asked.id, SECOND, "Decision 17 of the council says so.")


def test_a_decision_without_people_does_not_cover_more_rows(city: City) -> None:
    root = city.settings.root
    names = """\
      - {name: name, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: identifier}]}"""
    _write(root, "ballots", names)
    city.apply()

    def published(rows: int) -> str:
        lines = ["voter,name", *(f"V{n},{'Anna' if n % 2 else 'Luca'} Rossi {n}" for n in range(rows))]
        (root / "sources" / "ballots.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(city.publish(["ballots"])[0].state)

    assert published(100) == "refused"
    held = city.desk.latest("ballots")
    assert held is not None
    assert any(item.outcome == "block" and not item.people for item in held.verdict.findings)
    city.desk._publish = lambda dataset: None
    asked = city.desk.override(held.id, STEWARD, "The council decided that ballots are public by law.")
    city.desk.confirm(asked.id, SECOND, "Decision 17 of the council says so.")
    assert published(100) == "succeeded"
    assert published(300) == "refused"


def test_the_citys_floor_holds_for_every_contract(city: City) -> None:
    root = city.settings.root
    _write(root, "ballots", _born(), SEX)
    path = root / "contracts" / "ballots.odcs.yaml"
    text = path.read_text(encoding="utf-8").replace("{k: 5}", "{k: 1, threshold: 1, suppressionLimit: 1}")
    path.write_text(text, encoding="utf-8")
    city.apply()
    assert city.publish(["ballots"])[0].state == "refused"
    target = target_of(loads(text), city.settings)
    assert (target.k, target.threshold, target.suppression) == (5, 5, 0.05)
    assert target_of(loads(text.replace("k: 1", "k: 12")), city.settings).k == 12


def test_a_contract_that_declares_nothing_does_not_pass(city: City) -> None:
    root = city.settings.root
    text = """\
apiVersion: v3.1.0
kind: DataContract
id: clients
name: Clients
version: 1.0.0
status: active
schema:
  - name: clients
    properties:
      - {name: code, logicalType: string}
      - {name: mail, logicalType: string}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoSource, value: {kind: csv, path: sources/clients.csv}}
"""
    (root / "contracts" / "clients.odcs.yaml").write_text(text, encoding="utf-8")
    lines = ["code,mail", *(f"C{n},anna.rossi{n}@posta.example" for n in range(200))]
    (root / "sources" / "clients.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    city.apply()
    (run,) = city.publish(["clients"])
    assert run.state == "refused", run
    held = city.desk.latest("clients")
    assert held is not None
    assert held.outcome in ("review", "block")
    if held.outcome == "review":
        city.desk._publish = lambda dataset: None
        city.desk.approve(held.id, OPERATOR, "These are the addresses of offices.")
        (again,) = city.publish(["clients"])
        assert again.state == "succeeded", again.error
