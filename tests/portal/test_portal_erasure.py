"""The pages of data protection: nobody else sees them, the plan changes nothing, a word must be typed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette

from arengo import portal
from arengo.city import City, init, open_city
from arengo.portal.operator import COOKIE, token

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

AT = "/privacy/erasures"
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: people
name: People
version: 1.0.0
status: active
schema:
  - name: people
    properties:
      - {name: id, logicalType: integer, primaryKey: true, required: true}
      - {name: person, logicalType: string, customProperties: [{property: arengoSubject, value: residents},
          {property: arengoPrivacyRole, value: identifier}]}
customProperties:
  - {property: arengoAccess, value: closed}
  - {property: arengoOwner, value: Registry}
  - {property: arengoPurposes, value: [{id: service, dpv: 'dpv:PublicPolicyMaking', legalBasis: 'eu-gdpr:A6-1-e',
      retention: P10Y}]}
  - {property: arengoSource, value: {kind: csv, path: sources/people.csv}}
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    root = Path(tmp_path_factory.mktemp("erasure")) / "city"
    init(root, name="Small").close()
    (root / "contracts/people.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    (root / "sources/people.csv").write_text("id,person\n" + "".join(f"{n},P{n:03}\n" for n in range(9)), "utf-8")
    with open_city(root) as opened:
        (run,) = opened.publish()
        assert run.state == "succeeded", run.error
        yield opened


def _visitor(city: City, key: bool = True) -> TestClient:
    pages = portal.routes(
        city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access, None,
        lambda: city.erasure,
    )  # fmt: skip
    client = TestClient(Starlette(routes=pages), base_url="https://testserver")
    if key:
        client.cookies.set(COOKIE, token(city.settings))
    return client


def _rows(city: City) -> int:
    version = city.lake.newest("people")
    assert version is not None
    return version.rows


def test_nobody_else_sees_anything(city: City) -> None:
    visitor = _visitor(city, key=False)
    for path in (AT, f"{AT}/E1", f"{AT}/E1.pdf"):
        assert visitor.get(path).status_code == 403
    assert visitor.post(AT, data={"act": "plan", "population": "residents", "person": "P003"}).status_code == 403
    assert _visitor(city).get(f"{AT}/E1").status_code == 404


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"person": ""}, "Write the person&#39;s number."),
        ({"population": "martians"}, "Choose one of these."),
        ({"kind": "burn"}, "Choose one of these."),
        ({"act": "run", "word": "ERASE"}, "Write the number of the letter or the file."),
        ({"act": "run", "reference": "letter 1", "word": "yes"}, "Type ERASE to go on."),
        ({"act": "run", "kind": "restrict", "reference": "letter 1", "word": "RESTRICT"}, "Write the reason"),
    ],
)
def test_what_is_missing_is_said_and_nothing_changes(city: City, given: dict[str, str], said: str) -> None:
    told = {"act": "plan", "population": "residents", "person": "P004", "kind": "erase", **given}
    answer = _visitor(city).post(AT, data=told)
    assert answer.status_code == 400
    assert said in answer.text
    assert city.erasure.listed() == ()
    assert answer.headers["cache-control"] in ("no-store", "private, no-store")


def test_a_person_is_planned_erased_and_has_a_receipt(city: City) -> None:
    visitor, before = _visitor(city), _rows(city)
    told = {"act": "plan", "population": "residents", "person": "P003", "kind": "erase"}
    plan = visitor.post(AT, data=told)
    assert plan.status_code == 200
    assert "is erased" in plan.text
    assert "v1: 1" in plan.text
    assert _rows(city) == before
    looked = [entry for entry in city.ledger.entries(limit=1000, whole=True) if "person-looked-up" in str(entry.facts)]
    assert looked
    assert "P003" not in str([entry.body for entry in looked])
    done = visitor.post(AT, data={**told, "act": "run", "reference": "letter <b>7</b>", "word": "erase"})
    assert done.url.path.startswith(f"{AT}/E")
    for _ in range(1800):
        page = visitor.get(done.url.path)
        if "http-equiv" not in page.text:
            break
        time.sleep(0.1)
    assert "letter &lt;b&gt;7&lt;/b&gt;" in page.text
    assert "P003" not in page.text
    assert _rows(city) == before - 1
    receipt = visitor.get(f"{done.url.path}.pdf")
    assert receipt.content[:5] == b"%PDF-"
    assert "no-store" in receipt.headers["cache-control"]
