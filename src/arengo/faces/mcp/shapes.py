"""What an assistant may ask and what it is told, as JSON schemas (2020-12) made from these classes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Dataset = Annotated[str, Field(description="Id of a dataset, as search_datasets gives it.", max_length=200)]
AsOf = Annotated[
    str, Field(description="An earlier version: its number, or a date or time (RFC 3339). Empty: the newest.")
]
Words = Annotated[str, Field(max_length=500)]
Names = list[Annotated[str, Field(max_length=300)]]


class Arguments(BaseModel):
    """Unknown names are refused: what is left out of a question changes its answer."""

    model_config = ConfigDict(extra="forbid")


class Search(Arguments):
    words: Words = Field("", description="Words in any language of the city, any form of them, misspelt ones too.")
    theme: str = Field(
        "", description="EU data theme: AGRI ECON EDUC ENER ENVI GOVE HEAL INTR JUST REGI SOCI TECH TRAN."
    )
    owner: str = Field("", description="Id of the organisation that answers for the dataset.")
    bbox: list[float] | None = Field(
        None, min_length=4, max_length=4, description="West, south, east, north in degrees: what touches this place."
    )
    since: str = Field("", description="Changed on or after this day (2026-01-31).")
    held_here: bool = Field(False, description="Only datasets whose rows this city holds; others are only described.")
    start: int = Field(0, ge=0, le=1_000_000, description="How many of the best to pass over.")
    limit: int = Field(10, ge=1, le=50)


class Listing(Arguments):
    after: str = Field("", description="Id of the last dataset of the list before.")
    limit: int = Field(100, ge=1, le=500)


class Describe(Arguments):
    dataset: Dataset
    as_of: AsOf = ""


class Ask(Arguments):
    dataset: Dataset
    select: Names = Field([], max_length=200, description="Columns to show; empty: all but the geometry.")
    filter: str = Field(
        "",
        max_length=20_000,
        description="CQL2 text (OGC 21-065): district = 'Nord' AND cost >= 100 AND opened >= DATE('2026-01-01'); "
        "LIKE 'Via%', CASEI(name) LIKE CASEI('%park%'), IN ('a','b'), BETWEEN 1 AND 5, IS NULL, NOT.",
    )
    search: Words = Field("", description="Words that must all occur in the row's texts.")
    group_by: Names = Field(
        [],
        max_length=16,
        description="Columns to group by; a unit after a colon cuts time: opened:year, opened:day_of_week.",
    )
    aggregate: Names = Field(
        [],
        max_length=16,
        description="count, or function:column with sum, avg, min, max, median, p05, p25, p75, p95, distinct, count. "
        "With group_by, or alone for one total.",
    )
    order_by: Names = Field([], max_length=16, description="Columns of the answer, a minus before it for descending.")
    bbox: list[float] | None = Field(
        None, min_length=4, max_length=4, description="West, south, east, north in degrees."
    )
    datetime: str = Field(
        "", description="A time or an interval on the dataset's time column: 2026-01-01/2026-02-01, ../2026."
    )
    limit: int = Field(50, ge=1, le=500, description="Rows of one page.")
    cursor: str = Field("", description="'next' of the page before, with the same question.")
    as_of: AsOf = ""


class Values(Arguments):
    dataset: Dataset
    column: str = Field(max_length=300)
    filter: str = Field("", max_length=20_000, description="CQL2 text, as in query_dataset.")
    limit: int = Field(25, ge=1, le=200)
    as_of: AsOf = ""


class Sql(Arguments):
    sql: str = Field(
        max_length=50_000,
        description="One SELECT in DuckDB's SQL. A table is a dataset's id with _ for -: street_trees; quoted, "
        '"street-trees@3" is its version 3. Give $name for values and send them in params.',
    )
    params: dict[str, str | int | float | bool | None] = Field({}, max_length=50, description="Values of $name.")
    limit: int = Field(100, ge=1, le=1000)
    as_of: AsOf = ""


class Versions(Arguments):
    dataset: Dataset
    limit: int = Field(20, ge=1, le=200)


class Changes(Arguments):
    dataset: Dataset
    before: str = Field("", description="The earlier version: number or date. Empty: the one before the newest.")
    after: str = Field("", description="The later version: number or date. Empty: the newest.")
    limit: int = Field(20, ge=0, le=200, description="Rows shown; the counts are always of all.")


# ---- answers ------------------------------------------------------------------------------------------------------


class Brief(BaseModel):
    """One dataset in a list. ``rows`` and ``columns`` only of what may be read."""

    id: str
    title: str
    description: str = ""
    owner: str = ""
    access: Literal["open", "shared", "closed"]
    held_here: bool = True
    themes: list[str] = []
    licence: str = ""
    rows: int | None = None
    version: int | None = None
    updated: str | None = None
    columns: list[str] = []
    page: str = Field(description="Address of the page for people.")


class Found(BaseModel):
    total: int
    datasets: list[Brief]
    corrected: str = Field("", description="The words that were looked for instead.")
    relaxed: bool = Field(False, description="No dataset has all the words; these have most of them.")
    next_start: int | None = Field(None, description="'start' of the next page.")


class Listed(BaseModel):
    total: int
    datasets: list[Brief]
    next_after: str | None = Field(None, description="'after' of the next page.")


class Value(BaseModel):
    value: Any
    count: int


class Column(BaseModel):
    name: str
    kind: str
    title: str = ""
    description: str = ""
    unit: str = ""
    required: bool = False
    unknown: int | None = Field(None, description="Rows without a value.")
    distinct: int | None = None
    min: Any = None
    max: Any = None
    values: list[Value] = Field([], description="The most frequent values.")


class Source(BaseModel):
    """What to name when an answer is quoted."""

    dataset: str
    title: str
    version: int
    published: str
    licence: str = ""
    attribution: str = ""
    page: str


class Described(BaseModel):
    about: Brief
    may_read: bool
    why_not: str = ""
    source: Source | None = None
    columns: list[Column] = []
    key: list[str] = []
    time_column: str = ""
    places: bool = False
    period: list[str | None] = []
    bbox: list[float] | None = None
    versions: int = 0
    limitations: str = ""
    quality: str = ""
    downloads: dict[str, str] = {}
    related: list[str] = []


class Rows(BaseModel):
    rows: list[dict[str, Any]]
    returned: int
    matched: int | None = Field(None, description="Rows (or groups) on all pages.")
    cut: bool = Field(False, description="Fewer rows than asked for, since the answer would be too large.")
    next: str | None = Field(None, description="'cursor' of the next page.")
    source: Source


class ValuesFound(BaseModel):
    column: str
    values: list[Value]
    more: bool
    source: Source


class Table(BaseModel):
    rows: list[dict[str, Any]]
    columns: list[dict[str, str]]
    returned: int
    truncated: bool = Field(False, description="There are more rows.")
    sources: list[Source]


class Version(BaseModel):
    number: int
    published: str
    rows: int
    quarantined: int = Field(description="Rows of the source that were set aside by the checks.")
    contract_version: str
    checksum: str


class VersionsFound(BaseModel):
    dataset: str
    versions: list[Version]


class Change(BaseModel):
    kind: Literal["added", "changed", "removed"]
    key: list[Any]
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class Changed(BaseModel):
    dataset: str
    before: int
    after: int
    added: int
    changed: int
    removed: int
    columns_added: list[str] = []
    columns_removed: list[str] = []
    changes: list[Change] = []
    cut: bool = False
