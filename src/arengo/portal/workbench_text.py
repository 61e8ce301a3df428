"""Text between questions: paragraphs, headings, lists, emphasis, code and links, and nothing else of Markdown."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_INLINE = (
    (re.compile(r"\*\*([^*\n]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])"), r"<em>\1</em>"),
    (re.compile(r"\[([^\]\n]{1,200})\]\((https?://[^\s()<>]{1,500}|/(?!/)[^\s()<>]{0,500})\)"), r'<a href="\2">\1</a>'),
)
_HEADING = re.compile(r"#{1,4}\s+(.+)")
_ITEM = re.compile(r"[-*]\s+(.+)")


def written(text: str) -> Markup:
    """Safe HTML of a text cell. A heading is the page's third level."""
    out: list[str] = []
    paragraph: list[str] = []
    items: list[str] = []

    def close() -> None:
        if paragraph:
            out.append(f"<p>{' '.join(paragraph)}</p>")
            paragraph.clear()
        if items:
            out.append(f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>")
            items.clear()

    for line in text.splitlines():
        stripped = line.strip()
        if heading := _HEADING.fullmatch(stripped):
            close()
            out.append(f"<h3>{_inline(heading[1])}</h3>")
        elif item := _ITEM.fullmatch(stripped):
            if paragraph:
                close()
            items.append(_inline(item[1]))
        elif stripped:
            if items:
                close()
            paragraph.append(_inline(stripped))
        else:
            close()
    close()
    return Markup("\n".join(out))  # noqa: S704 - every piece went through escape


def _inline(text: str) -> str:
    """Escaped first, so that only our own marks make elements; code keeps what is inside it."""
    pieces = re.split(r"(`[^`\n]+`)", str(escape(text)))
    for at, piece in enumerate(pieces):
        if piece.startswith("`") and len(piece) > 2:
            pieces[at] = f"<code>{piece[1:-1]}</code>"
            continue
        for pattern, made in _INLINE:
            piece = pattern.sub(made, piece)
        pieces[at] = piece
    return "".join(pieces)
