"""Who the city publishes about, and which attackers it reckons with: ``privacy.toml`` of the city folder.

``[populations.NAME]``: a register that lists everybody once, its unit and its yearly cap of differential privacy.
``[profiles.NAME]``: an attacker and the concepts he knows of a person, or organisations that put together what they are
given. Like policies they hold from the next
``arengo apply`` on; :attr:`Populations.mark` is the SHA-256 of the text in force, so that a verdict can say which
attackers it reckoned with (privacy.md, section 3, *Inputs*).
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from arengo.contract.model import EMPTY, Contract, Frozen, Kind
from arengo.errors import ArengoError, Place, PolicyError
from arengo.lake.layout import quote
from arengo.privacy import mask
from arengo.privacy.finding import Finding
from arengo.privacy.release import EVERYTHING, Population, Profile, kin

if TYPE_CHECKING:
    import duckdb

    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.settings import Settings
    from arengo.state import State

FILE = "privacy.toml"
KIND = "privacy"
LARGEST = 1_000_000
UNITS = ("person", "household", "vehicle", "device")
EVERYBODY = "*"
"""In ``colluding``: every organisation that reads by an agreement."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NUMBERS = ("national-id", "person-id", "document-id")
"""Kinds of personal data of which one person has one value, the surest first."""
_POPULATION: Mapping[str, type | tuple[type, ...]] = {
    "register": str, "unit": str, "subject": str, "epsilon": (int, float), "period": int, "addresses": str,
    "sliver": (int, float),
}  # fmt: skip
_PROFILE: Mapping[str, type | tuple[type, ...]] = {
    "title": str, "knows": list, "populations": list, "colluding": list,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Declared:
    """What ``privacy.toml`` says."""

    populations: Mapping[str, Population] = EMPTY
    profiles: tuple[Profile, ...] = ()


class Populations:
    """The populations and attackers in force. Thread-safe: what it keeps is replaced, never changed."""

    def __init__(self, settings: Settings, state: State) -> None:
        self._settings = settings
        self._state = state
        self._kept: tuple[int, str, Declared] = (-1, "", Declared())

    @property
    def mark(self) -> str:
        """SHA-256 of the text in force, '' when there is none."""
        return self._fresh()[1]

    def get(self, name: str) -> Population | None:
        return self._fresh()[2].populations.get(name)

    def all(self) -> tuple[Population, ...]:
        return tuple(self._fresh()[2].populations.values())

    def kin(self, name: str) -> tuple[Population, ...]:
        """The other populations whose people the register of this one lists."""
        return kin(self.get(name), self.all())

    def profiles(self, population: str | Population | None) -> tuple[Profile, ...]:
        """The attackers of a population; the one who knows everything is always last."""
        name = population.name if isinstance(population, Population) else population or ""
        told = (item for item in self._fresh()[2].profiles if not item.populations or name in item.populations)
        return (*told, EVERYTHING)

    def readers(
        self, population: str, organisation: str, house: Callable[[str], Iterable[str]]
    ) -> tuple[frozenset[str], tuple[str, ...]]:
        """Organisations that are taken as one reader with this one (:data:`EVERYBODY` among them: all there are), and
        the names of the profiles that say so. ``house``: an organisation with its departments and those it is one of,
        which are always one reader. Whom two groups name joins them."""
        groups = [item for item in self.profiles(population) if item.colluding]
        found, said = {organisation, *house(organisation)}, dict[str, None]()
        while True:
            for item in groups:
                if item.name not in said and (EVERYBODY in item.colluding or found & set(item.colluding)):
                    said[item.name] = None
                    found |= {one for name in item.colluding for one in (name, *house(name))}
                    break
            else:
                return frozenset(found), tuple(said)

    def truth(
        self, connection: duckdb.DuckDBPyConnection, lake: Lake, population: Population | None, secret: bytes
    ) -> Truth:
        """The population as the city knows it, loaded into ``connection`` at the first call of what is returned."""
        return Truth(connection, lake, self._state, population, secret)

    def _fresh(self) -> tuple[int, str, Declared]:
        generation = self._state.generation()
        if self._kept[0] != generation:
            found = self._state.saved(KIND, KIND)
            mark = found[0].title if found else ""
            declared = self._kept[2] if mark == self._kept[1] else read(str(found[0].body["text"]) if found else "")
            self._kept = (generation, mark, declared)
        return self._kept


# The file


def folder(root: Path) -> str:
    """The text of a city folder's ``privacy.toml``, '' when there is none. Raises PolicyError."""
    path = root / FILE
    place = Place(file=FILE)
    if not path.exists():
        return ""
    if not path.resolve().is_relative_to(root.resolve()):
        raise PolicyError("This file lies outside the city folder.", todo="Copy it here.", place=place)
    try:
        if path.stat().st_size > LARGEST:
            raise PolicyError(f"This file is larger than {LARGEST:,} bytes.", place=place)
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"This file cannot be read: {error}.", place=place) from None


