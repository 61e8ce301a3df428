"""A question to the catalogue: words, filters, order and facets, answered from the index.

All words first: a record must have every word, in any form (stem), as its beginning, or corrected when no record has
it. Only when no record has them all does one with most of them count, and the answer says so. Best first is FTS5's bm25
(Robertson and Zaragoza 2009) with a weight a field.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from arengo.catalogue.index import FIELDS, Arrays, Index
from arengo.catalogue.record import Record, say
from arengo.catalogue.wanted import FacetCount, Found, Hit, Snippet, Suggestion, Wanted
from arengo.catalogue.words import asked, fold, roots, stem, words
from arengo.contract.vocabulary import THEMES
from arengo.errors import BadQuery

if TYPE_CHECKING:
    import numpy as np

WEIGHTS = (12.0, 6.0, 3.0, 2.5, 1.5, 1.0, 2.0)
"""bm25 weight of each of FIELDS."""
BROAD = 4000
"""Records from which on a match is not scored one by one: bm25 costs six microseconds each."""
EXCERPT = 170
Load = Callable[[str], Record | None]
Pages = Callable[[str, str, int], Sequence[Snippet]]
"""(dataset of documents, words, limit) -> snippets of its pages that have the words."""


@dataclass(frozen=True, slots=True)
class _Match:
    """Places of records with scores. ``corrected``: the words looked for instead. ``relaxed``: not all had to be."""

    places: np.ndarray[Any, Any]
    scores: np.ndarray[Any, Any]
    corrected: str = ""
    relaxed: bool = False


def search(index: Index, wanted: Wanted, load: Load, pages: Pages | None = None) -> Found:
    """Raises BadQuery for an order, a facet or a date that is not known; never for any words."""
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
        chosen = match.places[mask[match.places]]
        scores = match.scores[mask[match.places]]
    else:
        match = _Match(np.empty(0, dtype=np.int64), np.empty(0))
        met = np.ones(len(arrays.ids), dtype=bool)
        chosen = np.flatnonzero(mask)
        scores = np.zeros(len(chosen))
    counted = _facets(arrays, wanted, mask, met)
    order = _ordered(arrays, wanted, chosen, scores, bool(given))[wanted.start : wanted.start + wanted.limit]
    hits = []
    for at in order.tolist():
        record = load(arrays.ids[chosen[at]])
        if record is not None:
            question = match.corrected or wanted.words
            shown = (*leaves.get(record.id, ()), *_snippets(index, arrays, int(chosen[at]), record, question, wanted))
            hits.append(Hit(record, float(scores[at]), shown[:4]))
    return Found(tuple(hits), len(chosen), counted, match.corrected, match.relaxed)


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
            expression = " AND ".join(_any_form(word) for word in given)
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
    return '"' + word.replace('"', "") + '"'


def _any_form(word: str) -> str:
    """FTS5 expression of one word: as its beginning, or by a stem."""
    plain = fold(word)
    forms = [f"{_quoted(plain)}*" if len(plain) > 1 else _quoted(plain)]
    forms += [_quoted(f"{root}0") for root in roots(word)]
    return f"({' OR '.join(forms)})"


def _match(index: Index, arrays: Arrays, given: Sequence[str]) -> _Match:
    connection = index.connection()
    found = _run(connection, arrays, " AND ".join(_any_form(word) for word in given))
    if len(found.places):
        return found
    fixed = [word if _occurs(connection, word) else _nearest(index, word) for word in given]
    known = [word for word in fixed if word]
    other = any(new and new != fold(old) for new, old in zip(fixed, given, strict=True))
    said = " ".join(new or old for new, old in zip(fixed, given, strict=True)) if other else ""
    if len(known) == len(given) and said:
        found = _run(connection, arrays, " AND ".join(_any_form(word) for word in known))
        if len(found.places):
            return replace(found, corrected=said)
    if not known:
        return found
    return replace(_most(connection, arrays, known), corrected=said, relaxed=len(given) > 1)


def _most(connection: sqlite3.Connection, arrays: Arrays, given: Sequence[str]) -> _Match:
    """Records that have the most of the words."""
    import numpy as np

    found = _run(connection, arrays, " OR ".join(_any_form(word) for word in given))
    counts = np.zeros(len(arrays.ids), dtype=np.int64)
    for word in given:
        counts[_places(connection, arrays, _any_form(word))] += 1
    best = counts[found.places] == counts.max(initial=0)
    return _Match(found.places[best], found.scores[best])


def _run(connection: sqlite3.Connection, arrays: Arrays, expression: str) -> _Match:
    """What matches, with scores: bm25, or where most of a large catalogue matches, whether it does so in the title."""
    import numpy as np

    places = _places(connection, arrays, expression)
    if len(places) > BROAD:
        scores = np.zeros(len(arrays.ids))
        scores[_places(connection, arrays, f"{{keyword}}: ({expression})")] += 1.0
        scores[_places(connection, arrays, f"{{title}}: ({expression})")] += 2.0
        return _Match(places, scores[places])
    weights = ", ".join(str(weight) for weight in WEIGHTS)
    try:
        rows = connection.execute(
            f"SELECT rowid, -bm25(words, {weights}) FROM words WHERE words MATCH ?", (expression,)
        ).fetchall()
    except sqlite3.OperationalError:
        rows = []
    rows = [(arrays.by_number[n], score) for n, score in rows if n < len(arrays.by_number) and arrays.by_number[n] >= 0]
    return _Match(np.array([row[0] for row in rows], dtype=np.int64), np.array([row[1] for row in rows]))


def _places(connection: sqlite3.Connection, arrays: Arrays, expression: str) -> np.ndarray[Any, Any]:
    """Places of the records that match; one text from SQLite is read faster than a row each."""
    import numpy as np

    try:
        row = connection.execute("SELECT group_concat(rowid) FROM words WHERE words MATCH ?", (expression,)).fetchone()
    except sqlite3.OperationalError:  # whatever was typed that FTS5 cannot read finds nothing
        row = None
    if row is None or not row[0]:
        return np.empty(0, dtype=np.int64)
    numbers = np.array(str(row[0]).split(","), dtype=np.int64)
    numbers = numbers[numbers < len(arrays.by_number)]
    places = arrays.by_number[numbers]
    return places[places >= 0]


def _occurs(connection: sqlite3.Connection, word: str) -> bool:
    try:
        found = connection.execute("SELECT 1 FROM words WHERE words MATCH ? LIMIT 1", (_any_form(word),)).fetchone()
    except sqlite3.OperationalError:
        return False
    return found is not None


@lru_cache(maxsize=4)
def _vocabulary(path: str, version: int) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("SELECT term FROM vocabulary WHERE length(term) > 2 ORDER BY doc DESC LIMIT 200000")
        return [str(row[0]) for row in rows if not str(row[0]).endswith("0")]
    finally:
        connection.close()


def _nearest(index: Index, word: str) -> str:
    """The word of the vocabulary most like a misspelt one, or one that holds it; '' when none is near."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    plain = fold(word)
    if len(plain) < 3:
        return ""
    version = int(index.connection().execute("SELECT n FROM state").fetchone()[0])
    known = _vocabulary(str(index.path), version)
    if len(plain) >= 4:
        inside = next((item for item in known if plain in item), "")
        if inside:
            return inside
    most = 1 if len(plain) < 6 else 2
    near = [item for item in known if abs(len(item) - len(plain)) <= most]
    found = process.extractOne(plain, near, scorer=OSA.distance, score_cutoff=most)
    return str(found[0]) if found else ""


