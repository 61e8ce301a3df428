"""What a contract offers to those who ask: plans, the rule of approval, approvers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml

from arengo.contract import lint, loads
from arengo.errors import BadForm
from arengo.governance.plan import STANDARD, approval_rule, plan_of, plans


def text_of(*, roles: Any = None, personal: bool = False, **custom: Any) -> str:
    column: dict[str, Any] = {"name": "id", "logicalType": "integer", "description": "Number."}
    if personal:
        column["customProperties"] = [{"property": "arengoPrivacyRole", "value": "identifier"}]
        custom["arengoPurposes"] = [
            {"id": "p", "dpv": "dpv:PublicBenefit", "legalBasis": "eu-gdpr:A6-1-e", "retention": "P1Y"}
        ]
    body: dict[str, Any] = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "rooms", "name": "Rooms", "version": "1.0.0",
        "status": "active", "description": {"purpose": "Rooms of schools."},
        "schema": [{"name": "rooms", "properties": [column]}],
        "customProperties": [
            {"property": name, "value": value}
            for name, value in ({"arengoAccess": "shared", "arengoOwner": "Schools"} | custom).items()
        ],
    }  # fmt: skip
    if roles:
        body["roles"] = roles
    return yaml.safe_dump(body, sort_keys=False)


def codes(text: str) -> dict[str, str]:
    return {item.code: str(item.severity) for item in lint(text)}


def test_plans_are_read_and_left_out_parts_are_the_standard_ones() -> None:
    contract = loads(text_of(arengoPlans=[{"id": "a", "rate": 2.5, "daily": 7, "lifetime": "PT1H"}, {"id": "b"}]))
    first, second = plans(contract)
    assert (first.rate, first.daily, first.lifetime) == (2.5, 7, timedelta(hours=1))
    assert (second.rate, second.rows, second.per_consumer) == (STANDARD.rate, STANDARD.rows, 0)
    assert plan_of(contract, "") == first
    assert plan_of(contract, "b") == second
    with pytest.raises(BadForm):
        plan_of(contract, "c")
    bare = loads(text_of())
    assert plans(bare) == (STANDARD,)
    assert approval_rule(bare) == "manual"


def test_a_sound_offer_has_no_finding_of_its_own() -> None:
    text = text_of(
        arengoPlans=[{"id": "standard", "daily": 500, "perConsumer": 200, "total": 1000}], arengoApproval="threshold"
    )
    ours = {"plan-twice", "cap-above-total", "cap-above-plan", "threshold-without-cap", "offer-not-shared"}
    assert not ours & set(codes(text))


@pytest.mark.parametrize(
    ("custom", "code", "severity"),
    [
        ({"arengoPlans": [{"id": "a"}, {"id": "a"}]}, "plan-twice", "error"),
        ({"arengoPlans": [{"id": "a", "perConsumer": 9, "total": 5}]}, "cap-above-total", "error"),
        ({"arengoPlans": [{"id": "a", "daily": 5, "perConsumer": 9}]}, "cap-above-plan", "warning"),
        ({"arengoPlans": [{"id": "a"}], "arengoApproval": "threshold"}, "threshold-without-cap", "warning"),
        ({"arengoApproval": "threshold"}, "threshold-without-cap", "warning"),
        ({"arengoPlans": [{"id": "a", "lifetime": "P30D"}]}, "long-token", "warning"),
        ({"arengoPlans": [{"id": "a"}], "arengoAccess": "open"}, "offer-not-shared", "warning"),
        ({"arengoApproval": "automatic", "personal": True}, "automatic-personal", "info"),
        ({"arengoApproval": "sometimes"}, "wrong-shape", "error"),
        ({"arengoPlans": []}, "wrong-shape", "error"),
        ({"arengoPlans": [{"id": "Small plan"}]}, "wrong-shape", "error"),
        ({"arengoPlans": [{"id": "a", "rate": 0}]}, "wrong-shape", "error"),
        ({"arengoPlans": [{"id": "a", "daily": -1}]}, "wrong-shape", "error"),
        ({"arengoPlans": [{"id": "a", "price": 3}]}, "wrong-shape", "error"),
        ({"arengoPlans": [{"id": "a", "lifetime": "soon"}]}, "wrong-shape", "error"),
    ],
)
def test_what_the_lint_says(custom: dict[str, Any], code: str, severity: str) -> None:
    assert codes(text_of(**custom)).get(code) == severity


@pytest.mark.parametrize(
    ("roles", "levels"),
    [
        (None, ((), ())),
        ([{"role": "reader"}], ((), ())),
        ([{"role": "r", "firstLevelApprovers": "na", "secondLevelApprovers": "None"}], ((), ())),
        (
            [{"role": "r", "firstLevelApprovers": "steward; Ada Rossi", "secondLevelApprovers": "dpo@example.org"}],
            (("steward", "Ada Rossi"), ("dpo@example.org",)),
        ),
        (
            [
                {"role": "r", "secondLevelApprovers": "dpo:steward"},
                {"role": "w", "secondLevelApprovers": "dpo:steward"},
            ],
            ((), ("dpo:steward",)),
        ),
    ],
)
def test_approvers_are_read_from_the_roles(roles: Any, levels: Any) -> None:
    assert loads(text_of(roles=roles)).approvers == levels


def test_approvers_that_nobody_can_be_are_told() -> None:
    found = codes(text_of(roles=[{"role": "r", "firstLevelApprovers": "Ada Rossi, dpo:boss",
                                  "secondLevelApprovers": "steward"}]))  # fmt: skip
    assert found["approver-by-name"] == "info"
    assert found["unknown-approver"] == "error"
    assert found["second-unused"] == "info"
    sound = codes(text_of(personal=True, roles=[{"role": "r", "secondLevelApprovers": "data-protection:steward"}]))
    assert not {"approver-by-name", "unknown-approver", "second-unused"} & set(sound)
