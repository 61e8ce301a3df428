"""Other catalogues taken in: our own faces over HTTP, real files, and servers that mean harm."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faces"))

from tiny_city import TinyCity, make_city

from arengo import faces
from arengo.catalogue import Wanted
from arengo.catalogue.harvest import wire as wires
from arengo.catalogue.harvest.declared import declared
from arengo.catalogue.harvest.run import Harvest, due, runs
from arengo.catalogue.harvest.store import gone, walk
from arengo.city import City, init, open_city
from arengo.errors import SettingsError, UnknownDataset

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real"
HEAD = "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .\n"
Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """An empty city that may ask this machine."""
    init(tmp_path / "city", name="Harvester").close()
    with (tmp_path / "city" / "city.toml").open("a", encoding="utf-8") as file:
        file.write('url = "https://data.harvester.example"\n[sources]\nallow_hosts = ["127.0.0.1"]\n')
    (tmp_path / "city" / "harvest").mkdir()
    opened = open_city(tmp_path / "city")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another city's catalogue on a real socket."""
    import uvicorn

    tiny: TinyCity = make_city(Path(tmp_path_factory.mktemp("other")))
    app = faces.application(tiny.door, tiny.catalogue, tiny.settings)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
    tiny.close()


class Web:
    """A server that says what a test wants. ``routes``: path without query -> answer."""

    def __init__(self) -> None:
        self.routes: dict[str, Answer] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                route = outer.routes.get(self.path.split("?")[0])
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    route(self) if route else say(b"", 404)(self)

            def log_message(self, *_parts: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def say(body: bytes, status: int = 200, media: str = "text/turtle", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", media)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr(wires, "PAUSE", 0.01)
    made = Web()
    yield made
    made.server.shutdown()
    made.server.server_close()


def declare(city: City, name: str, **settings: Any) -> None:
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    (city.settings.root / "harvest" / f"{name}.toml").write_text(lines, encoding="utf-8")


def harvest(city: City, name: str, *, force: bool = False, **settings: Any) -> Harvest:
    if settings:
        declare(city, name, **settings)
    (run,) = city.harvest(name, force=force)
    counts = run.counts
    parts = ("added", "changed", "unchanged", "rejected", "repeated", "looped")
    if run.state in ("succeeded", "unchanged"):
        assert counts["met"] == sum(counts[part] for part in parts), counts
    return run


def turtle(*names: str, **titles: str) -> str:
    return HEAD + "".join(
        f'<https://o.example/{name}> a dcat:Dataset ; dct:identifier "{name}" ; '
        f'dct:title "{titles.get(name, f"Set {name}")}"@en .\n'
        for name in names
    )


# ---- what other catalogues say --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["ttl", "jsonld", "rdf", "nt"])
def test_dcat_of_another_city_in_every_serialisation(city: City, other: str, form: str) -> None:
    run = harvest(city, "other", kind="dcat", address=f"{other}/catalog.{form}", title="Other")
    assert (run.state, run.error) == ("succeeded", None)
    assert run.counts["added"] == 3
    record = city.catalogue.record("street-trees")
    assert not record.local
    assert record.title["it"] == "Alberi delle strade"
    assert record.themes == ("ENVI",)
    assert record.licence == "CC-BY-4.0"
    assert record.frequency == "MONTHLY"
    assert {item.format for item in record.distributions} >= {"CSV", "GEOJSON"}
    origin = record.provenance
    assert origin is not None
    assert (origin.source, origin.title) == ("other", "Other")
    assert origin.harvested_at is not None
    again = harvest(city, "other")
    assert (again.state, again.counts["unchanged"], again.counts["changed"]) == ("unchanged", 3, 0)


def test_pages_of_dcat_and_of_ckan_are_walked(city: City, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from arengo.catalogue.harvest import portals
    from arengo.faces.dcat import pages

    monkeypatch.setattr(portals, "PAGE", 2)
    monkeypatch.setattr(pages, "PAGE", 1)
    run = harvest(city, "ckan", kind="ckan", address=other, title="Other CKAN")
    assert (run.state, run.counts["added"]) == ("succeeded", 3)
    trees = city.catalogue.record("street-trees")
    assert trees.provenance is not None
    assert trees.provenance.landing_page == f"{other}/dataset/trees"
    assert harvest(city, "ckan").state == "unchanged"
    paged = harvest(city, "paged", kind="dcat", address=f"{other}/catalog.ttl?page=1", title="Paged")
    assert (paged.state, paged.counts["added"]) == ("succeeded", 3)
    assert city.catalogue.record("street-trees-2").provenance.source == "paged"
    assert city.catalogue.search(Wanted("trees", "en", {"source": ("ckan",)})).total == 1


@pytest.mark.skipif(not REAL.is_dir(), reason="the real catalogues are not here")
def test_real_catalogues(city: City) -> None:
    files = {
        "birmingham": ("ckan", REAL / "birmingham-ckan" / "package_search.json", 10, "en"),
        "datara": ("dcat", next((REAL / "dcat-catalogues").glob("datara*")), 1, "fr"),
        "evian": ("arcgis", REAL / "dcat-catalogues" / "evian.json", 5, "fr"),
    }
    for name, (kind, path, least, language) in files.items():
        run = harvest(city, name, kind=kind, address=str(path), language=language)
        assert run.state == "succeeded", run.error
        assert run.counts["added"] >= least or run.counts["rejected"], run.counts
        assert run.counts["added"] > 0
        for record in walk(city.state, source=name):
            assert record.title
            assert record.provenance is not None
            assert record.provenance.identifier
            assert "<p>" not in next(iter(record.description.values()), "")
        assert harvest(city, name).state == "unchanged"


ISO = """<?xml version="1.0" encoding="UTF-8"?>
<csw:GetRecordsResponse xmlns:csw="http://www.opengis.net/cat/csw/2.0.2" xmlns:gmd="http://www.isotc211.org/2005/gmd"
 xmlns:gco="http://www.isotc211.org/2005/gco"><csw:SearchResults numberOfRecordsMatched="3" nextRecord="{next}">
{records}</csw:SearchResults></csw:GetRecordsResponse>"""
METADATA = """<gmd:MD_Metadata><gmd:fileIdentifier><gco:CharacterString>{id}</gco:CharacterString></gmd:fileIdentifier>
<gmd:identificationInfo><gmd:MD_DataIdentification><gmd:citation><gmd:CI_Citation><gmd:title><gco:CharacterString>Strade
{id}</gco:CharacterString></gmd:title></gmd:CI_Citation></gmd:citation><gmd:extent><gmd:EX_Extent><gmd:geographicElement>
<gmd:EX_GeographicBoundingBox><gmd:westBoundLongitude><gco:Decimal>9.1</gco:Decimal></gmd:westBoundLongitude>
<gmd:eastBoundLongitude><gco:Decimal>9.3</gco:Decimal></gmd:eastBoundLongitude><gmd:southBoundLatitude><gco:Decimal>45.4
</gco:Decimal></gmd:southBoundLatitude><gmd:northBoundLatitude><gco:Decimal>45.5</gco:Decimal></gmd:northBoundLatitude>
</gmd:EX_GeographicBoundingBox></gmd:geographicElement></gmd:EX_Extent></gmd:extent></gmd:MD_DataIdentification>
</gmd:identificationInfo></gmd:MD_Metadata>"""


def test_csw_and_ogc_records(city: City, web: Web) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        from urllib.parse import parse_qs, urlsplit

        start = int(parse_qs(urlsplit(handler.path).query)["startPosition"][0])
        body = ISO.format(records=METADATA.format(id=f"r{start}"), next=start + 1 if start < 3 else 0)
        say(body.encode(), media="application/xml")(handler)

    web.routes["/csw"] = answer
    run = harvest(city, "geo", kind="csw", address=f"{web.url}/csw", language="it")
    assert (run.state, run.counts["added"]) == ("succeeded", 3), run
    assert city.catalogue.record("strade-r1").spatial == (9.1, 45.4, 9.3, 45.5)
    features = [
        {"id": f"f{number}", "type": "Feature", "properties": {"title": f"Layer {number}", "type": "dataset"},
         "geometry": None}
        for number in range(4)
    ]  # fmt: skip
    pages = [{"features": features[:2], "links": [{"rel": "next", "href": "/more"}]}, {"features": features[2:]}]
    web.routes["/collections/main/items"] = say(json.dumps(pages[0]).encode(), media="application/geo+json")
    web.routes["/more"] = say(json.dumps(pages[1]).encode(), media="application/geo+json")
    run = harvest(city, "ogc", kind="records", address=f"{web.url}/collections/main")
    assert (run.state, run.counts["added"]) == ("succeeded", 4), run


# ---- through time ---------------------------------------------------------------------------------------------------


def test_what_goes_becomes_a_tombstone_and_may_return(city: City) -> None:
    path = city.settings.root / "other.ttl"
    names = [f"d{number}" for number in range(10)]
    path.write_text(turtle(*names))
    assert harvest(city, "o", kind="dcat", address="other.ttl", keep_misses=2).counts["added"] == 10
    path.write_text(turtle(*names[:9], d0="A better title"))
    first = harvest(city, "o")
    assert (first.counts["changed"], first.counts["missing"], first.counts["gone"]) == (1, 1, 0)
    assert city.catalogue.record("set-d0").title["en"] == "A better title", "the address stays when the title changes"
    assert city.catalogue.record("set-d9"), "one miss may be an accident"
    second = harvest(city, "o")
    assert second.counts["gone"] == 1
    with pytest.raises(UnknownDataset):
        city.catalogue.record("set-d9")
    assert gone(city.state, "set-d9") is not None
    path.write_text(turtle(*names))
    assert harvest(city, "o").counts["changed"] == 2
    assert city.catalogue.record("set-d9").title["en"] == "Set d9"


def test_a_sudden_shrink_is_held_until_somebody_says_so(city: City) -> None:
    path = city.settings.root / "other.ttl"
    path.write_text(turtle(*(f"d{number}" for number in range(20))))
    harvest(city, "o", kind="dcat", address="other.ttl", keep_misses=1)
    path.write_text(turtle("d0", "d1"))
    held = harvest(city, "o")
    assert (held.state, held.counts["missing"]) == ("held", 18)
    assert city.catalogue.count() == 20
    forced = harvest(city, "o", force=True)
    assert (forced.state, forced.counts["gone"]) == ("succeeded", 18)
    assert [run.state for run in runs(city.state, "o")] == ["succeeded", "held", "succeeded"]


def test_a_yes_in_the_portal_lets_the_next_run_through(city: City) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from arengo import portal
    from arengo.catalogue.harvest.run import accepted

    path = city.settings.root / "other.ttl"
    path.write_text(turtle(*(f"d{number}" for number in range(20))))
    harvest(city, "o", kind="dcat", address="other.ttl", keep_misses=1, title="The other <city>")
    path.write_text(turtle("d0"))
    harvest(city, "o")
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, lambda version: None)
    with TestClient(Starlette(routes=pages), "https://testserver", follow_redirects=False) as client:
        text = client.get("/harvests").text
        assert "The other &lt;city&gt;" in text
        assert "nothing was taken over" in text
        assert "Take it over all the same" not in text
        assert client.post("/harvests", content=b"source=o").status_code == 403
        client.get("/operator")
        key = (city.settings.home / "operator.key").read_text().strip()
        client.post("/operator", content=f"key={key}".encode())
        assert "Take it over all the same" in client.get("/harvests").text
        assert client.post("/harvests", content=b"source=o").status_code == 303
        assert "You said yes" in client.get("/harvests").text
    sources = declared(city.settings.root)
    assert [item.id for item in due(city.settings, city.state, sources)] == ["o"]
    assert harvest(city, "o").counts["gone"] == 19
    assert not accepted(city.state)


def test_what_came_from_here_does_not_come_back(city: City) -> None:
    text = turtle("d1") + (
        '<https://data.harvester.example/datasets/mine> a dcat:Dataset ; dct:identifier "mine" ; dct:title "Mine" .\n'
    )
    (city.settings.root / "o.ttl").write_text(text)
    run = harvest(city, "o", kind="dcat", address="o.ttl")
    assert (run.counts["added"], run.counts["looped"]) == (1, 1)


def test_due_by_its_own_hours(city: City) -> None:
    (city.settings.root / "o.ttl").write_text(turtle("d1"))
    declare(city, "o", kind="dcat", address="o.ttl", every=1)
    declare(city, "off", kind="dcat", address="o.ttl", enabled=False)
    sources = declared(city.settings.root)
    assert [item.id for item in due(city.settings, city.state, sources)] == ["o"]
    city.harvest("o")
    assert due(city.settings, city.state, sources) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "ckan"\n', "address is missing"),
        ('kind = "ftp"\naddress = "x"\n', "kind is 'ftp'"),
        ('kind = "ckan"\naddress = 5\n', "a str is wanted"),
        ('kind = "ckan"\naddress = "x"\nshrink = 3\n', "share from 0 to 1"),
        ('kind = "ckan"\naddress = "x"\nspeed = 3\n', "no setting speed"),
        ("kind = \n", "no TOML|not TOML"),
    ],
)
def test_a_source_that_is_declared_badly(city: City, text: str, words: str) -> None:
    (city.settings.root / "harvest" / "bad.toml").write_text(text)
    with pytest.raises(SettingsError, match=words) as met:
        city.harvest()
    assert "harvest/bad.toml" in str(met.value.as_dict())


