"""The gate in the street: protect what was staged, and judge it."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from arengo.contract.model import EMPTY, Contract, Frozen
from arengo.lake.engine import job
from arengo.lake.layout import quote
from arengo.lake.version import Staged
from arengo.privacy.mask import secret_of
from arengo.privacy.verdict import Verdict
from arengo.publish.entries import Entries
from arengo.publish.released import BLIND, RELEASED, SUBJECT, Released, pq_names

if TYPE_CHECKING:
    import duckdb

    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.privacy.case import Case
    from arengo.privacy.finding import Finding
    from arengo.privacy.hierarchy import CityCodes
    from arengo.privacy.protect import Protected
    from arengo.privacy.release import Release
    from arengo.settings import Settings
    from arengo.state import State

Progress = Callable[[str, int, int | None], None]


class Safety:
    """What the privacy room needs of one city, for one publication."""

    def __init__(self, settings: Settings, state: State, lake: Lake) -> None:
        self.settings = settings
        self.state = state
        self.lake = lake
        self.released = Released(settings, state, lake)
        self.entries = Entries(self.released)

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
        with self.released.open(staged) as connection:
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

        subject = self.released.subject(contract)
        expression = self.released.blind(connection, contract, staged, subject) if subject else ""
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
        whole = self.released.table(connection, contract, made, staged, mode, into=into)
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
            release = self.released.release(contract, 0, at, int(rows))
            if not held:  # the register is read once
                held.append(
                    self.case(connection, contract, release, whole, self.released.as_read(connection, staged), at)
                )
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
        if not self.released.recorded(contract):
            return ""
        told = f"{self.released.populations.mark} {self.settings.privacy!r}"
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def judge(
        self, contract: Contract, staged: Staged, intake: Staged, mode: str, run: str, at: datetime, progress: Progress,
        told: Mapping[str, tuple[int, int]] = EMPTY,
    ) -> Verdict:  # fmt: skip
        """The verdict on a staged publication. ``told``: column -> (rows that have a value, about how many different
        ones) of the staged rows, where that was counted before."""
        from arengo.privacy import gate
        from arengo.publish import exposure, growth

        with self.released.open(intake, shapes=_shapes(contract)) as connection:
            case = self._case(connection, contract, staged, intake, mode, at, told)
            verdict = gate.judge(case, progress)
            lost = self._unlinked(connection, contract, case)
            if growth.keeps(contract, mode):
                growth.keep(case.reckoned(), contract, self.settings, staged.database.parent)
            lost += exposure.foreign(self.lake, contract, mode)
            lost += exposure.moved(contract, self.lake, self.released.releases, self.released.together(contract))
            if self.released.recorded(contract):
                lost += exposure.shown(case, self.lake, self.released.releases)
            return replace(verdict, run=run, findings=(*verdict.findings, *lost))

    def remember(self, contract: Contract, intake: Staged) -> None:
        """Bring the publication ledger up to what contracts say now: what was public before one said anything of
        persons counts as well, and so does this contract's own dataset (:mod:`arengo.privacy.history`)."""
        from arengo.privacy.history import Source

        if not self.released.recorded(contract):
            return
        with self.released.open(intake) as connection:
            subject = self.released.subject(contract)
            number = self.released.blind(connection, contract, intake, subject) if subject else "NULL::VARCHAR"
            table = f"(SELECT *, {number} AS {quote(SUBJECT)} FROM {quote(intake.table)})"
            source = Source(connection, table, frozenset(name for name, _, _ in intake.columns))
            self.released.releases.catch_up(self.released.populations, candidate=contract, source=source)

    def _unlinked(self, connection: duckdb.DuckDBPyConnection, contract: Contract, case: Case) -> tuple[Finding, ...]:
        """Rows whose persons are not known would count as one person each: somebody has to look at that."""
        from arengo.privacy.finding import Finding

        subject = self.released.subject(contract)
        table = case.people or case.table
        if not subject or not self.released.recorded(contract):
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
                releases = self.released.releases
                release = self.released.release(contract, version.number, version.published_at, version.rows)
                rows = releases.rows(release)
                held, columns = self.lake.source(version), [column.name for column in version.schema]
                source = rows or f"(SELECT *, NULL::VARCHAR AS {quote(SUBJECT)} FROM {held})"
                if rows and MARK in pq_names(releases.path(contract.id, version.number)):
                    source = self.released.known(contract, version, held, columns)
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

        known = {item.name: item for item in self.released.populations.all()}
        settle(Budget(self.state, known), contract, population_of(contract), at, run)

    @contextlib.contextmanager
    def standing(self, contract: Contract, before: Version, staged: Staged, at: datetime, back: str) -> Iterator[Case]:
        """The rows of a version as a case, together with some of ``back`` (a blind number), which it once had."""
        with self.released.open(staged) as connection:
            held = self.released.held_rows(contract, before, staged, back)
            connection.execute(f"CREATE VIEW {quote(RELEASED)} AS SELECT * FROM {held}")
            release = self.released.release(contract, 0, at, staged.rows)
            case = self.case(connection, contract, release, quote(RELEASED), quote(RELEASED), at)
            yield replace(case, intake_contract=contract)

    def _case(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged, intake: Staged, mode: str,
        at: datetime, told: Mapping[str, tuple[int, int]] = EMPTY,
    ) -> Case:  # fmt: skip
        from arengo.privacy.reckoning import Reckoning
        from arengo.privacy.vault import columns_of
        from arengo.publish import growth

        grown = self.released.grown(connection, contract, staged, intake, mode)
        table = grown.table if grown else self.released.table(connection, contract, staged, intake, mode)
        (rows,) = connection.execute(f"SELECT count(*) FROM {quote(RELEASED) if grown else table}").fetchone() or (0,)
        release = self.released.release(contract, 0, at, int(rows) + (grown.rows if grown else 0))
        case = self.case(connection, contract, release, table, self.released.as_read(connection, intake), at)
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
        whole = partial(self.released.table, connection, contract, staged, intake, mode)
        return replace(case, reckoning=reckoning, people=grown.people, whole=whole)

    def case(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, release: Release, table: str, intake: str,
        at: datetime,
    ) -> Case:  # fmt: skip
        from arengo.privacy.bridge import Bridge
        from arengo.privacy.case import Case
        from arengo.privacy.declared import population_of, profiles_of, target_of

        name = population_of(contract)
        population = self.released.populations.get(name) if name else None
        releases = self.released.releases
        secret, home = secret_of(self.settings.home), self.settings.home / "privacy"
        kin = self.released.populations.kin(name)
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
            profiles=profiles_of(contract, self.released.populations.profiles(name)),
            codes=self.codes,
            settings=self.settings,
            state=self.state,
            home=home,
            now=at,
            secret=secret,
            truth=self.released.populations.truth(connection, self.lake, population, secret),
            rows=lambda release: bridge.rows(release, releases.rows(release)),
            kin=kin,
            pairs=bridge.pairs,
        )


def _shapes(contract: Contract) -> bool:
    """Whether places may be reckoned with as shapes: where nothing is said of persons, coordinates are numbers."""
    from arengo.privacy.declared import judged

    return judged(contract) or any(item.protect for item in contract.as_read().properties)
