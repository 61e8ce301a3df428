"""A contract as frozen, typed values.

One contract describes one dataset (ODCS v3 ``DataContract`` with one ``schema`` object). The raw YAML text is
the record; these values are a reading of it, made by :mod:`arengo.contract.load` after the text passed the
bundled JSON schema. Names follow ODCS v3.1 sections *Schema*, *Data Quality* and *Service Level Agreement*.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from arengo.contract.direction import steady


class Frozen(dict[str, Any]):
    """A mapping that cannot be changed; unlike a mapping proxy it can be pickled, hashed and written as JSON."""

    __slots__ = ()

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("a contract's values cannot be changed")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return (Frozen, (dict(self),))

    def __copy__(self) -> Frozen:
        return self

    def __deepcopy__(self, memo: Any) -> Frozen:
        return self

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


EMPTY: Mapping[str, Any] = Frozen()


class Kind(enum.StrEnum):
    """How a column is held. ODCS ``logicalType`` plus geometry (ODCS has none; ``arengoGeometry`` marks it)."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    GEOMETRY = "geometry"  # WKB, longitude/latitude on WGS 84 (OGC:CRS84)
    JSON = "json"  # ODCS object, array, map: held as JSON text

    @property
    def duckdb(self) -> str:
        """Column type in DuckDB. Timestamps are UTC without zone (reference/stack.md: TIMESTAMP, not TIMESTAMPTZ)."""
        return _DUCKDB[self]


_DUCKDB = {
    Kind.STRING: "VARCHAR",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.GEOMETRY: "BLOB",
    Kind.JSON: "VARCHAR",
}


@dataclass(frozen=True, slots=True)
class Parse:
    """How a text source writes one column (``arengoParse`` of a property). Empty fields mean the default.

    ``formats``: strptime patterns tried in order. ``scale``: the number read is multiplied by it (micro-degrees:
    1e-6). ``strip``: characters or words taken off both ends before reading, such as ``%`` or ``€``.
    ``nulls``: texts that mean *unknown* here beside the source's own. ``suppressed``: texts that mean *withheld*.
    ``spoilt_dates``: dates among the numbers are damage done by a spreadsheet and mean *unknown*.
    """

    formats: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    scale: float = 1.0
    strip: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ()
    suppressed: tuple[str, ...] = ()
    spoilt_dates: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One ODCS quality rule, of the dataset (``column`` is None) or of one property."""

    type: str  # library | sql | text | custom
    name: str
    column: str | None = None
    metric: str | None = None  # rowCount, nullValues, missingValues, invalidValues, duplicateValues
    query: str | None = None
    arguments: Mapping[str, Any] = EMPTY
    operator: str | None = None  # mustBe, mustNotBe, mustBeGreaterThan, ... mustNotBeBetween
    operand: Any = None
    unit: str = "rows"  # rows | percent
    severity: str = "warning"  # error: refuses or quarantines; warning, info: reported
    dimension: str | None = None
    description: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """One column. ``physical_name`` is what the source calls it."""

    name: str
    kind: Kind
    logical_type: str = "string"
    physical_name: str = ""
    physical_type: str = ""
    title: str = ""  # ODCS businessName
    description: str = ""
    required: bool = False
    unique: bool = False
    key_position: int = -1  # ODCS primaryKeyPosition, -1 when it is no part of the key
    classification: str = ""
    examples: tuple[Any, ...] = ()
    options: Mapping[str, Any] = EMPTY  # logicalTypeOptions
    enum: tuple[Any, ...] = ()
    enum_labels: Mapping[str, str] = EMPTY  # str(value) -> what a person reads
    tags: tuple[str, ...] = ()
    quality: tuple[Rule, ...] = ()
    parse: Parse = Parse()
    custom: Mapping[str, Any] = EMPTY
    line: int | None = None

    @property
    def unit(self) -> str:
        return str(self.custom.get("arengoUnit", ""))

    @property
    def privacy_role(self) -> str:
        """identifier | quasi | sensitive | '' (``arengoPrivacyRole``)."""
        return str(self.custom.get("arengoPrivacyRole", ""))

    @property
    def protect(self) -> tuple[Any, ...]:
        """Steps that are done to the column before it is stored (``arengoProtect``), in order."""
        told = self.custom.get("arengoProtect", ())
        steps = told if isinstance(told, tuple) else (told,)
        return tuple(step for step in steps if step != "keep")

    @property
    def label(self) -> str:
        """What a person reads as the column's name."""
        return steady(self.title) or self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Where a dataset is pulled from (``arengoSource`` of the first server, or of the contract).

    ``options`` are the kind's own: path, url, table, encoding, delimiter, ... ; each kind documents them.
    """

    kind: str
    options: Mapping[str, Any] = EMPTY
    base: Path = field(default_factory=Path)  # folder that relative paths start from: the city's

    def path(self) -> Path:
        """The local file of this source, absolute."""
        return (self.base / str(self.options.get("path", ""))).resolve()


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the places of a dataset are (``arengoGeometry``, ``arengoCrs``).

    Either ``column`` (a geometry column) or ``x`` and ``y`` (two number columns). ``crs`` is the source's, as
    ``EPSG:n``. When ``stored`` is true the lake holds a WKB column of that name in OGC:CRS84 and the box columns
    ``_xmin _ymin _xmax _ymax``; otherwise x and y are already longitude and latitude and are used as they are.
    """

    column: str = ""
    x: str = ""
    y: str = ""
    crs: str = "EPSG:4326"
    types: tuple[str, ...] = ()  # Point, LineString, Polygon, Multi...

    @property
    def stored(self) -> bool:
        return bool(self.column)

    @property
    def derived(self) -> bool:
        """The geometry column is made from x and y; the source does not have it and the contract does not list it."""
        return bool(self.column and self.x)


