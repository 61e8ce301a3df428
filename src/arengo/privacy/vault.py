"""The identity vault: one random key a person, which only the city's key-encryption key opens.

Rows of a table whose columns say ``arengoProtect: vault`` hold one sealed text for all of these columns together, in
the first of them; the others are empty. The text is ``av1:KEY:BLOB``: the key's random name, then nonce and
AES-256-GCM (NIST SP 800-38D) of the values as JSON. What is authenticated besides is the contract's id, the key's
name, the columns and the row's own key as far as it is stored as it is read, so a text that is moved to another row
does not open. Whoever destroys a person's key destroys what all her rows say in these columns, in every copy
(privacy.md, section 4).

The key-encryption keys lie in ``.arengo/vault.key`` (one a line, the first seals, readable by its owner only) or in
``ARENGO_VAULT_KEY`` (hexadecimal, separated by commas). They are never written anywhere else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import sqlalchemy as sa

from arengo.contract.model import Contract, Kind
from arengo.errors import ContractError, LakeError, SettingsError
from arengo.lake.layout import ROW, quote, text
from arengo.privacy import mask
from arengo.privacy.population import blind, subject_of
from arengo.state import vault as t

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from arengo.privacy.protect.work import Column, Held, Work
    from arengo.state import State

FILE = "vault.key"
VARIABLE = "ARENGO_VAULT_KEY"
STEP = "vault"
FORM = "av1"
NOBODY = ""
"""The id under which rows are sealed that name no person."""
_BATCH = 50_000
_NONCE = 12
_MOST_BOUND = 5_000
_MOST_WRITTEN = 20_000


@dataclass(frozen=True, slots=True)
class Key:
    """A person's data key, opened. ``sealed``: she is restricted, nothing may be opened with it."""

    id: str
    data: bytes
    sealed: bool = False


