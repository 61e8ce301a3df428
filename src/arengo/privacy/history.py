"""What was public before a contract said what it tells of persons: it counts as what the contract says now.

A version that was published when nothing was declared, or under another population or other words, is read by everybody
like any other. Before each verdict the ledger is brought up to what the contracts in force say: an early version gets
its columns' meaning from today's contract and the form of their values (protection, level) from the contract it was
made with. Persons are found by the number that is stored, or by the rows of today's source that hold the same; else the
release stands in the ledger without persons, and the steps of the gate say what they could not compare.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from arengo.contract.model import EMPTY, Frozen, Kind
from arengo.contract.protection import step_name
from arengo.errors import ArengoError
from arengo.lake.layout import quote
from arengo.privacy import mask
from arengo.privacy.cells.table import layout
from arengo.privacy.declared import K_MAP, attribute, judged, model_of, population_of, reason_of, release_of
from arengo.privacy.finding import Finding
from arengo.privacy.population import blind_sql, subject_of
from arengo.privacy.release import CELLS, ROWS, Attribute, Release
from arengo.privacy.releases import SUBJECT, mark_of, told
from arengo.privacy.statistics import alone

if TYPE_CHECKING:
    import duckdb

    from arengo.contract.model import Contract
    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.privacy.case import Case
    from arengo.privacy.population import Populations
    from arengo.privacy.releases import Releases
    from arengo.settings import Settings
    from arengo.state import State

_WORDS = ("arengoPopulation", "arengoSubject", "arengoPrivacyRole", "arengoCells")
"""Without one of these a contract says nothing of persons and need not be read."""
_WAIT = 600.0
_HALF = 0.5
"""Share of a version's rows whose persons are known from which it is taken as linked to persons."""
_NAMED = 5  # versions a sentence names at most


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset's rows as they are read today: ``table`` is SQL in ``connection``, raw columns and ``_subject``."""

    connection: duckdb.DuckDBPyConnection
    table: str
    columns: frozenset[str]


