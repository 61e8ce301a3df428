"""A contract as a form: which fields there are, what they hold now, and the text that a posted form makes of it.

The fields of Arengo's own properties come from the registry (:data:`arengo.contract.PROPERTIES`), so a new property
of a simple shape is in the form without a line here. What no field covers is edited as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from arengo.contract import PROPERTIES, Contract
from arengo.contract.properties import CustomProperty
from arengo.contract.vocabulary import FREQUENCIES, LICENCES, THEMES
from arengo.contract.write import remove, set_property, set_value
from arengo.errors import ContractError
from arengo.portal.form import Form

STRUCTURAL = frozenset(
    ("arengoMode", "arengoTime", "arengoSchedule", "arengoSource", "arengoCrs", "arengoGeometry", "arengoDocuments")
)
"""Properties that say how rows are read; a slip there breaks publications, so they are edited as text."""
MOST_TRIED = 60
"""Answers tried one by one when something is wrong; each costs a reading of the contract."""
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""Control characters come along when text is pasted from other programs; XML has no place for them."""
Say = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Field:
    """One question. ``form``: text, area, lines, choice or check. ``language``: of the answer, '' for a code."""

    name: str
    label: str
    value: str
    form: str = "text"
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    language: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """``id`` is its anchor. ``rows``: fields in lines of a table, one line a column of the data."""

    id: str
    title: str
    fields: tuple[Field, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, tuple[Field, ...]], ...] = ()


def sections(
    contract: Contract,
    languages: Iterable[str],
    _: Say,
    posted: Form | None = None,
    faults: Mapping[str, str] = MappingProxyType({}),
) -> list[Section]:
    """The whole form; answers of ``posted`` where it has them, and beside them what is wrong (``faults``)."""
    own = contract.language
    others = [language for language in languages if language != own.split("-")[0]]

    def field(name: str, label: str, value: str, form: str = "text", **rest: object) -> Field:
        now = "\n".join(posted.get(name, ())) if posted is not None and name in posted else value
        if posted is not None and form == "check":
            now = "true" if posted.one(name) else ""
        told = faults.get(name, "")
        return Field(name, label, now.replace("\r\n", "\n"), form, fault=told, **rest)  # type: ignore[arg-type]

    words = Section(
        "words",
        _("Words"),
        (
            field("name", _("Title"), contract.name, language=own),
            field("purpose", _("What it is (description)"), contract.purpose, "area", language=own),
            field("usage", _("What it is for"), contract.usage, "area", language=own),
            field("limitations", _("What to keep in mind"), contract.limitations, "area", language=own),
            field("tags", _("Keywords"), "\n".join(contract.tags), "lines", hint=_("One a line."), language=own),
        ),
    )
    told = contract.custom.get("arengoTranslations", {})
    translated = [
        Section(
            f"in-{language}",
            language,
            (
                field(f"tr.{language}.name", _("Title"), str(_in(told, language, "name")), language=language),
                field(
                    f"tr.{language}.description",
                    _("What it is (description)"),
                    str(_in(told, language, "description")),
                    "area",
                    language=language,
                ),
            ),
        )
        for language in others
    ]
    properties = Section(
        "catalogue",
        _("Owner, rights and place in the catalogue"),
        tuple(
            field(
                f"p.{entry.name}", _label(entry, _), _plain(contract.custom.get(entry.name)), _form(entry),
                hint=entry.sentence, options=_options(entry, contract),
            )
            for entry in simple()
        ),
    )  # fmt: skip
    rows = []
    for item in contract.properties:
        cells = [
            field(f"c.{item.name}.title", _("Label"), item.title, language=own),
            field(f"c.{item.name}.description", _("What it holds"), item.description, language=own),
            field(f"c.{item.name}.unit", _("Unit"), item.unit),
        ]
        for language in others:
            labels = _in(told, language, "columns")
            label = str(labels.get(item.name, "")) if isinstance(labels, Mapping) else ""
            cells.append(field(f"c.{item.name}.tr.{language}", f"{_('Label')} ({language})", label, language=language))
        rows.append((item.name, tuple(cells)))
    heads = (_("Column"), *(cell.label for cell in rows[0][1])) if rows else ()
    return [words, properties, Section("columns", _("Columns"), (), heads, tuple(rows)), *translated]


def simple() -> list[CustomProperty]:
    """Properties of the contract that one field holds: a code, a text or yes and no."""
    return [
        entry
        for entry in PROPERTIES.values()
        if "contract" in entry.levels and not entry.recorded and entry.name not in STRUCTURAL
        and ("enum" in entry.shape or entry.shape.get("type") in ("string", "boolean")
             or entry.name == "arengoHvdCategory")
    ]  # fmt: skip