class Keys:
    """The city's key-encryption keys, read anew at each use, so that a rotation holds in every process."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def all(self) -> tuple[bytes, ...]:
        """The keys, the first is the one that seals. Made at first use. Raises SettingsError."""
        told = os.environ.get(VARIABLE, "")
        if told:
            return _parsed(told.split(","), f"The variable {VARIABLE}")
        path = self._home / FILE
        if not path.exists():
            self._make(path)
        return _parsed(path.read_text(encoding="ascii", errors="replace").split(), f"The file {FILE}")

    def _make(self, path: Path) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, secrets.token_hex(32).encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(part, path)  # the first of two processes wins, whole
        except FileExistsError:
            pass
        finally:
            part.unlink()

    def write(self, keys: Sequence[bytes]) -> None:
        """Replace the file. Raises SettingsError where the keys come from the environment."""
        if os.environ.get(VARIABLE):
            raise SettingsError(
                f"The vault's keys come from {VARIABLE}.",
                todo=f"Put the new key before the old one in {VARIABLE}, run this again, then take the old one out.",
            )
        path = self._home / FILE
        part = path.with_name(f"{path.name}.{os.getpid()}")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, b"".join(key.hex().encode() + b"\n" for key in keys))
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(part, path)


def name_of(kek: bytes) -> str:
    """What a key-encryption key is called in the state: a digest that tells nothing of it."""
    return hashlib.sha256(b"arengo vault key\0" + kek).hexdigest()[:16]


def _parsed(words: Iterable[str], what: str) -> tuple[bytes, ...]:
    try:
        keys = tuple(bytes.fromhex(word.strip()) for word in words if word.strip())
    except ValueError:
        keys = ()
    if not keys or any(len(key) != 32 for key in keys):
        raise SettingsError(
            f"{what} is damaged.", todo="Restore it from the backup: without it nothing in the vault can be opened."
        )
    return keys


class Vault:
    """The persons' keys of one city. Safe beside other processes."""

    def __init__(self, home: Path, state: State, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._home = home
        self._state = state
        self._now = now
        self.keys = Keys(home)

    @property
    def secret(self) -> bytes:
        """What blind numbers and the blind index are derived from."""
        return mask.secret_of(self._home)

    def mark(self, population: str, id: str) -> str:
        """A person's blind number, the one under which the gate knows her."""
        return blind(self.secret, population, id)

    # Persons' keys

    def take(self, population: str, marks: Sequence[str]) -> dict[str, Key]:
        """The key of each blind number, made where there is none."""
        wanted = list(dict.fromkeys(marks))
        held = self._held(population, wanted)
        lacking = [mark for mark in wanted if mark not in held]
        if lacking:
            keks = self._keks()
            held_by, kek = next(iter(keks.items()))
            now, rows = self._now(), []
            for mark in lacking:
                name = base64.b32encode(secrets.token_bytes(15)).decode().lower()
                rows.append(
                    {"id": name, "population": population, "mark": mark, "kek": held_by, "created_at": now,
                     "wrapped": _wrap(kek, name, population, mark, secrets.token_bytes(32))}
                )  # fmt: skip
            with self._state.hold("vault keys", wait=600.0):
                there = self._held(population, lacking)  # another publication may have made them meanwhile
                fresh = [row for row in rows if row["mark"] not in there]
                for start in range(0, len(fresh), 5000):
                    with self._state.write() as connection:
                        connection.execute(sa.insert(t.key), fresh[start : start + 5000])
            held |= self._held(population, lacking)
        return held

    def _held(self, population: str, marks: Sequence[str]) -> dict[str, Key]:
        c = t.key.c
        found: dict[str, Key] = {}
        keks = self._keks()
        with self._state.read() as connection:
            for start in range(0, len(marks), _MOST_BOUND):
                some = marks[start : start + _MOST_BOUND]
                rows = connection.execute(sa.select(t.key).where(c.population == population, c.mark.in_(some))).all()
                found |= {row.mark: _opened(row, keks) for row in rows}
        return found

    def by_name(self, names: Sequence[str]) -> dict[str, Key]:
        """Keys by the names that stand in sealed texts; those that were destroyed are missing."""
        c = t.key.c
        found: dict[str, Key] = {}
        keks = self._keks()
        with self._state.read() as connection:
            for start in range(0, len(names), _MOST_BOUND):
                some = list(names[start : start + _MOST_BOUND])
                for row in connection.execute(sa.select(t.key).where(c.id.in_(some))):
                    found[row.id] = _opened(row, keks)
        return found

    def get(self, population: str, mark: str) -> Key | None:
        """A person's key, None when she has none."""
        return self._held(population, [mark]).get(mark)

    def _keks(self) -> dict[str, AESGCM]:
        """The key-encryption keys that are there, by name."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return {name_of(kek): AESGCM(kek) for kek in self.keys.all()}

    def destroy(self, population: str, mark: str) -> bool:
        """Destroy a person's key and everything that leads to it; whether there was one. Effective at once."""
        c = t.key.c
        with self._state.write() as connection:
            mine = sa.select(c.id).where(c.population == population, c.mark == mark)
            connection.execute(sa.delete(t.index).where(t.index.c.key.in_(mine.scalar_subquery())))
            gone = connection.execute(sa.delete(t.key).where(c.population == population, c.mark == mark)).rowcount
            self._state.bump(connection)
        return bool(gone)

    def seal(self, population: str, mark: str, sealed: bool) -> bool:
        """Close a person's key (or open it again) without destroying it; whether there was one."""
        c = t.key.c
        chosen = sa.update(t.key).where(c.population == population, c.mark == mark)
        with self._state.write() as connection:
            done = connection.execute(chosen.values(sealed_at=self._now() if sealed else None)).rowcount
            self._state.bump(connection)
        return bool(done)

    def rotate(self) -> int:
        """Give the city a new key-encryption key and wrap every person's key with it; how many were wrapped anew.

        Killed in between it goes on where it was: the old key stays in the file until nothing needs it.
        """
        with self._state.hold("vault rotation"):
            keys = self.keys.all()
            if not os.environ.get(VARIABLE) and not self._pending(keys[0]):
                keys = (secrets.token_bytes(32), *keys)
                self.keys.write(keys)
            kek, done = keys[0], 0
            while rows := self._pending(kek):
                keks = self._keks()
                made = [
                    {"one": row.id, "new": name_of(kek),
                     "made": _wrap(keks[name_of(kek)], row.id, row.population, row.mark, _opened(row, keks).data)}
                    for row in rows
                ]  # fmt: skip
                changed = sa.update(t.key).where(t.key.c.id == sa.bindparam("one"))
                with self._state.write() as connection:
                    connection.execute(changed.values(wrapped=sa.bindparam("made"), kek=sa.bindparam("new")), made)
                done += len(made)
            if not os.environ.get(VARIABLE):
                self.keys.write(keys[:1])
            return done

    def _pending(self, kek: bytes) -> Sequence[sa.Row[tuple[object, ...]]]:
        with self._state.read() as connection:
            chosen = sa.select(t.key).where(t.key.c.kek != name_of(kek)).limit(_MOST_BOUND)
            return connection.execute(chosen).all()

    # Blind index

    def lookup(self, dataset: str, column: str, value: str) -> tuple[str, ...]:
        """Names of the keys of the rows that hold ``value`` in a sealed column."""
        c = t.index.c
        with self._state.read() as connection:
            chosen = sa.select(c.key).where(c.dataset == dataset, c.mark == self._entry(dataset, column, value))
            return tuple(connection.scalars(chosen.order_by(c.key)))

    def mark_of(self, key: str) -> tuple[str, str] | None:
        """(population, blind number) of the person whose key has this name."""
        c = t.key.c
        with self._state.read() as connection:
            row = connection.execute(sa.select(c.population, c.mark).where(c.id == key)).first()
        return (str(row[0]), str(row[1])) if row else None

    def _entry(self, dataset: str, column: str, value: str) -> str:
        key = mask.derive(self.secret, "vault-index", dataset)
        return _entry(key, column, value)

    def _note(self, dataset: str, entries: set[tuple[str, str]]) -> None:
        """Write (mark, key) pairs that are not there yet."""
        told = sa.text(
            "INSERT INTO vault_index (dataset, mark, key) VALUES (:dataset, :mark, :key) ON CONFLICT DO NOTHING"
        )
        listed = [{"dataset": dataset, "mark": mark, "key": key} for mark, key in sorted(entries)]
        for start in range(0, len(listed), _MOST_WRITTEN):  # readers of the state wait for no longer than one of these
            with self._state.write() as connection:
                connection.execute(told, listed[start : start + _MOST_WRITTEN])

    # Sealing in the street

    def close_columns(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, table: str, number: str, into: str
    ) -> None:
        """Make ``into``: the rows of ``table`` (columns as read) with the columns of the vault sealed. ``number``: its
        column that tells rows apart. Raises ContractError for a contract that cannot have a vault.
        """
        import pyarrow as pa

        columns, bound = columns_of(contract), bound_columns(contract)
        population, subject = _person(contract)
        listed = ", ".join(
            [quote(number), *(f"CAST({quote(name)} AS VARCHAR)" for name in (subject, *columns, *bound))]
        )
        connection.execute("CREATE OR REPLACE TABLE _sealed (_at BIGINT, _blob VARCHAR)")
        reader = connection.cursor().execute(f"SELECT {listed} FROM {table}").to_arrow_reader(_BATCH)
        for batch in reader:
            at, ids, *values = [column.to_pylist() for column in batch.columns]
            blobs = self._sealed(contract.id, population, ids, columns, values[: len(columns)], values[len(columns) :])
            _insert(connection, "_sealed", pa.table({"_at": pa.array(at, pa.int64()), "_blob": blobs}))
        shown = f"_blob AS {quote(columns[0])}"
        shown += "".join(f", NULL::VARCHAR AS {quote(name)}" for name in columns[1:])
        gone = ", ".join(quote(name) for name in columns)
        connection.execute(
            f"CREATE OR REPLACE TABLE {quote(into)} AS SELECT * EXCLUDE (_at, _blob), {shown} FROM "
            f"(SELECT * EXCLUDE ({gone}) FROM {table}) JOIN _sealed ON _at = {quote(number)} ORDER BY _at"
        )
        connection.execute("DROP TABLE _sealed")

    def _sealed(
        self,
        dataset: str,
        population: str,
        ids: Sequence[str | None],
        columns: Sequence[str],
        values: Sequence[Sequence[str | None]],
        bound: Sequence[Sequence[str | None]],
    ) -> list[str]:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        persons = list(dict.fromkeys((item or NOBODY).strip() for item in ids))
        secret = self.secret
        marks = {one: blind(secret, population, one or f"{NOBODY}\0{dataset}") for one in persons}
        keys = self.take(population, list(marks.values()))
        index_key = mask.derive(secret, "vault-index", dataset)
        head = _head(dataset, columns)
        engines: dict[str, AESGCM] = {}
        entries: set[tuple[str, str]] = set()
        out: list[str] = []
        nonces = secrets.token_bytes(_NONCE * len(ids))
        for at, person in enumerate(ids):
            key = keys[marks[(person or NOBODY).strip()]]
            told = [column[at] for column in values]
            engine = engines.get(key.id)
            if engine is None:
                engine = engines[key.id] = AESGCM(key.data)
            nonce = nonces[at * _NONCE : (at + 1) * _NONCE]
            body = nonce + engine.encrypt(nonce, orjson.dumps(told), _bound(head, key.id, [one[at] for one in bound]))
            out.append(f"{FORM}:{key.id}:{base64.b64encode(body).decode()}")
            for name, value in zip(columns, told, strict=True):
                if value:
                    entries.add((_entry(index_key, name, value), key.id))
        self._note(dataset, entries)
        return out

    # Opening for a reader

    def open_columns(
        self,
        connection: duckdb.DuckDBPyConnection,
        dataset: str,
        source: str,
        columns: Sequence[str],
        bound: Sequence[str],
        into: str,
    ) -> None:
        """Make the table ``into``: ``source`` (with its ``_row``) with its sealed columns opened. What cannot be opened
        because the person's key was destroyed or sealed is unknown. Raises LakeError for what was tampered with.
        """
        import pyarrow as pa

        listed = ", ".join([quote(ROW), quote(columns[0]), *(f"CAST({quote(name)} AS VARCHAR)" for name in bound)])
        shown = ", ".join(f"{quote(name)} VARCHAR" for name in columns)
        connection.execute(f"CREATE OR REPLACE TABLE _opened (_at BIGINT, {shown})")
        reader = connection.cursor().execute(f"SELECT {listed} FROM {source}").to_arrow_reader(_BATCH)
        for batch in reader:
            at, blobs, *values = [column.to_pylist() for column in batch.columns]
            opened = self.opened(dataset, columns, blobs, values)
            made = {"_at": pa.array(at, pa.int64())}
            made |= {name: pa.array(told, pa.string()) for name, told in zip(columns, opened, strict=True)}
            _insert(connection, "_opened", pa.table(made))
        gone = ", ".join(quote(name) for name in columns)
        connection.execute(
            f"CREATE OR REPLACE TABLE {quote(into)} AS SELECT * EXCLUDE (_at) FROM "
            f"(SELECT * EXCLUDE ({gone}) FROM {source}) JOIN _opened ON _at = {quote(ROW)}"
        )
        connection.execute("DROP TABLE _opened")

    def opened(
        self,
        dataset: str,
        columns: Sequence[str],
        blobs: Sequence[str | None],
        bound: Sequence[Sequence[str | None]],
    ) -> list[list[str | None]]:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        parts = [(blob or "").split(":", 2) for blob in blobs]
        names = list(dict.fromkeys(part[1] for part in parts if len(part) == 3 and part[0] == FORM))
        engines = {name: AESGCM(key.data) for name, key in self.by_name(names).items() if not key.sealed}
        head = _head(dataset, columns)
        out: list[list[str | None]] = [[] for _ in columns]
        nothing: list[str | None] = [None] * len(columns)
        for at, part in enumerate(parts):
            values = nothing
            engine = engines.get(part[1]) if len(part) == 3 else None
            if engine is not None:
                body = base64.b64decode(part[2])
                try:
                    plain = engine.decrypt(
                        body[:_NONCE], body[_NONCE:], _bound(head, part[1], [one[at] for one in bound])
                    )
                except InvalidTag:
                    raise LakeError(
                        f"A sealed row of {dataset} was changed or moved.", todo="Restore the lake from the backup."
                    ) from None
                values = orjson.loads(plain)
            for column, value in zip(out, values, strict=True):
                column.append(value)
        return out


def _insert(connection: duckdb.DuckDBPyConnection, table: str, made: pa.Table) -> None:
    connection.register("_batch", made)
    connection.execute(f"INSERT INTO {table} SELECT * FROM _batch")
    connection.unregister("_batch")


def step(work: Work, column: Column, held: Held, argument: object) -> Held:
    """The step ``vault`` of ``arengoProtect``: what was read is sealed already (:meth:`Vault.close_columns`)."""
    return replace(held, kind=Kind.STRING)


def _entry(key: bytes, column: str, value: str) -> str:
    """HMAC-SHA-256 cut to 128 bits, in one call: there is one of these for each sealed value."""
    return hmac.digest(key, f"{column}\0{normal(value)}".encode(), "sha256").hex()[:32]


def normal(value: str) -> str:
    """A value as the blind index compares it: without case and outer spaces."""
    return " ".join(value.split()).casefold()


def columns_of(contract: Contract) -> tuple[str, ...]:
    """The columns a contract keeps in the vault, in its order."""
    return tuple(item.name for item in contract.properties if STEP in item.protect)


def bound_columns(contract: Contract) -> tuple[str, ...]:
    """The columns of the key that are stored as they are read: a sealed text is bound to their values."""
    read = contract.as_read()
    return tuple(name for name in read.key if (item := read.column(name)) is not None and not item.protect)


def sealed_with(column: str, key: str) -> tuple[str, tuple[object, ...]]:
    """SQL of whether a row is sealed with the key of that name, from the first sealed column."""
    return f"starts_with({quote(column)}, {text(f'{FORM}:{key}:')})", ()


def _person(contract: Contract) -> tuple[str, str]:
    """(population, column of the person) of a contract with a vault. Raises ContractError."""
    subject = subject_of(contract)
    if not subject:
        raise ContractError(
            f"{contract.id} seals columns, but no column names the person.",
            todo="Mark the column of the person's number with arengoSubject.",
        )
    if contract.access == "open":
        raise ContractError(
            f"{contract.id} is open, and an open dataset has nobody to open sealed columns for.",
            todo="Say drop instead of vault in arengoProtect, or close the dataset.",
        )
    return population_of(contract), subject


def population_of(contract: Contract) -> str:
    """The population the rows' persons are of."""
    told = str(contract.custom.get("arengoPopulation", ""))
    column = contract.as_read().column(subject_of(contract))
    return told or str(column.custom.get("arengoSubject", "") if column else "")


def _opened(row: sa.Row[tuple[object, ...]], keks: Mapping[str, AESGCM]) -> Key:
    from cryptography.exceptions import InvalidTag

    kek = keks.get(row.kek)
    if kek is None:
        raise SettingsError(
            "A key of the vault was sealed with a key-encryption key that is not there.",
            todo=f"Restore {FILE} (or {VARIABLE}) from the backup.",
        )
    told = f"{row.id}\0{row.population}\0{row.mark}".encode()
    try:
        data = kek.decrypt(row.wrapped[:_NONCE], row.wrapped[_NONCE:], told)
    except InvalidTag:
        raise LakeError("A key of the vault was changed.", todo="Restore the state from the backup.") from None
    return Key(row.id, data, row.sealed_at is not None)


def _wrap(kek: AESGCM, id: str, population: str, mark: str, data: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + kek.encrypt(nonce, data, f"{id}\0{population}\0{mark}".encode())


def _head(dataset: str, columns: Sequence[str]) -> bytes:
    return orjson.dumps([FORM, dataset, list(columns)])


def _bound(head: bytes, key: str, values: Sequence[str | None]) -> bytes:
    return head + orjson.dumps([key, values])
