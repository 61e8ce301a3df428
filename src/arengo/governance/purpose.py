"""Why somebody reads: what it is for, what allows it, and what could go wrong for the people in the rows.

Purposes are named with the terms of the Data Privacy Vocabulary (:mod:`arengo.contract.dpv`), legal bases with those
of its GDPR extension. A purpose that a request names is never changed: another one is written instead of it, and what
was granted for the first has to be granted for the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arengo.contract import dpv
from arengo.contract.model import EMPTY, Contract
from arengo.contract.period import Period
from arengo.contract.purpose import personal, purposes, special
from arengo.errors import BadForm

LONGEST_TITLE = 200
LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Question:
    """A question about the risks for the people a row is about. ``least``: characters an answer needs.

    The wording follows what Art. 35(7) of Regulation (EU) 2016/679 asks an assessment to hold.
    """

    id: str
    text: str
    help: str
    least: int = 20


QUESTIONS: tuple[Question, ...] = (
    Question("necessity", "Why is each of these columns needed, and why is less not enough?",
             "Go through the columns you ask for. Coarser values, fewer rows or no names are often enough."),
    Question("people", "Who is affected, and what could it mean for them?",
             "Think of people who are few, weak or known in the neighbourhood."),
    Question("safeguards", "Who will have access on your side, and how is it protected?",
             "Name the office and the program, where it runs, and how access ends when somebody leaves."),
    Question("combination", "What other data will it be combined with?",
             "Say 'none' with a reason when it is used alone: rows without names can name people once combined."),
    Question("decisions", "Are decisions about people made with it, and how are they told?",
             "Say who decides, whether a program decides alone (Art. 22), and how people are informed (Art. 14)."),
)  # fmt: skip
"""What is asked when personal data is concerned. The list is closed: answers are kept by these ids."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """``dpv``, ``legal_basis``, ``special_basis``: codes of :mod:`arengo.contract.dpv`. ``personal``: whether personal
    data is asked for. ``answers``: question id -> text. ``retention``: how long the reader keeps what it read, ISO
    8601. ``recipients``: to whom it is passed on. ``follows``: the purpose this one was written instead of."""

    id: str
    organisation: str
    title: str
    text: str
    dpv: str
    legal_basis: str
    personal: bool = False
    special_basis: str = ""
    answers: Mapping[str, str] = EMPTY
    retention: str = ""
    recipients: tuple[str, ...] = ()
    follows: str = ""
    created_by: str = ""
    created_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """What was said, as it is kept."""
        return {name: getattr(self, name) for name in _FIELDS if name not in ("answers", "recipients")} | {
            "id": self.id,
            "answers": dict(self.answers),
            "recipients": list(self.recipients),
        }

    @property
    def iri(self) -> str:
        return dpv.iri(self.dpv)

    def label(self, language: str = "en") -> str:
        """The DPV purpose in words."""
        found = dpv.concept(self.dpv, "purpose")
        return found.label(language) if found else self.dpv

    def basis(self, language: str = "en") -> str:
        """The legal basis in words, with its article."""
        found = dpv.concept(self.legal_basis, "basis")
        return f"{found.label(language)} ({found.article})" if found else self.legal_basis


def personal_columns(contract: Contract, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``names`` that tell about a person; a place made from columns that do, does."""
    about = {column.name for column in personal(contract)}
    geometry = contract.geometry
    if geometry is not None and geometry.derived and {geometry.x, geometry.y} & about:
        about.add(geometry.column)
    return tuple(name for name in names if name in about)


