# ruff: noqa: E501 - one text an encoding
"""How single columns are read: numbers, dates, yes and no, names, encodings, keys and places."""

from __future__ import annotations

import io

import pytest

from arengo.contract.draft import infer
from arengo.contract.draft.naming import column_names, dataset_id, identifier
from arengo.contract.model import Property
from arengo.contract.sample import Sample, SampleColumn
from arengo.settings import SourceSettings
from arengo.sources.text import Bytes, find_encoding


def column(
    name: str, values: list[str | None], *, country: str = "", language: str = "es", declared: str = ""
) -> Property:
    """One drafted column beside a plain number column."""
    plain = tuple(str(n + 1) for n in range(len(values)))
    columns = (SampleColumn("fila", plain), SampleColumn(name, tuple(values), declared))
    sample = Sample("t.csv", "csv", {"path": "t.csv"}, columns, total=len(values))
    return infer(sample, country=country, language=language).contract.properties[1]


@pytest.mark.parametrize(
    ("values", "kind", "decimal", "thousands"),
    [
        (["1.234,50", "99,10", "1.000.000,00"], "number", ",", "."),
        (["1,234.50", "99.10", "1,000,000.00"], "number", ".", ","),
        (["1 234,5", "12,25", "1\u00a0000\u202f000,5"], "number", ",", " "),
        (["1'234.5", "12.25", "2’000.75"], "number", ".", "'"),
        (["3,89967141", "3,882606364"], "number", ",", ""),
        (["1,395", "477", "1,170"], "integer", ".", ","),
        (["12", "7", "100"], "integer", ".", ""),
        (["1e-05", "2.5", "3"], "number", ".", ""),
    ],
)
def test_numbers(values: list[str | None], kind: str, decimal: str, thousands: str) -> None:
    found = column("medida", values, language="en" if thousands == "," and kind == "integer" else "es")
    assert found.kind == kind
    assert found.parse.thousands == thousands
    assert found.kind == "integer" or found.parse.decimal == decimal


@pytest.mark.parametrize(
    "values", [["007", "123"], ["08", "019"], ["12A", "14", "15"], ["1.2.3", "2.0.1"], ["123456789012345678901"] * 3]
)
def test_codes_stay_texts(values: list[str | None]) -> None:
    assert column("valor", values).kind == "string"


@pytest.mark.parametrize(
    "name", ["Código Postal", "PLZ", "CAP", "zip_code", "우편번호", "Teléfono", "NIF", "Kod pocztowy"]
)
def test_digits_that_are_no_numbers(name: str) -> None:
    assert column(name, ["28012", "28013", "28014"]).kind == "string"


@pytest.mark.parametrize(
    ("values", "kind", "formats"),
    [
        (["31/12/2023", "01/02/2023"], "date", ("%d/%m/%Y",)),
        (["12/31/2023", "01/02/2023"], "date", ("%m/%d/%Y",)),
        (["2023-01-05", "2023-12-31"], "date", ()),
        (["1. 2. 2023", "28. 2. 2023"], "date", ("%d. %m. %Y",)),
        (["2023年1月5日", "2023年12月31日"], "date", ("%Y年%m月%d日",)),
        (["3-Jan-2019", "14-Feb-2019"], "date", ("%d-%b-%Y",)),
        (["2020-01-01 01:00:00 UTC", "2020-01-01 02:00:00 UTC"], "timestamp", ()),
        (["3/14/2025 1:20", "3/15/2025 23:59"], "timestamp", ("%m/%d/%Y %H:%M",)),
        (["9:05", "23:59"], "time", ()),
        (["24:10:00", "25:00:00"], "string", ()),
        (["2017.1/4", "2017.2/4"], "string", ()),
        (["31/12/2023", "12/31/2023"], "string", ()),
        (["5 de enero de 2020", "6 de mayo de 2021"], "string", ()),
    ],
)
def test_dates(values: list[str | None], kind: str, formats: tuple[str, ...]) -> None:
    found = column("fecha", values)
    assert (found.kind, found.parse.formats) == (kind, formats)


def test_the_country_orders_what_the_column_does_not() -> None:
    assert column("date", ["01/02/2023", "03/04/2023"], country="US").parse.formats == ("%m/%d/%Y",)
    undecided = column("fecha", ["01/02/2023", "03/04/2023"])
    assert undecided.parse.formats == ("%d/%m/%Y",)
    assert "day" in str(undecided.custom["arengoDoubt"])


@pytest.mark.parametrize(
    ("values", "language"),
    [
        (["Sí", "No"], "es"),
        (["oui", "non"], "fr"),
        (["ja", "nein"], "de"),
        (["да", "нет"], "ru"),
        (["예", "아니오"], "ko"),
        (["S", "N"], "es"),
    ],
)
def test_yes_and_no(values: list[str | None], language: str) -> None:
    found = column("valor", values * 5, language=language)
    assert found.kind == "boolean"
    assert found.parse.true == (values[0],)


def test_zero_and_one_are_numbers_unless_the_name_asks() -> None:
    assert column("votos", ["0", "1"] * 20).kind == "integer"
    assert column("is_open", ["0", "1"] * 20, language="en").kind == "boolean"
    assert column("viento", ["N", "S", "E", "O"]).kind == "string"


