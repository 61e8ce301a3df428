"""What the vault costs: sealing and opening rows, rotation, and erasing one person: ``python -m bench.vault``.

Beside each figure stands the raw engine's: AES-256-GCM of the same values one by one, and a copy of the same table.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ROWS, PERSONS, COLUMNS = 50_000, 25_000, ("name", "mail", "phone", "address")
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
      - {name: id, logicalType: integer, primaryKey: true, required: true}
      - {name: person, logicalType: string, customProperties: [{property: arengoSubject, value: residents}]}
      - {name: name, logicalType: string, customProperties: [{property: arengoProtect, value: vault}]}
      - {name: mail, logicalType: string, customProperties: [{property: arengoProtect, value: vault}]}
      - {name: phone, logicalType: string, customProperties: [{property: arengoProtect, value: vault}]}
      - {name: address, logicalType: string, customProperties: [{property: arengoProtect, value: vault}]}
customProperties:
  - {property: arengoAccess, value: closed}
"""


def main() -> None:
    import duckdb

    from arengo.contract.load import loads
    from arengo.privacy.vault import Vault
    from arengo.state import open_state

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        vault = Vault(home, open_state(f"sqlite:///{home / 'state.sqlite'}"))
        connection = duckdb.connect(str(home / "rows.duckdb"))
        connection.execute(
            f"CREATE TABLE held AS SELECT i AS _source, i AS id, 'P' || (i % {PERSONS}) AS person, "
            "'Name Surname ' || i AS name, 'person.' || i || '@example.org' AS mail, '+34 600 ' || i AS phone, "
            f"'Some Street ' || (i % 999) AS address FROM range({ROWS}) t(i)"
        )
        contract = loads(TEXT)
        values = ROWS * len(COLUMNS)
        marks = [vault.mark("residents", f"P{at}") for at in range(PERSONS)]
        _say("keys made", PERSONS, _timed(lambda: vault.take("residents", marks)), "persons")
        first = _timed(lambda: vault.close_columns(connection, contract, "held", "_source", "sealed"))
        _say("first sealing, with the blind index", values, first, "values")
        again = _timed(lambda: vault.close_columns(connection, contract, "held", "_source", "sealed"))
        _say("sealing again", values, again, "values")
        connection.execute("CREATE TABLE stored AS SELECT *, _source AS _row FROM sealed")
        opened = _timed(lambda: vault.open_columns(connection, "people", "stored", list(COLUMNS), ["id"], "opened"))
        _say("opening", values, opened, "values")
        one = AESGCM(secrets.token_bytes(32))
        raw = _timed(lambda: [one.encrypt(secrets.token_bytes(12), b"person.12345@example.org", b"people")
                              for _ in range(values)])  # fmt: skip
        _say("one key, value by value (raw)", values, raw, "values")
        copied = _timed(lambda: connection.execute("CREATE OR REPLACE TABLE copied AS SELECT * FROM held"))
        _say("copy of the table (raw)", values, copied, "values")
        _say("rotation of the city's key", PERSONS, _timed(vault.rotate), "persons")
        _say("destroying a key", 1, _timed(lambda: vault.destroy("residents", marks[0])), "persons")
        connection.close()


def _timed(work: object) -> float:
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


def _say(what: str, count: int, seconds: float, unit: str) -> None:
    print(f"{what:38} {seconds:8.3f} s   {count / seconds:12,.0f} {unit}/s")


if __name__ == "__main__":
    main()
