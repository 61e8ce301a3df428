"""Geographic vector files through GDAL (pyogrio's Arrow stream): shapefile, GeoPackage, KML, GML, FlatGeobuf.

GDAL is given a file name of our own making in the scratch folder, never one from a contract or an archive, after
the first bytes were checked; so neither its network file systems nor its indirect formats can be reached.
Geometries are handed on as WKB in the source's own CRS.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import Place, SourceMalformed
from arengo.sources import archive, dbase, projection
from arengo.sources.base import ROW, Context, Fingerprint, Pull
from arengo.sources.batches import declared, numbered, plain_type, sampled
from arengo.sources.location import digest, parts

if TYPE_CHECKING:
    import pyarrow as pa

GEOMETRY = "geometry"
BATCH = 8_192
_INDIRECT = re.compile(
    rb"<OGRVRTDataSource|<VRTDataset|gdal_virtual_file|/vsi|xlink:href\s*=\s*[\"'](?:https?|ftp|file):", re.I
)
_ENTITY = re.compile(rb"<!(?:ENTITY|DOCTYPE)", re.IGNORECASE)
# Columns that GDAL's KML driver adds to every layer, left out when they are empty.
_KML_EXTRA = frozenset(
    """
    id Name description timestamp begin end altitudeMode tessellate extrude visibility drawOrder icon snippet
    """.split()  # noqa: SIM905 - a list of words reads better
)


class VectorReader:
    """What the geographic kinds share. ``driver``: GDAL's name of the format; ``root``: pattern of the first bytes."""

    kind = ""
    title = ""
    driver = ""
    suffixes: tuple[str, ...] = ()
    root: re.Pattern[bytes] = re.compile(b"")
    options: Mapping[str, str] = {
        "path": "File, relative to the city folder.",
        "url": "Address, instead of path.",
        "layer": "Layer inside the file, when it has several.",
        "encoding": "Text encoding of a shapefile's table when its .cpg file is missing or wrong.",
    }

    def matches(self, target: str, head: bytes) -> int:
        if not self.root.match(head):
            return 0
        return 95 if target.lower().split("?")[0].endswith(self.suffixes) else 60

    # -- the two steps that differ by format --

    def prepare(self, path: Path, context: Context) -> Path:
        """A file under a name of ours that GDAL may open."""
        with path.open("rb") as stream:
            head = stream.read(65_536)
        if not self.root.match(head):
            raise SourceMalformed(f"This is not a {self.title} file.", place=Place(file=path.name))
        return _linked(path, self.suffixes[0], context)

    def encoding(self, spec: SourceSpec, path: Path) -> tuple[str | None, str]:
        """Text encoding to ask for, and a doubt about it."""
        return None, ""

    # -- the reader --

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        path = self.prepare(spec.path(), context)
        encoding, doubt = self.encoding(spec, spec.path())
        wanted = str(spec.options.get("layer", ""))
        layers = _layers(path, spec)
        met = False
        for layer in layers:
            if wanted and layer != wanted:
                continue
            sample = self._sample(spec, path, layer, encoding, doubt, context, rows, len(layers) > 1 or bool(wanted))
            if sample is not None:
                met = True
                yield sample
        if not met:
            raise SourceMalformed(
                f"There is no layer {wanted!r}." if wanted else "There is no layer with features.",
                todo=f"The file has {', '.join(layers) or 'none'}.",
                place=Place(file=spec.path().name),
            )

    def _sample(
        self,
        spec: SourceSpec,
        path: Path,
        layer: str,
        encoding: str | None,
        doubt: str,
        context: Context,
        rows: int,
        several: bool,
    ) -> Sample | None:
        import pyogrio

        about = self._guarded(
            spec, lambda: pyogrio.read_info(path, layer=layer, encoding=encoding, force_total_bounds=True)
        )
        total = int(about["features"])
        pull = self._pull(spec, path, layer, encoding, (), context, total)
        names = pull.schema.names[1:]
        geometry = GEOMETRY if names and pull.schema.metadata else ""
        plain_names = [name for name in names if name != geometry]
        kinds = _kinds(about)
        values, extra, met = sampled(pull.batches, plain_names, rows)
        if met == 0 and total <= 0:
            return None
        found = dict(zip(plain_names, values, strict=True))
        columns = []
        for name in names:
            if name == geometry:
                columns.append(SampleColumn(name, (kinds or ("Geometry",)) * min(met, 1), "GEOMETRY"))
            elif not (self.driver == "LIBKML" and name in _KML_EXTRA and _says_nothing(found[name])):
                columns.append(SampleColumn(name, found[name], pull.schema.field(name).metadata[b"declared"].decode()))
        doubts = [doubt] if doubt else []
        crs = ""
        bounds: tuple[float, float, float, float] | None = None
        if geometry:
            box = about.get("total_bounds")
            bounds = (float(box[0]), float(box[1]), float(box[2]), float(box[3])) if box is not None else None
            crs = projection.named(str(about["crs"] or "")) if about["crs"] else ""
            if not crs:
                hints = (value for column in columns for value in column.values[:50])
                crs, unsure = projection.guess(bounds, context, hints)
                doubts += [unsure] if unsure else []
        options = {key: value for key, value in spec.options.items() if key in self.options}
        if several:
            options["layer"] = layer
        if encoding and (doubt or "encoding" in spec.options):
            options["encoding"] = encoding
        return Sample(
            name=layer if several else spec.path().stem,
            kind=self.kind,
            options=options,
            columns=tuple(columns),
            table=layer if several else "",
            crs=crs,
            doubts=tuple(doubts),
            geometry=geometry,
            geometry_types=kinds,
            bounds=bounds,
            total=total if total >= 0 else met,
            extra=extra,
        )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        return digest(parts(spec.path()), context)

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        import pyogrio

        path = self.prepare(spec.path(), context)
        encoding, _ = self.encoding(spec, spec.path())
        layer = str(spec.options.get("layer", ""))
        layers = _layers(path, spec)
        if layer and layer not in layers:
            raise SourceMalformed(
                f"There is no layer {layer!r}.",
                todo=f"The file has {', '.join(layers)}.",
                place=Place(file=spec.path().name),
            )
        if not layer and len(layers) > 1:
            raise SourceMalformed(
                f"The file has {len(layers)} layers: {', '.join(layers)}.",
                todo="Name one in the source's option 'layer'.",
                place=Place(file=spec.path().name),
            )
        layer = layer or layers[0]
        total = self._guarded(spec, lambda: int(pyogrio.read_info(path, layer=layer, encoding=encoding)["features"]))
        return self._pull(spec, path, layer, encoding, columns, context, total)

    def _pull(
        self,
        spec: SourceSpec,
        path: Path,
        layer: str,
        encoding: str | None,
        columns: tuple[str, ...],
        context: Context,
        total: int,
    ) -> Pull:
        import pyarrow as pa

        with self._stream(spec, path, layer, encoding, None) as (meta, reader):
            have = reader.schema
        source = _geometry_name(meta, have)
        known = dict(zip(_names(have, source), have.names, strict=True))
        for name in columns:
            if name not in known:
                raise SourceMalformed(
                    f"There is no column {name!r}.",
                    todo=f"The file has {', '.join(known)}.",
                    place=Place(file=spec.path().name, column=name),
                )
        names = columns or tuple(known)
        fields = [
            pa.field(name, plain_type(kind := have.field(known[name]).type), metadata={"declared": declared(kind)})
            for name in names
        ]
        with_geometry = bool(source) and GEOMETRY in names
        schema = pa.schema([pa.field(ROW, pa.int64()), *fields], {"geometry": GEOMETRY} if with_geometry else None)
        pull = Pull(schema=schema, batches=iter(()), fingerprint=Fingerprint(""))
        attributes = [known[name] for name in names if known[name] != source]
        inner = pa.schema([pa.field(ROW, pa.int64()), *[pa.field(known[n], schema.field(n).type) for n in names]])

        def batches() -> Iterator[pa.RecordBatch]:
            with self._stream(spec, path, layer, encoding, attributes, with_geometry) as (_, reader):
                while (batch := self._guarded(spec, lambda: next(reader, None), pull.read + 1)) is not None:
                    ready = numbered(batch, inner, pull.read + 1)
                    yield pa.RecordBatch.from_arrays(ready.columns, schema=schema)
                    pull.read += batch.num_rows
                    context.progress(pull.read, total)
            if total >= 0 and pull.read < total:
                raise SourceMalformed(
                    f"The file promises {total:,} features and holds {pull.read:,}.",
                    todo="It may be cut off; fetch it again.",
                    place=Place(file=spec.path().name, row=pull.read),
                )

        pull.batches = batches()
        return pull

    def _stream(
        self,
        spec: SourceSpec,
        path: Path,
        layer: str,
        encoding: str | None,
        columns: list[str] | None,
        geometry: bool = True,
    ) -> Any:
        import pyogrio

        return self._guarded(
            spec,
            lambda: pyogrio.open_arrow(
                path,
                layer=layer,
                encoding=encoding,
                columns=columns,
                read_geometry=geometry,
                batch_size=BATCH,
                use_pyarrow=True,
            ),
        )

    def _guarded(self, spec: SourceSpec, step: Any, row: int | None = None) -> Any:
        """Run one step of GDAL; its errors become ours."""
        import pyarrow as pa
        import pyogrio.errors

        try:
            return step()
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            pyogrio.errors.FieldError,
            pyogrio.errors.FeatureError,
            pyogrio.errors.GeometryError,
            pa.ArrowException,
            OSError,
            RuntimeError,
            ValueError,
        ) as error:
            words = re.sub(r"'?/[^\s']*/layer\.[a-z]+'?", spec.path().name, str(error))
            raise SourceMalformed(
                f"The {self.title} file cannot be read: {words.strip().rstrip('.')}.",
                todo="Open it in a GIS to see whether it is whole, and deliver it again.",
                place=Place(file=spec.path().name, row=row),
            ) from error


