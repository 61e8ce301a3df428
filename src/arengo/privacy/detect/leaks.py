"""Step 1 of the overlap check: what leaks by itself (privacy.md, section 3, step 1).

Hashes without a key, a pseudonym that also stands in another release, numbers and addresses of persons inside texts,
rows in the order of a column that is withheld, and many texts under one pseudonym.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from arengo.contract.draft.words import concepts, words
from arengo.contract.model import Kind, Property
from arengo.contract.protection import names
from arengo.lake.layout import quote
from arengo.privacy.declared import reason_of
from arengo.privacy.detect import hashes, text
from arengo.privacy.detect.column import Sampled, sample
from arengo.privacy.detect.step import identifies
from arengo.privacy.detect.table import WORDS
from arengo.privacy.finding import Finding, Report

if TYPE_CHECKING:
    from arengo.privacy.case import Case

TEXTS = 5
"""Different texts under one pseudonym from which they tell who wrote them."""
SAME_ORDER = 0.95
"""Rank correlation from which rows stand in the order of a column."""
LEAST_ROWS = 20
_WRITERS = frozenset({"anon", "user", "usuario", "utente", "member", "customer", "client", "cliente", "subscriber",
                      "visitor", "session", "author", "autor", "benutzer", "nutzer", "kunde", "abonne", "usager",
                      "uzytkownik", "uzytkownika", "czytelnik", "czytelnika", "klient", "klienta", "mieszkaniec",
                      "osoba", "utilizador", "leitor", "lector", "reader", "leser", "lecteur", "lettore", "borrower",
                      "patron", "besucher", "visiteur", "visitante", "gebruiker", "lezer", "klant", "account", "konto",
                      "cuenta", "compte", "iscritto", "usuari", "olvaso", "felhasznalo", "ugyfel", "latogato",
                      "kayttaja", "asiakas", "lukija", "kavija", "kullanici", "okuyucu", "musteri", "uye",
                      "uzivatel", "ctenar", "navstevnik", "zakaznik", "bezoeker", "lid", "anvandare", "lasare",
                      "kund", "besokare",
                      "χρηστησ", "αναγνωστησ", "επισκεπτησ", "μελοσ", "membre", "lectora"})  # fmt: skip
_WHOSE = frozenset({"plate", "person_id", "national_id", "username", "phone", "email", "first_name", "last_name",
                    "birth", "person", "holder"})  # fmt: skip
"""What a column of hashes may be named after that is somebody's."""
_THINGS = frozenset({"sensor", "sensors", "station", "estacion", "estacio", "stazione", "stop", "parada", "arret",
                     "fermata", "haltestelle", "route", "ruta", "linea", "ligne", "line", "trip", "trajet", "bus",
                     "tram", "train", "file", "fichero", "fichier", "datei", "image", "photo", "commit", "version",
                     "checksum", "block", "tree", "street", "segment", "road", "tile"})  # fmt: skip
"""Words of what comes again in row after row and is nobody."""
RECURRING = 0.8
"""Different hashes by rows below which they stand for somebody or something that comes again."""
LEAST_DISTINCT = 8
_CODED = 0.8
"""Share of values with a digit and without a space from which a column holds numbers, not names."""


def look(case: Case) -> Report:
    """Findings of step 1; notes only where the dataset is not open."""
    columns = [(item.name, item.kind) for item in case.contract.properties]
    held = {item.name: item for item in sample(case.reckoned(), columns)}
    measured: dict[str, Any] = {}
    found = [*_hashes(case, held, measured), *_reused(case), *_texts(case, held), *_order(case), *_writers(case, held)]
    if case.contract.access != "open":
        found = [
            Finding(item.code, item.outcome if item.code == "pseudonym-reused" else "pass", item.facts, item.columns,
                    item.releases, item.people)
            for item in found
        ]  # fmt: skip
    return Report(tuple(found), measured)


def _allowed(column: Property) -> bool:
    return bool(reason_of(column))


# Hashes


