"""Forms and pages where people take part: what they take, what they refuse, what everybody sees of it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from portal_register import HOSTILE, application, make_city
from test_portal_pages import Page

from arengo.city import City
from arengo.portal.operator import COOKIE, token
from arengo.services.key import Key
from arengo.services.posting import Posting
from arengo.settings import ParticipationSettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

LOST = (
    "/follow?topic=dataset&value=nobody",
    "/follow?topic=theme&value=XXXX",
    "/follow?topic=x",
    "/follow?topic=request&value=AB",
    "/follow/x/y",
    "/unsubscribe/x/y",
    "/datasets/trees/amend?row=99999",
    "/datasets/trees/amend?column=x",
    "/datasets/trees/requests/AB",
    "/track/amendment/A/B",
    "/track/x/A/B",
)
PAGES = (
    "/datasets/trees/amend",
    "/datasets/trees/amend?row=5",
    "/datasets/trees/amend?column=height",
    "/datasets/trees/requests",
    "/datasets/trees/discussion",
    "/datasets/persons/amend",
    "/datasets/persons/discussion",
    "/datasets/planned/discussion",
    "/datasets/trees/usage?days=365",
    "/reuses",
    "/reuses/new",
    "/wishes",
    "/wishes/new",
    "/wishes/new?title=trees",
    "/follow",
    "/follow?topic=search&value=q%3Dtrees",
    "/usage",
)
LATER = datetime(2026, 4, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A published city in which this module writes."""
    root = Path(tmp_path_factory.mktemp("town"))
    make_city(root).close()
    with (root / "city.toml").open("a", encoding="utf-8") as file:
        file.write("[participation]\nper_hour = 1000\n")
    import arengo

    city = arengo.open(root)
    city.participation.turn()
    yield city
    city.close()


@pytest.fixture(scope="module")
def visitor(town: City) -> Iterator[TestClient]:
    with TestClient(application(town), raise_server_exceptions=True, follow_redirects=False) as made:
        yield made


@pytest.fixture(scope="module")
def steward(town: City) -> Iterator[TestClient]:
    with TestClient(application(town), raise_server_exceptions=True, follow_redirects=False) as made:
        made.cookies.set(COOKIE, token(town.settings))
        yield made


def stamp(town: City, form: str, age: float = 30) -> str:
    return town.participation.posting.stamp(form, at=datetime.now(UTC).timestamp() - age)


def post(client: TestClient, town: City, path: str, form: str, **values: Any) -> Any:
    return client.post(path, data={"stamp": stamp(town, form), "website": "", **values})


def number_of(answer: Any) -> tuple[str, str]:
    """(number, secret link) of a receipt."""
    assert answer.status_code == 200, answer.text[:2000]
    number = re.search(r'class="number">([^<]+)<', answer.text)
    secret = re.search(r'class="secret" href="([^"]+)"', answer.text)
    assert number, answer.text[:3000]
    assert secret
    return number[1], unescape(secret[1])


