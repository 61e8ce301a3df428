"""What a city would pick instead: installed apart, loaded and tuned as their own documentation advises.

``python -m bench peers`` makes one virtual environment a peer under ``bench/.data/peers``. PostgreSQL with PostGIS
comes from the operating system; a private cluster runs under ``bench/.data``, as another user when this one is root.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import measure

PACKAGES = {
    "datasette": ("datasette==0.65.5", "sqlite-utils==4.2.1"),
    "roapi": ("roapi==0.12.7",),
    "tipg": ("tipg==1.6.1", "uvicorn"),
    "pygeoapi": ("pygeoapi==0.21.0", "gunicorn", "psycopg2-binary", "sqlalchemy", "geoalchemy2"),
}
DEFAULT = ("datasette", "roapi", "tipg")


@dataclass(frozen=True, slots=True)
class Data:
    """One size of the civic data and where the peers keep their copies of it."""

    rows: int
    folder: Path

    @property
    def csv(self) -> Path:
        return self.folder / f"civic-{self.rows}.csv"

    @property
    def parquet(self) -> Path:
        return self.folder / f"civic-{self.rows}.parquet"

    @property
    def sorted(self) -> Path:
        """The same rows ordered for work b, in small row groups: ROAPI's best case."""
        return self.folder / f"civic-{self.rows}-sorted.parquet"

    @property
    def sqlite(self) -> Path:
        return self.folder / "datasette" / str(self.rows) / "civic.db"

    @property
    def database(self) -> str:
        return f"civic_{self.rows}"


def binaries(folder: Path, peer: str) -> Path:
    return folder / "peers" / peer / "bin"


def installed(folder: Path, peer: str) -> bool:
    return (binaries(folder, peer) / ".installed").exists()


