"""Two grants to one recipient, each harmless alone, are laid beside each other before the second is given."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import arengo
from arengo import faces, portal
from arengo.city import City
from arengo.errors import BadForm, NotAllowed
from arengo.faces.callers import CityCallers
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.caller import Caller
from arengo.governance.decision import Mask
from arengo.governance.session import cookie_name

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

AT = datetime(2026, 5, 4, tzinfo=UTC)
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {id}
version: 1.0.0
status: active
description: {{purpose: About children.}}
schema:
  - name: {id}
    properties:
      - name: child
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 1
        customProperties:
          - {{property: arengoPrivacyRole, value: identifier}}
          - {{property: arengoSubject, value: children}}
{columns}
customProperties:
  - {{property: arengoAccess, value: {access}}}
  - {{property: arengoOwner, value: Education}}
  - {{property: arengoPopulation, value: children}}
  - {{property: arengoLicence, value: none}}
  - {{property: arengoApproval, value: automatic}}
  - {{property: arengoPurposes, value: [{{id: service, title: A service, dpv: "dpv:PublicBenefit",
      legalBasis: "eu-gdpr:A6-1-e", retention: P1Y}}]}}
  - {{property: arengoPlans, value: [{{id: standard, title: Standard, daily: 1000}}]}}
  - {{property: arengoSource, value: {{kind: csv, path: sources/{id}.csv}}}}
"""
QUASI = """\
      - name: {name}
        logicalType: string
        customProperties:
          - {{property: arengoPrivacyRole, value: quasi}}
          - {{property: arengoPrivacyConcept, value: {name}}}"""


