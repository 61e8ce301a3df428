"""The privacy desk: who sees a verdict, what it tells, repairs before and after, decisions of one and of two people."""

from __future__ import annotations

import hashlib
import json
import re
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from access_town import COOKIE, HOSTILE, fields
from privacy_town import BALLOTS as BALLOT_WORDS
from privacy_town import Told, again, blocked, make, review, small, verdict
from starlette.applications import Starlette
from test_portal_pages import Page

from arengo import portal
from arengo.contract.model import Frozen
from arengo.portal import privacy_labels, privacy_offer, privacy_outcome, privacy_words
from arengo.portal.language import LANGUAGES, Speech
from arengo.portal.operator import COOKIE as KEY
from arengo.portal.operator import token
from arengo.portal.privacy_number import several
from arengo.portal.privacy_picture import histogram, overlap
from arengo.privacy.finding import Finding, agreed
from arengo.privacy.verdict import Assumption, Repair, Verdict
from arengo.privacy.words import SENTENCES
from arengo.services.gate import Desk

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

BALLOTS = "/datasets/ballots/privacy"
REASON = "The council asked for it in its session of March."


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    made = make(Path(tmp_path_factory.mktemp("privacy")))
    yield made
    made.town.city.close()


@pytest.fixture(scope="module")
def published() -> list[str]:
    """Datasets whose publication the desk started."""
    return []


@pytest.fixture(scope="module")
def visits(told: Told, published: list[str]) -> Any:
    """Name of a person, '' for nobody, 'key' for the keeper of the city's key -> a browser."""
    city = told.town.city
    desk = Desk(city.state, lambda name: city.catalogue.entry(name).contract, city.ledger.tell, published.append)
    pages = portal.routes(
        city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access, desk
    )  # fmt: skip
    app = Starlette(routes=pages)
    held: dict[str, TestClient] = {}

    def of(name: str = "") -> TestClient:
        if name not in held:
            held[name] = TestClient(app, raise_server_exceptions=True, follow_redirects=False)
            if name == "key":
                held[name].cookies.set(KEY, token(city.settings))
            elif name:
                held[name].cookies.set(COOKIE, told.town.cookies[name])
        return held[name]

    return of


def seen(answer: Any, status: int = 200) -> str:
    """The text of a sound page that nobody keeps."""
    assert answer.status_code == status, answer.text[:2000]
    assert "no-store" in answer.headers["cache-control"]
    Page(answer.text)
    assert HOSTILE not in answer.text
    return unescape(answer.text)


# Sentences


def test_every_code_has_a_sentence_that_says_the_same() -> None:
    english = Speech("en")
    assert privacy_words.missing() == []
    assert set(privacy_words.templates(english, several)) == set(SENTENCES)
    for code, template in SENTENCES.items():
        assert plain(privacy_words.templates(english, several)[code]) == agreed(template, {}), code
        for fact in set(re.findall(r"\[(\w+)\|", template)):
            for number in (0, 1):
                said = plain(privacy_words.templates(english, defaultdict(lambda: 2, {fact: number}).__getitem__)[code])
                several_or_one = (agreed(template, {}), agreed(template, {fact: number}))
                assert said in several_or_one, (code, fact, number)


def plain(template: str) -> str:
    return re.sub(r"%\((\w+)\)s", r"{\1}", template).replace("%%", "%")


def test_sentences_count_and_write_numbers_as_their_language_does() -> None:
    item = Finding("overlap-known", "block", columns=("grant",), releases=("benefits v2",), people=1)
    assert privacy_words.sentence(Speech("en"), item).endswith("becomes known for 1 person.")
    many = Finding("overlap-known", "block", columns=("grant",), releases=("benefits v2",), people=12_345)
    assert "12,345 people" in privacy_words.sentence(Speech("en"), many)
    for language in LANGUAGES:
        for code in SENTENCES:
            made = privacy_words.sentence(Speech(language), Finding(code, facts=Frozen(k=1234, share=0.5), people=3))
            assert made
            assert "%(" not in made


