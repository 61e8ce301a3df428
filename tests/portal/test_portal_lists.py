"""Lists and the path to them in a city that also shows other catalogues: offices, themes, series, the guided path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from portal_register import application, contract
from starlette.testclient import TestClient

import arengo
from arengo.catalogue import Agent, Distribution, Provenance, Record
from arengo.catalogue.harvest import codec
from arengo.city import City
from arengo.state import harvesting

COLUMNS = [
    "name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true",
    "name: species, logicalType: string",
]
OTHERS = 30
NEW = datetime.now(UTC)
OLD = datetime(2019, 5, 1, tzinfo=UTC)


def other(number: int) -> Record:
    """A dataset of another catalogue. Every third is of transport and new; the last has no file."""
    third = number % 3 == 0
    return Record(
        id=f"other-{number:02d}",
        title={"en": f"Benches of town {number}"},
        description={"en": "Where one sits."},
        themes=("TRAN" if third else "ENVI",),
        publisher=Agent("town", {"en": "Another town"}),
        modified=NEW if third else OLD,
        distributions=()
        if number == OTHERS - 1
        else (Distribution("csv", {}, format="CSV", download_url="https://data.example.org/a.csv"),),
        provenance=Provenance("region", "The region", identifier=str(number)),
    )


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    root = Path(tmp_path_factory.mktemp("lists"))
    arengo.init(root, name="Prova").close()
    with (root / "city.toml").open("a", encoding="utf-8") as file:
        file.write('contact = "data@prova.example"\n')
    for year, rows in (("2024", 3), ("2025", 5)):
        name = f"trees-{year}"
        lines = ["id,species"] + [f"{n},Lime" for n in range(rows)]
        (root / "sources" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        custom = [
            f"arengoSource, value: {{kind: csv, path: sources/{name}.csv}}",
            "arengoTheme, value: ENVI",
            "arengoOwner, value: Parks",
            "arengoSeries, value: {id: trees, title: {en: Trees year by year}}",
        ]
        (root / "contracts" / f"{name}.odcs.yaml").write_text(contract(name, f"Trees {year}", COLUMNS, custom), "utf-8")
    (root / "sources" / "staff.csv").write_text("id,species\n1,a\n", encoding="utf-8")
    custom = [
        "arengoSource, value: {kind: csv, path: sources/staff.csv}",
        "arengoAccess, value: closed",
        "arengoOwner, value: Registry",
        "arengoTheme, value: SOCI",
    ]
    (root / "contracts" / "staff.odcs.yaml").write_text(contract("staff", "Staff", COLUMNS, custom), encoding="utf-8")
    made = arengo.open(root)
    assert {run.state for run in made.publish()} == {"succeeded"}
    with made.state.write() as connection:
        for number in range(OTHERS):
            record = other(number)
            assert record.publisher is not None
            assert record.provenance is not None
            row = {
                "id": record.id, "source": "region", "identifier": str(number), "uuid": record.uuid,
                "sha": str(number), "body": codec.dumps(record), "publisher": record.publisher.id,
                "modified_at": record.modified, "stamp": number + 1, "misses": 0,
            }  # fmt: skip
            connection.execute(sa.insert(harvesting.record), row)
        made.state.bump(connection)
    yield made
    made.close()


@pytest.fixture(scope="module")
def reader(city: City) -> Iterator[TestClient]:
    with TestClient(application(city), follow_redirects=False) as made:
        yield made


def said(reader: TestClient, path: str, **params: str) -> str:
    """The words of a page's main part."""
    answer = reader.get(path, params=params)
    assert answer.status_code == 200, path
    body = answer.text.partition("<main")[2].partition("</main>")[0]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)))


def options(reader: TestClient, **params: str) -> dict[str, int]:
    """The answers that a question of the guided path offers, each with what it leaves."""
    text = reader.get("/guide", params=params).text
    pairs = re.findall(r'<span class="what"><b>([^<]*)</b>.*?<span class="num quiet">([^<]*)</span>', text)
    return {unescape(name): int(count.replace(",", "")) for name, count in pairs}


def test_offices_say_what_they_hold(reader: TestClient) -> None:
    text = said(reader, "/organisations")
    assert "Parks 2 8" in text
    assert "Registry 1 –" in text, "no rows for everybody is not the same as no rows"
    assert f"Another town {OTHERS} –" in text
    parks = said(reader, "/organisations/parks")
    assert "Rows 8" in parks
    assert "2 datasets" in parks
    assert "What changed lately" in parks
    registry = said(reader, "/organisations/registry")
    assert "Versions kept 1" in registry
    assert "Rows" not in registry
    assert reader.get("/organisations/nobody").status_code == 404


def test_a_theme_lists_own_and_others(reader: TestClient) -> None:
    assert f"{2 + 20} datasets" in said(reader, "/themes/ENVI")
    assert "Rows 8" in said(reader, "/themes/envi")
    assert "Rows" not in said(reader, "/themes/TRAN")
    assert reader.get("/themes/NOTHING").status_code == 404


