"""A catalogue record: one dataset or series in the words of DCAT 3, whoever holds the data.

A record of the city's own dataset is computed from its contract and versions (``local``); a harvested one is kept as
it was read. Search, DCAT, CKAN, schema.org and the pages all read records, so they cannot disagree.
Addresses that start with ``/`` are on this site; a face puts the public address of the city before them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from arengo.contract.model import EMPTY

Texts = Mapping[str, str]
"""BCP 47 language -> text."""


def say(texts: Texts, *languages: str) -> tuple[str, str]:
    """(text, its language): the first of ``languages`` that is there, then English, then any; ('', '') when none."""
    for language in (*languages, *(item.split("-")[0] for item in languages), "en"):
        if texts.get(language):
            return texts[language], language
    for language, text in texts.items():
        if text:
            return text, language
    return "", ""


def uuid_of(id: str) -> str:
    """The stable UUID of the dataset with that slug."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:arengo:dataset:{id}"))


@dataclass(frozen=True, slots=True)
class Agent:
    """An organisation, or a contact point of one (foaf:Agent, vcard:Kind). ``id``: slug, stable.

    ``identifier``: its code in a register of the state (the IPA code in Italy). ``type``: ADMS publisher type code.
    """

    id: str
    name: Texts
    uri: str = ""
    identifier: str = ""
    type: str = ""
    homepage: str = ""
    email: str = ""
    phone: str = ""
    description: Texts = EMPTY


@dataclass(frozen=True, slots=True)
class Distribution:
    """One file or address of a dataset (dcat:Distribution). ``format``: code of the EU file-type table, '' unknown.

    ``bytes``: size, near enough when the file has not been made yet (DCAT 3, 6.8.11 allows an approximation).
    ``licence``: code of the list of licences, or an address. ``service``: id of the service that gives it.
    """

    id: str
    title: Texts
    description: Texts = EMPTY
    format: str = ""
    media_type: str = ""
    access_url: str = ""
    download_url: str = ""
    bytes: int | None = None
    checksum: str = ""  # SHA-256 in hexadecimal
    licence: str = ""
    rights: Texts = EMPTY
    issued: datetime | None = None
    modified: datetime | None = None
    availability: str = ""  # AVAILABLE | EXPERIMENTAL | STABLE | TEMPORARY
    service: str = ""
    conforms_to: tuple[str, ...] = ()
    language: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """An interface that gives datasets (dcat:DataService). ``id`` is unique in the city."""

    id: str
    title: Texts
    description: Texts = EMPTY
    endpoint_url: str = ""
    endpoint_description: str = ""
    page: str = ""
    conforms_to: tuple[str, ...] = ()
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a harvested record comes from.

    ``source``: id of the harvest source. ``identifier``: dct:identifier at the origin; with ``source`` it is the
    record's identity. ``uri``: the origin's own. ``chain``: catalogues it passed through, nearest last.
    """

    source: str
    title: str = ""
    identifier: str = ""
    uri: str = ""
    landing_page: str = ""
    chain: tuple[str, ...] = ()
    harvested_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One column, as far as a catalogue tells."""

    name: str
    label: Texts
    kind: str
    unit: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One dataset (or series) in the catalogue. ``id``: slug, unique in the city, in every address.

    ``kind``: ``dataset``, ``documents`` (a dataset of documents) or ``series``. ``language``: of titles and text.
    ``themes``: EU data-theme codes. ``subjects``: further concept addresses (EuroVoc). ``licence``: code or address.
    ``spatial``: west, south, east, north in degrees. ``temporal``: first and last day, either may be None.
    ``places``: addresses of named places. ``hvd``: high-value categories as in :data:`vocabulary.HVD_CATEGORIES`.
    ``series``: id of the series it belongs to. ``version``: number of the newest version, None before the first.
    """

    id: str
    title: Texts
    description: Texts = EMPTY
    kind: str = "dataset"
    language: str = "en"
    keywords: Mapping[str, tuple[str, ...]] = EMPTY  # language -> words
    themes: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    publisher: Agent | None = None
    contact: Agent | None = None
    access: str = "open"  # open | shared | closed
    licence: str = ""
    frequency: str = ""
    issued: datetime | None = None
    modified: datetime | None = None
    spatial: tuple[float, float, float, float] | None = None
    places: tuple[str, ...] = ()
    temporal: tuple[date | None, date | None] = (None, None)
    hvd: tuple[str, ...] = ()
    series: str = ""
    version: int | None = None
    versions: int = 0
    rows: int | None = None
    landing_page: str = ""
    conforms_to: tuple[str, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    services: tuple[Service, ...] = ()
    columns: tuple[Fact, ...] = ()
    provenance: Provenance | None = None

    @property
    def uuid(self) -> str:
        """A stable UUID (RFC 9562 version 5) for standards that want one, such as CKAN."""
        return uuid_of(self.id)

    @property
    def local(self) -> bool:
        """The city holds the rows; a harvested record only points at them."""
        return self.provenance is None
