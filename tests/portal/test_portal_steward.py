"""A steward corrects a contract in the browser: shown before it is kept, kept as a version, seen at once everywhere."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from portal_register import application, make_city

from arengo.city import City
from arengo.contract import loads

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

EDIT = "/datasets/budget/edit"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city of its own: contracts change here."""
    city = make_city(Path(tmp_path_factory.mktemp("steward")))
    yield city
    city.close()


@pytest.fixture
def steward(town: City) -> Iterator[TestClient]:
    """A visitor who holds the city's key."""
    with TestClient(application(town), follow_redirects=False) as client:
        client.get("/operator")  # the key is made when somebody first asks
        key = (town.settings.home / "operator.key").read_text().strip()
        assert client.post("/operator", content=f"key={key}".encode()).status_code == 303
        yield client


def fields(text: str) -> dict[str, str]:
    """What the form would send as it stands."""
    out = dict(re.findall(r'<input type="(?:hidden|text)"[^>]*?name="([^"]+)" value="([^"]*)"', text))
    out |= dict(re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)</textarea>', text))
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        out[name] = chosen[1] if chosen else ""
    out |= dict.fromkeys(re.findall(r'<input type="checkbox"[^>]*name="([^"]+)"[^>]* checked', text), "true")
    return {name: html.unescape(value) for name, value in out.items()}


def send(client: TestClient, form: dict[str, str], path: str = EDIT, **headers: str) -> Any:
    return client.post(path, content=urlencode(form).encode(), headers=headers)


def test_a_title_is_corrected_and_seen_at_once_everywhere(town: City, steward: TestClient) -> None:
    assert EDIT in steward.get("/datasets/budget").text, "who holds the key finds the form"
    form = fields(steward.get(EDIT).text)
    assert form["name"] == "Budget"
    unchanged = send(steward, {**form, "do": "show"})
    assert "Nothing differs" in unchanged.text, "a form sent as it stands changes nothing"
    form |= {"name": "City budget", "tr.it.name": "Bilancio comunale"}
    shown = send(steward, {**form, "do": "show"})
    assert shown.status_code == 200
    assert "<ins>City budget</ins>" in shown.text
    assert "<h1" in steward.get("/datasets/budget").text
    assert "City budget" not in steward.get("/datasets/budget").text, "shown is not kept"
    before = loads(town.state.contracts()["budget"].text)
    kept = send(steward, {**fields(shown.text), "do": "keep"})
    assert (kept.status_code, kept.headers["location"]) == (303, "/datasets/budget")
    after = loads(town.state.contracts()["budget"].text)
    assert after.name == "City budget"
    assert after.version != before.version
    assert [item.name for item in after.properties] == [item.name for item in before.properties]
    assert "City budget" in steward.get("/datasets/budget").text
    assert "Bilancio comunale" in steward.get("/datasets/budget", headers={"accept-language": "it"}).text
    steward.cookies.delete("arengo_lang")
    found = re.sub(r"</?mark>", "", steward.get("/datasets?q=bilancio", headers={"accept-language": "it"}).text)
    assert "Bilancio comunale" in found
    assert "City budget" in steward.get("/datasets/budget.ttl").text
    assert steward.get("/api/3/action/package_show?id=budget").json()["result"]["title"] == "City budget"
    assert "City budget" in steward.get("/api/v1/datasets/budget/contract").text


def test_the_folder_is_not_overruled_silently(town: City, steward: TestClient) -> None:
    form = fields(steward.get("/datasets/air/edit").text) | {"limitations": "Sensors drift.", "do": "keep"}
    assert send(steward, form, "/datasets/air/edit").status_code == 303
    (item,) = town.plan(["air"])
    assert item.action == "edited"
    town.apply(["air"])
    assert loads(town.state.contracts()["air"].text).limitations == "Sensors drift.", "apply does not take it back"
    path = town.settings.root / "contracts" / "air.odcs.yaml"
    path.write_text(path.read_text().replace("name: Air quality\n", "name: Air\n"), encoding="utf-8")
    (item,) = town.plan(["air"])
    assert item.action == "conflict"
    town.apply(["air"], folder_wins=True)
    won = loads(town.state.contracts()["air"].text)
    assert (won.name, won.limitations) == ("Air", "Counted by hand.")


def test_what_the_folder_took_over_is_changed_there_next(town: City, steward: TestClient) -> None:
    form = fields(steward.get("/datasets/air/edit").text) | {"limitations": "Sensors drift a lot.", "do": "keep"}
    assert send(steward, form, "/datasets/air/edit").status_code == 303
    path = town.settings.root / "contracts" / "air.odcs.yaml"
    path.write_text(path.read_text() + "# looked at\n", encoding="utf-8")
    (item,) = town.plan(["air"])
    assert item.action == "conflict"
    assert path in town.export_contracts()
    path.write_text(path.read_text().replace("drift a lot", "drift"), encoding="utf-8")
    (item,) = town.plan(["air"])
    assert item.action == "change", "the folder had it already"
    town.apply(["air"])
    assert loads(town.state.contracts()["air"].text).limitations == "Sensors drift."


