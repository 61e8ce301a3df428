"""Webhooks: signed as Standard Webhooks say, tried again, never into the city's own network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from services_people import services
from tiny_city import AREAS, SQUARES

from arengo.contract import loads
from arengo.errors import BadForm, NotFound, SettingsError
from arengo.services.amendment import Report
from arengo.services.webhook import PAUSES, new_secret, sign


class Receiver(BaseHTTPRequestHandler):
    answer = 204
    got: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        type(self).got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.answer)
        if self.answer in (301, 307):
            self.send_header("Location", "http://169.254.169.254/latest/meta-data")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook"
    server.shutdown()
    server.server_close()


@pytest.fixture
def city(tiny, monkeypatch):
    settings = replace(tiny.settings, sources=replace(tiny.settings.sources, allow_hosts=("127.0.0.1",)))
    monkeypatch.setattr(tiny, "settings", settings)
    Receiver.got, Receiver.answer = [], 204
    found = services(tiny)
    found.turn()
    yield found
    for hook in found.webhooks.hooks():
        if not hook.declared:
            found.webhooks.drop(hook.id)


def test_the_signature_is_the_standards() -> None:
    # the example of the specification's own libraries
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert len(base64.b64decode(new_secret().removeprefix("whsec_"))) == 32


def test_an_event_is_delivered_once_and_can_be_checked(tiny, city, receiver) -> None:
    hook = city.webhooks.add("erp", receiver, ["version.published", "amendment.*"], ["areas"])
    tiny.publish(loads(AREAS), SQUARES[:2], datetime(2026, 5, 1, 8, tzinfo=UTC))
    done = city.turn()
    assert done["delivered"] == 1
    assert city.turn()["delivered"] == 0
    ((headers, body),) = Receiver.got
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(hook.secret.removeprefix("whsec_")), content, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    told = json.loads(body)
    assert told["type"] == "version.published"
    assert told["data"]["dataset"] == "areas"
    assert told["data"]["version"] == tiny.lake.newest("areas").number
    (delivery,) = city.webhooks.deliveries("erp")
    assert (delivery.state, delivery.attempts, delivery.status) == ("delivered", 1, 204)


def test_only_what_is_wanted_is_sent(city, receiver, sender) -> None:
    city.webhooks.add("one", receiver, ["amendment.answered"])
    item = city.amendments.send(Report("trees", "Secret words of a citizen."), sender("a@b.example"))
    city.amendments.move(item.id, "answered", "So it is.")
    city.turn()
    ((_, body),) = Receiver.got
    assert json.loads(body)["data"]["words"] == "So it is."
    assert b"Secret words" not in body
    assert b"b.example" not in body


def test_failures_are_tried_again_then_dead_then_revived(tiny, city, receiver) -> None:
    city.webhooks.add("frail", receiver, ["version.published"])
    Receiver.answer = 500
    tiny.publish(loads(AREAS), SQUARES, datetime(2026, 5, 2, 8, tzinfo=UTC))
    now = datetime.now(UTC)
    city.turn(now)
    (delivery,) = city.webhooks.deliveries("frail")
    assert (delivery.state, delivery.attempts, delivery.status) == ("waiting", 1, 500)
    assert delivery.next_at - now >= timedelta(seconds=4)
    for pause in PAUSES:
        now += pause + timedelta(seconds=1)
        city.webhooks.turn(now)
    (delivery,) = city.webhooks.deliveries("frail")
    assert (delivery.state, delivery.attempts) == ("dead", len(PAUSES) + 1)
    assert len({headers["webhook-id"] for headers, _ in Receiver.got}) == 1
    Receiver.answer = 200
    city.webhooks.again(delivery.id)
    city.webhooks.turn()
    assert city.webhooks.one(delivery.id).state == "delivered"


def test_gone_means_no_more(tiny, city, receiver) -> None:
    city.webhooks.add("left", receiver, ["version.published"])
    Receiver.answer = 410
    assert city.webhooks.test("left").state == "dead"
    assert city.webhooks.hook("left").rests
    Receiver.answer = 200
    tiny.publish(loads(AREAS), SQUARES[:3], datetime(2026, 5, 3, 8, tzinfo=UTC))
    city.turn()
    assert len(Receiver.got) == 1
    city.webhooks.wake("left")
    city.webhooks.turn(datetime.now(UTC) + timedelta(hours=1))
    assert len(Receiver.got) == 2


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/x", "http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::1]:80/", "http://0x7f.1/"],
)
def test_the_citys_own_network_is_not_asked(tiny, url) -> None:
    guarded = services(tiny)
    try:
        guarded.webhooks.add("inside", url, ["*"])
    except BadForm:
        return
    found = guarded.webhooks.test("inside")
    guarded.webhooks.drop("inside")
    assert found.state == "dead"
    assert found.status is None
    assert "not a public address" in found.error


def test_a_receiver_that_drips_is_left(city, monkeypatch) -> None:
    """A header now and then keeps every silence short; the whole answer has its time too."""
    import socket
    import time

    from arengo.services import webhook as module

    monkeypatch.setattr(module, "WHOLE", 1.0)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def drip() -> None:
            with listening.accept()[0] as one:
                one.sendall(b"HTTP/1.1 204 No Content\r\n")
                for number in range(600):
                    try:
                        one.sendall(f"X-{number}: a\r\n".encode())
                    except OSError:
                        return
                    time.sleep(0.2)

        threading.Thread(target=drip, daemon=True).start()
        city.webhooks.add("drip", f"http://127.0.0.1:{listening.getsockname()[1]}/", ["*"])
        began = time.monotonic()
        found = city.webhooks.test("drip")
        assert time.monotonic() - began < 60
        assert found.state == "dead"


def test_redirects_are_not_followed(city, receiver) -> None:
    city.webhooks.add("moved", receiver, ["*"])
    Receiver.answer = 307
    found = city.webhooks.test("moved")
    assert (found.state, found.status) == ("dead", 307)
    assert len(Receiver.got) == 1


def test_what_cannot_be_declared(tiny, city, monkeypatch) -> None:
    for name, url, events in (
        ("Big", "https://a.example", ["*"]),
        ("a", "ftp://a.example", ["*"]),
        ("a", "https://a.example", ["version.publisht"]),
        ("a", "https://a.example", []),
    ):
        with pytest.raises(BadForm):
            city.webhooks.add(name, url, events)
    with pytest.raises(NotFound):
        city.webhooks.test("nobody")
    path = tiny.settings.root / "webhooks.toml"
    monkeypatch.setenv("TINY_SECRET", new_secret())
    good = '[[webhook]]\nid = "file"\nurl = "https://a.example/x"\nevents = ["dataset.*"]\nsecret_env = "TINY_SECRET"\n'
    path.write_text(good)
    hook = city.webhooks.hook("file")
    assert (hook.declared, hook.events) == (True, ("dataset.*",))
    with pytest.raises(BadForm):
        city.webhooks.drop("file")
    for wrong in (
        good.replace("TINY_SECRET", "NOT_SET"), good.replace("dataset.*", "nothing.*"), good + good, "x = [",
        good.replace("events", "event"), good.replace("https", "file"),
    ):  # fmt: skip
        path.write_text(wrong)
        with pytest.raises(SettingsError):
            city.webhooks.hooks()
    assert city.turn()  # the rest goes on
    path.unlink()