class ShapefileReader(VectorReader):
    """ESRI shapefile: the ``.shp`` with its companions beside it, or a zip of them."""

    kind = "shapefile"
    title = "shapefile"
    driver = "ESRI Shapefile"
    suffixes = (".shp",)
    root = re.compile(rb"\x00\x00\x27\x0a", re.DOTALL)

    def matches(self, target: str, head: bytes) -> int:
        return 0 if target.lower().endswith(".shx") else super().matches(target, head)  # the index begins alike

    def prepare(self, path: Path, context: Context) -> Path:
        files = {item.suffix.lower(): item for item in parts(path)}
        missing = [suffix for suffix in (".dbf", ".shx") if suffix not in files]
        if ".dbf" in missing:
            raise SourceMalformed(
                f"The shapefile's table {path.stem}.dbf is missing.",
                todo="A shapefile is .shp, .shx and .dbf together (and .prj, .cpg): deliver them all.",
                place=Place(file=path.name),
            )
        for item, size in ((path, _shp_size(path)), (files[".dbf"], dbase.size_of(files[".dbf"]))):
            if item.stat().st_size < size:
                raise SourceMalformed(
                    f"{item.name} should have {size:,} bytes and has {item.stat().st_size:,}.",
                    todo="It is cut off; fetch it again.",
                    place=Place(file=item.name),
                )
        return super().prepare(path, context)

    def encoding(self, spec: SourceSpec, path: Path) -> tuple[str | None, str]:
        files = {item.suffix.lower(): item for item in parts(path)}
        told = str(spec.options.get("encoding", ""))
        if told:
            return told, ""
        declared_name = ""
        if ".cpg" in files:
            declared_name = files[".cpg"].read_text(encoding="ascii", errors="ignore").strip()
        with files[".dbf"].open("rb") as stream:
            head = stream.read(32)
            page = head[29] if len(head) > 29 else 0
            stream.seek(int.from_bytes(head[8:10], "little"))
            body = stream.read(4_000_000)
        return dbase.encoding_of(body, declared_name, page)


