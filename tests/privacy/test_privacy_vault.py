"""The vault: rows sealed with a key a person, opened only where it is granted, gone with the key."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from arengo.city import City, init, open_city
from arengo.contract.load import loads
from arengo.contract.model import Contract
from arengo.door.decision import CITY as WHOLE
from arengo.errors import ContractError, LakeError, SettingsError
from arengo.lake.cut import Cut, Shown
from arengo.privacy.vault import FILE, VARIABLE, Vault, bound_columns, columns_of, normal
from arengo.publish.safety import Safety
from arengo.publish.street import Street
from arengo.query import from_parameters
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


CITY = """\
apiVersion: v3.1.0
kind: DataContract
id: people
name: People
version: 1.0.0
status: active
schema:
  - name: people
    properties:
      - {name: id, logicalType: integer, primaryKey: true, required: true}
      - {name: person, logicalType: string, customProperties: [{property: arengoSubject, value: residents},
          {property: arengoPrivacyRole, value: identifier}, {property: arengoProtect, value: pseudonym}]}
      - {name: name, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: identifier},
          {property: arengoProtect, value: vault}]}
      - {name: mail, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: identifier},
          {property: arengoProtect, value: vault}]}
      - {name: district, logicalType: string}
customProperties:
  - {property: arengoAccess, value: closed}
  - {property: arengoOwner, value: Registry}
  - {property: arengoPurposes, value: [{id: service, dpv: 'dpv:PublicPolicyMaking', legalBasis: 'eu-gdpr:A6-1-e',
      retention: P10Y}]}
  - {property: arengoSource, value: {kind: csv, path: sources/people.csv}}
"""


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    root = tmp_path / "city"
    init(root, name="Small").close()
    (root / "contracts/people.odcs.yaml").write_text(CITY, encoding="utf-8")
    lines = [f"{at},P{at:03},Name {at},n{at}@example.org,d{at % 2}" for at in range(8)]
    (root / "sources/people.csv").write_text("\n".join(["id,person,name,mail,district", *lines]), encoding="utf-8")
    with open_city(root) as opened:
        opened.apply()
        _publish(opened)
        yield opened


def _publish(city: City) -> None:
    """The steps of the street that a vault is about: read, protect, commit."""
    contract = city.contracts()["people"]
    street = Street(city.settings, city.state, city.lake, contract, "first", at=None, force_shrink=False,
                    progress=lambda *told: None)  # fmt: skip
    found = street.fetch({})
    found |= street.read(found)
    made = Safety(city.settings, city.state, city.lake).protect(contract, street.folder.table(found))
    assert made is not None
    version = city.lake.commit(contract, made[0], run="first", published_at=datetime.now(UTC), rows_in=8,
                               quarantined=0, fingerprint="", reports={})  # fmt: skip
    assert version is not None
    shutil.rmtree(street.folder.path)
    city.state.announce()


def _asked(city: City, **told: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in city.door.ask(from_parameters("people", told), WHOLE).rows()]


def test_the_lake_holds_no_name_and_the_door_opens_what_it_grants(city: City) -> None:
    version = city.lake.newest("people")
    assert version is not None
    with city.lake.engine.execute(f"SELECT * FROM {city.lake.relation(version).sql}") as found:
        held = repr(found.fetchall())
    assert "Name 3" not in held
    assert "n3@example.org" not in held
    assert "P003" not in held
    assert _asked(city, select="id,name,district", filter="mail = 'n3@example.org'") == [(3, "Name 3", "d1")]


def test_who_is_not_granted_a_sealed_column_never_has_it_opened(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    version = city.lake.newest("people")
    assert version is not None
    calls: list[object] = []
    monkeypatch.setattr(city.vault, "open_columns", lambda *told: calls.append(told))
    columns = tuple(Shown(item, f'"{item.name}"') for item in version.schema if item.name in ("id", "district"))
    made = city.lake.cut(version, Cut("plain", columns, '"district" = ?', ("d1",)))
    assert (made.rows, calls) == (4, [])
    assert [item.name for item in made.schema] == ["id", "district"]


def test_a_person_is_found_by_her_pseudonym_and_by_her_mail_and_goes_with_her_key(city: City) -> None:
    erasure = city.erasure
    (found,) = erasure.find("residents", "P003")
    assert dict(found.rows) == {1: 1}
    (person,) = erasure.who("N3@example.org")
    assert (person.mark, person.id) == (city.vault.mark("residents", "P003"), "")
    _asked(city)  # a cut with every name in it
    erasure.run("residents", "P003", by="operator", reference="letter 9")
    assert erasure.who("n3@example.org") == ()
    assert [row[0] for row in _asked(city)] == [0, 1, 2, 4, 5, 6, 7]
    for path in (city.settings.home).rglob("*"):
        if path.is_file() and path.suffix == ".parquet":
            table = duckdb.connect().execute(f"SELECT * FROM read_parquet('{path}')").fetchall()
            assert "Name 3" not in repr(table), path


def test_without_its_key_a_sealed_row_that_was_missed_tells_nothing(city: City) -> None:
    assert city.vault.destroy("residents", city.vault.mark("residents", "P005"))
    rows = _asked(city, select="id,name,mail")
    assert rows[5] == (5, None, None)
    assert rows[4] == (4, "Name 4", "n4@example.org")