def special_columns(contract: Contract, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``names`` that are of a special category (Art. 9 GDPR)."""
    return tuple(column.name for column in special(contract) if column.name in names)


def stated(contract: Contract, purpose: Purpose) -> bool:
    """Whether the contract states this purpose or a wider one for its data; true when it states none."""
    terms = [item.dpv for item in purposes(contract) if item.dpv]
    return not terms or any(dpv.within(purpose.dpv, term) for term in terms)


def gaps(purpose: Purpose, *, about_people: bool, sensitive: bool = False) -> list[tuple[str, str]]:
    """What is missing before a request with this purpose can be sent: (field, sentence); empty when complete.

    ``about_people``: a column asked for tells about people. ``sensitive``: one is of a special category (Art. 9).
    """
    found: list[tuple[str, str]] = []
    if len(purpose.title.strip()) < 4:
        found.append(("title", "Give the purpose a title."))
    if len(purpose.text.strip()) < 20:
        found.append(("text", "Say in a few sentences what the data is used for."))
    if dpv.concept(purpose.dpv, "purpose") is None:
        found.append(("dpv", "Choose what kind of purpose it is."))
    if about_people or purpose.personal:
        if not purpose.personal:
            found.append(("personal", "The columns asked for tell about people; say so and answer the questions."))
        if dpv.concept(purpose.legal_basis, "basis") is None:
            found.append(("legal_basis", "Choose the legal basis (Art. 6 GDPR)."))
        if sensitive and dpv.concept(purpose.special_basis, "special") is None:
            found.append(("special_basis", "A column asked for is of a special category: choose what allows it "
                          "(Art. 9(2) GDPR)."))  # fmt: skip
        if not purpose.retention:
            found.append(("retention", "Say how long you keep what you read."))
        for question in QUESTIONS:
            if len(purpose.answers.get(question.id, "").strip()) < question.least:
                found.append((question.id, f"Answer the question: {question.text}"))
    return found


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a purpose as they are kept: bounded, terms as codes. Raises BadForm, naming the field.

    A draft may be incomplete; what is there has to be readable.
    """
    unknown = set(values) - set(_FIELDS)
    if unknown:
        raise BadForm(f"A purpose has no field {sorted(unknown)[0]!r}.", todo=f"Fields: {', '.join(_FIELDS)}.")
    answers = values.get("answers") or {}
    known = {question.id for question in QUESTIONS}
    if not isinstance(answers, Mapping) or set(answers) - known:
        raise BadForm("There is no such question.", todo=f"Questions: {', '.join(sorted(known))}.")
    retention = _line(values.get("retention"), "retention", 40)
    if retention and Period.parse(retention) is None:
        raise BadForm(f"{retention!r} is no duration.", todo="Write it like P1Y or P90D (ISO 8601).")
    recipients = values.get("recipients") or ()
    if isinstance(recipients, str) or len(recipients) > 50:
        raise BadForm("The recipients are a list of at most 50.", todo="Name offices, not each person.")
    return {
        "title": _line(values.get("title"), "title", LONGEST_TITLE),
        "text": _words(values.get("text"), "text"),
        "dpv": _term(values.get("dpv"), "purpose"),
        "legal_basis": _term(values.get("legal_basis"), "basis"),
        "special_basis": _term(values.get("special_basis"), "special"),
        "personal": values.get("personal") is True,
        "answers": {name: _words(text, name) for name, text in answers.items()},
        "retention": retention,
        "recipients": [text for item in recipients if (text := _line(item, "recipients", 200))],
    }


_KEPT = "\n\u200c\u200d"
"""Line ends, and the joiners that some scripts need."""
_FIELDS = ("title", "text", "dpv", "legal_basis", "special_basis", "personal", "answers", "retention", "recipients")


def _term(value: Any, scheme: str) -> str:
    text = _line(value, scheme, 200)
    if not text:
        return ""
    found = dpv.concept(text, scheme)
    if found is None:
        near = dpv.nearest(text, scheme)
        raise BadForm(f"{text!r} is no term for this.", todo=f"Did you mean {near.code}?" if near else "Choose one.")
    return found.code


def _line(value: Any, name: str, most: int) -> str:
    return " ".join(_words(value, name, most).split())


def _words(value: Any, name: str, most: int = LONGEST_TEXT) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadForm(f"{name} is not a text.", todo="Write words.")
    text = "".join(sign for sign in value.replace("\r\n", "\n") if sign.isprintable() or sign in _KEPT).strip()
    if len(text) > most:
        raise BadForm(f"{name} has {len(text):,} characters, at most {most:,} are taken.", todo="Shorten it.")
    return text
