# ruff: noqa: E501, RUF100 - a register a line
"""Registers of persons as real systems head them, in many languages, and tables of things that look like them.

The values are made here; the figures of a larger set are in decision 0224.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import duckdb
import pytest
import stdnum.es.dni
import stdnum.luhn
import stdnum.pl.pesel

from arengo.contract.draft import infer
from arengo.contract.sample import Sample, SampleColumn
from arengo.privacy.detect import detect
from arengo.sources.dialect import sniff

ROWS = 40
DEALT = random.Random(11)
Table = dict[str, list[str]]


def digits(n: int, head: str = "") -> list[str]:
    return [head + "".join(DEALT.choice("0123456789") for _ in range(n)) for _ in range(ROWS)]


def born(form: str, low: int = 1940, high: int = 2012) -> list[str]:
    return [
        form.format(y=DEALT.randrange(low, high), m=DEALT.randrange(1, 13), d=DEALT.randrange(1, 29))
        for _ in range(ROWS)
    ]


def some(*values: str) -> list[str]:
    return [DEALT.choice(values) for _ in range(ROWS)]


def years(low: int, high: int) -> list[str]:
    return [str(DEALT.randrange(low, high)) for _ in range(ROWS)]


def doors(*streets: str) -> list[str]:
    return [f"{DEALT.choice(streets)} {n + 1}" for n in range(ROWS)]


def both(given: str, family: str) -> list[str]:
    first, last = given.split(), family.split()
    return [f"{first[n % len(first)]} {last[(n * 7 + n // 3) % len(last)]}" for n in range(ROWS)]


def checked(head: str, more: int) -> list[str]:
    return [made + stdnum.luhn.calc_check_digit(made) for made in digits(more, head)]


DNI = [f"{n:08d}{stdnum.es.dni.calc_check_digit(f'{n:08d}')}" for n in range(40_000_000, 40_000_000 + ROWS)]
PESEL = [made + stdnum.pl.pesel.calc_check_digit(made) for made in (f"80{n % 12 + 1:02d}{n % 28 + 1:02d}{n:04d}"
                                                                     for n in range(1000, 1000 + ROWS))]  # fmt: skip
REGISTERS: dict[str, tuple[str, dict[str, tuple[str, list[str]]]]] = {
    "it": ("IT", {"COGNOME": ("name", some("ROSSI", "FERRI", "LODI", "ZANELLA")),
                  "NOME": ("name", some("ANNA", "UGO", "YLENIA")),
                  "DT_NASC": ("birth-date", born("{d:02d}/{m:02d}/{y}")),
                  "ISEE": ("income", digits(4, "1")),
                  "TEL_GENITORE": ("phone", digits(7, "347"))}),
    "es": ("ES", {"DNI_TITULAR": ("national-id", DNI), "fec_nac": ("birth-date", born("{d:02d}/{m:02d}/{y}")),
                  "tfno_movil": ("phone", digits(8, "6")), "domicilio": ("address", doors("Calle Real", "C/ Mayor"))}),
    "ca": ("ES", {"Nom tutor/a": ("name", both("Oriol Queralt Merce Biel", "Puig Vila Serra Camps Roca")),
                  "Data naix.": ("birth-date", born("{d:02d}/{m:02d}/{y}", 2012, 2021)),
                  "Al·lèrgies": ("health", some("fruits secs", "lactosa", "pol·len"))}),
    "fr": ("FR", {"NOM_ELEVE": ("name", some("GIRARD", "DIALLO", "PERRIN", "LEROUX")),
                  "PRENOM_ELEVE": ("name", some("Océane", "Kévin", "Inès")),
                  "NE_LE": ("birth-date", born("{d:02d}/{m:02d}/{y}", 2011, 2021)), "NUM_ALLOC": ("person-id", digits(7)),
                  "QF_CAF": ("income", digits(3, "1"))}),
    "de": ("DE", {"Halter": ("name", both("Torsten Svenja Hartmut Leonie", "Krüger Weiß Voigt Lehmann Maier")),
                  "Geb.-Dat.": ("birth-date", born("{d:02d}.{m:02d}.{y}")), "Geschl.": ("sex", some("m", "w", "d")),
                  "Tel. priv.": ("phone", digits(7, "0171 "))}),
    "pt": ("PT", {"enc_educacao": ("name", both("Nuno Catarina Rui Mafalda", "Silva Nunes Vieira Pinto")),
                  "dt_nasc": ("birth-date", born("{d:02d}-{m:02d}-{y}")), "telem": ("phone", digits(8, "9")),
                  "cod_postal": ("postcode", [f"{1000 + n}-{100 + n}" for n in range(ROWS)])}),
    "pl": ("PL", {"PESEL": ("national-id", PESEL), "rok_ur": ("birth-date", born("{y}")),
                  "nr_telefonu": ("phone", digits(8, "6")),
                  "swiadczeniobiorca": ("name", both("Zbigniew Bożena Kacper", "Nowak Wójcik Mazur Wróbel"))}),
    "nl": ("NL", {"roepnaam": ("name", some("Femke", "Sjoerd", "Thijs")), "achternaam": ("name", some("Jansen", "Smit", "Bos")),
                  "geb_dat": ("birth-date", born("{d:02d}-{m:02d}-{y}")), "clientnr": ("person-id", digits(6)),
                  "straat + nr": ("address", doors("Dorpsstraat", "Kerkweg"))}),
    "sv": ("SE", {"Vårdnadshavare 1": ("name", both("Göran Åsa Linnéa", "Karlsson Öberg Lindström")),
                  "Födelseår": ("birth-date", born("{y}")), "Civilstånd": ("family", some("Gift", "Ogift", "Skild"))}),
    "fi": ("FI", {"Etunimet": ("name", some("Aino", "Eero", "Väinö")), "Sukunimi": ("name", some("Laine", "Niemi", "Järvinen")),
                  "Lähiosoite": ("address", doors("Koulukatu", "Rantatie")),
                  "Syntymäaika": ("birth-date", born("{d}.{m}.{y}"))}),
    "cs": ("CZ", {"Poplatník": ("name", both("Zdeněk Jarmila Radek", "Dvořák Černá Horák Fiala")),
                  "Dat. nar.": ("birth-date", born("{d}.{m}.{y}")), "Ulice a č.p.": ("address", doors("Husova", "Nádražní"))}),
    "ro": ("RO", {"Nume": ("name", some("Popescu", "Lazăr", "Munteanu")), "Prenume": ("name", some("Ioana", "Vasile", "Costel")),
                  "Data nașterii": ("birth-date", born("{d:02d}.{m:02d}.{y}")), "Venit/membru": ("income", digits(4))}),
    "hu": ("HU", {"Anyja neve": ("name", [f"{b} {a}" for a, b in (v.split() for v in both("Ildikó Zsófia Réka", "Nagy Tóth Kiss"))]),
                  "Szül. idő": ("birth-date", born("{y}.{m:02d}.{d:02d}.")), "TAJ": ("national-id", digits(9))}),
    "el": ("GR", {"ΕΠΩΝΥΜΟ": ("name", some("ΠΑΠΑΔΟΠΟΥΛΟΣ", "ΒΛΑΧΟΥ")), "ΟΝΟΜΑ": ("name", some("ΕΛΕΝΗ", "ΝΙΚΟΛΑΟΣ")),
                  "ΗΜ/ΝΙΑ ΓΕΝΝ.": ("birth-date", born("{d:02d}/{m:02d}/{y}")), "ΚΙΝΗΤΟ": ("phone", digits(8, "69"))}),
    "en": ("GB", {"Forename": ("name", some("Poppy", "Callum", "Amara")), "Legal Surname": ("name", some("Patel", "Hughes", "Wood")),
                  "DoB": ("birth-date", born("{d:02d}/{m:02d}/{y}")), "Ethnicity Code": ("origin", some("WBRI", "AIND", "BCRB")),
                  "Home Postcode": ("postcode", [f"LS{n % 20 + 1} {n % 9}AB" for n in range(ROWS)])}),
    "pt-BR": ("BR", {"NM_ALUNO": ("name", both("Thaís Wesley Rosângela", "Souza Nogueira Teles")),
                     "CD_ALUNO": ("person-id", digits(7)), "COR_RACA": ("origin", some("Parda", "Branca", "Preta"))}),
    "es-CL": ("CL", {"ap_paterno": ("name", some("Soto", "Tapia", "Araya")), "ap_materno": ("name", some("Muñoz", "Rojas")),
                     "f_nac": ("birth-date", born("{d:02d}-{m:02d}-{y}")), "fono": ("phone", digits(8, "9 "))}),
    "es-CO": ("CO", {"jefe_hogar": ("name", both("Jhon Luz Wilmer", "Ospina Restrepo Quintero")),
                     "num_doc": ("national-id", digits(9, "1")), "puntaje": ("income", digits(2, "1"))}),
}  # fmt: skip
THINGS: dict[str, tuple[str, Table]] = {
    "lamps": ("ES", {"matricula": [f"{1000 + n}-A{n % 9}" for n in range(ROWS)],
                     "calle": some("Calle Real", "Ronda Norte"), "potencia": some("70", "100"),
                     "x": [str(430_000 + n * 13) for n in range(ROWS)], "y": [str(4_470_000 + n * 17) for n in range(ROWS)]}),
    "poles": ("IT", {"matricola": [f"P{20_000 + n}" for n in range(ROWS)], "indirizzo": doors("Via Po", "Via XX Settembre")}),
    "schools": ("ES", {"nombre": [f"CEIP {name}" for name in both("Juan Ana Carmen", "Moya Gil Cano")],
                       "direccion": doors("Calle Real"), "telefono": digits(8, "9"), "alumnos": digits(3)}),
    "statues": ("ES", {"monumento": [f"Monumento a {name}" for name in both("Juan Ana Carmen", "Moya Gil Cano")],
                       "año": digits(2, "19")}),
    "parks": ("GB", {"park_name": [f"{name} Gardens" for name in some("Taylor", "Evans", "Green")], "area_ha": digits(2)}),
    "babies": ("FR", {"annee": some("2020", "2021"), "prenom": some("Léa", "Théo", "Inès"), "sexe": some("M", "F"),
                      "nombre": digits(2, "1")}),
    "goods": ("GB", {"sku": checked("", 8), "item": some("bolt", "lamp"), "stock": digits(2)}),
    "chemists": ("FR", {"nom": [f"Pharmacie {name}" for name in some("Girard", "Perrin", "Masson")],
                        "adresse": doors("rue Neuve"), "tel": digits(8, "04")}),
    "opening": ("ES", {"equipamiento": some("Biblioteca Central", "Piscina Norte"), "apertura": some("09:00", "10:00"),
                       "email": some("biblioteca@ayto.es", "piscina@ayto.es", "info@ayto.es")}),
    "sensors": ("GB", {"mac": [f"00:1b:44:11:3a:{n:02x}" for n in range(ROWS)], "pm25": digits(2)}),
    "residents": ("ES", {"seccion": digits(5), "edad": digits(1, "2"), "sexo": some("Hombre", "Mujer"), "total": digits(2)}),
}  # fmt: skip


def sample(columns: Table) -> Sample:
    listed = tuple(SampleColumn(name, tuple(values)) for name, values in columns.items())
    return Sample("t.csv", "csv", {}, listed, total=ROWS)


def detected(columns: Table, country: str) -> list[str]:
    """Kinds found in the typed table, by its draft's types."""
    contract = infer(sample(columns), country=country).contract
    held = duckdb.connect()
    listed, made = [], []
    for number, (item, values) in enumerate(zip(contract.properties, columns.values(), strict=True)):
        formats = list(item.parse.formats)
        text = f"list_extract({values!r}, i)"
        temporal = item.kind.value in ("date", "timestamp")
        cast = f"try_strptime({text}, {formats!r})::DATE" if temporal and formats else text
        kind = "VARCHAR" if item.kind.value in ("string", "time") else item.kind.duckdb
        made.append(f"TRY_CAST({cast} AS {kind}) AS c{number}")
        listed.append((f"c{number}", item.kind))
    held.execute(f"CREATE TABLE t AS SELECT {', '.join(made)} FROM range(1, {ROWS + 1}) AS r(i)")
    names = [item.name for item in contract.properties]
    held.execute(
        "CREATE VIEW v AS SELECT " + ", ".join(f'c{n} AS "{name}"' for n, name in enumerate(names)) + " FROM t"
    )
    told = [(name, kind) for name, (_, kind) in zip(names, listed, strict=True)]
    return [item.kind for item in detect(held, "v", told, country=country, declared=contract)]


