"""Two grants to one recipient, each harmless alone, are laid beside each other before the second is given."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from together_city import asked, people_of, town

from arengo import faces, portal
from arengo.city import City
from arengo.errors import BadForm, NotAllowed
from arengo.faces.callers import CityCallers
from arengo.governance.caller import Caller
from arengo.governance.decision import Mask
from arengo.governance.session import cookie_name

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with town(Path(tmp_path_factory.mktemp("together"))) as made:
        yield made


@pytest.fixture(scope="module")
def people(city: City) -> dict[str, Caller]:
    return people_of(city)


def test_the_second_grant_needs_a_reason(city: City, people: dict[str, Caller]) -> None:
    agreements, anna = city.access.agreements, people["anna"]
    first = asked(city, people, "classes", ("district", "grade"))
    assert city.recipients.weigh(first, first.terms) is None  # nothing else is at hand
    agreements.approve(first.id, by=anna)
    second = asked(city, people, "clubs", ("sex",))
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
    item = asked(city, people, "clubs", ("child", "sex"))
    found = city.recipients.weigh(item, item.terms)
    assert found is not None
    assert (found.named, found.people) == (("child",), 0)
    city.access.agreements.reject(item.id, by=people["anna"], why="No.")


def test_what_hides_a_column_or_has_ended_does_not_count(city: City, people: dict[str, Caller]) -> None:
    agreements, recipients, anna = city.access.agreements, city.recipients, people["anna"]
    first = asked(city, people, "classes", ("child", "district", "grade"), (("child", Mask("pseudonym")),), "ugo")
    agreements.approve(first.id, by=anna)
    open_one = asked(city, people, "clubs", ("sex", "child"), (("child", Mask("pseudonym")),), "ugo")
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
    first = asked(city, people, "classes", ("child", "district", "grade"))
    agreements.approve(first.id, by=anna, why="They teach these children.")
    second = asked(city, people, "clubs", ("sex",))
    found = recipients.weigh(second, second.terms)
    assert found is not None
    assert (found.people, found.agreements) == (1, (first.id,)), "whom they know by name, they find by the same columns"
    agreements.suspend(first.id, by=people["bruno"], side="consumer", why="For a while.")
    assert recipients.weigh(second, second.terms) == found, "they lift it when they have the other"
    agreements.reject(second.id, by=anna, why="No.")
    agreements.revoke(first.id, by=anna, why="A test.")


def test_the_approver_reads_it_before_she_decides(city: City, people: dict[str, Caller]) -> None:
    agreements, anna = city.access.agreements, people["anna"]
    first = asked(city, people, "classes", ("district", "grade"), who="ugo")
    agreements.approve(first.id, by=anna)
    second = asked(city, people, "clubs", ("sex",), who="ugo")
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
    first = asked(city, people, "classes", ("district", "grade"), who="ugo")
    agreements.approve(first.id, by=anna)
    second = asked(city, people, "clubs", ("sex",), who="ugo")
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
