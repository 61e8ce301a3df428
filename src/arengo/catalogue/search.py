"""A question to the catalogue: words, filters, order and facets, answered from the index.

All words first: a record must have every word, in any form (stem), as its beginning, as the parts of a compound, or
corrected when no record has it. Only when no record has them all does one with most of them count, and the answer says
so. Best first is FTS5's bm25 (Robertson and Zaragoza 2009) with a weight a field, and a little for what is new or much
read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from arengo.catalogue.arrays import Arrays
from arengo.catalogue.index import FIELDS, Index
from arengo.catalogue.record import Record
from arengo.catalogue.snippet import excerpt as excerpt
from arengo.catalogue.snippet import marked as marked
from arengo.catalogue.snippet import snippets
from arengo.catalogue.wanted import FacetCount, Found, Hit, Snippet, Wanted
from arengo.catalogue.words import asked, fold, plain, roots
from arengo.errors import BadQuery

if TYPE_CHECKING:
    import numpy as np

WEIGHTS = (12.0, 6.0, 3.0, 2.5, 1.5, 1.0, 2.0)
"""bm25 weight of each of FIELDS."""
BROAD = 600
"""Records from which on a match is not scored one by one (bm25 costs six microseconds each) but by field."""
BROAD_WEIGHTS = (("title", 3.0), ("keyword", 1.5))
"""What a word in these fields adds to the 1 of a word anywhere, when scored by field."""
MANY = 200
"""Hits of one page from which on no snippets are made: a list of everything, not a page to read."""
JOINTS = ("s", "es", "n", "en")
"""What German puts between the two words of a compound."""
SHELVES = 40
"""Datasets of documents whose pages are looked through for one question."""
Load = Callable[[Sequence[str]], Mapping[str, Record]]
"""Records by their ids; those that went away meanwhile are left out."""
Pages = Callable[[str, str, int], Sequence[Snippet]]
"""(dataset of documents, words, limit) -> snippets of its pages that have the words."""
Weights = Callable[[Arrays], "np.ndarray[Any, Any]"]
"""What each record's score is multiplied by."""


@dataclass(frozen=True, slots=True)
class _Match:
    """Places of records with scores. ``corrected``: the words looked for instead. ``relaxed``: not all had to be.
    ``marks``: the words to mark in what is shown, when others than those asked for."""

    places: np.ndarray[Any, Any]
    scores: np.ndarray[Any, Any]
    corrected: str = ""
    relaxed: bool = False
    marks: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """``met``: which records have the words; ``mask``: which the filters let through; ``places``: those of both, the
    best first, with ``scores``. ``leaves``: pages of documents that have the words."""

    arrays: Arrays
    match: _Match | None
    mask: np.ndarray[Any, Any]
    met: np.ndarray[Any, Any]
    places: np.ndarray[Any, Any]
    scores: np.ndarray[Any, Any]
    leaves: Mapping[str, Sequence[Snippet]]


def search(
    index: Index, wanted: Wanted, load: Load, pages: Pages | None = None, weights: Weights | None = None
) -> Found:
    """Raises BadQuery for an order or a date that is not known; never for any words."""
    answer = _answer(index, wanted, pages, weights)
    arrays, match = answer.arrays, answer.match
    counted = _facets(index, answer, wanted)
    hits = []
    page = answer.places[wanted.start : wanted.start + max(0, wanted.limit)].tolist()
    records = load([arrays.ids[place] for place in page])
    for at, place in enumerate(page, wanted.start):
        record = records.get(arrays.ids[place])
        if record is None:
            continue
        shown: tuple[Snippet, ...] = ()
        if match is not None and wanted.limit <= MANY:
            question = match.marks or match.corrected or wanted.words
            said = snippets(record, _values(index, arrays, place), question, wanted.language)
            shown = (*answer.leaves.get(record.id, ()), *said)[:4]
        hits.append(Hit(record, float(answer.scores[at]), shown))
    corrected, relaxed = (match.corrected, match.relaxed) if match is not None else ("", False)
    return Found(tuple(hits), len(answer.places), counted, corrected, relaxed)