@dataclass(frozen=True, slots=True)
class Contract:
    """One dataset's promise. ``text`` is the artefact of record."""

    id: str
    version: str
    name: str
    status: str
    text: str
    properties: tuple[Property, ...]
    schema_name: str
    source: SourceSpec | None
    geometry: Geometry | None = None
    path: Path | None = None
    domain: str = ""
    tenant: str = ""
    purpose: str = ""  # description.purpose
    usage: str = ""
    limitations: str = ""
    tags: tuple[str, ...] = ()
    quality: tuple[Rule, ...] = ()
    sla: Mapping[str, Any] = EMPTY  # property -> {"value": ..., "unit": ...}
    team: tuple[Mapping[str, Any], ...] = ()
    roles: tuple[Mapping[str, Any], ...] = ()
    support: tuple[Mapping[str, Any], ...] = ()  # channel, url, ...: whom a reader asks
    custom: Mapping[str, Any] = EMPTY
    intake: Contract | None = None  # the same over the columns that are read, where some are protected before storing

    def as_read(self) -> Contract:
        """The contract over the columns that are read from the source, before :attr:`Property.protect`."""
        return self.intake or self

    def column(self, name: str) -> Property | None:
        return next((item for item in self.properties if item.name == name), None)

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the primary key's columns, in order; empty when there is none."""
        parts = [item for item in self.properties if item.key_position >= 0]
        return tuple(item.name for item in sorted(parts, key=lambda item: item.key_position))

    @property
    def sort(self) -> tuple[str, ...]:
        """``arengoSort``: columns rows are clustered by, a leading ``-`` for descending; default is the key."""
        return tuple(self.custom.get("arengoSort", ()))

    @property
    def filters(self) -> tuple[tuple[str, ...], ...]:
        """``arengoFilters``: groups of columns readers filter and sort by; each calls for a clustered copy."""
        return tuple(tuple(group) for group in self.custom.get("arengoFilters", ()))

    @property
    def access(self) -> str:
        """open | shared | closed."""
        return str(self.custom.get("arengoAccess", "open"))

    @property
    def theme(self) -> str:
        return str(self.custom.get("arengoTheme", ""))

    @property
    def licence(self) -> str:
        return str(self.custom.get("arengoLicence", ""))

    @property
    def frequency(self) -> str:
        """EU frequency code (DAILY, MONTHLY, ...), '' when unknown."""
        return str(self.custom.get("arengoFrequency", ""))

    @property
    def language(self) -> str:
        """BCP 47 language of titles, descriptions and text columns."""
        return str(self.custom.get("arengoLanguage", "en"))

    @property
    def owner(self) -> str:
        """The organisation that answers for the dataset."""
        return str(self.custom.get("arengoOwner", "") or self.domain or self.tenant)

    @property
    def approvers(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who approves at the first and at the second level (ODCS ``roles``); () where nobody is named.

        Each is an e-mail address, the name or id of a person, a role (``steward``), or one of another organisation
        (``data-protection:steward``).
        """
        return _approvers(self.roles, "firstLevelApprovers"), _approvers(self.roles, "secondLevelApprovers")

    def title(self, language: str = "") -> str:
        return steady(self._translated("name", language) or self.name) or self.id.replace("-", " ").capitalize()

    def summary(self, language: str = "") -> str:
        return self._translated("description", language) or self.purpose

    def _translated(self, what: str, language: str) -> str:
        words = self.custom.get("arengoTranslations", {}).get(language.split("-")[0], {}) if language else {}
        return str(words.get(what, ""))


_NOBODY = ("", "na", "n/a", "none", "-")


def doubts(custom: Mapping[str, Any]) -> tuple[str, ...]:
    """``arengoDoubt``: what a draft is unsure of and nobody has taken out."""
    held = custom.get("arengoDoubt") or ()
    return tuple(text for text in ((held,) if isinstance(held, str) else held) if str(text).strip())


def _approvers(roles: tuple[Mapping[str, Any], ...], level: str) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for role in roles:
        for name in str(role.get(level) or "").replace(";", ",").split(","):
            if name.strip().lower() not in _NOBODY:
                names[name.strip()] = None
    return tuple(names)
