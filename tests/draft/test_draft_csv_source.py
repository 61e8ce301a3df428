"""The csv kind: what a hostile, broken or odd file does, and that nothing is lost on the way."""

from __future__ import annotations

import gzip
import io
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arengo.contract.model import SourceSpec
from arengo.errors import SourceChanged, SourceMalformed, SourceMissing, SourceTooLarge
from arengo.settings import SourceSettings
from arengo.sources.base import ROW, Context, Pull
from arengo.sources.csv import CsvReader, open_table, tables

READER = CsvReader()


def context(tmp_path: Path, **limits: Any) -> Context:
    return Context(SourceSettings(**limits), tmp_path)


def spec(path: Path, **options: Any) -> SourceSpec:
    return SourceSpec("csv", {"path": str(path), **options})


def rows(pull: Pull) -> list[dict[str, Any]]:
    found = [row for batch in pull.batches for row in batch.to_pylist()]
    assert pull.read == len(found) + len(pull.rejects)
    return sorted(found, key=lambda row: row[ROW])


def read(text: str | bytes, tmp_path: Path, **options: Any) -> tuple[list[dict[str, Any]], Pull]:
    data = text.encode() if isinstance(text, str) else text
    pull = open_table(lambda: io.BytesIO(data), "t.csv", options, (), context(tmp_path))
    return rows(pull), pull


def values(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(value for key, value in row.items() if key != ROW) for row in found]


def test_rows_are_numbered_and_columns_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;name;n\n1;Ä;2\n\n2;B;3\n")
    pull = READER.open(spec(path), ("n", "id"), context(tmp_path))
    assert [batch.schema.names for batch in pull.batches] == [[ROW, "n", "id"]]
    again = rows(READER.open(spec(path), (), context(tmp_path)))
    assert [row[ROW] for row in again] == [1, 2]
    assert again[0]["name"] == "Ä"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name\n1,x\n")
    with pytest.raises(SourceMalformed, match="'height'"):
        READER.open(spec(path), ("height",), context(tmp_path))


def test_a_title_that_grew_does_not_hide_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Trees of the city;;\nSecond line of the title;;\nid;name;n\n1;oak;3\n2;elm;4\n3;ash;4\n")
    pull = READER.open(spec(path, delimiter=";", quote='"', skip=1, header=1), ("id", "n"), context(tmp_path))
    assert values(rows(pull)) == [("1", "3"), ("2", "4"), ("3", "4")]


def test_ragged_rows_are_set_aside_with_their_text(tmp_path: Path) -> None:
    found, pull = read("a,b,c\n1,2,3\n4,5\n6,7,8\n9,10,11,12\n13,14,15\n", tmp_path)
    assert [row[ROW] for row in found] == [1, 3, 5]
    assert [(item.row, item.value) for item in pull.rejects] == [(2, "4,5"), (4, "9,10,11,12")]
    assert "3 are expected" in pull.rejects[0].reason


def test_rows_a_delimiter_too_long_are_kept(tmp_path: Path) -> None:
    found, pull = read("a,b,\n1,2\n3,4,\n5,6\n", tmp_path)
    assert values(found) == [("1", "2"), ("3", "4"), ("5", "6")]
    assert not pull.rejects


def test_rows_without_their_empty_end_are_filled_up(tmp_path: Path) -> None:
    lines = ["a,b,c,d"] + [f"{n},x,y,z" for n in range(20)] + ["20,x", "21,x,y", "22", "23,x,y,z"]
    found, pull = read("\n".join(lines), tmp_path)
    assert len(found) == 24
    assert values(found)[-2] == ("22", "", "", "")
    assert not pull.rejects


def test_a_quote_left_open_costs_one_line(tmp_path: Path) -> None:
    lines = ["id,name,n"] + [f"{n},tree,{n}" for n in range(50)]
    lines[20] = '19,"open,19'
    found, pull = read("\n".join(lines), tmp_path)
    assert len(found) + len(pull.rejects) == 50
    assert len(pull.rejects) <= 1
    assert [row["id"] for row in found][-1] == "49"
    lines[-1] = '49,"open at the end,49'
    found, pull = read("\n".join(lines), tmp_path)
    assert len(found) + len(pull.rejects) == 50


