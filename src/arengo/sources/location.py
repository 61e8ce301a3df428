"""Where a source is, and how it becomes a plain local file: path rules, downloads, archives, change detection.

Every file kind is read through :class:`Located`: it resolves ``path`` or ``url``, downloads, unpacks a ``.gz``
or the ``member`` of a zip into the scratch folder within the limits, hands the reader one ordinary local path, and
checks afterwards that the source did not change under the read.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample
from arengo.errors import Place, SourceChanged, SourceForbidden, SourceMalformed, SourceMissing
from arengo.sources import archive
from arengo.sources.base import Context, Fingerprint, Pull, Reader

if TYPE_CHECKING:
    import pyarrow as pa

LOCATION_OPTIONS = {
    "path": "File, relative to the city folder; an absolute path is allowed, '..' is not.",
    "url": "Address of the file (http or https), instead of path.",
    "member": "Name inside a zip file.",
    "headers_env": "Request headers taken from environment variables: {header: NAME_OF_VARIABLE}.",
}
_FORBIDDEN = ("/proc", "/sys", "/dev")


def local_path(spec: SourceSpec) -> Path:
    """The local file or folder of ``spec``, checked. Raises SourceForbidden, SourceMissing, SourceMalformed.

    A relative path stays inside the city folder: '..' is refused, symbolic links are the operator's own doing and
    are followed. An absolute path is allowed, since whoever can write a contract file can read the machine's files
    already; devices, pipes and the system's own folders are refused, and so is ``.arengo``.
    """
    told = str(spec.options.get("path", ""))
    if not told or "\x00" in told:
        raise SourceMissing("The source names neither path nor url.", todo="Add one to arengoSource in the contract.")
    given = Path(told)
    if ".." in given.parts:
        raise SourceForbidden(
            f"The path {told!r} climbs out of its folder.",
            todo="Write a path inside the city folder, or an absolute path.",
        )
    path = Path(os.path.normpath(given if given.is_absolute() else spec.base.absolute() / given))
    real = path.resolve()
    if any(real.is_relative_to(folder) for folder in _FORBIDDEN) or real.is_relative_to(
        spec.base.resolve() / ".arengo"
    ):
        raise SourceForbidden(
            f"{told!r} is no place for city data.", todo="Move the file to the city's sources folder."
        )
    try:
        mode = real.stat().st_mode
    except FileNotFoundError:
        raise SourceMissing(
            f"There is no file {told!r}.", todo=f"Looked in {path.parent}.", place=Place(file=told)
        ) from None
    except OSError as error:
        raise SourceMissing(f"{told!r} cannot be read: {error.strerror}.", place=Place(file=told)) from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise SourceForbidden(f"{told!r} is a device or a pipe.", todo="Name an ordinary file.")
    return path


def regular(path: Path) -> Path:
    """``path`` when it is a readable file with content, else SourceMalformed or SourceMissing with a sentence."""
    if path.is_dir():
        raise SourceMalformed(
            f"{path.name!r} is a folder, not a file.",
            todo="Name a file, or use the kind 'folder' with a glob.",
            place=Place(file=path.name),
        )
    if not os.access(path, os.R_OK):
        raise SourceMissing(f"{path.name!r} may not be read by this user.", place=Place(file=path.name))
    if path.stat().st_size == 0:
        raise SourceMalformed(
            "The file is empty.", todo="Ask its owner to deliver it again.", place=Place(file=path.name)
        )
    return path


def parts(path: Path) -> tuple[Path, ...]:
    """The files that make up a source: a shapefile's companions beside it, otherwise the file alone."""
    if path.suffix.lower() != ".shp":
        log = path.with_name(path.name + "-wal")  # what a running program wrote to a SQLite file last
        return (path, log) if log.is_file() else (path,)
    stem = path.name[: -len(path.suffix)].lower()
    wanted = {".shp", ".shx", ".dbf", ".prj", ".cpg", ".cst"}
    beside = sorted(
        item
        for item in path.parent.iterdir()
        if item.is_file() and item.suffix.lower() in wanted and item.stem.lower() == stem
    )
    return tuple(beside) or (path,)


def _stats(files: tuple[Path, ...]) -> list[list[Any]]:
    out = []
    for file in files:
        with suppress(FileNotFoundError):
            about = file.stat()
            out.append([file.name, about.st_size, about.st_mtime_ns])
    return out


_RACY = 2_000_000_000
_known: dict[str, str] = {}


