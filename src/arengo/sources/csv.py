"""The ``csv`` kind: delimited text files of any encoding and dialect, also packed (gzip, bzip2, xz).

What the draft found out (encoding, delimiter, rows above the header) stands in the contract's source options; what
does not stand there is found out again at each read. :func:`open_table` and :func:`tables` read from any opener of
bytes, so an archive's member or a download is read by the same code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import Place, SourceMalformed
from arengo.settings import SourceSettings
from arengo.sources import csv_points, csv_stream
from arengo.sources.base import ROW, Context, Fingerprint, Pull
from arengo.sources.csv_records import Marks
from arengo.sources.dialect import Dialect, sections, sniff
from arengo.sources.text import (
    Bytes,
    Encoding,
    Feed,
    Opener,
    Stamp,
    check_unchanged,
    find_encoding,
    known_encoding,
    local_file,
    opener,
    sha256_of,
)

if TYPE_CHECKING:
    import pyarrow as pa

HEAD = 262_144
OPTIONS: Mapping[str, str] = {
    "path": "The file, relative to the city's folder.",
    "encoding": "Encoding of the text, such as utf-8 or windows-1252; found out when absent.",
    "fallback": "Encoding of the lines that are not UTF-8, in a file that mixes two.",
    "delimiter": "What stands between cells; '\\t' is the tabulator, two blanks mean two or more blanks.",
    "quote": "Quotation mark of cells, '\"' or \"'\"; 'none' when quotes are plain characters.",
    "escape": "Character that makes the next quotation mark a plain one, such as a backslash.",
    "wrapped": "true when each whole line stands between quotation marks.",
    "skip": "Records above the header (titles).",
    "header": "Rows the header takes; 0 when the file has none.",
    "columns": "Names of the columns, for a file without a header.",
    "points": "Columns that hold both coordinates in one text, each with its order: {place: lat lon}.",
    "section": "Name of the section, for a file that holds several tables under words such as PROJECTS.",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the bytes are: how to open them, what to call them, how many there are."""

    open: Opener
    name: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class CsvReader:
    """Reader of the ``csv`` kind (see :class:`arengo.sources.base.Reader`)."""

    kind: str = "csv"
    title: str = "Delimited text: CSV, TSV and their relatives"
    suffixes: tuple[str, ...] = (".csv", ".tsv", ".tab", ".txt", ".pb", ".psv", ".dsv", ".asc")
    options: Mapping[str, str] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", OPTIONS)

    def matches(self, target: str, head: bytes) -> int:
        """100 never: any text may be a table. 80 by its suffix, 30 when the bytes are text with delimiters."""
        name = re.sub(r"\.(gz|bz2|xz)$", "", target.lower().split("?")[0])
        if name.endswith((".csv", ".tsv", ".psv", ".dsv", ".tab", ".pb")):
            return 80
        binary = b"\0" in head[:2048] and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
        if binary or head.startswith((b"{", b"[", b"<", b"PK", b"%PDF", b"\xd0\xcf\x11\xe0", b"PAR1")):
            return 0
        if name.endswith((".txt", ".asc")):
            return 60
        return 30 if any(mark in head for mark in (b";", b",", b"\t", b"|")) and b"\n" in head else 0

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        path = local_file(spec.path())
        place = Stored(opener(path), path.name, path.stat().st_size)
        yield from tables(place.open, path.name, spec.options, context, rows, size=place.size)

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        """SHA-256 of the file; not computed again while size, time and inode are those of the last pull."""
        path = local_file(spec.path())
        stamp = Stamp.of(path)
        state = {"size": stamp.size, "modified": stamp.modified, "inode": stamp.inode}
        last = context.state
        if last.get("sha256") and all(last.get(key) == value for key, value in state.items()):
            return Fingerprint(str(last["sha256"]), stamp.size, {**state, "sha256": str(last["sha256"])})
        digest = sha256_of(path)
        check_unchanged(path, stamp, stamp.size)
        return Fingerprint(digest, stamp.size, {**state, "sha256": digest})

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        path = local_file(spec.path())
        stamp = Stamp.of(path)
        pull = open_table(opener(path), path.name, spec.options, columns, context, size=stamp.size)
        inner = pull.batches

        def guarded() -> Iterator[pa.RecordBatch]:
            yield from inner
            state = pull.fingerprint.state
            check_unchanged(path, stamp, int(state.get("bytes", stamp.size)))
            kept = {"size": stamp.size, "modified": stamp.modified, "inode": stamp.inode}
            digest = pull.fingerprint.value
            pull.fingerprint = Fingerprint(digest, stamp.size, {**kept, "sha256": digest})

        pull.batches = guarded()
        return pull