@pytest.mark.parametrize("language", REGISTERS)
def test_registers_of_persons_are_found_in_draft_and_data(language: str) -> None:
    country, told = REGISTERS[language]
    columns = {"n": [str(n + 1) for n in range(ROWS)], **{name: values for name, (_, values) in told.items()}}
    wanted = ["", *(kind for kind, _ in told.values())]
    contract = infer(sample(columns), country=country).contract
    assert [str(item.custom.get("arengoPersonalKind", "")) for item in contract.properties] == wanted
    assert all(item.privacy_role for item in contract.properties[1:])
    assert not any(item.examples for item in contract.properties[1:])
    assert detected(columns, country) == wanted


@pytest.mark.parametrize("name", THINGS)
def test_things_are_nobody(name: str) -> None:
    country, columns = THINGS[name]
    contract = infer(sample(columns), country=country).contract
    assert not [item.name for item in contract.properties if item.custom.get("arengoPersonalKind")]
    assert set(detected(columns, country)) == {""}


@pytest.mark.parametrize("country", ["PL", "", "IT"])
def test_a_pesel_column_is_found_wherever_the_city_is(country: str) -> None:
    for values in (PESEL, [*PESEL[:4], "00000000000", *PESEL[4:7]]):
        columns = {"PESEL": values, "uwagi": ["brak"] * len(values)}
        listed = tuple(SampleColumn(name, tuple(texts)) for name, texts in columns.items())
        found = infer(Sample("t.csv", "csv", {}, listed, total=len(values)), country=country).contract.properties[0]
        assert (found.custom.get("arengoPersonalKind"), found.kind.value) == ("national-id", "string")


