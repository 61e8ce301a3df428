"""The record as files somebody can take home: leaves, hashes, checkpoints with cosignatures, public keys. No bodies."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from arengo.errors import ArengoError, BadForm
from arengo.ledger import note
from arengo.ledger.tiles import ENTRIES, WIDTH, Tile, parse, put, tiles_of, unbundle

if TYPE_CHECKING:
    from arengo.ledger.ledger import Ledger

README = """\
The record of {origin}: {size} entries, as signed.

  checkpoint     the newest signed checkpoint (c2sp.org/tlog-checkpoint), with the signatures of witnesses
  checkpoints/   those signed before
  keys           verifier keys (c2sp.org/signed-note): the record's own first, then its witnesses'
  tile/          hashes and entries (c2sp.org/tlog-tiles); each entry is one line of JSON

Check it with: arengo ledger verify PATH
Compare the first key with one you got from somewhere else, and keep the checkpoint: with --against it shows later
that nothing of these entries was changed, left out or added in between.
"""
MOST = {"checkpoint": note.MOST_NOTE, "checkpoints": note.MOST_NOTE, "keys": 65_536, "README.txt": 65_536}
MOST_TILE = WIDTH * 65_537
_known = re.compile(r"README\.txt|checkpoint|keys|checkpoints/[0-9]{1,18}|tile/[0-9a-z/.]{1,80}", re.ASCII)


def files(ledger: Ledger) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of an export of what is signed now."""
    signed = ledger.sign()
    yield "README.txt", README.format(origin=signed.origin, size=signed.size).encode()
    yield "keys", "".join(f"{key}\n" for key in ledger.public_keys()).encode()
    yield "checkpoint", signed.text.encode()
    before: int | None = None
    while page := ledger.signing.checkpoints(100, before):
        for made in page:
            before = made.size
            if made.size <= signed.size:
                yield f"checkpoints/{made.size}", made.text.encode()
    for tile in tiles_of(signed.size):
        yield tile.path, ledger.nodes.tile(tile)


def write(ledger: Ledger, target: Path) -> Path:
    """Write an export: a ``.tar.gz`` file, or a folder (new or empty). Returns ``target``. Raises BadForm."""
    if target.name.endswith((".tar.gz", ".tgz")):
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_name(f".{target.name}.part")
        with tarfile.open(scratch, "w:gz") as archive:
            for name, data in files(ledger):
                item = tarfile.TarInfo(name)
                item.size, item.mode = len(data), 0o644
                archive.addfile(item, io.BytesIO(data))
        scratch.replace(target)
        return target
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadForm(f"{target} is there already.", todo="Name a new folder, or a file that ends in .tar.gz.")
    for name, data in files(ledger):
        put(target / name, data)
    return target


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Export]:
    """An export in a folder or archive. Raises BadForm."""
    if path.is_dir():
        yield Export(path)
        return
    if not path.is_file():
        raise BadForm(
            f"{path} is not there.", todo="Name the folder or .tar.gz file that 'arengo ledger export' wrote."
        )
    with tempfile.TemporaryDirectory(prefix="arengo-ledger-") as scratch:
        _unpack(path, Path(scratch))
        yield Export(Path(scratch))


def _unpack(path: Path, folder: Path) -> None:
    """Only files with names of an export, each no larger than such a file can be; an archive may come from anybody."""
    try:
        with tarfile.open(path, "r|gz") as archive:
            for item in archive:
                name = item.name.removeprefix("./")
                if item.isdir():
                    continue
                if not item.isreg() or not _known.fullmatch(name) or ".." in name:
                    raise BadForm(f"The archive holds {name[:80]!r}, which is no part of a record.")
                if item.size > MOST.get(name.partition("/")[0], MOST_TILE):
                    raise BadForm(f"The archive's {name[:80]!r} is larger than such a file can be.")
                data = archive.extractfile(item)
                assert data is not None
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(data, file)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadForm(f"{path} is not a whole archive: {error}.") from None


class Export:
    """A record in a folder, as a source of :func:`arengo.ledger.audit.verify`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "checkpoint").is_file():
            raise BadForm(f"{folder} holds no record: the file 'checkpoint' is missing.")

    def keys(self) -> Sequence[note.VerifierKey]:
        try:
            lines = (self.folder / "keys").read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError):
            return ()
        return tuple(note.verifier(line) for line in lines)

    def checkpoints(self) -> Iterator[str]:
        yield self._text(self.folder / "checkpoint")
        for path in sorted((self.folder / "checkpoints").glob("*")):
            yield self._text(path)

    def leaves(self) -> Iterator[bytes]:
        index = 0
        while True:
            data, width = self._tile(ENTRIES, index)
            if not width:
                return
            found = unbundle(data)
            yield from found
            if len(found) != width:
                sentence = f"The bundle with entry {index * WIDTH} holds {len(found)} entries instead of {width}."
                raise BadForm(sentence)
            if width < WIDTH:
                return
            index += 1

    def hashes(self, tile: int) -> bytes:
        return self._tile(0, tile)[0]

    def _tile(self, level: int, index: int) -> tuple[bytes, int]:
        """(bytes, width) of the widest form that is there; width 0 when none is."""
        full = self.folder / Tile(level, index).path
        if full.is_file():
            return full.read_bytes(), WIDTH
        parts = full.with_name(f"{full.name}.p")
        widths = [int(path.name) for path in parts.glob("*") if path.name.isascii() and path.name.isdecimal()]
        if not widths:
            return b"", 0
        with contextlib.suppress(ArengoError):
            parse(Tile(level, index, max(widths)).path)
            return (parts / str(max(widths))).read_bytes(), max(widths)
        return b"", 0

    def _text(self, path: Path) -> str:
        if path.stat().st_size > note.MOST_NOTE:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
