"""What a reader was given is held after an agreement has ended; offices that put it together are one reader."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from together_city import AT, asked, children, people_of, town, written

from arengo import faces, portal
from arengo.city import City
from arengo.errors import BadForm, PolicyError
from arengo.faces.callers import CityCallers
from arengo.governance.agreement import Agreement
from arengo.governance.caller import Caller
from arengo.governance.decision import Mask
from arengo.governance.session import cookie_name
from arengo.lake import maintenance
from arengo.privacy.population import Populations, read
from arengo.publish.safety import Safety
from arengo.query import Query
from arengo.services import delivered
from arengo.services.together import Together

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

OFFICES = ("Health", "Housing", "Sport", "Roads", "Parks", "Water", "Archive", "Museum")
PRIVACY = """\
[populations.children]
register = "families"
[populations.patients]
register = "families"
[populations.others]
[profiles.neighbour]
knows = ["sex"]
[profiles.one-building]
title = "Two offices of one building"
colluding = ["parks", "water"]
[profiles.a-friend]
colluding = ["water", "archive"]
populations = ["children"]
[profiles.elsewhere]
colluding = ["archive", "museum"]
populations = ["others"]
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    root = Path(tmp_path_factory.mktemp("past"))
    with town(root, PRIVACY) as made:
        written(root, "families", (), [(row[0],) for row in children()[0]])
        written(root, "visits", ("sex",), children()[1], population="patients")
        made.apply()
        assert [run.error for run in made.publish(["families", "visits"]) if run.state != "succeeded"] == []
        yield made


@pytest.fixture(scope="module")
def people(city: City) -> dict[str, Caller]:
    wanted = [(f"{name.lower()}-reader", name.lower(), "reader") for name in OFFICES]
    offices = ((("Sport Hall", "sport"), "hall-reader", "sport-hall"), (("Pool", "sport-hall"), "pool-reader", "pool"))
    wanted += [(person, office, "reader") for _, person, office in offices]
    return people_of(
        city, (*((name, "") for name in OFFICES), *(office for office, _, _ in offices)),
        (*wanted, ("anna", "education", "steward")),
    )  # fmt: skip


def granted(city: City, people: dict[str, Caller], *args: Any, who: str, why: str = "") -> Agreement:
    item = asked(city, people, *args, who=f"{who}-reader")
    return city.access.agreements.approve(item.id, by=people["anna"], why=why)


def given(city: City, people: dict[str, Caller], dataset: str, who: str, **query: Any) -> int:
    return len(list(city.door.ask(Query(dataset, **query), people[f"{who}-reader"]).rows()))


def weighed(city: City, people: dict[str, Caller], who: str, dataset: str = "clubs") -> Together | None:
    """What asking for the sexes would let them put together; the request is taken back."""
    item = asked(city, people, dataset, ("sex",), who=f"{who}-reader")
    found = city.recipients.weigh(item, item.terms)
    city.access.agreements.reject(item.id, by=people["anna"], why="A test.")
    return found


def test_what_was_given_is_held_when_the_agreement_has_ended(city: City, people: dict[str, Caller]) -> None:
    agreements, anna = city.access.agreements, people["anna"]
    first = granted(city, people, "classes", ("district", "grade"), who="health")
    agreements.revoke(first.id, by=anna, why="A test.")
    assert weighed(city, people, "health") is None, "they never read it"
    second = granted(city, people, "classes", ("district", "grade"), who="health")
    assert given(city, people, "classes", "health") == 60
    agreements.revoke(second.id, by=anna, why="A test.")
    found = weighed(city, people, "health")
    assert found is not None
    assert (found.people, found.agreements, found.given) == (1, (second.id,), (f"{second.id} v1",))
    assert found.as_json()["given"] == [f"{second.id} v1"]
    item = asked(city, people, "clubs", ("sex",), who="health-reader")
    with pytest.raises(BadForm, match="1 people would come"):
        agreements.approve(item.id, by=anna)
    agreements.reject(item.id, by=anna, why="No.")


