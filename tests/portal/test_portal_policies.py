"""The pages of rules: what is in force for everybody, who can read what for those who watch over the data."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from access_town import PUPILS, SECRET, application, pupils

import arengo
from arengo.city import City
from arengo.contract.load import sha
from arengo.governance import Mask, dossier
from arengo.governance.agreement import Agreement
from arengo.governance.role import OPERATOR
from arengo.governance.session import cookie_name
from arengo.portal.operator import COOKIE, token

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

RULES = """
@id("readers-see-classes")
@reason("Readers of <b>education</b> see how classes are made up.")
@columns("school, grade")
permit (principal in Role::"education-services/reader", action == Action::"read", resource == Dataset::"pupils")
when { context.time.hour >= 8 && context.zone == "office" };

@id("births-by-year") @reason("Years only.") @mask("generalise year")
permit (principal is Application, action == Action::"shape", resource == Column::"pupils/born_on");
"""
SECRETS = """
@id("no-programs") @reason("Programs never see a number.")
forbid (principal is Application, action == Action::"see-column", resource == Column::"investigations/id");
"""
TESTS = """
- {name: By day, dataset: pupils, as: {person: r, organisation: x, roles: [education-services/reader], zone: office},
   at: 2026-11-20 09:30, expect: allow, columns: "school, grade"}