class History:
    """Brings the publication ledger up to the contracts in force. Safe beside other processes."""

    def __init__(
        self, settings: Settings, state: State, lake: Lake, releases: Releases, populations: Populations,
        loads: Callable[[str], Contract] | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._state = state
        self._lake = lake
        self._releases = releases
        self._populations = populations
        self._loads = loads

    def catch_up(
        self,
        candidate: Contract | None = None,
        source: Source | None = None,
        progress: Callable[[str], None] = lambda label: None,
    ) -> tuple[str, ...]:
        """Write down public versions that are in the lake but not in the ledger, and write those anew of which the
        contract in force says another thing than the ledger; their labels. ``candidate``: the contract that is about
        to be published, in the place of the one in force; ``source``: its rows, to find persons by. Raises Busy.
        """
        done = []
        with self._state.hold("privacy history", wait=_WAIT):
            in_force = {dataset: (item.sha, item.text) for dataset, item in self._state.contracts(retired=True).items()}
            if candidate is not None:
                in_force[candidate.id] = (_sha(candidate.text), candidate.text)
            for dataset in self._lake.datasets():
                mine = source if candidate is not None and dataset == candidate.id else None
                if candidate is not None and not _declares(in_force.get(dataset, ("", ""))[1]):
                    continue
                for label in self._dataset(dataset, in_force.get(dataset, ("", "")), mine):
                    done.append(label)
                    progress(label)
        return tuple(done)

    def _dataset(self, dataset: str, in_force: tuple[str, str], source: Source | None) -> list[str]:
        mark, text = in_force
        held = {item.number: item for item in self._releases.of_dataset(dataset)}
        settled = {number for number, item in held.items() if item.withdrawn or item.declared == mark}
        open_ = [item for item in reversed(self._lake.retained(dataset)) if item.number not in settled]
        texts = {then: text if then == mark else self._state.contract_text(dataset, then) or ""
                 for then in {item.contract_sha for item in open_}}  # fmt: skip
        read = {one: self._read(one) for one in {text, *texts.values()} if _declares(text) or _declares(one)}
        done = []
        for version in open_:
            now, then = read.get(text), read.get(texts[version.contract_sha])
            if then is not None and self._version(version, now, then, mark, held.get(version.number), source):
                done.append(f"{dataset} v{version.number}")
        return done

    def _read(self, text: str) -> Contract | None:
        from arengo.contract.load import loads

        try:
            return (self._loads or loads)(text) if text else None
        except ArengoError:
            return None

    def _version(
        self, version: Version, now: Contract | None, then: Contract, mark: str, known: Release | None,
        source: Source | None,
    ) -> bool:  # fmt: skip
        """Whether the ledger says another thing of the version afterwards."""
        if then.access != "open" or alone(then):
            return False  # rows that were never for everybody are not public
        meant = now if now is not None and judged(now) else then
        if not judged(meant):
            return False
        made = replace(self._described(version, meant, then, known), declared=mark)
        if known is not None and _same(known, made):
            self._releases.describe(replace(made, subject=known.subject))
            return False
        if known is not None and known.subject and known.population == made.population and _kept(known, made):
            self._releases.describe(replace(made, subject=True))
            return True
        return self._adopt(version, meant, then, made, known, source)

    def _described(self, version: Version, meant: Contract, then: Contract, known: Release | None) -> Release:
        """The version as today's contract means it, in the form it was published. What was said of a column once is
        not taken back for what is public already."""
        name = population_of(meant) or population_of(then)
        if known is not None and known.population != name and self._stays(known, name):
            name = known.population
        before = {item.column: item for item in known.attributes} if known is not None else {}
        reasoned = {item.name for item in meant.as_read().properties if reason_of(item)}
        attributes = tuple(
            _either(_attribute(column.name, column.kind, meant, then), before.get(column.name), column.name in reasoned)
            for column in version.schema
        )
        population = self._populations.get(name)
        made = release_of(meant, version.number, version.published_at, version.rows, population=population)
        cells = _cells(meant, then, {column.name for column in version.schema})
        form = CELLS if cells and made.form == CELLS else ROWS
        return replace(
            made, population=name, form=form, cells=cells, attributes=attributes,
            pseudonyms=release_of(then, version.number, version.published_at, version.rows).pseudonyms,
            rows=version.rows,
        )  # fmt: skip

    def _stays(self, known: Release, name: str) -> bool:
        """Whether a version stays with the population it is in, whatever its contract says now: its persons are known
        there, and elsewhere they would be compared with nobody."""
        known_there = known.subject and self._populations.get(known.population) is not None
        return bool(known.population) and (known_there or self._populations.get(name) is None)

    # Persons

    def _adopt(
        self, version: Version, meant: Contract, then: Contract, made: Release, known: Release | None,
        source: Source | None,
    ) -> bool:  # fmt: skip
        columns = [column.name for column in version.schema]
        name, held = made.population, self._lake.source(version)
        subject = subject_of(meant, name) or subject_of(then, name)
        stored = then.column(subject) if subject in columns else None
        params: tuple[object, ...] = ()
        with self._engine(source) as connection:
            if name and subject in columns and (stored is None or not stored.protect):
                number, params = blind_sql(mask.secret_of(self._settings.home), name, quote(subject))
                select = f"SELECT *, {number} AS {SUBJECT} FROM {held}"
            else:
                select = self._matched(version, then, meant, held, source)
            names = "".join(f", {quote(item.column)}" for item in told(made))
            mark = self._row_mark(version)
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE _adopted AS SELECT {SUBJECT}{names}, {mark} AS _row FROM ({select})",
                params,
            )
            rows, linked = connection.execute(f"SELECT count(*), count({SUBJECT}) FROM _adopted").fetchone() or (0, 0)
            made = replace(made, subject=bool(name) and linked > 0 and linked >= _HALF * rows)
            if known is not None and known.subject and known.population == name and not made.subject:
                self._releases.describe(replace(known, declared=made.declared))
                return False  # it is known better than it could be made anew
            if known is not None:
                self._releases.rewrite(known, made, connection, "_adopted", "_row")
                return True
            return self._releases.add(made, connection, "_adopted", "_row")

    def _row_mark(self, version: Version) -> str:
        plain = [column.name for column in version.schema if column.kind is not Kind.GEOMETRY]
        return mark_of(mask.secret_of(self._settings.home), version.key, plain) if plain else "NULL::UBIGINT"

    def _matched(self, version: Version, then: Contract, meant: Contract, held: str, source: Source | None) -> str:
        """SQL of a version's rows with the persons of today's rows that hold the same: the same key, or else the same
        values in every column that was published as it was read."""
        nobody = f"SELECT *, CAST(NULL AS VARCHAR) AS {SUBJECT} FROM {held}"
        if source is None:
            return nobody
        raw = {item.name for item in then.properties if not item.protect}
        plain = [column.name for column in version.schema if column.kind is not Kind.GEOMETRY]
        both = [name for name in plain if name in raw & source.columns]
        if not both:
            return nobody
        key = meant.as_read().key if set(meant.as_read().key) <= set(both) else ()
        mark = mark_of(mask.secret_of(self._settings.home), key, both)
        nth = "row_number() OVER (PARTITION BY _same) AS _nth"
        mine = f"SELECT *, {nth} FROM (SELECT *, {mark} AS _same FROM {held})"
        persons = (
            f"SELECT {SUBJECT}, _same, {nth} FROM (SELECT {SUBJECT}, {mark} AS _same FROM {source.table} "
            f"WHERE {SUBJECT} IS NOT NULL)"
        )
        return (
            f"SELECT h.* EXCLUDE (_same, _nth), p.{SUBJECT} FROM ({mine}) h LEFT JOIN ({persons}) p "
            "ON p._same = h._same AND p._nth = h._nth"
        )

    def _engine(self, source: Source | None) -> Any:
        return contextlib.nullcontext(source.connection) if source is not None else self._releases.engine()