def own_ids(index: Index, wanted: Wanted, pages: Pages | None = None, weights: Weights | None = None) -> list[str]:
    """Ids of all of the city's own records that fit, in order; as :func:`search`, but no record is read."""
    answer = _answer(index, wanted, pages, weights)
    arrays = answer.arrays
    return [arrays.ids[place] for place in answer.places[arrays.own[answer.places]].tolist()]


def _answer(index: Index, wanted: Wanted, pages: Pages | None, weights: Weights | None) -> _Answer:
    import numpy as np

    arrays = index.arrays()
    mask = _mask(arrays, wanted)
    if wanted.where:
        mask &= _where(index, arrays, wanted.where)
    given = asked(wanted.words)
    leaves: dict[str, Sequence[Snippet]] = {}
    if given:
        match = _match(index, arrays, given)
        if pages is not None and arrays.documents:
            leaves = _leaves(arrays, wanted, mask, pages)
            match = _with(arrays, match, leaves)
        met = np.zeros(len(arrays.ids), dtype=bool)
        met[match.places] = True
        through = mask[match.places]
        chosen, scores = match.places[through], match.scores[through]
        if weights is not None and len(chosen):
            scores = scores * weights(arrays)[chosen]
    else:
        match = None
        met = np.full(len(arrays.ids), not wanted.words.strip())  # signs without a letter are no words that any has
        mask &= met
        chosen = np.flatnonzero(mask)
        scores = np.zeros(len(chosen))
    order = _ordered(arrays, wanted, chosen, scores, bool(given))
    return _Answer(arrays, match, mask, met, chosen[order], scores[order], leaves)


def _values(index: Index, arrays: Arrays, place: int) -> str:
    row = index.connection().execute("SELECT found FROM doc WHERE n = ?", (int(arrays.numbers[place]),)).fetchone()
    return str(row[0]) if row else ""


def _mask(arrays: Arrays, wanted: Wanted, without: str = "") -> np.ndarray[Any, Any]:
    """Which records the filters let through; the filter of the facet ``without`` left out."""
    import numpy as np

    mask = np.ones(len(arrays.ids), dtype=bool)
    for name, values in wanted.only.items():
        if name == without or not values:
            continue
        mask &= _having(arrays, name, values)
    if wanted.bbox is not None:
        west, south, east, north = wanted.bbox
        box = arrays.boxes
        with np.errstate(invalid="ignore"):
            mask &= (box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south)
    if wanted.since:
        try:
            at = date.fromisoformat(wanted.since[:10])
        except ValueError:
            raise BadQuery(f"since is {wanted.since[:30]!r}, which is no date.", todo="Write 2026-01-31.") from None
        mask &= arrays.updated >= (at - date(1970, 1, 1)).days * 86_400.0
    return mask


def _where(index: Index, arrays: Arrays, tree: tuple[Any, ...]) -> np.ndarray[Any, Any]:
    """A condition tree of :attr:`Wanted.where` as a mask."""
    import numpy as np

    kind, *rest = tree
    if kind in ("and", "or"):
        parts = [_where(index, arrays, part) for part in rest]
        empty = np.full(len(arrays.ids), kind == "and")
        whole: np.ndarray[Any, Any] = (np.logical_and if kind == "and" else np.logical_or).reduce([empty, *parts])
        return whole
    if kind == "not":
        return ~_where(index, arrays, rest[0])
    mask = np.zeros(len(arrays.ids), dtype=bool)
    if kind == "facet":
        name, value = str(rest[0]), str(rest[1])
        if not value.endswith("*"):
            return _having(arrays, name, (value,))
        begin = fold(value[:-1])
        return _having(arrays, name, [item for item in arrays.values.get(name, ()) if fold(item).startswith(begin)])
    if kind == "id":
        wanted = str(rest[0])
        start: str | None = wanted[:-1] if wanted.endswith("*") else None
        met = [
            at for at, item in enumerate(arrays.ids) if item == wanted or (start is not None and item.startswith(start))
        ]
        mask[met] = True
    elif kind == "words":
        given = asked(str(rest[0]))
        if given:
            expression = " AND ".join(any_form(word, arrays.languages) for word in given)
            field = f"{{{rest[1]}}}: ({expression})" if rest[1] in FIELDS else expression
            mask[_places(index.connection(), arrays, field)] = True
    elif kind in ("modified", "issued"):
        held = arrays.updated if kind == "modified" else arrays.created
        mask = (held >= float(rest[0])) & (held <= float(rest[1]))
    return mask


