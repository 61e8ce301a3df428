"""The workbench: its state is its address, cells run on the server, and what the operator keeps."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from portal_register import application, make_city
from starlette.testclient import TestClient

from arengo.city import City
from arengo.contract import lint, loads
from arengo.errors import BadQuery
from arengo.portal.operator import COOKIE, token
from arengo.portal.workbench_state import Cell, Notebook, pack, read, taken, unpack
from arengo.portal.workbench_text import written


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city that these tests may change."""
    city = make_city(tmp_path_factory.mktemp("workbench"))
    yield city
    city.close()


@pytest.fixture(scope="module")
def desk(own: City) -> Iterator[TestClient]:
    """The operator's browser."""
    with TestClient(application(own), follow_redirects=False, cookies={COOKIE: token(own.settings)}) as made:
        yield made


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


# ---- the state ----------------------------------------------------------------------------------------------------


def test_the_address_is_the_state() -> None:
    cells = (Cell("text", "# Héllo"), Cell("sql", "SELECT 1", "bars"), Cell("sql", "SELECT $x\nFROM t"))
    book = Notebook(cells, {"x": "a & b"}, "3")
    again = read(parse_qsl(urlsplit(book.address).query))
    assert again == book
    short = Notebook((Cell("sql", "SELECT 1", "lines"),))
    assert short.address == "/sql?q=SELECT+1&show=lines"
    assert read(parse_qsl(urlsplit(short.address).query)) == short
    assert Notebook().address == "/sql"
    made = random.Random(1)
    noise = "".join(made.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(19_000))
    assert Notebook((Cell("sql", noise),)).address == ""


def test_buttons_change_the_cells() -> None:
    book = Notebook((Cell("sql", "a"), Cell("sql", "b")))
    assert [cell.text for cell in book.changed("up:1")[0].cells] == ["b", "a"]
    assert [cell.text for cell in book.changed("down:0")[0].cells] == ["b", "a"]
    assert [cell.text for cell in book.changed("drop:0")[0].cells] == ["b"]
    assert book.changed("text")[0].cells[-1] == Cell("text", "")
    assert "FROM trees" in book.changed("ask:trees")[0].cells[-1].text
    for odd in ("", "up:9", "drop:x", "drop:-1", "nothing:1", "ask:"):
        assert book.changed(odd)[0] == book
    assert len(Notebook((Cell("sql", "a"),) * 24).changed("sql")[0].cells) == 24


def test_broken_and_swollen_addresses() -> None:
    word = pack((Cell("sql", "SELECT 1"),))
    assert unpack(word) == (Cell("sql", "SELECT 1"),)
    import base64
    import zlib

    bomb = base64.urlsafe_b64encode(zlib.compress(b"[" + b" " * 50_000_000 + b"]")).decode()
    for broken in ("x", word[:-4], "####", bomb, base64.urlsafe_b64encode(b"nothing").decode()):
        with pytest.raises(BadQuery):
            unpack(broken)
    odd = base64.urlsafe_b64encode(zlib.compress(b'[["sql"], 3, ["x", "SELECT 2", "pie"], {}]')).decode()
    assert unpack(odd) == (Cell("sql", "SELECT 2", "table"),)


def test_a_form_becomes_a_notebook() -> None:
    book = taken({"kind": ("sql", "text"), "text": ("SELECT 1\r\n", "words"), "show": ("bars",), "p.x": ("1",)})
    assert book.cells == (Cell("sql", "SELECT 1", "bars"),)
    assert book.values == {"x": "1"}


def test_text_is_safe_html() -> None:
    assert written("# A *b*\n- **c**\n- `<d>`\n\n[e](/f) & <script>") == (
        "<h3>A <em>b</em></h3>\n<ul><li><strong>c</strong></li><li><code>&lt;d&gt;</code></li></ul>\n"
        '<p><a href="/f">e</a> &amp; &lt;script&gt;</p>'
    )
    for bad in ("[x](javascript:alert(1))", "[x](//evil.example)", '[x](/a"onclick="b)', "<img src=x onerror=y>"):
        html = str(written(bad))
        assert "javascript:" not in html or "href" not in html
        assert 'href="//' not in html
        assert "<img" not in html
        assert 'onclick="' not in html


# ---- the page -----------------------------------------------------------------------------------------------------


def test_an_empty_page_has_questions_that_work(client: TestClient) -> None:
    page = client.get("/sql")
    assert page.status_code == 200
    offered = re.findall(r'<li><a href="(/sql\?[^"]+)">', page.text)
    assert 1 <= len(offered) <= 3
    for href in offered:
        answer = client.get(href.replace("&amp;", "&"))
        assert answer.status_code == 200
        assert 'class="banner wrong"' not in answer.text
        assert "<tbody>" in answer.text


def test_a_question_is_answered_on_the_page(client: TestClient, register: City) -> None:
    table = register.door.sql_tables()[0]
    page = client.get("/sql", params={"q": f"SELECT count(*) AS how_many FROM {table.name}"})
    assert "how_many" in page.text
    assert "/api/v1/sql?q=" in page.text
    assert client.get("/sql", params={"q": f"SELECT count(*) AS how_many FROM {table.name}"},
                      headers={"if-none-match": page.headers["etag"]}).status_code == 304  # fmt: skip
    wrong = client.get("/sql", params={"q": f"SELECT nope\nFROM {table.name}"})
    assert wrong.status_code == 200
    assert "There is no column" in wrong.text
    assert 'class="excerpt"' in wrong.text
    moment = client.get("/sql", params={"q": "SELECT now() AS at"})
    assert "etag" not in moment.headers


