from __future__ import annotations

import csv
import io
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from census_sheets import APPLICATIONS, EXCHANGES, book, grids, usual
from hypothesis import given
from hypothesis import strategies as st

from arengo.errors import ArengoError, Conflict, NotFound, SourceMalformed, SourceTooLarge
from arengo.services.census import Census, Register, figures, lines, spared, words
from arengo.services.census import book as written
from arengo.services.census import sheet as sheets
from arengo.services.census.record import Application, Exchange, exchange_id
from arengo.services.census.saving import PLATFORM
from arengo.services.reading import Usage
from arengo.state import State, open_state
from arengo.state.records import RunRecord


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(tmp_path_factory.mktemp("census")) / "state.sqlite"
    open_state(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def state(tmp_path: Path, empty: Path) -> Iterator[State]:
    shutil.copy(empty, tmp_path / "state.sqlite")
    with open_state(f"sqlite:///{tmp_path / 'state.sqlite'}") as made:
        yield made


@pytest.fixture
def census(state: State) -> Census:
    return Census(state, datasets=lambda: ["residents"])


def take(census: Census, *paths: Path, partial: bool = False) -> dict[str, int]:
    plan = census.read(paths, partial=partial)
    assert not plan.reading.problems, [str(item) for item in plan.reading.problems]
    if plan.changes:
        census.take(census.offer(plan, "test"), "test")
    return plan.counts


def problems(file: str, **tables: Any) -> list[str]:
    return [str(item) for item in sheets.read(grids(file, **tables), Register()).problems]


def test_a_workbook_is_taken_whole_and_twice_changes_nothing(census: Census, tmp_path: Path) -> None:
    path = usual(tmp_path / "census.xlsx")
    plan = census.read([path])
    assert plan.counts == {"added": 8, "changed": 0, "removed": 0}
    assert not census.register().applications  # reading keeps nothing
    assert plan.reading.doubts == (
        "No dataset here has the id streets; these exchanges count as not published.",
    )  # fmt: skip
    census.take(census.offer(plan, "test"), "test")
    held = census.register()
    assert set(held.applications) == {"registry", "school-desk", "waste-fees", "maps"}
    assert held.applications["waste-fees"].contract_ends == date(2028, 12, 31)
    assert held.applications["registry"].personal is True
    again = census.read([path])
    assert again.changes == ()
    assert again.reading.register.mark == held.mark
    assert census.batches()[0].added == 8


def test_a_changed_sheet_shows_each_change_first(census: Census, tmp_path: Path) -> None:
    take(census, usual(tmp_path / "census.xlsx"))
    exchanges = [list(row) for row in EXCHANGES]
    exchanges[1][3] = "by API"
    path = book(tmp_path / "new.xlsx", Applications=APPLICATIONS, Exchanges=exchanges[:-1])
    plan = census.read([path])
    assert plan.counts == {"added": 0, "changed": 1, "removed": 1}
    changed = next(item for item in plan.changes if item.action == "changed")
    assert changed.fields == (("way", "by-hand", "by-api"),)
    assert changed.title == "Registry → School desk: Births of the year"
    key = census.offer(plan, "clerk")
    assert census.waiting(key).changes == plan.changes
    assert len(census.register().exchanges) == 4
    census.take(key, "clerk")
    assert len(census.register().exchanges) == 3
    with pytest.raises(NotFound):
        census.take(key, "clerk")


def test_a_partial_sheet_removes_nothing_and_may_name_what_is_held(census: Census, tmp_path: Path) -> None:
    take(census, usual(tmp_path / "census.xlsx"))
    rows = [EXCHANGES[0], ["School desk", "Maps", "Catchments", "by hand", "", "", ""]]
    counts = take(census, book(tmp_path / "more.xlsx", More=rows), partial=True)
    assert counts == {"added": 1, "changed": 0, "removed": 0}
    assert len(census.register().exchanges) == 5


def test_what_is_written_can_be_read_again_in_every_language(census: Census, tmp_path: Path) -> None:
    take(census, usual(tmp_path / "census.xlsx"))
    held = census.register()
    for language in words.LANGUAGES:
        if language in ("it", "es"):
            whole = tmp_path / f"{language}.xlsx"
            whole.write_bytes(written.as_book(held, language))
            assert census.read([whole]).changes == (), language
        empty = tmp_path / f"empty-{language}.xlsx"
        empty.write_bytes(written.as_book(Register(), language))
        if language == "it":
            assert Census(census._state).read([empty]).reading.problems == ()
    paths = []
    for kind in ("applications", "exchanges"):
        path = tmp_path / f"{kind}.csv"
        path.write_text("\ufeff" + written.as_csv(held, kind, "fr"), encoding="utf-8", newline="")
        paths.append(path)
    assert census.read(paths).changes == ()


def test_sheets_as_people_write_them() -> None:
    found = sheets.read(
        grids(
            "censimento.xlsx",
            Leggimi=[["Compilare i due fogli"], ["Grazie"]],
            Applicativi=[
                ["Comune di Prova - censimento 2026"],
                [],
                ["  NOME *", "Ufficio responsabile", "Dati personali (sì/no)", "Scadenza contratto", "Colore"],
                ["Anagrafe", "Demografici", "Sì", "2027-12-31", "blu"],
                ["Tributi", "Tributi", "X", "12/2027", "rosso"],
                ["SIT", "Urbanistica", "no", "", ""],
            ],
            Flussi=[
                ["Da applicazione", "Verso", "Flusso", "Modalità di scambio", "Frequenza", "Note"],
                ["ANAGRAFE", "tributi", "Residenti", "Manualmente", "mensile", ""],
                ["Sit", "Tributi", "Vie", "FTP", "", ""],
            ],
        ),
        Register(),
    )
    assert found.problems == ()
    held = found.register
    assert held.applications["anagrafe"].contract_ends == date(2027, 12, 31)
    assert held.applications["tributi"].contract_ends == date(2027, 12, 31)
    assert held.applications["tributi"].personal is True
    assert held.applications["sit"].personal is False
    assert sorted(item.way for item in held.exchanges.values()) == ["by-file", "by-hand"]
    assert "Colore" in found.doubts[0]


def test_csv_of_another_encoding_and_delimiter(census: Census, tmp_path: Path) -> None:
    one, two = tmp_path / "applicazioni.csv", tmp_path / "scambi.csv"
    one.write_bytes(
        "Censimento;;\r\n\r\nApplicazione;Ufficio;Note\r\nAnagrafe;Città;è sua\r\nTributi;Tributi\r\n".encode("cp1252")
    )
    two.write_bytes('Da;A;Che cosa;Come\r\nAnagrafe;Tributi;"Nati; morti";a mano\r\n'.encode("cp1252"))
    plan = census.read([one, two])
    assert plan.reading.problems == ()
    assert plan.reading.register.applications["anagrafe"].organisation == "Città"
    assert next(iter(plan.reading.register.exchanges.values())).what == "Nati; morti"


def test_every_problem_has_its_place_and_nothing_is_taken() -> None:
    tables: dict[str, Any] = {
        "Applications": [
            ["Application", "Department", "Personal data", "Contract ends", "Criticality"],
            ["Registry", "Civil Registry", "perhaps", "soon", "enormous"],
            ["registry", "Other", "", "", ""],
            ["", "Nobody", "", "", ""],
            ["Maps", "", "", "", ""],
            ["***", "Stars", "", "", ""],
        ],
        "Exchanges": [
            ["From", "To", "What", "How", "Dataset"],
            ["Registri", "Maps", "Births", "by hand", ""],
            ["Maps", "Maps", "Itself", "by hand", ""],
            ["Registry", "Maps", "", "pigeon", "../etc"],
            ["Registry", "", "Births", "", ""],
            ["Registry", "Maps", "Deaths", "by file", ""],
            ["registry", "maps", "DEATHS", "by API", ""],
        ],
    }
    told = problems("bad.xlsx", **tables)
    for words_ in (
        "bad.xlsx, sheet Applications, row 2, column Personal data: 'perhaps' is not understood. Write yes or no.",
        "bad.xlsx, sheet Applications, row 2, column Contract ends: 'soon' is no day. Write it as 2027-12-31.",
        "bad.xlsx, sheet Applications, row 3, column Application: 'registry' is there twice. It stands in bad.xlsx",
        "bad.xlsx, sheet Applications, row 4, column Application: The application has no name.",
        "bad.xlsx, sheet Applications, row 5, column Department: Nobody answers for 'Maps'.",
        "bad.xlsx, sheet Exchanges, row 2, column From: No application is called 'Registri'. Did you mean 'Registry'?",
        "bad.xlsx, sheet Exchanges, row 3, column To: It gives to itself.",
        "bad.xlsx, sheet Exchanges, row 4, column What: It is not said what is exchanged.",
        "bad.xlsx, sheet Exchanges, row 4, column How: 'pigeon' is not understood. Write by hand or by file or by API",
        "bad.xlsx, sheet Exchanges, row 4, column Dataset: '../etc' is no id of a dataset.",
        "bad.xlsx, sheet Exchanges, row 5, column To: One end is empty.",
        "bad.xlsx, sheet Exchanges, row 7, column What: The same exchange is there twice. It stands in bad.xlsx",
    ):
        assert any(item.startswith(words_) for item in told), (words_, told)


def test_a_sheet_with_a_problem_changes_nothing(census: Census, tmp_path: Path) -> None:
    plan = census.read([book(tmp_path / "only.xlsx", Applications=APPLICATIONS)])
    assert plan.changes == ()
    with pytest.raises(SourceMalformed):
        census.offer(plan, "test")
    assert not census.register().applications


def test_missing_sheets_and_columns_say_what_to_add() -> None:
    assert "No sheet lists the exchanges." in problems("only.xlsx", Applications=APPLICATIONS)[0]
    told = problems("nothing.xlsx", Shopping=[["Milk", "Bread"], ["1", "2"]])
    assert [item.split(": ")[1][:18] for item in told] == ["No sheet lists the"] * 2
    told = problems(
        "without.xlsx", Applications=[["Application", "Vendor"], ["A", "B"]], Exchanges=[["From", "To"], ["A", "B"]]
    )
    assert any("row 1: The column with the department is missing." in item for item in told)
    assert any("Add a column What and How." in item for item in told)
    assert problems("blank.csv")


def test_the_same_name_twice_needs_a_code(census: Census, tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["Application", "Code", "Department"],
        ["Desk", "desk-tax", "Taxes"],
        ["Desk", "desk-edu", "Education"],
    ]
    ends = [["From", "To", "What", "How"], ["desk-tax", "desk-edu", "Fees", "by hand"]]
    path = book(tmp_path / "codes.xlsx", Applications=rows, Exchanges=ends)
    take(census, path)
    out = tmp_path / "again.xlsx"
    out.write_bytes(written.as_book(census.register()))
    assert census.read([out]).changes == ()
    ends[1][0] = "Desk"
    assert "Write its code: desk-tax, desk-edu." in problems("codes.xlsx", Applications=rows, Exchanges=ends)[0]


def test_formulas_and_markup_stay_texts(census: Census, tmp_path: Path) -> None:
    evil = "=cmd|' /C calc'!A0"
    names = [evil, "@SUM(1+1)", "+49 30", "-2+3", "<script>alert(1)</script>"]
    rows = [["Application", "Department"], *([name, "=HYPERLINK(1)"] for name in names)]
    path = tmp_path / "evil.xlsx"
    made = xlsxwriter.Workbook(path, {"strings_to_formulas": False})
    for title, table in (
        ("Applications", rows),
        ("Exchanges", [["From", "To", "What", "How"], [evil, "-2+3", "@x", "by file"]]),
    ):
        sheet = made.add_worksheet(title)
        for at, row in enumerate(table):
            for column, text in enumerate(row):
                sheet.write_string(at, column, text)
    made.close()
    take(census, path)
    held = census.register()
    assert {item.name for item in held.applications.values()} == set(names)
    text = written.as_csv(held, "applications")
    for row in csv.reader(io.StringIO(text)):
        assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for cell in row)
    back = tmp_path / "back.csv"
    back.write_text(text, newline="")
    other = tmp_path / "other.csv"
    other.write_text(written.as_csv(held, "exchanges"), newline="")
    assert census.read([back, other]).changes == ()
    out = io.BytesIO(written.as_book(held))
    for sheet in openpyxl.load_workbook(out):
        assert all(cell.data_type != "f" for row in sheet for cell in row)