def test_what_cannot_be_kept_is_said_and_nothing_typed_is_lost(town: City, steward: TestClient) -> None:
    text = town.state.contracts()["districts"].text
    broken = text.replace("logicalType: string", "logicalType: strnig", 1)
    base = fields(steward.get("/datasets/districts/edit").text)["base"]
    answer = send(steward, {"text": broken, "base": base, "do": "keep"}, "/datasets/districts/edit")
    assert answer.status_code == 422
    assert "strnig" in answer.text
    assert "Nothing was changed" in answer.text
    assert town.state.contracts()["districts"].text == text
    other = send(steward, {"text": text.replace("id: districts", "id: trees"), "base": base, "do": "keep"},
                 "/datasets/districts/edit")  # fmt: skip
    assert other.status_code == 422
    for nonsense in ("", "\0", "a: [", "x" * 200_000, "- " * 3000, "&a [*a]"):
        answer = send(steward, {"text": nonsense, "base": base, "do": "keep"}, "/datasets/districts/edit")
        assert answer.status_code in (400, 422), nonsense[:20]
    assert town.state.contracts()["districts"].text == text
    assert send(steward, {"text": "x" * 1_100_000}, "/datasets/districts/edit").status_code in (400, 413)


def test_an_error_stands_beside_its_field(town: City, steward: TestClient) -> None:
    before = town.state.contracts()["districts"].text
    form = fields(steward.get("/datasets/districts/edit").text)
    form |= {"p.arengoRetention": "two potatoes", "usage": "Kept while it is mended.", "do": "keep"}
    answer = send(steward, form, "/datasets/districts/edit")
    assert answer.status_code == 422
    assert '<a href="#p.arengoRetention">' in answer.text
    assert '<p class="field-error" id="p.arengoRetention-fault">' in answer.text
    assert answer.text.count('class="field-error"') == 1, "only the answer that is wrong is blamed"
    again = fields(answer.text)
    assert (again["p.arengoRetention"], again["usage"]) == ("two potatoes", "Kept while it is mended.")
    assert town.state.contracts()["districts"].text == before
    for name, value in (("p.arengoTheme", "BEER"), ("p.arengoAccess", "friends"), ("p.arengoLanguage", "!!")):
        answer = send(steward, {**form, "p.arengoRetention": "", name: value}, "/datasets/districts/edit")
        assert (answer.status_code, f'id="{name}-fault"' in answer.text) == (422, True), (name, value)
    pasted = {**form, "p.arengoRetention": "", "name": "Dis\0tric\x0bts", "usage": "One\r\ntwo"}
    assert send(steward, pasted, "/datasets/districts/edit").status_code == 303
    held = loads(town.state.contracts()["districts"].text)
    assert (held.name, held.usage) == ("Districts", "One two"), "unseen characters are left out"
    form = fields(steward.get("/datasets/districts/edit").text) | {"do": "keep"}
    long = "trees and " * 40_000
    answer = send(steward, {**form, "p.arengoRetention": "", "purpose": long}, "/datasets/districts/edit")
    assert answer.status_code in (303, 422)
    assert steward.get("/datasets/districts").status_code == 200


def test_two_stewards_at_once(town: City, steward: TestClient) -> None:
    first = fields(steward.get("/datasets/trees/edit").text)
    second = dict(first)
    assert send(steward, {**first, "usage": "Planning.", "do": "keep"}, "/datasets/trees/edit").status_code == 303
    late = send(steward, {**second, "usage": "Something else.", "do": "keep"}, "/datasets/trees/edit")
    assert late.status_code == 422
    assert "Somebody else changed this contract meanwhile" in late.text
    assert "Something else." in late.text, "what was typed is still there"
    assert loads(town.state.contracts()["trees"].text).usage == "Planning."
    again = {**fields(late.text), "do": "show"}
    assert again["usage"] == "Something else."
    shown = send(steward, again, "/datasets/trees/edit")
    assert "<del>Planning.</del>" in shown.text, "what would be taken back is seen"
    assert send(steward, {**fields(shown.text), "do": "keep"}, "/datasets/trees/edit").status_code == 303
    assert loads(town.state.contracts()["trees"].text).usage == "Something else."


def test_hostile_words_are_words(town: City, steward: TestClient) -> None:
    words = "<script>alert(1)</script> {{ 7*7 }} \" ' : # & *x !!python/object \u202e \\ end"
    form = fields(steward.get(EDIT).text) | {"purpose": words, "name": "yes", "do": "keep"}
    assert send(steward, form).status_code == 303
    held = loads(town.state.contracts()["budget"].text)
    assert (held.purpose, held.name) == (words, "yes")
    text = steward.get("/datasets/budget").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "{{ 7*7 }}" in text


def test_only_who_holds_the_key_and_only_from_here(town: City, steward: TestClient) -> None:
    form = fields(steward.get(EDIT).text) | {"name": "Taken over", "do": "keep"}
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}):
        assert send(steward, form, **headers).status_code == 403
    with TestClient(application(town), follow_redirects=False) as stranger:
        assert stranger.get(EDIT).status_code == 403
        assert send(stranger, form).status_code == 403
        assert EDIT not in stranger.get("/datasets/districts").text
        assert stranger.get("/datasets/nobody/edit").status_code == 403, "what is there is not told either"
    assert loads(town.state.contracts()["budget"].text).name != "Taken over"
