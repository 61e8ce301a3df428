"""Where a delimited table begins: headers of two rows, titles, and rows that only look like headers."""

from __future__ import annotations

import pytest

from arengo.sources.dialect import sniff
from arengo.sources.text_title import title


def table(head, rows):
    return "\n".join([*head, *rows]) + "\n"


PEOPLE = [f"{n:02};District {n};{3000 + 7 * n};{4100 + n};{2900 + 3 * n};{3800 - n};{9000 + n}" for n in range(1, 12)]


@pytest.mark.parametrize(
    ("head", "names"),
    [
        (["Code;Name;Men;;Women;;Total", ";;2024;2025;2024;2025;"], ["Code", "Name", "Men 2024", "Men 2025"]),
        (["Code;Name;Men;Men;Women;Women;Total", ";;2024;2025;2024;2025;"], ["Code", "Name", "Men 2024", "Men 2025"]),
        ([";;Men;;Women;;", "Code;Name;2024;2025;2024;2025;Total"], ["Code", "Name", "Men 2024", "Men 2025"]),
        (["Code;Name;Men;;Women;;Total", ";;1;2;1;2;"], ["Code", "Name", "Men 1", "Men 2"]),
        (
            ["Code;Name;Residents;;;;Total", ";;2021;2022;2023;2024;"],
            ["Code", "Name", "Residents 2021", "Residents 2022"],
        ),
        (["Code;Name;Men;;Women;;Total", ";;young;old;young;old;"], ["Code", "Name", "Men young", "Men old"]),
        (
            ["Code;Name;Men;;Women;;Total", ";;2023/24;2024/25;2023/24;2024/25;"],
            ["Code", "Name", "Men 2023/24", "Men 2024/25"],
        ),
    ],
)
def test_headers_of_two_rows(head, names):
    found = sniff(table(head, PEOPLE), complete=True)
    assert (found.skip, found.header) == (0, 2)
    assert list(found.names[:4]) == names
    assert len(found.names) == 7


@pytest.mark.parametrize(
    "rows",
    [
        [f"{n};place {n};{2000 + n};{2001 + n}" for n in range(12)],  # years are the data of an unnamed column
        [f"{n};place {n};{n};{n + 1}" for n in range(12)],
        [f"{n};place {n};{4000 + n};{5000 + n}" for n in range(12)],
    ],
)
def test_one_header_row_with_an_unnamed_column_stays_one(rows):
    found = sniff(table(["id;name;from;"], rows), complete=True)
    assert (found.skip, found.header) == (0, 1)


def test_the_title_is_not_the_authority():
    assert title(
        ["Urząd Miasta Testowo", "Rejestr zezwoleń na zajęcie pasa drogowego", "Stan na dzień 31.12.2025"]
    ) == ("Rejestr zezwoleń na zajęcie pasa drogowego")
    assert title(["Population by age", "City of Springfield"]) == "Population by age"
    assert title(["Trees"]) == "Trees"
    assert title([]) == ""
