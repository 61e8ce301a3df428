"""Workbooks: titles, merged headers, notes, dates, sheets."""

from __future__ import annotations

import datetime as dt
import zipfile

import pytest
import xlsxwriter

from arengo.errors import SourceMalformed, SourceTooLarge
from arengo.sources import detect
from arengo.sources.excel import cell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", None),
        (None, None),
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (1e20, "1e+20"),
        (True, "true"),
        (7, "7"),
        (" 007 ", " 007 "),
        (dt.datetime(2026, 3, 1), "2026-03-01"),
        (dt.datetime(2026, 3, 1, 7, 5), "2026-03-01T07:05:00"),
        (dt.date(2026, 3, 1), "2026-03-01"),
        (dt.time(7, 5), "07:05:00"),
        (dt.timedelta(hours=30, minutes=5), "30:05:00"),
        (dt.timedelta(minutes=-5), "-00:05:00"),
    ],
)
def test_cells_are_as_a_person_sees_them(value, text):
    assert cell(value) == text


def book(path, build):
    with xlsxwriter.Workbook(str(path)) as out:
        build(out)
    return str(path)


def messy(out):
    sheet = out.add_worksheet("Enrolments")
    date = out.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write(0, 0, "Pupils by school and year")
    sheet.write(3, 0, "School")
    sheet.write(3, 1, "Opened")
    sheet.merge_range(3, 2, 3, 3, "Primary")
    sheet.merge_range(3, 4, 3, 5, "Secondary")
    for column, text in enumerate(["girls", "boys", "girls", "boys"], 2):
        sheet.write(4, column, text)
    for n in range(20):
        sheet.write(5 + n, 0, f"School {n}")
        sheet.write_datetime(5 + n, 1, dt.datetime(1990 + n, 9, 1), date)
        for column in range(2, 6):
            sheet.write(5 + n, column, 100 + n + column)
    sheet.write(26, 0, "Source: the education department; pupils on 1 October.")
    hidden = out.add_worksheet("Lists")
    hidden.write(0, 0, "secret")
    hidden.hide()
    out.add_worksheet("Empty")


def test_title_merged_header_and_notes(tmp_path, context, pull, sample):
    path = book(tmp_path / "a.xlsx", messy)
    assert detect(path, context).kind == "excel"
    (found,) = sample("excel", path=path)
    assert [column.name for column in found.columns] == [
        "School",
        "Opened",
        "Primary girls",
        "Primary boys",
        "Secondary girls",
        "Secondary boys",
    ]
    assert found.options["sheet"] == "Enrolments"
    assert (found.options["skip_rows"], found.options["header_rows"]) == (3, 2)
    assert found.title == "Pupils by school and year"
    assert found.notes == ("Source: the education department; pupils on 1 October.",)
    assert found.total == 20
    read = pull("excel", **found.options)
    assert read.rows[0] == {
        "_row": 6,
        "School": "School 0",
        "Opened": "1990-09-01",
        "Primary girls": "102",
        "Primary boys": "103",
        "Secondary girls": "104",
        "Secondary boys": "105",
    }
    assert len(read.rows) == 20


def years(out):
    sheet = out.add_worksheet()
    sheet.merge_range(0, 0, 0, 6, "2025 Yılı İlçe Nüfus Tablosu")
    for column, text in ((0, "İlçe Kodu"), (1, "İlçe"), (6, "Toplam")):
        sheet.merge_range(2, column, 3, column, text)
    sheet.merge_range(2, 2, 2, 3, "Erkek")
    sheet.merge_range(2, 4, 2, 5, "Kadın")
    sheet.write_row(3, 2, [2024, 2025, 2024, 2025])
    for n in range(8):
        sheet.write_row(
            4 + n, 0, [f"0{n + 1}", f"İlçe {n}", *(30_000 + 977 * n + column for column in range(4)), 99_000]
        )


def test_years_below_merged_labels_are_header(tmp_path, sample):
    (found,) = sample("excel", path=book(tmp_path / "a.xlsx", years))
    assert [column.name for column in found.columns] == [
        "İlçe Kodu",
        "İlçe",
        "Erkek 2024",
        "Erkek 2025",
        "Kadın 2024",
        "Kadın 2025",
        "Toplam",
    ]
    assert (found.options["skip_rows"], found.options["header_rows"], found.total) == (2, 2, 8)
    assert found.title == "2025 Yılı İlçe Nüfus Tablosu"


def test_labels_merged_downwards_belong_to_each_row(tmp_path, pull):
    def build(out):
        sheet = out.add_worksheet()
        sheet.write_row(0, 0, ["district", "year", "n"])
        for block, name in enumerate(["North", "South"]):
            top = 1 + 3 * block
            sheet.merge_range(top, 0, top + 2, 0, name)
            for n in range(3):
                sheet.write_row(top + n, 1, [2020 + n, 10 * block + n])

    read = pull("excel", path=book(tmp_path / "a.xlsx", build))
    assert read.column("district") == ["North"] * 3 + ["South"] * 3
    assert read.column("n") == ["0", "1", "2", "10", "11", "12"]


