"""What another catalogue may try beyond a bad answer: to reach our files, links, lock and time."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from test_catalogue_harvest import (
    HEAD,
    ISO,
    METADATA,
    Web,
    city,
    declare,
    harvest,
    make_city,
    say,
    turtle,
    web,
)

from arengo import faces
from arengo.catalogue.harvest import wire as wires
from arengo.catalogue.harvest.declared import Declared, declared
from arengo.catalogue.harvest.run import accept, due
from arengo.catalogue.harvest.run import harvest as take
from arengo.city import City, init, open_city
from arengo.settings import Settings

__all__ = ["city", "web"]
HYDRA = "@prefix hydra: <http://www.w3.org/ns/hydra/core#> .\n"


def packages(*items: dict[str, Any]) -> str:
    return json.dumps({"success": True, "result": {"count": len(items), "results": items}})


def test_a_catalogue_cannot_lead_to_a_file_of_this_machine(city: City, web: Web) -> None:
    secret = city.settings.root / "secret.ttl"
    secret.write_text(turtle("secret"))
    for target in (f'"{secret}"', '"secret.ttl"', f"<file://{secret}>", "<ftp://o.example/x>", '"/etc/passwd"'):
        web.routes["/c"] = say((HYDRA + turtle("d1") + f"<x> hydra:nextPage {target} .\n").encode())
        run = harvest(city, "o", kind="dcat", address=f"{web.url}/c")
        assert run.state == "failed", target
        assert "root:" not in json.dumps(run.error)
    items = {"features": [], "links": [{"rel": "next", "href": secret.as_uri()}]}
    web.routes["/m/items"] = say(json.dumps(items).encode(), media="application/json")
    harvest(city, "o", kind="records", address=f"{web.url}/m")
    (city.settings.root / "first.ttl").write_text(HYDRA + turtle("d1") + '<x> hydra:next "secret.ttl" .\n')
    assert harvest(city, "o", kind="dcat", address="first.ttl").state == "failed"
    assert city.catalogue.count() == 0


def test_only_addresses_are_linked(city: City) -> None:
    told = {
        "identifier": "a", "title": "A", "landingPage": "javascript:alert(1)",
        "distribution": [
            {"downloadURL": "https://x.example/a b\"> <y> .", "accessURL": "javascript:alert(2)"},
            {"downloadURL": "data:text/html,x"},
        ],
    }  # fmt: skip
    (city.settings.root / "d.json").write_text(json.dumps({"dataset": [told]}))
    harvest(city, "o", kind="arcgis", address="d.json")
    record = city.catalogue.record("a")
    assert record.landing_page == ""
    (file,) = record.distributions
    assert file.access_url == file.download_url == "https://x.example/a%20b%22%3E%20%3Cy%3E%20."


def test_values_that_no_store_takes_are_refused_alone(city: City) -> None:
    resource = {"id": "r", "url": "https://x.example/r", "size": "9" * 30}
    (city.settings.root / "p.json").write_text(
        packages(
            {"id": "good", "title": "Good"},
            {"id": "big", "title": "Big", "resources": [resource]},
            {"id": "x" * 10_000, "title": "Long name"},
            {"id": "fat", "title": "Fat", "tags": [{"name": f"{number:05}" * 20} for number in range(30_000)]},
        )
    )
    run = harvest(city, "o", kind="ckan", address="p.json")
    assert (run.counts["added"], run.counts["rejected"]) == (1, 3), run
    assert all(len(item["identifier"]) <= 200 for item in run.rejected)
    long = "x" * 3000
    lines = (f'<https://o.example/{n}> a dcat:Dataset ; dct:identifier "{long}{n}" ; dct:title "T" .' for n in (1, 2))
    (city.settings.root / "o.ttl").write_text(HEAD + "\n".join(lines))
    run = harvest(city, "long", kind="dcat", address="o.ttl")
    assert (run.counts["rejected"], run.counts["repeated"]) == (2, 0), "cut identifiers would be taken for one"


def test_many_records_of_one_title_take_no_longer_than_others(city: City) -> None:
    count = 3000
    path = city.settings.root / "p.json"
    path.write_text(packages(*({"id": f"a{number}", "title": f"Other {number}"} for number in range(count))))
    started = time.process_time()
    harvest(city, "others", kind="ckan", address="p.json")
    usual = time.process_time() - started
    path.write_text(packages(*({"id": f"b{number}", "title": "Untitled"} for number in range(count))))
    started = time.process_time()
    assert harvest(city, "same", kind="ckan", address="p.json").counts["added"] == count
    assert time.process_time() - started < 2 * usual + 0.5
    assert city.catalogue.record(f"untitled-{count}").provenance.source == "same"


def test_a_catalogue_that_renames_all_is_held_not_listed_twice(city: City) -> None:
    path = city.settings.root / "o.ttl"
    path.write_text(turtle(*(f"a{number}" for number in range(10))))
    harvest(city, "o", kind="dcat", address="o.ttl")
    path.write_text(turtle(*(f"b{number}" for number in range(10))))
    run = harvest(city, "o")
    assert (run.state, run.counts["missing"], city.catalogue.count()) == ("held", 10, 10)


def test_a_yes_is_no_licence_to_ask_again_and_again(city: City) -> None:
    declare(city, "o", kind="dcat", address="missing.ttl")
    city.harvest("o")
    accept(city.state, "o")
    city.harvest("o")
    assert due(city.settings, city.state, declared(city.settings.root)) == []


@pytest.mark.parametrize(("kind", "name"), [("dcat", "o.ttl"), ("ckan", "p.json"), ("arcgis", "d.json"),
                                            ("records", "r.json"), ("csw", "w.xml")])  # fmt: skip
def test_no_more_than_the_limit_is_read(city: City, kind: str, name: str) -> None:
    root, numbers = city.settings.root, range(9)
    (root / "o.ttl").write_text(turtle(*(f"d{n}" for n in numbers)))
    (root / "p.json").write_text(packages(*({"id": f"d{n}", "title": f"D{n}"} for n in numbers)))
    (root / "d.json").write_text(json.dumps({"dataset": [{"identifier": f"d{n}", "title": f"D{n}"} for n in numbers]}))
    features = [{"id": f"d{n}", "properties": {"title": f"D{n}"}} for n in numbers]
    (root / "r.json").write_text(json.dumps({"features": features}))
    (root / "w.xml").write_text(ISO.format(next=0, records="".join(METADATA.format(id=f"d{n}") for n in numbers)))
    assert harvest(city, "o", kind=kind, address=name, limit=4).counts["added"] == 4


def test_geo_catalogues_without_end_are_left_and_doubles_counted(city: City, web: Web) -> None:
    def csw(handler: BaseHTTPRequestHandler) -> None:
        body = ISO.format(next=len(web.asked) + 1, records=METADATA.format(id="same"))
        say(body.encode(), media="application/xml")(handler)

    def empty(handler: BaseHTTPRequestHandler) -> None:
        links = [{"rel": "next", "href": f"/m/items?page={len(web.asked)}"}]
        say(json.dumps({"features": [], "links": links}).encode(), media="application/json")(handler)

    web.routes |= {"/csw": csw, "/m/items": empty}
    for kind, path in (("csw", "csw"), ("records", "m")):
        run = harvest(city, kind, kind=kind, address=f"{web.url}/{path}")
        assert run.state == "failed"
        assert run.error is not None
        assert "no new record" in run.error["message"]
    assert len(web.asked) < 60
    (city.settings.root / "w.xml").write_text(ISO.format(next=0, records=METADATA.format(id="x") * 3))
    assert harvest(city, "twice", kind="csw", address="w.xml").counts["repeated"] == 2


def test_a_run_ends_after_its_hours(city: City, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "TRIES", 1)

    def endless(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.05)
        number = len(web.asked)
        following = f"<{web.url}/c> hydra:next <{web.url}/c?page={number}> .\n"
        say((HYDRA + turtle(f"d{number}") + following).encode())(handler)

    web.routes["/c"] = endless
    run = harvest(city, "o", kind="dcat", address=f"{web.url}/c", longest=0.0001)
    assert run.error is not None
    assert "more than 0.0001 hours" in run.error["message"]
    assert city.catalogue.count() == 0


def test_the_page_says_how_many_were_refused_and_links_no_script(city: City) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from arengo import portal

    bad = ({"id": f"b{number}", "title": "<script>x</script>", "private": True} for number in range(35))
    (city.settings.root / "p.json").write_text(packages({"id": "good", "title": "Good"}, *bad))
    assert harvest(city, "o", kind="ckan", address="p.json").counts["rejected"] == 35
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, lambda version: None)
    with TestClient(Starlette(routes=pages), "https://testserver") as client:
        text = client.get("/harvests").text
    assert "35 records were refused" in text
    assert "and 15 more" in text
    assert "<script>x" not in text


@contextlib.contextmanager
def served(door: Any, catalogue: Any, settings: Settings, listening: socket.socket) -> Iterator[str]:
    import uvicorn

    application = faces.application(door, catalogue, settings)
    config = uvicorn.Config(application, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def listener() -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    return made


@pytest.mark.slow
def test_two_cities_that_list_each_other_do_not_grow(tmp_path: Path) -> None:
    sockets = listener(), listener()
    ports = [item.getsockname()[1] for item in sockets]
    tiny = make_city(tmp_path / "a")
    first = replace(
        tiny.settings,
        city=replace(tiny.settings.city, url=f"http://127.0.0.1:{ports[0]}"),
        sources=replace(tiny.settings.sources, allow_hosts=("127.0.0.1",)),
    )
    init(tmp_path / "b", name="Second").close()
    with (tmp_path / "b" / "city.toml").open("a", encoding="utf-8") as file:
        file.write(f'url = "http://127.0.0.1:{ports[1]}"\n[sources]\nallow_hosts = ["127.0.0.1"]\n')
    second = open_city(tmp_path / "b")
    (tmp_path / "b" / "o.ttl").write_text(turtle("d1", "d2"))
    with served(tiny.door, tiny.catalogue, first, sockets[0]) as a, \
         served(second.door, second.catalogue, second.settings, sockets[1]) as b:  # fmt: skip
        file_of_b = Declared("file", "File", "dcat", "o.ttl")
        assert take(second.settings, second.state, file_of_b).counts["added"] == 2
        sizes = []
        for _ in range(3):
            for form in ("ttl", "jsonld"):
                source = Declared(f"a-{form}", "A", "dcat", f"{a}/catalog.{form}?harvested=true")
                run = take(second.settings, second.state, source)
                assert (run.counts["met"] - run.counts["looped"], run.error) == (3, None), run
            run = take(second.settings, second.state, Declared("a-ckan", "A", "ckan", a))
            assert run.error is None
            for source in (Declared("b-dcat", "B", "dcat", f"{b}/catalog.ttl?harvested=true"),
                           Declared("b-ckan", "B", "ckan", b)):  # fmt: skip
                run = take(first, tiny.state, source)
                assert run.error is None
                assert run.counts["looped"] >= 3, "what came from the first city does not return to it"
            sizes.append((tiny.catalogue.count(), second.catalogue.count()))
            assert not [r for r in tiny.catalogue.records() if not r.local and r.provenance.uri.startswith(a)]
            assert not [r for r in second.catalogue.records() if not r.local and r.provenance.uri.startswith(b)]
    second.close()
    tiny.close()
    assert sizes[1] == sizes[2]