def test_a_citizen_reports_a_row_and_is_told_what_became_of_it(town: City, visitor, steward) -> None:
    row = visitor.get("/datasets/trees/rows/5").text
    form = unescape(re.search(r'href="(/datasets/trees/amend\?row=5[^"]*)"', row)[1])
    page = visitor.get(form)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    Page(page.text)
    wrong = post(
        visitor, town, form, "amendment", **{"new.height": "tall", "new.planted": "31.02.2020", "wrong": "Ho!"}
    )
    assert wrong.status_code == 400
    assert 'href="#new.height"' in wrong.text
    assert 'value="tall"' in wrong.text
    assert "Ho!" in wrong.text
    assert post(visitor, town, form, "amendment").status_code == 400  # nothing is said
    answer = post(visitor, town, form, "amendment", **{"new.height": "12,5"}, wrong=f"{HOSTILE} measured", lang="it")
    assert answer.status_code == 400  # a comma is no decimal point in English
    answer = post(visitor, town, form, "amendment", **{"new.height": "12.5"}, wrong=f"{HOSTILE} measured")
    number, secret = number_of(answer)
    public = f"/datasets/trees/requests/{number}"
    for path in (public, "/datasets/trees/requests", "/datasets/trees/quality"):
        text = visitor.get(path).text
        assert number in text
        assert "measured" not in text  # nobody of the city has read it yet
    private = visitor.get(secret)
    assert "measured" in private.text
    assert private.headers["referrer-policy"] == "no-referrer"
    assert visitor.get(secret[:-2] + "xx").status_code == 404
    assert visitor.get(secret.replace(number, "2222-2222")).status_code == 404
    assert f'href="/desk/amendment/{number}"' in steward.get("/desk").text
    assert "(1)" in steward.get("/").text
    moved = post(steward, town, f"/desk/amendment/{number}", "desk", state="accepted", words="Thank you.")
    assert moved.status_code == 303
    text = visitor.get(public).text
    assert "measured" in text
    assert "<script>alert" not in text
    assert "Thank you." in text
    lines = (town.settings.root / "sources" / "trees.csv").read_text(encoding="utf-8").splitlines()
    fixed = [re.sub(r'^(5,"[^"]*",\w+),[^,]*,', r"\1,12.5,", line) for line in lines]
    (town.settings.root / "sources" / "trees.csv").write_text("\n".join(fixed) + "\n", encoding="utf-8")
    (run,) = town.publish(["trees"], at=LATER)
    assert run.state == "succeeded"
    town.participation.turn()
    text = visitor.get(public).text
    assert "corrected in version 3" in visitor.get("/datasets/trees/requests").text
    assert "corrected" in text
    tally = visitor.get("/datasets/trees/quality").text
    assert "Median time to an answer" in tally


def test_forms_take_nothing_from_other_sites_or_machines(town: City, visitor) -> None:
    path, values = "/datasets/air/discussion", {"title": "T", "words": "W", "website": ""}
    foreign = visitor.post(
        path, data=values | {"stamp": stamp(town, "comment")}, headers={"sec-fetch-site": "cross-site"}
    )
    assert foreign.status_code == 403
    assert visitor.post(path, data=values).status_code == 400  # no stamp
    assert visitor.post(path, data=values | {"stamp": stamp(town, "wish")}).status_code == 400
    assert visitor.post(path, data=values | {"stamp": stamp(town, "comment", 0)}).status_code == 400
    assert visitor.post(path, data=values | {"stamp": stamp(town, "comment", 90_000)}).status_code == 400
    assert visitor.post(path, data=values | {"stamp": stamp(town, "comment"), "website": "x"}).status_code == 400
    assert visitor.post(path, data={"words": "x" * 70_000}).status_code == 400
    assert town.participation.discussions.threads("air") == []
    once = values | {"stamp": stamp(town, "comment")}
    assert visitor.post(path, data=once).status_code == 303
    assert visitor.post(path, data=once).status_code == 303  # pressed twice
    assert len(town.participation.discussions.threads("air")) == 1


def test_mass_posting_is_slowed_and_what_was_written_is_kept(town: City, visitor, monkeypatch) -> None:
    from arengo.portal.site import Site

    slow = Posting(ParticipationSettings(per_hour=2), town.state, Key(town.settings.home / "participation.key"))
    held = Site.participation.func
    monkeypatch.setattr(Site, "participation", property(lambda site: _with(held(site), slow)))
    codes = []
    for turn in range(4):
        answer = post(visitor, town, "/wishes/new", "wish", title=f"Data {turn}", words="Every word of mine")
        codes.append(answer.status_code)
    assert 429 in codes
    assert codes[-1] == 429
    assert "Every word of mine" in answer.text


def _with(services: Any, posting: Posting) -> Any:
    services.posting = posting
    return services


