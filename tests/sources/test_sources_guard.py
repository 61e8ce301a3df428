"""The guard of outgoing requests: private addresses, redirects, rebinding, limits."""

from __future__ import annotations

import ipaddress
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arengo.errors import SourceForbidden, SourceMissing, SourceTooLarge, SourceUnreachable
from arengo.settings import SourceSettings
from arengo.sources.guard import Guard, public

PRIVATE = """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255
    198.18.0.1 192.0.2.1 240.0.0.1 ::1 :: fe80::1 fc00::1 fd00:ec2::254 ff02::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254
    192.0.0.8 fec0::1
    64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1:: ::127.0.0.1 2001:db8::1""".split()  # noqa: SIM905 - a list of words reads better


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address):
    with pytest.raises(SourceForbidden, match="not a public address"):
        Guard(SourceSettings()).address(address, 80)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_public_addresses_pass(address):
    assert Guard(SourceSettings()).address(address, 80) == address


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f.1", "017700000001", "127.1", "localhost", "LOCALHOST."])
def test_other_spellings_of_this_machine_are_refused(spelling):
    with pytest.raises(SourceForbidden, match="not a public address"):
        Guard(SourceSettings()).address(spelling, 80)


def test_allow_hosts_names_hosts_and_networks():
    assert Guard(SourceSettings(allow_hosts=("10.0.0.0/8",))).address("10.9.9.9", 80) == "10.9.9.9"
    assert Guard(SourceSettings(allow_hosts=("localhost",))).address("localhost", 80) in ("127.0.0.1", "::1")
    with pytest.raises(SourceForbidden):
        Guard(SourceSettings(allow_hosts=("10.0.0.0/8",))).address("192.168.0.1", 80)


@given(st.ip_addresses(v=4))
def test_an_address_is_public_in_all_its_disguises_or_in_none(address):
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    nat64 = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(address))
    assert public(address) == public(mapped) == public(nat64)


def fetch(settings, url, **options):
    guard = Guard(settings)
    with guard.client() as client, guard.stream(client, url, **options) as response:
        return response.status_code, b"".join(guard.body(response, settings.max_bytes))


ALLOWED = SourceSettings(allow_hosts=("127.0.0.1",), timeout=60.0)


def test_the_guard_stands_before_the_connection(web):
    with pytest.raises(SourceForbidden):
        fetch(SourceSettings(), web.serve("/a", b"x"))
    assert not web.asked
    assert fetch(ALLOWED, web.url + "/a") == (200, b"x")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a", "gopher://example.org", "http:///x", "x"])
def test_only_http_and_https(url):
    with pytest.raises(SourceForbidden):
        fetch(ALLOWED, url)


def test_a_redirect_passes_the_guard_again(web):
    web.serve("/away", b"", 302, Location="http://169.254.169.254/latest/meta-data/")
    web.serve("/local", b"", 302, Location=f"http://127.0.0.2:{web.url.rpartition(':')[2]}/secret")
    web.serve("/file", b"", 302, Location="file:///etc/passwd")
    for path in ("/away", "/local", "/file"):
        with pytest.raises(SourceForbidden):
            fetch(ALLOWED, web.url + path)
    assert [path for path, _ in web.asked] == ["/away", "/local", "/file"]


def test_redirects_end_and_keys_stay_home(web):
    web.serve("/round", b"", 302, Location="/round")
    with pytest.raises(SourceUnreachable, match="redirects more than"):
        fetch(ALLOWED, web.url + "/round")
    settings = SourceSettings(allow_hosts=("127.0.0.1", "localhost"), timeout=60.0)
    port = web.url.rpartition(":")[2]
    web.serve("/same", b"", 302, Location="/target")
    web.serve("/other", b"", 302, Location=f"http://localhost:{port}/target")
    web.serve("/target", b"ok")
    web.asked.clear()
    fetch(settings, web.url + "/same", headers={"X-Key": "secret"})
    assert web.asked[-1][1]["x-key"] == "secret"
    fetch(settings, web.url + "/other", headers={"X-Key": "secret"})
    assert "x-key" not in web.asked[-1][1]


def test_a_name_is_resolved_once_and_the_vetted_address_is_used(web, monkeypatch):
    port = int(web.url.rpartition(":")[2])
    web.serve("/a", b"ok")
    answers = iter(["127.0.0.1", "10.0.0.1"])
    real = socket.getaddrinfo

    def rebinding(host, *args, **kwargs):
        if host == "rebind.test":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert fetch(ALLOWED, f"http://rebind.test:{port}/a") == (200, b"ok")
    assert web.asked[-1][1]["host"] == f"rebind.test:{port}"
    with pytest.raises(SourceForbidden, match=r"rebind.test \(10.0.0.1\)"):
        fetch(ALLOWED, f"http://rebind.test:{port}/a")


def test_one_private_address_among_public_ones_is_enough(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("1.1.1.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(SourceForbidden):
        Guard(SourceSettings()).address("mixed.test", 80)


def test_size_is_counted_and_not_believed(web):
    settings = SourceSettings(allow_hosts=("127.0.0.1",), max_bytes=1000, timeout=60.0)
    with pytest.raises(SourceTooLarge):
        fetch(settings, web.serve("/big", b"x" * 5000))


def test_a_server_that_drips_is_given_up(web):
    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(400):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    web.routes["/drip"] = drip
    settings = SourceSettings(allow_hosts=("127.0.0.1",), timeout=2.0)
    with pytest.raises(SourceUnreachable, match="too slowly"):
        fetch(settings, web.url + "/drip")


def test_packing_that_was_not_asked_for(web):
    with pytest.raises(SourceForbidden, match="'zstd'"):
        fetch(ALLOWED, web.serve("/z", b"x", Content_Encoding="zstd"))


def test_nobody_there():
    with pytest.raises(SourceUnreachable, match="does not answer"):
        fetch(ALLOWED, "http://127.0.0.1:1/")


def test_proxies_of_the_environment_are_not_used(web, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert fetch(ALLOWED, web.serve("/a", b"x"))[0] == 200


def test_keys_come_from_the_environment(web, monkeypatch):
    from arengo.sources.guard import headers_from

    monkeypatch.setenv("CITY_KEY", "k1")
    assert headers_from({"headers_env": {"X-Key": "CITY_KEY"}, "headers": {"Accept": "a"}}) == {
        "X-Key": "k1",
        "Accept": "a",
    }
    with pytest.raises(SourceMissing, match="NO_KEY"):
        headers_from({"headers_env": {"X-Key": "NO_KEY"}})


def test_messages_hold_no_key_of_the_address(web):
    with pytest.raises(SourceUnreachable) as caught:
        fetch(ALLOWED, "http://user:hidden@127.0.0.1:1/a?key=hidden")
    assert "hidden" not in str(caught.value)
