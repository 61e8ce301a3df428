"""The measuring kit stays what it was: same data, same requests, honest verdicts."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench import civic, product, report, works

from arengo.contract import lint, loads


def test_the_data_never_changes(tmp_path: Path) -> None:
    made = civic.generate(3000, tmp_path / "civic.csv")
    assert hashlib.sha256(made.read_bytes()).hexdigest() == (
        "303f5049c65efae7ce60214c292639fd8cdfb004279dd223e9a5f6a691a3763d"
    )


def test_the_requests_never_change() -> None:
    spelled = "\n".join(
        call.path + call.body
        for dialect in sorted(works.PATHS)
        for work in sorted(works.PATHS[dialect])
        for call in works.calls(dialect, work)
    )
    assert len(works.calls("arengo", "b")) == 240
    assert len(works.calls("tipg", "d")) == 120
    assert works.calls("roapi", "d") == []
    assert hashlib.sha256(spelled.encode()).hexdigest()[:16] == "24bba81e9b5caa4c"


def test_the_contract_is_sound() -> None:
    contract = loads(product.CONTRACT)
    assert not [item for item in lint(product.CONTRACT) if item.severity == "error"]
    assert [column.name for column in contract.properties] == list(civic.COLUMNS)
    assert contract.filters == (("category", "district", "-created_at"),)


def test_verdicts_say_met_missed_and_not_measured() -> None:
    results = {
        "run": {}, "wrong": [], "f": {"arengo": {"mb_s": 100.0, "peak_rss_mb": 250.0}},
        "a": {"arengo": {"cpu_s": 8.0, "wall_s": 6.0, "peak_mb": 400.0}, "duckdb": {"cpu_s": 2.5}},
        "works": {"b": {"arengo": {"cpu_ms": 3.0}, "tipg": {"cpu_ms": 4.4}}, "c": {}, "d": {}, "g": {}},
        "h": {"arengo": {"start_s": 1.2, "idle_rss_mb": 180.0}},
    }  # fmt: skip
    found = {(item.work, item.claim): item.met for item in report.verdicts(results)}
    by_work = [met for (work, _), met in found.items() if work == "a"]
    assert by_work == [False, None, None]
    assert found["b", "CPU no more than tipg on indexed PostGIS"] is True
    assert found["d", "at least 8x less CPU than tipg"] is None
    assert found["h", "start to first answer under 2 s"] is True
    assert found["f", "server under 300 MB while exporting"] is True
