"""``arengo register``: every command on a real city, by its own output."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import register_city
from typer.testing import CliRunner, Result

from arengo.city import City
from arengo.commands.register import app
from arengo.errors import BadForm, NotFound


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    made = register_city.make(tmp_path_factory.mktemp("commands"))
    made.apply()
    yield made
    made.close()


def run(city: City, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--city", str(city.settings.root)])


def test_the_record_is_written_in_every_form(city: City, tmp_path: Path) -> None:
    told = run(city, "record")
    assert told.exit_code == 0
    assert "Planning places in schools" in told.stdout
    found = json.loads(run(city, "record", "--json").stdout)["activities"]
    assert [item["id"] for item in found] == ["officials", "pupils/place-planning", "pupils/transport", "staff/payroll"]
    assert found[1]["bases"][0] == "A public task (Art. 6(1)(e) GDPR)"
    assert "Programmazione dei posti nelle scuole" in run(city, "record", "-l", "it").stdout
    assert run(city, "record", "-o", str(tmp_path / "record.csv")).exit_code == 0
    rows = list(csv.reader(io.StringIO((tmp_path / "record.csv").read_text(encoding="utf-8-sig"), newline="")))
    assert len(rows) == 5
    assert run(city, "record", "-o", str(tmp_path / "record.pdf")).exit_code == 0
    good = run(city, "check", str(tmp_path / "record.pdf"))
    assert (good.exit_code, "unchanged" in good.stdout) == (0, True)
    changed = bytearray((tmp_path / "record.pdf").read_bytes())
    changed[300] ^= 1
    (tmp_path / "changed.pdf").write_bytes(changed)
    bad = run(city, "check", str(tmp_path / "changed.pdf"), "--json")
    assert (bad.exit_code, json.loads(bad.stdout)["good"]) == (1, False)
    assert isinstance(run(city, "check", str(tmp_path / "none.pdf")).exception, BadForm)


def test_notices_and_assessments_of_one_dataset(city: City, tmp_path: Path) -> None:
    told = run(city, "notice", "pupils")
    assert "Who is responsible?" in told.stdout
    assert not [name for name in register_city.NAMES if name in told.stdout]
    assert run(city, "notice", "pupils", "-o", str(tmp_path / "notice.pdf")).exit_code == 0
    assert run(city, "check", str(tmp_path / "notice.pdf")).exit_code == 0
    assert "Are there special categories or offences? yes" in run(city, "dpia", "pupils").stdout
    assert run(city, "dpia", "pupils", "-o", str(tmp_path / "dpia.pdf")).exit_code == 0
    assert run(city, "check", str(tmp_path / "dpia.pdf")).exit_code == 1  # a skeleton is not sealed
    assert isinstance(run(city, "notice", "benches").exception, NotFound)


def test_holds_and_retention(city: City) -> None:
    assert "Nothing is past its retention." in run(city, "retention").stdout
    assert "No hold stands." in run(city, "hold").stdout
    made = json.loads(run(city, "hold", "pupils", "--reason", "Case 4", "--since", "2026-02-01", "--json").stdout)
    (held,) = made["holds"]
    assert (held["dataset"], held["since"], held["lifted_at"]) == ("pupils", "2026-02-01", None)
    assert "Case 4" in run(city, "hold").stdout
    assert isinstance(run(city, "hold", "pupils", "--reason", "Case 5", "--since", "soon").exception, BadForm)
    assert "ended" in run(city, "hold", "--lift", held["id"], "--reason", "It is over.").stdout
    assert len(json.loads(run(city, "hold", "--json").stdout)["holds"]) == 1
    assert "No hold stands." in run(city, "hold").stdout
