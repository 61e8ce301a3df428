"""The vault: rows sealed with a key a person, opened only where it is granted, gone with the key."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from arengo.contract.load import loads
from arengo.contract.model import Contract
from arengo.errors import ContractError, LakeError, SettingsError
from arengo.privacy.vault import FILE, VARIABLE, Vault, bound_columns, columns_of, normal
from arengo.state import State, open_state

COLUMNS = ("name", "mail")
TEXT = """\
apiVersion: v3.1.0
kind: DataContract
id: people
name: People
version: 1.0.0
status: active
schema:
  - name: people
    properties:
      - {{name: id, logicalType: integer, primaryKey: true, required: true}}
      - {{name: person, logicalType: string{subject}}}
      - {{name: name, logicalType: string, customProperties: [{{property: arengoProtect, value: vault}}]}}
      - {{name: mail, logicalType: string, customProperties: [{{property: arengoProtect, value: vault}}]}}
      - {{name: district, logicalType: string}}
customProperties:
  - {{property: arengoAccess, value: {access}}}
"""
SUBJECT = ", customProperties: [{property: arengoSubject, value: residents}]"


def _contract(access: str = "closed", subject: str = SUBJECT) -> Contract:
    return loads(TEXT.format(access=access, subject=subject))


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(f"sqlite:///{tmp_path / '.arengo' / 'state.sqlite'}")


@pytest.fixture
def vault(tmp_path: Path, state: State) -> Vault:
    return Vault(tmp_path / ".arengo", state)


def _connection(rows: int = 6) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE held AS SELECT i AS _source, i AS id, 'P' || (i // 2) AS person, 'Name ' || i AS name, "
        "CASE WHEN i = 3 THEN NULL ELSE 'n' || i || '@example.org' END AS mail, 'd' AS district "
        f"FROM range({rows}) t(i)"
    )
    return connection


def _sealed(vault: Vault, rows: int = 6) -> duckdb.DuckDBPyConnection:
    connection = _connection(rows)
    vault.close_columns(connection, _contract(), "held", "_source", "sealed")
    connection.execute("CREATE TABLE stored AS SELECT id, person, name, mail, district, _source AS _row FROM sealed")
    return connection


def _opened(vault: Vault, connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    vault.open_columns(connection, "people", "stored", COLUMNS, ("id",), "opened")
    return connection.execute("SELECT id, name, mail FROM opened ORDER BY id").fetchall()


def test_what_is_sealed_opens_and_tells_nothing_before(vault: Vault) -> None:
    assert columns_of(_contract()) == COLUMNS
    assert bound_columns(_contract()) == ("id",)
    connection = _sealed(vault)
    held = connection.execute("SELECT name, mail FROM sealed ORDER BY id").fetchall()
    assert all(str(name).startswith("av1:") and mail is None for name, mail in held)
    assert len({str(name).split(":")[1] for name, _ in held}) == 3  # a key a person
    assert len({str(name).split(":")[2] for name, _ in held}) == 6
    wanted = connection.execute("SELECT id, name, mail FROM held ORDER BY id").fetchall()
    assert _opened(vault, connection) == wanted


def test_a_destroyed_key_takes_her_rows_and_nobody_elses(vault: Vault) -> None:
    connection = _sealed(vault)
    mark = vault.mark("residents", "P1")
    assert vault.lookup("people", "mail", " N2@EXAMPLE.org ")
    assert vault.destroy("residents", mark)
    assert not vault.destroy("residents", mark)
    assert [row[1] for row in _opened(vault, connection)] == ["Name 0", "Name 1", None, None, "Name 4", "Name 5"]
    assert vault.lookup("people", "mail", "n2@example.org") == ()
    assert vault.lookup("people", "mail", "n4@example.org")
    assert vault.lookup("others", "mail", "n4@example.org") == ()  # another dataset, another key of the index


def test_a_closed_key_opens_again(vault: Vault) -> None:
    connection = _sealed(vault)
    mark = vault.mark("residents", "P0")
    assert vault.seal("residents", mark, True)
    assert [row[1] for row in _opened(vault, connection)][:3] == [None, None, "Name 2"]
    assert vault.seal("residents", mark, False)
    assert _opened(vault, connection)[0][1] == "Name 0"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE stored SET name = (SELECT name FROM stored WHERE id = 1) WHERE id = 0",  # her other row
        "UPDATE stored SET id = 99 WHERE id = 0",
        "UPDATE stored SET name = left(name, 40) || 'AAAA' || substr(name, 45) WHERE id = 0",
    ],
)
def test_what_was_moved_or_changed_does_not_open(vault: Vault, change: str) -> None:
    connection = _sealed(vault)
    connection.execute(change)
    with pytest.raises(LakeError, match="changed or moved"):
        _opened(vault, connection)


def test_the_key_can_be_changed_at_any_time(vault: Vault, tmp_path: Path) -> None:
    connection = _sealed(vault)
    path = tmp_path / ".arengo" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert vault.rotate() == 3
    assert path.read_text() != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().split()) == 1
    assert _opened(vault, connection)[0][1] == "Name 0"


def test_a_rotation_that_was_killed_goes_on(vault: Vault, tmp_path: Path) -> None:
    connection = _sealed(vault)
    old = vault.keys.all()
    vault.keys.write((b"\x07" * 32, *old))  # killed after the new key was written, before anything was wrapped
    vault.take("residents", [vault.mark("residents", "later")])
    assert vault.rotate() == 3
    assert vault.keys.all() == (b"\x07" * 32,)
    assert _opened(vault, connection)[5][1] == "Name 5"


def test_keys_may_come_from_the_environment(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "11" * 32)
    connection = _sealed(vault)
    monkeypatch.setenv(VARIABLE, f"{'22' * 32}, {'11' * 32}")
    assert vault.rotate() == 3
    monkeypatch.setenv(VARIABLE, "22" * 32)
    assert _opened(vault, connection)[0][1] == "Name 0"
    monkeypatch.setenv(VARIABLE, "33" * 32)
    with pytest.raises(SettingsError, match="not there"):
        _opened(vault, connection)
    monkeypatch.setenv(VARIABLE, "not a key")
    with pytest.raises(SettingsError, match="damaged") as met:
        vault.keys.all()
    assert "not a key" not in str(met.value)


def test_a_vault_needs_a_person_and_a_closed_door(vault: Vault) -> None:
    with pytest.raises(ContractError, match="no column names the person"):
        vault.close_columns(_connection(), _contract(subject=""), "held", "_source", "sealed")
    with pytest.raises(ContractError, match="open"):
        vault.close_columns(_connection(), _contract(access="open"), "held", "_source", "sealed")


def test_rows_without_a_person_and_hostile_values_come_back(vault: Vault) -> None:
    connection = _connection(4)
    connection.execute("UPDATE held SET person = NULL WHERE id = 0")
    connection.execute("UPDATE held SET person = '' WHERE id = 1")
    connection.execute("UPDATE held SET name = 'av1:x:y''; DROP TABLE stored; -- \u202e \U0001f600' WHERE id = 2")
    vault.close_columns(connection, _contract(), "held", "_source", "sealed")
    connection.execute("CREATE TABLE stored AS SELECT *, _source AS _row FROM sealed")
    assert _opened(vault, connection) == connection.execute("SELECT id, name, mail FROM held ORDER BY id").fetchall()


def test_values_are_compared_without_case_and_spaces() -> None:
    assert normal("  Ana   MARIA ") == normal("ana maria")
    assert normal("STRASSE") == normal("straße")
