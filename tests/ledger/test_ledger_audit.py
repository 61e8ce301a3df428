"""Every way to falsify a record, each found and named: on an export, and in the city's own database."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import orjson
import pytest
from small_record import Clock, fill

from arengo.errors import BadForm
from arengo.ledger import Ledger, audit, export, inventory
from arengo.ledger.audit import Problem, Report
from arengo.ledger.checkpoint import sign
from arengo.ledger.entry import canonical
from arengo.ledger.keys import Keys, read
from arengo.ledger.note import ED25519, SignerKey
from arengo.ledger.tiles import ENTRIES, WIDTH, Tile, bundle, unbundle
from arengo.ledger.tree import Leaves, leaf_hash
from arengo.settings import CitySettings, Settings
from arengo.state import open_state


@pytest.fixture(scope="session")
def original(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Keys]:
    """An export of 600 entries with checkpoints over 100, 300 and 600; and who signed it."""
    folder = Path(tmp_path_factory.mktemp("original"))
    settings = Settings(folder, CitySettings(url="https://data.example.org"))
    settings.home.mkdir()
    shutil.copy(migrated, settings.home / "state.sqlite")
    with open_state(settings.state_url) as state, Ledger(settings, state, now=Clock()) as ledger:
        fill(ledger, 99)
        ledger.sign()  # the 100th counts the persons of those before
        fill(ledger, 199, 100)
        ledger.sign()
        fill(ledger, 299, 300)
        return export.write(ledger, folder / "export"), ledger.keys


@pytest.fixture
def taken(original: tuple[Path, Keys], tmp_path: Path) -> Path:
    """A copy of the export, to be falsified."""
    return Path(shutil.copytree(original[0], tmp_path / "export"))


@pytest.fixture
def signer(original: tuple[Path, Keys]) -> SignerKey:
    return original[1].log


def check(path: Path, *, against: Iterable[str] = ()) -> Report:
    with export.opened(path) as source:
        return audit.verify(source, against=against)


def leaves(path: Path) -> list[bytes]:
    with export.opened(path) as source:
        return list(source.leaves())


def rewrite(path: Path, made: list[bytes], *, hashes: bool = False) -> None:
    """Falsify the leaves of an export; with ``hashes`` those beside them too."""
    shutil.rmtree(path / "tile" / "entries")
    if hashes:
        shutil.rmtree(path / "tile" / "0")
    for index in range((len(made) + WIDTH - 1) // WIDTH):
        part = made[index * WIDTH : (index + 1) * WIDTH]
        for level in (ENTRIES, 0) if hashes else (ENTRIES,):
            target = path / Tile(level, index, len(part)).path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(bundle(part) if level == ENTRIES else b"".join(map(leaf_hash, part)))


def only(report: Report) -> Problem:
    assert report.problems, "nothing was found"
    return report.problems[0]


def renumbered(made: list[bytes]) -> list[bytes]:
    return [canonical({**orjson.loads(leaf), "n": number}) for number, leaf in enumerate(made)]


def test_an_honest_export_is_right(taken: Path, signer: SignerKey) -> None:
    report = check(taken)
    assert report.ok
    assert (report.entries, report.signed, report.checkpoints) == (600, 600, 4)
    assert report.origin == "data.example.org/ledger/v1"
    assert report.key == str(signer.verifier)
    assert not report.trusted
    assert report.first < report.last


def test_drop(taken: Path) -> None:
    made = leaves(taken)
    rewrite(taken, made[:417] + made[418:])
    found = only(check(taken))
    assert (found.kind, found.number) == ("drop", 417)
    assert found.sentence == "Entry 417 is missing: at its place stands entry 418. It was left out."


def test_drop_of_the_last(taken: Path) -> None:
    rewrite(taken, leaves(taken)[:590])
    found = only(check(taken))
    assert found.kind == "rollback"
    assert "signed over 600 entries, but 590 are here" in found.sentence


def test_drop_with_numbers_and_hashes_made_to_fit(taken: Path) -> None:
    made = leaves(taken)
    rewrite(taken, renumbered(made[:150] + made[151:] + made[-1:]), hashes=True)
    found = only(check(taken))
    assert (found.kind, found.number) == ("edit", 100)
    assert "Between entry 100 and entry 299" in found.sentence


def test_reorder(taken: Path) -> None:
    made = leaves(taken)
    made[30], made[31] = made[31], made[30]
    rewrite(taken, made)
    found = only(check(taken))
    assert (found.kind, found.number) == ("reorder", 30)
    assert found.sentence == "Entry 31 stands at the place of entry 30: the order was changed."


def test_put_in(taken: Path) -> None:
    made = leaves(taken)
    rewrite(taken, [*made[:200], made[10], *made[200:]])
    found = only(check(taken))
    assert (found.kind, found.number) == ("insert", 10)


def test_edit(taken: Path) -> None:
    made = leaves(taken)
    made[255] = canonical({**orjson.loads(made[255]), "purpose": "statistics"})
    rewrite(taken, made)
    found = only(check(taken))
    assert (found.kind, found.number) == ("edit", 255)
    assert found.sentence.startswith("Entry 255 was edited after it was recorded")


def test_edit_with_its_hash(taken: Path) -> None:
    made = leaves(taken)
    made[20] = canonical({**orjson.loads(made[20]), "purpose": "statistics"})
    rewrite(taken, made, hashes=True)
    found = only(check(taken))
    assert found.kind == "edit"
    assert "Between entry 0 and entry 99" in found.sentence


def test_edit_of_time_and_of_what_is_no_json(taken: Path) -> None:
    made = leaves(taken)
    shift = canonical({**orjson.loads(made[40]), "t": "2020-01-01T00:00:00.000000Z"})
    rewrite(taken, [*made[:40], shift, *made[41:]], hashes=True)
    assert "Entry 40 is dated before" in only(check(taken)).sentence
    rewrite(taken, [*made[:40], b"[]", *made[41:]], hashes=True)
    assert "Entry 40 is not a leaf" in only(check(taken)).sentence


def test_fork(taken: Path, signer: SignerKey) -> None:
    """Whoever has the key signs a second history; a checkpoint kept from the first gives it away."""
    kept = (taken / "checkpoints" / "300").read_text(encoding="utf-8")
    made = leaves(taken)
    made[250] = canonical({**orjson.loads(made[250]), "purpose": "statistics"})
    rewrite(taken, made, hashes=True)
    tree = Leaves([leaf_hash(leaf) for leaf in made])
    for path in (taken / "checkpoints").iterdir():
        size = int(path.name)
        path.write_text(sign(signer, size, tree.root(size)).text, encoding="utf-8")
    (taken / "checkpoint").write_text(sign(signer, 600, tree.root(600)).text, encoding="utf-8")
    assert check(taken).ok  # a history by itself is consistent: this is why checkpoints are kept elsewhere
    found = check(taken, against=[kept]).problems
    assert {item.kind for item in found} == {"fork"}
    assert "two different records of 300 entries were both signed" in found[0].sentence.lower()
    shutil.rmtree(taken / "checkpoints")
    found = check(taken, against=[kept]).problems
    assert "two readers were shown two records" in found[0].sentence


def test_rollback(taken: Path) -> None:
    """An older export, whole and signed, against a newer checkpoint."""
    kept = (taken / "checkpoint").read_text(encoding="utf-8")
    made = leaves(taken)[:300]
    shutil.copy(taken / "checkpoints" / "300", taken / "checkpoint")
    for size in (600,):
        (taken / "checkpoints" / str(size)).unlink()
    rewrite(taken, made, hashes=True)
    assert check(taken).ok
    found = only(check(taken, against=[kept]))
    assert (found.kind, found.number) == ("rollback", 300)
    assert "signed over 600 entries, but 300 are here" in found.sentence


def test_another_key_and_no_key(taken: Path) -> None:
    stranger = SignerKey("data.example.org/ledger/v1", ED25519, bytes(32))
    root = Leaves([leaf_hash(leaf) for leaf in leaves(taken)]).root()
    (taken / "checkpoint").write_text(sign(stranger, 600, root).text, encoding="utf-8")
    assert only(check(taken)).kind == "signature"
    with export.opened(taken) as source:
        report = audit.verify(source, trusted=[SignerKey("other.example", ED25519, bytes(32)).verifier])
    assert {item.kind for item in report.problems} == {"signature", "unsigned"}


def test_a_signature_that_is_bent(taken: Path) -> None:
    text = (taken / "checkpoint").read_text(encoding="utf-8")
    (taken / "checkpoint").write_text(text.replace("\n600\n", "\n601\n"), encoding="utf-8")
    assert "is not one on this text" in only(check(taken)).sentence
    (taken / "checkpoint").write_text("nothing", encoding="utf-8")
    assert "cannot be believed" in only(check(taken)).sentence


def test_a_bundle_cut_off(taken: Path) -> None:
    path = taken / Tile(ENTRIES, 1).path
    path.write_bytes(path.read_bytes()[:-3])
    assert any(item.kind == "damage" and "ends within an entry" in item.sentence for item in check(taken).problems)


def test_archives(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, 260)
    target = export.write(ledger, tmp_path / "record.tar.gz")
    assert check(target).ok
    with pytest.raises(BadForm, match="not there"):
        check(tmp_path / "none.tar.gz")
    with pytest.raises(BadForm, match="there already"):
        export.write(ledger, tmp_path)
    target.write_bytes(target.read_bytes()[:200])
    with pytest.raises(BadForm, match="not a whole archive"):
        check(target)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "tile/../../x", "letter.txt", "tile/entries/000;rm"])
def test_archives_from_strangers(tmp_path: Path, name: str) -> None:
    target = tmp_path / "evil.tar.gz"
    with tarfile.open(target, "w:gz") as archive:
        item = tarfile.TarInfo(name)
        item.size = 3
        archive.addfile(item, BytesIO(b"bad"))
    with pytest.raises(BadForm, match="no part of a record"):
        check(target)


def test_archives_with_links_and_floods(tmp_path: Path) -> None:
    target = tmp_path / "link.tar.gz"
    with tarfile.open(target, "w:gz") as archive:
        item = tarfile.TarInfo("checkpoint")
        item.type, item.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(item)
    with pytest.raises(BadForm, match="no part of a record"):
        check(target)
    with tarfile.open(target, "w:gz") as archive:
        item = tarfile.TarInfo("checkpoint")
        item.size = 1_000_000
        archive.addfile(item, BytesIO(bytes(1_000_000)))
    with pytest.raises(BadForm, match="larger than"):
        check(target)


CHANGES: dict[str, tuple[str, str, str]] = {
    "leaf": ("UPDATE ledger_leaf SET leaf = ? WHERE n = 7", "edit", "Entry 7 "),
    "hash": ("UPDATE ledger_leaf SET hash = ? WHERE n = 7", "edit", "Entry 7 was edited"),
    "gone": ("DELETE FROM ledger_leaf WHERE n = 7 AND leaf <> ?", "drop", "Entry 7 is missing"),
    "body": ("UPDATE ledger_body SET text = ? WHERE n = 7", "edit", "The body of entry 7 was edited"),
    "salt": ("UPDATE ledger_body SET salt = ? WHERE n = 7", "edit", "The body of entry 7 was edited"),
    "root": ("UPDATE ledger_about SET slots = ? WHERE n = 8", "edit", "The persons of entry 8 were edited"),
    "person": (
        "UPDATE ledger_subject SET counter = counter + 9 WHERE n = 8 AND pseudonym <> ?",
        "edit",
        "A person was added to entry 8",
    ),
    "index": ("DELETE FROM ledger_subject WHERE n = 8 AND pseudonym <> ?", "drop", "the index does not name it"),
    "count": ("UPDATE ledger_count SET counters = ?", "edit", "The count of entry 20 was edited"),
    "head": ("UPDATE ledger_head SET size = size + 4, peaks = ?", "damage", "counts"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_in_the_database(ledger: Ledger, change: str) -> None:
    fill(ledger, 20)
    ledger.sign()
    assert inventory.verify(ledger).ok
    statement, kind, words = CHANGES[change]
    with ledger._open().alone() as transaction:
        transaction.run(statement, (bytes(64) if change == "head" else bytes(32),))
    report = inventory.verify(ledger)
    assert any(item.kind == kind and words in item.sentence for item in report.problems), report.problems


def test_a_published_file_that_was_changed(ledger: Ledger) -> None:
    fill(ledger, 300)
    ledger.sign()
    path = ledger.signing.folder.path / "tile" / "0" / "000"
    good = path.read_bytes()
    path.write_bytes(bytes(8192))
    assert "tile/0/000 is not what the record gives" in only(inventory.verify(ledger)).sentence
    path.unlink()
    assert ledger.signing.tile("tile/0/000") == good == path.read_bytes()
    assert inventory.verify(ledger).ok


def test_a_city_against_a_checkpoint_kept_elsewhere(
    ledger: Ledger, make: Callable[[Path], Ledger], tmp_path: Path
) -> None:
    """The operator replaces the whole record, key kept, files and all: only what others hold shows it."""
    fill(ledger, 50)
    kept = ledger.sign().text
    other = make(tmp_path / "other")
    other.settings.home.mkdir(parents=True, exist_ok=True)
    shutil.copy(ledger.settings.home / "ledger.key", other.settings.home / "ledger.key")
    assert read(other.settings).log == ledger.keys.log
    fill(other, 60, 1000)
    other.sign()
    assert inventory.verify(other).ok
    assert [item.kind for item in inventory.verify(other, against=[kept]).problems] == ["fork"]


def test_leaves_are_read_as_they_were_written(taken: Path) -> None:
    for index in range(3):
        with export.opened(taken) as source:
            data, width = source._tile(ENTRIES, index)
            hashes = source.hashes(index)
        found = unbundle(data)
        assert len(found) == width
        assert bundle(found) == data
        assert b"".join(map(leaf_hash, found)) == hashes