def _hashes(case: Case, held: dict[str, Sampled], measured: dict[str, Any]) -> Iterator[Finding]:
    others: list[tuple[str, str]] | None = None
    for column in case.contract.properties:
        item = held[column.name]
        keyed = column.name in case.release.pseudonyms or "pseudonym" in set(names(column))
        if column.kind is not Kind.STRING or keyed or not item.weights:
            continue
        length = hashes.width(list(item.weights)[:2_000])
        if not length:
            continue
        if others is None:
            others = list(_others(case))
        mine = [(name, sql) for name, sql in others if name != column.name]
        # The checksums of documents are of whole files: only what stands beside them is tried.
        budget = 0 if case.contract.custom.get("arengoDocuments") else hashes.BUDGET
        country = case.settings.city.country
        recurring = item.distinct >= LEAST_DISTINCT and item.distinct < RECURRING * item.filled
        made = hashes.recover(
            case.connection, case.table, column.name, length, mine, country, budget=budget,
            plates="plate" in concepts(column.name), late=recurring,
        )  # fmt: skip
        measured[column.name] = {
            "hashes": made.distinct, "recovered": made.recovered, "tried": made.tried, "algorithm": made.algorithm,
            "domain": made.domain,
        }  # fmt: skip
        if made.recovered:
            facts = {"column": column.name, "recovered": made.recovered, "tried": made.distinct,
                     "domain": made.domain, "algorithm": made.algorithm.upper()}  # fmt: skip
            outcome = "pass" if _allowed(column) else "block"
            yield Finding("hash-recovered", outcome, facts, (column.name,))
        elif not _allowed(column):
            # What could not be tried out in seconds is still what its name says it is; and what the same hash stands
            # for in row after row is somebody or something that a file's checksum is not.
            again = recurring and not set(words(column.name)) & _THINGS
            outcome = "review" if concepts(column.name) & _WHOSE or again else "pass"
            yield Finding("hash-unkeyed", outcome, {"column": column.name, "tried": made.tried}, (column.name,))


def _others(case: Case) -> Iterator[tuple[str, str]]:
    """What a hash of the table may have been made from: its other columns as read, what the register knows."""
    read = [item.name for item in case.intake_contract.properties if item.kind in _TRIED]
    sources = [(case.intake, name) for name in read]
    truth = case.truth()
    if truth:
        cursor = case.connection.execute(f"SELECT * FROM {truth} LIMIT 0")
        sources += [(truth, name) for name, *_ in cursor.description or () if not name.startswith("_")]
    numbers = getattr(case.truth, "numbers", None)
    listed = numbers() if numbers is not None else ""
    if listed:
        sources.append((listed, "v"))
    for table, name in sources:
        value = f"trim(CAST({quote(name)} AS VARCHAR))"
        yield (
            f"numbers of {case.release.population}" if table == listed else name,
            f"(SELECT unnest([w, upper(w), lower(w), regexp_replace(w, '[ .\\-/]', '', 'g')]) AS v FROM (SELECT "
            f"DISTINCT {value} AS w FROM {table} LIMIT {hashes.OTHERS}))",
        )


_TRIED = frozenset({Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.DATE})


# Pseudonyms of another release


def _reused(case: Case) -> Iterator[Finding]:
    mine = case.release.pseudonyms
    for column, mark in mine.items():
        same = [
            item for item in case.earlier
            if not item.withdrawn and mark in item.pseudonyms.values()
            and (item.dataset, item.recipient) != (case.release.dataset, case.release.recipient)
        ]  # fmt: skip
        if same:
            releases = tuple(dict.fromkeys(item.label for item in same))
            yield Finding("pseudonym-reused", "block", {"column": column}, (column,), releases)


# Inside texts


def _texts(case: Case, held: dict[str, Sampled]) -> Iterator[Finding]:
    country = case.settings.city.country
    for column in case.contract.properties:
        item = held[column.name]
        if column.kind not in (Kind.STRING, Kind.JSON) or _allowed(column) or item.words < WORDS:
            continue
        if identifies(column) and "redact" not in set(names(column)):
            continue  # said, and judged, as a whole
        seen = text.search(case.reckoned(), column.name, country)
        facts = {"column": column.name, "texts": seen.texts, "what": seen.what}
        if seen.numbers:
            yield Finding("numbers-in-text", "block", facts, (column.name,))
        elif seen.found:
            yield Finding("contacts-in-text", "review", facts, (column.name,))
        elif seen.offices or seen.phones:
            count = seen.offices + seen.phones
            yield Finding("offices-in-text", "pass", {"column": column.name, "count": count}, (column.name,))
        if seen.unlooked:
            why = f"{seen.unlooked:,} more texts hold numbers than are read one by one"
            yield Finding("not-looked", "review", {"what": column.name, "why": why}, (column.name,))


