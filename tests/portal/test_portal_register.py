"""The pages of the register: public what must be public, nobody's name, sealed papers, harmless tables."""

from __future__ import annotations

import csv
import io
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from portal_register import application

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "services"))

import register_city

from arengo.city import City
from arengo.portal.operator import COOKIE, token
from arengo.portal.register import harmless
from arengo.services.seal import Sealer

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

SECRET_NAMES = (*register_city.NAMES, "schools@small.example")
"""People in the rows, and the mailbox of an approver that may name one."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    made = register_city.make(tmp_path_factory.mktemp("pages"))
    contracts = made.settings.root / "contracts"
    hostile = contracts / "staff.odcs.yaml"
    text = hostile.read_text(encoding="utf-8")
    text = text.replace(
        "{name: name, logicalType", "{name: hired_on, logicalType: date}\n      - {name: name, logicalType"
    )
    text += "  - {property: arengoRetentionFrom, value: hired_on}\n"
    text = text.replace("name: Staff of the city", "name: \"=cmd|' /C calc'!A1 <script>alert(1)</script>\"")
    recipients = "retention: P10Y, recipients: ['@SUM(A1)', '+39 012', '-1', \"<img src=x onerror=alert(1)>\"]"
    hostile.write_text(text.replace("retention: P10Y", recipients), encoding="utf-8")
    made.apply()
    (run,) = made.publish(["officials"], at=register_city.NOW)
    assert run.state == "succeeded", run.error
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(city: City) -> Iterator[TestClient]:
    with TestClient(application(city), raise_server_exceptions=True, follow_redirects=False) as made:
        yield made


@pytest.fixture(scope="module")
def key(city: City) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={token(city.settings)}"}


@pytest.fixture(autouse=True)
def forgotten(client: TestClient) -> None:
    """Each test comes with no language kept."""
    client.cookies.clear()


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_record_names_every_dataset_about_persons_and_no_other(client: TestClient) -> None:
    answer = client.get("/register")
    assert answer.status_code == 200
    assert re.findall(r'<section class="entry" id="([^"]+)"', answer.text) == ["officials", "pupils", "staff"]
    text = plain(answer.text)
    for expected in ("Municipality of Small", "Planning places in schools", "A public task (Art. 6(1)(e) GDPR)",
                     "5 years", "Children", "Cloud Host in US", "health or disability", "in 3 datasets"):  # fmt: skip
        assert expected in text
    assert "benches" not in answer.text
    again = client.get("/register", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/register", "/register.csv", "/datasets/pupils/privacy-notice",
                                  "/datasets/staff/privacy-notice", "/datasets/officials/privacy-notice"])  # fmt: skip
@pytest.mark.parametrize("language", ["en", "it", "ar"])
def test_public_pages_name_no_person(client: TestClient, path: str, language: str) -> None:
    answer = client.get(path, params={"lang": language})
    assert answer.status_code == 200
    assert not [name for name in SECRET_NAMES if name in answer.text]
    if answer.headers["content-type"].startswith("text/html"):
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
    assert ("Ada Verdi" in answer.text) == path.startswith("/register")  # Art. 30 asks for the officer's name


def test_what_is_missing_is_for_those_who_can_add_it(client: TestClient, key: dict[str, str]) -> None:
    assert "No purpose is named." not in client.get("/register").text
    told = client.get("/register", headers=key).text
    assert "No purpose is named." in told
    assert '/datasets/pupils/dpia"' in told


def test_a_notice_answers_in_order(client: TestClient) -> None:
    text = plain(client.get("/datasets/pupils/privacy-notice").text)
    order = ["Who is responsible?", "What is known about people?", "What is it used for", "Who receives it?",
             "Does it leave", "How long is it kept?", "Where does it come from?", "Does a machine decide",
             "What can you ask for?", "Where do you turn?"]  # fmt: skip
    places = [text.index(title) for title in order]
    assert places == sorted(places)
    for expected in ("dpo@small.example", "The law protects some of it specially", "counted from the day in “left on”",
                     "Garante per la protezione dei dati personali", "You can object"):  # fmt: skip
        assert expected in text
    payroll = plain(client.get("/datasets/staff/privacy-notice").text)
    assert "in a form that programs read (Art. 20)" in payroll
    assert "You can object" not in payroll
    assert "counted from a day that each row holds" in payroll
    assert "hired" not in payroll  # a closed dataset does not tell its columns
    assert "hired" not in client.get("/register.csv").text
    officials = plain(client.get("/datasets/officials/privacy-notice").text)
    assert "It is published: everybody may read it." in officials
    italian = client.get("/datasets/pupils/privacy-notice", params={"lang": "it"}).text
    assert "Programmazione dei posti nelle scuole" in italian


def test_datasets_without_persons_have_no_notice(client: TestClient) -> None:
    assert client.get("/datasets/benches/privacy-notice").status_code == 404
    assert client.get("/datasets/nothing/privacy-notice").status_code == 404
    assert "privacy-notice" not in client.get("/datasets/benches").text
    assert '/datasets/officials/privacy-notice"' in client.get("/datasets/officials").text


def test_the_table_is_read_by_a_spreadsheet_and_starts_no_formula(client: TestClient) -> None:
    answer = client.get("/register.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="register.csv"'
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row[1] for row in rows[1:]] == ["officials", "pupils/place-planning", "pupils/transport", "staff/payroll"]
    assert {len(row) for row in rows} == {16}
    for row in rows:
        for cell in row:
            for line in cell.split("\n"):
                assert line[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert rows[4][0].startswith("'=cmd")
    assert rows[4][11] == "'@SUM(A1)\n'+39 012\n'-1\n<img src=x onerror=alert(1)>"
    assert harmless("\n =1") == "\n' =1"


@pytest.mark.parametrize("path", ["/register.pdf", "/datasets/pupils/privacy-notice.pdf"])
def test_papers_are_sealed_once(client: TestClient, city: City, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["content-type"] == "application/pdf"
    found = Sealer(city.settings).check(answer.content)
    assert found.good
    assert client.get(path).content == answer.content
    assert client.get(path, params={"lang": "it"}).content != answer.content
    assert client.get(path, params={"lang": "ar"}).headers["content-language"] == "en"
    changed = bytearray(answer.content)
    changed[len(changed) // 3] ^= 1
    assert not Sealer(city.settings).check(bytes(changed)).good
    assert client.get("/seal.pem").content.startswith(b"-----BEGIN CERTIFICATE-----")
    spaced = re.search(r'class="fingerprint"[^>]*>.*?</span>([0-9a-f ]+)<', client.get("/register").text)
    assert spaced is not None
    assert spaced[1].replace(" ", "") == found.fingerprint


@pytest.mark.parametrize("path", ["/datasets/pupils/dpia", "/datasets/pupils/dpia.pdf", "/register/retention"])
def test_what_is_for_stewards_is_shut(client: TestClient, key: dict[str, str], path: str) -> None:
    assert client.get(path).status_code == 403
    answer = client.get(path, headers=key)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    if not path.endswith(".pdf"):
        assert not [name for name in register_city.NAMES if name in answer.text]


def test_an_assessment_marks_what_is_open(client: TestClient, key: dict[str, str]) -> None:
    text = plain(client.get("/datasets/pupils/dpia", headers=key).text)
    assert "2 of nine criteria are met" in text
    assert text.count("to be answered") > 15
    assert "Why is each kind of data needed for each purpose?" in text


def test_stewards_see_rules_holds_and_what_went(client: TestClient, city: City, key: dict[str, str]) -> None:
    assert "It was not looked at yet" in plain(client.get("/register/retention", headers=key).text)
    city.retention.note()
    held = city.retention.hold("staff", reason="Lawsuit <b>9</b>", by="operator")
    try:
        text = client.get("/register/retention", headers=key).text
        assert "Lawsuit &lt;b&gt;9&lt;/b&gt;" in text
        assert "Nothing is due." in text
        assert "5 years after the day in “left on”" in plain(text)
        notice = plain(client.get("/datasets/staff/privacy-notice").text)
        assert "a legal hold stands on it" in notice
        assert "Lawsuit" not in notice
    finally:
        city.retention.lift(held.id, by="operator", why="It is over.")


def test_a_register_without_persons_says_so(tmp_path: Path) -> None:
    from arengo.city import init, open_city

    init(tmp_path, name="Empty").close()
    with open_city(tmp_path) as empty, TestClient(application(empty)) as client:
        assert "No dataset holds personal data" in client.get("/register").text
        assert client.get("/register.pdf").content.startswith(b"%PDF")
