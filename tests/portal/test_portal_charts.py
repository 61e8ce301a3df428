"""Charts: the choice, the specification, the drawing."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arengo.contract.model import Contract, Geometry, Kind, Property
from arengo.portal import charts, drawing
from arengo.portal.cells import heads
from arengo.portal.charts import Series
from arengo.portal.diagram import _without_totals
from arengo.portal.drawing import Studio, standalone
from arengo.portal.figure import choose, quantities
from arengo.portal.language import Speech


def contract(*columns: Property, **more: Any) -> Contract:
    return Contract("d", "1.0.0", "D", "active", "", columns, "d", None, **more)


def column(name: str, kind: Kind, **more: Any) -> Property:
    return Property(name, kind, **more)


def profile(rows: int, **columns: dict[str, Any]) -> dict[str, Any]:
    return {"rows": rows, "columns": {name: {"count": rows, "nulls": 0, **found} for name, found in columns.items()}}


def test_places_are_a_map() -> None:
    found = choose(contract(column("x", Kind.NUMBER), geometry=Geometry(x="x", y="y")), profile(3))
    assert found.kind == "map"


def test_a_series_is_a_line_of_its_measure_split_by_what_is_measured() -> None:
    columns = (
        column("day", Kind.DATE),
        column("pollutant", Kind.STRING),
        column("value", Kind.NUMBER, custom={"arengoUnit": "µg/m³"}),
    )
    held = profile(
        300,
        day={"distinct": 100, "min": "2025-01-01", "max": "2025-04-10"},
        pollutant={"distinct": 3, "top": [{"value": "NO2", "count": 100}]},
        value={"distinct": 90},
    )
    found = choose(contract(*columns, custom={"arengoTime": "day"}), held)
    assert (found.kind, found.bucket, found.measure, found.function, found.category) == (
        "line", "day", "value", "avg", "pollutant",
    )  # fmt: skip


def test_money_is_summed_not_averaged() -> None:
    columns = (column("day", Kind.DATE), column("amount", Kind.NUMBER, custom={"arengoUnit": "EUR"}))
    held = profile(300, day={"distinct": 100, "min": "2020-01-01", "max": "2025-04-10"}, amount={"distinct": 90})
    found = choose(contract(*columns), held)
    assert (found.bucket, found.function) == ("month", "sum")


def test_events_are_counted_and_categories_are_bars() -> None:
    when = profile(300, day={"distinct": 100, "min": "2025-01-01", "max": "2025-03-10"})
    assert choose(contract(column("day", Kind.DATE)), when).function == "count"
    held = profile(300, kind={"distinct": 6, "top": [{"value": "a", "count": 50}]})
    assert choose(contract(column("kind", Kind.STRING)), held).category == "kind"
    plain = profile(300, id={"distinct": 300, "top": []})
    assert choose(contract(column("id", Kind.STRING)), plain).kind == "table"


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30, unique=True), st.sampled_from(["day", "month", "year"]))
def test_every_missing_bucket_is_a_gap_and_no_value_moves(offsets: list[int], bucket: str) -> None:
    start = {"day": date(2020, 1, 1), "month": date(2000, 1, 1), "year": date(1600, 1, 1)}[bucket]
    moments = []
    for offset in sorted(offsets):
        if bucket == "day":
            moments.append(start + timedelta(days=offset))
        elif bucket == "month":
            moments.append(date(start.year + offset // 12, offset % 12 + 1, 1))
        else:
            moments.append(date(start.year + offset, 1, 1))
    points = tuple((moment, float(index)) for index, moment in enumerate(moments))
    filled = charts.fill(points, bucket)
    assert [item for item in filled if item[1] is not None] == list(points)
    assert len(filled) == max(offsets) - min(offsets) + 1
    assert [moment for moment, _ in filled] == sorted({moment for moment, _ in filled})


def test_buckets_as_the_door_names_them() -> None:
    assert charts.moment("2024-03", "month") == date(2024, 3, 1)
    assert charts.moment("2024-Q3", "quarter") == date(2024, 7, 1)
    assert charts.moment("2024-W01", "week") == date(2024, 1, 1)
    assert charts.moment(1931, "year") == date(1931, 1, 1)
    assert charts.moment("nonsense", "month") is None


def test_bars_start_at_zero_and_lines_have_one_axis() -> None:
    speech = Speech("it")
    plot = charts.bars(speech, "t", [("a", 5.0), ("b", 1234.5)], category="c", measure="m")
    spec = plot.spec(charts.WIDE)
    assert spec["encoding"]["x"]["scale"]["zero"] is True
    assert plot.rows[1][1].text == "1.234,5"
    line = charts.lines(speech, "t", [Series("a", ((date(2024, 1, 1), 1.0),))], bucket="month", measure="m")
    assert "resolve" not in line.spec(charts.WIDE), "two scales would be a dual axis"


def test_the_drawing_process_draws_once_and_is_let_go(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    speech = Speech("fr")
    plot = charts.bars(speech, "t", [("</text><script>x</script>", 3.0), ("b", 4.0)], category="c", measure="m")
    spec = plot.spec(charts.NARROW)
    drawn = studio.draw(spec, speech.vega(), "d/1")
    assert drawn.startswith('<svg aria-hidden="true"')
    assert "<script" not in drawn
    assert "var(--accent)" in drawn
    assert "#0102" not in drawn, "every stand-in became a name of the tokens"
    assert "style=" not in drawn, "the content policy forbids inline style"
    process = studio._process
    assert process is not None
    process.kill()
    process.wait()
    assert studio.draw(spec, speech.vega(), "d/1") == drawn, "from the disk"
    other = charts.bars(speech, "t", [("a", 3.0)], category="c", measure="m").spec(charts.NARROW)
    assert "<svg" in studio.draw(other, speech.vega(), "d/1"), "a new process takes over from a dead one"
    studio.close()
    assert studio._process is None
    alone = standalone(drawn, "#9d2f1f")
    assert "var(" not in alone
    assert "#9d2f1f" in alone


def test_a_chart_that_cannot_be_drawn_says_so(tmp_path: Path) -> None:
    from arengo.errors import OperatorError

    studio = Studio(tmp_path)
    with pytest.raises(OperatorError, match="could not be drawn"):
        studio.draw({"mark": "nonsense"}, Speech("en").vega(), "d/1")
    studio.close()


def test_colours_in_the_code_are_those_of_the_tokens() -> None:
    from arengo.portal.drawing import COLOURS

    tokens = Path(drawing.__file__).parent / "static" / "tokens.css"
    light = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", tokens.read_text(encoding="utf-8").split("@media")[0]))
    for name, (_stand_in, value) in COLOURS.items():
        assert light[name] == value


def test_ranges_of_a_histogram_have_one_width_and_open_ends_stand_apart() -> None:
    made = charts.histogram(
        Speech("en"), "H", [-40, 0, 2, 4, 6, 4283], [1, 900, 200, 90, 30], label="Height", unit="m", whole=True
    )
    for width in (charts.WIDE, charts.MIDDLE, charts.NARROW):
        spec = made.spec(width)
        bars = spec["data"]["values"]
        assert {bar["b"] - bar["a"] for bar in bars} == {1.0}
        assert [bool(bar.get("apart")) for bar in sorted(bars, key=lambda bar: bar["a"])] == [True, *[False] * 3, True]
        ends = sorted((bar["a"], bar["b"]) for bar in bars)
        assert ends[1][0] - ends[0][1] == ends[-1][0] - ends[-2][1] == charts.APART
        words = spec["encoding"]["x"]["axis"]["labelExpr"]
        assert "< 0" in words
        assert "\\u2265 6" in words
    assert made.sub == "The bars set apart hold -40 – 0; 6 – 4,283"
    assert [row[0].text for row in made.rows] == ["-40 – 0", "0 – 2", "2 – 4", "4 – 6", "6 – 4,283"]


def test_equal_ranges_are_written_with_the_decimals_they_need() -> None:
    made = charts.histogram(Speech("it"), "H", [0, 0.5, 1, 1.5, 90], [5, 4, 3, 2], label="Quota")
    assert [row[0].text for row in made.rows] == ["0,0 – 0,5", "0,5 – 1,0", "1,0 – 1,5", "1,5 – 90,0"]
    even = charts.histogram(Speech("en"), "H", [0, 10, 20, 30], [5, 4, 3], label="Height")
    assert not even.sub
    assert not any(bar.get("apart") for bar in even.spec(charts.WIDE)["data"]["values"])


def test_a_code_is_no_quantity() -> None:
    columns = (
        column("nature", Kind.INTEGER),
        column("postalCode", Kind.INTEGER),
        column("trees", Kind.INTEGER),
        column("account", Kind.INTEGER, custom={"arengoUnit": "EUR"}),
    )
    assert [item.name for item in quantities(contract(*columns))] == ["trees", "account"]
    made = heads(contract(*columns), [item.name for item in columns], "en")
    assert [(item.numeric, item.code) for item in made] == [(False, True), (False, True), (True, False), (True, False)]


def test_a_total_is_told_by_its_word_and_its_sum() -> None:
    doubtless = SimpleNamespace(contract=contract(column("place", Kind.STRING)))
    pairs = [("합계", 30.0), ("Nord", 20.0), ("Süd", 10.0)]
    assert _without_totals(doubtless, pairs) == (pairs[1:], ["합계"])
    same = [("Total", 12.0), ("Shell", 20.0), ("Esso", 10.0)]
    assert _without_totals(doubtless, same) == (same, []), "a name like any other"
    told = SimpleNamespace(contract=contract(column("place", Kind.STRING), custom={"arengoDoubt": ["1 row: a total."]}))
    assert _without_totals(told, same) == (same[1:], ["Total"])


def test_equal_bars_and_sums_of_levels_are_not_drawn_first() -> None:
    top = [{"value": f"0{n}", "count": 896 if n else 660} for n in range(6)]
    columns = (column("station_name", Kind.STRING), column("h01", Kind.NUMBER, custom={"arengoUnit": "µg/m³"}))
    held = profile(5140, station_name={"distinct": 6, "top": top}, h01={"distinct": 900})
    assert choose(contract(*columns), held).kind == "table"
    energy = (columns[0], column("kwh", Kind.NUMBER, custom={"arengoUnit": "kWh"}))
    found = choose(contract(*energy), profile(5140, station_name={"distinct": 6, "top": top}, kwh={"distinct": 900}))
    assert (found.kind, found.function, found.measure) == ("bars", "sum", "kwh")