def test_the_page_names_the_version(city: City, people: dict[str, Caller]) -> None:
    agreements, anna = city.access.agreements, people["anna"]
    first = granted(city, people, "classes", ("district", "grade"), who="housing")
    given(city, people, "classes", "housing")
    agreements.revoke(first.id, by=anna, why="A test.")
    second = asked(city, people, "clubs", ("sex",), who="housing-reader")
    headers = {"cookie": f"{cookie_name(False)}={city.access.sessions.open(anna.party, 2)}", "accept-language": "en"}
    with TestClient(_application(city), headers=headers, follow_redirects=False) as client:
        page = client.get(f"/desk/access/{second.id}").text
    assert "1 person could be singled out" in page
    assert re.search(rf'href="/agreements/{first.id}"[^>]*>\s*[^<]*\({first.id}, v1\)', page), page
    agreements.reject(second.id, by=anna, why="No.")


def test_departments_of_one_organisation_are_one_reader(city: City, people: dict[str, Caller]) -> None:
    first = granted(city, people, "classes", ("district", "grade"), who="sport")
    found = weighed(city, people, "pool")
    assert found is not None
    assert (found.people, found.agreements) == (1, (first.id,))
    assert found.readers == ("sport", "sport-hall")
    assert found.profiles == ()
    assert weighed(city, people, "roads") is None, "other organisations are apart"
    second = asked(city, people, "clubs", ("sex",), who="hall-reader")
    anna = people["anna"]
    headers = {"cookie": f"{cookie_name(False)}={city.access.sessions.open(anna.party, 2)}", "accept-language": "en"}
    with TestClient(_application(city), headers=headers, follow_redirects=False) as client:
        page = client.get(f"/desk/access/{second.id}").text
    assert "Taken as one reader with Pool, Sport" in page
    city.access.agreements.reject(second.id, by=anna, why="No.")


def test_offices_that_privacy_toml_names_are_one_reader(city: City, people: dict[str, Caller]) -> None:
    agreements, anna = city.access.agreements, people["anna"]
    first = granted(city, people, "classes", ("district", "grade"), who="parks")
    found = weighed(city, people, "water")
    assert found is not None
    assert (found.people, found.agreements, found.profiles) == (1, (first.id,), ("one-building", "a-friend"))
    assert found.readers == ("archive", "parks")
    told = found.as_json()
    assert told["rules"] == Populations(city.settings, city.state).mark
    assert told["profiles"] == ["one-building", "a-friend"]
    far = weighed(city, people, "archive")
    assert far is not None
    assert (far.people, far.readers) == (1, ("parks", "water")), "whom two groups name joins them"
    assert weighed(city, people, "museum") is None, "that group is about another population"
    second = asked(city, people, "clubs", ("sex",), who="water-reader")
    assert agreements.approve(second.id, by=anna, why="The law asks for it.").state == "active"
    entries = city.ledger.entries(before=city.ledger.size, limit=50, kind="agreement", whole=True)
    (body,) = [
        dict(entry.body["facts"]) for entry in entries
        if entry.body and entry.body["facts"].get("agreement") == second.id and entry.body["facts"]["to"] == "active"
    ]  # fmt: skip
    assert body["together"]["readers"] == ["archive", "parks"]
    agreements.revoke(second.id, by=anna, why="A test.")
    agreements.revoke(first.id, by=anna, why="A test.")


def test_the_verdict_names_who_is_taken_for_one(city: City) -> None:
    safety, contract = Safety(city.settings, city.state, city.lake), city.catalogue.entry("clubs").contract
    version = city.lake.newest("clubs")
    assert version is not None
    told = [dict(item.facts) for item in safety.again(contract, version, AT).assumptions if item.code == "colluding"]
    assert told == [
        {"name": "Two offices of one building", "readers": ["parks", "water"]},
        {"name": "a-friend", "readers": ["water", "archive"]},
    ]
    names = [item.facts["name"] for item in safety.again(contract, version, AT).assumptions if item.code == "profile"]
    assert names == ["neighbour", "everything"]


