"""Packed files: limits, damage, names, members."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib

import pytest

from arengo.contract.model import SourceSpec
from arengo.errors import SourceMalformed, SourceTooLarge
from arengo.settings import SourceSettings
from arengo.sources import Context, detect, samples

CSV = b"id;name\n1;Tilia\n2;Acer\n"


def bundle(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as out:
        for name, body in members.items():
            out.writestr(name, body)
    return str(path)


def test_gzip_of_any_kind(tmp_path, pull, context):
    for name, body in (("a.csv.gz", CSV), ("a.json.gz", b'[{"id": 1, "name": "Tilia"}]')):
        (tmp_path / name).write_bytes(gzip.compress(body))
        spec = detect(str(tmp_path / name), context)
        assert spec.kind == name.split(".")[1]
        (found,) = samples(spec, context)
        assert found.options["path"] == str(tmp_path / name)
        assert pull(found.kind, **found.options).column("name")[0] == "Tilia"


def test_truncated_gzip(tmp_path, pull):
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b"[" + b'{"a": 1},' * 10_000)[:-20])
    with pytest.raises(SourceMalformed, match="cut off or damaged"):
        pull("json", path=str(path))


def test_a_bomb_is_stopped_by_its_ratio(tmp_path, context, pull):
    path = tmp_path / "bomb.json.gz"
    with gzip.open(path, "wb") as out:
        for _ in range(60):
            out.write(b" " * 1_000_000)
    with pytest.raises(SourceTooLarge, match="zip bomb"):
        pull("json", path=str(path))
    members = {"a.json": b" " * 60_000_000}
    with pytest.raises(SourceTooLarge, match="zip bomb"):
        pull("json", path=bundle(tmp_path / "bomb.zip", members))
    assert not list((context.scratch / "unpacked").rglob("*.part"))


def test_a_bomb_that_lies_about_its_size(tmp_path, pull):
    path = tmp_path / "liar.zip"
    bundle(path, {"a.json": b" " * 60_000_000})
    raw = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = raw.rfind(mark) + place
        raw[at : at + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises((SourceTooLarge, SourceMalformed)):
        pull("json", path=str(path), columns=("a",))


def test_size_limit(tmp_path, pull):
    context = Context(SourceSettings(max_bytes=1000), tmp_path / "s")
    with pytest.raises(SourceTooLarge, match="more than 1,000 bytes"):
        pull("json", path=bundle(tmp_path / "a.zip", {"a.json": b" " * 2000}), context=context)


@pytest.mark.parametrize("name", ["../a.json", "/etc/a.json", "x/../../a.json", "C:/a.json", "..\\a.json"])
def test_members_that_point_outside(tmp_path, pull, name):
    path = bundle(tmp_path / "slip.zip", {name: b"[]", "b.json": b"[]"})
    with pytest.raises(SourceMalformed, match="points outside"):
        pull("json", path=path, member="b.json")


def test_nested_archives_are_not_opened(tmp_path, pull):
    inner = io.BytesIO()
    bundle(inner, {"a.json": b"[]"})
    path = bundle(tmp_path / "nested.zip", {"inner.zip": inner.getvalue()})
    with pytest.raises(SourceTooLarge, match="packed once more"):
        pull("json", path=path)


def test_several_tables_give_several_samples(tmp_path, sample, pull, context):
    path = bundle(
        tmp_path / "many.zip",
        {
            "__MACOSX/._trees.csv": b"junk",
            "._x.csv": b"junk",
            "trees.csv": CSV,
            "deep/parks.json": b'[{"park": "Ara"}]',
            "readme.pdf": b"%PDF",
        },
    )
    spec = detect(path, context)
    assert spec.kind == "zip"
    found = sample("zip", **spec.options)
    assert [(one.kind, one.options["member"], one.columns[0].name) for one in found] == [
        ("csv", "trees.csv", "id"),
        ("json", "deep/parks.json", "park"),
    ]
    assert pull("csv", **found[0].options).column("name") == ["Tilia", "Acer"]
    assert pull("json", **found[1].options).column("park") == ["Ara"]
    with pytest.raises(SourceMalformed, match="2 tables"):
        pull("zip", path=path)
    with pytest.raises(SourceMalformed, match=r"no member 'x\.csv'"):
        pull("csv", path=path, member="x.csv")


def test_the_only_fitting_member_needs_no_name(tmp_path, pull):
    path = bundle(tmp_path / "one.zip", {"a.json": b'[{"a": 1}]', "licence.pdf": b"%PDF"})
    assert pull("json", path=path).column("a") == ["1"]


def test_damaged_and_encrypted(tmp_path, pull):
    path = tmp_path / "a.zip"
    bundle(path, {"a.json": b'[{"a": "' + bytes(range(65, 90)) * 50 + b'"}]'})
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(SourceMalformed, match="damaged"):
        pull("json", path=str(path))
    broken = bytearray(good)
    broken[60] ^= 0xFF
    path.write_bytes(broken)
    with pytest.raises(SourceMalformed):
        pull("json", path=str(path))
    locked = bytearray(good)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.rfind(mark) + place] |= 1
    path.write_bytes(locked)
    with pytest.raises(SourceMalformed, match="encrypted"):
        pull("json", path=str(path))


def test_a_zip_without_tables(tmp_path, context):
    path = bundle(tmp_path / "a.zip", {"photo.jpg": b"\xff\xd8\xff\xe0"})
    with pytest.raises(SourceMalformed, match="holds no table"):
        samples(SourceSpec("zip", {"path": path}), context)


def test_member_of_a_downloaded_zip(web, tmp_path, pull, context):
    body = (tmp_path / "a.zip", bundle(tmp_path / "a.zip", {"a.json": b'[{"a": 1}]', "b.json": b'[{"b": 2}]'}))[0]
    url = web.serve("/a.zip", body.read_bytes())
    assert pull("json", url=url, member="b.json").column("b") == ["2"]
    found = samples(detect(url, context), context)
    assert [dict(one.options) for one in found] == [
        {"url": url, "member": "a.json"},
        {"url": url, "member": "b.json"},
    ]


def test_a_downloaded_zip_whose_scratch_lies_in_the_city(web, tmp_path, pull):
    bundle(tmp_path / "a.zip", {"a.json": b'[{"a": 1}]', "minutes.pdf": b"%PDF"})
    url = web.serve("/a.zip", (tmp_path / "a.zip").read_bytes())
    own = Context(SourceSettings(allow_hosts=("127.0.0.1",)), tmp_path / ".arengo" / "runs" / "1")
    assert pull("zip", base=tmp_path, url=url, context=own).column("a") == ["1"]


def test_raw_deflate_is_not_mistaken_for_gzip(tmp_path, pull):
    (tmp_path / "a.json.gz").write_bytes(zlib.compress(b"[]"))
    with pytest.raises(SourceMalformed):
        pull("json", path=str(tmp_path / "a.json.gz"))