def check(text: str) -> None:
    """Raises PolicyError with file and key when ``text`` does not say what it must."""
    read(text)


def take(state: State, text: str, at: datetime) -> bool:
    """Bring the text into force; whether it changed. Twice is once. Raises PolicyError."""
    read(text)
    held = state.saved(KIND, KIND)
    if not text.strip():
        return bool(held) and state.forget(KIND, KIND)
    mark = hashlib.sha256(text.encode()).hexdigest()
    if held and held[0].title == mark:
        return False
    state.save(KIND, KIND, mark, {"text": text}, at)
    return True


def read(text: str) -> Declared:
    """Raises PolicyError with file and key."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"This file is not TOML: {error}.", place=Place(file=FILE)) from None
    for key in told:
        if key not in ("populations", "profiles"):
            raise _wrong(key, f"There is no section {key[:80]!r}", "Known: populations, profiles.")
    populations = {name: _population(name, item) for name, item in _tables(told, "populations")}
    profiles = tuple(_profile(name, item, populations) for name, item in _tables(told, "profiles"))
    return Declared(Frozen(populations), profiles)


def _tables(told: Mapping[str, Any], section: str) -> list[tuple[str, Mapping[str, Any]]]:
    held = told.get(section, {})
    if not isinstance(held, dict):
        raise _wrong(section, f"{section} is no table", f"Write [{section}.NAME].")
    for name, item in held.items():
        key = f"{section}.{name}"
        if not _NAME.fullmatch(name) or len(name) > 80:
            raise _wrong(key, "The name is no word", "Use small letters, digits and '-'.")
        if not isinstance(item, dict):
            raise _wrong(key, f"{key} is no table", f"Write [{key}].")
    return list(held.items())


def _typed(key: str, item: Mapping[str, Any], known: Mapping[str, type | tuple[type, ...]]) -> None:
    for name, value in item.items():
        if name not in known:
            raise _wrong(f"{key}.{name}", f"There is no key {name[:80]!r} here", f"Known: {', '.join(known)}.")
        if not isinstance(value, known[name]) or isinstance(value, bool):
            words = {str: "a text", list: "a list of texts", int: "a whole number"}
            wanted = known[name]
            said = words.get(wanted, "a number") if isinstance(wanted, type) else "a number"
            raise _wrong(f"{key}.{name}", f"This is not {said}", f"Write {said}.")


def _population(name: str, item: Mapping[str, Any]) -> Population:
    key = f"populations.{name}"
    _typed(key, item, _POPULATION)
    made = Population(name=name, **item)
    if made.unit not in UNITS:
        raise _wrong(f"{key}.unit", f"There is no unit {made.unit[:80]!r}", f"Known: {', '.join(UNITS)}.")
    if not 0 < made.epsilon <= 1000:
        raise _wrong(f"{key}.epsilon", "The cap is not between 0 and 1000", "Write 1.0, say.")
    if not 0 < made.period <= 36_600:
        raise _wrong(f"{key}.period", "The period is no number of days", "Write 365, say.")
    for which, told in (("register", made.register), ("addresses", made.addresses)):
        if told and not _NAME.fullmatch(told):
            raise _wrong(f"{key}.{which}", "This is no id of a dataset", "Write the id of the contract.")
    if not 0 <= made.sliver <= 1000:
        raise _wrong(f"{key}.sliver", "The width is not between 0 and 1000 metres", "Write 5, say.")
    return made


def _profile(name: str, item: Mapping[str, Any], populations: Mapping[str, Population]) -> Profile:
    key = f"profiles.{name}"
    _typed(key, item, _PROFILE)
    if name == EVERYTHING.name:
        raise _wrong(key, "This attacker is always reckoned with", "Choose another name.")
    for which in ("knows", "populations", "colluding"):
        if not all(isinstance(word, str) and word for word in item.get(which, ())):
            raise _wrong(f"{key}.{which}", "This is not a list of texts", 'Write ["residence", "sex"], say.')
    together = tuple(dict.fromkeys(item.get("colluding", ())))
    if not item.get("knows") and not together:
        raise _wrong(f"{key}.knows", "The attacker knows nothing", 'Write the concepts he knows: ["residence"], say.')
    several = len(together) > 1 and all(_NAME.fullmatch(word) for word in together)
    if together and together != (EVERYBODY,) and not several:
        todo = 'Write their ids, as ["health", "housing"], or ["*"] for all.'
        raise _wrong(f"{key}.colluding", "These are not several organisations", todo)
    for other in item.get("populations", ()):
        if other not in populations:
            known = ", ".join(populations) or "none"
            raise _wrong(f"{key}.populations", f"There is no population {other[:80]!r}", f"There are: {known}.")
    return Profile(
        name, tuple(item.get("knows", ())), item.get("title", ""), tuple(item.get("populations", ())), together
    )


def _wrong(key: str, met: str, todo: str) -> PolicyError:
    return PolicyError(f"{key}: {met}.", todo=todo, place=Place(file=FILE))


# Blind numbers of persons


def blind(secret: bytes, population: str, id: str) -> str:
    """A person's number inside the gate: HMAC-SHA-256 (RFC 2104) of the id under a key of this population, cut to
    128 bits, 32 hexadecimal digits. Without the city's secret nobody gets from it to the register's id."""
    return mask.digest(_key(secret, population), id)


def blind_sql(secret: bytes, population: str, column: str) -> tuple[str, tuple[object, ...]]:
    """SQL of :func:`blind` over the SQL of a column, computed by the engine, with the values it binds.

    NULL and the empty text are nobody's id and stay NULL.
    """
    return mask.keyed(f"nullif(trim(CAST({column} AS VARCHAR)), '')", _key(secret, population))


def _key(secret: bytes, population: str) -> bytes:
    return mask.derive(secret, "subject", population)


# The truth


class Truth:
    """The population in one table of ``connection``: ``_subject`` VARCHAR unique and one VARCHAR column a concept.

    Calling it makes the table once and gives its name, '' when there is no register to be had; what was met on the
    way stands in :attr:`findings` afterwards. ``kinds``: concept -> type of its values in the register. ``note``: of a
    register that lists everybody once, what it is (``mark``) and how many ``rows``; a later truth that is told this
    note (:meth:`recall`), and finds the register as it was, is a view that reads it only where a step asks for it.
    """

    TABLE = "_truth"
    VIEW = "_truth_known"

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        lake: Lake,
        state: State,
        population: Population | None,
        secret: bytes,
    ) -> None:
        self._connection = connection
        self._lake = lake
        self._state = state
        self._population = population
        self._secret = secret
        self._made: str | None = None
        self.findings: tuple[Finding, ...] = ()
        self.note: Mapping[str, Any] = EMPTY
        self._known: Mapping[str, Any] = EMPTY
        self.kinds: Mapping[str, Kind] = EMPTY
        self.rows = 0
        self.version = 0
        self.at: datetime | None = None

    def recall(self, note: Mapping[str, Any]) -> None:
        """What was noted of the register when it was last read."""
        self._known = note

    def store(self) -> None:
        """From now on a table, for those who read it more than once."""
        self._known = EMPTY
        if self._made == self.VIEW:
            self._made = None

    def __call__(self) -> str:
        if self._made is None:
            self._made = self._make() if self._population is not None and self._population.register else ""
        return self._made

    def _make(self) -> str:
        population = self._population
        assert population is not None
        facts = {"population": population.name, "register": population.register}
        record = self._state.contracts().get(population.register)
        version = self._lake.newest(population.register)
        if record is None or version is None:
            self.findings = (Finding("register-missing", "review", Frozen(facts)),)
            return ""
        from arengo.contract.load import loads

        try:
            contract = loads(record.text)
        except ArengoError:
            self.findings = (Finding("register-missing", "review", Frozen(facts)),)
            return ""
        stored = {column.name: column.kind for column in version.schema}
        subject = population.subject or subject_of(contract, population.name)
        if subject not in stored:
            self.findings = (Finding("register-no-subject", "review", Frozen(facts)),)
            return ""
        concepts = {
            str(item.custom["arengoPrivacyConcept"]): item
            for item in contract.properties
            if item.custom.get("arengoPrivacyConcept") and item.name in stored and item.name != subject
        }
        number, params = blind_sql(self._secret, population.name, quote(subject))
        listed = "".join(
            f", CAST({quote(item.name)} AS VARCHAR) AS {quote(concept)}" for concept, item in concepts.items()
        )
        self.kinds = Frozen({concept: stored[item.name] for concept, item in concepts.items()})
        self.version, self.at = version.number, version.published_at
        mark = self._mark(version, record.text, subject)
        if self._known.get("mark") == mark and isinstance(self._known.get("rows"), int):
            for value in params:  # a view binds nothing; the places of the two keys stand before the column
                number = number.replace("CAST(? AS BLOB)", f"unhex('{bytes(cast(bytes, value)).hex()}')", 1)
            self._connection.execute(
                f"CREATE OR REPLACE TEMP VIEW {self.VIEW} AS SELECT * FROM (SELECT {number} AS _subject{listed} "
                f"FROM {self._lake.source(version)}) WHERE _subject IS NOT NULL"
            )
            self.note, self.rows = self._known, int(self._known["rows"])
            return self.VIEW
        kept = "".join(f", any_value({quote(concept)}) AS {quote(concept)}" for concept in concepts)
        self._connection.execute(f"DROP TABLE IF EXISTS {self.TABLE}")
        self._connection.execute(
            f"CREATE TEMP TABLE {self.TABLE} AS SELECT _subject{kept}, count(*) AS _rows FROM "
            f"(SELECT {number} AS _subject{listed} FROM {self._lake.source(version)}) GROUP BY _subject",
            params,
        )
        self._clean(facts)
        if not self.findings:
            self.note = Frozen(mark=mark, rows=self.rows)
        return self.TABLE if self.rows else ""

    def _mark(self, version: Version, contract: str, subject: str) -> str:
        """What must be the same for a register to be the one that was read before."""
        import orjson

        population = self._population
        assert population is not None
        files = [[item.path, item.rows, item.bytes] for item in version.files]
        told = [
            population.name, version.dataset, version.number, version.checksum, version.rows, version.snapshot_id,
            bool(version.extra.get("deletes")), files, contract, subject, hashlib.sha256(self._secret).hexdigest(),
        ]  # fmt: skip
        return hashlib.sha256(orjson.dumps(told)).hexdigest()

    def numbers(self) -> str:
        """SQL of (``v``: the number of each person as the register writes it); '' when there is no register."""
        population = self._population
        version = self._lake.newest(population.register) if population is not None and population.register else None
        record = self._state.contracts().get(population.register) if population is not None and version else None
        if population is None or version is None or record is None:
            return ""
        from arengo.contract.load import loads

        subject = population.subject or subject_of(loads(record.text), population.name)
        if subject not in {column.name for column in version.schema}:
            return ""
        return f"(SELECT CAST({quote(subject)} AS VARCHAR) AS v FROM {self._lake.source(version)})"

    def homes(self) -> str:
        """SQL of (``_subject``, ``home``: point as WKB in OGC:CRS84) of everybody the register places; '' when it
        holds no coordinates (``arengoGeometry``)."""
        population = self._population
        version = self._lake.newest(population.register) if self() and population is not None else None
        if version is None or version.number != self.version or version.geometry is None:
            return ""
        from arengo.contract.load import loads

        assert population is not None
        record = self._state.contracts().get(population.register)
        subject = population.subject or (subject_of(loads(record.text), population.name) if record else "")
        if subject not in {column.name for column in version.schema}:
            return ""
        number, params = blind_sql(self._secret, population.name, quote(subject))
        place = version.geometry
        if place.stored:
            point = f"ST_AsWKB(ST_Centroid(ST_GeomFromWKB({quote(place.column)})))"
            there = f"{quote(place.column)} IS NOT NULL"
        else:
            point = f"ST_AsWKB(ST_Point(CAST({quote(place.x)} AS DOUBLE), CAST({quote(place.y)} AS DOUBLE)))"
            there = f"{quote(place.x)} IS NOT NULL AND {quote(place.y)} IS NOT NULL"
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _homes AS SELECT _subject, any_value(home) AS home FROM (SELECT {number} "
            f"AS _subject, {point} AS home FROM {self._lake.source(version)} WHERE {there}) "
            "WHERE _subject IS NOT NULL GROUP BY _subject",
            params,
        )
        return "_homes"

    def addresses(self) -> str:
        """SQL of (``home``: point as WKB) of the addresses the population names; '' when there are none."""
        named = self._population.addresses if self._population is not None else ""
        version = self._lake.newest(named) if named else None
        if version is None or version.geometry is None:
            return ""
        place = version.geometry
        point = (
            f"ST_AsWKB(ST_PointOnSurface(ST_GeomFromWKB({quote(place.column)})))"
            if place.stored
            else f"ST_AsWKB(ST_Point(CAST({quote(place.x)} AS DOUBLE), CAST({quote(place.y)} AS DOUBLE)))"
        )
        return f"(SELECT {point} AS home FROM {self._lake.source(version)})"

    def _clean(self, facts: Mapping[str, Any]) -> None:
        """Everybody once; who is in the register twice, or without a number, is counted and said."""
        row = self._connection.execute(
            f"SELECT coalesce(sum(_rows - 1) FILTER (_subject IS NOT NULL), 0), "
            f"coalesce(sum(_rows) FILTER (_subject IS NULL), 0) FROM {self.TABLE}"
        ).fetchone()
        twice, nameless = (int(item) for item in row or (0, 0))
        self._connection.execute(f"DELETE FROM {self.TABLE} WHERE _subject IS NULL")
        self._connection.execute(f"ALTER TABLE {self.TABLE} DROP COLUMN _rows")
        (self.rows,) = self._connection.execute(f"SELECT count(*) FROM {self.TABLE}").fetchone() or (0,)
        found = []
        if not self.rows:
            found.append(Finding("register-empty", "review", Frozen(dict(facts))))
        if twice:
            found.append(Finding("register-duplicates", "review", Frozen({**facts, "times": twice})))
        if nameless:
            found.append(Finding("register-nameless", "review", Frozen({**facts, "times": nameless})))
        self.findings = tuple(found)


def subject_of(contract: Contract, population: str = "") -> str:
    """The column that holds the person's id, as read: the one marked ``arengoSubject`` (for this population when
    several are); '' when none is."""
    marked = [item for item in contract.as_read().properties if item.custom.get("arengoSubject")]
    mine = [item for item in marked if item.custom["arengoSubject"] == population]
    return (mine or marked)[0].name if marked else ""


def numbered_by(contract: Contract) -> str:
    """The column of numbers of persons, as read, of a contract that marks none (``arengoSubject``): a person's many
    rows are one person whether or not the city can look that person up. '' when there is none.

    Two persons of one number make groups smaller than they are, never larger.
    """
    held = [item for item in contract.as_read().properties if item.privacy_role in ("identifier", "")]
    for kind in _NUMBERS:
        named = next((item.name for item in held if item.custom.get("arengoPersonalKind") == kind), "")
        if named:
            return named
    return ""
