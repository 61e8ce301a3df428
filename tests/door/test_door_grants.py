"""What the door shows of what was granted: masks, rows, order, counts, history, SQL; and who is on record."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from grant_city import COLUMNS, PUPILS, READER, Rule, make, pupil

from arengo.contract import loads
from arengo.door import ANYONE, Caller, Door
from arengo.door.attendance import Reading, attended, told
from arengo.errors import ArengoError, NotAllowed, PolicyError, UnknownColumn
from arengo.governance import Mask
from arengo.privacy.mask import derive, digest
from arengo.query import Aggregate, Group, Order, Query, parse_text

PEOPLE = [pupil(number) for number in range(40)]


def shown(city: Any, **query: Any) -> list[dict[str, Any]]:
    answer = city.door.ask(Query("pupils", **query), READER)
    names = [item.name for item in answer.columns]
    return [dict(zip(names, row, strict=True)) for row in answer.rows()]


def test_only_granted_columns_exist(tmp_path: Path) -> None:
    city = make(tmp_path, PEOPLE, Rule(["pupil", "school"]))
    assert list(shown(city)[0]) == ["pupil", "school"]
    for query in (
        {"select": ("income",)},
        {"filter": parse_text("income > 3")},
        {"order_by": (Order("income"),)},
        {"group_by": (Group("income"),)},
        {"aggregates": (Aggregate("max", "income"),)},
    ):
        with pytest.raises(UnknownColumn) as caught:
            shown(city, **query)
        with pytest.raises(UnknownColumn) as never:
            city.door.ask(Query("pupils", select=("no_such",)), READER)
        assert caught.value.todo.replace("income", "") == never.value.todo.replace("no_such", "")
        assert "born" not in str(caught.value)
    view = city.door.view("pupils", "", READER)
    assert view.geometry is None
    assert view.scope.time == ""
    assert [column.name for column in view.version.schema] == ["pupil", "school"]
    assert (view.version.files, view.version.bytes, view.version.sort) == ((), 0, ("pupil",))
    city.close()


@pytest.mark.parametrize(
    ("column", "mask", "value", "wanted"),
    [
        ("school", Mask("hide"), "Manzoni", None),
        ("school", Mask("truncate", "3"), "Manzoni", "Man"),
        ("born", Mask("truncate", "4"), "2011-02-11", "2011"),
        ("born", Mask("generalise", "month"), "2011-02-11", "2011-02"),
        ("born", Mask("generalise", "year"), "2011-02-11", "2011"),
        ("born", Mask("generalise", "decade"), "2011-02-11", "2010–2019"),
        ("born", Mask("top", "2010-12-31"), "2011-02-11", "2010-12-31"),
        ("marks", Mask("generalise", "5"), 1, "0–4"),
        ("marks", Mask("top", "0"), 1, 0),
        ("marks", Mask("bottom", "4"), 1, 4),
        ("income", Mask("round", "1000"), 1000.5, 1000.0),
        ("income", Mask("generalise", "2.5"), 1000.5, "[1000.0, 1002.5)"),
        ("marks", Mask("round", "5"), 4, 5),
        ("note", Mask("hide"), None, None),
        ("note", Mask("truncate", "3"), None, None),
    ],
)
def test_masks(tmp_path: Path, column: str, mask: Mask, value: Any, wanted: Any) -> None:
    city = make(tmp_path, [{**pupil(1), column: value}], Rule(COLUMNS, masks={column: mask}))
    (row,) = shown(city)
    assert (str(row[column]) if column == "born" else row[column]) == wanted
    kind = city.door.view("pupils", "", READER).scope.fields[column].kind
    if wanted is not None and column != "born":
        assert isinstance(wanted, {"string": str, "integer": int, "number": float}[kind.value])
    city.close()


@pytest.mark.parametrize(
    ("column", "mask"),
    [
        ("school", Mask("round", "5")),
        ("school", Mask("truncate", "x")),
        ("school", Mask("truncate", "-1")),
        ("born", Mask("generalise", "fortnight")),
        ("marks", Mask("generalise", "0")),
        ("marks", Mask("top", "nan")),
        ("income", Mask("round", "1); DROP TABLE cut; --")),
        ("school", Mask("melt")),
    ],
)
def test_a_mask_that_does_not_fit_shows_nothing(tmp_path: Path, column: str, mask: Mask) -> None:
    city = make(tmp_path, PEOPLE, Rule(COLUMNS, masks={column: mask}))
    with pytest.raises(PolicyError):
        shown(city)
    city.close()


def test_no_value_stands_in_an_error_or_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    people = [{**row, "income": 8.25e299, "note": "4711-secret"} for row in PEOPLE]
    met: list[str] = []
    for number, rule in enumerate(
        (
            Rule(["school", "income"], masks={"income": Mask("generalise", "10")}),
            Rule(["school"], rows=["CAST(note AS INTEGER) > 3"]),
            Rule(["school", "income"], rows=["income * 1e200 > 3"], masks={"income": Mask("round", "3")}),
        )
    ):
        city = make(tmp_path / str(number), people, rule)
        try:
            shown(city)
        except ArengoError as error:
            met.append(str(error))
        city.close()
    assert "4711" not in str(met)
    assert "8.25" not in str(met)
    assert "4711" not in caplog.text
    assert "8.25" not in caplog.text


def test_a_pseudonym_is_hmac_and_another_for_each_purpose_and_recipient(tmp_path: Path) -> None:
    city = make(tmp_path, PEOPLE, Rule(["pupil", "school"], masks={"pupil": Mask("pseudonym")}))
    first = {row["pupil"] for row in shown(city)}
    key = derive(bytes.fromhex("11" * 32), "pseudonym", "planning", "mobility", "resident")
    assert first == {hmac.new(key, f"p{n:03d}".encode(), hashlib.sha256).hexdigest()[:32] for n in range(40)}
    assert digest(key, "p003") in first
    other = derive(bytes.fromhex("11" * 32), "pseudonym", "planning", "transport", "resident")
    assert digest(other, "p003") not in first
    assert city.door.view("pupils", "", READER).scope.key == ("pupil",)  # it still tells rows apart
    city.close()


def test_rows_are_filtered_by_columns_that_are_not_shown(tmp_path: Path) -> None:
    rule = Rule(["pupil", "school"], rows=["income < 10000", "marks <> 3"])
    city = make(tmp_path, PEOPLE, rule)
    wanted = [row["pupil"] for row in PEOPLE if row["income"] < 10000 and row["marks"] != 3]
    assert [row["pupil"] for row in shown(city)] == wanted
    answer = city.door.ask(Query("pupils", limit=2, count=True), READER)
    assert (answer.matched, answer.view.version.rows) == (len(wanted), len(wanted))
    assert [row[-1] for row in city.door.ask(Query("pupils", limit=3), READER).numbered()] == [1, 2, 3]
    assert {item.rows for item in city.door.versions("pupils", READER)} == {len(wanted)}
    city.close()


def test_statistics_are_those_of_the_cut(tmp_path: Path) -> None:
    rule = Rule(["school", "marks", "born"], rows=["income < 10000"], masks={"marks": Mask("top", "4")})
    city = make(tmp_path, PEOPLE, rule)
    found = city.door.profile("pupils", "", READER)
    kept = [row for row in PEOPLE if row["income"] < 10000]
    assert found["rows"] == len(kept)
    assert set(found["columns"]) == {"school", "marks", "born"}
    assert (found["columns"]["marks"]["max"], found["columns"]["marks"]["count"]) == (4, len(kept))
    assert found == city.door.profile("pupils", "", READER)
    assert city.lake.sweep_cuts() == 0
    assert city.lake.sweep_cuts(timedelta(seconds=-5)) == 1
    assert len(shown(city)) == len(kept)
    city.close()


def test_an_empty_or_wrong_row_filter_shows_nothing(tmp_path: Path) -> None:
    for number, text in enumerate(("", "no_such = 1", "income <")):
        city = make(tmp_path / str(number), PEOPLE, Rule(COLUMNS, rows=[text]))
        with pytest.raises(PolicyError) as caught:
            shown(city)
        assert "income" not in str(caught.value)
        city.close()


def test_pages_search_groups_and_sql_see_the_cut_alone(tmp_path: Path) -> None:
    rule = Rule(["pupil", "school", "marks"], rows=["marks > 2"], masks={"marks": Mask("top", "4")})
    city = make(tmp_path, PEOPLE, rule)
    wanted = [row for row in PEOPLE if row["marks"] > 2]
    seen, cursor = [], ""
    while True:
        answer = city.door.ask(Query("pupils", limit=7, cursor=cursor), READER)
        seen += answer.rows()
        cursor = answer.next_cursor
        if not cursor:
            break
    assert seen == [(row["pupil"], row["school"], min(row["marks"], 4)) for row in wanted]
    groups = shown(city, group_by=(Group("marks"),), aggregates=(Aggregate("count"),))
    assert {row["marks"] for row in groups} == {3, 4}
    assert shown(city, search="maths") == []  # the word stands in a column that is not granted
    assert len(shown(city, search="Verdi")) == sum(row["school"] == "Verdi" for row in wanted)
    answer = city.door.sql("SELECT count(*) AS n, max(marks) AS m, min(pupil) AS p FROM pupils", caller=READER)
    assert answer.rows() == [(len(wanted), 4, wanted[0]["pupil"])]
    with pytest.raises(Exception, match="income"):
        city.door.sql("SELECT income FROM pupils", caller=READER).rows()
    city.door.close()
    city.close()


def test_what_is_not_granted_is_in_no_file_of_the_cut(tmp_path: Path) -> None:
    people = [{**row, "note": f"SECRET-{row['pupil']}", "income": 123456.0} for row in PEOPLE]
    rule = Rule(["pupil", "school"], masks={"pupil": Mask("pseudonym")})
    city = make(tmp_path, people, rule)
    assert len(shown(city)) == 40
    files = list((city.settings.home / "serving").rglob("cut-*/*.parquet"))
    assert files
    for path in files:
        names = [row[0] for row in duckdb.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        assert names == ["pupil", "school", "_subject", "_row"]
        for values in duckdb.execute(f"SELECT * FROM '{path}'").fetchall():
            assert not [value for value in values if isinstance(value, str) and value.startswith(("p0", "SECRET"))]
    city.close()


@pytest.mark.parametrize("left", [0, 40])
def test_a_damaged_cut_is_made_again(tmp_path: Path, left: int) -> None:
    city = make(tmp_path, PEOPLE, Rule(["pupil", "school"]))
    wanted = shown(city)
    (path,) = (city.settings.home / "serving").rglob("cut-*/*.parquet")
    path.write_bytes(path.read_bytes()[:left])
    city.lake._cuts.clear()  # as in a process that was started after the power came back
    city.door = Door(city.settings, city.catalogue, city.lake, Rule(["pupil", "school"]))
    assert shown(city) == wanted
    city.close()


def test_differences_and_history_are_those_of_the_cut(tmp_path: Path) -> None:
    later = [
        {**row, "income": 1.0, "school": "Verdi" if row["pupil"] == "p001" else row["school"]} for row in PEOPLE[:-1]
    ]
    city = make(tmp_path, PEOPLE, Rule(["pupil", "school"]), later)
    counts = city.door.diff("pupils", "1", "2", READER)
    assert (counts.dataset, counts.added, counts.changed, counts.removed) == ("pupils", 0, 1, 1)
    found = city.door.changes("pupils", "1", "2", caller=READER)
    assert [(item.kind, item.key, item.before, item.after) for item in found] == [
        ("changed", ("p001",), {"school": "Manzoni"}, {"school": "Verdi"}),
        ("removed", ("p039",), {"pupil": "p039", "school": None}, None),
    ]
    past = city.door.history("pupils", ["p001"], READER)
    assert [(item.version.number, item.row) for item in past] == [
        (1, {"pupil": "p001", "school": "Manzoni"}),
        (2, {"pupil": "p001", "school": "Verdi"}),
    ]
    assert len(city.door.history("pupils", ["p002"], READER)) == 1  # only what is not granted changed
    city.close()


def test_other_callers_and_other_engines_are_refused(tmp_path: Path) -> None:
    city = make(tmp_path, PEOPLE, Rule(["pupil", "school"]))
    for caller in (ANYONE, Caller(party="x", application="app-2")):
        with pytest.raises(NotAllowed):
            city.door.view("pupils", "", caller)
    with pytest.raises(NotAllowed):
        city.door.table("pupils", "x://", READER)
    assert city.door.acting(READER).view("pupils").columns
    with pytest.raises(NotAllowed):
        city.door.view("pupils")
    city.close()


def test_who_read_about_whom_is_told_before_the_answer(tmp_path: Path) -> None:
    city = make(tmp_path, PEOPLE, Rule(["school", "marks"]))
    key = derive(bytes.fromhex("11" * 32), "subject", "resident")
    with attended() as here:
        rows = city.door.ask(Query("pupils", limit=3, order_by=(Order("marks"),)), READER).rows()
        (reading,) = here.readings
        assert (reading.rows, reading.everyone, len(rows)) == (3, False, 3)
        assert len(reading.subjects) == 3
        assert reading.subjects < {digest(key, row["pupil"]) for row in PEOPLE}
        assert told(reading)["rows"] == "10"
        assert "p0" not in str(told(reading))
    with attended() as here:
        city.door.ask(Query("pupils", group_by=(Group("marks"),)), READER).rows()
        assert here.readings[0].everyone
    with attended() as here:
        answer = city.door.ask(Query("pupils", limit=2), READER)
        answer.encoded("x", lambda given: repr(given.rows()).encode())
    with attended() as here:  # a second time out of the cache: the same persons
        city.door.ask(Query("pupils", limit=2), READER).encoded("x", lambda given: b"")
        assert len(here.readings[0].subjects) == 2
    lone: list[Sequence[Reading]] = []
    city.door.record = lone.append
    city.door.ask(Query("pupils", limit=2), READER).rows()  # nobody attends: the door records by itself
    assert len(lone) == 1
    city.close()


def test_a_plan_that_is_used_up_refuses_before_a_row_is_read(tmp_path: Path) -> None:
    city = make(tmp_path, PEOPLE, Rule(["school"]))

    def enter(view: Any, caller: Caller) -> None:
        raise NotAllowed("used up")

    with attended(enter), pytest.raises(NotAllowed, match="used up"):
        city.door.view("pupils", "", READER)
    city.close()


def test_the_owner_sees_before_deciding(tmp_path: Path) -> None:
    steward = Caller(party="anna")

    class Owner(Rule):
        def decide(self, contract: Any, columns: Any, caller: Caller) -> Any:
            from dataclasses import replace

            made = super().decide(contract, columns, caller)
            return replace(made, allowed=True) if caller == steward else made

    city = make(tmp_path, PEOPLE, Owner(["pupil", "school"]))
    rule = Rule(["school", "born"], masks={"born": Mask("generalise", "year")})
    wish = rule.decide(loads(PUPILS), COLUMNS, READER)
    answer = city.door.preview("pupils", wish, 5, steward)
    assert [item.name for item in answer.columns] == ["school", "born"]
    assert len(answer.rows()) == 5
    with pytest.raises(NotAllowed):
        city.door.preview("pupils", wish, 5, READER)
    city.close()
