from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from portal_register import HOSTILE, application

from arengo.city import City
from arengo.city import init as init_city
from arengo.portal import wheel
from arengo.portal.operator import COOKIE, token
from arengo.portal.upload import parts
from arengo.services.census import Application, Exchange, Register, book
from arengo.services.census.record import exchange_id

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def register_of(count: int, departments: int = 5, name: str = "Application") -> Register:
    applications = {
        f"a{n}": Application(f"a{n}", f"{name} {n}", f"Department {n % departments}", contact="Ada", technology="Java")
        for n in range(count)
    }
    ways = ("by-hand", "by-file", "by-api", "through-platform")
    made = []
    for n in range(count * 2):
        a, b = f"a{n % count}", f"a{(n * 7 + 1) % count}"
        if a != b:
            made.append(
                Exchange(exchange_id(a, b, str(n)), a, b, str(n), ways[n % 4], dataset="trees" if n % 3 else "")
            )
    return Register(applications, {item.id: item for item in made})


def file_of(register: Register) -> tuple[str, bytes, str]:
    return ("census.xlsx", book.as_book(register), XLSX)


def send(client: TestClient, register: Register, **fields: str) -> Any:
    return client.post("/census/sheet", data=fields, files={"sheet": file_of(register)})


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = init_city(tmp_path / "city", name="Little")
    yield made
    made.close()


@pytest.fixture
def visitor(city: City) -> Iterator[TestClient]:
    with TestClient(application(city), follow_redirects=False) as made:
        yield made


@pytest.fixture
def keeper(city: City) -> Iterator[TestClient]:
    with TestClient(application(city), follow_redirects=False) as made:
        made.cookies.set(COOKIE, token(city.settings))
        yield made


def bring_in(keeper: TestClient, register: Register) -> None:
    answer = send(keeper, register)
    assert answer.status_code == 303, answer.text
    assert keeper.post(answer.headers["location"], data={"act": "take"}).status_code == 303


def test_an_empty_census_says_how_it_begins(visitor: TestClient) -> None:
    page = visitor.get("/census").text
    assert "The census is empty" in page
    assert "/census/template.xlsx" in page
    made = openpyxl.load_workbook(io.BytesIO(visitor.get("/census/template.xlsx?lang=it").content))
    assert made.sheetnames == ["Applicazioni", "Scambi", "Come si compila"]


def test_only_keepers_bring_in_a_sheet(visitor: TestClient, keeper: TestClient) -> None:
    assert visitor.get("/census/sheet").status_code == 403
    assert send(visitor, register_of(4)).status_code == 403
    assert visitor.get("/census/sheet/whatever").status_code == 403
    waiting = send(keeper, register_of(4)).headers["location"]
    assert visitor.get(waiting).status_code == 403
    assert visitor.post(waiting, data={"act": "take"}).status_code == 403
    assert "The census is empty" in visitor.get("/census").text


def test_a_sheet_is_seen_before_it_is_taken(city: City, keeper: TestClient) -> None:
    answer = send(keeper, register_of(6))
    preview = keeper.get(answer.headers["location"])
    assert preview.headers["cache-control"] == "no-store"
    assert "18 new, 0 changed, 0 gone" in preview.text or "new, 0 changed, 0 gone" in preview.text
    assert not city.census.register().applications
    assert keeper.post(answer.headers["location"], data={"act": "drop"}).headers["location"] == "/census/sheet"
    assert keeper.get(answer.headers["location"]).status_code == 404
    bring_in(keeper, register_of(6))
    assert len(city.census.register().applications) == 6
    assert "Nothing changes" in send(keeper, register_of(6)).text


def test_a_sheet_with_problems_lists_them_and_takes_nothing(city: City, keeper: TestClient) -> None:
    text = "Application;Department\nA;\n"
    answer = keeper.post("/census/sheet", files={"sheet": ("../../evil.csv", text.encode(), "text/csv")})
    assert answer.status_code == 400
    assert "evil.csv, row 2, column Department" in answer.text
    assert "../" not in answer.text.split("sheet-problems")[1].split("</ol>")[0]
    assert not city.census.register().applications
    assert keeper.post("/census/sheet", data={"partial": "no"}).status_code == 400


