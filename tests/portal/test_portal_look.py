"""What a city brings: colours, mark, typefaces, the accessibility statement; and pictures for shared links."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from arengo import portal
from arengo.city import City
from arengo.errors import SettingsError
from arengo.portal import logo, look
from arengo.portal.preview import wrap
from arengo.settings import AccessibilitySettings, CitySettings, LookSettings, Settings

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10">{}</svg>'


def settings(root: Path, **wanted: Any) -> Settings:
    """As ``load`` reads them: the accent of the look is the city's."""
    city = CitySettings(accent=wanted["accent"]) if "accent" in wanted else CitySettings()
    return replace(Settings(root, city), look=LookSettings(**wanted))


def png(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\x00" * (width + 1) for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<rect width="1" height="1" onload="alert(1)"/>',
        '<a xlink:href="javascript:alert(1)"><rect width="1" height="1"/></a>',
        '<image xlink:href="http://evil.example/x.png" width="1" height="1"/>',
        '<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="http://evil.example"/></foreignObject>',
        '<rect width="1" height="1" fill="url(http://evil.example/#a)"/>',
        '<rect width="1" height="1" style="fill:url(http://evil.example/#a)"/>',
        '<rect width="1" height="1" style="background:url(data:text/html,x)"/>',
        '<style>@import "http://evil.example/x.css";</style>',
        '<animate attributeName="href" values="javascript:alert(1)"/>',
        '<linearGradient id="a" xlink:href="http://evil.example/#b"/>',
        '<text x="1">&lt;script&gt;alert(1)&lt;/script&gt;</text>',
    ],
)
def test_a_mark_is_drawn_anew_without_what_could_harm(hostile: str) -> None:
    made = logo.clean(SVG.format(f'<path d="M0 0h10v10z" fill="#123456"/>{hostile}').encode()).decode()
    assert 'd="M0 0h10v10z"' in made
    low = made.lower()
    for word in ("<script", "onload", "javascript:", "evil.example", "foreignobject", "<style", "<image", "data:"):
        assert word not in low


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "neither PNG nor SVG"),
        (b"<html/>", "not an SVG"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "document type"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]><svg/>'.encode("utf-16"), "document type"),
        (SVG.format("<use xlink:href='#a'/>").encode(), "repeats"),
        (SVG.format("<g>" * 100 + "</g>" * 100).encode(), "too deeply"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "viewBox"),
        (b"x" * 300_000, "bytes"),
        (b"\x89PNG\r\n\x1a\nbroken", "PNG"),
    ],
)
def test_a_mark_that_is_none(body: bytes, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        logo.read(body, "logo.svg")


def test_a_png_is_taken_as_it_is() -> None:
    body = png(40, 20)
    assert logo.read(body, "logo.png") == (body, "image/png")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"logo": "nothing.svg"}, "cannot be read"),
        ({"logo": "../secret.svg"}, "outside the city folder"),
        ({"logo": "/etc/passwd"}, "outside the city folder"),
        ({"text_font": "font.woff2"}, "no WOFF2"),
        ({"accent": "#ffee88"}, "accent"),
        ({"accent": "red; } body { display: none"}, "accent"),
        ({"accent_dark": "#111111"}, "accent_dark"),
        ({"paper": "#222222"}, "paper"),
        ({"paper": "javascript:x"}, "paper"),
    ],
)
def test_a_look_that_could_not_be_read_is_refused(tmp_path: Path, wanted: dict[str, str], words: str) -> None:
    city = tmp_path / "city"
    city.mkdir()
    (tmp_path / "secret.svg").write_text(SVG.format(""))
    (city / "font.woff2").write_bytes(b"not a font")
    with pytest.raises(SettingsError, match=words):
        look.read(settings(city, **wanted))


def test_pages_take_what_the_city_brings(register: City, tmp_path: Path) -> None:
    root = register.settings.root
    (root / "arms.svg").write_text(SVG.format('<circle cx="5" cy="5" r="4" fill="#0b5d8a"/>'))
    (root / "title.woff2").write_bytes(b"wOF2" + b"\x00" * 200)
    brought = replace(
        register.settings,
        city=replace(register.settings.city, accent="#0b5d8a"),
        look=LookSettings(accent="#0b5d8a", logo="arms.svg", display_font="title.woff2", paper="#fdfcf7"),
    )
    pages = portal.routes(register.door, register.catalogue, brought, register.state, lambda version: None)
    with TestClient(Starlette(routes=pages)) as client:
        text = client.get("/").text
        assert "/look/logo?v=" in text
        mark = client.get("/look/logo")
        assert mark.headers["content-type"].startswith("image/svg+xml")
        assert "default-src 'none'" in mark.headers["content-security-policy"]
        style = client.get("/city.css").text
        assert "#0b5d8a" in style
        assert "City display" in style
        assert client.get("/look/display").headers["content-type"] == "font/woff2"
        assert client.get("/look/text").status_code == 404
        shown = client.get("/datasets/trees").text
        assert 'property="og:image"' in shown
        assert "/preview/trees.png" in shown


@pytest.mark.slow
def test_shared_links_have_a_picture_of_the_dataset_itself(client: Any) -> None:
    seen = set()
    for path in ("/preview.png", "/preview/trees.png", "/preview/air.png", "/preview/budget.png"):
        answer = client.get(path)
        assert answer.headers["content-type"] == "image/png"
        assert struct.unpack(">II", answer.content[16:24]) == (1200, 630)
        assert client.get(path, headers={"if-none-match": answer.headers["etag"]}).status_code == 304
        seen.add(answer.content)
    assert len(seen) == 4
    closed = client.get("/preview/persons.png")
    assert closed.status_code in (200, 403, 404)
    assert client.get("/preview/nothing.png").status_code == 404


def test_long_titles_are_wrapped_and_cut() -> None:
    assert wrap("Street trees", 20, 3) == ("Street trees",)
    lines = wrap("A very long title of a dataset that goes on and on and never seems to end at all", 20, 3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert wrap("Donaudampfschifffahrtsgesellschaftskapitän" * 3, 20, 2)


def test_the_statement_says_what_the_city_says(register: City) -> None:
    def statement(**said: Any) -> str:
        told = replace(register.settings, accessibility=AccessibilitySettings(**said))
        pages = portal.routes(register.door, register.catalogue, told, register.state, lambda version: None)
        with TestClient(Starlette(routes=pages)) as client:
            return client.get("/accessibility").text

    assert "has not adopted this statement" in statement()
    text = statement(
        status="full", prepared="2026-03-01", evaluated_by="Studio <Due>", enforcement="https://agid.example/x",
        enforcement_body="AgID", gaps=("Old minutes are pictures.",),
    )  # fmt: skip
    for words in ("fully compliant", "2026", "Studio &lt;Due&gt;", "https://agid.example/x", "Old minutes"):
        assert words in text
    for wrong in ({"status": "perfect"}, {"prepared": "yesterday"}, {"reviewed": "2026-13-01"}):
        with pytest.raises(SettingsError):
            statement(**wrong)
