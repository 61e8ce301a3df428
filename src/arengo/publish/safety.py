"""The gate in the street: protect what was staged, judge it, and write what became public into the publication ledger.

Everything happens in the run's own staged database, so that a kill leaves nothing half: the table of what would be
released carries the persons' blind numbers beside it (``_subject``), which never leave the city.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from arengo.contract.model import EMPTY, Contract, Frozen
from arengo.lake.engine import job
from arengo.lake.layout import listing, quote, text
from arengo.lake.version import Staged
from arengo.privacy.mask import secret_of
from arengo.privacy.verdict import Verdict

if TYPE_CHECKING:
    import duckdb

    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.privacy.case import Case
    from arengo.privacy.finding import Finding
    from arengo.privacy.hierarchy import CityCodes
    from arengo.privacy.population import Populations
    from arengo.privacy.protect import Protected
    from arengo.privacy.release import Release
    from arengo.privacy.releases import Releases
    from arengo.publish.growth import Growth
    from arengo.settings import Settings
    from arengo.state import State

RELEASED = "released"
WHOLE = "released_whole"
BLIND = "blind_of"
INTAKE = "as_read"
SUBJECT = "_subject"
Progress = Callable[[str, int, int | None], None]
WAIT = 600.0
"""Seconds a publication waits for another one of its population to take its place in the ledger."""


class Safety:
    """What the privacy room needs of one city, for one publication."""

    def __init__(self, settings: Settings, state: State, lake: Lake) -> None:
        self.settings = settings
        self.state = state
        self.lake = lake

    @property
    def codes(self) -> CityCodes:
        from arengo.governance.hierarchy import Hierarchies
        from arengo.privacy.hierarchy import CityCodes

        return CityCodes(self.settings, self.state, Hierarchies(self.settings, self.state), self.lake)

    # Protecting

    def protect(
        self, contract: Contract, staged: Staged, mode: str = "replace", at: datetime | None = None
    ) -> tuple[Staged, int, int] | None:
        """The staged table as it will be stored, how many rows were withheld, and how many cells of rows that stay;
        None when nothing is to be done."""
        if contract.intake is None and not contract.custom.get("arengoProtection"):
            return None
        rules = contract.custom.get("arengoProtection", EMPTY)
        added = mode != "replace" and rules.get("suppress")  # the rows that stay count in the groups of those that come
        if added or any(rules.get(name, EMPTY).get("beside") for name in ("suppress", "cells")):
            self.remember(contract, staged)
        with self._open(staged) as connection:
            intake = self._sealed(connection, contract, staged)
            made = self._made(connection, contract, staged, intake, mode, at or datetime.now(UTC), RELEASED)
            (rows,) = connection.execute(f"SELECT count(*) FROM {quote(RELEASED)}").fetchone() or (0,)
        stored = Staged(staged.database, RELEASED, made.columns, contract.geometry, int(rows), "_number")
        return stored, made.suppressed - made.cells, made.cells

    def _made(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged, intake: str, mode: str,
        at: datetime, into: str,
    ) -> Protected:  # fmt: skip
        """Make the table ``into`` of the ``staged`` rows, read from ``intake`` (SQL)."""
        from arengo.privacy.protect import protect

        subject = self._subject(contract)
        expression = self._blind(connection, contract, staged, subject) if subject else ""
        whole = partial(self._whole, connection, contract, staged, mode, into)
        return protect(
            connection, intake, contract, self.codes, secret=secret_of(self.settings.home), subject=expression,
            into=into, beside=self._beside(connection, contract, staged, at, whole), whole=whole,
        )  # fmt: skip

    def _whole(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged, mode: str, into: str,
        table: str,
    ) -> str:  # fmt: skip
        """The made table ``into`` with the rows that stay from the version before, '' where none do; quoted."""
        columns = tuple((item.name, item.kind, item.required) for item in contract.properties)
        made = replace(staged, table=RELEASED, columns=columns, number="_number")
        whole = self._table(connection, contract, made, staged, mode, into=into)
        return whole if whole != table else ""

    def _remade(
        self, connection: duckdb.DuckDBPyConnection, now: Contract, intake: Staged, mode: str, at: datetime,
        contract: Contract, into: str,
    ) -> tuple[str, int] | None:  # fmt: skip
        """The table of all that readers would get under another contract than ``now``, made anew of what was read,
        and how many single values are left out of it; None where rows that stay would not be as those that come."""
        if mode != "replace" and contract.properties != now.properties:
            return None
        made = self._made(connection, contract, intake, quote(intake.table), mode, at, into)
        return self._whole(connection, contract, intake, mode, into, quote(into)) or quote(into), made.blanked

    def _beside(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged, at: datetime,
        whole_of: Callable[[str], str],
    ) -> Callable[[str], Case]:  # fmt: skip
        """The table while it is protected, as the gate would see it, for rules that ask what is public already."""
        held: list[Case] = []

        def case(table: str) -> Case:
            whole = whole_of(table) or table
            (rows,) = connection.execute(f"SELECT count(*) FROM {whole}").fetchone() or (0,)
            release = self._release(contract, 0, at, int(rows))
            if not held:  # the register is read once
                held.append(self.case(connection, contract, release, whole, self._read(connection, staged), at))
            return replace(held[0], table=whole, release=release)

        return case

    def _sealed(self, connection: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged) -> str:
        """The staged table, with the columns of the vault sealed; quoted."""
        from arengo.privacy import vault

        if not vault.columns_of(contract):
            return quote(staged.table)
        vault.Vault(self.settings.home, self.state).close_columns(
            connection, contract, quote(staged.table), staged.number, "sealed"
        )
        return quote("sealed")

    # Judging

    def ground(self, contract: Contract) -> str:
        """Mark of what a contract about persons is judged by besides itself: ``privacy.toml`` and ``[privacy]``. When
        it changes, rows that did not are judged again. '' for a contract that says nothing of persons."""
        if not self._recorded(contract):
            return ""
        told = f"{self._populations.mark} {self.settings.privacy!r}"
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def judge(
        self, contract: Contract, staged: Staged, intake: Staged, mode: str, run: str, at: datetime, progress: Progress,
        told: Mapping[str, tuple[int, int]] = EMPTY,
    ) -> Verdict:  # fmt: skip
        """The verdict on a staged publication. ``told``: column -> (rows that have a value, about how many different
        ones) of the staged rows, where that was counted before."""
        from arengo.privacy import gate
        from arengo.publish import exposure, growth

        with self._open(intake, shapes=_shapes(contract)) as connection:
            case = self._case(connection, contract, staged, intake, mode, at, told)
            verdict = gate.judge(case, progress)
            lost = self._unlinked(connection, contract, case)
            if growth.keeps(contract, mode):
                growth.keep(case.reckoned(), contract, self.settings, staged.database.parent)
            lost += exposure.foreign(self.lake, contract, mode)
            lost += exposure.moved(contract, self.lake, self._releases(), self._together(contract))
            if self._recorded(contract):
                lost += exposure.shown(case, self.lake, self._releases())
            return replace(verdict, run=run, findings=(*verdict.findings, *lost))

    def remember(self, contract: Contract, intake: Staged) -> None:
        """Bring the publication ledger up to what contracts say now: what was public before one said anything of
        persons counts as well, and so does this contract's own dataset (:mod:`arengo.privacy.history`)."""
        from arengo.privacy.history import Source

        if not self._recorded(contract):
            return
        with self._open(intake) as connection:
            subject = self._subject(contract)
            number = self._blind(connection, contract, intake, subject) if subject else "NULL::VARCHAR"
            table = f"(SELECT *, {number} AS {quote(SUBJECT)} FROM {quote(intake.table)})"
            source = Source(connection, table, frozenset(name for name, _, _ in intake.columns))
            self._releases().catch_up(self._populations, candidate=contract, source=source)

    def _unlinked(self, connection: duckdb.DuckDBPyConnection, contract: Contract, case: Case) -> tuple[Finding, ...]:
        """Rows whose persons are not known would count as one person each: somebody has to look at that."""
        from arengo.privacy.finding import Finding

        subject = self._subject(contract)
        table = case.people or case.table
        if not subject or not self._recorded(contract):
            return ()
        lost = f"SELECT count(*) - count({quote(SUBJECT)}) FROM "
        (fresh,) = connection.execute(f"{lost}{quote(RELEASED)}").fetchone() or (0,)
        (all_,) = connection.execute(f"{lost}{table}").fetchone() or (0,)
        why = []
        if fresh:
            why.append(f"{fresh:,} rows hold no number of a person, so they count as people of their own")
        if all_ - fresh > 0:
            why.append(
                f"it is not known whom {all_ - fresh:,} rows that stay from the version before are about, so they "
                "count as people of their own"
            )
        return tuple(Finding("not-looked", "review", Frozen(what=subject, why=item), (subject,)) for item in why)

    def again(self, contract: Contract, version: Version, at: datetime) -> Verdict:
        """The verdict on a version that is public already, as things stand now: after an erasure groups are smaller.

        Persons are known as the publication ledger knows them; columns it does not keep are read from the version.
        """
        from arengo.privacy import gate
        from arengo.privacy.releases import MARK

        scratch = self.settings.home / "runs" / f"gate-{contract.id}-{version.number}"
        try:
            with job(self.settings, scratch, extensions=("spatial",) if version.geometry else ()) as connection:
                releases = self._releases()
                release = self._release(contract, version.number, version.published_at, version.rows)
                rows = releases.rows(release)
                held, columns = self.lake.source(version), [column.name for column in version.schema]
                source = rows or f"(SELECT *, NULL::VARCHAR AS {quote(SUBJECT)} FROM {held})"
                if rows and MARK in pq_names(releases.path(contract.id, version.number)):
                    source = self._known(contract, version, held, columns)
                connection.execute(f"CREATE VIEW {quote(RELEASED)} AS SELECT * FROM {source}")
                case = self.case(connection, contract, replace(release, number=0), quote(RELEASED), quote(RELEASED), at)
                earlier = tuple(item for item in case.earlier if item.label != release.label)
                return gate.judge(replace(case, earlier=earlier, intake_contract=contract))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def pay(self, contract: Contract, run: str, at: datetime) -> None:
        """Spend what the contract's noise costs of its population's budget; the same run never spends twice.

        Raises PublicationRefused with the day it would be possible.
        """
        from arengo.privacy.declared import population_of
        from arengo.privacy.noise import Budget, settle

        known = {item.name: item for item in self._populations.all()}
        settle(Budget(self.state, known), contract, population_of(contract), at, run)

    # The publication ledger: a version is in it before anybody can read it

    def seen(self, contract: Contract) -> list[str]:
        """What a publication is judged against; the dataset is held by the caller."""
        self.clear(contract.id)
        return [f"{item.label} {item.declared}" for item in self._releases().of(*self._together(contract))]

    def clear(self, dataset: str) -> None:
        """Finish what a kill left of a commit, and take out of the ledger what never became a version."""
        from arengo.lake.commit import settle

        settle(self.lake, dataset)
        first, ledger = self.lake.next_number(dataset), self._releases()
        for item in ledger.of_dataset(dataset):
            if item.number >= first:
                ledger.remove(dataset, item.number)

    @contextlib.contextmanager
    def entered(
        self, contract: Contract, staged: Staged, intake: Staged, mode: str, at: datetime, run: str,
        against: list[str] | None, again: Callable[[], None],
    ) -> Iterator[None]:  # fmt: skip
        """While the version is committed: its place in the ledger is taken before, and given back when none was made.

        Two publications of one population take their places one after the other; who was judged before the other's
        is judged ``again``, which raises when it may not go on. The dataset is held by the caller. So do those of
        populations of one register.
        """
        number = 0
        if self._recorded(contract):
            self.clear(contract.id)
            if self.lake.by_run(contract.id, run) is None:
                with self.state.hold(f"gate {min(self._together(contract))}", wait=WAIT):
                    if against != self.seen(contract):
                        again()
                    number = self.lake.next_number(contract.id)
                    self._enter(contract, number, at, staged, intake, mode)
        try:
            yield
        except Exception:
            with contextlib.suppress(Exception):  # what made the commit fail is told; the next one clears up
                self.clear(contract.id)
            raise
        made = self.lake.by_run(contract.id, run)
        if number and (made is None or made.number != number):
            if made is not None:
                self.record(contract, made, staged, intake, mode)
                self._releases().remove(contract.id, number)
            else:
                self.clear(contract.id)

    def record(self, contract: Contract, version: Version, staged: Staged, intake: Staged, mode: str) -> None:
        """Write the version into the publication ledger, when it is about persons and public. Twice is once."""
        known = any(item.number == version.number for item in self._releases().of_dataset(contract.id))
        if self._recorded(contract) and not known:
            self._enter(contract, version.number, version.published_at, staged, intake, mode)

    def _enter(self, contract: Contract, number: int, at: datetime, staged: Staged, intake: Staged, mode: str) -> None:
        with self._open(intake) as connection:
            grown = self._grown(connection, contract, staged, intake, mode, number)
            if grown is not None and grown.held:
                self._enter_grown(connection, contract, number, at, staged, grown)
                return
            table = self._table(connection, contract, staged, intake, mode, number)
            (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
            mark = self._mark(contract.key, [name for name, _, _ in staged.columns])
            self._releases().add(self._release(contract, number, at, int(rows)), connection, table, mark)

    def _enter_grown(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, number: int, at: datetime, staged: Staged,
        grown: Growth,
    ) -> None:  # fmt: skip
        """Of an append: what is known of the rows before stays as it is, and only persons of new rows are looked at."""
        from arengo.privacy.releases import MARK, told

        (rows,) = connection.execute(f"SELECT count(*) FROM {quote(RELEASED)}").fetchone() or (0,)
        release = self._release(contract, number, at, int(rows) + grown.rows)
        columns = listing((SUBJECT, *(item.column for item in told(release))))
        mark = self._mark(contract.key, [name for name, _, _ in staged.columns])
        table = (
            f"(SELECT {columns}, {mark} AS {MARK} FROM {quote(RELEASED)} "
            f"UNION ALL SELECT {columns}, {MARK} FROM {grown.held})"
        )
        self._releases().add(release, connection, table, MARK, touched=quote(RELEASED) if grown.added else "")

    @contextlib.contextmanager
    def standing(self, contract: Contract, before: Version, staged: Staged, at: datetime, back: str) -> Iterator[Case]:
        """The rows of a version as a case, together with some of ``back`` (a blind number), which it once had."""
        with self._open(staged) as connection:
            held = self._held_rows(contract, before, staged, back)
            connection.execute(f"CREATE VIEW {quote(RELEASED)} AS SELECT * FROM {held}")
            release = self._release(contract, 0, at, staged.rows)
            case = self.case(connection, contract, release, quote(RELEASED), quote(RELEASED), at)
            yield replace(case, intake_contract=contract)

    def _held_rows(self, contract: Contract, before: Version, staged: Staged, back: str) -> str:
        """SQL of staged rows of a version with their persons; ``back``: whose the rows are that it had not."""
        held = self._known(contract, before, quote(staged.table), [name for name, _, _ in staged.columns])
        if not back:
            return held
        first = int(before.extra["next_row"])
        whose = f"CASE WHEN {staged.number} >= {first} THEN {text(back)} ELSE {quote(SUBJECT)} END"
        return f"(SELECT * REPLACE ({whose} AS {quote(SUBJECT)}) FROM {held})"

    def lessen(
        self, contract: Contract, before: Version, staged: Staged, number: int, at: datetime, back: str = ""
    ) -> None:
        """Enter a version made of rows of the version before, whose persons are known from there, and of ``back``."""
        if not self._recorded(contract):
            return
        self.clear(contract.id)
        with self._open(staged) as connection:
            held = self._held_rows(contract, before, staged, back)
            mark = self._mark(contract.key, [name for name, _, _ in staged.columns])
            self._releases().add(self._release(contract, number, at, staged.rows), connection, held, mark)

    def _recorded(self, contract: Contract) -> bool:
        from arengo.privacy.declared import judged
        from arengo.privacy.statistics import alone

        return contract.access == "open" and judged(contract) and not alone(contract)

    def _mark(self, key: Sequence[str], columns: Sequence[str]) -> str:
        from arengo.privacy.releases import mark_of

        return mark_of(secret_of(self.settings.home), key, columns)

    def _known(self, contract: Contract, before: Version, held: str, columns: Sequence[str]) -> str:
        """SQL of rows of a version with the persons that its release tells them to be about, in ``_subject``."""
        from arengo.privacy.releases import MARK

        ledger = self._releases()
        release = next((item for item in ledger.of_dataset(contract.id) if item.number == before.number), None)
        rows = ledger.rows(release) if release is not None else ""
        if rows and MARK in pq_names(ledger.path(contract.id, before.number)):
            nth = f"row_number() OVER (PARTITION BY {MARK}) AS _nth"
            marked = f"SELECT *, {nth} FROM (SELECT *, {self._mark(before.key, columns)} AS {MARK} FROM {held})"
            persons = f"SELECT {quote(SUBJECT)}, {MARK}, {nth} FROM {rows}"
            return (
                f"(SELECT h.* EXCLUDE ({MARK}, _nth), p.{quote(SUBJECT)} FROM ({marked}) h LEFT JOIN ({persons}) p "
                f"ON p.{MARK} = h.{MARK} AND p._nth = h._nth)"
            )
        return f"(SELECT *, NULL::VARCHAR AS {quote(SUBJECT)} FROM {held})"

    def _release(self, contract: Contract, number: int, at: datetime, rows: int) -> Release:
        from arengo.privacy.declared import population_of, release_of

        return release_of(
            contract, number, at, rows, population=self._populations.get(population_of(contract)),
            subject=bool(self._subject(contract)),
        )  # fmt: skip

    def _together(self, contract: Contract) -> tuple[str, ...]:
        """The population of a contract and those whose people the same register lists."""
        from arengo.privacy.declared import population_of

        name = population_of(contract)
        return (name, *(item.name for item in self._populations.kin(name)))

    @cached_property
    def _populations(self) -> Populations:
        from arengo.privacy.population import Populations

        return Populations(self.settings, self.state)

    def _case(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged, intake: Staged, mode: str,
        at: datetime, told: Mapping[str, tuple[int, int]] = EMPTY,
    ) -> Case:  # fmt: skip
        from arengo.privacy.reckoning import Reckoning
        from arengo.privacy.vault import columns_of
        from arengo.publish import growth

        grown = self._grown(connection, contract, staged, intake, mode)
        table = grown.table if grown else self._table(connection, contract, staged, intake, mode)
        (rows,) = connection.execute(f"SELECT count(*) FROM {quote(RELEASED) if grown else table}").fetchone() or (0,)
        release = self._release(contract, 0, at, int(rows) + (grown.rows if grown else 0))
        case = self.case(connection, contract, release, table, self._read(connection, intake), at)
        withholds = contract.custom.get("arengoProtection", EMPTY).get("suppress")
        if (withholds or mode != "replace") and not columns_of(contract):
            case = replace(case, remade=partial(self._remade, connection, contract, intake, mode, at))
        reckoning = Reckoning(
            connection, table, self.settings.privacy.sample, told if table == quote(RELEASED) else EMPTY,
            grown.added if grown else None, grown.people if grown else "", grown.bare if grown else "",
            growth.keeps(contract, mode),
        )  # fmt: skip
        recall = getattr(case.truth, "recall", None)
        if recall is not None and reckoning.kept.get("register"):
            recall(reckoning.kept["register"])
        if not grown:
            return replace(case, reckoning=reckoning)
        whole = partial(self._table, connection, contract, staged, intake, mode)
        return replace(case, reckoning=reckoning, people=grown.people, whole=whole)

    def _grown(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged, intake: Staged, mode: str,
        number: int = 0,
    ) -> Growth | None:  # fmt: skip
        """The table of an append, as rows that are held and rows that come; None for anything else."""
        from arengo.privacy.releases import MARK, told
        from arengo.publish import growth

        before = self._before(contract, number) if growth.keeps(contract, mode) else None
        kept = growth.kept_of(contract, self.settings, before) if before is not None else None
        names = [name for name, _, _ in staged.columns]
        here = [(name, kind) for name, kind, _ in staged.columns]
        if before is None or here != [(column.name, column.kind) for column in before.schema]:
            return None
        self._table(connection, contract, staged, intake, "replace")
        held = self.lake.source(before)
        if mode == "upsert" and not growth.adds_only(connection, contract.key, held, quote(RELEASED)):
            return None
        blind, columns = "", list[str]()
        if self._recorded(contract):
            path = self._releases().path(contract.id, before.number)
            columns = [item.column for item in told(self._release(contract, number or 1, before.published_at, 0))]
            if not path.is_file() or before.key != contract.key or before.extra.get("deletes"):
                return None
            if set(pq_names(path)) != {SUBJECT, MARK, *columns} or pq_rows(path) != before.rows:
                return None
            blind = self._releases().rows(self._release(contract, before.number, before.published_at, 0))
        old = f"(SELECT o.* FROM {self._known(contract, before, held, names)} o)"
        if blind and self._kept_subject(contract) != "NULL::VARCHAR":
            return None  # persons stand in the rows themselves, and are read from there
        return growth.views(connection, names, quote(RELEASED), held, old, blind, kept, before.rows, columns)

    def case(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, release: Release, table: str, intake: str,
        at: datetime,
    ) -> Case:  # fmt: skip
        from arengo.privacy.bridge import Bridge
        from arengo.privacy.case import Case
        from arengo.privacy.declared import population_of, profiles_of, target_of

        name = population_of(contract)
        population = self._populations.get(name) if name else None
        releases = self._releases()
        secret, home = secret_of(self.settings.home), self.settings.home / "privacy"
        kin = self._populations.kin(name)
        bridge = Bridge(connection, self.lake, self.state, home, secret, population, kin, BLIND)
        return Case(
            contract=contract,
            release=release,
            target=target_of(contract, self.settings),
            connection=connection,
            table=table,
            intake=intake,
            intake_contract=contract.as_read(),
            population=population,
            earlier=releases.of(name, *(item.name for item in kin)),
            profiles=profiles_of(contract, self._populations.profiles(name)),
            codes=self.codes,
            settings=self.settings,
            state=self.state,
            home=home,
            now=at,
            secret=secret,
            truth=self._populations.truth(connection, self.lake, population, secret),
            rows=lambda release: bridge.rows(release, releases.rows(release)),
            kin=kin,
            pairs=bridge.pairs,
        )

    def _table(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged, intake: Staged, mode: str,
        number: int = 0, into: str = RELEASED,
    ) -> str:  # fmt: skip
        """The table of all that readers would get, with the persons' blind numbers; quoted. ``into``: the table of the
        rows that come."""
        names = [name for name, _, _ in staged.columns]
        if staged.table != RELEASED:
            subject = self._subject(contract)
            number_of = self._blind(connection, contract, intake, subject) if subject else "NULL::VARCHAR"
            connection.execute(
                f"CREATE OR REPLACE VIEW {quote(RELEASED)} AS SELECT {listing(names)}, "
                f"{number_of} AS {quote(SUBJECT)}, {_place(staged)} AS rowid FROM {quote(staged.table)}"
            )
        before = self._before(contract, number) if mode != "replace" else None
        if before is None:
            return quote(into)
        held = self.lake.source(before)
        there = {column.name for column in before.schema}
        old = ", ".join(quote(name) if name in there else f"NULL AS {quote(name)}" for name in names)
        gone = ""
        if mode == "upsert" and contract.key:
            match = " AND ".join(f"o.{quote(name)} IS NOT DISTINCT FROM n.{quote(name)}" for name in contract.key)
            gone = f" ANTI JOIN {quote(into)} n ON {match}"
        subject = f"coalesce(o.{quote(SUBJECT)}, {self._kept_subject(contract)})"
        held = self._known(contract, before, held, [column.name for column in before.schema])
        whole = quote(WHOLE if into == RELEASED else f"{into}_whole")
        connection.execute(
            f"CREATE OR REPLACE TABLE {whole} AS SELECT {listing(names)}, {quote(SUBJECT)} "
            f"FROM {quote(into)} UNION ALL SELECT {old}, {subject} FROM {held} o{gone}"
        )
        return whole

    def _kept_subject(self, contract: Contract) -> str:
        """The blind number of a row that is held already: only where the person's own number is a stored column."""
        subject = self._subject(contract)
        stored = contract.column(subject) if subject else None
        if stored is not None and not stored.protect:
            return f"(SELECT _blind FROM {quote(BLIND)} WHERE _person = CAST(o.{quote(subject)} AS VARCHAR))"
        return "NULL::VARCHAR"

    def _before(self, contract: Contract, number: int) -> Version | None:
        versions = [item for item in self.lake.retained(contract.id) if not number or item.number < number]
        return max(versions, key=lambda item: item.number, default=None)

    # What they share

    def _read(self, connection: duckdb.DuckDBPyConnection, intake: Staged) -> str:
        """The table as it was read, with its order as ``rowid``; quoted."""
        if intake.number == "rowid":
            return quote(intake.table)
        connection.execute(
            f"CREATE OR REPLACE VIEW {quote(INTAKE)} AS SELECT *, {_place(intake)} AS rowid FROM {quote(intake.table)}"
        )
        return quote(INTAKE)

    def _subject(self, contract: Contract) -> str:
        """The column of the intake that names the person, '' when there is none. Where no population is named, what
        numbers persons tells at least which rows are one person's."""
        from arengo.privacy.declared import population_of
        from arengo.privacy.population import numbered_by, subject_of

        name = population_of(contract)
        return subject_of(contract.as_read(), name) if name else numbered_by(contract)

    def _blind(self, connection: duckdb.DuckDBPyConnection, contract: Contract, intake: Staged, subject: str) -> str:
        """Make the table of blind numbers of the staged persons; SQL of a row's own."""
        from arengo.privacy.declared import population_of
        from arengo.privacy.population import blind_sql

        number, values = blind_sql(secret_of(self.settings.home), population_of(contract), "_person")
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {quote(BLIND)} AS SELECT _person, {number} AS _blind FROM (SELECT DISTINCT "
            f"CAST({quote(subject)} AS VARCHAR) AS _person FROM {quote(intake.table)})",
            values,
        )
        return f"(SELECT _blind FROM {quote(BLIND)} WHERE _person = CAST({quote(subject)} AS VARCHAR))"

    def _releases(self) -> Releases:
        from arengo.privacy.releases import Releases

        return Releases(self.settings, self.state, self.lake)

    @contextlib.contextmanager
    def _open(self, staged: Staged, shapes: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        from arengo.lake.engine import load

        connection = duckdb.connect(
            str(staged.database),
            config={
                "threads": self.settings.engine.threads,
                "memory_limit": self.settings.engine.job_memory,
                "temp_directory": str(staged.database.with_suffix(".tmp")),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        try:
            if staged.geometry is not None and (shapes or staged.geometry.stored):
                load(connection, "spatial")
            yield connection
        finally:
            connection.close()


def pq_names(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def pq_rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _shapes(contract: Contract) -> bool:
    """Whether places may be reckoned with as shapes: where nothing is said of persons, coordinates are numbers."""
    from arengo.privacy.declared import judged

    return judged(contract) or any(item.protect for item in contract.as_read().properties)


def _place(staged: Staged) -> str:
    """SQL of a staged row's place in the source's order."""
    return staged.number if staged.number == "rowid" else quote(staged.number)