def test_hostile_words_stay_words(client: TestClient) -> None:
    q = "SELECT '<script>alert(1)</script>' AS \"<b>\" -- </textarea><script>"
    page = client.get("/sql", params={"q": q, 'p."><script>': "x"})
    assert "<script>alert" not in page.text
    assert "</textarea><script>" not in page.text
    assert client.get("/sql", params={"s": "broken"}).status_code == 400


def test_values_become_fields(client: TestClient, register: City) -> None:
    page = client.get("/sql", params={"q": "SELECT $first AS a, $second AS b", "p.first": "x"})
    assert 'name="p.first" value="x"' in page.text
    assert "waits for a value: $second" in _text(page.text)
    full = client.get("/sql", params={"q": "SELECT $first AS a, $second AS b", "p.first": "x", "p.second": "<y>"})
    assert "&lt;y&gt;" in full.text


def test_a_form_leads_to_the_address(client: TestClient) -> None:
    sent = {"kind": "sql", "text": "SELECT 1 AS a", "show": "table", "do": "run"}
    answer = client.post("/sql", data=sent)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sql?q=SELECT+1+AS+a"
    more = client.post("/sql", data={**sent, "do": "sql"})
    assert more.status_code == 200
    assert more.text.count('name="kind" value="sql"') == 2
    one = client.post("/sql", data={**sent, "do": "run:0"})
    assert one.headers["location"].endswith("#cell-1")
    assert client.post("/sql", data=sent, headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_a_closed_city(own: City) -> None:
    from dataclasses import replace

    from arengo.settings import SqlSettings

    before = own.settings
    own.settings = replace(before, sql=SqlSettings(enabled=False))
    try:
        with TestClient(application(own)) as visitor:
            assert visitor.get("/sql").status_code == 403
    finally:
        own.settings = before


# ---- kept questions, and datasets ---------------------------------------------------------------------------------


def test_only_the_operator_keeps(client: TestClient, desk: TestClient) -> None:
    sent = {
        "kind": "sql",
        "text": "SELECT $x AS a",
        "show": "table",
        "p.x": "1",
        "do": "keep",
        "name": "Önce: a question",
    }
    assert client.post("/sql", data=sent).status_code == 403
    kept = desk.post("/sql", data=sent)
    assert kept.headers["location"] == "/queries/once-a-question"
    page = desk.get("/queries/once-a-question")
    assert "Önce: a question" in page.text
    assert 'name="p.x" value="1"' in page.text
    assert 'name="p.x" value="2"' in desk.get("/queries/once-a-question", params={"p.x": "2"}).text
    assert "Önce: a question" in desk.get("/queries").text
    assert desk.post("/sql", data={**sent, "name": " "}).status_code == 400
    assert desk.get("/queries/nothing").status_code == 404
    assert desk.post("/queries/once-a-question", data={"do": "drop"}).headers["location"] == "/queries"
    assert "No question is kept yet" in desk.get("/queries").text


def test_a_dataset_of_a_question(client: TestClient, desk: TestClient, own: City) -> None:
    table = own.door.sql_tables()[0]
    column = table.view.columns[0].name
    given = {"q": f'SELECT "{column}", count(*) AS n FROM {table.name} GROUP BY 1', "id": "made-of-it"}
    page = desk.get("/sql/dataset", params=given)
    assert page.status_code == 200
    text = desk.get("/sql/dataset.yaml", params=given).text
    contract = loads(text)
    assert contract.id == "made-of-it"
    assert contract.source is not None
    assert contract.source.kind == "query"
    assert not [item for item in lint(text) if item.severity == "error"]
    assert "<textarea" not in client.get("/sql/dataset", params=given).text.split("contract")[-1]
    assert client.post("/sql/dataset", data={"text": text}).status_code == 403
    saved = desk.post("/sql/dataset", data={"text": text, "q": given["q"], "id": "made-of-it"})
    assert saved.headers["location"] == "/datasets/made-of-it"
    assert "made-of-it" in own.state.contracts()
    again = desk.post("/sql/dataset", data={"text": text})
    assert "is a dataset made-of-it already" in _text(again.text)
    for odd in (text.replace("made-of-it", "../../x"), "nothing", "a: [", text.replace("v3.1.0", "v9")):
        assert desk.post("/sql/dataset", data={"text": odd}).status_code in (200, 400)
    assert not (own.settings.root.parent / "x.odcs.yaml").exists()
    run = own.publish("made-of-it")[0]
    assert run.state == "succeeded"


def test_no_dataset_of_closed_or_open_ended_questions(client: TestClient) -> None:
    values = client.get("/sql/dataset", params={"q": "SELECT $x AS a"})
    assert "has no values to fill in" in _text(values.text)
    assert client.get("/sql/dataset", params={"q": "SELECT nope"}).status_code == 400
    assert client.get("/sql/dataset").status_code == 400