def test_files_made_to_break_their_reader_cost_a_sentence(census: Census, tmp_path: Path) -> None:
    far = tmp_path / "far.xlsx"
    made = xlsxwriter.Workbook(far)
    sheet = made.add_worksheet("Applications")
    sheet.write_string(0, 0, "Application")
    sheet.write_string(1_048_575, 16_383, "x")
    made.close()
    with pytest.raises(SourceTooLarge, match="memory"):
        census.read([far])
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04" + b"\0" * 400)
    with pytest.raises(SourceMalformed):
        census.read([broken])
    page = tmp_path / "page.html"
    page.write_text("<!DOCTYPE html><table><tr><td>Application</td></tr></table>")
    with pytest.raises(SourceMalformed, match="no spreadsheet"):
        census.read([page])
    heavy = tmp_path / "heavy.csv"
    heavy.write_bytes(b"x" * 16_000_001)
    with pytest.raises(SourceTooLarge):
        census.read([heavy])


def test_a_zip_bomb_is_refused(census: Census, tmp_path: Path) -> None:
    import zipfile

    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(usual(bomb), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b"\0" * 60_000_000)
    with pytest.raises(SourceTooLarge, match="zip bomb"):
        census.read([bomb])


@pytest.mark.slow
def test_ten_thousand_rows_and_a_circle_of_all(census: Census, tmp_path: Path) -> None:
    count = 2000
    rows = [["Application", "Department"], *([f"A{n}", f"D{n % 40}"] for n in range(count))]
    ends = [["From", "To", "What", "How"]]
    ends += [[f"A{n % count}", f"A{(n + 1) % count}", f"w{n // count}", "by file"] for n in range(10_000)]
    one, two = tmp_path / "a.csv", tmp_path / "b.csv"
    for path, table in ((one, rows), (two, ends)):
        path.write_text("\n".join(";".join(row) for row in table))
    plan = census.read([one, two])
    assert not plan.reading.problems
    assert plan.counts["added"] == count + 10_000
    census.take(census.offer(plan, "test"), "test")
    assert len(census.register().exchanges) == 10_000
    assert len(lines(census.register().exchanges.values(), (), "all")) == 2 * count


