"""Residents: the statistics that are open, the registry that is not, and how they voted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from arengo.demo import files, names
from arengo.demo.files import workbook
from arengo.demo.promise import ABOUT_RESIDENTS, Column, Promise, Rule, one_of, personal, purpose, rows_at_least
from arengo.demo.territory import population
from arengo.demo.world import Dataset, World

DOMAIN = "registry"
OWNER = "Registry Office"

# Population by district: a workbook with title rows, a two-row header, sums and withheld cells

AGES = ("0-14", "15-29", "30-44", "45-64", "65-79", "80+")
_SHARES = np.array([0.117, 0.152, 0.176, 0.307, 0.171, 0.077])


def _population(world: World, step: int, folder: Path) -> None:
    random = world.random("population")
    people = population(world)
    rows: list[list[Any]] = []
    for cell in world.ground.cells:
        base = np.round(people[cell.number - 1] * (1.004 if step >= 4 else 1.0) * _SHARES * random.normal(1, 0.07, 6))
        foreign = np.round(base * random.uniform(0.004, 0.14) * np.array([1.2, 1.4, 1.5, 0.9, 0.2, 0.03]))
        row: list[Any] = [cell.code, names.DISTRICTS[cell.district - 1], cell.name]
        for values in (base, foreign):
            row += [".." if 0 < value < 10 else int(value) for value in values] + [int(values.sum())]
        rows.append(row)
    when = world.day(0).year if step >= 4 else world.day(0).year - 1
    title = [f"Popolazione residente per quartiere e classe di età al 31 dicembre {when}", "Valori assoluti"]
    header = ["Codice", "Distretto", "Quartiere", *AGES, "Totale", *AGES, "Totale"]
    groups = [("Zona", 3), ("Residenti", 7), ("di cui stranieri", 7)]
    foot = "Fonte: Anagrafe. Il simbolo .. indica meno di dieci persone."
    files.write(folder / "popolazione" / "popolazione.xlsx", workbook(title, groups, header, rows, "Tavola 1", foot))


def _population_promise() -> Promise:
    columns = []
    for prefix, group, label, italian in (
        ("residents", "Residenti", "Residents", "Residenti"),
        ("foreign", "di cui stranieri", "Foreign residents", "Stranieri"),
    ):
        for age in (*AGES, "Totale"):
            name = age.lower().replace("-", "_").replace("+", "_plus").replace("totale", "all")
            words = "all ages" if age == "Totale" else f"aged {age}"
            columns.append(
                Column(
                    f"{prefix}_{name}", "integer", f"{label}, {words}", "",
                    f"{italian}, {'totale' if age == 'Totale' else age + ' anni'}", source=f"{group} {age}",
                    unit="persons", parse={"suppressed": [".."]},
                )
            )  # fmt: skip
    return Promise(
        id="population",
        name="Population by neighbourhood",
        purpose="Residents and foreign residents of each neighbourhood by age.",
        it=("Popolazione per quartiere", "Residenti e residenti stranieri di ogni quartiere per età."),
        usage="Planning of schools, doctors, homes for the aged.",
        limitations="Cells of one to nine persons are withheld and written as two dots; sums are kept.",
        owner="Statistics Office",
        domain="statistics",
        theme="SOCI",
        frequency="ANNUAL",
        tags=("population", "statistics"),
        source={"kind": "excel", "path": "sources/popolazione/popolazione.xlsx", "sheet": "Tavola 1"},
        columns=(
            Column("code", "string", "Code", "As in neighbourhoods.", "Codice", source="Zona Codice", key=True),
            Column("district", "string", "District", "Name.", "Distretto", source="Zona Distretto"),
            Column(
                "neighbourhood", "string", "Neighbourhood", "Name.", "Quartiere", source="Zona Quartiere", required=True
            ),
            *columns,
        ),
        rules=(rows_at_least(30),),
    )


# The registry: a database of the nineties, padded texts, S and N, local names

_SCRIPT = """
PRAGMA page_size = 4096;
CREATE TABLE FAMIGLIE (ID_FAMIGLIA INTEGER PRIMARY KEY, INDIRIZZO TEXT, QUARTIERE TEXT, COMPONENTI INTEGER,
DATA_VAR TEXT);
CREATE TABLE ANAGRAFE (MATRICOLA TEXT PRIMARY KEY, ID_FAMIGLIA INTEGER, COGNOME TEXT, NOME TEXT, SESSO TEXT,
DATA_NASCITA TEXT,
COD_FISCALE TEXT, QUARTIERE TEXT,
  CITTADINANZA TEXT, STATO_CIVILE TEXT, CAPOFAMIGLIA TEXT, TELEFONO TEXT, EMAIL TEXT, DATA_VAR TEXT);
