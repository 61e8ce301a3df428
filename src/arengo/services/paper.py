"""A document on paper: title, facts, paragraphs, tables and page numbers as PDF.

The caller says every word in its language; this file only lays it out (reportlab). Typefaces are those of the portal
(Public Sans, OFL) and are embedded. Latin script is set whole. **Arabic script is not set**: joining letters and
writing from right to left need a shaping engine that is not among our libraries, so a run of it becomes ``[…]`` and
the document says so at its end. The file names its language and title but has no structure tree (PDF/UA): where a
person needs an accessible form, the page of the portal is that form.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

FONTS = Path(__file__).parent.parent / "portal" / "static" / "vendor"
LEFT_OUT = "[…]"
"""What stands for a run of letters that no typeface of ours can set."""
INK, QUIET, LINE, ACCENT = "#1d1b17", "#5f5b52", "#cfc9bb", "#9d2f1f"

_LOCK = threading.Lock()  # reportlab's fonts are shared by the process
_RIGHT_TO_LEFT = ("R", "AL", "AN")


@dataclass(frozen=True, slots=True)
class Heading:
    """``level`` 1 or 2 below the title."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph; ``quiet`` for what is said aside, ``open`` for a question that waits for an answer."""

    text: str
    quiet: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels and values, one pair a line. A value of several lines has them separated by a line break."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Points:
    """A list with a mark before each entry."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """``widths``: shares of the page's width, equal when empty. Rows longer than a page are split."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()


Part = Heading | Text | Facts | Points | Table


@dataclass(frozen=True, slots=True)
class Paper:
    """One document.

    ``city``: whose it is, at the head of each page. ``made``: when, for the file's own record. ``page``: the words at
    the foot, with ``{page}`` and ``{pages}``. ``foot``: what else stands there, such as a reference. ``wide``:
    landscape. ``unset``: the sentence that says that letters were left out.
    """

    title: str
    city: str
    parts: tuple[Part, ...]
    made: datetime
    language: str = "en"
    subtitle: str = ""
    page: str = "{page} / {pages}"
    foot: str = ""
    wide: bool = False
    unset: str = f"Where {LEFT_OUT} stands, the original has letters that this file cannot show."


def lay(paper: Paper) -> bytes:
    """The document as PDF 1.4. Equal papers give equal bytes."""
    with _LOCK:
        return _Desk(paper).lay()


@cache
def _faces() -> tuple[tuple[str, str, frozenset[int]], ...]:
    """(regular, semibold, letters) of each typeface, the first is the usual one. Registered once a process."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    drawing, beyond = FONTS / "drawing", FONTS / "paper"
    files = [
        ("Paper", drawing / "public-sans-latin-400-normal.ttf", drawing / "public-sans-latin-600-normal.ttf"),
        ("PaperBeyond", beyond / "public-sans-latin-ext-400-normal.ttf",
         beyond / "public-sans-latin-ext-600-normal.ttf"),
        ("PaperRest", Path("Vera.ttf"), Path("VeraBd.ttf")),  # reportlab's own, there in every installation
    ]  # fmt: skip
    found = []
    for name, *paths in files:
        if all(path.is_file() for path in paths) or name == "PaperRest":
            faces = [TTFont(name + tail, str(path)) for tail, path in zip(("", "-Bold"), paths, strict=True)]
            for face in faces:
                face.face.name = face.fontName.encode()  # two parts of one family would share one object in the file
                pdfmetrics.registerFont(face)
            letters = frozenset(faces[0].face.charToGlyph) & frozenset(faces[1].face.charToGlyph)
            found.append((name, f"{name}-Bold", letters))
    return tuple(found)


def _clean(text: str) -> str:
    """Without control characters and marks of direction; lines stay."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return "".join(
        letter for letter in text if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs")
    )


