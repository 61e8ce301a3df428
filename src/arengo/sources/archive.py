"""Packed files, unpacked within limits: size, ratio, names, nesting. Python's zlib and zipfile do the work.

A member is never trusted by what the archive says of itself: bytes are counted as they come out.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample
from arengo.errors import Place, SourceMalformed, SourceTooLarge
from arengo.sources.base import Context, Fingerprint, Pull

CHUNK = 1 << 18
MAX_MEMBERS = 10_000
FREE_RATIO = 10_000_000
"""Bytes that may come out before the ratio counts: tiny, very regular files pack well and harm nobody."""
_PACKED = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".zst")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


def packing(path: Path) -> str:
    """``zip``, ``gzip`` or '' by the file's first bytes."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    return "zip" if head in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08") else ""


def _copy(source: IO[bytes] | gzip.GzipFile, target: Path, packed_size: int, name: str, context: Context) -> None:
    """Unpack ``source`` into ``target``, counting. The file appears under its name only when it is whole."""
    limit, ratio = context.settings.max_bytes, context.settings.max_ratio
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    done = 0
    try:
        with part.open("wb") as out:
            while chunk := source.read(CHUNK):
                done += len(chunk)
                if done > limit:
                    raise SourceTooLarge(
                        f"It unpacks to more than {limit:,} bytes.",
                        todo="Raise sources.max_bytes in city.toml if this is right.",
                        place=Place(file=name),
                    )
                if done > FREE_RATIO and done > ratio * max(packed_size, 1):
                    raise SourceTooLarge(
                        f"It unpacks to more than {ratio} times its packed size, as a zip bomb does.",
                        todo="Raise sources.max_ratio in city.toml if this is right.",
                        place=Place(file=name),
                    )
                out.write(chunk)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _folder(path: Path, context: Context) -> Path:
    """A scratch folder that belongs to this state of this file."""
    about = path.stat()
    key = hashlib.sha256(f"{path}\0{about.st_size}\0{about.st_mtime_ns}".encode()).hexdigest()[:16]
    return context.scratch / "unpacked" / key


def gunzip(path: Path, context: Context) -> Path:
    """The unpacked copy of a ``.gz`` file. Raises SourceMalformed when it is cut off or damaged."""
    name = re.sub(r"\.(gz|gzip)$", "", path.name, flags=re.IGNORECASE) or "unpacked"
    target = _folder(path, context) / name
    if target.is_file():
        return target
    try:
        with gzip.open(path, "rb") as source:
            _copy(source, target, path.stat().st_size, path.name, context)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceMalformed(
            f"The gzip file is cut off or damaged: {error}.",
            todo="Fetch it again; nothing of it was published.",
            place=Place(file=path.name),
        ) from error
    return target


def opened(path: Path) -> zipfile.ZipFile:
    """The zip file, checked: number of members, encryption. Raises SourceMalformed, SourceTooLarge."""
    try:
        bundle = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise SourceMalformed(
            f"The zip file is damaged: {error}.", todo="Fetch it again.", place=Place(file=path.name)
        ) from error
    if len(bundle.filelist) > MAX_MEMBERS:
        bundle.close()
        raise SourceTooLarge(f"The zip file has more than {MAX_MEMBERS:,} members.", place=Place(file=path.name))
    return bundle