class GeoPackageReader(VectorReader):
    """OGC GeoPackage; tables without geometry are read too."""

    kind = "geopackage"
    title = "GeoPackage"
    driver = "GPKG"
    suffixes = (".gpkg",)
    root = re.compile(rb"SQLite format 3\x00", re.DOTALL)

    def matches(self, target: str, head: bytes) -> int:
        return 99 if self.root.match(head) and head[68:72] in (b"GPKG", b"GP10", b"GP11") else 0


class FlatGeobufReader(VectorReader):
    """FlatGeobuf."""

    kind = "flatgeobuf"
    title = "FlatGeobuf"
    driver = "FlatGeobuf"
    suffixes = (".fgb",)
    root = re.compile(rb"fgb\x03fgb", re.DOTALL)


class XmlVectorReader(VectorReader):
    """XML formats: no document type, no entity, no reference to another file or host is accepted."""

    def prepare(self, path: Path, context: Context) -> Path:
        with path.open("rb") as stream:
            head = stream.read(65_536)
            tail = b""
            while chunk := head if not tail else stream.read(1 << 20):
                text = tail + chunk
                if not tail and _ENTITY.search(chunk):
                    raise SourceMalformed(
                        "The XML file declares a document type or entities.",
                        todo="Remove the DOCTYPE; city data needs none.",
                        place=Place(file=path.name),
                    )
                if (not tail or self.kind == "gml") and _INDIRECT.search(text):
                    raise SourceMalformed(
                        "The XML file refers to another file or host.",
                        todo="Deliver a file that holds its data itself.",
                        place=Place(file=path.name),
                    )
                tail = text[-1024:]
        root = re.search(rb"<([A-Za-z_][\w:.-]*)", head)
        if root and not re.search(
            rb"</" + re.escape(root[1]) + rb"\s*>\s*(?:<!--.*?-->\s*)*\Z|/>\s*\Z", tail, re.DOTALL
        ):
            raise SourceMalformed(
                f"The XML file does not end with </{root[1].decode()}>.",
                todo="It is cut off; fetch it again.",
                place=Place(file=path.name),
            )
        return super().prepare(path, context)


