"""A watched folder: all its files as one table, or the newest of them, each read by its own kind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import ContractError, Place, SourceForbidden, SourceMalformed, SourceMissing
from arengo.sources.base import ROW, Context, Fingerprint, Pull, Reader
from arengo.sources.location import digest, local_path

if TYPE_CHECKING:
    import pyarrow as pa

OWN = ("path", "glob", "of", "take", "file_column")
_COMPANIONS = (".dbf", ".shx", ".prj", ".cpg", ".cst", ".part", ".tmp")


class FolderReader:
    """Files of one folder, in the order of their names."""

    kind = "folder"
    title = "Folder of files"
    suffixes: tuple[str, ...] = ()
    options: Mapping[str, str] = {
        "path": "Folder, relative to the city folder.",
        "glob": "Which files, for example *.csv or **/*.csv (default *).",
        "of": "Kind of the files; its other options are written beside it.",
        "take": "all (default, one table of all files) or newest (by the names when all hold digits, else by time).",
        "file_column": "Name of a column to add that holds the file's name.",
    }

    def matches(self, target: str, head: bytes) -> int:
        return 0

    def files(self, spec: SourceSpec) -> list[Path]:
        """The files, sorted by name; hidden files and shapefile companions are left out."""
        folder = local_path(spec)
        if not folder.is_dir():
            raise SourceMalformed(
                f"{folder.name!r} is not a folder.",
                todo="Name the folder, and the files in 'glob'.",
                place=Place(file=folder.name),
            )
        pattern = str(spec.options.get("glob", "*"))
        if ".." in PurePosixPath(pattern).parts or pattern.startswith("/"):
            raise SourceForbidden(f"The pattern {pattern!r} climbs out of its folder.")
        found = sorted(
            item
            for item in folder.glob(pattern)
            if item.is_file()
            and not any(part.startswith((".", "~$")) for part in item.relative_to(folder).parts)
            and item.suffix.lower() not in _COMPANIONS
        )
        if not found:
            raise SourceMissing(f"No file in {folder.name!r} fits {pattern!r}.", place=Place(file=folder.name))
        take = str(spec.options.get("take", "all"))
        if take == "newest":
            by_name = len(found) > 1 and all(any(mark.isdigit() for mark in item.stem) for item in found)
            return [found[-1] if by_name else max(found, key=lambda item: item.stat().st_mtime_ns)]
        if take != "all":
            raise ContractError(f"take: {take!r} is not known.", todo="Write all or newest.")
        return found

    def _inner(self, spec: SourceSpec, file: Path) -> tuple[Reader, SourceSpec]:
        from arengo.sources import reader, recognise

        kind = str(spec.options.get("of", ""))
        if not kind:
            with file.open("rb") as stream:
                kind = recognise(str(file), stream.read(65_536))
            if not kind:
                raise SourceMalformed(
                    "No kind of source fits this file.", todo="Narrow 'glob'.", place=Place(file=file.name)
                )
        if kind == self.kind:
            raise ContractError("A folder of folders is not read.", todo="Use a glob such as **/*.csv.")
        options = {key: value for key, value in spec.options.items() if key not in OWN}
        return reader(kind), SourceSpec(kind, {**options, "path": str(file)}, spec.base)

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        files = self.files(spec)
        if "glob" not in spec.options and len({item.suffix.lower() for item in files}) > 1:
            for suffix in sorted({item.suffix.lower() for item in files}):  # one table a kind of file
                inner = replace(spec, options={**spec.options, "glob": f"*{suffix}"})
                yield from self.samples(inner, context, rows)
            return
        picked = list(dict.fromkeys((files[0], files[len(files) // 2], files[-1])))
        taken: list[tuple[Path, list[Sample]]] = []
        kind = ""
        for file in picked:
            reader, inner = self._inner(spec, file)
            kind = kind or reader.kind
            taken.append((file, list(reader.samples(inner, context, max(1, rows // len(picked))))))
        for index, first in enumerate(taken[0][1]):
            parts = [samples[index] for _, samples in taken if index < len(samples)]
            names = [column.name for column in first.columns]
            doubts = list(first.doubts)
            for (file, _), part in zip(taken[1:], parts[1:], strict=False):
                if [column.name for column in part.columns] != names:
                    doubts.append(f"{file.name} has other columns than {taken[0][0].name}.")
            same = [part for part in parts if {column.name for column in part.columns} >= set(names)]
            columns = tuple(
                SampleColumn(
                    name,
                    tuple(
                        value
                        for part in same
                        for column in part.columns
                        if column.name == name
                        for value in column.values
                    ),
                    first.columns[place].declared,
                    first.columns[place].caption,
                )
                for place, name in enumerate(names)
            )
            own = {key: value for key, value in spec.options.items() if key in OWN}
            rest = {key: value for key, value in first.options.items() if key not in ("path", "url")}
            file_column = str(spec.options.get("file_column", ""))
            if file_column:
                values = tuple(
                    file.name
                    for (file, _), part in zip(taken, parts, strict=False)
                    if part in same
                    for _ in part.columns[0].values
                )
                columns += (SampleColumn(file_column, values),)
            yield replace(
                first,
                name=Path(str(spec.options["path"])).name,
                kind=self.kind,
                options={**rest, **own, "of": kind},
                columns=columns,
                doubts=tuple(doubts),
                total=None if len(files) > 1 else first.total,
            )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        files = self.files(spec)
        known: Mapping[str, Any] = context.state.get("files") or {}
        total = hashlib.sha256()
        state: dict[str, Any] = {}
        size = 0
        for file in files:
            one = digest((file,), replace(context, state=known.get(str(file), {})))
            state[str(file)] = dict(one.state)
            size += one.size or 0
            total.update(f"{file.name}\0{one.value}\n".encode())
        return Fingerprint(total.hexdigest(), size, {"files": state})

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        import pyarrow as pa

        files = self.files(spec)
        file_column = str(spec.options.get("file_column", ""))
        inner_columns = tuple(name for name in columns if name != file_column)
        quiet = replace(context, progress=lambda *_: None)
        fingerprint = self.fingerprint(spec, context)
        reader, inner = self._inner(spec, files[0])
        first = reader.open(inner, inner_columns, quiet)
        names = [*inner_columns] or first.schema.names[1:]
        fields = [first.schema.field(name) for name in names]
        if file_column:
            fields = [field for field in fields if field.name != file_column] + [pa.field(file_column, pa.string())]
        order = columns or tuple(field.name for field in fields)
        kinds = {field.name: field.type for field in fields}
        schema = pa.schema([pa.field(ROW, pa.int64()), *[pa.field(name, kinds[name]) for name in order]])
        starts: list[tuple[int, str]] = []

        def origin(row: int) -> tuple[str, int]:
            at = max((place for place, (start, _) in enumerate(starts) if start < row), default=0)
            return (starts[at][1], row - starts[at][0]) if starts else ("", row)

        pull = Pull(schema=schema, batches=iter(()), fingerprint=fingerprint, close=first.close, origin=origin)

        def batches() -> Iterator[pa.RecordBatch]:
            offset = 0
            for done, file in enumerate(files, 1):
                reader, inner = self._inner(spec, file)
                part = (
                    first
                    if file == files[0]
                    else reader.open(inner, tuple(n for n in order if n != file_column), quiet)
                )
                starts.append((offset, file.name))
                highest = 0
                try:
                    for batch in part.batches:
                        rows = batch.column(ROW)
                        highest = max(highest, rows[-1].as_py())
                        moved = pa.array([value + offset for value in rows.to_pylist()], pa.int64())
                        arrays = [
                            pa.array([file.name] * batch.num_rows, pa.string())
                            if name == file_column
                            else batch.column(name).cast(kinds[name])
                            for name in order
                        ]
                        yield pa.RecordBatch.from_arrays([moved, *arrays], schema=schema)
                except pa.ArrowInvalid as error:
                    raise SourceMalformed(
                        f"A column has another type than in {files[0].name}: {error}.", place=Place(file=file.name)
                    ) from error
                finally:
                    part.close()
                for reject in part.rejects:
                    highest = max(highest, reject.row)
                    pull.rejects.append(replace(reject, row=reject.row + offset))
                pull.read += part.read
                offset += max(highest, part.read)
                context.progress(done, len(files))

        pull.batches = batches()
        return pull
