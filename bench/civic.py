"""Synthetic service requests of a city: the data every workload runs on. Standard library only, deterministic.

Twelve columns: id; created_at (ISO 8601 UTC, 2021 to 2025, chronological with late arrivals); category (24, skewed);
status; district (10, uneven); lon, lat (clusters); address; description (6 to 14 words, some accents); department;
response_hours (8 % empty); cost_eur (30 % empty). The distribution is fixed: figures of different days compare only
while it stays so.
"""

from __future__ import annotations

import bisect
import csv
import itertools
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

SEED = 20240601
COLUMNS = (
    "id", "created_at", "category", "status", "district", "lon", "lat", "address", "description", "department",
    "response_hours", "cost_eur",
)  # fmt: skip
CATEGORIES = (
    "Street tree pruning", "Fallen branch", "Pothole", "Street light out", "Overflowing bin", "Graffiti",
    "Illegal dumping", "Noise complaint", "Abandoned vehicle", "Blocked drain", "Broken bench", "Pavement damage",
    "Traffic signal fault", "Playground damage", "Water leak", "Dog fouling", "Parking abuse", "Bike lane obstacle",
    "Bus stop damage", "Rodents", "Dead animal", "Sign missing", "Fountain fault", "Other",
)  # fmt: skip
DEPARTMENTS = ("Parks", "Roads", "Lighting", "Waste", "Public order", "Water")
STATUS = ("closed",) * 6 + ("open", "in progress", "rejected", "duplicate")
# name, weight, centre longitude, centre latitude, spread in degrees
DISTRICTS = (
    ("Ciutat Vella", 14, 2.176, 41.381, 0.006),
    ("Eixample", 22, 2.162, 41.392, 0.010),
    ("Sants-Montjuïc", 12, 2.143, 41.366, 0.011),
    ("Les Corts", 5, 2.122, 41.385, 0.008),
    ("Sarrià-Sant Gervasi", 7, 2.128, 41.402, 0.011),
    ("Gràcia", 9, 2.156, 41.406, 0.007),
    ("Horta-Guinardó", 8, 2.161, 41.424, 0.009),
    ("Nou Barris", 7, 2.174, 41.440, 0.008),
    ("Sant Andreu", 7, 2.190, 41.434, 0.008),
    ("Sant Martí", 9, 2.200, 41.408, 0.010),
)
STREETS = tuple(
    f"{kind} {name}"
    for kind, names in (
        (
            "Carrer de",
            "Mallorca|Provença|València|Aragó|Consell de Cent|Balmes|Muntaner|Casanova|Sardenya|Marina|Padilla|Lepant|"
            "Sants|Sicília|Nàpols|Girona|Bailèn|Roger de Flor|Pujades|Llull|Ramon Turró|Pallars|Tamarit|Manso|"
            "Sepúlveda|Floridablanca|Verdi|Astúries",
        ),
        ("Avinguda", "Diagonal|Meridiana|Paral·lel|Mistral|Sarrià"),
        ("Passeig de", "Gràcia|Sant Joan|Maragall|la Zona Franca|Colom"),
    )
    for name in names.split("|")
)
WORDS = """tree branch blocking the pavement near school entrance since yesterday light flickering at night
large hole dangerous for cyclists please repair urgent bin full smell rubbish bags left corner
neighbours complain about loud music after midnight car without plates parked weeks water leaking from
pipe under road broken glass playground swing bench missing slat graffiti on wall of market
plàtan arbre caigut forat vorera fanal fosa soroll contenidor ple brut urgent perill nens
bus stop shelter damaged sign bent after storm drain clogged leaves flooding crossing rat seen
dead pigeon fountain not working traffic signal stuck red bike lane obstructed by scaffolding""".split()  # noqa: SIM905


def generate(rows: int, path: Path, seed: int = SEED) -> Path:
    """Write ``rows`` records to ``path``; kept when it is there already. About 20 s a million."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)
    chance, gauss, choice = dice.random, dice.gauss, dice.choice
    categories = list(itertools.accumulate(1 / (i + 1) ** 0.8 for i in range(len(CATEGORIES))))
    districts = list(itertools.accumulate(item[1] for item in DISTRICTS))
    start = datetime(2021, 1, 1, tzinfo=UTC)
    span = (datetime(2026, 1, 1, tzinfo=UTC) - start).total_seconds()
    partial = path.with_name(path.name + ".part")
    with partial.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for i in range(rows):
            when = min(max(i / rows + gauss(0, 0.0008), 0), 0.9999999)  # in order, a few days late here and there
            stamp = start + timedelta(seconds=int(when * span))
            category = bisect.bisect(categories, chance() * categories[-1])
            name, _, lon, lat, spread = DISTRICTS[bisect.bisect(districts, chance() * districts[-1])]
            writer.writerow(
                (
                    f"SR-{i + 1:08d}",
                    stamp.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    CATEGORIES[category],
                    choice(STATUS),
                    name,
                    f"{lon + gauss(0, spread):.6f}",
                    f"{lat + gauss(0, spread * 0.75):.6f}",
                    f"{choice(STREETS)}, {int(chance() ** 2 * 400) + 1}",
                    " ".join(choice(WORDS) for _ in range(6 + int(chance() * 9))),
                    DEPARTMENTS[category % 6],
                    "" if chance() < 0.08 else f"{math.exp(gauss(3.5, 1.1)):.1f}",
                    "" if chance() < 0.3 else f"{math.exp(gauss(4, 0.9)):.2f}",
                )
            )
    partial.replace(path)
    return path