def test_payment_cards_are_told_from_other_numbers_with_a_check_digit() -> None:
    cards = {"card": checked("4", 14), "amount": digits(2)}
    assert infer(sample(cards)).contract.properties[0].custom["arengoPersonalKind"] == "card"
    assert detected(cards, "GB")[0] == "card"
    meters = {"meter": checked("9", 12), "reading": digits(3)}
    assert "arengoPersonalKind" not in infer(sample(meters)).contract.properties[0].custom


def test_cards_beside_exact_times_are_traces() -> None:
    times = [f"2025-03-{n % 28 + 1:02d} {n % 24:02d}:{n % 60:02d}:07" for n in range(ROWS)]
    trips = {"num_tarjeta": [str(4000 + n % 9) for n in range(ROWS)], "validado": times}
    assert infer(sample(trips), country="ES").contract.properties[0].custom["arengoPersonalKind"] == "person-id"
    stock = {"num_tarjeta": [str(4000 + n % 9) for n in range(ROWS)], "color": some("rojo", "azul")}
    assert "arengoPersonalKind" not in infer(sample(stock), country="ES").contract.properties[0].custom


def test_texts_that_name_somebody_are_marked() -> None:
    said = ["Soy Carmen Ruiz y vivo al lado del bar", "La farola no funciona desde hace dos semanas",
            "Me llamo Luis Cano, llamen al 612 345 678 por favor", "Los contenedores están siempre llenos"]  # fmt: skip
    found = infer(sample({"asunto": some("Ruido", "Luz"), "texto": (said * ROWS)[:ROWS]}), country="ES").contract
    assert found.properties[1].custom["arengoPersonalKind"] == "free-text"
    dull = {"objeto": some("Aprobación de la variante del plan", "Convenio con la Fundación G. Verdi de la ciudad")}
    assert "arengoPersonalKind" not in infer(sample(dull), country="ES").contract.properties[0].custom


