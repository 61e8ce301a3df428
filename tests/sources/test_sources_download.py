"""Files from addresses: conditional, resumed, named, retried."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest import answer

from arengo.contract.model import SourceSpec
from arengo.errors import SourceForbidden, SourceMissing, SourceTooLarge, SourceUnreachable
from arengo.settings import SourceSettings
from arengo.sources import Context, detect, reader, samples
from arengo.sources.download import Retry, download, file_name, pause, retry_after

CSV = b"id;name\n1;Tilia\n2;Acer\n"


def test_a_file_of_an_address_is_read_like_a_local_one(web, context, pull):
    url = web.serve("/trees.csv", CSV, ETag='"v1"')
    spec = detect(url, context)
    assert (spec.kind, dict(spec.options)) == ("csv", {"url": url})
    (found,) = samples(spec, context)
    assert found.options["url"] == url
    assert "path" not in found.options
    assert [column.name for column in found.columns] == ["id", "name"]
    assert pull("csv", **found.options).column("name") == ["Tilia", "Acer"]
    assert len(web.asked) == 1  # one scratch folder, one request


def test_unchanged_is_told_by_the_server(web, context, tmp_path):
    def route(handler):
        known = handler.headers.get("If-None-Match")
        answer(handler, b"" if known == '"v1"' else CSV, 304 if known == '"v1"' else 200, ETag='"v1"')

    web.routes["/a.csv"] = route
    spec = SourceSpec("csv", {"url": web.url + "/a.csv"})
    first = reader("csv").open(spec, (), context)
    list(first.batches)
    assert first.fingerprint.state["etag"] == '"v1"'
    later = replace(context, scratch=tmp_path / "later", state=first.fingerprint.state)
    again = reader("csv").fingerprint(spec, later)
    assert again.value == first.fingerprint.value
    assert not (tmp_path / "later").exists()


def test_changed_content_has_another_fingerprint(web, context, tmp_path):
    url = web.serve("/a.csv", CSV, Last_Modified="Mon, 01 Jun 2026 00:00:00 GMT")
    first = reader("csv").fingerprint(SourceSpec("csv", {"url": url}), context)
    web.serve("/a.csv", CSV + b"3;Ulmus\n", Last_Modified="Tue, 02 Jun 2026 00:00:00 GMT")
    later = replace(context, scratch=tmp_path / "later", state=first.state)
    assert reader("csv").fingerprint(SourceSpec("csv", {"url": url}), later).value != first.value


def test_a_broken_transfer_is_taken_up_where_it_stopped(web, context):
    body = bytes(range(256)) * 400
    spans = []

    def route(handler):
        span = handler.headers.get("Range")
        spans.append(span)
        start = int(span[6:-1]) if span else 0
        rest = body[start:]
        handler.send_response(206 if span else 200)
        handler.send_header("ETag", '"v1"')
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        handler.wfile.write(rest[: len(rest) // 2] if len(spans) < 3 else rest)
        handler.close_connection = True

    web.routes["/big.bin"] = route
    found = download(SourceSpec("x", {"url": web.url + "/big.bin"}), context)
    assert found.path.read_bytes() == body
    assert spans[0] is None
    assert spans[1] == f"bytes={len(body) // 2}-"


def test_without_a_validator_it_starts_again(web, context):
    body = b"a,b\n" + b"1,2\n" * 1000
    tries = []

    def route(handler):
        tries.append(handler.headers.get("Range"))
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body if len(tries) > 1 else body[:100])
        handler.close_connection = True

    web.routes["/a.csv"] = route
    assert download(SourceSpec("x", {"url": web.url + "/a.csv"}), context).path.read_bytes() == body
    assert tries == [None, None]


def test_busy_servers_are_asked_again(web, context):
    answers = [(503, {"Retry_After": "0"}), (429, {"Retry_After": "0"}), (200, {})]

    def route(handler):
        status, headers = answers.pop(0)
        answer(handler, CSV, status, **headers)

    web.routes["/a.csv"] = route
    assert download(SourceSpec("x", {"url": web.url + "/a.csv"}), context).path.read_bytes() == CSV


@pytest.mark.parametrize(("status", "error"), [(404, SourceMissing), (410, SourceMissing), (403, SourceForbidden)])
def test_answers_that_are_final_are_not_asked_again(web, context, status, error):
    with pytest.raises(error):
        download(SourceSpec("x", {"url": web.serve("/a", b"no", status)}), context)
    assert len(web.asked) == 1


def test_waiting_grows_and_follows_the_server():
    asked = Retry("busy")
    asked.after = 7.0
    assert [pause(n, None, 30) for n in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert pause(1, asked, 30) == 7.0
    assert pause(1, asked, 5) == 5


def test_a_server_that_stays_down(web, context):
    with pytest.raises(SourceUnreachable, match="503"):
        download(SourceSpec("x", {"url": web.serve("/a", b"no", 503)}), context)
    assert len(web.asked) == 4


def test_a_file_beyond_the_limit_is_not_begun(web, tmp_path):
    context = Context(SourceSettings(allow_hosts=("127.0.0.1",), max_bytes=100), tmp_path)
    with pytest.raises(SourceTooLarge, match="the limit is 100"):
        download(SourceSpec("x", {"url": web.serve("/a", b"x" * 200)}), context)


@pytest.mark.parametrize(
    ("disposition", "asked", "name"),
    [
        ('attachment; filename="trees 2026.csv"', "https://a.org/download?id=1", "trees 2026.csv"),
        ("attachment; filename*=UTF-8''gr%C3%BCn.csv", "https://a.org/x", "grün.csv"),
        ('attachment; filename="../../etc/passwd.csv"', "https://a.org/x", "passwd.csv"),
        ("", "https://a.org/data/%C3%A1rboles.geojson?v=2", "árboles.geojson"),
        ("", "https://a.org/part", "download"),
        ("", "https://a.org/", "download"),
    ],
)
def test_local_names(disposition, asked, name):
    assert file_name(asked, disposition, asked) == name


def test_retry_after_reads_seconds_and_dates():
    assert retry_after("7") == 7
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("soon") == 0
