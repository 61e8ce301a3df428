"""Documents (minutes, resolutions, regulations) as a table: one row a page, ready to be searched and governed.

A folder, a zip file or one file. The originals go beside the rows under the SHA-256 of their bytes, so a version
keeps the very files it was read from.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from arengo.contract.draft.language import guess
from arengo.contract.draft.naming import latin
from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import Place, SourceForbidden, SourceMalformed, SourceMissing
from arengo.sources import archive
from arengo.sources.base import Context, Fingerprint, Pull, Reject
from arengo.sources.batches import text_batches, text_schema
from arengo.sources.location import digest, local_path, regular
from arengo.sources.pages import Paper, read, suffixes

COLUMNS: Mapping[str, str] = {
    "document": "VARCHAR",
    "page": "BIGINT",
    "pages": "BIGINT",
    "title": "VARCHAR",
    "date": "DATE",
    "language": "VARCHAR",
    "text": "VARCHAR",
    "format": "VARCHAR",
    "file": "VARCHAR",
    "bytes": "BIGINT",
    "checksum": "VARCHAR",
}
"""Column -> SQL type. ``document``: short name, unique; with ``page`` the key. ``checksum``: SHA-256 of the original.

The author that a PDF names is mostly the clerk who printed it, so it is not among them."""

ORIGINALS = "originals"
"""Folder of the scratch in which the originals of a pull wait, each under its checksum and suffix."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    name: str  # as people know it: relative to the folder or inside the zip