- {name: Whatever the hour, dataset: pupils, as: {person: r, roles: [education-services/reader]},
   at: 2026-11-20 03:00, expect: allow}
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Nothing published, policies in force, a steward, a reader, an agreement."""
    root = Path(tmp_path_factory.mktemp("rules"))
    arengo.init(root, name="Città di Prova", timezone="Europe/Rome").close()
    with (root / "city.toml").open("a", encoding="utf-8") as file:
        file.write('[policy]\nzones = ["office 10.0.0.0/8"]\n')
    for name, text in {"pupils": PUPILS, "investigations": SECRET}.items():
        (root / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    for owner, text in {"education-services": RULES, "local-police": SECRETS}.items():
        (root / "policies" / owner).mkdir()
        (root / "policies" / owner / "rules.cedar").write_text(text)
    (root / "policies" / "tests" / "pupils.yaml").write_text(TESTS)
    with arengo.open(root) as made:
        made.apply()
        contract = made.catalogue.entry("pupils").contract
        now = datetime.now(UTC)
        agreement = Agreement(
            "agr-1", "pupils", contract.version, sha(contract), "education-services", "mobility", "", "places", "small",
            ("pupil", "school", "born_on"), "grade > 1", (("pupil", Mask("pseudonym")),), (), 10,
            now - timedelta(days=1), now + timedelta(days=90), "active", created_at=now, updated_at=now,
        )  # fmt: skip
        parties = made.access.parties
        parties.add_organisation("Mobility", by=OPERATOR)
        with made.state.write() as connection:
            dossier.add(connection, replace(agreement, asked=agreement.terms))
            made.state.bump(connection)
        yield made


@pytest.fixture(scope="module")
def client(city: City) -> Iterator[TestClient]:
    with TestClient(application(city), follow_redirects=False, headers={"accept-encoding": "identity"}) as made:
        yield made


@pytest.fixture(scope="module")
def cookies(city: City) -> dict[str, dict[str, str]]:
    out = {"operator": {"Cookie": f"{COOKIE}={token(city.settings)}"}}
    parties = city.access.parties
    for name, organisation, role in (
        ("sara", "education-services", "steward"),
        ("rita", "education-services", "reader"),
        ("carla", "local-police", "auditor"),
    ):
        person = parties.add_person(f"{name.title()} <i>", f"{name}@prova.example", organisation, by=OPERATOR,
                                    state="active")  # fmt: skip
        parties.give(person.id, organisation, role, by=OPERATOR)
        out[name] = {"Cookie": f"{cookie_name(False)}={city.access.sessions.open(person.id, 2)}"}
    return out


def words(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_everybody_reads_the_rules_in_force(client: TestClient) -> None:
    answer = client.get("/policies")
    assert answer.status_code == 200
    said = words(answer.text)
    assert "5 rules in force" in said
    assert "1 test fails" in said
    assert "every reader of Education Services" in said
    assert "the hour is at least 8:00 and the network zone is office" in said
    assert "Readers of <b>education</b> see" in said
    assert "<b>education</b>" not in answer.text
    assert "only the year" in said
    assert "What came out otherwise" not in said
    assert client.get("/policies", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert len(answer.content) < 60_000
    assert answer.text.count("<h1") == 1
    assert "<dd></dd>" not in answer.text
    assert '<dd><span dir="auto"></span></dd>' not in answer.text


def test_rules_do_not_tell_the_columns_of_closed_data(client: TestClient, cookies: dict[str, dict[str, str]]) -> None:
    text = client.get("/policies").text
    assert "Programs never see a number." in text
    assert "investigations/id" not in text
    assert "investigations/id" in unescape(client.get("/policies", headers=cookies["carla"]).text)
    assert "investigations/id" not in unescape(client.get("/policies", headers=cookies["sara"]).text)


def test_those_who_watch_see_which_test_failed_and_what_waits(
    city: City, client: TestClient, cookies: dict[str, dict[str, str]]
) -> None:
    said = words(client.get("/policies", headers=cookies["operator"]).text)
    assert "Whatever the hour" in said
    assert "It is denied" in said
    assert "wait for" not in said
    file = city.settings.root / "policies" / "local-police" / "rules.cedar"
    file.write_text(SECRETS + "\n// changed\n")
    try:
        assert "wait for “arengo apply”" in words(client.get("/policies", headers=cookies["operator"]).text)
        assert "wait for" not in words(client.get("/policies").text)
    finally:
        file.write_text(SECRETS)


def test_who_can_read_what_is_for_the_owners_own(client: TestClient, cookies: dict[str, dict[str, str]]) -> None:
    path = "/datasets/pupils/access/who"
    stranger = client.get(path)
    assert stranger.status_code == 303
    assert stranger.headers["location"].startswith("/login")
    for name in ("rita", "carla"):
        assert client.get(path, headers=cookies[name]).status_code == 403
    for name in ("sara", "operator"):
        answer = client.get(path, headers=cookies[name])
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
    assert client.get("/datasets/nothing/access/who", headers=cookies["sara"]).status_code == 404


def test_the_table_says_how_each_column_is_shown(client: TestClient, cookies: dict[str, dict[str, str]]) -> None:
    text = client.get("/datasets/pupils/access/who", headers=cookies["sara"]).text
    said = words(text)
    assert "Stewards of Education Services" in said
    assert "the people of Mobility" in said
    assert "Readers of Education Services" in said
    assert "Sara <i>" in said
    assert "<i>" not in text.replace("&lt;i&gt;", "")
    assert "a code instead (pseudonym)" in said
    assert "unless the assurance of the login is below substantial" in said
    assert "when the hour is at least 8:00 and the network zone is office" in said
    assert "grade > 1" in said
    assert 'href="/agreements/agr-1"' in text
    one = client.get("/datasets/pupils/access/who?column=grade", headers=cookies["sara"]).text
    assert "the people of Mobility" not in words(one)
    assert one.count('<th scope="row"') == 1
    for query in ("?column=nothing", "?from=9999999", "?from=-1", "?from=x", "?from=²"):
        assert client.get(f"/datasets/pupils/access/who{query}", headers=cookies["sara"]).status_code == 200


def test_a_party_is_told_what_it_can_read(client: TestClient, cookies: dict[str, dict[str, str]]) -> None:
    assert client.get("/policies/reads").status_code == 303
    own = words(client.get("/policies/reads", headers=cookies["rita"]).text)
    assert "What Rita <i> can read" in own
    assert "Pupils enrolled" in own
    assert "when the hour is at least 8:00" in own
    for party in ("mobility", "p-nobody", "local-police"):
        assert client.get(f"/policies/reads?party={party}", headers=cookies["rita"]).status_code == 403
    watched = words(client.get("/policies/reads?party=mobility", headers=cookies["sara"]).text)
    assert "a code instead (pseudonym)" in watched
    assert "Of the data you watch over" in watched
    other = words(client.get("/policies/reads?party=mobility", headers=cookies["carla"]).text)
    assert "Nothing beside open data" in other
    assert "Nobody has this id" in words(client.get("/policies/reads?party=%00x", headers=cookies["operator"]).text)
    assert "mobility" in words(client.get("/policies/reads?party=mobility", headers=cookies["operator"]).text).lower()


def test_rows_set_aside_are_for_who_sees_all_of_the_data(tmp_path: Path) -> None:
    arengo.init(tmp_path, name="Prova", timezone="Europe/Rome").close()
    (tmp_path / "contracts" / "pupils.odcs.yaml").write_text(PUPILS, encoding="utf-8")
    lines = [*pupils(5), "P9,Secreti,2012-01-01,Porto,Porto,2025/26,one,true,3"]
    (tmp_path / "sources" / "pupils.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "policies" / "names.cedar").write_text(
        '@id("names") @reason("Names ask for a sure sign-in.")\nforbid (principal is Person, action == '
        'Action::"see-column", resource == Column::"pupils/surname") when { context.assurance < 2 };\n'
    )
    with arengo.open(tmp_path) as made:
        made.apply()
        assert [run.error for run in made.publish() if run.state != "succeeded"] == []
        parties = made.access.parties
        anna = parties.add_person("Anna", "anna@prova.example", "education-services", by=OPERATOR, state="active")
        parties.give(anna.id, "education-services", "steward", by=OPERATOR)
        client = TestClient(application(made), follow_redirects=False)
        found = []
        for level in (1, 2):
            client.cookies.set(cookie_name(False), made.access.sessions.open(anna.id, level))
            answer = client.get("/datasets/pupils/quarantine.csv")
            found.append((answer.status_code, "one" in answer.text))
        assert found == [(403, False), (200, True)]
