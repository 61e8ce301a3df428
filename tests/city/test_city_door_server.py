"""A running answer ends when what was granted ends: a real server, a reader who takes his time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving import serving

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "portal"))

from access_town import Town, granted, make_town

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = make_town(tmp_path_factory.mktemp("large"), rows=150_000)
    yield made
    made.city.close()


@pytest.fixture(scope="module")
def address(town: Town) -> Iterator[str]:
    with serving(town.city.settings.root, "--workers", "2", schedule=True) as here:
        yield here


def test_a_suspension_cuts_a_running_download(town: Town, address: str) -> None:
    key, agreement = granted(town, "large")
    access = town.city.access
    path = f"{address}/api/v1/datasets/pupils/export.ndjson"
    headers = {"x-api-key": key, "accept-encoding": "identity"}
    with httpx.stream("GET", path, headers=headers, timeout=60) as answer:
        assert answer.status_code == 200
        whole = sum(len(piece) for piece in answer.iter_raw(65_536))
    time.sleep(1.2)
    taken: list[int] = []

    def take() -> None:
        with httpx.stream("GET", path, headers=headers, timeout=60) as answer:
            assert answer.status_code == 200
            for piece in answer.iter_raw(4096):
                taken.append(len(piece))
                if len(taken) == 3:
                    access.agreements.suspend(agreement, by=town.caller("anna"), why="Stop.")
                    time.sleep(2.5)

    with pytest.raises(httpx.TransportError):
        take()
    assert 0 < sum(taken) < whole
    refused = httpx.get(path, headers=headers, timeout=60)
    assert refused.status_code == 403
    assert "suspended" in refused.text


def test_both_workers_know_at_once_and_both_are_on_record(town: Town, address: str) -> None:
    access = town.city.access
    key, agreement = granted(town, "large")
    before = town.city.ledger.size
    codes = []
    for _ in range(8):
        codes.append(
            httpx.get(
                timeout=60, url=f"{address}/api/v1/datasets/pupils/rows?limit=1", headers={"x-api-key": key}
            ).status_code
        )
        time.sleep(0.6)
    assert codes == [200] * 8
    assert town.city.ledger.size >= before + 8
    access.agreements.suspend(agreement, by=town.caller("anna"), why="Stop.")
    assert {
        httpx.get(
            timeout=60, url=f"{address}/api/v1/datasets/pupils/rows?limit=1", headers={"x-api-key": key}
        ).status_code
        for _ in range(8)
    } == {403}