def test_one_of_a_thing_is_no_several_in_any_language() -> None:
    facts = Frozen(values=1, texts=1, groups=1, cells=1, parts=1, k=5, threshold=5, what="e-mail", column="note")
    more = Frozen({**facts, "values": 7, "texts": 7, "groups": 7, "cells": 7, "parts": 7})
    for code in ("small-places", "numbers-in-text", "contacts-in-text", "risk-homogeneous", "public-small-cells"):
        for language in LANGUAGES:
            one, several = (
                privacy_words.sentence(Speech(language), Finding(code, facts=told, columns=("town",), people=7))
                for told in (facts, more)
            )
            assert re.sub(r"\d", "", one) != re.sub(r"\d", "", several), (language, code)
    one = Finding("risk-homogeneous", facts=facts, columns=("grant",), people=1)
    assert privacy_words.sentence(Speech("en"), one).startswith("In 1 group everybody has the same grant: ")
    assert privacy_words.sentence(Speech("en"), one).endswith("of the 1 person in it.")


def test_one_value_is_no_combination_in_any_language() -> None:
    for language in LANGUAGES:
        item = Finding("linkage-sets", "repair", Frozen(items=1, k=5), ("age", "district"), people=205)
        said = privacy_words.sentence(Speech(language), item)
        assert not re.search(r"\b1\b", said), (language, said)
    assert "205 people have a value of age, district that" in privacy_words.sentence(Speech("en"), item)


def test_nobody_alone_is_left_out_in_every_language() -> None:
    facts = Frozen(k=5, unique=0, alone=0, rows=90, most=4, column="age", population="residents")
    for code in ("risk-small-groups", "risk-small-map", "overlap-joint"):
        for language in LANGUAGES:
            item = Finding(code, "repair", facts, ("age",), ("rooms v1",), people=7)
            assert not re.search(r"\b0\b", privacy_words.sentence(Speech(language), item)), (language, code)


def test_thousands_of_findings_are_said_at_once() -> None:
    found = tuple(Finding("overlap-joint", "block", Frozen(k=5), ("age",), people=n) for n in range(20_000))
    whole = Verdict("ballots", "", datetime(2026, 1, 1, tzinfo=UTC), found)
    start = time.monotonic()
    assert "20,000" not in privacy_outcome.headline(Speech("en"), whole)
    assert whole.said().endswith("And 19997 more.")
    assert time.monotonic() - start < 60


def test_what_is_assumed_has_words() -> None:
    s = Speech("en")
    for code in ("target", "no-population", "no-register", "register", "profile"):
        assert privacy_words.assumption(s, Assumption(code, Frozen({"knows": ["*"]})))
    unknown = privacy_words.assumption(s, Assumption("something-new", Frozen({"n": 3})))
    assert unknown == "something new, n 3"


def test_pictures_put_persons_into_the_right_bars() -> None:
    s = Speech("en")
    found = histogram(s, {"1": 3, "4": 8, "7": 21, "more": 100}, {}, 5)
    assert found is not None
    by = {bar.label: bar for bar in found.bars}
    assert (by["alone"].after, by["4"].after, by["5–9"].after, by["50 or more"].after) == (3, 8, 21, 100)
    assert [bar.label for bar in found.bars if bar.small] == ["alone", "2", "3", "4"]
    assert found.words == "11 people stand in groups of fewer than 5."
    seven = histogram(s, {"6": 6}, {"1": 2}, 7)
    assert seven is not None
    assert seven.both
    assert {bar.label for bar in seven.bars if bar.small} >= {"5–6"}
    assert histogram(s, {}, {}, 5) is None
    drawn = overlap(s, (("A", "", ""),), "B", "", people=11, groups=11, alone=11, k=5)
    assert drawn.result == "together 11 groups of 1"
    assert len(set(drawn.single)) == len(drawn.single) == 9


# Who sees


def test_a_person_without_a_role_sees_nothing_of_verdicts(visits: Any, told: Told) -> None:
    for path in ("/privacy", "/privacy/budget", "/privacy/findings/ballots", BALLOTS, f"{BALLOTS}.json",
                 f"{BALLOTS}.pdf", f"{BALLOTS}/repair/suppress-2"):  # fmt: skip
        nobody = visits().get(path)
        assert nobody.status_code == 303, path
        assert nobody.headers["location"].startswith("/login?")
        for name in ("ugo", "bruno"):  # readers of another office
            answer = visits(name).get(path)
            assert answer.status_code == 403, (path, name)
            assert "58 " not in answer.text
            assert told.repair.mark not in answer.text
    for path in (BALLOTS, f"{BALLOTS}.json"):  # a steward of another office
        assert visits("carla").get(path).status_code == 403
    text = seen(visits("carla").get("/privacy"))
    assert "Ballots" not in text
    assert "Nothing is held back" in text
    for name in ("", "ugo", "carla"):
        answer = visits(name).post(f"{BALLOTS}/decide", data={"act": "override", "verdict": told.repair.id,
                                                              "reason": REASON})  # fmt: skip
        assert answer.status_code in (401, 403)
    assert told.desk.decisions("ballots") == ()
    for page in ("/datasets/ballots", "/datasets/rooms", "/account"):
        text = visits("ugo").get(page).text
        assert '/privacy"' not in text