# ---- servers that mean harm -----------------------------------------------------------------------------------------

BOMB = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><rdf:RDF>&b;</rdf:RDF>'


@pytest.mark.parametrize(
    ("kind", "body", "media", "words"),
    [
        ("dcat", BOMB, "application/rdf+xml", "entities"),
        ("dcat", BOMB.decode().encode("utf-16"), "application/rdf+xml", "UTF-8"),
        ("csw", BOMB, "application/xml", "entities"),
        ("dcat", b"<html>Please log in</html>", "text/html", "cannot be read|RDF"),
        ("dcat", b'{"@context": "https://evil.example/c", "@id": "x"}', "application/ld+json", "context elsewhere"),
        ("dcat", HEAD.encode() + b"<x> a dcat:Dataset ; dct:title", "text/turtle", "cannot be read"),
        ("ckan", b"[1, 2]", "application/json", "package_search"),
        ("ckan", b'{"success": true, "result": {"results": 5, "count": "many"}}', "application/json", "kind ckan"),
        ("ckan", b"\xff\xfe\x00", "application/json", "no JSON"),
        ("arcgis", b'{"dataset": {"a": 1}}', "application/json", ""),
        ("records", b'{"features": 3}', "application/json", "kind records"),
    ],
)
def test_answers_that_are_none(city: City, web: Web, kind: str, body: bytes, media: str, words: str) -> None:
    import re

    web.routes["/x"] = web.routes["/x/api/3/action/package_search"] = say(body, media=media)
    web.routes["/x/items"] = web.routes["/x"]
    run = harvest(city, "o", kind=kind, address=f"{web.url}/x")
    assert run.state in ("failed", "unchanged")
    if words:
        assert run.state == "failed"
        assert run.error is not None
        assert re.search(words, run.error["message"]), run.error
    assert city.catalogue.count() == 0
    assert [item.state for item in runs(city.state, "o")] == [run.state]