class DocumentsReader:
    """A folder, zip file or file of documents; one row a page."""

    kind = "documents"
    title = "Documents (PDF, Word, OpenDocument, HTML, text)"
    suffixes: tuple[str, ...] = ()
    options: Mapping[str, str] = {
        "path": "Folder, zip file or document, relative to the city folder.",
        "url": "Address of a zip file or document, instead of path.",
        "glob": "Which files of a folder, for example **/*.pdf (default: every document in it and below).",
        "language": "Language of the documents when all have the same (guessed for each when empty).",
    }

    def matches(self, target: str, head: bytes) -> int:
        name = target.lower().split("?")[0]
        if head.startswith(b"%PDF-"):
            return 95
        if head.startswith(b"PK\x03\x04"):
            if name.endswith((".docx", ".odt")):
                return 95
            return 60 if name.endswith(".zip") and _is_bundle(Path(target)) else 0
        return 30 if name.endswith((".md", ".html", ".htm")) and b"\0" not in head else 0

    def files(self, spec: SourceSpec, context: Context) -> list[_File]:
        """The documents, sorted by name. Raises SourceMissing when there is none."""
        path = self._place(spec, context)
        if path.is_dir():
            pattern = str(spec.options.get("glob", "**/*"))
            if ".." in PurePosixPath(pattern).parts or pattern.startswith("/"):
                raise SourceForbidden(f"The pattern {pattern!r} climbs out of its folder.")
            explicit = "glob" in spec.options
            found = [
                _File(item, item.relative_to(path).as_posix())
                for item in sorted(path.glob(pattern))
                if item.is_file()
                and not any(part.startswith((".", "~$")) for part in item.relative_to(path).parts)
                and (explicit or item.suffix.lower() in suffixes())
            ]
        elif archive.packing(path) == "zip" and path.suffix.lower() not in suffixes():
            with archive.opened(path) as bundle:
                found = [
                    _File(archive.extract(bundle, info, path, context), info.filename)
                    for info in sorted(archive.members(bundle), key=lambda info: info.filename)
                    if PurePosixPath(info.filename).suffix.lower() in suffixes()
                ]
        else:
            found = [_File(regular(path), path.name)]
        if not found:
            raise SourceMissing(
                f"There is no document in {path.name!r}.",
                todo=f"Documents end in {', '.join(suffixes())}.",
                place=Place(file=path.name),
            )
        return found

    def _place(self, spec: SourceSpec, context: Context) -> Path:
        if spec.options.get("url"):
            from arengo.sources.download import download

            return download(spec, context).path
        return local_path(spec)

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        files = self.files(spec, context)
        picked = files if len(files) <= 12 else [*files[:6], files[len(files) // 2], *files[-5:]]
        names = _names(files)
        records: list[list[str | None]] = []
        doubts: list[str] = []
        for file in picked:
            try:
                before = len(records)
                for row in islice(_rows(file, names[file.name], spec, context), max(20, rows // len(picked))):
                    records.append(row)
                if not any(row[_AT["text"]] for row in records[before:]):
                    doubts.append(f"{file.name} has no text: it is a scan without a text layer.")
            except SourceMalformed as error:
                doubts.append(f"{file.name}: {error.met}")
        if not records:
            raise SourceMalformed("No document could be read.", todo=" ".join(doubts), place=Place(file=files[0].name))
        languages = Counter(row[_AT["language"]] for row in records if row[_AT["language"]])
        columns = tuple(
            SampleColumn(name, tuple(row[place] for row in records), declared)
            for place, (name, declared) in enumerate(COLUMNS.items())
        )
        own = {key: value for key, value in spec.options.items() if key in self.options}
        place = self._place(spec, context)
        yield Sample(
            name=place.stem if place.is_file() else place.name,
            kind=self.kind,
            options=own,
            columns=columns,
            doubts=tuple(doubts),
            total=None,
            keys=("document", "page"),
            extra={"documents": True, "language": languages.most_common(1)[0][0] if languages else "en"},
        )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        if spec.options.get("url") and context.state.get("sha256"):
            from arengo.sources.download import unchanged

            if unchanged(spec, context):
                return Fingerprint(str(context.state["sha256"]), state=context.state)
        path = self._place(spec, context)
        if path.is_file():
            return digest((path,), context)
        known: Mapping[str, Any] = context.state.get("files") or {}
        total = hashlib.sha256()
        state: dict[str, Any] = {}
        for file in self.files(spec, context):
            one = digest((file.path,), replace(context, state=known.get(file.name, {})))
            state[file.name] = dict(one.state)
            total.update(f"{file.name}\0{one.value}\n".encode())
        return Fingerprint(total.hexdigest(), state={"files": state})

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        for column in columns:
            if column not in COLUMNS:
                raise SourceMalformed(f"Documents have no column {column!r}.", todo=f"They have {', '.join(COLUMNS)}.")
        files = self.files(spec, context)
        names = _names(files)
        wanted = columns or tuple(COLUMNS)
        schema = text_schema(wanted)
        starts: list[tuple[int, str]] = []

        def origin(row: int) -> tuple[str, int]:
            at = max((place for place, (start, _) in enumerate(starts) if start < row), default=0)
            return (starts[at][1], row - starts[at][0]) if starts else ("", row)

        pull = Pull(schema, iter(()), self.fingerprint(spec, context), origin=origin)
        folder = context.scratch / ORIGINALS
        folder.mkdir(parents=True, exist_ok=True)

        def records() -> Iterator[tuple[int, Sequence[str | None]]]:
            number = 0
            for done, file in enumerate(files, 1):
                starts.append((number, file.name))
                try:
                    for row in _rows(file, names[file.name], spec, context):
                        number += 1
                        pull.read += 1
                        yield number, [row[_AT[name]] for name in wanted]
                    _keep(file.path, folder)
                except SourceMalformed as error:  # one damaged document does not keep the others out
                    number += 1
                    pull.read += 1
                    pull.rejects.append(Reject(file.name, number, "file", file.name, error.met))
                context.progress(done, len(files))

        pull.batches = text_batches(schema, records())
        return pull


_AT = {name: place for place, name in enumerate(COLUMNS)}


def _rows(file: _File, name: str, spec: SourceSpec, context: Context) -> Iterator[list[str | None]]:
    """One row a page, in the order of :data:`COLUMNS`."""
    paper = read(file.path, context)
    checksum, size = _sha256(file.path), file.path.stat().st_size
    head = list(islice(paper.pages, 3))
    language = str(spec.options.get("language", "")) or guess([line for page in head for line in page.split("\n")])[0]
    if not any(head) or not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", language):
        language = str(spec.options.get("language", ""))
    title = _title(paper, head[0] if head else "", file.name)
    day = _date(file.name, " ".join(head)[:6000]) or paper.created
    for number, text in enumerate([*head, *paper.pages] if paper.count > len(head) else head, 1):
        yield [
            name, str(number), str(paper.count), title, day.isoformat() if day else None, language or None,
            text or None, paper.format, file.name, str(size), checksum,
        ]  # fmt: skip


def _keep(path: Path, folder: Path) -> None:
    target = folder / f"{_sha256(path)}{path.suffix.lower()}"
    if not target.exists():
        part = target.with_suffix(".part")
        shutil.copyfile(path, part)
        os.replace(part, target)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _names(files: Sequence[_File]) -> dict[str, str]:
    """File name -> short name for addresses: Latin letters, digits, hyphens; unique."""
    out: dict[str, str] = {}
    taken: set[str] = set()
    for file in files:
        stem = file.name.rsplit(".", 1)[0]
        made = re.sub(r"[^a-z0-9]+", "-", latin(stem).lower()).strip("-")[:80] or "document"
        slug, count = made, 1
        while slug in taken:
            count += 1
            slug = f"{made}-{count}"
        taken.add(slug)
        out[file.name] = slug
    return out


def _title(paper: Paper, first: str, file: str) -> str:
    own = re.sub(r"^Microsoft Word - |\.(docx?|odt|pdf|rtf|indd|qxd)$", "", paper.title.strip(), flags=re.IGNORECASE)
    stem = re.sub(r"[_\-\s]+", " ", PurePosixPath(file).stem).strip()
    if len(own) >= 6 and " " in own and own.casefold() != stem.casefold():
        return own[:300]
    lines = [line.strip(" .:-–—*#|") for line in first.split("\n")[:14]]
    lines = [line for line in lines if 8 <= len(line) <= 160 and sum(mark.isalpha() for mark in line) >= 6]
    telling = [line for line in lines if _KIND.search(latin(line).lower())]
    if telling or lines:
        return " – ".join(telling[:2] or lines[:1])
    return stem or file


_KIND = re.compile(
    r"conseil municipal|proces.verbal|deliberation|arrete|compte rendu|rapport|consiglio comunale|verbale|deliberazione"
    r"|determinazione|ordinanza|regolamento|bando|avviso|relazione|council|minutes|agenda|resolution|report|by.?law"
    r"|acta|pleno|ayuntamiento|ordenanza|decreto|acuerdo|ajuntament|ple municipal|ordenanca|camara municipal|ata da"
    r"|stadtrat|gemeinderat|niederschrift|protokoll|satzung|beschluss"
)
"""Words that say which document this is, without accents."""
_MONTHS = {
    month: number
    for names in (
        "january february march april may june july august september october november december",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "gener febrer marc abril maig juny juliol agost setembre octubre novembre desembre",
        "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
        "januar februar marz april mai juni juli august september oktober november dezember",
    )
    for number, month in enumerate(names.split(), 1)
}
_WORDED = re.compile(
    r"\b(\d{1,2})(?:er|º|°|\.|st|nd|rd|th)?(?: de| d'| del| di)? ?(" + "|".join(sorted(_MONTHS, key=len, reverse=True))
    + r")\.?(?: de| del)?,? (\d{4})\b"
)  # fmt: skip
_AMERICAN = re.compile(r"\b(" + "|".join(_MONTHS) + r") (\d{1,2}),? (\d{4})\b")
_YEAR_FIRST = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_./]?(\d\d)[-_./]?(\d\d)(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d\d?)[-_./](\d\d?)[-_./]((?:19|20)\d\d)(?!\d)")


def _date(file: str, text: str) -> date | None:
    """The day a document is of: from its file name, else the first date in its first pages."""
    name = PurePosixPath(file).stem
    if (found := _YEAR_FIRST.search(name)) and (day := _day(found[1], found[2], found[3])):
        return day
    if (found := _DAY_FIRST.search(name)) and (day := _day(found[3], found[2], found[1])):
        return day
    plain = re.sub(r"\s+", " ", latin(text).lower())
    met: list[tuple[int, date]] = []
    for pattern, order in (
        (_WORDED, (3, 2, 1)),
        (_AMERICAN, (3, 1, 2)),
        (_DAY_FIRST, (3, 2, 1)),
        (_YEAR_FIRST, (1, 2, 3)),
    ):
        found = pattern.search(plain)
        if found and (day := _day(*(found[place] for place in order))):
            met.append((found.start(), day))
    return min(met)[1] if met else None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), _MONTHS.get(month) or int(month), int(day))
    except ValueError:
        return None


def _is_bundle(path: Path) -> bool:
    """Whether a zip file holds documents and nothing that is a table."""
    try:
        with archive.opened(path) as bundle:
            ends = [PurePosixPath(info.filename).suffix.lower() for info in archive.members(bundle)]
    except (SourceMalformed, OSError):
        return False
    papers = sum(end in (".pdf", ".docx", ".odt") for end in ends)
    return papers > 0 and papers == len(ends)


def holds_documents(folder: Path) -> bool:
    """Whether most files of a folder are documents, so that a draft takes them for such."""
    ends = [item.suffix.lower() for item in islice(folder.rglob("*"), 2000) if item.is_file()]
    papers = sum(end in (".pdf", ".docx", ".odt") for end in ends)
    return papers > 0 and papers * 2 > len(ends)
