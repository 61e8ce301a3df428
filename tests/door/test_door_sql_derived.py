"""Datasets made of other datasets by one SELECT, through the whole street."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import arengo
from arengo.city import City, init
from arengo.contract import loads
from arengo.errors import BadSql, ContractError
from arengo.publish import order

TREES = "id,species,district,height\n1,Lime,N,3.5\n2,Maple,S,4\n3,Lime,N,5\n4,Plane,E,\n"
DISTRICTS = "code,name,people\nN,North,1000\nS,South,3000\nE,East,50\n"
COUNTS = "SELECT d.name AS district, count(*) AS trees FROM trees t JOIN districts d ON d.code = t.district GROUP BY 1"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = init(tmp_path / "city")
    (made.settings.root / "sources/trees.csv").write_text(TREES)
    (made.settings.root / "sources/districts.csv").write_text(DISTRICTS)
    for name in ("trees", "districts"):
        draft = made.draft(str(made.settings.root / f"sources/{name}.csv"), id=name)[0]
        _write(made, name, draft.text)
    yield made
    made.close()


def _write(city: City, name: str, text: str) -> None:
    (city.settings.root / f"contracts/{name}.odcs.yaml").write_text(text)


def _states(city: City, *names: str) -> dict[str, str]:
    return {run.dataset: run.state for run in city.publish(names)}


def test_a_dataset_of_datasets(city: City) -> None:
    city.publish()
    draft = city.draft_sql(COUNTS, id="trees-by-district")
    contract = loads(draft.text)
    assert contract.source is not None
    assert contract.source.kind == "query"
    assert contract.key == ("district",)
    _write(city, "trees-by-district", draft.text)
    city.publish()
    rows = city.door.sql("SELECT * FROM trees_by_district ORDER BY 1").rows()
    assert rows == [("East", 1), ("North", 2), ("South", 1)]
    assert city.questions.inputs(contract) == {"trees", "districts"}

    # the same versions: nothing to do
    assert _states(city)["trees-by-district"] == "unchanged"

    # a new tree: both are published in one go, the input first
    (city.settings.root / "sources/trees.csv").write_text(TREES + "5,Oak,E,2\n")
    assert list(order.waves(list(city.folder.read()[0].values()), city.questions))[-1] == {"trees-by-district"}
    assert _states(city)["trees-by-district"] == "succeeded"
    assert city.door.sql("SELECT trees FROM trees_by_district WHERE district = 'East'").rows() == [(2,)]


@pytest.mark.slow
def test_never_more_open_than_what_it_is_made_of(city: City) -> None:
    city.publish()
    _write(city, "trees-by-district", city.draft_sql(COUNTS, id="trees-by-district").text)
    closed = (city.settings.root / "contracts/districts.odcs.yaml").read_text()
    _write(city, "districts", closed.replace("arengoAccess, value: open", "arengoAccess, value: closed"))
    city.apply()
    run = city.publish("trees-by-district")[0]
    assert run.state == "refused"
    assert "declared open, but it reads districts, which is closed" in str(run.error)
    text = (city.settings.root / "contracts/trees-by-district.odcs.yaml").read_text()
    _write(city, "trees-by-district", text.replace("arengoAccess, value: open", "arengoAccess, value: closed"))
    assert _states(city, "trees-by-district") == {"trees-by-district": "succeeded"}


@pytest.mark.slow
def test_a_circle_is_refused_by_name(city: City) -> None:
    city.publish()
    _write(city, "a", city.draft_sql("SELECT id, species FROM trees", id="a").text)
    city.publish("a")
    _write(city, "b", city.draft_sql("SELECT id, species FROM a", id="b").text)
    city.publish("b")
    text = (city.settings.root / "contracts/a.odcs.yaml").read_text()
    _write(city, "a", text.replace("FROM trees", "FROM b"))
    run = city.publish("a")[0]
    assert run.state == "failed"
    assert "a → b → a" in str(run.error)
    _write(city, "b", (city.settings.root / "contracts/b.odcs.yaml").read_text().replace("FROM a", "FROM b"))
    assert "b → b" in str(city.publish("b")[0].error)


@pytest.mark.slow
def test_it_is_due_when_one_of_its_inputs_is_new(city: City) -> None:
    from datetime import UTC, datetime

    from arengo.publish.run import last
    from arengo.publish.schedule import is_behind

    city.publish()
    _write(city, "trees-by-district", city.draft_sql(COUNTS, id="trees-by-district").text)
    contract = city.folder.read()[0]["trees-by-district"]
    city.apply()

    def behind() -> bool:
        return is_behind(city.publisher, contract, last(city.state).get(contract.id), datetime.now(UTC))

    assert behind()
    city.publish("trees-by-district")
    assert not behind()
    (city.settings.root / "sources/trees.csv").write_text(TREES + "5,Oak,E,2\n")
    city.publish("trees")
    assert behind()
    assert not is_behind(city.publisher, city.folder.read()[0]["trees"], None, datetime.now(UTC))


def test_a_draft_from_a_file_and_what_is_wrong_in_it(city: City) -> None:
    city.publish()
    path = city.settings.root / "by_species.sql"
    path.write_text("-- how many of each\nSELECT species, count(*) AS n FROM trees GROUP BY ALL")
    draft = city.draft(str(path))[0]
    assert draft.id == "by-species"
    with pytest.raises((BadSql, ContractError), match="specis"):
        city.draft_sql("SELECT specis FROM trees")
    with pytest.raises(ContractError, match="no SQL"):
        city.draft_sql("  ")


@pytest.mark.slow
def test_a_contract_with_wrong_sql_says_the_place(city: City) -> None:
    city.publish()
    text = city.draft_sql("SELECT id FROM trees", id="ids").text
    _write(city, "ids", text.replace("SELECT id FROM trees", "SELECT id FROM tres"))
    run = city.publish("ids")[0]
    assert run.state == "failed"
    assert "The SQL of ids (line 1, column 16): There is no dataset 'tres'. Did you mean 'trees'?" in " ".join(
        str(run.error[key]) for key in ("message", "todo") if run.error
    )


@pytest.mark.slow
def test_the_package_opens_it(city: City) -> None:
    city.publish()
    with arengo.open(city.settings.root) as opened:
        assert opened.door.sql("SELECT count(*) FROM trees").rows() == [(4,)]
