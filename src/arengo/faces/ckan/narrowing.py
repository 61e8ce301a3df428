"""``filters``, ``q`` and ``sort`` of the DataStore as parts of a query.

``filters`` as CKAN 2.11 has them (value, or list of values) and as 2.12 adds (``{"gte": 5}``, a list of objects for
"one of", ``$or``). Unknown values come last in either direction, as everywhere in this city.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arengo.contract.model import Kind
from arengo.door import View
from arengo.errors import BadQuery, UnknownColumn
from arengo.faces.ckan.call import Call, wrong
from arengo.query.model import Expr, Order
from arengo.query.notation import value as literal_of
from arengo.query.scope import Field, nearest

ID = "_id"
COMPARED = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
DEEPEST, MOST, VALUES, NUMBERS = 8, 100, 4000, 100
_OPERATORS = str.maketrans("&|!():*<>'\"\\", " " * 12)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """``numbers``: rows named by ``_id``, None when none are. ``after``: only rows beyond this number."""

    filter: Expr
    words: str
    order: tuple[Order, ...]
    numbers: tuple[int, ...] | None
    after: int


def narrowing(call: Call, view: View) -> Narrowing:
    """Raises BadQuery and UnknownColumn."""
    told = call.value("filters")
    numbers: tuple[int, ...] | None = None
    after = 0
    if isinstance(told, dict) and ID in told:
        numbers, after = _numbers(told[ID])
        told = {name: value for name, value in told.items() if name != ID}
    parts = [_filters(view, told, 0)]
    words = []
    for name in ("q", "full_text"):
        found = call.value(name)
        if isinstance(found, dict):
            parts.append(_each(view, found))
        elif found not in (None, ""):
            text = str(found)
            words.append(text if call.yes("plain", True) else " ".join(text.translate(_OPERATORS).split()))
    return Narrowing(_all(parts), " ".join(words).strip(), _order(call, view), numbers, after)


def column(view: View, name: str) -> Field:
    """Raises UnknownColumn, naming the nearest."""
    found = view.scope.fields.get(name)
    if found is None:
        raise UnknownColumn(f"There is no field {name[:80]!r}.", todo=nearest(name, [ID, *view.scope.fields]))
    return found


def _numbers(told: Any) -> tuple[tuple[int, ...] | None, int]:
    """(the rows named, the number they come after) of a filter on ``_id``."""
    if isinstance(told, dict) and len(told) == 1:
        word, value = next(iter(told.items()))
        if word in ("gt", "gte") and str(value).isascii() and str(value).isdigit() and len(str(value)) <= 18:
            return None, max(0, int(value) - (word == "gte"))
    values = told if isinstance(told, list) else [told]
    if len(values) > NUMBERS:
        raise wrong("filters", f"_id has {len(values):,} values; {NUMBERS} are the most.")
    numbers = [str(item) for item in values if not isinstance(item, (bool, dict, list))]
    if len(numbers) < len(values) or not all(item.isascii() and item.isdigit() and len(item) <= 18 for item in numbers):
        raise wrong("filters", "_id takes a number, a list of them, or gt or gte with one.")
    return tuple(sorted({int(item) for item in numbers})), 0


def _filters(view: View, told: Any, depth: int) -> Expr:
    if told in (None, "", {}, []):
        return None
    if depth > DEEPEST:
        raise wrong("filters", f"filters are nested more than {DEEPEST} deep.")
    if isinstance(told, list):
        return _either([_filters(view, item, depth + 1) for item in _few(told)])
    if not isinstance(told, dict):
        raise wrong("filters", "filters is no object.", 'Write {"column": "value"}.')
    parts: list[Expr] = []
    for name, value in _few(list(told.items())):
        if name == "$or":
            if not isinstance(value, list):
                raise wrong("filters", "$or is no list.", 'Write {"$or": [{"a": 1}, {"b": 2}]}.')
            parts.append(_filters(view, value, depth + 1))
        else:
            parts.append(_condition(view, str(name), value, depth))
    return _all(parts)


def _few(items: list[Any]) -> list[Any]:
    if len(items) > MOST:
        raise wrong("filters", f"filters have {len(items):,} parts; {MOST} are the most.")
    return items


def _condition(view: View, name: str, value: Any, depth: int) -> Expr:
    if depth > DEEPEST:
        raise wrong("filters", f"filters are nested more than {DEEPEST} deep.")
    field = column(view, name)
    place: dict[str, Any] = {"property": name}
    if isinstance(value, dict):
        parts: list[Expr] = []
        for word, held in value.items():
            if word in ("eq", "in"):
                parts.append(_condition(view, name, held, depth + 1))
            elif word in COMPARED:
                parts.append({"op": COMPARED[word], "args": [place, _literal(field, held)]})
            else:
                raise wrong("filters", f"There is no comparison {str(word)[:40]!r}.", nearest(str(word), COMPARED))
        return _all(parts)
    if isinstance(value, list):
        if any(isinstance(item, dict) for item in value):
            return _either([_condition(view, name, item, depth + 1) for item in _few(value)])
        if len(value) > VALUES:
            raise wrong("filters", f"{name} has {len(value):,} values; {VALUES:,} are the most.")
        known = [_literal(field, item) for item in value if item is not None]
        found: list[Expr] = [{"op": "in", "args": [place, known]}] if known else []
        if len(known) < len(value):
            found.append({"op": "isNull", "args": [place]})
        return _either(found) if found else False  # one of no values: none
    if value is None:
        return {"op": "isNull", "args": [place]}
    return {"op": "=", "args": [place, _literal(field, value)]}


def _literal(field: Field, value: Any) -> Any:
    """A value as the column's kind wants it: clients send numbers, truths and times as texts."""
    if isinstance(value, (dict, list)) or value is None:
        raise wrong("filters", f"{field.name} is compared with a value that is no text, number or truth value.")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if field.kind is Kind.TIMESTAMP:
        plain = text.strip().replace(" ", "T")
        zoned = plain.endswith(("Z", "z")) or "+" in plain[10:] or "-" in plain[10:]
        return {"timestamp": f"{plain}T00:00:00Z" if len(plain) == 10 else plain if zoned else f"{plain}Z"}
    if field.kind is Kind.DATE:
        return {"date": text.strip()[:10]}
    if field.kind is Kind.BOOLEAN:
        text = {"t": "true", "f": "false"}.get(text.lower(), text)
    try:
        return literal_of(field, text)
    except BadQuery as error:
        raise wrong("filters", error.met, error.todo) from None