def test_of_two_sheets_at_the_same_time_one_is_refused(census: Census, state: State, tmp_path: Path) -> None:
    first = usual(tmp_path / "a.xlsx")
    second = book(tmp_path / "b.xlsx", Applications=APPLICATIONS[:3], Exchanges=EXCHANGES[:2])
    keys = [census.offer(census.read([path]), "test") for path in (first, second)]
    told: list[object] = []

    def go(key: str) -> None:
        try:
            told.append(Census(state).take(key, "test"))
        except ArengoError as error:
            told.append(error)

    threads = [threading.Thread(target=go, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(item, Conflict) for item in told) == 1
    assert len(census.batches()) == 1


def test_a_sheet_waits_two_days(state: State, tmp_path: Path) -> None:
    at = [datetime(2026, 5, 1, tzinfo=UTC)]
    census = Census(state, now=lambda: at[0])
    plan = census.read([usual(tmp_path / "a.xlsx")])
    old = census.offer(plan, "test")
    at[0] += timedelta(days=3)
    census.offer(plan, "test")
    with pytest.raises(NotFound):
        census.waiting(old)


def test_taking_a_sheet_is_told(state: State, tmp_path: Path) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    census = Census(state, tell=lambda kind, **said: told.append((kind, said)))
    take(census, usual(tmp_path / "a.xlsx"))
    assert told[0][0] == "administration"
    assert told[0][1]["actor"] == "test"
    assert told[0][1]["body"]["applications"] == 4


def test_the_picture_with_the_platform(census: Census, tmp_path: Path) -> None:
    take(census, usual(tmp_path / "a.xlsx"))
    held = census.register()
    today = lines(held.exchanges.values(), ["residents"], "today")
    assert len(today) == 4
    assert all(PLATFORM not in (line.source, line.target) for line in today)
    after = lines(held.exchanges.values(), ["residents"], "published")
    assert {(line.source, line.target) for line in after if PLATFORM in (line.source, line.target)} == {
        ("registry", PLATFORM), (PLATFORM, "waste-fees"), (PLATFORM, "maps"),
    }  # fmt: skip
    assert len(after) == 5
    numbers = figures(held, ["residents"])
    assert numbers.ways == {"by-hand": 1, "by-file": 2, "by-api": 1, "through-platform": 0}
    assert numbers.share("by-hand", "by-file") == 0.75
    assert numbers.handed == 1 + 12 + 12
    assert numbers.covered == 2


def test_reads_the_source_was_spared(state: State) -> None:
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    usage = Usage(state, "UTC")
    usage.write({("residents", "api", False): 40, ("residents", "download:csv", False): 5,
                 ("residents", "page", False): 900, ("residents", "api", True): 70}, date(2026, 5, 10))  # fmt: skip
    usage.write({("residents", "api", False): 1000}, date(2025, 5, 10))
    for n in range(3):
        state.put_run(
            RunRecord(f"r{n}", "residents", "schedule", "succeeded", started_at=datetime(2026, 5, 10 + n, tzinfo=UTC))
        )
    found = spared(state, ["residents", "streets"], now)
    assert [(item.dataset, item.reads, item.pulls, item.spared) for item in found] == [("residents", 45, 3, 42)]


def test_frequencies_are_understood() -> None:
    for text, times in (("monthly", 12), ("ogni mese", 12), ("quotidien", 250), ("settimanale", 52), ("anual", 1),
                        ("trimestrale", 4), ("real time", 8760), ("whenever", None), ("", None)):  # fmt: skip
        assert words.times_a_year(text) == times, text


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.sampled_from(["residents", "", "x"])), max_size=30))
def test_every_exchange_stands_behind_some_line(ends: list[tuple[int, int, str]]) -> None:
    made = [
        Exchange(exchange_id(str(a), str(b), str(n)), str(a), str(b), str(n), "by-file", dataset=dataset)
        for n, (a, b, dataset) in enumerate(ends)
        if a != b
    ]
    held = Register({str(n): Application(str(n), str(n)) for n in range(7)}, {item.id: item for item in made})
    for view in ("today", "published", "all"):
        found = lines(made, ["residents"], view)
        assert {key for line in found for key in line.exchanges} == set(held.exchanges)
        assert len({(line.source, line.target, line.way) for line in found}) == len(found)
