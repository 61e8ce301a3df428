"""What a contract must say of persons: purposes, bases, retention, holds; the words they are written in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arengo.contract import dpv, lint
from arengo.contract.finding import Severity
from arengo.contract.load import loads
from arengo.contract.period import Period
from arengo.contract.purpose import aging, controller, data_subjects, legal_hold, longest, personal, purposes, special

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: pupils
name: Pupils
version: 1.0.0
status: active
schema:
  - name: pupils
    properties:
      - {name: pupil, logicalType: string, primaryKey: true, required: true%s}
      - {name: left_on, logicalType: date}
      - {name: points, logicalType: integer}
customProperties:
  - {property: arengoAccess, value: %s}
"""
NAME = ", customProperties: [{property: arengoPersonalKind, value: name}]"
HEALTH = ", customProperties: [{property: arengoPersonalKind, value: health}]"
OFFENCE = ", customProperties: [{property: arengoPersonalKind, value: offence}]"
ROLE = ", customProperties: [{property: arengoPrivacyRole, value: sensitive}]"
SUBJECT = ", customProperties: [{property: arengoSubject, value: resident}]"
GOOD = "{id: planning, dpv: dpv:PublicPolicyMaking, legalBasis: eu-gdpr:A6-1-e, retention: P10Y}"


def text(column: str = NAME, access: str = "shared", purposes: str = GOOD, **more: str) -> str:
    lines = [f"  - {{property: arengoPurposes, value: [{purposes}]}}"] if purposes else []
    lines += [f"  - {{property: {name}, value: {value}}}" for name, value in more.items()]
    return HEAD % (column, access) + "".join(f"{line}\n" for line in lines)


def found(contract: str, severity: Severity) -> dict[str, str]:
    return {item.code: f"{item.message} {item.todo}" for item in lint(contract) if item.severity is severity}


def purpose(**parts: str) -> str:
    told = {"id": "planning", "dpv": "dpv:PublicPolicyMaking", "legalBasis": "eu-gdpr:A6-1-e", "retention": "P10Y"}
    return "{" + ", ".join(f"{key}: {value}" for key, value in (told | parts).items() if value) + "}"