def test_records_that_are_odd_are_refused_one_by_one(city: City) -> None:
    packages = [
        {"id": "good", "title": "Good", "name": "good", "state": "active"},
        {"id": "good", "title": "The same again", "name": "good", "state": "active"},
        {"title": "No id"},
        {"id": "untitled"},
        {"id": "hidden", "title": "Hidden", "private": True},
        {"id": "dead", "title": "Dead", "state": "deleted"},
        "a text",
        None,
        {"id": "x" * 10_000, "title": "Long id"},
        {"id": "marks", "title": "Bell \x07 and <script>alert(1)</script> <b>bold</b>", "notes": "<p>Hi &amp; bye</p>"},
        {"id": "odd", "title": ["a", "list"], "resources": "none", "tags": 5, "organization": "x", "extras": [3]},
    ]
    body = {"success": True, "result": {"count": len(packages), "results": packages}}
    (city.settings.root / "p.json").write_text(json.dumps(body))
    run = harvest(city, "o", kind="ckan", address="p.json")
    assert run.counts["met"] == len(packages)
    assert run.counts["repeated"] == 1
    assert run.counts["rejected"] >= 6
    reasons = {item["reason"] for item in run.rejected}
    assert {"it has no identifier", "it is not public", "it is no object"} <= reasons
    titles = {next(iter(item.title.values())) for item in walk(city.state)}
    assert "Good" in titles
    assert not any("<" in title or "\x07" in title for title in titles)
    assert all(len(item.id) <= 120 for item in walk(city.state))