def _attribute(name: str, kind: Kind, meant: Contract, then: Contract) -> Attribute:
    """A stored column: its meaning from ``meant``, where it may be one that is not stored any more; what was done to
    its values, and how coarse they are, from ``then``."""
    old, new = then.column(name), meant.as_read().column(name)
    first = attribute(then, old) if old is not None else Attribute(name, kind, concept=f"{then.id}.{name}")
    if new is None:
        return replace(first, kind=kind)
    second = attribute(meant, new)
    level = str(new.custom.get("arengoLevel", ""))
    own = f"{meant.id}.{name}"
    held = replace(first, kind=kind, role=second.role or first.role,
                   concept=second.concept if second.concept != own else first.concept)  # fmt: skip
    if first.protect:
        return replace(held, hierarchy=first.hierarchy or second.hierarchy)
    return replace(held, hierarchy=second.hierarchy or first.hierarchy, level=level or first.level)


def _declares(text: str) -> bool:
    return "\\" in text or any(word in text for word in _WORDS)  # a backslash may spell any of the words


def _either(made: Attribute, before: Attribute | None, reasoned: bool = False) -> Attribute:
    """What the ledger said of a column stays said where nothing is said any more, and people stay recognisable by what
    they were, unless it names them. ``reasoned``: the contract says why it may."""
    if before is None or not before.role:
        return made
    if not made.role:
        return replace(made, role=before.role, concept=before.concept)
    if before.role == "quasi" and (made.role == "sensitive" or reasoned):
        return replace(made, role="quasi")
    return made


