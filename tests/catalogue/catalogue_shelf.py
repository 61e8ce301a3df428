"""Records for tests of the catalogue, and an index of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arengo.catalogue import Agent, Distribution, Fact, Found, Provenance, Record, Wanted
from arengo.catalogue.index import Change, Index
from arengo.catalogue.search import search

_LOCKS: dict[str, threading.Lock] = {}


@contextlib.contextmanager
def hold(name: str, wait: float = 0.0) -> Iterator[None]:
    """A lock between threads."""
    with _LOCKS.setdefault(name, threading.Lock()):
        yield


def made(
    name: str, language: str, told: str, description: str = "", columns: Sequence[str] = (), **more: Any
) -> Record:
    """A record with what is given and usual values for the rest."""
    values: dict[str, Any] = {
        "description": {language: description} if description else {},
        "columns": tuple(Fact(item.lower().replace(" ", "_"), {language: item}, "string") for item in columns),
        "themes": ("ENVI",),
        "publisher": Agent("city", {language: "Comune"}),
        "modified": datetime(2026, 1, 1, tzinfo=UTC),
        "issued": datetime(2025, 1, 1, tzinfo=UTC),
        "distributions": (Distribution("csv", {language: told}, format="CSV", download_url="/x.csv"),),
        "licence": "CC-BY-4.0",
        "frequency": "MONTHLY",
    }
    given = {"title": {language: told}} | values | more
    return Record(name, language=language, **given)


def harvested(record: Record, source: str = "region") -> Record:
    from dataclasses import replace

    return replace(record, provenance=Provenance(source, source.title(), identifier=record.id))


class Shelf:
    """An index over records that a test changes at will."""

    def __init__(self, folder: Path, records: Sequence[Record] = ()) -> None:
        self.index = Index(folder / "catalogue.sqlite", hold)
        self.records: dict[str, Record] = {}
        self.stamps: dict[str, str] = {}
        self.values: dict[str, tuple[str, ...]] = {}
        self.generation = 0
        self.put(*records)

    def put(self, *records: Record, values: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.generation += 1
        self.values |= values or {}
        for record in records:
            self.records[record.id] = record
            self.stamps[record.id] = str(self.generation)
        self.take()

    def remove(self, *names: str) -> None:
        self.generation += 1
        for name in names:
            del self.records[name]
        self.take()

    def changes(self) -> Iterator[Change]:
        for name, record in self.records.items():
            yield Change(
                name,
                self.stamps[name],
                lambda record=record: record,
                lambda name=name: self.values.get(name, ()),
                "Sant'Arcangelo di Romagna",
            )

    def take(self) -> None:
        self.index.update(self.generation, self.changes, lambda since: iter(()), 0)
        self.index.wait()

    def find(self, words: str = "", **more: Any) -> Found:
        return search(self.index, Wanted(words, **more), self.load)

    def load(self, names: Sequence[str]) -> dict[str, Record]:
        return {name: self.records[name] for name in names if name in self.records}

    def names(self, words: str = "", **more: Any) -> list[str]:
        return [hit.record.id for hit in self.find(words, **more).hits]


TOWN = (
    made("alberi", "it", "Alberi di proprietà comunale", "Ogni albero su suolo pubblico, con la specie.",
         ["Specie", "Altezza", "Data di abbattimento"], keywords={"it": ("verde", "alberature")}),
    made("aria", "it", "Qualità dell'aria", "Concentrazione oraria degli inquinanti.", ["Stazione", "Biossido"]),
    made("illuminazione", "it", "Punti luce dell’illuminazione pubblica"),
    made("arbres", "fr", "Arbres d'alignement", "Les arbres plantés le long des rues.", ["Essence"]),
    made("ecoles", "fr", "Écoles maternelles et élémentaires", "Liste des écoles publiques de la ville."),
    made("marches", "fr", "Marchés publics", "Les marchés passés par la mairie jusqu'en 2025."),
    made("arboles", "es", "Arbolado viario", "Árboles de las calles y los jardines.", ["Especie"]),
    made("bibliotecas", "es", "Préstamos en bibliotecas municipales", "Número de préstamos cada mes."),
    made("arbres-barcelona", "ca", "Arbrat viari", "Els arbres dels carrers i de les places.", ["Nom científic"]),
    made("aparcaments", "ca", "Aparcaments públics", "Places lliures a l'aparcament."),
    made("arvores", "pt", "Árvores das ruas", "Inventário das árvores em espaço público."),
    made("estacoes", "pt", "Estações de metrô", "Localização das estações."),
    made("baeume", "de", "Baumkataster", "Alle Bäume auf öffentlichen Flächen.", ["Baumart"]),
    made("radwege", "de", "Fahrradwege", "Wege für Räder in der Stadt."),
    made("spielplaetze", "de", "Spielplätze", "Öffentliche Spielplätze mit Geräten."),
    made("trees", "en", "Street trees", "Every tree the city planted, measured yearly.", ["Species"],
         title={"en": "Street trees", "it": "Alberi delle strade"}),
    made("libraries", "en", "Library loans", "Loans of books in public libraries."),
    made("crossings", "en", "Pedestrian crossings", "Where people may cross.", themes=("TRAN",)),
)  # fmt: skip