def test_missing_and_withheld_are_told_apart() -> None:
    found = column("valor", ["12", "n.d.", "*", "15", "..", "-"])
    assert found.kind == "integer"
    assert set(found.parse.nulls) == {"n.d.", "..", "-"}
    assert found.parse.suppressed == ("*",)


def test_far_values_that_come_again_mean_unknown() -> None:
    values: list[str | None] = [str(20 + n) for n in range(40)]
    found = column("velocidad", [*values, "99999", "99999", "-9999"])
    assert set(found.parse.nulls) == {"99999", "-9999"}
    assert not column("id_tramo", [*values, "99999", "99999", "-9999"]).parse.nulls


def test_numbers_a_spreadsheet_turned_into_dates_are_missing_not_text() -> None:
    found = column("diametro", [str(n % 9) for n in range(100)] + ["02/05/10", "03/05/10"])
    assert found.kind == "integer"
    assert found.parse.spoilt_dates
    assert not found.parse.nulls
    assert "spreadsheet" in str(found.custom["arengoDoubt"])


def test_a_little_dirt_is_said_and_much_makes_text() -> None:
    little = column("valor", [str(n) for n in range(999)] + ["oops"])
    assert little.kind == "integer"
    assert "quarantine" in str(little.custom["arengoDoubt"])
    assert column("valor", [str(n) for n in range(95)] + ["oops"] * 5).kind == "string"


def test_names_of_columns() -> None:
    assert column_names(["Código", "codigo", "%", "", "2019", "_row"]) == [
        "codigo",
        "codigo_2",
        "pct",
        "column_4",
        "y2019",
        "row",
    ]
    assert identifier("관서명") == "gwanseomyeong"
    assert identifier("Название улицы") == "nazvanie_ulitsy"
    assert identifier("人口") == "人口"
    assert dataset_id("VilleMTP_ListeAssoc 2011.csv") == "ville-mtp-liste-assoc-2011"


def test_persons_and_places_of_work_are_told_apart() -> None:
    names: list[str | None] = ["Maria Rossi", "Luca Bianchi", "Anna Ferrari", "Giulia Romano"] * 3
    assert column("richiedente", names, language="it").custom["arengoPersonalKind"] == "name"
    schools: list[str | None] = [f"Scuola {name}" for name in names]
    assert "arengoPersonalKind" not in column("denominazione", schools, language="it").custom
    streets: list[str | None] = ["Via Giuseppe Verdi", "Via Anna Frank", "Piazza Maria Luisa"] * 4
    assert "arengoPersonalKind" not in column("via", streets, language="it").custom


def test_valid_by_chance_is_no_evidence() -> None:
    numbers: list[str | None] = [str(200_000_000 + 7919 * n) for n in range(60)]
    assert "arengoPersonalKind" not in column("processo", numbers, language="pt").custom


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("windows-1250", "Město Příbram\nNáměstí Svobody\nžádost o "
            "povolení\núčet"), ("windows-1250", "Łódź\nŚwięty Krzyż\nŻółkiewskiego\nPoznań"),
        ("windows-1251", "Москва\nулица Ленина\nрайон\nплощадь"), ("cp866", "Москва\nулица Ленина\nрайон\nплощадь"),
        ("windows-1253", "Αθήνα\nΔήμος Αθηναίων\nοδός Σταδίου"), ("windows-1254", "İstanbul\nBeşiktaş\nilçe "
            "adı\nŞişli\nKadıköy"),
        ("cp949", "서울특별시\n종로구\n인구수\n기관명"), ("cp932", "東京都\n千代田区\n施設名称\n所在地"), ("gb18030", "北京市\n朝阳区\n人口数量\n学校名称"),
        ("big5", "臺北市\n中正區\n停車場名稱\n地址"), ("cp850", "Córdoba\nDirección\nAño\npoblación\nnúmero"), ("windows-1252", "Córdoba\nAño\nSão Paulo\nStraße\nété"),
        ("windows-1256", "المدينة\nالشارع\nعدد السكان\nالدار البيضاء"), ("windows-1257", "Vilniaus miesto "
            "savivaldybė\ngatvė\nŽemaičių\nįmonė"),
    ],
)  # fmt: skip
def test_encodings(codec: str, text: str) -> None:
    assert find_encoding(Bytes(io.BytesIO((text + "\n").encode(codec)), "t", SourceSettings())).name == codec


def test_dates_among_numbers_are_treated_alike_however_many() -> None:
    numbers = [f"{n % 97}.{n % 10}" for n in range(1000)]
    dates = [f"{2021 + n // 300}-{1 + n // 28 % 12:02}-{1 + n % 28:02}" for n in range(300)]
    many = column("pm25", [*numbers, *dates])
    assert (many.kind, many.parse.spoilt_dates, many.parse.nulls) == ("number", True, ())
    half = column("pm25", [*numbers[:300], *dates])
    assert half.kind == "string"
    assert "numbers" in str(half.custom["arengoDoubt"])
    assert not column("fecha", list(dates)).parse.spoilt_dates