def _cells(meant: Contract, then: Contract, stored: set[str]) -> Mapping[str, Any]:
    """How the cells of the version lie; they were protected as the contract of its own time says."""
    lie: Mapping[str, Any] = meant.custom.get("arengoCells") or then.custom.get("arengoCells") or EMPTY
    if not lie or not {*map(str, lie.get("by", ()))} <= stored:
        return EMPTY
    protection = then.custom.get("arengoProtection", EMPTY).get("cells")
    return Frozen({**lie, "protection": protection}) if protection else Frozen(dict(lie))


def _same(known: Release, made: Release) -> bool:
    return _meaning(known) == _meaning(made)


def _meaning(release: Release) -> tuple[Any, ...]:
    def plain(item: Attribute) -> tuple[str, ...]:
        return (item.column, item.role, item.concept, item.hierarchy, item.level, repr(item.protect))

    return (release.population, release.form, repr(sorted(map(str, release.cells.items()))),
            sorted(plain(item) for item in told(release)))  # fmt: skip


def _kept(known: Release, made: Release) -> bool:
    """Whether the blind file of the release holds every column that matters now."""
    return {item.column for item in told(made)} <= {item.column for item in told(known)} and known.form == made.form


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


# What is public already and exposes people


def exposed(case: Case, releases: Iterable[Release]) -> tuple[Finding, ...]:
    """Findings ``public-*``: what earlier versions of the candidate's dataset, still to be read by everybody, tell of
    persons by what the contract says now; by the candidate's target, attackers and register. The newest come first;
    versions that tell the same are one finding, of the most people."""
    found: dict[tuple[str, tuple[str, ...]], list[Finding]] = {}
    for release in releases:
        for item in _one(case, release):
            found.setdefault((item.code, item.columns), []).append(item)
    out = []
    for alike in found.values():
        most = max(alike, key=lambda item: item.people)
        labels = tuple(item.releases[0] for item in alike[:_NAMED])
        out.append(replace(most, releases=labels, facts=Frozen({**most.facts, "versions": len(alike)})))
    return tuple(out)


def _one(case: Case, release: Release) -> list[Finding]:
    from arengo.privacy.detect.step import REMOVES

    rows = case.rows(release)
    if not rows:
        return []
    named = tuple(
        item.column for item in release.of_role("identifier")
        if not ({step_name(step) for step in item.protect} & REMOVES) and not _reasoned(case, item.column)
    )  # fmt: skip
    out = [Finding("public-names", "review", EMPTY, named, (release.label,))] if named else []
    earlier = replace(case, release=release, table=f"(SELECT * FROM {rows})")
    if release.form == CELLS:
        return out + _cells_shown(earlier)
    return out + (_small(earlier) if release.quasi else [])


def _reasoned(case: Case, column: str) -> bool:
    held = case.contract.as_read().column(column)
    return held is not None and bool(reason_of(held))


def _small(case: Case) -> list[Finding]:
    from arengo.privacy.risk import counted

    held, k = counted.count(case, case.release.quasi), case.target.k
    people = counted.below(case, held, counted.sizes(case, held), k)
    if people and model_of(case.contract) == K_MAP:
        met = counted.population(case, held, held.columns, case.truth())
        people = met.sizes.below(k) if met is not None and not met.missing else people
    if not people:
        return []
    names = tuple(item.column for item in case.release.quasi)
    facts = Frozen({"k": k, "rows": held.people})
    return [Finding("public-small-groups", "review", facts, names, (case.release.label,), people)]


def _cells_shown(case: Case) -> list[Finding]:
    told_ = layout(case.release.cells)
    here = {item.column for item in case.release.attributes}
    if told_.count not in here or told_.inexact:
        return []
    few = f"TRY_CAST({quote(told_.count)} AS DOUBLE)"
    cells, people = case.connection.execute(
        f"SELECT count(*), sum({few}) FROM {case.table} WHERE {few} > 0 AND {few} < ?", [case.target.threshold]
    ).fetchone() or (0, 0)
    if not cells:
        return []
    facts = Frozen({"cells": int(cells), "threshold": case.target.threshold})
    return [Finding("public-small-cells", "review", facts, told_.by, (case.release.label,), int(people))]