def test_discussion_with_an_official_answer_and_a_visible_tombstone(town: City, visitor, steward) -> None:
    path = "/datasets/budget/discussion"
    first = post(visitor, town, path, "comment", title=f"Why {HOSTILE}", words="Two\nlines", author="Ada")
    assert first.status_code == 303
    thread = first.headers["location"].partition("#c-")[2]
    linked = post(visitor, town, path, "comment", words="Cheap https://spam.example", thread=thread)
    number, _secret = number_of(linked)
    assert "spam.example" not in visitor.get(path).text
    official = post(
        steward, town, path, "comment", words="Here is why: https://city.example/x", thread=thread, official="1"
    )
    assert official.status_code == 303
    forged = post(visitor, town, path, "comment", words="I am the mayor", thread=thread, official="1")
    assert forged.status_code == 303
    text = visitor.get(path).text
    assert text.count("answer of the city") == 1
    assert "<script>alert" not in text
    assert 'href="https://city.example/x" rel="nofollow ugc noopener noreferrer"' in text
    mayor = forged.headers["location"].partition("#c-")[2]
    assert visitor.get(f"/comments/{mayor}/report").status_code == 200
    assert post(visitor, town, f"/comments/{mayor}/report", "report", words="Not the mayor").status_code == 200
    desk = steward.get("/desk?kind=comment").text
    assert "Not the mayor" in desk
    assert "spam.example" in desk
    none = steward.post("/desk", data={"kind": "comment", "act": "hidden", "item": [mayor, number]})
    assert none.status_code == 400  # a reason is needed
    done = steward.post(
        "/desk", data={"kind": "comment", "act": "hidden", "item": [mayor, number], "words": "Not true."}
    )
    assert done.status_code == 303
    text = visitor.get(path).text
    assert "I am the mayor" not in text
    assert "has hidden this comment: Not true." in text
    assert visitor.get(f"/comments/{mayor}/report").status_code == 404


def test_the_desk_is_the_operators(town: City, visitor) -> None:
    for path in ("/desk", "/desk/webhooks", "/desk/wish/AB"):
        assert visitor.get(path).status_code == 303
    for path in ("/desk", "/desk/webhooks", "/desk/wish/AB"):
        answer = visitor.post(path, data={"kind": "wish", "act": "spam", "item": "x"})
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login")


def test_a_wish_from_the_question_to_the_dataset(town: City, visitor, steward) -> None:
    there = visitor.get("/wishes/new?title=street+trees").text
    assert 'href="/datasets/trees"' in there
    answer = post(
        visitor, town, "/wishes/new", "wish", title="Public toilets", words="Where, and when open.", purpose="A map"
    )
    number, secret = number_of(answer)
    assert visitor.get(f"/wishes/{number}").status_code == 404
    assert "Public toilets" in visitor.get(secret).text
    assert post(steward, town, f"/desk/wish/{number}", "desk", state="review").status_code == 303
    assert "Public toilets" in visitor.get("/wishes").text
    before = visitor.get("/wishes").headers["etag"]
    assert post(visitor, town, f"/wishes/{number}/support", "support").status_code == 303
    assert post(visitor, town, f"/wishes/{number}/support", "support").status_code == 303
    assert town.participation.wishes.one(number).support == 1
    assert visitor.get("/wishes").headers["etag"] != before
    assert "I no longer need it" in visitor.get(f"/wishes/{number}").text
    assert post(visitor, town, f"/wishes/{number}/support", "support", act="undo").status_code == 303
    assert town.participation.wishes.one(number).support == 0
    assert "Public toilets" in visitor.get("/wishes/new?title=toilets").text
    missing = post(steward, town, f"/desk/wish/{number}", "desk", state="planned", planned="soon")
    assert missing.status_code == 400
    assert 'href="#planned"' in missing.text
    assert post(steward, town, f"/desk/wish/{number}", "desk", state="published", dataset="nobody").status_code == 400
    done = post(steward, town, f"/desk/wish/{number}", "desk", state="published", dataset="trees", words="Here it is.")
    assert done.status_code == 303
    assert 'href="/datasets/trees"' in visitor.get(f"/wishes/{number}").text
    feed = ElementTree.fromstring(visitor.get("/wishes.atom").text)
    assert feed.find("{*}entry/{*}title").text.startswith("Public toilets")


