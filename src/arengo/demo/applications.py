# ruff: noqa: E501, RUF100 - a census is a table, and reads better as one
"""The census of the made-up city: the applications of its offices and what they hand to each other, as one workbook."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from arengo.demo import files
from arengo.demo.world import World
from arengo.services.census import Application, Exchange, Register, book
from arengo.services.census.record import exchange_id

PATH = Path("sources") / "censimento" / "applicativi.xlsx"

# name, office, vendor, kind, technology, hosting, personal, criticality, years the contract still runs
_APPLICATIONS: tuple[tuple[str, str, str, str, str, str, bool, str, int], ...] = (
    ("Anagrafe", "Registry Office", "Demos Insula", "application", "Visual Basic, SQLite", "server of the office", True, "high", 1),
    ("Stato civile", "Registry Office", "Demos Insula", "application", "Visual Basic", "server of the office", True, "high", 1),
    ("Elettorale", "Electoral Office", "Demos Insula", "application", "Visual Basic", "server of the office", True, "high", 1),
    ("Iscrizioni scolastiche", "Education Services", "Scuolanet", "application", "PHP, MySQL", "data centre of the island", True, "medium", 2),
    ("Mense", "Education Services", "Tavola Pronta", "service", "web", "of the vendor", True, "medium", 1),
    ("Foglio scuolabus", "Mobility Department", "", "files", "Excel", "shared folder", True, "low", 0),
    ("Percorsi scuolabus", "Mobility Department", "own", "application", "Python", "data centre of the island", False, "medium", 0),
    ("Permessi e ZTL", "Mobility Department", "Varco", "application", "Java, Oracle", "data centre of the island", True, "medium", 3),
    ("Orari e mezzi", "Arvenza Buses", "Tramvia", "application", "Java", "of the vendor", False, "high", 2),
    ("Parcheggi", "Parking Company", "Posto Libero", "service", "web", "of the vendor", False, "medium", 2),
    ("Tributi", "Budget and Accounts", "Erario Facile", "application", "Java, Oracle", "data centre of the island", True, "high", 2),
    ("Contabilità", "Budget and Accounts", "Erario Facile", "application", "Java, Oracle", "data centre of the island", False, "high", 2),
    ("Gare e contratti", "Procurement Office", "Gara Chiara", "service", "web", "of the vendor", False, "medium", 1),
    ("Protocollo", "Citizen Services", "Carteggio", "application", "Java, PostgreSQL", "data centre of the island", True, "high", 3),
    ("Sportello online", "Citizen Services", "Carteggio", "application", "web", "data centre of the island", True, "high", 3),
    ("Segnalazioni", "Citizen Services", "own", "application", "Python, PostgreSQL", "data centre of the island", True, "medium", 0),
    ("SIT", "Land and Maps Office", "own", "database", "PostGIS", "data centre of the island", False, "high", 0),
    ("Numeri civici", "Land and Maps Office", "own", "database", "PostGIS", "data centre of the island", False, "high", 0),
    ("Pratiche edilizie", "Building Office", "Cantiere Web", "application", "PHP, MySQL", "of the vendor", True, "medium", 1),
    ("Presenze", "Human Resources", "Orologio", "application", "Java", "data centre of the island", True, "medium", 2),
    ("Stipendi", "Human Resources", "Orologio", "application", "Java", "data centre of the island", True, "high", 2),
    ("Biblioteche", "City Libraries", "Scaffale", "service", "web", "of the vendor", True, "low", 1),
    ("Eventi", "Culture Department", "own", "application", "web", "of the vendor", False, "low", 0),
    ("Raccolta rifiuti", "Waste Collection", "Isola Pulita", "application", "Java", "of the vendor", True, "medium", 2),
    ("Letture acqua", "Arvenza Waterworks", "Contatore", "application", "Java, Oracle", "of the vendor", True, "high", 3),
    ("Consumi energia", "Energy Manager", "", "files", "Excel", "shared folder", False, "low", 0),
    ("Foglio statistico", "Statistics Office", "", "files", "Excel", "shared folder", False, "low", 0),
    ("Verde e alberi", "Parks Department", "own", "database", "PostGIS", "data centre of the island", False, "low", 0),
    ("Anagrafe nazionale", "Ministry of the Interior", "State", "external", "web service", "of the State", True, "high", 0),
    ("Sistema informativo INPS", "Social Insurance", "State", "external", "web service", "of the State", True, "medium", 0),
)  # fmt: skip

# from, to, what, how, how often, volume, dataset, personal
_EXCHANGES: tuple[tuple[str, str, str, str, str, str, str, bool], ...] = (
    ("Anagrafe", "Anagrafe nazionale", "Changes of residence", "by-api", "daily", "about 40", "", True),
    ("Anagrafe", "Stato civile", "New families", "by-hand", "daily", "about 10", "", True),
    ("Stato civile", "Anagrafe", "Births, marriages, deaths", "by-hand", "daily", "about 8", "", True),
    ("Anagrafe", "Elettorale", "Residents of age", "by-file", "monthly", "58,000 rows", "", True),
    ("Anagrafe", "Tributi", "Families with their address", "by-file", "monthly", "31,000 rows", "registry-families", True),
    ("Anagrafe", "Raccolta rifiuti", "Families with their address", "by-file", "monthly", "31,000 rows", "registry-families", True),
    ("Anagrafe", "Iscrizioni scolastiche", "Children of school age", "by-file", "yearly", "8,000 rows", "registry-families", True),
    ("Anagrafe", "Foglio statistico", "Residents by neighbourhood", "by-hand", "yearly", "30 rows", "population", False),
    ("Foglio statistico", "Iscrizioni scolastiche", "Residents by neighbourhood", "by-file", "yearly", "30 rows", "population", False),
    ("Foglio statistico", "Orari e mezzi", "Residents by neighbourhood", "by-file", "yearly", "30 rows", "population", False),
    ("Foglio statistico", "Raccolta rifiuti", "Residents by neighbourhood", "by-file", "yearly", "30 rows", "population", False),
    ("Iscrizioni scolastiche", "Percorsi scuolabus", "Who takes the school bus", "through-platform", "daily", "4,200 rows", "school-enrolments", True),
    ("Iscrizioni scolastiche", "Mense", "Who eats at school", "by-file", "monthly", "2,900 rows", "school-enrolments", True),
    ("Iscrizioni scolastiche", "Foglio statistico", "Pupils by school", "by-hand", "yearly", "600 rows", "pupils-by-school", False),
    ("Iscrizioni scolastiche", "Foglio scuolabus", "Who takes the school bus", "by-hand", "monthly", "900 rows", "school-enrolments", True),
    ("Foglio scuolabus", "Orari e mezzi", "Stops of the school bus", "by-hand", "yearly", "60 rows", "", False),
    ("Mense", "Contabilità", "What families owe for meals", "by-file", "monthly", "2,900 rows", "", True),
    ("Presenze", "Stipendi", "Hours worked", "by-api", "monthly", "610 rows", "", True),
    ("Stipendi", "Contabilità", "Payments of staff", "by-file", "monthly", "610 rows", "", True),
    ("Stipendi", "Sistema informativo INPS", "Contributions", "by-file", "monthly", "610 rows", "", True),
    ("Tributi", "Contabilità", "Payments received", "by-file", "daily", "300 rows", "", True),
    ("Gare e contratti", "Contabilità", "New contracts", "by-hand", "weekly", "12 rows", "public-contracts", False),
    ("Contabilità", "Foglio statistico", "Spending by office", "by-file", "quarterly", "90 rows", "spending", False),
    ("Numeri civici", "Anagrafe", "New house numbers", "by-hand", "monthly", "20 rows", "addresses", False),
    ("Numeri civici", "Tributi", "House numbers", "by-file", "quarterly", "14,000 rows", "addresses", False),
    ("Numeri civici", "Raccolta rifiuti", "House numbers", "by-file", "quarterly", "14,000 rows", "addresses", False),
    ("Numeri civici", "Letture acqua", "House numbers", "by-file", "quarterly", "14,000 rows", "addresses", False),
    ("Numeri civici", "Sportello online", "House numbers", "by-api", "daily", "14,000 rows", "addresses", False),
    ("SIT", "Pratiche edilizie", "Map of parcels", "by-api", "daily", "", "", False),
    ("SIT", "Verde e alberi", "Ground plan", "by-api", "monthly", "", "neighbourhoods", False),
    ("Verde e alberi", "Segnalazioni", "Trees with their number", "through-platform", "daily", "12,000 rows", "street-trees", False),
    ("Pratiche edilizie", "Tributi", "Finished works", "by-file", "monthly", "80 rows", "building-permits", True),
    ("Pratiche edilizie", "Protocollo", "Requests and answers", "by-hand", "daily", "15", "", True),
    ("Sportello online", "Protocollo", "Requests of citizens", "by-api", "daily", "220", "", True),
    ("Segnalazioni", "Raccolta rifiuti", "Reports about waste", "by-file", "daily", "30", "service-requests", True),
    ("Segnalazioni", "Verde e alberi", "Reports about trees", "by-hand", "weekly", "12", "service-requests", True),
    ("Permessi e ZTL", "Parcheggi", "Plates with a permit", "by-file", "daily", "9,000 rows", "", True),
    ("Anagrafe", "Permessi e ZTL", "Residents of the centre", "by-file", "monthly", "6,000 rows", "registry-families", True),
    ("Parcheggi", "Foglio statistico", "Occupancy", "by-hand", "monthly", "31 rows", "parking-occupancy", False),
    ("Orari e mezzi", "Eventi", "Timetable", "by-file", "quarterly", "", "transit-stops", False),
    ("Letture acqua", "Foglio statistico", "Consumption by neighbourhood", "by-hand", "yearly", "30 rows", "", False),
    ("Consumi energia", "Contabilità", "Bills by building", "by-hand", "monthly", "120 rows", "energy-public-buildings", False),
    ("Biblioteche", "Foglio statistico", "Loans", "by-file", "monthly", "70 rows", "library-loans", False),
    ("Eventi", "Sportello online", "What is on", "by-hand", "weekly", "10", "events", False),
    ("Elettorale", "Foglio statistico", "Votes by polling station", "by-hand", "yearly", "1,000 rows", "election-results", False),
)  # fmt: skip

# the same thing for several: from, what, how, how often, volume, dataset, personal, to
_SPREAD: tuple[tuple[str, str, str, str, str, str, bool, tuple[str, ...]], ...] = (
    ("Numeri civici", "House numbers", "by-file", "quarterly", "14,000 rows", "addresses", False,
     ("Anagrafe", "Pratiche edilizie", "Segnalazioni", "Permessi e ZTL", "Percorsi scuolabus", "Orari e mezzi", "Protocollo")),
    ("SIT", "Neighbourhoods and districts", "by-file", "yearly", "30 shapes", "neighbourhoods", False,
     ("Foglio statistico", "Iscrizioni scolastiche", "Raccolta rifiuti", "Segnalazioni", "Percorsi scuolabus", "Letture acqua", "Orari e mezzi")),
    ("SIT", "Streets", "by-file", "quarterly", "900 rows", "streets", False,
     ("Permessi e ZTL", "Raccolta rifiuti", "Verde e alberi", "Orari e mezzi", "Percorsi scuolabus")),
    ("Anagrafe", "Changes of address", "by-file", "weekly", "150 rows", "registry-families", True,
     ("Letture acqua", "Biblioteche", "Sportello online", "Mense")),
    ("Anagrafe", "Particulars of a person, asked one by one", "by-hand", "daily", "about 30", "", True,
     ("Tributi", "Permessi e ZTL", "Pratiche edilizie", "Iscrizioni scolastiche", "Protocollo")),
    ("Foglio statistico", "Tables of the yearbook", "by-hand", "yearly", "40 tables", "population", False,
     ("Contabilità", "Eventi", "Mense", "Percorsi scuolabus")),
    ("Iscrizioni scolastiche", "List of schools", "by-file", "yearly", "62 rows", "schools", False,
     ("Mense", "Percorsi scuolabus", "Orari e mezzi", "Biblioteche", "Segnalazioni", "Sportello online")),
    ("Presenze", "Staff and their offices", "by-file", "monthly", "610 rows", "staff", False,
     ("Protocollo", "Sportello online", "Contabilità", "Gare e contratti")),
    ("Contabilità", "Budget lines", "by-file", "quarterly", "1,100 rows", "budget", False,
     ("Gare e contratti", "Consumi energia", "Stipendi", "Eventi")),
)  # fmt: skip


def register(year: int, known: frozenset[str]) -> Register:
    """The census as of a year. ``known``: ids of the city's datasets."""
    applications = {}
    ids = {}
    for number, (name, office, vendor, kind, technology, hosting, personal, critical, years) in enumerate(
        _APPLICATIONS, 1
    ):
        ids[name] = key = f"ap{number:02d}"
        applications[key] = Application(
            key, name, office, vendor, kind, technology=technology, hosting=hosting, personal=personal,
            criticality=critical, contract_ends=date(year + years, 12, 31) if years else None,
            contact="" if kind == "external" else f"{office.lower().replace(' ', '.')}@arvenza.example",
        )  # fmt: skip
    exchanges = {}
    spread = (
        (source, target, what, way, often, volume, dataset, personal)
        for source, what, way, often, volume, dataset, personal, targets in _SPREAD
        for target in targets
    )
    for source, target, what, way, often, volume, dataset, personal in (*_EXCHANGES, *spread):
        key = exchange_id(ids[source], ids[target], what)
        exchanges[key] = Exchange(key, ids[source], ids[target], what, way, dataset if dataset in known else "",
                                  often, volume, personal)  # fmt: skip
    return Register(applications, exchanges)


def write(world: World, root: Path, known: frozenset[str]) -> None:
    """The workbook, as the office of information systems keeps it."""
    files.write(root / PATH, book.as_book(register(world.end.year, known), "it"))