def _written(
    root: Path, id: str, columns: tuple[str, ...], rows: list[tuple[str, ...]], access: str = "shared"
) -> None:
    told = "\n".join(QUASI.format(name=name) for name in columns)
    (root / "contracts" / f"{id}.odcs.yaml").write_text(CONTRACT.format(id=id, columns=told, access=access))
    lines = [",".join(("child", *columns)), *(",".join(row) for row in rows)]
    (root / "sources" / f"{id}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    root = Path(tmp_path_factory.mktemp("together"))
    arengo.init(root, name="Town", timezone="Europe/Rome", country="IT").close()
    (root / "privacy.toml").write_text("[populations.children]\n", encoding="utf-8")
    where: list[tuple[str, ...]] = [
        (f"c{n:03}", "XY"[n % 2], "12"[n // 2 % 2]) for n in range(60)
    ]  # four groups of fifteen
    boys = {n for n in range(60) if where[n][1:] != ("X", "1")} | {0}  # one boy only among the fifteen of X, 1
    _written(root, "classes", ("district", "grade"), where)
    sexes = ["m" if n == 0 or (n in boys and n % 3) else "f" for n in range(60)]
    _written(root, "clubs", ("sex",), [(row[0], sex) for row, sex in zip(where, sexes, strict=True)])
    made = arengo.open(root)
    made.apply()
    assert [run.error for run in made.publish(at=AT) if run.state != "succeeded"] == []
    yield made
    made.close()


@pytest.fixture(scope="module")
def people(city: City) -> dict[str, Caller]:
    parties, out = city.access.parties, {}
    operator = Caller("operator", "city", roles=(("*", "administrator"),), assurance=2)
    wanted = (("bruno", "mobility", "reader"), ("ugo", "tourism", "reader"), ("anna", "education", "steward"))
    for name in ("Mobility", "Tourism"):
        parties.add_organisation(name, by=operator)
    for name, organisation, role in wanted:
        person = parties.add_person(name.title(), f"{name}@town.example", organisation, by=operator, state="active")
        parties.give(person.id, organisation, role, by=operator)
        cookie = city.access.sessions.open(person.id, 2)
        found = city.access.sessions.caller(cookie)
        assert found is not None
        out[name] = found
    return out


ANSWERS = ("necessity", "people", "safeguards", "combination", "decisions")


def _asked(
    city: City,
    people: dict[str, Caller],
    dataset: str,
    columns: tuple[str, ...],
    masks: tuple[tuple[str, Mask], ...] = (),
    who: str = "bruno",
) -> Agreement:
    agreements, by = city.access.agreements, people[who]
    now = agreements.now()
    purpose = agreements.purposes.write(
        by.organisation,
        {"title": f"{dataset} {now}", "text": "What it is for, in words.", "dpv": "dpv:PublicBenefit",
         "legal_basis": "eu-gdpr:A6-1-e", "personal": True, "retention": "P1Y",
         "answers": dict.fromkeys(ANSWERS, "An answer that is long enough.")},
        by=by,
    ).id  # fmt: skip
    terms = Terms(columns, "standard", 10, now, now + timedelta(days=30), "", masks)
    item = agreements.draft(dataset, by=by, organisation=by.organisation, purpose=purpose, terms=terms)
    return agreements.submit(item.id, by=by)


def test_the_second_grant_needs_a_reason(city: City, people: dict[str, Caller]) -> None:
    agreements, anna = city.access.agreements, people["anna"]
    first = _asked(city, people, "classes", ("district", "grade"))
    assert city.recipients.weigh(first, first.terms) is None  # nothing else is at hand
    agreements.approve(first.id, by=anna)
    second = _asked(city, people, "clubs", ("sex",))
    found = city.recipients.weigh(second, second.terms)
    assert found is not None
    assert (found.people, found.alone, found.k) == (1, 1, 5)
    assert (found.agreements, found.columns) == ((first.id,), ("sex",))
    with pytest.raises(BadForm, match="1 people would come"):
        agreements.approve(second.id, by=anna)
    assert agreements.approve(second.id, by=anna, why="The law asks for it.").state == "active"
    told = city.ledger.entries(before=city.ledger.size, limit=50, kind="agreement", whole=True)
    bodies = [dict(entry.body["facts"]) for entry in told if entry.body]
    (body,) = [body for body in bodies if body.get("agreement") == second.id and body["to"] == "active"]
    assert body["together"]["people"] == 1
    assert "c000" not in str(body)
    agreements.revoke(second.id, by=anna, why="A test.")
    agreements.revoke(first.id, by=anna, why="A test.")


def test_what_names_persons_is_said_and_not_measured(city: City, people: dict[str, Caller]) -> None:
    item = _asked(city, people, "clubs", ("child", "sex"))
    found = city.recipients.weigh(item, item.terms)
    assert found is not None
    assert (found.named, found.people) == (("child",), 0)
    city.access.agreements.reject(item.id, by=people["anna"], why="No.")


def test_what_hides_a_column_or_has_ended_does_not_count(city: City, people: dict[str, Caller]) -> None:
    agreements, recipients, anna = city.access.agreements, city.recipients, people["anna"]
    first = _asked(city, people, "classes", ("child", "district", "grade"), (("child", Mask("pseudonym")),), "ugo")
    agreements.approve(first.id, by=anna)
    open_one = _asked(city, people, "clubs", ("sex", "child"), (("child", Mask("pseudonym")),), "ugo")
    found = recipients.weigh(open_one, open_one.terms)
    assert found is not None
    assert found.people == 1
    hidden = replace(open_one.terms, masks=(("sex", Mask("hide")), ("child", Mask("pseudonym"))))
    assert recipients.weigh(open_one, hidden) is None
    cut = replace(open_one.terms, masks=(*open_one.terms.masks, ("sex", Mask("truncate", "0"))))
    told = recipients.weigh(open_one, cut)
    assert told is not None
    assert told.unseen == (open_one.id,)  # no mask that can be computed: said, never taken as harmless
    few = replace(open_one.terms, rows="sex = 'f'")
    fewer = recipients.weigh(open_one, few)
    assert fewer is not None
    assert fewer.people == 0  # who is in it is not taken as known
    agreements.revoke(first.id, by=anna, why="A test.")
    assert recipients.weigh(open_one, open_one.terms) is None
    with pytest.raises(NotAllowed):
        agreements.approve(open_one.id, by=people["ugo"])


def test_a_list_of_names_and_a_suspended_grant_count_as_well(city: City, people: dict[str, Caller]) -> None:
    agreements, recipients, anna = city.access.agreements, city.recipients, people["anna"]
    first = _asked(city, people, "classes", ("child", "district", "grade"))
    agreements.approve(first.id, by=anna, why="They teach these children.")
    second = _asked(city, people, "clubs", ("sex",))
    found = recipients.weigh(second, second.terms)
    assert found is not None
    assert (found.people, found.agreements) == (1, (first.id,)), "whom they know by name, they find by the same columns"
    agreements.suspend(first.id, by=people["bruno"], side="consumer", why="For a while.")
    assert recipients.weigh(second, second.terms) == found, "they lift it when they have the other"
    agreements.reject(second.id, by=anna, why="No.")
    agreements.revoke(first.id, by=anna, why="A test.")


def test_the_approver_reads_it_before_she_decides(city: City, people: dict[str, Caller]) -> None:
    agreements, anna = city.access.agreements, people["anna"]
    first = _asked(city, people, "classes", ("district", "grade"), who="ugo")
    agreements.approve(first.id, by=anna)
    second = _asked(city, people, "clubs", ("sex",), who="ugo")
    headers = {"cookie": f"{cookie_name(False)}={city.access.sessions.open(anna.party, 2)}", "accept-language": "en"}
    with TestClient(_application(city), headers=headers, follow_redirects=False) as client:
        page = client.get(f"/desk/access/{second.id}").text
        assert "1 person could be singled out" in page
        assert f'href="/agreements/{first.id}"' in page
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        form = {"do": "approve", "revision": str(second.revision), "column": "sex", "plan": "standard", "volume": "10",
                "until": f"{second.valid_to:%Y-%m-%d}", **({"csrf": token[1]} if token else {})}  # fmt: skip
        refused = client.post(f"/desk/access/{second.id}", data=form)
        assert refused.status_code == 400
        assert "the reason stays on record" in refused.text
        given = client.post(f"/desk/access/{second.id}", data={**form, "why": "The school law asks for it."})
        assert given.status_code == 303
    assert agreements.get(second.id).state == "active"
    for item in (first, second):
        agreements.revoke(item.id, by=anna, why="A test.")


def _application(city: City) -> Any:
    from starlette.applications import Starlette

    api = faces.routes(city.door, city.catalogue, city.settings, CityCallers(city.access), city.access)
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access)
    inner = Starlette(routes=[*api, *pages], exception_handlers=faces.handlers(portal.error_page(city.settings)))
    return faces.wrap(inner, city.door, city.catalogue, city.settings)


def test_what_cannot_be_compared_is_told(city: City, people: dict[str, Caller]) -> None:
    agreements, anna = city.access.agreements, people["anna"]
    first = _asked(city, people, "classes", ("district", "grade"), who="ugo")
    agreements.approve(first.id, by=anna)
    second = _asked(city, people, "clubs", ("sex",), who="ugo")
    rules = city.settings.root / "privacy.toml"
    held = rules.read_text(encoding="utf-8")
    rules.write_text("[populations.others]\n", encoding="utf-8")
    city.apply()
    try:
        found = city.recipients.weigh(second, second.terms)
        assert found is not None
        assert found.unseen == ("children",)
    finally:
        rules.write_text(held, encoding="utf-8")
        city.apply()
        agreements.revoke(first.id, by=anna, why="A test.")