def test_a_reuse_is_shown_after_a_look(town: City, visitor, steward) -> None:
    values = {"title": f"Shade {HOSTILE}", "words": "Where to walk.", "kind": "application", "author": "Group & Co",
              "link": "https://shade.example/?a=1&b=2", "dataset": ["trees", "persons", "nobody"]}  # fmt: skip
    for change in (
        {"link": "javascript:alert(1)"},
        {"kind": "poem"},
        {"dataset": []},
        {"title": ""},
        {"author": "x" * 101},
    ):
        answer = post(visitor, town, "/reuses/new", "reuse", **values | change)
        assert answer.status_code == 400, change
        assert "Where to walk." in answer.text
    number, _secret = number_of(post(visitor, town, "/reuses/new", "reuse", **values))
    assert visitor.get(f"/reuses/{number}").status_code == 404
    before = visitor.get("/datasets/trees").headers["etag"]
    assert steward.post("/desk", data={"kind": "reuse", "act": "shown", "item": number}).status_code == 303
    after = visitor.get("/datasets/trees")
    assert after.headers["etag"] != before
    for path in ("/datasets/trees", "/reuses", f"/reuses/{number}"):
        text = visitor.get(path).text
        assert "Group &amp; Co" in text, path
        assert "<script>alert" not in text
        Page(text)
    feed = ElementTree.fromstring(visitor.get("/reuses.atom").text)
    assert feed.find("{*}entry/{*}link").get("href") == "https://shade.example/?a=1&b=2"
    assert feed.find("{*}entry/{*}title").text == f"Shade {HOSTILE}"


def test_without_a_mail_server_the_pages_say_so(town: City, visitor) -> None:
    page = visitor.get("/follow?topic=dataset&value=trees").text
    assert "cannot send letters" in page
    assert 'name="mail"' not in page
    assert 'name="mail"' not in visitor.get("/datasets/trees/amend").text
    for path in LOST:
        assert visitor.get(path).status_code == 404, path


def test_usage_is_counted_and_shown(town: City, visitor) -> None:
    from arengo.services.reading import READINGS

    READINGS.take()
    for _turn in range(3):
        visitor.get("/datasets/air", headers={"user-agent": "Mozilla/5.0 Firefox/128.0"})
    visitor.get("/api/v1/datasets/air/export.csv")
    visitor.get("/datasets/air", headers={"user-agent": "Googlebot"})
    town.participation.count()
    page = visitor.get("/datasets/air/usage").text
    assert "4 readings" in page
    assert "download as CSV" in page
    assert "1 by a robot" in page
    Page(page)
    csv = visitor.get("/datasets/air/usage.csv").text.splitlines()
    assert csv[0] == "day,kind,readings,by_robots"
    assert any(line.endswith("page,3,1") for line in csv)
    assert "Air quality" in visitor.get("/usage").text


@pytest.mark.parametrize("language", ["en", "it", "ar"])
def test_every_page_is_whole(town: City, visitor, steward, language: str) -> None:
    for path in PAGES:
        answer = visitor.get(path, params={"lang": language} if "?" not in path else None)
        assert answer.status_code == 200, path
        check(path, answer.text)
    for path in ("/desk", "/desk?kind=comment", "/desk?kind=reuse", "/desk?kind=wish", "/desk/webhooks"):
        answer = steward.get(path)
        assert answer.status_code == 200, path
        check(path, answer.text)


