# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Tables that look like counts of people, of which the contract says nothing: the commonest way a city leaks.

Evidence is of two kinds, and both are needed: a column of small whole numbers that count somebody, by its name (words
for people in the languages of city halls) or because it stands beside an attribute of persons (age, sex, nationality,
health), and rows that are groups, not things or single people. Trees, lamps, parking places, prices, measurements and
budgets have neither: a false alarm costs a steward's morning and the trust in the next one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from arengo.contract.draft.words import concepts, words
from arengo.contract.model import Frozen, Kind
from arengo.lake.layout import quote, text
from arengo.privacy.cells import lexicon, shares
from arengo.privacy.declared import reason_of
from arengo.privacy.finding import Finding, Report
from arengo.privacy.release import CELLS
from arengo.privacy.verdict import DECLARE, Repair

if TYPE_CHECKING:
    from arengo.contract.model import Contract, Property
    from arengo.privacy.case import Case

CODE = "cells-undeclared"
_PEOPLE = frozenset(
    "people person persons inhabitants residents citizens population patients pupils students children women men "
    "females males girls boys births deaths victims unemployed beneficiaries recipients claimants households families "
    "foreigners migrants refugees immigrants employees workers applicants users members homeless pensioners "
    "personas habitantes residentes poblacion pacientes alumnos alumnas alumnado estudiantes ninos ninas mujeres hombres "
    "nacimientos defunciones victimas parados desempleados beneficiarios beneficiarias perceptores hogares familias "
    "extranjeros extranjeras migrantes refugiados empleados trabajadores solicitantes usuarios usuarias pensionistas "
    "persones habitants residents poblacio pacients alumnes estudiants nens nenes dones homes naixements defuncions "
    "victimes aturats beneficiaris perceptors llars families estrangers estrangeres migrants sollicitants usuaris "
    "personnes population eleves etudiants enfants femmes hommes filles garcons naissances deces "
    "chomeurs demandeurs beneficiaires allocataires menages familles etrangers salaries usagers retraites "
    "persone abitanti residenti popolazione pazienti alunni studenti bambini donne uomini femmine maschi nascite nati "
    "decessi morti vittime disoccupati beneficiari percettori famiglie stranieri migranti rifugiati dipendenti utenti "
    "pessoas populacao alunos criancas mulheres homens nascimentos obitos desempregados "
    "beneficiados agregados estrangeiros utentes idosos "
    "personen einwohner bewohner bevolkerung bevoelkerung patienten schuler schueler kinder frauen manner maenner weiblich mannlich "
    "maennlich geburten sterbefalle sterbefaelle todesfalle opfer arbeitslose empfanger empfaenger haushalte familien "
    "auslander auslaender fluchtlinge gefluchtete beschaftigte leistungsbeziehende nutzer benutzer nutzende "
    "osoby osob ludnosc mieszkancy mieszkancow uczniowie uczniow pacjenci pacjentow kobiety kobiet mezczyzni mezczyzn "
    "dzieci bezrobotni bezrobotnych zgony zgonow urodzenia urodzen rodziny rodzin cudzoziemcy cudzoziemcow "
    "uzytkownicy uzytkownikow beneficjenci beneficjentow moradores municipes inwoners bewoners leerlingen mannen vrouwen "
    "kinderen werklozen huishoudens".split()
) | lexicon.PEOPLE  # fmt: skip
"""Words of a column whose numbers are people."""
_SEX = frozenset(
    "women men females males girls boys mujeres hombres ninos ninas dones homes nens nenes femmes hommes filles garcons "
    "donne uomini femmine maschi mulheres homens frauen manner maenner weiblich mannlich maennlich "
    "kobiety kobiet mezczyzni mezczyzn mannen vrouwen".split()
) | lexicon.SEX  # fmt: skip
"""Of these, words that are an attribute, too: a column of them is a group."""
_GROUPS = frozenset({"age", "sex", "nationality", "ethnicity", "religion", "health", "marital", "income", "occupation"})
_MORE = frozenset(
    "benefit prestacion prestacions ayuda ajut aide allocation prestation sussidio beneficio leistung beihilfe "
    "disease enfermedad malaltia maladie malattia doenca krankheit illness diagnose disability discapacidad discapacitat "
    "handicap disabilita behinderung nacionalidad nacionalitat origin origen origine herkunft citizenship "
    "education estudios estudis etudes istruzione bildung escolaridade "
    "estudis_nivell instruccion qualification migration".split()
) | lexicon.ATTRIBUTES  # fmt: skip
"""Words of attributes of persons that the drafting of contracts has no concept for."""
PLACES = frozenset(
    "district districts distrito districte quartiere quartieri municipio municipality barrio barri bairro quartier ward "
    "neighbourhood neighborhood section seccion seccio secao sezione zone zona stadtteil bezirk ortsteil street calle "
    "carrer rue via rua strasse postcode plz area iris block manzana illa borough sprengel freguesia concelho dzielnica "
    "osiedle rejon obwod gmina ulica wijk buurt raster rasterzelle zelle kachel grid cell hexagon malla cuadricula".split()
) | lexicon.PLACES  # fmt: skip
_THINGS = frozenset(
    "tree trees arbol arboles arbre arbres albero alberi arvore arvores baum baume baeume species especie especies "
    "lamp lamps farola farolas lampadaire lampione leuchte vehicle vehicles vehiculo vehiculos vehicule vehicules veicoli "
    "veiculos fahrzeug fahrzeuge car cars coche coches voiture voitures auto autos bike bikes bici bicis velo velos moto "
    "parking parkings plazas places posti stellplatze buildings building edificios edificis batiments edifici gebaude "
    "dwellings viviendas habitatges logements abitazioni wohnungen trips viajes viatges trajets viaggi fahrten dogs perros "
    "gossos chiens cani hunde animals animales animaux animali tiere votes votos vots voix voti stimmen seats escanos "
    "stops paradas price precio preu prix prezzo preis amount importe import montant importo betrag budget presupuesto "
    "pressupost bilancio haushaltsplan euros eur cost costs coste cost couts costi kosten hours horas heures ore stunden "
    "minutes days dias jours giorni tage km kg books libros llibres livres libri bucher loans prestamos prestecs prets "
    "prestiti ausleihen visits visitas visites visite besuche tickets entradas entrades likes followers comments attendees "
    "proposals meetings downloads capacity capacidad capacitat capacite capienza aforo kapazitat rooms beds".split()
) | lexicon.THINGS  # fmt: skip
"""Words of columns and tables that count other things than people."""
_NUMBER = frozenset(
    "count counts number total totals cantidad numero recuento casos cases nombre recompte cas effectif effectifs casi "
    "conteggio totale anzahl zahl fallzahl falle faelle summe quantidade contagem valor valeur valore wert value "
    "liczba ilosc razem suma wartosc aantal totaal".split()
) | lexicon.NUMBERS  # fmt: skip
"""Words of a column that counts whatever stands beside it."""
_DWELLINGS = frozenset(
    "dwellings dwelling viviendas vivienda habitatges habitatge logements logement abitazioni alloggi fogos alojamentos "
    "domicilios wohnungen mieszkania mieszkan woningen households hogares llars menages haushalte huishoudens".split()
) | lexicon.DWELLINGS  # fmt: skip
"""Words of a column beside which people are counted where they live, whatever the rows are called."""
_ALIKE = 0.95
"""Distinct combinations of the groups by rows, from which the rows are groups."""
_NUMBERED = 0.9
"""Distinct values by rows of a column that names the rows rather than groups them."""
_CODES = 100
"""Different values of a column of whole numbers that may be codes of groups."""
_ROWS = 4
_SHOWN = 6
_YEAR = re.compile(r"\D{0,8}(?:19|20)\d\d\D{0,3}")
_BAND = re.compile(r"(?<!\d)(\d{1,3})\s?(?:[-–_]|to|tot|bis|a|à)\s?(\d{1,3})(?!\d)|(?<!\d)(\d{2,3})\s?(?:\+|plus)")
_OLD = (60, 120)
"""Where the last of several bands begins or ends, when they are ages."""
_YOUNG = 30
"""Where the first of several bands begins at the latest, when nothing but the bands says that they are ages."""
_GROWN = frozenset({6, 14, 15, 16, 18, 21, 65})
"""Where bands of ages begin, and hardly any others: at school, at work, of age, retired."""
_MEASURED = frozenset(
    "speed velocidad velocitat vitesse velocita velocidade geschwindigkeit snelheid hastighet predkosc kmh km mph v85 "
    "noise ruido soroll bruit rumore larm laerm geluid buller halas lden lnight ln ld leq laeq db dba "
    "score punkte points puntuacion puntuacio rating index indice indeks aqi iqa "
    "min mins minute minutes minutos minuts minuti minuten duration duracion durada duree durata dauer "
    "temp temperature temperatura height altura hohe hauteur altezza width slope pendiente percent pct "
    "parking aparcamiento aparcament stationnement parcheggio parken parkeren sosta delay retraso retard".split()
)  # fmt: skip
"""Words of what is measured and told in bands that follow each other, as ages are."""
_FEWEST = 3
"""Columns that are groups themselves: years, bands of age."""
_LABELS = 30
"""Different labels of a column that may say what the figure of a row is."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What speaks for counts of people: ``counts`` (columns of numbers), ``by`` (columns of groups), ``cells`` of 1 to
    less than the threshold, the first of which is in ``column``. ``mixed``: other figures stand among the counts."""

    counts: tuple[str, ...]
    by: tuple[str, ...]
    column: str
    cells: int
    mixed: bool = False


