"""The privacy desk with thousands of findings and columns: pages, bounded lists, a bounded paper."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from access_town import COOKIE
from privacy_town import Told, make, verdict
from starlette.applications import Starlette

from arengo import portal
from arengo.contract.model import Frozen
from arengo.portal import privacy_paper, privacy_story, privacy_words
from arengo.portal.language import Speech
from arengo.portal.privacy_labels import Labels
from arengo.privacy.finding import Finding
from arengo.privacy.verdict import Repair
from arengo.privacy.verdicts import HELD
from arengo.services.paper import Points, Text

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PAGE = "/datasets/ballots/privacy"
MANY = 2_000


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    made = make(Path(tmp_path_factory.mktemp("turns")))
    columns = [{"column": f"c{at}", "kind": "name", "role": "identifier", "strong": True, "evidence": "header",
                "why": "its name says so", "distinct": 9, "separation": 0.1, "suppressed": 0.0, "small": 0}
               for at in range(MANY)]  # fmt: skip
    found = [
        Finding("undeclared-person", "review",
                Frozen(column=f"c{at}", kind="name", what="names", why="its name says so"), (f"c{at}",), people=0)
        for at in range(MANY)
    ]  # fmt: skip
    found += [
        Finding("overlap-joint", "block", Frozen(k=6, most=1, alone=2, column="c1"),
                tuple(f"c{at}" for at in range(MANY)), tuple(f"rooms v{at}" for at in range(1, 600)), people=11)
    ]  # fmt: skip
    drop = Repair("drop-1", "drop", Frozen({f"c{at}": "drop" for at in range(MANY)}), loss=0.5, after=Frozen(more=9))
    city = made.town.city
    path = city.settings.root / "contracts" / "ballots.odcs.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            "      - {name: project,",
            "".join(f"      - {{name: c{at}, logicalType: string}}\n" for at in range(MANY))
            + "      - {name: project,",
        ),
        encoding="utf-8",
    )
    city.apply()
    said = verdict(made.town, "ballots", *found, run="many", repairs=(drop,),
                   measured=Frozen({"detection": {"columns": columns}}))  # fmt: skip
    made.desk.verdicts.keep(replace(said, at=datetime.now(UTC)), HELD)
    yield made
    city.close()


@pytest.fixture(scope="module")
def steward(told: Told) -> Any:
    city = told.town.city
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access,
                          city.desk)  # fmt: skip
    client = TestClient(Starlette(routes=pages), follow_redirects=False)
    client.cookies.set(COOKIE, told.town.cookies["anna"])
    return client


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.text[:500]
    assert len(answer.content) < 300_000
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_a_verdict_with_thousands_of_findings_is_read_page_by_page(steward: Any) -> None:
    first = steward.get(PAGE)
    said = text(first)
    assert "1 to 50 of 2,001, the most serious first." in said
    assert said.index("11 people") < said.index("looks as if it held this")  # the worst is on the first page
    assert "Page 1 of 41" in said
    assert 'rel="next"' in first.text
    assert 'rel="prev"' not in first.text
    assert re.search(r'href="[^"]*\?page=2#found"[^>]*rel="next"', first.text)
    last = steward.get(f"{PAGE}?page=41")
    assert "2,001 to 2,001 of 2,001" in text(last)
    assert 'rel="next"' not in last.text
    assert "Page 41 of 41" in text(steward.get(f"{PAGE}?page=999"))  # it shrank meanwhile
    assert steward.get(f"{PAGE}?page=0").status_code == 400
    assert steward.get(f"{PAGE}?page=x%27").status_code == 400


def test_every_finding_is_on_one_page_and_one_only(told: Told, steward: Any) -> None:
    seen: list[str] = []
    for page in range(1, 42):
        seen += re.findall(r"(C\d+) looks as if", text(steward.get(f"{PAGE}?page={page}")))
    assert len(seen) == MANY
    assert len(set(seen)) == MANY


def test_a_sentence_counts_what_it_does_not_name(told: Told, steward: Any) -> None:
    said = text(steward.get(PAGE))
    assert "and 1,988 more" in said  # steps of the repair
    assert "and 591 more" in said  # releases
    assert "C1999" not in said
    wide = Finding("risk-met", facts=Frozen(k=5), columns=tuple(f"c{at}" for at in range(MANY)))
    assert privacy_words.sentence(Speech("en"), wide).endswith("c6, c7 and 1,992 more.")
    few = privacy_words.listed(Speech("en"), [f"c{at}" for at in range(8)])
    assert few.endswith("c6, c7")


def test_columns_wait_for_their_answers_page_by_page(steward: Any) -> None:
    at = "/privacy/findings/ballots"
    first = steward.get(at)
    said = text(first)
    assert "2,000 columns wait for an answer" in said
    assert first.text.count("<fieldset") == 20
    assert "Page 1 of 100" in said
    assert "Page 1 of 41" in said
    assert first.text.count('<th scope="row">') == 50
    chosen = steward.get(f"{at}?column=c1777")
    assert chosen.text.index('id="column-c1777"') < chosen.text.index('id="column-c0"')
    assert 'id="column-c1777"' in chosen.text
    assert chosen.text.count("<fieldset") == 21
    assert "Page 100 of 100" in text(steward.get(f"{at}?page=100&columns=3"))


def test_paper_has_the_most_serious_findings_and_says_how_many_more(told: Told) -> None:
    city = told.town.city
    held = city.desk.latest("ballots")
    assert held is not None
    s = Speech("en")
    labels = Labels(s, city.catalogue.entry("ballots").contract, city.catalogue)
    made = privacy_paper.paper(s, city.settings, held, labels, (), datetime.now(UTC))
    points = [item for part in made.parts if isinstance(part, Points) for item in part.items]
    assert sum("looks as if" in item for item in points) == privacy_paper.PRINTED - 1
    said = [part.text for part in made.parts if isinstance(part, Text)]
    assert any(item.startswith("1,801 less serious findings are not printed here.") for item in said)
    few = privacy_story.by_weight(held.verdict)[:3]
    short = privacy_paper.paper(s, city.settings, replace(held, verdict=replace(held.verdict, findings=tuple(few))),
                                labels, (), datetime.now(UTC))  # fmt: skip
    assert not any("not printed" in part.text for part in short.parts if isinstance(part, Text))