def _leaves(arrays: Arrays, wanted: Wanted, mask: np.ndarray[Any, Any], pages: Pages) -> dict[str, Sequence[Snippet]]:
    """Datasets of documents with the pages that have the words."""
    out: dict[str, Sequence[Snippet]] = {}
    for place in arrays.documents[:200]:
        if mask[place] and (found := pages(arrays.ids[place], wanted.words, 3)):
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


def _facets(
    arrays: Arrays, wanted: Wanted, mask: np.ndarray[Any, Any], met: np.ndarray[Any, Any]
) -> dict[str, tuple[FacetCount, ...]]:
    """Counts of each value among what was found; a facet's own filter does not narrow its counts."""
    import numpy as np

    out: dict[str, tuple[FacetCount, ...]] = {}
    for name in wanted.facets:
        if name not in arrays.facets:
            out[name] = ()
            continue
        among = (mask if not wanted.only.get(name) else _mask(arrays, wanted, without=name)) & met
        starts, codes = arrays.facets[name]
        values = arrays.values[name]
        taken = codes if among.all() else codes[np.repeat(among, np.diff(starts))]
        counts = np.bincount(taken, minlength=len(values))
        most = min(len(values), wanted.facet_limit)
        top = np.argpartition(-counts, most - 1)[:most] if most else np.empty(0, dtype=np.int64)
        best = sorted((code for code in top.tolist() if counts[code]), key=lambda code: (-counts[code], values[code]))
        out[name] = tuple(
            FacetCount(values[code], arrays.labels.get((name, values[code]), {}), int(counts[code])) for code in best
        )
    return out


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


# Showing where the words stand


def marked(text: str, question: str) -> tuple[tuple[str, bool], ...]:
    """``text`` cut where a word of ``question`` stands, in any form: (piece, whether it is one)."""
    wanted = _wanted_roots(question)
    out: list[tuple[str, bool]] = []
    at = 0
    for found in re.finditer(r"[^\W_]+", text):
        if _meets(found.group(), wanted):
            if found.start() > at:
                out.append((text[at : found.start()], False))
            out.append((found.group(), True))
            at = found.end()
    if at < len(text):
        out.append((text[at:], False))
    return tuple(out)


@lru_cache(maxsize=256)
def _wanted_roots(question: str) -> tuple[tuple[str, ...], frozenset[str]]:
    given = asked(question)
    return tuple(fold(word) for word in given if len(word) > 1), frozenset(
        root for word in given for root in roots(word)
    )