def members(bundle: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members a person put in: no folders, no macOS or Windows by-products."""
    out = []
    for info in bundle.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        junk = "__MACOSX" in path.parts or path.name.startswith("._") or path.name in (".DS_Store", "Thumbs.db")
        if not info.is_dir() and not junk:
            out.append(info)
    return out


def _safe(name: str, bundle: Path) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", name) or "\x00" in name:
        raise SourceMalformed(
            f"The zip file has a member that points outside of it: {name!r}.",
            todo="Do not open this file; ask where it comes from.",
            place=Place(file=bundle.name),
        )
    return path


def unzip(path: Path, member: str, suffixes: tuple[str, ...], context: Context) -> Path:
    """Unpack ``member`` (or the only one with a suffix of ``suffixes``) and, for a shapefile, its companions."""
    with opened(path) as bundle:
        all_members = members(bundle)
        for info in all_members:
            _safe(info.filename, path)
        if member:
            chosen = next((info for info in all_members if info.filename == member), None)
        else:
            fitting = [info for info in all_members if info.filename.lower().endswith(suffixes)]
            fitting = fitting or ([all_members[0]] if len(all_members) == 1 else [])
            if len(fitting) > 1:
                raise SourceMalformed(
                    f"The zip file has {len(fitting)} tables: {', '.join(i.filename for i in fitting[:8])}.",
                    todo="Name one in the source's option 'member'.",
                    place=Place(file=path.name),
                )
            chosen = fitting[0] if fitting else None
        if chosen is None:
            raise SourceMalformed(
                f"The zip file has no member {member!r}." if member else "The zip file has no member of this kind.",
                todo=f"It has {', '.join(info.filename for info in all_members[:8]) or 'no files'}.",
                place=Place(file=path.name),
            )
        wanted = [chosen]
        if chosen.filename.lower().endswith(".shp"):
            stem = chosen.filename[:-4].lower()
            wanted = [info for info in all_members if info.filename.lower().rpartition(".")[0] == stem]
        return [extract(bundle, info, path, context) for info in wanted][wanted.index(chosen)]


def extract(bundle: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, context: Context) -> Path:
    """Unpack one member into the scratch folder."""
    name = _safe(info.filename, path)
    if name.suffix.lower() in _PACKED:
        raise SourceTooLarge(
            f"{info.filename!r} is packed once more inside {path.name}; nested archives are not opened.",
            todo="Unpack the outer file into the city's sources folder.",
            place=Place(file=path.name),
        )
    target = _folder(path, context) / name
    if target.is_file() and target.stat().st_size == info.file_size:
        return target
    try:
        with bundle.open(info) as source:
            _copy(source, target, info.compress_size, f"{path.name}/{info.filename}", context)
    except _BROKEN as error:
        if isinstance(error, RuntimeError) and "password" in str(error):
            raise SourceMalformed(
                f"{info.filename!r} is encrypted.", todo="Deliver it without a password.", place=Place(file=path.name)
            ) from error
        if isinstance(error, OSError) and not isinstance(error, zipfile.BadZipFile) and error.errno:
            raise
        raise SourceMalformed(
            f"{info.filename!r} is damaged: {error}.", todo="Fetch it again.", place=Place(file=path.name)
        ) from error
    return target


def member_name(path: Path) -> str:
    """The member's name of a file that :func:`unzip` made."""
    names = path.parts
    return "/".join(names[names.index("unpacked") + 2 :]) if "unpacked" in names else path.name


def check(path: Path, context: Context) -> None:
    """Count what every member of a packed document (xlsx, ods, kmz) unpacks to, before another library opens it."""
    limit, ratio = context.settings.max_bytes, context.settings.max_ratio
    size = path.stat().st_size
    done = 0
    with opened(path) as bundle:
        for info in bundle.infolist():
            try:
                with bundle.open(info) as source:
                    while chunk := source.read(CHUNK):
                        done += len(chunk)
                        if done > limit or (done > FREE_RATIO and done > ratio * size):
                            raise SourceTooLarge(
                                "The document unpacks to far more than its size, as a zip bomb does.",
                                todo="Raise sources.max_ratio or sources.max_bytes in city.toml if this is right.",
                                place=Place(file=path.name),
                            )
            except _BROKEN as error:
                raise SourceMalformed(
                    f"The document is damaged: {error}.", todo="Save it again.", place=Place(file=path.name)
                ) from error


class ZipReader:
    """A zip file with several tables: each member is drafted as a source of its own kind with option ``member``."""

    kind = "zip"
    title = "Zip file of tables"
    suffixes: tuple[str, ...] = (".zip",)
    packed = True
    options: Mapping[str, str] = {
        "path": "File, relative to the city folder.",
        "url": "Address, instead of path.",
        "member": "Name inside the zip file.",
    }

    def matches(self, target: str, head: bytes) -> int:
        return 40 if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) else 0

    def _specs(self, spec: SourceSpec, context: Context) -> Iterator[tuple[SourceSpec, str]]:
        from arengo.sources import recognise

        path = spec.path()
        with opened(path) as bundle:
            found = members(bundle)
            for info in found:
                _safe(info.filename, path)
                if PurePosixPath(info.filename).suffix.lower() in (".dbf", ".shx", ".prj", ".cpg", *_PACKED):
                    continue
                try:
                    with bundle.open(info) as stream:
                        head = stream.read(65_536)
                except _BROKEN as error:
                    raise SourceMalformed(
                        f"{info.filename!r} is damaged: {error}.", place=Place(file=path.name)
                    ) from error
                kind = recognise(info.filename, head)
                if kind:
                    yield SourceSpec(kind, {**spec.options, "member": info.filename}, spec.base), info.filename

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        from arengo.sources import reader

        met = False
        for inner, member in self._specs(spec, context):
            met = True
            for sample in reader(inner.kind).samples(inner, context, rows):
                yield replace(sample, table=sample.table or member)
        if not met:
            raise SourceMalformed(
                "The zip file holds no table.", todo="Arengo reads tables and maps.", place=Place(file=spec.path().name)
            )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        from arengo.sources.location import digest

        return digest((spec.path(),), context)

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        from arengo.sources import reader

        found = list(self._specs(spec, context))
        member = str(spec.options.get("member", ""))
        fitting = [inner for inner, name in found if not member or name == member]
        if len(fitting) != 1:
            raise SourceMalformed(
                f"The zip file has {len(fitting)} tables.",
                todo="Name one in the source's option 'member'.",
                place=Place(file=spec.path().name),
            )
        return reader(fitting[0].kind).open(fitting[0], columns, context)
