"""What somebody would see: the owner's own rows through the door, with what the form says right now.

Two looks. The first is what the reader would get. The second puts it beside the same rows as the owner holds them; it
is a reading of the data itself, for the owner's steward alone, and stands in the record like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract, Kind
from arengo.errors import ArengoError, NotAllowed, PolicyError, UnknownVersion
from arengo.governance.agreement import Agreement, Terms, masks_by_column
from arengo.governance.decision import Decision, fingerprint
from arengo.portal.agreement_story import labels_of
from arengo.portal.agreement_words import masks_words
from arengo.portal.cells import Cell, Head, Writer, heads
from arengo.portal.visit import Visit
from arengo.query import cql2
from arengo.query.model import Query

if TYPE_CHECKING:
    from arengo.door import Answer

ROWS = 8
BESIDE = 5
"""Rows shown beside the owner's own: each is looked up by itself."""


@dataclass(frozen=True, slots=True)
class SeenHead:
    label: str
    given: bool
    how: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class SeenCell:
    """``text``: what the reader sees; ``old``: what the owner holds, in the second look when it is not the same."""

    text: str = ""
    old: str = ""
    changed: bool = False
    given: bool = True
    numeric: bool = False


Rows = tuple[tuple[SeenCell, ...], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """``nothing``: why there is no row. ``can_compare``: whether the second look is open to this visitor."""

    heads: tuple[SeenHead, ...]
    rows: Rows
    words: str
    count: str
    nothing: str
    beside: bool
    can_compare: bool


def decision_of(agreement: Agreement, terms: Terms, extra: str = "") -> Decision:
    """What the judge would decide for this reader under these terms. ``extra``: one more row filter (CQL2)."""
    base = agreement.rows
    rows = tuple(text for text in dict.fromkeys((base, terms.rows, extra)) if text)
    return Decision(
        True,
        "A look before deciding.",
        f"agreement {agreement.id}, as its form says",
        frozenset(terms.columns),
        fingerprint("look", agreement.id, terms.as_json(), extra),
        rows,
        terms.masks,
        terms.obligations,
        False,
        agreement.purpose,
        recipient=agreement.organisation,  # the code of a person is the one this very reader will get
    )


def may_look(visit: Visit, dataset: str) -> bool:
    """Whether the visitor may see the owner's own rows, all of them: a second approver often may not."""
    try:
        return visit.door.view(dataset, "", visit.caller).cut is None
    except UnknownVersion:
        return True  # the look itself says that nothing is published yet
    except ArengoError:
        return False


def look(visit: Visit, agreement: Agreement, contract: Contract, terms: Terms, beside: bool) -> Seen:
    """The first rows under the terms of the form."""
    _ = visit._
    shown = _heads(visit, agreement, contract, terms, beside)
    words = visit.speech.many("the first %(n)s row", "the first %(n)s rows", BESIDE if beside else ROWS)
    try:
        own = visit.door.view(agreement.dataset, "", visit.caller)
        if own.cut is not None:  # who looks sees less than all of it, by a rule that says so
            return Seen(shown, (), words, "", own.decision.reason, beside, False)
        count, rows = (_beside if beside else _plain)(visit, agreement, contract, terms, shown)
    except PolicyError as error:
        return Seen(shown, (), words, "", f"{error.met} {error.todo}".strip(), beside, False)
    except NotAllowed:
        nothing = _("Only a steward of the owner looks through it, since it shows the data.")
        return Seen(shown, (), words, "", nothing, beside, False)
    except UnknownVersion:
        nothing = _("Nothing of this dataset is published yet, so there is nothing to look at.")
        return Seen(shown, (), words, "", nothing, beside, False)
    except ArengoError as error:
        return Seen(shown, (), words, "", f"{getattr(error, 'met', error)}", beside, False)
    nothing = "" if rows else _("No row fits the filter: they would see nothing.")
    return Seen(shown, rows, words, count, nothing, beside, True)


def _count(visit: Visit, seen: int, held: int) -> str:
    say = visit.speech
    if seen == held:
        return say.many("They would see the only row.", "They would see all %(n)s rows.", held)
    return visit._("They would see %(seen)s of %(held)s rows.", seen=say.number(seen), held=say.number(held))


def _heads(visit: Visit, agreement: Agreement, contract: Contract, terms: Terms, beside: bool) -> tuple[SeenHead, ...]:
    masks = masks_by_column(terms.masks)
    names = agreement.columns if beside else terms.columns
    labels, named = labels_of(visit, contract, names), _named(visit, contract, names)
    return tuple(
        SeenHead(
            labels[name],
            name in terms.columns,
            masks_words(visit, masks.get(name, ())) if name in terms.columns else "",
            name in named and named[name].numeric,
        )
        for name in names
    )


def _named(visit: Visit, contract: Contract, names: Sequence[str]) -> dict[str, Head]:
    return {item.name: item for item in heads(contract, names, visit.language)}


def _plain(
    visit: Visit, agreement: Agreement, contract: Contract, terms: Terms, shown: tuple[SeenHead, ...]
) -> tuple[str, Rows]:
    """The rows as they come through the door.

    Only the rows that are shown are cut: making the whole cut for each change of the form would take seconds where
    there are many rows.
    """
    key = _key(contract, agreement.columns)
    held = _held(visit, agreement, (agreement.rows, terms.rows), key, ROWS)
    first = [_same(contract, dict(zip(key, row, strict=False))) for row in held.rows("wkt")]
    count = _count(visit, held.matched or 0, held.view.version.rows)
    if not first:
        return count, ()
    decision = decision_of(agreement, terms, " OR ".join(f"({text})" for text in dict.fromkeys(first)))
    answer = visit.door.preview(agreement.dataset, decision, ROWS, visit.caller)
    heads_of = dict(zip(terms.columns, shown, strict=True))
    return count, tuple(
        tuple(SeenCell(_text(row[name]), numeric=head.numeric and not head.how) for name, head in heads_of.items())
        for row in _texts(visit, contract, answer)
    )


def _beside(
    visit: Visit, agreement: Agreement, contract: Contract, terms: Terms, shown: tuple[SeenHead, ...]
) -> tuple[str, Rows]:
    """The owner's own rows, each with what the reader would see of it.

    What the reader gets is sorted by what it may see, so the two do not line up by themselves: each row is looked up
    through the door by its own values.
    """
    names = agreement.columns
    key = _key(contract, names)
    held = _held(visit, agreement, (agreement.rows,), tuple(dict.fromkeys([*names, *key])), BESIDE)
    values = held.rows("wkt")
    count = _held(visit, agreement, (agreement.rows, terms.rows), key, 1).matched or 0
    out = []
    for raw, row in zip(values, _texts(visit, contract, held, values), strict=True):
        found = dict(zip((item.name for item in held.columns), raw, strict=True))
        decision = decision_of(agreement, terms, _same(contract, {name: found[name] for name in key}))
        seen = _texts(visit, contract, visit.door.preview(agreement.dataset, decision, 1, visit.caller))
        out.append(tuple(_pair(head, name, row, seen) for head, name in zip(shown, names, strict=True)))
    return _count(visit, count, held.view.version.rows), tuple(out)


def _key(contract: Contract, names: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that find a row again: the key, or everything that was asked for."""
    return contract.key or names


def _held(visit: Visit, agreement: Agreement, rows: tuple[str, ...], names: tuple[str, ...], limit: int) -> Answer:
    """The owner's own rows, read as herself: this stands in the record."""
    texts = [f"({text})" for text in dict.fromkeys(rows) if text]
    query = Query(agreement.dataset, select=names, filter=cql2.parse_text(" AND ".join(texts)), limit=limit, count=True)
    return visit.door.ask(query, visit.caller)


def _pair(head: SeenHead, name: str, own: Mapping[str, Cell], seen: list[dict[str, Cell]]) -> SeenCell:
    old = _text(own[name])
    if not head.given or not seen or name not in seen[0]:
        return SeenCell(old=old, given=False, numeric=head.numeric)
    text = _text(seen[0][name])
    return SeenCell(text, "" if text == old else old, text != old, True, head.numeric and text == old)


def _text(cell: Cell) -> str:
    return cell.full or cell.text


def _texts(
    visit: Visit, contract: Contract, answer: Answer, rows: Sequence[Sequence[Any]] | None = None
) -> list[dict[str, Cell]]:
    """Rows of an answer as written cells by column: a masked column is written as the kind it has become."""
    named = _named(visit, contract, [item.name for item in contract.properties])
    columns = answer.columns
    shown = [
        Head(item.name, item.title, item.unit, item.kind, False, False,
             code=item.name not in named or named[item.name].code)
        for item in columns
    ]  # fmt: skip
    found = answer.rows("wkt") if rows is None else rows
    writer = Writer(visit.speech, shown, found)
    return [dict(zip((item.name for item in columns), row, strict=True)) for row in writer.rows(found)]


def _same(contract: Contract, values: Mapping[str, Any]) -> str:
    """CQL2 text of rows with these very values."""
    parts = []
    for name, value in values.items():
        item = contract.column(name)
        if item is None or item.kind in (Kind.GEOMETRY, Kind.JSON, Kind.TIME):
            continue
        where = '"' + name.replace('"', '""') + '"'
        parts.append(f"{where} IS NULL" if value is None else f"{where} = {_literal(value)}")
    return " AND ".join(parts)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return f"TIMESTAMP('{value:%Y-%m-%dT%H:%M:%S.%fZ}')"
    if isinstance(value, date):
        return f"DATE('{value.isoformat()}')"
    if isinstance(value, time):
        return f"'{value.isoformat()}'"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"