def test_a_repair_that_is_not_proved_to_be_the_cheapest_says_so(told: Told) -> None:
    from arengo.commands.privacy import told as line

    unproved = "ot every combination of levels was tried"
    made = Repair("generalise-1", "generalise", Frozen({"age": {"top": 80}}), facts=Frozen(k=5, optimal=False))
    labels = privacy_labels.Labels(Speech("en"), None, told.town.city.catalogue)
    assert unproved in privacy_offer.offer(Speech("en"), told.repair.verdict, made, labels).note
    assert unproved in line(made)
    proved = Repair("generalise-1", "generalise", made.columns, facts=Frozen(k=5, optimal=True))
    assert not privacy_offer.offer(Speech("en"), told.repair.verdict, proved, labels).note
    assert unproved not in line(proved)


def test_a_repair_says_what_it_costs_where_no_share_does(told: Told) -> None:
    from arengo.commands.privacy import told as line
    from arengo.portal.privacy_paper import _cost

    s = Speech("en")
    labels = privacy_labels.Labels(s, None, told.town.city.catalogue)
    codes = Repair("pseudonym-1", "pseudonym", Frozen({"name": ("pseudonym",)}))
    black = Repair("redact-1", "redact", Frozen({"note": ("redact",)}))
    for made, words in ((codes, "the names become codes"), (black, "what names persons goes from the texts")):
        offer = privacy_offer.offer(s, told.repair.verdict, made, labels)
        assert "Detail that is lost" not in dict(offer.facts)
        assert _cost(s, offer) == ("", "0")
        assert words in line(made)
        assert "0.0%" not in line(made)
    whole = Repair("generalise-1", "generalise", Frozen({"age": ("drop",)}), loss=1.0)
    offer = privacy_offer.offer(s, told.repair.verdict, whole, labels)
    assert offer.note == "Next to nothing is left of the columns or cells it changes."
    assert _cost(s, offer)[0].startswith("100")
    assert "100.0 % of the detail is lost: next to nothing is left of what it changes" in line(whole)


def test_a_repair_that_leaves_nothing_comes_last() -> None:
    from arengo.privacy.cells.repair import cheapest

    whole = Repair("cells-1", "cells", loss=1.0)
    some = Repair("cells-2", "cells", loss=0.3, outcome="review")
    assert [item.id for item in cheapest([whole, some])] == ["cells-2", "cells-1"]


def test_the_inbox_says_what_waits_and_who_decides(visits: Any) -> None:
    text = seen(visits("anna").get("/privacy"))
    assert "1 publication is held back" in text
    assert "As it is, 58 people could be recognised in it." in text
    assert "A steward of Education Services takes a repair, or two people decide" in text
    assert "Desk (1)" in text
    assert 'href="/privacy"' in seen(visits("key").get("/privacy"))
    assert "Held back for privacy" in visits("anna").get("/desk?kind=wish").text
    assert 'href="/privacy"' in visits("anna").get("/account").text


def test_a_dataset_tells_its_check_in_words_pictures_and_tables(visits: Any, told: Told) -> None:
    text = seen(visits("anna").get(BALLOTS))
    for words in ("As it is, 58 people could be recognised in it.", "58 of 4,290 people stand in groups",
                  "District, Age", "Compare 3 repairs", "Age: at most 80", "18.4%", "812", "Turnout by district",
                  "Who might look", "A neighbour", "100.0%", "prosecutor risk", "Porto", "31",
                  "The population residents is counted in the register Pupils enrolled.",
                  "everything that can be observed", "Publish it all the same", told.repair.mark):  # fmt: skip
        assert words in text, words
    assert 'lang="en" dir="auto"' not in text
    assert "<svg" in text
    assert "style=" not in text
    assert "onclick" not in text
    italian = visits("anna").get(f"{BALLOTS}?lang=it").text
    assert 'lang="it"' in italian
    visits("anna").get("/preferences?lang=en")


def test_what_was_found_stands_beside_what_is_declared(visits: Any) -> None:
    text = seen(visits("anna").get("/privacy/findings/ballots"))
    assert "tells 98.1% of all pairs of rows apart" in text
    assert "perhaps:" in text
    assert "25.0% of the values are withheld already" in text
    assert "nothing yet" in text  # project: found, nothing declared
    assert "tells persons apart together with others" in text


