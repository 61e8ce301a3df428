"""Tables of nearly the same groups by columns that nothing lays over each other are looked at by a person."""

from __future__ import annotations

from pathlib import Path

from gate_case import Kind, Plain, Table, World, plain, quasi, table

from arengo.privacy.cells import differencing


def test_school_zones_that_are_postcodes_but_for_three_people_are_asked_about(tmp_path: Path) -> None:
    world = World(tmp_path, codes=Plain())
    counts = [400 + 17 * n for n in range(12)]

    def made(name: str, column: str, figures: list[int]) -> Table:
        columns = {column: quasi(Kind.STRING, column), "people": plain(Kind.INTEGER)}
        rows = [(f"{column} {n}", figure) for n, figure in enumerate(figures)]
        return table(name, columns, rows, (), arengoCells={"by": [column], "count": "people"})

    world.publish(made("bypost", "postcode", counts))
    for figures, asked in (
        ([counts[0] - 3, counts[1] + 3, *counts[2:]], True),
        (counts, False),
        ([figure + 29 for figure in counts], False),
    ):
        report = differencing.look(world.case(made("byzone", "school_zone", figures)))
        found = [item.outcome for item in report.findings if item.outcome != "pass"]
        assert found == (["review"] if asked else [])
    world.close()
