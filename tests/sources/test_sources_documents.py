"""Documents to pages: PDF, Word, OpenDocument, HTML and text; damaged and hostile ones."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from arengo.contract.draft import infer
from arengo.contract.model import SourceSpec
from arengo.errors import SourceForbidden, SourceMalformed, SourceMissing, SourceTooLarge
from arengo.settings import SourceSettings
from arengo.sources import detect, reader, samples
from arengo.sources.base import Context
from arengo.sources.documents import COLUMNS
from arengo.sources.pages import clean, read

COUNCIL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real" / "montpellier-council"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(SourceSettings(max_ratio=50), tmp_path / "scratch")


def pdf(path: Path, *pages: str) -> Path:
    """A PDF of one line a page, written by hand (PDF 32000-1, 7.5)."""
    parts = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    parts.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    parts.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode("cp1252")
        parts.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        parts.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    body += b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, start)
    path.write_bytes(body)
    return path


def rows(spec: SourceSpec, context: Context) -> tuple[list[dict[str, Any]], Any]:
    pull = reader("documents").open(spec, (), context)
    out = [row for batch in pull.batches for row in batch.to_pylist()]
    return out, pull


def test_a_folder_of_documents_becomes_pages(tmp_path: Path, context: Context) -> None:
    import docx

    folder = tmp_path / "council"
    folder.mkdir()
    pdf(folder / "Délibération 2026-03-05.pdf", "Le conseil municipal de la ville", "Vote des élus du quartier")
    word = docx.Document()
    word.add_paragraph("Verbale del Consiglio comunale del 12 aprile 2026")
    word.add_table(rows=1, cols=2).rows[0].cells[0].text = "presenti"
    word.add_page_break()
    word.add_paragraph("La seduta è tolta.")
    word.save(str(folder / "verbale.docx"))
    (folder / "notes.txt").write_text("First page of the minutes\fSecond page of the minutes", encoding="utf-8")
    (folder / "rules.html").write_text("<title>Rules of the park</title><p>No dogs.<script>x</script><p>No cats.")
    found, pull = rows(SourceSpec("documents", {"path": str(folder)}, tmp_path), context)
    assert pull.read == len(found) == 7
    assert not pull.rejects
    by_page = {(row["document"], row["page"]): row for row in found}
    deliberation = by_page["deliberation-2026-03-05", "2"]
    assert deliberation["text"] == "Vote des élus du quartier"
    assert deliberation["date"] == "2026-03-05"
    assert deliberation["pages"] == "2"
    assert deliberation["format"] == "PDF"
    assert by_page["deliberation-2026-03-05", "1"]["title"] == "Le conseil municipal de la ville"
    assert by_page["verbale", "1"]["date"] == "2026-04-12"
    assert "presenti" in by_page["verbale", "1"]["text"]
    assert by_page["verbale", "2"]["text"] == "La seduta è tolta."
    assert by_page["notes", "2"]["text"] == "Second page of the minutes"
    assert by_page["rules", "1"]["title"] == "Rules of the park"
    assert by_page["rules", "1"]["text"].split() == ["No", "dogs.", "No", "cats."]
    kept = {path.name.split(".")[0] for path in (context.scratch / "originals").iterdir()}
    assert kept == {row["checksum"] for row in found}
    assert pull.origin is not None
    assert pull.origin(1)[0] == "Délibération 2026-03-05.pdf"


def test_open_document_text(tmp_path: Path, context: Context) -> None:
    space = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    with zipfile.ZipFile(tmp_path / "a.odt", "w") as bundle:
        bundle.writestr(
            "content.xml", f'<d xmlns:text="{space}"><text:h>Acta del pleno</text:h><text:p>Uno</text:p></d>'
        )
        bundle.writestr("meta.xml", "<d/>")
    paper = read(tmp_path / "a.odt", context)
    assert list(paper.pages) == ["Acta del pleno\nUno"]
    with zipfile.ZipFile(tmp_path / "b.odt", "w") as bundle:
        bundle.writestr("content.xml", '<!DOCTYPE d [<!ENTITY a "aa">]><d>&a;</d>')
        bundle.writestr("meta.xml", "<d/>")
    with pytest.raises(SourceMalformed, match="entities"):
        read(tmp_path / "b.odt", context)


def test_documents_that_unfold_without_end(tmp_path: Path, context: Context) -> None:
    """A few kilobytes that say they are a table of 300 million columns, or text inside text inside text."""
    import docx

    made = docx.Document()
    table = made.add_table(rows=1, cols=1)
    table.cell(0, 0).text = "Once"
    made.save(str(tmp_path / "plain.docx"))
    with zipfile.ZipFile(tmp_path / "plain.docx") as plain, zipfile.ZipFile(tmp_path / "wide.docx", "w") as wide:
        for name in plain.namelist():
            body = plain.read(name)
            if name == "word/document.xml":
                assert b"<w:tcPr>" in body
                body = body.replace(b"<w:tcPr>", b'<w:tcPr><w:gridSpan w:val="300000000"/>', 1)
            wide.writestr(name, body)
    assert list(read(tmp_path / "wide.docx", context).pages) == ["Once"]
    space = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    nested = "<text:p>x" * 3000 + "</text:p>" * 3000
    with zipfile.ZipFile(tmp_path / "deep.odt", "w") as bundle:
        bundle.writestr("content.xml", f'<d xmlns:text="{space}">{nested}</d>')
        bundle.writestr("meta.xml", "<d/>")
    assert sum(map(len, read(tmp_path / "deep.odt", context).pages)) == 3000


def test_one_damaged_document_does_not_keep_the_others_out(tmp_path: Path, context: Context) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    pdf(folder / "good.pdf", "Good page of the council")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 20)
    (folder / "word.docx").write_bytes(b"PK\x03\x04 not really")
    found, pull = rows(SourceSpec("documents", {"path": str(folder)}, tmp_path), context)
    assert [row["document"] for row in found] == ["good"]
    assert {reject.file for reject in pull.rejects} == {"broken.pdf", "word.docx"}
    assert pull.read == 3


def test_bombs_and_climbing_paths_are_refused(tmp_path: Path, context: Context) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("word/document.xml", b"0" * 60_000_000)
    with pytest.raises(SourceTooLarge):
        read(tmp_path / "bomb.docx", context)
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as bundle:
        bundle.writestr("../evil.pdf", b"%PDF-1.4")
    with pytest.raises(SourceMalformed, match="outside"):
        rows(SourceSpec("documents", {"path": str(tmp_path / "out.zip")}, tmp_path), context)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceMissing):
        rows(SourceSpec("documents", {"path": str(tmp_path / "empty")}, tmp_path), context)
    with pytest.raises(SourceForbidden):
        rows(SourceSpec("documents", {"path": str(tmp_path / "empty"), "glob": "../*.pdf"}, tmp_path), context)


def test_old_word_files_get_a_sentence(tmp_path: Path, context: Context) -> None:
    (tmp_path / "old.doc").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    with pytest.raises(SourceMalformed, match="docx"):
        read(tmp_path / "old.doc", context)


def test_words_cut_at_the_end_of_a_line_are_joined() -> None:
    assert clean("délibé-\nration du con\u00adseil\x00\r\n\r\n\r\nfin\ufffe\nir") == "délibération du conseil\n\nfinir"


def test_the_draft_says_what_the_dataset_is(tmp_path: Path, context: Context) -> None:
    folder = tmp_path / "minutes"
    folder.mkdir()
    pdf(folder / "a.pdf", "Minutes of the council of 3 March 2026 in the town hall of the city")
    spec = detect(str(folder), context)
    assert spec.kind == "documents"
    (sample,) = samples(spec, context)
    draft = infer(sample)
    assert [item.name for item in draft.contract.properties] == list(COLUMNS)
    assert draft.contract.key == ("document", "page")
    assert draft.contract.custom["arengoDocuments"] is True
    assert tuple(draft.contract.custom["arengoSearch"]) == ("title", "text")


@pytest.mark.skipif(not COUNCIL.is_dir(), reason="the real council minutes are not here")
def test_the_council_minutes_of_montpellier(context: Context) -> None:
    bundle = COUNCIL / "VilleMTP_MTP_PVCM_2014.zip"
    assert detect(str(bundle), context).kind == "documents"
    found, pull = rows(SourceSpec("documents", {"path": str(bundle)}, COUNCIL), context)
    assert len(found) == 305
    assert not pull.rejects
    assert {(row["document"], row["date"], row["pages"], row["language"]) for row in found} == {
        ("pv-cm-17-02-2014", "2014-02-17", "255", "fr"),
        ("pv-cm-24-04-2014", "2014-04-24", "50", "fr"),
    }
    assert any("tramway" in (row["text"] or "") and row["page"] == "54" for row in found)