def test_a_dataset_without_a_verdict_says_so(visits: Any) -> None:
    assert "Not checked yet" in seen(visits("anna").get("/datasets/unborn/privacy"))
    assert visits("anna").get("/datasets/unborn/privacy.json").status_code == 404
    assert visits("anna").get("/datasets/nowhere/privacy").status_code == 404
    assert visits("anna").get(f"{BALLOTS}?verdict=0123456789abcdef").status_code == 404
    assert visits("anna").get(f"{BALLOTS}?verdict=<script>").status_code == 404


def test_a_verdict_of_another_dataset_is_not_shown_here(visits: Any, told: Told) -> None:
    assert visits("anna").get(f"{BALLOTS}?verdict={told.passed.id}").status_code == 404
    assert visits("anna").get(f"/datasets/rooms/privacy?verdict={told.repair.id}").status_code == 404


def test_everybody_sees_that_a_passed_dataset_was_checked(visits: Any) -> None:
    text = unescape(visits("anna").get("/datasets/rooms").text)
    assert "Checked on 2 Mar 2026 for what it tells about persons: passes" in text
    assert 'href="/datasets/rooms/privacy"' in text
    how = visits().get("/privacy/how")
    assert how.status_code == 200
    Page(how.text)
    assert "Together with what is public" in how.text


def test_the_verdict_is_taken_along_as_json_and_sealed_pdf(visits: Any, told: Told) -> None:
    answer = visits("anna").get(f"{BALLOTS}.json")
    assert json.loads(answer.content)["mark"] == told.repair.mark
    assert answer.headers["cache-control"] == "no-store"
    ledger = told.town.city.ledger
    before = ledger.size
    first = visits("anna").get(f"{BALLOTS}.pdf")
    assert first.content[:5] == b"%PDF-"
    again_ = visits("anna").get(f"{BALLOTS}.pdf")
    assert again_.content == first.content
    entry = ledger.entry(before, whole=True)
    assert entry.facts["action"] == "privacy-report"
    assert entry.body["facts"]["sha256"] == hashlib.sha256(first.content).hexdigest()
    assert ledger.size == before + 1  # the same paper is put on record once


# Deciding


def test_a_repair_is_looked_at_and_confirmed(visits: Any, told: Told, published: list[str]) -> None:
    held = again(told, small(told.town, run="r-repair"))
    path = f"{BALLOTS}/repair/generalise-1"
    text = seen(visits("anna").get(path))
    for words in ("Before and after", "Age: at most 80", "Use this repair and publish", "becomes version"):
        assert words in text, words
    assert visits("anna").get(f"{BALLOTS}/repair/none").status_code == 404
    given = fields(visits("anna").get(path).text, path)
    assert given["verdict"] == [held.id]
    answer = visits("anna").post(path, data=given | {"reason": "Ages above 80 are few."})
    assert answer.status_code == 303, answer.text
    assert published[-1] == "ballots"
    city = told.town.city
    assert city.state.contracts()["ballots"].text.count("arengoProtect") == 1
    assert told.desk.get(held.id).settled == "repaired"
    assert "Repair taken" in seen(visits("anna").get(answer.headers["location"]))
    late = visits("anna").post(path, data=given)
    assert late.status_code == 409
    assert "not held back any more" in seen(late, 409)


def test_a_contract_without_a_place_for_a_repair_says_so_beside_the_verdict(visits: Any, told: Told) -> None:
    city = told.town.city
    path = city.settings.root / "contracts" / "ballots.odcs.yaml"
    # A comma within braces ends the text: what follows is a name without a value, and cannot be written back.
    path.write_text(BALLOT_WORDS.replace("Who voted for what in", "Who voted, and for what, in"), encoding="utf-8")
    city.apply(["ballots"], folder_wins=True)
    again(told, small(told.town, run="r-comma"))
    answer = visits("anna").get(f"{BALLOTS}/repair/generalise-1")
    text = seen(answer, 409)
    assert "cannot be changed without changing other lines of the contract. Change it in the file by hand." in text
    assert "What was found" in text
    path.write_text(BALLOT_WORDS, encoding="utf-8")
    city.apply(["ballots"], folder_wins=True)