def changed(contract: Contract, form: Form, languages: Iterable[str]) -> str:
    """The contract's text with the posted answers in it; whatever was not asked stays as its author wrote it.

    Raises ContractError when an answer cannot be put into the text.
    """
    text = contract.text
    before = _held(contract, languages)
    places: dict[str, tuple[str | int, ...]] = {
        "name": ("name",),
        "purpose": ("description", "purpose"),
        "usage": ("description", "usage"),
        "limitations": ("description", "limitations"),
        "tags": ("tags",),
    }
    numbers = {item.name: number for number, item in enumerate(contract.properties)}
    told = _copy(contract.custom.get("arengoTranslations", {}))
    spoken = _copy(told)
    for name, item in before.items():
        value = _answer(item, form)
        if value == item.value.strip():
            continue
        if name in places:
            wanted: object = [line.strip() for line in value.split("\n") if line.strip()] if name == "tags" else value
            text = set_value(text, places[name], wanted) if value else remove(text, places[name])
        elif name.startswith("p."):
            text = set_property(text, name[2:], True if item.form == "check" and value else value or None)
        elif name.startswith("tr."):
            _, language, part = name.split(".", 2)
            _put(spoken.setdefault(language, {}), part, value)
        else:
            _, column, part = name.split(".", 2)
            if part.startswith("tr."):
                _put(spoken.setdefault(part[3:], {}).setdefault("columns", {}), column, value)
            elif part == "unit":
                text = set_property(text, "arengoUnit", value or None, column)
            else:
                place = ("schema", 0, "properties", numbers[column], {"title": "businessName"}.get(part, part))
                text = set_value(text, place, value) if value else remove(text, place)
    for language in list(spoken):
        if not spoken[language].get("columns", {"": ""}):
            del spoken[language]["columns"]
        if not spoken[language]:
            del spoken[language]
    if spoken != told:
        text = set_property(text, "arengoTranslations", spoken or None)
    return text


def faults(
    contract: Contract, form: Form, languages: Iterable[str], wrong: Callable[[str], Sequence[str]]
) -> dict[str, str]:
    """Field -> what is wrong with its answer. Every answer that differs is tried alone, so that the blame is sure.

    ``wrong``: the errors of a contract's text, in words. What is wrong only together is not in here.
    """
    tongues = tuple(languages)
    before = _held(contract, tongues)
    ticked = {item.name: ("true",) for item in before.values() if item.form == "check" and item.value}
    found: dict[str, str] = {}
    for name in [name for name, item in before.items() if _answer(item, form) != item.value.strip()][:MOST_TRIED]:
        alone = Form({**ticked, name: form.get(name, ())})
        try:
            told = wrong(changed(contract, alone, tongues))
        except ContractError as error:
            told = (f"{error.met} {error.todo}".strip(),)
        if told:
            found[name] = " ".join(told[:2])
    return found


def _held(contract: Contract, languages: Iterable[str]) -> dict[str, Field]:
    """The fields as the contract has them."""
    return {
        item.name: item
        for section in sections(contract, languages, lambda words: words)
        for item in (*section.fields, *(cell for _name, row in section.rows for cell in row))
    }


def _answer(item: Field, form: Form) -> str:
    """What was answered; a field that was not sent keeps what it holds, but for a box, which sends only its tick."""
    if item.form == "check":
        return "true" if form.one(item.name) else ""
    if item.name not in form:
        return item.value.strip()
    return _UNSEEN.sub("", form.one(item.name).replace("\r\n", "\n")).strip()


def _copy(value: object) -> dict[str, dict]:  # type: ignore[type-arg]
    import json

    made: dict[str, dict] = json.loads(json.dumps(value))  # type: ignore[type-arg]
    return made


def _put(target: dict[str, object], name: str, value: str) -> None:
    if value:
        target[name] = value
    else:
        target.pop(name, None)


def _in(told: Mapping[str, object], language: str, part: str) -> object:
    words = told.get(language, {})
    return words.get(part, "") if isinstance(words, Mapping) else ""


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, (list, tuple)):
        return str(value[0]) if value else ""
    return "" if value is None else str(value)


def _label(entry: CustomProperty, _: Say) -> str:
    known = {
        "arengoAccess": _("Who may read it"),
        "arengoOwner": _("Owner"),
        "arengoLicence": _("Rights of use (licence)"),
        "arengoTheme": _("Theme"),
        "arengoHvdCategory": _("High-value category"),
        "arengoLanguage": _("Language"),
        "arengoFrequency": _("How often it is renewed"),
        "arengoRetention": _("How long versions are kept"),
        "arengoSeries": _("Series"),
    }
    return known.get(entry.name, entry.name.removeprefix("arengo"))


def _form(entry: CustomProperty) -> str:
    if entry.shape.get("type") == "boolean":
        return "check"
    chosen = "enum" in entry.shape or entry.name in ("arengoLicence", "arengoHvdCategory")
    return "choice" if chosen else "text"


def _options(entry: CustomProperty, contract: Contract) -> tuple[tuple[str, str], ...]:
    if _form(entry) != "choice":
        return ()
    tables = {"arengoTheme": THEMES, "arengoFrequency": FREQUENCIES, "arengoLicence": LICENCES}
    table = tables.get(entry.name)
    if table is not None:
        found = [(code, f"{term.label()} ({code})") for code, term in table.items()]
    else:
        shape = entry.shape if "enum" in entry.shape else entry.shape["anyOf"][0]
        found = [(str(code), str(code)) for code in shape["enum"]]
    now = _plain(contract.custom.get(entry.name))
    if now and now not in dict(found):
        found.append((now, now))
    return (("", "–"), *found)
