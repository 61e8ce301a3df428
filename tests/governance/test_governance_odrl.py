"""The ODRL export says exactly what the plain predicates decide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notary import HEAD, contract_of, make_notary

from arengo.governance.agreement import Agreement, Approval
from arengo.governance.decision import Mask
from arengo.governance.odrl import ODRL, TERMS, Use, allowed, export, offer, profile
from arengo.governance.plan import plan_of
from arengo.governance.purpose import Purpose

BASE = "https://data.example.org"
DAY = datetime(2026, 11, 20, tzinfo=UTC)
PURPOSE = Purpose("u-1", "mobility", "Safe ways", "We plan crossings.", "dpv:PublicBenefit", "eu-gdpr:A6-1-e", True,
                  retention="P1Y")  # fmt: skip
PLAIN = Agreement(
    "a-1", "enrolment", "1.0.0", "", "schools", "mobility", "app-routes", "u-1", "standard", ("pupil", "school"),
    "district = 'Nord'", (("pupil", Mask("pseudonym")),), ("Erase it.",), 100, DAY, DAY + timedelta(days=30), "active",
    approvals=(Approval("p-head", DAY),),
)  # fmt: skip


class Reader:
    """A small evaluator of the constraints of an ODRL permission, from the JSON-LD alone."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self.permission = policy["permission"][0]

    def permits(self, use: Use) -> bool:
        facts: dict[str, Any] = {
            "purpose": f"{BASE}/agreements/a-1#purpose" if use.purpose == "u-1" else f"{BASE}/other",
            "recipient": f"{BASE}/organisations/{use.organisation}",
            "system": f"{BASE}/applications/{use.application}" if use.application else f"{BASE}/",
            "dateTime": use.at,
            "arengo:column": use.column,
            "arengo:callsPerDay": use.calls,
            "arengo:rowsPerDay": use.rows,
        }
        return all(
            self._holds(facts[one["leftOperand"]], one["operator"], one["rightOperand"])
            for one in self.permission["constraint"]
            if one["leftOperand"] in facts
        )

    @staticmethod
    def _holds(fact: Any, operator: str, right: Any) -> bool:
        if isinstance(right, dict):
            right = right.get("@id") or datetime.fromisoformat(right["@value"])
        if operator == "isAnyOf":
            return fact in right
        compare = {"eq": fact == right}
        if not isinstance(right, str):
            compare |= {"lteq": fact <= right, "gteq": fact >= right, "lt": fact < right}
        return bool(compare[operator])


@settings(max_examples=150, deadline=None)
@given(
    purpose=st.sampled_from(["u-1", "u-2"]),
    organisation=st.sampled_from(["mobility", "parks", ""]),
    application=st.sampled_from(["app-routes", "app-parks", ""]),
    held=st.sampled_from(["app-routes", ""]),
    hours=st.integers(-30, 24 * 31),
    column=st.sampled_from(["pupil", "school", "district", "birth_date"]),
    calls=st.integers(990, 1010),
    rows=st.integers(99_990, 100_010),
)
def test_the_export_permits_what_the_predicate_allows(
    purpose: str, organisation: str, application: str, held: str, hours: int, column: str, calls: int, rows: int
) -> None:
    agreement = replace(PLAIN, application=held)
    contract = contract_of()
    use = Use(purpose, organisation, application, DAY + timedelta(hours=hours), column, calls, rows)
    policy = json.loads(json.dumps(export(agreement, contract, PURPOSE, BASE)))
    assert Reader(policy).permits(use) == allowed(agreement, plan_of(contract, "standard"), use)


def test_an_agreement_has_what_the_dataspace_protocol_wants() -> None:
    policy = export(PLAIN, contract_of(), PURPOSE, BASE)
    assert policy["@type"] == "Agreement"
    assert policy["assigner"] == f"{BASE}/organisations/schools"
    assert policy["assignee"] == f"{BASE}/organisations/mobility"
    assert policy["target"] == f"{BASE}/datasets/enrolment"
    assert policy["timestamp"] == "2026-11-20T00:00:00Z"
    assert {rule["action"] for rule in policy["prohibition"]} == {"arengo:reidentify", "distribute"}
    assert [rule["action"] for rule in policy["obligation"]] == ["delete", "arengo:fulfil"]
    bare = export(PLAIN, contract_of(), PURPOSE, BASE, context=False)
    assert "@context" not in bare
    assert "arengo:" not in json.dumps(bare)
    assert f"{BASE}/ns/odrl#column" in {one["leftOperand"] for one in bare["permission"][0]["constraint"]}


def test_an_offer_has_an_assigner_and_in_a_catalogue_no_target() -> None:
    whole, inside = offer(contract_of(), BASE), offer(contract_of(), BASE, target=False, context=False)
    assert whole["assigner"] == inside["assigner"] == f"{BASE}/organisations/schools"
    assert whole["target"].endswith("/datasets/enrolment")
    assert "target" not in inside
    assert [rule["title"] for rule in whole["permission"]] == ["standard", "large"]


@pytest.mark.parametrize("made", ["offer", "agreement", "profile"])
def test_it_is_json_ld_that_a_parser_reads(made: str) -> None:
    rdflib = pytest.importorskip("rdflib")
    body = {
        "offer": lambda: offer(contract_of(), BASE),
        "agreement": lambda: export(PLAIN, contract_of(), PURPOSE, BASE),
        "profile": lambda: profile(BASE),
    }[made]()
    graph = rdflib.Graph().parse(data=json.dumps(body), format="json-ld")
    odrl = rdflib.Namespace(ODRL)
    if made == "profile":
        defined = {str(node).rpartition("#")[2] for node in graph.subjects(rdflib.SKOS.prefLabel)}
        assert defined == set(TERMS)
        return
    kind = {"offer": odrl.Offer, "agreement": odrl.Agreement}[made]
    policy = next(iter(graph.subjects(rdflib.RDF.type, kind)))
    assert graph.value(policy, odrl.profile) == rdflib.URIRef(f"{BASE}/ns/odrl")
    lefts = set(graph.objects(None, odrl.leftOperand))
    ours = {left for left in lefts if str(left).startswith(f"{BASE}/ns/odrl#")}
    assert {str(left).rpartition("#")[2] for left in ours} <= set(TERMS)
    assert all(str(left).startswith(ODRL) for left in lefts - ours)
    for constraint in graph.subjects(odrl.leftOperand):
        assert graph.value(constraint, odrl.operator) is not None
        assert graph.value(constraint, odrl.rightOperand) is not None


def test_a_stored_agreement_is_exported_as_it_is_in_force(tmp_path: Path) -> None:
    notary = make_notary(tmp_path)
    item = notary.request()
    assert item.asked is not None
    done = notary.agreements.approve(item.id, by=HEAD, terms=replace(item.asked, columns=("school",), masks=()))
    policy = export(done, notary.contract("enrolment"), notary.agreements.purposes.get(done.purpose), BASE)
    columns = next(c for c in policy["permission"][0]["constraint"] if c["leftOperand"] == "arengo:column")
    assert columns["rightOperand"] == ["school"]
    assert "arengo:reidentify" not in {rule["action"] for rule in policy["prohibition"]}
    notary.state.close()