def digest(files: tuple[Path, ...], context: Context) -> Fingerprint:
    """SHA-256 over the content of ``files``, not computed again while their sizes and times are the same.

    A file written within the last two seconds may be written again within one tick of the clock: its time proves
    nothing yet, so it is neither remembered nor handed to the next pull.
    """
    stats = _stats(files)
    size = sum(item[1] for item in stats)
    settled = bool(stats) and all(time.time_ns() - item[2] > _RACY for item in stats)
    key = repr([(str(file), *item) for file, item in zip(files, stats, strict=False)])
    known = context.state.get("sha256") if context.state.get("stats") == stats else _known.get(key)
    if known and settled:
        return Fingerprint(str(known), size, {"stats": stats, "sha256": known})
    total = hashlib.sha256()
    for file in files:
        if len(files) > 1:
            total.update(file.name.encode() + b"\0")
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                total.update(chunk)
    value = total.hexdigest()
    if not settled:
        return Fingerprint(value, size, {"sha256": value})
    if len(_known) > 256:
        _known.clear()
    _known[key] = value
    return Fingerprint(value, size, {"stats": stats, "sha256": value})


@dataclass(frozen=True, slots=True)
class Found:
    """A located source: the plain file to read, the files watched for change, what the next pull should know."""

    path: Path
    watched: tuple[Path, ...]
    state: Mapping[str, Any]
    value: str = ""


def locate(spec: SourceSpec, context: Context, suffixes: tuple[str, ...], packed: bool) -> Found:
    """Bring the source of ``spec`` to a plain local file, downloading and unpacking within the limits."""
    state: Mapping[str, Any] = {}
    if spec.options.get("url"):
        from arengo.sources.download import download

        fetched = download(spec, context)
        path, state = fetched.path, fetched.state
    else:
        told = Path(str(spec.options.get("path", "")))
        ours = told.is_absolute() and told.is_relative_to(context.scratch.absolute())  # a member handed on by us
        path = told if ours else local_path(spec)
    if path.is_dir():
        regular(path)
    outer = path
    member = str(spec.options.get("member", ""))
    if not packed or member:
        kind = archive.packing(path)
        if kind == "gzip" and not path.name.lower().endswith(tuple(s for s in suffixes if s.endswith(".gz")) or "\0"):
            path = archive.gunzip(regular(path), context)
        elif kind == "zip" and (member or path.suffix.lower() not in suffixes):
            path = archive.unzip(regular(path), member, suffixes, context)
        elif member:
            raise SourceMalformed(
                f"There is no member {member!r}: {path.name} is not a zip file.", place=Place(file=path.name)
            )
    regular(path)
    watched = (outer,) if outer != path else parts(path)
    return Found(path, watched, state)


class Located:
    """A file kind with its location handled: what the registry hands out for every reader that has suffixes."""

    def __init__(self, inner: Reader) -> None:
        self.inner = inner
        self.kind = inner.kind
        self.title = inner.title
        self.suffixes = inner.suffixes
        self.options: Mapping[str, str] = {**LOCATION_OPTIONS, **inner.options}
        self.packed = bool(getattr(inner, "packed", False))

    def matches(self, target: str, head: bytes) -> int:
        return self.inner.matches(target, head)

    def _inner(self, spec: SourceSpec, path: Path) -> SourceSpec:
        options = {key: value for key, value in spec.options.items() if key not in LOCATION_OPTIONS}
        return replace(spec, options={**options, "path": str(path)})

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        place = locate(spec, context, self.suffixes, self.packed)
        where = {key: spec.options[key] for key in LOCATION_OPTIONS if key in spec.options}
        if "member" not in where and place.path not in place.watched and archive.packing(place.watched[0]) == "zip":
            where["member"] = archive.member_name(place.path)
        for sample in self.inner.samples(self._inner(spec, place.path), context, rows):
            own = {key: value for key, value in sample.options.items() if key not in ("path", "url", "headers_env")}
            yield replace(sample, options={**where, **own})

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        if spec.options.get("url") and context.state.get("sha256"):
            from arengo.sources.download import unchanged

            if unchanged(spec, context):
                return Fingerprint(str(context.state["sha256"]), state=context.state)
        return self._fingerprint(locate(spec, context, self.suffixes, self.packed), context)

    def _fingerprint(self, place: Found, context: Context) -> Fingerprint:
        found = digest(place.watched, context)
        return replace(found, state={**found.state, **place.state})

    def _after(self, pull: Pull, place: Found, context: Context) -> Fingerprint:
        """The fingerprint of what was read, with what the reader itself wants to know at the next pull."""
        found = self._fingerprint(place, context)
        return replace(found, state={**pull.fingerprint.state, **found.state})

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        place = locate(spec, context, self.suffixes, self.packed)
        before = _stats(place.watched)
        pull = self.inner.open(self._inner(spec, place.path), columns, context)
        inner = pull.batches

        def batches() -> Iterator[pa.RecordBatch]:
            try:
                yield from inner
            except Exception:
                if _stats(place.watched) != before:  # a change explains a broken read better than the breakage
                    raise changed(place.watched[0]) from None
                raise
            pull.fingerprint = self._after(pull, place, context)
            if _stats(place.watched) != before:
                raise changed(place.watched[0])

        pull.batches = batches()
        return pull


def changed(path: Path) -> SourceChanged:
    return SourceChanged(
        "The file changed while it was read.",
        todo="It is read again at the next run; deliver files under another name and rename them when complete.",
        place=Place(file=path.name),
    )
