"""The register of processing activities says what the contracts say, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import register_city
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.city import City, init, open_city
from arengo.contract.load import loads
from arengo.contract.purpose import Controller, personal, purposes
from arengo.contract.vocabulary import PERSONAL_KINDS, PRIVACY_ROLES
from arengo.errors import NotFound, UnknownDataset
from arengo.governance import Caller, Mask
from arengo.governance.agreement import Terms
from arengo.services.register import Reader, Register, assess, readers_of
from arengo.services.register.activity import activities
from arengo.settings import RegisterSettings

ASKED: dict[str, Any] = {
    "title": "As Mario Rossi asked",
    "text": "Lists of staff are sent to the mobility office for its season tickets.",
    "dpv": "dpv:PublicBenefit",
    "legal_basis": "eu-gdpr:A6-1-e",
    "personal": True,
    "retention": "P1Y",
    "answers": dict.fromkeys(
        ("necessity", "people", "safeguards", "combination", "decisions"), "A sentence that is long enough to be read."
    ),
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    made = register_city.make(tmp_path_factory.mktemp("register"))
    assert all(item.action == "add" for item in made.apply())
    yield made
    made.close()


@pytest.fixture(scope="module")
def register(city: City) -> Register:
    return Register(city.settings, city.state, city.catalogue)


def test_every_dataset_about_persons_is_in_the_register_and_no_other(city: City, register: Register) -> None:
    entries = city.catalogue.entries(limit=None).items
    expected = {entry.id: len(purposes(entry.contract)) or 1 for entry in entries if personal(entry.contract)}
    found: dict[str, int] = {}
    for item in register.activities():
        found[item.dataset] = found.get(item.dataset, 0) + 1
    assert found == expected == {"pupils": 2, "staff": 1, "officials": 1}
    assert {entry.id for entry in entries if register.about_persons(entry.id)} == set(expected)
    assert not register.about_persons("nothing")


def test_an_activity_says_what_article_30_asks(register: Register) -> None:
    planning, transport = register.of("pupils")
    assert planning.id == "pupils/place-planning"
    assert (planning.controller.name, planning.controller.dpo_mail) == ("Municipality of Small", "dpo@small.example")
    assert planning.controller.mail == "privacy@small.example"
    assert planning.kinds == ("name", "person-id", "health")
    assert planning.special == ("health",)
    assert [item.name for item in planning.transfers] == ["Cloud Host"]
    assert (planning.versions, planning.ages_from, planning.approvers) == ("P5Y", "left_on", 2)
    assert planning.gaps == ("address",)
    assert transport.gaps == ("necessity", "recipients", "address")
    assert register.of("staff")[0].bases == {"A6-1-b"}
    (officials,) = register.of("officials")
    assert officials.purpose is None
    assert officials.gaps[0] == "purpose"
    with pytest.raises(NotFound, match="no personal data"):
        register.of("benches")
    with pytest.raises(UnknownDataset):
        register.of("nothing")


def test_the_register_is_current(city: City, register: Register) -> None:
    before = register.activities()
    assert register.activities() is before  # while nothing changes
    path = city.settings.root / "contracts" / "staff.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    try:
        more = "retention: P10Y}, {id: safety, dpv: dpv:EnforceSecurity, legalBasis: eu-gdpr:A6-1-e, retention: P1Y}"
        path.write_text(text.replace("retention: P10Y}", more).replace("1.0.0", "1.0.1"), encoding="utf-8")
        city.apply()
        assert [item.id for item in register.of("staff")] == ["staff/payroll", "staff/safety"]
    finally:
        path.write_text(text.replace("1.0.0", "1.0.2"), encoding="utf-8")
        city.apply()
    assert [item.id for item in register.of("staff")] == ["staff/payroll"]


def test_readers_are_organisations(city: City) -> None:
    end = datetime(2027, 1, 1, tzinfo=UTC)
    reader = Reader("transport", "Transport Office", "dpv:ImproveTransportMobility", ("school",), ("surname",), end)
    found = Register(city.settings, city.state, city.catalogue, lambda name: (reader,) * (name == "pupils"))
    assert found.of("pupils")[0].readers == (reader,)
    assert found.of("staff")[0].readers == ()


def test_who_reads_under_an_agreement_is_a_recipient_while_it_is_in_force(tmp_path: Path) -> None:
    init(tmp_path, name="Small").close()
    text = register_city.STAFF.replace("value: closed", "value: shared")
    (tmp_path / "contracts" / "staff.odcs.yaml").write_text(text, encoding="utf-8")
    developer = Caller("p-dev", "mobility", roles=(("mobility", "reader"),))
    steward = Caller("p-head", "city", roles=(("city", "steward"),))
    now = datetime.now(UTC)
    with open_city(tmp_path) as small:
        small.apply()
        agreements = small.access.agreements
        purpose = agreements.purposes.write("mobility", ASKED, by=developer).id
        terms = Terms(("name",), "standard", 10, now, now + timedelta(days=30), masks=(("name", Mask("hide")),))
        item = agreements.draft(
            "staff", by=developer, organisation="mobility", application="", purpose=purpose, terms=terms
        )
        agreements.submit(item.id, by=developer)
        assert small.register.of("staff")[0].readers == ()
        agreements.approve(item.id, by=steward, why="Granted by Ada Verdi.")
        (reader,) = small.register.of("staff")[0].readers
        assert (reader.organisation, reader.purpose, reader.hidden) == ("mobility", "dpv:PublicBenefit", ("name",))
        assert "Ada" not in str(reader)
        assert "Rossi" not in str(reader)
        agreements.suspend(item.id, by=steward, why="A question is open.")
        assert small.register.of("staff")[0].readers == ()
        later = readers_of(agreements, small.access.parties, lambda: now + timedelta(days=31))
        assert later("staff") == ()


def test_a_hold_stands_in_the_register(city: City, register: Register) -> None:
    held = city.retention.hold("staff", reason="Lawsuit 1", by="operator")
    try:
        assert [item.hold is not None for item in register.activities() if item.dataset == "staff"] == [True]
        assert register.of("pupils")[0].hold is None
    finally:
        city.retention.lift(held.id, by="operator", why="It is over.")
    assert register.of("staff")[0].hold is None


def test_an_assessment_fills_in_facts_and_marks_the_rest(register: Register) -> None:
    made = assess(register.of("pupils"), 6, 1)
    met = {item.id: item.met for item in made.criteria}
    assert len(met) == 9
    assert (met["sensitive"], met["vulnerable"], met["large"], met["scoring"]) == (True, True, None, None)
    assert made.called_for
    assert (made.identifiers, made.rows) == (2, 6)
    assert "transfers" in made.questions
    assert "proportion" in made.questions  # one of the two purposes does not say why
    calm = assess(register.of("staff"), None, None)
    assert not calm.called_for
    assert "transfers" not in calm.questions


COLUMN = st.tuples(st.sampled_from(["", *PRIVACY_ROLES]), st.sampled_from(["", *PERSONAL_KINDS]), st.booleans())
PURPOSE = st.sampled_from([
    "{id: %s, dpv: dpv:PublicBenefit, legalBasis: eu-gdpr:A6-1-e, retention: P1Y}", "{id: %s}",
    "{id: %s, legalBasis: [eu-gdpr:A6-1-a, eu-gdpr:A9-2-a], recipients: [One, {name: Two, country: US}]}",
])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(COLUMN, min_size=1, max_size=4), st.lists(PURPOSE, max_size=3),
       st.sampled_from(["open", "shared", "closed"]))  # fmt: skip
def test_one_activity_a_purpose_and_none_without_persons(
    columns: list[tuple[str, str, bool]], stated: list[str], access: str
) -> None:
    """For any contract: its activities are its purposes when it is about persons, else there are none."""
    lines = []
    for number, (role, kind, subject) in enumerate(columns):
        told = [("arengoPrivacyRole", role), ("arengoPersonalKind", kind), ("arengoSubject", "resident" * subject)]
        custom = ", ".join(f"{{property: {name}, value: {value}}}" for name, value in told if value)
        tail = f", customProperties: [{custom}]" if custom else ""
        lines.append(f"      - {{name: c{number}, logicalType: string{tail}}}")
    purposes_of = ", ".join(text % f"p{number}" for number, text in enumerate(stated))
    contract = loads(
        "apiVersion: v3.1.0\nkind: DataContract\nid: some\nname: Some\nversion: 1.0.0\nstatus: active\nschema:\n"
        "  - name: some\n    properties:\n" + "\n".join(lines)
        + f"\ncustomProperties:\n  - {{property: arengoAccess, value: {access}}}\n"
        + (f"  - {{property: arengoPurposes, value: [{purposes_of}]}}\n" if stated else "")
    )  # fmt: skip
    found = activities(contract, Controller("City"), RegisterSettings())
    about = any(role or kind or subject for role, kind, subject in columns)
    assert len(found) == ((len(stated) or 1) if about else 0)
    for item in found:
        kinds = {kind or "other" for role, kind, subject in columns if role or kind or subject}
        assert set(item.kinds) == kinds
        assert set(item.special) <= kinds
        assert (item.purpose is None) == (not stated)
        assert ("purpose" in item.gaps) == (not stated)
        assert assess(found, None, None).met <= 9