CREATE TABLE CODICI (TABELLA TEXT, CODICE TEXT, DESCRIZIONE TEXT);
"""
_ODD = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)) | dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)
_MONTHS = "ABCDEHLMPRST"


def tax_code(surname: str, given: str, sex: str, born: date) -> str:
    """A tax code with the right shape and check letter; the birth place Y999 exists nowhere, so it is nobody's."""

    def letters(word: str, given_name: bool) -> str:
        word = word.upper()
        consonants = [c for c in word if c.isalpha() and c not in "AEIOU"]
        if given_name and len(consonants) > 3:
            consonants = [consonants[0], *consonants[2:]]
        return "".join([*consonants, *(c for c in word if c in "AEIOU"), "XXX"])[:3]

    day = born.day + (40 if sex == "F" else 0)
    body = f"{letters(surname, False)}{letters(given, True)}{born.year % 100:02d}{_MONTHS[born.month - 1]}{day:02d}Y999"
    total = sum(_ODD[c] if i % 2 == 0 else (int(c) if c.isdigit() else ord(c) - 65) for i, c in enumerate(body))
    return body + chr(65 + total % 26)


def registry(world: World) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The families and the persons that ever were on the registry (one household in thirty), the same each time."""
    return world.once("registry", partial(_drawn, world))  # type: ignore[no-any-return]


def _drawn(world: World, random: np.random.Generator) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    families: list[dict[str, Any]] = []
    persons: list[dict[str, Any]] = []
    houses = world.ground.houses
    for number in range(2_700):
        size = int(random.choice([1, 2, 3, 4, 5, 6], p=[0.36, 0.28, 0.18, 0.13, 0.04, 0.01]))
        joined = int(random.choice([0, 1, 2, 3, 4, 5, 6], p=[0.94, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01]))
        left = int(random.choice([2, 4, 6, 99], p=[0.01, 0.01, 0.01, 0.97]))
        house = houses[int(random.integers(0, len(houses)))]
        moved = int(random.choice([2, 4, 6, 99], p=[0.02, 0.02, 0.02, 0.94]))
        other = houses[int(random.integers(0, len(houses)))]
        families.append(
            {"id": 10_000 + number, "joined": joined, "left": left, "house": house, "moved": moved, "other": other}
        )
        name = world.surname(random)
        oldest = int(random.triangular(24, 48, 92))
        for member in range(size):
            sex = "F" if random.random() < 0.51 else "M"
            age = (
                oldest
                if member == 0
                else max(
                    0,
                    oldest - int(random.integers(-4, 8)) if member == 1 else oldest - int(random.integers(24, 36)),
                )
            )
            born = world.day(0) - timedelta(days=age * 365 + int(random.integers(0, 365)))
            arrives = joined
            if member == size - 1 and size > 2 and random.random() < 0.06:
                arrives = max(joined, int(random.choice([2, 4, 6])))
                born = world.day(arrives) - timedelta(days=int(random.integers(2, 40)))
            dies = int(random.choice([2, 4, 6, 99], p=[0.012, 0.012, 0.012, 0.964])) if age > 74 else 99
            persons.append(
                {"family": number, "name": name if member != 1 or random.random() < 0.5 else world.surname(random)}
                | {
                    "given": str(random.choice(names.GIVEN_F if sex == "F" else names.GIVEN_M)),
                    "sex": sex,
                    "born": born,
                }
                | {"joined": arrives, "left": min(left, dies), "head": member == 0, "luck": random.random(4)}
            )
    return families, persons


def home(world: World, family: dict[str, Any], step: int) -> Any:
    """The house a family lives in at a step."""
    return family["other"] if family["moved"] <= step else family["house"]


def _registry(world: World, step: int, folder: Path) -> None:
    """A sample of families (the city gives the demo one household in thirty)."""
    families, persons = registry(world)
    people_rows: list[Sequence[Any]] = []
    family_rows: list[Sequence[Any]] = []
    alive: dict[int, int] = {}
    for i, person in enumerate(persons):
        if person["joined"] > step or person["left"] <= step:
            continue
        family = families[person["family"]]
        alive[person["family"]] = alive.get(person["family"], 0) + 1
        luck = person["luck"]
        surname, given, born = person["name"], person["given"], person["born"]
        phone = f"0000 {int(luck[0] * 900_000) + 100_000}" if luck[0] < 0.6 else ""
        mail = f"{given}.{surname}{int(luck[1] * 90) + 10}@posta.example".lower() if luck[1] < 0.5 else None
        state = "1" if (world.day(0) - born).days < 18 * 365 else str(1 + int(luck[2] * 4))
        nation = "100" if luck[3] > 0.08 else ("201", "302", "405", "512")[int(luck[3] * 50)]
        people_rows.append(
            (
                f"{i + 1:08d}",
                family["id"],
                surname.upper().ljust(24),
                given.upper().ljust(20),
                person["sex"],
                born.strftime("%d/%m/%Y"),
                tax_code(surname, given, person["sex"], born),
                world.ground.cells[home(world, family, step).cell].code,
                nation,
                state,
                "S" if person["head"] else "N",
                phone.ljust(14),
                mail,
                world.day(max(person["joined"], 0)).strftime("%Y%m%d"),
            )
        )
    for number, family in enumerate(families):
        if family["joined"] > step or family["left"] <= step or not alive.get(number):
            continue
        house = home(world, family, step)
        changed = max(family["joined"], family["moved"] if family["moved"] <= step else 0)
        family_rows.append(
            (
                family["id"],
                world.ground.address(house).upper().ljust(48),
                world.ground.cells[house.cell].code,
                alive[number],
                world.day(changed).strftime("%Y%m%d"),
            )
        )
    codes = [
        ("STATO_CIVILE", "1", "Nubile/celibe"),
        ("STATO_CIVILE", "2", "Coniugato/a"),
        ("STATO_CIVILE", "3", "Vedovo/a"),
    ]
    codes += [("STATO_CIVILE", "4", "Divorziato/a"), ("CITTADINANZA", "100", "Italiana")]
    rows: dict[str, Sequence[Sequence[Any]]] = {"FAMIGLIE": family_rows, "ANAGRAFE": people_rows, "CODICI": codes}
    files.database(folder / "anagrafe" / "anagrafe.sqlite", _SCRIPT, rows)


_OLD_DAY = {"formats": ["%Y%m%d"]}
_CLOSED: dict[str, Any] = {
    "owner": OWNER,
    "domain": DOMAIN,
    "theme": "SOCI",
    "frequency": "MONTHLY",
    "licence": "none",
    "approvers": ("registry@arvenza.example", "dpo@arvenza.example"),
    "retention": "P1Y",
}


_REGISTER = purpose(
    "resident-register", "Keeping the register of residents", "Tenuta dell'anagrafe della popolazione residente",
    "dpv:RecordManagement", "eu-gdpr:A6-1-c", "P75Y",
    recipients=["Registry Office", "Electoral Office", "Ministry of the Interior"],
    necessity="The law on the resident register names each of these particulars.",
)  # fmt: skip
_CERTIFICATES = purpose(
    "certificates", "Issuing certificates to residents", "Rilascio di certificati ai residenti",
    "dpv:RequestedServiceProvision", "eu-gdpr:A6-1-e", "P10Y", recipients=["Registry Office"],
    necessity="A certificate repeats what the register says of the person who asks for it.",
)  # fmt: skip
_PLANNING = purpose(
    "place-planning", "Planning schools and services by neighbourhood",
    "Programmazione di scuole e servizi per quartiere", "dpv:PublicPolicyMaking", "eu-gdpr:A6-1-e", "P10Y",
    recipients=["Statistics Office", "Schools Office"],
    necessity="Sizes of households by neighbourhood are needed; addresses only where distances to a school are.",
)  # fmt: skip

_persons_promise = Promise(
    id="registry-persons",
    name="Registry of persons",
    purpose="The residents as the registry knows them, for offices that the law allows to ask. All are made up.",
    it=("Anagrafe: persone",
    "I residenti come li conosce l'anagrafe, per gli uffici che ne hanno titolo. Persone inventate."),
    limitations="A sample of about one household in thirty. Texts are padded with blanks by the old program.",
    tags=("registry", "personal data"),
    access="closed",
    source={"kind": "sqlite", "path": "sources/anagrafe/anagrafe.sqlite", "table": "ANAGRAFE"},
    columns=(
        Column("id", "string", "Registry number", "", "Matricola", source="MATRICOLA", key=True,
               classification="restricted",
               custom=personal("identifier", "person-id") | {"arengoSubject": "residents"}),
        Column("family_id", "integer", "Family", "As in registry-families.", "Famiglia", source="ID_FAMIGLIA",
               required=True,
               custom=personal("quasi")),
        Column("surname", "string", "Surname", "", "Cognome", source="COGNOME", required=True,
               classification="restricted",
               custom=personal("identifier", "name")),
        Column("given_name", "string", "Given name", "", "Nome", source="NOME", required=True,
               classification="restricted",
               custom=personal("identifier", "name")),
        Column("sex", "string", "Sex", "", "Sesso", source="SESSO", codes={"F": "Female", "M": "Male"},
               custom=personal("quasi", "sex") | {"arengoPrivacyConcept": "sex"}),
        Column("born_on", "date", "Born on", "", "Data di nascita", source="DATA_NASCITA", required=True,
               classification="restricted", parse={"formats": ["%d/%m/%Y"]},
               custom=personal("quasi", "birth-date") | {"arengoPrivacyConcept": "birth-date",
                                                         "arengoHierarchy": "dates"}),
        Column("tax_code", "string", "Tax code", "", "Codice fiscale", source="COD_FISCALE",
               classification="restricted",
               unique=True, custom=personal("identifier", "national-id")),
        Column("neighbourhood", "string", "Neighbourhood", "Where the person lives, as in neighbourhoods.", "Quartiere",
               source="QUARTIERE",
               custom=personal("quasi", "location")
               | {"arengoPrivacyConcept": "residence", "arengoHierarchy": "places"}),
        Column("citizenship", "string", "Citizenship", "Three-digit code.", "Cittadinanza", source="CITTADINANZA",
               custom=personal("quasi", "nationality")),
        Column("civil_status", "string", "Civil status", "", "Stato civile", source="STATO_CIVILE",
               custom=personal("quasi"),
               codes={"1": "Single", "2": "Married", "3": "Widowed", "4": "Divorced"}),
        Column("head_of_family", "boolean", "Head of family", "", "Capofamiglia", source="CAPOFAMIGLIA",
               parse={"true": ["S"], "false": ["N"]}),
        Column("phone", "string", "Telephone", "", "Telefono", source="TELEFONO", classification="restricted",
               custom=personal("identifier", "phone")),
        Column("email", "string", "E-mail", "", "Posta elettronica", source="EMAIL", classification="restricted",
               custom=personal("identifier", "email")),
        Column("changed_on", "date", "Changed on", "", "Variazione", source="DATA_VAR", parse=_OLD_DAY),
    ),
    rules=(rows_at_least(3_000),),
    custom=ABOUT_RESIDENTS | {"arengoPurposes": [_REGISTER, _CERTIFICATES]},
    **_CLOSED,
)  # fmt: skip

_families_promise = Promise(
    id="registry-families",
    name="Registry of families",
    purpose="Households with their address and size, shared with planning offices on request. All are made up.",
    it=("Anagrafe: famiglie", "Le famiglie con indirizzo e componenti, condivise su richiesta. Famiglie inventate."),
    tags=("registry", "personal data"),
    access="shared",
    source={"kind": "sqlite", "path": "sources/anagrafe/anagrafe.sqlite", "table": "FAMIGLIE"},
    columns=(
        Column("id", "integer", "Family", "", "Famiglia", source="ID_FAMIGLIA", key=True,
               custom=personal("identifier", "person-id")),
        Column("address", "string", "Address", "", "Indirizzo", source="INDIRIZZO", required=True,
               classification="restricted",
               custom=personal("quasi", "address")),
        Column("neighbourhood", "string", "Neighbourhood", "As in neighbourhoods.", "Quartiere", source="QUARTIERE",
               custom=personal("quasi")),
        Column("members", "integer", "Members", "", "Componenti", source="COMPONENTI", unit="persons"),
        Column("changed_on", "date", "Changed on", "", "Variazione", source="DATA_VAR", parse=_OLD_DAY),
    ),
    rules=(rows_at_least(1_000),),
    custom=ABOUT_RESIDENTS | {"arengoPurposes": [_REGISTER, _PLANNING]},
    **_CLOSED,
)  # fmt: skip

# Elections: by polling station and list, one recount

LISTS = (
    ("1", "Arvenza Aperta", 0.24), ("2", "Porto e Lavoro", 0.19), ("3", "Isola Verde", 0.15),
     ("4", "Civica Ponente", 0.13),
    ("5", "Unione dei Quartieri", 0.11), ("6", "Mare Nostro Comune", 0.08), ("7", "Giovani per l'Isola", 0.06),
     ("8", "Tradizione", 0.04),
)  # fmt: skip


def _elections(world: World, step: int, folder: Path) -> None:
    random = world.random("elections")
    rows = []
    weights = world.ground.weights
    for section in range(1, 129):
        cell = world.ground.cells[int(random.choice(30, p=weights))]
        voters = int(random.integers(620, 1180))
        turnout = int(voters * float(random.normal(0.58, 0.05)))
        share = random.dirichlet(np.array([item[2] for item in LISTS]) * 60)
        votes = np.floor(turnout * 0.965 * share).astype(int)
        if section == 77 and step < 2:
            votes[1], votes[2] = votes[2], votes[1]  # two lines swapped on the night; recounted
        for (number, label, _), count in zip(LISTS, votes, strict=True):
            rows.append(
                (
                    f"{section:03d}",
                    f"Seggio {section} - {cell.name}",
                    f"{cell.district:02d}",
                    voters,
                    turnout,
                    int(turnout - votes.sum()),
                    number,
                    label.upper() + "  ",
                    int(count),
                )
            )
    header = ("SEZIONE", "SEGGIO", "DISTRETTO", "ISCRITTI", "VOTANTI", "BIANCHE_NULLE", "N_LISTA", "LISTA", "VOTI")
    files.table(folder / "elezioni" / "comunali.csv", header, rows, delimiter=";", encoding="cp1252", newline="\r\n")


_elections_promise = Promise(
    id="election-results",
    name="Council election results",
    purpose="Votes for each list at each polling station in the last council election.",
    it=("Risultati delle elezioni comunali", "Voti di ogni lista in ogni sezione alle ultime elezioni comunali."),
    owner="Electoral Office",
    domain=DOMAIN,
    theme="GOVE",
    frequency="IRREG",
    tags=("elections", "democracy"),
    source={"kind": "csv", "path": "sources/elezioni/comunali.csv", "encoding": "cp1252", "delimiter": ";"},
    filters=(("list_number", "-votes"),),
    columns=(
        Column("station", "string", "Polling station", "Three digits.", "Sezione", source="SEZIONE", key=True),
        Column("station_name", "string", "Name", "", "Seggio", source="SEGGIO"),
        Column("district", "string", "District", "Two digits.", "Distretto", source="DISTRETTO"),
        Column("electors", "integer", "Electors", "", "Iscritti", source="ISCRITTI", unit="persons"),
        Column("voters", "integer", "Voters", "", "Votanti", source="VOTANTI", unit="persons"),
        Column("blank_or_void", "integer", "Blank or void", "", "Bianche e nulle", source="BIANCHE_NULLE",
               unit="ballots"),
        Column("list_number", "string", "List number", "", "Numero di lista", source="N_LISTA", key=True,
               rules=(one_of(*(item[0] for item in LISTS), severity="error"),)),
        Column("list", "string", "List", "", "Lista", source="LISTA"),
        Column("votes", "integer", "Votes", "", "Voti", source="VOTI", unit="votes", required=True),
    ),
    rules=(
        rows_at_least(1_000),
        Rule("votes-within-voters", ("mustBe", 0), severity="error", dimension="consistency",
             query="SELECT count(*) FROM ${object} WHERE votes > voters OR voters > electors",
             text="A list cannot have more votes than there were voters, nor voters be more than electors."),
    ),
)  # fmt: skip


def minutes(world: World, step: int, folder: Path) -> None:
    """Council minutes as PDF: no dataset yet, a file that waits in sources/."""
    day = world.day(step) - timedelta(days=6)
    subjects = ("Approvazione del verbale precedente", "Variazione di bilancio", "Piano del verde",
                "Regolamento dei mercati",
                "Interrogazione sui parcheggi", "Convenzione con le biblioteche",
                "Nuova fermata alle Saline")  # fmt: skip
    lines = [
        "COMUNE DI ARVENZA",
        f"Verbale del Consiglio comunale n. {step + 11}",
        f"Seduta del {day.strftime('%d/%m/%Y')}",
        "",
    ]
    for number in range(4 + step % 3):
        lines += [f"{number + 1}. {subjects[(step + number) % len(subjects)]}", ""]
        lines += [f"   Presenti {28 - number}, votanti {27 - number}, favorevoli {19 + number % 3}, contrari 5."]
        lines += ["   Il Consiglio approva.", ""]
    content = files.pdf(f"Verbale {step + 11}", [*lines, "La seduta e' tolta alle 21.40."])
    files.write(folder / "consiglio" / f"verbale_{day.strftime('%Y_%m_%d')}.pdf", content)


DATASETS = (
    Dataset({0: _population_promise()}, (0, 4), _population),
    Dataset({0: _persons_promise}, (0, 2, 4, 6), _registry),
    Dataset({0: _families_promise}, (0, 2, 4, 6)),
    Dataset({0: _elections_promise}, (0, 2), _elections),
)
