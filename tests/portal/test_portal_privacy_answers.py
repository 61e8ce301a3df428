"""What a steward answers about a column in which persons were found, and the reasons of findings in words."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from access_town import COOKIE, HOSTILE
from privacy_town import JOINT, REPAIRS, Told, again, blocked, make, small, verdict
from starlette.applications import Starlette
from test_portal_pages import Page

from arengo import portal
from arengo.contract.model import Frozen
from arengo.errors import BadForm, Conflict
from arengo.governance.role import OPERATOR
from arengo.portal import privacy_words
from arengo.portal.language import Speech
from arengo.portal.privacy_columns import mark_of
from arengo.portal.privacy_labels import Labels
from arengo.portal.privacy_offer import offer, together
from arengo.portal.privacy_reasons import reason, wordings
from arengo.portal.rendering import environment
from arengo.portal.visit import Visit
from arengo.privacy.finding import Finding
from arengo.privacy.verdict import Assumption, Repair
from arengo.privacy.verdicts import HELD, PUBLISHED
from arengo.services.answer import Answer, answered
from arengo.services.gate import Desk

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

FINDINGS = "/privacy/findings/ballots"
WHY = "Projects are proposals of the city, no names of people."
NUMBERS = {
    "columns": [
        {"column": "project", "kind": "national-id", "role": "identifier", "strong": True, "evidence": "number",
         "why": "100% of 80 different values are valid IT CODICEFISCALE numbers; by chance 0.20% would be",
         "distinct": 80, "separation": 0.9, "suppressed": 0.0, "small": 0},
    ]
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    made = make(Path(tmp_path_factory.mktemp("answers")))
    yield made
    made.town.city.close()


@pytest.fixture(scope="module")
def published() -> list[str]:
    return []


@pytest.fixture(scope="module")
def desk(told: Told, published: list[str]) -> Desk:
    city = told.town.city
    return Desk(city.state, lambda name: city.catalogue.entry(name).contract, city.ledger.tell, published.append)


@pytest.fixture(scope="module")
def visits(told: Told, desk: Desk) -> Any:
    city = told.town.city
    pages = portal.routes(
        city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access, desk
    )  # fmt: skip
    app = Starlette(routes=pages)

    def of(name: str = "") -> TestClient:
        made = TestClient(app, raise_server_exceptions=True, follow_redirects=False)
        if name:
            made.cookies.set(COOKIE, told.town.cookies[name])
        return made

    return of


def page(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.text[:2000]
    Page(answer.text)
    assert HOSTILE not in answer.text
    return unescape(answer.text)


def column(told: Told, name: str) -> Any:
    return told.town.city.catalogue.entry("ballots").contract.column(name)


def mine(told: Told, name: str = "anna") -> dict[str, str]:
    """What every form of a signed-in person carries."""
    return {"csrf": told.town.city.access.sessions.token(told.town.cookies[name])}


def entries(told: Told, act: str) -> list[Any]:
    ledger = told.town.city.ledger
    found = (ledger.entry(number, whole=True) for number in range(ledger.size))
    return [item for item in found if (item.body or {}).get("facts", {}).get("act") == act]


# On the page


def test_a_found_column_is_confirmed(visits: Any, told: Told, published: list[str]) -> None:
    reader = visits("anna")
    text = page(reader.get(FINDINGS))
    assert "1 column waits for an answer" in text
    assert text.count('name="answer" value="yes"') == 1
    data = {**mine(told), "column": "project", "answer": "yes", "role": "identifier", "kind": "name",
            "concept": "proposer"}  # fmt: skip
    made = reader.post(FINDINGS, data=data)
    assert (made.status_code, made.headers["location"]) == (303, f"{FINDINGS}?done=project")
    held = column(told, "project")
    assert (held.privacy_role, held.custom["arengoPersonalKind"], held.custom["arengoPrivacyConcept"]) == (
        "identifier", "name", "proposer")  # fmt: skip
    text = page(reader.get(made.headers["location"]))
    assert "Written: Project." in text
    assert "The contract has changed since this check." in text
    assert "No column waits for an answer." in text
    (record,) = entries(told, "finding confirmed")
    assert record.body["facts"]["column"] == "project"
    assert record.body["actor"] == told.town.ids["anna"]
    assert published == []
    assert "Publish and check again" in page(reader.get("/datasets/ballots/privacy"))
    again = reader.post(f"{FINDINGS}/again", data=mine(told))
    assert again.status_code == 303
    assert published == ["ballots"]


def test_a_found_column_is_allowed_with_a_reason(visits: Any, told: Told) -> None:
    reader = visits("anna")
    text = page(reader.get(f"{FINDINGS}?column=project"))
    assert "Answer anew" in text
    data = {**mine(told), "column": "project", "answer": "no"}
    short = reader.post(FINDINGS, data={**data, "reason": "because"})
    text = page(short, 400)
    assert "The reason is too short." in text
    assert f'href="#{mark_of("project")}"' in text
    assert f'id="{mark_of("project")}"' in text
    assert reader.post(FINDINGS, data={**data, "reason": WHY}).status_code == 303
    held = column(told, "project")
    assert held.custom["arengoPersonalReason"] == WHY
    assert not held.privacy_role
    assert "arengoPersonalKind" not in held.custom
    assert WHY in page(reader.get(FINDINGS))
    assert f"{WHY} (contract, version " in page(visits().get("/register"))
    (record,) = entries(told, "finding allowed")
    assert record.body["facts"]["why"] == WHY


def test_what_stands_out_or_is_proven_is_not_settled_by_a_reason(visits: Any, told: Told, desk: Desk) -> None:
    reader = visits("anna")
    text = page(reader.get(f"{FINDINGS}?column=age"))
    assert "People stand out by this column" in text
    assert 'value="no"' not in text
    data = {**mine(told), "column": "age", "answer": "no", "reason": "Ages are known to everybody."}
    assert "People stand out by age" in page(reader.post(FINDINGS, data=data), 409)
    assert column(told, "age").privacy_role == "quasi"
    held = desk.latest("ballots")
    desk.verdicts.keep(
        verdict(told.town, "ballots", Finding("undeclared-person", "review", Frozen({
            "column": "project", "what": "national or tax number of a person", "kind": "national-id",
            "why": NUMBERS["columns"][0]["why"]}), ("project",)), run="r9", measured=Frozen({"detection": NUMBERS})),
        HELD,
    )  # fmt: skip
    assert "Checked numbers prove what it is" in page(reader.get(f"{FINDINGS}?column=project"))
    with pytest.raises(Conflict, match="prove what they are"):
        desk.proposed("ballots", Answer("project", reason=WHY))
    assert held is not None
    desk.verdicts.keep(small(told.town, "r10"), HELD)


def test_who_may_not_decide_sees_no_form_and_changes_nothing(visits: Any, told: Told) -> None:
    reader = visits("ugo")
    assert reader.get(FINDINGS).status_code == 403
    version = told.town.city.catalogue.entry("ballots").contract.version
    data = {**mine(told, "ugo"), "column": "project", "answer": "yes", "role": "quasi"}
    assert reader.post(FINDINGS, data=data).status_code == 403
    assert visits().post(FINDINGS, data={"column": "project", "answer": "yes"}).status_code in (303, 401, 403)
    assert told.town.city.catalogue.entry("ballots").contract.version == version


@pytest.mark.parametrize(
    "given",
    [
        {"answer": ""},
        {"answer": "maybe"},
        {"answer": "yes", "role": "boss"},
        {"answer": "yes", "role": "quasi", "kind": "<b>"},
        {"answer": "yes", "role": "quasi", "concept": "Not A Concept"},
        {"answer": "yes", "role": "quasi", "column": 'nobody"><script>'},
        {"answer": "no", "reason": "1 2 3 4 5 because"},
    ],
)
def test_a_bad_answer_is_told_and_kept_out(visits: Any, told: Told, given: dict[str, str]) -> None:
    reader = visits("anna")
    data = {**mine(told), "column": "project", **given}
    before = told.town.city.state.contracts()["ballots"].sha
    made = reader.post(FINDINGS, data=data)
    assert made.status_code in (400, 404, 409)
    assert "<script>" not in made.text.split("</head>")[1]
    assert told.town.city.state.contracts()["ballots"].sha == before


# In the contract's text


def test_an_answer_takes_back_what_contradicts_it() -> None:
    text = (
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n"
        "    properties:\n      - name: who  # kept\n        logicalType: string\n        examples: [Anna]\n"
        "        customProperties:\n          - {property: arengoPersonalReason, value: Elected members are public.}\n"
    )
    yes = answered(text, Answer("who", "identifier", "name"))
    assert "arengoPersonalReason" not in yes
    assert "Anna" not in yes
    assert "# kept" in yes
    no = answered(yes, Answer("who", reason="Elected members are public by law."))
    assert "arengoPrivacyRole" not in no
    assert "arengoPersonalKind" not in no
    for wrong in ("", "x", "ok ok ok", "1234 5678 9012 3456"):
        with pytest.raises(BadForm):
            Answer("who", reason=wrong)


# Reasons in words


def test_a_reason_is_known_by_its_wording() -> None:
    english = Speech("en")
    said = "92% of 1,234 different values are valid ES DNI numbers; by chance 4.35% would be"
    assert reason(english, said) == said
    assert reason(english, "some other words") == ""
    german = reason(Speech("de"), said)
    assert "4,35" in german
    for template in wordings(english):
        filled = template % dict.fromkeys(_places(template), "7")
        assert reason(english, filled) == filled, template


def _places(template: str) -> list[str]:
    import re

    return re.findall(r"%\((\w+)\)s", template)


def test_every_evidence_of_detection_has_a_wording() -> None:
    from arengo.privacy.detect.column import EVIDENCE

    facts = {"share": 0.92, "tried": 80, "label": "ES DNI", "chance": 0.01, "texts": 3, "what": "2 e-mail addresses",
             "years": 80, "latest": 2004, "country": "Spanish", "words": 7.0}  # fmt: skip
    for code, template in EVIDENCE.items():
        if code not in ("none", "values", "header"):
            assert reason(Speech("en"), template.format_map(facts)), code


def test_a_finding_says_kinds_and_reasons_in_the_readers_words() -> None:
    item = Finding("weak-evidence", facts=Frozen({"why": "age (age)", "kinds": ["age"]}), columns=("age",))
    assert "Alter (ages)" in privacy_words.sentence(Speech("en"), item, lambda name: "Alter")
    found = Finding("undeclared-person", "review", Frozen({"column": "x", "what": "name of a person", "kind": "name",
                                                           "why": "name of a person by its header"}))  # fmt: skip
    assert "name of a person by its header" in privacy_words.sentence(Speech("en"), found)


# What fails inside an attribute says why


def test_a_failing_attribute_is_not_taken_for_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Thing:
        @property
        def there(self) -> str:
            return str(None.nothing)  # type: ignore[attr-defined]

    template = environment().from_string("{{ thing.there }}")
    with pytest.raises(AttributeError, match="nothing"):
        template.render(thing=Thing())
    assert environment().from_string("{{ thing.absent is defined }}").render(thing=Thing()) == "False"
    assert Visit.desk.fget is not None  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_server_begins_with_all_of_sqlalchemy(told: Told) -> None:
    code = "import sys, arengo.app as a; a.create(); print('sqlalchemy.orm' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"ARENGO_CITY": str(told.town.city.settings.root), "PATH": ""},
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.split()[-1] == "True"


def test_a_repair_beside_earlier_releases_says_whom_it_frees(told: Told) -> None:
    city = told.town.city
    large = Frozen({"12": 400, "more": 3890})
    repair = Repair("drop-1", "generalise", Frozen({"age": ("drop",)}), loss=0.5, before=large, after=large)
    judged = blocked(told.town, "r-relief")
    labels = Labels(Speech("en"), city.catalogue.entry("ballots").contract, city.catalogue)
    made = offer(Speech("en"), judged, repair, labels)
    assert made.relief == ("Together with what is public already, 11 people are exposed before it and nobody after it.")
    assert made.title == "Leave a column out"
    assert offer(Speech("en"), judged, REPAIRS[0], labels).relief == ""


def test_one_of_them_stands_alone() -> None:
    facts = Frozen(k=6, most=1, alone=1, column="age")
    said = privacy_words.sentence(
        Speech("en"), Finding("overlap-joint", "block", facts, ("age",), ("rooms v1",), people=16)
    )
    assert said.endswith("; 1 of them stands alone. age costs most.")


def test_a_repair_beside_earlier_releases_shows_the_groups_that_both_make(visits: Any, told: Told) -> None:
    speech, large = Speech("en"), Frozen({"12": 400, "more": 3890})
    judged = blocked(told.town, "r-both")
    after = Frozen({"6": 12, "more": 4278})
    repair = Repair("drop-1", "generalise", Frozen({"age": ("drop",)}), before=large, after=large,
                    facts=Frozen(joint=after))  # fmt: skip
    drawn = together(speech, judged, repair)
    assert drawn is not None
    assert drawn.both
    assert JOINT["after"]["1"] == 11
    assert drawn.words == "11 in groups below 5 before, 0 people after."
    catalogue = told.town.city.catalogue
    card = offer(speech, judged, repair, Labels(speech, catalogue.entry("ballots").contract, catalogue)).picture
    assert card is not None
    assert card == together(speech, judged, repair, compact=True)
    assert together(speech, judged, REPAIRS[0]) is None  # from before this was measured
    assert together(speech, small(told.town, "r-alone"), repair) is None

    again(told, replace(judged, repairs=(repair,)))
    for address in ("/datasets/ballots/privacy", "/datasets/ballots/privacy/repair/drop-1"):
        text = page(visits("anna").get(address))
        assert "11 people are exposed before it and nobody after it" in text
        assert "Group sizes in this publication alone" not in text
    assert "11 in groups below 5 before, 0 people after." in text


def test_a_verdict_names_the_reasons_it_took_for_granted_and_who_gave_them(visits: Any, told: Told, desk: Desk) -> None:
    def granted(column: str, reason: str) -> Assumption:
        return Assumption("reason", Frozen(column=column, reason=reason, version="1.4.0"))

    desk.told("ballots", Answer("project", reason=WHY), OPERATOR, "1.0.1")
    said = verdict(told.town, "ballots", Finding("risk-met", facts=Frozen(k=5), columns=("age",)), run="r-reasons")
    by_hand = "Somebody wrote this into the file."
    kept = desk.verdicts.keep(
        replace(said, assumptions=(granted("project", WHY), granted("district", by_hand))), PUBLISHED, 1
    )
    text = page(visits("anna").get(f"/datasets/ballots/privacy?verdict={kept.id}"))
    project, district = text.split(f"“{WHY[:-1]}”.")[1][:80], text.split(f"“{by_hand[:-1]}”.")[1][:80]
    assert "Project may be open because the contract says so (version 1.4.0)" in text
    assert "the keeper of the city's key gave it on" in project
    assert "Who wrote it, and when, is not on the record of this desk." in district
    other = desk.verdicts.keep(replace(said, run="r-other", assumptions=(granted("project", by_hand),)), PUBLISHED, 1)
    changed = page(visits("anna").get(f"/datasets/ballots/privacy?verdict={other.id}"))
    assert "is not on the record" in changed  # the record has another reason
    paper = visits("anna").get(f"/datasets/ballots/privacy.pdf?verdict={kept.id}")
    assert paper.content[:5] == b"%PDF-"
