"""The record over HTTP: tiles as C2SP has them, proofs that verify, bodies for auditors, cosigning for others."""

from __future__ import annotations

import base64
import threading
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from small_record import fill
from starlette.requests import Request

import arengo
from arengo import faces
from arengo.city import City, init
from arengo.governance import ANYONE, Caller
from arengo.ledger import Visibility, checkpoint, note
from arengo.ledger.entry import commitment
from arengo.ledger.tiles import unbundle
from arengo.ledger.tree import leaf_hash, verify_consistency, verify_inclusion
from arengo.services.witness import cosign

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

ROLES = {
    "auditor": (("*", "auditor"),),
    "parks": (("parks", "auditor"),),
    "administrator": (("*", "administrator"),),
}


class Named:
    """Who asks is what a header says: sessions and keys have tests of their own."""

    def of(self, request: Request) -> Caller:
        role = request.headers.get("x-role", "")
        return Caller("person/ines", "city", roles=ROLES[role]) if role else ANYONE


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[City]:
    root = Path(tmp_path_factory.mktemp("face")) / "city"
    init(root, name="Castellaro").close()
    (root / ".arengo").mkdir()
    (root / ".arengo" / "state.sqlite").write_bytes(migrated.read_bytes())
    with arengo.open(root) as opened:
        fill(opened.ledger, 299)
        opened.ledger.sign()  # the 300th counts the persons of those before
        fill(opened.ledger, 19, 300)
        opened.ledger.count()
        until = datetime.now(UTC) + timedelta(days=9)
        later = Visibility("deferred", until, "prosecutor", "c.p.p. art. 329")
        opened.ledger.tell("read", actor="officer", dataset="children", organisation="police", visibility=later)
        opened.ledger.sign()
        yield opened


@pytest.fixture(scope="module")
def client(city: City) -> Iterator[TestClient]:
    app = faces.application(city.door, city.catalogue, city.settings, Named(), None, city.access)
    with TestClient(app) as made:
        yield made


def root_of(client: TestClient) -> checkpoint.Checkpoint:
    return checkpoint.parse(client.get("/ledger/v1/checkpoint").text)