class _Desk:
    """Lays one paper out."""

    def __init__(self, paper: Paper) -> None:
        from reportlab.lib.colors import HexColor
        from reportlab.lib.enums import TA_LEFT
        from reportlab.lib.pagesizes import A4, landscape
        from reportlab.lib.styles import ParagraphStyle

        self.paper = paper
        self.left_out = False
        self.faces = _faces()
        self.size = landscape(A4) if paper.wide else A4
        self.margin = 56.0
        self.width = self.size[0] - 2 * self.margin
        self.colour = HexColor
        regular, bold, _ = self.faces[0]
        small = 8.5 if paper.wide else 9.0

        def style(name: str, font: str, size: float, lead: float, before: float, after: float, ink: str) -> Any:
            return ParagraphStyle(
                name, fontName=font, fontSize=size, leading=lead, spaceBefore=before, spaceAfter=after,
                textColor=HexColor(ink), alignment=TA_LEFT, splitLongWords=1, allowWidows=0, allowOrphans=0,
            )  # fmt: skip

        self.styles = {
            "title": style("title", bold, 20, 25, 0, 4, INK),
            "subtitle": style("subtitle", regular, 11, 15, 0, 10, QUIET),
            "h1": style("h1", bold, 13, 17, 16, 5, INK),
            "h2": style("h2", bold, 10.5, 14, 10, 3, INK),
            "text": style("text", regular, 10, 14.5, 0, 6, INK),
            "quiet": style("quiet", regular, 9, 13, 0, 6, QUIET),
            "open": style("open", regular, 10, 14.5, 2, 8, ACCENT),
            "label": style("label", bold, small, small + 3.5, 0, 0, INK),
            "cell": style("cell", regular, small, small + 3.5, 0, 0, INK),
        }

    def lay(self) -> bytes:
        from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

        paper, out = self.paper, BytesIO()
        story: list[Any] = [self._p(paper.title, "title")]
        if paper.subtitle:
            story.append(self._p(paper.subtitle, "subtitle"))
        for part in paper.parts:
            story += self._part(part)
        self._marked(paper.foot + paper.city, False)
        if self.left_out:
            story.append(self._p(paper.unset.replace(LEFT_OUT, "[...]"), "quiet"))
        document = BaseDocTemplate(
            out, pagesize=self.size, title=_clean(paper.title), author=_clean(paper.city),
            subject=_clean(paper.subtitle), creator="Arengo", lang=paper.language, invariant=1, pageCompression=1,
        )  # fmt: skip
        frame = Frame(
            self.margin, 60, self.width, self.size[1] - 124,
            leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
        )  # fmt: skip
        document.addPageTemplates([PageTemplate(frames=[frame])])
        document.build(story, canvasmaker=self._canvas())
        return out.getvalue()

    def _part(self, part: Part) -> list[Any]:
        if isinstance(part, Heading):
            from reportlab.platypus import CondPageBreak

            return [CondPageBreak(90), self._p(part.text, "h1" if part.level == 1 else "h2")]
        if isinstance(part, Text):
            name = "open" if part.open else "quiet" if part.quiet else "text"
            return [self._p(part.text, name)]
        if isinstance(part, Facts):
            return self._table([], [(label, value) for label, value in part.rows], (0.3, 0.7), facts=True)
        if isinstance(part, Points):
            from reportlab.platypus import ListFlowable, ListItem

            items = [ListItem(self._p(item, "text"), leftIndent=14) for item in part.items]
            if not items:
                return []
            return [ListFlowable(items, bulletType="bullet", bulletFontSize=6, bulletOffsetY=-2, leftIndent=14)]
        return self._table(part.head, part.rows, part.widths, facts=False)

    def _table(
        self, head: Iterable[str], rows: Iterable[tuple[str, ...]], widths: tuple[float, ...], facts: bool
    ) -> list[Any]:
        from reportlab.platypus import LongTable, Spacer, TableStyle

        header = [self._p(text, "label") for text in head]
        body = [
            [self._p(text, "label" if facts and not number else "cell") for number, text in enumerate(row)]
            for row in rows
        ]
        filled = ([header] if header else []) + body
        if not filled:
            return []
        count = len(filled[0])
        shares = widths or (1.0,) * count
        columns = [self.width * share / sum(shares) for share in shares]
        rules: list[Any] = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
            ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, self.colour(LINE)),
        ]
        if header:
            rules.append(("LINEBELOW", (0, 0), (-1, 0), 0.9, self.colour(INK)))
        # A row is split only when a page could not hold it: reportlab repeats the head where it splits inside a row.
        most = self.size[1] - 180
        tall = any(
            cell.wrap(width - 12, most)[1] > most for row in filled for cell, width in zip(row, columns, strict=True)
        )
        made = LongTable(filled, columns, repeatRows=1 if header else 0, splitByRow=1, splitInRow=int(tall))
        made.setStyle(TableStyle(rules))
        return [made, Spacer(1, 8)]

    def _p(self, text: str, style: str) -> Any:
        from reportlab.platypus import Paragraph

        found = self.styles[style]
        return Paragraph(self._marked(text, found.fontName == self.faces[0][1]), found)

    def _marked(self, text: str, bold: bool) -> str:
        """The text as reportlab's markup: every letter in a typeface that has it."""
        pieces: list[str] = []
        for line in _clean(text).split("\n"):
            runs: list[tuple[int, str]] = []
            for letter in line:
                face = self._face(letter)
                if runs and (runs[-1][0] == face or (letter == " " and runs[-1][0] >= 0)):
                    runs[-1] = (runs[-1][0], runs[-1][1] + letter)
                else:
                    runs.append((face, letter))
            pieces.append("".join(self._run(face, run, bold) for face, run in _joined(runs)))
        return "<br/>".join(pieces)

    def _run(self, face: int, run: str, bold: bool) -> str:
        if face < 0:
            self.left_out = True
            return "[...]"
        if face == 0:
            return escape(run)
        return f'<font name="{self.faces[face][1 if bold else 0]}">{escape(run)}</font>'

    def _face(self, letter: str) -> int:
        if unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT:
            return -1
        code = ord(letter)
        return next((number for number, face in enumerate(self.faces) if code in face[2]), -1)

    def _plain(self, text: str) -> str:
        """One line for the edge of a page."""
        return re.sub(r"\s+", " ", "".join(letter if self._face(letter) >= 0 else "?" for letter in _clean(text)))

    def _edge(self, canvas: Any, x: float, y: float, text: str, size: float, bold: bool = False) -> None:
        """Draw a line at the edge of a page, every letter in a typeface that has it."""
        from reportlab.pdfbase.pdfmetrics import stringWidth

        for face, letters in groupby(text, lambda letter: max(self._face(letter), 0)):
            name, run = self.faces[face][1 if bold else 0], "".join(letters)
            canvas.setFont(name, size)
            canvas.drawString(x, y, run)
            x += stringWidth(run, name, size)

    def _canvas(self) -> Any:
        """A canvas that knows the number of pages when it writes the first foot."""
        from reportlab.pdfgen.canvas import Canvas

        desk = self

        class Numbered(Canvas):  # type: ignore[misc]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.pages: list[dict[str, Any]] = []

            def showPage(self) -> None:  # noqa: N802
                self.pages.append(dict(self.__dict__))
                self._startPage()

            def save(self) -> None:
                for number, page in enumerate(self.pages, 1):
                    self.__dict__.update({name: value for name, value in page.items() if name != "pages"})
                    desk._edges(self, number, len(self.pages))
                    super().showPage()
                super().save()

        return Numbered

    def _edges(self, canvas: Any, number: int, pages: int) -> None:
        paper, (width, height) = self.paper, self.size
        canvas.saveState()
        canvas.setStrokeColor(self.colour(LINE))
        canvas.setLineWidth(0.4)
        canvas.line(self.margin, height - 46, width - self.margin, height - 46)
        canvas.line(self.margin, 44, width - self.margin, 44)
        canvas.setFillColor(self.colour(INK))
        self._edge(canvas, self.margin, height - 40, self._plain(paper.city), 9, bold=True)
        canvas.setFillColor(self.colour(QUIET))
        self._edge(canvas, self.margin, 32, self._plain(paper.foot)[:110], 8)
        said = paper.page.replace("{page}", str(number)).replace("{pages}", str(pages))
        canvas.setFont(self.faces[0][0], 8)
        canvas.drawRightString(width - self.margin, 32, self._plain(said))
        canvas.restoreState()


def _joined(runs: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Runs left out with only spaces between them become one."""
    out: list[tuple[int, str]] = []
    for face, run in runs:
        if out and face < 0 and out[-1][0] < 0:
            out[-1] = (face, out[-1][1] + run)
        elif face < 0 and len(out) > 1 and not out[-1][1].strip() and out[-2][0] < 0:
            out.pop()
        else:
            out.append((face, run))
    return out