def install(folder: Path, peers: Sequence[str]) -> None:
    for peer in peers:
        if installed(folder, peer):
            continue
        place = folder / "peers" / peer
        print(f"installing {peer}: {', '.join(PACKAGES[peer])}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES[peer]], check=True)
        (place / "bin" / ".installed").write_text("\n".join(PACKAGES[peer]) + "\n")


# PostgreSQL


class Postgres:
    """A private cluster with stock settings, reached over TCP on a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "postgres"
        self.port = 0
        self.tools = _postgres_tools()
        self.user = pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            self.user = "postgres"

    def _as_user(self, command: Sequence[str]) -> list[str]:
        return ["runuser", "-u", self.user, "--", *command] if os.getuid() == 0 else list(command)

    def _tool(self, name: str, *arguments: str) -> list[str]:
        return self._as_user([str(self.tools / name), *arguments])

    def start(self) -> Postgres:
        if not (self.folder / "PG_VERSION").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            if os.getuid() == 0:
                shutil.chown(self.folder, self.user)
            command = self._tool(
                "initdb", "-D", str(self.folder), "-A", "trust", "-U", "bench", "-E", "UTF8", "--no-sync"
            )
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
        if (self.folder / "postmaster.pid").exists():
            self.stop()
        self.port = measure.free_port()
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        log = str(self.folder / "server.log")
        command = self._tool("pg_ctl", "-D", str(self.folder), "-w", "-l", log, "-o", options, "start")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
        return self

    @property
    def postmaster(self) -> int:
        return int((self.folder / "postmaster.pid").read_text().splitlines()[0])

    def url(self, database: str) -> str:
        return f"postgresql://bench@127.0.0.1:{self.port}/{database}"

    def run(self, database: str, script: str) -> str:
        command = [str(self.tools / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def stop(self) -> None:
        command = self._tool("pg_ctl", "-D", str(self.folder), "-m", "immediate", "stop")
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


def _postgres_tools() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("PostgreSQL is not installed. On Debian: apt-get install postgresql-15-postgis-3")
    return Path(on_path).parent


_POSTGIS = """
create table civic (id text primary key, created_at timestamptz, category text, status text, district text,
  lon double precision, lat double precision, address text, description text, department text,
  response_hours double precision, cost_eur double precision);
\\copy civic from '{csv}' csv header
alter table civic add geom geometry(Point,4326);
update civic set geom = st_setsrid(st_makepoint(lon,lat),4326);
create index on civic using gist(geom);
create index on civic(created_at);
create index on civic(category,district,created_at);
vacuum analyze civic;
create index civic_fts on civic using gin(to_tsvector('simple',description));
"""


# Loading: done once a size, its times kept beside the data


def load(folder: Path, peer: str, data: Data, postgres: Postgres | None) -> dict[str, float]:
    note = folder / "loads.json"
    known: dict[str, dict[str, float]] = json.loads(note.read_text()) if note.exists() else {}
    key = f"{peer}-{data.rows}"
    there = {"datasette": data.sqlite, "roapi": data.sorted}.get(peer)
    if key in known and (there is None or there.exists()):
        return known[key]
    print(f"loading {data.rows:,} rows into {peer}", flush=True)
    begin = time.perf_counter()
    if peer == "datasette":
        spent = _load_datasette(folder, data)
    elif peer in ("tipg", "pygeoapi"):
        assert postgres is not None
        exists = postgres.run("postgres", f"select 1 from pg_database where datname = '{data.database}'")
        if exists:
            spent = known.get(f"tipg-{data.rows}", {})
        else:
            before = measure.cpu(postgres.postmaster, postgres.postmaster)
            postgres.run("postgres", f"create database {data.database}")
            postgres.run(data.database, "create extension postgis;" + _POSTGIS.format(csv=data.csv))
            after = measure.cpu(postgres.postmaster, postgres.postmaster)
            spent = {"wall_s": round(time.perf_counter() - begin, 1), "cpu_s": round(after - before, 1)}
    else:
        spent = _load_roapi(data)
    known[key] = spent
    note.write_text(json.dumps(known, indent=1) + "\n")
    return spent


def _load_roapi(data: Data) -> dict[str, float]:
    import duckdb

    source, target = (str(path).replace("'", "''") for path in (data.parquet, data.sorted))
    select = f"SELECT * FROM read_parquet('{source}') ORDER BY category, district, created_at"
    duckdb.execute(f"COPY ({select}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)")
    return {}


def _load_datasette(folder: Path, data: Data) -> dict[str, float]:
    tool = str(binaries(folder, "datasette") / "sqlite-utils")
    data.sqlite.parent.mkdir(parents=True, exist_ok=True)
    partial = data.sqlite.with_suffix(".part")
    partial.unlink(missing_ok=True)
    database = str(partial)
    commands = (
        [tool, "insert", database, "civic", str(data.csv), "--csv", "--pk", "id"],
        [tool, "create-index", database, "civic", "--", "created_at"],
        [tool, "create-index", database, "civic", "category", "district", "created_at"],
        [tool, "create-index", database, "civic", "lon", "lat"],
        [tool, "enable-fts", database, "civic", "description", "--fts5"],
    )
    spent = [measure.run(command) for command in commands]
    partial.replace(data.sqlite)
    return {
        "wall_s": round(sum(item["wall_s"] for item in spent), 1),
        "cpu_s": round(sum(item["cpu_s"] for item in spent), 1),
        "peak_mb": max(item["peak_mb"] for item in spent),
    }


# Serving


def _datasette(folder: Path, data: Data, postgres: Postgres | None, logs: Path) -> measure.Server:
    port = measure.free_port()
    command = [str(binaries(folder, "datasette") / "datasette"), "serve", str(data.sqlite), "-p", str(port)]
    for name, value in (("sql_time_limit_ms", 60000), ("max_returned_rows", 1000), ("max_csv_mb", 0)):
        command += ["--setting", name, str(value)]
    return measure.start("datasette", "datasette", command, port, "/-/versions.json", folder=logs)


def _roapi(source: Callable[[Data], Path], name: str) -> Callable[..., measure.Server]:
    def serve(folder: Path, data: Data, postgres: Postgres | None, logs: Path) -> measure.Server:
        port = measure.free_port()
        command = [str(binaries(folder, "roapi") / "roapi"), "-a", f"127.0.0.1:{port}"]
        for option in ("-p", "--addr-flight-sql"):
            command += [option, f"127.0.0.1:{measure.free_port()}"]
        return measure.start(
            name, "roapi", [*command, "-t", f"civic={source(data)}"], port, "/health", folder=logs
        )  # fmt: skip

    return serve


def _tipg(folder: Path, data: Data, postgres: Postgres | None, logs: Path) -> measure.Server:
    assert postgres is not None
    port = measure.free_port()
    env = {"DATABASE_URL": postgres.url(data.database), "TIPG_MAX_FEATURES_PER_QUERY": "10000000"}
    command = [str(binaries(folder, "tipg") / "uvicorn"), "tipg.main:app", "--port", str(port), "--workers", "1"]
    return measure.start(
        "tipg", "tipg", [*command, "--log-level", "warning"], port, "/collections", folder=logs, env=env,
        postmaster=postgres.postmaster,
    )  # fmt: skip


def _pygeoapi(folder: Path, data: Data, postgres: Postgres | None, logs: Path) -> measure.Server:
    assert postgres is not None
    port = measure.free_port()
    logs.mkdir(parents=True, exist_ok=True)
    config, document = logs / "pygeoapi.yml", logs / "pygeoapi.openapi.yml"
    config.write_text(json.dumps(_pygeoapi_config(postgres, data, port), indent=1))
    env = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(document)}
    tools = binaries(folder, "pygeoapi")
    generate = [str(tools / "pygeoapi"), "openapi", "generate", str(config), "--output-file", str(document)]
    subprocess.run(generate, check=True, env={**os.environ, **env}, stdout=subprocess.DEVNULL)
    command = [str(tools / "gunicorn"), "-w1", "--threads", "4", "-t", "300", "-b", f"127.0.0.1:{port}"]
    return measure.start(
        "pygeoapi", "pygeoapi", [*command, "pygeoapi.flask_app:APP"], port, "/conformance", folder=logs, env=env,
        postmaster=postgres.postmaster,
    )  # fmt: skip


def _pygeoapi_config(postgres: Postgres, data: Data, port: int) -> dict[str, object]:
    address = f"http://127.0.0.1:{port}"
    contact = dict.fromkeys(
        ("name", "position", "address", "city", "stateorprovince", "postalcode", "country", "phone", "fax", "hours"),
        "x",
    )
    contact |= {"url": address, "email": "a@b.example", "instructions": "x", "role": "pointOfContact"}
    provider = {
        "type": "feature", "name": "PostgreSQL", "id_field": "id", "table": "civic", "geom_field": "geom",
        "time_field": "created_at",
        "data": {"host": "127.0.0.1", "port": postgres.port, "dbname": data.database, "user": "bench", "password": "x",
                 "search_path": ["public"]},
    }  # fmt: skip
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port}, "url": address, "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8", "languages": ["en-US"], "limits": {"default_items": 10, "max_items": 1000000},
            "map": {"url": "https://tiles.example/{z}/{x}/{y}.png", "attribution": "x"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {"title": "t", "description": "d", "keywords": ["k"], "keywords_type": "theme",
                               "terms_of_service": "x", "url": address},
            "license": {"name": "CC0", "url": address}, "provider": {"name": "x", "url": address}, "contact": contact,
        },
        "resources": {
            "civic": {
                "type": "collection", "title": "Civic", "description": "d", "keywords": ["k"], "links": [],
                "extents": {"spatial": {"bbox": [2.0, 41.2, 2.4, 41.6],
                                        "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
                "providers": [provider],
            }
        },
    }  # fmt: skip


SERVERS: dict[str, tuple[str, Callable[..., measure.Server]]] = {
    "datasette": ("datasette", _datasette),
    "roapi-csv": ("roapi", _roapi(lambda data: data.csv, "roapi-csv")),
    "roapi-parquet": ("roapi", _roapi(lambda data: data.sorted, "roapi-parquet")),
    "tipg": ("tipg", _tipg),
    "pygeoapi": ("pygeoapi", _pygeoapi),
}
"""Server to (package that must be installed, how to start it)."""