def unpacked(texts: list[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]


def test_a_stranger_verifies_an_entry_with_nothing_but_static_files(client: TestClient) -> None:
    answer = client.get("/ledger/v1/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    signed = checkpoint.parse(answer.text)
    key = note.verifier(client.get("/ledger/v1/keys").text.split()[0])
    assert signed.note.signed_by([key]) == (key,)
    assert signed.origin == key.name == "castellaro.invalid/ledger/v1"
    assert signed.size == 321
    full = client.get("/ledger/v1/tile/0/000")
    assert len(full.content) == 8192
    assert "immutable" in full.headers["cache-control"]
    part = client.get("/ledger/v1/tile/0/001.p/65")
    hashes = full.content + part.content
    leaves = unbundle(client.get("/ledger/v1/tile/entries/000").content)
    leaves += unbundle(client.get("/ledger/v1/tile/entries/001.p/65").content)
    assert [hashes[at * 32 : (at + 1) * 32] for at in range(321)] == [leaf_hash(leaf) for leaf in leaves]
    given = client.get("/ledger/v1/proof/inclusion", params={"entry": 300}).json()
    assert given["size"] == 321
    assert verify_inclusion(leaf_hash(leaves[300]), 300, 321, unpacked(given["proof"]), signed.root)
    older = client.get("/ledger/v1/checkpoints").json()["items"][1]
    grown = client.get("/ledger/v1/proof/consistency", params={"old": older["size"]}).json()
    proof = unpacked(grown["proof"])
    assert verify_consistency(300, 321, proof, base64.b64decode(older["root"]), signed.root)


@pytest.mark.parametrize(
    "path",
    [
        "0/001",
        "0/002.p/1",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/07",
        "64/000",
        "00/000",
        "0/x000/001",
        "0/1",
        "entries/../../../../ledger.key",
        "entries/%2e%2e/%2e%2e/ledger.key",
        "entries/000%00",
        "5/000.p/1",
        "0/x999/x999/x999/x999/x999/x999/999",
    ],
)
def test_no_such_tile(client: TestClient, path: str) -> None:
    answer = client.get(f"/ledger/v1/tile/{path}")
    assert answer.status_code == 404
    assert "PRIVATE" not in answer.text


def test_partial_tiles_of_older_checkpoints(client: TestClient) -> None:
    assert len(client.get("/ledger/v1/tile/0/001.p/44").content) == 44 * 32
    assert len(client.get("/ledger/v1/tile/0/001.p/7").content) == 7 * 32
    assert client.get("/ledger/v1/tile/1/000.p/1").status_code == 200


def test_entries(client: TestClient, city: City) -> None:
    found = client.get("/ledger/v1/entries", params={"limit": 2, "dataset": "children"}).json()
    assert [item["number"] for item in found["items"]] == [0, 2]
    again = client.get(found["next"]).json()
    assert [item["number"] for item in again["items"]] == [4, 6]
    newest = client.get("/ledger/v1/entries", params={"before": 10**6, "limit": 1}).json()["items"][0]
    assert newest["hidden"] is True
    assert set(newest["leaf"]) == {"v", "n", "t", "kind", "visibility", "body"}
    text = client.get("/ledger/v1/entries", params={"limit": 1000}).text
    for word in ("person-", "app-0", "officer", "police", "prosecutor"):
        assert word not in text
    days = client.get("/ledger/v1/days").json()
    assert sum(n for kinds in days.values() for n in kinds.values()) == city.ledger.size


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "after=-2", "kind=gossip", "day=yesterday", "page=2", "limit=1&limit=2", "after=1e3"],
)
def test_questions_that_cannot_be_answered(client: TestClient, query: str) -> None:
    answer = client.get(f"/ledger/v1/entries?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_numbers_that_are_none(client: TestClient) -> None:
    assert client.get("/ledger/v1/entries/99999").status_code == 404
    assert client.get("/ledger/v1/entries/x").status_code == 400
    assert client.get("/ledger/v1/proof/inclusion").status_code == 400
    assert client.get("/ledger/v1/proof/inclusion?entry=400").status_code == 404
    assert client.get("/ledger/v1/proof/consistency").status_code == 400
    assert client.get("/ledger/v1/proof/consistency?old=5&size=4").status_code == 404


def test_bodies_are_for_auditors_and_every_look_is_recorded(client: TestClient, city: City) -> None:
    assert "body" not in client.get("/ledger/v1/entries/1").json()
    assert client.get("/ledger/v1/entries/1?body=true").status_code == 403
    refused = client.get("/ledger/v1/entries/1?body=true", headers={"x-role": "administrator"})
    assert refused.status_code == 403
    before = city.ledger.size
    shown = client.get("/ledger/v1/entries/1?body=true", headers={"x-role": "auditor"})
    assert shown.headers["cache-control"] == "private, no-store"
    body = shown.json()
    assert orjson.loads(body["body"])["actor"] == "app-1"
    made = commitment(base64.b64decode(body["salt"]), body["body"].encode())
    assert made.hex() == body["leaf"]["body"]
    assert city.ledger.size == before + 1
    look = city.ledger.entry(before, whole=True)
    assert look.facts["action"] == "body-read"
    assert look.body is not None
    assert look.body["actor"] == "person/ines"
    assert client.get("/ledger/v1/entries/1?body=true", headers={"x-role": "parks"}).status_code == 200
    hidden = client.get("/ledger/v1/entries/320?body=true", headers={"x-role": "auditor"}).json()
    assert hidden["body"] is None


def test_answers_are_never_old(client: TestClient, city: City) -> None:
    size = client.get("/ledger/v1/entries").json()["size"]
    city.ledger.tell("publication")
    assert client.get("/ledger/v1/entries").json()["size"] == size + 1


def serving(city: City) -> Iterator[str]:
    import uvicorn

    app = faces.application(city.door, city.catalogue, city.settings, None, None, city.access)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def another(root: Path, migrated: Path, name: str, more: str = "") -> City:
    init(root, name=name).close()
    with (root / "city.toml").open("a") as file:
        file.write(more)
    (root / ".arengo").mkdir()
    (root / ".arengo" / "state.sqlite").write_bytes(migrated.read_bytes())
    opened: City = arengo.open(root)
    return opened


def test_another_city_cosigns_and_refuses_a_fork(tmp_path: Path, migrated: Path) -> None:
    ours = another(tmp_path / "ours", migrated, "Ours")
    fill(ours.ledger, 30)
    ours.ledger.sign()
    assert cosign(ours.settings, ours.ledger) == []
    key = ours.ledger.public_keys()[0]
    theirs = another(tmp_path / "theirs", migrated, "Theirs", f'[ledger]\nlogs = ["{key}"]\n')
    for base in serving(theirs):
        witness = f"{theirs.ledger.keys.witness.verifier} {base}/ledger/v1"
        ours.close()
        with (tmp_path / "ours" / "city.toml").open("a") as file:
            file.write(f'[sources]\nallow_hosts = ["127.0.0.1"]\n[ledger]\nwitnesses = ["{witness}"]\n')
        with arengo.open(tmp_path / "ours") as city:
            ledger = city.ledger
            assert [item.state for item in cosign(city.settings, ledger)] == ["signed"]
            signed = ledger.checkpoint()
            assert signed is not None
            assert signed.note.signed_by([theirs.ledger.keys.witness.verifier])
            assert ledger.signing.folder.checkpoint() == signed.text
            assert cosign(city.settings, ledger) == []  # nothing grew
            fill(ledger, 400, 30)
            ledger.sign()
            assert cosign(city.settings, ledger) == []  # signed a moment ago
            assert [item.state for item in cosign(city.settings, ledger, due_only=False)] == ["signed"]
            assert theirs.ledger.witness.known()[0].size == ledger.size == 432
        for path in (tmp_path / "ours" / ".arengo").glob("ledger*"):
            if path.is_file() and path.name != "ledger.key":
                path.unlink()
        for path in sorted((tmp_path / "ours" / ".arengo" / "ledger").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        with arengo.open(tmp_path / "ours") as city:  # another history under the same key
            fill(city.ledger, 20, 5000)
            city.ledger.sign()
            (asked,) = cosign(city.settings, city.ledger)
            assert (asked.state, "set back" in asked.words) == ("refused", True)
            fill(city.ledger, 500, 5000)
            city.ledger.sign()
            (asked,) = cosign(city.settings, city.ledger)
            assert asked.state == "refused"
            assert "422" in asked.words
    theirs.close()


def test_what_a_witness_refuses(city: City, client: TestClient, tmp_path: Path, migrated: Path) -> None:
    key = city.ledger.public_keys()[0]
    with another(tmp_path / "w", migrated, "Witness", f'[ledger]\nlogs = ["{key}"]\n') as other:
        witness = other.ledger.witness
        new = city.ledger.sign()
        old = city.ledger.signing.at(300)
        grown = "".join(base64.b64encode(item).decode() + "\n" for item in city.ledger.consistency(300, new.size))
        assert witness.add(b"nonsense").status == 400
        assert witness.add(f"old 01\n\n{old.text}".encode()).status == 400
        assert witness.add(f"old 301\n\n{old.text}".encode()).status == 400
        assert witness.add(b"old 0\n\n" + b"x" * 200_000).status == 400
        stranger = note.SignerKey("castellaro.invalid/ledger/v1", note.ED25519, bytes(32))
        assert witness.add(f"old 0\n\n{checkpoint.sign(stranger, 300, old.root).text}".encode()).status == 403
        nobody = note.SignerKey("nobody.example", note.ED25519, bytes(32))
        assert witness.add(f"old 0\n\n{checkpoint.sign(nobody, 300, old.root).text}".encode()).status == 404
        bent = old.text.replace("\n300\n", "\n299\n")
        assert witness.add(f"old 0\n\n{bent}".encode()).status == 403
        assert witness.add(f"old 0\n{grown}\n{old.text}".encode()).status == 422
        first = witness.add(f"old 0\n\n{old.text}".encode())
        assert first.status == 200
        (made,) = note.signatures(first.text)
        assert other.ledger.keys.witness.verifier.checks(old.note.text, made.made)
        late = witness.add(f"old 0\n\n{new.text}".encode())
        assert (late.status, late.text, late.media) == (409, "300\n", "text/x.tlog.size")
        assert witness.add(f"old 300\n\n{new.text}".encode()).status == 422
        assert witness.add(f"old 300\n{grown}\n{new.text}".encode()).status == 200
        again = f"old {new.size}\n\n{new.text}".encode()
        assert witness.add(again).status == 200
    assert client.post("/ledger/v1/add-checkpoint", content=b"x" * 200_000).status_code == 400
    assert client.post("/ledger/v1/add-checkpoint", content=f"old 0\n\n{old.text}").status_code == 404


def test_a_note_that_others_made() -> None:
    """The example of golang.org/x/mod/sumdb/note."""
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    key = note.verifier("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert note.parse(text).signed_by([key]) == (key,)
    assert str(note.parse(text)) == text
    with pytest.raises(arengo.errors.BadForm):
        note.verifier("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")


def test_the_shape_of_a_checkpoint_of_the_specification() -> None:
    text = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+"
        "zyWE+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0"
        "xUe+mbIUBkBIfZ+qnA==\n"
    )
    made = checkpoint.parse(text)
    assert (made.origin, made.size) == ("example.com/behind-the-sofa", 20852163)
    assert made.text == text
    assert made.note.signatures[1].at == 1679315147


def test_a_new_key_follows_the_old_one(tmp_path: Path, migrated: Path) -> None:
    from arengo.ledger import inventory

    with another(tmp_path / "city", migrated, "City") as city:
        fill(city.ledger, 10)
        city.ledger.sign()
        old = city.ledger.public_keys()[0]
        new = city.ledger.rotate()
        assert new != old
        assert city.ledger.public_keys()[:2] == (new, old)
        assert city.ledger.entry(11).facts["verifier"] == str(new)
        signed = city.ledger.checkpoint()
        assert signed is not None
        assert signed.note.signed_by([new]) == (new,)
        fill(city.ledger, 5)
        city.ledger.sign()
        assert inventory.verify(city.ledger).ok


def test_a_record_set_back_is_noticed(tmp_path: Path, migrated: Path) -> None:
    from arengo.doctor import examine

    with another(tmp_path / "city", migrated, "City") as city:
        fill(city.ledger, 10)
        city.ledger.sign()
        app = faces.application(city.door, city.catalogue, city.settings, None, None, city.access)
        with TestClient(app) as client:
            assert client.get("/healthz").json()["status"] == "ok"
            assert "arengo_record_broken 0" in client.get("/metrics").text
            with city.ledger._open().alone() as transaction:
                transaction.run("UPDATE ledger_leaf SET hash = ? WHERE n = 3", (bytes(32),))
            city.ledger.nodes._kept.clear()
            fill(city.ledger, 1)
            with pytest.raises(arengo.errors.LedgerBroken):
                city.ledger.sign()
            told = client.get("/healthz")
            assert told.status_code == 200  # what is open is still answered
            assert told.json()["status"] == "degraded"
            assert "not those that were signed" in told.json()["record"]
            assert "arengo_record_broken 1" in client.get("/metrics").text
    (found,) = (item for item in examine(tmp_path / "city") if item.what == "record")
    assert not found.good
    assert "not those that were signed" in found.met
    assert "arengo ledger verify" in found.todo