def look(case: Case) -> Report:
    """A review for a table that looks like counts of people, with cells too small to show; never for other tables."""
    found = looks(case)
    if found is None:
        return Report()
    beside = shares.look(case, found.counts, found.counts)
    if not found.cells:
        return Report(beside)
    facts = {"column": found.column, "cells": found.cells, "most": case.target.threshold - 1, "by": ", ".join(found.by)}
    reasons = [reason for name in found.counts if (reason := _reason(case.contract, name))]
    if len(reasons) == len(found.counts):
        told = {"column": found.column, "what": "counts of people", "kind": "", "reason": reasons[0]}
        return Report((Finding("identifier-allowed", "pass", Frozen(told), found.counts), *beside))
    return Report((Finding(CODE, "review", Frozen(facts), found.counts), *beside))


def propose(case: Case, findings: Sequence[Finding]) -> tuple[Repair, ...]:
    """Repairs of a table that looks like counts of people: the cells declared (``facts["cells"]`` is what
    ``arengoCells`` becomes) together with each repair of such a table, tried and measured. None where the figures are
    several columns, or other columns or figures stand beside the counts: what they are is for a person to say."""
    found = looks(case) if any(item.code == CODE for item in findings) else None
    if found is None or len(found.counts) != 1 or found.mixed:
        return ()
    from arengo.privacy.cells import repair, step
    from arengo.privacy.declared import release_of

    cells = Frozen({"by": found.by, "count": found.column})
    contract = replace(case.contract, custom=Frozen({**case.contract.custom, "arengoCells": cells}))
    release = release_of(contract, 0, case.now, case.release.rows, population=case.population)
    if release.form != CELLS:
        return ()
    tried = replace(case, contract=contract, intake_contract=contract.as_read(), release=release)
    made = repair.propose(tried, step.look(tried).findings)
    return tuple(replace(item, kind=DECLARE, facts=Frozen({**item.facts, "cells": cells})) for item in made)


