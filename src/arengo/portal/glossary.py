"""Words of these pages that not everybody knows, in plain ones; shown with them in plain language, and as a list."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from arengo.portal.visit import Visit


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the field and what it means. ``id``: its place in the list."""

    id: str
    word: str
    meaning: str


def page(visit: Visit) -> Response:
    """``/words``."""
    known = visit.unchanged()
    terms = sorted(terms_of(visit), key=lambda term: term.word.casefold())
    return known or visit.page("words.html", {"terms": terms})


def terms_of(visit: Visit) -> tuple[Term, ...]:
    """In the reader's language."""
    _, city = visit._, visit.settings.city.name
    return (
        Term(
            "dataset",
            _("dataset"),
            _("A table, a map or a list that %(city)s keeps and gives to everybody.", city=city),
        ),
        Term("row", _("row"), _("One line of a table: one tree, one bus stop, one measurement.")),
        Term(
            "column",
            _("column"),
            _("One kind of fact in a table, such as a height or a date. Its name stands on top."),
        ),
        Term(
            "version",
            _("version"),
            _("A dataset as it was at one moment. Earlier versions stay, so you can look back."),
        ),
        Term(
            "licence",
            _("licence"),
            _("What you may do with the data. An open licence allows any use, often if you say where it is from."),
        ),
        Term(
            "format",
            _("format"),
            _("The kind of file. CSV and Excel open in a spreadsheet; the others are for maps and programs."),
        ),
        Term("open", _("open"), _("Everybody may read it, without asking and without an account.")),
        Term("shared", _("shared"), _("Some may read it, for a purpose that was agreed.")),
        Term(
            "closed",
            _("closed"),
            _("Only its owner may read it, mostly because it is about persons. The page says why."),
        ),
        Term(
            "agreement",
            _("agreement"),
            _("What an owner and a reader settled: which columns, for what, how often, until when."),
        ),
        Term("purpose", _("purpose"), _("What data is used for. It may be used for that and for nothing else.")),
        Term(
            "personal",
            _("personal data"),
            _("Facts about a person who can be recognised, also together with other facts."),
        ),
        Term(
            "pseudonym",
            _("pseudonym"),
            _("A code in the place of a name: always the same code for one reader, and another one for the next."),
        ),
        Term("owner", _("owner"), _("The office that keeps the data and answers for it.")),
        Term("quality", _("quality"), _("Rules that the rows were checked against, and how many of them hold.")),
        Term(
            "api",
            _("interface for programs (API)"),
            _("A way for computer programs to ask for the data by themselves."),
        ),
        Term("metadata", _("metadata"), _("What is said about a dataset: its title, its owner, its date.")),
        Term("feed", _("feed"), _("An address that a reader program looks at, to tell you what is new.")),
    )


def meanings(visit: Visit) -> dict[str, str]:
    """Id of a word -> what it means; empty unless the visitor asked for plain language."""
    return {term.id: term.meaning for term in terms_of(visit)} if visit.plain else {}