def test_a_review_is_approved_by_one_with_a_reason(visits: Any, told: Told, published: list[str]) -> None:
    again(told, review(told.town))
    text = seen(visits("anna").get(BALLOTS))
    assert "Somebody has to look at it before it is published." in text
    action = f"{BALLOTS}/decide"
    given = fields(text, action) | {"act": "approve"}
    short = visits("anna").post(action, data=given | {"reason": "ok"})
    assert "The reason is too short" in seen(short, 400)
    assert ">ok<" in short.text  # what was written is kept
    assert "Choose what to do" in seen(visits("anna").post(action, data=given | {"act": "x", "reason": REASON}), 400)
    before = len(published)
    answer = visits("anna").post(action, data=given | {"reason": REASON})
    assert answer.status_code == 303
    assert len(published) == before + 1
    text = seen(visits("dora").get(answer.headers["location"]))
    assert "Anna Bianchi" in text
    assert "Somebody looked at it and approved it." in text
    assert "all the same" not in text


def test_an_override_takes_two_people(visits: Any, told: Told, published: list[str]) -> None:
    held = again(told, blocked(told.town, run="r-block"))
    text = seen(visits("anna").get(BALLOTS))
    for words in ("Together with what is public already, it would expose 11 people.", "together 11 groups of 1",
                  "Classrooms (version 1)", "How publications meet"):  # fmt: skip
        assert words in text, words
    action = f"{BALLOTS}/decide"
    given = fields(text, action) | {"act": "override", "reason": REASON}
    approve = visits("anna").post(action, data=given | {"act": "approve"})
    assert approve.status_code == 409
    before = len(published)
    assert visits("anna").post(action, data=given).status_code == 303
    assert len(published) == before
    waits = told.desk.open_override(told.desk.get(held.id))
    assert waits is not None
    mine = seen(visits("anna").get(BALLOTS))
    assert "somebody else has the second word" in mine
    assert "Agree and publish" not in mine
    own = {"act": "confirm", "decision": waits.id, "reason": REASON}
    assert visits("anna").post(action, data=own).status_code == 403
    second = seen(visits("dora").get(BALLOTS))
    assert REASON in second
    assert "A second person, after Anna Bianchi" in seen(visits("dora").get("/privacy"))
    answer = visits("dora").post(action, data=fields(second, action) | own)
    assert answer.status_code == 303
    assert len(published) == before + 1
    assert "Published all the same, by two people" in seen(visits("anna").get(BALLOTS))
    elsewhere = visits("dora").post("/datasets/rooms/privacy/decide", data=fields(second, action) | own)
    assert elsewhere.status_code == 404


def test_the_key_of_the_city_makes_nobody_two_people(visits: Any, told: Told, published: list[str]) -> None:
    held = again(told, blocked(told.town, run="r-hats"))
    action = f"{BALLOTS}/decide"
    given = fields(seen(visits("anna").get(BALLOTS)), action) | {"act": "override", "reason": REASON}
    assert visits("anna").post(action, data=given).status_code == 303
    waits = told.desk.open_override(told.desk.get(held.id))
    assert waits is not None
    own = {"act": "confirm", "decision": waits.id, "reason": REASON}
    before = len(published)
    visits("anna").cookies.set(KEY, token(told.town.city.settings))
    try:
        assert "Agree and publish" not in seen(visits("anna").get(BALLOTS))
        assert visits("anna").post(action, data=own).status_code == 403
    finally:
        visits("anna").cookies.delete(KEY)
    assert "Agree and publish" not in seen(visits("key").get(BALLOTS))
    assert visits("key").post(action, data=own).status_code == 403
    assert len(published) == before


def test_hostile_words_are_shown_as_words(visits: Any, told: Told) -> None:
    mark = "<script>alert('x')</script>"
    finding = Finding("overlap-joint", "block", Frozen({"column": mark, "k": mark}), (mark,), (f"{mark} v1",), people=2)
    repair = Repair("a/b?c#d", mark, Frozen({mark: {mark: mark}}), Frozen({mark: mark}), errors=Frozen({mark: 0.5}))
    measured = Frozen({"single": {"places": {"below": {mark: 3}}, "profiles": {mark: {"title": mark}}},
                       "joint": {"people": 2, "releases": [{"label": f"{mark} v1", "columns": [mark]}]},
                       "detection": {"columns": [{"column": "age", "kind": mark, "why": mark}]},
                       })  # fmt: skip
    again(told, verdict(told.town, "ballots", finding, run="r-x", repairs=(repair,), measured=measured))
    text = visits("anna").get(BALLOTS).text
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    assert HOSTILE not in visits("anna").get("/privacy/findings/ballots").text
    assert visits("anna").get(f"{BALLOTS}.pdf").status_code == 200