def test_a_server_without_end_is_left(city: City, web: Web) -> None:
    page = {"success": True, "result": {"count": 10**9, "results": [{"id": "a", "title": "A"}]}}
    web.routes["/api/3/action/package_search"] = say(json.dumps(page).encode(), media="application/json")
    run = harvest(city, "ckan", kind="ckan", address=web.url)
    assert run.state == "failed"
    assert run.error is not None
    assert "same page" in run.error["message"]
    hydra = "@prefix hydra: <http://www.w3.org/ns/hydra/core#> .\n"

    def endless(handler: BaseHTTPRequestHandler) -> None:
        number = int(handler.path.partition("page=")[2] or 1)
        following = f"<{web.url}/c> a hydra:PartialCollectionView ; hydra:next <{web.url}/c?page={number + 1}> .\n"
        say((hydra + turtle("d1") + following).encode())(handler)

    web.routes["/c"] = endless
    run = harvest(city, "dcat", kind="dcat", address=f"{web.url}/c")
    assert run.state == "failed"
    assert run.error is not None
    assert "no new record" in run.error["message"]
    assert len(web.asked) < 60
    assert city.catalogue.count() == 0


def test_a_busy_server_is_asked_again_and_a_broken_one_given_up(city: City, web: Web) -> None:
    tries: list[int] = []

    def busy(handler: BaseHTTPRequestHandler) -> None:
        tries.append(1)
        status = (429, 503, 200)[min(len(tries) - 1, 2)]
        say(turtle("d1").encode() if status == 200 else b"", status, Retry_After="0")(handler)

    web.routes["/busy"] = busy
    assert harvest(city, "busy", kind="dcat", address=f"{web.url}/busy").state == "succeeded"
    assert len(tries) == 3
    web.routes["/broken"] = say(b"", 500)
    run = harvest(city, "broken", kind="dcat", address=f"{web.url}/broken")
    assert run.error is not None
    assert "does not answer" in run.error["message"]

    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/turtle")
        handler.send_header("Content-Length", "5000")
        handler.end_headers()
        handler.wfile.write(turtle("d2").encode())

    web.routes["/half"] = half
    assert harvest(city, "half", kind="dcat", address=f"{web.url}/half").state == "failed"
    assert city.catalogue.count() == 1