def _reason(contract: Contract, name: str) -> str:
    column = contract.as_read().column(name)
    return reason_of(column) if column is not None else ""


def looks(case: Case) -> Looks | None:
    """What speaks for counts of people; None when it is something else, or the contract says what it is."""
    contract = case.contract
    if contract.access != "open" or any(item.privacy_role for item in contract.as_read().properties):
        return None
    known = {item.name: _words(item) for item in contract.properties}
    subject = {word for name in (contract.id, contract.name, contract.schema_name) for word in words(name)}
    numbers = [item for item in contract.properties if item.kind in (Kind.INTEGER, Kind.NUMBER)]
    dims = [item for item in contract.properties if item.kind in (Kind.STRING, Kind.DATE, Kind.BOOLEAN)]
    coded = [item for item in numbers if item.kind is Kind.INTEGER]
    attributes = [item.name for item in (*dims, *(item for item in coded if not _BAND.search(_label(item))))
                  if _attribute(item, known[item.name])]  # fmt: skip
    counting = [item for item in numbers if not known[item.name] & _THINGS and item.name not in attributes]
    named = [item.name for item in counting if known[item.name] & _PEOPLE]
    things = bool((subject | {word for item in dims for word in known[item.name]}) & _THINGS)
    generic = [
        item.name for item in counting
        if not things and (known[item.name] & _NUMBER or "count" in concepts(_label(item)))
    ]  # fmt: skip
    wide = _wide(counting, subject, bool(subject & _PEOPLE) and not things)
    own = [name for name in named if known[name] & _SEX]
    person = bool(attributes or len(own) > 1 or wide)
    counts = list(dict.fromkeys((*named, *wide))) or (generic if attributes else [])
    if not counts or (things and not person):
        return None
    # Persons beside dwellings are a census: what numbers its rows are places, by whatever name.
    census = named and any(known[item.name] & _DWELLINGS for item in numbers if item.name not in named)
    homes = {item.name for item in dims if (census or wide) and item.kind is Kind.STRING}
    by = _groups(case, dims, [item for item in coded if item.name not in counts], attributes, homes)
    if by is None:
        return None
    places = [name for name in by if name in homes or known[name] & PLACES]
    if not person and not places:
        return None
    return _small(case, tuple(counts), tuple(by))


