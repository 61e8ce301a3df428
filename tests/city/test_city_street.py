"""The main street, walked through the command line as the tutorial does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import arengo
from arengo.cli import app

TREES = """\
Street trees of My City;;;;
tree id;species;district;height (m);planted
00017;Tilia cordata;Porto;12,5;03/11/1998
00018;Platanus acerifolia;Porto;21,0;17/03/1971
00021;Tilia cordata;Colle;n.d.;25/02/2004
00022;Quercus ilex;Colle;9,8;30/10/2011
00035;Acer campestre;Mercato;7,1;12/12/2015
"""


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def city(tmp_path: Path) -> Path:
    root = tmp_path / "my-city"
    run("init", str(root), "--name", "My City", "--country", "IT", "--timezone", "Europe/Rome")
    (root / "sources" / "trees.csv").write_text(TREES, encoding="utf-8")
    return root


def test_the_tutorial(city: Path) -> None:
    where = ["--city", str(city)]
    contract = city / "contracts" / "street-trees.odcs.yaml"
    run("draft", str(city / "sources" / "trees.csv"), "-o", str(contract))
    text = contract.read_text(encoding="utf-8")
    assert "path: sources/trees.csv" in text, "the path of a file inside the city is relative to it"
    assert run("lint", *where).endswith("other findings\n")
    assert "street-trees" in run("plan", *where)
    assert "v1, 5 rows" in run("publish", *where, "street-trees")
    assert "unchanged" in run("publish", *where, "street-trees")

    changed = TREES.replace("12,5", "13,0").replace("00035;Acer campestre;Mercato;7,1;12/12/2015\n", "")
    (city / "sources" / "trees.csv").write_text(changed + "00040;Morus alba;Porto;2,0;01/02/2026\n", encoding="utf-8")
    assert "v2, 5 rows" in run("publish", *where, "street-trees")

    found = json.loads(run("diff", "street-trees", "1", "2", *where, "--json"))
    counts = found["difference"]
    assert (counts["added"], counts["changed"], counts["removed"]) == (1, 1, 1)
    told = run("history", "street-trees", "00017", *where).splitlines()
    assert (told[0][:2], told[1].endswith("height_m=13.0")) == ("v1", True), told
    words = [
        "query",
        "street-trees",
        "--as-of",
        "v1",
        "--group-by",
        "district",
        "--aggregate",
        "count",
        *where,
        "--json",
    ]
    assert {row["district"]: row["count"] for row in json.loads(run(*words))} == {"Porto": 2, "Colle": 2, "Mercato": 1}
    assert [item["number"] for item in json.loads(run("versions", "street-trees", *where, "--json"))] == [2, 1]
    status = json.loads(run("status", *where, "--json"))
    assert status[0]["rows"] == 5
    assert status[0]["last_run"] == "succeeded"

    out = city / "out.csv"
    run("export", "street-trees", "-o", str(out), "--as-of", "1", *where)
    assert out.read_text(encoding="utf-8").splitlines()[1].startswith('"00017",')
    assert "MEND" not in run("doctor", *where)


def test_the_library_is_the_same_street(city: Path) -> None:
    (drafted,) = arengo.draft(str(city / "sources" / "trees.csv"), id="street-trees")
    (city / "contracts" / "street-trees.odcs.yaml").write_text(drafted.text, encoding="utf-8")
    with arengo.open(city) as opened:
        (published,) = opened.publish(["street-trees"])
        assert published.state == "succeeded"
        (version,) = opened.versions("street-trees")
        assert version.rows == version.rows_in - version.quarantined == 5


def test_the_python_guide_runs(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / "guides" / "python.md"
    blocks = re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    run("draft", str(city / "sources" / "trees.csv"), "-o", str(city / "contracts" / "street-trees.odcs.yaml"))
    monkeypatch.chdir(city.parent)
    names: dict[str, Any] = {}
    for number, block in enumerate(blocks):
        if number == len(blocks) - 1:  # the last one compares two versions
            (city / "sources" / "trees.csv").write_text(TREES.replace("12,5", "13,0"), encoding="utf-8")
            names["city"].publish("street-trees")
        exec(block, names)
    assert names["runs"][0].state == "succeeded"
    assert names["answer"].rows() == [("00018", 21.0), ("00017", 12.5), ("00022", 9.8)]
    assert names["table"].num_rows == 5
    assert names["city"].diff("street-trees", 1, 2).changed == 1
    names["city"].close()


def test_errors_say_what_to_do(city: Path, tmp_path: Path) -> None:
    from arengo.errors import ContractError, SettingsError, SourceMissing, UnknownDataset

    def fails(kind: type[Exception], words: str, *command: str) -> None:
        with pytest.raises(kind, match=words):
            CliRunner().invoke(app, list(command), catch_exceptions=False)

    fails(SettingsError, "arengo init", "status", "--city", str(tmp_path))
    fails(ContractError, "Draft one", "publish", "--city", str(city))
    fails(SourceMissing, "nothing.csv", "draft", str(tmp_path / "nothing.csv"))
    run("draft", str(city / "sources" / "trees.csv"), "-o", str(city / "contracts" / "street-trees.odcs.yaml"))
    fails(UnknownDataset, "street-trees", "publish", "street-tree", "--city", str(city))
    fails(
        ContractError,
        "--force",
        *("draft", str(city / "sources" / "trees.csv"), "-o", str(city / "contracts" / "street-trees.odcs.yaml")),
    )


def test_help_tells_the_story_in_order() -> None:
    text = run("--help")
    names = ["init", "draft", "lint", "plan", "apply", "publish", "status", "versions", "diff", "history", "query"]
    names += ["export", "serve", "demo", "doctor"]
    table = text[text.index("Commands") :]
    places = [table.index(f" {name} ") for name in names]
    assert places == sorted(places)
