"""A person's values in the examples of contracts: drafts write none, and an erasure takes old ones out."""

from __future__ import annotations

from pathlib import Path

from arengo.city import init, open_city
from arengo.contract import loads
from arengo.services.erasure.contracts import without_examples

NUMBER, NAME = "Z7654321B", "Hildegard Wolkenstein"
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: people
name: People
version: 1.0.0
status: active
description: {{purpose: Persons, limitations: None}}
schema:
  - name: people
    properties:
      - {{name: id, logicalType: integer, primaryKey: true, required: true, examples: [1, 2]}}
      - {{name: person, logicalType: string, customProperties: [{{property: arengoSubject, value: residents}},
          {{property: arengoPrivacyRole, value: identifier}}]}}
      - name: name
        logicalType: string{told}
      - name: signed
        logicalType: string
        examples: [{example}]  # of long ago
      - {{name: colour, logicalType: string, examples: [red, blue]}}
customProperties:
  - {{property: arengoAccess, value: closed}}
  - {{property: arengoOwner, value: Registry}}
  - {{property: arengoPopulation, value: residents}}
  - {{property: arengoPurposes, value: [{{id: service, dpv: 'dpv:PublicPolicyMaking', legalBasis: 'eu-gdpr:A6-1-e',
      retention: P10Y}}]}}
  - {{property: arengoSource, value: {{kind: csv, path: sources/people.csv}}}}
"""


OLD = f"\n        examples: [{NAME}]"
NOW = "\n        customProperties: [{property: arengoPrivacyRole, value: identifier}]"


def test_only_examples_that_name_her_go() -> None:
    text = CONTRACT.format(example=f"Ann Other, {NAME}", told=OLD)
    left = loads(without_examples(text, [NUMBER, NAME]))
    assert [bool(item.examples) for item in left.properties] == [True, False, False, False, True]
    assert without_examples(text, ["Somebody Else"]) == text
    assert without_examples("no: [contract", [NAME]) == "no: [contract"
    assert without_examples("schema: nothing", [NAME]) == "schema: nothing"


def test_an_erasure_takes_her_out_of_the_examples_of_contracts(tmp_path: Path) -> None:
    root = tmp_path / "city"
    init(root, name="Small").close()
    file = root / "contracts/people.odcs.yaml"
    file.write_text(CONTRACT.format(example=NAME, told=OLD), encoding="utf-8")
    rows = [f"{at},P{at:07d}A,Neighbour {at},Neighbour {at},red" for at in range(8)]
    (root / "sources/people.csv").write_text(
        "\n".join(["id,person,name,signed,colour", *rows, f"9,{NUMBER},{NAME},{NAME},blue"]) + "\n", encoding="utf-8"
    )
    with open_city(root) as city:
        (run,) = city.publish(["people"])
        assert run.state == "succeeded", run.error
        file.write_text(CONTRACT.format(example=NAME, told=NOW).replace("1.0.0", "1.1.0"), encoding="utf-8")
        assert city.publish(["people"])[0].error is None
        done = city.erasure.run("residents", NUMBER, by="operator", reference="Letter 12/2026")
        assert done.state == "done"
        assert any(name == "contracts people" and told["contracts"] >= 1 for name, _, told in done.steps)
        record = city.state.contracts()["people"]
        assert NAME not in record.text
        assert "examples: [red, blue]" in record.text
        assert NAME not in file.read_text(encoding="utf-8")
    for path in (root / ".arengo").glob("*.sqlite*"):
        assert NAME.encode() not in path.read_bytes(), path.name
    with open_city(root) as city:
        (run,) = city.publish(["people"])
        assert run.state in ("succeeded", "unchanged")
        assert not city.erasure.find("residents", NUMBER)[0].rows
