"""Marks of direction in a city's texts: they cannot turn a sentence, nor steer a terminal."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from arengo import terminal
from arengo.contract.direction import FIRST_STRONG, POP, apart, spelt, steady


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Trees", "Trees"),
        ("Bäume", "Bäume"),
        ("a\u202eb", "ab"),  # right-to-left override
        ("a\u202db\u202c", "ab"),
        ("a\u2066b", "ab"),  # not closed
        ("a\u2069b", "ab"),  # closes the isolate that somebody else opened
        ("a\u2069\u202e\u2066b", "ab"),
        ("\u2068\u202bx\u2069", "x"),  # closed in the wrong order
        ("\u202bعدد\u202c (2)", "\u202bعدد\u202c (2)"),  # closed: stays
        ("a\u2067b\u2069c", "a\u2067b\u2069c"),
        ("a\u2029b\x85c\x1cd", "a b c d"),  # ends of paragraphs end isolates, too
        ("عدد\u200f", "عدد\u200f"),  # a letterlike mark reaches no further
    ],
)
def test_marks_that_reach_beyond_a_text_are_taken_out(given: str, kept: str) -> None:
    assert steady(given) == kept


@pytest.mark.parametrize(
    ("given", "rtl", "made"),
    [
        ("Trees (2)", False, "Trees (2)"),
        ("Trees (2)", True, f"{FIRST_STRONG}Trees (2){POP}"),
        ("أشجار (2)", False, f"{FIRST_STRONG}أشجار (2){POP}"),
        ("أشجار (2)", True, "أشجار (2)"),
        ("12 345,6", True, "12 345,6"),
        ("٣", True, "٣"),
        ("a\u202eb", False, "ab"),
        ("a\u2069b\u202e", True, f"{FIRST_STRONG}ab{POP}"),
        (f"{FIRST_STRONG}Trees{POP}", True, f"{FIRST_STRONG}Trees{POP}"),  # once is enough
        ("", True, ""),
    ],
)
def test_a_value_stands_apart_where_it_runs_the_other_way(given: str, rtl: bool, made: str) -> None:
    assert apart(given, rtl) == made


def test_markup_stays_markup() -> None:
    assert apart(Markup("<b>x\u202e</b>"), True) == Markup(f"{FIRST_STRONG}<b>x</b>{POP}")
    assert isinstance(apart(Markup("<b>x\u202e</b>"), False), Markup)
    assert isinstance(apart(Markup("<b>א</b>"), False), Markup)


def test_a_terminal_gets_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "a\x1b]0;x\x07b\u202ec\x9bd\r\ue000\udcff"
    assert spelt(hostile) == "a\\x1b]0;x\\x07b\\u202ec\\x9bd\\x0d\ue000\\udcff"
    terminal.table(["title", "n"], [["x\x1b[2Jy\u2066", 1], [None, 22]], numbers=[1])
    terminal.say("one\ntwo\t3", "\x1b[31m")
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "x\\x1b[2Jy\\u2066   1" in said
    assert "one\ntwo\t3 \\x1b[31m\n" in said