def test_beside_persons_only_shared_values_are_examples() -> None:
    columns = {"Apellidos": some("Ruiz", "Cano", "Gil"), "nif": DNI, "apodo": [f"zurdo{n}" for n in range(ROWS)],
               "barrio": some("Centro", "Norte")}  # fmt: skip
    found = {item.name: item.examples for item in infer(sample(columns), country="ES").contract.properties}
    assert (found["apellidos"], found["nif"], found["apodo"]) == ((), (), ())
    assert set(found["barrio"]) == {"Centro", "Norte"}


@pytest.mark.parametrize("gap", [(1,), (1, 2)])
def test_a_first_record_with_empty_numbers_is_data(gap: Sequence[int]) -> None:
    rows = [["Anna", "", "nota breve", "Via Po"] if n in gap else ["Luca", str(44 + n), "altro", "Via Arno"]
            for n in range(1, 9)]  # fmt: skip
    text = "\n".join(";".join(row) for row in [["nome", "pesel", "nota", "via"], *rows]) + "\n"
    found = sniff(text, complete=True)
    assert (found.header, found.names) == (1, ("nome", "pesel", "nota", "via"))


@pytest.mark.parametrize("head", ["person", "mieszkaniec", "patient", "voter"])
def test_a_number_of_each_person_is_found_under_any_word_for_a_person(head: str) -> None:
    table = {head: digits(10), "wiek": years(0, 95), "plec": some("K", "M"), "rejon": some("A", "B", "C")}
    contract = infer(sample(table), country="PL").contract
    found = [str(item.custom.get("arengoPersonalKind", "")) for item in contract.properties]
    assert found == ["person-id", "age", "sex", ""]


def test_rows_that_are_alike_are_persons_and_those_of_a_table_of_counts_are_not() -> None:
    persons = {"wiek": years(18, 40), "plec": some("K", "M"), "rejon": some("A", "B")}
    assert detected(persons, "PL") == ["age", "sex", ""]
    ages = [str(age) for age in range(ROWS // 2) for _ in "KM"]
    groups = {"wiek": ages, "plec": ["K", "M"] * (ROWS // 2), "obs": years(0, 500)}
    assert detected(groups, "PL") == ["", "", ""]