@lru_cache(maxsize=65_536)
def _meets(word: str, wanted: tuple[tuple[str, ...], frozenset[str]]) -> bool:
    plain = fold(word)
    starts, known = wanted
    return (
        plain.startswith(starts)
        if starts and plain.startswith(starts)
        else any(root in known for root in roots(word.lower()))
    )


def excerpt(text: str, question: str, length: int = EXCERPT) -> tuple[tuple[str, bool], ...]:
    """The stretch of ``text`` around the first word that is met, () when none is."""
    flat = re.sub(r"\s+", " ", text).strip()
    pieces = marked(flat, question)
    if not any(met for _, met in pieces):
        return ()
    start = 0
    for piece, met in pieces:
        if met:
            break
        start += len(piece)
    begin = flat.rfind(" ", 0, max(0, start - length // 3)) + 1 if start > length // 3 else 0
    end = len(flat) if len(flat) - begin <= length else flat.rfind(" ", begin, begin + length)
    end = end if end > start else min(len(flat), begin + length)
    head = (("… ", False),) if begin else ()
    tail = ((" …", False),) if end < len(flat) else ()
    return (*head, *marked(flat[begin:end], question), *tail)


def _snippets(
    index: Index, arrays: Arrays, place: int, record: Record, question: str, wanted: Wanted
) -> tuple[Snippet, ...]:
    if not asked(question):
        return ()
    out: list[Snippet] = []
    described = [say(record.description, wanted.language)[0], *record.description.values()]
    for text in dict.fromkeys(described):
        if pieces := excerpt(text, question):
            out.append(Snippet("description", pieces))
            break
    labels = []
    for item in record.columns:
        label = say(item.label, wanted.language or record.language)[0] or item.name
        if any(
            met
            for text in (label, *item.label.values(), item.name)
            for _, met in marked(text.replace("_", " "), question)
        ):
            labels.append(label)
    if labels:
        out.append(Snippet("column", tuple((label, True) for label in labels[:4])))
    row = index.connection().execute("SELECT found FROM doc WHERE n = ?", (int(arrays.numbers[place]),)).fetchone()
    values = [
        value
        for value in (row[0].split("\n") if row and row[0] else ())
        if any(met for _, met in marked(value, question))
    ]
    if values:
        out.append(Snippet("value", tuple((value, True) for value in values[:3])))
    return tuple(out)


# While one types


def suggest(index: Index, text: str, language: str, limit: int, load: Load) -> tuple[Suggestion, ...]:
    """What may be meant by what was typed so far: datasets, themes, offices, columns."""
    given = tuple(words(text[:200]))[:8]
    if not given:
        return ()
    arrays = index.arrays()
    connection = index.connection()
    out: list[Suggestion] = []
    beginning = fold(given[-1])
    for code, term in THEMES.items():
        label = term.label(language)
        if any(part.startswith(beginning) for part in fold(label).split()) and len(beginning) > 2 and len(given) == 1:
            out.append(Suggestion("theme", label, f"/datasets?theme={code}"))
    for field, kind in (("title", "dataset"), ("owner", "owner"), ("column_", "column")):
        expression = " AND ".join(f"{{{field}}}: {_any_form(word)}" for word in given)
        weights = ", ".join("10.0" if name == field else "0.0" for name in FIELDS)
        try:
            rows = connection.execute(
                f"SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, {weights}) LIMIT ?",
                (expression, limit),
            ).fetchall()
        except sqlite3.OperationalError:
            continue
        for (number,) in rows:
            place = int(arrays.by_number[number]) if number < len(arrays.by_number) else -1
            record = load(arrays.ids[place]) if place >= 0 else None
            if record is not None:
                out.append(_suggestion(kind, record, given, language))
    unique = {(item.kind, item.text): item for item in out if item.text}
    order = {"dataset": 1, "theme": 0, "owner": 2, "column": 3}
    return tuple(sorted(unique.values(), key=lambda item: order[item.kind])[:limit])


def _suggestion(kind: str, record: Record, given: Sequence[str], language: str) -> Suggestion:
    title = say(record.title, language)[0]
    if kind == "owner" and record.publisher is not None:
        name = say(record.publisher.name, language)[0]
        return Suggestion("owner", name, f"/organisations/{record.publisher.id}")
    if kind == "column":
        for item in record.columns:
            label = say(item.label, language)[0]
            if all(_fits(label, word) or _fits(item.name, word) for word in given):
                return Suggestion("column", label, f"/datasets/{record.id}", title)
    owner = say(record.publisher.name, language)[0] if record.publisher else ""
    return Suggestion("dataset", title, f"/datasets/{record.id}", owner)


def _fits(text: str, word: str) -> bool:
    plain = fold(word)
    return any(
        fold(part).startswith(plain) or stem(part, "en") in roots(word) for part in words(text.replace("_", " "))
    )
