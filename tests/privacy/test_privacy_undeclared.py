"""Tables of counts of people that no contract declares are asked about; tables of things are left alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gate_case import Kind, Plain, Table, World, plain, table

from arengo.contract.load import loads
from arengo.privacy.cells import step, undeclared
from arengo.privacy.finding import Report, worst
from arengo.services.gate import repaired

AGES = ("0-14", "15-29", "30-44", "45-64", "65-79", "80+")
DISTRICTS = tuple(f"D{n}" for n in range(12))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def _look(world: World, data: Table) -> Report:
    return step.look(world.case(data))


def _counts(
    name: str, dims: dict[str, tuple[Any, ...]], count: str, low: int = 1, high: int = 60, **custom: Any
) -> Table:
    dice = random.Random(3)
    rows: list[tuple[Any, ...]] = [()]
    for values in dims.values():
        rows = [(*row, value) for row in rows for value in values]
    columns = {one: plain(Kind.STRING) for one in dims} | {count: plain(Kind.INTEGER)}
    told = [(*row, dice.randint(low, high)) for row in rows]
    return table(name, columns, told, (), population="", **custom)


@pytest.mark.parametrize(
    ("name", "dims", "count"),
    [
        ("residents", {"district": DISTRICTS, "age_group": AGES}, "residents"),
        ("poblacion", {"distrito": DISTRICTS, "sexo": ("H", "M")}, "num_personas"),
        ("padro", {"barri": DISTRICTS, "edat": AGES}, "habitants"),
        ("population", {"quartier": DISTRICTS, "tranche_age": AGES}, "effectif"),
        ("residenti", {"quartiere": DISTRICTS, "cittadinanza": ("it", "ro", "ma")}, "numero"),
        ("bevoelkerung", {"stadtteil": DISTRICTS, "altersgruppe": AGES}, "anzahl"),
        ("populacao", {"bairro": DISTRICTS, "faixa_etaria": AGES}, "habitantes"),
        ("salut", {"districte": DISTRICTS, "diagnostic": ("a", "b", "c")}, "casos"),
        ("ajudes", {"barri": DISTRICTS, "prestacio": ("lloguer", "menjador"), "sexe": ("H", "D")}, "total"),
        ("unemployed", {"ward": DISTRICTS, "month": ("1", "2", "3")}, "unemployed"),
    ],
)
def test_small_counts_of_people_are_asked_about(world: World, name: str, dims: Any, count: str) -> None:
    data = _counts(name, dims, count)
    (finding,) = _look(world, data).findings
    assert (finding.code, finding.outcome, finding.columns) == ("cells-undeclared", "review", (count,))
    assert finding.facts["cells"] == sum(0 < row[-1] < 5 for row in data.rows)
    assert str(finding.facts["cells"]) in finding.sentence()
    large = _counts(name, dims, count, low=40, high=900)
    assert worst(item.outcome for item in _look(world, large).findings) == "pass", "large counts are open data"


def test_counts_in_several_columns_are_seen(world: World) -> None:
    columns = {"barrio": plain(Kind.STRING), "hombres": plain(Kind.INTEGER), "mujeres": plain(Kind.INTEGER)}
    rows = [(f"B{n}", n % 9, n % 7) for n in range(40)]
    (finding,) = _look(world, table("padron", columns, rows, (), population="")).findings
    assert (finding.code, finding.columns) == ("cells-undeclared", ("hombres", "mujeres"))


def test_groups_by_codes_are_seen(world: World) -> None:
    """As Barcelona publishes its register by section, level of education and sex, were the small cells not withheld."""
    columns = {"Codi_Districte": plain(Kind.INTEGER), "Nom_Districte": plain(Kind.STRING),
               "Seccio_Censal": plain(Kind.INTEGER), "Valor": plain(Kind.INTEGER),
               "NIV_EDUCA_esta": plain(Kind.INTEGER), "SEXE": plain(Kind.INTEGER)}  # fmt: skip
    rows = [(section // 20, f"D{section // 20}", 1000 + section, (section * level + sex) % 40, level, sex)
            for section in range(60) for level in range(1, 6) for sex in (1, 2)]  # fmt: skip
    (finding,) = _look(world, table("educacio", columns, rows, (), population="")).findings
    assert (finding.code, finding.columns) == ("cells-undeclared", ("Valor",))


@pytest.mark.parametrize(
    ("name", "dims", "count"),
    [
        ("street-trees", {"district": DISTRICTS, "species": ("Tilia", "Acer", "Pinus")}, "count"),
        ("arbres", {"barri": DISTRICTS, "classe_edat": AGES}, "nombre"),
        ("farolas", {"distrito": DISTRICTS, "tipo": ("led", "sodio")}, "cantidad"),
        ("parking", {"zona": DISTRICTS, "calle": ("a", "b")}, "plazas"),
        ("budget", {"chapter": DISTRICTS, "kind": ("in", "out")}, "amount"),
        ("noise", {"station": DISTRICTS, "hour": AGES}, "value"),
        ("election", {"section": DISTRICTS, "party": ("a", "b", "c")}, "votes"),
        ("vehicles", {"district": DISTRICTS, "fuel": ("gas", "ev")}, "total"),
        ("prices", {"quartiere": DISTRICTS, "prodotto": ("pane", "latte")}, "prezzo"),
        ("libraries", {"biblioteca": DISTRICTS, "mese": ("1", "2")}, "prestiti"),
        ("incidents", {"district": DISTRICTS, "category": ("noise", "waste")}, "count"),
    ],
)
def test_small_counts_of_things_are_left_alone(world: World, name: str, dims: Any, count: str) -> None:
    assert worst(item.outcome for item in _look(world, _counts(name, dims, count)).findings) == "pass"


def test_rows_of_single_people_are_no_cells(world: World) -> None:
    """The size of a household stands beside each person; the rows are people, which other checks look at."""
    columns = {"id": plain(Kind.INTEGER), "district": plain(Kind.STRING), "age": plain(Kind.INTEGER),
               "persons": plain(Kind.INTEGER)}  # fmt: skip
    dice = random.Random(2)
    rows = [(n, dice.choice("AB"), dice.randint(20, 40), dice.randint(1, 5)) for n in range(300)]
    assert not [item for item in _look(world, table("homes", columns, rows, (), population="")).findings
                if item.code == "cells-undeclared"]  # fmt: skip


def test_it_is_mended_by_declaring_the_table_or_by_a_reason(world: World) -> None:
    data = _counts("residents", {"district": DISTRICTS, "age_group": AGES}, "residents")
    case = world.case(data)
    repairs = undeclared.propose(case, step.look(case).findings)
    assert repairs
    assert {item.kind for item in repairs} == {"declare"}
    text = """apiVersion: v3.1.0
kind: DataContract
id: residents
name: Residents
version: 1.0.0
status: active
schema:
  - name: residents
    properties:
      - {name: district, logicalType: string}
      - {name: age_group, logicalType: string}
      - {name: residents, logicalType: integer}
customProperties:
  - {property: arengoAccess, value: open}
"""
    made = loads(repaired(text, repairs[0]))
    assert dict(made.custom["arengoCells"]) == {"by": ("district", "age_group"), "count": "residents"}
    assert made.custom["arengoProtection"]["cells"]["method"] == "suppress"
    allowed = dict(data.columns) | {"residents": (Kind.INTEGER, {"arengoPersonalReason": "Posts are public by law."})}
    (finding,) = _look(world, table("residents", allowed, data.rows, (), population="")).findings
    assert (finding.code, finding.outcome) == ("identifier-allowed", "pass")
