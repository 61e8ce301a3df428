# ruff: noqa: E501, RUF100 - lists of words read better in long lines
"""The words of a census sheet as offices write them: headers, ways, yes and no, in English, Italian, French, Spanish."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

LANGUAGES = ("en", "it", "fr", "es")

SHEETS: Mapping[str, tuple[str, ...]] = {
    "applications": ("Applications", "Applicazioni", "Applications", "Aplicaciones"),
    "exchanges": ("Exchanges", "Scambi", "Échanges", "Intercambios"),
    "help": ("How to fill it in", "Come si compila", "Mode d'emploi", "Cómo se rellena"),
}

# field -> the header written in each language | others that are understood
APPLICATION: Mapping[str, tuple[str, ...]] = {
    "name": ("Application", "Applicazione", "Application", "Aplicación",
             "name", "nome", "nom", "nombre", "title", "titolo", "applicativo", "nome applicativo", "software",
             "system", "sistema", "système", "programme", "programma", "denominazione", "nome applicazione",
             "application name", "nom de l'application", "nombre de la aplicación", "logiciel", "base dati", "database name"),
    "id": ("Code", "Codice", "Code", "Código", "id", "identifier", "identificativo", "identifiant", "identificador", "sigla"),
    "organisation": ("Department", "Ufficio", "Service responsable", "Departamento",
                     "organisation", "organization", "organizzazione", "owner", "office", "ente", "settore", "servizio",
                     "direzione", "area", "titolare", "direction", "service", "organisme", "propriétaire",
                     "organización", "organismo", "área", "servicio", "unidad", "concejalía", "responsabile",
                     "department in charge", "ufficio responsabile", "unità organizzativa"),
    "vendor": ("Vendor", "Fornitore", "Fournisseur", "Proveedor", "supplier", "maker", "ditta", "produttore", "éditeur",
               "prestataire", "fabricante", "empresa", "casa produttrice"),
    "kind": ("Kind", "Tipo", "Type", "Tipo", "type", "tipologia", "category", "categoria", "catégorie", "nature", "clase"),
    "databases": ("Databases", "Banche dati", "Bases de données", "Bases de datos", "database", "db", "base di dati",
                  "basi di dati", "banca dati", "base de données", "base de datos", "archivi"),
    "technology": ("Technology", "Tecnologia", "Technologie", "Tecnología", "tech", "platform", "piattaforma", "dbms",
                   "plateforme", "plataforma", "technologies", "tecnologie", "linguaggio"),
    "hosting": ("Hosting", "Dove gira", "Hébergement", "Alojamiento", "where it runs", "host", "server", "hosting cloud",
                "ospitato", "cloud", "infrastruttura", "infrastructure", "infraestructura", "ubicazione", "serveur"),
    "personal": ("Personal data", "Dati personali", "Données personnelles", "Datos personales", "personal", "gdpr", "rgpd",
                 "privacy", "dati pers.", "données à caractère personnel", "datos de carácter personal"),
    "criticality": ("Criticality", "Criticità", "Criticité", "Criticidad", "critical", "importance", "importanza",
                    "importancia", "priority", "priorità", "priorité", "prioridad", "livello di criticità"),
    "contract_ends": ("Contract ends", "Scadenza contratto", "Fin du contrat", "Fin del contrato", "contract end",
                      "contract until", "expires", "scadenza", "échéance", "vencimiento", "fine contratto",
                      "expiry", "end of contract", "fecha fin contrato", "date de fin", "scadenza del contratto"),
    "contact": ("Contact", "Referente", "Contact", "Contacto", "contatto", "referent", "référent", "person", "e-mail",
                "email", "mail", "correo", "courriel", "persona de contacto", "contact person"),
    "note": ("Note", "Note", "Remarque", "Nota", "notes", "notas", "remarques", "comment", "comments", "commento",
             "commentaire", "comentario", "observations", "observaciones", "osservazioni", "description", "descrizione",
             "descripción"),
}  # fmt: skip

EXCHANGE: Mapping[str, tuple[str, ...]] = {
    "source": ("From", "Da", "De", "De",
               "source", "giver", "sender", "producer", "from application", "sorgente", "mittente", "origine", "cedente",
               "da applicazione", "émetteur", "producteur", "depuis", "origen", "emisor", "desde", "expéditeur", "fonte",
               "from system", "applicazione di origine", "système source"),
    "target": ("To", "A", "Vers", "A",
               "target", "receiver", "recipient", "consumer", "to application", "destinatario", "destinazione", "ricevente",
               "ad applicazione", "verso", "à", "destinataire", "cible", "destino", "receptor", "hacia", "para", "fruitore",
               "to system", "applicazione di destinazione", "système cible", "a applicazione"),
    "what": ("What", "Che cosa", "Quoi", "Qué", "data", "content", "dati", "contenuto", "oggetto", "cosa", "flusso",
             "données", "contenu", "objet", "flux", "datos", "contenido", "objeto", "information", "informazioni",
             "información", "what is exchanged", "dati scambiati", "données échangées", "datos intercambiados", "subject"),
    "dataset": ("Dataset", "Dataset", "Jeu de données", "Conjunto de datos", "dataset id", "id dataset", "data set",
                "insieme di dati", "identifiant du jeu", "contract", "contratto", "contrat", "contrato"),
    "way": ("How", "Come", "Comment", "Cómo", "way", "mode", "modalità", "channel", "canale", "mode d'échange", "canal",
            "modo", "modalidad", "method", "metodo", "méthode", "método", "technique", "modalità di scambio", "medio",
            "transport", "exchange mode", "vía", "moyen"),
    "frequency": ("How often", "Frequenza", "Fréquence", "Frecuencia", "frequency", "periodicity", "periodicità",
                  "périodicité", "periodicidad", "quando", "when", "rythme", "cadenza"),
    "volume": ("Volume", "Volume", "Volume", "Volumen", "size", "rows", "dimensione", "righe", "taille", "lignes", "filas",
               "records", "quantità", "quantité", "cantidad"),
    "personal": APPLICATION["personal"],
    "note": APPLICATION["note"],
}  # fmt: skip

WAYS: Mapping[str, tuple[str, ...]] = {
    "by-hand": ("by hand", "a mano", "à la main", "a mano", "manual", "manually", "manuale", "manualmente", "manuel",
                "manuelle", "manuellement", "paper", "carta", "cartaceo", "papier", "papel", "typed", "digitato", "saisie",
                "data entry", "copy and paste", "copia e incolla", "copier-coller", "copiar y pegar", "reinserimento",
                "phone", "telefono", "téléphone", "teléfono"),
    "by-file": ("by file", "con file", "par fichier", "por archivo", "file", "files", "fichier", "fichiers", "archivo",
                "archivos", "fichero", "ftp", "sftp", "csv", "excel", "xlsx", "xml", "e-mail", "email", "mail", "pec",
                "batch", "tramite file", "via file", "export", "estrazione", "extraction", "usb", "cartella condivisa",
                "shared folder", "dossier partagé", "carpeta compartida", "posta elettronica", "correo electrónico"),
    "by-api": ("by API", "con API", "par API", "por API", "api", "web service", "webservice", "web services", "rest", "soap",
               "ws", "servizio web", "service web", "servicio web", "automatic", "automatico", "automatique", "automático",
               "db link", "dblink", "database link", "vista", "vista db", "view", "real time", "tempo reale", "pdnd",
               "interoperability", "interoperabilità", "etl", "message queue"),
    "through-platform": ("through the platform", "attraverso la piattaforma", "par la plateforme", "por la plataforma",
                         "through platform", "platform", "piattaforma", "plateforme", "plataforma", "arengo",
                         "open data", "via platform", "tramite piattaforma"),
}  # fmt: skip

KINDS: Mapping[str, tuple[str, ...]] = {
    "application": ("application", "applicazione", "application", "aplicación", "app", "applicativo", "software", "logiciel",
                    "gestionale", "programma", "programme", "programa", "portal", "portale", "portail"),
    "database": ("database", "banca dati", "base de données", "base de datos", "db", "base dati", "base di dati", "archive",
                 "data warehouse", "dwh", "registro", "register", "registre"),
    "files": ("files", "file", "fichiers", "archivos", "spreadsheet", "foglio", "foglio di calcolo", "excel", "tableur",
              "hoja de cálculo", "access", "ms access", "cartella", "dossier", "carpeta", "fichier", "archivo"),
    "service": ("service", "servizio", "service", "servicio", "api", "web service", "saas", "middleware", "bus"),
    "external": ("external", "esterno", "externe", "externo", "other body", "altro ente", "autre organisme", "otro organismo",
                 "external body", "ente esterno", "esterna", "externa"),
}  # fmt: skip

CRITICALITY: Mapping[str, tuple[str, ...]] = {
    "low": ("low", "bassa", "faible", "baja", "basso", "bajo", "1", "basse"),
    "medium": ("medium", "media", "moyenne", "media", "medio", "moyen", "2", "normal", "normale"),
    "high": ("high", "alta", "élevée", "alta", "alto", "haute", "élevé", "critical", "critica", "critico", "critique", "3",
             "crítica", "vital", "essential", "essenziale"),
}  # fmt: skip

YES_NO: Mapping[bool, tuple[str, ...]] = {
    True: ("yes", "sì", "oui", "sí", "y", "s", "o", "si", "true", "vero", "vrai", "verdadero", "x", "1", "✓", "✔"),
    False: ("no", "no", "non", "no", "n", "false", "falso", "faux", "0"),
}

_TIMES: tuple[tuple[str, int], ...] = (
    (r"real|continu|live|second|minut|istant|instant", 8760),
    (r"hour|orari|\bora\b|\bore\b|heure|hora", 8760),
    (r"daily|\bday|giorn|quotid|jour|diari|\bdia|notte|night|nuit|noche", 250),
    (r"biweek|fortnight|quindic|quinz|quincen", 26),
    (r"week|settiman|hebdo|semaine|seman", 52),
    (r"bimonth|bimestr", 6),
    (r"quarter|trimest", 4),
    (r"half.?year|semest", 2),
    (r"month|mensil|mese|mensuel|\bmois|mensual|\bmes\b", 12),
    (r"year|annua|\banno|annuel|\ban\b|anual|\bano\b", 1),
)


def folded(text: str) -> str:
    """A text as it is compared: no case, no accents, no punctuation around, no double blanks."""
    kept = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    kept = "".join(mark for mark in kept if not unicodedata.combining(mark))
    return " ".join(re.sub(r"[_*:?¿\n\r\t]+|\s-\s", " ", kept).split()).strip(" .-")


def plain(text: str) -> str:
    """A header or a value as it is compared: folded, without what stands in brackets."""
    return folded(re.sub(r"[(\[].*?[)\]]", " ", text))


def _turned(table: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
    out: dict[str, str] = {}
    for name, words in table.items():
        for word in (name, *words):
            out.setdefault(plain(word.replace("-", " ") if word == name else word), name)
    return MappingProxyType(out)


APPLICATION_HEADERS, EXCHANGE_HEADERS = _turned(APPLICATION), _turned(EXCHANGE)
_WAYS, _KINDS, _CRITICALITY = _turned(WAYS), _turned(KINDS), _turned(CRITICALITY)
_YES_NO = {plain(word): answer for answer, words in YES_NO.items() for word in words}


def way(text: str) -> str | None:
    """The way a text names, None when it names none."""
    return _WAYS.get(plain(text.replace("-", " ")))


def kind(text: str) -> str | None:
    return _KINDS.get(plain(text))


def criticality(text: str) -> str | None:
    return _CRITICALITY.get(plain(text))


def yes_no(text: str) -> bool | None:
    return _YES_NO.get(plain(text)) if text not in ("✓", "✔") else True


def times_a_year(frequency: str) -> int | None:
    """About how often a year something is handed over; working days for daily. None when the words do not say."""
    said = plain(frequency)
    return next((times for pattern, times in _TIMES if re.search(pattern, said)), None)


def headers(kind: str, language: str) -> dict[str, str]:
    """Field -> its header in a language, in the order of the sheet."""
    place = LANGUAGES.index(language) if language in LANGUAGES else 0
    return {name: words[place] for name, words in (APPLICATION if kind == "applications" else EXCHANGE).items()}


def said(table: Mapping[str, tuple[str, ...]], value: str, language: str) -> str:
    """A value of the vocabulary in a language, as the sheet writes it."""
    place = LANGUAGES.index(language) if language in LANGUAGES else 0
    return table[value][place] if value in table else value


HELP: Mapping[tuple[str, str], tuple[str, str, str, str]] = {
    ("applications", "name"): (
        "Its name, as people call it. Needed.", "Il nome, come lo chiamate. Obbligatorio.",
        "Son nom, comme on l'appelle. Obligatoire.", "Su nombre, como la llaman. Obligatorio."),
    ("applications", "id"): (
        "A short code of your own; keeps its history when the name changes. May be empty.",
        "Un vostro codice breve; conserva la storia se il nome cambia. Può restare vuoto.",
        "Un code court à vous ; garde l'historique si le nom change. Peut rester vide.",
        "Un código breve propio; conserva la historia si cambia el nombre. Puede quedar vacío."),
    ("applications", "organisation"): (
        "The department that answers for it. Needed.", "L'ufficio che ne risponde. Obbligatorio.",
        "Le service qui en répond. Obligatoire.", "El departamento que responde de ella. Obligatorio."),
    ("applications", "vendor"): ("Who made it.", "Chi l'ha prodotta.", "Qui l'a fait.", "Quién la hizo."),
    ("applications", "kind"): (
        "Choose from the list; empty means application.", "Scegliete dall'elenco; vuoto vuol dire applicazione.",
        "Choisissez dans la liste ; vide veut dire application.", "Elija de la lista; vacío significa aplicación."),
    ("applications", "databases"): (
        "Names of its databases.", "I nomi delle sue banche dati.", "Les noms de ses bases.", "Los nombres de sus bases."),
    ("applications", "technology"): (
        "What it is built with.", "Con che cosa è fatta.", "Avec quoi il est fait.", "Con qué está hecha."),
    ("applications", "hosting"): (
        "Where it runs.", "Dove gira.", "Où il tourne.", "Dónde se ejecuta."),
    ("applications", "personal"): (
        "Whether it holds data about persons.", "Se contiene dati di persone.",
        "S'il contient des données de personnes.", "Si contiene datos de personas."),
    ("applications", "criticality"): (
        "What stops when it stops.", "Che cosa si ferma se si ferma.", "Ce qui s'arrête s'il s'arrête.",
        "Qué se para si se para."),
    ("applications", "contract_ends"): (
        "Last day of the contract, as 2027-12-31.", "Ultimo giorno del contratto, come 2027-12-31.",
        "Dernier jour du contrat, comme 2027-12-31.", "Último día del contrato, como 2027-12-31."),
    ("applications", "contact"): (
        "Whom to ask; better an office than a person.", "A chi chiedere; meglio un ufficio che una persona.",
        "À qui demander ; plutôt un bureau qu'une personne.", "A quién preguntar; mejor una oficina que una persona."),
    ("applications", "note"): ("What else helps.", "Altro che serve.", "Ce qui aide encore.", "Lo que más ayude."),
    ("exchanges", "source"): (
        "The application that gives, by the name or code of the first sheet. Needed.",
        "L'applicazione che cede, con il nome o il codice del primo foglio. Obbligatorio.",
        "L'application qui donne, par le nom ou le code de la première feuille. Obligatoire.",
        "La aplicación que da, con el nombre o código de la primera hoja. Obligatorio."),
    ("exchanges", "target"): (
        "The application that receives. Needed.", "L'applicazione che riceve. Obbligatorio.",
        "L'application qui reçoit. Obligatoire.", "La aplicación que recibe. Obligatorio."),
    ("exchanges", "what"): (
        "What is handed over, in a few words. Needed.", "Che cosa passa, in poche parole. Obbligatorio.",
        "Ce qui passe, en peu de mots. Obligatoire.", "Qué pasa, en pocas palabras. Obligatorio."),
    ("exchanges", "dataset"): (
        "The id of the dataset that holds it, when there is one.", "L'id del dataset che lo contiene, se c'è.",
        "L'identifiant du jeu de données qui le contient, s'il existe.", "El id del conjunto que lo contiene, si existe."),
    ("exchanges", "way"): (
        "Choose from the list. By API: any program asks another, links between databases too. Needed.",
        "Scegliete dall'elenco. Con API: un programma chiede a un altro, anche fra banche dati. Obbligatorio.",
        "Choisissez dans la liste. Par API : un programme en interroge un autre, aussi entre bases. Obligatoire.",
        "Elija de la lista. Por API: un programa pregunta a otro, también entre bases de datos. Obligatorio."),
    ("exchanges", "frequency"): (
        "Such as daily, every month, on request.", "Per esempio ogni giorno, mensile, a richiesta.",
        "Par exemple chaque jour, mensuel, à la demande.", "Por ejemplo diario, mensual, a petición."),
    ("exchanges", "volume"): (
        "Such as 12,000 rows.", "Per esempio 12.000 righe.", "Par exemple 12 000 lignes.", "Por ejemplo 12 000 filas."),
    ("exchanges", "personal"): (
        "Whether it is data about persons.", "Se sono dati di persone.", "Si ce sont des données de personnes.",
        "Si son datos de personas."),
    ("exchanges", "note"): ("What else helps.", "Altro che serve.", "Ce qui aide encore.", "Lo que más ayude."),
}  # fmt: skip
