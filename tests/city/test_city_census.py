"""``arengo census``: in from a sheet, shown, out again."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from arengo.city import init
from arengo.commands.census import app
from arengo.errors import NotFound, SourceMalformed


@pytest.fixture
def city(tmp_path: Path) -> Path:
    init(tmp_path / "city", name="Little", language="it").close()
    return tmp_path / "city"


def test_a_sheet_goes_in_and_comes_out_again(city: Path, tmp_path: Path) -> None:
    runner, at = CliRunner(), ["--city", str(city)]
    one, two = tmp_path / "a.csv", tmp_path / "e.csv"
    one.write_text("Application;Department\nRegistry;Civil\nMaps;Planning\n")
    two.write_text("From;To;What;How\nRegistry;Maps;Residents;by hand\n")
    dry = runner.invoke(app, ["import", str(one), str(two), "--dry-run", *at])
    assert dry.exit_code == 0
    assert "3 new, 0 changed, 0 gone" in dry.output
    assert "Taken over" not in dry.output
    asked = runner.invoke(app, ["import", str(one), str(two), *at], input="n\n")
    assert "Taken over" not in asked.output
    taken = runner.invoke(app, ["import", str(one), str(two), "--yes", *at])
    assert taken.output.endswith("Taken over.\n")
    again = runner.invoke(app, ["import", str(one), str(two), "--yes", "--json", *at])
    assert json.loads(again.output)["added"] == 0
    shown = runner.invoke(app, ["show", *at])
    assert "2 applications, 1 exchanges" in shown.output
    assert "Residents" in runner.invoke(app, ["show", "registry", *at]).output
    with pytest.raises(NotFound):
        runner.invoke(app, ["show", "nobody", *at], catch_exceptions=False)
    out = tmp_path / "out.xlsx"
    assert runner.invoke(app, ["export", "-o", str(out), *at]).exit_code == 0
    assert openpyxl.load_workbook(out).sheetnames[0] == "Applicazioni"  # the city's language
    folder = tmp_path / "csv"
    assert runner.invoke(app, ["export", "-o", str(folder), "--language", "en", *at]).exit_code == 0
    assert (folder / "exchanges.csv").read_text(encoding="utf-8-sig").startswith("From,To,What")


def test_a_wrong_sheet_ends_with_the_code_of_a_wrong_source(city: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("Application;Department\n;x\n")
    at = ["--city", str(city)]
    with pytest.raises(SourceMalformed, match="nothing was taken"):
        CliRunner().invoke(app, ["import", str(path), "--yes", *at], catch_exceptions=False)
    told = CliRunner().invoke(app, ["import", str(path), "--yes", "--json", *at])
    assert told.exit_code == SourceMalformed.exit_code
    assert any("bad.csv, row 2" in item for item in json.loads(told.output)["problems"])
