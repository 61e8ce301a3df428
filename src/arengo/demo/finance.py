"""Budget, payments, contracts, staff, energy bills."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from arengo.demo import files
from arengo.demo.promise import Column, Promise, between, rows_at_least
from arengo.demo.world import EVERY, Dataset, World

DOMAIN = "finance"
OWNER = "Budget and Accounts"
EUROS = {"decimal": ",", "thousands": " "}

MISSIONS = (
    ("01", "Servizi istituzionali e generali"), ("03", "Ordine pubblico e sicurezza"), ("04", "Istruzione"),
    ("05", "Beni e attività culturali"), ("06", "Sport e tempo libero"), ("07", "Turismo"),
     ("08", "Assetto del territorio"),
    ("09", "Ambiente e rifiuti"), ("10", "Trasporti e mobilità"), ("11", "Soccorso civile"),
     ("12", "Politiche sociali"),
    ("14", "Sviluppo economico"), ("17", "Energia"), ("20", "Fondi e accantonamenti"), ("50", "Debito pubblico"),
)  # fmt: skip
TITLES = (("1", "Spese correnti"), ("2", "Spese in conto capitale"), ("4", "Rimborso prestiti"))


def _budget(world: World, step: int, folder: Path) -> None:
    random = world.random("budget")
    rows = []
    for year in range(world.day(0).year - 3, world.day(0).year + 1):
        for code, label in MISSIONS:
            for programme in range(1, 8):
                for title, title_label in TITLES:
                    if title == "4" and code != "50":
                        continue
                    size = float(np.exp(random.normal(13.2 if title == "1" else 12.4, 0.9)))
                    revised = size * float(random.lognormal(0.01, 0.08))
                    if random.random() < 0.12:
                        continue
                    shown = revised if step >= 3 and year == world.day(0).year else size
                    rows.append(
                        (
                            year,
                            "U",
                            title,
                            f"{code}.{programme:02d}",
                            files.money(shown),
                            label.upper() if programme == 1 else "",
                            title_label,
                        )
                    )
    header = (
        "Esercizio",
        "E_U",
        "Titolo",
        "Missione_Programma",
        " Stanziamento ",
        "Descrizione missione",
        "Descrizione titolo",
    )
    files.table(folder / "bilancio" / "bilancio.csv", header, rows, delimiter=";", encoding="latin-1", newline="\r\n")


_budget_promise = Promise(
    id="budget",
    name="Budget",
    purpose="What the council allowed to be spent each year, by mission, programme and title.",
    it=("Bilancio di previsione", "Quanto il consiglio ha autorizzato a spendere ogni anno, per missione e programma."),
    limitations="The mission's name stands on the first programme only, as in the printed budget.",
    owner=OWNER,
    domain=DOMAIN,
    theme="GOVE",
    frequency="ANNUAL_2",
    tags=("budget", "money"),
    source={"kind": "csv", "path": "sources/bilancio/bilancio.csv", "encoding": "iso-8859-1", "delimiter": ";"},
    columns=(
        Column("year", "integer", "Year", "", "Esercizio", source="Esercizio", key=True),
        Column("side", "string", "Side", "", "Entrata o uscita", source="E_U",
               codes={"E": "Revenue", "U": "Expenditure"}),
        Column("title", "string", "Title", "", "Titolo", source="Titolo", key=True, codes=dict(TITLES)),
        Column("programme", "string", "Programme", "Mission and programme.", "Programma", source="Missione_Programma",
               key=True),
        Column("amount_eur", "number", "Allowed", "", "Stanziamento", source="Stanziamento", unit="EUR", parse=EUROS,
               required=True),
        Column("mission", "string", "Mission", "", "Missione", source="Descrizione missione"),
        Column("title_name", "string", "Title name", "", "Nome del titolo", source="Descrizione titolo"),
    ),
    rules=(rows_at_least(300),),
)  # fmt: skip


def _spending(world: World, step: int, folder: Path) -> None:
    first = world.day(0) - timedelta(days=420)

    def make(random: np.random.Generator) -> Any:
        count = 26_000
        return (
            np.sort(random.integers(0, (world.end - first).days, count)),
            np.round(np.exp(random.normal(7.4, 1.6, count)), 2),
            (len(world.firms) * random.random(count) ** 2).astype(int),
            random.integers(0, len(MISSIONS), count),
            random.random(count),
        )

    days, amounts, firms, missions, luck = world.once("spending", make)
    texts = (
        "Fornitura materiale",
        "Manutenzione ordinaria",
        "Servizio di pulizia",
        "Canone",
        "Lavori",
        "Consulenza",
        "Energia elettrica",
    )
    rows = []
    for i in range(len(days)):
        day = first + timedelta(days=int(days[i]))
        if day >= world.day(step):
            break
        amount = float(amounts[i])
        if i == 700 and step < 2:
            amount *= 1000  # cents read as euros; corrected in the third version
        if luck[i] < 0.004:
            amount = -amount  # a payment taken back
        rows.append(
            (
                f"M{day.year}{i + 1:06d}",
                day.strftime("%d/%m/%Y"),
                world.firms[firms[i]],
                MISSIONS[missions[i]][0],
                texts[int(luck[i] * 997) % len(texts)],
                files.money(amount),
            )
        )
    header = ("Mandato", "Data", "Beneficiario", "Missione", "Oggetto", "Importo")
    files.table(folder / "bilancio" / "pagamenti.csv", header, rows, delimiter=";", encoding="latin-1", newline="\r\n")


_spending_promise = Promise(
    id="spending",
    name="Payments",
    purpose="Every payment of the city to a firm: when, to whom, for what, how much.",
    it=("Pagamenti", "Ogni pagamento del comune alle imprese: quando, a chi, per cosa, quanto."),
    usage="Following the money from budget to invoice.",
    limitations="Payments to persons are not part of this dataset. Amounts below zero are payments taken back.",
    owner=OWNER,
    domain=DOMAIN,
    theme="GOVE",
    frequency="MONTHLY",
    tags=("spending", "money"),
    source={"kind": "csv", "path": "sources/bilancio/pagamenti.csv", "encoding": "iso-8859-1", "delimiter": ";"},
    time="paid_on",
    sort=("-paid_on", "id"),
    filters=(("mission", "-paid_on"), ("payee", "-paid_on")),
    search=("payee", "subject"),
    language="it",
    columns=(
        Column("id", "string", "Order", "", "Mandato", source="Mandato", key=True),
        Column("paid_on", "date", "Paid on", "", "Data", source="Data", required=True, parse={"formats": ["%d/%m/%Y"]}),
        Column("payee", "string", "Paid to", "Firm.", "Beneficiario", source="Beneficiario", required=True),
        Column("mission", "string", "Mission", "As in the budget.", "Missione", source="Missione",
               codes=dict(MISSIONS)),
        Column("subject", "string", "For", "", "Oggetto", source="Oggetto"),
        Column("amount_eur", "number", "Amount", "", "Importo", source="Importo", unit="EUR", parse=EUROS,
               required=True,
               rules=(between("amount_eur", -1_000_000, 3_000_000),)),
    ),
    rules=(rows_at_least(3_000),),
)  # fmt: skip


def _contracts(world: World, step: int, folder: Path) -> None:
    first = world.day(0) - timedelta(days=700)
    ways = ("Procedura aperta", "Affidamento diretto", "Procedura negoziata", "Accordo quadro")

    def make(random: np.random.Generator) -> Any:
        return np.sort(random.integers(0, (world.end - first).days, 1_050)), random.random((1_050, 5))

    days, luck = world.once("contracts", make)
    out = []
    for i in range(len(days)):
        day = first + timedelta(days=int(days[i]))
        if day >= world.day(step):
            break
        base = float(np.exp(9.5 + 3.4 * luck[i, 0]))
        open_now = (world.day(step) - day).days < 45
        out.append(
            {
                "cig": f"Z{i * 7919 % 0xFFFFFFF:09X}"[:10],
                "oggetto": f"{('Lavori', 'Servizi', 'Forniture')[i % 3]} - {MISSIONS[int(luck[i, 1] * 15)][1]}",
                "procedura": ways[int(luck[i, 2] ** 2 * 4)],
                "pubblicato": day.isoformat(),
                "base_asta": round(base, 2),
                "aggiudicato": None if open_now else round(base * (0.72 + 0.27 * float(luck[i, 3])), 2),
                "aggiudicatario": None if open_now else world.firms[int(luck[i, 4] * len(world.firms))],
                "offerte": None if open_now else 1 + int(luck[i, 3] * 9),
            }
        )
    lines = "\n".join(json.dumps(item, ensure_ascii=False) for item in out)
    files.write(folder / "gare" / "contratti.ndjson", lines + "\n")


_contracts_promise = Promise(
    id="public-contracts",
    name="Public contracts",
    purpose="Tenders and direct awards with the winner, the price and the number of offers.",
    it=("Contratti pubblici", "Gare e affidamenti con aggiudicatario, prezzo e numero di offerte."),
    owner="Procurement Office",
    domain=DOMAIN,
    theme="GOVE",
    frequency="WEEKLY",
    tags=("procurement", "money"),
    source={"kind": "ndjson", "path": "sources/gare/contratti.ndjson"},
    time="published_on",
    sort=("-published_on",),
    search=("subject", "winner"),
    language="it",
    columns=(
        Column("id", "string", "Tender code", "", "CIG", source="cig", key=True),
        Column("subject", "string", "Subject", "", "Oggetto", source="oggetto", required=True),
        Column("procedure", "string", "Procedure", "In Italian.", "Procedura", source="procedura"),
        Column("published_on", "date", "Published on", "", "Pubblicato", source="pubblicato", required=True),
        Column("estimate_eur", "number", "Estimate", "", "Base d'asta", source="base_asta", unit="EUR"),
        Column("price_eur", "number", "Price", "Empty while open.", "Aggiudicato", source="aggiudicato", unit="EUR"),
        Column("winner", "string", "Winner", "Firm.", "Aggiudicatario", source="aggiudicatario"),
        Column("offers", "integer", "Offers", "", "Offerte", source="offerte"),
    ),
    rules=(rows_at_least(100),),
)

OFFICES = ("Anagrafe", "Polizia locale", "Biblioteche", "Verde pubblico", "Lavori pubblici", "Servizi sociali",
           "Istruzione",
           "Tributi", "Ragioneria", "Mobilità", "Cultura", "Sistemi informativi", "Ambiente", "Edilizia")  # fmt: skip


def _staff(world: World, step: int, folder: Path) -> None:
    random = world.random("staff")
    rows = []
    for year in range(world.day(0).year - 4, world.day(0).year + 1):
        for office in OFFICES:
            for grade in ("Operatori", "Istruttori", "Funzionari", "Dirigenti"):
                people = int(
                    random.poisson({"Operatori": 14, "Istruttori": 30, "Funzionari": 11, "Dirigenti": 1.2}[grade])
                )
                women = int(random.binomial(people, 0.55))
                if year < world.day(0).year or step >= 3:
                    rows.append((year, office, grade, people, women, f"{float(random.uniform(43, 54)):.1f}"))
    header = ("year", "office", "grade", "people", "women", "mean_age")
    files.table(folder / "personale" / "personale.csv", header, rows)


_staff_promise = Promise(
    id="staff",
    name="City staff",
    purpose="How many people work where, by grade, with the share of women and the mean age.",
    it=("Personale", "Quante persone lavorano dove, per categoria, con la quota di donne e l'età media."),
    owner="Human Resources",
    domain="administration",
    theme="GOVE",
    frequency="ANNUAL",
    tags=("staff",),
    source={"kind": "csv", "path": "sources/personale/personale.csv", "encoding": "utf-8", "delimiter": ","},
    columns=(
        Column("year", "integer", "Year", "On 31 December.", "Anno", key=True),
        Column("office", "string", "Office", "In Italian.", "Ufficio", key=True),
        Column("grade", "string", "Grade", "In Italian.", "Categoria", key=True),
        Column("people", "integer", "People", "", "Persone", unit="persons"),
        Column("women", "integer", "Women", "", "Donne", unit="persons"),
        Column("mean_age", "number", "Mean age", "", "Età media", unit="years"),
    ),
    rules=(rows_at_least(100),),
)


def _positions(world: World, step: int, folder: Path) -> None:
    random = world.random("positions")
    first = world.day(0) - timedelta(days=60)
    roles = ("Agente di polizia locale", "Educatrice o educatore", "Ingegnere", "Giardiniere", "Assistente sociale",
             "Informatico",
             "Bibliotecaria o bibliotecario", "Istruttore amministrativo")  # fmt: skip
    rows = []
    for i in range(110):
        opened = first + timedelta(days=int(i * 2.2))
        closes = opened + timedelta(days=int(random.integers(20, 60)))
        office, role = OFFICES[int(random.integers(0, 14))], roles[int(random.integers(0, 8))]
        posts, pay = int(random.choice([1, 1, 1, 2, 4])), int(random.integers(23, 46)) * 1000
        if opened < world.day(step) and closes >= world.day(step) - timedelta(days=30):
            rows.append((f"B{i + 1:03d}", role, office, posts, pay, opened.isoformat(), closes.isoformat()))
    header = ("bando", "profilo", "ufficio", "posti", "retribuzione", "apertura", "scadenza")
    files.table(folder / "personale" / "bandi.csv", header, rows, delimiter=";")


_positions_promise = Promise(
    id="open-positions",
    name="Open positions",
    purpose="Posts the city wants to fill, until when, with the yearly pay.",
    it=("Posizioni aperte", "I posti che il comune vuole coprire, la scadenza e la retribuzione annua."),
    owner="Human Resources",
    domain="administration",
    theme="GOVE",
    frequency="WEEKLY",
    tags=("staff", "jobs"),
    source={"kind": "csv", "path": "sources/personale/bandi.csv", "encoding": "utf-8", "delimiter": ";"},
    time="opens_on",
    search=("role", "office"),
    language="it",
    columns=(
        Column("id", "string", "Call", "", "Bando", source="bando", key=True),
        Column("role", "string", "Role", "In Italian.", "Profilo", source="profilo", required=True),
        Column("office", "string", "Office", "In Italian.", "Ufficio", source="ufficio"),
        Column("posts", "integer", "Posts", "", "Posti", source="posti"),
        Column("pay_eur", "number", "Yearly pay", "Before tax.", "Retribuzione", source="retribuzione", unit="EUR"),
        Column("opens_on", "date", "Opens on", "", "Apertura", source="apertura"),
        Column("closes_on", "date", "Closes on", "", "Scadenza", source="scadenza", required=True),
    ),
)


MONTHS_IT = ("gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic")


def _energy(world: World, step: int, folder: Path) -> None:
    random = world.random("energy")
    kinds = ("Scuola", "Ufficio", "Biblioteca", "Palestra", "Piscina", "Museo")
    rows: list[list[Any]] = []
    for i in range(180):
        size = float(random.uniform(400, 6500))
        power = [round(float(size * random.uniform(2, 5)), 0) for _ in MONTHS_IT]
        heat = [round(float(size * random.uniform(4, 12) * (1 + np.cos(m / 12 * 6.283))), 0) for m in range(12)]
        if i == 25 and step < 4:
            power[6] = power[6] * 100  # a meter read in Wh; corrected later
        rows.append([f"ED{i + 1:04d}", f"{kinds[i % 6]} {i // 6 + 1}", kinds[i % 6], round(size, 0)])
        rows[-1] += [value if i % 41 else "n.d." for value in power] + list(heat)
    year = world.day(0).year - 1
    title = [f"Consumi energetici degli edifici comunali - anno {year}", "kWh al mese; fonte: contatori"]
    groups = [("Edificio", 4), ("Energia elettrica (kWh)", 12), ("Riscaldamento (kWh)", 12)]
    header = ["Codice", "Nome", "Uso", "Superficie m2", *MONTHS_IT, *MONTHS_IT]
    content = files.workbook(title, groups, header, rows, f"Consumi {year}", "Elaborazione: Energy manager")
    files.write(folder / "energia" / "consumi_edifici.xlsx", content)


def energy(end: date) -> Dataset:
    """The workbook of the year before the story begins; its sheet is named after the year."""
    return Dataset({0: _energy_promise(World(0, end).day(0).year - 1)}, (0, 4), _energy)


def _energy_promise(sheet_year: int) -> Promise:
    months = (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    )
    columns = []
    for prefix, group, label, italian in (
        ("power", "Energia elettrica (kWh)", "Electricity", "elettricità"),
        ("heat", "Riscaldamento (kWh)", "Heating", "riscaldamento"),
    ):
        for number, month in enumerate(months):
            columns.append(
                Column(
                    f"{prefix}_{number + 1:02d}", "number", f"{label}, {month}", "",
                    f"{italian}, {MONTHS_IT[number]}", source=f"{group} {MONTHS_IT[number]}", unit="kWh",
                    parse={"nulls": ["n.d."]} if prefix == "power" else {},
                )
            )  # fmt: skip
    return Promise(
        id="energy-public-buildings",
        name="Energy of public buildings",
        purpose="Electricity and heating of each public building, month by month.",
        it=("Energia degli edifici pubblici", "Elettricità e riscaldamento di ogni edificio pubblico, mese per mese."),
        limitations="One workbook a year; buildings whose meter failed have n.d.",
        owner="Energy Manager",
        domain="administration",
        theme="ENER",
        frequency="ANNUAL",
        tags=("energy", "buildings", "climate"),
        source={"kind": "excel", "path": "sources/energia/consumi_edifici.xlsx", "sheet": f"Consumi {sheet_year}"},
        columns=(
            Column("building", "string", "Building", "", "Edificio", source="Edificio Codice", key=True),
            Column("name", "string", "Name", "", "Nome", source="Edificio Nome"),
            Column("use", "string", "Use", "In Italian.", "Uso", source="Edificio Uso"),
            Column("floor_m2", "number", "Floor area", "", "Superficie", source="Edificio Superficie m2", unit="m²"),
            *columns,
        ),
        rules=(rows_at_least(100),),
    )


DATASETS = (
    Dataset({0: _budget_promise}, (0, 3), _budget),
    Dataset({0: _spending_promise}, EVERY, _spending),
    Dataset({0: _contracts_promise}, (0, 2, 4, 6), _contracts),
    Dataset({0: _staff_promise}, (0, 3), _staff),
    Dataset({0: _positions_promise}, EVERY, _positions),
)
