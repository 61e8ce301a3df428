"""A city's texts in the sentences of the portal: nothing in a title or a name turns the words around it."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace
from typing import Any

import pytest

from arengo.contract.direction import FIRST_STRONG, POP
from arengo.contract.load import loads
from arengo.contract.model import Frozen
from arengo.portal import privacy_words
from arengo.portal.cells import spoken
from arengo.portal.language import LANGUAGES, Speech
from arengo.portal.rendering import environment
from arengo.privacy.finding import Finding
from arengo.privacy.verdict import Assumption

HOSTILE = ("x\u202egnp.exe", "x\u2069\u202ey", "\u2067x", "x\u2066y\u2029z", "\u202bx", "x\u202d<b>")


def open_marks(text: str) -> int:
    """Embeddings and isolates that are open at the end of a text; fails where one closes another's."""
    opened: list[str] = []
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("LRI", "RLI", "FSI"):
            opened.append("PDI")
        elif kind in ("LRE", "RLE", "LRO", "RLO"):
            assert kind[-1] == "E", "an override"
            opened.append("PDF")
        elif kind in ("PDI", "PDF"):
            assert opened
            assert opened.pop() == kind
    return len(opened)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_value_turns_a_sentence(language: str, hostile: str) -> None:
    s = Speech(language)
    told = [
        s._("%(title)s (version %(n)s)", title=hostile, n=2),
        s.many("%(n)s row of %(title)s", "%(n)s rows of %(title)s", 3, title=hostile),
        privacy_words.sentence(
            s, Finding("overlap-known", "block", columns=(hostile, "a"), releases=(hostile,), people=2)
        ),
        privacy_words.sentence(
            s, Finding("undeclared-person", "review", Frozen(column=hostile, what="names", why=hostile))
        ),
        privacy_words.assumption(s, Assumption("register", Frozen(population=hostile, dataset=hostile))),
    ]
    for said in told:
        assert open_marks(said) == 0, ascii(said)
        assert "x" in said


@pytest.mark.parametrize("hostile", HOSTILE)
def test_titles_and_names_of_columns_are_closed_where_they_are_read(hostile: str) -> None:
    quoted = hostile.encode("unicode_escape").decode()
    contract = loads(
        "apiVersion: v3.1.0\nkind: DataContract\nid: trees\nversion: 1.0.0\nstatus: active\n"
        f'name: "{_yaml(quoted)}"\nschema:\n  - name: trees\n    properties:\n'
        f'      - {{name: kind, logicalType: string, businessName: "{_yaml(quoted)}"}}\n'
    )
    assert open_marks(contract.title()) == 0
    assert open_marks(spoken(contract, contract.properties[0], "it")[0]) == 0
    assert "x" in contract.title()


def _yaml(text: str) -> str:
    return text.replace("\\x", "\\u00")


@pytest.mark.parametrize("language", LANGUAGES)
def test_templates_escape_and_isolate_what_they_say(language: str) -> None:
    page = environment().from_string('<p>{{ _("%(title)s (version %(n)s)", title=title, n=2) }}</p>')
    made = page.render(_values(language, "x\u2069\u202e<b>"))
    assert "&lt;b&gt;" in made
    assert "<b>" not in made
    assert open_marks(made) == 0
    assert made.startswith("<p>" + (FIRST_STRONG if language == "ar" else ""))
    both = page.render(_values(language, "أشجار (2)"))
    assert (f"{FIRST_STRONG}أشجار (2){POP}" in both) is (language != "ar")


def _values(language: str, title: str) -> dict[str, Any]:
    return {"s": Speech(language), "title": title, "visit": SimpleNamespace()}
