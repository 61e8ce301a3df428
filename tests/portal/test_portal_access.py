"""Asking for shared data and deciding about it: forms that lose nothing, who sees what, two people, one winner."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from access_town import ANSWERS, COOKIE, HOSTILE, Town, application, fields, make_town, request_form
from test_portal_pages import Page
from test_portal_participation import stamp

from arengo.governance.agreement import Agreement
from arengo.governance.decision import Mask

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

ASK = "/datasets/pupils/access/ask"
ROOMS = "/datasets/rooms/access/ask"
FIVE = ("pupil", "born_on", "district", "school", "grade")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = make_town(Path(tmp_path_factory.mktemp("access")))
    yield made
    made.city.close()


@pytest.fixture(scope="module")
def visits(town: Town) -> Any:
    """Name of a person, '' for nobody -> a browser of hers."""
    app = application(town.city)
    held: dict[str, TestClient] = {}

    def of(name: str = "") -> TestClient:
        if name not in held:
            held[name] = TestClient(app, raise_server_exceptions=True, follow_redirects=False)
            if name:
                held[name].cookies.set(COOKIE, town.cookies[name])
        return held[name]

    return of


def seen(answer: Any, status: int = 200) -> str:
    """The text of a page that is sound HTML, kept by nobody."""
    assert answer.status_code == status, answer.text[:3000]
    assert "no-store" in answer.headers["cache-control"]
    Page(answer.text)
    assert HOSTILE not in answer.text
    return str(answer.text)


def faults(answer: Any, status: int = 400) -> str:
    text = seen(answer, status)
    found = re.search(r'class="error-summary".*?</div>', text, re.S)
    assert found, text[:2000]
    return unescape(found[0])


def sent(visits: Any, name: str, columns: tuple[str, ...] = FIVE, ask: str = ASK, **more: Any) -> str:
    """A request somebody sends; its id."""
    page = visits(name).get(ask).text
    answer = visits(name).post(ask, data=request_form(page, columns, **more))
    assert answer.status_code == 303, faults(answer, answer.status_code)
    return str(re.search(r"/agreements/([\w-]+)", answer.headers["location"])[1])  # type: ignore[index]


def held(town: Town, number: str) -> Agreement:
    return town.city.access.agreements.get(number)


def decision(visits: Any, name: str, number: str, **more: Any) -> Any:
    page = visits(name).get(f"/desk/access/{number}")
    given = fields(page.text, f"/desk/access/{number}")
    return visits(name).post(f"/desk/access/{number}", data=given | more)


def rows_of_cuts(town: Town) -> list[int]:
    """How many rows each file holds that was made for a look."""
    import pyarrow.parquet as pq

    files = (town.city.settings.home / "serving" / "pupils").glob("cut-*/*.parquet")
    return [pq.read_metadata(path).num_rows for path in files]


def test_who_may_read_is_said_without_a_row(visits: Any) -> None:
    text = seen(visits().get("/datasets/pupils/access"))
    for words in ("You may read it when Education Services agrees", "Quarter of residence", "says who it is",
                  "two people have to agree", "Planning of school places", "20,000", "You sign in first"):  # fmt: skip
        assert words in unescape(text)
    assert "P00001" not in text
    closed = seen(visits().get("/datasets/investigations/access"))
    assert "given to nobody else" in closed
    assert "Ask for access" not in closed
    own = seen(visits("anna").get("/datasets/pupils/access"))
    assert "It is your own data" in own
    assert 'href="/datasets/pupils/readers"' in own


def test_a_refused_page_offers_to_ask_in_the_same_place(visits: Any) -> None:
    for path in ("/datasets/pupils", "/datasets/pupils/table"):
        answer = visits("bruno").get(path)
        assert answer.status_code == 403
        assert f'href="{ASK}"' in answer.text, path
    assert "Ask for access" not in visits("bruno").get("/datasets/investigations").text


def test_who_is_not_signed_in_comes_back_to_the_filled_form(visits: Any) -> None:
    answer = visits().get(f"{ASK}?column=grade&column=school")
    assert answer.status_code == 303
    target = "%2Fdatasets%2Fpupils%2Faccess%2Fask%3Fcolumn%3Dgrade%26column%3Dschool"
    assert answer.headers["location"] == f"/login?next={target}"
    page = seen(visits("bruno").get(f"{ASK}?column=grade&column=school"))
    assert fields(page, ASK)["column"] == ["school", "grade"]
    gone = visits().post(ASK, data={"column": ["grade"], "volume": "70", "purpose_title": "x"})
    assert gone.status_code == 303  # the session ended while the form was open
    assert "column%3Dgrade%26volume%3D70" in gone.headers["location"]


def test_errors_keep_everything_that_was_typed(visits: Any) -> None:
    page = visits("bruno").get(ASK).text
    given = request_form(page, (), purpose_text="Short", volume="9 999", until="31.12.2027", message=f"{HOSTILE} me")
    given["answer.people"] = "few"
    said = faults(visits("bruno").post(ASK, data=given))
    for anchor in ("#column", "#purpose_text", "#volume", "#until"):
        assert f'href="{anchor}"' in said
    given = request_form(page, ("pupil",), purpose_title="", dpv="", legal_basis="", retention="")
    given["answer.people"] = "few"
    answer = visits("bruno").post(ASK, data=given)
    said = faults(answer)
    for anchor in ("#purpose_title", "#dpv", "#legal_basis", "#retention", "#answer.people"):
        assert f'href="{anchor}"' in said
    again = fields(answer.text, ASK)
    assert again["column"] == ["pupil"]
    assert again["application_title"] == ["Bus planner"]
    assert again["answer.people"] == ["few"]
    assert again["answer.necessity"] == [ANSWERS["answer.necessity"]]
    assert again["message"] == ["Ask me back at extension 12."]
    for name, value, word in (
        ("plan", "secret", "Choose a plan."),
        ("application", "app-of-somebody", "Choose who reads it."),
        ("application_title", "", "Say what the application is called."),
        ("purpose", "u-000000000000", "Choose what it is for."),
        ("until", "2020-01-01", "still to come"),
        ("until", "9999-12-31", "Write a date|at most"),
        ("volume", "501", "at most 500"),
        ("volume", "-3", "whole number"),
        ("dpv", "dpv:Nonsense", "no term"),
        ("message", "x" * 2001, "too long"),
    ):
        more = {name: value} | ({"application": "new"} if name == "application_title" else {})
        said = faults(visits("bruno").post(ASK, data=request_form(page, ("grade",), **more)))
        assert re.search(word, said), (name, said)


def test_nothing_is_made_by_a_form_with_errors(town: Town, visits: Any) -> None:
    before = town.city.access.applications.mine(town.caller("ugo"))
    page = visits("ugo").get(ASK).text
    faults(visits("ugo").post(ASK, data=request_form(page, ())))
    assert town.city.access.applications.mine(town.caller("ugo")) == before
    assert "You have not asked for anything yet" in seen(visits("ugo").get("/agreements"))


def test_sent_twice_it_is_one_request(town: Town, visits: Any) -> None:
    page = visits("bruno").get(ASK).text
    given = request_form(page, ("grade", "school"), purpose_title="Sent twice by a nervous finger")
    first, second = (visits("bruno").post(ASK, data=given) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["location"].split("?")[0] == second.headers["location"].split("?")[0]
    found = town.city.access.agreements.listing(town.caller("bruno"), side="consumer")
    titles = town.city.access.agreements.purposes.titles(tuple(item.purpose for item in found))
    assert [titles[item.purpose] for item in found].count("Sent twice by a nervous finger") == 1
    (number,) = [item.id for item in found if titles[item.purpose].startswith("Sent twice")]
    assert held(town, number).state == "active"  # nobody can be recognised, so the owner's rule grants it
    text = seen(visits("bruno").get(first.headers["location"]))
    assert "Granted" in text
    assert "by itself" in text
    # The same again with another form: one reader, one purpose, one agreement.
    purpose, program = held(town, number).purpose, held(town, number).application
    page = visits("bruno").get(ASK).text
    answer = visits("bruno").post(ASK, data=request_form(page, ("grade",), purpose=purpose, application=program))
    assert number in faults(answer, 409)
    assert len(town.city.access.agreements.listing(town.caller("bruno"), side="consumer", states=("draft",))) == 0


def test_a_whole_request_with_two_people_and_less_than_asked(town: Town, visits: Any) -> None:
    number = sent(visits, "bruno", purpose_title=f"Buses {HOSTILE}", application_title=f"Planner {HOSTILE}")
    item = held(town, number)
    assert (item.state, item.columns) == ("pending", FIVE)
    assert dict(item.masks) == {"pupil": Mask("pseudonym"), "born_on": Mask("generalise", "year")}
    desk = unescape(seen(visits("anna").get("/desk/access")))
    assert f"Buses {HOSTILE}" in desk
    assert "Two approvals needed, 0 given." in desk
    assert "(1)" in visits("anna").get("/words").text  # the count stands on every page
    assert f'href="/desk/access/{number}"' not in visits("paolo").get("/desk/access").text  # not his turn yet
    page = unescape(seen(visits("anna").get(f"/desk/access/{number}")))
    for words in ("Mobility asks for", "Risk for the people concerned", ANSWERS["answer.people"],
                  "Second approval is missing: a steward of Data Protection"):  # fmt: skip
        assert words in page
    assert 'value="look"' in visits("anna").get(f"/desk/access/{number}").text
    # What they would see, as the form says now; beside the owner's own values only when she asks for it.
    looked = seen(decision(visits, "anna", number, do="look"))
    assert "They would see all 40 rows." in looked
    assert "only the year" in looked
    assert "P00001" not in looked
    changed = {"mask.district": "truncate", "argument.district": "2", "rows": "grade > 2", "column": FIVE[:3]}
    beside = seen(decision(visits, "anna", number, do="beside", **changed))
    assert "<del><bdi>P0000" in beside
    assert "They would see" in beside
    assert "not given" in beside
    assert max(rows_of_cuts(town)) <= 8  # only what is shown was made
    for more, word in (
        ({"mask.district": "truncate", "argument.district": ""}, "how much"),
        ({"mask.district": "spy"}, "Choose how it is shown"),
        ({"column": ()}, "at least one column"),
        ({"volume": "101"}, "At most 100"),
        ({"plan": "none"}, "Choose a plan"),
        ({"do": "reject", "why": ""}, "reason"),
        ({"do": "return", "why": " "}, "reason"),
        ({"do": "dance"}, "Choose what to do"),
        ({"until": "2031-01-01"}, "at most"),
        ({"rows": "nobody = 1"}, "nobody"),
        ({"rows": "grade >"}, "."),
        ({"plan": "large"}, "more than small"),
    ):
        answer = decision(visits, "anna", number, **{"do": "approve", **more})
        assert re.search(word, faults(answer)), more
        assert held(town, number).state == "pending"
    odd = seen(decision(visits, "anna", number, do="look", **{"mask.district": "round", "argument.district": "5"}))
    assert "does not fit the column district" in unescape(odd)
    done = decision(visits, "anna", number, do="approve", why="Good work.", volume="50", **changed)
    assert done.status_code == 303
    after = seen(visits("anna").get(done.headers["location"]))
    assert "one more person decides" in after
    assert "request approved" not in after  # nobody may read by it yet
    item = held(town, number)
    assert (item.state, item.columns, item.rows, item.volume) == ("pending", FIVE[:3], "grade > 2", 50)
    assert "You have approved it" in seen(visits("anna").get(f"/desk/access/{number}"))
    assert f"/desk/access/{number}" in seen(visits("paolo").get("/desk/access"))
    assert 'value="look"' not in visits("paolo").get(f"/desk/access/{number}").text  # the rows are not his office's
    wider = faults(decision(visits, "paolo", number, do="approve", volume="80"))
    assert "At most 50" in wider
    assert decision(visits, "paolo", number, do="approve").status_code == 303
    item = held(town, number)
    assert item.state == "active"
    assert [given.level for given in item.approvals] == [1, 2]
    mine = unescape(seen(visits("bruno").get(f"/agreements/{number}")))
    for words in ("You may read it", "2 columns are not given", "only the first 2 characters", "grade > 2",
                  "Anna Bianchi", "Paolo Verdi", "Good work.", f"/applications/{item.application}"):  # fmt: skip
        assert words in mine
    readers = unescape(seen(visits("anna").get("/datasets/pupils/readers")))
    assert "3 of 5 columns, 3 changed, rows filtered" in readers


def test_one_click_suspends_and_one_resumes(town: Town, visits: Any) -> None:
    (item,) = [one for one in town.city.access.agreements.listing(town.caller("bruno"), states=("active",))
               if len(one.approvals) == 2]  # fmt: skip
    back = "/datasets/pupils/readers"
    step = {"revision": str(item.revision), "back": back}
    asked = seen(visits("anna").post(f"/agreements/{item.id}", data=fields(visits("anna").get(back).text,
                                                                           f"/agreements/{item.id}")))  # fmt: skip
    assert "Suspend the agreement?" in asked  # without a script a page asks first
    given = fields(asked, f"/agreements/{item.id}")
    assert "the other side reads it" in faults(visits("anna").post(f"/agreements/{item.id}", data=given | {"why": ""}))
    token = {"csrf": given["csrf"]}
    answer = visits("anna").post(f"/agreements/{item.id}", data={**step, **token, "act": "suspend", "sure": "1"})
    assert answer.headers["location"].startswith(f"{back}?done=suspend")
    assert held(town, item.id).suspended_by == {"owner"}
    assert "Resume" in seen(visits("anna").get(answer.headers["location"]))
    text = unescape(seen(visits("bruno").get(f"/agreements/{item.id}")))
    assert "Suspended by Education Services" in text
    again = visits("anna").post(f"/agreements/{item.id}", data={**step, **token, "act": "suspend", "sure": "1"})
    assert "Nothing of yours was changed" in faults(again, 409)
    theirs = fields(visits("bruno").get(f"/agreements/{item.id}").text, f"/agreements/{item.id}")
    wrong = visits("bruno").post(f"/agreements/{item.id}", data=theirs | {"act": "resume"})
    assert wrong.status_code == 409
    away = {**step, **token, "act": "resume", "back": "https://evil.example/"}
    answer = visits("anna").post(f"/agreements/{item.id}", data=away)
    assert answer.headers["location"].startswith("/?done=resume")  # never to another site
    assert held(town, item.id).state == "active"


def test_others_see_nothing_and_decide_nothing(town: Town, visits: Any) -> None:
    number = sent(visits, "bruno", purpose_title="Nobody else's business")
    for name in ("ugo", "carla"):
        for path in (f"/agreements/{number}", f"/agreements/{number}/edit", f"/agreements/{number}/renew",
                     f"/agreements/{number}/change", f"/agreements/{number}/upgrade", f"/desk/access/{number}",
                     "/agreements/a-222222222222"):  # fmt: skip
            assert visits(name).get(path).status_code == 404, (name, path)
        assert visits(name).get("/datasets/pupils/readers").status_code == 404
        csrf = fields(visits(name).get(ASK).text, ASK)["csrf"]
        for path, more in ((f"/desk/access/{number}", {"do": "approve", "revision": "1"}),
                           (f"/agreements/{number}", {"act": "withdraw", "sure": "1"}),
                           (f"/agreements/{number}/edit", {"column": "grade"}),
                           (f"/agreements/{number}/renew", {"until": "2027-01-01"})):  # fmt: skip
            assert visits(name).post(path, data={"csrf": csrf, **more}).status_code == 404, (name, path)
    bulk = visits("carla").post("/desk/access", data={"csrf": csrf, "act": "approve", "item": f"{number}:2"})
    assert "no such agreement" in faults(bulk)
    assert visits("bruno").get(f"/desk/access/{number}").status_code == 404  # its own writer goes to its own page
    assert visits("anna").get(f"/agreements/{number}/edit").status_code == 403  # not the reader
    assert held(town, number).state == "pending"
    nobody = visits().get(f"/agreements/{number}")
    assert nobody.headers["location"].startswith("/login?next=")
    forged = visits("anna").post(f"/desk/access/{number}", data={"do": "approve", "revision": "1"})
    assert forged.status_code == 403  # a form of no session of hers


def test_who_comes_second_is_told_kindly(town: Town, visits: Any) -> None:
    number = sent(visits, "bruno", ("school", "lunch", "district"), purpose_title="Lunches by quarter")
    first, second = (visits(name).get(f"/desk/access/{number}").text for name in ("anna", "dora"))
    path = f"/desk/access/{number}"
    assert visits("dora").post(path, data=fields(second, path) | {"do": "approve"}).status_code == 303
    said = faults(visits("anna").post(path, data=fields(first, path) | {"do": "reject", "why": "No."}), 409)
    assert "Dora Neri decided this just now: First approval" in said
    stale = visits("anna").post("/desk/access", data={"csrf": fields(first, path)["csrf"], "act": "reject",
                                                     "why": "No.", "item": f"{number}:1"})  # fmt: skip
    assert "Dora Neri" in faults(stale)
    assert held(town, number).state == "pending"


def test_many_at_once_with_one_reason(town: Town, visits: Any) -> None:
    ids = [sent(visits, "bruno", ("pupil",), purpose_title=f"Counting {n}") for n in range(2)]
    page = seen(visits("dora").get("/desk/access?dataset=pupils&organisation=mobility"))
    boxes = {value.partition(":")[0]: value for value in re.findall(r'name="item" value="([^"]+)"', page)}
    given = {**fields(page, "/desk/access"), "item": [boxes[number] for number in ids]}
    assert "reason" in faults(visits("dora").post("/desk/access", data=given | {"act": "reject"}))
    answer = visits("dora").post("/desk/access", data=given | {"act": "reject", "why": f"Too much {HOSTILE}"})
    assert "dataset=pupils" in answer.headers["location"]
    assert {held(town, number).state for number in ids} == {"rejected"}
    assert "2 requests refused" in seen(visits("dora").get(answer.headers["location"]))
    text = unescape(seen(visits("bruno").get(f"/agreements/{ids[0]}")))
    assert "Education Services said no" in text
    assert "Ask again for less" in text
    assert "Nothing was granted." in text
    assert "Choose what to do" in faults(visits("dora").post("/desk/access", data=given | {"act": "burn"}))
    assert "Tick at least one" in faults(visits("dora").post("/desk/access", data={**given, "item": []}))


def test_a_question_comes_back_and_is_answered(town: Town, visits: Any) -> None:
    number = sent(visits, "bruno", ("district", "grade"), purpose_title="A question comes back")
    assert decision(visits, "anna", number, do="return", why="Why the class?").status_code == 303
    text = unescape(seen(visits("bruno").get(f"/agreements/{number}")))
    assert "Education Services asks you something" in text
    assert "Why the class?" in text
    page = seen(visits("bruno").get(f"/agreements/{number}/edit"))
    given = fields(page, f"/agreements/{number}/edit")
    assert given["column"] == ["district", "grade"]
    assert "Tick at least one" in faults(
        visits("bruno").post(f"/agreements/{number}/edit", data={**given, "column": []})
    )
    kept = visits("bruno").post(f"/agreements/{number}/edit", data=given | {"column": "district", "do": "draft"})
    assert kept.headers["location"].endswith("done=draft")
    assert "Kept as a draft" in seen(visits("bruno").get(kept.headers["location"]))
    given = fields(visits("bruno").get(f"/agreements/{number}").text, f"/agreements/{number}")
    assert visits("bruno").post(f"/agreements/{number}", data=given | {"act": "submit"}).status_code == 303
    assert held(town, number).columns == ("district",)
    sure = seen(visits("bruno").post(f"/agreements/{number}", data=given | {"act": "withdraw"}))
    assert "Take the request back?" in sure
    done = visits("bruno").post(f"/agreements/{number}", data=fields(sure, f"/agreements/{number}"))
    assert done.status_code == 303
    assert held(town, number).state == "draft"
    sure = seen(visits("bruno").post(f"/agreements/{number}", data=given | {"act": "discard"}))
    assert visits("bruno").post(f"/agreements/{number}", data=fields(sure, f"/agreements/{number}")).status_code == 303


def test_renewed_changed_and_ended(town: Town, visits: Any) -> None:
    number = sent(visits, "bruno", ("school",), ROOMS, purpose_title="Renewed later", plan="standard")
    assert held(town, number).state == "active"
    page = seen(visits("bruno").get(f"/agreements/{number}/change"))
    given = fields(page, f"/agreements/{number}/change") | {"column": ["school", "seats"], "volume": "60"}
    answer = visits("bruno").post(f"/agreements/{number}/change", data=given)
    later = answer.headers["location"].split("/")[2].split("?")[0]
    assert held(town, later).follows == number
    assert held(town, number).state == "superseded"  # the rule granted the change at once
    page = seen(visits("bruno").get(f"/agreements/{later}/renew"))
    given = fields(page, f"/agreements/{later}/renew")
    assert "Write a date" in faults(visits("bruno").post(f"/agreements/{later}/renew", data=given | {"until": "soon"}))
    answer = visits("bruno").post(f"/agreements/{later}/renew", data=given)
    newest = answer.headers["location"].split("/")[2].split("?")[0]
    assert held(town, newest).state == "active"
    assert f'href="/agreements/{newest}"' in seen(visits("bruno").get(f"/agreements/{later}"))
    upgrade = fields(seen(visits("bruno").get(f"/agreements/{newest}/upgrade")), f"/agreements/{newest}/upgrade")
    faults(visits("bruno").post(f"/agreements/{newest}/upgrade", data=upgrade), 409)  # it is under this contract
    given = fields(visits("bruno").get(f"/agreements/{newest}").text, f"/agreements/{newest}") | {"act": "revoke"}
    sure = seen(visits("bruno").post(f"/agreements/{newest}", data=given))
    end = fields(sure, f"/agreements/{newest}") | {"why": "The project is over."}
    assert visits("bruno").post(f"/agreements/{newest}", data=end).status_code == 303
    listing = unescape(seen(visits("bruno").get("/agreements")))
    for words in ("On the way", "May be read", "Over", "replaced", "ended"):
        assert words in listing
    only = seen(visits("bruno").get("/agreements?state=superseded"))
    assert only.count('<ul class="accords') == 1


def test_a_deputy_decides_in_her_name(town: Town, visits: Any) -> None:
    page = seen(visits("paolo").get("/desk/access/deputies"))
    assert "nobody to choose" in page  # he is the only one of his office
    path = "/desk/access/deputies"
    given = fields(seen(visits("anna").get(path)), path)
    said = faults(visits("anna").post(path, data=given | {"until": "2020-01-01"}))
    assert "#to" in said
    late = visits("anna").post(
        path, data=given | {"to": town.ids["dora"], "since": "2099-01-02", "until": "2099-01-01"}
    )
    assert "before the beginning" in faults(late)
    stranger = given | {"to": town.ids["carla"], "until": "2099-01-01", "since": "2098-12-01"}
    assert "same organisation" in faults(visits("anna").post(path, data=stranger))
    until = (town.city.access.agreements.now() + timedelta(days=30)).date().isoformat()
    assert visits("anna").post(path, data=given | {"to": town.ids["dora"], "until": until}).status_code == 303
    assert "Anna Bianchi" in seen(visits("dora").get("/desk/access"))
    text = seen(visits("anna").get(path))
    end = fields(text, path)
    assert "end" in end
    theirs = end | {"csrf": fields(visits("carla").get(ASK).text, ASK)["csrf"]}
    assert visits("carla").post(path, data=theirs).status_code == 404
    assert visits("anna").post(path, data=end).status_code == 303
    assert "ended on" in seen(visits("anna").get(path))


def test_use_by_day_is_drawn_with_its_table(town: Town, visits: Any) -> None:
    number = sent(visits, "bruno", ("seats", "school"), ROOMS, purpose_title="Read a lot", plan="standard")
    item = held(town, number)
    from arengo.governance.caller import Caller

    caller = Caller(application=item.application, organisation=item.organisation, agreement=number)
    counts = town.city.access.store.consumption
    for _ in range(7):
        counts.note(caller, "/api/v1/datasets/rooms/rows", 200, 100, [("rooms", number, 11)])
    counts.note(caller, "/api/v1/datasets/rooms/rows", 429, 10, [("rooms", number, 0)])
    counts.flush()
    for path in (f"/agreements/{number}", "/datasets/rooms/readers"):
        text = unescape(seen(visits("anna").get(path)))
        assert "columns-chart" in text, path
        assert "8 calls" in text
        assert "77" in text
    assert "last read on" in seen(visits("anna").get("/datasets/rooms/readers"))


def test_every_page_speaks_right_to_left_and_in_long_words(visits: Any) -> None:
    for lang in ("ar", "it"):
        for path in ("/datasets/pupils/access", ASK, "/agreements"):
            answer = visits("bruno").get(f"{path}?lang={lang}")
            text = seen(answer)
            assert f'dir="{"rtl" if lang == "ar" else "ltr"}"' in text
    visits("bruno").cookies.delete("arengo_lang")


def test_a_changed_contract_and_the_city_are_told_apart(town: Town, visits: Any) -> None:
    number = sent(visits, "bruno", ("pupil", "grade"), purpose_title="Before the contract changes")
    text = unescape(seen(visits("anna").get(f"/desk/access/{number}")))
    assert "no: the contract does not name it" in text
    city = town.city
    path = city.settings.root / "contracts" / "pupils.odcs.yaml"
    old = path.read_text(encoding="utf-8")
    path.write_text(old.replace("version: 1.2.0", "version: 2.0.0"), encoding="utf-8")
    try:
        city.apply(["pupils"])
        text = unescape(seen(visits("anna").get(f"/desk/access/{number}")))
        assert "The contract has changed since this was asked for" in text
        assert "contract has changed" in faults(decision(visits, "anna", number, do="approve"), 409)
        upgrade = next(item for item in city.access.agreements.listing(town.caller("bruno"), states=("active",))
                   if item.dataset == "pupils")  # fmt: skip
        text = unescape(seen(visits("bruno").get(f"/agreements/{upgrade.id}")))
        assert "Go over to the new contract" in text
        page = seen(visits("bruno").get(f"/agreements/{upgrade.id}/upgrade"))
        given = fields(page, f"/agreements/{upgrade.id}/upgrade")
        answer = visits("bruno").post(f"/agreements/{upgrade.id}/upgrade", data=given)
        assert answer.headers["location"].endswith("done=upgrade")
    finally:
        path.write_text(old, encoding="utf-8")
        city.apply(["pupils"])


def test_a_correction_of_a_row_that_is_not_open_tells_nobody_which_row(town: Town, visits: Any) -> None:
    steward, form = visits("anna"), "/datasets/pupils/amend?row=P00001"
    given = fields(steward.get(form).text, "/datasets/pupils/amend")
    given |= {"new.district": "Beyond", "wrong": "Moved.", "stamp": stamp(town.city, "amendment")}
    answer = steward.post(form, data=given)
    number = re.search(r"/track/amendment/([\w-]+)/", answer.text)[1]  # type: ignore[index]
    desk = f"/desk/amendment/{number}"
    moved = steward.post(desk, data=fields(steward.get(desk).text, desk) | {"state": "accepted", "words": "Thanks."})
    assert moved.status_code == 303, moved.text[:2000]
    lists = ("/datasets/pupils/requests", f"/datasets/pupils/requests/{number}", "/datasets/pupils/quality",
             "/datasets/pupils/discussion")  # fmt: skip
    for name in ("", "ugo", "carla"):
        for path in lists:
            text = visits(name).get(path).text
            assert not [word for word in ("P00001", "Beyond") if word in text], (name, path)
    assert "Moved." in visits().get(lists[1]).text
    assert [word for word in ("P00001", "Beyond") if word not in steward.get(lists[1]).text] == []