def _each(view: View, told: dict[str, Any]) -> Expr:
    """``q`` by column: texts that hold the words, whatever their case; other kinds are equal to them."""
    parts: list[Expr] = []
    for name, words in _few(list(told.items())):
        field = column(view, str(name))
        if field.kind is not Kind.STRING:
            parts.append(_condition(view, field.name, words, 0))
            continue
        plain = str(words).removesuffix("*").removesuffix(":")
        for mark in ("\\", "%", "_"):
            plain = plain.replace(mark, f"\\{mark}")
        folded = {"op": "casei", "args": [{"property": field.name}]}
        parts.append({"op": "like", "args": [folded, {"op": "casei", "args": [f"%{plain}%"]}]})
    return _all(parts)


def _order(call: Call, view: View) -> tuple[Order, ...]:
    """``"a, b desc nulls last"``; by ``_id`` is the order rows come in anyway."""
    out: list[Order] = []
    for part in call.names("sort"):
        words = part.split()
        name = words[0].strip('"')
        rest = [word.lower() for word in words[1:]]
        if name not in view.scope.fields and '"' in part:  # a name with blanks, in double quotes
            name, _, tail = part.strip().removeprefix('"').partition('"')
            rest = tail.lower().split()
        if rest[-2:] == ["nulls", "first"]:
            raise wrong("sort", "Unknown values come last here.", "Leave 'nulls first' out.")
        if rest[-2:] == ["nulls", "last"]:
            rest = rest[:-2]
        if rest not in ([], ["asc"], ["desc"]):
            raise wrong("sort", f"The sort {part[:60]!r} cannot be read.", "Write: column, column desc.")
        if name == ID:
            if rest == ["desc"]:
                raise wrong("sort", "Rows come by _id upwards only.", "Sort by another column.")
            break  # numbers are different, so nothing after them matters
        out.append(Order(column(view, name).name, rest == ["desc"]))
    return tuple(out)


def _all(parts: Sequence[Expr]) -> Expr:
    return _joined("and", parts)


def _either(parts: Sequence[Expr]) -> Expr:
    return None if any(part is None for part in parts) else _joined("or", parts)


def _joined(word: str, parts: Sequence[Expr]) -> Expr:
    kept = [part for part in parts if part is not None]
    return None if not kept else kept[0] if len(kept) == 1 else {"op": word, "args": kept}
