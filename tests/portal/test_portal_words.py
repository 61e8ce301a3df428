"""Languages, numbers, colours: what needs no city."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.contract.model import Kind
from arengo.errors import SettingsError
from arengo.portal import colour
from arengo.portal.cells import Head, Writer, _first, plain, written
from arengo.portal.geography import Shape, draw, read
from arengo.portal.language import LANGUAGES, Speech, choose

PORTAL = Path(colour.__file__).parent
OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    """Every text of the interface, as pybabel extracts them (translations/babel.cfg)."""
    found = Catalog()
    methods = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
    options = {"**/templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
    keywords = {"_": None, "many": (1, 2), "marked": None, "gettext": None, "ngettext": (1, 2)}
    for _file, _line, text, _comments, _context in extract_from_dir(PORTAL, methods, options, keywords):
        found.add(text)
    return [message for message in found if message.id]


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_has_a_translation(language: str, messages: list[Message]) -> None:
    with (PORTAL / "translations" / f"{language}.po").open("rb") as file:
        held = read_po(file, locale=language)
    for message in messages:
        found = held.get(message.id)
        assert found is not None, f"{language} lacks {message.id!r}"
        assert not found.fuzzy
        texts = found.string if isinstance(found.string, tuple) else (found.string,)
        assert all(texts), f"{language} leaves {message.id!r} empty"
        source = message.id if isinstance(message.id, str) else message.id[1]
        names = set(re.findall(r"%\((\w+)\)s", source))
        for text in texts:
            said = set(re.findall(r"%\((\w+)\)s", text))
            assert said <= names, f"{language}: {text!r} names something else than {source!r}"
            assert isinstance(message.id, tuple) or said == names, f"{language}: {text!r} leaves something out"
    sources = {message.id if isinstance(message.id, str) else message.id[0] for message in messages}
    spare = {message.id if isinstance(message.id, str) else message.id[0] for message in held if message.id} - sources
    assert not spare, f"{language} translates what is no longer said: {sorted(spare)[:3]}"


def test_the_catalogue_can_be_written_again() -> None:
    from babel.messages.pofile import write_po

    with (PORTAL / "translations" / "ar.po").open("rb") as file:
        held = read_po(file, locale="ar")
    assert held.num_plurals == 6
    write_po(io.BytesIO(), held)


@pytest.mark.parametrize(
    ("asked", "accept", "default", "found"),
    [
        ([""], "it-IT,it;q=0.9,en;q=0.8", "en", "it"),
        (["fr"], "it", "en", "fr"),
        (["", "ar"], "it", "en", "ar"),
        (["xx"], "de;q=1, es;q=0.2", "en", "es"),
        ([""], "de", "it-IT", "it"),
        ([""], "", "de", "en"),
        ([""], "it;q=0, fr;q=0.1", "en", "fr"),
        ([""], "it;q=nonsense", "en", "en"),
    ],
)
def test_language(asked: list[str], accept: str, default: str, found: str) -> None:
    assert choose(asked, accept, default) == found


def test_numbers_as_each_language_writes_them() -> None:
    assert Speech("en").number(1234567.5) == "1,234,567.5"
    assert Speech("it").number(1234567.5) == "1.234.567,5"
    assert Speech("fr").number(1234.5).replace("\u202f", " ") == "1 234,5"
    assert Speech("es").number(1234) == "1234"
    assert Speech("es").number(12345) == "12.345"
    assert Speech("it").number(-3) == "-3"
    assert Speech("en").number(2024, group=False) == "2024"
    assert Speech("en").number(0.1 + 0.2, 2) == "0.30"
    assert Speech("en").number(3, 2) == "3.00"
    assert Speech("en").number(None) == "–"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12), st.integers(0, 6))
def test_a_written_number_can_be_read_back(value: float, places: int) -> None:
    from arengo.portal.table import read_number

    for language in ("en", "it", "es"):
        said = Speech(language).number(value, places)
        assert read_number(said.replace("\u200e", ""), language) == pytest.approx(round(value, places), abs=10**-places)


def test_dates_in_the_citys_zone() -> None:
    speech = Speech("en", "Europe/Rome")
    assert speech.moment(datetime(2026, 1, 1, 23, 30)) == "2 Jan 2026, 00:30"
    assert speech.moment(datetime(2026, 7, 1, 10, 0, tzinfo=UTC)) == "1 Jul 2026, 12:00"
    assert Speech("it").date(date(2026, 5, 4)) == "4 mag 2026"
    assert Speech("en", "Nowhere/Land").moment(datetime(2026, 1, 1)) == "1 Jan 2026, 00:00"


def test_plurals_of_arabic() -> None:
    speech = Speech("ar")
    said = {n: speech.many("%(n)s row", "%(n)s rows", n) for n in (0, 1, 2, 3, 11, 100)}
    assert len(set(said.values())) == 6
    assert said[2] == "صفان"


@settings(deadline=None)
@given(st.integers(0, 0xFFFFFF), st.sampled_from(["light", "dark"]))
def test_the_nearest_colour_passes(number: int, theme: str) -> None:
    asked = f"#{number:06x}"
    found = colour.nearest(asked, theme)
    assert colour.passes(found, theme)
    assert not colour.passes(asked, theme) or found == asked
    assert colour.contrast(colour.ink_on(found), found) >= 4.5


def test_a_pale_accent_is_refused_with_the_nearest_that_passes() -> None:
    with pytest.raises(SettingsError, match=r"4\.5 to 1") as refused:
        colour.check("#ff8800", "city.toml")
    suggested = re.search(r"#[0-9a-f]{6}\.$", refused.value.todo)
    assert suggested
    colour.check(suggested[0].rstrip("."))
    with pytest.raises(SettingsError, match="not a colour"):
        colour.check("red; } body { display: none")
    colour.check("#9d2f1f")


def test_tokens_have_enough_contrast() -> None:
    """Ink, quiet ink and the marks on paper (1.4.3), lines of forms and series (1.4.11), in both themes."""
    sheet = (PORTAL / "static" / "tokens.css").read_text(encoding="utf-8")
    light = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", sheet.split("@media")[0]))
    dark = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", sheet.split('data-theme="dark"')[1]))
    assert set(dark) == set(light)
    for tokens in (light, dark):
        for paper in ("paper", "paper-inset"):
            for name in ("ink", "ink-quiet", "accent", "good", "warn", "bad", "focus"):
                assert colour.contrast(tokens[name], tokens[paper]) >= 4.5, (name, paper)
            for name in ("line-strong", *(f"series-{n}" for n in range(1, 7))):
                assert colour.contrast(tokens[name], tokens[paper]) >= 3, (name, paper)
    media = sheet.split("@media")[1].split(':root[data-theme="dark"]')[0]
    assert dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", media)) == dark, "both ways into the dark are the same"


def test_the_papers_of_the_check_are_those_of_the_tokens() -> None:
    sheet = (PORTAL / "static" / "tokens.css").read_text(encoding="utf-8")
    for papers, part in zip(colour.PAPER.values(), (sheet, sheet.split('data-theme="dark"')[1]), strict=True):
        found = dict(re.findall(r"--(paper|paper-inset): (#[0-9a-f]{6});", part)[:2])
        assert (found["paper"], found["paper-inset"]) == papers


def test_shapes_from_well_known_binary() -> None:
    import struct

    point = struct.pack("<BIdd", 1, 1, 9.19, 45.46)
    found = read(point)
    assert found is not None
    assert (found.type, found.points) == ("Point", ((9.19, 45.46),))
    high = struct.pack(">BIddd", 0, 1001, 1.0, 2.0, 3.0)
    deep = read(high)
    assert deep is not None
    assert deep.points == ((1.0, 2.0),)
    ring = struct.pack("<BIII", 1, 3, 1, 4) + struct.pack("<8d", 0, 0, 1, 0, 1, 1, 0, 0)
    area = read(ring)
    assert area is not None
    assert (area.family, area.box) == ("area", (0, 0, 1, 1))
    assert read(b"\x01\x03\x00\x00\x00\xff\xff\xff\xff") is None
    assert read(b"") is None


@given(st.binary(max_size=80))
def test_any_bytes_are_no_crash(data: bytes) -> None:
    read(data)


def test_a_single_place_is_drawn_in_the_middle() -> None:
    drawing = draw([Shape("Point", points=((9.0, 45.0),))], width=400, height=300)
    assert drawing is not None
    assert drawing.dots == ((200.0, 150.0),)
    assert draw([]) is None


def test_a_label_keeps_its_letters() -> None:
    assert _first("ilçe", "tr") == "İlçe"
    assert _first("ilot", "fr") == "Ilot"
    assert _first("İlçe", "tr") == "İlçe"


def test_a_drafts_own_words_are_no_description() -> None:
    assert written("To be filled in: what this dataset holds, who collects it and what for.") == ""
    assert written("Trees along the streets.") == "Trees along the streets."


def test_tags_of_a_page_editor_are_not_shown_in_a_cell() -> None:
    assert plain('<div class="x"><b>Le lac</b>&nbsp;&amp; la rive<br/>Acc\u00e8s libre</div>') == (
        "Le lac & la rive Acc\u00e8s libre"
    )
    for text in ("a < b and c > d", "<script>alert('x')</script>", "x <id> y", "5 < 7", "<", "A&amp;B"):
        assert plain(text) == text, "what is not a page editor's stays"
    head = Head("t", "T", "", Kind.STRING, False, False)
    assert Writer(Speech("en"), [head], []).cell(0, "<p>Open</p>").text == "Open"
    assert Writer(Speech("en"), [head], [], whole=True).cell(0, "<p>Open</p>").text == "<p>Open</p>"