def test_line_breaks_inside_cells_stay(tmp_path: Path) -> None:
    found, _ = read('id,text\n1,"two\nlines"\n2,"with, comma and ""quotes"""\n', tmp_path)
    assert values(found) == [("1", "two\nlines"), ("2", 'with, comma and "quotes"')]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str, tmp_path: Path) -> None:
    found, _ = read(end.join(["a;b", "1;x", "2;y", ""]), tmp_path)
    assert values(found) == [("1", "x"), ("2", "y")]


def test_two_encodings_in_one_file(tmp_path: Path) -> None:
    data = b"id,name\n" + b"".join(f"{n},Jardín {n}\n".encode() for n in range(30))
    data += "30,Peñarol\n31,Málaga\n".encode("windows-1252")
    found, pull = read(data, tmp_path)
    assert found[0]["name"] == "Jardín 0"
    assert [row["name"] for row in found[-2:]] == ["Peñarol", "Málaga"]
    assert not pull.rejects


def test_a_file_that_changes_its_encoding_next_month_is_still_read(tmp_path: Path) -> None:
    data = "id,name\n1,Peñarol\n".encode("windows-1252")
    found, _ = read(data, tmp_path, encoding="utf-8", delimiter=",", quote='"', skip=0, header=1)
    assert values(found) == [("1", "Peñarol")]


def test_nul_bytes_are_left_out(tmp_path: Path) -> None:
    found, _ = read(b"id,name\n1,a\0b\n2,c\n", tmp_path)
    assert values(found) == [("1", "ab"), ("2", "c")]


def test_unnamed_and_repeated_headers(tmp_path: Path) -> None:
    found, _ = read("name,,name,Name\na,1,b,c\nd,2,e,f\n", tmp_path)
    assert list(found[0])[1:] == ["name", "column_2", "name_2", "Name_3"] or len(set(found[0])) == 5


def test_header_again_and_notes_are_set_aside(tmp_path: Path) -> None:
    lines = ["id,name,n"] + [f"{n},tree,{n}" for n in range(10)] + ["id,name,n", "10,tree,1", "Source: the city,,"]
    found, pull = read("\n".join(lines), tmp_path)
    assert len(found) == 11
    assert [item.reason[:15] for item in pull.rejects] == ["The header agai", "It stands at th"]


def test_sections_are_tables_of_their_own(tmp_path: Path) -> None:
    text = "META\nkey;value\nunit;X\nyear;2020\nPROJECTS\nid;cost\nA;10\nB;20\nVOTES\nvoter;age\n1;30\n2;41\n3;29\n"
    made = list(tables(lambda: io.BytesIO(text.encode()), "x.pb", {}, context(tmp_path)))
    assert [(item.table, item.total) for item in made] == [("META", 2), ("PROJECTS", 2), ("VOTES", 3)]
    found, pull = read(text, tmp_path, **made[1].options)
    assert values(found) == [("A", "10"), ("B", "20")]
    assert pull.fingerprint.state["bytes"] == len(text)


@pytest.mark.parametrize("text", ["", "\n\n", "   \n"])
def test_an_empty_file_says_so(text: str, tmp_path: Path) -> None:
    with pytest.raises(SourceMalformed, match="empty"):
        list(tables(lambda: io.BytesIO(text.encode()), "e.csv", {}, context(tmp_path)))


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    [sample] = tables(lambda: io.BytesIO(b"id,name\n"), "h.csv", {}, context(tmp_path))
    assert sample.total == 0
    assert [column.name for column in sample.columns] == ["id", "name"]


def test_folders_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(SourceMalformed, match="folder"):
        READER.open(spec(tmp_path), (), context(tmp_path))
    with pytest.raises(SourceMissing):
        READER.open(spec(tmp_path / "nothing.csv"), (), context(tmp_path))