def _having(arrays: Arrays, name: str, values: Sequence[str]) -> np.ndarray[Any, Any]:
    import numpy as np

    mask = np.zeros(len(arrays.ids), dtype=bool)
    if name not in arrays.facets:
        return mask
    starts, codes = arrays.facets[name]
    folded = {fold(value): code for code, value in enumerate(arrays.values[name])}
    chosen = [folded[fold(value)] for value in values if fold(value) in folded]
    if not chosen or not len(codes):
        return mask
    met = np.isin(codes, chosen)
    places = np.searchsorted(starts, np.flatnonzero(met), side="right") - 1
    mask[places] = True
    return mask


def _quoted(word: str) -> str:
    return f'"{word}"'  # letters and digits only, see words.plain


def any_form(word: str, languages: tuple[str, ...], beginning: bool = True) -> str:
    """FTS5 expression of one word: itself, by a stem of the languages there are, and as the ``beginning`` of others."""
    told = plain(word)
    forms = [_quoted(told), *(_quoted(f"{root}0") for root in roots(word, languages))]
    if beginning and len(told) > 1:
        forms.append(f"{_quoted(told)}*")
    return f"({' OR '.join(forms)})"


def _match(index: Index, arrays: Arrays, given: Sequence[str]) -> _Match:
    connection, languages = index.connection(), arrays.languages
    forms = [any_form(word, languages) for word in given]
    found = _run(connection, arrays, forms)
    if len(found.places):
        return found
    read = [_reading(index, arrays, word, form) for word, form in zip(given, forms, strict=True)]
    known = [item.form for item in read if item.form]
    if not known:
        return found
    other = any(item.said and item.said != word for item, word in zip(read, given, strict=True))
    said = " ".join(item.said or word for item, word in zip(read, given, strict=True)) if other else ""
    marks = " ".join(item.marks for item in read if item.marks)
    if len(known) == len(given) and known != forms:
        found = _run(connection, arrays, known)
        if len(found.places):
            return replace(found, corrected=said, marks=marks)
    return replace(_most(connection, arrays, known), corrected=said, marks=marks, relaxed=len(given) > 1)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a word can be read. ``form``: FTS5 expression, '' when no record has anything like it. ``said``: the word
    that was meant instead. ``marks``: the words to mark."""

    form: str = ""
    said: str = ""
    marks: str = ""


def _reading(index: Index, arrays: Arrays, word: str, form: str) -> _Reading:
    """As it stands, as a part of other words, as a compound of two words, or as misspelt."""
    connection, told = index.connection(), plain(word)
    if _occurs(connection, form):
        return _Reading(form, marks=word)
    if len(told) < 3:
        return _Reading()
    terms = index.terms()
    inside = terms.holding(told) if len(told) > 3 else ()
    if inside:
        return _Reading(f"({' OR '.join(_quoted(item) for item in inside)})", marks=" ".join(inside))
    parts = _compound(connection, arrays, word)
    if parts:
        both = " AND ".join(any_form(part, arrays.languages, beginning=False) for part in parts)
        return _Reading(f"({both})", marks=" ".join(parts))
    near = terms.nearest(told)
    if not near:
        return _Reading()
    return _Reading(any_form(near, arrays.languages), index.spelt(near), near)


def _compound(connection: sqlite3.Connection, arrays: Arrays, word: str) -> tuple[str, ...]:
    """The two words a word is made of, the longest first one that some record has; () when it is not made of such."""
    for at in range(len(word) - 4, 3, -1):
        for head in dict.fromkeys((word[:at], *(word[:at].removesuffix(joint) for joint in JOINTS))):
            parts = (head, word[at:])
            if len(head) > 3 and all(
                _occurs(connection, any_form(part, arrays.languages, beginning=False)) for part in parts
            ):
                return parts
    return ()


def _most(connection: sqlite3.Connection, arrays: Arrays, forms: Sequence[str]) -> _Match:
    """Records that have the most of the words."""
    import numpy as np

    having = [_places(connection, arrays, form) for form in forms]
    counts = np.zeros(len(arrays.ids), dtype=np.int64)
    for places in having:
        counts[places] += 1
    best = counts.max(initial=0)
    if not best:
        return _Match(np.empty(0, dtype=np.int64), np.empty(0))
    places = np.flatnonzero(counts == best)
    return _Match(places, _by_field(connection, arrays, forms, having)[places])


def _run(connection: sqlite3.Connection, arrays: Arrays, forms: Sequence[str]) -> _Match:
    """What has all the words, with scores: bm25, or by field where many have them."""
    import numpy as np

    expression = " AND ".join(forms)
    places = _places(connection, arrays, expression)
    if len(places) > BROAD:
        having = [places] if len(forms) == 1 else [_places(connection, arrays, form) for form in forms]
        return _Match(places, _by_field(connection, arrays, forms, having)[places])
    weights = ", ".join(str(weight) for weight in WEIGHTS)
    found = connection.execute(f"SELECT rowid, -bm25(words, {weights}) FROM words WHERE words MATCH ?", (expression,))
    rows = dict(found.fetchall()) if len(places) else {}
    scores = np.array([rows.get(number, 0.0) for number in arrays.numbers[places].tolist()])
    return _Match(places, scores)


def _by_field(
    connection: sqlite3.Connection, arrays: Arrays, forms: Sequence[str], having: Sequence[np.ndarray[Any, Any]]
) -> np.ndarray[Any, Any]:
    """A score of every record: for each of the words how rare it is, times the fields that have it."""
    import numpy as np

    scores = np.zeros(len(arrays.ids))
    for form, places in zip(forms, having, strict=True):
        rare = float(np.log1p(len(arrays.ids) / (1 + len(places))))
        scores[places] += rare
        for field, weight in BROAD_WEIGHTS:
            scores[_places(connection, arrays, f"{{{field}}}: {form}")] += weight * rare
    return scores


def _places(connection: sqlite3.Connection, arrays: Arrays, expression: str) -> np.ndarray[Any, Any]:
    """Places of the records that match; one text from SQLite is read faster than a row each."""
    import numpy as np

    row = connection.execute("SELECT group_concat(rowid) FROM words WHERE words MATCH ?", (expression,)).fetchone()
    if row is None or not row[0]:
        return np.empty(0, dtype=np.int64)
    numbers = np.array(str(row[0]).split(","), dtype=np.int64)
    numbers = numbers[numbers < len(arrays.by_number)]
    places = arrays.by_number[numbers]
    return places[places >= 0]


def _occurs(connection: sqlite3.Connection, form: str) -> bool:
    return connection.execute("SELECT 1 FROM words WHERE words MATCH ? LIMIT 1", (form,)).fetchone() is not None


def _leaves(arrays: Arrays, wanted: Wanted, mask: np.ndarray[Any, Any], pages: Pages) -> dict[str, Sequence[Snippet]]:
    """Datasets of documents with the pages that have the words."""
    out: dict[str, Sequence[Snippet]] = {}
    for place in [place for place in arrays.documents if mask[place]][:SHELVES]:
        if found := pages(arrays.ids[place], wanted.words, 3):
            out[arrays.ids[place]] = found
    return out


def _with(arrays: Arrays, match: _Match, leaves: Mapping[str, Sequence[Snippet]]) -> _Match:
    """The match with the datasets whose pages have the words; they have all words, so others must too."""
    import numpy as np

    found = [place for place in arrays.documents if arrays.ids[place] in leaves]
    if not found:
        return match
    base = _Match(np.empty(0, dtype=np.int64), np.empty(0)) if match.relaxed else match
    added = np.array([place for place in found if place not in set(base.places.tolist())], dtype=np.int64)
    middle = float(np.median(base.scores)) if len(base.scores) else 1.0
    return _Match(
        np.concatenate([base.places, added]),
        np.concatenate([base.scores, np.full(len(added), middle)]),
        "" if match.relaxed else match.corrected,
    )


def _facets(index: Index, answer: _Answer, wanted: Wanted) -> dict[str, tuple[FacetCount, ...]]:
    """Counts of each value among what was found; a facet's own filter does not narrow its counts."""
    import numpy as np

    arrays = answer.arrays
    out: dict[str, tuple[FacetCount, ...]] = {}
    among = answer.mask & answer.met
    for name in wanted.facets:
        if name not in arrays.facets:
            out[name] = ()
            continue
        wider = among
        if wanted.only.get(name):
            wider = _mask(arrays, wanted, without=name) & answer.met
            if wanted.where:
                wider &= _where(index, arrays, wanted.where)
        starts, codes = arrays.facets[name]
        values = arrays.values[name]
        taken = codes if wider.all() else _of(starts, codes, np.flatnonzero(wider))
        counts = np.bincount(taken, minlength=len(values))
        best = _largest(counts, values, wanted.facet_limit)
        labels = index.labels(name, [values[code] for code in best])
        out[name] = tuple(FacetCount(values[code], labels.get(values[code], {}), int(counts[code])) for code in best)
    return out