ERRORS = {
    "no purpose": (text(purposes=""), "personal-without-purpose", "about persons"),
    "no purpose, closed": (text(access="closed", purposes=""), "personal-without-purpose", "arengoPurposes"),
    "no purpose, subject": (text(SUBJECT, purposes=""), "personal-without-purpose", "'pupil'"),
    "no purpose, sensitive": (text(ROLE, purposes=""), "personal-without-purpose", "'pupil'"),
    "no basis": (text(purposes=purpose(legalBasis="")), "purpose-without-basis", "Art. 6"),
    "only article 9": (text(purposes=purpose(legalBasis="eu-gdpr:A9-2-g")), "purpose-without-basis", "Art. 6"),
    "no retention": (text(purposes=purpose(retention="")), "purpose-without-retention", "P10Y"),
    "no kind of purpose": (text(purposes=purpose(dpv="")), "purpose-without-dpv", "dpv:PublicPolicyMaking"),
    "unknown purpose": (text(purposes=purpose(dpv="dpv:PublicPolicyMakin")), "unknown-term",
                        "'dpv:PublicPolicyMaking'"),
    "unknown basis": (text(purposes=purpose(legalBasis="eu-gdpr:A6-1-x")), "unknown-term", "eu-gdpr:A6-1-"),
    "basis as purpose": (text(purposes=purpose(dpv="eu-gdpr:A6-1-e")), "unknown-term", "no purpose"),
    "unknown purpose of things": (text("", purposes="{id: x, dpv: dpv:Nonsense}"), "unknown-term", "Some are"),
    "special category": (text(HEALTH), "special-without-basis", "eu-gdpr:A9-2-g"),
    "twice": (text(purposes=f"{GOOD}, {GOOD}"), "purpose-twice", "planning"),
    "unknown people": (text(arengoDataSubjects="dpv:Chilld"), "unknown-term", "'dpv:Child'"),
    "age of no column": (text(arengoRetentionFrom="left"), "unknown-column", "left_on"),
    "age of a number": (text(arengoRetentionFrom="points"), "wrong-kind", "date or timestamp"),
    "age without limit": (text("", purposes="{id: x}", arengoRetentionFrom="left_on"), "retention-without-limit",
                          "retention"),
    "hold of no day": (text(arengoLegalHold="{reason: Case, since: 2026-02-31, by: Office}"), "wrong-day",
                       "2026-02-31"),
    "unknown safeguard": (text(purposes=purpose(recipients="[{name: Host, country: US, safeguard: 'eu-gdpr:A45'}]")),
                          "unknown-term", "eu-gdpr:A45-3"),
    "closed shape": (text(purposes=purpose(reason="because")), "wrong-shape", "arengoPurposes"),
    "no duration": (text(purposes=purpose(retention="10 years")), "wrong-shape", "10 years"),
    "id with capitals": (text(purposes=purpose(id="Planning")), "wrong-shape", "Planning"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_what_makes_a_contract_invalid(case: str) -> None:
    contract, code, words = ERRORS[case]
    errors = found(contract, Severity.ERROR)
    assert code in errors
    assert words in errors[code]


WARNINGS = {
    "consent": (text(purposes=purpose(legalBasis="eu-gdpr:A6-1-a")), "consent-basis", "recital 43"),
    "legitimate interests": (text(purposes=purpose(legalBasis="eu-gdpr:A6-1-f")), "interest-basis", "A6-1-e"),
    "sensitive, kind unsaid": (text(ROLE), "sensitive-without-kind", "arengoPersonalKind"),
    "offence": (text(OFFENCE, purposes=purpose(legalBasis="eu-gdpr:A6-1-b")), "offence-basis", "Art. 10"),
    "abroad": (text(purposes=purpose(recipients="[{name: Host, country: US}]")), "transfer-without-safeguard", "US"),
    "versions longer than purposes": (text(arengoRetention="P20Y"), "versions-outlive-purposes", "P10Y"),
    "open": (text(access="open"), "personal-open", "arengoPersonalReason"),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_what_is_warned_of(case: str) -> None:
    contract, code, words = WARNINGS[case]
    warnings = found(contract, Severity.WARNING)
    assert code in warnings
    assert words in warnings[code]
    assert not found(contract, Severity.ERROR)


VALID = {
    "shared with all": text(),
    "closed with all": text(access="closed"),
    "special with its exception": text(HEALTH, purposes=purpose(legalBasis="[eu-gdpr:A6-1-e, eu-gdpr:A9-2-g]")),
    "one of two purposes has the exception": text(
        HEALTH, purposes=purpose(legalBasis="[eu-gdpr:A6-1-e, eu-gdpr:A9-2-g]") + ", " + purpose(id="other")
    ),
    "open with a purpose": text(access="open"),
    "shared without persons": text("", purposes=""),
    "whole addresses": text(
        purposes=purpose(dpv="'https://w3id.org/dpv#PublicPolicyMaking'",
                         legalBasis="'https://w3id.org/dpv/2.0/legal/eu/gdpr#A6-1-e'")
    ),
    "in the house": text(purposes=purpose(recipients="[Schools Office, {name: Host, country: FR}]")),
    "ages": text(arengoRetentionFrom="left_on"),
}  # fmt: skip


@pytest.mark.parametrize("case", VALID)
def test_what_is_valid(case: str) -> None:
    assert not found(VALID[case], Severity.ERROR)


def test_a_contract_is_read_into_values() -> None:
    told = loads(
        text(
            HEALTH,
            purposes=purpose(
                title="{en: Planning places, it: Programmazione}", legalBasis="[eu-gdpr:A6-1-e, eu-gdpr:A9-2-g]",
                recipients="[Schools, {name: Host, country: US, safeguard: 'eu-gdpr:A45-3'}]", necessity="Needed.",
            )
            + ", {id: other, dpv: dpv:PublicBenefit, retention: P2Y}",
            arengoController="{name: City of Small, mail: a@b.example, dpo: {name: Office, mail: dpo@b.example}}",
            arengoDataSubjects="[dpv:Child]",
            arengoLegalHold="{reason: Case 1, since: 2026-02-01, by: Legal}",
            arengoRetentionFrom="left_on",
        )
    )  # fmt: skip
    first, second = purposes(told)
    assert (first.title("it"), first.title("fr"), second.title("it")) == (
        "Programmazione", "Élaborer les politiques publiques", "Beneficio pubblico",
    )  # fmt: skip
    assert [ground.article for ground in first.grounds("basis")] == ["Art. 6(1)(e)"]
    assert [ground.article for ground in first.grounds("special")] == ["Art. 9(2)(g)"]
    assert (first.recipients[1].country, first.recipients[0].name) == ("US", "Schools")
    named = controller(told)
    assert named is not None
    assert (named.name, named.dpo_mail) == ("City of Small", "dpo@b.example")
    assert data_subjects(told) == ("dpv:Child",)
    assert longest(told) == "P10Y"
    assert [column.name for column in personal(told)] == [column.name for column in special(told)] == ["pupil"]
    held = legal_hold(told)
    assert held is not None
    assert held.since == "2026-02-01"
    column, before = aging(told, datetime(2026, 2, 28, tzinfo=UTC)) or (None, None)
    assert column is not None
    assert (column.name, before) == ("left_on", datetime(2016, 2, 28, tzinfo=UTC))


def test_every_term_has_words_in_six_languages_and_a_known_parent() -> None:
    terms = dpv.concepts()
    assert len(dpv.scheme("purpose")) >= 40
    assert {item.article for item in dpv.scheme("special")} == {f"Art. 9(2)({letter})" for letter in "abcdefghij"}
    for item in terms.values():
        assert all(item.labels[language].strip() for language in dpv.LANGUAGES)
        assert item.broader == "" or terms[item.broader].scheme == item.scheme
        assert dpv.concept(item.uri) is item
        assert dpv.within(item.code, item.broader or item.code)
    assert dpv.concept("https://w3id.org/dpv/2.1#PublicBenefit") is terms["dpv:PublicBenefit"]
    assert dpv.concept("dpv:PublicBenefit", "basis") is None
    assert dpv.nearest("") is None


@pytest.mark.parametrize(
    ("period", "expected"),
    [("P1Y", datetime(2023, 2, 28, tzinfo=UTC)), ("P1M", datetime(2024, 1, 29, tzinfo=UTC)),
     ("P2W", datetime(2024, 2, 15, tzinfo=UTC)), ("PT36H", datetime(2024, 2, 27, 12, tzinfo=UTC)),
     ("P3000Y", None)],
)  # fmt: skip
def test_a_period_counts_back_by_the_calendar(period: str, expected: datetime | None) -> None:
    found = Period.parse(period)
    assert found is not None
    assert found.before(datetime(2024, 2, 29, tzinfo=UTC)) == expected


@pytest.mark.parametrize("wrong", ["", "P", "PT", "10 years", "P1.5Y", "P-1Y", "P1Y" + "9" * 40, "٣"])
def test_what_is_no_period(wrong: str) -> None:
    assert Period.parse(wrong) is None


@given(st.integers(0, 200), st.integers(0, 30), st.integers(0, 400))
def test_a_longer_period_never_ends_later(years: int, months: int, days: int) -> None:
    now = datetime(2026, 3, 31, tzinfo=UTC)
    shorter, longer = (Period(years * 12 + months, timedelta(days=days + more)).before(now) for more in (0, 1))
    assert shorter is not None
    assert longer is not None
    assert longer < shorter <= now


def test_a_population_other_than_the_subjects_is_an_error() -> None:
    told = found(text(SUBJECT, access="open", arengoPopulation="members"), Severity.ERROR)
    assert "'resident'" in told["another-population"]
    assert "another-population" not in found(text(SUBJECT, arengoPopulation="resident"), Severity.ERROR)


def test_what_protection_names_exists_and_is_averaged_when_a_number() -> None:
    wrong = found(text(arengoProtection="{microaggregate: {columns: [pupil], k: 3}}"), Severity.ERROR)
    assert "'pupil'" in wrong["wrong-kind"]
    for rule in (
        "microaggregate: {columns: [gone], k: 3}",
        "local: {by: [gone], k: 5}",
        "suppress: {by: [gone], below: 5}",
        "suppress: {blank: [gone], below: 5}",
    ):
        assert "'gone'" in found(text(arengoProtection="{" + rule + "}"), Severity.ERROR)["unknown-column"]
    assert found(text(arengoProtection="{microaggregate: {columns: [points], k: 3}}"), Severity.ERROR) == {}
    beside = "{suppress: {below: 5, beside: true, blank: [pupil]}, cells: {method: suppress, beside: true}}"
    assert found(text(arengoProtection=beside), Severity.ERROR) == {}
    assert found(text(arengoProtection="{suppress: {below: 5, beside: maybe}}"), Severity.ERROR)
    assert found(text(arengoProtection="{suppress: {below: 5, before: true}}"), Severity.ERROR)