def test_several_sheets_are_several_tables(tmp_path, sample, pull):
    def build(out):
        for name in ("2025", "2026"):
            sheet = out.add_worksheet(name)
            sheet.write_row(0, 0, ["street", "n"])
            sheet.write_row(1, 0, [f"via {name}", 1])
            sheet.write_row(2, 0, [f"via {name} b", 2])

    path = book(tmp_path / "a.xlsx", build)
    found = sample("excel", path=path)
    assert [(one.table, one.options["sheet"]) for one in found] == [("2025", "2025"), ("2026", "2026")]
    assert pull("excel", **found[1].options).column("street") == ["via 2026", "via 2026 b"]
    with pytest.raises(SourceMalformed, match="no sheet '2027'"):
        pull("excel", path=path, sheet="2027")
    with pytest.raises(SourceMalformed, match="no column 'x'"):
        pull("excel", path=path, sheet="2026", columns=("x",))


def test_what_is_no_workbook(tmp_path, pull):
    (tmp_path / "a.xlsx").write_bytes(b"street;n\n1;2\n")
    with pytest.raises(SourceMalformed, match="cannot be opened"):
        pull("excel", path=str(tmp_path / "a.xlsx"))
    path = book(tmp_path / "b.xlsx", lambda out: out.add_worksheet())
    with pytest.raises(SourceMalformed, match="holds no table"):
        pull("excel", path=path)
    whole = (tmp_path / "b.xlsx").read_bytes()
    (tmp_path / "c.xlsx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceMalformed, match="damaged"):
        pull("excel", path=str(tmp_path / "c.xlsx"))


def test_a_workbook_that_is_a_bomb(tmp_path, pull):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("xl/worksheets/sheet1.xml", b" " * 60_000_000)
    with pytest.raises(SourceTooLarge, match="zip bomb"):
        pull("excel", path=str(tmp_path / "a.xlsx"))


def test_open_document(tmp_path, pull, context):
    content = """<?xml version="1.0"?><office:document-content
      xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
      xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
      xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
      <table:table table:name="S">{}</table:table></office:spreadsheet></office:body></office:document-content>"""
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    number = '<table:table-cell office:value-type="float" office:value="{}"><text:p>x</text:p></table:table-cell>'
    date = '<table:table-cell office:value-type="date" office:date-value="{}"><text:p>x</text:p></table:table-cell>'
    rows = [[text.format("via"), text.format("n"), text.format("day")]]
    rows += [[text.format(f"v{n}"), number.format(n), date.format(f"2026-01-0{n}")] for n in (1, 2, 3)]
    body = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in rows)
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as out:
        out.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        out.writestr("META-INF/manifest.xml", "<manifest/>")
        out.writestr("content.xml", content.format(body))
    assert detect(str(tmp_path / "a.ods"), context).kind == "excel"
    read = pull("excel", path=str(tmp_path / "a.ods"))
    assert [(row["via"], row["n"], row["day"]) for row in read.rows] == [
        ("v1", "1", "2026-01-01"),
        ("v2", "2", "2026-01-02"),
        ("v3", "3", "2026-01-03"),
    ]


def test_real_workbooks(real, sample, pull):
    (found,) = sample("excel", path=str(real / "seoul-statistics" / "01. population_in_Seoul.xls"))
    assert [column.name for column in found.columns][:5] == ["기간", "자치구", "세대", "인구 합계 계", "인구 합계 남자"]
    assert found.total == 26
    assert found.columns[3].values[0] == "10197604"
    (found,) = sample("excel", path=str(real / "montpellier-civil-registry" / "VilleMTP_MTP_EtatCivil.xls"))
    assert [column.name for column in found.columns][:2] == ["column_1", "JANVIER"]
    assert found.columns[0].values[1] == "Naissance"
    read = pull("excel", path=str(real / "saintlouis-air" / "ourside_data1.xlsx"))
    assert len(read.rows) == 10549
    assert read.rows[0][">=0.3um/dl"] == "3337.75"


def test_a_far_cell_costs_a_sentence_and_not_the_process(tmp_path, sample):
    path = tmp_path / "far.xlsx"

    def build(out):
        sheet = out.add_worksheet("Data")
        sheet.write_row(0, 0, ["name", "value"])
        sheet.write_string(1_048_575, 16_383, "x")

    book(path, build)
    assert path.stat().st_size < 8_000
    with pytest.raises(SourceTooLarge, match="far outside"):
        sample("excel", path=str(path))
