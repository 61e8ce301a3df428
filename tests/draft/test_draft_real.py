"""The drafts of real municipal files against a table made by hand: types of every column, and which are about persons.

``python -m pytest tests/draft/test_draft_real.py -s`` prints truth against found for each file.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from arengo.contract import Severity, lint
from arengo.contract.draft import Draft, infer
from arengo.settings import SourceSettings
from arengo.sources import detect, samples
from arengo.sources.base import Context

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")

# One letter a column: i integer, n number, s string, d date, t timestamp, c time of day, b boolean, g geometry, j JSON,
# x where two answers are right (code or number). Persons: column -> the kind that is right. The rules were developed on
# these files: the score guards against regressions, it does not foretell how other files fare.
TRUTH: dict[str, tuple[str, dict[str, str]]] = {
    "aburra-air/estaciones_siata.csv": ("i s s n n", {}),
    "aburra-air/mediciones_pm25_siata_optimizado.csv": ("i s d n", {}),
    "barcelona-air/calidad_aire_sample_2023.csv": ("s s s s s x i i i " + "n s " * 24, {}),
    "barcelona-air/qualitat_aire_contaminants.csv": ("x s s", {}),
    "barcelona-air/qualitat_aire_estacions.csv": ("x s s x x n n s x s x s s s x", {}),
    "barcelona-bicing/row_bicing.csv": ("i s i n t n i i i", {}),
    "barcelona-census/educacion_sample_2023.csv": ("d x s x s x x i x x", {}),
    "barcelona-census/taula_dimensions_padro.csv": ("x s x s s s", {}),
    "barcelona-decidim/action_plans.csv": ("i s s s s s i i i i i s", {}),
    "barcelona-decidim/meetings.csv": ("i s s d s s s s i i i s", {}),
    "durban-grid/ethgridplot.csv": ("i i " + "n " * 12 + "x " + "n " * 9, {}),
    "lapaz-census/municipios.csv": ("x s s i", {}),
    "lapaz-census/poblacion.parquet": ("s b i i", {}),
    "lodz-participatory-budget/poland_lodz_2022_baluty-centrum.pb#PROJECTS": ("s i i s x", {}),
    "lodz-participatory-budget/poland_lodz_2022_baluty-centrum.pb#VOTES": (
        "x i s s s",
        {"voter_id": "person-id", "age": "age", "sex": "sex"},
    ),
    "milan-boundaries/limits_P_15_municipalities.geojson": ("s x x x s s i s s s i x s s i g", {}),
    "montevideo-trees/archivo_comunal1.csv": ("i x s x s x s i s s i i x x x n n x b b x x s", {}),
    "montevideo-trees/codigos-de-especie.csv": ("x x s s s", {}),
    "montpellier-associations/VilleMTP_MTP_ListeAssoc_2011.csv": (
        "s s s s s s s s s s s x s s n n",
        {"tel_asso": "phone", "fax_asso": "phone", "mail_asso": "email", "adresse": "address"},
    ),
    "montpellier-budget/VilleMTP_MTP_BudgetPri_2014.csv": ("i s s x x n s", {}),
    "montpellier-civil-registry/VilleMTP_MTP_EtatCivil.csv": ("s " + "i " * 13, {}),
    "montpellier-council/VilleMTP_MTP_Delibs.csv": ("i s s s s i i d", {}),
    "montpellier-elections/VilleMTP_MTP_Europeenne2014.csv": (
        "x s x s x s x s i i i i i i x s i",
        {},
    ),
    "montpellier-traffic/VilleMTP_MTP_Comptage.csv": ("i s s x s d d s x x x s i i s x", {}),
    "montreal-elections/election.csv": ("s i i i i s s x", {}),
    "newyork-311/311_Animals_short.csv": (
        "i t t s s s s s s s s s s s s s s s s s x t s s x x s s n n g",
        {"incident_address": "address"},
    ),
    "saintlouis-air/outside_ugb1.csv": ("t " + "n " * 8, {}),
    "seoul-statistics/01. CCTV_in_Seoul.csv": ("s i i i i i", {}),
    "seoul-statistics/01. population_in_Seoul.xls": ("s s " + "i " * 10 + "n i", {}),
    "seoul-statistics/02. crime_in_Seoul.csv": ("s " + "i " * 10, {}),
    "toulouse-participatory-budget/france_toulouse_2019_.pb#PROJECTS": ("i i i s s s i", {}),
    "toulouse-participatory-budget/france_toulouse_2019_.pb#VOTES": ("x s s", {"voter_id": "person-id"}),
}
LETTERS = {
    "integer": "i", "number": "n", "string": "s", "date": "d", "timestamp": "t",
    "time": "c", "boolean": "b", "geometry": "g", "json": "j",
}  # fmt: skip


def drafts(path: Path, scratch: Path) -> dict[str, Draft]:
    context = Context(SourceSettings(), scratch)
    return {sample.table: infer(sample) for sample in samples(detect(str(path), context), context)}


@pytest.mark.slow
def test_types_and_persons_of_the_real_files(tmp_path: Path) -> None:
    right = total = found_persons = true_persons = false_alarms = 0
    for name, (letters, persons) in TRUTH.items():
        file, _, table = name.partition("#")
        made = drafts(REAL / file, tmp_path)
        draft = made[table] if table else next(iter(made.values()))
        columns = draft.contract.properties
        wanted = letters.split()
        assert len(columns) == len(wanted), name
        assert not [item for item in lint(draft.text) if item.severity is Severity.ERROR], name
        wrong = []
        for letter, column in zip(wanted, columns, strict=True):
            got = LETTERS[column.kind.value]
            fits = got == letter or (letter == "x" and got in "isn")
            right, total = right + fits, total + 1
            if not fits:
                wrong.append(f"{column.name} is {got}, truth {letter}")
            kind = str(column.custom.get("arengoPersonalKind", ""))
            truth = persons.get(column.name, "")
            true_persons += bool(truth)
            found_persons += bool(truth) and kind == truth
            if kind and not truth:
                false_alarms += 1
                wrong.append(f"{column.name} was taken for {kind}")
            elif truth and kind != truth:
                wrong.append(f"{column.name} is {truth}, found {kind or 'nothing'}")
        print(f"{name}: {len(wanted) - len(wrong)}/{len(wanted)}", "; ".join(wrong))
    print(f"types {right}/{total}, persons {found_persons}/{true_persons}, false alarms {false_alarms}")
    assert right >= 0.98 * total
    assert found_persons == true_persons
    assert false_alarms <= 1


def test_a_few_real_files_quickly(tmp_path: Path) -> None:
    path = REAL / "montpellier-associations" / "VilleMTP_MTP_ListeAssoc_2011.csv"
    [draft] = drafts(path, tmp_path).values()
    contract = draft.contract
    assert contract.source is not None
    assert contract.source.options["encoding"] == "windows-1252"
    longitude = contract.column("longitude")
    postcode = contract.column("code_postal")
    mail = contract.column("mail_asso")
    assert longitude is not None
    assert postcode is not None
    assert mail is not None
    assert longitude.parse.decimal == ","
    assert postcode.kind == "string"
    assert mail.privacy_role == "identifier"
    assert not mail.examples
    assert contract.geometry is not None
    assert (contract.geometry.x, contract.geometry.y) == ("longitude", "latitude")


@pytest.mark.slow
def test_every_table_of_the_folder_gets_a_draft(tmp_path: Path) -> None:
    suffixes = {".csv", ".pb", ".xls", ".xlsx", ".geojson", ".parquet", ".shp"}
    done = 0
    for path in sorted(REAL.rglob("*")):
        packed = path.suffix == ".zip" and "council" not in str(path)
        if path.suffix in suffixes or packed:
            for draft in drafts(path, tmp_path).values():
                assert not [item for item in lint(draft.text) if item.severity is Severity.ERROR]
                done += 1
    assert done >= 40