def check(path: str, text: str) -> None:
    found = Page(text)
    assert not found.problems, (path, found.problems)
    assert found.headings[0] == 1
    assert all(b - a <= 1 for a, b in zip(found.headings, found.headings[1:], strict=False)), (path, found.headings)
    assert len(found.ids) == len(set(found.ids)), (path, [i for i in found.ids if found.ids.count(i) > 1])
    named = set(re.findall(r'<label for="([^"]+)"', text))
    for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
        if 'type="hidden"' in field or "aria-label" in field:
            continue
        found_id = re.search(r' id="([^"]+)"', field)
        assert found_id, (path, field)
        assert found_id[1] in named, (path, field)


def test_webhooks_page(town: City, steward) -> None:
    bad = steward.post(
        "/desk/webhooks",
        data={"act": "add", "id": "Bad Name", "url": "https://a.example", "event": "version.published"},
    )
    assert bad.status_code == 400
    made = steward.post(
        "/desk/webhooks", data={"act": "add", "id": "erp", "url": "https://10.0.0.9/x", "event": "version.published"}
    )
    assert "whsec_" in made.text
    assert "whsec_" not in steward.get("/desk/webhooks").text
    tested = steward.post("/desk/webhooks", data={"act": "test", "hook": "erp"})
    assert "not a public address" in tested.text
    assert steward.post("/desk/webhooks", data={"act": "drop", "hook": "erp"}).status_code == 303


def test_following_by_letter_and_ending_it_with_one_click(town: City, steward) -> None:
    from dataclasses import replace

    import sqlalchemy as sa

    from arengo.settings import MailSettings
    from arengo.state.participation import letter, subscription

    settings = replace(
        town.settings,
        city=replace(town.settings.city, url="https://data.prova.example"),
        mail=MailSettings(host="127.0.0.1", port=9),
    )
    with City(settings) as mailing, TestClient(application(mailing), follow_redirects=False) as client:
        assert (
            post(client, town, "/follow", "follow", topic="dataset", value="trees", rhythm="daily").status_code == 400
        )
        wrong = post(
            client, town, "/follow", "follow", topic="dataset", value="trees", rhythm="daily", mail="a@b\nBcc:c@d.e"
        )
        assert wrong.status_code == 400
        values = {"topic": "dataset", "value": "trees", "rhythm": "daily", "mail": "leser@b.example"}
        first = post(client, town, "/follow", "follow", **values)
        again = post(client, town, "/follow", "follow", **values)
        assert (first.status_code, again.status_code) == (200, 200)
        assert "leser" not in first.text
        with town.state.read() as connection:
            row = connection.execute(sa.select(subscription)).one()
            words = connection.scalars(sa.select(letter.c.words)).all()
        confirm = re.search(r"https://data.prova.example(/confirm/follow/\S+)", words[0])[1]
        assert client.get(confirm).status_code == 200
        with town.state.read() as connection:  # mail programs open links; that alone agrees to nothing
            assert connection.execute(sa.select(subscription)).one().confirmed_at is None
        assert "confirmed" in client.post(confirm).text
        secret = mailing.participation.follows.secret("end", row.id)
        page = client.get(f"/follow/{row.id}/{secret}")
        assert "leser" not in page.text
        check("/follow/x/y", page.text)
        assert client.get(f"/unsubscribe/{row.id}/{secret}").status_code == 200
        assert client.post(f"/unsubscribe/{row.id}/wrong", data={"List-Unsubscribe": "One-Click"}).status_code == 404
        one_click = client.post(
            f"/unsubscribe/{row.id}/{secret}", content=b"List-Unsubscribe=One-Click",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        assert one_click.status_code == 200
        with town.state.read() as connection:
            assert connection.execute(sa.select(subscription)).all() == []
        for turn in range(6):
            sent = post(
                client, town, "/datasets/air/amend", "amendment", wrong=f"Words {turn}", mail="victim@b.example"
            )
        assert sent.status_code == 429
        assert "Words 5" in sent.text