def test_letters_go_once_to_those_who_decide(told: Told) -> None:
    from sqlalchemy import select

    from arengo.portal.letters import composer
    from arengo.services.held import HeldLetters
    from arengo.services.letter import Letters
    from arengo.state.participation import letter

    city = told.town.city
    again(told, small(told.town, run="r-letter"))

    class Able(Letters):
        able = True  # type: ignore[assignment]

    letters = Able(city.settings, city.state, city.participation.key, composer(city.settings))
    held = HeldLetters(city.desk, city.access.parties, letters, lambda name: city.catalogue.entry(name).contract)
    now = datetime.now(UTC)
    assert held.turn(now) == 2  # Anna and Dora
    assert held.turn(now) == 0
    with city.state.read() as connection:
        rows = connection.execute(select(letter).where(letter.c.kind == "privacy")).all()
    assert {row.mail for row in rows} == {"anna@prova.example", "dora@prova.example"}
    assert rows[0].subject.startswith("Held back:")
    assert "/datasets/ballots/privacy" in rows[0].words
    assert "58 people could be recognised" in rows[0].words


def test_words_of_the_desk_cover_every_state() -> None:
    s = Speech("en")
    for outcome in ("pass", "review", "repair", "block"):
        assert privacy_outcome.outcome_word(s, outcome) != outcome
    for kind in ("generalise", "local", "suppress", "drop", "noise", "cells", "pseudonym", "redact", "beside", "blank"):
        assert privacy_offer.kind_word(s, kind) != kind


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("by-5", "Age: in steps of 5"),
        ("by-0.5", "Age: in steps of 0.5"),
        ("decade", "Age: only the decade"),
        ("first-3", "Age: only the first 3 characters"),
        ("hide-1", "Age: without the last character"),
        ("by-hand", "Age: only the group (by-hand)"),
        ("city", "Age: only the group (city)"),
    ],
)
def test_a_level_is_said_in_plain_words(level: str, words: str) -> None:
    assert privacy_offer.change_words(Speech("en"), "Age", {"level": level, "hierarchy": "x"}) == words


def test_a_repair_names_columns_as_readers_do_and_says_of_nothing_only_that_it_is_nothing(told: Told) -> None:
    s = Speech("it")
    catalogue = told.town.city.catalogue
    labels = privacy_labels.Labels(s, catalogue.entry("ballots").contract, catalogue)
    rule = Frozen(below=5, beside=True, blank=("district",))
    made = Repair("blank-1", "blank", contract=Frozen(suppress=rule), loss=0.0002,
                  errors=Frozen({"rows": 0.0, "mean of age": 0.0001, "Turnout": 0.2}))  # fmt: skip
    offer = privacy_offer.offer(s, told.repair.verdict, made, labels)
    assert "si omette District," in offer.changes[0]
    assert offer.errors == (("Righe", "0,0%"), ("Media: Age", "< 0,1%"), ("Turnout", "20,0%"))
    assert dict(offer.facts)["Dettaglio che si perde"] == "< 0,1%"


def test_a_headline_counts_whom_it_exposes_by_itself_and_no_share_of_those_it_names() -> None:
    def said(*found: Finding) -> str:
        return privacy_outcome.headline(s, Verdict("d", "", datetime(2026, 3, 2, tzinfo=UTC), found))

    s = Speech("en")
    some = Finding("linkage-trace", "block", people=68)
    many = Finding("risk-small-groups", "repair", people=300)
    assert said(some, many) == "As it is, 300 people could be recognised in it."
    assert said(some, many, Finding("identifier-open", "block")) == "It must not be published as it is."
    beside = Finding("overlap-joint", "block", people=16, releases=("ballots v1",))
    assert said(beside, many).startswith("Together with what is public already, it would expose 16 people")


def test_an_assumption_calls_an_attacker_by_the_title() -> None:
    s = Speech("en")
    one = Assumption("profile", Frozen({"name": "neighbour", "knows": ["residence", "birth-date"]}))
    said = privacy_words.assumption(s, one, looker={"neighbour": "A neighbour"}.get)  # type: ignore[arg-type]
    assert said == "Somebody who looks (A neighbour) is assumed to know: residence, dates of birth."
    everything = Assumption("profile", Frozen({"name": "everything", "knows": ["*"]}))
    assert privacy_words.assumption(s, everything) == "Somebody who looks may know everything that can be observed."