def _wide(counting: list[Property], subject: set[str], people: bool) -> list[str]:
    """Columns that are groups themselves, as a spreadsheet has them: bands of age, and years where the table's own name
    (``subject``) says that it counts ``people``."""
    years = [item.name for item in counting if _YEAR.fullmatch(_label(item))]
    if people and len(years) >= _FEWEST:
        return years
    bands: dict[str, tuple[int, int]] = {}
    for item in counting:
        met = _BAND.search(_label(item))
        if met is not None:
            low, high, over = (int(part) if part else -1 for part in met.groups())
            bands[item.name] = (low, high) if over < 0 else (over, over)
    told = sorted(set(bands.values()))
    # Ages: each band begins where the one before ends, and one more; distances and prices share their borders.
    follow = all(after[0] == before[1] + 1 for before, after in pairwise(told))
    ages = len(told) >= _FEWEST and follow and _OLD[0] <= told[-1][1] <= _OLD[1] and told[0][0] < _OLD[0]
    if not ages:
        return []
    said = {word for item in counting if item.name in bands for word in _words(item)}
    if people or any(_words(item) & _PEOPLE for item in counting) or any("age" in concepts(name) for name in bands):
        return list(bands)
    # Speeds, scores, noise and minutes are told in such bands, too: 0-30, 31-50, 51-70; 0-49, 50-69, 70-100.
    measured = said & _MEASURED or subject & _MEASURED
    begins = [low for low, _ in told]
    tens = begins[0] % 10 < 2 and all(low % 10 == 1 for low in begins[1:])
    scores = told[-1][1] == 100 and not _GROWN & set(begins)
    return [] if measured or tens or scores or begins[0] > _YOUNG else list(bands)


def _words(item: Property) -> frozenset[str]:
    return frozenset(word for told in (item.name, item.title, item.physical_name) if told for word in words(told))


