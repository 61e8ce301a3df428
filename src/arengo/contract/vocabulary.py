"""Controlled vocabularies a contract may name, as typed data.

Themes, frequencies, licences and access rights are the authority tables of the EU Publications Office (reuse under
Commission Decision 2011/833/EU, CC BY 4.0), with labels in the languages of its tables that a first city needs; Catalan
labels are ours. High-value categories are those of Regulation (EU) 2023/138. Privacy roles and kinds of personal data
are Arengo's own short lists.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import TypeVar

AUTHORITY = "http://publications.europa.eu/resource/authority"
LANGUAGES = ("en", "it", "fr", "de", "es", "pt", "ca")


@dataclass(frozen=True, slots=True)
class Term:
    """One entry: code as written in a contract, address, labels by language."""

    code: str
    uri: str
    labels: Mapping[str, str]

    def label(self, language: str = "en") -> str:
        return self.labels.get(language.split("-")[0], self.labels["en"])


@dataclass(frozen=True, slots=True)
class Frequency(Term):
    """``every``: the longest time between two updates that still keeps the promise; None when none is promised."""

    every: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Licence(Term):
    """``url``: the licence's text. ``open``: open in the sense of the Open Definition 2.1. ``hvd``: at most as strict
    as CC BY 4.0, as Regulation (EU) 2023/138 asks. ``aliases``: other spellings met in the field."""

    url: str = ""
    open: bool = True
    hvd: bool = True
    aliases: tuple[str, ...] = ()


def _labels(*texts: str) -> Mapping[str, str]:
    return dict(zip(LANGUAGES, texts, strict=False))


def _theme(code: str, *texts: str) -> tuple[str, Term]:
    return code, Term(code, f"{AUTHORITY}/data-theme/{code}", _labels(*texts))


THEMES: Mapping[str, Term] = dict(
    [
        _theme("AGRI", "Agriculture, fisheries, forestry and food",
               "Agricoltura, pesca, silvicoltura e prodotti alimentari",
               "Agriculture, pêche, sylviculture et alimentation",
               "Landwirtschaft, Fischerei, Forstwirtschaft und Nahrungsmittel",
               "Agricultura, pesca, silvicultura y alimentación",
               "Agricultura, pesca, silvicultura e alimentação", "Agricultura, pesca, silvicultura i alimentació"),
        _theme("ECON", "Economy and finance", "Economia e finanze", "Économie et finances",
               "Wirtschaft und Finanzen", "Economía y finanzas",
               "Economia e finanças", "Economia i finances"),
        _theme("EDUC", "Education, culture and sport", "Istruzione, cultura e sport", "Éducation, culture et sport",
               "Bildung, Kultur und Sport", "Educación, cultura y deportes",
               "Educação, cultura e desporto", "Educació, cultura i esport"),
        _theme("ENER", "Energy", "Energia", "Énergie", "Energie", "Energía",
               "Energia", "Energia"),
        _theme("ENVI", "Environment", "Ambiente", "Environnement", "Umwelt", "Medio ambiente",
               "Ambiente", "Medi ambient"),
        _theme("GOVE", "Government and public sector", "Governo e settore pubblico",
               "Gouvernement et secteur public", "Regierung und öffentlicher Sektor", "Gobierno y sector público",
               "Governo e setor público", "Govern i sector públic"),
        _theme("HEAL", "Health", "Salute", "Santé", "Gesundheit", "Salud",
               "Saúde", "Salut"),
        _theme("INTR", "International issues", "Tematiche internazionali", "Questions internationales",
               "Internationale Themen", "Asuntos internacionales",
               "Questões internacionais", "Afers internacionals"),
        _theme("JUST", "Justice, legal system and public safety", "Giustizia, sistema giuridico e sicurezza pubblica",
               "Justice, système juridique et sécurité publique", "Justiz, Rechtssystem und öffentliche Sicherheit",
               "Justicia, sistema judicial y seguridad pública",
               "Justiça, sistema jurídico e segurança pública", "Justícia, sistema jurídic i seguretat pública"),
        _theme("OP_DATPRO", "Provisional data", "Dati provvisori", "Données provisoires", "Vorläufige Daten",
               "Datos provisionales",
               "Dados provisórios", "Dades provisionals"),
        _theme("REGI", "Regions and cities", "Regioni e città", "Régions et villes", "Regionen und Städte",
               "Regiones y ciudades",
               "Regiões e cidades", "Regions i ciutats"),
        _theme("SOCI", "Population and society", "Popolazione e società", "Population et société",
               "Bevölkerung und Gesellschaft", "Población y sociedad",
               "População e sociedade", "Població i societat"),
        _theme("TECH", "Science and technology", "Scienza e tecnologia", "Science et technologie",
               "Wissenschaft und Technologie", "Ciencia y tecnología",
               "Ciência e tecnologia", "Ciència i tecnologia"),
        _theme("TRAN", "Transport", "Trasporti", "Transports", "Verkehr", "Transporte",
               "Transportes", "Transport"),
    ]
)  # fmt: skip


def _often(code: str, every: timedelta | None, *texts: str) -> tuple[str, Frequency]:
    return code, Frequency(code, f"{AUTHORITY}/frequency/{code}", _labels(*texts), every)


def _days(days: float) -> timedelta:
    return timedelta(days=days)


FREQUENCIES: Mapping[str, Frequency] = dict(
    [
        _often("UPDATE_CONT", timedelta(minutes=1), "continuously updated", "in continuo aggiornamento",
               "mise à jour continuelle", "ständige Aktualisierung", "continuamente actualizado"),
        _often("CONT", timedelta(minutes=1), "continuous", "continuo", "continuel", "kontinuierlich", "continuo"),
        _often("1MIN", timedelta(minutes=1), "every minute", "ogni minuto", "toutes les minutes", "jede Minute",
               "cada minuto"),
        _often("5MIN", timedelta(minutes=5), "every five minutes", "ogni cinque minuti", "toutes les cinq minutes",
               "alle fünf Minuten", "cada cinco minutos"),
        _often("10MIN", timedelta(minutes=10), "every ten minutes", "ogni dieci minuti", "toutes les dix minutes",
               "alle zehn Minuten", "cada diez minutos"),
        _often("15MIN", timedelta(minutes=15), "every fifteen minutes", "ogni quindici minuti",
               "toutes les quinze minutes", "alle fünfzehn Minuten", "cada quince minutos"),
        _often("30MIN", timedelta(minutes=30), "every thirty minutes", "ogni trenta minuti",
               "toutes les trente minutes", "alle dreißig Minuten", "cada treinta minutos"),
        _often("HOURLY", timedelta(hours=1), "hourly", "ogni ora", "toutes les heures", "stündlich", "cada hora"),
        _often("BIHOURLY", timedelta(hours=2), "bihourly", "ogni due ore", "toutes les deux heures",
               "alle zwei Stunden", "cada dos horas"),
        _often("TRIHOURLY", timedelta(hours=3), "trihourly", "ogni tre ore", "toutes les trois heures",
               "alle drei Stunden", "cada tres horas"),
        _often("12HRS", timedelta(hours=12), "every twelve hours", "ogni dodici ore", "toutes les douze heures",
               "alle zwölf Stunden", "cada doce horas"),
        _often("DAILY_2", timedelta(hours=12), "twice a day", "due volte al giorno", "deux fois par jour",
               "zweimal täglich", "dos veces al día"),
        _often("DAILY", _days(1), "daily", "quotidiano", "quotidien", "täglich", "diario"),
        _often("WEEKLY_3", _days(3), "three times a week", "tre volte a settimana", "trois fois par semaine",
               "dreimal in der Woche", "tres veces por semana"),
        _often("WEEKLY_2", _days(4), "semiweekly", "bisettimanale", "bihebdomadaire", "zweimal in der Woche",
               "bisemanal"),
        _often("WEEKLY", _days(7), "weekly", "settimanale", "hebdomadaire", "wöchentlich", "semanal"),
        _often("MONTHLY_3", _days(11), "three times a month", "tre volte al mese", "trois fois par mois",
               "dreimal im Monat", "tres veces por mes"),
        _often("BIWEEKLY", _days(14), "biweekly", "quindicinale", "tous les quinze jours", "zweiwöchentlich",
               "quincenal"),
        _often("MONTHLY_2", _days(16), "semimonthly", "bimensile", "bimensuel", "zweimal im Monat", "bimensual"),
        _often("MONTHLY", _days(31), "monthly", "mensile", "mensuel", "monatlich", "mensual"),
        _often("BIMONTHLY", _days(62), "bimonthly", "bimestrale", "bimestriel", "zweimonatlich", "bimestral"),
        _often("QUARTERLY", _days(92), "quarterly", "trimestrale", "trimestriel", "vierteljährlich", "trimestral"),
        _often("ANNUAL_3", _days(123), "three times a year", "tre volte all'anno", "trois fois par an",
               "dreimal im Jahr", "cuatrimestral"),
        _often("ANNUAL_2", _days(184), "semiannual", "semestrale", "semestriel", "halbjährlich", "semestral"),
        _often("ANNUAL", _days(366), "annual", "annuale", "annuel", "jährlich", "anual"),
        _often("BIENNIAL", _days(731), "biennial", "biennale", "biennal", "zweijährlich", "bienal"),
        _often("TRIENNIAL", _days(1096), "triennial", "triennale", "triennal", "dreijährlich", "trienal"),
        _often("QUADRENNIAL", _days(1461), "quadrennial", "ogni quattro anni", "tous les quatre ans", "vierjährlich",
               "cada cuatro años"),
        _often("QUINQUENNIAL", _days(1827), "quinquennial", "ogni cinque anni", "tous les cinq ans", "fünfjährlich",
               "cada cinco años"),
        _often("DECENNIAL", _days(3653), "decennial", "decennale", "tous les dix ans", "alle zehn Jahre",
               "cada diez años"),
        _often("BIDECENNIAL", _days(7305), "every twenty years", "ogni venti anni", "tous les vingt ans",
               "alle zwanzig Jahre", "cada veinte años"),
        _often("TRIDECENNIAL", _days(10958), "every thirty years", "ogni trenta anni", "tous les trente ans",
               "alle dreißig Jahre", "cada treinta años"),
        _often("AS_NEEDED", None, "as needed", "secondo necessità", "selon les besoins", "nach Bedarf",
               "según sea necesario"),
        _often("IRREG", None, "irregular", "irregolare", "irrégulier", "unregelmäßig", "irregular"),
        _often("NOT_PLANNED", None, "not planned", "non pianificato", "non planifié", "nicht geplant",
               "no planificado"),
        _often("NEVER", None, "never", "mai", "jamais", "niemals", "nunca"),
        _often("OTHER", None, "other", "altro", "autre", "anderer", "otro"),
        _often("UNKNOWN", None, "unknown", "sconosciuto", "inconnu", "unbekannt", "desconocido"),
    ]
)  # fmt: skip


def _licence(
    code: str, authority: str, url: str, label: str, *aliases: str, free: bool = True, hvd: bool = True
) -> tuple[str, Licence]:
    uri = f"{AUTHORITY}/licence/{authority}" if authority else url
    return code, Licence(code, uri, {"en": label}, url, free, hvd, aliases)


LICENCES: Mapping[str, Licence] = dict(
    [
        _licence("CC-BY-4.0", "CC_BY_4_0", "https://creativecommons.org/licenses/by/4.0/",
                 "Creative Commons Attribution 4.0 International", "cc-by", "cc by"),
        _licence("CC0-1.0", "CC0", "https://creativecommons.org/publicdomain/zero/1.0/",
                 "Creative Commons CC0 1.0 Universal", "cc0", "cc-zero"),
        _licence("CC-BY-SA-4.0", "CC_BYSA_4_0", "https://creativecommons.org/licenses/by-sa/4.0/",
                 "Creative Commons Attribution-ShareAlike 4.0 International", "cc-by-sa", hvd=False),
        _licence("CC-BY-3.0", "CC_BY_3_0", "https://creativecommons.org/licenses/by/3.0/",
                 "Creative Commons Attribution 3.0 Unported"),
        _licence("CC-BY-SA-3.0", "CC_BYSA_3_0", "https://creativecommons.org/licenses/by-sa/3.0/",
                 "Creative Commons Attribution-ShareAlike 3.0 Unported", hvd=False),
        _licence("CC-BY-NC-4.0", "CC_BYNC_4_0", "https://creativecommons.org/licenses/by-nc/4.0/",
                 "Creative Commons Attribution-NonCommercial 4.0 International", "cc-by-nc", "cc-nc", free=False,
                 hvd=False),
        _licence("CC-BY-ND-4.0", "CC_BYND_4_0", "https://creativecommons.org/licenses/by-nd/4.0/",
                 "Creative Commons Attribution-NoDerivatives 4.0 International", "cc-by-nd", free=False, hvd=False),
        _licence("CC-BY-NC-SA-4.0", "CC_BYNCSA_4_0", "https://creativecommons.org/licenses/by-nc-sa/4.0/",
                 "Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International", free=False, hvd=False),
        _licence("CC-BY-NC-ND-4.0", "CC_BYNCND_4_0", "https://creativecommons.org/licenses/by-nc-nd/4.0/",
                 "Creative Commons Attribution-NonCommercial-NoDerivatives 4.0 International", free=False, hvd=False),
        _licence("CC-PDM-1.0", "CC_PDM_1_0", "https://creativecommons.org/publicdomain/mark/1.0/",
                 "Public Domain Mark 1.0", "pdm"),
        _licence("ODbL-1.0", "ODC_BL", "https://opendatacommons.org/licenses/odbl/1.0/",
                 "Open Data Commons Open Database License 1.0", "odbl", "odc-odbl", hvd=False),
        _licence("ODC-By-1.0", "ODC_BY", "https://opendatacommons.org/licenses/by/1.0/",
                 "Open Data Commons Attribution License 1.0", "odc-by"),
        _licence("PDDL-1.0", "ODC_PDDL", "https://opendatacommons.org/licenses/pddl/1.0/",
                 "Open Data Commons Public Domain Dedication and License 1.0", "pddl", "odc-pddl"),
        _licence("etalab-2.0", "ETALAB_2_0", "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
                 "Licence Ouverte / Open Licence 2.0", "lov2", "licence-ouverte", "open-licence-2.0", "etalab"),
        _licence("IODL-2.0", "IODL_2_0", "https://www.dati.gov.it/content/italian-open-data-license-v20",
                 "Italian Open Data License 2.0", "iodl"),
        _licence("IODL-1.0", "IODL_1_0", "https://www.formez.it/iodl/", "Italian Open Data License 1.0", hvd=False),
        _licence("OGL-UK-3.0", "OGL_3_0",
                 "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
                 "Open Government Licence 3.0 (United Kingdom)", "ogl", "uk-ogl", "ogl-3.0", "ogl-uk"),
        _licence("OGL-Canada-2.0", "", "https://open.canada.ca/en/open-government-licence-canada",
                 "Open Government Licence 2.0 (Canada)", "ogl-canada"),
        _licence("DL-DE-BY-2.0", "DLDE_BY_2_0", "https://www.govdata.de/dl-de/by-2-0",
                 "Data licence Germany, attribution, 2.0", "dl-de/by-2-0", "dl-de-by"),
        _licence("DL-DE-ZERO-2.0", "DLDE_ZERO_2_0", "https://www.govdata.de/dl-de/zero-2-0",
                 "Data licence Germany, zero, 2.0", "dl-de/zero-2-0", "dl-de-zero"),
        _licence("NLOD-2.0", "NLOD_2_0", "https://data.norge.no/nlod/en/2.0/",
                 "Norwegian Licence for Open Government Data 2.0", "nlod"),
        _licence("EUPL-1.2", "EUPL_1_2", "https://joinup.ec.europa.eu/collection/eupl/eupl-text-eupl-12",
                 "European Union Public Licence 1.2", "eupl", hvd=False),
        _licence("none", "", "", "No licence: not for reuse", "proprietary", "all-rights-reserved", free=False,
                 hvd=False),
    ]
)  # fmt: skip


def _access(code: str, authority: str, *texts: str) -> tuple[str, Term]:
    return code, Term(code, f"{AUTHORITY}/access-right/{authority}", _labels(*texts))


ACCESS: Mapping[str, Term] = dict(
    [
        _access("open", "PUBLIC", "open to everybody", "aperto a tutti", "ouvert à tous", "offen für alle",
                "abierto a todos", "aberto a todos", "obert a tothom"),
        _access("shared", "RESTRICTED", "shared on request", "condiviso su richiesta", "partagé sur demande",
                "auf Anfrage geteilt", "compartido previa solicitud", "partilhado mediante pedido",
                "compartit amb sol·licitud prèvia"),
        _access("closed", "NON_PUBLIC", "closed", "chiuso", "fermé", "geschlossen", "cerrado", "fechado",
                "tancat"),
    ]
)  # fmt: skip

HVD_TOP: dict[str, Term] = {
    code: Term(code, f"http://data.europa.eu/bna/{identifier}", _labels(*texts))
    for code, identifier, *texts in (
        ("geospatial", "c_ac64a52d", "Geospatial", "Dati geospaziali", "Géospatial", "Georaum", "Geoespacial"),
        ("environment", "c_dd313021", "Earth observation and environment", "Osservazione della terra e ambiente",
         "Observation de la terre et environnement", "Erdbeobachtung und Umwelt",
         "Observación de la Tierra y medio ambiente"),
        ("meteorological", "c_164e0bf5", "Meteorological", "Dati meteorologici", "Météorologie", "Meteorologie",
         "Meteorología"),
        ("statistics", "c_e1da4e07", "Statistics", "Dati statistici", "Statistiques", "Statistik", "Estadística"),
        ("companies", "c_a9135398", "Companies and company ownership", "Imprese e proprietà delle imprese",
         "Entreprises et propriété d'entreprises", "Unternehmen und Eigentümerschaft von Unternehmen",
         "Sociedades y propiedad de sociedades"),
        ("mobility", "c_b79e35eb", "Mobility", "Mobilità", "Mobilité", "Mobilität", "Movilidad"),
    )
}  # fmt: skip
"""The six categories of Regulation (EU) 2023/138."""


def _finer() -> dict[str, Term]:
    """What the data pack ``vocabularies/hvd-categories.csv`` has below the six."""
    text = files("arengo.contract").joinpath("vocabularies/hvd-categories.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {
        row["code"]: Term(row["code"], f"http://data.europa.eu/bna/{row['identifier']}", _labels(row["en"], row["it"]))
        for row in rows
    }


HVD_CATEGORIES: Mapping[str, Term] = HVD_TOP | _finer()
"""The six and what is below each, as ``geospatial/addresses``."""

PRIVACY_ROLES: Mapping[str, str] = {
    "identifier": "names one person by itself: a number, an e-mail address, a full name",
    "quasi": "names a person together with other columns: birth date, sex, postcode",
    "sensitive": "what must not become known about a person: health, income, origin",
}

PERSONAL_KINDS: Mapping[str, str] = {
    "name": "name of a person",
    "email": "e-mail address of a person",
    "phone": "telephone number of a person",
    "address": "home or postal address of a person",
    "postcode": "postcode of a person's home",
    "location": "a person's whereabouts: coordinates, section of residence, trace",
    "national-id": "national or tax number of a person",
    "document-id": "number of an identity card, passport or licence",
    "person-id": "the city's own number for a person or family",
    "iban": "bank account",
    "card": "payment card number",
    "plate": "vehicle registration number",
    "ip-address": "network address of a person's device",
    "device-id": "number of a person's device or card",
    "birth-date": "date or year of birth",
    "age": "age or age group",
    "sex": "sex or gender",
    "nationality": "nationality, citizenship or country of birth",
    "origin": "racial or ethnic origin (GDPR article 9)",
    "religion": "religious or philosophical belief (GDPR article 9)",
    "politics": "political opinion or union membership (GDPR article 9)",
    "health": "health or disability (GDPR article 9)",
    "biometric": "biometric or genetic data (GDPR article 9)",
    "sexuality": "sex life or orientation (GDPR article 9)",
    "offence": "criminal conviction or offence (GDPR article 10)",
    "income": "income, wealth, benefit or debt",
    "family": "marital status, household or kinship",
    "occupation": "profession or employer",
    "education": "schooling or qualification",
    "image": "picture, voice or signature",
    "free-text": "free text in which people are named",
    "other": "other personal data",
}

MODES: Mapping[str, str] = {
    "replace": "what is pulled is the whole dataset; rows that are no longer there disappear",
    "append": "pulled rows are added to the held ones",
    "upsert": "pulled rows replace held rows of the same key, others stay",
}

T = TypeVar("T", bound=Term)


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


_LICENCE_SPELLINGS = {
    _key(spelling): licence
    for licence in LICENCES.values()
    for spelling in (licence.code, licence.uri, licence.url, licence.uri.rsplit("/", 1)[-1], *licence.aliases)
    if spelling
}


def licence(text: str) -> Licence | None:
    """The licence meant by a code, address or usual spelling; None when unknown."""
    key = _key(text.replace("http://", "https://") if "creativecommons" in text or "opendatacommons" in text else text)
    return _LICENCE_SPELLINGS.get(key) or _LICENCE_SPELLINGS.get(_key(text))


def _find(table: Mapping[str, T], text: str) -> T | None:
    code = text.rsplit("/", 1)[-1].upper().replace("-", "_")
    return table.get(code)


def theme(text: str) -> Term | None:
    """The EU data theme of a code or address; None when unknown."""
    return _find(THEMES, text)


def frequency(text: str) -> Frequency | None:
    """The EU frequency of a code or address; None when unknown."""
    return _find(FREQUENCIES, text)


def hvd(text: str) -> Term | None:
    """The high-value category of a code or address; None when unknown."""
    key = text.strip().rstrip("/").replace("https://", "http://")
    return HVD_CATEGORIES.get(key) or _HVD_ADDRESSES.get(key)


_HVD_ADDRESSES = {term.uri: term for term in HVD_CATEGORIES.values()}

PROTECTION: Mapping[str, str] = {
    "keep": "as it is",
    "drop": "read and judged, never stored or published",
    "redact": "identifiers inside the text are blacked out",
    "pseudonym": "a keyed pseudonym per purpose, recipient and epoch",
    "level": "a level of the column's hierarchy instead of the value",
    "top": "values above it become it",
    "bottom": "values below it become it",
    "round": "the nearest multiple",
    "truncate": "the first characters",
    "pram": "with this probability another value, drawn as often as it occurs",
    "grid": "the cell of an adaptive grid with at least k persons",
    "donut": "moved by a random distance with at least k persons nearer",
    "laplace": "moved by planar Laplace noise",
    "vault": "sealed with the person's own key, opened only for readers to whom the column is granted",
}
CELL_METHODS: Mapping[str, str] = {
    "suppress": "small and telling cells are left out, and as many others as keep them from being worked out",
    "round": "controlled rounding: all cells are multiples of the base and still add up",
    "cell-key": "small noise that is the same wherever the same persons are counted",
    "noise": "noise of differential privacy, spent from the population's budget",
}