def test_what_is_too_large_too_slow_or_not_public_is_left(
    city: City, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wires, "LARGEST", 100_000)
    monkeypatch.setattr(wires, "TRIES", 1)
    web.routes["/large"] = say(b"#" * 200_000)

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/turtle")
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b"# slowly\n")
            handler.wfile.flush()
            time.sleep(0.05)

    web.routes["/slow"] = trickle
    web.routes["/away"] = say(b"", 302, Location="http://169.254.169.254/latest/meta-data/")
    web.routes["/round"] = say(b"", 302, Location="/round")
    web.routes["/file"] = say(b"", 302, Location="file:///etc/passwd")
    for path, words in {
        "large": "more than 100,000 bytes",
        "slow": "more than 2 seconds",
        "away": "",
        "round": "circle",
        "file": "",
    }.items():
        monkeypatch.setattr(wires, "SECONDS", 2 if path == "slow" else 120)
        run = harvest(city, path, kind="dcat", address=f"{web.url}/{path}")
        assert run.state == "failed", path
        assert run.error is not None
        assert words in run.error["message"], run.error
        assert "root:" not in json.dumps(run.error)
    for address in ("http://10.0.0.1/x", "http://[::1]:1/x", "http://localhost:1/x"):
        run = harvest(city, "inner", kind="dcat", address=address)
        assert run.state == "failed", address
    climbing = harvest(city, "climb", kind="dcat", address="../../etc/passwd")
    assert climbing.error is not None
    assert "climbs" in climbing.error["message"]


@pytest.mark.slow
def test_a_killed_run_changes_nothing_and_the_next_is_whole(city: City, web: Web) -> None:
    count = 3000
    packages = [{"id": f"p{number}", "title": f"Set {number}", "name": f"p{number}"} for number in range(count)]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        from urllib.parse import parse_qs, urlsplit

        asked = parse_qs(urlsplit(handler.path).query)
        start, size = int(asked["start"][0]), int(asked["rows"][0])
        time.sleep(0.15)
        body = {"success": True, "result": {"count": count, "results": packages[start : start + size]}}
        say(json.dumps(body).encode(), media="application/json")(handler)

    web.routes["/api/3/action/package_search"] = answer
    declare(city, "o", kind="ckan", address=web.url)
    command = [str(Path(sys.executable).with_name("arengo")), "harvest", "--city", str(city.settings.root)]
    for moment in (1.2, 1.8, 2.4, 3.0):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ.copy())
        time.sleep(moment)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert city.catalogue.count() in (0, count), "all or nothing"
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    assert city.catalogue.count() == count
    assert harvest(city, "o").counts["unchanged"] == count