def test_gzip_is_unpacked_and_a_cut_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    text = "id,name\n" + "".join(f"{n},tree {os.urandom(4).hex()}\n" for n in range(5000))
    path.write_bytes(gzip.compress(text.encode()))
    assert len(rows(READER.open(spec(path), (), context(tmp_path)))) == 5000
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(SourceMalformed, match="ends too early"):
        rows(READER.open(spec(path), (), context(tmp_path)))


def test_a_packed_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb") as out:
        for _ in range(80):
            out.write(b"1,2\n" * 262_144)
    with pytest.raises(SourceTooLarge, match="times its size"):
        rows(READER.open(spec(path), (), context(tmp_path, max_ratio=100)))


class Endless(io.RawIOBase):
    """A stream of one line that never ends."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def read(self, n: int = -1) -> bytes:
        n = min(self.left, n if n > 0 else 1 << 20)
        self.left -= n
        return b"x" * n


def test_a_line_of_two_gigabytes_is_refused_early(tmp_path: Path) -> None:
    streams: list[Endless] = []

    def open_bytes() -> Any:
        streams.append(Endless(2_000_000_000))
        return streams[-1]

    tracemalloc.start()
    with pytest.raises(SourceTooLarge, match="longer than"):
        list(tables(open_bytes, "long.csv", {"encoding": "utf-8"}, context(tmp_path, max_cell=4_000_000)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60_000_000
    assert sum(2_000_000_000 - stream.left for stream in streams) < 40_000_000


def test_a_file_that_changes_under_the_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name\n" + "".join(f"{n},{'x' * 200}\n" for n in range(60_000)))
    pull = READER.open(spec(path), (), context(tmp_path))

    def consume() -> Iterator[int]:
        for batch in pull.batches:
            with path.open("a") as out:
                out.write("60001,late\n")
            yield batch.num_rows

    with pytest.raises(SourceChanged):
        list(consume())


def test_fingerprints_are_those_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name\n1,x\n")
    first = READER.fingerprint(spec(path), context(tmp_path))
    pull = READER.open(spec(path), (), context(tmp_path))
    rows(pull)
    assert pull.fingerprint.value == first.value
    path.write_text("id,name\n1,y\n")
    assert READER.fingerprint(spec(path), context(tmp_path)).value != first.value


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with path.open("w") as out:
        out.write("id,name,n\n")
        for n in range(400_000):
            out.write(f"{n},some words that fill a line of a table,{n % 17}\n")
    tracemalloc.start()
    pull = READER.open(spec(path), (), context(tmp_path))
    total = sum(batch.num_rows for batch in pull.batches)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 400_000
    assert peak < 40_000_000


def test_late_surprises_reach_the_draft(tmp_path: Path) -> None:
    """The one S/N in row 60,000 is known before the type is chosen."""
    from arengo.contract.draft import infer

    lines = ["id,numero"] + [f"{n},{n % 900}" for n in range(70_000)]
    lines[60_000] = "59999,S/N"
    [sample] = tables(lambda: io.BytesIO("\n".join(lines).encode()), "late.csv", {}, context(tmp_path))
    assert sample.extra["unique"]["id"] is True
    draft = infer(sample)
    numero = draft.contract.column("numero")
    assert numero is not None
    assert numero.kind == "integer"
    assert numero.parse.nulls == ("S/N",)
    assert draft.contract.key == ("id",)


def test_both_coordinates_in_one_cell(tmp_path: Path) -> None:
    from arengo.contract.draft import infer

    text = "id;geo_point_2d\n1;48.88, 2.28\n2;48.86, 2.39\n3;48.82, 2.41\n"
    [sample] = tables(lambda: io.BytesIO(text.encode()), "arbres.csv", {}, context(tmp_path))
    geometry = infer(sample).contract.geometry
    assert geometry is not None
    assert (geometry.x, geometry.y) == ("geo_point_2d_longitude", "geo_point_2d_latitude")
    found, _ = read(text, tmp_path, **sample.options)
    assert found[0]["geo_point_2d latitude"] == "48.88"
    pull = open_table(
        lambda: io.BytesIO(text.encode()), "x", sample.options, ("geo_point_2d longitude",), context(tmp_path)
    )
    assert values(rows(pull)) == [("2.28",), ("2.39",), ("2.41",)]