class KmlReader(XmlVectorReader):
    """KML, and KMZ (a zip with ``doc.kml``); a folder of placemarks is a layer."""

    kind = "kml"
    title = "KML"
    driver = "LIBKML"
    suffixes = (".kml", ".kmz")
    packed = True
    root = re.compile(rb"^\s*(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?\s*(?:<!--.*?-->\s*)*<(?:\w+:)?kml\b", re.DOTALL)

    def matches(self, target: str, head: bytes) -> int:
        if head.startswith(b"PK\x03\x04"):
            return 95 if target.lower().split("?")[0].endswith(".kmz") else 0
        return super().matches(target, head)

    def prepare(self, path: Path, context: Context) -> Path:
        if archive.packing(path) == "zip":
            with archive.opened(path) as bundle:
                found = [info for info in archive.members(bundle) if info.filename.lower().endswith(".kml")]
                if not found:
                    raise SourceMalformed("The KMZ file holds no KML.", place=Place(file=path.name))
                main = next((info for info in found if info.filename.lower() == "doc.kml"), found[0])
                path = archive.extract(bundle, main, path, context)
        return super().prepare(path, context)


class GmlReader(XmlVectorReader):
    """GML; no application schema is fetched."""

    kind = "gml"
    title = "GML"
    driver = "GML"
    suffixes = (".gml",)
    root = re.compile(rb"(?=.{0,4096}(?:xmlns:gml|opengis\.net/gml))\s*(?:\xef\xbb\xbf)?\s*<", re.DOTALL)

    def _guarded(self, spec: SourceSpec, step: Any, row: int | None = None) -> Any:
        import pyogrio

        # No proxy listens there: whatever GDAL would like to fetch, it cannot.
        pyogrio.set_gdal_config_options(
            {"GML_DOWNLOAD_SCHEMA": "NO", "GDAL_HTTP_PROXY": "http://127.0.0.1:9", "GDAL_HTTP_TIMEOUT": "1"}
        )
        return super()._guarded(spec, step, row)


def _linked(path: Path, suffix: str, context: Context) -> Path:
    """Links to the source's files under the name ``layer`` in a scratch folder."""
    about = path.stat()
    key = hashlib.sha256(f"{path}\0{about.st_size}\0{about.st_mtime_ns}".encode()).hexdigest()[:16]
    folder = context.scratch.absolute() / "vector" / key
    folder.mkdir(parents=True, exist_ok=True)
    for item in parts(path):
        own = suffix if item == path else item.suffix.lower()
        link = folder / f"layer{own}"
        if not link.is_symlink():
            os.symlink(item.absolute(), link)
    return folder / f"layer{suffix}"


def _layers(path: Path, spec: SourceSpec) -> list[str]:
    import pyogrio
    import pyogrio.errors

    try:
        found = [str(name) for name, _ in pyogrio.list_layers(path)]
    except (pyogrio.errors.DataSourceError, RuntimeError, ValueError) as error:
        raise SourceMalformed(
            "GDAL cannot open the file; it may be cut off or damaged.",
            todo="Open it in a GIS to see whether it is whole, and deliver it again.",
            place=Place(file=spec.path().name),
        ) from error
    if not found:
        raise SourceMalformed("The file holds no layer.", place=Place(file=spec.path().name))
    return found


def _shp_size(path: Path) -> int:
    """Bytes a ``.shp`` file should have by its own header (ESRI Shapefile Technical Description, page 4)."""
    with path.open("rb") as stream:
        return int.from_bytes(stream.read(28)[24:28], "big") * 2


def _geometry_name(meta: Mapping[str, Any], schema: pa.Schema) -> str:
    """The source's geometry column in the stream, '' when there is none."""
    name = str(meta.get("geometry_name") or "wkb_geometry")
    return name if name in schema.names and meta.get("geometry_type") else ""


def _names(schema: pa.Schema, geometry: str) -> list[str]:
    """Column names as handed on: the geometry is ``geometry``, an attribute of that name gets ``_1``."""
    taken = set(schema.names) - {geometry}
    out = []
    for name in schema.names:
        if geometry and name == geometry:
            out.append(GEOMETRY)
        elif geometry and name == GEOMETRY:
            out.append(next(f"{name}_{n}" for n in range(1, len(taken) + 2) if f"{name}_{n}" not in taken))
        else:
            out.append(name)
    return out


def _kinds(about: Mapping[str, Any]) -> tuple[str, ...]:
    kind = str(about.get("geometry_type") or "").replace(" Z", "").replace("2.5D ", "").strip()
    return (kind,) if kind and kind not in ("Unknown", "None") else ()


def _says_nothing(values: tuple[str | None, ...]) -> bool:
    return all(value in (None, "", "-1", "0", "false") for value in values)
