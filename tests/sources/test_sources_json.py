"""JSON, newline-delimited JSON: any path, any size, one record at a time."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arengo.errors import SourceMalformed, SourceTooLarge
from arengo.settings import SourceSettings
from arengo.sources import Context, records


def write(path, document, **options):
    path.write_text(json.dumps(document, ensure_ascii=False, **options), encoding="utf-8")
    return str(path)


TREES = [
    {"id": "001", "species": "Tilia", "height": 12.5, "alive": True, "place": {"lat": 43.9, "lon": 12.4}},
    {"id": "002", "species": "Acer", "height": None, "alive": False, "tags": ["old", "tall"]},
]


def test_array_of_objects_is_flattened_one_level(tmp_path, pull, sample):
    path = write(tmp_path / "trees.json", TREES)
    read = pull("json", path=path)
    assert read.pull.schema.names == ["_row", "id", "species", "height", "alive", "place.lat", "place.lon", "tags"]
    assert read.rows[0] == {
        "_row": 1,
        "id": "001",
        "species": "Tilia",
        "height": "12.5",
        "alive": "true",
        "place.lat": "43.9",
        "place.lon": "12.4",
        "tags": None,
    }
    assert read.rows[1]["tags"] == '["old","tall"]'
    (found,) = sample("json", path=path)
    declared = {column.name: column.declared for column in found.columns}
    assert declared == {
        "id": "",
        "species": "",
        "height": "DOUBLE",
        "alive": "BOOLEAN",
        "place.lat": "DOUBLE",
        "place.lon": "DOUBLE",
        "tags": "JSON",
    }
    assert found.total == 2
    assert found.name == "trees"


@pytest.mark.parametrize(
    ("document", "records_path"),
    [
        ({"result": {"records": TREES, "fields": [{"id": "a"}]}}, "result.records"),
        ({"help": "x" * 50, "data": TREES}, "data"),
        ({"meta": {"view": {"columns": [{"name": "a"}]}}, "rows": TREES}, "rows"),
        ({"list of trees": TREES}, "list of trees"),
        ({"t1": TREES[0], "t2": TREES[1]}, "*"),
    ],
)
def test_records_are_found_at_their_path(tmp_path, pull, sample, document, records_path):
    path = write(tmp_path / "a.json", document)
    (found,) = sample("json", path=path)
    assert found.options["records"] == records_path
    assert pull("json", columns=("id", "place.lat"), **found.options).column("id") == ["001", "002"]


def test_lists_take_their_names_from_the_first_record(tmp_path, pull):
    path = write(tmp_path / "a.json", [["barri", "n"], ["Raval", 3], ["Gòtic", 4]])
    assert [(row["_row"], row["barri"], row["n"]) for row in pull("json", path=path).rows] == [
        (2, "Raval", "3"),
        (3, "Gòtic", "4"),
    ]


def test_socrata_lists_take_their_names_from_the_view(tmp_path, pull):
    document = {"meta": {"view": {"columns": [{"name": "ward"}, {"name": "n"}]}}, "data": [["A", 1], ["B", 2]]}
    assert pull("json", path=write(tmp_path / "a.json", document)).column("ward") == ["A", "B"]


def test_a_single_object_is_one_record(tmp_path, pull):
    assert pull("json", path=write(tmp_path / "a.json", {"a": 1, "b": "x"})).rows == [{"_row": 1, "a": "1", "b": "x"}]


def test_big_integers_and_zeros_stay_as_written(tmp_path, pull):
    path = tmp_path / "a.json"
    path.write_text('[{"a": 12345678901234567890123, "b": "007", "c": [12345678901234567890123]}]')
    assert pull("json", path=str(path)).rows[0] == {
        "_row": 1,
        "a": "12345678901234567890123",
        "b": "007",
        "c": "[12345678901234567890123]",
    }


def test_byte_order_mark_utf16_and_cp1252(tmp_path, pull, sample):
    text = '[{"a": "Gòtic"}]'
    for name, encoding in (("bom", "utf-8-sig"), ("wide", "utf-16"), ("le", "utf-16-le")):
        (tmp_path / name).write_bytes(text.encode(encoding))
        assert pull("json", path=str(tmp_path / name)).column("a") == ["Gòtic"]
    (tmp_path / "latin").write_bytes(text.encode("cp1252"))
    with pytest.raises(SourceMalformed, match="not utf-8"):
        pull("json", path=str(tmp_path / "latin"))
    (found,) = sample("json", path=str(tmp_path / "latin"))
    assert found.options["encoding"] == "cp1252"
    assert found.doubts


def test_truncated_document_says_where(tmp_path, pull):
    path = tmp_path / "cut.json"
    path.write_text(json.dumps(TREES)[:-30])
    with pytest.raises(SourceMalformed, match="row 2") as caught:
        pull("json", path=str(path), columns=("id",))
    assert caught.value.place.row == 2


def test_document_with_a_tail_is_refused(tmp_path, pull):
    (tmp_path / "a.json").write_text('[{"a": 1}] [{"a": 2}]')
    with pytest.raises(SourceMalformed, match="follows the end"):
        pull("json", path=str(tmp_path / "a.json"), columns=("a",))


def test_declared_column_that_no_record_has(tmp_path, pull):
    with pytest.raises(SourceMalformed, match="'girth'"):
        pull("json", path=write(tmp_path / "a.json", TREES), columns=("id", "girth"))


def test_one_value_beyond_the_limit(tmp_path, pull):
    context = Context(SourceSettings(max_cell=3_000_000), tmp_path / "s")
    path = tmp_path / "a.json"
    path.write_text('[{"a": "' + "x" * 5_000_000 + '"}]')
    with pytest.raises(SourceTooLarge, match="longer than"):
        pull("json", path=str(path), columns=("a",), context=context)
    path = tmp_path / "a.ndjson"
    path.write_text('{"a": "' + "x" * 5_000_000 + '"}\n')
    with pytest.raises(SourceTooLarge, match="longer than"):
        pull("ndjson", path=str(path), columns=("a",), context=context)


def test_deep_nesting_is_an_error_and_not_a_crash(tmp_path, pull):
    (tmp_path / "a.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(SourceMalformed, match="nested"):
        pull("json", path=str(tmp_path / "a.json"), columns=("a",))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path, pull, context):
    from arengo.contract.model import SourceSpec
    from arengo.sources import reader

    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.json"
        with path.open("w") as out:
            out.write('{"meta": {"n": 1}, "records": [')
            out.write(",".join(f'{{"id": {n}, "name": "{"street " * 10}"}}' for n in range(rows)))
            out.write("]}")
        pull_ = reader("json").open(SourceSpec("json", {"path": str(path)}), ("id", "name"), context)
        tracemalloc.start()
        total = sum(batch.num_rows for batch in pull_.batches)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert total == rows
        return top

    assert peak(200_000) < 1.3 * peak(40_000)


def test_ndjson_bad_lines_go_to_quarantine(tmp_path, pull, sample):
    path = tmp_path / "a.ndjson"
    path.write_bytes(b'{"a": 1}\n\n{"a": 2\n\xff\xfe\n{"a": 3}')
    read = pull("ndjson", path=str(path))
    assert read.numbers == [1, 5]
    assert [(reject.row, reject.column) for reject in read.rejects] == [(3, ""), (4, "")]
    assert read.rejects[0].value == '{"a": 2'
    assert "not JSON" in read.rejects[0].reason
    (found,) = sample("ndjson", path=str(path))
    assert [column.name for column in found.columns] == ["a"]


def test_geometry_member_becomes_wkb(tmp_path, pull, sample):
    rows = [{"n": 1, "shape": {"type": "Point", "coordinates": [2.17, 41.38]}}, {"n": 2, "shape": None}]
    path = write(tmp_path / "a.json", rows)
    (found,) = sample("json", path=path)
    assert (found.geometry, found.crs, found.geometry_types) == ("shape", "EPSG:4326", ("Point",))
    assert found.bounds == (2.17, 41.38, 2.17, 41.38)
    shapes = pull("json", **found.options).column("shape")
    assert len(shapes[0]) == 21
    assert shapes[1] is None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(['"', "\\", '[{"', "}]"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=5), st.integers(1, 9), st.sampled_from([None, 1]), st.booleans())
def test_a_window_of_any_size_reads_what_the_standard_library_reads(values, size, indent, ascii_only):
    text = json.dumps({"a": {"x": values, "y": '"]}'}, "records": values}, indent=indent, ensure_ascii=ascii_only)

    class Slow(io.BytesIO):
        def read(self, _=-1, /):
            return super().read(size)

    window = records.Window(Slow(text.encode()), "t", "utf-8", 1_000_000)
    assert list(records.read(window, records.Layout(("records",)))) == values
