"""A question to the catalogue: words, filters, order and facets, answered from the index.

All words first: a record must have every word, in any form (stem), as its beginning, or corrected when no record has
it. Only when no record has them all does one with most of them count, and the answer says so. Best first is FTS5's bm25
(Robertson and Zaragoza 2009) with a weight a field.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
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
NEAR = 82.0
"""How alike (0 to 100) a word of the vocabulary must be to stand for a misspelt one."""
EXCERPT = 170
Load = Callable[[str], Record | None]
Pages = Callable[[str, str, int], Sequence[Snippet]]
"""(dataset of documents, words, limit) -> snippets of its pages that have the words."""


def search(index: Index, wanted: Wanted, load: Load, pages: Pages | None = None) -> Found:
    """Raises BadQuery for an order, a facet or a date that is not known; never for any words."""
    import numpy as np

    arrays = index.arrays()
    mask = _mask(arrays, wanted)
    corrected, relaxed = "", False
    scores: dict[int, float] = {}
    given = asked(wanted.words)
    leaves: dict[str, Sequence[Snippet]] = {}
    if given:
        scores, corrected, relaxed = _match(index, arrays, given, mask)
        if pages is not None:
            leaves = _leaves(arrays, wanted, mask, scores, pages)
            relaxed = relaxed and not leaves
        chosen = np.fromiter(scores, dtype=np.int64, count=len(scores))
        chosen = chosen[mask[chosen]] if len(chosen) else chosen
    else:
        chosen = np.flatnonzero(mask)
    counted = _facets(arrays, wanted, mask, chosen, bool(given), scores)
    page = _ordered(arrays, wanted, chosen, scores)[wanted.start : wanted.start + wanted.limit]
    hits = []
    for place in page.tolist():
        record = load(arrays.ids[place])
        if record is not None:
            found = (
                *leaves.get(record.id, ()),
                *_snippets(index, arrays, place, record, corrected or wanted.words, wanted),
            )
            hits.append(Hit(record, scores.get(place, 0.0), found[:4]))
    return Found(tuple(hits), len(chosen), counted, corrected, relaxed)


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


def _match(
    index: Index, arrays: Arrays, given: Sequence[str], mask: np.ndarray[Any, Any]
) -> tuple[dict[int, float], str, bool]:
    """(place -> score, corrected words, whether not all words had to occur)."""
    connection = index.connection()
    every = " AND ".join(_any_form(word) for word in given)
    scores = _run(connection, arrays, every)
    if scores:
        return scores, "", False
    fixed = [word if _occurs(connection, word) else _nearest(index, word) for word in given]
    known = [word for word in fixed if word]
    other = any(new and new != fold(old) for new, old in zip(fixed, given, strict=True))
    said = " ".join(new or old for new, old in zip(fixed, given, strict=True)) if other else ""
    if len(known) == len(given) and said:
        scores = _run(connection, arrays, " AND ".join(_any_form(word) for word in known))
        if scores:
            return scores, said, False
    if not known:
        return {}, "", False
    scores = _run(connection, arrays, " OR ".join(_any_form(word) for word in known))
    most = _most(connection, arrays, known, scores)
    return most, said, len(given) > 1 and bool(most)


def _most(
    connection: sqlite3.Connection, arrays: Arrays, given: Sequence[str], scores: Mapping[int, float]
) -> dict[int, float]:
    """Records that have the most of the words."""
    if len(given) < 2:
        return dict(scores)
    counts: dict[int, int] = {}
    for word in given:
        for place in _run(connection, arrays, _any_form(word)):
            counts[place] = counts.get(place, 0) + 1
    best = max(counts.values(), default=0)
    return {place: score for place, score in scores.items() if counts.get(place, 0) == best}


def _run(connection: sqlite3.Connection, arrays: Arrays, expression: str) -> dict[int, float]:
    weights = ", ".join(str(weight) for weight in WEIGHTS)
    try:
        rows = connection.execute(
            f"SELECT rowid, -bm25(words, {weights}) FROM words WHERE words MATCH ?", (expression,)
        ).fetchall()
    except sqlite3.OperationalError:  # whatever was typed that FTS5 cannot read finds nothing
        return {}
    size = len(arrays.by_number)
    return {int(arrays.by_number[n]): score for n, score in rows if n < size and arrays.by_number[n] >= 0}


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


def _leaves(
    arrays: Arrays, wanted: Wanted, mask: np.ndarray[Any, Any], scores: dict[int, float], pages: Pages
) -> dict[str, Sequence[Snippet]]:
    """Pages of documents that have the words; their datasets are found by them too."""
    out: dict[str, Sequence[Snippet]] = {}
    places = {name: place for place, name in enumerate(arrays.ids)} if arrays.documents else {}
    for name in arrays.documents[:200]:
        place = places[name]
        if not mask[place]:
            continue
        found = pages(name, wanted.words, 3)
        if found:
            out[name] = found
            scores[place] = max(scores.get(place, 0.0), 1.0)
    return out


def _facets(
    arrays: Arrays,
    wanted: Wanted,
    mask: np.ndarray[Any, Any],
    chosen: np.ndarray[Any, Any],
    worded: bool,
    scores: Mapping[int, float],
) -> dict[str, tuple[FacetCount, ...]]:
    """Counts of each value among what was found; a facet's own filter does not narrow its counts."""
    import numpy as np

    out: dict[str, tuple[FacetCount, ...]] = {}
    for name in wanted.facets:
        if name not in arrays.facets:
            out[name] = ()
            continue
        among = mask if not wanted.only.get(name) else _mask(arrays, wanted, without=name)
        if worded:
            only = np.zeros(len(arrays.ids), dtype=bool)
            only[np.fromiter(scores, dtype=np.int64, count=len(scores))] = True
            among = among & only
        starts, codes = arrays.facets[name]
        taken = np.repeat(among, np.diff(starts))
        counts = np.bincount(codes[taken], minlength=len(arrays.values[name]))
        best = sorted(np.flatnonzero(counts).tolist(), key=lambda code: (-counts[code], arrays.values[name][code]))
        values = arrays.values[name]
        out[name] = tuple(
            FacetCount(values[code], arrays.labels.get((name, values[code]), {}), int(counts[code]))
            for code in best[: wanted.facet_limit]
        )
    return out


def _ordered(
    arrays: Arrays, wanted: Wanted, chosen: np.ndarray[Any, Any], scores: Mapping[int, float]
) -> np.ndarray[Any, Any]:
    import numpy as np

    order = wanted.order or "relevance"
    if order == "relevance" and scores:
        rank = np.array([-scores.get(place, 0.0) for place in chosen.tolist()])
        return chosen[np.lexsort((arrays.titles[chosen], rank))]
    if order in ("relevance", "title"):
        return chosen[np.argsort(arrays.titles[chosen], kind="stable")]
    if order in ("updated", "created"):
        return chosen[np.lexsort((arrays.titles[chosen], -getattr(arrays, order)[chosen]))]
    raise BadQuery(f"order is {order[:30]!r}.", todo="Write relevance, title, updated or created.")


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