def test_a_form_of_another_site_is_refused(keeper: TestClient) -> None:
    answer = keeper.post(
        "/census/sheet", files={"sheet": file_of(register_of(3))}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403


def test_the_pages_of_a_census(keeper: TestClient, visitor: TestClient) -> None:
    bring_in(keeper, register_of(30))
    for path in ("/census", "/census?view=published", "/census?view=all", "/census?organisation=Department+1",
                 "/census?way=by-hand", "/census?page=2",
                 "/census?view=x&page=999&organisation=x", "/census/a1"):  # fmt: skip
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert "<svg" in answer.text
        assert "style=" not in answer.text
        assert answer.text.count("<h1") == 1
    assert visitor.get("/census/nobody").status_code == 404
    tag = visitor.get("/census").headers["etag"]
    assert visitor.get("/census", headers={"If-None-Match": tag}).status_code == 304


def test_what_would_help_an_intruder_is_told_to_keepers_only(keeper: TestClient, visitor: TestClient) -> None:
    bring_in(keeper, register_of(5))
    for path in ("/census/a1", "/census/applications.csv"):
        assert "Ada" in keeper.get(path).text
        assert "Ada" not in visitor.get(path).text
        assert "Java" not in visitor.get(path).text
    sheet = openpyxl.load_workbook(io.BytesIO(visitor.get("/census.xlsx").content))["Applications"]
    assert "Ada" not in [cell.value for row in sheet for cell in row]


def test_a_census_may_be_shown_to_nobody_outside(city: City, tmp_path: Path) -> None:
    toml = city.settings.root / "city.toml"
    toml.write_text(toml.read_text() + "[census]\npublic = false\n")
    from arengo.city import open_city

    with open_city(city.settings.root) as shut, TestClient(application(shut), follow_redirects=False) as client:
        for path in ("/census", "/census/a1", "/census.xlsx", "/census/exchanges.csv"):
            assert client.get(path).status_code == 403, path
        client.cookies.set(COOKIE, token(shut.settings))
        assert client.get("/census").status_code == 200


def test_names_with_markup_stay_words(keeper: TestClient, visitor: TestClient) -> None:
    held = register_of(5, name=HOSTILE)
    bring_in(keeper, held)
    for path in ("/census", f"/census/{next(iter(Register(held.applications).applications))}"):
        assert HOSTILE not in visitor.get(path).text


def test_the_wheel_stands_still_while_the_picture_changes() -> None:
    spokes = [wheel.Spoke(f"s{n}", f"Spoke {n}", f"G{n % 3}", "/") for n in range(20)]
    threads = [wheel.Thread(f"s{n}", f"s{(n * 3 + 1) % 20}", "by-file", 1, "") for n in range(20)]
    ordered = wheel.order(spokes, threads)
    assert wheel.order(list(reversed(spokes)), threads) == ordered
    assert [item.group for item in ordered] == sorted((item.group for item in ordered), key=[
        item.group for item in ordered].index)  # fmt: skip
    before = wheel.wide(ordered, threads)
    after = wheel.wide(ordered, [wheel.Thread("s1", wheel.PLATFORM, "through-platform", 1, "")])
    assert [(dot.x, dot.y) for dot in before.dots] == [(dot.x, dot.y) for dot in after.dots]
    assert before.hub is None
    assert after.hub is not None


@pytest.mark.parametrize("count", [1, 2, 8, 12, 13, 60, 200])
def test_a_wheel_of_any_size_stays_within_its_frame(count: int) -> None:
    spokes = [wheel.Spoke(f"s{n}", f"A rather long name of number {n}", f"Group {n % 9}", "/") for n in range(count)]
    threads = [wheel.Thread(f"s{n}", f"s{(n * 3 + 1) % count}", "by-hand", 1, "") for n in range(count)]
    threads.append(wheel.Thread("s0", wheel.PLATFORM, "through-platform", 3, ""))
    threads.append(wheel.Thread("gone", "s0", "by-file", 1, ""))
    for made in (wheel.wide(spokes, threads), wheel.narrow(spokes, threads)):
        numbers = [float(n) for path in (*made.paths, *made.rings) for n in re.findall(r"-?\d+\.\d", path.d)]
        assert all(-1 <= n <= max(made.width, made.height) + 1 for n in numbers)
        assert all(0 <= dot.x <= made.width and 0 <= dot.y <= made.height for dot in made.dots)
        assert len(made.dots) == count


def test_a_thousand_applications_show_their_departments(keeper: TestClient, visitor: TestClient) -> None:
    bring_in(keeper, register_of(260, 20))
    answer = visitor.get("/census")
    assert "departments stand for theirs" in answer.text
    assert len(answer.text) < 400_000


def test_files_in_a_form() -> None:
    body = (b'--x\r\nContent-Disposition: form-data; name="partial"\r\n\r\nyes\r\n'
            b'--x\r\nContent-Disposition: form-data; name="sheet"; filename="C:\\\\a\\\\b.csv"\r\n\r\na\r\n--y\r\n\r\n'
            b"--x--\r\n")  # fmt: skip
    fields, files = parts("multipart/form-data; boundary=x", body)
    assert fields == {"partial": ("yes",)}
    assert (files[0].name, files[0].content) == ("b.csv", b"a\r\n--y\r\n")
    from arengo.errors import BadQuery

    for kind, broken in (("multipart/form-data", body), ("multipart/form-data; boundary=x", body[:-6]),
                         ("multipart/form-data; boundary=x", b"--x\r\nno name\r\n\r\nx\r\n--x--"),
                         ("multipart/form-data; boundary=x", b"--x\r\n" * 500 + b"--x--")):  # fmt: skip
        with pytest.raises(BadQuery):
            parts(kind, broken)