# Order of rows


def _order(case: Case) -> Iterator[Finding]:
    contract, protection = case.contract, case.contract.custom.get("arengoProtection", {})
    if contract.access != "open" or protection.get("shuffle") or contract.sort:
        return  # given up, or rows are stored by columns that are released
    for column in case.intake_contract.properties:
        out = contract.column(column.name)
        withheld = out is None or "pseudonym" in set(names(out))
        if not withheld or not identifies(column) or column.kind in (Kind.GEOMETRY, Kind.JSON):
            continue
        rho, n = correlation(case, column.name)
        by_chance = 6 * max(0.0, 1 - rho * rho) ** 0.5  # of so many rows in no order
        if n >= LEAST_ROWS and abs(rho) >= SAME_ORDER and abs(rho) * (n - 1) ** 0.5 > by_chance:
            yield Finding(
                "order-of-identifier", "repair",
                {"column": column.name, "correlation": round(rho, 4), "rows": n, "repair": "shuffle"}, (column.name,),
            )  # fmt: skip


def correlation(case: Case, column: str) -> tuple[float, int]:
    """Spearman's rank correlation of a column's values with the order of the rows, and over how many rows; 0 when they
    have fewer than :data:`LEAST_ROWS` different values."""
    name = quote(column)
    found = case.connection.execute(
        f"SELECT corr(place, standing), count(*), count(DISTINCT value) FROM (SELECT {name} AS value, "
        f"row_number() OVER (ORDER BY rowid) AS place, rank() OVER (ORDER BY {name}) AS standing FROM {case.intake} "
        f"WHERE {name} IS NOT NULL)"
    ).fetchone()
    if found is None or found[0] is None or found[2] < LEAST_ROWS:
        return 0.0, 0
    return float(found[0]), int(found[1])


# Many texts under one pseudonym


def _writers(case: Case, held: dict[str, Sampled]) -> Iterator[Finding]:
    free = [
        item for item in case.contract.properties
        if item.kind is Kind.STRING and not _allowed(item) and not identifies(item) and _written(item, held[item.name])
    ]  # fmt: skip
    if not free:
        return
    for column in case.contract.properties:
        if _allowed(column) or column in free or held[column.name].distinct < 2:
            continue
        certain = identifies(column) or column.name in case.release.pseudonyms
        if not certain and not _writer(column, held[column.name]):
            continue
        for other in free:
            name, told = quote(column.name), quote(other.name)
            found = case.connection.execute(
                f"SELECT count(*), max(n) FROM (SELECT count(DISTINCT {told}) AS n FROM {case.table} WHERE {name} IS "
                f"NOT NULL GROUP BY {name} HAVING count(DISTINCT {told}) >= {TEXTS})"
            ).fetchone()
            if found and found[0]:
                yield Finding(
                    "texts-of-one", "block" if certain else "review", {"most": int(found[1]), "least": TEXTS},
                    (column.name, other.name), people=int(found[0]),
                )  # fmt: skip


def _writer(column: Property, item: Sampled) -> bool:
    known = concepts(column.name)
    if known & {"person_id", "username"}:
        return True
    return bool(_WRITERS & set(words(column.name))) and ("id" in known or _coded(item))


def _coded(item: Sampled) -> bool:
    """Whether the values are numbers or codes rather than names, which are judged as such."""
    coded = sum(any(mark.isdigit() for mark in text) and " " not in text for text in item.weights)
    return coded >= _CODED * len(item.weights) > 0


def _written(column: Property, item: Sampled) -> bool:
    """Free text: told to be, or words that hardly ever come twice."""
    if column.custom.get("arengoPersonalKind") == "free-text":
        return True
    if column.privacy_role or not item.weights or concepts(column.name) & {"street", "address", "name", "facility"}:
        return False
    return item.words >= WORDS and item.distinct >= 0.3 * item.filled and item.distinct >= 10