@pytest.mark.parametrize("wrong", ['["parks"]', '["Parks", "Water"]', '["*", "parks"]', "[3, 4]", '"parks"', '[""]'])
def test_what_is_no_group_is_told(wrong: str) -> None:
    with pytest.raises(PolicyError):
        read(f"[profiles.x]\ncolluding = {wrong}\n")
    assert read('[profiles.x]\ncolluding = ["*"]\n').profiles[0].colluding == ("*",)
    with pytest.raises(PolicyError, match="knows nothing"):
        read("[profiles.x]\ncolluding = []\n")


def test_a_grant_about_people_of_the_same_register_counts(city: City, people: dict[str, Caller]) -> None:
    first = granted(city, people, "classes", ("district", "grade"), who="roads")
    found = weighed(city, people, "roads", "visits")
    assert found is not None
    assert (found.population, found.people, found.agreements) == ("patients", 1, (first.id,))
    city.access.agreements.revoke(first.id, by=people["anna"], why="A test.")


def test_versions_that_were_given_count_and_a_renewal_does_not(city: City, people: dict[str, Caller]) -> None:
    """Last in this city: it publishes anew. The child whom the new version does not list is in what they have."""
    agreements, anna = city.access.agreements, people["anna"]
    first = granted(city, people, "classes", ("district", "grade"), who="museum")
    given(city, people, "classes", "museum")
    classes, _ = children()
    written(city.settings.root, "classes", ("district", "grade"), classes[1:])
    city.apply()
    (run,) = city.publish(["classes"])
    assert run.state == "succeeded", run.error
    found = weighed(city, people, "museum")
    assert found is not None
    assert (found.people, found.agreements, found.given) == (1, (first.id,), (f"{first.id} v1",))
    again = asked(city, people, "classes", ("district", "grade"), who="museum-reader")
    same = city.recipients.weigh(again, again.terms)
    assert same is not None
    assert same.people == 0, "the same columns of the same rows tell nothing new"
    agreements.reject(again.id, by=anna, why="No.")
    agreements.revoke(first.id, by=anna, why="A test.")
    later = asked(city, people, "classes", ("district", "grade"), who="museum-reader")
    assert city.recipients.weigh(later, later.terms) is None, "an earlier version of the same, as in the gate"
    agreements.reject(later.id, by=anna, why="No.")
    maintenance.drop(city.lake, "classes", [1], AT + timedelta(days=1))
    gone = weighed(city, people, "museum")
    assert gone is not None
    assert (gone.people, gone.unseen) == (0, (first.id,)), "what they have and the city has not is told"


def test_a_long_record_counts_what_could_be_read(
    city: City, people: dict[str, Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = granted(city, people, "clubs", ("sex",), (("sex", Mask("hide")),), who="archive")
    retained = city.lake.retained("clubs")
    assert delivered.versions(city.ledger, "clubs", (first,), retained) == {first.id: frozenset()}
    for _ in range(3):
        given(city, people, "clubs", "archive", limit=1)
    assert delivered.versions(city.ledger, "clubs", (first,), retained) == {first.id: frozenset({1})}
    monkeypatch.setattr(delivered, "MOST", 1)
    monkeypatch.setattr(delivered, "PAGE", 1)
    other = granted(city, people, "clubs", ("sex",), (("sex", Mask("hide")),), who="roads")
    assert delivered.versions(city.ledger, "clubs", (other,), retained) == {other.id: frozenset({1})}


def _application(city: City) -> Any:
    from starlette.applications import Starlette

    api = faces.routes(city.door, city.catalogue, city.settings, CityCallers(city.access), city.access)
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access)
    inner = Starlette(routes=[*api, *pages], exception_handlers=faces.handlers(portal.error_page(city.settings)))
    return faces.wrap(inner, city.door, city.catalogue, city.settings)