def _of(
    starts: np.ndarray[Any, Any], codes: np.ndarray[Any, Any], places: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """The codes of the records at ``places``."""
    import numpy as np

    lengths = starts[places + 1] - starts[places]
    before = np.cumsum(lengths) - lengths
    return codes[np.repeat(starts[places] - before, lengths) + np.arange(int(lengths.sum()))]


def _largest(counts: np.ndarray[Any, Any], values: Sequence[str], limit: int) -> list[int]:
    """Codes of the most frequent values, equal counts by value; those that never occur are left out."""
    import numpy as np

    some = np.flatnonzero(counts)
    if 0 < limit < len(some):
        least = np.partition(counts[some], len(some) - limit)[len(some) - limit]
        some = some[counts[some] >= least]
    return sorted(some.tolist(), key=lambda code: (-counts[code], values[code]))[: max(0, limit)]


def _ordered(
    arrays: Arrays, wanted: Wanted, chosen: np.ndarray[Any, Any], scores: np.ndarray[Any, Any], worded: bool
) -> np.ndarray[Any, Any]:
    """Positions in ``chosen`` in the order asked for."""
    import numpy as np

    order = wanted.order or "relevance"
    if order == "relevance" and worded:
        return np.lexsort((arrays.titles[chosen], -scores))
    if order in ("relevance", "title"):
        return np.argsort(arrays.titles[chosen], kind="stable")
    if order == "id":
        return np.argsort(arrays.names[chosen], kind="stable")
    if order == "oldest":
        return np.lexsort((arrays.titles[chosen], arrays.updated[chosen]))
    if order in ("updated", "created"):
        return np.lexsort((arrays.titles[chosen], -getattr(arrays, order)[chosen]))
    raise BadQuery(f"order is {order[:30]!r}.", todo="Write relevance, title, id, updated, created or oldest.")
