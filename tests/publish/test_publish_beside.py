"""A repair beside earlier releases through the street: in the contract once, done anew at every publication."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from test_publish_gate import STEWARD, _born, _city, _section, _write

from arengo.city import City

SEX = """\
      - {name: sex, logicalType: string,
         customProperties: [{property: arengoPrivacyRole, value: quasi}, {property: arengoPrivacyConcept, value: sex}]}"""  # noqa: E501


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """Few women born in the twenties, two of them in another district than the others."""
    root = tmp_path / "city"
    with _city(root, 1_200) as made:
        old = [*(("F", "S01") for _ in range(9)), *(("F", "S11") for _ in range(2)),
               *((sex, place) for sex, place in (("M", "S01"), ("M", "S11")) for _ in range(9))]  # fmt: skip
        lines = [f"R9{at:04d},{date(1922, 1, 1) + timedelta(days=at * 40)},{sex},{place}"
                 for at, (sex, place) in enumerate(old)]  # fmt: skip
        for name in ("register", "ballots", "turnout"):
            path = root / "sources" / f"{name}.csv"
            head, *rows = path.read_text(encoding="utf-8").splitlines()
            rows += lines
            random.Random(name).shuffle(rows)
            path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
        made.apply()
        (run,) = made.publish(["register"])
        assert run.state == "succeeded", run.error
        _write(root, "ballots", _born("decade"), SEX)
        made.apply()
        (run,) = made.publish(["ballots"])
        assert run.state == "succeeded", run.error
        yield made


def groups(city: City) -> Counter[tuple[str | None, str]]:
    (newest, *_) = city.versions("turnout")
    rows = duckdb.sql(f"SELECT section, born FROM {city.lake.source(newest)}").fetchall()
    return Counter((section, born) for section, born in rows)


@pytest.mark.parametrize("kind", ["blank", "beside"])
def test_a_repair_beside_earlier_releases_holds_at_every_publication(city: City, kind: str) -> None:
    root = city.settings.root
    _write(root, "turnout", _section("district"), _born("decade"))
    city.apply()
    (run,) = city.publish(["turnout"])
    assert run.state == "refused"
    held = city.desk.latest("turnout")
    assert held is not None
    assert {item.code for item in held.verdict.findings if item.outcome == "block"} == {"overlap-joint"}
    assert [item.kind for item in held.verdict.repairs][:2] == ["blank", "beside"]
    (repair,) = [item for item in held.verdict.repairs if item.kind == kind]
    contract = city.desk.repair(held.id, repair.id, STEWARD, "Two people only.")
    assert contract.custom["arengoProtection"]["suppress"]["beside"] is True
    assert city.background.wait(200)
    (again,) = city.publisher.runs(contract.id, 1)
    assert again.state == "succeeded", again.error
    first = groups(city)
    lost = sum(n for (section, _), n in first.items() if section is None) if kind == "blank" else 829 - first.total()
    assert lost == (repair.facts["blanked"] if kind == "blank" else repair.suppressed)
    assert 5 <= lost <= 40
    # The next file lacks a few voters: nobody changes the contract, and whoever stands out now goes.
    path = root / "sources" / "turnout.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:-3]) + "\n", encoding="utf-8")
    (later,) = city.publisher.publish([contract])
    assert later.state == "succeeded", later.error
    assert len(city.versions("turnout")) == 2
    told = groups(city)
    assert min(told.values()) >= 5


def test_a_repair_foretells_what_the_rule_that_is_there_withholds_beside_it(city: City) -> None:
    """Two voters are withheld already, in a group of two; what goes beside the ballots is chosen with them missing."""
    root = city.settings.root
    path = root / "sources" / "turnout.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    odd = [line for line in lines[1:] if line.startswith("R9") and ",S11" in line][:2]
    rest = [line if line not in odd else line.replace(line.split(",")[1], "1899-05-05") for line in lines]
    path.write_text("\n".join(rest) + "\n", encoding="utf-8")
    there = "  - {property: arengoProtection, value: {suppress: {below: 5}}}"
    _write(root, "turnout", _section("district"), _born("decade"), custom=there)
    city.apply()
    (run,) = city.publish(["turnout"])
    assert run.state == "refused"
    held = city.desk.latest("turnout")
    assert held is not None
    (repair,) = [item for item in held.verdict.repairs if item.kind == "blank"]
    contract = city.desk.repair(held.id, repair.id, STEWARD, "Two people only.")
    assert city.background.wait(200)
    (again,) = city.publisher.runs(contract.id, 1)
    assert again.state == "succeeded", again.error
    told = groups(city)
    assert told.total() == repair.facts["rows"]
    assert repair.facts["of"] - told.total() == repair.suppressed
    assert sum(n for (section, _), n in told.items() if section is None) == repair.facts["blanked"]