def open_table(
    open_bytes: Opener,
    name: str,
    options: Mapping[str, Any],
    columns: tuple[str, ...],
    context: Context,
    *,
    size: int | None = None,
) -> Pull:
    """Read one table from an opener of bytes. ``columns``: source names, empty for all.

    Raises SourceMalformed (a wanted column is not there, damaged packing), SourceTooLarge (a limit). The fingerprint
    of the pull, complete after the last batch, is the SHA-256 of the bytes as stored.
    """
    encoding, dialect = understand(open_bytes, name, options, context.settings, wanted=columns)
    points = {str(k): str(v) for k, v in dict(options.get("points") or {}).items() if k in dialect.names}
    derived_names = [item for column in points for item in csv_points.names(column)]
    every = (*dialect.names, *derived_names)
    missing = [column for column in columns if column not in every]
    if missing:
        raise SourceMalformed(
            f"The file has no column {', '.join(repr(column) for column in missing)}.",
            todo=f"Its columns are {', '.join(dialect.names[:40])}. Change physicalName in the contract.",
            place=Place(file=name, column=missing[0]),
        )
    chosen = columns or every
    read, derived = csv_points.wanted(chosen, points)
    count = csv_stream.Count()
    pull = Pull(schema=csv_stream.schema(chosen), batches=iter(()), fingerprint=Fingerprint(""), rejects=count.rejects)
    feeds: list[Feed] = []

    def open_feed(drop: int) -> Feed:
        source = Bytes(open_bytes(), name, context.settings, context.progress, size)
        feeds.append(Feed(source, encoding, drop))
        return feeds[-1]

    def run() -> Iterator[pa.RecordBatch]:
        try:
            yield from whole()
        finally:
            pull.close()

    def whole() -> Iterator[pa.RecordBatch]:
        if dialect.names:
            for batch in csv_stream.batches(open_feed, dialect, read, name, count, context.settings.max_cell):
                pull.read = count.read
                yield _with_points(batch, chosen, derived, points) if derived else batch
        else:
            open_feed(0).read()
        feed = feeds[-1]
        while feed.stream.read():  # a section ends before the file does
            pass
        pull.read = count.read
        notes = getattr(pull, "notes", None)
        if notes is not None:
            notes.extend(feed.notes)
        pull.fingerprint = Fingerprint(feed.stream.sha256, feed.stream.raw_bytes, {"bytes": feed.stream.raw_bytes})

    pull.batches = run()

    def close() -> None:
        for feed in feeds:
            feed.finish()

    pull.close = close
    return pull


def _with_points(
    batch: pa.RecordBatch, chosen: tuple[str, ...], derived: dict[str, tuple[str, int]], points: dict[str, str]
) -> pa.RecordBatch:
    import pyarrow as pa

    made = {column: csv_points.columns(batch.column(column), points[column]) for column, _ in derived.values()}
    arrays = [made[derived[name][0]][derived[name][1]] if name in derived else batch.column(name) for name in chosen]
    return pa.RecordBatch.from_arrays([batch.column(0), *arrays], names=[ROW, *chosen])


def understand(
    open_bytes: Opener,
    name: str,
    options: Mapping[str, Any],
    limits: SourceSettings,
    *,
    wanted: tuple[str, ...] = (),
    whole: bool = True,
) -> tuple[Encoding, Dialect]:
    """Encoding and dialect: what ``options`` say, the rest found out from the bytes."""
    if options.get("encoding"):
        encoding = Encoding(known_encoding(str(options["encoding"]), name), str(options.get("fallback", "")))
    else:
        source = Bytes(open_bytes(), name, limits, digest=False)
        try:
            encoding = find_encoding(source, whole=whole)
        finally:
            source.close()
    text, complete = head_text(open_bytes, name, encoding, limits)
    dialect = _sniffed(text, complete, options)
    derived = {item for column in dict(options.get("points") or {}) for item in csv_points.names(str(column))}
    wanted = tuple(name for name in wanted if name not in derived)
    if wanted and not set(wanted) <= set(dialect.names):
        # The title above the table grew a line, say: look again without what the contract remembers.
        anew = _sniffed(text, complete, {key: options[key] for key in ("section", "columns") if key in options})
        if set(wanted) <= set(anew.names):
            dialect = anew
    return encoding, dialect


def head_text(open_bytes: Opener, name: str, encoding: Encoding, limits: SourceSettings) -> tuple[str, bool]:
    """The decoded first part of a file, cut at a line end, and whether it is all of it."""
    feed = Feed(Bytes(open_bytes(), name, limits, digest=False), encoding)
    try:
        head = b""
        while len(head) < HEAD and (piece := feed.read(HEAD)):
            head += piece
        complete = not feed.read(1)
    finally:
        feed.finish()
    return head.decode("utf-8", errors="replace"), complete