def test_a_series_goes_from_the_newest_to_the_oldest(reader: TestClient) -> None:
    text = said(reader, "/series/trees")
    assert "Trees year by year" in text
    assert "A series of 2 datasets. Together 8 rows." in text
    assert reader.get("/series/trees-2024").status_code == 404, "a dataset is no series"
    assert reader.get("/series/nothing").status_code == 404


def test_the_guided_path_counts_what_each_answer_leaves(reader: TestClient) -> None:
    about = options(reader, q="any")
    assert about == {"Environment": 22, "Transport": 10, "Population and society": 1}
    assert "22 datasets fit so far" in said(reader, "/guide", q="any", about="ENVI")
    assert "All 10 of them" in said(reader, "/guide", q="any", about="TRAN")
    wants = options(reader, q="any", about="any")
    assert wants == {"Look something up": 2, "Take it with you": 2 + OTHERS, "Use it in a program": 2}
    look = said(reader, "/guide", q="any", about="any", want="look")
    assert look.count("is a list you can search") == 2, "both are new, so that is not asked; not the closed one"
    fresh = options(reader, q="any", about="any", want="any")
    assert fresh == {"From this week": 13, "From the last month": 13, "From the last year": 13}
    assert options(reader, q="any", want="look") == {}, "one theme is left: nothing to choose"


def test_the_guided_path_asks_nothing_that_changes_nothing(reader: TestClient) -> None:
    text = said(reader, "/guide", q="benches", about="TRAN")
    assert "What fits" in text, "all of them are files of others, and all are new"
    assert "What do you want" not in text
    assert "1 dataset" not in said(reader, "/guide", q="staff")


def test_the_end_of_the_guided_path_says_why_and_where_next(reader: TestClient) -> None:
    text = said(reader, "/guide", q="trees", about="ENVI", want="look", fresh="week")
    assert (
        text.count("has “trees” in what it says, is about Environment, is a list you can search, was renewed on") == 2
    )
    page = reader.get("/guide?q=trees&about=ENVI&want=look&fresh=week").text
    assert 'href="/datasets/trees-2025/table"' in page
    assert "/follow?topic=dataset&amp;value=trees-2025" in page
    assert "mailto:data@prova.example" in page
    others = reader.get("/guide?q=benches&show=1").text
    assert f"All {OTHERS} of them" in others
    assert 'href="/datasets?q=benches"' in others
    assert "topic=dataset" not in others, "only what is the city's own can be followed"
    taken = reader.get("/guide?want=take&show=all").text
    assert f"other-{OTHERS - 1:02d}" not in taken, "without a file there is nothing to take"
    assert 'href="/datasets/staff' not in taken
    assert taken.count("comes as a file") == 2 + OTHERS - 1
    some = reader.get("/guide?want=take&show=1").text
    assert some.count("comes as a file") == 8
    assert "show=all" in some


def test_reasons_are_true(reader: TestClient) -> None:
    slip = said(reader, "/guide", q="bencehs", show="1")
    assert "Nothing has “bencehs”. Shown is what has “benches”." in slip
    assert "has “benches” in what it says" in slip
    half = said(reader, "/guide", q="lime walrus", show="1")
    assert "No dataset has all of these words" in half
    assert "walrus” in what" not in half
    assert "has “Lime” in what it says" in half


@pytest.mark.parametrize("value", ["", " ", "any"])
def test_a_question_may_be_left_open(reader: TestClient, value: str) -> None:
    assert "What is it about?" in said(reader, "/guide", q=value)


def test_style_sheets_come_packed_and_stay_the_same(reader: TestClient) -> None:
    plain = reader.get("/static/page.css", headers={"accept-encoding": "identity"})
    packed = reader.get("/static/page.css", headers={"accept-encoding": "gzip"})
    assert packed.content == plain.content
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) * 3 < len(plain.content)
    assert "content-encoding" not in plain.headers
    for answer in (plain, packed):
        assert answer.headers["vary"] == "Accept-Encoding"
        again = reader.get("/static/page.css", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
    part: Any = reader.get("/static/page.css", headers={"range": "bytes=0-9", "accept-encoding": "gzip"})
    assert (part.status_code, part.content) == (206, plain.content[:10])


def test_pages_are_light(reader: TestClient) -> None:
    """Under 60 kB (60,000 bytes) on the wire with their style sheets, typefaces and pictures apart."""

    def weight(path: str) -> int:
        answer = reader.get(path, headers={"accept-encoding": "gzip"})
        return int(answer.headers["content-length"])

    for path in ("/", "/datasets", "/datasets/trees-2024", "/guide?q=any", "/organisations", "/themes/ENVI"):
        styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', reader.get(path).text)
        assert len(styles) >= 4
        assert weight(path) + sum(weight(unescape(href)) for href in styles) < 60_000, path