def _label(item: Property) -> str:
    return item.physical_name or item.name


def _attribute(item: Property, known: frozenset[str]) -> bool:
    """Whether a column is an attribute of persons by which a table may be grouped."""
    meant = concepts(_label(item)) | concepts(item.name)
    return bool((meant & _GROUPS or known & _MORE) and not meant & {"count"} and not known & _PEOPLE)


def _groups(
    case: Case, dims: list[Property], coded: list[Property], attributes: list[str], homes: set[str]
) -> list[str] | None:
    """The columns the rows are groups of; None when the rows are single things or people. ``homes``: columns that name
    places though nothing in their own names says so."""
    names = [item.name for item in (*dims, *coded)]
    if not names:
        return None
    listed = ", ".join(f"count(DISTINCT {quote(name)})" for name in names)
    rows, *distinct = case.connection.execute(f"SELECT count(*), {listed} FROM {case.table}").fetchone() or (0,)
    if rows < _ROWS:
        return None
    codes = {item.name for item in coded} - set(attributes)
    places = homes | {name for name in names if set(words(name)) & PLACES}
    by = [name for name, many in zip(names, distinct, strict=False)
          if many > 1 and (many < _NUMBERED * rows or name in places)
          and (name not in codes or name in places or many <= _CODES)]  # fmt: skip
    if not by:
        return None
    (groups,) = case.connection.execute(
        f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(map(quote, by))} FROM {case.table})"
    ).fetchone() or (0,)
    return by if groups >= _ALIKE * rows else None


def _small(case: Case, counts: tuple[str, ...], by: tuple[str, ...]) -> Looks | None:
    """The small cells, where the columns hold whole numbers that are nowhere below zero and not all small; or where
    they do so in the rows of some labels, as in a long table of counts and shares."""
    most = case.target.threshold
    good: list[tuple[str, int]] = []
    mixed = False
    for name in counts:
        value = f"TRY_CAST({quote(name)} AS DOUBLE)"
        few, low, high, broken = case.connection.execute(
            f"SELECT count(*) FILTER ({value} >= 1 AND {value} < {int(most)}), min({value}), max({value}), "
            f"count(*) FILTER ({value} <> floor({value})) FROM {case.table}"
        ).fetchone() or (0, None, None, 0)
        if broken:
            few, low, high = _labelled(case, value, by, most)
        if low is None or low < 0 or high < 2:
            continue
        good.append((name, int(few)))
        mixed = mixed or bool(broken)
    if not good:
        return None
    first = max(good, key=lambda item: item[1])[0]
    return Looks(tuple(name for name, _ in good)[:_SHOWN], by, first, sum(few for _, few in good), mixed)


def _labelled(case: Case, value: str, by: tuple[str, ...], most: int) -> tuple[int, float | None, float | None]:
    """(cells of 1 to less than ``most``, smallest, largest) in the rows of those labels of one column of ``by`` whose
    figures are all whole; (0, None, None) where no column tells them from the rest."""
    for name in by:
        rows = case.connection.execute(
            f"SELECT CAST({quote(name)} AS VARCHAR), bool_and({value} = floor({value})) FROM {case.table} "
            f"WHERE {value} IS NOT NULL GROUP BY ALL LIMIT {_LABELS + 1}"
        ).fetchall()
        whole = [label for label, good in rows if good and label is not None]
        if not whole or len(rows) > _LABELS or len(rows) - len(whole) > len(whole) + 1:
            continue
        listed = ", ".join(text(label) for label in whole)
        few, low, high = case.connection.execute(
            f"SELECT count(*) FILTER ({value} >= 1 AND {value} < {int(most)}), min({value}), max({value}) "
            f"FROM {case.table} WHERE CAST({quote(name)} AS VARCHAR) IN ({listed})"
        ).fetchone() or (0, None, None)
        return int(few), low, high
    return 0, None, None
