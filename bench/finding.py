"""``python -m bench.finding``: the search of a catalogue of fifty thousand datasets, measured.

Records are generated from a fixed seed, put into the state of a fresh city as harvested ones, and asked for with the
questions people type: one to four words with facets and filters, slips, lists by title, deep pages, suggestions. What
is printed of each kind: median and 99th percentile of the thread's own CPU time and of the time that passed, in
milliseconds. The CPU figure is the one to compare: it does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

HERE = Path(__file__).resolve().parent
SEED = 20261121
FACETS = ("theme", "owner", "format", "licence", "access", "frequency", "tag", "kind", "source")
THEMES = ("AGRI", "ECON", "EDUC", "ENER", "ENVI", "GOVE", "HEAL", "JUST", "REGI", "SOCI", "TECH", "TRAN")
NOUNS = {
    "it": "alberi scuole parcheggi bilancio aria qualità traffico acqua rifiuti quartieri strade biciclette "
    "popolazione turismo energia musei biblioteche contratti spesa appalti elezioni residenti imprese negozi mercati "
    "ospedali edifici permessi verde parchi rumore sensori pioggia stazioni autobus tram fermate orari percorsi "
    "incidenti segnalazioni cantieri illuminazione fontane cimiteri asili mense farmacie impianti teatri eventi",
    "fr": "arbres écoles parkings budget air qualité circulation eau déchets quartiers rues vélos population tourisme "
    "énergie musées bibliothèques marchés dépenses élections habitants entreprises commerces hôpitaux bâtiments permis "
    "jardins bruit capteurs pluie gares autobus tramway arrêts horaires accidents chantiers éclairage fontaines",
    "en": "trees schools parking budget air quality traffic water waste districts streets bicycles population tourism "
    "energy museums libraries contracts spending tenders elections residents companies shops markets hospitals "
    "buildings permits parks noise sensors rain stations buses trams stops timetables routes accidents requests",
    "de": "Bäume Schulen Parkplätze Haushalt Luftqualität Verkehr Wasser Abfall Stadtteile Straßen Fahrräder "
    "Bevölkerung Tourismus Energie Museen Bibliotheken Verträge Ausgaben Wahlen Einwohner Unternehmen Märkte",
}
GLUE = {"it": "di del della dei per comune", "fr": "de la des du par commune", "en": "of the in by city",
        "de": "der die des im Stadt"}  # fmt: skip
SYLLABLES = tuple(first + last for first in "bcdflmnprstv" for last in "aeio")


def records(count: int) -> Iterator[Any]:
    """Records as a national portal holds them: towns, offices, years, four languages, a long tail of rare words."""
    from arengo.catalogue import Agent, Distribution, Provenance, Record

    chance = random.Random(SEED)
    rare = ["".join(chance.choice(SYLLABLES) for _ in range(chance.randint(3, 5))) for _ in range(40_000)]
    towns = [name.title() for name in rare[:1500]]
    words = {language: text.split() for language, text in NOUNS.items()}
    begin = datetime(2012, 1, 1, tzinfo=UTC)
    for number in range(count):
        language = chance.choices(("it", "fr", "en", "de"), (60, 20, 15, 5))[0]
        nouns, glue = words[language], GLUE[language].split()
        subject = [chance.choice(nouns), chance.choice(glue), chance.choice(nouns)]
        town = chance.choice(towns)
        text = " ".join(
            chance.choice(nouns) if chance.random() < 0.3 else chance.choice(glue) if chance.random() < 0.4
            else chance.choice(rare)
            for _ in range(chance.randint(10, 70))
        )  # fmt: skip
        west, south = chance.uniform(7, 18), chance.uniform(37, 47)
        modified = begin + timedelta(hours=chance.randrange(120_000))
        yield Record(
            id=f"set-{number:06d}",
            title={language: f"{' '.join(subject)} {town} {chance.randint(2005, 2026)}"},
            description={language: text},
            language=language,
            keywords={language: tuple({subject[0], subject[2], chance.choice(rare), chance.choice(nouns)})},
            themes=(chance.choice(THEMES),),
            publisher=Agent(f"org-{town.lower()}", {language: f"Comune di {town}"}),
            licence=chance.choice(("CC-BY-4.0", "CC0-1.0", "IODL-2.0", "etalab-2.0")),
            frequency=chance.choice(("DAILY", "MONTHLY", "ANNUAL", "IRREG")),
            issued=modified,
            modified=modified,
            spatial=(west, south, west + 0.2, south + 0.1),
            distributions=tuple(
                Distribution(kind.lower(), {"en": kind}, format=kind, download_url=f"https://data.example.org/{number}")
                for kind in chance.sample(("CSV", "JSON", "XLSX", "GEOJSON", "PDF", "SHP"), chance.randint(1, 3))
            ),
            provenance=Provenance(f"portal-{number % 40}", f"Portal {number % 40}", identifier=str(number)),
        )


def fill(city: Any, count: int) -> None:
    """The records, straight into the table of harvested ones."""
    from arengo.catalogue.harvest import codec
    from arengo.state import harvesting

    with city.state.write() as connection:
        rows: list[dict[str, Any]] = []
        for number, record in enumerate(records(count), 1):
            rows.append(
                {
                    "id": record.id, "source": record.provenance.source, "identifier": record.provenance.identifier,
                    "uuid": record.uuid, "sha": str(number), "body": codec.dumps(record),
                    "publisher": record.publisher.id, "modified_at": record.modified, "stamp": number, "misses": 0,
                }
            )  # fmt: skip
            if len(rows) == 2000 or number == count:
                connection.execute(sa.insert(harvesting.record), rows)
                rows = []
        city.state.bump(connection)


def questions(count: int) -> dict[str, list[dict[str, Any]]]:
    """Kinds of questions with the arguments of each."""
    chance = random.Random(SEED + 1)
    words = {language: text.split() for language, text in NOUNS.items()}
    made = [record.title for record in records(min(count, 2000))]
    towns = [title.split()[-2] for texts in made for title in texts.values()]

    def typed(number: int) -> str:
        nouns = words[chance.choices(("it", "fr", "en", "de"), (60, 20, 15, 5))[0]]
        return " ".join(chance.choice(nouns) for _ in range(number))

    def slip(word: str) -> str:
        at = chance.randrange(1, len(word) - 1)
        return chance.choice((word[:at] + word[at + 1 :], word[:at] + word[at + 1] + word[at] + word[at + 2 :]))

    return {
        "one word": [{"words": typed(1)} for _ in range(200)],
        "two words": [{"words": typed(2)} for _ in range(200)],
        "word and town": [{"words": f"{typed(1)} {chance.choice(towns)}"} for _ in range(200)],
        "three words": [{"words": typed(3)} for _ in range(150)],
        "four words, rarely all": [{"words": f"{typed(3)} {chance.choice(towns)}"} for _ in range(100)],
        "with filters": [
            {"words": typed(1), "only": {"theme": (chance.choice(THEMES),), "format": ("CSV",)}} for _ in range(150)
        ],
        "in a box": [{"words": typed(1), "bbox": (9.0, 44.0, 12.0, 46.0)} for _ in range(100)],
        "a beginning": [{"words": typed(1)[: chance.randint(2, 4)]} for _ in range(150)],
        "a slip": [{"words": slip(typed(1) + "e")} for _ in range(100)],
        "list by title": [{"start": 20 * number} for number in range(50)],
        "list, deep": [{"start": chance.randrange(count)} for _ in range(50)],
        "newest": [{"order": "updated"} for _ in range(50)],
    }


def measured(ask: Callable[[], Any]) -> tuple[float, float]:
    """(CPU, passed) in milliseconds."""
    cpu, passed = time.thread_time(), time.perf_counter()
    ask()
    return (time.thread_time() - cpu) * 1e3, (time.perf_counter() - passed) * 1e3


def line(name: str, times: list[tuple[float, float]]) -> str:
    cpu, passed = (sorted(item[side] for item in times) for side in (0, 1))
    at = [int((len(times) - 1) * share) for share in (0.5, 0.99)]
    return (
        f"| {name} | {len(times)} | {cpu[at[0]]:.1f} | {cpu[at[1]]:.1f} | {passed[at[0]]:.1f} | {passed[at[1]]:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.finding", description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--data", type=Path, default=HERE / ".data" / "finding")
    parser.add_argument("--keep", action="store_true", help="use the city of the last run")
    options = parser.parse_args()

    import arengo
    from arengo.catalogue import Wanted

    folder = options.data / str(options.records)
    kept = options.keep and (folder / "city.toml").exists()
    if not kept:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        arengo.init(folder)
    city = arengo.open(folder)
    if not kept:
        fill(city, options.records)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    catalogue = city.catalogue
    first = measured(lambda: catalogue.search(Wanted("scuole", facets=FACETS)))
    began = time.perf_counter()
    catalogue.index.wait()
    catalogue.search(Wanted())
    took = time.perf_counter() - began
    print(f"first answer after {first[1]:.0f} ms; {catalogue.count():,} records indexed in {took:.0f} s beside; "
          f"{catalogue.index.path.stat().st_size / 1e6:.0f} MB")  # fmt: skip
    print(f"arrays read in {measured(lambda: _anew(catalogue.index))[1]:.0f} ms")
    print("| question | n | CPU p50 | CPU p99 | passed p50 | passed p99 |\n|---|---|---|---|---|---|")
    everything: list[tuple[float, float]] = []
    for name, asked in questions(options.records).items():
        times = [measured(lambda given=given: catalogue.search(Wanted(**given, facets=FACETS))) for given in asked]
        everything += times
        print(line(name, times), flush=True)
    print(line("all of them", everything))
    chance = random.Random(SEED)
    begun = [word[: chance.randint(2, 6)] for text in NOUNS.values() for word in text.split()]
    print(line("suggestions", [measured(lambda word=word: catalogue.suggest(word, "it")) for word in begun]))
    now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory: {before:.0f} MB before, {now:.0f} MB at most")


def _anew(index: Any) -> None:
    index._held = None
    index.arrays()


if __name__ == "__main__":
    main()