def _sniffed(text: str, complete: bool, options: Mapping[str, Any]) -> Dialect:
    delimiter = str(options.get("delimiter", "")).replace("\\t", "\t")
    quote = options.get("quote")
    marks = None
    if delimiter and quote is not None:
        marks = Marks(
            delimiter,
            "" if quote == "none" else str(quote),
            str(options.get("escape", "")),
            bool(options.get("wrapped")),
        )
    dialect = sniff(
        text,
        complete=complete,
        marks=marks,
        delimiter=delimiter,
        quote=None if quote is None else "" if quote == "none" else str(quote),
        skip=_whole_number(options, "skip"),
        header=_whole_number(options, "header"),
        section=str(options.get("section", "")),
    )
    named = options.get("columns")
    if isinstance(named, list | tuple) and named:
        names = tuple(str(item) for item in named)
        names += tuple(f"column_{n + 1}" for n in range(len(names), dialect.width))
        dialect = replace(dialect, names=names[: dialect.width], doubts=())
    return dialect


def _whole_number(options: Mapping[str, Any], key: str) -> int | None:
    return int(options[key]) if key in options else None


# --- what the draft looks at


def tables(
    open_bytes: Opener,
    name: str,
    options: Mapping[str, Any],
    context: Context,
    rows: int = 5000,
    *,
    size: int | None = None,
    kind: str = "csv",
) -> Iterator[Sample]:
    """One sample a table of the file, read whole: first records, records spread over the rest, and unusual ones.

    ``extra`` of a sample: ``unusual`` (how many of its last rows were picked for being unlike the first ones),
    ``complete`` (the sample is the whole table), ``unique`` (column -> whether all its values differ, checked over
    all rows), ``unusual_counts`` (column -> {value: how often in the whole table}).
    """
    encoding, dialect = understand(open_bytes, name, options, context.settings)
    if "section" not in options:
        text, _ = head_text(open_bytes, name, encoding, context.settings)
        words = sections(text) or ("",)
    else:
        words = (str(options["section"]),)
    for word in words:
        chosen = {**options, "section": word} if word else dict(options)
        if word:
            encoding, dialect = understand(
                open_bytes, name, {**chosen, "encoding": encoding.name, "fallback": encoding.fallback}, context.settings
            )
        pinned = {**{k: v for k, v in options.items() if k not in OPTIONS or k == "path"}, **_pinned(encoding, dialect)}
        if not dialect.names:
            raise SourceMalformed("The file is empty.", todo="Export it again.", place=Place(file=name))
        pull = open_table(open_bytes, name, {**pinned}, (), context, size=size)
        yield _sample(name, kind, pinned, pull, encoding, dialect, rows, word)


def _pinned(encoding: Encoding, dialect: Dialect) -> dict[str, Any]:
    out: dict[str, Any] = {"encoding": encoding.name}
    if encoding.fallback:
        out["fallback"] = encoding.fallback
    out["delimiter"] = "\\t" if dialect.marks.delimiter == "\t" else dialect.marks.delimiter
    out["quote"] = dialect.marks.quote or "none"
    if dialect.marks.escape:
        out["escape"] = dialect.marks.escape
    if dialect.marks.wrapped:
        out["wrapped"] = True
    out["skip"] = dialect.skip
    out["header"] = dialect.header
    if not dialect.header:
        out["columns"] = list(dialect.names)
    if dialect.section:
        out["section"] = dialect.section
    return out


def _sample(
    name: str,
    kind: str,
    pinned: dict[str, Any],
    pull: Pull,
    encoding: Encoding,
    dialect: Dialect,
    rows: int,
    section: str,
) -> Sample:
    from arengo.sources.csv_sample import Picker

    picker = Picker(dialect.names, rows)
    for batch in pull.batches:
        picker.add(batch)
    chosen, extra = picker.result()
    doubts = list(dialect.doubts)
    names, captions = list(dialect.names), list(dialect.captions)
    for column, values in list(zip(dialect.names, chosen, strict=True)):
        if found := csv_points.order(values):
            pinned.setdefault("points", {})[column] = found
            both = [csv_points.split(text, found) for text in values]
            names += csv_points.names(column)
            captions += ["", ""]
            chosen += [tuple(lat for lat, _ in both), tuple(lon for _, lon in both)]
    if not encoding.sure:
        doubts.append(f"The encoding {encoding.name} is a guess; look at accented letters.")
    if encoding.fallback:
        doubts.append(f"The file mixes UTF-8 and {encoding.fallback}.")
    if pull.rejects:
        first = pull.rejects[0]
        doubts.append(f"{len(pull.rejects):,} records were set aside, the first is record {first.row}: {first.reason}")
    notes = [reject.value.strip(' \t;,|"') for reject in pull.rejects if reject.reason == csv_stream._NOTE]
    return Sample(
        name=name,
        kind=kind,
        options=pinned,
        columns=tuple(
            SampleColumn(name=column, values=values, caption=caption)
            for column, values, caption in zip(names, chosen, captions, strict=True)
        ),
        table=section,
        title=dialect.title,
        notes=(*(text for text in dialect.above if text != dialect.title), *notes),
        doubts=tuple(doubts),
        total=picker.total,
        extra=extra,
    )


__all__ = ["OPTIONS", "CsvReader", "open_table", "tables", "understand"]
